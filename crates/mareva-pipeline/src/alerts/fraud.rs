//! Targets of a fraud alert: the suspect money still on the subject's account, the payments that carried it on, and the
//! payments of a victim.

use std::collections::{BTreeMap, BTreeSet};

use mareva_model::alert::{Action, AmountBasis, Target};
use mareva_model::{Amount, Kind, Prepared, ReferenceAmount, Text};
use mareva_monitoring::{Direction, RowNumber, TransactionView};

use super::config::{Standing, effective, is_collective};
use super::contribution::{Side, identities, role_of, side_of};
use super::draft::{Scene, Yield};
use super::fifo::{self, Flow, Leg};
use super::onward::Payers;
use super::place::{Sum, account_apart, account_target, amount_text, kept_by, payment_target};
use super::returns::{Originals, gives_back, is_return, returned};
use super::share::{places, share, share_text};
use super::suspicion::Suspicion;
use super::{onward, own_accounts, told_twice};

/// Movements of one account that are followed; an account with more of them in a window is nobody's mule account.
const MAX_LEGS: usize = 20_000;

/// The movements of an account with what the queue needs to know of them.
pub(super) struct Account<'a> {
    pub(super) legs: Vec<Leg>,
    pub(super) views: Vec<TransactionView<'a>>,
    /// Returns of payments that are not known.
    pub(super) strays: BTreeSet<RowNumber>,
    pub(super) opening: i64,
    /// Who keeps it, by the last movement that names us as its agent.
    agent: Option<&'a str>,
}

/// Targets and sums of the fraud alert on `subject`.
pub(super) fn targets(scene: &Scene<'_>, subject: &str, suspicion: &Suspicion, shielded: bool) -> Yield {
    let mut found = Yield::default();
    let nothing = suspicion.received.is_empty() && suspicion.rows.is_empty();
    if !suspicion.collective && !shielded && !nothing {
        on_subject(scene, subject, suspicion, &mut found);
    }
    if !suspicion.collective && !suspicion.payees.is_empty() {
        paid_by_victim(scene, subject, suspicion, &mut found);
    }
    named(scene, subject, suspicion, &mut found);
    found
}

/// What a hit names without a sign of suspect money: a payment to the subject, or the subject's account where it pays. Whom
/// it pays has done nothing, and may be a victim who is being baited.
fn named(scene: &Scene<'_>, subject: &str, suspicion: &Suspicion, found: &mut Yield) {
    let institution = &scene.config.institution;
    let mut paying: Option<Target> = None;
    let mut rows: Vec<_> =
        suspicion.named.iter().filter_map(|(row, action)| Some((scene.rows.transaction(*row)?, action))).collect();
    rows.sort_by_key(|(view, _)| (view.event_time(), view.text(Text::RowId)));
    for (view, action) in rows {
        let (action, standing) = ((*action).min(Action::Review), institution.standing(&view));
        match side_of(&view, subject) {
            Some(Side::Receiver) => found.add(payment_target(&view, action, standing, Sum::default())),
            Some(Side::Payer) => {
                let role = institution.role_at(&view, Side::Payer).unwrap_or(standing.role);
                let mut target = account_target(&view, subject, action, Standing { role, ..standing });
                let known = paying.take().into_iter().flat_map(|target| target.row_ids);
                let row_id = view.text(Text::RowId).map(str::to_owned);
                target.row_ids = known.chain(row_id).take(Target::MAX_ROWS).collect();
                paying = Some(target);
            }
            None => {}
        }
    }
    if !found.names(subject) {
        found.extend(paying);
    }
    // Their payments are not retained, so there is no sum to ask for.
    for (party, event_time, action) in &suspicion.apart {
        let standing = institution.keeping(&party.account, party.agent.as_deref());
        let target =
            standing.map(|standing| account_apart(party, *event_time, (*action).min(Action::Report), standing));
        found.extend(target.filter(|_| !found.names(&party.account)));
    }
}

/// Reads the movements of an account; `None` where there are too many to follow.
pub(super) fn account<'a>(scene: &Scene<'a>, name: &str, from: i64, to: i64) -> Option<Account<'a>> {
    let movements = scene.rows.movements(name, from, to);
    if movements.len() > MAX_LEGS {
        return None;
    }
    let originals = Originals::among(scene, &movements);
    let mut found = Account { legs: Vec::new(), views: Vec::new(), strays: BTreeSet::new(), opening: 0, agent: None };
    for movement in &movements {
        let Some(view) = scene.rows.transaction(movement.row) else { continue };
        if view.text(Text::Originator) == view.text(Text::Beneficiary) {
            continue;
        }
        let out = movement.direction == Direction::Out;
        let before = opening(&view, out);
        if found.legs.is_empty() {
            found.opening = before.unwrap_or(0);
        }
        found.agent = our_keeping(scene, name, &view, out).map(|(agent, _)| agent).or(found.agent);
        let named = originals.named(&view);
        if named.is_none() && is_return(&view) {
            found.strays.insert(movement.row);
        }
        let original = named.filter(|(_, paid)| gives_back(&view, paid));
        let amount = original.and_then(|(_, paid)| returned(&paid, &view)).or(movement.amount_ref);
        let overdrawn = before.filter(|_| !out).map_or(0, |before| before.saturating_neg().max(0));
        found.legs.push(Leg { row: movement.row, out, amount, reverses: original.map(|(row, _)| row), overdrawn });
        found.views.push(view);
    }
    told_twice::leave_one(name, &mut found.legs, &mut found.views);
    Some(found)
}

/// Where we stand in a payment, and who keeps the account of its beneficiary where other records of that account say so: a
/// record of an exchange does not name the bank that it pays out to.
pub(super) fn standing_at_payee<'a>(
    scene: &Scene<'a>,
    view: &TransactionView<'a>,
    until: i64,
) -> (Standing, Option<&'a str>) {
    let standing = scene.config.institution.standing(view);
    let unnamed = standing.reach != Action::Hold && view.text(Text::BeneficiaryAgent).is_none();
    let payee = view.text(Text::Beneficiary).filter(|payee| unnamed && payee.starts_with("iban:"));
    let keeper = |payee: &str| {
        let movements = scene.rows.movements(payee, scene.rows_from, until);
        movements.iter().rev().take(MAX_LEGS).find_map(|movement| {
            let view = scene.rows.transaction(movement.row)?;
            let (agent, standing) = our_keeping(scene, payee, &view, movement.direction == Direction::Out)?;
            Some((standing, Some(agent)))
        })
    };
    payee.and_then(keeper).unwrap_or((standing, None))
}

/// Who keeps the account on one side of a payment, as that says, and where we stand to it; `None` where that is not us.
fn our_keeping<'a>(
    scene: &Scene<'_>,
    account: &str,
    view: &TransactionView<'a>,
    out: bool,
) -> Option<(&'a str, Standing)> {
    let agent = view.text(if out { Text::OriginatorAgent } else { Text::BeneficiaryAgent })?;
    Some((agent, scene.config.institution.keeping(account, Some(agent))?))
}

/// What was on the account before a movement, from the balance after it, where that was told.
fn opening(view: &TransactionView<'_>, out: bool) -> Option<i64> {
    let amount = view.amount_ref()?;
    if out {
        view.prepared_amount(Prepared::OriginatorBalanceRef)?.checked_add(amount)
    } else {
        view.prepared_amount(Prepared::BeneficiaryBalanceRef)?.checked_sub(amount)
    }
}

/// Money received by the subject: what is left of it, and where the rest went.
fn on_subject(scene: &Scene<'_>, subject: &str, suspicion: &Suspicion, found: &mut Yield) {
    let first_row = suspicion.rows.keys().filter_map(|row| scene.rows.transaction(*row)).map(|view| view.event_time());
    let from = first_row.min().map_or(suspicion.from, |time| time.min(suspicion.from)).max(scene.rows_from);
    let Some(account) = account(scene, subject, from, suspicion.until) else { return };
    let mut actions: BTreeMap<RowNumber, Action> = BTreeMap::new();
    let mut suspect: BTreeMap<RowNumber, i64> = BTreeMap::new();
    let mut payers = Payers::default();
    let mut views: BTreeMap<RowNumber, TransactionView<'_>> = BTreeMap::new();
    let came_back = own_accounts::came_back(scene, subject, &account, suspicion.until);
    for (leg, view) in account.legs.iter().zip(&account.views).filter(|(leg, _)| !leg.out) {
        let listed = suspicion.rows.get(&leg.row).copied();
        // Money that comes back is the account's own, and wages are nobody's loot.
        let ordinary = is_return(view) || view.prepared_text(Prepared::OriginatorRole) == Some("payroll");
        let window = suspicion.received.at(view.event_time()).filter(|_| !ordinary);
        let Some(action) = listed.max(window) else { continue };
        // Nor is it suspect a second time when it comes back from another account of the same holder.
        let own: i64 = came_back.get(&leg.row).into_iter().flatten().map(|(_, part)| part).sum();
        match leg.amount.filter(|amount| *amount > 0) {
            Some(amount) if amount <= own => {}
            Some(amount) => {
                let amount = amount - own;
                actions.insert(leg.row, action);
                suspect.insert(leg.row, amount);
                views.insert(leg.row, *view);
                // Who gives back what he was paid has not paid in.
                if let Some(payer) = view.text(Text::Originator).filter(|_| !is_return(view)) {
                    payers.pay_in(identities(payer, Some(view)), amount);
                }
            }
            None => unmeasured(scene, view, action, found),
        }
    }
    let named = account
        .legs
        .iter()
        .zip(&account.views)
        .rev()
        .find_map(|(leg, view)| view.text(if leg.out { Text::OriginatorName } else { Text::BeneficiaryName }));
    found.name = named.map(str::to_owned);
    let flow = fifo::run_with(&account.legs, &suspect, account.opening, &came_back);
    left_on_account(scene, (subject, account.agent), (&flow, &actions, &views), found);
    onward::carried_on(scene, subject, &account, (&flow, &actions), (&mut payers, suspicion.until), found);
    found.see(scene, &flow);
    found.count(&flow);
}

/// A suspect payment without an amount in the reference currency can be named, not measured.
fn unmeasured(scene: &Scene<'_>, view: &TransactionView<'_>, action: Action, found: &mut Yield) {
    let standing = scene.config.institution.standing(view);
    found.add(payment_target(view, action.min(Action::Report), standing, Sum::default()));
}

type Lots<'a, 'b> = (&'b Flow, &'b BTreeMap<RowNumber, Action>, &'b BTreeMap<RowNumber, TransactionView<'a>>);

/// What is left: on our account one target a currency, on an account elsewhere one recall a payment.
fn left_on_account(
    scene: &Scene<'_>,
    (subject, agent): (&str, Option<&str>),
    (flow, actions, views): Lots<'_, '_>,
    found: &mut Yield,
) {
    let left: Vec<_> = flow.lots.iter().filter(|(_, lot)| lot.remaining > 0).collect();
    let Some(strongest) = left.iter().filter_map(|(row, _)| actions.get(row)).max().copied() else { return };
    if strongest < Action::Report {
        return;
    }
    let mut by_currency: BTreeMap<&str, Vec<(&RowNumber, &fifo::Lot)>> = BTreeMap::new();
    for (row, lot) in left.into_iter().filter(|(row, _)| actions.get(row) == Some(&strongest)) {
        let Some(view) = views.get(row) else { continue };
        let standing = scene.config.institution.standing(view);
        // A record of an exchange does not say who keeps the account, and other records do.
        let agent = view.text(Text::BeneficiaryAgent).or(agent);
        if scene.config.institution.keeping(subject, agent).is_some() {
            by_currency.entry(view.text(Text::Currency).unwrap_or_default()).or_default().push((row, lot));
            continue;
        }
        let action = effective(strongest, standing.reach, role_of(view, Side::Receiver));
        let whole = lot.remaining >= lot.whole;
        let sum = Sum {
            native: share_text(view, lot.remaining, lot.whole),
            reference: Some(lot.remaining),
            basis: Some(if whole { AmountBasis::Payment } else { AmountBasis::WindowFifo }),
        };
        found.add(payment_target(view, action, standing, sum));
    }
    for (currency, mut lots) in by_currency {
        lots.sort_by_key(|(row, _)| views.get(row).map(|view| (view.event_time(), view.text(Text::RowId))));
        let Some(last) = lots.last().and_then(|(row, _)| views.get(row)) else { continue };
        let agent = last.text(Text::BeneficiaryAgent).or(agent);
        let Some(standing) = scene.config.institution.keeping(subject, agent) else { continue };
        let action = effective(strongest, standing.reach, role_of(last, Side::Receiver));
        let mut target = account_target(last, subject, action, standing);
        target = kept_by(target, agent);
        let rows = lots.iter().filter_map(|(row, _)| views.get(row)?.text(Text::RowId));
        target.row_ids = rows.take(Target::MAX_ROWS).map(str::to_owned).collect();
        target.currency = Some(currency.to_owned());
        let held = |amount: fn(&TransactionView<'_>, &fifo::Lot) -> Option<i128>| {
            lots.iter().try_fold(0_i128, |sum, (row, lot)| sum.checked_add(amount(views.get(row)?, lot)?))
        };
        target.amount = held(|view, _| view.amount()).map(|sum| Amount(sum).to_string());
        let left = held(|view, lot| Some(share(view.amount()?, lot.remaining, lot.whole, places(view))));
        let reference: i64 = lots.iter().map(|(_, lot)| lot.remaining).sum();
        if left == Some(0) {
            continue;
        }
        target.recommended_amount = left.map(|sum| Amount(sum).to_string());
        target.amount_basis = left.map(|_| AmountBasis::WindowFifo);
        target.recommended_reference = Some(ReferenceAmount(reference).to_string());
        target.reachable_amount = target.recommended_amount.clone().filter(|_| !flow.uncertain);
        found.add(target);
    }
}

/// Money that is no longer where it was paid to is not held there: the account's own would be.
pub(super) fn where_left(action: Action, left: Option<i64>) -> Action {
    if left == Some(0) { action.min(Action::Report) } else { action }
}

/// Role of the receiver; whoever takes a card payment is a merchant, named so or not.
pub(super) fn payee_role<'a>(view: &TransactionView<'a>) -> Option<&'a str> {
    let named = role_of(view, Side::Receiver);
    let card = view.text(Text::Kind) == Some(Kind::CardPayment.as_str());
    let shop = view.text(Text::Beneficiary).is_some_and(|account| account.starts_with("merchant:"));
    named.filter(|role| is_collective(Some(role))).or(if card || shop { Some("merchant") } else { named })
}

/// `row_id` and suspect share of payments to one account.
type PaidShares<'a> = BTreeMap<RowNumber, (&'a str, i64)>;

/// How much of each suspect share is still on its beneficiary's account, by `row_id`, where we keep that account.
pub(super) fn reachable<'a>(
    scene: &Scene<'a>,
    paid: impl Iterator<Item = (TransactionView<'a>, Standing, i64)>,
    until: i64,
    found: &mut Yield,
) -> BTreeMap<String, i64> {
    let mut by_payee: BTreeMap<&'a str, (i64, PaidShares<'a>)> = BTreeMap::new();
    for (view, _, part) in paid.filter(|(_, standing, _)| standing.reach == Action::Hold) {
        let (Some(payee), Some(row_id)) = (view.text(Text::Beneficiary), view.text(Text::RowId)) else { continue };
        let Some(row) = scene.rows.find(row_id).filter(|_| !is_collective(payee_role(&view))) else { continue };
        let entry = by_payee.entry(payee).or_insert((view.event_time(), BTreeMap::new()));
        entry.0 = entry.0.min(view.event_time());
        entry.1.insert(row, (row_id, part));
    }
    let mut still = BTreeMap::new();
    for (payee, (from, parts)) in by_payee {
        let Some(account) = account(scene, payee, from, until) else { continue };
        let suspect = parts.iter().map(|(row, (_, part))| (*row, *part)).collect();
        let flow = fifo::run(&account.legs, &suspect, account.opening);
        found.see(scene, &flow);
        if flow.uncertain {
            continue;
        }
        for (row, (row_id, _)) in parts {
            let left = flow.lots.get(&row).map_or(0, |lot| lot.remaining);
            still.insert(row_id.to_owned(), left);
        }
    }
    still
}

/// What a victim paid to the accounts that the detections name: each payment at its beneficiary, less what came back.
fn paid_by_victim(scene: &Scene<'_>, subject: &str, suspicion: &Suspicion, found: &mut Yield) {
    let movements = scene.rows.movements(subject, suspicion.from, suspicion.until);
    if movements.len() > MAX_LEGS {
        return;
    }
    // Hundredths of the reference currency by payment, and when the last of it came.
    let mut back: BTreeMap<RowNumber, (i64, i64)> = BTreeMap::new();
    let mut paid: Vec<Paid<'_>> = Vec::new();
    let originals = Originals::among(scene, &movements);
    for movement in &movements {
        let Some(view) = scene.rows.transaction(movement.row) else { continue };
        if movement.direction == Direction::In {
            let named = originals.named(&view).filter(|(_, paid)| gives_back(&view, paid));
            let Some((row, paid)) = named else { continue };
            let came = back.entry(row).or_default();
            came.0 = came.0.saturating_add(returned(&paid, &view).or(movement.amount_ref).unwrap_or(0));
            came.1 = view.event_time();
            continue;
        }
        let Some(action) = suspicion.paid.at(view.event_time()) else { continue };
        let payee = view.text(Text::Beneficiary).unwrap_or_default();
        if !suspicion.payees.contains(payee) || same_holder(&view) || is_return(&view) {
            continue;
        }
        let (standing, keeper) = standing_at_payee(scene, &view, suspicion.until);
        let whole = view.amount_ref().filter(|amount| *amount > 0);
        paid.push(Paid { row: movement.row, view, standing, keeper, action, whole, left: whole });
    }
    for payment in &mut paid {
        let (came_back, last) = back.get(&payment.row).copied().unwrap_or_default();
        found.as_of = found.as_of.max(last);
        payment.left = payment.whole.map(|whole| (whole - came_back).max(0));
        found.came_back = found.came_back.saturating_add(payment.whole.unwrap_or(0) - payment.left.unwrap_or(0));
        found.paid = Some(found.paid.unwrap_or(0).saturating_add(payment.whole.unwrap_or(0)));
    }
    // What came back takes part here too.
    let seen = paid.iter().filter_map(|payment| Some((payment.view, payment.standing, payment.whole?)));
    let still = reachable(scene, seen, suspicion.until, found);
    for payment in paid.into_iter().filter(|payment| payment.left != Some(0)) {
        found.add(payment.target(&still));
    }
}

/// A payment of a victim.
struct Paid<'a> {
    row: RowNumber,
    view: TransactionView<'a>,
    standing: Standing,
    keeper: Option<&'a str>,
    action: Action,
    /// Hundredths of the reference currency, where known ...
    whole: Option<i64>,
    /// ... and what of it has not come back.
    left: Option<i64>,
}

impl Paid<'_> {
    /// The target, with what is still on the account of its beneficiary (by `row_id`).
    fn target(&self, still: &BTreeMap<String, i64>) -> Target {
        let (view, share_of) = (&self.view, |part: i64| share_text(&self.view, part, self.whole?));
        let complete = self.left == self.whole;
        let sum = Sum {
            native: if complete { amount_text(view) } else { self.left.and_then(share_of) },
            reference: self.left,
            basis: Some(if complete { AmountBasis::Payment } else { AmountBasis::WindowFifo }),
        };
        let action = effective(self.action, self.standing.reach, payee_role(view));
        let left = view.text(Text::RowId).and_then(|row_id| still.get(row_id));
        let left = left.and_then(|left| Some((*left).min(self.left?)));
        let mut target = kept_by(payment_target(view, where_left(action, left), self.standing, sum), self.keeper);
        target.reachable_amount = left.and_then(share_of);
        target
    }
}

/// Whether payer and receiver are the same person: the same customer, or the bank account linked to the exchange account.
pub(super) fn same_holder(view: &TransactionView<'_>) -> bool {
    let customers =
        (view.prepared_text(Prepared::OriginatorCustomer), view.prepared_text(Prepared::BeneficiaryCustomer));
    let linked = view.text(Text::LinkedAccount);
    let accounts = [view.text(Text::Originator), view.text(Text::Beneficiary)];
    matches!(customers, (Some(payer), Some(receiver)) if payer == receiver)
        || (linked.is_some() && accounts.contains(&linked))
}
