//! How much better than chance.

use super::{CurveMetric, Direction, ORDER, Range, Trial, aopc::aopc, direction_of_fall, order};
use crate::{base::registry::Entry, order::Order};

/// AOPC of the method minus AOPC of the random order, on the same picture under the same noise
/// (Samek et al. 2017, fig. 4), for every `L`.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `order` | `morf` | which curves are read: `morf` (higher is better) or `lerf` (lower is better) |
#[derive(Clone, Copy, Debug)]
pub struct RelativeAopc(
    /// Which curves are read.
    pub Order,
);

pub(super) const ENTRY: Entry<dyn CurveMetric> = Entry {
    id: "relative-aopc",
    summary: "AOPC minus that of the random order, picture by picture",
    cite: "samek2017evaluating",
    params: &[ORDER],
    build: |args| Ok(Box::new(RelativeAopc(order(args)))),
};

impl CurveMetric for RelativeAopc {
    fn direction(&self) -> Direction {
        direction_of_fall(self.0)
    }

    fn range(&self) -> Range {
        Range::ANY
    }

    fn worthless(&self) -> Option<&'static str> {
        let meaning = "the score falls as far when regions are removed at random";
        (self.0 == Order::Morf).then_some(meaning)
    }

    fn along(&self, trial: &Trial<'_>) -> Option<Vec<f64>> {
        let (own, random) = (trial.own.curve(self.0)?, trial.random.curve(self.0)?);
        let of = |curve| aopc(curve, trial.stops);
        let difference = || of(own).iter().zip(of(random)).map(|(a, b)| a - b).collect();
        (own.len() == random.len()).then(difference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Curves, Stops};

    #[test]
    fn the_difference_by_hand() {
        let own = Curves { morf: Some(&[5.0, 4.0, 2.0]), lerf: None, flip: None };
        let random = Curves { morf: Some(&[5.0, 5.0, 4.0]), lerf: None, flip: None };
        let value =
            RelativeAopc(Order::Morf).value(&Trial { own, random, stops: Stops::Each }).unwrap();
        // (0 + 1 + 3) / 3 - (0 + 0 + 1) / 3
        assert!((value - 1.0).abs() < 1e-15);
    }

    #[test]
    fn curves_of_different_length_are_not_compared() {
        let own = Curves { morf: Some(&[5.0, 4.0, 2.0]), lerf: None, flip: None };
        let random = Curves { morf: Some(&[5.0, 5.0]), lerf: None, flip: None };
        assert_eq!(
            RelativeAopc(Order::Morf).value(&Trial { own, random, stops: Stops::Each }),
            None
        );
    }
}
