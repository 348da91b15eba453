//! What a running daemon may do.

use std::fs;

use epc_lab::{Daemons, Node, yaml};
use libtest_mimic::Failed;

use crate::Test;
use crate::lab::{Lab, Outcome, expect, in_lab};

pub(crate) const TESTS: &[Test] = &[(
    "no_thread_administers_the_network_while_nothing_changes",
    no_thread_administers_the_network_while_nothing_changes,
)];

const NET_ADMIN: u64 = 1 << 12;

/// The tests' daemons start with every capability that their namespaces give.
fn no_thread_administers_the_network_while_nothing_changes() -> Result<(), Failed> {
    in_lab("privileges", |lab| {
        lab.configure_enb(&[yaml::external(1)])?;
        lab.start_all()?;
        lab.wait_for_sessions(1)?;
        lab.wait_for_ping()?;
        for node in Daemons::NODES {
            check(lab, node)?;
        }
        // And may again, when a session ends: its rules go.
        lab.terminate(Node::Enb)?;
        lab.wait_for_sessions(0)
    })
}

fn check(lab: &mut Lab, node: Node) -> Outcome {
    let pid = lab.process(node).outer_id().ok_or("no such process")?;
    let mut packet_threads = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        let of = |key: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .map(str::trim)
        };
        let capabilities = |key| of(key).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let effective = capabilities("CapEff:").ok_or("no CapEff")?;
        let permitted = capabilities("CapPrm:").ok_or("no CapPrm")?;
        let name = of("Name:").unwrap_or_default();
        expect(effective & NET_ADMIN == 0, || {
            format!("{name} of {} has {effective:x}", node.title())
        })?;
        expect(of("NoNewPrivs:") == Some("1"), || {
            format!("{} may gain more", node.title())
        })?;
        if name != node.name() {
            packet_threads += 1;
            expect(permitted == 0, || {
                format!("{name} of {} may have {permitted:x}", node.title())
            })?;
        }
    }
    let user_plane = !matches!(node, Node::Mme);
    expect(!user_plane || packet_threads > 0, || {
        format!("{} has no packet threads", node.title())
    })
}
