//! STS and RPT rules: whether MTA-STS and TLS reports hold, for every host. RFC 8461, RFC 8460.
//!
//! Judges the policy as it stands now; what senders have kept of an older one is not known here.

use super::{
    Case, Evidence, Severity, Spot, Subject, View, finding::Confidence, promise, starttls,
    view::Seat,
};
use crate::{
    policy::{
        DeviationKind, Effect, Mode, Reading, RecordFault, StsPolicy, sts as record, tls_rpt,
    },
    smtp::Text,
    survey::{Blame, FetchFault, Fetched, PolicyFetch, Published, Role},
};

/// A policy that lives shorter than this hardly ever meets a sender twice, in seconds: RFC 8461 §3.2
/// wants weeks or greater.
const SHORT: u64 = 24 * 60 * 60;

/// Octets of a record that are shown, and patterns of a policy.
const MOST_SHOWN: usize = 256;
const MOST_PATTERNS: usize = 8;

pub fn sts_record_invalid(view: &View<'_>) -> Vec<Case> {
    let texts = view.survey.policies.sts.record.records();
    ill(&record::read(texts), "policies.sts.record")
}

pub fn sts_policy_unavailable(view: &View<'_>) -> Vec<Case> {
    let Some(fetch) = &view.survey.policies.sts.policy else { return Vec::new() };
    let Fetched::Failed(fault) = &fetch.outcome else { return Vec::new() };
    let confidence = match fault.blame() {
        Blame::Us => return Vec::new(),
        Blame::Path => Confidence::Medium,
        Blame::Peer => Confidence::High,
    };
    let case = Case::about(Subject::domain()).sure(confidence);
    vec![case.seen(fetched(fetch, fault))]
}

pub fn sts_policy_invalid(view: &View<'_>) -> Vec<Case> {
    let Some(reading) = view.sts() else { return Vec::new() };
    let bad = |kind: &DeviationKind| kind.effect() > Effect::Allowed;
    let mut evidence: Vec<Evidence> = reading
        .deviations
        .iter()
        .filter(|deviation| bad(&deviation.kind))
        .map(|deviation| Evidence::plain("policies.sts.policy", deviation))
        .collect();
    evidence.extend(odd_media_type(view));
    let case = Case::about(Subject::domain());
    if evidence.is_empty() { Vec::new() } else { vec![evidence.into_iter().fold(case, Case::seen)] }
}

pub fn host_missing_from_sts_policy(view: &View<'_>) -> Vec<Case> {
    let Some(policy) = promise::policy(view).filter(|policy| policy.mode != Mode::None) else {
        return Vec::new();
    };
    let missing = view.hosts().filter(|seat| policy.pattern_for(&seat.host.name).is_none());
    let patterns = format!("mx: {}", policy.patterns(MOST_PATTERNS));
    let case = |seat: Seat<'_>| {
        // No sender tries yet what was given by hand.
        let case = match seat.case() {
            case if promise::by_hand(view) => case.graded(Severity::Medium),
            case => graded(case, seat, policy),
        };
        case.seen(mode(policy)).seen(Evidence::plain("policies.sts.policy", &patterns))
    };
    promise::compared(view, missing.map(case).collect(), |_| true)
}

pub fn host_fails_sts(view: &View<'_>) -> Vec<Case> {
    let Some(policy) = promise::policy(view).filter(|policy| policy.mode != Mode::None) else {
        return Vec::new();
    };
    let listed = |seat: &Seat<'_>| policy.pattern_for(&seat.host.name).is_some();
    // Where no TLS can be had, DANE06 tells of it under both promises, and the rules for everybody where
    // nothing is enforced.
    let ours = |seat: Seat<'_>| policy.mode == Mode::Enforce && promise::tlsa(seat.host).is_none();
    let fails = |spot: &Spot<'_>| {
        let without = ours(spot.seat).then(|| starttls::without(view, spot)).flatten();
        let case = without.or_else(|| distrusted(spot))?;
        Some(graded(case, spot.seat, policy).seen(mode(policy)))
    };
    let cases = view.hosts().filter(listed).flat_map(|seat| seat.cases(fails)).collect();
    promise::compared(view, cases, |seat| listed(&seat))
}

/// Whether senders of MTA-STS pass the host over, at each address that answers.
pub fn passes_over(view: &View<'_>, seat: Seat<'_>) -> bool {
    let Some(policy) = promise::policy(view).filter(|policy| policy.mode == Mode::Enforce) else {
        return false;
    };
    let fails = |spot: &Spot<'_>| {
        // By the certificate of the session: a sender with both algorithms is shown that one.
        let doubted = spot.endpoint.handshake().is_some_and(|(_, done)| !done.is_verified());
        doubted
            || starttls::missing(view, spot).is_some()
            || starttls::unspeakable(view, spot).is_some()
    };
    policy.pattern_for(&seat.host.name).is_none() || promise::wherever_it_answers(seat, fails)
}

pub fn sts_pattern_unused(view: &View<'_>) -> Vec<Case> {
    let Some(policy) = promise::policy(view) else { return Vec::new() };
    let unused = promise::unused(view, policy).into_iter().take(MOST_PATTERNS);
    let shown =
        unused.map(|pattern| Evidence::plain("policies.sts.policy", format_args!("mx: {pattern}")));
    let shown: Vec<Evidence> = shown.collect();
    let case = Case::about(Subject::domain());
    if shown.is_empty() { Vec::new() } else { vec![shown.into_iter().fold(case, Case::seen)] }
}

pub fn sts_not_enforced(view: &View<'_>) -> Vec<Case> {
    let lax = promise::policy(view).filter(|policy| policy.mode != Mode::Enforce);
    lax.map(|policy| Case::about(Subject::domain()).seen(mode(policy))).into_iter().collect()
}

pub fn sts_max_age_short(view: &View<'_>) -> Vec<Case> {
    // A policy on its way out should end soon. RFC 8461 §8.3.
    let short = |policy: &&StsPolicy| policy.max_age < SHORT && policy.mode != Mode::None;
    let case = |policy: &StsPolicy| {
        let saw = format!("max_age: {}", policy.max_age);
        Case::about(Subject::domain()).seen(Evidence::plain("policies.sts.policy", saw))
    };
    promise::policy(view).filter(short).map(case).into_iter().collect()
}

pub fn tlsrpt_missing(view: &View<'_>) -> Vec<Case> {
    let policies = &view.survey.policies;
    let signed = promise::is_mx_signed(view);
    let tlsa = view.seats().find(|seat| signed && promise::tlsa(seat.host).is_some());
    let promised = match (tlsa, &policies.sts.record) {
        (Some(seat), _) => {
            Evidence::plain("host.tlsa", format_args!("records for {}", seat.host.name))
        }
        (None, Published::Found { records, .. }) if record::read(records) != Reading::Missing => {
            let ours = records.iter().find(|text| text.as_bytes().starts_with(b"v=STSv1"));
            let shown = Text::bounded(ours.unwrap_or(&records[0]).as_bytes(), MOST_SHOWN);
            Evidence::plain("policies.sts.record", shown)
        }
        _ => return Vec::new(),
    };
    let absent = match &policies.tls_rpt {
        Published::Absent { .. } => true,
        Published::Found { records, .. } => tls_rpt::read(records) == Reading::Missing,
        Published::Failed(_) | Published::NotAsked => false,
    };
    let case = Case::about(Subject::domain()).seen(promised);
    let none = Evidence::plain("policies.tls_rpt", "no such record");
    if absent { vec![case.seen(none)] } else { Vec::new() }
}

pub fn tlsrpt_invalid(view: &View<'_>) -> Vec<Case> {
    ill(&tls_rpt::read(view.survey.policies.tls_rpt.records()), "policies.tls_rpt")
}

/// A record that senders cannot use.
fn ill<T>(reading: &Reading<T>, fact: &str) -> Vec<Case> {
    let case = Case::about(Subject::domain());
    match reading {
        Reading::Missing | Reading::One(_) => Vec::new(),
        Reading::Several(count) => {
            vec![case.seen(Evidence::plain(fact, format_args!("{count} records, one may be")))]
        }
        Reading::Invalid { text, faults } => {
            let words: Vec<String> = faults.iter().map(RecordFault::to_string).collect();
            let words = words.join(", ");
            vec![case.seen(Evidence::plain(fact, format_args!("{text}: {words}")))]
        }
    }
}

/// What a sender that verifies holds against the certificates of an address.
fn distrusted(spot: &Spot<'_>) -> Option<Case> {
    let flaws = spot.endpoint.certificates().flat_map(|(visit, fact, handshake)| {
        let fact = format!("{fact}.trust");
        let flaws = handshake.trust.iter();
        flaws.map(move |flaw| spot.exchange(visit, &fact, flaw, "STARTTLS"))
    });
    let flaws: Vec<Evidence> = flaws.collect();
    (!flaws.is_empty()).then(|| flaws.into_iter().fold(spot.case(), Case::seen))
}

/// Under `enforce` senders pass the host over, which is worse the earlier it is tried; under
/// `testing` they only report it.
fn graded(case: Case, seat: Seat<'_>, policy: &StsPolicy) -> Case {
    case.graded(match (policy.mode, seat.role) {
        (Mode::Enforce, Role::Primary) => Severity::Critical,
        (Mode::Enforce, Role::Backup(_)) => Severity::High,
        _ => Severity::Medium,
    })
}

fn mode(policy: &StsPolicy) -> Evidence {
    Evidence::plain("policies.sts.policy", format_args!("mode: {}", policy.mode))
}

fn fetched(fetch: &PolicyFetch, fault: &FetchFault) -> Evidence {
    Evidence::plain("policies.sts.policy", format_args!("{}: {fault}", fetch.url))
}

/// RFC 8461 §3.2: the policy is text/plain; some senders look.
fn odd_media_type(view: &View<'_>) -> Option<Evidence> {
    let Fetched::Policy(file) = &view.survey.policies.sts.policy.as_ref()?.outcome else {
        return None;
    };
    let served = file.media_type.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    let saw = format!("media type {served}, not text/plain");
    (!file.is_plain_text()).then(|| Evidence::plain("policies.sts.policy", saw))
}
