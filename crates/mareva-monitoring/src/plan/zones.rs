//! `AT TIME ZONE`, which takes a time without a zone for one of the zone that is named. Those of the tables are UTC.

use std::ops::ControlFlow;
use std::str::FromStr as _;

use arrow::array::timezone::Tz;
use datafusion::sql::sqlparser::ast::{Expr, Statement, visit_expressions};
use mareva_model::Fault;

use crate::rule_text::Sql;

/// Names of the zone of all times in the tables.
pub(super) const UTC: [&str; 3] = ["UTC", "Etc/UTC", "+00:00"];

const NAMED: &str = "name a zone: 'Asia/Dubai', or 'Etc/GMT-4', which is four hours east of Greenwich";

const IN_ZONE: &str = "write event_time AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin'";

/// Refuses what does not mean what it says.
///
/// # Errors
/// A zone that there is not, that of a time in no zone, or the third of one time.
pub(super) fn check(text: &Sql<'_>, statements: &[Statement]) -> Result<(), Fault> {
    let visit = |expr: &Expr| {
        let Expr::AtTimeZone { timestamp, time_zone } = expr else { return ControlFlow::Continue(()) };
        let zone = match unnested(time_zone) {
            Expr::Value(zone) => zone.value.clone().into_string().unwrap_or_default(),
            _ => String::new(),
        };
        let refuse = |reason: &str, remedy: &str| {
            let place = format!("'{zone}'");
            let place = if text.has(&place) { place } else { "at time zone".to_owned() };
            ControlFlow::Break(text.refuse(&place, reason, remedy))
        };
        match unnested(timestamp) {
            _ if Tz::from_str(&zone).is_err() => {
                refuse("there is no such time zone", "write one of the IANA database: 'Europe/Berlin'")
            }
            _ if zone.starts_with(['+', '-']) && !UTC.contains(&zone.as_str()) => {
                refuse("an offset is read with either sign: PostgreSQL has '+02:00' west of Greenwich", NAMED)
            }
            Expr::AtTimeZone { timestamp, .. } if matches!(unnested(timestamp), Expr::AtTimeZone { .. }) => {
                refuse("a time is put into a second zone, which engines do in different ways", IN_ZONE)
            }
            Expr::AtTimeZone { .. } => ControlFlow::Continue(()),
            _ if UTC.contains(&zone.as_str()) => ControlFlow::Continue(()),
            _ => {
                refuse("a time without a zone is taken for one of this zone, and those of the tables are UTC", IN_ZONE)
            }
        }
    };
    let found = statements.iter().find_map(|statement| match visit_expressions(statement, visit) {
        ControlFlow::Break(fault) => Some(fault),
        ControlFlow::Continue(()) => None,
    });
    found.map_or(Ok(()), Err)
}

fn unnested(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => unnested(inner),
        other => other,
    }
}
