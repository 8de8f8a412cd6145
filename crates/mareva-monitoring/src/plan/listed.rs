//! A table that stands in the rule itself, with a row for each value of a column: `JOIN (VALUES ('retail', 5000), ('business', $most))
//! AS limits(segment, most) ON m.account_segment = limits.segment`. A column of it is a CASE over its key.

use arrow::datatypes::DataType;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Case, Expr, JoinType, LogicalPlan, Values};
use mareva_model::Fault;

use super::Matcher;
use super::base::{Base, flat, flat_column};

/// Most rows of such a table; whoever needs more has a column of `accounts` for it.
const MAX_ROWS: usize = 256;

pub(super) const FORM: &str = "write JOIN (VALUES ('retail', 5000), ('business', $most)) AS limits(segment, most) \
                    ON m.account_segment = limits.segment";

const DECIMALS: &str = "list CAST('1.5' AS DECIMAL(9, 2)), or a decimal parameter";

/// Such a table in a plan.
pub(super) struct Listed<'p> {
    /// What it is called.
    alias: &'p str,
    columns: Vec<&'p str>,
    values: &'p Values,
}

/// The table, where a plan is one.
pub(super) fn listed(plan: &LogicalPlan) -> Option<Listed<'_>> {
    let LogicalPlan::SubqueryAlias(alias) = plan else { return None };
    let below = alias.input.as_ref();
    let (in_order, values) = match below {
        // A name that WITH gives, called otherwise by the join.
        LogicalPlan::SubqueryAlias(_) => (true, listed(below)?.values),
        LogicalPlan::Projection(projection) => match projection.input.as_ref() {
            LogicalPlan::Values(values) => {
                (projection.expr.iter().zip(1..).all(|(expr, place)| is_place(expr, place)), values)
            }
            _ => return None,
        },
        LogicalPlan::Values(values) => (true, values),
        _ => return None,
    };
    let columns = alias.schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>();
    let is_whole = values.values.iter().all(|row| row.len() == columns.len());
    (in_order && is_whole).then_some(Listed { alias: alias.alias.table(), columns, values })
}

/// Whether an expression is nothing but a column of VALUES, under another name.
fn is_place(expr: &Expr, place: usize) -> bool {
    match expr {
        Expr::Alias(alias) => is_place(&alias.expr, place),
        Expr::Column(Column { name, .. }) => *name == format!("column{place}"),
        _ => false,
    }
}

impl Matcher<'_> {
    /// Gives the columns of a listed table to what it is joined to.
    pub(super) fn join_listed(
        &self,
        base: &mut Base,
        table: &Listed<'_>,
        pair: (Column, Column),
        how: JoinType,
    ) -> Result<(), Fault> {
        let refuse = |reason: &str| Err(self.text.refuse("values", reason.to_owned(), FORM));
        let place =
            |side: &Column| table.columns.iter().position(|name| flat(Some(table.alias), name) == flat_column(side));
        let (left, key) = match (place(&pair.0), place(&pair.1)) {
            (None, Some(key)) => (pair.0, key),
            (Some(key), None) => (pair.1, key),
            _ => return refuse("the join is not on a column of the listed rows and one of the table before"),
        };
        let Some(left @ Expr::Column(_)) = base.names.get(&flat_column(&left)).cloned() else {
            return refuse("rows are listed by a column of a table");
        };
        if table.values.values.len() > MAX_ROWS {
            return refuse(&format!("more than {MAX_ROWS} rows are listed"));
        }
        let rows = table.values.values.iter().map(|row| self.constants(row, table.values));
        let rows = rows.collect::<Result<Vec<Vec<ScalarValue>>, Fault>>()?;
        let keys: Vec<&ScalarValue> = rows.iter().map(|row| &row[key]).collect();
        if keys.iter().any(|key| key.is_null()) {
            return refuse("a row is listed for NULL, which equals nothing");
        }
        if let Some((_, twice)) = keys.iter().enumerate().find(|(at, key)| keys[..*at].contains(key)) {
            return refuse(&format!("{twice} is listed twice, and every row of it would count twice"));
        }
        let literal = |value: &ScalarValue| Expr::Literal(value.clone(), None);
        for (place, name) in table.columns.iter().enumerate() {
            let whens = rows.iter().map(|row| (Box::new(literal(&row[key])), Box::new(literal(&row[place]))));
            let case = Case::new(Some(Box::new(left.clone())), whens.collect(), None);
            base.names.insert(flat(Some(table.alias), name), Expr::Case(case));
        }
        match how {
            JoinType::Left => Ok(()),
            JoinType::Inner => {
                base.atoms.push(left.in_list(keys.into_iter().map(literal).collect(), false));
                Ok(())
            }
            other => refuse(&format!("a {other} join of listed rows is not supported")),
        }
    }

    /// The values of a row, each of the type of its column.
    fn constants(&self, row: &[Expr], values: &Values) -> Result<Vec<ScalarValue>, Fault> {
        let typed = |(expr, field): (&Expr, &std::sync::Arc<arrow::datatypes::Field>)| {
            if field.data_type().is_floating() {
                return Err(self.text.refuse(
                    "values",
                    "rows are listed of floating-point numbers, which are not exact",
                    DECIMALS,
                ));
            }
            self.exact(expr)?;
            let value = constant(expr).and_then(|value| same(&value, field.data_type()));
            value.ok_or_else(|| {
                let reason = "rows are listed of what is no constant of the type of its column";
                self.text.near([expr]).refuse("values", reason, FORM)
            })
        };
        row.iter().zip(values.schema.fields()).map(typed).collect()
    }
}

/// A value as one of another type, where it stays the same.
fn same(value: &ScalarValue, of: &DataType) -> Option<ScalarValue> {
    let converted = value.cast_to(of).ok()?;
    (converted.cast_to(&value.data_type()).ok()? == *value).then_some(converted)
}

fn constant(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Alias(alias) => constant(&alias.expr),
        Expr::Negative(inner) => constant(inner)?.arithmetic_negate().ok(),
        Expr::Cast(cast) => constant(&cast.expr)?.cast_to(cast.field.data_type()).ok(),
        _ => None,
    }
}

/// Whether rows of a table of its own are joined, and no listed ones.
pub(crate) fn reads_a_table(joined: &LogicalPlan) -> bool {
    listed(joined).is_none()
}
