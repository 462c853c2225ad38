//! Statistics of the data set, for perturbations that imitate its pictures.

use super::PlanError;
use crate::{
    base::{
        hex,
        rng::{Seed, permutation},
    },
    data::Dataset,
    nn::preprocess::Preprocess,
    perturb::{Gather, Statistics},
    stop::Stop,
};
use sha2::{Digest as _, Sha256};

/// Pictures that are looked at, where there are as many.
pub(super) const SAMPLE: usize = 1000;

/// Statistics of a random sample of the usable pictures. The sample depends neither on the seed of
/// the experiment nor on which pictures it uses, so every part of it sees the same ones. A picture that
/// cannot be read just now is an error: without it the numbers would be others.
pub(super) fn gather(
    data: &dyn Dataset,
    preprocess: &Preprocess,
    stop: &Stop,
) -> Result<Statistics, PlanError> {
    let mut gather = Gather::new(preprocess.input());
    for i in permutation(&mut Seed(0).rng("statistics", "", &[]), data.len()) {
        if gather.pictures() == SAMPLE {
            break;
        }
        if stop.is_now() {
            return Err(PlanError::Stopped);
        }
        match data.item(i) {
            Ok(item) => preprocess.picture(&item.image).iter().for_each(|p| gather.add(p)),
            Err(source) if source.is_momentary() => {
                let what = "the statistics of the data set, which the perturbation needs,";
                return Err(PlanError::Unread { what, source });
            }
            Err(_) => (),
        }
    }
    Ok(gather.finish())
}

/// Digest of statistics, for what tells one run from another.
pub(super) fn digest(statistics: &Statistics) -> String {
    let Statistics { mean, pixels } = statistics;
    let mut hash = Sha256::new();
    mean.data.iter().for_each(|v| hash.update(v.to_bits().to_le_bytes()));
    let moments = pixels.means.iter().chain([&pixels.variance]);
    moments.for_each(|v| hash.update(v.to_bits().to_le_bytes()));
    hex(&hash.finalize())
}
