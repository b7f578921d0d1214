//! The world file: what a domain publishes and how its servers behave, in TOML.
//!
//! Every part has a sound default, so that a world says only what is special about it.
//! Unknown words are errors. Runs nothing itself.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Deserialize;

use crate::{
    smtp::{DomainName, Mailbox, ReversePath},
    survey::{Depth, Families},
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
    #[serde(default)]
    pub ask: Ask,
    #[serde(default)]
    pub vantage: Standing,
}

/// How the MX question is answered.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum LookupWord {
    /// With the records of `mx`.
    #[default]
    Records,
    /// No MX; the domain's own addresses are those of the only `mx` entry.
    Implicit,
    /// The single record is `0 .`; other preferences by an `mx` entry with host `.`.
    Null,
    /// The name exists, nothing else does.
    Absent,
    NoSuchDomain,
    Servfail,
    Timeout,
}

/// One MX record and the host behind it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
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

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum HostWord {
    #[default]
    Found,
    NoData,
    NoSuchName,
    Servfail,
    Timeout,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum ReverseWord {
    #[default]
    Confirmed,
    Missing,
    Unconfirmed,
    Servfail,
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
    pub families: Option<Families>,
    pub allow_private: bool,
}

/// What the prober looks like.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
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

/// How one server behaves. Replies are written as on the wire, several lines as several strings.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Server {
    pub connect: ConnectWord,
    /// `{host}` stands for the host's name.
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
    /// 530 to MAIL until TLS stands.
    pub require_tls: bool,
    pub cert: CertWord,
    pub key: KeyWord,
    /// Days from now until the certificate ends, for `cert = "good"`; 60 if not given.
    pub days_left: Option<i64>,
    /// Days the certificate was made for; 90 if not given.
    pub lifetime: Option<i64>,
    /// `1.2` or `1.3`.
    pub tls_min: Option<String>,
    pub tls_max: Option<String>,
    /// Offers X25519MLKEM768.
    pub post_quantum: bool,
    /// Drops the connection at a client hello of more octets than this.
    pub hello_limit: Option<usize>,
    pub mail: OneOrMore,
    /// To `MAIL FROM:<>`; as `mail` if not given.
    pub mail_null: Option<OneOrMore>,
    /// To the real recipient.
    pub rcpt: OneOrMore,
    pub postmaster: OneOrMore,
    pub nonsense: OneOrMore,
    /// To the recipient of the relay test.
    pub relay: OneOrMore,
    /// What goes wrong, and in which phase.
    pub faults: BTreeMap<FaultWord, String>,
    /// Delays before the answer of a phase, such as `greeting = "6s"`.
    pub delays: BTreeMap<String, String>,
}

/// One string, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// What happens to a connection attempt.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectWord {
    #[default]
    Accept,
    /// Never answered.
    Drop,
    Refuse,
    Reset,
    Unreachable,
}

/// What the certificate is worth.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum CertWord {
    Expired,
    /// From the fleet's authority through its intermediate, for the host's name.
    #[default]
    Good,
    /// The intermediate is not sent, and the certificate names a place to fetch it.
    MissingIntermediate,
    NotYetValid,
    SelfSigned,
    UnknownIssuer,
    WrongName,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum KeyWord {
    P256,
    Rsa1024,
    #[default]
    Rsa2048,
}

/// What a server can do wrong, by one word each.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "kebab-case")]
pub enum FaultWord {
    /// Ends lines in LF alone.
    BareLf,
    /// Closes in order in place of the answer.
    Close,
    /// Sends the answer a byte at a time.
    Drip,
    /// Talks before it is asked.
    EarlyTalk,
    /// Never ends the answer.
    EndlessReply,
    /// Sends half a line and nothing more.
    HalfReply,
    /// Answers the client hello with noise.
    JunkHandshake,
    /// Puts another code on the last line.
    MixedCodes,
    /// Answers as another protocol would.
    NotSmtp,
    /// Sends a reply in clear right behind the 220 of STARTTLS.
    PlaintextAfterStarttls,
    Reset,
    /// Answers 421 and closes.
    Shutdown421,
    /// Never answers.
    Stall,
    /// Answers the client hello with the alert of this number (the value is the number).
    TlsAlert,
    /// Answers with a code that does not fit.
    WrongCode,
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
            require_tls: false,
            cert: CertWord::Good,
            key: KeyWord::Rsa2048,
            days_left: None,
            lifetime: None,
            tls_min: None,
            tls_max: None,
            post_quantum: true,
            hello_limit: None,
            mail: one("250 2.1.0 Ok"),
            mail_null: None,
            rcpt: one("250 2.1.5 Ok"),
            postmaster: one("250 2.1.5 Ok"),
            nonsense: one("550 5.1.1 User unknown"),
            relay: one("554 5.7.1 Relay access denied"),
            faults: BTreeMap::new(),
            delays: BTreeMap::new(),
        }
    }
}
