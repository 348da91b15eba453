//! Presence Reporting Area Action, TS 29.274 §8.108.

use alloc::vec::Vec;

use super::delegated::{Part, take_apart};
use super::location::{Cgi, Ecgi, ExtendedMacroEnbId, MacroEnbId, Rai, Sai, Tai};
use crate::Plmn;
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// Presence Reporting Area Action, §8.108: start, stop or change the reports about an area.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PresenceReportingAreaAction {
    /// 1 start, 2 stop, 3 modify. Three bits.
    pub action: u8,
    /// INAPRA: the area is inactive.
    pub inactive: bool,
    /// The area, 24 bits; only to start or modify.
    pub identifier: Option<u32>,
    /// What makes up the area, when the action says it. It is only sent after an identifier.
    pub elements: Option<PresenceReportingAreaElements>,
    /// The octets after what was understood, as they came: of elements that are cut short or have spare bits set, all.
    pub rest: Vec<u8>,
}

impl IeValue for PresenceReportingAreaAction {
    const TYPE: IeType = IeType::PRESENCE_REPORTING_AREA_ACTION;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let first = r.u8("action")?;
        let identifier = if r.is_empty() {
            None
        } else {
            Some(r.u24("presence reporting area identifier")?)
        };
        let (elements, rest) = take_apart(r.rest());
        Ok(PresenceReportingAreaAction {
            action: first & 0x07,
            inactive: first & 0x08 != 0,
            identifier,
            elements,
            rest,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.action & 0x07 | if self.inactive { 0x08 } else { 0 });
        if let Some(identifier) = self.identifier {
            out.put_u24(identifier);
            if let Some(elements) = &self.elements {
                elements.write(out);
            }
            out.put(&self.rest);
        }
    }
}

/// The areas, nodes and cells that make up a presence reporting area, in the order of the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PresenceReportingAreaElements {
    /// Tracking areas, at most 15.
    pub tais: Vec<Tai>,
    /// Macro eNodeBs, at most 63.
    pub macro_enbs: Vec<MacroEnbId>,
    /// Home eNodeBs, at most 63.
    pub home_enbs: Vec<HomeEnbId>,
    /// Cells of E-UTRAN, at most 63.
    pub ecgis: Vec<Ecgi>,
    /// Routing areas, at most 15.
    pub rais: Vec<Rai>,
    /// Service areas, at most 63.
    pub sais: Vec<Sai>,
    /// Cells of GERAN, at most 63.
    pub cgis: Vec<Cgi>,
    /// Extended macro eNodeBs, at most 63; nothing from senders of a release that has none.
    pub extended_macro_enbs: Option<Vec<ExtendedMacroEnbId>>,
}

/// Home eNodeB identity, figure 8.108-3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HomeEnbId {
    /// The network.
    pub plmn: Plmn,
    /// 28 bits.
    pub id: u32,
}

/// The most elements that a count of four bits can tell.
const FEW: usize = 15;
/// The most that a count of six bits can tell.
const MANY: usize = 63;

fn list<T>(
    r: &mut Reader<'_>,
    count: u8,
    read: impl Fn(&mut Reader<'_>) -> Result<T, ValueError>,
) -> Result<Vec<T>, ValueError> {
    (0..count).map(|_| read(r)).collect()
}

/// A network, a location area and what is in that area.
fn in_lac(r: &mut Reader<'_>) -> Result<(Plmn, u16, u16), ValueError> {
    Ok((
        Plmn::read(r)?,
        r.u16("location area code")?,
        r.u16("code in the location area")?,
    ))
}

fn put_in_lac(out: &mut Vec<u8>, plmn: Plmn, lac: u16, code: u16) {
    plmn.write(out);
    out.put_u16(lac);
    out.put_u16(code);
}

impl Part for PresenceReportingAreaElements {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let [areas, macro_enbs, home_enbs, ecgis, sais, cgis] = r.array("counts of the elements")?;
        Ok(PresenceReportingAreaElements {
            tais: list(r, areas >> 4, Tai::read)?,
            macro_enbs: list(r, macro_enbs & 0x3f, MacroEnbId::read)?,
            home_enbs: list(r, home_enbs & 0x3f, |r| {
                Ok(HomeEnbId {
                    plmn: Plmn::read(r)?,
                    id: r.u32("home eNodeB identity")? & 0x0fff_ffff,
                })
            })?,
            ecgis: list(r, ecgis & 0x3f, Ecgi::read)?,
            rais: list(r, areas & 0x0f, |r| {
                in_lac(r).map(|(plmn, lac, rac)| Rai { plmn, lac, rac })
            })?,
            sais: list(r, sais & 0x3f, |r| {
                in_lac(r).map(|(plmn, lac, sac)| Sai { plmn, lac, sac })
            })?,
            cgis: list(r, cgis & 0x3f, |r| {
                in_lac(r).map(|(plmn, lac, ci)| Cgi { plmn, lac, ci })
            })?,
            extended_macro_enbs: if r.is_empty() {
                None
            } else {
                let count = r.u8("number of extended macro eNodeBs")? & 0x3f;
                Some(list(r, count, ExtendedMacroEnbId::read)?)
            },
        })
    }

    /// What a count cannot tell is left out.
    fn write(&self, out: &mut Vec<u8>) {
        let few = |length: usize| length.min(FEW) as u8;
        let many = |length: usize| length.min(MANY) as u8;
        out.put(&[
            few(self.tais.len()) << 4 | few(self.rais.len()),
            many(self.macro_enbs.len()),
            many(self.home_enbs.len()),
            many(self.ecgis.len()),
            many(self.sais.len()),
            many(self.cgis.len()),
        ]);
        self.tais.iter().take(FEW).for_each(|tai| tai.write(out));
        self.macro_enbs.iter().take(MANY).for_each(|enb| enb.write(out));
        for enb in self.home_enbs.iter().take(MANY) {
            enb.plmn.write(out);
            out.put_u32(enb.id & 0x0fff_ffff);
        }
        self.ecgis.iter().take(MANY).for_each(|ecgi| ecgi.write(out));
        for Rai { plmn, lac, rac } in self.rais.iter().take(FEW) {
            put_in_lac(out, *plmn, *lac, *rac);
        }
        for Sai { plmn, lac, sac } in self.sais.iter().take(MANY) {
            put_in_lac(out, *plmn, *lac, *sac);
        }
        for Cgi { plmn, lac, ci } in self.cgis.iter().take(MANY) {
            put_in_lac(out, *plmn, *lac, *ci);
        }
        if let Some(enbs) = &self.extended_macro_enbs {
            out.put_u8(many(enbs.len()));
            enbs.iter().take(MANY).for_each(|enb| enb.write(out));
        }
    }
}
