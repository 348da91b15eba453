//! UEs that go idle and are woken, suspended or traced, TS 29.274 §7.2, §7.4, §7.9 and §7.12.

use alloc::vec::Vec;

use crate::error::ValueError;
use crate::gtpv2c::raw::IeWalk;
use crate::gtpv2c::table::*;
use crate::gtpv2c::*;
use crate::{Ebi, Imsi, Mei};

tables! {
    message
    /// §7.2.21: the UE goes idle.
    ReleaseAccessBearersRequest = 170 {
        C indication: Indication [0],
        C rabs: Vec<Ebi> [0],
        C originating_node: NodeType [0],
        CO secondary_rat_usage_reports: Vec<SecondaryRatUsageDataReport> [0],
        CO pscell_id: PscellId [0],
    }

    message
    /// §7.2.22.
    ReleaseAccessBearersResponse = 171 {
        M cause: Cause [0],
        C recovery: RestartCounter [0],
        C indication: Indication [0],
        O sgw_load: LoadControlInformation [0],
        O sgw_overload: OverloadControlInformation [0],
    }

    message
    /// §7.2.11.1: packets wait for an idle UE.
    DownlinkDataNotification = 176 {
        C imsi: Imsi [0],
        C indication: Indication [0],
        C sender_fteid: Fteid [0],
        C ebi: Ebi [0],
        C cause: Cause [0],
        CO arp: Arp [0],
        CO paging_and_service: PagingAndServiceInformation [0],
        CO downlink_data_packets_size: IntegerNumber [0],
        O sgw_load: LoadControlInformation [0],
        O sgw_overload: OverloadControlInformation [0],
    }

    message
    /// §7.2.11.2.
    DownlinkDataNotificationAcknowledge = 177 {
        M cause: Cause [0],
        C imsi: Imsi [0],
        C recovery: RestartCounter [0],
        C data_notification_delay: DelayValue [0],
        O low_priority_throttling: Throttling [0],
        O downlink_buffering_duration: EpcTimer [0],
        CO downlink_buffering_packets: IntegerNumber [0],
    }

    message
    /// §7.2.11.3: the UE did not answer, or could not be served.
    DownlinkDataNotificationFailureIndication = 70 {
        M cause: Cause [0],
        C imsi: Imsi [0],
        C originating_node: NodeType [0],
    }

    message
    /// §7.2.23: the UE need not be paged any more.
    StopPagingIndication = 73 {
        C imsi: Imsi [0],
    }

    message
    /// §7.2.24: several bearers of a UE at once.
    ModifyAccessBearersRequest = 211 {
        C indication: Indication [0],
        C sender_fteid: Fteid [0],
        C bearer_contexts: Vec<AccessBearerContextToBeModified> [0],
        C bearer_contexts_to_be_removed: Vec<BearerContextToBeRemoved> [1],
        C recovery: RestartCounter [0],
        C delay_downlink_notification: DelayValue [0],
        CO secondary_rat_usage_reports: Vec<SecondaryRatUsageDataReport> [0],
        CO pscell_id: PscellId [0],
    }

    message
    /// §7.2.25.
    ModifyAccessBearersResponse = 212 {
        M cause: Cause [0],
        C bearer_contexts: Vec<AccessBearerContextModified> [0],
        C bearer_contexts_marked_for_removal: Vec<BearerContextMarkedForRemoval> [1],
        C recovery: RestartCounter [0],
        C indication: Indication [0],
        O sgw_load: LoadControlInformation [0],
        O sgw_overload: OverloadControlInformation [0],
    }

    message
    /// §7.4.1: the UE made a call over GERAN or UTRAN.
    SuspendNotification = 162 {
        C imsi: Imsi [0],
        C routing_area: Uli [0],
        C sender_fteid: Fteid [0],
        C linked_ebi: Ebi [0],
        CO control_plane_address: IpAddress [0],
        C p_tmsi: PTmsi [0],
        C hop_counter: HopCounter [0],
        CO source_udp_port: PortNumber [0],
        C originating_node: NodeType [0],
    }

    message
    /// §7.4.2.
    SuspendAcknowledge = 163 {
        M cause: Cause [0],
    }

    message
    /// §7.4.3.
    ResumeNotification = 164 {
        M imsi: Imsi [0],
        C sender_fteid: Fteid [0],
        C linked_ebi: Ebi [0],
        C originating_node: NodeType [0],
    }

    message
    /// §7.4.4.
    ResumeAcknowledge = 165 {
        M cause: Cause [0],
    }

    message
    /// §7.9.5: a P-GW was started again.
    PgwRestartNotification = 179 {
        C cause: Cause [0],
        M pgw_s5c_address: IpAddress [0],
        M sgw_s11_address: IpAddress [1],
    }

    message
    /// §7.9.6.
    PgwRestartNotificationAcknowledge = 180 {
        M cause: Cause [0],
    }

    message
    /// §7.9.7: a P-GW that was started again has packets for a UE.
    PgwDownlinkTriggeringNotification = 103 {
        M imsi: Imsi [0],
        C pgw_s5c_fteid: Fteid [0],
        CO mme_identifier: IpAddress [0],
    }

    message
    /// §7.9.8.
    PgwDownlinkTriggeringAcknowledge = 104 {
        M cause: Cause [0],
        C imsi: Imsi [0],
        CO mme_identifier: IpAddress [0],
    }

    message
    /// §7.12.1.
    TraceSessionActivation = 71 {
        C imsi: Imsi [0],
        C mei: Mei [0],
        M trace_information: TraceInformation [0],
    }

    message
    /// §7.12.2.
    TraceSessionDeactivation = 72 {
        M trace_reference: TraceReference [0],
    }
}
