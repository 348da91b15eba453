//! Bearers, and the waking of idle UEs, TS 29.274 §7.2.

use alloc::vec::Vec;

use crate::error::ValueError;
use crate::gtpv2c::raw::IeWalk;
use crate::gtpv2c::table::*;
use crate::gtpv2c::*;
use crate::{Ebi, Imsi, Pco};

tables! {
    message
    /// §7.2.9.2: the P-GW or S-GW deletes bearers, all of them where the linked one is named.
    DeleteBearerRequest = 99 {
        C linked_ebi: Ebi [0],
        C ebis: Vec<Ebi> [1],
        C failed_bearer_contexts: Vec<BearerContextDeleted> [0],
        C pti: Pti [0],
        C pco: Pco [0],
        C cause: Cause [0],
    }

    message
    /// §7.2.10.2.
    DeleteBearerResponse = 100 {
        M cause: Cause [0],
        C linked_ebi: Ebi [0],
        C bearer_contexts: Vec<BearerContextDeleted> [0],
        C recovery: RestartCounter [0],
        C pco: Pco [0],
        CO ue_time_zone: UeTimeZone [0],
        CO uli: Uli [0],
    }

    message
    /// §7.2.21: the UE goes idle.
    ReleaseAccessBearersRequest = 170 {
        C rabs: Vec<Ebi> [0],
        C originating_node: NodeType [0],
        CO indication: Indication [0],
    }

    message
    /// §7.2.22.
    ReleaseAccessBearersResponse = 171 {
        M cause: Cause [0],
        O recovery: RestartCounter [0],
        CO indication: Indication [0],
    }

    message
    /// §7.2.11.1: packets wait for an idle UE.
    DownlinkDataNotification = 176 {
        CO cause: Cause [0],
        CO ebi: Ebi [0],
        CO arp: Arp [0],
        CO imsi: Imsi [0],
        CO sender_fteid: Fteid [0],
        CO indication: Indication [0],
    }

    message
    /// §7.2.11.2.
    DownlinkDataNotificationAcknowledge = 177 {
        M cause: Cause [0],
        C data_notification_delay: DelayValue [0],
        C recovery: RestartCounter [0],
        CO imsi: Imsi [0],
    }

    message
    /// §7.2.11.3: the UE did not answer, or could not be served.
    DownlinkDataNotificationFailureIndication = 70 {
        M cause: Cause [0],
        CO originating_node: NodeType [0],
        CO imsi: Imsi [0],
    }
}
