//! Rules in force: read, planned and compiled together.

use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use mareva_model::{Digest, Fault, Raises, Refusal, RuleRef, Table, digest};

use crate::accounts::accounts_schema;
use crate::plan::{RulePlan, plan, session};
use crate::program::{Planned, Program};
use crate::rule::{CheckedRule, RuleText, read_all};
use crate::rule_text::Sql;
use crate::stock::stock;

/// A rule with its plan.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What detections carry.
    pub reference: Arc<RuleRef>,
    /// Table it starts from.
    pub table: Table,
    /// Its SQL.
    pub sql: String,
    pub(crate) checked: CheckedRule,
    pub(crate) plan: RulePlan,
}

impl Rule {
    /// What is compiled of it: of hopping windows one program each.
    pub(crate) fn planned(&self) -> impl Iterator<Item = Planned> {
        let (rule, weight) = (&self.reference, self.checked.weight);
        self.plan.shifts().into_iter().map(move |plan| Planned { rule: rule.clone(), weight, plan })
    }

    /// Its SQL as stock DataFusion runs it.
    ///
    /// # Errors
    /// Where it is no SQL, which loading would have refused.
    pub(crate) fn stock(&self) -> Result<String, DataFusionError> {
        Ok(stock(&self.sql)?)
    }

    fn place(&self) -> String {
        format!("rules/{}/rule.sql", self.reference.id)
    }
}

/// All rules in force; immutable.
#[derive(Clone)]
pub struct Ruleset {
    rules: Vec<Rule>,
    digest: Digest,
    pub(crate) context: SessionContext,
}

impl std::fmt::Debug for Ruleset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|rule| &rule.reference.id)).finish()
    }
}

impl Ruleset {
    /// Reads, plans and compiles rules.
    ///
    /// # Errors
    /// Every fault of every rule.
    pub fn load(texts: &[RuleText]) -> Result<Self, Refusal> {
        let mut faults = Refusal::default();
        let checked = read_all(texts, &mut faults);
        let context = session(&accounts_schema())
            .map_err(|e| Refusal::one("rules", e.to_string(), "report this: the rule tables themselves do not plan"))?;
        let mut rules = Vec::new();
        for rule in checked {
            match futures::executor::block_on(plan(&context, &rule)).and_then(|plan| level(&rule, plan)) {
                Ok(rule) => rules.push(rule),
                Err(fault) => faults.0.push(fault),
            }
        }
        faults.into_result()?;
        let mut sorted: Vec<&RuleText> = texts.iter().collect();
        sorted.sort_by(|a, b| a.folder.cmp(&b.folder));
        let mut bytes = Vec::new();
        for text in sorted {
            for part in [&text.folder, &text.toml, &text.sql] {
                bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
                bytes.extend_from_slice(part.as_bytes());
            }
        }
        let ruleset = Self { rules, digest: digest(&bytes), context };
        for table in [Table::Transactions, Table::Movements, Table::Signals] {
            ruleset.program(table).map_err(|error| ruleset.uncompiled(table, &error))?;
        }
        Ok(ruleset)
    }

    /// Whose expressions do not compile: each rule alone shows it.
    fn uncompiled(&self, table: Table, error: &DataFusionError) -> Refusal {
        let fault = |rule: &Rule| {
            let error = Program::compile(&self.context, table, &rule.planned().collect::<Vec<_>>()).err()?;
            Some(Sql { place: rule.place(), sql: &rule.sql }.engine(&error))
        };
        let faults: Vec<Fault> = self.rules.iter().filter(|rule| rule.table == table).filter_map(fault).collect();
        match faults.is_empty() {
            true => Refusal::one("rules", error.strip_backtrace(), "simplify the expression that is named"),
            false => Refusal(faults),
        }
    }

    /// Conditions of second-level rules on signals of rules that are not here or raise none: the rule, and what it names.
    pub fn unmet(&self) -> Vec<(&str, String)> {
        let raises = |id: &str| self.rules.iter().any(|r| r.reference.id == id && r.reference.raises == Raises::Signal);
        let of_signals = self.rules.iter().filter(|rule| rule.table == Table::Signals);
        let named = |rule: &'_ Rule| rule.plan.texts_compared_with("rule");
        of_signals
            .flat_map(|rule| named(rule).into_iter().map(move |text| (rule.reference.id.as_str(), text)))
            .filter(|(_, text)| !raises(text))
            .collect()
    }

    /// The rules, by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Digest over all texts.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub(crate) fn program(&self, table: Table) -> Result<Program, DataFusionError> {
        let planned: Vec<Planned> =
            self.rules.iter().filter(|rule| rule.table == table).flat_map(Rule::planned).collect();
        Program::compile(&self.context, table, &planned)
    }

    /// The same rules, one of them with other SQL for stock DataFusion.
    #[cfg(test)]
    pub(crate) fn with_stock(mut self, id: &str, sql: String) -> Self {
        self.rules.iter_mut().filter(|rule| rule.reference.id == id).for_each(|rule| rule.sql = sql.clone());
        self
    }

    /// How long what rules of level one say of a group of rows may change after the rows are settled, milliseconds: the longest
    /// window of one with `GROUP BY`.
    pub(crate) fn longest_group(&self) -> i64 {
        self.longest(|table| table != Table::Signals)
    }

    /// The same of all rules: what second-level rules say rests on what level one says.
    pub fn unsettled_ms(&self) -> i64 {
        self.longest_group().saturating_add(self.longest(|table| table == Table::Signals))
    }

    fn longest(&self, of: impl Fn(Table) -> bool) -> i64 {
        let groups = self.rules.iter().filter(|rule| of(rule.table)).filter_map(|rule| rule.plan.group.as_ref());
        groups.map(|group| group.extent.reach()).max().unwrap_or(0)
    }

    /// Milliseconds of history without which a rule does not fire.
    pub fn needs_history(&self, id: &str) -> i64 {
        self.rules.iter().find(|r| r.reference.id == id).map_or(0, |r| r.checked.needs_history_ms)
    }
}

fn level(rule: &CheckedRule, plan: RulePlan) -> Result<Rule, Fault> {
    if plan.table == Table::Signals && rule.reference.raises == Raises::Signal {
        return Err(Fault::new(
            format!("rules/{}/rule.toml: raises", rule.reference.id),
            "a rule over signals cannot raise a signal",
            "set raises = \"alert\"",
        ));
    }
    let span_ms = plan.reaches().max().unwrap_or(0);
    let reference = Arc::new(RuleRef { span_ms, table: plan.table, hops: plan.is_hop(), ..rule.reference.clone() });
    Ok(Rule { reference, table: plan.table, sql: rule.sql.clone(), checked: rule.clone(), plan })
}
