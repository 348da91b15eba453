//! A call flow as a picture: one lifeline a node, time runs down. The number says about which session a message is.
//!
//! ```text
//!   time, ms   eNB    MME    S-GW   P-GW
//!      0.000    ├─────▶│      │      │  1  S1-MME  InitialUEMessage (Attach Request)
//!                                                  IMSI 001010000000001
//!      0.412    │      ├─────▶│      │  1  S11     Create Session Request
//! ```

use std::time::Duration;

use crate::callflow::Step;
use crate::{Daemons, Node};

/// From one lifeline to the next.
const STRIDE: usize = 7;
/// Where the details stand.
const INDENT: usize = 49;
/// Where a line of details ends.
const WIDTH: usize = 110;

/// Draws steps below each other.
#[derive(Debug, Clone)]
pub struct Ladder {
    start: Duration,
}

impl Ladder {
    /// Times are shown from `start` on, which is counted from 1970 like those of the steps.
    pub fn new(start: Duration) -> Ladder {
        Ladder { start }
    }

    /// The names over the lifelines.
    pub fn heading(&self) -> String {
        let names: String = Daemons::NODES
            .iter()
            .map(|node| format!("{:<STRIDE$}", node.title()))
            .collect();
        format!("  time, ms   {}", names.trim_end())
    }

    /// One step: an arrow, and what is in the message.
    pub fn draw(&self, step: &Step) -> String {
        let time = step.at.saturating_sub(self.start).as_secs_f64() * 1000.0;
        let session = step
            .session
            .map_or(String::new(), |place| (place + 1).to_string());
        let mut lines = format!(
            "{time:>10.3}    {} {session:>2}  {:<7} {}",
            arrow(step.from, step.to),
            step.link.title(),
            step.message
        );
        for line in wrapped(&step.details) {
            lines.push('\n');
            lines.push_str(&" ".repeat(INDENT));
            lines.push_str(&line);
        }
        lines
    }
}

/// The lifelines with an arrow between two of them.
fn arrow(from: Node, to: Node) -> String {
    let place = |node| Daemons::NODES.iter().position(|each| *each == node);
    let mut row = vec![' '; STRIDE * (Daemons::NODES.len() - 1) + 1];
    for lifeline in row.iter_mut().step_by(STRIDE) {
        *lifeline = '│';
    }
    if let (Some(from), Some(to)) = (place(from), place(to)) {
        let (from, to) = (from * STRIDE, to * STRIDE);
        for cell in &mut row[from.min(to) + 1..from.max(to)] {
            *cell = if *cell == '│' { '┼' } else { '─' };
        }
        row[from] = if from < to { '├' } else { '┤' };
        match from < to {
            true => row[to - 1] = '▶',
            false => row[to + 1] = '◀',
        }
    }
    row.into_iter().collect()
}

/// Details behind each other, a new line where one would be too long.
fn wrapped(details: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for detail in details {
        match lines.last_mut() {
            Some(line) if line.chars().count() + detail.chars().count() + 2 <= WIDTH - INDENT => {
                line.push_str(", ");
                line.push_str(detail);
            }
            _ => lines.push(detail.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReferencePoint;

    #[test]
    fn arrows_run_between_the_lifelines_of_their_nodes() {
        assert_eq!(arrow(Node::Enb, Node::Mme), "├─────▶│      │      │");
        assert_eq!(arrow(Node::Sgw, Node::Mme), "│      │◀─────┤      │");
        assert_eq!(arrow(Node::Enb, Node::Sgw), "├──────┼─────▶│      │");
        assert_eq!(arrow(Node::Pgw, Node::Sgw), "│      │      │◀─────┤");
    }

    #[test]
    fn details_stand_below_their_message() {
        let step = Step {
            at: Duration::from_micros(1_500),
            link: ReferencePoint::S11,
            from: Node::Mme,
            to: Node::Sgw,
            message: "Create Session Request".to_owned(),
            details: vec!["TEID 0x00000000".to_owned(), "x".repeat(55)],
            session: Some(2),
        };
        let drawn = Ladder::new(Duration::from_millis(1)).draw(&step);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(
            lines[0],
            "     0.500    │      ├─────▶│      │  3  S11     Create Session Request"
        );
        assert_eq!(lines[1], format!("{}TEID 0x00000000", " ".repeat(INDENT)));
        assert_eq!(lines[2], format!("{}{}", " ".repeat(INDENT), "x".repeat(55)));
    }
}
