//! DANE rules: whether every address of every host keeps what its TLSA records promise. RFC 7672.
//!
//! Judges what senders that validate would do; what could not be looked up for a reason that is ours
//! is no finding. Compares no digest itself: that is `policy::dane`.

use super::{
    Case, Evidence, Severity, Spot, View,
    finding::Confidence,
    promise::{self, Judged},
    starttls,
    view::Seat,
};
use crate::{
    policy::{DaneVerdict, TlsaRecord},
    survey::{Blame, DnsFault, Host, Published, Security, TlsaLookup},
};

pub fn tlsa_mismatch(view: &View<'_>) -> Vec<Case> {
    let cases = chains(view, |verdict| {
        matches!(verdict, DaneVerdict::NoMatch { .. } | DaneVerdict::MatchedBut { .. })
            && verdict.delivers() == Some(false)
    });
    promise::compared(view, cases, promises)
}

pub fn backup_without_tlsa(view: &View<'_>) -> Vec<Case> {
    // Who can forge the MX answer needs no bare host, so that nothing was promised.
    let model = view.seats().find(|seat| promise::tlsa(seat.host).is_some());
    let Some(model) = model.filter(|_| promise::is_mx_signed(view)) else {
        return Vec::new();
    };
    let shown = |seat: Seat<'_>| records(seat.host).into_iter().take(1);
    let bare = view.hosts().filter(|seat| promise::is_bare(seat.host));
    bare.map(|seat| {
        let case = seat.case().against(model.subject());
        let case = case.seen(why_bare(seat.host));
        shown(model).fold(case, Case::seen)
    })
    .collect()
}

pub fn tlsa_unusable(view: &View<'_>) -> Vec<Case> {
    hosts(view, |host| {
        let tlsa = promise::tlsa(host)?;
        let unusable: Vec<_> = tlsa
            .records
            .iter()
            .filter_map(|record| Some((record, record.usable().err()?)))
            .collect();
        (unusable.len() == tlsa.records.len()).then(|| {
            let shown = |(record, why): (&TlsaRecord, _)| {
                record_at(tlsa.base, format_args!("{}: {why}", record.brief()))
            };
            unusable.into_iter().map(shown).collect()
        })
    })
}

pub fn tlsa_unsigned(view: &View<'_>) -> Vec<Case> {
    hosts(view, |host| {
        let insecure = |lookup: &&TlsaLookup| {
            matches!(&lookup.answer, Published::Found { security: Security::Insecure, .. })
        };
        let lookup = host.tlsa.iter().find(insecure)?;
        let shown =
            lookup.answer.records().iter().map(|record| record_at(&lookup.base, record.brief()));
        Some(shown.take(1).chain([vouched(host)]).collect())
    })
}

pub fn tlsa_lookup_fails(view: &View<'_>) -> Vec<Case> {
    let failing = view.hosts().filter_map(|seat| {
        let (lookup, fault) = failed(seat.host)?;
        let name = question(seat.host, &lookup.base);
        let case = seat.case().sure(surety(fault)).seen(vouched(seat.host));
        Some(case.seen(Evidence::plain("host.tlsa", format_args!("{name}: {fault}"))))
    });
    promise::compared(view, failing.collect(), |seat| seat.host.security == Security::Secure)
}

pub fn tlsa_without_starttls(view: &View<'_>) -> Vec<Case> {
    let cases = cases(view, |spot| {
        let tlsa = promise::tlsa(spot.seat.host)?;
        let without = starttls::without(view, spot)?;
        let shown = tlsa.records.iter().take(1).map(|record| record_at(tlsa.base, record.brief()));
        Some(shown.fold(without, Case::seen))
    });
    promise::compared(view, cases, promises)
}

pub fn tlsa_issuer_not_sent(view: &View<'_>) -> Vec<Case> {
    let cases = chains(view, |verdict| {
        matches!(verdict, DaneVerdict::IssuerInRecord { .. } | DaneVerdict::IssuerNotSent { .. })
    });
    promise::compared(view, cases, promises)
}

pub fn tlsa_no_spare(view: &View<'_>) -> Vec<Case> {
    hosts(view, |host| {
        let tlsa = promise::tlsa(host)?;
        let mut usable = tlsa.records.iter().filter(|record| record.usable().is_ok());
        let only = usable.next()?;
        usable.next().is_none().then(|| vec![record_at(tlsa.base, only.brief())])
    })
}

/// Hosts that DANE02 names for the same reason are left to it.
pub fn mx_zone_unsigned(view: &View<'_>) -> Vec<Case> {
    let elsewhere = view.seats().any(|seat| promise::tlsa(seat.host).is_some());
    if elsewhere || !promise::is_mx_signed(view) {
        return Vec::new();
    }
    hosts(view, |host| {
        let unsigned = host.security == Security::Insecure;
        unsigned.then(|| vec![Evidence::plain("policies.mx", "secure"), vouched(host)])
    })
}

/// Whether senders that validate pass the host over, at each address that answers.
pub fn passes_over(view: &View<'_>, seat: Seat<'_>) -> bool {
    let fails = |spot: &Spot<'_>| {
        // The session's: a sender with both algorithms is shown that one.
        let shown = promise::verdicts(view, spot).into_iter().next();
        shown.is_some_and(|judged| judged.verdict.delivers() == Some(false))
            || starttls::missing(view, spot).is_some()
            || starttls::unspeakable(view, spot).is_some()
    };
    if promise::tlsa(seat.host).is_none() {
        return look_up_fails(seat.host);
    }
    promise::wherever_it_answers(seat, fails)
}

/// Whether a look-up that senders make before they turn to the host fails for all that validate. RFC
/// 7672 §2.1.2.
pub fn look_up_fails(host: &Host) -> bool {
    let sure = |(_, fault): (_, &DnsFault)| surety(fault) == Confidence::High;
    matches!(host.security, Security::Bogus(_)) || failed(host).is_some_and(sure)
}

fn promises(seat: Seat<'_>) -> bool {
    promise::tlsa(seat.host).is_some()
}

fn why_bare(host: &Host) -> Evidence {
    match host.security {
        Security::Secure => Evidence::plain("host.tlsa", "no such record that senders go by"),
        _ => vouched(host),
    }
}

/// What `check` finds at the addresses of every host.
fn cases(view: &View<'_>, check: impl Fn(&Spot<'_>) -> Option<Case>) -> Vec<Case> {
    view.hosts().flat_map(|seat| seat.cases(&check)).collect()
}

/// Cases about addresses whose chains have a verdict that `wanted` wants; critical where no sender that
/// validates delivers.
fn chains(view: &View<'_>, wanted: impl Fn(&DaneVerdict) -> bool) -> Vec<Case> {
    cases(view, |spot| {
        let tlsa = promise::tlsa(spot.seat.host)?;
        let mut verdicts = promise::verdicts(view, spot);
        verdicts.retain(|judged| wanted(&judged.verdict));
        (!verdicts.is_empty()).then_some(())?;
        let shown = tlsa.records.iter().map(|record| record_at(tlsa.base, record.brief()));
        let lost = verdicts.iter().any(|judged| judged.verdict.delivers() == Some(false));
        let case = if lost { spot.case().graded(Severity::Critical) } else { spot.case() };
        let case = verdicts.iter().fold(case, |case, judged| case.seen(of_chain(spot, judged)));
        Some(shown.fold(case, Case::seen))
    })
}

fn of_chain<'a>(spot: &Spot<'a>, judged: &Judged<'a>) -> Evidence {
    let fact = format!("{}.dane", judged.fact);
    spot.exchange(judged.visit, &fact, &judged.verdict, "STARTTLS")
}

/// Cases about hosts, with this evidence where there is any.
fn hosts(view: &View<'_>, check: impl Fn(&Host) -> Option<Vec<Evidence>>) -> Vec<Case> {
    let case = |seat: Seat<'_>| Some(check(seat.host)?.into_iter().fold(seat.case(), Case::seen));
    view.hosts().filter_map(case).collect()
}

/// The question for TLSA records that failed for a host whose addresses are signed, unless that is
/// ours.
fn failed(host: &Host) -> Option<(&TlsaLookup, &DnsFault)> {
    (host.security == Security::Secure).then_some(())?;
    let failed = host.tlsa.iter().find_map(|lookup| Some((lookup, lookup.answer.fault()?)));
    failed.filter(|(_, fault)| fault.blame() != Blame::Us)
}

/// An answer that did not come may have been lost on our side of the path.
fn surety(fault: &DnsFault) -> Confidence {
    if fault.blame() == Blame::Peer { Confidence::High } else { Confidence::Medium }
}

fn records(host: &Host) -> Vec<Evidence> {
    let tlsa = promise::tlsa(host);
    let shown = |tlsa: promise::Records<'_>| {
        tlsa.records.iter().map(|record| record_at(tlsa.base, record.brief())).collect()
    };
    tlsa.map(shown).unwrap_or_default()
}

fn record_at(base: &str, record: impl std::fmt::Display) -> Evidence {
    Evidence::plain("host.tlsa", format_args!("{base}: {record}"))
}

fn question(host: &Host, base: &str) -> String {
    let port = host.addresses.first().map_or(25, |endpoint| endpoint.port);
    format!("_{port}._tcp.{base}")
}

fn vouched(host: &Host) -> Evidence {
    Evidence::plain("host.security", &host.security)
}
