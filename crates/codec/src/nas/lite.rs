//! What a UE of S1AP-lite says of itself that an MME would learn from the HSS, or by the Identity procedure.
//!
//! It travels in operator specific containers of the protocol configuration options (TS 24.008 §10.5.6.3) of the PDN
//! Connectivity Request. As that clause says, each begins with the three octets of a PLMN; then comes
//!
//! | container | contents after the PLMN |
//! |---|---|
//! | `FF00` | the address that the UE asks for: 4 octets of IPv4 or 16 of IPv6; one container each |
//! | `FF01` | MSISDN: digits in TBCD, filled with 1111 |
//! | `FF02` | IMEISV: digits in TBCD, filled with 1111 |
//!
//! The MME takes them out before the P-GW sees the options: [`SubscriberHints::strip`].

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::{Mei, Msisdn, Pco, Plmn};

const REQUESTED_ADDRESS: u16 = 0xff00;
const MSISDN: u16 = 0xff01;
const IMEISV: u16 = 0xff02;

/// What a UE says of itself.
///
/// ```
/// use epc_codec::Pco;
/// use epc_codec::nas::lite::SubscriberHints;
///
/// let hints = SubscriberHints { requested_ipv4: Some([10, 0, 1, 101].into()), ..Default::default() };
/// let pco = hints.add_to(Pco::new().with(Pco::DNS_IPV4, &[]), "001-01".parse()?);
/// assert_eq!(SubscriberHints::from_pco(&pco), hints);
/// assert_eq!(SubscriberHints::strip(&pco), Some(Pco::new().with(Pco::DNS_IPV4, &[])));
/// # Ok::<(), epc_codec::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SubscriberHints {
    /// The IPv4 address that it asks for.
    pub requested_ipv4: Option<Ipv4Addr>,
    /// The IPv6 address that it asks for.
    pub requested_ipv6: Option<Ipv6Addr>,
    /// Its number.
    pub msisdn: Option<Msisdn>,
    /// Its equipment.
    pub imeisv: Option<Mei>,
}

impl SubscriberHints {
    /// Options with only these containers.
    pub fn to_pco(&self, plmn: Plmn) -> Pco {
        self.add_to(Pco::new(), plmn)
    }

    /// `pco` with these containers after its own.
    #[must_use]
    pub fn add_to(&self, mut pco: Pco, plmn: Plmn) -> Pco {
        let plmn = plmn.to_nas_octets();
        let mut push = |id, contents: &[u8]| pco.push(id, &[&plmn[..], contents].concat());
        if let Some(address) = self.requested_ipv4 {
            push(REQUESTED_ADDRESS, &address.octets());
        }
        if let Some(address) = self.requested_ipv6 {
            push(REQUESTED_ADDRESS, &address.octets());
        }
        if let Some(msisdn) = &self.msisdn {
            push(MSISDN, &to_tbcd(msisdn.digits()));
        }
        if let Some(imeisv) = &self.imeisv {
            push(IMEISV, &to_tbcd(imeisv.digits()));
        }
        pco
    }

    /// What the containers say. One that is not understood says nothing, the first one of its kind counts.
    pub fn from_pco(pco: &Pco) -> Self {
        let mut hints = Self::default();
        for container in pco.containers() {
            let Some((_plmn, contents)) = container.contents.split_at_checked(3) else {
                continue;
            };
            match (container.id, contents.len()) {
                (REQUESTED_ADDRESS, 4) => {
                    let address = contents.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets));
                    hints.requested_ipv4 = hints.requested_ipv4.or(address);
                }
                (REQUESTED_ADDRESS, 16) => {
                    let address = contents.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets));
                    hints.requested_ipv6 = hints.requested_ipv6.or(address);
                }
                (MSISDN, _) => hints.msisdn = hints.msisdn.or_else(|| from_tbcd(contents)?.parse().ok()),
                (IMEISV, _) => hints.imeisv = hints.imeisv.or_else(|| from_tbcd(contents)?.parse().ok()),
                _ => {}
            }
        }
        hints
    }

    /// `pco` without these containers; `None` if nothing is left that a P-GW could answer.
    pub fn strip(pco: &Pco) -> Option<Pco> {
        let mut kept = Pco::from_octets(pco.as_octets().get(..1).unwrap_or(&[0x80])).ok()?;
        let mut any = false;
        for container in pco.containers() {
            if !matches!(container.id, REQUESTED_ADDRESS | MSISDN | IMEISV) {
                kept.push(container.id, container.contents);
                any = true;
            }
        }
        any.then_some(kept)
    }
}

fn to_tbcd(digits: impl Iterator<Item = u8>) -> Vec<u8> {
    let digits: Vec<u8> = digits.collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] | pair.get(1).copied().unwrap_or(0x0f) << 4)
        .collect()
}

/// `None` for what is no decimal digit, other than a filler at the end.
fn from_tbcd(octets: &[u8]) -> Option<String> {
    let mut halves: Vec<u8> = octets
        .iter()
        .flat_map(|octet| [octet & 0x0f, octet >> 4])
        .collect();
    if halves.last() == Some(&0x0f) {
        halves.pop();
    }
    halves
        .into_iter()
        .map(|digit| char::from_digit(digit.into(), 10))
        .collect()
}
