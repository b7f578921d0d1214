//! The mail hosts of a domain as a sender meets them: every step of a delivery, and how it ends there.
//!
//! Plain data, already interpreted: whether a refusal was about us or about the mail was settled before.
//! What is not known stays unknown here, with its reason.

use std::net::IpAddr;

/// Everything a sender can learn about a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Landscape {
    pub exchangers: Exchangers,
    /// Whether DNSSEC vouches for the set of exchangers.
    pub signed: Known,
    /// Whether an MTA-STS policy demands verified TLS.
    pub sts: Known,
}

/// What a sender gets when it asks who takes the mail.
#[derive(Clone, Debug, PartialEq)]
pub enum Exchangers {
    /// Ascending by preference, never empty; `null` stands where a null MX is among them.
    Hosts { tiers: Vec<Tier>, null: Option<Null> },
    /// It is told for good that there is nowhere to send, for this reason.
    Nowhere(String),
    /// DNS fails for it now, for this reason.
    Failing(String),
    /// What it gets was not seen.
    Unknown(String),
}

/// A null MX beside other hosts. RFC 7505 §3 forbids it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Null {
    /// It has preference 0 and no other host beside it there.
    pub first_and_alone: bool,
}

/// The hosts of one preference.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    pub hosts: Vec<Host>,
}

/// One exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    pub name: String,
    /// Why a sender gets no address of it, where it gets none.
    pub lost: Option<Lost>,
    pub addresses: Vec<Address>,
    pub tlsa: Tlsa,
    /// Whether the MTA-STS policy names it.
    pub listed: Known,
}

/// Why there is no address to try.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Lost {
    /// There is none.
    Nowhere(String),
    /// DNS fails for it now.
    Failing(String),
    Unknown(String),
}

/// The TLSA records of a host, as a sender that validates gets them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Tlsa {
    None,
    /// Some say which certificate it must be.
    Usable,
    /// There are some, and none says so: TLS is demanded, and nobody is authenticated. RFC 7672 §2.2.
    Unusable,
    /// They may be there, and the look-up fails: the host is passed over. RFC 7672 §2.1.2.
    Failing(String),
    Unknown(String),
}

/// One address of a host, step by step in the order of a delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    pub address: IpAddr,
    pub port: u16,
    pub connect: Step,
    pub greeting: Step,
    pub hello: Step,
    pub tls: Tls,
    pub sender: Step,
    pub recipient: Step,
}

/// How one step ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    Passes,
    /// A 4xx reply.
    Soft(String),
    /// A 5xx reply.
    Hard(String),
    /// The connection is refused, or closed.
    Gone(String),
    /// Nothing comes until the sender loses patience.
    Silent(String),
    Unknown(String),
}

/// What becomes of STARTTLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Tls {
    Missing,
    /// Offered, and refused by this reply.
    Refused {
        permanent: bool,
        reply: String,
    },
    /// The connection is lost in place of a reply.
    Lost(String),
    /// The handshake fails.
    Broken(String),
    Spoken(Certificate),
    Unknown(String),
}

/// What is shown in the handshake.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// Up to a root that everybody knows, and for the host's name.
    pub pkix: Fit,
    /// By the host's TLSA records.
    pub dane: Fit,
}

/// Whether a certificate is what it should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fit {
    Fits,
    Fails(String),
    Unknown(String),
}

/// A fact that may not have been seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known {
    Yes,
    No,
    Unknown(String),
}

impl Landscape {
    /// The tiers, if there are any.
    pub fn tiers(&self) -> &[Tier] {
        match &self.exchangers {
            Exchangers::Hosts { tiers, .. } => tiers,
            Exchangers::Failing(_) | Exchangers::Nowhere(_) | Exchangers::Unknown(_) => &[],
        }
    }

    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.tiers().iter().flat_map(|tier| &tier.hosts)
    }

    /// The names of the hosts of the first tier.
    pub fn primaries(&self) -> Vec<&str> {
        let first = self.tiers().iter().take(1).flat_map(|tier| &tier.hosts);
        first.map(|host| host.name.as_str()).collect()
    }

    /// The same, with every address changed at which one of these hosts stands, under whatever name.
    #[must_use]
    pub(super) fn with(mut self, names: &[&str], change: impl Fn(&mut Address)) -> Self {
        let wanted = self.hosts().filter(|host| names.contains(&host.name.as_str()));
        let places: Vec<_> =
            wanted.flat_map(|host| &host.addresses).map(|one| (one.address, one.port)).collect();
        if let Exchangers::Hosts { tiers, .. } = &mut self.exchangers {
            let addresses = tiers
                .iter_mut()
                .flat_map(|tier| &mut tier.hosts)
                .flat_map(|host| &mut host.addresses);
            addresses.filter(|one| places.contains(&(one.address, one.port))).for_each(change);
        }
        self
    }

    /// The same with every other host silent, this one faultless, and nothing promised or refused: for
    /// the question how far a sender goes.
    #[must_use]
    pub(super) fn with_only(&self, name: &str) -> Self {
        let mut ideal = self.clone();
        (ideal.sts, ideal.signed) = (Known::No, Known::No);
        if let Exchangers::Hosts { tiers, null } = &mut ideal.exchangers {
            *null = None;
            for host in tiers.iter_mut().flat_map(|tier| &mut tier.hosts) {
                host.tlsa = Tlsa::None;
                let is_lost = host.lost.is_some() && host.name != name;
                host.lost = is_lost.then(|| Lost::Nowhere("no address".to_owned()));
                for address in &mut host.addresses {
                    address.connect = if host.name == name {
                        Step::Passes
                    } else {
                        Step::Silent("does not answer".to_owned())
                    };
                    address.greeting = Step::Passes;
                    address.hello = Step::Passes;
                    address.tls = Tls::Spoken(Certificate { pkix: Fit::Fits, dane: Fit::Fits });
                    address.sender = Step::Passes;
                    address.recipient = Step::Passes;
                }
            }
        }
        ideal
    }
}

impl Address {
    /// Whether a message gets through, in clear or not.
    pub fn takes_mail(&self) -> bool {
        let steps = [&self.connect, &self.greeting, &self.hello, &self.sender, &self.recipient];
        steps.iter().all(|step| **step == Step::Passes)
    }

    /// Whether every step of it was seen.
    pub fn is_known(&self) -> bool {
        let steps = [&self.connect, &self.greeting, &self.hello, &self.sender, &self.recipient];
        let fails = |step: &Step| !matches!(step, Step::Passes | Step::Unknown(_));
        // Behind a step that fails nothing else is met.
        let met = steps.iter().position(|step| fails(step)).map_or(&steps[..], |at| &steps[..at]);
        let ends_early = met.len() < 3;
        !met.iter().any(|step| matches!(step, Step::Unknown(_)))
            && (ends_early || !matches!(self.tls, Tls::Unknown(_)))
    }
}
