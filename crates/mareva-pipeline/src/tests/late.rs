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
