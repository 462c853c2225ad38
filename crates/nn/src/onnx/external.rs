//! Weights in files: beside the model, or in the model file itself once its bytes were let go.

use super::proto::{EXTERNAL, EntryProto, IN_FILE, ModelProto, TensorProto};
use prost::bytes::Bytes;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
};

/// Where in which file the data of a tensor are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileRange {
    /// Relative to the model's folder; `None` is the model file itself.
    location: Option<String>,
    offset: u64,
    length: Option<u64>,
}

impl FileRange {
    /// As a tensor's `external_data` entries say.
    pub(super) fn of(tensor: &TensorProto) -> Result<FileRange, String> {
        let entry = |key: &str| tensor.external_data.iter().find(|e| e.key == key);
        let number = |key: &str| {
            let parse = |text: &str| {
                let found = || format!("its {key} in the external file is `{text}`, no number");
                text.trim().parse::<u64>().map_err(|_| found())
            };
            entry(key).map(|e| parse(&e.value)).transpose()
        };
        let location = match entry("location") {
            Some(location) => Some(location.value.clone()),
            None if tensor.data_location == IN_FILE => None,
            None => return Err("its external file is not named".to_owned()),
        };
        Ok(FileRange {
            location,
            offset: number("offset")?.unwrap_or(0),
            length: number("length")?,
        })
    }

    /// Bytes it is said to have.
    pub(super) fn length(&self) -> usize {
        self.length.unwrap_or_default() as usize
    }
}

/// Tensors of at least so many bytes are read again from the file when a layer is made of them.
const LARGE: usize = 1 << 16;

/// True when the values stand in a field of their type.
fn is_typed(t: &TensorProto) -> bool {
    let lengths = [t.float_data.len(), t.double_data.len(), t.int32_data.len()];
    lengths.iter().sum::<usize>() + t.int64_data.len() + t.uint64_data.len() > 0
}

/// Takes the large weights out of a decoded model: each is replaced by its place in the file, so
/// that `file`, its whole content, can be let go and weights are in memory once.
pub(super) fn let_go(model: &mut ModelProto, file: &Bytes) {
    let own = |bytes: &mut Bytes| *bytes = Bytes::copy_from_slice(bytes);
    let Some(graph) = &mut model.graph else { return };
    graph.sparse_initializer.iter_mut().for_each(own);
    for attribute in graph.node.iter_mut().flat_map(|node| &mut node.attribute) {
        attribute.s.iter_mut().for_each(own);
        attribute.t.iter_mut().for_each(|t| own(&mut t.raw_data));
    }
    for tensor in &mut graph.initializer {
        if tensor.raw_data.len() < LARGE || tensor.data_location == EXTERNAL || is_typed(tensor) {
            own(&mut tensor.raw_data);
            continue;
        }
        let offset = tensor.raw_data.as_ptr() as usize - file.as_ptr() as usize;
        let entry =
            |key: &str, value: usize| EntryProto { key: key.to_owned(), value: value.to_string() };
        tensor.external_data =
            vec![entry("offset", offset), entry("length", tensor.raw_data.len())];
        tensor.data_location = IN_FILE;
        tensor.raw_data = Bytes::new();
    }
}

/// The files beside a model, opened when a tensor needs them.
#[derive(Debug)]
pub(super) struct External {
    /// The model file; `None` for a model in memory, which has no files.
    model: Option<PathBuf>,
    used: BTreeMap<String, PathBuf>,
}

impl External {
    /// The files beside `model`, and itself.
    pub(super) fn new(model: Option<PathBuf>) -> External {
        External { model, used: BTreeMap::new() }
    }

    /// Files beside the model that were read, sorted by their location.
    pub(super) fn used(&self) -> impl Iterator<Item = &Path> {
        self.used.values().map(PathBuf::as_path)
    }

    /// The `bytes` bytes of a tensor.
    pub(super) fn read(&mut self, place: &FileRange, bytes: usize) -> Result<Vec<u8>, String> {
        let FileRange { location, offset, length } = place;
        let path = match location {
            Some(location) => self.path(location)?,
            None => self.model.clone().ok_or("a model in memory has no files")?,
        };
        let location = location.clone().unwrap_or_else(|| path.display().to_string());
        if length.is_some_and(|n| n != bytes as u64) {
            let found = length.unwrap_or_default();
            return Err(format!(
                "its dimensions need {bytes} bytes, `{location}` is said to hold {found}"
            ));
        }
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
        let Some(model) = &self.model else {
            return Err(format!("it is in the file `{location}`, a model in memory has no files"));
        };
        let folder = match model.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
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
