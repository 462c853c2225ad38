//! Pictures of which only some patches are shown.

use super::{Case, ExplainError, reference::Reference, superpixel::superpixels};
use crate::{
    base::{
        geom::Shape,
        registry::{Kind, Param},
    },
    nn::tensor::Tensor,
};

/// How many patches there are.
pub(super) const SEGMENTS: Param = Param {
    key: "segments",
    default: "50",
    kind: Kind::Integer { min: 1, max: 2000 },
    help: "patches of similar colour, about",
};

/// What covers a patch.
pub(super) const VALUE: Param = Param {
    key: "value",
    default: "grey",
    kind: Kind::Word(Reference::WORDS),
    help: "what covers a patch",
};

/// The patches of a picture.
pub(super) struct Patches<'a> {
    case: &'a Case<'a>,
    /// Per pixel.
    labels: Vec<usize>,
    sizes: Vec<u32>,
    cover: Vec<f32>,
}

impl<'a> Patches<'a> {
    pub(super) fn new(
        case: &'a Case<'a>,
        segments: usize,
        value: Reference,
    ) -> Result<Self, ExplainError> {
        let labels = superpixels(case, segments)?;
        let mut sizes = vec![0; labels.iter().max().map_or(0, |m| m + 1)];
        labels.iter().for_each(|label| sizes[*label] += 1);
        Ok(Patches { case, labels, sizes, cover: value.pixel(case)? })
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.sizes.len()
    }

    /// The scores when only some patches are shown, for each such set.
    pub(super) fn scores(&self, sets: &[Vec<bool>]) -> Result<Vec<f64>, ExplainError> {
        let scores = self.case.scores_at(sets.iter().map(|shown| self.showing(shown)))?;
        Ok(scores.into_iter().map(f64::from).collect())
    }

    /// The picture of which only some patches are shown.
    fn showing(&self, shown: &[bool]) -> Tensor {
        let mut x = self.case.input().clone();
        for (pixel, label) in x.data.chunks_exact_mut(self.cover.len()).zip(&self.labels) {
            if !shown[*label] {
                pixel.copy_from_slice(&self.cover);
            }
        }
        x
    }

    /// Spreads one value per patch evenly over its pixels, so that the map adds up to the values;
    /// shape `(1, H, W)`.
    pub(super) fn spread(&self, values: &[f64]) -> Tensor {
        let Shape { h, w, .. } = self.case.graph.input_shape();
        let share = |label: &usize| (values[*label] / f64::from(self.sizes[*label])) as f32;
        Tensor::new(Shape::new(1, h, w), self.labels.iter().map(share).collect())
    }
}
