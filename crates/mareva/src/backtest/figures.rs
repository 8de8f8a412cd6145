//! What a back-test has to say, as a program reads it. Page and table show the same figures.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::Result;
use mareva_model::{RuleRef, SubjectRole, Table, format_time};
use mareva_monitoring::backtest::{Variant, counts_signals_of};
use mareva_monitoring::explain::span;
use mareva_monitoring::{Key, key_of};
use serde::Serialize;

use super::about::About;
use super::data::Counted;
use super::labels::{Meaning, Score, Truth};
use super::overlap::{Overlap, overlap};
use super::work::{Found, Outcome, Work};
use crate::challenge::{Challenge, compare};
use crate::replay::word_of;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// The report.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Version of the engine that wrote it.
    pub mareva: &'static str,
    #[serde(flatten)]
    pub about: About,
    pub data: Data,
    /// What somebody should know who reads the figures.
    pub notices: Vec<String>,
    /// Subjects on days that rules which raise alerts name, each once whatever rules name it. Alerts of lists are not among them.
    pub alerts: u64,
    /// By id.
    pub rules: Vec<RuleFigures>,
    pub days: Vec<Day>,
    /// Rules in shadow against those whose place they are to take; none where either has failed.
    pub challengers: Vec<Challenge>,
    /// Pairs of rules that name a subject in common, most first.
    pub overlap: Vec<Overlap>,
    /// None where no labels are given.
    pub labels: Option<LabelFigures>,
    pub sweeps: Vec<Sweep>,
}

/// What was judged.
#[derive(Debug, Serialize)]
pub struct Data {
    pub transactions: u64,
    pub movements: u64,
    /// First and last event time.
    pub from: Option<String>,
    pub to: Option<String>,
    /// UTC days between them, both counted.
    pub days: u64,
    /// Accounts that rules could join.
    pub accounts: u64,
    /// Outcomes of records that were prepared; none where only tables were given.
    pub records: Option<Records>,
}

impl Data {
    /// How many days they are.
    pub fn days_in_words(&self) -> String {
        if self.days == 1 { "1 day".to_owned() } else { format!("{} days", self.days) }
    }
}

/// What became of records.
#[derive(Debug, Serialize)]
pub struct Records {
    pub produced: u64,
    pub accepted: u64,
    pub repeated: u64,
    pub late: u64,
    pub dead_lettered: u64,
    /// How many there are of each reason, and file and line of the first.
    pub dead_letters: Option<String>,
    /// Amounts without a rate: rules that compare or sum them leave them out.
    pub without_rate: u64,
}

impl From<&Counted> for Records {
    fn from(Counted { counts, refused }: &Counted) -> Self {
        Self {
            produced: counts.produced,
            accepted: counts.accepted,
            repeated: counts.repeated,
            late: counts.late,
            dead_lettered: counts.dead_lettered,
            dead_letters: refused.in_words(),
            without_rate: counts.without_reference,
        }
    }
}

/// Figures of a rule as it is in force.
#[derive(Debug, Serialize)]
pub struct RuleFigures {
    pub rule: String,
    pub version: u32,
    pub title: String,
    pub table: &'static str,
    pub raises: String,
    /// Whether it is only tried: then it raises nothing.
    pub shadow: bool,
    pub subject_role: String,
    /// Values of its parameters.
    pub parameters: BTreeMap<String, String>,
    #[serde(flatten)]
    pub counts: Counts,
    /// Milliseconds of history without which it does not fire.
    pub needs_history_ms: i64,
    /// Whether the data holds less, so that it cannot fire. It is held against no labels then.
    pub lacks_history: bool,
    /// Whether the data holds no row of its table, though rows of the other. It is held against no labels then either.
    pub lacks_table: bool,
    /// Why it has none.
    pub failed: Option<String>,
    pub score: Option<Scored>,
}

impl RuleFigures {
    /// What the data lacks for it to fire at all, in two words.
    pub fn lacks(&self) -> Option<&'static str> {
        match (self.lacks_table, self.lacks_history) {
            (true, _) => Some("lacks table"),
            (false, true) => Some("lacks history"),
            (false, false) => None,
        }
    }

    /// What the history that it needs, and what the data lacks, does to its figures; nothing where it needs none.
    fn notice(&self, data: &Data) -> Option<String> {
        let (rule, table, needed) = (&self.rule, self.table, span(self.needs_history_ms));
        match (self.lacks(), self.needs_history_ms) {
            (Some(_), _) if self.lacks_table => Some(match table == Table::Signals.name() {
                true => format!("{rule} counts signals of rules over transactions, which the data does not hold"),
                false => {
                    format!(
                        "{rule} reads {table}, which the data does not hold; give {table}.parquet, too, with --data"
                    )
                }
            }),
            (Some(_), _) => Some(format!(
                "{rule} needs {needed} of history and cannot fire in {} {}; give more with --data",
                if data.days == 1 { "this" } else { "these" },
                data.days_in_words()
            )),
            (None, 0) => None,
            (None, _) => Some(format!("{rule} is not judged in the first {needed}: it needs so much history")),
        }
    }
}

/// What a rule names.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Counts {
    /// Rows that fire.
    pub detections: u64,
    /// Different subjects.
    pub subjects: u64,
    /// Different subjects on each UTC day, over all days.
    pub subject_days: u64,
    /// Subject-days of a rule that raises alerts, 0 of one that raises signals or is only tried. Several rules may share an alert.
    pub alerts: u64,
}

/// One rule held against labels.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Scored {
    #[serde(flatten)]
    pub score: Score,
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    pub f1: Option<f64>,
    pub value_share: Option<f64>,
}

impl From<Score> for Scored {
    fn from(score: Score) -> Self {
        let (precision, recall, f1) = (score.precision(), score.recall(), score.f1());
        Self { score, precision, recall, f1, value_share: score.value_share() }
    }
}

/// A UTC day.
#[derive(Debug, Default, Serialize)]
pub struct Day {
    pub day: String,
    /// Of rules that are not only tried.
    pub detections: u64,
    pub alerts: u64,
    /// By rule: detections, and subjects of that day.
    pub rules: BTreeMap<String, (u64, u64)>,
}

/// The labels as far as they can be found.
#[derive(Debug, Serialize)]
pub struct LabelFigures {
    /// Accounts that are labelled as criminal or victim.
    pub labelled: usize,
    /// Accounts by label, as it is written.
    pub words: BTreeMap<String, usize>,
    /// Labelled accounts that moved money.
    pub criminals: usize,
    pub victims: usize,
    /// Whether only money of labelled transactions counts.
    pub value_of_labelled_transactions: bool,
    /// All rules that raise alerts, taken together: criminals or victims named by any of them. None where no rule does.
    pub all_alerts: Option<Scored>,
}

impl LabelFigures {
    /// Whether no labelled account moved money.
    pub fn fit_nothing(&self) -> bool {
        self.criminals + self.victims == 0
    }

    /// How many labels there are, how many of them fit the data, and how often each word stands there.
    pub fn in_words(&self) -> String {
        let told = |(word, number): (&String, &usize)| {
            format!("{} {number} ({})", if word.is_empty() { "nothing" } else { word }, Meaning::of(word).word())
        };
        let words: Vec<String> = self.words.iter().map(told).collect();
        let Self { labelled, criminals, victims, .. } = self;
        format!(
            "{labelled} accounts labelled as criminal or victim, {} of them moved money: {criminals} criminals and \
             {victims} victims; by label: {}",
            criminals + victims,
            words.join(", ")
        )
    }
}

/// A rule with several values of one parameter.
#[derive(Debug, Serialize)]
pub struct Sweep {
    pub rule: String,
    pub parameter: String,
    pub in_force: String,
    /// From the least value to the greatest, that in force among them.
    pub points: Vec<Point>,
}

/// The rule with one of them.
#[derive(Debug, Serialize)]
pub struct Point {
    pub value: String,
    #[serde(flatten)]
    pub counts: Counts,
    /// Where the rule raises signals: alerts of all rules over signals, with its signals at this value. None where one of
    /// those rules has failed.
    pub alerts_over_signals: Option<u64>,
    pub failed: Option<String>,
    pub score: Option<Scored>,
}

/// Day of a time, counted from 1970.
fn day_of(time: i64) -> i64 {
    time.div_euclid(DAY)
}

pub(super) fn subjects(found: &[Found]) -> HashSet<Key> {
    found.iter().map(|one| one.subject).collect()
}

fn subject_days<'f>(found: impl IntoIterator<Item = &'f Found>) -> HashSet<(i64, Key)> {
    found.into_iter().map(|one| (day_of(one.time), one.subject)).collect()
}

fn counts(variant: &Variant, found: &[Found]) -> Counts {
    let subject_days = subject_days(found).len() as u64;
    let alerts = if variant.rule().reference.raises_alerts() { subject_days } else { 0 };
    Counts { detections: found.len() as u64, subjects: subjects(found).len() as u64, subject_days, alerts }
}

fn score(truth: Option<&Truth>, variant: &Variant, outcome: &Outcome) -> Option<Scored> {
    // Where no labelled account moves money, nothing is right and nothing wrong.
    let truth = truth.filter(|truth| outcome.failed.is_none() && truth.sizes() != (0, 0))?;
    Some(truth.score(variant.rule().reference.subject_role, subjects(&outcome.found).into_iter()).into())
}

/// Days of the data, each with what fired.
fn days(work: &Work<'_>, outcomes: &[Outcome], ends: Option<(i64, i64)>) -> Vec<Day> {
    let Some((from, to)) = ends else { return Vec::new() };
    let (first, last) = (day_of(from), day_of(to));
    let name = |day: i64| format_time(day * DAY).chars().take(10).collect::<String>();
    let mut days: BTreeMap<i64, Day> = BTreeMap::new();
    // Data of more than a century has a wrong date somewhere: days without anything are left out then.
    if last - first < 36_525 {
        days.extend((first..=last).map(|day| (day, Day { day: name(day), ..Day::default() })));
    }
    let rules = work.variants.iter().zip(outcomes).filter(|(variant, _)| variant.replaced.is_none());
    let mut alerted = HashSet::new();
    for (variant, outcome) in rules {
        let id = &variant.rule().reference.id;
        let alerts = variant.rule().reference.raises_alerts();
        for one in &outcome.found {
            let at = day_of(one.time);
            let day = days.entry(at).or_insert_with(|| Day { day: name(at), ..Day::default() });
            day.detections += u64::from(!variant.rule().reference.shadow);
            day.rules.entry(id.clone()).or_default().0 += 1;
        }
        for (at, subject) in subject_days(&outcome.found) {
            if let Some(day) = days.get_mut(&at) {
                day.rules.entry(id.clone()).or_default().1 += 1;
                day.alerts += u64::from(alerts && alerted.insert((at, subject)));
            }
        }
    }
    days.into_values().collect()
}

fn challengers(work: &Work<'_>, outcomes: &[Outcome]) -> Vec<Challenge> {
    let in_force = || work.variants.iter().zip(outcomes).filter(|(variant, _)| variant.replaced.is_none());
    let rows = |id: &str| -> Option<BTreeSet<(i64, Key)>> {
        let (_, outcome) = in_force().find(|(variant, _)| variant.rule().reference.id == id)?;
        outcome.failed.is_none().then(|| outcome.compared.iter().copied().collect())
    };
    let mut challenges = Challenge::among(in_force().map(|(variant, _)| &*variant.rule().reference));
    challenges.retain_mut(|challenge| match (rows(&challenge.rule), rows(&challenge.champion)) {
        (Some(own), Some(others)) => {
            compare(challenge, &own, &others);
            true
        }
        _ => false,
    });
    challenges
}

fn sweeps(work: &Work<'_>, outcomes: &[Outcome], truth: Option<&Truth>) -> Result<Vec<Sweep>> {
    let mut sweeps: Vec<Sweep> = Vec::new();
    for (at, variant) in work.variants.iter().enumerate() {
        let Some((parameter, value)) = &variant.replaced else { continue };
        let reference = &variant.rule().reference;
        let is_same = |sweep: &Sweep| sweep.rule == reference.id && sweep.parameter == *parameter;
        let is_own = |v: &Variant| v.replaced.is_none() && v.rule().reference.id == reference.id;
        let own = work.variants.iter().position(is_own).unwrap_or(at);
        if !sweeps.iter().any(is_same) {
            let in_force = work.variants[own].rule().reference.parameters.get(parameter).cloned().unwrap_or_default();
            sweeps.push(Sweep {
                rule: reference.id.clone(),
                parameter: parameter.clone(),
                points: vec![point(work, outcomes, truth, (own, &in_force))?],
                in_force,
            });
        }
        if !variant.is_alike(&work.variants[own])
            && let Some(sweep) = sweeps.iter_mut().find(|sweep| is_same(sweep))
        {
            sweep.points.push(point(work, outcomes, truth, (at, value))?);
        }
    }
    // A curve goes from the least value to the greatest; words stay in their order.
    let number = |point: &Point| point.value.parse::<f64>().unwrap_or_default();
    sweeps.iter_mut().for_each(|sweep| sweep.points.sort_by(|a, b| number(a).total_cmp(&number(b))));
    Ok(sweeps)
}

/// What the variant at a place gives.
fn point(work: &Work<'_>, outcomes: &[Outcome], truth: Option<&Truth>, (at, value): (usize, &str)) -> Result<Point> {
    let (variant, outcome) = (&work.variants[at], &outcomes[at]);
    Ok(Point {
        value: value.to_owned(),
        counts: counts(variant, &outcome.found),
        alerts_over_signals: match variant.rule().reference.raises_signals() && outcome.failed.is_none() {
            true => alerts_over(work, outcomes, at)?,
            false => None,
        },
        failed: outcome.failed.clone(),
        score: score(truth, variant, outcome),
    })
}

/// Alerts of all rules over signals with those of one variant; none where there is no such rule, or one of them has failed.
fn alerts_over(work: &Work<'_>, outcomes: &[Outcome], replaced: usize) -> Result<Option<u64>> {
    let mut alerts: Option<HashSet<(i64, Key)>> = None;
    let over = work.variants.iter().zip(outcomes);
    for (rule, outcome) in over.filter(|(v, _)| v.replaced.is_none() && v.rule().reference.raises_alerts()) {
        if rule.rule().table != Table::Signals {
            continue;
        }
        if outcome.failed.is_some() {
            return Ok(None);
        }
        let found = work.over_replaced(rule, replaced, outcomes)?;
        let named = found.iter().map(|d| (day_of(d.event_time), key_of(&d.subject)));
        alerts.get_or_insert_default().extend(named);
    }
    Ok(alerts.map(|alerts| alerts.len() as u64))
}

/// Rules in force whose table the data does not hold, and those that count signals of such rules.
fn lacking<'w>(work: &Work<'w>, data: &Data) -> HashSet<&'w str> {
    // Movements are made of transactions, never the other way.
    let holds_none = data.transactions == 0 && data.movements > 0;
    let of_table = |table: Table| {
        let in_force = work.variants.iter().filter(|variant| variant.replaced.is_none() && holds_none);
        in_force.filter(move |variant| variant.rule().table == table)
    };
    let id = |variant: &'w Variant| variant.rule().reference.id.as_str();
    let first: Vec<&str> = of_table(Table::Transactions).map(id).collect();
    let counts = |variant: &&Variant| first.iter().any(|raising| counts_signals_of(variant, raising));
    let second: Vec<&str> = of_table(Table::Signals).filter(counts).map(id).collect();
    first.into_iter().chain(second).collect()
}

/// What cannot fire is held against no labels, whatever its values.
fn without_lacking(mut sweeps: Vec<Sweep>, rules: &[RuleFigures]) -> Vec<Sweep> {
    let lacks = |sweep: &&mut Sweep| rules.iter().any(|rule| rule.rule == sweep.rule && rule.lacks().is_some());
    sweeps.iter_mut().filter(lacks).flat_map(|sweep| &mut sweep.points).for_each(|point| point.score = None);
    sweeps
}

/// All figures.
///
/// # Errors
/// What DataFusion reports of rules over signals.
pub fn report(
    work: &Work<'_>,
    outcomes: &[Outcome],
    truth: Option<&Truth>,
    ends: Option<(i64, i64)>,
    about: About,
) -> Result<Report> {
    let needed = |rule: &RuleRef| work.needs_history.get(&rule.id).copied().unwrap_or_default();
    let held = ends.map_or(0, |(from, to)| to.saturating_sub(from));
    let rows = |stripes: &super::data::Stripes| {
        stripes.first().map_or(0, |files| files.iter().map(mareva_monitoring::backtest::TableFile::rows).sum())
    };
    let days_between = |(from, to): (i64, i64)| u64::try_from(day_of(to) - day_of(from) + 1).unwrap_or_default();
    let records = work.tables.records.as_ref().map(Records::from);
    let data = Data {
        transactions: rows(&work.tables.transactions),
        movements: rows(&work.tables.movements),
        from: ends.map(|(from, _)| format_time(from)),
        to: ends.map(|(_, to)| format_time(to)),
        days: ends.map_or(0, days_between),
        accounts: work.accounts.rows(),
        records,
    };
    let lacking = lacking(work, &data);
    let figures = |(variant, outcome): (&Variant, &Outcome)| {
        let reference = &variant.rule().reference;
        let (needs_history_ms, lacks_history) = (needed(reference), needed(reference) > held);
        let lacks_table = lacking.contains(reference.id.as_str());
        RuleFigures {
            rule: reference.id.clone(),
            version: reference.version,
            title: reference.title.clone(),
            table: variant.rule().table.name(),
            raises: word_of(reference.raises),
            shadow: reference.shadow,
            subject_role: word_of(reference.subject_role),
            parameters: reference.parameters.clone(),
            counts: counts(variant, &outcome.found),
            needs_history_ms,
            lacks_history,
            lacks_table,
            failed: outcome.failed.clone(),
            score: score(truth, variant, outcome).filter(|_| !lacks_history && !lacks_table),
        }
    };
    let in_force = || work.variants.iter().zip(outcomes).filter(|(variant, _)| variant.replaced.is_none());
    let alerting = || in_force().filter(|(variant, _)| variant.rule().reference.raises_alerts());
    let of_alerts: HashSet<Key> = alerting().flat_map(|(_, outcome)| subjects(&outcome.found)).collect();
    let labels = truth.map(|truth| {
        let (criminals, victims) = truth.sizes();
        LabelFigures {
            labelled: truth.labelled,
            words: truth.words.clone(),
            criminals,
            victims,
            value_of_labelled_transactions: truth.by_transaction,
            all_alerts: alerting()
                .next()
                .filter(|_| truth.sizes() != (0, 0))
                .map(|_| truth.score(SubjectRole::Unknown, of_alerts.into_iter()).into()),
        }
    });
    let rules: Vec<RuleFigures> = in_force().map(figures).collect();
    let sweeps = without_lacking(sweeps(work, outcomes, truth)?, &rules);
    Ok(Report {
        mareva: env!("CARGO_PKG_VERSION"),
        about,
        alerts: subject_days(alerting().flat_map(|(_, outcome)| &outcome.found)).len() as u64,
        notices: rules.iter().filter_map(|rule| rule.notice(&data)).collect(),
        data,
        rules,
        days: days(work, outcomes, ends),
        challengers: challengers(work, outcomes),
        overlap: overlap(work, outcomes),
        labels,
        sweeps,
    })
}
