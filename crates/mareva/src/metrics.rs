//! The metrics of the binary. Every name stands in this file or those below it and is explained in `deploy/metrics.md`; a test compares the
//! two. Plain figures from the libraries enter, Prometheus text leaves. Labels are words that the operator wrote (topics,
//! rules, lists) or that the code fixes; never an account, a name or a transaction.

mod register;
mod rules;
mod state;
mod words;
mod zeros;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use mareva_kafka::Stats;
use mareva_model::alert::Alert;
use mareva_model::{Digest, MatchedOn};
use mareva_monitoring::Sizes;
use mareva_pipeline::{Counts, InputSlice, Output};
use mareva_screening::ListSummary;
use prometheus::{Counter, Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder};

use register::{Advance, Make, Millis};
use rules::Changing;
use state::State;
pub(crate) use words::reason;
use words::{kind, regime, status};

/// All metrics of the process. Cheap to update: per slice and per second, never per record.
pub struct Metrics {
    registry: Registry,
    about: About,
    input: Input,
    screening: Screening,
    judging: Judging,
    delivery: Delivery,
    recovery: Recovery,
    changing: Changing,
    state: State,
}

impl Metrics {
    /// Registers everything; `version` is that of the engine.
    ///
    /// # Errors
    /// Two metrics of one name, which would be a fault of this file.
    pub fn new(version: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let make = Make(&registry);
        let metrics = Self {
            about: About::new(&make)?,
            input: Input::new(&make)?,
            screening: Screening::new(&make)?,
            judging: Judging::new(&make)?,
            delivery: Delivery::new(&make)?,
            recovery: Recovery::new(&make)?,
            changing: Changing::new(&make)?,
            state: State::new(&make)?,
            registry,
        };
        metrics.about.build.with_label_values(&[version]).set(1);
        metrics.about.start.set(now());
        metrics.expect_fixed();
        Ok(metrics)
    }

    /// The epoch in force.
    pub fn epoch(&self, epoch: Digest) {
        self.about.epoch.reset();
        self.about.epoch.with_label_values(&[epoch.to_string().as_str()]).set(1);
    }

    /// The lists in force; `modified` gives the time of a list's newest file by the list's name.
    pub fn lists(&self, lists: &[ListSummary], modified: impl Fn(&str) -> Option<SystemTime>) {
        let screening = &self.screening;
        screening.list_info.reset();
        for list in lists {
            let (name, counts) = (list.list.name.as_str(), &list.counts);
            screening.list_info.with_label_values(&[name, list.list.version.as_str(), regime(list.list.regime)]).set(1);
            screening.list_entries.with_label_values(&[name]).set(signed(counts.entries));
            screening.list_keys.with_label_values(&[name, "identifier"]).set(signed(counts.identifiers));
            screening.list_keys.with_label_values(&[name, "name"]).set(signed(counts.names));
            screening.list_bytes.with_label_values(&[name]).set(signed(list.bytes as u64));
            screening.list_loaded.with_label_values(&[name]).set(now());
            self.expect_hits(name);
            if let Some(modified) = modified(name) {
                screening.list_modified.with_label_values(&[name]).set(seconds(modified));
            }
        }
    }

    /// When the publisher of a list was last asked, and whether that is too long ago; none where nobody said how long that is.
    pub fn checked(&self, name: &str, checked: Option<SystemTime>, is_stale: Option<bool>) {
        if let Some(checked) = checked {
            self.screening.list_checked.with_label_values(&[name]).set(seconds(checked));
        }
        if let Some(is_stale) = is_stale {
            self.screening.list_stale.with_label_values(&[name]).set(i64::from(is_stale));
        }
    }

    /// What a slice gave that no earlier run had judged.
    pub fn judged(&self, slice: &InputSlice, output: &Output) {
        for run in slice.records.chunk_by(|a, b| Arc::ptr_eq(&a.topic, &b.topic)) {
            let topic = [&*run[0].topic];
            self.input.records.with_label_values(&topic).inc_by(run.len() as u64);
            let bytes: u64 = run.iter().map(|record| record.payload.len() as u64).sum();
            self.input.bytes.with_label_values(&topic).inc_by(bytes);
        }
        for letter in &output.dead_letters {
            self.input.dead_letters.with_label_values(&[reason(letter.reason)]).inc();
        }
        for hit in &output.hits {
            let by = match hit.matched {
                MatchedOn::Identifier { .. } => "identifier",
                MatchedOn::Name { .. } => "name",
            };
            self.screening.hits.with_label_values(&[hit.list.name.as_str(), by]).inc();
        }
        for change in &output.changes {
            self.judging.detections.with_label_values(&[change.detection().rule.id.as_str(), kind(change)]).inc();
        }
        self.tried(&output.shadow);
        for (kind, count) in &output.decisions_in_force {
            self.judging.decisions_in_force.with_label_values(&[*kind]).set(signed(*count));
        }
        for alert in &output.alerts {
            self.alert(alert);
        }
    }

    fn alert(&self, alert: &Alert) {
        let regime = regime(alert.regime);
        self.judging.alerts.with_label_values(&[regime, alert.action.as_str(), status(alert.status)]).inc();
        if alert.revision == 1 {
            self.judging.alerts_opened.with_label_values(&[regime]).inc();
        }
    }

    /// The figures of the run so far: to be called at least once a second while the loop turns.
    pub fn stats(&self, stats: &Stats) {
        self.delivery.turned.set(now());
        self.counts(&stats.counts);
        self.delivery.update(stats);
        self.recovery.update(stats);
        self.changing.epochs.advance(stats.epoch_changes);
        self.changing.stall.set(stats.longest_change_micros as f64 / 1e6);
        self.judging.slices.advance(stats.figures.slices);
        self.judging.seconds.advance(stats.judging_micros as f64 / 1e6);
        if let Some(low_time) = stats.low_time {
            self.judging.low_time.set(low_time as f64 / 1e3);
        }
    }

    fn counts(&self, counts: &Counts) {
        let outcomes = [
            ("accepted", counts.accepted),
            ("repeated", counts.repeated),
            ("late", counts.late),
            ("dead_lettered", counts.dead_lettered),
        ];
        for (outcome, total) in outcomes {
            self.input.transactions.with_label_values(&[outcome]).advance(total);
        }
        self.input.decisions.advance(counts.decisions);
        self.input.namesakes.advance(counts.namesakes);
        self.input.without_reference.advance(counts.without_reference);
        self.judging.rule_errors.advance(counts.rule_errors);
        self.screening.probes.advance(counts.probes);
        self.screening.filter_hits.advance(counts.filter_hits);
        self.screening.confirmed.advance(counts.confirmed_hits);
    }

    /// What is kept in memory, beside the most rows that the config allows.
    pub fn sizes(&self, sizes: &Sizes, max_rows: u64) {
        self.state.set(sizes, max_rows);
    }

    /// Snapshots are configured: from now on their age is watched.
    pub fn expect_snapshots(&self) {
        self.recovery.snapshot_time.set(now());
    }

    /// Recorded slices are judged again, new input is judged from here on.
    pub fn live(&self, live: bool) {
        self.delivery.live.set(i64::from(live));
    }

    /// Everything in the text format of Prometheus.
    ///
    /// # Errors
    /// A metric that cannot be written, which would be a fault of this file.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        if let Some(bytes) = resident_bytes() {
            self.about.resident.set(signed(bytes));
        }
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// The process itself.
struct About {
    build: IntGaugeVec,
    epoch: IntGaugeVec,
    start: Gauge,
    resident: IntGauge,
}

impl About {
    fn new(make: &Make<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            build: make.gauges("mareva_build_info", "1, with the version of the engine.", &["version"])?,
            epoch: make.gauges("mareva_epoch_info", "1, with the digest of all that is in force.", &["epoch"])?,
            start: make.seconds("mareva_start_time_seconds", "Unix time at which the process started.")?,
            resident: make.gauge("mareva_memory_resident_bytes", "Memory of the process that is in RAM.")?,
        })
    }
}

/// What comes in and what becomes of it.
struct Input {
    records: IntCounterVec,
    bytes: IntCounterVec,
    transactions: IntCounterVec,
    dead_letters: IntCounterVec,
    decisions: IntCounter,
    namesakes: IntCounter,
    without_reference: IntCounter,
}

impl Input {
    fn new(make: &Make<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            records: make.counts("mareva_records_total", "Records judged.", &["topic"])?,
            bytes: make.counts("mareva_record_bytes_total", "Payload bytes judged.", &["topic"])?,
            transactions: make.counts(
                "mareva_transactions_total",
                "Transactions by outcome; the outcomes add up to all that was produced.",
                &["outcome"],
            )?,
            dead_letters: make.counts("mareva_dead_letters_total", "Dead letters by reason.", &["reason"])?,
            decisions: make.count("mareva_decisions_total", "Decisions that took force, or came again.")?,
            namesakes: make.count(
                "mareva_transactions_under_another_id_total",
                "Payments accepted under an id that stood for another payment.",
            )?,
            without_reference: make.count(
                "mareva_amounts_without_reference_total",
                "Accepted amounts that rules do not see: no rate, or 10^12 units and more.",
            )?,
        })
    }
}

/// Lists and what they met.
struct Screening {
    probes: IntCounter,
    filter_hits: IntCounter,
    confirmed: IntCounter,
    hits: IntCounterVec,
    list_info: IntGaugeVec,
    list_entries: IntGaugeVec,
    list_keys: IntGaugeVec,
    list_bytes: IntGaugeVec,
    list_loaded: GaugeVec,
    list_modified: GaugeVec,
    list_checked: GaugeVec,
    list_stale: IntGaugeVec,
}

impl Screening {
    fn new(make: &Make<'_>) -> Result<Self, prometheus::Error> {
        let list = &["list"];
        Ok(Self {
            probes: make.count("mareva_filter_probes_total", "Identifiers and names probed in the filters.")?,
            filter_hits: make.count("mareva_filter_hits_total", "Probes that a list's filter let through.")?,
            confirmed: make.count("mareva_filter_confirmed_total", "Of these, confirmed by an exact entry.")?,
            hits: make.counts("mareva_hits_total", "Confirmed hits by list and what matched.", &["list", "by"])?,
            list_info: make.gauges("mareva_list_info", "1 for each list in force.", &["list", "version", "regime"])?,
            list_entries: make.gauges("mareva_list_entries", "Entries of a list.", list)?,
            list_keys: make.gauges("mareva_list_keys", "Identifiers and names of a list.", &["list", "kind"])?,
            list_bytes: make.gauges("mareva_list_bytes", "Memory of a list.", list)?,
            list_loaded: make.times(
                "mareva_list_loaded_time_seconds",
                "Unix time at which a list was loaded.",
                list,
            )?,
            list_modified: make.times(
                "mareva_list_modified_time_seconds",
                "Unix time of the newest file of a list.",
                list,
            )?,
            list_checked: make.times(
                "mareva_list_checked_time_seconds",
                "Unix time at which the publisher of a list last answered `mareva lists fetch`.",
                list,
            )?,
            list_stale: make.gauges(
                "mareva_list_stale",
                "1 where that is longer ago than max_age, or never was.",
                list,
            )?,
        })
    }
}

/// Rules and alerts.
struct Judging {
    slices: IntCounter,
    seconds: Counter,
    detections: IntCounterVec,
    rule_errors: IntCounter,
    alerts: IntCounterVec,
    alerts_opened: IntCounterVec,
    decisions_in_force: IntGaugeVec,
    low_time: Gauge,
}

impl Judging {
    fn new(make: &Make<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            slices: make.count("mareva_slices_total", "Slices judged.")?,
            seconds: make.duration("mareva_judging_seconds_total", "Time spent judging.")?,
            detections: make.counts(
                "mareva_detections_total",
                "Detections by rule and change.",
                &["rule", "change"],
            )?,
            rule_errors: make.count("mareva_rule_errors_total", "Rule evaluations that failed on a row.")?,
            alerts: make.counts(
                "mareva_alerts_total",
                "Alert revisions by regime, action and status.",
                &["regime", "action", "status"],
            )?,
            alerts_opened: make.counts("mareva_alerts_opened_total", "Alerts by regime, once each.", &["regime"])?,
            decisions_in_force: make.gauges("mareva_decisions_in_force", "Decisions in force by kind.", &["kind"])?,
            low_time: make.seconds("mareva_low_time_seconds", "Low time: smallest stream time of the partitions.")?,
        })
    }
}

/// From the broker to the committed alert.
struct Delivery {
    turned: Gauge,
    live: IntGauge,
    buffered: IntGauge,
    lag: IntGaugeVec,
    commits: IntCounter,
    commit: Millis,
    last_commit: Gauge,
    append_to_alert: Millis,
    published: IntCounterVec,
    judged_slice: IntGauge,
    committed_slice: IntGauge,
    duplicates: IntCounter,
    skipped: IntCounter,
    reopened: IntCounter,
}

impl Delivery {
    fn new(make: &Make<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            turned: make.seconds("mareva_turn_time_seconds", "Unix time at which the loop last turned.")?,
            live: make.gauge("mareva_live", "1 once the recorded slices are judged again, 0 before.")?,
            buffered: make.gauge("mareva_buffered_records", "Records read that wait to be judged.")?,
            lag: make.gauges(
                "mareva_consumer_lag_records",
                "Offsets between the end of a partition and what is judged.",
                &["topic", "partition"],
            )?,
            commits: make.count("mareva_commits_total", "Kafka transactions committed.")?,
            commit: make.millis("mareva_commit_seconds", "Begin to confirmed commit of a Kafka transaction.")?,
            last_commit: make.seconds(
                "mareva_last_commit_time_seconds",
                "Unix time of the last confirmed commit; 0 before the first.",
            )?,
            append_to_alert: make.millis(
                "mareva_append_to_alert_seconds",
                "Broker append time of a record to confirmed commit of the alert it gave.",
            )?,
            published: make.counts("mareva_messages_committed_total", "Messages committed by kind.", &["kind"])?,
            judged_slice: make.gauge("mareva_judged_slice", "Number of the last slice judged.")?,
            committed_slice: make.gauge("mareva_committed_slice", "Number of the last slice committed.")?,
            duplicates: make.count("mareva_records_duplicate_total", "Records read twice and dropped.")?,
            skipped: make.count("mareva_offsets_skipped_total", "Offsets without a record.")?,
            reopened: make.count("mareva_consumers_reopened_total", "Times the consumer was replaced.")?,
        })
    }

    fn update(&self, stats: &Stats) {
        self.buffered.set(signed(stats.buffered as u64));
        for (at, lag) in &stats.lag {
            self.lag.with_label_values(&[&*at.topic, at.partition.to_string().as_str()]).set(*lag);
        }
        self.commits.advance(stats.figures.transactions);
        self.commit.set(&stats.commit);
        if let Some(at) = stats.figures.last_commit {
            self.last_commit.set(at as f64 / 1e3);
        }
        self.append_to_alert.set(&stats.append_to_alert);
        for (kind, total) in [("alert", stats.alerts), ("dead_letter", stats.dead_letters), ("late", stats.late)] {
            self.published.with_label_values(&[kind]).advance(total);
        }
        self.judged_slice.set(signed(stats.judged_seq));
        self.committed_slice.set(signed(stats.committed_seq));
        self.duplicates.advance(stats.figures.duplicates);
        self.skipped.advance(stats.figures.skipped_offsets);
        self.reopened.advance(stats.figures.reopened);
    }
}

/// Doubts, replays and snapshots.
struct Recovery {
    replayed: IntCounter,
    doubts: IntCounter,
    reissued: IntCounter,
    lost: IntCounter,
    orphans: IntCounter,
    gaps: IntCounterVec,
    snapshots: IntCounterVec,
    snapshot_bytes: IntGauge,
    snapshot_stall: Gauge,
    snapshot_time: Gauge,
}

impl Recovery {
    fn new(make: &Make<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            replayed: make.count("mareva_slices_replayed_total", "Recorded slices judged again at the start.")?,
            doubts: make.count("mareva_commit_doubts_total", "Kafka transactions that ended in doubt.")?,
            reissued: make.count("mareva_alerts_reissued_total", "Alerts published again after a doubt.")?,
            lost: make.count("mareva_alerts_lost_total", "Alerts of a torn transaction that did not come again.")?,
            orphans: make.count("mareva_alerts_orphaned_total", "Visible alerts that no sequence record covers.")?,
            gaps: make.counts("mareva_gaps_accepted_total", "Gaps that an operator accepted.", &["of"])?,
            snapshots: make.counts("mareva_snapshots_total", "Snapshots by result.", &["result"])?,
            snapshot_bytes: make.gauge("mareva_snapshot_bytes", "Size of the last snapshot.")?,
            snapshot_stall: make
                .seconds("mareva_snapshot_stall_seconds", "For how long the last snapshot held up the judging.")?,
            snapshot_time: make.seconds(
                "mareva_snapshot_time_seconds",
                "Unix time of the last snapshot, or of the start before the first; 0 where none are configured.",
            )?,
        })
    }

    fn update(&self, stats: &Stats) {
        let figures = &stats.figures;
        self.replayed.advance(figures.replayed);
        self.doubts.advance(figures.doubts);
        self.reissued.advance(figures.reissued);
        self.lost.advance(figures.lost);
        self.orphans.advance(figures.orphans);
        self.gaps.with_label_values(&["input"]).advance(figures.input_gaps);
        self.gaps.with_label_values(&["log"]).advance(figures.log_gaps);
        let published = self.snapshots.with_label_values(&["published"]);
        if stats.snapshots > published.get() {
            self.snapshot_time.set(now());
        }
        published.advance(stats.snapshots);
        self.snapshots.with_label_values(&["failed"]).advance(stats.snapshots_failed);
        self.snapshot_bytes.set(signed(stats.snapshot_bytes));
        self.snapshot_stall.set(stats.snapshot_stall_micros as f64 / 1e6);
    }
}

fn now() -> f64 {
    seconds(SystemTime::now())
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// `VmRSS` of Linux; nothing elsewhere.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests;
