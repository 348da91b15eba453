//! Network devices, found by their addresses.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;

/// The device that has this address.
pub(super) fn with_address(address: IpAddr) -> Option<String> {
    networks()
        .find(|(_, network)| network.addr() == address)
        .map(|(device, _)| device)
}

/// The device that is in this network.
pub(super) fn with_network(network: IpNet) -> Option<String> {
    networks()
        .find(|(_, other)| other.trunc() == network)
        .map(|(device, _)| device)
}

/// The device in whose network this address is, one of `but` apart.
pub(super) fn with_network_of(address: IpAddr, but: &str) -> Option<String> {
    networks()
        .find(|(device, network)| device != but && network.contains(&address))
        .map(|(device, _)| device)
}

/// Every address at which this host takes packets, broadcast addresses among them.
pub(super) fn own_addresses() -> io::Result<HashSet<IpAddr>> {
    let mut own = HashSet::from([IpAddr::V4(Ipv4Addr::BROADCAST)]);
    for device in getifaddrs()? {
        own.extend(device.address.and_then(ip));
        // At a device that is no broadcast medium, this is the address of the other end.
        if device.flags.contains(InterfaceFlags::IFF_BROADCAST) {
            own.extend(device.broadcast.and_then(ip));
        }
    }
    Ok(own)
}

/// Devices with their addresses and the lengths of their prefixes; single addresses left out.
fn networks() -> impl Iterator<Item = (String, IpNet)> {
    let devices = getifaddrs().into_iter().flatten();
    devices.filter_map(|device| {
        let address = ip(device.address?)?;
        let network = IpNet::with_netmask(address, ip(device.netmask?)?).ok()?;
        (network.prefix_len() < network.max_prefix_len()).then_some((device.interface_name, network))
    })
}

fn ip(address: SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}
