//! Other rules or lists, on their way into force.

use std::sync::Arc;

use mareva_model::Digest;
use mareva_monitoring::{Backfill, Ruleset};
use mareva_screening::Watchlist;

use crate::error::Error;
use crate::history::History;
use crate::look_back::LookBack;

/// What is to take force, and what has to be done before it can. [`Change::run`] does the work, on whatever thread, while the
/// pipeline goes on; what was accepted meanwhile is handed over with [`crate::Pipeline::hand_over`], and run again, until
/// little is missing.
#[derive(Debug)]
pub struct Change {
    pub(crate) epoch: Digest,
    /// Where history ended when it began: where it is cut off, rows are numbered anew.
    pub(crate) history: History,
    pub(crate) what: What,
}

/// What changes, and the work: one of the two, so that lists never wait for timelines that are filled.
#[derive(Debug)]
pub(crate) enum What {
    Rules(Arc<Ruleset>, Box<Backfill>),
    Lists(Arc<Watchlist>, Box<LookBack>),
}

/// What another has taken the place of. To drop it takes as long as it is large: that is not to be done where the judging waits
/// for it.
#[derive(Debug)]
pub enum Outgrown {
    /// Timelines.
    Timelines(mareva_monitoring::Outgrown),
    /// Lists.
    Lists(Arc<Watchlist>),
}

impl Change {
    /// The epoch that begins when it is adopted.
    pub fn epoch(&self) -> Digest {
        self.epoch
    }

    /// The rules that are to take force; none where lists are.
    pub fn ruleset(&self) -> Option<&Arc<Ruleset>> {
        match &self.what {
            What::Rules(ruleset, _) => Some(ruleset),
            What::Lists(..) => None,
        }
    }

    /// The lists that are to take force; none where rules are.
    pub fn watchlist(&self) -> Option<&Arc<Watchlist>> {
        match &self.what {
            What::Lists(watchlist, _) => Some(watchlist),
            What::Rules(..) => None,
        }
    }

    /// Puts all that was handed over onto the new timelines, or looks for the new entries in it.
    ///
    /// # Errors
    /// A rule that does not compile, a kernel that fails; rows on disk that cannot be read.
    pub fn run(&mut self) -> Result<(), Error> {
        match &mut self.what {
            What::Rules(_, backfill) => Ok(backfill.run()?),
            What::Lists(_, look_back) => look_back.run().map(drop),
        }
    }
}
