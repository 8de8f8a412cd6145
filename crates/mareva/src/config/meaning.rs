//! What no type can say: values that do not fit each other or the world.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;

use mareva_codec::read_public_key;
use mareva_kafka::Connection;
use mareva_model::{Fault, Refusal, Ruling, identifier};
use mareva_pipeline::LIST_OF_DECISIONS;

use super::Config;
use crate::logging;

/// Checks the meaning of a config whose types are right.
pub fn check(config: &Config, place: &str, faults: &mut Refusal) {
    let mut fault = |key: &str, reason: String, remedy: &str| {
        faults.0.push(Fault::new(format!("{place}: {key}"), reason, remedy));
    };
    for bic in &config.institution.bics {
        if identifier::bic(bic).is_none() {
            fault("institution.bics", format!("`{bic}` is no BIC"), "write 8 or 11 characters, such as MRVADEFF");
        }
    }
    let jurisdiction = &config.institution.jurisdiction;
    if !(jurisdiction.is_empty() || is_upper(jurisdiction, 2)) {
        let reason = format!("`{jurisdiction}` is no country code");
        fault("institution.jurisdiction", reason, "write an ISO 3166 alpha-2 code in capitals, such as DE");
    }
    if !is_upper(&config.semantics.reference_currency, 3) {
        let reason = format!("`{}` is no currency code", config.semantics.reference_currency);
        fault("semantics.reference_currency", reason, "write an ISO 4217 code in capitals, such as EUR");
    }
    let output = &config.output;
    let topics = config.input.bank.iter().map(|topic| ("input.bank", topic));
    let topics = topics.chain(config.input.exchange.iter().map(|topic| ("input.exchange", topic)));
    let topics = topics.chain(config.input.decisions.iter().map(|topic| ("input.decisions", topic))).chain([
        ("output.alerts", &output.alerts),
        ("output.dead_letters", &output.dead_letters),
        ("output.late", &output.late),
        ("output.sequence", &output.sequence),
    ]);
    let mut seen = HashSet::new();
    for (key, topic) in topics {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if topic.is_empty() || topic.len() > 249 || !topic.chars().all(plain) {
            let remedy = "use 1 to 249 of letters, digits, '.', '_' and '-'";
            fault(key, format!("`{topic}` cannot be the name of a topic"), remedy);
        }
        if !seen.insert(topic) {
            fault(key, format!("topic `{topic}` is named twice"), "give every stream and output a topic of its own");
        }
    }
    if config.input.bank.is_empty() && config.input.exchange.is_empty() {
        fault("input", "no topic is read".to_owned(), "name at least one topic");
    }
    decisions(config, &mut fault);
    kafka(&config.kafka, &mut fault);
    if !config.http.listen.is_empty() && config.http.listen.parse::<SocketAddr>().is_err() {
        let reason = format!("`{}` is no address", config.http.listen);
        fault("http.listen", reason, "write address:port, such as 127.0.0.1:9464, or nothing");
    }
    if let Some(reason) = logging::level_fault(&config.log.level) {
        fault("log.level", reason, logging::LEVELS);
    }
}

/// Who may decide what.
fn decisions(config: &Config, fault: &mut impl FnMut(&str, String, &str)) {
    let (mut key_ids, mut keys, mut people) = (HashSet::new(), HashSet::new(), BTreeMap::new());
    for (at, approver) in config.decisions.approvers.iter().enumerate() {
        let mut wrong = |key: &str, reason: String, remedy: &str| {
            fault(&format!("decisions.approvers[{at}].{key}"), reason, remedy);
        };
        if approver.name.trim().is_empty() {
            wrong("name", "is empty".to_owned(), "write what decisions and alerts are to call him");
        }
        if approver.key_id.is_empty() || !key_ids.insert(&approver.key_id) {
            wrong(
                "key_id",
                format!("`{}` is empty, or given twice", approver.key_id),
                "give each key an id of its own",
            );
        }
        if read_public_key(&approver.public_key).is_none() {
            let remedy = "write the 32 bytes in base64url without padding, as the x of a JSON Web Key has them";
            wrong("public_key", "is no Ed25519 key".to_owned(), remedy);
        }
        if !keys.insert(&approver.public_key) {
            wrong("public_key", "is given twice".to_owned(), "who has one key is one person; give each key once");
        }
        let folded = approver.name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        if *people.entry(folded).or_insert(&approver.name) != &approver.name {
            let reason = format!("`{}` is spelt in two ways", approver.name);
            wrong("name", reason, "two people sign where two have to: write the name of each in one way");
        }
        for kind in approver.may.iter().filter(|kind| !Ruling::ALL.contains(&kind.as_str())) {
            let reason = format!("`{kind}` is no kind of decision");
            wrong("may", reason, &format!("the kinds are {}", Ruling::ALL.join(", ")));
        }
    }
    if !config.input.decisions.is_empty() && config.decisions.approvers.is_empty() {
        let reason = "decisions are read and nobody may sign them".to_owned();
        fault("decisions.approvers", reason, "name those who may in [[decisions.approvers]]");
    }
    if config.lists.iter().any(|file| file.list.name == LIST_OF_DECISIONS) {
        let reason = format!("no list can be called `{LIST_OF_DECISIONS}`: so are hits on confirmed mules");
        fault("lists", reason, "give it another name");
    }
}

/// Properties of the clients that nobody may set otherwise, or not there.
fn kafka(properties: &BTreeMap<String, String>, fault: &mut impl FnMut(&str, String, &str)) {
    for key in ["bootstrap.servers", "transactional.id", "group.id"] {
        if properties.get(key).is_none_or(|value| value.trim().is_empty()) {
            let remedy = "write a value, or leave the key out for the default";
            fault(&format!("kafka.{key}"), "is empty".to_owned(), remedy);
        }
    }
    for side in ["consumer.", "producer."] {
        for key in ["transactional.id", "group.id"] {
            if properties.contains_key(&format!("{side}{key}")) {
                let reason = "holds for the whole instance, not for one side".to_owned();
                fault(&format!("kafka.{side}{key}"), reason, "move it to [kafka]");
            }
        }
    }
    for side in ["", "consumer.", "producer."] {
        for (key, fixed) in Connection::fixed() {
            let key = format!("{side}{key}");
            if let Some(value) = properties.get(&key).filter(|value| *value != fixed) {
                let reason = format!("is `{value}`, and Mareva always sets it to `{fixed}`: delivery rests on it");
                fault(&format!("kafka.{key}"), reason, "leave it out");
            }
        }
    }
    for side in ["", "producer."] {
        for key in ["acks", "request.required.acks"] {
            let key = format!("{side}{key}");
            if let Some(value) = properties.get(&key).filter(|value| !matches!(value.as_str(), "all" | "-1")) {
                let reason = format!("`{value}` would lose what is committed when a broker dies");
                fault(&format!("kafka.{key}"), reason, "write \"all\", or leave it out");
            }
        }
    }
}

fn is_upper(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
