//! The matrix for people: side by side as far as the width goes, then block below block.
//!
//! Lays out; compares nothing.

use super::{Column, Matrix, told};
use crate::{
    report::{
        ink::{BAD, BOLD, DIM, Line, PLAIN, Sheet, WARN, wrap},
        traits::{Cell, NOT_APPLICABLE, Tone, UNKNOWN},
    },
    rules::View,
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

/// Columns that stand side by side, and the rows that have something to tell of them.
struct Block<'a> {
    columns: &'a [Column<'a>],
    rows: Vec<usize>,
}

/// The matrix in as many blocks as the width asks for.
pub fn draw(sheet: &mut Sheet, view: &View<'_>, width: usize) {
    let Matrix { labels, columns } = Matrix::of(view);
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
        block.draw(sheet, &labels, width);
        sheet.blank();
    }
    legend(sheet, &blocks);
}

impl Column<'_> {
    /// How wide the column would like to be.
    fn wanted(&self) -> usize {
        let heads = self.head(usize::MAX).into_iter().map(|line| line.width());
        let cells = self.cells.iter().map(|cell| cell.text.chars().count());
        heads.chain(cells).max().unwrap_or_default()
    }

    /// Preference and role, name, addresses.
    fn head(&self, width: usize) -> Vec<Line> {
        let addresses = self.spots.iter().map(|spot| (PLAIN, spot.endpoint.address.to_string()));
        let aside = self.aside.iter().map(|spot| (DIM, format!("({})", spot.endpoint.address)));
        let parts = [(PLAIN, self.place()), (BOLD, self.seat.host.name.clone())];
        let parts = parts.into_iter().chain(addresses).chain(aside);
        let lines = parts.flat_map(|(style, text)| {
            wrap(&text, width).into_iter().map(move |piece| Line::new(style, piece))
        });
        lines.collect()
    }
}

impl<'a> Block<'a> {
    fn of(columns: &'a [Column<'a>]) -> Self {
        Self { columns, rows: told(columns) }
    }

    fn draw(&self, sheet: &mut Sheet, labels: &[String], width: usize) {
        let heads: Vec<_> = self.columns.iter().map(|column| (false, column.head(width))).collect();
        side_by_side(sheet, "", &heads, width);
        sheet.line(Line::new(DIM, "─".repeat(LABELS + self.columns.len() * (width + MARK))));
        for &at in &self.rows {
            let cells = self.columns.iter().map(|column| {
                let is_marked = column.marks[at];
                (is_marked, lines(&column.cells[at], is_marked, width))
            });
            side_by_side(sheet, &labels[at], &cells.collect::<Vec<_>>(), width);
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
