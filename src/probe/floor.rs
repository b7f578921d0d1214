//! From the answers of an address so far to the next question about its TLS, or to the end.
//!
//! Pure, and each question is a connection: as few as the answers allow. A server that answers a hello
//! in any other way than TLS has is asked no more; what was not asked stays unknown.

use crate::{
    survey::{Depth, Observation},
    tls::{Choice, Group, Question, ServerFlight, Suite, SuiteClass, TlsVersion},
};

/// Visits of [`Depth::Floor`], at a server that is weak in every way.
pub const MOST_FOR_FLOOR: usize = 6;

/// Questions of [`Depth::Full`] beyond one for every suite taken in every version: a refusal for each
/// version, and room for groups and the like. With the certificate of another algorithm and the
/// command behind STARTTLS, which are visits as well, they make versions and six.
pub const MOST_FOR_FULL: usize = TlsVersion::ALL.len() + 4;

/// What the first question offers: enough to be answered with a certificate, and what a server picks
/// of it tells whether it follows the client's order, which is weakest first.
const COMMON: [SuiteClass; 4] =
    [SuiteClass::StaticKey, SuiteClass::CbcSha1, SuiteClass::CbcSha2, SuiteClass::AeadFs];

/// As many suites as every server with TLS 1.3 has, or nearly.
const USUAL_OF_TLS13: usize = 3;

/// The next question after what was `seen`; `None` when enough is known, or nothing more can be.
pub fn next(depth: Depth, seen: &[Observation]) -> Option<Question> {
    let inquiry = Inquiry::of(seen)?;
    let next = match depth {
        Depth::Session => None,
        Depth::Floor => inquiry.floor(),
        Depth::Full => inquiry.full(),
    };
    // An answer that no question allows must not make us ask for ever.
    next.filter(|question| !inquiry.was_asked(question))
}

/// Questions with their answers, in order.
struct Inquiry<'a>(Vec<(&'a Question, &'a ServerFlight)>);

impl<'a> Inquiry<'a> {
    /// `None` once a question was not answered as TLS has it.
    fn of(seen: &'a [Observation]) -> Option<Self> {
        let exchanges = seen.iter().filter_map(|visit| visit.floor.as_ref());
        let answered =
            exchanges.map(|exchange| Some((&exchange.question, exchange.answer.reached()?)));
        answered.collect::<Option<_>>().map(Self)
    }

    /// The oldest version and the weakest suite, in three visits where there is nothing to find.
    fn floor(&self) -> Option<Question> {
        let left = MOST_FOR_FLOOR.checked_sub(self.0.len()).filter(|left| *left > 0)?;
        let common = Question { compression: true, ..Question::of(TlsVersion::Tls12, COMMON) };
        if !self.was_asked(&common) {
            return Some(common);
        }
        self.older().or_else(|| self.weaker(left))
    }

    /// Whether there is anything below the oldest version that was taken; TLS 1.2 counts as taken.
    fn older(&self) -> Option<Question> {
        let oldest = self.choices().map(|choice| choice.version).min();
        let oldest = oldest.unwrap_or(TlsVersion::Tls12).min(TlsVersion::Tls12);
        let below = Question::any(oldest.previous()?);
        (!self.was_asked(&below)).then_some(below)
    }

    /// Whether any weak class is taken that nothing is known of yet.
    fn weaker(&self, left: usize) -> Option<Question> {
        let worst = self.choices().filter_map(|choice| choice.suite.class()).min();
        // As long as nothing shows that TLS 1.2 is taken, what an older hello was answered with may be
        // what shows it.
        let is_current = self.choices().any(|choice| choice.version >= TlsVersion::Tls12);
        let counts = |question: &Question| is_current || question.version >= TlsVersion::Tls12;
        let taken = self.0.iter().filter(|(question, _)| counts(question));
        let taken: Vec<_> = taken
            .filter_map(|(_, answer)| match answer {
                ServerFlight::Chose(choice) => choice.suite.class(),
                ServerFlight::Refused { .. } => None,
            })
            .collect();
        let open = |class: &SuiteClass| {
            // The last question goes to what is worse than all that was found.
            let worth = left > 1 || worst.is_none_or(|worst| *class < worst);
            class.is_weak() && !taken.contains(class) && !self.is_refused(*class) && worth
        };
        let open: Vec<_> = SuiteClass::ALL.into_iter().filter(open).collect();
        (!open.is_empty()).then(|| Question::of(TlsVersion::Tls12, open))
    }

    /// Every version with every suite, then groups, then whether a forced downgrade is noticed.
    fn full(&self) -> Option<Question> {
        let taken: usize = TlsVersion::ALL.map(|version| self.suites(version).len()).iter().sum();
        // Whatever servers make up, there are no more suites than those.
        let most = Suite::all().count() * TlsVersion::ALL.len();
        if self.0.len() >= taken.min(most) + MOST_FOR_FULL {
            return None;
        }
        let suites = TlsVersion::ALL.into_iter().rev().find_map(|version| self.suite(version));
        suites.or_else(|| self.second_try()).or_else(|| self.group())
    }

    /// One more suite of `version`, all that it was seen to take left out.
    fn suite(&self, version: TlsVersion) -> Option<Question> {
        let taken = self.suites(version);
        let all = Question { compression: version < TlsVersion::Tls13, ..Question::any(version) };
        let known_groups = self.groups();
        let rest = Question { without_suites: taken.clone(), known_groups, ..all };
        if self.is_settled(version) || self.was_asked(&rest) || rest.suites().is_empty() {
            return None;
        }
        if version < TlsVersion::Tls13 || taken.len() >= USUAL_OF_TLS13 {
            return Some(rest);
        }
        // Suite and group have nothing to do with each other in TLS 1.3, so each answer can tell
        // something new of both.
        let both = Question { without_groups: self.groups(), ..rest.clone() };
        Some(if self.was_asked(&both) { rest } else { both })
    }

    /// Whether it is known that `version` is not taken at all: a hello with it was answered with an
    /// older one, or one that allowed it and all below was refused.
    fn is_settled(&self, version: TlsVersion) -> bool {
        self.0.iter().any(|(question, answer)| match answer {
            ServerFlight::Chose(choice) => {
                choice.version < version && version <= question.version && question.is_plain()
            }
            // TLS 1.2 says nothing of the rest: some servers turn down whoever offers it.
            ServerFlight::Refused { .. } => {
                question.version < TlsVersion::Tls12
                    && version < question.version
                    && question.is_plain()
                    && question.without_suites.is_empty()
            }
        })
    }

    /// A hello below the best version that calls itself a second try. RFC 7507 §3.
    fn second_try(&self) -> Option<Question> {
        let taken = |version: &TlsVersion| !self.suites(*version).is_empty();
        let below = TlsVersion::ALL.into_iter().rev().filter(taken).nth(1)?;
        let again = Question { fallback: true, ..Question::any(below) };
        (!self.was_asked(&again)).then_some(again)
    }

    /// One more group, all that were seen left out: of TLS 1.3 where there is that, then of the suites
    /// of TLS 1.2 that agree on a curve, where only those are left that TLS 1.3 does not have.
    fn group(&self) -> Option<Question> {
        let seen = self.groups();
        let in_13 = |group: &Group| group.is_for(TlsVersion::Tls13);
        let modern = !self.suites(TlsVersion::Tls13).is_empty();
        let rest = Question {
            without_groups: seen.iter().copied().filter(in_13).collect(),
            ..Question::any(TlsVersion::Tls13)
        };
        if modern && !self.was_asked(&rest) {
            return Some(rest);
        }
        // A key on a curve wants that curve on offer too. RFC 8422 §5.1.
        let curved =
            |suite: &Suite| suite.name().contains("_ECDHE_") && !suite.name().contains("_ECDSA_");
        let (curved, others): (Vec<_>, Vec<_>) =
            self.suites(TlsVersion::Tls12).into_iter().partition(curved);
        let settled = |group: &Group| seen.contains(group) || (modern && in_13(group));
        let older = Question {
            without_suites: others,
            without_groups: Group::all().filter(settled).collect(),
            ..Question::any(TlsVersion::Tls12)
        };
        (!curved.is_empty() && !self.was_asked(&older)).then_some(older)
    }

    fn choices(&self) -> impl Iterator<Item = &'a Choice> {
        self.0.iter().filter_map(|(_, answer)| match answer {
            ServerFlight::Chose(choice) => Some(&**choice),
            ServerFlight::Refused { .. } => None,
        })
    }

    /// The suites taken in `version`, in the order of preference as far as the server has one.
    fn suites(&self, version: TlsVersion) -> Vec<Suite> {
        let mut suites = Vec::new();
        for choice in self.choices().filter(|choice| choice.version == version) {
            if !suites.contains(&choice.suite) {
                suites.push(choice.suite);
            }
        }
        suites
    }

    /// The groups agreed on, in that order.
    fn groups(&self) -> Vec<Group> {
        let mut groups = Vec::new();
        for group in self.choices().filter_map(Choice::named_group) {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }

    fn was_asked(&self, question: &Question) -> bool {
        self.0.iter().any(|(asked, _)| asked.is_like(question))
    }

    /// Whether suites of `class` were on offer with TLS 1.2 at most, and nothing was taken.
    fn is_refused(&self, class: SuiteClass) -> bool {
        self.0.iter().any(|(question, answer)| {
            matches!(answer, ServerFlight::Refused { .. })
                && question.version == TlsVersion::Tls12
                && question.classes.contains(&class)
        })
    }
}

#[cfg(test)]
mod tests;
