//! Rows at the edges of what an expression asks: the values at which its answers change, and those beside them (boundary value
//! analysis: ISO/IEC/IEEE 29119-4, 5.2.3).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMillisecondArray, UInt32Array, new_null_array,
};
use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use arrow::compute::{cast, concat, filter, is_not_null, take};
use arrow::datatypes::{DataType, Decimal128Type, Schema};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;

/// Rows of a batch, at most. Fewer are tried one and all, in every combination of their values.
const MOST_ROWS: usize = 1024;

/// Values of a column, at most.
const MOST_VALUES: usize = 160;

/// Rows of the columns that an expression names: values at and beside the constants that stand in it, and in what is made of it.
///
/// # Errors
/// Columns that are not known, values that make no column.
pub(super) fn rows<'e>(
    expr: &'e Expr,
    made_of_it: impl IntoIterator<Item = &'e Expr>,
    known: &DFSchema,
) -> Result<(DFSchema, RecordBatch), DataFusionError> {
    let mut constants = BTreeSet::new();
    for form in made_of_it.into_iter().chain([expr]) {
        add_constants(form, &mut constants)?;
    }
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    let named: BTreeSet<&Column> = expr.column_refs().into_iter().collect();
    for column in named {
        let field = known.field(known.index_of_column(column)?);
        let mut values = near(field.data_type(), &constants)?;
        if field.is_nullable() || values.is_empty() {
            let nothing = new_null_array(field.data_type(), 1);
            values = concat(&[nothing.as_ref(), values.as_ref()])?;
        }
        fields.push((column.relation.clone(), Arc::clone(field)));
        columns.push(values.slice(0, values.len().min(MOST_VALUES)));
    }
    let sizes: Vec<usize> = columns.iter().map(Array::len).collect();
    let all = sizes.iter().try_fold(1_usize, |all, size| all.checked_mul(*size).filter(|all| *all <= MOST_ROWS));
    let (count, picks) = all.map_or_else(|| (MOST_ROWS, random(&sizes)), |all| (all, combined(&sizes, all)));
    let picked = columns.iter().zip(picks).map(|(values, picks)| take(values, &UInt32Array::from(picks), None));
    let arrays = picked.collect::<Result<Vec<_>, _>>()?;
    let schema = DFSchema::new_with_metadata(fields, HashMap::new())?;
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    // A column without values holds nothing, whether it may or not.
    let plain: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    let rows = RecordBatch::try_new_with_options(Arc::new(Schema::new(plain)), arrays, &options)?;
    Ok((schema, rows))
}

/// Which values the rows have, column by column: each with each.
fn combined(sizes: &[usize], all: usize) -> Vec<Vec<u32>> {
    let mut every = 1;
    let of_column = |size: &usize| {
        let picks = (0..all).map(|row| number(row / every % size)).collect();
        every *= size;
        picks
    };
    sizes.iter().map(of_column).collect()
}

/// The same at random, and always alike.
fn random(sizes: &[usize]) -> Vec<Vec<u32>> {
    let mut state: u64 = 0;
    // SplitMix64.
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let mut pick = |size: usize| u32::try_from(next() % size.max(1) as u64).unwrap_or_default();
    sizes.iter().map(|size| (0..MOST_ROWS).map(|_| pick(*size)).collect()).collect()
}

/// A place among [`MOST_VALUES`].
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or_default()
}

/// Adds the constants of an expression, as texts.
fn add_constants(expr: &Expr, constants: &mut BTreeSet<String>) -> Result<(), DataFusionError> {
    expr.apply(|part| {
        if let Expr::Literal(value, _) = part
            && let Ok(ScalarValue::Utf8(Some(text))) = value.cast_to(&DataType::Utf8)
        {
            constants.insert(text);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Values of a type at and beside constants.
fn near(of: &DataType, constants: &BTreeSet<String>) -> Result<ArrayRef, DataFusionError> {
    let values: ArrayRef = match of {
        DataType::Boolean => Arc::new(BooleanArray::from(vec![true, false])),
        DataType::Decimal128(_, places) => numbers(constants, *places)?,
        DataType::Float32 | DataType::Float64 => numbers(constants, 3)?,
        of if of.is_integer() => numbers(constants, 0)?,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => instants(constants),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            Arc::new(StringArray::from(texts(constants)))
        }
        of => new_null_array(of, 0),
    };
    // What a type has no room for is none of its values.
    let values = cast(&values, of)?;
    let known = is_not_null(&values)?;
    Ok(filter(&values, &known)?)
}

/// Numbers of so many places: each constant, those a unit, a half and a whole beside it, and some that stand in most rows.
fn numbers(constants: &BTreeSet<String>, places: i8) -> Result<ArrayRef, DataFusionError> {
    const DIGITS: u8 = 38;
    let usual = ["0", "1", "-1", "2", "0.01", "0.5", "1.5", "99.995", "100", "1000000", "255", "256", "32768"];
    let texts = StringArray::from_iter_values(constants.iter().map(|text| text.trim()).chain(usual));
    // A constant of more places than the type has is between two of its values.
    let known = cast(&texts, &DataType::Decimal128(DIGITS, places))?;
    let one = 10_i128.checked_pow(u32::from(places.unsigned_abs())).unwrap_or(1);
    let mut found: Vec<i128> = Vec::new();
    for at in known.as_primitive::<Decimal128Type>().iter().flatten() {
        for beside in [0, 1, -1, one / 100, -(one / 100), one / 2, -(one / 2), one, -one] {
            found.extend(at.checked_add(beside).filter(|value| !found.contains(value)));
        }
    }
    Ok(Arc::new(Decimal128Array::from(found).with_precision_and_scale(DIGITS, places)?))
}

/// Times: each constant and those about it; and the ends of days, months, years and of the first ones that have a number.
fn instants(constants: &BTreeSet<String>) -> ArrayRef {
    const DAY_MS: i64 = 86_400_000;
    let usual =
        ["1970-01-01", "1969-12-31T23:30:00", "2024-02-29T23:59:59.999", "2025-01-01", "2026-03-31T12:34:56.789"];
    let mut found: Vec<i64> = Vec::new();
    for text in constants.iter().map(String::as_str).chain(usual) {
        let Ok(nanos) = string_to_timestamp_nanos(text) else { continue };
        let at = nanos.div_euclid(1_000_000);
        for beside in [0, 1, -1, 1_000, 3_600_000, DAY_MS, -DAY_MS] {
            found.extend(at.checked_add(beside).filter(|value| !found.contains(value)));
        }
    }
    Arc::new(TimestampMillisecondArray::from(found))
}

/// Texts: each constant, what is about it, its pieces, and what it may be a pattern of.
fn texts(constants: &BTreeSet<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |text: String| {
        if !found.contains(&text) {
            found.push(text);
        }
    };
    constants.iter().for_each(|text| add(text.clone()));
    ["", "a", "A", "a\nb", " ", "\\", "1", "0", "01", "1.5"].into_iter().for_each(|text| add(text.to_owned()));
    for text in constants {
        for other in [
            text.replace("\\\\", "\\"),
            text.replace('\\', ""),
            text.replace(['%', '_', '^', '$', '(', ')', '.', '*'], ""),
            text.replace(['%', '_', '.'], "x"),
            format!("{text}x"),
            format!("x{text}"),
            format!("x\n{text}"),
            format!("0{text}"),
            format!("{text} "),
            text.to_uppercase(),
            text.to_lowercase(),
            text.chars().skip(1).collect(),
        ] {
            add(other);
        }
        text.split(|c: char| !c.is_alphanumeric()).for_each(|piece| add(piece.to_owned()));
    }
    found
}
