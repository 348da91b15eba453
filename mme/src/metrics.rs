//! What an MME counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The counters of an MME beside those of its GTP-C endpoint, which `Mme::register` adds.
#[derive(Debug, Default)]
pub struct Metrics {
    /// eNBs that have set up S1.
    pub enbs: Gauge,
    /// UEs, attached or not.
    pub ues: Gauge,
    /// Attaches that were completed.
    pub attaches: Counter,
    /// Attaches that were refused or not completed.
    pub attach_failures: Counter,
    /// Detaches that the network began.
    pub network_detaches: Counter,
}

impl Metrics {
    /// Registers these, under names that begin with `mme_`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("mme");
        registry.register("enbs", "eNBs that have set up S1", self.enbs.clone());
        registry.register("ues", "UEs, attached or not", self.ues.clone());
        registry.register("attaches", "Attaches that were completed", self.attaches.clone());
        let failures = self.attach_failures.clone();
        registry.register(
            "attach_failures",
            "Attaches that were refused or not completed",
            failures,
        );
        let detaches = self.network_detaches.clone();
        registry.register("network_detaches", "Detaches that the network began", detaches);
    }
}
