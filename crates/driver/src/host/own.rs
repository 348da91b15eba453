//! The addresses of this host, followed as they come and go.

use futures_util::{FutureExt, StreamExt};
use rtnetlink::MulticastGroup;
use tracing::{debug, warn};

use super::devices;
use crate::user_plane::OwnAddresses;

/// Keeps `own` what it is called, from now on.
///
/// The kernel tells of each change; what it tells is only that there is one, so that nothing is lost if it tells too much
/// at once. Without netlink the addresses stay those of the start.
pub(crate) fn follow(own: &OwnAddresses) {
    // Listening first: a change between the two is seen twice.
    let groups = [MulticastGroup::Ipv4Ifaddr, MulticastGroup::Ipv6Ifaddr];
    let changes = rtnetlink::new_multicast_connection(&groups);
    look(own);
    let (connection, _, mut changes) = match changes {
        Ok(connection) => connection,
        Err(error) => return warn!(%error, "addresses of this host are not followed"),
    };
    tokio::spawn(connection);
    let own = own.clone();
    tokio::spawn(async move {
        while changes.next().await.is_some() {
            // All that are there already, with one look.
            while changes.next().now_or_never().flatten().is_some() {}
            look(&own);
        }
        warn!("addresses of this host are not followed any more");
    });
}

fn look(own: &OwnAddresses) {
    match devices::own_addresses() {
        Ok(addresses) => {
            debug!(count = addresses.len(), "addresses of this host");
            own.set(addresses);
        }
        Err(error) => warn!(%error, "addresses of this host cannot be read"),
    }
}
