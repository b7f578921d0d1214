//! The world file: what a domain publishes and how its servers behave, in TOML.
//!
//! Every part has a sound default, so that a world says only what is special about it. The words a
//! key may have are in [`super::words`]; unknown ones are errors. Runs nothing itself.
//!
//! The prober is always the same: it says `EHLO probe.example`, sends from
//! `postmaster@probe.example` and connects from 203.0.113.25 or `2001:db8:25::25`. The
//! control host is `control.example`. Worlds use other names and addresses. The policy host stands at
//! 203.0.113.80, on port 443, in worlds that have `[sts]`, and the name server at 203.0.113.53 in those
//! that name none.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use serde::Deserialize;

use super::{
    flight::FloorWords,
    policy_host::Sts,
    promises::{Dns, TlsaWord},
    words::{
        CertWord, ConnectWord, Delay, FaultPlace, FaultWord, HostWord, InjectionWord, KeyWord,
        LookupWord, ReverseWord, SecurityWord, SignatureWord, TlsaFaultWord, TlsaPlace,
        VersionWord,
    },
};
use crate::{
    smtp::{DomainName, Mailbox, ReversePath},
    survey::{
        Depth, Families, Memory, Phase,
        asked::{Expectation, Waiver},
    },
};

/// A domain, its hosts, and how the run should look at them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    pub domain: DomainName,
    /// One line for `demo --list`.
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub lookup: LookupWord,
    #[serde(default)]
    pub mx: Vec<Mx>,
    /// Hosts outside the MX set, asked with `--also`.
    #[serde(default)]
    pub also: Vec<Mx>,
    /// What the domain promises in DNS, and who answers for it.
    #[serde(default)]
    pub dns: Dns,
    /// MTA-STS, in a world that has it.
    pub sts: Option<Sts>,
    #[serde(default)]
    pub ask: Ask,
    #[serde(default)]
    pub vantage: Standing,
}

/// One MX record and the host behind it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mx {
    #[serde(default)]
    pub preference: u16,
    /// Written into the record as it stands: `.`, an address literal or a bad name are possible.
    pub host: String,
    /// How a question for the host's addresses is answered.
    #[serde(default)]
    pub dns: HostWord,
    /// The name behind a CNAME.
    pub alias: Option<String>,
    /// Whether the registrable domain of the host exists; only asked after `no-such-name`.
    #[serde(default = "yes")]
    pub registrable: bool,
    /// Left empty, one IPv4 address of 192.0.2.0/24 is given out, by position (192.0.2.1 first).
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    #[serde(default)]
    pub reverse: ReverseWord,
    /// Of the answers for the addresses, aliases on the way included.
    #[serde(default)]
    pub security: SecurityWord,
    /// The TLSA records, about the server at the first address.
    #[serde(default)]
    pub tlsa: Vec<TlsaWord>,
    /// As `security` if not given.
    pub tlsa_security: Option<SecurityWord>,
    /// In place of the answer with the TLSA records.
    pub tlsa_fault: Option<TlsaFaultWord>,
    #[serde(default)]
    pub tlsa_at: TlsaPlace,
    /// The server at every address.
    #[serde(default)]
    pub server: Server,
    /// In place of `server` for single addresses.
    #[serde(default)]
    pub at: BTreeMap<IpAddr, Server>,
    /// In place of `server` for the first, second, … connection to an address; the last one
    /// stands for all that follow.
    #[serde(default)]
    pub visits: Vec<Server>,
}

/// The options of `check` that a world sets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ask {
    /// Left empty: postmaster@DOMAIN.
    pub rcpt: Vec<Mailbox>,
    pub no_rcpt: bool,
    pub no_nonsense: bool,
    pub mail_from: Option<ReversePath>,
    pub relay_test: Option<Mailbox>,
    /// `session` if not given.
    pub depth: Option<Depth>,
    /// The TLS guideline that the survey is judged under, for whoever judges it.
    pub profile: Option<String>,
    pub families: Option<Families>,
    pub allow_private: bool,
    /// What the owner of the domain said beforehand.
    pub hosts: Vec<DomainName>,
    pub expect: BTreeMap<DomainName, Expectation>,
    pub waive: Vec<Waiver>,
    /// What earlier runs left behind.
    pub memory: Option<Memory>,
}

/// What the prober looks like.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four switches that have nothing to do with each other"
)]
pub struct Standing {
    /// Whether the EHLO name resolves to us, the reverse name round-trips and the sender domain
    /// takes mail.
    pub identity: bool,
    pub ipv6: bool,
    /// Whether connections to port 25 get out at all.
    pub port25: bool,
    /// Whether a control host is named; it answers unless `port25` is off.
    pub control: bool,
}

/// How one server behaves. Replies are written as on the wire, several lines as several strings;
/// in them `{host}` stands for the host's name, `{client}` for the prober's address, and `\xff`
/// for the octet of that number, so that a server may say what TOML cannot. A server hangs up
/// after a reply that begins with 421.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Server {
    pub connect: ConnectWord,
    pub greeting: OneOrMore,
    /// The EHLO keywords in clear, STARTTLS apart.
    pub ehlo: Vec<String>,
    /// The EHLO keywords inside TLS; the same as in clear if not given.
    pub ehlo_secured: Option<Vec<String>>,
    /// In place of the whole answer to EHLO, such as `502 5.5.1 what`; HELO then works.
    pub ehlo_reply: Option<OneOrMore>,
    pub helo_reply: Option<OneOrMore>,
    pub starttls: bool,
    /// In place of the 220.
    pub starttls_reply: Option<OneOrMore>,
    /// What becomes of a command in one packet with STARTTLS.
    pub injection: InjectionWord,
    /// 530 to MAIL until TLS stands.
    pub require_tls: bool,
    pub cert: CertWord,
    pub key: KeyWord,
    /// One more certificate, for clients that cannot do with the first.
    pub second: Option<Second>,
    /// Days from now until the certificate ends, for `cert = "good"`; 60 if not given.
    pub days_left: Option<i64>,
    /// Days the certificate was made for; 90 if not given.
    pub lifetime: Option<i64>,
    /// How the issuer signs the certificate.
    pub signature: SignatureWord,
    pub tls_min: Option<VersionWord>,
    pub tls_max: Option<VersionWord>,
    /// In place of what the library takes: old versions, weak suites, short keys. Hellos that no
    /// handshake can follow are then answered by these words; if nothing from TLS 1.2 up is among
    /// them, all hellos are.
    pub floor: Option<FloorWords>,
    /// Offers X25519MLKEM768.
    pub post_quantum: bool,
    /// Drops the connection at a client hello of more octets than this; ours is about 1,500 octets
    /// long, the classical one below 400.
    pub hello_limit: Option<usize>,
    pub mail: OneOrMore,
    /// To `MAIL FROM:<>`; as `mail` if not given.
    pub mail_null: Option<OneOrMore>,
    /// To the real recipients.
    pub rcpt: OneOrMore,
    /// To postmaster@DOMAIN. If not given: as `rcpt` where postmaster is the real recipient (which
    /// it is unless `ask.rcpt` names another), else 250.
    pub postmaster: Option<OneOrMore>,
    pub nonsense: OneOrMore,
    /// To the recipient of the relay test.
    pub relay: OneOrMore,
    /// What goes wrong, and in which phase, such as `stall = "hello_secured"`. A phase is
    /// one of `greeting`, `hello`, `start_tls`, `handshake`, `hello_secured`,
    /// `sender`, `recipient`, `reset` and `quit`; for `tls-alert` the number of the alert stands
    /// in its place.
    pub faults: BTreeMap<FaultWord, FaultPlace>,
    /// Delays before the answer of a phase, such as `greeting = "6s"` or `recipient = "500ms"`.
    pub delays: BTreeMap<Phase, Delay>,
}

/// A certificate beside the first, from the same authority and for the same time.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Second {
    pub cert: CertWord,
    pub key: KeyWord,
}

impl Default for Second {
    fn default() -> Self {
        Self { cert: CertWord::Good, key: KeyWord::P256 }
    }
}

/// One string, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// Why a text is not a world.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WorldFault(pub(super) String);

impl World {
    /// Reads a world file and refuses what could not be played.
    pub fn parse(text: &str) -> Result<Self, WorldFault> {
        let world: Self = toml::from_str(text).map_err(|error| WorldFault(error.to_string()))?;
        world.check()?;
        Ok(world)
    }

    /// Every host, those outside the MX set last.
    pub fn entries(&self) -> impl Iterator<Item = &Mx> {
        self.mx.iter().chain(&self.also)
    }

    fn check(&self) -> Result<(), WorldFault> {
        match (self.lookup, self.mx.as_slice()) {
            (LookupWord::Records, []) => return fault("an MX set has at least one [[mx]]"),
            (LookupWord::Implicit, [host]) if host.host == self.domain.as_str() => {}
            (LookupWord::Implicit, _) => {
                return fault("an implicit MX has one [[mx]], with the domain as its host");
            }
            _ => {}
        }
        for entry in self.entries() {
            let strange = entry.at.keys().find(|address| !entry.addresses.contains(address));
            if let Some(address) = strange {
                return fault(format!("{address} in `at` is no address of {}", entry.host));
            }
            entry.servers().try_for_each(Server::check)?;
        }
        self.dns.check(self.lookup)?;
        if let Some(sts) = &self.sts
            && let Some(address) = sts.connect_at.keys().find(|at| !sts.addresses().contains(at))
        {
            return fault(format!("{address} in `connect-at` is no address of the policy host"));
        }
        Ok(())
    }
}

impl Mx {
    /// The servers that an address shows, visit after visit.
    pub(super) fn servers_at(&self, address: IpAddr) -> Vec<&Server> {
        match self.at.get(&address) {
            Some(server) => vec![server],
            None if self.visits.is_empty() => vec![&self.server],
            None => self.visits.iter().collect(),
        }
    }

    fn servers(&self) -> impl Iterator<Item = &Server> {
        std::iter::once(&self.server).chain(&self.visits).chain(self.at.values())
    }
}

impl Server {
    fn check(&self) -> Result<(), WorldFault> {
        if let Some((word, _)) = self.faults.iter().find(|(word, place)| !word.fits(**place)) {
            return fault(format!("{word:?} cannot strike there"));
        }
        let highest =
            if self.key == KeyWord::Rsa1024 { VersionWord::Tls12 } else { VersionWord::Tls13 };
        if self.tls_min > Some(highest) || self.tls_max.is_some_and(|max| self.tls_min > Some(max))
        {
            return fault("no TLS version is left between tls-min and tls-max");
        }
        Ok(())
    }
}

fn fault<T>(what: impl Into<String>) -> Result<T, WorldFault> {
    Err(WorldFault(what.into()))
}

impl std::error::Error for WorldFault {}

impl fmt::Display for WorldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn yes() -> bool {
    true
}

impl Default for Standing {
    fn default() -> Self {
        Self { identity: true, ipv6: true, port25: true, control: false }
    }
}

impl Default for Server {
    fn default() -> Self {
        let one = |reply: &str| OneOrMore::One(reply.to_owned());
        let keywords =
            ["PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
        Self {
            connect: ConnectWord::Accept,
            greeting: one("220 {host} ESMTP"),
            ehlo: keywords.map(str::to_owned).to_vec(),
            ehlo_secured: None,
            ehlo_reply: None,
            helo_reply: None,
            starttls: true,
            starttls_reply: None,
            injection: InjectionWord::Drop,
            require_tls: false,
            cert: CertWord::Good,
            key: KeyWord::Rsa2048,
            second: None,
            days_left: None,
            lifetime: None,
            signature: SignatureWord::Sha256,
            tls_min: None,
            tls_max: None,
            floor: None,
            post_quantum: true,
            hello_limit: None,
            mail: one("250 2.1.0 Ok"),
            mail_null: None,
            rcpt: one("250 2.1.5 Ok"),
            postmaster: None,
            nonsense: one("550 5.1.1 User unknown"),
            relay: one("554 5.7.1 Relay access denied"),
            faults: BTreeMap::new(),
            delays: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_that_cannot_be_played_is_refused() {
        let world = |rest: &str| World::parse(&format!("domain = \"a.example\"\n{rest}"));
        let server =
            |keys: &str| world(&format!("[[mx]]\nhost = \"a.a.example\"\nserver = {{ {keys} }}"));
        for (outcome, want) in [
            (world(""), "at least one"),
            (world("lookup = \"implicit\"\n[[mx]]\nhost = \"b.example\""), "implicit"),
            (world("colour = 1"), "unknown field"),
            (
                world("lookup = \"absent\"\nsts.connect-at = { \"192.0.2.9\" = \"drop\" }"),
                "no address of the policy host",
            ),
            (server("faults = { stall = \"connect\" }"), "Stall cannot strike"),
            (server("faults = { stall = \"somewhere\" }"), "neither a phase"),
            (server("delays = { greeting = \"6\" }"), "no delay"),
            (server("tls-min = \"1.3\", tls-max = \"1.2\""), "no TLS version"),
            (server("tls-min = \"1.3\", key = \"rsa1024\""), "no TLS version"),
        ] {
            let fault = outcome.unwrap_err().to_string();
            assert!(fault.contains(want), "{fault}");
        }
        assert!(server("tls-max = \"1.2\", faults = { tls-alert = \"70\" }").is_ok());
    }
}
