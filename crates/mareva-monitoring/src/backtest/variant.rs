//! A rule as it is in force, or with one parameter replaced.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use mareva_model::{Fault, RuleRef};

use crate::rule::decimal;
use crate::ruleset::Rule;

/// What a back-test runs.
#[derive(Debug, Clone)]
pub struct Variant {
    pub(super) rule: Rule,
    /// Name and value of the parameter that is replaced.
    pub replaced: Option<(String, String)>,
}

impl Variant {
    /// The rule as it is in force.
    pub fn in_force(rule: &Rule) -> Self {
        Self { rule: rule.clone(), replaced: None }
    }

    /// The rule with another value of a parameter, of the type that the parameter has.
    ///
    /// # Errors
    /// That there is no such parameter, or that the text is none of its values.
    pub fn with(rule: &Rule, name: &str, text: &str) -> Result<Self, Fault> {
        let place = || format!("--sweep {}.{name}={text}", rule.reference.id);
        let mut rule = rule.clone();
        let names: Vec<String> = rule.checked.parameters.iter().map(|(name, _)| name.clone()).collect();
        let Some((_, value)) = rule.checked.parameters.iter_mut().find(|(own, _)| own == name) else {
            let remedy = match names.is_empty() {
                true => "it has none".to_owned(),
                false => format!("its parameters are {}", names.join(", ")),
            };
            return Err(Fault::new(place(), "the rule has no such parameter", remedy));
        };
        let new = match value {
            ScalarValue::Int64(_) => text.parse().ok().map(|number| ScalarValue::Int64(Some(number))),
            ScalarValue::Utf8(_) => Some(ScalarValue::Utf8(Some(text.to_owned()))),
            _ => decimal(text),
        };
        let kind = match value {
            ScalarValue::Int64(_) => "a whole number",
            ScalarValue::Utf8(_) => "a text",
            _ => "a decimal such as 0.85 or 1000.00",
        };
        *value =
            new.ok_or_else(|| Fault::new(place(), format!("is not {kind}"), "write values with commas between"))?;
        let mut reference = RuleRef::clone(&rule.reference);
        reference.parameters.insert(name.to_owned(), text.to_owned());
        rule.reference = Arc::new(reference);
        Ok(Self { rule, replaced: Some((name.to_owned(), text.to_owned())) })
    }

    /// Whether it is the same rule with the same values, however they are written.
    pub fn is_alike(&self, other: &Self) -> bool {
        let (own, others) = (&self.rule.checked.parameters, &other.rule.checked.parameters);
        let same = |((_, own), (_, other)): (&(String, ScalarValue), &(String, ScalarValue))| is_equal(own, other);
        self.rule.reference.id == other.rule.reference.id && own.iter().zip(others).all(same)
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }
}

/// Whether two values are one: decimals may be written with more places or fewer.
fn is_equal(one: &ScalarValue, other: &ScalarValue) -> bool {
    let places = |scale: i8, other: i8| 10_i128.checked_pow(u32::try_from(other - scale).unwrap_or_default());
    match (one, other) {
        (ScalarValue::Decimal128(Some(one), _, scale), ScalarValue::Decimal128(Some(other), _, of)) => {
            let [one, other] = [(one, *scale, *of), (other, *of, *scale)]
                .map(|(number, scale, of)| places(scale, of).and_then(|unit| number.checked_mul(unit)));
            one.is_some() && one == other
        }
        _ => one == other,
    }
}
