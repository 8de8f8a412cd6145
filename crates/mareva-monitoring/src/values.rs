//! Values between Arrow arrays, timelines and JSON.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    StringArray, TimestampMillisecondArray, UInt64Array,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMillisecondType,
    UInt64Type,
};
use arrow::error::ArrowError;
use mareva_model::format_time;

use crate::aggregate::Value;
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

/// Values of a feature as an array of its SQL type.
pub(crate) fn array<'a>(values: impl Iterator<Item = &'a Value>, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    let number = |value: &Value| match value {
        Value::Number(number) => Some(*number),
        _ => None,
    };
    let text = |value: &'a Value| match value {
        Value::Text(text) => Some(text.as_ref()),
        _ => None,
    };
    // Sums of bounded amounts, counts and values read from such arrays: narrowing back cannot lose anything.
    let long = |value: &Value| number(value).and_then(|v| i64::try_from(v).ok());
    let short = |value: &Value| number(value).and_then(|v| i32::try_from(v).ok());
    Ok(match kind {
        DataType::Int64 => Arc::new(values.map(long).collect::<Int64Array>()),
        DataType::Int32 => Arc::new(values.map(short).collect::<Int32Array>()),
        DataType::UInt64 => {
            Arc::new(values.map(|v| number(v).and_then(|v| u64::try_from(v).ok())).collect::<UInt64Array>())
        }
        DataType::Date32 => Arc::new(values.map(short).collect::<Date32Array>()),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Arc::new(values.map(long).collect::<TimestampMillisecondArray>())
        }
        DataType::Decimal128(precision, scale) => {
            Arc::new(values.map(number).collect::<Decimal128Array>().with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Float64 => {
            let float = |value: &Value| number(value).map(|bits| f64::from_bits(bits as u64));
            Arc::new(values.map(float).collect::<Float64Array>())
        }
        DataType::Boolean => Arc::new(values.map(|v| number(v).map(|v| v != 0)).collect::<BooleanArray>()),
        DataType::Utf8 => Arc::new(values.map(text).collect::<StringArray>()),
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
    if array.is_null(row) {
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
        _ => arrow::util::display::array_value_to_string(array, row).unwrap_or_default().into(),
    }
}
