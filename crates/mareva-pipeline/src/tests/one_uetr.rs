//! Several payments, and several tellers of one payment, under one UETR.

use mareva_model::{Reason, Text};

use super::{BANK, Counts, INNOCENT, LISTED, Output, Run};

const UETR: &str = "eb6305c9-1f7f-49de-aed0-16487c27b42d";
const PAYER: &str = "DE89370400440532013000";

/// What one source tells under the UETR; `change` replaces a text of it by another.
fn told(source: &str, change: (&str, &str)) -> String {
    let text = format!(
        r#"{{"type":"credit_transfer","tx_id":"{source}-1","uetr":"{UETR}","source":"{source}","time":"2026-01-05T10:00:00Z",
        "amount":"9000.00","currency":"EUR","originator":{{"account":"{PAYER}"}},"beneficiary":{{"account":"{LISTED}"}}}}"#
    );
    assert!(text.contains(change.0));
    text.replace(change.0, change.1)
}

const AS_IT_IS: (&str, &str) = ("EUR", "EUR");

/// The same in one slice and in one slice a record.
fn both_ways(records: &[String], check: impl Fn(&[Output])) {
    check(&[Run::new().slice(BANK, records)]);
    let mut run = Run::new();
    let apart: Vec<Output> = records.iter().map(|record| run.slice(BANK, &[record])).collect();
    check(&apart);
}

fn ends(outputs: &[Output]) -> (u64, u64, u64) {
    let sum = |count: fn(&Counts) -> u64| outputs.iter().map(|output| count(&output.counts)).sum::<u64>();
    (sum(|c| c.accepted), sum(|c| c.repeated), sum(|c| c.dead_lettered))
}

fn accepted(outputs: &[Output]) -> Vec<(String, i128)> {
    let batches = outputs.iter().flat_map(|output| &output.accepted);
    let rows = |batch: &mareva_model::TransactionBatch| {
        let row = |row| (batch.text(Text::RowId).value(row).to_owned(), batch.amount().value(row) / 10_i128.pow(18));
        (0..batch.len()).map(row).collect::<Vec<_>>()
    };
    batches.flat_map(rows).collect()
}

#[test]
fn a_payment_is_judged_whoever_used_its_uetr_first() {
    let squat = told("SQUTDEFF", ("9000.00", "1.00"));
    let (payer, payee) = (told("MRVADEFF", AS_IT_IS), told("OTHRDEFF", AS_IT_IS));
    let corrected = told("MRVADEFF", ("9000.00", "9001.00"));
    // Its own word counts against a source, whatever others have said.
    let taken_back = told("MRVADEFF", ("9000.00", "1.00"));
    let records = [squat.clone(), payer.clone(), payee, payer, squat, corrected, taken_back];
    both_ways(&records, |outputs| {
        assert_eq!(ends(outputs), (2, 3, 2));
        assert_eq!(accepted(outputs), [(format!("uetr:{UETR}"), 1), (format!("uetr:{UETR}#2"), 9_000)]);
        assert_eq!(outputs.iter().map(|output| output.counts.namesakes).sum::<u64>(), 1);
        let mut letters = outputs.iter().flat_map(|output| &output.dead_letters);
        assert!(letters.all(|letter| letter.reason == Reason::Conflicting));
        // Each is screened under its own id.
        let hits: Vec<&str> =
            outputs.iter().flat_map(|output| &output.hits).map(|hit| hit.row_id.as_str()).take(2).collect();
        assert_eq!(hits, [format!("uetr:{UETR}"), format!("uetr:{UETR}#2")]);
    });
}

#[test]
fn what_another_source_says_of_the_money_tells_payments_apart() {
    let account = format!(r#""account":"{LISTED}""#);
    let local = r#""account":"20201555555555","agent":"BUKBGB22""#;
    for (change, another) in [
        (("MRVADEFF-1", "other tx_id"), false),
        (("10:00:00", "09:58:00"), false),
        ((r#""account""#, r#""name":"Somebody","account""#), false),
        ((r#""currency""#, r#""status":"pending","currency""#), false),
        ((account.as_str(), local), false),
        (("9000.00", "9000.01"), true),
        (("EUR", "USD"), true),
        ((r#""currency""#, r#""status":"rejected","currency""#), true),
        ((LISTED, INNOCENT), true),
        ((PAYER, "DE02120300000000202051"), true),
        ((account.as_str(), r#""account":"20201555555556","agent":"BUKBGB22""#), true),
        ((account.as_str(), r#""account":"20201555555555","agent":"EVILGB22""#), true),
        ((account.as_str(), r#""account":"202015","agent":"BUKBGB22""#), true),
        // Without its sort code it may be an account at another branch, without its bank one anywhere.
        ((account.as_str(), r#""account":"55555555","agent":"BUKBGB22""#), true),
        ((account.as_str(), r#""account":"20201555555555""#), true),
        ((account.as_str(), r#""account":"20201555555555","agent":"202015""#), true),
    ] {
        let records = [told("OTHRDEFF", AS_IT_IS), told("MRVADEFF", change)];
        both_ways(&records, |outputs| {
            assert_eq!(ends(outputs), if another { (2, 0, 0) } else { (1, 1, 0) }, "{change:?}");
        });
    }
}

#[test]
fn accounts_that_only_the_second_source_names_make_another_payment() {
    let party = |tag: &str, iban: &str| format!("<{tag}><Id><IBAN>{iban}</IBAN></Id></{tag}>");
    let message = |accounts: &str| {
        format!(
            "<Document><FIToFICstmrCdtTrf><GrpHdr><MsgId>1</MsgId><CreDtTm>2026-01-05T10:00:00Z</CreDtTm></GrpHdr>\
             <CdtTrfTxInf><PmtId><TxId>1</TxId><UETR>{UETR}</UETR></PmtId><IntrBkSttlmAmt Ccy='EUR'>9000.00</IntrBkSttlmAmt>\
             {accounts}</CdtTrfTxInf></FIToFICstmrCdtTrf></Document>"
        )
    };
    let (payer, payee) = (party("DbtrAcct", PAYER), party("CdtrAcct", LISTED));
    for (accounts, another) in [(payer.clone() + &payee, false), (String::new(), true), (payer, true), (payee, true)] {
        both_ways(&[message(&accounts), told("MRVADEFF", AS_IT_IS)], |outputs| {
            assert_eq!(ends(outputs), if another { (2, 0, 0) } else { (1, 1, 0) }, "{accounts}");
        });
        // The other way round nothing is hidden: all accounts are known.
        both_ways(&[told("MRVADEFF", AS_IT_IS), message(&accounts)], |outputs| {
            assert_eq!(ends(outputs), (1, 1, 0), "{accounts}");
        });
    }
}

#[test]
fn a_flooded_uetr_refuses_what_it_cannot_tell_apart_and_says_what_to_do() {
    let flood = |n: usize| told(&format!("SQ{n:02}DEFF"), ("9000.00", &format!("{}.00", n + 1)));
    let mut records: Vec<String> = (0..8).map(flood).collect();
    records.extend([told("MRVADEFF", AS_IT_IS), flood(3), told("OTHRDEFF", ("9000.00", "5.00"))]);
    both_ways(&records, |outputs| {
        assert_eq!(ends(outputs), (8, 2, 1));
        let letter = outputs.iter().flat_map(|output| &output.dead_letters).next().unwrap();
        assert_eq!(letter.reason, Reason::Conflicting);
        assert!(letter.detail.contains("one of its own"), "{}", letter.detail);
        assert_eq!(outputs.iter().map(|output| output.hits.len()).sum::<usize>(), 9, "the refused one is screened");
    });
}

/// A squatter names an account of his own whose IBAN ends like the number of the listed one, and whatever agent he likes.
#[test]
fn nobody_hides_a_payment_to_an_account_number() {
    let account = format!(r#""account":"{LISTED}""#);
    let named = |iban: &str, agent: &str| format!(r#""account":"{iban}"{agent}"#);
    let (evil, german) = ("GB58EVIL20201555555555", "DE89370400440532013000");
    for (iban, own_agent, told_as) in [
        (evil, "", r#""account":"55555555","agent":"BUKBGB22""#),
        (evil, r#","agent":"BUKBGB22""#, r#""account":"55555555","agent":"BUKBGB22""#),
        (evil, r#","agent":"BUKBGB22""#, r#""account":"20201555555555","agent":"BUKBGB22""#),
        (evil, "", r#""account":"55555555""#),
        (evil, "", r#""account":"20201555555555""#),
        (evil, "", r#""account":"55555555","agent":"021000021""#),
        // A branch of zeros.
        ("GB65BUKB00000055555555", "", r#""account":"55555555","agent":"BUKBGB22""#),
        // The same letters in another country.
        ("IE06BUKB20201555555555", "", r#""account":"20201555555555","agent":"BUKBGB22""#),
        // Its bank code is a number, which says nothing of a BIC.
        (german, r#","agent":"OTHRDEFF""#, r#""account":"0532013000","agent":"OTHRDEFF""#),
        (german, "", r#""account":"370400440532013000","agent":"3704""#),
    ] {
        let records = [("SQUTDEFF", named(iban, own_agent)), ("MRVADEFF", told_as.to_owned())];
        let records = records.map(|(source, named)| told(source, (&account, &named)));
        both_ways(&records, |outputs| {
            assert_eq!(ends(outputs), (2, 0, 0), "{iban} {own_agent} {told_as}");
        });
    }
}
