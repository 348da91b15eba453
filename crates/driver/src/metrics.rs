//! What the driver itself counts.

use std::fmt;
use std::sync::{Arc, Weak};

use epc_node::Interface;
use epc_user_plane::{Direction, Drop, Port, Snapshot, Traffic};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::user_plane::UserPlane;

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

/// Registers the counters of the user plane, which are read when they are asked for.
pub(crate) fn register_user_plane(node: &'static str, user_plane: &Arc<UserPlane>, registry: &mut Registry) {
    let user_plane = Arc::downgrade(user_plane);
    let registry = registry.sub_registry_with_prefix(format!("{node}_user_plane"));
    registry.register_collector(Box::new(UserPlaneCounters { user_plane }));
}

#[derive(Debug)]
struct UserPlaneCounters {
    user_plane: Weak<UserPlane>,
}

type Total = fn(&Traffic) -> u64;

#[derive(Debug, EncodeLabelSet)]
struct Way {
    interface: &'static str,
    direction: &'static str,
}

#[derive(Debug, EncodeLabelSet)]
struct Level {
    level: &'static str,
}

#[derive(Debug, EncodeLabelSet)]
struct Dropped {
    interface: &'static str,
    direction: &'static str,
    reason: &'static str,
}

impl Collector for UserPlaneCounters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(user_plane) = self.user_plane.upgrade() else {
            return Ok(());
        };
        let counters = user_plane.counters();
        let totals: [(&str, &str, Total); 3] = [
            ("packets", "User packets", |traffic| traffic.packets),
            (
                "octets",
                "Octets of user packets, without tunnel headers",
                |traffic| traffic.octets,
            ),
            (
                "messages",
                "Crossings between kernel and daemon; several packets may share one",
                |traffic| traffic.messages,
            ),
        ];
        for (name, help, of) in totals {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (way, traffic) in ways(&counters) {
                let total = ConstCounter::new(of(traffic));
                total.encode(family.encode_family(&way)?)?;
            }
        }
        let help = "What is used of the kernel's offloads: 1 where it is so";
        let mut family = encoder.encode_descriptor("offload", help, None, MetricType::Gauge)?;
        let level = Level {
            level: user_plane.offload().name(),
        };
        ConstGauge::new(1_i64).encode(family.encode_family(&level)?)?;
        let help = "User packets dropped, by reason";
        let mut family = encoder.encode_descriptor("packets_dropped", help, None, MetricType::Counter)?;
        for (Way { interface, direction }, traffic) in ways(&counters) {
            for why in Drop::ALL {
                let reason = why.name();
                let total = ConstCounter::new(traffic.drops[why as usize]);
                let labels = Dropped {
                    interface,
                    direction,
                    reason,
                };
                total.encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// The ways that packets went at all; a node has two of three interfaces.
fn ways(counters: &Snapshot) -> impl Iterator<Item = (Way, &Traffic)> {
    let all = Port::ALL
        .into_iter()
        .flat_map(|port| Direction::ALL.map(|direction| (port, direction)));
    all.map(|(port, direction)| {
        let way = Way {
            interface: port.name(),
            direction: direction.name(),
        };
        (way, counters.traffic(port, direction))
    })
}
