//! What lies at a path, without opening any file.

pub(super) use crate::base::words::count;

use super::{DataError, decode::is_picture};
use crate::base::{
    registry::{Args, Kind, Param},
    word_enum,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// Folders deeper than this are a mistake.
const MAX_DEPTH: usize = 16;

/// An entry of a folder that is passed over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct LeftOut {
    /// Path relative to the folder that was given, `/`-separated; what is no UTF-8 in it is U+FFFD.
    pub id: String,
    /// Why.
    pub reason: String,
}

impl LeftOut {
    pub(super) fn new(id: impl Into<String>, reason: impl Into<String>) -> LeftOut {
        LeftOut { id: id.into(), reason: reason.into() }
    }

    /// True for a link of which nobody knows what it was to be.
    pub(super) fn leads_nowhere(&self) -> bool {
        [TO_NOTHING, TO_ITSELF].contains(&self.reason.as_str())
    }
}

/// A path given by the user, looked at once.
#[derive(Debug)]
pub struct DataPath {
    /// As given.
    pub(super) path: PathBuf,
    /// Last part of the path: the data set's name.
    pub(super) name: String,
    /// True for a folder.
    pub(super) is_folder: bool,
    /// Names of the files in the folder, sorted; for a file, its own name.
    pub(super) files: Vec<String>,
    /// Names of the folders in the folder, sorted, without links back to a folder that it is in.
    pub(super) folders: Vec<String>,
}

impl DataPath {
    /// Reads one directory.
    pub(super) fn look(path: &Path) -> Result<DataPath, DataError> {
        let failed = |e| DataError::read(path, &e);
        let real = path.canonicalize().map_err(failed)?;
        let name = real.file_name().map_or("/".into(), |n| n.to_string_lossy().into_owned());
        let (path, is_folder) = (path.to_owned(), fs::metadata(path).map_err(failed)?.is_dir());
        if !is_folder {
            return Ok(DataPath {
                files: vec![name.clone()],
                folders: vec![],
                path,
                name,
                is_folder,
            });
        }
        let (mut files, mut folders) = (vec![], vec![]);
        for entry in entries(&path)?.0 {
            if !entry.is_folder {
                files.push(entry.name);
            } else if !leads_back(&path.join(&entry.name), &real) {
                folders.push(entry.name);
            }
        }
        Ok(DataPath { path, name, is_folder, files, folders })
    }

    /// True when one of the files is a picture, by its name.
    pub(super) fn has_pictures(&self) -> bool {
        self.files.iter().any(|name| is_picture(name))
    }

    /// How many of the files are pictures, by their names.
    pub(super) fn pictures(&self) -> usize {
        self.files.iter().filter(|name| is_picture(name)).count()
    }

    /// The first file for which `wanted` is true, with its path.
    pub(super) fn file(&self, wanted: impl Fn(&str) -> bool) -> Option<PathBuf> {
        self.files.iter().find(|name| wanted(name)).map(|name| self.path(name))
    }

    /// True when a file of that name is there.
    pub(super) fn has_file(&self, name: &str) -> bool {
        self.files.iter().any(|file| file == name)
    }

    /// Path of one of the files.
    pub(super) fn path(&self, name: &str) -> PathBuf {
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

/// One picture file below a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Path relative to the folder, `/`-separated.
    pub(super) id: String,
    /// Where it is.
    pub(super) path: PathBuf,
}

/// All files below a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Pictures, by their names, sorted by id.
    pub(super) pictures: Vec<File>,
    /// The other files, sorted by id.
    pub(super) others: Vec<File>,
    /// What was passed over, sorted by id.
    pub(super) left_out: Vec<LeftOut>,
}

impl Listing {
    /// Lists `root` and the folders below; hidden files (`.name`) are left out. Links are followed, but
    /// none back into a folder that it is in, and none to nothing. What cannot be reached for another
    /// reason is listed as the file that it should be: reading it fails.
    pub(super) fn of(root: &Path) -> Result<Listing, DataError> {
        let mut listing = Listing::default();
        listing.add(root, "", &mut vec![])?;
        listing.pictures.sort_by(|a, b| a.id.cmp(&b.id));
        listing.others.sort_by(|a, b| a.id.cmp(&b.id));
        listing.left_out.sort();
        Ok(listing)
    }

    /// `above`: the folders that `folder` is in, without links.
    fn add(
        &mut self,
        folder: &Path,
        prefix: &str,
        above: &mut Vec<PathBuf>,
    ) -> Result<(), DataError> {
        above.push(folder.canonicalize().map_err(|e| DataError::read(folder, &e))?);
        let (entries, left_out) = entries(folder)?;
        let inside = |left: LeftOut| LeftOut { id: format!("{prefix}{}", left.id), ..left };
        self.left_out.extend(left_out.into_iter().map(inside));
        for entry in entries {
            let id = format!("{prefix}{}", entry.name);
            let path = folder.join(&entry.name);
            if entry.is_folder {
                match closed(&path, above) {
                    Some(reason) => self.left_out.push(LeftOut::new(id, reason)),
                    None => self.add(&path, &format!("{id}/"), above)?,
                }
                continue;
            }
            let file = File { id, path };
            let files = if is_picture(&entry.name) { &mut self.pictures } else { &mut self.others };
            files.push(file);
        }
        above.pop();
        Ok(())
    }

    /// Puts a beginning before all ids.
    #[must_use]
    pub(super) fn below(mut self, prefix: &str) -> Listing {
        self.pictures.iter_mut().for_each(|file| file.id.insert_str(0, prefix));
        self.left_out.iter_mut().for_each(|left| left.id.insert_str(0, prefix));
        self
    }

    /// `, 2 other files left out`, or nothing; `used` of the other files were of use.
    pub(super) fn others_words(&self, used: usize) -> String {
        match self.others.len().saturating_sub(used) {
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
            let (name, stem) = name_and_stem(&file.id);
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

word_enum! {
    /// What becomes of annotations whose picture is not there.
    pub(super) enum Missing {
        Refuse = "refuse",
        Skip = "skip",
    }
}

impl Missing {
    /// The parameter [`MISSING`].
    pub(super) fn of(args: &Args) -> Missing {
        args.word(MISSING.key)
    }
}

/// What a layout is told to do about annotations whose picture is not there.
pub(super) const MISSING: Param = Param {
    key: "missing",
    default: "refuse",
    kind: Kind::Word(Missing::WORDS),
    help: "what to do with labels whose picture is not there",
};

/// What was passed over, by what annotation files may call it.
pub(super) struct Named<'a>(BTreeSet<&'a str>);

impl<'a> Named<'a> {
    pub(super) fn of(left_out: &'a [LeftOut]) -> Named<'a> {
        let keys = |left: &'a LeftOut| {
            let (name, stem) = name_and_stem(&left.id);
            [left.id.as_str(), name, stem]
        };
        Named(left_out.iter().flat_map(keys).collect())
    }

    /// True for a path below the folder, or a name with or without ending.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains(key.trim_start_matches("./"))
    }
}

/// `c.x` and `c` of `a/b/c.x`.
fn name_and_stem(id: &str) -> (&str, &str) {
    let name = id.rsplit('/').next().unwrap_or_default();
    (name, name.rsplit_once('.').map_or(name, |(stem, _)| stem))
}

/// Labels without pictures: an error that names the first, or a note. Those of what is there but was
/// passed over are no matter: that is named already.
pub(super) fn missing(
    path: &Path,
    mut names: Vec<String>,
    skip: bool,
    left_out: &[LeftOut],
    notes: &mut Vec<String>,
) -> Result<(), DataError> {
    let passed_over = Named::of(left_out);
    names.retain(|name| !passed_over.has(name));
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

/// Whether a folder (without links in its path) is `inside` or one that `inside` is in.
fn is_around(real: &Path, inside: &Path) -> bool {
    inside.starts_with(real)
}

/// The same for a folder that may be a link.
fn leads_back(folder: &Path, inside: &Path) -> bool {
    folder.canonicalize().is_ok_and(|real| is_around(&real, inside))
}

/// Why a folder is not gone into, if it is not.
fn closed(folder: &Path, above: &[PathBuf]) -> Option<String> {
    if above.len() > MAX_DEPTH {
        return Some(format!("more than {MAX_DEPTH} folders inside each other"));
    }
    let real = match folder.canonicalize() {
        Ok(real) => real,
        Err(e) => return Some(e.to_string()),
    };
    if above.iter().any(|inside| is_around(&real, inside)) {
        return Some("a link to a folder that it is in".to_owned());
    }
    // as `lost+found` of another user
    let denied = |e: &io::Error| e.kind() == io::ErrorKind::PermissionDenied;
    fs::read_dir(folder).err().filter(denied).map(|e| e.to_string())
}

struct DirEntry {
    name: String,
    is_folder: bool,
}

/// What the system says of a loop of links (ELOOP), for which there is no word in [`io::ErrorKind`] yet.
const LOOP: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 40 } else { 62 };

const TO_NOTHING: &str = "a link to nothing";
const TO_ITSELF: &str = "a link to itself";

/// Why a link leads nowhere. `None` for what may be there but cannot be reached just now.
fn nowhere(e: &io::Error) -> Option<&'static str> {
    match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Some(TO_NOTHING),
        _ if e.raw_os_error() == Some(LOOP) => Some(TO_ITSELF),
        _ => None,
    }
}

/// The visible entries of one directory, sorted by name, and those that no picture can be; links are
/// followed.
fn entries(folder: &Path) -> Result<(Vec<DirEntry>, Vec<LeftOut>), DataError> {
    let failed = |e| DataError::read(folder, &e);
    let (mut found, mut left_out) = (vec![], vec![]);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default();
        let Some(name) = name.to_str() else {
            left_out.push(LeftOut::new(name.to_string_lossy(), "its name is not in UTF-8"));
            continue;
        };
        if name.starts_with('.') || name == "__MACOSX" {
            continue;
        }
        let is_folder = match fs::metadata(&path) {
            Ok(about) if about.is_dir() => Ok(true),
            Ok(about) if about.is_file() => Ok(false),
            Ok(_) => Err("no file but a pipe or a device"),
            Err(e) if path.is_symlink() => nowhere(&e).map_or(Ok(false), Err),
            Err(e) => return Err(DataError::read(&path, &e)),
        };
        match is_folder {
            Ok(is_folder) => found.push(DirEntry { name: name.to_owned(), is_folder }),
            Err(reason) => left_out.push(LeftOut::new(name, reason)),
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((found, left_out))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::testing::Folder;
    use std::{
        ffi::OsStr,
        os::unix::{ffi::OsStrExt as _, fs::symlink},
    };

    /// Two classes with a picture each, and entries of every odd kind.
    fn odd() -> Folder {
        let folder = Folder::new();
        folder.png("a/1.png", 1, 1, 0);
        folder.png("b/2.png", 1, 1, 0);
        symlink("nowhere.png", folder.child("b/3.png")).unwrap();
        symlink("4.png", folder.child("b/4.png")).unwrap();
        symlink("..", folder.child("b/up")).unwrap();
        symlink("../b", folder.child("a/other")).unwrap();
        symlink("../a", folder.child("b/other")).unwrap();
        fs::write(folder.child("a").join(OsStr::from_bytes(b"5\xff.png")), "x").unwrap();
        folder
    }

    #[test]
    fn odd_entries_are_passed_over_and_named() {
        let folder = odd();
        let listing = Listing::of(folder.path()).unwrap();
        let ids: Vec<&str> = listing.pictures.iter().map(|file| file.id.as_str()).collect();
        let expected = ["a/1.png", "a/other/2.png", "b/2.png", "b/other/1.png"];
        assert_eq!(ids, expected);
        let lines: Vec<String> =
            listing.left_out.iter().map(|left| format!("{}: {}", left.id, left.reason)).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn what_is_no_link_to_nothing_stays_listed() {
        let words = |raw| nowhere(&io::Error::from_raw_os_error(raw));
        // ENOENT, ENOTDIR, EACCES, EIO
        assert_eq!([2, 20, 13, 5].map(words), [Some(TO_NOTHING), Some(TO_NOTHING), None, None]);
        assert_eq!(words(LOOP), Some(TO_ITSELF));
    }

    #[test]
    fn labels_of_what_was_passed_over_are_no_matter() {
        let folder = Folder::new();
        folder.png("1.png", 1, 1, 0);
        symlink("nowhere.png", folder.child("2.png")).unwrap();
        folder.file("labels.csv", "file,label\n1.png,0\n./2.png,1\n");
        let set = folder.open("").unwrap();
        assert_eq!((set.len(), set.left_out().len()), (1, 1));
        folder.file("labels.csv", "file,label\n1.png,0\n2.png,1\n3.png,1\n");
        assert!(
            folder.says(folder.open("")).contains("none for 1 labelled picture, first `3.png`")
        );
    }

    #[test]
    fn annotations_may_have_ids_names_and_stems() {
        let left_out = [LeftOut::new("a/b.c.png", TO_NOTHING)];
        let named = Named::of(&left_out);
        let all = ["a/b.c.png", "./a/b.c.png", "b.c.png", "b.c"];
        assert!(all.into_iter().all(|key| named.has(key)));
        assert!(!named.has("b") && !named.has("a"));
    }
}
