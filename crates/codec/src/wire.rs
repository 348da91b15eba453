//! The one cursor that reads octets, and the one sink that takes them.
//!
//! All indexing of untrusted octets is in here, so that no decoder above can run past an end.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::error::{ValueError, ValueProblem};

/// Reads forward through borrowed octets; every read says what it was for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Reader { octets, at: 0 }
    }

    /// Octets read so far.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn left(&self) -> usize {
        self.octets.len() - self.at
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left() == 0
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ValueError> {
        match self
            .octets
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<N>())
        {
            Some(found) => {
                self.at += N;
                Ok(*found)
            }
            None => Err(self.short(what)),
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, ValueError> {
        self.array::<1>(what).map(|[octet]| octet)
    }

    #[inline]
    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, ValueError> {
        self.array(what).map(u16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u24(&mut self, what: &'static str) -> Result<u32, ValueError> {
        self.array(what).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    #[inline]
    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, ValueError> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// A rate of 40 bits, as in Bearer QoS.
    #[inline]
    pub(crate) fn u40(&mut self, what: &'static str) -> Result<u64, ValueError> {
        self.array(what)
            .map(|[a, b, c, d, e]| u64::from_be_bytes([0, 0, 0, a, b, c, d, e]))
    }

    pub(crate) fn ipv4(&mut self, what: &'static str) -> Result<Ipv4Addr, ValueError> {
        self.array::<4>(what).map(Ipv4Addr::from)
    }

    pub(crate) fn ipv6(&mut self, what: &'static str) -> Result<Ipv6Addr, ValueError> {
        self.array::<16>(what).map(Ipv6Addr::from)
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], ValueError> {
        match self.octets.get(self.at..).and_then(|rest| rest.get(..length)) {
            Some(found) => {
                self.at += length;
                Ok(found)
            }
            None => Err(self.short(what)),
        }
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = self.octets.get(self.at..).unwrap_or(&[]);
        self.at = self.octets.len();
        rest
    }

    pub(crate) fn short(&self, what: &'static str) -> ValueError {
        ValueError {
            what,
            at: self.at,
            problem: ValueProblem::Short,
            ie: None,
            group: None,
        }
    }

    /// What was just read cannot be: the error points at the octet before the cursor.
    pub(crate) fn incorrect(&self, what: &'static str) -> ValueError {
        ValueError {
            what,
            at: self.at.saturating_sub(1),
            problem: ValueProblem::Incorrect,
            ie: None,
            group: None,
        }
    }
}

/// Appends to a buffer, most significant octet first.
pub(crate) trait Put {
    fn put(&mut self, octets: &[u8]);

    fn put_u8(&mut self, value: u8) {
        self.put(&[value]);
    }
    fn put_u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }
    /// The low 24 bits.
    fn put_u24(&mut self, value: u32) {
        let [_, a, b, c] = value.to_be_bytes();
        self.put(&[a, b, c]);
    }
    fn put_u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }
    /// At most 40 bits; a larger value is written as the largest.
    fn put_u40(&mut self, value: u64) {
        let [_, _, _, a, b, c, d, e] = value.min(0xff_ffff_ffff).to_be_bytes();
        self.put(&[a, b, c, d, e]);
    }
    fn put_ipv4(&mut self, address: Ipv4Addr) {
        self.put(&address.octets());
    }
    fn put_ipv6(&mut self, address: Ipv6Addr) {
        self.put(&address.octets());
    }
}

impl Put for Vec<u8> {
    #[inline]
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

/// Writes `body` after a 16-bit length that counts it. A body that the length cannot count is cut at 65,535 octets.
#[inline]
pub(crate) fn counted_u16(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.put_u16(0);
    body(out);
    let length = out.len() - start - 2;
    let length = u16::try_from(length).unwrap_or_else(|_| {
        out.truncate(start + 2 + usize::from(u16::MAX));
        u16::MAX
    });
    if let Some(place) = out.get_mut(start..start + 2) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}
