//! The folder that a run writes to.
//!
//! ```text
//! manifest.json        what was run and what came out
//! curves/part-*        one row per curve; a part holds some pictures with everything on them
//! parts/               pictures and times of each part
//! pictures.parquet     one row per picture
//! timings.parquet      one row per measured time
//! ```
//!
//! Files are written under another name and renamed, so what is there is whole. A part is a pure
//! function of the plan, its curves are renamed last: parts that are there need not be done again.

use super::manifest::Manifest;
use crate::base::atomic;
use serde_json::Value;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const MANIFEST: &str = "manifest.json";

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
    /// The folder holds the results of another run.
    #[error("`{}` holds the results of another run: {}", .path.display(), .differences.join(", "))]
    OtherRun {
        /// The folder.
        path: PathBuf,
        /// What differs, in words.
        differences: Vec<String>,
    },
    /// The folder holds files that are no results.
    #[error("`{}` holds other things than results: it is not empty and has no usable {MANIFEST}", .path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
}

/// A folder that belongs to one plan.
#[derive(Debug)]
pub struct Output {
    root: PathBuf,
}

impl Output {
    /// Makes the folder and claims it for the run that `manifest` describes, or takes it up again
    /// if it holds the same run already.
    pub fn open(root: &Path, manifest: &Manifest) -> Result<Output, OutputError> {
        let output = Output { root: root.to_owned() };
        let unwritable = |path: PathBuf| move |source| OutputError::Unwritable { path, source };
        fs::create_dir_all(root).map_err(unwritable(root.to_owned()))?;
        output.check_owner(manifest)?;
        for folder in ["curves", "parts"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).map_err(unwritable(folder.clone()))?;
        }
        output.write_manifest(manifest)?;
        Ok(output)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Folder of the curves.
    pub fn curves(&self) -> PathBuf {
        self.root.join("curves")
    }

    /// File with the curves of a part; when it is there, the part is done.
    pub fn curves_of(&self, part: usize) -> PathBuf {
        self.curves().join(format!("part-{part:05}.parquet"))
    }

    /// File with the pictures of a part.
    pub fn pictures_of(&self, part: usize) -> PathBuf {
        self.root.join(format!("parts/pictures-{part:05}.parquet"))
    }

    /// File with the times of a part.
    pub fn timings_of(&self, part: usize) -> PathBuf {
        self.root.join(format!("parts/timings-{part:05}.parquet"))
    }

    /// File with all pictures.
    pub fn pictures(&self) -> PathBuf {
        self.root.join("pictures.parquet")
    }

    /// File with all times.
    pub fn timings(&self) -> PathBuf {
        self.root.join("timings.parquet")
    }

    /// True when all files of a part are there.
    pub fn has(&self, part: usize) -> bool {
        let files = [self.curves_of(part), self.pictures_of(part), self.timings_of(part)];
        files.iter().all(|file| file.is_file())
    }

    /// Writes the manifest.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), OutputError> {
        let path = self.root.join(MANIFEST);
        let mut text = serde_json::to_string_pretty(manifest).expect("a manifest is plain data");
        text.push('\n');
        atomic::write(&path, text.as_bytes())
            .map_err(|source| OutputError::Unwritable { path, source })
    }

    /// Refuses a folder with the results of another run, or with other things.
    fn check_owner(&self, manifest: &Manifest) -> Result<(), OutputError> {
        let foreign = || OutputError::Foreign { path: self.root.clone() };
        let unreadable = |source| OutputError::Unwritable { path: self.root.clone(), source };
        match fs::read(self.root.join(MANIFEST)) {
            Ok(bytes) => {
                let old: Value = serde_json::from_slice(&bytes).map_err(|_| foreign())?;
                let new = serde_json::to_value(manifest).expect("a manifest is plain data");
                let differences = differences(&old, &new);
                let path = self.root.clone();
                let same = differences.is_empty();
                if same { Ok(()) } else { Err(OutputError::OtherRun { path, differences }) }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let empty = self.is_empty().map_err(unreadable)?;
                if empty { Ok(()) } else { Err(foreign()) }
            }
            Err(e) => Err(unreadable(e)),
        }
    }

    /// True when nothing but leftovers of a killed run is there.
    fn is_empty(&self) -> io::Result<bool> {
        for entry in fs::read_dir(&self.root)? {
            if entry?.path().extension().is_none_or(|e| e != "tmp") {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What makes two runs different, in words; empty when they compute the same.
fn differences(old: &Value, new: &Value) -> Vec<String> {
    if old.get("digest").is_some_and(|digest| Some(digest) == new.get("digest")) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let empty = serde_json::Map::new();
    let keys = |v: &Value| v.get("config").and_then(Value::as_object).unwrap_or(&empty).clone();
    let (before, now) = (keys(old), keys(new));
    for (key, value) in &now {
        if before.get(key) != Some(value) {
            let was = before.get(key).map_or("absent".to_owned(), Value::to_string);
            found.push(format!("`{key}` is {was} there and {value} here"));
        }
    }
    for (name, path) in [("model file", "/model/digest"), ("pictures", "/data/fingerprint")] {
        if old.pointer(path) != new.pointer(path) {
            found.push(format!("the {name} are not the same").replace("file are", "file is"));
        }
    }
    if old.get("results_version") != new.get("results_version") {
        found.push("it was made by another version of pixelflip".to_owned());
    }
    if found.is_empty() {
        found.push("its manifest has another digest".to_owned());
    }
    found
}
