//! Rules with `GROUP BY`: rows that stand together in an aligned window, told of by the last of them.

use datafusion::common::Column;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, Expr, Projection};
use mareva_model::Fault;

use super::base::{Base, column, flat};
use super::window::Call;
use super::{FORM, GroupPlan, Matcher, RulePlan, WindowPlan};
use crate::extent::Extent;
use crate::stock::{WINDOW_START, stock};

const GROUPS: &str = "write GROUP BY account, date_bin(INTERVAL '1' HOUR, event_time)";

impl Matcher<'_> {
    /// Forms B and C: a group is told as it stands, and as it stood when its window closes.
    pub(super) fn grouped(
        &self,
        projection: &Projection,
        condition: Option<&Expr>,
        aggregate: &Aggregate,
    ) -> Result<RulePlan, Fault> {
        let base = self.base(&aggregate.input)?;
        let mut names = std::collections::HashMap::new();
        let group = self.group(aggregate, &base)?;
        let mut windows: Vec<WindowPlan> = Vec::new();
        let of_group = aggregate.group_expr.len();
        for (index, (qualifier, field)) in aggregate.schema.iter().enumerate() {
            let shown = flat(qualifier.map(ToString::to_string).as_deref(), field.name());
            let stands_for = match index.checked_sub(of_group) {
                None => self.of_key(&aggregate.group_expr[index], &base, &group, &mut windows)?,
                Some(at) => match aggregate.aggr_expr[at].clone().unalias() {
                    Expr::AggregateFunction(function) => self.of_group(&function, &base, &group, &mut windows)?,
                    other => return Err(self.text.refuse("group by", format!("{other} is no aggregate"), FORM)),
                },
            };
            names.insert(shown, stands_for);
        }
        if base.is_joined && matches!(group.extent, Extent::Session { .. }) {
            let reason = "sessions are of the rows of one table";
            return Err(self.text.refuse("join", reason, "leave the join out, or use date_bin or hop"));
        }
        let plan = self.assembled(projection, condition, base, &names, windows, Some(group))?;
        let own = plan.group.as_ref().map(|group| group.extent);
        let mut starts = plan.outputs.iter().filter(|(name, _)| name == WINDOW_START);
        let tells = starts.any(|(_, expr)| self.aligned(expr).is_ok_and(|found| found == own));
        if plan.is_hop() && !tells {
            let remedy = "select hop(event_time, …) AS window_start, with the intervals of GROUP BY";
            return Err(self.text.refuse("select", "which of the windows a row tells of is not selected", remedy));
        }
        let texts = ["LAST_VALUE(row_id ORDER BY event_time, row_id)", "MAX(event_time)"];
        self.tells_of(&plan, "the group's last row", texts)?;
        Ok(plan)
    }

    fn group(&self, aggregate: &Aggregate, base: &Base) -> Result<GroupPlan, Fault> {
        let mut keys = Vec::new();
        let mut extent: Option<Extent> = None;
        for expr in &aggregate.group_expr {
            let here = self.near([expr]);
            let expr = self.canonical(&expr.clone().unalias(), &base.names)?;
            match (here.aligned(&expr)?, extent) {
                (Some(_), Some(_)) => return Err(self.text.refuse("group by", "there are two windows", GROUPS)),
                (Some(found), None) => extent = Some(found),
                (None, _) => keys.push(here.key(&expr, base)?),
            }
        }
        let Some(extent) = extent else {
            return Err(self.text.refuse("group by", "without a window a group never ends", GROUPS));
        };
        let is_call = matches!(extent, Extent::Session { .. }) || extent.is_hop();
        if is_call && stock(self.text.sql, extent).is_ok_and(|sql| sql == self.text.sql) {
            let reason = "the window is grouped by a name or a number, which stock SQL knows nothing of";
            return Err(self.text.refuse("group by", reason, "write hop(…) or session(…) itself in GROUP BY"));
        }
        if keys.is_empty() {
            return Err(self.text.refuse("group by", "there is no key beside the window", GROUPS));
        }
        Ok(GroupPlan { keys, extent })
    }

    /// What the groups go by; of a session, which begins with its first row, the earliest time.
    fn of_key(&self, key: &Expr, base: &Base, group: &GroupPlan, windows: &mut Vec<WindowPlan>) -> Result<Expr, Fault> {
        let key = self.canonical(&key.clone().unalias(), &base.names)?;
        if !matches!(self.aligned(&key)?, Some(Extent::Session { .. })) {
            return Ok(key);
        }
        let time = [Expr::Column(Column::new_unqualified("event_time"))];
        let earliest = Call { name: "min", args: &time, distinct: false, filter: None };
        let known = Base { names: [("event_time".to_owned(), column("event_time"))].into(), ..base.clone() };
        let planned = self.feature(&earliest, group.keys.clone(), (group.extent, 0), &known)?;
        let stands_for = column(&planned.name);
        windows.push(planned);
        Ok(stands_for)
    }

    /// What an aggregate of a group stands for: a feature, or what the last row says itself.
    fn of_group(
        &self,
        function: &AggregateFunction,
        base: &Base,
        group: &GroupPlan,
        windows: &mut Vec<WindowPlan>,
    ) -> Result<Expr, Fault> {
        let name = function.func.name().to_owned();
        let params = &function.params;
        let here = self.near(&params.args);
        let call =
            Call { name: &name, args: &params.args, distinct: params.distinct, filter: params.filter.as_deref() };
        if params.null_treatment.is_some() {
            let reason = "nulls cannot be left out of a group";
            return Err(here.text.refuse("nulls", reason, "leave IGNORE NULLS out, or use MIN or MAX"));
        }
        let is_pick = matches!(name.as_str(), "first_value" | "last_value");
        if is_pick {
            let order: Vec<Expr> = params.order_by.iter().map(|sort| sort.expr.clone()).collect();
            let ascending = params.order_by.iter().all(|sort| sort.asc);
            let remedy = format!("write {name}(x ORDER BY event_time, row_id)");
            if params.filter.is_some() {
                let reason = format!("{name} of a group has no FILTER");
                return Err(here.text.refuse("filter", reason, "ask for it in WHERE, or use MIN or MAX"));
            }
            if !ascending || !self.is_total_order(&order) {
                return Err(here.text.refuse(&name, "which row it takes is not settled", &remedy));
            }
        } else if !params.order_by.is_empty() {
            return Err(here.text.refuse(&name, "an aggregate has no order", FORM));
        }
        // The last row is the one that is judged, and no row of the group is later.
        let own = match params.args.as_slice() {
            [argument] if name == "last_value" => Some(self.canonical(argument, &base.names)?),
            [argument @ Expr::Column(_)] if name == "max" && call.filter.is_none() => {
                Some(self.canonical(argument, &base.names)?).filter(|argument| *argument == column("event_time"))
            }
            _ => None,
        };
        if let Some(own) = own {
            return Ok(own);
        }
        let planned = here.feature(&call, group.keys.clone(), (group.extent, 0), base)?;
        let stands_for = column(&planned.name);
        windows.push(planned);
        Ok(stands_for)
    }
}
