//! The messages, each declared as its table.

mod bearer;
mod mobility;
mod paging;
mod path;
mod session;

use alloc::boxed::Box;
use alloc::vec::Vec;

pub use bearer::*;
pub use mobility::*;
pub use paging::*;
pub use path::*;
pub use session::*;

use super::raw::IeWalk;
use super::table::{self, MessageTable};
use super::{Ie, MessageType};
use crate::error::ValueError;

/// A message without a table here, or of a type without a name: its elements as they came.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherMessage {
    /// Octet 2 of the header.
    pub message_type: MessageType,
    /// In the order of the wire.
    pub ies: Vec<Ie>,
}

macro_rules! messages {
    ($($name:ident)*) => {
        /// A message of GTPv2-C.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Message {
            $(
                #[doc = concat!("[`", stringify!($name), "`]")]
                $name(Box<$name>),
            )*
            /// [`OtherMessage`]
            Other(OtherMessage),
        }

        impl Message {
            /// Octet 2 of the header.
            #[must_use]
            pub fn message_type(&self) -> MessageType {
                match self {
                    $(Message::$name(_) => <$name as MessageTable>::TYPE,)*
                    Message::Other(other) => other.message_type,
                }
            }

            pub(in crate::gtpv2c) fn read(message: MessageType, walk: &mut IeWalk<'_>) -> Result<Self, ValueError> {
                match message {
                    $(<$name as MessageTable>::TYPE => $name::read(walk).map(|message| Message::$name(Box::new(message))),)*
                    message_type => {
                        let mut ies = Vec::new();
                        for ie in walk {
                            table::keep(&mut ies, &ie?)?;
                        }
                        Ok(Message::Other(OtherMessage { message_type, ies }))
                    }
                }
            }

            pub(in crate::gtpv2c) fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $(Message::$name(message) => message.write(out),)*
                    Message::Other(other) => other.ies.iter().for_each(|ie| ie.encode_into(out)),
                }
            }
        }

        $(
            impl From<$name> for Message {
                fn from(message: $name) -> Self {
                    Message::$name(Box::new(message))
                }
            }
        )*

        /// The tables of all messages that have one.
        pub const MESSAGE_TABLES: &[(MessageType, &str, &[table::Row])] =
            &[$((<$name as MessageTable>::TYPE, <$name as table::Table>::NAME, <$name as table::Table>::ROWS),)*];
    };
}

impl From<OtherMessage> for Message {
    fn from(message: OtherMessage) -> Self {
        Message::Other(message)
    }
}

messages! {
    EchoRequest
    EchoResponse
    VersionNotSupportedIndication
    CreateSessionRequest
    CreateSessionResponse
    ModifyBearerRequest
    ModifyBearerResponse
    DeleteSessionRequest
    DeleteSessionResponse
    ChangeNotificationRequest
    ChangeNotificationResponse
    RemoteUeReportNotification
    RemoteUeReportAcknowledge
    ModifyBearerCommand
    ModifyBearerFailureIndication
    DeleteBearerCommand
    DeleteBearerFailureIndication
    BearerResourceCommand
    BearerResourceFailureIndication
    DownlinkDataNotificationFailureIndication
    TraceSessionActivation
    TraceSessionDeactivation
    StopPagingIndication
    CreateBearerRequest
    CreateBearerResponse
    UpdateBearerRequest
    UpdateBearerResponse
    DeleteBearerRequest
    DeleteBearerResponse
    DeletePdnConnectionSetRequest
    DeletePdnConnectionSetResponse
    PgwDownlinkTriggeringNotification
    PgwDownlinkTriggeringAcknowledge
    IdentificationRequest
    IdentificationResponse
    ContextRequest
    ContextResponse
    ContextAcknowledge
    ForwardRelocationRequest
    ForwardRelocationResponse
    ForwardRelocationCompleteNotification
    ForwardRelocationCompleteAcknowledge
    ForwardAccessContextNotification
    ForwardAccessContextAcknowledge
    RelocationCancelRequest
    RelocationCancelResponse
    ConfigurationTransferTunnel
    DetachNotification
    DetachAcknowledge
    CsPagingIndication
    RanInformationRelay
    AlertMmeNotification
    AlertMmeAcknowledge
    UeActivityNotification
    UeActivityAcknowledge
    IsrStatusIndication
    UeRegistrationQueryRequest
    UeRegistrationQueryResponse
    CreateForwardingTunnelRequest
    CreateForwardingTunnelResponse
    SuspendNotification
    SuspendAcknowledge
    ResumeNotification
    ResumeAcknowledge
    CreateIndirectDataForwardingTunnelRequest
    CreateIndirectDataForwardingTunnelResponse
    DeleteIndirectDataForwardingTunnelRequest
    DeleteIndirectDataForwardingTunnelResponse
    ReleaseAccessBearersRequest
    ReleaseAccessBearersResponse
    DownlinkDataNotification
    DownlinkDataNotificationAcknowledge
    PgwRestartNotification
    PgwRestartNotificationAcknowledge
    UpdatePdnConnectionSetRequest
    UpdatePdnConnectionSetResponse
    ModifyAccessBearersRequest
    ModifyAccessBearersResponse
}
