//! Tables that are written batch by batch, so that they need not be in memory as a whole.

use super::{
    DIGEST, PAGE, SEAL, Table, TableError, content, digest_of, find_seal, io_error, unsealed,
};
use crate::atomic;
use polars_core::prelude as pl;
use polars_io::parquet::write::{
    BatchedWriter, KeyValueMetadata, ParquetCompression, ParquetWriter,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Rows that are written together: every group of rows is described in memory until the file ends.
const BATCH: usize = 4096;

/// The digest stands in the file's metadata, which are at its end.
const TAIL: u64 = 1 << 16;

/// A Parquet file in the making. It has its name when it is whole; what is dropped before that
/// leaves nothing behind.
pub struct Growing {
    path: PathBuf,
    temporary: PathBuf,
    notes: BTreeMap<String, String>,
    /// Rows that wait for others.
    waiting: Table,
    writer: Option<BatchedWriter<File>>,
}

impl Growing {
    /// A file that will be at `path`, with these notes as its key-value metadata.
    pub fn new(path: &Path, notes: BTreeMap<String, String>) -> Growing {
        let (path, temporary) = (path.to_owned(), atomic::temporary(path));
        Growing { path, temporary, notes, waiting: Table::default(), writer: None }
    }

    /// Adds rows. All tables have the same columns.
    pub fn append(&mut self, table: &Table) -> Result<(), TableError> {
        self.waiting.append(table);
        if self.waiting.rows() < BATCH {
            return Ok(());
        }
        self.flush()
    }

    /// Writes the rows that wait.
    fn flush(&mut self) -> Result<(), TableError> {
        let frame = std::mem::take(&mut self.waiting).frame();
        let frame = frame.map_err(|e| content(&self.path, &e))?;
        if self.writer.is_none() {
            self.writer = Some(self.begin(&frame)?);
        }
        let writer = self.writer.as_mut().expect("made above");
        if frame.height() == 0 {
            return Ok(());
        }
        writer.write_batch(&frame).map_err(|e| content(&self.path, &e))
    }

    fn begin(&self, first: &pl::DataFrame) -> Result<BatchedWriter<File>, TableError> {
        let file = File::create(&self.temporary).map_err(io_error("write", &self.temporary))?;
        let writer = ParquetWriter::new(file)
            .with_compression(ParquetCompression::Zstd(None))
            .with_data_page_size(Some(PAGE))
            .set_parallel(false)
            .with_key_value_metadata(Some(KeyValueMetadata::from_static(unsealed(&self.notes))));
        writer.batched(first.schema()).map_err(|e| content(&self.path, &e))
    }

    /// Ends the file and gives it its name. At least one table, maybe empty, was added.
    pub fn finish(mut self) -> Result<(), TableError> {
        if self.waiting.rows() > 0 || self.writer.is_none() {
            self.flush()?;
        }
        let writer = self.writer.take().expect("a table was added");
        writer.finish().map_err(|e| content(&self.path, &e))?;
        drop(writer);
        let named = seal(&self.temporary).and_then(|()| fs::rename(&self.temporary, &self.path));
        named.map_err(io_error("write", &self.path))
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        // not there when it was finished or never begun
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Puts the digest of a file whose digest is zeros into its place.
fn seal(path: &Path) -> io::Result<()> {
    let mut file = File::options().read(true).write(true).open(path)?;
    let digest = digest_of(&mut file)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let missing = || io::Error::other(format!("no {SEAL} with {DIGEST} digits at its end"));
    let (at, _) = find_seal(&tail).ok_or_else(missing)?;
    file.seek(SeekFrom::Start(start + at as u64))?;
    file.write_all(digest.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;

    fn table(words: &[&str]) -> Table {
        let mut table = Table::default();
        table.push("word", Column::Text(words.iter().map(|w| Some((*w).to_owned())).collect()));
        table.push("size", Column::Integer(words.iter().map(|w| Some(w.len() as u64)).collect()));
        table
    }

    #[test]
    fn batches_are_one_table_with_a_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let mut growing = Growing::new(&path, BTreeMap::from([("a".to_owned(), "b".to_owned())]));
        for words in [&["x", "yy"][..], &[], &["zzz"]] {
            growing.append(&table(words)).unwrap();
        }
        assert!(!path.exists(), "it has its name when it is whole");
        growing.finish().unwrap();
        assert_eq!(Table::read_parquet(&path, None).unwrap(), table(&["x", "yy", "zzz"]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let mut bytes = fs::read(&path).unwrap();
        bytes[10] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(Table::read_parquet(&path, None).is_err(), "the digest covers every byte");
    }

    #[test]
    fn many_small_batches_are_few_groups_of_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let mut growing = Growing::new(&path, BTreeMap::new());
        let words: Vec<String> = (0..3 * BATCH).map(|i| i.to_string()).collect();
        let words: Vec<&str> = words.iter().map(|w| &w[..]).collect();
        words.chunks(100).for_each(|words| growing.append(&table(words)).unwrap());
        growing.finish().unwrap();
        assert_eq!(Table::read_parquet(&path, None).unwrap(), table(&words));
        let mut small = Growing::new(&path, BTreeMap::new());
        small.append(&table(&words[..1])).unwrap();
        assert!(small.writer.is_none(), "a row waits for others");
    }

    #[test]
    fn a_table_without_rows_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let mut growing = Growing::new(&path, BTreeMap::new());
        growing.append(&table(&[])).unwrap();
        growing.finish().unwrap();
        assert_eq!(Table::read_parquet(&path, None).unwrap(), table(&[]));
    }

    #[test]
    fn what_is_dropped_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut growing = Growing::new(&folder.path().join("t.parquet"), BTreeMap::new());
        growing.append(&table(&["x"])).unwrap();
        drop(growing);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
