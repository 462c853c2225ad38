//! What lies at a path, without opening any file.

use super::{DataError, decode::is_picture};
use crate::base::registry::{Kind, Param};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Folders deeper than this are a loop of links or a mistake.
const MAX_DEPTH: usize = 16;

/// A path given by the user, looked at once.
#[derive(Debug)]
pub struct Place {
    /// As given.
    pub(super) path: PathBuf,
    /// Last part of the path: the data set's name.
    pub(super) name: String,
    /// True for a folder.
    pub(super) is_folder: bool,
    /// Names of the files in the folder, sorted; for a file, its own name.
    pub(super) files: Vec<String>,
    /// Names of the folders in the folder, sorted.
    pub(super) folders: Vec<String>,
}

impl Place {
    /// Reads one directory.
    pub(super) fn look(path: &Path) -> Result<Place, DataError> {
        let failed = |e| DataError::read(path, &e);
        let name = path.canonicalize().map_err(failed)?;
        let name = name.file_name().map_or("/".into(), |n| n.to_string_lossy().into_owned());
        let (path, is_folder) = (path.to_owned(), fs::metadata(path).map_err(failed)?.is_dir());
        if !is_folder {
            return Ok(Place { files: vec![name.clone()], folders: vec![], path, name, is_folder });
        }
        let (mut files, mut folders) = (vec![], vec![]);
        for entry in entries(&path)? {
            if entry.is_folder { folders.push(entry.name) } else { files.push(entry.name) }
        }
        Ok(Place { path, name, is_folder, files, folders })
    }

    /// True when one of the files is a picture, by its name.
    pub(super) fn has_pictures(&self) -> bool {
        self.files.iter().any(|name| is_picture(name))
    }

    /// The first file for which `wanted` is true, with its path.
    pub(super) fn file(&self, wanted: impl Fn(&str) -> bool) -> Option<PathBuf> {
        self.files.iter().find(|name| wanted(name)).map(|name| self.at(name))
    }

    /// True when a file of that name is there.
    pub(super) fn has_file(&self, name: &str) -> bool {
        self.files.iter().any(|file| file == name)
    }

    /// Path of one of the files.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        if self.is_folder { self.path.join(name) } else { self.path.clone() }
    }

    /// What is there, in words, for messages.
    pub(super) fn words(&self) -> String {
        match (self.is_folder, self.files.len(), self.folders.len()) {
            (false, ..) => "a file with another name ending".to_owned(),
            (true, 0, 0) => "an empty folder".to_owned(),
            (true, files, folders) => {
                format!("a folder with {} and {}", count(files, "file"), count(folders, "folder"))
            }
        }
    }
}

/// `1 picture`, `2 pictures`.
pub(super) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// One picture file below a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Path relative to the folder, `/`-separated.
    pub(super) id: String,
    /// Where it is.
    pub(super) path: PathBuf,
    /// Size of the file.
    pub(super) bytes: u64,
}

/// All files below a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Pictures, by their names, sorted by id.
    pub(super) pictures: Vec<File>,
    /// Number of other files.
    pub(super) others: usize,
}

impl Listing {
    /// Lists `root` and the folders below; hidden files (`.name`) are left out.
    pub(super) fn of(root: &Path) -> Result<Listing, DataError> {
        let mut listing = Listing::default();
        listing.add(root, "", 0)?;
        listing.pictures.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(listing)
    }

    fn add(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), DataError> {
        if depth > MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} folders inside each other");
            return Err(DataError::unexpected(folder, expected, "a deeper one"));
        }
        for entry in entries(folder)? {
            let id = format!("{prefix}{}", entry.name);
            let path = folder.join(&entry.name);
            if entry.is_folder {
                self.add(&path, &format!("{id}/"), depth + 1)?;
            } else if is_picture(&entry.name) {
                self.pictures.push(File { id, path, bytes: entry.bytes });
            } else {
                self.others += 1;
            }
        }
        Ok(())
    }

    /// `, 2 other files left out`, or nothing; `used` of the other files were of use.
    pub(super) fn others_words(&self, used: usize) -> String {
        match self.others.saturating_sub(used) {
            0 => String::new(),
            n => format!(", {} left out", count(n, "other file")),
        }
    }
}

/// Finds pictures by what annotation files call them.
pub(super) struct Finder<'a> {
    /// Position by id, by file name and by file name without ending; `None` where two share one.
    by_id: BTreeMap<&'a str, usize>,
    by_name: BTreeMap<&'a str, Option<usize>>,
}

impl<'a> Finder<'a> {
    pub(super) fn of(files: impl Iterator<Item = &'a File>) -> Finder<'a> {
        let mut finder = Finder { by_id: BTreeMap::new(), by_name: BTreeMap::new() };
        for (at, file) in files.enumerate() {
            finder.by_id.insert(&file.id, at);
            let name = file.id.rsplit('/').next().unwrap_or_default();
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            for key in [name, stem] {
                finder.by_name.entry(key).and_modify(|at| *at = None).or_insert(Some(at));
            }
        }
        finder
    }

    /// Position of a picture given its path below the folder or, if it is the only one of that
    /// name, its name with or without ending.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        let key = key.trim_start_matches("./");
        self.by_id.get(key).copied().or_else(|| self.by_name.get(key).copied().flatten())
    }
}

/// What a layout is told to do about annotations whose picture is not there.
pub(super) const MISSING: Param = Param {
    key: "missing",
    default: "refuse",
    kind: Kind::Word(&["refuse", "skip"]),
    help: "what to do with labels whose picture is not there",
};

/// Labels without pictures: an error that names the first, or a note.
pub(super) fn missing(
    path: &Path,
    names: &[String],
    skip: bool,
    notes: &mut Vec<String>,
) -> Result<(), DataError> {
    let Some(first) = names.first() else { return Ok(()) };
    let what = count(names.len(), "labelled picture");
    if skip {
        notes.push(format!("{what} not there"));
        return Ok(());
    }
    let found = format!("none for {what}, first `{first}`");
    Err(DataError::unexpected(path, "a picture for every label", found)
        .hint("the parameter `missing=skip` of the layout leaves such labels out"))
}

/// `1 box`, `2 boxes`.
pub(super) fn boxes(n: usize) -> String {
    if n == 1 { "1 box".to_owned() } else { format!("{n} boxes") }
}

/// Pictures without labels, as a note.
pub(super) fn unlabelled(n: usize, notes: &mut Vec<String>) {
    if n > 0 {
        notes.push(format!("{} without label left out", count(n, "picture")));
    }
}

struct DirEntry {
    name: String,
    is_folder: bool,
    bytes: u64,
}

/// The visible entries of one directory, sorted by name; links are followed.
fn entries(folder: &Path) -> Result<Vec<DirEntry>, DataError> {
    let failed = |e| DataError::read(folder, &e);
    let mut found = vec![];
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else {
            let expected = "file names in UTF-8";
            return Err(DataError::unexpected(folder, expected, format!("`{}`", path.display())));
        };
        if name.starts_with('.') || name == "__MACOSX" {
            continue;
        }
        let about = fs::metadata(&path).map_err(|e| DataError::read(&path, &e))?;
        found.push(DirEntry {
            name: name.to_owned(),
            is_folder: about.is_dir(),
            bytes: about.len(),
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}
