//! SIGTERM: sessions end at the peers, nothing is left, exit code 0.

use epc_lab::{Daemons, Node, yaml};
use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use crate::Test;
use crate::lab::{GRACE, expect, in_lab, silent, wait_for_inventory};

pub(crate) const TESTS: &[Test] = &[
    ("stopped_enb_ends_its_sessions", || ends_its_sessions(Node::Enb)),
    ("stopped_mme_ends_its_sessions", || ends_its_sessions(Node::Mme)),
    ("stopped_sgw_ends_its_sessions", || ends_its_sessions(Node::Sgw)),
    ("stopped_pgw_ends_its_sessions", || ends_its_sessions(Node::Pgw)),
    ("interrupt_is_a_stop_too", interrupt_is_a_stop_too),
];

fn ends_its_sessions(node: Node) -> Result<(), Failed> {
    in_lab(&format!("stopped-{}", node.name()), |lab| {
        let before = lab.namespace(node).inventory()?;
        lab.configure_enb(&[yaml::external(1), yaml::http_get(2), silent(3, "")])?;
        lab.start_all()?;
        lab.wait_for_sessions(3)?;
        lab.terminate(node)?;
        wait_for_inventory(lab.namespace(node), &before)?;
        let others: Vec<Node> = Daemons::NODES.into_iter().filter(|each| *each != node).collect();
        lab.wait_for_sessions_at(&others, 0)
    })
}

fn interrupt_is_a_stop_too() -> Result<(), Failed> {
    in_lab("interrupt", |lab| {
        lab.configure_enb(&[yaml::external(1)])?;
        lab.start_all()?;
        lab.wait_for_sessions(1)?;
        lab.process(Node::Enb).signal(Signal::SIGINT)?;
        let status = lab.process(Node::Enb).wait(GRACE)?;
        expect(status.code() == Some(0), || {
            format!("the eNB ended with {status}")
        })?;
        for node in [Node::Mme, Node::Sgw, Node::Pgw] {
            let namespace = lab.namespace(node);
            epc_lab::wait_for("no session", GRACE, || {
                match crate::lab::sessions(namespace, node)? {
                    0.0 => Ok(()),
                    left => Err(format!("{} has {left}", node.title())),
                }
            })?;
        }
        Ok(())
    })
}
