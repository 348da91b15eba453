//! A thousand subscribers at once.

use std::collections::HashSet;

use epc_lab::{Node, yaml};
use libtest_mimic::Failed;

use crate::Test;
use crate::lab::{WATCHFUL_S1AP, expect, in_lab};

pub(crate) const TESTS: &[Test] = &[(
    "thousand_subscribers_attach_at_once_with_addresses_of_their_own",
    thousand_subscribers_attach_at_once_with_addresses_of_their_own,
)];

const MANY: u32 = 1000;

fn thousand_subscribers_attach_at_once_with_addresses_of_their_own() -> Result<(), Failed> {
    in_lab("many", |lab| {
        // The P-GW names each address that it gives, at debug.
        lab.set("RUST_LOG", "info,pgw=debug");
        lab.configure(Node::Pgw, &(yaml::pgw() + "log_format: json\n"))?;
        let enb =
            yaml::enb(&[]) + &yaml::silent(1, MANY) + WATCHFUL_S1AP + "attach: { max_in_flight: 1000 }\n";
        lab.configure(Node::Enb, &enb)?;
        for node in [Node::Pgw, Node::Sgw, Node::Mme] {
            lab.start(node)?;
            lab.wait_until_ready(node)?;
        }
        lab.start(Node::Enb)?;
        lab.wait_for_sessions(MANY)?;

        let output = lab.process(Node::Pgw).output();
        let given: Vec<String> = output.lines().filter_map(address_in).collect();
        let different: HashSet<&String> = given.iter().collect();
        expect(different.len() == MANY as usize, || {
            format!("{} addresses, {} different ones", given.len(), different.len())
        })?;
        for node in [Node::Enb, Node::Mme, Node::Sgw, Node::Pgw] {
            lab.terminate(node)?;
        }
        Ok(())
    })
}

fn address_in(line: &str) -> Option<String> {
    let event: serde_json::Value = serde_json::from_str(line).ok()?;
    (event["message"] == "session established").then(|| event["ue"].as_str().map(str::to_owned))?
}
