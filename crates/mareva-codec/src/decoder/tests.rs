mod bank;
mod exchange;
mod generated;
mod hostile;
mod messages;
mod mixed;
mod mt;
mod official;
mod pacs008;

use mareva_model::{PartyRole, Text, column};

use super::*;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples-data");

fn example(name: &str) -> Vec<u8> {
    std::fs::read(format!("{EXAMPLES}/{name}")).expect("the example is there")
}

/// An example that is text.
fn message(name: &str) -> String {
    String::from_utf8(example(name)).unwrap()
}

/// Whether all of these are among those found.
#[track_caller]
fn names_all(found: &[(PartyRole, PartyText)], expected: &[(PartyRole, PartyText)]) {
    for party in expected {
        assert!(found.contains(party), "{party:?} is not among {found:?}");
    }
}

fn record(payload: &[u8]) -> Record<'_> {
    Record { topic: "bank.transactions", partition: 3, offset: 77, append_time: 1_767_607_300_000, payload }
}

/// Decodes one record and checks what holds for every one.
fn decode(stream: Stream, payload: &[u8]) -> Decoded {
    let mut decoder = Decoder::new(Limits::default());
    decoder.decode(stream, record(payload));
    let decoded = decoder.finish();
    let rows = decoded.batch.len();
    assert!(rows + decoded.dead_letters.len() > 0, "neither row nor dead letter");
    for letter in &decoded.dead_letters {
        assert!(letter.payload.len() <= DeadLetter::MAX_PAYLOAD);
        assert_eq!(letter.payload_length, payload.len());
        assert_eq!(letter.payload_digest, mareva_model::digest(payload));
        assert_eq!((letter.position.partition, letter.position.offset), (3, 77));
    }
    assert!(decoded.parties.iter().all(|party| (party.row as usize) < rows));
    assert!(decoded.dead_letter_parties.iter().all(|(letter, ..)| *letter < decoded.dead_letters.len()));
    assert!(decoder.finish().batch.is_empty());
    decoded
}

fn text(decoded: &Decoded, row: usize, text: Text) -> Option<String> {
    use arrow::array::Array;
    let column = decoded.batch.text(text);
    (!column.is_null(row)).then(|| column.value(row).to_owned())
}

/// Amount in units of 10^-18.
fn amount(decoded: &Decoded, row: usize, at: usize) -> Option<i128> {
    use arrow::array::{Array, Decimal128Array};
    let column = decoded.batch.batch().column(at).as_any().downcast_ref::<Decimal128Array>().unwrap();
    (!column.is_null(row)).then(|| column.value(row))
}

/// All texts of a row that are not null, but for the topic and the digest of [`parties`].
fn texts(decoded: &Decoded, row: usize) -> Vec<(Text, String)> {
    let all = Text::ALL.into_iter().filter(|column| !matches!(column, Text::Topic | Text::OtherParties));
    all.filter_map(|column| text(decoded, row, column).map(|value| (column, value))).collect()
}

#[track_caller]
fn check_texts(decoded: &Decoded, row: usize, expected: &[(Text, &str)]) {
    let found = texts(decoded, row);
    let found: Vec<_> = found.iter().map(|(column, value)| (*column, value.as_str())).collect();
    let mut expected = expected.to_vec();
    expected.sort_by_key(|(column, _)| *column as usize);
    assert_eq!(found, expected);
}

fn name(role: PartyRole, text: &str) -> (PartyRole, PartyText) {
    (role, PartyText::Name(text.to_owned()))
}

fn identifier(role: PartyRole, text: &str) -> (PartyRole, PartyText) {
    (role, PartyText::Identifier(text.to_owned()))
}

fn parties(decoded: &Decoded) -> Vec<(PartyRole, PartyText)> {
    decoded.parties.iter().map(|party| (party.role, party.text.clone())).collect()
}

fn dead_parties(decoded: &Decoded) -> Vec<(PartyRole, PartyText)> {
    decoded.dead_letter_parties.iter().map(|(_, role, text)| (*role, text.clone())).collect()
}

const UNIT: i128 = 10_i128.pow(18);

#[test]
fn positions_and_order_are_kept_over_many_records() {
    let mut decoder = Decoder::new(Limits::default());
    let good = example("bank.credit_transfer.json");
    for offset in 0..10 {
        let payload: &[u8] = if offset % 3 == 2 { b"{}" } else { &good };
        decoder.decode(Stream::Bank, Record { offset, ..record(payload) });
    }
    let decoded = decoder.finish();
    let offsets: Vec<_> = decoded.batch.offset().values().to_vec();
    let refused: Vec<_> = decoded.dead_letters.iter().map(|letter| letter.position.offset).collect();
    assert_eq!((offsets, refused), (vec![0, 1, 3, 4, 6, 7, 9], vec![2, 5, 8]));
    assert_eq!(decoded.batch.append_time().value(0), 1_767_607_300_000);
    assert!(!decoder.is_full());
}

#[test]
fn examples_decode_and_counterexamples_do_not() {
    for folder in ["", "refused/"] {
        let mut seen = 0;
        for file in std::fs::read_dir(format!("{EXAMPLES}/{folder}")).unwrap() {
            let file = file.unwrap().file_name().into_string().unwrap();
            let stream = match file.split('.').next() {
                Some("bank") => Stream::Bank,
                Some("exchange") => Stream::Exchange,
                _ => continue,
            };
            let decoded = decode(stream, &example(&format!("{folder}{file}")));
            let expected = if folder.is_empty() { (1, 0) } else { (0, 1) };
            assert_eq!(
                (decoded.batch.len(), decoded.dead_letters.len()),
                expected,
                "{file}: {:?}",
                decoded.dead_letters
            );
            seen += 1;
        }
        assert!(seen >= 12, "{seen} examples in {folder}");
    }
}
