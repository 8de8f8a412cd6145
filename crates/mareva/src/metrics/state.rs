//! Metrics of what is kept in memory and on disk.

use mareva_monitoring::Sizes;
use prometheus::IntGauge;

use super::register::Make;
use super::signed;

/// What is kept in memory.
pub(super) struct State {
    rows: IntGauge,
    max_rows: IntGauge,
    over_budget: IntGauge,
    bytes: IntGauge,
    rows_on_disk: IntGauge,
    disk_bytes: IntGauge,
    keys: IntGauge,
    timeline_rows: IntGauge,
    fact_bytes: IntGauge,
    signals: IntGauge,
    standing: IntGauge,
}

impl State {
    pub fn new(make: &Make<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            rows: make.gauge("mareva_retained_rows", "Transactions retained.")?,
            max_rows: make.gauge("mareva_retained_budget_rows", "Transactions that may be retained.")?,
            over_budget: make.gauge("mareva_retained_over_budget", "1 while more is retained than may be.")?,
            bytes: make.gauge("mareva_retained_bytes", "Memory of the retained transactions and their indexes.")?,
            rows_on_disk: make.gauge("mareva_retained_disk_rows", "Of the transactions retained those on disk.")?,
            disk_bytes: make.gauge("mareva_retained_disk_bytes", "Bytes of the retained transactions on disk.")?,
            keys: make.gauge("mareva_timeline_keys", "Keys on timelines, all dimensions.")?,
            timeline_rows: make.gauge("mareva_timeline_rows", "Rows on timelines, all dimensions.")?,
            fact_bytes: make.gauge("mareva_fact_bytes", "Memory of the values that rules read from rows.")?,
            signals: make.gauge("mareva_signals", "Signals that stand.")?,
            standing: make.gauge("mareva_detections_standing", "Detections that a late row may still change.")?,
        })
    }

    /// What is kept, beside the most rows that the config allows.
    pub fn set(&self, sizes: &Sizes, max_rows: u64) {
        self.rows.set(signed(sizes.rows));
        self.max_rows.set(signed(max_rows));
        self.over_budget.set(i64::from(sizes.over_budget));
        self.bytes.set(signed(sizes.retained_bytes as u64));
        self.rows_on_disk.set(signed(sizes.rows_on_disk));
        self.disk_bytes.set(signed(sizes.disk_bytes));
        self.keys.set(signed(sizes.keys as u64));
        self.timeline_rows.set(signed(sizes.timeline_rows as u64));
        self.fact_bytes.set(signed(sizes.fact_bytes as u64));
        self.signals.set(signed(sizes.signals as u64));
        self.standing.set(signed(sizes.standing as u64));
    }
}
