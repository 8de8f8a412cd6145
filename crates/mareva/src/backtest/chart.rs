//! Charts as SVG inside a page: no scripts, no fonts from elsewhere, readable when printed in grey.

use std::fmt::Write as _;

use super::text::grouped;

/// Colours that differ for colour-blind readers, too (Okabe and Ito), darkest first so that they differ in grey.
pub const COLOURS: [&str; 8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#5b5b5b", "#b8a800"];

/// Width of every chart in its own units.
const WIDTH: f64 = 960.0;
/// Room for the numbers of the vertical axis, and behind the last column.
const LEFT: f64 = 74.0;
const RIGHT: f64 = 16.0;
/// About how wide a letter of a tick is.
const LETTER: f64 = 6.6;
/// Room above and below what is drawn.
const TOP: f64 = 14.0;
const BOTTOM: f64 = 48.0;

/// One series: name and a value for each place on the horizontal axis; none where there is nothing to show.
pub struct Series {
    pub name: String,
    pub values: Vec<Option<f64>>,
}

/// Text that cannot end an element or an attribute.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What reverses or hides text.
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                out.push('\u{fffd}')
            }
            c => out.push(c),
        }
    }
    out
}

/// A round number at or above `most`, and the step between lines.
fn scale(most: f64) -> (f64, f64) {
    if most <= 0.0 {
        return (1.0, 1.0);
    }
    let power = 10_f64.powf((most / 4.0).log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| step * 4.0 >= most);
    let step = step.unwrap_or(power * 10.0);
    ((most / step).ceil() * step, step)
}

/// The same of counts, which have no halves.
fn scale_of_counts(most: f64) -> (f64, f64) {
    let step = scale(most).1.ceil();
    ((most / step).ceil().max(1.0) * step, step)
}

fn number(value: f64) -> String {
    // Numbers of a report are below 2^53.
    if value.fract() == 0.0 && value >= 0.0 { grouped(value as u64) } else { format!("{value:.2}") }
}

/// Room of one of so many places that are as wide as each other.
fn width_of_place(places: usize) -> f64 {
    (WIDTH - LEFT - RIGHT) / places.max(1) as f64
}

/// Middles of places that are as wide as each other.
fn evenly(places: usize) -> Vec<f64> {
    (0..places).map(|place| LEFT + width_of_place(places) * (place as f64 + 0.5)).collect()
}

/// Numbers as far apart as this are told by their powers.
const FAR_APART: f64 = 50.0;

/// Places as far from each other as the numbers that name them, which ascend, or as their logarithms; others evenly. And what the
/// axis is then called.
fn by_number(labels: &[String], axis: &str) -> (Vec<f64>, String) {
    let even = evenly(labels.len());
    let numbers: Vec<f64> =
        labels.iter().filter_map(|label| label.parse().ok()).filter(|n: &f64| n.is_finite()).collect();
    match (numbers.as_slice(), even.as_slice()) {
        ([least, .., most], [from, .., to]) if numbers.len() == labels.len() && least < most => {
            let is_wide = *least > 0.0 && most / least >= FAR_APART;
            let along = |number: f64| if is_wide { number.ln() } else { number };
            let (first, last) = (along(*least), along(*most));
            let at = |number: &f64| from + (to - from) * (along(*number) - first) / (last - first);
            let named = if is_wide { format!("{axis} (logarithmic)") } else { axis.to_owned() };
            (numbers.iter().map(at).collect(), named)
        }
        _ => (even, axis.to_owned()),
    }
}

struct Frame {
    svg: String,
    height: f64,
    top: f64,
    /// Of each place on the horizontal axis.
    middles: Vec<f64>,
}

impl Frame {
    /// Axes with a title on each.
    fn begin(
        title: &str,
        (labels, middles): (&[String], Vec<f64>),
        height: f64,
        (most, step): (f64, f64),
        (x, y): (&str, &str),
    ) -> Self {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\"><title>{}</title>",
            escaped(title),
            escaped(title)
        );
        let frame = Self { svg: String::new(), height, top: most, middles };
        let mut line = 0.0;
        while line <= most + step / 2.0 {
            let at = frame.y(line);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/><text class=\"tick\" \
                 text-anchor=\"end\" x=\"{:.0}\" y=\"{:.1}\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0,
                number(line)
            );
            line += step;
        }
        // As many names as do not touch each other.
        let widest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(1) as f64 * LETTER + 10.0;
        let mut free_from = f64::MIN;
        for (label, middle) in labels.iter().zip(&frame.middles) {
            if *middle < free_from {
                continue;
            }
            free_from = middle + widest - 0.01;
            // The last one must not stand out of the picture.
            let half = label.chars().count() as f64 * LETTER / 2.0;
            let middle = middle.min(WIDTH - half);
            let _ = write!(
                svg,
                "<text class=\"tick\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.0}\">{}</text>",
                middle,
                height - BOTTOM + 17.0,
                escaped(label)
            );
        }
        let _ = write!(
            svg,
            "<text class=\"axis\" text-anchor=\"middle\" x=\"{:.0}\" y=\"{:.0}\">{}</text><text class=\"axis\" \
             text-anchor=\"middle\" transform=\"translate(13 {:.0}) rotate(-90)\">{}</text>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            height - 8.0,
            escaped(x),
            (height - BOTTOM + TOP) / 2.0,
            escaped(y)
        );
        Self { svg, ..frame }
    }

    fn middle(&self, place: usize) -> f64 {
        self.middles.get(place).copied().unwrap_or(LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        let room = self.height - BOTTOM - TOP;
        TOP + room - room * value / self.top
    }

    fn end(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }
}

/// Names of series with their colours.
fn legend(series: &[Series]) -> String {
    if series.len() < 2 {
        return String::new();
    }
    let mut out = "<p class=\"legend\">".to_owned();
    for (one, colour) in series.iter().zip(COLOURS.iter().cycle()) {
        let _ = write!(out, "<span><i style=\"background:{colour}\"></i>{}</span> ", escaped(&one.name));
    }
    out.push_str("</p>");
    out
}

/// Columns over a horizontal axis, the series on top of each other.
pub fn columns(title: &str, labels: &[String], series: &[Series], axes: (&str, &str)) -> String {
    let total = |at: usize| series.iter().filter_map(|one| one.values.get(at).copied().flatten()).sum::<f64>();
    let most = (0..labels.len()).map(total).fold(0.0, f64::max);
    let mut frame = Frame::begin(title, (labels, evenly(labels.len())), 250.0, scale_of_counts(most), axes);
    let width = (width_of_place(labels.len()) * 0.78).min(60.0);
    for (at, label) in labels.iter().enumerate() {
        let mut below = 0.0;
        for (one, colour) in series.iter().zip(COLOURS.iter().cycle()) {
            let Some(value) = one.values.get(at).copied().flatten().filter(|value| *value > 0.0) else { continue };
            let (from, to) = (frame.y(below), frame.y(below + value));
            let _ = write!(
                frame.svg,
                "<rect x=\"{:.1}\" y=\"{to:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{colour}\">\
                 <title>{}, {}: {}</title></rect>",
                frame.middle(at) - width / 2.0,
                (from - to).max(0.5),
                escaped(label),
                escaped(&one.name),
                number(value)
            );
            below += value;
        }
    }
    legend(series) + &frame.end()
}

/// Lines over a horizontal axis, on which numbers stand where they belong; `most` is the top of the vertical one. Without it they are
/// counts, up to the greatest.
pub fn lines(title: &str, labels: &[String], series: &[Series], axes: (&str, &str), most: Option<f64>) -> String {
    let values = || series.iter().flat_map(|one| one.values.iter().copied().flatten());
    let scale = match most {
        Some(most) => (most, most / 4.0),
        None => scale_of_counts(values().fold(0.0, f64::max)),
    };
    let (middles, axis) = by_number(labels, axes.0);
    let mut frame = Frame::begin(title, (labels, middles), 230.0, scale, (&axis, axes.1));
    for ((number_of, one), colour) in series.iter().enumerate().zip(COLOURS.iter().cycle()) {
        let points: Vec<(f64, f64, f64)> = one
            .values
            .iter()
            .enumerate()
            .filter_map(|(at, value)| value.map(|value| (frame.middle(at), frame.y(value), value)))
            .collect();
        let path: Vec<String> = points.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
        let dashes = ["none", "7 4", "2 3"][number_of % 3];
        let _ = write!(
            frame.svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\" \
             points=\"{}\"/>",
            path.join(" ")
        );
        for (x, y, value) in points {
            let _ = write!(
                frame.svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"><title>{}: {}</title></circle>",
                escaped(&one.name),
                number(value)
            );
        }
    }
    legend(series) + &frame.end()
}

/// A bar for each name and series, the number behind it. `most` as in [`lines`].
pub fn bars(title: &str, names: &[String], series: &[Series], most: Option<f64>, unit: &str) -> String {
    let thick = if series.len() > 1 { 12.0 } else { 15.0 };
    let (from, room) = (230.0, WIDTH - 230.0 - 80.0);
    let group = thick * series.len() as f64 + 9.0;
    let height = group * names.len() as f64 + 26.0;
    let values = series.iter().flat_map(|one| one.values.iter().copied().flatten());
    let top = most.unwrap_or_else(|| values.fold(0.0, f64::max)).max(f64::MIN_POSITIVE);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{}\"><title>{}</title>",
        escaped(title),
        escaped(title)
    );
    for (at, name) in names.iter().enumerate() {
        let y = group * at as f64 + 4.0;
        let _ = write!(
            svg,
            "<text class=\"tick\" text-anchor=\"end\" x=\"{}\" y=\"{:.1}\">{}</text>",
            from - 8.0,
            y + (group - 9.0) / 2.0 + 4.0,
            escaped(name)
        );
        for ((number_of, one), colour) in series.iter().enumerate().zip(COLOURS.iter().cycle()) {
            let Some(value) = one.values.get(at).copied().flatten() else { continue };
            let (top_of, long) = (y + thick * number_of as f64, room * value / top);
            let _ = write!(
                svg,
                "<rect x=\"{from}\" y=\"{top_of:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\
                 <text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                long.max(0.5),
                thick - 1.5,
                from + long + 5.0,
                top_of + thick / 2.0 + 3.0,
                if most.is_some() { format!("{value:.2}") } else { number(value) }
            );
        }
    }
    let _ = write!(
        svg,
        "<line class=\"base\" x1=\"{from}\" x2=\"{from}\" y1=\"0\" y2=\"{0:.0}\"/><text class=\"axis\" x=\"{from}\" \
         y=\"{1:.0}\">{2}</text></svg>",
        height - 22.0,
        height - 6.0,
        escaped(unit)
    );
    legend(series) + &svg
}

#[cfg(test)]
mod tests;
