//! Every rule, one row each: code, name, severity, check. The page comes with the name.
//!
//! The order here is the order in reports and documents. Codes and names are never reused.

use Severity::{Critical, High, Info, Low, Medium, Unproven};

use super::{Case, Severity, View, cert, mx, net, rcpt, tls, us};

/// One rule.
pub struct Rule {
    /// Area and two digits.
    pub code: &'static str,
    /// The bad thing, in kebab-case.
    pub name: &'static str,
    /// The severity unless the check gives a case another.
    pub severity: Severity,
    /// One line: when it fires.
    pub summary: &'static str,
    /// Its explanation, in Markdown.
    pub page: &'static str,
    pub check: fn(&View<'_>) -> Vec<Case>,
}

/// A row; the page is named after the rule, so a rule without one does not build.
macro_rules! rules {
    ($($code:literal $name:literal $severity:ident $check:path: $summary:literal;)*) => {
        &[$(Rule {
            code: $code,
            name: $name,
            severity: $severity,
            summary: $summary,
            page: include_str!(concat!("pages/", $name, ".md")),
            check: $check,
        }),*]
    };
}

pub static CATALOGUE: &[Rule] = rules! {
    // MX: what DNS says.
    "MX18" "implicit-mx" Info mx::implicit_mx: "no MX record: the domain's own address takes the mail";

    // NET: reaching and greeting.

    // RCPT: who takes the mail.

    // TLS: what protects it on the way.

    // CERT: who it is handed to.

    // US: about the prober, never about them.
    "US01" "port-25-closed-here" Unproven us::port_25_closed_here: "our own port 25 seems closed: the control or every unrelated host fails at connect";
};

impl Rule {
    /// The rule of this code or name, whatever its case.
    pub fn find(word: &str) -> Option<&'static Self> {
        let matches = |rule: &&Self| {
            rule.code.eq_ignore_ascii_case(word) || rule.name.eq_ignore_ascii_case(word)
        };
        CATALOGUE.iter().find(matches)
    }
}
