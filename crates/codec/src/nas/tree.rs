//! A NAS message as an indented tree, for a reader.

use core::fmt::{self, Display};

use super::message::*;
use super::value::{ApnAmbr, Guti, PdnAddress};
use crate::Pco;
use crate::s1ap::tree::{Hex, Indent};

/// ```text
/// NAS ATTACH REJECT
///   EMM cause: #19 ESM failure
///   ESM PDN CONNECTIVITY REJECT
///     PTI: 1
///     ESM cause: #27 Missing or unknown APN
/// ```
impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NAS {}", self.name())?;
        show(&mut Indent::new(f, 1), self)
    }
}

/// Writes `name: value` for each; an optional one only if it is there.
macro_rules! lines {
    ($out:ident: $($name:literal $value:expr;)*) => {{
        $($out.line(format_args!(concat!($name, ": {}"), $value))?;)*
    }};
    ($out:ident? $($name:literal $value:expr;)*) => {{
        $(if let Some(value) = &$value {
            $out.line(format_args!(concat!($name, ": {}"), value))?;
        })*
    }};
}

fn show(out: &mut Indent<'_, '_>, message: &Message) -> fmt::Result {
    match message {
        Message::AttachRequest(m) => {
            lines!(out:
                "attach type" m.attach_type;
                "key set identifier" m.key_set_identifier;
                "identity" m.identity;
                "UE network capability" Hex(m.ue_network_capability.octets());
            );
            nested(out, m.esm.clone())
        }
        Message::AttachAccept(m) => {
            lines!(out: "result" m.result; "T3412" Timer(m.t3412););
            m.tais
                .iter()
                .try_for_each(|tai| out.line(format_args!("TAI: {tai}")))?;
            lines!(out? "GUTI" m.guti; "EMM cause" m.emm_cause;);
            nested(out, m.esm.clone())
        }
        Message::AttachComplete(m) => nested(out, m.esm.clone()),
        Message::AttachReject(m) => {
            lines!(out: "EMM cause" m.cause;);
            m.esm.iter().try_for_each(|esm| nested(out, esm.clone()))
        }
        Message::DetachRequest(m) => {
            lines!(out:
                "switch off" m.switch_off;
                "detach type" m.detach_type;
                "key set identifier" m.key_set_identifier;
                "identity" m.identity;
            );
            Ok(())
        }
        Message::NetworkDetachRequest(m) => {
            lines!(out: "detach type" m.detach_type;);
            lines!(out? "EMM cause" m.cause;);
            Ok(())
        }
        Message::DetachAccept(_) => Ok(()),
        Message::EmmStatus(m) => out.line(format_args!("EMM cause: {}", m.cause)),
        Message::IdentityRequest(m) => out.line(format_args!("identity type: {}", m.identity_type)),
        Message::IdentityResponse(m) => out.line(format_args!("identity: {}", m.identity)),
        Message::PdnConnectivityRequest(m) => {
            lines!(out:
                "PTI" m.pti;
                "request type" m.request_type;
                "PDN type" m.pdn_type;
                "ESM information transfer" m.esm_information_transfer;
            );
            lines!(out? "APN" m.apn;);
            pco(out, &m.pco)
        }
        Message::PdnConnectivityReject(m) => {
            lines!(out: "PTI" m.pti; "ESM cause" m.cause;);
            pco(out, &m.pco)
        }
        Message::ActivateDefaultEpsBearerContextRequest(m) => {
            lines!(out:
                "EBI" m.ebi;
                "PTI" m.pti;
                "QCI" m.qos.qci;
                "APN" m.apn;
                "PDN address" m.pdn_address;
            );
            lines!(out? "APN-AMBR" m.apn_ambr; "ESM cause" m.esm_cause;);
            pco(out, &m.pco)
        }
        Message::ActivateDefaultEpsBearerContextAccept(m) => {
            lines!(out: "EBI" m.ebi;);
            pco(out, &m.pco)
        }
        Message::ActivateDefaultEpsBearerContextReject(m) => {
            lines!(out: "EBI" m.ebi; "ESM cause" m.cause;);
            pco(out, &m.pco)
        }
        Message::PdnDisconnectRequest(m) => {
            lines!(out: "PTI" m.pti; "linked EBI" m.linked_ebi;);
            pco(out, &m.pco)
        }
        Message::PdnDisconnectReject(m) => {
            lines!(out: "PTI" m.pti; "ESM cause" m.cause;);
            pco(out, &m.pco)
        }
        Message::DeactivateEpsBearerContextRequest(m) => {
            lines!(out: "EBI" m.ebi; "PTI" m.pti; "ESM cause" m.cause;);
            pco(out, &m.pco)
        }
        Message::DeactivateEpsBearerContextAccept(m) => {
            lines!(out: "EBI" m.ebi;);
            pco(out, &m.pco)
        }
        Message::EsmStatus(m) => {
            lines!(out: "EBI" m.ebi; "PTI" m.pti; "ESM cause" m.cause;);
            Ok(())
        }
        Message::Other(m) => out.line(Hex(m.octets())),
    }
}

/// The ESM message in an EMM message.
fn nested(out: &mut Indent<'_, '_>, message: impl Into<Message>) -> fmt::Result {
    let message = message.into();
    out.line(format_args!("ESM {}", message.name()))?;
    show(&mut out.deeper(), &message)
}

fn pco(out: &mut Indent<'_, '_>, pco: &Option<Pco>) -> fmt::Result {
    let Some(pco) = pco else {
        return Ok(());
    };
    out.line("protocol configuration options")?;
    let mut out = out.deeper();
    pco.containers().try_for_each(|container| {
        out.line(format_args!("{:#06x}: {}", container.id, Hex(container.contents)))
    })
}

struct Timer(super::GprsTimer);

impl Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.duration() {
            Some(duration) => write!(f, "{} s", duration.as_secs()),
            None => f.write_str("deactivated"),
        }
    }
}

impl Display for PdnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(v4) => v4.fmt(f),
            Self::V6(interface) => write!(f, "interface identifier {}", Hex(interface)),
            Self::V4V6(v4, interface) => write!(f, "{v4}, interface identifier {}", Hex(interface)),
        }
    }
}

impl Display for ApnAmbr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "downlink {} kbit/s, uplink {} kbit/s",
            self.downlink_kbps(),
            self.uplink_kbps()
        )
    }
}

/// `PLMN-group-code-TMSI`.
impl Display for Guti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{:#06x}-{:#04x}-{:#010x}",
            self.plmn, self.mme_group_id, self.mme_code, self.m_tmsi
        )
    }
}
