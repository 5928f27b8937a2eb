//! A table for people: columns as wide as what is in them, the last one as wide as is left.

use std::io;

use crate::output::{Output, Style, cut, width};

/// A cell and how it looks.
pub(crate) type Cell = (String, Style);

/// A table in the making.
#[derive(Debug)]
pub(crate) struct Table {
    titles: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// Columns between two columns.
const GAP: usize = 2;
/// The last column is never narrower than this, whatever the terminal.
const NARROWEST: usize = 10;

impl Table {
    /// A table with these columns.
    pub(crate) fn new(titles: &[&'static str]) -> Self {
        Self {
            titles: titles.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Prints the table, with its titles if wanted, in lines of at most `most` columns.
    pub(crate) fn print(&self, out: &mut Output, titles: bool, most: usize) -> io::Result<()> {
        let last = self.titles.len().saturating_sub(1);
        let widths: Vec<usize> = (0..last)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let widest = cells.map(|(text, _)| width(text)).max().unwrap_or(0);
                widest.max(width(self.titles[column]))
            })
            .collect();
        let left = most.saturating_sub(widths.iter().map(|width| width + GAP).sum());
        let left = left.max(NARROWEST);
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
