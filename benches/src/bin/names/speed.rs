use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mareva_screening::{Column, Headers, ListConfig, Scratch, Support, Watchlist, load};

use crate::Outcome;
use crate::un::{self, AT};

const ROUNDS: u32 = 3;
/// How often a name comes back.
const REPEATS: usize = 50;

pub fn report(data: &Path) -> Outcome<()> {
    let ofac = ListConfig::sanctions("ofac", data.join("lists/ofac-2021"));
    let un_list = ListConfig::sanctions("un", data.join(un::LIST));
    let columns = [(Column::Id, "unique_id"), (Column::Name, "full_name"), (Column::Quality, "alias_strength")];
    let columns = columns.map(|(column, header)| (column, Headers::One(header.to_owned()))).into();
    let uk = ListConfig { columns, ..ListConfig::sanctions("uk", data.join("lists/uk-2026-05/subject_names.csv")) };
    let mut lists = Vec::new();
    for config in [ofac, un_list, uk] {
        let began = Instant::now();
        let list = load(&config).map_err(|refusal| format!("{refusal:?}"))?;
        println!(
            "{}: {} names, {} MiB, {:.2} s",
            config.name,
            list.counts().names,
            list.size() >> 20,
            began.elapsed().as_secs_f64()
        );
        lists.push(Arc::new(list));
    }
    let watchlist = Watchlist::new(lists).map_err(|refusal| format!("{refusal:?}"))?;
    println!("{} MiB in all", watchlist.size() >> 20);
    let people = un::ordinary(data)?;
    for round in 1..=ROUNDS {
        once(&watchlist, &people, round);
        repeated(&watchlist, &people, round);
    }
    Ok(())
}

/// Every name new.
fn once(watchlist: &Watchlist, people: &[un::Person], round: u32) {
    let (mut scratch, mut found, mut times) = (Scratch::new(), Vec::new(), Vec::with_capacity(people.len()));
    let began = Instant::now();
    for person in people {
        let one = Instant::now();
        watchlist.screen_name(&person.name, &Support::default(), AT, &mut scratch, &mut found);
        times.push(one.elapsed());
    }
    let rate = people.len() as f64 / began.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "round {round}  new names      {rate:>9.0}/s, p50 {:?}, p99 {:?}, worst {:?}, {} hits",
        at(0.5),
        at(0.99),
        at(1.0),
        found.len()
    );
}

/// Names that come back, as customers do.
fn repeated(watchlist: &Watchlist, people: &[un::Person], round: u32) {
    let (mut scratch, mut found) = (Scratch::new(), Vec::new());
    let began = Instant::now();
    for _ in 0..REPEATS {
        for person in people {
            watchlist.screen_name(&person.name, &Support::default(), AT, &mut scratch, &mut found);
        }
    }
    let rate = (people.len() * REPEATS) as f64 / began.elapsed().as_secs_f64();
    println!("round {round}  each {REPEATS} times  {rate:>9.0}/s");
}
