//! Targets filled from the payment behind them.

use mareva_model::alert::{Action, AmountBasis, ChainReferences, PartyRef, PaymentReferences, Target, TargetKind};
use mareva_model::identifier::without_tag;
use mareva_model::{Amount, Kind, PartyApart, Prepared, ReferenceAmount, Text, is_told_by_banks};
use mareva_monitoring::TransactionView;

use super::config::{Standing, exchange_of, uid_of};

/// An amount to restrain: in the payment's currency and in the reference currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) native: Option<String>,
    pub(super) reference: Option<i64>,
    pub(super) basis: Option<AmountBasis>,
}

/// Whether it is a payment of the bank stream.
pub(super) fn is_bank(view: &TransactionView<'_>) -> bool {
    view.text(Text::Kind).is_some_and(is_told_by_banks)
}

fn own(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn payer(view: &TransactionView<'_>) -> PartyRef {
    PartyRef {
        account: own(view.text(Text::Originator)),
        name: own(view.text(Text::OriginatorName)),
        agent: own(view.text(Text::OriginatorAgent)),
        country: own(view.text(Text::OriginatorCountry)),
    }
}

fn receiver(view: &TransactionView<'_>) -> PartyRef {
    PartyRef {
        account: own(view.text(Text::Beneficiary)),
        name: own(view.text(Text::BeneficiaryName)),
        agent: own(view.text(Text::BeneficiaryAgent)),
        country: own(view.text(Text::BeneficiaryCountry)),
    }
}

/// The payment's own amount as text: the number, or what was written where the number does not fit.
pub(super) fn amount_text(view: &TransactionView<'_>) -> Option<String> {
    view.amount().map(|amount| Amount(amount).to_string()).or_else(|| own(view.text(Text::AmountText)))
}

fn is_cash_withdrawal(view: &TransactionView<'_>) -> bool {
    view.text(Text::Kind) == Some(Kind::CashWithdrawal.as_str())
}

/// A payment, to be restrained or reported at its beneficiary; cash drawn is at the account that it was drawn from.
pub(super) fn payment_target(view: &TransactionView<'_>, action: Action, standing: Standing, sum: Sum) -> Target {
    let (originator, beneficiary) = (payer(view), receiver(view));
    let (party, customer) = if beneficiary.account.is_none() && is_cash_withdrawal(view) {
        (&originator, Prepared::OriginatorCustomer)
    } else {
        (&beneficiary, Prepared::BeneficiaryCustomer)
    };
    let (account, agent) = (party.account.clone(), party.agent.clone());
    let asks = action >= Action::Report;
    let mut target = Target {
        kind: TargetKind::Payment,
        action,
        our_role: standing.role,
        account,
        agent,
        customer: own(view.prepared_text(customer)),
        originator,
        beneficiary,
        row_ids: view.text(Text::RowId).map(str::to_owned).into_iter().collect(),
        event_time: view.event_time(),
        amount: amount_text(view),
        currency: own(view.text(Text::Currency)),
        recommended_amount: sum.native.filter(|_| asks),
        amount_basis: sum.basis.filter(|_| asks),
        recommended_reference: sum.reference.filter(|_| asks).map(|cents| ReferenceAmount(cents).to_string()),
        reachable_amount: None,
        payment: is_bank(view).then(|| payment_references(view)),
        chain: (!is_bank(view)).then(|| chain_references(view)),
        missing: Vec::new(),
    };
    if target.recommended_amount.is_none() {
        target.amount_basis = None;
    }
    target
}

/// The target, at an account that `keeper` keeps, though the payment itself may not say so.
pub(super) fn kept_by(mut target: Target, keeper: Option<&str>) -> Target {
    if keeper.is_some() {
        target.agent = own(keeper);
        target.beneficiary.agent.clone_from(&target.agent);
    }
    target
}

/// Money on an account, described by the last payment that brought some of it (`view`).
pub(super) fn account_target(view: &TransactionView<'_>, account: &str, action: Action, standing: Standing) -> Target {
    let side = super::contribution::side_of(view, account);
    let on_payer = side == Some(super::contribution::Side::Payer);
    let (holder, customer) = if on_payer {
        (payer(view), Prepared::OriginatorCustomer)
    } else {
        (receiver(view), Prepared::BeneficiaryCustomer)
    };
    let chain = (!is_bank(view)).then(|| ChainReferences {
        exchange: exchange_of(account).map(str::to_owned),
        exchange_uid: uid_of(account).map(str::to_owned),
        linked_account: own(view.text(Text::LinkedAccount)),
        network: own(view.text(Text::Network)),
        asset_contract: own(view.text(Text::AssetContract)),
        ..ChainReferences::default()
    });
    let customer = own(view.prepared_text(customer));
    account_of(holder, account, customer, (view.event_time(), action, standing), chain)
}

/// An account of which no retained transaction tells: that of a party whose transaction, of this time, was not accepted.
pub(super) fn account_apart(party: &PartyApart, event_time: i64, action: Action, standing: Standing) -> Target {
    let chain = exchange_of(&party.account).map(|exchange| ChainReferences {
        exchange: own(Some(exchange)),
        exchange_uid: own(uid_of(&party.account)),
        ..ChainReferences::default()
    });
    let holder = PartyRef {
        account: own(Some(&party.account)),
        name: party.name.clone(),
        agent: party.agent.clone(),
        country: party.country.clone(),
    };
    account_of(holder, &party.account, party.customer.clone(), (event_time, action, standing), chain)
}

/// An account as a target, without a sum.
fn account_of(
    holder: PartyRef,
    account: &str,
    customer: Option<String>,
    (event_time, action, standing): (i64, Action, Standing),
    chain: Option<ChainReferences>,
) -> Target {
    Target {
        kind: TargetKind::Account,
        action,
        our_role: standing.role,
        account: own(Some(account)),
        agent: holder.agent.clone(),
        customer,
        originator: PartyRef::default(),
        beneficiary: holder,
        row_ids: Vec::new(),
        event_time,
        amount: None,
        currency: None,
        recommended_amount: None,
        amount_basis: None,
        recommended_reference: None,
        reachable_amount: None,
        payment: None,
        chain,
        missing: Vec::new(),
    }
}

fn payment_references(view: &TransactionView<'_>) -> PaymentReferences {
    PaymentReferences {
        msg_id: own(view.text(Text::MsgId)),
        msg_name_id: own(view.text(Text::MsgNameId)),
        instr_id: own(view.text(Text::InstrId)),
        end_to_end_id: own(view.text(Text::EndToEndId)),
        tx_id: own(view.text(Text::TxId)),
        uetr: own(view.text(Text::Uetr)),
        clearing_ref: own(view.text(Text::ClearingRef)),
        settlement_amount: own(view.text(Text::SettlementAmount)),
        settlement_currency: own(view.text(Text::SettlementCurrency)),
        settlement_date: own(view.text(Text::SettlementDate)),
    }
}

/// The exchange's own account first on the receiving side: that is where the money is.
fn chain_references(view: &TransactionView<'_>) -> ChainReferences {
    let sides = [view.text(Text::Beneficiary), view.text(Text::Originator)];
    let user = sides.into_iter().flatten().find(|account| exchange_of(account).is_some());
    let wallet = sides.into_iter().flatten().find_map(bare_address);
    let agents = [view.text(Text::BeneficiaryAgent), view.text(Text::OriginatorAgent)];
    let vasp = agents.into_iter().flatten().find_map(|agent| agent.strip_prefix("vasp:"));
    ChainReferences {
        network: own(view.text(Text::Network)),
        asset_contract: own(view.text(Text::AssetContract)),
        tx_hash: own(view.text(Text::TxHash)),
        log_index: view.log_index(),
        address: wallet.map(|(address, _)| address.to_owned()),
        tag: wallet.and_then(|(_, tag)| own(tag)),
        exchange: own(user.and_then(exchange_of).or(vasp)),
        exchange_uid: own(user.and_then(uid_of)),
        tx_id: own(view.text(Text::TxId)),
        linked_account: own(view.text(Text::LinkedAccount)),
    }
}

/// The address and tag of a canonical wallet, as one writes it on its chain; `None` for accounts at banks and exchanges.
fn bare_address(canonical: &str) -> Option<(&str, Option<&str>)> {
    let (scheme, rest) = canonical.split_once(':')?;
    if matches!(scheme, "iban" | "acct" | "exch" | "bic" | "vasp" | "merchant" | "phone" | "clearing") {
        return None;
    }
    let whole = without_tag(canonical);
    let tag = canonical.get(whole.len()..).and_then(|tag| tag.strip_prefix('#'));
    let rest = rest.get(..rest.len() - (canonical.len() - whole.len())).unwrap_or(rest);
    let address = match scheme {
        "eip155" => rest.split_once(':').map_or(rest, |(_, address)| address),
        "chain" => rest.split_once('/').map_or(rest, |(_, address)| address),
        _ => rest,
    };
    Some((address, tag))
}

/// Whether an asset on this chain is a token, which only its contract tells from others of the same ticker.
fn needs_contract(scheme: Option<&str>, currency: Option<&str>) -> bool {
    let coin = currency.is_none_or(|ticker| matches!(ticker, "ETH" | "TRX" | "BNB" | "POL" | "MATIC" | "AVAX"));
    matches!(scheme, Some("eip155" | "tron")) && !coin
}

/// Names the fields that a recipient would look for and that nobody told us. What does not exist (the contract of a coin,
/// the hash of bank money) is not missing.
pub(super) fn name_missing(target: &mut Target) {
    let mut missing: Vec<&'static str> = Vec::new();
    let mut need = |absent: bool, name: &'static str| {
        if absent {
            missing.push(name);
        }
    };
    need(target.account.is_none(), "account");
    need(target.agent.is_none(), "agent");
    // Whoever keeps the account knows whose it is.
    let kept = matches!(target.action, Action::Hold | Action::Block);
    need(kept && target.customer.is_none(), "customer");
    let (payment, originator, beneficiary) =
        (target.kind == TargetKind::Payment, &target.originator, &target.beneficiary);
    need(payment && originator.account.is_none(), "originator.account");
    need(payment && originator.name.is_none(), "originator.name");
    need(payment && originator.agent.is_none(), "originator.agent");
    need(payment && originator.country.is_none(), "originator.country");
    need(payment && beneficiary.account.is_none(), "beneficiary.account");
    need(beneficiary.name.is_none(), "beneficiary.name");
    need(payment && beneficiary.agent.is_none(), "beneficiary.agent");
    need(beneficiary.country.is_none(), "beneficiary.country");
    let whole = target.amount_basis == Some(AmountBasis::AllProperty);
    need(!whole && target.amount.is_none(), "amount");
    need(!whole && target.currency.is_none(), "currency");
    let measured = !whole && target.action >= Action::Report;
    need(measured && target.recommended_amount.is_none(), "recommended_amount");
    need(measured && target.recommended_reference.is_none(), "recommended_reference");
    need(measured && target.reachable_amount.is_none(), "reachable_amount");
    if let Some(payment) = &target.payment {
        need(payment.msg_id.is_none(), "payment.msg_id");
        need(payment.msg_name_id.is_none(), "payment.msg_name_id");
        need(payment.instr_id.is_none(), "payment.instr_id");
        need(payment.end_to_end_id.is_none(), "payment.end_to_end_id");
        need(payment.tx_id.is_none(), "payment.tx_id");
        need(payment.uetr.is_none(), "payment.uetr");
        need(payment.clearing_ref.is_none(), "payment.clearing_ref");
        need(payment.settlement_amount.is_none(), "payment.settlement_amount");
        need(payment.settlement_currency.is_none(), "payment.settlement_currency");
        need(payment.settlement_date.is_none(), "payment.settlement_date");
    }
    if let Some(chain) = target.chain.as_ref().filter(|_| payment) {
        let wallet =
            [&beneficiary.account, &originator.account].into_iter().flatten().find(|a| bare_address(a).is_some());
        let scheme = wallet.and_then(|wallet| wallet.split_once(':')).map(|(scheme, _)| scheme);
        let token = chain.asset_contract.is_some() || needs_contract(scheme, target.currency.as_deref());
        need(chain.network.is_none(), "chain.network");
        need(chain.address.is_some() && chain.tx_hash.is_none(), "chain.tx_hash");
        need(token && chain.asset_contract.is_none(), "chain.asset_contract");
        need(token && chain.log_index.is_none(), "chain.log_index");
        need(matches!(scheme, Some("xrp" | "xlm" | "iost")) && chain.tag.is_none(), "chain.tag");
        need(chain.exchange.is_none(), "chain.exchange");
        need(chain.exchange_uid.is_none(), "chain.exchange_uid");
    }
    target.missing = missing.into_iter().map(str::to_owned).collect();
}
