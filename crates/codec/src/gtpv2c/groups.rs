//! Grouped elements: one table for each use of Bearer Context and the like.

use alloc::vec::Vec;

use super::ie::*;
use super::raw::IeWalk;
use super::table::*;
use super::{Ie, IeType};
use crate::Ebi;
use crate::error::ValueError;

tables! {
    group
    /// Bearer Context in a Create Session Request, table 7.2.1-2.
    BearerContextToBeCreated = 93 {
        M ebi: Ebi [0],
        C enb_s1u_fteid: Fteid [0],
        C sgw_s5u_fteid: Fteid [2],
        C pgw_s5u_fteid: Fteid [3],
        M qos: BearerQos [0],
    }

    group
    /// Bearer Context in a Create Session Request for bearers that are to be removed, table 7.2.1-3.
    BearerContextToBeRemoved = 93 {
        M ebi: Ebi [0],
    }

    group
    /// Bearer Context in a Create Session Response, table 7.2.2-2.
    BearerContextCreated = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
        C sgw_s1u_fteid: Fteid [0],
        C pgw_s5u_fteid: Fteid [2],
        C qos: BearerQos [0],
        C charging_id: ChargingId [0],
    }

    group
    /// Bearer Context in a response for a bearer that is to be removed, table 7.2.2-3.
    BearerContextMarkedForRemoval = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
    }

    group
    /// Bearer Context in a Modify Bearer Request, table 7.2.7-2.
    BearerContextToBeModified = 93 {
        M ebi: Ebi [0],
        C enb_s1u_fteid: Fteid [0],
        C sgw_s5u_fteid: Fteid [1],
    }

    group
    /// Bearer Context in a Modify Bearer Response, table 7.2.8-2.
    BearerContextModified = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
        C sgw_s1u_fteid: Fteid [0],
        C charging_id: ChargingId [0],
    }

    group
    /// Bearer Context of a bearer that could not be deleted or that was, in a Delete Bearer Request or Response, tables
    /// 7.2.9.2-2 and 7.2.10.2-2.
    BearerContextDeleted = 93 {
        M ebi: Ebi [0],
        M cause: Cause [0],
    }
}
