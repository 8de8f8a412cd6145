mod change;
mod closing;
mod counterfeit;
mod decisions;
mod history;
mod late;
mod lists;
mod one_uetr;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::Array;
use mareva_codec::{Limits, Stream};
use mareva_model::{DeadLetter, Prepared, Reason, Text, digest};
use mareva_monitoring::{Accounts, Ruleset};
use mareva_screening::{ListConfig, Watchlist, load_plain};

use crate::alerts::tests::fixture;
use crate::{Counts, DecisionConfig, Error, InputRecord, InputSlice, Output, Parts, Pipeline, PipelineConfig, Rates};

/// 2026-01-05T10:10:00Z.
const APPENDED: i64 = 1_767_607_800_000;
const BANK: &str = "bank.transactions";
const EXCHANGE: &str = "exchange.transactions";

/// No rules, and lists that hold a party of each example of the codec.
fn parts() -> Parts {
    let list = |config, text: &str| Arc::new(load_plain(&config, text.as_bytes(), "list.csv").unwrap());
    let accounts = "identifier\nGB33BUKB20201555555555\nexch:kestrel:10023\n";
    let lists = vec![
        list(ListConfig::fraud("accounts", ""), accounts),
        list(ListConfig::sanctions("names", ""), "name\nAnna Beispiel\nReal Payer\nSecond Payer\n"),
    ];
    Parts {
        watchlist: Arc::new(Watchlist::new(lists).unwrap()),
        ruleset: Arc::new(Ruleset::load(&[]).unwrap()),
        accounts: Arc::new(Accounts::new(&[])),
        accounts_digest: digest(b""),
        vasps: Arc::new(HashSet::new()),
        rates: Arc::new(Rates::new("EUR")),
        spill: None,
        config: Arc::new(PipelineConfig {
            streams: [(BANK.to_owned(), Stream::Bank), (EXCHANGE.to_owned(), Stream::Exchange)].into(),
            decisions: DecisionConfig::default(),
            allowed_lateness_ms: 300_000,
            max_ahead_ms: 300_000,
            idle_after_ms: 60_000,
            lookback_ms: 86_400_000,
            max_rows: 1_000_000,
            limits: Limits::default(),
            alerts: fixture::config(),
        }),
    }
}

struct Run {
    pipeline: Pipeline,
    offset: i64,
}

impl Run {
    fn new() -> Self {
        Self { pipeline: Pipeline::new(parts()).unwrap(), offset: 0 }
    }

    fn slice(&mut self, topic: &str, payloads: &[impl AsRef<[u8]>]) -> Output {
        let records = payloads.iter().map(|payload| {
            self.offset += 1;
            let payload = payload.as_ref().to_vec();
            InputRecord {
                topic: topic.into(),
                partition: 0,
                offset: self.offset,
                append_time: APPENDED,
                payload: payload.into(),
            }
        });
        let slice = InputSlice {
            records: records.collect(),
            seq: self.pipeline.last_seq() + 1,
            tick: APPENDED,
            end: false,
            joined: Vec::new(),
            epoch: self.pipeline.epoch(),
        };
        let output = self.pipeline.process(&slice).unwrap();
        let Counts { produced, accepted, repeated, late, dead_lettered, .. } = output.counts;
        assert_eq!(produced, accepted + repeated + late + dead_lettered);
        assert_eq!(dead_lettered, output.dead_letters.len() as u64);
        assert_eq!(accepted, output.accepted.iter().map(|batch| batch.len() as u64).sum::<u64>());
        output
    }
}

fn example(name: &str) -> String {
    let path = format!("{}/../mareva-codec/examples-data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Entities that would unfold to gigabytes.
fn laughing(xml: &str) -> String {
    let mut kind = "<!DOCTYPE x [<!ENTITY a0 \"ha\">".to_owned();
    for n in 1..12 {
        let _ = write!(kind, "<!ENTITY a{n} \"{}\">", format!("&a{};", n - 1).repeat(10));
    }
    xml.replacen("?>", &format!("?>{kind}]>"), 1).replace("invoice 1", "&a11;")
}

#[test]
fn hostile_records_are_dead_letters_and_screened() {
    let (bank, exchange, xml) =
        (example("bank.credit_transfer.json"), example("exchange.withdrawal.json"), example("pacs008.xml"));
    let transfer = |from: &str, to: &str| bank.replacen(from, to, 1).into_bytes();
    let deep = format!("{{\"x\":{}{},", "[".repeat(50_000), "]".repeat(50_000));
    let padded = format!("\"pad\":\"{}\",\"uetr\"", "y".repeat(1024 * 1024));
    let xxe = "?><!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>";
    let latin = bank.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let marked = [b"\xff\xfe".as_slice(), &wide(&bank)].concat();
    for (what, topic, payload, reason) in [
        ("malformed", BANK, transfer("\"EUR\",", "\"EUR\""), Reason::Malformed),
        ("truncated", BANK, bank.as_bytes()[..bank.find("GB33").unwrap()].to_vec(), Reason::Malformed),
        ("truncated XML", BANK, xml.as_bytes()[..xml.find("Second Payee").unwrap()].to_vec(), Reason::Malformed),
        ("huge", BANK, transfer("\"uetr\"", &padded), Reason::TooLarge),
        ("huge field", BANK, transfer("dev-123", &"d".repeat(100_000)), Reason::TooLarge),
        ("deep", BANK, transfer("{", &deep), Reason::TooLarge),
        ("deep XML", BANK, xml.replace("invoice 1", &"<a>".repeat(50_000)).into_bytes(), Reason::TooLarge),
        ("UTF-16", BANK, wide(&bank), Reason::Malformed),
        ("UTF-16 with mark", BANK, marked, Reason::Malformed),
        ("UTF-16 XML", BANK, wide(&xml), Reason::Malformed),
        ("Latin-1", BANK, latin, Reason::Malformed),
        ("XXE", BANK, xml.replacen("?>", xxe, 1).replace("invoice 1", "&f;").into_bytes(), Reason::Forbidden),
        ("billion laughs", BANK, laughing(&xml).into_bytes(), Reason::Forbidden),
        ("year 9999", BANK, transfer("2026-01-05T10:00:00.123Z", "9999-12-31T23:59:59Z"), Reason::InvalidField),
        ("next year", BANK, transfer("2026-01-05T10:00:00.123Z", "2027-01-05T10:00:00Z"), Reason::TimeAhead),
        ("year 9999", EXCHANGE, exchange.replace("2026-01-05T10:05", "9999-01-05T10:05").into(), Reason::InvalidField),
        ("other stream", EXCHANGE, xml.clone().into_bytes(), Reason::UnknownFormat),
    ] {
        let mut run = Run::new();
        let output = run.slice(topic, &[&payload]);
        assert_eq!((output.counts.produced, output.dead_letters.len()), (1, 1), "{what}");
        let letter = &output.dead_letters[0];
        assert_eq!(letter.reason, reason, "{what}: {}", letter.detail);
        assert_eq!((letter.payload_length, letter.payload_digest), (payload.len(), digest(&payload)), "{what}");
        assert!(letter.payload.len() <= DeadLetter::MAX_PAYLOAD && !letter.payload.is_empty(), "{what}");
        assert!(!output.hits.is_empty() && !output.alerts.is_empty(), "{what}: nobody was found");
        assert!(output.hits.iter().all(|hit| hit.position.offset == 1), "{what}");
    }
    // In one slice, with records between that hold no party.
    let broken = transfer("\"EUR\",", "\"EUR\"");
    let output = Run::new().slice(BANK, &[&broken[..], b"", b"{}", &broken, b"\x80", bank.as_bytes()]);
    assert_eq!((output.counts.dead_lettered, output.counts.accepted), (5, 1));
    let found: HashSet<i64> = output.hits.iter().map(|hit| hit.position.offset).collect();
    assert_eq!(found, HashSet::from([1, 4, 6]));
}

#[test]
fn amounts_beyond_all_bounds_are_kept_as_text() {
    let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    for (topic, name, amount, around) in [
        (BANK, "bank.credit_transfer.json", "1500.00", "\"amount\": \"{}\""),
        (BANK, "pacs008.xml", "1000.50", ">{}<"),
        (EXCHANGE, "exchange.withdrawal.json", "0.123456789012345678", "{}"),
    ] {
        let sent = example(name).replace("2026-01-15T1", "2026-01-05T0");
        let (from, to) = (around.replace("{}", amount), around.replace("{}", most));
        assert!(sent.contains(&from), "{name}");
        let sent = sent.replacen(&from, &to, 1);
        let output = Run::new().slice(topic, &[sent]);
        assert_eq!(output.dead_letters, [], "{name}");
        // Without a rate, amounts in other currencies than the reference are null as well.
        assert_eq!(output.counts.without_reference, 1, "{name}");
        let batch = &output.accepted[0];
        assert!(batch.amount().is_null(0) && batch.prepared_amount(Prepared::AmountRef).is_null(0), "{name}");
        assert_eq!(batch.text(Text::AmountText).value(0), most, "{name}");
        assert!(!output.hits.is_empty(), "{name}");
    }
}

/// Eight thousand payments of one message.
fn message(number: usize, amount: u32, time: &str) -> String {
    let mut xml = format!(
        "<Document><FIToFICstmrCdtTrf><GrpHdr><MsgId>{number}</MsgId><CreDtTm>{time}</CreDtTm><InstgAgt><FinInstnId>\
         <BICFI>MRVADEFF</BICFI></FinInstnId></InstgAgt></GrpHdr>"
    );
    for n in 0..8_000 {
        let _ = write!(
            xml,
            "<CdtTrfTxInf><PmtId><TxId>{number}-{n}</TxId></PmtId><IntrBkSttlmAmt Ccy=\"EUR\">{amount}</IntrBkSttlmAmt>\
             </CdtTrfTxInf>"
        );
    }
    xml + "</FIToFICstmrCdtTrf></Document>"
}

#[test]
fn a_slice_of_any_size_gives_what_small_ones_give() {
    let time = "2026-01-05T10:00:00Z";
    let mut messages: Vec<String> = (0..9).map(|number| message(number, 1, time)).collect();
    // By now one batch is full: these repeat and contradict rows of it, and of their own.
    messages.extend([message(0, 1, time), message(1, 2, time), message(9, 1, time), message(9, 2, time)]);
    let whole = Run::new().slice(BANK, &messages);
    assert_eq!(whole.accepted.iter().map(|batch| batch.len()).collect::<Vec<_>>(), [72_000, 8_000]);
    let counts = whole.counts;
    assert_eq!((counts.records, counts.accepted, counts.repeated, counts.dead_lettered), (13, 80_000, 8_000, 16_000));
    assert!(whole.dead_letters.iter().all(|letter| letter.reason == Reason::Conflicting));

    let mut run = Run::new();
    let parts: Vec<Output> = messages.iter().map(|message| run.slice(BANK, &[message])).collect();
    let ids = |output: &Output| -> Vec<String> {
        let ids = output.accepted.iter().map(|batch| batch.text(Text::RowId));
        ids.flat_map(|ids| ids.iter().flatten().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    assert_eq!(ids(&whole), parts.iter().flat_map(ids).collect::<Vec<_>>());
    assert_eq!(whole.dead_letters, parts.into_iter().flat_map(|part| part.dead_letters).collect::<Vec<_>>());
}

#[test]
fn payments_refused_for_their_time_keep_their_own_element_only() {
    let sent = message(7, 1, "2027-01-05T10:00:00Z");
    let letters = Run::new().slice(BANK, &[&sent]).dead_letters;
    assert_eq!(letters.len(), 8_000);
    for (number, letter) in letters.iter().enumerate() {
        assert_eq!((letter.reason, letter.payload_length), (Reason::TimeAhead, sent.len()));
        assert_eq!(letter.payload_digest, digest(sent.as_bytes()));
        let (start, id) = ("<CdtTrfTxInf>", format!("<TxId>7-{number}</TxId>"));
        assert!(letter.payload.starts_with(start) && letter.payload.contains(&id), "{}", letter.payload);
        assert!(letter.payload.len() < 200);
    }
}

/// A payment of 100 to an account, from a source.
fn payment(id: &str, source: &str, to: &str, time: &str) -> String {
    format!(
        r#"{{"type":"credit_transfer",{id},"source":"{source}","time":"{time}","amount":"100.00","currency":"EUR",
        "originator":{{"account":"DE89370400440532013000"}},"beneficiary":{{"account":"{to}"}}}}"#
    )
}

const LISTED: &str = "GB33BUKB20201555555555";
const INNOCENT: &str = "FR1420041010050500013M02606";

#[test]
fn a_hit_of_a_refused_record_is_not_pinned_on_the_accepted_one_of_its_id() {
    let on_time = "2026-01-05T10:00:00Z";
    let ids = (r#""tx_id":"K1""#, r#""tx_id":"K1","uetr":"eb6305c9-1f7f-49de-aed0-16487c27b42d""#);
    for (id, source, time, ends) in [
        (ids.0, "MRVADEFF", on_time, (1, 1, 0)),
        (ids.0, "MRVADEFF", "2026-01-05T11:00:00Z", (1, 1, 0)),
        // Another source sends under the same UETR and names somebody else: another payment.
        (ids.1, "OTHRDEFF", on_time, (2, 0, 0)),
    ] {
        let records = [payment(id, "MRVADEFF", INNOCENT, on_time), payment(id, source, LISTED, time)];
        let output = Run::new().slice(BANK, &records);
        let Counts { accepted, dead_lettered, repeated, .. } = output.counts;
        assert_eq!((accepted, dead_lettered, repeated), ends, "{id} {time}");
        assert_eq!(output.hits.len(), 1, "it is screened: {:?}", output.hits);
        assert!(output.hits[0].event_time <= APPENDED, "in an episode of our time");
        assert_eq!(output.alerts.len(), 1);
        let alert = &output.alerts[0];
        assert_eq!(alert.subject, format!("iban:{LISTED}"));
        let innocent = format!("iban:{INNOCENT}");
        assert!(alert.targets.iter().all(|target| target.account.as_deref() != Some(&innocent)), "{:?}", alert.targets);
    }
}

#[test]
fn what_another_source_repeats_in_the_same_words_is_screened_once() {
    let id = r#""tx_id":"K2","uetr":"eb6305c9-1f7f-49de-aed0-16487c27b42d""#;
    let of = |source| payment(id, source, LISTED, "2026-01-05T10:00:00Z");
    let output = Run::new().slice(BANK, &[of("MRVADEFF"), of("OTHRDEFF")]);
    assert_eq!((output.counts.accepted, output.counts.repeated, output.hits.len()), (1, 1, 1));
}

#[test]
fn what_is_refused_says_the_same_wherever_it_stands() {
    let good = payment(r#""tx_id":"K1""#, "MRVADEFF", INNOCENT, "2026-01-05T10:00:00Z");
    let contradicts = payment(r#""tx_id":"K1""#, "MRVADEFF", LISTED, "2026-01-05T10:00:00Z");
    let broken = contradicts.replacen("EUR", "EU", 1);
    let contents = |before: &[&str]| {
        let records: Vec<&str> = before.iter().copied().chain([&*good, &*contradicts, &*broken]).collect();
        let output = Run::new().slice(BANK, &records);
        let ids: Vec<String> = output.hits.iter().map(|hit| hit.row_id.clone()).collect();
        assert_eq!(ids.len(), 2, "each of them is screened");
        assert_ne!(ids[0], ids[1]);
        (ids, output.alerts.iter().map(mareva_model::alert::Alert::content).collect::<Vec<_>>())
    };
    assert_eq!(contents(&[]), contents(&["{}", "nothing"]));
}

/// A cash deposit that an account is debited for, or the holder of a name.
fn deposit(from: &str, status: &str) -> String {
    format!(
        r#"{{"type":"cash_deposit","tx_id":"D1","source":"MRVADEFF","time":"2026-01-05T10:00:00Z","amount":"100.00",
        "currency":"EUR","status":"{status}","originator":{{"account":"{from}"}},"beneficiary":{{"account":"{INNOCENT}"}}}}"#
    )
}

#[test]
fn a_repeat_that_names_another_party_is_other_content() {
    for (second, ends, hits) in [(INNOCENT, (1, 1, 0), 0), (LISTED, (1, 0, 1), 1), ("", (1, 0, 1), 0)] {
        let records = [deposit(INNOCENT, "settled"), deposit(second, "settled")];
        // In one slice and in two.
        let mut run = Run::new();
        let apart = [run.slice(BANK, &records[..1]), run.slice(BANK, &records[1..])];
        for outputs in [&[Run::new().slice(BANK, &records)][..], &apart] {
            let sum = |count: fn(&Counts) -> u64| outputs.iter().map(|output| count(&output.counts)).sum::<u64>();
            let found = (sum(|c| c.accepted), sum(|c| c.repeated), sum(|c| c.dead_lettered));
            assert_eq!(found, ends, "{second}");
            assert_eq!(outputs.iter().map(|output| output.hits.len()).sum::<usize>(), hits, "{second}");
            let letters = outputs.iter().flat_map(|output| &output.dead_letters);
            assert!(letters.into_iter().all(|letter| letter.reason == Reason::Conflicting));
        }
    }
}

#[test]
fn another_status_under_one_id_is_told_what_to_send_instead() {
    for (first, second) in [("pending", "rejected"), ("accepted", "settled")] {
        let output = Run::new().slice(BANK, &[deposit(INNOCENT, first), deposit(INNOCENT, second)]);
        let letter = &output.dead_letters[0];
        assert_eq!((output.counts.accepted, letter.reason), (1, Reason::Conflicting));
        assert!(letter.detail.contains("send a return under an id of its own"), "{}", letter.detail);
        assert_eq!(output.accepted[0].text(Text::Status).value(0), first);
    }
}

#[test]
fn of_another_source_only_what_it_adds_is_screened() {
    let uetr = "eb6305c9-1f7f-49de-aed0-16487c27b42d";
    let told = payment(&format!(r#""tx_id":"K3","uetr":"{uetr}""#), "MRVADEFF", LISTED, "2026-01-05T10:00:00Z");
    let witness = |party: &str| {
        format!(
            "<Document><FIToFICstmrCdtTrf><GrpHdr><MsgId>1</MsgId><CreDtTm>2026-01-05T10:00:00Z</CreDtTm></GrpHdr>\
             <CdtTrfTxInf><PmtId><TxId>1</TxId><UETR>{uetr}</UETR></PmtId><IntrBkSttlmAmt Ccy='EUR'>100.00</IntrBkSttlmAmt>\
             {party}<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>\
             <CdtrAcct><Id><IBAN>{LISTED}</IBAN></Id></CdtrAcct></CdtTrfTxInf></FIToFICstmrCdtTrf></Document>"
        )
    };
    for (party, hits) in [
        ("", 1),
        ("<UltmtDbtr><Nm>Nobody Listed</Nm></UltmtDbtr>", 1),
        ("<UltmtDbtr><Nm>Real Payer</Nm></UltmtDbtr>", 2),
        ("<Dbtr><Nm>Real Payer</Nm></Dbtr>", 2),
    ] {
        let output = Run::new().slice(BANK, &[told.clone(), witness(party)]);
        assert_eq!((output.counts.accepted, output.counts.repeated), (1, 1), "{party}: {:?}", output.dead_letters);
        assert_eq!(output.hits.len(), hits, "{party}: {:?}", output.hits);
    }
}

#[test]
fn a_rates_file_needs_its_header_and_a_rate() {
    let read = |text: &str| Rates::read("EUR", text, "rates.csv").map(|rates| rates.rate("USD", 1_767_607_200_000));
    for more in ["", "2026-01-05,USD,0.920\n", "2026-01-05,EUR,1.00\n", "2026-01-06,USD,0.93\n"] {
        assert!(read(&format!("date,currency,rate\n2026-01-05,USD,0.92\n{more}")).unwrap().is_some(), "{more}");
    }
    for (text, told) in [
        ("2026-01-05,USD,0.92\n2026-01-06,USD,0.93\n", "header"),
        ("when,ccy,value\n2026-01-05,USD,0.92\n", "header"),
        ("hi", "header"),
        ("", "header"),
        ("date,currency,rate\n", "no rate"),
        ("date,currency,rate\n2026-01-05,USD,0.92\n2026-01-05,USD,9.2\n", "csv:3: gives USD another rate"),
        ("date,currency,rate\n2026-01-05,EUR,1.1\n", "csv:2: gives a rate for EUR"),
    ] {
        let refusal = read(text).unwrap_err().to_string();
        assert!(refusal.contains(told) && refusal.contains("rates.csv"), "{text}: {refusal}");
    }
}

#[test]
fn a_snapshot_that_does_not_fit_is_refused_without_a_word_of_what_it_holds() {
    let mut snapshot = Vec::new();
    Run::new().pipeline.write_snapshot(&mut snapshot).unwrap();
    let part = |bytes: &[u8]| [&(bytes.len() as u64).to_le_bytes()[..], bytes].concat();
    let head = 8 + usize::try_from(u64::from_le_bytes(snapshot[..8].try_into().unwrap())).unwrap();
    let book = part(br#"{"records":"GB33BUKB20201555555555"}"#);
    for broken in [part(br#"{"format":"GB33BUKB20201555555555"}"#), [&snapshot[..head], &book].concat()] {
        let error = Pipeline::restore(parts(), &mut broken.as_slice()).unwrap_err().to_string();
        assert!(error.contains("its JSON breaks off or does not fit at byte ") && !error.contains("BUKB"), "{error}");
    }
}

#[test]
fn what_comes_after_an_end_without_low_time_is_of_its_own_day() {
    let mut run = Run::new();
    let pay = |number: u32| payment(&format!(r#""tx_id":"I{number}""#), "MRVADEFF", LISTED, "2026-01-05T10:00:00Z");
    let payload = pay(1).into_bytes();
    let record =
        InputRecord { topic: BANK.into(), partition: 0, offset: 0, append_time: APPENDED, payload: payload.into() };
    // A partition that has not said anything holds low time.
    let joined = vec![(BANK.into(), 0), (EXCHANGE.into(), 0)];
    let epoch = run.pipeline.epoch();
    let end = InputSlice { records: vec![record], seq: 1, tick: APPENDED, end: true, joined, epoch };
    let output = run.pipeline.process(&end).unwrap();
    assert_eq!((output.low_time, output.alerts.len()), (None, 1));
    let (before, after) = (&output.alerts[0], &run.slice(BANK, &[pay(2)]).alerts[0]);
    assert_eq!((&after.alert_id, after.episode), (&before.alert_id, before.episode));
    // What the end told goes on: both payments are in the alert.
    assert_eq!((before.evidence.hits.len(), after.evidence.hits.len(), after.revision), (1, 2, 2));
    let mut snapshot = Vec::new();
    run.pipeline.write_snapshot(&mut snapshot).unwrap();
    Pipeline::restore(parts(), &mut snapshot.as_slice()).unwrap();
}

#[test]
fn revisions_that_were_published_under_another_epoch_are_not_given_again() {
    let mut run = Run::new();
    let pay = |number: u32, run: &mut Run| {
        let id = format!(r#""tx_id":"R{number}""#);
        let alerts = run.slice(BANK, &[payment(&id, "MRVADEFF", LISTED, "2026-01-05T10:00:00Z")]).alerts;
        assert_eq!(alerts.len(), 1);
        (alerts[0].alert_id.clone(), alerts[0].revision)
    };
    let (id, first) = pay(1, &mut run);
    assert_eq!(first, 1);
    run.pipeline.published_before([(id.as_str(), 4), ("of another alert", 9)]);
    run.pipeline.published_before([(id.as_str(), 3)]);
    let mut snapshot = Vec::new();
    run.pipeline.write_snapshot(&mut snapshot).unwrap();
    run.pipeline = Pipeline::restore(parts(), &mut snapshot.as_slice()).unwrap();
    assert_eq!(pay(2, &mut run), (id.clone(), 5));
    assert_eq!(pay(3, &mut run), (id, 6));
}

#[test]
fn revisions_published_before_are_remembered_until_the_day_of_their_alert_is_over() {
    let (ten_days_ago, today) = ("2025-12-26T10:00:00Z", "2026-01-05T10:00:00Z");
    let pay = |number: u32, to: &str| [payment(&format!(r#""tx_id":"F{number}""#), "MRVADEFF", to, today)];
    let deposit = |time: &str| {
        [format!(
            r#"{{"type":"deposit","tx_id":"{time}","source":"kestrel","time":"{time}","status":"settled","user":"7","amount":"5.00",
            "asset":"EUR","network":"sepa","linked_account":"DE25910200026215894711","user_name":"K R","user_country":"DE"}}"#
        )]
    };
    let id = Run::new().slice(BANK, &pay(1, LISTED)).alerts[0].alert_id.clone();
    let published = [(id.as_str(), 4)];
    for case in ["there was no time", "low time was unknown", "low time was ten days back"] {
        let mut run = Run::new();
        if case == "there was no time" {
            run.pipeline.skip_to(3).unwrap();
            run.pipeline.published_before(published);
        }
        // The partition of the exchange holds low time.
        let joined = vec![(BANK.into(), 0), (EXCHANGE.into(), 0)];
        let (seq, epoch) = (run.pipeline.last_seq() + 1, run.pipeline.epoch());
        run.pipeline.process(&InputSlice { records: vec![], seq, tick: APPENDED, end: false, joined, epoch }).unwrap();
        if case == "low time was ten days back" {
            assert_eq!(run.slice(EXCHANGE, &deposit(ten_days_ago)).counts.accepted, 1);
        }
        let output = run.slice(BANK, &pay(2, INNOCENT));
        assert_eq!(output.low_time.is_some(), case == "low time was ten days back");
        run.pipeline.published_before(published);
        let output = run.slice(EXCHANGE, &deposit(today));
        assert_eq!((output.counts.accepted, output.low_time), (1, Some(APPENDED - 600_000)), "{case}");
        let alerts = run.slice(BANK, &pay(3, LISTED)).alerts;
        assert_eq!(
            alerts.iter().map(|alert| (&alert.alert_id, alert.revision)).collect::<Vec<_>>(),
            [(&id, 5)],
            "{case}"
        );
    }
}

#[test]
fn slices_that_cannot_be_judged_again_are_skipped_and_never_judged_twice() {
    let mut run = Run::new();
    run.pipeline.skip_to(7).unwrap();
    run.slice(BANK, &[payment(r#""tx_id":"K1""#, "MRVADEFF", LISTED, "2026-01-05T10:00:00Z")]);
    assert_eq!(run.pipeline.last_seq(), 8);
    let mut snapshot = Vec::new();
    run.pipeline.write_snapshot(&mut snapshot).unwrap();
    assert_eq!(Pipeline::restore(parts(), &mut snapshot.as_slice()).unwrap().last_seq(), 8);
    let error = run.pipeline.skip_to(7).unwrap_err();
    assert!(matches!(error, Error::Sequence { expected: 9, got: 8 }), "{error}");
}
