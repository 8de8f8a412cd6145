//! Snapshots: the state after a slice, in a folder.
//!
//! File: `MAREVASN`, format version (u32), length of the description (u32), length of the state (u64), BLAKE3 of
//! description and state (32 bytes), description (JSON), state. Numbers are little-endian. It is written under a temporary
//! name, flushed to disk, and gets its final name only when its slice is committed.
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use mareva_model::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    failpoint::{Failpoint, Failpoints},
    judge::{JudgeError, WriteState},
    machine::Input,
    mailbox::{Letter, Mailbox},
    record::{Judged, TopicPartition},
};

const MAGIC: &[u8; 8] = b"MAREVASN";
const VERSION: u32 = 1;
const HEADER: usize = 8 + 4 + 4 + 8 + 32;
const CHUNK: usize = 1 << 20;

/// Description of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotInfo {
    /// Last slice in it.
    pub seq: u64,
    /// Epoch of the judge.
    pub epoch: Digest,
    /// Digest of the history that the state began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Digest>,
    /// Next offsets of the input after that slice.
    pub positions: Judged,
}

impl SnapshotInfo {
    pub(crate) fn new(
        seq: u64,
        epoch: Digest,
        history: Option<Digest>,
        positions: &BTreeMap<TopicPartition, i64>,
    ) -> Self {
        let mut judged = Judged::new();
        for (at, offset) in positions {
            judged.entry(at.topic.clone()).or_default().insert(at.partition, *offset);
        }
        Self { seq, epoch, history, positions: judged }
    }

    /// Why it cannot be started from, when it cannot.
    fn unusable(&self, not_after: u64, knows: &dyn Fn(Digest) -> bool) -> Option<String> {
        if !knows(self.epoch) {
            return Some(format!("it was written under epoch {}, and what that was is not known", self.epoch));
        }
        (self.seq > not_after).then(|| format!("it holds slice {}, wanted is one up to slice {not_after}", self.seq))
    }

    pub(crate) fn next_offsets(&self) -> BTreeMap<TopicPartition, i64> {
        let each = |(topic, partitions): (&Arc<str>, &BTreeMap<i32, i64>)| {
            let topic = topic.clone();
            let at = move |(partition, offset): (&i32, &i64)| (TopicPartition::new(topic.clone(), *partition), *offset);
            partitions.iter().map(at).collect::<Vec<_>>()
        };
        self.positions.iter().flat_map(each).collect()
    }
}

/// A folder of snapshots.
#[derive(Debug, Clone)]
pub struct SnapshotStore {
    folder: PathBuf,
    keep: usize,
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |error| Error::Snapshot { doing, path: path.to_owned(), error }
}

impl SnapshotStore {
    /// The folder, made if need be; what an earlier run left unfinished is removed.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: impl Into<PathBuf>, keep: usize) -> Result<Self, Error> {
        let store = Self { folder: folder.into(), keep: keep.max(1) };
        fs::create_dir_all(&store.folder).map_err(failed("cannot make the snapshot folder", &store.folder))?;
        for path in store.files("partial")? {
            fs::remove_file(&path).map_err(failed("cannot remove the unfinished snapshot", &path))?;
        }
        Ok(store)
    }

    fn files(&self, extension: &str) -> Result<Vec<PathBuf>, Error> {
        let list = fs::read_dir(&self.folder).map_err(failed("cannot read the snapshot folder", &self.folder))?;
        let mut paths = Vec::new();
        for entry in list {
            let path = entry.map_err(failed("cannot read the snapshot folder", &self.folder))?.path();
            if path.extension().is_some_and(|found| found == extension) {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn path(&self, seq: u64, extension: &str) -> PathBuf {
        // Twenty digits: in order of names is in order of numbers.
        self.folder.join(format!("snapshot-{seq:020}.{extension}"))
    }

    /// The newest whole snapshot of a known epoch with a slice number up to `not_after`, positioned at its state. Others are passed
    /// over with a warning: the start takes longer for it.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn newest(
        &self,
        not_after: u64,
        knows: &dyn Fn(Digest) -> bool,
    ) -> Result<Option<(SnapshotInfo, PathBuf, impl Read + Send + use<>)>, Error> {
        for path in self.files("mareva")?.into_iter().rev() {
            match open_whole(&path) {
                Ok((info, state)) => match info.unusable(not_after, knows) {
                    None => return Ok(Some((info, path, state))),
                    Some(reason) => tracing::warn!(path = %path.display(), reason, "snapshot not used"),
                },
                Err(error) => tracing::warn!(path = %path.display(), %error, "snapshot is damaged"),
            }
        }
        Ok(None)
    }

    /// Last slice in the oldest snapshot that is kept.
    pub(crate) fn oldest(&self) -> Result<Option<u64>, Error> {
        let files = self.files("mareva")?;
        let number = |path: &PathBuf| path.file_stem()?.to_str()?.strip_prefix("snapshot-")?.parse().ok();
        Ok(files.iter().filter_map(number).min())
    }

    /// Gives the written snapshot of `seq` its name and removes all but the newest.
    fn publish(&self, seq: u64, failpoints: &Failpoints) -> Result<(), Error> {
        let (from, to) = (self.path(seq, "partial"), self.path(seq, "mareva"));
        failpoints.pass(Failpoint::BeforeSnapshotRename);
        fs::rename(&from, &to).map_err(failed("cannot name the snapshot", &to))?;
        let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.map_err(failed("cannot flush the snapshot folder", &self.folder))?;
        failpoints.pass(Failpoint::AfterSnapshotRename);
        let files = self.files("mareva")?;
        for path in &files[..files.len().saturating_sub(self.keep)] {
            fs::remove_file(path).map_err(failed("cannot remove the old snapshot", path))?;
        }
        Ok(())
    }
}

/// Reads the header and checks the digest of the rest.
fn open_whole(path: &Path) -> io::Result<(SnapshotInfo, impl Read + Send + use<>)> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut file = File::open(path)?;
    let mut header = [0u8; HEADER];
    file.read_exact(&mut header)?;
    if &header[..8] != MAGIC {
        return Err(wrong("it is no snapshot"));
    }
    let u32_at = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if u32_at(8) != VERSION {
        return Err(wrong("its format version is not known"));
    }
    let described = u64::from(u32_at(12));
    let length = u64::from(u32_at(16)) | u64::from(u32_at(20)) << 32;
    if file.metadata()?.len() != HEADER as u64 + described + length {
        return Err(wrong("its length is not what its header says"));
    }
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut BufReader::with_capacity(CHUNK, &file), &mut hasher)?;
    if hasher.finalize().as_bytes() != &header[24..56] {
        return Err(wrong("its digest is not what its header says"));
    }
    file.seek(SeekFrom::Start(HEADER as u64))?;
    let mut state = BufReader::with_capacity(CHUNK, file);
    let mut description = Vec::new();
    (&mut state).take(described).read_to_end(&mut description)?;
    let info = serde_json::from_slice(&description).map_err(|error| wrong(&error.to_string()))?;
    Ok((info, state))
}

/// A snapshot being written.
struct Partial {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    described: u32,
    length: u64,
}

impl Partial {
    fn create(path: &Path, info: &SnapshotInfo) -> io::Result<Self> {
        let description = serde_json::to_vec(info)?;
        let mut file = BufWriter::with_capacity(CHUNK, File::create(path)?);
        file.write_all(&[0; HEADER])?;
        file.write_all(&description)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&description);
        let described = u32::try_from(description.len()).map_err(io::Error::other)?;
        Ok(Self { file, hasher, described, length: 0 })
    }

    fn finish(self) -> io::Result<()> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(MAGIC)?;
        file.write_all(&VERSION.to_le_bytes())?;
        file.write_all(&self.described.to_le_bytes())?;
        file.write_all(&self.length.to_le_bytes())?;
        file.write_all(self.hasher.finalize().as_bytes())?;
        file.sync_all()
    }
}

enum Order {
    Write(SnapshotInfo, WriteState),
    Publish(u64),
}

/// Orders that may wait: a snapshot is written, and then published, before the next one begins.
const ORDERS: usize = 2;

/// The thread that writes snapshots: judging goes on meanwhile.
pub(crate) struct SnapshotWriter {
    orders: Option<mpsc::SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
    /// Bytes of the state in the last one.
    bytes: Arc<AtomicU64>,
}

impl SnapshotWriter {
    pub(crate) fn start(store: SnapshotStore, failpoints: Failpoints, mailbox: &Arc<Mailbox>) -> Result<Self, Error> {
        let name = "mareva-snapshots";
        let (orders, received) = mpsc::sync_channel(ORDERS);
        let (mailbox, bytes) = (mailbox.clone(), Arc::new(AtomicU64::new(0)));
        let written = bytes.clone();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                for order in received {
                    mailbox.reply(Letter::Input(match order {
                        Order::Write(info, state) => store.write_or_tell(&info, state, &written),
                        Order::Publish(seq) => store.publish_or_tell(seq, &failpoints),
                    }));
                }
            })
            .map_err(|error| Error::Thread { name, error })?;
        Ok(Self { orders: Some(orders), thread: Some(thread), bytes })
    }

    /// Has a state written; the answer comes by the mailbox.
    pub(crate) fn write(&self, info: SnapshotInfo, state: WriteState) -> Result<(), Error> {
        self.order(Order::Write(info, state))
    }

    pub(crate) fn publish(&self, seq: u64) -> Result<(), Error> {
        self.order(Order::Publish(seq))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn order(&self, order: Order) -> Result<(), Error> {
        let sent = self.orders.as_ref().map(|orders| orders.send(order));
        if matches!(sent, Some(Ok(()))) { Ok(()) } else { Err(Error::ThreadLost("mareva-snapshots")) }
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported on standard error; there is nothing to add.
            let _ = thread.join();
        }
    }
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl SnapshotStore {
    fn write(&self, info: &SnapshotInfo, state: WriteState) -> Result<u64, JudgeError> {
        let mut partial = Partial::create(&self.path(info.seq, "partial"), info)?;
        state(&mut partial)?;
        let bytes = partial.length;
        partial.finish()?;
        Ok(bytes)
    }

    fn write_or_tell(&self, info: &SnapshotInfo, state: WriteState, bytes: &AtomicU64) -> Input {
        let seq = info.seq;
        match self.write(info, state) {
            Ok(written) => {
                bytes.store(written, Ordering::Relaxed);
                Input::SnapshotWritten(seq)
            }
            Err(error) => {
                tracing::error!(seq, %error, folder = %self.folder.display(), "cannot write a snapshot");
                // The disk may be full of them; what cannot be removed now is removed at the next start.
                let _ = fs::remove_file(self.path(seq, "partial"));
                Input::SnapshotFailed(seq)
            }
        }
    }

    fn publish_or_tell(&self, seq: u64, failpoints: &Failpoints) -> Input {
        match self.publish(seq, failpoints) {
            Ok(()) => Input::SnapshotPublished(seq),
            Err(error) => {
                tracing::error!(seq, %error, "cannot publish a snapshot");
                Input::SnapshotFailed(seq)
            }
        }
    }
}

#[cfg(test)]
mod tests;
