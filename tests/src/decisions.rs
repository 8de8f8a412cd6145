//! What reading and signing decisions promise, whatever the bytes.

use mareva_codec::{Approver, Approvers, Record, SignError, SigningKey, read_decision, read_public_key};
use mareva_model::Ruling;

/// Decisions that are right.
pub const SAMPLES: [&[u8]; 2] = [
    include_bytes!("../../crates/mareva-codec/examples-data/decision.snooze.json"),
    include_bytes!("../../crates/mareva-codec/examples-data/decision.cleared_pair.json"),
];

/// Reads bytes as a record, and as a decision: one that can be signed is one that is read. Returns how it ended.
///
/// # Errors
/// Which promise of the codec broke.
pub fn read_and_sign(input: &[u8]) -> Result<String, String> {
    let [first, second] = [1, 2].map(|seed| SigningKey::from_seed(&[seed; 32]));
    let (Ok(first), Ok(second)) = (first, second) else { return Err("a seed is a key".to_owned()) };
    let approver = |name: &str, key: &SigningKey| {
        let may = Ruling::ALL.map(str::to_owned).to_vec();
        let public_key = read_public_key(&key.public_key()).unwrap_or_default();
        (name.to_owned(), Approver { name: name.to_owned(), public_key, may })
    };
    let approvers: Approvers = [approver("a", &first), approver("b", &second)].into();
    let record = |payload| Record { topic: "fuzz", partition: 0, offset: 0, append_time: 0, payload };
    if let Ok(decision) = read_decision(record(input), &approvers) {
        return Err(format!("nobody has signed it: {}", decision.id));
    }
    let once = match first.sign("a", input) {
        Ok(once) => once,
        Err(SignError::Decision(detail)) if detail.len() <= 300 => return Ok(detail),
        Err(error) => return Err(error.to_string()),
    };
    let signed = second.sign_too("b", once.as_bytes()).map_err(|error| error.to_string())?;
    match read_decision(record(signed.as_bytes()), &approvers) {
        Ok(decision) => Ok(decision.ruling.as_str().to_owned()),
        Err(letter) if signed.len() > 64 * 1024 => Ok(letter.detail),
        Err(letter) => Err(format!("it could be signed: {}", letter.detail)),
    }
}
