use std::collections::HashSet;

use mareva_sim::{Label, Truth};

use super::instances;
use crate::run::{Leg, Run};

fn transaction(tx_id: &str, role: &'static str) -> Label {
    Label::Transaction {
        tx_id: tx_id.to_owned(),
        source: "MRVADEFF",
        scheme: "romance",
        operation: "op-1".to_owned(),
        role,
        illicit_amount: "1".to_owned(),
        currency: "EUR",
    }
}

fn account(account: &str, role: &'static str) -> Label {
    Label::Account { account: account.to_owned(), role, operation: Some("op-1".to_owned()) }
}

/// A victim pays a mule with us, who pays one elsewhere; a shop has no part.
fn scene() -> (Run, Vec<Label>) {
    let mut run = Run::default();
    for (row, from, to) in [("a", "victim", "mule"), ("b", "mule", "far"), ("c", "mule", "shop")] {
        let parties = vec![from.to_owned(), to.to_owned()];
        let leg = Leg { row_id: format!("uetr:{row}"), time: 0, amount: 100, parties };
        run.legs.insert(format!("MRVADEFF:{row}"), leg);
    }
    for (name, kept) in [("victim", true), ("mule", true), ("shop", true), ("far", false)] {
        run.moved.insert(name.to_owned(), kept);
    }
    let mut labels = vec![account("victim", "victim"), account("mule", "mule"), account("far", "mule")];
    labels.extend([transaction("a", "victim_payment"), transaction("b", "layer"), transaction("c", "cash_out")]);
    (run, labels)
}

#[test]
fn an_operation_is_found_when_half_of_its_accounts_with_us_are_named() {
    let (run, labels) = scene();
    let truth = Truth::of(&labels);
    let operations = instances(&run, &labels, &truth, false);
    let [operation] = operations.values().collect::<Vec<_>>()[..] else {
        panic!("one operation: {}", operations.len())
    };
    assert_eq!(operation.accounts, HashSet::from(["victim", "mule"]), "the shop plays no part, the other is elsewhere");
    assert!(operation.is_found_by(&HashSet::from(["mule"])));
    assert!(!operation.is_found_by(&HashSet::from(["far", "shop"])));
    let criminals = HashSet::from(["mule"]);
    assert!(!operation.is_found_among(&HashSet::from(["victim"]), &criminals), "who is not wanted finds nothing");
}

#[test]
fn parts_of_an_operation_are_told_by_what_they_do() {
    let (run, labels) = scene();
    let truth = Truth::of(&labels);
    let parts = instances(&run, &labels, &truth, true);
    let kinds: Vec<&str> = parts.keys().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["cash_out", "layer", "victim_payment"]);
}
