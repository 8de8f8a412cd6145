use super::*;

fn record(alerts: usize) -> SequenceRecord {
    let digest = |i: usize| AlertDigest::of(&i.to_le_bytes());
    SequenceRecord {
        version: SequenceRecord::VERSION,
        number: 7,
        last_seq: 12,
        epoch: mareva_model::digest(b"epoch"),
        history: None,
        writer: "w1".to_owned(),
        transactional_id: Some("mareva-0".to_owned()),
        part: false,
        slices: vec![SliceCut {
            seq: 12,
            tick: 1_700_000_000_000,
            end: false,
            joined: vec![("bank.transactions".into(), 3)],
            cuts: vec![Cut { topic: "bank.transactions".into(), partition: 3, from: 10, to: 20 }],
            alerts,
        }],
        alerts: (0..alerts).map(digest).collect(),
        revisions: (1..).take(alerts).map(|revision| AlertRevision { alert_id: "a1".repeat(16), revision }).collect(),
        reissued: Vec::new(),
        judged: [(Arc::from("bank.transactions"), [(3, 20)].into())].into(),
        last_judged: [(Arc::from("bank.transactions"), [(3, digest(7))].into())].into(),
        alerts_from: [(0, 5)].into(),
        gaps: Vec::new(),
        log_gap: None,
    }
}

#[test]
fn a_record_is_read_back_whole_however_many_alerts_it_carries() {
    for alerts in [0, 1, 4_000, 4_001, 20_000] {
        let record = SequenceRecord { history: Some(mareva_model::digest(b"history")), ..record(alerts) };
        let payloads = record.to_payloads();
        assert!(payloads.iter().all(|p| p.len() < 900_000), "fits a broker's default message size");
        let mut assembler = Assembler::default();
        let read: Vec<_> = payloads.iter().filter_map(|p| assembler.take(p).unwrap()).collect();
        assert_eq!(read, [record]);
    }
}

#[test]
fn parts_of_an_aborted_transaction_do_not_leak_into_the_next() {
    let mut aborted = record(9_000);
    aborted.number = 6;
    let mut assembler = Assembler::default();
    assert_eq!(assembler.take(&aborted.to_payloads()[0]), Ok(None));
    let whole = record(2);
    assert_eq!(assembler.take(&whole.to_payloads()[0]), Ok(Some(whole)));
}

#[test]
fn the_published_form_is_stable() {
    let text = String::from_utf8(record(1).to_payloads().remove(0)).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"version":1,"number":7,"last_seq":12,"#,
            r#""epoch":"1dba2b219a47b5215b2c226940fcaf4662d1af56644237b4296ff9f22e47739f","writer":"w1","transactional_id":"mareva-0","#,
            r#""slices":[{"seq":12,"tick":1700000000000,"joined":[["bank.transactions",3]],"cuts":[{"topic":"bank.transactions","partition":3,"from":10,"to":20}],"#,
            r#""alerts":1}],"alerts":["71e0a99173564931c0b8acc52d2685a8"],"#,
            r#""revisions":["a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1/1"],"#,
            r#""judged":{"bank.transactions":{"3":20}},"last_judged":{"bank.transactions":{"3":"6f3287cd13d7e1d790ece8ec6da9b2a5"}},"alerts_from":{"0":5}}"#
        )
    );
}

#[test]
fn another_version_is_refused() {
    let mut newer = record(0);
    newer.version = 2;
    assert!(Assembler::default().take(&newer.to_payloads()[0]).is_err());
}

#[test]
fn a_record_from_before_ids_and_revisions_were_recorded_is_read() {
    let whole = String::from_utf8(record(1).to_payloads().remove(0)).unwrap();
    let before = whole.replace(r#""transactional_id":"mareva-0","#, "");
    let before = before.replace(r#""revisions":["a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1/1"],"#, "");
    let judged = before.find(r#""last_judged""#).unwrap()..before.find(r#""alerts_from""#).unwrap();
    let before = before.replace(&before[judged], "");
    assert_ne!(before, whole);
    let read = Assembler::default().take(before.as_bytes()).unwrap();
    assert_eq!(
        read,
        Some(SequenceRecord {
            transactional_id: None,
            revisions: Vec::new(),
            last_judged: LastJudged::new(),
            ..record(1)
        })
    );
}
