//! Places where a test makes the process die. For tests only: a production run passes [`Failpoints::default`].
use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A place where the process can be made to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failpoint {
    /// Records of a transaction are written, its offsets are not sent.
    BeforeOffsets,
    /// Offsets are sent.
    AfterOffsets,
    /// Just before the commit.
    BeforeCommit,
    /// The broker has confirmed the commit; nobody here knows yet.
    AfterCommit,
    /// A snapshot is complete on disk under its temporary name.
    BeforeSnapshotRename,
    /// A snapshot has its final name; older ones are still there.
    AfterSnapshotRename,
    /// A recorded slice was judged again.
    DuringReplay,
}

const NAMES: [(&str, Failpoint); 7] = [
    ("before_offsets", Failpoint::BeforeOffsets),
    ("after_offsets", Failpoint::AfterOffsets),
    ("before_commit", Failpoint::BeforeCommit),
    ("after_commit", Failpoint::AfterCommit),
    ("before_snapshot_rename", Failpoint::BeforeSnapshotRename),
    ("after_snapshot_rename", Failpoint::AfterSnapshotRename),
    ("during_replay", Failpoint::DuringReplay),
];

/// At most one failpoint, and at which passing it strikes.
#[derive(Debug, Clone, Default)]
pub struct Failpoints(Option<Arc<Armed>>);

#[derive(Debug)]
struct Armed {
    at: Failpoint,
    passings_left: AtomicU64,
}

impl Failpoints {
    /// Dies (as `kill -9` would) at the `passing`-th passing of `at`, counted from 1.
    pub fn armed(at: Failpoint, passing: u64) -> Self {
        Self(Some(Arc::new(Armed { at, passings_left: AtomicU64::new(passing.max(1)) })))
    }

    pub(crate) fn pass(&self, at: Failpoint) {
        if let Some(armed) = &self.0
            && armed.at == at
            && armed.passings_left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }
}

impl FromStr for Failpoints {
    type Err = String;

    /// `NAME` or `NAME:N`, as the environment variable `MAREVA_FAILPOINT` holds it; empty for none.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let (name, passing) = text.split_once(':').unwrap_or((text, "1"));
        let at = NAMES.iter().find(|(known, _)| *known == name).map(|(_, at)| *at);
        match (at, passing.parse()) {
            (Some(at), Ok(passing)) => Ok(Self::armed(at, passing)),
            _ => {
                let known: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
                Err(format!("no failpoint `{text}`; write one of {} and, if you like, `:N`", known.join(", ")))
            }
        }
    }
}
