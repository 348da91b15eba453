//! The values of IEs: TS 36.413 §9.2, as types that hold what the specification admits and nothing else.

mod diagnostics;
mod erab;
mod identity;
mod security;
mod setup;

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Deref;

use oxirush_s1ap::aper::{Encode, Reader, Writer};
use oxirush_s1ap::{Bits, Octets, s1ap as asn1};

pub use diagnostics::*;
pub use erab::*;
pub use identity::*;
pub use security::*;
pub use setup::*;

use super::pdu::{Criticality, Ie, read_ie, write_ie};
use crate::Plmn;

/// The value of an IE, in the octets of its open type.
pub(super) trait Value: Sized {
    fn read(octets: &[u8]) -> Result<Self, Wrong>;
    fn write(&self) -> Vec<u8>;
}

/// Why the value of an IE was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) Cow<'static, str>);

impl Wrong {
    pub(super) const fn new(why: &'static str) -> Self {
        Self(Cow::Borrowed(why))
    }
}

impl From<oxirush_s1ap::Error> for Wrong {
    fn from(error: oxirush_s1ap::Error) -> Self {
        Self(error.reason().into())
    }
}

/// No octet follows the value.
pub(super) fn finished(r: &Reader<'_>) -> Result<(), Wrong> {
    Ok(r.finish()?)
}

/// What `write` writes.
pub(super) fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut octets = Vec::new();
    write(&mut Writer::new(&mut octets));
    octets
}

/// A value of the bindings in APER. Our types admit only what the bindings encode, which the tests walk through.
fn encoded<T: Encode>(value: &T) -> Vec<u8> {
    let octets = asn1::encode_open_type(value);
    debug_assert!(octets.is_ok(), "{}: {octets:?}", T::NAME);
    octets.map(Octets::into_vec).unwrap_or_default()
}

fn decoded<'a, T: oxirush_s1ap::Decode<'a>>(octets: &'a [u8]) -> Result<T, Wrong> {
    Ok(asn1::decode_open_type(octets)?)
}

/// A `Bits` of a width that holds `value`, whose upper bits are cut.
fn bits(value: u32, width: usize) -> Bits {
    let value = u64::from(value) & ((1 << width) - 1);
    // Fits: it was cut.
    Bits::new(value, width).unwrap_or_default()
}

fn plmn(octets: asn1::PLMNidentity) -> Plmn {
    Plmn::from_s1ap_octets(octets.0.0)
}

fn plmn_identity(plmn: Plmn) -> asn1::PLMNidentity {
    asn1::PLMNidentity(asn1::TBCDSTRING(plmn.to_s1ap_octets()))
}

/// A list of 1 to `MAX` items.
///
/// ```
/// use epc_codec::s1ap::List;
///
/// let one: List<u8, 4> = [1].into();
/// assert_eq!(one.len(), 1);
/// assert!(List::<u8, 4>::new(vec![]).is_none());
/// assert!(List::<u8, 4>::new(vec![1, 2, 3, 4, 5]).is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// `None` unless there are 1 to `MAX` items.
    pub fn new(items: Vec<T>) -> Option<Self> {
        (1..=MAX).contains(&items.len()).then_some(Self(items))
    }

    /// The items.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }

    fn read(items: Vec<T>) -> Result<Self, Wrong> {
        Self::new(items).ok_or(Wrong::new("a list with too few or too many items"))
    }
}

/// The number of items is checked when the program is compiled.
impl<T, const N: usize, const MAX: usize> From<[T; N]> for List<T, MAX> {
    fn from(items: [T; N]) -> Self {
        const { assert!(N >= 1 && N <= MAX, "a list has 1 to MAX items") };
        Self(items.into())
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T, const MAX: usize> IntoIterator for &'a List<T, MAX> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T, const MAX: usize> IntoIterator for List<T, MAX> {
    type Item = T;
    type IntoIter = alloc::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// An item of a list of single containers: each item is an IE of its own.
trait Item: Sized {
    const ID: u16;
    const CRITICALITY: Criticality;
    fn read_item(octets: &[u8]) -> Result<Self, Wrong>;
    fn write_item(&self) -> Vec<u8>;
}

/// `SEQUENCE (SIZE (1..MAX)) OF ProtocolIE-SingleContainer`, where MAX is 256 in all lists of TS 36.413.
impl<T: Item> Value for List<T, 256> {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let mut r = Reader::new(octets);
        let count = r.size(1, 256)?;
        let mut items = Vec::with_capacity(count.min(r.remaining() / 32));
        for _ in 0..count {
            let Ie { id, value, .. } = read_ie(&mut r)?;
            if id != T::ID {
                return Err(Wrong::new("an item of another list"));
            }
            items.push(T::read_item(&value)?);
        }
        finished(&r)?;
        Self::read(items)
    }

    fn write(&self) -> Vec<u8> {
        written(|w| {
            // 1 to 256, which the type holds.
            let _ = w.size(self.len(), 1, 256);
            for item in self {
                write_ie(w, T::ID, T::CRITICALITY, &item.write_item());
            }
        })
    }
}
