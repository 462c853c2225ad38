//! Fall of the score.

use super::{
    CurveMetric, Direction, ORDER, Range, Trial, direction_of_fall, order, worthless_fall,
};
use crate::{base::registry::Entry, order::Order};

/// `f(x^0) - f(x^L)`: how far the score has fallen after `L` removed regions. AOPC is its mean over
/// `L`.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `order` | `morf` | which curve is read: `morf` (higher is better) or `lerf` (lower is better) |
#[derive(Clone, Copy, Debug)]
pub struct Drop(
    /// Which curve is read.
    pub Order,
);

pub(super) const ENTRY: Entry<dyn CurveMetric> = Entry {
    id: "drop",
    summary: "fall of the score after L removed regions",
    cite: "bach2015pixel",
    params: &[ORDER],
    build: |args| Ok(Box::new(Drop(order(args)))),
};

impl CurveMetric for Drop {
    fn direction(&self) -> Direction {
        direction_of_fall(self.0)
    }

    fn range(&self) -> Range {
        Range::ANY
    }

    fn worthless(&self) -> Option<&'static str> {
        worthless_fall(self.0)
    }

    fn along(&self, trial: &Trial<'_>) -> Option<Vec<f64>> {
        let curve = trial.own.curve(self.0)?;
        let first = f64::from(*curve.first()?);
        Some(curve.iter().map(|&v| first - f64::from(v)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Curves;

    #[test]
    fn the_fall_at_every_step_by_hand() {
        let own = Curves { morf: None, lerf: Some(&[5.0, 4.0, 6.5]), flip: None };
        let trial = Trial { own, ..Trial::default() };
        assert_eq!(Drop(Order::Lerf).along(&trial), Some(vec![0.0, 1.0, -1.5]));
        assert_eq!(Drop(Order::Morf).along(&trial), None);
    }
}
