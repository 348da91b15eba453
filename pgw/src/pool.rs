//! The addresses of UEs, TS 23.401 §5.3.1: each is one UE's at a time.
//!
//! An address that was given back rests behind all others that are free, so that late packets of its last user
//! seldom meet the next one.

use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use epc_node::LargeSet;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Why no address was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Every address of the pools is in use.
    Exhausted,
    /// The address that was asked for is another UE's.
    InUse,
    /// The address that was asked for is in none of the pools.
    OutsidePools,
    /// There is no pool of this family.
    NoPool,
}

/// The pools, and what of them is in use.
#[derive(Debug)]
pub(crate) struct Addresses {
    ipv4: Vec<Pool<Ipv4Net>>,
    ipv6: Vec<Pool<Ipv6Net>>,
    /// Whether an address may be asked for that is in none of the pools.
    any_may_be_asked_for: bool,
    /// IPv4 addresses, and IPv6 /64 prefixes.
    in_use: LargeSet<IpAddr>,
    /// Addresses of this node.
    not_for_ues: HashSet<IpAddr>,
}

impl Addresses {
    /// These pools; and whether an address may be asked for that is in none of them.
    pub(crate) fn new(pools: &[IpNet], any_may_be_asked_for: bool) -> Addresses {
        let mut addresses = Addresses {
            ipv4: Vec::new(),
            ipv6: Vec::new(),
            any_may_be_asked_for,
            in_use: LargeSet::default(),
            not_for_ues: HashSet::new(),
        };
        for pool in pools {
            match pool {
                IpNet::V4(net) => addresses.ipv4.push(Pool::new(*net)),
                IpNet::V6(net) => addresses.ipv6.push(Pool::new(*net)),
            }
        }
        addresses
    }

    /// Takes other pools; who has an address keeps it.
    pub(crate) fn reconfigure(&mut self, pools: &[IpNet], any_may_be_asked_for: bool) {
        let in_use = std::mem::take(&mut self.in_use);
        let not_for_ues = std::mem::take(&mut self.not_for_ues);
        *self = Addresses {
            in_use,
            not_for_ues,
            ..Addresses::new(pools, any_may_be_asked_for)
        };
    }

    /// Never gives out this address: it is this node's, which a UE of that address would cut off.
    pub(crate) fn keep_from_ues(&mut self, address: IpAddr) {
        self.not_for_ues.insert(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => IpAddr::V6(prefix_of(address)),
        });
    }

    /// Gives out an IPv4 address: the one that is asked for, or any.
    pub(crate) fn take_ipv4(&mut self, asked_for: Option<Ipv4Addr>) -> Result<Ipv4Addr, Refusal> {
        if let Some(address) = asked_for.filter(|address| !address.is_unspecified()) {
            let inside = self.ipv4.iter().any(|pool| pool.net.contains(&address));
            self.take(IpAddr::V4(address), inside)?;
            return Ok(address);
        }
        let address = any(&mut self.ipv4, &self.in_use, &self.not_for_ues)?;
        self.in_use.insert(IpAddr::V4(address));
        Ok(address)
    }

    /// Gives out an IPv6 /64 prefix, as the address whose last 64 bits are 0: that of the address that is asked for, or
    /// any.
    pub(crate) fn take_ipv6(&mut self, asked_for: Option<Ipv6Addr>) -> Result<Ipv6Addr, Refusal> {
        if let Some(address) = asked_for.filter(|address| !address.is_unspecified()) {
            let prefix = prefix_of(address);
            let inside = self.ipv6.iter().any(|pool| pool.net.contains(&prefix));
            self.take(IpAddr::V6(prefix), inside)?;
            return Ok(prefix);
        }
        let prefix = any(&mut self.ipv6, &self.in_use, &self.not_for_ues)?;
        self.in_use.insert(IpAddr::V6(prefix));
        Ok(prefix)
    }

    /// Takes back an IPv4 address.
    pub(crate) fn give_back_ipv4(&mut self, address: Ipv4Addr) {
        if self.in_use.remove(&IpAddr::V4(address)) {
            give_back(&mut self.ipv4, address);
        }
    }

    /// Takes back the /64 prefix of an IPv6 address.
    pub(crate) fn give_back_ipv6(&mut self, address: Ipv6Addr) {
        let prefix = prefix_of(address);
        if self.in_use.remove(&IpAddr::V6(prefix)) {
            give_back(&mut self.ipv6, prefix);
        }
    }

    /// A session of an earlier incarnation has these addresses, whether or not a pool still holds them.
    pub(crate) fn restore(&mut self, ipv4: Option<Ipv4Addr>, ipv6: Option<Ipv6Addr>) {
        self.in_use.extend(ipv4.map(IpAddr::V4));
        self.in_use
            .extend(ipv6.map(|address| IpAddr::V6(prefix_of(address))));
    }

    /// How many addresses are given out.
    pub(crate) fn in_use(&self) -> usize {
        self.in_use.len()
    }

    fn take(&mut self, address: IpAddr, inside: bool) -> Result<(), Refusal> {
        if self.not_for_ues.contains(&address) || !is_a_hosts(address) {
            return Err(Refusal::InUse);
        }
        if !inside && !self.any_may_be_asked_for {
            return Err(Refusal::OutsidePools);
        }
        if !self.in_use.insert(address) {
            return Err(Refusal::InUse);
        }
        Ok(())
    }
}

/// Whether a host on SGi can have it: not loopback, multicast, broadcast or of one link only.
fn is_a_hosts(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_multicast() || v4.is_broadcast() || v4.is_link_local()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_multicast() || v6.is_unicast_link_local()),
    }
}

fn prefix_of(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from(u128::from(address) >> 64 << 64)
}

fn any<N: Numbered>(
    pools: &mut [Pool<N>],
    in_use: &LargeSet<IpAddr>,
    not_for_ues: &HashSet<IpAddr>,
) -> Result<N::Address, Refusal> {
    let is_free = |address: IpAddr| !in_use.contains(&address) && !not_for_ues.contains(&address);
    if pools.is_empty() {
        return Err(Refusal::NoPool);
    }
    pools
        .iter_mut()
        .find_map(|pool| pool.any(&is_free))
        .ok_or(Refusal::Exhausted)
}

fn give_back<N: Numbered>(pools: &mut [Pool<N>], address: N::Address) {
    for pool in pools {
        if let Some(number) = pool.net.number(address) {
            pool.give_back(number);
        }
    }
}

/// A subnet whose addresses can be counted from 0.
trait Numbered {
    type Address: Copy + Into<IpAddr>;
    fn size(&self) -> u64;
    fn address(&self, number: u64) -> Self::Address;
    fn number(&self, address: Self::Address) -> Option<u64>;
}

/// Its hosts: all but the first and the last address, where there are more than two.
impl Numbered for Ipv4Net {
    type Address = Ipv4Addr;

    fn size(&self) -> u64 {
        let addresses = 1u64 << (32 - self.prefix_len());
        if addresses > 2 { addresses - 2 } else { addresses }
    }

    fn address(&self, number: u64) -> Ipv4Addr {
        let first = u32::from(self.network()) + u32::from(self.prefix_len() < 31);
        Ipv4Addr::from(first.wrapping_add(number as u32))
    }

    fn number(&self, address: Ipv4Addr) -> Option<u64> {
        let number = u32::from(address)
            .checked_sub(u32::from(self.address(0)))
            .map(u64::from)?;
        (number < self.size()).then_some(number)
    }
}

/// Its /64 prefixes.
impl Numbered for Ipv6Net {
    type Address = Ipv6Addr;

    fn size(&self) -> u64 {
        1u64.checked_shl(64 - u32::from(self.prefix_len()))
            .unwrap_or(u64::MAX)
    }

    fn address(&self, number: u64) -> Ipv6Addr {
        Ipv6Addr::from(u128::from(self.network()) + (u128::from(number) << 64))
    }

    fn number(&self, address: Ipv6Addr) -> Option<u64> {
        self.contains(&address)
            .then(|| ((u128::from(address) - u128::from(self.network())) >> 64) as u64)
    }
}

#[derive(Debug)]
struct Pool<N> {
    net: N,
    /// Numbers from here on were never given out as "any".
    fresh: u64,
    /// Numbers before `fresh` that came back, the longest ago first.
    free: VecDeque<u64>,
    is_free: LargeSet<u64>,
}

impl<N: Numbered> Pool<N> {
    fn new(net: N) -> Pool<N> {
        Pool {
            net,
            fresh: 0,
            free: VecDeque::new(),
            is_free: LargeSet::default(),
        }
    }

    fn any(&mut self, is_free: &impl Fn(IpAddr) -> bool) -> Option<N::Address> {
        while self.fresh < self.net.size() {
            let address = self.net.address(self.fresh);
            self.fresh += 1;
            if is_free(address.into()) {
                return Some(address);
            }
        }
        while let Some(number) = self.free.pop_front() {
            self.is_free.remove(&number);
            let address = self.net.address(number);
            if is_free(address.into()) {
                return Some(address);
            }
        }
        None
    }

    fn give_back(&mut self, number: u64) {
        if number < self.fresh && self.is_free.insert(number) {
            self.free.push_back(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(nets: &[&str]) -> Addresses {
        let nets: Vec<IpNet> = nets.iter().map(|net| net.parse().unwrap()).collect();
        if nets.is_empty() {
            return Addresses::new(&["10.60.0.0/16".parse().unwrap()], true);
        }
        Addresses::new(&nets, false)
    }

    #[test]
    fn every_host_address_is_given_out_once_and_then_none() {
        let mut addresses = pools(&["192.0.2.0/29"]);
        let given: Vec<Ipv4Addr> = (0..6).map(|_| addresses.take_ipv4(None).unwrap()).collect();
        assert_eq!(
            given,
            (1..=6).map(|i| Ipv4Addr::new(192, 0, 2, i)).collect::<Vec<_>>()
        );
        assert_eq!(addresses.take_ipv4(None), Err(Refusal::Exhausted));
        addresses.give_back_ipv4(given[3]);
        addresses.give_back_ipv4(given[1]);
        assert_eq!(
            addresses.take_ipv4(None),
            Ok(given[3]),
            "the one that rested longest"
        );
        assert_eq!(addresses.take_ipv4(None), Ok(given[1]));
        assert_eq!(addresses.take_ipv4(None), Err(Refusal::Exhausted));
    }

    #[test]
    fn address_that_is_asked_for_is_kept_if_free_and_inside() {
        let mut addresses = pools(&["192.0.2.0/29"]);
        let third = Ipv4Addr::new(192, 0, 2, 3);
        assert_eq!(addresses.take_ipv4(Some(third)), Ok(third));
        assert_eq!(addresses.take_ipv4(Some(third)), Err(Refusal::InUse));
        assert_eq!(
            addresses.take_ipv4(Some(Ipv4Addr::new(198, 51, 100, 1))),
            Err(Refusal::OutsidePools)
        );
        let others: Vec<Ipv4Addr> = (0..5)
            .map(|_| addresses.take_ipv4(Some(Ipv4Addr::UNSPECIFIED)).unwrap())
            .collect();
        assert!(!others.contains(&third));
        addresses.give_back_ipv4(third);
        assert_eq!(addresses.take_ipv4(None), Ok(third));
    }

    #[test]
    fn without_pools_any_address_may_be_asked_for() {
        let mut addresses = pools(&[]);
        let asked = Ipv4Addr::new(192, 168, 101, 201);
        assert_eq!(addresses.take_ipv4(Some(asked)), Ok(asked));
        assert_eq!(addresses.take_ipv4(None), Ok(Ipv4Addr::new(10, 60, 0, 1)));
        addresses.give_back_ipv4(asked);
        assert_eq!(addresses.in_use(), 1);
        assert_eq!(addresses.take_ipv6(None), Err(Refusal::NoPool));
    }

    #[test]
    fn address_of_the_node_or_of_no_host_is_not_for_ues() {
        let mut addresses = pools(&[]);
        addresses.keep_from_ues("10.60.0.1".parse().unwrap());
        assert_eq!(
            addresses.take_ipv4(Some(Ipv4Addr::new(10, 60, 0, 1))),
            Err(Refusal::InUse)
        );
        assert_eq!(addresses.take_ipv4(None), Ok(Ipv4Addr::new(10, 60, 0, 2)));
        for nobodys in ["127.0.0.1", "224.0.0.1", "255.255.255.255", "169.254.169.254"] {
            assert_eq!(
                addresses.take_ipv4(Some(nobodys.parse().unwrap())),
                Err(Refusal::InUse),
                "{nobodys}"
            );
        }
    }

    #[test]
    fn asking_and_giving_back_again_and_again_grows_nothing() {
        let mut addresses = pools(&["192.0.2.0/29"]);
        let first = addresses.take_ipv4(None).unwrap();
        for _ in 0..100 {
            addresses.give_back_ipv4(first);
            addresses.take_ipv4(Some(first)).unwrap();
        }
        assert_eq!(addresses.ipv4[0].free.len(), 1);
        assert_eq!(addresses.in_use(), 1);
    }

    #[test]
    fn ipv6_gives_prefixes_of_64_bits() {
        let mut addresses = pools(&["2001:db8:0:4::/62"]);
        let prefixes: Vec<Ipv6Addr> = (0..4).map(|_| addresses.take_ipv6(None).unwrap()).collect();
        assert_eq!(prefixes[3], "2001:db8:0:7::".parse::<Ipv6Addr>().unwrap());
        assert_eq!(addresses.take_ipv6(None), Err(Refusal::Exhausted));
        addresses.give_back_ipv6("2001:db8:0:5::1234".parse().unwrap());
        assert_eq!(
            addresses.take_ipv6(Some("2001:db8:0:5::9".parse().unwrap())),
            Ok(prefixes[1])
        );
    }

    #[test]
    fn the_largest_and_smallest_pools_count_right() {
        let whole: Ipv4Net = "0.0.0.0/0".parse().unwrap();
        assert_eq!(whole.size(), (1 << 32) - 2);
        let one: Ipv4Net = "192.0.2.7/32".parse().unwrap();
        assert_eq!((one.size(), one.address(0)), (1, Ipv4Addr::new(192, 0, 2, 7)));
        let all: Ipv6Net = "::/0".parse().unwrap();
        assert_eq!(all.size(), u64::MAX);
    }

    #[test]
    fn other_pools_leave_what_is_in_use() {
        let mut addresses = pools(&["192.0.2.0/24"]);
        let kept = addresses.take_ipv4(None).unwrap();
        addresses.reconfigure(&["192.0.2.0/29".parse().unwrap()], false);
        assert!((0..5).all(|_| addresses.take_ipv4(None).unwrap() != kept));
        addresses.give_back_ipv4(kept);
        assert_eq!(addresses.take_ipv4(None), Ok(kept));
    }
}
