//! What the page says of one domain, in the order of the page.
//!
//! Gathers what the parts of the report say of themselves; a template lays it out.

use super::{Badge, grid::Grid, tiers::Picture, visits::Visits};
use crate::{
    report::{
        Report, circumstances,
        findings::{self, Sight, Tally},
        headline,
        ink::DIM,
        profile, promises,
        text::{self, severity_style},
        words,
    },
    rules::{Finding, Rule, View},
};

pub struct Section<'a> {
    /// Its place on the page, from 1.
    pub number: usize,
    pub domain: &'a str,
    pub sentence: String,
    pub verdict: Vec<(&'static str, Badge)>,
    pub picture: Option<Picture>,
    pub forecast: Option<Grid>,
    pub matrix: Option<Grid>,
    pub tally: Vec<Badge>,
    pub groups: Vec<Group>,
    pub guideline: Option<Guideline<'a>>,
    pub promises: Vec<(&'static str, String)>,
    pub coverage: Option<String>,
    pub unseen: Vec<Gap<'a>>,
    pub circumstances: Vec<(&'static str, String)>,
    pub visits: Visits<'a>,
}

/// Findings of one rule and severity.
pub struct Group {
    pub severity: Badge,
    pub rule: &'static str,
    pub code: &'static str,
    pub waived: bool,
    pub summary: &'static str,
    pub cases: Vec<Case>,
    pub fix: Vec<Piece>,
}

pub struct Case {
    pub who: String,
    pub waiver: Option<String>,
    pub evidence: Vec<Shown>,
}

pub struct Shown {
    /// `saw`, or `vs` for what was seen at the host compared with.
    pub word: &'static str,
    pub fact: String,
    pub saw: String,
    pub place: String,
    pub cited: Vec<Cited>,
}

/// A link into a transcript.
pub struct Cited {
    pub anchor: Option<String>,
    pub words: String,
}

/// A part of our own prose; what stands between backticks is code.
pub struct Piece {
    pub is_code: bool,
    pub text: String,
}

pub struct Guideline<'a> {
    pub what: String,
    pub source: &'static str,
    pub rest: Option<String>,
    pub grades: Vec<Grade<'a>>,
}

/// A host, or those of its addresses that show the same.
pub struct Grade<'a> {
    pub host: &'a str,
    pub place: String,
    pub addresses: Option<String>,
    pub standing: Badge,
    pub rows: Vec<(&'a str, Vec<(Badge, String)>)>,
    pub remark: &'static str,
}

/// What was not seen.
pub struct Gap<'a> {
    pub blame: &'static str,
    pub place: String,
    pub why: &'a str,
}

impl<'a> Section<'a> {
    pub fn of(number: usize, report: &'a Report) -> Self {
        let view = View::of(&report.survey);
        let visits = Visits::of(number, &report.survey);
        let groups = findings::groups(&report.findings);
        let verdict = text::verdict(report);
        let unseen = report.coverage.unseen.iter();
        Self {
            number,
            domain: &report.domain,
            sentence: headline::sentence(report),
            verdict: verdict
                .into_iter()
                .map(|(question, style, words)| (question, Badge::new(style, words)))
                .collect(),
            picture: Picture::of(&view),
            forecast: Grid::of_senders(&view, &report.forecast),
            matrix: Grid::of_hosts(&view),
            tally: tally(&report.findings),
            groups: groups.map(|group| Group::of(report, group, &visits)).collect(),
            guideline: report.profile.as_ref().map(Guideline::of),
            promises: promises::told(&report.promises).collect(),
            coverage: report.coverage.said(&report.survey.asked),
            unseen: unseen
                .map(|unseen| Gap {
                    blame: words::blame(unseen.blame),
                    place: unseen.place(),
                    why: &unseen.why,
                })
                .collect(),
            circumstances: circumstances::of(&report.survey),
            visits,
        }
    }
}

fn tally(findings: &[Finding]) -> Vec<Badge> {
    let Tally { standing, waived } = Tally::of(findings);
    let counted = standing.into_iter().map(|(severity, number)| {
        Badge::new(severity_style(severity), format!("{number} {severity}"))
    });
    let mut all: Vec<Badge> = counted.collect();
    if waived > 0 {
        all.push(Badge::quiet(DIM, format!("{waived} waived")));
    }
    all
}

impl Group {
    fn of(report: &Report, group: &[Finding], visits: &Visits<'_>) -> Self {
        let Finding { rule: name, code, severity, waived, .. } = group[0]; // No group is empty.
        let rule = Rule::find(name);
        let fix = rule.and_then(findings::fix).unwrap_or_default();
        Self {
            severity: Badge::new(severity_style(severity), severity),
            rule: name,
            code,
            waived,
            summary: rule.map_or("", |rule| rule.summary),
            cases: group.iter().map(|finding| Case::of(report, finding, visits)).collect(),
            fix: pieces(&fix),
        }
    }
}

impl Case {
    fn of(report: &Report, finding: &Finding, visits: &Visits<'_>) -> Self {
        let evidence = Sight::all(&report.survey, finding).into_iter().map(|sight| Shown {
            word: if sight.is_of_other { "vs" } else { "saw" },
            fact: sight.fact.to_owned(),
            saw: sight.saw.to_owned(),
            cited: sight
                .visits
                .iter()
                .map(|(place, lines)| Cited {
                    anchor: visits.anchor(place, lines),
                    words: format!("visit {}{}", place.visit, words::lines(lines)),
                })
                .collect(),
            place: sight.place,
        });
        Self {
            who: findings::who(finding),
            waiver: findings::waiver(finding),
            evidence: evidence.collect(),
        }
    }
}

fn pieces(prose: &str) -> Vec<Piece> {
    let parts = prose.split('`').map(str::to_owned).enumerate();
    let piece = |(at, text)| Piece { is_code: at % 2 == 1, text };
    parts.map(piece).filter(|piece| !piece.text.is_empty()).collect()
}

impl<'a> Guideline<'a> {
    fn of(graded: &'a profile::Graded) -> Self {
        let hosts = graded.hosts.iter();
        Self {
            what: graded.what(),
            source: graded.source,
            rest: graded.rest(),
            grades: hosts.flat_map(Grade::of).collect(),
        }
    }
}

impl<'a> Grade<'a> {
    fn of(host: &'a profile::GradedHost) -> Vec<Self> {
        let unseen = || Self {
            host: &host.name,
            place: host.place(),
            addresses: None,
            standing: Badge::new(DIM, "not seen"),
            rows: Vec::new(),
            remark: "",
        };
        if host.grades.is_empty() {
            return vec![unseen()];
        }
        let grade = |grade: &'a profile::GradedAddresses| {
            let (style, words) = grade.standing.said();
            let rows = grade.rows().into_iter().map(|(label, levels)| {
                let levels = levels.into_iter().map(|(style, level, text)| {
                    (
                        if style == DIM {
                            Badge::quiet(style, level)
                        } else {
                            Badge::new(style, level)
                        },
                        text,
                    )
                });
                (label, levels.collect())
            });
            Self {
                addresses: host.addresses(grade),
                standing: Badge::new(style, words),
                remark: if grade.rows().is_empty() { profile::NO_TLS } else { "" },
                rows: rows.collect(),
                ..unseen()
            }
        };
        host.grades.iter().map(grade).collect()
    }
}
