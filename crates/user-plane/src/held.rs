use std::collections::VecDeque;
use std::net::IpAddr;

use epc_codec::Teid;

/// Datagrams of all tunnels together.
const MOST: usize = 1024;
/// Datagrams of one tunnel; the first ones are kept, for they open connections.
const MOST_A_TUNNEL: usize = 32;

/// Datagrams whose tunnel waits for its next peer, TS 23.401 §5.3.4.3: a UE's first answers may be faster than the
/// signalling that opens its downlink.
#[derive(Debug, Default)]
pub(crate) struct Held {
    waiting: VecDeque<(Teid, IpAddr, Vec<u8>)>,
    released: Vec<(IpAddr, Vec<u8>)>,
}

impl Held {
    /// Keeps a copy, if there is room.
    pub(crate) fn keep(&mut self, teid: Teid, from: IpAddr, datagram: &[u8]) -> bool {
        let of_tunnel = self
            .waiting
            .iter()
            .filter(|(waiting, ..)| *waiting == teid)
            .count();
        let room = self.waiting.len() < MOST && of_tunnel < MOST_A_TUNNEL;
        if room {
            self.waiting.push_back((teid, from, datagram.to_vec()));
        }
        room
    }

    /// The tunnel has a next peer: what waits for it goes there.
    pub(crate) fn release(&mut self, teid: Teid) {
        let released = &mut self.released;
        self.waiting.retain_mut(|(waiting, from, datagram)| {
            let stays = *waiting != teid;
            if !stays {
                released.push((*from, std::mem::take(datagram)));
            }
            stays
        });
    }

    /// The tunnel is gone; how many datagrams are lost with it.
    pub(crate) fn forget(&mut self, teid: Teid) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, ..)| *waiting != teid);
        before - self.waiting.len()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is on its way now, in the order in which it came.
    pub(crate) fn take_released(&mut self) -> Vec<(IpAddr, Vec<u8>)> {
        std::mem::take(&mut self.released)
    }
}
