//! Reading and decoding ahead of the slice that is judged.

use std::sync::mpsc;
use std::thread::{Builder, scope};

use anyhow::{Context as _, Result, anyhow};
use mareva_pipeline::{DecodedSlice, InputSlice, SliceDecoder};

use super::Merge;
use crate::STACK;

/// Slices that wait, decoded.
const AHEAD: usize = 2;

/// A slice, what it holds, and how many bytes of the files were read until its end.
pub struct ReadSlice {
    pub slice: InputSlice,
    pub decoded: DecodedSlice,
    pub bytes: u64,
}

/// Reads and decodes slices on a thread of its own, and has each taken on this one, in order.
///
/// # Errors
/// What the file system reports, and those of `take`, after which no more is read.
pub fn read_ahead(
    mut merge: Merge,
    mut decoder: SliceDecoder,
    mut take: impl FnMut(ReadSlice) -> Result<()>,
) -> Result<()> {
    scope(|scope| {
        let (ready, slices) = mpsc::sync_channel(AHEAD);
        let read = move || -> Result<()> {
            while let Some(slice) = merge.next_slice().context("cannot read the records")? {
                let decoded = decoder.decode(&slice)?;
                if ready.send(ReadSlice { slice, decoded, bytes: merge.bytes() }).is_err() {
                    // The one that takes them has failed.
                    break;
                }
            }
            Ok(())
        };
        let named = Builder::new().name("mareva-reader".to_owned()).stack_size(STACK);
        let reader = named.spawn_scoped(scope, read).context("cannot start the thread that reads records")?;
        slices.into_iter().try_for_each(&mut take)?;
        reader.join().map_err(|_| anyhow!("the thread that reads records has panicked; please report it"))?
    })
}
