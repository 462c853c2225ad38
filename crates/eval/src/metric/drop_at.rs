//! Fall of the score after a given number of steps.

use super::{CurveMetric, Direction, Drop, ORDER, Range, Trial, order};
use crate::base::registry::{Entry, Kind, Param};

/// `f(x^0) - f(x^k)` for one `k`; undefined for shorter curves. Compares runs of different length.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `k` | 10 | removed regions, at least 1 |
/// | `order` | `morf` | which curve is read: `morf` (higher is better) or `lerf` (lower is better) |
#[derive(Clone, Copy, Debug)]
struct DropAt {
    k: usize,
    whole: Drop,
}

pub(super) const ENTRY: Entry<dyn CurveMetric> = Entry {
    id: "drop-at",
    summary: "fall of the score after k removed regions",
    cite: "bach2015pixel",
    params: &[
        Param {
            key: "k",
            default: "10",
            kind: Kind::Integer { min: 1, max: 1_000_000 },
            help: "removed regions",
        },
        ORDER,
    ],
    build: |args| Ok(Box::new(DropAt { k: args.usize("k"), whole: Drop(order(args)) })),
};

impl CurveMetric for DropAt {
    fn direction(&self) -> Direction {
        self.whole.direction()
    }

    fn range(&self) -> Range {
        Range::ANY
    }

    fn worthless(&self) -> Option<&'static str> {
        self.whole.worthless()
    }

    fn along(&self, trial: &Trial<'_>) -> Option<Vec<f64>> {
        let all = self.whole.along(trial)?;
        let point = trial.stops.point(self.k)?;
        let value = *all.get(point)?;
        Some(all.into_iter().take(point).chain([value]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metric::Curves, order::Order};

    #[test]
    fn it_is_the_fall_at_step_k() {
        let own = Curves { morf: Some(&[5.0, 4.0, 6.5]), ..Curves::default() };
        let trial = Trial { own, ..Trial::default() };
        let at = |k| DropAt { k, whole: Drop(Order::Morf) }.value(&trial);
        assert_eq!((at(1), at(2), at(3)), (Some(1.0), Some(-1.5), None));
    }
}
