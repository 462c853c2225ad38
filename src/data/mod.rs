//! Pictures with labels, from files or generated.

mod error;

pub use error::DataError;

use crate::{base::geom::Rect, nn::tensor::Tensor};

/// Pictures in a fixed order. Opening one reads no more than the listing; pictures are decoded one
/// by one, from any thread.
pub trait Dataset: Send + Sync {
    /// Short name for tables and manifests: the folder's or file's name, or a generated set's.
    fn name(&self) -> &str;

    /// Number of pictures.
    fn len(&self) -> usize;

    /// True without pictures; readers refuse such a set.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Id of picture `i` < [`Dataset::len`], without decoding it.
    fn id(&self, i: usize) -> String;

    /// Decodes picture `i` < [`Dataset::len`]. An error concerns this picture only.
    fn item(&self, i: usize) -> Result<Item, DataError>;

    /// Names of the classes, by class index, where the set says them.
    fn classes(&self) -> Option<&[String]>;

    /// Digest of ids, sizes and labels: the same set has the same fingerprint everywhere.
    fn fingerprint(&self) -> String;

    /// What was found, in words, for the terminal and the manifest.
    fn describe(&self) -> String {
        format!("{} pictures", self.len())
    }
}

/// One picture with what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Path relative to the data root with `/` separators, or a generated name; unique.
    pub id: String,
    /// The picture at its own size: 1 or 3 channels (RGB), values in [0, 1].
    pub image: Tensor,
    /// Class index.
    pub label: Option<usize>,
    /// Bounding boxes of the labelled object.
    pub boxes: Vec<Rect>,
    /// Object mask, one value per pixel, row by row.
    pub mask: Option<Vec<bool>>,
}
