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

/// What strangers pay each other under ids that look like those of signals takes nothing from the alert on a victim.
#[test]
fn a_payment_named_like_a_signal_takes_no_recall_away() {
    let changes = composed(&escalation(), &scam_victim(), "s1", "out", ANNA, START + HOUR);
    let paid = pay("s1", START + HOUR, ANNA, FAR, 400_000);
    let signal = format!("{}:{}/out", escalation().id, row_id("s1"));
    // Whoever it names, and whenever.
    for (from, to) in [(BERT, MULE), (BERT, ANNA), (ANNA, BERT)] {
        for (id, time) in
            [(signal.as_str(), START + HOUR), (&signal, START), (signal.trim_end_matches("/out"), START + HOUR)]
        {
            let named = pay("x", time, from, to, 1).with(Text::RowId, id);
            let alert = run(&[named, paid.clone()], &[], &changes).pop().unwrap();
            let [target] = &alert.targets[..] else { panic!("{:#?}", alert.targets) };
            assert_eq!((target.action, target.row_ids.as_slice()), (Action::Recall, [row_id("s1")].as_slice()));
            let detections = alert.evidence.rules.iter().flat_map(|rule| &rule.detections);
            let offsets: Vec<i64> = detections.map(|detection| detection.position.as_ref().unwrap().offset).collect();
            assert_eq!(offsets, [1, 1], "{from} {to} {id}");
        }
    }
}
