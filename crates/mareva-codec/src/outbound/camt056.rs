//! camt.056.001.08, FIToFIPaymentCancellationRequest: the recall of one bank payment.

use mareva_model::alert::{Action, Alert, OurRole, PartyRef, PaymentReferences, Target};
use mareva_model::{Amount, Fault, Refusal, format_time};
use quick_xml::escape::escape;

use super::request_id;

/// The namespace of the message.
const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.056.001.08";

/// XML text under construction, and what stands in its way.
#[derive(Debug, Default)]
struct Message {
    xml: String,
    faults: Vec<Fault>,
}

/// The recall of a payment, as XML that validates against `camt.056.001.08.xsd`. `created` is the time of writing in UTC
/// milliseconds. `bics` are those of the institution that asks, the first one for its messages; none where it is no bank. It
/// assigns the request and creates the case: as the debtor's agent under the BIC that the payment left with, else under its
/// own. Whoever is no bank asks in the name of the debtor's agent. References are the original payment's, untouched; a
/// reference that the payment did not have is left out.
///
/// # Errors
/// A [`Refusal`] that lists every value that the message cannot hold, and what is missing.
pub fn camt056(alert: &Alert, target: &Target, bics: &[String], created: i64) -> Result<String, Refusal> {
    let mut message = Message::default();
    if target.action != Action::Recall {
        message.fault(
            "target.action",
            "it is not a recall",
            "only payments that left for another institution are recalled",
        );
    }
    let Some(payment) = &target.payment else {
        message.fault("target.payment", "it is not a bank payment", "ask the exchange instead");
        return Err(Refusal(message.faults));
    };
    let id = request_id(alert, target);
    let debtor_agent = target.originator.agent.as_deref();
    let own = bics.first().map(|bic| format!("bic:{}", bic.strip_prefix("bic:").unwrap_or(bic)));
    let (us, place) = match (own.as_deref(), debtor_agent) {
        (None, _) => (debtor_agent, "target.originator.agent"),
        (Some(_), Some(agent)) if target.our_role == OurRole::DebtorAgent => (Some(agent), "target.originator.agent"),
        (own, _) => (own, "institution.bics"),
    };
    if let Some(own) = own.as_deref().filter(|own| !own.strip_prefix("bic:").is_some_and(is_bic)) {
        let place = "institution.bics";
        message.fault(place, &format!("the first one, {own:?}, is no BIC"), "write 8 or 11 capital letters and digits");
    }
    message.xml.push_str(r#"<?xml version="1.0" encoding="UTF-8"?>"#);
    message.xml.push_str(&format!(r#"<Document xmlns="{NAMESPACE}"><FIToFIPmtCxlReq>"#));
    message.open("Assgnmt");
    message.text("Id", &id);
    message.agent_party("Assgnr", place, us);
    message.agent_party("Assgne", "target.agent", target.agent.as_deref());
    message.text("CreDtTm", &format_time(created));
    message.close("Assgnmt");
    message.open("Case");
    message.text("Id", &alert.alert_id);
    message.agent_party("Cretr", place, us);
    message.close("Case");
    message.xml.push_str("<CtrlData><NbOfTxs>1</NbOfTxs></CtrlData>");
    message.open("Undrlyg");
    message.open("TxInf");
    message.text("CxlId", &id);
    message.references(payment);
    message.reason(alert, target);
    message.original(target);
    message.xml.push_str("</TxInf></Undrlyg></FIToFIPmtCxlReq></Document>");
    message.faults.sort_by(|a, b| a.place.cmp(&b.place));
    message.faults.dedup();
    Refusal(message.faults).into_result()?;
    Ok(message.xml)
}

impl Message {
    fn fault(&mut self, place: &str, reason: &str, remedy: &str) {
        self.faults.push(Fault::new(place, reason, remedy));
    }

    fn open(&mut self, tag: &str) {
        self.xml.push_str(&format!("<{tag}>"));
    }

    fn close(&mut self, tag: &str) {
        self.xml.push_str(&format!("</{tag}>"));
    }

    fn text(&mut self, tag: &str, value: &str) {
        self.xml.push_str(&format!("<{tag}>{}</{tag}>", escape(value)));
    }

    /// A reference of at most 35 characters, as it is or not at all: a shortened one would recall another payment.
    fn reference(&mut self, tag: &str, place: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        if value.chars().count() > 35 || value.chars().any(|c| !is_xml(c)) {
            self.fault(place, "it does not fit into 35 characters of XML", "recall this payment by another channel");
        } else {
            self.text(tag, value);
        }
    }

    /// A name of at most 140 characters; what is longer is cut, as payments themselves do.
    fn name(&mut self, value: &str) {
        let cut: String = value.chars().filter(|c| is_xml(*c)).take(140).collect();
        if !cut.is_empty() {
            self.text("Nm", &cut);
        }
    }

    fn agent_party(&mut self, tag: &str, place: &str, agent: Option<&str>) {
        if agent.is_none() {
            self.fault(place, "the institution is not known", "find its BIC and send the recall by hand");
        }
        self.open(tag);
        self.agent("Agt", place, agent);
        self.close(tag);
    }

    fn agent(&mut self, tag: &str, place: &str, agent: Option<&str>) {
        let Some(agent) = agent else { return };
        self.xml.push_str(&format!("<{tag}><FinInstnId>"));
        match agent.split_once(':') {
            Some(("bic", bic)) if is_bic(bic) => self.text("BICFI", bic),
            Some(("clearing", member)) if member.chars().count() <= 35 => {
                self.open("ClrSysMmbId");
                self.text("MmbId", member);
                self.close("ClrSysMmbId");
            }
            Some((_, name)) if !name.is_empty() => self.name(name),
            _ => self.fault(place, "it is no BIC", "find the BIC and send the recall by hand"),
        }
        self.xml.push_str(&format!("</FinInstnId></{tag}>"));
    }

    fn references(&mut self, payment: &PaymentReferences) {
        if let (Some(id), Some(name)) = (&payment.msg_id, &payment.msg_name_id) {
            self.open("OrgnlGrpInf");
            self.reference("OrgnlMsgId", "payment.msg_id", Some(id));
            self.reference("OrgnlMsgNmId", "payment.msg_name_id", Some(name));
            self.close("OrgnlGrpInf");
        }
        self.reference("OrgnlInstrId", "payment.instr_id", payment.instr_id.as_deref());
        self.reference("OrgnlEndToEndId", "payment.end_to_end_id", payment.end_to_end_id.as_deref());
        self.reference("OrgnlTxId", "payment.tx_id", payment.tx_id.as_deref());
        if let Some(uetr) = &payment.uetr {
            if is_uetr(uetr) {
                self.text("OrgnlUETR", uetr);
            } else {
                self.fault("payment.uetr", "it is no version 4 UUID", "recall this payment by another channel");
            }
        }
        self.reference("OrgnlClrSysRef", "payment.clearing_ref", payment.clearing_ref.as_deref());
        if let (Some(amount), Some(currency)) = (&payment.settlement_amount, &payment.settlement_currency) {
            self.amount("OrgnlIntrBkSttlmAmt", "payment.settlement_amount", amount, currency);
        }
        if let Some(date) = &payment.settlement_date {
            if date.len() == 10 && mareva_model::parse_time(date).is_ok() {
                self.text("OrgnlIntrBkSttlmDt", date);
            } else {
                self.fault("payment.settlement_date", "it is no date", "recall this payment by another channel");
            }
        }
    }

    fn amount(&mut self, tag: &str, place: &str, amount: &str, currency: &str) {
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
        // Zeros behind the last digit count as digits, and say nothing.
        let fraction = if fraction.len() > 5 { fraction.trim_end_matches('0') } else { fraction };
        let digits = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
        let fits = !whole.is_empty() && fraction.len() <= 5 && whole.len() + fraction.len() <= 18;
        if !digits || !fits || currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
            self.fault(
                place,
                "it is no amount of at most 18 digits and 5 places in an ISO 4217 currency",
                "check the payment",
            );
            return;
        }
        let point = if fraction.is_empty() { "" } else { "." };
        self.xml.push_str(&format!(r#"<{tag} Ccy="{currency}">{whole}{point}{fraction}</{tag}>"#));
    }

    fn reason(&mut self, alert: &Alert, target: &Target) {
        self.xml.push_str("<CxlRsnInf><Rsn>");
        self.text("Cd", &alert.reason_code.chars().take(4).collect::<String>());
        self.close("Rsn");
        if let (Some(sought), Some(currency)) = (&target.recommended_amount, &target.currency)
            && target.amount.as_ref() != Some(sought)
        {
            let text = format!("amount sought {sought} {currency}");
            self.text("AddtlInf", &text.chars().take(105).collect::<String>());
        }
        self.close("CxlRsnInf");
    }

    fn original(&mut self, target: &Target) {
        self.open("OrgnlTxRef");
        if let (Some(amount), Some(currency)) = (&target.amount, &target.currency)
            && !is_settlement(target, amount, currency)
        {
            self.open("Amt");
            self.amount("InstdAmt", "target.amount", amount, currency);
            self.close("Amt");
        }
        self.party("Dbtr", &target.originator);
        self.account("DbtrAcct", "target.originator.account", target.originator.account.as_deref());
        self.agent("DbtrAgt", "target.originator.agent", target.originator.agent.as_deref());
        self.agent("CdtrAgt", "target.beneficiary.agent", target.beneficiary.agent.as_deref());
        self.party("Cdtr", &target.beneficiary);
        self.account("CdtrAcct", "target.beneficiary.account", target.beneficiary.account.as_deref());
        self.close("OrgnlTxRef");
    }

    fn party(&mut self, tag: &str, party: &PartyRef) {
        let country = party.country.as_deref().filter(|c| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase()));
        if party.name.is_none() && country.is_none() {
            return;
        }
        self.xml.push_str(&format!("<{tag}><Pty>"));
        if let Some(name) = &party.name {
            self.name(name);
        }
        if let Some(country) = country {
            self.text("CtryOfRes", country);
        }
        self.xml.push_str(&format!("</Pty></{tag}>"));
    }

    fn account(&mut self, tag: &str, place: &str, account: Option<&str>) {
        let Some(account) = account else { return };
        let (scheme, rest) = account.split_once(':').unwrap_or(("", account));
        self.xml.push_str(&format!("<{tag}><Id>"));
        if scheme == "iban" {
            self.text("IBAN", rest);
        } else {
            let number = if scheme == "acct" { rest.split_once('/').map_or(rest, |(_, number)| number) } else { rest };
            if number.is_empty() || number.chars().count() > 34 || number.chars().any(|c| !is_xml(c)) {
                self.fault(
                    place,
                    "it does not fit into 34 characters of XML",
                    "recall this payment by another channel",
                );
            }
            self.open("Othr");
            self.text("Id", number);
            self.close("Othr");
        }
        self.xml.push_str(&format!("</Id></{tag}>"));
    }
}

/// Whether an amount is what was settled. A pacs.008 is judged by that, so it says nothing of what was instructed, which
/// may have been another sum in another currency.
fn is_settlement(target: &Target, amount: &str, currency: &str) -> bool {
    let Some(payment) = &target.payment else { return false };
    let same = |settled: &String| match (Amount::parse(settled), Amount::parse(amount)) {
        (Ok(settled), Ok(amount)) => settled == amount,
        _ => settled == amount,
    };
    payment.settlement_currency.as_deref() == Some(currency) && payment.settlement_amount.as_ref().is_some_and(same)
}

/// Whether XML 1.0 can hold a character.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

fn is_bic(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes.len(), 8 | 11)
        && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && bytes[4..6].iter().all(u8::is_ascii_uppercase)
}

fn is_uetr(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => *b == b'-',
            14 => *b == b'4',
            19 => matches!(b, b'8' | b'9' | b'a' | b'b'),
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        })
}
