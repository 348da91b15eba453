//! Whole flows through three user planes, with every set of offloads: what arrives is what was sent.
//!
//! ```text
//! ue ──eUu── enb ──S1-U── sgw ──S5-U── pgw ──SGi── server
//!            TUN                       TUN
//! ```
//!
//! Five namespaces, IPv4 and IPv6, no signalling: the rules are given by hand. `TUNNEL_OCTETS` makes the files longer than
//! the 4 MB that a test has time for. Skipped with the reason where namespaces are forbidden.

use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, ExitCode};
use std::time::Duration;

use epc_codec::Teid;
use epc_driver::user_plane::{SocketConfig, TunConfig, UserPlane, UserPlaneConfig};
use epc_lab::flows::{Flows, Host};
use epc_lab::{End, LinkOptions, Namespace, link, sandbox};
use epc_node::config::Offload;
use epc_node::{Interface, Rule, TeidKey, Then, UeAddress};
use epc_user_plane::{Direction, Drop, Port, Side, Snapshot};

const UE_V4: Ipv4Addr = Ipv4Addr::new(10, 60, 0, 1);
const SERVER_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);
const UE_V6: &str = "2001:db8:60::1";
const SERVER_V6: &str = "2001:db8:80::80";
const ENB: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SGW_S1U: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const SGW_S5U: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
const PGW: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 3);
const PATIENCE: Duration = Duration::from_secs(20);

const OFFLOADS: [Offload; 5] = [
    Offload::Full,
    Offload::NoUso,
    Offload::NoGso,
    Offload::NoGro,
    Offload::None,
];

fn main() -> ExitCode {
    sandbox::init();
    if sandbox::is_inside() {
        return match inside() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("FAILED: {error}");
                ExitCode::FAILURE
            }
        };
    }
    if let Err(reason) = sandbox::probe() {
        println!("tunnel: skipped 8 tests: {reason}");
        return ExitCode::SUCCESS;
    }
    if !Command::new("ip")
        .arg("-V")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        println!("tunnel: skipped 8 tests: `ip` is missing, install iproute2");
        return ExitCode::SUCCESS;
    }
    match sandbox::run(&[]) {
        Ok(outcome) => ExitCode::from(u8::try_from(outcome.exit_code()).unwrap_or(1)),
        Err(error) => {
            println!("tunnel: {error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

fn inside() -> Outcome {
    for offload in OFFLOADS {
        let net = Net::new(&Shape {
            offload,
            ..Shape::default()
        })?;
        println!(
            "test everything_arrives_intact, {} (is {}) ...",
            offload.name(),
            net.planes[0].offload().name()
        );
        net.everything_arrives_intact()?;
        net.travels_together(offload)?;
        println!("test everything_arrives_intact, {} ... ok", offload.name());
    }
    let net = Net::new(&Shape {
        mtu: 9000,
        link_mtu: 9100,
        ..Shape::default()
    })?;
    net.everything_arrives_intact()?;
    println!("test packets_of_9000_octets_arrive_intact ... ok");
    drop(net);

    let net = Net::new(&Shape {
        queues: 3,
        source_port_by_teid: true,
        ..Shape::default()
    })?;
    net.everything_arrives_intact()?;
    println!("test several_queues_and_source_ports_carry_everything ... ok");
    drop(net);

    path_that_is_narrower_than_the_tun_device()?;
    println!("test path_that_is_narrower_than_the_tun_device ... ok");
    Ok(())
}

fn path_that_is_narrower_than_the_tun_device() -> Outcome {
    for offload in [Offload::Full, Offload::None] {
        let net = Net::new(&Shape {
            offload,
            mtu: 1500,
            link_mtu: 1400,
            ..Shape::default()
        })?;
        let octets = file_octets() / 16;
        for flows in net.families()? {
            flows.tcp(octets)?;
        }
        let counters = net.planes[0].counters();
        if counters.dropped(Port::S1u, Direction::Sent, Drop::TooBig)
            + counters.dropped(Port::Tun, Direction::Received, Drop::TooBig)
            == 0
        {
            return Err(format!("{}: nothing was too big", offload.name()).into());
        }
        // Fragments where they are allowed.
        net.families()?[0].udp_echo([1472, 1472, 4000, 1300])?;
    }
    Ok(())
}

/// How the net is.
struct Shape {
    offload: Offload,
    mtu: u16,
    link_mtu: u32,
    queues: usize,
    source_port_by_teid: bool,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            offload: Offload::Full,
            mtu: 1500,
            link_mtu: 1600,
            queues: 1,
            source_port_by_teid: false,
        }
    }
}

struct Net {
    ue: Namespace,
    server: Namespace,
    /// eNB, S-GW, P-GW.
    planes: [UserPlane; 3],
}

impl Net {
    fn new(shape: &Shape) -> Result<Net, Box<dyn std::error::Error + Send + Sync>> {
        let [ue, enb, sgw, pgw, server] = ["ue", "enb", "sgw", "pgw", "server"].map(Namespace::new);
        let (ue, enb, sgw, pgw, server) = (ue?, enb?, sgw?, pgw?, server?);
        let user = LinkOptions {
            mtu: Some(shape.mtu.into()),
            ..LinkOptions::default()
        };
        let transport = LinkOptions {
            mtu: Some(shape.link_mtu),
            ..LinkOptions::default()
        };
        cable(&ue, "10.60.0.1/24", &enb, "10.60.0.254/24", "euu", &user)?;
        cable(&enb, "192.0.2.1/24", &sgw, "192.0.2.2/24", "s1u", &transport)?;
        cable(
            &sgw,
            "198.51.100.2/24",
            &pgw,
            "198.51.100.3/24",
            "s5u",
            &transport,
        )?;
        cable(&pgw, "203.0.113.254/24", &server, "203.0.113.80/24", "sgi", &user)?;
        for (namespace, device, address) in [
            (&ue, "euu", "2001:db8:60::1/64"),
            (&enb, "euu", "2001:db8:60::fe/64"),
            (&pgw, "sgi", "2001:db8:80::fe/64"),
            (&server, "sgi", "2001:db8:80::80/64"),
        ] {
            namespace.sysctl(&format!("ipv6/conf/{device}/disable_ipv6"), "0")?;
            ip(namespace, &format!("address add {address} dev {device} nodad"))?;
        }
        for namespace in [&enb, &pgw] {
            // For the TUN device that comes.
            namespace.sysctl("ipv6/conf/default/disable_ipv6", "0")?;
            for key in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
                namespace.sysctl(key, "1")?;
            }
            for key in ["ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter"] {
                namespace.sysctl(key, "0")?;
            }
        }
        for (namespace, via4, via6) in [
            (&ue, "10.60.0.254", "2001:db8:60::fe"),
            (&server, "203.0.113.254", "2001:db8:80::fe"),
        ] {
            ip(namespace, &format!("route add default via {via4}"))?;
            ip(namespace, &format!("-6 route add default via {via6}"))?;
        }

        let start = |namespace: &Namespace, sockets: &[(Interface, Ipv4Addr)], side| {
            namespace.run(|| plane(shape, sockets, side))
        };
        let planes = [
            start(&enb, &[(Interface::S1u, ENB)], Some(Side::Ue))?,
            start(
                &sgw,
                &[(Interface::S1u, SGW_S1U), (Interface::S5u, SGW_S5U)],
                None,
            )?,
            start(&pgw, &[(Interface::S5u, PGW)], Some(Side::Network))?,
        ];
        ip(&enb, "route add 203.0.113.0/24 dev gtp")?;
        ip(&enb, "-6 route add 2001:db8:80::/64 dev gtp")?;
        ip(&pgw, "route add 10.60.0.0/24 dev gtp")?;
        ip(&pgw, "-6 route add 2001:db8:60::/64 dev gtp")?;
        give_rules(&planes)?;
        Ok(Net { ue, server, planes })
    }

    /// IPv4 and IPv6.
    fn families(&self) -> Result<[Flows<'_>; 2], std::net::AddrParseError> {
        let flows = |ue, server| Flows {
            near: Host {
                namespace: &self.ue,
                address: ue,
            },
            far: Host {
                namespace: &self.server,
                address: server,
            },
            patience: PATIENCE,
        };
        Ok([
            flows(UE_V4.into(), SERVER_V4.into()),
            flows(UE_V6.parse()?, SERVER_V6.parse()?),
        ])
    }

    fn everything_arrives_intact(&self) -> Outcome {
        for flows in self.families()? {
            flows.tcp(file_octets())?;
            let sizes = (1..=100).chain((101..9000).step_by(311));
            flows.udp_echo(sizes.chain([1452, 1472, 8972]))?;
            flows.udp_bursts()?;
            flows.pings([0, 1, 56, 1400, 1472, 4000, 8972])?;
        }
        let lost = self.drops();
        if !lost.is_empty() {
            return Err(format!("dropped: {lost:?}").into());
        }
        Ok(())
    }

    /// Whether packets crossed in super-packets where they should have.
    fn travels_together(&self, offload: Offload) -> Outcome {
        let [enb, sgw, pgw] = self.planes.each_ref().map(UserPlane::counters);
        let (received, sent) = (Direction::Received, Direction::Sent);
        let crossings = [
            (&enb, Port::Tun, received, offload > Offload::None),
            (&enb, Port::S1u, sent, offload > Offload::NoGso),
            // What was not sent together is not gathered either on a virtual cable.
            (&sgw, Port::S1u, received, offload > Offload::NoGso),
            (&sgw, Port::S5u, sent, offload > Offload::NoGso),
            (&pgw, Port::Tun, sent, offload > Offload::None),
        ];
        for (counters, port, direction, together) in crossings {
            let traffic = counters.traffic(port, direction);
            // Half of the packets are parts of a file, the others come alone.
            if together != (traffic.packets > 2 * traffic.messages) {
                return Err(format!(
                    "{} {} {}: {traffic:?}",
                    offload.name(),
                    port.name(),
                    direction.name()
                )
                .into());
            }
        }
        Ok(())
    }

    /// What was dropped anywhere, other than what the kernels' own packets (of no UE) are.
    fn drops(&self) -> Vec<(usize, &'static str, u64)> {
        let mut lost = Vec::new();
        for (node, plane) in self.planes.iter().enumerate() {
            let counters: Snapshot = plane.counters();
            for why in Drop::ALL {
                let count = counters.dropped_anywhere(why);
                if why != Drop::NoTunnel && count > 0 {
                    lost.push((node, why.name(), count));
                }
            }
        }
        lost
    }
}

fn plane(
    shape: &Shape,
    sockets: &[(Interface, Ipv4Addr)],
    side: Option<Side>,
) -> Result<UserPlane, epc_driver::user_plane::StartError> {
    let config = UserPlaneConfig {
        teid_key: TeidKey::new([1, 2, 3, 4]),
        sockets: sockets
            .iter()
            .map(|(on, address)| SocketConfig {
                on: *on,
                address: IpAddr::V4(*address),
                key: format!("local_addresses.{on}"),
            })
            .collect(),
        tun: side.map(|side| TunConfig {
            name: "gtp".to_owned(),
            side,
            mtu: Some(shape.mtu),
            key: "tun_name".to_owned(),
        }),
        offload: shape.offload,
        queues: shape.queues,
        filter: Default::default(),
        source_port_by_teid: shape.source_port_by_teid,
        port: 2152,
    };
    UserPlane::start(&config).map(|(plane, _)| plane)
}

fn give_rules([enb, sgw, pgw]: &[UserPlane; 3]) -> Outcome {
    let ue = UeAddress {
        ipv4: Some(UE_V4),
        ipv6: Some(UE_V6.parse()?),
    };
    let receive = |teid, on, from: Ipv4Addr, then| Rule::Receive {
        teid: Teid(teid),
        on,
        from: Some(from.into()),
        then,
    };
    let send = |on, to: Ipv4Addr, teid| Rule::Send {
        ue,
        on,
        to: (to, 2152).into(),
        teid: Teid(teid),
    };
    let relay = |on, to: Ipv4Addr, teid| Then::Relay {
        on,
        to: (to, 2152).into(),
        teid: Teid(teid),
    };
    let (s1u, s5u) = (Interface::S1u, Interface::S5u);
    enb.apply_all(&[
        receive(1, s1u, SGW_S1U, Then::Deliver { ue }),
        send(s1u, SGW_S1U, 2),
    ])?;
    sgw.apply_all(&[
        receive(2, s1u, ENB, relay(s5u, PGW, 4)),
        receive(3, s5u, PGW, relay(s1u, ENB, 1)),
    ])?;
    pgw.apply_all(&[
        receive(4, s5u, SGW_S5U, Then::Deliver { ue }),
        send(s5u, SGW_S5U, 3),
    ])?;
    Ok(())
}

fn cable(
    a: &Namespace,
    a_address: &str,
    b: &Namespace,
    b_address: &str,
    device: &str,
    options: &LinkOptions,
) -> Outcome {
    let (a_address, b_address) = ([a_address.parse()?], [b_address.parse()?]);
    let end = |namespace, addresses| End {
        namespace,
        device,
        addresses,
    };
    link(&end(a, &a_address), &end(b, &b_address), options)?;
    Ok(())
}

fn ip(namespace: &Namespace, arguments: &str) -> Outcome {
    let output = namespace.run(|| Command::new("ip").args(arguments.split(' ')).output())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn file_octets() -> usize {
    std::env::var("TUNNEL_OCTETS")
        .ok()
        .and_then(|octets| octets.parse().ok())
        .unwrap_or(4_000_000)
}
