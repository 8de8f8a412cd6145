//! Days, weeks and months of time zones, over the changes of their clocks.

use datafusion::datasource::MemTable;

use super::*;
use crate::calendar::{Calendar, Part};

/// Some of them leave a midnight out (Beirut, Cairo, São Paulo) or a whole day (Apia), or had one twice before 2000 (Paris, Lisbon).
const ZONES: [&str; 11] = [
    "Europe/Paris",
    "Europe/Lisbon",
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Africa/Cairo",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
];
const HOUR: i64 = 3_600_000;
/// 1970 to 2099.
const LAST: i64 = 4_102_444_800_000;

/// What stock DataFusion makes of times.
fn truncated(unit: &str, zone: &str, times: &[i64]) -> Vec<i64> {
    let context = oracle::session();
    let column: ArrayRef = Arc::new(arrow::array::TimestampMillisecondArray::from(times.to_vec()));
    let batch = RecordBatch::try_from_iter([("at", column)]).unwrap();
    context.register_table("t", Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap())).unwrap();
    let zoned = format!("at AT TIME ZONE 'UTC' AT TIME ZONE '{zone}'");
    let sql = format!("SELECT CAST(date_trunc('{unit}', {zoned}) AS BIGINT) / 1000000 FROM t");
    let found = futures::executor::block_on(async { context.sql(&sql).await?.collect().await }).unwrap();
    let of = |batch: &RecordBatch| {
        let column = batch.column(0).as_any().downcast_ref::<arrow::array::Int64Array>().unwrap();
        column.values().to_vec()
    };
    found.iter().flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_part_of_the_calendar_begins_where_stock_datafusion_says(
        times in prop::collection::vec(0..LAST, 400),
        zone in prop::sample::select(ZONES.to_vec()),
    ) {
        for part in Part::ALL {
            let unit = part.name();
            let calendar = Calendar::of(zone, part).map_err(TestCaseError::fail)?;
            // Where one begins, and just before, too.
            let edges = times.iter().flat_map(|time| [*time, calendar.end(*time), calendar.end(*time) - 1]);
            let times: Vec<i64> = edges.collect();
            for (time, start) in times.iter().zip(truncated(unit, zone, &times)) {
                prop_assert_eq!(calendar.start(*time), start, "{} {} {}", unit, zone, time);
                let end = calendar.end(*time);
                prop_assert!(start <= *time && *time < end && end - start <= calendar.longest());
                prop_assert_eq!(calendar.start(end), end);
                prop_assert_eq!(calendar.end(end - 1), end);
            }
        }
    }
}

#[test]
fn zones_whose_days_do_not_begin_once_are_not_taken() {
    for zone in ["Atlantic/Azores", "America/Havana", "America/St_Johns", "Europe/Nowhere", ""] {
        assert!(Calendar::of(zone, Part::Day).is_err(), "{zone}");
    }
}

/// Payments over the nights in which clocks are changed: what is settled is what stock SQL finds.
#[test]
fn rules_over_days_of_a_zone_equal_stock_datafusion() {
    let zoned = "m.event_time AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin'";
    let by = |unit: &str| {
        format!(
            "SELECT LAST_VALUE(m.row_id ORDER BY m.event_time, m.row_id) AS row_id, m.account AS subject, \
             MAX(m.event_time) AS event_time, date_trunc('{unit}', {zoned}) AS window_start, COUNT(*) AS n, \
             SUM(amount_ref) AS s FROM movements m GROUP BY m.account, date_trunc('{unit}', {zoned}) HAVING COUNT(*) > 2"
        )
    };
    let so_far = format!(
        "SELECT m.row_id, m.account AS subject, m.event_time, COUNT(*) OVER w AS n, \
         date_part('hour', {zoned}) AS hour FROM movements m WINDOW w AS (PARTITION BY m.account, \
         date_trunc('day', {zoned}) ORDER BY m.event_time RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) QUALIFY n = 3"
    );
    let mut texts: Vec<RuleText> =
        ["day", "week", "month"].into_iter().map(|unit| rule(unit, "signal", &by(unit))).collect();
    texts.push(rule("so_far", "signal", &so_far));
    let cut_off = by("day").replace("'Europe/Berlin'", "'Europe/Berlin' - INTERVAL '17' HOUR");
    texts.push(rule("cut_off", "signal", &cut_off));
    texts.push(rule("utc", "signal", &cut_off.replace(" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin'", "")));
    let mut closes = rule("closes", "signal", &by("day"));
    closes.toml = closes.toml.replace("weight", "emit = \"close\"\nweight");
    texts.push(closes);
    let rules = Ruleset::load(&texts).unwrap();
    // 2026-03-26 and 2026-10-22, 00:07 UTC, then every 97 minutes for six days.
    let rows: Vec<(usize, Tx)> = [1_774_483_620_000_i64, 1_792_627_620_000]
        .into_iter()
        .flat_map(|first| (0..90).map(move |step| first + step * 97 * HOUR / 60))
        .enumerate()
        .map(|(index, time)| {
            let tx = Tx {
                time,
                from: Some(1),
                to: Some(2 + (index % 3) as u8),
                cents: Some(100 + index as i64),
                device: Some(0),
                status: 2,
                kind: 0,
            };
            (index, tx)
        })
        .collect();
    let (settled, accepted) = run(&rules, &rows, &[7, 40, 33, 50], 2);
    let expected = oracle(&rules, &accepted);
    assert_eq!(shown(&settled), shown(&expected));
    for (id, least) in
        [("day", 20), ("week", 6), ("month", 6), ("so_far", 20), ("cut_off", 20), ("utc", 20), ("closes", 20)]
    {
        let found = settled.iter().filter(|d| d.rule.id == id).count();
        assert!(found >= least, "{id}: {found}");
    }
}
