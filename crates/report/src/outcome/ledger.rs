//! The curves of a folder of results, put in order part by part: words are kept once, scores wait in
//! a file. So a report of ten thousand pictures needs hardly more memory than one of a hundred.

use super::OutcomeError;
use crate::{
    cells::{self, CellsError, Group, Kept},
    run::record::{self, AllLogits, Row},
    scratch::Scratch,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// What is kept of the curves of a folder.
#[derive(Debug)]
pub(super) struct Ledger {
    files: Vec<PathBuf>,
    /// Names of pictures and methods, and reasons.
    words: BTreeSet<String>,
    scratch: Scratch,
    /// All curves on the pictures asked for.
    pub(super) rows: Vec<Row>,
}

impl Ledger {
    /// Reads the curves of a folder of results once, for their words and for all that is recorded
    /// on `images`.
    pub(super) fn open(folder: &Path, images: &BTreeSet<&str>) -> Result<Ledger, OutcomeError> {
        let files = record::files(&folder.join("curves"))?;
        let (mut words, mut rows) = (BTreeSet::new(), Vec::new());
        for file in &files {
            for row in record::read_curves(file, AllLogits::Skip)? {
                for word in [Some(&row.image), Some(&row.method), row.reason.as_ref()] {
                    if let Some(word) = word.filter(|word| !words.contains(*word)) {
                        words.insert(word.clone());
                    }
                }
                if images.contains(&row.image[..]) {
                    rows.push(row);
                }
            }
        }
        let unwritable = |source| OutcomeError::Scratch { path: folder.to_owned(), source };
        // a report of results that cannot be written to may go elsewhere
        let elsewhere = |_| Scratch::new(&std::env::temp_dir());
        let scratch = Scratch::new(folder).or_else(elsewhere).map_err(unwritable)?;
        Ok(Ledger { files, words, scratch, rows })
    }

    /// Reads the curves again and puts them in order.
    pub(super) fn groups(&self) -> Result<Vec<Group<'_>>, OutcomeError> {
        let word = |word: &str| self.words.get(word).expect("words were read before").as_str();
        let mut groups = Vec::new();
        for file in &self.files {
            for row in record::read_curves(file, AllLogits::Skip)? {
                let kept = Kept {
                    image: word(&row.image),
                    method: word(&row.method),
                    reason: row.reason.as_deref().map(word),
                    scores: None,
                };
                cells::add(&mut groups, &row, kept, Some(&self.scratch))?;
            }
        }
        if groups.is_empty() {
            return Err(CellsError::Empty.into());
        }
        self.check().map(|()| groups)
    }

    /// The first thing that went wrong with the scores.
    pub(super) fn check(&self) -> Result<(), OutcomeError> {
        let path = || self.scratch.path().to_owned();
        self.scratch.check().map_err(|source| OutcomeError::Scratch { path: path(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::record::Record;
    use crate::{
        demo,
        summary::{summarise, summarise_groups},
    };

    #[test]
    fn a_folder_of_parts_gives_the_numbers_of_its_records() {
        let folder = tempfile::tempdir().unwrap();
        let curves = folder.path().join("curves");
        std::fs::create_dir(&curves).unwrap();
        let rows = demo::records(9, 2, 12);
        for (i, part) in rows.chunks(50).enumerate() {
            Row::write(&curves.join(format!("part-{i:05}.parquet")), part).unwrap();
        }
        let image = &rows[0].image[..];
        let ledger = Ledger::open(folder.path(), &BTreeSet::from([image])).unwrap();
        let groups = ledger.groups().unwrap();
        assert_eq!(summarise_groups(&groups), summarise(&rows).unwrap());
        assert!(ledger.check().is_ok());
        let of_image: Vec<Row> = rows.iter().filter(|r| r.image == image).cloned().collect();
        assert_eq!(ledger.rows, of_image);
    }
}
