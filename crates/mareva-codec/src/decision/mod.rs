//! Decisions: a JSON Web Signature (RFC 7515, JSON serialisation) whose payload is the decision. The bytes that were signed are the
//! bytes that are read, so nothing depends on how JSON is written. Signatures are Ed25519 (`EdDSA`, RFC 8037).

mod sign;
mod signature;
mod written;

use std::collections::BTreeMap;

use mareva_model::{DeadLetter, Decision, Reason};

use crate::decoder::Record;
use crate::fault::Fault;
use crate::row::position;
pub use sign::{SignError, SigningKey};
use written::Written;

/// Bytes of a record that holds a decision.
const MAX_RECORD: usize = 64 * 1024;

/// Somebody whose signature counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// What decisions and alerts call him. He may have several keys.
    pub name: String,
    /// His public key, Ed25519.
    pub public_key: [u8; 32],
    /// What he may decide: names of [`mareva_model::Ruling`].
    pub may: Vec<String>,
}

/// Whose signatures count, by the id of the key.
pub type Approvers = BTreeMap<String, Approver>;

/// Bytes of an Ed25519 key that base64url writes, as the `x` of a JSON Web Key; none where it is none.
pub fn read_public_key(text: &str) -> Option<[u8; 32]> {
    signature::bytes_of(text)?.try_into().ok()
}

/// Reads a decision and who signed it.
///
/// # Errors
/// A dead letter, where it is no decision, or not signed by those who may decide it. Whether it is right at this time, and about
/// what is there, is for the pipeline to say.
pub fn read_decision(record: Record<'_>, approvers: &Approvers) -> Result<Decision, Box<DeadLetter>> {
    read(record.payload, approvers)
        .map_err(|fault| Box::new(DeadLetter::new(position(&record, 0), fault.reason, fault.detail, record.payload)))
}

fn read(payload: &[u8], approvers: &Approvers) -> Result<Decision, Fault> {
    if payload.len() > MAX_RECORD {
        return Err(Fault::new(Reason::TooLarge, format!("decision of more than {MAX_RECORD} bytes; shorten it")));
    }
    let signed = signature::Signed::read(payload)?;
    // Nothing of the payload is looked at before its signatures are right.
    let signers = signed.signers(approvers)?;
    let decision = Written::read(signed.payload())?.check()?;
    let kind = decision.ruling.as_str();
    if let Some(signer) = signers.iter().find(|signer| !signer.may.iter().any(|may| may == kind)) {
        let detail = format!("{} may not decide a {kind}; have it signed by somebody who may", signer.name);
        return Err(Fault::new(Reason::Untrusted, detail));
    }
    let mut by: Vec<String> = signers.iter().map(|signer| signer.name.clone()).collect();
    by.sort();
    by.dedup();
    if decision.ruling.needs_two() && by.len() < 2 {
        let detail = format!("a {kind} needs the signatures of two people; have another one sign it, too");
        return Err(Fault::new(Reason::Untrusted, detail));
    }
    Ok(Decision { by, ..decision })
}

#[cfg(test)]
mod tests;
