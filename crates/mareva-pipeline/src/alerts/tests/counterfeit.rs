//! Payments whose senders chose the ids of something else.

use mareva_model::alert::Action;
use mareva_model::{EvidenceClass, PartyRole, Text};

use super::fixture::*;
use super::sanctions::sdn;

#[test]
fn a_hit_of_what_was_not_accepted_is_never_about_an_accepted_payment() {
    let id = "dead:0123456789abcdef0123456789abcdef/0";
    let payments = [pay("p", START + HOUR, ANNA, MULE, 120_000).with(Text::RowId, id)];
    let mut refused = hit("p", START + HOUR, PartyRole::Beneficiary, FAR, &sdn("*"), EvidenceClass::Order);
    refused.row_id = id.to_owned();
    let alert = run(&payments, &[refused], &[]).remove(0);
    assert_eq!((alert.subject.as_str(), alert.action, alert.targets.len()), (FAR, Action::Report, 0));
}
