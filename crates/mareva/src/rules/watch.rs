//! The folder of rules, looked at every second: other rules are read, checked and offered. What does not load is refused with
//! all its faults, and what is in force stays. It has its own thread: to plan and compile rules takes long.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use mareva_model::{Digest, Refusal};
use mareva_monitoring::Ruleset;

use super::Board;
use crate::STACK;
use crate::open::{load_rules, rule_folders};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Questions that may wait.
const ASKED: usize = 4;
/// Entries of the folder that are looked at; whoever has more rules names another folder.
const MAX_ENTRIES: usize = 20_000;

/// What came of a look that was asked for.
#[derive(Debug)]
pub enum Asked {
    /// Other rules: they take force once their timelines are filled.
    Changed,
    /// The rules in force, or those that are about to be.
    Unchanged,
    /// They do not load.
    Refused(Refusal),
}

/// Somebody who asks for a look now, and waits for what comes of it.
pub type Ask = mpsc::SyncSender<Asked>;

/// The watch. It ends when this is dropped.
#[derive(Debug)]
pub struct Watch {
    ask: Option<mpsc::SyncSender<Ask>>,
    thread: Option<JoinHandle<()>>,
}

/// What tells whether the folder has changed: the files of rules with their sizes and times.
type Look = Vec<(PathBuf, u64, Option<SystemTime>)>;

impl Watch {
    /// Watches `path`. `offered` is the digest of the rules that were read there last.
    ///
    /// # Errors
    /// No thread.
    pub fn start(path: PathBuf, offered: Digest, board: Arc<Board>) -> anyhow::Result<Self> {
        let (ask, asked) = mpsc::sync_channel(ASKED);
        let watching = Watching { path, offered, board, seen: Look::new(), last: Look::new() };
        let thread = Builder::new()
            .name("mareva-rules".to_owned())
            .stack_size(STACK)
            .spawn(move || watching.run(&asked))
            .context("cannot start the thread that watches the rules; raise the limit on processes")?;
        Ok(Self { ask: Some(ask), thread: Some(thread) })
    }

    /// Where to ask for a look.
    pub fn door(&self) -> Option<mpsc::SyncSender<Ask>> {
        self.ask.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ask = None;
        // Doors that are still held elsewhere keep it alive: they end with the process.
        if let Some(thread) = self.thread.take().filter(JoinHandle::is_finished) {
            let _ = thread.join();
        }
    }
}

struct Watching {
    path: PathBuf,
    /// Digest of the rules that were offered last.
    offered: Digest,
    board: Arc<Board>,
    /// What was there when the rules were last read, and what was there a second ago.
    seen: Look,
    last: Look,
}

impl Watching {
    fn run(mut self, asked: &mpsc::Receiver<Ask>) {
        loop {
            match asked.recv_timeout(EVERY) {
                Ok(ask) => {
                    self.seen = look(&self.path).unwrap_or_default();
                    let found = self.read();
                    // Whoever asked may be gone.
                    let _ = ask.try_send(found);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.look(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Reads the rules where the folder is another than when they were last read, and has not changed for a second: whoever
    /// writes several files is not to be interrupted.
    fn look(&mut self) {
        match look(&self.path) {
            Ok(now) if now == self.seen => {}
            Ok(now) if now == self.last => {
                self.seen = now;
                self.read();
            }
            Ok(now) => self.last = now,
            // It may be there again in a second, say after a mount was changed.
            Err(error) => tracing::debug!(path = %self.path.display(), %error, "cannot look at the rules"),
        }
    }

    fn read(&mut self) -> Asked {
        match rule_folders(&self.path).and_then(|folders| load_rules(&folders)) {
            Ok(ruleset) if ruleset.digest() == self.offered => Asked::Unchanged,
            Ok(ruleset) => {
                self.offered = ruleset.digest();
                tell(&ruleset);
                self.board.offer(Arc::new(ruleset));
                Asked::Changed
            }
            Err(refusal) => {
                self.board.refuse(refusal.clone());
                Asked::Refused(refusal)
            }
        }
    }
}

fn tell(ruleset: &Ruleset) {
    tracing::info!(rules = ruleset.rules().len(), digest = %ruleset.digest(), "other rules: filling their timelines");
    for (rule, named) in ruleset.unmet() {
        tracing::warn!(rule, named, "this rule counts signals of a rule that raises none, or is not there");
    }
    for (rule, named) in ruleset.unopposed() {
        tracing::warn!(rule, named, "this rule challenges one that is not there");
    }
}

fn look(path: &Path) -> io::Result<Look> {
    let mut found = Look::new();
    for entry in fs::read_dir(path)?.take(MAX_ENTRIES) {
        let folder = entry?.path();
        for file in ["rule.toml", "rule.sql"] {
            let path = folder.join(file);
            // What is not there is no part of it.
            if let Ok(metadata) = fs::metadata(&path) {
                found.push((path, metadata.len(), metadata.modified().ok()));
            }
        }
    }
    found.sort();
    Ok(found)
}
