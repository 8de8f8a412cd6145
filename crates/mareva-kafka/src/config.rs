//! What a run is told.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use mareva_model::Digest;
use rdkafka::{ClientConfig, consumer::BaseConsumer, error::KafkaError, producer::BaseProducer};

use crate::{error::Error, failpoint::Failpoints, machine::Limits, publisher, source};

/// Properties for which the value is read from the file that `PROPERTY.file` names.
const SECRETS: [&str; 5] =
    ["sasl.password", "ssl.key.password", "ssl.keystore.password", "sasl.oauthbearer.client.secret", "ssl.key.pem"];

/// Bytes of a file with a secret: a chain of certificates takes some thousands.
const MAX_SECRET: u64 = 1 << 20;

/// How brokers are reached. Every property of librdkafka passes through untouched; `consumer.X` and `producer.X` hold for
/// one side only; `sasl.password.file`, `ssl.key.password.file`, `ssl.keystore.password.file`, `ssl.key.pem.file` and
/// `sasl.oauthbearer.client.secret.file` name files whose trimmed content is the value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// Names and values.
    pub properties: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Consumer,
    Producer,
}

impl Connection {
    /// A connection to `brokers` (`host:port`, comma-separated) with everything else at its default.
    pub fn to(brokers: impl Into<String>) -> Self {
        Self { properties: [("bootstrap.servers".to_owned(), brokers.into())].into() }
    }

    /// `bootstrap.servers`.
    pub fn brokers(&self) -> &str {
        self.properties.get("bootstrap.servers").map_or("", String::as_str)
    }

    /// Properties that delivery rests on, and what they are set to: nobody overrules them.
    pub fn fixed() -> impl Iterator<Item = (&'static str, &'static str)> {
        source::FIXED.into_iter().chain(publisher::FIXED)
    }

    /// Whether a property names a file or folder by this value: a secret's, or one that librdkafka opens itself.
    pub fn names_path(key: &str, value: &str) -> bool {
        // `probe` has librdkafka look in the usual places.
        (key.ends_with(".file") || key.ends_with(".location")) && !(value.is_empty() || value == "probe")
    }

    /// Names in which the client is configured; `own` are our values, which the user's overrule, and `fixed` are those
    /// that nobody may overrule.
    pub(crate) fn client(
        &self,
        side: Side,
        own: &[(&str, &str)],
        fixed: &[(&str, &str)],
    ) -> Result<ClientConfig, Error> {
        let mut config = ClientConfig::new();
        for (key, value) in own {
            config.set(*key, *value);
        }
        let (mine, other) = match side {
            Side::Consumer => ("consumer.", "producer."),
            Side::Producer => ("producer.", "consumer."),
        };
        let own_side = |key: &String| key.starts_with(mine);
        let general = self.properties.iter().filter(|(key, _)| !own_side(key) && !key.starts_with(other));
        let special = self.properties.iter().filter(|(key, _)| own_side(key));
        for (key, value) in general.chain(special) {
            let key = key.strip_prefix(mine).unwrap_or(key);
            match key.strip_suffix(".file").filter(|key| SECRETS.contains(key)) {
                Some(secret) => {
                    let path = PathBuf::from(value);
                    let failed = |error| Error::Secret { key: secret.to_owned(), path: path.clone(), error };
                    let text = read_secret(&path).map_err(failed)?;
                    let text = text.trim_end_matches(['\n', '\r']);
                    if text.is_empty() {
                        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, "it is empty")));
                    }
                    config.set(secret, text);
                }
                None => {
                    config.set(key, value);
                }
            }
        }
        for (key, value) in fixed {
            config.set(*key, *value);
        }
        Ok(config)
    }

    /// Checks names and values of all properties, one by one.
    ///
    /// # Errors
    /// The first property that librdkafka refuses, or a file that cannot be read.
    pub fn check(&self) -> Result<(), Error> {
        for side in [Side::Consumer, Side::Producer] {
            let config = self.client(side, &[], &[])?;
            for (key, path) in config.config_map().iter().filter(|(key, _)| key.ends_with(".location")) {
                if Self::names_path(key, path) {
                    let found = fs::metadata(path);
                    let read =
                        found.and_then(|found| if found.is_file() { File::open(path).map(drop) } else { Ok(()) });
                    read.map_err(|error| Error::Location { key: (*key).to_owned(), path: path.into(), error })?;
                }
            }
            config.create_native_config().map_err(property)?;
        }
        Ok(())
    }

    /// Checks that the properties fit each other: makes the clients of a run, without any broker to contact.
    ///
    /// # Errors
    /// Why librdkafka makes no such client.
    pub fn check_clients(&self) -> Result<(), Error> {
        if let Some(config) = offline(source::client(self)?) {
            config.create::<BaseConsumer>().map(drop).map_err(property)?;
        }
        if let Some(config) = offline(publisher::client(self, "offline")?) {
            config.create::<BaseProducer>().map(drop).map_err(property)?;
        }
        Ok(())
    }
}

/// The text of a file with a secret.
fn read_secret(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_SECRET + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SECRET {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it holds more than 1 MiB"));
    }
    Ok(text)
}

/// A client that talks to nobody and says nothing; none where it would ask for its token as soon as it is made.
fn offline(mut config: ClientConfig) -> Option<ClientConfig> {
    let mechanism = config.get("sasl.mechanisms").or_else(|| config.get("sasl.mechanism"));
    if mechanism.is_some_and(|mechanism| mechanism.eq_ignore_ascii_case("OAUTHBEARER")) {
        return None;
    }
    for key in ["bootstrap.servers", "metadata.broker.list", "debug"] {
        config.remove(key);
    }
    config.set("log_level", "0");
    Some(config)
}

/// Tells a wrong property from other failures of creating a client.
pub(crate) fn property(error: KafkaError) -> Error {
    match error {
        KafkaError::ClientConfig(_, reason, key, value) => {
            let hidden = SECRETS.contains(&key.as_str());
            let value = if hidden { "(hidden)".to_owned() } else { value };
            Error::Property { key, value, reason }
        }
        error => Error::Client { doing: "cannot create the kafka client, check its properties", error },
    }
}

/// The topics of a run. They must exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Read, all partitions.
    pub inputs: BTreeSet<String>,
    /// Alert revisions.
    pub alerts: String,
    /// Refused records.
    pub dead_letters: String,
    /// Late rows.
    pub late: String,
    /// Sequence records; unlimited retention, not compacted.
    pub sequence: String,
    /// Partition of the sequence topic that is ours.
    pub sequence_partition: i32,
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            inputs: ["bank.transactions", "exchange.transactions"].map(str::to_owned).into(),
            alerts: "mareva.alerts".to_owned(),
            dead_letters: "mareva.deadletters".to_owned(),
            late: "mareva.late".to_owned(),
            sequence: "mareva.sequence".to_owned(),
            sequence_partition: 0,
        }
    }
}

impl Topics {
    /// Those that are written.
    pub fn outputs(&self) -> [&str; 4] {
        [&self.alerts, &self.dead_letters, &self.late, &self.sequence]
    }
}

/// Where and when snapshots are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotConfig {
    /// The folder; made when it is not there.
    pub folder: PathBuf,
    /// Time between snapshots.
    pub every: Duration,
    /// How many are kept.
    pub keep: usize,
}

impl SnapshotConfig {
    /// Every five minutes into `folder`, keeping two.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), every: Duration::from_secs(300), keep: 2 }
    }
}

/// What to do when the log was written under an epoch that the judge does not know: with another config.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EpochChange {
    /// Refuse to start.
    #[default]
    Refuse,
    /// Judge the recorded input again under the new epoch, its output suppressed. Snapshots of another epoch are not
    /// used.
    Replay,
}

/// All that a run is told.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// How brokers are reached.
    pub connection: Connection,
    /// Topics.
    pub topics: Topics,
    /// `transactional.id`: one per instance, the same in every run of it. A second run with it takes over from the first.
    pub transactional_id: String,
    /// Go on with a log that was written under another transactional id. The broker does not fence whoever has that.
    pub take_over: bool,
    /// Group under which offsets are committed, for lag monitors.
    pub group_id: String,
    /// Epoch of new slices.
    pub epoch: Digest,
    /// Earlier ones that the judge knows: recorded slices are judged again, and snapshots restored, under their own.
    pub known_epochs: BTreeSet<Digest>,
    /// Bounds and times.
    pub limits: Limits,
    /// Snapshots; without, every start judges the whole log again.
    pub snapshots: Option<SnapshotConfig>,
    /// Stop when all that the topics held at the start is judged.
    pub until_end: bool,
    /// Start although needed input is gone.
    pub accept_gap: bool,
    /// What to do on another epoch.
    pub epoch_change: EpochChange,
    /// How long the first contact with the brokers may take.
    pub connect: Duration,
    /// How often new partitions are looked for.
    pub discover_every: Duration,
    /// Whether the brokers are asked how the topics are set. A mock cluster does not answer.
    pub check_settings: bool,
    /// Where a test makes it die.
    pub failpoints: Failpoints,
}

impl RunConfig {
    /// A run of a judge with `epoch` over the default topics, with default bounds and no snapshots.
    pub fn new(connection: Connection, epoch: Digest) -> Self {
        Self {
            connection,
            topics: Topics::default(),
            transactional_id: "mareva-0".to_owned(),
            take_over: false,
            group_id: "mareva".to_owned(),
            epoch,
            known_epochs: BTreeSet::new(),
            limits: Limits::default(),
            snapshots: None,
            until_end: false,
            accept_gap: false,
            epoch_change: EpochChange::Refuse,
            connect: Duration::from_secs(10),
            discover_every: Duration::from_secs(60),
            check_settings: true,
            failpoints: Failpoints::default(),
        }
    }
}
