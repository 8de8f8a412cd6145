//! The signatures around a decision, as RFC 7515 has them in JSON: the general form, and the flattened one of a single signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mareva_model::Reason;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::{Approver, Approvers};
use crate::fault::Fault;

/// What the header names as the type, so that what a key signs for other ends is never taken for a decision.
pub(super) const TYPE: &str = "mareva-decision+json";

/// Signatures of one decision.
const MAX_SIGNATURES: usize = 8;

/// A payload, decoded, and what is said to sign it.
pub(super) struct Signed {
    /// As it is signed: base64url.
    encoded: String,
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    payload: String,
    signatures: Option<Vec<Signature>>,
    protected: Option<String>,
    signature: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signature {
    pub(super) protected: String,
    pub(super) signature: String,
}

/// What the signature itself covers of its header. Another member (`crit` and `b64` among them) could change what is signed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// Bytes of a text in base64url without padding.
pub(super) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

impl Signed {
    pub(super) fn read(record: &[u8]) -> Result<Self, Fault> {
        let written: Written = serde_json::from_slice(record).map_err(|error| {
            let told = "no JSON Web Signature with payload and signatures, and nothing else; see the README";
            Fault::new(Reason::Malformed, format!("{told} (column {})", error.column()))
        })?;
        let signatures = match (written.signatures, written.protected, written.signature) {
            (Some(signatures), None, None) => signatures,
            (None, Some(protected), Some(signature)) => vec![Signature { protected, signature }],
            _ => return Err(untrusted("it is not signed; sign it")),
        };
        if signatures.is_empty() {
            return Err(untrusted("it is not signed; sign it"));
        }
        if signatures.len() > MAX_SIGNATURES {
            let detail = format!("more than {MAX_SIGNATURES} signatures; leave out those that nobody asks for");
            return Err(Fault::new(Reason::TooLarge, detail));
        }
        let payload = bytes_of(&written.payload)
            .ok_or_else(|| Fault::invalid("payload", "write it in base64url without padding"))?;
        Ok(Self { encoded: written.payload, payload, signatures })
    }

    /// What nobody has signed yet.
    pub(super) fn unsigned(payload: &[u8]) -> Self {
        Self { encoded: URL_SAFE_NO_PAD.encode(payload), payload: payload.to_owned(), signatures: Vec::new() }
    }

    pub(super) fn push(&mut self, signature: Signature) {
        self.signatures.push(signature);
    }

    /// The record, in the general form.
    pub(super) fn to_json(&self) -> String {
        serde_json::json!({ "payload": self.encoded, "signatures": self.signatures }).to_string()
    }

    /// What a signature with this protected header is of.
    pub(super) fn input(&self, protected: &str) -> String {
        format!("{protected}.{}", self.encoded)
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Who signed it. One signature that is wrong, and none counts.
    pub(super) fn signers<'a>(&self, approvers: &'a Approvers) -> Result<Vec<&'a Approver>, Fault> {
        self.signatures.iter().map(|signature| self.signer(signature, approvers)).collect()
    }

    fn signer<'a>(&self, signature: &Signature, approvers: &'a Approvers) -> Result<&'a Approver, Fault> {
        let header = bytes_of(&signature.protected).and_then(|json| serde_json::from_slice::<Header>(&json).ok());
        let header = header.ok_or_else(|| untrusted("its protected header is not of alg, kid and typ; sign it so"))?;
        if header.alg != "EdDSA" && header.alg != "Ed25519" {
            return Err(untrusted("it is signed with another algorithm; sign it with EdDSA (Ed25519)"));
        }
        if header.typ != TYPE {
            return Err(untrusted(&format!("what is signed is no decision; sign it with the typ {TYPE}")));
        }
        let approver = approvers.get(&header.kid).ok_or_else(|| {
            untrusted(
                "nobody of [[decisions.approvers]] has the key that its header names; have it signed by one who has",
            )
        })?;
        let signed = self.input(&signature.protected);
        let key = UnparsedPublicKey::new(&ED25519, approver.public_key);
        let bytes = bytes_of(&signature.signature).unwrap_or_default();
        match key.verify(signed.as_bytes(), &bytes) {
            Ok(()) => Ok(approver),
            Err(_) => Err(untrusted(&format!("the signature of {} is wrong; have it signed again", approver.name))),
        }
    }
}

fn untrusted(told: &str) -> Fault {
    Fault::new(Reason::Untrusted, told)
}
