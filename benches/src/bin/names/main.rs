//! How well and how fast names are matched, on the lists and labelled names of `MAREVA_DATA`.
//!
//! `names quality` states F1 on labelled pairs under five-fold cross-validation beside token-sorted Jaro-Winkler, and what of
//! the UN list and of ordinary names is found; `names fit` prints weights fitted anew; `names speed` times screening against
//! three official lists.

mod fit;
mod pairs;
mod slips;
mod speed;
mod un;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(data) = std::env::var_os("MAREVA_DATA").map(PathBuf::from) else {
        eprintln!("MAREVA_DATA is not set; it names the folder with lists/ and names/");
        return ExitCode::from(2);
    };
    let done = match std::env::args().nth(1).as_deref() {
        Some("quality") => pairs::report(&data).and_then(|()| un::report(&data)),
        Some("fit") => fit::report(&data),
        Some("speed") => speed::report(&data),
        _ => Err("write `names quality`, `names fit` or `names speed`".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whatever goes wrong in a measurement ends it.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
