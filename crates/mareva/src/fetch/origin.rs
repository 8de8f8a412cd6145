//! Whether what came is what its publisher made.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use mareva_model::{Fault, Refusal};
use minisign_verify::{PublicKey, Signature};
use sha2::{Digest as _, Sha256};

use super::download::Client;
use crate::config::{ListFetch, ListFile};

/// Bytes of a checksum or a signature.
const MAX_PROOF: u64 = 64 << 10;

/// Holds a file against the checksum and the signature that its publisher gives; each is asked for where the config says so.
pub fn check(client: &Client, file: &ListFile, source: &ListFetch, written: &Path) -> Result<(), Refusal> {
    let mut faults = Refusal::default();
    let key = |name: &str| format!("{}.fetch.{name}", file.key);
    if let Some(url) = &source.sha256 {
        match client.text(url, &key("sha256"), MAX_PROOF).and_then(|text| checksum(&text, &key("sha256"))) {
            Err(refusal) => faults.0.extend(refusal.0),
            Ok(expected) => match sha256(written) {
                Ok(found) if found == expected => {}
                Ok(found) => {
                    let reason = format!("what came has the SHA-256 {found}, and its publisher says {expected}");
                    let remedy = "fetch it again; where that does not help, something stands between";
                    faults.0.push(Fault::new(&file.key, reason, remedy));
                }
                Err(error) => faults.0.push(unread(file, &error)),
            },
        }
    }
    if let Some(public_key) = &source.public_key {
        let own = format!("{}.minisig", source.url);
        let url = source.signature.as_deref().unwrap_or(&own);
        let signed = client.text(url, &key("signature"), MAX_PROOF);
        let checked = signed.and_then(|text| signature(&text, public_key, &key("public_key"), file, written));
        faults.0.extend(checked.err().into_iter().flat_map(|refusal| refusal.0));
    }
    if faults.0.is_empty() { Ok(()) } else { Err(faults) }
}

/// The first word of a checksum file: 64 hexadecimal digits, as `sha256sum` writes them.
fn checksum(text: &str, key: &str) -> Result<String, Refusal> {
    let word = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    if word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(word);
    }
    Err(Refusal::one(key, "holds no SHA-256 at its beginning", "name the file that sha256sum writes"))
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn signature(text: &str, public_key: &str, key: &str, file: &ListFile, written: &Path) -> Result<(), Refusal> {
    let public_key = PublicKey::from_base64(public_key.trim()).map_err(|error| {
        Refusal::one(key, format!("is no key of minisign: {error}"), "write the line that begins with RW")
    })?;
    let forged = |error: minisign_verify::Error| {
        let reason = format!("what came is not signed by the key of its publisher: {error}");
        Refusal::one(&file.key, reason, "do not use it; ask the publisher, and look at what stands between")
    };
    let signature = Signature::decode(text).map_err(forged)?;
    let mut verifier = public_key.verify_stream(&signature).map_err(forged)?;
    let mut bytes = vec![0; 1 << 20];
    let mut from = File::open(written).map_err(|error| Refusal(vec![unread(file, &error)]))?;
    loop {
        match from.read(&mut bytes).map_err(|error| Refusal(vec![unread(file, &error)]))? {
            0 => break,
            read => verifier.update(&bytes[..read]),
        }
    }
    verifier.finalize().map_err(forged)
}

fn unread(file: &ListFile, error: &io::Error) -> Fault {
    Fault::new(&file.key, format!("what came cannot be read again: {error}"), "check the disk")
}
