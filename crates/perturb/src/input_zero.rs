//! The colour that the network sees as 0.

use super::{Fill, Perturbation, Site};
use crate::base::registry::Entry;

/// Every removed pixel becomes the colour whose values are 0 after scaling, mean and deviation: the mean colour of
/// the network's normalisation. What papers call pixels set to zero *after* normalisation; before it, that is
/// `constant:value=0`.
#[derive(Debug)]
struct InputZero;

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "input-zero",
    summary: "the colour that is 0 as input of the network: the mean of its normalisation",
    cite: "achtibat2024attnlrp",
    params: &[],
    build: |_| Ok(Box::new(InputZero)),
};

impl Perturbation for InputZero {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        Fill::Local(site.plain(site.neutral))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{NEUTRAL, local, ramp};

    #[test]
    fn every_pixel_has_the_colour_that_is_zero() {
        let fill = local("input-zero", &ramp(), 0);
        assert!(fill.data.chunks(3).all(|pixel| pixel == NEUTRAL));
    }
}
