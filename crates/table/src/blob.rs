//! Single values of Parquet files that other programs wrote: pictures in a column `image.bytes`,
//! labels beside them. One value is read at a time, so a file may be larger than the memory.
//!
//! polars could read such files only whole, and only if structs were compiled in; and its decoder
//! trusts what it reads. This one checks every length against the file. What it knows: columns that
//! are not repeated, pages of both versions, plain and dictionary encoding, Snappy, gzip and Zstandard.
//! Format: <https://github.com/apache/parquet-format>.

mod levels;
mod page;
mod thrift;

use crate::{TableError, io_error};
use page::Page;
use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
};
use thrift::Value;

/// Decoded pages that are kept; threads that go through neighbouring rows share them.
const KEPT_PAGES: usize = 4;

/// A Parquet file, opened but not read.
#[derive(Debug)]
pub struct Blobs {
    path: PathBuf,
    columns: Vec<Column>,
    rows: usize,
    notes: BTreeMap<String, String>,
    kept: Mutex<VecDeque<Kept>>,
}

/// Values by the column and the position of their page.
type Kept = ((usize, usize), Arc<Vec<Option<Vec<u8>>>>);

/// One leaf of the schema.
#[derive(Debug)]
struct Column {
    /// `image.bytes`
    name: String,
    /// Physical type, as in the file.
    kind: i64,
    /// Definition level of a value that is there.
    levels: u32,
    /// True when a row may hold several values.
    is_repeated: bool,
    chunks: Vec<Chunk>,
}

/// The part of a column in one row group.
#[derive(Debug)]
struct Chunk {
    start: u64,
    length: u64,
    codec: i64,
    first_row: usize,
    rows: usize,
    /// Its pages, once their headers have been read.
    pages: OnceLock<Vec<Page>>,
}

// physical types
const BOOLEAN: i64 = 0;
const INT32: i64 = 1;
const INT64: i64 = 2;
const FLOAT: i64 = 4;
const DOUBLE: i64 = 5;
const BYTE_ARRAY: i64 = 6;

impl Blobs {
    /// Reads the footer of a file.
    pub fn open(path: &Path) -> Result<Blobs, TableError> {
        let (file, length) = open(path)?;
        let footer = footer(file, length).map_err(io_error("read", path))?;
        let metadata = footer.as_deref().and_then(thrift::parse);
        let parsed = metadata.and_then(|m| parse(&m, length));
        let (columns, rows, notes) = parsed.ok_or_else(|| {
            wrong(path, "it has no readable Parquet footer at its end".to_owned())
        })?;
        Ok(Blobs { path: path.to_owned(), columns, rows, notes, kept: Mutex::default() })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Names of the columns; those of a struct follow its name and a dot.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|c| c.name.as_str())
    }

    /// The file's key-value metadata.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.notes.get(key).map(String::as_str)
    }

    /// Checks that a column holds bytes, one value per row at most.
    pub fn check_bytes(&self, name: &str) -> Result<(), TableError> {
        self.column(name, &[BYTE_ARRAY], "bytes").map(drop)
    }

    /// One value of a column of bytes or text; `None` where it is null.
    pub fn bytes(&self, name: &str, row: usize) -> Result<Option<Vec<u8>>, TableError> {
        let at = self.column(name, &[BYTE_ARRAY], "bytes")?;
        let chunks = &self.columns[at].chunks;
        let chunk = chunks.iter().find(|c| (c.first_row..c.first_row + c.rows).contains(&row));
        let chunk = chunk.ok_or_else(|| wrong(&self.path, format!("it has no row {row}")))?;
        let mut first = chunk.first_row;
        for page in self.pages(at, chunk)?.iter().filter(|p| !p.is_dictionary) {
            if row < first + page.values {
                let values = self.kept(at, chunk, page)?;
                return values.get(row - first).cloned().ok_or_else(|| self.broken(at));
            }
            first += page.values;
        }
        Err(self.broken(at))
    }

    /// All values of a column of numbers; null becomes `None`. Whole numbers beyond 2^53 are rounded.
    pub fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>, TableError> {
        let at = self.column(name, &[BOOLEAN, INT32, INT64, FLOAT, DOUBLE], "numbers")?;
        let kind = self.columns[at].kind;
        let mut all = vec![];
        for chunk in &self.columns[at].chunks {
            let pages = self.pages(at, chunk)?;
            let dictionary = pages.iter().find(|page| page.is_dictionary);
            let mut n = 0;
            for page in pages.iter().filter(|p| !p.is_dictionary) {
                let values = self.decoded(at, chunk, page, dictionary)?;
                n += values.len();
                all.extend(values.into_iter().map(|value| value.map(|v| number(&v, kind))));
            }
            if n != chunk.rows {
                return Err(self.broken(at));
            }
        }
        Ok(all)
    }

    /// Position of a column of one of these types.
    fn column(&self, name: &str, kinds: &[i64], words: &str) -> Result<usize, TableError> {
        let at = self.columns.iter().position(|c| c.name == name);
        let at = at.ok_or_else(|| wrong(&self.path, format!("it has no column `{name}`")))?;
        let column = &self.columns[at];
        if !kinds.contains(&column.kind) || column.is_repeated {
            let problem = format!("column `{name}` does not hold {words}, one value per row");
            return Err(wrong(&self.path, problem));
        }
        Ok(at)
    }

    fn broken(&self, column: usize) -> TableError {
        let name = &self.columns[column].name;
        wrong(&self.path, format!("column `{name}` is damaged or in an unknown encoding"))
    }

    fn pages<'c>(&self, column: usize, chunk: &'c Chunk) -> Result<&'c [Page], TableError> {
        if let Some(pages) = chunk.pages.get() {
            return Ok(pages);
        }
        let (mut file, _) = open(&self.path)?;
        let pages = page::list(&mut file, chunk.start, chunk.length);
        let pages = pages.map_err(io_error("read", &self.path))?;
        let pages = pages.ok_or_else(|| self.broken(column))?;
        // another thread may have been faster, with the same
        Ok(chunk.pages.get_or_init(|| pages))
    }

    /// The values of a page, decoded now or before.
    fn kept(
        &self,
        column: usize,
        chunk: &Chunk,
        page: &Page,
    ) -> Result<Arc<Vec<Option<Vec<u8>>>>, TableError> {
        let key = (column, page.start as usize);
        let lock = || self.kept.lock().expect("no thread panics while it holds the lock");
        if let Some((_, values)) = lock().iter().find(|(k, _)| *k == key) {
            return Ok(values.clone());
        }
        let pages = self.pages(column, chunk)?;
        let dictionary = pages.iter().find(|page| page.is_dictionary);
        let values = Arc::new(self.decoded(column, chunk, page, dictionary)?);
        let mut kept = lock();
        kept.push_front((key, values.clone()));
        kept.truncate(KEPT_PAGES);
        Ok(values)
    }

    fn decoded(
        &self,
        column: usize,
        chunk: &Chunk,
        page: &Page,
        dictionary: Option<&Page>,
    ) -> Result<Vec<Option<Vec<u8>>>, TableError> {
        let broken = || self.broken(column);
        let (mut file, _) = open(&self.path)?;
        let mut read = |page: &Page| {
            let mut bytes = vec![];
            file.seek(SeekFrom::Start(page.start)).map_err(io_error("read", &self.path))?;
            let part = (&mut file).take(page.compressed as u64).read_to_end(&mut bytes);
            part.map_err(io_error("read", &self.path))?;
            page.unpacked(bytes, chunk.codec).ok_or_else(broken)
        };
        let Column { kind, levels, .. } = self.columns[column];
        let dictionary = match dictionary {
            None => None,
            Some(page) => {
                let bytes = read(page)?;
                Some(page::plain(&bytes, kind, page.values).ok_or_else(broken)?)
            }
        };
        let bytes = read(page)?;
        page.values(&bytes, kind, levels, dictionary.as_deref()).ok_or_else(broken)
    }
}

fn open(path: &Path) -> Result<(File, u64), TableError> {
    let file = File::open(path).map_err(io_error("read", path))?;
    let length = file.metadata().map_err(io_error("read", path))?.len();
    Ok((file, length))
}

fn wrong(path: &Path, problem: String) -> TableError {
    TableError::Content { path: path.to_owned(), problem }
}

/// The footer's bytes; none where the file does not end like a Parquet file.
fn footer(mut file: File, length: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut end = [0; 8];
    if length < 12 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(length - 8))?;
    file.read_exact(&mut end)?;
    let size = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    if &end[4..] != b"PAR1" || size + 12 > length {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(length - 8 - size))?;
    let mut bytes = vec![];
    file.take(size).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

type Parsed = (Vec<Column>, usize, BTreeMap<String, String>);

/// Columns, rows and key-value metadata of a footer in a file of `length` bytes.
fn parse(metadata: &Value, length: u64) -> Option<Parsed> {
    let mut columns = vec![];
    let schema = metadata.field(2)?.list()?;
    let roots = schema.first()?.field(5)?.int()?;
    let mut rest = schema.get(1..)?;
    for _ in 0..roots {
        leaves(&mut rest, "", 0, false, 0, &mut columns)?;
    }
    let mut rows = 0;
    for group in metadata.field(4).map_or(Some(&[][..]), Value::list)? {
        let n = usize::try_from(group.field(3)?.int()?).ok()?;
        let chunks = group.field(1)?.list()?;
        if chunks.len() != columns.len() {
            return None;
        }
        for (column, chunk) in columns.iter_mut().zip(chunks) {
            column.chunks.push(self::chunk(chunk, rows, n, length)?);
        }
        rows = n.checked_add(rows)?;
    }
    let notes = metadata.field(5).and_then(Value::list).unwrap_or_default();
    let note = |v: &Value| Some((v.field(1)?.text()?, v.field(2)?.text()?));
    Some((columns, rows, notes.iter().filter_map(note).collect()))
}

/// Takes one element with all that is inside off the flattened schema.
fn leaves(
    rest: &mut &[Value],
    prefix: &str,
    levels: u32,
    is_repeated: bool,
    depth: usize,
    columns: &mut Vec<Column>,
) -> Option<()> {
    let (element, after) = rest.split_first()?;
    *rest = after;
    let repetition = element.field(3).and_then(Value::int).unwrap_or(0);
    let (levels, is_repeated) =
        (levels + u32::from(repetition != 0), is_repeated || repetition == 2);
    let name = format!("{prefix}{}", element.field(4)?.text()?);
    match element.field(5).and_then(Value::int).unwrap_or(0) {
        0 => {
            let kind = element.field(1)?.int()?;
            columns.push(Column { name, kind, levels, is_repeated, chunks: vec![] });
        }
        children if depth < 16 => {
            for _ in 0..children {
                leaves(rest, &format!("{name}."), levels, is_repeated, depth + 1, columns)?;
            }
        }
        _ => return None,
    }
    Some(())
}

fn chunk(value: &Value, first_row: usize, rows: usize, length: u64) -> Option<Chunk> {
    let about = value.field(3)?;
    let number = |id| about.field(id).and_then(Value::int).and_then(|n| u64::try_from(n).ok());
    let data = number(9)?;
    // some writers give 0 for a dictionary that is not there
    let start = number(11).filter(|at| *at > 0).map_or(data, |at| at.min(data));
    let size = number(7)?;
    let fits = start.checked_add(size).is_some_and(|end| end <= length);
    let (codec, pages) = (about.field(4)?.int()?, OnceLock::new());
    fits.then_some(Chunk { start, length: size, codec, first_row, rows, pages })
}

/// A little-endian number of one, four or eight bytes.
fn number(bytes: &[u8], kind: i64) -> f64 {
    match *bytes {
        [a] => f64::from(a),
        [a, b, c, d] if kind == FLOAT => f64::from(f32::from_le_bytes([a, b, c, d])),
        [a, b, c, d] => f64::from(i32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] if kind == DOUBLE => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
        [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]) as f64,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests;
