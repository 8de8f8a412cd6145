//! The sequence record: what pins the input of every slice, so that it can be judged again with the same result.
use std::{collections::BTreeMap, fmt, sync::Arc};

use mareva_model::{Digest, alert::Alert};
use serde::{Deserialize, Serialize};

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: i32,
}

impl TopicPartition {
    /// Partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// The first 16 bytes of the BLAKE3 digest of an alert's published bytes, written as 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertDigest(pub [u8; 16]);

impl AlertDigest {
    /// The digest of published bytes.
    pub fn of(payload: &[u8]) -> Self {
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::hash(payload).as_bytes()[..16]);
        Self(short)
    }
}

impl fmt::Display for AlertDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for AlertDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AlertDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("an alert digest is 32 hex digits");
        if text.len() != 32 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 16];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// Which revision of which alert was published; written as `alert_id/revision`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertRevision {
    /// Id of the alert: a digest, it names nobody.
    pub alert_id: String,
    /// Its revision.
    pub revision: u32,
}

impl From<&Alert> for AlertRevision {
    fn from(alert: &Alert) -> Self {
        Self { alert_id: alert.alert_id.clone(), revision: alert.revision }
    }
}

impl Serialize for AlertRevision {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}/{}", self.alert_id, self.revision))
    }
}

impl<'de> Deserialize<'de> for AlertRevision {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let read = text.rsplit_once('/').and_then(|(id, revision)| Some((id.to_owned(), revision.parse().ok()?)));
        let (alert_id, revision) = read.ok_or_else(|| serde::de::Error::custom("it is no `alert_id/revision`"))?;
        Ok(Self { alert_id, revision })
    }
}

/// A block of one partition inside a slice: its records with `from` ≤ offset < `to`, in offset order. The ranges of a
/// partition tile: each begins where the last one ended. Offsets without a record (control records of transactions,
/// compaction) lie inside a range and hold nothing; `to - 1` held a record when the slice was cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: i32,
    /// First offset.
    pub from: i64,
    /// Offset after the last record.
    pub to: i64,
}

impl Cut {
    /// The partition it is cut from.
    pub fn source(&self) -> TopicPartition {
        TopicPartition { topic: self.topic.clone(), partition: self.partition }
    }
}

/// How one slice was cut. Its records are those of `cuts`, block after block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceCut {
    /// Number of the slice.
    pub seq: u64,
    /// Wall clock when it was cut, UTC milliseconds.
    pub tick: i64,
    /// Whether the input ended with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end: bool,
    /// Partitions that begin to hold low time with this slice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<(Arc<str>, i32)>,
    /// The blocks, in the order they are judged.
    pub cuts: Vec<Cut>,
    /// How many alerts it gave: so many of [`SequenceRecord::alerts`], in order.
    pub alerts: usize,
}

impl SliceCut {
    /// A bound on the bytes of its JSON. The names of topics need no escapes.
    pub fn most_bytes(&self) -> usize {
        let cuts = self.cuts.iter().map(|cut| &cut.topic);
        let topics = cuts.chain(self.joined.iter().map(|(topic, _)| topic));
        topics.map(|topic| topic.len() + Self::AROUND_A_TOPIC).sum::<usize>() + Self::AROUND_ALL
    }

    /// The names of the other fields of a cut, its partition and two offsets of 19 digits.
    const AROUND_A_TOPIC: usize = 96;
    /// The other fields of a slice.
    const AROUND_ALL: usize = 160;
}

/// Slices from `from` to `to`, both among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceRange {
    /// Number of the first.
    pub from: u64,
    /// Number of the last.
    pub to: u64,
}

/// Next offset by topic and partition.
pub type Judged = BTreeMap<Arc<str>, BTreeMap<i32, i64>>;

/// Digest of the record before the next offset, formed as that of an alert, by topic and partition.
pub type LastJudged = BTreeMap<Arc<str>, BTreeMap<i32, AlertDigest>>;

/// Last record of every transaction. `judged` is also what a payment hub waits for: no alert plus a judged offset past its
/// payment means the payment was judged and nothing was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceRecord {
    /// Format, now 1.
    pub version: u32,
    /// Number of the transaction, from 1, without gaps.
    pub number: u64,
    /// Number of the last slice whose output is published.
    pub last_seq: u64,
    /// Digest of all that the engine was configured with.
    pub epoch: Digest,
    /// Digest of the history that the state began with; none where it began empty, and none in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Digest>,
    /// The run that wrote it.
    pub writer: String,
    /// Transactional id of that run. Records of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactional_id: Option<String>,
    /// More digests of this transaction than fit one record: such a part precedes the record that counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub part: bool,
    /// The slices it covers; none in a part, and none where it only publishes again what a torn transaction lost, or says that
    /// another epoch or transactional id is in force or input or slices are gone.
    pub slices: Vec<SliceCut>,
    /// Digests of the alerts carried, in order.
    pub alerts: Vec<AlertDigest>,
    /// Their ids and revisions, in the same order, so that under another epoch no number is given twice. Records of earlier
    /// versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<AlertRevision>,
    /// Digests of alerts of earlier transactions that were lost and are published again here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reissued: Vec<AlertDigest>,
    /// Next offset of every input partition.
    pub judged: Judged,
    /// What stood at the offset before, where a record was judged: a topic that was created anew holds another one. Records of
    /// earlier versions have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last_judged: LastJudged,
    /// For every partition of the alerts topic, an offset that none of these alerts lies before: where an audit starts.
    pub alerts_from: BTreeMap<i32, i64>,
    /// Input that was gone before it could be judged, accepted by the operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Cut>,
    /// Slices whose state the run that wrote this does not have, since records of this topic are gone: accepted by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_gap: Option<SliceRange>,
}

impl SequenceRecord {
    /// The format written here.
    pub const VERSION: u32 = 1;

    /// Digests that one record holds at most: with their revisions some 80 bytes each, so that a third of the broker's default
    /// limit of 1 MiB is theirs.
    pub const MAX_DIGESTS: usize = 4_000;

    /// Bytes of slices that one record holds at most: half of that limit, so that a sixth is left for the positions of some
    /// thousands of partitions. One slice may be larger alone: it names the partitions of its records, and those that join.
    pub const MAX_SLICE_BYTES: usize = 512 * 1024;

    /// The JSON records to write, parts first.
    pub fn to_payloads(&self) -> Vec<Vec<u8>> {
        let mut parts = Vec::new();
        let surplus = self.alerts.len().saturating_sub(Self::MAX_DIGESTS);
        // One for each digest, or none at all.
        let revisions = |range: std::ops::Range<usize>| self.revisions.get(range).unwrap_or_default().to_vec();
        for (number, digests) in self.alerts[..surplus].chunks(Self::MAX_DIGESTS).enumerate() {
            let first = number * Self::MAX_DIGESTS;
            parts.push(Self {
                part: true,
                slices: Vec::new(),
                alerts: digests.to_vec(),
                revisions: revisions(first..first + digests.len()),
                reissued: Vec::new(),
                judged: BTreeMap::new(),
                last_judged: BTreeMap::new(),
                alerts_from: BTreeMap::new(),
                gaps: Vec::new(),
                log_gap: None,
                history: None,
                writer: self.writer.clone(),
                transactional_id: self.transactional_id.clone(),
                ..*self
            });
        }
        let last = Self {
            alerts: self.alerts[surplus..].to_vec(),
            revisions: revisions(surplus..self.alerts.len()),
            ..self.clone()
        };
        parts.push(last);
        // Maps of strings, integers and vectors: nothing in them can fail to serialise.
        parts.iter().map(|part| serde_json::to_vec(part).unwrap_or_default()).collect()
    }

    /// The last judged record of each partition of which one is known: where, its offset, its digest.
    pub fn last_records(&self) -> impl Iterator<Item = (TopicPartition, i64, AlertDigest)> {
        let each =
            self.last_judged.iter().flat_map(|(topic, partitions)| partitions.iter().map(move |one| (topic, one)));
        each.filter_map(|(topic, (partition, digest))| {
            let at = TopicPartition::new(topic.clone(), *partition);
            let next = self.judged_offset(&at)?;
            Some((at, next - 1, *digest))
        })
    }

    /// Next offset of a partition, when it is known.
    pub fn judged_offset(&self, source: &TopicPartition) -> Option<i64> {
        self.judged.get(&source.topic)?.get(&source.partition).copied()
    }
}

/// Puts parts and records together again.
#[derive(Debug, Default)]
pub struct Assembler {
    number: u64,
    digests: Vec<AlertDigest>,
    revisions: Vec<AlertRevision>,
}

impl Assembler {
    /// Takes the next record of the topic; gives a whole one when it is complete.
    ///
    /// # Errors
    /// A text saying why it is not a sequence record of a known version.
    pub fn take(&mut self, payload: &[u8]) -> Result<Option<SequenceRecord>, String> {
        let mut record: SequenceRecord = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
        if record.version != SequenceRecord::VERSION {
            return Err(format!("format version {} is not {}", record.version, SequenceRecord::VERSION));
        }
        if record.number != self.number {
            self.number = record.number;
            self.digests.clear();
            self.revisions.clear();
        }
        if record.part {
            self.digests.append(&mut record.alerts);
            self.revisions.append(&mut record.revisions);
            return Ok(None);
        }
        let mut digests = std::mem::take(&mut self.digests);
        digests.append(&mut record.alerts);
        record.alerts = digests;
        let mut revisions = std::mem::take(&mut self.revisions);
        revisions.append(&mut record.revisions);
        record.revisions = revisions;
        // Reading began between its parts: it is not whole.
        let expected: usize = record.slices.iter().map(|slice| slice.alerts).sum();
        Ok((record.alerts.len() == expected).then_some(record))
    }
}

#[cfg(test)]
mod tests;
