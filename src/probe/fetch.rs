//! Gets a domain's MTA-STS policy from its policy host over HTTPS. RFC 8461 §3.3.
//!
//! One GET on one connection; nothing is asked of a host that does not prove its name. Follows no
//! redirection, keeps nothing for later, reads nothing of the policy.

use std::{
    cmp::Reverse,
    error::Error,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
};

use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::{
    Request, Response, StatusCode, body::Incoming, client::conn::http1, header, http::HeaderValue,
};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Means, Stream, handshake, lookup, patience::interrupted, resolve::Names, special};
use crate::{
    config::{HTTPS, LARGEST_POLICY, POLICY},
    smtp::{DomainName, Text},
    survey::{
        AddressAnswer, FaultKind, FetchFault, FetchPhase, Fetched, Missed, PolicyFetch, PolicyFile,
    },
    tls::{Hello, KeyProof, TrustFlaw},
};

/// Addresses that are tried; each further one leaves less time to all of them.
const MOST_ADDRESSES: usize = 4;

/// Octets kept of one header's value.
const LONGEST_VALUE: usize = 1024;

/// Octets of all headers together. Browsers take four times as much.
const LARGEST_HEAD: usize = 64 * 1024;

const PATH: &str = "/.well-known/mta-sts.txt";

/// Fetches the policy of `domain`. Never fails: faults are facts of what comes back.
pub async fn fetch(domain: &DomainName, names: Names<'_>, means: &Means<'_>) -> PolicyFetch {
    let host = host(domain);
    let began = Instant::now();
    let mut errand = Errand {
        host: &host,
        names,
        means,
        until: began + POLICY,
        phase: FetchPhase::LookUp,
        missed: Vec::new(),
        address: None,
    };
    let mut stop = means.stop.clone();
    let ended = tokio::select! {
        // The errand first, so that what is known at the last moment is what is said.
        biased;
        ended = errand.run() => ended,
        () = interrupted(&mut stop) => Err(Ended::Broke(FaultKind::Interrupted)),
        () = sleep_until(began + POLICY) => Err(Ended::Broke(FaultKind::TimedOut)),
    };
    let Errand { phase, missed, address, .. } = errand;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let outcome = match ended {
        Ok(file) => Fetched::Policy(file),
        Err(Ended::Fault(fault)) => Fetched::Failed(fault),
        Err(Ended::Broke(kind)) => {
            Fetched::Failed(FetchFault::Broke { phase, kind, after_ms: took_ms })
        }
    };
    PolicyFetch { url: url(domain), missed, address, took_ms, outcome }
}

/// Where the policy of `domain` stands.
pub fn url(domain: &DomainName) -> String {
    format!("https://{}{PATH}", host(domain))
}

/// RFC 8461 §3.2.
fn host(domain: &DomainName) -> String {
    format!("mta-sts.{domain}")
}

/// Why there is no policy; what broke off did so in the phase the errand had got to.
enum Ended {
    Broke(FaultKind),
    Fault(FetchFault),
}

impl From<FaultKind> for Ended {
    fn from(kind: FaultKind) -> Self {
        Self::Broke(kind)
    }
}

impl From<FetchFault> for Ended {
    fn from(fault: FetchFault) -> Self {
        Self::Fault(fault)
    }
}

/// A fetch, and how far it got.
struct Errand<'a> {
    /// The policy host.
    host: &'a str,
    names: Names<'a>,
    means: &'a Means<'a>,
    until: Instant,
    phase: FetchPhase,
    missed: Vec<Missed>,
    address: Option<IpAddr>,
}

impl Errand<'_> {
    async fn run(&mut self) -> Result<PolicyFile, Ended> {
        let addresses = self.look_up().await?;
        self.phase = FetchPhase::Connect;
        let stream = self.connect(addresses).await?;
        self.phase = FetchPhase::Handshake;
        let stream = self.secure(stream).await?;
        self.phase = FetchPhase::Response;
        self.get(stream).await
    }

    /// The addresses that may be visited, one of each family in turn, as far as they are tried.
    async fn look_up(&self) -> Result<Vec<IpAddr>, FetchFault> {
        let Names { resolver, machine, asked } = self.names;
        let addresses = lookup::addresses(resolver, self.host).await;
        let access = |address| special::access(address, asked, machine.owns(address));
        if addresses.found.is_empty() {
            return Err(match (addresses.a, addresses.aaaa) {
                (AddressAnswer::Failed(fault), _) | (_, AddressAnswer::Failed(fault)) => {
                    FetchFault::LookupFailed(fault)
                }
                (AddressAnswer::NoSuchName, _) | (_, AddressAnswer::NoSuchName) => {
                    FetchFault::NoSuchName
                }
                _ => FetchFault::NoAddress,
            });
        }
        let (open, closed): (Vec<IpAddr>, Vec<IpAddr>) =
            addresses.found.into_iter().partition(|address| access(*address).may_visit());
        // One that we keep from for our own reasons might have done.
        let faults = closed
            .into_iter()
            .map(|address| FetchFault::NotAllowed { address, access: access(address) });
        let ours_first = faults.min_by_key(|fault| Reverse(fault.blame()));
        if let (true, Some(fault)) = (open.is_empty(), ours_first) {
            return Err(fault);
        }
        let (four, six): (Vec<IpAddr>, Vec<IpAddr>) = open.into_iter().partition(IpAddr::is_ipv4);
        let mut ranked: Vec<_> =
            four.into_iter().enumerate().chain(six.into_iter().enumerate()).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        Ok(ranked.into_iter().map(|(_, address)| address).take(MOST_ADDRESSES).collect())
    }

    /// The first connection that comes about. Each address may take its share of the time that is
    /// left, so that a dead one does not use it up for those that follow.
    async fn connect(&mut self, addresses: Vec<IpAddr>) -> Result<Box<dyn Stream>, Ended> {
        let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        for (shares, address) in (1..=count).rev().zip(addresses) {
            let share = self.until.saturating_duration_since(Instant::now()) / shares;
            let dialled = timeout(share, self.means.dialer.dial(SocketAddr::new(address, HTTPS)));
            match dialled.await.unwrap_or(Err(FaultKind::TimedOut)) {
                Ok(channel) => {
                    self.address = Some(address);
                    return Ok(channel.stream);
                }
                Err(kind) => self.missed.push(Missed { address, kind }),
            }
        }
        // That we have no IPv6 says less than that they did not answer.
        let telling = self.missed.iter().min_by_key(|missed| missed.kind.blame());
        Err(telling.map_or(FaultKind::TimedOut, |missed| missed.kind.clone()).into())
    }

    /// TLS with a host that proves its name. The small hello will do: no web host lacks its groups,
    /// and what TLS it has besides is not the question here.
    async fn secure(&self, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, Ended> {
        let Means { trust, clock, .. } = self.means;
        let secured = handshake::secure(stream, Hello::Classical, self.host, trust, clock.wall());
        let (stream, handshake) = secured.await?;
        let mut flaws = handshake.trust;
        if flaws.is_empty() && handshake.proof == KeyProof::NotVerifiable {
            let reason = "signed with a key that TLS libraries do not take".to_owned();
            flaws.push(TrustFlaw::Other { reason });
        }
        if flaws.is_empty() { Ok(stream) } else { Err(FetchFault::Certificate(flaws).into()) }
    }

    /// Asks for the policy and takes what comes.
    async fn get(&mut self, stream: Box<dyn Stream>) -> Result<PolicyFile, Ended> {
        let mut http = http1::Builder::new();
        let opened = http.max_buf_size(LARGEST_HEAD).handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(|error| broken(&error))?;
        let request = Request::get(PATH)
            .header(header::HOST, self.host)
            .header(header::USER_AGENT, concat!("mxparity/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "text/plain")
            .header(header::CONNECTION, "close")
            .body(Empty::<&[u8]>::new())
            .expect("a host name can stand in a header");
        let answer = async {
            let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
            self.phase = FetchPhase::Body;
            read(response).await
        };
        // The connection moves what the exchange waits for, and may well end before it.
        match select(pin!(answer), pin!(connection)).await {
            Either::Left((answer, _)) => answer,
            Either::Right((_, answer)) => answer.await,
        }
    }
}

/// The policy in a response, if it is one.
async fn read(response: Response<Incoming>) -> Result<PolicyFile, Ended> {
    let value = |name| {
        let value: Option<&HeaderValue> = response.headers().get(name);
        value.map(|value| Text::bounded(value.as_bytes(), LONGEST_VALUE))
    };
    let status = response.status();
    if status.is_redirection() {
        let location = value(header::LOCATION);
        return Err(FetchFault::Redirect { status: status.as_u16(), location }.into());
    }
    if status != StatusCode::OK {
        return Err(FetchFault::Status(status.as_u16()).into());
    }
    let media_type = value(header::CONTENT_TYPE);
    let body = Limited::new(response.into_body(), LARGEST_POLICY).collect().await;
    let body = body.map_err(|error| match error.downcast_ref::<hyper::Error>() {
        Some(error) => broken(error),
        None if error.is::<LengthLimitError>() => FetchFault::TooLarge(LARGEST_POLICY).into(),
        None => FetchFault::NotHttp(error.to_string()).into(),
    })?;
    Ok(PolicyFile { media_type, body: Text::new(body.to_bytes()) })
}

/// What an error of the HTTP library means: it wraps those of the stream, and has some of its own.
fn broken(error: &hyper::Error) -> Ended {
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match cause {
        Some(error) if is_framing(error) => FetchFault::NotHttp(error.to_string()).into(),
        Some(error) => handshake::fault(error).into(),
        None if error.is_parse() => FetchFault::NotHttp(error.to_string()).into(),
        None => FaultKind::Closed.into(),
    }
}

/// Whether it is about how the body is cut into pieces, which the library says in this way too.
fn is_framing(error: &io::Error) -> bool {
    let invalid = matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
    let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    invalid && of_tls.is_none()
}
