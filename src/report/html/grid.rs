//! Tables of the page: traits by hosts, senders by scenarios, questions by domains.
//!
//! One form for all, so that one style makes them wide on a desk and stacked on a phone.

use anstyle::Style;

use super::Badge;
use crate::{
    forecast::Forecast,
    report::{
        Report,
        forecast::{Names, Outcomes},
        ink::{BAD, DIM, PLAIN},
        matrix::{Column, Matrix, told},
        text,
        traits::{Cell, NOT_APPLICABLE, Tone, UNKNOWN},
    },
    rules::View,
};

/// A greeting of more characters than this helps nobody; the transcript has all of it.
const LONGEST: usize = 240;

pub struct Grid {
    pub heads: Vec<Head>,
    pub rows: Vec<Row>,
}

/// What stands above a column.
pub struct Head {
    /// In smaller print above the name.
    pub above: String,
    pub name: String,
    /// In smaller print below it.
    pub below: Vec<String>,
    /// What stands before a cell where columns are stacked.
    pub short: String,
}

pub struct Row {
    pub label: String,
    /// The place on the page that the label leads to.
    pub anchor: Option<String>,
    pub cells: Vec<Entry>,
}

pub struct Entry {
    pub badge: Badge,
    /// What a sign that stands for words means.
    pub meaning: &'static str,
    pub differs: bool,
}

impl Grid {
    /// What senders would do; `None` where there are not several hosts.
    pub fn of_senders(view: &View<'_>, forecast: &Forecast) -> Option<Self> {
        let Outcomes { heads, rows } = Outcomes::of(view, forecast)?;
        let cell = |(style, words): (Style, String)| Entry::plain(Badge::new(style, words));
        let row = |(label, cells): (String, Vec<(Style, String)>)| Row {
            label,
            anchor: None,
            cells: cells.into_iter().map(cell).collect(),
        };
        Some(Self {
            heads: heads.iter().map(|senders| Head::of_senders(senders)).collect(),
            rows: rows.into_iter().map(row).collect(),
        })
    }

    /// The parity matrix; `None` without hosts.
    pub fn of_hosts(view: &View<'_>) -> Option<Self> {
        let matrix = Matrix::of(view);
        let names = Names::of(view.landscape());
        let columns = &matrix.columns;
        let row = |at: usize| Row {
            label: matrix.labels[at].clone(),
            anchor: None,
            cells: columns
                .iter()
                .map(|column| Entry::of(&column.cells[at], column.marks[at]))
                .collect(),
        };
        let rows: Vec<Row> = told(columns).into_iter().map(row).collect();
        let heads = columns.iter().map(|column| Head::of(column, columns, &names)).collect();
        (!columns.is_empty()).then_some(Self { heads, rows })
    }

    /// The verdicts of several domains.
    pub fn of_domains(reports: &[Report]) -> Option<Self> {
        let row = |(number, report): (usize, &Report)| {
            let words = text::verdict(report).into_iter();
            let cells = words.map(|(_, style, words)| Entry::plain(Badge::new(style, words)));
            // A domain without hosts has no verdict.
            let nothing = std::iter::repeat_with(Entry::not_applicable);
            Row {
                label: report.domain.clone(),
                anchor: Some(format!("d{number}")),
                cells: cells.chain(nothing).take(3).collect(),
            }
        };
        let heads = ["failover", "parity", "worst finding"].map(Head::plain);
        (reports.len() > 1)
            .then(|| Self { heads: heads.into(), rows: (1..).zip(reports).map(row).collect() })
    }
}

impl Head {
    fn of(column: &Column<'_>, all: &[Column<'_>], names: &Names) -> Self {
        let name = &column.seat.host.name;
        let short = names.shortened(name);
        let addresses = || column.spots.iter().map(|spot| spot.endpoint.address.to_string());
        let aside =
            column.aside.iter().map(|spot| format!("({}, not visited)", spot.endpoint.address));
        let is_split = all.iter().filter(|other| other.seat.host.name == *name).count() > 1;
        let address = addresses().next().filter(|_| is_split);
        Self {
            above: column.place(),
            name: name.clone(),
            below: addresses().chain(aside).collect(),
            short: match address {
                Some(address) => format!("{short} [{address}]"),
                None => short.to_owned(),
            },
        }
    }

    fn of_senders(senders: &[&str]) -> Self {
        let short = match senders {
            [one, _, rest @ ..] if !rest.is_empty() => {
                format!("{one} and {} more", senders.len() - 1)
            }
            few => few.join(", "),
        };
        Self { short, ..Self::plain(&senders.join(", ")) }
    }

    fn plain(name: &str) -> Self {
        let name = name.to_owned();
        Self { above: String::new(), short: name.clone(), name, below: Vec::new() }
    }
}

impl Entry {
    pub fn plain(badge: Badge) -> Self {
        Self { badge, meaning: "", differs: false }
    }

    fn not_applicable() -> Self {
        Self { meaning: "does not apply", ..Self::plain(Badge::quiet(DIM, NOT_APPLICABLE)) }
    }

    fn of(cell: &Cell, differs: bool) -> Self {
        let style = match cell.tone {
            Tone::Bad => BAD,
            Tone::Plain => PLAIN,
            Tone::Unknown => DIM,
        };
        let meaning = match cell.text.as_str() {
            UNKNOWN => "not seen",
            NOT_APPLICABLE => "does not apply",
            _ => "",
        };
        let mut text: String = cell.text.chars().take(LONGEST).collect();
        if text.len() < cell.text.len() {
            text.push('…');
        }
        // What is not known has words of its own in every cell.
        let badge = match style {
            DIM => Badge::quiet(style, text),
            _ => Badge::new(style, text),
        };
        Self { badge, meaning, differs }
    }
}
