use arrow::array::{Array, ArrayRef};
use mareva_model::{Prepared, SourcePosition, Text, TransactionBatch};

/// One retained transaction.
#[derive(Debug, Clone, Copy)]
pub struct TransactionView<'a> {
    batch: &'a TransactionBatch,
    index: usize,
}

impl<'a> TransactionView<'a> {
    /// A row of a prepared batch.
    pub fn new(batch: &'a TransactionBatch, index: usize) -> Self {
        Self { batch, index }
    }

    /// The batch and index behind it.
    pub fn place(&self) -> (&'a TransactionBatch, usize) {
        (self.batch, self.index)
    }

    /// A wire text.
    pub fn text(&self, text: Text) -> Option<&'a str> {
        let column = self.batch.text(text);
        column.is_valid(self.index).then(|| column.value(self.index))
    }

    /// A prepared text.
    pub fn prepared_text(&self, prepared: Prepared) -> Option<&'a str> {
        let column = self.batch.prepared_text(prepared);
        column.is_valid(self.index).then(|| column.value(self.index))
    }

    /// Whether a prepared flag is set.
    pub fn prepared_flag(&self, prepared: Prepared) -> bool {
        let column = self.batch.prepared_flag(prepared);
        column.is_valid(self.index) && column.value(self.index)
    }

    /// Amount in units of 10^-18 of its currency.
    pub fn amount(&self) -> Option<i128> {
        let column = self.batch.amount();
        column.is_valid(self.index).then(|| column.value(self.index))
    }

    /// Amount in hundredths of the reference currency.
    pub fn amount_ref(&self) -> Option<i64> {
        self.prepared_amount(Prepared::AmountRef)
    }

    /// A prepared amount, hundredths of the reference currency.
    pub fn prepared_amount(&self, prepared: Prepared) -> Option<i64> {
        let column = self.batch.prepared_amount(prepared);
        // `ReferenceAmount` keeps every such value inside 64 bits.
        column.is_valid(self.index).then(|| i64::try_from(column.value(self.index)).ok()).flatten()
    }

    /// UTC milliseconds.
    pub fn event_time(&self) -> i64 {
        self.batch.event_time().value(self.index)
    }

    /// Log index on the chain.
    pub fn log_index(&self) -> Option<i64> {
        let column: &ArrayRef = self.batch.batch().column(mareva_model::column::LOG_INDEX);
        let column = column.as_any().downcast_ref::<arrow::array::Int64Array>()?;
        column.is_valid(self.index).then(|| column.value(self.index))
    }

    /// Where it was read.
    pub fn position(&self) -> SourcePosition {
        SourcePosition {
            topic: self.text(Text::Topic).unwrap_or_default().to_owned(),
            partition: self.batch.partition().value(self.index),
            offset: self.batch.offset().value(self.index),
            index: self.batch.index().value(self.index),
        }
    }
}
