//! What was said in every visit, with the line numbers that evidence cites.
//!
//! The words as they were, escaped; explains nothing.

use super::ink::{BOLD, DIM, Line, PLAIN, Sheet};
use crate::{
    smtp::Speaker,
    survey::{Endpoint, Host, Observation, Survey},
};

/// All visits, host by host, in the order of the report.
pub fn text(survey: &Survey) -> String {
    let mut sheet = Sheet::default();
    let published = survey.mx.hosts().map(|(_, _, host)| host);
    for host in published.chain(&survey.also) {
        for endpoint in &host.addresses {
            for (number, visit) in (1..).zip(&endpoint.observations) {
                dialogue(&mut sheet, host, endpoint, (number, visit));
            }
        }
    }
    sheet.to_string()
}

/// One visit: its place and purpose, then every line with its number and seconds.
fn dialogue(
    sheet: &mut Sheet,
    host: &Host,
    endpoint: &Endpoint,
    (number, visit): (usize, &Observation),
) {
    let place = format!("{} [{}]:{}", host.name, endpoint.address, endpoint.port);
    let which = format!("  visit {number}, {}", visit.purpose);
    sheet.line(Line::new(BOLD, place).and(DIM, which));
    for (number, line) in visit.transcript.lines() {
        let (seconds, millis) = (line.at_ms / 1000, line.at_ms % 1000);
        let margin = format!("{number:>4} {seconds:>4}.{millis:03}  ");
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
