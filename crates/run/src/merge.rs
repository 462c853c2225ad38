//! Putting the parts together that shards made, each in a folder of its own or all in one.

use super::{
    manifest::Manifest,
    output::{self, Output, OutputError},
    shard::ranges,
    study::{Entry, Study},
};
use crate::base::{
    atomic,
    words::{are, count},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// Why shards cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A folder without results.
    #[error("`{}` holds no results: it has no {}", .folder.display(), output::MANIFEST)]
    NoResults {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder cannot be read or written, or holds another run.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Some parts are in no folder.
    #[error(
        "{missing} of {} {} missing{}", count(*.parts, "part"), are(*.missing),
        shards_in_words(.shards.as_ref())
    )]
    Incomplete {
        /// How many are missing.
        missing: usize,
        /// How many there should be.
        parts: usize,
        /// The shards they belong to, as a scheduler's list, and the number of shards; where known.
        shards: Option<(String, usize)>,
    },
    /// The same part twice with different content.
    #[error(
        "part {part} in `{}` and in `{}` differ, although both come from the same config, model \
         and pictures: were they made on different kinds of CPU?", .one.display(), .other.display()
    )]
    Differ {
        /// Number of the part.
        part: usize,
        /// One folder.
        one: PathBuf,
        /// Another folder.
        other: PathBuf,
    },
    /// A file cannot be taken over.
    #[error("cannot take over `{}`: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn shards_in_words(shards: Option<&(String, usize)>) -> String {
    shards.map_or_else(String::new, |(list, of)| format!(", they belong to shards {list} of {of}"))
}

/// Where each part is, as far as it is somewhere: in a folder where all could be read for it, if there is
/// one.
pub struct FoundParts {
    entry: &'static Entry,
    folders: BTreeMap<usize, PathBuf>,
    /// Parts for which something could not be read in any folder.
    unread: BTreeSet<usize>,
}

/// Whether some parts may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// None.
    Whole,
    /// All but one.
    Partial,
}

/// Checks that the folders hold parts of a study, all of them unless
/// a part of the whole is enough, and that parts which are there twice agree; a part for which something
/// could not be read gives way to the same part with all of it.
pub fn find(
    folders: &[PathBuf],
    study: &dyn Study,
    extent: Extent,
) -> Result<FoundParts, MergeError> {
    let (manifest, entry) = (&Manifest::new(study), study.entry());
    let parts = study.plan().parts().len();
    let mut found: BTreeMap<usize, PathBuf> = BTreeMap::new();
    let mut unread: BTreeSet<usize> = BTreeSet::new();
    for folder in folders {
        if output::read_json(folder)?.is_none() {
            return Err(MergeError::NoResults { folder: folder.clone() });
        }
        output::check_owner(folder, manifest)?;
        let lost = output::unread(folder)?;
        for &part in output::finished(folder, entry)?.range(..parts) {
            match found.get(&part) {
                Some(_) if lost.contains(&part) => continue,
                Some(first) if !unread.contains(&part) => agree(entry, part, first, folder)?,
                _ => drop(found.insert(part, folder.clone())),
            }
            if lost.contains(&part) {
                unread.insert(part)
            } else {
                unread.remove(&part)
            };
        }
    }
    let missing: BTreeSet<usize> = (0..parts).filter(|part| !found.contains_key(part)).collect();
    if missing.is_empty() || (extent == Extent::Partial && !found.is_empty()) {
        return Ok(FoundParts { entry, folders: found, unread });
    }
    let shards = number_of_shards(folders).map(|of| (missing_shards(&missing, of), of));
    Err(MergeError::Incomplete { missing: missing.len(), parts, shards })
}

/// Shards to which missing parts belong, as a scheduler's list.
pub fn missing_shards(missing: &BTreeSet<usize>, of: usize) -> String {
    let shards: BTreeSet<usize> = missing.iter().map(|part| part % of).collect();
    ranges(&shards.into_iter().collect::<Vec<_>>())
}

/// The number of shards, where all folders agree on one.
pub fn number_of_shards(folders: &[PathBuf]) -> Option<usize> {
    let numbers: BTreeSet<usize> = folders.iter().filter_map(|f| output::shards(f)).collect();
    if numbers.len() == 1 { numbers.first().copied() } else { None }
}

/// Two makings of a part are the same bytes, but for the times.
fn agree(entry: &Entry, part: usize, one: &Path, other: &Path) -> Result<(), MergeError> {
    for file in
        entry.all_files().filter(|file| file.exact && !file.passing).map(|file| file.path(part))
    {
        let read = |folder: &Path| {
            let path = folder.join(&file);
            fs::read(&path).map_err(|source| MergeError::Io { path, source })
        };
        if read(one)? != read(other)? {
            let (one, other) = (one.to_owned(), other.to_owned());
            return Err(MergeError::Differ { part, one, other });
        }
    }
    Ok(())
}

impl FoundParts {
    /// Numbers of the parts.
    pub fn parts(&self) -> BTreeSet<usize> {
        self.folders.keys().copied().collect()
    }

    /// The folder of each part.
    pub fn folders(&self) -> &BTreeMap<usize, PathBuf> {
        &self.folders
    }

    /// Brings all parts into `target`. Files are linked where that is possible and copied where not:
    /// no file of a part is ever changed, only replaced.
    pub fn bring(&self, target: &Output) -> Result<(), MergeError> {
        let (there, lost) = (target.finished()?, target.unread()?);
        let better = |part: &usize| lost.contains(part) && !self.unread.contains(part);
        let wanted = |part: &usize| !there.contains(part) || better(part);
        for (&part, folder) in self.folders.iter().filter(|(part, _)| wanted(part)) {
            target.undo(part)?;
            target.note_unread(part, &output::read_unread(folder, part)?)?;
            for file in self.entry.all_files() {
                let (from, to) =
                    (folder.join(file.path(part)), target.root().join(file.path(part)));
                if file.passing {
                    output::remove(&to)?;
                }
                if !file.passing || from.is_file() {
                    bring(&from, &to)?;
                }
            }
        }
        Ok(())
    }
}

fn bring(from: &Path, to: &Path) -> Result<(), MergeError> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let copied = fs::read(from).and_then(|bytes| atomic::write(to, &bytes));
    copied.map_err(|source| MergeError::Io { path: from.to_owned(), source })
}
