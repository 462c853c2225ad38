//! Counts out of counts: how sure a share is, and whether two shares on the same pictures differ.

use super::{Interval, LEVEL};
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal};

/// A share of some pictures with its 95 % Wilson score interval (Wilson 1927).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proportion {
    /// Pictures with the property.
    pub count: usize,
    /// All pictures.
    pub of: usize,
}

impl Proportion {
    /// Of some pictures, those of which it is true.
    pub fn of(values: impl Iterator<Item = bool>) -> Proportion {
        let mut all = Proportion { count: 0, of: 0 };
        values.for_each(|value| all = all.and(value));
        all
    }

    fn and(self, value: bool) -> Proportion {
        Proportion { count: self.count + usize::from(value), of: self.of + 1 }
    }

    /// The share; `None` of no pictures.
    pub fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 / self.of as f64)
    }

    /// With `p = count / n` and the normal quantile `z`:
    /// `(p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)`; `None` of no pictures.
    pub fn wilson(self) -> Option<Interval> {
        let (p, n) = (self.share()?, self.of as f64);
        let z = Normal::standard().inverse_cdf(0.5 + LEVEL / 2.0);
        let middle = p + z * z / (2.0 * n);
        let reach = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let size = 1.0 + z * z / n;
        // at the ends rounding may leave a little more or less than nothing
        let lo = if self.count == 0 { 0.0 } else { (middle - reach) / size };
        let hi = if self.count == self.of { 1.0 } else { (middle + reach) / size };
        Some(Interval { lo, hi })
    }
}

/// Two-sided exact p-value of McNemar's test: `first` pictures have only the one property, `second` only the other;
/// those with both or neither say nothing. `None` without any.
pub fn mcnemar(first: usize, second: usize) -> Option<f64> {
    let all = (first + second) as u64;
    let coin = (all > 0).then(|| Binomial::new(0.5, all).expect("a fair coin"))?;
    Some((2.0 * coin.cdf(first.min(second) as u64)).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::study_cases;

    #[test]
    fn wilson_intervals_are_those_of_statsmodels() {
        for case in study_cases("wilson") {
            let number = |key: &str| case[key].as_u64().unwrap() as usize;
            let found = Proportion { count: number("count"), of: number("of") }.wilson().unwrap();
            for (found, key) in [(found.lo, "lo"), (found.hi, "hi")] {
                let expected = case[key].as_f64().unwrap();
                assert!((found - expected).abs() < 1e-12, "{case}: {found}");
            }
        }
        assert_eq!(Proportion { count: 0, of: 0 }.wilson(), None);
    }

    #[test]
    fn the_exact_test_is_that_of_statsmodels() {
        for case in study_cases("mcnemar") {
            let number = |key: &str| case[key].as_u64().unwrap() as usize;
            let found = mcnemar(number("first"), number("second")).unwrap();
            assert!((found - case["p"].as_f64().unwrap()).abs() < 1e-12, "{case}: {found}");
        }
        assert_eq!(mcnemar(0, 0), None);
    }
}
