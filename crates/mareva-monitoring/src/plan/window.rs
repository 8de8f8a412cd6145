//! Aggregates and window functions, and the windows that they slide over.

use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{NullTreatment, WindowFunction};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, ExprSchemable, WindowFrame, WindowFrameBound, WindowFrameUnits};
use mareva_model::Fault;

use super::aligned::milliseconds;
use super::base::Base;
use super::lag::{LagBound, MAX_LAG, reach, rows_back};
use super::magnitude::{digits, fits, most};
use super::{FORM, Matcher, WindowPlan};
use crate::aggregate::AggregateKind;
use crate::extent::Extent;

const SLIDING: &str = "write ORDER BY event_time RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW";
const ORDERED: &str = "write ORDER BY event_time, row_id";
const KNOWN: &str = "use COUNT, COUNT(DISTINCT), SUM, AVG, STDDEV or VAR of decimals, MIN, MAX, FIRST_VALUE, LAST_VALUE, \
    LAG or ROW_NUMBER";

const FUNCTIONS: [&str; 13] = [
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "stddev",
    "stddev_pop",
    "var",
    "var_pop",
    "first_value",
    "last_value",
    "lag",
    "row_number",
];

/// A function as the SQL calls it.
pub(super) struct Call<'a> {
    pub name: &'a str,
    pub args: &'a [Expr],
    pub distinct: bool,
    pub filter: Option<&'a Expr>,
}

impl Matcher<'_> {
    pub(super) fn window(&self, expr: &Expr, base: &Base, bounds: &[LagBound]) -> Result<WindowPlan, Fault> {
        let Expr::WindowFunction(function) = expr.clone().unalias() else {
            return Err(self.text.refuse("over", "not a window function", FORM));
        };
        let params = &function.params;
        let name = function.fun.name().to_owned();
        // Faults of a window stand where its rows are put in order, those of what is computed where its argument stands.
        let here = self.near(params.order_by.iter().map(|sort| &sort.expr).chain(&params.partition_by));
        let (keys, aligned) = here.partition(&function, base)?;
        if params.null_treatment == Some(NullTreatment::IgnoreNulls) {
            let reason = "nulls cannot be left out of a window";
            return Err(self.near(&params.args).text.refuse("nulls", reason, "use FILTER of an aggregate"));
        }
        let (extent, before) = match name.as_str() {
            "lag" | "row_number" => (here.in_order(&function, aligned, bounds)?, 0),
            _ => here.sliding(&function, aligned)?,
        };
        let call =
            Call { name: &name, args: &params.args, distinct: params.distinct, filter: params.filter.as_deref() };
        here.near(&params.args).feature(&call, keys, (extent, before), base)
    }

    /// A function over the rows of an extent, up to so many milliseconds before the row.
    pub(super) fn feature(
        &self,
        call: &Call<'_>,
        keys: Vec<String>,
        (extent, before): (Extent, i64),
        base: &Base,
    ) -> Result<WindowPlan, Fault> {
        let name = call.name;
        if !FUNCTIONS.contains(&name) {
            return Err(self.text.refuse(name, format!("{name} is not supported"), KNOWN));
        }
        let mut atoms = base.atoms.clone();
        for atom in call.filter.iter().flat_map(|filter| split_conjunction(filter)) {
            atoms.push(self.canonical(atom, &base.names)?);
        }
        let is_spread = matches!(name, "stddev" | "stddev_pop" | "var" | "var_pop");
        let argument = match call.args {
            [] if name == "row_number" => None,
            [Expr::Literal(value, _)] if name == "count" && !value.is_null() && !call.distinct => None,
            [Expr::Cast(cast)] if is_spread && cast.field.data_type().is_floating() => {
                Some(self.canonical(&cast.expr, &base.names)?)
            }
            [argument] => Some(self.canonical(argument, &base.names)?),
            [argument, _] if name == "lag" => Some(self.canonical(argument, &base.names)?),
            _ => return Err(self.text.refuse(name, "one argument is expected", FORM)),
        };
        let schema = self.schema(base, &[])?;
        let argument_type =
            argument.as_ref().map(|a| a.get_type(&schema)).transpose().map_err(|e| self.text.engine(&e))?;
        let kind = self.kind(call, argument_type.as_ref())?;
        if let (Some(argument), Some(DataType::Decimal128(_, scale))) = (&argument, &argument_type) {
            // An average has four more places than its argument.
            let spare = match kind {
                AggregateKind::Sum | AggregateKind::Spread { .. } => Some(0),
                AggregateKind::Average { .. } => Some(4),
                _ => None,
            };
            let digits = digits(most(argument, &schema));
            if spare.is_some_and(|spare| !fits(digits, *scale, spare)) {
                let reason = format!("{name} of values with up to {digits} digits before the point can pass 38 digits");
                return Err(self.text.refuse(
                    name,
                    reason,
                    "sum amounts themselves, or cast to a smaller DECIMAL(p, s)",
                ));
            }
        }
        if let Some(argument) = &argument
            && !kind.picks_a_row()
        {
            atoms.push(argument.clone().is_not_null());
        }
        let output = match kind {
            AggregateKind::Count | AggregateKind::CountDistinct => DataType::Int64,
            AggregateKind::RowNumber => DataType::UInt64,
            AggregateKind::Spread { .. } => DataType::Float64,
            _ => output_type(name, argument_type.unwrap_or(DataType::Int64)),
        };
        // As they are built: written out, `NOT (a OR b)` and `NOT a OR b` are the same text.
        let name = format!("{kind:?}({argument:?}) where {atoms:?} over {extent:?} until {before} before of {keys:?}");
        Ok(WindowPlan { name, keys, kind, argument, atoms, extent, before, output })
    }

    fn kind(&self, call: &Call<'_>, argument: Option<&DataType>) -> Result<AggregateKind, Fault> {
        let name = call.name;
        if argument.is_some_and(DataType::is_floating) {
            let reason = "an aggregate over floating-point numbers is not exact";
            return Err(self.text.refuse(name, reason, "use a decimal"));
        }
        let decimal = match argument {
            Some(DataType::Decimal128(_, scale)) if (0..=6).contains(scale) => Some(*scale),
            _ => None,
        };
        let text = matches!(argument, Some(DataType::Utf8));
        let number = matches!(
            argument,
            Some(
                DataType::Decimal128(..)
                    | DataType::Int64
                    | DataType::Int32
                    | DataType::Timestamp(TimeUnit::Millisecond, None)
                    | DataType::Date32
            )
        );
        let kept = number || text || matches!(argument, Some(DataType::Boolean));
        let spread = |population, root| decimal.map(|scale| AggregateKind::Spread { population, root, scale });
        let found = match (name, call.distinct) {
            ("count", false) => Some(AggregateKind::Count),
            ("count", true) if kept => Some(AggregateKind::CountDistinct),
            ("sum", false) if decimal.is_some() => Some(AggregateKind::Sum),
            ("avg", false) => decimal.map(|scale| {
                let up = u32::try_from((scale + 4).min(38) - scale).unwrap_or(0);
                AggregateKind::Average { scale_up: 10_i128.pow(up) }
            }),
            ("min", false) if number || text => Some(AggregateKind::Min),
            ("max", false) if number || text => Some(AggregateKind::Max),
            ("stddev", false) => spread(false, true),
            ("stddev_pop", false) => spread(true, true),
            ("var", false) => spread(false, false),
            ("var_pop", false) => spread(true, false),
            ("first_value", false) if kept => Some(AggregateKind::First),
            ("last_value", false) if kept => Some(AggregateKind::Last),
            ("lag", false) if kept => u8::try_from(self.rows_back(call.args)?).ok().map(AggregateKind::Lag),
            ("row_number", false) => Some(AggregateKind::RowNumber),
            _ => None,
        };
        found.ok_or_else(|| {
            if call.distinct && name != "count" {
                let remedy = match name {
                    "min" | "max" => "leave DISTINCT out: it changes nothing",
                    _ => "count different values with COUNT(DISTINCT x)",
                };
                return self.text.refuse("distinct", format!("{name} has no DISTINCT"), remedy);
            }
            let over = argument.map_or_else(|| "all rows".to_owned(), ToString::to_string);
            match name {
                "sum" | "avg" => {
                    let reason = format!("{name} over {over} can wrap or lose value in SQL");
                    self.text.refuse(name, reason, "sum amount_ref, or cast to DECIMAL(p, s) with s up to 6")
                }
                _ => self.text.refuse(name, format!("{name} over {over} is not supported"), KNOWN),
            }
        })
    }

    fn rows_back(&self, args: &[Expr]) -> Result<i64, Fault> {
        rows_back(args).ok_or_else(|| {
            let reason = format!("LAG looks back 1 to {MAX_LAG} rows, and is null where there are fewer");
            self.text.refuse("lag", reason, "write LAG(x) or LAG(x, 2)")
        })
    }

    /// The window of a function that slides with time, and how long before its row it ends.
    fn sliding(&self, function: &WindowFunction, aligned: Option<Extent>) -> Result<(Extent, i64), Fault> {
        let params = &function.params;
        let by_time = match params.order_by.as_slice() {
            [sort] => sort.asc && matches!(&sort.expr, Expr::Column(column) if column.name == "event_time"),
            _ => false,
        };
        if !by_time {
            return Err(self.text.refuse("order by", "a window is ordered by event_time alone, ascending", SLIDING));
        }
        let frame = &params.window_frame;
        let before = match &frame.end_bound {
            _ if frame.units != WindowFrameUnits::Range => None,
            WindowFrameBound::CurrentRow => Some(0),
            WindowFrameBound::Preceding(_) => Some(self.preceding(&frame.end_bound, "and interval")?),
            WindowFrameBound::Following(_) => None,
        };
        let Some(before) = before else {
            let reason = "the frame is not RANGE … AND CURRENT ROW, or AND an interval PRECEDING";
            return Err(self.text.refuse("between", reason, SLIDING));
        };
        if let (Some(aligned), true) = (aligned, is_from_the_first(frame)) {
            return Ok((aligned, before));
        }
        if aligned.is_some() {
            let remedy = "write RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW, or leave date_bin out";
            return Err(self.text.refuse("between", "the frame begins inside its aligned window", remedy));
        }
        let reach = self.preceding(&frame.start_bound, "interval")?;
        if reach < before {
            let reason = "the frame ends before it begins";
            return Err(self.text.refuse("between", reason, "write the longer interval first"));
        }
        Ok((Extent::Preceding(reach), before))
    }

    /// Milliseconds before the row of a bound of a frame.
    fn preceding(&self, bound: &WindowFrameBound, place: &str) -> Result<i64, Fault> {
        let WindowFrameBound::Preceding(ScalarValue::IntervalMonthDayNano(Some(interval))) = bound else {
            return Err(self.text.refuse("over", "the frame does not start at a fixed interval", SLIDING));
        };
        if interval.months < 0 || interval.days < 0 || interval.nanoseconds < 0 {
            let reason = "a part of the interval is negative: the frame may begin or end after its row";
            return Err(self.text.refuse(place, reason, SLIDING));
        }
        milliseconds(*interval).ok_or_else(|| {
            let reason = "the interval is no whole number of milliseconds: months differ in length";
            self.text.refuse(place, reason, SLIDING)
        })
    }

    /// The window of a function for which the order of the rows counts.
    fn in_order(
        &self,
        function: &WindowFunction,
        aligned: Option<Extent>,
        bounds: &[LagBound],
    ) -> Result<Extent, Fault> {
        let params = &function.params;
        let name = function.fun.name();
        let order: Vec<Expr> = params.order_by.iter().map(|sort| sort.expr.clone()).collect();
        if !params.order_by.iter().all(|sort| sort.asc) || !self.is_total_order(&order) {
            return Err(self.text.refuse("order by", format!("the rows of {name} have no settled order"), ORDERED));
        }
        if !is_unbounded(&params.window_frame) || params.filter.is_some() {
            return Err(self.text.refuse(name, format!("{name} has no frame and no FILTER"), ORDERED));
        }
        if let Some(aligned) = aligned {
            return Ok(aligned);
        }
        if name == "row_number" {
            let remedy = "add date_bin(INTERVAL '1' DAY, event_time) to PARTITION BY, or COUNT over a RANGE";
            return Err(self.text.refuse(name, "it counts from the first row there ever was", remedy));
        }
        let back = self.rows_back(&params.args)?;
        reach(bounds, params, back).map(Extent::Preceding).ok_or_else(|| {
            let remedy = "select LAG(event_time) OVER w AS earlier, as many rows back, and add AND earlier >= event_time - INTERVAL '7' DAY to QUALIFY, or \
                date_bin(INTERVAL '1' DAY, event_time) to PARTITION BY";
            self.text.refuse(name, "nothing says how far back the row may be", remedy)
        })
    }

    /// `event_time, row_id`: no two rows are alike in both.
    pub(super) fn is_total_order(&self, order: &[Expr]) -> bool {
        let is = |expr: &Expr, name: &str| matches!(expr, Expr::Column(column) if column.name == name);
        matches!(order, [time, id] if is(time, "event_time") && is(id, "row_id"))
    }

    /// The keys of a partition, and the aligned window among them.
    fn partition(&self, function: &WindowFunction, base: &Base) -> Result<(Vec<String>, Option<Extent>), Fault> {
        let (mut keys, mut aligned) = (Vec::new(), None);
        for key in &function.params.partition_by {
            let here = self.near([key]);
            let key = self.canonical(key, &base.names)?;
            match (here.aligned(&key)?, aligned) {
                (Some(Extent::Session { .. }), _) => {
                    let reason = "a session is of a group, not of a partition";
                    return Err(self.text.refuse("partition by", reason, "use session in GROUP BY"));
                }
                (Some(Extent::Aligned { width, slide, .. }), _) if width != slide => {
                    let remedy = "use hop in GROUP BY";
                    return Err(self.text.refuse("partition by", "a row is in several windows of a hop", remedy));
                }
                (Some(_), Some(_)) => {
                    return Err(self.text.refuse("partition by", "there are two aligned windows", "leave one out"));
                }
                (Some(found), None) => aligned = Some(found),
                (None, _) => keys.push(here.key(&key, base)?),
            }
        }
        if keys.is_empty() {
            let remedy = "partition by account or another key";
            return Err(self.text.refuse("over", "the window has no PARTITION BY", remedy));
        }
        Ok((keys, aligned))
    }

    /// A column by which timelines are kept.
    pub(super) fn key(&self, key: &Expr, base: &Base) -> Result<String, Fault> {
        let remedy = "use plain text columns such as account or device";
        let Expr::Column(column) = key else {
            return Err(self.text.refuse("", "the key is not a column", remedy));
        };
        if base.columns.get(&column.name).is_some_and(|field| field.data_type() != &DataType::Utf8) {
            return Err(self.text.refuse("", "the key is not text", remedy));
        }
        let nullable = base.columns.get(&column.name).is_none_or(Field::is_nullable);
        let guarded = base.atoms.contains(&Expr::Column(column.clone()).is_not_null());
        if nullable && !guarded {
            let reason = format!("the key {} can be null", column.name);
            let remedy = format!("add {} IS NOT NULL to WHERE", column.name);
            return Err(self.text.refuse("", reason, &remedy));
        }
        Ok(column.name.clone())
    }
}

/// Types of SUM, AVG, MIN and MAX in DataFusion 55 (`sum.rs`, `average.rs`, `min_max.rs`).
fn output_type(name: &str, argument: DataType) -> DataType {
    match (name, argument) {
        ("sum", DataType::Decimal128(p, s)) => DataType::Decimal128((p + 10).min(38), s),
        ("avg", DataType::Decimal128(p, s)) => DataType::Decimal128((p + 4).min(38), (s + 4).min(38)),
        (_, other) => other,
    }
}

/// From the first row of the partition to this one.
fn is_unbounded(frame: &WindowFrame) -> bool {
    is_from_the_first(frame) && matches!(frame.end_bound, WindowFrameBound::CurrentRow)
}

fn is_from_the_first(frame: &WindowFrame) -> bool {
    matches!(&frame.start_bound, WindowFrameBound::Preceding(start) if start.is_null())
}
