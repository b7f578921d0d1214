//! The resolver: name servers, what they have answered so far, and how far DNSSEC vouches for it.
//!
//! Knows no hosts file and no search list. How a question travels is `exchange`, what an answer is
//! worth `validate` or `second_hand`.

use std::{
    error::Error,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hickory_resolver::{
    config::ResolverConfig,
    net::NetError,
    proto::{dnssec::TrustAnchors, op::Query, rr::RecordType},
    system_conf,
};

use super::{
    Answer, Proven, RecordKind, Resolver,
    exchange::{Exchange, Wish, absolute},
    lookup::LONGEST_CHAIN,
    memo::Memo,
    message,
    seam::Later,
    second_hand::SecondHand,
    validate::Validator,
};

/// For one question to one server on one transport: resolv.conf(5) has the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// Servers of the system that are asked; resolv.conf(5) knows no more either.
const MOST_SERVERS: usize = 3;

/// The name servers of one run. Every answer is kept: a run sees one state of the world, and asks for
/// nothing twice.
pub struct NameServers {
    exchange: Arc<Exchange>,
    voucher: Voucher,
    answers: Memo<(String, RecordKind), Answer>,
    proofs: Memo<(String, RecordKind), Proven>,
}

/// Who says whether answers are genuine.
enum Voucher {
    Resolver(SecondHand),
    Signatures(Validator),
}

/// There is nobody to ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoResolver(String);

impl NameServers {
    /// The one that was named, else those of the system.
    pub fn new(named: Option<SocketAddr>) -> Result<Self, NoResolver> {
        if let Some(server) = named {
            return Ok(Self::with_patience(vec![server], PATIENCE));
        }
        let settings = system_conf::read_system_conf();
        let (config, _) = settings.map_err(|error| no_resolver(&error))?;
        Ok(Self::with_patience(of_system(&config), PATIENCE))
    }

    /// Asks `servers` in that order, and waits `patience` for each on each transport. Validates by the
    /// keys of the root zone.
    pub fn with_patience(servers: Vec<SocketAddr>, patience: Duration) -> Self {
        let exchange = Arc::new(Exchange::new(servers, patience));
        let validator = Validator::new(Arc::clone(&exchange), TrustAnchors::default());
        let voucher = Voucher::Signatures(validator);
        Self { exchange, voucher, answers: Memo::default(), proofs: Memo::default() }
    }

    /// Validates by the keys of another root.
    #[must_use]
    pub fn anchored(mut self, anchors: TrustAnchors) -> Self {
        let validator = Validator::new(Arc::clone(&self.exchange), anchors);
        self.voucher = Voucher::Signatures(validator);
        self
    }

    /// Validates nothing and believes the servers, which must be this machine's own: anyone on the way
    /// from another could set the bit.
    #[must_use]
    pub fn believed(mut self) -> Self {
        self.voucher = Voucher::Resolver(SecondHand::new(Arc::clone(&self.exchange)));
        self
    }

    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.exchange.servers().iter().map(SocketAddr::ip)
    }

    /// The answer for `name`, and for the names behind it that the server left to us.
    async fn fresh(&self, name: &str, kind: RecordType) -> Answer {
        let mut passed = Vec::new();
        let mut next = name.to_owned();
        loop {
            let name = match absolute(&next) {
                Ok(name) => name,
                Err(fault) => return Answer::Failed(fault),
            };
            let response = match self.exchange.send(&Query::query(name, kind), Wish::Nothing).await
            {
                Ok(response) => response,
                Err(fault) => return Answer::Failed(fault),
            };
            let unfollowed = message::unfollowed(&response, &next, kind);
            let answer = message::read(&response, kind, &mut passed);
            match unfollowed {
                Some(target) if passed.len() < LONGEST_CHAIN => next = target,
                _ => return answer,
            }
        }
    }
}

impl Resolver for NameServers {
    fn ask<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Answer> {
        let key = (name.to_ascii_lowercase(), kind);
        Box::pin(self.answers.recall(key, self.fresh(name, record_type(kind))))
    }

    fn prove<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Proven> {
        let key = (name.to_ascii_lowercase(), kind);
        Box::pin(self.proofs.recall(key, async move {
            let proven = match &self.voucher {
                Voucher::Resolver(resolver) => resolver.prove(name, record_type(kind)).await,
                Voucher::Signatures(validator) => validator.prove(name, record_type(kind)).await,
            };
            match proven {
                Ok(proven) => proven,
                // What cannot be validated is still an answer.
                Err(security) => {
                    Proven { answer: self.ask(name, kind).await, security, secure: Vec::new() }
                }
            }
        }))
    }

    fn ask_server<'a>(
        &'a self,
        server: IpAddr,
        name: &'a str,
        kind: RecordKind,
    ) -> Later<'a, Answer> {
        Box::pin(async move {
            let server = SocketAddr::new(server, 53);
            let own = self.exchange.own_answer(server, name, record_type(kind)).await;
            own.unwrap_or_else(Answer::Failed)
        })
    }
}

impl Error for NoResolver {}

impl fmt::Display for NoResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(why) = self;
        write!(f, "no name server in the system's settings ({why}); name one with --resolver IP")
    }
}

fn no_resolver(error: &NetError) -> NoResolver {
    NoResolver(match error {
        NetError::Io(error) => error.to_string(),
        error => error.to_string(),
    })
}

/// The servers of the system's settings, each once.
fn of_system(config: &ResolverConfig) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    for server in &config.name_servers {
        let port = server.connections.first().map_or(53, |connection| connection.port);
        let server = SocketAddr::new(server.ip, port);
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    servers.truncate(MOST_SERVERS);
    servers
}

fn record_type(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
        RecordKind::Mx => RecordType::MX,
        RecordKind::Ns => RecordType::NS,
        RecordKind::Ptr => RecordType::PTR,
        RecordKind::Soa => RecordType::SOA,
        RecordKind::Tlsa => RecordType::TLSA,
        RecordKind::Txt => RecordType::TXT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_first_three_servers_of_the_system_are_asked_each_once() {
        let settings = "\
            nameserver 192.0.2.1\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n\
            nameserver 192.0.2.2\nnameserver 192.0.2.3\nsearch example\n";
        let (config, _) = system_conf::parse_resolv_conf(settings).unwrap();
        let want = ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"];
        assert_eq!(of_system(&config), want.map(|word| word.parse().unwrap()));
    }

    #[cfg(unix)]
    #[test]
    fn settings_without_a_server_say_how_to_name_one() {
        let error = system_conf::parse_resolv_conf("search example\n").unwrap_err();
        let want = "no name server in the system's settings (no nameservers found in config); \
                    name one with --resolver IP";
        assert_eq!(no_resolver(&error).to_string(), want);
    }
}
