//! kill -9, and a start afterwards.

use epc_lab::{Daemons, Node, yaml};
use libtest_mimic::Failed;

use crate::Test;
use crate::lab::{expect, in_lab, silent, wait_for_inventory};

pub(crate) const TESTS: &[Test] = &[
    ("killed_enb_comes_back", || comes_back(Node::Enb)),
    ("killed_mme_comes_back", || comes_back(Node::Mme)),
    ("killed_sgw_comes_back", || comes_back(Node::Sgw)),
    ("killed_pgw_comes_back", || comes_back(Node::Pgw)),
    (
        "what_killed_daemons_left_is_reclaimed",
        what_killed_daemons_left_is_reclaimed,
    ),
];

/// All sessions are up again, and the same everywhere, after the others noticed.
fn comes_back(node: Node) -> Result<(), Failed> {
    in_lab(&format!("killed-{}", node.name()), |lab| {
        lab.configure_enb(&[yaml::external(1), silent(2, ""), silent(3, "")])?;
        lab.start_all()?;
        lab.wait_for_sessions(3)?;
        lab.wait_for_ping()?;
        lab.kill(node)?;
        lab.start(node)?;
        lab.wait_until_ready(node)?;
        lab.wait_for_sessions(3)?;
        lab.wait_for_ping()?;
        // Not a moment on the way down.
        lab.wait_for_sessions(3)
    })
}

fn what_killed_daemons_left_is_reclaimed() -> Result<(), Failed> {
    in_lab("leftovers", |lab| {
        let hosts = [Node::Enb, Node::Pgw];
        let before: Vec<Vec<String>> = hosts
            .iter()
            .map(|node| lab.namespace(*node).inventory())
            .collect::<Result<_, _>>()?;
        lab.configure_enb(&[yaml::external(1), yaml::http_get(2), silent(3, "")])?;
        lab.start_all()?;
        lab.wait_for_sessions(3)?;
        for node in Daemons::NODES {
            lab.kill(node)?;
        }
        let left = lab.namespace(Node::Enb).inventory()?;
        expect(left != before[0], || {
            "the killed eNB left nothing, so that this test shows nothing".to_owned()
        })?;

        // Other subscribers, so that nothing of the former is just used again.
        lab.configure_enb(&[silent(4, "")])?;
        lab.start_all()?;
        lab.wait_for_sessions(1)?;
        for node in Daemons::NODES {
            lab.terminate(node)?;
        }
        for (node, before) in hosts.into_iter().zip(before) {
            wait_for_inventory(lab.namespace(node), &before)?;
        }
        Ok(())
    })
}
