use super::parse_account;

fn told(line: &str) -> Vec<String> {
    parse_account(line, &[]).unwrap_err().into_iter().map(|(reason, _)| reason).collect()
}

#[test]
fn all_that_is_wrong_with_a_line_is_told_and_no_value_of_it() {
    let line = r#"{"account":4711,"customer":4712,"role":"king","rol":4715,"opened_at":"4713","country":["4714"]}"#;
    let found = told(line);
    let expected = [
        "\"rol\" is no key of an account",
        "account is no text",
        "customer is no text",
        "country is no text",
        "role `king`",
        "opened_at: ",
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected)), "{found:?}");
    assert!(!found.concat().contains("471"), "{found:?}");
    assert_eq!(told("{}"), ["account is missing"]);
    assert_eq!(told(r#"{"account":" ","opened_at":{}}"#), ["account is empty", "opened_at: is no time"]);
    assert_eq!(told("\"4711\""), ["is no account: it is no JSON object"]);
    assert!(told(r#"{"account":"a","account":"b"}"#)[0].contains("duplicate field `account`"));
    for wrong in ["DE00370400440532013000", "12345678", "MRVADEFF", "0x52908400098527886E0F7030069857D2E4169Ee7"] {
        let found = told(&format!(r#"{{"account":"{wrong}"}}"#));
        assert_eq!(found, ["account is no account or address whose format and checksum hold"], "{wrong}");
    }
    for wrong in ["de", "Germany", "QQ", "D"] {
        let line = format!(r#"{{"account":"acct:A/1","country":"{wrong}"}}"#);
        assert_eq!(told(&line), ["country is none"], "{wrong}");
    }
}

#[test]
fn what_is_empty_says_nothing() {
    let account =
        parse_account(r#"{"account":"acct:A/1","customer":"","role":" ","segment":"","country":""}"#, &[]).unwrap();
    assert_eq!((account.customer, account.role, account.segment, account.country), (None, None, None, None));
}

#[test]
fn a_key_that_stands_beside_is_no_fault() {
    let line = r#"{"type":"account","account":"acct:A/1"}"#;
    assert!(parse_account(line, &["type"]).is_ok());
    assert_eq!(told(line), ["\"type\" is no key of an account"]);
}
