//! One dataset through the pipeline, slice by slice, and what came of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::sync::Arc;

use mareva_model::alert::{Action, Alert, AlertStatus};
use mareva_model::{Prepared, RuleRef, SubjectRole, Table, Text, TransactionBatch, identifier};
use mareva_pipeline::{InputRecord, Pipeline};
use mareva_sim::{EXCHANGE, Label, OUR_BIC, Truth};

use crate::dataset::Dataset;

const DAY: i64 = 86_400_000;

/// A labelled transaction as it was accepted.
pub(crate) struct Leg {
    /// As alerts name it.
    pub(crate) row_id: String,
    pub(crate) time: i64,
    /// Hundredths of the reference currency; 0 where there is no rate.
    pub(crate) amount: i128,
    /// Both sides, as far as it has them.
    pub(crate) parties: Vec<String>,
}

/// An alert over all its revisions.
pub(crate) struct Told {
    /// Stream time at which the first revision was published.
    pub(crate) at: i64,
    pub(crate) first: Alert,
    pub(crate) last: Alert,
    /// Whether some revision asked to hold or recall an innocent's money.
    pub(crate) wrong_hold: bool,
    /// Subjects, accounts and both sides of targets, of all revisions.
    pub(crate) accounts: BTreeSet<String>,
    /// Transactions behind targets and detections, of all revisions.
    pub(crate) rows: BTreeSet<String>,
}

impl Told {
    pub(crate) fn stands(&self) -> bool {
        self.last.status == AlertStatus::Open
    }

    /// Whether it is about a criminal, or about a victim as a victim.
    pub(crate) fn is_right(&self, truth: &Truth<'_>) -> bool {
        is_right(&self.last, truth)
    }
}

fn is_right(alert: &Alert, truth: &Truth<'_>) -> bool {
    let victim = truth.is_victim(&alert.subject) && alert.subject_role == SubjectRole::Victim;
    truth.is_criminal(&alert.subject) || victim
}

/// What a dataset gave.
#[derive(Default)]
pub(crate) struct Run {
    /// Subjects of settled detections, by rule.
    pub(crate) rules: BTreeMap<String, (Arc<RuleRef>, HashSet<String>)>,
    pub(crate) alerts: BTreeMap<String, Told>,
    /// Accounts that moved money, and whether we keep them.
    pub(crate) moved: HashMap<String, bool>,
    /// Labelled transactions by the name that the labels have for them.
    pub(crate) legs: HashMap<String, Leg>,
    pub(crate) days: usize,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
}

/// Judges the dataset in slices of `slice_ms` of event time, so that alerts come when they would live.
pub(crate) fn run(dataset: Dataset, slice_ms: i64) -> Result<(Run, Vec<Label>), Box<dyn Error>> {
    let Dataset { parts, records, labels } = dataset;
    let illicit: HashSet<String> = labels.iter().filter_map(illicit_row).collect();
    let truth = Truth::of(&labels);
    let mut run = Run::default();
    for rule in parts.ruleset.rules() {
        run.rules.insert(rule.reference.id.clone(), (rule.reference.clone(), HashSet::new()));
    }
    let mut pipeline = Pipeline::new(parts)?;
    let epoch = pipeline.epoch();
    let mut days = HashSet::new();
    let mut records = records.peekable();
    for at in 0.. {
        let Some(first) = records.next() else { break };
        let until = first.append_time.div_euclid(slice_ms);
        days.insert(first.append_time.div_euclid(DAY));
        let mut slice: Vec<InputRecord> = vec![first];
        while let Some(next) = records.next_if(|next| next.append_time.div_euclid(slice_ms) == until) {
            slice.push(next);
        }
        let slice = mareva_benches::slice(at, slice, records.peek().is_none(), epoch);
        let output = pipeline.process(&slice)?;
        run.accepted += output.counts.accepted;
        run.refused += output.counts.produced - output.counts.accepted;
        output.accepted.iter().for_each(|batch| run.see(batch, &illicit));
        for detection in output.settled {
            if let Some((_, subjects)) = run.rules.get_mut(&detection.rule.id) {
                subjects.insert(detection.subject);
            }
        }
        for alert in output.alerts {
            run.hear(alert, slice.tick, &truth);
        }
    }
    run.days = days.len();
    Ok((run, labels))
}

fn illicit_row(label: &Label) -> Option<String> {
    match label {
        Label::Transaction { source, tx_id, .. } => Some(row_of(source, tx_id)),
        Label::Account { .. } => None,
    }
}

/// The name that labels have for a transaction.
pub(crate) fn row_of(source: &str, tx_id: &str) -> String {
    format!("{source}:{tx_id}")
}

impl Run {
    fn see(&mut self, batch: &TransactionBatch, illicit: &HashSet<String>) {
        let texts = |text: Text| batch.text(text).iter();
        let users = format!("exch:{EXCHANGE}:");
        let mut ours = String::new();
        _ = identifier::write_agent(&mut ours, OUR_BIC);
        let sides = [(Text::Originator, Text::OriginatorAgent), (Text::Beneficiary, Text::BeneficiaryAgent)];
        for (account, agent) in sides {
            for (account, agent) in texts(account).zip(texts(agent)) {
                let Some(account) = account else { continue };
                let kept = agent == Some(ours.as_str()) || account.starts_with(&users);
                match self.moved.get_mut(account) {
                    Some(known) => *known |= kept,
                    None => _ = self.moved.insert(account.to_owned(), kept),
                }
            }
        }
        let amounts = batch.prepared_amount(Prepared::AmountRef).iter();
        let ids = texts(Text::RowId).zip(texts(Text::Source)).zip(texts(Text::TxId));
        let columns = ids.zip(batch.event_time().iter()).zip(amounts);
        for ((columns, from), to) in columns.zip(texts(Text::Originator)).zip(texts(Text::Beneficiary)) {
            let ((((row_id, source), tx_id), time), amount) = columns;
            let row_id = row_id.unwrap_or_default();
            // A payment with a UETR has that as its identity.
            let told = row_of(source.unwrap_or_default(), tx_id.unwrap_or_default());
            let label = if illicit.contains(row_id) { row_id.to_owned() } else { told };
            if illicit.contains(&label) {
                let parties = [from, to].into_iter().flatten().map(str::to_owned).collect();
                let (time, amount) = (time.unwrap_or_default(), amount.unwrap_or_default());
                self.legs.insert(label, Leg { row_id: row_id.to_owned(), time, amount, parties });
            }
        }
    }

    fn hear(&mut self, alert: Alert, at: i64, truth: &Truth<'_>) {
        let told = self.alerts.entry(alert.alert_id.clone()).or_insert_with(|| Told {
            at,
            first: alert.clone(),
            last: alert.clone(),
            wrong_hold: false,
            accounts: BTreeSet::new(),
            rows: BTreeSet::new(),
        });
        told.accounts.insert(alert.subject.clone());
        for target in &alert.targets {
            let sides = [&target.account, &target.originator.account, &target.beneficiary.account];
            told.accounts.extend(sides.into_iter().flatten().cloned());
            told.rows.extend(target.row_ids.iter().cloned());
            let holds = matches!(target.action, Action::Hold | Action::Recall);
            told.wrong_hold |= holds && target.account.as_ref().is_some_and(|account| !truth.is_criminal(account));
        }
        for rule in alert.evidence.rules.iter().filter(|rule| rule.rule.table != Table::Signals) {
            let rows = rule.detections.iter().map(|detection| rule.rule.row_of(&detection.row_id).0);
            told.rows.extend(rows.filter_map(|row| rule.rule.table.transaction(row)).map(str::to_owned));
        }
        told.last = alert;
    }
}
