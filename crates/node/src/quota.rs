//! How many sessions each peer has opened, so that one of them does not take the places of all.

use std::net::IpAddr;

use epc_codec::Teid;
use hashbrown::HashMap;

/// Sessions by the address that asked for them. A session stays with it, whoever takes the session over: an address that
/// a request merely names has not asked for anything.
#[derive(Debug, Default)]
pub struct Quota {
    opened: HashMap<IpAddr, usize>,
    /// Who opened the sessions whose owner is another one.
    others: HashMap<Teid, IpAddr>,
}

impl Quota {
    /// How many sessions of this peer's are there.
    pub fn of(&self, peer: IpAddr) -> usize {
        self.opened.get(&peer).copied().unwrap_or(0)
    }

    /// Who opened a session that is its `owner`'s.
    pub fn opener(&self, session: Teid, owner: IpAddr) -> IpAddr {
        self.others.get(&session).copied().unwrap_or(owner)
    }

    /// A session is there that `peer` asked for and that is `owner`'s.
    pub fn open(&mut self, session: Teid, peer: IpAddr, owner: IpAddr) {
        *self.opened.entry(peer).or_default() += 1;
        if peer != owner {
            self.others.insert(session, peer);
        }
    }

    /// A session went from one owner to another.
    pub fn move_owner(&mut self, session: Teid, from: IpAddr, to: IpAddr) {
        let opener = self.opener(session, from);
        if opener == to {
            self.others.remove(&session);
        } else {
            self.others.insert(session, opener);
        }
    }

    /// A session of `owner`'s is there no more.
    pub fn close(&mut self, session: Teid, owner: IpAddr) {
        let opener = self.others.remove(&session).unwrap_or(owner);
        if let Some(opened) = self.opened.get_mut(&opener) {
            *opened -= 1;
            if *opened == 0 {
                self.opened.remove(&opener);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn session_counts_for_who_asked_for_it_whoever_has_it() {
        let mut quota = Quota::default();
        quota.open(Teid(1), A, A);
        quota.open(Teid(2), A, B);
        assert_eq!((quota.of(A), quota.of(B)), (2, 0));
        quota.move_owner(Teid(1), A, B);
        assert_eq!((quota.of(A), quota.opener(Teid(1), B)), (2, A));
        quota.move_owner(Teid(1), B, A);
        quota.close(Teid(1), A);
        quota.close(Teid(2), B);
        assert!(quota.opened.is_empty() && quota.others.is_empty());
    }
}
