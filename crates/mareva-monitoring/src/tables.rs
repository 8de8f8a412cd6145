//! The tables that rules see, and how their columns are read off retained transactions.

use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, StringBuilder};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, UInt32Type};
use arrow::error::ArrowError;
use mareva_model::{Table, Text, TransactionBatch, prepared_schema};

use crate::retained::{RetainedRows, legs_of};

/// The schema that rules see of a table.
pub(crate) fn schema_of(table: Table) -> SchemaRef {
    match table {
        Table::Transactions => prepared_schema(),
        Table::Movements => movements_schema(),
        Table::Signals => signals_schema(),
    }
}

/// Columns of `movements`: name, column of the paying leg, column of the receiving leg.
const MOVEMENT_COLUMNS: [(&str, &str, &str); 35] = [
    ("event_time", "event_time", "event_time"),
    ("account", "originator", "beneficiary"),
    ("counterparty", "beneficiary", "originator"),
    ("account_name", "originator_name", "beneficiary_name"),
    ("counterparty_name", "beneficiary_name", "originator_name"),
    ("account_agent", "originator_agent", "beneficiary_agent"),
    ("counterparty_agent", "beneficiary_agent", "originator_agent"),
    ("account_country", "originator_country", "beneficiary_country"),
    ("counterparty_country", "beneficiary_country", "originator_country"),
    ("account_role", "originator_role", "beneficiary_role"),
    ("counterparty_role", "beneficiary_role", "originator_role"),
    ("account_segment", "originator_segment", "beneficiary_segment"),
    ("counterparty_segment", "beneficiary_segment", "originator_segment"),
    ("account_customer", "originator_customer", "beneficiary_customer"),
    ("counterparty_customer", "beneficiary_customer", "originator_customer"),
    ("account_hit", "originator_hit", "beneficiary_hit"),
    ("counterparty_hit", "beneficiary_hit", "originator_hit"),
    ("account_is_vasp", "originator_is_vasp", "beneficiary_is_vasp"),
    ("counterparty_is_vasp", "beneficiary_is_vasp", "originator_is_vasp"),
    ("balance_ref", "originator_balance_ref", "beneficiary_balance_ref"),
    ("kind", "kind", "kind"),
    ("status", "status", "status"),
    ("source", "source", "source"),
    ("currency", "currency", "currency"),
    ("amount", "amount", "amount"),
    ("amount_ref", "amount_ref", "amount_ref"),
    ("channel", "channel", "channel"),
    ("device", "device", "device"),
    ("ip", "ip", "ip"),
    ("purpose", "purpose", "purpose"),
    ("network", "network", "network"),
    ("asset_contract", "asset_contract", "asset_contract"),
    ("linked_account", "linked_account", "linked_account"),
    ("remittance", "remittance", "remittance"),
    ("tx_hash", "tx_hash", "tx_hash"),
];

fn movements_schema() -> SchemaRef {
    static SCHEMA: OnceLock<SchemaRef> = OnceLock::new();
    SCHEMA
        .get_or_init(|| {
            let wire = prepared_schema();
            let mut fields =
                vec![Field::new("row_id", DataType::Utf8, false), Field::new("direction", DataType::Utf8, false)];
            fields.extend(MOVEMENT_COLUMNS.iter().filter_map(|(name, out, _)| {
                let field = wire.field_with_name(out).ok()?;
                let nullable = field.is_nullable() && *name != "account";
                Some(Field::new(*name, field.data_type().clone(), nullable))
            }));
            Arc::new(Schema::new(fields))
        })
        .clone()
}

fn signals_schema() -> SchemaRef {
    static SCHEMA: OnceLock<SchemaRef> = OnceLock::new();
    SCHEMA
        .get_or_init(|| {
            Arc::new(Schema::new(vec![
                Field::new("row_id", DataType::Utf8, false),
                Field::new("event_time", DataType::Timestamp(TimeUnit::Millisecond, None), false),
                Field::new("subject", DataType::Utf8, false),
                Field::new("rule", DataType::Utf8, false),
                Field::new("subject_role", DataType::Utf8, false),
                Field::new("weight", DataType::Decimal128(10, 2), false),
            ]))
        })
        .clone()
}

/// Numbers of the table's rows that a run of transactions gives: the transaction's own, or twice it plus the leg (0 out,
/// 1 in) for movements.
pub(crate) fn row_numbers(table: Table, first: u64, batch: &TransactionBatch) -> Vec<u64> {
    if table == Table::Movements {
        return legs_of(batch, first).map(|(_, leg)| leg).collect();
    }
    (first..first + batch.len() as u64).collect()
}

/// Columns of a table for the given row numbers, read off the retained transactions.
pub(crate) fn gather(
    retained: &RetainedRows,
    table: Table,
    rows: &[u64],
    columns: &[String],
) -> Result<RecordBatch, ArrowError> {
    let shift = u32::from(table == Table::Movements);
    // Positions: (segment, leg) pairs become the arrays that `interleave` picks from.
    let mut segments: Vec<usize> = Vec::new();
    let mut places = Vec::with_capacity(rows.len());
    for row in rows {
        let Some((segment, index)) = retained.locate(row >> shift) else {
            return Err(ArrowError::InvalidArgumentError(format!("row {row} of {} has expired", table.name())));
        };
        let slot = match segments.iter().rposition(|s| *s == segment) {
            Some(slot) => slot,
            None => {
                segments.push(segment);
                segments.len() - 1
            }
        };
        places.push((slot, index, (row & 1) as usize));
    }
    let schema = schema_of(table);
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for name in columns {
        fields.push(schema.field_with_name(name)?.clone());
        arrays.push(gather_column(retained, table, &segments, &places, name)?);
    }
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
}

fn gather_column(
    retained: &RetainedRows,
    table: Table,
    segments: &[usize],
    places: &[(usize, usize, usize)],
    name: &str,
) -> Result<ArrayRef, ArrowError> {
    let rows = |segment: usize| {
        retained.batch(segment).ok_or_else(|| ArrowError::IoError(String::new(), std::io::ErrorKind::Other.into()))
    };
    let column = |segment: usize, source: &str| -> Result<ArrayRef, ArrowError> {
        let batch = rows(segment)?.batch();
        Ok(batch.column(batch.schema_ref().index_of(source)?).clone())
    };
    if table != Table::Movements {
        let arrays = segments.iter().map(|s| column(*s, name)).collect::<Result<Vec<_>, _>>()?;
        return pick(&arrays, 1, places);
    }
    match name {
        "direction" => {
            let names = ["out", "in"];
            Ok(Arc::new(places.iter().map(|(.., leg)| Some(names[*leg])).collect::<StringArray>()))
        }
        "row_id" => {
            let mut ids = StringBuilder::with_capacity(places.len(), places.len() * 40);
            for (slot, index, leg) in places {
                let id = rows(segments[*slot])?.text(Text::RowId).value(*index);
                ids.append_value(format!("{id}{}", if *leg == 1 { "/in" } else { "/out" }));
            }
            Ok(Arc::new(ids.finish()))
        }
        _ => {
            let (_, out, inn) = MOVEMENT_COLUMNS
                .iter()
                .find(|(column, ..)| *column == name)
                .ok_or_else(|| ArrowError::SchemaError(format!("movements has no column {name}")))?;
            if out == inn {
                let arrays = segments.iter().map(|s| column(*s, out)).collect::<Result<Vec<_>, _>>()?;
                return pick(&arrays, 1, places);
            }
            let mut arrays = Vec::with_capacity(segments.len() * 2);
            for segment in segments {
                arrays.push(column(*segment, out)?);
                arrays.push(column(*segment, inn)?);
            }
            pick(&arrays, 2, places)
        }
    }
}

/// Picks `places` from arrays, `per_slot` of them for each segment, the leg choosing among them.
fn pick(arrays: &[ArrayRef], per_slot: usize, places: &[(usize, usize, usize)]) -> Result<ArrayRef, ArrowError> {
    if arrays.is_empty() {
        return Err(ArrowError::InvalidArgumentError("no rows to read".into()));
    }
    if arrays.len() == 1 {
        let indices = places.iter().map(|(_, index, _)| *index as u32);
        return take(&arrays[0], &arrow::array::PrimitiveArray::<UInt32Type>::from_iter_values(indices), None);
    }
    let references: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    let places: Vec<(usize, usize)> =
        places.iter().map(|(slot, index, leg)| (slot * per_slot + leg * (per_slot - 1), *index)).collect();
    interleave(&references, &places)
}

/// The whole table over everything retained, all columns: what an oracle or an export reads.
///
/// # Errors
/// When a column cannot be built, which would be a fault of this crate.
pub fn whole(retained: &RetainedRows, table: Table) -> Result<RecordBatch, ArrowError> {
    let rows: Vec<u64> = retained.batches().flat_map(|(first, batch)| row_numbers(table, first, &batch)).collect();
    let schema = schema_of(table);
    if rows.is_empty() {
        return Ok(RecordBatch::new_empty(schema));
    }
    let columns: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    gather(retained, table, &rows, &columns)?.with_schema(schema)
}

#[cfg(test)]
mod tests;
