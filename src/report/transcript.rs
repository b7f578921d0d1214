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
