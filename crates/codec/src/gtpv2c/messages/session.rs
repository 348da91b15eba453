//! Sessions: created, modified and deleted for the MME, the SGSN or an access other than 3GPP, TS 29.274 §7.2.

use alloc::vec::Vec;

use crate::error::ValueError;
use crate::gtpv2c::raw::IeWalk;
use crate::gtpv2c::table::*;
use crate::gtpv2c::*;
use crate::{Apn, Ebi, Imsi, Mei, Msisdn, Pco};

tables! {
    message
    /// §7.2.1, S11, S4, S5/S8, S2a and S2b.
    CreateSessionRequest = 32 {
        C imsi: Imsi [0],
        C msisdn: Msisdn [0],
        C mei: Mei [0],
        C uli: Uli [0],
        C uli_for_sgw: Uli [1],
        C serving_network: ServingNetwork [0],
        M rat_type: RatType [0],
        C indication: Indication [0],
        M sender_fteid: Fteid [0],
        C pgw_s5c_fteid: Fteid [1],
        M apn: Apn [0],
        C selection_mode: SelectionMode [0],
        C pdn_type: PdnType [0],
        C paa: Paa [0],
        C max_apn_restriction: ApnRestriction [0],
        C ambr: Ambr [0],
        C linked_ebi: Ebi [0],
        CO trusted_wlan_mode: TrustedWlanModeIndication [0],
        C pco: Pco [0],
        M bearer_contexts: Vec<BearerContextToBeCreated> [0],
        C bearer_contexts_to_be_removed: Vec<BearerContextToBeRemoved> [1],
        C trace_information: TraceInformation [0],
        C recovery: RestartCounter [0],
        C ue_time_zone: UeTimeZone [0],
        C mme_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
        C epdg_fq_csid: FqCsid [2],
        C twan_fq_csid: FqCsid [3],
        CO user_csg_information: UserCsgInformation [0],
        C charging_characteristics: ChargingCharacteristics [0],
        O mme_ldn: LocalDistinguishedName [0],
        O sgw_ldn: LocalDistinguishedName [1],
        O epdg_ldn: LocalDistinguishedName [2],
        O twan_ldn: LocalDistinguishedName [3],
        CO signalling_priority: SignallingPriorityIndication [0],
        CO ue_local_address: IpAddress [0],
        CO henb_local_address: IpAddress [1],
        CO mme_identifier: IpAddress [2],
        CO epdg_address: IpAddress [3],
        CO nbifom_container: FContainer [0],
        CO ue_udp_port: PortNumber [0],
        CO henb_udp_port: PortNumber [1],
        CO ue_tcp_port: PortNumber [2],
        C sgw_u_node_name: Fqdn [0],
        CO apco: Apco [0],
        CO twan_identifier: TwanIdentifier [0],
        CO wlan_location: TwanIdentifier [1],
        CO cn_operator_selection_entity: CnOperatorSelectionEntity [0],
        CO aaa_server_identifier: NodeIdentifier [0],
        CO presence_reporting_areas: Vec<PresenceReportingAreaInformation> [0],
        CO wlan_location_timestamp: TwanIdentifierTimestamp [0],
        CO maximum_wait_time: IntegerNumber [0],
        CO origination_time_stamp: MillisecondTimeStamp [0],
        CO remote_ue_contexts_connected: Vec<RemoteUeContext> [0],
        CO epco: Epco [0],
        CO serving_plmn_rate_control: ServingPlmnRateControl [0],
        CO mo_exception_data_counter: Counter [0],
        CO mapped_ue_usage_type: MappedUeUsageType [0],
        CO secondary_rat_usage_reports: Vec<SecondaryRatUsageDataReport> [0],
        CO pscell_id: PscellId [0],
        CO up_function_selection: UpFunctionSelectionIndicationFlags [0],
        CO apn_rate_control_status: ApnRateControlStatus [0],
        O mme_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
        O twan_epdg_overload: OverloadControlInformation [2],
    }

    message
    /// §7.2.2.
    CreateSessionResponse = 33 {
        M cause: Cause [0],
        C change_reporting_action: ChangeReportingAction [0],
        CO csg_information_reporting_action: CsgInformationReportingAction [0],
        CO henb_information_reporting: HenbInformationReporting [0],
        C sender_fteid: Fteid [0],
        C pgw_s5c_fteid: Fteid [1],
        C paa: Paa [0],
        C apn_restriction: ApnRestriction [0],
        C ambr: Ambr [0],
        C linked_ebi: Ebi [0],
        C pco: Pco [0],
        A bearer_contexts: Vec<BearerContextCreated> [0],
        C bearer_contexts_marked_for_removal: Vec<BearerContextMarkedForRemoval> [1],
        C recovery: RestartCounter [0],
        C charging_gateway_name: Fqdn [0],
        C pgw_node_name: Fqdn [1],
        C alternative_pgw_fqdn: Fqdn [3],
        CO charging_gateway_address: IpAddress [0],
        CO alternative_pgw_address: IpAddress [1],
        C pgw_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
        O sgw_ldn: LocalDistinguishedName [0],
        O pgw_ldn: LocalDistinguishedName [1],
        C indication: Indication [0],
        C pdn_charging_id: ChargingId [0],
        CO nbifom_container: FContainer [0],
        O pgw_back_off_time: EpcTimer [0],
        CO apco: Apco [0],
        O trusted_wlan_ipv4_parameters: Ipv4ConfigurationParameters [0],
        CO presence_reporting_area_actions: Vec<PresenceReportingAreaAction> [0],
        CO epco: Epco [0],
        CO sgi_ptp_tunnel_address: SgiPtpTunnelAddress [0],
        CO pgw_change_info: PgwChangeInfo [0],
        CO up_security_policy: UpSecurityPolicy [0],
        O pgw_load: LoadControlInformation [0],
        O pgw_apn_loads: Vec<LoadControlInformation> [1],
        O sgw_load: LoadControlInformation [2],
        O pgw_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
    }

    message
    /// §7.2.7.
    ModifyBearerRequest = 34 {
        C imsi: Imsi [0],
        C mei: Mei [0],
        C uli: Uli [0],
        C uli_for_sgw: Uli [1],
        C serving_network: ServingNetwork [0],
        C rat_type: RatType [0],
        C indication: Indication [0],
        C sender_fteid: Fteid [0],
        C ambr: Ambr [0],
        C bearer_contexts: Vec<BearerContextToBeModified> [0],
        C bearer_contexts_to_be_removed: Vec<BearerContextToBeRemoved> [1],
        C recovery: RestartCounter [0],
        C ue_time_zone: UeTimeZone [0],
        C mme_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
        CO user_csg_information: UserCsgInformation [0],
        O mme_ldn: LocalDistinguishedName [0],
        O sgw_ldn: LocalDistinguishedName [1],
        CO henb_local_address: IpAddress [0],
        CO ue_local_address: IpAddress [1],
        CO mme_identifier: IpAddress [2],
        C delay_downlink_notification: DelayValue [0],
        CO henb_udp_port: PortNumber [0],
        CO ue_udp_port: PortNumber [1],
        CO wlan_location: TwanIdentifier [0],
        CO cn_operator_selection_entity: CnOperatorSelectionEntity [0],
        CO presence_reporting_areas: Vec<PresenceReportingAreaInformation> [0],
        CO wlan_location_timestamp: TwanIdentifierTimestamp [0],
        CO serving_plmn_rate_control: ServingPlmnRateControl [0],
        CO mo_exception_data_counter: Counter [0],
        CO secondary_rat_usage_reports: Vec<SecondaryRatUsageDataReport> [0],
        CO pscell_id: PscellId [0],
        O mme_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
        O twan_epdg_overload: OverloadControlInformation [2],
    }

    message
    /// §7.2.8.
    ModifyBearerResponse = 35 {
        M cause: Cause [0],
        C change_reporting_action: ChangeReportingAction [0],
        CO csg_information_reporting_action: CsgInformationReportingAction [0],
        CO henb_information_reporting: HenbInformationReporting [0],
        C msisdn: Msisdn [0],
        C apn_restriction: ApnRestriction [0],
        C linked_ebi: Ebi [0],
        C pco: Pco [0],
        C bearer_contexts: Vec<BearerContextModified> [0],
        C bearer_contexts_marked_for_removal: Vec<BearerContextMarkedForRemoval> [1],
        C recovery: RestartCounter [0],
        C charging_gateway_name: Fqdn [0],
        CO charging_gateway_address: IpAddress [0],
        C pgw_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
        O sgw_ldn: LocalDistinguishedName [0],
        O pgw_ldn: LocalDistinguishedName [1],
        C indication: Indication [0],
        C pdn_charging_id: ChargingId [0],
        CO presence_reporting_area_actions: Vec<PresenceReportingAreaAction> [0],
        CO pgw_change_info: PgwChangeInfo [0],
        O pgw_load: LoadControlInformation [0],
        O pgw_apn_loads: Vec<LoadControlInformation> [1],
        O sgw_load: LoadControlInformation [2],
        O pgw_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
    }

    message
    /// §7.2.9.1. A peer may send it without any element.
    DeleteSessionRequest = 36 {
        C cause: Cause [0],
        C linked_ebi: Ebi [0],
        C uli: Uli [0],
        C indication: Indication [0],
        C pco: Pco [0],
        C originating_node: NodeType [0],
        C sender_fteid: Fteid [0],
        C ue_time_zone: UeTimeZone [0],
        CO ue_local_address: IpAddress [0],
        CO ue_udp_port: PortNumber [0],
        CO ue_tcp_port: PortNumber [1],
        CO twan_identifier: TwanIdentifier [0],
        CO wlan_location: TwanIdentifier [1],
        CO uli_timestamp: UliTimestamp [0],
        CO ran_nas_release_cause: RanNasCause [0],
        CO twan_identifier_timestamp: TwanIdentifierTimestamp [0],
        CO wlan_location_timestamp: TwanIdentifierTimestamp [1],
        CO epco: Epco [0],
        CO secondary_rat_usage_reports: Vec<SecondaryRatUsageDataReport> [0],
        CO pscell_id: PscellId [0],
        O mme_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
        O twan_epdg_overload: OverloadControlInformation [2],
    }

    message
    /// §7.2.10.1.
    DeleteSessionResponse = 37 {
        M cause: Cause [0],
        C pco: Pco [0],
        C recovery: RestartCounter [0],
        C indication: Indication [0],
        CO epco: Epco [0],
        CO apn_rate_control_status: ApnRateControlStatus [0],
        O pgw_load: LoadControlInformation [0],
        O pgw_apn_loads: Vec<LoadControlInformation> [1],
        O sgw_load: LoadControlInformation [2],
        O pgw_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
    }

    message
    /// §7.3.14: the UE moved, or changed in another way that the P-GW wants to know.
    ChangeNotificationRequest = 38 {
        C imsi: Imsi [0],
        C mei: Mei [0],
        C uli: Uli [0],
        M rat_type: RatType [0],
        C indication: Indication [0],
        C linked_ebi: Ebi [0],
        CO user_csg_information: UserCsgInformation [0],
        CO pgw_s5c_address: IpAddress [0],
        CO presence_reporting_areas: Vec<PresenceReportingAreaInformation> [0],
        CO mo_exception_data_counter: Counter [0],
        CO secondary_rat_usage_reports: Vec<SecondaryRatUsageDataReport> [0],
        CO pscell_id: PscellId [0],
    }

    message
    /// §7.3.15.
    ChangeNotificationResponse = 39 {
        M cause: Cause [0],
        C change_reporting_action: ChangeReportingAction [0],
        CO csg_information_reporting_action: CsgInformationReportingAction [0],
        C imsi: Imsi [0],
        C mei: Mei [0],
        CO presence_reporting_area_actions: Vec<PresenceReportingAreaAction> [0],
    }

    message
    /// §7.2.26: UEs came or went behind a relaying UE.
    RemoteUeReportNotification = 40 {
        CO remote_ue_contexts_connected: Vec<RemoteUeContext> [0],
        CO remote_ue_contexts_disconnected: Vec<RemoteUeContext> [1],
    }

    message
    /// §7.2.27.
    RemoteUeReportAcknowledge = 41 {
        M cause: Cause [0],
    }
}
