/// Which topic or file a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// `bank.transactions`, `bank.ndjson`.
    Bank,
    /// `exchange.transactions`, `exchange.ndjson`: the exchange's ledger and token transfers on Ethereum.
    Exchange,
}

/// One record: a JSON object without a line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimRecord {
    /// Where it belongs.
    pub stream: Stream,
    /// When it happened, UTC milliseconds; never decreases from record to record.
    pub event_time: i64,
    /// Who reports it: the bank's BIC, the exchange or `ethereum`.
    pub source: &'static str,
    /// Unique for its source; for a token transfer `<hash>:<log index>`.
    pub tx_id: String,
    /// The `type` of the record.
    pub kind: &'static str,
    /// The JSON object; empty when only labels are asked for.
    pub json: Vec<u8>,
}
