//! Symmetric relevance gain.

use super::{CurveMetric, Direction, Range, Trial};
use crate::base::registry::Entry;

/// `SRG_L`: area under the LeRF curve minus that under the MoRF curve, by trapezoids over the share of
/// the `L` steps (Blücher et al. 2024). Like ABPC with the first and last step counted half and the
/// divisor `L`. Higher is better; 0 for an order that is no better than its reverse.
#[derive(Clone, Copy, Debug)]
struct Srg;

pub(super) const ENTRY: Entry<dyn CurveMetric> = Entry {
    id: "srg",
    summary: "symmetric relevance gain: trapezoid area between the LeRF and the MoRF curve",
    cite: "bluecher2024decoupling",
    params: &[],
    build: |_| Ok(Box::new(Srg)),
};

impl CurveMetric for Srg {
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
        let below = trial.stops.area(morf)?;
        Some(trial.stops.area(lerf)?.iter().zip(below).map(|(a, b)| a - b).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Curves;

    #[test]
    fn by_hand() {
        let own = Curves { morf: Some(&[5.0, 2.0, 1.0]), lerf: Some(&[5.0, 4.5, 3.0]), flip: None };
        // areas (5/2 + 2 + 1/2) / 2 and (5/2 + 4.5 + 3/2) / 2
        let value = Srg.value(&Trial { own, ..Trial::default() }).unwrap();
        assert!((value - (4.25 - 2.5)).abs() < 1e-15);
    }
}
