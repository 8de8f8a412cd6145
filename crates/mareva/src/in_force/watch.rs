//! The folder of rules, looked at every second: other rules are read, checked and offered. What does not load is refused with
//! all its faults, and what is in force stays. It has its own thread: to plan and compile rules takes long.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use mareva_model::Refusal;
use mareva_monitoring::{RuleText, Ruleset};

use super::Board;
use super::look::{Look, look_at};
use super::thread::Told;
use crate::open::{load_rules, notices, rule_folders, without_evidence};

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
pub struct Watch(Told<Ask>);

impl Watch {
    /// Watches `path`. `read` are the rules that were read there last.
    ///
    /// # Errors
    /// No thread.
    pub fn start(path: PathBuf, read: Arc<Ruleset>, board: Arc<Board>) -> anyhow::Result<Self> {
        board.have_read(read.digest());
        let watching = Watching { path, read, board, seen: Some(Look::new()), last: Some(Look::new()) };
        Told::start("mareva-rules", ASKED, move |asked| watching.run(&asked)).map(Self)
    }

    /// Where to ask for a look.
    pub fn door(&self) -> Option<mpsc::SyncSender<Ask>> {
        self.0.door().cloned()
    }
}

struct Watching {
    path: PathBuf,
    /// The rules that were read last.
    read: Arc<Ruleset>,
    board: Arc<Board>,
    /// What was there when the rules were last read, and what was there a second ago; none where nobody could look.
    seen: Option<Look>,
    last: Option<Look>,
}

impl Watching {
    fn run(mut self, asked: &mpsc::Receiver<Ask>) {
        loop {
            match asked.recv_timeout(EVERY) {
                Ok(ask) => {
                    self.seen = look(&self.path).ok();
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
        // Where it cannot be looked at, it may be there again in a second, say after a mount was changed.
        let now = look(&self.path).ok();
        if now != self.seen && now == self.last {
            self.seen.clone_from(&now);
            self.read();
        }
        self.last = now;
    }

    fn read(&mut self) -> Asked {
        let read = rule_folders(&self.path).and_then(|folders| Ok((load_rules(&folders)?, without_evidence(&folders))));
        match read {
            Ok((ruleset, _)) if !self.board.are_others(ruleset.digest()) => match self.board.is_waiting() {
                true => Asked::Changed,
                false => Asked::Unchanged,
            },
            Ok((ruleset, untried)) => {
                let ruleset = Arc::new(ruleset);
                let former = std::mem::replace(&mut self.read, ruleset.clone());
                tell(&former, &ruleset, untried);
                self.board.offer(ruleset);
                Asked::Changed
            }
            Err(refusal) => {
                self.board.refuse(refusal.clone());
                Asked::Refused(refusal)
            }
        }
    }
}

fn tell(former: &Ruleset, ruleset: &Ruleset, untried: Option<String>) {
    let Difference { added, changed, retired, unnumbered } = Difference::between(former, ruleset);
    let (rules, digest) = (ruleset.rules().len(), ruleset.digest());
    tracing::info!(rules, %digest, ?added, ?changed, ?retired, "other rules: filling their timelines");
    for rule in unnumbered {
        tracing::warn!(rule, "this rule has other text or parameters under the same version: count its version up");
    }
    notices(ruleset).into_iter().chain(untried).for_each(|notice| tracing::warn!("{notice}"));
}

/// How rules differ from those before them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Difference {
    pub added: Vec<String>,
    /// With their versions.
    pub changed: Vec<String>,
    pub retired: Vec<String>,
    /// Those that changed and have the version of before.
    pub unnumbered: Vec<String>,
}

impl Difference {
    pub fn between(former: &Ruleset, ruleset: &Ruleset) -> Self {
        let mut found = Self::default();
        let by_id = |ruleset: &Ruleset| -> BTreeMap<String, (u32, RuleText)> {
            let versions = ruleset.rules().iter().map(|rule| rule.reference.version);
            let texts = ruleset.texts().into_iter();
            texts.zip(versions).map(|(text, version)| (text.folder.clone(), (version, text))).collect()
        };
        let (mut before, after) = (by_id(former), by_id(ruleset));
        for (id, (version, text)) in after {
            match before.remove(&id) {
                None => found.added.push(id),
                Some((_, known)) if known == text => {}
                Some((known, _)) => {
                    found.changed.push(format!("{id} v{known} to v{version}"));
                    found.unnumbered.extend((known == version).then_some(id));
                }
            }
        }
        found.retired.extend(before.into_keys());
        found
    }
}

fn look(path: &Path) -> io::Result<Look> {
    let folders: io::Result<Vec<PathBuf>> =
        fs::read_dir(path)?.take(MAX_ENTRIES).map(|entry| Ok(entry?.path())).collect();
    Ok(look_at(folders?.into_iter().flat_map(|folder| ["rule.toml", "rule.sql"].map(|file| folder.join(file)))))
}
