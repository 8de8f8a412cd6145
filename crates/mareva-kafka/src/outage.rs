//! When to tell that commits wait, and that they come again: a line for each outage and a few while it lasts.
use std::time::Duration;

/// A wait that is told of. Brokers that change leaders take a few seconds.
const FIRST: Duration = Duration::from_secs(10);
/// Time between two lines of one outage.
const AGAIN: Duration = Duration::from_secs(30);

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing was committed for so long.
    Waits(Duration),
    /// Commits come again, after so long at least.
    Back(Duration),
}

/// The outage under way, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    told: Option<Duration>,
    longest: Duration,
}

impl Outage {
    /// Looks at how long what was judged has waited without a confirmed commit.
    pub(crate) fn see(&mut self, waits: Duration) -> Option<Word> {
        let Some(told) = self.told else {
            if waits < FIRST {
                return None;
            }
            (self.told, self.longest) = (Some(waits), waits);
            return Some(Word::Waits(waits));
        };
        if waits < self.longest {
            self.told = None;
            return Some(Word::Back(self.longest));
        }
        self.longest = waits;
        if waits < told + AGAIN {
            return None;
        }
        self.told = Some(waits);
        Some(Word::Waits(waits))
    }
}

#[cfg(test)]
mod tests;
