//! Source NAT on SGi, for IPv4: a table of our own in nftables.
//!
//! ```text
//! table ip gw-tester-TUN { chain sgi { type nat hook postrouting priority 100; oif SGI masquerade } }
//! ```
//!
//! No program `nft` is needed, for an image has none: the table goes to the kernel as one netlink batch, which is done
//! as a whole or not at all.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use tracing::warn;

use crate::Problem;

const CHAIN: &str = "sgi";

/// The kernel answers at once, or never.
const PATIENCE_SECONDS: i64 = 2;

// linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h
const NLMSG_ERROR: u16 = 2;
const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NFTABLES: u16 = 10;
const NEW_TABLE: u16 = NFTABLES << 8;
const DELETE_TABLE: u16 = NFTABLES << 8 | 2;
const NEW_CHAIN: u16 = NFTABLES << 8 | 3;
const NEW_RULE: u16 = NFTABLES << 8 | 6;
const NESTED: u16 = 0x8000;
const FAMILY_IPV4: u8 = 2;
const POSTROUTING: u32 = 4;
const PRIORITY_SOURCE_NAT: u32 = 100;
const REGISTER_1: u32 = 1;
const META_OIF: u32 = 5;
const EQUAL: u32 = 0;

/// The table that is in force.
#[derive(Debug)]
pub(super) struct Nat {
    table: String,
}

impl Nat {
    /// Puts it in force for what leaves at `device`, in the place of what a killed process left.
    pub(super) fn start(tun_name: &str, device: &str) -> Result<Nat, Problem> {
        let table = format!("gw-tester-{tun_name}");
        let done = nix::net::if_::if_nametoindex(device)
            .map_err(io::Error::from)
            .and_then(|index| install(&table, index));
        done.map_err(|error| {
            let what = match error.raw_os_error() {
                Some(libc::EPERM) => {
                    "may not be set up, expected CAP_NET_ADMIN in this network namespace".to_owned()
                }
                _ => format!("cannot be set up, expected a kernel with nftables and masquerade: {error}"),
            };
            Problem::new("sgi_nat", what)
        })?;
        Ok(Nat { table })
    }

    pub(super) fn stop(self) {
        let mut batch = Batch::new();
        batch.message(DELETE_TABLE, 0, &string(1, &self.table));
        if let Err(error) = batch.send() {
            warn!(%error, table = self.table, "nftables table is left");
        }
    }
}

fn install(table: &str, index: u32) -> io::Result<()> {
    let mut batch = Batch::new();
    // To delete a table that is not there is an error, to make one that is there is none.
    batch.message(NEW_TABLE, CREATE, &string(1, table));
    batch.message(DELETE_TABLE, 0, &string(1, table));
    batch.message(NEW_TABLE, CREATE, &string(1, table));
    let hook = [number(1, POSTROUTING), number(2, PRIORITY_SOURCE_NAT)].concat();
    let chain = [
        string(1, table),
        string(3, CHAIN),
        nested(4, &hook),
        string(7, "nat"),
    ];
    batch.message(NEW_CHAIN, CREATE, &chain.concat());
    let expressions = [
        expression("meta", &[number(1, REGISTER_1), number(2, META_OIF)].concat()),
        expression(
            "cmp",
            &[
                number(1, REGISTER_1),
                number(2, EQUAL),
                nested(3, &attribute(1, &index.to_ne_bytes())),
            ]
            .concat(),
        ),
        expression("masq", &[]),
    ];
    let rule = [
        string(1, table),
        string(2, CHAIN),
        nested(4, &expressions.concat()),
    ];
    batch.message(NEW_RULE, CREATE | APPEND, &rule.concat());
    batch.send()
}

/// Messages that the kernel does all or none of.
struct Batch {
    octets: Vec<u8>,
    messages: u32,
}

impl Batch {
    fn new() -> Batch {
        let mut batch = Batch {
            octets: Vec::new(),
            messages: 0,
        };
        batch.append(BATCH_BEGIN, REQUEST, 0, NFTABLES, &[]);
        batch
    }

    fn message(&mut self, kind: u16, flags: u16, attributes: &[u8]) {
        self.append(kind, REQUEST | ACK | flags, FAMILY_IPV4, 0, attributes);
    }

    fn append(&mut self, kind: u16, flags: u16, family: u8, resource: u16, attributes: &[u8]) {
        let length = 16 + 4 + attributes.len();
        self.messages += 1;
        self.octets.extend((length as u32).to_ne_bytes());
        self.octets.extend(kind.to_ne_bytes());
        self.octets.extend(flags.to_ne_bytes());
        self.octets.extend(self.messages.to_ne_bytes()); // sequence
        self.octets.extend(0_u32.to_ne_bytes()); // port
        self.octets.extend([family, 0]);
        self.octets.extend(resource.to_be_bytes());
        self.octets.extend(attributes);
    }

    /// Sends it and waits until each of its messages is acknowledged; the first error is the outcome.
    fn send(mut self) -> io::Result<()> {
        let wanted = self.messages - 1;
        self.append(BATCH_END, REQUEST, 0, NFTABLES, &[]);
        let netlink = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkNetFilter,
        )?;
        setsockopt(
            &netlink,
            sockopt::ReceiveTimeout,
            &TimeVal::seconds(PATIENCE_SECONDS),
        )?;
        let kernel = NetlinkAddr::new(0, 0);
        sendto(netlink.as_raw_fd(), &self.octets, &kernel, MsgFlags::empty())?;
        let mut acknowledged = 0;
        while acknowledged < wanted {
            acknowledged += acknowledgements(&netlink)?;
        }
        Ok(())
    }
}

/// How many messages the next datagram of the kernel acknowledges.
fn acknowledgements(netlink: &OwnedFd) -> io::Result<u32> {
    let mut buffer = [0; 8192];
    let length = recv(netlink.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
    let mut rest = &buffer[..length];
    let mut acknowledged = 0;
    while let Some((header, body)) = rest.split_first_chunk::<16>() {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        if let (NLMSG_ERROR, Some(code)) = (kind, body.first_chunk::<4>()) {
            match i32::from_ne_bytes(*code) {
                0 => acknowledged += 1,
                code => return Err(io::Error::from_raw_os_error(-code)),
            }
        }
        rest = rest.get(length.max(16).next_multiple_of(4)..).unwrap_or_default();
    }
    match acknowledged {
        0 => Err(io::ErrorKind::InvalidData.into()),
        count => Ok(count),
    }
}

/// An attribute with its padding.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(4 + value.len() + 3);
    octets.extend(((4 + value.len()) as u16).to_ne_bytes());
    octets.extend(kind.to_ne_bytes());
    octets.extend(value);
    octets.resize(octets.len().next_multiple_of(4), 0);
    octets
}

fn nested(kind: u16, attributes: &[u8]) -> Vec<u8> {
    attribute(kind | NESTED, attributes)
}

fn number(kind: u16, number: u32) -> Vec<u8> {
    attribute(kind, &number.to_be_bytes())
}

fn string(kind: u16, text: &str) -> Vec<u8> {
    attribute(kind, &[text.as_bytes(), &[0]].concat())
}

/// One element of a rule's list of expressions.
fn expression(name: &str, data: &[u8]) -> Vec<u8> {
    nested(1, &[string(1, name), nested(2, data)].concat())
}
