//! Values between Arrow arrays, timelines and JSON.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Decimal128Array, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMillisecondType,
    UInt64Type,
};
use arrow::error::ArrowError;
use mareva_model::format_time;

use crate::key::key_of;

/// Calls `note` with every non-null value as 128 bits: numbers as they are, texts by their key.
pub(crate) fn each_key(array: &ArrayRef, mut note: impl FnMut(usize, u128)) -> Result<(), ArrowError> {
    let valid = |i: &usize| array.is_valid(*i);
    let indices = (0..array.len()).filter(valid);
    match array.data_type() {
        DataType::Decimal128(..) => {
            let values = array.as_primitive::<Decimal128Type>();
            indices.for_each(|i| note(i, values.value(i) as u128));
        }
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            indices.for_each(|i| note(i, i128::from(values.value(i)) as u128));
        }
        DataType::Int32 => {
            let values = array.as_primitive::<Int32Type>();
            indices.for_each(|i| note(i, i128::from(values.value(i)) as u128));
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let values = array.as_primitive::<TimestampMillisecondType>();
            indices.for_each(|i| note(i, i128::from(values.value(i)) as u128));
        }
        DataType::Date32 => {
            let values = array.as_primitive::<Date32Type>();
            indices.for_each(|i| note(i, i128::from(values.value(i)) as u128));
        }
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            indices.for_each(|i| note(i, key_of(values.value(i))));
        }
        DataType::Boolean => {
            let values = array.as_boolean();
            indices.for_each(|i| note(i, u128::from(values.value(i))));
        }
        other => return Err(ArrowError::NotYetImplemented(format!("aggregates over {other}"))),
    }
    Ok(())
}

/// Numbers of a feature as an array of its SQL type; null where they are not known. They are sums of bounded amounts, counts and
/// values read from such arrays: narrowing back loses nothing.
pub(crate) fn array(numbers: Vec<i128>, known: BooleanBuffer, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    fn narrowed<T: ArrowPrimitiveType>(
        numbers: &[i128],
        nulls: Option<NullBuffer>,
        one: impl Fn(i128) -> T::Native,
    ) -> PrimitiveArray<T> {
        let values: Vec<T::Native> = numbers.iter().map(|number| one(*number)).collect();
        PrimitiveArray::new(values.into(), nulls)
    }
    let nulls = Some(NullBuffer::new(known)).filter(|nulls| nulls.null_count() > 0);
    Ok(match kind {
        DataType::Int64 => Arc::new(narrowed::<Int64Type>(&numbers, nulls, |number| number as i64)),
        DataType::Int32 => Arc::new(narrowed::<Int32Type>(&numbers, nulls, |number| number as i32)),
        DataType::UInt64 => Arc::new(narrowed::<UInt64Type>(&numbers, nulls, |number| number as u64)),
        DataType::Date32 => Arc::new(narrowed::<Date32Type>(&numbers, nulls, |number| number as i32)),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Arc::new(narrowed::<TimestampMillisecondType>(&numbers, nulls, |number| number as i64))
        }
        DataType::Decimal128(precision, scale) => {
            let decimals: Decimal128Array = PrimitiveArray::new(numbers.into(), nulls);
            Arc::new(decimals.with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Float64 => Arc::new(narrowed::<Float64Type>(&numbers, nulls, |bits| f64::from_bits(bits as u64))),
        DataType::Boolean => {
            let values = BooleanBuffer::collect_bool(numbers.len(), |at| numbers[at] != 0);
            Arc::new(BooleanArray::new(values, nulls))
        }
        other => return Err(ArrowError::NotYetImplemented(format!("features of type {other}"))),
    })
}

/// A value as text, for identities and subjects; null is the empty text.
pub(crate) fn text(array: &ArrayRef, row: usize) -> String {
    match json(array, row) {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What tells the detections of one row apart that are of several hopping windows: where each began, UTC milliseconds.
pub(crate) fn of_window(start: i64) -> String {
    format!("@{start}")
}

/// A value as JSON: decimals as text, times as RFC 3339.
pub(crate) fn json(array: &ArrayRef, row: usize) -> serde_json::Value {
    // An array of nothing but nulls says of none that it is one.
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return serde_json::Value::Null;
    }
    match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row).into(),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            format_time(array.as_primitive::<TimestampMillisecondType>().value(row)).into()
        }
        kind => {
            let text = arrow::util::display::array_value_to_string(array, row).unwrap_or_default();
            // Of the narrower kinds.
            let number = text.parse::<i64>().ok().filter(|_| kind.is_integer());
            number.map_or_else(|| text.into(), serde_json::Value::from)
        }
    }
}

/// A decimal of so many places, written out.
pub(crate) fn decimal(units: i128, places: usize) -> String {
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if units < 0 { "-" } else { "" };
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
