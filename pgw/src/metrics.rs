//! What a P-GW counts, under the names that dashboards of go-gtp's nodes know.
//!
//! `pgw_active_sessions_total`, `pgw_active_bearers_total` and, as go-gtp's P-GW calls it, `pgw_active_bearers`;
//! `pgw_messages_sent_total{dst,type}`, `pgw_messages_received_total{src,type}`, `pgw_messages_repeated_total`,
//! `pgw_messages_discarded_total{reason}`.

use prometheus_client::registry::Registry;

use crate::Pgw;

impl Pgw {
    /// Registers the counters.
    pub fn register(&self, registry: &mut Registry) {
        self.gtpc.metrics.register("pgw", registry);
        let bearers = self.gtpc.metrics.active_bearers.clone();
        registry.register("pgw_active_bearers", "Bearers that are established", bearers);
    }
}
