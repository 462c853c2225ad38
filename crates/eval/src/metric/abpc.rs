//! Area between the perturbation curves.

use super::{CurveMetric, Direction, Range, Trial};
use crate::base::registry::Entry;

/// `ABPC_L = 1/(L+1) * sum_{k=0..L} (f(x^k_LeRF) - f(x^k_MoRF))` (Samek et al. 2017, eq. 13).
///
/// The figures printed in the paper look like sums without the divisor; `abpc-sum` gives those.
/// Higher is better; 0 for an order that is no better than its reverse. Over all regions both
/// curves end at the same picture.
#[derive(Clone, Copy, Debug)]
pub struct Abpc {
    /// Leave out the divisor `L + 1`.
    pub sum: bool,
}

pub(super) const ENTRY: Entry<dyn CurveMetric> = Entry {
    id: "abpc",
    summary: "area between the LeRF and the MoRF curve: mean distance over steps 0 to L",
    cite: "samek2017evaluating",
    params: &[],
    build: |_| Ok(Box::new(Abpc { sum: false })),
};

pub(super) const SUM: Entry<dyn CurveMetric> = Entry {
    id: "abpc-sum",
    summary: "ABPC without the divisor L + 1: sum of the distances over steps 0 to L",
    cite: "samek2017evaluating",
    params: &[],
    build: |_| Ok(Box::new(Abpc { sum: true })),
};

impl CurveMetric for Abpc {
    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn range(&self) -> Range {
        Range::ANY
    }

    fn worthless(&self) -> Option<&'static str> {
        Some("the score falls as far when the least relevant regions are removed first")
    }

    fn along(&self, trial: &Trial<'_>) -> Option<Vec<f64>> {
        let (morf, lerf) = (trial.own.morf?, trial.own.lerf?);
        if morf.len() != lerf.len() {
            return None;
        }
        let distance = |(&m, &l): (&f32, &f32)| f64::from(l) - f64::from(m);
        let mean = trial.stops.running_mean(morf.iter().zip(lerf).map(distance));
        let factor = |k| if self.sum { trial.stops.gone(k) as f64 + 1.0 } else { 1.0 };
        Some(mean.iter().enumerate().map(|(k, v)| v * factor(k)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Curves;

    #[test]
    fn mean_and_sum_by_hand() {
        let own = Curves { morf: Some(&[5.0, 2.0, 1.0]), lerf: Some(&[5.0, 4.5, 3.0]), flip: None };
        let trial = Trial { own, ..Trial::default() };
        // distances 0, 2.5, 2
        let close = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-15;
        assert!(close(Abpc { sum: false }.value(&trial), 1.5));
        assert!(close(Abpc { sum: true }.value(&trial), 4.5));
        assert_eq!(Abpc { sum: true }.along(&trial).unwrap()[..2], [0.0, 2.5]);
    }

    #[test]
    fn one_order_alone_has_no_area_between() {
        let own = Curves { morf: Some(&[5.0, 2.0]), lerf: None, flip: None };
        assert_eq!(Abpc { sum: false }.value(&Trial { own, ..Trial::default() }), None);
    }
}
