use serde::{Deserialize, Serialize};

/// What somebody who may has decided: signed, for a reason, until a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Chosen by whoever decides, and never used again.
    pub id: String,
    /// What is decided.
    pub ruling: Ruling,
    /// Why, in words for an audit.
    pub reason: String,
    /// When it was made, UTC milliseconds.
    pub issued_at: i64,
    /// First millisecond at which it is in force no more, UTC.
    pub until: i64,
    /// Names of those who signed it, in order.
    pub by: Vec<String>,
}

/// What is decided, and of whom. Accounts are canonical identifiers (see [`crate::identifier`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Ruling {
    /// A party is not the entry that its hits name.
    ClearedPair(ClearedPair),
    /// Alerts that rest on some rules alone are not told of an account while they are about little money.
    Snooze {
        /// The subject of the alerts.
        account: String,
        /// Rules that raise alerts.
        rules: Vec<String>,
        /// Most money, hundredths of the reference currency, that an alert may be about and not be told.
        amount_cap: i64,
    },
    /// Whoever uses an account is a mule: what it does is a hit on confirmed evidence.
    ConfirmedMule {
        /// The account.
        account: String,
    },
    /// An account, or a customer's accounts, are a victim's who is at risk: fraud alerts restrain nothing there.
    VictimAtRisk {
        /// The account, or `customer:<id>` of the accounts table.
        party: String,
    },
    /// An authority asked that nothing be restrained at an account, or a customer's accounts, while this lasts. Fraud
    /// alerts only.
    DoNotFreezeYet {
        /// The account, or `customer:<id>` of the accounts table.
        party: String,
    },
    /// Another decision ends.
    Revocation {
        /// Its id.
        decision: String,
    },
}

/// A party that is not the entry which its hits name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearedPair {
    /// The entry, such as `ofac-sdn:36216`.
    pub entry: String,
    /// What that entry said when it was looked at: [`crate::EntryRef::digest`].
    pub entry_digest: String,
    /// The account that the hits are about; any, where there is none.
    pub account: Option<String>,
    /// The party's name as its transactions write it; any, where there is none.
    pub name: Option<String>,
    /// What supported the hits that were looked at: a hit that more supports is none of them.
    pub supported_by: Vec<String>,
}

impl Ruling {
    /// Names of all of them.
    pub const ALL: [&str; 6] =
        ["cleared_pair", "snooze", "confirmed_mule", "victim_at_risk", "do_not_freeze_yet", "revocation"];

    /// The name in a decision.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::ClearedPair(_) => Self::ALL[0],
            Self::Snooze { .. } => Self::ALL[1],
            Self::ConfirmedMule { .. } => Self::ALL[2],
            Self::VictimAtRisk { .. } => Self::ALL[3],
            Self::DoNotFreezeYet { .. } => Self::ALL[4],
            Self::Revocation { .. } => Self::ALL[5],
        }
    }

    /// Whether two people have to sign it: it silences what rules find.
    pub fn needs_two(&self) -> bool {
        matches!(self, Self::Snooze { .. })
    }
}
