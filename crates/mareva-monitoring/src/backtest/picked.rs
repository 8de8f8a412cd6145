//! `FIRST_VALUE` and `LAST_VALUE` that take, of rows of one millisecond, those of the lowest and the highest `row_id`, as the engine does.
//! Those of stock DataFusion take what its sorts happen to put first, and a frame by time can be ordered by nothing else.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit, TimestampMillisecondType};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry as _;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Statement, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

/// Names in SQL, those of the functions in whose place they stand, and whether it is the last row.
const PICKS: [(&str, &str, bool); 2] = [("mareva_first", "first_value", false), ("mareva_last", "last_value", true)];

/// Puts them into a session.
pub(crate) fn register(context: &SessionContext) {
    for (name, _, last) in PICKS {
        let signature = Signature::any(3, Volatility::Immutable);
        context.register_udaf(AggregateUDF::from(Pick { name, signature, last }));
    }
}

/// Whether a session has them.
pub(crate) fn are_in(context: &SessionContext) -> bool {
    context.udaf(PICKS[0].0).is_ok()
}

/// A rule's SQL with them in the place of those over windows.
///
/// # Errors
/// Where it is no SQL.
pub(crate) fn put_into(sql: &str) -> std::result::Result<String, ParserError> {
    let mut statements: Vec<Statement> = Parser::parse_sql(&GenericDialect {}, sql)?;
    let mut changed = false;
    for statement in &mut statements {
        _ = visit_expressions_mut(statement, |expr| {
            if let Expr::Function(function) = expr
                && function.over.is_some()
                && let Some((name, ..)) = PICKS.iter().find(|pick| function.name.to_string().to_lowercase() == pick.1)
                && let FunctionArguments::List(list) = &mut function.args
            {
                let column =
                    |name: &str| FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(Ident::new(name))));
                list.args.extend(["event_time", "row_id"].map(column));
                function.name = ObjectName::from(vec![Ident::new(*name)]);
                changed = true;
            }
            ControlFlow::<()>::Continue(())
        });
    }
    Ok(if changed { statements.iter().map(ToString::to_string).collect() } else { sql.to_owned() })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Pick {
    name: &'static str,
    signature: Signature,
    last: bool,
}

impl AggregateUDFImpl for Pick {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        arguments.first().cloned().ok_or_else(|| DataFusionError::Plan("a row is picked for a value".to_owned()))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        // Windows alone call it: they hand no state on.
        Ok(vec![Arc::new(Field::new(args.name, args.return_field.data_type().clone(), true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let null = ScalarValue::try_from(args.return_field.data_type())?;
        Ok(Box::new(Picked { rows: BTreeMap::new(), last: self.last, null }))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.accumulator(args)
    }
}

/// The values of the rows in a window, in the order of time and `row_id`.
#[derive(Debug)]
struct Picked {
    rows: BTreeMap<(i64, String), ScalarValue>,
    last: bool,
    null: ScalarValue,
}

impl Picked {
    fn each(
        &mut self,
        values: &[ArrayRef],
        mut take: impl FnMut(&mut Self, (i64, String), usize) -> Result<()>,
    ) -> Result<()> {
        let [_, times, ids] = values else {
            return Err(DataFusionError::Internal("a row is picked by time and row_id".to_owned()));
        };
        let times = cast(times, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
        let (times, ids) = (times.as_primitive::<TimestampMillisecondType>(), cast(ids, &DataType::Utf8)?);
        let ids = ids.as_string::<i32>();
        (0..ids.len()).try_for_each(|row| take(self, (times.value(row), ids.value(row).to_owned()), row))
    }
}

impl Accumulator for Picked {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, |own, at, row| {
            own.rows.insert(at, ScalarValue::try_from_array(&values[0], row)?);
            Ok(())
        })
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, |own, at, _| {
            own.rows.remove(&at);
            Ok(())
        })
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let picked = if self.last { self.rows.last_key_value() } else { self.rows.first_key_value() };
        Ok(picked.map_or_else(|| self.null.clone(), |(_, value)| value.clone()))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.rows.len() * 96
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        Err(DataFusionError::NotImplemented("a row is picked in windows alone".to_owned()))
    }
}
