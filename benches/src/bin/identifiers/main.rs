//! How fast identifiers are screened against a list of many, on one thread, and what the list takes: `identifiers [ENTRIES]`, 20
//! million without it.

use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs};

use mareva_benches::{german_iban, resident_bytes};
use mareva_screening::{ListConfig, Scratch, Watchlist, load};

/// 2026-01-05.
const AT: i64 = 1_767_571_200_000;
const ROUNDS: u32 = 5;
/// Identifiers screened in each round; one in ten thousand of them is listed.
const PROBES: u64 = 4_000_000;
const LISTED: u64 = 10_000;
/// Neither of these bank codes exists.
const LISTED_BANK: u32 = 99_999_999;
const OTHER_BANK: u32 = 99_999_998;

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Box<dyn std::error::Error>> {
    let entries: u64 = env::args().nth(1).map_or(Ok(20_000_000), |number| number.parse())?;
    let path = env::temp_dir().join(format!("identifiers-{}.csv", std::process::id()));
    let mut out = BufWriter::new(fs::File::create(&path)?);
    writeln!(out, "identifier,reason,reported_at,source")?;
    for number in 0..entries {
        writeln!(out, "{},reported by the bank,2026-01-01,bank", german_iban(LISTED_BANK, number))?;
    }
    out.into_inner()?.sync_all()?;
    let (before, began) = (resident_bytes(), Instant::now());
    let list = load(&ListConfig::fraud("many", &path));
    fs::remove_file(&path)?;
    let list = list.map_err(|refusal| format!("{refusal:?}"))?;
    let watchlist = Watchlist::new(vec![Arc::new(list)]).map_err(|refusal| format!("{refusal:?}"))?;
    let (size, grown) = (watchlist.size() as u64, resident_bytes() - before);
    println!(
        "{entries} entries: {:.1} s to load and probe back, {} MiB as counted ({:.1} bytes an entry), {} MiB in RAM",
        began.elapsed().as_secs_f64(),
        size >> 20,
        size as f64 / entries as f64,
        grown >> 20
    );
    // In an order that is none, as they come.
    let probes: Vec<String> = (0..PROBES)
        .map(|number| {
            let other = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            let listed = number % LISTED == 0;
            let bank = if listed { LISTED_BANK } else { OTHER_BANK };
            format!("iban:{}", german_iban(bank, if listed { other % entries } else { other }))
        })
        .collect();
    for round in 1..=ROUNDS {
        let (mut scratch, mut found) = (Scratch::new(), Vec::new());
        let began = Instant::now();
        for probe in &probes {
            watchlist.screen_identifier(probe, AT, &mut scratch, &mut found);
        }
        let rate = PROBES as f64 / began.elapsed().as_secs_f64();
        println!("round {round}: {rate:.0} identifiers/s, {} found", found.len());
        if found.len() as u64 != PROBES.div_ceil(LISTED) {
            return Err("what is listed is not all that is found".into());
        }
    }
    Ok(())
}
