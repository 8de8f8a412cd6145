//! Senders who give their records the ids of others.

use mareva_model::Text;

use super::{BANK, EXCHANGE, INNOCENT, LISTED, Run, payment};

const TIME: &str = "2026-01-05T10:00:00Z";

#[test]
fn nobody_sends_a_payment_under_the_id_of_a_hit_that_was_not_accepted() {
    let broken = payment(r#""tx_id":"B""#, "MRVADEFF", LISTED, TIME).replace("100.00", "abc");
    let refused = Run::new().slice(BANK, &[&broken]).dead_letters.remove(0);
    let id = format!("{}/0", &refused.payload_digest.to_string()[..32]);
    let json = payment(&format!(r#""tx_id":"{id}""#), "dead", INNOCENT, TIME);
    let message = format!(
        "<Document><FIToFICstmrCdtTrf><GrpHdr><CreDtTm>{TIME}</CreDtTm><InstgAgt><FinInstnId><ClrSysMmbId><MmbId>dead</MmbId>\
         </ClrSysMmbId></FinInstnId></InstgAgt></GrpHdr><CdtTrfTxInf><PmtId><TxId>{id}</TxId></PmtId><IntrBkSttlmAmt \
         Ccy='EUR'>1.00</IntrBkSttlmAmt><CdtrAcct><Id><IBAN>{INNOCENT}</IBAN></Id></CdtrAcct></CdtTrfTxInf>\
         </FIToFICstmrCdtTrf></Document>"
    );
    for forged in [json, message] {
        let output = Run::new().slice(BANK, &[&forged, &broken]);
        assert_eq!(output.hits[0].row_id, format!("dead:{id}"));
        let [alert] = &output.alerts[..] else { panic!("{:#?}", output.alerts) };
        assert_eq!((alert.subject.as_str(), alert.targets.len()), (format!("iban:{LISTED}").as_str(), 0));
    }
}

#[test]
fn a_bank_record_does_not_take_the_id_of_an_exchange() {
    let withdrawal = super::example("exchange.withdrawal.json");
    let pending = withdrawal.replace(r#""asset""#, r#""status":"pending","asset""#);
    let sent: serde_json::Value = serde_json::from_str(&withdrawal).unwrap();
    let (source, id) = (sent["source"].as_str().unwrap(), sent["tx_id"].as_str().unwrap());
    let squats = [
        payment(&format!(r#""tx_id":"{id}""#), source, INNOCENT, TIME),
        // And what it would be renamed to, as far as anybody can write it.
        payment(&format!(r#""tx_id":"{source}:{id}""#), "namesake", INNOCENT, TIME),
        payment(&format!(r#""tx_id":"{id}#2""#), source, INNOCENT, TIME),
    ];
    let mut run = Run::new();
    let ends = |output: &crate::Output| {
        let crate::Counts { accepted, repeated, dead_lettered, .. } = output.counts;
        (accepted, repeated, dead_lettered)
    };
    assert_eq!(ends(&run.slice(BANK, &squats)), (2, 0, 1));
    let output = run.slice(EXCHANGE, &[&withdrawal, &withdrawal, &pending]);
    assert_eq!(ends(&output), (1, 1, 1));
    assert_eq!(output.accepted[0].text(Text::RowId).value(0), format!("namesake:{source}:{id}"));
    // Its own word counts later, too, and so does the bank's.
    assert_eq!(ends(&run.slice(EXCHANGE, &[&withdrawal])), (0, 1, 0));
    assert_eq!(ends(&run.slice(BANK, &squats)), (0, 2, 1));
    // The other way round.
    let mut run = Run::new();
    assert_eq!(ends(&run.slice(EXCHANGE, &[&withdrawal])), (1, 0, 0));
    assert_eq!(ends(&run.slice(BANK, &squats[..1])), (1, 0, 0));
    assert_eq!(ends(&run.slice(BANK, &squats[..1])), (0, 1, 0));
}
