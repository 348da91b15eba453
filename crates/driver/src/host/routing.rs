//! Rules, routes and addresses with our mark, over rtnetlink.

use std::collections::HashSet;
use std::future::ready;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use futures_util::TryStreamExt;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::AddressAttribute;
use netlink_packet_route::link::LinkAttribute;
use netlink_packet_route::route::{RouteAttribute, RouteMessage, RouteProtocol, RouteScope, RouteType};
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use rtnetlink::{Handle, IpVersion, LinkUnspec, RouteMessageBuilder};
use tracing::{debug, info};

/// The mark of everything that we add: `proto 213` in what `ip rule` and `ip route` show.
pub const PROTOCOL: u8 = 213;

/// Before the main table (32766), after the local one (0).
const PRIORITY: u32 = 30_000;

/// The metric of a route that is taken when there is no other.
const LAST: u32 = 4_294_967_294;

/// What went wrong between us and the kernel.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("no netlink socket: {0}")]
    Socket(#[from] std::io::Error),
    #[error("{0}")]
    Netlink(#[from] rtnetlink::Error),
    #[error("network device `{0}` is not there")]
    NoDevice(String),
    #[error("in use by another node in this network namespace, expected a table of its own")]
    TableInUse,
}

impl Error {
    pub(super) fn is_forbidden(&self) -> bool {
        self.code() == Some(nix::libc::EPERM)
    }

    /// The error number of the kernel's answer.
    fn code(&self) -> Option<i32> {
        match self {
            Error::Netlink(rtnetlink::Error::NetlinkError(message)) => Some(message.raw_code().abs()),
            Error::Netlink(_) | Error::Socket(_) | Error::NoDevice(_) | Error::TableInUse => None,
        }
    }
}

/// Packets between these networks that come in at `device` (`lo`: that this host sends; none: wherever) are routed by
/// the node's table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Rule {
    from: IpNet,
    to: IpNet,
    device: Option<String>,
}

impl Rule {
    pub(super) fn from(from: IpNet, device: &str) -> Rule {
        Rule {
            from,
            to: all(from),
            device: Some(device.to_owned()),
        }
    }

    pub(super) fn to(to: IpNet, device: &str) -> Rule {
        Rule {
            from: all(to),
            to,
            device: Some(device.to_owned()),
        }
    }

    /// Every packet of the family of `any`.
    pub(super) fn everything(any: IpNet) -> Rule {
        Rule {
            from: all(any),
            to: all(any),
            device: None,
        }
    }
}

/// All addresses of the family of `net`.
pub(super) fn all(net: IpNet) -> IpNet {
    match net {
        IpNet::V4(_) => IpNet::V4(Ipv4Net::default()),
        IpNet::V6(_) => IpNet::V6(Ipv6Net::default()),
    }
}

/// One node's table, and what it has added.
#[derive(Debug)]
pub(super) struct Routing {
    handle: Handle,
    /// The index of the TUN device.
    pub(super) tun: u32,
    table: u32,
    rules: HashSet<Rule>,
    /// Networks, and the indices of the devices they are routed into.
    routes: HashSet<(IpNet, u32)>,
    addresses: HashSet<IpAddr>,
    /// Families whose packets go nowhere when no other route of the table takes them.
    closed: Vec<IpNet>,
    /// Shows other nodes in this network namespace that the table is taken; it goes with the process.
    _claim: UnixDatagram,
}

/// An address that means nobody (RFC 7600 §4.8), so that the TUN device always has one: the kernel takes a device's IPv4
/// routes away with its last address.
const ANCHOR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 8));

impl Routing {
    /// Opens netlink, and takes away the rules and routes that a killed process left in this table.
    pub(super) async fn open(tun_name: &str, table: u32) -> Result<Routing, Error> {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        tokio::spawn(connection);
        let tun = super::index(tun_name)?;
        let claim = claim(table)?;
        let routing = Routing {
            handle,
            tun,
            table,
            rules: HashSet::new(),
            routes: HashSet::new(),
            addresses: HashSet::new(),
            closed: Vec::new(),
            _claim: claim,
        };
        routing.reclaim().await?;
        Ok(routing)
    }

    async fn reclaim(&self) -> Result<(), Error> {
        let (rules, routes) = self.reclaim_of(IpVersion::V4).await?;
        // A kernel without IPv6 has none to take away.
        let (rules6, routes6) = self.reclaim_of(IpVersion::V6).await.unwrap_or_default();
        let (rules, routes) = (rules + rules6, routes + routes6);
        if rules + routes > 0 {
            info!(
                rules,
                routes,
                table = self.table,
                "leftovers of a killed process removed"
            );
        }
        Ok(())
    }

    async fn reclaim_of(&self, family: IpVersion) -> Result<(usize, usize), Error> {
        let any = match family {
            IpVersion::V4 => RouteMessageBuilder::<Ipv4Addr>::new().build(),
            IpVersion::V6 => RouteMessageBuilder::<Ipv6Addr>::new().build(),
        };
        let rules = self.handle.rule().get(family).execute();
        let rules: Vec<RuleMessage> = rules
            .try_filter(|rule| ready(self.is_our_rule(rule)))
            .try_collect()
            .await?;
        let routes = self.handle.route().get(any).execute();
        let routes: Vec<RouteMessage> = routes
            .try_filter(|route| ready(self.is_our_route(route)))
            .try_collect()
            .await?;
        let removed = (rules.len(), routes.len());
        for rule in rules {
            gone(self.handle.rule().del(rule).execute().await)?;
        }
        for route in routes {
            gone(self.handle.route().del(route).execute().await)?;
        }
        Ok(removed)
    }

    fn is_our_rule(&self, rule: &RuleMessage) -> bool {
        let has = |wanted: &RuleAttribute| rule.attributes.contains(wanted);
        let table = u32::from(rule.header.table) == self.table || has(&RuleAttribute::Table(self.table));
        table && has(&RuleAttribute::Protocol(RouteProtocol::Other(PROTOCOL)))
    }

    fn is_our_route(&self, route: &RouteMessage) -> bool {
        let table = u32::from(route.header.table) == self.table
            || route.attributes.contains(&RouteAttribute::Table(self.table));
        table && route.header.protocol == RouteProtocol::Other(PROTOCOL)
    }

    pub(super) async fn add_rule(&mut self, rule: Rule) -> Result<(), Error> {
        if self.rules.contains(&rule) {
            return Ok(());
        }
        let mut request = self.handle.rule().add();
        *request.message_mut() = self.rule_message(&rule);
        request.execute().await?;
        self.rules.insert(rule);
        Ok(())
    }

    pub(super) async fn remove_rule(&mut self, rule: &Rule) -> Result<(), Error> {
        if !self.rules.remove(rule) {
            return Ok(());
        }
        self.handle.rule().del(self.rule_message(rule)).execute().await?;
        Ok(())
    }

    fn rule_message(&self, rule: &Rule) -> RuleMessage {
        let mut message = RuleMessage::default();
        message.header.family = family(rule.from.addr());
        message.header.action = RuleAction::ToTable;
        message.attributes = vec![
            RuleAttribute::Priority(PRIORITY),
            RuleAttribute::Table(self.table),
            RuleAttribute::Protocol(RouteProtocol::Other(PROTOCOL)),
        ];
        message
            .attributes
            .extend(rule.device.clone().map(RuleAttribute::Iifname));
        if rule.from.prefix_len() > 0 {
            message.header.src_len = rule.from.prefix_len();
            message.attributes.push(RuleAttribute::Source(rule.from.addr()));
        }
        if rule.to.prefix_len() > 0 {
            message.header.dst_len = rule.to.prefix_len();
            message
                .attributes
                .push(RuleAttribute::Destination(rule.to.addr()));
        }
        message
    }

    /// Routes a network into a device, in the node's table.
    pub(super) async fn add_route(&mut self, net: IpNet, device: u32) -> Result<(), Error> {
        if self.routes.contains(&(net, device)) {
            return Ok(());
        }
        let route = self.route_message(net, device);
        self.handle.route().add(route).execute().await?;
        self.routes.insert((net, device));
        Ok(())
    }

    pub(super) async fn remove_route(&mut self, net: IpNet, device: u32) -> Result<(), Error> {
        if !self.routes.remove(&(net, device)) {
            return Ok(());
        }
        let route = self.route_message(net, device);
        self.handle.route().del(route).execute().await?;
        Ok(())
    }

    fn route_message(&self, net: IpNet, device: u32) -> RouteMessage {
        match net {
            IpNet::V4(net) => RouteMessageBuilder::<Ipv4Addr>::new()
                .destination_prefix(net.network(), net.prefix_len())
                .output_interface(device)
                .table_id(self.table)
                .protocol(RouteProtocol::Other(PROTOCOL))
                .scope(RouteScope::Link)
                .build(),
            IpNet::V6(net) => RouteMessageBuilder::<Ipv6Addr>::new()
                .destination_prefix(net.network(), net.prefix_len())
                .output_interface(device)
                .table_id(self.table)
                .protocol(RouteProtocol::Other(PROTOCOL))
                .build(),
        }
    }

    /// Makes the table the end of the way for a family: what no route takes goes nowhere, never around the tunnel.
    pub(super) async fn close(&mut self, any: IpNet) -> Result<(), Error> {
        self.handle
            .route()
            .add(self.end_of_the_way(any))
            .execute()
            .await?;
        self.closed.push(any);
        Ok(())
    }

    fn end_of_the_way(&self, any: IpNet) -> RouteMessage {
        let protocol = RouteProtocol::Other(PROTOCOL);
        match any {
            IpNet::V4(_) => RouteMessageBuilder::<Ipv4Addr>::new()
                .kind(RouteType::Unreachable)
                .priority(LAST)
                .table_id(self.table)
                .protocol(protocol)
                .build(),
            IpNet::V6(_) => RouteMessageBuilder::<Ipv6Addr>::new()
                .kind(RouteType::Unreachable)
                .priority(LAST)
                .table_id(self.table)
                .protocol(protocol)
                .build(),
        }
    }

    /// Gives the TUN device a lower MTU; `false` if it has one already.
    pub(super) async fn lower_mtu(&self, mtu: u16) -> Result<bool, Error> {
        let mtu = u32::from(mtu);
        let mut links = self.handle.link().get().match_index(self.tun).execute();
        let has = links.try_next().await?.and_then(|link| {
            link.attributes.iter().find_map(|attribute| match attribute {
                LinkAttribute::Mtu(mtu) => Some(*mtu),
                _ => None,
            })
        });
        if has.is_some_and(|has| has <= mtu) {
            return Ok(false);
        }
        let lower = LinkUnspec::new_with_index(self.tun).mtu(mtu).build();
        self.handle.link().set(lower).execute().await?;
        Ok(true)
    }

    /// Gives the TUN device an address for as long as it is there.
    pub(super) async fn anchor(&mut self) -> Result<(), Error> {
        let anchor = self.handle.address().add(self.tun, ANCHOR, 32);
        anchor.replace().execute().await?;
        self.addresses.insert(ANCHOR);
        Ok(())
    }

    /// Puts an address on the TUN device, unless this host has it already, as go-gtp's nodes ask operators to arrange.
    pub(super) async fn hold(&mut self, address: IpAddr) -> Result<(), Error> {
        if self.addresses.contains(&address) || self.is_local(address).await? {
            debug!(%address, "there already");
            return Ok(());
        }
        let length = IpNet::from(address).prefix_len();
        self.handle
            .address()
            .add(self.tun, address, length)
            .execute()
            .await?;
        self.addresses.insert(address);
        Ok(())
    }

    pub(super) async fn release(&mut self, address: IpAddr) -> Result<(), Error> {
        if !self.addresses.remove(&address) {
            return Ok(());
        }
        let request = self
            .handle
            .address()
            .add(self.tun, address, IpNet::from(address).prefix_len());
        let message = { request }.message_mut().clone();
        self.handle.address().del(message).execute().await?;
        Ok(())
    }

    /// Whether the kernel would deliver packets for this address here.
    async fn is_local(&self, address: IpAddr) -> Result<bool, Error> {
        let way = self.way_to(address).await?;
        Ok(way.is_some_and(|route| route.header.kind == RouteType::Local))
    }

    /// Whether the kernel sends packets for this address into this device already, or keeps them for itself.
    pub(super) async fn leads_to(&self, address: IpAddr, device: u32) -> Result<bool, Error> {
        let way = self.way_to(address).await?;
        Ok(way.is_some_and(|route| {
            route.header.kind == RouteType::Local || route.attributes.contains(&RouteAttribute::Oif(device))
        }))
    }

    /// The route that the kernel would take to this address from here; none is none.
    async fn way_to(&self, address: IpAddr) -> Result<Option<RouteMessage>, Error> {
        let route = match address {
            IpAddr::V4(address) => RouteMessageBuilder::<Ipv4Addr>::new()
                .destination_prefix(address, 32)
                .build(),
            IpAddr::V6(address) => RouteMessageBuilder::<Ipv6Addr>::new()
                .destination_prefix(address, 128)
                .build(),
        };
        let found: Result<Vec<RouteMessage>, rtnetlink::Error> =
            self.handle.route().get(route).execute().try_collect().await;
        match found {
            Ok(routes) => Ok(routes.into_iter().next()),
            Err(rtnetlink::Error::NetlinkError(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The networks that this host has addresses in, those of the TUN device and single addresses left out.
    pub(super) async fn attached_networks(&self) -> Result<Vec<IpNet>, Error> {
        let mut networks = Vec::new();
        let mut addresses = self.handle.address().get().execute();
        while let Some(message) = addresses.try_next().await? {
            let length = message.header.prefix_len;
            for attribute in &message.attributes {
                // The prefix is that of the peer where there is one.
                let AddressAttribute::Address(address) = attribute else {
                    continue;
                };
                if let Ok(net) = IpNet::new(*address, length)
                    && message.header.index != self.tun
                    && length < net.max_prefix_len()
                {
                    networks.push(net.trunc());
                }
            }
        }
        Ok(networks)
    }

    /// Takes away all that was added. What resists is left to the next start.
    pub(super) async fn clear(&mut self) {
        for rule in std::mem::take(&mut self.rules) {
            let gone = self.handle.rule().del(self.rule_message(&rule)).execute().await;
            ignore(gone);
        }
        for (net, device) in std::mem::take(&mut self.routes) {
            ignore(
                self.handle
                    .route()
                    .del(self.route_message(net, device))
                    .execute()
                    .await,
            );
        }
        for any in std::mem::take(&mut self.closed) {
            ignore(self.handle.route().del(self.end_of_the_way(any)).execute().await);
        }
        for address in std::mem::take(&mut self.addresses) {
            self.addresses.insert(address);
            if let Err(error) = self.release(address).await {
                debug!(%error, "left");
            }
        }
    }
}

/// Takes a table for this process: the socket's name is known in this network namespace only.
fn claim(table: u32) -> Result<UnixDatagram, Error> {
    let name = SocketAddr::from_abstract_name(format!("gw-tester/route-table/{table}"))?;
    UnixDatagram::bind_addr(&name).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => Error::TableInUse,
        _ => error.into(),
    })
}

/// What went by itself since it was looked at, with the device of a process that has just ended, is gone as well.
fn gone(done: Result<(), rtnetlink::Error>) -> Result<(), Error> {
    match done.map_err(Error::from) {
        Err(error)
            if matches!(
                error.code(),
                Some(nix::libc::ESRCH | nix::libc::ENOENT | nix::libc::ENODEV)
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}

fn ignore(done: Result<(), rtnetlink::Error>) {
    if let Err(error) = done {
        debug!(%error, "left");
    }
}

fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}
