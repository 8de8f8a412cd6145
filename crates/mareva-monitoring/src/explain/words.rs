//! Parts of a plan as SQL is written: what DataFusion prints of them is Rust.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::Expr;

use crate::aggregate::AggregateKind;
use crate::extent::Extent;
use crate::plan::WindowPlan;
use crate::values::decimal;

/// An expression; the windows are told in few words where it names them.
pub(super) fn expression(expr: &Expr, windows: &[WindowPlan]) -> String {
    // Bottom up, whatever DataFusion would print in its own way becomes a column of that name.
    let written = expr.clone().transform_up(|part| {
        let text = match &part {
            Expr::Literal(value, _) => Some(literal(value)),
            Expr::Cast(cast) => match cast.expr.as_ref() {
                // A number is of the type that it is compared with.
                Expr::Column(number) if is_constant(&number.name) => Some(number.name.clone()),
                inner => Some(format!("CAST({inner} AS {})", type_name(cast.field.data_type()))),
            },
            Expr::TryCast(cast) => Some(format!("TRY_CAST({} AS {})", cast.expr, type_name(cast.field.data_type()))),
            Expr::InList(list) => {
                let texts: Vec<String> = list.list.iter().map(ToString::to_string).collect();
                let not = if list.negated { "NOT " } else { "" };
                Some(format!("{} {not}IN ({})", list.expr, texts.join(", ")))
            }
            Expr::Column(own) => {
                windows.iter().find(|window| window.name == own.name).map(|window| short(window, windows))
            }
            _ => None,
        };
        Ok(text.map_or_else(
            || Transformed::no(part.clone()),
            |text| Transformed::yes(Expr::Column(Column::new_unqualified(text))),
        ))
    });
    // The closure never fails.
    written.map_or_else(|_| expr.to_string(), |written| written.data.to_string())
}

/// Whether a text is a number, or a text that is made one.
fn is_constant(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || first == '-') || text.starts_with("CAST('")
}

/// A windowed aggregate.
pub(super) fn aggregate(window: &WindowPlan) -> String {
    let argument = window.argument.as_ref().map_or_else(|| "*".to_owned(), |argument| expression(argument, &[]));
    let name = match window.kind {
        AggregateKind::Count => "COUNT",
        AggregateKind::CountDistinct => return format!("COUNT(DISTINCT {argument})"),
        AggregateKind::Sum => "SUM",
        AggregateKind::Average { .. } => "AVG",
        AggregateKind::Min => "MIN",
        AggregateKind::Max => "MAX",
        AggregateKind::Spread { population: true, root: true, .. } => "STDDEV_POP",
        AggregateKind::Spread { population: false, root: true, .. } => "STDDEV",
        AggregateKind::Spread { population: true, root: false, .. } => "VAR_POP",
        AggregateKind::Spread { population: false, root: false, .. } => "VAR_SAMP",
        AggregateKind::First => "FIRST_VALUE",
        AggregateKind::Last => "LAST_VALUE",
        AggregateKind::Lag(1) => "LAG",
        AggregateKind::Lag(back) => return format!("LAG({argument}, {back})"),
        AggregateKind::RowNumber => return "ROW_NUMBER()".to_owned(),
    };
    format!("{name}({argument})")
}

/// A windowed aggregate in few words, for expressions that name it; with what it counts that others do not which are alike.
fn short(window: &WindowPlan, all: &[WindowPlan]) -> String {
    let words = |window: &WindowPlan| {
        format!("{} by {} over {}", aggregate(window), window.keys.join(", "), self::window(window))
    };
    let own = words(window);
    let alike: Vec<&WindowPlan> = all.iter().filter(|other| other.name != window.name && words(other) == own).collect();
    let is_in_all = |atom: &Expr| alike.iter().all(|other| other.atoms.contains(atom));
    let counts: Vec<String> =
        window.atoms.iter().filter(|atom| !is_in_all(atom)).map(|atom| expression(atom, &[])).collect();
    match alike.is_empty() || counts.is_empty() {
        true => format!("[{own}]"),
        false => format!("[{own} where {}]", counts.join(" AND ")),
    }
}

/// A window.
pub(super) fn window(window: &WindowPlan) -> String {
    let reach = match window.extent {
        Extent::Preceding(ms) => span(ms),
        Extent::Aligned { width, slide, .. } if width == slide => format!("a window of {}", span(width)),
        Extent::Aligned { width, slide, .. } => {
            format!("a window of {} that begins every {}", span(width), span(slide))
        }
        Extent::Calendar(calendar) => calendar.name(),
        Extent::Session { gap } => format!("a session with pauses of up to {}", span(gap)),
    };
    match window.before {
        0 => reach,
        before => format!("{reach} until {} before", span(before)),
    }
}

/// A span in the largest unit that it is a whole number of.
pub fn span(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let fits = units.into_iter().find(|(unit, _)| ms > 0 && ms % unit == 0);
    fits.map_or_else(|| format!("{ms} ms"), |(unit, name)| format!("{} {name}", ms / unit))
}

fn literal(value: &ScalarValue) -> String {
    match value {
        value if value.is_null() => "NULL".to_owned(),
        ScalarValue::Utf8(Some(text)) => format!("'{}'", text.replace('\'', "''")),
        ScalarValue::TimestampMillisecond(Some(ms), _) => format!("TIMESTAMP '{}'", mareva_model::format_time(*ms)),
        ScalarValue::IntervalMonthDayNano(Some(interval)) => {
            let ms = i64::from(interval.days) * 86_400_000 + interval.nanoseconds / 1_000_000;
            match interval.months {
                0 => interval_of(ms),
                months => format!("INTERVAL '{months}' MONTH + {}", interval_of(ms)),
            }
        }
        ScalarValue::IntervalDayTime(Some(interval)) => {
            interval_of(i64::from(interval.days) * 86_400_000 + i64::from(interval.milliseconds))
        }
        ScalarValue::Decimal128(Some(units), _, scale) => decimal(*units, usize::try_from(*scale).unwrap_or_default()),
        other => other.to_string(),
    }
}

fn interval_of(ms: i64) -> String {
    let units = [(86_400_000, "DAY"), (3_600_000, "HOUR"), (60_000, "MINUTE"), (1_000, "SECOND")];
    let fits = units.into_iter().find(|(unit, _)| ms % unit == 0);
    let (number, unit) = fits.map_or((ms, "MILLISECOND"), |(unit, name)| (ms / unit, name));
    format!("INTERVAL '{number}' {unit}")
}

fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 => "TEXT".to_owned(),
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Int32 => "INTEGER".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(_, Some(zone)) => format!("TIMESTAMP IN '{zone}'"),
        DataType::Timestamp(_, None) => "TIMESTAMP".to_owned(),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("DECIMAL({precision}, {scale})")
        }
        other => other.to_string(),
    }
}
