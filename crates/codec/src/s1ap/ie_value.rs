//! The value of one IE, for tools that look at a PDU of any message.

use super::cause::Cause;
use super::pdu::Ie;
use super::value::*;

macro_rules! ie_values {
    ($($(#[$doc:meta])* $variant:ident: $type:ty [$($id:literal),*],)*) => {
        /// The typed value of an IE, whatever message it is in.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // Their types have it.
        pub enum IeValue {
            $($(#[$doc])* $variant($type),)*
        }

        impl IeValue {
            /// `None` for an IE that has no type here.
            pub(super) fn read(ie: &Ie<'_>) -> Option<Result<Self, Wrong>> {
                match ie.id {
                    $($($id)|* => Some(<$type>::read(&ie.value).map(Self::$variant)),)*
                    _ => None,
                }
            }

            /// Whether an IE has a type here.
            pub(super) fn has(id: u16) -> bool {
                [$($($id),*),*].contains(&id)
            }

            /// In APER, without the length of the open type.
            pub fn encode(&self) -> alloc::vec::Vec<u8> {
                match self {
                    $(Self::$variant(value) => value.write(),)*
                }
            }
        }
    };
}

ie_values! {
    MmeUeS1apId: MmeUeS1apId [0, 88, 158],
    EnbUeS1apId: EnbUeS1apId [8],
    UeS1apIds: UeS1apIds [99],
    Cause: Cause [2, 168],
    GlobalEnbId: GlobalEnbId [59],
    NodeName: NodeName [60, 61],
    SupportedTas: List<SupportedTa, 256> [64],
    PagingDrx: PagingDrx [44, 137],
    ServedGummeis: List<ServedGummei, 8> [105],
    RelativeMmeCapacity: RelativeMmeCapacity [87],
    TimeToWait: TimeToWait [65],
    NasPdu: NasPdu [26],
    Tai: Tai [67],
    Ecgi: Ecgi [100],
    RrcEstablishmentCause: RrcEstablishmentCause [134],
    STmsi: STmsi [96],
    Gummei: Gummei [75, 157],
    UeAmbr: UeAmbr [66],
    UeSecurityCapabilities: UeSecurityCapabilities [107],
    SecurityKey: SecurityKey [73],
    SecurityContext: SecurityContext [40],
    ErabsToBeSetup: List<ErabToBeSetup, 256> [24],
    ErabsSetup: List<ErabSetup, 256> [51],
    ErabsToBeAdded: List<ErabToBeAdded, 256> [16],
    ErabsAdded: List<ErabAdded, 256> [28],
    ErabsSwitchedDownlink: List<ErabSwitchedDownlink, 256> [22],
    ErabsSwitchedUplink: List<ErabSwitchedUplink, 256> [95],
    ErabsReleased: List<ErabReleased, 256> [69],
    /// E-RABs with a cause: those that failed, or that are to be released.
    Erabs: List<ErabItem, 256> [13, 29, 32, 33, 34, 48, 110, 205, 210],
    UeIdentityIndex: UeIdentityIndex [80],
    UePagingId: UePagingId [43],
    CnDomain: CnDomain [109],
    Tais: List<Tai, 256> [46],
    ResetType: ResetType [92],
    ResetConnections: ResetConnections [93],
    CriticalityDiagnostics: CriticalityDiagnostics [58],
}
