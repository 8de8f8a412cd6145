//! Every party of every transaction against the lists.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use mareva_codec::{ExtraParty, PartyText};
use mareva_model::identifier::{Identifier, recognise_in_text};
use mareva_model::{APART, DeadLetter, Digest, Hit, PartyApart, PartyRole, SourcePosition, Text, TransactionBatch};
use mareva_screening::{Counted, Match, Scratch, Support, Watchlist, strongest};

use crate::decisions::Mules;
use crate::error::Error;
use crate::prepare::position;
use crate::slice::{Counts, Digests, InOrder, InputRecord};
use crate::verdict::Verdict;

/// The lists and the room to match against them.
#[derive(Debug)]
pub(crate) struct Screen {
    watchlist: Arc<Watchlist>,
    mules: Arc<Mules>,
    scratch: Scratch,
    matches: Vec<Match>,
    identifiers: Vec<Identifier>,
    /// Entry ids of the hits of the last batch.
    entries: Vec<String>,
    confirmed: u64,
    /// Probes of accepted rows that are clear.
    cleared: u64,
}

/// Numbers of the strongest entries that originator and beneficiary met, for [`Screen::entry_id`].
pub(crate) type Strongest = (Option<usize>, Option<usize>);

/// Columns of one of the two parties.
struct Side {
    role: PartyRole,
    account: Text,
    name: Text,
    birth_date: Text,
    country: Text,
}

const ORIGINATOR: Side = Side {
    role: PartyRole::Originator,
    account: Text::Originator,
    name: Text::OriginatorName,
    birth_date: Text::OriginatorBirthDate,
    country: Text::OriginatorCountry,
};
const BENEFICIARY: Side = Side {
    role: PartyRole::Beneficiary,
    account: Text::Beneficiary,
    name: Text::BeneficiaryName,
    birth_date: Text::BeneficiaryBirthDate,
    country: Text::BeneficiaryCountry,
};

impl Side {
    /// The name, and what may support it.
    fn person(&self) -> [Text; 3] {
        [self.name, self.birth_date, self.country]
    }
}

/// Identifier columns that are screened beside the two parties.
const IDENTIFIERS: [(Text, PartyRole); 4] = [
    (Text::OriginatorAgent, PartyRole::OriginatorAgent),
    (Text::BeneficiaryAgent, PartyRole::BeneficiaryAgent),
    (Text::AssetContract, PartyRole::AssetContract),
    (Text::LinkedAccount, PartyRole::LinkedAccount),
];

/// Columns of the texts in which identifiers are looked for.
const TEXTS: [Text; 1] = [Text::Remittance];

/// Every column that screening reads; [`Text::OtherParties`] stands for the parties without one.
pub(crate) fn screened() -> impl Iterator<Item = Text> {
    let sides = [ORIGINATOR, BENEFICIARY].into_iter().flat_map(|side| {
        let [name, birth_date, country] = side.person();
        [side.account, name, birth_date, country]
    });
    let identifiers = IDENTIFIERS.into_iter().map(|(column, _)| column);
    sides.chain(identifiers).chain(TEXTS).chain([Text::OtherParties])
}

/// An id for what was not accepted: the same wherever the record stands, so that alerts say the same of it.
fn id_apart(payload: Digest, index: i32) -> String {
    // 128 bits, as for keys.
    let digits = payload.to_string();
    format!("{APART}:{}/{index}", digits.get(..32).unwrap_or_default())
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
            mules: Arc::default(),
            scratch: Scratch::new(),
            matches: Vec::new(),
            identifiers: Vec::new(),
            entries: Vec::new(),
            confirmed: 0,
            cleared: 0,
        }
    }

    /// Screens against these lists from now on.
    pub fn go_by(&mut self, watchlist: &Arc<Watchlist>) {
        if !Arc::ptr_eq(&self.watchlist, watchlist) {
            self.watchlist = watchlist.clone();
        }
    }

    /// One against these accounts and no lists.
    pub fn of_mules(mules: Mules) -> Result<Self, Error> {
        let none = Watchlist::new(Vec::new()).map_err(Error::Lists)?;
        Ok(Self { mules: Arc::new(mules), ..Self::new(Arc::new(none)) })
    }

    /// Screens against these accounts, too, from now on.
    pub fn know_mules(&mut self, mules: Mules) {
        self.mules = Arc::new(mules);
    }

    /// Whether a row is from or to an account that is decided to be a mule's, or linked to one: whoever else it names is not
    /// asked for, since rows that lists find clear are not looked at again.
    fn is_of_mule(&self, batch: &TransactionBatch, row: usize) -> bool {
        let accounts = [ORIGINATOR.account, BENEFICIARY.account, Text::LinkedAccount];
        let knows = |column| value(batch.text(column), row).is_some_and(|account| self.mules.holds(account));
        !self.mules.is_empty() && accounts.into_iter().any(knows)
    }

    /// Screens some rows that were accepted before; each hit with the number of its row.
    pub fn retained(&mut self, batch: &TransactionBatch, rows: impl IntoIterator<Item = usize>) -> Vec<(usize, Hit)> {
        let (mut found, mut hits) = (Vec::new(), Vec::new());
        let (ids, times) = (batch.text(Text::RowId), batch.event_time());
        for row in rows {
            let place = || position(batch, row);
            let subject = Subject { row_id: ids.value(row), event_time: times.value(row), position: &place };
            self.row((batch, row), &[], Verdict::Accepted, &subject, &mut hits);
            if !hits.is_empty() {
                found.extend(hits.drain(..).map(|hit| (row, Hit { look_back: true, ..hit })));
            }
        }
        self.entries.clear();
        found
    }

    /// Id of the entry behind a number given by [`Screen::rows`].
    pub fn entry_id(&self, hit: usize) -> &str {
        self.entries.get(hit).map_or("", String::as_str)
    }

    /// Of each row, how many parties and identifiers of it were probed where no filter let one through: accepted, it has no hits.
    pub fn clear(&mut self, batch: &TransactionBatch, parties: &[ExtraParty]) -> Vec<Option<u32>> {
        let nowhere = || SourcePosition { topic: String::new(), partition: 0, offset: 0, index: 0 };
        let mut hits = Vec::new();
        let clear = own_parties(parties, batch.len()).enumerate().map(|(row, own)| {
            let subject = Subject { row_id: "", event_time: batch.event_time().value(row), position: &nowhere };
            let before = self.scratch.counted();
            self.row((batch, row), own, Verdict::Accepted, &subject, &mut hits);
            let counted = self.scratch.counted();
            (counted.filter_hits == before.filter_hits).then(|| (counted.probes - before.probes) as u32)
        });
        let clear = clear.collect();
        // What they met is looked for again once it is known what becomes of the row.
        self.scratch.take_stats();
        (self.confirmed, self.entries) = (0, Vec::new());
        clear
    }

    /// Screens the rows of a batch, but for accepted ones that are clear: an accepted one under its id, any other under an id of
    /// its own, since another transaction may be accepted under the id that it gives. Returns the hits, and for each row the number
    /// of the strongest entry that its originator and its beneficiary met.
    pub fn rows(
        &mut self,
        batch: &TransactionBatch,
        parties: &[ExtraParty],
        (verdicts, clear): (&[Verdict], &[Option<u32>]),
        records: &[InputRecord],
    ) -> (Vec<Hit>, Vec<Strongest>) {
        self.entries.clear();
        let mut digests = Digests::new(records);
        let mut hits = Vec::new();
        let mut strongest = vec![(None, None); batch.len()];
        let (ids, times) = (batch.text(Text::RowId), batch.event_time());
        let rows = verdicts.iter().zip(clear).zip(own_parties(parties, batch.len())).enumerate();
        for (row, ((verdict, clear), own)) in rows {
            match (verdict, clear) {
                (Verdict::Repeated, _) => continue,
                (Verdict::Accepted, Some(probes)) if !self.is_of_mule(batch, row) => {
                    self.cleared += u64::from(*probes);
                    continue;
                }
                _ => {}
            }
            let place = || position(batch, row);
            let event_time = match verdict {
                // Its own time is not to be trusted.
                Verdict::Ahead => batch.append_time().value(row),
                _ => times.value(row),
            };
            let subject = Subject { row_id: ids.value(row), event_time, position: &place };
            let before = hits.len();
            strongest[row] = self.row((batch, row), own, *verdict, &subject, &mut hits);
            if *verdict != Verdict::Accepted && hits.len() > before {
                let at = place();
                let id = digests.find(&at).map(|(_, payload)| id_apart(payload, at.index)).unwrap_or_default();
                hits.iter_mut().skip(before).for_each(|hit| hit.row_id.clone_from(&id));
            }
            if *verdict != Verdict::Accepted {
                hits.iter_mut().skip(before).for_each(|hit| hit.apart = party_apart(batch, row, hit.role));
            }
        }
        (hits, strongest)
    }

    /// Screens what is to be screened of a row, and its parties without a column.
    fn row(
        &mut self,
        (batch, row): (&TransactionBatch, usize),
        own: &[ExtraParty],
        verdict: Verdict,
        subject: &Subject<'_>,
        hits: &mut Vec<Hit>,
    ) -> Strongest {
        let said = |column: Text| value(batch.text(column), row).filter(|_| verdict.screens(column));
        let originator = self.party((batch, row), &ORIGINATOR, verdict, subject, hits);
        let beneficiary = self.party((batch, row), &BENEFICIARY, verdict, subject, hits);
        for (column, role) in IDENTIFIERS {
            if let Some(identifier) = said(column) {
                if column == Text::LinkedAccount {
                    self.matches.extend(self.mules.find(identifier));
                }
                self.identifier(identifier, role, subject, hits);
            }
        }
        for text in TEXTS.into_iter().filter_map(said) {
            self.remittance(text, subject, hits);
        }
        if verdict.screens(Text::OtherParties) {
            for party in own {
                self.text(&party.text, party.role, subject, hits);
            }
        }
        (originator, beneficiary)
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
            let row_id = id_apart(letter.payload_digest, at.index);
            let Some(record) = records.find(at) else { continue };
            let event_time = record.append_time;
            let place = || at.clone();
            if let PartyText::Identifier(account) = text {
                self.matches.extend(self.mules.find(account));
            }
            self.text(text, *role, &Subject { row_id: &row_id, event_time, position: &place }, &mut hits);
        }
        hits
    }

    /// Adds what screening did since the last call.
    pub fn count(&mut self, counts: &mut Counts) {
        let Counted { probes, filter_hits } = self.scratch.counted();
        self.scratch.take_stats();
        counts.probes += probes + std::mem::take(&mut self.cleared);
        counts.filter_hits += filter_hits;
        counts.confirmed_hits += std::mem::take(&mut self.confirmed);
    }

    /// Screens account and name of one side; returns the number of its strongest entry.
    fn party(
        &mut self,
        (batch, row): (&TransactionBatch, usize),
        side: &Side,
        verdict: Verdict,
        subject: &Subject<'_>,
        hits: &mut Vec<Hit>,
    ) -> Option<usize> {
        let text = |column| value(batch.text(column), row);
        if let Some(account) = text(side.account).filter(|_| verdict.screens(side.account)) {
            self.watchlist.screen_identifier(account, subject.event_time, &mut self.scratch, &mut self.matches);
            self.matches.extend(self.mules.find(account));
        }
        // A known name may have got support that it had not before.
        let person = side.person().into_iter().any(|column| verdict.screens(column));
        if let Some(name) = text(side.name).filter(|_| person) {
            let support = Support { birth_date: text(side.birth_date), country: text(side.country) };
            self.watchlist.screen_name(name, &support, subject.event_time, &mut self.scratch, &mut self.matches);
        }
        let best = strongest(&self.matches).map(|best| best.entry.id.clone());
        self.take(side.role, subject, hits);
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
                apart: None,
                look_back: false,
            });
        }
    }
}

/// The parties without a column, of each of so many rows.
fn own_parties(mut parties: &[ExtraParty], rows: usize) -> impl Iterator<Item = &[ExtraParty]> {
    (0..rows).map(move |row| {
        let (own, later) = parties.split_at(parties.iter().take_while(|party| party.row as usize <= row).count());
        parties = later;
        own
    })
}

/// A party of a row, but for what the accounts table says of it.
fn party_apart(batch: &TransactionBatch, row: usize, role: PartyRole) -> Option<PartyApart> {
    let side = match role {
        PartyRole::Originator => &ORIGINATOR,
        PartyRole::Beneficiary => &BENEFICIARY,
        _ => return None,
    };
    let text = |column| value(batch.text(column), row).map(str::to_owned);
    Some(PartyApart {
        account: text(side.account)?,
        agent: text(if role == PartyRole::Originator { Text::OriginatorAgent } else { Text::BeneficiaryAgent }),
        name: text(side.name),
        country: text(side.country),
        customer: None,
        role: None,
    })
}

fn value(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}
