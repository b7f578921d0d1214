//! Name servers: one question at a time, each server in turn, over UDP and where need be TCP.
//!
//! Stands one level below the resolver of the DNS library, because that one drops whole messages and
//! the reason of a failure with them. Knows no hosts file and no search list; validates nothing yet:
//! a validator would stand between [`NameServers`] and its `exchange`.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hickory_resolver::{
    config::ResolverConfig,
    net::{
        NetError,
        runtime::TokioRuntimeProvider,
        tcp::TcpClientStream,
        udp::UdpClientStream,
        xfer::{DnsHandle, DnsRequestSender, FirstAnswer},
    },
    proto::{
        op::{DnsRequest, DnsRequestOptions, DnsResponse, Query, ResponseCode},
        rr::{Name, RecordType},
    },
    system_conf,
};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::timeout,
};

use super::{Answer, Proven, RecordKind, Resolver, lookup::LONGEST_CHAIN, message, seam::Later};
use crate::survey::{DnsFault, Security};

/// For one question to one server on one transport: resolv.conf(5) has the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// Servers of the system that are asked; resolv.conf(5) knows no more either.
const MOST_SERVERS: usize = 3;

/// Questions under way at a time: forwarders in small routers have small tables.
const IN_FLIGHT: usize = 16;

/// The name servers of one run, and what they have answered so far. Every answer is kept: a run
/// sees one state of the world, and asks for nothing twice.
pub struct NameServers {
    servers: Vec<SocketAddr>,
    patience: Duration,
    /// The server that answered last, so that a dead one is waited for once and not every time.
    favourite: AtomicUsize,
    answers: Mutex<HashMap<(String, RecordKind), Slot>>,
    doors: Semaphore,
}

/// An answer, or the place where those who asked first will put it.
type Slot = Arc<OnceCell<Answer>>;

/// There is nobody to ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoResolver(String);

/// How a question travels.
#[derive(Clone, Copy)]
enum Transport {
    /// With TCP where the answer is too long.
    Udp,
    Tcp,
}

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

    /// Asks `servers` in that order, and waits `patience` for each on each transport.
    pub fn with_patience(servers: Vec<SocketAddr>, patience: Duration) -> Self {
        Self {
            servers,
            patience,
            favourite: AtomicUsize::new(0),
            answers: Mutex::default(),
            doors: Semaphore::new(IN_FLIGHT),
        }
    }

    /// The answer for `name`, and for the names behind it that the server left to us.
    async fn fresh(&self, name: &str, kind: RecordType) -> Answer {
        // The semaphore is never closed, so this only waits.
        let _door = self.doors.acquire().await;
        let mut passed = Vec::new();
        let mut next = name.to_owned();
        loop {
            let name = match absolute(&next) {
                Ok(name) => name,
                Err(fault) => return Answer::Failed(fault),
            };
            let response = match self.send(&Query::query(name, kind)).await {
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

    /// Two attempts at most for each server: over UDP, and for those that gave no answer at all,
    /// over TCP, which gets through where UDP is dropped and tells when nobody listens.
    ///
    /// A server that says it failed is not asked again: RFC 9520 §3.2 has it remember.
    async fn send(&self, query: &Query) -> Result<DnsResponse, DnsFault> {
        let favourite = self.favourite.load(Ordering::Relaxed);
        let count = self.servers.len();
        let mut left: Vec<usize> = (0..count).map(|step| (favourite + step) % count).collect();
        let mut worst = DnsFault::TimedOut;
        for transport in [Transport::Udp, Transport::Tcp] {
            let mut silent = Vec::new();
            for at in left {
                let response = self.exchange(self.servers[at], transport, query).await;
                match response.and_then(|response| message::settled(response, query)) {
                    Ok(response) => {
                        self.favourite.store(at, Ordering::Relaxed);
                        return Ok(response);
                    }
                    Err(fault) => {
                        if !matches!(fault, DnsFault::Rcode { .. }) {
                            silent.push(at);
                        }
                        worst = more_telling(worst, fault);
                    }
                }
            }
            left = silent;
        }
        Err(worst)
    }

    /// What `server` says as one of those that answer for the zone of `name`.
    async fn own_answer(
        &self,
        server: SocketAddr,
        name: &str,
        kind: RecordType,
    ) -> Result<Answer, DnsFault> {
        let query = Query::query(absolute(name)?, kind);
        let mut response = self.exchange(server, Transport::Udp, &query).await;
        if matches!(response, Err(DnsFault::TimedOut)) {
            response = self.exchange(server, Transport::Tcp, &query).await;
        }
        let response = response?;
        // Refused, referred elsewhere, or answered from a cache: whatever it is, the zone is not here.
        let refused = response.metadata.response_code == ResponseCode::Refused;
        if refused
            || !response.metadata.authoritative
                && message::settled(response.clone(), &query).is_ok()
        {
            return Err(DnsFault::Lame);
        }
        let response = message::settled(response, &query)?;
        Ok(message::read(&response, kind, &mut Vec::new()))
    }

    /// One question to one server.
    async fn exchange(
        &self,
        server: SocketAddr,
        transport: Transport,
        query: &Query,
    ) -> Result<DnsResponse, DnsFault> {
        let mut options = DnsRequestOptions::default();
        // A lost packet is sent once more within the patience of one attempt.
        options.retry_interval = self.patience / 2;
        let request = DnsRequest::from_query(query.clone(), options);
        if let Transport::Udp = transport {
            let stream = UdpClientStream::builder(server, TokioRuntimeProvider::default());
            let mut stream = stream.with_timeout(Some(self.patience)).with_max_retries(2).build();
            let response = stream.send_message(request.clone()).first_answer().await;
            let response = response.map_err(|error| fault(&error))?;
            if !response.metadata.truncation {
                return Ok(response);
            }
        }
        // The connection is carried by a task of the provider's, and ends with it.
        let provider = TokioRuntimeProvider::default();
        let whole = async {
            let stream =
                TcpClientStream::exchange(server, None, self.patience, None, provider.clone());
            stream.await?.send(request).first_answer().await
        };
        let response = timeout(self.patience, whole).await.map_err(|_| DnsFault::TimedOut)?;
        response.map_err(|error| fault(&error))
    }
}

impl Resolver for NameServers {
    fn ask<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Answer> {
        Box::pin(async move {
            let key = (name.to_ascii_lowercase(), kind);
            let cell = {
                let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(answers.entry(key).or_default())
            };
            let kind = record_type(kind);
            cell.get_or_init(|| self.fresh(name, kind)).await.clone()
        })
    }

    /// Nothing validates yet.
    fn prove<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Proven> {
        Box::pin(async move {
            let answer = self.ask(name, kind).await;
            let why = "answers are not validated".to_owned();
            Proven { answer, security: Security::Undetermined(why), secure: Vec::new() }
        })
    }

    fn ask_server<'a>(
        &'a self,
        server: IpAddr,
        name: &'a str,
        kind: RecordKind,
    ) -> Later<'a, Answer> {
        Box::pin(async move {
            let _door = self.doors.acquire().await;
            let own = self.own_answer(SocketAddr::new(server, 53), name, record_type(kind)).await;
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

/// The dot keeps the name absolute, whatever it looks like.
fn absolute(name: &str) -> Result<Name, DnsFault> {
    let parsed = Name::from_ascii(format!("{name}."));
    parsed.map_err(|_| DnsFault::Unusable(format!("{name:?} is not a DNS name")))
}

fn fault(error: &NetError) -> DnsFault {
    match error {
        NetError::Timeout => DnsFault::TimedOut,
        NetError::Io(error) => DnsFault::Unreachable(error.kind().to_string()),
        error => DnsFault::Unusable(error.to_string()),
    }
}

/// Of two servers' failures the one to report: what a server said itself before what we made of
/// it, and anything before silence.
fn more_telling(one: DnsFault, other: DnsFault) -> DnsFault {
    let rank = |fault: &DnsFault| match fault {
        DnsFault::Bogus(_) | DnsFault::Lame | DnsFault::Rcode { extended: Some(_), .. } => 4,
        DnsFault::Rcode { .. } => 3,
        DnsFault::Unusable(_) => 2,
        DnsFault::Unreachable(_) => 1,
        DnsFault::Interrupted | DnsFault::TimedOut => 0,
    };
    if rank(&other) > rank(&one) { other } else { one }
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

    #[test]
    fn the_most_telling_failure_is_reported() {
        let rcode = |extended: Option<&str>| DnsFault::Rcode {
            rcode: "SERVFAIL".to_owned(),
            extended: extended.map(Into::into),
        };
        let ascending = [
            DnsFault::TimedOut,
            DnsFault::Unreachable("connection refused".to_owned()),
            DnsFault::Unusable("noise".to_owned()),
            rcode(None),
            rcode(Some("EDE 22, No Reachable Authority")),
        ];
        for (low, high) in ascending.iter().zip(&ascending[1..]) {
            assert_eq!(more_telling(low.clone(), high.clone()), *high);
            assert_eq!(more_telling(high.clone(), low.clone()), *high);
        }
    }
}
