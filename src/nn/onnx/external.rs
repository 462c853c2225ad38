//! Weights in files beside the model.

use super::proto::TensorProto;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
};

/// Where in which file the data of a tensor are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    location: String,
    offset: u64,
    length: Option<u64>,
}

impl Place {
    /// As a tensor's `external_data` entries say.
    pub(super) fn of(tensor: &TensorProto) -> Result<Place, String> {
        let entry = |key: &str| tensor.external_data.iter().find(|e| e.key == key);
        let number = |key: &str| {
            let parse = |text: &str| {
                let found = || format!("its {key} in the external file is `{text}`, no number");
                text.trim().parse::<u64>().map_err(|_| found())
            };
            entry(key).map(|e| parse(&e.value)).transpose()
        };
        let location = entry("location").ok_or("its external file is not named")?.value.clone();
        Ok(Place { location, offset: number("offset")?.unwrap_or(0), length: number("length")? })
    }
}

/// The files beside a model, opened when a tensor needs them.
#[derive(Debug)]
pub(super) struct External {
    /// Folder of the model; `None` for a model in memory, which has no files.
    folder: Option<PathBuf>,
    used: BTreeMap<String, PathBuf>,
}

impl External {
    /// The files in `folder`.
    pub(super) fn new(folder: Option<PathBuf>) -> External {
        External { folder, used: BTreeMap::new() }
    }

    /// Files that were read, sorted by their location.
    pub(super) fn used(&self) -> impl Iterator<Item = &Path> {
        self.used.values().map(PathBuf::as_path)
    }

    /// The `bytes` bytes of a tensor.
    pub(super) fn read(&mut self, place: &Place, bytes: usize) -> Result<Vec<u8>, String> {
        let Place { location, offset, length } = place;
        if length.is_some_and(|n| n != bytes as u64) {
            let found = length.unwrap_or_default();
            return Err(format!(
                "its dimensions need {bytes} bytes, `{location}` is said to hold {found}"
            ));
        }
        let path = self.path(location)?;
        let fail = |e: std::io::Error| format!("cannot read `{}`: {e}", path.display());
        let mut file = File::open(&path).map_err(fail)?;
        let size = file.metadata().map_err(fail)?.len();
        let end = offset.checked_add(bytes as u64);
        if end.is_none_or(|end| end > size) {
            return Err(format!(
                "bytes {offset} to {} of `{location}` are needed, the file has {size}; copy it again",
                offset.saturating_add(bytes as u64)
            ));
        }
        let mut data = vec![0; bytes];
        file.seek(SeekFrom::Start(*offset)).map_err(fail)?;
        file.read_exact(&mut data).map_err(fail)?;
        Ok(data)
    }

    /// The file at a location, which must be inside the model's folder.
    fn path(&mut self, location: &str) -> Result<PathBuf, String> {
        if let Some(path) = self.used.get(location) {
            return Ok(path.clone());
        }
        let Some(folder) = &self.folder else {
            return Err(format!("it is in the file `{location}`, a model in memory has no files"));
        };
        let escapes = || {
            format!(
                "its file `{location}` is not inside the model's folder; it must be a relative \
                 path without `..`, and no link that leads out"
            )
        };
        let path = Path::new(location);
        let plain =
            path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        if !plain || location.is_empty() || location.contains(['\\', '\0']) {
            return Err(escapes());
        }
        let folder = folder.canonicalize().map_err(|e| format!("{}: {e}", folder.display()))?;
        let full = folder.join(path);
        let found = full.canonicalize().map_err(|e| {
            format!("its file `{}` cannot be read: {e}; copy it beside the model", full.display())
        })?;
        if !found.starts_with(&folder) {
            return Err(escapes());
        }
        if !found.is_file() {
            return Err(format!("`{}` is no file", full.display()));
        }
        self.used.insert(location.to_owned(), found.clone());
        Ok(found)
    }
}
