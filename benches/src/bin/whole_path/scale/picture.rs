//! Curves as SVG files: lines over a logarithmic axis, readable alone and when printed in grey.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;

/// Colours that differ for colour-blind readers, too (Okabe and Ito).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
const DASHES: [&str; 4] = ["none", "8 4", "2 3", "8 3 2 3"];
const STYLE: &str = "text{font:13px sans-serif;fill:#222}.title{font-weight:bold;font-size:15px}.grid{stroke:#ddd}\
                     .bar{stroke:#5b5b5b;stroke-dasharray:3 3}";

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 52.0;

/// A line: its name, and a value for each place; none where there is nothing to show.
pub struct Line {
    pub name: String,
    pub values: Vec<Option<f64>>,
}

/// A picture of some lines.
pub struct Picture<'a> {
    /// Its file is called so.
    pub file: &'a str,
    pub title: &'a str,
    pub across: &'a str,
    pub upwards: &'a str,
    /// Places on the horizontal axis, and what is written there.
    pub places: Vec<(f64, String)>,
    pub lines: Vec<Line>,
    /// What the lines should stay below, and its name.
    pub bar: Option<(f64, String)>,
}

/// A round number at or above `most`, and the step between lines.
fn scale(most: f64) -> (f64, f64) {
    let power = 10_f64.powf((most.max(1e-9) / 4.0).log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| step * 4.0 >= most);
    let step = step.unwrap_or(power * 10.0);
    ((most / step).ceil().max(1.0) * step, step)
}

impl Picture<'_> {
    /// Writes it to `benches/pictures`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self) -> io::Result<()> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("pictures");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(self.file), self.svg())
    }

    fn svg(&self) -> String {
        let values = self.lines.iter().flat_map(|line| line.values.iter().copied().flatten());
        let (top, step) = scale(values.chain(self.bar.as_ref().map(|bar| bar.0)).fold(0.0, f64::max));
        let y = |value: f64| HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n<title>{0}</title>\n\
             <style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text class=\"title\" x=\"{LEFT}\" y=\"22\">{0}</text>\n",
            self.title
        );
        let mut line = 0.0;
        while line <= top + step / 2.0 {
            let text = if step < 1.0 { format!("{line:.1}") } else { format!("{line:.0}") };
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/>\
                 <text text-anchor=\"end\" x=\"{2}\" y=\"{3:.1}\">{text}</text>",
                WIDTH - RIGHT,
                y(line),
                LEFT - 8.0,
                y(line) + 4.0
            );
            line += step;
        }
        for (at, (_, name)) in self.places.iter().enumerate() {
            let (x, end) = (self.x(at), HEIGHT - BOTTOM);
            let _ = writeln!(
                svg,
                "<line stroke=\"#222\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{end}\" y2=\"{}\"/>\
                 <text text-anchor=\"middle\" x=\"{x:.1}\" y=\"{}\">{name}</text>",
                end + 5.0,
                end + 19.0
            );
        }
        let _ = writeln!(
            svg,
            "<text text-anchor=\"middle\" x=\"{:.0}\" y=\"{}\">{}</text>\n<text text-anchor=\"middle\" \
             transform=\"translate(16 {:.0}) rotate(-90)\">{}</text>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 10.0,
            self.across,
            (HEIGHT - BOTTOM + TOP) / 2.0,
            self.upwards
        );
        if let Some((bar, name)) = &self.bar {
            let _ = writeln!(
                svg,
                "<line class=\"bar\" x1=\"{LEFT}\" x2=\"{0:.0}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/>\
                 <text text-anchor=\"end\" x=\"{0:.0}\" y=\"{2:.1}\">{name}</text>",
                WIDTH - RIGHT,
                y(*bar),
                y(*bar) - 5.0
            );
        }
        self.draw(&mut svg, y);
        svg.push_str("</svg>\n");
        svg
    }

    fn draw(&self, svg: &mut String, y: impl Fn(f64) -> f64) {
        let mut legend = LEFT;
        for (number, line) in self.lines.iter().enumerate() {
            let (colour, dashes) = (COLOURS[number % COLOURS.len()], DASHES[number % DASHES.len()]);
            let points: Vec<(f64, f64)> = line
                .values
                .iter()
                .enumerate()
                .filter_map(|(at, value)| value.map(|value| (self.x(at), y(value))))
                .collect();
            let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let stroke = format!("stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"");
            let _ = writeln!(svg, "<polyline fill=\"none\" {stroke} points=\"{}\"/>", path.join(" "));
            for (x, y) in points {
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>");
            }
            let _ = writeln!(
                svg,
                "<line {stroke} x1=\"{legend:.0}\" x2=\"{:.0}\" y1=\"42\" y2=\"42\"/><text x=\"{:.0}\" y=\"46\">{}</text>",
                legend + 28.0,
                legend + 34.0,
                line.name
            );
            legend += 50.0 + 7.2 * line.name.chars().count() as f64;
        }
    }

    /// Where a place is on the horizontal axis.
    fn x(&self, at: usize) -> f64 {
        let log = |place: Option<&(f64, String)>| place.map_or(0.0, |(value, _)| value.max(1e-9).ln());
        let (first, last) = (log(self.places.first()), log(self.places.last()));
        let part = if last > first { (log(self.places.get(at)) - first) / (last - first) } else { 0.5 };
        LEFT + 30.0 + (WIDTH - LEFT - RIGHT - 60.0) * part
    }
}
