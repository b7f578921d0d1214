//! One question to the name servers: each in turn, over UDP and where need be TCP.
//!
//! Stands one level below the resolver of the DNS library, because that one drops whole messages and
//! the reason of a failure with them. Keeps nothing but which server answered last.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use hickory_resolver::{
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
};
use tokio::{sync::Semaphore, time::timeout};

use super::{Answer, message};
use crate::survey::DnsFault;

/// Questions under way at a time: forwarders in small routers have small tables.
const IN_FLIGHT: usize = 16;

/// Name servers that one asks like the other.
pub struct Exchange {
    servers: Vec<SocketAddr>,
    /// For one question to one server on one transport.
    patience: Duration,
    /// The server that answered last, so that a dead one is waited for once and not every time.
    favourite: AtomicUsize,
    doors: Semaphore,
}

/// What a question wants besides its answer.
#[derive(Clone, Copy, Debug)]
pub enum Wish {
    Nothing,
    /// The signatures, of an answer that the server has not judged: DO and CD. RFC 4035 §3.2.1 and
    /// §3.2.2.
    Signatures,
    /// The server's word on it: AD. RFC 6840 §5.7.
    Word,
}

/// How a question travels.
#[derive(Clone, Copy)]
enum Transport {
    /// With TCP where the answer is too long.
    Udp,
    Tcp,
}

impl Exchange {
    /// Asks `servers` in that order, and waits `patience` for each on each transport.
    pub fn new(servers: Vec<SocketAddr>, patience: Duration) -> Self {
        let doors = Semaphore::new(IN_FLIGHT);
        Self { servers, patience, favourite: AtomicUsize::new(0), doors }
    }

    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// Two attempts at most for each server: over UDP, and for those that gave no answer at all,
    /// over TCP, which gets through where UDP is dropped and tells when nobody listens.
    ///
    /// A server that says it failed is not asked again: RFC 9520 §3.2 has it remember.
    pub async fn send(&self, query: &Query, wish: Wish) -> Result<DnsResponse, DnsFault> {
        // The semaphore is never closed, so this only waits.
        let _door = self.doors.acquire().await;
        let favourite = self.favourite.load(Ordering::Relaxed);
        let count = self.servers.len();
        let mut left: Vec<usize> = (0..count).map(|step| (favourite + step) % count).collect();
        let mut worst = DnsFault::TimedOut;
        for transport in [Transport::Udp, Transport::Tcp] {
            let mut silent = Vec::new();
            for at in left {
                let response = self.once(self.servers[at], transport, query, wish).await;
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
    pub async fn own_answer(
        &self,
        server: SocketAddr,
        name: &str,
        kind: RecordType,
    ) -> Result<Answer, DnsFault> {
        let _door = self.doors.acquire().await;
        let query = Query::query(absolute(name)?, kind);
        let mut response = self.once(server, Transport::Udp, &query, Wish::Nothing).await;
        if matches!(response, Err(DnsFault::TimedOut)) {
            response = self.once(server, Transport::Tcp, &query, Wish::Nothing).await;
        }
        let response = response?;
        // Refused, referred elsewhere, or answered from a cache: whatever it is, the zone is not here.
        let elsewhere = match response.metadata.response_code {
            ResponseCode::Refused => true,
            ResponseCode::NoError | ResponseCode::NXDomain => !response.metadata.authoritative,
            _ => false,
        };
        if elsewhere {
            return Err(DnsFault::Lame);
        }
        let response = message::settled(response, &query)?;
        Ok(message::read(&response, kind, &mut Vec::new()))
    }

    /// One question to one server.
    async fn once(
        &self,
        server: SocketAddr,
        transport: Transport,
        query: &Query,
        wish: Wish,
    ) -> Result<DnsResponse, DnsFault> {
        let mut options = DnsRequestOptions::default();
        // A lost packet is sent once more within the patience of one attempt.
        options.retry_interval = self.patience / 2;
        // Some servers set AD only for those that ask for signatures.
        options.edns_set_dnssec_ok = matches!(wish, Wish::Signatures | Wish::Word);
        let mut request = DnsRequest::from_query(query.clone(), options);
        request.metadata.checking_disabled = matches!(wish, Wish::Signatures);
        request.metadata.authentic_data = matches!(wish, Wish::Word);
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

/// The dot keeps the name absolute, whatever it looks like.
pub fn absolute(name: &str) -> Result<Name, DnsFault> {
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

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::{
        op::{Message, MessageType},
        rr::{
            RData, Record as Entry,
            rdata::{MX, NS},
        },
    };
    use tokio::net::{TcpListener, UdpSocket};

    use super::*;
    use crate::probe::{Record, RecordData};

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

    fn entry(owner: &str, data: RData) -> Entry {
        Entry::from_rdata(Name::from_ascii(owner).unwrap(), 60, data)
    }

    /// What comes of asking a server that gives every question over UDP an answer shaped by `shape`.
    async fn own(shape: impl Fn(&mut Message) + Send + 'static) -> Result<Answer, DnsFault> {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = socket.local_addr().unwrap();
        let answering = tokio::spawn(async move {
            let mut octets = [0; 1500];
            let (length, from) = socket.recv_from(&mut octets).await.unwrap();
            let mut message = Message::from_vec(&octets[..length]).unwrap();
            assert!(!message.metadata.checking_disabled, "plain questions ask for nothing else");
            message.metadata.message_type = MessageType::Response;
            shape(&mut message);
            socket.send_to(&message.to_vec().unwrap(), from).await.unwrap();
        });
        let exchange = Exchange::new(Vec::new(), Duration::from_secs(10));
        let answer = exchange.own_answer(server, "a.example", RecordType::MX).await;
        answering.await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_server_without_the_zone_is_lame_and_one_that_fails_says_how() {
        let mx = || {
            entry("a.example.", RData::MX(MX::new(10, Name::from_ascii("mx.example.").unwrap())))
        };
        let ns = || entry("example.", RData::NS(NS(Name::from_ascii("ns.example.").unwrap())));
        let record = Record {
            owner: "a.example".to_owned(),
            data: RecordData::Exchange { preference: 10, exchange: "mx.example".to_owned() },
        };
        let servfail = DnsFault::Rcode { rcode: "SERVFAIL".to_owned(), extended: None };
        for (case, authoritative, rcode, answers, authorities, want) in [
            (
                "answers",
                true,
                ResponseCode::NoError,
                vec![mx()],
                vec![],
                Ok(Answer::Records(vec![record])),
            ),
            (
                "knows of none",
                true,
                ResponseCode::NXDomain,
                vec![],
                vec![],
                Ok(Answer::NoSuchName(vec![])),
            ),
            ("refuses", false, ResponseCode::Refused, vec![], vec![], Err(DnsFault::Lame)),
            (
                "has it from a cache",
                false,
                ResponseCode::NoError,
                vec![mx()],
                vec![],
                Err(DnsFault::Lame),
            ),
            ("fails", false, ResponseCode::ServFail, vec![], vec![], Err(servfail)),
            (
                "refers elsewhere",
                false,
                ResponseCode::NoError,
                vec![],
                vec![ns()],
                Err(DnsFault::Lame),
            ),
        ] {
            let got = own(move |message| {
                message.metadata.authoritative = authoritative;
                message.metadata.response_code = rcode;
                message.answers.clone_from(&answers);
                message.authorities.clone_from(&authorities);
            });
            assert_eq!(got.await, want, "{case}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_silent_over_udp_is_asked_over_tcp() {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = tcp.local_addr().unwrap();
        // Bound and never read; where somebody else holds the number, what comes is silence too.
        let _deaf = UdpSocket::bind(server).await;
        let exchange = Exchange::new(Vec::new(), Duration::from_millis(50));
        let own = exchange.own_answer(server, "a.example", RecordType::MX);
        let (answer, asked) = tokio::join!(own, tcp.accept());
        assert_eq!(answer, Err(DnsFault::TimedOut));
        asked.unwrap();
    }
}
