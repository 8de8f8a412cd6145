//! Rules from a folder, or from the rule pack in the binary.

use std::path::Path;
use std::{fs, io};

use mareva_model::{Fault, Refusal};
use mareva_monitoring::{RuleText, Ruleset};

use super::rule_keys::{all_faults, without_source};
use super::{keep, unreadable};
use crate::config::read_text;

/// Rules that a notice names.
const SHOWN: usize = 5;
/// Bytes of a file of a rule; the most are evidence.
const MAX_FILE: u64 = 64 << 20;

/// A rule's folder in the binary.
#[derive(Debug)]
struct PackedRule {
    folder: &'static str,
    /// `rule.toml`, `rule.sql`, `fires.ndjson`, `quiet.ndjson`, `expected.ndjson`.
    texts: [Option<&'static str>; 5],
}

/// The rules in the binary.
const RULE_PACK: &[PackedRule] = include!(concat!(env!("OUT_DIR"), "/rule_pack.rs"));

/// The files of a rule. What is not there is none.
#[derive(Debug, Clone, Default)]
pub struct RuleFolder {
    /// Name of the folder: the rule's id.
    pub folder: String,
    /// The folder that it lies in, for faults; `rules` for those of the binary.
    pub beside: String,
    /// `rule.toml`.
    pub toml: Option<String>,
    /// `rule.sql`.
    pub sql: Option<String>,
    /// `fires.ndjson`: transactions that must fire.
    pub fires: Option<String>,
    /// `quiet.ndjson`: transactions that must not.
    pub quiet: Option<String>,
    /// `expected.ndjson`: the detections of the former.
    pub expected: Option<String>,
    /// Files that are there and cannot be read.
    pub unreadable: Refusal,
}

impl RuleFolder {
    /// Files of evidence that are not there, or empty.
    pub fn missing_evidence(&self) -> impl Iterator<Item = &'static str> {
        let files = [("fires.ndjson", &self.fires), ("quiet.ndjson", &self.quiet), ("expected.ndjson", &self.expected)];
        let is_empty = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
        files.into_iter().filter(move |(_, text)| is_empty(text)).map(|(file, _)| file)
    }
}

/// All rule folders under a path; without a path those of the binary. Other files beside them are left alone.
///
/// # Errors
/// When the path is no folder, or holds no rule.
pub fn rule_folders(path: &Path) -> Result<Vec<RuleFolder>, Refusal> {
    if path.as_os_str().is_empty() {
        return Ok(RULE_PACK.iter().map(packed).collect());
    }
    let mut folders = Vec::new();
    let found = fs::read_dir(path).map_err(|error| unreadable(path, &error))?;
    for one in found {
        let folder = one.map_err(|error| unreadable(path, &error))?.path();
        // What cannot be looked into may be a rule: it must not go without a word.
        let is_rule =
            fs::metadata(&folder).is_err() || ["rule.toml", "rule.sql"].iter().any(|f| is_there(&folder.join(f)));
        let called = folder.file_name().unwrap_or_default();
        match (called.to_str(), misnamed(&folder)) {
            (Some(name), _) if is_rule => folders.push(rule_folder(name, path, &folder)),
            (None, _) if is_rule => {
                let fault =
                    Fault::new(folder.display().to_string(), "has a name that is no UTF-8", "rename the folder");
                folders.push(out_of_force(&called.to_string_lossy(), path, fault));
            }
            (_, Some(fault)) => folders.push(out_of_force(&called.to_string_lossy(), path, fault)),
            _ => {}
        }
    }
    folders.sort_by(|a, b| a.folder.cmp(&b.folder));
    if folders.is_empty() {
        let place = path.display().to_string();
        return Err(Refusal::one(place, "holds no rule", "name a folder with one folder for each rule in it"));
    }
    Ok(folders)
}

/// A folder that somebody took for a rule and that holds none.
fn misnamed(folder: &Path) -> Option<Fault> {
    let file = ["rules.toml", "rules.sql"].into_iter().find(|file| is_there(&folder.join(file)))?;
    let remedy = "call its files rule.toml and rule.sql";
    Some(Fault::new(folder.display().to_string(), format!("holds {file}, and so no rule"), remedy))
}

/// A rule that must not be left out without a word.
fn out_of_force(name: &str, beside: &Path, fault: Fault) -> RuleFolder {
    let (folder, beside) = (name.to_owned(), beside.display().to_string());
    RuleFolder { folder, beside, unreadable: Refusal(vec![fault]), ..RuleFolder::default() }
}

/// Whether there is something by that name, though perhaps nobody may look at it or it leads nowhere.
fn is_there(path: &Path) -> bool {
    let absent = |error: io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    fs::symlink_metadata(path).map_or_else(|error| !absent(error), |_| true)
}

fn rule_folder(name: &str, beside: &Path, folder: &Path) -> RuleFolder {
    let mut faults = Refusal::default();
    let mut text = |file: &str| {
        let path = folder.join(file);
        let text = is_there(&path).then(|| read_text(&path, MAX_FILE).map_err(|error| unreadable(&path, &error)))?;
        keep(text, &mut faults)
    };
    let [toml, sql] = ["rule.toml", "rule.sql"].map(&mut text);
    let [fires, quiet, expected] = ["fires.ndjson", "quiet.ndjson", "expected.ndjson"].map(text);
    let (folder, beside) = (name.to_owned(), beside.display().to_string());
    RuleFolder { folder, beside, toml, sql, fires, quiet, expected, unreadable: faults }
}

fn packed(rule: &PackedRule) -> RuleFolder {
    let [toml, sql, fires, quiet, expected] = rule.texts.map(|text| text.map(str::to_owned));
    let (folder, beside) = (rule.folder.to_owned(), "rules".to_owned());
    RuleFolder { folder, beside, toml, sql, fires, quiet, expected, unreadable: Refusal::default() }
}

/// The texts that rules are loaded from, and every folder that lacks one of them.
fn rule_texts(folders: &[RuleFolder]) -> (Vec<RuleText>, Refusal) {
    let mut faults = Refusal::default();
    let mut texts = Vec::new();
    for folder in folders {
        faults.0.extend(folder.unreadable.0.iter().cloned());
        match (&folder.toml, &folder.sql) {
            (Some(toml), Some(sql)) => {
                texts.push(RuleText { folder: folder.folder.clone(), toml: toml.clone(), sql: sql.clone() });
            }
            _ if !folder.unreadable.0.is_empty() => {}
            (toml, _) => {
                let file = if toml.is_none() { "rule.toml" } else { "rule.sql" };
                let place = format!("rules/{}", folder.folder);
                faults.0.push(Fault::new(place, format!("has no {file}"), "add it; see rules/README.md"));
            }
        }
    }
    (texts, faults)
}

/// Loads the rules of some folders together.
///
/// # Errors
/// Every fault of every rule.
pub fn load_rules(folders: &[RuleFolder]) -> Result<Ruleset, Refusal> {
    load_together(folders).map_err(|mut refusal| {
        // Rules are read from texts, which know their folder but not where it lies.
        let beside = folders.first().map_or("rules", |folder| folder.beside.as_str());
        for fault in &mut refusal.0 {
            if let Some(inside) = fault.place.strip_prefix("rules/") {
                fault.place = format!("{}/{inside}", beside.trim_end_matches('/'));
            }
        }
        refusal
    })
}

fn load_together(folders: &[RuleFolder]) -> Result<Ruleset, Refusal> {
    let (texts, mut faults) = rule_texts(folders);
    let together = Ruleset::load(&texts);
    if let Ok(ruleset) = together
        && faults.0.is_empty()
        && all_faults(&texts, Vec::new()).is_empty()
    {
        return Ok(ruleset);
    }
    // The first stage that fails hides the later ones: each rule alone shows all that is wrong with it.
    for text in &texts {
        keep(Ruleset::load(std::slice::from_ref(text)), &mut faults);
    }
    if let Err(refusal) = Ruleset::load(&texts) {
        let new: Vec<Fault> = refusal.0.into_iter().filter(|fault| !faults.0.contains(fault)).collect();
        faults.0.extend(new);
    }
    Err(Refusal(all_faults(&texts, faults.0)))
}

/// The rules under a path, and a notice of those that lack evidence.
pub(super) fn load(path: &Path) -> Result<(Ruleset, Option<String>), Refusal> {
    let folders = rule_folders(path)?;
    Ok((load_rules(&folders)?, without_evidence(&folders)))
}

/// Rules of which nothing shows that they find what they are meant to.
pub fn without_evidence(folders: &[RuleFolder]) -> Option<String> {
    let lacks = |folder: &&RuleFolder| folder.missing_evidence().next().is_some();
    let lacking: Vec<&str> = folders.iter().filter(lacks).map(|folder| folder.folder.as_str()).collect();
    let told = "without evidence, so that nothing shows what they find; see `mareva rules check`";
    (!lacking.is_empty()).then(|| format!("{} {told}", some_of(&lacking)))
}

/// The first of some rules, and how many more there are.
fn some_of(rules: &[&str]) -> String {
    let shown = rules.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match rules.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What somebody should look at, and is no fault: a folder may hold a part of the rules.
pub fn notices(ruleset: &Ruleset) -> Vec<String> {
    let unmet = ruleset.unmet().into_iter();
    let unmet = unmet.map(|(rule, named)| format!("{rule} counts signals of `{named}`, and no rule here raises them"));
    let unopposed = ruleset.unopposed().into_iter();
    let unopposed = unopposed.map(|(rule, named)| format!("{rule} challenges `{named}`, and no such rule is here"));
    let never = ruleset.never_equal().into_iter().map(|(rule, column, text, near)| {
        let perhaps = near.map(|near| format!("; perhaps you mean '{near}'")).unwrap_or_default();
        format!("{rule} compares {column} with '{text}', which no row has{perhaps}")
    });
    unmet.chain(unopposed).chain(never).collect()
}

/// Rules whose signals come to nothing; a folder may hold the first level alone.
pub fn uncounted(ruleset: &Ruleset) -> Option<String> {
    let uncounted = ruleset.uncounted();
    let told = || format!("no rule over signals counts those of {}: they raise no alert", some_of(&uncounted));
    (!uncounted.is_empty()).then(told)
}

/// Thresholds that say not where they come from.
pub fn without_sources(ruleset: &Ruleset) -> Vec<String> {
    ruleset.texts().iter().flat_map(without_source).collect()
}
