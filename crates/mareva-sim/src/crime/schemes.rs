use super::cast::Draft;
use super::{CastRole, Deed, Scheme, Sum};
use crate::action::{Note, TransactionRole};
use crate::calendar::{HOUR, MINUTE};
use crate::world::{AccountId, Asset, Chain};

/// Plans an operation that begins at `start` and ends within two days.
pub(super) fn script(draft: &mut Draft<'_>, scheme: Scheme, start: i64) {
    match scheme {
        Scheme::VoicePhishing => voice_phishing(draft, start),
        Scheme::PigButchering => pig_butchering(draft, start),
        Scheme::AccountTakeover => account_takeover(draft, start),
        Scheme::JobScam => job_scam(draft, start),
        Scheme::Romance => romance(draft, start),
        // Payments of sanctioned parties are planned singly.
        Scheme::Sanctions => {}
    }
}

fn ours(draft: &Draft<'_>, account: AccountId) -> bool {
    draft.world.account(account).ours()
}

/// The herd of an operation: three accounts on one device at least, and others.
fn herd(draft: &mut Draft<'_>, others: i64) -> Vec<AccountId> {
    let mut mules = vec![draft.herd_mule(), draft.herd_mule(), draft.herd_mule()];
    for _ in 0..others {
        mules.push(draft.mule(CastRole::Mule));
    }
    mules
}

/// Mules let the money out: the first over the exchange in a burst, one through one more hop, the others as it comes.
fn let_out(draft: &mut Draft<'_>, time: i64, mules: &[AccountId], chosen: usize) {
    for (at, mule) in mules.iter().enumerate() {
        let time = time + draft.minutes(4, 70);
        match at {
            0 => {
                draft.on_ramp(time, *mule, 3);
            }
            1 => {
                let (time, last) = draft.pass_on(time, *mule);
                if draft.dice.chance(400_000) {
                    let (time, last) = draft.pass_on(time, last);
                    draft.cash_out(time, last, 2);
                } else {
                    draft.cash_out(time, last, 2);
                    draft.send_away(time + 3 * HOUR, last);
                }
            }
            _ if at < chosen => draft.exit(time, *mule),
            _ => draft.send_away(time, *mule),
        }
    }
}

/// "Your account is in danger, move the money to safety": savings and current account emptied within two hours.
fn voice_phishing(draft: &mut Draft<'_>, start: i64) {
    let collector = draft.mule(CastRole::Collector);
    let others = draft.dice.between(1, 2);
    let mules = herd(draft, others);
    let victims = draft.dice.between(4, 6);
    let (mut time, mut last) = (start, start);
    for n in 0..victims {
        let wealth = draft.dice.skewed(14_000, 90_000) * 100;
        let victim = if n < 2 { draft.customer_victim(wealth) } else { draft.victim(wealth) };
        let at = time + draft.minutes(12, 40);
        draft.liquidate(time, victim);
        let sums = if ours(draft, victim) {
            [Sum::OfBalance(draft.dice.between(450, 620)), Sum::OfBalance(draft.dice.between(900, 985))]
        } else {
            [Sum::Cents(wealth * 55 / 100), Sum::Cents(wealth * 40 / 100)]
        };
        let again = at + draft.minutes(8, 50);
        draft.pay(at, victim, collector, sums[0], TransactionRole::VictimPayment, Note::SafeAccount);
        draft.pay(again, victim, collector, sums[1], TransactionRole::VictimPayment, Note::SafeAccount);
        last = last.max(again);
        time += draft.minutes(20, 110);
        if n == 1 {
            let first = last + draft.minutes(3, 20);
            draft.disperse(first, collector, &mules[..2]);
        }
    }
    let begin = last + draft.minutes(4, 25);
    let spread = draft.disperse(begin, collector, &mules);
    let_out(draft, spread, &mules, 3);
    draft.structure(start + 2 * HOUR, mules[2]);
}

/// Trust first: a small payment, a little more back, then larger and larger ones to the same payee, who is new to the payer.
fn pig_butchering(draft: &mut Draft<'_>, start: i64) {
    let collector = draft.mule(CastRole::Collector);
    let others = draft.dice.between(0, 1);
    let mules = herd(draft, others);
    let mut last = start;
    for n in 0..draft.dice.between(2, 3) {
        let begin = start + n * draft.minutes(30, 300);
        let end = if n > 0 && draft.dice.chance(300_000) {
            coin_victim(draft, begin)
        } else {
            escalation(draft, begin, collector)
        };
        last = last.max(end);
        if n == 0 {
            draft.disperse(end - 2 * HOUR, collector, &mules[..2]);
        }
    }
    let begin = last + draft.minutes(4, 40);
    let spread = draft.disperse(begin, collector, &mules);
    let_out(draft, spread, &mules, 3);
}

fn escalation(draft: &mut Draft<'_>, start: i64, collector: AccountId) -> i64 {
    let test = draft.dice.between(10, 40) * 1_000;
    let mut cents = draft.dice.between(80, 300) * 1_000;
    let growth: Vec<i64> = (0..draft.dice.between(2, 3)).map(|_| draft.dice.between(135, 200)).collect();
    let total = growth.iter().fold((cents, cents), |(sum, last), by| (sum + last * by / 100, last * by / 100)).0;
    let victim = draft.victim((total + test) * 12 / 10);
    let mut at = start + draft.minutes(5, 60);
    draft.pay(at, victim, collector, Sum::Cents(test), TransactionRole::Test, Note::Portfolio);
    at += draft.dice.between(HOUR, 5 * HOUR);
    let back = test * draft.dice.between(105, 130) / 100;
    draft.pay(at, collector, victim, Sum::Cents(back), TransactionRole::Inducement, Note::Portfolio);
    at += draft.dice.between(HOUR, 5 * HOUR);
    draft.pay(at, victim, collector, Sum::Cents(cents), TransactionRole::VictimPayment, Note::Portfolio);
    for by in growth {
        cents = cents * by / 100;
        at += draft.dice.between(90 * MINUTE, 7 * HOUR);
        draft.pay(at, victim, collector, Sum::Cents(cents), TransactionRole::VictimPayment, Note::Portfolio);
    }
    at
}

/// The victim opens an account at the exchange, as told, buys USDT and sends them to the platform that does not exist.
fn coin_victim(draft: &mut Draft<'_>, start: i64) -> i64 {
    let mut cents = draft.dice.between(60, 200) * 1_000;
    let victim = draft.customer_victim(cents * 6);
    let user = draft.user(victim, CastRole::Victim);
    let platform = draft.wallet(Chain::Tron);
    let (role, note) = (TransactionRole::VictimPayment, Note::Exchange);
    let mut at = start + HOUR;
    for _ in 0..2 {
        let to = draft.world.places.kestrel;
        let sum = Sum::Cents(cents);
        draft.add(at, Deed::Pay { from: victim, to, sum, role, note, device: 0, user: Some(user) }, 2);
        at += draft.minutes(5, 30);
        draft.add(at, Deed::Convert(user, Asset::Usdt, role), 1);
        at += draft.minutes(3, 40);
        draft.add(at, Deed::Withdraw(user, Asset::Usdt, platform, role), 1);
        at += draft.dice.between(3 * HOUR, 9 * HOUR);
        cents = cents * draft.dice.between(150, 260) / 100;
    }
    at
}

/// Stolen credentials: a device the bank has never seen empties the account within minutes.
fn account_takeover(draft: &mut Draft<'_>, start: i64) {
    let mules = herd(draft, 0);
    let mut last = start;
    for n in 0..draft.dice.between(3, 4) {
        let wealth = draft.dice.skewed(8_000, 55_000) * 100;
        let victim = draft.customer_victim(wealth);
        let device = draft.world.next_device();
        let mut at = start + n * draft.minutes(25, 160);
        for sum in [Sum::OfBalance(480), Sum::OfBalance(950)] {
            let to = mules[n as usize % mules.len()];
            let (role, note) = (TransactionRole::VictimPayment, Note::Invoice);
            draft.add(at, Deed::Pay { from: victim, to, sum, role, note, device, user: None }, 1);
            at += draft.minutes(1, 7);
        }
        last = last.max(at);
    }
    let time = last + draft.minutes(2, 12);
    for (at, mule) in mules.iter().enumerate() {
        match at {
            0 => {
                draft.cash_out(time, *mule, 4);
                draft.send_away(time + 4 * HOUR, *mule);
            }
            _ => draft.exit(time, *mule),
        }
    }
}

/// "Pay a deposit to unlock better tasks": many victims, small sums, a first commission really paid.
fn job_scam(draft: &mut Draft<'_>, start: i64) {
    let collector = draft.mule(CastRole::Collector);
    let mules = herd(draft, 1);
    let mut last = start;
    for _ in 0..draft.dice.between(5, 7) {
        let victim = draft.victim(600_000);
        let mut cents = draft.dice.between(25, 90) * 100;
        let mut at = start + draft.dice.between(0, 8 * HOUR);
        draft.pay(at, victim, collector, Sum::Cents(cents), TransactionRole::Test, Note::Task);
        if draft.dice.chance(500_000) {
            let back = cents * draft.dice.between(110, 140) / 100;
            let time = at + draft.minutes(20, 120);
            draft.pay(time, collector, victim, Sum::Cents(back), TransactionRole::Inducement, Note::Task);
        }
        for _ in 0..2 {
            cents = cents * draft.dice.between(250, 600) / 100;
            at += draft.dice.between(2 * HOUR, 6 * HOUR);
            draft.pay(at, victim, collector, Sum::Cents(cents), TransactionRole::VictimPayment, Note::Task);
        }
        last = last.max(at);
    }
    let begin = last + draft.minutes(5, 60);
    let spread = draft.disperse(begin, collector, &mules);
    let_out(draft, spread, &mules, 2);
    if draft.dice.chance(600_000) {
        draft.structure(start + HOUR, mules[1]);
    }
}

/// One lonely person, one payee, and larger sums each time.
fn romance(draft: &mut Draft<'_>, start: i64) {
    let mule = draft.mule(CastRole::Collector);
    let mut cents = draft.dice.between(70, 220) * 1_000;
    let victim = draft.victim(cents * 12);
    let mut at = start;
    for _ in 0..draft.dice.between(3, 4) {
        draft.pay(at, victim, mule, Sum::Cents(cents), TransactionRole::VictimPayment, Note::Affection);
        cents = cents * draft.dice.between(132, 175) / 100;
        at += draft.dice.between(3 * HOUR, 9 * HOUR);
    }
    at += draft.minutes(5, 60);
    if draft.dice.chance(500_000) {
        draft.cash_out(at, mule, 3);
    }
    draft.send_away(at + 4 * HOUR, mule);
}
