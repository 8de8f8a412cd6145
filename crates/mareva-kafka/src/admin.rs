//! Making topics, for tests and first set-ups; reading how they are set.
use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    types::RDKafkaErrorCode,
};

use crate::{
    config::{Connection, Side, property},
    error::Error,
};

/// A topic to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name.
    pub name: String,
    /// Partitions.
    pub partitions: i32,
    /// Replicas; -1 for the broker's default.
    pub replication: i32,
    /// Topic settings, such as `retention.ms`.
    pub settings: Vec<(String, String)>,
}

impl TopicSpec {
    /// A topic with the broker's defaults.
    pub fn new(name: impl Into<String>, partitions: i32) -> Self {
        Self { name: name.into(), partitions, replication: -1, settings: Vec::new() }
    }

    /// An input topic as a run wants it: the broker's time on every record.
    pub fn input(name: impl Into<String>, partitions: i32) -> Self {
        Self::new(name, partitions).with("message.timestamp.type", "LogAppendTime")
    }

    /// A sequence topic as a run wants it: one partition, kept for ever.
    pub fn sequence(name: impl Into<String>) -> Self {
        let kept = Self::new(name, 1).with("cleanup.policy", "delete");
        kept.with("retention.ms", "-1").with("retention.bytes", "-1")
    }

    /// With a setting.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }
}

/// Makes topics; those that exist stay as they are.
///
/// # Errors
/// The brokers cannot be reached within `patience`, or refuse.
pub fn create_topics(connection: &Connection, topics: &[TopicSpec], patience: Duration) -> Result<(), Error> {
    let admin = admin(connection)?;
    let options = AdminOptions::new().operation_timeout(Some(patience)).request_timeout(Some(patience));
    let new: Vec<_> = topics
        .iter()
        .map(|topic| {
            let mut new = NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(topic.replication));
            for (key, value) in &topic.settings {
                new = new.set(key, value);
            }
            new
        })
        .collect();
    let results = futures::executor::block_on(admin.create_topics(&new, &options));
    for result in results.map_err(Error::client("cannot create topics"))? {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => {
                return Err(Error::NotAllowed { what: format!("topic {topic}"), reason: code.to_string() });
            }
        }
    }
    Ok(())
}

/// Settings of topics that exist: name to value, by topic. A topic whose settings we may not see has none.
pub(crate) fn describe_topics(
    connection: &Connection,
    topics: &[&str],
    patience: Duration,
) -> Result<BTreeMap<String, BTreeMap<String, String>>, Error> {
    let admin = admin(connection)?;
    let options = AdminOptions::new().request_timeout(Some(patience));
    let wanted: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
    let results = futures::executor::block_on(admin.describe_configs(&wanted, &options));
    let results = results.map_err(Error::client("cannot read the settings of the topics"))?;
    let mut settings = BTreeMap::new();
    for resource in results.into_iter().flatten() {
        if let OwnedResourceSpecifier::Topic(topic) = resource.specifier {
            let entries = resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?)));
            settings.insert(topic, entries.collect());
        }
    }
    Ok(settings)
}

fn admin(connection: &Connection) -> Result<AdminClient<DefaultClientContext>, Error> {
    let mut config = connection.client(Side::Producer, &[("client.id", "mareva")], &[])?;
    config.remove("transactional.id");
    config.create().map_err(property)
}
