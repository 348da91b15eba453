//! MM Context, TS 29.274 §8.38: keys and capabilities of a UE, from one MME or SGSN to the next. One element of six, as
//! the security of the UE is of GSM, UMTS or EPS.

use alloc::vec::Vec;
use core::fmt;

use super::qos::Ambr;
use super::records::put_counted;
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// MM Context (EPS Security Context, Quadruplets and Quintuplets), figure 8.38-5.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MmContextEps {
    /// 4 is UMTS/EPS with quadruplets and quintuplets. Three bits.
    pub security_mode: u8,
    /// NHI: next hop and its chaining count are in `more`.
    pub has_next_hop: bool,
    /// DRXI: a DRX parameter is in `more`.
    pub has_drx: bool,
    /// Key set identifier, three bits.
    pub ksi_asme: u8,
    /// How many authentication quintuplets are in `more`, at most 7.
    pub quintuplets: u8,
    /// How many authentication quadruplets are in `more`, at most 7.
    pub quadruplets: u8,
    /// UAMBRI: the UE-AMBR in use is in `more`.
    pub has_used_ue_ambr: bool,
    /// OSCI: an old security context is in `more`.
    pub has_old_security_context: bool,
    /// SAMBRI: the subscribed UE-AMBR is in `more`.
    pub has_subscribed_ue_ambr: bool,
    /// Integrity algorithm of NAS in use, three bits.
    pub integrity: u8,
    /// Ciphering algorithm of NAS in use, four bits.
    pub ciphering: u8,
    /// Downlink count of NAS, 24 bits.
    pub downlink_count: u32,
    /// Uplink count of NAS, 24 bits.
    pub uplink_count: u32,
    /// The key. Not shown by `Debug`.
    pub kasme: [u8; 32],
    /// Vectors, parameters and capabilities, coded as in the figure; [`MmContextEps::contents`] reads them. Not shown by
    /// `Debug`.
    pub more: Vec<u8>,
}

/// An authentication vector of EPS, figure 8.38-8. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Quadruplet {
    /// RAND.
    pub rand: [u8; 16],
    /// XRES, at most 255 octets.
    pub xres: Vec<u8>,
    /// AUTN, at most 255 octets.
    pub autn: Vec<u8>,
    /// The key.
    pub kasme: [u8; 32],
}

/// An authentication vector of UMTS, figure 8.38-7. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Quintuplet {
    /// RAND.
    pub rand: [u8; 16],
    /// XRES, at most 255 octets.
    pub xres: Vec<u8>,
    /// The key for ciphering.
    pub ck: [u8; 16],
    /// The key for integrity.
    pub ik: [u8; 16],
    /// AUTN, at most 255 octets.
    pub autn: Vec<u8>,
}

/// What follows the key in [`MmContextEps`], in the order of the wire. `Debug` does not show keys and vectors.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct MmContextEpsContents {
    /// Authentication quadruplets, at most 7.
    pub quadruplets: Vec<Quadruplet>,
    /// Authentication quintuplets, at most 7.
    pub quintuplets: Vec<Quintuplet>,
    /// DRX parameter, TS 24.008 §10.5.5.6.
    pub drx: Option<[u8; 2]>,
    /// NH and its chaining count, which has three bits.
    pub next_hop: Option<([u8; 32], u8)>,
    /// The UE-AMBR that is subscribed.
    pub subscribed_ue_ambr: Option<Ambr>,
    /// The UE-AMBR in use.
    pub used_ue_ambr: Option<Ambr>,
    /// UE Network Capability, TS 24.301 §9.9.3.34, at most 255 octets.
    pub ue_network_capability: Vec<u8>,
    /// MS Network Capability, TS 24.008 §10.5.5.12, at most 255 octets.
    pub ms_network_capability: Vec<u8>,
    /// Mobile Equipment Identity, as in the element of that name, §8.10, at most 255 octets; empty when not known.
    pub mei: Vec<u8>,
    /// Access restriction data and what later releases have after it, as in the figure.
    pub rest: Vec<u8>,
}

impl MmContextEps {
    /// Reads what follows the key.
    ///
    /// # Errors
    /// When octets are missing of what the counts and flags announce.
    pub fn contents(&self) -> Result<MmContextEpsContents, ValueError> {
        let mut r = Reader::new(&self.more);
        let r = &mut r;
        Ok(MmContextEpsContents {
            quadruplets: (0..self.quadruplets)
                .map(|_| {
                    Ok(Quadruplet {
                        rand: r.array("RAND")?,
                        xres: counted(r, "XRES")?,
                        autn: counted(r, "AUTN")?,
                        kasme: r.array("K ASME")?,
                    })
                })
                .collect::<Result<_, _>>()?,
            quintuplets: (0..self.quintuplets)
                .map(|_| {
                    Ok(Quintuplet {
                        rand: r.array("RAND")?,
                        xres: counted(r, "XRES")?,
                        ck: r.array("CK")?,
                        ik: r.array("IK")?,
                        autn: counted(r, "AUTN")?,
                    })
                })
                .collect::<Result<_, _>>()?,
            drx: self.has_drx.then(|| r.array("DRX parameter")).transpose()?,
            next_hop: self
                .has_next_hop
                .then(|| Ok((r.array("NH")?, r.u8("NCC")? & 0x07)))
                .transpose()?,
            subscribed_ue_ambr: self.has_subscribed_ue_ambr.then(|| ambr(r)).transpose()?,
            used_ue_ambr: self.has_used_ue_ambr.then(|| ambr(r)).transpose()?,
            ue_network_capability: counted(r, "UE network capability")?,
            ms_network_capability: counted(r, "MS network capability")?,
            mei: counted(r, "mobile equipment identity")?,
            rest: r.rest().to_vec(),
        })
    }

    /// Writes what follows the key, and sets the counts and flags for it. Of more than 7 vectors the first 7 count.
    pub fn set_contents(&mut self, contents: &MmContextEpsContents) {
        let quadruplets = contents.quadruplets.get(..7).unwrap_or(&contents.quadruplets);
        let quintuplets = contents.quintuplets.get(..7).unwrap_or(&contents.quintuplets);
        self.quadruplets = quadruplets.len() as u8;
        self.quintuplets = quintuplets.len() as u8;
        self.has_drx = contents.drx.is_some();
        self.has_next_hop = contents.next_hop.is_some();
        self.has_subscribed_ue_ambr = contents.subscribed_ue_ambr.is_some();
        self.has_used_ue_ambr = contents.used_ue_ambr.is_some();
        let out = &mut self.more;
        out.clear();
        for vector in quadruplets {
            out.put(&vector.rand);
            put_counted(out, &vector.xres);
            put_counted(out, &vector.autn);
            out.put(&vector.kasme);
        }
        for vector in quintuplets {
            out.put(&vector.rand);
            put_counted(out, &vector.xres);
            out.put(&vector.ck);
            out.put(&vector.ik);
            put_counted(out, &vector.autn);
        }
        if let Some(drx) = &contents.drx {
            out.put(drx);
        }
        if let Some((next_hop, count)) = &contents.next_hop {
            out.put(next_hop);
            out.put_u8(count & 0x07);
        }
        for ambr in [contents.subscribed_ue_ambr, contents.used_ue_ambr]
            .into_iter()
            .flatten()
        {
            out.put_u32(ambr.uplink);
            out.put_u32(ambr.downlink);
        }
        put_counted(out, &contents.ue_network_capability);
        put_counted(out, &contents.ms_network_capability);
        put_counted(out, &contents.mei);
        out.put(&contents.rest);
    }
}

fn counted(r: &mut Reader<'_>, what: &'static str) -> Result<Vec<u8>, ValueError> {
    let length = r.u8(what)?;
    r.take(usize::from(length), what).map(<[u8]>::to_vec)
}

fn ambr(r: &mut Reader<'_>) -> Result<Ambr, ValueError> {
    Ok(Ambr {
        uplink: r.u32("UE-AMBR for uplink")?,
        downlink: r.u32("UE-AMBR for downlink")?,
    })
}

impl fmt::Debug for Quadruplet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quadruplet").finish_non_exhaustive()
    }
}

impl fmt::Debug for Quintuplet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quintuplet").finish_non_exhaustive()
    }
}

impl fmt::Debug for MmContextEpsContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MmContextEpsContents")
            .field("quadruplets", &self.quadruplets.len())
            .field("quintuplets", &self.quintuplets.len())
            .field("drx", &self.drx)
            .field("subscribed_ue_ambr", &self.subscribed_ue_ambr)
            .field("used_ue_ambr", &self.used_ue_ambr)
            .field("ue_network_capability", &self.ue_network_capability)
            .field("ms_network_capability", &self.ms_network_capability)
            .field("mei", &self.mei)
            .finish_non_exhaustive()
    }
}

impl IeValue for MmContextEps {
    const TYPE: IeType = IeType::MM_CONTEXT_EPS_SECURITY_CONTEXT;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let [first, second, third] = r.array("security mode and algorithms")?;
        Ok(MmContextEps {
            security_mode: first >> 5,
            has_next_hop: first & 0x10 != 0,
            has_drx: first & 0x08 != 0,
            ksi_asme: first & 0x07,
            quintuplets: second >> 5,
            quadruplets: second >> 2 & 0x07,
            has_used_ue_ambr: second & 0x02 != 0,
            has_old_security_context: second & 0x01 != 0,
            has_subscribed_ue_ambr: third & 0x80 != 0,
            integrity: third >> 4 & 0x07,
            ciphering: third & 0x0f,
            downlink_count: r.u24("NAS downlink count")?,
            uplink_count: r.u24("NAS uplink count")?,
            kasme: r.array("K ASME")?,
            more: r.rest().to_vec(),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let flag = |set, flag| if set { flag } else { 0 };
        out.put(&[
            self.security_mode << 5
                | flag(self.has_next_hop, 0x10)
                | flag(self.has_drx, 0x08)
                | self.ksi_asme & 0x07,
            self.quintuplets << 5
                | (self.quadruplets & 0x07) << 2
                | flag(self.has_used_ue_ambr, 0x02)
                | flag(self.has_old_security_context, 0x01),
            flag(self.has_subscribed_ue_ambr, 0x80) | (self.integrity & 0x07) << 4 | self.ciphering & 0x0f,
        ]);
        out.put_u24(self.downlink_count);
        out.put_u24(self.uplink_count);
        out.put(&self.kasme);
        out.put(&self.more);
    }
}

impl fmt::Debug for MmContextEps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MmContextEps")
            .field("security_mode", &self.security_mode)
            .field("ksi_asme", &self.ksi_asme)
            .field("integrity", &self.integrity)
            .field("ciphering", &self.ciphering)
            .field("downlink_count", &self.downlink_count)
            .field("uplink_count", &self.uplink_count)
            .finish_non_exhaustive()
    }
}

macro_rules! older {
    ($($(#[$doc:meta])* $name:ident = $ie:ident)*) => { $(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name {
            /// Which kinds of keys and vectors, three bits.
            pub security_mode: u8,
            /// Bits 5 and 4 of the first octet; bit 4 is DRXI.
            pub flags: u8,
            /// Key set identifier, three bits.
            pub key_set: u8,
            /// Keys, vectors and capabilities, coded as in the figure. Not shown by `Debug`.
            pub more: Vec<u8>,
        }

        impl IeValue for $name {
            const TYPE: IeType = IeType::$ie;

            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                let mut r = Reader::new(value);
                let first = r.u8("security mode")?;
                let (security_mode, flags, key_set) = (first >> 5, first >> 3 & 0x03, first & 0x07);
                Ok($name { security_mode, flags, key_set, more: r.rest().to_vec() })
            }

            fn encode(&self, out: &mut Vec<u8>) {
                out.put_u8(self.security_mode << 5 | (self.flags & 0x03) << 3 | self.key_set & 0x07);
                out.put(&self.more);
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("security_mode", &self.security_mode)
                    .field("key_set", &self.key_set)
                    .finish_non_exhaustive()
            }
        }
    )* };
}

older! {
    /// MM Context (GSM Key and Triplets), figure 8.38-1.
    MmContextGsm = MM_CONTEXT_GSM_KEY_AND_TRIPLETS
    /// MM Context (UMTS Key, Used Cipher and Quintuplets), figure 8.38-2.
    MmContextUmtsUsedCipher = MM_CONTEXT_UMTS_KEY_USED_CIPHER_AND_QUINTUPLETS
    /// MM Context (GSM Key, Used Cipher and Quintuplets), figure 8.38-3.
    MmContextGsmUsedCipher = MM_CONTEXT_GSM_KEY_USED_CIPHER_AND_QUINTUPLETS
    /// MM Context (UMTS Key and Quintuplets), figure 8.38-4.
    MmContextUmts = MM_CONTEXT_UMTS_KEY_AND_QUINTUPLETS
    /// MM Context (UMTS Key, Quadruplets and Quintuplets), figure 8.38-6.
    MmContextUmtsQuadruplets = MM_CONTEXT_UMTS_KEY_QUADRUPLETS_AND_QUINTUPLETS
}
