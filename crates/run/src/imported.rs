//! Heat maps made by other tools, as contenders beside the built-in methods.

use crate::{
    base::{
        geom::Shape,
        key::{Takes, Value, Wrong},
        registry::Named,
    },
    data::{
        DataError, Dataset,
        heatmaps::{HeatMaps, Values},
    },
    explain::{
        Case, EXPLAINERS, ExplainError, Explainer, Given, HeatMap, Kind, Total, resize::Upsample,
    },
    nn::tensor::Tensor,
};
use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize, Serializer};
use std::{fmt, path::Path};

/// Why imported heat maps cannot take part.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A name that they cannot have.
    #[error("`heatmaps`: {0}")]
    Name(#[from] NameProblem),
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

/// Why a contender from elsewhere cannot have a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// Tables and file names cannot carry it.
    #[error(
        "the name `{name}` must be made of letters, digits, `-`, `_` and `.`, beginning with a letter"
    )]
    Form {
        /// The name.
        name: String,
    },
    /// It means something else already.
    #[error("`{name}` is the name of a built-in method, choose another")]
    Taken {
        /// The name.
        name: String,
    },
}

/// Where heat maps of another tool lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maps {
    /// The name they compete under.
    pub name: String,
    /// A file, or a folder of them.
    pub path: String,
}

impl fmt::Display for Maps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.path)
    }
}

impl Serialize for Maps {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Value for Maps {
    const TAKES: Takes = Takes::Each;

    fn rule() -> String {
        "NAME=PATH".to_owned()
    }

    fn read(value: &toml::Value) -> Result<Maps, Wrong> {
        let text = value.as_str().ok_or(Wrong::Rule)?;
        let parts = text.split_once('=').map(|(name, path)| (name.trim(), path.trim()));
        let parts = parts.filter(|(_, path)| !path.is_empty());
        let (name, path) = parts
            .ok_or_else(|| Wrong::Said(format!("`heatmaps` must be NAME=PATH, found `{text}`")))?;
        Ok(Maps { name: name.to_owned(), path: path.to_owned() })
    }
}

/// One set of heat maps, for the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    upsample: Upsample,
}

impl Explainer for Imported {
    /// The heat map in single precision.
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let heat = self.heat_map(case)?;
        let (h, w) = heat.dim();
        Ok(Tensor::new(Shape::new(1, h, w), heat.iter().map(|v| *v as f32).collect()))
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Imported(self)
    }

    fn total(&self, _: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        Ok(None)
    }
}

impl Given for Imported {
    fn heat_map(&self, case: &Case<'_>) -> Result<HeatMap, ExplainError> {
        let map = self.values(case)?;
        if let Values::Real(values) = &map {
            let count = values.iter().filter(|v| !v.is_finite()).count();
            if count > 0 {
                return Err(ExplainError::NonFinite { count, total: values.len() });
            }
        }
        let input = case.graph.input_shape();
        let heat = pooled(&map);
        if heat.dim() == (input.h, input.w) {
            return Ok(heat);
        }
        let resize = self.upsample.resize().expect("a map of another size was refused");
        Ok(resize.enlarge_heat(&heat, input.h, input.w))
    }

    fn whole_heat_map(&self, case: &Case<'_>) -> Result<Option<Array2<i128>>, ExplainError> {
        let input = case.graph.input_shape();
        Ok(match self.values(case)? {
            Values::Whole(values) => Some(values.sum_axis(Axis(0))),
            Values::Real(_) => None,
        }
        .filter(|map| map.dim() == (input.h, input.w)))
    }
}

impl Imported {
    fn values(&self, case: &Case<'_>) -> Result<Values, ExplainError> {
        let input = case.graph.input_shape();
        self.read(case.image, (input.h, input.w))
    }

    /// The map of a picture, which has the size of the network's input or can be enlarged to it.
    fn read(&self, id: &str, size: (usize, usize)) -> Result<Values, ExplainError> {
        let cannot = |reason| ExplainError::Import { reason, momentary: false };
        let none = || cannot("there is no heat map for this picture".to_owned());
        let map = self.maps.map(id).ok_or_else(none)?.map_err(|e| ExplainError::Import {
            reason: e.to_string(),
            momentary: e.is_momentary(),
        })?;
        self.fitting(map, size).map_err(cannot)
    }

    fn fitting(&self, map: Values, (height, width): (usize, usize)) -> Result<Values, String> {
        let (_, h, w) = match &map {
            Values::Real(values) => values.dim(),
            Values::Whole(values) => values.dim(),
        };
        match self.upsample.resize() {
            _ if (h, w) == (height, width) => Ok(map),
            // (H, W, C) is read as H channels: an enlargement to another shape would hide that. Sides that
            // are rounded differ by less than one pixel of the map each
            _ if (h * width).abs_diff(w * height) > height + width => Err(format!(
                "the map has {h}x{w} pixels, the network's input {height}x{width}, which is of another \
                 shape{}",
                if w == 1 || w == 3 { "; channels must come first: (C, H, W)" } else { "" }
            )),
            Some(_) if h <= height && w <= width => enlargeable(map),
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

/// Whole numbers are enlarged in double precision.
fn enlargeable(map: Values) -> Result<Values, String> {
    const EXACT: u128 = 1 << 53;
    match &map {
        Values::Whole(values) if values.iter().any(|v| v.unsigned_abs() > EXACT) => Err(
            "the map is to be enlarged and has whole numbers beyond 2^53, which double precision \
                 does not hold: subtract a constant from them"
                .to_owned(),
        ),
        _ => Ok(map),
    }
}

/// Sum over the channels.
fn pooled(map: &Values) -> HeatMap {
    match map {
        Values::Real(values) => values.sum_axis(Axis(0)),
        Values::Whole(values) => values.sum_axis(Axis(0)).mapv(|v| v as f64),
    }
}

/// Opens heat maps for the pictures of a data set. `size` is the height and
/// width of the network's input; the first map is checked against it, so that a run with wrong
/// files does not begin.
pub(super) fn open(
    given: &Maps,
    upsample: Upsample,
    data: &dyn Dataset,
    size: (usize, usize),
) -> Result<(Named<dyn Explainer>, Import), ImportError> {
    let Maps { name, path } = given.clone();
    check_name(&name)?;
    let ids: Vec<String> = (0..data.len()).map(|i| data.id(i)).collect();
    let failed = |source| ImportError::Data { name: name.clone(), source: Box::new(source) };
    let maps = HeatMaps::open(Path::new(&path), &ids).map_err(failed)?;
    let import = Import {
        name: name.clone(),
        digest: maps.digest.clone(),
        pictures: maps.len(),
        unused: maps.unused.clone(),
    };
    let imported = Imported { maps, upsample };
    let first = ids.iter().find(|id| imported.maps.map(id).is_some()).expect("there are maps");
    let wrong = |e: ExplainError| ImportError::Size { name: name.clone(), reason: e.to_string() };
    imported.read(first, size).map_err(wrong)?;
    Ok((Named { name, value: Box::new(imported) }, import))
}

/// Checks the name of a contender from elsewhere.
pub(super) fn check_name(name: &str) -> Result<(), NameProblem> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(fits) {
        return Err(NameProblem::Form { name: name.to_owned() });
    }
    if EXPLAINERS.iter().any(|entry| entry.id == name) {
        return Err(NameProblem::Taken { name: name.to_owned() });
    }
    Ok(())
}
