use mareva_model::AliasQuality;
use mareva_model::identifier::{self, Identifier};

use crate::country::code_or_text;
use crate::entry::add_new;
use crate::{BirthDate, Document, ListedName};

/// What OFAC writes into the remarks of an entry, `; ` between the parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    pub(crate) weak_names: Vec<ListedName>,
    pub(crate) identifiers: Vec<Identifier>,
    pub(crate) birth_dates: Vec<BirthDate>,
    pub(crate) countries: Vec<String>,
    pub(crate) documents: Vec<Document>,
    /// Digital currency addresses mentioned, whether they validate or not.
    pub(crate) address_mentions: u64,
    /// Dates of birth that could not be read.
    pub(crate) unreadable_dates: u64,
}

/// Prefix of a digital currency address; the ticker that follows is not trusted for anything.
pub(crate) const ADDRESS: &str = "Digital Currency Address - ";
const WEAK_NAMES: [&str; 3] = ["a.k.a. ", "f.k.a. ", "n.k.a. "];
const COUNTRIES: [&str; 3] = ["nationality ", "citizen ", "Vessel Flag "];
const BICS: [&str; 2] = ["SWIFT/BIC ", "BIC "];
/// Documents by the words before their number, the longer first where one begins another.
const DOCUMENTS: [&str; 31] = [
    "Passport ",
    "Diplomatic Passport ",
    "Stateless Person Passport ",
    "National ID No. ",
    "Identification Number ",
    "Tax ID No. ",
    "Registration Number ",
    "Registration ID ",
    "Business Registration Number ",
    "Business Registration Document # ",
    "Business Number ",
    "Company Number ",
    "Commercial Registry Number ",
    "Public Registration Number ",
    "Government Gazette Number ",
    "Legal Entity Number ",
    "Unified Social Credit Code (USCC) ",
    "Organization Code ",
    "Chinese Commercial Code ",
    "Trade License No. ",
    "C.R. No. ",
    "V.A.T. Number ",
    "D-U-N-S Number ",
    "Driver's License No. ",
    "Cedula No. ",
    "C.U.R.P. ",
    "R.F.C. ",
    "NIT # ",
    "RUC # ",
    "Vessel Registration Identification ",
    "MMSI ",
];

impl Remarks {
    /// Reads remarks that were joined with their overflow before.
    pub(crate) fn parse(text: &str) -> Self {
        let mut remarks = Self::default();
        for part in text.split(';') {
            let part = part.trim();
            let part = part.strip_prefix("alt. ").unwrap_or(part);
            remarks.read(part);
        }
        remarks
    }

    fn read(&mut self, part: &str) {
        if let Some(rest) = part.strip_prefix(ADDRESS) {
            self.address(rest);
        } else if let Some(date) = part.strip_prefix("DOB ") {
            match BirthDate::parse(date) {
                Some(date) => add_new(&mut self.birth_dates, vec![date]),
                None => self.unreadable_dates += 1,
            }
        } else if let Some(name) = after_any(part, &WEAK_NAMES) {
            self.weak_name(name);
        } else if let Some(country) = after_any(part, &COUNTRIES) {
            add_new(&mut self.countries, vec![code_or_text(country.trim_end_matches('.'))]);
        } else if let Some(bic) = after_any(part, &BICS) {
            add_new(&mut self.identifiers, identifier::recognise(bic.trim_end_matches('.')).into_iter().collect());
        } else if let Some(kind) = DOCUMENTS.iter().find(|kind| part.starts_with(*kind)) {
            self.document(kind.trim_end(), &part[kind.len()..]);
        }
    }

    /// `XBT 1GqChm…`: the ticker, then one address.
    fn address(&mut self, rest: &str) {
        let (ticker, text) = rest.trim_end_matches('.').split_once(' ').unwrap_or(("", rest));
        self.address_mentions += 1;
        add_new(&mut self.identifiers, address(ticker, text));
    }

    /// `'ABU-'UMAR'.`: the quotes around it go, those within it stay.
    fn weak_name(&mut self, quoted: &str) {
        let text = quoted.trim_end_matches('.').trim();
        let text = text.strip_prefix('\'').unwrap_or(text);
        let text = text.strip_suffix('\'').unwrap_or(text).trim();
        if !text.is_empty() {
            add_new(&mut self.weak_names, vec![ListedName { text: text.to_owned(), quality: AliasQuality::Weak }]);
        }
    }

    /// `AF127300 (Colombia) issued 24 Oct 1990 expires 20 Sep 1997.`
    fn document(&mut self, kind: &str, rest: &str) {
        let rest = rest.trim_end_matches('.');
        let rest = rest.split(" issued ").next().unwrap_or(rest);
        let rest = rest.split(" expires ").next().unwrap_or(rest);
        let (number, country) = match rest.split_once(" (") {
            Some((number, country)) => (number, Some(code_or_text(country.trim_end_matches(')')))),
            None => (rest, None),
        };
        let document = Document { kind: kind.to_owned(), number: number.trim().to_owned(), country };
        add_new(&mut self.documents, vec![document]);
    }
}

/// The identifiers of a digital currency address; what does not validate is kept as it was written.
pub(crate) fn address(ticker: &str, text: &str) -> Vec<Identifier> {
    let cell = identifier::list_cell(text);
    let network = ticker.to_ascii_lowercase();
    let kept = cell.rejected.iter().map(|text| identifier::wallet(text, Some(&network), None));
    kept.chain(cell.identifiers).collect()
}

fn after_any<'a>(part: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| part.strip_prefix(prefix))
}
