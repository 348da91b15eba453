//! MM Context, TS 29.274 §8.38: keys and capabilities of a UE, from one MME or SGSN to the next. One element of six, as
//! the security of the UE is of GSM, UMTS or EPS.
//!
//! Every release added fields at the end. One that is not sent is read as empty, and empty ones at the end are not
//! written. Of more than 7 vectors of a kind the first 7 are written. `Debug` shows neither keys nor vectors.

use alloc::vec::Vec;
use core::fmt;

use super::qos::Ambr;
use super::records::put_counted;
use crate::Mei;
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// A key, which `Debug` does not show.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key<const OCTETS: usize>(pub [u8; OCTETS]);

impl<const OCTETS: usize> fmt::Debug for Key<OCTETS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(not shown)")
    }
}

impl<const OCTETS: usize> Key<OCTETS> {
    fn read(r: &mut Reader<'_>, what: &'static str) -> Result<Self, ValueError> {
        r.array(what).map(Key)
    }
}

/// An authentication vector of GSM, figure 8.38-7.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Triplet {
    /// RAND.
    pub rand: [u8; 16],
    /// SRES.
    pub sres: [u8; 4],
    /// The key.
    pub kc: Key<8>,
}

/// An authentication vector of UMTS, figure 8.38-8.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Quintuplet {
    /// RAND.
    pub rand: [u8; 16],
    /// XRES, at most 255 octets.
    pub xres: Vec<u8>,
    /// The key for ciphering.
    pub ck: Key<16>,
    /// The key for integrity.
    pub ik: Key<16>,
    /// AUTN, at most 255 octets.
    pub autn: Vec<u8>,
}

/// An authentication vector of EPS, figure 8.38-9.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Quadruplet {
    /// RAND.
    pub rand: [u8; 16],
    /// XRES, at most 255 octets.
    pub xres: Vec<u8>,
    /// AUTN, at most 255 octets.
    pub autn: Vec<u8>,
    /// The key.
    pub kasme: Key<32>,
}

/// What every MM Context says of the UE after its keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct MmCapabilities {
    /// The UE-AMBR that is subscribed.
    pub subscribed_ue_ambr: Option<Ambr>,
    /// The UE-AMBR in use.
    pub used_ue_ambr: Option<Ambr>,
    /// UE Network Capability, TS 24.301 §9.9.3.34, at most 255 octets.
    pub ue_network_capability: Vec<u8>,
    /// MS Network Capability, TS 24.008 §10.5.5.12, at most 255 octets.
    pub ms_network_capability: Vec<u8>,
    /// Which equipment, where that is known.
    pub mei: Option<Mei>,
    /// Where the subscriber may not go.
    pub access_restrictions: AccessRestrictions,
}

macro_rules! bits {
    ($($(#[$doc:meta])* $name:ident { $($(#[$flag_doc:meta])* $flag:ident = $mask:literal,)* })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name { $($(#[$flag_doc])* pub $flag: bool,)* }

        impl $name {
            fn from_bits(octet: u8) -> Self {
                $name { $($flag: octet & $mask != 0,)* }
            }

            fn to_bits(self) -> u8 {
                0 $(| if self.$flag { $mask } else { 0 })*
            }
        }
    )* };
}

bits! {
    /// Access restriction data: what the subscriber is not allowed.
    AccessRestrictions {
        /// UNA: UTRAN.
        utran = 0x01,
        /// GENA: GERAN.
        geran = 0x02,
        /// GANA: GAN.
        gan = 0x04,
        /// INA: I-HSPA-Evolution.
        i_hspa_evolution = 0x08,
        /// ENA: E-UTRAN.
        eutran = 0x10,
        /// HNNA: handover to non-3GPP access.
        handover_to_non_3gpp = 0x20,
        /// NBNA: NB-IoT.
        nb_iot = 0x40,
        /// ECNA: enhanced coverage.
        enhanced_coverage = 0x80,
    }

    /// Extended access restriction data: what the subscriber is not allowed besides.
    ExtendedAccessRestrictions {
        /// NRSRNA: NR as secondary radio.
        secondary_nr = 0x01,
        /// USSRNA: unlicensed spectrum as secondary radio.
        secondary_unlicensed_spectrum = 0x02,
        /// NRNA: NR in 5GS.
        nr = 0x04,
        /// NRUSRNA: NR in unlicensed spectrum as secondary radio.
        secondary_nr_unlicensed = 0x08,
        /// NRUNA: NR in unlicensed spectrum.
        nr_unlicensed = 0x10,
    }
}

/// MM Context (GSM Key and Triplets), figure 8.38-1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MmContextGsm {
    /// 0 for this kind. Three bits.
    pub security_mode: u8,
    /// CKSN: ciphering key sequence number, three bits.
    pub cksn: u8,
    /// Ciphering algorithm in use, three bits.
    pub used_cipher: u8,
    /// The key.
    pub kc: Key<8>,
    /// At most 7.
    pub triplets: Vec<Triplet>,
    /// DRX parameter, TS 24.008 §10.5.5.6.
    pub drx: Option<[u8; 2]>,
    /// What the UE can do and may use.
    pub capabilities: MmCapabilities,
    /// Voice Domain Preference and UE's Usage Setting, TS 24.008 §10.5.5.28, at most 255 octets.
    pub voice_domain_preference: Vec<u8>,
    /// What later releases add.
    pub rest: Vec<u8>,
}

/// MM Context (UMTS Key, Used Cipher and Quintuplets), figure 8.38-2.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MmContextUmtsUsedCipher {
    /// 1 for this kind. Three bits.
    pub security_mode: u8,
    /// CKSN or KSI: key set identifier, three bits.
    pub ksi: u8,
    /// GUPII: the integrity of the user plane of GPRS is protected.
    pub gprs_user_plane_integrity: bool,
    /// Integrity algorithm of GPRS in use, three bits; UGIPAI says that it is there.
    pub used_gprs_integrity: Option<u8>,
    /// Ciphering algorithm in use, three bits.
    pub used_cipher: u8,
    /// The key for ciphering.
    pub ck: Key<16>,
    /// The key for integrity.
    pub ik: Key<16>,
    /// At most 7.
    pub quintuplets: Vec<Quintuplet>,
    /// DRX parameter, TS 24.008 §10.5.5.6.
    pub drx: Option<[u8; 2]>,
    /// What the UE can do and may use.
    pub capabilities: MmCapabilities,
    /// Voice Domain Preference and UE's Usage Setting, TS 24.008 §10.5.5.28, at most 255 octets.
    pub voice_domain_preference: Vec<u8>,
    /// Whether more than 16 Mbit/s are allowed: 0 no, 1 yes.
    pub higher_bitrates: Option<u8>,
    /// IOV_updates counter; IOVI says that it is there.
    pub iov_updates: Option<u8>,
    /// What later releases add.
    pub rest: Vec<u8>,
}

/// MM Context (GSM Key, Used Cipher and Quintuplets), figure 8.38-3.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MmContextGsmUsedCipher {
    /// 2 for this kind. Three bits.
    pub security_mode: u8,
    /// CKSN or KSI: key set identifier, three bits.
    pub ksi: u8,
    /// Ciphering algorithm in use, three bits.
    pub used_cipher: u8,
    /// The key.
    pub kc: Key<8>,
    /// At most 7.
    pub quintuplets: Vec<Quintuplet>,
    /// DRX parameter, TS 24.008 §10.5.5.6.
    pub drx: Option<[u8; 2]>,
    /// What the UE can do and may use.
    pub capabilities: MmCapabilities,
    /// Voice Domain Preference and UE's Usage Setting, TS 24.008 §10.5.5.28, at most 255 octets.
    pub voice_domain_preference: Vec<u8>,
    /// Whether more than 16 Mbit/s are allowed: 0 no, 1 yes.
    pub higher_bitrates: Option<u8>,
    /// What later releases add.
    pub rest: Vec<u8>,
}

/// MM Context (UMTS Key and Quintuplets), figure 8.38-4.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MmContextUmts {
    /// 3 for this kind. Three bits.
    pub security_mode: u8,
    /// KSI: key set identifier, three bits.
    pub ksi: u8,
    /// GUPII: the integrity of the user plane of GPRS is protected.
    pub gprs_user_plane_integrity: bool,
    /// Integrity algorithm of GPRS in use, three bits; UGIPAI says that it is there.
    pub used_gprs_integrity: Option<u8>,
    /// The key for ciphering.
    pub ck: Key<16>,
    /// The key for integrity.
    pub ik: Key<16>,
    /// At most 7.
    pub quintuplets: Vec<Quintuplet>,
    /// DRX parameter, TS 24.008 §10.5.5.6.
    pub drx: Option<[u8; 2]>,
    /// What the UE can do and may use.
    pub capabilities: MmCapabilities,
    /// Voice Domain Preference and UE's Usage Setting, TS 24.008 §10.5.5.28, at most 255 octets.
    pub voice_domain_preference: Vec<u8>,
    /// Whether more than 16 Mbit/s are allowed: 0 no, 1 yes.
    pub higher_bitrates: Option<u8>,
    /// IOV_updates counter; IOVI says that it is there.
    pub iov_updates: Option<u8>,
    /// Where else the subscriber may not go.
    pub extended_access_restrictions: Option<ExtendedAccessRestrictions>,
    /// What later releases add.
    pub rest: Vec<u8>,
}

/// MM Context (EPS Security Context, Quadruplets and Quintuplets), figure 8.38-5.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MmContextEps {
    /// 4 for this kind. Three bits.
    pub security_mode: u8,
    /// Key set identifier of K_ASME, three bits.
    pub ksi_asme: u8,
    /// Integrity algorithm of NAS in use, three bits.
    pub integrity: u8,
    /// Ciphering algorithm of NAS in use, four bits.
    pub ciphering: u8,
    /// Downlink count of NAS, 24 bits.
    pub downlink_count: u32,
    /// Uplink count of NAS, 24 bits.
    pub uplink_count: u32,
    /// The key.
    pub kasme: Key<32>,
    /// At most 7.
    pub quadruplets: Vec<Quadruplet>,
    /// At most 7.
    pub quintuplets: Vec<Quintuplet>,
    /// DRX parameter, TS 24.008 §10.5.5.6.
    pub drx: Option<[u8; 2]>,
    /// NH and its chaining count, which has three bits; NHI says that they are there.
    pub next_hop: Option<(Key<32>, u8)>,
    /// What the UE can do and may use.
    pub capabilities: MmCapabilities,
    /// The security context from before; OSCI says that it is there.
    pub old: Option<OldSecurityContext>,
    /// Voice Domain Preference and UE's Usage Setting, TS 24.008 §10.5.5.28, at most 255 octets.
    pub voice_domain_preference: Vec<u8>,
    /// UE Radio Capability for Paging, TS 36.413 §9.2.1.98, at most 65,535 octets.
    pub radio_capability_for_paging: Vec<u8>,
    /// Where else the subscriber may not go.
    pub extended_access_restrictions: Option<ExtendedAccessRestrictions>,
    /// UE Additional Security Capability, TS 24.301 §9.9.3.53, at most 255 octets.
    pub additional_security_capability: Vec<u8>,
    /// UE Security Capability of NR, TS 24.501 §9.11.3.54, at most 255 octets.
    pub nr_security_capability: Vec<u8>,
    /// One APN Rate Control Status after the other, figure 8.38-10, at most 65,535 octets.
    pub apn_rate_control_statuses: Vec<u8>,
    /// Core Network Restrictions, TS 29.272 §7.3.230, as bits.
    pub core_network_restrictions: Option<u32>,
    /// UE Radio Capability ID, TS 24.301 §9.9.3.60, at most 255 octets.
    pub radio_capability_id: Vec<u8>,
    /// What later releases add.
    pub rest: Vec<u8>,
}

/// The EPS security context that was in use before, where two procedures run at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OldSecurityContext {
    /// Key set identifier, three bits.
    pub ksi_asme: u8,
    /// Chaining count of NH, three bits; without meaning where there is no NH.
    pub next_hop_chaining_count: u8,
    /// The key.
    pub kasme: Key<32>,
    /// NH.
    pub next_hop: Option<Key<32>>,
}

/// MM Context (UMTS Key, Quadruplets and Quintuplets), figure 8.38-6.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MmContextUmtsQuadruplets {
    /// 5 for this kind. Three bits.
    pub security_mode: u8,
    /// Key set identifier, three bits.
    pub ksi_asme: u8,
    /// The key for ciphering.
    pub ck: Key<16>,
    /// The key for integrity.
    pub ik: Key<16>,
    /// At most 7.
    pub quadruplets: Vec<Quadruplet>,
    /// At most 7.
    pub quintuplets: Vec<Quintuplet>,
    /// DRX parameter, TS 24.008 §10.5.5.6.
    pub drx: Option<[u8; 2]>,
    /// What the UE can do and may use.
    pub capabilities: MmCapabilities,
    /// Voice Domain Preference and UE's Usage Setting, TS 24.008 §10.5.5.28, at most 255 octets.
    pub voice_domain_preference: Vec<u8>,
    /// One APN Rate Control Status after the other, figure 8.38-10, at most 65,535 octets.
    pub apn_rate_control_statuses: Vec<u8>,
    /// What later releases add.
    pub rest: Vec<u8>,
}

const DRXI: u8 = 0x08;
const NHI: u8 = 0x10;
const IOVI: u8 = 0x10;
const GUPII: u8 = 0x08;
const UGIPAI: u8 = 0x04;
const UAMBRI: u8 = 0x02;
const SAMBRI: u8 = 0x01;
const NHI_OLD: u8 = 0x80;
/// In EPS these two have other bits.
const OSCI: u8 = 0x01;
const SAMBRI_OF_EPS: u8 = 0x80;

fn flag(set: bool, flag: u8) -> u8 {
    if set { flag } else { 0 }
}

/// The first octet: security mode, a flag, DRXI and key set identifier.
fn first_octet(security_mode: u8, drx: Option<[u8; 2]>, key_set: u8) -> u8 {
    security_mode << 5 | flag(drx.is_some(), DRXI) | key_set & 0x07
}

/// How many vectors are written, in the three highest bits of the second octet.
fn vectors<T>(vectors: &[T]) -> &[T] {
    vectors.get(..7).unwrap_or(vectors)
}

fn count<T>(all: &[T]) -> u8 {
    vectors(all).len() as u8
}

fn ambr_flags(capabilities: &MmCapabilities) -> u8 {
    flag(capabilities.used_ue_ambr.is_some(), UAMBRI)
        | flag(capabilities.subscribed_ue_ambr.is_some(), SAMBRI)
}

fn drx(r: &mut Reader<'_>, first: u8) -> Result<Option<[u8; 2]>, ValueError> {
    (first & DRXI != 0).then(|| r.array("DRX parameter")).transpose()
}

impl Triplet {
    fn read_all(r: &mut Reader<'_>, count: u8) -> Result<Vec<Self>, ValueError> {
        (0..count)
            .map(|_| {
                Ok(Triplet {
                    rand: r.array("RAND")?,
                    sres: r.array("SRES")?,
                    kc: Key::read(r, "Kc")?,
                })
            })
            .collect()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put(&self.rand);
        out.put(&self.sres);
        out.put(&self.kc.0);
    }
}

impl Quintuplet {
    fn read_all(r: &mut Reader<'_>, count: u8) -> Result<Vec<Self>, ValueError> {
        (0..count)
            .map(|_| {
                Ok(Quintuplet {
                    rand: r.array("RAND")?,
                    xres: counted(r, "XRES")?,
                    ck: Key::read(r, "CK")?,
                    ik: Key::read(r, "IK")?,
                    autn: counted(r, "AUTN")?,
                })
            })
            .collect()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put(&self.rand);
        put_counted(out, &self.xres);
        out.put(&self.ck.0);
        out.put(&self.ik.0);
        put_counted(out, &self.autn);
    }
}

impl Quadruplet {
    fn read_all(r: &mut Reader<'_>, count: u8) -> Result<Vec<Self>, ValueError> {
        (0..count)
            .map(|_| {
                Ok(Quadruplet {
                    rand: r.array("RAND")?,
                    xres: counted(r, "XRES")?,
                    autn: counted(r, "AUTN")?,
                    kasme: Key::read(r, "K_ASME")?,
                })
            })
            .collect()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put(&self.rand);
        put_counted(out, &self.xres);
        put_counted(out, &self.autn);
        out.put(&self.kasme.0);
    }
}

impl MmCapabilities {
    fn read(r: &mut Reader<'_>, subscribed: bool, used: bool) -> Result<Self, ValueError> {
        Ok(MmCapabilities {
            subscribed_ue_ambr: subscribed.then(|| ambr(r)).transpose()?,
            used_ue_ambr: used.then(|| ambr(r)).transpose()?,
            ue_network_capability: counted(r, "UE network capability")?,
            ms_network_capability: counted(r, "MS network capability")?,
            mei: match r.u8("length of the mobile equipment identity")? {
                0 => None,
                length => {
                    let octets = r.take(usize::from(length), "mobile equipment identity")?;
                    Some(Mei::read(&mut Reader::new(octets))?)
                }
            },
            access_restrictions: match r.is_empty() {
                true => AccessRestrictions::default(),
                false => AccessRestrictions::from_bits(r.u8("access restriction data")?),
            },
        })
    }

    /// Without the access restriction data, which is the first of the octets that may be left out.
    fn write(&self, out: &mut Vec<u8>) {
        for ambr in [self.subscribed_ue_ambr, self.used_ue_ambr].into_iter().flatten() {
            out.put_u32(ambr.uplink);
            out.put_u32(ambr.downlink);
        }
        put_counted(out, &self.ue_network_capability);
        put_counted(out, &self.ms_network_capability);
        match &self.mei {
            None => out.put_u8(0),
            Some(mei) => {
                out.put_u8(mei.digit_count().div_ceil(2) as u8);
                mei.write(out);
            }
        }
    }
}

impl ExtendedAccessRestrictions {
    fn read(r: &mut Reader<'_>) -> Result<Option<Self>, ValueError> {
        let octets = later(r, "extended access restriction data")?;
        Ok(octets.first().copied().map(Self::from_bits))
    }
}

impl OldSecurityContext {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let first = r.u8("old key set identifier")?;
        Ok(OldSecurityContext {
            ksi_asme: first >> 3 & 0x07,
            next_hop_chaining_count: first & 0x07,
            kasme: Key::read(r, "old K_ASME")?,
            next_hop: (first & NHI_OLD != 0)
                .then(|| Key::read(r, "old NH"))
                .transpose()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let keys = (self.ksi_asme & 0x07) << 3 | self.next_hop_chaining_count & 0x07;
        out.put_u8(flag(self.next_hop.is_some(), NHI_OLD) | keys);
        out.put(&self.kasme.0);
        if let Some(next_hop) = &self.next_hop {
            out.put(&next_hop.0);
        }
    }
}

fn counted(r: &mut Reader<'_>, what: &'static str) -> Result<Vec<u8>, ValueError> {
    let length = r.u8(what)?;
    r.take(usize::from(length), what).map(<[u8]>::to_vec)
}

/// A field with its length in an octet, which may be left out at the end.
fn later(r: &mut Reader<'_>, what: &'static str) -> Result<Vec<u8>, ValueError> {
    if r.is_empty() {
        return Ok(Vec::new());
    }
    counted(r, what)
}

/// A field with its length in two octets, which may be left out at the end.
fn later_long(r: &mut Reader<'_>, what: &'static str) -> Result<Vec<u8>, ValueError> {
    if r.is_empty() {
        return Ok(Vec::new());
    }
    let length = r.u16(what)?;
    r.take(usize::from(length), what).map(<[u8]>::to_vec)
}

/// The IOV_updates counter, which has its octet where a later field follows, whether it means something or not.
fn iov_updates(r: &mut Reader<'_>, second: u8) -> Result<Option<u8>, ValueError> {
    if r.is_empty() {
        return Ok(None);
    }
    let counter = r.u8("IOV_updates counter")?;
    Ok((second & IOVI != 0).then_some(counter))
}

fn ambr(r: &mut Reader<'_>) -> Result<Ambr, ValueError> {
    Ok(Ambr {
        uplink: r.u32("UE-AMBR for uplink")?,
        downlink: r.u32("UE-AMBR for downlink")?,
    })
}

/// Writes fields that may be left out at the end: those up to the last that is not empty.
struct Later<'a> {
    out: &'a mut Vec<u8>,
    /// How long the value is with the fields that it needs.
    needed: usize,
}

impl<'a> Later<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        let needed = out.len();
        Later { out, needed }
    }

    fn field(&mut self, is_empty: bool, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        write(self.out);
        if !is_empty {
            self.needed = self.out.len();
        }
        self
    }

    fn octet(&mut self, value: u8) -> &mut Self {
        self.field(value == 0, |out| out.put_u8(value))
    }

    fn counted(&mut self, octets: &[u8]) -> &mut Self {
        self.field(octets.is_empty(), |out| put_counted(out, octets))
    }

    fn counted_long(&mut self, octets: &[u8]) -> &mut Self {
        let octets = octets.get(..usize::from(u16::MAX)).unwrap_or(octets);
        self.field(octets.is_empty(), |out| {
            out.put_u16(octets.len() as u16);
            out.put(octets);
        })
    }

    fn counted_octet(&mut self, value: Option<u8>) -> &mut Self {
        self.counted(value.as_slice())
    }

    fn iov_updates(&mut self, counter: Option<u8>) -> &mut Self {
        self.field(counter.is_none(), |out| out.put_u8(counter.unwrap_or(0)))
    }

    fn end(&mut self, rest: &[u8]) {
        self.field(rest.is_empty(), |out| out.put(rest));
        self.out.truncate(self.needed);
    }
}

impl IeValue for MmContextGsm {
    const TYPE: IeType = IeType::MM_CONTEXT_GSM_KEY_AND_TRIPLETS;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let r = &mut r;
        let [first, second, third] = r.array("security mode and algorithms")?;
        Ok(MmContextGsm {
            security_mode: first >> 5,
            cksn: first & 0x07,
            used_cipher: third & 0x07,
            kc: Key::read(r, "Kc")?,
            triplets: Triplet::read_all(r, second >> 5)?,
            drx: drx(r, first)?,
            capabilities: MmCapabilities::read(r, second & SAMBRI != 0, second & UAMBRI != 0)?,
            voice_domain_preference: later(r, "voice domain preference")?,
            rest: r.rest().to_vec(),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&[
            first_octet(self.security_mode, self.drx, self.cksn),
            count(&self.triplets) << 5 | ambr_flags(&self.capabilities),
            self.used_cipher & 0x07,
        ]);
        out.put(&self.kc.0);
        vectors(&self.triplets)
            .iter()
            .for_each(|triplet| triplet.write(out));
        self.drx.iter().for_each(|drx| out.put(drx));
        self.capabilities.write(out);
        Later::new(out)
            .octet(self.capabilities.access_restrictions.to_bits())
            .counted(&self.voice_domain_preference)
            .end(&self.rest);
    }
}

impl IeValue for MmContextUmtsUsedCipher {
    const TYPE: IeType = IeType::MM_CONTEXT_UMTS_KEY_USED_CIPHER_AND_QUINTUPLETS;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let r = &mut r;
        let [first, second, third] = r.array("security mode and algorithms")?;
        Ok(MmContextUmtsUsedCipher {
            security_mode: first >> 5,
            ksi: first & 0x07,
            gprs_user_plane_integrity: second & GUPII != 0,
            used_gprs_integrity: (second & UGIPAI != 0).then_some(third >> 3 & 0x07),
            used_cipher: third & 0x07,
            ck: Key::read(r, "CK")?,
            ik: Key::read(r, "IK")?,
            quintuplets: Quintuplet::read_all(r, second >> 5)?,
            drx: drx(r, first)?,
            capabilities: MmCapabilities::read(r, second & SAMBRI != 0, second & UAMBRI != 0)?,
            voice_domain_preference: later(r, "voice domain preference")?,
            higher_bitrates: later(r, "higher bitrates flag")?.first().copied(),
            iov_updates: iov_updates(r, second)?,
            rest: r.rest().to_vec(),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&[
            first_octet(self.security_mode, self.drx, self.ksi),
            count(&self.quintuplets) << 5
                | flag(self.iov_updates.is_some(), IOVI)
                | flag(self.gprs_user_plane_integrity, GUPII)
                | flag(self.used_gprs_integrity.is_some(), UGIPAI)
                | ambr_flags(&self.capabilities),
            (self.used_gprs_integrity.unwrap_or(0) & 0x07) << 3 | self.used_cipher & 0x07,
        ]);
        out.put(&self.ck.0);
        out.put(&self.ik.0);
        vectors(&self.quintuplets)
            .iter()
            .for_each(|quintuplet| quintuplet.write(out));
        self.drx.iter().for_each(|drx| out.put(drx));
        self.capabilities.write(out);
        Later::new(out)
            .octet(self.capabilities.access_restrictions.to_bits())
            .counted(&self.voice_domain_preference)
            .counted_octet(self.higher_bitrates)
            .iov_updates(self.iov_updates)
            .end(&self.rest);
    }
}

impl IeValue for MmContextGsmUsedCipher {
    const TYPE: IeType = IeType::MM_CONTEXT_GSM_KEY_USED_CIPHER_AND_QUINTUPLETS;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let r = &mut r;
        let [first, second, third] = r.array("security mode and algorithms")?;
        Ok(MmContextGsmUsedCipher {
            security_mode: first >> 5,
            ksi: first & 0x07,
            used_cipher: third & 0x07,
            kc: Key::read(r, "Kc")?,
            quintuplets: Quintuplet::read_all(r, second >> 5)?,
            drx: drx(r, first)?,
            capabilities: MmCapabilities::read(r, second & SAMBRI != 0, second & UAMBRI != 0)?,
            voice_domain_preference: later(r, "voice domain preference")?,
            higher_bitrates: later(r, "higher bitrates flag")?.first().copied(),
            rest: r.rest().to_vec(),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&[
            first_octet(self.security_mode, self.drx, self.ksi),
            count(&self.quintuplets) << 5 | ambr_flags(&self.capabilities),
            self.used_cipher & 0x07,
        ]);
        out.put(&self.kc.0);
        vectors(&self.quintuplets)
            .iter()
            .for_each(|quintuplet| quintuplet.write(out));
        self.drx.iter().for_each(|drx| out.put(drx));
        self.capabilities.write(out);
        Later::new(out)
            .octet(self.capabilities.access_restrictions.to_bits())
            .counted(&self.voice_domain_preference)
            .counted_octet(self.higher_bitrates)
            .end(&self.rest);
    }
}

impl IeValue for MmContextUmts {
    const TYPE: IeType = IeType::MM_CONTEXT_UMTS_KEY_AND_QUINTUPLETS;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let r = &mut r;
        let [first, second, third] = r.array("security mode and algorithms")?;
        Ok(MmContextUmts {
            security_mode: first >> 5,
            ksi: first & 0x07,
            gprs_user_plane_integrity: second & GUPII != 0,
            used_gprs_integrity: (second & UGIPAI != 0).then_some(third & 0x07),
            ck: Key::read(r, "CK")?,
            ik: Key::read(r, "IK")?,
            quintuplets: Quintuplet::read_all(r, second >> 5)?,
            drx: drx(r, first)?,
            capabilities: MmCapabilities::read(r, second & SAMBRI != 0, second & UAMBRI != 0)?,
            voice_domain_preference: later(r, "voice domain preference")?,
            higher_bitrates: later(r, "higher bitrates flag")?.first().copied(),
            iov_updates: iov_updates(r, second)?,
            extended_access_restrictions: ExtendedAccessRestrictions::read(r)?,
            rest: r.rest().to_vec(),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&[
            first_octet(self.security_mode, self.drx, self.ksi),
            count(&self.quintuplets) << 5
                | flag(self.iov_updates.is_some(), IOVI)
                | flag(self.gprs_user_plane_integrity, GUPII)
                | flag(self.used_gprs_integrity.is_some(), UGIPAI)
                | ambr_flags(&self.capabilities),
            self.used_gprs_integrity.unwrap_or(0) & 0x07,
        ]);
        out.put(&self.ck.0);
        out.put(&self.ik.0);
        vectors(&self.quintuplets)
            .iter()
            .for_each(|quintuplet| quintuplet.write(out));
        self.drx.iter().for_each(|drx| out.put(drx));
        self.capabilities.write(out);
        Later::new(out)
            .octet(self.capabilities.access_restrictions.to_bits())
            .counted(&self.voice_domain_preference)
            .counted_octet(self.higher_bitrates)
            .iov_updates(self.iov_updates)
            .counted_octet(self.extended_access_restrictions.map(|flags| flags.to_bits()))
            .end(&self.rest);
    }
}

impl IeValue for MmContextEps {
    const TYPE: IeType = IeType::MM_CONTEXT_EPS_SECURITY_CONTEXT;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let r = &mut r;
        let [first, second, third] = r.array("security mode and algorithms")?;
        Ok(MmContextEps {
            security_mode: first >> 5,
            ksi_asme: first & 0x07,
            integrity: third >> 4 & 0x07,
            ciphering: third & 0x0f,
            downlink_count: r.u24("NAS downlink count")?,
            uplink_count: r.u24("NAS uplink count")?,
            kasme: Key::read(r, "K_ASME")?,
            quadruplets: Quadruplet::read_all(r, second >> 2 & 0x07)?,
            quintuplets: Quintuplet::read_all(r, second >> 5)?,
            drx: drx(r, first)?,
            next_hop: (first & NHI != 0)
                .then(|| Ok((Key::read(r, "NH")?, r.u8("NCC")? & 0x07)))
                .transpose()?,
            capabilities: MmCapabilities::read(r, third & SAMBRI_OF_EPS != 0, second & UAMBRI != 0)?,
            old: (second & OSCI != 0)
                .then(|| OldSecurityContext::read(r))
                .transpose()?,
            voice_domain_preference: later(r, "voice domain preference")?,
            radio_capability_for_paging: later_long(r, "UE radio capability for paging")?,
            extended_access_restrictions: ExtendedAccessRestrictions::read(r)?,
            additional_security_capability: later(r, "UE additional security capability")?,
            nr_security_capability: later(r, "UE NR security capability")?,
            apn_rate_control_statuses: later_long(r, "APN rate control statuses")?,
            core_network_restrictions: later(r, "core network restrictions")?
                .first_chunk()
                .map(|bits| u32::from_be_bytes(*bits)),
            radio_capability_id: later(r, "UE radio capability ID")?,
            rest: r.rest().to_vec(),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let subscribed = self.capabilities.subscribed_ue_ambr.is_some();
        out.put(&[
            first_octet(self.security_mode, self.drx, self.ksi_asme) | flag(self.next_hop.is_some(), NHI),
            count(&self.quintuplets) << 5
                | count(&self.quadruplets) << 2
                | flag(self.capabilities.used_ue_ambr.is_some(), UAMBRI)
                | flag(self.old.is_some(), OSCI),
            flag(subscribed, SAMBRI_OF_EPS) | (self.integrity & 0x07) << 4 | self.ciphering & 0x0f,
        ]);
        out.put_u24(self.downlink_count);
        out.put_u24(self.uplink_count);
        out.put(&self.kasme.0);
        vectors(&self.quadruplets)
            .iter()
            .for_each(|quadruplet| quadruplet.write(out));
        vectors(&self.quintuplets)
            .iter()
            .for_each(|quintuplet| quintuplet.write(out));
        self.drx.iter().for_each(|drx| out.put(drx));
        if let Some((next_hop, chaining_count)) = &self.next_hop {
            out.put(&next_hop.0);
            out.put_u8(chaining_count & 0x07);
        }
        self.capabilities.write(out);
        let core_network_restrictions = self.core_network_restrictions.map(u32::to_be_bytes);
        Later::new(out)
            .octet(self.capabilities.access_restrictions.to_bits())
            .field(self.old.is_none(), |out| {
                self.old.iter().for_each(|old| old.write(out));
            })
            .counted(&self.voice_domain_preference)
            .counted_long(&self.radio_capability_for_paging)
            .counted_octet(self.extended_access_restrictions.map(|flags| flags.to_bits()))
            .counted(&self.additional_security_capability)
            .counted(&self.nr_security_capability)
            .counted_long(&self.apn_rate_control_statuses)
            .counted(core_network_restrictions.as_ref().map_or(&[], |bits| &bits[..]))
            .counted(&self.radio_capability_id)
            .end(&self.rest);
    }
}

impl IeValue for MmContextUmtsQuadruplets {
    const TYPE: IeType = IeType::MM_CONTEXT_UMTS_KEY_QUADRUPLETS_AND_QUINTUPLETS;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let r = &mut r;
        let [first, second, _] = r.array("security mode and vectors")?;
        Ok(MmContextUmtsQuadruplets {
            security_mode: first >> 5,
            ksi_asme: first & 0x07,
            ck: Key::read(r, "CK")?,
            ik: Key::read(r, "IK")?,
            quadruplets: Quadruplet::read_all(r, second >> 2 & 0x07)?,
            quintuplets: Quintuplet::read_all(r, second >> 5)?,
            drx: drx(r, first)?,
            capabilities: MmCapabilities::read(r, second & SAMBRI != 0, second & UAMBRI != 0)?,
            voice_domain_preference: later(r, "voice domain preference")?,
            apn_rate_control_statuses: later_long(r, "APN rate control statuses")?,
            rest: r.rest().to_vec(),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&[
            first_octet(self.security_mode, self.drx, self.ksi_asme),
            count(&self.quintuplets) << 5 | count(&self.quadruplets) << 2 | ambr_flags(&self.capabilities),
            0,
        ]);
        out.put(&self.ck.0);
        out.put(&self.ik.0);
        vectors(&self.quadruplets)
            .iter()
            .for_each(|quadruplet| quadruplet.write(out));
        vectors(&self.quintuplets)
            .iter()
            .for_each(|quintuplet| quintuplet.write(out));
        self.drx.iter().for_each(|drx| out.put(drx));
        self.capabilities.write(out);
        Later::new(out)
            .octet(self.capabilities.access_restrictions.to_bits())
            .counted(&self.voice_domain_preference)
            .counted_long(&self.apn_rate_control_statuses)
            .end(&self.rest);
    }
}

macro_rules! hidden {
    ($($name:ident)*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(not shown)"))
            }
        }
    )* };
}

hidden! { Triplet Quintuplet Quadruplet }
