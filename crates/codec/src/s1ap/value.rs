//! The values of IEs: TS 36.413 §9.2, as types that hold what the specification admits and nothing else.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::Deref;

use oxirush_s1ap::aper::{Encode, Reader, Writer};
use oxirush_s1ap::{BitString, Bits, Octets, s1ap as asn1};

use super::Cause;
use super::cause::erab_item;
use super::pdu::{Criticality, Ie, PduKind, read_ie, write_ie};
use crate::{Ebi, Imsi, Plmn, Teid};

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

// ---------------------------------------------------------------------------------------------------------- lists

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

// ------------------------------------------------------------------------------------------------------- identities

/// The number by which the eNB knows a UE on S1: 24 bits, TS 36.413 §9.2.3.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnbUeS1apId(u32);

impl EnbUeS1apId {
    /// The greatest, 2^24 - 1.
    pub const MAX: Self = Self(0xff_ffff);

    /// `None` if the number takes more than 24 bits.
    pub const fn new(number: u32) -> Option<Self> {
        if number <= Self::MAX.0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for EnbUeS1apId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Value for EnbUeS1apId {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self(decoded::<asn1::ENBUES1APID>(octets)?.0))
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::ENBUES1APID(self.0))
    }
}

/// The number by which the MME knows a UE on S1: 32 bits, TS 36.413 §9.2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MmeUeS1apId(pub u32);

impl fmt::Display for MmeUeS1apId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Value for MmeUeS1apId {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self(decoded::<asn1::MMEUES1APID>(octets)?.0))
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::MMEUES1APID(self.0))
    }
}

/// How a UE Context Release Command names its UE: `UE-S1AP-IDs`, TS 36.413 §9.2.3.18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UeS1apIds {
    /// Both numbers.
    Pair(MmeUeS1apId, EnbUeS1apId),
    /// The MME does not know the eNB's number.
    Mme(MmeUeS1apId),
}

impl UeS1apIds {
    /// The MME's number.
    pub fn mme_ue_s1ap_id(self) -> MmeUeS1apId {
        match self {
            Self::Pair(mme, _) | Self::Mme(mme) => mme,
        }
    }

    /// The eNB's number, if it is there.
    pub fn enb_ue_s1ap_id(self) -> Option<EnbUeS1apId> {
        match self {
            Self::Pair(_, enb) => Some(enb),
            Self::Mme(_) => None,
        }
    }
}

impl Value for UeS1apIds {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        match decoded(octets)? {
            asn1::UES1APIDs::uE_S1AP_ID_pair(pair) => Ok(Self::Pair(
                MmeUeS1apId(pair.mme_ue_s1ap_id.0),
                EnbUeS1apId(pair.enb_ue_s1ap_id.0),
            )),
            asn1::UES1APIDs::mME_UE_S1AP_ID(mme) => Ok(Self::Mme(MmeUeS1apId(mme.0))),
            _ => Err(Wrong::new("an alternative of a later release")),
        }
    }

    fn write(&self) -> Vec<u8> {
        encoded(&match *self {
            Self::Pair(mme, enb) => asn1::UES1APIDs::uE_S1AP_ID_pair(asn1::UES1APIDPair {
                mme_ue_s1ap_id: asn1::MMEUES1APID(mme.0),
                enb_ue_s1ap_id: asn1::ENBUES1APID(enb.0),
                ie_extensions: None,
            }),
            Self::Mme(mme) => asn1::UES1APIDs::mME_UE_S1AP_ID(asn1::MMEUES1APID(mme.0)),
        })
    }
}

/// One UE of a Reset or of its answer: at least one of the numbers is there when it is to mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UeConnection {
    /// The MME's number.
    pub mme_ue_s1ap_id: Option<MmeUeS1apId>,
    /// The eNB's number.
    pub enb_ue_s1ap_id: Option<EnbUeS1apId>,
}

/// The item has the criticality reject in Reset and ignore in its answer. A receiver reads either.
impl Item for UeConnection {
    const ID: u16 = 91;
    const CRITICALITY: Criticality = Criticality::Reject;

    fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
        let item = decoded::<asn1::UEAssociatedLogicalS1ConnectionItem>(octets)?;
        Ok(Self {
            mme_ue_s1ap_id: item.mme_ue_s1ap_id.map(|id| MmeUeS1apId(id.0)),
            enb_ue_s1ap_id: item.enb_ue_s1ap_id.map(|id| EnbUeS1apId(id.0)),
        })
    }

    fn write_item(&self) -> Vec<u8> {
        encoded(&asn1::UEAssociatedLogicalS1ConnectionItem {
            mme_ue_s1ap_id: self.mme_ue_s1ap_id.map(|id| asn1::MMEUES1APID(id.0)),
            enb_ue_s1ap_id: self.enb_ue_s1ap_id.map(|id| asn1::ENBUES1APID(id.0)),
            ie_extensions: None,
        })
    }
}

/// The UEs of a Reset Acknowledge.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResetConnections(pub List<UeConnection, 256>);

impl Value for ResetConnections {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self(Value::read(octets)?))
    }

    fn write(&self) -> Vec<u8> {
        written(|w| {
            let _ = w.size(self.0.len(), 1, 256);
            for item in &self.0 {
                write_ie(w, UeConnection::ID, Criticality::Ignore, &item.write_item());
            }
        })
    }
}

/// What a Reset resets, TS 36.413 §9.1.8.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ResetType {
    /// Every UE of the interface.
    All,
    /// These UEs.
    Part(List<UeConnection, 256>),
}

impl Value for ResetType {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let mut r = Reader::new(octets);
        if r.choice(2, 0, true)? == 0 {
            r.enumerated(1, 0, true)?;
            finished(&r)?;
            return Ok(Self::All);
        }
        let count = r.size(1, 256)?;
        let mut items = Vec::with_capacity(count.min(r.remaining() / 32));
        for _ in 0..count {
            let Ie { id, value, .. } = read_ie(&mut r)?;
            if id != UeConnection::ID {
                return Err(Wrong::new("an item of another list"));
            }
            items.push(UeConnection::read_item(&value)?);
        }
        finished(&r)?;
        Ok(Self::Part(List::read(items)?))
    }

    fn write(&self) -> Vec<u8> {
        written(|w| match self {
            Self::All => {
                w.index(0, 2, true);
                w.index(0, 1, true);
            }
            Self::Part(connections) => {
                w.index(1, 2, true);
                let _ = w.size(connections.len(), 1, 256);
                for item in connections {
                    write_ie(w, UeConnection::ID, UeConnection::CRITICALITY, &item.write_item());
                }
            }
        })
    }
}

/// The number of an eNB in its PLMN, and how long it is, TS 36.413 §9.2.1.37.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnbId {
    kind: EnbKind,
    value: u32,
}

/// The length of an eNB ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EnbKind {
    /// 20 bits.
    Macro,
    /// 28 bits: a home eNB, its number is that of its one cell.
    Home,
    /// 18 bits.
    ShortMacro,
    /// 21 bits.
    LongMacro,
}

impl EnbKind {
    /// How many bits the number has.
    pub const fn bits(self) -> usize {
        match self {
            Self::Macro => 20,
            Self::Home => 28,
            Self::ShortMacro => 18,
            Self::LongMacro => 21,
        }
    }
}

impl EnbId {
    /// `None` if the number takes more bits than its kind has.
    pub const fn new(kind: EnbKind, value: u32) -> Option<Self> {
        if value >> kind.bits() == 0 {
            Some(Self { kind, value })
        } else {
            None
        }
    }

    /// Of a macro eNB; `None` if the number takes more than 20 bits.
    pub const fn macro_enb(value: u32) -> Option<Self> {
        Self::new(EnbKind::Macro, value)
    }

    /// How long the number is.
    pub const fn kind(self) -> EnbKind {
        self.kind
    }

    /// The number.
    pub const fn value(self) -> u32 {
        self.value
    }
}

/// The eNB, in the world: Global eNB ID, TS 36.413 §9.2.1.37.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlobalEnbId {
    /// The network.
    pub plmn: Plmn,
    /// The eNB in it.
    pub enb_id: EnbId,
}

impl fmt::Display for GlobalEnbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:#x}", self.plmn, self.enb_id.value)
    }
}

impl Value for GlobalEnbId {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let id = decoded::<asn1::GlobalENBID>(octets)?;
        let (kind, value) = match id.enb_id {
            asn1::ENBID::macroENB_ID(value) => (EnbKind::Macro, value),
            asn1::ENBID::homeENB_ID(value) => (EnbKind::Home, value),
            asn1::ENBID::short_macroENB_ID(value) => (EnbKind::ShortMacro, value),
            asn1::ENBID::long_macroENB_ID(value) => (EnbKind::LongMacro, value),
            _ => return Err(Wrong::new("an eNB ID of a later release")),
        };
        let enb_id =
            EnbId::new(kind, value.value() as u32).ok_or(Wrong::new("an eNB ID that is too long"))?;
        Ok(Self {
            plmn: plmn(id.plmn_identity),
            enb_id,
        })
    }

    fn write(&self) -> Vec<u8> {
        let EnbId { kind, value } = self.enb_id;
        let value = bits(value, kind.bits());
        encoded(&asn1::GlobalENBID {
            plmn_identity: plmn_identity(self.plmn),
            enb_id: match kind {
                EnbKind::Macro => asn1::ENBID::macroENB_ID(value),
                EnbKind::Home => asn1::ENBID::homeENB_ID(value),
                EnbKind::ShortMacro => asn1::ENBID::short_macroENB_ID(value),
                EnbKind::LongMacro => asn1::ENBID::long_macroENB_ID(value),
            },
            ie_extensions: None,
        })
    }
}

/// Tracking Area Identity, TS 36.413 §9.2.3.16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tai {
    /// The network.
    pub plmn: Plmn,
    /// The Tracking Area Code in it.
    pub tac: u16,
}

impl Tai {
    fn of(tai: asn1::TAI) -> Self {
        Self {
            plmn: plmn(tai.plmn_identity),
            tac: u16::from_be_bytes(tai.tac.0),
        }
    }

    fn asn1(&self) -> asn1::TAI {
        asn1::TAI {
            plmn_identity: plmn_identity(self.plmn),
            tac: asn1::TAC(self.tac.to_be_bytes()),
            ie_extensions: None,
        }
    }
}

impl fmt::Display for Tai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.plmn, self.tac)
    }
}

impl Value for Tai {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self::of(decoded(octets)?))
    }

    fn write(&self) -> Vec<u8> {
        encoded(&self.asn1())
    }
}

/// An item of the list of areas that are paged.
impl Item for Tai {
    const ID: u16 = 47;
    const CRITICALITY: Criticality = Criticality::Ignore;

    fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self::of(decoded::<asn1::TAIItem>(octets)?.tai))
    }

    fn write_item(&self) -> Vec<u8> {
        encoded(&asn1::TAIItem {
            tai: self.asn1(),
            ie_extensions: None,
        })
    }
}

/// E-UTRAN Cell Global Identifier, TS 36.413 §9.2.1.38.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ecgi {
    /// The network.
    pub plmn: Plmn,
    /// The E-UTRAN Cell Identity, 28 bits: the macro eNB ID, then eight bits of the cell. Upper bits do not travel.
    pub eci: u32,
}

impl Ecgi {
    /// Of the cell `cell` of an eNB.
    pub fn of_enb(enb: GlobalEnbId, cell: u8) -> Self {
        let shift = 28 - enb.enb_id.kind.bits();
        let cell = u32::from(cell) & ((1 << shift) - 1);
        Self {
            plmn: enb.plmn,
            eci: enb.enb_id.value << shift | cell,
        }
    }
}

impl fmt::Display for Ecgi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:#x}", self.plmn, self.eci)
    }
}

impl Value for Ecgi {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let cell = decoded::<asn1::EUTRANCGI>(octets)?;
        Ok(Self {
            plmn: plmn(cell.plmn_identity),
            eci: cell.cell_id.0.value() as u32,
        })
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::EUTRANCGI {
            plmn_identity: plmn_identity(self.plmn),
            cell_id: asn1::CellIdentity(bits(self.eci, 28)),
            ie_extensions: None,
        })
    }
}

/// S-TMSI, the short temporary identity of a UE, TS 36.413 §9.2.3.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct STmsi {
    /// MME Code.
    pub mme_code: u8,
    /// M-TMSI.
    pub m_tmsi: u32,
}

impl Value for STmsi {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let tmsi = decoded::<asn1::STMSI>(octets)?;
        Ok(Self {
            mme_code: tmsi.mmec.0[0],
            m_tmsi: u32::from_be_bytes(tmsi.m_tmsi.0),
        })
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::STMSI {
            mmec: asn1::MMECode([self.mme_code]),
            m_tmsi: asn1::MTMSI(self.m_tmsi.to_be_bytes()),
            ie_extensions: None,
        })
    }
}

/// Globally Unique MME Identifier, TS 36.413 §9.2.3.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gummei {
    /// The network.
    pub plmn: Plmn,
    /// MME Group ID.
    pub mme_group_id: u16,
    /// MME Code.
    pub mme_code: u8,
}

impl Value for Gummei {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let gummei = decoded::<asn1::GUMMEI>(octets)?;
        Ok(Self {
            plmn: plmn(gummei.plmn_identity),
            mme_group_id: u16::from_be_bytes(gummei.mme_group_id.0),
            mme_code: gummei.mme_code.0[0],
        })
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::GUMMEI {
            plmn_identity: plmn_identity(self.plmn),
            mme_group_id: asn1::MMEGroupID(self.mme_group_id.to_be_bytes()),
            mme_code: asn1::MMECode([self.mme_code]),
            ie_extensions: None,
        })
    }
}

/// Whom a Paging is for, TS 36.413 §9.2.3.13.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UePagingId {
    /// By its temporary identity.
    STmsi(STmsi),
    /// By its IMSI.
    Imsi(Imsi),
}

impl Value for UePagingId {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        match decoded(octets)? {
            asn1::UEPagingID::s_TMSI(tmsi) => Ok(Self::STmsi(STmsi {
                mme_code: tmsi.mmec.0[0],
                m_tmsi: u32::from_be_bytes(tmsi.m_tmsi.0),
            })),
            asn1::UEPagingID::iMSI(imsi) => {
                let text: String = imsi
                    .0
                    .iter()
                    .flat_map(|octet| [octet & 0x0f, octet >> 4])
                    .map(tbcd)
                    .collect();
                let imsi = text.trim_end_matches('f').parse();
                Ok(Self::Imsi(imsi.map_err(|_| {
                    Wrong::new("an IMSI that is not 1 to 15 decimal digits")
                })?))
            }
            _ => Err(Wrong::new("an identity of a later release")),
        }
    }

    fn write(&self) -> Vec<u8> {
        encoded(&match self {
            Self::STmsi(tmsi) => asn1::UEPagingID::s_TMSI(asn1::STMSI {
                mmec: asn1::MMECode([tmsi.mme_code]),
                m_tmsi: asn1::MTMSI(tmsi.m_tmsi.to_be_bytes()),
                ie_extensions: None,
            }),
            Self::Imsi(imsi) => {
                let digits: Vec<u8> = imsi.digits().collect();
                let pair = |pair: &[u8]| pair[0] | pair.get(1).copied().unwrap_or(0x0f) << 4;
                let mut octets: Vec<u8> = digits.chunks(2).map(pair).collect();
                // `OCTET STRING (SIZE (3..8))`: a shorter IMSI is filled.
                octets.resize(octets.len().max(3), 0xff);
                asn1::UEPagingID::iMSI(asn1::IMSI(Octets::from(octets)))
            }
        })
    }
}

fn tbcd(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or('f')
}

// ---------------------------------------------------------------------------------------------------------- S1 Setup

/// The name of a node: 1 to 150 characters of an ASN.1 `PrintableString`, that is letters, digits, space and
/// `'()+,-./:=?`.
///
/// Real eNBs send other characters, such as `"`. A name that was received keeps them; a name that is made here does not
/// have them.
///
/// ```
/// use epc_codec::s1ap::NodeName;
///
/// assert_eq!(NodeName::new("enb-1").unwrap().as_str(), "enb-1");
/// assert!(NodeName::new("").is_none());
/// assert_eq!(NodeName::lossy("eNB_1").unwrap().as_str(), "eNB-1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(String);

impl NodeName {
    /// `None` unless the name is 1 to 150 printable characters.
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=150).contains(&name.len()) && name.chars().all(printable);
        fits.then(|| Self(name.to_string()))
    }

    /// The name with a dash for what is no printable character, cut at 150 characters; `None` for an empty one.
    pub fn lossy(name: &str) -> Option<Self> {
        let name: String = name
            .chars()
            .map(|c| if printable(c) { c } else { '-' })
            .take(150)
            .collect();
        Self::new(&name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn printable(c: char) -> bool {
    c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c)
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An octet a character (X.691 §30.5.4), whatever the character.
impl Value for NodeName {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let mut r = Reader::new(octets);
        let name = match r.bit()? {
            // The first extension bit, then a length of its own for names of a later release.
            true => r.open_type()?.into_vec(),
            false => {
                let length = r.size(1, 150)?;
                r.align();
                r.octets(length)?.to_vec()
            }
        };
        finished(&r)?;
        if name.is_empty() {
            return Err(Wrong::new("an empty name"));
        }
        let name = String::from_utf8(name).map_err(|_| Wrong::new("a name that is no text"))?;
        Ok(Self(name))
    }

    fn write(&self) -> Vec<u8> {
        written(|w| {
            let longer = self.0.len() > 150;
            w.bit(longer);
            if longer {
                w.open_type(self.0.as_bytes());
                return;
            }
            // 1 to 150, as checked.
            let _ = w.size(self.0.len(), 1, 150);
            w.align();
            w.octets(self.0.as_bytes());
        })
    }
}

/// A tracking area that an eNB serves, and the networks that it broadcasts there, TS 36.413 §9.1.8.4.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SupportedTa {
    /// Tracking Area Code.
    pub tac: u16,
    /// The networks.
    pub broadcast_plmns: List<Plmn, 6>,
}

impl Value for List<SupportedTa, 256> {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let mut items = Vec::new();
        for item in decoded::<asn1::SupportedTAs>(octets)?.0 {
            items.push(SupportedTa {
                tac: u16::from_be_bytes(item.tac.0),
                broadcast_plmns: List::read(item.broadcast_plmns.0.into_iter().map(plmn).collect())?,
            });
        }
        Self::read(items)
    }

    fn write(&self) -> Vec<u8> {
        let item = |area: &SupportedTa| asn1::SupportedTAsItem {
            tac: asn1::TAC(area.tac.to_be_bytes()),
            broadcast_plmns: asn1::BPLMNs(area.broadcast_plmns.iter().copied().map(plmn_identity).collect()),
            ie_extensions: None,
        };
        encoded(&asn1::SupportedTAs(self.iter().map(item).collect()))
    }
}

/// The MMEs of a pool area as one RAT knows them, TS 36.413 §9.1.8.5: every combination of the three lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServedGummei {
    /// The networks.
    pub plmns: List<Plmn, 32>,
    /// The MME Group IDs.
    pub group_ids: List<u16, 65535>,
    /// The MME Codes.
    pub mme_codes: List<u8, 256>,
}

impl Value for List<ServedGummei, 8> {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let mut items = Vec::new();
        for item in decoded::<asn1::ServedGUMMEIs>(octets)?.0 {
            let groups = item
                .served_group_ids
                .0
                .into_iter()
                .map(|id| u16::from_be_bytes(id.0));
            items.push(ServedGummei {
                plmns: List::read(item.served_plmns.0.into_iter().map(plmn).collect())?,
                group_ids: List::read(groups.collect())?,
                mme_codes: List::read(item.served_mmecs.0.into_iter().map(|code| code.0[0]).collect())?,
            });
        }
        Self::read(items)
    }

    fn write(&self) -> Vec<u8> {
        let item = |served: &ServedGummei| asn1::ServedGUMMEIsItem {
            served_plmns: asn1::ServedPLMNs(served.plmns.iter().copied().map(plmn_identity).collect()),
            served_group_ids: asn1::ServedGroupIDs(
                served
                    .group_ids
                    .iter()
                    .map(|id| asn1::MMEGroupID(id.to_be_bytes()))
                    .collect(),
            ),
            served_mmecs: asn1::ServedMMECs(
                served
                    .mme_codes
                    .iter()
                    .map(|code| asn1::MMECode([*code]))
                    .collect(),
            ),
            ie_extensions: None,
        };
        encoded(&asn1::ServedGUMMEIs(self.iter().map(item).collect()))
    }
}

/// How loaded this MME may be beside the others of its pool, 0 to 255, TS 36.413 §9.2.3.17.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativeMmeCapacity(pub u8);

impl Value for RelativeMmeCapacity {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self(decoded::<asn1::RelativeMMECapacity>(octets)?.0))
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::RelativeMMECapacity(self.0))
    }
}

/// An ENUMERATED whose later values keep their number: `root` values, then those behind the extension marker.
macro_rules! enumerated {
    ($(#[$doc:meta])* $type:ident, $root:literal $(extensible $extensible:literal)? {
        $($name:ident = $value:literal $text:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(u8);

        #[allow(missing_docs)] // Their names say it.
        impl $type {
            $(pub const $name: Self = Self($value);)*
        }

        impl $type {
            /// The name that ASN.1 gives the value; `None` for a value of a later release.
            pub fn name(self) -> Option<&'static str> {
                [$($text),*].get(usize::from(self.0)).copied()
            }

            /// The index of the value.
            pub fn value(self) -> u8 {
                self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}", self.0),
                }
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }

        impl Value for $type {
            fn read(octets: &[u8]) -> Result<Self, Wrong> {
                let mut r = Reader::new(octets);
                let extensible = true $(&& $extensible)?;
                let value = r.enumerated($root, if extensible { 256 - $root } else { 0 }, extensible)?;
                finished(&r)?;
                Ok(Self(value as u8))
            }

            fn write(&self) -> Vec<u8> {
                written(|w| w.index(self.0.into(), $root, true $(&& $extensible)?))
            }
        }
    };
}

enumerated! {
    /// How often idle UEs listen, in radio frames of 10 ms, TS 36.413 §9.2.1.16.
    PagingDrx, 4 { V32 = 0 "v32", V64 = 1 "v64", V128 = 2 "v128", V256 = 3 "v256", }
}

enumerated! {
    /// How long the peer should wait before it tries again, TS 36.413 §9.2.1.61.
    TimeToWait, 6 {
        V1S = 0 "v1s", V2S = 1 "v2s", V5S = 2 "v5s", V10S = 3 "v10s", V20S = 4 "v20s", V60S = 5 "v60s",
    }
}

impl TimeToWait {
    /// The time; `None` for a value of a later release.
    pub fn duration(self) -> Option<core::time::Duration> {
        let seconds = [1, 2, 5, 10, 20, 60].get(usize::from(self.0))?;
        Some(core::time::Duration::from_secs(*seconds))
    }
}

enumerated! {
    /// Why the UE asked for a connection, TS 36.413 §9.2.1.3a.
    RrcEstablishmentCause, 5 {
        EMERGENCY = 0 "emergency",
        HIGH_PRIORITY_ACCESS = 1 "highPriorityAccess",
        MT_ACCESS = 2 "mt-Access",
        MO_SIGNALLING = 3 "mo-Signalling",
        MO_DATA = 4 "mo-Data",
        DELAY_TOLERANT_ACCESS = 5 "delay-TolerantAccess",
        MO_VOICE_CALL = 6 "mo-VoiceCall",
        MO_EXCEPTION_DATA = 7 "mo-ExceptionData",
    }
}

enumerated! {
    /// The domain that a UE is paged for, TS 36.413 §9.2.3.22.
    CnDomain, 2 extensible false { PS = 0 "ps", CS = 1 "cs", }
}

/// IMSI modulo 1024: when the UE listens for its paging, TS 36.413 §9.2.3.10. Upper bits do not travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UeIdentityIndex(pub u16);

impl UeIdentityIndex {
    /// Of an IMSI.
    pub fn of(imsi: &Imsi) -> Self {
        Self(
            imsi.digits()
                .fold(0, |index, digit| (index * 10 + u16::from(digit)) % 1024),
        )
    }
}

impl Value for UeIdentityIndex {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self(
            decoded::<asn1::UEIdentityIndexValue>(octets)?.0.value() as u16
        ))
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::UEIdentityIndexValue(bits(self.0.into(), 10)))
    }
}

// ------------------------------------------------------------------------------------------------------ NAS and security

/// A NAS message, TS 36.413 §9.2.3.5. [`crate::nas`] reads it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NasPdu(pub Vec<u8>);

impl fmt::Debug for NasPdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NasPdu(")?;
        for octet in &self.0 {
            write!(f, "{octet:02x}")?;
        }
        f.write_str(")")
    }
}

impl Value for NasPdu {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self(decoded::<asn1::NASPDU<'_>>(octets)?.0.into_vec()))
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::NASPDU(Octets::from(&self.0)))
    }
}

/// The algorithms that the UE has beside the null ones, a bit an algorithm from the top: 128-EEA1, 128-EEA2,
/// 128-EEA3, then reserved ones, TS 36.413 §9.2.1.40.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UeSecurityCapabilities {
    /// Encryption.
    pub encryption: u16,
    /// Integrity protection.
    pub integrity: u16,
}

impl Value for UeSecurityCapabilities {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let capabilities = decoded::<asn1::UESecurityCapabilities<'_>>(octets)?;
        // A longer string, of a later release, begins with the algorithms that we have.
        let first = |algorithms: &BitString<'_>| match algorithms.as_octets() {
            [high, low, ..] => Ok(u16::from_be_bytes([*high, *low])),
            _ => Err(Wrong::new("a bit string shorter than 16 bits")),
        };
        Ok(Self {
            encryption: first(&capabilities.encryption_algorithms.0)?,
            integrity: first(&capabilities.integrity_protection_algorithms.0)?,
        })
    }

    fn write(&self) -> Vec<u8> {
        let string = |algorithms: u16| BitString::from_octets(algorithms.to_be_bytes());
        encoded(&asn1::UESecurityCapabilities {
            encryption_algorithms: asn1::EncryptionAlgorithms(string(self.encryption)),
            integrity_protection_algorithms: asn1::IntegrityProtectionAlgorithms(string(self.integrity)),
            ie_extensions: None,
        })
    }
}

/// KeNB or NH, 256 bits, TS 36.413 §9.2.1.41. S1AP-lite has no keys and sends zeros. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecurityKey(pub [u8; 32]);

impl fmt::Debug for SecurityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecurityKey(..)")
    }
}

impl SecurityKey {
    fn of(key: &asn1::SecurityKey<'_>) -> Result<Self, Wrong> {
        let octets = key.0.as_octets().try_into();
        octets
            .map(Self)
            .map_err(|_| Wrong::new("a key that has not 256 bits"))
    }

    fn asn1(&self) -> asn1::SecurityKey<'static> {
        asn1::SecurityKey(BitString::from_octets(self.0))
    }
}

impl Value for SecurityKey {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Self::of(&decoded(octets)?)
    }

    fn write(&self) -> Vec<u8> {
        encoded(&self.asn1())
    }
}

/// The key of the next handover, TS 36.413 §9.2.1.26.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecurityContext {
    /// Next Hop Chaining Count, 0 to 7. Upper bits do not travel.
    pub next_hop_chaining_count: u8,
    /// Next Hop.
    pub next_hop: SecurityKey,
}

impl Value for SecurityContext {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let context = decoded::<asn1::SecurityContext<'_>>(octets)?;
        Ok(Self {
            next_hop_chaining_count: context.next_hop_chaining_count,
            next_hop: SecurityKey::of(&context.next_hop_parameter)?,
        })
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::SecurityContext {
            next_hop_chaining_count: self.next_hop_chaining_count & 7,
            next_hop_parameter: self.next_hop.asn1(),
            ie_extensions: None,
        })
    }
}

// -------------------------------------------------------------------------------------------------------------- E-RABs

/// A rate, 0 to 10,000,000,000 bit/s, TS 36.413 §9.2.1.19.
///
/// ```
/// use epc_codec::s1ap::BitRate;
///
/// assert_eq!(BitRate::from_kbps(50_000).bps(), 50_000_000);
/// assert_eq!(BitRate::from_bps(u64::MAX), BitRate::MAX);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitRate(u64);

impl BitRate {
    /// The greatest.
    pub const MAX: Self = Self(10_000_000_000);

    /// The rate, or the greatest one.
    pub const fn from_bps(bps: u64) -> Self {
        if bps <= Self::MAX.0 { Self(bps) } else { Self::MAX }
    }

    /// The rate, or the greatest one. GTPv2-C counts kbit/s.
    pub const fn from_kbps(kbps: u64) -> Self {
        Self::from_bps(kbps.saturating_mul(1000))
    }

    /// In bit/s.
    pub const fn bps(self) -> u64 {
        self.0
    }
}

/// The most that the non-GBR bearers of a UE may use together, TS 36.413 §9.2.1.20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UeAmbr {
    /// Towards the UE.
    pub downlink: BitRate,
    /// From the UE.
    pub uplink: BitRate,
}

impl Value for UeAmbr {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let ambr = decoded::<asn1::UEAggregateMaximumBitrate>(octets)?;
        Ok(Self {
            downlink: BitRate::from_bps(ambr.ue_aggregate_maximum_bit_rate_dl.0),
            uplink: BitRate::from_bps(ambr.ue_aggregate_maximum_bit_rate_ul.0),
        })
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::UEAggregateMaximumBitrate {
            ue_aggregate_maximum_bit_rate_dl: asn1::BitRate(self.downlink.0),
            ue_aggregate_maximum_bit_rate_ul: asn1::BitRate(self.uplink.0),
            ie_extensions: None,
        })
    }
}

/// Allocation and Retention Priority, TS 36.413 §9.2.1.60.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arp {
    /// 1 is the highest, 14 the lowest, 15 no priority; 0 is spare. Upper bits do not travel.
    pub priority_level: u8,
    /// The bearer may take the resources of others.
    pub may_trigger_pre_emption: bool,
    /// Others may take its resources.
    pub pre_emptable: bool,
}

/// The rates of a GBR bearer, TS 36.413 §9.2.1.18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Their names say it.
pub struct GbrQos {
    pub maximum_downlink: BitRate,
    pub maximum_uplink: BitRate,
    pub guaranteed_downlink: BitRate,
    pub guaranteed_uplink: BitRate,
}

/// E-RAB Level QoS Parameters, TS 36.413 §9.2.1.15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErabQos {
    /// QoS Class Identifier, TS 23.203.
    pub qci: u8,
    /// Who goes first when resources are short.
    pub arp: Arp,
    /// Only for a GBR bearer.
    pub gbr: Option<GbrQos>,
}

impl ErabQos {
    fn of(qos: asn1::ERABLevelQoSParameters) -> Self {
        let arp = qos.allocation_retention_priority;
        let rate = |rate: asn1::BitRate| BitRate::from_bps(rate.0);
        Self {
            qci: qos.qci.0,
            arp: Arp {
                priority_level: arp.priority_level.0,
                may_trigger_pre_emption: arp.pre_emption_capability
                    == asn1::PreEmptionCapability::may_trigger_pre_emption,
                pre_emptable: arp.pre_emption_vulnerability == asn1::PreEmptionVulnerability::pre_emptable,
            },
            gbr: qos.gbr_qos_information.map(|gbr| GbrQos {
                maximum_downlink: rate(gbr.e_rab_maximum_bitrate_dl),
                maximum_uplink: rate(gbr.e_rab_maximum_bitrate_ul),
                guaranteed_downlink: rate(gbr.e_rab_guaranteed_bitrate_dl),
                guaranteed_uplink: rate(gbr.e_rab_guaranteed_bitrate_ul),
            }),
        }
    }

    fn asn1(&self) -> asn1::ERABLevelQoSParameters {
        let rate = |rate: BitRate| asn1::BitRate(rate.0);
        asn1::ERABLevelQoSParameters {
            qci: asn1::QCI(self.qci),
            allocation_retention_priority: asn1::AllocationAndRetentionPriority {
                priority_level: asn1::PriorityLevel(self.arp.priority_level & 0x0f),
                pre_emption_capability: match self.arp.may_trigger_pre_emption {
                    true => asn1::PreEmptionCapability::may_trigger_pre_emption,
                    false => asn1::PreEmptionCapability::shall_not_trigger_pre_emption,
                },
                pre_emption_vulnerability: match self.arp.pre_emptable {
                    true => asn1::PreEmptionVulnerability::pre_emptable,
                    false => asn1::PreEmptionVulnerability::not_pre_emptable,
                },
                ie_extensions: None,
            },
            gbr_qos_information: self.gbr.map(|gbr| asn1::GBRQosInformation {
                e_rab_maximum_bitrate_dl: rate(gbr.maximum_downlink),
                e_rab_maximum_bitrate_ul: rate(gbr.maximum_uplink),
                e_rab_guaranteed_bitrate_dl: rate(gbr.guaranteed_downlink),
                e_rab_guaranteed_bitrate_ul: rate(gbr.guaranteed_uplink),
                ie_extensions: None,
            }),
            ie_extensions: None,
        }
    }
}

/// Where a node takes GTP-U: an IPv4 address, an IPv6 address, or both, TS 36.413 §9.2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransportAddress {
    /// 32 bits.
    V4(Ipv4Addr),
    /// 128 bits.
    V6(Ipv6Addr),
    /// 160 bits, IPv4 first.
    Dual(Ipv4Addr, Ipv6Addr),
    /// Bits that are no address.
    Other(AddressBits),
}

/// 1 to 160 bits where an address should be: they are kept, and lead nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressBits {
    octets: [u8; 20],
    length: u8,
}

impl TransportAddress {
    /// The IPv4 address, if there is one.
    pub fn ipv4(self) -> Option<Ipv4Addr> {
        match self {
            Self::V4(v4) | Self::Dual(v4, _) => Some(v4),
            Self::V6(_) | Self::Other(_) => None,
        }
    }

    /// The IPv6 address, if there is one.
    pub fn ipv6(self) -> Option<Ipv6Addr> {
        match self {
            Self::V6(v6) | Self::Dual(_, v6) => Some(v6),
            Self::V4(_) | Self::Other(_) => None,
        }
    }

    /// Of one or both; `None` for neither.
    pub fn new(ipv4: Option<Ipv4Addr>, ipv6: Option<Ipv6Addr>) -> Option<Self> {
        match (ipv4, ipv6) {
            (Some(v4), Some(v6)) => Some(Self::Dual(v4, v6)),
            (Some(v4), None) => Some(Self::V4(v4)),
            (None, Some(v6)) => Some(Self::V6(v6)),
            (None, None) => None,
        }
    }

    fn of(address: &asn1::TransportLayerAddress<'_>) -> Result<Self, Wrong> {
        let octets = address.0.as_octets();
        let v4 = |octets: &[u8]| <[u8; 4]>::try_from(octets).map(Ipv4Addr::from).ok();
        let v6 = |octets: &[u8]| <[u8; 16]>::try_from(octets).map(Ipv6Addr::from).ok();
        let address = match address.0.len() {
            32 => v4(octets).map(Self::V4),
            128 => v6(octets).map(Self::V6),
            160 => octets
                .split_at_checked(4)
                .and_then(|(a, b)| Some(Self::Dual(v4(a)?, v6(b)?))),
            length => AddressBits::new(octets, length).map(Self::Other),
        };
        address.ok_or(Wrong::new("a transport address of more than 160 bits"))
    }

    fn asn1(&self) -> asn1::TransportLayerAddress<'static> {
        let octets = match self {
            Self::V4(v4) => v4.octets().to_vec(),
            Self::V6(v6) => v6.octets().to_vec(),
            Self::Dual(v4, v6) => [&v4.octets()[..], &v6.octets()[..]].concat(),
            Self::Other(bits) => return asn1::TransportLayerAddress(bits.asn1()),
        };
        asn1::TransportLayerAddress(BitString::from_octets(octets))
    }
}

impl AddressBits {
    fn new(octets: &[u8], length: usize) -> Option<Self> {
        let mut kept = [0; 20];
        kept.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(Self {
            octets: kept,
            length: u8::try_from(length).ok()?,
        })
    }

    fn asn1(&self) -> BitString<'static> {
        let length = usize::from(self.length);
        let octets = self
            .octets
            .get(..length.div_ceil(8))
            .unwrap_or(&self.octets)
            .to_vec();
        BitString::new(octets, length).unwrap_or_else(|_| BitString::from_octets([0; 4]))
    }

    /// How many.
    pub fn bits(&self) -> usize {
        self.length.into()
    }

    /// The octets that hold them, from the top.
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.bits().div_ceil(8)).unwrap_or(&self.octets)
    }
}

impl From<IpAddr> for TransportAddress {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::V4(v4),
            IpAddr::V6(v6) => Self::V6(v6),
        }
    }
}

impl fmt::Display for TransportAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(v4) => v4.fmt(f),
            Self::V6(v6) => v6.fmt(f),
            Self::Dual(v4, v6) => write!(f, "{v4} {v6}"),
            Self::Other(bits) => write!(f, "no address ({} bits)", bits.bits()),
        }
    }
}

fn ebi(id: asn1::ERABID) -> Result<Ebi, Wrong> {
    u8::try_from(id.0)
        .map(Ebi)
        .map_err(|_| Wrong::new("an E-RAB ID over 255"))
}

fn erab_id(ebi: Ebi) -> asn1::ERABID {
    asn1::ERABID(ebi.0.into())
}

fn teid(teid: asn1::GTPTEID) -> Teid {
    Teid(u32::from_be_bytes(teid.0))
}

fn gtp_teid(teid: Teid) -> asn1::GTPTEID {
    asn1::GTPTEID(teid.0.to_be_bytes())
}

/// An E-RAB that the MME asks for with the context of a UE, TS 36.413 §9.1.4.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErabToBeSetup {
    /// The EPS bearer identity.
    pub erab_id: Ebi,
    /// Its QoS.
    pub qos: ErabQos,
    /// Where the S-GW takes uplink packets.
    pub transport_address: TransportAddress,
    /// The tunnel there.
    pub sgw_s1u: Teid,
    /// For the UE, as the Attach Accept.
    pub nas: Option<NasPdu>,
}

impl Item for ErabToBeSetup {
    const ID: u16 = 52;
    const CRITICALITY: Criticality = Criticality::Reject;

    fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
        let item = decoded::<asn1::ERABToBeSetupItemCtxtSUReq<'_>>(octets)?;
        Ok(Self {
            erab_id: ebi(item.e_rab_id)?,
            qos: ErabQos::of(item.e_rab_level_qos_parameters),
            transport_address: TransportAddress::of(&item.transport_layer_address)?,
            sgw_s1u: teid(item.gtp_teid),
            nas: item.nas_pdu.map(|nas| NasPdu(nas.0.into_vec())),
        })
    }

    fn write_item(&self) -> Vec<u8> {
        encoded(&asn1::ERABToBeSetupItemCtxtSUReq {
            e_rab_id: erab_id(self.erab_id),
            e_rab_level_qos_parameters: self.qos.asn1(),
            transport_layer_address: self.transport_address.asn1(),
            gtp_teid: gtp_teid(self.sgw_s1u),
            nas_pdu: self.nas.as_ref().map(|nas| asn1::NASPDU(Octets::from(&nas.0))),
            ie_extensions: None,
        })
    }
}

/// A further E-RAB for a UE that has its context, TS 36.413 §9.1.3.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErabToBeAdded {
    /// The EPS bearer identity.
    pub erab_id: Ebi,
    /// Its QoS.
    pub qos: ErabQos,
    /// Where the S-GW takes uplink packets.
    pub transport_address: TransportAddress,
    /// The tunnel there.
    pub sgw_s1u: Teid,
    /// For the UE.
    pub nas: NasPdu,
}

impl Item for ErabToBeAdded {
    const ID: u16 = 17;
    const CRITICALITY: Criticality = Criticality::Reject;

    fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
        let item = decoded::<asn1::ERABToBeSetupItemBearerSUReq<'_>>(octets)?;
        Ok(Self {
            erab_id: ebi(item.e_rab_id)?,
            qos: ErabQos::of(item.e_rab_level_qos_parameters),
            transport_address: TransportAddress::of(&item.transport_layer_address)?,
            sgw_s1u: teid(item.gtp_teid),
            nas: NasPdu(item.nas_pdu.0.into_vec()),
        })
    }

    fn write_item(&self) -> Vec<u8> {
        encoded(&asn1::ERABToBeSetupItemBearerSUReq {
            e_rab_id: erab_id(self.erab_id),
            e_rab_level_qos_parameters: self.qos.asn1(),
            transport_layer_address: self.transport_address.asn1(),
            gtp_teid: gtp_teid(self.sgw_s1u),
            nas_pdu: asn1::NASPDU(Octets::from(&self.nas.0)),
            ie_extensions: None,
        })
    }
}

/// An item that is an E-RAB, an address and a tunnel: four lists have it, each under its own IE.
macro_rules! erab_tunnel {
    ($(#[$doc:meta])* $type:ident, $(#[$teid_doc:meta])* $teid:ident, $id:literal $criticality:ident, $asn1:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $type {
            /// The EPS bearer identity.
            pub erab_id: Ebi,
            /// Where packets are taken.
            pub transport_address: TransportAddress,
            $(#[$teid_doc])*
            pub $teid: Teid,
        }

        impl Item for $type {
            const ID: u16 = $id;
            const CRITICALITY: Criticality = Criticality::$criticality;

            fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
                let item = decoded::<asn1::$asn1<'_>>(octets)?;
                Ok(Self {
                    erab_id: ebi(item.e_rab_id)?,
                    transport_address: TransportAddress::of(&item.transport_layer_address)?,
                    $teid: teid(item.gtp_teid),
                })
            }

            fn write_item(&self) -> Vec<u8> {
                encoded(&asn1::$asn1 {
                    e_rab_id: erab_id(self.erab_id),
                    transport_layer_address: self.transport_address.asn1(),
                    gtp_teid: gtp_teid(self.$teid),
                    ie_extensions: None,
                })
            }
        }
    };
}

erab_tunnel! {
    /// An E-RAB that the eNB set up with the context, TS 36.413 §9.1.4.3.
    ErabSetup,
    /// The tunnel at the eNB.
    enb_s1u, 50 Ignore, ERABSetupItemCtxtSURes
}

erab_tunnel! {
    /// A further E-RAB that the eNB set up, TS 36.413 §9.1.3.2.
    ErabAdded,
    /// The tunnel at the eNB.
    enb_s1u, 39 Ignore, ERABSetupItemBearerSURes
}

erab_tunnel! {
    /// An E-RAB whose downlink goes to another eNB, TS 36.413 §9.1.5.8.
    ErabSwitchedDownlink,
    /// The tunnel at the new eNB.
    enb_s1u, 23 Reject, ERABToBeSwitchedDLItem
}

erab_tunnel! {
    /// An E-RAB whose uplink goes to another S-GW address, TS 36.413 §9.1.5.9.
    ErabSwitchedUplink,
    /// The tunnel at the S-GW.
    sgw_s1u, 94 Ignore, ERABToBeSwitchedULItem
}

/// An E-RAB and why it failed or is released, TS 36.413 §9.2.1.36.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErabItem {
    /// The EPS bearer identity.
    pub erab_id: Ebi,
    /// Why.
    pub cause: Cause,
}

impl Item for ErabItem {
    const ID: u16 = 35;
    const CRITICALITY: Criticality = Criticality::Ignore;

    fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
        let (erab_id, cause) = erab_item::read_item(octets)?;
        Ok(Self { erab_id, cause })
    }

    fn write_item(&self) -> Vec<u8> {
        erab_item::write_item(self.erab_id, self.cause)
    }
}

/// An E-RAB that the eNB released, TS 36.413 §9.1.3.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErabReleased {
    /// The EPS bearer identity.
    pub erab_id: Ebi,
}

impl Item for ErabReleased {
    const ID: u16 = 15;
    const CRITICALITY: Criticality = Criticality::Ignore;

    fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self {
            erab_id: ebi(decoded::<asn1::ERABReleaseItemBearerRelComp>(octets)?.e_rab_id)?,
        })
    }

    fn write_item(&self) -> Vec<u8> {
        encoded(&asn1::ERABReleaseItemBearerRelComp {
            e_rab_id: erab_id(self.erab_id),
            ie_extensions: None,
        })
    }
}

// --------------------------------------------------------------------------------------------------------- diagnostics

/// What was wrong with an IE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeOfError {
    /// The IE or its value is not comprehended.
    NotUnderstood,
    /// A mandatory IE is not there.
    Missing,
}

/// One IE of Criticality Diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IeDiagnostics {
    /// Its criticality: as received, or as specified for one that is missing.
    pub criticality: Criticality,
    /// Its `ProtocolIE-ID`.
    pub id: u16,
    /// What was wrong.
    pub type_of_error: TypeOfError,
}

/// What a receiver did not comprehend, TS 36.413 §9.2.1.21.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CriticalityDiagnostics {
    /// The procedure; only in an Error Indication.
    pub procedure_code: Option<u8>,
    /// Which message of it; only in an Error Indication.
    pub triggering_message: Option<PduKind>,
    /// The criticality of the procedure; only in an Error Indication.
    pub procedure_criticality: Option<Criticality>,
    /// The IEs, 256 at most: those after do not travel.
    pub ies: Vec<IeDiagnostics>,
}

fn criticality(criticality: asn1::Criticality) -> Criticality {
    match criticality {
        asn1::Criticality::reject => Criticality::Reject,
        asn1::Criticality::ignore => Criticality::Ignore,
        asn1::Criticality::notify => Criticality::Notify,
    }
}

fn asn1_criticality(criticality: Criticality) -> asn1::Criticality {
    match criticality {
        Criticality::Reject => asn1::Criticality::reject,
        Criticality::Ignore => asn1::Criticality::ignore,
        Criticality::Notify => asn1::Criticality::notify,
    }
}

impl Value for CriticalityDiagnostics {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let diagnostics = decoded::<asn1::CriticalityDiagnostics>(octets)?;
        let items = diagnostics
            .ies_criticality_diagnostics
            .map(|list| list.0)
            .unwrap_or_default();
        let ies = items.into_iter().map(|item| IeDiagnostics {
            criticality: criticality(item.ie_criticality),
            id: item.ie_id.0,
            type_of_error: match item.type_of_error {
                asn1::TypeOfError::missing => TypeOfError::Missing,
                _ => TypeOfError::NotUnderstood,
            },
        });
        Ok(Self {
            procedure_code: diagnostics.procedure_code.map(|code| code.0),
            triggering_message: diagnostics.triggering_message.map(|message| match message {
                asn1::TriggeringMessage::initiating_message => PduKind::InitiatingMessage,
                asn1::TriggeringMessage::successful_outcome => PduKind::SuccessfulOutcome,
                asn1::TriggeringMessage::unsuccessfull_outcome => PduKind::UnsuccessfulOutcome,
            }),
            procedure_criticality: diagnostics.procedure_criticality.map(criticality),
            ies: ies.collect(),
        })
    }

    fn write(&self) -> Vec<u8> {
        let item = |ie: &IeDiagnostics| asn1::CriticalityDiagnosticsIEItem {
            ie_criticality: asn1_criticality(ie.criticality),
            ie_id: asn1::ProtocolIEID(ie.id),
            type_of_error: match ie.type_of_error {
                TypeOfError::NotUnderstood => asn1::TypeOfError::not_understood,
                TypeOfError::Missing => asn1::TypeOfError::missing,
            },
            ie_extensions: None,
        };
        let items: Vec<_> = self.ies.iter().take(256).map(item).collect();
        encoded(&asn1::CriticalityDiagnostics {
            procedure_code: self.procedure_code.map(asn1::ProcedureCode),
            triggering_message: self.triggering_message.map(|kind| match kind {
                PduKind::InitiatingMessage => asn1::TriggeringMessage::initiating_message,
                PduKind::SuccessfulOutcome => asn1::TriggeringMessage::successful_outcome,
                PduKind::UnsuccessfulOutcome => asn1::TriggeringMessage::unsuccessfull_outcome,
            }),
            procedure_criticality: self.procedure_criticality.map(asn1_criticality),
            ies_criticality_diagnostics: (!items.is_empty())
                .then_some(asn1::CriticalityDiagnosticsIEList(items)),
            ie_extensions: None,
        })
    }
}
