//! Mutation fuzzer for everything that reads untrusted bytes: `fuzz --decoder NAME [--for 10m] [--seed N]`.
//!
//! It damages valid samples at random, keeps damaged ones that were refused in a new way, and checks after each what must
//! always hold. The same seed gives the same inputs in the same order. A panic, a broken promise or an input that takes
//! too long ends it with exit 1 and leaves the input in a file. Nightly tools are not needed.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mareva_codec::{Decoder, Limits, Record, Stream};
use mareva_model::identifier::{self, Identifier};
use mareva_model::{DeadLetter, Refusal, TransactionBatch};
use mareva_screening::{
    Column, ColumnMap, DateOrder, Entry, EntryKind, Headers, ListConfig, LoadedList, load_ftm, load_misp, load_plain,
    load_stix, load_tagpack, load_uk_csv, load_xml,
};
use mareva_tests::{decisions, messages};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const USAGE: &str = "usage: fuzz --decoder bank|exchange|iso20022|mt|ethereum|decision|identifier|list|csv-list|uk-csv-list|xml-list|ftm-list|misp-list|stix-list|tagpack-list [--for 10m] [--seed N]";

/// An input that takes longer shows that work grows faster than input.
const MAX_TIME: Duration = Duration::from_secs(5);
/// Damaged samples kept beside the valid ones.
const MAX_KEPT: usize = 512;
/// Bytes of such a sample: large ones would slow down everything after them.
const MAX_KEPT_LENGTH: usize = 8 * 1024;
/// Inputs are cut to this; records beyond the codec's limit are made on purpose now and then.
const MAX_LENGTH: usize = 256 * 1024;

const BANK: [&[u8]; 5] = [
    include_bytes!("../../../crates/mareva-codec/examples-data/bank.credit_transfer.json"),
    include_bytes!("../../../crates/mareva-codec/examples-data/bank.cash_deposit.json"),
    include_bytes!("../../../crates/mareva-codec/examples-data/bank.cash_withdrawal.json"),
    include_bytes!("../../../crates/mareva-codec/examples-data/bank.card_payment.json"),
    include_bytes!("../../../crates/mareva-codec/examples-data/bank.return.json"),
];
const EXCHANGE: [&[u8]; 5] = [
    include_bytes!("../../../crates/mareva-codec/examples-data/exchange.deposit.json"),
    include_bytes!("../../../crates/mareva-codec/examples-data/exchange.fiat_deposit.json"),
    include_bytes!("../../../crates/mareva-codec/examples-data/exchange.withdrawal.json"),
    include_bytes!("../../../crates/mareva-codec/examples-data/exchange.trade.json"),
    include_bytes!("../../../crates/mareva-codec/examples-data/exchange.internal_transfer.json"),
];
const ETHEREUM: [&[u8]; 2] = [
    include_bytes!("../../../crates/mareva-codec/examples-data/exchange.token_transfer.json"),
    include_bytes!("../../../crates/mareva-codec/examples-data/exchange.transaction.json"),
];
const IDENTIFIERS: [&[u8]; 14] = [
    b"DE89 3704 0044 0532 0130 00",
    b"MRVADEFFXXX",
    b"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
    b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    b"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    b"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    b"bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
    b"rf1BiGeXwwQoi8Z2ueFYTEXSwuJYfV2Jpn#77",
    b"GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
    b"4AdUndXHHZ6cfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2684Rge",
    b"exch:kestrel:10023",
    b"acct:MRVADEFF/12345",
    b"+49 151 2345-6789",
    b"invoice 4711 to DE89370400440532013000, thanks",
];
const CELLS: [&[u8]; 4] = [
    b"rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh (Address tag 102334770)*",
    b"0xc8fe1c81e927540fcc99ebb3c880a840082293da, TR2nTb64cQMx6tqFwisoC6o7barFWHhPiw",
    b"binanceiost (Address tag 100343788) *",
    b"52585753",
];

const XML_LISTS: [&[u8]; 5] = [
    include_bytes!("../../../crates/mareva-screening/fixtures/un.xml"),
    include_bytes!("../../../crates/mareva-screening/fixtures/eu.xml"),
    include_bytes!("../../../crates/mareva-screening/fixtures/uk.xml"),
    include_bytes!("../../../crates/mareva-screening/fixtures/sdn.xml"),
    include_bytes!("../../../crates/mareva-screening/fixtures/sdn_advanced.xml"),
];

const CSV_LISTS: [&[u8]; 4] = [
    b"id,name,iban,programme,successor_of,lineage_since\na,Quil,DE89370400440532013000,P,,\nb,Quil Two,,,a,2026-01-05\n",
    b"id,name,iban,agent,birth_date,country,valid_until,quality\n1,\"Belquil, Arno\",DE89370400440532013000,MRVADEFF,1967-01-05,DE,2026-01-31,low\n",
    b"identifier;vasp\n0xc8fe1c81e927540fcc99ebb3c880a840082293da;kestrel\n10023;kestrel\n",
    b"ref,first,last,born,listed\nA1,Arno,Belquil,5/1/1967,31.12.2020\nB2,,Quilmoor Bank,,\n",
];
const UK_CSV_LISTS: [&[u8]; 1] = [include_bytes!("../../../crates/mareva-screening/fixtures/uk.csv")];

const MISP_LISTS: [&[u8]; 1] = [include_bytes!("../../../crates/mareva-screening/fixtures/misp.json")];
const STIX_LISTS: [&[u8]; 1] = [include_bytes!("../../../crates/mareva-screening/fixtures/stix.json")];
const TAGPACKS: [&[u8]; 1] = [include_bytes!("../../../crates/mareva-screening/fixtures/tagpack.yaml")];
const FTM_LISTS: [&[u8]; 1] = [include_bytes!("../../../crates/mareva-screening/fixtures/entities.ftm.json")];

/// Pieces that break readers, put in whole.
const PIECES: [&[u8]; 45] = [
    b"9999-12-31T23:59:59Z",
    b"115792089237316195423570985008687907853269984665640564039457584007913129639935",
    b"1e999",
    b"1e-99",
    b"-1",
    b"0.0000000000000000001",
    b"null",
    b"true",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"\\u",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\xe2\x80\x8b",
    b"\xd0\xa1",
    b"<!DOCTYPE x [<!ENTITY a \"b\">]>",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
    b"&amp;",
    b"&#0;",
    b"&x;",
    b"<p:CdtTrfTxInf>",
    b"</p:CdtTrfTxInf>",
    b"<p:FIToFICstmrCdtTrf>",
    b"<FIToFIPmtStsRpt>",
    b"<PmtInf>",
    b"<InvstgtnReq>",
    b"\r\n:50F:",
    b"\r\n-}",
    b"/>",
    b"\"type\":\"return\",",
    b"\"amount\":",
    b"#",
];

/// What a decoder is fed with, and what it must hold to.
struct Target {
    samples: Vec<&'static [u8]>,
    run: fn(&[u8]) -> Result<String, String>,
}

/// Decodes a mutated record; `Err` says which invariant broke.
type Check = fn(&[u8]) -> Result<String, String>;

fn target(name: &str) -> Option<Target> {
    let (samples, run): (&[&'static [u8]], Check) = match name {
        "bank" => (&BANK, |input| decode(Stream::Bank, input)),
        "exchange" => (&EXCHANGE, |input| decode(Stream::Exchange, input)),
        "iso20022" => (&messages::ISO20022, |input| decode(Stream::Bank, input)),
        "mt" => (&messages::MT, |input| decode(Stream::Bank, input)),
        "decision" => (&decisions::SAMPLES, |input| decisions::read_and_sign(input).map(|end| shape(&end))),
        "ethereum" => (&ETHEREUM, |input| decode(Stream::Exchange, input)),
        "identifier" => (&IDENTIFIERS, identifiers),
        "list" => (&CELLS, cells),
        "csv-list" => (&CSV_LISTS, csv_list),
        "uk-csv-list" => (&UK_CSV_LISTS, uk_csv_list),
        "xml-list" => (&XML_LISTS, xml_list),
        "ftm-list" => (&FTM_LISTS, ftm_list),
        "misp-list" => (&MISP_LISTS, misp_list),
        "stix-list" => (&STIX_LISTS, stix_list),
        "tagpack-list" => (&TAGPACKS, tagpack_list),
        _ => return None,
    };
    Some(Target { samples: samples.to_vec(), run })
}

/// Decodes the record twice in one decoder and checks what the codec promises. Returns how it ended.
fn decode(stream: Stream, payload: &[u8]) -> Result<String, String> {
    let mut decoder = Decoder::new(Limits::default());
    for offset in [4, 5] {
        decoder.decode(stream, Record { topic: "fuzz", partition: 1, offset, append_time: 0, payload });
    }
    let decoded = decoder.finish();
    let rows = decoded.batch.len();
    let letters = &decoded.dead_letters;
    let check = |held: bool, promise: &str| {
        if held { Ok(()) } else { Err(promise.to_owned()) }
    };
    check(rows + letters.len() >= 2, "every record gives a row or a dead letter")?;
    let firsts = letters.iter().filter(|letter| letter.position.offset == 4).count();
    check(letters.len() == 2 * firsts, "the same record twice ends the same way twice")?;
    check(letters.iter().all(|letter| letter.payload.len() <= DeadLetter::MAX_PAYLOAD), "kept payloads are bounded")?;
    check(letters.iter().all(|letter| letter.payload_length == payload.len()), "the length is that of the record")?;
    check(letters.iter().all(|letter| letter.detail.len() <= 300), "details are short")?;
    check(decoded.parties.iter().all(|party| (party.row as usize) < rows), "parties belong to rows")?;
    let inside = |place: &std::ops::Range<u32>| payload.get(place.start as usize..place.end as usize).is_some();
    check(decoded.places.len() == rows && decoded.places.iter().all(inside), "each row has a place in its record")?;
    let known = |(letter, ..): &(usize, _, _)| *letter < letters.len();
    check(decoded.dead_letter_parties.iter().all(known), "parties belong to dead letters")?;
    let batch = decoded.batch.clone().into_batch();
    check(TransactionBatch::try_new(batch).is_ok(), "the batch has the schema")?;
    let times = decoded.batch.event_time().values();
    check(times.iter().all(|ms| (0..7_258_118_400_000).contains(ms)), "times are plausible")?;
    Ok(letters
        .first()
        .map_or_else(|| format!("{rows} rows"), |letter| format!("{:?} {}", letter.reason, shape(&letter.detail))))
}

/// A detail without its numbers: places differ, kinds matter.
fn shape(detail: &str) -> String {
    detail.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn fixed(found: &Identifier) -> Result<(), String> {
    match identifier::recognise(&found.canonical) {
        // The case that a checksum stood in is no part of the canonical form.
        Some(again)
            if again == *found || again.canonical == found.canonical && again.canonical.starts_with("eip155:") =>
        {
            Ok(())
        }
        again => Err(format!("canonical text is a fixed point: {found:?} became {again:?}")),
    }
}

fn identifiers(input: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(input);
    // Fields are longer nowhere: the codec refuses them before.
    let text = &text[..text.floor_char_boundary(1024)];
    let recognised = identifier::recognise(text);
    let scheme = recognised.as_ref().map(|found| found.canonical.split(':').next().unwrap_or_default().to_owned());
    for found in recognised.iter().chain([
        &identifier::account(text, Some("MRVADEFF")),
        &identifier::account("1", Some(text)),
        &identifier::wallet(text, None, None),
        &identifier::wallet(text, Some("xrp"), Some("7")),
        &identifier::wallet("x", Some(text), Some(text)),
    ]) {
        if found.canonical.len() <= 2048 {
            fixed(found)?;
        }
    }
    let mut found = Vec::new();
    identifier::recognise_in_text(text, &mut found);
    // Densest are the eight numbers that `+12345678 1 2 3 4 5 6 7` may be; letters that look alike may give a second reading.
    if found.len() * "+12345678 1 2 3 4 5 6 7".len() > text.len() * 2 * 8 {
        return Err("identifiers in a text are bounded by it".to_owned());
    }
    found.iter().try_for_each(fixed)?;
    Ok(format!("{scheme:?} {}", found.len()))
}

/// With the names of columns that are ours, then with a map.
fn csv_list(input: &[u8]) -> Result<String, String> {
    let is_nameless = |entry: &Entry| entry.names.is_empty() && entry.identifiers.is_empty();
    let ended = list_file(|config| load_plain(config, input, "list.csv"), is_nameless)?;
    let one = |name: &str| Headers::One(name.to_owned());
    let name = Headers::Joined(["first", "last"].map(str::to_owned).to_vec());
    let columns = ColumnMap::from([
        (Column::Id, one("ref")),
        (Column::Name, name),
        (Column::BirthDate, one("born")),
        (Column::ListedAt, one("listed")),
    ]);
    let config = ListConfig { columns, dates: DateOrder::DayFirst, ..ListConfig::sanctions("list", "") };
    Ok(ended + &list_file(|_| load_plain(&config, input, "list.csv"), is_nameless)?)
}

fn uk_csv_list(input: &[u8]) -> Result<String, String> {
    list_file(|config| load_uk_csv(config, input, "uk.csv"), |entry| entry.names.is_empty())
}

fn xml_list(input: &[u8]) -> Result<String, String> {
    list_file(|config| load_xml(config, input, "list.xml"), |entry| entry.names.is_empty())
}

fn ftm_list(input: &[u8]) -> Result<String, String> {
    // An account has no name.
    let is_nameless = |entry: &Entry| entry.names.is_empty() && entry.kind != EntryKind::Account;
    list_file(|config| load_ftm(config, input, "entities.json"), is_nameless)
}

fn misp_list(input: &[u8]) -> Result<String, String> {
    list_file(|config| load_misp(config, input, "event.json"), |entry| entry.identifiers.is_empty())
}

fn stix_list(input: &[u8]) -> Result<String, String> {
    list_file(|config| load_stix(config, input, "bundle.json"), |entry| entry.identifiers.is_empty())
}

fn tagpack_list(input: &[u8]) -> Result<String, String> {
    list_file(|config| load_tagpack(config, input, "tagpack.yaml"), |entry| entry.identifiers.is_empty())
}

/// A list is refused with its reasons, or read the same way twice; then every entry has an id and a name.
fn list_file(
    read: impl Fn(&ListConfig) -> Result<LoadedList, Refusal>,
    is_nameless: impl Fn(&Entry) -> bool,
) -> Result<String, String> {
    let config = ListConfig::sanctions("list", "");
    let read = || read(&config);
    let told = |read: &Result<LoadedList, Refusal>| match read {
        Ok(list) => format!("{} {:?}", list.list().digest, list.counts()),
        Err(refusal) => refusal.to_string(),
    };
    let first = read();
    if told(&first) != told(&read()) {
        return Err("a list is read the same way twice".to_owned());
    }
    match first {
        Ok(list) if list.entries().any(|entry| entry.id.is_empty() || is_nameless(&entry)) => {
            Err("every entry has an id and a name".to_owned())
        }
        Ok(list) => Ok(format!("{:?}", list.counts())),
        Err(refusal) if refusal.0.is_empty() => Err("a refusal has a reason".to_owned()),
        Err(refusal) => Ok(refusal.0[0].reason.chars().filter(|c| !c.is_ascii_digit()).take(40).collect()),
    }
}

fn cells(input: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(input);
    let cell = identifier::list_cell(&text);
    cell.identifiers.iter().filter(|found| found.canonical.len() <= 2048).try_for_each(fixed)?;
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    if cell.identifiers.is_empty() && cell.rejected.is_empty() && letters(&text) > 40 {
        return Err("a cell is never dropped silently".to_owned());
    }
    Ok(format!("{} {}", cell.identifiers.len().min(3), cell.rejected.len().min(3)))
}

/// Damages `input` in one to six places.
fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut ChaCha8Rng) {
    for _ in 0..random.random_range(1..=6) {
        if input.is_empty() {
            input.push(random.random());
        }
        let at = random.random_range(0..input.len());
        let end = (at + random.random_range(1..=32)).min(input.len());
        match random.random_range(0..11) {
            0 => input[at] ^= 1 << random.random_range(0..8),
            1 => input[at] = random.random(),
            2 => _ = input.splice(at..at, PIECES[random.random_range(0..PIECES.len())].iter().copied()),
            3 => _ = input.splice(at..end, PIECES[random.random_range(0..PIECES.len())].iter().copied()),
            4 => _ = input.drain(at..end),
            5 => input.truncate(at),
            6 => {
                let piece = input[at..end].to_vec();
                let times = 1 << random.random_range(0..8);
                _ = input.splice(at..at, piece.iter().copied().cycle().take(piece.len() * times));
            }
            7 => {
                let from = random.random_range(0..=other.len());
                let to = (from + random.random_range(0..200)).min(other.len());
                _ = input.splice(at..end, other[from..to].iter().copied());
            }
            8 => {
                let with = random.random_range(0..input.len());
                input.swap(at, with);
            }
            9 => digits(input, at, random),
            _ => {
                let byte = b"{}[]<>\"&;/:,0"[random.random_range(0..13)];
                let largest = if random.random_ratio(1, 100) { 17 } else { 8 };
                let times = 1 << random.random_range(0..largest);
                _ = input.splice(at..at, std::iter::repeat_n(byte, times));
            }
        }
        input.truncate(MAX_LENGTH);
    }
    if random.random_ratio(1, 5_000) {
        let length = 1024 * 1024 + random.random_range(0..3);
        input.resize(length, b' ');
    }
}

/// Replaces the next run of digits by another number.
fn digits(input: &mut Vec<u8>, at: usize, random: &mut ChaCha8Rng) {
    let Some(start) = input[at..].iter().position(u8::is_ascii_digit).map(|found| at + found) else {
        return;
    };
    let length = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let new = match random.random_range(0..4) {
        0 => random.random::<u64>().to_string(),
        1 => "9".repeat(random.random_range(1..120)),
        2 => random.random_range(0..100_u8).to_string(),
        _ => "0".repeat(random.random_range(1..40)),
    };
    _ = input.splice(start..start + length, new.into_bytes());
}

struct Args {
    decoder: String,
    duration: Duration,
    seed: u64,
}

fn args() -> Result<Args, String> {
    let mut args = Args { decoder: String::new(), duration: Duration::from_secs(600), seed: 1 };
    let mut given = std::env::args().skip(1);
    while let Some(flag) = given.next() {
        let value = given.next().ok_or_else(|| format!("{flag} wants a value"))?;
        match flag.as_str() {
            "--decoder" => args.decoder = value,
            "--seed" => args.seed = value.parse().map_err(|_| format!("--seed {value} is no number"))?,
            "--for" => {
                args.duration = duration(&value).ok_or_else(|| format!("--for {value}: write 90s, 10m or 1h"))?
            }
            _ => return Err(format!("unknown flag {flag}")),
        }
    }
    Ok(args)
}

fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let seconds = match &text[unit..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    text[..unit].parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

/// Fuzzes for a while; the input that broke a promise, and which.
fn fuzz(target: &Target, args: &Args) -> Result<(u64, usize), (Vec<u8>, String)> {
    let mut random = ChaCha8Rng::seed_from_u64(args.seed);
    let mut pool: Vec<Vec<u8>> = target.samples.iter().map(|sample| sample.to_vec()).collect();
    let mut endings = BTreeSet::new();
    let started = Instant::now();
    let mut runs = 0;
    while started.elapsed() < args.duration {
        let pick = random.random_range(0..pool.len());
        let other = random.random_range(0..pool.len());
        let mut input = pool[pick].clone();
        if runs >= target.samples.len() as u64 {
            mutate(&mut input, &pool[other], &mut random);
        } else {
            input.clone_from(&pool[runs as usize]);
        }
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        runs += 1;
        let ending = match outcome {
            Ok(Ok(ending)) => ending,
            Ok(Err(promise)) => return Err((input, promise)),
            Err(_) => return Err((input, "it does not panic".to_owned())),
        };
        if begun.elapsed() > MAX_TIME {
            return Err((input, format!("it takes less than {MAX_TIME:?}")));
        }
        // Refused in a new way: worth damaging further.
        if endings.insert(ending) && pool.len() < MAX_KEPT && input.len() <= MAX_KEPT_LENGTH {
            pool.push(input);
        }
    }
    Ok((runs, endings.len()))
}

fn main() -> ExitCode {
    let args = match args() {
        Ok(args) => args,
        Err(told) => {
            eprintln!("{told}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Some(target) = target(&args.decoder) else {
        eprintln!("--decoder names none of them\n{USAGE}");
        return ExitCode::from(2);
    };
    match fuzz(&target, &args) {
        Ok((runs, endings)) => {
            println!("{}: {runs} inputs, {endings} endings, seed {}, all promises held", args.decoder, args.seed);
            ExitCode::SUCCESS
        }
        Err((input, promise)) => {
            let file = format!("fuzz-{}-{}.bin", args.decoder, args.seed);
            eprintln!("{}: broken promise: {promise}; {} bytes", args.decoder, input.len());
            match std::fs::write(&file, &input) {
                Ok(()) => eprintln!("the input is in {file}"),
                Err(error) => eprintln!("{file}: {error}; the input is {}", input.escape_ascii()),
            }
            ExitCode::FAILURE
        }
    }
}
