//! What the benches share: a simulated economy as input slices, and everything in force over it, with the shipped rules and
//! all its lists. Simulated records enter, slices and pipelines leave. Nothing here is measured and nothing here decides
//! whether a number is good.

mod economy;
mod judge;
mod place;
mod transfers;
mod usage;

pub use economy::{Arriving, BANK, EXCHANGE, Economy, german_iban, mule_list, mules, parts, rules, slice};
pub use judge::PipelineJudge;
pub use place::{input, outputs, reading, run_name, stream_of, wall_clock};
pub use transfers::{Transfers, chance};
pub use usage::{Usage, resident_bytes};

/// The value after `--name` on the command line, or the default.
pub fn option<T: std::str::FromStr>(name: &str, default: T) -> T {
    let flag = format!("--{name}");
    let given = std::env::args().skip_while(|arg| *arg != flag).nth(1);
    match given {
        None => default,
        Some(text) => text.parse().unwrap_or_else(|_| {
            eprintln!("{flag} {text}: not a value; see benches/README.md");
            std::process::exit(2)
        }),
    }
}
