//! The sessions of a gateway, found by what messages name.

use std::net::IpAddr;

use epc_codec::{Ebi, Imsi, Teid};

use crate::index::{Hashed, Index};
use crate::{Peer, TeidKey};

/// As many names may a session have.
pub const NAMES: usize = 4;

/// What the table asks of a session.
pub trait Session {
    /// The TEID that we gave out for it on the control plane.
    fn teid(&self) -> Teid;
    /// What else it is found by, each kind of name in a place of its own.
    fn names(&self) -> [Option<Name>; NAMES];
}

/// What a session is found by, its TEID aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    /// The subscriber and the default bearer.
    Bearer(Imsi, Ebi),
    /// A tunnel end of ours on the user plane.
    Tunnel(Teid),
    /// A tunnel end of a peer's on the user plane, to which its packets go.
    PeersTunnel(IpAddr, Teid),
}

impl From<Peer> for Name {
    fn from(peer: Peer) -> Name {
        Name::PeersTunnel(peer.ip(), peer.teid)
    }
}

/// Sessions are allocated so many at a time, where there are some, so that a growing table moves none.
const CHUNK: usize = 32;

/// All sessions of a node: a dense table by the index in the TEID. Of two with the same name the later one is found.
#[derive(Debug)]
pub struct Sessions<S> {
    key: TeidKey,
    chunks: Vec<Box<[Option<S>]>>,
    names: Index,
    len: usize,
}

impl<S: Session> Sessions<S> {
    /// None yet. Their TEIDs are made with this key.
    pub fn new(key: TeidKey) -> Sessions<S> {
        Sessions {
            key,
            chunks: Vec::new(),
            names: Index::new(),
            len: 0,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The session with this TEID.
    pub fn get(&self, teid: Teid) -> Option<&S> {
        self.at(self.key.index(teid))
            .filter(|session| session.teid() == teid)
    }

    /// The same, to change what it is not found by.
    pub fn get_mut(&mut self, teid: Teid) -> Option<&mut S> {
        let session = self.slot_mut(self.key.index(teid))?.as_mut();
        session.filter(|session| session.teid() == teid)
    }

    /// The session with this name.
    pub fn find(&self, name: impl Into<Name>) -> Option<&S> {
        let name = name.into();
        self.at(self.place_of(self.names.hash(&name), name)?)
    }

    /// All of them, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &S> {
        self.chunks.iter().flatten().flatten()
    }

    /// The TEIDs of those that `which` chooses.
    pub fn teids(&self, which: impl Fn(&S) -> bool) -> Vec<Teid> {
        let chosen = self.iter().filter(|session| which(session));
        chosen.map(|session| session.teid()).collect()
    }

    /// Adds a session, with a TEID that the others do not have.
    pub fn insert(&mut self, session: S) {
        let place = self.key.index(session.teid());
        let chunk = place as usize / CHUNK;
        if self.chunks.len() <= chunk {
            self.chunks.resize_with(chunk + 1, Box::default);
        }
        if self.chunks[chunk].is_empty() {
            self.chunks[chunk] = (0..CHUNK).map(|_| None).collect();
        }
        self.rename(place, [None; NAMES], session.names());
        if let Some(slot) = self.slot_mut(place)
            && slot.replace(session).is_none()
        {
            self.len += 1;
        }
    }

    /// Changes a session, and what it is found by; gives back what `change` does.
    pub fn change<R>(&mut self, teid: Teid, change: impl FnOnce(&mut S) -> R) -> Option<R> {
        let session = self.get_mut(teid)?;
        let before = session.names();
        let changed = change(session);
        let after = session.names();
        self.rename(self.key.index(teid), before, after);
        Some(changed)
    }

    /// Takes a session out.
    pub fn remove(&mut self, teid: Teid) -> Option<S> {
        self.get(teid)?;
        let place = self.key.index(teid);
        let session = self.slot_mut(place)?.take()?;
        self.len -= 1;
        self.rename(place, session.names(), [None; NAMES]);
        Some(session)
    }

    fn at(&self, place: u32) -> Option<&S> {
        let place = place as usize;
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)?.as_ref()
    }

    fn slot_mut(&mut self, place: u32) -> Option<&mut Option<S>> {
        let place = place as usize;
        self.chunks.get_mut(place / CHUNK)?.get_mut(place % CHUNK)
    }

    fn place_of(&self, hashed: Hashed, name: Name) -> Option<u32> {
        let has_name = |place| {
            self.at(place)
                .is_some_and(|session| session.names().contains(&Some(name)))
        };
        self.names.find(hashed, has_name)
    }

    fn rename(&mut self, place: u32, before: [Option<Name>; NAMES], after: [Option<Name>; NAMES]) {
        for (before, after) in before.into_iter().zip(after) {
            if before == after {
                continue;
            }
            if let Some(name) = before {
                self.names.remove(self.names.hash(&name), place);
            }
            if let Some(name) = after {
                let hashed = self.names.hash(&name);
                if let Some(former) = self.place_of(hashed, name) {
                    self.names.remove(hashed, former);
                }
                self.names.insert(hashed, place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TeidAllocator;

    const KEY: TeidKey = TeidKey::new([1, 2, 3, 4]);

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Tunnel {
        teid: Teid,
        ebi: Ebi,
        peer: Option<(IpAddr, Teid)>,
    }

    impl Session for Tunnel {
        fn teid(&self) -> Teid {
            self.teid
        }

        fn names(&self) -> [Option<Name>; NAMES] {
            let peer = self.peer.map(|(address, teid)| Name::PeersTunnel(address, teid));
            [Some(bearer(self.ebi)), peer, None, None]
        }
    }

    fn bearer(ebi: Ebi) -> Name {
        Name::Bearer("001010000000001".parse().unwrap(), ebi)
    }

    fn peer(teid: u32) -> (IpAddr, Teid) {
        (IpAddr::from([192, 0, 2, 1]), Teid(teid))
    }

    fn found(sessions: &Sessions<Tunnel>, (address, teid): (IpAddr, Teid)) -> Option<Teid> {
        let session = sessions.find(Name::PeersTunnel(address, teid));
        session.map(|session| session.teid)
    }

    #[test]
    fn session_is_found_by_its_teid_and_its_present_names_until_it_is_removed() {
        let mut teids = TeidAllocator::new(KEY);
        let mut sessions = Sessions::new(KEY);
        let all: Vec<Tunnel> = (0..200)
            .map(|number| Tunnel {
                teid: teids.allocate().unwrap(),
                ebi: Ebi(number as u8),
                peer: Some(peer(number)),
            })
            .collect();
        all.iter().for_each(|session| sessions.insert(*session));
        assert_eq!(sessions.len(), 200);
        assert_eq!(sessions.iter().copied().collect::<Vec<_>>(), all);
        for session in &all {
            assert_eq!(sessions.get(session.teid), Some(session));
            assert_eq!(sessions.find(bearer(session.ebi)), Some(session));
            sessions.change(session.teid, |session| session.peer = None);
            assert_eq!(found(&sessions, session.peer.unwrap()), None);
            sessions.change(session.teid, |session| session.peer = Some(peer(1000)));
            assert_eq!(found(&sessions, peer(1000)), Some(session.teid), "the later one");
        }
        for session in &all {
            assert!(sessions.remove(session.teid).is_some());
            assert!(sessions.remove(session.teid).is_none());
            assert_eq!(sessions.get(session.teid), None);
            assert_eq!(sessions.find(bearer(session.ebi)), None);
        }
        assert!(sessions.is_empty() && found(&sessions, peer(1000)).is_none());
    }

    #[test]
    fn teid_of_a_former_session_finds_not_the_one_in_its_place() {
        let mut teids = TeidAllocator::new(KEY);
        let mut sessions = Sessions::new(KEY);
        let former = teids.allocate().unwrap();
        teids.free(former);
        let session = loop {
            let teid = teids.allocate().unwrap();
            if KEY.index(teid) == KEY.index(former) {
                break teid;
            }
            teids.free(teid);
        };
        sessions.insert(Tunnel {
            teid: session,
            ebi: Ebi(5),
            peer: None,
        });
        assert!(sessions.get(session).is_some());
        assert!(sessions.get(former).is_none() && sessions.remove(former).is_none());
    }
}
