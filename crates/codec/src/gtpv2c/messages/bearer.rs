//! Bearers, and sets of connections, TS 29.274 §7.2 and §7.9.

use alloc::vec::Vec;

use crate::error::ValueError;
use crate::gtpv2c::raw::IeWalk;
use crate::gtpv2c::table::*;
use crate::gtpv2c::*;
use crate::{Ebi, Pco};

tables! {
    message
    /// §7.2.14.1: the MME or SGSN asks for another QoS.
    ModifyBearerCommand = 64 {
        C sender_fteid: Fteid [0],
        M ambr: Ambr [0],
        M bearer_contexts: Vec<ModifyBearerCommandContext> [0],
        O mme_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
        O twan_epdg_overload: OverloadControlInformation [2],
    }

    message
    /// §7.2.14.2.
    ModifyBearerFailureIndication = 65 {
        M cause: Cause [0],
        C recovery: RestartCounter [0],
        C indication: Indication [0],
        O pgw_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
    }

    message
    /// §7.2.17.1: the MME or SGSN asks to delete bearers.
    DeleteBearerCommand = 66 {
        C uli: Uli [0],
        C sender_fteid: Fteid [0],
        M bearer_contexts: Vec<DeleteBearerCommandContext> [0],
        C ue_time_zone: UeTimeZone [0],
        CO uli_timestamp: UliTimestamp [0],
        CO secondary_rat_usage_reports: Vec<SecondaryRatUsageDataReport> [0],
        CO pscell_id: PscellId [0],
        O mme_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
    }

    message
    /// §7.2.17.2.
    DeleteBearerFailureIndication = 67 {
        M cause: Cause [0],
        M bearer_contexts: Vec<DeleteBearerFailureContext> [0],
        C recovery: RestartCounter [0],
        C indication: Indication [0],
        O pgw_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
    }

    message
    /// §7.2.5: the UE asks for a bearer, or for a change of one.
    BearerResourceCommand = 68 {
        C uli: Uli [0],
        C serving_network: ServingNetwork [0],
        C rat_type: RatType [0],
        C indication: Indication [0],
        C sgsn_s4u_fteid: Fteid [0],
        C rnc_s12_fteid: Fteid [1],
        C sender_fteid: Fteid [2],
        M linked_ebi: Ebi [0],
        C ebi: Ebi [1],
        C flow_qos: FlowQos [0],
        M tad: TrafficAggregationDescription [0],
        M pti: Pti [0],
        C pco: Pco [0],
        CO signalling_priority: SignallingPriorityIndication [0],
        CO nbifom_container: FContainer [0],
        CO epco: Epco [0],
        CO pscell_id: PscellId [0],
        O mme_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
    }

    message
    /// §7.2.6.
    BearerResourceFailureIndication = 69 {
        M cause: Cause [0],
        M linked_ebi: Ebi [0],
        M pti: Pti [0],
        C recovery: RestartCounter [0],
        C indication: Indication [0],
        CO nbifom_container: FContainer [0],
        O pgw_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
    }

    message
    /// §7.2.3: the P-GW makes a dedicated bearer.
    CreateBearerRequest = 95 {
        C indication: Indication [0],
        M linked_ebi: Ebi [0],
        C pti: Pti [0],
        C pco: Pco [0],
        M bearer_contexts: Vec<CreateBearerRequestContext> [0],
        C pgw_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
        CO nbifom_container: FContainer [0],
        C change_reporting_action: ChangeReportingAction [0],
        CO csg_information_reporting_action: CsgInformationReportingAction [0],
        CO henb_information_reporting: HenbInformationReporting [0],
        CO presence_reporting_area_actions: Vec<PresenceReportingAreaAction> [0],
        CO pgw_change_info: PgwChangeInfo [0],
        O pgw_load: LoadControlInformation [0],
        O pgw_apn_loads: Vec<LoadControlInformation> [1],
        O sgw_load: LoadControlInformation [2],
        O pgw_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
    }

    message
    /// §7.2.4.
    CreateBearerResponse = 96 {
        M cause: Cause [0],
        C pco: Pco [0],
        A bearer_contexts: Vec<CreateBearerResponseContext> [0],
        C recovery: RestartCounter [0],
        CO ue_local_address: IpAddress [0],
        C mme_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
        C epdg_fq_csid: FqCsid [2],
        C twan_fq_csid: FqCsid [3],
        C uli: Uli [0],
        C ue_time_zone: UeTimeZone [0],
        CO nbifom_container: FContainer [0],
        CO ue_udp_port: PortNumber [0],
        CO ue_tcp_port: PortNumber [1],
        CO twan_identifier: TwanIdentifier [0],
        CO wlan_location: TwanIdentifier [1],
        CO presence_reporting_areas: Vec<PresenceReportingAreaInformation> [0],
        CO wlan_location_timestamp: TwanIdentifierTimestamp [1],
        O mme_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
        O twan_epdg_overload: OverloadControlInformation [2],
    }

    message
    /// §7.2.15: the P-GW changes bearers.
    UpdateBearerRequest = 97 {
        C indication: Indication [0],
        M ambr: Ambr [0],
        C pti: Pti [0],
        C pco: Pco [0],
        M bearer_contexts: Vec<UpdateBearerRequestContext> [0],
        C pgw_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
        CO nbifom_container: FContainer [0],
        C change_reporting_action: ChangeReportingAction [0],
        CO csg_information_reporting_action: CsgInformationReportingAction [0],
        CO henb_information_reporting: HenbInformationReporting [0],
        CO presence_reporting_area_actions: Vec<PresenceReportingAreaAction> [0],
        CO pgw_change_info: PgwChangeInfo [0],
        O pgw_load: LoadControlInformation [0],
        O pgw_apn_loads: Vec<LoadControlInformation> [1],
        O sgw_load: LoadControlInformation [2],
        O pgw_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
    }

    message
    /// §7.2.16.
    UpdateBearerResponse = 98 {
        M cause: Cause [0],
        C pco: Pco [0],
        A bearer_contexts: Vec<UpdateBearerResponseContext> [0],
        C recovery: RestartCounter [0],
        CO ue_local_address: IpAddress [0],
        C mme_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
        C epdg_fq_csid: FqCsid [2],
        C twan_fq_csid: FqCsid [3],
        C indication: Indication [0],
        C uli: Uli [0],
        C ue_time_zone: UeTimeZone [0],
        CO nbifom_container: FContainer [0],
        CO ue_udp_port: PortNumber [0],
        CO ue_tcp_port: PortNumber [1],
        CO twan_identifier: TwanIdentifier [0],
        CO wlan_location: TwanIdentifier [1],
        CO presence_reporting_areas: Vec<PresenceReportingAreaInformation> [0],
        CO wlan_location_timestamp: TwanIdentifierTimestamp [1],
        O mme_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
        O twan_epdg_overload: OverloadControlInformation [2],
    }

    message
    /// §7.2.9.2: the P-GW or S-GW deletes bearers, or the whole connection where the linked bearer is named.
    DeleteBearerRequest = 99 {
        C linked_ebi: Ebi [0],
        C ebis: Vec<Ebi> [1],
        C failed_bearer_contexts: Vec<FailedBearerContext> [0],
        C pti: Pti [0],
        C pco: Pco [0],
        C pgw_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
        C cause: Cause [0],
        C indication: Indication [0],
        CO nbifom_container: FContainer [0],
        CO epco: Epco [0],
        CO apn_rate_control_status: ApnRateControlStatus [0],
        CO pgw_change_info: PgwChangeInfo [0],
        O pgw_load: LoadControlInformation [0],
        O pgw_apn_loads: Vec<LoadControlInformation> [1],
        O sgw_load: LoadControlInformation [2],
        O pgw_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
    }

    message
    /// §7.2.10.2.
    DeleteBearerResponse = 100 {
        M cause: Cause [0],
        C linked_ebi: Ebi [0],
        C bearer_contexts: Vec<DeleteBearerResponseContext> [0],
        C recovery: RestartCounter [0],
        C pco: Pco [0],
        C mme_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
        C epdg_fq_csid: FqCsid [2],
        C twan_fq_csid: FqCsid [3],
        C ue_time_zone: UeTimeZone [0],
        C uli: Uli [0],
        CO ue_local_address: IpAddress [0],
        CO nbifom_container: FContainer [0],
        CO ue_udp_port: PortNumber [0],
        CO ue_tcp_port: PortNumber [1],
        CO twan_identifier: TwanIdentifier [0],
        CO wlan_location: TwanIdentifier [1],
        CO uli_timestamp: UliTimestamp [0],
        CO twan_identifier_timestamp: TwanIdentifierTimestamp [0],
        CO wlan_location_timestamp: TwanIdentifierTimestamp [1],
        CO secondary_rat_usage_reports: Vec<SecondaryRatUsageDataReport> [0],
        CO pscell_id: PscellId [0],
        O mme_overload: OverloadControlInformation [0],
        O sgw_overload: OverloadControlInformation [1],
        O twan_epdg_overload: OverloadControlInformation [2],
    }

    message
    /// §7.9.1: PDN connections are lost.
    DeletePdnConnectionSetRequest = 101 {
        C mme_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
        C pgw_fq_csid: FqCsid [2],
        C epdg_fq_csid: FqCsid [3],
        C twan_fq_csid: FqCsid [4],
    }

    message
    /// §7.9.2.
    DeletePdnConnectionSetResponse = 102 {
        M cause: Cause [0],
        C recovery: RestartCounter [0],
    }

    message
    /// §7.9.3: PDN connections have another MME or S-GW.
    UpdatePdnConnectionSetRequest = 200 {
        C mme_fq_csid: FqCsid [0],
        C sgw_fq_csid: FqCsid [1],
    }

    message
    /// §7.9.4.
    UpdatePdnConnectionSetResponse = 201 {
        M cause: Cause [0],
        C recovery: RestartCounter [0],
        C pgw_fq_csid: FqCsid [0],
    }
}
