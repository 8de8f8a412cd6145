//! Decisions of a slice: they take force before its transactions are looked at.

use mareva_model::{DeadLetter, Decision, SourcePosition};

use super::Pipeline;
use crate::decisions::{Circumstances, Decisions, Mules, Refused, Turn, Turned, entry_id};
use crate::decoding::ReadDecision;
use crate::error::Error;
use crate::screen::Screen;
use crate::slice::{InputRecord, InputSlice};

/// Rows of one account that a new mule is looked for in, the newest: an alert names as many.
const MAX_ROWS: usize = 4_096;

/// What came of the decisions of a slice.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    pub refused: Vec<DeadLetter>,
    pub taken: u64,
}

impl Pipeline {
    /// Decisions in force.
    pub fn decisions(&self) -> &Decisions {
        self.alerts.decisions()
    }

    /// Ends the decisions whose time is over, and has those of a slice take force, in order.
    pub(super) fn decide(
        &mut self,
        slice: &InputSlice,
        decisions: Vec<(usize, ReadDecision)>,
    ) -> Result<Decided, Error> {
        let mut turns = self.alerts.expire_decisions(slice.tick, &self.parts.accounts);
        let mut decided = Decided::default();
        for (number, read) in decisions {
            let Some(record) = slice.records.get(number) else { continue };
            match read.map(|decision| self.take_decision(decision, slice.tick, record)) {
                Ok(Ok(taken)) => {
                    decided.taken += 1;
                    turns.extend(taken);
                }
                Ok(Err((reason, detail))) => {
                    let letter = DeadLetter::new(position(record), reason, detail, &record.payload);
                    decided.refused.push(letter);
                }
                Err(letter) => decided.refused.push(*letter),
            }
        }
        self.turn_mules(&turns)?;
        Ok(decided)
    }

    fn take_decision(&mut self, decision: Decision, tick: i64, record: &InputRecord) -> Result<Vec<Turn>, Refused> {
        let config = &self.parts.config;
        let around = Circumstances {
            tick,
            waiting: self.found_before.len(),
            append_time: record.append_time,
            max_ahead_ms: config.max_ahead_ms,
            longest_ms: config.decisions.longest_ms,
            most: config.decisions.max_in_force,
            accounts: &self.parts.accounts,
            rules: &self.parts.ruleset,
            lists: &self.parts.watchlist,
        };
        self.alerts.decide(decision, &around)
    }

    /// Has what mules did before looked through, and forgets what waits of those that are none.
    fn turn_mules(&mut self, turns: &[Turn]) -> Result<(), Error> {
        let of_mules = turns.iter().filter_map(|turn| Some((turn, Mules::of(&turn.decision)?)));
        let of_mules: Vec<_> = of_mules.collect();
        if of_mules.is_empty() {
            return Ok(());
        }
        self.screen.know_mules(self.alerts.decisions().mules());
        for (Turn { decision, is }, (account, alone)) in of_mules {
            match is {
                Turned::Begun => self.look_back_on(&account, alone)?,
                Turned::Revoked => {
                    let entry = entry_id(decision);
                    self.found_before.retain(|hit| hit.entry.id != entry);
                }
                Turned::Ended => {}
            }
        }
        Ok(())
    }

    /// Looks for an account in the rows that were judged before. The hits come with this slice and the next ones.
    fn look_back_on(&mut self, account: &str, alone: Mules) -> Result<(), Error> {
        let retained = self.monitor.retained();
        let since = self.alerts.low_time().map_or(i64::MIN, |low| low.saturating_sub(self.parts.config.lookback_ms));
        let movements = retained.movements(account, since, i64::MAX);
        let mut screen = Screen::of_mules(alone)?;
        let newest = movements.get(movements.len().saturating_sub(MAX_ROWS)..).unwrap_or_default();
        let mut rows: Vec<_> = newest.iter().map(|movement| movement.row).collect();
        rows.dedup();
        for view in rows.into_iter().filter_map(|row| retained.transaction(row)) {
            let (batch, row) = view.place();
            self.found_before.extend(screen.retained(batch, [row]).into_iter().map(|(_, hit)| hit));
        }
        Ok(())
    }
}

fn position(record: &InputRecord) -> SourcePosition {
    SourcePosition { topic: record.topic.to_string(), partition: record.partition, offset: record.offset, index: 0 }
}
