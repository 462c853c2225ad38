//! The critical-difference diagram (Demsar 2006) without its looks: what stands where, for every renderer.

use crate::eval::stats::friedman::{Friedman, cliques};

/// Methods by their mean ranks, the best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    /// Numbers of the methods, as in the test.
    pub order: Vec<usize>,
    /// Their mean ranks, ascending.
    pub ranks: Vec<f64>,
    /// Places (first and last) of the methods that cannot be told apart.
    pub bars: Vec<(usize, usize)>,
    /// Mean ranks further apart than this differ.
    pub difference: f64,
}

/// Where the name of a method stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rung {
    /// Number of the method.
    pub method: usize,
    /// Its mean rank.
    pub rank: f64,
    /// Left of the axis, or right of it.
    pub is_left: bool,
    /// Its row, counted from above.
    pub row: usize,
}

impl Ladder {
    /// What a Friedman test says of its methods.
    pub fn of(test: &Friedman) -> Ladder {
        let mut order: Vec<usize> = (0..test.mean_ranks.len()).collect();
        order.sort_by(|&a, &b| test.mean_ranks[a].total_cmp(&test.mean_ranks[b]));
        let ranks: Vec<f64> = order.iter().map(|&j| test.mean_ranks[j]).collect();
        let difference = test.critical_difference;
        Ladder { bars: cliques(&ranks, difference), order, ranks, difference }
    }

    /// All methods with the best `on_the_left` on the left: there from above, on the right from below, so that no line
    /// to a name crosses another.
    pub fn rungs(&self, on_the_left: usize) -> impl Iterator<Item = Rung> {
        let count = self.order.len();
        self.order.iter().zip(&self.ranks).enumerate().map(move |(k, (&method, &rank))| {
            let is_left = k < on_the_left;
            Rung { method, rank, is_left, row: if is_left { k } else { count - 1 - k } }
        })
    }
}

/// Ranks with a number at their tick when one rank takes `unit`: all where there is room for `gap`, else the first and
/// round ones.
pub fn numbered(count: usize, unit: f64, gap: f64) -> Vec<usize> {
    let fits = |step: &usize| unit * *step as f64 >= gap;
    let step = [1, 5, 10, 20, 50].into_iter().find(fits).unwrap_or(100);
    let is_apart = |rank: &usize| rank.is_multiple_of(step) && unit * (*rank as f64 - 1.0) >= gap;
    std::iter::once(1).chain((2..=count).filter(is_apart)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_left_from_above_and_right_from_below() {
        let ladder = Ladder {
            order: vec![2, 0, 3, 1],
            ranks: vec![1.25, 1.5, 3.0, 4.0],
            bars: vec![(0, 1)],
            difference: 0.5,
        };
        let places: Vec<_> = ladder.rungs(2).map(|r| (r.method, r.is_left, r.row)).collect();
        assert_eq!(places, [(2, true, 0), (0, true, 1), (3, false, 1), (1, false, 0)]);
        assert!(ladder.rungs(4).all(|rung| rung.is_left));
    }

    #[test]
    fn numbers_at_the_axis_do_not_run_together() {
        for (width, gap) in [(300.0, 24.0), (102.0, 20.0), (600.0, 20.0)] {
            for count in 2..80 {
                let unit = width / (f64::from(count) - 1.0);
                let found = numbered(count as usize, unit, gap);
                let is_apart = |w: &[usize]| unit * (w[1] - w[0]) as f64 >= gap;
                assert!(found.windows(2).all(is_apart), "{found:?}");
            }
        }
        assert_eq!(numbered(4, 100.0, 24.0), [1, 2, 3, 4]);
        assert_eq!(numbered(20, 300.0 / 19.0, 24.0), [1, 5, 10, 15, 20]);
    }
}
