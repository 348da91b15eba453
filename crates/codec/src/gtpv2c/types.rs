//! Numbers of messages and information elements, with their names.

use core::fmt;

/// A message type, TS 29.274 table 6.1-1, with the names that TS 29.276 (S101, S121) and TS 29.280 (Sv) give to those that
/// the table leaves to them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(pub u8);

macro_rules! message_types {
    ($($code:literal $constant:ident $name:literal $(=> $answer:literal)?)*) => {
        impl MessageType {
            $(
                #[doc = $name]
                pub const $constant: Self = MessageType($code);
            )*

            /// All that have a name, in order.
            pub const NAMED: &'static [Self] = &[$(MessageType($code)),*];

            /// Its name in the specification.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($name),)*
                    _ => None,
                }
            }

            /// The message that answers it; `None` if it is not a request. To a command it is the failure indication,
            /// because success is answered with a request.
            #[must_use]
            pub fn answer(self) -> Option<MessageType> {
                match self.0 {
                    $($($code => Some(MessageType($answer)),)?)*
                    _ => None,
                }
            }
        }
    };
}

message_types! {
    1 ECHO_REQUEST "Echo Request" => 2
    2 ECHO_RESPONSE "Echo Response"
    3 VERSION_NOT_SUPPORTED_INDICATION "Version Not Supported Indication"
    4 DIRECT_TRANSFER_REQUEST "Direct Transfer Request" => 5
    5 DIRECT_TRANSFER_RESPONSE "Direct Transfer Response"
    6 NOTIFICATION_REQUEST "Notification Request" => 7
    7 NOTIFICATION_RESPONSE "Notification Response"
    17 RIM_INFORMATION_TRANSFER "RIM Information Transfer"
    25 SRVCC_PS_TO_CS_REQUEST "SRVCC PS to CS Request" => 26
    26 SRVCC_PS_TO_CS_RESPONSE "SRVCC PS to CS Response"
    27 SRVCC_PS_TO_CS_COMPLETE_NOTIFICATION "SRVCC PS to CS Complete Notification" => 28
    28 SRVCC_PS_TO_CS_COMPLETE_ACKNOWLEDGE "SRVCC PS to CS Complete Acknowledge"
    29 SRVCC_PS_TO_CS_CANCEL_NOTIFICATION "SRVCC PS to CS Cancel Notification" => 30
    30 SRVCC_PS_TO_CS_CANCEL_ACKNOWLEDGE "SRVCC PS to CS Cancel Acknowledge"
    31 SRVCC_CS_TO_PS_REQUEST "SRVCC CS to PS Request" => 240
    32 CREATE_SESSION_REQUEST "Create Session Request" => 33
    33 CREATE_SESSION_RESPONSE "Create Session Response"
    34 MODIFY_BEARER_REQUEST "Modify Bearer Request" => 35
    35 MODIFY_BEARER_RESPONSE "Modify Bearer Response"
    36 DELETE_SESSION_REQUEST "Delete Session Request" => 37
    37 DELETE_SESSION_RESPONSE "Delete Session Response"
    38 CHANGE_NOTIFICATION_REQUEST "Change Notification Request" => 39
    39 CHANGE_NOTIFICATION_RESPONSE "Change Notification Response"
    40 REMOTE_UE_REPORT_NOTIFICATION "Remote UE Report Notification" => 41
    41 REMOTE_UE_REPORT_ACKNOWLEDGE "Remote UE Report Acknowledge"
    64 MODIFY_BEARER_COMMAND "Modify Bearer Command" => 65
    65 MODIFY_BEARER_FAILURE_INDICATION "Modify Bearer Failure Indication"
    66 DELETE_BEARER_COMMAND "Delete Bearer Command" => 67
    67 DELETE_BEARER_FAILURE_INDICATION "Delete Bearer Failure Indication"
    68 BEARER_RESOURCE_COMMAND "Bearer Resource Command" => 69
    69 BEARER_RESOURCE_FAILURE_INDICATION "Bearer Resource Failure Indication"
    70 DOWNLINK_DATA_NOTIFICATION_FAILURE_INDICATION "Downlink Data Notification Failure Indication"
    71 TRACE_SESSION_ACTIVATION "Trace Session Activation"
    72 TRACE_SESSION_DEACTIVATION "Trace Session Deactivation"
    73 STOP_PAGING_INDICATION "Stop Paging Indication"
    95 CREATE_BEARER_REQUEST "Create Bearer Request" => 96
    96 CREATE_BEARER_RESPONSE "Create Bearer Response"
    97 UPDATE_BEARER_REQUEST "Update Bearer Request" => 98
    98 UPDATE_BEARER_RESPONSE "Update Bearer Response"
    99 DELETE_BEARER_REQUEST "Delete Bearer Request" => 100
    100 DELETE_BEARER_RESPONSE "Delete Bearer Response"
    101 DELETE_PDN_CONNECTION_SET_REQUEST "Delete PDN Connection Set Request" => 102
    102 DELETE_PDN_CONNECTION_SET_RESPONSE "Delete PDN Connection Set Response"
    103 PGW_DOWNLINK_TRIGGERING_NOTIFICATION "PGW Downlink Triggering Notification" => 104
    104 PGW_DOWNLINK_TRIGGERING_ACKNOWLEDGE "PGW Downlink Triggering Acknowledge"
    128 IDENTIFICATION_REQUEST "Identification Request" => 129
    129 IDENTIFICATION_RESPONSE "Identification Response"
    130 CONTEXT_REQUEST "Context Request" => 131
    131 CONTEXT_RESPONSE "Context Response" => 132
    132 CONTEXT_ACKNOWLEDGE "Context Acknowledge"
    133 FORWARD_RELOCATION_REQUEST "Forward Relocation Request" => 134
    134 FORWARD_RELOCATION_RESPONSE "Forward Relocation Response"
    135 FORWARD_RELOCATION_COMPLETE_NOTIFICATION "Forward Relocation Complete Notification" => 136
    136 FORWARD_RELOCATION_COMPLETE_ACKNOWLEDGE "Forward Relocation Complete Acknowledge"
    137 FORWARD_ACCESS_CONTEXT_NOTIFICATION "Forward Access Context Notification" => 138
    138 FORWARD_ACCESS_CONTEXT_ACKNOWLEDGE "Forward Access Context Acknowledge"
    139 RELOCATION_CANCEL_REQUEST "Relocation Cancel Request" => 140
    140 RELOCATION_CANCEL_RESPONSE "Relocation Cancel Response"
    141 CONFIGURATION_TRANSFER_TUNNEL "Configuration Transfer Tunnel"
    149 DETACH_NOTIFICATION "Detach Notification" => 150
    150 DETACH_ACKNOWLEDGE "Detach Acknowledge"
    151 CS_PAGING_INDICATION "CS Paging Indication"
    152 RAN_INFORMATION_RELAY "RAN Information Relay"
    153 ALERT_MME_NOTIFICATION "Alert MME Notification" => 154
    154 ALERT_MME_ACKNOWLEDGE "Alert MME Acknowledge"
    155 UE_ACTIVITY_NOTIFICATION "UE Activity Notification" => 156
    156 UE_ACTIVITY_ACKNOWLEDGE "UE Activity Acknowledge"
    157 ISR_STATUS_INDICATION "ISR Status Indication"
    158 UE_REGISTRATION_QUERY_REQUEST "UE Registration Query Request" => 159
    159 UE_REGISTRATION_QUERY_RESPONSE "UE Registration Query Response"
    160 CREATE_FORWARDING_TUNNEL_REQUEST "Create Forwarding Tunnel Request" => 161
    161 CREATE_FORWARDING_TUNNEL_RESPONSE "Create Forwarding Tunnel Response"
    162 SUSPEND_NOTIFICATION "Suspend Notification" => 163
    163 SUSPEND_ACKNOWLEDGE "Suspend Acknowledge"
    164 RESUME_NOTIFICATION "Resume Notification" => 165
    165 RESUME_ACKNOWLEDGE "Resume Acknowledge"
    166 CREATE_INDIRECT_DATA_FORWARDING_TUNNEL_REQUEST "Create Indirect Data Forwarding Tunnel Request" => 167
    167 CREATE_INDIRECT_DATA_FORWARDING_TUNNEL_RESPONSE "Create Indirect Data Forwarding Tunnel Response"
    168 DELETE_INDIRECT_DATA_FORWARDING_TUNNEL_REQUEST "Delete Indirect Data Forwarding Tunnel Request" => 169
    169 DELETE_INDIRECT_DATA_FORWARDING_TUNNEL_RESPONSE "Delete Indirect Data Forwarding Tunnel Response"
    170 RELEASE_ACCESS_BEARERS_REQUEST "Release Access Bearers Request" => 171
    171 RELEASE_ACCESS_BEARERS_RESPONSE "Release Access Bearers Response"
    176 DOWNLINK_DATA_NOTIFICATION "Downlink Data Notification" => 177
    177 DOWNLINK_DATA_NOTIFICATION_ACKNOWLEDGE "Downlink Data Notification Acknowledge"
    179 PGW_RESTART_NOTIFICATION "PGW Restart Notification" => 180
    180 PGW_RESTART_NOTIFICATION_ACKNOWLEDGE "PGW Restart Notification Acknowledge"
    200 UPDATE_PDN_CONNECTION_SET_REQUEST "Update PDN Connection Set Request" => 201
    201 UPDATE_PDN_CONNECTION_SET_RESPONSE "Update PDN Connection Set Response"
    211 MODIFY_ACCESS_BEARERS_REQUEST "Modify Access Bearers Request" => 212
    212 MODIFY_ACCESS_BEARERS_RESPONSE "Modify Access Bearers Response"
    231 MBMS_SESSION_START_REQUEST "MBMS Session Start Request" => 232
    232 MBMS_SESSION_START_RESPONSE "MBMS Session Start Response"
    233 MBMS_SESSION_UPDATE_REQUEST "MBMS Session Update Request" => 234
    234 MBMS_SESSION_UPDATE_RESPONSE "MBMS Session Update Response"
    235 MBMS_SESSION_STOP_REQUEST "MBMS Session Stop Request" => 236
    236 MBMS_SESSION_STOP_RESPONSE "MBMS Session Stop Response"
    240 SRVCC_CS_TO_PS_RESPONSE "SRVCC CS to PS Response"
    241 SRVCC_CS_TO_PS_COMPLETE_NOTIFICATION "SRVCC CS to PS Complete Notification" => 242
    242 SRVCC_CS_TO_PS_COMPLETE_ACKNOWLEDGE "SRVCC CS to PS Complete Acknowledge"
    243 SRVCC_CS_TO_PS_CANCEL_NOTIFICATION "SRVCC CS to PS Cancel Notification" => 244
    244 SRVCC_CS_TO_PS_CANCEL_ACKNOWLEDGE "SRVCC CS to PS Cancel Acknowledge"
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "message type {}", self.0),
        }
    }
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageType({} {})", self.0, self.name().unwrap_or("unknown"))
    }
}

/// The type of an information element, TS 29.274 table 8.1-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct IeType(pub u8);

macro_rules! ie_types {
    ($($code:literal $constant:ident $name:literal)*) => {
        impl IeType {
            $(
                #[doc = $name]
                pub const $constant: Self = IeType($code);
            )*

            /// All that have a name, in order.
            pub const NAMED: &'static [Self] = &[$(IeType($code)),*];

            /// Its name in the specification.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

ie_types! {
    1 IMSI "International Mobile Subscriber Identity (IMSI)"
    2 CAUSE "Cause"
    3 RECOVERY "Recovery (Restart Counter)"
    51 STN_SR "STN-SR"
    71 APN "Access Point Name (APN)"
    72 AMBR "Aggregate Maximum Bit Rate (AMBR)"
    73 EBI "EPS Bearer ID (EBI)"
    74 IP_ADDRESS "IP Address"
    75 MEI "Mobile Equipment Identity (MEI)"
    76 MSISDN "MSISDN"
    77 INDICATION "Indication"
    78 PCO "Protocol Configuration Options (PCO)"
    79 PAA "PDN Address Allocation (PAA)"
    80 BEARER_QOS "Bearer Level Quality of Service (Bearer QoS)"
    81 FLOW_QOS "Flow Quality of Service (Flow QoS)"
    82 RAT_TYPE "RAT Type"
    83 SERVING_NETWORK "Serving Network"
    84 BEARER_TFT "EPS Bearer Level Traffic Flow Template (Bearer TFT)"
    85 TAD "Traffic Aggregation Description (TAD)"
    86 ULI "User Location Info (ULI)"
    87 F_TEID "Fully Qualified Tunnel Endpoint Identifier (F-TEID)"
    88 TMSI "TMSI"
    89 GLOBAL_CN_ID "Global CN-Id"
    90 S103_PDN_DATA_FORWARDING_INFO "S103 PDN Data Forwarding Info (S103PDF)"
    91 S1U_DATA_FORWARDING_INFO "S1-U Data Forwarding Info (S1UDF)"
    92 DELAY_VALUE "Delay Value"
    93 BEARER_CONTEXT "Bearer Context"
    94 CHARGING_ID "Charging ID"
    95 CHARGING_CHARACTERISTICS "Charging Characteristics"
    96 TRACE_INFORMATION "Trace Information"
    97 BEARER_FLAGS "Bearer Flags"
    99 PDN_TYPE "PDN Type"
    100 PTI "Procedure Transaction ID"
    103 MM_CONTEXT_GSM_KEY_AND_TRIPLETS "MM Context (GSM Key and Triplets)"
    104 MM_CONTEXT_UMTS_KEY_USED_CIPHER_AND_QUINTUPLETS "MM Context (UMTS Key, Used Cipher and Quintuplets)"
    105 MM_CONTEXT_GSM_KEY_USED_CIPHER_AND_QUINTUPLETS "MM Context (GSM Key, Used Cipher and Quintuplets)"
    106 MM_CONTEXT_UMTS_KEY_AND_QUINTUPLETS "MM Context (UMTS Key and Quintuplets)"
    107 MM_CONTEXT_EPS_SECURITY_CONTEXT "MM Context (EPS Security Context, Quadruplets and Quintuplets)"
    108 MM_CONTEXT_UMTS_KEY_QUADRUPLETS_AND_QUINTUPLETS "MM Context (UMTS Key, Quadruplets and Quintuplets)"
    109 PDN_CONNECTION "PDN Connection"
    110 PDU_NUMBERS "PDU Numbers"
    111 P_TMSI "P-TMSI"
    112 P_TMSI_SIGNATURE "P-TMSI Signature"
    113 HOP_COUNTER "Hop Counter"
    114 UE_TIME_ZONE "UE Time Zone"
    115 TRACE_REFERENCE "Trace Reference"
    116 COMPLETE_REQUEST_MESSAGE "Complete Request Message"
    117 GUTI "GUTI"
    118 F_CONTAINER "F-Container"
    119 F_CAUSE "F-Cause"
    120 PLMN_ID "Selected PLMN ID"
    121 TARGET_IDENTIFICATION "Target Identification"
    123 PACKET_FLOW_ID "Packet Flow ID"
    124 RAB_CONTEXT "RAB Context"
    125 SOURCE_RNC_PDCP_CONTEXT_INFO "Source RNC PDCP Context Info"
    126 PORT_NUMBER "UDP Source Port Number"
    127 APN_RESTRICTION "APN Restriction"
    128 SELECTION_MODE "Selection Mode"
    129 SOURCE_IDENTIFICATION "Source Identification"
    131 CHANGE_REPORTING_ACTION "Change Reporting Action"
    132 FQ_CSID "Fully Qualified PDN Connection Set Identifier (FQ-CSID)"
    133 CHANNEL_NEEDED "Channel Needed"
    134 EMLPP_PRIORITY "eMLPP Priority"
    135 NODE_TYPE "Node Type"
    136 FQDN "Fully Qualified Domain Name (FQDN)"
    137 TI "Transaction Identifier (TI)"
    138 MBMS_SESSION_DURATION "MBMS Session Duration"
    139 MBMS_SERVICE_AREA "MBMS Service Area"
    140 MBMS_SESSION_IDENTIFIER "MBMS Session Identifier"
    141 MBMS_FLOW_IDENTIFIER "MBMS Flow Identifier"
    142 MBMS_IP_MULTICAST_DISTRIBUTION "MBMS IP Multicast Distribution"
    143 MBMS_DISTRIBUTION_ACKNOWLEDGE "MBMS Distribution Acknowledge"
    144 RFSP_INDEX "RFSP Index"
    145 USER_CSG_INFORMATION "User CSG Information (UCI)"
    146 CSG_INFORMATION_REPORTING_ACTION "CSG Information Reporting Action"
    147 CSG_ID "CSG ID"
    148 CSG_MEMBERSHIP_INDICATION "CSG Membership Indication (CMI)"
    149 SERVICE_INDICATOR "Service indicator"
    150 DETACH_TYPE "Detach Type"
    151 LOCAL_DISTINGUISHED_NAME "Local Distinguished Name (LDN)"
    152 NODE_FEATURES "Node Features"
    153 MBMS_TIME_TO_DATA_TRANSFER "MBMS Time to Data Transfer"
    154 THROTTLING "Throttling"
    155 ARP "Allocation/Retention Priority (ARP)"
    156 EPC_TIMER "EPC Timer"
    157 SIGNALLING_PRIORITY_INDICATION "Signalling Priority Indication"
    158 TMGI "Temporary Mobile Group Identity"
    159 ADDITIONAL_MM_CONTEXT_FOR_SRVCC "Additional MM context for SRVCC"
    160 ADDITIONAL_FLAGS_FOR_SRVCC "Additional flags for SRVCC"
    162 MDT_CONFIGURATION "MDT Configuration"
    163 APCO "Additional Protocol Configuration Options (APCO)"
    164 ABSOLUTE_TIME_OF_MBMS_DATA_TRANSFER "Absolute Time of MBMS Data Transfer"
    165 HENB_INFORMATION_REPORTING "H(e)NB Information Reporting"
    166 IPV4_CONFIGURATION_PARAMETERS "IPv4 Configuration Parameters (IP4CP)"
    167 CHANGE_TO_REPORT_FLAGS "Change to Report Flags"
    168 ACTION_INDICATION "Action Indication"
    169 TWAN_IDENTIFIER "TWAN Identifier"
    170 ULI_TIMESTAMP "ULI Timestamp"
    171 MBMS_FLAGS "MBMS Flags"
    172 RAN_NAS_CAUSE "RAN/NAS Cause"
    173 CN_OPERATOR_SELECTION_ENTITY "CN Operator Selection Entity"
    174 TRUSTED_WLAN_MODE_INDICATION "Trusted WLAN Mode Indication"
    175 NODE_NUMBER "Node Number"
    176 NODE_IDENTIFIER "Node Identifier"
    177 PRESENCE_REPORTING_AREA_ACTION "Presence Reporting Area Action"
    178 PRESENCE_REPORTING_AREA_INFORMATION "Presence Reporting Area Information"
    179 TWAN_IDENTIFIER_TIMESTAMP "TWAN Identifier Timestamp"
    180 OVERLOAD_CONTROL_INFORMATION "Overload Control Information"
    181 LOAD_CONTROL_INFORMATION "Load Control Information"
    182 METRIC "Metric"
    183 SEQUENCE_NUMBER "Sequence Number"
    184 APN_AND_RELATIVE_CAPACITY "APN and Relative Capacity"
    185 WLAN_OFFLOADABILITY_INDICATION "WLAN Offloadability Indication"
    186 PAGING_AND_SERVICE_INFORMATION "Paging and Service Information"
    187 INTEGER_NUMBER "Integer Number"
    188 MILLISECOND_TIME_STAMP "Millisecond Time Stamp"
    189 MONITORING_EVENT_INFORMATION "Monitoring Event Information"
    190 ECGI_LIST "ECGI List"
    191 REMOTE_UE_CONTEXT "Remote UE Context"
    192 REMOTE_USER_ID "Remote User ID"
    193 REMOTE_UE_IP_INFORMATION "Remote UE IP information"
    194 CIOT_OPTIMIZATIONS_SUPPORT_INDICATION "CIoT Optimizations Support Indication"
    195 SCEF_PDN_CONNECTION "SCEF PDN Connection"
    196 HEADER_COMPRESSION_CONFIGURATION "Header Compression Configuration"
    197 EPCO "Extended Protocol Configuration Options(ePCO)"
    198 SERVING_PLMN_RATE_CONTROL "Serving PLMN Rate Control"
    199 COUNTER "Counter"
    200 MAPPED_UE_USAGE_TYPE "Mapped UE Usage Type"
    201 SECONDARY_RAT_USAGE_DATA_REPORT "Secondary RAT Usage Data Report"
    202 UP_FUNCTION_SELECTION_INDICATION_FLAGS "UP Function Selection Indication Flags"
    203 MAXIMUM_PACKET_LOSS_RATE "Maximum Packet Loss Rate"
    204 APN_RATE_CONTROL_STATUS "APN Rate Control Status"
    205 EXTENDED_TRACE_INFORMATION "Extended Trace Information"
    206 MONITORING_EVENT_EXTENSION_INFORMATION "Monitoring Event Extension Information"
    207 ADDITIONAL_RRM_POLICY_INDEX "Additional RRM Policy Index"
    208 V2X_CONTEXT "V2X Context"
    209 PC5_QOS_PARAMETERS "PC5 QoS Parameters"
    210 SERVICES_AUTHORIZED "Services Authorized"
    211 BIT_RATE "Bit Rate"
    212 PC5_QOS_FLOW "PC5 QoS Flow"
    213 SGI_PTP_TUNNEL_ADDRESS "SGi PtP Tunnel Address"
    214 PGW_CHANGE_INFO "PGW Change Info"
    215 PGW_SET_FQDN "PGW Set FQDN"
    216 GROUP_ID "Group Id"
    217 PSCELL_ID "PSCell ID"
    218 UP_SECURITY_POLICY "UP Security Policy"
    219 ALTERNATIVE_IMSI "Alternative IMSI"
    254 EXTENSION "Extension"
    255 PRIVATE_EXTENSION "Private Extension"
}

impl IeType {
    /// Whether the value is itself a list of information elements.
    #[inline]
    #[must_use]
    pub fn is_grouped(self) -> bool {
        matches!(self.0, 93 | 109 | 180 | 181 | 191 | 195 | 208 | 209 | 214)
    }
}

impl fmt::Display for IeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "IE type {}", self.0),
        }
    }
}

impl fmt::Debug for IeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IeType({} {})", self.0, self.name().unwrap_or("unknown"))
    }
}
