//! The table.

use std::fmt::Write;

use crate::bench::Spread;

/// Every figure with its values, one a round, in the order in which they were first measured.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<(String, Vec<f64>)>);

enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Bound::{AtLeast, AtMost};

/// Figures that have a goal: what begins with the first text and ends with the second.
const GOALS: [(&str, &str, Bound); 8] = [
    ("1,000 subscribers attached", "ms", AtMost(300.0)),
    ("attaches/s, to 10,000", "0", AtLeast(10_000.0)),
    ("attaches/s, to 100,000", "", AtLeast(10_000.0)),
    ("memory a session", "octets", AtMost(1_500.0)),
    ("Create Session/s, window 64", "64", AtLeast(35_000.0)),
    ("Create Session at half load", "p99, µs", AtMost(5_000.0)),
    ("messages repeated or discarded", "", AtMost(0.0)),
    ("refused or unanswered", "", AtMost(0.0)),
];

impl Report {
    pub(super) fn add(&mut self, title: &str, value: f64) {
        println!("  {title:<56} {value:>12.1}");
        match self.0.iter_mut().find(|(other, _)| other == title) {
            Some((_, values)) => values.push(value),
            None => self.0.push((title.to_owned(), vec![value])),
        }
    }

    /// In Markdown.
    pub(super) fn table(&self, machine: &str) -> String {
        let mut text =
            format!("{machine}\n\n| | median (least to greatest) | goal | |\n|---|---:|---:|---|\n");
        for (title, values) in &self.0 {
            let Some(spread) = Spread::of(values.iter().copied()) else {
                continue;
            };
            let Spread {
                median,
                least,
                greatest,
            } = spread;
            // A String takes everything.
            let _ = match values.len() {
                1 => write!(text, "| {title} | {median:.0} |"),
                _ => write!(text, "| {title} | {median:.0} ({least:.0} to {greatest:.0}) |"),
            };
            let reached = |yes| if yes { "yes" } else { "no" };
            let _ = match goal(title) {
                Some(AtLeast(bound)) => writeln!(text, " ≥ {bound} | {} |", reached(median >= *bound)),
                Some(AtMost(bound)) => writeln!(text, " ≤ {bound} | {} |", reached(median <= *bound)),
                None => writeln!(text, " | |"),
            };
        }
        text
    }
}

fn goal(title: &str) -> Option<&'static Bound> {
    GOALS
        .iter()
        .find(|(begin, end, _)| title.starts_with(begin) && title.ends_with(end))
        .map(|(_, _, bound)| bound)
}
