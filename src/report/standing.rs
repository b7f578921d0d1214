//! How every address and host stands, for those who watch: well, badly, or unknown.
//!
//! A reading of findings and coverage. Words nothing.

use std::net::IpAddr;

use super::{Report, Status, coverage};
use crate::{
    rules::{Finding, Severity, Spot, View, view::Seat},
    survey::Blame,
};

/// One address, or a host that has none.
pub struct Standing<'a> {
    pub seat: Seat<'a>,
    pub spot: Option<Spot<'a>>,
    pub status: Status,
    /// What counts against it, worst first.
    pub findings: Vec<&'a Finding>,
    /// Why it was not seen, and whose fault that is.
    pub unseen: Option<(&'a str, Blame)>,
}

/// Every host of the MX set once, its addresses in their order, when findings from `bar` up count.
pub fn places<'a>(report: &'a Report, view: &View<'a>, bar: Severity) -> Vec<Standing<'a>> {
    view.hosts()
        .chain(view.also())
        .flat_map(|seat| {
            let spots: Vec<Option<Spot<'a>>> = seat.spots().map(Some).collect();
            if spots.is_empty() {
                vec![(seat, None)]
            } else {
                spots.into_iter().map(|spot| (seat, spot)).collect()
            }
        })
        .map(|(seat, spot)| Standing::of(report, view, bar, (seat, spot)))
        .collect()
}

/// How a host stands by how its addresses do: an unknown one beside one that is well is no doubt.
pub fn of_host(statuses: impl Iterator<Item = Status>) -> Status {
    let worse = |one: Status, other: Status| match (one, other) {
        (Status::Unproven, Status::Fine) | (Status::Fine, Status::Unproven) => Status::Fine,
        _ => one.max(other),
    };
    statuses.reduce(worse).unwrap_or(Status::Unproven)
}

impl<'a> Standing<'a> {
    fn of(
        report: &'a Report,
        view: &View<'a>,
        bar: Severity,
        (seat, spot): (Seat<'a>, Option<Spot<'a>>),
    ) -> Self {
        let address: Option<IpAddr> = spot.map(|spot| spot.endpoint.address);
        let about = |finding: &&Finding| {
            let subject = &finding.subject;
            let here = subject.address.is_none() || subject.address == address;
            !finding.waived && subject.host.as_deref() == Some(&seat.host.name) && here
        };
        let (doubts, graded): (Vec<_>, Vec<_>) = report
            .findings
            .iter()
            .filter(about)
            .partition(|finding| finding.severity == Severity::Unproven);
        let findings: Vec<_> =
            graded.into_iter().filter(|finding| finding.severity >= bar).collect();
        let unseen = report.coverage.unseen.iter().find(|unseen| {
            unseen.host == seat.host.name && (unseen.address.is_none() || unseen.address == address)
        });
        let seen = spot.is_some_and(|spot| coverage::is_observed(view, &spot));
        let status = match findings.first() {
            Some(worst) => Status::graded(worst.severity),
            None if seen && doubts.is_empty() => Status::Fine,
            None => Status::Unproven,
        };
        let unseen = unseen.filter(|_| !seen).map(|unseen| (unseen.why.as_str(), unseen.blame));
        Self { seat, spot, status, findings, unseen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_as_bad_as_its_worst_address_and_unknown_only_where_none_is_known() {
        use Status::{Critical, Fine, Unproven, Warning};
        for (addresses, want) in [
            (&[Fine, Fine][..], Fine),
            (&[Fine, Unproven], Fine),
            (&[Unproven, Fine], Fine),
            (&[Unproven, Unproven], Unproven),
            (&[Unproven, Warning], Warning),
            (&[Warning, Critical, Fine], Critical),
            (&[], Unproven),
        ] {
            assert_eq!(of_host(addresses.iter().copied()), want, "{addresses:?}");
        }
    }
}
