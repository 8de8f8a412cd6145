//! Bytes → rows, and most of what lists say of them: what needs nothing but the slice is done ahead of the rest.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use mareva_codec::{Decoded, Decoder, Record, Stream, read_decision};
use mareva_model::{DeadLetter, Decision, Digest, Text};
use mareva_monitoring::{Key, key_of};
use mareva_screening::Watchlist;

use crate::config::{Parts, PipelineConfig};
use crate::error::Error;
use crate::screen::Screen;
use crate::slice::{InputRecord, InputSlice};

/// Some records of a slice, and what they gave.
#[derive(Debug)]
pub(crate) struct Part {
    pub records: Range<usize>,
    pub decoded: Decoded,
    /// Of the ids of the rows.
    pub keys: Vec<Key>,
    /// See [`Screen::clear`].
    pub clear: Vec<Option<u32>>,
}

/// A decision, or why it is none.
pub(crate) type ReadDecision = Result<Decision, Box<DeadLetter>>;

/// Decodes the records of a slice and hands them to `take`: together, or in parts where they are too much for one batch.
///
/// # Errors
/// [`Error::Topic`] for a record of a topic that is not an input.
fn in_parts(
    decoder: &mut Decoder,
    config: &PipelineConfig,
    records: &[InputRecord],
    mut take: impl FnMut(Range<usize>, Decoded),
) -> Result<Vec<(usize, ReadDecision)>, Error> {
    let mut from = 0;
    let mut decisions = Vec::new();
    let mut topic_before: Option<(&str, Option<Stream>)> = None;
    for (number, record) in records.iter().enumerate() {
        let topic = record.topic.as_ref();
        let stream = match topic_before.filter(|(before, _)| *before == topic) {
            Some((_, stream)) => stream,
            None if config.decisions.topics.contains(topic) => None,
            None => Some(*config.streams.get(topic).ok_or_else(|| Error::Topic { topic: topic.to_owned() })?),
        };
        topic_before = Some((topic, stream));
        let (partition, offset, append_time) = (record.partition, record.offset, record.append_time);
        let record = Record { topic, partition, offset, append_time, payload: &record.payload };
        match stream {
            Some(stream) => decoder.decode(stream, record),
            None => decisions.push((number, read_decision(record, &config.decisions.approvers))),
        }
        if decoder.is_full() {
            take(from..number + 1, decoder.finish());
            from = number + 1;
        }
    }
    // A slice without records has a part too: its tick counts.
    if from < records.len() || records.is_empty() {
        take(from..records.len(), decoder.finish());
    }
    Ok(decisions)
}

/// Decodes slices, in any order and anywhere: what it gives depends on the slice alone.
#[derive(Debug)]
pub struct SliceDecoder {
    decoder: Decoder,
    screen: Screen,
    config: Arc<PipelineConfig>,
    lists: ListsInForce,
}

/// The lists in force, for whoever decodes ahead. What was noted under others is not used.
pub(crate) type ListsInForce = Arc<Mutex<Arc<Watchlist>>>;

/// What the records of a slice hold: see [`SliceDecoder`].
#[derive(Debug)]
pub struct DecodedSlice {
    pub(crate) parts: Vec<Part>,
    /// Each with the number of its record, in order.
    pub(crate) decisions: Vec<(usize, ReadDecision)>,
    /// The lists that say which rows are clear.
    lists: Digest,
}

impl DecodedSlice {
    /// Forgets which rows are clear where other lists are in force than those that said so.
    pub(crate) fn under(mut self, lists: Digest) -> Self {
        if self.lists != lists {
            self.parts.iter_mut().for_each(|part| part.clear.fill(None));
        }
        self
    }
}

impl SliceDecoder {
    pub(crate) fn new(parts: &Parts, lists: ListsInForce) -> Self {
        Self {
            lists,
            decoder: Decoder::new(parts.config.limits.clone()),
            screen: Screen::new(parts.watchlist.clone()),
            config: parts.config.clone(),
        }
    }

    /// Decodes the records of a slice.
    ///
    /// # Errors
    /// [`Error::Topic`] for a record of a topic that is not an input.
    pub fn decode(&mut self, slice: &InputSlice) -> Result<DecodedSlice, Error> {
        let mut parts = Vec::new();
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.screen.go_by(&lists);
        let decisions = in_parts(&mut self.decoder, &self.config, &slice.records, |records, decoded| {
            let keys = decoded.batch.text(Text::RowId).iter().flatten().map(key_of).collect();
            let clear = self.screen.clear(&decoded.batch, &decoded.parties);
            parts.push(Part { records, decoded, keys, clear });
        })?;
        Ok(DecodedSlice { parts, decisions, lists: lists.epoch() })
    }
}
