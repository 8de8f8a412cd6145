//! Hits and detections in, revisions of alerts out.
//!
//! [`AlertBook`] keeps one record per subject, regime and episode. What contributed to it is a set keyed by (time,
//! `row_id`, rule or entry), and its content is a function of that set and of the rows up to the end of the episode, so
//! neither the order of arrival nor the cut into slices decides what an alert finally says.

mod config;
mod contribution;
mod decided;
mod draft;
mod fifo;
mod following;
mod fraud;
mod onward;
mod own_accounts;
mod place;
mod proof;
mod relisted;
mod returns;
mod sanctions;
mod share;
mod standing;
mod state;
mod suspicion;
mod told_twice;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mareva_model::alert::{Alert, AlertStatus, alert_id};
use mareva_model::{Detection, DetectionChange, Digest, Hit, Raises, Regime, TransactionBatch};
use mareva_monitoring::RetainedRows;

pub use config::{AlertConfig, InstitutionConfig};
pub(crate) use contribution::hit_key;
pub(crate) use relisted::{Lost, Relisting};
pub use state::{BookCounts, BookState};

use contribution::{Contribution, ContributionKey, detection_key, identities, row_behind, subject_of};
use decided::written;
use draft::{AlertKey, Scene, blank, finish, watched};
use relisted::KnownAs;
use standing::Knowledge;
use state::{Added, Floor, Published, Record};

/// How full the alert book is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BookSize {
    /// Alerts whose episode is still open.
    pub open: usize,
    /// Closed alerts remembered.
    pub closed: usize,
    /// First-level detections remembered.
    pub signals: usize,
    /// Accounts and customers known as victims or suspects.
    pub known: usize,
}

/// The open alerts, and what is needed to write them.
#[derive(Debug)]
pub struct AlertBook {
    config: AlertConfig,
    state: BookState,
    /// Open records by episode.
    open: BTreeSet<(i64, AlertKey)>,
    /// Closed records by episode.
    closed: BTreeSet<(i64, AlertKey)>,
    /// Records by the names under which their targets may become known as victims, and money may leave them. Only looked up,
    /// never walked, so the order inside decides nothing.
    watchers: HashMap<String, BTreeSet<AlertKey>>,
    /// Alerts that lost a list entry, or that a decision bears on, to be looked at with the next slice.
    turned: Due,
}

/// Alerts to look at again, and whether to look whatever their length.
type Due = BTreeMap<AlertKey, bool>;

impl AlertBook {
    /// A book without alerts.
    pub fn new(config: AlertConfig) -> Self {
        Self::restore(config, BookState::default())
    }

    /// A book as it was when `state` was taken from it.
    pub fn restore(mut config: AlertConfig, mut state: BookState) -> Self {
        config.episode_ms = config.episode_ms.max(1);
        let mut book = Self {
            config,
            state: BookState::default(),
            open: BTreeSet::new(),
            closed: BTreeSet::new(),
            watchers: HashMap::new(),
            turned: Due::new(),
        };
        for (key, record) in &state.records {
            let index = if record.closed { &mut book.closed } else { &mut book.open };
            index.insert((key.episode, key.clone()));
            for name in &record.watched {
                book.watchers.entry(name.clone()).or_default().insert(key.clone());
            }
        }
        book.state = BookState { decisions: std::mem::take(&mut state.decisions).indexed(), ..state };
        book
    }

    /// What a snapshot has to hold.
    pub fn state(&self) -> &BookState {
        &self.state
    }

    /// Names another epoch in the alerts from now on.
    pub fn set_epoch(&mut self, epoch: Digest) {
        self.config.epoch = epoch;
    }

    /// Sets how far the windows behind a detection reach, milliseconds.
    pub fn set_reach(&mut self, reach_ms: i64) {
        self.config.reach_ms = reach_ms;
    }

    /// Sets how long after low time has passed it what is told of a time may change, milliseconds.
    pub fn set_lateness(&mut self, lateness_ms: i64) {
        self.config.lateness_ms = lateness_ms;
    }

    /// Low time after the last slice.
    pub fn low_time(&self) -> Option<i64> {
        self.state.low_time
    }

    /// Takes note of revisions that this book may not have given, of alerts whose episode begins at `latest` or before.
    pub fn published_before<'a>(&mut self, latest: Option<i64>, revisions: impl IntoIterator<Item = (&'a str, u32)>) {
        let at = latest.unwrap_or(i64::MIN);
        for (alert_id, revision) in revisions {
            let floor = self.state.floors.entry(alert_id.to_owned()).or_default();
            *floor = Floor { revision: floor.revision.max(revision), at };
        }
    }

    /// What it had to do out of the ordinary.
    pub fn counts(&self) -> BookCounts {
        self.state.counts
    }

    /// How full it is.
    pub fn size(&self) -> BookSize {
        BookSize {
            open: self.open.len(),
            closed: self.closed.len(),
            signals: self.state.signals.len(),
            known: self.state.known.len(),
        }
    }

    /// Earliest time of a row that an open alert, or one still to come, may look back on. Rows must be retained from here
    /// on, or amounts would depend on when an alert is written.
    pub fn needs_rows_from(&self, low_time: i64) -> i64 {
        let coming = low_time.saturating_sub(self.config.lateness_ms);
        let oldest = self.open.first().map_or(coming, |(episode, _)| self.start(*episode).min(coming));
        oldest.saturating_sub(self.config.reach_ms)
    }

    /// Takes the accepted rows, hits and detections of a slice and returns the revisions that are due at once. The accepted
    /// rows must be in `rows` already.
    pub fn apply(
        &mut self,
        accepted: &[TransactionBatch],
        hits: &[Hit],
        changes: &[DetectionChange],
        rows: &RetainedRows,
    ) -> Vec<Alert> {
        let mut due = std::mem::take(&mut self.turned);
        for batch in accepted {
            self.follow(batch, &mut due);
        }
        for hit in hits {
            self.take_hit(hit, rows, &mut due);
        }
        for change in changes {
            self.take_change(change, rows, &mut due);
        }
        let mut alerts = Vec::new();
        for (key, whatever) in due {
            alerts.extend(self.consider(&key, rows, whatever));
        }
        self.state.counts.signals_dropped += self.state.signals.enforce(self.config.max_signals);
        while self.open.len() > self.config.max_open.max(1) {
            let Some((_, key)) = self.open.first().cloned() else { break };
            self.state.counts.closed_early += 1;
            alerts.extend(self.close_one(&key, rows));
        }
        alerts
    }

    /// Closes the episodes that low time (UTC milliseconds) has passed by the lateness and returns the revisions that say
    /// anything new; at the end of the input those of all other alerts too. These stay open: the end is no time, more may come
    /// later, of the same day.
    pub fn close(&mut self, rows: &RetainedRows, low_time: Option<i64>, end: bool) -> Vec<Alert> {
        let low_time = self.state.low_time.max(low_time);
        self.state.low_time = low_time;
        let over = |episode: i64| low_time.is_some_and(|low_time| self.is_over(episode, low_time));
        let keys: Vec<AlertKey> =
            self.open.iter().take_while(|(episode, _)| over(*episode)).map(|(_, key)| key.clone()).collect();
        let mut alerts: Vec<Alert> = keys.iter().filter_map(|key| self.close_one(key, rows)).collect();
        if end {
            let keys: Vec<AlertKey> = self.open.iter().map(|(_, key)| key.clone()).collect();
            alerts.extend(keys.iter().filter_map(|key| self.conclude(key, rows)?.1));
        }
        if let Some(low_time) = low_time {
            self.sweep(low_time);
        }
        alerts
    }

    fn start(&self, episode: i64) -> i64 {
        episode.saturating_mul(self.config.episode_ms)
    }

    fn is_over(&self, episode: i64, low_time: i64) -> bool {
        self.start(episode.saturating_add(1)).saturating_add(self.config.lateness_ms) <= low_time
    }

    /// The record that a contribution at `time` belongs to. One whose episode is over (a late row is screened all the same)
    /// goes into the oldest episode that is not, so that a closed alert is never begun again.
    fn key_for(&mut self, subject: String, regime: Regime, time: i64) -> AlertKey {
        let mut episode = time.div_euclid(self.config.episode_ms);
        if let Some(low_time) = self.state.low_time.filter(|low_time| self.is_over(episode, *low_time)) {
            episode = low_time.saturating_sub(self.config.lateness_ms).div_euclid(self.config.episode_ms);
            self.state.counts.refiled += 1;
        }
        self.not_closed(AlertKey { subject, regime, episode })
    }

    /// The first episode from that of `key` on whose alert is not closed. An alert closed early has let go of what it rests
    /// on: begun again it would ask for less than before. What comes after goes into an alert that continues it.
    fn not_closed(&self, mut key: AlertKey) -> AlertKey {
        while self.state.records.get(&key).is_some_and(|record| record.closed) {
            key.episode = key.episode.saturating_add(1);
        }
        key
    }

    fn take_hit(&mut self, hit: &Hit, rows: &RetainedRows, due: &mut Due) {
        let subject = subject_of(hit, rows);
        let known = KnownAs::of(hit, &subject, &self.config.institution, rows);
        let key = self.key_for(subject, hit.list.regime, hit.event_time);
        self.insert(&key, hit_key(hit), Contribution::Hit { hit: Box::new(hit.clone()), known }, due);
        due.entry(key).or_insert(false);
    }

    fn take_change(&mut self, change: &DetectionChange, rows: &RetainedRows, due: &mut Due) {
        let detection = change.detection();
        let number = self.state.rules.number(&detection.rule);
        let effect = match detection.rule.raises {
            Raises::Signal => self.state.signals.apply(change, number),
            Raises::Alert => self.take_alerting(change, number, due),
        };
        let (Some(stands), Some(what)) = (effect, Knowledge::of(detection)) else { return };
        let row = row_behind(&detection.rule, &detection.row_id, &self.state.rules, rows);
        let view = row.and_then(|row| rows.transaction(row));
        for identity in identities(&detection.subject, view.as_ref()) {
            self.learn(&identity, what, detection.event_time, stands, due);
        }
    }

    /// A detection of a rule that raises alerts came or went.
    fn take_alerting(&mut self, change: &DetectionChange, number: u32, due: &mut Due) -> Option<bool> {
        let detection: &Detection = change.detection();
        if matches!(change, DetectionChange::Withdrawn(_)) {
            let episode = detection.event_time.div_euclid(self.config.episode_ms);
            let key = self.not_closed(AlertKey { subject: detection.subject.clone(), regime: Regime::Fraud, episode });
            let record = self.state.records.get_mut(&key)?;
            let gone = record.remove(&detection_key(detection), &self.state.rules);
            due.entry(key).or_insert(false);
            return gone.map(|_| false);
        }
        let key = self.key_for(detection.subject.clone(), Regime::Fraud, detection.event_time);
        let contribution = Contribution::Detection { rule: number, columns: detection.columns.clone() };
        let fresh = self.insert(&key, detection_key(detection), contribution, due);
        due.entry(key).or_insert(false);
        fresh.then_some(true)
    }

    /// Adds or replaces a contribution; whether it is new. What is known by it goes with it.
    fn insert(&mut self, key: &AlertKey, at: ContributionKey, contribution: Contribution, due: &mut Due) -> bool {
        let is_cleared = self.is_cleared(key, &contribution);
        if !self.make_room(key, &at, is_cleared) {
            self.state.counts.contributions_omitted += 1;
            return false;
        }
        let record = self.state.records.entry(key.clone()).or_default();
        let omitted = record.omitted;
        let (time, known) = (at.event_time, contribution.known().cloned());
        let added = record.insert(at, contribution, &self.state.rules);
        self.state.counts.contributions_omitted += record.omitted - omitted;
        self.open.insert((key.episode, key.clone()));
        let is_new = matches!(added, Added::New { .. });
        let gone = match added {
            Added::Omitted => return false,
            Added::Replaced(former) => Some((time, former)),
            Added::New { crowded_out } => crowded_out.map(|(last, gone)| (last.event_time, gone)),
        };
        if !is_cleared {
            self.know(known.as_ref(), time, true, due);
        }
        if let Some((time, gone)) = gone.filter(|(_, gone)| !self.is_cleared(key, gone)) {
            self.know(gone.known(), time, false, due);
        }
        is_new
    }

    fn scene<'a>(&'a self, key: &AlertKey, rows: &'a RetainedRows) -> Scene<'a> {
        let (from, to) = (self.start(key.episode), self.start(key.episode.saturating_add(1)));
        let contributions = self.state.records.get(key).map(|record| &record.contributions);
        let first = contributions.and_then(|found| found.first_key_value()).map_or(from, |(first, _)| first.event_time);
        Scene {
            config: &self.config,
            rows,
            from,
            // Its rows were still to be kept when the first contribution came.
            rows_from: first.max(from).saturating_sub(self.config.reach_ms),
            rules: &self.state.rules,
            signals: &self.state.signals,
            known: &self.state.known,
            decisions: &self.state.decisions,
            known_from: from.saturating_sub(self.config.memory_ms),
            known_to: to,
            watch_to: to.saturating_add(self.config.memory_ms),
        }
    }

    /// The latest earlier alert that stands on the same subject under the same regime.
    fn continues(&self, key: &AlertKey) -> Option<String> {
        let oldest = self.start(key.episode).saturating_sub(self.config.memory_ms);
        let from = AlertKey { episode: oldest.div_euclid(self.config.episode_ms), ..key.clone() };
        let mut earlier = self.state.records.range(from..key.clone()).rev();
        let (found, _) = earlier.find(|(_, record)| record.rests() && !record.aside)?;
        Some(alert_id(found.regime, &found.subject, found.episode))
    }

    /// The content of an alert with all its targets.
    fn write(&self, key: &AlertKey, record: &Record, rows: &RetainedRows) -> Alert {
        let scene = self.scene(key, rows);
        match &record.draft {
            Some(_) if self.is_set_aside(key, record) => self.write_aside(&scene, key, record),
            Some(draft) if record.closed => Alert::clone(draft),
            _ if record.contributions.is_empty() => {
                let status = if record.delisted { AlertStatus::BasisWithdrawn } else { AlertStatus::Withdrawn };
                Alert { status, ..blank(&scene, key) }
            }
            _ => written(&scene, key, record, self.continues(key)),
        }
    }

    /// Whether a closed alert may still lose a target to a victim found late: what is known of its time is forgotten after.
    fn is_watched(&self, key: &AlertKey, record: &Record) -> bool {
        let end = self.start(key.episode.saturating_add(1)).saturating_add(self.config.memory_ms);
        let settled = self.state.low_time.map_or(i64::MIN, |low_time| low_time.saturating_sub(self.config.lateness_ms));
        record.draft.is_some() && settled < end
    }

    /// Publishes the next revision of an alert if it is due at once.
    fn consider(&mut self, key: &AlertKey, rows: &RetainedRows, whatever: bool) -> Option<Alert> {
        let record = self.state.records.get(key)?;
        if (record.closed && !record.delisted && !self.is_watched(key, record)) || !(whatever || record.is_due()) {
            return None;
        }
        let written = self.write(key, record, rows);
        let watched = watched(&written);
        let alert = finish(written, &self.scene(key, rows));
        let next = Published::of(&alert, record.basis_digest());
        let wanted = match &record.published {
            None => alert.status == AlertStatus::Open,
            Some(last) if record.closed => last.differs(&next),
            Some(last) => last.calls_for(&next),
        };
        let never = record.published.is_none() && !record.rests();
        self.watch(key, watched);
        if never {
            self.forget(key);
            return None;
        }
        self.note(key, alert, next, wanted)
    }

    /// An alert with all its targets, and its next revision where it says anything new. One that never rested on anything is
    /// forgotten.
    fn conclude(&mut self, key: &AlertKey, rows: &RetainedRows) -> Option<(Alert, Option<Alert>)> {
        let record = self.state.records.get(key)?;
        if record.published.is_none() && !record.rests() {
            self.forget(key);
            return None;
        }
        let written = self.write(key, record, rows);
        let watched = watched(&written);
        let alert = finish(written.clone(), &self.scene(key, rows));
        let next = Published::of(&alert, record.basis_digest());
        let is_open = alert.status == AlertStatus::Open;
        let wanted = record.published.as_ref().map_or(is_open, |last| last.differs(&next));
        self.watch(key, watched);
        let published = self.note(key, alert, next, wanted);
        Some((written, published))
    }

    /// Writes an alert for the last time and keeps of it what a victim found later, or the next episode, may ask for.
    fn close_one(&mut self, key: &AlertKey, rows: &RetainedRows) -> Option<Alert> {
        self.open.remove(&(key.episode, key.clone()));
        let (written, published) = self.conclude(key, rows)?;
        let (kept, gone) = self.to_keep(key, written, rows);
        if kept.as_ref().is_none_or(|kept| kept.targets.is_empty()) {
            self.watch(key, Vec::new());
        }
        self.closed.insert((key.episode, key.clone()));
        if let Some(record) = self.state.records.get_mut(key) {
            record.close(kept, &gone);
        }
        published
    }

    /// Numbers the revision and takes note of what was published.
    fn note(&mut self, key: &AlertKey, mut alert: Alert, mut next: Published, wanted: bool) -> Option<Alert> {
        let record = self.state.records.get_mut(key)?;
        record.drafted_at = record.contributions.len();
        record.aside = alert.status == AlertStatus::SetAside;
        record.moved = record.published.as_ref().filter(|_| !wanted).map_or(0, |last| last.drift(&next));
        if !wanted {
            return None;
        }
        let floor = self.state.floors.get(&alert.alert_id).map_or(0, |floor| floor.revision);
        let revision = record.published.as_ref().map_or(0, |last| last.revision).max(floor).saturating_add(1);
        alert.revision = revision;
        next.revision = revision;
        record.published = Some(next);
        self.state.counts.revisions += 1;
        Some(alert)
    }

    fn watch(&mut self, key: &AlertKey, names: Vec<String>) {
        let Some(record) = self.state.records.get_mut(key) else { return };
        if record.watched == names {
            return;
        }
        for name in std::mem::replace(&mut record.watched, names.clone()) {
            if let Some(keys) = self.watchers.get_mut(&name) {
                keys.remove(key);
                if keys.is_empty() {
                    self.watchers.remove(&name);
                }
            }
        }
        for name in names {
            self.watchers.entry(name).or_default().insert(key.clone());
        }
    }

    fn forget(&mut self, key: &AlertKey) {
        self.watch(key, Vec::new());
        self.state.records.remove(key);
        self.open.remove(&(key.episode, key.clone()));
        self.closed.remove(&(key.episode, key.clone()));
    }

    /// Forgets what low time has left behind: a look at everything, so only four times an episode.
    fn sweep(&mut self, low_time: i64) {
        let config = &self.config;
        let due = self.state.swept_at.is_none_or(|at| low_time.saturating_sub(at) >= config.episode_ms / 4);
        if !due && self.closed.len() <= config.max_closed {
            return;
        }
        self.state.swept_at = Some(low_time);
        let settled = low_time.saturating_sub(config.lateness_ms);
        let (episode, memory) = (config.episode_ms, config.memory_ms);
        self.state.signals.expire(settled.saturating_sub(episode).saturating_sub(config.reach_ms));
        let known_before = settled.saturating_sub(episode).saturating_sub(memory.saturating_mul(2));
        self.state.counts.known_dropped += self.state.known.expire(known_before, config.max_signals);
        let max_closed = config.max_closed;
        let remembered = settled.saturating_sub(memory).saturating_sub(episode);
        // Their episodes are as long over as those of the records forgotten below: their ids do not come again.
        self.state.floors.retain(|_, floor| {
            // Noted before there was any time: they count from now on.
            floor.at = if floor.at == i64::MIN { low_time } else { floor.at };
            floor.at > remembered.saturating_sub(episode)
        });
        while let Some((episode, key)) = self.closed.first().cloned() {
            let end = self.start(episode.saturating_add(1));
            // One whose episode still runs may be asked for again: its revisions must go on counting.
            let spare = self.closed.len() > max_closed && end <= settled;
            if end > remembered && !spare {
                break;
            }
            self.forget(&key);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
