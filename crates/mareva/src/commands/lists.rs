use std::io::{self, BufRead as _, BufWriter, Write as _};
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use mareva_model::identifier::{self, list_cell};
use mareva_model::{Fault, Refusal, parse_time};
use mareva_screening::{BirthDate, Match, Scratch, Support, Watchlist, country_code};
use serde::Deserialize;
use serde_json::{Value, json};

use super::fetch::{self, FetchArgs};
use crate::config;
use crate::open::{Instead, NamedPath, doubts, keep, watchlist};
use crate::outcome::say;

/// Longest query, in bytes: the rest of a longer line is passed over, and the line answered with an error.
const MAX_LINE: u64 = 64 << 10;

/// Build and fetch lists, and match against them
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Build(BuildArgs),
    Fetch(FetchArgs),
    Match(MatchArgs),
}

/// Load lists as a run would, probe every entry back, and say what they hold
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva lists build --list sanctions=lists/ofac --list mules=mules.csv
  mareva lists build --config mareva.toml --json")]
pub struct BuildArgs {
    #[command(flatten)]
    lists: ListArgs,
    /// Write the lists as one JSON object
    #[arg(long)]
    json: bool,
}

/// Answer queries from standard input, one line each, in order
///
/// A line that is no query (a blank one, a key or country that is none) is answered with an error, and the exit code is then 1.
/// A query is {"name":…} or {"identifier":…}; with a name, "birth_date" and "country" support it; "at" is the time
/// at which an entry has to be in force, now without it. The answer has the query and `hits`, empty or the entries.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  echo '{\"name\":\"Jane Doe\"}' | mareva lists match --list sanctions=lists/ofac")]
pub struct MatchArgs {
    #[command(flatten)]
    lists: ListArgs,
}

#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = true)]
struct ListArgs {
    /// A config with lists
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A list; may be given several times. Where the config has a list of that NAME, only its file is replaced: regime,
    /// action, format and the rest stay as they are there. A new one is a sanctions list where PATH holds an official
    /// list or entities of FollowTheMoney or NAME begins with `sanctions` or `ofac`, and else a list of accounts used for fraud
    #[arg(long = "list", value_name = "NAME=PATH")]
    lists: Vec<NamedPath>,
}

impl ListArgs {
    fn load(self) -> Result<Watchlist, Refusal> {
        let mut faults = Refusal::default();
        let mut config = config::load(self.config.as_deref(), &mut faults);
        Instead { lists: self.lists, ..Instead::default() }.apply(&mut config, &mut faults);
        if config.lists.is_empty() && faults.0.is_empty() {
            let place = self.config.map(|path| path.display().to_string()).unwrap_or_default();
            faults.0.push(Fault::new(place, "names no list", "write [[lists]] into it, or name one with --list"));
        }
        let loaded = keep(watchlist(&config.lists), &mut faults);
        faults.into_result()?;
        loaded.ok_or_else(|| Refusal::one("lists", "could not be loaded", "report this"))
    }
}

pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Build(args) => build(args),
        Command::Fetch(args) => fetch::run(&args),
        Command::Match(args) => answer_all(&args.lists.load()?),
    }
}

fn build(args: BuildArgs) -> Result<()> {
    let began = Instant::now();
    let watchlist = args.lists.load()?;
    let seconds = began.elapsed().as_secs_f64();
    if args.json {
        let lists = json!({
            "epoch": watchlist.epoch(), "bytes": watchlist.size(), "seconds": seconds, "lists": watchlist.lists(),
        });
        say(&lists)?;
        return Ok(());
    }
    for list in watchlist.lists() {
        let (counts, reference) = (&list.counts, &list.list);
        // As the config writes them.
        let told = [json!(reference.regime), json!(reference.action)];
        let [regime, action] = told.each_ref().map(|word| word.as_str().unwrap_or_default());
        let version = &reference.version;
        say(format_args!("{}: {regime}, {action}; version {version}, digest {}", reference.name, reference.digest))?;
        say(format_args!(
            "  {} entries, {} identifiers, {} names; all found again through the filter",
            counts.entries, counts.identifiers, counts.names
        ))?;
        for doubt in doubts(&list) {
            say(format_args!("  {doubt}"))?;
        }
        say(format_args!("  {} KiB, false-positive rate {}", list.bytes / 1024, list.false_positive_rate))?;
        for (number, what) in [
            (counts.names_without_key, "names that cannot match"),
            (counts.unreadable_dates, "dates that cannot be read"),
        ] {
            if number > 0 {
                say(format_args!("  {number} {what}"))?;
            }
        }
    }
    say(format_args!("{} KiB in all, {seconds:.1} s, epoch {}", watchlist.size() / 1024, watchlist.epoch()))?;
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    identifier: Option<String>,
    #[serde(default)]
    birth_date: Option<String>,
    #[serde(default)]
    country: Option<String>,
    #[serde(default)]
    at: Option<String>,
}

fn answer_all(watchlist: &Watchlist) -> Result<()> {
    use std::io::Read as _;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970; set it")?;
    let now = i64::try_from(now.as_millis())?;
    let mut scratch = Scratch::new();
    let (mut input, mut out) = (io::stdin().lock(), BufWriter::new(io::stdout().lock()));
    let (mut line, mut faults) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        let read = (&mut input).take(MAX_LINE).read_until(b'\n', &mut line).context("cannot read the queries")?;
        if read == 0 {
            break;
        }
        if read as u64 == MAX_LINE && line.last() != Some(&b'\n') {
            input.skip_until(b'\n').context("cannot read the queries")?;
        }
        let answer = answer(watchlist, &line, now, &mut scratch).unwrap_or_else(|reason| {
            faults += 1;
            json!({ "error": reason })
        });
        writeln!(out, "{answer}").context("cannot write the answers")?;
    }
    out.flush().context("cannot write the answers")?;
    if faults > 0 {
        let queries = if faults == 1 { "query" } else { "queries" };
        bail!("{faults} {queries} could not be read; an `error` stands in the place of the answer");
    }
    Ok(())
}

fn answer(watchlist: &Watchlist, line: &[u8], now: i64, scratch: &mut Scratch) -> Result<Value, String> {
    if line.trim_ascii().is_empty() {
        return Err("is no query: the line is blank".to_owned());
    }
    let query: Query = serde_json::from_slice(line).map_err(|error| format!("is no query: {error}"))?;
    let at = query.at.as_deref().map_or(Ok(now), |at| parse_time(at).map_err(|error| format!("at: {error}")))?;
    if query.country.as_deref().is_some_and(|country| country_code(country).is_none()) {
        return Err("country: is none; write its ISO 3166 code, such as DE".to_owned());
    }
    if query.birth_date.as_deref().is_some_and(|date| BirthDate::parse(date).is_none()) {
        return Err("birth_date: is no date; write 1973-10-31, 1973-10 or 1973".to_owned());
    }
    if query.name.is_none() && (query.country.is_some() || query.birth_date.is_some()) {
        return Err("country and birth_date support a name, and there is none".to_owned());
    }
    let mut found = Vec::new();
    let mut shown = serde_json::Map::new();
    match (&query.name, &query.identifier) {
        (Some(name), None) => {
            let support = Support { birth_date: query.birth_date.as_deref(), country: query.country.as_deref() };
            watchlist.screen_name(name, &support, at, scratch, &mut found);
            shown.insert("name".to_owned(), json!(name));
        }
        (None, Some(text)) => {
            for canonical in canonical(text) {
                watchlist.screen_identifier(&canonical, at, scratch, &mut found);
            }
            shown.insert("identifier".to_owned(), json!(text));
        }
        _ => return Err("a query has either a name or an identifier".to_owned()),
    }
    shown.insert("hits".to_owned(), found.iter().map(hit).collect());
    Ok(Value::Object(shown))
}

/// The forms that a text may have on a list: canonical where it is an identifier, else as it is written there.
fn canonical(text: &str) -> Vec<String> {
    if let Some(found) = identifier::recognise(text) {
        return vec![found.canonical];
    }
    let cell = list_cell(text);
    let mut forms: Vec<String> = cell.identifiers.into_iter().map(|found| found.canonical).collect();
    forms.extend(cell.rejected.iter().map(|rejected| identifier::account(rejected, None).canonical));
    forms.push(identifier::account(text, None).canonical);
    forms.push(text.trim().to_owned());
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn hit(found: &Match) -> Value {
    json!({
        "list": found.list.name,
        "version": found.list.version,
        "regime": found.list.regime,
        "entry": *found.entry,
        "matched": found.matched,
        "action": found.strength.action,
        "basis": found.strength.basis,
    })
}
