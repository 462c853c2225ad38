//! Heat maps made by other tools, as contenders beside the built-in methods.

use crate::{
    base::registry::Named,
    data::{DataError, Dataset, heatmaps::HeatMaps},
    explain::{Case, EXPLAINERS, ExplainError, Explainer, resize::Resize},
    nn::tensor::Tensor,
};
use serde::Serialize;
use std::path::Path;

/// Why imported heat maps cannot take part.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Not `NAME=PATH`.
    #[error("`heatmaps` must be NAME=PATH, found `{found}`")]
    Form {
        /// What was given.
        found: String,
    },
    /// A name that tables and file names cannot carry.
    #[error(
        "`heatmaps`: the name `{name}` must be made of letters, digits, `-`, `_` and `.`, \
         beginning with a letter"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A name that means something else already.
    #[error("`heatmaps`: `{name}` is the name of a built-in method, choose another")]
    Taken {
        /// The name.
        name: String,
    },
    /// The files cannot be used.
    #[error("heat maps `{name}`: {source}")]
    Data {
        /// The name.
        name: String,
        /// What is wrong.
        source: Box<DataError>,
    },
    /// The maps have another resolution than the network's input.
    #[error("heat maps `{name}`: {reason}")]
    Size {
        /// The name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

/// One set of heat maps, for the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Import {
    /// The name it competes under.
    pub name: String,
    /// SHA-256 of the file, or of names and contents of all files.
    pub digest: String,
    /// Pictures of the data set that have a map.
    pub pictures: usize,
    /// Maps whose name is that of no picture.
    pub unused: Vec<String>,
}

/// A contender whose heat maps were made elsewhere.
#[derive(Debug)]
struct Imported {
    maps: HeatMaps,
    upsample: Option<Resize>,
}

impl Explainer for Imported {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let input = case.graph.input_shape();
        self.sized(case.image, (input.h, input.w)).map_err(|reason| ExplainError::Import { reason })
    }

    fn is_imported(&self) -> bool {
        true
    }
}

impl Imported {
    /// The map of a picture at the size of the network's input.
    fn sized(&self, id: &str, (height, width): (usize, usize)) -> Result<Tensor, String> {
        let map = self.maps.of(id).ok_or("there is no heat map for this picture")?;
        let map = map.map_err(|e| e.to_string())?;
        let (h, w) = (map.shape.h, map.shape.w);
        match self.upsample {
            _ if (h, w) == (height, width) => Ok(map),
            // (H, W, C) is read as H channels: an enlargement to another shape would hide that. Sides that
            // are rounded differ by less than one pixel of the map each
            _ if (h * width).abs_diff(w * height) > height + width => Err(format!(
                "the map has {h}x{w} pixels, the network's input {height}x{width}, which is of another \
                 shape{}",
                if w == 1 || w == 3 { "; channels must come first: (C, H, W)" } else { "" }
            )),
            Some(resize) if h <= height && w <= width => Ok(resize.enlarge(&map, height, width)),
            Some(_) => Err(format!(
                "the map has {h}x{w} pixels, more than the network's input with {height}x{width}"
            )),
            None => Err(format!(
                "the map has {h}x{w} pixels, the network's input {height}x{width}; smaller maps \
                 are enlarged with `upsample` = bilinear or nearest"
            )),
        }
    }
}

/// Opens heat maps given as `NAME=PATH` for the pictures of a data set. `size` is the height and
/// width of the network's input; the first map is checked against it, so that a run with wrong
/// files does not begin.
pub(super) fn open(
    given: &str,
    upsample: Option<Resize>,
    data: &dyn Dataset,
    size: (usize, usize),
) -> Result<(Named<dyn Explainer>, Import), ImportError> {
    let form = || ImportError::Form { found: given.to_owned() };
    let (name, path) = given.split_once('=').ok_or_else(form)?;
    let (name, path) = (name.trim().to_owned(), path.trim());
    if path.is_empty() {
        return Err(form());
    }
    check_name(&name)?;
    let ids: Vec<String> = (0..data.len()).map(|i| data.id(i)).collect();
    let failed = |source| ImportError::Data { name: name.clone(), source: Box::new(source) };
    let maps = HeatMaps::open(Path::new(path), &ids).map_err(failed)?;
    let import = Import {
        name: name.clone(),
        digest: maps.digest.clone(),
        pictures: maps.len(),
        unused: maps.unused.clone(),
    };
    let imported = Imported { maps, upsample };
    let first = ids.iter().find(|id| imported.maps.of(id).is_some()).expect("there are maps");
    let wrong = |reason| ImportError::Size { name: name.clone(), reason };
    imported.sized(first, size).map_err(wrong)?;
    Ok((Named { name, value: Box::new(imported) }, import))
}

fn check_name(name: &str) -> Result<(), ImportError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(fits) {
        return Err(ImportError::Name { name: name.to_owned() });
    }
    if EXPLAINERS.iter().any(|entry| entry.id == name) {
        return Err(ImportError::Taken { name: name.to_owned() });
    }
    Ok(())
}
