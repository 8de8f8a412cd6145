//! Values between Arrow arrays, timelines and JSON.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int32Array, Int64Array, TimestampMillisecondArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimeUnit, TimestampMillisecondType,
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

/// Values of a feature as an array of its SQL type.
pub(crate) fn array(values: impl Iterator<Item = Option<i128>>, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    // Sums of bounded amounts, counts and values read from such arrays: narrowing back cannot lose anything.
    Ok(match kind {
        DataType::Int64 => Arc::new(values.map(|v| v.and_then(|v| i64::try_from(v).ok())).collect::<Int64Array>()),
        DataType::Int32 => Arc::new(values.map(|v| v.and_then(|v| i32::try_from(v).ok())).collect::<Int32Array>()),
        DataType::Date32 => Arc::new(values.map(|v| v.and_then(|v| i32::try_from(v).ok())).collect::<Date32Array>()),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Arc::new(values.map(|v| v.and_then(|v| i64::try_from(v).ok())).collect::<TimestampMillisecondArray>())
        }
        DataType::Decimal128(precision, scale) => {
            Arc::new(values.collect::<Decimal128Array>().with_precision_and_scale(*precision, *scale)?)
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

/// A value as JSON: decimals as text, times as RFC 3339.
pub(crate) fn json(array: &ArrayRef, row: usize) -> serde_json::Value {
    if array.is_null(row) {
        return serde_json::Value::Null;
    }
    match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row).into(),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            format_time(array.as_primitive::<TimestampMillisecondType>().value(row)).into()
        }
        _ => arrow::util::display::array_value_to_string(array, row).unwrap_or_default().into(),
    }
}
