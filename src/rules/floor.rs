//! Rules about the oldest and weakest TLS that a server takes, whatever it prefers.
//!
//! A downgrade needs only one way in. Silent where no hello of ours was answered: what was not asked
//! is not refused.

use std::fmt;

use super::{Case, Evidence, Severity, Spot, View, promise, starttls::obsolete, strength};
use crate::{
    survey::{Least, Observation, Role, SecondTry},
    tls::{Choice, Feature, KeyExchange, SuiteClass, TlsVersion},
};

pub fn backup_lower_tls_floor(view: &View<'_>) -> Vec<Case> {
    below(view, "floor.version", |spot| {
        // Of a backup that has nothing newer, TLS09 speaks.
        let told = spot.seat.role != Role::Primary && obsolete(view, spot).is_some();
        spot.endpoint.oldest_version().filter(|_| !told)
    })
}

pub fn obsolete_tls_accepted(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        // Where there is nothing newer, TLS09 says so.
        if obsolete(view, spot).is_some() {
            return None;
        }
        let versions = distinct(spot, |choice| {
            (choice.version < TlsVersion::Tls12).then(|| choice.version.to_string())
        });
        let worst = spot.endpoint.oldest_version()?.value;
        let case = match worst {
            TlsVersion::Ssl3 => spot.case().graded(Severity::High),
            _ => spot.case(),
        };
        shown(case, spot, "floor.version", versions)
    })
}

pub fn weak_cipher_accepted(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let mut classes: Vec<SuiteClass> = Vec::new();
        let suites = distinct(spot, |choice| {
            let class = choice.suite.class().filter(|class| class.is_weak())?;
            // One suite stands for its class.
            let first = !classes.contains(&class);
            classes.push(class);
            first.then(|| format!("{} ({class})", choice.suite))
        });
        let broken = |class: &SuiteClass| {
            matches!(
                class,
                SuiteClass::Null | SuiteClass::Export | SuiteClass::Des | SuiteClass::Rc4
            )
        };
        // A sender that was promised a certificate needs to see one.
        let shown_none =
            classes.contains(&SuiteClass::Anonymous) && promise::covers(view, spot.seat);
        let case = if classes.iter().any(broken) || shown_none {
            spot.case().graded(Severity::High)
        } else {
            spot.case()
        };
        shown(case, spot, "floor.suite", suites)
    })
}

pub fn backup_weaker_ciphers(view: &View<'_>) -> Vec<Case> {
    below(view, "floor.suite", |spot| spot.endpoint.worst_class())
}

pub fn weak_key_exchange(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let mut hopeless = false;
        let weak = distinct(spot, |choice| {
            let exchange = choice.key_exchange.as_ref().filter(|exchange| is_weak(exchange))?;
            hopeless |= exchange.strength() == Some(0);
            Some(exchange.to_string())
        });
        let case = if hopeless { spot.case().graded(Severity::High) } else { spot.case() };
        shown(case, spot, "floor.key_exchange", weak)
    })
}

pub fn no_extended_master_secret(view: &View<'_>) -> Vec<Case> {
    // Older versions are a fault of their own, and TLS 1.3 has it built in.
    let without = |choice: &Choice| {
        choice.version == TlsVersion::Tls12 && !choice.has(Feature::ExtendedMasterSecret)
    };
    features(view, "no extended master secret", without)
}

pub fn insecure_renegotiation(view: &View<'_>) -> Vec<Case> {
    let without = |choice: &Choice| {
        choice.version < TlsVersion::Tls13 && !choice.has(Feature::SecureRenegotiation)
    };
    features(view, "no renegotiation_info", without)
}

pub fn tls_compression(view: &View<'_>) -> Vec<Case> {
    features(view, "DEFLATE", |choice| choice.has(Feature::Compression))
}

pub fn downgrade_unnoticed(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let (visit, SecondTry::Taken(choice)) = spot.endpoint.second_try()? else {
            return None;
        };
        let newest = spot.endpoint.newest_version()?;
        let saw = format!("{} taken on a second try, where {newest} is spoken", choice.version);
        // Whoever knows TLS 1.3 sees through it then: RFC 8446 §4.1.3.
        let (case, saw) = match choice.downgrade_sentinel {
            Some(_) => (spot.case().graded(Severity::Info), format!("{saw}, and marked as less")),
            None => (spot.case(), saw),
        };
        Some(case.seen(seen(spot, visit, "floor.fallback", saw)))
    })
}

/// Backups whose weakest is below that of the primary tier.
fn below<'a, T: Copy + fmt::Display + PartialOrd>(
    view: &View<'a>,
    fact: &str,
    weakest: impl Fn(&Spot<'a>) -> Option<Least<'a, T>>,
) -> Vec<Case> {
    let weaker = strength::weaker_backups(view, weakest).into_iter();
    let case = |weaker: strength::Weaker<'a, Least<'a, T>>| {
        let ends = [(weaker.spot, weaker.value), (weaker.reference, weaker.reference_value)];
        ends.into_iter().fold(weaker.case(), |case, (spot, least)| {
            case.seen(seen(&spot, least.visit, fact, least))
        })
    };
    weaker.map(case).collect()
}

/// The newest version among the answers to hellos of ours that had TLS 1.2 or later on offer.
pub fn newest_choice(spot: &Spot<'_>) -> Option<TlsVersion> {
    let hellos = spot.endpoint.exchanges().map(|(_, exchange)| exchange);
    let current = hellos.filter(|exchange| exchange.question.version >= TlsVersion::Tls12);
    current.filter_map(|exchange| Some(exchange.choice()?.version)).max()
}

/// The versions that were picked, as evidence.
pub fn versions(spot: &Spot<'_>) -> Vec<Evidence> {
    let versions = distinct(spot, |choice| Some(choice.version.to_string()));
    versions.into_iter().map(|(visit, saw)| seen(spot, visit, "floor.version", saw)).collect()
}

/// A prime of one's own may be no prime at all, and nobody can tell. RFC 9325 §4.5 wants 2048 bits.
fn is_weak(exchange: &KeyExchange) -> bool {
    match exchange {
        KeyExchange::Curve { group } => group.strength().is_some_and(|bits| bits < 112),
        KeyExchange::ExplicitCurve | KeyExchange::ShortRsa { .. } => true,
        KeyExchange::Field { bits, prime } => *bits < 2048 || prime.is_none(),
    }
}

/// Cases of a server that agreed on TLS in this way; the first such answer of each version is shown.
fn features(view: &View<'_>, what: &str, is_so: impl Fn(&Choice) -> bool) -> Vec<Case> {
    view.cases(|spot| {
        let so =
            distinct(spot, |choice| is_so(choice).then(|| format!("{what} in {}", choice.version)));
        shown(spot.case(), spot, "floor.agreed", so)
    })
}

/// What `read` has to say of the choices at an address, each thing once.
fn distinct<'a>(
    spot: &Spot<'a>,
    mut read: impl FnMut(&Choice) -> Option<String>,
) -> Vec<(&'a Observation, String)> {
    let mut all: Vec<(&Observation, String)> = Vec::new();
    for (visit, choice) in spot.endpoint.choices() {
        if let Some(said) = read(choice)
            && all.iter().all(|(_, known)| *known != said)
        {
            all.push((visit, said));
        }
    }
    all
}

/// The case with this evidence, if there is any.
fn shown<'a>(
    case: Case,
    spot: &Spot<'a>,
    fact: &str,
    all: Vec<(&'a Observation, String)>,
) -> Option<Case> {
    (!all.is_empty()).then_some(())?;
    Some(all.into_iter().fold(case, |case, (visit, saw)| case.seen(seen(spot, visit, fact, saw))))
}

/// A version may come from an ordinary handshake as well; the lines are those behind STARTTLS.
fn seen<'a>(
    spot: &Spot<'a>,
    visit: &'a Observation,
    fact: &str,
    saw: impl fmt::Display,
) -> Evidence {
    spot.exchange(visit, fact, saw, "STARTTLS")
}

#[cfg(test)]
mod tests {
    use super::{
        super::{sketch::*, tls::only_obsolete_tls},
        *,
    };
    use crate::{
        survey::{Exchange, FaultKind, Stage},
        tls::{Question, Suite},
    };

    #[test]
    fn a_backup_is_below_only_where_the_primary_refused_as_much() {
        let old = || asked(Question::any(TlsVersion::Tls11), chose(TlsVersion::Tls10, RSA));
        let new = || asked(Question::any(TlsVersion::Tls12), chose(TlsVersion::Tls12, RSA));
        let none_older = || asked(Question::any(TlsVersion::Tls11), NO);
        for (primary, backup, fires) in [
            (vec![new(), none_older()], vec![new(), old()], true),
            // Nobody knows what the primary would have taken.
            (vec![new()], vec![new(), old()], false),
            (vec![new(), old()], vec![new(), old()], false),
            (vec![new(), none_older()], vec![new()], false),
            (vec![new(), none_older()], vec![shows(&[certificate(30, 90)])], false),
        ] {
            let seen = survey(vec![vec![primary], vec![backup]]);
            let cases = judged(&seen, backup_lower_tls_floor);
            assert_eq!(cases.len(), usize::from(fires), "{cases:?}");
        }
    }

    #[test]
    fn a_host_with_nothing_newer_is_told_of_once() {
        let refused = || broke(FaultKind::TlsAlert(70));
        let at = |most, version, suite| asked(Question::any(most), chose(version, suite));
        let (v10, v11, v12) = (TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12);
        let good = || vec![at(v12, v12, RSA), asked(Question::any(v11), NO)];
        let weak = "TLS_DH_anon_WITH_AES_128_CBC_SHA";
        let some = || asked(Question::of(v12, [SuiteClass::AeadFs]), NO);
        for (backup, want) in [
            // TLS 1.0 whatever is on offer.
            (vec![refused(), at(v12, v10, RSA)], [true, false, false]),
            (vec![refused(), at(v12, v10, RSA), at(v11, v10, RSA)], [true, false, false]),
            // Nothing tells what the older hello would have led to in TLS 1.2.
            (vec![refused(), some(), at(v11, v11, weak), at(v12, v12, weak)], [false, true, true]),
            (vec![at(v12, v12, RSA), at(v11, v10, RSA)], [false, true, true]),
        ] {
            let seen = survey(vec![vec![good()], vec![backup]]);
            let checks = [only_obsolete_tls, backup_lower_tls_floor, obsolete_tls_accepted];
            let found = checks.map(|check| {
                judged(&seen, check).iter().any(|case| case.contains("mx2.even.example"))
            });
            assert_eq!(found, want);
        }
    }

    const RSA: &str = "TLS_RSA_WITH_AES_128_CBC_SHA";

    #[test]
    fn a_refusal_is_no_finding_and_silence_is_none_either() {
        let question = || Question::any(TlsVersion::Tls11);
        let fault = broke(FaultKind::TimedOut).tls;
        let Stage::Broke(fault) = fault else { panic!() };
        let silent = Some(Exchange { question: question(), answer: Stage::Broke(fault) });
        let silent = Observation { floor: silent, ..visit() };
        for visits in [vec![asked(question(), NO)], vec![silent]] {
            let seen = alone(visits);
            for check in [obsolete_tls_accepted, weak_cipher_accepted, weak_key_exchange] {
                assert_eq!(judged(&seen, check), Vec::<String>::new());
            }
        }
    }

    #[test]
    fn the_worst_class_grades_the_finding() {
        for (suite, severity) in [
            (RSA, ""),
            ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", ""),
            ("TLS_RSA_WITH_RC4_128_SHA", "High "),
            ("TLS_RSA_WITH_NULL_SHA", "High "),
        ] {
            let answer = chose(TlsVersion::Tls12, suite);
            let seen = alone(vec![asked(Question::any(TlsVersion::Tls12), answer)]);
            let cases = judged(&seen, weak_cipher_accepted);
            let class = Suite::named(suite).and_then(Suite::class).unwrap();
            let graded = severity.to_lowercase();
            let want = format!("{graded}High mx1.even.example: floor.suite {suite} ({class})");
            assert_eq!(cases, [want]);
        }
    }
}
