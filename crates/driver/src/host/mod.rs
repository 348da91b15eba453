//! What the eNB and the P-GW change on their host: routes, rules and addresses around their TUN device.
//!
//! ```text
//! eNB    from UE, in at its network  -> table 3001: default via the TUN device, else unreachable   external
//!        to UE, in at the TUN device -> table 3001: the UE at that device, if no other route leads there
//!        from UE, of this host       -> table 3001, and the UE's address on the TUN device   http_get
//! P-GW   in from SGi                 -> table 3002: subnets and addresses of UEs via the TUN device
//!        of this host                -> table 3002
//!        out to SGi                  -> with this node's address, if sgi_nat
//! ```
//!
//! Everything carries our protocol number ([`PROTOCOL`]) and lies in the node's own table, so that what a killed process
//! left is known and taken away at the next start, and nothing else ever is.

mod devices;
mod fetch;
mod nat;
mod own;
mod routing;
mod sysctl;

pub use fetch::{Fetch, Fetches};
pub(crate) use own::follow as follow_own_addresses;
pub use routing::PROTOCOL;

use std::collections::HashMap;
use std::net::IpAddr;

use epc_node::UeAddress;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use tracing::{debug, info, warn};

use crate::Problem;
use nat::Nat;
use routing::{Error, Routing, Rule};

/// No MTU below is believed, RFC 1122 §3.3.2.
const LEAST_MTU: u16 = 576;

/// The packets that this host itself sends.
const THIS_HOST: &str = "lo";

/// Whether a network device of this name is there.
pub fn has_device(name: &str) -> bool {
    nix::net::if_::if_nametoindex(name).is_ok()
}

fn index(device: &str) -> Result<u32, Error> {
    nix::net::if_::if_nametoindex(device).map_err(|_| Error::NoDevice(device.to_owned()))
}

/// The device that a key names must be there.
pub fn expect_device(key: &str, name: &str) -> Result<(), Problem> {
    if has_device(name) {
        return Ok(());
    }
    let there = nix::net::if_::if_nameindex().map(|devices| {
        let names = devices
            .iter()
            .take(8)
            .map(|device| device.name().to_string_lossy());
        names.collect::<Vec<_>>().join(", ")
    });
    let what = match there {
        Ok(there) => format!("no network device `{name}` on this host, expected one that is there: {there}"),
        Err(_) => format!("no network device `{name}` on this host, expected one that is there"),
    };
    Err(Problem::new(key, what))
}

/// The host of an eNB.
#[derive(Debug)]
pub struct UeSide {
    routing: Routing,
    tun_name: String,
    forwards: bool,
    /// Behind which devices the external clients are.
    clients: HashMap<IpNet, String>,
    /// Octets of the longest packet that the TUN device takes.
    mtu: Option<u16>,
}

impl UeSide {
    /// Takes away what a killed process left, and routes the table into the TUN device.
    pub async fn start(tun_name: &str, route_table: u32) -> Result<UeSide, Problem> {
        let explain = |error| explain(error, route_table);
        let mut routing = Routing::open(tun_name, route_table).await.map_err(explain)?;
        routing.anchor().await.map_err(explain)?;
        for net in [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())] {
            let added = routing.add_route(net, routing.tun).await;
            optional_ipv6(net.addr(), added).map_err(explain)?;
            optional_ipv6(net.addr(), routing.close(net).await).map_err(explain)?;
        }
        sysctl::accept_any_source(tun_name);
        Ok(UeSide {
            routing,
            tun_name: tun_name.to_owned(),
            forwards: false,
            clients: HashMap::new(),
            mtu: None,
        })
    }

    /// Takes no longer packets than a P-GW has told (PCO, TS 24.008 §10.5.6.3): the kernel answers them, as it does those
    /// that the link of S1-U does not take. The shortest of what is told counts for all.
    pub async fn limit_mtu(&mut self, mtu: u16) {
        let mtu = mtu.max(LEAST_MTU);
        if self.mtu.is_some_and(|limit| limit <= mtu) {
            return;
        }
        self.mtu = Some(mtu);
        match self.routing.lower_mtu(mtu).await {
            Ok(true) => info!(device = self.tun_name, mtu, "MTU lowered to what the P-GW tells"),
            Ok(false) => {}
            Err(error) => warn!(%error, device = self.tun_name, mtu, "MTU not lowered"),
        }
    }

    /// A client uses this address: its packets go into the tunnel, and those from the tunnel to the client. It is behind
    /// the device in whose network the address is; behind `device` if it is in none.
    pub async fn external_up(&mut self, ue: UeAddress, device: Option<&str>) {
        if !self.forwards {
            self.forwards = true;
            sysctl::warn_if_not_forwarding(ue.ipv6.is_some());
        }
        for net in nets(ue) {
            let found = devices::with_network_of(net.addr(), &self.tun_name);
            if let (Some(found), Some(named)) = (&found, device)
                && found != named
            {
                info!(
                    device = found,
                    euu_if_name = named,
                    "the client is behind the device of its network"
                );
            }
            let Some(device) = found.or_else(|| device.map(str::to_owned)) else {
                warn!("no device has the network of an external client, expected euu_if_name");
                debug!(%net, "no device has the network of an external client");
                continue;
            };
            report("rule", net, self.routing.add_rule(Rule::from(net, &device)).await);
            report("way back", net, self.add_way_back(net, &device).await);
            self.clients.insert(net, device);
        }
    }

    /// The opposite of [`UeSide::external_up`].
    pub async fn external_down(&mut self, ue: UeAddress) {
        for net in nets(ue) {
            let Some(device) = self.clients.remove(&net) else {
                continue;
            };
            report("way back", net, self.remove_way_back(net, &device).await);
            let rule = Rule::from(net, &device);
            report("rule", net, self.routing.remove_rule(&rule).await);
        }
    }

    /// An address that the P-GW chose may be one that this host has no route to: then it is on the client's link.
    async fn add_way_back(&mut self, net: IpNet, device: &str) -> Result<(), Error> {
        let index = index(device)?;
        if device == THIS_HOST || self.routing.leads_to(net.addr(), index).await? {
            return Ok(());
        }
        self.routing.add_route(net, index).await?;
        self.routing.add_rule(Rule::to(net, &self.tun_name)).await
    }

    async fn remove_way_back(&mut self, net: IpNet, device: &str) -> Result<(), Error> {
        self.routing.remove_rule(&Rule::to(net, &self.tun_name)).await?;
        self.routing.remove_route(net, index(device)?).await
    }

    /// This host itself is the UE: it gets the address, and what it sends from there goes into the tunnel.
    pub async fn local_up(&mut self, ue: UeAddress) {
        for net in nets(ue) {
            let rule = Rule::from(net, THIS_HOST);
            report("rule", net, self.routing.add_rule(rule).await);
        }
        for address in addresses(ue) {
            report("address", address.into(), self.routing.hold(address).await);
        }
    }

    /// The opposite of [`UeSide::local_up`].
    pub async fn local_down(&mut self, ue: UeAddress) {
        for address in addresses(ue) {
            report("address", address.into(), self.routing.release(address).await);
        }
        for net in nets(ue) {
            let rule = Rule::from(net, THIS_HOST);
            report("rule", net, self.routing.remove_rule(&rule).await);
        }
    }

    /// Takes everything away.
    pub async fn stop(&mut self) {
        self.routing.clear().await;
    }
}

/// What a P-GW's configuration says of SGi.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sgi<'a> {
    /// This node's address there.
    pub address: Option<IpAddr>,
    /// A subnet of UEs; in the container packaging of go-gtp's gw-tester, that of the servers.
    pub subnet: Option<IpNet>,
    /// The name of the device.
    pub device: Option<&'a str>,
    /// Packets of UEs leave with this node's address.
    pub nat: bool,
}

impl Sgi<'_> {
    /// The device that has the address, or is in the subnet, or has the name. Names change with the order in which a
    /// container gets its networks; addresses do not.
    fn find_device(&self) -> Option<String> {
        let with_address = self.address.and_then(devices::with_address);
        let found = with_address.or_else(|| self.subnet.and_then(devices::with_network));
        if let (Some(found), Some(named)) = (&found, self.device)
            && found != named
        {
            info!(
                device = found,
                sgi_if_name = named,
                "SGi is at the device of its address"
            );
        }
        found.or_else(|| self.device.map(str::to_owned))
    }
}

/// The host of a P-GW.
#[derive(Debug)]
pub struct NetworkSide {
    routing: Routing,
    nat: Option<Nat>,
    /// What is routed as a whole; UEs elsewhere have a route each.
    routed: Vec<IpNet>,
}

impl NetworkSide {
    /// Takes away what a killed process left, and routes `subnets` into the TUN device: for packets that come in from SGi
    /// (from anywhere if its device is not known), and for those of this host.
    ///
    /// A subnet that overlaps with a network that this host is attached to stays as it is: its hosts would be cut off.
    /// UEs in there have a route each.
    pub async fn start(
        tun_name: &str,
        route_table: u32,
        sgi: Sgi<'_>,
        subnets: &[IpNet],
    ) -> Result<NetworkSide, Problem> {
        let device = sgi.find_device();
        let explain = |error| explain(error, route_table);
        let mut routing = Routing::open(tun_name, route_table).await.map_err(explain)?;
        let attached = routing.attached_networks().await.map_err(explain)?;
        let mut routed = Vec::new();
        for subnet in subnets {
            if let Some(network) = attached.iter().find(|network| overlap(network, subnet)) {
                debug!(%subnet, %network, "not routed as a whole");
                continue;
            }
            routing.add_route(*subnet, routing.tun).await.map_err(explain)?;
            routed.push(*subnet);
        }
        for any in [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())] {
            let rules = match device.as_deref() {
                Some(device) => vec![Rule::from(any, device), Rule::from(any, THIS_HOST)],
                None => vec![Rule::everything(any)],
            };
            for rule in rules {
                optional_ipv6(any.addr(), routing.add_rule(rule).await).map_err(explain)?;
            }
        }
        sysctl::accept_any_source(tun_name);
        if device.as_deref() != Some(THIS_HOST) {
            sysctl::warn_if_not_forwarding(subnets.iter().any(|subnet| matches!(subnet, IpNet::V6(_))));
        }
        let nat = match (sgi.nat, &device) {
            (false, _) => None,
            (true, Some(device)) => Some(Nat::start(tun_name, device)?),
            (true, None) => {
                let what = "the device of SGi is not known, expected local_addresses.sgi_ip or sgi_if_name";
                return Err(Problem::new("sgi_nat", what));
            }
        };
        Ok(NetworkSide { routing, nat, routed })
    }

    /// A UE has this address.
    pub async fn up(&mut self, ue: UeAddress) {
        for net in self.lone(ue) {
            let tun = self.routing.tun;
            report("route", net, self.routing.add_route(net, tun).await);
        }
    }

    /// The opposite of [`NetworkSide::up`].
    pub async fn down(&mut self, ue: UeAddress) {
        for net in self.lone(ue) {
            let tun = self.routing.tun;
            report("route", net, self.routing.remove_route(net, tun).await);
        }
    }

    /// What no subnet covers.
    fn lone(&self, ue: UeAddress) -> Vec<IpNet> {
        let covered = |net: &IpNet| self.routed.iter().any(|subnet| subnet.contains(net));
        nets(ue).filter(|net| !covered(net)).collect()
    }

    /// Takes everything away.
    pub async fn stop(&mut self) {
        self.routing.clear().await;
        if let Some(nat) = self.nat.take() {
            nat.stop();
        }
    }
}

fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// The whole of a UE's addresses: /32 and /64.
fn nets(ue: UeAddress) -> impl Iterator<Item = IpNet> {
    let v4 = ue.ipv4.map(|address| IpNet::from(IpAddr::V4(address)));
    let v6 = ue
        .ipv6
        .and_then(|address| Ipv6Net::new(address, 64).ok())
        .map(|net| IpNet::V6(net.trunc()));
    v4.into_iter().chain(v6)
}

/// The addresses themselves.
fn addresses(ue: UeAddress) -> impl Iterator<Item = IpAddr> {
    let v4 = ue.ipv4.map(IpAddr::V4);
    v4.into_iter().chain(ue.ipv6.map(IpAddr::V6))
}

/// A kernel without IPv6 serves IPv4 all the same.
fn optional_ipv6(address: IpAddr, done: Result<(), Error>) -> Result<(), Error> {
    match done {
        Err(error) if address.is_ipv6() && !error.is_forbidden() => {
            debug!(%error, "no IPv6");
            Ok(())
        }
        done => done,
    }
}

/// One UE's routes must not stop the node: the others go on.
fn report(what: &'static str, net: IpNet, done: Result<(), Error>) {
    if let Err(error) = done {
        warn!(%error, what, "host not changed");
        debug!(%net, what, "host not changed");
    }
}

fn explain(error: Error, route_table: u32) -> Problem {
    if let Error::TableInUse = error {
        return Problem::new("route_table", format!("{route_table} is {error}"));
    }
    let what = match error.is_forbidden() {
        true => format!(
            "routes may not be set in table {route_table}, expected CAP_NET_ADMIN in this network namespace: run as \
             root, `setcap cap_net_admin+p` the program, or give the container `cap_add: [NET_ADMIN]`"
        ),
        false => format!("routes cannot be set in table {route_table}: {error}"),
    };
    Problem::new("route_table", what)
}

#[cfg(test)]
mod tests;
