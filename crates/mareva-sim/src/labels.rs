use serde::Serialize;

/// What is true of a transaction or an account: one line of `labels.ndjson`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Label {
    /// An illicit transaction.
    Transaction {
        /// As in the record; see [`crate::SimRecord::tx_id`].
        tx_id: String,
        /// As in the record.
        source: &'static str,
        /// Kind of fraud: `voice_phishing`, `pig_butchering`, `account_takeover`, `job_scam`, `romance`; or `sanctions`.
        scheme: &'static str,
        /// The operation, such as `op-3`.
        operation: String,
        /// `test`, `inducement`, `victim_payment`, `layer`, `structuring`, `on_ramp`, `conversion`,
        /// `crypto_withdrawal`, `chain_hop`, `crypto_deposit`, `off_ramp`, `cash_out` or `sanctioned_payment`.
        role: &'static str,
        /// How much of the amount is illicit, decimal text in `currency`.
        illicit_amount: String,
        /// Currency or asset of the transaction.
        currency: &'static str,
    },
    /// An account, exchange user or wallet with a part to play.
    Account {
        /// Canonical identifier.
        account: String,
        /// `victim`, `collector`, `mule`, `wallet`, `sanctioned`; and of the innocent: `payroll`, `merchant`, `psp`,
        /// `omnibus`, `namesake` (bears a listed name).
        role: &'static str,
        /// The operation; none for the innocent.
        #[serde(skip_serializing_if = "Option::is_none")]
        operation: Option<String>,
    },
}

/// The labels as NDJSON.
pub(crate) fn ndjson<'a>(labels: impl IntoIterator<Item = &'a Label>) -> Vec<u8> {
    let mut out = Vec::new();
    for label in labels {
        let line = serde_json::to_vec(label).expect("text fields always serialise");
        out.extend_from_slice(&line);
        out.push(b'\n');
    }
    out
}
