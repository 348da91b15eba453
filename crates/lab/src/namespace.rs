use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::process::Command;
use std::sync::Arc;
use std::{panic, thread};

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{fstat, stat};

use crate::{Error, Process, Result, netlink};

/// The network of one node. It lives as long as this value, a socket or a process in it.
#[derive(Debug, Clone)]
pub struct Namespace {
    name: String,
    net: Arc<OwnedFd>,
}

/// What went through a network device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// The device.
    pub device: String,
    /// Octets that came in.
    pub received_octets: u64,
    /// Packets that came in.
    pub received_packets: u64,
    /// Octets that went out.
    pub sent_octets: u64,
    /// Packets that went out.
    pub sent_packets: u64,
}

impl Namespace {
    /// A new, empty network; its loopback is up.
    pub fn new(name: &str) -> Result<Namespace> {
        // A namespace belongs to a thread: this one takes a new one, and ends.
        let net = on_own_thread(name, || {
            unshare(CloneFlags::CLONE_NEWNET)
                .map_err(Error::errno(format!("a network namespace for {name}")))?;
            open_own(name)
        })?;
        let namespace = Namespace {
            name: name.to_owned(),
            net: Arc::new(net),
        };
        netlink::bring_up(&namespace, "lo")?;
        Ok(namespace)
    }

    /// The network that the caller is in.
    pub fn current(name: &str) -> Result<Namespace> {
        Ok(Namespace {
            name: name.to_owned(),
            net: Arc::new(open_own(name)?),
        })
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file descriptor that stands for it, in this process: `/proc/PID/fd/N` is what `nsenter --net=` takes.
    pub fn raw_fd(&self) -> RawFd {
        self.net.as_raw_fd()
    }

    pub(crate) fn fd(&self) -> Arc<OwnedFd> {
        self.net.clone()
    }

    /// Runs `task` inside, on a thread of its own. Sockets that it makes stay inside for their life.
    pub fn run<T: Send>(&self, task: impl FnOnce() -> T + Send) -> T {
        on_own_thread(&self.name, || {
            // To enter where one is already takes a privilege, and is of no use.
            if !self.is_own() {
                // The descriptor is a namespace and the process may enter it: it made it.
                setns(self.net.as_fd(), CloneFlags::CLONE_NEWNET)
                    .unwrap_or_else(|errno| panic!("cannot enter the namespace of {}: {errno}", self.name));
            }
            task()
        })
    }

    /// Whether the calling thread is inside.
    fn is_own(&self) -> bool {
        match (fstat(self.net.as_fd()), stat("/proc/thread-self/ns/net")) {
            (Ok(there), Ok(here)) => (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino),
            _ => false,
        }
    }

    /// Starts a program inside; what it prints is appended to `log`.
    pub fn spawn(&self, name: &str, command: Command, log: &std::path::Path) -> Result<Process> {
        self.run(|| Process::start(name, command, log))
    }

    /// Sets `/proc/sys/net/KEY`, such as `ipv4/ip_forward`.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        let path = format!("/proc/sys/net/{key}");
        self.run(|| fs::write(&path, value))
            .map_err(Error::io(format!("{}: write {value} to {path}", self.name)))
    }

    /// Adds a route to everywhere.
    pub fn default_route(&self, gateway: std::net::IpAddr) -> Result<()> {
        netlink::default_route(self, gateway)
    }

    /// Adds an address to a device.
    pub fn add_address(&self, device: &str, address: ipnet::IpNet) -> Result<()> {
        netlink::add_address(self, device, address)
    }

    /// Every device, address, route and rule, each in words of its own, sorted: two of these are equal if and only if
    /// nothing was changed, or all was put back.
    pub fn inventory(&self) -> Result<Vec<String>> {
        netlink::inventory(self)
    }

    /// Counters of all devices.
    pub fn traffic(&self) -> Result<Vec<Traffic>> {
        self.run(Traffic::here)
    }
}

impl Traffic {
    /// Counters of all devices of the network that the calling thread is in.
    pub fn here() -> Result<Vec<Traffic>> {
        let table =
            fs::read_to_string("/proc/thread-self/net/dev").map_err(Error::io("counters of devices"))?;
        Ok(table.lines().filter_map(traffic_of_line).collect())
    }
}

/// `  s1u: octets packets errs drop fifo frame compressed multicast octets packets ...`
fn traffic_of_line(line: &str) -> Option<Traffic> {
    let (device, numbers) = line.split_once(':')?;
    let numbers: Vec<u64> = numbers.split_whitespace().map_while(|n| n.parse().ok()).collect();
    Some(Traffic {
        device: device.trim().to_owned(),
        received_octets: *numbers.first()?,
        received_packets: *numbers.get(1)?,
        sent_octets: *numbers.get(8)?,
        sent_packets: *numbers.get(9)?,
    })
}

fn open_own(name: &str) -> Result<OwnedFd> {
    File::open("/proc/thread-self/ns/net")
        .map(OwnedFd::from)
        .map_err(Error::io(format!("the network namespace of {name}")))
}

fn on_own_thread<T: Send>(name: &str, task: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name(format!("in-{name}"))
            .spawn_scoped(scope, task)
            .expect("a thread");
        thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_from_the_kernels_table() {
        let line = "   s1u:    1234      12    0    0    0     0          0         0     5678      34    0    0    0     0       0          0";
        assert_eq!(
            traffic_of_line(line),
            Some(Traffic {
                device: "s1u".into(),
                received_octets: 1234,
                received_packets: 12,
                sent_octets: 5678,
                sent_packets: 34,
            })
        );
        assert_eq!(traffic_of_line("Inter-|   Receive       |  Transmit"), None);
    }
}
