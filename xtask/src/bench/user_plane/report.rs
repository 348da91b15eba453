//! The table and the plot.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::nets::Kind;
use super::traffic::Metric;
use crate::bench::Spread;

/// All numbers: by metric, net and round.
#[derive(Debug, Default)]
pub(super) struct Report(BTreeMap<(Metric, Kind), BTreeMap<u32, f64>>);

/// A ratio that matters: ours to another's, and what it should be at least (or at most).
struct Goal {
    metric: Metric,
    to: Kind,
    at_least: bool,
    bound: f64,
}

const fn at_least(metric: Metric, to: Kind, bound: f64) -> Goal {
    Goal {
        metric,
        to,
        at_least: true,
        bound,
    }
}

const fn at_most(metric: Metric, to: Kind, bound: f64) -> Goal {
    Goal {
        metric,
        to,
        at_least: false,
        bound,
    }
}

const GOALS: [Goal; 12] = [
    at_least(Metric::TcpUp, Kind::Routing, 0.50),
    at_least(Metric::TcpDown, Kind::Routing, 0.50),
    at_least(Metric::TcpUp, Kind::Vxlan, 0.65),
    at_least(Metric::TcpDown, Kind::Vxlan, 0.65),
    at_least(Metric::TcpUp, Kind::RoutingWithoutOffloads, 2.7),
    at_least(Metric::TcpDown, Kind::RoutingWithoutOffloads, 2.7),
    at_least(Metric::TcpUp, Kind::None, 10.0),
    at_least(Metric::TcpDown, Kind::None, 10.0),
    at_least(Metric::Udp64, Kind::Routing, 1.1),
    at_least(Metric::Udp1400, Kind::Routing, 1.2),
    at_most(Metric::PingP50, Kind::None, 1.1),
    at_most(Metric::LoadedP99, Kind::None, 0.4),
];

/// What a million sessions leave of the throughput with one, at least.
const MANY: f64 = 0.97;

/// Nanoseconds of CPU time per 1,448 octets at most.
const CPU: [(Metric, f64); 3] = [
    (Metric::CpuEnb, 700.0),
    (Metric::CpuSgw, 460.0),
    (Metric::CpuPgw, 600.0),
];

impl Report {
    pub(super) fn add(&mut self, metric: Metric, kind: Kind, round: u32, value: f64) {
        self.0.entry((metric, kind)).or_default().insert(round, value);
    }

    /// What a run has printed, read again.
    pub(super) fn from_log(log: &str) -> Report {
        let mut report = Report::default();
        let mut round = 0;
        for line in log.lines() {
            if let Some(rest) = line.strip_prefix("round ") {
                round = rest
                    .split(' ')
                    .next()
                    .and_then(|n| n.parse().ok())
                    .unwrap_or(round);
                continue;
            }
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| line.trim_start().starts_with(&format!("{} ", kind.name())));
            let metric = Metric::ALL
                .into_iter()
                .find(|metric| line.contains(&format!(" {} ", metric.title())));
            let value = line
                .split_whitespace()
                .last()
                .and_then(|value| value.parse().ok());
            if let (Some(kind), Some(metric), Some(value)) = (kind, metric, value) {
                report.add(metric, kind, round, value);
            }
        }
        report
    }

    /// In Markdown.
    pub(super) fn table(&self, machine: &str) -> String {
        let kinds: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|kind| self.0.keys().any(|(_, other)| other == kind))
            .collect();
        let mut text = format!("{machine}\n\n");
        for kind in &kinds {
            // A String takes everything.
            let _ = writeln!(text, "- {}: {}", kind.name(), kind.title());
        }
        text.push_str("\n| median (least to greatest) |");
        for kind in &kinds {
            let _ = write!(text, " {} |", kind.name());
        }
        text.push_str("\n|---|");
        text.push_str(&"---:|".repeat(kinds.len()));
        for metric in Metric::ALL {
            let _ = write!(text, "\n| {} |", metric.title());
            for kind in &kinds {
                match self.spread(metric, *kind) {
                    Some(Spread {
                        median,
                        least,
                        greatest,
                    }) => {
                        let _ = write!(text, " {median:.0} ({least:.0} to {greatest:.0}) |");
                    }
                    None => text.push_str(" |"),
                }
            }
        }
        text.push_str(
            "\n\n| ratio, within a round | median (least to greatest) | goal | |\n|---|---:|---:|---|\n",
        );
        for goal in &GOALS {
            let Some(ratio) = self.ratio(goal.metric, goal.to) else {
                continue;
            };
            let title = goal.metric.name();
            let sign = if goal.at_least { "≥" } else { "≤" };
            let reached = if goal.at_least == (ratio.median >= goal.bound) {
                "yes"
            } else {
                "no"
            };
            let _ = writeln!(
                text,
                "| {title}, O / {} | {:.2} ({:.2} to {:.2}) | {sign} {} | {reached} |",
                goal.to.name(),
                ratio.median,
                ratio.least,
                ratio.greatest,
                goal.bound
            );
        }
        if let Some(ratio) = self.ratio_between(Metric::FourUp, Kind::Ours, Metric::TcpUp, Kind::Ours) {
            let reached = if ratio.median >= 1.0 { "yes" } else { "no" };
            let _ = writeln!(
                text,
                "| four TCP flows up / one, O | {:.2} ({:.2} to {:.2}) | ≥ 1 | {reached} |",
                ratio.median, ratio.least, ratio.greatest
            );
        }
        for kind in [Kind::Many, Kind::Before] {
            for metric in Metric::ALL {
                self.comparison(&mut text, metric, kind);
            }
        }
        for (metric, bound) in CPU {
            if let Some(spread) = self.spread(metric, Kind::Ours) {
                let reached = if spread.median <= bound { "yes" } else { "no" };
                let _ = writeln!(
                    text,
                    "| {} | {:.0} ({:.0} to {:.0}) | ≤ {bound} | {reached} |",
                    metric.title(),
                    spread.median,
                    spread.least,
                    spread.greatest
                );
            }
        }
        text
    }

    /// Two of ours: a million sessions against one, this build against another.
    fn comparison(&self, text: &mut String, metric: Metric, kind: Kind) {
        let (of, to) = match kind {
            Kind::Many => (Kind::Many, Kind::Ours),
            _ => (Kind::Ours, kind),
        };
        let Some(ratio) = self.ratio_between(metric, of, metric, to) else {
            return;
        };
        let is_rate = metric <= Metric::Udp1400;
        let (goal, reached) = match kind {
            Kind::Many if is_rate && ratio.median >= MANY => (format!("≥ {MANY}"), "yes"),
            Kind::Many if is_rate => (format!("≥ {MANY}"), "no"),
            _ => (String::new(), ""),
        };
        let _ = writeln!(
            text,
            "| {}, {} / {} | {:.2} ({:.2} to {:.2}) | {goal} | {reached} |",
            metric.name(),
            of.name(),
            to.name(),
            ratio.median,
            ratio.least,
            ratio.greatest
        );
    }

    fn spread(&self, metric: Metric, kind: Kind) -> Option<Spread> {
        Spread::of(self.0.get(&(metric, kind))?.values().copied())
    }

    fn ratio(&self, metric: Metric, to: Kind) -> Option<Spread> {
        self.ratio_between(metric, Kind::Ours, metric, to)
    }

    fn ratio_between(&self, a: Metric, of: Kind, b: Metric, to: Kind) -> Option<Spread> {
        let (a, b) = (self.0.get(&(a, of))?, self.0.get(&(b, to))?);
        Spread::of(a.iter().filter_map(|(round, value)| Some(value / b.get(round)?)))
    }

    /// The ratios as bars, with their spread and their goals, in SVG.
    pub(super) fn plot(&self) -> String {
        const ROW: f64 = 30.0;
        const LEFT: f64 = 290.0;
        const WIDTH: f64 = 400.0;
        let rows: Vec<(&Goal, Spread)> = GOALS
            .iter()
            .filter_map(|goal| Some((goal, self.ratio(goal.metric, goal.to)?)))
            .collect();
        let height = 60.0 + ROW * rows.len() as f64;
        // Logarithmic from 1/16 to 32: half and twice look alike.
        let x = |ratio: f64| LEFT + WIDTH * ((ratio.clamp(0.0625, 32.0).log2() + 4.0) / 9.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
            LEFT + WIDTH + 80.0
        );
        for tick in [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0] {
            let _ = writeln!(
                svg,
                "<line x1=\"{0:.1}\" y1=\"24\" x2=\"{0:.1}\" y2=\"{1:.1}\" stroke=\"{2}\"/><text x=\"{0:.1}\" y=\"18\" text-anchor=\"middle\" fill=\"#555\">{tick}</text>",
                x(tick),
                height - 30.0,
                if tick == 1.0 { "#888" } else { "#ddd" }
            );
        }
        for (row, (goal, ratio)) in rows.iter().enumerate() {
            let y = 32.0 + ROW * row as f64;
            let title = goal.metric.name();
            let reached = goal.at_least == (ratio.median >= goal.bound);
            let (from, to) = (x(1.0).min(x(ratio.median)), x(1.0).max(x(ratio.median)));
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{title}, O / {}</text>",
                LEFT - 8.0,
                y + 14.0,
                goal.to.name()
            );
            let _ = writeln!(
                svg,
                "<rect x=\"{from:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"18\" fill=\"{}\"/>",
                (to - from).max(1.0),
                if reached { "#4a90b8" } else { "#c9803c" }
            );
            let _ = writeln!(
                svg,
                "<line x1=\"{:.1}\" y1=\"{2:.1}\" x2=\"{:.1}\" y2=\"{2:.1}\" stroke=\"#222\"/>",
                x(ratio.least),
                x(ratio.greatest),
                y + 9.0
            );
            let _ = writeln!(
                svg,
                "<line x1=\"{0:.1}\" y1=\"{1:.1}\" x2=\"{0:.1}\" y2=\"{2:.1}\" stroke=\"#222\" stroke-dasharray=\"2 2\"/>",
                x(goal.bound),
                y - 3.0,
                y + 21.0
            );
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\">{:.2}</text>",
                LEFT + WIDTH + 10.0,
                y + 14.0,
                ratio.median
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{:.1}\" fill=\"#555\">bar: median ratio from 1; line: least to greatest; dashes: goal</text>\n</svg>",
            height - 10.0
        );
        svg
    }
}
