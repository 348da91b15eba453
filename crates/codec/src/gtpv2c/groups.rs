//! Grouped elements: one table for each use of Bearer Context and the like.

use alloc::vec::Vec;

use super::ie::*;
use super::raw::IeWalk;
use super::table::*;
use super::{Ie, IeType};
use crate::error::ValueError;
use crate::{Apn, Ebi, Pco};

tables! {
    group
    /// Bearer Context in a Create Session Request, table 7.2.1-2.
    BearerContextToBeCreated = 93 {
        M ebi: Ebi [0],
        C tft: BearerTft [0],
        C enb_s1u_fteid: Fteid [0],
        C sgsn_s4u_fteid: Fteid [1],
        C sgw_s5u_fteid: Fteid [2],
        C pgw_s5u_fteid: Fteid [3],
        C rnc_s12_fteid: Fteid [4],
        C epdg_s2b_fteid: Fteid [5],
        C twan_s2a_fteid: Fteid [6],
        C mme_s11u_fteid: Fteid [7],
        M qos: BearerQos [0],
    }

    group
    /// Bearer Context that is to be removed, tables 7.2.1-3 and 7.2.7-3.
    BearerContextToBeRemoved = 93 {
        M ebi: Ebi [0],
        C sgsn_s4u_fteid: Fteid [0],
    }

    group
    /// Bearer Context in a Create Session Response, table 7.2.2-2.
    BearerContextCreated = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
        C sgw_s1u_fteid: Fteid [0],
        C sgw_s4u_fteid: Fteid [1],
        C pgw_s5u_fteid: Fteid [2],
        C sgw_s12_fteid: Fteid [3],
        C pgw_s2b_fteid: Fteid [4],
        C pgw_s2a_fteid: Fteid [5],
        C sgw_s11u_fteid: Fteid [6],
        C qos: BearerQos [0],
        C charging_id: ChargingId [0],
        CO bearer_flags: BearerFlags [0],
    }

    group
    /// Bearer Context in a response for a bearer that is to be removed, tables 7.2.2-3 and 7.2.8-3.
    BearerContextMarkedForRemoval = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
    }

    group
    /// Bearer Context in a Create Bearer Request, table 7.2.3-2.
    CreateBearerRequestContext = 93 {
        M ebi: Ebi [0],
        M tft: BearerTft [0],
        C sgw_s1u_fteid: Fteid [0],
        C pgw_s5u_fteid: Fteid [1],
        C sgw_s12_fteid: Fteid [2],
        C sgw_s4u_fteid: Fteid [3],
        C pgw_s2b_fteid: Fteid [4],
        C pgw_s2a_fteid: Fteid [5],
        M qos: BearerQos [0],
        C charging_id: ChargingId [0],
        CO bearer_flags: BearerFlags [0],
        C pco: Pco [0],
        CO epco: Epco [0],
        CO maximum_packet_loss_rate: MaximumPacketLossRate [0],
    }

    group
    /// Bearer Context in a Create Bearer Response, table 7.2.4-2.
    CreateBearerResponseContext = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
        C enb_s1u_fteid: Fteid [0],
        C sgw_s1u_fteid: Fteid [1],
        C sgw_s5u_fteid: Fteid [2],
        C pgw_s5u_fteid: Fteid [3],
        C rnc_s12_fteid: Fteid [4],
        C sgw_s12_fteid: Fteid [5],
        C sgsn_s4u_fteid: Fteid [6],
        C sgw_s4u_fteid: Fteid [7],
        C epdg_s2b_fteid: Fteid [8],
        C pgw_s2b_fteid: Fteid [9],
        C twan_s2a_fteid: Fteid [10],
        C pgw_s2a_fteid: Fteid [11],
        C pco: Pco [0],
        CO ran_nas_cause: RanNasCause [0],
        CO epco: Epco [0],
    }

    group
    /// Bearer Context in a Modify Bearer Request, table 7.2.7-2.
    BearerContextToBeModified = 93 {
        M ebi: Ebi [0],
        C enb_s1u_fteid: Fteid [0],
        C sgw_s5u_fteid: Fteid [1],
        C rnc_s12_fteid: Fteid [2],
        C sgsn_s4u_fteid: Fteid [3],
        C mme_s11u_fteid: Fteid [4],
    }

    group
    /// Bearer Context in a Modify Bearer Response, table 7.2.8-2.
    BearerContextModified = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
        C sgw_s1u_fteid: Fteid [0],
        C sgw_s12_fteid: Fteid [1],
        C sgw_s4u_fteid: Fteid [2],
        C sgw_s11u_fteid: Fteid [3],
        C charging_id: ChargingId [0],
        CO bearer_flags: BearerFlags [0],
    }

    group
    /// Bearer Context of a bearer that could not be set up, in a Delete Bearer Request, table 7.2.9.2-2.
    FailedBearerContext = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
    }

    group
    /// Bearer Context in a Delete Bearer Response, table 7.2.10.2-2.
    DeleteBearerResponseContext = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
        C pco: Pco [0],
        CO ran_nas_cause: RanNasCause [0],
        CO epco: Epco [0],
    }

    group
    /// Bearer Context in a Modify Bearer Command, table 7.2.14.1-2.
    ModifyBearerCommandContext = 93 {
        M ebi: Ebi [0],
        C qos: BearerQos [0],
    }

    group
    /// Bearer Context in an Update Bearer Request, table 7.2.15-2.
    UpdateBearerRequestContext = 93 {
        M ebi: Ebi [0],
        C tft: BearerTft [0],
        C qos: BearerQos [0],
        CO bearer_flags: BearerFlags [0],
        C pco: Pco [0],
        CO apco: Apco [0],
        CO epco: Epco [0],
        CO maximum_packet_loss_rate: MaximumPacketLossRate [0],
    }

    group
    /// Bearer Context in an Update Bearer Response, table 7.2.16-2.
    UpdateBearerResponseContext = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
        C sgsn_s4u_fteid: Fteid [0],
        C rnc_s12_fteid: Fteid [1],
        C pco: Pco [0],
        CO ran_nas_cause: RanNasCause [0],
        CO epco: Epco [0],
    }

    group
    /// Bearer Context in a Delete Bearer Command, table 7.2.17.1-2.
    DeleteBearerCommandContext = 93 {
        M ebi: Ebi [0],
        CO bearer_flags: BearerFlags [0],
        CO ran_nas_release_cause: RanNasCause [0],
    }

    group
    /// Bearer Context in a Delete Bearer Failure Indication, table 7.2.17.2-2.
    DeleteBearerFailureContext = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
    }

    group
    /// Bearer Context in a Create Indirect Data Forwarding Tunnel Request, table 7.2.18-2.
    ForwardingTunnelRequestContext = 93 {
        M ebi: Ebi [0],
        C enb_downlink_forwarding_fteid: Fteid [0],
        C sgw_downlink_forwarding_fteid: Fteid [1],
        C sgsn_downlink_forwarding_fteid: Fteid [2],
        C rnc_downlink_forwarding_fteid: Fteid [3],
        C enb_uplink_forwarding_fteid: Fteid [4],
        C sgw_uplink_forwarding_fteid: Fteid [5],
        C mme_downlink_forwarding_fteid: Fteid [6],
    }

    group
    /// Bearer Context in a Create Indirect Data Forwarding Tunnel Response, table 7.2.19-2.
    ForwardingTunnelResponseContext = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
        C sgw_s1u_downlink_forwarding_fteid: Fteid [0],
        C sgw_s12_downlink_forwarding_fteid: Fteid [1],
        C sgw_s4u_downlink_forwarding_fteid: Fteid [2],
        C sgw_downlink_forwarding_fteid: Fteid [3],
        C sgw_s1u_uplink_forwarding_fteid: Fteid [4],
        C sgw_uplink_forwarding_fteid: Fteid [5],
    }

    group
    /// Bearer Context in a Modify Access Bearers Request, table 7.2.24-2.
    AccessBearerContextToBeModified = 93 {
        M ebi: Ebi [0],
        C enb_s1u_fteid: Fteid [0],
        C mme_s11u_fteid: Fteid [1],
    }

    group
    /// Bearer Context in a Modify Access Bearers Response, table 7.2.25-2.
    AccessBearerContextModified = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
        C sgw_s1u_fteid: Fteid [0],
        C sgw_s11u_fteid: Fteid [1],
    }

    group
    /// Bearer Context in a PDN Connection, tables 7.3.1-3 and 7.3.6-3.
    PdnBearerContext = 93 {
        M ebi: Ebi [0],
        C tft: BearerTft [0],
        C transaction_identifier: TransactionIdentifier [0],
        C sgw_s1u_fteid: Fteid [0],
        C pgw_s5u_fteid: Fteid [1],
        C sgw_s11u_fteid: Fteid [2],
        M qos: BearerQos [0],
        CO bss_container: FContainer [0],
    }

    group
    /// Bearer Context in a Forward Relocation Response, table 7.3.2-2.
    SetupBearerContext = 93 {
        C ebi: Ebi [0],
        C enb_downlink_forwarding_fteid: Fteid [0],
        C enb_uplink_forwarding_fteid: Fteid [1],
        C sgw_downlink_forwarding_fteid: Fteid [2],
        C rnc_downlink_forwarding_fteid: Fteid [3],
        C sgsn_downlink_forwarding_fteid: Fteid [4],
        C sgw_uplink_forwarding_fteid: Fteid [5],
        C packet_flow_id: PacketFlowId [0],
    }

    group
    /// Bearer Context in a Context Acknowledge, table 7.3.7-2.
    ContextAcknowledgeBearer = 93 {
        M ebi: Ebi [0],
        M forwarding_fteid: Fteid [0],
    }

    group
    /// PDN Connection in a Forward Relocation Request or a Context Response, tables 7.3.1-2 and 7.3.6-2.
    PdnConnection = 109 {
        C indication: Indication [0],
        M pgw_s5c_fteid: Fteid [0],
        M apn: Apn [0],
        C selection_mode: SelectionMode [0],
        C pdn_type: PdnType [0],
        C apn_restriction: ApnRestriction [0],
        M ambr: Ambr [0],
        M linked_ebi: Ebi [0],
        C bearer_contexts: Vec<PdnBearerContext> [0],
        C charging_characteristics: ChargingCharacteristics [0],
        CO signalling_priority: SignallingPriorityIndication [0],
        CO ue_ipv4: IpAddress [0],
        CO ue_ipv6: IpAddress [1],
        C change_reporting_action: ChangeReportingAction [0],
        C pgw_node_name: Fqdn [0],
        C local_home_network_id: Fqdn [1],
        CO csg_information_reporting_action: CsgInformationReportingAction [0],
        CO henb_information_reporting: HenbInformationReporting [0],
        C change_to_report_flags: ChangeToReportFlags [0],
        CO presence_reporting_area_actions: Vec<PresenceReportingAreaAction> [0],
        CO wlan_offloadability: WlanOffloadabilityIndication [0],
        CO remote_ue_contexts_connected: Vec<RemoteUeContext> [0],
        CO header_compression: HeaderCompressionConfiguration [0],
        CO pgw_change_info: PgwChangeInfo [0],
        CO up_security_policy: UpSecurityPolicy [0],
    }

    group
    /// Overload Control Information, table 7.2.1-4 and following.
    OverloadControlInformation = 180 {
        M sequence_number: ControlSequenceNumber [0],
        M metric: Metric [0],
        M period_of_validity: EpcTimer [0],
        CO apns: Vec<Apn> [0],
    }

    group
    /// Load Control Information, table 7.2.2-4 and following.
    LoadControlInformation = 181 {
        M sequence_number: ControlSequenceNumber [0],
        M metric: Metric [0],
        O apns: Vec<ApnAndRelativeCapacity> [0],
    }

    group
    /// Remote UE Context, table 7.2.1-5 and following.
    RemoteUeContext = 191 {
        M remote_user_id: RemoteUserId [0],
        M remote_ue_ip_information: RemoteUeIpInformation [0],
    }

    group
    /// SCEF PDN Connection, tables 7.3.1-5 and 7.3.6-5.
    ScefPdnConnection = 195 {
        M apn: Apn [0],
        M default_ebi: Ebi [0],
        M scef_id: NodeIdentifier [0],
    }

    group
    /// V2X Context, table 7.3.1-6.
    V2xContext = 208 {
        C pc5_qos_parameters: Vec<Pc5QosParameters> [0],
        CO lte_v2x_services: ServicesAuthorized [0],
        CO nr_v2x_services: ServicesAuthorized [1],
        C lte_sidelink_ambr: BitRate [0],
        C nr_sidelink_ambr: BitRate [1],
    }

    group
    /// PC5 QoS Parameters, table 7.3.1-7.
    Pc5QosParameters = 209 {
        C pc5_link_bit_rate: BitRate [0],
        M pc5_qos_flows: Vec<Pc5QosFlow> [0],
    }

    group
    /// PGW Change Info, table 7.2.2-6 and following.
    PgwChangeInfo = 214 {
        CO alternative_pgw_address: IpAddress [0],
        CO new_pgw_address: IpAddress [1],
        C pgw_set_fqdn: PgwSetFqdn [0],
        CO pgw_fq_csids: Vec<FqCsid> [0],
        CO group_id: GroupId [0],
        CO new_group_id: GroupId [1],
    }
}

macro_rules! group_tables {
    ($($name:ident)*) => {
        /// The tables of all grouped elements: the Rust type, the element and its rows.
        pub const GROUP_TABLES: &[(&str, IeType, &[Row])] =
            &[$((<$name as Table>::NAME, <$name as IeValue>::TYPE, <$name as Table>::ROWS),)*];
    };
}

group_tables! {
    BearerContextToBeCreated
    BearerContextToBeRemoved
    BearerContextCreated
    BearerContextMarkedForRemoval
    CreateBearerRequestContext
    CreateBearerResponseContext
    BearerContextToBeModified
    BearerContextModified
    FailedBearerContext
    DeleteBearerResponseContext
    ModifyBearerCommandContext
    UpdateBearerRequestContext
    UpdateBearerResponseContext
    DeleteBearerCommandContext
    DeleteBearerFailureContext
    ForwardingTunnelRequestContext
    ForwardingTunnelResponseContext
    AccessBearerContextToBeModified
    AccessBearerContextModified
    PdnBearerContext
    SetupBearerContext
    ContextAcknowledgeBearer
    PdnConnection
    OverloadControlInformation
    LoadControlInformation
    RemoteUeContext
    ScefPdnConnection
    V2xContext
    Pc5QosParameters
    PgwChangeInfo
}
