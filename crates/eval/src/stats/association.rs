//! Do two numbers of the same things go together?

use super::{Interval, LEVEL};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Pearson's correlation with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Association {
    /// The correlation, in [-1, 1].
    pub r: f64,
    /// Fisher's interval: `tanh(artanh r -+ z / sqrt(n - 3))`; `None` of fewer than four pairs.
    pub interval: Option<Interval>,
    /// Two-sided p-value of the t-test of no correlation; `None` of two pairs.
    pub p: Option<f64>,
    /// Pairs.
    pub n: usize,
}

impl Association {
    /// Of pairs; `None` where there are fewer than two or one side is constant.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Association> {
        let n = pairs.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
        let (x, y) = (mean(|p| p.0), mean(|p| p.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
            pairs.iter().map(|p| of(p.0 - x, p.1 - y)).sum()
        };
        let size = sum(&|a, _| a * a).sqrt() * sum(&|_, b| b * b).sqrt();
        let r = (pairs.len() >= 2 && size > 0.0).then(|| sum(&|a, b| a * b) / size)?;
        let r = r.clamp(-1.0, 1.0);
        Some(Association { r, interval: fisher(r, n), p: p_value(r, n), n: pairs.len() })
    }
}

fn fisher(r: f64, n: f64) -> Option<Interval> {
    let z = Normal::standard().inverse_cdf(0.5 + LEVEL / 2.0);
    (n > 3.0).then(|| {
        let reach = z / (n - 3.0).sqrt();
        Interval { lo: (r.atanh() - reach).tanh(), hi: (r.atanh() + reach).tanh() }
    })
}

fn p_value(r: f64, n: f64) -> Option<f64> {
    if n < 3.0 {
        return None;
    }
    if r.abs() >= 1.0 {
        return Some(0.0);
    }
    let t = r.abs() * ((n - 2.0) / (1.0 - r * r)).sqrt();
    let student = StudentsT::new(0.0, 1.0, n - 2.0).expect("at least one degree of freedom");
    Some(2.0 * student.cdf(-t))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::{numbers, study_cases};

    #[test]
    fn correlations_and_their_intervals_are_those_of_scipy() {
        for case in study_cases("pearson") {
            let pairs: Vec<(f64, f64)> =
                numbers(&case["x"]).into_iter().zip(numbers(&case["y"])).collect();
            let found = Association::of(&pairs).unwrap();
            let close = |found: f64, key: &str| (found - case[key].as_f64().unwrap()).abs() < 1e-9;
            assert!(close(found.r, "r") && close(found.p.unwrap(), "p"), "{case}: {found:?}");
            let interval = found.interval.unwrap();
            assert!(close(interval.lo, "lo") && close(interval.hi, "hi"), "{case}: {found:?}");
        }
    }

    #[test]
    fn too_few_pairs_have_no_interval_and_constants_no_correlation() {
        let three = Association::of(&[(0.0, 1.0), (1.0, 0.5), (2.0, 0.7)]).unwrap();
        assert!(three.interval.is_none() && three.p.is_some());
        assert_eq!(Association::of(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(Association::of(&[(1.0, 2.0)]), None);
    }
}
