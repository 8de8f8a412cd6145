//! Making topics: for tests, the demo and first set-ups.
use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
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
    let mut config = connection.client(Side::Producer, &[("client.id", "mareva")], &[])?;
    config.remove("transactional.id");
    let admin: AdminClient<DefaultClientContext> = config.create().map_err(property)?;
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
