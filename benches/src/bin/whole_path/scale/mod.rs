//! Monitoring alone: what a transaction costs, and how many bytes stay of it, while rules, accounts, windows and disorder grow.

mod picture;
mod point;
mod rules;
mod stream;

use std::error::Error;

use mareva_benches::option;

use self::picture::{Line, Picture};
use self::point::{Found, Point, Traffic};
use self::rules::{Aggregate, Rules};

const HOUR: u64 = 3_600;
const GIB: f64 = (1_u64 << 30) as f64;

/// One point, in a process of its own: for [`measure`], which starts it.
pub(crate) fn point() -> Result<(), Box<dyn Error>> {
    let given = std::env::args().nth(2).ok_or("scale-point is started by scale, with a point as JSON")?;
    let point: Point = serde_json::from_str(&given)?;
    println!("{}", serde_json::to_string(&point.measure()?)?);
    Ok(())
}

/// What all curves share.
struct Sizes {
    /// Transactions in a window, in hundredths of the usual number.
    size: u64,
    base: Point,
}

impl Sizes {
    fn rows(&self, usual: u64) -> u64 {
        (usual * self.size / 100).max(1)
    }

    /// Draws lines and a bar, so many times their first place. Pictures with rows on disk have names of their own.
    fn picture(
        &self,
        (name, title, across): (&str, &str, &str),
        (first, ratio): (&[Place], f64),
        lines: Vec<Line>,
    ) -> Result<(), Box<dyn Error>> {
        let bar = first.first().map(|(.., found)| (found.micros * ratio, format!("{ratio} times the first point")));
        let places = first.iter().map(|(value, name, _)| (*value, name.clone())).collect();
        let (file, title) = match self.base.memory_mib {
            None => (format!("{name}.svg"), title.to_owned()),
            Some(mib) => (format!("{name}-disk.svg"), format!("{title}; {mib} MiB of rows in memory")),
        };
        let upwards = "processor time of a transaction, µs";
        Ok(Picture { file: &file, title: &title, across, upwards, places, lines, bar }.write()?)
    }
}

/// A place on a curve: its value, its name, and what was found there.
type Place = (f64, String, Found);

pub(crate) fn measure() -> Result<(), Box<dyn Error>> {
    let only: String = option("only", "all".to_owned());
    let memory_mib: usize = option("memory-mib", usize::MAX);
    let base = Point {
        rules: Rules::Varied(option("rules", 30)),
        accounts: 50_000,
        traffic: Traffic::Uniform,
        window: 24 * HOUR,
        window_rows: 80_000,
        hot_percent: 0,
        late_percent: 0,
        measured: option("measured", 100_000),
        budget: option("budget", 12),
        memory_mib: (memory_mib < usize::MAX).then_some(memory_mib),
        seed: option("seed", 1),
    };
    let sizes = Sizes { size: option("size", 100), base };
    type Curve = fn(&Sizes) -> Result<(), Box<dyn Error>>;
    let curves: [(&str, Curve); 5] = [
        ("rules", by_rules),
        ("accounts", by_accounts),
        ("window", by_window),
        ("disorder", by_disorder),
        ("bytes", bytes),
    ];
    if only != "all" && !curves.iter().any(|(name, _)| *name == only) {
        return Err(format!("--only {only}: rules, accounts, window, disorder or bytes").into());
    }
    curves.into_iter().filter(|(name, _)| only == "all" || only == *name).try_for_each(|(_, curve)| curve(&sizes))
}

fn heading(title: &str, what: &str) {
    println!("\n{title}");
    println!(
        "Monitoring alone: the processor time of the whole path in memory (decoding, lists, alerts) is not in it."
    );
    println!(
        "{what:>22} {:>9} {:>7} {:>11} {:>11} {:>8} {:>11} {:>11} {:>9} {:>12}",
        "µs each", "ratio", "rows", "on disk", "share", "on lines", "keys", "GiB", "changes/1000"
    );
}

/// Runs a point and prints its line.
fn told(name: &str, point: &Point, first: Option<f64>) -> Result<Found, Box<dyn Error>> {
    let found = point.run()?;
    let ratio = first.map_or(1.0, |first| found.micros / first);
    let changes = found.changes as f64 * 1000.0 / (point.measured.max(1) * 3) as f64;
    let on_disk = found.rows_on_disk as f64 * 100.0 / found.rows.max(1) as f64;
    let note = if found.cut_short { "   budget used up before the window was full" } else { "" };
    println!(
        "{name:>22} {:>9.2} {ratio:>7.2} {:>11} {:>11} {on_disk:>7.0}% {:>11} {:>11} {:>9.2} {changes:>12.2}{note}",
        found.micros,
        found.rows,
        found.rows_on_disk,
        found.timeline_rows,
        found.keys,
        found.resident as f64 / GIB
    );
    Ok(found)
}

/// Runs the points of a line.
fn line(points: Vec<(f64, String, Point)>) -> Result<Vec<Place>, Box<dyn Error>> {
    let mut places: Vec<Place> = Vec::new();
    for (value, name, point) in points {
        let first = places.first().map(|(.., found)| found.micros);
        let found = told(&name, &point, first)?;
        places.push((value, name, found));
    }
    Ok(places)
}

fn drawn(name: &str, places: &[Place]) -> Line {
    Line { name: name.to_owned(), values: places.iter().map(|(.., found)| Some(found.micros)).collect() }
}

fn by_rules(sizes: &Sizes) -> Result<(), Box<dyn Error>> {
    heading("Rules: 50,000 accounts, windows to 24 h, the same rows in all", "rules");
    let points = [30, 100, 200, 300].map(|count| {
        let rows = sizes.rows(80_000);
        (count as f64, count.to_string(), Point { rules: Rules::Varied(count), window_rows: rows, ..sizes.base })
    });
    let places = line(points.into())?;
    let lines = vec![drawn("monitoring", &places)];
    sizes.picture(("rules", "More rules over the same rows", "rules"), (&places, 3.0), lines)
}

fn by_accounts(sizes: &Sizes) -> Result<(), Box<dyn Error>> {
    let mut lines = Vec::new();
    let mut first = Vec::new();
    for (traffic, name) in [(Traffic::Uniform, "uniform"), (Traffic::Skewed, "skewed")] {
        heading(&format!("Accounts, {name}: windows to 24 h, the same rows in all"), "accounts");
        let point = |accounts| Point { accounts, traffic, window_rows: sizes.rows(400_000), ..sizes.base };
        let points = [(10_000, "10 k"), (100_000, "100 k"), (1_000_000, "1 M"), (10_000_000, "10 M")]
            .map(|(accounts, name)| (accounts as f64, name.to_owned(), point(accounts)));
        let places = line(points.into())?;
        lines.push(drawn(name, &places));
        if first.is_empty() {
            first = places;
        }
    }
    sizes.picture(("accounts", "More accounts, the same rows", "accounts"), (&first, 2.0), lines)
}

fn by_window(sizes: &Sizes) -> Result<(), Box<dyn Error>> {
    let (mut lines, mut busiest) = (Vec::new(), Vec::new());
    for (accounts, usual, name) in [
        (20_000, 10_000, "20,000 accounts"),
        (1_000, 10_000, "1,000 accounts"),
        (1_000, 130_000, "1,000 accounts, 13 times as busy"),
    ] {
        let rate = sizes.rows(usual);
        heading(&format!("Window: {accounts} accounts with {rate} transactions an hour"), "longest window");
        let points = [1, 6, 24, 72].map(|hours| {
            let window_rows = rate * hours;
            let point = Point { accounts, window: hours * HOUR, window_rows, ..sizes.base };
            (hours as f64, format!("{hours} h"), point)
        });
        let places = line(points.into())?;
        lines.push(drawn(name, &places));
        busiest = places;
    }
    sizes.picture(("window", "Longer windows at the same rate", "longest window"), (&busiest, 1.5), lines)
}

fn by_disorder(sizes: &Sizes) -> Result<(), Box<dyn Error>> {
    let mut found: [Vec<Place>; 4] = Default::default();
    let cases = [("none", 0, 0), ("late", 0, 1), ("hot", 30, 0), ("hot and late", 30, 1)];
    for (minutes, name) in [(60, "111"), (15, "444"), (5, "1,333")] {
        let rows = sizes.rows(400_000);
        let rate = rows as f64 / (minutes * 60) as f64;
        heading(&format!("Disorder at {rate:.0} transactions/s: 50,000 accounts, windows to {minutes} min"), "case");
        let mut first = None;
        for ((case, hot_percent, late_percent), places) in cases.iter().zip(&mut found) {
            let (hot_percent, late_percent) = (*hot_percent, *late_percent);
            let point = Point { window: minutes * 60, window_rows: rows, hot_percent, late_percent, ..sizes.base };
            let one = told(case, &point, first)?;
            first.get_or_insert(one.micros);
            places.push((rate, if sizes.size == 100 { name.to_owned() } else { format!("{rate:.0}") }, one));
        }
    }
    let lines = cases.iter().zip(&found).map(|((case, ..), places)| drawn(case, places)).collect();
    let across = "transactions a second (the windows hold the same number)";
    let title = "A key with 30 % of the payments, 1 % of the rows late";
    sizes.picture(("disorder", title, across), (&found[0], 1.5), lines)
}

/// Bytes of each part: what a process grows by with it, less what it grows by without.
fn bytes(sizes: &Sizes) -> Result<(), Box<dyn Error>> {
    let keys = sizes.rows(500_000);
    let point = |rules, accounts, window_rows| Point {
        rules,
        accounts,
        traffic: Traffic::InTurn,
        window_rows,
        measured: 0,
        memory_mib: None,
        ..sizes.base
    };
    let run = |rules| point(rules, keys, keys).run();
    let each = |more: &Found, less: &Found, count: u64| {
        let facts = more.fact_bytes as f64 - less.fact_bytes as f64;
        (more.resident as f64 - less.resident as f64 - facts) / count as f64
    };
    println!("\nBytes, of {keys} rows (growth of the process)");
    let nothing = run(Rules::Windowless)?;
    let row = |name: &str, bytes: f64| println!("{name:>46} {bytes:>9.1}");
    row("retained row, with its indexes", (nothing.resident - nothing.fact_bytes) as f64 / nothing.rows as f64);
    row("the same by Monitor::sizes", nothing.retained_bytes as f64 / nothing.rows as f64);
    let stored = Point { memory_mib: Some(0), ..point(Rules::Windowless, keys, keys) }.run()?;
    row("retained row on disk", stored.disk_bytes as f64 / stored.rows_on_disk.max(1) as f64);
    row("what stays of it in memory", stored.resident as f64 / stored.rows as f64);
    let unjudged = run(Rules::Unjudged)?;
    row("key with one row, nothing judged", each(&unjudged, &nothing, unjudged.keys));
    let one = run(Rules::Sums(1))?;
    let nine = run(Rules::Sums(9))?;
    row("first touched feature (SUM)", each(&one, &unjudged, one.keys));
    row("further touched feature (SUM)", each(&nine, &one, nine.keys * 8));
    let aggregates = [
        ("COUNT(DISTINCT), one value", Aggregate::CountDistinct),
        ("MIN, one value", Aggregate::Min),
        ("FIRST_VALUE, one row", Aggregate::FirstValue),
        ("STDDEV", Aggregate::StdDev),
    ];
    for (name, aggregate) in aggregates {
        row(name, each(&run(Rules::One(aggregate))?, &unjudged, keys));
    }
    let few = |rules| point(rules, 1_000, keys).run();
    let (long, without) = (few(Rules::Unjudged)?, few(Rules::Windowless)?);
    row("row of a long timeline", each(&long, &without, long.timeline_rows));
    let judged = few(Rules::One(Aggregate::CountDistinct))?;
    let varied = run(sizes.base.rules)?;
    row("COUNT(DISTINCT) and a row, 500 a key, one value", each(&judged, &without, judged.timeline_rows));
    row("facts of a movement, of varied rules", varied.fact_bytes as f64 / (varied.rows * 2) as f64);
    let state = varied.resident as f64 - nothing.resident as f64 - varied.fact_bytes as f64 + nothing.fact_bytes as f64;
    row("key of varied rules, with its rows and features", state / varied.keys as f64);
    row("whole state a transaction, of varied rules", varied.resident as f64 / varied.rows as f64);
    Ok(())
}
