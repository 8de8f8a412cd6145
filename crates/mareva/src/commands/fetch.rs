use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use anyhow::Result;
use mareva_model::{Fault, Refusal, nearest};
use mareva_screening::LoadedList;

use crate::config::{self, ListFetch, ListFile, Span};
use crate::fetch::{Fetched, fetch};
use crate::outcome::say;

/// Get lists from where they are published
///
/// For each list of the config with `fetch`: asks its server for it over HTTPS, checks size, checksum and signature, loads it, holds it
/// against the version that is there, and puts it in its place when all is right. Whatever is at fault, every fault is told, the version that is
/// there stays, and the exit code is 2. A running mareva sees the new file and puts it in force.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva lists fetch --config mareva.toml
  mareva lists fetch --config mareva.toml un --every \"15 min\"")]
pub struct FetchArgs {
    /// A config with lists
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Names of the lists; without them, all that have `fetch`
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Do it again each time after so long, until stopped; a list that is refused is told, and tried again the next time
    #[arg(long, value_name = "SPAN")]
    every: Option<Span>,
}

pub fn run(args: &FetchArgs) -> Result<()> {
    let mut faults = Refusal::default();
    let config = config::load(Some(&args.config), &mut faults);
    let sources = sources(&config.lists, args, &mut faults);
    faults.into_result()?;
    let Some(every) = args.every else { return round(&sources).into_result().map_err(Into::into) };
    // Whoever stops it stops it at once: what is not whole is in nobody's place.
    loop {
        let began = Instant::now();
        for Fault { place, reason, remedy } in round(&sources).0 {
            tracing::error!(place, reason, remedy, "a list is not fetched; what is there stays");
        }
        thread::sleep(every.duration().saturating_sub(began.elapsed()));
    }
}

/// The lists that are asked for, with where they come from.
fn sources<'a>(lists: &'a [ListFile], args: &FetchArgs, faults: &mut Refusal) -> Vec<(&'a ListFile, &'a ListFetch)> {
    let place = args.config.display().to_string();
    for name in args.names.iter().filter(|name| lists.iter().all(|one| one.list.name != **name)) {
        let near = nearest(name, lists.iter().map(|one| one.list.name.as_str()));
        let remedy = near.map_or_else(|| "name one of its lists".to_owned(), |near| format!("did you mean {near}?"));
        faults.0.push(Fault::new(&place, format!("has no list {name}"), remedy));
    }
    let is_asked = |one: &&ListFile| args.names.is_empty() || args.names.contains(&one.list.name);
    let mut found = Vec::new();
    for one in lists.iter().filter(is_asked) {
        match &one.fetch {
            Some(source) => {
                check(one, source, faults);
                found.push((one, source));
            }
            None if args.names.is_empty() => {}
            None => faults.0.push(Fault::new(
                &one.key,
                "does not say where to get it",
                "write fetch = { url = \"https://…\" }",
            )),
        }
    }
    if found.is_empty() && faults.0.is_empty() {
        faults.0.push(Fault::new(
            place,
            "has no list to get",
            "write fetch = { url = \"https://…\" } into a [[lists]]",
        ));
    }
    found
}

/// What keeps a list from being got at all.
fn check(file: &ListFile, source: &ListFetch, faults: &mut Refusal) {
    let mut fault = |key: &str, reason: &str, remedy: &str| {
        faults.0.push(Fault::new(format!("{}.fetch{key}", file.key), reason, remedy));
    };
    if !file.list.parts.is_empty() || file.list.path.is_dir() {
        fault("", "is for a list of one file, and this has several", "get its files by other means");
    }
    let urls =
        [(".url", Some(&source.url)), (".sha256", source.sha256.as_ref()), (".signature", source.signature.as_ref())];
    for (key, url) in urls {
        if url.is_some_and(|url| !url.starts_with("https://")) {
            fault(key, "is no URL with TLS: anybody between could hold an old version before us", "write https://…");
        }
    }
    if source.signature.is_some() && source.public_key.is_none() {
        fault(".signature", "is held against no key", "write public_key");
    }
}

/// Gets each once; what is at fault with one keeps no other from being got.
fn round(sources: &[(&ListFile, &ListFetch)]) -> Refusal {
    let mut faults = Refusal::default();
    for (file, source) in sources {
        let name = &file.list.name;
        let told = match fetch(file, source) {
            Ok(Fetched::Unchanged(list)) => say(format_args!("{name}: unchanged, {}", in_words(&list))),
            Ok(Fetched::Changed { former: None, list }) => say(format_args!("{name}: {}", in_words(&list))),
            Ok(Fetched::Changed { former: Some(former), list }) => {
                say(format_args!("{name}: {}; before, {}", in_words(&list), in_words(&former)))
            }
            Err(refusal) => {
                faults.0.extend(refusal.0);
                Ok(())
            }
        };
        // Whoever does not listen still wants the lists.
        drop(told);
    }
    faults
}

fn in_words(list: &LoadedList) -> String {
    format!("version {} with {} entries", list.list().version, list.counts().entries)
}
