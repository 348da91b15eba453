//! Sessions: created, modified and deleted by the MME or SGSN, TS 29.274 §7.2.

use alloc::vec::Vec;

use crate::error::ValueError;
use crate::gtpv2c::raw::IeWalk;
use crate::gtpv2c::table::*;
use crate::gtpv2c::*;
use crate::{Apn, Ebi, Imsi, Mei, Msisdn, Pco};

tables! {
    message
    /// §7.2.1, S11, S4 and S5/S8.
    CreateSessionRequest = 32 {
        C imsi: Imsi [0],
        C msisdn: Msisdn [0],
        C mei: Mei [0],
        C uli: Uli [0],
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
        C pco: Pco [0],
        M bearer_contexts: Vec<BearerContextToBeCreated> [0],
        C bearer_contexts_to_be_removed: Vec<BearerContextToBeRemoved> [1],
        C recovery: RestartCounter [0],
        C charging_characteristics: ChargingCharacteristics [0],
        C ue_time_zone: UeTimeZone [0],
    }

    message
    /// §7.2.2.
    CreateSessionResponse = 33 {
        M cause: Cause [0],
        O change_reporting_action: ChangeReportingAction [0],
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
    }

    message
    /// §7.2.7.
    ModifyBearerRequest = 34 {
        C mei: Mei [0],
        C uli: Uli [0],
        C serving_network: ServingNetwork [0],
        C rat_type: RatType [0],
        C indication: Indication [0],
        C sender_fteid: Fteid [0],
        C ambr: Ambr [0],
        C delay_value: DelayValue [0],
        C bearer_contexts: Vec<BearerContextToBeModified> [0],
        C bearer_contexts_to_be_removed: Vec<BearerContextToBeRemoved> [1],
        C recovery: RestartCounter [0],
        C ue_time_zone: UeTimeZone [0],
    }

    message
    /// §7.2.8.
    ModifyBearerResponse = 35 {
        M cause: Cause [0],
        C msisdn: Msisdn [0],
        C linked_ebi: Ebi [0],
        C apn_restriction: ApnRestriction [0],
        C pco: Pco [0],
        C bearer_contexts: Vec<BearerContextModified> [0],
        C bearer_contexts_marked_for_removal: Vec<BearerContextMarkedForRemoval> [1],
        C recovery: RestartCounter [0],
    }

    message
    /// §7.2.9.1.
    DeleteSessionRequest = 36 {
        C cause: Cause [0],
        C linked_ebi: Ebi [0],
        C uli: Uli [0],
        C indication: Indication [0],
        C pco: Pco [0],
        C originating_node: NodeType [0],
        O sender_fteid: Fteid [0],
        C ue_time_zone: UeTimeZone [0],
    }

    message
    /// §7.2.10.1.
    DeleteSessionResponse = 37 {
        M cause: Cause [0],
        C recovery: RestartCounter [0],
        C pco: Pco [0],
    }
}
