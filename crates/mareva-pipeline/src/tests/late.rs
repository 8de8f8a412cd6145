//! What came too late for the rules is screened, and stops what is with us.

use mareva_model::alert::{Action, OurRole, TargetKind};

use super::{BANK, EXCHANGE, Run, example};

#[test]
fn a_late_payment_names_the_listed_account_that_is_with_us() {
    let mut run = Run::new();
    let on_time = example("bank.credit_transfer.json").replace("2026-01-05T10:00:00.123Z", "2026-01-05T10:10:00Z");
    run.slice(BANK, &[&on_time]);
    let late = example("exchange.withdrawal.json").replace("2026-01-05T10:05", "2026-01-05T09:05");
    let output = run.slice(EXCHANGE, &[&late]);
    assert_eq!((output.counts.late, output.late.len()), (1, 1));
    let alert = output.alerts.iter().find(|alert| alert.subject == "exch:kestrel:10023").unwrap();
    let [target] = &alert.targets[..] else { panic!("{:#?}", alert.targets) };
    assert_eq!((target.kind, target.action), (TargetKind::Account, Action::Report));
    assert_eq!((target.account.as_deref(), target.our_role), (Some("exch:kestrel:10023"), OurRole::Exchange));
    assert_eq!(target.chain.as_ref().unwrap().exchange_uid.as_deref(), Some("10023"));
}

#[test]
fn a_record_that_contradicts_an_accepted_one_names_the_listed_account_too() {
    let listed = example("exchange.withdrawal.json");
    let first = listed.replace("10023", "999");
    let output = Run::new().slice(EXCHANGE, &[&first, &listed]);
    assert_eq!((output.counts.accepted, output.counts.dead_lettered), (1, 1));
    let alert = output.alerts.iter().find(|alert| alert.subject == "exch:kestrel:10023").unwrap();
    let accounts: Vec<_> = alert.targets.iter().filter_map(|target| target.account.as_deref()).collect();
    assert_eq!(accounts, ["exch:kestrel:10023"]);
}
