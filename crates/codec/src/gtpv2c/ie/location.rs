//! Where a UE is: networks, areas and cells, TS 29.274 §8.18, §8.21 and TS 23.003.

use alloc::vec::Vec;
use core::fmt;

use super::ie_values;
use crate::Plmn;
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// Serving Network, §8.18: the network that the UE uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServingNetwork(pub Plmn);

impl ServingNetwork {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        Plmn::read(r).map(ServingNetwork)
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

/// PLMN ID, §8.50: the network that a UE selected. The order of its digits differs from the other elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlmnId(pub Plmn);

impl PlmnId {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        r.array("PLMN").map(Plmn::from_s1ap_octets).map(PlmnId)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put(&self.0.to_s1ap_octets());
    }
}

/// Cell Global Identity, of GERAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Cgi {
    pub plmn: Plmn,
    pub lac: u16,
    pub ci: u16,
}

/// Service Area Identity, of UTRAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Sai {
    pub plmn: Plmn,
    pub lac: u16,
    pub sac: u16,
}

/// Routing Area Identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rai {
    /// The network.
    pub plmn: Plmn,
    /// The location area.
    pub lac: u16,
    /// The routing area code in the high octet; the low one is all ones.
    pub rac: u16,
}

/// Tracking Area Identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct Tai {
    pub plmn: Plmn,
    pub tac: u16,
}

/// E-UTRAN Cell Global Identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ecgi {
    /// The network.
    pub plmn: Plmn,
    /// The cell, 28 bits.
    pub eci: u32,
}

/// Location Area Identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Lai {
    pub plmn: Plmn,
    pub lac: u16,
}

/// Global Macro eNodeB Identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacroEnbId {
    /// The network.
    pub plmn: Plmn,
    /// 20 bits.
    pub id: u32,
}

/// Extended Macro eNodeB Identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExtendedMacroEnbId {
    /// The network.
    pub plmn: Plmn,
    /// Whether it is a short macro eNodeB identity of 18 bits instead of one of 21.
    pub short: bool,
    /// 18 or 21 bits.
    pub id: u32,
}

impl Tai {
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        Ok(Tai {
            plmn: Plmn::read(r)?,
            tac: r.u16("tracking area code")?,
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.plmn.write(out);
        out.put_u16(self.tac);
    }
}

impl Ecgi {
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        Ok(Ecgi {
            plmn: Plmn::read(r)?,
            eci: r.u32("E-UTRAN cell identifier")? & 0x0fff_ffff,
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.plmn.write(out);
        out.put_u32(self.eci & 0x0fff_ffff);
    }
}

impl MacroEnbId {
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        Ok(MacroEnbId {
            plmn: Plmn::read(r)?,
            id: r.u24("macro eNodeB identity")? & 0x0f_ffff,
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.plmn.write(out);
        out.put_u24(self.id & 0x0f_ffff);
    }
}

impl ExtendedMacroEnbId {
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let plmn = Plmn::read(r)?;
        let bits = r.u24("extended macro eNodeB identity")?;
        Ok(ExtendedMacroEnbId {
            plmn,
            short: bits & 0x80_0000 != 0,
            id: bits & 0x1f_ffff,
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.plmn.write(out);
        out.put_u24(self.id & 0x1f_ffff | if self.short { 0x80_0000 } else { 0 });
    }
}

/// User Location Information, §8.21: any of eight identities, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(missing_docs)]
pub struct Uli {
    pub cgi: Option<Cgi>,
    pub sai: Option<Sai>,
    pub rai: Option<Rai>,
    pub tai: Option<Tai>,
    pub ecgi: Option<Ecgi>,
    pub lai: Option<Lai>,
    pub macro_enb: Option<MacroEnbId>,
    pub extended_macro_enb: Option<ExtendedMacroEnbId>,
}

impl Uli {
    /// A UE of E-UTRAN: its tracking area and its cell.
    #[must_use]
    pub fn e_utran(tai: Tai, ecgi: Ecgi) -> Self {
        Uli {
            tai: Some(tai),
            ecgi: Some(ecgi),
            ..Uli::default()
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let flags = r.u8("ULI flags")?;
        let mut uli = Uli::default();
        if flags & 0x01 != 0 {
            uli.cgi = Some(Cgi {
                plmn: Plmn::read(r)?,
                lac: r.u16("CGI LAC")?,
                ci: r.u16("CGI CI")?,
            });
        }
        if flags & 0x02 != 0 {
            uli.sai = Some(Sai {
                plmn: Plmn::read(r)?,
                lac: r.u16("SAI LAC")?,
                sac: r.u16("SAI SAC")?,
            });
        }
        if flags & 0x04 != 0 {
            uli.rai = Some(Rai {
                plmn: Plmn::read(r)?,
                lac: r.u16("RAI LAC")?,
                rac: r.u16("RAI RAC")?,
            });
        }
        if flags & 0x08 != 0 {
            uli.tai = Some(Tai::read(r)?);
        }
        if flags & 0x10 != 0 {
            uli.ecgi = Some(Ecgi::read(r)?);
        }
        if flags & 0x20 != 0 {
            uli.lai = Some(Lai {
                plmn: Plmn::read(r)?,
                lac: r.u16("LAI LAC")?,
            });
        }
        if flags & 0x40 != 0 {
            uli.macro_enb = Some(MacroEnbId::read(r)?);
        }
        if flags & 0x80 != 0 {
            uli.extended_macro_enb = Some(ExtendedMacroEnbId::read(r)?);
        }
        Ok(uli)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.put_u8(0);
        let mut flags = 0;
        if let Some(Cgi { plmn, lac, ci }) = self.cgi {
            flags |= 0x01;
            area(out, plmn, lac, ci);
        }
        if let Some(Sai { plmn, lac, sac }) = self.sai {
            flags |= 0x02;
            area(out, plmn, lac, sac);
        }
        if let Some(Rai { plmn, lac, rac }) = self.rai {
            flags |= 0x04;
            area(out, plmn, lac, rac);
        }
        if let Some(tai) = self.tai {
            flags |= 0x08;
            tai.write(out);
        }
        if let Some(ecgi) = self.ecgi {
            flags |= 0x10;
            ecgi.write(out);
        }
        if let Some(Lai { plmn, lac }) = self.lai {
            flags |= 0x20;
            plmn.write(out);
            out.put_u16(lac);
        }
        if let Some(enb) = self.macro_enb {
            flags |= 0x40;
            enb.write(out);
        }
        if let Some(enb) = self.extended_macro_enb {
            flags |= 0x80;
            enb.write(out);
        }
        if let Some(place) = out.get_mut(start) {
            *place = flags;
        }
    }
}

impl fmt::Debug for Uli {
    /// What is there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uli(")?;
        let parts: [&dyn Part; 8] = [
            &self.cgi,
            &self.sai,
            &self.rai,
            &self.tai,
            &self.ecgi,
            &self.lai,
            &self.macro_enb,
            &self.extended_macro_enb,
        ];
        let mut between = "";
        for part in parts.iter().filter_map(|part| part.shown()) {
            write!(f, "{between}{part:?}")?;
            between = ", ";
        }
        f.write_str(")")
    }
}

/// One of the identities, if it is there.
trait Part {
    fn shown(&self) -> Option<&dyn fmt::Debug>;
}

impl<T: fmt::Debug> Part for Option<T> {
    fn shown(&self) -> Option<&dyn fmt::Debug> {
        self.as_ref().map(|part| part as &dyn fmt::Debug)
    }
}

fn area(out: &mut Vec<u8>, plmn: Plmn, lac: u16, last: u16) {
    plmn.write(out);
    out.put_u16(lac);
    out.put_u16(last);
}

ie_values! {
    ServingNetwork = SERVING_NETWORK
    PlmnId = PLMN_ID
    Uli = ULI
}
