//! Heat maps made by other tools, from one file or from one file per picture.
//!
//! | file | content |
//! |---|---|
//! | `.npy` | one map, or all maps in the order of the data set: `(N, H, W)` or `(N, C, H, W)` |
//! | `.npz`, `.safetensors` | one array per picture, named by its id or index; or one array with all |
//! | `.txt` | the LRP toolbox: channels, height and width, then the values; or plain rows |
//! | `.png`, `.tif`, `.tiff` | a grey picture; brighter is more relevant |
//!
//! In a folder every such file is the map of the picture that it is named after. Values keep the
//! precision of the file.

mod grey;
mod keys;
mod safetensors;
mod text;

use super::{
    DataError,
    layout::numpy::{Array, arrays_of_npz},
    listing::Listing,
    npy::Type,
};
use crate::base::{hex, words::count};
use ndarray::Array3;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

const FORMATS: &str = "heat maps as .npy, .npz, .safetensors, .txt, .png or .tif";

/// Heat maps for the pictures of a data set. Opening reads names and headers, and all bytes once
/// for the digest; a map is read when it is asked for, from any thread.
#[derive(Debug)]
pub struct HeatMaps {
    /// SHA-256 of the file, or of names and contents of all files, hexadecimal.
    pub digest: String,
    /// Maps whose name is that of no picture, and entries of the folder that cannot be read.
    pub unused: Vec<String>,
    /// By id of the picture.
    maps: BTreeMap<String, Map>,
}

/// A map as its file has it, shape `(C, H, W)`.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers that double precision holds; they may be NaN.
    Real(Array3<f64>),
    /// Whole numbers of any size.
    Whole(Array3<i128>),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Values::Real(values) => values.len(),
            Values::Whole(values) => values.len(),
        }
    }

    /// True without values; no file is read so.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where one map is.
#[derive(Clone, Debug)]
enum Map {
    /// A `.npy` file, or a member of an archive (by its name there).
    Array { path: PathBuf, member: Option<String> },
    /// One of the maps of an array: which, and how many values each has.
    Slice { array: Arc<Array>, index: usize },
    /// A tensor of a `.safetensors` file.
    Tensor { path: PathBuf, tensor: safetensors::Entry },
    /// One of the maps of such a tensor.
    Part { path: PathBuf, tensor: safetensors::Entry, index: usize },
    /// Numbers as text.
    Text(PathBuf),
    /// A grey picture.
    Grey(PathBuf),
}

/// What a path holds before names are looked up.
enum PathContent {
    /// Maps with their names.
    Named(Vec<(String, Map)>),
    /// Maps in the order of the data set.
    InOrder(Vec<Map>),
}

impl HeatMaps {
    /// Opens the maps at `path` for the pictures with these ids, in the order of the data set.
    pub fn open(path: &Path, ids: &[String]) -> Result<HeatMaps, DataError> {
        let place = fs::metadata(path).map_err(|e| DataError::read(path, &e))?;
        let (files, gone) =
            if place.is_dir() { files(path)? } else { (vec![path.to_owned()], vec![]) };
        let found = if place.is_dir() { of_folder(path, &files)? } else { of_file(path, ids)? };
        let digest = digest(path, &files)?;
        let (maps, unused) = match found {
            PathContent::InOrder(maps) => (in_order(path, maps, ids)?, Vec::new()),
            PathContent::Named(maps) => keys::look_up(path, maps, ids)?,
        };
        let unused = [unused, gone].concat();
        Ok(HeatMaps { digest, unused, maps })
    }

    /// How many pictures have a map.
    pub fn len(&self) -> usize {
        self.maps.len()
    }

    /// True without maps; [`HeatMaps::open`] refuses such files.
    pub fn is_empty(&self) -> bool {
        self.maps.is_empty()
    }

    /// The map of a picture; `None` where there is none.
    pub fn map(&self, id: &str) -> Option<Result<Values, DataError>> {
        self.maps.get(id).map(Map::read)
    }
}

impl Map {
    fn read(&self) -> Result<Values, DataError> {
        match self {
            Map::Array { path, member: None } => whole(&Array::of_file(path)?),
            Map::Array { path, member: Some(name) } => whole(&Array::of_npz(path, name)?),
            Map::Slice { array, index } => slice(array, *index),
            Map::Tensor { path, tensor } => {
                let bytes = tensor.read(path, 0, tensor.shape.iter().product())?;
                values(path, &tensor.shape, tensor.kind, &bytes)
            }
            Map::Part { path, tensor, index } => {
                let shape = &tensor.shape[1..];
                let count = shape.iter().product();
                values(path, shape, tensor.kind, &tensor.read(path, index * count, count)?)
            }
            Map::Text(path) => text::read(path),
            Map::Grey(path) => grey::read(path),
        }
    }
}

/// Values of a type as a map of a shape.
fn values(path: &Path, shape: &[usize], kind: Type, bytes: &[u8]) -> Result<Values, DataError> {
    let each = bytes.chunks_exact(kind.size());
    match kind {
        Type::I64 | Type::U64 => {
            shaped(path, shape, each.map(|v| kind.whole(v)).collect()).map(Values::Whole)
        }
        _ => shaped(path, shape, each.map(|v| kind.value(v)).collect()).map(Values::Real),
    }
}

fn whole(array: &Array) -> Result<Values, DataError> {
    let shape = array.shape();
    let bytes = array.read(0, shape.iter().product())?;
    values(array.path(), shape, array.kind(), &bytes)
}

/// Map `index` of an array whose first axis counts maps.
fn slice(array: &Array, index: usize) -> Result<Values, DataError> {
    let shape = &array.shape()[1..];
    let count: usize = shape.iter().product();
    let bytes = array.read(index * count, count)?;
    values(array.path(), shape, array.kind(), &bytes)
}

/// `(H, W)` or `(C, H, W)`, also behind axes of length 1.
fn map_shape(shape: &[usize]) -> Option<(usize, usize, usize)> {
    let mut sides = shape;
    while sides.len() > 3 && sides[0] == 1 {
        sides = &sides[1..];
    }
    let (c, h, w) = match *sides {
        [h, w] => (1, h, w),
        [c, h, w] => (c, h, w),
        _ => return None,
    };
    (c > 0 && h > 0 && w > 0).then_some((c, h, w))
}

fn shaped<T>(path: &Path, shape: &[usize], values: Vec<T>) -> Result<Array3<T>, DataError> {
    let wrong = || DataError::unexpected(path, "a map HxW or CxHxW", format!("{shape:?}"));
    let sides = map_shape(shape).ok_or_else(wrong)?;
    Array3::from_shape_vec(sides, values).map_err(|_| wrong())
}

fn in_order(
    path: &Path,
    maps: Vec<Map>,
    ids: &[String],
) -> Result<BTreeMap<String, Map>, DataError> {
    if maps.len() == ids.len() {
        return Ok(ids.iter().cloned().zip(maps).collect());
    }
    let expected = format!("{}, one for each picture of the data set", count(ids.len(), "map"));
    Err(DataError::unexpected(path, expected, maps.len().to_string())
        .hint("give maps of some pictures as .npz, each array named by the id of its picture"))
}

/// The ending in lower case.
fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// A file that holds one map.
fn single(path: &Path) -> Option<Map> {
    match ending(path).as_str() {
        "npy" => Some(Map::Array { path: path.to_owned(), member: None }),
        "txt" => Some(Map::Text(path.to_owned())),
        "png" | "tif" | "tiff" => Some(Map::Grey(path.to_owned())),
        _ => None,
    }
}

fn of_file(path: &Path, ids: &[String]) -> Result<PathContent, DataError> {
    match (ending(path).as_str(), single(path)) {
        ("npy", _) => {
            let array = Array::of_file(path)?;
            // with one picture, three axes are its channels, rows and columns
            let one = array.shape().len() == 2 || (array.shape().len() == 3 && ids.len() == 1);
            // any number of empty maps fits into a short file
            if !one && array.shape().contains(&0) {
                let found = format!("{:?}", array.shape());
                return Err(DataError::unexpected(path, "maps HxW or CxHxW", found));
            }
            let map = Map::Array { path: path.to_owned(), member: None };
            Ok(PathContent::InOrder(if one { vec![map] } else { slices(array) }))
        }
        ("npz", _) => of_npz(path, ids),
        ("safetensors", _) => of_safetensors(path, ids),
        (_, Some(map)) => Ok(PathContent::InOrder(vec![map])),
        (other, None) => {
            Err(DataError::unexpected(path, FORMATS, format!("the ending `.{other}`")))
        }
    }
}

fn slices(array: Array) -> Vec<Map> {
    let count = array.shape().first().copied().unwrap_or(0);
    let array = Arc::new(array);
    (0..count).map(|index| Map::Slice { array: Arc::clone(&array), index }).collect()
}

/// True when the only array of a file holds the maps of all pictures: its name is that of none.
fn holds_all(name: &str, shape: &[usize], ids: &[String]) -> bool {
    shape.len() >= 3 && shape[0] == ids.len() && !keys::Keys::new(ids).knows(name)
}

fn of_npz(path: &Path, ids: &[String]) -> Result<PathContent, DataError> {
    let names = arrays_of_npz(path)?;
    if let [only] = names.as_slice() {
        let array = Array::of_npz(path, only)?;
        if holds_all(only, array.shape(), ids) {
            return Ok(PathContent::InOrder(slices(array)));
        }
    }
    let map =
        |name: String| (name.clone(), Map::Array { path: path.to_owned(), member: Some(name) });
    Ok(PathContent::Named(names.into_iter().map(map).collect()))
}

fn of_safetensors(path: &Path, ids: &[String]) -> Result<PathContent, DataError> {
    let tensors = safetensors::entries(path)?;
    if let [(name, tensor)] = tensors.as_slice()
        && holds_all(name, &tensor.shape, ids)
    {
        let part = |index| Map::Part { path: path.to_owned(), tensor: tensor.clone(), index };
        return Ok(PathContent::InOrder((0..ids.len()).map(part).collect()));
    }
    let map = |(name, tensor)| (name, Map::Tensor { path: path.to_owned(), tensor });
    Ok(PathContent::Named(tensors.into_iter().map(map).collect()))
}

/// All files below a folder, sorted, and the names of entries that are none: links to nothing, loops of
/// links.
fn files(folder: &Path) -> Result<(Vec<PathBuf>, Vec<String>), DataError> {
    let listing = Listing::of(folder)?;
    let (found, gone): (Vec<_>, Vec<_>) =
        listing.pictures.into_iter().chain(listing.others).partition(|file| file.path.exists());
    let left_out = listing.left_out.into_iter().map(|left| left.id);
    let mut gone: Vec<String> = gone.into_iter().map(|file| file.id).chain(left_out).collect();
    gone.sort();
    let mut found: Vec<PathBuf> = found.into_iter().map(|file| file.path).collect();
    found.sort();
    Ok((found, gone))
}

fn of_folder(folder: &Path, files: &[PathBuf]) -> Result<PathContent, DataError> {
    let named = |file: &PathBuf| Some((relative(folder, &file.with_extension("")), single(file)?));
    let maps: Vec<(String, Map)> = files.iter().filter_map(named).collect();
    if maps.is_empty() {
        let found = match files.len() {
            0 => "no file".to_owned(),
            1 => "one other file".to_owned(),
            n => format!("{n} other files"),
        };
        return Err(DataError::unexpected(folder, FORMATS, found));
    }
    Ok(PathContent::Named(maps))
}

/// Path below a folder with `/` between its parts.
fn relative(folder: &Path, file: &Path) -> String {
    let parts = file.strip_prefix(folder).unwrap_or(file).components();
    parts.map(|p| p.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn digest(root: &Path, files: &[PathBuf]) -> Result<String, DataError> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    for path in files {
        let failed = |e| DataError::read(path, &e);
        let mut file = File::open(path).map_err(failed)?;
        if files.len() > 1 || path != root {
            hash.update(format!("{}\0", relative(root, path)));
        }
        loop {
            let n = file.read(&mut buffer).map_err(failed)?;
            if n == 0 {
                break;
            }
            hash.update(&buffer[..n]);
        }
    }
    Ok(hex(&hash.finalize()))
}

#[cfg(test)]
mod tests;
