use std::sync::{Arc, OnceLock};

use arrow::array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Decimal128Builder, Int32Array, Int32Builder, Int64Array,
    Int64Builder, RecordBatch, StringArray, TimestampMillisecondArray, TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::columns::TextColumn;
use crate::{Text, TransactionRow};

/// The non-text wire columns, which come first: name, type, nullable.
pub const WIRE_COLUMNS: [(&str, DataType, bool); 9] = [
    ("event_time", DataType::Timestamp(TimeUnit::Millisecond, None), false),
    ("amount", DataType::Decimal128(38, 18), true),
    ("originator_balance", DataType::Decimal128(38, 18), true),
    ("beneficiary_balance", DataType::Decimal128(38, 18), true),
    ("log_index", DataType::Int64, true),
    ("partition", DataType::Int32, false),
    ("offset", DataType::Int64, false),
    ("index", DataType::Int32, false),
    ("append_time", DataType::Timestamp(TimeUnit::Millisecond, None), false),
];

/// The columns that `prepare` adds behind the wire columns: name and type; all nullable.
///
/// `amount_ref` and the balances are in the reference currency; the hits are the id of the strongest entry; role,
/// segment and customer come from the `accounts` table at the epoch of arrival; a party is a VASP when it is an exchange
/// account or on the list of VASP accounts.
pub const PREPARED_COLUMNS: [(&str, DataType); 13] = [
    ("amount_ref", DataType::Decimal128(38, 2)),
    ("originator_balance_ref", DataType::Decimal128(38, 2)),
    ("beneficiary_balance_ref", DataType::Decimal128(38, 2)),
    ("originator_hit", DataType::Utf8),
    ("beneficiary_hit", DataType::Utf8),
    ("originator_role", DataType::Utf8),
    ("beneficiary_role", DataType::Utf8),
    ("originator_segment", DataType::Utf8),
    ("beneficiary_segment", DataType::Utf8),
    ("originator_customer", DataType::Utf8),
    ("beneficiary_customer", DataType::Utf8),
    ("originator_is_vasp", DataType::Boolean),
    ("beneficiary_is_vasp", DataType::Boolean),
];

/// Whether a text column may never be null.
fn required(text: Text) -> bool {
    matches!(text, Text::RowId | Text::Kind | Text::Status | Text::Source | Text::Currency | Text::Topic)
}

/// Schema of what decoders produce. Times are UTC milliseconds; amounts are in units of their own currency.
pub fn wire_schema() -> SchemaRef {
    static SCHEMA: OnceLock<SchemaRef> = OnceLock::new();
    SCHEMA
        .get_or_init(|| {
            let numbers = WIRE_COLUMNS.iter().map(|(name, kind, null)| Field::new(*name, kind.clone(), *null));
            let texts = Text::ALL.iter().map(|text| Field::new(text.name(), DataType::Utf8, !required(*text)));
            Arc::new(Schema::new(numbers.chain(texts).collect::<Vec<_>>()))
        })
        .clone()
}

/// Schema of what rules see as `transactions`: the wire columns, then [`PREPARED_COLUMNS`].
pub fn prepared_schema() -> SchemaRef {
    static SCHEMA: OnceLock<SchemaRef> = OnceLock::new();
    SCHEMA
        .get_or_init(|| {
            let wire = wire_schema();
            let added = PREPARED_COLUMNS.iter().map(|(name, kind)| Arc::new(Field::new(*name, kind.clone(), true)));
            Arc::new(Schema::new(wire.fields().iter().cloned().chain(added).collect::<Vec<_>>()))
        })
        .clone()
}

/// Positions of columns that are read by name in the hot path.
pub mod column {
    use crate::Text;

    /// `event_time`, timestamp.
    pub const EVENT_TIME: usize = 0;
    /// `amount`, Decimal128(38, 18).
    pub const AMOUNT: usize = 1;
    /// `originator_balance`, Decimal128(38, 18).
    pub const ORIGINATOR_BALANCE: usize = 2;
    /// `beneficiary_balance`, Decimal128(38, 18).
    pub const BENEFICIARY_BALANCE: usize = 3;
    /// `log_index`, Int64.
    pub const LOG_INDEX: usize = 4;
    /// `partition`, Int32.
    pub const PARTITION: usize = 5;
    /// `offset`, Int64.
    pub const OFFSET: usize = 6;
    /// `index`, Int32.
    pub const INDEX: usize = 7;
    /// `append_time`, timestamp.
    pub const APPEND_TIME: usize = 8;

    /// Position of a text column.
    pub const fn text(text: Text) -> usize {
        super::WIRE_COLUMNS.len() + text as usize
    }

    /// Position of the n-th of [`super::PREPARED_COLUMNS`].
    pub const fn prepared(n: usize) -> usize {
        super::WIRE_COLUMNS.len() + Text::ALL.len() + n
    }
}

/// The n of [`column::prepared`], by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Prepared {
    /// `amount_ref`.
    AmountRef,
    /// `originator_balance_ref`.
    OriginatorBalanceRef,
    /// `beneficiary_balance_ref`.
    BeneficiaryBalanceRef,
    /// `originator_hit`.
    OriginatorHit,
    /// `beneficiary_hit`.
    BeneficiaryHit,
    /// `originator_role`.
    OriginatorRole,
    /// `beneficiary_role`.
    BeneficiaryRole,
    /// `originator_segment`.
    OriginatorSegment,
    /// `beneficiary_segment`.
    BeneficiarySegment,
    /// `originator_customer`.
    OriginatorCustomer,
    /// `beneficiary_customer`.
    BeneficiaryCustomer,
    /// `originator_is_vasp`.
    OriginatorIsVasp,
    /// `beneficiary_is_vasp`.
    BeneficiaryIsVasp,
}

/// Transactions in columns: a `RecordBatch` with [`wire_schema`] or [`prepared_schema`], read with typed accessors.
#[derive(Debug, Clone, PartialEq)]
pub struct TransactionBatch(RecordBatch);

impl TransactionBatch {
    /// Takes a batch whose schema is one of the two; anything else gives it back as the error.
    ///
    /// # Errors
    /// The batch itself, when its schema is neither.
    pub fn try_new(batch: RecordBatch) -> Result<Self, RecordBatch> {
        let fields = batch.schema_ref().fields();
        if *fields == *wire_schema().fields() || *fields == *prepared_schema().fields() {
            Ok(Self(batch))
        } else {
            Err(batch)
        }
    }

    /// The columns.
    pub fn batch(&self) -> &RecordBatch {
        &self.0
    }

    /// The columns, owned.
    pub fn into_batch(self) -> RecordBatch {
        self.0
    }

    /// Some of the rows, one after another, without copying them.
    pub fn slice(&self, from: usize, rows: usize) -> Self {
        Self(self.0.slice(from, rows))
    }

    /// Number of transactions.
    pub fn len(&self) -> usize {
        self.0.num_rows()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.0.num_rows() == 0
    }

    /// A text column.
    pub fn text(&self, text: Text) -> &StringArray {
        typed(self.0.column(column::text(text)))
    }

    /// A prepared text column; only with [`prepared_schema`].
    pub fn prepared_text(&self, prepared: Prepared) -> &StringArray {
        typed(self.0.column(column::prepared(prepared as usize)))
    }

    /// A prepared amount column, hundredths of the reference currency; only with [`prepared_schema`].
    pub fn prepared_amount(&self, prepared: Prepared) -> &Decimal128Array {
        typed(self.0.column(column::prepared(prepared as usize)))
    }

    /// A prepared flag column; only with [`prepared_schema`].
    pub fn prepared_flag(&self, prepared: Prepared) -> &BooleanArray {
        typed(self.0.column(column::prepared(prepared as usize)))
    }

    /// Event times, UTC milliseconds.
    pub fn event_time(&self) -> &TimestampMillisecondArray {
        typed(self.0.column(column::EVENT_TIME))
    }

    /// Append times, UTC milliseconds.
    pub fn append_time(&self) -> &TimestampMillisecondArray {
        typed(self.0.column(column::APPEND_TIME))
    }

    /// Amounts in units of 10^-18.
    pub fn amount(&self) -> &Decimal128Array {
        typed(self.0.column(column::AMOUNT))
    }

    /// Partitions.
    pub fn partition(&self) -> &Int32Array {
        typed(self.0.column(column::PARTITION))
    }

    /// Offsets.
    pub fn offset(&self) -> &Int64Array {
        typed(self.0.column(column::OFFSET))
    }

    /// Indexes in their records.
    pub fn index(&self) -> &Int32Array {
        typed(self.0.column(column::INDEX))
    }
}

fn typed<T: 'static>(array: &ArrayRef) -> &T {
    // `try_new` has compared the schema, and a `RecordBatch` holds what its schema says.
    array.as_any().downcast_ref().expect("the schema was checked when the batch was taken")
}

/// Collects rows into a [`TransactionBatch`] with [`wire_schema`].
#[derive(Debug)]
pub struct TransactionBatchBuilder {
    event_time: TimestampMillisecondBuilder,
    decimals: [Decimal128Builder; 3],
    log_index: Int64Builder,
    partition: Int32Builder,
    offset: Int64Builder,
    index: Int32Builder,
    append_time: TimestampMillisecondBuilder,
    texts: Vec<TextColumn>,
    rows: usize,
}

impl Default for TransactionBatchBuilder {
    fn default() -> Self {
        Self::with_capacity(1024)
    }
}

impl TransactionBatchBuilder {
    /// Room for `rows` rows before the first growth.
    pub fn with_capacity(rows: usize) -> Self {
        let decimal = || Decimal128Builder::with_capacity(rows).with_data_type(DataType::Decimal128(38, 18));
        Self {
            event_time: TimestampMillisecondBuilder::with_capacity(rows),
            decimals: [decimal(), decimal(), decimal()],
            log_index: Int64Builder::with_capacity(rows),
            partition: Int32Builder::with_capacity(rows),
            offset: Int64Builder::with_capacity(rows),
            index: Int32Builder::with_capacity(rows),
            append_time: TimestampMillisecondBuilder::with_capacity(rows),
            texts: Text::ALL.iter().map(|_| TextColumn::default()).collect(),
            rows: 0,
        }
    }

    /// Rows collected so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether none was collected.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a row. Required texts that are missing become empty texts: decoders refuse such rows before.
    pub fn append(&mut self, row: &TransactionRow<'_>) {
        self.event_time.append_value(row.event_time);
        for (builder, value) in
            self.decimals.iter_mut().zip([row.amount, row.originator_balance, row.beneficiary_balance])
        {
            builder.append_option(value);
        }
        self.log_index.append_option(row.log_index);
        self.partition.append_value(row.partition);
        self.offset.append_value(row.offset);
        self.index.append_value(row.index);
        self.append_time.append_value(row.append_time);
        for ((column, value), text) in self.texts.iter_mut().zip(row.texts()).zip(Text::ALL) {
            column.append(value.or_else(|| required(text).then_some("")));
        }
        self.rows += 1;
    }

    /// The batch of all rows since the last call; the builder is empty afterwards.
    pub fn finish(&mut self) -> TransactionBatch {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(WIRE_COLUMNS.len() + Text::ALL.len());
        columns.push(Arc::new(self.event_time.finish()));
        for decimal in &mut self.decimals {
            columns.push(Arc::new(decimal.finish()));
        }
        columns.push(Arc::new(self.log_index.finish()));
        columns.push(Arc::new(self.partition.finish()));
        columns.push(Arc::new(self.offset.finish()));
        columns.push(Arc::new(self.index.finish()));
        columns.push(Arc::new(self.append_time.finish()));
        columns.extend(self.texts.iter_mut().map(TextColumn::finish));
        self.rows = 0;
        // Rows are retained for weeks as they leave here: what the builders grew by in advance goes back.
        columns.iter_mut().for_each(Array::shrink_to_fit);
        // Every builder had exactly one value a row and the type that the schema names.
        TransactionBatch(RecordBatch::try_new(wire_schema(), columns).expect("builders follow the schema"))
    }
}
