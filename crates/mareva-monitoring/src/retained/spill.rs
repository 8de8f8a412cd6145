//! Retained rows on disk: the oldest blocks leave memory, and come back while they are looked at.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use mareva_model::{TransactionBatch, prepared_schema};

/// Rows of a block on disk: what a look at one row reads.
pub(super) const BLOCK_ROWS: usize = 512;

/// Bytes of a file. Files go as a whole, when all their rows have.
const FILE_BYTES: u64 = 128 << 20;

/// Makes an empty file that nobody else sees and that goes with its handle.
pub type MakeFile = Arc<dyn Fn() -> io::Result<File> + Send + Sync>;

/// Where retained rows go that memory does not hold.
#[derive(Clone)]
pub struct Spill {
    /// Bytes of columns that stay in memory. Indexes and timelines come on top.
    pub memory: usize,
    /// Where the others go.
    pub make: MakeFile,
}

impl std::fmt::Debug for Spill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spill").field("memory", &self.memory).finish_non_exhaustive()
    }
}

/// A block on disk.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    file: Arc<File>,
    at: u64,
    bytes: usize,
}

impl Stored {
    /// Reads the block.
    pub fn read(&self) -> io::Result<TransactionBatch> {
        let mut bytes = vec![0; self.bytes];
        self.file.read_exact_at(&mut bytes, self.at)?;
        let mut bytes = Buffer::from_vec(bytes);
        let damaged = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
        let batch = StreamDecoder::new().decode(&mut bytes).map_err(|_| damaged("no columns"))?;
        let batch = batch.ok_or_else(|| damaged("it breaks off"))?;
        TransactionBatch::try_new(batch).map_err(|_| damaged("other columns"))
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The file that blocks are written to.
#[derive(Debug, Default)]
pub(super) struct Writer {
    open: Option<(Arc<File>, u64)>,
}

impl Writer {
    /// Writes rows as blocks: each with its number of rows.
    pub fn write(&mut self, rows: &TransactionBatch, make: &MakeFile) -> io::Result<Vec<(TransactionBatch, Stored)>> {
        let mut blocks = Vec::with_capacity(rows.len().div_ceil(BLOCK_ROWS));
        for from in (0..rows.len()).step_by(BLOCK_ROWS) {
            let block = rows.batch().slice(from, BLOCK_ROWS.min(rows.len() - from));
            let mut bytes = Vec::with_capacity(BLOCK_ROWS * 1024);
            let written = StreamWriter::try_new(&mut bytes, &prepared_schema()).and_then(|mut writer| {
                writer.write(&block)?;
                writer.finish()
            });
            written.map_err(|_| io::Error::other("columns that cannot be written"))?;
            let (mut file, at) = match self.open.take() {
                Some((file, at)) if at < FILE_BYTES => (file, at),
                _ => (Arc::new(make()?), 0),
            };
            file.write_all(&bytes)?;
            self.open = Some((file.clone(), at + bytes.len() as u64));
            let block = TransactionBatch::try_new(block).map_err(|_| io::Error::other("other columns"))?;
            blocks.push((block, Stored { file, at, bytes: bytes.len() }));
        }
        Ok(blocks)
    }
}
