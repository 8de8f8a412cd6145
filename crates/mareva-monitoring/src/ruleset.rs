//! Rules in force: read, planned and compiled together.

use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use mareva_model::{Digest, Fault, Kind, Raises, Refusal, RuleRef, Status, Table, digest, nearest};

use crate::accounts::{ROLES, accounts_schema};
use crate::backtest::{Variant, counts_signals_of};
use crate::plan::{RulePlan, plan, session};
use crate::program::{Planned, Program, join_key};
use crate::rule::{CheckedRule, Emit, RuleText, read_all};
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
    pub(crate) text: RuleText,
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
        match &self.plan.group {
            Some(group) => Ok(stock(&self.sql, group.extent)?),
            None => Ok(self.sql.clone()),
        }
    }

    /// The longest window of groups of rows, milliseconds; none where it groups none.
    pub(crate) fn longest_group(&self) -> i64 {
        self.plan.group.as_ref().map_or(0, |group| group.extent.reach())
    }

    /// Where its SQL is.
    pub(crate) fn place(&self) -> String {
        format!("rules/{}/rule.sql", self.reference.id)
    }
}

/// All rules in force; immutable.
#[derive(Clone)]
pub struct Ruleset {
    rules: Vec<Rule>,
    digest: Digest,
    context: SessionContext,
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
            let planned = futures::executor::block_on(plan(&context, &rule));
            match planned.and_then(|plan| level(&rule, plan, texts)) {
                Ok(rule) => rules.push(rule),
                Err(fault) => faults.0.push(fault),
            }
        }
        if !faults.0.is_empty() {
            return Err(faults);
        }
        let ruleset = Self { rules, digest: rules_digest(texts), context };
        ruleset.check_challengers(&mut faults);
        faults.into_result()?;
        for table in [Table::Transactions, Table::Movements, Table::Signals] {
            ruleset.program(table).map_err(|error| ruleset.uncompiled(table, &error))?;
        }
        Ok(ruleset)
    }

    /// Whose expressions do not compile: each rule alone shows it.
    fn uncompiled(&self, table: Table, error: &DataFusionError) -> Refusal {
        let fault = |rule: &Rule| {
            let error = Program::compile(&self.context, table, &rule.planned().collect::<Vec<_>>()).err()?;
            Some(Sql::new(rule.place(), &rule.sql).engine(&error))
        };
        let faults: Vec<Fault> = self.rules.iter().filter(|rule| rule.table == table).filter_map(fault).collect();
        match faults.is_empty() {
            true => Refusal::one("rules", error.strip_backtrace(), "simplify the expression that is named"),
            false => Refusal(faults),
        }
    }

    /// Conditions of second-level rules on signals of rules that are not here or raise none: the rule, and what it names.
    pub fn unmet(&self) -> Vec<(&str, String)> {
        let raises = |id: &str| self.rules.iter().any(|r| r.reference.id == id && r.reference.raises_signals());
        let of_signals = self.rules.iter().filter(|rule| rule.table == Table::Signals);
        let named = |rule: &'_ Rule| rule.plan.texts_compared_with("rule");
        of_signals
            .flat_map(|rule| named(rule).into_iter().map(move |text| (rule.reference.id.as_str(), text)))
            .filter(|(_, text)| !raises(text))
            .collect()
    }

    /// Whether a rule looks at what the accounts table says of an account.
    pub fn needs_accounts(&self) -> bool {
        let of_accounts = ["role", "segment", "customer"];
        let is_told = |column: &String| column.rsplit_once('_').is_some_and(|(_, what)| of_accounts.contains(&what));
        let needs = |column: &String| join_key(column).is_some() || is_told(column);
        self.rules.iter().any(|rule| rule.plan.columns.keys().any(needs))
    }

    /// Texts that rules compare with a column whose values are known, and that are none of them: the rule, the column, the text and the
    /// value that is near, if one is.
    pub fn never_equal(&self) -> Vec<(&str, &'static str, String, Option<&'static str>)> {
        let (kinds, statuses) = (Kind::ALL.map(Kind::as_str), Status::ALL.map(Status::as_str));
        let known = [
            ("kind", &kinds[..]),
            ("status", &statuses[..]),
            ("direction", &["in", "out"][..]),
            ("account_role", &ROLES[..]),
            ("counterparty_role", &ROLES[..]),
        ];
        let mut found = Vec::new();
        for (rule, (column, values)) in self.rules.iter().flat_map(|rule| known.map(|known| (rule, known))) {
            for text in rule.plan.texts_named_with(column) {
                if !values.contains(&text.as_str()) {
                    let near = nearest(&text.to_lowercase(), values.iter().copied());
                    found.push((rule.reference.id.as_str(), column, text, near));
                }
            }
        }
        found
    }

    /// Rules whose signals no rule over signals counts.
    pub fn uncounted(&self) -> Vec<&str> {
        let second: Vec<Variant> =
            self.rules.iter().filter(|rule| rule.table == Table::Signals).map(Variant::in_force).collect();
        let is_counted = |id: &str| second.iter().any(|rule| counts_signals_of(rule, id));
        let raising = self.rules.iter().filter(|rule| rule.reference.raises_signals());
        raising.map(|rule| rule.reference.id.as_str()).filter(|id| !is_counted(id)).collect()
    }

    /// Rules that are to take the place of one that is not here: the rule, and what it names.
    pub fn unopposed(&self) -> Vec<(&str, &str)> {
        let is_here = |id: &str| self.rules.iter().any(|rule| rule.reference.id == id);
        let rules = self.rules.iter().map(|rule| &rule.reference);
        let named = rules.filter_map(|rule| Some((rule.id.as_str(), rule.challenger_of.as_deref()?)));
        named.filter(|(_, champion)| !is_here(champion)).collect()
    }

    /// Notes rules that are compared with one of another table: no row of theirs would be the same.
    fn check_challengers(&self, faults: &mut Refusal) {
        for rule in &self.rules {
            let champion = rule.reference.challenger_of.as_ref();
            let champion = self.rules.iter().find(|other| Some(&other.reference.id) == champion);
            if let Some(champion) = champion.filter(|champion| champion.table != rule.table) {
                let place = format!("rules/{}/rule.toml: challenger_of", rule.reference.id);
                let (own, other) = (rule.table.name(), champion.table.name());
                let reason = format!("it fires on {own}, and `{}` on {other}", champion.reference.id);
                faults.0.push(Fault::new(place, reason, "compare rules over the same table"));
            }
        }
    }

    /// The rules, by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The texts that it was loaded from, by id.
    pub fn texts(&self) -> Vec<RuleText> {
        self.rules.iter().map(|rule| rule.text.clone()).collect()
    }

    pub(crate) fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Digest over all texts.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    fn program(&self, table: Table) -> Result<Program, DataFusionError> {
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

    /// What a signal of a rule weighs, hundredths.
    pub(crate) fn weight(&self, id: &str) -> i64 {
        self.rules.iter().find(|r| r.reference.id == id).map_or(0, |r| r.checked.weight)
    }

    /// Milliseconds of history without which a rule does not fire.
    pub fn needs_history(&self, id: &str) -> i64 {
        self.rules.iter().find(|r| r.reference.id == id).map_or(0, |r| r.checked.needs_history_ms)
    }
}

/// Digest over all texts of rules, whatever their order.
pub fn rules_digest(texts: &[RuleText]) -> Digest {
    let mut sorted: Vec<&RuleText> = texts.iter().collect();
    sorted.sort_by(|a, b| a.folder.cmp(&b.folder));
    let mut bytes = Vec::new();
    for text in sorted {
        for part in [&text.folder, &text.toml, &text.sql] {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    digest(&bytes)
}

fn level(rule: &CheckedRule, plan: RulePlan, texts: &[RuleText]) -> Result<Rule, Fault> {
    if plan.table == Table::Signals && rule.reference.raises == Raises::Signal {
        return Err(Fault::new(
            format!("rules/{}/rule.toml: raises", rule.reference.id),
            "a rule over signals cannot raise a signal",
            "set raises = \"alert\"",
        ));
    }
    if rule.emit == Emit::Close && plan.group.is_none() {
        return Err(Fault::new(
            format!("rules/{}/rule.toml: emit", rule.reference.id),
            "a rule that fires as of each row has no window that closes",
            "remove it, or GROUP BY a window",
        ));
    }
    let span_ms = plan.reaches().max().unwrap_or(0);
    let reference = Arc::new(RuleRef { span_ms, table: plan.table, hops: plan.is_hop(), ..rule.reference.clone() });
    // A rule's id is the name of its folder, or it would not have been read.
    let mut of_rule = texts.iter().filter(|text| text.folder == reference.id);
    let text = of_rule.next().cloned().unwrap_or_else(|| RuleText {
        folder: reference.id.clone(),
        toml: String::new(),
        sql: rule.sql.clone(),
    });
    Ok(Rule { reference, table: plan.table, sql: rule.sql.clone(), checked: rule.clone(), text, plan })
}
