//! Pictures, masks and short ways for the tests of this module.

use super::{Fill, Gather, Mask, PERTURBATIONS, Perturbation, Range, Site, Statistics};
use crate::{
    base::{
        geom::{Rect, Shape},
        registry::{Named, build},
        rng::{Seed, unit_f32},
        unit::{Grid, Remainder, Units},
    },
    nn::tensor::Tensor,
};
use std::sync::LazyLock;

const SHAPE: Shape = Shape::new(3, 12, 10);

/// Different values in every pixel and channel.
pub(super) fn ramp() -> Tensor {
    let value = |i: usize| (i * 7 % SHAPE.len()) as f32 / SHAPE.len() as f32;
    Tensor::new(SHAPE, (0..SHAPE.len()).map(value).collect())
}

pub(super) fn grid(picture: &Tensor) -> Grid {
    Grid::new(picture.shape.h, picture.shape.w, picture.shape.h.min(3), Remainder::Drop)
        .unwrap_or_else(|| Grid::new(picture.shape.h, picture.shape.w, 1, Remainder::Drop).unwrap())
}

/// Statistics of a data set of three random pictures.
pub(super) static SET: LazyLock<Statistics> = LazyLock::new(|| {
    let mut gather = Gather::new(SHAPE);
    for i in 0..3 {
        let mut rng = Seed(i).rng("test set", "", &[]);
        let values = (0..SHAPE.len()).map(|_| unit_f32(&mut rng).powi(2)).collect();
        gather.add(&Tensor::new(SHAPE, values));
    }
    gather.finish()
});

/// The colour that is 0 as input.
pub(super) const NEUTRAL: [f32; 3] = [0.25, 0.5, 0.625];

pub(super) fn named(spec: &str) -> Named<dyn Perturbation> {
    build("perturbation", PERTURBATIONS, &spec.parse().unwrap()).unwrap()
}

pub(super) fn picture_of(fill: Fill<'_>) -> Tensor {
    match fill {
        Fill::Local(picture) => picture,
        Fill::Masked(_) | Fill::LeftOut => panic!("a local perturbation was expected"),
    }
}

/// The fill image of a local perturbation.
pub(super) fn local(spec: &str, picture: &Tensor, repeat: usize) -> Tensor {
    let grid = grid(picture);
    picture_of(named(spec).value.fill(&site(picture, &grid, repeat)))
}

pub(super) fn site<'a>(picture: &'a Tensor, units: &'a dyn Units, repeat: usize) -> Site<'a> {
    Site {
        picture,
        range: Range::PICTURE,
        neutral: &NEUTRAL,
        units,
        seed: Seed(0),
        image: "a.png",
        repeat,
        data: &*SET,
    }
}

/// The picture without the pixels of `gone`, by a mask-dependent perturbation.
pub(super) fn masked(spec: &str, picture: &Tensor, gone: &Mask) -> Tensor {
    let grid = grid(picture);
    match named(spec).value.fill(&site(picture, &grid, 0)) {
        Fill::Local(_) | Fill::LeftOut => panic!("a mask-dependent perturbation was expected"),
        Fill::Masked(fill) => {
            let mut current = picture.clone();
            fill.update(gone, picture.shape.rect(), &mut current);
            current
        }
    }
}

/// About this share of the pixels, at random.
pub(super) fn random_mask(height: usize, width: usize, seed: u64, share: f32) -> Mask {
    let mut rng = Seed(seed).rng("test mask", "", &[]);
    let mut mask = Mask::none(height, width);
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        if unit_f32(&mut rng) < share {
            mask.remove(Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 });
        }
    }
    mask
}
