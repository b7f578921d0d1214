//! The stage of the scenes: an address for each host, the zones that name it, the certificate that it
//! shows, the part that it plays.
//!
//! Starts nothing: see `world::mailing`.

use std::{
    collections::BTreeMap,
    fmt::Write,
    net::IpAddr,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::scenes::{Dns, Host, Part, SCENES, Scene, Tlsa};
use crate::{
    certificate::{Authority, Certificate, Whose},
    signing::Signed,
    world::around::policy_records_of,
    zone::Zone,
};

pub struct Stage {
    addresses: BTreeMap<(&'static str, usize), Vec<IpAddr>>,
    authority: Authority,
    folder: tempfile::TempDir,
}

/// What hosts show, by the word for it in their parts.
const CERTIFICATES: [(&str, Certificate, &[&str]); 5] = [
    ("good", Certificate::Good, EVERY_HOST),
    ("expired", Certificate::Expired, EVERY_HOST),
    ("self-signed", Certificate::SelfSigned, EVERY_HOST),
    ("wrong-name", Certificate::WrongName, EVERY_HOST),
    // Postfix holds a policy to the names in a certificate, not to the name of the host.
    (
        "own-name",
        Certificate::Good,
        &["sts-foreign-1.hosts.example", "sts-refused-foreign-2.hosts.example"],
    ),
];

const EVERY_HOST: &[&str] = &["*.hosts.example"];

impl Stage {
    pub fn set() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let authority = Authority::open(folder.path().join("authority"));
        for (word, kind, names) in CERTIFICATES {
            authority.issue_to(kind, names, &folder.path().join(word));
        }
        let numbers = (1..=250).filter(|number| ![53, 80].contains(number));
        let mut free = numbers.flat_map(|last| [[203, 0, 113, last], [192, 0, 2, last]]);
        let mut addresses = BTreeMap::new();
        for (scene, number, host) in hosts() {
            let ipv4 = free.by_ref().take(host.ipv4).map(IpAddr::from);
            let place = addresses.len();
            let ipv6 =
                (1..=host.ipv6).map(|last| format!("2001:db8:{place:x}::{last}").parse().unwrap());
            let both: Vec<IpAddr> = ipv4.chain(ipv6).collect();
            addresses.insert((scene.name, number), both);
        }
        Self { addresses, authority, folder }
    }

    pub fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.values().flatten().copied().collect()
    }

    /// Those that are to swallow every packet.
    pub fn absent(&self) -> Vec<IpAddr> {
        let absent = hosts().filter(|(_, _, host)| host.then == Part::Absent);
        absent.flat_map(|(scene, number, _)| self.of(scene, number)).copied().collect()
    }

    /// The host of the scene at `address`, by its number.
    pub fn number(&self, scene: &Scene, address: IpAddr) -> Option<usize> {
        (1..=scene.hosts.len()).find(|number| self.of(scene, *number).contains(&address))
    }

    /// What verifies the certificates that are good.
    pub fn anchor(&self) -> PathBuf {
        self.authority.anchor()
    }

    /// Where the certificates are.
    pub fn keys(&self) -> &Path {
        self.folder.path()
    }

    /// The parts of the hosts that have somebody at their port, for `sink`.
    pub fn parts(&self, part: impl Fn(&Host) -> Part) -> BTreeMap<IpAddr, Value> {
        let mut parts = BTreeMap::new();
        for (scene, number, host) in hosts() {
            if let Part::Plays(replies) = part(host) {
                let replies: BTreeMap<_, _> = replies.iter().copied().collect();
                parts.extend(self.of(scene, number).iter().map(|one| (*one, json!(replies))));
            }
        }
        parts
    }

    /// What DNS says of all domains and hosts, children before their parents.
    pub fn zones(&self) -> Vec<Zone> {
        let mut zones = Vec::new();
        let mut records = "ns.example. A 192.0.2.53\n".to_owned();
        for scene in SCENES {
            let domain = scene.domain();
            let of_domain = of_domain(scene);
            match scene.dns {
                Dns::Bogus => zones.push(Zone::new(&domain, &of_domain, Signed::Expired)),
                Dns::Failing => zones.push(failing(&domain)),
                Dns::Unsigned => zones.push(Zone::new(&domain, &of_domain, Signed::Not)),
                _ => records += &of_domain,
            }
        }
        for (scene, number, host) in hosts() {
            let name = scene.host(number);
            let owner = if scene.dns == Dns::Implicit { scene.domain() } else { name.clone() };
            for address in self.of(scene, number) {
                let kind = if address.is_ipv4() { "A" } else { "AAAA" };
                writeln!(records, "{owner}. {kind} {address}").unwrap();
            }
            let apart = format!("_tcp.{name}");
            let own = self.folder.path().join(certificate(host.then));
            let tlsa = |numbers: &str, whose| {
                let data = self.authority.tlsa(numbers, whose, &own);
                format!("_25._tcp.{name}. TLSA {numbers} {data}\n")
            };
            match host.tlsa {
                Tlsa::None => {}
                Tlsa::Own => records += &tlsa("3 1 1", Whose::Own),
                Tlsa::Other => records += &tlsa("3 1 1", Whose::Root),
                Tlsa::Unusable => records += &tlsa("1 1 1", Whose::Own),
                Tlsa::Bogus => {
                    zones.push(Zone::new(&apart, &tlsa("3 1 1", Whose::Own), Signed::Expired));
                }
                Tlsa::Failing => zones.push(failing(&apart)),
            }
        }
        zones.push(Zone::new("example", &records, Signed::Nsec));
        zones
    }

    fn of(&self, scene: &Scene, number: usize) -> &[IpAddr] {
        &self.addresses[&(scene.name, number)]
    }
}

/// The records at the name of the domain, and those of its policy.
fn of_domain(scene: &Scene) -> String {
    let domain = scene.domain();
    let mx = |preference: u16, host: &str| format!("{domain}. MX {preference} {host}\n");
    let mut records = match scene.dns {
        Dns::Null(preference) => mx(preference, "."),
        Dns::Lost(preference) => mx(preference, "lost.hosts.example."),
        Dns::Nothing => format!("{domain}. TXT nothing\n"),
        Dns::Implicit => return String::new(),
        Dns::Bogus | Dns::Failing | Dns::Mx | Dns::NoName | Dns::Unsigned => String::new(),
    };
    for (number, host) in (1..).zip(scene.hosts) {
        records += &mx(host.preference, &format!("{}.", scene.host(number)));
    }
    if !scene.policy.is_empty() {
        records += &policy_records_of(&domain);
    }
    records
}

/// Every host, with its scene and its number there.
fn hosts() -> impl Iterator<Item = (&'static Scene, usize, &'static Host)> {
    let numbered =
        |scene: &'static Scene| (1..).zip(scene.hosts).map(move |(at, host)| (scene, at, host));
    SCENES.iter().flat_map(numbered)
}

/// A zone that no server can load.
fn failing(name: &str) -> Zone {
    Zone { name: name.to_owned(), text: "not a zone\n".to_owned(), signed: Signed::Not }
}

/// The certificate that is shown; where a handshake only breaks, that of a sound host.
fn certificate(part: Part) -> &'static str {
    let Part::Plays(replies) = part else { return "good" };
    let shown = replies.iter().find(|(word, _)| *word == "tls").map(|(_, shown)| *shown);
    shown.filter(|shown| CERTIFICATES.iter().any(|(word, ..)| word == shown)).unwrap_or("good")
}
