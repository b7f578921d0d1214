//! What a check works with: resolver, dialer, trust, and the questions of every domain.
//!
//! Turns options into the things that `probe` takes. Visits nobody.

use std::{fmt, fs, net::IpAddr, path::Path};

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::{
    Error,
    options::{Check, Place},
    output, settings,
};
use crate::{
    config::{self, Limits, Settings, settings::DomainSettings},
    probe::{
        Answer, Event, Machine as _, NameServers, Probe, Proxy, RecordKind, Resolver, TcpDialer,
        ThisMachine, Trust, anchors,
        vantage::{self, Lookout},
    },
    smtp::{DomainName, HelloName, Mailbox, ReversePath},
    survey::{Asked, Families, Survey, Vantage},
    tls::certificate::hex,
};

/// Made once for all domains of a call.
pub struct Instruments {
    resolver: NameServers,
    machine: ThisMachine,
    dialer: TcpDialer,
    trust: Trust,
    limits: Limits,
    settings: Settings,
}

impl Instruments {
    /// `words` have taken in what `settings` say for every domain.
    pub fn new(words: &Check, settings: Settings) -> Result<Self, Error> {
        let place = &words.place;
        let proxy = place.socks5.as_deref().map(str::parse::<Proxy>).transpose();
        let proxy = proxy.map_err(|fault| Error::new(format_args!("--socks5: {fault}")))?;
        let (mut source_v4, mut source_v6) = (None, None);
        for source in &place.source {
            let taken = match source {
                IpAddr::V4(address) => source_v4.replace(*address).is_some(),
                IpAddr::V6(address) => source_v6.replace(*address).is_some(),
            };
            if taken {
                return Err(Error::new("--source: give one address of each family at most"));
            }
        }
        let machine = ThisMachine { tied_to: place.source.clone(), proxied: proxy.is_some() };
        Ok(Self {
            resolver: resolver(place, &machine)?,
            machine,
            dialer: TcpDialer { source_v4, source_v6, proxy },
            trust: trust(place)?,
            limits: words.manners.limits(),
            settings,
        })
    }

    /// Every domain with what is asked of its hosts, and the name we greet them with.
    pub async fn errands(
        &self,
        words: &Check,
    ) -> Result<(HelloName, Vec<(DomainName, Asked)>), Error> {
        let helo = match &words.place.helo {
            Some(helo) => helo.clone(),
            None => self.lookout().own_name().await,
        };
        let sender = match &words.questions.mail_from {
            Some(sender) => sender.clone(),
            None => vantage::own_sender(&helo),
        };
        let unsaid = words.questions.mail_from.is_none() && !words.questions.no_rcpt;
        if unsaid && sender == ReversePath::Null {
            let first = words.domains[0].as_str(); // The command line demands a domain.
            if let Answer::Failed(fault) = self.resolver.ask(first, RecordKind::Mx).await {
                return Err(Error::new(format_args!(
                    "DNS does not answer: {fault}; --resolver IP names another name server"
                )));
            }
            return Err(Error::new(
                "no name leads to this machine, so there is no sender to give; \
                 say --helo NAME or --mail-from ADDRESS",
            ));
        }
        let errand =
            |domain: &DomainName| Ok((domain.clone(), self.asked(words, domain, &sender, &helo)?));
        let errands = words.domains.iter().map(errand).collect::<Result<_, Error>>()?;
        Ok((helo, errands))
    }

    /// What servers see of us; the same for every domain, since only the sender of `asked` counts.
    pub async fn vantage(&self, helo: HelloName, asked: &Asked, words: &Check) -> Vantage {
        self.lookout().vantage(helo, asked, words.place.control.as_ref()).await
    }

    /// The address of ours that `to` would see, where that can be told.
    pub fn source(&self, to: IpAddr) -> Option<IpAddr> {
        self.machine.source(to)
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn probe<'a>(
        &'a self,
        (asked, earlier): (&'a Asked, &'a [Survey]),
        vantage: &'a Vantage,
        stop: &watch::Receiver<bool>,
        progress: &'a (dyn Fn(Event<'_>) + Sync),
    ) -> Probe<'a> {
        Probe {
            resolver: &self.resolver,
            machine: &self.machine,
            dialer: &self.dialer,
            trust: &self.trust,
            limits: self.limits,
            asked,
            earlier,
            vantage,
            stop: stop.clone(),
            progress,
        }
    }

    fn asked(
        &self,
        words: &Check,
        domain: &DomainName,
        sender: &ReversePath,
        helo: &HelloName,
    ) -> Result<Asked, Error> {
        let (questions, place) = (&words.questions, &words.place);
        let unsaid = DomainSettings::default();
        let own = self.settings.domain.get(domain).unwrap_or(&unsaid);
        let mailbox = |local: &str| Mailbox::new(local, domain.clone()).map_err(Error::new);
        let recipients = match (questions.rcpt.as_slice(), own.rcpt.as_slice()) {
            _ if questions.no_rcpt => Vec::new(),
            ([], []) => vec![mailbox("postmaster")?],
            ([], given) | (given, _) => given.to_vec(),
        };
        let no_nonsense = questions.no_nonsense || own.no_nonsense || recipients.is_empty();
        // Without a secret, what is known of this installation has to do.
        let key = self.settings.identity.secret.clone().unwrap_or_else(|| helo.to_string());
        let nonsense = (!no_nonsense).then(|| mailbox(&nonsense(domain, &key)));
        Ok(Asked {
            sender: sender.clone(),
            recipients,
            nonsense: nonsense.transpose()?,
            relay: questions.relay_test.clone(),
            by_hand: questions.mx.clone(),
            also: if questions.also.is_empty() { &own.also } else { &questions.also }.clone(),
            port: place.port.unwrap_or(config::PORT),
            families: match (place.only_v4, place.only_v6) {
                (true, _) => Families::V4,
                (_, true) => Families::V6,
                (false, false) => Families::Both,
            },
            depth: questions.depth.into(),
            allow_private: place.allow_private,
            allow_net: place.allow_net.clone(),
            resolver: place.resolver,
            expected: own.expected(settings::rule),
            memory: None,
        })
    }

    fn lookout(&self) -> Lookout<'_> {
        Lookout {
            resolver: &self.resolver,
            machine: &self.machine,
            dialer: &self.dialer,
            limits: self.limits,
        }
    }
}

fn trust(place: &Place) -> Result<Trust, Error> {
    let builtin = Trust::builtin();
    let Some(file) = &place.ca_file else { return Ok(builtin) };
    read("--ca-file", file, |octets| builtin.and_pem(octets))
}

/// The name servers, and by what their answers are held to be genuine.
fn resolver(place: &Place, machine: &ThisMachine) -> Result<NameServers, Error> {
    let servers = NameServers::new(place.resolver).map_err(Error::new)?;
    match (&place.dnssec.trust_anchor, place.dnssec.trust_ad) {
        (None, false) => Ok(servers),
        (Some(file), false) => {
            let parse = |octets: &[u8]| anchors::parse(&String::from_utf8_lossy(octets));
            Ok(servers.anchored(read("--trust-anchor", file, parse)?))
        }
        (Some(_), true) => Err(Error::new(
            "trust-ad leaves validation to the resolver and trust-anchor does it here; \
             say one of them",
        )),
        (None, true) => {
            let away = |address: &IpAddr| !address.is_loopback() && !machine.owns(*address);
            let far = servers.addresses().find(away);
            match far {
                None => Ok(servers.believed()),
                Some(address) => Err(Error::new(format_args!(
                    "--trust-ad: {address} is not on this machine, and anyone on the way could \
                     change what it says; name one that is with --resolver, or leave --trust-ad \
                     out to validate here"
                ))),
            }
        }
    }
}

/// Makes something of the file that `option` names.
fn read<T, F: fmt::Display>(
    option: &str,
    file: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, F>,
) -> Result<T, Error> {
    let name = file.display();
    let octets = fs::read(file).map_err(|error| {
        let why = output::plainly(&error);
        Error::new(format_args!("cannot read {option} {name}: {why}"))
    })?;
    parse(&octets).map_err(|fault| Error::new(format_args!("{option} {name}: {fault}")))
}

/// A local part that nobody has: the same in every run, so that servers do not see a harvester;
/// readable, so that who finds it in a log knows where it comes from; and ending in a keyed hash,
/// so that who does not know the key cannot tell it beforehand and let it through.
fn nonsense(domain: &DomainName, key: &str) -> String {
    // A key of fixed length in front, and a digest of which most is cut off, leave nothing to extend.
    let keyed = Sha256::new().chain_update(Sha256::digest(key)).chain_update(domain.as_str());
    format!("mxparity-no-such-mailbox-{}", &hex(&keyed.finalize())[..10])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipient_that_does_not_exist_depends_on_domain_and_key_alone() {
        let of = |domain: &str, key| nonsense(&DomainName::parse(domain).unwrap(), key);
        let one = of("a.example", "key");
        assert!(one.starts_with("mxparity-no-such-mailbox-"), "{one}");
        assert_eq!(of("a.example", "key"), one);
        assert_ne!(of("b.example", "key"), one);
        assert_ne!(of("a.example", "another"), one);
        assert!(Mailbox::new(&one, DomainName::parse("a.example").unwrap()).is_ok());
    }
}
