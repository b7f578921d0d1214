//! What was said in every visit, with the line numbers that evidence cites.
//!
//! The words as they were, escaped; explains nothing.

use super::ink::{BOLD, DIM, Line, PLAIN, Sheet};
use crate::{
    smtp::Speaker,
    survey::{Endpoint, Host, Observation, Survey},
};

/// A visit, to which address of which host, and the how-manieth there.
pub type Placed<'a> = (&'a Host, &'a Endpoint, usize, &'a Observation);

/// All visits, host by host, in the order of the report.
pub fn visits(survey: &Survey) -> impl Iterator<Item = Placed<'_>> {
    let published = survey.mx.hosts().map(|(_, _, host)| host);
    let hosts = published.chain(&survey.also);
    let places = hosts.flat_map(|host| host.addresses.iter().map(move |endpoint| (host, endpoint)));
    places.flat_map(|(host, endpoint)| {
        let visits = (1..).zip(&endpoint.observations);
        visits.map(move |(number, visit)| (host, endpoint, number, visit))
    })
}

/// Where a visit went.
pub fn place(host: &Host, endpoint: &Endpoint) -> String {
    format!("{} [{}]:{}", host.name, endpoint.address, endpoint.port)
}

/// When a line was said, counted from the beginning of its visit.
pub fn seconds(line: &crate::smtp::transcript::Line) -> String {
    format!("{}.{:03}", line.at_ms / 1000, line.at_ms % 1000)
}

/// Every visit.
pub fn text(survey: &Survey) -> String {
    let mut sheet = Sheet::default();
    visits(survey).for_each(|visit| dialogue(&mut sheet, visit));
    sheet.to_string()
}

/// One visit: its place and purpose, then every line with its number and seconds.
fn dialogue(sheet: &mut Sheet, (host, endpoint, number, visit): Placed<'_>) {
    let which = format!("  visit {number}, {}", visit.purpose);
    sheet.line(Line::new(BOLD, place(host, endpoint)).and(DIM, which));
    for (number, line) in visit.transcript.lines() {
        let margin = format!("{number:>4} {:>8}  ", seconds(line));
        let style = match line.who {
            Speaker::Client => BOLD,
            Speaker::Event => DIM,
            Speaker::Server => PLAIN,
        };
        sheet.line(Line::new(DIM, margin).and(style, line));
    }
    sheet.blank();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, SERVER, answering};

    #[test]
    fn lines_have_the_numbers_that_evidence_cites() {
        let host = answering("mx1.even.example", "192.0.2.1", SERVER);
        let shown = text(&sample::survey(vec![(10, vec![host])]));
        let shown = anstream::adapter::strip_str(&shown).to_string();
        assert_eq!(
            shown,
            "mx1.even.example [192.0.2.1]:25  visit 1, session\n   \
                1    0.000  -- connected\n   \
                2    0.020  S: mx ESMTP Postfix\n   \
                3    0.040  C: EHLO probe.example\n   \
                4    0.060  S: 250 2.1.5 Ok\n\n"
        );
    }
}
