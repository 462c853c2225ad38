//! Small CSV and TSV files with a header line.

use super::DataError;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A table of texts.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) path: PathBuf,
    header: Vec<String>,
    pub(super) rows: Vec<SheetRow>,
}

/// One line of a [`Sheet`]; it has as many cells as the header.
#[derive(Debug)]
pub(super) struct SheetRow {
    /// Line of the file, from 1.
    pub(super) line: u64,
    cells: Vec<String>,
}

impl SheetRow {
    /// The trimmed cell of a column from [`Sheet::column`].
    pub(super) fn cell(&self, column: usize) -> &str {
        self.cells[column].trim()
    }
}

impl Sheet {
    /// Reads a file; cells are separated by tabs if its name ends in `.tsv`, by semicolons if the
    /// header has some and no commas, else by commas.
    pub(super) fn read(path: &Path) -> Result<Sheet, DataError> {
        let text = fs::read(path).map_err(|e| DataError::read(path, &e))?;
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
        let header = text.split(|b| *b == b'\n').next().unwrap_or_default();
        let delimiter = match path.extension() {
            Some(ending) if ending == "tsv" => b'\t',
            _ if header.contains(&b';') && !header.contains(&b',') => b';',
            _ => b',',
        };
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text);
        let broken =
            |e: csv::Error| DataError::unexpected(path, "a table with a header", words(&e));
        let header = reader.headers().map_err(broken)?;
        let header = header.iter().map(|name| name.trim().to_owned()).collect();
        let mut rows = vec![];
        for record in reader.records() {
            let record = record.map_err(broken)?;
            let line = record.position().map_or(0, csv::Position::line);
            rows.push(SheetRow { line, cells: record.iter().map(str::to_owned).collect() });
        }
        if rows.is_empty() {
            return Err(DataError::unexpected(path, "a header and rows", "no rows"));
        }
        Ok(Sheet { path: path.to_owned(), header, rows })
    }

    /// Names of the columns.
    pub(super) fn columns(&self) -> Vec<&str> {
        self.header.iter().map(String::as_str).collect()
    }

    /// Position of a column that must be there.
    pub(super) fn column(&self, name: &str) -> Result<usize, DataError> {
        self.optional(name).ok_or_else(|| {
            let found = format!("the columns {}", self.header.join(", "));
            DataError::unexpected(&self.path, format!("a column `{name}` in the first line"), found)
        })
    }

    /// Position of a column.
    pub(super) fn optional(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|h| h == name)
    }

    /// Error about one line.
    pub(super) fn wrong(&self, line: u64, expected: &str, found: impl AsRef<str>) -> DataError {
        DataError::unexpected(&self.path, expected, format!("{} on line {line}", found.as_ref()))
    }
}

fn words(error: &csv::Error) -> String {
    let line = |at: &Option<csv::Position>| {
        at.as_ref().map_or(String::new(), |p| format!(" on line {}", p.line()))
    };
    match error.kind() {
        csv::ErrorKind::Utf8 { pos, .. } => format!("text that is not UTF-8{}", line(pos)),
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            format!("{len} cells instead of {expected_len}{}", line(pos))
        }
        _ => error.to_string(),
    }
}
