//! The unit's own pixels, shuffled.

use super::{Fill, Perturbation, Site};
use crate::base::{geom::Rect, registry::Entry, rng::permutation, unit::Patch};

/// The pixels of a unit change places at random, each with all its channels: colours stay,
/// structure goes. Every unit has a permutation of its own.
#[derive(Debug)]
struct Permute;

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "permute",
    summary: "the pixels of the region in random order",
    cite: "",
    params: &[],
    build: |_| Ok(Box::new(Permute)),
};

impl Perturbation for Permute {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        let channels = site.picture.shape.c;
        let mut fill = site.picture.clone();
        for unit in site.units.ids() {
            let patch = site.units.patch(unit);
            let mut pixels = vec![0.0; patch.area() * channels];
            parts(&patch, &mut pixels, channels, |rect, pixels| site.picture.read(rect, pixels));
            let order = permutation(&mut site.rng("permute", &[u64::from(unit.0)]), patch.area());
            let mut shuffled: Vec<f32> =
                order.iter().flat_map(|i| &pixels[i * channels..][..channels]).copied().collect();
            parts(&patch, &mut shuffled, channels, |rect, pixels| fill.write(rect, pixels));
        }
        Fill::Local(fill)
    }
}

/// The pixels of a unit, part by part.
fn parts(
    patch: &Patch<'_>,
    mut pixels: &mut [f32],
    channels: usize,
    mut each: impl FnMut(Rect, &mut [f32]),
) {
    for part in patch.parts() {
        let (own, rest) = pixels.split_at_mut(part.area() * channels);
        each(*part, own);
        pixels = rest;
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        base::unit::Units,
        testing::{grid, local, ramp},
    };

    #[test]
    fn a_region_keeps_its_pixels_and_their_channels() {
        let picture = ramp();
        let fill = local("permute", &picture, 0);
        assert_ne!(fill, picture);
        let sorted = |tensor: &crate::nn::tensor::Tensor, region| {
            let rect = grid(&picture).rect(region);
            let mut values = vec![0.0; rect.area() * 3];
            tensor.read(rect, &mut values);
            let mut pixels: Vec<Vec<u32>> =
                values.chunks(3).map(|p| p.iter().map(|v| v.to_bits()).collect()).collect();
            pixels.sort();
            pixels
        };
        for region in grid(&picture).ids() {
            assert_eq!(sorted(&fill, region), sorted(&picture, region));
        }
    }

    #[test]
    fn every_repeat_shuffles_anew() {
        assert_ne!(local("permute", &ramp(), 0), local("permute", &ramp(), 1));
    }
}
