//! A finding: which rule, how bad, how sure, about whom, compared with whom, seen where.
//!
//! Data only. Wording for people is made in `report`.

use std::{fmt, net::IpAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Rule;
pub use crate::smtp::cause::Confidence;
use crate::survey::{Purpose, asked::Waiver};

/// How bad a finding is, least first.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// No grade of theirs: something about us keeps the run from proving anything here.
    Unproven,
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// Whom a finding is about.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Subject {
    pub kind: SubjectKind,
    pub preference: Option<u16>,
    pub host: Option<String>,
    pub address: Option<IpAddr>,
}

/// From the widest to the narrowest; the prober is none of theirs.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    Domain,
    Tier,
    Host,
    Address,
    Prober,
}

/// One thing that was seen, and where to look it up.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Evidence {
    /// What kind of fact, as a path in the observation: `recipients.nonsense`, `tls.version`.
    pub fact: String,
    /// What was seen, in the server's words or ours; already escaped.
    pub saw: String,
    /// The visit, if it came from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
    /// Line numbers of that visit's transcript.
    pub lines: Vec<u32>,
}

/// One visit to one address, for evidence.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Place {
    pub host: String,
    pub address: IpAddr,
    /// The how-manieth visit to the address, from 1.
    pub visit: usize,
    pub purpose: Purpose,
}

/// What a check reports; the rule's own part is added by [`Finding::new`].
#[derive(Clone, Debug)]
pub struct Case {
    /// In place of the rule's severity.
    pub severity: Option<Severity>,
    pub confidence: Confidence,
    pub subject: Subject,
    pub against: Option<Subject>,
    pub evidence: Vec<Evidence>,
}

/// A rule that fired.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Finding {
    pub rule: &'static str,
    pub code: &'static str,
    pub severity: Severity,
    pub confidence: Confidence,
    pub subject: Subject,
    /// What the subject was compared with, for parity rules.
    pub against: Option<Subject>,
    pub evidence: Vec<Evidence>,
    /// Known and borne; counts for no verdict.
    pub waived: bool,
    /// By which words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiver>,
}

impl Finding {
    pub fn new(rule: &'static Rule, case: Case) -> Self {
        Self {
            rule: rule.name,
            code: rule.code,
            severity: case.severity.unwrap_or(rule.severity),
            confidence: case.confidence,
            subject: case.subject,
            against: case.against,
            evidence: case.evidence,
            waived: false,
            waiver: None,
        }
    }
}

impl Case {
    /// A case of high confidence at the rule's own severity, without evidence yet.
    pub fn about(subject: Subject) -> Self {
        Self {
            severity: None,
            confidence: Confidence::High,
            subject,
            against: None,
            evidence: Vec::new(),
        }
    }

    #[must_use]
    pub fn against(mut self, subject: Subject) -> Self {
        self.against = Some(subject);
        self
    }

    #[must_use]
    pub fn graded(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    #[must_use]
    pub fn sure(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    #[must_use]
    pub fn seen(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }
}

impl Evidence {
    /// Something that no transcript shows, such as a DNS answer.
    pub fn plain(fact: &str, saw: impl fmt::Display) -> Self {
        Self { fact: fact.to_owned(), saw: saw.to_string(), at: None, lines: Vec::new() }
    }
}

impl Subject {
    pub fn domain() -> Self {
        Self { kind: SubjectKind::Domain, preference: None, host: None, address: None }
    }

    pub fn prober() -> Self {
        Self { kind: SubjectKind::Prober, ..Self::domain() }
    }

    /// A host that is known by its name alone.
    pub fn host(name: &str) -> Self {
        Self { kind: SubjectKind::Host, host: Some(name.to_owned()), ..Self::domain() }
    }

    pub fn tier(preference: u16) -> Self {
        Self { kind: SubjectKind::Tier, preference: Some(preference), ..Self::domain() }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unproven => "unproven",
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// `mx2.example [192.0.2.2] (preference 20)`, as far as known.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.host, self.address, self.preference) {
            (SubjectKind::Domain, ..) => f.write_str("the domain"),
            (SubjectKind::Prober, ..) => f.write_str("this prober"),
            (_, None, _, Some(preference)) => write!(f, "preference {preference}"),
            (_, None, _, None) => f.write_str("the mail host"),
            (_, Some(host), None, _) => f.write_str(host),
            (_, Some(host), Some(address), _) => write!(f, "{host} [{address}]"),
        }
    }
}
