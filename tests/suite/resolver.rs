//! Name servers as they are: answers, failures, silence and noise, over real sockets on loopback.
//!
//! The servers are this process's own. What is made of the answers is tested with `resolve`.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use hickory_server::{
    Server,
    net::{
        runtime::{Time, TokioRuntimeProvider},
        xfer::Protocol,
    },
    proto::{
        op::{Edns, Header, HeaderCounts, Metadata, ResponseCode},
        rr::{Name, rdata::opt::EdnsOption},
        serialize::txt::Parser,
    },
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    store::in_memory::InMemoryZoneHandler,
    zone_handler::{AxfrPolicy, Catalog, MessageResponseBuilder, ZoneType},
};
use mxparity::{
    probe::{Answer, NameServers, Record, RecordData, RecordKind, Resolver},
    survey::DnsFault,
};

use crate::support::door;

/// Long enough for any machine: what answers, answers at once.
const LONG: Duration = Duration::from_secs(10);

/// For questions that nobody will answer.
const SHORT: Duration = Duration::from_millis(50);

const ZONE: &str = "\
@        60 IN SOA ns.example. hostmaster.example. 1 3600 600 86400 60
@        60 IN NS  ns.example.
a        60 IN MX  10 mx.example.
a        60 IN MX  20 Backup.Example.
null     60 IN MX  0 .
mx       60 IN A   192.0.2.1
mx       60 IN A   192.0.2.2
mx       60 IN AAAA 2001:db8::1
alias    60 IN CNAME middle.example.
middle   60 IN CNAME mx.example.
dangling 60 IN CNAME gone.example.
outside  60 IN CNAME mx.elsewhere.test.
";

/// How a server of ours treats every question.
#[derive(Clone, Copy)]
enum Mood {
    Answering,
    /// With a response code and the bytes of an extended error.
    Failing(ResponseCode, &'static [u8]),
}

/// A name server with one zone.
struct Authority {
    catalog: Catalog,
    mood: Mood,
    heard: Heard,
}

/// The questions that arrived, and how.
type Heard = Arc<Mutex<Vec<(String, Protocol)>>>;

#[async_trait::async_trait]
impl RequestHandler for Authority {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        let question = request.queries.queries()[0].name().to_string();
        self.heard.lock().unwrap().push((question, request.protocol()));
        let Mood::Failing(rcode, error) = self.mood else {
            return self.catalog.handle_request::<R, T>(request, response).await;
        };
        let mut edns = Edns::new();
        edns.options_mut().insert(EdnsOption::Unknown(15, error.to_vec()));
        let mut message = MessageResponseBuilder::from_message_request(request);
        message.edns(&edns);
        let sent = response.send_response(message.error_msg(&request.metadata, rcode)).await;
        sent.unwrap_or_else(|_| {
            let metadata = Metadata::response_from_request(&request.metadata);
            ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
        })
    }
}

/// A running server; it ends with this value.
struct Running {
    address: SocketAddr,
    heard: Heard,
    _server: Server<Authority>,
}

impl Running {
    async fn start(mood: Mood, zone: &str) -> Self {
        let origin = Name::from_ascii("example.").unwrap();
        let (_, records) = Parser::new(zone, None, Some(origin.clone())).parse().unwrap();
        let zone = InMemoryZoneHandler::<TokioRuntimeProvider>::new(
            origin.clone(),
            records,
            ZoneType::Primary,
            AxfrPolicy::Deny,
            None,
        );
        let mut catalog = Catalog::new();
        catalog.upsert(origin.into(), vec![Arc::new(zone.unwrap())]);
        let heard = Heard::default();
        let mut server = Server::new(Authority { catalog, mood, heard: Arc::clone(&heard) });
        let (udp, tcp) = door().await;
        let address = udp.local_addr().unwrap();
        server.register_socket(udp);
        server.register_listener(tcp, LONG, 64);
        Self { address, heard, _server: server }
    }

    fn heard(&self) -> Vec<(String, Protocol)> {
        self.heard.lock().unwrap().clone()
    }
}

fn asking(servers: &[&Running]) -> NameServers {
    let addresses = servers.iter().map(|server| server.address).collect();
    NameServers::with_patience(addresses, LONG)
}

fn record(owner: &str, data: RecordData) -> Record {
    Record { owner: owner.to_owned(), data }
}

fn alias(owner: &str, target: &str) -> Record {
    record(owner, RecordData::Alias(target.to_owned()))
}

fn address(owner: &str, word: &str) -> Record {
    record(owner, RecordData::Address(word.parse().unwrap()))
}

fn exchange(owner: &str, preference: u16, exchange: &str) -> Record {
    record(owner, RecordData::Exchange { preference, exchange: exchange.to_owned() })
}

/// Servers turn records round; their order says nothing.
fn sorted(answer: Answer) -> Answer {
    let sort = |mut records: Vec<Record>| {
        records.sort_by_key(|record| format!("{record:?}"));
        records
    };
    match answer {
        Answer::Records(records) => Answer::Records(sort(records)),
        Answer::NoData(records) => Answer::NoData(sort(records)),
        Answer::NoSuchName(records) => Answer::NoSuchName(sort(records)),
        failed @ Answer::Failed(_) => failed,
    }
}

#[tokio::test]
async fn answers_keep_their_outcomes_apart() {
    let server = Running::start(Mood::Answering, ZONE).await;
    let resolver = asking(&[&server]);
    let chain =
        || vec![alias("alias.example", "middle.example"), alias("middle.example", "mx.example")];
    let with = |more: &[Record]| [chain(), more.to_vec()].concat();
    let backup = exchange("a.example", 20, "backup.example");
    for (name, kind, want) in [
        (
            "a.example",
            RecordKind::Mx,
            Answer::Records(vec![exchange("a.example", 10, "mx.example"), backup]),
        ),
        ("null.example", RecordKind::Mx, Answer::Records(vec![exchange("null.example", 0, ".")])),
        ("mx.example", RecordKind::Mx, Answer::NoData(vec![])),
        ("gone.example", RecordKind::Mx, Answer::NoSuchName(vec![])),
        (
            "alias.example",
            RecordKind::A,
            Answer::Records(with(&[
                address("mx.example", "192.0.2.1"),
                address("mx.example", "192.0.2.2"),
            ])),
        ),
        (
            "alias.example",
            RecordKind::Aaaa,
            Answer::Records(with(&[address("mx.example", "2001:db8::1")])),
        ),
        ("alias.example", RecordKind::Mx, Answer::NoData(chain())),
        (
            "dangling.example",
            RecordKind::A,
            Answer::NoSuchName(vec![alias("dangling.example", "gone.example")]),
        ),
        // The server is asked for the name behind it too, and refuses.
        (
            "outside.example",
            RecordKind::A,
            Answer::Failed(DnsFault::Rcode { rcode: "REFUSED".to_owned(), extended: None }),
        ),
        ("example", RecordKind::Soa, Answer::Records(vec![record("example", RecordData::Other)])),
    ] {
        assert_eq!(sorted(resolver.ask(name, kind).await), sorted(want), "{name} {kind:?}");
    }
}

#[tokio::test]
async fn a_failure_comes_with_the_words_of_the_server() {
    for (mood, want) in [
        (
            Mood::Failing(ResponseCode::ServFail, b"\0\x06no DNSKEY matches"),
            "SERVFAIL (EDE 6, DNSSEC Bogus: no DNSKEY matches)",
        ),
        (Mood::Failing(ResponseCode::Refused, b"\0\x12"), "REFUSED (EDE 18, Prohibited)"),
        (Mood::Failing(ResponseCode::NXDomain, b"\0\x11"), "NXDOMAIN (EDE 17, Filtered)"),
    ] {
        let server = Running::start(mood, ZONE).await;
        let Answer::Failed(fault) = asking(&[&server]).ask("a.example", RecordKind::Mx).await
        else {
            panic!("no failure where {want} was to come");
        };
        assert_eq!(fault.to_string(), want);
        assert_eq!(server.heard().len(), 1, "a server that failed is not asked again");
    }
}

#[tokio::test]
async fn the_next_server_is_asked_and_stays_the_first() {
    for rcode in [ResponseCode::ServFail, ResponseCode::Refused] {
        let ill = Running::start(Mood::Failing(rcode, b"\0\0"), ZONE).await;
        let well = Running::start(Mood::Answering, ZONE).await;
        let resolver = asking(&[&ill, &well]);
        let first = resolver.ask("null.example", RecordKind::Mx).await;
        assert!(matches!(first, Answer::Records(_)), "{first:?}");
        resolver.ask("mx.example", RecordKind::A).await;
        assert_eq!((ill.heard().len(), well.heard().len()), (1, 2));
    }
}

#[tokio::test]
async fn a_long_answer_is_fetched_over_tcp() {
    let mut zone = ZONE.to_owned();
    for n in 0..90 {
        writeln!(zone, "long 60 IN MX {n} mail-exchanger-number-{n}.some-longer-name.example.")
            .unwrap();
    }
    let server = Running::start(Mood::Answering, &zone).await;
    let answer = asking(&[&server]).ask("long.example", RecordKind::Mx).await;
    let Answer::Records(records) = answer else { panic!("{answer:?}") };
    assert_eq!(records.len(), 90);
    let ways: Vec<_> = server.heard().into_iter().map(|(_, way)| way).collect();
    assert_eq!(ways, [Protocol::Udp, Protocol::Tcp]);
}

#[tokio::test]
async fn nothing_is_asked_twice() {
    let server = Running::start(Mood::Answering, ZONE).await;
    let resolver = asking(&[&server]);
    let ask = |name| resolver.ask(name, RecordKind::A);
    let (one, other) = tokio::join!(ask("mx.example"), ask("MX.example"));
    assert_eq!(one, other);
    assert_eq!(ask("mx.example").await, one);
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn silence_ends_in_time() {
    // The system takes the TCP connection, and nobody ever reads from it.
    let (udp, _tcp) = door().await;
    let resolver = NameServers::with_patience(vec![udp.local_addr().unwrap()], SHORT);
    let answer = resolver.ask("a.example", RecordKind::Mx).await;
    assert_eq!(answer, Answer::Failed(DnsFault::TimedOut));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_from_a_silent_one() {
    let (udp, tcp) = door().await;
    drop(tcp);
    let resolver = NameServers::with_patience(vec![udp.local_addr().unwrap()], SHORT);
    let answer = resolver.ask("a.example", RecordKind::Mx).await;
    assert_eq!(answer, Answer::Failed(DnsFault::Unreachable("connection refused".to_owned())));
}

#[tokio::test]
async fn where_udp_is_dropped_tcp_gets_through() {
    let server = Running::start(Mood::Answering, ZONE).await;
    // On another port, so that the questions over UDP meet nobody.
    let (deaf, tcp) = door().await;
    let address = deaf.local_addr().unwrap();
    let there = server.address;
    let forwarding = tokio::spawn(async move {
        let (mut near, _) = tcp.accept().await.unwrap();
        let mut far = tokio::net::TcpStream::connect(there).await.unwrap();
        tokio::io::copy_bidirectional(&mut near, &mut far).await
    });
    let resolver = NameServers::with_patience(vec![address], Duration::from_secs(1));
    let answer = resolver.ask("null.example", RecordKind::Mx).await;
    assert!(matches!(answer, Answer::Records(_)), "{answer:?}");
    forwarding.abort();
}

#[tokio::test]
async fn noise_is_no_answer() {
    let (udp, tcp) = door().await;
    drop(tcp);
    let address = udp.local_addr().unwrap();
    let noise = tokio::spawn(async move {
        let mut question = [0; 1500];
        loop {
            let (_, from) = udp.recv_from(&mut question).await.unwrap();
            let mut answer = [0xff; 60];
            answer[..2].copy_from_slice(&question[..2]);
            udp.send_to(&answer, from).await.unwrap();
        }
    });
    let resolver = NameServers::with_patience(vec![address], LONG);
    let answer = resolver.ask("a.example", RecordKind::Mx).await;
    assert!(matches!(answer, Answer::Failed(DnsFault::Unusable(_))), "{answer:?}");
    noise.abort();
}

#[tokio::test]
async fn a_name_that_dns_cannot_carry_is_refused_here() {
    let server = Running::start(Mood::Answering, ZONE).await;
    let long = format!("{}.example", "a".repeat(64));
    for name in ["a..example", &long] {
        let answer = asking(&[&server]).ask(name, RecordKind::A).await;
        assert!(matches!(answer, Answer::Failed(DnsFault::Unusable(_))), "{answer:?}");
    }
    assert!(server.heard().is_empty());
}
