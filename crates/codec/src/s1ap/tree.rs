//! A PDU as an indented tree, for a reader.

use alloc::string::ToString;
use core::fmt::{self, Display, Write};

use super::ie_value::IeValue;
use super::message::Message;
use super::pdu::{Body, Pdu, PduKind};
use super::value::*;
use crate::nas::Direction;

/// Two spaces a level before each line that is written through it.
pub(crate) struct Indent<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    level: usize,
}

impl<'a, 'f> Indent<'a, 'f> {
    pub(crate) fn new(f: &'a mut fmt::Formatter<'f>, level: usize) -> Self {
        Self { f, level }
    }

    /// A line, after the end of the one before.
    pub(crate) fn line(&mut self, text: impl Display) -> fmt::Result {
        write!(self.f, "\n{:1$}{text}", "", 2 * self.level)
    }

    /// More lines, a level further in.
    pub(crate) fn deeper(&mut self) -> Indent<'_, 'f> {
        Indent {
            f: self.f,
            level: self.level + 1,
        }
    }

    /// What writes its own lines without indentation.
    pub(crate) fn block(&mut self, text: impl Display) -> fmt::Result {
        text.to_string().lines().try_for_each(|line| self.line(line))
    }
}

pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// ```text
/// S1AP UEContextReleaseRequest (initiatingMessage, procedure 18, ignore)
///   MME-UE-S1AP-ID [0, reject]: 7
///   eNB-UE-S1AP-ID [8, reject]: 1
///   Cause [2, ignore]: radioNetwork: user-inactivity
/// ```
impl Display for Pdu<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.message_name().unwrap_or("unknown message");
        let (kind, criticality) = (self.kind.name(), self.criticality.name());
        write!(
            f,
            "S1AP {name} ({kind}, procedure {}, {criticality})",
            self.procedure_code
        )?;
        let mut out = Indent::new(f, 1);
        if let Body::Private(octets) = &self.body {
            return out.line(format_args!("private IEs: {}", Hex(octets)));
        }
        let direction = nas_direction(self.kind, self.procedure_code);
        for ie in self.ies() {
            let name = ie.name().unwrap_or("unknown IE");
            let head = format_args!("{name} [{}, {}]", ie.id, ie.criticality.name()).to_string();
            match ie.decoded() {
                Some(value) => show(&mut out, &head, &value, direction)?,
                None => out.line(format_args!("{head}: {}", Hex(&ie.value)))?,
            }
        }
        Ok(())
    }
}

/// As its PDU.
impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Pdu::decode(&self.encode()) {
            Ok(pdu) => pdu.fmt(f),
            Err(_) => f.write_str(self.name()),
        }
    }
}

/// Initial UE Message and Uplink NAS Transport come from the UE; what else has a NAS-PDU is for it.
fn nas_direction(kind: PduKind, procedure_code: u8) -> Direction {
    match (kind, procedure_code) {
        (PduKind::InitiatingMessage, 12 | 13) => Direction::Uplink,
        _ => Direction::Downlink,
    }
}

fn show(out: &mut Indent<'_, '_>, head: &str, value: &IeValue, direction: Direction) -> fmt::Result {
    let mut one = |text: &dyn Display| out.line(format_args!("{head}: {text}"));
    match value {
        IeValue::MmeUeS1apId(id) => one(id),
        IeValue::EnbUeS1apId(id) => one(id),
        IeValue::UeS1apIds(UeS1apIds::Pair(mme, enb)) => one(&format_args!("MME {mme}, eNB {enb}")),
        IeValue::UeS1apIds(UeS1apIds::Mme(mme)) => one(&format_args!("MME {mme}")),
        IeValue::Cause(cause) => one(cause),
        IeValue::GlobalEnbId(id) => one(id),
        IeValue::NodeName(name) => one(name),
        IeValue::PagingDrx(drx) => one(drx),
        IeValue::RelativeMmeCapacity(capacity) => one(&capacity.0),
        IeValue::TimeToWait(time) => one(time),
        IeValue::Tai(tai) => one(tai),
        IeValue::Ecgi(ecgi) => one(ecgi),
        IeValue::RrcEstablishmentCause(cause) => one(cause),
        IeValue::STmsi(tmsi) => one(&format_args!(
            "MME code {:#04x}, M-TMSI {:#010x}",
            tmsi.mme_code, tmsi.m_tmsi
        )),
        IeValue::Gummei(gummei) => one(&format_args!(
            "{}, group {:#06x}, code {:#04x}",
            gummei.plmn, gummei.mme_group_id, gummei.mme_code
        )),
        IeValue::UeAmbr(ambr) => one(&format_args!(
            "downlink {} bit/s, uplink {} bit/s",
            ambr.downlink.bps(),
            ambr.uplink.bps()
        )),
        IeValue::UeSecurityCapabilities(capabilities) => one(&format_args!(
            "encryption {:#06x}, integrity {:#06x}",
            capabilities.encryption, capabilities.integrity
        )),
        IeValue::SecurityKey(_) => one(&"256 bits"),
        IeValue::SecurityContext(context) => one(&format_args!(
            "next hop chaining count {}",
            context.next_hop_chaining_count
        )),
        IeValue::UeIdentityIndex(index) => one(&index.0),
        IeValue::UePagingId(UePagingId::Imsi(imsi)) => one(&format_args!("IMSI {imsi}")),
        IeValue::UePagingId(UePagingId::STmsi(tmsi)) => one(&format_args!(
            "S-TMSI {:#04x}-{:#010x}",
            tmsi.mme_code, tmsi.m_tmsi
        )),
        IeValue::CnDomain(domain) => one(domain),
        IeValue::ResetType(ResetType::All) => one(&"all"),
        IeValue::NasPdu(nas) => {
            out.line(head)?;
            show_nas(&mut out.deeper(), nas, direction)
        }
        IeValue::SupportedTas(areas) => items(out, head, areas, |out, area| {
            let plmns = Joined(&area.broadcast_plmns);
            out.line(format_args!("TAC {}, broadcasts {plmns}", area.tac))
        }),
        IeValue::ServedGummeis(served) => items(out, head, served, |out, served| {
            let (plmns, groups, codes) = (
                Joined(&served.plmns),
                Joined(&served.group_ids),
                Joined(&served.mme_codes),
            );
            out.line(format_args!("PLMN {plmns}, group {groups}, code {codes}"))
        }),
        IeValue::ErabsToBeSetup(erabs) => items(out, head, erabs, |out, erab| {
            to_be_setup(out, erab.erab_id, &erab.qos, erab.transport_address, erab.sgw_s1u)?;
            erab.nas
                .iter()
                .try_for_each(|nas| show_nas(&mut out.deeper(), nas, direction))
        }),
        IeValue::ErabsToBeAdded(erabs) => items(out, head, erabs, |out, erab| {
            to_be_setup(out, erab.erab_id, &erab.qos, erab.transport_address, erab.sgw_s1u)?;
            show_nas(&mut out.deeper(), &erab.nas, direction)
        }),
        IeValue::ErabsSetup(erabs) => items(out, head, erabs, |out, erab| {
            tunnel(out, erab.erab_id, erab.transport_address, erab.enb_s1u)
        }),
        IeValue::ErabsAdded(erabs) => items(out, head, erabs, |out, erab| {
            tunnel(out, erab.erab_id, erab.transport_address, erab.enb_s1u)
        }),
        IeValue::ErabsSwitchedDownlink(erabs) => items(out, head, erabs, |out, erab| {
            tunnel(out, erab.erab_id, erab.transport_address, erab.enb_s1u)
        }),
        IeValue::ErabsSwitchedUplink(erabs) => items(out, head, erabs, |out, erab| {
            tunnel(out, erab.erab_id, erab.transport_address, erab.sgw_s1u)
        }),
        IeValue::ErabsReleased(erabs) => items(out, head, erabs, |out, erab| {
            out.line(format_args!("E-RAB {}", erab.erab_id))
        }),
        IeValue::Erabs(erabs) => items(out, head, erabs, |out, erab| {
            out.line(format_args!("E-RAB {}: {}", erab.erab_id, erab.cause))
        }),
        IeValue::Tais(tais) => items(out, head, tais, |out, tai| out.line(tai)),
        IeValue::ResetType(ResetType::Part(connections)) => items(out, head, connections, connection),
        IeValue::ResetConnections(ResetConnections(connections)) => items(out, head, connections, connection),
        IeValue::CriticalityDiagnostics(diagnostics) => {
            out.line(head)?;
            show_diagnostics(&mut out.deeper(), diagnostics)
        }
    }
}

fn items<T>(
    out: &mut Indent<'_, '_>,
    head: &str,
    items: &[T],
    mut item: impl FnMut(&mut Indent<'_, '_>, &T) -> fmt::Result,
) -> fmt::Result {
    out.line(head)?;
    let mut out = out.deeper();
    items.iter().try_for_each(|one| item(&mut out, one))
}

fn show_nas(out: &mut Indent<'_, '_>, nas: &NasPdu, direction: Direction) -> fmt::Result {
    match nas.decode(direction) {
        Ok(message) => out.block(message),
        Err(error) => out.line(format_args!("{} ({error})", Hex(&nas.0))),
    }
}

fn tunnel(
    out: &mut Indent<'_, '_>,
    erab: crate::Ebi,
    address: TransportAddress,
    teid: crate::Teid,
) -> fmt::Result {
    out.line(format_args!("E-RAB {erab}: {address}, TEID {teid}"))
}

fn to_be_setup(
    out: &mut Indent<'_, '_>,
    erab: crate::Ebi,
    qos: &ErabQos,
    address: TransportAddress,
    teid: crate::Teid,
) -> fmt::Result {
    tunnel(out, erab, address, teid)?;
    let mut out = out.deeper();
    let may = if qos.arp.may_trigger_pre_emption {
        "may"
    } else {
        "may not"
    };
    let vulnerable = if qos.arp.pre_emptable { "may" } else { "may not" };
    out.line(format_args!(
        "QCI {}, priority {}, {may} pre-empt, {vulnerable} be pre-empted",
        qos.qci, qos.arp.priority_level
    ))?;
    let Some(gbr) = &qos.gbr else {
        return Ok(());
    };
    out.line(format_args!(
        "maximum {} down {} up, guaranteed {} down {} up, bit/s",
        gbr.maximum_downlink.bps(),
        gbr.maximum_uplink.bps(),
        gbr.guaranteed_downlink.bps(),
        gbr.guaranteed_uplink.bps()
    ))
}

fn connection(out: &mut Indent<'_, '_>, connection: &UeConnection) -> fmt::Result {
    let mut text = alloc::string::String::new();
    if let Some(mme) = connection.mme_ue_s1ap_id {
        write!(text, "MME {mme} ")?;
    }
    if let Some(enb) = connection.enb_ue_s1ap_id {
        write!(text, "eNB {enb}")?;
    }
    out.line(text.trim_end())
}

fn show_diagnostics(out: &mut Indent<'_, '_>, diagnostics: &CriticalityDiagnostics) -> fmt::Result {
    if let Some(code) = diagnostics.procedure_code {
        out.line(format_args!(
            "procedure {code} {}",
            super::names::procedure(code).unwrap_or("unknown")
        ))?;
    }
    if let Some(message) = diagnostics.triggering_message {
        out.line(format_args!("triggering message: {}", message.name()))?;
    }
    if let Some(criticality) = diagnostics.procedure_criticality {
        out.line(format_args!("procedure criticality: {}", criticality.name()))?;
    }
    diagnostics.ies.iter().try_for_each(|ie| {
        out.line(format_args!(
            "{}, {}",
            super::Error::describe(ie),
            ie.criticality.name()
        ))
    })
}

/// The items with a comma between them.
struct Joined<'a, T>(&'a [T]);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, item) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "/" };
            write!(f, "{comma}{item}")?;
        }
        Ok(())
    }
}
