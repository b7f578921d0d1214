//! The transcripts on the page, with an anchor at every line that evidence can cite.
//!
//! Anchors are made of numbers, never of a server's words.

use crate::{report::transcript, rules::Place, smtp::Speaker, survey::Survey};

/// The visits of one report in their order.
pub struct Visits<'a> {
    all: Vec<Visit<'a>>,
}

pub struct Visit<'a> {
    pub anchor: String,
    pub place: String,
    pub number: usize,
    pub purpose: String,
    pub lines: Vec<Line>,
    host: &'a str,
    address: std::net::IpAddr,
}

pub struct Line {
    pub number: u32,
    pub seconds: String,
    pub speaker: Speaker,
    pub class: &'static str,
    pub text: String,
}

impl<'a> Visits<'a> {
    /// `domain` is the place of the report on the page.
    pub fn of(domain: usize, survey: &'a Survey) -> Self {
        let visit =
            |(at, (host, endpoint, number, visit)): (usize, transcript::Placed<'a>)| Visit {
                anchor: format!("d{domain}-v{at}"),
                place: transcript::place(host, endpoint),
                number,
                purpose: visit.purpose.to_string(),
                lines: visit.transcript.lines().map(Line::of).collect(),
                host: &host.name,
                address: endpoint.address,
            };
        Self { all: (1..).zip(transcript::visits(survey)).map(visit).collect() }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Visit<'a>> {
        self.all.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The anchor of the first of `lines`, or of the whole visit.
    pub fn anchor(&self, place: &Place, lines: &[u32]) -> Option<String> {
        let is = |visit: &&Visit<'_>| {
            visit.host == place.host
                && visit.address == place.address
                && visit.number == place.visit
        };
        let visit = self.all.iter().find(is)?;
        let cited = |line: &&Line| lines.first() == Some(&line.number);
        Some(match visit.lines.iter().find(cited) {
            Some(line) => format!("{}-l{}", visit.anchor, line.number),
            None => visit.anchor.clone(),
        })
    }
}

impl Line {
    fn of((number, line): (u32, &crate::smtp::transcript::Line)) -> Self {
        let class = match line.who {
            Speaker::Client => "client",
            Speaker::Event => "event",
            Speaker::Server => "server",
        };
        let text = line.text.to_string();
        Self { number, seconds: transcript::seconds(line), speaker: line.who, class, text }
    }
}
