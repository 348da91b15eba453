//! The lower layer: the envelope of an S1AP PDU and its IEs, in the order of the wire.
//!
//! ```text
//! choice | procedureCode | criticality | length | { IE count | { id | criticality | length | value } ... }
//! ```
//!
//! Nothing here knows a message. A PDU that is canonical APER is written back octet for octet, whatever its
//! procedure and its IEs.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use oxirush_s1ap::aper::{Reader, Writer};

use super::error::Error;
use super::ie_value::IeValue;
use super::names;

/// The alternative of `S1AP-PDU`, TS 36.413 §9.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PduKind {
    /// The first message of a procedure.
    InitiatingMessage,
    /// The answer of a procedure that succeeded.
    SuccessfulOutcome,
    /// The answer of a procedure that failed.
    UnsuccessfulOutcome,
}

impl PduKind {
    const ALL: [Self; 3] = [
        Self::InitiatingMessage,
        Self::SuccessfulOutcome,
        Self::UnsuccessfulOutcome,
    ];

    /// The name that ASN.1 gives the alternative, as `initiatingMessage`.
    pub fn name(self) -> &'static str {
        match self {
            Self::InitiatingMessage => "initiatingMessage",
            Self::SuccessfulOutcome => "successfulOutcome",
            Self::UnsuccessfulOutcome => "unsuccessfulOutcome",
        }
    }
}

/// What the receiver does with a procedure or an IE that it does not comprehend, TS 36.413 §10.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Criticality {
    /// Refuse the procedure.
    Reject,
    /// Go on without it.
    Ignore,
    /// Go on without it, and tell the sender.
    Notify,
}

impl Criticality {
    const ALL: [Self; 3] = [Self::Reject, Self::Ignore, Self::Notify];

    /// The name that ASN.1 gives the value, as `reject`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Ignore => "ignore",
            Self::Notify => "notify",
        }
    }
}

/// One protocol IE of a message, its value not read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ie<'a> {
    /// `ProtocolIE-ID`, TS 36.413 §9.3.7.
    pub id: u16,
    /// The criticality that the sender gave it.
    pub criticality: Criticality,
    /// The value in APER: the octets of its open type, without their length.
    pub value: Cow<'a, [u8]>,
}

impl Ie<'_> {
    /// The name of TS 36.413 §9.3.7 after `id-`, as `eNB-UE-S1AP-ID`.
    pub fn name(&self) -> Option<&'static str> {
        names::ie(self.id).map(|(name, _)| name)
    }

    /// The name of the ASN.1 type of the value, as `ENB-UE-S1AP-ID`.
    pub fn asn1_type(&self) -> Option<&'static str> {
        names::ie(self.id).map(|(_, asn1_type)| asn1_type)
    }

    /// The value of an IE that the messages of this crate have; `None` for another one, and for octets that are no
    /// value of its type.
    pub fn decoded(&self) -> Option<IeValue> {
        IeValue::read(self)?.ok()
    }
}

/// What a PDU carries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Body<'a> {
    /// A container of protocol IEs, in the order of the wire: every message but the private one.
    Ies(Vec<Ie<'a>>),
    /// The private message (procedure 39), whose IEs are of another form: the octets of its open type.
    Private(Cow<'a, [u8]>),
}

/// An S1AP PDU: its header, and its IEs as they stand on the wire.
///
/// ```
/// use epc_codec::s1ap::{Pdu, PduKind};
///
/// // UE Context Release Request: user inactivity of the UE 7/1.
/// let octets = [
///     0x00, 0x12, 0x40, 0x15, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x02, 0x00, 0x07, 0x00, 0x08, 0x00, 0x02, 0x00,
///     0x01, 0x00, 0x02, 0x40, 0x02, 0x02, 0x80,
/// ];
/// let pdu = Pdu::decode(&octets)?;
/// assert_eq!((pdu.kind, pdu.message_name()), (PduKind::InitiatingMessage, Some("UEContextReleaseRequest")));
/// assert_eq!(pdu.ies()[2].name(), Some("Cause"));
/// assert_eq!(pdu.encode(), octets);
/// # Ok::<(), epc_codec::s1ap::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pdu<'a> {
    /// Which of the three a PDU is.
    pub kind: PduKind,
    /// The elementary procedure, TS 36.413 §9.3.7.
    pub procedure_code: u8,
    /// The criticality of the procedure.
    pub criticality: Criticality,
    /// The message.
    pub body: Body<'a>,
}

/// The procedure whose message has private IEs, TS 36.413 §9.1.15.
const PRIVATE_MESSAGE: u8 = 39;

impl<'a> Pdu<'a> {
    /// Reads the PDU that fills `octets`.
    ///
    /// # Errors
    ///
    /// [`Error::TransferSyntax`] if the octets end early, go on after the PDU, or are no envelope of S1AP.
    pub fn decode(octets: &'a [u8]) -> Result<Self, Error> {
        let mut r = Reader::new(octets);
        let transfer = |error| Error::transfer_syntax(octets, &error);
        let kind = PduKind::ALL[r.choice(3, 0, true).map_err(transfer)? as usize];
        let procedure_code = r.unsigned(0, 255).map_err(transfer)? as u8;
        let criticality = read_criticality(&mut r).map_err(transfer)?;
        let value = r.open_type().map_err(transfer)?;
        r.finish().map_err(transfer)?;

        let body = if kind == PduKind::InitiatingMessage && procedure_code == PRIVATE_MESSAGE {
            Body::Private(cow(value))
        } else {
            Body::Ies(match value.as_borrowed() {
                Some(value) => read_ies(value).map_err(transfer)?,
                // Fragments were put together: what is read from them cannot borrow.
                None => read_ies(&value)
                    .map_err(transfer)?
                    .into_iter()
                    .map(into_owned)
                    .collect(),
            })
        };
        Ok(Self {
            kind,
            procedure_code,
            criticality,
            body,
        })
    }

    /// Writes the PDU. More than 65,535 IEs are cut at that number, which is the most that a message holds.
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(64);
        let mut w = Writer::new(&mut octets);
        w.index(self.kind as u64, 3, true);
        w.align();
        w.octet(self.procedure_code);
        w.bits(self.criticality as u64, 2);
        match &self.body {
            Body::Ies(ies) => {
                let start = w.begin_open_type();
                write_ies(&mut w, ies);
                w.end_open_type(start);
            }
            Body::Private(value) => w.open_type(value),
        }
        octets
    }

    /// The IEs in the order of the wire; none for a private message.
    pub fn ies(&self) -> &[Ie<'a>] {
        match &self.body {
            Body::Ies(ies) => ies,
            Body::Private(_) => &[],
        }
    }

    /// The name that TS 36.413 §9.3.2 gives the procedure, as `downlinkNASTransport`; `None` for one that it does
    /// not have.
    pub fn procedure_name(&self) -> Option<&'static str> {
        names::procedure(self.procedure_code)
    }

    /// The name that TS 36.413 §9.3.3 gives the message, as `DownlinkNASTransport`; `None` for one that it does
    /// not have.
    pub fn message_name(&self) -> Option<&'static str> {
        names::message(self.kind, self.procedure_code)
    }
}

fn cow(octets: oxirush_s1ap::Octets<'_>) -> Cow<'_, [u8]> {
    match octets.as_borrowed() {
        Some(borrowed) => Cow::Borrowed(borrowed),
        None => Cow::Owned(octets.into_vec()),
    }
}

fn into_owned<'a>(ie: Ie<'_>) -> Ie<'a> {
    Ie {
        id: ie.id,
        criticality: ie.criticality,
        value: Cow::Owned(ie.value.into_owned()),
    }
}

fn read_criticality(r: &mut Reader<'_>) -> Result<Criticality, oxirush_s1ap::Error> {
    Ok(Criticality::ALL[r.enumerated(3, 0, false)? as usize])
}

/// `SEQUENCE { protocolIEs ProtocolIE-Container, ... }`.
fn read_ies(message: &[u8]) -> Result<Vec<Ie<'_>>, oxirush_s1ap::Error> {
    let mut r = Reader::new(message);
    let extended = r.bit()?;
    let count = r.unsigned(0, 65535)? as usize;
    // An IE takes four octets at least: a count that lies does not make us allocate.
    let mut ies = Vec::with_capacity(count.min(r.remaining() / 32));
    for _ in 0..count {
        ies.push(read_ie(&mut r)?);
    }
    if extended {
        r.skip_additions()?;
    }
    r.finish()?;
    Ok(ies)
}

/// `ProtocolIE-Field`, TS 36.413 §9.3.8; also one item of a list of single containers.
pub(super) fn read_ie<'a>(r: &mut Reader<'a>) -> Result<Ie<'a>, oxirush_s1ap::Error> {
    let id = r.unsigned(0, 65535)? as u16;
    let criticality = read_criticality(r)?;
    Ok(Ie {
        id,
        criticality,
        value: cow(r.open_type()?),
    })
}

fn write_ies(w: &mut Writer<'_>, ies: &[Ie<'_>]) {
    let count = ies.len().min(65535);
    w.bit(false);
    w.align();
    w.octets(&(count as u16).to_be_bytes());
    for ie in &ies[..count] {
        write_ie(w, ie.id, ie.criticality, &ie.value);
    }
}

pub(super) fn write_ie(w: &mut Writer<'_>, id: u16, criticality: Criticality, value: &[u8]) {
    w.align();
    w.octets(&id.to_be_bytes());
    w.bits(criticality as u64, 2);
    w.open_type(value);
}
