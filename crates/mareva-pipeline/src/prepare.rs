//! The first half of the path: bytes → rows, verdicts on time and repetition, reference amounts, hits.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, BooleanBuilder, Decimal128Array, Decimal128Builder, RecordBatch, StringArray,
};
use arrow::compute::filter_record_batch;
use mareva_codec::Decoded;
use mareva_model::{
    DeadLetter, Hit, Prepared as Column, Reason, SourcePosition, Text, TextColumn, TransactionBatch, column, namesakes,
    prepared_schema,
};
use mareva_monitoring::{Key, KeyBuild, RetainedRows, RowNumber, key_of};

use crate::config::{Parts, PipelineConfig};
use crate::decoding::{DecodedSlice, Part};
use crate::error::Error;
use crate::history::History;
use crate::low_time::LowTime;
use crate::pipeline::Decided;
use crate::screen::{Screen, Strongest};
use crate::slice::{Counts, Digests, InOrder, InputRecord, InputSlice, LateRow};
use crate::verdict::{Told, Verdict, told};

/// A slice, prepared: what is accepted, what is not, and what was found on lists.
#[derive(Debug)]
pub struct Prepared {
    /// Accepted rows with all columns that rules see: one batch, or several where one could not hold all texts.
    pub batches: Vec<TransactionBatch>,
    /// Hits of accepted, late and dead-lettered transactions.
    pub hits: Vec<Hit>,
    /// Too late for the rules.
    pub late: Vec<LateRow>,
    /// Refused.
    pub dead_letters: Vec<DeadLetter>,
    /// Counts so far.
    pub counts: Counts,
    /// Low time after the slice.
    pub low_time: Option<i64>,
}

/// Rows of the slice that are accepted, by identity: batch and row.
type Accepted = HashMap<Key, (usize, usize), KeyBuild>;

pub(crate) struct Preparer<'a> {
    pub parts: &'a Parts,
    pub screen: &'a mut Screen,
    pub low_time: &'a mut LowTime,
    pub retained: &'a RetainedRows,
    pub history: History,
}

impl Preparer<'_> {
    pub fn prepare(mut self, decoded: DecodedSlice, slice: &InputSlice, decided: Decided) -> Result<Prepared, Error> {
        let refused = decided.refused.len() as u64;
        let counts = Counts {
            records: slice.records.len() as u64,
            produced: refused,
            dead_lettered: refused,
            decisions: decided.taken,
            ..Counts::default()
        };
        let mut prepared = Prepared {
            batches: Vec::new(),
            hits: Vec::new(),
            late: Vec::new(),
            dead_letters: decided.refused,
            counts,
            low_time: self.low_time.get(),
        };
        let mut known = Accepted::with_capacity_and_hasher(slice.records.len(), KeyBuild::default());
        for part in decoded.parts {
            self.part(&slice.records[part.records.clone()], part, slice.tick, &mut known, &mut prepared)?;
        }
        self.screen.count(&mut prepared.counts);
        prepared.low_time = self.low_time.advance(slice.tick, self.parts.config.idle_after_ms);
        Ok(prepared)
    }

    /// Takes what was decoded of these records. `prepared.low_time` is still that before the slice.
    fn part(
        &mut self,
        records: &[InputRecord],
        part: Part,
        tick: i64,
        known: &mut Accepted,
        prepared: &mut Prepared,
    ) -> Result<(), Error> {
        let Part { decoded, keys, clear, .. } = part;
        let Decoded { batch, places, mut dead_letters, dead_letter_parties, parties } = decoded;
        let counts = &mut prepared.counts;
        counts.produced += batch.len() as u64 + dead_letters.len() as u64;
        prepared.hits.extend(self.screen.dead_letters(&dead_letters, &dead_letter_parties, InOrder(records)));
        let (verdicts, renamed) = self.verdicts((&batch, keys), prepared.low_time, known, &prepared.batches);
        let batch = if renamed.is_empty() { batch } else { rename(batch, &renamed)? };
        let late = late_rows(&batch, &verdicts, prepared.low_time);
        let mut digests = Digests::new(records);
        for (row, verdict) in verdicts.iter().enumerate() {
            if let Some(refusal) = verdict.refusal() {
                dead_letters.push(refused(&mut digests, position(&batch, row), refusal, &places[row]));
            }
        }
        let (mut found, strongest) = self.screen.rows(&batch, &parties, (&verdicts, &clear), records);
        for party in found.iter_mut().filter_map(|hit| hit.apart.as_mut()) {
            let known = self.parts.accounts.find(&party.account);
            party.customer = known.and_then(|known| known.customer).map(str::to_owned);
            party.role = known.and_then(|known| known.role).map(str::to_owned);
        }
        prepared.hits.extend(found);
        let columns = self.columns(&batch, &strongest, &verdicts, counts)?;
        let keep: BooleanArray = verdicts.iter().map(|v| Some(*v == Verdict::Accepted)).collect();
        let accepted = if keep.true_count() == batch.len() { columns } else { filter_record_batch(&columns, &keep)? };
        let accepted = TransactionBatch::try_new(accepted).map_err(|_| Error::Schema)?;
        self.note_times(&accepted, tick);
        counts.accepted += accepted.len() as u64;
        counts.namesakes += renamed.len() as u64;
        counts.repeated += verdicts.iter().filter(|verdict| verdict.is_repeated()).count() as u64;
        counts.late += late.len() as u64;
        counts.dead_lettered += dead_letters.len() as u64;
        if accepted.len() < batch.len() {
            let ids = accepted.text(Text::RowId);
            known.extend((0..accepted.len()).map(|row| (key_of(ids.value(row)), (prepared.batches.len(), row))));
        }
        prepared.batches.push(accepted);
        prepared.late.extend(late);
        prepared.dead_letters.extend(dead_letters);
        Ok(())
    }

    fn note_times(&mut self, accepted: &TransactionBatch, tick: i64) {
        let (topics, partitions, times) = (accepted.text(Text::Topic), accepted.partition(), accepted.event_time());
        let mut row = 0;
        while row < accepted.len() {
            // Records of one partition come together: one look-up for each run.
            let (topic, partition) = (topics.value(row), partitions.value(row));
            let mut highest = times.value(row);
            row += 1;
            while row < accepted.len() && partitions.value(row) == partition && topics.value(row) == topic {
                highest = highest.max(times.value(row));
                row += 1;
            }
            self.low_time.note(topic, partition, highest, tick);
        }
    }

    /// Notes the accepted rows in `known` by their place in `batch`, which comes after the `before` ones. Returns the
    /// identities of those that are not accepted under the one they came with, too.
    fn verdicts(
        &self,
        (batch, keys): (&TransactionBatch, Vec<Key>),
        low: Option<i64>,
        known: &mut Accepted,
        before: &[TransactionBatch],
    ) -> (Vec<Verdict>, Renamed) {
        let config = &self.parts.config;
        let (times, append, ids) = (batch.event_time(), batch.append_time(), batch.text(Text::RowId));
        let mut verdicts = Vec::with_capacity(batch.len());
        let mut renamed = Renamed::new();
        let retained = self.retained.find_all(ids, &keys);
        for (row, (key, retained)) in keys.into_iter().zip(retained).enumerate() {
            let (time, id) = (times.value(row), ids.value(row));
            let verdict = if is_ahead(time, append.value(row), config) {
                Verdict::Ahead
            } else if low.is_some_and(|low| time < low.saturating_sub(config.allowed_lateness_ms)) {
                Verdict::Late
            } else {
                let told = |key, retained| self.told((batch, row), (key, retained), known, before);
                match told(key, retained) {
                    None => {
                        known.insert(key, (before.len(), row));
                        Verdict::Accepted
                    }
                    Some(Told::Again(verdict)) => verdict,
                    Some(first) => {
                        let named = |id: &str| told(key_of(id), self.retained.find(id));
                        let (verdict, own) = among_namesakes(id, first, named);
                        if let Some(own) = own {
                            known.insert(key_of(&own), (before.len(), row));
                            renamed.push((row, own));
                        }
                        verdict
                    }
                }
            };
            verdicts.push(verdict);
        }
        (verdicts, renamed)
    }

    /// What a row tells beside the accepted one with this identity, if there is one: a retained one, or one of the slice.
    fn told(
        &self,
        (batch, row): (&TransactionBatch, usize),
        (key, retained): (Key, Option<RowNumber>),
        known: &Accepted,
        before: &[TransactionBatch],
    ) -> Option<Told> {
        if let Some((number, first)) = retained.and_then(|n| Some((n, self.retained.transaction(n)?))) {
            let (other, index) = first.place();
            let told = told(batch, row, other, index);
            return Some(if self.history.holds(number) { told.of_history() } else { told });
        }
        let (number, index) = known.get(&key)?;
        Some(told(batch, row, before.get(*number).unwrap_or(batch), *index))
    }

    fn columns(
        &self,
        batch: &TransactionBatch,
        strongest: &[Strongest],
        verdicts: &[Verdict],
        counts: &mut Counts,
    ) -> Result<RecordBatch, Error> {
        let rows = batch.len();
        let reference = |amounts: &Decimal128Array| self.reference(batch, amounts);
        let wire = batch.batch();
        let balance = |column| wire.column(column).as_any().downcast_ref::<Decimal128Array>().ok_or(Error::Schema);
        let amount_ref = reference(batch.amount())?;
        let missing = |row: &usize| amount_ref.is_null(*row) && verdicts[*row] == Verdict::Accepted;
        counts.without_reference += (0..rows).filter(missing).count() as u64;
        let mut columns = wire.columns().to_vec();
        columns.push(amount_ref);
        columns.push(reference(balance(column::ORIGINATOR_BALANCE)?)?);
        columns.push(reference(balance(column::BENEFICIARY_BALANCE)?)?);
        let mut hits = [TextColumn::default(), TextColumn::default()];
        for (originator, beneficiary) in strongest {
            hits[0].append(originator.map(|hit| self.screen.entry_id(hit)));
            hits[1].append(beneficiary.map(|hit| self.screen.entry_id(hit)));
        }
        columns.extend(hits.into_iter().map(|mut column| column.finish()));
        columns.extend(self.account_columns(batch));
        columns[wire.num_columns()..].iter_mut().for_each(Array::shrink_to_fit);
        debug_assert_eq!(columns.len(), column::prepared(Column::BeneficiaryIsVasp as usize) + 1);
        Ok(RecordBatch::try_new(prepared_schema(), columns)?)
    }

    fn reference(&self, batch: &TransactionBatch, amounts: &Decimal128Array) -> Result<ArrayRef, Error> {
        let (currencies, times) = (batch.text(Text::Currency), batch.event_time());
        let mut builder = Decimal128Builder::with_capacity(batch.len());
        for row in 0..batch.len() {
            let converted = amounts
                .is_valid(row)
                .then(|| self.parts.rates.to_reference(amounts.value(row), currencies.value(row), times.value(row)));
            builder.append_option(converted.flatten().map(|amount| i128::from(amount.0)));
        }
        Ok(Arc::new(builder.finish().with_precision_and_scale(38, 2)?))
    }

    /// Role, segment and customer of both parties, then whether each is a VASP.
    fn account_columns(&self, batch: &TransactionBatch) -> Vec<ArrayRef> {
        let mut texts: [TextColumn; 6] = Default::default();
        let mut vasps = [BooleanBuilder::with_capacity(batch.len()), BooleanBuilder::with_capacity(batch.len())];
        let is_vasp = |a: &str| a.starts_with("exch:") || self.parts.vasps.contains(a);
        for (side, accounts) in [batch.text(Text::Originator), batch.text(Text::Beneficiary)].into_iter().enumerate() {
            for (account, known) in accounts.iter().zip(self.parts.accounts.find_all(accounts)) {
                let told = [known.and_then(|k| k.role), known.and_then(|k| k.segment), known.and_then(|k| k.customer)];
                for (place, text) in told.into_iter().enumerate() {
                    texts[place * 2 + side].append(text);
                }
                vasps[side].append_option(account.map(is_vasp));
            }
        }
        let texts = texts.into_iter().map(|mut column| column.finish());
        texts.chain(vasps.into_iter().map(|mut b| Arc::new(b.finish()) as ArrayRef)).collect()
    }
}

/// Rows that are accepted under another identity than they came with, and that.
type Renamed = Vec<(usize, String)>;

/// What a row is that tells `first` beside the accepted one of its id, and the identity that it gets where it is another
/// payment. Its own source's word decides, then the first payment that it may be a witness of.
fn among_namesakes(id: &str, first: Told, told: impl Fn(&str) -> Option<Told>) -> (Verdict, Option<String>) {
    let mut witness = None;
    let mut note = |told: Told| match told {
        Told::Too(verdict) => _ = witness.get_or_insert(verdict),
        Told::Again(_) | Told::Another => {}
    };
    note(first);
    for other in namesakes(id) {
        match told(&other) {
            None => return witness.map_or((Verdict::Accepted, Some(other)), |verdict| (verdict, None)),
            Some(Told::Again(verdict)) => return (verdict, None),
            Some(told) => note(told),
        }
    }
    (witness.unwrap_or(Verdict::Crowded), None)
}

/// The batch with these identities.
fn rename(batch: TransactionBatch, renamed: &Renamed) -> Result<TransactionBatch, Error> {
    let batch = batch.into_batch();
    let mut columns = batch.columns().to_vec();
    let ids = columns.get_mut(column::text(Text::RowId)).ok_or(Error::Schema)?;
    let came = ids.as_any().downcast_ref::<StringArray>().ok_or(Error::Schema)?;
    let mut own = renamed.iter().peekable();
    let names = came.iter().enumerate().map(|(row, came)| match own.next_if(|(renamed, _)| *renamed == row) {
        Some((_, name)) => Some(name.as_str()),
        None => came,
    });
    let names: StringArray = names.collect();
    *ids = Arc::new(names);
    TransactionBatch::try_new(RecordBatch::try_new(batch.schema(), columns)?).map_err(|_| Error::Schema)
}

/// Whether a time is too far ahead of the broker's.
pub(crate) fn is_ahead(time: i64, append_time: i64, config: &PipelineConfig) -> bool {
    time > append_time.saturating_add(config.max_ahead_ms)
}

/// Where a row was read.
pub(crate) fn position(batch: &TransactionBatch, row: usize) -> SourcePosition {
    SourcePosition {
        topic: batch.text(Text::Topic).value(row).to_owned(),
        partition: batch.partition().value(row),
        offset: batch.offset().value(row),
        index: batch.index().value(row),
    }
}

fn late_rows(batch: &TransactionBatch, verdicts: &[Verdict], low: Option<i64>) -> Vec<LateRow> {
    let late = verdicts.iter().enumerate().filter(|(_, v)| **v == Verdict::Late);
    late.map(|(row, _)| LateRow {
        position: position(batch, row),
        row_id: batch.text(Text::RowId).value(row).to_owned(),
        event_time: batch.event_time().value(row),
        low_time: low.unwrap_or_default(),
    })
    .collect()
}

/// The dead letter of a transaction that decoded.
fn refused(
    records: &mut Digests<'_>,
    position: SourcePosition,
    (reason, detail): (Reason, &str),
    place: &Range<u32>,
) -> DeadLetter {
    let Some((record, payload_digest)) = records.find(&position) else {
        return DeadLetter::new(position, reason, detail, &[]);
    };
    let kept = record.payload.get(place.start as usize..place.end as usize).unwrap_or_default();
    let letter = DeadLetter::new(position, reason, detail, kept);
    DeadLetter { payload_digest, payload_length: record.payload.len(), ..letter }
}
