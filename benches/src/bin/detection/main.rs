//! Prints how well the shipped rules find what is labelled: on the simulator over several seeds, on an AMLSim graph and on any
//! labelled CSV. It measures, and decides nothing. See `benches/README.md`.

mod dataset;
mod figures;
mod instances;
mod print;
mod quality;
mod run;
mod table;

use std::error::Error;
use std::path::PathBuf;

use mareva_benches::option;

use dataset::Dataset;
use figures::Figures;

/// Seeds on which rules may be tuned: figures of them are none to report.
const TUNING: std::ops::RangeInclusive<u64> = 101..=105;

fn main() -> Result<(), Box<dyn Error>> {
    let given = |name: &str| Some(option(name, String::new())).filter(|text| !text.is_empty());
    let slice_ms = option("slice-seconds", 300_i64).max(1) * 1_000;
    let mut figures = Vec::new();
    let only_files = (given("amlsim").is_some() || given("csv").is_some()) && given("seeds").is_none();
    if !only_files {
        let seeds = seeds(&option("seeds", "1,2,3,4,5".to_owned()))?;
        let transactions = option("transactions", 200_000);
        let mut simulator = Figures::new(format!("simulator, {transactions} records a seed"));
        for seed in seeds {
            let begun = std::time::Instant::now();
            simulator.add(&format!("seed {seed}"), Dataset::simulated(seed, transactions), slice_ms)?;
            eprintln!("seed {seed}: {:.0} s", begun.elapsed().as_secs_f64());
        }
        figures.push(simulator);
    }
    if let Some(folder) = given("amlsim") {
        let scale = option("scale", 1_u32);
        let mut graph = Figures::new(format!("AMLSim graph, amounts times {scale}"));
        graph.add("graph", table::amlsim(&PathBuf::from(folder), scale)?, slice_ms)?;
        figures.push(graph);
    }
    if let Some(file) = given("csv") {
        let labels = given("labels").map(PathBuf::from);
        let mut table = Figures::new("labelled CSV".to_owned());
        table.add("file", table::labelled(&PathBuf::from(file), labels.as_deref())?, slice_ms)?;
        figures.push(table);
    }
    if std::env::args().any(|arg| arg == "--json") {
        let all: Vec<serde_json::Value> = figures.iter().map(print::json).collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        figures.iter().for_each(print::text);
    }
    Ok(())
}

fn seeds(list: &str) -> Result<Vec<u64>, Box<dyn Error>> {
    let mut seeds = Vec::new();
    for text in list.split(',') {
        let seed =
            text.trim().parse().map_err(|_| format!("--seeds {list}: write numbers with commas, such as 1,2"))?;
        if TUNING.contains(&seed) {
            return Err(format!("--seeds {list}: {seed} is a tuning seed, whose figures prove nothing").into());
        }
        seeds.push(seed);
    }
    Ok(seeds)
}
