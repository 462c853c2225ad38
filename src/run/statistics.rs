//! Statistics of the data set, for perturbations that imitate its pictures.

use crate::{
    base::rng::{Seed, permutation},
    data::Dataset,
    nn::preprocess::Preprocess,
    perturb::{Gather, Statistics},
};

/// Pictures that are looked at, where there are as many.
pub(super) const SAMPLE: usize = 1000;

/// Statistics of a random sample of the usable pictures. The sample depends neither on the seed of
/// the experiment nor on which pictures it uses, so every part of it sees the same ones.
///
/// Works on one thread: it may be called from within a task of a pool, whose other tasks wait.
pub(super) fn gather(data: &dyn Dataset, preprocess: &Preprocess) -> Statistics {
    let mut gather = Gather::new(preprocess.input());
    for i in permutation(&mut Seed(0).rng("statistics", "", &[]), data.len()) {
        if gather.pictures() == SAMPLE {
            break;
        }
        let picture = data.item(i).ok().and_then(|item| preprocess.picture(&item.image).ok());
        if let Some(picture) = picture {
            gather.add(&picture);
        }
    }
    gather.finish()
}
