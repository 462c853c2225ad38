//! Where a climb begins.

use crate::{
    base::rng::{Seed, normal_pair},
    nn::tensor::Tensor,
};

/// A start with noise: normal draws of standard deviation `sigma` around `from`, keyed by class and restart, within
/// bounds.
pub fn noisy(
    from: &Tensor,
    sigma: f64,
    seed: Seed,
    (class, restart): (Option<usize>, usize),
    bounds: Option<(f32, f32)>,
) -> Tensor {
    let key = [class.map_or(u64::MAX, |c| c as u64), restart as u64];
    let mut rng = seed.rng("start", "prototype", &key);
    let mut out = from.clone();
    for pair in out.data.chunks_mut(2) {
        let draws = normal_pair(&mut rng);
        pair.iter_mut().zip(draws).for_each(|(v, draw)| *v = (f64::from(*v) + sigma * draw) as f32);
    }
    if let Some((low, high)) = bounds {
        out.data.iter_mut().for_each(|v| *v = v.clamp(low, high));
    }
    out
}
