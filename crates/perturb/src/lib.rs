//! What is put in the place of a removed unit.
//!
//! Adding one is one file with an `ENTRY` and one line in [`PERTURBATIONS`]; `docs/perturbations.md`
//! shows what each does to a picture.

// Lower layers under their names, so that `crate::nn` reads the same everywhere.
use pixelflip_base as base;
use pixelflip_nn as nn;

mod blur;
mod channel_mean;
mod constant;
mod diffusion;
mod dirichlet;
mod flip;
mod inpaint;
mod input_zero;
mod mask;
mod mean_image;
mod nearest;
mod permute;
mod road;
mod statistics;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tokens;
mod uniform;

pub use blur::blurred;
pub use mask::Mask;
pub use road::Imputed;
pub use statistics::{Gather, Statistics};

use crate::{
    base::{
        geom::Rect,
        registry::Entry,
        rng::{KeyedRng, Seed},
        unit::Units,
        word_enum,
    },
    nn::tensor::Tensor,
};

word_enum! {
    /// Whose pixels are looked at.
    enum Origin {
        Data = "data",
        Picture = "picture",
    }
}

/// Way of replacing removed units.
pub trait Perturbation: Send + Sync {
    /// What takes the place of removed pixels of a picture. A pure function of `site`.
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a>;

    /// Whether [`Perturbation::fill`] gives a [`Fill::Local`], which costs far less.
    fn is_local(&self) -> bool {
        true
    }

    /// Whether [`Perturbation::fill`] gives [`Fill::LeftOut`].
    fn leaves_out(&self) -> bool {
        false
    }

    /// Whether [`Perturbation::fill`] asks for statistics of the data set.
    fn asks_data(&self) -> bool {
        false
    }
}

/// The smallest and the largest value that an input may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The smallest.
    pub low: f32,
    /// The largest.
    pub high: f32,
}

impl Range {
    /// Of pictures in image space: black and white.
    pub const PICTURE: Range = Range { low: 0.0, high: 1.0 };
}

/// The picture that is to lose units, and the key of everything random about it.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The picture in image space: shape of the network's input.
    pub picture: &'a Tensor,
    /// What values it may take.
    pub range: Range,
    /// The value per channel that is 0 as input of the network.
    pub neutral: &'a [f32],
    /// Its units.
    pub units: &'a dyn Units,
    /// Seed of the experiment.
    pub seed: Seed,
    /// Id of the picture.
    pub image: &'a str,
    /// Number of the noise image, from 0.
    pub repeat: usize,
    /// Where statistics of the data set come from.
    pub data: &'a dyn Source,
}

/// Statistics of the data set.
pub trait Source: Sync {
    /// The same at every call. They are there if the perturbation [asks](Perturbation::asks_data).
    fn statistics(&self) -> &Statistics;
}

impl Source for Statistics {
    fn statistics(&self) -> &Statistics {
        self
    }
}

impl Site<'_> {
    /// The generator for `purpose` at `coordinates`, for this picture and repeat.
    fn rng(&self, purpose: &str, coordinates: &[u64]) -> KeyedRng {
        let key: Vec<u64> =
            std::iter::once(self.repeat as u64).chain(coordinates.iter().copied()).collect();
        self.seed.rng(purpose, self.image, &key)
    }

    /// Shape `(C, H, W)` of the picture, every pixel with these channels.
    fn plain(&self, colour: &[f32]) -> Tensor {
        let pixels = self.picture.shape.h * self.picture.shape.w;
        Tensor::new(self.picture.shape, colour.repeat(pixels))
    }
}

/// What takes the place of removed pixels, in image space.
pub enum Fill<'a> {
    /// *Local*: does not depend on which other units are gone. Removing a unit copies its pixels
    /// from this picture, which all methods and orders share.
    Local(Tensor),
    /// *Mask-dependent*: every step may change earlier fills.
    Masked(Box<dyn Masked + 'a>),
    /// *Left out*: nothing; the network is computed without the units.
    LeftOut,
}

/// A mask-dependent fill of one picture.
pub trait Masked: Send + Sync {
    /// Brings `current`, the picture without the pixels of `gone` outside `new`, up to date after those
    /// of `gone` inside `new` are gone too. What comes out is a pure function of `gone`, whatever the order
    /// in which its pixels disappeared: a call with `new` = the whole picture gives the same bits.
    fn update(&self, gone: &Mask, new: Rect, current: &mut Tensor);
}

/// All perturbations, in the order of `pixelflip list perturbations`; the first is the default.
pub const PERTURBATIONS: &[Entry<dyn Perturbation>] = &[
    uniform::ENTRY,
    dirichlet::ENTRY,
    constant::ENTRY,
    input_zero::ENTRY,
    mean_image::ENTRY,
    channel_mean::ENTRY,
    blur::ENTRY,
    permute::ENTRY,
    flip::ENTRY,
    nearest::ENTRY,
    road::ENTRY,
    inpaint::ENTRY,
    tokens::ENTRY,
];

/// The mean of each channel over the pixels of a picture.
fn colour(picture: &Tensor) -> Vec<f32> {
    let mut sums = vec![0.0f64; picture.shape.c];
    for pixel in picture.data.chunks_exact(picture.shape.c) {
        sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += f64::from(*v));
    }
    let pixels = (picture.shape.h * picture.shape.w) as f64;
    sums.into_iter().map(|sum| (sum / pixels) as f32).collect()
}
