use mareva_model::alert::{Action, Alert, OurRole, Target};
use quick_xml::events::Event;

use super::*;

const VICTIM: &str = include_str!("../../../mareva-pipeline/golden/alert-victim-recall.json");
const EXCHANGE: &str = include_str!("../../../mareva-pipeline/golden/alert-exchange-recall.json");

/// 2026-01-05T12:00:00Z.
const CREATED: i64 = 1_767_614_400_000;

fn recalls(golden: &str) -> (Alert, Vec<Target>) {
    let alert = Alert::from_json(golden.as_bytes()).unwrap();
    let targets = alert.targets.iter().filter(|target| target.action == Action::Recall).cloned().collect();
    (alert, targets)
}

fn us() -> Vec<String> {
    vec!["MRVADEFF".into()]
}

/// Every leaf of the XML as `path=text`, attributes too, in order.
fn leaves(xml: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut path, mut found) = (Vec::<String>::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                path.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
                for attribute in tag.attributes().flatten().filter(|a| a.key.as_ref() == b"Ccy") {
                    found.push(format!("{}@Ccy={}", path[3..].join("/"), attribute.unescape_value().unwrap()));
                }
            }
            Event::Text(text) => found.push(format!("{}={}", path[3..].join("/"), text.decode().unwrap())),
            Event::End(_) => drop(path.pop()),
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn a_recall_names_the_original_payment_in_the_order_of_the_schema() {
    let (alert, targets) = recalls(VICTIM);
    assert_eq!(targets.len(), 3);
    let xml = camt056(&alert, &targets[0], &us(), CREATED).unwrap();
    let id = request_id(&alert, &targets[0]);
    let transaction: Vec<String> =
        leaves(&xml).into_iter().filter_map(|leaf| leaf.strip_prefix("TxInf/").map(str::to_owned)).collect();
    assert_eq!(
        transaction,
        [
            &format!("CxlId={id}") as &str,
            "OrgnlGrpInf/OrgnlMsgId=MSG1",
            "OrgnlGrpInf/OrgnlMsgNmId=pacs.008.001.08",
            "OrgnlInstrId=INSTR1",
            "OrgnlEndToEndId=E2E1",
            "OrgnlTxId=s1",
            "OrgnlUETR=7a562c67-ca16-48ba-b074-65581be6f001",
            "OrgnlClrSysRef=CLR1",
            "OrgnlIntrBkSttlmAmt@Ccy=EUR",
            "OrgnlIntrBkSttlmAmt=500.00",
            "OrgnlIntrBkSttlmDt=2026-01-05",
            "CxlRsnInf/Rsn/Cd=FRAD",
            "OrgnlTxRef/Dbtr/Pty/Nm=Anna Beispiel",
            "OrgnlTxRef/Dbtr/Pty/CtryOfRes=DE",
            "OrgnlTxRef/DbtrAcct/Id/IBAN=DE02120300000000202051",
            "OrgnlTxRef/DbtrAgt/FinInstnId/BICFI=MRVADEFFXXX",
            "OrgnlTxRef/CdtrAgt/FinInstnId/BICFI=OTHRGB2LXXX",
            "OrgnlTxRef/Cdtr/Pty/Nm=Golden Future Ltd",
            "OrgnlTxRef/Cdtr/Pty/CtryOfRes=GB",
            "OrgnlTxRef/CdtrAcct/Id/IBAN=GB33BUKB20201555555555",
        ]
    );
    let ids: std::collections::BTreeSet<String> = targets.iter().map(|target| request_id(&alert, target)).collect();
    assert_eq!(ids.len(), 3, "one id a payment");
}

#[test]
fn the_institution_that_asks_assigns_the_request() {
    let (alert, mut targets) = recalls(VICTIM);
    let parties = |target: &Target, bics: &[&str]| {
        let bics: Vec<String> = bics.iter().map(|bic| (*bic).to_owned()).collect();
        let xml = camt056(&alert, target, &bics, CREATED).unwrap();
        ["Assgnr", "Cretr"].map(|tag| {
            let from = xml.find(&format!("<{tag}>")).unwrap();
            xml[from..].split_once("<BICFI>").and_then(|(_, rest)| rest.split_once('<')).unwrap().0.to_owned()
        })
    };
    let target = &mut targets[0];
    assert_eq!(parties(target, &["MRVADEFF"]), ["MRVADEFFXXX"; 2], "under the BIC that the payment left with");
    target.our_role = OurRole::Intermediary;
    assert_eq!(parties(target, &["INTRFRPP", "INTRDEFF"]), ["INTRFRPP"; 2]);
    assert_eq!(parties(target, &["bic:INTRFRPP"]), ["INTRFRPP"; 2]);
    assert_eq!(parties(target, &[]), ["MRVADEFFXXX"; 2], "no bank: in the name of the payer's");
    target.originator.agent = None;
    assert_eq!(parties(target, &["INTRFRPP"]), ["INTRFRPP"; 2]);
    assert_eq!(camt056(&alert, target, &[], CREATED).unwrap_err().0[0].place, "target.originator.agent");
    let refusal = camt056(&alert, target, &["nobody".into()], CREATED).unwrap_err();
    assert_eq!(refusal.0[0].place, "institution.bics");
}

#[test]
fn an_instructed_amount_is_stated_where_another_was_settled() {
    let (alert, mut targets) = recalls(VICTIM);
    let instructed = |target: &Target| {
        let xml = camt056(&alert, target, &us(), CREATED).unwrap();
        leaves(&xml).into_iter().filter(|leaf| leaf.contains("InstdAmt")).collect::<Vec<_>>()
    };
    let target = &mut targets[0];
    assert_eq!(instructed(target), [""; 0], "settled as 500.00 EUR");
    target.payment.as_mut().unwrap().settlement_amount = Some("500.0".into());
    assert_eq!(instructed(target), [""; 0]);
    target.payment.as_mut().unwrap().settlement_currency = Some("USD".into());
    let stated = ["TxInf/OrgnlTxRef/Amt/InstdAmt@Ccy=EUR", "TxInf/OrgnlTxRef/Amt/InstdAmt=500.00"];
    assert_eq!(instructed(target), stated);
    target.payment.as_mut().unwrap().settlement_amount = None;
    assert_eq!(instructed(target), stated);
}

#[test]
fn a_share_is_asked_for_in_words_and_text_is_escaped() {
    let (alert, mut targets) = recalls(VICTIM);
    targets[0].recommended_amount = Some("120.50".into());
    targets[0].beneficiary.name = Some("A & B <Ltd>".into());
    let xml = camt056(&alert, &targets[0], &us(), CREATED).unwrap();
    assert!(xml.contains("<AddtlInf>amount sought 120.50 EUR</AddtlInf>"), "{xml}");
    assert!(xml.contains("<Nm>A &amp; B &lt;Ltd&gt;</Nm>"), "{xml}");
}

#[test]
fn what_the_message_cannot_hold_is_refused_with_every_fault() {
    let (alert, mut targets) = recalls(VICTIM);
    let target = &mut targets[0];
    target.agent = None;
    let payment = target.payment.as_mut().unwrap();
    payment.end_to_end_id = Some("x".repeat(36));
    payment.uetr = Some("7a562c67-ca16-18ba-b074-65581be6f001".into());
    payment.settlement_amount = Some("1e5".into());
    let refusal = camt056(&alert, target, &us(), CREATED).unwrap_err();
    let places: Vec<&str> = refusal.0.iter().map(|fault| fault.place.as_str()).collect();
    assert_eq!(places, ["payment.end_to_end_id", "payment.settlement_amount", "payment.uetr", "target.agent"]);
    target.payment = None;
    target.action = Action::Hold;
    assert_eq!(camt056(&alert, target, &us(), CREATED).unwrap_err().0.len(), 2);
}

#[test]
fn an_exchange_request_carries_the_transfer_as_it_was() {
    let (alert, targets) = recalls(EXCHANGE);
    let [target] = &targets[..] else { panic!("{targets:#?}") };
    let request = exchange_request(&alert, target, CREATED).unwrap();
    let json = serde_json::to_value(&request).unwrap();
    for (place, value) in [
        ("/transfer/network", "tron"),
        ("/transfer/address", "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"),
        ("/transfer/tx_hash", "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"),
        ("/transfer/exchange", "kestrel"),
        ("/transfer/exchange_uid", "10023"),
        ("/currency", "USDT"),
        ("/amount", "2680.12"),
        ("/freeze_amount", "2680.12"),
        ("/created", "2026-01-05T12:00:00.000Z"),
    ] {
        assert_eq!(json.pointer(place).and_then(|value| value.as_str()), Some(value), "{place}");
    }
    assert!(camt056(&alert, target, &us(), CREATED).is_err());
    let (alert, targets) = recalls(VICTIM);
    assert_eq!(exchange_request(&alert, &targets[0], CREATED).unwrap_err().0.len(), 1);
}

/// Run with `MAREVA_BLESS=1` to write the golden file anew, then validate it against `camt.056.001.08.xsd`.
#[test]
fn the_golden_recall_is_what_is_sent() {
    let (alert, targets) = recalls(VICTIM);
    let xml = camt056(&alert, &targets[0], &us(), CREATED).unwrap() + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/camt056.xml");
    if std::env::var_os("MAREVA_BLESS").is_some() {
        std::fs::write(path, &xml).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), xml);
}
