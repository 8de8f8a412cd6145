//! The files of lists, looked at several times a second: one that changed is loaded, held against the version in force and offered.
//! What does not load, or has lost too much, is refused with all its faults, and what is in force stays. It has its own thread:
//! to load a list takes long.

use std::fs;
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};

use mareva_screening::{LoadedList, Watchlist};

use super::Board;
use super::look::{Look, look_at};
use super::thread::Told;
use crate::config::ListFile;
use crate::open::{doubts, reload};

/// Time between two looks.
const EVERY: Duration = Duration::from_millis(200);
/// Looks for which a file must stay as it is before it is read: whoever writes it in place is not to be interrupted. One that was
/// moved into place is whole and read at once.
const STEADY: u32 = 3;
/// Looks before lists that could not take force, with a full disk say, are offered again: ten seconds.
const PUT_OFF: u32 = 50;
/// A file that was modified so long before it was read is the one that was read: clocks of file systems are coarse.
const GRACE: Duration = Duration::from_secs(2);
/// Files of a folder that are looked at: an OFAC set has eight.
const MAX_FILES: usize = 1_000;

/// The watch. It ends when this is dropped.
#[derive(Debug)]
pub struct ListWatch {
    _thread: Told<()>,
}

struct Watched {
    file: ListFile,
    /// The version that was offered last, or is in force.
    list: Arc<LoadedList>,
    read: Look,
    last: Look,
    /// Looks since it became what it was at the last one.
    steady: u32,
}

impl ListWatch {
    /// Watches the files of lists that are in force, which were read at `read_at` or after.
    ///
    /// # Errors
    /// No thread.
    pub fn start(
        files: Vec<ListFile>,
        (lists, read_at): (Arc<Watchlist>, SystemTime),
        board: Arc<Board>,
    ) -> anyhow::Result<Self> {
        let watched = files.into_iter().zip(lists.loaded().to_vec()).map(|(file, list)| {
            let now = look(&file);
            let before = |time: SystemTime| read_at.duration_since(time).is_ok_and(|since| since >= GRACE);
            let as_read = now.iter().all(|seen| seen.modified.is_some_and(before));
            // What may have changed since it was read is read again.
            let read = if as_read { now } else { Look::new() };
            Watched { file, list, read, last: Look::new(), steady: 0 }
        });
        let mut watched: Vec<Watched> = watched.collect();
        let work = move |stopped: mpsc::Receiver<()>| {
            let mut put_off = 0;
            while stopped.recv_timeout(EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                if board.take_lists_failed() {
                    put_off = PUT_OFF;
                } else if put_off > 0 {
                    put_off -= 1;
                    if put_off == 0 {
                        offer(&watched, &[], &board);
                    }
                }
                let mut changed = Vec::new();
                for one in &mut watched {
                    if one.is_other() && one.read_again(&board) {
                        changed.push(one.file.list.name.clone());
                    }
                }
                if !changed.is_empty() {
                    offer(&watched, &changed, &board);
                }
            }
        };
        Ok(Self { _thread: Told::start("mareva-lists", 0, work)? })
    }
}

impl Watched {
    /// Whether the files are others than those read last, and have been so for a while.
    fn is_other(&mut self) -> bool {
        let now = look(&self.file);
        self.steady = if now == self.last { self.steady.saturating_add(1) } else { 1 };
        self.last = now;
        self.last != self.read && (self.steady >= STEADY || self.is_whole())
    }

    /// Whether all that has changed is the only file of the list, and that was moved into place: of several one may come first.
    fn is_whole(&self) -> bool {
        let path = &self.file.list.path;
        let own = self.last.iter().find(|seen| seen.path == *path).is_some_and(|own| own.was_moved_here(&self.read));
        let others = || self.last.iter().filter(|seen| seen.path != *path);
        own && self.file.list.parts.is_empty() && others().all(|seen| self.read.contains(seen))
    }

    /// Reads the list; whether it is another one now.
    fn read_again(&mut self, board: &Board) -> bool {
        self.read.clone_from(&self.last);
        let name = &self.file.list.name;
        match reload(&self.file, &self.list) {
            Ok(None) => false,
            Ok(Some(list)) => {
                let (from, to) = (&self.list.list().version, &list.list().version);
                tracing::info!(list = name, %from, %to, entries = list.counts().entries, "another version of a list");
                self.list = list;
                true
            }
            Err(refusal) => {
                board.refuse_list(name, &refusal);
                false
            }
        }
    }
}

/// Offers all lists; of those that changed it says what somebody should look at.
fn offer(watched: &[Watched], changed: &[String], board: &Board) {
    match Watchlist::new(watched.iter().map(|one| one.list.clone()).collect()) {
        Ok(lists) => {
            for list in lists.lists().iter().filter(|list| changed.contains(&list.list.name)) {
                for doubt in doubts(list) {
                    tracing::warn!(list = list.list.name, "{doubt}");
                }
            }
            board.offer_lists(Arc::new(lists));
        }
        Err(refusal) => board.refuse_list("all", &refusal),
    }
}

/// The files of a list.
fn look(file: &ListFile) -> Look {
    let inside =
        fs::read_dir(&file.list.path).into_iter().flatten().flatten().take(MAX_FILES).map(|entry| entry.path());
    let parts = file.list.parts.iter().map(|part| part.path.clone());
    look_at(inside.chain(parts).chain([file.list.path.clone()]).chain(file.key_file.clone()))
}
