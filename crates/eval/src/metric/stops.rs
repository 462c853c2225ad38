//! Curves of which not every step is known: the score after some numbers of removed units.
//!
//! Metrics are sums over all numbers of removed units, 0 to L. Between two stops the score is taken to lie on
//! the straight line between them, so a metric over stops estimates the metric over all steps, whatever the
//! stops are; with a stop after every unit it is that metric itself.

/// How many units are gone at each point of a curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stops<'a> {
    /// 0, 1, 2, ...: the score is known after every unit.
    #[default]
    Each,
    /// So many, 0 first, ascending.
    At(&'a [u32]),
}

impl Stops<'_> {
    /// Units that are gone at a point.
    pub fn gone(&self, point: usize) -> usize {
        match self {
            Stops::Each => point,
            Stops::At(gone) => gone[point] as usize,
        }
    }

    /// The point at which so many units are gone.
    pub fn point(&self, gone: usize) -> Option<usize> {
        match self {
            Stops::Each => Some(gone),
            Stops::At(all) => all.iter().position(|n| *n as usize == gone),
        }
    }

    /// Units that go between the point before and this one, which is not the first.
    fn gap(&self, point: usize) -> usize {
        self.gone(point) - self.gone(point - 1)
    }

    /// `1/(L+1) * sum_{k=0..L} term_k` for the `L` of every point, in double precision; `terms` are those of
    /// the points.
    pub(super) fn running_mean(&self, terms: impl Iterator<Item = f64>) -> Vec<f64> {
        let (mut sum, mut last) = (0.0, 0.0);
        let point = |(point, term): (usize, f64)| {
            sum += match point {
                0 => term,
                _ => along_the_line(last, term, self.gap(point)),
            };
            last = term;
            sum / (self.gone(point) as f64 + 1.0)
        };
        terms.enumerate().map(point).collect()
    }

    /// Mean height under the curve by trapezoids, up to each point; at the first the value itself. `None`
    /// for a curve without values.
    pub(super) fn area(&self, curve: &[f32]) -> Option<Vec<f64>> {
        let mut last = f64::from(*curve.first()?);
        let mut areas = vec![last];
        let mut sum = 0.0;
        for (point, v) in curve.iter().enumerate().skip(1) {
            sum += self.gap(point) as f64 * f64::midpoint(last, f64::from(*v));
            last = f64::from(*v);
            areas.push(sum / self.gone(point) as f64);
        }
        Some(areas)
    }
}

/// The sum over the line that begins at `from`, which does not count, and ends at `to` after `gap` steps.
fn along_the_line(from: f64, to: f64, gap: usize) -> f64 {
    match gap {
        1 => to,
        _ => gap as f64 * from + (to - from) * (gap as f64 + 1.0) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::registry::build,
        metric::{Curves, METRICS, Trial},
    };

    #[test]
    fn sums_between_stops_are_those_of_the_straight_line() {
        // 2, then 4 units on to 10: 4, 6, 8, 10
        assert!((along_the_line(2.0, 10.0, 4) - 28.0).abs() < 1e-15);
        assert!((along_the_line(2.0, 10.0, 1) - 10.0).abs() < 1e-15);
        let stops = Stops::At(&[0, 1, 5]);
        let found = stops.running_mean([0.0, 2.0, 10.0].into_iter());
        assert_eq!(found, [0.0, 1.0, 30.0 / 6.0]);
        // (0.5 * (8 + 6) + 4 * 0.5 * (6 + 2)) / 5
        assert_eq!(stops.area(&[8.0, 6.0, 2.0]), Some(vec![8.0, 7.0, 23.0 / 5.0]));
    }

    fn trial<'a>(curves: &'a [Vec<f32>; 4], flip: usize, stops: Stops<'a>) -> Trial<'a> {
        let [morf, lerf, other, otherwise] = curves.each_ref().map(|curve| Some(&curve[..]));
        let own = Curves { morf, lerf, flip: Some(flip) };
        Trial { own, random: Curves { morf: other, lerf: otherwise, flip: None }, stops }
    }

    /// A curve that is straight between its stops has by every metric the value of all its steps.
    #[test]
    fn metrics_over_stops_are_those_of_the_straight_lines_between_them() {
        let at = [0u32, 3, 4, 10, 16];
        let value = |of: [f32; 5], k: u32| {
            let b = at.iter().position(|n| *n >= k).unwrap();
            if at[b] == k {
                return of[b];
            }
            let share = (k - at[b - 1]) as f32 / (at[b] - at[b - 1]) as f32;
            of[b - 1] + share * (of[b] - of[b - 1])
        };
        let curves = [
            [12.0, 6.0, 5.0, 8.0, 2.0],
            [12.0, 12.0, 11.0, 5.0, 2.0],
            [12.0, 9.0, 9.0, 6.0, 3.0],
            [12.0, 9.0, 10.0, 7.0, 4.0],
        ];
        let all = curves.map(|of| (0..=16).map(|k| value(of, k)).collect::<Vec<f32>>());
        let curves = curves.map(Vec::from);
        // the class flips at the third stop, after four units
        let each = trial(&all, 4, Stops::Each);
        let some = trial(&curves, 2, Stops::At(&at));
        for entry in METRICS {
            let spec = if entry.id == "drop-at" { "drop-at:k=4" } else { entry.id };
            let metric = build("metric", METRICS, &spec.parse().unwrap()).unwrap().value;
            let (each, some) = (metric.along(&each).unwrap(), metric.along(&some).unwrap());
            for (point, gone) in at.iter().enumerate().take(some.len()) {
                let expected = each[(*gone as usize).min(each.len() - 1)];
                assert!(
                    (some[point] - expected).abs() < 1e-5,
                    "{spec} after {gone}: {some:?}, {expected}"
                );
            }
        }
    }

    #[test]
    fn what_lies_between_stops_is_not_known() {
        let own = Curves { morf: Some(&[5.0, 4.0, 2.0]), lerf: None, flip: None };
        let trial = Trial { own, stops: Stops::At(&[0, 2, 5]), ..Trial::default() };
        let at = |k: usize| {
            let spec = format!("drop-at:k={k}").parse().unwrap();
            build("metric", METRICS, &spec).unwrap().value.value(&trial)
        };
        assert_eq!([at(2), at(3), at(5), at(6)], [Some(1.0), None, Some(3.0), None]);
    }
}
