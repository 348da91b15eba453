//! Links that take less than 1,500 octets: what is too long is answered, and nothing stalls.

use std::net::SocketAddr;
use std::time::Duration;

use epc_lab::{Node, ReferencePoint, http, ping, web, yaml};
use libtest_mimic::Failed;

use crate::Test;
use crate::lab::{Lab, Outcome, PATIENCE, expect, in_lab};

pub(crate) const TESTS: &[Test] = &[
    (
        "mtu_of_an_overlay_on_s5_is_told_at_both_ends",
        mtu_of_an_overlay_on_s5_is_told_at_both_ends,
    ),
    (
        "mtu_of_an_overlay_on_s1_stalls_nothing",
        mtu_of_an_overlay_on_s1_stalls_nothing,
    ),
];

/// What VXLAN leaves of 1,500 octets.
const OVERLAY: u32 = 1450;
/// IPv4, UDP and GTP-U headers.
const TUNNEL: i32 = 36;

const SERVER: std::net::Ipv4Addr = ReferencePoint::Sgi.address(Node::Server);
const CLIENT: std::net::Ipv4Addr = ReferencePoint::Euu.address(Node::Ue);

/// The eNB's own link would take 1,464 octets; that it may send only 1,414 it learns from the P-GW.
fn mtu_of_an_overlay_on_s5_is_told_at_both_ends() -> Result<(), Failed> {
    in_lab("mtu_s5", |lab| {
        start(lab, ReferencePoint::S5u)?;
        let told = OVERLAY as i32 - TUNNEL;
        for (sender, to) in [(Node::Ue, SERVER), (Node::Server, CLIENT)] {
            let mtu = ping::path_mtu(lab.namespace(sender), to, PATIENCE)?;
            expect(mtu == told, || format!("{} is told {mtu}", sender.title()))?;
        }
        // The answers came from the TUN devices: no packet was cut or dropped in a tunnel.
        for node in [Node::Enb, Node::Pgw] {
            let name = format!("{}_user_plane_packets_dropped_total", node.name());
            let dropped = lab.metrics(node)?.value_where(&name, "too_big");
            expect(dropped.unwrap_or(0.0) == 0.0, || {
                format!("{} dropped", node.title())
            })?;
        }
        download(lab)
    })
}

/// The P-GW cannot know: its packets of 1,464 octets reach an S-GW whose next link is narrow.
fn mtu_of_an_overlay_on_s1_stalls_nothing() -> Result<(), Failed> {
    in_lab("mtu_s1", |lab| {
        start(lab, ReferencePoint::S1u)?;
        // TCP first, while neither end knows anything of the path: segments are short from the start.
        download(lab)?;
        let mtu = ping::path_mtu(lab.namespace(Node::Ue), SERVER, PATIENCE)?;
        expect(mtu == OVERLAY as i32 - TUNNEL, || {
            format!("the client is told {mtu}")
        })?;
        let whole = 1500 - TUNNEL as usize - 28;
        let server = lab.namespace(Node::Server);
        ping::ping(server, None, CLIENT, 5, whole, Duration::from_secs(5))?;
        Ok(())
    })
}

fn start(lab: &mut Lab, narrow: ReferencePoint) -> Outcome {
    lab.epc.set_mtu(narrow, OVERLAY)?;
    lab.configure_enb(&[yaml::external(1)])?;
    lab.start_all()?;
    lab.wait_for_sessions(1)?;
    lab.wait_for_ping()
}

fn download(lab: &Lab) -> Outcome {
    const OCTETS: usize = 20_000_000;
    let server = web::Server::start(
        lab.namespace(Node::Server),
        SocketAddr::from((SERVER, 80)),
        |_, _| {},
    )?;
    let url = format!("http://{}/size/{OCTETS}", server.address());
    let page = http::get(lab.namespace(Node::Ue), &url)?;
    expect(page.body.len() == OCTETS, || {
        format!("{} octets came", page.body.len())
    })
}
