//! Who may depend on what.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::code::{code_of, lines_with};
use crate::{files, none, root};

/// Dependencies that one crate alone may name, so that they can be replaced in one place. `tests` and `benches` stand
/// outside `crates` and may drive Kafka themselves.
const FENCED: [(&str, &[&str]); 19] = [
    ("anyhow", &["mareva"]),
    ("axum", &["mareva", "mareva-desk"]),
    ("bloomfilter", &["mareva-screening"]),
    ("clap", &["mareva"]),
    ("clap_complete", &["mareva"]),
    ("crossterm", &["mareva"]),
    ("ctrlc", &["mareva"]),
    ("datafusion", &["mareva-monitoring"]),
    ("indicatif", &["mareva"]),
    ("maud", &["mareva-desk"]),
    ("object_store", &["mareva-kafka"]),
    ("prometheus", &["mareva"]),
    ("quick-xml", &["mareva-codec", "mareva-screening"]),
    ("ratatui", &["mareva"]),
    ("rdkafka", &["mareva-kafka", "mareva-tests", "mareva-benches"]),
    ("rdkafka-sys", &["mareva-kafka"]),
    ("sqlx", &["mareva-desk"]),
    ("tracing-subscriber", &["mareva"]),
    ("unicode-normalization", &["mareva-screening"]),
];

/// What each crate may build on: arrows point left.
///
/// ```text
///                 ┌─ codec ──────┐
///  model ─────────┼─ screening ──┼─ pipeline ── kafka ──┐
///    │            └─ monitoring ─┘                      ├── mareva (bin)
///    ├─ sim ────────────────────────────────────────────┤
///    └─ (codec) ── trace ── desk ───────────────────────┘
/// ```
const LEFT_OF: [(&str, &[&str]); 8] = [
    ("mareva-model", &[]),
    ("mareva-codec", &["model"]),
    ("mareva-screening", &["model"]),
    ("mareva-monitoring", &["model"]),
    ("mareva-pipeline", &["model", "codec", "screening", "monitoring"]),
    ("mareva-kafka", &["model", "codec", "screening", "monitoring", "pipeline"]),
    ("mareva-sim", &["model"]),
    ("mareva", &["model", "codec", "screening", "monitoring", "pipeline", "kafka", "sim"]),
];

/// One version of each: two give two types of one name that do not fit.
const SINGLE: [&str; 4] = ["arrow", "datafusion", "object_store", "rdkafka"];

struct Manifest {
    path: String,
    name: String,
    dependencies: Vec<String>,
    table: toml::Table,
}

fn manifests() -> Vec<Manifest> {
    let read = |(path, text): (String, String)| {
        let table: toml::Table = text.parse().expect("cargo has read this manifest");
        let name = table["package"]["name"].as_str().expect("a package has a name").to_owned();
        let mut dependencies = Vec::new();
        collect(&table, &mut dependencies);
        Manifest { path, name, dependencies, table }
    };
    files(&["crates", "tests", "benches"], "Cargo.toml").into_iter().map(read).collect()
}

/// Names under every `…dependencies` table, for all targets; a renamed one by its true name.
fn collect(table: &toml::Table, into: &mut Vec<String>) {
    for (key, value) in table {
        let Some(below) = value.as_table() else { continue };
        if key.ends_with("dependencies") {
            let true_name = |(name, value): (&String, &toml::Value)| {
                value.get("package").and_then(toml::Value::as_str).unwrap_or(name).to_owned()
            };
            into.extend(below.iter().map(true_name));
        } else if key == "target" {
            below.values().filter_map(toml::Value::as_table).for_each(|target| collect(target, into));
        }
    }
}

#[test]
fn heavy_dependencies_stand_in_one_manifest_each() {
    let mut offences = Vec::new();
    for manifest in manifests() {
        for (dependency, allowed) in FENCED {
            if manifest.dependencies.iter().any(|name| name == dependency) && !allowed.contains(&manifest.name.as_str())
            {
                offences.push(format!(
                    "{}: names {dependency}, which belongs to {}; use what that crate offers, or move the code there",
                    manifest.path,
                    allowed.join(", ")
                ));
            }
        }
    }
    none(offences);
}

#[test]
fn prometheus_is_named_in_metrics_only() {
    let mut offences = Vec::new();
    for (path, text) in files(&["crates"], ".rs") {
        let home = path.starts_with("crates/mareva/src/metrics.rs") || path.starts_with("crates/mareva/src/metrics/");
        if !home {
            let lines = lines_with(&code_of(&text), "prometheus::");
            offences.extend(lines.iter().map(|line| {
                format!(
                    "{path}:{line}: names prometheus; return plain figures and turn them into metrics in metrics.rs"
                )
            }));
        }
    }
    none(offences);
}

#[test]
fn arrows_point_left() {
    let mut offences = Vec::new();
    for manifest in manifests().iter().filter(|manifest| manifest.path.starts_with("crates/")) {
        let Some((_, left)) = LEFT_OF.iter().find(|(name, _)| *name == manifest.name) else {
            offences.push(format!("{}: has no place in the picture; add it to LEFT_OF in this test", manifest.path));
            continue;
        };
        for dependency in &manifest.dependencies {
            let Some(ours) = dependency.strip_prefix("mareva-") else { continue };
            if !left.contains(&ours) {
                offences.push(format!(
                    "{}: depends on {dependency}, which is not left of it; move what is shared to the left",
                    manifest.path
                ));
            }
        }
    }
    none(offences);
}

#[test]
fn folder_package_and_lints_agree() {
    let mut offences = Vec::new();
    for manifest in manifests() {
        let folder = manifest.path.trim_end_matches("/Cargo.toml");
        let named_after = folder.strip_prefix("crates/").map_or_else(|| format!("mareva-{folder}"), str::to_owned);
        // Fuzz targets and the like have packages of their own below `tests`.
        if folder.matches('/').count() <= 1 && !folder.starts_with("tests/") && manifest.name != named_after {
            offences.push(format!("{}: is called {}; call it {named_after}", manifest.path, manifest.name));
        }
        let inherits = manifest.table.get("lints").and_then(|lints| lints.get("workspace"));
        if inherits.and_then(toml::Value::as_bool) != Some(true) {
            offences.push(format!("{}: has lints of its own; write [lints] workspace = true", manifest.path));
        }
        if manifest.table.contains_key("features") {
            offences.push(format!("{}: has features; decide at run time, by config", manifest.path));
        }
    }
    none(offences);
}

#[test]
fn one_version_each() {
    let text = std::fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock is checked in");
    let lock: toml::Table = text.parse().expect("cargo has written Cargo.lock");
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().expect("a list of packages") {
        let field = |name: &str| package[name].as_str().expect("a package has name and version");
        versions.entry(field("name")).or_default().push(field("version"));
    }
    let offences = SINGLE.iter().filter_map(|name| {
        let found = versions.get(name).filter(|found| found.len() > 1)?;
        Some(format!(
            "Cargo.lock: {name} in versions {}; let [workspace.dependencies] name one that all agree on",
            found.join(" and ")
        ))
    });
    none(offences.collect());
}

/// Packages with the features that a build of these members asks for.
fn built(members: &[&str], edges: &str) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p} {f}", "--edges", edges]);
    let output = command.args(members).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

#[test]
fn the_demo_and_the_tests_share_one_build() {
    let tests = built(&["--workspace"], "normal,build,dev");
    let demo = built(&["--package", "mareva"], "normal,build");
    let offences = demo.difference(&tests).map(|package| {
        format!(
            "{package}: the tests build it with other features, and everything behind it twice; name it in \
             crates/mareva/Cargo.toml with the features that the tests ask for"
        )
    });
    none(offences.collect());
}
