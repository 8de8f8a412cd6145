use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use mareva_screening::{ListConfig, LoadedList, Scratch, Support, Watchlist, load};

use crate::Outcome;
use crate::slips::{Slip, Slips};

pub const LIST: &str = "lists/un/UN_consolidated-2026-02-27.xml";
/// Not the seed of the fit.
const SEED: u64 = 2;
/// 2026-02-28, UTC milliseconds.
pub const AT: i64 = 1_772_236_800_000;

/// A name, and the bearer's date of birth.
pub struct Person {
    pub name: String,
    pub birth_date: String,
}

pub fn list(data: &Path, name_threshold: f64) -> Outcome<LoadedList> {
    let config = ListConfig { name_threshold, ..ListConfig::sanctions("un", data.join(LIST)) };
    load(&config).map_err(|refusal| format!("{refusal:?}").into())
}

/// People who are on no list.
pub fn ordinary(data: &Path) -> Outcome<Vec<Person>> {
    people(&data.join("names/ordinary_names_dev.csv"))
}

fn people(path: &Path) -> Outcome<Vec<Person>> {
    let mut rows = csv::Reader::from_path(path)?;
    let headers = rows.headers()?.clone();
    let column = |name: &str| headers.iter().position(|header| header == name).ok_or(format!("no column {name}"));
    let (name, born) = (column("full_name")?, column("date_of_birth")?);
    let mut people = Vec::new();
    for row in rows.records() {
        let row = row?;
        people.push(Person { name: row[name].to_owned(), birth_date: row[born].to_owned() });
    }
    Ok(people)
}

struct Screening {
    watchlist: Watchlist,
    scratch: Scratch,
}

impl Screening {
    fn hits(&mut self, name: &str, birth_date: Option<&str>) -> bool {
        let mut found = Vec::new();
        self.watchlist.screen_name(name, &Support { birth_date, country: None }, AT, &mut self.scratch, &mut found);
        !found.is_empty()
    }
}

/// What is found at a threshold: of listed names by slip, and of ordinary ones (those seen by the fit, the others, all with
/// their dates of birth).
struct Found {
    listed: BTreeMap<Slip, (u32, u32)>,
    ordinary: [usize; 3],
}

fn found(data: &Path, threshold: f64) -> Outcome<Found> {
    let watchlist = Watchlist::new(vec![Arc::new(list(data, threshold)?)]).map_err(|refusal| format!("{refusal:?}"))?;
    let mut screening = Screening { watchlist, scratch: Scratch::new() };
    let mut slips = Slips::new(SEED);
    let mut listed: BTreeMap<Slip, (u32, u32)> = BTreeMap::new();
    for person in people(&data.join("names/un_listed_names.csv"))? {
        for slip in Slip::ALL {
            let Some(name) = slips.make(&person.name, slip) else { continue };
            let counts = listed.entry(slip).or_default();
            counts.0 += 1;
            counts.1 += u32::from(screening.hits(&name, None));
        }
    }
    let mut ordinary = [0; 3];
    for (number, person) in self::ordinary(data)?.iter().enumerate() {
        ordinary[number % 2] += usize::from(screening.hits(&person.name, None));
        ordinary[2] += usize::from(screening.hits(&person.name, Some(&person.birth_date)));
    }
    Ok(Found { listed, ordinary })
}

pub fn report(data: &Path) -> Outcome<()> {
    let people = ordinary(data)?.len();
    println!(
        "\nthe UN list: share of names found, and hits of {people} ordinary names (those seen by the fit, others, with date of birth)"
    );
    println!("threshold   none    typo    swap    drop  reorder   any slip   ordinary");
    for threshold in [0.6, 0.7, 0.78, 0.85, 0.9, 0.95] {
        let Found { listed, ordinary: [seen, unseen, born] } = found(data, threshold)?;
        let shares = listed.values().map(|(names, hits)| format!("{:.4}", f64::from(*hits) / f64::from(*names)));
        let slipped = listed.iter().filter(|(slip, _)| **slip != Slip::None);
        let (names, hits) = slipped.fold((0, 0), |sum, (_, one)| (sum.0 + one.0, sum.1 + one.1));
        let shares = shares.collect::<Vec<_>>().join("  ");
        println!("{threshold:<9} {shares}    {:.4}   {seen} + {unseen}, {born}", f64::from(hits) / f64::from(names));
    }
    cross_script(data)
}

fn cross_script(data: &Path) -> Outcome<()> {
    let mut rows = csv::Reader::from_path(data.join("names/cross_script_dev.csv"))?;
    println!("\nnames in two scripts");
    for row in rows.records() {
        let row = row?;
        let (a, b) = (mareva_screening::ComparedName::new(&row[0]), mareva_screening::ComparedName::new(&row[1]));
        let features = a.features(&b, mareva_screening::EntryKind::Person);
        let score = features.map_or(0.0, |features| mareva_screening::score(&features, &mareva_screening::WEIGHTS));
        println!("  {score:.2}  {} = {}", &row[0], &row[1]);
    }
    Ok(())
}
