//! Who and where: UEs, eNBs, cells and areas, TS 36.413 §9.2.1 and §9.2.3.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use oxirush_s1ap::aper::Reader;
use oxirush_s1ap::{Octets, s1ap as asn1};

use super::{Item, List, Value, Wrong, bits, decoded, encoded, finished, plmn, plmn_identity, written};
use crate::s1ap::pdu::{Criticality, Ie, read_ie, write_ie};
use crate::{Imsi, Plmn};

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
