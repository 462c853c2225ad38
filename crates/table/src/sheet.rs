//! Tables that are only written: each column is declared once, with its name, note and value.

use super::{Column, Table, TableError};
use std::{collections::BTreeMap, path::Path};

/// How the value of a column follows from a row.
enum Value<'s, R> {
    Text(Of<'s, R, String>),
    Whole(Of<'s, R, u64>),
    Number(Of<'s, R, f64>),
}

/// A value of a row; `None` is null.
type Of<'s, R, T> = Box<dyn Fn(&R) -> Option<T> + 's>;

/// The columns of a table with rows of type `R`, in their order; `R` may borrow for `'s`.
pub struct Sheet<'s, R> {
    columns: Vec<(String, Value<'s, R>)>,
    notes: BTreeMap<String, String>,
}

impl<R> Default for Sheet<'_, R> {
    fn default() -> Self {
        Sheet { columns: Vec::new(), notes: BTreeMap::new() }
    }
}

impl<'s, R> Sheet<'s, R> {
    /// Says what one or more columns mean.
    #[must_use]
    pub fn note(mut self, columns: &str, note: &str) -> Sheet<'s, R> {
        self.notes.insert(format!("column {columns}"), note.to_owned());
        self
    }

    /// Says something of the table as a whole.
    #[must_use]
    pub fn about(mut self, key: &str, text: &str) -> Sheet<'s, R> {
        self.notes.insert(key.to_owned(), text.to_owned());
        self
    }

    fn push(mut self, name: &str, note: &str, value: Value<'s, R>) -> Sheet<'s, R> {
        self.columns.push((name.to_owned(), value));
        if note.is_empty() { self } else { self.note(name, note) }
    }

    /// A column of words. An empty note is none: [`Sheet::note`] speaks of several columns at once.
    #[must_use]
    pub fn text(
        self,
        name: &str,
        note: &str,
        of: impl Fn(&R) -> Option<&str> + 's,
    ) -> Sheet<'s, R> {
        self.push(name, note, Value::Text(Box::new(move |row| of(row).map(str::to_owned))))
    }

    /// A column of words that are made for it.
    #[must_use]
    pub fn made(
        self,
        name: &str,
        note: &str,
        of: impl Fn(&R) -> Option<String> + 's,
    ) -> Sheet<'s, R> {
        self.push(name, note, Value::Text(Box::new(of)))
    }

    /// A column of whole numbers.
    #[must_use]
    pub fn whole(
        self,
        name: &str,
        note: &str,
        of: impl Fn(&R) -> Option<u64> + 's,
    ) -> Sheet<'s, R> {
        self.push(name, note, Value::Whole(Box::new(of)))
    }

    /// A column of numbers.
    #[must_use]
    pub fn number(
        self,
        name: &str,
        note: &str,
        of: impl Fn(&R) -> Option<f64> + 's,
    ) -> Sheet<'s, R> {
        self.push(name, note, Value::Number(Box::new(of)))
    }

    /// The rows as a table.
    pub fn table(&self, rows: &[R]) -> Table {
        let mut table = Table::default();
        for (name, value) in &self.columns {
            table.push(name, value.column(rows));
        }
        table
    }

    /// The notes that a file has on its columns.
    pub fn notes(&self) -> &BTreeMap<String, String> {
        &self.notes
    }

    /// Names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// Writes rows as `NAME.parquet`, with the notes, and `NAME.csv` into a folder.
    pub fn write(&self, folder: &Path, name: &str, rows: &[R]) -> Result<(), TableError> {
        let table = self.table(rows);
        table.write_parquet(&folder.join(format!("{name}.parquet")), &self.notes)?;
        table.write_csv(&folder.join(format!("{name}.csv")))
    }
}

impl<R> Value<'_, R> {
    fn column(&self, rows: &[R]) -> Column {
        match self {
            Value::Text(of) => Column::Text(rows.iter().map(of).collect()),
            Value::Whole(of) => Column::Integer(rows.iter().map(of).collect()),
            Value::Number(of) => Column::Float(rows.iter().map(of).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_declaration_is_a_column_with_its_note() {
        let sheet = Sheet::default()
            .text("word", "itself", |w: &String| Some(w))
            .whole("length", "", |w| Some(w.len() as u64))
            .number("half", "", |w| (!w.is_empty()).then_some(w.len() as f64 / 2.0))
            .note("length, half", "its size");
        let table = sheet.table(&["abc".to_owned(), String::new()]);
        assert_eq!(
            table.schema(),
            [("word", "text"), ("length", "whole numbers"), ("half", "numbers")]
        );
        assert_eq!(sheet.notes()["column length, half"], "its size");
        assert_eq!(sheet.notes().len(), 2);
        let mut empty = sheet.table(&[]);
        assert_eq!((empty.rows(), empty.take::<f64>("half").unwrap()), (0, vec![]));
        assert_eq!(table.clone().take::<f64>("half").unwrap(), [Some(1.5), None]);
    }
}
