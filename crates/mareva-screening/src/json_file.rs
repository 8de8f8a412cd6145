//! Lists that are one JSON document.

use std::io::Read;

use mareva_model::{Digest, Refusal};
use serde::de::DeserializeOwned;

/// Largest document, in bytes: it is held whole while it is read.
const MAX_BYTES: u64 = 256 << 20;

/// The document and its digest; `what` and `remedy` are for faults.
pub(crate) fn read<T: DeserializeOwned>(
    input: impl Read,
    place: &str,
    what: &str,
    remedy: &str,
) -> Result<(T, Digest), Refusal> {
    let mut bytes = Vec::new();
    let read = input.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Refusal::one(place, format!("cannot be read: {error}"), remedy))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Refusal::one(place, format!("is larger than {MAX_BYTES} bytes"), remedy));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let document = serde_json::from_slice(text).map_err(|error| {
        // What serde says of a value could show it.
        let (line, column) = (error.line(), error.column());
        Refusal::one(
            format!("{place}:{line}"),
            format!("is no {what}: column {column}: {:?} error", error.classify()),
            remedy,
        )
    })?;
    Ok((document, Digest(*blake3::hash(&bytes).as_bytes())))
}
