//! What the formats share: limits on fields, texts that are written rather than borrowed, and the way into the batch.

use std::ops::Range;

use mareva_model::identifier::{Identifier, recognise_in_text};
use mareva_model::{
    APART, DeadLetter, INITIATION, INSTITUTION, NAMESAKE, PartyRole, Reason, SourcePosition, Text,
    TransactionBatchBuilder, TransactionRow, digest,
};

use crate::decoder::{ExtraParty, Limits, PartyText, Record};
use crate::fault::Fault;

/// Begins the source of a message that names its sender by a clearing member id: such ids are numbers or words that a source
/// of the canonical formats may be called, too.
pub(crate) const MEMBER: &str = "member";

/// Begin the row ids of what is no payment.
pub(crate) const RETURN: &str = "return";
pub(crate) const RECALL: &str = "recall";
pub(crate) const INVESTIGATION: &str = "investigation";
pub(crate) const STATUS: &str = "status";
/// Stands where the source of a return does, in that of a rejected payment.
pub(crate) const REJECTED: &str = "rejected";

/// ISO 4217: no currency is involved.
pub(crate) const NO_CURRENCY: &str = "XXX";

/// What no canonical record may give as its source, since a sender could otherwise counterfeit ids: of other formats (a message
/// that does not name its sender has its own name as source), of what was not accepted, and of what has the id of another.
pub(crate) const RESERVED_SOURCES: [&str; 19] = [
    "uetr",
    RETURN,
    REJECTED,
    RECALL,
    INVESTIGATION,
    STATUS,
    INITIATION,
    INSTITUTION,
    "ethereum",
    APART,
    NAMESAKE,
    MEMBER,
    "pacs.008",
    "pacs.009",
    "pacs.004",
    "pacs.002",
    "pain.001",
    "camt.056",
    "camt.110",
];

/// Bytes of the digest of a row's parties: 128 bits, as for keys.
pub(crate) const PRINT_BYTES: usize = 16;

/// Canonical texts of one transaction, kept from record to record so that no field allocates.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) row_id: String,
    pub(crate) source: String,
    pub(crate) originator: String,
    pub(crate) beneficiary: String,
    pub(crate) originator_agent: String,
    pub(crate) beneficiary_agent: String,
    pub(crate) linked_account: String,
    pub(crate) asset_contract: String,
    pub(crate) uetr: String,
    pub(crate) original: String,
    pub(crate) tx_hash: String,
    pub(crate) remittance: String,
    pub(crate) message_name: String,
}

impl Scratch {
    pub(crate) fn clear(&mut self) {
        for text in [
            &mut self.row_id,
            &mut self.source,
            &mut self.originator,
            &mut self.beneficiary,
            &mut self.originator_agent,
            &mut self.beneficiary_agent,
            &mut self.linked_account,
            &mut self.asset_contract,
            &mut self.uetr,
            &mut self.original,
            &mut self.tx_hash,
            &mut self.remittance,
            &mut self.message_name,
        ] {
            text.clear();
        }
    }

    /// Sets the columns of accounts, institutions and ids, as far as they were written.
    pub(crate) fn set<'a>(&'a self, row: &mut TransactionRow<'a>) {
        for (column, text) in [
            (Text::RowId, &self.row_id),
            (Text::Originator, &self.originator),
            (Text::Beneficiary, &self.beneficiary),
            (Text::OriginatorAgent, &self.originator_agent),
            (Text::BeneficiaryAgent, &self.beneficiary_agent),
            (Text::LinkedAccount, &self.linked_account),
            (Text::AssetContract, &self.asset_contract),
            (Text::Uetr, &self.uetr),
            (Text::Original, &self.original),
            (Text::TxHash, &self.tx_hash),
        ] {
            row.set(column, text.as_str());
        }
    }
}

/// Who takes part in a transaction beside the parties that have a column.
pub(crate) type Parties = Vec<(PartyRole, PartyText)>;

/// Everything that decoded so far.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) builder: TransactionBatchBuilder,
    /// Bytes of payload, and of text where it may be more.
    pub(crate) text_bytes: usize,
    /// Bytes of text in the rows of this record.
    pub(crate) expanded: usize,
    pub(crate) places: Vec<Range<u32>>,
    pub(crate) dead_letters: Vec<DeadLetter>,
    pub(crate) dead_letter_parties: Vec<(usize, PartyRole, PartyText)>,
    pub(crate) parties: Vec<ExtraParty>,
    /// What the digest of the parties of a row is of, kept from row to row.
    named: Vec<u8>,
}

impl Collected {
    /// Makes room for a row of a message, which repeats the message's texts; refuses it when the message has used its own.
    pub(crate) fn expand(&mut self, bytes: usize, limits: &Limits) -> Result<(), Fault> {
        let limit = limits.expanded_bytes;
        if bytes > limit.saturating_sub(self.expanded) {
            let detail = format!("repeated in each transaction, the message's texts exceed {limit} bytes; split it");
            return Err(Fault::new(Reason::TooLarge, detail));
        }
        self.expanded += bytes;
        self.text_bytes += bytes;
        Ok(())
    }

    /// Adds a row that was read at `index` of `record`, and its parties without a column, each once.
    pub(crate) fn append<'a>(
        &mut self,
        row: TransactionRow<'a>,
        record: &Record<'a>,
        index: i32,
        mut parties: Parties,
    ) {
        parties.sort_unstable();
        parties.dedup();
        let print = self.print(&parties);
        // No longer than `print`.
        let mut row: TransactionRow<'_> = row;
        row.partition = record.partition;
        row.offset = record.offset;
        row.index = index;
        row.append_time = record.append_time;
        row.set(Text::Topic, record.topic);
        row.set(Text::OtherParties, print.as_str());
        let number = u32::try_from(self.builder.len()).unwrap_or(u32::MAX);
        self.builder.append(&row);
        self.places.push(0..u32::try_from(record.payload.len()).unwrap_or(u32::MAX));
        for (role, text) in parties {
            self.text_bytes += text.as_str().len();
            self.parties.push(ExtraParty { row: number, role, text });
        }
    }

    /// [`Text::OtherParties`] for these; empty where there are none.
    fn print(&mut self, parties: &[(PartyRole, PartyText)]) -> String {
        if parties.is_empty() {
            return String::new();
        }
        self.named.clear();
        for (role, text) in parties {
            let kind = matches!(text, PartyText::Name(_));
            self.named.extend([*role as u8, u8::from(kind)]);
            self.named.extend(text.as_str().bytes());
            // Stands in no text.
            self.named.push(0xff);
        }
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
        let bytes = digest(&self.named).0.into_iter().take(PRINT_BYTES);
        bytes.flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
    }

    /// Says where in its record the row stands that was appended last.
    pub(crate) fn place(&mut self, start: usize, end: usize) {
        // The limit on the bytes of a record is far below.
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        if let Some(last) = self.places.last_mut() {
            *last = short(start)..short(end);
        }
    }

    /// Adds a dead letter and what parties could be read from it.
    pub(crate) fn refuse(&mut self, letter: DeadLetter, parties: impl IntoIterator<Item = (PartyRole, PartyText)>) {
        let number = self.dead_letters.len();
        self.dead_letters.push(letter);
        for (role, text) in parties {
            self.text_bytes += text.as_str().len();
            self.dead_letter_parties.push((number, role, text));
        }
    }
}

/// What a format needs to decode one record.
pub(crate) struct Context<'d, 'r> {
    pub(crate) limits: &'d Limits,
    pub(crate) record: &'d Record<'r>,
    pub(crate) scratch: &'d mut Scratch,
    pub(crate) collected: &'d mut Collected,
}

impl Limits {
    /// The text, unless it is too long for a field.
    pub(crate) fn text<'t>(&self, field: &str, text: Option<&'t str>) -> Result<Option<&'t str>, Fault> {
        match text {
            Some(text) if text.len() > self.field_bytes => Err(Fault::too_long(field, self.field_bytes)),
            text => Ok(text),
        }
    }

    /// The text of a field that must be there and hold more than white space.
    pub(crate) fn required<'t>(&self, field: &str, text: Option<&'t str>) -> Result<&'t str, Fault> {
        self.text(field, text)?.filter(|text| !is_blank(text)).ok_or_else(|| Fault::missing(field))
    }

    /// The text of the field that a column is named after.
    pub(crate) fn column<'t>(&self, column: Text, text: Option<&'t str>) -> Result<Option<&'t str>, Fault> {
        match text {
            Some(text) if text.len() > self.field_bytes => Err(Fault::too_long(column.name(), self.field_bytes)),
            text => Ok(text),
        }
    }

    /// Remittance text, which may be longer.
    pub(crate) fn remittance<'t>(&self, text: Option<&'t str>) -> Result<Option<&'t str>, Fault> {
        match text {
            Some(text) if text.len() > self.remittance_bytes => {
                Err(Fault::too_long("remittance", self.remittance_bytes))
            }
            text => Ok(text),
        }
    }

    /// The source of a canonical record: it begins the row id, so it holds no colon and is no word of ours.
    pub(crate) fn source<'t>(&self, text: Option<&'t str>) -> Result<&'t str, Fault> {
        let source = self.required("source", text)?;
        if source.contains(':') || RESERVED_SOURCES.contains(&source) {
            return Err(Fault::invalid("source", "has a colon or is a reserved word; use the name of the institution"));
        }
        Ok(source)
    }
}

fn is_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// Writes a UETR in lower case when `text` is a UUID.
pub(crate) fn write_uetr(out: &mut String, text: &str) -> bool {
    const GROUPS: [Range<usize>; 5] = [0..8, 9..13, 14..18, 19..23, 24..36];
    let bytes = text.as_bytes();
    let is_hex = |group: Range<usize>| bytes[group].iter().all(u8::is_ascii_hexdigit);
    let valid =
        bytes.len() == 36 && [8, 13, 18, 23].iter().all(|at| bytes[*at] == b'-') && GROUPS.into_iter().all(is_hex);
    if valid {
        let from = out.len();
        out.push_str(text);
        out[from..].make_ascii_lowercase();
    }
    valid
}

/// Where the n-th transaction of a record was read.
pub(crate) fn position(record: &Record<'_>, index: i32) -> SourcePosition {
    SourcePosition { topic: record.topic.to_owned(), partition: record.partition, offset: record.offset, index }
}

/// Identifiers in free text as parties to screen.
pub(crate) fn text_parties(text: &str) -> impl Iterator<Item = (PartyRole, PartyText)> {
    let mut found = Vec::new();
    recognise_in_text(text, &mut found);
    found.into_iter().map(|Identifier { canonical, .. }| (PartyRole::Remittance, PartyText::Identifier(canonical)))
}

/// The fault of a field whose value is none of the known ones.
pub(crate) fn unknown_value(field: &str, known: &str) -> Fault {
    Fault::new(Reason::InvalidField, format!("{field}: unknown value; known are {known}"))
}

/// Rank of the reason of a recall: of several the lowest counts, fraud before all, since others say how to go about it.
pub(crate) fn gravity(reason: &str) -> u8 {
    match reason {
        "FRAD" => 0,
        "UAPA" => 1,
        _ => 2,
    }
}
