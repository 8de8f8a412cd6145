//! Windows that begin at set times: `date_bin` and `date_trunc` over the row's time, and hops.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::TreeNode;
use datafusion::error::DataFusionError;
use datafusion::functions::datetime::date_bin;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, Operator, ScalarUDF, Volatility, create_udf};
use mareva_model::Fault;

use super::zones::UTC;
use super::{Matcher, column};
use crate::calendar::{Calendar, Part};
use crate::extent::{DAY, Extent};

/// Windows of one rule that a row can be in at once. Each costs what one window costs.
const MAX_HOPS: i64 = 64;

const MINUTE: i64 = 60_000;
/// 1970-01-05 was a Monday.
const MONDAY: i64 = 4 * DAY;

/// Where hopping windows are written: `hop(event_time, slide, width)`.
pub(crate) const HOP: &str = "hop";

/// Where sessions are written: `session(event_time, gap)`.
pub(crate) const SESSION: &str = "session";

/// `hop(event_time, slide, width)` and `session(event_time, gap)`, the start of the window. They depend on more than their row
/// and are never called.
pub(super) fn stubs() -> [ScalarUDF; 2] {
    let interval = DataType::Interval(IntervalUnit::MonthDayNano);
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    let stub = |name: &str, intervals: usize| {
        let message = format!("{name} stands in GROUP BY");
        let never = move |_: &[_]| Err(DataFusionError::Plan(message.clone()));
        let mut arguments = vec![time.clone()];
        arguments.resize(1 + intervals, interval.clone());
        create_udf(name, arguments, time.clone(), Volatility::Immutable, Arc::new(never))
    };
    [stub(HOP, 2), stub(SESSION, 1)]
}

/// Where an aligned window begins, as an expression; of another window the row's time.
pub(super) fn begin(extent: Extent) -> Expr {
    let interval = |ms: i64| {
        let interval = IntervalMonthDayNanoType::make_value(0, 0, ms.saturating_mul(1_000_000));
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), None)
    };
    match extent {
        Extent::Aligned { slide, back, .. } => {
            date_bin().call(vec![interval(slide), column("event_time")]) - interval(slide.saturating_mul(back))
        }
        _ => column("event_time"),
    }
}

impl Matcher<'_> {
    /// Refuses a window that stands where it depends on more than its row.
    pub(super) fn windowless(&self, expr: &Expr) -> Result<(), Fault> {
        let is_window = |part: &Expr| matches!(part, Expr::ScalarFunction(f) if [HOP, SESSION].contains(&f.name()));
        // The closure never fails.
        match expr.exists(|part| Ok(is_window(part))) {
            Ok(false) => Ok(()),
            _ => {
                let place = if self.text.has(HOP) { HOP } else { SESSION };
                Err(self.text.refuse(place, "a window of several rows stands in GROUP BY", "leave it out here"))
            }
        }
    }

    /// The window that an expression tells the start of, if it is one; times are canonical `event_time`.
    pub(super) fn aligned(&self, expr: &Expr) -> Result<Option<Extent>, Fault> {
        let Expr::ScalarFunction(function) = uncast(expr) else { return Ok(None) };
        match function.name() {
            "date_bin" => self.binned(function).map(Some),
            "date_trunc" => self.truncated(function).map(Some),
            HOP => self.hopping(function).map(Some),
            SESSION => self.session(function).map(Some),
            _ => Ok(None),
        }
    }

    fn binned(&self, function: &ScalarFunction) -> Result<Extent, Fault> {
        let refuse = |reason: &str| {
            let remedy = "write date_bin(INTERVAL '1' HOUR, event_time), or with the time of a first window after it";
            self.text.refuse("date_bin", reason.to_owned(), remedy)
        };
        let (width, time, origin) = match function.args.as_slice() {
            [width, time] => (width, time, Some(0)),
            [width, time, origin] => (width, time, self.moment(origin)),
            _ => return Err(refuse("not two or three arguments")),
        };
        let width = fixed(width).filter(|width| *width > 0).ok_or_else(|| refuse("the width is no fixed interval"))?;
        let origin = origin.ok_or_else(|| refuse("the first window does not begin at a fixed time"))?;
        if !is_event_time(time) {
            return Err(refuse("a window is of event_time"));
        }
        Ok(Extent::Aligned { width, slide: width, origin, back: 0 })
    }

    fn truncated(&self, function: &ScalarFunction) -> Result<Extent, Fault> {
        let refuse = |reason: String| {
            let remedy = "write date_trunc('day', event_time), with minute, hour, day, week or month, or a day, week or month of \
                          event_time AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin'";
            self.text.refuse("date_trunc", reason, remedy)
        };
        let [unit, time] = function.args.as_slice() else { return Err(refuse("not two arguments".into())) };
        let Expr::Literal(unit, _) = uncast(unit) else { return Err(refuse("the unit is no literal".into())) };
        let unit = unit.try_as_str().flatten().map(str::to_lowercase);
        let (time, cut_off) = moved_back(time);
        let zone = zone_of(time);
        if zone.is_none() && !is_event_time(time) {
            return Err(refuse("a window is of event_time".into()));
        }
        if !(0..DAY).contains(&cut_off) {
            return Err(refuse("what is taken off event_time is not less than a day".into()));
        }
        let (width, origin) = match (unit.as_deref().unwrap_or_default(), zone) {
            ("minute", None) => (MINUTE, 0),
            ("hour", None) => (60 * MINUTE, 0),
            ("day", None) => (DAY, 0),
            ("week", None) => (7 * DAY, MONDAY),
            (unit, zone) => {
                let reason =
                    if zone.is_some() { "this unit has no time zone" } else { "there are no windows of this unit" };
                let part = Part::ALL.into_iter().find(|part| part.name() == unit);
                let part = part.ok_or_else(|| refuse(reason.to_owned()))?;
                let calendar = Calendar::of(zone.unwrap_or(UTC[0]), part).map_err(refuse)?;
                return Ok(Extent::Calendar(calendar.cut_off(cut_off)));
            }
        };
        Ok(Extent::Aligned { width, slide: width, origin: origin + cut_off, back: 0 })
    }

    fn hopping(&self, function: &ScalarFunction) -> Result<Extent, Fault> {
        let refuse = |reason: String| {
            let remedy = "write hop(event_time, INTERVAL '5' MINUTE, INTERVAL '1' HOUR): how far apart, then how long";
            self.text.refuse(HOP, reason, remedy)
        };
        let [time, slide, width] = function.args.as_slice() else { return Err(refuse("not three arguments".into())) };
        let (Some(slide), Some(width)) = (fixed(slide), fixed(width)) else {
            return Err(refuse("an interval is not fixed".into()));
        };
        if slide <= 0 || width < slide || width % slide != 0 {
            return Err(refuse("the width is no multiple of the distance between windows".into()));
        }
        if width / slide > MAX_HOPS {
            return Err(refuse(format!("a row would be in {} windows, more than {MAX_HOPS}", width / slide)));
        }
        if !is_event_time(time) {
            return Err(refuse("a window is of event_time".into()));
        }
        Ok(Extent::Aligned { width, slide, origin: 0, back: 0 })
    }

    fn session(&self, function: &ScalarFunction) -> Result<Extent, Fault> {
        let gap = match function.args.as_slice() {
            [time, gap] if is_event_time(time) => fixed(gap),
            _ => None,
        };
        let reason = match gap {
            Some(gap) if (1..DAY).contains(&gap) => return Ok(Extent::Session { gap }),
            Some(gap) if gap >= DAY => "the pause that ends it is a day or longer",
            _ => "it is not of event_time and a pause",
        };
        let remedy = "write session(event_time, INTERVAL '30' MINUTE), less than a day";
        Err(self.text.refuse(SESSION, reason, remedy))
    }

    /// A literal time, UTC milliseconds.
    fn moment(&self, expr: &Expr) -> Option<i64> {
        let Expr::Literal(value, _) = uncast(expr) else { return None };
        let unit = TimeUnit::Nanosecond;
        match value.cast_to(&DataType::Timestamp(unit, None)).ok()? {
            ScalarValue::TimestampNanosecond(Some(at), _) if at % 1_000_000 == 0 => Some(at / 1_000_000),
            _ => None,
        }
    }
}

/// Without conversions that leave the value as it is; a time stays the same instant, to the millisecond and without a time zone.
pub(super) fn uncast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(cast) if keeps_value(cast.field.data_type()) => uncast(&cast.expr),
        Expr::Alias(alias) => uncast(&alias.expr),
        other => other,
    }
}

fn keeps_value(to: &DataType) -> bool {
    match to {
        DataType::Timestamp(unit, None) => *unit != TimeUnit::Second,
        DataType::Interval(IntervalUnit::MonthDayNano) | DataType::Int64 | DataType::UInt64 => true,
        other => other.is_string(),
    }
}

/// A time without the interval that is taken off it, and that in milliseconds.
fn moved_back(expr: &Expr) -> (&Expr, i64) {
    match uncast(expr) {
        Expr::BinaryExpr(binary) if binary.op == Operator::Minus => match fixed(&binary.right) {
            Some(cut_off) => (&binary.left, cut_off),
            None => (expr, 0),
        },
        _ => (expr, 0),
    }
}

/// The zone of `event_time AT TIME ZONE 'UTC' AT TIME ZONE …`, which is the same instant.
fn zone_of(expr: &Expr) -> Option<&str> {
    let (zone, of) = put_in_zone(expr)?;
    let (utc, time) = put_in_zone(of)?;
    (UTC.contains(&utc) && is_event_time(time)).then_some(zone)
}

pub(super) fn put_in_zone(expr: &Expr) -> Option<(&str, &Expr)> {
    let Expr::Cast(cast) = expr else { return None };
    match cast.field.data_type() {
        DataType::Timestamp(_, Some(zone)) => Some((zone, &cast.expr)),
        _ => None,
    }
}

pub(super) fn is_event_time(expr: &Expr) -> bool {
    matches!(uncast(expr), Expr::Column(column) if column.name == "event_time")
}

/// A literal interval of whole milliseconds and no months.
pub(super) fn fixed(expr: &Expr) -> Option<i64> {
    match uncast(expr) {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) => milliseconds(*interval),
        _ => None,
    }
}

/// Milliseconds of an interval, if they are whole and there are no months.
pub(super) fn milliseconds(interval: IntervalMonthDayNano) -> Option<i64> {
    let is_fixed = interval.months == 0 && interval.nanoseconds % 1_000_000 == 0;
    is_fixed.then(|| i64::from(interval.days) * DAY + interval.nanoseconds / 1_000_000)
}
