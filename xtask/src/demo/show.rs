//! What the demo puts on the terminal.

use std::time::Duration;

use epc_lab::callflow::Session;
use epc_lab::{Epc, Node, ReferencePoint, Result, Traffic};

/// The lab, drawn from its addresses.
pub(super) fn picture() {
    use Node::{Enb, Mme, Pgw, Server, Sgw, Ue};
    use ReferencePoint::{Euu, S1Mme, S1u, S5c, S5u, S11, Sgi};
    println!(
        "
                              MME
                   S1-MME    ┌───┐    S11
              ┌──────────────┤   ├──────────────┐
   UE       eNB              └───┘             S-GW             P-GW       server
  ┌───┐ eUu ┌─┴─┐            S1-U              ┌─┴─┐    S5-C    ┌───┐ SGi ┌───┐
  │   ├─────┤   ├──────────────────────────────┤   ├────────────┤   ├─────┤   │
  └───┘     └───┘                              │   ├────────────┤   │     └───┘
                                               └───┘    S5-U    └───┘
"
    );
    println!("  Each node is a network namespace, each line a link of its own:");
    for (point, left, right) in [
        (Euu, Ue, Enb),
        (S1Mme, Enb, Mme),
        (S1u, Enb, Sgw),
        (S11, Mme, Sgw),
        (S5c, Sgw, Pgw),
        (S5u, Sgw, Pgw),
        (Sgi, Pgw, Server),
    ] {
        println!(
            "    {:<7} {:>4} {:<13} {:<13} {}",
            point.title(),
            left.title(),
            point.address(left),
            point.address(right),
            right.title(),
        );
    }
}

/// A headline.
pub(super) fn chapter(title: &str) {
    println!("\n== {title}\n");
}

/// Who is attached, and through which tunnels.
pub(super) fn sessions(sessions: &[Session], most: usize) {
    println!(
        "  {:<16} {:<15} {:<11} {:<11} {:<11} S5-U P-GW",
        "IMSI", "UE address", "S1-U eNB", "S1-U S-GW", "S5-U S-GW"
    );
    let text = |field: &Option<String>| field.clone().unwrap_or_else(|| "-".to_owned());
    let teid = |field: Option<epc_lab::Teid>| field.map_or("-".to_owned(), |teid| teid.to_string());
    for session in sessions.iter().take(most) {
        println!(
            "  {:<16} {:<15} {:<11} {:<11} {:<11} {}",
            text(&session.imsi),
            text(&session.ue),
            teid(session.enb_s1u),
            teid(session.sgw_s1u),
            teid(session.sgw_s5u),
            teid(session.pgw_s5u),
        );
    }
    if sessions.len() > most {
        println!("  and {} more", sessions.len() - most);
    }
    println!(
        "  A TEID is a tunnel's end at the node named; whoever sends there puts it into the GTP-U header."
    );
}

/// What went over each link, seen from its left end.
pub(super) fn traffic(epc: &Epc) -> Result<()> {
    println!(
        "  {:<8} {:>4}      {:<6} {:>9} {:>12}    {:>9} {:>12}",
        "", "", "", "-> packets", "-> octets", "<- packets", "<- octets"
    );
    for point in ReferencePoint::ALL {
        let (left, right) = point.ends();
        let counters = epc.namespace(left).traffic()?;
        if let Some(link) = counters.iter().find(|traffic| traffic.device == point.device()) {
            row(point.title(), left.title(), right.title(), link);
        }
    }
    for (node, device) in [(Node::Enb, "gtp-enb"), (Node::Pgw, "gtp-pgw")] {
        let counters = epc.namespace(node).traffic()?;
        if let Some(tun) = counters.iter().find(|traffic| traffic.device == device) {
            row("TUN", node.title(), device, tun);
        }
    }
    Ok(())
}

fn row(link: &str, left: &str, right: &str, traffic: &Traffic) {
    println!(
        "  {link:<8} {left:>4} ---- {right:<8} {:>7} {:>12}    {:>9} {:>12}",
        traffic.sent_packets, traffic.sent_octets, traffic.received_packets, traffic.received_octets
    );
}

/// Shortest, middle and longest of some round trips.
pub(super) fn round_trips(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let milliseconds = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    format!(
        "{} round trips: shortest {:.3} ms, median {:.3} ms, longest {:.3} ms",
        times.len(),
        milliseconds(times.first()),
        milliseconds(times.get(times.len() / 2)),
        milliseconds(times.last()),
    )
}
