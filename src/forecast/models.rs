//! Senders, one table each: in which order they try hosts, how far, and what they do next when a step
//! fails.
//!
//! To add a sender, add a table and name it in [`MODELS`]. Decides nothing; the simulator does.
//!
//! Postfix and Exim are held against the real programs in `tests/real/senders.rs`. The others are from
//! their documentation, as each says; where that is silent they do what RFC 5321 §5.1 asks for: go on.

use std::time::Duration;

/// One kind of sender.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// As in JSON.
    pub name: &'static str,
    /// As in a sentence.
    pub title: &'static str,
    /// Whether the title is one sender or many.
    pub plural: bool,
    pub version: &'static str,
    /// Where the table was read or measured.
    pub source: &'static str,
    pub order: Order,
    /// Of several addresses of one host, which come first.
    pub family: Family,
    pub reach: Reach,
    /// How long it waits for a connection; `None` where nobody says.
    pub connect_timeout: Option<Duration>,
    pub trust: Trust,
    pub dane: Dane,
    /// Whether it follows an MTA-STS policy.
    pub sts: bool,
    /// A null MX beside other hosts.
    pub null: NullAnswer,
    /// No connection, or one that is lost or falls silent.
    pub lost: Next,
    pub greeting: Replies,
    /// EHLO and HELO refused.
    pub hello: Replies,
    /// STARTTLS refused, where nothing demands it.
    pub starttls: Replies,
    /// STARTTLS refused, where something does.
    pub starttls_demanded: Replies,
    /// A handshake that fails, where nothing demands it.
    pub handshake: Attempts,
    /// A certificate that does not verify, where nothing demands that it does.
    pub untrusted: Attempts,
    pub sender: Replies,
    pub recipient: Replies,
}

/// How hosts of one preference are ordered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// All their addresses are shuffled together.
    Addresses,
    /// The hosts are shuffled, and the addresses of each stay together.
    Hosts,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    Any,
    Ipv4First,
    Ipv6First,
}

/// How far down the list one attempt goes; `None` is to the end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reach {
    pub hosts: Option<u8>,
    pub addresses: Option<u8>,
    /// Connections that got as far as MAIL.
    pub sessions: Option<u8>,
    /// Addresses of one host.
    pub addresses_of_host: Option<u8>,
    /// Beyond the limit of addresses it still tries one address of each further preference.
    pub one_of_each_tier: bool,
}

/// What it demands of TLS where no promise is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trust {
    Opportunistic,
    /// Verified TLS, by whatever means.
    Verified,
}

/// When TLSA records bind it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dane {
    Never,
    /// Where the host is signed.
    SignedHost,
    /// Where the set of exchangers is signed as well.
    SignedSet,
}

/// What it makes of a null MX beside others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NullAnswer {
    /// The domain takes no mail.
    Bounce,
    /// Only where the null MX stands first and alone.
    BounceWhereFirst,
    Ignore,
}

/// What it does next; a host with one address is left with its address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    Address,
    /// Likewise; where there is no further one, the message bounces.
    AddressOrBounce,
    Host,
    /// The same address, in clear text, in this attempt.
    Clear,
    /// As if nothing had been wrong.
    GoOn,
    /// The attempt ends; the message comes back later.
    Defer,
    Bounce,
}

/// What it does after a 4xx, and after a 5xx.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Replies {
    pub soft: Next,
    pub hard: Next,
}

/// What it does at the first attempt, and when the message has come back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attempts {
    pub first: Next,
    pub later: Next,
}

const fn replies(soft: Next, hard: Next) -> Replies {
    Replies { soft, hard }
}

const fn always(next: Next) -> Attempts {
    Attempts { first: next, later: next }
}

/// No limit at all.
const EVERYWHERE: Reach = Reach {
    hosts: None,
    addresses: None,
    sessions: None,
    addresses_of_host: None,
    one_of_each_tier: false,
};

/// Every sender, in the order of reports.
pub static MODELS: &[Model] = &[POSTFIX, POSTFIX_DANE, EXIM, STALWART, STS_SENDER, VERIFYING];

const POSTFIX: Model = Model {
    name: "postfix",
    title: "Postfix",
    plural: false,
    version: "3.7.11, smtp_tls_security_level = may",
    source: "postconf(5): smtp_mx_address_limit, smtp_mx_session_limit, smtp_skip_5xx_greeting, \
             smtp_connect_timeout, minimal_backoff_time; measured",
    order: Order::Addresses,
    family: Family::Any,
    // Left out: smtp_balance_inet_protocols. Where there are more than five, both families keep a share of
    // them, so that a primary with four IPv6 addresses and one IPv4 does not hide an IPv4 backup.
    reach: Reach { addresses: Some(5), sessions: Some(2), ..EVERYWHERE },
    connect_timeout: Some(Duration::from_secs(30)),
    trust: Trust::Opportunistic,
    dane: Dane::Never,
    sts: false,
    null: NullAnswer::Bounce,
    lost: Next::Address,
    greeting: replies(Next::Address, Next::Address),
    hello: replies(Next::Address, Next::Bounce),
    starttls: replies(Next::Clear, Next::Clear),
    starttls_demanded: replies(Next::Address, Next::Bounce),
    // In clear only once the message is older than minimal_backoff_time.
    handshake: Attempts { first: Next::Address, later: Next::Clear },
    untrusted: always(Next::GoOn),
    sender: replies(Next::Address, Next::Bounce),
    recipient: replies(Next::Address, Next::Bounce),
};

const POSTFIX_DANE: Model = Model {
    name: "postfix-dane",
    title: "Postfix with DANE",
    version: "3.7.11, smtp_tls_security_level = dane",
    source: "postconf(5): smtp_tls_security_level, smtp_tls_dane_insecure_mx_policy; measured",
    dane: Dane::SignedHost,
    ..POSTFIX
};

const EXIM: Model = Model {
    name: "exim",
    title: "Exim",
    plural: false,
    version: "4.96 as Debian sets it up",
    source: "spec.txt, the smtp transport: hosts_max_try, tls_tempfail_tryclear, hosts_try_dane, \
             hosts_try_fastopen; measured",
    order: Order::Hosts,
    family: Family::Ipv6First,
    reach: Reach { addresses: Some(5), one_of_each_tier: true, ..EVERYWHERE },
    // connect_timeout is five minutes, and TCP Fast Open, which Debian's default asks for, makes the kernel's
    // own patience count.
    connect_timeout: Some(Duration::from_secs(134)),
    trust: Trust::Opportunistic,
    dane: Dane::SignedSet,
    sts: false,
    null: NullAnswer::Ignore,
    lost: Next::Address,
    greeting: replies(Next::Address, Next::AddressOrBounce),
    hello: replies(Next::Address, Next::AddressOrBounce),
    starttls: replies(Next::Clear, Next::Clear),
    starttls_demanded: replies(Next::Address, Next::Address),
    handshake: always(Next::Clear),
    untrusted: always(Next::GoOn),
    sender: replies(Next::Address, Next::Bounce),
    recipient: replies(Next::Address, Next::Bounce),
};

const STALWART: Model = Model {
    name: "stalwart",
    title: "Stalwart",
    plural: false,
    version: "0.15, the shipped strategies",
    source: "stalw.art/docs: mta/outbound/routing, mta/outbound/tls (invalid-tls after a TLS error), \
             ref/object/mta-outbound-strategy",
    order: Order::Hosts,
    family: Family::Ipv4First,
    reach: Reach { hosts: Some(2), addresses_of_host: Some(2), ..EVERYWHERE },
    connect_timeout: Some(Duration::from_secs(300)),
    trust: Trust::Opportunistic,
    dane: Dane::SignedSet,
    sts: true,
    null: NullAnswer::BounceWhereFirst,
    lost: Next::Address,
    greeting: replies(Next::Host, Next::Host),
    hello: replies(Next::Host, Next::Bounce),
    starttls: replies(Next::Host, Next::Host),
    starttls_demanded: replies(Next::Host, Next::Host),
    handshake: always(Next::Host),
    // Once a TLS error has sent the message back, certificates are not looked at any more.
    untrusted: Attempts { first: Next::Host, later: Next::GoOn },
    sender: replies(Next::Defer, Next::Bounce),
    recipient: replies(Next::Defer, Next::Bounce),
};

const STS_SENDER: Model = Model {
    name: "sts-sender",
    title: "senders that enforce MTA-STS",
    plural: true,
    version: "a large provider: MTA-STS where there is a policy, else opportunistic",
    source: "RFC 8461 §5; RFC 5321 §5.1",
    order: Order::Hosts,
    family: Family::Any,
    reach: EVERYWHERE,
    connect_timeout: None,
    trust: Trust::Opportunistic,
    dane: Dane::Never,
    sts: true,
    null: NullAnswer::Bounce,
    lost: Next::Address,
    greeting: replies(Next::Host, Next::Host),
    hello: replies(Next::Host, Next::Host),
    starttls: replies(Next::Clear, Next::Clear),
    starttls_demanded: replies(Next::Host, Next::Host),
    handshake: always(Next::Clear),
    untrusted: always(Next::GoOn),
    sender: replies(Next::Host, Next::Bounce),
    recipient: replies(Next::Host, Next::Bounce),
};

const VERIFYING: Model = Model {
    name: "verifying",
    title: "senders that insist on verified TLS",
    version: "delivers over verified TLS or not at all",
    source: "RFC 7672 §2.2, RFC 8461 §5, and the certificate alone where neither is promised",
    trust: Trust::Verified,
    dane: Dane::SignedSet,
    ..STS_SENDER
};
