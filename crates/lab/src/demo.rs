//! What the programs of the demo's image share.

use std::net::IpAddr;

use caps::{CapSet, Capability};
use ipnet::IpNet;
use nix::sys::prctl::set_no_new_privs;
use nix::sys::signal::{SigSet, Signal};

use crate::netlink::route_here;
use crate::{Error, Result};

/// A route that a program adds at its start.
#[derive(Debug, Clone, clap::Args)]
pub struct Route {
    /// A network that is behind the gateway of --via; needs CAP_NET_ADMIN.
    #[arg(long, value_name = "NETWORK", requires = "via")]
    route: Option<IpNet>,
    /// The address of that gateway.
    #[arg(long, value_name = "ADDRESS", requires = "route")]
    via: Option<IpAddr>,
}

impl Route {
    /// Adds the route, if one was asked for, and gives up every capability afterwards, for good.
    pub fn add(&self) -> Result<()> {
        if let (Some(net), Some(gateway)) = (self.route, self.via) {
            // Where it is not permitted, the kernel refuses the route and says so.
            let _ = caps::raise(None, CapSet::Effective, Capability::CAP_NET_ADMIN);
            route_here(net, gateway)?;
        }
        for set in [CapSet::Effective, CapSet::Permitted] {
            caps::clear(None, set).map_err(|error| Error::Refused(error.to_string()))?;
        }
        set_no_new_privs().map_err(Error::errno("no_new_privs"))
    }
}

/// SIGTERM and SIGINT, from now on awaited instead of obeyed: PID 1 of a container has no other way to hear them.
#[derive(Debug)]
pub struct Stop(SigSet);

impl Stop {
    /// To be made before any thread.
    pub fn listen() -> Result<Stop> {
        let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        signals.thread_block().map_err(Error::errno("signals"))?;
        Ok(Stop(signals))
    }

    /// Returns when one has come.
    pub fn wait(&self) -> Result<()> {
        self.0.wait().map(drop).map_err(Error::errno("signals"))
    }
}
