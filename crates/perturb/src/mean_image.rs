//! The mean of the data set, location by location.

use super::{Fill, Perturbation, Site};
use crate::base::registry::Entry;

/// Every removed pixel becomes the mean over the pictures of the data set at its location (the
/// "constant" perturbation of Samek et al. 2017, appendix). The mean is taken over a fixed random
/// sample of the set, see [`Statistics`](super::Statistics).
#[derive(Debug)]
struct MeanImage;

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "mean-image",
    summary: "the mean over the data set at each location",
    cite: "samek2017evaluating",
    params: &[],
    build: |_| Ok(Box::new(MeanImage)),
};

impl Perturbation for MeanImage {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        Fill::Local(site.data.statistics().mean.clone())
    }

    fn asks_data(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{SET, local, ramp};

    #[test]
    fn the_fill_is_the_mean_of_the_set_whatever_the_picture() {
        let picture = ramp();
        assert_eq!(local("mean-image", &picture, 0), SET.mean);
        assert_eq!(local("mean-image", &picture.map(|v| 1.0 - v), 3), SET.mean);
    }
}
