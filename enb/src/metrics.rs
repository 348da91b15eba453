//! What an eNB counts.

use epc_node::metrics::Signalling;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The counters of an eNB; the driver reads them, the brain moves them.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Sessions, bearers and messages.
    pub signalling: Signalling,
    /// 1 while the MME has accepted this eNB and answers.
    pub s1_up: Gauge,
    /// Attaches that succeeded.
    pub attaches: Counter,
    /// Attaches that were refused or had no answer.
    pub attach_failures: Counter,
    /// Subscribers that wait for their turn, or for their next try.
    pub subscribers_waiting: Gauge,
    /// Sessions that ended because the S-GW did not know their tunnel any more.
    pub tunnels_lost: Counter,
}

impl Metrics {
    /// Registers everything, under names that begin with `enb_`.
    pub fn register(&self, registry: &mut Registry) {
        self.signalling.register("enb", registry);
        let registry = registry.sub_registry_with_prefix("enb");
        let up = self.s1_up.clone();
        registry.register("s1_up", "Whether the MME has accepted this eNB and answers", up);
        registry.register("attaches", "Attaches that succeeded", self.attaches.clone());
        let failures = self.attach_failures.clone();
        registry.register(
            "attach_failures",
            "Attaches that were refused or had no answer",
            failures,
        );
        let waiting = self.subscribers_waiting.clone();
        registry.register("subscribers_waiting", "Subscribers that wait to attach", waiting);
        let lost = self.tunnels_lost.clone();
        registry.register(
            "tunnels_lost",
            "Sessions whose tunnel the S-GW did not know any more",
            lost,
        );
    }
}
