use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use crate::netlink::set_mtu;
use crate::{End, LinkOptions, Namespace, Point, Result, link};

/// Who is in the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    /// A client behind the eNB.
    Ue,
    /// The eNB.
    Enb,
    /// The MME.
    Mme,
    /// The S-GW.
    Sgw,
    /// The P-GW.
    Pgw,
    /// A server behind SGi.
    Server,
}

impl Node {
    /// All of them, from left to right.
    pub const ALL: [Node; 6] = [Node::Ue, Node::Enb, Node::Mme, Node::Sgw, Node::Pgw, Node::Server];

    /// The name of its namespace, and of its daemon if it has one.
    pub const fn name(self) -> &'static str {
        match self {
            Node::Ue => "ue",
            Node::Enb => "enb",
            Node::Mme => "mme",
            Node::Sgw => "sgw",
            Node::Pgw => "pgw",
            Node::Server => "server",
        }
    }

    /// The name in pictures.
    pub const fn title(self) -> &'static str {
        match self {
            Node::Ue => "UE",
            Node::Enb => "eNB",
            Node::Mme => "MME",
            Node::Sgw => "S-GW",
            Node::Pgw => "P-GW",
            Node::Server => "server",
        }
    }
}

/// The links of the lab, one a reference point, each with a network of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReferencePoint {
    /// External clients to the eNB.
    Euu,
    /// eNB to MME.
    S1Mme,
    /// eNB to S-GW.
    S1u,
    /// MME to S-GW.
    S11,
    /// S-GW to P-GW, control.
    S5c,
    /// S-GW to P-GW, user packets.
    S5u,
    /// P-GW to the server.
    Sgi,
}

impl ReferencePoint {
    /// All of them.
    pub const ALL: [ReferencePoint; 7] = [
        ReferencePoint::Euu,
        ReferencePoint::S1Mme,
        ReferencePoint::S1u,
        ReferencePoint::S11,
        ReferencePoint::S5c,
        ReferencePoint::S5u,
        ReferencePoint::Sgi,
    ];

    /// The name in specifications.
    pub const fn title(self) -> &'static str {
        match self {
            ReferencePoint::Euu => "eUu",
            ReferencePoint::S1Mme => "S1-MME",
            ReferencePoint::S1u => "S1-U",
            ReferencePoint::S11 => "S11",
            ReferencePoint::S5c => "S5-C",
            ReferencePoint::S5u => "S5-U",
            ReferencePoint::Sgi => "SGi",
        }
    }

    /// The name of the network device at both ends.
    pub const fn device(self) -> &'static str {
        match self {
            ReferencePoint::Euu => "euu",
            ReferencePoint::S1Mme => "s1mme",
            ReferencePoint::S1u => "s1u",
            ReferencePoint::S11 => "s11",
            ReferencePoint::S5c => "s5c",
            ReferencePoint::S5u => "s5u",
            ReferencePoint::Sgi => "sgi",
        }
    }

    /// Who is at its ends.
    pub const fn ends(self) -> (Node, Node) {
        match self {
            ReferencePoint::Euu => (Node::Ue, Node::Enb),
            ReferencePoint::S1Mme => (Node::Enb, Node::Mme),
            ReferencePoint::S1u => (Node::Enb, Node::Sgw),
            ReferencePoint::S11 => (Node::Mme, Node::Sgw),
            ReferencePoint::S5c | ReferencePoint::S5u => (Node::Sgw, Node::Pgw),
            ReferencePoint::Sgi => (Node::Pgw, Node::Server),
        }
    }

    /// Its network.
    pub const fn network(self) -> Ipv4Net {
        let third = match self {
            ReferencePoint::Euu => [10, 0, 3],
            ReferencePoint::S1Mme => [172, 21, 1],
            ReferencePoint::S1u => [172, 21, 0],
            ReferencePoint::S11 => [172, 22, 0],
            ReferencePoint::S5c => [172, 25, 1],
            ReferencePoint::S5u => [172, 25, 0],
            ReferencePoint::Sgi => [10, 0, 1],
        };
        Ipv4Net::new_assert(Ipv4Addr::new(third[0], third[1], third[2], 0), 24)
    }

    /// The address of `node` there. The last number tells the node: 11 eNB, 12 MME, 13 S-GW, 14 P-GW.
    pub const fn address(self, node: Node) -> Ipv4Addr {
        let [a, b, c, _] = self.network().addr().octets();
        let last = match node {
            Node::Ue => 201,
            Node::Enb => 11,
            Node::Mme => 12,
            Node::Sgw => 13,
            Node::Pgw => 14,
            Node::Server => 80,
        };
        Ipv4Addr::new(a, b, c, last)
    }
}

/// An EPC without its daemons: six namespaces and seven links.
///
/// ```text
///  ue ──eUu── enb ──S1-MME── mme ──S11── sgw ══S5-C, S5-U══ pgw ──SGi── server
///              └────────────S1-U──────────┘
/// ```
#[derive(Debug, Clone)]
pub struct Epc {
    namespaces: [Namespace; 6],
}

impl Epc {
    /// Makes it. The UE's and the server's default routes lead to the eNB and the P-GW, both of which forward IPv4.
    pub fn new(options: &LinkOptions) -> Result<Epc> {
        let [ue, enb, mme, sgw, pgw, server] = Node::ALL.map(|node| Namespace::new(node.name()));
        let epc = Epc {
            namespaces: [ue?, enb?, mme?, sgw?, pgw?, server?],
        };
        for node in [Node::Enb, Node::Pgw] {
            let namespace = epc.namespace(node);
            namespace.sysctl("ipv4/ip_forward", "1")?;
            // A new namespace takes these from the host, and a router with tunnels must not filter by its main table.
            namespace.sysctl("ipv4/conf/all/rp_filter", "0")?;
            namespace.sysctl("ipv4/conf/default/rp_filter", "0")?;
        }
        for point in ReferencePoint::ALL {
            let (a, b) = point.ends();
            let address = |node| {
                [IpNet::new_assert(
                    point.address(node).into(),
                    point.network().prefix_len(),
                )]
            };
            let (a_addresses, b_addresses) = (address(a), address(b));
            let end = |node, addresses| End {
                namespace: epc.namespace(node),
                device: point.device(),
                addresses,
            };
            link(&end(a, &a_addresses), &end(b, &b_addresses), options)?;
        }
        epc.namespace(Node::Ue)
            .default_route(ReferencePoint::Euu.address(Node::Enb).into())?;
        epc.namespace(Node::Server)
            .default_route(ReferencePoint::Sgi.address(Node::Pgw).into())?;
        Ok(epc)
    }

    /// Lets a link take no longer packets than this.
    pub fn set_mtu(&self, point: ReferencePoint, mtu: u32) -> Result<()> {
        let (a, b) = point.ends();
        set_mtu(self.namespace(a), point.device(), mtu)?;
        set_mtu(self.namespace(b), point.device(), mtu)
    }

    /// The namespace of a node.
    pub fn namespace(&self, node: Node) -> &Namespace {
        let place = match node {
            Node::Ue => 0,
            Node::Enb => 1,
            Node::Mme => 2,
            Node::Sgw => 3,
            Node::Pgw => 4,
            Node::Server => 5,
        };
        &self.namespaces[place]
    }

    /// Where to listen to hear every link once, in the order of [`ReferencePoint::ALL`].
    pub fn points(&self) -> Vec<Point<'_>> {
        let point_of = |point: ReferencePoint| {
            // Three namespaces touch all seven links.
            let (a, b) = point.ends();
            let node = if matches!(b, Node::Sgw) { b } else { a };
            let node = if matches!(point, ReferencePoint::Euu) {
                Node::Enb
            } else {
                node
            };
            Point {
                namespace: self.namespace(node),
                device: point.device(),
                label: point.title(),
            }
        };
        ReferencePoint::ALL.map(point_of).into()
    }

    /// Which node has this address.
    pub fn owner(address: Ipv4Addr) -> Option<Node> {
        ReferencePoint::ALL.into_iter().find_map(|point| {
            let (a, b) = point.ends();
            [a, b].into_iter().find(|node| point.address(*node) == address)
        })
    }
}
