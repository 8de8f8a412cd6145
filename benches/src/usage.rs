//! What the process has used, as Linux counts it.

use std::fs;
use std::time::{Duration, Instant};

/// A point in time from which use is counted.
pub struct Usage {
    began: Instant,
    processor: Option<Duration>,
}

/// One tick of `/proc`: a hundredth of a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

impl Usage {
    /// From now on.
    pub fn begin() -> Self {
        Self { began: Instant::now(), processor: processor() }
    }

    /// Processor time of all threads since then, those that have ended included; to a hundredth of a second. Where Linux
    /// does not tell, it is the time on the clock.
    pub fn processor(&self) -> Duration {
        match (processor(), self.processor) {
            (Some(now), Some(then)) => now.saturating_sub(then),
            _ => self.elapsed(),
        }
    }

    /// Time on the clock since then.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Ticks in user and in system mode: the 14th and 15th field of `stat`. The second, in parentheses, may hold spaces.
fn processor() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(TICK * ticks()?.checked_add(ticks()?)?)
}

/// Memory of the process in RAM, bytes; 0 where Linux does not tell.
pub fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) * 1024
}
