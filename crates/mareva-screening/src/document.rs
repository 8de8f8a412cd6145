//! Lists that are one document of JSON or YAML.

use std::io::Read;

use mareva_model::{Digest, Refusal};
use serde::de::DeserializeOwned;

/// Largest document, in bytes: it is held whole while it is read.
const MAX_BYTES: u64 = 256 << 20;

/// A document of JSON and its digest; `what` and `remedy` are for faults.
pub(crate) fn json<T: DeserializeOwned>(
    input: impl Read,
    place: &str,
    what: &str,
    remedy: &str,
) -> Result<(T, Digest), Refusal> {
    let bytes = whole(input, place, remedy)?;
    let document = serde_json::from_slice(without_mark(&bytes)).map_err(|error| {
        // What serde says of a value could show it.
        let (line, column) = (error.line(), error.column());
        Refusal::one(
            format!("{place}:{line}"),
            format!("is no {what}: column {column}: {:?} error", error.classify()),
            remedy,
        )
    })?;
    Ok((document, digest(&bytes)))
}

/// Likewise of YAML. What it repeats by name is bounded by the parser.
pub(crate) fn yaml<T: DeserializeOwned>(
    input: impl Read,
    place: &str,
    what: &str,
    remedy: &str,
) -> Result<(T, Digest), Refusal> {
    let bytes = whole(input, place, remedy)?;
    let refused = |place: String, reason: String| Refusal::one(place, format!("is no {what}: {reason}"), remedy);
    let text = std::str::from_utf8(without_mark(&bytes))
        .map_err(|_| refused(place.to_owned(), "it is no text in UTF-8".to_owned()))?;
    let document = serde_saphyr::from_str(text).map_err(|error| match error.location() {
        Some(at) => refused(format!("{place}:{}", at.line()), format!("column {}", at.column())),
        None => refused(place.to_owned(), "something in it is missing, or repeated without end".to_owned()),
    })?;
    Ok((document, digest(&bytes)))
}

fn whole(input: impl Read, place: &str, remedy: &str) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let read = input.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Refusal::one(place, format!("cannot be read: {error}"), remedy))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Refusal::one(place, format!("is larger than {MAX_BYTES} bytes"), remedy));
    }
    Ok(bytes)
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}
