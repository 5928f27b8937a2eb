//! A table for people: columns as wide as their cells, the last column as wide as the terminal allows.

use std::io;

use crate::output::{Output, Style, cut, width};

/// A cell and its style.
pub(crate) type Cell = (String, Style);

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    titles: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// Blanks between two columns.
const GAP: usize = 2;
/// The least width of the last column.
const MIN_LAST: usize = 10;

impl Table {
    /// A table with these column titles.
    pub(crate) fn new(titles: &[&'static str]) -> Self {
        Self {
            titles: titles.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row with one cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Prints the table in lines of at most `max` columns, with or without its titles.
    pub(crate) fn print(&self, out: &mut Output, titles: bool, max: usize) -> io::Result<()> {
        let last = self.titles.len().saturating_sub(1);
        let widths: Vec<usize> = (0..last)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let widest = cells.map(|(text, _)| width(text)).max().unwrap_or(0);
                widest.max(width(self.titles[column]))
            })
            .collect();
        let left = max.saturating_sub(widths.iter().map(|width| width + GAP).sum());
        let left = left.max(MIN_LAST);
        if titles {
            let titles = self.titles.iter().map(|&title| (title, Style::Dim));
            print_row(out, titles, &widths, left)?;
        }
        for row in &self.rows {
            let cells = row.iter().map(|(text, style)| (text.as_str(), *style));
            print_row(out, cells, &widths, left)?;
        }
        Ok(())
    }
}

fn print_row<'a>(
    out: &mut Output,
    cells: impl Iterator<Item = (&'a str, Style)>,
    widths: &[usize],
    left: usize,
) -> io::Result<()> {
    for (column, (text, style)) in cells.enumerate() {
        match widths.get(column) {
            None => out.styled(style, &cut(text, left))?,
            Some(&wide) => {
                out.styled(style, text)?;
                out.write(&" ".repeat(wide - width(text).min(wide) + GAP))?;
            }
        }
    }
    out.write("\n")
}
