//! Tables of named columns as Parquet and CSV, and files that are either whole or not there. The only
//! crate that names polars: its generics are compiled here once, not with every change of pixelflip.

pub mod atomic;
pub mod blob;
mod growing;
pub mod record;
mod sheet;

pub use growing::Growing;
pub use sheet::Sheet;

use polars_core::prelude as pl;
use polars_io::{
    SerReader, SerWriter,
    csv::write::CsvWriter,
    parquet::{
        read::ParquetReader,
        write::{KeyValueMetadata, ParquetCompression, ParquetWriter},
    },
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
};

/// Rows per row group and bytes per page: fixed, so that a table has one binary form.
const ROW_GROUP: usize = 65_536;
const PAGE: usize = 1 << 20;

/// Values of one column, row by row; `None` is null.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Words.
    Text(Vec<Option<String>>),
    /// Whole numbers below 2^63: in files they are signed, as most programs that read them expect.
    Integer(Vec<Option<u64>>),
    /// Numbers in double precision.
    Float(Vec<Option<f64>>),
    /// Lists of numbers in single precision.
    Floats(Vec<Option<Vec<f32>>>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Column::Text(v) => v.len(),
            Column::Integer(v) => v.len(),
            Column::Float(v) => v.len(),
            Column::Floats(v) => v.len(),
        }
    }

    /// True where no row has a value.
    fn is_null(&self) -> bool {
        match self {
            Column::Text(v) => v.iter().all(Option::is_none),
            Column::Integer(v) => v.iter().all(Option::is_none),
            Column::Float(v) => v.iter().all(Option::is_none),
            Column::Floats(v) => v.iter().all(Option::is_none),
        }
    }

    /// Adds the values of a column of the same type.
    fn extend(&mut self, more: &Column) {
        match (self, more) {
            (Column::Text(v), Column::Text(more)) => v.extend_from_slice(more),
            (Column::Integer(v), Column::Integer(more)) => v.extend_from_slice(more),
            (Column::Float(v), Column::Float(more)) => v.extend_from_slice(more),
            (Column::Floats(v), Column::Floats(more)) => v.extend_from_slice(more),
            (one, other) => panic!("a column of {} gets {}", one.kind(), other.kind()),
        }
    }

    /// Type in words, as in schemas and error messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Column::Text(_) => "text",
            Column::Integer(_) => "whole numbers",
            Column::Float(_) => "numbers",
            Column::Floats(_) => "lists of numbers",
        }
    }
}

/// A type that a column can be read into.
pub trait Cell: Sized {
    /// Type of the column in words.
    const KIND: &'static str;

    /// The values, or the column back when it is of another type.
    fn from_column(column: Column) -> Result<Vec<Option<Self>>, Column>;

    /// The column of these values.
    fn into_column(values: Vec<Option<Self>>) -> Column;
}

macro_rules! cell {
    ($type:ty, $variant:ident, $kind:literal) => {
        impl Cell for $type {
            const KIND: &'static str = $kind;

            fn from_column(column: Column) -> Result<Vec<Option<Self>>, Column> {
                if let Column::$variant(values) = column { Ok(values) } else { Err(column) }
            }

            fn into_column(values: Vec<Option<$type>>) -> Column {
                Column::$variant(values)
            }
        }
    };
}
cell!(String, Text, "text");
cell!(u64, Integer, "whole numbers");
cell!(f64, Float, "numbers");
cell!(Vec<f32>, Floats, "lists of numbers");

/// What is wrong with a table file.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be opened, read or written.
    #[error("cannot {action} `{}`: {source}", .path.display())]
    Io {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The content is not what it should be.
    #[error("`{}` is not a usable table: {problem}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, in words.
        problem: String,
    },
}

/// Columns of equal length, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<(String, Column)>,
}

impl Table {
    /// Appends a column. All columns have the same length and different names.
    pub fn push(&mut self, name: &str, column: Column) {
        let fits = self.columns.iter().all(|(n, c)| n != name && c.len() == column.len());
        assert!(fits, "columns have different names and the same length");
        self.columns.push((name.to_owned(), column));
    }

    /// Adds the rows of a table with the same columns; one without columns takes over those.
    pub fn append(&mut self, more: &Table) {
        if self.columns.is_empty() {
            self.columns.clone_from(&more.columns);
            return;
        }
        let names = |t: &Table| t.columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(self), names(more), "the same columns");
        for ((_, column), (_, more)) in self.columns.iter_mut().zip(&more.columns) {
            column.extend(more);
        }
    }

    /// Adds the columns of a table with as many rows and other names.
    #[must_use]
    pub fn beside(mut self, more: Table) -> Table {
        more.columns.into_iter().for_each(|(name, column)| self.push(&name, column));
        self
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, c)| c.len())
    }

    /// Names and types of the columns.
    pub fn schema(&self) -> Vec<(&str, &'static str)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column.kind())).collect()
    }

    /// True where there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|(n, _)| n == name)
    }

    /// Moves a column out of the table; the error says in words what is missing.
    pub fn take<T: Cell>(&mut self, name: &str) -> Result<Vec<Option<T>>, String> {
        let at = self.columns.iter().position(|(n, _)| n == name);
        let at = at.ok_or_else(|| format!("it has no column `{name}`"))?;
        let column = self.columns.remove(at).1;
        T::from_column(column)
            .map_err(|c| format!("column `{name}` holds {}, expected {}", c.kind(), T::KIND))
    }

    /// Moves a column without nulls out of the table.
    pub fn take_all<T: Cell>(&mut self, name: &str) -> Result<Vec<T>, String> {
        let missing = |row| format!("column `{name}` has no value in row {row}");
        let values = self.take::<T>(name)?.into_iter().enumerate();
        values.map(|(row, value)| value.ok_or_else(|| missing(row))).collect()
    }

    /// The file's bytes as Parquet. `notes` become its key-value metadata, together with a digest
    /// of the file. The same table gives the same bytes.
    fn parquet(&self, notes: &BTreeMap<String, String>) -> pl::PolarsResult<Vec<u8>> {
        let mut frame = self.frame()?;
        let mut bytes = Vec::new();
        let notes = unsealed(notes);
        ParquetWriter::new(&mut bytes)
            .with_compression(ParquetCompression::Zstd(None))
            .with_row_group_size(Some(ROW_GROUP))
            .with_data_page_size(Some(PAGE))
            .set_parallel(false)
            .with_key_value_metadata(Some(KeyValueMetadata::from_static(notes)))
            .finish(&mut frame)?;
        if let Some((start, end)) = find_seal(&bytes) {
            let digest = digest(&bytes);
            bytes[start..end].copy_from_slice(digest.as_bytes());
        }
        Ok(bytes)
    }

    fn frame(&self) -> pl::PolarsResult<pl::DataFrame> {
        let columns = self.columns.iter().map(|(name, c)| Ok(series(name, c)?.into()));
        pl::DataFrame::new(self.rows(), columns.collect::<pl::PolarsResult<_>>()?)
    }

    /// Writes the table as Parquet, whole or not at all.
    pub fn write_parquet(
        &self,
        path: &Path,
        notes: &BTreeMap<String, String>,
    ) -> Result<(), TableError> {
        let bytes = self.parquet(notes).map_err(|e| content(path, &e))?;
        atomic::write(path, &bytes).map_err(io_error("write", path))
    }

    /// Writes the table as CSV (commas, `.` as decimal point, null is empty), whole or not at all.
    /// Numbers keep all their digits. Lists cannot be written.
    pub fn write_csv(&self, path: &Path) -> Result<(), TableError> {
        let write = || {
            let mut bytes = Vec::new();
            CsvWriter::new(&mut bytes).finish(&mut self.frame()?)?;
            Ok(bytes)
        };
        let bytes = write().map_err(|e| content(path, &e))?;
        atomic::write(path, &bytes).map_err(io_error("write", path))
    }

    /// Reads a Parquet file; where `only` is given, those of its columns that are there, since older files
    /// lack some: who needs one says so when it is taken. A file with a digest (one that this program
    /// wrote) is checked against it.
    pub fn read_parquet(path: &Path, only: Option<&[&str]>) -> Result<Table, TableError> {
        let bytes = fs::read(path).map_err(io_error("read", path))?;
        Table::check_end(path, &bytes)?;
        if !is_intact(&bytes) {
            let problem = "its content was changed or damaged".to_owned();
            return Err(TableError::Content { path: path.to_owned(), problem });
        }
        Table::decode(bytes, only).map_err(|e| content(path, &e))
    }

    /// What is wrong with a file whose end is not there, before the decoder says it in its own words.
    fn check_end(path: &Path, bytes: &[u8]) -> Result<(), TableError> {
        if bytes.ends_with(b"PAR1") {
            return Ok(());
        }
        let problem = "it is cut off, or no Parquet file at all".to_owned();
        Err(TableError::Content { path: path.to_owned(), problem })
    }

    fn decode(bytes: Vec<u8>, only: Option<&[&str]>) -> pl::PolarsResult<Table> {
        let mut reader = ParquetReader::new(Cursor::new(bytes));
        let there = reader.schema()?;
        let wanted = |names: &[&str]| {
            let names = names.iter().filter(|name| there.contains(name));
            names.map(|&name| name.to_owned()).collect()
        };
        let frame = reader.with_columns(only.map(wanted)).finish()?;
        let mut table = Table::default();
        for column in frame.columns() {
            table.push(column.name(), values(column.as_materialized_series())?);
        }
        Ok(table)
    }
}

/// Marks the digest in a file's metadata. The Parquet decoder trusts what it reads: one flipped bit
/// can make it ask for exabytes of memory, so files are checked before they are decoded.
const SEAL: &str = "pixelflip-sha256-";

/// Hexadecimal digits of a SHA-256.
const DIGEST: usize = 64;

/// Notes with a mark behind which the digest goes, zeros until then.
fn unsealed(notes: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let blank = ("seal".to_owned(), format!("{SEAL}{}", "0".repeat(DIGEST)));
    notes.iter().map(|(k, v)| (k.clone(), v.clone())).chain([blank]).collect()
}

/// SHA-256 of a file, which is read from its start.
fn digest_of(file: &mut fs::File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; PAGE];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect()
}

/// Where the digest stands: the last place behind the mark.
fn find_seal(bytes: &[u8]) -> Option<(usize, usize)> {
    let mark = bytes.windows(SEAL.len()).rposition(|w| w == SEAL.as_bytes())?;
    let start = mark + SEAL.len();
    (start + DIGEST <= bytes.len()).then_some((start, start + DIGEST))
}

/// SHA-256 of a file as if its digest were zeros.
fn digest(bytes: &[u8]) -> String {
    let (start, end) = find_seal(bytes).unwrap_or((bytes.len(), bytes.len()));
    let mut hash = Sha256::new();
    hash.update(&bytes[..start]);
    hash.update(&[b'0'; DIGEST][..end - start]);
    hash.update(&bytes[end..]);
    hexadecimal(&hash.finalize())
}

fn hex_digit(half: u8) -> char {
    char::from_digit(half.into(), 16).expect("four bits")
}

/// True when the digest, if there is one, is right.
fn is_intact(bytes: &[u8]) -> bool {
    find_seal(bytes).is_none_or(|(start, end)| bytes[start..end] == *digest(bytes).as_bytes())
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TableError {
    let path = path.to_owned();
    move |source| TableError::Io { action, path, source }
}

fn content(path: &Path, error: &pl::PolarsError) -> TableError {
    let text = error.to_string();
    let problem = text.lines().next().unwrap_or_default().to_owned();
    TableError::Content { path: path.to_owned(), problem }
}

fn series(name: &str, column: &Column) -> pl::PolarsResult<pl::Series> {
    use pl::NamedFrom;
    let name: pl::PlSmallStr = name.into();
    Ok(match column {
        Column::Text(v) => pl::Series::new(name, v),
        Column::Integer(v) => pl::Series::new(name.clone(), signed(&name, v)?),
        Column::Float(v) => pl::Series::new(name, v),
        Column::Floats(lists) => {
            use pl::{IntoSeries, ListBuilderTrait};
            let values = lists.iter().flatten().map(Vec::len).sum();
            let mut builder = pl::ListPrimitiveChunkedBuilder::<pl::Float32Type>::new(
                name,
                lists.len(),
                values,
                pl::DataType::Float32,
            );
            for list in lists {
                builder.append_opt_slice(list.as_deref());
            }
            builder.finish().into_series()
        }
    })
}

fn signed(name: &str, values: &[Option<u64>]) -> pl::PolarsResult<Vec<Option<i64>>> {
    let large = |v: u64| {
        let text = format!("column `{name}` holds {v}, expected whole numbers below 2^63");
        pl::PolarsError::ComputeError(text.into())
    };
    let one = |v: &Option<u64>| v.map(|v| i64::try_from(v).map_err(|_| large(v))).transpose();
    values.iter().map(one).collect()
}

/// The values of a column, widened to the four types that tables have.
fn values(series: &pl::Series) -> pl::PolarsResult<Column> {
    use pl::DataType as D;
    match series.dtype() {
        D::String => {
            let words = series.str()?.iter().map(|v| v.map(str::to_owned));
            Ok(Column::Text(words.collect()))
        }
        D::Float32 | D::Float64 => {
            Ok(Column::Float(series.cast(&D::Float64)?.f64()?.iter().collect()))
        }
        D::List(inner) if matches!(**inner, D::Float32 | D::Float64) => {
            let lists =
                series.list()?.series_iter().map(|list| list.as_ref().map(floats).transpose());
            Ok(Column::Floats(lists.collect::<pl::PolarsResult<_>>()?))
        }
        whole if whole.is_integer() => {
            // a negative number is an error here, not a null
            Ok(Column::Integer(series.strict_cast(&D::UInt64)?.u64()?.iter().collect()))
        }
        other => {
            let text = format!("column `{}` has the unknown type {other}", series.name());
            Err(pl::PolarsError::SchemaMismatch(text.into()))
        }
    }
}

fn floats(list: &pl::Series) -> pl::PolarsResult<Vec<f32>> {
    let values = list.cast(&pl::DataType::Float32)?;
    let missing = || pl::PolarsError::SchemaMismatch("a list of numbers has a null".into());
    values.f32()?.iter().map(|v| v.ok_or_else(missing)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut t = Table::default();
        let words = ["a,\"b\"", "ü", ""].map(|s| Some(s.to_owned()));
        t.push("word", Column::Text(words.into_iter().chain([None]).collect()));
        t.push("count", Column::Integer(vec![Some(0), Some(i64::MAX as u64), None, Some(7)]));
        t.push("size", Column::Float(vec![Some(0.1), None, Some(-1e-300), Some(1.0 / 3.0)]));
        t
    }

    fn with_lists() -> Table {
        let mut t = table();
        let lists = vec![Some(vec![1.5, -0.0, f32::NAN]), Some(vec![]), None, Some(vec![f32::MAX])];
        t.push("list", Column::Floats(lists));
        t
    }

    fn notes() -> BTreeMap<String, String> {
        [("schema", "1"), ("count", "how many")].map(|(k, v)| (k.into(), v.into())).into()
    }

    #[test]
    fn what_is_written_as_parquet_is_read_bit_for_bit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        with_lists().write_parquet(&path, &notes()).unwrap();
        let back = Table::read_parquet(&path, None).unwrap();
        assert_eq!(back.schema(), with_lists().schema());
        // NaN is not equal to itself, so compare what is printed
        assert_eq!(format!("{back:?}"), format!("{:?}", with_lists()));
        let some = Table::read_parquet(&path, Some(&["size", "word"])).unwrap();
        assert_eq!(some.schema().len(), 2);
        let known = Table::read_parquet(&path, Some(&["size", "sise"])).unwrap();
        assert_eq!(known.schema().len(), 1, "a column that is not there is for the reader to miss");
    }

    #[test]
    fn the_same_table_gives_the_same_bytes() {
        let bytes = with_lists().parquet(&notes()).unwrap();
        assert_eq!(bytes, with_lists().parquet(&notes()).unwrap());
        assert_ne!(bytes, with_lists().parquet(&BTreeMap::new()).unwrap());
    }

    #[test]
    fn an_empty_table_keeps_its_schema() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        let mut empty = Table::default();
        empty.push("word", Column::Text(vec![]));
        empty.push("list", Column::Floats(vec![]));
        empty.write_parquet(&path, &BTreeMap::new()).unwrap();
        assert_eq!(Table::read_parquet(&path, None).unwrap(), empty);
    }

    #[test]
    fn csv_keeps_all_digits_quotes_what_needs_it_and_leaves_null_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        table().write_csv(&path).unwrap();
        insta::assert_snapshot!(fs::read_to_string(&path).unwrap());
        let error = with_lists().write_csv(&path).unwrap_err();
        assert!(matches!(error, TableError::Content { .. }), "{error}");
    }

    #[test]
    fn columns_are_taken_by_name_and_type() {
        let mut t = with_lists();
        assert_eq!(
            t.take::<u64>("size").unwrap_err(),
            "column `size` holds numbers, expected whole numbers"
        );
        assert_eq!(t.take::<u64>("sizes").unwrap_err(), "it has no column `sizes`");
        assert_eq!(t.take_all::<u64>("count").unwrap_err(), "column `count` has no value in row 2");
        assert_eq!(t.take::<Vec<f32>>("list").unwrap().len(), 4);
    }

    #[test]
    fn a_broken_file_is_an_error_and_not_a_panic() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        let missing = Table::read_parquet(&path, None).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read `"), "{missing}");
        let bytes = with_lists().parquet(&notes()).unwrap();
        for cut in 0..bytes.len() {
            assert!(Table::decode(bytes[..cut].to_vec(), None).is_err(), "{cut}");
        }
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = Table::read_parquet(&path, None).unwrap_err();
        assert!(matches!(error, TableError::Content { .. }), "{error}");
        fs::write(&path, "PAR1, but only in words. PAR1").unwrap();
        assert!(Table::read_parquet(&path, None).is_err());
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let bytes = with_lists().parquet(&notes()).unwrap();
        let (seal, end) = find_seal(&bytes).unwrap();
        assert!(is_intact(&bytes) && bytes.len() - end < 1000, "the seal stands in the footer");
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1 << (at % 8);
            if (seal - SEAL.len()..seal).contains(&at) {
                // in the mark that announces the digest: no check, but the metadata is unused
                let read = Table::decode(broken, None);
                assert!(read.is_err() || read.unwrap().schema() == with_lists().schema());
            } else {
                assert!(!is_intact(&broken), "{at}");
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        fs::write(&path, [&bytes[..9], &[bytes[9] ^ 1], &bytes[10..]].concat()).unwrap();
        let error = Table::read_parquet(&path, None).unwrap_err().to_string();
        assert!(
            error.ends_with("t.parquet` is not a usable table: its content was changed or damaged")
        );
    }

    #[test]
    fn a_file_without_a_digest_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut table().frame().unwrap()).unwrap();
        fs::write(&path, &bytes).unwrap();
        assert_eq!(Table::read_parquet(&path, None).unwrap(), table());
    }
}
