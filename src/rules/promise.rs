//! What a domain promised, as a sender that verifies would take it: which hosts its MTA-STS policy
//! names, and what the TLSA records of each address say of the certificates seen there.
//!
//! Reads promises, and grades none: `dane`, `sts` and, for what is worse under a promise, `tls` and
//! `cert` do.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Case, Spot, Subject, View, dane, starttls, sts, view::Seat};
use crate::{
    policy::{
        Anchored, DaneVerdict, Link, Mode, Pattern, StsPolicy, TlsaRecord, bases,
        dane as verdict_of,
    },
    smtp::{DomainName, Text},
    survey::{Host, MxLookup, Observation, Published, Security, Source, TlsaLookup},
    tls::{AsAnchor, Certificate},
};

/// The TLSA records that senders go by at a host.
#[derive(Clone, Copy)]
pub struct Records<'a> {
    /// The name they stand under.
    pub base: &'a str,
    pub records: &'a [TlsaRecord],
}

/// What they say of one chain that an address sent.
pub struct Judged<'a> {
    pub visit: &'a Observation,
    /// The fact that the chain is: of the session, or of the other algorithm.
    pub fact: &'static str,
    pub verdict: DaneVerdict,
}

/// The records of a host that DNSSEC vouches for, its addresses included: all others are ignored.
/// RFC 7672 §2.2.
pub fn tlsa(host: &Host) -> Option<Records<'_>> {
    // A signed alias that leads out of what is signed keeps the records of its own name, and a secure
    // answer there shows that it is signed. RFC 7672 §2.2.2.
    let counts = |lookup: &&TlsaLookup| {
        let own_of_alias = !host.alias.is_empty() && lookup.base == host.name;
        host.security == Security::Secure || host.security == Security::Insecure && own_of_alias
    };
    host.tlsa.iter().filter(counts).find_map(|lookup| match &lookup.answer {
        Published::Found { records, security: Security::Secure } => {
            Some(Records { base: &lookup.base, records })
        }
        _ => None,
    })
}

/// What senders that validate learn of the TLSA records of a host.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsaAnswer {
    /// Records that they go by.
    Found,
    /// That there are none that they go by.
    None,
    /// Nothing, for its look-ups fail: they pass the host over.
    Failed,
    /// Could not be told from here.
    Unknown,
}

pub fn tlsa_answer(host: &Host) -> TlsaAnswer {
    match () {
        () if tlsa(host).is_some() => TlsaAnswer::Found,
        () if dane::look_up_fails(host) => TlsaAnswer::Failed,
        () if is_bare(host) => TlsaAnswer::None,
        () => TlsaAnswer::Unknown,
    }
}

/// A host for which a sender that validates goes on without DANE, known to be so.
pub fn is_bare(host: &Host) -> bool {
    let absent = |lookup: &TlsaLookup| {
        matches!(
            &lookup.answer,
            Published::Absent { security: Security::Secure | Security::Insecure }
                | Published::Found { security: Security::Insecure, .. }
        )
    };
    match host.security {
        Security::Insecure => tlsa(host).is_none(),
        Security::Secure => !host.tlsa.is_empty() && host.tlsa.iter().all(absent),
        Security::Bogus(_)
        | Security::NotAsked
        | Security::Unanswered { .. }
        | Security::Undetermined(_) => false,
    }
}

/// The verdict on every chain of an address: the session's, and that of the other algorithm.
pub fn verdicts<'a>(view: &View<'a>, spot: &Spot<'a>) -> Vec<Judged<'a>> {
    let Some(tlsa) = tlsa(spot.seat.host) else { return Vec::new() };
    let references = references(view, tlsa.base);
    let mut all = Vec::new();
    for (visit, fact, handshake) in spot.endpoint.certificates() {
        let links: Vec<Link> = handshake.chain.iter().map(link).collect();
        let names = &handshake.leaf().names;
        let verdict = verdict_of::judge(tlsa.records, &links, names, &references);
        all.push(Judged { visit, fact, verdict });
    }
    all
}

/// Whether senders that validate deliver at an address of a host with records, whichever certificate
/// they are shown; `None` where senders differ or we cannot tell.
pub fn keeps_dane(view: &View<'_>, spot: &Spot<'_>) -> Option<bool> {
    let without =
        starttls::missing(view, spot).is_some() || starttls::unspeakable(view, spot).is_some();
    let delivers = verdicts(view, spot).into_iter().map(|judged| judged.verdict.delivers());
    let delivers: Vec<Option<bool>> = delivers.collect();
    if without || delivers.contains(&Some(false)) {
        return Some(false);
    }
    (!delivers.is_empty() && delivers.iter().all(Option::is_some)).then_some(true)
}

/// The policy of the domain, where senders have a usable one.
pub fn policy<'a>(view: &'a View<'_>) -> Option<&'a StsPolicy> {
    view.sts()?.policy.as_ref()
}

/// Whether senders that verify look at the certificate of this host by a promise, so that what is
/// wrong with it is judged by that and not as if nothing had been promised.
pub fn covers(view: &View<'_>, seat: Seat<'_>) -> bool {
    let listed = |policy: &StsPolicy| {
        policy.mode != Mode::None && policy.pattern_for(&seat.host.name).is_some()
    };
    let usable = |tlsa: Records<'_>| tlsa.records.iter().any(|record| record.usable().is_ok());
    tlsa(seat.host).is_some_and(usable) || policy(view).is_some_and(listed)
}

/// Whether a promise about this host keeps senders from handing anything to it in clear. Where no TLS
/// can be had, DANE06 or STS05 then say so in place of the rules for everybody.
pub fn demands_tls(view: &View<'_>, seat: Seat<'_>) -> bool {
    let enforced = |policy: &StsPolicy| {
        policy.mode == Mode::Enforce && policy.pattern_for(&seat.host.name).is_some()
    };
    tlsa(seat.host).is_some() || policy(view).is_some_and(enforced)
}

/// Whether the hosts were given by hand. What is published says nothing of the MX records they will
/// have.
pub fn by_hand(view: &View<'_>) -> bool {
    matches!(&view.survey.mx, MxLookup::Published(set) if set.source == Source::ByHand)
}

/// Whether DNSSEC vouches for who the hosts are.
pub fn is_mx_signed(view: &View<'_>) -> bool {
    view.survey.policies.mx == Security::Secure && !by_hand(view)
}

/// Senders that verify, by the promise that makes them pass a host over.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Verifier {
    Dane,
    Sts,
}

/// The senders that are known to pass a host over, at each of its addresses that answers, because it
/// does not keep a promise.
pub fn passed_over_by(view: &View<'_>, seat: Seat<'_>) -> Vec<Verifier> {
    let mut all = Vec::new();
    if dane::passes_over(view, seat) {
        all.push(Verifier::Dane);
    }
    if sts::passes_over(view, seat) {
        all.push(Verifier::Sts);
    }
    all
}

/// The cases, compared with a primary that keeps what they break: one for which `applies` holds and
/// that no case is about. Backups are held against it, and so are the other primaries.
pub fn compared(
    view: &View<'_>,
    cases: Vec<Case>,
    applies: impl Fn(Seat<'_>) -> bool,
) -> Vec<Case> {
    let about = |case: &Case, seat: &Seat<'_>| {
        let Subject { host, preference, .. } = &case.subject;
        host.as_ref() == Some(&seat.host.name) && *preference == seat.preference
    };
    let keeps = |seat: &Seat<'_>| applies(*seat) && !cases.iter().any(|case| about(case, seat));
    let Some(model) = view.primaries().find(keeps) else { return cases };
    cases.into_iter().map(|case| case.against(model.subject())).collect()
}

/// Whether there is an answer from the host, and `fails` holds at each address that answers.
pub fn wherever_it_answers<'a>(seat: Seat<'a>, fails: impl Fn(&Spot<'a>) -> bool) -> bool {
    let mut answering =
        seat.spots().filter(|spot| spot.endpoint.answers() == Some(true)).peekable();
    answering.peek().is_some() && answering.all(|spot| fails(&spot))
}

/// The patterns of a policy that no host of the domain fits; none where not every host is known.
pub fn unused<'a>(view: &View<'_>, policy: &'a StsPolicy) -> Vec<&'a Pattern> {
    let whole = match &view.survey.mx {
        MxLookup::Published(set) => set.source == Source::Dns && set.left_out == 0,
        MxLookup::Implicit { .. } => true,
        _ => false,
    };
    if !whole || policy.mode == Mode::None {
        return Vec::new();
    }
    let fits = |pattern: &&Pattern| !view.seats().any(|seat| pattern.matches(&seat.host.name));
    policy.mx.iter().filter(fits).collect()
}

/// The names that a certificate under a trust anchor may have. RFC 7672 §3.2.2. That of the domain may
/// count one day where the hosts were given by hand.
fn references(view: &View<'_>, base: &str) -> Vec<DomainName> {
    let secure_mx = is_mx_signed(view) || by_hand(view);
    let base = DomainName::parse(base).ok();
    base.map_or_else(Vec::new, |base| {
        bases::references(&base, &view.survey.domain, None, secure_mx)
    })
}

fn link(certificate: &Certificate) -> Link {
    Link {
        sha256: certificate.sha256.clone(),
        sha512: certificate.sha512.clone(),
        spki_sha256: certificate.spki_sha256.clone(),
        spki_sha512: certificate.spki_sha512.clone(),
        self_issued: certificate.self_issued,
        anchored: match &certificate.as_anchor {
            Some(AsAnchor::Holds) => Anchored::Holds,
            Some(AsAnchor::OutOfDate) => Anchored::Expired,
            Some(AsAnchor::Broken(why)) => Anchored::Broken(Text::from(why.as_str())),
            None => Anchored::Unknown,
        },
    }
}

#[cfg(test)]
mod tests;
