//! How every host's TLS stands under one dated guideline: what was seen, at which level, and what was
//! not seen, which is neither pass nor fail.
//!
//! For JSON and for people. Gives no levels itself: `rules::grade` does.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use anstyle::Style;

use super::{
    ink::{BOLD, DIM, GOOD, Line, PLAIN, Sheet},
    text::{MARGIN, severity_style},
};
use crate::{
    rules::{
        Profile, View,
        grade::{Grade, Item},
        profile::{Level, Rank},
        view::Seat,
    },
    survey::{Depth, Role, Survey},
};

/// Columns of the names of items, and of the levels behind them.
const ITEM_MARGIN: usize = 19;
const LEVEL_MARGIN: usize = 15;

/// A survey under one guideline.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Graded {
    pub name: &'static str,
    pub title: &'static str,
    pub edition: &'static str,
    pub date: &'static str,
    pub source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
    /// What the guideline asks as well, and no visit shows.
    pub not_graded: &'static [String],
    /// Its levels, best first.
    pub levels: Vec<&'static str>,
    pub hosts: Vec<GradedHost>,
}

#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct GradedHost {
    pub name: String,
    pub preference: Option<u16>,
    #[serde(skip)]
    role: Role,
    /// One for all addresses that show the same.
    pub grades: Vec<GradedAddresses>,
}

#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct GradedAddresses {
    pub addresses: Vec<IpAddr>,
    #[serde(flatten)]
    pub standing: Standing,
    pub items: Vec<GradedItem>,
}

/// The worst level that was seen; `None` where nothing was.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Standing {
    pub level: Option<&'static Level>,
    /// Whether nothing that was not seen can make it worse.
    pub settled: bool,
}

#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct GradedItem {
    pub item: &'static str,
    #[serde(skip)]
    label: String,
    #[serde(flatten)]
    pub standing: Standing,
    /// Worst level first.
    pub seen: Vec<Seen>,
    /// What was not, and how to see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
}

#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Seen {
    pub saw: String,
    pub level: &'static Level,
}

/// A level in its colour, and what was seen at it.
pub type SeenAt<'a> = (Style, &'a str, String);

impl Graded {
    pub fn of(survey: &Survey, profile: &'static Profile) -> Self {
        let hosts = View::of(survey);
        let hosts = hosts.seats().map(|seat| GradedHost::of(seat, survey.asked.depth, profile));
        Self {
            name: profile.name,
            title: &profile.title,
            edition: &profile.edition,
            date: &profile.date,
            source: &profile.source,
            note: profile.note.as_deref(),
            not_graded: &profile.not_graded,
            levels: profile.levels.iter().map(|level| level.name.as_str()).collect(),
            hosts: hosts.collect(),
        }
    }
}

impl GradedHost {
    fn of(seat: Seat<'_>, depth: Depth, profile: &'static Profile) -> Self {
        let mut grades: Vec<GradedAddresses> = Vec::new();
        for endpoint in &seat.host.addresses {
            let grade = Grade::of(profile, endpoint);
            let why = match depth {
                Depth::Full => "not all was asked, or answered",
                Depth::Session | Depth::Floor if endpoint.broken_off().is_some() => {
                    "not all was answered"
                }
                Depth::Session | Depth::Floor => "ask with --depth full",
            };
            let item = |item: &Item<'_>| GradedItem::of(item, why, profile);
            let items: Vec<GradedItem> = grade.items.iter().map(item).collect();
            match grades.iter_mut().find(|known| known.items == items) {
                Some(known) => known.addresses.push(endpoint.address),
                None => grades.push(GradedAddresses {
                    addresses: vec![endpoint.address],
                    standing: Standing::of(grade.worst(), grade.is_settled(), profile),
                    items,
                }),
            }
        }
        let Seat { role, preference, host } = seat;
        Self { name: host.name.clone(), preference, role, grades }
    }
}

impl GradedItem {
    fn of(item: &Item<'_>, why: &str, profile: &'static Profile) -> Self {
        let seen = item
            .readings
            .iter()
            .map(|reading| Seen { saw: reading.saw.clone(), level: &profile.levels[reading.rank] });
        let what = match (item.readings.is_empty(), item.is_settled()) {
            (true, _) => "anything of it",
            (false, false) => "whether worse is taken",
            (false, true) => "what else is taken",
        };
        Self {
            item: item.kind.word(),
            label: item.kind.to_string(),
            standing: Standing::of(item.worst(), item.is_settled(), profile),
            seen: seen.collect(),
            unseen: item.open.map(|_| format!("{what}; {why}")),
        }
    }

    /// Its levels with what was seen at each, then what was not.
    fn levels(&self) -> Vec<SeenAt<'_>> {
        let seen = self.seen.chunk_by(|one, next| one.level == next.level).map(|alike| {
            let names: Vec<&str> = alike.iter().map(|seen| seen.saw.as_str()).collect();
            (style(alike[0].level), alike[0].level.name.as_str(), names.join(", "))
        });
        let mut levels: Vec<_> = seen.collect();
        match &self.unseen {
            Some(unseen) => levels.push((DIM, "not seen", unseen.clone())),
            None if levels.is_empty() => levels.push((DIM, "–", "does not apply".to_owned())),
            None => {}
        }
        levels
    }

    /// Whether there is nothing of the kind, as far as was asked for.
    fn is_unseen(&self) -> bool {
        self.seen.is_empty() && self.unseen.is_some()
    }
}

impl Standing {
    fn of(worst: Option<Rank>, settled: bool, profile: &'static Profile) -> Self {
        Self { level: worst.map(|rank| &profile.levels[rank]), settled }
    }

    /// In words, with their colour.
    pub fn said(self) -> (Style, String) {
        match self.level {
            None => (DIM, "not seen".to_owned()),
            Some(level) if self.settled => (style(level), level.name.clone()),
            Some(level) if level.severity.is_some() => {
                (style(level), format!("{} or worse", level.name))
            }
            // Not a pass, so not in the colour of one.
            Some(level) => (PLAIN, format!("at best {}", level.name)),
        }
    }
}

impl Graded {
    /// Which guideline it is.
    pub fn what(&self) -> String {
        let mut what = format!("{}, edition {}", self.title, self.edition);
        if self.date != self.edition {
            what = format!("{what} ({})", self.date);
        }
        match self.note {
            Some(note) => format!("{what}; {note}"),
            None => what,
        }
    }

    /// What it asks as well.
    pub fn rest(&self) -> Option<String> {
        let names = self.not_graded.join(", ");
        (!names.is_empty()).then(|| format!("not graded here: {names}"))
    }
}

impl GradedHost {
    /// Preference and role.
    pub fn place(&self) -> String {
        let preference = self.preference.map(|preference| format!("{preference} "));
        format!("{}{}", preference.unwrap_or_default(), self.role)
    }

    /// The addresses of one of its grades; a host whose addresses are alike is one thing and needs none.
    pub fn addresses(&self, grade: &GradedAddresses) -> Option<String> {
        let addresses: Vec<String> = grade.addresses.iter().map(ToString::to_string).collect();
        (self.grades.len() > 1).then(|| addresses.join(", "))
    }
}

impl GradedAddresses {
    /// Every item with its levels in words, worst first; nothing where no TLS was seen.
    pub fn rows(&self) -> Vec<(&str, Vec<SeenAt<'_>>)> {
        if self.items.iter().all(GradedItem::is_unseen) {
            return Vec::new();
        }
        self.items.iter().map(|item| (item.label.as_str(), item.levels())).collect()
    }
}

/// What [`GradedAddresses::rows`] without a row means.
pub const NO_TLS: &str = "No TLS was seen there: neither pass nor fail.";

/// The guideline, then host after host.
pub fn draw(sheet: &mut Sheet, graded: &Graded, width: usize) {
    sheet.prose(width, Line::new(BOLD, "Profile").pad(MARGIN), PLAIN, &graded.what());
    let margin = || Line::default().pad(MARGIN);
    sheet.prose(width, margin(), DIM, graded.source);
    if let Some(rest) = graded.rest() {
        sheet.prose(width, margin(), DIM, &rest);
    }
    for host in &graded.hosts {
        sheet.blank();
        for (at, grade) in host.grades.iter().enumerate() {
            if at > 0 {
                sheet.blank();
            }
            heading(sheet, host, grade, width);
            items(sheet, grade, width);
        }
        if host.grades.is_empty() {
            sheet.line(name(host).and(DIM, ": not seen"));
        }
    }
    sheet.blank();
}

fn name(host: &GradedHost) -> Line {
    Line::new(BOLD, &host.name).and(DIM, format!("  {}", host.place()))
}

/// Who it is about, and the worst of it.
fn heading(sheet: &mut Sheet, host: &GradedHost, grade: &GradedAddresses, width: usize) {
    let (style, said) = grade.standing.said();
    sheet.line(name(host).and(PLAIN, ": ").and(style, said));
    if let Some(addresses) = host.addresses(grade) {
        sheet.prose(width, Line::default().pad(2), PLAIN, &addresses);
    }
}

fn items(sheet: &mut Sheet, grade: &GradedAddresses, width: usize) {
    let rows = grade.rows();
    if rows.is_empty() {
        sheet.prose(width, Line::default().pad(2), DIM, NO_TLS);
    }
    for (label, levels) in rows {
        let mut label = Line::new(PLAIN, format!("  {label}")).pad(ITEM_MARGIN);
        for (style, level, text) in levels {
            let head = std::mem::replace(&mut label, Line::default().pad(ITEM_MARGIN));
            let head = head.and(style, level).pad(ITEM_MARGIN + LEVEL_MARGIN);
            sheet.prose(width, head, PLAIN, &text);
        }
    }
}

/// A level that makes a finding looks like one.
fn style(level: &Level) -> Style {
    level.severity.map_or(GOOD, severity_style)
}
