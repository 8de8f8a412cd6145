//! Lists got over HTTPS: versions that are right take the place of the file, and whatever is wrong with one, what is there stays.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::fs;
use std::io::Cursor;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};

use mareva_tests::binary;
use mareva_tests::https_server::{Answer, HttpsServer};
use mareva_tests::lists::un_list;
use minisign::KeyPair;
use sha2::{Digest as _, Sha256};

const LIST: &str = "/un.xml";
const CHECKSUM: &str = "/un.xml.sha256";
const SIGNATURE: &str = "/un.xml.minisig";

struct Stage {
    folder: tempfile::TempDir,
    server: HttpsServer,
    keys: KeyPair,
}

impl Stage {
    fn new() -> Self {
        let stage = Self {
            folder: tempfile::tempdir().unwrap(),
            server: HttpsServer::start(),
            keys: KeyPair::generate_unencrypted_keypair().unwrap(),
        };
        fs::write(stage.path("ca.pem"), stage.server.certificate()).unwrap();
        stage.config(&stage.server.url(LIST), "ca_file = \"ca.pem\"\n");
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, url: &str, more: &str) {
        let text = format!(
            "[[lists]]\nname = \"un\"\npath = \"un.xml\"\nregime = \"sanctions\"\naction = \"block\"\nbinding_in = [\"*\"]\n\
             evidence_class = \"order\"\n[lists.fetch]\nurl = \"{url}\"\nmax_mib = 1\n{more}"
        );
        fs::write(self.path("mareva.toml"), text).unwrap();
    }

    /// Has this published, with its checksum and signature.
    fn publish(&self, text: &str) {
        let checksum: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let KeyPair { pk, sk } = &self.keys;
        let signature = minisign::sign(Some(pk), sk, Cursor::new(text.as_bytes()), None, None).unwrap();
        self.server.answer(LIST, Answer::Whole(text.into()));
        self.server.answer(CHECKSUM, Answer::Whole(format!("{checksum}  un.xml\n").into()));
        self.server.answer(SIGNATURE, Answer::Whole(signature.to_string().into()));
    }

    fn is_proven(&self) -> String {
        let key = self.keys.pk.to_base64();
        format!("ca_file = \"ca.pem\"\npublic_key = \"{key}\"\nsha256 = \"{}\"\n", self.server.url(CHECKSUM))
    }

    fn fetch(&self) -> Output {
        let mut command = Command::new(binary());
        command.args(["lists", "fetch", "--config"]).arg(self.path("mareva.toml"));
        command.output().expect("the binary starts")
    }

    fn fetched(&self) -> String {
        let output = self.fetch();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Fetches what is refused for this reason.
    fn refused(&self, what: &str, reason: &str) {
        let (before, output) = (fs::read(self.path("un.xml")).ok(), self.fetch());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{what}: {told}");
        assert!(told.contains(reason), "{what}: {told}");
        assert!(!told.contains("localhost"), "a URL may hold a token: {told}");
        assert_eq!(fs::read(self.path("un.xml")).ok(), before, "{what}");
    }
}

#[test]
fn a_version_that_is_right_takes_the_place_of_the_file_and_is_sent_once() {
    let stage = Stage::new();
    let (first, second) = (un_list("2026-01-01", 100), un_list("2026-01-02", 101));
    stage.config(&stage.server.url(LIST), &stage.is_proven());
    stage.publish(&first);
    assert_eq!(stage.fetched(), "un: version 2026-01-01T10:00:00Z with 100 entries\n");
    assert_eq!(fs::read_to_string(stage.path("un.xml")).unwrap(), first);
    let asked: Vec<_> = stage.server.asked();
    assert_eq!(asked.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [LIST, CHECKSUM, SIGNATURE]);
    assert_eq!(stage.fetched(), "un: unchanged, version 2026-01-01T10:00:00Z with 100 entries\n");
    let asked = stage.server.asked();
    assert!(asked.len() == 1 && asked[0].1.is_some(), "it was asked what it knows: {asked:?}");
    stage.publish(&second);
    let told =
        "un: version 2026-01-02T10:00:00Z with 101 entries; before, version 2026-01-01T10:00:00Z with 100 entries\n";
    assert_eq!(stage.fetched(), told);
    // Somebody has put another file there: what the server has is asked for again.
    fs::write(stage.path("un.xml"), &first).unwrap();
    assert_eq!(stage.fetched(), told);
    let left: Vec<_> = fs::read_dir(stage.folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "config, certificate, list and receipt: {left:?}");
}

#[test]
fn whatever_is_wrong_with_a_version_what_is_there_stays() {
    let stage = Stage::new();
    let list = un_list("2026-01-02", 100);
    stage.publish(&list);
    stage.config(&stage.server.url(LIST), &stage.is_proven());
    stage.fetched();
    let whole = |text: &str| Answer::Whole(text.into());
    // Signed as it is, it is no list all the same.
    for (what, text, reason) in [
        ("empty", String::new(), "empty"),
        ("HTML", "<html><body>503 Service Unavailable</body></html>".to_owned(), "html"),
        ("half", un_list("2026-01-03", 50), "it has lost more than it may"),
        ("cut off", un_list("2026-01-03", 100)[..2_000].to_owned(), "is cut off"),
        ("older", un_list("2026-01-01", 100), "older than 2026-01-02"),
    ] {
        stage.publish(&text);
        stage.refused(what, reason);
    }
    // Not what its publisher made.
    stage.publish(&un_list("2026-01-03", 100));
    stage.server.answer(LIST, whole(&un_list("2026-01-03", 101)));
    stage.refused("another checksum", "has the SHA-256");
    stage.refused("another signature", "is not signed by the key of its publisher");
    stage.publish(&un_list("2026-01-03", 100));
    let other = KeyPair::generate_unencrypted_keypair().unwrap();
    let text = un_list("2026-01-03", 100);
    let forged = minisign::sign(Some(&other.pk), &other.sk, Cursor::new(text.as_bytes()), None, None).unwrap();
    stage.server.answer(SIGNATURE, whole(&forged.to_string()));
    stage.refused("signed by another", "is not signed by the key of its publisher");
    stage.server.answer(SIGNATURE, Answer::Status(404, None));
    stage.refused("not signed", "its server answers 404");
    // Not all of it, too much, nothing.
    stage.publish(&text);
    let plain = format!("http://localhost:9{LIST}");
    for (what, answer, reason) in [
        ("broken off", Answer::CutOff(text.clone().into()), "breaks off"),
        ("ten gigabytes", Answer::Says(10 << 30), "is 10737418240 bytes, and 1048576 are allowed"),
        ("without end", Answer::Endless, "more than 1048576"),
        ("gone", Answer::Status(404, None), "its server answers 404"),
        ("failing", Answer::Status(503, None), "its server answers 503"),
    ] {
        stage.server.answer(LIST, answer);
        stage.refused(what, reason);
    }
    assert!(!stage.path("un.xml.partial").exists(), "what is of no use is not kept");
    // Who answers is not who should, or nobody does.
    stage.publish(&text);
    stage.config(&stage.server.url(LIST), "");
    stage.refused("a certificate of its own", "certificate");
    stage.config(&stage.server.url(LIST), "ca_file = \"ca.pem\"\n");
    stage.server.answer(LIST, Answer::Status(302, Some(plain.clone())));
    stage.refused("led away from TLS", "leads to a URL without TLS");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    stage.config(&format!("https://localhost:{free}{LIST}"), "ca_file = \"ca.pem\"\n");
    stage.refused("nobody there", "cannot be got");
    stage.config(&plain, "");
    stage.refused("no TLS", "is no URL with TLS");
    // Nothing shows whether it was cut off.
    stage.config(&stage.server.url(LIST), "ca_file = \"ca.pem\"\n");
    stage.server.answer(LIST, Answer::Unbounded(text.clone().into()));
    stage.refused("without its length", "comes without its length");
    // And the last version is still taken.
    stage.config(&stage.server.url(LIST), &stage.is_proven());
    stage.publish(&text);
    assert!(stage.fetched().starts_with("un: version 2026-01-03T10:00:00Z with 100 entries"));
}

#[test]
fn a_list_of_several_files_or_of_a_name_that_is_none_is_told() {
    let stage = Stage::new();
    let fetch = |names: &[&str]| {
        let mut command = Command::new(binary());
        command.args(["lists", "fetch", "--config"]).arg(stage.path("mareva.toml")).args(names);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, told) = fetch(&["un1"]);
    assert!(code == Some(2) && told.contains("did you mean un?"), "{told}");
    fs::create_dir(stage.path("un.xml")).unwrap();
    let (code, told) = fetch(&[]);
    assert!(code == Some(2) && told.contains("is for a list of one file"), "{told}");
    fs::write(stage.path("mareva.toml"), "").unwrap();
    let (code, told) = fetch(&[]);
    assert!(code == Some(2) && told.contains("has no list to get"), "{told}");
}
