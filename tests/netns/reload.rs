//! SIGHUP.

use std::time::Duration;

use epc_lab::ping::ping;
use epc_lab::{Daemons, Node, ReferencePoint, wait_for, yaml};
use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use crate::Test;
use crate::lab::{Lab, Outcome, PATIENCE, expect, in_lab, silent};

pub(crate) const TESTS: &[Test] = &[
    (
        "reload_adds_removes_and_reattaches_subscribers",
        reload_adds_removes_and_reattaches_subscribers,
    ),
    (
        "built_in_subscriber_that_goes_disturbs_no_client",
        built_in_subscriber_that_goes_disturbs_no_client,
    ),
    (
        "nothing_goes_through_after_a_detach",
        nothing_goes_through_after_a_detach,
    ),
    (
        "bad_file_is_refused_and_nothing_is_disturbed",
        bad_file_is_refused_and_nothing_is_disturbed,
    ),
];

fn reload_adds_removes_and_reattaches_subscribers() -> Result<(), Failed> {
    in_lab("reload", |lab| {
        let reattached = silent(3, "    reattach_on_reload: true\n");
        lab.configure_enb(&[yaml::external(1), silent(2, ""), reattached.clone()])?;
        lab.start_all()?;
        lab.wait_for_sessions(3)?;
        lab.wait_for_ping()?;
        let created = lab.received(Node::Pgw, "Create Session Request")?;

        lab.configure_enb(&[yaml::external(1), reattached, silent(4, ""), silent(5, "")])?;
        lab.process(Node::Enb).signal(Signal::SIGHUP)?;
        // The third one again, and the fourth and fifth.
        wait_for_received(lab, "Create Session Request", created + 3.0)?;
        // The second one, and the third one before it came again.
        wait_for_received(lab, "Delete Session Request", 2.0)?;
        lab.wait_for_sessions(4)?;
        lab.wait_for_ping()
    })
}

fn built_in_subscriber_that_goes_disturbs_no_client() -> Result<(), Failed> {
    in_lab("built-in-goes", |lab| {
        lab.configure_enb(&[yaml::external(1), yaml::http_get(2)])?;
        lab.start_all()?;
        lab.wait_for_sessions(2)?;
        lab.wait_for_ping()?;
        lab.configure_enb(&[yaml::external(1)])?;
        lab.process(Node::Enb).signal(Signal::SIGHUP)?;
        lab.wait_for_sessions(1)?;
        let server = ReferencePoint::Sgi.address(Node::Server);
        ping(lab.namespace(Node::Ue), None, server, 1, 56, PATIENCE)?;
        Ok(())
    })
}

fn nothing_goes_through_after_a_detach() -> Result<(), Failed> {
    in_lab("detached", |lab| {
        lab.configure_enb(&[yaml::external(1), silent(2, "")])?;
        lab.start_all()?;
        lab.wait_for_sessions(2)?;
        lab.wait_for_ping()?;
        lab.configure_enb(&[silent(2, "")])?;
        lab.process(Node::Enb).signal(Signal::SIGHUP)?;
        lab.wait_for_sessions(1)?;
        let server = ReferencePoint::Sgi.address(Node::Server);
        let from_ue = ping(
            lab.namespace(Node::Ue),
            None,
            server,
            1,
            56,
            Duration::from_millis(500),
        );
        expect(from_ue.is_err(), || "the UE reaches the server".to_owned())?;
        let ue = ReferencePoint::Euu.address(Node::Ue);
        let to_ue = ping(
            lab.namespace(Node::Server),
            None,
            ue,
            1,
            56,
            Duration::from_millis(500),
        );
        expect(to_ue.is_err(), || "the server reaches the UE".to_owned())
    })
}

fn bad_file_is_refused_and_nothing_is_disturbed() -> Result<(), Failed> {
    in_lab("bad-reload", |lab| {
        lab.configure_enb(&[yaml::external(1)])?;
        lab.start_all()?;
        lab.wait_for_sessions(1)?;
        let created = lab.received(Node::Pgw, "Create Session Request")?;
        for node in Daemons::NODES {
            let before = lab.process(node).output().len();
            lab.configure(node, "no_such_key: 1\n")?;
            lab.process(node).signal(Signal::SIGHUP)?;
            let process = lab.process(node);
            let expected = format!("{}.yml:1:", node.name());
            wait_for(&format!("{} to say {expected}", node.title()), PATIENCE, || {
                let output = process.output();
                match output[before..].contains(&expected) {
                    true => Ok(()),
                    false => Err(output[before..].to_owned()),
                }
            })?;
        }
        lab.wait_for_ping()?;
        lab.wait_for_sessions(1)?;
        let again = lab.received(Node::Pgw, "Create Session Request")?;
        expect(again == created, || {
            format!("{again} Create Session Requests instead of {created}")
        })
    })
}

fn wait_for_received(lab: &Lab, message: &str, expected: f64) -> Outcome {
    let what = format!("{expected} {message} at the P-GW");
    wait_for(&what, PATIENCE + Duration::from_secs(1), || {
        match lab
            .received(Node::Pgw, message)
            .map_err(|error| error.to_string())?
        {
            found if found >= expected => Ok(()),
            found => Err(format!("there are {found}")),
        }
    })?;
    let found = lab.received(Node::Pgw, message)?;
    expect(found == expected, || {
        format!("{found} {message} instead of {expected}")
    })
}
