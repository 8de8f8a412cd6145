//! What the process has used, as Linux counts it.

use std::fs;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

/// A point in time from which use is counted.
pub struct Usage {
    began: Instant,
    processor: ProcessTime,
}

impl Usage {
    /// From now on.
    pub fn begin() -> Self {
        Self { began: Instant::now(), processor: ProcessTime::now() }
    }

    /// Processor time of all threads since then, those that have ended included.
    pub fn processor(&self) -> Duration {
        self.processor.elapsed()
    }

    /// Time on the clock since then.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Memory of the process in RAM, bytes; 0 where Linux does not tell.
pub fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) * 1024
}
