//! Numbers that are equal up to rounding.

/// Means that differ by less than this share of the values they were computed from are equal. Sums of
/// thousands of terms in double precision are good to about 1e-14; scores in single precision, averaged
/// over a hundred steps and ten repeats, differ by 6e-11 of their size or not at all.
pub const TOLERANCE: f64 = 1e-12;

/// `values` (finite), where those that differ by rounding only are the same number. Values within their
/// `slack` (by position) of 0 are 0. The others form groups: in ascending order each belongs to the group of
/// the one before when they are no further apart than the slack of either; a group takes its smallest value.
pub fn settled(values: &[f64], slack: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| values[i].abs() > slack(i)).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let near = |&a: &usize, &b: &usize| values[b] - values[a] <= slack(a).max(slack(b));
    let mut settled = vec![0.0; values.len()];
    for group in order.chunk_by(near) {
        group.iter().for_each(|&i| settled[i] = values[group[0]]);
    }
    settled
}

/// `a - b`, pair by pair, where sizes that differ by rounding only are equal: 1/3 - 0 and 4/3 - 1 are.
pub fn differences<'v>(
    a: impl IntoIterator<Item = &'v f64>,
    b: impl IntoIterator<Item = &'v f64>,
) -> Vec<f64> {
    let difference = |(a, b): (&f64, &f64)| (a - b, TOLERANCE * a.abs().max(b.abs()));
    let (signed, slack): (Vec<f64>, Vec<f64>) = a.into_iter().zip(b).map(difference).unzip();
    let sizes: Vec<f64> = signed.iter().map(|d| d.abs()).collect();
    let sizes = settled(&sizes, |i| slack[i]);
    signed.iter().zip(sizes).map(|(d, size)| d.signum() * size).collect()
}

/// Means of columns, where those that differ by rounding only are equal. Each mean comes with the mean of
/// the absolute values that it was made of.
pub fn settled_means(means: &[(f64, f64)]) -> Vec<f64> {
    let values: Vec<f64> = means.iter().map(|(mean, _)| *mean).collect();
    settled(&values, |i| TOLERANCE * means[i].1)
}

/// A sum that keeps what rounding would lose (Neumaier 1974), with the sum of the absolute values.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    plain: f64,
    lost: f64,
    size: f64,
    terms: usize,
}

impl Sum {
    /// Adds one more value.
    #[must_use]
    pub fn plus(self, v: f64) -> Sum {
        let plain = self.plain + v;
        let lost = if self.plain.abs() >= v.abs() {
            self.plain - plain + v
        } else {
            v - plain + self.plain
        };
        let (size, terms) = (self.size + v.abs(), self.terms + 1);
        Sum { plain, lost: self.lost + lost, size, terms }
    }

    /// The sum.
    pub fn value(self) -> f64 {
        self.plain + self.lost
    }

    /// How far the sum may be off because its values were rounded to double precision: 0.1 + 0.3 is not
    /// 0.2 + 0.2. Twice the bound, since a scaled value was rounded twice; 0 for a single value, which is
    /// equal to another one or not.
    pub fn slack(self) -> f64 {
        if self.terms > 1 { 2.0 * f64::EPSILON * self.size } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(values: &[f64]) -> Sum {
        values.iter().fold(Sum::default(), |sum, v| sum.plus(*v))
    }

    #[test]
    fn thirds_that_are_equal_stay_equal() {
        let (a, b) = ([1.0 / 3.0, 4.0 / 3.0, 5.0, 2.0], [0.0, 1.0, 5.0 + 1e-15, 7.0 / 3.0]);
        let found = differences(&a, &b);
        assert_eq!(found[0].to_bits(), found[1].to_bits());
        assert_eq!((found[2].abs(), found[3]), (0.0, -found[0]));
        // what is further apart stays as it is
        assert_eq!(differences(&[1.0, 1.0], &[0.0, 1e-9]), [1.0, 1.0 - 1e-9]);
    }

    #[test]
    fn small_values_beside_large_ones_keep_their_differences() {
        assert_eq!(differences(&[1e9, 3.0, 2.5], &[1e9, 2.0, 2.0]), [0.0, 1.0, 0.5]);
        assert_eq!(differences(&[1e9, 3e-9, 2e-9], &[1e9, 0.0, 0.0]), [0.0, 3e-9, 2e-9]);
    }

    #[test]
    fn sums_keep_what_plain_addition_loses() {
        let sums = [[1e16, 1.0, 1.0, -1e16], [1.0, 1e16, 1.0, -1e16]].map(|v| sum(&v).value());
        assert_eq!(sums.map(f64::to_bits), [2.0f64.to_bits(); 2]);
        let (a, b) = (sum(&[0.1, 0.3]), sum(&[0.2, 0.2]));
        assert!((a.value() - b.value()).abs() <= a.slack());
        // the slack is that of rounding: values of 1e9 that differ by 1e-5 are different
        let (a, b) = (sum(&[1e9; 81]), sum(&[1e9 + 1e-4; 81]));
        assert!(b.value() - a.value() > a.slack());
    }

    proptest! {
        #[test]
        fn ties_survive_any_scale(
            values in prop::collection::vec(-5i8..6, 1..40),
            scale in 1e-6f64..1e6,
        ) {
            let of = |scale: f64| {
                let pairs: Vec<Sum> = values
                    .windows(2)
                    .map(|pair| sum(&[scale * f64::from(pair[0]), scale * f64::from(pair[1])]))
                    .collect();
                let sums: Vec<f64> = pairs.iter().map(|s| s.value()).collect();
                settled(&sums, |i| pairs[i].slack())
            };
            let (plain, scaled) = (of(1.0), of(scale));
            for (i, j) in (0..plain.len()).flat_map(|i| (0..i).map(move |j| (i, j))) {
                prop_assert_eq!(
                    plain[i].partial_cmp(&plain[j]),
                    scaled[i].partial_cmp(&scaled[j])
                );
            }
        }
    }
}
