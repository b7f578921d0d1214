//! Judgement: what the facts of a survey mean for mail, one row a rule.
//!
//! To add a rule: a row in [`catalogue`], a check in the file of its area, a page in `pages/`; to add
//! a TLS guideline: a file in `profiles/` and its name in `profile.rs`.
//! Pure: looks nothing up, visits nothing, and writes no prose outside the pages.

mod alike;
pub mod attribution;
pub mod carriers;
pub mod catalogue;
mod cert;
mod dane;
pub mod expected;
mod fail;
pub mod finding;
mod floor;
pub mod grade;
mod greylisting;
mod landscape;
mod mx;
mod net;
mod operators;
pub mod profile;
pub mod promise;
mod rcpt;
pub mod renewal;
mod said;
#[cfg(test)]
mod sketch;
mod software;
pub mod starttls;
mod strength;
mod sts;
mod tls;
mod us;
pub mod view;
mod zone;

pub use catalogue::{CATALOGUE, Rule};
pub use finding::{Case, Evidence, Finding, Place, Severity, Subject};
pub use profile::Profile;
pub use us::port_25;
pub use view::{Spot, View};

use crate::survey::Survey;

/// Every finding about `survey`, worst first, then in the order of the catalogue; those that are
/// waived behind the others.
pub fn judge(survey: &Survey) -> Vec<Finding> {
    judge_under(survey, None)
}

/// The same, with TLS held against a guideline as well.
pub fn judge_under(survey: &Survey, profile: Option<&Profile>) -> Vec<Finding> {
    let view = View::under(survey, profile);
    let judged = |rule: &'static Rule| {
        (rule.check)(&view).into_iter().map(move |case| Finding::new(rule, case))
    };
    let mut findings: Vec<Finding> = CATALOGUE.iter().flat_map(judged).collect();
    for finding in &mut findings {
        expected::lower(&view, finding);
        expected::waive(&view, finding);
    }
    findings.sort_by_key(|finding| (finding.waived, std::cmp::Reverse(finding.severity)));
    findings
}
