//! Ranks with ties.

/// Ranks 1 to n in ascending order; equal values share the mean of their ranks.
pub fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // adding 0 makes -0 to 0
    order.sort_by(|&a, &b| (values[a] + 0.0).total_cmp(&(values[b] + 0.0)));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for run in order.chunk_by(|&a, &b| same(values[a], values[b])) {
        // the mean of below + 1, ..., below + length
        let mean = below as f64 + f64::midpoint(run.len() as f64, 1.0);
        run.iter().for_each(|&i| ranks[i] = mean);
        below += run.len();
    }
    ranks
}

/// Equal as numbers: 0 and -0 are.
#[expect(clippy::float_cmp, reason = "ties are exact")]
pub(super) fn same(a: f64, b: f64) -> bool {
    a == b
}

/// Sizes of the groups of equal values.
pub(super) fn tie_sizes(ranks: &[f64]) -> Vec<f64> {
    let mut sorted = ranks.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| same(*a, *b)).map(|run| run.len() as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_the_mean_of_their_ranks() {
        assert_eq!(midranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
        assert_eq!(midranks(&[0.0, -0.0]), [1.5, 1.5]);
        assert!(midranks(&[]).is_empty());
        assert_eq!(tie_sizes(&[4.0, 1.0, 4.0]), [1.0, 2.0]);
    }
}
