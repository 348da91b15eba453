//! The YAML of the four daemons in the lab.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use epc_lab::Node::{Enb, Mme, Pgw, Server, Sgw, Ue};
use epc_lab::ReferencePoint::{Euu, S1Mme, S1u, S5c, S5u, S11, Sgi};
use epc_lab::{Daemons, Node};

/// Where every daemon serves its metrics: on the loopback of its own namespace.
pub(super) const METRICS: &str = "127.0.0.1:58080";

/// Writes `enb.yml`, `mme.yml`, `sgw.yml` and `pgw.yml`.
pub(super) fn write(directory: &Path, subscribers: u32) -> io::Result<()> {
    for node in Daemons::NODES {
        fs::write(path(directory, node), text(node, subscribers))?;
    }
    Ok(())
}

/// Where the configuration of a node is.
pub(super) fn path(directory: &Path, node: Node) -> PathBuf {
    directory.join(format!("{}.yml", node.name()))
}

fn text(node: Node, subscribers: u32) -> String {
    match node {
        Enb => enb(subscribers),
        Mme => mme(),
        Sgw => sgw(),
        Pgw => pgw(),
        Ue | Server => String::new(),
    }
}

fn enb(subscribers: u32) -> String {
    let mut yaml = format!(
        r#"# The eNB of the demo.
mcc: "001"
mnc: "01"
tai: 0x0001
eci: 0x00000001
local_addresses:
  s1c_ip: {s1c}
  s1u_ip: {s1u}
mme_addr: {mme}:36412
prom_addr: {METRICS}
subscribers:
  # A client behind the eNB, with an address of its own.
  - imsi: "001010000000001"
    msisdn: "814000000001"
    imeisv: "1234500000001"
    src_ip: {ue}
    type: external
    euu_if_name: {euu}
  # The eNB itself is the client, with the address that the P-GW gives.
  - imsi: "001010000000002"
    msisdn: "814000000002"
    imeisv: "1234500000002"
    type: http_get
    euu_if_name: lo
    http_url: http://{server}/
"#,
        s1c = S1Mme.address(Enb),
        s1u = S1u.address(Enb),
        mme = S1Mme.address(Mme),
        ue = Euu.address(Ue),
        euu = Euu.device(),
        server = Sgi.address(Server),
    );
    if subscribers > 2 {
        yaml.push_str(&format!(
            "# They attach, and send nothing.\nsubscriber_range:\n  imsi: \"001010000000003\"\n  count: {}\n",
            subscribers - 2
        ));
    }
    yaml
}

fn mme() -> String {
    format!(
        r#"# The MME of the demo.
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

fn sgw() -> String {
    format!(
        r#"# The S-GW of the demo.
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

fn pgw() -> String {
    format!(
        r#"# The P-GW of the demo.
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
