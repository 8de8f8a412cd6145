//! What Rust files may hold.

use crate::code::{code_of, lines_with};
use crate::{none, rust};

/// Lines of a file.
const MAX_LINES: usize = 500;

/// Files that may hold unsafe code: the batch queue of librdkafka, and prefetch.
const UNSAFE: [&str; 2] = ["crates/mareva-kafka/src/batch_queue.rs", "crates/mareva-monitoring/src/prefetch.rs"];

/// Words that say nothing about what a thing is for.
const EMPTY_WORDS: [&str; 9] =
    ["event", "item", "entity", "handler", "manager", "processor", "util", "helper", "common"];

/// Crates that may read a clock: they meet the world.
const CLOCKS: [&str; 3] = ["crates/mareva/", "crates/mareva-kafka/", "crates/mareva-desk/"];

#[test]
fn files_are_short() {
    let too_long = rust().into_iter().filter_map(|(path, text)| {
        let lines = text.lines().count();
        (lines > MAX_LINES).then(|| {
            format!(
                "{path}: {lines} lines; split it by what it decides, put tables in data files and tests in tests.rs"
            )
        })
    });
    none(too_long.collect());
}

#[test]
fn functions_are_held_short_by_clippy_everywhere() {
    let mut offences = Vec::new();
    for (path, text) in rust() {
        for line in lines_with(&code_of(&text), "too_many_lines") {
            offences.push(format!("{path}:{line}: switches too_many_lines off; split the function"));
        }
    }
    none(offences);
}

#[test]
fn every_library_says_what_enters_what_leaves_and_what_it_must_never_do() {
    let mut offences = Vec::new();
    for (path, text) in rust().into_iter().filter(|(path, _)| path.ends_with("src/lib.rs")) {
        let opening: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let opening = opening.join(" ");
        if opening.len() < 80 {
            offences.push(format!("{path}: begin with `//!` and a paragraph on what this is"));
            continue;
        }
        if !path.starts_with("crates/") {
            continue;
        }
        let says = |words: &[&str]| words.iter().any(|word| opening.contains(word));
        for (what, words) in [
            ("its principal type", &["Principal type"][..]),
            ("what enters", &["enter"]),
            ("what leaves", &["leave"]),
            ("what it must never do", &["never", "does no", "must not"]),
        ] {
            if !says(words) {
                offences.push(format!("{path}: the opening does not say {what}; use the word {:?}", words[0]));
            }
        }
    }
    none(offences);
}

#[test]
fn unsafe_code_stands_in_two_named_files() {
    let mut offences = Vec::new();
    for (path, text) in rust().into_iter().filter(|(path, _)| !UNSAFE.contains(&path.as_str())) {
        let code = code_of(&text);
        for word in ["unsafe", "unsafe_code"] {
            offences.extend(
                lines_with(&code, word).iter().map(|line| {
                    format!("{path}:{line}: {word}; write it safely, or move it to {}", UNSAFE.join(" or "))
                }),
            );
        }
    }
    none(offences);
}

#[test]
fn nothing_is_left_to_do() {
    let mut offences = Vec::new();
    for (path, text) in rust() {
        let code = code_of(&text);
        for (word, remedy) in [
            ("todo!", "write it, or leave it out"),
            ("unimplemented!", "write it, or leave it out"),
            ("macro_rules!", "write a function"),
            ("static mut", "pass it as an argument"),
            ("lazy_static!", "pass it as an argument"),
        ] {
            offences.extend(lines_with(&code, word).iter().map(|line| format!("{path}:{line}: {word}; {remedy}")));
        }
    }
    none(offences);
}

#[test]
fn unit_tests_are_in_files_of_their_own() {
    let mut offences = Vec::new();
    for (path, text) in rust().into_iter().filter(|(path, _)| path.starts_with("crates/")) {
        for line in lines_with(&code_of(&text), "mod tests {") {
            offences
                .push(format!("{path}:{line}: tests inside; put them in a sibling tests.rs, #[cfg(test)] mod tests;"));
        }
    }
    none(offences);
}

#[test]
fn libraries_read_no_clock_and_print_nothing() {
    let mut offences = Vec::new();
    for (path, text) in rust() {
        let is_test = path.contains("/tests") || path.contains("/examples/");
        let is_library = path.starts_with("crates/") && !path.starts_with("crates/mareva/");
        if !is_library || is_test {
            continue;
        }
        let code = code_of(&text);
        let mut look = |word: &str, remedy: &str| {
            offences.extend(lines_with(&code, word).iter().map(|line| format!("{path}:{line}: {word}; {remedy}")));
        };
        if !CLOCKS.iter().any(|allowed| path.starts_with(allowed)) {
            look("SystemTime::now", "take the time as an argument");
            look("Instant::now", "take the time as an argument");
        }
        for word in ["println!", "eprintln!", "print!"] {
            look(word, "return it, or log it with tracing");
        }
    }
    none(offences);
}

#[test]
fn names_say_what_things_are() {
    let mut offences = Vec::new();
    for (path, text) in rust() {
        let stem = path.rsplit('/').next().unwrap_or(&path).trim_end_matches(".rs");
        let mut judge = |place: &str, name: &str| {
            for word in words(name) {
                let single = word.strip_suffix('s').unwrap_or(&word);
                if EMPTY_WORDS.contains(&single) || word == "entities" {
                    offences.push(format!("{place}: {name} has the word {word} in it; say what it is for"));
                }
            }
        };
        judge(&path, stem);
        for (at, line) in code_of(&text).lines().enumerate() {
            for keyword in ["struct ", "enum ", "trait ", "type ", "mod "] {
                let line = line.trim_start().trim_start_matches("pub ");
                let line =
                    line.strip_prefix("pub(").and_then(|rest| rest.split_once(") ")).map_or(line, |(_, rest)| rest);
                let Some(rest) = line.strip_prefix(keyword) else { continue };
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                // The trait `Iterator` asks for this name.
                if keyword != "type " || name != "Item" {
                    judge(&format!("{path}:{}", at + 1), &name);
                }
            }
        }
    }
    none(offences);
}

/// `EventTime` and `event_time` as `event`, `time`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || c == '-' || c.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c != '_' && c != '-') {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn words_of_names() {
    assert_eq!(words("EventTime"), ["event", "time"]);
    assert_eq!(words("batch_queue"), ["batch", "queue"]);
}
