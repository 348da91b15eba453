//! Which gateway serves the next session: by weight, among those that are there.
//!
//! Smooth weighted round robin: of three gateways with the weights 2, 1 and 1 the sessions go to A B C A, and so on.
//! One that has just failed, or that does not take sessions any more, is left out for [`AVOIDED`].

use std::net::IpAddr;
use std::time::{Duration, Instant};

use epc_node::config::Gateways;

/// So long a gateway gets no session after it failed to give one, as long as there is another.
const AVOIDED: Duration = Duration::from_secs(10);

/// The gateways of one kind.
#[derive(Debug)]
pub(crate) struct Selection(Vec<Choice>);

#[derive(Debug)]
struct Choice {
    address: IpAddr,
    weight: i64,
    /// What it is owed; the one that is owed most is next.
    credit: i64,
    avoided_until: Option<Instant>,
}

impl Choice {
    fn is_avoided(&self, now: Instant) -> bool {
        self.avoided_until.is_some_and(|until| now < until)
    }
}

impl Selection {
    pub(crate) fn new(gateways: &Gateways) -> Selection {
        let mut selection = Selection(Vec::new());
        selection.reconfigure(gateways);
        selection
    }

    /// Takes other gateways; of those that stay it is remembered how they are.
    pub(crate) fn reconfigure(&mut self, gateways: &Gateways) {
        let mut before = std::mem::take(&mut self.0);
        let choice = |gateway: &epc_node::config::Gateway| {
            let known = before.iter().position(|choice| choice.address == gateway.address);
            let known = known.map(|at| before.swap_remove(at));
            Choice {
                address: gateway.address,
                weight: gateway.weight.into(),
                credit: 0,
                avoided_until: known.and_then(|choice| choice.avoided_until),
            }
        };
        self.0 = gateways.iter().map(choice).collect();
    }

    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.0.iter().map(|choice| choice.address)
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|choice| choice.address == address)
    }

    /// Whether there is one that is neither down nor avoided.
    pub(crate) fn has_good_one(&self, is_down: impl Fn(IpAddr) -> bool, now: Instant) -> bool {
        let good = |choice: &Choice| !choice.is_avoided(now) && !is_down(choice.address);
        self.0.iter().any(good)
    }

    /// The gateway of the next session. Where none is good, one of all: it may be back, and an answer tells.
    pub(crate) fn next(&mut self, is_down: impl Fn(IpAddr) -> bool, now: Instant) -> Option<IpAddr> {
        let any = !self.has_good_one(&is_down, now);
        let good = |choice: &&mut Choice| any || (!choice.is_avoided(now) && !is_down(choice.address));
        let mut total = 0;
        for choice in self.0.iter_mut().filter(good) {
            choice.credit += choice.weight;
            total += choice.weight;
        }
        // The first of those that are owed as much.
        let chosen = self
            .0
            .iter_mut()
            .filter(good)
            .rev()
            .max_by_key(|choice| choice.credit)?;
        chosen.credit -= total;
        Some(chosen.address)
    }

    /// It gave no session.
    pub(crate) fn avoid(&mut self, address: IpAddr, now: Instant) {
        for choice in self.0.iter_mut().filter(|choice| choice.address == address) {
            choice.avoided_until = Some(now + AVOIDED);
            choice.credit = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use epc_node::config::Gateway;

    use super::*;

    fn gateways(weights: &[u8]) -> Gateways {
        let gateway = |(at, weight): (usize, &u8)| Gateway {
            address: gateway(at as u8),
            weight: *weight,
        };
        Gateways::new(weights.iter().enumerate().map(gateway).collect()).unwrap()
    }

    fn gateway(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    fn chosen(selection: &mut Selection, count: usize, down: &[u8], now: Instant) -> Vec<u8> {
        let is_down = |address: IpAddr| down.iter().any(|number| gateway(*number) == address);
        let choose = |_| match selection.next(is_down, now) {
            Some(IpAddr::V4(address)) => address.octets()[3],
            _ => panic!("no gateway"),
        };
        (0..count).map(choose).collect()
    }

    #[test]
    fn sessions_are_spread_by_weight() {
        let mut selection = Selection::new(&gateways(&[2, 1, 1]));
        assert_eq!(
            chosen(&mut selection, 8, &[], Instant::now()),
            [0, 1, 2, 0, 0, 1, 2, 0]
        );
        let mut one = Selection::new(&gateways(&[255]));
        assert_eq!(chosen(&mut one, 3, &[], Instant::now()), [0, 0, 0]);
    }

    #[test]
    fn gateway_that_is_down_is_left_out_unless_all_are() {
        let mut selection = Selection::new(&gateways(&[1, 1, 1]));
        let now = Instant::now();
        assert_eq!(chosen(&mut selection, 4, &[1], now), [0, 2, 0, 2]);
        let all = chosen(&mut selection, 6, &[0, 1, 2], now);
        assert!((0..3).all(|number| all.contains(&number)), "{all:?}");
    }

    #[test]
    fn gateway_that_failed_is_left_out_for_a_while_also_across_a_reload() {
        let mut selection = Selection::new(&gateways(&[1, 1]));
        let now = Instant::now();
        selection.avoid(gateway(0), now);
        assert_eq!(chosen(&mut selection, 3, &[], now), [1, 1, 1]);
        selection.reconfigure(&gateways(&[1, 1, 1]));
        assert_eq!(chosen(&mut selection, 4, &[], now), [1, 2, 1, 2]);
        let later = chosen(&mut selection, 6, &[], now + AVOIDED);
        assert_eq!(
            later.iter().filter(|number| **number == 0).count(),
            2,
            "{later:?}"
        );
        assert!(!selection.has_good_one(|_| true, now));
    }
}
