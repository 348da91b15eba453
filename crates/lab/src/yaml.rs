//! The YAML of four daemons in the namespaces of an [`Epc`](crate::Epc).
//!
//! Each function brings the keys that the shape of the lab decides; further keys may be appended to the text.

use crate::Node::{Enb, Mme, Pgw, Server, Sgw, Ue};
use crate::ReferencePoint::{Euu, S1Mme, S1u, S5c, S5u, S11, Sgi};

/// Where every daemon serves its metrics: on the loopback of its own namespace.
pub const METRICS: &str = "127.0.0.1:58080";

/// `enb.yml` with one more `subscribers:` list, whose items are `subscribers`.
pub fn enb(subscribers: &[String]) -> String {
    let list = match subscribers.is_empty() {
        true => " []\n".to_owned(),
        false => format!("\n{}", subscribers.concat()),
    };
    format!(
        r#"# An eNB with one cell.
mcc: "001"
mnc: "01"
tai: 0x0001
eci: 0x00000001
local_addresses:
  s1c_ip: {s1c}
  s1u_ip: {s1u}
mme_addr: {mme}:36412
prom_addr: {METRICS}
subscribers:{list}"#,
        s1c = S1Mme.address(Enb),
        s1u = S1u.address(Enb),
        mme = S1Mme.address(Mme),
    )
}

/// A subscriber that is a client behind the eNB, the one in the UE's namespace. `number` makes its identities.
pub fn external(number: u32) -> String {
    format!(
        r#"  # A client behind the eNB, with an address of its own.
  - imsi: "{imsi}"
    msisdn: "814{number:09}"
    src_ip: {ue}
    type: external
    euu_if_name: {euu}
"#,
        imsi = imsi(number),
        ue = Euu.address(Ue),
        euu = Euu.device(),
    )
}

/// A subscriber whose client is in the eNB, with the address that the P-GW gives.
pub fn http_get(number: u32) -> String {
    format!(
        r#"  # The eNB itself is the client, with the address that the P-GW gives.
  - imsi: "{imsi}"
    msisdn: "814{number:09}"
    type: http_get
    euu_if_name: lo
    http_url: http://{server}/
"#,
        imsi = imsi(number),
        server = Sgi.address(Server),
    )
}

/// Subscribers that attach and send nothing, as the key `subscriber_range`; nothing if there are none.
pub fn silent(first: u32, count: u32) -> String {
    match count {
        0 => String::new(),
        count => format!(
            "# They attach, and send nothing.\nsubscriber_range:\n  imsi: \"{}\"\n  count: {count}\n",
            imsi(first)
        ),
    }
}

/// The identity of a subscriber.
pub fn imsi(number: u32) -> String {
    format!("00101{number:010}")
}

/// `mme.yml`.
pub fn mme() -> String {
    format!(
        r#"# An MME that knows one S-GW and one P-GW.
mcc: "001"
mnc: "01"
apn: internet.example
local_addresses:
  s1c_addr: {s1c}:36412
  s11_ip: {s11}
sgw_s11_ip: {sgw}
pgw_s5c_ip: {pgw}
prom_addr: {METRICS}
"#,
        s1c = S1Mme.address(Mme),
        s11 = S11.address(Mme),
        sgw = S11.address(Sgw),
        pgw = S5c.address(Pgw),
    )
}

/// `sgw.yml`.
pub fn sgw() -> String {
    format!(
        r#"# An S-GW.
local_addresses:
  s11_ip: {s11}
  s1u_ip: {s1u}
  s5c_ip: {s5c}
  s5u_ip: {s5u}
prom_addr: {METRICS}
"#,
        s11 = S11.address(Sgw),
        s1u = S1u.address(Sgw),
        s5c = S5c.address(Sgw),
        s5u = S5u.address(Sgw),
    )
}

/// `pgw.yml`.
pub fn pgw() -> String {
    format!(
        r#"# A P-GW.
local_addresses:
  s5c_ip: {s5c}
  s5u_ip: {s5u}
  sgi_ip: {sgi}
sgi_if_name: {device}
# The clients behind the eNB; others get an address from the default pool, 10.60.0.0/16.
route_subnet: {clients}
dns: [192.0.2.53]
prom_addr: {METRICS}
"#,
        s5c = S5c.address(Pgw),
        s5u = S5u.address(Pgw),
        sgi = Sgi.address(Pgw),
        device = Sgi.device(),
        clients = Euu.network(),
    )
}
