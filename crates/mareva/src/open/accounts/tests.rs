use super::parse_account;

fn told(line: &str) -> Vec<String> {
    parse_account(line).unwrap_err().into_iter().map(|(reason, _)| reason).collect()
}

#[test]
fn all_that_is_wrong_with_a_line_is_told_and_no_value_of_it() {
    let line = r#"{"account":4711,"customer":4712,"role":"king","opened_at":"4713","country":["4714"]}"#;
    let found = told(line);
    let expected = ["account is no text", "customer is no text", "country is no text", "role `king`", "opened_at: "];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected)), "{found:?}");
    assert!(!found.concat().contains("471"), "{found:?}");
    assert_eq!(told("{}"), ["account is missing"]);
    assert_eq!(told(r#"{"account":" ","opened_at":{}}"#), ["account is empty", "opened_at: is no time"]);
    assert_eq!(told("\"4711\""), ["is no account: it is no JSON object"]);
    assert!(told(r#"{"account":"a","account":"b"}"#)[0].contains("duplicate field `account`"));
}
