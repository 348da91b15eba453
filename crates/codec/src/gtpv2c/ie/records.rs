//! Elements that are a few fields one after the other.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use super::Ecgi;
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};
use crate::{Apn, Ebi, Imsi, Plmn, Teid};

/// How a field is read: `lv` has an octet with its length before it, `rest` goes to the end.
macro_rules! get {
    ($r:ident, u8, $what:expr) => {
        $r.u8($what)?
    };
    ($r:ident, u16, $what:expr) => {
        $r.u16($what)?
    };
    ($r:ident, u24, $what:expr) => {
        $r.u24($what)?
    };
    ($r:ident, u32, $what:expr) => {
        $r.u32($what)?
    };
    ($r:ident, u48, $what:expr) => {
        $r.array($what)
            .map(|[a, b, c, d, e, f]| u64::from_be_bytes([0, 0, a, b, c, d, e, f]))?
    };
    ($r:ident, u64, $what:expr) => {
        $r.array($what).map(u64::from_be_bytes)?
    };
    ($r:ident, array, $what:expr) => {
        $r.array($what)?
    };
    ($r:ident, plmn, $what:expr) => {
        Plmn::read(&mut $r)?
    };
    ($r:ident, ebi, $what:expr) => {
        Ebi($r.u8($what)? & 0x0f)
    };
    ($r:ident, teid, $what:expr) => {
        Teid($r.u32($what)?)
    };
    ($r:ident, ipv4, $what:expr) => {
        $r.ipv4($what)?
    };
    ($r:ident, lv, $what:expr) => {{
        let length = $r.u8($what)?;
        $r.take(usize::from(length), $what)?.to_vec()
    }};
    ($r:ident, rest, $what:expr) => {
        $r.rest().to_vec()
    };
    ($r:ident, lv_ip, $what:expr) => {{
        let length = $r.u8($what)?;
        ip_address(&mut $r, usize::from(length), $what)?
    }};
    ($r:ident, rest_ip, $what:expr) => {{
        let length = $r.left();
        ip_address(&mut $r, length, $what)?
    }};
}

macro_rules! put {
    ($out:ident, u8, $value:expr) => {
        $out.put_u8($value)
    };
    ($out:ident, u16, $value:expr) => {
        $out.put_u16($value)
    };
    ($out:ident, u24, $value:expr) => {
        $out.put_u24($value)
    };
    ($out:ident, u32, $value:expr) => {
        $out.put_u32($value)
    };
    ($out:ident, u48, $value:expr) => {{
        let [_, _, rest @ ..] = $value.to_be_bytes();
        $out.put(&rest)
    }};
    ($out:ident, u64, $value:expr) => {
        $out.put(&$value.to_be_bytes())
    };
    ($out:ident, array, $value:expr) => {
        $out.put(&$value)
    };
    ($out:ident, plmn, $value:expr) => {
        $value.write($out)
    };
    ($out:ident, ebi, $value:expr) => {
        $out.put_u8($value.0 & 0x0f)
    };
    ($out:ident, teid, $value:expr) => {
        $out.put_u32($value.0)
    };
    ($out:ident, ipv4, $value:expr) => {
        $out.put_ipv4($value)
    };
    ($out:ident, lv, $value:expr) => {
        put_counted($out, &$value)
    };
    ($out:ident, rest, $value:expr) => {
        $out.put(&$value)
    };
    ($out:ident, lv_ip, $value:expr) => {{
        $out.put_u8(if $value.is_ipv4() { 4 } else { 16 });
        put_ip_address($out, $value)
    }};
    ($out:ident, rest_ip, $value:expr) => {
        put_ip_address($out, $value)
    };
}

/// An address whose length says of which kind it is.
fn ip_address(r: &mut Reader<'_>, length: usize, what: &'static str) -> Result<IpAddr, ValueError> {
    match length {
        4 => r.ipv4(what).map(IpAddr::V4),
        16 => r.ipv6(what).map(IpAddr::V6),
        _ => Err(r.incorrect(what)),
    }
}

fn put_ip_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => out.put_ipv4(address),
        IpAddr::V6(address) => out.put_ipv6(address),
    }
}

/// A field after an octet with its length; cut at 255 octets.
pub(super) fn put_counted(out: &mut Vec<u8>, octets: &[u8]) {
    let octets = octets.get(..255).unwrap_or(octets);
    out.put_u8(octets.len() as u8);
    out.put(octets);
}

macro_rules! records {
    ($($(#[$doc:meta])* $name:ident = $ie:ident { $($(#[$field_doc:meta])* $field:ident: $t:ty as $how:ident,)* })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name { $($(#[$field_doc])* pub $field: $t,)* }

        impl IeValue for $name {
            const TYPE: IeType = IeType::$ie;

            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                let mut r = Reader::new(value);
                Ok($name { $($field: get!(r, $how, concat!(stringify!($name), " ", stringify!($field))),)* })
            }

            fn encode(&self, out: &mut Vec<u8>) {
                $(put!(out, $how, self.$field);)*
            }
        }
    )* };
}

records! {
    /// Global CN-Id, §8.24: a core network node.
    GlobalCnId = GLOBAL_CN_ID {
        /// The network.
        plmn: Plmn as plmn,
        /// The node in it.
        cn_id: u16 as u16,
    }

    /// S1-U Data Forwarding Info, §8.26.
    S1uDataForwardingInfo = S1U_DATA_FORWARDING_INFO {
        /// The bearer.
        ebi: Ebi as ebi,
        /// The address of the S-GW.
        sgw_address: IpAddr as lv_ip,
        /// The tunnel at the S-GW.
        sgw_s1u_teid: Teid as teid,
    }

    /// Trace Information, §8.31, TS 32.422.
    TraceInformation = TRACE_INFORMATION {
        /// The network that traces.
        plmn: Plmn as plmn,
        /// The trace, 24 bits.
        trace_id: u32 as u24,
        /// What starts and stops a recording.
        triggering_events: [u8; 9] as array,
        /// Nodes that trace, as bits.
        ne_types: u16 as u16,
        /// How much is recorded.
        depth: u8 as u8,
        /// Interfaces that are traced, as bits.
        interfaces: [u8; 12] as array,
        /// Where traces go.
        collection_entity: IpAddr as rest_ip,
    }

    /// Trace Reference, §8.45.
    TraceReference = TRACE_REFERENCE {
        /// The network that traces.
        plmn: Plmn as plmn,
        /// The trace, 24 bits.
        trace_id: u32 as u24,
    }

    /// Extended Trace Information, §8.136.
    ExtendedTraceInformation = EXTENDED_TRACE_INFORMATION {
        /// The network that traces.
        plmn: Plmn as plmn,
        /// The trace, 24 bits.
        trace_id: u32 as u24,
        /// What starts and stops a recording.
        triggering_events: Vec<u8> as lv,
        /// Nodes that trace, as bits.
        ne_types: Vec<u8> as lv,
        /// How much is recorded.
        depth: u8 as u8,
        /// Interfaces that are traced, as bits.
        interfaces: Vec<u8> as lv,
        /// Where traces go.
        collection_entity: IpAddr as lv_ip,
    }

    /// PDU Numbers, §8.40: what counters of a bearer say, while it is handed over.
    PduNumbers = PDU_NUMBERS {
        /// The bearer.
        ebi: Ebi as ebi,
        /// Next downlink GTP-U sequence number.
        downlink_gtpu_sequence: u16 as u16,
        /// Next uplink GTP-U sequence number.
        uplink_gtpu_sequence: u16 as u16,
        /// Next N-PDU number to be sent.
        send_n_pdu: u16 as u16,
        /// Next N-PDU number to be received.
        receive_n_pdu: u16 as u16,
    }

    /// Complete Request Message, §8.46: what the UE sent.
    CompleteRequestMessage = COMPLETE_REQUEST_MESSAGE {
        /// 0 Attach Request, 1 Tracking Area Update Request.
        message_type: u8 as u8,
        /// The NAS message.
        message: Vec<u8> as rest,
    }

    /// GUTI, §8.47: the temporary identity that an MME gave a UE.
    Guti = GUTI {
        /// The network.
        plmn: Plmn as plmn,
        /// The group of MMEs.
        mme_group: u16 as u16,
        /// The MME in the group.
        mme_code: u8 as u8,
        /// The UE at the MME.
        m_tmsi: u32 as u32,
    }

    /// Packet Flow ID, §8.53.
    PacketFlowId = PACKET_FLOW_ID {
        /// The bearer.
        ebi: Ebi as ebi,
        /// Coded as in TS 24.008 §10.5.6.11.
        flow: Vec<u8> as rest,
    }

    /// Source Identification, §8.59.
    SourceIdentification = SOURCE_IDENTIFICATION {
        /// The cell that the UE goes to.
        target_cell: [u8; 8] as array,
        /// 0 Cell ID, 1 RNC ID.
        source_type: u8 as u8,
        /// Where the UE comes from, coded as the type says.
        source: Vec<u8> as rest,
    }

    /// Additional MM context for SRVCC, §8.90.
    AdditionalMmContextForSrvcc = ADDITIONAL_MM_CONTEXT_FOR_SRVCC {
        /// Mobile Station Classmark 2, TS 24.008.
        classmark_2: Vec<u8> as lv,
        /// Mobile Station Classmark 3, TS 24.008.
        classmark_3: Vec<u8> as lv,
        /// Supported Codec List, TS 24.008.
        codecs: Vec<u8> as lv,
    }

    /// IPv4 Configuration Parameters, §8.97.
    Ipv4ConfigurationParameters = IPV4_CONFIGURATION_PARAMETERS {
        /// Length of the subnet's prefix in bits.
        prefix_length: u8 as u8,
        /// Its router.
        default_router: Ipv4Addr as ipv4,
    }

    /// Node Number, §8.106: an E.164 number with its nature and plan, as in TS 29.002.
    NodeNumber = NODE_NUMBER {
        /// The octets of the number.
        number: Vec<u8> as lv,
    }

    /// Node Identifier, §8.107: name and realm of a Diameter node.
    NodeIdentifier = NODE_IDENTIFIER {
        /// Its name.
        name: Vec<u8> as lv,
        /// Its realm.
        realm: Vec<u8> as lv,
    }

    /// Header Compression Configuration, §8.127.
    HeaderCompressionConfiguration = HEADER_COMPRESSION_CONFIGURATION {
        /// ROHC profiles, as bits.
        rohc_profiles: u16 as u16,
        /// 1 to 16383.
        max_cid: u16 as u16,
    }

    /// Serving PLMN Rate Control, §8.129: packets in six minutes; 65,535 is no limit.
    ServingPlmnRateControl = SERVING_PLMN_RATE_CONTROL {
        /// Uplink.
        uplink: u16 as u16,
        /// Downlink.
        downlink: u16 as u16,
    }

    /// Counter, §8.130.
    Counter = COUNTER {
        /// Since when it counts: seconds since 1900 (NTP).
        since: u32 as u32,
        /// How much it counted.
        value: u8 as u8,
    }

    /// APN Rate Control Status, §8.135.
    ApnRateControlStatus = APN_RATE_CONTROL_STATUS {
        /// Packets that may still go uplink.
        uplink_packets: u32 as u32,
        /// Additional exception reports that may still go uplink.
        exception_reports: u32 as u32,
        /// Packets that may still go downlink.
        downlink_packets: u32 as u32,
        /// Until when: NTP timestamp of 64 bits.
        valid_until: u64 as u64,
    }

    /// MBMS Session Identifier, §8.71, TS 29.061 §17.7.
    MbmsSessionIdentifier = MBMS_SESSION_IDENTIFIER {
        /// Which session of the service.
        identifier: u8 as u8,
    }

    /// MBMS Flow Identifier, §8.72, TS 29.061 §17.7.
    MbmsFlowIdentifier = MBMS_FLOW_IDENTIFIER {
        /// Which of the flows that differ by place.
        identifier: u16 as u16,
    }

    /// Temporary Mobile Group Identity, §8.89, TS 23.003 §15.2.
    Tmgi = TMGI {
        /// The service in the network, 24 bits.
        service_id: u32 as u24,
        /// The network.
        plmn: Plmn as plmn,
    }

    /// Absolute Time of MBMS Data Transfer, §8.95.
    AbsoluteTimeOfMbmsDataTransfer = ABSOLUTE_TIME_OF_MBMS_DATA_TRANSFER {
        /// NTP timestamp of 64 bits.
        time: u64 as u64,
    }

    /// Services Authorized, §8.141, TS 23.285.
    ServicesAuthorized = SERVICES_AUTHORIZED {
        /// As a vehicle: 0 authorized, 1 not.
        vehicle: u8 as u8,
        /// As a pedestrian: 0 authorized, 1 not.
        pedestrian: u8 as u8,
    }

    /// Private Extension, §8.67: what one company adds.
    PrivateExtension = PRIVATE_EXTENSION {
        /// The company's number in the registry of IANA.
        enterprise: u16 as u16,
        /// What it means is known to the company.
        value: Vec<u8> as rest,
    }
}

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $ie:ident { $($(#[$flag_doc:meta])* $flag:ident = $mask:literal,)* })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name { $($(#[$flag_doc])* pub $flag: bool,)* }

        impl IeValue for $name {
            const TYPE: IeType = IeType::$ie;

            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                let octet = Reader::new(value).u8(concat!(stringify!($name), " flags"))?;
                Ok($name { $($flag: octet & $mask != 0,)* })
            }

            fn encode(&self, out: &mut Vec<u8>) {
                out.put_u8(0 $(| if self.$flag { $mask } else { 0 })*);
            }
        }
    )* };
}

flags! {
    /// Bearer Flags, §8.32.
    BearerFlags = BEARER_FLAGS {
        /// PPC: prohibit payload compression.
        ppc = 0x01,
        /// VB: a voice bearer.
        vb = 0x02,
        /// Vind: vSRVCC indicator.
        vind = 0x04,
        /// ASI: activity status indicator.
        asi = 0x08,
    }

    /// CSG Information Reporting Action, §8.76: what is to be told.
    CsgInformationReportingAction = CSG_INFORMATION_REPORTING_ACTION {
        /// UCICSG: when the UE enters or leaves a CSG cell.
        csg = 0x01,
        /// UCISHC: when it enters or leaves a subscribed hybrid cell.
        subscribed_hybrid = 0x02,
        /// UCIUHC: when it enters or leaves an unsubscribed hybrid cell.
        unsubscribed_hybrid = 0x04,
    }

    /// CSG Membership Indication, §8.79.
    CsgMembershipIndication = CSG_MEMBERSHIP_INDICATION {
        /// The UE is a member.
        member = 0x01,
    }

    /// Node Features, §8.83: what the sender supports.
    NodeFeatures = NODE_FEATURES {
        /// PRN: PGW Restart Notification.
        prn = 0x01,
        /// MABR: Modify Access Bearers Request.
        mabr = 0x02,
        /// NTSR: Network Triggered Service Restoration.
        ntsr = 0x04,
        /// CIOT: Cellular Internet of Things.
        ciot = 0x08,
        /// S1UN: S1-U path failure notification.
        s1un = 0x10,
        /// ETH: Ethernet PDN type.
        eth = 0x20,
        /// MTEDT: mobile terminated early data transmission.
        mtedt = 0x40,
        /// PSSET: P-GW sets.
        psset = 0x80,
    }

    /// Signalling Priority Indication, §8.88.
    SignallingPriorityIndication = SIGNALLING_PRIORITY_INDICATION {
        /// LAPI: low access priority.
        lapi = 0x01,
    }

    /// Additional flags for SRVCC, §8.91.
    AdditionalFlagsForSrvcc = ADDITIONAL_FLAGS_FOR_SRVCC {
        /// ICS: IMS Centralized Service.
        ics = 0x01,
        /// VF: vSRVCC.
        vf = 0x02,
    }

    /// H(e)NB Information Reporting, §8.96.
    HenbInformationReporting = HENB_INFORMATION_REPORTING {
        /// FTI: tell changes of the fixed network's address.
        fti = 0x01,
    }

    /// Change to Report Flags, §8.98.
    ChangeToReportFlags = CHANGE_TO_REPORT_FLAGS {
        /// SNCR: the serving network changed.
        serving_network = 0x01,
        /// TZCR: the time zone changed.
        time_zone = 0x02,
    }

    /// Trusted WLAN Mode Indication, §8.105.
    TrustedWlanModeIndication = TRUSTED_WLAN_MODE_INDICATION {
        /// SCM: single-connection mode.
        single_connection = 0x01,
        /// MCM: multi-connection mode.
        multi_connection = 0x02,
    }

    /// WLAN Offloadability Indication, §8.116.
    WlanOffloadabilityIndication = WLAN_OFFLOADABILITY_INDICATION {
        /// May be offloaded from UTRAN.
        utran = 0x01,
        /// May be offloaded from E-UTRAN.
        eutran = 0x02,
    }

    /// CIoT Optimizations Support Indication, §8.125.
    CiotOptimizationsSupportIndication = CIOT_OPTIMIZATIONS_SUPPORT_INDICATION {
        /// SGNIPDN: SGi non-IP PDN.
        sgi_non_ip = 0x01,
        /// SCNIPDN: SCEF non-IP PDN.
        scef_non_ip = 0x02,
        /// AWOPDN: attach without PDN connection.
        attach_without_pdn = 0x04,
        /// IHCSI: IP header compression.
        ip_header_compression = 0x08,
    }

    /// MBMS Flags, §8.102.
    MbmsFlags = MBMS_FLAGS {
        /// MSRI: MBMS Session Re-establishment Indication.
        session_re_establishment = 0x01,
        /// LMRI: Local MBMS Bearer Context Release Indication.
        local_release = 0x02,
    }

    /// UP Function Selection Indication Flags, §8.133.
    UpFunctionSelectionIndicationFlags = UP_FUNCTION_SELECTION_INDICATION_FLAGS {
        /// DCNR: dual connectivity with NR.
        dcnr = 0x01,
    }
}

/// S103 PDN Data Forwarding Info, §8.25.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct S103DataForwardingInfo {
    /// The address of the HSGW.
    pub hsgw_address: IpAddr,
    /// The GRE key at the HSGW.
    pub gre_key: u32,
    /// The bearers, at most 15.
    pub ebis: Vec<Ebi>,
}

impl IeValue for S103DataForwardingInfo {
    const TYPE: IeType = IeType::S103_PDN_DATA_FORWARDING_INFO;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let hsgw_address = get!(r, lv_ip, "HSGW address");
        let gre_key = r.u32("GRE key")?;
        let count = usize::from(r.u8("number of EPS bearers")? & 0x0f);
        let ebis = r
            .take(count, "EPS bearers")?
            .iter()
            .map(|octet| Ebi(octet & 0x0f))
            .collect();
        Ok(S103DataForwardingInfo {
            hsgw_address,
            gre_key,
            ebis,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put!(out, lv_ip, self.hsgw_address);
        out.put_u32(self.gre_key);
        out.put_u8(self.ebis.len().min(15) as u8);
        self.ebis.iter().take(15).for_each(|ebi| out.put_u8(ebi.0 & 0x0f));
    }
}

/// F-Container, §8.48: what one radio network tells another through the core.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FContainer {
    /// 1 UTRAN, 2 BSS, 3 E-UTRAN, 4 NBIFOM, 5 EN-DC. Four bits.
    pub container_type: u8,
    /// Coded as the type says.
    pub contents: Vec<u8>,
}

impl IeValue for FContainer {
    const TYPE: IeType = IeType::F_CONTAINER;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        Ok(FContainer {
            container_type: r.u8("container type")? & 0x0f,
            contents: r.rest().to_vec(),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.container_type & 0x0f);
        out.put(&self.contents);
    }
}

/// F-Cause, §8.49: why the radio network wants or refuses something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FCause {
    /// For S1AP: 0 radio network layer, 1 transport layer, 2 NAS, 3 protocol, 4 miscellaneous. Four bits.
    pub cause_type: u8,
    /// The cause, coded as in S1AP, RANAP or BSSGP.
    pub cause: Vec<u8>,
}

impl IeValue for FCause {
    const TYPE: IeType = IeType::F_CAUSE;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        Ok(FCause {
            cause_type: r.u8("cause type")? & 0x0f,
            cause: r.rest().to_vec(),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.cause_type & 0x0f);
        out.put(&self.cause);
    }
}

/// RAB Context, §8.54.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RabContext {
    /// Which of the four sequence numbers are there, from bit 4: uplink PDCP, downlink PDCP, uplink GTP-U, downlink
    /// GTP-U. Four bits.
    pub present: u8,
    /// NSAPI of the RAB, four bits.
    pub nsapi: u8,
    /// Next downlink GTP-U sequence number.
    pub downlink_gtpu_sequence: u16,
    /// Next uplink GTP-U sequence number.
    pub uplink_gtpu_sequence: u16,
    /// Next downlink PDCP sequence number.
    pub downlink_pdcp_sequence: u16,
    /// Next uplink PDCP sequence number.
    pub uplink_pdcp_sequence: u16,
}

impl IeValue for RabContext {
    const TYPE: IeType = IeType::RAB_CONTEXT;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let first = r.u8("NSAPI")?;
        Ok(RabContext {
            present: first >> 4,
            nsapi: first & 0x0f,
            downlink_gtpu_sequence: r.u16("downlink GTP-U sequence number")?,
            uplink_gtpu_sequence: r.u16("uplink GTP-U sequence number")?,
            downlink_pdcp_sequence: r.u16("downlink PDCP sequence number")?,
            uplink_pdcp_sequence: r.u16("uplink PDCP sequence number")?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.present << 4 | self.nsapi & 0x0f);
        out.put_u16(self.downlink_gtpu_sequence);
        out.put_u16(self.uplink_gtpu_sequence);
        out.put_u16(self.downlink_pdcp_sequence);
        out.put_u16(self.uplink_pdcp_sequence);
    }
}

/// RAN/NAS Cause, §8.103: why a bearer was released or refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RanNasCause {
    /// 1 S1AP, 2 EMM, 3 ESM, 4 Diameter, 5 IKEv2. Four bits.
    pub protocol: u8,
    /// For S1AP: 0 radio network layer, 1 transport layer, 2 NAS, 3 protocol, 4 miscellaneous. Four bits.
    pub cause_type: u8,
    /// One octet, two for Diameter and IKEv2.
    pub cause: Vec<u8>,
}

impl IeValue for RanNasCause {
    const TYPE: IeType = IeType::RAN_NAS_CAUSE;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let first = r.u8("protocol and cause type")?;
        Ok(RanNasCause {
            protocol: first >> 4,
            cause_type: first & 0x0f,
            cause: r.rest().to_vec(),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.protocol << 4 | self.cause_type & 0x0f);
        out.put(&self.cause);
    }
}

/// User CSG Information, §8.75.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserCsgInformation {
    /// The network.
    pub plmn: Plmn,
    /// The closed subscriber group, 27 bits.
    pub csg_id: u32,
    /// 0 closed, 1 hybrid.
    pub access_mode: u8,
    /// LCSG: the UE leaves the cell.
    pub leaves: bool,
    /// CMI: the UE is a member.
    pub member: bool,
}

impl IeValue for UserCsgInformation {
    const TYPE: IeType = IeType::USER_CSG_INFORMATION;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let (plmn, csg_id, last) = (Plmn::read(&mut r)?, r.u32("CSG ID")?, r.u8("access mode")?);
        Ok(UserCsgInformation {
            plmn,
            csg_id: csg_id & 0x07ff_ffff,
            access_mode: last >> 6,
            leaves: last & 0x02 != 0,
            member: last & 0x01 != 0,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.plmn.write(out);
        out.put_u32(self.csg_id & 0x07ff_ffff);
        let flag = |set, flag| if set { flag } else { 0 };
        out.put_u8(self.access_mode << 6 | flag(self.leaves, 0x02) | flag(self.member, 0x01));
    }
}

/// MDT Configuration, §8.93, TS 32.422 §5.10: measurements that a UE is to make.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MdtConfiguration {
    /// Job type: 0 immediate MDT only, 1 logged MDT only, 2 trace only, 3 immediate MDT and trace.
    pub job_type: u8,
    /// List of measurements, as bits.
    pub measurements: u32,
    /// What makes a report, as bits.
    pub reporting_trigger: u8,
    /// Time between reports, a number of the list of TS 32.422 §5.10.5.
    pub report_interval: u8,
    /// Number of reports, a number of the list of TS 32.422 §5.10.6.
    pub report_amount: u8,
    /// Threshold of RSRP, 0 to 97: -140 dBm and up by 1 dB.
    pub rsrp_threshold: u8,
    /// Threshold of RSRQ, 0 to 34: -20 dB and up by 0.5 dB.
    pub rsrq_threshold: u8,
    /// Where, coded as in TS 32.422 §5.10.2; at most 255 octets.
    pub area_scope: Vec<u8>,
    /// Collection period for measurements of radio resource management; CRRMI says that it is meant.
    pub collection_period: Option<u8>,
    /// Measurement period; MPI says that it is meant.
    pub measurement_period: Option<u8>,
    /// Positioning method; PMI says that it is meant.
    pub positioning_method: Option<u8>,
    /// Networks where it holds, at most 255; PLI says that they are meant.
    pub plmns: Option<Vec<Plmn>>,
    /// What later releases add.
    pub rest: Vec<u8>,
}

const CRRMI: u8 = 0x01;
const MPI: u8 = 0x02;
const PMI: u8 = 0x04;
const PLI: u8 = 0x08;

impl IeValue for MdtConfiguration {
    const TYPE: IeType = IeType::MDT_CONFIGURATION;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let mut mdt = MdtConfiguration {
            job_type: r.u8("job type")?,
            measurements: r.u32("list of measurements")?,
            reporting_trigger: r.u8("reporting trigger")?,
            report_interval: r.u8("report interval")?,
            report_amount: r.u8("report amount")?,
            rsrp_threshold: r.u8("RSRP threshold")?,
            rsrq_threshold: r.u8("RSRQ threshold")?,
            area_scope: get!(r, lv, "area scope"),
            collection_period: None,
            measurement_period: None,
            positioning_method: None,
            plmns: None,
            rest: Vec::new(),
        };
        if r.is_empty() {
            return Ok(mdt);
        }
        // Each has its place, whether it is meant or not.
        let [flags, collection, measurement, positioning, networks] =
            r.array("periods and number of networks")?;
        let plmns = (0..networks)
            .map(|_| Plmn::read(&mut r))
            .collect::<Result<Vec<_>, _>>()?;
        mdt.collection_period = (flags & CRRMI != 0).then_some(collection);
        mdt.measurement_period = (flags & MPI != 0).then_some(measurement);
        mdt.positioning_method = (flags & PMI != 0).then_some(positioning);
        mdt.plmns = (flags & PLI != 0).then_some(plmns);
        mdt.rest = r.rest().to_vec();
        Ok(mdt)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.job_type);
        out.put_u32(self.measurements);
        out.put(&[self.reporting_trigger, self.report_interval, self.report_amount]);
        out.put(&[self.rsrp_threshold, self.rsrq_threshold]);
        put_counted(out, &self.area_scope);
        let flag = |set, flag| if set { flag } else { 0 };
        let flags = flag(self.collection_period.is_some(), CRRMI)
            | flag(self.measurement_period.is_some(), MPI)
            | flag(self.positioning_method.is_some(), PMI)
            | flag(self.plmns.is_some(), PLI);
        if flags == 0 && self.rest.is_empty() {
            return;
        }
        out.put_u8(flags);
        for value in [
            self.collection_period,
            self.measurement_period,
            self.positioning_method,
        ] {
            out.put_u8(value.unwrap_or(0));
        }
        let plmns = self.plmns.as_deref().unwrap_or_default();
        let plmns = plmns.get(..255).unwrap_or(plmns);
        out.put_u8(plmns.len() as u8);
        plmns.iter().for_each(|plmn| plmn.write(out));
        out.put(&self.rest);
    }
}

/// APN and Relative Capacity, §8.115.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ApnAndRelativeCapacity {
    /// Percent of the node's capacity for this APN, 1 to 100.
    pub relative_capacity: u8,
    /// The APN.
    pub apn: Apn,
    /// The length before the APN is left out, as some senders do.
    pub without_length: bool,
}

impl ApnAndRelativeCapacity {
    /// As the specification writes it, with the length of the APN.
    #[must_use]
    pub fn new(relative_capacity: u8, apn: Apn) -> Self {
        ApnAndRelativeCapacity {
            relative_capacity,
            apn,
            without_length: false,
        }
    }
}

impl IeValue for ApnAndRelativeCapacity {
    const TYPE: IeType = IeType::APN_AND_RELATIVE_CAPACITY;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let relative_capacity = r.u8("relative capacity")?;
        let mut bare = r;
        let length = r.u8("APN length")?;
        let counted = r.take(usize::from(length), "APN").and_then(Apn::from_octets);
        let (apn, without_length) = match counted {
            Ok(apn) => (apn, false),
            Err(error) => (Apn::from_octets(bare.rest()).map_err(|_| error)?, true),
        };
        Ok(ApnAndRelativeCapacity {
            relative_capacity,
            apn,
            without_length,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.relative_capacity);
        if self.without_length {
            out.put(self.apn.as_octets());
        } else {
            put_counted(out, self.apn.as_octets());
        }
    }
}

/// Paging and Service Information, §8.117.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PagingAndServiceInformation {
    /// The bearer.
    pub ebi: Ebi,
    /// Paging Policy Indication, six bits: the DSCP of the packet that waits.
    pub paging_policy: Option<u8>,
}

impl IeValue for PagingAndServiceInformation {
    const TYPE: IeType = IeType::PAGING_AND_SERVICE_INFORMATION;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let ebi = Ebi(r.u8("EPS bearer identity")? & 0x0f);
        let flags = r.u8("flags")?;
        let paging_policy = if flags & 0x01 != 0 {
            Some(r.u8("paging policy indication")? & 0x3f)
        } else {
            None
        };
        Ok(PagingAndServiceInformation { ebi, paging_policy })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&[self.ebi.0 & 0x0f, u8::from(self.paging_policy.is_some())]);
        if let Some(policy) = self.paging_policy {
            out.put_u8(policy & 0x3f);
        }
    }
}

/// Integer Number, §8.118: unsigned, of 1 to 8 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IntegerNumber {
    /// The number.
    pub value: u64,
    /// In how many octets it is sent, 1 to 8; more where the number needs more.
    pub octets: u8,
}

impl IntegerNumber {
    /// In as few octets as it needs.
    #[must_use]
    pub fn new(value: u64) -> Self {
        IntegerNumber {
            value,
            octets: (8 - value.leading_zeros() / 8).max(1) as u8,
        }
    }
}

impl IeValue for IntegerNumber {
    const TYPE: IeType = IeType::INTEGER_NUMBER;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let mut number = u64::from(r.u8("integer number")?);
        let mut octets = 1;
        while !r.is_empty() {
            number = number << 8 | u64::from(r.u8("integer number")?);
            octets += 1;
            if octets > 8 {
                return Err(r.incorrect("integer number of more than 8 octets"));
            }
        }
        Ok(IntegerNumber {
            value: number,
            octets,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let octets = self.octets.clamp(IntegerNumber::new(self.value).octets, 8);
        let all = self.value.to_be_bytes();
        out.put(all.get(8 - usize::from(octets)..).unwrap_or(&all));
    }
}

/// Millisecond Time Stamp, §8.119: milliseconds since 1900-01-01, 48 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MillisecondTimeStamp(pub u64);

impl IeValue for MillisecondTimeStamp {
    const TYPE: IeType = IeType::MILLISECOND_TIME_STAMP;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        Ok(MillisecondTimeStamp(get!(r, u48, "milliseconds")))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put!(out, u48, self.0);
    }
}

/// Secondary RAT Usage Data Report, §8.132: octets that went over another radio.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecondaryRatUsageDataReport {
    /// IRPGW: for the P-GW.
    pub for_pgw: bool,
    /// IRSGW: for the S-GW.
    pub for_sgw: bool,
    /// 0 NR, 1 unlicensed spectrum.
    pub rat: u8,
    /// The bearer.
    pub ebi: Ebi,
    /// Seconds since 1900 (NTP).
    pub start: u32,
    /// Seconds since 1900 (NTP).
    pub end: u32,
    /// Octets.
    pub downlink: u64,
    /// Octets.
    pub uplink: u64,
    /// SRUDN: the report as NG-RAN wrote it, the Secondary RAT Data Usage Report Transfer of TS 38.413; 1 to 255 octets.
    pub ng_ran_report: Option<Vec<u8>>,
}

impl IeValue for SecondaryRatUsageDataReport {
    const TYPE: IeType = IeType::SECONDARY_RAT_USAGE_DATA_REPORT;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let flags = r.u8("flags")?;
        Ok(SecondaryRatUsageDataReport {
            for_pgw: flags & 0x01 != 0,
            for_sgw: flags & 0x02 != 0,
            rat: r.u8("secondary RAT type")?,
            ebi: Ebi(r.u8("EPS bearer identity")? & 0x0f),
            start: r.u32("start timestamp")?,
            end: r.u32("end timestamp")?,
            downlink: get!(r, u64, "usage data downlink"),
            uplink: get!(r, u64, "usage data uplink"),
            ng_ran_report: if flags & 0x04 != 0 {
                Some(get!(r, lv, "secondary RAT data usage report transfer"))
            } else {
                None
            },
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let flags = u8::from(self.for_pgw)
            | u8::from(self.for_sgw) << 1
            | u8::from(self.ng_ran_report.is_some()) << 2;
        out.put(&[flags, self.rat, self.ebi.0 & 0x0f]);
        out.put_u32(self.start);
        out.put_u32(self.end);
        put!(out, u64, self.downlink);
        put!(out, u64, self.uplink);
        if let Some(report) = &self.ng_ran_report {
            put_counted(out, report);
        }
    }
}

/// Maximum Packet Loss Rate, §8.134: tenths of a percent, 0 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaximumPacketLossRate {
    /// Uplink.
    pub uplink: Option<u16>,
    /// Downlink.
    pub downlink: Option<u16>,
}

impl IeValue for MaximumPacketLossRate {
    const TYPE: IeType = IeType::MAXIMUM_PACKET_LOSS_RATE;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let flags = r.u8("flags")?;
        let uplink = if flags & 0x01 != 0 {
            Some(r.u16("uplink rate")?)
        } else {
            None
        };
        let downlink = if flags & 0x02 != 0 {
            Some(r.u16("downlink rate")?)
        } else {
            None
        };
        Ok(MaximumPacketLossRate { uplink, downlink })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.uplink.is_some()) | u8::from(self.downlink.is_some()) << 1);
        [self.uplink, self.downlink]
            .into_iter()
            .flatten()
            .for_each(|rate| out.put_u16(rate));
    }
}

/// PC5 QoS Flow, §8.143.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pc5QosFlow {
    /// PC5 5QI.
    pub pqi: u8,
    /// Guaranteed, kbit/s.
    pub guaranteed: u32,
    /// Maximum, kbit/s.
    pub maximum: u32,
    /// How far it reaches, TS 38.413.
    pub range: Option<u8>,
}

impl IeValue for Pc5QosFlow {
    const TYPE: IeType = IeType::PC5_QOS_FLOW;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let flags = r.u8("flags")?;
        Ok(Pc5QosFlow {
            pqi: r.u8("PQI")?,
            guaranteed: r.u32("guaranteed flow bit rate")?,
            maximum: r.u32("maximum flow bit rate")?,
            range: if flags & 0x01 != 0 {
                Some(r.u8("range")?)
            } else {
                None
            },
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&[u8::from(self.range.is_some()), self.pqi]);
        out.put_u32(self.guaranteed);
        out.put_u32(self.maximum);
        if let Some(range) = self.range {
            out.put_u8(range);
        }
    }
}

/// PSCell ID, §8.148: the primary cell of the secondary node, in NR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PscellId {
    /// The network.
    pub plmn: Plmn,
    /// NR Cell Identity, 36 bits.
    pub nr_cell_id: u64,
}

impl IeValue for PscellId {
    const TYPE: IeType = IeType::PSCELL_ID;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        Ok(PscellId {
            plmn: Plmn::read(&mut r)?,
            nr_cell_id: r.u40("NR cell identity")? & 0x0f_ffff_ffff,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.plmn.write(out);
        out.put_u40(self.nr_cell_id & 0x0f_ffff_ffff);
    }
}

/// Alternative IMSI, §8.150: another identity of a UE with more than one SIM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AlternativeImsi(pub Imsi);

impl IeValue for AlternativeImsi {
    const TYPE: IeType = IeType::ALTERNATIVE_IMSI;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        Imsi::decode(value).map(AlternativeImsi)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

/// MBMS IP Multicast Distribution, §8.73: the tunnel in which an MBMS-GW sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MbmsIpMulticastDistribution {
    /// Common Tunnel Endpoint Identifier, the same for all who listen.
    pub common_teid: Teid,
    /// The group.
    pub group: IpAddr,
    /// Who sends to it.
    pub source: IpAddr,
    /// MBMS HC Indicator: 0 uncompressed header, 1 compressed header.
    pub header_compression: u8,
}

/// An address after an octet of type (two bits: 0 IPv4, 1 IPv6) and length (six bits), TS 23.003 §5.1.
fn gsn_address(r: &mut Reader<'_>, what: &'static str) -> Result<IpAddr, ValueError> {
    match r.u8(what)? {
        0x04 => r.ipv4(what).map(IpAddr::V4),
        0x50 => r.ipv6(what).map(IpAddr::V6),
        _ => Err(r.incorrect(what)),
    }
}

fn put_gsn_address(out: &mut Vec<u8>, address: IpAddr) {
    out.put_u8(if address.is_ipv4() { 0x04 } else { 0x50 });
    put_ip_address(out, address);
}

impl IeValue for MbmsIpMulticastDistribution {
    const TYPE: IeType = IeType::MBMS_IP_MULTICAST_DISTRIBUTION;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        Ok(MbmsIpMulticastDistribution {
            common_teid: Teid(r.u32("common TEID")?),
            group: gsn_address(&mut r, "MBMS distribution address")?,
            source: gsn_address(&mut r, "MBMS source address")?,
            header_compression: r.u8("MBMS HC indicator")?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32(self.common_teid.0);
        put_gsn_address(out, self.group);
        put_gsn_address(out, self.source);
        out.put_u8(self.header_compression);
    }
}

/// MBMS Session Duration, §8.69, TS 29.061 §17.7: how long a session will take; nothing of either is a time without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MbmsSessionDuration {
    /// 0 to 18; seven bits.
    pub days: u8,
    /// 0 to 86,400; 17 bits.
    pub seconds: u32,
}

impl MbmsSessionDuration {
    /// How long.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs(u64::from(self.days) * 86_400 + u64::from(self.seconds))
    }
}

impl IeValue for MbmsSessionDuration {
    const TYPE: IeType = IeType::MBMS_SESSION_DURATION;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let bits = Reader::new(value).u24("MBMS session duration")?;
        Ok(MbmsSessionDuration {
            days: (bits & 0x7f) as u8,
            seconds: bits >> 7,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u24((self.seconds & 0x01_ffff) << 7 | u32::from(self.days & 0x7f));
    }
}

/// MBMS Service Area, §8.70, TS 29.061 §17.7.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MbmsServiceArea {
    /// Service Area Identities, 1 to 256; 0 is the whole network.
    pub identities: Vec<u16>,
}

impl IeValue for MbmsServiceArea {
    const TYPE: IeType = IeType::MBMS_SERVICE_AREA;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let identities = (0..=r.u8("number of service area identities less one")?)
            .map(|_| r.u16("service area identity"))
            .collect::<Result<_, _>>()?;
        Ok(MbmsServiceArea { identities })
    }

    /// No identity is written as the whole network.
    fn encode(&self, out: &mut Vec<u8>) {
        let identities = match self.identities.as_slice() {
            [] => &[0][..],
            identities => identities.get(..256).unwrap_or(identities),
        };
        out.put_u8((identities.len() - 1) as u8);
        identities.iter().for_each(|identity| out.put_u16(*identity));
    }
}

/// MBMS Time to Data Transfer, §8.84, TS 29.061 §17.7: 1 to 256 seconds until data come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MbmsTimeToDataTransfer {
    /// Seconds less one.
    pub seconds_less_one: u8,
}

impl MbmsTimeToDataTransfer {
    /// How long.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs(u64::from(self.seconds_less_one) + 1)
    }
}

impl IeValue for MbmsTimeToDataTransfer {
    const TYPE: IeType = IeType::MBMS_TIME_TO_DATA_TRANSFER;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let seconds_less_one = Reader::new(value).u8("MBMS time to data transfer")?;
        Ok(MbmsTimeToDataTransfer { seconds_less_one })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.seconds_less_one);
    }
}

/// ECGI List, §8.121: cells of E-UTRAN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EcgiList(pub Vec<Ecgi>);

impl IeValue for EcgiList {
    const TYPE: IeType = IeType::ECGI_LIST;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let cells = (0..r.u16("number of ECGIs")?)
            .map(|_| Ecgi::read(&mut r))
            .collect::<Result<_, _>>()?;
        Ok(EcgiList(cells))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let cells = self.0.get(..usize::from(u16::MAX)).unwrap_or(&self.0);
        out.put_u16(cells.len() as u16);
        cells.iter().for_each(|cell| cell.write(out));
    }
}
