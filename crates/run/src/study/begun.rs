//! What is finished of a picture whose part is not: pieces (a curve, an explanation) that a stopped run keeps for
//! the next try.
//!
//! They are tables of any kind in `parts/begun-*`, written when a run is stopped and every few seconds, and removed
//! with the part that they went into: finished results have none. The names hold the digest of the picture's
//! content, so those of another picture are never found.

use crate::table::Table;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

/// What the names of all pieces begin with.
pub(crate) const PREFIX: &str = "begun-";

/// How often pieces are written: a killed run loses what came after.
const INTERVAL: Duration = Duration::from_secs(5);

/// Digits of the content's digest in names.
const DIGITS: usize = 16;

/// The pieces of a picture.
#[derive(Debug)]
pub struct Begun {
    /// What the names of its files begin with, below the output; `None` where nothing can be kept.
    stem: Option<PathBuf>,
    /// Files of earlier tries.
    there: Vec<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// By kind: what was not written yet.
    waiting: BTreeMap<&'static str, Table>,
    written: Vec<PathBuf>,
    last: Instant,
}

/// Nothing is kept.
impl Default for Begun {
    fn default() -> Begun {
        Pieces::default().begun(Path::new(""), 0, 0, None)
    }
}

/// All pieces below an output, by stem.
#[derive(Debug, Default)]
pub struct Pieces(BTreeMap<PathBuf, Vec<PathBuf>>);

impl Pieces {
    /// Looks into the folder of the parts.
    pub fn find(root: &Path) -> Pieces {
        let mut found: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for path in
            fs::read_dir(root.join("parts")).into_iter().flatten().flatten().map(|e| e.path())
        {
            if let Some(stem) = stem_of(&path) {
                found.entry(stem).or_default().push(path);
            }
        }
        // pieces are taken in the order in which they were written
        found.values_mut().for_each(|files| files.sort());
        Pieces(found)
    }

    /// Those of the picture at a place of a part; none without a digest of its content.
    pub fn begun(&self, root: &Path, part: usize, place: usize, content: Option<&str>) -> Begun {
        let stem = content.and_then(|digest| digest.get(..DIGITS)).map(|digest| {
            root.join("parts").join(format!("{PREFIX}{part:05}-{place:02}-{digest}"))
        });
        let there = stem.as_ref().and_then(|stem| self.0.get(stem)).cloned().unwrap_or_default();
        let (waiting, written) = (BTreeMap::new(), Vec::new());
        Begun { stem, there, state: Mutex::new(State { waiting, written, last: Instant::now() }) }
    }
}

/// The part of a path before the kind; `None` for other files.
fn stem_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix(".parquet")?;
    name.starts_with(PREFIX).then_some(())?;
    let mut fields = name.rsplitn(3, '-');
    let (_number, _kind) = (fields.next()?, fields.next()?);
    Some(path.with_file_name(fields.next()?))
}

impl Begun {
    /// What earlier tries kept of a kind. What cannot be read is done again.
    pub fn read(&self, kind: &str) -> Vec<Table> {
        let of_kind = |path: &&PathBuf| {
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            name.rsplit('-').nth(1) == Some(kind)
        };
        let tables = self.there.iter().filter(of_kind);
        tables.filter_map(|path| Table::read_parquet(path, None).ok()).collect()
    }

    /// Keeps some rows of a kind, all with the same columns. They are written some time later, or by
    /// [`Begun::save`]; true if some were written now.
    pub fn keep(&self, kind: &'static str, rows: &Table) -> bool {
        if self.stem.is_none() {
            return false;
        }
        let mut state = self.state.lock().expect("no thread panics while it holds the lock");
        state.waiting.entry(kind).or_default().append(rows);
        state.last.elapsed() >= INTERVAL && self.write(&mut state)
    }

    /// Writes what waits; true if there was something.
    pub fn save(&self) -> bool {
        let mut state = self.state.lock().expect("no thread panics while it holds the lock");
        self.write(&mut state)
    }

    fn write(&self, state: &mut State) -> bool {
        let Some(stem) = &self.stem else { return false };
        state.last = Instant::now();
        let mut any = false;
        for (kind, table) in std::mem::take(&mut state.waiting) {
            let number = self.there.len() + state.written.len();
            let path = PathBuf::from(format!("{}-{kind}-{number:05}.parquet", stem.display()));
            // what cannot be kept is done again; where there is no room, the part will say so
            if table.write_parquet(&path, &BTreeMap::new()).is_ok() {
                state.written.push(path);
                any = true;
            }
        }
        any
    }

    /// Removes all pieces: they are in the files of the part now.
    pub(crate) fn remove(&self) {
        let state = self.state.lock().expect("no thread panics while it holds the lock");
        for path in self.there.iter().chain(&state.written) {
            // what stays behind goes at the end of the run
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes the pieces of all pictures.
pub(crate) fn remove_all(root: &Path) {
    Pieces::find(root).0.values().flatten().for_each(|path| drop(fs::remove_file(path)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Column;

    const CONTENT: &str = "0123456789abcdef0123456789abcdef";

    fn table(words: &[&str]) -> Table {
        let mut table = Table::default();
        table.push("word", Column::Text(words.iter().map(|w| Some((*w).to_owned())).collect()));
        table
    }

    #[test]
    fn what_was_kept_is_found_by_the_next_try_and_only_for_the_same_content() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("parts")).unwrap();
        let of = |content| Pieces::find(root).begun(root, 3, 1, content);
        let first = of(Some(CONTENT));
        assert!(!first.keep("curves", &table(&["a"])) && !first.keep("curves", &table(&["b"])));
        assert!(first.read("curves").is_empty());
        assert!(first.save() && !first.save());
        let second = of(Some(CONTENT));
        assert_eq!(second.read("curves"), [table(&["a", "b"])]);
        assert!(second.read("other").is_empty());
        second.keep("curves", &table(&["c"]));
        second.save();
        let third = of(Some(CONTENT));
        assert_eq!(third.read("curves"), [table(&["a", "b"]), table(&["c"])]);
        assert!(of(Some("fedcba9876543210fedc")).read("curves").is_empty());
        assert!(!of(None).keep("curves", &table(&["a"])) && !of(None).save());
        third.remove();
        assert_eq!(fs::read_dir(root.join("parts")).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_piece_is_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("parts")).unwrap();
        let begun = Pieces::default().begun(root, 0, 0, Some(CONTENT));
        begun.keep("curves", &table(&["a"]));
        begun.save();
        let path = fs::read_dir(root.join("parts")).unwrap().next().unwrap().unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes[9] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(Pieces::find(root).begun(root, 0, 0, Some(CONTENT)).read("curves").is_empty());
        remove_all(root);
        assert_eq!(fs::read_dir(root.join("parts")).unwrap().count(), 0);
    }
}
