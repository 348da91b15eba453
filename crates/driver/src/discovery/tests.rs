use std::collections::BTreeMap;

use super::annotations::{self, Attachment};
use super::local::{Own, of_network};
use super::*;
use crate::config::tree::Value;

const S11: AddressKey = AddressKey::Local {
    key: "ours.s11_ip",
    port: None,
    peer: Some("sgw"),
};
const S1C: AddressKey = AddressKey::Local {
    key: "ours.s1c_addr",
    port: Some(36412),
    peer: None,
};
const MME: AddressKey = AddressKey::Peer {
    key: "mme",
    port: 36412,
    local: "ours.s11_ip",
};
const SGW: AddressKey = AddressKey::Gateways {
    key: "sgw",
    local: Some("ours.s11_ip"),
};
const PGW: AddressKey = AddressKey::Gateways {
    key: "pgw",
    local: None,
};
const DEVICE: AddressKey = AddressKey::Device {
    key: "subscribers[].device",
};
const URL: AddressKey = AddressKey::Url {
    key: "subscribers[].url",
};
const KEYS: [AddressKey; 7] = [S11, S1C, MME, SGW, PGW, DEVICE, URL];

fn tree(text: &str) -> Tree {
    Tree::parse(text).unwrap()
}

fn found(addresses: &[&str]) -> Vec<Found> {
    let found = |address: &&str| Found {
        address: address.parse().unwrap(),
        device: None,
    };
    addresses.iter().map(found).collect()
}

/// What stands at a key when these sources have these addresses; or what is missing.
fn filled(
    text: &str,
    key: &str,
    before: Option<&str>,
    answers: &[(&str, &[&str])],
) -> Result<String, Vec<String>> {
    let written = tree(text);
    let plan = Plan::of(&written, &KEYS).unwrap();
    let answers: BTreeMap<String, Vec<Found>> = answers
        .iter()
        .map(|(source, addresses)| ((*source).to_owned(), found(addresses)))
        .collect();
    let before = before.map(tree);
    let filled = plan.fill(&written, before.as_ref(), |source| {
        answers
            .get(&source.to_string())
            .map(Vec::as_slice)
            .ok_or_else(|| format!("{source} is silent"))
    })?;
    Ok(shown_value(filled.get(key).unwrap()))
}

fn shown_value(tree: &Tree) -> String {
    match &tree.value {
        Value::Scalar { text, .. } => text.clone(),
        Value::List(values) => {
            let values: Vec<String> = values.iter().map(shown_value).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Map(entries) => {
            let values: Vec<String> = entries.iter().map(|entry| shown_value(&entry.value)).collect();
            values.join("*")
        }
    }
}

#[test]
fn addresses_stay_as_they_are() {
    let written = tree(
        "ours: {s11_ip: 192.0.2.1, s1c_addr: '192.0.2.1:36412'}\nmme: '[2001:db8::1]:36412'\n\
         sgw: [192.0.2.2, {address: 192.0.2.3, weight: 2}]\npgw: 192.0.2.4\nsubscribers: [{device: eth0}, {}]",
    );
    assert_eq!(Plan::of(&written, &KEYS).unwrap(), Plan::default());
}

#[test]
fn local_address_is_looked_up_in_each_form() {
    for (form, source) in [
        ("eth0", "interface eth0"),
        ("192.0.2.99/24", "subnet 192.0.2.0/24"),
        ("network:lte-s11", "network lte-s11"),
        ("network:lte/s11", "network lte/s11"),
    ] {
        let text = format!("ours: {{s11_ip: '{form}'}}");
        let answers: [(&str, &[&str]); 1] = [(source, &["192.0.2.1"])];
        assert_eq!(filled(&text, "ours.s11_ip", None, &answers).unwrap(), "192.0.2.1");
        assert_eq!(
            filled(&text, "ours.s11_ip", None, &[]).unwrap_err(),
            [format!("ours.s11_ip: {source} is silent")]
        );
    }
}

#[test]
fn local_address_is_of_the_family_of_the_peer_that_is_written() {
    let both: [(&str, &[&str]); 1] = [("interface eth0", &["192.0.2.1", "2001:db8::1"])];
    let address = |peer: &str| {
        let text = format!("ours: {{s11_ip: eth0}}\nsgw: '{peer}'");
        filled(&text, "ours.s11_ip", None, &both)
    };
    assert_eq!(address("192.0.2.2").unwrap(), "192.0.2.1");
    assert_eq!(address("2001:db8::2").unwrap(), "2001:db8::1");
}

#[test]
fn port_of_a_local_address_may_be_written() {
    let answers: [(&str, &[&str]); 3] = [
        ("interface eth0", &["192.0.2.1"]),
        ("network a/b", &["192.0.2.1"]),
        ("subnet 2001:db8::/64", &["2001:db8::1"]),
    ];
    for (form, address) in [
        ("eth0", "192.0.2.1:36412"),
        ("eth0:5000", "192.0.2.1:5000"),
        ("192.0.2.1", "192.0.2.1:36412"),
        ("2001:db8::1", "[2001:db8::1]:36412"),
        ("network:a/b:5000", "192.0.2.1:5000"),
        ("network:a/b", "192.0.2.1:36412"),
        ("[2001:db8::/64]:5000", "[2001:db8::1]:5000"),
        ("2001:db8::/64", "[2001:db8::1]:36412"),
    ] {
        let text = format!("ours: {{s1c_addr: '{form}'}}");
        assert_eq!(
            filled(&text, "ours.s1c_addr", None, &answers).unwrap(),
            address,
            "{form}"
        );
    }
}

#[test]
fn one_peer_is_chosen_and_kept_as_long_as_it_is_there() {
    let text = "ours: {s11_ip: 192.0.2.1}\nmme: mme.example";
    let all: [(&str, &[&str]); 1] = [("name mme.example", &["2001:db8::1", "192.0.2.8", "192.0.2.7"])];
    assert_eq!(filled(text, "mme", None, &all).unwrap(), "192.0.2.7:36412");
    let before = Some("mme: '192.0.2.8:36412'");
    assert_eq!(filled(text, "mme", before, &all).unwrap(), "192.0.2.8:36412");
    let moved: [(&str, &[&str]); 1] = [("name mme.example", &["192.0.2.9"])];
    assert_eq!(filled(text, "mme", before, &moved).unwrap(), "192.0.2.9:36412");
    let other_family: [(&str, &[&str]); 1] = [("name mme.example", &["2001:db8::1"])];
    assert_eq!(
        filled(text, "mme", before, &other_family).unwrap_err(),
        ["mme: no IPv4 address for name mme.example"]
    );
    let port = "ours: {s11_ip: 192.0.2.1}\nmme: {address: 'mme.example:5000'}";
    assert_eq!(filled(port, "mme", None, &moved).unwrap(), "192.0.2.9:5000");
}

#[test]
fn every_address_of_a_name_is_a_gateway_and_has_its_weight() {
    let text = "ours: {s11_ip: 192.0.2.1}\nsgw: [192.0.2.2, a, {address: b, weight: 3}]";
    let answers: [(&str, &[&str]); 2] = [
        ("name a", &["192.0.2.4", "192.0.2.3", "2001:db8::3"]),
        ("name b", &["192.0.2.5"]),
    ];
    assert_eq!(
        filled(text, "sgw", None, &answers).unwrap(),
        "[192.0.2.2*1, 192.0.2.3*1, 192.0.2.4*1, 192.0.2.5*3]"
    );
    // What is not found yet does not keep the others.
    assert_eq!(filled(text, "sgw", None, &[]).unwrap(), "[192.0.2.2*1]");
    assert_eq!(
        filled("ours: {s11_ip: 192.0.2.1}\nsgw: [a, b]", "sgw", None, &[]).unwrap_err(),
        ["sgw: name a is silent, name b is silent"]
    );
}

#[test]
fn gateway_of_both_families_is_one() {
    let both: [(&str, &[&str]); 1] = [("name a", &["192.0.2.4", "2001:db8::4"])];
    assert_eq!(filled("pgw: a", "pgw", None, &both).unwrap(), "[192.0.2.4*1]");
    let v6: [(&str, &[&str]); 1] = [("name a", &["2001:db8::4"])];
    assert_eq!(filled("pgw: a", "pgw", None, &v6).unwrap(), "[2001:db8::4*1]");
}

#[test]
fn device_is_named_by_what_it_has() {
    let written = tree("subscribers: [{device: eth0}, {device: 192.0.2.0/24}, {device: 'network:euu'}]");
    let plan = Plan::of(&written, &KEYS).unwrap();
    assert_eq!(plan.sources().len(), 2);
    let here = [Found {
        address: [192, 0, 2, 1].into(),
        device: Some("net3".to_owned()),
    }];
    let filled = plan.fill(&written, None, |_| Ok(&here)).unwrap();
    let device = |at: usize| shown_value(filled.get(&format!("subscribers[{at}].device")).unwrap());
    assert_eq!([device(0), device(1), device(2)], ["eth0", "net3", "net3"]);
}

#[test]
fn what_nobody_can_look_up_is_told() {
    for (text, key, told) in [
        (
            "ours: {s11_ip: 192.0.2.0/33}",
            "ours.s11_ip",
            "`192.0.2.0/33` is no subnet",
        ),
        (
            "ours: {s11_ip: 'network:'}",
            "ours.s11_ip",
            "`` is not the name of a network",
        ),
        (
            "ours: {s11_ip: 'network:a/b/c'}",
            "ours.s11_ip",
            "`a/b/c` is not the name of a network",
        ),
        ("mme: a_b..c", "mme", "`a_b..c` is neither an address nor a name"),
        ("mme: {}", "mme", "expected one of `address` and `pod`"),
        (
            "mme: {address: a, weight: 2}",
            "mme.weight",
            "there is one peer here",
        ),
        (
            "mme: {adress: a}",
            "mme.adress",
            "unknown key, expected `address`",
        ),
        (
            "sgw: [a, {address: b, weight: 0}]",
            "sgw[1].weight",
            "0 is no weight",
        ),
        (
            "sgw: {address: 192.0.2}",
            "sgw.address",
            "`192.0.2` is neither an address nor a name",
        ),
    ] {
        let problem = Plan::of(&tree(text), &KEYS).unwrap_err();
        assert_eq!(problem.key, key, "{text}");
        assert!(
            problem.what.starts_with(told) && problem.what.contains("expected"),
            "{problem:?}"
        );
    }
    // A mistyped address is no interface and no name: the reader of addresses tells what it is.
    for text in [
        "ours: {s11_ip: 192.0.2}",
        "mme: '192.0.2:36412'",
        "mme: ''",
        "ours: {s11_ip: ' '}",
    ] {
        assert_eq!(Plan::of(&tree(text), &KEYS).unwrap(), Plan::default(), "{text}");
    }
}

#[test]
fn page_of_a_pod_has_its_address_and_is_awaited_by_nobody() {
    let url = |form: &str, before: Option<&str>, answers: &[(&str, &[&str])]| {
        let text = format!("subscribers: [{{}}, {{url: {form}}}]");
        let before = before.map(|url| format!("subscribers: [{{}}, {{url: '{url}'}}]"));
        filled(&text, "subscribers[1].url", before.as_deref(), answers).unwrap()
    };
    assert_eq!(url("'http://web.example/'", None, &[]), "http://web.example/");
    if !cfg!(feature = "kubernetes") {
        return;
    }
    let form = "{pod: {selector: app=web, network: lte-sgi}, port: 8080, path: /a}";
    let source = "pods app=web on network lte-sgi";
    assert_eq!(url(form, None, &[]), "http://not-found.invalid/");
    let two: [(&str, &[&str]); 1] = [(source, &["192.0.2.2", "192.0.2.1"])];
    assert_eq!(url(form, None, &two), "http://192.0.2.1:8080/a");
    assert_eq!(
        url(form, Some("http://192.0.2.2:8080/a"), &two),
        "http://192.0.2.2:8080/a"
    );
    let six: [(&str, &[&str]); 1] = [("pods app=web", &["2001:db8::1"])];
    assert_eq!(
        url("{pod: {selector: app=web}}", None, &six),
        "http://[2001:db8::1]:80/"
    );
}

#[cfg(not(feature = "kubernetes"))]
#[test]
fn pods_need_the_cargo_feature() {
    let problem = Plan::of(&tree("sgw: [{pod: {selector: app=sgw}}]"), &KEYS).unwrap_err();
    assert_eq!(problem.key, "sgw[0].pod");
    assert!(problem.what.contains("cargo feature `kubernetes`"), "{problem:?}");
}

#[cfg(feature = "kubernetes")]
#[test]
fn pods_are_looked_up() {
    let text = "ours: {s11_ip: 192.0.2.1}\nsgw: {pod: {selector: app=sgw, network: lte-s11}, weight: 2}";
    let answers: [(&str, &[&str]); 1] = [("pods app=sgw on network lte-s11", &["192.0.2.7", "192.0.2.6"])];
    assert_eq!(
        filled(text, "sgw", None, &answers).unwrap(),
        "[192.0.2.6*2, 192.0.2.7*2]"
    );
    let problem = Plan::of(&tree("mme: {pod: {selector: ' '}}"), &KEYS).unwrap_err();
    assert_eq!(problem.key, "mme.pod.selector");
}

/// As the kubelet writes it.
const MULTUS: &str = r#"k8s.v1.cni.cncf.io/network-status="[{\n    \"name\": \"cbr0\",\n    \"interface\": \"eth0\",\n    \"ips\": [\n        \"10.244.1.4\"\n    ],\n    \"default\": true,\n    \"dns\": {}\n},{\n    \"name\": \"lte/lte-s1u\",\n    \"interface\": \"net1\",\n    \"ips\": [\n        \"192.0.2.11\",\n        \"2001:db8::11\"\n    ],\n    \"mac\": \"02:00:00:00:00:01\",\n    \"dns\": {}\n},{\n    \"name\": \"lte/lte-l2\",\n    \"interface\": \"net2\",\n    \"dns\": {}\n}]"
k8s.v1.cni.cncf.io/networks="lte-s1u, lte-l2"
kubernetes.io/config.source="api"
"#;

const DANM: &str = r#"danm.k8s.io/interfaces="[\n  {\"clusterNetwork\":\"default\",\"ip\":\"dynamic\"},\n  {\"clusterNetwork\":\"lte-s1c\",\"ip\":\"192.0.2.11/24\",\"ip6\":\"2001:db8::11/64\"},\n  {\"tenantNetwork\":\"lte-s1u\",\"ip\":\"dynamic\"},\n  {\"network\":\"lte-l2\",\"ip\":\"none\"}\n]\n"
"#;

fn network(name: &str) -> NetworkName {
    NetworkName::parse(name).unwrap()
}

fn attachment(file: &str, name: &str) -> Result<Attachment, String> {
    annotations::find(&annotations::read(file), &network(name))
}

/// The addresses of a host whose devices have these.
fn host(devices: &[(&str, &str)]) -> Vec<Own> {
    let own = |(device, address): &(&str, &str)| Own {
        device: (*device).to_owned(),
        address: address.parse().unwrap(),
        loopback: *device == "lo",
    };
    devices.iter().map(own).collect()
}

fn at(found: Result<Vec<Found>, String>) -> Result<Vec<(String, String)>, String> {
    let pair = |found: Found| (found.device.unwrap(), found.address.to_string());
    Ok(found?.into_iter().map(pair).collect())
}

#[test]
fn quoted_annotations_are_read() {
    let text = "a=\"\\\"x\\\" \\\\ \\t\\u00e9 \\xc3\\xa9 \\U0001f600\"\nno annotation\nb=\"half\\\"\nc=\"\\x4\"\nd=\"\"\n";
    let read = annotations::read(text);
    assert_eq!(read["a"], "\"x\" \\ \té é 😀");
    assert_eq!(read.keys().collect::<Vec<_>>(), ["a", "d"]);
}

#[test]
fn multus_tells_addresses_by_network() {
    let addresses = |name: &str| attachment(MULTUS, name);
    let both = vec!["192.0.2.11".parse().unwrap(), "2001:db8::11".parse().unwrap()];
    assert_eq!(addresses("lte-s1u"), Ok(Attachment::Addresses(both.clone())));
    assert_eq!(addresses("lte/lte-s1u"), Ok(Attachment::Addresses(both)));
    for name in ["other/lte-s1u", "lte-s5u", "lte-l2"] {
        let told = addresses(name).unwrap_err();
        assert_eq!(
            told,
            "annotation k8s.v1.cni.cncf.io/network-status has no address for it"
        );
    }
    let here = host(&[
        ("lo", "127.0.0.1"),
        ("eth0", "10.244.1.4"),
        ("net1", "192.0.2.11"),
    ]);
    assert_eq!(
        at(of_network(&here, MULTUS, &network("lte-s1u"))).unwrap(),
        [("net1".to_owned(), "192.0.2.11".to_owned())]
    );
    assert!(
        of_network(&here[..2], MULTUS, &network("lte-s1u")).is_err(),
        "not there yet"
    );
}

#[test]
fn multus_that_was_asked_is_awaited() {
    let asked = "k8s.v1.cni.cncf.io/networks=\"lte-s1u\"\n";
    assert_eq!(
        attachment(asked, "lte-s1u").unwrap_err(),
        "annotation k8s.v1.cni.cncf.io/network-status is not there yet"
    );
    let nonsense = "k8s.v1.cni.cncf.io/network-status=\"[\"\n";
    assert!(
        attachment(nonsense, "lte-s1u")
            .unwrap_err()
            .contains("cannot be read")
    );
}

#[test]
fn danm_has_fixed_addresses_or_numbered_devices() {
    let fixed = vec!["192.0.2.11".parse().unwrap(), "2001:db8::11".parse().unwrap()];
    assert_eq!(attachment(DANM, "lte-s1c"), Ok(Attachment::Addresses(fixed)));
    let here = host(&[
        ("lo", "127.0.0.1"),
        ("eth0", "10.244.1.4"),
        ("s1c1", "192.0.2.11"),
        ("s12", "198.51.100.11"),
        ("l23", "203.0.113.11"),
    ]);
    for (name, device) in [("default", "eth0"), ("lte-s1u", "s12"), ("lte-l2", "l23")] {
        let found = at(of_network(&here, DANM, &network(name))).unwrap();
        assert_eq!(found[0].0, device, "{name}");
    }
    assert!(of_network(&here, DANM, &network("lte-s5u")).is_err());
    assert!(
        of_network(&here[..3], DANM, &network("lte-s1u")).is_err(),
        "not there yet"
    );
    let newer = DANM.replace("danm.k8s.io", "danm.io");
    assert!(attachment(&newer, "lte-s1c").is_ok());
}

#[test]
fn pod_with_both_annotations_takes_no_device_of_multus_for_one_of_danm() {
    let both = format!("{DANM}k8s.v1.cni.cncf.io/networks=\"lte-s1c, lte-s1u@lte2, lte-l2\"\n");
    // Multus is at work and has not told yet.
    let multus = host(&[
        ("eth0", "10.244.1.4"),
        ("net1", "192.0.2.11"),
        ("lte2", "198.51.100.11"),
        ("net3", "203.0.113.11"),
    ]);
    assert!(of_network(&multus, &both, &network("lte-s1u")).is_err());
    // DANM is at work.
    let danm = host(&[
        ("eth0", "10.244.1.4"),
        ("s1c1", "192.0.2.11"),
        ("s1u2", "198.51.100.11"),
        ("l23", "203.0.113.11"),
    ]);
    let found = at(of_network(&danm, &both, &network("lte-s1u"))).unwrap();
    assert_eq!(found[0].0, "s1u2");
}

#[test]
fn pod_that_asks_for_no_network_has_its_pod_network() {
    let here = host(&[("lo", "127.0.0.1"), ("eth0", "10.244.1.4")]);
    let alone = MULTUS
        .lines()
        .next()
        .unwrap()
        .split(",{")
        .next()
        .unwrap()
        .to_owned()
        + "]\"\n";
    for file in ["kubernetes.io/config.source=\"api\"\n", "", &alone] {
        let found = at(of_network(&here, file, &network("lte-s1u"))).unwrap();
        assert_eq!(found, [("eth0".to_owned(), "10.244.1.4".to_owned())]);
    }
}

/// Where a task under test tells, and what it told.
fn listen(source: Source) -> (Tell, UnboundedReceiver<News>) {
    let (to, news) = unbounded_channel();
    (Tell { source, to }, news)
}

/// What is told next that `wanted` wants, within a time that is long for all of this.
async fn told(news: &mut UnboundedReceiver<News>, wanted: impl Fn(&Result<Vec<String>, String>) -> bool) {
    let mut last = None;
    let told = tokio::time::timeout(Duration::from_secs(30), async {
        while let Some((_, news)) = news.recv().await {
            let addresses = |found: Vec<Found>| found.iter().map(|found| found.address.to_string()).collect();
            let news = news.map(addresses);
            if wanted(&news) {
                return;
            }
            last = Some(news);
        }
        panic!("nobody looks any more");
    });
    assert!(told.await.is_ok(), "last told: {last:?}");
}

fn are(addresses: &'static [&'static str]) -> impl Fn(&Result<Vec<String>, String>) -> bool {
    move |news| news.as_ref().is_ok_and(|found| found == addresses)
}

fn run_async(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(test);
}

mod dns {
    use std::net::Ipv4Addr;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    use tokio::net::UdpSocket;

    use super::*;
    use crate::discovery::names::{self, Files};

    type Records = Arc<Mutex<BTreeMap<&'static str, Vec<Ipv4Addr>>>>;

    /// A name server that knows addresses of IPv4; they are good for a second.
    async fn serve(socket: UdpSocket, records: Records) {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let answer = answer(&buffer[..length], &records);
            let _ = socket.send_to(&answer, from).await;
        }
    }

    fn answer(query: &[u8], records: &Records) -> Vec<u8> {
        let mut name = String::new();
        let mut at = 12;
        while query[at] != 0 {
            let label = &query[at + 1..=at + usize::from(query[at])];
            name += &(String::from_utf8_lossy(label).to_lowercase() + ".");
            at += 1 + label.len();
        }
        let question = &query[12..at + 5];
        let asks_a = query[at + 2] == 1;
        let known = records.lock().unwrap().get(name.as_str()).cloned();
        let rcode = if known.is_none() { 3 } else { 0 };
        let addresses = known.filter(|_| asks_a).unwrap_or_default();
        let mut answer = query[..2].to_vec();
        // An answer, recursion desired and available; one question.
        answer.extend([0x81, 0x80 | rcode, 0, 1, 0, addresses.len() as u8, 0, 0, 0, 0]);
        answer.extend(question);
        for address in addresses {
            // The name of the question, A, IN, a second, four octets.
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
            answer.extend(address.octets());
        }
        answer
    }

    struct Scratch(PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn name_is_awaited_and_followed_in_dns_and_in_the_hosts_file() {
        run_async(async {
            let directory = format!("epc-driver-{}-dns", std::process::id());
            let scratch = Scratch(std::env::temp_dir().join(directory));
            std::fs::create_dir_all(&scratch.0).unwrap();
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let files = Files {
                resolv_conf: scratch.0.join("resolv.conf"),
                hosts: scratch.0.join("hosts"),
                port: socket.local_addr().unwrap().port(),
            };
            let resolv_conf = "nameserver 127.0.0.1\nsearch lte.test\noptions ndots:5\n";
            std::fs::write(&files.resolv_conf, resolv_conf).unwrap();
            let records = Records::default();
            tokio::spawn(serve(socket, Arc::clone(&records)));
            let (tell, mut news) = listen(Source::Name("sgw".to_owned()));
            let following = tokio::spawn(names::follow("sgw".to_owned(), files.clone(), tell));

            told(&mut news, |news| {
                news.as_ref().is_err_and(|why| why == "there is no such name")
            })
            .await;
            let addresses = [[192, 0, 2, 2].into(), [192, 0, 2, 1].into()];
            records
                .lock()
                .unwrap()
                .insert("sgw.lte.test.", addresses.to_vec());
            told(&mut news, are(&["192.0.2.1", "192.0.2.2"])).await;
            let moved = vec![[192, 0, 2, 3].into()];
            records.lock().unwrap().insert("sgw.lte.test.", moved);
            told(&mut news, are(&["192.0.2.3"])).await;
            records.lock().unwrap().clear();
            told(&mut news, Result::is_err).await;
            std::fs::write(&files.hosts, "192.0.2.4 other sgw\n").unwrap();
            told(&mut news, are(&["192.0.2.4"])).await;
            following.abort();
        });
    }
}

#[cfg(feature = "kubernetes")]
mod kubernetes {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::http::{HeaderMap, Uri};
    use axum::response::{IntoResponse, Response};
    use serde_json::{Value as Json, json};
    use tokio::sync::mpsc;

    use super::*;
    use crate::discovery::api_server::ApiServer;
    use crate::discovery::{Pause, pods};

    /// A server that is asked without TLS, and an account; the directory is gone with it.
    struct Served(ApiServer);

    impl Served {
        fn new(name: &str, address: std::net::SocketAddr) -> Served {
            let account = std::env::temp_dir().join(format!("epc-driver-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&account).unwrap();
            for (file, text) in [("token", "first\n"), ("namespace", "lte"), ("ca.crt", "")] {
                std::fs::write(account.join(file), text).unwrap();
            }
            let url = format!("http://{address}");
            Served(ApiServer { url, account })
        }
    }

    impl Drop for Served {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0.account);
        }
    }

    /// An API server that knows one list, and tells what the test has it tell.
    #[derive(Clone)]
    struct Api {
        list: Arc<Mutex<Vec<Json>>>,
        asked: mpsc::UnboundedSender<String>,
        events: Arc<Mutex<Option<mpsc::UnboundedReceiver<Json>>>>,
    }

    impl Api {
        fn answer(&self, uri: &Uri, headers: &HeaderMap) -> Response {
            let token = headers["authorization"].to_str().unwrap();
            let _ = self.asked.send(format!("{uri} {token}"));
            if !uri.query().unwrap_or_default().contains("watch=true") {
                let items = self.list.lock().unwrap().clone();
                let list = json!({
                    "kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items,
                });
                return list.to_string().into_response();
            }
            let events = self.events.lock().unwrap().take();
            let Some(events) = events else {
                // One watch at a time: nothing more until the test asks for it.
                return Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>())
                    .into_response();
            };
            let lines = futures_util::stream::unfold(events, async |mut events| {
                let event: Json = events.recv().await?;
                let line = Ok::<_, std::io::Error>(Bytes::from(event.to_string() + "\n"));
                Some((line, events))
            });
            Body::from_stream(lines).into_response()
        }
    }

    fn pod(name: &str, ready: bool, address: &str) -> Json {
        let status = format!(
            "[{{\"name\":\"lte/lte-s11\",\"interface\":\"net1\",\"ips\":[\"{address}\"],\"dns\":{{}}}}]"
        );
        json!({
            "kind": "Pod", "apiVersion": "v1",
            "metadata": {
                "name": name, "namespace": "lte", "resourceVersion": "8",
                "annotations": {"k8s.v1.cni.cncf.io/networks": "lte-s11", "k8s.v1.cni.cncf.io/network-status": status},
            },
            "spec": {"containers": [{"name": "sgw", "image": "sgw"}]},
            "status": {
                "phase": "Running", "podIP": "10.244.0.9", "podIPs": [{"ip": "10.244.0.9"}],
                "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}],
            },
        })
    }

    fn query(network: Option<&str>) -> PodQuery {
        PodQuery {
            selector: "app=sgw".to_owned(),
            network: network.map(|name| NetworkName::parse(name).unwrap()),
            namespace: None,
        }
    }

    #[test]
    fn pods_are_listed_and_watched() {
        run_async(async {
            let (asked, mut questions) = mpsc::unbounded_channel();
            let (event, events) = mpsc::unbounded_channel();
            let api = Api {
                list: Arc::new(Mutex::new(vec![
                    pod("sgw-0", true, "192.0.2.1"),
                    pod("sgw-1", false, "192.0.2.2"),
                ])),
                asked,
                events: Arc::new(Mutex::new(Some(events))),
            };
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let answers = api.clone();
            let router = Router::new()
                .fallback(async move |uri: Uri, headers: HeaderMap| answers.answer(&uri, &headers));
            tokio::spawn(async { axum::serve(listener, router).await });
            let (tell, mut news) = listen(Source::Pods(query(Some("lte-s11"))));
            let served = Served::new("account", address);
            let server = served.0.clone();
            tokio::spawn(async move {
                let why = pods::session(&query(Some("lte-s11")), &server, &tell, &mut Pause::default()).await;
                tell.missing(why);
            });

            told(&mut news, are(&["192.0.2.1"])).await;
            let listing = questions.recv().await.unwrap();
            assert!(listing.starts_with("/api/v1/namespaces/lte/pods?"), "{listing}");
            assert!(listing.contains("labelSelector=app%3Dsgw"), "{listing}");
            assert!(listing.ends_with(" Bearer first"), "{listing}");
            std::fs::write(served.0.account.join("token"), "second").unwrap();
            let watching = questions.recv().await.unwrap();
            assert!(
                watching.contains("watch=true") && watching.contains("resourceVersion=7"),
                "{watching}"
            );

            // It becomes ready.
            let tell = |kind: &str, pod: Json| event.send(json!({"type": kind, "object": pod})).unwrap();
            tell("MODIFIED", pod("sgw-1", true, "192.0.2.2"));
            told(&mut news, are(&["192.0.2.1", "192.0.2.2"])).await;
            // It is about to go, and then gone.
            let mut leaving = pod("sgw-0", true, "192.0.2.1");
            leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            tell("MODIFIED", leaving.clone());
            told(&mut news, are(&["192.0.2.2"])).await;
            tell("DELETED", leaving);
            told(&mut news, are(&["192.0.2.2"])).await;
            // Its successor has another address.
            tell("ADDED", pod("sgw-0", true, "192.0.2.3"));
            told(&mut news, are(&["192.0.2.2", "192.0.2.3"])).await;
            // Too old: everything anew.
            *api.list.lock().unwrap() = vec![pod("sgw-0", true, "192.0.2.4")];
            tell(
                "ERROR",
                json!({"kind": "Status", "status": "Failure", "reason": "Expired", "message": "old", "code": 410}),
            );
            told(&mut news, are(&["192.0.2.4"])).await;
            let listing = questions.recv().await.unwrap();
            assert!(!listing.contains("watch=true"), "{listing}");
            assert!(listing.ends_with(" Bearer second"), "{listing}");
        });
    }

    #[test]
    fn without_a_network_the_pods_own_address_counts_and_one_that_asks_for_none_has_it_everywhere() {
        let mut asking: pods::Pod = serde_json::from_value(pod("sgw-0", true, "192.0.2.1")).unwrap();
        let addresses = |pod: &pods::Pod, network| pods::addresses(pod, query(network).network.as_ref());
        let own: Vec<IpAddr> = vec![[10, 244, 0, 9].into()];
        let attached: Vec<IpAddr> = vec![[192, 0, 2, 1].into()];
        assert_eq!(addresses(&asking, None), Ok(own.clone()));
        assert_eq!(addresses(&asking, Some("lte-s11")), Ok(attached));
        assert!(addresses(&asking, Some("lte-s5c")).is_err());
        asking.metadata.annotations = None;
        assert_eq!(addresses(&asking, Some("lte-s11")), Ok(own));
    }

    #[test]
    fn server_that_refuses_is_told() {
        run_async(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let forbidden = json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
                "message": "pods is forbidden: User \"system:serviceaccount:lte:mme\" cannot list resource \"pods\"",
            });
            let answer = async move || (axum::http::StatusCode::FORBIDDEN, forbidden.to_string());
            let router = Router::new().fallback(answer);
            tokio::spawn(async { axum::serve(listener, router).await });
            let (tell, _news) = listen(Source::Pods(query(None)));
            let served = Served::new("refused", address);
            let why = pods::session(&query(None), &served.0, &tell, &mut Pause::default()).await;
            assert!(why.contains("cannot list resource"), "{why}");
        });
    }

    #[test]
    fn pod_without_a_token_is_told_what_to_set() {
        run_async(async {
            let served = Served::new("no-token", ([127, 0, 0, 1], 9).into());
            std::fs::remove_file(served.0.account.join("token")).unwrap();
            let (tell, _news) = listen(Source::Pods(query(None)));
            let why = pods::session(&query(None), &served.0, &tell, &mut Pause::default()).await;
            assert!(why.contains("automountServiceAccountToken"), "{why}");
        });
    }

    #[test]
    fn server_that_is_not_there_is_told_with_the_reason() {
        run_async(async {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let served = Served::new("nobody", listener.local_addr().unwrap());
            drop(listener);
            let (tell, _news) = listen(Source::Pods(query(None)));
            let why = pods::session(&query(None), &served.0, &tell, &mut Pause::default()).await;
            assert!(why.contains("refused"), "{why}");
        });
    }
}
