//! A small signed internet: a root, `example` below it, and zones below that, sound and broken.
//!
//! One server answers for all of them, as a resolver would that has everything in its cache. Its root
//! key is made for each test; the built-in one plays no part.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use hickory_server::{
    Server,
    dnssec::NxProofKind,
    net::runtime::{Time, TokioRuntimeProvider},
    proto::{
        dnssec::{
            Algorithm, DigestType, DnssecSigner, Nsec3HashAlgorithm, SigningKey, TrustAnchors,
            crypto::EcdsaSigningKey,
            rdata::{DNSKEY, DNSSECRData, DS, RRSIG},
        },
        op::Message,
        rr::{LowerName, Name, RData, Record, RecordType, RrKey, SerialNumber, rdata::NS},
        serialize::txt::Parser,
    },
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    store::in_memory::InMemoryZoneHandler,
    zone_handler::{AxfrPolicy, Catalog, ZoneType},
};
use mxparity::probe::NameServers;
use tokio::{net::UdpSocket, task::JoinHandle};

/// Long enough for any machine: what answers, answers at once.
const LONG: Duration = Duration::from_secs(30);

/// What every zone of the lowest level holds.
const CONTENT: &str = "\
@              60 IN SOA   ns.example. hostmaster.example. 1 3600 600 86400 60
@              60 IN NS    ns.example.
@              60 IN MX    10 mx
@              60 IN TXT   \"v=spf1 -all\"
mx             60 IN A     192.0.2.1
mx             60 IN AAAA  2001:db8::1
_25._tcp.mx    60 IN TLSA  3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
mx1            60 IN A     192.0.2.11
mx2            60 IN A     192.0.2.12
mx3            60 IN A     192.0.2.13
mx4            60 IN A     192.0.2.14
mx5            60 IN A     192.0.2.15
wild           60 IN A     192.0.2.2
*._tcp.wild    60 IN TLSA  3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
alias          60 IN CNAME mx
away           60 IN CNAME mx.unsigned.example.
dead           60 IN CNAME gone
";

type Zone = InMemoryZoneHandler<TokioRuntimeProvider>;

/// The running server; it ends with this value.
pub struct Internet {
    pub address: SocketAddr,
    pub anchors: TrustAnchors,
    heard: Arc<Mutex<Vec<String>>>,
    _server: Server<Estate>,
}

/// Every zone with what answers for it.
struct Estate {
    zones: Vec<(LowerName, Catalog)>,
    heard: Arc<Mutex<Vec<String>>>,
}

/// Stands before the server as a resolver, and changes what it says.
pub struct Front {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

#[async_trait::async_trait]
impl RequestHandler for Estate {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        response: R,
    ) -> ResponseInfo {
        let query = &request.queries.queries()[0];
        let (name, kind) = (query.name(), query.query_type());
        self.heard.lock().unwrap().push(format!("{name} {kind} {}", request.protocol()));
        // The DS record of a zone is in the zone above.
        let holds = |(origin, _): &&(LowerName, Catalog)| {
            origin.zone_of(name) && !(kind == RecordType::DS && origin == name && !name.is_root())
        };
        let holder = self.zones.iter().filter(holds).max_by_key(|(origin, _)| origin.num_labels());
        let (_, catalog) = holder.expect("the root holds everything");
        catalog.handle_request::<R, T>(request, response).await
    }
}

impl Internet {
    pub async fn start() -> Self {
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let mut zones = Vec::new();
        let mut host = |origin: &str, zone: Zone| {
            let mut catalog = Catalog::new();
            catalog.upsert(name(origin).into(), vec![Arc::new(zone)]);
            zones.push((LowerName::from(name(origin)), catalog));
        };
        let mut below = Vec::new();
        for (origin, denial) in [
            ("nsec.example.", NxProofKind::Nsec),
            ("nsec3.example.", nsec3(0)),
            ("iterated.example.", nsec3(150)),
            ("wrong.example.", NxProofKind::Nsec),
            ("expired.example.", NxProofKind::Nsec),
            ("future.example.", NxProofKind::Nsec),
            ("forged.example.", NxProofKind::Nsec),
            ("bare.example.", NxProofKind::Nsec),
            ("large.example.", NxProofKind::Nsec),
        ] {
            let key = key();
            // The key that the zone above speaks of may be another one.
            let other = self::key();
            let told = if origin == "wrong.example." { &other } else { &key };
            below.push((origin, Some(digest(told, origin))));
            let mut zone = zone(origin, CONTENT, denial);
            if origin == "large.example." {
                for _ in 0..20 {
                    let spare = self::key().to_public_key().unwrap();
                    let spare = DNSSECRData::DNSKEY(DNSKEY::from_key(&spare));
                    zone.upsert_mut(Record::from_rdata(name(origin), 60, RData::DNSSEC(spare)), 1);
                }
            }
            sign(&mut zone, origin, key);
            match origin {
                "expired.example." => {
                    resign(&mut zone, origin, |signature| Some(redated(signature, 1_700_000_000)));
                }
                "future.example." => {
                    resign(&mut zone, origin, |signature| Some(redated(signature, 2_200_000_000)));
                }
                "forged.example." => resign(&mut zone, origin, |signature| {
                    let forged = signature.sig().iter().map(|octet| !octet).collect();
                    Some(RRSIG::from_sig(signature.input().clone(), forged))
                }),
                "bare.example." => resign(&mut zone, origin, |_| None),
                _ => {}
            }
            host(origin, zone);
        }
        // Of an algorithm that nobody knows.
        let unknown = DS::new(1, Algorithm::Unknown(200), DigestType::SHA256, vec![1; 32]);
        below.push(("unknown.example.", Some(unknown)));
        below.push(("unsigned.example.", None));
        for origin in ["unknown.example.", "unsigned.example."] {
            host(origin, zone(origin, CONTENT, NxProofKind::Nsec));
        }
        let apex = "@ 60 IN SOA ns.example. root.example. 1 3600 600 86400 60\n\
                    @ 60 IN NS ns.example.\n";
        let mut example =
            zone("example.", &format!("{apex}ns 60 IN A 127.0.0.1\n"), NxProofKind::Nsec);
        for (origin, ds) in below {
            delegate(&mut example, origin, ds);
        }
        let example_key = key();
        let ds = digest(&example_key, "example.");
        sign(&mut example, "example.", example_key);
        host("example.", example);
        let mut root = zone(".", apex, NxProofKind::Nsec);
        delegate(&mut root, "example.", Some(ds));
        let root_key = key();
        let mut anchors = TrustAnchors::empty();
        anchors.insert(&root_key.to_public_key().unwrap());
        sign(&mut root, ".", root_key);
        host(".", root);

        let mut server = Server::new(Estate { zones, heard: Arc::clone(&heard) });
        let (udp, tcp) = super::door().await;
        let address = udp.local_addr().unwrap();
        server.register_socket(udp);
        server.register_listener(tcp, LONG, 64);
        Self { address, anchors, heard, _server: server }
    }

    /// A resolver that asks this server.
    pub fn resolver(&self) -> NameServers {
        self.resolver_at(self.address)
    }

    /// A resolver that asks another one, and trusts this root.
    pub fn resolver_at(&self, address: SocketAddr) -> NameServers {
        NameServers::with_patience(vec![address], LONG).anchored(self.anchors.clone())
    }

    /// Puts `shape` between this server and who asks.
    pub async fn behind(&self, shape: impl Fn(&mut Message) + Send + Sync + 'static) -> Front {
        Front::start(self.address, shape).await
    }

    /// What was asked, as name, type and transport.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Front {
    async fn start(
        server: SocketAddr,
        shape: impl Fn(&mut Message) + Send + Sync + 'static,
    ) -> Self {
        let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = near.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut octets = [0; 4096];
            loop {
                let (length, from) = near.recv_from(&mut octets).await.unwrap();
                let question = Message::from_vec(&octets[..length]).unwrap();
                let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                far.send_to(&octets[..length], server).await.unwrap();
                let (length, _) = far.recv_from(&mut octets).await.unwrap();
                let mut answer = Message::from_vec(&octets[..length]).unwrap();
                // What a shape may want to know of the question stands in its answer.
                answer.metadata.checking_disabled = question.metadata.checking_disabled;
                answer.metadata.recursion_available = true;
                shape(&mut answer);
                near.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        Self { address, task }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn name(word: &str) -> Name {
    Name::from_ascii(word).unwrap()
}

fn nsec3(iterations: u16) -> NxProofKind {
    let algorithm = Nsec3HashAlgorithm::default();
    NxProofKind::Nsec3 { algorithm, salt: Arc::new([]), iterations, opt_out: false }
}

fn key() -> EcdsaSigningKey {
    let document = EcdsaSigningKey::generate_pkcs8(Algorithm::ECDSAP256SHA256).unwrap();
    EcdsaSigningKey::from_pkcs8(&document, Algorithm::ECDSAP256SHA256).unwrap()
}

fn digest(key: &EcdsaSigningKey, origin: &str) -> DS {
    DS::from_key(&key.to_public_key().unwrap(), &name(origin), DigestType::SHA256).unwrap()
}

fn zone(origin: &str, text: &str, denial: NxProofKind) -> Zone {
    let origin = name(origin);
    let (_, records) = Parser::new(text, None, Some(origin.clone())).parse().unwrap();
    Zone::new(origin, records, ZoneType::Primary, AxfrPolicy::Deny, Some(denial)).unwrap()
}

fn delegate(zone: &mut Zone, child: &str, digest: Option<DS>) {
    let server = RData::NS(NS(name("ns.example.")));
    let digest = digest.map(|digest| RData::DNSSEC(DNSSECRData::DS(digest)));
    for data in [Some(server), digest].into_iter().flatten() {
        assert!(zone.upsert_mut(Record::from_rdata(name(child), 60, data), 1));
    }
}

fn sign(zone: &mut Zone, origin: &str, key: EcdsaSigningKey) {
    let dnskey = DNSKEY::from_key(&key.to_public_key().unwrap());
    let week = Duration::from_secs(7 * 24 * 3600);
    let signer = DnssecSigner::new(dnskey, Box::new(key), name(origin), week);
    zone.add_zone_signing_key_mut(signer).unwrap();
    zone.secure_zone_mut().unwrap();
}

/// Does this to the signatures of the zone's MX record.
fn resign(zone: &mut Zone, origin: &str, make: impl Fn(&RRSIG) -> Option<RRSIG>) {
    let set = zone.records_get_mut().get_mut(&RrKey::new(name(origin).into(), RecordType::MX));
    let set = Arc::make_mut(set.expect("every zone has one"));
    let signatures: Vec<Record> = set.rrsigs().to_vec();
    set.clear_rrsigs();
    for record in signatures {
        let RData::DNSSEC(DNSSECRData::RRSIG(signature)) = &record.data else { continue };
        if let Some(made) = make(signature) {
            let data = RData::DNSSEC(DNSSECRData::RRSIG(made));
            set.insert_rrsig(Record::from_rdata(record.name.clone(), 60, data));
        }
    }
}

/// A day around `time`.
pub fn redated(signature: &RRSIG, time: u32) -> RRSIG {
    let mut input = signature.input().clone();
    input.sig_inception = SerialNumber::new(time - 43_200);
    input.sig_expiration = SerialNumber::new(time + 43_200);
    RRSIG::from_sig(input, signature.sig().to_vec())
}
