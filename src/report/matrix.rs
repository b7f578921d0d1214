//! The matrix: hosts as columns by tier, traits as rows, what differs from the primary marked.
//!
//! Compares; what a trait is stands in [`super::traits`], how it is laid out in the forms. Grades nothing.

mod text;

pub use text::draw;

use super::{
    traits::{self, Cell, Key, NOT_ASKED, Row, Tone, UNKNOWN},
    words,
};
use crate::{
    rules::{Spot, View, view::Seat},
    survey::{FaultKind, Role},
};

/// Traits by hosts.
pub struct Matrix<'a> {
    /// The names of the traits, one a row.
    pub labels: Vec<String>,
    pub columns: Vec<Column<'a>>,
}

/// One host, or those of its addresses that are alike.
pub struct Column<'a> {
    pub seat: Seat<'a>,
    /// Not in the MX set.
    is_outside: bool,
    pub spots: Vec<Spot<'a>>,
    /// Addresses that we did not get to: named in the head, they have no cells.
    pub aside: Vec<Spot<'a>>,
    pub cells: Vec<Cell>,
    /// For each cell, whether it differs from the primary tier.
    pub marks: Vec<bool>,
}

impl<'a> Matrix<'a> {
    pub fn of(view: &'a View<'a>) -> Self {
        let rows = traits::rows(view);
        let mut columns = columns(view, &rows);
        mark(&mut columns);
        Self { labels: rows.into_iter().map(|row| row.label).collect(), columns }
    }
}

/// The rows that have something to tell of one of `columns`.
pub fn told(columns: &[Column<'_>]) -> Vec<usize> {
    let tells = |cell: &Cell| !matches!(cell.text.as_str(), NOT_ASKED | UNKNOWN);
    let told = |row: &usize| columns.iter().any(|column| tells(&column.cells[*row]));
    let all = columns.first().map_or(0, |column| column.cells.len());
    (0..all).filter(told).collect()
}

fn columns<'a>(view: &View<'a>, rows: &[Row<'a>]) -> Vec<Column<'a>> {
    let published = view.seats().map(|seat| (seat, false));
    let outside = view.also().map(|seat| (seat, true));
    published
        .chain(outside)
        .flat_map(|(seat, is_outside)| of_host(seat, is_outside, rows))
        .collect()
}

/// A host's columns: one for all addresses that show the same, never none.
fn of_host<'a>(seat: Seat<'a>, is_outside: bool, rows: &[Row<'a>]) -> Vec<Column<'a>> {
    let column = |spots, cells| Column {
        seat,
        is_outside,
        spots,
        aside: Vec::new(),
        cells,
        marks: Vec::new(),
    };
    let read = |spot: &Spot<'a>| -> Vec<Cell> { rows.iter().map(|row| (row.read)(spot)).collect() };
    let (aside, visited): (Vec<_>, Vec<_>) = seat.spots().partition(is_aside);
    let mut columns: Vec<Column<'a>> = Vec::new();
    for spot in visited {
        let cells = read(&spot);
        match columns.iter_mut().find(|column| alike(&column.cells, &cells)) {
            Some(column) => column.spots.push(spot),
            None => columns.push(column(vec![spot], cells)),
        }
    }
    if columns.is_empty() {
        columns
            .push(column(Vec::new(), aside.first().map_or_else(|| addressless(&seat, rows), read)));
    }
    columns[0].aside = aside;
    columns
}

/// Whether two addresses differ in nothing that can be compared.
fn alike(one: &[Cell], other: &[Cell]) -> bool {
    let same = |(one, other): (&Cell, &Cell)| one.key == other.key && one.tone == other.tone;
    one.iter().zip(other).all(same)
}

/// Whether we never set out for an address, or our own machine had no way there.
fn is_aside(spot: &Spot<'_>) -> bool {
    let no_way = |kind: &FaultKind| matches!(kind, FaultKind::NoRoute | FaultKind::Forbidden);
    let fault = spot.endpoint.connect_fault();
    spot.endpoint.answers().is_none() || fault.is_some_and(|fault| no_way(&fault.kind))
}

/// The column of a host without addresses: its first row says so, the rest is unknown.
fn addressless(seat: &Seat<'_>, rows: &[Row<'_>]) -> Vec<Cell> {
    let mut cells = vec![Cell::unknown(UNKNOWN); rows.len()];
    let words = if seat.host.is_unresolved() { "look-up failed" } else { "no address" };
    cells[0] = Cell { tone: Tone::Bad, ..Cell::unknown(words) };
    cells
}

/// Marks what differs from every known answer of the primary tier, and inside that tier what
/// differs from the first. Unknown differs from nothing.
fn mark(columns: &mut [Column<'_>]) {
    let rows = columns.first().map_or(0, |column| column.cells.len());
    for row in 0..rows {
        let primaries = columns.iter().filter(|column| column.is_primary());
        let known: Vec<Key> =
            primaries.filter_map(|column| column.cells[row].key.clone()).collect();
        for column in &mut *columns {
            let key = column.cells[row].key.as_ref();
            column.marks.push(match (key, known.first()) {
                (Some(key), Some(first)) if column.is_primary() => key.differs(first),
                (Some(key), Some(_)) => known.iter().all(|known| key.differs(known)),
                _ => false,
            });
        }
    }
}

impl Column<'_> {
    fn is_primary(&self) -> bool {
        self.seat.role == Role::Primary && !self.is_outside
    }

    /// Preference and role.
    pub fn place(&self) -> String {
        if self.is_outside { "not in MX".to_owned() } else { words::seat(&self.seat) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::{
            ink::Sheet,
            sample::{self, SERVER, Server, answering, at, host, secured, silent, unconnected},
        },
        survey::{Host, Survey},
        tls::TlsVersion,
    };

    fn drawn(survey: &Survey, width: usize) -> Vec<String> {
        let mut sheet = Sheet::default();
        draw(&mut sheet, &View::of(survey), width);
        let shown = anstream::adapter::strip_str(&sheet.to_string()).to_string();
        shown.lines().map(str::to_owned).collect()
    }

    fn row<'a>(lines: &'a [String], label: &str) -> Option<&'a str> {
        lines.iter().find_map(|line| Some(line.strip_prefix(label)?.trim()))
    }

    fn version(name: &str, address: &str, version: TlsVersion) -> Host {
        host(name, vec![at(address, vec![secured(SERVER, version, Vec::new())])])
    }

    #[test]
    fn what_differs_from_the_primary_is_marked_and_unknown_is_not() {
        let survey = sample::survey(vec![
            (10, vec![version("mx1.even.example", "192.0.2.1", TlsVersion::Tls13)]),
            (20, vec![version("mx2.even.example", "192.0.2.2", TlsVersion::Tls12)]),
            (30, vec![silent("mx3.even.example", "192.0.2.3", FaultKind::NoRoute)]),
        ]);
        let lines = drawn(&survey, 100);
        let words: Vec<&str> = row(&lines, "TLS version").unwrap().split_whitespace().collect();
        assert_eq!(words, ["TLSv1.3", "≠", "TLSv1.2", "?"]);
        let legend = lines.iter().find(|line| line.starts_with('≠')).unwrap();
        assert!(legend.contains("? not seen"), "{legend}");
    }

    #[test]
    fn a_backup_equal_to_any_primary_is_not_marked() {
        let survey = sample::survey(vec![
            (
                10,
                vec![
                    version("mx1.even.example", "192.0.2.1", TlsVersion::Tls13),
                    version("mx2.even.example", "192.0.2.2", TlsVersion::Tls12),
                ],
            ),
            (20, vec![version("mx3.even.example", "192.0.2.3", TlsVersion::Tls12)]),
        ]);
        let lines = drawn(&survey, 100);
        let words: Vec<&str> = row(&lines, "TLS version").unwrap().split_whitespace().collect();
        assert_eq!(words, ["TLSv1.3", "≠", "TLSv1.2", "TLSv1.2"]);
    }

    #[test]
    fn addresses_of_a_host_share_a_column_unless_they_differ() {
        let other = Server { nonsense: "250 2.1.5 Ok", ..SERVER };
        for (second, columns) in [(SERVER, 1), (other, 2)] {
            let dual = host(
                "mx1.even.example",
                vec![
                    at("192.0.2.1", vec![sample::session(SERVER)]),
                    at("192.0.2.2", vec![sample::session(second)]),
                    at("2001:db8::1", vec![unconnected(FaultKind::NoRoute)]),
                ],
            );
            let lines = drawn(&sample::survey(vec![(10, vec![dual])]), 100);
            let names = lines[1].split_whitespace().count();
            assert_eq!(names, columns, "{lines:#?}");
            assert!(lines.iter().any(|line| line.contains("(2001:db8::1)")), "{lines:#?}");
        }
    }

    #[test]
    fn many_hosts_wrap_into_blocks_within_the_width() {
        let hosts = (1..9).map(|number| {
            answering(&format!("mx{number}.even.example"), &format!("192.0.2.{number}"), SERVER)
        });
        let survey = sample::survey(vec![(10, hosts.collect())]);
        for (width, blocks) in [(60, 4), (80, 3), (140, 2), (300, 1)] {
            let lines = drawn(&survey, width);
            let rules = lines.iter().filter(|line| line.starts_with('─')).count();
            assert_eq!(rules, blocks, "at {width}");
            assert!(lines.iter().all(|line| line.chars().count() <= width), "at {width}");
        }
    }

    #[test]
    fn rows_that_tell_nothing_are_left_out() {
        let dead = silent("mx1.even.example", "192.0.2.1", FaultKind::Refused);
        let lines = drawn(&sample::survey(vec![(10, vec![dead])]), 80);
        assert_eq!(row(&lines, "connect"), Some("connection refused"));
        assert_eq!(row(&lines, "STARTTLS"), None);
    }
}
