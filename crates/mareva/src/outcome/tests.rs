use std::time::Duration;

use mareva_kafka::Error;
use mareva_model::digest;

use super::*;

#[test]
fn two_says_that_starting_again_does_not_help() {
    let refusal = || Refusal::one("topic mareva.sequence", "it has 3 partitions", "make it anew with one");
    let brokers = "localhost:9092".to_owned();
    let unreachable = Error::Unreachable { brokers, waited: Duration::from_secs(10), reason: None };
    let cases: [(u8, anyhow::Error); 8] = [
        (2, refusal().into()),
        (2, Error::Refused(refusal()).into()),
        (2, anyhow::Error::from(Error::LogGap { from: 1, to: 9 }).context("cannot run")),
        (2, Error::EpochChanged { recorded: digest(b"then"), current: digest(b"now") }.into()),
        (2, Error::Fenced { writer: None }.into()),
        (1, Error::Overtaken { writer: "other".to_owned() }.into()),
        (1, unreachable.into()),
        (1, anyhow::anyhow!("the disk is full")),
    ];
    for (expected, error) in cases {
        assert_eq!(code(&error), expected, "{error:#}");
    }
}
