//! GTPv1-U, TS 29.281: the user plane's tunnels.
//!
//! [`Gpdu`] is the fast path: a view of a G-PDU whose lengths [`Gpdu::parse`] has checked, so that what follows cannot
//! fail. [`decode`] is the slow path for every message.
//!
//! ```text
//!      8     7     6     5     4     3     2     1
//!   | version = 1     | PT  |  -  |  E  |  S  | PN  |  octet 1
//!   | message type                                  |  octet 2
//!   | length: everything after octet 8              |  octets 3-4
//!   | TEID                                          |  octets 5-8
//!   | sequence number, N-PDU number, next extension |  octets 9-12, all four there if any of E, S, PN is set
//!   | extension headers: length in units of 4 octets, contents, next extension header type
//! ```

use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use crate::Teid;
use crate::error::{Error, ValueError, ValueProblem};
use crate::wire::{Put, Reader, counted_u16};

/// The UDP port of GTP-U.
pub const PORT: u16 = 2152;

/// Octets of a header without sequence number, N-PDU number and extension headers.
pub const SHORT_HEADER: usize = 8;

/// Message types, TS 29.281 §6.1.
pub mod message_type {
    /// §7.2.1.
    pub const ECHO_REQUEST: u8 = 1;
    /// §7.2.2.
    pub const ECHO_RESPONSE: u8 = 2;
    /// §7.3.1.
    pub const ERROR_INDICATION: u8 = 26;
    /// §7.2.3.
    pub const SUPPORTED_EXTENSION_HEADERS_NOTIFICATION: u8 = 31;
    /// §7.3.3.
    pub const TUNNEL_STATUS: u8 = 253;
    /// §7.3.2.
    pub const END_MARKER: u8 = 254;
    /// §6.1: carries a packet of a user.
    pub const G_PDU: u8 = 255;
}

const E: u8 = 0x04;
const S: u8 = 0x02;
const PN: u8 = 0x01;
const SPARE: u8 = 0x08;
const PT: u8 = 0x10;
const VERSION: u8 = 0x20;

fn wrong(message: u8, error: ValueError, from: usize, clause: &'static str) -> Error {
    Error::User {
        message,
        what: error.what,
        at: from + error.at,
        problem: error.problem,
        clause,
    }
}

/// What the header says, without copying anything.
struct Layout {
    flags: u8,
    message: u8,
    teid: Teid,
    /// Where the header, and with it the extension headers, ends.
    payload: usize,
    /// Where the message ends.
    end: usize,
    /// The first extension header that an endpoint must understand.
    required: Option<ExtensionType>,
    /// The first of these that this crate does not know.
    required_unknown: Option<ExtensionType>,
}

#[inline]
fn layout(octets: &[u8]) -> Result<Layout, Error> {
    let Some(&[flags, message, l1, l2, t1, t2, t3, t4]) = octets.first_chunk::<SHORT_HEADER>() else {
        return Err(Error::Header {
            protocol: "GTPv1-U",
            needs: SHORT_HEADER,
            have: octets.len(),
        });
    };
    if flags >> 5 != 1 {
        return Err(Error::Version {
            protocol: "GTPv1-U",
            version: flags >> 5,
            header: None,
        });
    }
    if flags & PT == 0 {
        let clause = "TS 29.281 §5.1";
        return Err(Error::User {
            message,
            what: "protocol type",
            at: 0,
            problem: ValueProblem::Incorrect,
            clause,
        });
    }
    let end = SHORT_HEADER + usize::from(u16::from_be_bytes([l1, l2]));
    if end > octets.len() {
        return Err(Error::Length {
            header: None,
            declared: end,
            have: octets.len(),
        });
    }
    let teid = Teid(u32::from_be_bytes([t1, t2, t3, t4]));
    let mut layout = Layout {
        flags,
        message,
        teid,
        payload: SHORT_HEADER,
        end,
        required: None,
        required_unknown: None,
    };
    if flags & (E | S | PN) != 0 {
        long_header(octets, &mut layout)?;
    }
    Ok(layout)
}

#[inline]
fn long_header(octets: &[u8], layout: &mut Layout) -> Result<(), Error> {
    let clause = "TS 29.281 §5.2.1";
    let failed = |error| wrong(layout.message, error, SHORT_HEADER, clause);
    let mut r = Reader::new(octets.get(SHORT_HEADER..layout.end).unwrap_or_default());
    let [_, _, _, mut next] = r
        .array("sequence number, N-PDU number and next extension header")
        .map_err(failed)?;
    if layout.flags & E == 0 {
        next = 0;
    }
    while next != 0 {
        let extension = ExtensionType(next);
        if extension.must_be_known() {
            layout.required = layout.required.or(Some(extension));
            if !extension.is_known() {
                layout.required_unknown = layout.required_unknown.or(Some(extension));
            }
        }
        let units = usize::from(r.u8("extension header length").map_err(failed)?);
        let Some(contents) = (units * 4).checked_sub(2) else {
            return Err(failed(r.incorrect("extension header length")));
        };
        r.take(contents, "extension header").map_err(failed)?;
        next = r.u8("next extension header type").map_err(failed)?;
    }
    layout.payload = SHORT_HEADER + r.at();
    Ok(())
}

/// A view of a G-PDU in a buffer: parsed once, then read and rewritten without further checks.
///
/// Octets after the message, if the buffer holds any, are not part of it.
#[derive(Debug, Clone, Copy)]
pub struct Gpdu<B> {
    octets: B,
    teid: Teid,
    payload: usize,
    end: usize,
    required: Option<ExtensionType>,
    required_unknown: Option<ExtensionType>,
}

impl<B: AsRef<[u8]>> Gpdu<B> {
    /// Checks version, protocol type, lengths and the chain of extension headers.
    ///
    /// # Errors
    /// When these do not fit the octets, and when the message is not a G-PDU ([`Error::User`] with its type).
    #[inline]
    pub fn parse(octets: B) -> Result<Self, Error> {
        // Nearly all of them: eight octets of header. What is left is for a function of its own, so that this one stays small
        // enough to become part of its caller.
        if let Some(&[flags, message_type::G_PDU, l1, l2, t1, t2, t3, t4]) =
            octets.as_ref().first_chunk::<SHORT_HEADER>()
        {
            let end = SHORT_HEADER + usize::from(u16::from_be_bytes([l1, l2]));
            if flags & !SPARE == VERSION | PT && end <= octets.as_ref().len() {
                return Ok(Gpdu {
                    octets,
                    teid: Teid(u32::from_be_bytes([t1, t2, t3, t4])),
                    payload: SHORT_HEADER,
                    end,
                    required: None,
                    required_unknown: None,
                });
            }
        }
        Self::parse_slowly(octets)
    }

    #[inline(never)]
    fn parse_slowly(octets: B) -> Result<Self, Error> {
        let layout = layout(octets.as_ref())?;
        if layout.message != message_type::G_PDU {
            return Err(Error::User {
                message: layout.message,
                what: "message type of a G-PDU",
                at: 1,
                problem: ValueProblem::Incorrect,
                clause: "TS 29.281 §6.1",
            });
        }
        let Layout {
            teid,
            payload,
            end,
            required,
            required_unknown,
            ..
        } = layout;
        Ok(Gpdu {
            octets,
            teid,
            payload,
            end,
            required,
            required_unknown,
        })
    }

    /// The tunnel, as the receiver named it.
    #[inline]
    #[must_use]
    pub fn teid(&self) -> Teid {
        self.teid
    }

    /// The packet of the user.
    #[inline]
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.octets
            .as_ref()
            .get(self.payload..self.end)
            .unwrap_or_default()
    }

    /// Where in the buffer the packet of the user lies.
    #[inline]
    #[must_use]
    pub fn payload_range(&self) -> core::ops::Range<usize> {
        self.payload..self.end
    }

    /// The message without what follows it in the buffer.
    #[inline]
    #[must_use]
    pub fn as_octets(&self) -> &[u8] {
        self.octets.as_ref().get(..self.end).unwrap_or_default()
    }

    /// The first extension header that an endpoint must understand. One that understands none of them does not use the
    /// message (TS 29.281 §5.2.1); a node that relays it need not look.
    #[inline]
    #[must_use]
    pub fn required_extension(&self) -> Option<ExtensionType> {
        self.required
    }

    /// The first extension header that must be understood, by us as endpoint, and is not known to this crate. Its
    /// message is not to be used, and its sender gets a Supported Extension Headers Notification (TS 29.281 §5.2.1).
    #[inline]
    #[must_use]
    pub fn required_unknown_extension(&self) -> Option<ExtensionType> {
        self.required_unknown
    }

    /// Sequence number, N-PDU number and extension headers, copied.
    #[must_use]
    pub fn header(&self) -> Header {
        header(self.octets.as_ref())
            .map(|(header, _)| header)
            .unwrap_or_default()
    }

    /// The buffer.
    #[must_use]
    pub fn into_inner(self) -> B {
        self.octets
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Gpdu<B> {
    /// Puts another tunnel into the header, in place.
    #[inline]
    pub fn set_teid(&mut self, teid: Teid) {
        self.teid = teid;
        if let Some(place) = self.octets.as_mut().get_mut(4..8) {
            place.copy_from_slice(&teid.0.to_be_bytes());
        }
    }

    /// The packet of the user, to be changed in place.
    #[inline]
    #[must_use]
    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.octets
            .as_mut()
            .get_mut(self.payload..self.end)
            .unwrap_or_default()
    }
}

/// The eight octets before a packet of `length` octets of a user, to be written into the headroom of its buffer.
///
/// A length over 65,535 does not fit the header and is written as 65,535; a UDP datagram cannot hold it either.
#[inline]
#[must_use]
pub fn gpdu_header(teid: Teid, length: usize) -> [u8; SHORT_HEADER] {
    let [l1, l2] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let [t1, t2, t3, t4] = teid.0.to_be_bytes();
    [VERSION | PT, message_type::G_PDU, l1, l2, t1, t2, t3, t4]
}

/// Writes [`gpdu_header`] into the first eight octets of `headroom`.
#[inline]
pub fn write_gpdu_header(headroom: &mut [u8; SHORT_HEADER], teid: Teid, length: usize) {
    *headroom = gpdu_header(teid, length);
}

/// The type of an extension header, TS 29.281 §5.2.1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtensionType(pub u8);

impl ExtensionType {
    /// §5.2.2.2A: PDCP sequence number of 18 bits.
    pub const LONG_PDCP_PDU_NUMBER: Self = ExtensionType(0x82);
    /// §5.2.2.3.
    pub const SERVICE_CLASS_INDICATOR: Self = ExtensionType(0x20);
    /// §5.2.2.1: the source port of the message that caused an Error Indication.
    pub const UDP_PORT: Self = ExtensionType(0x40);
    /// §5.2.2.4.
    pub const RAN_CONTAINER: Self = ExtensionType(0x81);
    /// §5.2.2.2A, the type that endpoints need not understand.
    pub const LONG_PDCP_PDU_NUMBER_OPTIONAL: Self = ExtensionType(0x03);
    /// §5.2.2.5.
    pub const XW_RAN_CONTAINER: Self = ExtensionType(0x83);
    /// §5.2.2.6.
    pub const NR_RAN_CONTAINER: Self = ExtensionType(0x84);
    /// §5.2.2.7, TS 38.415.
    pub const PDU_SESSION_CONTAINER: Self = ExtensionType(0x85);
    /// §5.2.2.2.
    pub const PDCP_PDU_NUMBER: Self = ExtensionType(0xc0);

    /// All that this crate has a name for.
    pub const KNOWN: [Self; 9] = [
        Self::LONG_PDCP_PDU_NUMBER_OPTIONAL,
        Self::SERVICE_CLASS_INDICATOR,
        Self::UDP_PORT,
        Self::RAN_CONTAINER,
        Self::LONG_PDCP_PDU_NUMBER,
        Self::XW_RAN_CONTAINER,
        Self::NR_RAN_CONTAINER,
        Self::PDU_SESSION_CONTAINER,
        Self::PDCP_PDU_NUMBER,
    ];

    /// Whether an endpoint that does not understand it must refuse the message: bit 8 of the type is set.
    #[inline]
    #[must_use]
    pub fn must_be_known(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// Whether a node that only forwards must keep it: the two high bits are 01 or 11.
    #[must_use]
    pub fn must_be_forwarded(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// Whether this crate has a name for it.
    #[inline]
    #[must_use]
    pub fn is_known(self) -> bool {
        self.name().is_some()
    }

    /// Its name in TS 29.281.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::LONG_PDCP_PDU_NUMBER | Self::LONG_PDCP_PDU_NUMBER_OPTIONAL => "Long PDCP PDU Number",
            Self::SERVICE_CLASS_INDICATOR => "Service Class Indicator",
            Self::UDP_PORT => "UDP Port",
            Self::RAN_CONTAINER => "RAN Container",
            Self::XW_RAN_CONTAINER => "Xw RAN Container",
            Self::NR_RAN_CONTAINER => "NR RAN Container",
            Self::PDU_SESSION_CONTAINER => "PDU Session Container",
            Self::PDCP_PDU_NUMBER => "PDCP PDU Number",
            _ => return None,
        })
    }
}

impl fmt::Display for ExtensionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({:#04x})",
            self.name().unwrap_or("extension header"),
            self.0
        )
    }
}

impl fmt::Debug for ExtensionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExtensionType({self})")
    }
}

/// An extension header: its type and its contents, which are 2 octets longer than a multiple of 4.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Extension {
    /// Which one.
    pub extension_type: ExtensionType,
    /// What lies between its length and the type of the next one.
    pub contents: Vec<u8>,
}

impl Extension {
    /// UDP Port, §5.2.2.1.
    #[must_use]
    pub fn udp_port(port: u16) -> Self {
        Extension {
            extension_type: ExtensionType::UDP_PORT,
            contents: port.to_be_bytes().to_vec(),
        }
    }

    /// PDCP PDU Number, §5.2.2.2.
    #[must_use]
    pub fn pdcp_pdu_number(number: u16) -> Self {
        Extension {
            extension_type: ExtensionType::PDCP_PDU_NUMBER,
            contents: number.to_be_bytes().to_vec(),
        }
    }

    /// The port, if this is UDP Port.
    #[must_use]
    pub fn as_udp_port(&self) -> Option<u16> {
        let contents = (self.extension_type == ExtensionType::UDP_PORT).then_some(&self.contents)?;
        contents.first_chunk().copied().map(u16::from_be_bytes)
    }

    /// The number, if this is PDCP PDU Number.
    #[must_use]
    pub fn as_pdcp_pdu_number(&self) -> Option<u16> {
        let contents = (self.extension_type == ExtensionType::PDCP_PDU_NUMBER).then_some(&self.contents)?;
        contents.first_chunk().copied().map(u16::from_be_bytes)
    }

    /// The number of 18 bits, if this is Long PDCP PDU Number (§5.2.2.2A).
    #[must_use]
    pub fn as_long_pdcp_pdu_number(&self) -> Option<u32> {
        let long = [
            ExtensionType::LONG_PDCP_PDU_NUMBER,
            ExtensionType::LONG_PDCP_PDU_NUMBER_OPTIONAL,
        ];
        let contents = long.contains(&self.extension_type).then_some(&self.contents)?;
        let [a, b, c] = *contents.first_chunk::<3>()?;
        Some(u32::from_be_bytes([0, a & 0x03, b, c]))
    }

    /// The Service Class Indicator (§5.2.2.3).
    #[must_use]
    pub fn as_service_class_indicator(&self) -> Option<u8> {
        let contents =
            (self.extension_type == ExtensionType::SERVICE_CLASS_INDICATOR).then_some(&self.contents)?;
        contents.first().copied()
    }

    /// PDU type and QoS Flow Identifier, if this is PDU Session Container (TS 38.415 §5.5.2).
    #[must_use]
    pub fn as_pdu_session(&self) -> Option<(u8, u8)> {
        let contents =
            (self.extension_type == ExtensionType::PDU_SESSION_CONTAINER).then_some(&self.contents)?;
        let [first, second] = *contents.first_chunk()?;
        Some((first >> 4, second & 0x3f))
    }
}

/// What stands before the information elements or the packet of a user. The message type and the lengths come from
/// the message itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Header {
    /// The tunnel, as the receiver named it; 0 in path management and in Error Indication.
    pub teid: Teid,
    /// Present in Echo, Error Indication and Supported Extension Headers Notification.
    pub sequence: Option<u16>,
    /// Present while packets are forwarded between GSM systems.
    pub n_pdu: Option<u8>,
    /// In the order of the wire. An E flag without an extension header is not kept.
    pub extensions: Vec<Extension>,
}

impl Header {
    /// With nothing but a TEID.
    #[must_use]
    pub fn new(teid: Teid) -> Self {
        Header {
            teid,
            ..Header::default()
        }
    }

    /// With a sequence number, and TEID 0: Echo and the like.
    #[must_use]
    pub fn path(sequence: u16) -> Self {
        Header {
            sequence: Some(sequence),
            ..Header::default()
        }
    }

    fn write(&self, message: u8, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
        let flag = |set, flag| if set { flag } else { 0 };
        let flags = flag(!self.extensions.is_empty(), E)
            | flag(self.sequence.is_some(), S)
            | flag(self.n_pdu.is_some(), PN);
        out.put(&[VERSION | PT | flags, message]);
        let length = out.len();
        out.put_u16(0);
        out.put_u32(self.teid.0);
        if flags != 0 {
            out.put_u16(self.sequence.unwrap_or(0));
            out.put_u8(self.n_pdu.unwrap_or(0));
            out.put_u8(self.extensions.first().map_or(0, |first| first.extension_type.0));
        }
        for (place, Extension { contents, .. }) in self.extensions.iter().enumerate() {
            // In units of four octets with the length and the next type; filled up where contents do not fit.
            let units = (contents.len() + 2).div_ceil(4).clamp(1, 255);
            let contents = contents.get(..units * 4 - 2).unwrap_or(contents);
            out.put_u8(units as u8);
            out.put(contents);
            out.resize(out.len() + units * 4 - 2 - contents.len(), 0);
            out.put_u8(
                self.extensions
                    .get(place + 1)
                    .map_or(0, |next| next.extension_type.0),
            );
        }
        body(out);
        let octets = u16::try_from(out.len() - length - 6).unwrap_or_else(|_| {
            out.truncate(length + 6 + usize::from(u16::MAX));
            u16::MAX
        });
        if let Some(place) = out.get_mut(length..length + 2) {
            place.copy_from_slice(&octets.to_be_bytes());
        }
    }
}

/// Reads the header; gives it and the layout.
fn header(octets: &[u8]) -> Result<(Header, Layout), Error> {
    let layout = layout(octets)?;
    let mut header = Header::new(layout.teid);
    if layout.payload > SHORT_HEADER {
        let mut r = Reader::new(octets.get(SHORT_HEADER..layout.payload).unwrap_or_default());
        let failed = |error| wrong(layout.message, error, SHORT_HEADER, "TS 29.281 §5.2.1");
        let sequence = r.u16("sequence number").map_err(failed)?;
        let n_pdu = r.u8("N-PDU number").map_err(failed)?;
        let mut next = r.u8("next extension header").map_err(failed)?;
        header.sequence = (layout.flags & S != 0).then_some(sequence);
        header.n_pdu = (layout.flags & PN != 0).then_some(n_pdu);
        while layout.flags & E != 0 && next != 0 {
            let units = usize::from(r.u8("extension header length").map_err(failed)?);
            let contents = r
                .take((units * 4).saturating_sub(2), "extension header")
                .map_err(failed)?
                .to_vec();
            header.extensions.push(Extension {
                extension_type: ExtensionType(next),
                contents,
            });
            next = r.u8("next extension header type").map_err(failed)?;
        }
    }
    Ok((header, layout))
}

/// An information element as it is on the wire, TS 29.281 §8.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ie {
    /// Below 128 the length follows from the type, from 128 on it is on the wire.
    pub ie_type: u8,
    /// Without type and length.
    pub value: Vec<u8>,
}

/// Types of information elements, TS 29.281 §8.1.
pub mod ie_type {
    /// §8.2, one octet, to be ignored by the receiver.
    pub const RECOVERY: u8 = 14;
    /// §8.3, four octets.
    pub const TEID_DATA_I: u8 = 16;
    /// §8.4, 4 or 16 octets.
    pub const PEER_ADDRESS: u8 = 133;
    /// §8.5.
    pub const EXTENSION_HEADER_TYPE_LIST: u8 = 141;
    /// §8.7.
    pub const TUNNEL_STATUS: u8 = 230;
    /// §8.8, TS 29.281 from release 17.
    pub const RECOVERY_TIME_STAMP: u8 = 231;
    /// §8.6.
    pub const PRIVATE_EXTENSION: u8 = 255;
}

/// §8.6: what one company adds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PrivateExtension {
    /// The company's number in the registry of IANA.
    pub enterprise: u16,
    /// What it means is known to the company.
    pub value: Vec<u8>,
}

/// §7.2.1: is the other end of the path there?
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct EchoRequest {
    /// What this table has no row for, in the order of the wire.
    pub additional: Vec<Ie>,
}

/// §7.2.2. The restart counter is not used on GTP-U: it is sent as 0 and ignored (§8.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct EchoResponse {
    /// Mandatory; 0.
    pub recovery: u8,
    /// What this table has no row for, in the order of the wire.
    pub additional: Vec<Ie>,
}

/// §7.2.3: these are the extension headers that I know.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SupportedExtensionHeadersNotification {
    /// Mandatory list.
    pub extension_types: Vec<ExtensionType>,
    /// What this table has no row for, in the order of the wire.
    pub additional: Vec<Ie>,
}

/// §7.3.1: a G-PDU came for a tunnel that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErrorIndication {
    /// The TEID of that G-PDU.
    pub teid: Teid,
    /// The address to which that G-PDU was sent.
    pub peer: IpAddr,
    /// §8.8 of later releases: when the sender was started, seconds since 1900 (NTP).
    pub recovery_time_stamp: Option<u32>,
    /// What this table has no row for, in the order of the wire.
    pub additional: Vec<Ie>,
}

impl ErrorIndication {
    /// With the mandatory elements.
    #[must_use]
    pub fn new(teid: Teid, peer: IpAddr) -> Self {
        ErrorIndication {
            teid,
            peer,
            recovery_time_stamp: None,
            additional: Vec::new(),
        }
    }
}

/// §7.3.2: nothing more comes over this path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct EndMarker {
    /// What this table has no row for, in the order of the wire.
    pub additional: Vec<Ie>,
}

/// §7.3.3: what the sender does with the tunnel at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TunnelStatus {
    /// §8.7; bit 1 is SPOC, bit 2 is BUFF of later releases.
    pub status: u8,
    /// What this table has no row for, in the order of the wire.
    pub additional: Vec<Ie>,
}

/// A message of GTPv1-U.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// Type 1.
    EchoRequest(EchoRequest),
    /// Type 2.
    EchoResponse(EchoResponse),
    /// Type 26.
    ErrorIndication(ErrorIndication),
    /// Type 31.
    SupportedExtensionHeadersNotification(SupportedExtensionHeadersNotification),
    /// Type 253.
    TunnelStatus(TunnelStatus),
    /// Type 254.
    EndMarker(EndMarker),
    /// Type 255: the packet of a user. [`Gpdu`] reads it without copying.
    GPdu(Vec<u8>),
    /// Any other type, with what follows its header.
    Other(u8, Vec<u8>),
}

macro_rules! from_message {
    ($($name:ident)*) => {
        $(impl From<$name> for Message {
            fn from(message: $name) -> Self {
                Message::$name(message)
            }
        })*
    };
}
from_message! { EchoRequest EchoResponse ErrorIndication SupportedExtensionHeadersNotification TunnelStatus EndMarker }

/// A datagram: header and message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Tunnel, sequence number and extension headers.
    pub header: Header,
    /// What it says.
    pub message: Message,
}

/// Decodes a datagram.
///
/// # Errors
/// What is not GTPv1-U, lengths that do not fit, missing or incorrect mandatory elements. All of them are discarded
/// silently (TS 29.281 §7.1, TS 29.060 §11.1).
pub fn decode(datagram: &[u8]) -> Result<Packet, Error> {
    let (header, layout) = header(datagram)?;
    let body = datagram.get(layout.payload..layout.end).unwrap_or_default();
    let failed = |error| wrong(layout.message, error, layout.payload, "TS 29.281 §8");
    let message = Message::decode(layout.message, body).map_err(failed)?;
    Ok(Packet { header, message })
}

/// What [`decode`] found at most once in front of others.
#[derive(Default)]
struct Elements {
    recovery: Option<u8>,
    teid: Option<Teid>,
    peer: Option<IpAddr>,
    list: Option<Vec<ExtensionType>>,
    status: Option<u8>,
    recovery_time_stamp: Option<u32>,
    additional: Vec<Ie>,
    octets: usize,
}

impl Elements {
    fn read(body: &[u8], wanted: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(body);
        let mut found = Elements {
            octets: body.len(),
            ..Elements::default()
        };
        while !r.is_empty() {
            let (ie_type, octets) = element(&mut r)?;
            if !wanted.contains(&ie_type) || !found.keep(ie_type, octets)? {
                found.additional.push(Ie {
                    ie_type,
                    value: octets.to_vec(),
                });
            }
        }
        Ok(found)
    }

    /// Takes an element that is known and did not come before: the first one counts.
    fn keep(&mut self, ie_type: u8, octets: &[u8]) -> Result<bool, ValueError> {
        let mut r = Reader::new(octets);
        match ie_type {
            ie_type::RECOVERY if self.recovery.is_none() => self.recovery = Some(r.u8("restart counter")?),
            ie_type::TEID_DATA_I if self.teid.is_none() => self.teid = Some(Teid(r.u32("TEID Data I")?)),
            ie_type::PEER_ADDRESS if self.peer.is_none() => {
                self.peer = Some(match octets.len() {
                    4 => r.ipv4("peer address")?.into(),
                    16 => r.ipv6("peer address")?.into(),
                    _ => return Err(r.short("peer address")),
                });
            }
            ie_type::EXTENSION_HEADER_TYPE_LIST if self.list.is_none() => {
                self.list = Some(octets.iter().copied().map(ExtensionType).collect());
            }
            ie_type::TUNNEL_STATUS if self.status.is_none() => self.status = Some(r.u8("tunnel status")?),
            ie_type::RECOVERY_TIME_STAMP if self.recovery_time_stamp.is_none() => {
                self.recovery_time_stamp = Some(r.u32("recovery time stamp")?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn missing(&self, what: &'static str) -> ValueError {
        ValueError {
            what,
            at: self.octets,
            problem: ValueProblem::Missing,
            ie: None,
            group: None,
        }
    }
}

impl Message {
    /// The message type, octet 2 of the header.
    #[must_use]
    pub fn message_type(&self) -> u8 {
        match self {
            Message::EchoRequest(_) => message_type::ECHO_REQUEST,
            Message::EchoResponse(_) => message_type::ECHO_RESPONSE,
            Message::ErrorIndication(_) => message_type::ERROR_INDICATION,
            Message::SupportedExtensionHeadersNotification(_) => {
                message_type::SUPPORTED_EXTENSION_HEADERS_NOTIFICATION
            }
            Message::TunnelStatus(_) => message_type::TUNNEL_STATUS,
            Message::EndMarker(_) => message_type::END_MARKER,
            Message::GPdu(_) => message_type::G_PDU,
            Message::Other(message_type, _) => *message_type,
        }
    }

    /// Its name in TS 29.281.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Message::EchoRequest(_) => "Echo Request",
            Message::EchoResponse(_) => "Echo Response",
            Message::ErrorIndication(_) => "Error Indication",
            Message::SupportedExtensionHeadersNotification(_) => "Supported Extension Headers Notification",
            Message::TunnelStatus(_) => "Tunnel Status",
            Message::EndMarker(_) => "End Marker",
            Message::GPdu(_) => "G-PDU",
            Message::Other(..) => "unknown",
        }
    }

    fn decode(message: u8, body: &[u8]) -> Result<Self, ValueError> {
        Ok(match message {
            message_type::ECHO_REQUEST => EchoRequest {
                additional: Elements::read(body, &[])?.additional,
            }
            .into(),
            message_type::ECHO_RESPONSE => {
                let found = Elements::read(body, &[ie_type::RECOVERY])?;
                let recovery = found.recovery.ok_or(found.missing("Recovery"))?;
                EchoResponse {
                    recovery,
                    additional: found.additional,
                }
                .into()
            }
            message_type::ERROR_INDICATION => {
                let wanted = [
                    ie_type::TEID_DATA_I,
                    ie_type::PEER_ADDRESS,
                    ie_type::RECOVERY_TIME_STAMP,
                ];
                let found = Elements::read(body, &wanted)?;
                let teid = found.teid.ok_or(found.missing("TEID Data I"))?;
                let peer = found.peer.ok_or(found.missing("GTP-U Peer Address"))?;
                let Elements {
                    recovery_time_stamp,
                    additional,
                    ..
                } = found;
                ErrorIndication {
                    teid,
                    peer,
                    recovery_time_stamp,
                    additional,
                }
                .into()
            }
            message_type::SUPPORTED_EXTENSION_HEADERS_NOTIFICATION => {
                let mut found = Elements::read(body, &[ie_type::EXTENSION_HEADER_TYPE_LIST])?;
                let list = found.list.take();
                let extension_types = list.ok_or(found.missing("Extension Header Type List"))?;
                SupportedExtensionHeadersNotification {
                    extension_types,
                    additional: found.additional,
                }
                .into()
            }
            message_type::TUNNEL_STATUS => {
                let found = Elements::read(body, &[ie_type::TUNNEL_STATUS])?;
                let status = found
                    .status
                    .ok_or(found.missing("GTP-U Tunnel Status Information"))?;
                TunnelStatus {
                    status,
                    additional: found.additional,
                }
                .into()
            }
            message_type::END_MARKER => EndMarker {
                additional: Elements::read(body, &[])?.additional,
            }
            .into(),
            message_type::G_PDU => Message::GPdu(body.to_vec()),
            other => Message::Other(other, body.to_vec()),
        })
    }

    /// The datagram, octets 1 to the last.
    #[must_use]
    pub fn encode(&self, header: &Header) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        self.encode_into(header, &mut out);
        out
    }

    /// Appends the datagram to a buffer.
    pub fn encode_into(&self, header: &Header, out: &mut Vec<u8>) {
        header.write(self.message_type(), out, |out| self.encode_body(out));
    }

    fn encode_body(&self, out: &mut Vec<u8>) {
        match self {
            Message::EchoRequest(EchoRequest { additional })
            | Message::EndMarker(EndMarker { additional }) => {
                put_ies(additional, out);
            }
            Message::EchoResponse(EchoResponse { recovery, additional }) => {
                out.put(&[ie_type::RECOVERY, *recovery]);
                put_ies(additional, out);
            }
            Message::ErrorIndication(ErrorIndication {
                teid,
                peer,
                recovery_time_stamp,
                additional,
            }) => {
                out.put_u8(ie_type::TEID_DATA_I);
                out.put_u32(teid.0);
                match peer {
                    IpAddr::V4(address) => put_ie(ie_type::PEER_ADDRESS, &address.octets(), out),
                    IpAddr::V6(address) => put_ie(ie_type::PEER_ADDRESS, &address.octets(), out),
                }
                if let Some(time) = recovery_time_stamp {
                    put_ie(ie_type::RECOVERY_TIME_STAMP, &time.to_be_bytes(), out);
                }
                put_ies(additional, out);
            }
            Message::SupportedExtensionHeadersNotification(message) => {
                let list: Vec<u8> = message
                    .extension_types
                    .iter()
                    .map(|extension| extension.0)
                    .collect();
                put_ie(ie_type::EXTENSION_HEADER_TYPE_LIST, &list, out);
                put_ies(&message.additional, out);
            }
            Message::TunnelStatus(TunnelStatus { status, additional }) => {
                put_ie(ie_type::TUNNEL_STATUS, &[*status], out);
                put_ies(additional, out);
            }
            Message::GPdu(body) | Message::Other(_, body) => out.put(body),
        }
    }
}

impl Packet {
    /// The datagram, octets 1 to the last.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.message.encode(&self.header)
    }
}

impl fmt::Display for Packet {
    /// Header, extension headers and elements, one a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Header {
            teid,
            sequence,
            n_pdu,
            extensions,
        } = &self.header;
        write!(
            f,
            "{} ({}), TEID {teid}",
            self.message.name(),
            self.message.message_type()
        )?;
        if let Some(sequence) = sequence {
            write!(f, ", sequence {sequence}")?;
        }
        if let Some(n_pdu) = n_pdu {
            write!(f, ", N-PDU {n_pdu}")?;
        }
        for Extension {
            extension_type,
            contents,
        } in extensions
        {
            write!(f, "\n  {extension_type}: ")?;
            contents.iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
        }
        let additional = match &self.message {
            Message::EchoRequest(message) => &message.additional,
            Message::EchoResponse(message) => {
                write!(f, "\n  Recovery: {}", message.recovery)?;
                &message.additional
            }
            Message::ErrorIndication(message) => {
                write!(
                    f,
                    "\n  TEID Data I: {}\n  GTP-U Peer Address: {}",
                    message.teid, message.peer
                )?;
                if let Some(time) = message.recovery_time_stamp {
                    write!(f, "\n  Recovery Time Stamp: {time}")?;
                }
                &message.additional
            }
            Message::SupportedExtensionHeadersNotification(message) => {
                for extension in &message.extension_types {
                    write!(f, "\n  knows {extension}")?;
                }
                &message.additional
            }
            Message::TunnelStatus(message) => {
                write!(f, "\n  GTP-U Tunnel Status Information: {:#04x}", message.status)?;
                &message.additional
            }
            Message::EndMarker(message) => &message.additional,
            Message::GPdu(packet) | Message::Other(_, packet) => {
                return write!(f, "\n  {} octets", packet.len());
            }
        };
        for Ie { ie_type, value } in additional {
            write!(f, "\n  IE type {ie_type}: ")?;
            value.iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
        }
        Ok(())
    }
}

/// Type and value of one element.
fn element<'a>(r: &mut Reader<'a>) -> Result<(u8, &'a [u8]), ValueError> {
    let ie_type = r.u8("IE type")?;
    let length = match ie_type {
        ie_type::RECOVERY => 1,
        ie_type::TEID_DATA_I => 4,
        0..=127 => return Err(r.incorrect("IE type of unknown length")), // TS 29.060 §11.1.8
        ie_type::EXTENSION_HEADER_TYPE_LIST => usize::from(r.u8("IE length")?), // One octet only, §8.5.
        128.. => usize::from(r.u16("IE length")?),
    };
    Ok((ie_type, r.take(length, "IE value")?))
}

impl Ie {
    /// Reads elements up to the end of the octets.
    ///
    /// # Errors
    /// When the octets end before an element does, or the length of one is not known.
    pub fn decode_all(octets: &[u8]) -> Result<Vec<Self>, ValueError> {
        let mut r = Reader::new(octets);
        let mut ies = Vec::new();
        while !r.is_empty() {
            let (ie_type, value) = element(&mut r)?;
            ies.push(Ie {
                ie_type,
                value: value.to_vec(),
            });
        }
        Ok(ies)
    }

    /// §8.4, if this is a peer's address.
    #[must_use]
    pub fn as_address(&self) -> Option<IpAddr> {
        let value = (self.ie_type == ie_type::PEER_ADDRESS).then_some(&self.value[..])?;
        let ipv4 = <[u8; 4]>::try_from(value).ok().map(IpAddr::from);
        ipv4.or(<[u8; 16]>::try_from(value).ok().map(IpAddr::from))
    }

    /// §8.6, if this is a private extension.
    #[must_use]
    pub fn as_private_extension(&self) -> Option<PrivateExtension> {
        let value = (self.ie_type == ie_type::PRIVATE_EXTENSION).then_some(&self.value)?;
        let (enterprise, value) = value.split_first_chunk()?;
        Some(PrivateExtension {
            enterprise: u16::from_be_bytes(*enterprise),
            value: value.to_vec(),
        })
    }
}

impl From<PrivateExtension> for Ie {
    fn from(PrivateExtension { enterprise, value }: PrivateExtension) -> Self {
        Ie {
            ie_type: ie_type::PRIVATE_EXTENSION,
            value: [&enterprise.to_be_bytes()[..], &value].concat(),
        }
    }
}

fn put_ies(ies: &[Ie], out: &mut Vec<u8>) {
    for Ie { ie_type, value } in ies {
        put_ie(*ie_type, value, out);
    }
}

fn put_ie(ie_type: u8, value: &[u8], out: &mut Vec<u8>) {
    out.put_u8(ie_type);
    match ie_type {
        0..=127 => out.put(value),
        ie_type::EXTENSION_HEADER_TYPE_LIST => {
            let value = value.get(..255).unwrap_or(value);
            out.put_u8(value.len() as u8);
            out.put(value);
        }
        128.. => counted_u16(out, |out| out.put(value)),
    }
}
