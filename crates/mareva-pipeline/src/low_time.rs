//! How far the input has got, over partitions that do not wait for each other for ever.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Stream time of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Clock {
    /// Highest event time read, UTC milliseconds; null before the first record.
    stream_time: Option<i64>,
    /// Tick of the last slice that brought a record of it.
    last_tick: i64,
}

/// Low time: the smallest stream time over the partitions that are not idle. It never goes back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LowTime {
    /// By topic, then partition.
    clocks: BTreeMap<String, BTreeMap<i32, Clock>>,
    low: Option<i64>,
}

impl LowTime {
    /// Makes a partition hold low time from now on, before its first record.
    pub fn join(&mut self, topic: &str, partition: i32, tick: i64) {
        let clocks = self.clocks.entry(topic.to_owned()).or_default();
        clocks.entry(partition).or_insert(Clock { stream_time: None, last_tick: tick });
    }

    /// Notes an accepted row.
    pub fn note(&mut self, topic: &str, partition: i32, event_time: i64, tick: i64) {
        if !self.clocks.contains_key(topic) {
            self.clocks.insert(topic.to_owned(), BTreeMap::new());
        }
        let Some(clocks) = self.clocks.get_mut(topic) else { return };
        let clock = clocks.entry(partition).or_insert(Clock { stream_time: None, last_tick: tick });
        clock.stream_time = clock.stream_time.max(Some(event_time));
        clock.last_tick = tick;
    }

    /// Low time after a slice with this tick; partitions silent for `idle_after_ms` do not hold it.
    pub fn advance(&mut self, tick: i64, idle_after_ms: i64) -> Option<i64> {
        let active = self
            .clocks
            .values()
            .flat_map(BTreeMap::values)
            .filter(|c| tick.saturating_sub(c.last_tick) <= idle_after_ms);
        // A partition that has not spoken yet is the lowest of all.
        let lowest = active.map(|clock| clock.stream_time).min().flatten();
        self.low = self.low.max(lowest);
        self.low
    }

    /// Latest event time of all partitions.
    pub fn latest(&self) -> Option<i64> {
        self.clocks.values().flat_map(BTreeMap::values).filter_map(|clock| clock.stream_time).max()
    }

    /// Low time after the last slice.
    pub fn get(&self) -> Option<i64> {
        self.low
    }
}
