//! Every party of every transaction against the lists.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use mareva_codec::{ExtraParty, PartyText};
use mareva_model::identifier::{Identifier, recognise_in_text};
use mareva_model::{DeadLetter, Hit, PartyRole, SourcePosition, Text, TransactionBatch};
use mareva_screening::{Match, Scratch, Support, Watchlist, strongest};

use crate::prepare::position;
use crate::slice::{Counts, InOrder};

/// The lists and the room to match against them.
#[derive(Debug)]
pub(crate) struct Screen {
    watchlist: Arc<Watchlist>,
    scratch: Scratch,
    matches: Vec<Match>,
    identifiers: Vec<Identifier>,
    /// Entry ids of the hits of the last batch.
    entries: Vec<String>,
    confirmed: u64,
}

/// Numbers of the strongest entries that originator and beneficiary met, for [`Screen::entry_id`].
pub(crate) type Strongest = (Option<usize>, Option<usize>);

/// Identifier columns that are screened beside the two parties.
const IDENTIFIERS: [(Text, PartyRole); 4] = [
    (Text::OriginatorAgent, PartyRole::OriginatorAgent),
    (Text::BeneficiaryAgent, PartyRole::BeneficiaryAgent),
    (Text::AssetContract, PartyRole::AssetContract),
    (Text::LinkedAccount, PartyRole::LinkedAccount),
];

/// Columns that name a party.
pub(crate) const SCREENED: [Text; 9] = [
    Text::Originator,
    Text::Beneficiary,
    Text::OriginatorName,
    Text::BeneficiaryName,
    Text::OriginatorAgent,
    Text::BeneficiaryAgent,
    Text::AssetContract,
    Text::LinkedAccount,
    Text::Remittance,
];

/// Whether and as what a row is screened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screened {
    /// As the accepted transaction of its id.
    Accepted,
    /// Under an id of its own: another transaction may be accepted under the id that it gives.
    Apart,
    /// Likewise, at its append time: its own time is not to be trusted.
    AtAppend,
    /// Not again.
    Not,
}

/// An id for what was not accepted.
fn id_apart(at: &SourcePosition) -> String {
    format!("dead:{}/{}/{}/{}", at.topic, at.partition, at.offset, at.index)
}

/// What is screened for one transaction.
struct Subject<'a> {
    row_id: &'a str,
    event_time: i64,
    position: &'a dyn Fn() -> SourcePosition,
}

impl Screen {
    pub fn new(watchlist: Arc<Watchlist>) -> Self {
        Self {
            watchlist,
            scratch: Scratch::new(),
            matches: Vec::new(),
            identifiers: Vec::new(),
            entries: Vec::new(),
            confirmed: 0,
        }
    }

    /// Id of the entry behind a number given by [`Screen::rows`].
    pub fn entry_id(&self, hit: usize) -> &str {
        self.entries.get(hit).map_or("", String::as_str)
    }

    /// Screens the wanted rows of a batch. Returns the hits, and for each row the number of the strongest entry that its
    /// originator and its beneficiary met.
    pub fn rows(
        &mut self,
        batch: &TransactionBatch,
        parties: &[ExtraParty],
        wanted: &[Screened],
    ) -> (Vec<Hit>, Vec<Strongest>) {
        self.entries.clear();
        let mut hits = Vec::new();
        let mut strongest = vec![(None, None); batch.len()];
        let (ids, times) = (batch.text(Text::RowId), batch.event_time());
        let mut extra = parties.iter().peekable();
        for row in 0..batch.len() {
            let place = || position(batch, row);
            let apart = match wanted[row] {
                Screened::Apart | Screened::AtAppend => Some(id_apart(&place())),
                Screened::Accepted | Screened::Not => None,
            };
            let event_time = match wanted[row] {
                Screened::AtAppend => batch.append_time().value(row),
                _ => times.value(row),
            };
            let row_id = apart.as_deref().unwrap_or_else(|| ids.value(row));
            let subject = Subject { row_id, event_time, position: &place };
            let mut rest = Vec::new();
            while let Some(party) = extra.next_if(|party| party.row as usize <= row) {
                rest.push(party);
            }
            if wanted[row] == Screened::Not {
                continue;
            }
            strongest[row].0 = self.party(batch, row, true, &subject, &mut hits);
            strongest[row].1 = self.party(batch, row, false, &subject, &mut hits);
            for (text, role) in IDENTIFIERS {
                if let Some(identifier) = value(batch.text(text), row) {
                    self.identifier(identifier, role, &subject, &mut hits);
                }
            }
            if let Some(remittance) = value(batch.text(Text::Remittance), row) {
                self.remittance(remittance, &subject, &mut hits);
            }
            for party in rest {
                self.text(&party.text, party.role, &subject, &mut hits);
            }
        }
        (hits, strongest)
    }

    /// Screens what could be read of dead letters.
    pub fn dead_letters(
        &mut self,
        letters: &[DeadLetter],
        parties: &[(usize, PartyRole, PartyText)],
        mut records: InOrder<'_>,
    ) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (letter, role, text) in parties {
            let Some(letter) = letters.get(*letter) else { continue };
            let at = &letter.position;
            let row_id = id_apart(at);
            let Some(record) = records.find(at) else { continue };
            let event_time = record.append_time;
            let place = || at.clone();
            self.text(text, *role, &Subject { row_id: &row_id, event_time, position: &place }, &mut hits);
        }
        hits
    }

    /// Adds what screening did since the last call.
    pub fn count(&mut self, counts: &mut Counts) {
        let stats = self.scratch.take_stats();
        counts.probes += stats.identifiers + stats.names;
        counts.filter_hits += stats.lists.iter().map(|list| list.filter_hits).sum::<u64>();
        counts.confirmed_hits += std::mem::take(&mut self.confirmed);
    }

    /// Screens account and name of one side; returns the number of its strongest entry.
    fn party(
        &mut self,
        batch: &TransactionBatch,
        row: usize,
        pays: bool,
        subject: &Subject<'_>,
        hits: &mut Vec<Hit>,
    ) -> Option<usize> {
        let (role, account, name, birth, country) = if pays {
            let texts = (Text::Originator, Text::OriginatorName, Text::OriginatorBirthDate, Text::OriginatorCountry);
            (PartyRole::Originator, texts.0, texts.1, texts.2, texts.3)
        } else {
            let texts =
                (Text::Beneficiary, Text::BeneficiaryName, Text::BeneficiaryBirthDate, Text::BeneficiaryCountry);
            (PartyRole::Beneficiary, texts.0, texts.1, texts.2, texts.3)
        };
        if let Some(account) = value(batch.text(account), row) {
            self.watchlist.screen_identifier(account, subject.event_time, &mut self.scratch, &mut self.matches);
        }
        if let Some(name) = value(batch.text(name), row) {
            let support =
                Support { birth_date: value(batch.text(birth), row), country: value(batch.text(country), row) };
            self.watchlist.screen_name(name, &support, subject.event_time, &mut self.scratch, &mut self.matches);
        }
        let best = strongest(&self.matches).map(|best| best.entry.id.clone());
        self.take(role, subject, hits);
        best.map(|id| {
            self.entries.push(id);
            self.entries.len() - 1
        })
    }

    fn identifier(&mut self, identifier: &str, role: PartyRole, subject: &Subject<'_>, hits: &mut Vec<Hit>) {
        self.watchlist.screen_identifier(identifier, subject.event_time, &mut self.scratch, &mut self.matches);
        self.take(role, subject, hits);
    }

    fn text(&mut self, text: &PartyText, role: PartyRole, subject: &Subject<'_>, hits: &mut Vec<Hit>) {
        match text {
            PartyText::Identifier(identifier) => self.identifier(identifier, role, subject, hits),
            PartyText::Name(name) => {
                let support = Support::default();
                self.watchlist.screen_name(name, &support, subject.event_time, &mut self.scratch, &mut self.matches);
                self.take(role, subject, hits);
            }
        }
    }

    fn remittance(&mut self, text: &str, subject: &Subject<'_>, hits: &mut Vec<Hit>) {
        let mut found = std::mem::take(&mut self.identifiers);
        recognise_in_text(text, &mut found);
        for identifier in found.drain(..) {
            self.identifier(&identifier.canonical, PartyRole::Remittance, subject, hits);
        }
        self.identifiers = found;
    }

    fn take(&mut self, role: PartyRole, subject: &Subject<'_>, hits: &mut Vec<Hit>) {
        for found in self.matches.drain(..) {
            self.confirmed += 1;
            hits.push(Hit {
                row_id: subject.row_id.to_owned(),
                event_time: subject.event_time,
                position: (subject.position)(),
                role,
                matched: found.matched,
                list: found.list,
                entry: found.entry,
            });
        }
    }
}

fn value(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}
