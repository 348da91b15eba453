//! UEs that move from one MME or SGSN to another, TS 29.274 §7.3 to §7.5.

use alloc::vec::Vec;

use crate::error::ValueError;
use crate::gtpv2c::raw::IeWalk;
use crate::gtpv2c::table::*;
use crate::gtpv2c::*;
use crate::{Imsi, Mei, Msisdn};

tables! {
    message
    /// §7.3.8: who has this temporary identity?
    IdentificationRequest = 128 {
        C routing_area: Uli [0],
        C target_plmn: ServingNetwork [0],
        CO control_plane_address: IpAddress [0],
        C p_tmsi: PTmsi [0],
        C p_tmsi_signature: PTmsiSignature [0],
        C hop_counter: HopCounter [0],
        C complete_attach_request: CompleteRequestMessage [0],
        C guti: Guti [0],
        CO source_udp_port: PortNumber [0],
    }

    message
    /// §7.3.9.
    IdentificationResponse = 129 {
        M cause: Cause [0],
        C imsi: Imsi [0],
        C trace_information: TraceInformation [0],
        C mm_context_gsm: MmContextGsm [0],
        C mm_context_umts_used_cipher: MmContextUmtsUsedCipher [0],
        C mm_context_gsm_used_cipher: MmContextGsmUsedCipher [0],
        C mm_context_umts: MmContextUmts [0],
        C mm_context_eps: MmContextEps [0],
        C mm_context_umts_quadruplets: MmContextUmtsQuadruplets [0],
        CO ue_usage_type: IntegerNumber [0],
        O monitoring_events: Vec<MonitoringEventInformation> [0],
        O extended_trace_information: ExtendedTraceInformation [0],
        CO monitoring_event_extensions: Vec<MonitoringEventExtensionInformation> [0],
    }

    message
    /// §7.3.5: the new MME or SGSN asks the old one for a UE.
    ContextRequest = 130 {
        C imsi: Imsi [0],
        C routing_area: Uli [0],
        C target_plmn: ServingNetwork [0],
        C rat_type: RatType [0],
        C indication: Indication [0],
        C sender_fteid: Fteid [0],
        O mme_ldn: LocalDistinguishedName [0],
        C p_tmsi: PTmsi [0],
        C p_tmsi_signature: PTmsiSignature [0],
        C hop_counter: HopCounter [0],
        C complete_tau_request: CompleteRequestMessage [0],
        C guti: Guti [0],
        CO source_udp_port: PortNumber [0],
        C sgsn_node_name: Fqdn [0],
        C mme_node_name: Fqdn [1],
        C sgsn_number: NodeNumber [0],
        CO sgsn_identifier: NodeIdentifier [0],
        CO mme_identifier: NodeIdentifier [1],
        C ciot_optimizations_support: CiotOptimizationsSupportIndication [0],
    }

    message
    /// §7.3.6.
    ContextResponse = 131 {
        M cause: Cause [0],
        C imsi: Imsi [0],
        C sender_fteid: Fteid [0],
        C sgw_s11_fteid: Fteid [1],
        C sgw_node_name: Fqdn [0],
        C sgsn_node_name: Fqdn [1],
        C mme_node_name: Fqdn [2],
        CO s101_hrpd_address: IpAddress [0],
        CO s102_1xcs_iws_address: IpAddress [1],
        CO user_csg_information: UserCsgInformation [0],
        O mme_ldn: LocalDistinguishedName [0],
        C indication: Indication [0],
        C rat_type: RatType [0],
        C trace_information: TraceInformation [0],
        C mm_context_gsm: MmContextGsm [0],
        C mm_context_umts_used_cipher: MmContextUmtsUsedCipher [0],
        C mm_context_gsm_used_cipher: MmContextGsmUsedCipher [0],
        C mm_context_umts: MmContextUmts [0],
        C mm_context_eps: MmContextEps [0],
        C mm_context_umts_quadruplets: MmContextUmtsQuadruplets [0],
        C pdn_connections: Vec<PdnConnection> [0],
        C ue_time_zone: UeTimeZone [0],
        C subscribed_rfsp_index: RfspIndex [0],
        C rfsp_index_in_use: RfspIndex [1],
        O mdt_configuration: MdtConfiguration [0],
        CO iwk_scef_id: NodeIdentifier [0],
        CO ue_usage_type: IntegerNumber [0],
        CO remaining_service_gap_timer: IntegerNumber [1],
        O monitoring_events: Vec<MonitoringEventInformation> [0],
        CO scef_pdn_connections: Vec<ScefPdnConnection> [0],
        CO serving_plmn_rate_control: ServingPlmnRateControl [0],
        CO mo_exception_data_counter: Counter [0],
        O extended_trace_information: ExtendedTraceInformation [0],
        CO monitoring_event_extensions: Vec<MonitoringEventExtensionInformation> [0],
        CO subscribed_additional_rrm_policy_index: AdditionalRrmPolicyIndex [0],
        CO additional_rrm_policy_index_in_use: AdditionalRrmPolicyIndex [1],
        CO alternative_imsi: AlternativeImsi [0],
    }

    message
    /// §7.3.7.
    ContextAcknowledge = 132 {
        M cause: Cause [0],
        C forwarding_fteid: Fteid [0],
        C bearer_contexts: Vec<ContextAcknowledgeBearer> [0],
        C indication: Indication [0],
        C sgsn_number: NodeNumber [0],
        C mme_number_for_mt_sms: NodeNumber [1],
        CO sgsn_identifier_for_mt_sms: NodeIdentifier [0],
        CO mme_identifier_for_mt_sms: NodeIdentifier [1],
    }

    message
    /// §7.3.1: a UE is handed over.
    ForwardRelocationRequest = 133 {
        C imsi: Imsi [0],
        C c_msisdn: Msisdn [0],
        C msisdn: Msisdn [1],
        C serving_network: ServingNetwork [0],
        C indication: Indication [0],
        M sender_fteid: Fteid [0],
        C sgw_s11_fteid: Fteid [1],
        C trace_information: TraceInformation [0],
        C recovery: RestartCounter [0],
        C ue_time_zone: UeTimeZone [0],
        CO user_csg_information: UserCsgInformation [0],
        O mme_ldn: LocalDistinguishedName [0],
        C stn_sr: StnSr [0],
        CO s101_hrpd_address: IpAddress [0],
        CO s102_1xcs_iws_address: IpAddress [1],
        C mm_context_gsm: MmContextGsm [0],
        C mm_context_umts_used_cipher: MmContextUmtsUsedCipher [0],
        C mm_context_gsm_used_cipher: MmContextGsmUsedCipher [0],
        C mm_context_umts: MmContextUmts [0],
        C mm_context_eps: MmContextEps [0],
        C mm_context_umts_quadruplets: MmContextUmtsQuadruplets [0],
        C pdn_connections: Vec<PdnConnection> [0],
        CO eutran_container: FContainer [0],
        CO utran_container: FContainer [1],
        CO bss_container: FContainer [2],
        C s1ap_cause: FCause [0],
        C ranap_cause: FCause [1],
        C bssgp_cause: FCause [2],
        C selected_plmn: PlmnId [0],
        C target: TargetIdentification [0],
        CO source_udp_port: PortNumber [0],
        C source: SourceIdentification [0],
        C sgw_node_name: Fqdn [0],
        C sgsn_node_name: Fqdn [1],
        C mme_node_name: Fqdn [2],
        C subscribed_rfsp_index: RfspIndex [0],
        C rfsp_index_in_use: RfspIndex [1],
        C csg_id: CsgId [0],
        C csg_membership_indication: CsgMembershipIndication [0],
        C additional_mm_context_for_srvcc: AdditionalMmContextForSrvcc [0],
        CO additional_flags_for_srvcc: AdditionalFlagsForSrvcc [0],
        O mdt_configuration: MdtConfiguration [0],
        CO iwk_scef_id: NodeIdentifier [0],
        CO ue_usage_type: IntegerNumber [0],
        O monitoring_events: Vec<MonitoringEventInformation> [0],
        CO scef_pdn_connections: Vec<ScefPdnConnection> [0],
        CO serving_plmn_rate_control: ServingPlmnRateControl [0],
        O extended_trace_information: ExtendedTraceInformation [0],
        CO monitoring_event_extensions: Vec<MonitoringEventExtensionInformation> [0],
        CO subscribed_additional_rrm_policy_index: AdditionalRrmPolicyIndex [0],
        CO additional_rrm_policy_index_in_use: AdditionalRrmPolicyIndex [1],
        CO subscribed_v2x: V2xContext [0],
        CO alternative_imsi: AlternativeImsi [0],
    }

    message
    /// §7.3.2.
    ForwardRelocationResponse = 134 {
        M cause: Cause [0],
        C sender_fteid: Fteid [0],
        C setup_bearers: Vec<SetupBearerContext> [0],
        C setup_rabs: Vec<SetupBearerContext> [1],
        C setup_pfcs: Vec<SetupBearerContext> [2],
        C setup_scef_bearers: Vec<SetupBearerContext> [3],
        C sgsn_node_name: Fqdn [0],
        C mme_node_name: Fqdn [1],
        O mme_ldn: LocalDistinguishedName [0],
        C indication: Indication [0],
        CO eutran_container: FContainer [0],
        CO utran_container: FContainer [1],
        CO bss_container: FContainer [2],
        C s1ap_cause: FCause [0],
        C ranap_cause: FCause [1],
        C bssgp_cause: FCause [2],
        C sgsn_number: NodeNumber [0],
        C mme_number_for_mt_sms: NodeNumber [1],
        CO sgsn_identifier: NodeIdentifier [0],
        CO mme_identifier: NodeIdentifier [1],
        CO sgsn_identifier_for_mt_sms: NodeIdentifier [2],
        CO mme_identifier_for_mt_sms: NodeIdentifier [3],
    }

    message
    /// §7.3.3.
    ForwardRelocationCompleteNotification = 135 {
        C indication: Indication [0],
    }

    message
    /// §7.3.4.
    ForwardRelocationCompleteAcknowledge = 136 {
        M cause: Cause [0],
        C recovery: RestartCounter [0],
        CO secondary_rat_usage_reports: Vec<SecondaryRatUsageDataReport> [0],
    }

    message
    /// §7.3.10.
    ForwardAccessContextNotification = 137 {
        C pdu_numbers: PduNumbers [0],
        CO eutran_container: FContainer [0],
        CO additional_eutran_container: FContainer [1],
        C rab_contexts: Vec<RabContext> [0],
        C source_rnc_pdcp_context_info: SourceRncPdcpContextInfo [0],
    }

    message
    /// §7.3.11.
    ForwardAccessContextAcknowledge = 138 {
        M cause: Cause [0],
    }

    message
    /// §7.3.16.
    RelocationCancelRequest = 139 {
        C imsi: Imsi [0],
        C mei: Mei [0],
        C indication: Indication [0],
        C ranap_cause: FCause [0],
    }

    message
    /// §7.3.17.
    RelocationCancelResponse = 140 {
        M cause: Cause [0],
    }

    message
    /// §7.3.18.
    ConfigurationTransferTunnel = 141 {
        M eutran_container: FContainer [0],
        M target: TargetIdentification [0],
        C connected_target_enb: TargetIdentification [1],
    }

    message
    /// §7.3.12.
    DetachNotification = 149 {
        M cause: Cause [0],
        C detach_type: DetachType [0],
    }

    message
    /// §7.3.13.
    DetachAcknowledge = 150 {
        M cause: Cause [0],
        C recovery: RestartCounter [0],
    }

    message
    /// §7.4.5: a call waits for the UE.
    CsPagingIndication = 151 {
        M imsi: Imsi [0],
        C location_area: Uli [0],
        C tmsi: Tmsi [0],
        C global_cn_id: GlobalCnId [0],
        C channel_needed: ChannelNeeded [0],
        C emlpp_priority: EmlppPriority [0],
        M vlr_name: Fqdn [0],
        C service_indicator: ServiceIndicator [0],
    }

    message
    /// §7.3.19.
    RanInformationRelay = 152 {
        M bss_container: FContainer [0],
        C rim_routing_address: TargetIdentification [0],
    }

    message
    /// §7.4.6.
    AlertMmeNotification = 153 {

    }

    message
    /// §7.4.7.
    AlertMmeAcknowledge = 154 {
        M cause: Cause [0],
    }

    message
    /// §7.4.8.
    UeActivityNotification = 155 {

    }

    message
    /// §7.4.9.
    UeActivityAcknowledge = 156 {
        M cause: Cause [0],
    }

    message
    /// §7.3.20.
    IsrStatusIndication = 157 {
        M action_indication: ActionIndication [0],
    }

    message
    /// §7.3.21.
    UeRegistrationQueryRequest = 158 {
        M imsi: Imsi [0],
    }

    message
    /// §7.3.22.
    UeRegistrationQueryResponse = 159 {
        M cause: Cause [0],
        A imsi: Imsi [0],
        A selected_operator: PlmnId [0],
    }

    message
    /// §7.5.1.
    CreateForwardingTunnelRequest = 160 {
        M s103_data_forwarding_info: S103DataForwardingInfo [0],
    }

    message
    /// §7.5.2.
    CreateForwardingTunnelResponse = 161 {
        M cause: Cause [0],
        C s1u_data_forwarding_info: S1uDataForwardingInfo [0],
    }

    message
    /// §7.2.18: where packets go while a UE is handed over.
    CreateIndirectDataForwardingTunnelRequest = 166 {
        C imsi: Imsi [0],
        C mei: Mei [0],
        C indication: Indication [0],
        C sender_fteid: Fteid [0],
        M bearer_contexts: Vec<ForwardingTunnelRequestContext> [0],
        C recovery: RestartCounter [0],
    }

    message
    /// §7.2.19.
    CreateIndirectDataForwardingTunnelResponse = 167 {
        M cause: Cause [0],
        C sender_fteid: Fteid [0],
        A bearer_contexts: Vec<ForwardingTunnelResponseContext> [0],
        C recovery: RestartCounter [0],
    }

    message
    /// §7.2.12.
    DeleteIndirectDataForwardingTunnelRequest = 168 {

    }

    message
    /// §7.2.13.
    DeleteIndirectDataForwardingTunnelResponse = 169 {
        M cause: Cause [0],
        C recovery: RestartCounter [0],
    }
}
