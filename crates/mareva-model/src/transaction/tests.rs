use super::*;

#[test]
fn several_payments_are_told_apart_under_a_uetr_and_one_under_another_id() {
    for (id, count, first) in [
        ("uetr:u", 7, "uetr:u#2"),
        ("institution:uetr:u", 7, "institution:uetr:u#2"),
        ("initiation:uetr:u", 7, "initiation:uetr:u#2"),
        ("MRVADEFF:1", 1, "namesake:MRVADEFF:1"),
        ("institution:MRVADEFF:1", 1, "namesake:institution:MRVADEFF:1"),
        // A sender's own id that looks like ours.
        ("MRVADEFF:uetr:u", 1, "namesake:MRVADEFF:uetr:u"),
    ] {
        let all: Vec<String> = namesakes(id).collect();
        assert_eq!((all.len(), all[0].as_str()), (count, first));
    }
}

#[test]
fn every_kind_is_told_by_one_stream_and_says_whether_it_moves() {
    let banks = Kind::ALL.into_iter().filter(|kind| is_told_by_banks(kind.as_str())).count();
    let still: Vec<&str> = Kind::ALL.into_iter().map(Kind::as_str).filter(|kind| !is_movement(kind)).collect();
    assert_eq!(banks, 10);
    assert_eq!(still, ["initiation", "recall", "investigation", "status_report", "trade"]);
}
