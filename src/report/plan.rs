//! A plan for people: the visits a run would make, and every word of each; also as JSON.
//!
//! Nothing of it was done.

use std::net::IpAddr;

use super::{
    Plain,
    ink::{BOLD, DIM, Line, PLAIN, Sheet},
    words,
};
use crate::survey::{Host, MxLookup, Plan, PlannedCommand, PlannedVisit, Times, plan::Toll};

/// The plan in one of the forms; `width` is for people.
pub fn render(plan: &Plan, format: Plain, width: usize) -> String {
    format.of(plan, || text(plan, width))
}

fn text(plan: &Plan, width: usize) -> String {
    let mut sheet = Sheet::default();
    sheet.line(Line::new(BOLD, &plan.domain));
    sheet.prose(width, Line::default(), PLAIN, &sum(plan));
    // Where every address gets the same words, they are said once.
    let mut groups: Vec<(Vec<Place<'_>>, Vec<&PlannedVisit>)> = Vec::new();
    for visits in plan.visits.chunk_by(|one, next| place(one) == place(next)) {
        let words: Vec<&PlannedVisit> = visits.iter().collect();
        let here = place(&visits[0]);
        match groups.iter_mut().find(|(_, others)| alike(others, &words)) {
            Some((places, _)) => places.push(here),
            None => groups.push((vec![here], words)),
        }
    }
    for (places, visits) in groups {
        sheet.blank();
        let each = if places.len() > 1 { "each: " } else { "" };
        for (host, address, port) in places {
            sheet.line(Line::new(BOLD, host).and(PLAIN, format!("  {address} port {port}")));
        }
        let toll = format!("{each}{}", toll(&Toll::of(visits.iter().copied())));
        sheet.prose(width, Line::default().pad(2), DIM, &toll);
        if let Some(due) = visits.iter().find_map(|visit| visit.no_recipients_before) {
            let due = words::moment(due);
            let why = format!("no recipients: an earlier run was told to come back after {due}");
            sheet.prose(width, Line::default().pad(2), PLAIN, &why);
        }
        for visit in visits {
            steps(&mut sheet, visit, width);
        }
    }
    if let Some(url) = &plan.policy_url {
        sheet.blank();
        let asked = format!("One HTTPS request besides, for the MTA-STS policy: {url}");
        sheet.prose(width, Line::default(), PLAIN, &asked);
    }
    left_out(&mut sheet, plan, width);
    sheet.to_string()
}

/// Where a visit goes.
type Place<'a> = (&'a str, IpAddr, u16);

fn place(visit: &PlannedVisit) -> Place<'_> {
    (&visit.host, visit.address, visit.port)
}

/// Whether two addresses would get the same visits and words.
fn alike(ours: &[&PlannedVisit], others: &[&PlannedVisit]) -> bool {
    let same = |(one, other): (&&PlannedVisit, &&PlannedVisit)| {
        one.purpose == other.purpose
            && one.commands == other.commands
            && one.only_if == other.only_if
            && one.times == other.times
            && one.no_recipients_before == other.no_recipients_before
    };
    ours.len() == others.len() && ours.iter().zip(others).all(same)
}

/// How many visits, or why none.
fn sum(plan: &Plan) -> String {
    match &plan.mx {
        MxLookup::Null { .. } => {
            "Nothing to visit: a null MX says that it takes no mail.".to_owned()
        }
        MxLookup::Absent => "Nothing to visit: neither an MX record nor an address.".to_owned(),
        MxLookup::NoSuchDomain => "Nothing to visit: the domain does not exist.".to_owned(),
        MxLookup::Failed { fault } => format!("Nothing to visit: MX look-up failed: {fault}."),
        MxLookup::Implicit { .. } | MxLookup::Published(_) => {
            let certain = plan.total.connections_at_least;
            let and_suites = match plan.total.visits_for_suites {
                0 => "",
                _ => ", and one for every cipher suite taken in every version,",
            };
            let perhaps = match plan.total.connections_at_most - certain {
                0 => String::new(),
                more => {
                    format!(", and up to {more} more{and_suites} if what they see calls for it")
                }
            };
            let visits = words::count(certain, "visit", "visits");
            let toll = toll(&plan.total);
            format!(
                "{visits} would be made{perhaps}. In all: {toll}. A host that asks us to stop is \
                 not visited again. Nothing was said now."
            )
        }
    }
}

/// What visits come to, in words.
fn toll(toll: &Toll) -> String {
    let Toll { connections_at_least: least, connections_at_most: most, .. } = *toll;
    let connections = match most {
        _ if least == most => words::count(most, "connection", "connections"),
        _ => format!("{least} to {most} connections"),
    };
    let handshakes = words::count(toll.handshakes_at_most, "TLS handshake", "TLS handshakes");
    let commands = words::count(toll.commands_at_most, "command", "commands");
    let more = match toll.visits_for_suites {
        0 => "",
        _ => ", and one more connection for every cipher suite taken in every version",
    };
    format!("{connections}, at most {handshakes} and {commands}{more}")
}

/// One visit: its purpose, its condition, its words as they stand on the wire.
fn steps(sheet: &mut Sheet, visit: &PlannedVisit, width: usize) {
    let head = Line::new(PLAIN, format!("  {}", visit.purpose));
    let times = match visit.times {
        Times::Once => String::new(),
        Times::AtMost(most) => format!(", at most {most} times with a question each"),
        Times::SuitesAnd(more) => {
            format!(
                ", once for every cipher suite taken in every version, and at most {more} times more"
            )
        }
    };
    let condition = visit
        .only_if
        .as_ref()
        .map(|condition| format!(", only if {condition}"))
        .unwrap_or_default();
    match format!("{times}{condition}") {
        text if text.is_empty() => sheet.line(head),
        text => sheet.hanging(width, 4, head, (DIM, &text)),
    }
    for PlannedCommand { line, only_if } in &visit.commands {
        let condition = only_if.as_ref().map(|condition| format!(", only if {condition}"));
        let text = format!("{line}{}", condition.unwrap_or_default());
        sheet.prose(width, Line::default().pad(4), DIM, &text);
    }
}

/// Hosts and addresses that would not be visited.
fn left_out(sheet: &mut Sheet, plan: &Plan, width: usize) {
    let mut why: Vec<String> = Vec::new();
    for (_, _, host) in plan.mx.hosts() {
        why.extend(host.addresses.is_empty().then(|| addressless(host)));
        why.extend(host.addresses.iter().filter_map(|endpoint| {
            let (reason, _) = endpoint.access.barred()?;
            Some(format!("{} {}: {reason}", host.name, endpoint.address))
        }));
    }
    if why.is_empty() {
        return;
    }
    sheet.blank();
    sheet.line(Line::new(BOLD, "Not visited"));
    for text in why {
        sheet.prose(width, Line::default().pad(2), PLAIN, &text);
    }
}

/// Both answers, because a failed look-up and an empty one call for different deeds.
fn addressless(host: &Host) -> String {
    format!("{}: no address (A: {}, AAAA: {})", host.name, host.a, host.aaaa)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, at, host},
        survey::{Endpoint, Purpose},
    };

    fn visit(host: &str, address: &str, only_if: Option<&str>) -> PlannedVisit {
        PlannedVisit {
            host: host.to_owned(),
            address: address.parse().unwrap(),
            port: 25,
            purpose: if only_if.is_some() { Purpose::Confirm } else { Purpose::Session },
            commands: ["EHLO probe.example", "HELO probe.example, EHLO is refused", "QUIT"]
                .map(command)
                .to_vec(),
            only_if: only_if.map(str::to_owned),
            times: Times::Once,
            no_recipients_before: None,
        }
    }

    fn command(words: &str) -> PlannedCommand {
        let (line, only_if) =
            words.split_once(", ").map_or((words, None), |(line, why)| (line, Some(why)));
        PlannedCommand { line: line.to_owned(), only_if: only_if.map(str::to_owned) }
    }

    #[test]
    fn visits_that_say_the_same_are_said_once_and_what_is_barred_is_named() {
        let access = crate::survey::Access::SpecialPurpose("Private-Use".to_owned());
        let barred = Endpoint { access, ..at("10.0.0.1", Vec::new()) };
        let hosts = vec![host("mx3.even.example", vec![barred])];
        let visits: Vec<_> = ["mx1.even.example 192.0.2.1", "mx2.even.example 192.0.2.2"]
            .into_iter()
            .filter_map(|place| place.split_once(' '))
            .flat_map(|(host, address)| {
                [visit(host, address, None), visit(host, address, Some("STARTTLS is missing"))]
            })
            .collect();
        let plan = Plan {
            domain: sample::NAME.parse().unwrap(),
            mx: sample::survey(vec![(10, hosts)]).mx,
            policy_url: Some("https://mta-sts.even.example/.well-known/mta-sts.txt".to_owned()),
            total: Toll::of(&visits),
            visits,
        };
        let shown = anstream::adapter::strip_str(&text(&plan, 80)).to_string();
        assert_eq!(
            shown,
            "even.example\n\
             2 visits would be made, and up to 2 more if what they see calls for it. In all:\n\
             2 to 4 connections, at most 0 TLS handshakes and 12 commands. A host that asks\n\
             us to stop is not visited again. Nothing was said now.\n\
             \n\
             mx1.even.example  192.0.2.1 port 25\n\
             mx2.even.example  192.0.2.2 port 25\n  \
               each: 1 to 2 connections, at most 0 TLS handshakes and 6 commands\n  \
               session\n    \
                 EHLO probe.example\n    \
                 HELO probe.example, only if EHLO is refused\n    \
                 QUIT\n  \
               confirm, only if STARTTLS is missing\n    \
                 EHLO probe.example\n    \
                 HELO probe.example, only if EHLO is refused\n    \
                 QUIT\n\
             \n\
             One HTTPS request besides, for the MTA-STS policy:\n\
             https://mta-sts.even.example/.well-known/mta-sts.txt\n\
             \n\
             Not visited\n  \
               mx3.even.example 10.0.0.1: not a public address (Private-Use)\n"
        );
    }

    #[test]
    fn a_domain_without_hosts_has_a_plan_of_one_sentence() {
        let plan = Plan {
            domain: sample::NAME.parse().unwrap(),
            mx: MxLookup::NoSuchDomain,
            visits: Vec::new(),
            policy_url: None,
            total: Toll::of([]),
        };
        let shown = anstream::adapter::strip_str(&text(&plan, 80)).to_string();
        assert_eq!(shown, "even.example\nNothing to visit: the domain does not exist.\n");
    }
}
