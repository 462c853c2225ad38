//! Pictures with labels, from files or generated.

use crate::{base::geom::Rect, nn::tensor::Tensor};

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
