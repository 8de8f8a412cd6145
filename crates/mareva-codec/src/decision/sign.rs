//! Signing, for those who have no tool of their own that writes JSON Web Signatures.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::signature::{Signature, Signed, TYPE};
use super::written::Written;

/// A key that signs decisions.
#[derive(Debug)]
pub struct SigningKey(Ed25519KeyPair);

/// Why nothing is signed, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key is none that signs.
    #[error("it is no Ed25519 key in PEM (PKCS#8); `openssl genpkey -algorithm ed25519` makes one")]
    Key,
    /// What is to be signed would be refused.
    #[error("it is no decision that would be taken: {0}")]
    Decision(String),
    /// What is to be signed once more is not signed.
    #[error("it is no signed decision that could be signed once more: {0}")]
    Signed(String),
}

impl SigningKey {
    /// Reads a key from PEM, as OpenSSL writes it.
    ///
    /// # Errors
    /// [`SignError::Key`].
    pub fn from_pem(pem: &str) -> Result<Self, SignError> {
        let inside = pem.split_once("-----BEGIN PRIVATE KEY-----").and_then(|(_, rest)| rest.split_once("-----END"));
        let text: String = inside.ok_or(SignError::Key)?.0.split_whitespace().collect();
        let der = STANDARD.decode(text).map_err(|_| SignError::Key)?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(Self).map_err(|_| SignError::Key)
    }

    /// The key of these 32 bytes.
    ///
    /// # Errors
    /// [`SignError::Key`], which no 32 bytes bring about.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, SignError> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| SignError::Key)
    }

    /// The public key as the config has it: base64url.
    pub fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref())
    }

    /// Signs a decision; the record to send.
    ///
    /// # Errors
    /// [`SignError::Decision`] where it would be refused whoever signs it.
    pub fn sign(&self, key_id: &str, decision: &[u8]) -> Result<String, SignError> {
        let checked = Written::read(decision).and_then(Written::check);
        checked.map_err(|fault| SignError::Decision(fault.detail))?;
        Ok(self.add(key_id, Signed::unsigned(decision)))
    }

    /// Adds a signature to a record.
    ///
    /// # Errors
    /// [`SignError::Signed`] where it is none.
    pub fn sign_too(&self, key_id: &str, record: &[u8]) -> Result<String, SignError> {
        let signed = Signed::read(record).map_err(|fault| SignError::Signed(fault.detail))?;
        Ok(self.add(key_id, signed))
    }

    fn add(&self, key_id: &str, mut signed: Signed) -> String {
        let header = serde_json::json!({ "alg": "EdDSA", "kid": key_id, "typ": TYPE }).to_string();
        let protected = URL_SAFE_NO_PAD.encode(header);
        let signature = self.0.sign(signed.input(&protected).as_bytes());
        signed.push(Signature { protected, signature: URL_SAFE_NO_PAD.encode(signature.as_ref()) });
        signed.to_json()
    }
}
