//! Files merged by event time into slices, each file in its own order. One line of each file and one slice are in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use mareva_model::{Digest, Refusal};
use mareva_pipeline::{InputRecord, InputSlice};

use super::peek::peek_time;
use crate::config::Config;
use crate::open::unreadable;

/// Records in a slice.
const SLICE_RECORDS: usize = 4_096;
/// Payload bytes in a slice; one record may be larger.
const SLICE_BYTES: usize = 8 << 20;
/// Bytes of a line that are kept, far above any record that is accepted: the rest of a longer one is passed over, and the
/// record ends as a dead letter because of its size.
const MAX_LINE: u64 = 16 << 20;
/// Bytes read from a file at a time.
const BUFFER: usize = 1 << 18;

/// What is the same for all records of a replay. Times in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Start of the replay: append time of every record, and the tick.
    pub started: i64,
    /// How far beyond it a time may be.
    pub max_ahead_ms: i64,
    /// After this long without a record a partition no longer holds low time.
    pub idle_after_ms: i64,
    /// Epoch of the pipeline.
    pub epoch: Digest,
}

impl Frame {
    /// The frame of a replay that starts now.
    ///
    /// # Errors
    /// When the clock stands before 1970.
    pub fn now(config: &Config, epoch: Digest) -> Result<Self> {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970; set it")?;
        Ok(Self {
            started: i64::try_from(started.as_millis())?,
            max_ahead_ms: config.semantics.max_ahead.ms(),
            idle_after_ms: config.semantics.idle_after.ms(),
            epoch,
        })
    }
}

/// Several files as one input.
pub struct Merge {
    sources: Vec<Source>,
    frame: Frame,
    tick: i64,
    seq: u64,
    joined: Vec<(Arc<str>, i32)>,
    bytes: u64,
    finished: bool,
}

struct Source {
    reader: BufReader<File>,
    topic: Arc<str>,
    partition: i32,
    /// Number of the next line, from 0.
    line: i64,
    head: Option<Head>,
}

struct Head {
    /// Where the record belongs; none where it goes right away.
    time: Option<i64>,
    record: InputRecord,
    bytes: u64,
}

impl Merge {
    /// Files of records of both streams, each file a partition, replayed from now on.
    ///
    /// # Errors
    /// As [`Merge::open`], and when the clock stands before 1970.
    pub fn of_streams(config: &Config, bank: &[PathBuf], exchange: &[PathBuf], epoch: Digest) -> Result<Self> {
        let bank = (0..).zip(bank).map(|(partition, path)| (config.bank_topic(), partition, path.as_path()));
        let exchange = (0..).zip(exchange);
        let exchange = exchange.map(|(partition, path)| (config.exchange_topic(), partition, path.as_path()));
        Ok(Self::open(bank.chain(exchange), Frame::now(config, epoch)?)?)
    }

    /// Opens files; each stands for a partition of its topic.
    ///
    /// # Errors
    /// Every file that cannot be read.
    pub fn open<'p>(files: impl IntoIterator<Item = (&'p str, i32, &'p Path)>, frame: Frame) -> Result<Self, Refusal> {
        let mut faults = Refusal::default();
        let mut sources = Vec::new();
        for (topic, partition, path) in files {
            let opened = File::open(path).and_then(|file| {
                let mut source = Source {
                    reader: BufReader::with_capacity(BUFFER, file),
                    topic: topic.into(),
                    partition,
                    line: 0,
                    head: None,
                };
                source.advance(&frame)?;
                Ok(source)
            });
            match opened {
                Ok(source) => sources.push(source),
                Err(error) => faults.0.extend(unreadable(path, &error).0),
            }
        }
        faults.into_result()?;
        // An empty file must not hold low time.
        let joined = sources.iter().filter(|source| source.head.is_some());
        let joined = joined.map(|source| (source.topic.clone(), source.partition)).collect();
        Ok(Self { sources, frame, tick: frame.started, seq: 0, joined, bytes: 0, finished: false })
    }

    /// Bytes of the files that are in slices.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next slice; the last one, which may be empty, ends the input.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn next_slice(&mut self) -> io::Result<Option<InputSlice>> {
        if self.finished {
            return Ok(None);
        }
        self.seq += 1;
        let tick = self.tick;
        let mut records = Vec::with_capacity(SLICE_RECORDS);
        let mut payload = 0;
        while records.len() < SLICE_RECORDS && payload < SLICE_BYTES {
            let frame = self.frame;
            let Some(source) = self.first() else { break };
            let Some(head) = source.head.take() else { break };
            source.advance(&frame)?;
            let ended = source.head.is_none();
            payload += head.record.payload.len();
            self.bytes += head.bytes;
            records.push(head.record);
            if ended {
                // From the next slice on this file counts as idle, so that it does not hold low time for the others.
                self.tick += self.frame.idle_after_ms + 1;
                break;
            }
        }
        self.finished = self.sources.iter().all(|source| source.head.is_none());
        Ok(Some(InputSlice {
            seq: self.seq,
            records,
            tick,
            end: self.finished,
            joined: std::mem::take(&mut self.joined),
            epoch: self.frame.epoch,
        }))
    }

    /// The file whose next record is the earliest; one whose record has no time comes before all.
    fn first(&mut self) -> Option<&mut Source> {
        let waiting = self.sources.iter_mut().filter(|source| source.head.is_some());
        waiting.min_by_key(|source| source.head.as_ref().and_then(|head| head.time))
    }
}

impl Source {
    /// Reads the next line that is not blank.
    fn advance(&mut self, frame: &Frame) -> io::Result<()> {
        let mut bytes = 0;
        loop {
            let mut payload = Vec::new();
            let mut read = (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut payload)? as u64;
            if read == 0 {
                self.head = None;
                return Ok(());
            }
            if read == MAX_LINE && payload.last() != Some(&b'\n') {
                read += self.reader.skip_until(b'\n')? as u64;
            }
            bytes += read;
            let offset = self.line;
            self.line += 1;
            while payload.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                payload.pop();
            }
            if payload.trim_ascii().is_empty() {
                continue;
            }
            // A time too far ahead makes a dead letter: nothing may wait for it.
            let latest = frame.started.saturating_add(frame.max_ahead_ms);
            let time = peek_time(&payload).filter(|time| *time <= latest);
            let record = InputRecord {
                topic: self.topic.clone(),
                partition: self.partition,
                offset,
                append_time: frame.started,
                payload: payload.into(),
            };
            self.head = Some(Head { time, record, bytes });
            return Ok(());
        }
    }
}
