//! What an S-GW counts, under the names that dashboards of go-gtp's nodes know.
//!
//! `sgw_active_sessions_total`, `sgw_active_bearers_total`, `sgw_messages_sent_total{dst,type}`,
//! `sgw_messages_received_total{src,type}`, `sgw_messages_repeated_total`, `sgw_messages_discarded_total{reason}`.

use prometheus_client::registry::Registry;

use crate::Sgw;

impl Sgw {
    /// Registers the counters.
    pub fn register(&self, registry: &mut Registry) {
        self.gtpc.metrics.register("sgw", registry);
    }
}
