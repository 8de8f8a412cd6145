use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::SourcePosition;

/// Which of the two legal regimes a list, rule or alert belongs to. They never mix in one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// A fraud hold: limited in amount, with a legal clock, expires.
    Fraud,
    /// A sanctions block: all property of a listed party, ends by delisting, licence or order.
    Sanctions,
}

/// What a list programme asks for on a hit, where it binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListAction {
    /// A person looks at it.
    Review,
    /// Warn the payer.
    Warn,
    /// Report to the authority, restrain nothing.
    Report,
    /// Hold the suspect money.
    Hold,
    /// Block all property.
    Block,
}

/// What a list programme orders that is no restraint of property: an alert on it reports at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Banks may keep no correspondent account for the institution, nor let it use one through others (31 U.S.C. 5318A(b)(5), the
    /// fifth special measure of section 311).
    ProhibitCorrespondent,
    /// An authority looks for the assets and does not want them frozen, as in a Silver Notice of INTERPOL.
    AssetInterest,
}

/// How sure the source of an entry is, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceClass {
    /// A legal order or designation.
    Order,
    /// Confirmed by the account-holding institution.
    InstitutionConfirmed,
    /// Reported by a partner.
    Partner,
    /// An allegation.
    Allegation,
    /// Derived by a heuristic.
    Heuristic,
}

impl EvidenceClass {
    /// Whether somebody who answers for the entry has confirmed it. Where nobody has, a hit is a review at most.
    pub fn is_confirmed(self) -> bool {
        self <= Self::InstitutionConfirmed
    }
}

/// Quality of a listed name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AliasQuality {
    /// Primary name.
    Primary,
    /// Strong alias.
    Strong,
    /// Weak alias (OFAC "weak a.k.a.").
    Weak,
}

/// Which party of a transaction was matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyRole {
    /// The payer.
    Originator,
    /// The receiver.
    Beneficiary,
    /// The payer's institution.
    OriginatorAgent,
    /// The receiver's institution.
    BeneficiaryAgent,
    /// On whose behalf the payer pays.
    UltimateOriginator,
    /// For whom the receiver receives.
    UltimateBeneficiary,
    /// Who started the payment.
    InitiatingParty,
    /// An institution in between.
    IntermediaryAgent,
    /// An identifier found in remittance text.
    Remittance,
    /// The token contract.
    AssetContract,
    /// The bank account linked to an exchange account.
    LinkedAccount,
}

/// What exactly matched.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum MatchedOn {
    /// A canonical identifier, equal to one of the entry's.
    Identifier {
        /// The identifier.
        value: String,
    },
    /// A name, equal to one of the entry's after normalisation and token sorting, or alike to it.
    Name {
        /// The name as the transaction wrote it.
        value: String,
        /// The listed name.
        listed: String,
        /// Quality of the listed name.
        quality: AliasQuality,
        /// What else agrees: `birth_date`, `country`, `document`. Empty means a name alone.
        supported_by: Vec<String>,
        /// Why the names are taken for one where they are not equal; absent where they are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        likeness: Option<NameLikeness>,
    },
}

/// How alike two names are that are not equal, and why. Tokens are romanised lower case; ideographs and Hangul are one token each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NameLikeness {
    /// Probability that the names are of one party, by the names alone, in thousandths.
    pub per_mille: u16,
    /// Tokens that stand for one another, those that tell most first.
    pub pairs: Vec<TokenPair>,
    /// Tokens of the transaction's name that the listed one has not.
    pub only_written: Vec<String>,
    /// Tokens of the listed name that the transaction's has not.
    pub only_listed: Vec<String>,
}

/// Two tokens that stand for one another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TokenPair {
    /// In the transaction's name.
    pub written: String,
    /// In the listed name.
    pub listed: String,
    /// How alike they are, in thousandths; 1,000 where equal.
    pub per_mille: u16,
}

/// The list that holds an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListRef {
    /// Name from the config.
    pub name: String,
    /// Version: the publication date where the list states one, else the first 12 digits of the digest.
    pub version: String,
    /// BLAKE3 of the files, hex.
    pub digest: String,
    /// Regime.
    pub regime: Regime,
    /// Action where it binds.
    pub action: ListAction,
    /// ISO 3166 codes where it binds, `*` everywhere.
    pub binding_in: Vec<String>,
    /// What it orders beside, or instead of, the action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Measure>,
}

/// How an entry comes from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// It has taken over what the other one did.
    SuccessorOf,
    /// It is the other one under another name.
    RebrandOf,
}

/// An entry whose risk another one bears, since it comes from it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LineageRef {
    /// How it comes from it.
    pub relation: Relation,
    /// Id of the other one, such as `guarantee:huione`.
    pub entry: String,
    /// Since when, RFC 3339 in UTC; absent where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What that rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// The entry that was hit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryRef {
    /// Id in its list, such as `ofac-sdn:36216`.
    pub id: String,
    /// Primary name, or the reason a mule account is listed.
    pub name: String,
    /// Sanctions programme or report.
    pub programme: Option<String>,
    /// Evidence class.
    pub evidence_class: EvidenceClass,
    /// 128 bits in hex of the BLAKE3 of all that the entry says: decisions about it name it.
    pub digest: String,
    /// The entries that it comes from, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lineage: Vec<LineageRef>,
}

/// Begins the `row_id` of the hits of what was not accepted. Their digest is of bytes that a sender chooses, so no source may
/// be called this.
pub const APART: &str = "dead";

/// The party that matched in a transaction that was not accepted (it came too late, say, or tells an accepted one in other words):
/// it is not retained, and what is with us of a listed party is to be stopped all the same.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyApart {
    /// Its account.
    pub account: String,
    /// Who keeps that, where the transaction says so.
    pub agent: Option<String>,
    /// Its name there.
    pub name: Option<String>,
    /// Its country there.
    pub country: Option<String>,
    /// Its customer in the accounts table.
    pub customer: Option<String>,
    /// Its role there.
    pub role: Option<String>,
}

/// A party of a transaction confirmed against the exact entry of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// `row_id` of the transaction where that was accepted, else an id that begins with [`APART`].
    pub row_id: String,
    /// Its time, UTC milliseconds.
    pub event_time: i64,
    /// Where it was read.
    pub position: SourcePosition,
    /// The party that matched.
    pub role: PartyRole,
    /// What matched.
    pub matched: MatchedOn,
    /// The list.
    pub list: Arc<ListRef>,
    /// The entry.
    pub entry: Arc<EntryRef>,
    /// The party, where its transaction was not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<PartyApart>,
    /// Found when the list changed, in a transaction that was judged before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub look_back: bool,
}

impl Hit {
    /// The id of its transaction among the accepted ones; `None` where that was not accepted.
    pub fn accepted_row_id(&self) -> Option<&str> {
        let (source, _) = self.row_id.split_once(':')?;
        (source != APART).then_some(&self.row_id)
    }
}
