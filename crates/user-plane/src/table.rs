//! The tables of tunnels.
//!
//! [`Receivers`] finds what a TEID means: a dense slab by [`TeidKey::index`], in which an entry stands with the TEID that
//! it belongs to. An entry takes 32 octets, so that it never lies in two cache lines; addresses of peers, which are few, stand once beside it.
//! [`Senders`] finds the tunnel of a UE's address by a fast hash: UE addresses come from the P-GW, not from strangers. Neither
//! moves much at a time when it grows.

use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};

use epc_codec::Teid;
use epc_node::{Interface, Rule, TeidKey, Then, UeAddress};
use rustc_hash::FxHashMap;

use crate::directory::Directory;
use crate::ip::{Addresses, v4_key, v6_key};

/// Values that many entries share, each stored once.
#[derive(Debug)]
struct Shared<T> {
    slots: Vec<Slot<T>>,
    ids: FxHashMap<T, u32>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    value: T,
    users: u32,
}

impl<T: Copy + Eq + Hash> Shared<T> {
    fn new() -> Shared<T> {
        Shared {
            slots: Vec::new(),
            ids: FxHashMap::default(),
            free: Vec::new(),
        }
    }

    #[inline]
    fn get(&self, id: u32) -> Option<&T> {
        self.slots.get(id as usize).map(|slot| &slot.value)
    }

    fn acquire(&mut self, value: T) -> u32 {
        if let Some(&id) = self.ids.get(&value) {
            self.slots[id as usize].users += 1;
            return id;
        }
        let slot = Slot { value, users: 1 };
        let id = match self.free.pop() {
            Some(id) => {
                self.slots[id as usize] = slot;
                id
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        self.ids.insert(value, id);
        id
    }

    fn release(&mut self, id: u32) {
        let Some(slot) = self.slots.get_mut(id as usize) else {
            return;
        };
        slot.users -= 1;
        if slot.users == 0 {
            self.ids.remove(&slot.value);
            self.free.push(id);
        }
    }
}

/// No peer is named: anybody may use the tunnel.
const ANYBODY: u32 = u32::MAX;

/// Entries are allocated in chunks, so that a growing table moves nothing.
const CHUNK: usize = 1024;
/// How many chunks beyond the last one an entry may open; a TEID further out was fixed by the configuration, and one such
/// TEID should not cost the memory of a million.
const CHUNKS_AHEAD: usize = 4;

#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Entry {
    teid: Teid,
    from: u32,
    action: Action,
}

#[derive(Debug, Clone, Copy)]
enum Action {
    Vacant,
    Hold {
        arrive_on: Interface,
    },
    Relay {
        arrive_on: Interface,
        on: Interface,
        to: u32,
        teid: Teid,
    },
    Deliver {
        arrive_on: Interface,
        ue: Ue,
    },
}

impl Action {
    fn arrive_on(&self) -> Option<Interface> {
        match self {
            Action::Vacant => None,
            Action::Hold { arrive_on }
            | Action::Relay { arrive_on, .. }
            | Action::Deliver { arrive_on, .. } => Some(*arrive_on),
        }
    }
}

/// The addresses of a UE; 0 is none, and never a UE's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ue {
    v4: u32,
    v6_high: u32,
    v6_low: u32,
}

impl Ue {
    fn new(address: UeAddress) -> Ue {
        let v6 = address.ipv6.map_or(0, v6_key);
        Ue {
            v4: address.ipv4.map_or(0, v4_key),
            v6_high: (v6 >> 32) as u32,
            v6_low: v6 as u32,
        }
    }

    /// Whether a packet from this address is the UE's.
    #[inline]
    pub(crate) fn is_source(self, addresses: Addresses) -> bool {
        match addresses {
            Addresses::V4 { source, .. } => self.has_v4(source),
            Addresses::V6 { source, .. } => self.has_v6(source),
        }
    }

    /// Whether a packet to this address is the UE's.
    #[inline]
    pub(crate) fn is_destination(self, addresses: Addresses) -> bool {
        match addresses {
            Addresses::V4 { destination, .. } => self.has_v4(destination),
            Addresses::V6 { destination, .. } => self.has_v6(destination),
        }
    }

    #[inline]
    fn has_v4(self, address: u32) -> bool {
        address != 0 && address == self.v4
    }

    #[inline]
    fn has_v6(self, prefix: u64) -> bool {
        prefix != 0 && prefix == u64::from(self.v6_high) << 32 | u64::from(self.v6_low)
    }
}

const VACANT: Entry = Entry {
    teid: Teid(0),
    from: ANYBODY,
    action: Action::Vacant,
};

/// What becomes of a G-PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    UnknownTeid,
    WrongPeer {
        on: Interface,
    },
    Hold {
        on: Interface,
    },
    Relay {
        arrive_on: Interface,
        on: Interface,
        /// See [`Receivers::peer`].
        to: u32,
        teid: Teid,
    },
    Deliver {
        on: Interface,
        ue: Ue,
    },
}

/// What G-PDUs mean, by TEID.
#[derive(Debug)]
pub struct Receivers {
    key: TeidKey,
    chunks: Vec<Box<[Entry]>>,
    /// TEIDs fixed by the configuration for which the slab has no free place.
    aside: FxHashMap<u32, Entry>,
    peers: Shared<SocketAddr>,
    sources: Shared<IpAddr>,
}

impl Receivers {
    /// A table without a tunnel, for TEIDs that were made with this key.
    pub fn new(key: TeidKey) -> Receivers {
        Receivers {
            key,
            chunks: Vec::new(),
            aside: FxHashMap::default(),
            peers: Shared::new(),
            sources: Shared::new(),
        }
    }

    /// Does a [`Rule::Receive`] or [`Rule::StopReceiving`]; leaves others alone.
    pub fn apply(&mut self, rule: &Rule) {
        match rule {
            Rule::Receive { teid, on, from, then } => {
                let from = from.map_or(ANYBODY, |from| self.sources.acquire(canonical(from)));
                let action = match *then {
                    Then::Hold => Action::Hold { arrive_on: *on },
                    Then::Relay { on: next, to, teid } => Action::Relay {
                        arrive_on: *on,
                        on: next,
                        to: self.peers.acquire(to),
                        teid,
                    },
                    Then::Deliver { ue } => Action::Deliver {
                        arrive_on: *on,
                        ue: Ue::new(ue),
                    },
                };
                let entry = Entry {
                    teid: *teid,
                    from,
                    action,
                };
                let old = self.replace(*teid, entry);
                self.release(old);
            }
            Rule::StopReceiving { teid } => {
                let old = self.remove(*teid);
                self.release(old);
            }
            Rule::Send { .. } | Rule::StopSending { .. } => {}
        }
    }

    /// What to do with a G-PDU from this peer.
    #[inline]
    pub(crate) fn fate(&self, teid: Teid, from: IpAddr) -> Fate {
        let Some(entry) = self.get(teid) else {
            return Fate::UnknownTeid;
        };
        let Some(arrive_on) = entry.action.arrive_on() else {
            return Fate::UnknownTeid;
        };
        if entry.from != ANYBODY && self.sources.get(entry.from) != Some(&from) {
            return Fate::WrongPeer { on: arrive_on };
        }
        match entry.action {
            Action::Vacant => Fate::UnknownTeid,
            Action::Hold { arrive_on: on } => Fate::Hold { on },
            Action::Relay {
                arrive_on,
                on,
                to,
                teid,
            } => Fate::Relay {
                arrive_on,
                on,
                to,
                teid,
            },
            Action::Deliver { arrive_on: on, ue } => Fate::Deliver { on, ue },
        }
    }

    /// The address of a peer that [`Receivers::fate`] named.
    #[inline]
    pub(crate) fn peer(&self, number: u32) -> Option<&SocketAddr> {
        self.peers.get(number)
    }

    /// Whether a G-PDU with this TEID would be forwarded or held: for measuring the table alone.
    #[doc(hidden)]
    pub fn knows(&self, teid: Teid) -> bool {
        self.get(teid).is_some()
    }

    #[inline]
    fn get(&self, teid: Teid) -> Option<&Entry> {
        let index = self.key.index(teid) as usize;
        if let Some(chunk) = self.chunks.get(index / CHUNK)
            && let Some(entry) = chunk.get(index % CHUNK)
            && entry.teid == teid
            && !matches!(entry.action, Action::Vacant)
        {
            return Some(entry);
        }
        if self.aside.is_empty() {
            return None;
        }
        self.aside.get(&teid.0)
    }

    /// Puts the entry where its TEID belongs; gives back the one that it replaces.
    fn replace(&mut self, teid: Teid, entry: Entry) -> Entry {
        let index = self.key.index(teid) as usize;
        let chunk = index / CHUNK;
        if chunk < self.chunks.len() + CHUNKS_AHEAD {
            while self.chunks.len() <= chunk {
                self.chunks.push(vec![VACANT; CHUNK].into_boxed_slice());
            }
            let place = &mut self.chunks[chunk][index % CHUNK];
            if matches!(place.action, Action::Vacant) {
                *place = entry;
                return self.aside.remove(&teid.0).unwrap_or(VACANT);
            }
            if place.teid == teid {
                return std::mem::replace(place, entry);
            }
        }
        self.aside.insert(teid.0, entry).unwrap_or(VACANT)
    }

    fn remove(&mut self, teid: Teid) -> Entry {
        let index = self.key.index(teid) as usize;
        if let Some(chunk) = self.chunks.get_mut(index / CHUNK) {
            let place = &mut chunk[index % CHUNK];
            if place.teid == teid && !matches!(place.action, Action::Vacant) {
                return std::mem::replace(place, VACANT);
            }
        }
        self.aside.remove(&teid.0).unwrap_or(VACANT)
    }

    fn release(&mut self, entry: Entry) {
        if entry.from != ANYBODY {
            self.sources.release(entry.from);
        }
        if let Action::Relay { to, .. } = entry.action {
            self.peers.release(to);
        }
    }
}

/// An IPv4 address in IPv6 clothing is the IPv4 address.
#[inline]
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[derive(Debug, Clone, Copy)]
struct Sender {
    to: u32,
    teid: Teid,
    on: Interface,
}

impl Default for Sender {
    fn default() -> Sender {
        Sender {
            to: ANYBODY,
            teid: Teid(0),
            on: Interface::S1u,
        }
    }
}

/// The tunnel that a packet goes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tunnel {
    pub(crate) on: Interface,
    pub(crate) peer: u32,
    pub(crate) to: SocketAddr,
    pub(crate) teid: Teid,
}

/// Tunnels by UE address.
#[derive(Debug)]
pub struct Senders {
    v4: Directory<u32, Sender>,
    v6: Directory<u64, Sender>,
    peers: Shared<SocketAddr>,
}

impl Default for Senders {
    fn default() -> Senders {
        Senders::new()
    }
}

impl Senders {
    /// A table without a tunnel.
    pub fn new() -> Senders {
        Senders {
            v4: Directory::new(),
            v6: Directory::new(),
            peers: Shared::new(),
        }
    }

    /// Does a [`Rule::Send`] or [`Rule::StopSending`]; leaves others alone.
    pub fn apply(&mut self, rule: &Rule) {
        match *rule {
            Rule::Send { ue, on, to, teid } => {
                let mut sender = || Sender {
                    to: self.peers.acquire(to),
                    teid,
                    on,
                };
                let old_v4 = ue.ipv4.and_then(|v4| self.v4.insert(v4_key(v4), sender()));
                let old_v6 = ue.ipv6.and_then(|v6| self.v6.insert(v6_key(v6), sender()));
                self.release(old_v4);
                self.release(old_v6);
            }
            Rule::StopSending { ue } => {
                let old_v4 = ue.ipv4.and_then(|v4| self.v4.remove(v4_key(v4)));
                let old_v6 = ue.ipv6.and_then(|v6| self.v6.remove(v6_key(v6)));
                self.release(old_v4);
                self.release(old_v6);
            }
            Rule::Receive { .. } | Rule::StopReceiving { .. } => {}
        }
    }

    #[inline]
    pub(crate) fn by_source(&self, addresses: Addresses) -> Option<Tunnel> {
        match addresses {
            Addresses::V4 { source, .. } => self.v4(source),
            Addresses::V6 { source, .. } => self.v6(source),
        }
    }

    #[inline]
    pub(crate) fn by_destination(&self, addresses: Addresses) -> Option<Tunnel> {
        match addresses {
            Addresses::V4 { destination, .. } => self.v4(destination),
            Addresses::V6 { destination, .. } => self.v6(destination),
        }
    }

    #[inline]
    fn v4(&self, address: u32) -> Option<Tunnel> {
        self.tunnel(self.v4.get(address)?)
    }

    #[inline]
    fn v6(&self, prefix: u64) -> Option<Tunnel> {
        self.tunnel(self.v6.get(prefix)?)
    }

    #[inline]
    fn tunnel(&self, sender: &Sender) -> Option<Tunnel> {
        Some(Tunnel {
            on: sender.on,
            peer: sender.to,
            to: *self.peers.get(sender.to)?,
            teid: sender.teid,
        })
    }

    fn release(&mut self, old: Option<Sender>) {
        if let Some(old) = old {
            self.peers.release(old.to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use epc_node::TeidAllocator;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const KEY: TeidKey = TeidKey::new([1, 2, 3, 4]);
    const ENB: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 66));

    fn pgw() -> SocketAddr {
        "198.51.100.1:2152".parse().unwrap()
    }

    fn relay(teid: Teid, next: u32) -> Rule {
        Rule::Receive {
            teid,
            on: Interface::S1u,
            from: Some(ENB),
            then: Then::Relay {
                on: Interface::S5u,
                to: pgw(),
                teid: Teid(next),
            },
        }
    }

    fn next_teid(receivers: &Receivers, teid: Teid) -> Option<u32> {
        match receivers.fate(teid, ENB) {
            Fate::Relay { teid, .. } => Some(teid.0),
            _ => None,
        }
    }

    #[test]
    fn entry_is_small() {
        assert_eq!(size_of::<Entry>(), 32);
        assert!(size_of::<Sender>() <= 12);
    }

    #[test]
    fn given_out_and_fixed_teids_live_side_by_side_until_they_are_removed() {
        let mut allocator = TeidAllocator::new(KEY);
        let mut receivers = Receivers::new(KEY);
        let mut teids: Vec<Teid> = (0..5000).map(|_| allocator.allocate().unwrap()).collect();
        teids.extend((0x1000_0000..0x1000_0400).map(Teid));
        for teid in &teids {
            receivers.apply(&relay(*teid, teid.0 ^ 1));
        }
        assert!(!receivers.aside.is_empty(), "fixed TEIDs lie far out");
        for teid in &teids {
            assert_eq!(next_teid(&receivers, *teid), Some(teid.0 ^ 1));
        }
        for teid in &teids {
            receivers.apply(&relay(*teid, teid.0 ^ 2));
            assert_eq!(next_teid(&receivers, *teid), Some(teid.0 ^ 2));
        }
        for teid in &teids {
            receivers.apply(&Rule::StopReceiving { teid: *teid });
            assert_eq!(receivers.fate(*teid, ENB), Fate::UnknownTeid);
        }
        assert_eq!(receivers.peers.ids.len() + receivers.sources.ids.len(), 0);
    }

    #[test]
    fn two_teids_of_one_index_do_not_meet() {
        let mut allocator = TeidAllocator::new(KEY);
        let mut receivers = Receivers::new(KEY);
        let given = allocator.allocate().unwrap();
        let same_index = (1..u32::MAX)
            .map(Teid)
            .find(|teid| KEY.index(*teid) == KEY.index(given) && *teid != given)
            .unwrap();
        receivers.apply(&relay(same_index, 1));
        assert_eq!(receivers.fate(given, ENB), Fate::UnknownTeid);
        receivers.apply(&relay(given, 2));
        assert_eq!(next_teid(&receivers, same_index), Some(1));
        assert_eq!(next_teid(&receivers, given), Some(2));
        receivers.apply(&Rule::StopReceiving { teid: same_index });
        assert_eq!(receivers.fate(same_index, ENB), Fate::UnknownTeid);
        receivers.apply(&relay(same_index, 3));
        assert_eq!(next_teid(&receivers, given), Some(2));
        assert_eq!(next_teid(&receivers, same_index), Some(3));
    }

    #[test]
    fn only_the_named_peer_may_use_a_tunnel() {
        let mut receivers = Receivers::new(KEY);
        receivers.apply(&relay(Teid(7), 8));
        assert_eq!(
            receivers.fate(Teid(7), STRANGER),
            Fate::WrongPeer { on: Interface::S1u }
        );
        receivers.apply(&Rule::Receive {
            teid: Teid(7),
            on: Interface::S1u,
            from: None,
            then: Then::Hold,
        });
        assert_eq!(
            receivers.fate(Teid(7), STRANGER),
            Fate::Hold { on: Interface::S1u }
        );
    }

    #[test]
    fn ue_is_its_ipv4_address_and_any_address_in_its_ipv6_prefix() {
        let ue = Ue::new(UeAddress {
            ipv4: Some(Ipv4Addr::new(10, 0, 0, 1)),
            ipv6: Some("2001:db8::1".parse().unwrap()),
        });
        let v4 = |source: [u8; 4]| Addresses::V4 {
            source: u32::from_be_bytes(source),
            destination: 0,
        };
        let v6 = |source: &str| Addresses::V6 {
            source: v6_key(source.parse::<Ipv6Addr>().unwrap()),
            destination: 0,
        };
        assert!(ue.is_source(v4([10, 0, 0, 1])));
        assert!(!ue.is_source(v4([10, 0, 0, 2])));
        assert!(ue.is_source(v6("2001:db8::dead:beef")));
        assert!(!ue.is_source(v6("2001:db8:0:1::1")));
        assert!(!ue.is_destination(v4([10, 0, 0, 1])));

        let only_v4 = Ue::new(UeAddress::v4(Ipv4Addr::new(10, 0, 0, 1)));
        assert!(!only_v4.is_source(v6("::1")), "no prefix is not the prefix ::/64");
    }

    #[test]
    fn tunnel_of_a_ue_is_replaced_and_removed_with_both_addresses() {
        let mut senders = Senders::new();
        let ue = UeAddress {
            ipv4: Some(Ipv4Addr::new(10, 0, 0, 1)),
            ipv6: Some("2001:db8::1".parse().unwrap()),
        };
        for teid in [Teid(1), Teid(2)] {
            senders.apply(&Rule::Send {
                ue,
                on: Interface::S5u,
                to: pgw(),
                teid,
            });
            assert_eq!(senders.v4(0x0a00_0001).unwrap().teid, teid);
            assert_eq!(senders.v6(0x2001_0db8_0000_0000).unwrap().teid, teid);
        }
        senders.apply(&Rule::StopSending { ue });
        assert_eq!(senders.v4(0x0a00_0001), None);
        assert_eq!(senders.v6(0x2001_0db8_0000_0000), None);
        assert!(senders.peers.ids.is_empty());
    }
}
