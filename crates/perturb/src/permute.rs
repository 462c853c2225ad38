//! The region's own pixels, shuffled.

use super::{Fill, Perturbation, Site};
use crate::base::{registry::Entry, rng::permutation};

/// The pixels of a region change places at random, each with all its channels: colours stay,
/// structure goes. Every region has a permutation of its own.
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
        for region in site.grid.regions() {
            let rect = site.grid.rect(region);
            let mut pixels = vec![0.0; rect.area() * channels];
            site.picture.read(rect, &mut pixels);
            let order = permutation(&mut site.rng("permute", &[u64::from(region.0)]), rect.area());
            let shuffled: Vec<f32> =
                order.iter().flat_map(|i| &pixels[i * channels..][..channels]).copied().collect();
            fill.write(rect, &shuffled);
        }
        Fill::Local(fill)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{grid, local, ramp};

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
        for region in grid(&picture).regions() {
            assert_eq!(sorted(&fill, region), sorted(&picture, region));
        }
    }

    #[test]
    fn every_repeat_shuffles_anew() {
        assert_ne!(local("permute", &ramp(), 0), local("permute", &ramp(), 1));
    }
}
