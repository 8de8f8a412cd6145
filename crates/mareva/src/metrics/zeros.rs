//! Label values that are known before anything happens. Their totals stand at 0 from the start: a total that comes into
//! being with its first event shows no rise, so `rate()` and `increase()` would miss that event.

use mareva_model::alert::{Action, AlertStatus};
use mareva_model::{Reason, Regime};

use super::Metrics;
use super::words::{reason, regime, status};

const REGIMES: [Regime; 2] = [Regime::Fraud, Regime::Sanctions];
const ACTIONS: [Action; 6] =
    [Action::Review, Action::Warn, Action::Report, Action::Recall, Action::Hold, Action::Block];
const REASONS: [Reason; 10] = [
    Reason::UnknownFormat,
    Reason::Malformed,
    Reason::TooLarge,
    Reason::MissingField,
    Reason::InvalidField,
    Reason::Forbidden,
    Reason::TimeAhead,
    Reason::Conflicting,
    Reason::Untrusted,
    Reason::Expired,
];
const STATUSES: [AlertStatus; 4] =
    [AlertStatus::Open, AlertStatus::Withdrawn, AlertStatus::BasisWithdrawn, AlertStatus::SetAside];

impl Metrics {
    /// Those that the code fixes.
    pub(super) fn expect_fixed(&self) {
        for outcome in ["accepted", "repeated", "late", "dead_lettered"] {
            self.input.transactions.with_label_values(&[outcome]);
        }
        for one in REASONS {
            self.input.dead_letters.with_label_values(&[reason(one)]);
        }
        for of in REGIMES.map(regime) {
            self.judging.alerts_opened.with_label_values(&[of]);
            for action in ACTIONS {
                for is in STATUSES.map(status) {
                    self.judging.alerts.with_label_values(&[of, action.as_str(), is]);
                }
            }
        }
        for kind in ["alert", "dead_letter", "late"] {
            self.delivery.published.with_label_values(&[kind]);
        }
        for of in ["input", "log"] {
            self.recovery.gaps.with_label_values(&[of]);
        }
        for result in ["published", "failed"] {
            self.recovery.snapshots.with_label_values(&[result]);
        }
    }

    /// Topics that are read and rules that are in force.
    pub fn expect<'a>(&self, topics: impl IntoIterator<Item = &'a str>, rules: impl IntoIterator<Item = &'a str>) {
        for topic in topics {
            self.input.records.with_label_values(&[topic]);
            self.input.bytes.with_label_values(&[topic]);
        }
        for rule in rules {
            for change in ["raised", "revised", "withdrawn"] {
                self.judging.detections.with_label_values(&[rule, change]);
            }
        }
    }

    /// A list that is in force.
    pub(super) fn expect_hits(&self, list: &str) {
        for by in ["identifier", "name"] {
            self.screening.hits.with_label_values(&[list, by]);
        }
    }
}
