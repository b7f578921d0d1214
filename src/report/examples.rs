//! Files to begin with that go with the forms: alert rules and a dashboard.
//!
//! Kept in `fixtures/examples` as they are printed; makes nothing up.

/// One of them.
#[derive(Debug)]
pub struct Example {
    /// The word that it is asked for by.
    pub name: &'static str,
    /// One line for the help.
    pub summary: &'static str,
    pub text: &'static str,
}

pub static EXAMPLES: &[Example] = &[
    Example {
        name: "alert-rules",
        summary: "Alerting rules for Prometheus, for runs every hour",
        text: include_str!("../../fixtures/examples/alert-rules.yml"),
    },
    Example {
        name: "grafana-dashboard",
        summary: "A dashboard for Grafana over the same metrics",
        text: include_str!("../../fixtures/examples/grafana-dashboard.json"),
    },
];
