//! The folder that a run writes to.
//!
//! ```text
//! manifest.json        what was run and what came out
//! curves/part-*        one row per curve; a part holds some pictures with everything on them
//! parts/               pictures, times and metrics of each part, and what could not be read for it;
//!                      while a run is stopped in the middle, also what is finished of parts that are not
//! pictures.parquet     one row per picture
//! timings.parquet      one row per measured time
//! metrics.parquet      one row per picture, method and metric of heat maps
//! accuracy.csv         accuracy after removals, where all logits are recorded; also as Parquet
//! classes.csv          one row per class, where pictures show several; also as Parquet
//! ```
//!
//! While a run is at work there is also `.lock/` ([`lock`](crate::lock)), and with shards `parts/shards`,
//! their number. Files are written under another name and renamed, so what is there is whole. A part is a pure
//! function of the plan, its curves are renamed last: parts that are there need not be done again.

use super::{
    Entry, FIRST, PICTURES, PartFile, Study, begun,
    manifest::{Manifest, Skipped},
};
use crate::{
    base::atomic,
    config::Scope,
    imported::Import,
    lock::{FOLDER as LOCKS, Lock, LockError, Share},
};
use serde_json::{Map, Value};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// Name of the manifest.
pub const MANIFEST: &str = "manifest.json";

/// Why a folder cannot take the results.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The folder cannot be made or written to.
    #[error("cannot write to `{}`: {source}", .path.display())]
    Unwritable {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder cannot be read.
    #[error("cannot read `{}`: {source}", .path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder holds results of a study that is not known.
    #[error("`{}` cannot be told about: {reason}", .path.display())]
    Study {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The folder holds the results of another run.
    #[error("`{}` holds the results of another run: {}", .path.display(), .differences.join(", "))]
    OtherRun {
        /// The folder.
        path: PathBuf,
        /// What differs, in words.
        differences: Vec<String>,
    },
    /// The folder holds results of pictures that have changed since.
    #[error(
        "`{}` holds results of other pictures: the content of `{first}`{} is not what it was",
        .path.display(), and_more(*.more)
    )]
    OtherPictures {
        /// The folder.
        path: PathBuf,
        /// The first picture that has changed.
        first: String,
        /// How many others have.
        more: usize,
    },
    /// Another process has it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Shards of another number are at work in the folder.
    #[error("`{}` is cut into {there} shards, not {asked}, and {owner} is doing one", .path.display())]
    Shards {
        /// The folder.
        path: PathBuf,
        /// Shards that it is cut into.
        there: String,
        /// Shards asked for.
        asked: usize,
        /// Who is at work.
        owner: String,
    },
    /// The folder holds files that are no results.
    #[error("`{}` holds other things than results: it is not empty and has no usable {MANIFEST}", .path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" and of {more} more") }
}

/// A folder that belongs to one plan, and to this process as long as this lives.
pub struct Output {
    root: PathBuf,
    share: Share,
    lock: Lock,
    entry: &'static Entry,
}

impl Output {
    /// Makes the folder and claims it for a study, or takes it up again if it holds the same one already.
    pub fn open(root: &Path, study: &dyn Study, share: Share) -> Result<Output, OutputError> {
        let (manifest, entry) = (&Manifest::new(study), study.entry());
        make(root)?;
        // before a lock file is made in a folder that holds something else
        check_owner(root, manifest)?;
        let lock = Lock::claim(root, share)?;
        let output = Output { root: root.to_owned(), share, lock, entry };
        let _guard = Lock::opening(root)?;
        check_owner(root, manifest)?;
        entry.all_files().try_for_each(|file| make(&root.join(file.folder)))?;
        // a scheduler may start a shard once more when all is put together: that stays
        let late = share != Share::Whole && read_manifest(root)?.is_some_and(|old| old.is_whole());
        if !late {
            output.check_shards()?;
            output.write_manifest(manifest)?;
        }
        if share == Share::Whole {
            output.sweep()?;
        }
        Ok(output)
    }

    /// Which of the parts this process is to do.
    pub fn share(&self) -> Share {
        self.share
    }

    /// The lock on the folder.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// All shards that write here at a time are of one number. When nobody is at work, the rest can be
    /// cut anew: what is done is done.
    fn check_shards(&self) -> Result<(), OutputError> {
        let Share::Shard(shard) = self.share else { return Ok(()) };
        let (path, asked) = (self.shards(), shard.total());
        let there = match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            other => other
                .map_err(|source| OutputError::Unreadable { path: path.clone(), source })?
                .trim()
                .to_owned(),
        };
        if there == asked.to_string() {
            return Ok(());
        }
        if let Some(owner) = Lock::other_cut(&self.root, asked) {
            return Err(OutputError::Shards { path: self.root.clone(), there, asked, owner });
        }
        atomic::write(&path, format!("{asked}\n").as_bytes())
            .map_err(|source| OutputError::Unwritable { path, source })
    }

    /// Removes what killed runs left half-written, here and in the folders below.
    fn sweep(&self) -> Result<(), OutputError> {
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            |source| OutputError::Unwritable { path, source }
        };
        let kind = |path: &Path| fs::symlink_metadata(path).map(|m| m.file_type()).ok();
        let inside = names(&self.root).map_err(unwritable(&self.root))?;
        let inside = inside.iter().filter(|name| *name != LOCKS).map(|name| self.root.join(name));
        // a link leads to what is not ours
        let folders = inside.filter(|path| kind(path).is_some_and(|k| k.is_dir()));
        for folder in folders.chain([self.root.clone()]) {
            let names = names(&folder).map_err(unwritable(&folder))?;
            let ours = names.iter().filter(|name| atomic::is_temporary(name));
            for path in ours.map(|name| folder.join(name)) {
                if kind(&path).is_some_and(|k| k.is_file()) {
                    fs::remove_file(&path).map_err(unwritable(&folder))?;
                }
            }
        }
        Ok(())
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Folder of the curves.
    pub fn curves(&self) -> PathBuf {
        self.root.join("curves")
    }

    /// File with the pictures of a part.
    pub fn pictures_of(&self, part: usize) -> PathBuf {
        self.root.join(PICTURES.path(part))
    }

    /// File with the metrics of all heat maps.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.parquet")
    }

    /// File with all pictures.
    pub fn pictures(&self) -> PathBuf {
        self.root.join("pictures.parquet")
    }

    /// The table of accuracy after removals, as `csv` or `parquet`.
    pub fn accuracy(&self, ending: &str) -> PathBuf {
        self.root.join(format!("accuracy.{ending}"))
    }

    /// File with one row per class, as `csv` or `parquet`.
    pub fn classes(&self, ending: &str) -> PathBuf {
        self.root.join(format!("classes.{ending}"))
    }

    /// File with all times.
    pub fn timings(&self) -> PathBuf {
        self.root.join("timings.parquet")
    }

    /// File with the number of shards, while there are shards.
    fn shards(&self) -> PathBuf {
        shards_of(&self.root)
    }

    /// Numbers of the parts whose files are all there.
    pub fn finished(&self) -> Result<BTreeSet<usize>, OutputError> {
        finished(&self.root, self.entry)
    }

    /// Parts for which something could not be read when they were done.
    pub fn unread(&self) -> Result<BTreeSet<usize>, OutputError> {
        unread(&self.root)
    }

    /// Notes what could not be read for a part; nothing, if all could.
    pub fn note_unread(&self, part: usize, unread: &[Skipped]) -> Result<(), OutputError> {
        let path = self.root.join(unread_of(part));
        if unread.is_empty() {
            return remove(&path);
        }
        let text = serde_json::to_string_pretty(unread).expect("plain data");
        atomic::write(&path, text.as_bytes())
            .map_err(|source| OutputError::Unwritable { path, source })
    }

    /// Makes a part that is done one that is not, before its files are replaced: what is half old and half
    /// new must not look whole.
    pub fn undo(&self, part: usize) -> Result<(), OutputError> {
        let last = self.entry.all_files().last().expect("a part has files");
        remove(&self.root.join(last.path(part)))
    }

    /// Takes back that all is there, if that was said, since there is more to do.
    pub fn reopen(&self, manifest: &Manifest) -> Result<(), OutputError> {
        let said = read_manifest(&self.root)?.is_some_and(|old| old.is_whole());
        if said { self.write_manifest(manifest) } else { Ok(()) }
    }

    /// Writes the manifest.
    fn write_manifest(&self, manifest: &Manifest) -> Result<(), OutputError> {
        let path = self.root.join(MANIFEST);
        atomic::write(&path, manifest.text().as_bytes())
            .map_err(|source| OutputError::Unwritable { path, source })
    }

    /// Removes what a run wrote of which nothing can be used, so that the folder is as it was.
    pub fn forget(&self) -> Result<(), OutputError> {
        let unwritable = |path: PathBuf| move |source| OutputError::Unwritable { path, source };
        let folders: BTreeSet<&str> = self.entry.all_files().map(|file| file.folder).collect();
        for folder in folders.into_iter().map(|folder| self.root.join(folder)) {
            fs::remove_dir_all(&folder).map_err(unwritable(folder.clone()))?;
        }
        let manifest = self.root.join(MANIFEST);
        fs::remove_file(&manifest).map_err(unwritable(manifest.clone()))
    }

    /// Writes the manifest with what came out, after everything else: it says that all is there.
    pub fn complete(&self, manifest: &Manifest) -> Result<(), OutputError> {
        self.write_manifest(manifest)?;
        if !manifest.is_whole() {
            return Ok(());
        }
        begun::remove_all(&self.root);
        for file in self.entry.files.iter().filter(|file| file.passing) {
            let prefix = format!("{}-", file.prefix);
            for part in numbers(&self.root, file.folder, &prefix, ".parquet")? {
                remove(&self.root.join(file.path(part)))?;
            }
        }
        // what shards needed
        remove(&self.shards())
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), OutputError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(OutputError::Unwritable { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// File that names what could not be read for a part, relative to an output; absent if nothing.
pub(crate) fn unread_of(part: usize) -> String {
    format!("parts/unread-{part:05}.json")
}

/// File with the number of shards below an output.
fn shards_of(root: &Path) -> PathBuf {
    root.join("parts/shards")
}

/// The number of shards that an output is cut into, while it is.
pub fn shards(root: &Path) -> Option<usize> {
    let text = fs::read_to_string(shards_of(root)).ok()?;
    text.trim().parse().ok().filter(|of| *of >= 1)
}

/// Numbers of the parts of a study below `root` whose files are all there; lists folders and opens no file, so
/// that ten thousand parts are found quickly.
pub fn finished(root: &Path, entry: &Entry) -> Result<BTreeSet<usize>, OutputError> {
    let there =
        |file: &PartFile| numbers(root, file.folder, &format!("{}-", file.prefix), ".parquet");
    let kinds = entry
        .all_files()
        .filter(|file| !file.passing)
        .map(there)
        .collect::<Result<Vec<_>, OutputError>>()?;
    Ok(kinds.into_iter().reduce(|all, more| &all & &more).unwrap_or_default())
}

/// Numbers of the parts below `root` for which something could not be read when they were done: the
/// same command does them again.
pub fn unread(root: &Path) -> Result<BTreeSet<usize>, OutputError> {
    numbers(root, "parts", "unread-", ".json")
}

/// What could not be read for a part, and why; nothing, where all could.
pub fn read_unread(root: &Path, part: usize) -> Result<Vec<Skipped>, OutputError> {
    let path = root.join(unread_of(part));
    let read = match fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read,
    };
    let parsed = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::from));
    parsed.map_err(|source| OutputError::Unreadable { path, source })
}

/// Numbers in the names of the files of a kind in a folder.
fn numbers(
    root: &Path,
    folder: &str,
    kind: &str,
    ending: &str,
) -> Result<BTreeSet<usize>, OutputError> {
    let path = root.join(folder);
    // a file in the folder's place is told by who writes there
    let absent = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    let names = match names(&path) {
        Err(e) if absent.contains(&e.kind()) => Vec::new(),
        other => other.map_err(|source| OutputError::Unreadable { path, source })?,
    };
    let number = |name: &String| name.strip_prefix(kind)?.strip_suffix(ending)?.parse().ok();
    Ok(names.iter().filter_map(number).collect())
}

/// What the manifest below `root` says; `None` where there is none.
pub(crate) fn read_manifest(root: &Path) -> Result<Option<Manifest>, OutputError> {
    let Some(value) = read_json(root)? else { return Ok(None) };
    let foreign = |_| OutputError::Foreign { path: root.to_owned() };
    serde_json::from_value(value).map(Some).map_err(foreign)
}

/// The name of the study that a manifest tells of.
pub(crate) fn study_of(manifest: &Value) -> &str {
    manifest.get("study").and_then(Value::as_str).unwrap_or(FIRST)
}

/// The manifest below `root`, of whatever study; `None` where there is none.
pub fn read_json(root: &Path) -> Result<Option<Value>, OutputError> {
    match fs::read(root.join(MANIFEST)) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| OutputError::Foreign { path: root.to_owned() }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OutputError::Unreadable { path: root.to_owned(), source }),
    }
}

/// Refuses a folder with the results of another run, or with other things.
pub fn check_owner(root: &Path, manifest: &Manifest) -> Result<(), OutputError> {
    let other = |differences| OutputError::OtherRun { path: root.to_owned(), differences };
    let Some(value) = read_json(root)? else {
        let unreadable = |source| OutputError::Unreadable { path: root.to_owned(), source };
        let empty = is_empty(root).map_err(unreadable)?;
        return if empty { Ok(()) } else { Err(OutputError::Foreign { path: root.to_owned() }) };
    };
    // before it is read as a manifest of this study
    if study_of(&value) != manifest.study() {
        return Err(other(vec![other_study(study_of(&value), manifest.study())]));
    }
    let old = serde_json::from_value(value);
    let old = old.map_err(|_| OutputError::Foreign { path: root.to_owned() })?;
    let differences = differences(&old, manifest);
    if differences.is_empty() { Ok(()) } else { Err(other(differences)) }
}

/// True when nothing but what a run begins with, or a killed one leaves, is there: locks, half-written files, and
/// folders that hold no more than these.
fn is_empty(root: &Path) -> io::Result<bool> {
    let nothing = |name: &String| atomic::is_temporary(name);
    let empty = |name: String| match names(&root.join(&name)) {
        _ if name == LOCKS || nothing(&name) => Ok(true),
        Ok(names) => Ok(names.iter().all(nothing)),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(e) => Err(e),
    };
    let empty = names(root)?.into_iter().map(empty).collect::<io::Result<Vec<bool>>>()?;
    Ok(empty.into_iter().all(|empty| empty))
}

/// Makes a folder and those above it.
fn make(folder: &Path) -> Result<(), OutputError> {
    let unwritable = |source| OutputError::Unwritable { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(unwritable)
}

/// Names of the files and folders in a folder; those that are not Unicode are not ours.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let name = |entry: io::Result<fs::DirEntry>| {
        entry.map(|e| e.file_name().to_string_lossy().into_owned())
    };
    fs::read_dir(folder)?.map(name).collect()
}

/// Heat maps of one name and other content.
fn other_maps<'a>(old: &'a Manifest, new: &'a Manifest) -> impl Iterator<Item = String> + 'a {
    let changed = |map: &&Import| {
        let before = old.heatmaps.iter().find(|before| before.name == map.name);
        before.is_some_and(|before| before.digest != map.digest)
    };
    let maps = new.heatmaps.iter().filter(changed);
    maps.map(|map| format!("the heat maps `{}` are not the same", map.name))
}

/// Files that methods are built from, of one name and other content.
fn other_texts<'a>(old: &'a Manifest, new: &'a Manifest) -> impl Iterator<Item = String> + 'a {
    let changed = |(name, text): &(&String, &String)| {
        old.texts.get(*name).is_some_and(|before| before != *text)
    };
    let texts = new.texts.iter().filter(changed);
    texts.map(|(name, _)| format!("the file `{name}` is not the same"))
}

/// Where two configs differ, in words.
pub(crate) fn other_configs(before: &Map<String, Value>, now: &Map<String, Value>) -> Vec<String> {
    let all = before.keys().chain(now.keys().filter(|key| !before.contains_key(*key)));
    all.flat_map(|key| other_values(key, before.get(key), now.get(key))).collect()
}

/// Values that differ of what two configs set, in words; those below a key one by one.
fn other_values(name: &str, was: Option<&Value>, is: Option<&Value>) -> Vec<String> {
    let shown = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
    match (was, is) {
        (was, is) if was == is => Vec::new(),
        (Some(Value::Object(was)), Some(Value::Object(is))) => {
            let keys = was.keys().chain(is.keys().filter(|key| !was.contains_key(*key)));
            let one =
                |key: &String| other_values(&format!("{name}.{key}"), was.get(key), is.get(key));
            keys.flat_map(one).collect()
        }
        (was, is) => vec![format!("`{name}` is {} there and {} here", shown(was), shown(is))],
    }
}

fn other_study(was: &str, is: &str) -> String {
    format!("it is of the study `{was}` there and `{is}` here")
}

/// What makes two runs different, in words; empty when they compute the same.
pub(crate) fn differences(old: &Manifest, new: &Manifest) -> Vec<String> {
    if old.digest.is_empty() {
        return vec![format!("its {MANIFEST} has no digest, so nobody knows what it holds")];
    }
    if old.digest == new.digest {
        return Vec::new();
    }
    if old.study() != new.study() {
        return vec![other_study(old.study(), new.study())];
    }
    // where things lie does not count
    let counting =
        |manifest: &Manifest| manifest.config.clone().within(&[Scope::Results]).entries();
    let facts =
        (old.facts != new.facts).then(|| "what the study is about is not the same".to_owned());
    let values = other_configs(&counting(old), &counting(new));
    let mut found: Vec<String> = facts.into_iter().chain(values).collect();
    let names = |of: &Manifest| of.heatmaps.iter().map(|map| map.name.clone()).collect();
    let (were, are): (Vec<String>, Vec<String>) = (names(old), names(new));
    if were != are {
        let shown = |names: &[String]| serde_json::json!(names).to_string();
        found.push(format!("`heatmaps` are {} there and {} here", shown(&were), shown(&are)));
    }
    found.extend(other_maps(old, new).chain(other_texts(old, new)));
    if old.model.digest != new.model.digest {
        found.push("the model file is not the same".to_owned());
    }
    if old.data.fingerprint != new.data.fingerprint {
        found.push("the pictures are not the same".to_owned());
    }
    if old.results_version != new.results_version {
        found.push("it was made by another version of pixelflip".to_owned());
    }
    if found.is_empty() {
        found.push("its manifest has another digest".to_owned());
    }
    found
}
