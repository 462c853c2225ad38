//! Deletion and insertion (Petsiuk et al. 2018).

use super::{CurveMetric, Direction, Range, Trial};
use crate::{base::registry::Entry, order::Order};

/// Area under a curve of scores over the share of removed (deletion) or shown (insertion) regions, by
/// trapezoids with both ends, relative to the score of the untouched picture (Petsiuk et al. 2018).
/// Deletion reads the MoRF curve, lower is better. Insertion reads the LeRF curve from its end: the
/// most relevant regions come back last to first, so showing them in the order of relevance; higher is
/// better. It is the paper's when all regions are removed, else it covers the `L` steps there are.
/// Undefined where the score of the untouched picture is not positive. The paper watches the softmax
/// (`--score softmax`), in which the range is [0, 1] for an untouched score that is the largest.
#[derive(Clone, Copy, Debug)]
struct Rise(Order);

pub(super) const DELETION: Entry<dyn CurveMetric> = Entry {
    id: "deletion",
    summary: "area under the MoRF curve by trapezoids, relative to the untouched score",
    cite: "petsiuk2018rise",
    params: &[],
    build: |_| Ok(Box::new(Rise(Order::Morf))),
};

pub(super) const INSERTION: Entry<dyn CurveMetric> = Entry {
    id: "insertion",
    summary: "area under the LeRF curve read backwards (regions come back), relative likewise",
    cite: "petsiuk2018rise",
    params: &[],
    build: |_| Ok(Box::new(Rise(Order::Lerf))),
};

impl CurveMetric for Rise {
    fn direction(&self) -> Direction {
        match self.0 {
            Order::Morf => Direction::Lower,
            Order::Lerf => Direction::Higher,
        }
    }

    fn range(&self) -> Range {
        Range::ANY
    }

    fn along(&self, trial: &Trial<'_>) -> Option<Vec<f64>> {
        let curve = trial.own.curve(self.0)?;
        let first = f64::from(*curve.first()?);
        let relative = |areas: Vec<f64>| areas.into_iter().map(|a| a / first).collect();
        (first > 0.0).then(|| trial.stops.area(curve).map(relative))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Curves;

    #[test]
    fn areas_by_hand() {
        let own = Curves { morf: Some(&[4.0, 2.0, 1.0]), lerf: Some(&[4.0, 4.0, 2.0]), flip: None };
        let trial = Trial { own, ..Trial::default() };
        let close = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-15;
        // (2 + 2 + 0.5) / 2 / 4 and (2 + 4 + 1) / 2 / 4
        assert!(close(Rise(Order::Morf).value(&trial), 0.5625));
        assert!(close(Rise(Order::Lerf).value(&trial), 0.875));
    }

    #[test]
    fn a_score_that_is_not_positive_has_no_share() {
        let own = Curves { morf: Some(&[0.0, -2.0]), lerf: None, flip: None };
        assert_eq!(Rise(Order::Morf).value(&Trial { own, ..Trial::default() }), None);
    }
}
