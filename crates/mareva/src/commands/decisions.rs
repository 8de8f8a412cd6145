use std::path::{Path, PathBuf};

use anyhow::Result;
use mareva_codec::{Record, SigningKey, read_decision};
use mareva_model::{Fault, Refusal, format_time};
use serde_json::json;

use crate::config::{self, read_bytes, read_text};
use crate::open::{decision_config, unreadable};
use crate::outcome::say;

/// Bytes of a decision or a key: either takes a few hundreds.
const MAX_FILE: u64 = 1 << 20;

/// Sign decisions, and check what is signed
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Key(KeyArgs),
    Sign(SignArgs),
    Check(CheckArgs),
}

/// Show the public key of a signing key, as [[decisions.approvers]] has it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  openssl genpkey -algorithm ed25519 -out alice.pem
  mareva decisions key --key alice.pem")]
pub struct KeyArgs {
    /// An Ed25519 key in PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// Sign a decision, or sign one too that somebody else has signed
///
/// Writes the record to send to standard output. A decision that would be refused whoever signs it is not signed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva decisions sign --key alice.pem --key-id alice-2026 decision.json > once.json
  mareva decisions sign --key bob.pem --key-id bob-2026 --too once.json > record.json")]
pub struct SignArgs {
    /// An Ed25519 key in PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Its id, as [[decisions.approvers]] has it
    #[arg(long, value_name = "ID")]
    key_id: String,
    /// FILE is a record already: add a signature
    #[arg(long)]
    too: bool,
    /// The decision, or the record
    file: PathBuf,
}

/// Say what a record decides and who signed it
///
/// Of signatures and form alone: whether it is in time, and about what is there, is decided when it is judged.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  mareva decisions check --config mareva.toml record.json")]
pub struct CheckArgs {
    /// The config that says whose signatures count
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The record
    record: PathBuf,
}

pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Key(args) => say(key(&args.key)?.public_key()),
        Command::Sign(args) => say(sign(&args)?),
        Command::Check(args) => check(&args),
    }
}

fn key(path: &Path) -> Result<SigningKey, Refusal> {
    let pem = read_text(path, MAX_FILE).map_err(|error| unreadable(path, &error))?;
    SigningKey::from_pem(&pem).map_err(|error| {
        Refusal::one(path.display().to_string(), error.to_string(), "name the file with the private key")
    })
}

fn sign(args: &SignArgs) -> Result<String, Refusal> {
    let key = key(&args.key)?;
    let file = read_bytes(&args.file, MAX_FILE).map_err(|error| unreadable(&args.file, &error))?;
    let signed = if args.too { key.sign_too(&args.key_id, &file) } else { key.sign(&args.key_id, &file) };
    signed.map_err(|error| {
        Refusal::one(args.file.display().to_string(), error.to_string(), "correct it; deploy/decisions.md has the keys")
    })
}

fn check(args: &CheckArgs) -> Result<()> {
    let mut faults = Refusal::default();
    let config = config::load(Some(&args.config), &mut faults);
    faults.into_result()?;
    let payload = read_bytes(&args.record, MAX_FILE).map_err(|error| unreadable(&args.record, &error))?;
    let place = args.record.display().to_string();
    let record = Record { topic: &place, partition: 0, offset: 0, append_time: 0, payload: &payload };
    let decision = read_decision(record, &decision_config(&config).approvers).map_err(|letter| {
        let reason = crate::metrics::reason(letter.reason);
        Refusal(vec![Fault::new(&place, format!("{reason}: {}", letter.detail), "mend it, and have it signed again")])
    })?;
    let (issued_at, until) = (format_time(decision.issued_at), format_time(decision.until));
    let told = json!({ "id": decision.id, "kind": decision.ruling.as_str(), "by": decision.by, "issued_at": issued_at, "until": until });
    say(told)
}
