//! TLS and SASL, the password from a file.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::sync::atomic::AtomicBool;

use mareva_kafka::{Error, run};
use mareva_tests::{
    counting::{Counting, Filling, Outcome, config, topics},
    kafka_broker::{KafkaBroker, Security},
};

#[test]
fn through_a_secured_listener() {
    let broker = KafkaBroker::start_with(Security::SaslTls, &[]);
    let connection = broker.connection();
    let topics = topics("secured");
    broker.make(&topics, 2);
    let filling = Filling { accounts: 40, malformed: 50 };
    filling.write(&connection, &topics, 0..5_000, 0);
    let mut config = config(&connection, &topics);
    config.until_end = true;
    run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    let (alerts, dead_letters) = filling.expected(0..5_000);
    Outcome::read(&connection, &topics).check(&alerts, dead_letters);

    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "not the word").unwrap();
    let path = secret.path().display().to_string();
    config.connection.properties.insert("sasl.password.file".to_owned(), path);
    let error = run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).expect_err("a wrong password");
    assert!(matches!(error, Error::NotAllowed { .. }), "{error}");
    assert!(!error.to_string().contains("not the word"));
}
