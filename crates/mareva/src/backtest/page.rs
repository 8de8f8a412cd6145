//! The report as one HTML file that needs nothing else.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::chart::{Series, bars, columns, escaped, lines};
use super::figures::{Day, Report, RuleFigures, Scored, Sweep};
use super::text::{grouped, percent, share};
use crate::challenge::{Challenge, Compared};

/// Nothing is loaded, run or sent, whatever a name in the data holds.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE: &str = include_str!("page.css");

/// The page.
pub fn page(report: &Report) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Back-test of rules</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n"
    );
    head(&mut html, report);
    rules(&mut html, report);
    by_day(&mut html, report);
    report.challengers.iter().for_each(|one| challenge(&mut html, one, report));
    scores(&mut html, report);
    sweeps(&mut html, report);
    overlap(&mut html, report);
    parameters(&mut html, report);
    let _ = write!(
        html,
        "<footer>Mareva {}, rules {}. Each rule's SQL was run by stock DataFusion over the finished tables. Days are \
         UTC.</footer>\n</body>\n</html>\n",
        escaped(report.mareva),
        escaped(&report.about.rules_digest)
    );
    with_heads(&html)
}

/// The first row of each table as its head, which stands on every page that the table is printed on.
fn with_heads(html: &str) -> String {
    let mut parts = html.split("<table");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for table in parts {
        whole += "<table";
        whole += &match table.split_once("</tr>") {
            Some((head, rest)) => format!("{}</tr></thead>{rest}", head.replacen("<tr>", "<thead><tr>", 1)),
            None => table.to_owned(),
        };
    }
    whole
}

fn head(html: &mut String, report: &Report) {
    let data = &report.data;
    let total = |count: fn(&RuleFigures) -> u64| report.rules.iter().map(count).sum::<u64>();
    let per_day = report.alerts as f64 / data.days.max(1) as f64;
    let between = match (&data.from, &data.to) {
        (Some(from), Some(to)) => format!("{} to {}", date(from), date(to)),
        _ => "no rows".to_owned(),
    };
    let _ = write!(
        html,
        "<h1>Back-test of {} {}</h1>\n<p class=\"lead\">{}, {}. Amounts are in {}.</p>\n<p><code>{}</code><br><small>written {}</small></p>\n<div class=\"tiles\">",
        report.rules.len(),
        if report.rules.len() == 1 { "rule" } else { "rules" },
        escaped(&between),
        data.days_in_words(),
        escaped(&report.about.currency),
        escaped(&report.about.command),
        escaped(&report.about.written_at)
    );
    let tried = total(|rule| if rule.shadow { rule.counts.detections } else { 0 });
    let tiles = [
        (grouped(data.transactions), "transactions"),
        (grouped(data.movements), "movements"),
        (grouped(total(|rule| if rule.shadow { 0 } else { rule.counts.detections })), "detections"),
        (grouped(report.alerts), "alerts of rules"),
        (format!("{per_day:.1}"), "alerts a day"),
    ];
    let in_shadow = (tried > 0).then(|| (grouped(tried), "detections in shadow"));
    for (number, what) in tiles.into_iter().chain(in_shadow) {
        let _ = write!(html, "<div><b>{number}</b><span>{what}</span></div>");
    }
    if let Some(all) = report.labels.as_ref().and_then(|labels| labels.all_alerts.as_ref()) {
        for (value, what) in [(all.precision, "precision of alerts"), (all.recall, "recall of alerts")] {
            let _ = write!(html, "<div><b>{}</b><span>{what}</span></div>", percent(value));
        }
    }
    html.push_str("</div>\n");
    if let Some(records) = &data.records {
        let _ = writeln!(
            html,
            "<p>Records: {} produced = {} accepted + {} repeated + {} late + {} dead-lettered.</p>",
            grouped(records.produced),
            grouped(records.accepted),
            grouped(records.repeated),
            grouped(records.late),
            grouped(records.dead_lettered)
        );
        if let Some(words) = &records.dead_letters {
            let _ = writeln!(html, "<p>Dead letters: {}.</p>", escaped(words));
        }
        if records.without_rate > 0 {
            let _ = writeln!(html, "<p>Amounts without a rate: {}.</p>", grouped(records.without_rate));
        }
    }
    report.notices.iter().for_each(|notice| _ = writeln!(html, "<p>{}.</p>", escaped(notice)));
}

fn rules(html: &mut String, report: &Report) {
    html.push_str(
        "<section>\n<h2>Rules</h2>\n<p>A detection is a row that fires. A subject-day is a subject on a day; it is what a \
         person would have to look at, and an alert where the rule raises alerts. Rules that raise signals are weak \
         on purpose: rules over signals put them together.",
    );
    let labelled = report.labels.is_some();
    if labelled {
        html.push_str(" The last line takes the subjects of all rules that raise alerts as one.");
    }
    html.push_str(
        "</p>\n<div class=\"wide\"><table>\n<tr><th>rule</th><th class=\"text\">raises</th>\
         <th class=\"text\">subject is</th><th>detections</th><th>subjects</th><th>subject-days</th><th>a day</th>",
    );
    if labelled {
        html.push_str("<th>precision</th><th>recall</th><th>F1</th><th>value caught</th>");
    }
    html.push_str("</tr>\n");
    for rule in &report.rules {
        let counts = &rule.counts;
        let _ = write!(
            html,
            "<tr><td>{} <small>v{}</small></td><td class=\"text\">{}</td><td class=\"text\">{}</td>",
            escaped(&rule.rule),
            rule.version,
            escaped(if rule.shadow { "nothing: in shadow" } else { &rule.raises }),
            escaped(&rule.subject_role)
        );
        if let Some(failed) = &rule.failed {
            let _ = writeln!(html, "<td class=\"text failed\" colspan=\"8\">{}</td></tr>", escaped(failed));
            continue;
        }
        let _ = write!(
            html,
            "<td>{}</td><td>{}</td><td>{}</td><td>{:.1}</td>",
            grouped(counts.detections),
            grouped(counts.subjects),
            grouped(counts.subject_days),
            counts.subject_days as f64 / report.data.days.max(1) as f64
        );
        rule.score.iter().for_each(|score| score_cells(html, score));
        if let Some(lacks) = rule.lacks() {
            let _ = write!(html, "<td class=\"text failed\" colspan=\"4\">{lacks}</td>");
        }
        html.push_str("</tr>\n");
    }
    if let Some(all) = report.labels.as_ref().and_then(|labels| labels.all_alerts.as_ref()) {
        html.push_str("<tr class=\"total\"><td>all alerts together</td><td></td><td></td><td></td><td>");
        let _ = write!(html, "{}</td><td></td><td></td>", grouped(all.score.named as u64));
        score_cells(html, all);
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n");
    let fired: Vec<&RuleFigures> = report.rules.iter().filter(|rule| rule.counts.detections > 0).collect();
    let names: Vec<String> = fired.iter().map(|rule| rule.rule.clone()).collect();
    let series = [
        ("detections", fired.iter().map(|rule| Some(rule.counts.detections as f64)).collect()),
        ("subject-days", fired.iter().map(|rule| Some(rule.counts.subject_days as f64)).collect()),
    ];
    let series = series.map(|(name, values)| Series { name: name.to_owned(), values });
    html.push_str("<h3>Detections and subject-days of each rule</h3>\n");
    html.push_str(&bars("Detections and subject-days of each rule", &names, &series, None, "number over all days"));
    html.push_str("\n</section>\n");
}

fn by_day(html: &mut String, report: &Report) {
    let labels: Vec<String> = report.days.iter().map(|day| day.day.clone()).collect();
    if labels.is_empty() {
        return;
    }
    html.push_str("<section>\n<h2>By day</h2>\n");
    let alerting: Vec<&RuleFigures> = report.rules.iter().filter(|rule| rule.counts.alerts > 0).collect();
    if !alerting.is_empty() {
        let of = |rule: &&RuleFigures| Series {
            name: rule.rule.clone(),
            values: report.days.iter().map(|day| day.rules.get(&rule.rule).map(|(_, days)| *days as f64)).collect(),
        };
        let series: Vec<Series> = alerting.iter().map(of).collect();
        html.push_str("<h3>Subject-days of rules that raise alerts</h3>\n<p>Rules that name the same subject on a day share one alert.</p>\n");
        html.push_str(&columns(
            "Subject-days of rules that raise alerts",
            &labels,
            &series,
            ("day (UTC)", "subject-days"),
        ));
    }
    let (title, of_day): (_, fn(&Day) -> u64) = match report.rules.iter().all(|rule| rule.shadow) {
        true => ("Detections a day, all rules in shadow", |day| day.rules.values().map(|(found, _)| *found).sum()),
        false => ("Detections a day, all rules in force", |day| day.detections),
    };
    let all = Series {
        name: "all rules".to_owned(),
        values: report.days.iter().map(|day| Some(of_day(day) as f64)).collect(),
    };
    let _ = writeln!(html, "<h3>{title}</h3>");
    html.push_str(&columns(title, &labels, &[all], ("day (UTC)", "detections")));
    html.push_str("\n</section>\n");
    if report.days.len() > 366 {
        return;
    }
    html.push_str("<section>\n<h3>Detections of each rule, by day</h3>\n<div class=\"wide\"><table class=\"heat\">\n<tr><th>day</th>");
    let fired: Vec<&RuleFigures> = report.rules.iter().filter(|rule| rule.counts.detections > 0).collect();
    fired.iter().for_each(|rule| _ = write!(html, "<th><span>{}</span></th>", escaped(&rule.rule)));
    html.push_str("</tr>\n");
    let most: BTreeMap<&str, u64> = fired
        .iter()
        .map(|rule| {
            let of_days = report.days.iter().filter_map(|day| day.rules.get(&rule.rule));
            (rule.rule.as_str(), of_days.map(|(detections, _)| *detections).max().unwrap_or(1))
        })
        .collect();
    for day in &report.days {
        let _ = write!(html, "<tr><td>{}</td>", escaped(&day.day));
        for rule in &fired {
            let number = day.rules.get(&rule.rule).map_or(0, |(detections, _)| *detections);
            let most = most.get(rule.rule.as_str()).copied().unwrap_or(1).max(1);
            heat(html, &grouped(number), number as f64 / most as f64);
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n<p><small>Darker: more, among the days of the same rule.</small></p>\n</section>\n");
}

fn challenge(html: &mut String, challenge: &Challenge, report: &Report) {
    let Challenge { rule, champion, all, days } = challenge;
    // On days without a row of either nothing is counted; a chart shows them all the same.
    let mut days = days.clone();
    report.days.iter().for_each(|day| _ = days.entry(day.day.clone()).or_default());
    let title = format!("{rule} against {champion}");
    let _ = write!(
        html,
        "<section>\n<h2>{}</h2>\n<p>The first is in shadow, to take the place of the second. Rows that both find are the \
         same; extra ones it alone finds, missing ones the second alone.</p>\n",
        escaped(&title)
    );
    let labels: Vec<String> = days.keys().cloned().collect();
    let of = |name: &str, value: fn(&Compared) -> u64| Series {
        name: name.to_owned(),
        values: days.values().map(|compared| Some(value(compared) as f64)).collect(),
    };
    let series = [of("the same", |c| c.same), of("extra", |c| c.extra), of("missing", |c| c.missing)];
    if !labels.is_empty() {
        html.push_str(&columns(&title, &labels, &series, ("day (UTC)", "rows")));
    }
    html.push_str("<table>\n<tr><th>day</th><th>the same</th><th>extra</th><th>missing</th></tr>\n");
    let mut row = |class: &str, day: &str, compared: &Compared| {
        let Compared { same, extra, missing } = compared;
        let (same, extra, missing) = (grouped(*same), grouped(*extra), grouped(*missing));
        let _ = writeln!(html, "<tr{class}><td>{day}</td><td>{same}</td><td>{extra}</td><td>{missing}</td></tr>");
    };
    let any = |(_, compared): &(&String, &Compared)| **compared != Compared::default();
    days.iter().filter(any).for_each(|(day, compared)| row("", day, compared));
    row(" class=\"total\"", "all days", all);
    html.push_str("</table>\n</section>\n");
}

fn scores(html: &mut String, report: &Report) {
    let Some(labels) = &report.labels else { return };
    let money = match labels.value_of_labelled_transactions {
        true => "in labelled transactions",
        false => "in all their movements",
    };
    let _ = write!(
        html,
        "<section>\n<h2>Against labels</h2>\n<p>{}. A \
         rule whose subject is a suspect is held against criminals, one whose subject is a victim against victims, and \
         one that does not know against both. Value caught is what named criminals received and named victims sent \
         {money}, as a share of what all of them did.</p>\n",
        escaped(&labels.in_words())
    );
    let fired = report.rules.iter().filter(|rule| rule.counts.detections > 0);
    let scored: Vec<(&RuleFigures, &Scored)> = fired.filter_map(|rule| Some((rule, rule.score.as_ref()?))).collect();
    let names: Vec<String> = scored.iter().map(|(rule, _)| rule.rule.clone()).collect();
    let of = |name: &str, value: fn(&Scored) -> Option<f64>| Series {
        name: name.to_owned(),
        values: scored.iter().map(|(_, score)| value(score)).collect(),
    };
    let series =
        [of("precision", |score| score.precision), of("recall", |score| score.recall), of("F1", |score| score.f1)];
    html.push_str("<h3>Precision, recall and F1 of each rule</h3>\n");
    html.push_str(&bars("Precision, recall and F1 of each rule", &names, &series, Some(1.0), "share, 0 to 1"));
    let value = [of("value caught", |score| score.value_share)];
    html.push_str("<h3>Value caught by each rule</h3>\n");
    html.push_str(&bars("Value caught by each rule", &names, &value, Some(1.0), "share of the money, 0 to 1"));
    html.push_str("\n</section>\n");
}

fn sweeps(html: &mut String, report: &Report) {
    if report.sweeps.is_empty() {
        return;
    }
    html.push_str(
        "<section>\n<h2>Threshold curves</h2>\n<p>The rule with each value in the place of its own.</p>\n</section>\n",
    );
    report.sweeps.iter().for_each(|one| sweep(html, one));
}

fn sweep(html: &mut String, sweep: &Sweep) {
    let title = format!("{} by {}", sweep.rule, sweep.parameter);
    let _ = write!(
        html,
        "<section>\n<h3>{} <small>(in force: {})</small></h3>\n",
        escaped(&title),
        escaped(&sweep.in_force)
    );
    let labels: Vec<String> = sweep.points.iter().map(|point| point.value.clone()).collect();
    let mut counts = vec![
        Series {
            name: "detections".to_owned(),
            values: sweep.points.iter().map(|point| Some(point.counts.detections as f64)).collect(),
        },
        Series {
            name: "subject-days".to_owned(),
            values: sweep.points.iter().map(|point| Some(point.counts.subject_days as f64)).collect(),
        },
    ];
    if sweep.points.iter().any(|point| point.alerts_over_signals.is_some()) {
        let values = sweep.points.iter().map(|point| point.alerts_over_signals.map(|alerts| alerts as f64));
        counts.push(Series { name: "alerts of rules over signals".to_owned(), values: values.collect() });
    }
    html.push_str(&lines(&title, &labels, &counts, (&sweep.parameter, "number"), None));
    if sweep.points.iter().any(|point| point.score.is_some()) {
        let of = |name: &str, value: fn(&Scored) -> Option<f64>| Series {
            name: name.to_owned(),
            values: sweep.points.iter().map(|point| point.score.as_ref().and_then(value)).collect(),
        };
        let series =
            [of("precision", |score| score.precision), of("recall", |score| score.recall), of("F1", |score| score.f1)];
        html.push_str(&lines(&title, &labels, &series, (&sweep.parameter, "share"), Some(1.0)));
    }
    html.push_str(
        "<div class=\"wide\"><table>\n<tr><th>value</th><th>detections</th><th>subjects</th><th>subject-days</th>",
    );
    html.push_str(
        "<th>alerts over signals</th><th>precision</th><th>recall</th><th>F1</th><th>value caught</th></tr>\n",
    );
    for point in &sweep.points {
        let _ = write!(html, "<tr><td>{}</td>", escaped(&point.value));
        if let Some(failed) = &point.failed {
            let _ = writeln!(html, "<td class=\"text failed\" colspan=\"8\">{}</td></tr>", escaped(failed));
            continue;
        }
        let counts = &point.counts;
        for number in
            [Some(counts.detections), Some(counts.subjects), Some(counts.subject_days), point.alerts_over_signals]
        {
            let _ = write!(html, "<td>{}</td>", number.map_or_else(|| "-".to_owned(), grouped));
        }
        match &point.score {
            Some(score) => score_cells(html, score),
            None => html.push_str("<td>-</td><td>-</td><td>-</td><td>-</td>"),
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n</section>\n");
}

fn overlap(html: &mut String, report: &Report) {
    let fired: Vec<&RuleFigures> = report.rules.iter().filter(|rule| rule.counts.subjects > 0).collect();
    if fired.len() < 2 {
        return;
    }
    html.push_str(
        "<section>\n<h2>Overlap</h2>\n<p>Of the subjects that the rule on the left names, the share that the rule above \
         names, too; below it the subjects, and in brackets the rows that fire both.</p>\n<div class=\"wide\"><table class=\"heat\">\n<tr><th></th>",
    );
    fired.iter().for_each(|rule| _ = write!(html, "<th><span>{}</span></th>", escaped(&rule.rule)));
    html.push_str("</tr>\n");
    for left in &fired {
        let _ = write!(html, "<tr><td>{}</td>", escaped(&left.rule));
        for above in &fired {
            if left.rule == above.rule {
                let _ = write!(html, "<td>{}</td>", grouped(left.counts.subjects));
                continue;
            }
            let is_pair =
                |pair: &&super::overlap::Overlap| pair.rules.contains(&left.rule) && pair.rules.contains(&above.rule);
            match report.overlap.iter().find(is_pair) {
                Some(pair) => {
                    let of = pair.subjects as f64 / left.counts.subjects.max(1) as f64;
                    let text = format!("{:.0} %<br>{}<br>({})", of * 100.0, grouped(pair.subjects), grouped(pair.rows));
                    heat(html, &text, of);
                }
                None => html.push_str("<td></td>"),
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n</section>\n");
}

/// The values with which each rule was run.
fn parameters(html: &mut String, report: &Report) {
    if report.rules.iter().all(|rule| rule.parameters.is_empty()) {
        return;
    }
    html.push_str("<section>\n<h2>Parameters</h2>\n<table>\n<tr><th>rule</th><th class=\"text\">in force</th></tr>\n");
    for rule in report.rules.iter().filter(|rule| !rule.parameters.is_empty()) {
        let values: Vec<String> =
            rule.parameters.iter().map(|(name, value)| escaped(&format!("{name} = {value}"))).collect();
        let _ = writeln!(
            html,
            "<tr><td>{} <small>v{}</small></td><td class=\"text\">{}</td></tr>",
            escaped(&rule.rule),
            rule.version,
            values.join(", ")
        );
    }
    html.push_str("</table>\n</section>\n");
}

/// A cell that is the darker the more; dark enough to tell, light enough to read on.
fn heat(html: &mut String, text: &str, share: f64) {
    let _ = write!(html, "<td style=\"background:rgba(0,114,178,{:.2})\">{text}</td>", share.clamp(0.0, 1.0) * 0.45);
}

fn score_cells(html: &mut String, score: &Scored) {
    let _ = write!(
        html,
        "<td>{}</td><td>{}</td><td>{}</td><td>{} <small>{}</small></td>",
        share(score.precision),
        share(score.recall),
        share(score.f1),
        percent(score.value_share),
        grouped(u64::try_from((score.score.value_caught + 50) / 100).unwrap_or_default())
    );
}

fn date(time: &str) -> String {
    time.chars().take(10).collect()
}
