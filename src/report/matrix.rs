//! The matrix: hosts as columns by tier, traits as rows, what differs from the primary marked.
//!
//! Lays out and compares; what a trait is stands in [`super::traits`]. Grades nothing.

use super::{
    ink::{BAD, BOLD, DIM, Line, PLAIN, Sheet, WARN, wrap},
    traits::{self, Cell, NOT_APPLICABLE, NOT_ASKED, Row, Tone, UNKNOWN},
};
use crate::{
    rules::{Spot, View, view::Seat},
    survey::{FaultKind, Role},
};

/// Columns of the labels, the longest of which is `real recipient`.
const LABELS: usize = 15;
/// Below this a column is all line breaks.
const NARROWEST: usize = 17;
const WIDEST: usize = 36;
/// Gap, mark and blank in front of every cell.
const MARK: usize = 3;
/// More lines than this of one greeting help nobody.
const TALLEST: usize = 4;

/// One host, or those of its addresses that are alike.
struct Column<'a> {
    seat: Seat<'a>,
    /// Not in the MX set.
    is_outside: bool,
    spots: Vec<Spot<'a>>,
    /// Addresses that we did not get to: named in the head, they have no cells.
    aside: Vec<Spot<'a>>,
    cells: Vec<Cell>,
    /// For each cell, whether it differs from the primary tier.
    marks: Vec<bool>,
}

/// Columns that stand side by side, and the rows that have something to tell of them.
struct Block<'a> {
    columns: &'a [Column<'a>],
    rows: Vec<usize>,
}

/// The matrix in as many blocks as the width asks for.
pub fn draw(sheet: &mut Sheet, view: &View<'_>, width: usize) {
    let rows = traits::rows(view);
    let mut columns = columns(view, &rows);
    mark(&mut columns);
    // As few blocks as fit, filled evenly: four columns become two and two, not three and one.
    let room = width.saturating_sub(LABELS);
    let most = (room / (NARROWEST + MARK)).max(1);
    let blocks = columns.len().div_ceil(most).max(1);
    let per_block = columns.len().div_ceil(blocks).max(1);
    // All blocks share one column width, so that they read as one table.
    let share = (room / per_block).saturating_sub(MARK).min(WIDEST);
    let wanted = columns.iter().map(Column::wanted).max().unwrap_or_default();
    let width = wanted.clamp(NARROWEST.min(share), share);
    let blocks: Vec<Block<'_>> = columns.chunks(per_block).map(Block::of).collect();
    for block in &blocks {
        block.draw(sheet, &rows, width);
        sheet.blank();
    }
    legend(sheet, &blocks);
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
        let known: Vec<String> =
            primaries.filter_map(|column| column.cells[row].key.clone()).collect();
        for column in &mut *columns {
            let key = column.cells[row].key.as_ref();
            column.marks.push(match (key, known.first()) {
                (Some(key), Some(first)) if column.is_primary() => key != first,
                (Some(key), Some(_)) => !known.contains(key),
                _ => false,
            });
        }
    }
}

impl Column<'_> {
    fn is_primary(&self) -> bool {
        self.seat.role == Role::Primary && !self.is_outside
    }

    /// How wide the column would like to be.
    fn wanted(&self) -> usize {
        let heads = self.head(usize::MAX).into_iter().map(|line| line.width());
        let cells = self.cells.iter().map(|cell| cell.text.chars().count());
        heads.chain(cells).max().unwrap_or_default()
    }

    /// Preference and role, name, addresses.
    fn head(&self, width: usize) -> Vec<Line> {
        let place = match self.seat.preference {
            Some(preference) => format!("{preference} {}", self.seat.role),
            None if self.is_outside => "not in MX".to_owned(),
            None => "no MX record".to_owned(),
        };
        let addresses = self.spots.iter().map(|spot| (PLAIN, spot.endpoint.address.to_string()));
        let aside = self.aside.iter().map(|spot| (DIM, format!("({})", spot.endpoint.address)));
        let parts = [(PLAIN, place), (BOLD, self.seat.host.name.clone())];
        let parts = parts.into_iter().chain(addresses).chain(aside);
        let lines = parts.flat_map(|(style, text)| {
            wrap(&text, width).into_iter().map(move |piece| Line::new(style, piece))
        });
        lines.collect()
    }
}

impl<'a> Block<'a> {
    fn of(columns: &'a [Column<'a>]) -> Self {
        let tells = |cell: &Cell| !matches!(cell.text.as_str(), NOT_ASKED | UNKNOWN);
        let told = |row: &usize| columns.iter().any(|column| tells(&column.cells[*row]));
        let all = columns.first().map_or(0, |column| column.cells.len());
        Self { columns, rows: (0..all).filter(told).collect() }
    }

    fn draw(&self, sheet: &mut Sheet, rows: &[Row<'_>], width: usize) {
        let heads: Vec<_> = self.columns.iter().map(|column| (false, column.head(width))).collect();
        side_by_side(sheet, "", &heads, width);
        sheet.line(Line::new(DIM, "─".repeat(LABELS + self.columns.len() * (width + MARK))));
        for &at in &self.rows {
            let cells = self.columns.iter().map(|column| {
                let is_marked = column.marks[at];
                (is_marked, lines(&column.cells[at], is_marked, width))
            });
            side_by_side(sheet, &rows[at].label, &cells.collect::<Vec<_>>(), width);
        }
    }

    /// The cells that are drawn, each with whether it is marked.
    fn cells(&self) -> impl Iterator<Item = (&Cell, bool)> {
        self.columns
            .iter()
            .flat_map(|column| self.rows.iter().map(|&at| (&column.cells[at], column.marks[at])))
    }
}

/// A cell's words in the column's width. Bad outranks different: an expired certificate is red on
/// the primary too.
fn lines(cell: &Cell, is_marked: bool, width: usize) -> Vec<Line> {
    let style = match cell.tone {
        Tone::Bad => BAD,
        Tone::Plain if is_marked => WARN,
        Tone::Plain => PLAIN,
        Tone::Unknown => DIM,
    };
    let mut lines = wrap(&cell.text, width);
    if lines.len() > TALLEST {
        lines.truncate(TALLEST);
        let last = &mut lines[TALLEST - 1];
        *last = last.chars().take(width.saturating_sub(1)).chain(['…']).collect();
    }
    lines.into_iter().map(|line| Line::new(style, line)).collect()
}

/// Cells of several lines in one row; a mark stands before the first line of its cell.
fn side_by_side(sheet: &mut Sheet, label: &str, cells: &[(bool, Vec<Line>)], width: usize) {
    let height = cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or_default();
    let label: String = label.chars().take(LABELS - 1).collect();
    for at in 0..height {
        let mut line = Line::new(PLAIN, if at == 0 { &label } else { "" });
        for (column, (is_marked, lines)) in cells.iter().enumerate() {
            let mark = if *is_marked && at == 0 { " ≠ " } else { "   " };
            line = line.pad(LABELS + column * (width + MARK)).and(WARN, mark);
            if let Some(piece) = lines.get(at) {
                line = line.then(piece);
            }
        }
        sheet.line(line);
    }
}

/// The marks that occur, explained.
fn legend(sheet: &mut Sheet, blocks: &[Block<'_>]) {
    let cells = || blocks.iter().flat_map(Block::cells);
    let mut columns = blocks.iter().flat_map(|block| block.columns);
    let parts = [
        (cells().any(|(_, is_marked)| is_marked), "≠ differs from the primary"),
        (cells().any(|(cell, _)| cell.text.starts_with(UNKNOWN)), "? not seen"),
        (cells().any(|(cell, _)| cell.text == NOT_APPLICABLE), "– does not apply"),
        (columns.any(|column| !column.aside.is_empty()), "(address) not visited"),
    ];
    let used: Vec<&str> =
        parts.into_iter().filter(|(is_used, _)| *is_used).map(|(_, text)| text).collect();
    if !used.is_empty() {
        sheet.line(Line::new(DIM, used.join("   ")));
        sheet.blank();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, SERVER, Server, answering, at, host, secured, silent, unconnected},
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
