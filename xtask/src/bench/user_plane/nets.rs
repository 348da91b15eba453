//! The nets.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use epc_lab::http::{self, Metrics};
use epc_lab::{
    Daemons, End, Epc, LinkOptions, Namespace, Node, Process, ReferencePoint, link, wait_for, yaml,
};

/// Octets of the longest user packet.
const USER_MTU: u32 = 1500;
/// A link that takes it in a tunnel.
const TRANSPORT_MTU: u32 = 1600;

const PATIENCE: Duration = Duration::from_secs(60);

/// The longest that one of many attaches may take.
const AN_ATTACH: Duration = Duration::from_micros(1500);

/// What is between the UE and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(super) enum Kind {
    #[value(name = "A")]
    Routing,
    #[value(name = "Ax")]
    RoutingWithoutOffloads,
    #[value(name = "V")]
    Vxlan,
    #[value(name = "N")]
    None,
    #[value(name = "O")]
    Ours,
    #[value(name = "M")]
    Many,
    #[value(name = "B")]
    Before,
}

impl Kind {
    pub(super) const ALL: [Kind; 7] = [
        Kind::Routing,
        Kind::RoutingWithoutOffloads,
        Kind::Vxlan,
        Kind::None,
        Kind::Ours,
        Kind::Many,
        Kind::Before,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Routing => "A",
            Kind::RoutingWithoutOffloads => "Ax",
            Kind::Vxlan => "V",
            Kind::None => "N",
            Kind::Ours => "O",
            Kind::Many => "M",
            Kind::Before => "B",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Kind::Routing => "kernel routing",
            Kind::RoutingWithoutOffloads => "kernel routing, offloads off",
            Kind::Vxlan => "two kernel VXLAN hops",
            Kind::None => "these daemons, offload: none",
            Kind::Ours => "these daemons",
            Kind::Many => "these daemons with many sessions",
            Kind::Before => "other daemons",
        }
    }
}

pub(super) struct Net {
    pub(super) kind: Kind,
    pub(super) ue: Namespace,
    pub(super) server: Namespace,
    /// eNB, S-GW and P-GW, where they are daemons.
    pub(super) gateways: Vec<(Node, Process)>,
    /// Keeps the others alive.
    _rest: Vec<Namespace>,
    _mme: Option<Process>,
}

pub(super) const UE: Ipv4Addr = ReferencePoint::Euu.address(Node::Ue);
pub(super) const SERVER: Ipv4Addr = ReferencePoint::Sgi.address(Node::Server);

impl Net {
    /// `sessions` is for [`Kind::Many`].
    pub(super) fn new(kind: Kind, sessions: u32, daemons: &Daemons, directory: &Path) -> Result<Net> {
        match kind {
            Kind::Routing | Kind::RoutingWithoutOffloads | Kind::Vxlan => Net::of_kernel(kind),
            Kind::None | Kind::Ours | Kind::Before => Net::of_daemons(kind, 1, daemons, directory),
            Kind::Many => Net::of_daemons(kind, sessions, daemons, directory),
        }
    }

    /// At both ends.
    pub(super) fn use_congestion_control(&self, name: &str) -> Result<()> {
        for end in [&self.ue, &self.server] {
            if end.sysctl("ipv4/tcp_congestion_control", name).is_err() {
                bail!(
                    "congestion control `{name}`: the kernel has none of this name, or allows it to root alone"
                );
            }
        }
        Ok(())
    }

    /// Routing between five namespaces.
    fn of_kernel(kind: Kind) -> Result<Net> {
        let [ue, enb, sgw, pgw, server] = ["ue", "enb", "sgw", "pgw", "server"].map(Namespace::new);
        let (ue, enb, sgw, pgw, server) = (ue?, enb?, sgw?, pgw?, server?);
        for (a, b, point, mtu) in [
            (&ue, &enb, ReferencePoint::Euu, USER_MTU),
            (&enb, &sgw, ReferencePoint::S1u, TRANSPORT_MTU),
            (&sgw, &pgw, ReferencePoint::S5u, TRANSPORT_MTU),
            (&pgw, &server, ReferencePoint::Sgi, USER_MTU),
        ] {
            let (first, second) = point.ends();
            let address = |node| [format!("{}/24", point.address(node)).parse()];
            let ([first], [second]) = (address(first), address(second));
            let (first, second) = ([first?], [second?]);
            let end = |namespace, addresses| End {
                namespace,
                device: point.device(),
                addresses,
            };
            let options = LinkOptions {
                mtu: Some(mtu),
                ..LinkOptions::default()
            };
            link(&end(a, &first), &end(b, &second), &options)?;
        }
        for router in [&enb, &sgw, &pgw] {
            router.sysctl("ipv4/ip_forward", "1")?;
            router.sysctl("ipv4/conf/all/rp_filter", "0")?;
            router.sysctl("ipv4/conf/default/rp_filter", "0")?;
        }
        ue.default_route(ReferencePoint::Euu.address(Node::Enb).into())?;
        server.default_route(ReferencePoint::Sgi.address(Node::Pgw).into())?;

        let at = |point: ReferencePoint, node| point.address(node).to_string();
        let (s1u, s5u) = (ReferencePoint::S1u, ReferencePoint::S5u);
        let mut hops = [
            at(s1u, Node::Enb),
            at(s1u, Node::Sgw),
            at(s5u, Node::Sgw),
            at(s5u, Node::Pgw),
        ];
        if kind == Kind::Vxlan {
            for (namespace, device, local, remote, id, address) in [
                (&enb, "s1u", &hops[0], &hops[1], 1, "10.99.1.1"),
                (&sgw, "s1u", &hops[1], &hops[0], 1, "10.99.1.2"),
                (&sgw, "s5u", &hops[2], &hops[3], 2, "10.99.2.1"),
                (&pgw, "s5u", &hops[3], &hops[2], 2, "10.99.2.2"),
            ] {
                let name = format!("vx{id}");
                run(
                    namespace,
                    "ip",
                    &format!(
                        "link add {name} mtu {USER_MTU} type vxlan id {id} dev {device} local {local} remote {remote} dstport 4789"
                    ),
                )?;
                run(namespace, "ip", &format!("address add {address}/24 dev {name}"))?;
                run(namespace, "ip", &format!("link set {name} up"))?;
            }
            hops = ["10.99.1.1", "10.99.1.2", "10.99.2.1", "10.99.2.2"].map(str::to_owned);
        }
        let [enb_s1u, sgw_s1u, sgw_s5u, pgw_s5u] = &hops;
        let (users, servers) = (ReferencePoint::Euu.network(), ReferencePoint::Sgi.network());
        run(&enb, "ip", &format!("route add {servers} via {sgw_s1u}"))?;
        run(&sgw, "ip", &format!("route add {servers} via {pgw_s5u}"))?;
        run(&sgw, "ip", &format!("route add {users} via {enb_s1u}"))?;
        run(&pgw, "ip", &format!("route add {users} via {sgw_s5u}"))?;
        if kind == Kind::RoutingWithoutOffloads {
            for (namespace, devices) in [
                (&ue, &["euu"][..]),
                (&enb, &["euu", "s1u"]),
                (&sgw, &["s1u", "s5u"]),
                (&pgw, &["s5u", "sgi"]),
                (&server, &["sgi"]),
            ] {
                for device in devices {
                    run(
                        namespace,
                        "ethtool",
                        &format!("-K {device} tso off gso off gro off"),
                    )?;
                }
            }
        }
        Ok(Net {
            kind,
            ue,
            server,
            gateways: Vec::new(),
            _rest: vec![enb, sgw, pgw],
            _mme: None,
        })
    }

    /// Four daemons, and a subscriber behind the eNB that has attached, with or without many others.
    fn of_daemons(kind: Kind, sessions: u32, daemons: &Daemons, directory: &Path) -> Result<Net> {
        let epc = Epc::new(&LinkOptions {
            mtu: Some(TRANSPORT_MTU),
            ..LinkOptions::default()
        })?;
        for (node, point) in [
            (Node::Ue, ReferencePoint::Euu),
            (Node::Enb, ReferencePoint::Euu),
            (Node::Pgw, ReferencePoint::Sgi),
            (Node::Server, ReferencePoint::Sgi),
        ] {
            let device = point.device();
            run(
                epc.namespace(node),
                "ip",
                &format!("link set {device} mtu {USER_MTU}"),
            )?;
        }
        let settings = match kind {
            Kind::None => "user_plane: {offload: none}\n",
            _ => "",
        };
        let others = sessions - 1;
        // One peer gets half of the places.
        let room = match others {
            0 => String::new(),
            _ => format!("max_sessions: {}\n", 2 * sessions + 2),
        };
        let pools = match others {
            0 => String::new(),
            _ => format!("ue_pools: [10.64.0.0/10, {}]\n", ReferencePoint::Euu.network()),
        };
        let mut gateways = Vec::new();
        let mut mme = None;
        for (node, text) in [
            (Node::Pgw, yaml::pgw() + settings + &pools + &room),
            (Node::Sgw, yaml::sgw() + settings + &room),
            (Node::Mme, yaml::mme() + &room),
            (
                Node::Enb,
                yaml::enb(&[yaml::external(1)]) + settings + &yaml::silent(2, others),
            ),
        ] {
            let stem = format!("{}-{}", node.name(), kind.name());
            let config = directory.join(format!("{stem}.yml"));
            fs::write(&config, text)?;
            let command = daemons.command(node, &config, directory);
            let log = directory.join(format!("{stem}.log"));
            // What an earlier run said is not this one's.
            let _ = fs::remove_file(&log);
            let process = epc.namespace(node).spawn(node.name(), command, &log)?;
            match node {
                Node::Mme => mme = Some(process),
                _ => gateways.push((node, process)),
            }
        }
        let enb = epc.namespace(Node::Enb);
        let patience = PATIENCE + AN_ATTACH * others;
        wait_for("the attach", patience, || {
            http::ready(enb, yaml::METRICS.parse().map_err(|e| format!("{e}"))?)?;
            let metrics = Metrics::of(enb, yaml::METRICS.parse().map_err(|e| format!("{e}"))?)
                .map_err(|error| error.to_string())?;
            match metrics.value("enb_active_sessions_total") {
                Some(found) if found == f64::from(sessions) => Ok(()),
                other => Err(format!("{other:?} sessions")),
            }
        })?;
        Ok(Net {
            kind,
            ue: epc.namespace(Node::Ue).clone(),
            server: epc.namespace(Node::Server).clone(),
            gateways,
            _rest: [Node::Enb, Node::Mme, Node::Sgw, Node::Pgw]
                .map(|node| epc.namespace(node).clone())
                .into(),
            _mme: mme,
        })
    }
}

fn run(namespace: &Namespace, program: &str, arguments: &str) -> Result<()> {
    let output = namespace.run(|| Command::new(program).args(arguments.split(' ')).output())?;
    if !output.status.success() {
        bail!(
            "{program} {arguments}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
