//! Addresses of this host: at a device, in a subnet, of a network of its pod.

use std::net::{IpAddr, Ipv6Addr, UdpSocket};
use std::path::{Path, PathBuf};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use super::annotations::{self, Attachment};
use super::{Found, NetworkName, Pause, Source, Tell};

/// Looks until something is found, which then stays.
pub(super) async fn wait(source: Source, annotations: PathBuf, tell: Tell) {
    let mut pause = Pause::default();
    loop {
        match look(&source, &annotations) {
            Ok(found) => return tell.found(found),
            Err(why) => {
                pause.wait(&source, &why, &tell).await;
            }
        }
    }
}

/// An address that this host has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) device: String,
    pub(super) address: IpAddr,
    pub(super) loopback: bool,
}

fn look(source: &Source, annotations: &Path) -> Result<Vec<Found>, String> {
    let all = own_addresses().map_err(|error| format!("addresses cannot be read: {error}"))?;
    let mut found = match source {
        Source::Interface(name) => at_device(&all, name)?,
        Source::Subnet(subnet) => {
            let inside = all.iter().filter(|own| subnet.contains(&own.address));
            let found: Vec<Found> = inside.map(Own::found).collect();
            if found.is_empty() {
                return Err(format!("this host has no address in {subnet}"));
            }
            found
        }
        Source::Network(network) => {
            let text = std::fs::read_to_string(annotations)
                .map_err(|error| format!("{} cannot be read: {error}", annotations.display()))?;
            of_network(&all, &text, network)?
        }
        Source::Fixed(_) | Source::Name(_) | Source::Pods(_) => Vec::new(),
    };
    // An IPv6 address is of no use before it is known to be ours alone.
    found.retain(|found| UdpSocket::bind((found.address, 0)).is_ok());
    // IPv4 first; else as the kernel has them, the first one that was given to a device first.
    found.sort_by_key(|found| found.address.is_ipv6());
    match found.is_empty() {
        true => Err("its address cannot be bound yet".to_owned()),
        false => Ok(found),
    }
}

fn at_device(all: &[Own], name: &str) -> Result<Vec<Found>, String> {
    let at: Vec<Found> = all
        .iter()
        .filter(|own| own.device == name)
        .map(Own::found)
        .collect();
    match at.is_empty() {
        true => Err(format!("no interface {name} that is up and has an address")),
        false => Ok(at),
    }
}

/// The addresses of a network, by the annotations of the pod.
pub(super) fn of_network(
    all: &[Own],
    annotations: &str,
    network: &NetworkName,
) -> Result<Vec<Found>, String> {
    let attachment = annotations::find(&annotations::read(annotations), network)?;
    if let Attachment::Addresses(addresses) = &attachment {
        let ours = all.iter().filter(|own| addresses.contains(&own.address));
        let found: Vec<Found> = ours.map(Own::found).collect();
        return match found.is_empty() {
            true => Err(format!("{addresses:?} is no address of this host yet")),
            false => Ok(found),
        };
    }
    let devices: Vec<&str> = all
        .iter()
        .filter(|own| !own.loopback)
        .map(|own| own.device.as_str())
        .collect();
    match attachment.device(&devices)? {
        Some(device) => at_device(all, device),
        None => Err("no device".to_owned()),
    }
}

impl Own {
    fn found(&self) -> Found {
        Found {
            address: self.address,
            device: Some(self.device.clone()),
        }
    }
}

/// What peers can reach: of devices that are up, and not of the link alone.
fn own_addresses() -> nix::Result<Vec<Own>> {
    let own = |interface: nix::ifaddrs::InterfaceAddress| {
        if !interface.flags.contains(InterfaceFlags::IFF_UP) {
            return None;
        }
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        let v6 = || address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
        let address = v4.or_else(v6)?;
        let reachable = !matches!(address, IpAddr::V6(v6) if is_link_local(v6));
        reachable.then(|| Own {
            device: interface.interface_name.clone(),
            address,
            loopback: interface.flags.contains(InterfaceFlags::IFF_LOOPBACK),
        })
    };
    Ok(getifaddrs()?.filter_map(own).collect())
}

fn is_link_local(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}
