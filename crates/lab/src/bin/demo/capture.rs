//! Captures the networks of a container, a pcapng file each, in the demo's image.

use std::net::IpAddr;
use std::path::PathBuf;

use caps::{CapSet, Capability};
use clap::Parser;
use epc_lab::demo::Stop;
use epc_lab::{Capture, Error, Namespace, Point, Result};
use ipnet::IpNet;
use nix::ifaddrs::getifaddrs;

/// Writes every frame of some networks into a pcapng file a network, until it is told to stop. Needs CAP_NET_RAW.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The directory of the files, NAME.pcapng.
    #[arg(long, default_value = ".")]
    into: PathBuf,
    /// What to capture: the device that has an address in this network.
    #[arg(required = true, value_name = "NAME=NETWORK", value_parser = named_network)]
    networks: Vec<(String, IpNet)>,
}

fn named_network(text: &str) -> std::result::Result<(String, IpNet), String> {
    let expected = || "expected NAME=NETWORK, such as lte-s1u=172.21.0.0/24".to_owned();
    let (name, network) = text.split_once('=').ok_or_else(expected)?;
    if name.is_empty() || name.contains('/') {
        return Err(expected());
    }
    Ok((name.to_owned(), network.parse().map_err(|_| expected())?))
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let stop = Stop::listen()?;
    // Where it is not permitted, the kernel refuses the socket and says so.
    let _ = caps::raise(None, CapSet::Effective, Capability::CAP_NET_RAW);
    let here = Namespace::current("here")?;
    let mut captures = Vec::new();
    for (name, network) in &args.networks {
        let device = device_in(*network)
            .ok_or_else(|| Error::Refused(format!("no device has an address in {network}")))?;
        let file = args.into.join(format!("{name}.pcapng"));
        let point = Point {
            namespace: &here,
            device: &device,
            label: name,
        };
        captures.push((name, Capture::start(&[point], &file, |_| {})?));
        println!("{name}: {device} into {}", file.display());
    }
    stop.wait()?;
    for (name, capture) in captures {
        println!("{name}: {} frames", capture.stop()?.frames);
    }
    Ok(())
}

fn device_in(network: IpNet) -> Option<String> {
    let devices = getifaddrs().ok()?;
    devices
        .filter_map(|device| Some((device.interface_name, device.address?.as_sockaddr_in()?.ip())))
        .find(|(_, address)| network.contains(&IpAddr::V4(*address)))
        .map(|(device, _)| device)
}
