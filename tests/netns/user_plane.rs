//! Whole flows of an attached subscriber through the daemons, with IPv4 and IPv6 and every set of offloads.

use std::time::Duration;

use epc_lab::flows::{Flows, Host};
use epc_lab::{Node, ReferencePoint, yaml};
use ipnet::IpNet;
use libtest_mimic::Failed;

use crate::Test;
use crate::lab::{Lab, Outcome, expect, in_lab};

pub(crate) const TESTS: &[Test] = &[
    ("dual_stack_flows_arrive_intact_full", || intact("full")),
    ("dual_stack_flows_arrive_intact_no_uso", || intact("no-uso")),
    ("dual_stack_flows_arrive_intact_no_gso", || intact("no-gso")),
    ("dual_stack_flows_arrive_intact_no_gro", || intact("no-gro")),
    ("dual_stack_flows_arrive_intact_none", || intact("none")),
];

/// The only prefix of the P-GW's pool, so that it is the UE's.
const UE_PREFIX: &str = "2001:db8:60::/64";
const UE_V6: &str = "2001:db8:60::201";
const SERVER_V6: &str = "2001:db8:80::80";
/// Octets of a file each way.
const FILE: usize = 4_000_000;
const PATIENCE: Duration = Duration::from_secs(20);

fn intact(offload: &str) -> Result<(), Failed> {
    in_lab(&format!("user_plane_{offload}"), |lab| {
        // Room for the tunnel: a first long packet of IPv6 is lost where the path is narrower than the sender's link.
        lab.epc.set_mtu(ReferencePoint::S1u, 1600)?;
        lab.epc.set_mtu(ReferencePoint::S5u, 1600)?;
        add_ipv6(lab)?;
        let settings = format!("user_plane: {{ offload: {offload} }}\n");
        let pools = format!("ue_pools: [{}, \"{UE_PREFIX}\"]\n", ReferencePoint::Euu.network());
        lab.configure(Node::Sgw, &(yaml::sgw() + &settings))?;
        lab.configure(Node::Pgw, &(yaml::pgw() + &settings + &pools))?;
        let subscriber = yaml::external(1) + "    pdn_type: IPv4v6\n";
        lab.configure(Node::Enb, &(yaml::enb(&[subscriber]) + &settings))?;
        lab.start_all()?;
        lab.wait_for_sessions(1)?;
        lab.wait_for_ping()?;

        let host = |node, address| Host {
            namespace: lab.namespace(node),
            address,
        };
        let v4 = (
            ReferencePoint::Euu.address(Node::Ue).into(),
            ReferencePoint::Sgi.address(Node::Server).into(),
        );
        for (ue, server) in [v4, (UE_V6.parse()?, SERVER_V6.parse()?)] {
            let flows = Flows {
                near: host(Node::Ue, ue),
                far: host(Node::Server, server),
                patience: PATIENCE,
            };
            flows.pings([0, 1, 56, 1452, 4000, 8972])?;
            flows.tcp(FILE)?;
            flows.udp_echo((1..=64).chain((65..9000).step_by(499)).chain([8972]))?;
            flows.udp_bursts()?;
        }
        for node in [Node::Enb, Node::Sgw, Node::Pgw] {
            let metrics = lab.metrics(node)?;
            let level = metrics.value_where(
                &format!("{}_user_plane_offload", node.name()),
                &format!("level=\"{}\"", at(node, offload)),
            );
            expect(level == Some(1.0), || format!("{} uses {level:?}", node.title()))?;
            let dropped = format!("{}_user_plane_packets_dropped_total", node.name());
            for why in ["bad_packet", "too_big", "spoofed", "truncated", "send_failed"] {
                let lost = metrics.value_where(&dropped, why).unwrap_or(0.0);
                expect(lost == 0.0, || format!("{} dropped {lost}: {why}", node.title()))?;
            }
        }
        Ok(())
    })
}

/// What a node makes of the setting: an S-GW has no TUN device, and so nothing to leave out with `no-uso`.
fn at(node: Node, offload: &str) -> &str {
    match (node, offload) {
        (Node::Sgw, "no-uso") => "full",
        _ => offload,
    }
}

/// Gives eUu and SGi a network of IPv6 each.
fn add_ipv6(lab: &Lab) -> Outcome {
    for (node, point, address) in [
        (Node::Ue, ReferencePoint::Euu, UE_V6),
        (Node::Enb, ReferencePoint::Euu, "2001:db8:60::11"),
        (Node::Pgw, ReferencePoint::Sgi, "2001:db8:80::14"),
        (Node::Server, ReferencePoint::Sgi, SERVER_V6),
    ] {
        let (namespace, device) = (lab.namespace(node), point.device());
        // Nobody looks for duplicates here, which would take a second.
        namespace.sysctl(&format!("ipv6/conf/{device}/accept_dad"), "0")?;
        namespace.sysctl(&format!("ipv6/conf/{device}/disable_ipv6"), "0")?;
        namespace.add_address(device, IpNet::new(address.parse()?, 64)?)?;
    }
    for node in [Node::Enb, Node::Pgw] {
        lab.namespace(node).sysctl("ipv6/conf/all/forwarding", "1")?;
    }
    lab.namespace(Node::Ue)
        .default_route("2001:db8:60::11".parse()?)?;
    lab.namespace(Node::Server)
        .default_route("2001:db8:80::14".parse()?)?;
    Ok(())
}
