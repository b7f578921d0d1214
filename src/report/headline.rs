//! The sentence on top: the verdict in words, with names.
//!
//! Longer than most: every verdict has its own words. Says less than the verdict where less was seen,
//! never more.

use super::{
    Failover, Parity, Report, forecast,
    verdict::{self, Way},
    words,
};
use crate::{
    rules::{
        Spot, View,
        attribution::{Acceptance, Takes},
        view::Seat,
    },
    survey::{DnsFault, Ending, MxLookup, RecipientKind},
};

/// One or two sentences.
pub fn sentence(report: &Report) -> String {
    let survey = &report.survey;
    let domain = &survey.domain;
    match &survey.mx {
        MxLookup::Null { .. } => {
            format!("{domain} takes no mail, and its null MX says so to every sender.")
        }
        MxLookup::NoSuchDomain => format!("{domain} does not exist."),
        MxLookup::Absent => {
            format!("{domain} takes no mail: it has neither an MX record nor an address.")
        }
        MxLookup::Failed { fault: DnsFault::Interrupted } => {
            format!("Interrupted before DNS had answered for {domain}.")
        }
        MxLookup::Failed { fault } => {
            format!("Unproven: DNS gave no usable answer for {domain} ({fault}).")
        }
        MxLookup::Implicit { .. } | MxLookup::Published(_) => match survey.ending {
            Ending::Complete => Words::of(report).all(),
            Ending::Interrupted => format!("Interrupted. {}", Words::of(report).all()),
        },
    }
}

/// What the sentence is made of. Every clause stands alone, so that each verdict picks its own.
struct Words<'a> {
    report: &'a Report,
    view: View<'a>,
    /// The hosts that must carry the mail when others fail.
    carriers: Vec<Seat<'a>>,
    has_tiers: bool,
}

impl<'a> Words<'a> {
    fn of(report: &'a Report) -> Self {
        let view = View::of(&report.survey);
        let backups: Vec<Seat<'a>> = view.backups().collect();
        let has_tiers = !backups.is_empty();
        let carriers = if has_tiers { backups } else { view.primaries().collect() };
        Self { report, view, carriers, has_tiers }
    }

    /// Today first, because mail that bounces now matters more than mail that might.
    fn all(&self) -> String {
        let (failover, parity) = (self.failover(), self.parity());
        let today = self.today().map(|today| format!("{today} ")).unwrap_or_default();
        let senders = forecast::sentence(&self.view).map(|sentence| format!(" {sentence}"));
        format!("{today}{failover}{parity}.{}", senders.unwrap_or_default())
    }

    /// What is wrong before anything fails.
    fn today(&self) -> Option<String> {
        let primaries: Vec<Seat<'a>> = self.view.primaries().collect();
        let refuses = |seat: &&Seat<'a>| self.view.seat_takes(seat) == Takes::No;
        let named = Names::of(primaries.iter().filter(refuses).map(name));
        if !self.has_tiers || named.is_empty() {
            return None;
        }
        let who = match primaries.len() {
            1 => format!("The primary, {named},"),
            _ => format!("{named}, of the primary tier,"),
        };
        Some(format!("{who} {} the mail today.", named.verb("does not take", "do not take")))
    }

    /// The clause about failover. Hosts are named where the reader can do something about them.
    fn failover(&self) -> String {
        match self.report.verdict.failover {
            Failover::Works => "Failover works".to_owned(),
            Failover::Fragile => format!("Failover is fragile: {}", self.partly_failing()),
            Failover::Broken => match self.failing() {
                _ if self.has_tiers && self.carriers.len() > 1 && self.none_takes() => {
                    "Failover is broken: no backup takes the mail".to_owned()
                }
                nobody if nobody.is_empty() => {
                    format!("Failover is broken: {}", self.partly_failing())
                }
                failing => format!("Failover is broken: {failing}"),
            },
            Failover::None => self.alone(),
            Failover::Unproven => self.unproven(),
        }
    }

    fn none_takes(&self) -> bool {
        self.carriers_that(Takes::No).count() == self.carriers.len()
    }

    /// Who does not take the mail, and how, if it is one host.
    fn failing(&self) -> String {
        let failing: Vec<&Seat<'a>> = self.carriers_that(Takes::No).collect();
        match failing.as_slice() {
            [] => String::new(),
            [one] => format!("{} {}", name(one), self.failure(one)),
            several => {
                let names = Names::of(several.iter().map(|seat| name(seat)));
                format!("{names} {} the mail", names.verb("does not take", "do not take"))
            }
        }
    }

    /// What fails where some of the mail gets through.
    fn partly_failing(&self) -> String {
        let refused = self.carriers.iter().find_map(|seat| {
            let mailbox = verdict::refused_recipient(&self.view, seat)?;
            let taken = |spot| {
                let answer = self.view.acceptance_of(&spot, mailbox);
                answer.acceptance == Acceptance::Accepted
            };
            let who = if seat.spots().any(taken) { "one address of " } else { "" };
            Some(format!("{who}{} refuses {mailbox}", name(seat)))
        });
        if let Some(refused) = refused {
            return refused;
        }
        let ways = verdict::ways(&self.view);
        let senders = |wanted: fn(Way) -> bool| {
            forecast::senders(ways.iter().filter(|(_, way)| wanted(*way)).map(|(model, _)| *model))
        };
        let failing = self.failing();
        match (senders(|way| way <= Way::Waits), senders(|way| way == Way::Partly)) {
            (Some((who, number)), _) => {
                format!("{who} {} through", number.of("does not get", "do not get"))
            }
            (None, Some((who, number))) if failing.is_empty() => {
                format!("{who} {} always get through", number.of("does not", "do not"))
            }
            (None, _) => failing,
        }
    }

    /// How a host that does not take the mail fails, nearest cause first.
    fn failure(&self, seat: &Seat<'a>) -> &'static str {
        let lasting =
            |spot: Spot<'a>| self.view.acceptance(&spot, RecipientKind::Real).is_lasting();
        if seat.host.addresses.is_empty() {
            "has no address"
        } else if seat.host.answers() != Some(true) {
            "does not answer"
        } else if seat.spots().any(lasting) {
            "refuses the mail"
        } else {
            "does not take the mail"
        }
    }

    /// With one host the question is not failover but whether it takes the mail at all.
    fn alone(&self) -> String {
        let Some(seat) = self.view.seats().next() else {
            return "There is nothing to fail over to".to_owned();
        };
        let another = |other: Seat<'a>| other.host.name != seat.host.name;
        let which = if self.view.seats().any(another) {
            "at whose address all hosts stand"
        } else {
            "the only mail host"
        };
        let name = name(&seat);
        match self.view.seat_takes(&seat) {
            Takes::Yes => format!("{name} takes the mail, and there is nothing to fail over to"),
            Takes::No => format!("{name}, {which}, {}", self.failure(&seat)),
            Takes::Unknown => {
                let question = format!("whether {name}, {which}, takes the mail");
                self.unproven_because(&question, &[&seat])
            }
        }
    }

    /// Names the hosts whose answer is missing.
    fn unproven(&self) -> String {
        let unknown: Vec<&Seat<'a>> = self.carriers_that(Takes::Unknown).collect();
        let names = Names::of(unknown.iter().map(|seat| name(seat)));
        if names.is_empty() {
            return self.unproven_because("what senders do", &unknown);
        }
        let verb = names.verb("takes", "take");
        self.unproven_because(&format!("whether {names} {verb} the mail"), &unknown)
    }

    /// The question that stays open and, if it is about one host, why. Our own closed port and the
    /// user's own choice explain every host at once.
    fn unproven_because(&self, question: &str, seats: &[&Seat<'a>]) -> String {
        if self.view.port_closed_here() {
            return "Unproven: port 25 seems closed here".to_owned();
        }
        if self.report.survey.asked.recipients.is_empty() {
            return "Failover is unproven by choice: no recipient was asked (--no-rcpt)".to_owned();
        }
        let refusal = |spot: Spot<'a>| {
            let real = self.view.acceptance(&spot, RecipientKind::Real);
            match real.acceptance {
                Acceptance::Refused(cause) => Some(words::why_unproven(cause).to_owned()),
                Acceptance::Accepted | Acceptance::Unseen => None,
            }
        };
        let asked = &self.report.survey.asked;
        let due = |spot: Spot<'a>| {
            let address = spot.endpoint.address;
            let due = asked.pending(address).map(|(.., due)| due);
            let due = words::moment(due.or_else(|| asked.rests_until(address))?);
            Some(format!("it is not to be asked before {due}"))
        };
        let reason = match seats {
            [one] => one.spots().find_map(refusal).or_else(|| one.spots().find_map(due)),
            _ => None,
        };
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("It is unproven {question}{reason}")
    }

    /// How the sentence about failover ends.
    fn parity(&self) -> String {
        // Where failover does not work, that hosts are otherwise even is no comfort to anybody.
        let works = self.report.verdict.failover == Failover::Works;
        match self.report.verdict.parity {
            Parity::Even if works && self.has_tiers => {
                let one = self.carriers.len() == 1;
                let who = if one { "the backup is" } else { "every backup is" };
                format!(", and {who} as safe and strict as the primary")
            }
            Parity::Even if works => ", and the hosts are even".to_owned(),
            Parity::Uneven => {
                let weaker = self.weaker();
                let link = if works { ", but" } else { ";" };
                match weaker.verb("is", "are") {
                    _ if weaker.is_empty() && !works => String::new(),
                    _ if weaker.is_empty() => format!("{link} the hosts are not even"),
                    verb => format!("{link} {weaker} {verb} weaker than the primary"),
                }
            }
            Parity::Unproven if works => ", but not every host could be compared".to_owned(),
            Parity::Alone | Parity::Even | Parity::Unproven => String::new(),
        }
    }

    /// Backups that a comparison found wanting in more than taking the mail, of which the first
    /// half of the sentence speaks.
    fn weaker(&self) -> Names {
        let findings = || verdict::uneven(&self.report.findings);
        let found = |seat: &&Seat<'a>| {
            findings().any(|finding| finding.subject.host.as_deref() == Some(name(seat)))
        };
        let carriers = self.carriers.iter().filter(|_| self.has_tiers);
        let takers = carriers.filter(|seat| self.view.seat_takes(seat) != Takes::No);
        Names::of(takers.filter(found).map(name))
    }

    fn carriers_that(&self, wanted: Takes) -> impl Iterator<Item = &Seat<'a>> {
        self.carriers.iter().filter(move |seat| self.view.seat_takes(seat) == wanted)
    }
}

fn name<'a>(seat: &Seat<'a>) -> &'a str {
    &seat.host.name
}

/// `a`, `a and b`, `a, b and 3 more`; each name once.
struct Names {
    text: String,
    number: usize,
}

impl Names {
    fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut all: Vec<&str> = Vec::new();
        for name in names {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        let text = match all.as_slice() {
            [] => String::new(),
            [one] => (*one).to_owned(),
            [one, two] => format!("{one} and {two}"),
            [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
        };
        Self { text, number: all.len() }
    }

    fn is_empty(&self) -> bool {
        self.number == 0
    }

    fn verb<'b>(&self, one: &'b str, more: &'b str) -> &'b str {
        if self.number == 1 { one } else { more }
    }
}

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, SERVER, Server, answering, silent},
        survey::{DnsFault, FaultKind, Host},
    };

    fn said(tiers: Vec<(u16, Vec<Host>)>) -> String {
        let mut report = Report::of(sample::survey(tiers));
        // The catalogue has opinions of its own; here only acceptance speaks.
        report.findings.clear();
        report.verdict = super::super::Verdict::of(&report.survey, &[]);
        let all = sentence(&report);
        // What senders do is told by the forecast, behind it.
        all.split(" With ").next().unwrap().to_owned()
    }

    fn host(number: usize, real: &str) -> Host {
        let (name, address) = (format!("mx{number}.even.example"), format!("192.0.2.{number}"));
        answering(&name, &address, Server { real, ..SERVER })
    }

    const YES: &str = "250 2.1.5 Ok";
    const NO: &str = "550 5.1.1 <postmaster@even.example>: User unknown";
    const US: &str = "554 5.7.1 Client host [198.51.100.7] blocked using zen.example";

    #[test]
    fn the_sentence_names_whom_it_is_about() {
        let one = |number, real| vec![host(number, real)];
        let dead = || vec![silent("mx2.even.example", "192.0.2.2", FaultKind::Refused)];
        for (tiers, want) in [
            (
                vec![(10, one(1, YES)), (20, one(2, YES))],
                "Failover works, and the backup is as safe and strict as the primary.",
            ),
            (
                vec![(10, one(1, NO)), (20, one(2, YES))],
                "The primary, mx1.even.example, does not take the mail today. Failover works, \
                 and the backup is as safe and strict as the primary.",
            ),
            (
                vec![(10, one(1, YES)), (20, one(2, NO))],
                "Failover is broken: mx2.even.example refuses the mail.",
            ),
            (
                vec![(10, one(1, YES)), (20, dead())],
                "Failover is broken: mx2.even.example does not answer.",
            ),
            (
                vec![(10, one(1, YES)), (20, dead()), (30, one(3, YES))],
                "Failover is fragile: Stalwart does not get through.",
            ),
            (
                vec![(10, one(1, YES)), (20, one(2, NO)), (30, one(3, YES))],
                "Failover is broken: mx2.even.example refuses the mail.",
            ),
            (
                vec![(10, one(1, YES)), (20, one(2, NO)), (30, one(3, NO))],
                "Failover is broken: no backup takes the mail.",
            ),
            (
                vec![(10, one(1, YES)), (20, one(2, US))],
                "It is unproven whether mx2.even.example takes the mail: it refuses this prober.",
            ),
            (
                vec![(10, one(1, YES))],
                "mx1.even.example takes the mail, and there is nothing to fail over to.",
            ),
            (
                vec![(10, vec![host(1, YES), host(2, YES)])],
                "Failover works, and the hosts are even.",
            ),
        ] {
            assert_eq!(said(tiers), want);
        }
    }

    #[test]
    fn a_domain_without_hosts_has_a_sentence_of_its_own() {
        let fault = DnsFault::TimedOut;
        for (mx, want) in [
            (
                MxLookup::Null { preference: 0 },
                "even.example takes no mail, and its null MX says so to every sender.",
            ),
            (MxLookup::NoSuchDomain, "even.example does not exist."),
            (
                MxLookup::Absent,
                "even.example takes no mail: it has neither an MX record nor an address.",
            ),
            (
                MxLookup::Failed { fault },
                "Unproven: DNS gave no usable answer for even.example (no answer in time).",
            ),
        ] {
            assert_eq!(sentence(&Report::of(sample::with_mx(mx))), want);
        }
    }

    #[test]
    fn an_interruption_comes_first() {
        let mut survey = sample::survey(vec![(10, vec![host(1, YES)])]);
        survey.ending = Ending::Interrupted;
        assert!(sentence(&Report::of(survey)).starts_with("Interrupted. "));
    }
}
