//! Links, addresses and routes, over rtnetlink.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;

use futures_util::TryStreamExt;
use ipnet::IpNet;
use rtnetlink::packet_route::address::AddressAttribute;
use rtnetlink::packet_route::link::{InfoData, InfoVeth, LinkAttribute};
use rtnetlink::packet_route::route::{RouteAttribute, RouteFlags};
use rtnetlink::{Handle, IpVersion, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder};

use crate::{Error, Namespace, Result};

/// One end of a [`link`].
#[derive(Debug, Clone)]
pub struct End<'a> {
    /// Where it ends.
    pub namespace: &'a Namespace,
    /// The name of the device there, 15 characters at most.
    pub device: &'a str,
    /// Its addresses.
    pub addresses: &'a [IpNet],
}

/// How a [`link`] is to be.
#[derive(Debug, Clone, Default)]
pub struct LinkOptions {
    /// Largest IP packet; the kernel's default, 1500, when `None`.
    pub mtu: Option<u32>,
    /// Every frame goes over the link as it would over a real cable: the kernel cuts its large segments before, so that
    /// a capture shows single packets. Slower.
    pub single_packets: bool,
}

/// A virtual cable between two namespaces, up, with its addresses.
pub fn link(a: &End<'_>, b: &End<'_>, options: &LinkOptions) -> Result<()> {
    let what = format!(
        "link {} of {} to {} of {}",
        a.device,
        a.namespace.name(),
        b.device,
        b.namespace.name()
    );
    let far_end = b.namespace.fd();
    netlink(a.namespace, async |handle| {
        let peer = with_options(
            LinkMessageBuilder::<LinkUnspec>::new().name(b.device.to_owned()),
            options,
        )
        .setns_by_fd(far_end.as_raw_fd())
        .build();
        let near = with_options(LinkMessageBuilder::<LinkVeth>::new(a.device, b.device), options)
            .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
            .build();
        handle
            .link()
            .add(near)
            .execute()
            .await
            .map_err(Error::netlink(what))
    })?;
    for end in [a, b] {
        keep_quiet(end);
        for address in end.addresses {
            add_address(end.namespace, end.device, *address)?;
        }
        bring_up(end.namespace, end.device)?;
    }
    Ok(())
}

fn with_options<T>(mut message: LinkMessageBuilder<T>, options: &LinkOptions) -> LinkMessageBuilder<T> {
    if let Some(mtu) = options.mtu {
        message = message.append_extra_attribute(LinkAttribute::Mtu(mtu));
    }
    if options.single_packets {
        message = message.append_extra_attribute(LinkAttribute::GsoMaxSegs(1));
    }
    message
}

/// No neighbour and router discovery where nobody speaks IPv6, no waiting for duplicates where somebody does. A kernel
/// without IPv6 or with a read-only /proc has other defaults, which do no harm.
fn keep_quiet(end: &End<'_>) {
    let speaks_ipv6 = end.addresses.iter().any(|address| address.addr().is_ipv6());
    let (key, value) = if speaks_ipv6 {
        ("accept_dad", "0")
    } else {
        ("disable_ipv6", "1")
    };
    let path = format!("/proc/sys/net/ipv6/conf/{}/{key}", end.device);
    let _ = end.namespace.run(|| fs::write(path, value));
}

pub(crate) fn bring_up(namespace: &Namespace, device: &str) -> Result<()> {
    let what = format!("{}: set {device} up", namespace.name());
    netlink(namespace, async |handle| {
        let message = LinkUnspec::new_with_name(device).up().build();
        handle
            .link()
            .set(message)
            .execute()
            .await
            .map_err(Error::netlink(what))
    })
}

pub(crate) fn set_mtu(namespace: &Namespace, device: &str, mtu: u32) -> Result<()> {
    let what = format!("{}: MTU {mtu} of {device}", namespace.name());
    netlink(namespace, async |handle| {
        let message = LinkUnspec::new_with_name(device).mtu(mtu).build();
        handle
            .link()
            .set(message)
            .execute()
            .await
            .map_err(Error::netlink(what))
    })
}

pub(crate) fn add_address(namespace: &Namespace, device: &str, address: IpNet) -> Result<()> {
    let what = format!("{}: add {address} to {device}", namespace.name());
    netlink(namespace, async |handle| {
        let index = index_of(&handle, device)
            .await
            .map_err(Error::netlink(what.clone()))?;
        let request = handle.address().add(index, address.addr(), address.prefix_len());
        request.execute().await.map_err(Error::netlink(what))
    })
}

pub(crate) fn default_route(namespace: &Namespace, gateway: IpAddr) -> Result<()> {
    let what = format!("{}: default route via {gateway}", namespace.name());
    netlink(namespace, async |handle| {
        let route = match gateway {
            IpAddr::V4(gateway) => RouteMessageBuilder::<Ipv4Addr>::new().gateway(gateway).build(),
            IpAddr::V6(gateway) => RouteMessageBuilder::<Ipv6Addr>::new().gateway(gateway).build(),
        };
        handle
            .route()
            .add(route)
            .execute()
            .await
            .map_err(Error::netlink(what))
    })
}

/// Adds a route in the namespace of the caller, or puts it in the place of one that is there.
pub(crate) fn route_here(net: IpNet, gateway: IpAddr) -> Result<()> {
    in_runtime(async |handle| {
        let route = match (net, gateway) {
            (IpNet::V4(net), IpAddr::V4(gateway)) => RouteMessageBuilder::<Ipv4Addr>::new()
                .destination_prefix(net.network(), net.prefix_len())
                .gateway(gateway)
                .build(),
            (IpNet::V6(net), IpAddr::V6(gateway)) => RouteMessageBuilder::<Ipv6Addr>::new()
                .destination_prefix(net.network(), net.prefix_len())
                .gateway(gateway)
                .build(),
            _ => {
                return Err(Error::Refused(format!(
                    "{net} and {gateway} are not of one family"
                )));
            }
        };
        let request = handle.route().add(route).replace();
        request
            .execute()
            .await
            .map_err(Error::netlink(format!("route to {net} via {gateway}")))
    })
}

/// See [`Namespace::inventory`].
pub(crate) fn inventory(namespace: &Namespace) -> Result<Vec<String>> {
    let what = format!("{}: inventory", namespace.name());
    let mut found = netlink(namespace, async |handle| {
        everything(&handle).await.map_err(Error::netlink(what))
    })?;
    found.sort_unstable();
    Ok(found)
}

async fn everything(handle: &Handle) -> std::result::Result<Vec<String>, rtnetlink::Error> {
    let mut found = Vec::new();
    let mut links = handle.link().get().execute();
    while let Some(link) = links.try_next().await? {
        let name = link.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => Some(name.clone()),
            _ => None,
        });
        found.push(format!("device {} {name:?}", link.header.index));
    }
    let mut addresses = handle.address().get().execute();
    while let Some(address) = addresses.try_next().await? {
        let lasting = address
            .attributes
            .iter()
            .filter(|a| !matches!(a, AddressAttribute::CacheInfo(_)));
        found.push(format!(
            "address on {}: {:?}",
            address.header.index,
            lasting.collect::<Vec<_>>()
        ));
    }
    let of_ipv4 = RouteMessageBuilder::<Ipv4Addr>::new().build();
    let of_ipv6 = RouteMessageBuilder::<Ipv6Addr>::new().build();
    for (family, version) in [(of_ipv4, IpVersion::V4), (of_ipv6, IpVersion::V6)] {
        let mut routes = handle.route().get(family).execute();
        while let Some(mut route) = routes.try_next().await? {
            // A link that was just made has no carrier for a moment.
            route.header.flags.remove(RouteFlags::Linkdown);
            let lasting = route
                .attributes
                .iter()
                .filter(|a| !matches!(a, RouteAttribute::CacheInfo(_)));
            found.push(format!(
                "route {:?}: {:?}",
                route.header,
                lasting.collect::<Vec<_>>()
            ));
        }
        let mut rules = handle.rule().get(version).execute();
        while let Some(rule) = rules.try_next().await? {
            found.push(format!("rule {rule:?}"));
        }
    }
    Ok(found)
}

async fn index_of(handle: &Handle, device: &str) -> std::result::Result<u32, rtnetlink::Error> {
    let mut links = handle.link().get().match_name(device.to_owned()).execute();
    match links.try_next().await? {
        Some(link) => Ok(link.header.index),
        None => Err(rtnetlink::Error::RequestFailed),
    }
}

/// Runs `task` with a netlink socket of `namespace`.
fn netlink<T: Send>(namespace: &Namespace, task: impl AsyncFnOnce(Handle) -> Result<T> + Send) -> Result<T> {
    namespace.run(|| in_runtime(task))
}

/// Runs `task` with a netlink socket of the caller's namespace.
fn in_runtime<T>(task: impl AsyncFnOnce(Handle) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::io("a runtime"))?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(Error::io("a netlink socket"))?;
        tokio::spawn(connection);
        task(handle).await
    })
}
