//! A loaded list as one file of our own, so that it can be put in force again when its files say something else by then: a
//! head in JSON, the packed entries, where each begins, and the digest of all that.

use std::io::{self, Read, Write};

use mareva_model::{Digest, Refusal};
use serde::{Deserialize, Serialize};

use crate::store::EntryStore;
use crate::{Doubts, ListConfig, LoadCounts, LoadedList};

/// Counts up with every change of the layout, that of packed entries included.
const FORMAT: u32 = 2;
/// Bytes of the head: the texts that entries share are in it, 65,536 at most.
const MAX_HEAD: u64 = 1 << 30;

#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    print: Digest,
    digest: Digest,
    version: String,
    counts: LoadCounts,
    doubts: Doubts,
    shared: Vec<Box<str>>,
    identifiers: u64,
    names: u64,
    entries: u64,
    bytes: u64,
}

impl LoadedList {
    /// Writes the list as it is.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let (bytes, starts, shared) = self.store.packed();
        let head = Head {
            format: FORMAT,
            print: self.print(),
            digest: self.digest(),
            version: self.list().version.clone(),
            counts: self.counts(),
            doubts: self.doubts.clone(),
            shared: shared.to_vec(),
            identifiers: self.store.identifiers(),
            names: self.store.names(),
            entries: starts.len() as u64,
            bytes: bytes.len() as u64,
        };
        let head = serde_json::to_vec(&head)?;
        let mut hasher = blake3::Hasher::new();
        let mut put = |part: &[u8]| {
            hasher.update(part);
            out.write_all(part)
        };
        put(&(head.len() as u64).to_le_bytes())?;
        put(&head)?;
        put(bytes)?;
        for some in starts.chunks(1 << 16) {
            put(&some.iter().flat_map(|start| start.to_le_bytes()).collect::<Vec<u8>>())?;
        }
        out.write_all(hasher.finalize().as_bytes())
    }

    /// Reads a list that was written, and indexes and probes it as a loaded one.
    ///
    /// # Errors
    /// It was cut or damaged, is of another policy than `config` or of another version of Mareva.
    pub fn read(config: &ListConfig, input: &mut dyn Read) -> Result<Self, Refusal> {
        let refused = |reason: String| {
            Refusal::one(
                format!("kept list {}", config.name),
                reason,
                "remove the file: the list is loaded from its own files",
            )
        };
        let (head, store) = unpacked(input).map_err(|error| refused(format!("cannot be read: {error}")))?;
        if head.print != config.print(head.digest) {
            return Err(refused("is of another policy, key or reading of its columns".to_owned()));
        }
        let mut list = Self::build(config, store, head.digest, Some(head.version), head.counts)?;
        list.doubts = head.doubts;
        Ok(list)
    }
}

fn unpacked(input: &mut dyn Read) -> io::Result<(Head, EntryStore)> {
    let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut hasher = blake3::Hasher::new();
    let mut take = |length: u64| -> io::Result<Vec<u8>> {
        // Grows with what is there, whatever length is claimed.
        let mut part = Vec::new();
        input.take(length).read_to_end(&mut part)?;
        hasher.update(&part);
        if part.len() as u64 == length { Ok(part) } else { Err(damaged("it breaks off")) }
    };
    let length = take(8)?;
    let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
    if length > MAX_HEAD {
        return Err(damaged("it does not begin with its head"));
    }
    let head: Head = serde_json::from_slice(&take(length)?).map_err(|_| damaged("its head does not read"))?;
    if head.format != FORMAT || head.bytes > u64::from(u32::MAX) || head.entries > u64::from(u32::MAX) {
        return Err(damaged("it is of another version"));
    }
    let bytes = take(head.bytes)?;
    let starts = take(head.entries * 4)?;
    let (starts, _) = starts.as_chunks::<4>();
    let starts: Vec<u32> = starts.iter().map(|start| u32::from_le_bytes(*start)).collect();
    let digest = hasher.finalize();
    let mut written = [0; 32];
    input.read_exact(&mut written)?;
    if digest != blake3::Hash::from_bytes(written) {
        return Err(damaged("its digest is another one"));
    }
    let counts = (head.identifiers, head.names);
    let store = EntryStore::unpacked((bytes, starts, head.shared.clone()), counts);
    Ok((head, store))
}
