//! Area over the perturbation curve.

use super::{
    CurveMetric, Direction, ORDER, Range, Stops, Trial, direction_of_fall, order, worthless_fall,
};
use crate::{base::registry::Entry, order::Order};

/// `AOPC_L = 1/(L+1) * sum_{k=0..L} (f(x^0) - f(x^k))` (Samek et al. 2017, eq. 11).
///
/// The term `k = 0` adds nothing and counts in the divisor. The mean over pictures is left to the
/// statistics. Range: that of the score.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `order` | `morf` | which curve is read: `morf` (higher is better) or `lerf` (lower is better) |
#[derive(Clone, Copy, Debug)]
pub struct Aopc(
    /// Which curve is read.
    pub Order,
);

pub(super) const ENTRY: Entry<dyn CurveMetric> = Entry {
    id: "aopc",
    summary: "area over the perturbation curve: mean fall of the score over steps 0 to L",
    cite: "samek2017evaluating",
    params: &[ORDER],
    build: |args| Ok(Box::new(Aopc(order(args)))),
};

impl CurveMetric for Aopc {
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
        trial.own.curve(self.0).map(|curve| aopc(curve, trial.stops))
    }
}

pub(super) fn aopc(curve: &[f32], stops: Stops<'_>) -> Vec<f64> {
    let first = curve.first().map_or(0.0, |&v| f64::from(v));
    stops.running_mean(curve.iter().map(|&v| first - f64::from(v)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Curves;

    #[test]
    fn every_l_by_hand() {
        // falls by 0, 1, 3, 2: running sums 0, 1, 4, 6
        let own = Curves { morf: Some(&[5.0, 4.0, 2.0, 3.0]), lerf: None, flip: None };
        let along = Aopc(Order::Morf).along(&Trial { own, ..Trial::default() }).unwrap();
        let expected = [0.0, 1.0 / 2.0, 4.0 / 3.0, 6.0 / 4.0];
        assert!(along.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{along:?}");
        assert_eq!(Aopc(Order::Lerf).along(&Trial { own, ..Trial::default() }), None);
    }

    #[test]
    fn nothing_removed_is_no_fall() {
        let own = Curves { morf: Some(&[5.0]), lerf: None, flip: None };
        assert_eq!(Aopc(Order::Morf).value(&Trial { own, ..Trial::default() }), Some(0.0));
    }
}
