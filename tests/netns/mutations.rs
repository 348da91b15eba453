//! What can be wrong with a GTPv2-C message that is good: each of its IEs, at whatever depth, in each way.

/// Grouped IEs of the messages that are made worse here: Bearer Context.
const GROUPED: u8 = 93;
/// Restart counters are let be: another one is no mistake, but tells of a restart.
const RECOVERY: u8 = 3;

/// A message in pieces.
#[derive(Debug, Clone)]
pub(crate) struct Pieces {
    /// Up to the sequence number and its spare octet.
    header: Vec<u8>,
    ies: Vec<Piece>,
}

#[derive(Debug, Clone)]
struct Piece {
    kind: u8,
    instance: u8,
    contents: Contents,
    /// What the length field says instead of the truth.
    lie: Option<u16>,
}

#[derive(Debug, Clone)]
enum Contents {
    Value(Vec<u8>),
    Group(Vec<Piece>),
}

impl Pieces {
    /// Takes a good message apart.
    pub(crate) fn of(message: &[u8]) -> Option<Pieces> {
        let with_teid = message.first()? & 0x08 != 0;
        let (header, ies) = message.split_at_checked(if with_teid { 12 } else { 8 })?;
        Some(Pieces {
            header: header.to_vec(),
            ies: pieces(ies)?,
        })
    }

    /// Names another session.
    pub(crate) fn set_teid(&mut self, teid: u32) {
        if self.header.len() == 12 {
            self.header[4..8].copy_from_slice(&teid.to_be_bytes());
        }
    }

    /// With so many Bearer Contexts in all, at instance 0.
    pub(crate) fn with_bearers(&self, count: usize) -> Pieces {
        let mut many = self.clone();
        let is_bearer = |ie: &Piece| ie.kind == GROUPED && ie.instance & 15 == 0;
        if let Some(bearer) = self.ies.iter().find(|ie| is_bearer(ie)) {
            many.ies.retain(|ie| !is_bearer(ie));
            many.ies.extend(std::iter::repeat_n(bearer.clone(), count));
        }
        many
    }

    /// With a Bearer Context in a Bearer Context, and so on.
    pub(crate) fn with_nested_bearers(&self, depth: usize) -> Pieces {
        let mut deep = self.clone();
        for ie in deep.ies.iter_mut().filter(|ie| ie.kind == GROUPED) {
            for _ in 0..depth {
                let inner = ie.clone();
                ie.contents = Contents::Group(vec![inner]);
            }
        }
        deep
    }

    /// The message with another sequence number, and a length that fits.
    pub(crate) fn octets(&self, sequence: u32) -> Vec<u8> {
        let mut octets = self.header.clone();
        put(&self.ies, &mut octets);
        let length = (octets.len() - 4) as u16;
        octets[2..4].copy_from_slice(&length.to_be_bytes());
        let place = self.header.len() - 4;
        octets[place..place + 3].copy_from_slice(&sequence.to_be_bytes()[1..]);
        octets
    }

    /// Each IE missing, doubled, of every wrong length, with empty and with full flags, at another instance, and with a
    /// length that is not the truth; the message cut off at each octet, and with a length that is not the truth.
    /// `sequence` gives each of them a number of its own.
    pub(crate) fn mutations(&self, mut sequence: impl FnMut() -> u32) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for path in paths(&self.ies) {
            let mut with = |change: &dyn Fn(&mut Vec<Piece>, usize)| {
                let mut changed = self.clone();
                let (last, parents) = path.split_last().expect("each IE has a place");
                let mut siblings = &mut changed.ies;
                for parent in parents {
                    let Contents::Group(members) = &mut siblings[*parent].contents else {
                        unreachable!("the parent of an IE is a group");
                    };
                    siblings = members;
                }
                change(siblings, *last);
                all.push(changed.octets(sequence()));
            };
            let ie = at(&self.ies, &path);
            let (kind, length) = (ie.kind, ie.length());
            with(&|siblings, place| drop(siblings.remove(place)));
            with(&|siblings, place| siblings.insert(place, siblings[place].clone()));
            with(&|siblings, place| siblings[place].instance |= 15);
            for wrong in (0..length).chain(length + 1..length + 3) {
                with(&|siblings, place| siblings[place].resize(wrong));
            }
            let lies = [0, length.wrapping_sub(1), length + 1, length + 40, 0xffff];
            for lie in lies.into_iter().filter(|lie| *lie != length) {
                with(&|siblings, place| siblings[place].lie = Some(lie as u16));
            }
            if kind != RECOVERY {
                for octet in [0x00, 0xff] {
                    with(&|siblings, place| siblings[place].fill(octet));
                }
            }
        }
        let whole = self.octets(sequence());
        for end in 0..whole.len() {
            all.push(whole[..end].to_vec());
        }
        for lie in [0, 3, 7, whole.len() as u16 - 5, whole.len() as u16 - 3, 0xffff] {
            let mut lying = self.octets(sequence());
            lying[2..4].copy_from_slice(&lie.to_be_bytes());
            all.push(lying);
        }
        all
    }
}

impl Piece {
    fn length(&self) -> usize {
        match &self.contents {
            Contents::Value(value) => value.len(),
            Contents::Group(members) => members.iter().map(|member| 4 + member.length()).sum(),
        }
    }

    fn value(&self) -> Vec<u8> {
        match &self.contents {
            Contents::Value(value) => value.clone(),
            Contents::Group(members) => {
                let mut value = Vec::new();
                put(members, &mut value);
                value
            }
        }
    }

    fn resize(&mut self, length: usize) {
        let mut value = self.value();
        value.resize(length, 0xff);
        self.contents = Contents::Value(value);
    }

    fn fill(&mut self, octet: u8) {
        self.contents = Contents::Value(vec![octet; self.length()]);
    }
}

fn pieces(mut octets: &[u8]) -> Option<Vec<Piece>> {
    let mut all = Vec::new();
    while !octets.is_empty() {
        let (header, rest) = octets.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([header[1], header[2]]));
        let (value, rest) = rest.split_at_checked(length)?;
        octets = rest;
        let contents = match header[0] {
            GROUPED => Contents::Group(pieces(value)?),
            _ => Contents::Value(value.to_vec()),
        };
        all.push(Piece {
            kind: header[0],
            instance: header[3],
            contents,
            lie: None,
        });
    }
    Some(all)
}

fn put(pieces: &[Piece], octets: &mut Vec<u8>) {
    for piece in pieces {
        let value = piece.value();
        let length = piece.lie.unwrap_or(value.len() as u16);
        octets.push(piece.kind);
        octets.extend(length.to_be_bytes());
        octets.push(piece.instance);
        octets.extend(value);
    }
}

/// The place of each IE: its own, after those of the groups that it is in.
fn paths(pieces: &[Piece]) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    for (place, piece) in pieces.iter().enumerate() {
        all.push(vec![place]);
        if let Contents::Group(members) = &piece.contents {
            all.extend(
                paths(members)
                    .into_iter()
                    .map(|path| [vec![place], path].concat()),
            );
        }
    }
    all
}

fn at<'a>(pieces: &'a [Piece], path: &[usize]) -> &'a Piece {
    let (first, rest) = path.split_first().expect("each IE has a place");
    match &pieces[*first].contents {
        Contents::Group(members) if !rest.is_empty() => at(members, rest),
        _ => &pieces[*first],
    }
}
