//! Places in a rule's SQL.

use mareva_model::Fault;

/// The rule's text, to say where a fault is.
pub(crate) struct Sql<'a> {
    pub place: String,
    pub sql: &'a str,
}

impl Sql<'_> {
    pub fn at(&self, fragment: &str) -> String {
        let lower = self.sql.to_lowercase();
        match lower.find(&fragment.to_lowercase()) {
            Some(at) => {
                let line = lower[..at].matches('\n').count() + 1;
                let column = at - lower[..at].rfind('\n').map_or(0, |n| n + 1) + 1;
                format!("{}:{line}:{column}", self.place)
            }
            None => self.place.clone(),
        }
    }

    pub fn refuse(&self, fragment: &str, reason: impl Into<String>, remedy: &str) -> Fault {
        Fault::new(self.at(fragment), reason, remedy)
    }

    pub fn engine(&self, error: &datafusion::error::DataFusionError) -> Fault {
        let reason = error.strip_backtrace().lines().next().unwrap_or_default().to_owned();
        Fault::new(&self.place, reason, "see rules/README.md for the tables and forms of a rule")
    }
}
