use std::sync::atomic::{AtomicU64, Ordering};

use epc_node::Interface;

/// Where packets enter and leave a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// GTP-U between eNB and S-GW.
    S1u,
    /// GTP-U between S-GW and P-GW.
    S5u,
    /// The TUN device.
    Tun,
}

impl Port {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Port; 3] = [Port::S1u, Port::S5u, Port::Tun];

    /// The name in metrics: `S1-U`, `S5-U`, `TUN`.
    pub const fn name(self) -> &'static str {
        match self {
            Port::S1u => "S1-U",
            Port::S5u => "S5-U",
            Port::Tun => "TUN",
        }
    }
}

impl From<Interface> for Port {
    /// `S5u` is itself; no other interface than S1-U and S5-U has user packets.
    fn from(interface: Interface) -> Port {
        match interface {
            Interface::S5u => Port::S5u,
            Interface::S1u | Interface::S1Mme | Interface::S11 | Interface::S5c => Port::S1u,
        }
    }
}

/// Seen from the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Into the node.
    Received,
    /// Out of the node.
    Sent,
}

impl Direction {
    /// Both, in the order of their discriminants.
    pub const ALL: [Direction; 2] = [Direction::Received, Direction::Sent];

    /// The name in metrics: `received`, `sent`.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::Received => "received",
            Direction::Sent => "sent",
        }
    }
}

macro_rules! drops {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a packet went no further.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Drop {
            $($(#[$doc])* $name,)*
        }

        impl Drop {
            /// All of them, in the order of their discriminants.
            pub const ALL: [Drop; [$(Drop::$name),*].len()] = [$(Drop::$name),*];

            /// The name in metrics.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Drop::$name => $text,)*
                }
            }
        }
    };
}

drops! {
    /// The inner packet is not IPv4 or IPv6, or its lengths contradict each other.
    BadPacket = "bad_packet",
    /// The TUN device handed us a packet of no UE that is attached.
    NoTunnel = "no_tunnel",
    /// Too big for the path; its sender was told by ICMP.
    TooBig = "too_big",
    /// Not GTP-U, or cut short.
    Malformed = "malformed",
    /// A G-PDU with a TEID that is not in use on this interface.
    UnknownTeid = "unknown_teid",
    /// A G-PDU with a known TEID from another peer than the tunnel's.
    WrongPeer = "wrong_peer",
    /// The next peer is not known (yet).
    Held = "held",
    /// The inner address is not the UE's.
    Spoofed = "spoofed",
    /// GTP inside of a tunnel, from a UE.
    GtpInGtp = "gtp_in_gtp",
    /// From a UE to an address of the node itself.
    OwnAddress = "own_address",
    /// From a UE to where UEs must not go.
    DeniedDestination = "denied_destination",
    /// From a UE to another one, where they are kept apart.
    UeToUe = "ue_to_ue",
    /// An extension header that only a receiver who understands it may ignore.
    ExtensionHeader = "extension_header",
    /// A datagram larger than the receive buffer.
    Truncated = "truncated",
    /// The slow path was full or had its share.
    SlowPathFull = "slow_path_full",
    /// The kernel would not take it: no route, a full queue, a closed device.
    SendFailed = "send_failed",
}

/// A number with one writer, which others may read at any time.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Count {
    /// A load and a store instead of an atomic addition: there is one writer, and it is on the packet path.
    #[inline]
    fn add(&self, n: u64) {
        self.0
            .store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
struct Cell {
    packets: Count,
    octets: Count,
    messages: Count,
    drops: [Count; Drop::ALL.len()],
}

/// The counters of one worker thread, which alone writes to them; anybody may read them.
#[derive(Debug, Default)]
pub struct Counters([[Cell; 2]; 3]);

impl Counters {
    /// User packets passed: `octets` are those of the inner packets.
    #[inline]
    pub fn packets(&self, port: impl Into<Port>, direction: Direction, packets: u64, octets: u64) {
        let cell = self.cell(port.into(), direction);
        cell.packets.add(packets);
        cell.octets.add(octets);
    }

    /// Crossings between kernel and daemon in which packets passed; a super-packet is one message.
    #[inline]
    pub fn messages(&self, port: impl Into<Port>, direction: Direction, messages: u64) {
        self.cell(port.into(), direction).messages.add(messages);
    }

    /// Packets dropped.
    #[inline]
    pub fn dropped(&self, port: impl Into<Port>, direction: Direction, why: Drop, packets: u64) {
        self.cell(port.into(), direction).drops[why as usize].add(packets);
    }

    fn cell(&self, port: Port, direction: Direction) -> &Cell {
        &self.0[port as usize][direction as usize]
    }
}

/// What passed one port in one direction since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// User packets.
    pub packets: u64,
    /// Octets of user packets, without tunnel headers.
    pub octets: u64,
    /// Crossings between kernel and daemon; `packets / messages` is how many travelled together.
    pub messages: u64,
    /// Packets dropped, by `Drop as usize`.
    pub drops: [u64; Drop::ALL.len()],
}

/// The sum of the counters of some workers at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot([[Traffic; 2]; 3]);

impl Snapshot {
    /// Adds the counters of a worker.
    pub fn add(&mut self, counters: &Counters) {
        for (traffic, cell) in self.0.iter_mut().flatten().zip(counters.0.iter().flatten()) {
            traffic.packets += cell.packets.get();
            traffic.octets += cell.octets.get();
            traffic.messages += cell.messages.get();
            for (sum, count) in traffic.drops.iter_mut().zip(&cell.drops) {
                *sum += count.get();
            }
        }
    }

    /// What passed there.
    pub fn traffic(&self, port: impl Into<Port>, direction: Direction) -> &Traffic {
        &self.0[port.into() as usize][direction as usize]
    }

    /// How many packets were dropped there for this reason.
    pub fn dropped(&self, port: impl Into<Port>, direction: Direction, why: Drop) -> u64 {
        self.traffic(port, direction).drops[why as usize]
    }

    /// How many packets were dropped for this reason, wherever.
    pub fn dropped_anywhere(&self, why: Drop) -> u64 {
        self.0
            .iter()
            .flatten()
            .map(|traffic| traffic.drops[why as usize])
            .sum()
    }
}
