//! What DNS says in a world: a real authoritative server (NSD) with the zones of the hosts.
//!
//! Zones are plain text here; those that are to be signed go through `signing`.

use std::{fmt::Write, fs, net::IpAddr, path::Path};

use crate::signing::{self, Signed};

/// A zone as it is served.
pub struct Zone {
    /// Without a dot at its end.
    pub name: String,
    pub text: String,
    pub signed: Signed,
}

/// One name and its addresses.
pub struct Entry<'a> {
    pub name: &'a str,
    pub preference: u16,
    pub addresses: &'a [IpAddr],
}

/// Where NSD answers whoever takes it for a resolver, inside the world.
pub const NAME_SERVER: &str = "127.0.0.1";

/// Where the name servers of a zone are, of which the first is NSD once more.
pub const NAME_SERVERS: [&str; 2] = ["192.0.2.53", "203.0.113.53"];

/// The words that start NSD in the foreground.
pub const COMMAND: [&str; 4] = ["nsd", "-d", "-c", "/etc/nsd.conf"];

/// The zones of a world, none of them signed: everything under `example`, and the reverse names of
/// both address families.
pub fn plain(domain: &str, hosts: &[Entry<'_>], prober: &Entry<'_>) -> Vec<Zone> {
    let mut forward = String::new();
    let mut reverse = String::new();
    for host in hosts {
        writeln!(forward, "{domain}. MX {} {}.", host.preference, host.name).unwrap();
    }
    writeln!(forward, "{0}. MX 10 {0}.", prober.name).unwrap();
    for entry in hosts.iter().chain([prober]) {
        for address in entry.addresses {
            let kind = if address.is_ipv4() { "A" } else { "AAAA" };
            writeln!(forward, "{}. {kind} {address}", entry.name).unwrap();
            writeln!(reverse, "{}. PTR {}.", pointer(*address), entry.name).unwrap();
        }
    }
    let forward = format!("ns.example. A {}\n{forward}", NAME_SERVERS[0]);
    vec![Zone::new("example", &forward, Signed::Not), Zone::new("arpa", &reverse, Signed::Not)]
}

impl Zone {
    /// With a head before `records`, which name their owners in full.
    pub fn new(name: &str, records: &str, signed: Signed) -> Self {
        let apex = format!("{name}.");
        let text = format!(
            "$TTL 60\n{apex} SOA ns.example. root.example. 1 3600 600 86400 60\n\
             {apex} NS ns.example.\n{records}"
        );
        Self { name: name.to_owned(), text, signed }
    }
}

/// Writes NSD's configuration, to answer at `addresses`, and `zones` below `files`. Where one of them
/// is signed there is a root above them, and its key in [`signing::ANCHOR`].
pub fn write(files: &Path, addresses: &[&str], mut zones: Vec<Zone>) {
    let etc = files.join("etc");
    fs::create_dir_all(&etc).unwrap();
    if zones.iter().any(|zone| zone.signed != Signed::Not) {
        zones = signing::sign(&etc, zones);
    }
    let addresses = addresses.iter().map(|address| format!("  ip-address: {address}\n"));
    let mut settings = format!(
        "server:\n{}  username: \"\"\n  zonesdir: /etc\n  database: \"\"\n  \
         pidfile: \"\"\n  xfrdfile: \"\"\n  zonelistfile: /var/log/zones\n  xfrd-reload-timeout: 0\n\
         remote-control:\n  control-enable: no\n",
        addresses.collect::<String>()
    );
    for Zone { name, text, .. } in zones {
        fs::write(etc.join(format!("{name}.zone")), text).unwrap();
        writeln!(settings, "zone:\n  name: \"{name}.\"\n  zonefile: \"{name}.zone\"").unwrap();
    }
    fs::write(etc.join("nsd.conf"), settings).unwrap();
}

/// The owner of an address's PTR record. RFC 1035 §3.5, RFC 3596 §2.5.
fn pointer(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev();
            let digits = nibbles.map(|octet| format!("{:x}.{:x}.", octet & 15, octet >> 4));
            digits.collect::<String>() + "ip6.arpa"
        }
    }
}
