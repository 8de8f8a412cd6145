//! Rules in any number: variations of those in `rules/`.

use mareva_monitoring::RuleText;
use serde::{Deserialize, Serialize};

/// Which rules are in force.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Rules {
    /// So many variations of eight shapes.
    Varied(u64),
    /// One without windows: no row is on a timeline.
    Windowless,
    /// One that puts each payment on its payer's timeline and judges none.
    Unjudged,
    /// Some sums of each payment's payer, each over a window of its own.
    Sums(u64),
    /// One aggregate of each payment's payer.
    One(Aggregate),
}

/// An aggregate whose state grows with the window.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Aggregate {
    CountDistinct,
    Min,
    FirstValue,
    StdDev,
}

/// Rows that exist for a rule, as most of `rules/` say it.
const USUAL: &str = "kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(linked_account, '-') <> account AND counterparty IS NOT NULL";

/// What no sum here reaches: the rules are judged, but few fire, as with honest traffic.
const BEYOND: &str = "100000000000";

impl Rules {
    /// The rules; the longest window of all is `window` seconds.
    pub fn texts(self, window: u64) -> Vec<RuleText> {
        match self {
            Self::Varied(count) => (0..count).map(|number| varied(number, window)).collect(),
            Self::Windowless => vec![rule(0, "", "direction = 'out'", "", &format!("amount_ref >= {BEYOND}"))],
            Self::Unjudged => {
                vec![payers("COUNT(*) OVER w AS v0", window, &format!("amount_ref < 0 AND v0 > {BEYOND}"))]
            }
            Self::Sums(count) => {
                // Windows of different lengths, of which a short stream fills none: the same rows in all.
                let sum = |n: u64| format!("SUM(amount_ref) OVER w{n} AS v{n}");
                let over = |n: u64| format!("w{n} AS ({})", over("account", window + n));
                let windows: Vec<String> = (0..count).map(over).collect();
                let columns: Vec<String> = (0..count).map(sum).collect();
                let qualify: Vec<String> = (0..count).map(|n| format!("v{n} > {BEYOND}")).collect();
                vec![rule(0, &columns.join(", "), "direction = 'out'", &windows.join(", "), &qualify.join(" OR "))]
            }
            Self::One(aggregate) => {
                let (value, qualify) = match aggregate {
                    Aggregate::CountDistinct => ("COUNT(DISTINCT counterparty) OVER w AS v0", "v0 > 1000000"),
                    Aggregate::Min => ("MIN(amount_ref) OVER w AS v0", "v0 > 100000000000"),
                    Aggregate::FirstValue => ("FIRST_VALUE(amount_ref) OVER w AS v0", "v0 > 100000000000"),
                    Aggregate::StdDev => {
                        ("STDDEV(amount_ref) OVER w AS v0", "CAST(v0 AS DECIMAL(38, 2)) > 100000000000")
                    }
                };
                vec![payers(value, window, qualify)]
            }
        }
    }
}

fn over(key: &str, seconds: u64) -> String {
    format!(
        "PARTITION BY {key} ORDER BY event_time RANGE BETWEEN INTERVAL '{seconds}' SECOND PRECEDING AND CURRENT ROW"
    )
}

/// A rule on what an account has paid.
fn payers(value: &str, window: u64, qualify: &str) -> RuleText {
    rule(0, value, "direction = 'out'", &format!("w AS ({})", over("account", window)), qualify)
}

fn rule(number: u64, columns: &str, filter: &str, windows: &str, qualify: &str) -> RuleText {
    let folder = format!("varied-{number:03}");
    let toml = format!(
        "id = \"{folder}\"\nversion = 1\ntitle = \"Variation {number}\"\nseverity = \"medium\"\nraises = \"alert\"\n\
         subject_role = \"suspect\"\ntargets = \"none\"\naction = \"review\"\nreason_code = \"FRAD\"\ntypology = \"bench\"\n\
         sources = [\"bench\"]\n"
    );
    let sql = match windows {
        "" => format!("SELECT row_id, account AS subject, event_time FROM movements WHERE {filter} AND {qualify}"),
        _ => format!(
            "SELECT row_id, account AS subject, event_time, {columns}\nFROM movements\nWHERE {filter}\nWINDOW {windows}\n\
             QUALIFY {qualify}"
        ),
    };
    RuleText { folder, toml, sql }
}

/// The n-th variation: of each shape every third one asks for the features of another one with thresholds of its own; the
/// other two have windows and filters that no other rule has.
fn varied(number: u64, window: u64) -> RuleText {
    let (shape, variation) = (number % 8, number / 8);
    let own = if variation % 3 == 2 { variation - 2 } else { variation };
    let span = window / [24, 4, 2, 1][(own % 4) as usize];
    let least = 5 + 3 * own;
    let from = format!("amount_ref >= {}", 100 + 20 * (variation % 12));
    let (key, columns, condition) = shaped(shape, own, |way| format!("direction = '{way}' AND amount_ref >= {least}"));
    let filter = if shape == 6 { format!("device IS NOT NULL AND {USUAL}") } else { USUAL.to_owned() };
    rule(number, &columns, &filter, &format!("w AS ({})", over(key, span)), &format!("{from} AND {condition}"))
}

/// The key, the columns and the condition of a shape; `way` filters for one direction.
fn shaped(shape: u64, own: u64, way: impl Fn(&str) -> String) -> (&'static str, String, String) {
    match shape {
        // Money passes through.
        0 => (
            "account",
            format!(
                "SUM(amount_ref) FILTER (WHERE {}) OVER w AS received, SUM(amount_ref) FILTER (WHERE {}) OVER w AS sent, \
                 COUNT(DISTINCT counterparty) OVER w AS others",
                way("in"),
                way("out")
            ),
            "direction = 'out' AND others >= 2 AND sent * 1000 BETWEEN received * 999 AND received * 1001".to_owned(),
        ),
        // It gathers, or is spread.
        1 | 2 => {
            let side = if shape == 1 { "in" } else { "out" };
            let (others, sum) = (
                format!("COUNT(DISTINCT counterparty) FILTER (WHERE {}) OVER w AS others", way(side)),
                format!("SUM(amount_ref) FILTER (WHERE {}) OVER w AS moved", way(side)),
            );
            (
                "account",
                format!("{others}, {sum}"),
                format!("direction = '{side}' AND others >= 3 AND moved >= {BEYOND}"),
            )
        }
        // Just below a limit.
        3 => {
            let band = format!("amount_ref >= {} AND amount_ref < 1900", 1_000 + 10 * own);
            (
                "account",
                format!(
                    "COUNT(*) FILTER (WHERE direction = 'in' AND {band}) OVER w AS parts, \
                     SUM(amount_ref) FILTER (WHERE direction = 'in' AND {band}) OVER w AS total"
                ),
                format!("direction = 'in' AND parts >= 3 AND total >= {BEYOND}"),
            )
        }
        // A balance is drained.
        4 => (
            "account",
            format!(
                "SUM(amount_ref) FILTER (WHERE {} AND COALESCE(channel, 'online') NOT IN ('branch', 'atm')) OVER w AS drained",
                way("out")
            ),
            format!("direction = 'out' AND drained * 2 > balance_ref + drained AND drained >= {BEYOND}"),
        ),
        // Payments to one payee grow.
        5 => (
            "account, counterparty",
            format!(
                "COUNT(*) FILTER (WHERE {0}) OVER w AS payments, SUM(amount_ref) FILTER (WHERE {0}) OVER w AS paid, \
                 MIN(amount_ref) FILTER (WHERE {0}) OVER w AS smallest",
                way("out")
            ),
            format!("direction = 'out' AND payments >= 2 AND amount_ref * 10 >= smallest * 13 AND paid >= {BEYOND}"),
        ),
        // One device for several customers.
        6 => (
            "device",
            format!("COUNT(DISTINCT account_customer) FILTER (WHERE {}) OVER w AS customers", way("out")),
            "direction = 'out' AND customers >= 3".to_owned(),
        ),
        // More than ever before.
        _ => (
            "account",
            format!(
                "AVG(amount_ref) FILTER (WHERE {0}) OVER w AS usual, COUNT(*) FILTER (WHERE {0}) OVER w AS payments",
                way("out")
            ),
            "direction = 'out' AND payments >= 3 AND amount_ref >= 100 * usual AND usual > 0".to_owned(),
        ),
    }
}
