//! Senders who give their records the ids of others.

use super::{BANK, INNOCENT, LISTED, Run, payment};

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
