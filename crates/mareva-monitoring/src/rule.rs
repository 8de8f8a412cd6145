//! `rule.toml` and `rule.sql`, read and checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use mareva_model::{AMOUNT_SCALE, Fault, Raises, Refusal, RuleRef, SubjectRole, Targets};
use serde::Deserialize;

/// The two texts of a rule's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
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

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleToml {
    id: String,
    version: u32,
    title: String,
    severity: String,
    raises: Raises,
    #[serde(default)]
    weight: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    subject_role: SubjectRole,
    targets: Targets,
    action: String,
    reason_code: String,
    #[serde(default)]
    needs_history: Option<String>,
    typology: String,
    sources: Vec<Source>,
    #[serde(default)]
    known_gaps: Vec<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
}

#[derive(Debug, Clone, Deserialize)]
struct Parameter {
    value: toml::Value,
    #[serde(rename = "type")]
    kind: String,
}

/// A rule whose `rule.toml` is in order; its SQL is not compiled yet.
#[derive(Debug, Clone)]
pub(crate) struct CheckedRule {
    pub reference: RuleRef,
    /// Hundredths.
    pub weight: i64,
    pub needs_history_ms: i64,
    pub sql: String,
    pub parameters: Vec<(String, ScalarValue)>,
}

impl CheckedRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// Every fault of its `rule.toml`.
    pub fn read(text: &RuleText) -> Result<Self, Refusal> {
        let place = format!("rules/{}/rule.toml", text.folder);
        let rule: RuleToml = toml::from_str(&text.toml)
            .map_err(|error| Refusal::one(&place, error.message().to_owned(), "see rules/README.md for the keys"))?;
        let mut faults = Refusal::default();
        let mut fault = |key: &str, reason: String, remedy: &str| {
            faults.0.push(Fault::new(format!("{place}: {key}"), reason, remedy));
        };
        if rule.id != text.folder {
            fault("id", format!("`{}` is not the folder's name", rule.id), "use the name of the folder");
        }
        if !matches!(rule.severity.as_str(), "low" | "medium" | "high" | "critical") {
            fault("severity", format!("`{}` is unknown", rule.severity), "use low, medium, high or critical");
        }
        if !matches!(rule.action.as_str(), "hold" | "recall" | "block" | "report" | "warn" | "review") {
            fault("action", format!("`{}` is unknown", rule.action), "use hold, recall, block, report, warn or review");
        }
        if rule.sources.is_empty() {
            fault("sources", "no source".into(), "name the published red flag that the rule rests on");
        }
        if rule.subject.as_deref().is_some_and(|subject| subject != "subject") {
            fault("subject", "only the column `subject` can be the subject".into(), "alias the column AS subject");
        }
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
            fault("needs_history", "not a span".into(), "write a number and days, hours or minutes");
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
        faults.into_result()?;
        let _ = rule.known_gaps;
        let reference = RuleRef {
            id: rule.id,
            version: rule.version,
            title: rule.title,
            severity: rule.severity,
            raises: rule.raises,
            subject_role: rule.subject_role,
            targets: rule.targets,
            action: rule.action,
            reason_code: rule.reason_code,
            typology: rule.typology,
            span_ms: 0,
            parameters: shown,
        };
        Ok(Self { reference, weight, needs_history_ms, sql: text.sql.clone(), parameters })
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
fn decimal(text: &str) -> Option<ScalarValue> {
    let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let units = mareva_model::Amount::parse(text).ok()?.0;
    let scale = u32::try_from(places).ok().filter(|places| *places <= AMOUNT_SCALE)?;
    let unscaled = units / 10_i128.pow(AMOUNT_SCALE - scale);
    let digits = unscaled.unsigned_abs().to_string().len().max(places + 1);
    Some(ScalarValue::Decimal128(Some(unscaled), u8::try_from(digits).ok()?, i8::try_from(places).ok()?))
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
        _ => return None,
    };
    number.parse::<i64>().ok().filter(|n| *n >= 0)?.checked_mul(ms)
}

/// Reads several rules; ids must differ.
///
/// # Errors
/// Every fault of every rule.
pub(crate) fn read_all(texts: &[RuleText]) -> Result<Vec<CheckedRule>, Refusal> {
    let mut rules = Vec::new();
    let mut faults = Refusal::default();
    for text in texts {
        match CheckedRule::read(text) {
            Ok(rule) => rules.push(rule),
            Err(refusal) => faults.0.extend(refusal.0),
        }
    }
    rules.sort_by(|a, b| a.reference.id.cmp(&b.reference.id));
    for pair in rules.windows(2) {
        if pair[0].reference.id == pair[1].reference.id {
            let place = format!("rules/{}", pair[0].reference.id);
            faults.0.push(Fault::new(place, "two rules have this id", "rename one of them"));
        }
    }
    faults.into_result()?;
    Ok(rules)
}

/// A rule in force, shared by its detections.
pub(crate) type SharedRule = Arc<RuleRef>;
