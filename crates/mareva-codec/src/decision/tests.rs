use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mareva_model::Reason;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use mareva_model::Ruling;

const ALL: [&str; 6] = Ruling::ALL;

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

/// Alice has two keys and may all, Bob may snooze alone.
fn approvers() -> Approvers {
    let approver = |name: &str, number: u8, may: &[&str]| Approver {
        name: name.to_owned(),
        public_key: read_public_key(&key(number).public_key()).unwrap(),
        may: may.iter().map(|kind| (*kind).to_owned()).collect(),
    };
    [("alice-1", approver("alice", 1, &ALL)), ("alice-2", approver("alice", 2, &ALL))]
        .into_iter()
        .chain([("bob", approver("bob", 3, &["snooze"]))])
        .map(|(id, approver)| (id.to_owned(), approver))
        .collect()
}

fn number_of(key_id: &str) -> u8 {
    match key_id {
        "alice-1" => 1,
        "alice-2" => 2,
        "bob" => 3,
        _ => 9,
    }
}

fn signed(payload: &Value, key_ids: &[&str]) -> String {
    let (first, others) = key_ids.split_first().unwrap();
    let once = key(number_of(first)).sign(first, payload.to_string().as_bytes()).unwrap();
    others.iter().fold(once, |record, id| key(number_of(id)).sign_too(id, record.as_bytes()).unwrap())
}

fn mule() -> Value {
    json!({
        "id": "D-1", "kind": "confirmed_mule", "reason": "the holder has confessed", "issued_at": "2026-01-05T10:00:00Z",
        "until": "2026-02-05T10:00:00Z", "account": "DE89 3704 0044 0532 0130 00",
    })
}

fn snooze() -> Value {
    json!({
        "id": "D-2", "kind": "snooze", "reason": "pays wages", "issued_at": "2026-01-05T10:00:00Z",
        "until": "2026-02-05T10:00:00Z", "account": "iban:DE89370400440532013000", "rules": ["mule-account"],
        "amount_cap": "5000.00",
    })
}

fn with(mut payload: Value, key: &str, value: Value) -> Value {
    payload[key] = value;
    payload
}

fn without(mut payload: Value, key: &str) -> Value {
    payload.as_object_mut().unwrap().remove(key);
    payload
}

fn read_text(record: &str) -> Result<Decision, Reason> {
    read(record.as_bytes(), &approvers()).map_err(|fault| fault.reason)
}

#[test]
fn a_decision_is_read_with_those_who_signed_it() {
    let decision = read_text(&signed(&mule(), &["alice-2"])).unwrap();
    assert_eq!((decision.id.as_str(), decision.by.as_slice()), ("D-1", ["alice".to_owned()].as_slice()));
    let account = "iban:DE89370400440532013000".to_owned();
    assert_eq!(decision.ruling, Ruling::ConfirmedMule { account: account.clone() });
    let decision = read_text(&signed(&snooze(), &["bob", "alice-1"])).unwrap();
    assert_eq!(decision.by, ["alice", "bob"]);
    assert_eq!(decision.ruling, Ruling::Snooze { account, rules: vec!["mule-account".into()], amount_cap: 500_000 });
}

#[test]
fn the_flattened_form_of_one_signature_is_read_too() {
    let general: Value = serde_json::from_str(&signed(&mule(), &["alice-1"])).unwrap();
    let one = &general["signatures"][0];
    let flat = json!({ "payload": general["payload"], "protected": one["protected"], "signature": one["signature"] });
    assert!(read_text(&flat.to_string()).is_ok());
    assert_eq!(read_text(&with(flat, "signatures", general["signatures"].clone()).to_string()), Err(Reason::Untrusted));
}

#[test]
fn the_signature_is_that_of_rfc_8037() {
    // Appendix A.1 and A.2 of RFC 8037.
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let key = SigningKey::from_seed(&seed.try_into().unwrap()).unwrap();
    assert_eq!(key.public_key(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
}

#[test]
fn a_key_is_read_from_the_pem_of_openssl() {
    // openssl genpkey -algorithm ed25519
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    assert_eq!(SigningKey::from_pem(pem).unwrap().public_key(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    for wrong in ["", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----"] {
        assert_eq!(SigningKey::from_pem(wrong).unwrap_err(), SignError::Key);
    }
}

#[test]
fn what_is_not_signed_by_those_who_may_is_not_trusted() {
    let edit = |record: &str, change: &dyn Fn(&mut Value)| {
        let mut record: Value = serde_json::from_str(record).unwrap();
        change(&mut record);
        record.to_string()
    };
    let header = |header: Value| Value::from(URL_SAFE_NO_PAD.encode(header.to_string()));
    let one = signed(&mule(), &["alice-1"]);
    let two = signed(&snooze(), &["bob", "alice-1"]);
    let other = with(mule(), "account", json!("GB33BUKB20201555555555"));
    for (what, record) in [
        ("nobody", edit(&one, &|r| r["signatures"] = json!([]))),
        ("no signatures", edit(&one, &|r| _ = r.as_object_mut().unwrap().remove("signatures"))),
        ("another payload", edit(&one, &|r| r["payload"] = Value::from(URL_SAFE_NO_PAD.encode(other.to_string())))),
        ("a stranger", signed(&mule(), &["stranger"])),
        ("a stranger under a known id", key(9).sign("alice-1", mule().to_string().as_bytes()).unwrap()),
        ("a stranger beside one who may", signed(&mule(), &["alice-1", "stranger"])),
        ("an empty signature", edit(&one, &|r| r["signatures"][0]["signature"] = json!(""))),
        (
            "of two one wrong",
            edit(&two, &|r| r["signatures"][1]["signature"] = r["signatures"][0]["signature"].clone()),
        ),
        (
            "no algorithm",
            edit(&one, &|r| {
                r["signatures"][0]["protected"] =
                    header(json!({ "alg": "none", "kid": "alice-1", "typ": "mareva-decision+json" }));
            }),
        ),
        (
            "an extension",
            edit(&one, &|r| {
                let protected = json!({ "alg": "EdDSA", "kid": "alice-1", "typ": "mareva-decision+json", "b64": false, "crit": ["b64"] });
                r["signatures"][0]["protected"] = header(protected);
            }),
        ),
        ("one who may not decide this", signed(&with(mule(), "id", json!("D-9")), &["bob"])),
        ("one for two", signed(&snooze(), &["alice-1"])),
        ("one with two keys for two", signed(&snooze(), &["alice-1", "alice-2"])),
    ] {
        assert_eq!(read_text(&record), Err(Reason::Untrusted), "{what}");
    }
}

#[test]
fn a_signature_for_another_end_is_none() {
    let payload = URL_SAFE_NO_PAD.encode(mule().to_string());
    let protected = URL_SAFE_NO_PAD.encode(json!({ "alg": "EdDSA", "kid": "alice-1", "typ": "JWT" }).to_string());
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(format!("{protected}.{payload}").as_bytes()).as_ref());
    let record = json!({ "payload": payload, "protected": protected, "signature": signature });
    assert_eq!(read_text(&record.to_string()), Err(Reason::Untrusted));
}

#[test]
fn a_payload_that_is_no_decision_is_refused_by_name() {
    let long = "x".repeat(2_000);
    for (what, payload, reason) in [
        ("unknown key", with(snooze(), "amount_capp", json!("1")), Reason::InvalidField),
        ("no reason", without(mule(), "reason"), Reason::InvalidField),
        ("blank reason", with(mule(), "reason", json!(" ")), Reason::InvalidField),
        ("long reason", with(mule(), "reason", json!(long)), Reason::TooLarge),
        ("unknown kind", with(mule(), "kind", json!("amnesty")), Reason::InvalidField),
        ("key of another kind", with(mule(), "amount_cap", json!("1.00")), Reason::InvalidField),
        ("no account", without(mule(), "account"), Reason::MissingField),
        ("no such account", with(mule(), "account", json!("123")), Reason::InvalidField),
        ("ends before it begins", with(mule(), "until", json!("2026-01-05T10:00:00Z")), Reason::InvalidField),
        ("no time", with(mule(), "until", json!("tomorrow")), Reason::InvalidField),
        ("odd id", with(mule(), "id", json!("a b")), Reason::InvalidField),
        ("no rules", without(snooze(), "rules"), Reason::MissingField),
        ("too fine a cap", with(snooze(), "amount_cap", json!("0.001")), Reason::InvalidField),
        ("a cap below nothing", with(snooze(), "amount_cap", json!("-1.00")), Reason::InvalidField),
        ("a number for a text", with(snooze(), "amount_cap", json!(5000)), Reason::InvalidField),
    ] {
        let key = key(1);
        assert!(matches!(key.sign("alice-1", payload.to_string().as_bytes()), Err(SignError::Decision(_))), "{what}");
        let found = Written::read(payload.to_string().as_bytes()).and_then(Written::check);
        let fault = found.expect_err(what);
        assert_eq!(fault.reason, reason, "{what}: {}", fault.detail);
        assert!(!fault.detail.contains("3704"), "{}", fault.detail);
    }
}

/// Found by the fuzz target: what a sender calls a key is his, as long as he likes and whatever it says.
#[test]
fn a_fault_names_no_key_that_may_be_content() {
    for key in ["DE89370400440532013000".to_owned(), "a".repeat(2_000), "x y".to_owned()] {
        let fault = Written::read(with(mule(), &key, json!("1")).to_string().as_bytes()).map(drop).unwrap_err();
        assert_eq!(fault.detail, "the payload is no decision");
    }
    let fault = Written::read(with(mule(), "cap", json!("1")).to_string().as_bytes()).map(drop).unwrap_err();
    assert_eq!(fault.detail, "the payload is no decision; see `cap`");
}

#[test]
fn the_same_key_twice_is_refused() {
    let text = mule().to_string().replacen('{', r#"{"account":"GB33BUKB20201555555555","#, 1);
    assert!(Written::read(text.as_bytes()).is_err());
    let record = signed(&mule(), &["alice-1"]);
    assert_eq!(read_text(&record.replacen('{', r#"{"payload":"e30","#, 1)), Err(Reason::Malformed));
}

#[test]
fn a_record_beyond_the_limits_is_refused() {
    let record = signed(&mule(), &["alice-1"; 9]);
    assert_eq!(read_text(&record), Err(Reason::TooLarge));
    assert_eq!(read_text(&" ".repeat(MAX_RECORD + 1)), Err(Reason::TooLarge));
    assert!(read_text(&signed(&mule(), &["alice-1"; 8])).is_ok());
}

proptest! {
    /// A record with anything in it changed is the same decision or none.
    #[test]
    fn nothing_can_be_changed(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let record = signed(&snooze(), &["bob", "alice-1"]);
        let mut bytes = record.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(decision) = read(&bytes, &approvers()) {
            prop_assert_eq!(decision, read_text(&record).unwrap());
        }
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, &approvers());
        let _ = Written::read(&bytes).and_then(Written::check);
    }
}
