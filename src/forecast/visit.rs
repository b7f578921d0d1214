//! What a sender does at one address, from the connection to the answer to RCPT.
//!
//! One delivery at one place; which place comes next is for [`super::simulator`].

use std::borrow::Cow;

use super::{
    Privacy,
    landscape::{Address, Certificate, Fit, Host, Known, Landscape, Step, Tls, Tlsa},
    models::{Dane, Model, Next, Replies, Trust},
};

/// How the visit ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act<'a> {
    Delivered {
        privacy: Privacy,
        how: Cow<'a, str>,
    },
    Bounced(Cow<'a, str>),
    /// The attempt ends here, and the message comes back.
    Deferred(Cow<'a, str>),
    Unproven(Cow<'a, str>),
    PassesOn {
        why: Cow<'a, str>,
        passed: Passed,
    },
}

/// What it costs to pass an address over.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Passed {
    /// It was as far as MAIL.
    pub session: bool,
    /// The other addresses of the host are not tried.
    pub leaves_host: bool,
    /// If nothing else is left, the message bounces.
    pub bounces_if_last: bool,
}

/// What a sender demands of TLS at a host.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Demand<'a> {
    Nothing,
    /// TLS, whoever answers.
    Encrypted,
    /// The certificate that its records name; without a signed MX an attacker chose the host, and what
    /// verifies is encrypted and no more.
    ByTlsa {
        vouched: bool,
    },
    /// By a public root and the name, for this reason.
    ByRoot(&'static str),
    /// Not this host at all.
    Elsewhere(Cow<'a, str>),
    Unknown(&'a str),
}

/// What `model` demands of TLS at `host`. RFC 8461 §2: DANE comes first.
pub(super) fn demand<'a>(model: &Model, landscape: &'a Landscape, host: &'a Host) -> Demand<'a> {
    let dane = match (model.dane, &landscape.signed) {
        (Dane::SignedHost, _) | (Dane::SignedSet, Known::Yes) => &host.tlsa,
        // Without records it makes no difference who vouches for the set.
        (Dane::SignedSet, Known::Unknown(why)) if host.tlsa != Tlsa::None => {
            return Demand::Unknown(why);
        }
        (Dane::Never | Dane::SignedSet, _) => &Tlsa::None,
    };
    let without = match model.trust {
        Trust::Opportunistic => Demand::Nothing,
        Trust::Verified => Demand::ByRoot("the sender insists"),
    };
    match (dane, &landscape.sts, &host.listed) {
        (Tlsa::Usable, ..) => Demand::ByTlsa { vouched: landscape.signed == Known::Yes },
        (Tlsa::Unusable, ..) if model.trust == Trust::Opportunistic => Demand::Encrypted,
        (Tlsa::Failing(why), ..) => Demand::Elsewhere(Cow::Borrowed(why)),
        (Tlsa::Unknown(why), ..) => Demand::Unknown(why),
        (Tlsa::None | Tlsa::Unusable, Known::Yes, listed) if model.sts => match listed {
            Known::Yes => Demand::ByRoot("MTA-STS"),
            Known::No => Demand::Elsewhere(Cow::Borrowed("not in the MTA-STS policy")),
            Known::Unknown(why) => Demand::Unknown(why),
        },
        (Tlsa::None | Tlsa::Unusable, Known::Unknown(why), _)
            if model.sts && model.trust == Trust::Opportunistic =>
        {
            Demand::Unknown(why)
        }
        (Tlsa::None | Tlsa::Unusable, ..) => without,
    }
}

/// What happens at `address`; `later` where the message has come back once.
pub(super) fn act<'a>(
    model: &Model,
    demand: &Demand<'a>,
    address: &'a Address,
    later: bool,
) -> Act<'a> {
    if let Demand::Elsewhere(why) = demand {
        let passed = Passed { leaves_host: true, ..Passed::default() };
        return Act::PassesOn { why: why.clone(), passed };
    }
    let early = [
        (&address.connect, REPLIES_TO_NOTHING),
        (&address.greeting, model.greeting),
        (&address.hello, model.hello),
    ];
    for (step, replies) in early {
        if let Err(act) = through(step, replies, model, false) {
            return act;
        }
    }
    let (privacy, how) = match encryption(model, demand, address, later) {
        Ok(encryption) => encryption,
        Err(act) => return act,
    };
    for (step, replies) in [(&address.sender, model.sender), (&address.recipient, model.recipient)]
    {
        if let Err(act) = through(step, replies, model, true) {
            return act;
        }
    }
    Act::Delivered { privacy, how }
}

/// A connection carries no replies.
const REPLIES_TO_NOTHING: Replies = Replies { soft: Next::Address, hard: Next::Address };

/// Past one step, or what the sender does instead.
fn through<'a>(
    step: &'a Step,
    replies: Replies,
    model: &Model,
    session: bool,
) -> Result<(), Act<'a>> {
    let (next, why) = match step {
        Step::Passes => return Ok(()),
        Step::Unknown(why) => return Err(Act::Unproven(Cow::Borrowed(why))),
        Step::Soft(why) => (replies.soft, why),
        Step::Hard(why) => (replies.hard, why),
        Step::Gone(why) | Step::Silent(why) => (model.lost, why),
    };
    match taken(next, Cow::Borrowed(why.as_str()), session) {
        Some(act) => Err(act),
        None => Ok(()),
    }
}

/// How private the delivery is, or what the sender does instead of one.
fn encryption<'a>(
    model: &Model,
    demand: &Demand<'a>,
    address: &'a Address,
    later: bool,
) -> Result<(Privacy, Cow<'a, str>), Act<'a>> {
    let chosen =
        |attempts: super::models::Attempts| if later { attempts.later } else { attempts.first };
    let (next, why): (Next, Cow<'a, str>) = match &address.tls {
        Tls::Unknown(why) => return Err(Act::Unproven(Cow::Borrowed(why))),
        Tls::Lost(why) => (model.lost, Cow::Borrowed(why.as_str())),
        Tls::Spoken(certificate) => return verified(model, demand, certificate, later),
        // Nothing to refuse or to break: it goes on as it began.
        Tls::Missing => (Next::Clear, Cow::Borrowed("no STARTTLS")),
        Tls::Refused { permanent, reply } => {
            let next = if *permanent { model.starttls.hard } else { model.starttls.soft };
            (next, Cow::Borrowed(reply.as_str()))
        }
        Tls::Broken(why) => (chosen(model.handshake), Cow::Borrowed(why.as_str())),
    };
    match demand {
        Demand::Nothing => match taken(next, why.clone(), false) {
            Some(act) => Err(act),
            None => Ok((Privacy::Clear, why)),
        },
        Demand::Unknown(unknown) => Err(Act::Unproven(Cow::Borrowed(unknown))),
        Demand::ByRoot(_) | Demand::ByTlsa { .. } | Demand::Elsewhere(_) | Demand::Encrypted => {
            let next = match &address.tls {
                Tls::Refused { permanent: true, .. } => model.starttls_demanded.hard,
                Tls::Refused { permanent: false, .. } => model.starttls_demanded.soft,
                _ => model.lost,
            };
            Err(taken(next, why.clone(), false).unwrap_or(Act::Deferred(why)))
        }
    }
}

/// The same where TLS is spoken.
fn verified<'a>(
    model: &Model,
    demand: &Demand<'a>,
    certificate: &'a Certificate,
    later: bool,
) -> Result<(Privacy, Cow<'a, str>), Act<'a>> {
    let (fit, by): (_, Cow<'a, str>) = match demand {
        Demand::ByTlsa { .. } => (&certificate.dane, Cow::Borrowed("verified by DANE")),
        Demand::ByRoot(why) => (&certificate.pkix, Cow::Owned(format!("verified ({why})"))),
        Demand::Unknown(why) => return Err(Act::Unproven(Cow::Borrowed(why))),
        Demand::Elsewhere(_) | Demand::Encrypted => {
            return Ok((Privacy::Encrypted, Cow::Borrowed("encrypted")));
        }
        Demand::Nothing => {
            let next = if later { model.untrusted.later } else { model.untrusted.first };
            let refused = match &certificate.pkix {
                Fit::Fails(why) => taken(next, Cow::Borrowed(why.as_str()), false),
                Fit::Unknown(why) if next != Next::GoOn => Some(Act::Unproven(Cow::Borrowed(why))),
                Fit::Fits | Fit::Unknown(_) => None,
            };
            return match refused {
                Some(act) => Err(act),
                None => Ok((Privacy::Encrypted, Cow::Borrowed("encrypted"))),
            };
        }
    };
    match fit {
        Fit::Fits if *demand == (Demand::ByTlsa { vouched: false }) => {
            Ok((Privacy::Encrypted, Cow::Borrowed("encrypted; by DANE, and the MX is not signed")))
        }
        Fit::Fits => Ok((Privacy::Verified, by)),
        Fit::Fails(why) => {
            let why = Cow::Borrowed(why.as_str());
            Err(Act::PassesOn { why, passed: Passed::default() })
        }
        Fit::Unknown(why) => Err(Act::Unproven(Cow::Borrowed(why))),
    }
}

/// What the sender does instead of going on; `None` where it goes on.
fn taken(next: Next, why: Cow<'_, str>, session: bool) -> Option<Act<'_>> {
    let passed = Passed { session, ..Passed::default() };
    let passed = match next {
        Next::Address => passed,
        Next::AddressOrBounce => Passed { bounces_if_last: true, ..passed },
        Next::Host => Passed { leaves_host: true, ..passed },
        Next::Defer => return Some(Act::Deferred(why)),
        Next::Bounce => return Some(Act::Bounced(why)),
        Next::Clear | Next::GoOn => return None,
    };
    Some(Act::PassesOn { why, passed })
}
