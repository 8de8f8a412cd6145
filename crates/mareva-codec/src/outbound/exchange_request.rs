//! A freeze request to an exchange or a token issuer, as JSON.

use mareva_model::alert::{Action, Alert, AmountBasis, ChainReferences, PartyRef, Target};
use mareva_model::{Fault, Refusal, format_time};
use serde::Serialize;

use super::request_id;

/// Format of the request.
const FORMAT: &str = "mareva.exchange-request/1";

/// What an exchange needs to find and freeze the money. Amounts are decimal text, times RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExchangeRequest {
    /// `mareva.exchange-request/1`.
    pub format: &'static str,
    /// Id of the request, 32 hex digits.
    pub request_id: String,
    /// The alert behind it.
    pub alert_id: String,
    /// Its revision.
    pub revision: u32,
    /// When it was written.
    pub created: String,
    /// ISO 20022 reason code.
    pub reason_code: String,
    /// Whose law the requester acts under.
    pub jurisdiction: Option<String>,
    /// Law, order or programme.
    pub legal_basis: Option<String>,
    /// Until when to hold, unless an authority asks for longer.
    pub expires_at: Option<String>,
    /// Account or wallet that received the money, canonical.
    pub account: String,
    /// Institution that keeps it, where known: `vasp:…`.
    pub agent: Option<String>,
    /// How to find the transfer.
    pub transfer: ChainReferences,
    /// When it happened.
    pub event_time: String,
    /// Asset or currency of the amounts.
    pub currency: Option<String>,
    /// Original amount.
    pub amount: Option<String>,
    /// How much of it to freeze.
    pub freeze_amount: String,
    /// What that rests on.
    pub amount_basis: Option<AmountBasis>,
    /// Payer.
    pub originator: PartyRef,
    /// Receiver.
    pub beneficiary: PartyRef,
    /// What the requester does not know.
    pub missing: Vec<String>,
}

/// The freeze request for a target that is a transfer of an exchange or on a chain. `created` is the time of writing in
/// UTC milliseconds.
///
/// # Errors
/// A [`Refusal`] that lists why this target makes no such request.
pub fn exchange_request(alert: &Alert, target: &Target, created: i64) -> Result<ExchangeRequest, Refusal> {
    let mut faults = Vec::new();
    if target.action != Action::Recall {
        faults.push(Fault::new(
            "target.action",
            "it is not a recall",
            "only money that left us is asked for elsewhere",
        ));
    }
    let absent = |place: &str| Fault::new(place, "it is not known", "ask for it by hand");
    if target.chain.is_none() {
        faults.push(Fault::new("target.chain", "it is a bank payment", "recall it with camt.056"));
    }
    if target.account.is_none() {
        faults.push(absent("target.account"));
    }
    if target.recommended_amount.is_none() {
        faults.push(absent("target.recommended_amount"));
    }
    let (Some(transfer), Some(account), Some(freeze_amount), true) =
        (target.chain.clone(), target.account.clone(), target.recommended_amount.clone(), faults.is_empty())
    else {
        return Err(Refusal(faults));
    };
    Ok(ExchangeRequest {
        format: FORMAT,
        request_id: request_id(alert, target),
        alert_id: alert.alert_id.clone(),
        revision: alert.revision,
        created: format_time(created),
        reason_code: alert.reason_code.clone(),
        jurisdiction: alert.jurisdiction.clone(),
        legal_basis: alert.legal_basis.clone(),
        expires_at: alert.expires_at.map(format_time),
        account,
        agent: target.agent.clone(),
        transfer,
        event_time: format_time(target.event_time),
        currency: target.currency.clone(),
        amount: target.amount.clone(),
        freeze_amount,
        amount_basis: target.amount_basis,
        originator: target.originator.clone(),
        beneficiary: target.beneficiary.clone(),
        missing: target.missing.clone(),
    })
}
