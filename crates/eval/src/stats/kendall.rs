//! Agreement of two rankings.

use super::ranks::same;
use std::cmp::Ordering;

/// Kendall's tau-b (1945) of paired values: 1 for the same order, -1 for the reverse. `None` when
/// all values on one side are equal or there are fewer than two.
pub fn kendall(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len().min(b.len());
    let (mut balance, mut in_a, mut in_b) = (0.0, 0.0, 0.0);
    for i in 0..n {
        for j in 0..i {
            let (x, y) = (side(a[i], a[j]), side(b[i], b[j]));
            balance += x * y;
            in_a += x.abs();
            in_b += y.abs();
        }
    }
    (in_a > 0.0 && in_b > 0.0).then(|| balance / f64::sqrt(in_a * in_b))
}

fn side(a: f64, b: f64) -> f64 {
    match a.total_cmp(&b) {
        _ if same(a, b) => 0.0,
        Ordering::Less => -1.0,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};

    #[test]
    fn tau_is_that_of_scipy() {
        for case in cases("kendall") {
            let found = kendall(&numbers(&case["a"]), &numbers(&case["b"]));
            match (found, case["tau"].as_f64()) {
                (Some(a), Some(b)) => assert!((a - b).abs() < 1e-12, "{a}, expected {b}"),
                other => assert_eq!(other, (None, None)),
            }
        }
    }

    #[test]
    fn one_swap_among_three() {
        assert!((kendall(&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]).unwrap() - 1.0 / 3.0).abs() < 1e-15);
        assert_eq!(kendall(&[1.0, 2.0], &[5.0, 5.0]), None);
        assert_eq!(kendall(&[1.0], &[5.0]), None);
    }
}
