//! Pictures with labels, from files or generated.
//!
//! [`open`] looks at a path, finds out which of the [`LAYOUTS`] it has (or takes the one it is
//! told), and gives a [`Dataset`]. A new layout is one file in `layout/` and one line in its table.

// Lower layers under their names, so that `crate::nn` reads the same everywhere.
use pixelflip_base as base;
use pixelflip_nn as nn;
use pixelflip_table as table;

mod boxes;
pub mod catalogue;
pub mod check;
pub mod decode;
pub mod digest;
mod error;
pub mod fetch;
mod files;
mod fingerprint;
pub mod heatmaps;
mod jpeg;
mod layout;
mod listing;
mod mask;
mod matlab;
pub mod memory;
mod npy;
pub mod npz;
mod numbering;
pub mod object;
mod packed;
pub mod scenes;
pub mod select;
mod sheet;
pub mod tar;
pub mod tensor;
#[cfg(test)]
mod testing;
pub mod text;
mod xml;

pub use error::DataError;
pub use layout::{LAYOUTS, Layout};
pub use listing::{DataPath, LeftOut};
pub use numbering::text_before_number;

use crate::{
    base::{
        geom::{Rect, Shape},
        registry::{self, Spec},
        words::count,
    },
    nn::tensor::Tensor,
};
use std::{path::Path, sync::Arc};

/// Pictures in a fixed order. Opening one reads no more than the listing; pictures are decoded one
/// by one, from any thread.
pub trait Dataset: Send + Sync {
    /// Short name for tables and manifests: the folder's or file's name, or a generated set's.
    fn name(&self) -> &str;

    /// Number of pictures.
    fn len(&self) -> usize;

    /// True without pictures; [`open`] refuses such a set.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Orientation tag of picture `i`, 1 to 8; 1 (as stored) where there is none, or no file.
    fn orientation(&self, _i: usize) -> u8 {
        1
    }

    /// Id of picture `i` < [`Dataset::len`], without decoding it.
    fn id(&self, i: usize) -> String;

    /// Class index of picture `i` < [`Dataset::len`], without decoding it.
    fn label(&self, i: usize) -> Option<usize>;

    /// All classes that picture `i` < [`Dataset::len`] shows, its label first: more than one where the set
    /// says so.
    fn labels(&self, i: usize) -> Vec<usize> {
        self.label(i).into_iter().collect()
    }

    /// Classes of which it is left open whether picture `i` < [`Dataset::len`] shows them, since only objects
    /// that are hard to recognise do.
    fn unsure(&self, _i: usize) -> Vec<usize> {
        Vec::new()
    }

    /// Whether some picture shows several classes.
    fn has_label_sets(&self) -> bool {
        (0..self.len()).any(|i| self.labels(i).len() > 1)
    }

    /// Decodes picture `i` < [`Dataset::len`]. An error concerns this picture only.
    fn item(&self, i: usize) -> Result<Item, DataError>;

    /// How the object of picture `i` < [`Dataset::len`] is marked, without decoding it.
    fn marked(&self, _i: usize) -> Marked {
        Marked::default()
    }

    /// Where the objects of another class than the label are in picture `i` < [`Dataset::len`], which has
    /// this shape; `None` where nothing says that there are some.
    fn others(
        &self,
        _i: usize,
        _class: usize,
        _shape: Shape,
    ) -> Result<Option<Annotation>, DataError> {
        Ok(None)
    }

    /// Fetches what picture `i` is decoded from nearer to the memory, as the system keeps files it has
    /// read lately; other pictures can be worked on meanwhile. An error shows when it is decoded.
    fn read_ahead(&self, _i: usize) {}

    /// How many words text `i` < [`Dataset::len`] has; `None` of a picture.
    fn words(&self, _i: usize) -> Option<usize> {
        None
    }

    /// Text `i` < [`Dataset::len`] with its words; `None` of a picture, and of a text that cannot be read.
    fn document(&self, _i: usize) -> Option<text::Document> {
        None
    }

    /// Names of the classes, by class index, where the set says them.
    fn classes(&self) -> Option<&[String]>;

    /// Digest of ids, labels and boxes; no picture is opened. The same set has the same fingerprint
    /// everywhere.
    fn fingerprint(&self) -> String;

    /// Digest of all that picture `i` < [`Dataset::len`] is decoded from, hexadecimal: of a file its
    /// SHA-256. The same picture has the same one everywhere; also a broken one has one.
    fn content(&self, i: usize) -> Result<String, DataError>;

    /// False when nothing of the set can be read any more: a disk that went away. Single pictures
    /// that cannot be read are errors of [`Dataset::item`].
    fn is_there(&self) -> bool {
        true
    }

    /// Files and folders that were passed over, in order; what only fails when it is decoded is not among
    /// them.
    fn left_out(&self) -> &[LeftOut] {
        &[]
    }

    /// What was found, in words, for the terminal and the manifest.
    fn describe(&self) -> String {
        count(self.len(), "picture")
    }
}

/// Where the objects of one class are in a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotation {
    /// Their bounding boxes.
    pub boxes: Vec<Rect>,
    /// Their mask, one value per pixel, row by row.
    pub mask: Option<Vec<bool>>,
}

/// How the object of a picture is marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// Pixel by pixel.
    pub mask: bool,
    /// By bounding boxes.
    pub boxes: bool,
}

/// One picture with what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Path relative to the data root with `/` separators, or a generated name; unique.
    pub id: String,
    /// The picture at its own size: 1 or 3 channels (RGB), values in [0, 1]. Of a text the vectors of its words, one
    /// per row, as the network takes them.
    pub image: Tensor,
    /// Class index.
    pub label: Option<usize>,
    /// Bounding boxes of the labelled object.
    pub boxes: Vec<Rect>,
    /// Object mask, one value per pixel, row by row.
    pub mask: Option<Vec<bool>>,
}

/// How to open a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A layout from [`LAYOUTS`] with its parameters; `None` finds out.
    pub layout: Option<Spec>,
    /// Larger pictures are refused before they are decoded.
    pub max_pixels: u64,
    /// What becomes of orientation tags.
    pub orientation: decode::Orientation,
    /// The network that is shown the pictures, if it is known: its classes say what names and numbers in
    /// the set may mean.
    pub network: Option<Network>,
    /// How texts become inputs of a network that takes texts.
    pub text: Option<Arc<text::Reader>>,
}

/// What a data set must know of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// How many classes it tells apart.
    pub classes: usize,
    /// Their names, by index; empty where it does not name them.
    pub names: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            layout: None,
            max_pixels: decode::MAX_PIXELS,
            orientation: decode::Orientation::default(),
            network: None,
            text: None,
        }
    }
}

/// Name of the layout of texts.
const TEXTS: &str = "texts";

/// Opens the pictures at `path`, a folder or a file. Nothing but the listing is read, except from
/// files that hold a whole set.
pub fn open(path: &Path, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
    open_named(path, options).map(|(_, set)| set)
}

/// [`open`], with the canonical name of the layout.
pub fn open_named(path: &Path, options: &Options) -> Result<(String, Box<dyn Dataset>), DataError> {
    let place = DataPath::look(path)?;
    let layout = match &options.layout {
        Some(spec) => registry::build("layout", LAYOUTS, spec)?,
        None if options.text.is_some() => registry::build("layout", LAYOUTS, &Spec::plain(TEXTS))?,
        None => layout::detect(&place)?,
    };
    if options.text.is_some() && registry::id(&layout.name) != TEXTS {
        let (expected, found) = ("the layout `texts`", format!("`{}`", layout.name));
        return Err(DataError::unexpected(path, expected, found)
            .hint("the network takes texts, as its sidecar says"));
    }
    let set = layout.value.open(&place, options)?;
    Ok((layout.name, set))
}

#[cfg(test)]
mod tests {
    use super::testing::{open, shared};
    use crate::{base::geom::Shape, nn::preprocess::Preprocess};

    /// Mean and largest difference between the first items, preprocessed, and the inputs that were
    /// fed to the reference models.
    fn deviation(model: &str, pictures: &str, shape: Shape) -> Option<[f32; 2]> {
        let inputs = shared(&format!("goldens/models/{model}_input.npy"))?;
        let sidecar = std::fs::read_to_string(shared(&format!("models/{model}.toml"))?).unwrap();
        let preprocess = Preprocess::from_toml(&sidecar, shape).unwrap();
        let set = open(&shared(pictures)?, "").unwrap();
        let inputs = super::tensor::read_npy(&inputs).unwrap().inputs;
        let of = |i: usize| {
            let image = set.item(i).unwrap().image;
            preprocess.normalise(&preprocess.picture(&image).unwrap())
        };
        let differences = inputs.iter().enumerate().flat_map(|(i, expected)| {
            let x = of(i);
            let pairs = x.data.iter().zip(&expected.data);
            pairs.map(|(a, b)| (a - b).abs()).collect::<Vec<_>>()
        });
        let differences: Vec<f32> = differences.collect();
        let mean = differences.iter().sum::<f32>() / differences.len() as f32;
        Some([mean, differences.into_iter().fold(0.0, f32::max)])
    }

    #[test]
    fn preprocessed_pictures_equal_the_inputs_of_the_reference_models() {
        // numbers of normal size, computed once in double and once in single precision
        let digits = ["mnist_lenet5_lrptoolbox", "mnist_burn_bn"];
        for (model, side) in digits.into_iter().zip([32, 28]) {
            let worst = deviation(model, "images/mnist", Shape::new(1, side, side));
            assert!(worst.is_none_or(|[_, largest]| largest < 1e-6), "{model}: {worst:?}");
        }
        for model in ["cifar10_convnetjs", "cifar10_resnet20", "cifar10_resnet56"] {
            let worst = deviation(model, "images/cifar10", Shape::new(3, 32, 32));
            assert!(worst.is_none_or(|[_, largest]| largest < 1e-6), "{model}: {worst:?}");
        }
        // grey levels: two JPEG decoders, which round and enlarge the colour planes differently
        let shape = Shape::new(3, 227, 227);
        let worst = deviation("squeezenet1_1_227", "images/imagenet_val", shape);
        assert!(worst.is_none_or(|[mean, largest]| mean < 0.5 && largest < 6.0), "{worst:?}");
    }
}
