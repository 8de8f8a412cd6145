//! `rule.toml` and `rule.sql`, read and checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use mareva_model::{AMOUNT_SCALE, Fault, Raises, Refusal, RuleRef, SubjectRole, Table, Targets};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Why a payment is recalled (ISO 20022 ExternalCancellationReason1Code), as far as a payment already made can be.
const REASON_CODES: [&str; 14] =
    ["AC03", "AGNT", "AM09", "COVR", "CURR", "CUST", "CUTA", "DUPL", "ENUE", "FRAD", "SYAD", "TECH", "UAPA", "UPAY"];

/// The two texts of a rule's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleText {
    /// Name of the folder: the rule's id.
    pub folder: String,
    /// `rule.toml`.
    pub toml: String,
    /// `rule.sql`.
    pub sql: String,
}

/// A published red flag that a rule rests on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// One line.
    Line(String),
    /// Title, place and the words or number taken from it.
    Full(BTreeMap<String, String>),
}

/// When a rule tells of a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Emit {
    /// With each row; what does not hold any more is withdrawn.
    #[default]
    Update,
    /// Once, when no row can come into the window any more: low time has passed its end by the lateness.
    Close,
}

#[derive(Debug, Clone)]
struct RuleToml {
    id: String,
    version: u32,
    title: String,
    severity: String,
    raises: Raises,
    weight: Option<String>,
    subject: Option<String>,
    subject_role: SubjectRole,
    targets: Targets,
    action: String,
    reason_code: String,
    needs_history: Option<String>,
    emit: Emit,
    typology: String,
    sources: Vec<Source>,
    parameters: BTreeMap<String, Parameter>,
    shadow: bool,
    challenger_of: Option<String>,
}

impl RuleToml {
    /// Reads every key on its own, so that each fault is found. A key at fault has a value that gives no second one.
    fn read(folder: &str, keys: &mut Keys) -> Self {
        let rule = Self {
            id: keys.required("id", || folder.to_owned()),
            version: keys.required("version", || 0),
            title: keys.required("title", || folder.to_owned()),
            severity: keys.required("severity", || "low".to_owned()),
            raises: keys.required("raises", || Raises::Alert),
            weight: keys.optional("weight"),
            subject: keys.optional("subject"),
            subject_role: keys.required("subject_role", || SubjectRole::Unknown),
            targets: keys.required("targets", || Targets::None),
            action: keys.required("action", || "review".to_owned()),
            reason_code: keys.required("reason_code", || "FRAD".to_owned()),
            needs_history: keys.optional("needs_history"),
            emit: keys.optional("emit").unwrap_or_default(),
            typology: keys.required("typology", || folder.to_owned()),
            sources: keys.required("sources", || vec![Source::Line(folder.to_owned())]),
            parameters: keys.optional("parameters").unwrap_or_default(),
            shadow: keys.optional("shadow").unwrap_or_default(),
            challenger_of: keys.optional("challenger_of"),
        };
        // For readers of the folder only.
        if keys.optional::<Vec<String>>("known_gaps").is_some_and(|gaps| gaps.iter().any(|gap| is_blank(gap))) {
            keys.fault("known_gaps", "one is blank", "say what the rule does not see, or remove it");
        }
        keys.rest();
        rule
    }

    /// Notes values that no type can refuse.
    fn check(&self, folder: &str, keys: &mut Keys) {
        let mut fault = |key: &str, reason: String, remedy: &str| keys.fault(key, reason, remedy);
        if self.id != folder {
            fault("id", format!("`{}` is not the folder's name", self.id), "use the name of the folder");
        }
        if !matches!(self.severity.as_str(), "low" | "medium" | "high" | "critical") {
            fault("severity", format!("`{}` is unknown", self.severity), "use low, medium, high or critical");
        }
        if !matches!(self.action.as_str(), "hold" | "recall" | "block" | "report" | "warn" | "review") {
            fault("action", format!("`{}` is unknown", self.action), "use hold, recall, block, report, warn or review");
        }
        if self.subject_role == SubjectRole::Listed {
            let reason = "`listed` is what a list says of a party, and no rule can".into();
            fault("subject_role", reason, "use victim, suspect or unknown");
        }
        if self.subject_role == SubjectRole::Victim && self.targets == Targets::SubjectAccount {
            let reason = "`subject_account` of a victim: a victim's account is never restrained".into();
            fault("targets", reason, "use outgoing_payments, or none");
        }
        if matches!(self.action.as_str(), "hold" | "recall" | "block") && self.targets == Targets::None {
            let reason = format!("`{}` asks to restrain, and targets is none", self.action);
            fault("action", reason, "use report, warn or review, or say in targets what to restrain");
        }
        if !REASON_CODES.contains(&self.reason_code.as_str()) {
            let remedy = format!("use a cancellation reason of ISO 20022: {}", REASON_CODES.join(", "));
            fault("reason_code", format!("`{}` is unknown", self.reason_code), &remedy);
        }
        if self.challenger_of.is_some() && !self.shadow {
            let remedy = "add shadow = true, or remove challenger_of where it has taken that rule's place";
            fault("challenger_of", "only a rule in shadow challenges another".into(), remedy);
        }
        if self.challenger_of.as_ref() == Some(&self.id) {
            fault("challenger_of", "is the rule itself".into(), "name the rule whose place it is to take");
        }
        let says_nothing = |source: &Source| match source {
            Source::Line(line) => is_blank(line),
            Source::Full(parts) => parts.values().all(|part| is_blank(part)),
        };
        if self.sources.is_empty() || self.sources.iter().any(says_nothing) {
            fault("sources", "no source".into(), "name the published red flag that the rule rests on");
        }
        for (key, text) in [("title", &self.title), ("typology", &self.typology)] {
            if is_blank(text) {
                fault(key, "is blank".into(), "say in a few words what the rule is about");
            }
        }
        if self.subject.as_deref().is_some_and(|subject| subject != "subject") {
            fault("subject", "only the column `subject` can be the subject".into(), "alias the column AS subject");
        }
    }
}

/// Whether there is no letter and no digit in it that can be seen: Unicode counts the fillers of Korean as letters.
pub fn is_blank(text: &str) -> bool {
    const FILLERS: [char; 4] = ['\u{115F}', '\u{1160}', '\u{3164}', '\u{FFA0}'];
    !text.chars().any(|c| c.is_alphanumeric() && !FILLERS.contains(&c))
}

/// The keys of a `rule.toml` that are not read yet, and what was wrong with the others.
struct Keys {
    place: String,
    table: toml::Table,
    read: Vec<&'static str>,
    faults: Refusal,
}

impl Keys {
    fn fault(&mut self, key: &str, reason: impl Into<String>, remedy: impl Into<String>) {
        self.faults.0.push(Fault::new(format!("{}: {key}", self.place), reason, remedy));
    }

    fn optional<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        self.read.push(key);
        let read = self.table.remove(key)?.try_into::<T>();
        read.map_err(|error| self.fault(key, error.message(), "see rules/README.md for the keys")).ok()
    }

    fn required<T: DeserializeOwned>(&mut self, key: &'static str, otherwise: impl FnOnce() -> T) -> T {
        if !self.table.contains_key(key) {
            self.fault(key, "is missing", "add it; see rules/README.md for the keys");
        }
        self.optional(key).unwrap_or_else(otherwise)
    }

    fn rest(&mut self) {
        let known = self.read.join(", ");
        for (key, _) in std::mem::take(&mut self.table) {
            self.fault(&key, "is no key of a rule", format!("the keys are {known}"));
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
struct Parameter {
    value: toml::Value,
    #[serde(rename = "type")]
    kind: String,
}

/// A rule whose `rule.toml` is read; its SQL is not compiled yet.
#[derive(Debug, Clone)]
pub(crate) struct CheckedRule {
    pub reference: RuleRef,
    /// Hundredths.
    pub weight: i64,
    pub needs_history_ms: i64,
    pub emit: Emit,
    pub sql: String,
    pub parameters: Vec<(String, ScalarValue)>,
}

impl CheckedRule {
    /// Reads a rule and notes every fault of its `rule.toml`; none where its SQL cannot be planned because of them.
    pub fn read(text: &RuleText, faults: &mut Refusal) -> Option<Self> {
        let place = format!("rules/{}/rule.toml", text.folder);
        let table = match text.toml.parse() {
            Ok(table) => table,
            Err(error) => {
                let error: toml::de::Error = error;
                faults.0.push(Fault::new(place, error.message(), "see https://toml.io for how TOML is written"));
                return None;
            }
        };
        let of_parameters = format!("{place}: parameters");
        let mut keys = Keys { place, table, read: Vec::new(), faults: Refusal::default() };
        let rule = RuleToml::read(&text.folder, &mut keys);
        rule.check(&text.folder, &mut keys);
        let mut fault = |key: &str, reason: String, remedy: &str| keys.fault(key, reason, remedy);
        let weight = match (rule.raises, &rule.weight) {
            (Raises::Signal, None) => {
                fault("weight", "a rule that raises a signal has a weight".into(), "add weight = \"1.00\"");
                0
            }
            (_, Some(weight)) => hundredths(weight).unwrap_or_else(|| {
                fault("weight", format!("`{weight}` is not an amount"), "write a decimal with at most two places");
                0
            }),
            (Raises::Alert, None) => 0,
        };
        let needs_history_ms = rule.needs_history.as_deref().map_or(Some(0), span).unwrap_or_else(|| {
            fault("needs_history", "not a span".into(), "write a number and days, hours, minutes or seconds: 180 days");
            0
        });
        let mut parameters = Vec::new();
        let mut shown = BTreeMap::new();
        for (name, parameter) in &rule.parameters {
            match parameter.scalar() {
                Some((value, text)) => {
                    parameters.push((name.clone(), value));
                    shown.insert(name.clone(), text);
                }
                None => fault(
                    &format!("parameters.{name}"),
                    format!("{} is no {}", parameter.value, parameter.kind),
                    "use type decimal, integer or text with a value to match",
                ),
            }
        }
        let is_planned = keys.faults.0.iter().all(|fault| !fault.place.starts_with(&of_parameters));
        faults.0.append(&mut keys.faults.0);
        let reference = RuleRef {
            // Where the two differ, which is a fault, further ones are of this folder and not of the one that it names.
            id: text.folder.clone(),
            version: rule.version,
            title: rule.title,
            severity: rule.severity,
            raises: rule.raises,
            // These are known once its SQL is planned.
            table: Table::default(),
            hops: false,
            subject_role: rule.subject_role,
            targets: rule.targets,
            action: rule.action,
            reason_code: rule.reason_code,
            typology: rule.typology,
            span_ms: 0,
            parameters: shown,
            shadow: rule.shadow,
            challenger_of: rule.challenger_of,
        };
        let (emit, sql) = (rule.emit, without_mark(&text.sql));
        is_planned.then_some(Self { reference, weight, needs_history_ms, emit, sql, parameters })
    }
}

impl Parameter {
    fn scalar(&self) -> Option<(ScalarValue, String)> {
        let text = match &self.value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            _ => return None,
        };
        let value = match self.kind.as_str() {
            "decimal" => decimal(&text)?,
            "integer" => ScalarValue::Int64(Some(text.parse().ok()?)),
            "text" => ScalarValue::Utf8(Some(text.clone())),
            _ => return None,
        };
        Some((value, text))
    }
}

/// A decimal literal with just the digits it is written with.
pub(crate) fn decimal(text: &str) -> Option<ScalarValue> {
    let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let units = mareva_model::Amount::parse(text).ok()?.0;
    let scale = u32::try_from(places).ok().filter(|places| *places <= AMOUNT_SCALE)?;
    let unscaled = units / 10_i128.pow(AMOUNT_SCALE - scale);
    let digits = unscaled.unsigned_abs().to_string().len().max(places + 1);
    Some(ScalarValue::Decimal128(Some(unscaled), u8::try_from(digits).ok()?, i8::try_from(places).ok()?))
}

/// Some editors put a byte order mark before a text.
fn without_mark(sql: &str) -> String {
    sql.strip_prefix('\u{feff}').unwrap_or(sql).to_owned()
}

fn hundredths(text: &str) -> Option<i64> {
    let units = mareva_model::Amount::parse(text).ok()?.0;
    let cent = 10_i128.pow(AMOUNT_SCALE - 2);
    (units % cent == 0).then(|| i64::try_from(units / cent).ok()).flatten()
}

/// `180 days` in milliseconds.
fn span(text: &str) -> Option<i64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let ms = match unit.trim().trim_end_matches('s') {
        "day" => 86_400_000,
        "hour" => 3_600_000,
        "minute" => 60_000,
        "second" => 1_000,
        _ => return None,
    };
    number.parse::<i64>().ok().filter(|n| *n >= 0)?.checked_mul(ms)
}

/// Reads several rules, which must have different ids, and notes every fault of every rule.
pub(crate) fn read_all(texts: &[RuleText], faults: &mut Refusal) -> Vec<CheckedRule> {
    let mut rules: Vec<CheckedRule> = texts.iter().filter_map(|text| CheckedRule::read(text, faults)).collect();
    rules.sort_by(|a, b| a.reference.id.cmp(&b.reference.id));
    for pair in rules.windows(2) {
        if pair[0].reference.id == pair[1].reference.id {
            let place = format!("rules/{}", pair[0].reference.id);
            faults.0.push(Fault::new(place, "two rules have this id", "rename one of them"));
        }
    }
    rules
}

/// A rule in force, shared by its detections.
pub(crate) type SharedRule = Arc<RuleRef>;
