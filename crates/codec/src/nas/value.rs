//! The values of NAS IEs, TS 24.301 §9.9 and TS 24.008 §10.5.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use crate::s1ap::{List, Tai};
use crate::{Imsi, Mei, Plmn};

/// A half octet or an octet with a meaning, whose values without a name survive.
macro_rules! code {
    ($(#[$doc:meta])* $type:ident { $($name:ident = $value:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(pub u8);

        #[allow(missing_docs)] // Their names say it.
        impl $type {
            $(pub const $name: Self = Self($value);)*
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $(Self::$name => f.write_str($text),)*
                    Self(other) => write!(f, "{other}"),
                }
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }
    };
}

code! {
    /// What the UE attaches for, three bits, §9.9.3.11.
    AttachType { EPS = 1 "EPS attach", COMBINED = 2 "combined EPS/IMSI attach", EMERGENCY = 6 "EPS emergency attach", }
}

code! {
    /// What the UE is attached for, three bits, §9.9.3.10.
    AttachResult { EPS_ONLY = 1 "EPS only", COMBINED = 2 "combined EPS/IMSI attach", }
}

code! {
    /// What a UE detaches from, three bits, §9.9.3.7.
    DetachType { EPS = 1 "EPS detach", IMSI = 2 "IMSI detach", COMBINED = 3 "combined EPS/IMSI detach", }
}

code! {
    /// How the network detaches a UE, three bits, §9.9.3.7.
    NetworkDetachType {
        RE_ATTACH_REQUIRED = 1 "re-attach required",
        RE_ATTACH_NOT_REQUIRED = 2 "re-attach not required",
        IMSI = 3 "IMSI detach",
    }
}

code! {
    /// Which keys the UE has, four bits, §9.9.3.21. S1AP-lite has none.
    KeySetIdentifier { NO_KEY = 7 "no key is available", }
}

code! {
    /// Which identity the network asks for, three bits, TS 24.008 §10.5.5.9.
    IdentityType { IMSI = 1 "IMSI", IMEI = 2 "IMEI", IMEISV = 3 "IMEISV", TMSI = 4 "TMSI", }
}

code! {
    /// Why the UE wants a PDN connection, three bits, TS 24.008 §10.5.6.17.
    RequestType {
        INITIAL = 1 "initial request",
        HANDOVER = 2 "handover",
        UNUSED = 3 "unused",
        EMERGENCY = 4 "emergency",
    }
}

code! {
    /// Which addresses the UE asks for, three bits, §9.9.4.10.
    PdnType { IPV4 = 1 "IPv4", IPV6 = 2 "IPv6", IPV4V6 = 3 "IPv4v6", NON_IP = 5 "non-IP", }
}

/// Procedure Transaction Identity: matches the network's answer with the UE's request; 0 is none, 255 reserved,
/// TS 24.007 §11.2.3.1a.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pti(pub u8);

impl fmt::Display for Pti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// ---------------------------------------------------------------------------------------------------------- identities

/// Globally Unique Temporary UE Identity, TS 23.003 §2.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guti {
    /// The network.
    pub plmn: Plmn,
    /// The pool of the MME.
    pub mme_group_id: u16,
    /// The MME in it.
    pub mme_code: u8,
    /// The UE at the MME.
    pub m_tmsi: u32,
}

/// Who a UE is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// International Mobile Subscriber Identity.
    Imsi(Imsi),
    /// The temporary identity that an MME gave; not in an Identity Response.
    Guti(Guti),
    /// Of the equipment, 15 digits.
    Imei(Mei),
    /// Of the equipment with its software version, 16 digits; only in an Identity Response.
    Imeisv(Mei),
    /// M-TMSI; only in an Identity Response.
    Tmsi(u32),
    /// The UE has not what it was asked for; only in an Identity Response.
    None,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Imsi(imsi) => write!(f, "IMSI {imsi}"),
            Self::Guti(guti) => write!(f, "GUTI {guti}"),
            Self::Imei(imei) => write!(f, "IMEI {imei}"),
            Self::Imeisv(imeisv) => write!(f, "IMEISV {imeisv}"),
            Self::Tmsi(tmsi) => write!(f, "TMSI {tmsi:#010x}"),
            Self::None => f.write_str("no identity"),
        }
    }
}

/// The types of identity, TS 24.301 §9.9.3.12 and TS 24.008 §10.5.1.4; GUTI in the first, TMSI in the second.
mod identity_type {
    pub(super) const NONE: u8 = 0;
    pub(super) const IMSI: u8 = 1;
    pub(super) const IMEI: u8 = 2;
    pub(super) const EPS_IMEI: u8 = 3;
    pub(super) const IMEISV: u8 = 3;
    pub(super) const TMSI: u8 = 4;
    pub(super) const GUTI: u8 = 6;
}

impl Identity {
    /// EPS mobile identity, §9.9.3.12.
    pub(super) fn read_eps(value: &[u8]) -> Option<Self> {
        match (value.first()? & 7, value) {
            (identity_type::IMSI, _) => digits(value)?.parse().ok().map(Self::Imsi),
            (identity_type::EPS_IMEI, _) => digits(value)?.parse().ok().map(Self::Imei),
            (identity_type::GUTI, &[_, a, b, c, group_1, group_2, mme_code, d, e, f, g]) => {
                Some(Self::Guti(Guti {
                    plmn: Plmn::from_nas_octets([a, b, c]),
                    mme_group_id: u16::from_be_bytes([group_1, group_2]),
                    mme_code,
                    m_tmsi: u32::from_be_bytes([d, e, f, g]),
                }))
            }
            _ => None,
        }
    }

    /// An identity that an EPS mobile identity has no form for is written as the IMEI of no digits that it is most like.
    pub(super) fn write_eps(&self) -> Vec<u8> {
        match self {
            Self::Imsi(imsi) => write_digits(imsi.digits(), identity_type::IMSI),
            Self::Imei(mei) | Self::Imeisv(mei) => {
                write_digits(mei.digits().take(15), identity_type::EPS_IMEI)
            }
            Self::Guti(guti) => guti.write(),
            Self::Tmsi(_) | Self::None => write_digits(core::iter::empty(), identity_type::EPS_IMEI),
        }
    }

    /// Mobile identity, TS 24.008 §10.5.1.4.
    pub(super) fn read_mobile(value: &[u8]) -> Option<Self> {
        match (value.first()? & 7, value) {
            (identity_type::IMSI, _) => digits(value)?.parse().ok().map(Self::Imsi),
            (identity_type::IMEI, _) => digits(value)?.parse().ok().map(Self::Imei),
            (identity_type::IMEISV, _) => digits(value)?.parse().ok().map(Self::Imeisv),
            (identity_type::TMSI, &[_, a, b, c, d]) => Some(Self::Tmsi(u32::from_be_bytes([a, b, c, d]))),
            (identity_type::NONE, _) => Some(Self::None),
            _ => None,
        }
    }

    pub(super) fn write_mobile(&self) -> Vec<u8> {
        match self {
            Self::Imsi(imsi) => write_digits(imsi.digits(), identity_type::IMSI),
            Self::Imei(mei) => write_digits(mei.digits(), identity_type::IMEI),
            Self::Imeisv(mei) => write_digits(mei.digits(), identity_type::IMEISV),
            Self::Tmsi(tmsi) => [&[0xf0 | identity_type::TMSI][..], &tmsi.to_be_bytes()].concat(),
            Self::Guti(guti) => [&[0xf0 | identity_type::TMSI][..], &guti.m_tmsi.to_be_bytes()].concat(),
            // Three octets at least, §8.2.19.
            Self::None => Vec::from([identity_type::NONE, 0, 0]),
        }
    }
}

impl Guti {
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        match Identity::read_eps(value)? {
            Identity::Guti(guti) => Some(guti),
            _ => None,
        }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let [group_1, group_2] = self.mme_group_id.to_be_bytes();
        let mut octets = Vec::from([0xf0 | identity_type::GUTI]);
        octets.extend(self.plmn.to_nas_octets());
        octets.extend([group_1, group_2, self.mme_code]);
        octets.extend(self.m_tmsi.to_be_bytes());
        octets
    }
}

/// The first digit in the high half of the first octet, an odd number of digits flagged there, 1111 as filler.
fn digits(value: &[u8]) -> Option<String> {
    let odd = value.first()? & 8 != 0;
    let mut digits: Vec<u8> = value
        .iter()
        .flat_map(|octet| [octet & 0x0f, octet >> 4])
        .skip(1)
        .collect();
    if !odd {
        digits.pop();
    }
    digits
        .into_iter()
        .map(|digit| char::from_digit(digit.into(), 10))
        .collect()
}

fn write_digits(digits: impl Iterator<Item = u8>, kind: u8) -> Vec<u8> {
    let digits: Vec<u8> = digits.collect();
    let odd = if digits.len() % 2 == 1 { 8 } else { 0 };
    let mut octets = Vec::from([digits.first().copied().unwrap_or(0x0f) << 4 | odd | kind]);
    for pair in digits.get(1..).unwrap_or_default().chunks(2) {
        octets.push(pair[0] | pair.get(1).copied().unwrap_or(0x0f) << 4);
    }
    // An identity of EPS has four octets at least: one that is shorter than any real one is filled.
    octets.resize(octets.len().max(4), 0xff);
    octets
}

// ---------------------------------------------------------------------------------------------------------------- EMM

/// The algorithms and the features that a UE has, 2 to 13 octets, §9.9.3.34.
///
/// A bit an algorithm from the top: EEA0, 128-EEA1, 128-EEA2, 128-EEA3 ...
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UeNetworkCapability(Box<[u8]>);

impl UeNetworkCapability {
    /// The octet of encryption algorithms and that of integrity algorithms.
    pub fn new(eea: u8, eia: u8) -> Self {
        Self(Box::from([eea, eia]))
    }

    /// The encryption algorithms.
    pub fn eea(&self) -> u8 {
        self.0.first().copied().unwrap_or(0)
    }

    /// The integrity algorithms.
    pub fn eia(&self) -> u8 {
        self.0.get(1).copied().unwrap_or(0)
    }

    /// All octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// As S1AP has it: without the null algorithms, which every UE has.
    pub fn to_s1ap(&self) -> crate::s1ap::UeSecurityCapabilities {
        let without_null = |algorithms: u8| u16::from(algorithms << 1) << 8;
        crate::s1ap::UeSecurityCapabilities {
            encryption: without_null(self.eea()),
            integrity: without_null(self.eia()),
        }
    }

    pub(super) fn read(value: &[u8]) -> Option<Self> {
        (2..=13).contains(&value.len()).then(|| Self(value.into()))
    }
}

/// GPRS Timer, TS 24.008 §10.5.7.3: five bits of units of 2 seconds, a minute or six, or deactivated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GprsTimer(pub u8);

impl GprsTimer {
    /// The timer does not run.
    pub const DEACTIVATED: Self = Self(0xe0);

    /// The shortest time that a timer can have and that is not shorter; the longest, 186 minutes, for a longer one.
    pub fn from_duration(duration: Duration) -> Self {
        let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        for (unit, length) in [(0, 2), (1, 60), (2, 360)] {
            let count = seconds.div_ceil(length);
            if count <= 31 {
                return Self(unit << 5 | count as u8);
            }
        }
        Self(2 << 5 | 31)
    }

    /// The time; `None` if the timer is deactivated.
    pub fn duration(self) -> Option<Duration> {
        let unit = match self.0 >> 5 {
            0 => 2,
            2 => 360,
            7 => return None,
            // The other units are taken for minutes.
            _ => 60,
        };
        Some(Duration::from_secs(u64::from(self.0 & 31) * unit))
    }
}

impl fmt::Debug for GprsTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.duration() {
            Some(duration) => write!(f, "GprsTimer({duration:?})"),
            None => f.write_str("GprsTimer(deactivated)"),
        }
    }
}

/// Tracking area identity list, §9.9.3.33.
pub(super) mod tai_list {
    use super::*;

    /// Lists of three kinds after each other; the first 16 areas count.
    pub(in super::super) fn read(value: &[u8]) -> Option<List<Tai, 16>> {
        let mut tais = Vec::new();
        let mut left = value;
        while let Some((&first, rest)) = left.split_first() {
            let count = usize::from(first & 0x1f) + 1;
            left = match first >> 5 & 3 {
                0 => {
                    let (plmn, rest) = rest.split_first_chunk()?;
                    let (tacs, rest) = rest.split_at_checked(2 * count)?;
                    let plmn = Plmn::from_nas_octets(*plmn);
                    tais.extend(tacs.chunks_exact(2).map(|tac| Tai {
                        plmn,
                        tac: u16::from_be_bytes([tac[0], tac[1]]),
                    }));
                    rest
                }
                1 => {
                    let (&[a, b, c, tac_1, tac_2], rest) = rest.split_first_chunk()?;
                    let plmn = Plmn::from_nas_octets([a, b, c]);
                    let first = u16::from_be_bytes([tac_1, tac_2]);
                    tais.extend((0..count as u16).map(|step| Tai {
                        plmn,
                        tac: first.wrapping_add(step),
                    }));
                    rest
                }
                2 => {
                    let (areas, rest) = rest.split_at_checked(5 * count)?;
                    tais.extend(areas.chunks_exact(5).map(|area| Tai {
                        plmn: Plmn::from_nas_octets([area[0], area[1], area[2]]),
                        tac: u16::from_be_bytes([area[3], area[4]]),
                    }));
                    rest
                }
                _ => return None,
            };
        }
        tais.truncate(16);
        List::new(tais)
    }

    /// One list: of one network if all areas are of one.
    pub(in super::super) fn write(tais: &List<Tai, 16>) -> Vec<u8> {
        let count = tais.len() as u8 - 1;
        let plmn = tais[0].plmn;
        if tais.iter().all(|tai| tai.plmn == plmn) {
            let mut octets = Vec::from([count]);
            octets.extend(plmn.to_nas_octets());
            octets.extend(tais.iter().flat_map(|tai| tai.tac.to_be_bytes()));
            return octets;
        }
        let mut octets = Vec::from([2 << 5 | count]);
        for tai in tais {
            octets.extend(tai.plmn.to_nas_octets());
            octets.extend(tai.tac.to_be_bytes());
        }
        octets
    }
}

// ---------------------------------------------------------------------------------------------------------------- ESM

/// EPS quality of service, §9.9.4.3: QCI, and for a GBR bearer its rates as they stand on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EpsQos {
    /// QoS Class Identifier, TS 23.203.
    pub qci: u8,
    rates: Vec<u8>,
}

impl EpsQos {
    /// Of a bearer without guaranteed rate.
    pub fn new(qci: u8) -> Self {
        Self {
            qci,
            rates: Vec::new(),
        }
    }

    /// The octets of the rates: none, 4, 8 or 12.
    pub fn rates(&self) -> &[u8] {
        &self.rates
    }

    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let (&qci, rates) = value.split_first()?;
        (rates.len() <= 12).then(|| Self {
            qci,
            rates: rates.into(),
        })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        [&[self.qci][..], &self.rates].concat()
    }
}

/// The address of a UE, §9.9.4.9. Of IPv6 it has the interface identifier; the prefix comes by Router Advertisement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PdnAddress {
    /// IPv4.
    V4(Ipv4Addr),
    /// The interface identifier of IPv6.
    V6([u8; 8]),
    /// Both.
    V4V6(Ipv4Addr, [u8; 8]),
}

impl PdnAddress {
    /// The IPv4 address, if there is one.
    pub fn ipv4(self) -> Option<Ipv4Addr> {
        match self {
            Self::V4(v4) | Self::V4V6(v4, _) => Some(v4),
            Self::V6(_) => None,
        }
    }

    /// The interface identifier of IPv6, if there is one.
    pub fn interface_identifier(self) -> Option<[u8; 8]> {
        match self {
            Self::V6(v6) | Self::V4V6(_, v6) => Some(v6),
            Self::V4(_) => None,
        }
    }

    /// The PDN type that was given.
    pub fn pdn_type(self) -> PdnType {
        match self {
            Self::V4(_) => PdnType::IPV4,
            Self::V6(_) => PdnType::IPV6,
            Self::V4V6(..) => PdnType::IPV4V6,
        }
    }

    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let (&first, address) = value.split_first()?;
        match PdnType(first & 7) {
            PdnType::IPV4 => Some(Self::V4(Ipv4Addr::from(*address.first_chunk::<4>()?))),
            PdnType::IPV6 => Some(Self::V6(*address.first_chunk()?)),
            PdnType::IPV4V6 => {
                let (v6, v4) = address.split_first_chunk::<8>()?;
                Some(Self::V4V6(Ipv4Addr::from(*v4.first_chunk::<4>()?), *v6))
            }
            _ => None,
        }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut octets = Vec::from([self.pdn_type().0]);
        octets.extend(self.interface_identifier().iter().flatten());
        octets.extend(self.ipv4().iter().flat_map(|v4| v4.octets()));
        octets
    }
}

/// The most that the non-GBR bearers of an APN use together, in kbit/s, §9.9.4.2.
///
/// The IE has steps: a rate between two of them is the lower one, so that no more is promised than was meant.
///
/// ```
/// use epc_codec::nas::ApnAmbr;
///
/// let ambr = ApnAmbr::new(100_000, 50_000);
/// assert_eq!((ambr.downlink_kbps(), ambr.uplink_kbps()), (100_000, 50_000));
/// assert_eq!(ApnAmbr::new(65, 1).downlink_kbps(), 64);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ApnAmbr {
    downlink: Rate,
    uplink: Rate,
}

/// The octet of a rate, its extension and its second extension.
type Rate = [u8; 3];

impl ApnAmbr {
    /// The nearest steps that are not over these rates in kbit/s; up to 65,280 Mbit/s.
    pub fn new(downlink_kbps: u64, uplink_kbps: u64) -> Self {
        Self {
            downlink: to_rate(downlink_kbps),
            uplink: to_rate(uplink_kbps),
        }
    }

    /// Towards the UE, in kbit/s.
    pub fn downlink_kbps(self) -> u64 {
        to_kbps(self.downlink)
    }

    /// From the UE, in kbit/s.
    pub fn uplink_kbps(self) -> u64 {
        to_kbps(self.uplink)
    }

    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let (mut downlink, mut uplink) = ([0; 3], [0; 3]);
        if value.len() < 2 {
            return None;
        }
        for ((pair, downlink), uplink) in value.chunks_exact(2).zip(&mut downlink).zip(&mut uplink) {
            (*downlink, *uplink) = (pair[0], pair[1]);
        }
        // Rates of equal meaning have one form here.
        Some(Self::new(to_kbps(downlink), to_kbps(uplink)))
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let pairs: Vec<[u8; 2]> = self
            .downlink
            .into_iter()
            .zip(self.uplink)
            .map(|(d, u)| [d, u])
            .collect();
        let used = 1 + pairs.iter().rposition(|pair| *pair != [0, 0]).unwrap_or(0);
        pairs[..used].concat()
    }
}

const MBPS: u64 = 1000;

fn to_kbps([base, extended, extended_2]: Rate) -> u64 {
    let base = u64::from(base);
    let extended = u64::from(extended);
    let below_256_mbps = match (base, extended) {
        (_, 1..=74) => 8600 + extended * 100,
        (_, 75..=186) => 16 * MBPS + (extended - 74) * MBPS,
        (_, 187..) => 128 * MBPS + (extended.min(250) - 186) * 2 * MBPS,
        (0..=63, _) => base,
        (64..=127, _) => 64 + (base - 64) * 8,
        (128..=254, _) => 576 + (base - 128) * 64,
        _ => 0,
    };
    below_256_mbps + u64::from(extended_2) * 256 * MBPS
}

fn to_rate(kbps: u64) -> Rate {
    let extended_2 = (kbps / (256 * MBPS)).min(254);
    let rest = (kbps - extended_2 * 256 * MBPS).min(256 * MBPS);
    let [base, extended] = match rest {
        0 => [255, 0],
        1..=63 => [rest, 0],
        64..576 => [64 + (rest - 64) / 8, 0],
        576..8700 => [128 + ((rest - 576) / 64).min(126), 0],
        8700..16_000 => [254, (rest - 8600) / 100],
        16_000..17_000 => [254, 74],
        17_000..130_000 => [254, 74 + ((rest - 16_000) / 1000).min(112)],
        _ => [254, 186 + (rest - 128_000) / 2000],
    };
    [base as u8, extended as u8, extended_2 as u8]
}
