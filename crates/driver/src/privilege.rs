//! CAP_NET_ADMIN: the one capability that a daemon uses, and only while it changes the network.
//!
//! ```text
//! control   effective while TUN device, routes and rules are made, and again whenever a session changes them;
//!           permitted as long as it runs, for sessions come and go
//! packets   none, neither effective nor permitted: these threads read what others send
//! ```
//!
//! A file capability that is only permitted (`setcap cap_net_admin+p`) suffices, and lets the program start, and say what
//! it lacks, where the capability is not to be had.

use caps::{CapSet, Capability};
use tracing::debug;

/// CAP_NET_ADMIN is effective in this thread as long as this value lives.
#[derive(Debug)]
#[must_use]
pub(crate) struct NetAdmin(());

impl NetAdmin {
    /// Where it is not permitted, the kernel refuses what needs it, and that is what is told.
    pub(crate) fn raise() -> NetAdmin {
        if let Err(error) = caps::raise(None, CapSet::Effective, Capability::CAP_NET_ADMIN) {
            debug!(%error, "CAP_NET_ADMIN is not permitted");
        }
        NetAdmin(())
    }
}

impl Drop for NetAdmin {
    fn drop(&mut self) {
        if let Err(error) = caps::drop(None, CapSet::Effective, Capability::CAP_NET_ADMIN) {
            debug!(%error, "CAP_NET_ADMIN stays effective");
        }
    }
}

/// Gives up every capability of this thread, for good.
pub(crate) fn give_up() {
    for set in [CapSet::Effective, CapSet::Permitted] {
        if let Err(error) = caps::clear(None, set) {
            debug!(%error, ?set, "capabilities stay");
        }
    }
}

/// No program that this process might start has more privileges than it.
pub(crate) fn gain_no_more() {
    if let Err(error) = nix::sys::prctl::set_no_new_privs() {
        debug!(%error, "no_new_privs is not set");
    }
}
