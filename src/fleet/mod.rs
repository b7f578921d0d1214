//! A simulated mail world (zones, servers, certificates, faults) for the demo and the tests.
//!
//! A world file becomes a [`Fleet`], which takes the place of DNS, network and machine behind the
//! seams of `probe`. Uses documentation addresses and carries them over loopback or memory. Never
//! leaves the machine.

mod certificates;
mod demo;
mod flight;
mod ledger;
mod pipe;
mod policy_host;
mod promises;
mod script;
mod server;
mod short;
mod spoil;
pub mod words;
pub mod world;
mod zone;

use std::{
    collections::{BTreeMap, VecDeque},
    future::pending,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use rustls::RootCertStore;
use tokio::{sync::watch, time::sleep};

use self::{
    certificates::Authority,
    ledger::Lease,
    pipe::{Held, Line},
    policy_host::PolicyHost,
    script::Script,
    words::ConnectWord,
    world::{Mx, Server},
    zone::{Zone, sites},
};
pub use self::{
    demo::{DEMOS, Demo},
    ledger::{Heard, Ledger, Visit},
    pipe::Carrier,
    world::{World, WorldFault},
};
use crate::{
    config::{HTTPS, Limits},
    probe::{
        Channel, Dialer, Event, Machine, Probe, RecordData, RecordKind, Resolver, Stream, Trust,
        seam::Later, vantage::Lookout,
    },
    smtp::{DomainName, HelloName, Mailbox},
    survey::{Asked, Depth, Expected, Families, FaultKind, Phase, Plan, Survey, Vantage},
};

/// Where the prober stands: our addresses as servers see them.
const CLIENT: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 25)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x25, 0, 0, 0, 0, 0x25)),
];
const CLIENT_NAME: &str = "probe.example";
const CONTROL_NAME: &str = "control.example";
const CONTROL: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 10));

/// The networks of a world: reserved for examples, so that no world can name somebody's host.
/// RFC 5737, RFC 3849.
const NETWORKS: [&str; 4] = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"];

/// A world, up and running.
pub struct Fleet {
    now: Timestamp,
    domain: DomainName,
    helo: HelloName,
    asked: Arc<Asked>,
    standing: world::Standing,
    zone: Zone,
    servers: BTreeMap<IpAddr, Vec<Arc<Script>>>,
    policy_host: Option<Arc<PolicyHost>>,
    ledger: Ledger,
    carrier: Carrier,
    trust: Trust,
}

/// Who answers a connection.
enum Answerer {
    Mail(Arc<Script>),
    Policy(Arc<PolicyHost>),
}

impl Answerer {
    async fn serve<L: Line>(self, line: L, ledger: Ledger, visit: Visit) {
        match self {
            Self::Mail(script) => server::serve(line, script, ledger, visit).await,
            Self::Policy(host) => host.serve(line, &ledger, visit).await,
        }
    }
}

/// What a run over a fleet needs beside it.
pub struct Run<'a> {
    pub limits: Limits,
    /// What the same call found out before this, of other domains.
    pub earlier: &'a [Survey],
    pub stop: watch::Receiver<bool>,
    pub progress: &'a (dyn Fn(Event<'_>) + Sync),
}

impl Fleet {
    /// Sets up `world`; certificates count their days from `now`.
    pub fn new(world: &World, now: Timestamp, carrier: Carrier) -> Result<Self, WorldFault> {
        let sites = sites(world);
        let authority = Authority::new(now)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.root().clone()).map_err(fault)?;
        let mut fleet = Self {
            now,
            domain: world.domain.clone(),
            helo: HelloName::parse(CLIENT_NAME).map_err(fault)?,
            asked: Arc::new(asked(world)?),
            standing: world.vantage.clone(),
            zone: Zone::of(world, &sites),
            servers: BTreeMap::new(),
            policy_host: PolicyHost::of(world, &authority)?,
            ledger: Ledger::default(),
            carrier,
            trust: Trust { roots: Arc::new(roots) },
        };
        for site in &sites {
            for &address in &site.addresses {
                let servers = site.entry.servers_at(address);
                fleet.settle(&site.name, address, &servers, &authority)?;
            }
        }
        for site in &sites {
            // Where two hosts share an address the server bears the name of the first.
            let first = site.addresses.first().and_then(|address| fleet.servers.get(address));
            let (host, server) = first
                .map_or((&site.name, &site.entry.server), |all| (&all[0].host, &all[0].server));
            for word in &site.entry.tlsa {
                let data = RecordData::Tlsa(authority.tlsa(word, host, server)?);
                fleet.zone.add(&promises::tlsa_name(site), RecordKind::Tlsa, data);
            }
        }
        fleet.settle(CONTROL_NAME, CONTROL, &[&Server::default()], &authority)?;
        fleet.zone.add_confirmed(CONTROL_NAME, CONTROL);
        if fleet.standing.identity {
            let exchange = CLIENT_NAME.to_owned();
            let data = RecordData::Exchange { preference: 10, exchange };
            fleet.zone.add(CLIENT_NAME, RecordKind::Mx, data);
            for address in CLIENT {
                fleet.zone.add_confirmed(CLIENT_NAME, address);
            }
        }
        Ok(fleet)
    }

    /// Surveys the domain of the world, as `check` would.
    pub async fn survey(&self, run: Run<'_>) -> Survey {
        let control = DomainName::parse(CONTROL_NAME).ok().filter(|_| self.standing.control);
        let vantage = self.vantage(run.limits, control.as_ref()).await;
        self.probe(run, &vantage).survey(&self.domain, self.now).await
    }

    /// Says what a survey would do, as `check --plan` would; not even the control host is visited.
    pub async fn plan(&self, run: Run<'_>) -> Plan {
        let vantage = self.vantage(run.limits, None).await;
        self.probe(run, &vantage).plan(&self.domain).await
    }

    async fn vantage(&self, limits: Limits, control: Option<&DomainName>) -> Vantage {
        let lookout = Lookout { resolver: &self.zone, machine: self, dialer: self, limits };
        lookout.vantage(self.helo.clone(), &self.asked, control).await
    }

    fn probe<'a>(&'a self, run: Run<'a>, vantage: &'a Vantage) -> Probe<'a> {
        Probe {
            resolver: &self.zone,
            machine: self,
            dialer: self,
            trust: &self.trust,
            limits: run.limits,
            asked: &self.asked,
            earlier: run.earlier,
            vantage,
            stop: run.stop,
            progress: run.progress,
        }
    }

    /// What the world asks, as the options of `check` would say it.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The DNS of the world.
    pub fn resolver(&self) -> &dyn Resolver {
        &self.zone
    }

    /// The anchors of a run: the fleet's own root, and none besides.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What the servers heard.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Puts servers at an address, the first visit's first; whoever came first keeps it.
    fn settle(
        &mut self,
        host: &str,
        address: IpAddr,
        servers: &[&Server],
        authority: &Authority,
    ) -> Result<(), WorldFault> {
        if self.servers.contains_key(&address) {
            return Ok(());
        }
        let script = |server: &&Server| {
            let encrypts = server.starttls || server.starttls_reply.is_some();
            let tls = encrypts.then(|| authority.config(host, server)).transpose()?;
            let floor = server.floor.as_ref().filter(|_| encrypts);
            let chain = floor.map(|_| authority.chain(host, server)).transpose()?;
            Ok(Arc::new(Script {
                host: host.to_owned(),
                server: (*server).clone(),
                tls,
                chain: chain.unwrap_or_default(),
                domain: self.domain.clone(),
                asked: Arc::clone(&self.asked),
                client: client(address),
            }))
        };
        let scripts = servers.iter().map(script).collect::<Result<Vec<_>, WorldFault>>()?;
        self.servers.insert(address, scripts);
        Ok(())
    }

    /// Waits for ever where a packet would be lost.
    async fn connect(&self, to: SocketAddr) -> Result<Channel, FaultKind> {
        let lease = self.ledger.begin(to);
        let visit = lease.visit;
        let from = client(to.ip());
        if to.is_ipv6() && !self.standing.ipv6 {
            return Err(FaultKind::NoRoute);
        }
        let (word, delay, answerer) = if to.port() == HTTPS {
            let host = self.policy_host.as_ref().ok_or(FaultKind::Unreachable)?;
            let word = host.connect(to.ip()).ok_or(FaultKind::Unreachable)?;
            (word, Duration::ZERO, Answerer::Policy(Arc::clone(host)))
        } else {
            if !self.standing.port25 {
                return pending().await;
            }
            let scripts = self.servers.get(&to.ip()).ok_or(FaultKind::Unreachable)?;
            // The last one stands for all visits that follow.
            let script = &scripts[(visit.number - 1).min(scripts.len() - 1)];
            let delay = script.delay(Phase::Connect).unwrap_or_default();
            (script.server.connect, delay, Answerer::Mail(Arc::clone(script)))
        };
        pause(delay + self.round_trip()).await;
        match word {
            ConnectWord::Accept => {}
            ConnectWord::Drop => return pending().await,
            ConnectWord::Refuse => return Err(FaultKind::Refused),
            ConnectWord::Reset => return Err(FaultKind::Reset),
            ConnectWord::Unreachable => return Err(FaultKind::Unreachable),
        }
        let stream = self.carry(answerer, lease).await?;
        let port = 49_152 + u16::try_from(visit.number).unwrap_or_default();
        Ok(Channel { stream, local: Some(SocketAddr::new(from, port)) })
    }

    /// Our end of a connection at whose other end somebody answers.
    async fn carry(&self, answerer: Answerer, lease: Lease) -> Result<Box<dyn Stream>, FaultKind> {
        let (ledger, visit) = (self.ledger.clone(), lease.visit);
        Ok(match self.carrier {
            Carrier::Memory { round_trip } => {
                let (near, far) = pipe::pipe(round_trip / 2);
                tokio::spawn(async move {
                    // The last packet of the connect is still under way.
                    pause(round_trip / 2).await;
                    answerer.serve(far, ledger, visit).await;
                });
                Box::new(Held { head: VecDeque::new(), stream: near, keep: lease })
            }
            Carrier::Loopback => {
                let loopback = pipe::loopback().await;
                let (near, far) = loopback.map_err(|error| FaultKind::Io(error.to_string()))?;
                tokio::spawn(answerer.serve(far, ledger, visit));
                Box::new(Held { head: VecDeque::new(), stream: near, keep: lease })
            }
        })
    }

    fn round_trip(&self) -> Duration {
        match self.carrier {
            Carrier::Loopback => Duration::ZERO,
            Carrier::Memory { round_trip } => round_trip,
        }
    }
}

impl Dialer for Fleet {
    fn dial(&self, to: SocketAddr) -> Later<'_, Result<Channel, FaultKind>> {
        Box::pin(self.connect(to))
    }
}

impl Machine for Fleet {
    fn source(&self, to: IpAddr) -> Option<IpAddr> {
        (to.is_ipv4() || self.standing.ipv6).then(|| client(to))
    }

    fn owns(&self, address: IpAddr) -> bool {
        CLIENT.contains(&address)
    }

    fn name(&self) -> Option<String> {
        Some(CLIENT_NAME.to_owned())
    }
}

/// Sleeps, but not at all for no time: the timer would round it up.
async fn pause(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

/// The prober's address of the same family as `to`.
fn client(to: IpAddr) -> IpAddr {
    CLIENT[usize::from(to.is_ipv6())]
}

fn asked(world: &World) -> Result<Asked, WorldFault> {
    let ask = &world.ask;
    let mailbox = |local: &str| Mailbox::new(local, world.domain.clone()).map_err(fault);
    let recipients = match ask.rcpt.as_slice() {
        _ if ask.no_rcpt => Vec::new(),
        [] => vec![mailbox("postmaster")?],
        given => given.to_vec(),
    };
    let sender = match &ask.mail_from {
        Some(sender) => sender.clone(),
        None => format!("postmaster@{CLIENT_NAME}").parse().map_err(fault)?,
    };
    let nonsense = (!ask.no_nonsense).then(|| mailbox("mxparity-no-such-mailbox"));
    let name = |entry: &Mx| DomainName::parse(&entry.host).map_err(fault);
    Ok(Asked {
        sender,
        recipients,
        nonsense: nonsense.transpose()?,
        relay: ask.relay_test.clone(),
        by_hand: Vec::new(),
        also: world.also.iter().map(name).collect::<Result<_, _>>()?,
        port: 25,
        families: ask.families.unwrap_or(Families::Both),
        depth: ask.depth.unwrap_or(Depth::Session),
        allow_private: ask.allow_private,
        allow_net: NETWORKS.map(str::parse).into_iter().collect::<Result<_, _>>().map_err(fault)?,
        resolver: None,
        expected: Expected {
            hosts: ask.hosts.clone(),
            states: ask.expect.clone(),
            waivers: ask.waive.clone(),
        },
        memory: ask.memory.clone(),
    })
}

fn fault(error: impl std::fmt::Display) -> WorldFault {
    WorldFault(error.to_string())
}
