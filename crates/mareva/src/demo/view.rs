//! The live view on a terminal, and plain lines elsewhere.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mareva_model::format_time;
use ratatui::DefaultTerminal;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Gauge, List, ListItem, Paragraph};

use super::board::Board;
use crate::outcome::say;

/// Time between two pictures.
const PICTURE: Duration = Duration::from_millis(200);
/// Time between two lines.
const LINE: Duration = Duration::from_secs(3);

/// Where the demo is shown.
pub enum Screen {
    /// A terminal of its own.
    Live(DefaultTerminal),
    /// Lines on standard output; none when quiet.
    Lines { quiet: bool, last: Option<Instant> },
}

/// Takes the terminal over.
pub fn open() -> Result<DefaultTerminal> {
    ratatui::try_init().context("cannot draw on this terminal; use --json")
}

impl Screen {
    /// Plain lines.
    pub fn lines(quiet: bool) -> Self {
        Self::Lines { quiet, last: None }
    }

    /// Shows the board once and waits a little; whether the reader wants to leave.
    pub fn show(&mut self, board: &Board) -> Result<bool> {
        match self {
            Self::Live(terminal) => {
                terminal.draw(|frame| draw(frame, board)).context("cannot draw on this terminal")?;
                wants_to_leave().context("cannot read the keyboard")
            }
            Self::Lines { quiet, last } => {
                std::thread::sleep(PICTURE);
                if !*quiet && last.is_none_or(|last| last.elapsed() >= LINE) {
                    *last = Some(Instant::now());
                    say(line(board))?;
                }
                Ok(false)
            }
        }
    }

    /// Gives the terminal back.
    pub fn close(self) {
        if let Self::Live(_) = self {
            ratatui::restore();
        }
    }
}

fn wants_to_leave() -> io::Result<bool> {
    if !event::poll(PICTURE)? {
        return Ok(false);
    }
    let Event::Key(key) = event::read()? else { return Ok(false) };
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    Ok(interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc))
}

fn line(board: &Board) -> String {
    let state = board.state();
    let newest = state.newest.front().map(|news| format!("; {news}")).unwrap_or_default();
    let rate = state.judged as f64 / board.elapsed().as_secs_f64().max(0.001);
    format!(
        "{:>5.1} s  {} of {} judged, {rate:.0}/s, lag {}, {} alerts{newest}",
        board.elapsed().as_secs_f64(),
        state.judged,
        board.transactions(),
        state.lag(),
        state.alerts.len(),
    )
}

fn draw(frame: &mut Frame<'_>, board: &Board) {
    let areas =
        Layout::vertical([Constraint::Length(3), Constraint::Length(5), Constraint::Min(5), Constraint::Length(1)]);
    let [progress, figures, alerts, foot] = areas.areas(frame.area());
    let state = board.state();
    let share = state.judged as f64 / board.transactions().max(1) as f64;
    let time = format!("{:.0} of {} s", board.elapsed().as_secs_f64(), board.time().as_secs());
    let gauge = Gauge::default()
        .block(Block::bordered().title(" Mareva: follow the money, freeze it in time "))
        .gauge_style(Style::new().fg(Color::Cyan))
        .label(format!("{} of {} transactions, {time}", state.judged, board.transactions()))
        .ratio(share.clamp(0.0, 1.0));
    frame.render_widget(gauge, progress);
    let rate = state.judged as f64 / board.elapsed().as_secs_f64().max(0.001);
    let ms = |q| state.stats.append_to_alert.quantile(q).map_or("-".to_owned(), |ms| format!("{ms} ms"));
    let counts = state.tally.counts();
    let [sanctions, mules] = state.hits;
    let text = vec![
        Line::from(format!(
            "rate {rate:.0}/s   lag {}   append to alert p50 {} p99 {}",
            state.lag(),
            ms(0.5),
            ms(0.99)
        )),
        Line::from(format!(
            "accepted {}   repeated {}   late {}   dead letters {}   simulated time {}",
            counts.accepted,
            counts.repeated,
            counts.late,
            counts.dead_lettered,
            format_time(state.event_time).get(..16).unwrap_or_default().replace('T', " ")
        )),
        Line::from(format!(
            "{} lists: {sanctions} sanctions hits, {mules} mule hits confirmed   alerts {}",
            board.lists(),
            state.alerts.len()
        )),
    ];
    frame.render_widget(Paragraph::new(text).block(Block::bordered().title(" judging ")), figures);
    let newest = state.newest.iter().map(|news| ListItem::new(colored(news)));
    frame.render_widget(List::new(newest).block(Block::bordered().title(" newest alerts ")), alerts);
    let note = " broker: librdkafka's mock cluster inside this process, everything is simulated      q ends ";
    frame.render_widget(Paragraph::new(note).style(Style::new().fg(Color::DarkGray)), foot);
}

fn colored(news: &str) -> Line<'_> {
    let (verb, rest) = news.split_once(' ').unwrap_or((news, ""));
    let color = match verb {
        "BLOCK" => Color::Magenta,
        "HOLD" => Color::Red,
        "RECALL" => Color::LightRed,
        "WARN" => Color::Yellow,
        "WITHDRAWN" => Color::DarkGray,
        _ => Color::Blue,
    };
    let verb = Span::styled(verb, Style::new().fg(color).add_modifier(Modifier::BOLD));
    Line::from(vec![verb, Span::raw(" "), Span::raw(rest)])
}
