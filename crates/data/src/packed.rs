//! Small pictures of one size, kept as bytes in memory: MNIST and CIFAR.

use super::{
    DataError, Dataset, Item,
    fingerprint::{Listed, digest, fingerprint},
};
use crate::{base::geom::Shape, nn::tensor::Tensor};

/// The content of one file.
pub(super) struct Part {
    /// Beginning of the ids: `train` in `train/00042`.
    pub(super) prefix: String,
    /// Channel by channel, row by row, one picture after the other.
    pub(super) pixels: Vec<u8>,
    /// One per picture, or none at all.
    pub(super) labels: Vec<usize>,
}

/// See the [module](self).
pub(super) struct Packed {
    pub(super) name: String,
    /// Shape of every picture.
    pub(super) shape: Shape,
    pub(super) parts: Vec<Part>,
    pub(super) classes: Option<Vec<String>>,
    /// What was found, in words.
    pub(super) words: String,
}

impl Packed {
    /// The part that holds picture `i`, and its place there.
    fn locate(&self, mut i: usize) -> (&Part, usize) {
        for part in &self.parts {
            let n = part.pixels.len() / self.shape.len();
            if i < n {
                return (part, i);
            }
            i -= n;
        }
        panic!("the caller asks for pictures below `len`")
    }

    fn pixels(&self, i: usize) -> &[u8] {
        let (part, at) = self.locate(i);
        &part.pixels[at * self.shape.len()..(at + 1) * self.shape.len()]
    }
}

impl Dataset for Packed {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.pixels.len() / self.shape.len()).sum()
    }

    fn id(&self, i: usize) -> String {
        let (part, at) = self.locate(i);
        format!("{}/{at:05}", part.prefix)
    }

    fn label(&self, i: usize) -> Option<usize> {
        let (part, at) = self.locate(i);
        part.labels.get(at).copied()
    }

    fn item(&self, i: usize) -> Result<Item, DataError> {
        let (part, at) = self.locate(i);
        let pixels = self.pixels(i);
        let image = channels_last(self.shape, |k| f32::from(pixels[k]) / 255.0);
        let label = part.labels.get(at).copied();
        Ok(Item { id: self.id(i), image, label, boxes: vec![], mask: None })
    }

    fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    fn fingerprint(&self) -> String {
        let line = |i| Listed { id: self.id(i), label: self.label(i), object: String::new() };
        fingerprint((0..self.len()).map(line))
    }

    fn content(&self, i: usize) -> Result<String, DataError> {
        Ok(digest(self.pixels(i)))
    }

    fn describe(&self) -> String {
        self.words.clone()
    }
}

/// A tensor from values in `(C, H, W)` order.
pub(super) fn channels_last(shape: Shape, value: impl Fn(usize) -> f32) -> Tensor {
    let plane = shape.h * shape.w;
    let pixels = (0..plane).flat_map(|at| (0..shape.c).map(move |c| c * plane + at));
    Tensor::new(shape, pixels.map(value).collect())
}
