//! What the driver itself counts.

use epc_node::Interface;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Datagrams that the kernel did not take, by interface.
pub(crate) type SendErrors = Family<OnInterface, Counter>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OnInterface {
    pub(crate) interface: Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Name(pub(crate) Interface);

impl EncodeLabelValue for Name {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), std::fmt::Error> {
        std::fmt::Write::write_str(encoder, self.0.name())
    }
}

/// Registers what is the same in all daemons.
pub(crate) fn register(node: &'static str, registry: &mut Registry) -> SendErrors {
    let version = env!("CARGO_PKG_VERSION");
    let build = Info::new(vec![("node", node), ("version", version)]);
    registry.register("gw_tester_build", "The program and its version", build);
    let errors = SendErrors::default();
    registry.sub_registry_with_prefix(node).register(
        "send_errors",
        "Datagrams of the control loop that the kernel did not take",
        errors.clone(),
    );
    errors
}
