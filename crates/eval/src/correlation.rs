//! How alike two maps order their values.

/// Spearman's rank correlation of two lists of the same length; equal values share the mean of
/// their ranks. `None` where one of them is constant or there are fewer than two values.
pub fn rank_correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "one value of each per place");
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum()
    };
    let size = (product(&a, &a) * product(&b, &b)).sqrt();
    (size > 0.0).then(|| product(&a, &b) / size)
}

/// Rank of each value from 0; the mean rank for equal values.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|i, j| values[*i].total_cmp(&values[*j]));
    let mut ranks = vec![0.0; values.len()];
    let mut at = 0;
    // -0 and 0 are equal values, though sorted apart
    for equal in order.chunk_by(|i, j| values[*i] >= values[*j]) {
        let mean = at as f64 + (equal.len() as f64 - 1.0) / 2.0;
        equal.iter().for_each(|i| ranks[*i] = mean);
        at += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_order_counts_and_ties_share_their_rank() {
        let a = [1.0, 2.0, 3.0, 4.0];
        let of = |b: &[f64]| rank_correlation(&a, b).unwrap();
        assert!((of(&[10.0, 20.0, 30.0, 1e9]) - 1.0).abs() < 1e-12);
        assert!((of(&[4.0, 3.0, 2.0, 1.0]) + 1.0).abs() < 1e-12);
        // ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: 4.5 / sqrt(5 * 4.5)
        assert!((of(&[0.0, 7.0, 7.0, 8.0]) - 4.5 / 22.5f64.sqrt()).abs() < 1e-12);
        assert_eq!(ranks(&[0.0, -0.0, 1.0]), [0.5, 0.5, 2.0]);
        assert_eq!(rank_correlation(&a, &[1.0; 4]), None);
        assert_eq!(rank_correlation(&[], &[]), None);
    }
}
