//! Draws the landscape that senders meet from a survey: what every step of a delivery comes to, as far as
//! it was seen, and as far as it is about the host and not about us.
//!
//! Says nothing of any sender, and forecasts nothing: `forecast` does.

use super::{
    Spot, View,
    attribution::{Acceptance, Attribution, Takes},
    promise, starttls,
    view::Seat,
};
use crate::{
    forecast::landscape::{
        Address, Certificate, Exchangers, Fit, Host, Known, Landscape, Lost, Null, Step, Tier, Tls,
        Tlsa,
    },
    policy::{Mode, Reading, sts},
    smtp::cause::{Cause, Moment},
    survey::{
        self, AddressAnswer, Blame, DnsFault, FaultKind, Fetched, MxLookup, Published,
        RecipientKind, Security, reading::Offer,
    },
};

/// What senders meet.
pub fn of(view: &View<'_>) -> Landscape {
    Landscape { exchangers: exchangers(view), signed: signed(view), sts: demanded(view) }
}

fn exchangers(view: &View<'_>) -> Exchangers {
    let nowhere = |why: &str| Exchangers::Nowhere(why.to_owned());
    match &view.survey.mx {
        MxLookup::Published(set) => {
            let mut tiers: Vec<(u16, Tier)> = Vec::new();
            for seat in view.seats() {
                let preference = seat.preference.unwrap_or(0);
                let host = host(view, seat);
                match tiers.last_mut().filter(|(last, _)| *last == preference) {
                    Some((_, tier)) => tier.hosts.push(host),
                    None => tiers.push((preference, Tier { hosts: vec![host] })),
                }
            }
            let is_null = |record: &&survey::MxRecord| record.exchange.as_bytes() == b".";
            let null = set.records.iter().find(is_null).map(|null| {
                let beside = set.records.iter().filter(|one| one.preference == null.preference);
                Null { first_and_alone: null.preference == 0 && beside.count() == 1 }
            });
            Exchangers::Hosts { tiers: tiers.into_iter().map(|(_, tier)| tier).collect(), null }
        }
        MxLookup::Implicit { .. } => {
            let hosts = view.seats().map(|seat| host(view, seat)).collect();
            Exchangers::Hosts { tiers: vec![Tier { hosts }], null: None }
        }
        MxLookup::Null { .. } => nowhere("a null MX: the domain takes no mail"),
        MxLookup::Absent => nowhere("neither an MX record nor an address"),
        MxLookup::NoSuchDomain => nowhere("the domain does not exist"),
        MxLookup::Failed { fault } if fault.blame() == Blame::Peer => {
            Exchangers::Failing(format!("the look-up of MX fails: {fault}"))
        }
        MxLookup::Failed { fault } => Exchangers::Unknown(format!("MX not seen: {fault}")),
    }
}

fn signed(view: &View<'_>) -> Known {
    match &view.survey.policies.mx {
        Security::Secure => Known::Yes,
        Security::Insecure => Known::No,
        Security::Bogus(why) | Security::Unanswered { why, .. } | Security::Undetermined(why) => {
            Known::Unknown(format!("whether the MX records are signed was not seen: {why}"))
        }
        Security::NotAsked => Known::Unknown("DNSSEC was not asked for".to_owned()),
    }
}

/// Whether MTA-STS demands verified TLS of senders that meet the domain for the first time: one that
/// cannot fetch a policy, and has none, goes on without. RFC 8461 §3.3.
fn demanded(view: &View<'_>) -> Known {
    let policies = &view.survey.policies.sts;
    let unknown = |why: String| Known::Unknown(format!("the MTA-STS policy was not seen: {why}"));
    match &policies.record {
        Published::Absent { .. } => return Known::No,
        Published::Failed(fault) if fault.blame() == Blame::Peer => return Known::No,
        Published::Failed(fault) => return unknown(fault.to_string()),
        Published::NotAsked => return unknown("not asked for".to_owned()),
        Published::Found { records, .. } if !matches!(sts::read(records), Reading::One(_)) => {
            return Known::No;
        }
        Published::Found { .. } => {}
    }
    match policies.policy.as_ref().map(|fetch| &fetch.outcome) {
        Some(Fetched::Failed(fault)) if fault.blame() != Blame::Peer => unknown(fault.to_string()),
        None => unknown("not fetched".to_owned()),
        Some(Fetched::Failed(_)) => Known::No,
        Some(Fetched::Policy(_)) => match promise::policy(view) {
            Some(policy) if policy.mode == Mode::Enforce => Known::Yes,
            _ => Known::No,
        },
    }
}

fn host<'a>(view: &View<'a>, seat: Seat<'a>) -> Host {
    let mut addresses: Vec<Address> = seat.spots().map(|spot| address(view, &spot)).collect();
    // Where an address takes the mail, the others of the host that we could not see are taken to be like
    // it; a fault of one says nothing of them.
    let model = addresses.iter().find(|one| one.is_known() && one.takes_mail()).cloned();
    if let Some(model) = model {
        for one in addresses.iter_mut().filter(|one| !one.is_known()) {
            *one = Address { address: one.address, port: one.port, ..model.clone() };
        }
    }
    Host {
        name: seat.host.name.clone(),
        lost: lost(seat.host, &addresses),
        addresses,
        tlsa: tlsa(seat.host),
        listed: match promise::policy(view) {
            Some(policy) if policy.pattern_for(&seat.host.name).is_none() => Known::No,
            _ => Known::Yes,
        },
    }
}

fn lost(host: &survey::Host, addresses: &[Address]) -> Option<Lost> {
    if let Security::Bogus(why) = &host.security {
        return Some(Lost::Failing(format!("its addresses are bogus: {why}")));
    }
    if !addresses.is_empty() {
        return None;
    }
    let fault = [&host.a, &host.aaaa].into_iter().find_map(|answer| match answer {
        AddressAnswer::Failed(fault) => Some(fault),
        _ => None,
    });
    // A name that exists may have an address of the family that was not asked for.
    let unasked = [&host.a, &host.aaaa].contains(&&AddressAnswer::NotAsked);
    let exists = [&host.a, &host.aaaa].contains(&&AddressAnswer::NoData);
    Some(match fault {
        None if unasked && exists => {
            Lost::Unknown("one address family was not asked for".to_owned())
        }
        Some(fault) if fault.blame() == Blame::Peer => {
            Lost::Failing(format!("no address: {fault}"))
        }
        Some(fault) => Lost::Unknown(format!("its addresses were not seen: {fault}")),
        None => Lost::Nowhere("no address".to_owned()),
    })
}

fn tlsa(host: &survey::Host) -> Tlsa {
    if let Some(tlsa) = promise::tlsa(host) {
        let usable = tlsa.records.iter().any(|record| record.usable().is_ok());
        return if usable { Tlsa::Usable } else { Tlsa::Unusable };
    }
    if promise::is_bare(host) {
        return Tlsa::None;
    }
    let fault: Option<&DnsFault> = host.tlsa.iter().find_map(|lookup| lookup.answer.fault());
    match (&host.security, fault) {
        (Security::Secure, Some(fault)) if fault.blame() == Blame::Peer => {
            Tlsa::Failing(format!("its TLSA look-up fails: {fault}"))
        }
        (_, Some(fault)) => Tlsa::Unknown(format!("its TLSA records were not seen: {fault}")),
        // It has no address to connect to either.
        (Security::Bogus(_), None) => Tlsa::None,
        (_, None) => Tlsa::Unknown("whether it has TLSA records was not seen".to_owned()),
    }
}

fn address(view: &View<'_>, spot: &Spot<'_>) -> Address {
    let endpoint = spot.endpoint;
    let mut address = Address {
        address: endpoint.address,
        port: endpoint.port,
        connect: connect(view, spot),
        greeting: Step::Passes,
        hello: Step::Passes,
        tls: tls(view, spot),
        sender: Step::Passes,
        recipient: Step::Passes,
    };
    if address.connect != Step::Passes {
        return address;
    }
    let answer = view.acceptance(spot, RecipientKind::Real);
    let step = match (view.takes(spot), answer.seen) {
        (Takes::Yes, _) => return address,
        (Takes::No, Some((_, reply))) if answer.is_lasting() => Step::Hard(reply.to_string()),
        (Takes::No, Some((_, reply))) => Step::Soft(reply.to_string()),
        (Takes::No, None) => Step::Gone(silence(spot)),
        (Takes::Unknown, Some((_, reply))) if is_trouble_of_its_own(view, spot, &answer) => {
            Step::Soft(reply.to_string())
        }
        (Takes::Unknown, Some((_, reply))) => {
            Step::Unknown(format!("not known what it says to others than us: {reply}"))
        }
        (Takes::Unknown, None) if view.survey.asked.recipients.is_empty() => {
            Step::Unknown("no recipient was asked".to_owned())
        }
        (Takes::Unknown, None) => Step::Unknown("no answer to RCPT was seen".to_owned()),
    };
    let place = match (answer.acceptance, answer.moment()) {
        (Acceptance::Unseen, _) if matches!(step, Step::Gone(_)) => &mut address.greeting,
        (_, Some(Moment::Greeting)) => &mut address.greeting,
        (_, Some(Moment::Hello)) => &mut address.hello,
        (_, Some(Moment::Sender | Moment::StartTls)) => &mut address.sender,
        (_, Some(Moment::Recipient) | None) => &mut address.recipient,
    };
    *place = step;
    address
}

/// Whether every visit was turned away before RCPT for a reason that is the host's own: senders meet that
/// as well.
fn is_trouble_of_its_own(view: &View<'_>, spot: &Spot<'_>, answer: &Attribution<'_>) -> bool {
    let early = answer.moment().is_some_and(|moment| moment < Moment::Recipient);
    let refusals = view.refusals(spot);
    let temporary = |visit: &survey::Observation| {
        let mut mine = refusals.iter().filter(|refusal| std::ptr::eq(refusal.visit, visit));
        mine.any(|one| one.diagnosis.cause == Cause::HostTemporary && one.reply.is_temporary())
    };
    let ordinary: Vec<_> =
        spot.endpoint.connected().filter(|visit| visit.purpose.is_ordinary()).collect();
    early && ordinary.len() > 1 && ordinary.iter().all(|visit| temporary(visit))
}

fn connect(view: &View<'_>, spot: &Spot<'_>) -> Step {
    if let Some((why, blame)) = spot.endpoint.access.barred() {
        return match blame {
            Blame::Peer => Step::Silent(why),
            Blame::Path | Blame::Us => Step::Unknown(format!("not visited: {why}")),
        };
    }
    match spot.endpoint.answers() {
        Some(true) => Step::Passes,
        None => Step::Unknown("not visited".to_owned()),
        Some(false) if !view.is_silent(spot) => {
            Step::Unknown(format!("not seen: {}", silence(spot)))
        }
        Some(false) => {
            let silent =
                |kind: &FaultKind| matches!(kind, FaultKind::TimedOut | FaultKind::OutOfTime);
            let fault = spot.endpoint.connect_fault();
            if fault.is_some_and(|fault| silent(&fault.kind)) {
                Step::Silent(silence(spot))
            } else {
                Step::Gone(silence(spot))
            }
        }
    }
}

/// What came in place of an answer.
fn silence(spot: &Spot<'_>) -> String {
    let mut faults = spot.endpoint.observations.iter().flat_map(survey::Observation::faults);
    faults.next().map_or_else(|| "no answer".to_owned(), ToString::to_string)
}

fn tls(view: &View<'_>, spot: &Spot<'_>) -> Tls {
    if let Some((_, handshake)) = spot.endpoint.handshake() {
        let pkix = match handshake.trust.first() {
            None => Fit::Fits,
            Some(flaw) => Fit::Fails(flaw.to_string()),
        };
        // The first chain is the session's: a sender with both algorithms is shown that one.
        let dane = promise::verdicts(view, spot).into_iter().next();
        let dane = match dane.map(|judged| (judged.verdict.delivers(), judged.verdict)) {
            Some((Some(true), _)) | None => Fit::Fits,
            Some((Some(false), verdict)) => Fit::Fails(format!("DANE: {verdict}")),
            Some((None, verdict)) => Fit::Unknown(format!("senders differ: {verdict}")),
        };
        return Tls::Spoken(Certificate { pkix, dane });
    }
    if let Some(failures) = starttls::unspeakable(view, spot) {
        let last = failures.last();
        if let Some(reply) = last.and_then(starttls::Failure::declined) {
            return Tls::Refused { permanent: reply.is_permanent(), reply: reply.to_string() };
        }
        let words = last.map_or_else(String::new, ToString::to_string);
        let in_handshake = failures.iter().any(starttls::Failure::in_handshake);
        return if in_handshake { Tls::Broken(words) } else { Tls::Lost(words) };
    }
    match spot.endpoint.starttls() {
        Offer::Never { .. } => Tls::Missing,
        // Blotted out on the way: theirs or ours, and a sender elsewhere may see it.
        Offer::Masked(_) => Tls::Unknown("STARTTLS is blotted out, here or there".to_owned()),
        Offer::Always | Offer::Sometimes => Tls::Unknown("no handshake was seen".to_owned()),
        // HELO was answered: without extensions there is no STARTTLS.
        Offer::Unknown if spot.endpoint.hello().is_some() => Tls::Missing,
        Offer::Unknown => Tls::Unknown("no answer to EHLO was seen".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        forecast::{Fate, Privacy, Scenario},
        rules::{fail, sketch},
        smtp::Reply,
        survey::{Observation, Stage, Survey},
    };

    /// A visit over TLS in which the real recipient is answered so.
    fn told(real: &str) -> Observation {
        let tls = Stage::Reached(sketch::handshake(&[sketch::certificate(1, 90)]));
        Observation { tls, ..sketch::answered(real, None) }
    }

    /// A sound primary, and a backup with one address for each of these lists of visits.
    fn survey(backup: &[&dyn Fn() -> Vec<Observation>]) -> Survey {
        let backup = backup.iter().map(|visits| visits()).collect();
        sketch::survey(vec![vec![vec![told(OK)]], backup])
    }

    /// What becomes of the mail of Postfix with the primary down, best and worst.
    fn failover(survey: &Survey) -> (Fate, Fate) {
        let view = View::of(survey);
        let mut of = view.forecast().when(&Scenario::PrimaryDown);
        let postfix = of.find(|one| one.model.name == "postfix").unwrap();
        (postfix.best().fate, postfix.worst().fate)
    }

    const OK: &str = "250 2.1.5 Ok";
    const NO: &str = "550 5.1.1 <postmaster@even.example>: User unknown";

    #[test]
    fn an_address_that_was_not_seen_counts_only_beside_one_that_takes_the_mail() {
        let unseen = || vec![sketch::unreached(FaultKind::NoRoute)];
        let gone = || vec![sketch::unreached(FaultKind::Refused)];
        let (yes, no) = (|| vec![told(OK)], || vec![told(NO)]);
        let encrypted = Fate::Delivered(Privacy::Encrypted, crate::forecast::Attempt::First);
        for (backup, want) in [
            (&[&yes as &dyn Fn() -> Vec<Observation>, &unseen][..], (encrypted, encrypted)),
            (&[&gone, &unseen], (Fate::Unproven, Fate::Unproven)),
            (&[&no, &unseen], (Fate::Unproven, Fate::Bounced)),
            (&[&unseen], (Fate::Unproven, Fate::Unproven)),
            (&[&gone], (Fate::Deferred, Fate::Deferred)),
            (&[&no], (Fate::Bounced, Fate::Bounced)),
        ] {
            assert_eq!(failover(&survey(backup)), want);
        }
    }

    #[test]
    fn a_family_that_was_not_asked_for_may_have_an_address() {
        let yes = || vec![told(OK)];
        let mut survey = survey(&[&yes]);
        let backup = survey.mx.hosts_mut().last().unwrap();
        backup.addresses.clear();
        for (a, aaaa, want) in [
            (AddressAnswer::NoData, AddressAnswer::NotAsked, Fate::Unproven),
            (AddressAnswer::NoData, AddressAnswer::NoData, Fate::Deferred),
            (AddressAnswer::NoSuchName, AddressAnswer::NotAsked, Fate::Deferred),
        ] {
            let backup = survey.mx.hosts_mut().last().unwrap();
            (backup.a, backup.aaaa) = (a.clone(), aaaa.clone());
            assert_eq!(failover(&survey), (want, want), "{a} {aaaa}");
        }
    }

    #[test]
    fn a_host_whose_addresses_nobody_told_us_hides_no_other() {
        let yes = || vec![told(OK)];
        let mut survey = survey(&[&yes]);
        let primary = survey.mx.hosts_mut().next().unwrap();
        primary.addresses.clear();
        primary.a = AddressAnswer::Failed(DnsFault::TimedOut);
        assert!(fail::host_never_reached(&View::of(&survey)).is_empty());
        assert_eq!(failover(&survey).0, Fate::Unproven);
    }

    #[test]
    fn trouble_of_its_own_before_rcpt_is_believed_from_the_second_visit() {
        let busy = || Observation {
            greeting: Stage::Declined(Reply::new(451, "4.3.0 Temporary system failure")),
            ..sketch::unreached(FaultKind::Refused)
        };
        let connected = sketch::visit().connect;
        let once = Observation { connect: connected.clone(), ..busy() };
        let again = || vec![once.clone(), once.clone()];
        let single = || vec![once.clone()];
        for (backup, want) in
            [(&again as &dyn Fn() -> Vec<Observation>, Fate::Deferred), (&single, Fate::Unproven)]
        {
            assert_eq!(failover(&survey(&[backup])), (want, want));
        }
    }
}
