//! The matrix: hosts as columns by tier, traits as rows, what differs from the primary marked.
//!
//! Lays out and compares; what a trait is stands in [`super::traits`]. Grades nothing.

use super::{
    ink::{BAD, BOLD, DIM, Line, PLAIN, Sheet, WARN, wrap},
    traits::{self, Cell, NOT_APPLICABLE, NOT_ASKED, Row, Tone, UNKNOWN},
};
use crate::{
    rules::{Spot, View, view::Seat},
    survey::{Role, fault::FaultKind},
};

/// Columns of the labels, the longest of which is `real recipient`.
const LABELS: usize = 15;
/// Below this a column is all line breaks.
const NARROWEST: usize = 17;
const WIDEST: usize = 36;
/// Mark and blank in front of every cell.
const MARK: usize = 2;
/// More lines than this of one greeting help nobody.
const TALLEST: usize = 4;

/// One host, or those of its addresses that are alike.
struct Column<'a> {
    seat: Seat<'a>,
    is_outside: bool,
    spots: Vec<Spot<'a>>,
    /// Addresses that we did not get to: named in the head, they have no cells.
    aside: Vec<Spot<'a>>,
    cells: Vec<Cell>,
}

/// The matrix in as many blocks as the width asks for.
pub fn draw(sheet: &mut Sheet, view: &View<'_>, width: usize) {
    let mut rows = traits::rows(view);
    let mut columns = columns(view, &rows);
    let asked: Vec<bool> = (0..rows.len())
        .map(|at| {
            columns.iter().any(|column| {
                column
                    .cells
                    .get(at)
                    .is_some_and(|cell| cell.text != NOT_ASKED && cell.text != UNKNOWN)
            })
        })
        .collect();
    let mut keep = asked.iter();
    rows.retain(|_| *keep.next().expect("one answer a row"));
    for column in &mut columns {
        let mut keep = asked.iter();
        column.cells.retain(|_| *keep.next().expect("one answer a row"));
    }
    let room = width.saturating_sub(LABELS);
    let most = (room / (NARROWEST + MARK)).max(1);
    let blocks = columns.len().div_ceil(most).max(1);
    let per_block = columns.len().div_ceil(blocks).max(1);
    let marks = marks(&columns, rows.len());
    for (block, marks) in columns.chunks(per_block).zip(marks.chunks(per_block)) {
        let fair = (room / block.len()).saturating_sub(MARK).clamp(NARROWEST.min(room), WIDEST);
        let needed = block.iter().map(Column::needs).max().unwrap_or(NARROWEST);
        let cell_width = fair.min(needed.max(NARROWEST));
        draw_block(sheet, &rows, block, marks, cell_width);
        sheet.blank();
    }
    legend(sheet, &columns, marks.iter().flatten().any(|mark| *mark));
}

fn columns<'a>(view: &View<'a>, rows: &[Row<'a>]) -> Vec<Column<'a>> {
    let published = view.seats().map(|seat| (seat, false));
    let seats = published.chain(view.also().map(|seat| (seat, true)));
    let mut columns: Vec<Column<'a>> = Vec::new();
    for (seat, is_outside) in seats {
        let first = columns.len();
        let (aside, visited): (Vec<_>, Vec<_>) = seat.spots().partition(is_aside);
        for spot in visited {
            let cells: Vec<Cell> = rows.iter().map(|row| (row.read)(&spot)).collect();
            let alike = |column: &&mut Column<'_>| {
                let pairs = column.cells.iter().zip(&cells);
                pairs.clone().all(|(one, other)| one.key == other.key && one.tone == other.tone)
            };
            match columns[first..].iter_mut().find(alike) {
                Some(column) => column.spots.push(spot),
                None => columns.push(Column {
                    seat,
                    is_outside,
                    spots: vec![spot],
                    aside: Vec::new(),
                    cells,
                }),
            }
        }
        match columns.get_mut(first) {
            Some(column) => column.aside = aside,
            None => {
                let cells = rows.iter().enumerate().map(|(at, row)| match aside.first() {
                    Some(spot) => (row.read)(spot),
                    None if at == 0 => {
                        Cell { tone: Tone::Bad, ..Cell::unknown(addressless(&seat)) }
                    }
                    None => Cell::unknown(UNKNOWN),
                });
                let cells = cells.collect();
                columns.push(Column { seat, is_outside, spots: Vec::new(), aside, cells });
            }
        }
    }
    columns
}

/// Whether we never set out for an address, or our own machine had no way there.
fn is_aside(spot: &Spot<'_>) -> bool {
    let no_way = |kind: &FaultKind| matches!(kind, FaultKind::NoRoute | FaultKind::Forbidden);
    let fault = spot.endpoint.connect_fault();
    spot.endpoint.answers().is_none() || fault.is_some_and(|fault| no_way(&fault.kind))
}

fn addressless(seat: &Seat<'_>) -> String {
    if seat.host.is_unresolved() { "address look-up failed" } else { "no address" }.to_owned()
}

/// For every column and row, whether the cell differs from the primary tier. Unknown never does.
fn marks(columns: &[Column<'_>], rows: usize) -> Vec<Vec<bool>> {
    let is_primary = |column: &&Column<'_>| column.seat.role == Role::Primary && !column.is_outside;
    let differs = |column: &Column<'_>, row: usize| {
        let mut known =
            columns.iter().filter(is_primary).filter_map(|primary| primary.cells[row].key.as_ref());
        let Some(key) = &column.cells[row].key else { return false };
        match known.next() {
            None => false,
            Some(first) if is_primary(&column) => first != key,
            Some(first) => first != key && known.all(|other| other != key),
        }
    };
    columns.iter().map(|column| (0..rows).map(|row| differs(column, row)).collect()).collect()
}

impl Column<'_> {
    /// How wide the column would like to be.
    fn needs(&self) -> usize {
        let heads = [self.place().len(), self.seat.host.name.len()];
        let addresses = self
            .spots
            .iter()
            .chain(&self.aside)
            .map(|spot| spot.endpoint.address.to_string().len());
        let cells = self.cells.iter().map(|cell| cell.text.chars().count());
        heads.into_iter().chain(addresses).chain(cells).max().unwrap_or_default()
    }

    fn place(&self) -> String {
        match self.seat.preference {
            Some(preference) => format!("{preference} {}", self.seat.role),
            None if self.is_outside => "not in MX".to_owned(),
            None => self.seat.role.to_string(),
        }
    }

    /// Preference and role, name, addresses.
    fn head(&self, width: usize) -> Vec<Line> {
        let mut lines = vec![Line::new(DIM, self.place())];
        lines.extend(
            wrap(&self.seat.host.name, width).into_iter().map(|part| Line::new(BOLD, part)),
        );
        for spot in &self.spots {
            let parts = wrap(&spot.endpoint.address.to_string(), width);
            lines.extend(parts.into_iter().map(|part| Line::new(PLAIN, part)));
        }
        for spot in &self.aside {
            let parts = wrap(&format!("{} (not seen)", spot.endpoint.address), width);
            lines.extend(parts.into_iter().map(|part| Line::new(DIM, part)));
        }
        lines
    }
}

fn draw_block(
    sheet: &mut Sheet,
    rows: &[Row<'_>],
    block: &[Column<'_>],
    marks: &[Vec<bool>],
    width: usize,
) {
    let heads: Vec<Vec<Line>> = block.iter().map(|column| column.head(width)).collect();
    side_by_side(
        sheet,
        "",
        &heads.iter().map(|head| (false, head.as_slice())).collect::<Vec<_>>(),
        width,
    );
    let rule = LABELS + block.len() * (width + MARK);
    sheet.line(Line::new(DIM, "─".repeat(rule)));
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<(bool, Vec<Line>)> = block
            .iter()
            .zip(marks)
            .map(|(column, marks)| (marks[at], cell(&column.cells[at], marks[at], width)))
            .collect();
        let cells: Vec<(bool, &[Line])> =
            cells.iter().map(|(mark, lines)| (*mark, lines.as_slice())).collect();
        side_by_side(sheet, &row.label, &cells, width);
    }
}

fn cell(cell: &Cell, is_marked: bool, width: usize) -> Vec<Line> {
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

/// Cells of several lines in one row; the mark stands before the first line of its cell.
fn side_by_side(sheet: &mut Sheet, label: &str, cells: &[(bool, &[Line])], width: usize) {
    let height = cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or_default();
    let short: String = label.chars().take(LABELS - 1).collect();
    for at in 0..height {
        let mut line = Line::new(PLAIN, if at == 0 { short.as_str() } else { "" });
        for (column, (is_marked, lines)) in cells.iter().enumerate() {
            line = line.pad(LABELS + column * (width + MARK));
            let mark = if *is_marked && at == 0 { "≠ " } else { "  " };
            line = line.and(WARN, mark);
            if let Some(piece) = lines.get(at) {
                line = line.then(piece);
            }
        }
        sheet.line(line);
    }
}

/// The marks that occur, explained.
fn legend(sheet: &mut Sheet, columns: &[Column<'_>], any_marked: bool) {
    let any =
        |text: &str| columns.iter().flat_map(|column| &column.cells).any(|cell| cell.text == text);
    let parts = [
        (any_marked, "≠ differs from the primary"),
        (any(UNKNOWN), "? not seen"),
        (any(NOT_APPLICABLE), "– does not apply"),
    ];
    let used: Vec<&str> =
        parts.into_iter().filter(|(used, _)| *used).map(|(_, text)| text).collect();
    if !used.is_empty() {
        sheet.line(Line::new(DIM, used.join("   ")));
        sheet.blank();
    }
}
