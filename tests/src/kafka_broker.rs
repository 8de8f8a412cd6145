//! Apache Kafka 4.3 for the tests: one node (broker and KRaft controller) in its own folder on free ports, from the
//! artifacts that Maven fetches once. Needs `java` (17 or later) and, the first time, `mvn`.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use mareva_kafka::{Connection, TopicSpec, Topics, create_topics};
use tempfile::TempDir;

/// Identity of the cluster: it never meets another one.
const CLUSTER: &str = "bWFyZXZhLXRlc3RzLTAwMQ";

/// User of the secured listener.
pub const USER: &str = "mareva";

/// Its password.
pub const PASSWORD: &str = "a-word-for-tests";

/// How clients reach the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// In the clear, without a name.
    Plaintext,
    /// TLS with a certificate of its own authority, SASL PLAIN inside.
    SaslTls,
}

/// A running (or stopped, or killed) broker. Dropped, it is killed and its folder removed.
pub struct KafkaBroker {
    folder: TempDir,
    security: Security,
    settings: Vec<(String, String)>,
    port: u16,
    child: Option<Child>,
}

/// The folder with Kafka's jars: `MAREVA_KAFKA_DIR` (its `lib`), else one beside the build, filled at first use.
///
/// # Panics
/// When they are not there and cannot be fetched.
pub fn libraries() -> &'static Path {
    static LIBRARIES: OnceLock<PathBuf> = OnceLock::new();
    LIBRARIES.get_or_init(|| {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = std::env::var_os("MAREVA_KAFKA_DIR").map(PathBuf::from);
        let root = root.unwrap_or_else(|| tests.join("../target/kafka-4.3.0"));
        let lib = root.join("lib");
        if !lib.is_dir() {
            fs::create_dir_all(&root).expect("a folder for Kafka");
            // Fetched beside its place and renamed: several test programs may do so at once.
            let fetched = root.join(format!("lib.{}", std::process::id()));
            let status = Command::new("mvn")
                .args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"])
                .arg("-f")
                .arg(tests.join("kafka/pom.xml"))
                .arg(format!("-DoutputDirectory={}", fetched.display()))
                .status();
            let status =
                status.expect("mvn starts: install Maven, or set MAREVA_KAFKA_DIR to a folder with Kafka's lib");
            assert!(status.success(), "mvn cannot fetch Apache Kafka: {status}");
            if fs::rename(&fetched, &lib).is_err() {
                fs::remove_dir_all(&fetched).expect("a second copy can be removed");
            }
        }
        lib
    })
}

fn java(heap: &str) -> Command {
    let mut command = Command::new("java");
    command.arg(format!("-Xmx{heap}")).arg("-cp").arg(libraries().join("*"));
    command
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

impl KafkaBroker {
    /// Starts a broker without security.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Self {
        Self::start_with(Security::Plaintext, &[])
    }

    /// Starts a broker with broker settings of one's own.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_with(security: Security, settings: &[(&str, &str)]) -> Self {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let mut broker = Self {
            folder: tempfile::Builder::new().prefix("mareva-kafka-").tempdir().expect("a temporary folder"),
            security,
            settings: settings.iter().map(own).collect(),
            port: 0,
            child: None,
        };
        if security == Security::SaslTls {
            broker.make_certificate();
        }
        let mut last = String::new();
        for _ in 0..3 {
            // Somebody else may take a port between our asking and Kafka's binding it.
            broker.configure();
            match broker.launch() {
                Ok(()) => return broker,
                Err(log) => last = log,
            }
        }
        panic!("Apache Kafka does not start:\n{last}");
    }

    /// `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> String {
        // The certificate is for the name.
        let host = if self.security == Security::SaslTls { "localhost" } else { "127.0.0.1" };
        format!("{host}:{}", self.port)
    }

    /// How clients reach it.
    ///
    /// # Panics
    /// When the password file cannot be written.
    pub fn connection(&self) -> Connection {
        let mut connection = Connection::to(self.bootstrap_servers());
        if self.security == Security::SaslTls {
            let secret = self.folder.path().join("password");
            fs::write(&secret, format!("{PASSWORD}\n")).expect("a file for the password");
            let path = |name: &str| self.folder.path().join(name).display().to_string();
            let properties = [
                ("security.protocol", "sasl_ssl".to_owned()),
                ("sasl.mechanism", "PLAIN".to_owned()),
                ("sasl.username", USER.to_owned()),
                ("sasl.password.file", secret.display().to_string()),
                ("ssl.ca.location", path("ca.pem")),
            ];
            connection.properties.extend(properties.map(|(key, value)| (key.to_owned(), value)));
        }
        connection
    }

    /// Makes the default topics, see [`Self::make`].
    pub fn make_topics(&self, partitions: i32) -> Topics {
        let topics = Topics::default();
        self.make(&topics, partitions);
        topics
    }

    /// Makes topics as a run wants them: `partitions` for each input, four for alerts, one for the others.
    ///
    /// # Panics
    /// When they cannot be made.
    pub fn make(&self, topics: &Topics, partitions: i32) {
        let mut specs: Vec<_> = topics.inputs.iter().map(|name| TopicSpec::input(name, partitions)).collect();
        specs.push(TopicSpec::new(&topics.alerts, 4));
        specs.extend([&topics.dead_letters, &topics.late].map(|name| TopicSpec::new(name, 1)));
        specs.push(TopicSpec::sequence(&topics.sequence));
        create_topics(&self.connection(), &specs, Duration::from_secs(20)).expect("topics can be made");
    }

    /// Stops it cleanly.
    ///
    /// # Panics
    /// When it does not stop within 30 s.
    pub fn stop(&mut self) {
        let Some(child) = &mut self.child else { return };
        let status = Command::new("kill").arg(child.id().to_string()).status().expect("kill starts");
        assert!(status.success(), "SIGTERM is sent");
        let since = Instant::now();
        while child.try_wait().expect("its own child").is_none() {
            assert!(since.elapsed() < Duration::from_secs(30), "Apache Kafka does not stop");
            thread::sleep(Duration::from_millis(50));
        }
        self.child = None;
    }

    /// Kills it, as a power cut would.
    ///
    /// # Panics
    /// When that fails.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("SIGKILL is sent");
            child.wait().expect("its own child");
        }
    }

    /// Starts it again on the same folder and ports.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.stop();
        let mut last = String::new();
        for _ in 0..5 {
            match self.launch() {
                Ok(()) => return,
                Err(log) => last = log,
            }
            thread::sleep(Duration::from_millis(500));
        }
        panic!("Apache Kafka does not start again:\n{last}");
    }

    /// Suspends it (`true`) or lets it go on: a stall of the whole machine.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn suspend(&self, suspended: bool) {
        let Some(child) = &self.child else { return };
        let signal = if suspended { "-STOP" } else { "-CONT" };
        let status = Command::new("kill").arg(signal).arg(child.id().to_string()).status().expect("kill starts");
        assert!(status.success(), "the signal is sent");
    }

    fn configure(&mut self) {
        self.port = free_port();
        let (port, controller) = (self.port, free_port());
        let folder = self.folder.path();
        let client = match self.security {
            Security::Plaintext => format!("PLAINTEXT://127.0.0.1:{port}"),
            Security::SaslTls => format!("SASL_SSL://localhost:{port}"),
        };
        // The brokers' own listener stays in the clear; with one node nobody uses it.
        let inner = format!("INNER://127.0.0.1:{}", free_port());
        let mut text = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=127.0.0.1:{controller}\n\
             listeners={client},{inner},CONTROLLER://127.0.0.1:{controller}\nadvertised.listeners={client},{inner}\n\
             controller.listener.names=CONTROLLER\ninter.broker.listener.name=INNER\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             log.dirs={}\noffsets.topic.replication.factor=1\noffsets.topic.num.partitions=4\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
             transaction.state.log.num.partitions=4\nshare.coordinator.state.topic.replication.factor=1\n\
             share.coordinator.state.topic.min.isr=1\nshare.coordinator.state.topic.num.partitions=1\ngroup.initial.rebalance.delay.ms=0\nauto.create.topics.enable=false\n",
            folder.join("data").display()
        );
        if self.security == Security::SaslTls {
            let store = folder.join("broker.p12");
            text.push_str(&format!(
                "sasl.enabled.mechanisms=PLAIN\nssl.keystore.type=PKCS12\nssl.keystore.location={}\n\
                 ssl.keystore.password={PASSWORD}\nlistener.name.sasl_ssl.plain.sasl.jaas.config=\
                 org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";\n",
                store.display()
            ));
        }
        for (key, value) in &self.settings {
            text.push_str(&format!("{key}={value}\n"));
        }
        let _ = fs::remove_dir_all(folder.join("data"));
        fs::write(folder.join("server.properties"), text).expect("a file for the settings");
        let status = java("256m")
            .args(["-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "--standalone", "-t", CLUSTER, "-c"])
            .arg(folder.join("server.properties"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("java starts: install a JRE, version 17 or later");
        assert!(status.success(), "Apache Kafka cannot format its folder: {status}");
    }

    /// A certificate for `localhost` that signs itself, and its public half for clients.
    fn make_certificate(&self) {
        let store = self.folder.path().join("broker.p12").display().to_string();
        let public = self.folder.path().join("ca.pem").display().to_string();
        let make =
            ["-genkeypair", "-alias", "broker", "-keyalg", "RSA", "-keysize", "2048", "-validity", "2", "-dname"];
        let keytool = |args: &[&str]| {
            let store = ["-keystore", &store, "-storetype", "PKCS12", "-storepass", PASSWORD];
            let output = Command::new("keytool").args(args).args(store).output().expect("keytool starts");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        };
        let name = ["CN=localhost", "-ext", "SAN=DNS:localhost,IP:127.0.0.1", "-ext", "BC=ca:true"];
        keytool(&[&make[..], &name].concat());
        keytool(&["-exportcert", "-rfc", "-alias", "broker", "-file", &public]);
    }

    /// Starts the process and waits until it serves; gives the end of its log when it does not.
    fn launch(&mut self) -> Result<(), String> {
        let path = self.folder.path().join("kafka.log");
        let log = File::options().create(true).append(true).open(&path).expect("a file for the log");
        let begin = log.metadata().map_or(0, |metadata| metadata.len());
        let child = java("768m")
            .args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "kafka.Kafka"])
            .arg(self.folder.path().join("server.properties"))
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .expect("java starts: install a JRE, version 17 or later");
        let mut child = Guard(Some(child));
        let since = Instant::now();
        loop {
            let text = tail(&path, begin).unwrap_or_default();
            if text.contains("Kafka Server started") {
                self.child = child.0.take();
                return Ok(());
            }
            let ended = child.0.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)));
            if ended || since.elapsed() > Duration::from_secs(120) {
                return Err(text.lines().rev().take(20).collect::<Vec<_>>().join("\n"));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Kills its child unless it was taken out.
struct Guard(Option<Child>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn tail(path: &Path, begin: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Drop for KafkaBroker {
    fn drop(&mut self) {
        drop(Guard(self.child.take()));
    }
}
