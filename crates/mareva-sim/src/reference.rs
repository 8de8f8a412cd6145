use crate::calendar::date;
use crate::crime::{Crime, sanctions_files};
use crate::identifiers::EXCHANGE;
use crate::json::Json;
use crate::labels::{Label, ndjson};
use crate::world::{Role, World};

/// What belongs to a simulation beside its records; each field is the content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// `accounts.ndjson`: customers of our bank and of the exchange, and institutions that everybody knows.
    pub accounts: Vec<u8>,
    /// `mules.csv`: `identifier,reason,reported_at,source`.
    pub mules_csv: Vec<u8>,
    /// `vasps.csv`: `identifier,vasp,country`.
    pub vasps_csv: Vec<u8>,
    /// `rates.csv`: `date,currency,rate`, euros per unit.
    pub rates_csv: Vec<u8>,
    /// Names and contents of the files in `sanctions/`.
    pub sanctions: Vec<(&'static str, Vec<u8>)>,
    /// What is true of transactions and accounts.
    pub labels: Vec<Label>,
}

impl Reference {
    /// `labels.ndjson`.
    pub fn labels_ndjson(&self) -> Vec<u8> {
        ndjson(&self.labels)
    }
}

pub(crate) fn reference_of(world: &World, crime: &Crime, labels: &[Label]) -> Reference {
    Reference {
        accounts: accounts_ndjson(world),
        mules_csv: mules_csv(crime),
        vasps_csv: vasps_csv(world),
        rates_csv: world.rates.csv(),
        sanctions: sanctions_files(world, &crime.sanctions),
        labels: labels.to_vec(),
    }
}

struct Line<'a> {
    account: String,
    customer: u32,
    segment: &'a str,
    role: &'a str,
    opened: i64,
    country: &'a str,
}

impl Line<'_> {
    fn push(&self, out: &mut Vec<u8>) {
        let mut json = Json::new();
        json.text("account", &self.account);
        json.text("customer", &format!("C{:07}", self.customer));
        json.text("segment", self.segment);
        json.text("role", self.role);
        json.time("opened_at", &date(self.opened), self.opened);
        json.text("country", self.country);
        out.extend_from_slice(&json.finish());
        out.push(b'\n');
    }
}

/// The `accounts` table.
pub(crate) fn accounts_ndjson(world: &World) -> Vec<u8> {
    let mut out = Vec::new();
    for account in world.accounts.iter().filter(|account| account.known()) {
        Line {
            account: format!("iban:{}", account.iban),
            customer: account.customer,
            segment: account.segment,
            role: account.role.as_str(),
            opened: account.opened,
            country: account.country,
        }
        .push(&mut out);
    }
    for user in &world.users {
        let holder = world.account(user.account);
        Line {
            account: format!("exch:{EXCHANGE}:{}", user.uid),
            customer: holder.customer,
            segment: "retail",
            role: Role::Retail.as_str(),
            opened: user.opened,
            country: holder.country,
        }
        .push(&mut out);
    }
    // Hot wallets hold the money of many customers.
    let wallets = world.places.omnibus.iter().chain(&world.places.hot);
    for (at, wallet) in wallets.filter(|id| (**id as usize) < world.wallets.len()).enumerate() {
        Line {
            account: world.wallet(*wallet).canonical(),
            customer: 9_000_000 + at as u32 / 3,
            segment: "corporate",
            role: Role::Omnibus.as_str(),
            opened: world.start - 900 * crate::calendar::DAY,
            country: "LT",
        }
        .push(&mut out);
    }
    out
}

fn mules_csv(crime: &Crime) -> Vec<u8> {
    let mut lines: Vec<String> = crime
        .mules
        .iter()
        .map(|entry| format!("{},{},{},{}\n", entry.iban, entry.reason, date(entry.reported), entry.source))
        .collect();
    // In the order of the accounts: the list does not tell who plays a part.
    lines.sort_unstable();
    lines.dedup();
    (String::from("identifier,reason,reported_at,source\n") + &lines.concat()).into_bytes()
}

fn vasps_csv(world: &World) -> Vec<u8> {
    let mut out = String::from("identifier,vasp,country\n");
    let mut line = |identifier: &str, vasp: &str, country: &str| {
        out.push_str(&format!("{identifier},{vasp},{country}\n"));
    };
    let kestrel = world.account(world.places.kestrel);
    line(&kestrel.iban, EXCHANGE, "LT");
    for (account, vasp) in world.places.exchanges.iter().zip(["halcyon", "coinharbour", "bitwold"]) {
        let account = world.account(*account);
        line(&account.iban, vasp, account.country);
    }
    for (wallets, vasp) in [(&world.places.hot, EXCHANGE), (&world.places.omnibus, "halcyon")] {
        for wallet in wallets {
            line(&world.wallet(*wallet).address, vasp, "LT");
        }
    }
    out.into_bytes()
}
