//! Where we stand: our addresses and their names, who we say we are, and whether port 25 is open.
//!
//! Connects to the control host alone, and says no more there than QUIT. Nothing seen here is a
//! fact about the domain that is looked at. Longer than most, half of it tests: every doubt about
//! ourselves that is got wrong would be laid at somebody else's door.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::{
    Channel, Dialer, Machine, Resolver,
    lookup::{self, Outcome},
    special,
};
use crate::{
    config::Limits,
    smtp::{Command, DomainName, HelloName, Mailbox, ReplyReader, ReversePath},
    survey::{
        Access, AddressAnswer, Asked, Connected, Control, Fault, FaultKind, Phase, Presence,
        Reverse, Stage, Vantage, vantage::SourceAddress,
    },
};

/// Where every mail host listens; a control host proves nothing on another port.
const SMTP: u16 = 25;

/// For the greeting of the control host and our QUIT; what they are worth was known at the connect.
const FAREWELL: Duration = Duration::from_secs(10);

/// One address beyond our own network in each family; reserved, and nothing is sent there.
const ELSEWHERE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// What a look at ourselves needs.
#[derive(Clone, Copy)]
pub struct Lookout<'a> {
    pub resolver: &'a dyn Resolver,
    pub machine: &'a dyn Machine,
    pub dialer: &'a dyn Dialer,
    pub limits: Limits,
}

impl Lookout<'_> {
    /// What servers see of us when we call ourselves `helo` and ask as `asked` says; `control` is
    /// the known-good host, if the user named one.
    pub async fn vantage(
        &self,
        helo: HelloName,
        asked: &Asked,
        control: Option<&DomainName>,
    ) -> Vantage {
        let control = async {
            match control {
                Some(host) => Some(self.control(host, asked).await),
                None => None,
            }
        };
        let sources = self.sources();
        let (sources, sender_domain, control) =
            tokio::join!(sources, self.takes_mail(&asked.sender), control);
        let helo_resolves = self.leads_here(&helo, &sources).await;
        Vantage {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            helo,
            helo_resolves,
            ipv6: ipv6(&sources),
            sources,
            sender_domain,
            control,
            port25: Presence::Unknown,
        }
    }

    /// The name to greet with when the user gave none: one that leads to us, if there is any.
    pub async fn own_name(&self) -> HelloName {
        let sources = self.sources().await;
        for source in &sources {
            if let Reverse::Confirmed(name) = &source.reverse
                && let Some(name) = host_name(name)
            {
                return HelloName::Name(name);
            }
        }
        let machine = self.machine.name().as_deref().and_then(host_name);
        if let Some(name) = &machine
            && !lookup::addresses(self.resolver, name.as_str()).await.found.is_empty()
        {
            return HelloName::Name(name.clone());
        }
        // RFC 5321 §4.1.4: without a name, the address; one that only our own network knows comes
        // after a name that does not resolve.
        let mut addresses = sources.iter().map(|source| source.address);
        let public = addresses.clone().find(|address| !special::is_local(*address));
        match (public, machine) {
            (Some(address), _) => HelloName::Literal(address),
            (None, Some(name)) => HelloName::Name(name),
            (None, None) => {
                HelloName::Literal(addresses.next().unwrap_or(Ipv4Addr::LOCALHOST.into()))
            }
        }
    }

    /// Our source address in each family, and its reverse name. Where a single visit came from is
    /// written down with the visit.
    async fn sources(&self) -> Vec<SourceAddress> {
        let sources = ELSEWHERE.into_iter().filter_map(|to| self.machine.source(to));
        let source = async |address| {
            // Servers see the far side of the translator, not this address.
            let reverse = if special::is_local(address) {
                Reverse::NotAsked
            } else {
                lookup::reverse(self.resolver, address).await
            };
            SourceAddress { address, reverse }
        };
        join_all(sources.map(source)).await
    }

    async fn leads_here(&self, helo: &HelloName, sources: &[SourceAddress]) -> Presence {
        let ours = |address: &IpAddr| sources.iter().any(|source| source.address == *address);
        let (found, whole) = match helo {
            HelloName::Literal(address) => (vec![*address], true),
            HelloName::Name(name) => {
                let addresses = lookup::addresses(self.resolver, name.as_str()).await;
                let failed = |answer: &AddressAnswer| matches!(answer, AddressAnswer::Failed(_));
                let whole = !failed(&addresses.a) && !failed(&addresses.aaaa);
                (addresses.found, whole)
            }
        };
        // Behind a translator or a proxy we do not know which address servers see.
        let hidden = sources.iter().any(|source| special::is_local(source.address));
        if found.iter().any(ours) {
            Presence::Present
        } else if whole && (found.is_empty() || !(hidden || sources.is_empty())) {
            Presence::Absent
        } else {
            Presence::Unknown
        }
    }

    /// Whether bounces could be delivered: RFC 5321 §5.1 without asking the hosts themselves.
    async fn takes_mail(&self, sender: &ReversePath) -> Presence {
        let ReversePath::Mailbox(mailbox) = sender else {
            return Presence::Unknown;
        };
        let domain = mailbox.domain().as_str();
        match lookup::exchanges(self.resolver, domain).await {
            Outcome::Found(records) => {
                // RFC 7505 §3: the null MX says that no mail is taken.
                let any = records.iter().any(|(_, exchange)| exchange != ".");
                if any { Presence::Present } else { Presence::Absent }
            }
            Outcome::NoSuchName => Presence::Absent,
            Outcome::Failed(_) => Presence::Unknown,
            Outcome::NoData => {
                let addresses = lookup::addresses(self.resolver, domain).await;
                match (addresses.found.is_empty(), addresses.a, addresses.aaaa) {
                    (false, ..) => Presence::Present,
                    (true, AddressAnswer::Failed(_), _) | (true, _, AddressAnswer::Failed(_)) => {
                        Presence::Unknown
                    }
                    (true, ..) => Presence::Absent,
                }
            }
        }
    }

    /// Dials the control host, one address of each family that we could reach.
    async fn control(&self, host: &DomainName, asked: &Asked) -> Control {
        let began = Instant::now();
        let addresses = lookup::addresses(self.resolver, host.as_str()).await;
        let access = |address: IpAddr| special::access(address, asked, self.machine.owns(address));
        let first = |ipv4| {
            let family = addresses.found.iter().filter(move |address| address.is_ipv4() == ipv4);
            family.copied().find(|address| access(*address).may_visit())
        };
        let dialled = [first(true), first(false)].into_iter().flatten();
        let tried = join_all(dialled.map(|address| self.dial(address))).await;
        let why = match (tried.is_empty(), addresses.found.first()) {
            (false, _) => None,
            (true, None) => Some(format!("no address for {host}: {}", no_address(&addresses))),
            (true, Some(address)) => Some(match access(*address) {
                Access::Own => format!("{host} is this machine"),
                Access::SpecialPurpose(name) => format!("{host} is not public ({name})"),
                _ => format!("{host} has no address of the family asked for"),
            }),
        };
        let fault = why.map(|why| Fault::new(Phase::Connect, FaultKind::Io(why), began.elapsed()));
        Control { host: host.to_string(), tried, fault }
    }

    async fn dial(&self, address: IpAddr) -> (SocketAddr, Stage<Connected>) {
        let to = SocketAddr::new(address, SMTP);
        let began = Instant::now();
        let stage = match timeout(self.limits.connect, self.dialer.dial(to)).await {
            Ok(Ok(channel)) => {
                let after_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                let local = channel.local;
                // How they take their leave changes nothing.
                let _ = timeout(FAREWELL, take_leave(channel)).await;
                Stage::Reached(Connected { local, after_ms })
            }
            Ok(Err(kind)) => Stage::Broke(Fault::new(Phase::Connect, kind, began.elapsed())),
            Err(_) => {
                Stage::Broke(Fault::new(Phase::Connect, FaultKind::TimedOut, began.elapsed()))
            }
        };
        (to, stage)
    }
}

/// The sender to name when the user gave none. An address literal has no domain that takes mail, so
/// there it is the null sender.
pub fn own_sender(helo: &HelloName) -> ReversePath {
    let HelloName::Name(name) = helo else {
        return ReversePath::Null;
    };
    Mailbox::new("postmaster", name.clone()).map_or(ReversePath::Null, ReversePath::Mailbox)
}

/// Hears the greeting out, so that the log over there shows an orderly visit.
async fn take_leave(mut channel: Channel) -> std::io::Result<()> {
    let mut reader = ReplyReader::default();
    let mut buffer = [0; 512];
    loop {
        let read = channel.stream.read(&mut buffer).await?;
        match reader.push(&buffer[..read]) {
            Ok(None) if read > 0 => {}
            Ok(Some(_)) => break,
            // Closed, or no mail server: nobody there to take leave of.
            Ok(None) | Err(_) => return Ok(()),
        }
    }
    channel.stream.write_all(&Command::Quit.to_wire()).await?;
    channel.stream.flush().await?;
    // The first byte of the 221 tells that QUIT arrived.
    channel.stream.read_u8().await?;
    Ok(())
}

/// Whether connections over IPv6 can leave this machine for the internet. Where no family has a way
/// out that we know of, a proxy may have.
fn ipv6(sources: &[SourceAddress]) -> Presence {
    let goes_out =
        |source: &SourceAddress| source.address.is_ipv6() && !special::is_local(source.address);
    if sources.iter().any(goes_out) {
        Presence::Present
    } else if sources.is_empty() {
        Presence::Unknown
    } else {
        Presence::Absent
    }
}

fn host_name(name: &str) -> Option<DomainName> {
    DomainName::parse(name).ok().filter(DomainName::is_host_name)
}

fn no_address(addresses: &lookup::Addresses) -> String {
    match (&addresses.a, &addresses.aaaa) {
        (AddressAnswer::Failed(fault), _) | (_, AddressAnswer::Failed(fault)) => fault.to_string(),
        (AddressAnswer::NoSuchName, _) => "no such name".to_owned(),
        _ => "neither A nor AAAA".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        probe::{
            Answer, RecordKind,
            stand_in::{self, Desktop, Door, Map},
        },
        survey::{DnsFault, Families},
    };

    const HOME: &str = "192.0.2.7";

    fn machine(addresses: &[&str], name: Option<&str>) -> Desktop {
        let addresses = addresses.iter().map(|word| word.parse().unwrap()).collect();
        Desktop { addresses, name: name.map(str::to_owned) }
    }

    fn known() -> Map {
        Map::default().with("7.2.0.192.in-addr.arpa", RecordKind::Ptr, &["probe.example"]).with(
            "probe.example",
            RecordKind::A,
            &[HOME],
        )
    }

    fn lookout<'a>(map: &'a Map, machine: &'a Desktop, door: &'a Door) -> Lookout<'a> {
        Lookout { resolver: map, machine, dialer: door, limits: Limits::default() }
    }

    async fn seen(map: &Map, machine: &Desktop, helo: &str, sender: &str) -> Vantage {
        let asked = Asked { sender: sender.parse().unwrap(), ..stand_in::asked() };
        let door = Door::default();
        lookout(map, machine, &door).vantage(helo.parse().unwrap(), &asked, None).await
    }

    #[tokio::test]
    async fn the_own_name_is_one_that_leads_here() {
        let box_here = || Map::default().with("box.example", RecordKind::A, &["192.0.2.99"]);
        for (map, addresses, name, want) in [
            (known(), &[HOME][..], Some("box.example"), "probe.example"),
            (box_here(), &[HOME], Some("box.example"), "box.example"),
            (box_here(), &["10.0.0.7"], Some("box.example"), "box.example"),
            (Map::default(), &[HOME], Some("box.example"), "[192.0.2.7]"),
            (Map::default(), &["10.0.0.7", "2001:db8::7"], None, "[IPv6:2001:db8::7]"),
            (Map::default(), &["10.0.0.7"], Some("box.example"), "box.example"),
            (Map::default(), &["10.0.0.7"], Some("box"), "[10.0.0.7]"),
            (Map::default(), &[], Some("my box"), "[127.0.0.1]"),
        ] {
            let machine = machine(addresses, name);
            let got = lookout(&map, &machine, &Door::default()).own_name().await;
            assert_eq!(got.to_string(), want, "{addresses:?} {name:?}");
        }
    }

    #[test]
    fn the_own_sender_is_postmaster_where_there_is_a_domain() {
        for (helo, want) in [("probe.example", "<postmaster@probe.example>"), ("[192.0.2.7]", "<>")]
        {
            assert_eq!(own_sender(&helo.parse().unwrap()).to_string(), want);
        }
    }

    #[tokio::test]
    async fn the_greeting_name_is_followed_back_to_us() {
        use Presence::{Absent, Present, Unknown};
        let ill = || Map::default().failing("ill.example", RecordKind::A, DnsFault::TimedOut);
        for (map, address, helo, want) in [
            (known(), HOME, "probe.example", Present),
            (known(), "192.0.2.8", "probe.example", Absent),
            (known(), HOME, "gone.example", Absent),
            (known(), HOME, "[192.0.2.7]", Present),
            (known(), HOME, "[192.0.2.8]", Absent),
            // Behind a translator the name may well be right.
            (known(), "10.0.0.7", "probe.example", Unknown),
            (known(), "10.0.0.7", "gone.example", Absent),
            (ill(), HOME, "ill.example", Unknown),
        ] {
            let got = seen(&map, &machine(&[address], None), helo, "<>").await;
            assert_eq!(got.helo_resolves, want, "{helo} at {address}");
        }
        let nowhere = seen(&known(), &machine(&[], None), "probe.example", "<>").await;
        assert_eq!((nowhere.helo_resolves, nowhere.ipv6), (Unknown, Unknown));
    }

    #[tokio::test]
    async fn sources_are_asked_back_unless_they_are_local() {
        let machine = machine(&[HOME, "fd00::7"], None);
        let got = seen(&known(), &machine, "probe.example", "<>").await;
        let reverse = |position: usize| got.sources[position].reverse.clone();
        assert_eq!(reverse(0), Reverse::Confirmed("probe.example".to_owned()));
        assert_eq!(reverse(1), Reverse::NotAsked);
        assert_eq!(got.ipv6, Presence::Absent);
    }

    #[tokio::test]
    async fn the_sender_domain_takes_mail_or_does_not() {
        use Presence::{Absent, Present, Unknown};
        use RecordKind::{A, Aaaa, Mx, Soa};
        let at = "s.example";
        for (map, want) in [
            (Map::default().with(at, Mx, &["10 mx.example"]), Present),
            (Map::default().with(at, Mx, &["0 ."]).with(at, A, &[HOME]), Absent),
            (Map::default().with(at, Aaaa, &["2001:db8::7"]), Present),
            (Map::default().with(at, Soa, &[""]), Absent),
            (Map::default(), Absent),
            (Map::default().failing(at, Mx, DnsFault::TimedOut).with(at, A, &[HOME]), Unknown),
            (Map::default().with(at, Soa, &[""]).failing(at, A, DnsFault::TimedOut), Unknown),
        ] {
            let got = seen(&map, &machine(&[HOME], None), "probe.example", "<me@s.example>").await;
            assert_eq!(got.sender_domain, want);
        }
        let null = seen(&known(), &machine(&[HOME], None), "probe.example", "<>").await;
        assert_eq!(null.sender_domain, Unknown);
    }

    async fn control(map: &Map, door: &Door, asked: &Asked) -> Control {
        let machine = machine(&[HOME], None);
        let lookout = lookout(map, &machine, door);
        lookout.control(&"good.example".parse().unwrap(), asked).await
    }

    fn open() -> Asked {
        let allow_net = vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        Asked { allow_net, ..stand_in::asked() }
    }

    #[tokio::test(start_paused = true)]
    async fn the_control_host_hears_quit_and_nothing_else() {
        let map = Map::default()
            .with("good.example", RecordKind::A, &["192.0.2.1", "192.0.2.2"])
            .with("good.example", RecordKind::Aaaa, &["2001:db8::1"]);
        let door = Door::greeting(b"220-wait\r\n220 good.example\r\n");
        let got = control(&map, &door, &open()).await;
        assert!(got.answered());
        let tried: Vec<_> = got.tried.iter().map(|(to, _)| to.to_string()).collect();
        assert_eq!(tried, ["192.0.2.1:25", "[2001:db8::1]:25"]);
        assert_eq!(door.heard().await, ["QUIT\r\n", "QUIT\r\n"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_control_host_that_says_nothing_still_proves_the_port() {
        let map = Map::default().with("good.example", RecordKind::A, &["192.0.2.1"]);
        let got = control(&map, &Door::greeting(b"220-wait"), &open()).await;
        assert_eq!(got.tried[0].1.reached().map(|connected| connected.after_ms), Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_port_shows_at_the_control_host() {
        let map = Map::default().with("good.example", RecordKind::A, &["192.0.2.1"]);
        for (door, want) in [
            (Door::refusing(FaultKind::Refused), "connection refused at connect"),
            (Door::default(), "no connect within 30 s"),
        ] {
            let got = control(&map, &door, &open()).await;
            assert!(!got.answered());
            assert_eq!(got.tried[0].1.broke().unwrap().to_string(), want);
        }
    }

    #[tokio::test]
    async fn a_control_host_that_cannot_be_dialled_says_why() {
        let at = "good.example";
        let v6 = Asked { families: Families::V6, ..open() };
        let timed_out = || Answer::Failed(DnsFault::TimedOut);
        for (map, asked, want) in [
            (Map::default(), open(), "no address for good.example: no such name"),
            (
                Map::default().answering(at, RecordKind::Aaaa, timed_out()),
                open(),
                "no address for good.example: no answer in time",
            ),
            (
                Map::default().with(at, RecordKind::A, &["127.0.0.1"]),
                open(),
                "good.example is not public (Loopback)",
            ),
            (
                Map::default().with(at, RecordKind::A, &["192.0.2.1"]),
                v6,
                "good.example has no address of the family asked for",
            ),
        ] {
            let got = control(&map, &Door::default(), &asked).await;
            assert!(got.tried.is_empty());
            assert_eq!(got.fault.unwrap().kind, FaultKind::Io(want.to_owned()));
        }
    }
}
