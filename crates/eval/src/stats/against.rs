//! Several methods, each against one and the same: a family of tests of its own.

use super::{
    ALPHA, mean,
    ranks::same,
    wilcoxon::{holm, least_p, wilcoxon},
};
use crate::{base::word_enum, rounding::differences};
use ndarray::{ArrayView1, ArrayView2};

/// A method against the one that all are compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Against {
    /// By how much it is better in the mean over pictures; negative where it is worse.
    pub mean: f64,
    /// Pictures on which both have a value.
    pub pictures: usize,
    /// Those on which the two differ.
    pub differing: usize,
    /// p-value of the signed-rank test; `None` when they never differ.
    pub p: Option<f64>,
    /// The same corrected for the tests of this family alone (Holm).
    pub p_holm: Option<f64>,
    /// Tests of the family: methods that differ from the one that all are compared with.
    pub tests: usize,
    /// What follows.
    pub verdict: Verdict,
}

word_enum! {
    /// What a test at 5 % says, after the correction.
    pub enum Verdict {
        /// Found to be better.
        Better = "better",
        /// Found to be worse.
        Worse = "worse",
        /// Not told apart.
        Open = "open",
        /// The same value on every picture.
        Equal = "equal",
        /// The test could not reach 5 %, even if all differences had one sign.
        TooFew = "too-few",
    }
}

/// Compares each column of `values` (pictures x methods, finite) with that of `reference`; `None` for that
/// one itself, and for all without pictures.
pub fn against(
    values: &ArrayView2<'_, f64>,
    reference: usize,
    higher_is_better: bool,
) -> Vec<Option<Against>> {
    let sign = if higher_is_better { 1.0 } else { -1.0 };
    let mut found = vec![None; values.ncols()];
    if values.nrows() == 0 {
        return found;
    }
    let others: Vec<usize> = (0..values.ncols()).filter(|j| *j != reference).collect();
    let trial =
        |j: &usize| Trial::of(&differences(values.column(*j), values.column(reference)), sign);
    let family: Vec<Trial> = others.iter().map(trial).collect();
    others.iter().enumerate().for_each(|(k, &j)| found[j] = Some(judged(&family, k)));
    found
}

/// One test before the correction.
#[derive(Clone, Copy, Debug)]
struct Trial {
    mean: f64,
    pictures: usize,
    differing: usize,
    p: Option<f64>,
    /// Which way the signed ranks lean: above 0 for the method.
    lean: f64,
}

impl Trial {
    fn of(differences: &[f64], sign: f64) -> Trial {
        let test = wilcoxon(differences);
        Trial {
            mean: sign * mean(&ArrayView1::from(differences)).expect("there are pictures"),
            pictures: differences.len(),
            differing: differences.iter().filter(|d| !same(**d, 0.0)).count(),
            p: test.map(|t| t.p),
            lean: test.map_or(0.0, |t| sign * t.excess),
        }
    }
}

/// What follows for test `k` of a family.
fn judged(family: &[Trial], k: usize) -> Against {
    let Trial { mean, pictures, differing, p, lean } = family[k];
    let p_holm = p.map(|p| corrected(family, k, p));
    let is_found = p_holm.is_some_and(|p| p < ALPHA);
    // if all its differences had one sign
    let could_be_found = corrected(family, k, least_p(differing)) < ALPHA;
    let verdict = match p_holm {
        None => Verdict::Equal,
        // the approximation for many pictures may say more than so few differences can
        Some(_) if !could_be_found => Verdict::TooFew,
        Some(_) if is_found && lean > 0.0 && mean > 0.0 => Verdict::Better,
        Some(_) if is_found && lean < 0.0 && mean < 0.0 => Verdict::Worse,
        Some(_) => Verdict::Open,
    };
    let tests = family.iter().filter(|t| t.p.is_some()).count();
    Against { mean, pictures, differing, p, p_holm, tests, verdict }
}

/// The corrected p-value that test `k` of a family has when its own is `p`.
fn corrected(family: &[Trial], k: usize, p: f64) -> f64 {
    let others = family.iter().enumerate().filter(|(i, _)| *i != k);
    let all: Vec<f64> = std::iter::once(p).chain(others.filter_map(|(_, t)| t.p)).collect();
    holm(&all)[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn verdicts(values: &Array2<f64>, higher: bool) -> Vec<Option<Verdict>> {
        against(&values.view(), 0, higher).iter().map(|a| Some(a.as_ref()?.verdict)).collect()
    }

    #[test]
    fn each_method_is_tested_in_a_family_of_its_own() {
        // column 0 is the reference; 1 is always better, 2 always worse, 3 the same, 4 as often as not
        let values = Array2::from_shape_fn((12, 5), |(i, j)| {
            let base = i as f64 / 7.0;
            match j {
                1 => base + 1.0 + 0.1 * i as f64,
                2 => base - 1.0 - 0.1 * i as f64,
                4 => base + (i as f64 + 1.0) * if i % 2 == 0 { 1.0 } else { -1.0 },
                _ => base,
            }
        });
        let expected = [
            None,
            Some(Verdict::Better),
            Some(Verdict::Worse),
            Some(Verdict::Equal),
            Some(Verdict::Open),
        ];
        assert_eq!(verdicts(&values, true), expected);
        let found = against(&values.view(), 0, true);
        let first = found[1].unwrap();
        // three tests, since one column never differs; 2 / 2^12 times 3
        assert_eq!((first.tests, first.pictures, first.differing), (3, 12, 12));
        assert!((first.p_holm.unwrap() - 3.0 * 2.0 / 4096.0).abs() < 1e-12, "{first:?}");
        assert!((first.mean - 1.55).abs() < 1e-12);
        assert_eq!((found[3].unwrap().p, found[3].unwrap().differing), (None, 0));
        let turned = verdicts(&values, false);
        assert_eq!(turned[1..3], [Some(Verdict::Worse), Some(Verdict::Better)]);
    }

    #[test]
    fn what_could_not_be_found_is_not_called_open() {
        let columns = |n: usize, k: usize| {
            Array2::from_shape_fn((n, k + 1), |(i, j)| if j == 0 { 0.0 } else { (i + j) as f64 })
        };
        // 2 / 2^5 = 0.0625; 2 / 2^6 = 0.031; seven tests take nine pictures
        for (n, k, expected) in [
            (5, 1, Verdict::TooFew),
            (6, 1, Verdict::Better),
            (8, 7, Verdict::TooFew),
            (9, 7, Verdict::Better),
        ] {
            let found = verdicts(&columns(n, k), true);
            assert!(found[1..].iter().all(|v| *v == Some(expected)), "{n}, {k}: {found:?}");
        }
        // twenty pictures, of which five differ
        let few = Array2::from_shape_fn((20, 2), |(i, j)| f64::from(u8::from(j == 1 && i < 5)));
        assert_eq!(verdicts(&few, true)[1], Some(Verdict::TooFew));
        assert!(against(&Array2::zeros((0, 2)).view(), 0, true).iter().all(Option::is_none));
    }
}
