//! Bytes → rows: the part of the path that needs nothing but the slice, so that it can be done ahead of the rest.

use std::collections::BTreeMap;
use std::ops::Range;

use mareva_codec::{Decoded, Decoder, Record, Stream};

use crate::config::PipelineConfig;
use crate::error::Error;
use crate::slice::{InputRecord, InputSlice};

/// Which records of the slice, and what they gave.
pub(crate) type Part = (Range<usize>, Decoded);

/// Decodes the records of a slice and hands them to `take`: together, or in parts where they are too much for one batch.
///
/// # Errors
/// [`Error::Topic`] for a record of a topic that is not an input, and those of `take`.
fn in_parts(
    decoder: &mut Decoder,
    streams: &BTreeMap<String, Stream>,
    records: &[InputRecord],
    mut take: impl FnMut(Part) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut from = 0;
    let mut topic_before: Option<(&str, Stream)> = None;
    for (number, record) in records.iter().enumerate() {
        let topic = record.topic.as_ref();
        let stream = match topic_before.filter(|(before, _)| *before == topic) {
            Some((_, stream)) => stream,
            None => *streams.get(topic).ok_or_else(|| Error::Topic { topic: topic.to_owned() })?,
        };
        topic_before = Some((topic, stream));
        let (partition, offset, append_time) = (record.partition, record.offset, record.append_time);
        decoder.decode(stream, Record { topic, partition, offset, append_time, payload: &record.payload });
        if decoder.is_full() {
            take((from..number + 1, decoder.finish()))?;
            from = number + 1;
        }
    }
    // A slice without records has a part too: its tick counts.
    if from < records.len() || records.is_empty() {
        take((from..records.len(), decoder.finish()))?;
    }
    Ok(())
}

/// Decodes slices, in any order and anywhere: what it gives depends on the slice alone.
#[derive(Debug)]
pub struct SliceDecoder {
    decoder: Decoder,
    streams: BTreeMap<String, Stream>,
}

/// What the records of a slice hold: see [`SliceDecoder`].
#[derive(Debug)]
pub struct DecodedSlice(pub(crate) Vec<Part>);

impl SliceDecoder {
    pub(crate) fn new(config: &PipelineConfig) -> Self {
        Self { decoder: Decoder::new(config.limits.clone()), streams: config.streams.clone() }
    }

    /// Decodes the records of a slice.
    ///
    /// # Errors
    /// [`Error::Topic`] for a record of a topic that is not an input.
    pub fn decode(&mut self, slice: &InputSlice) -> Result<DecodedSlice, Error> {
        let mut parts = Vec::new();
        in_parts(&mut self.decoder, &self.streams, &slice.records, |part| {
            parts.push(part);
            Ok(())
        })?;
        Ok(DecodedSlice(parts))
    }
}
