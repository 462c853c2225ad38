//! Small weighted least-squares problems.

/// The `b` that minimises `sum_k weight_k (y_k - row_k b)^2 + penalty_i b_i^2`, by Cholesky's
/// method; `None` where the rows do not determine it. All rows have the length of `penalty`.
pub(super) fn solve(
    rows: &[Vec<f64>],
    y: &[f64],
    weights: &[f64],
    penalty: &[f64],
) -> Option<Vec<f64>> {
    let n = penalty.len();
    let mut matrix = vec![vec![0.0; n]; n];
    let mut right = vec![0.0; n];
    for ((row, y), weight) in rows.iter().zip(y).zip(weights) {
        for (i, a) in row.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            right[i] += weight * a * y;
            matrix[i][..=i].iter_mut().zip(row).for_each(|(m, b)| *m += weight * a * b);
        }
    }
    (0..n).for_each(|i| matrix[i][i] += penalty[i]);
    let factor = cholesky(matrix)?;
    Some(substitute(&factor, right))
}

/// The lower triangle `L` with `L L^T = a`, of which the lower triangle is given; `None` where `a`
/// is not safely positive definite.
fn cholesky(mut a: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    for i in 0..a.len() {
        let before = a[i][i];
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            let rest = a[i][j] - dot;
            if i == j {
                // less than rounding has left of the diagonal
                if rest <= 1e-12 * before {
                    return None;
                }
                a[i][i] = rest.sqrt();
            } else {
                a[i][j] = rest / a[j][j];
            }
        }
    }
    Some(a)
}

/// Solves `L L^T b = right`.
fn substitute(l: &[Vec<f64>], mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for i in 0..n {
        let known: f64 = (0..i).map(|k| l[i][k] * right[k]).sum();
        right[i] = (right[i] - known) / l[i][i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| l[k][i] * right[k]).sum();
        right[i] = (right[i] - known) / l[i][i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_weighted_points_and_a_ridge() {
        // y = 1 + 2 x at x = 0, 1, 3, and a wrong point without weight
        let rows: Vec<Vec<f64>> = [0.0, 1.0, 3.0, 2.0].iter().map(|x| vec![1.0, *x]).collect();
        let y = [1.0, 3.0, 7.0, 99.0];
        let b = solve(&rows, &y, &[1.0, 2.0, 0.5, 0.0], &[0.0, 0.0]).unwrap();
        assert!((b[0] - 1.0).abs() < 1e-12 && (b[1] - 2.0).abs() < 1e-12, "{b:?}");
        // (1 + 1) b = 1 * 4
        let ridge = solve(&[vec![1.0]], &[4.0], &[1.0], &[1.0]).unwrap();
        assert!((ridge[0] - 2.0).abs() < 1e-12);
        // two columns that are the same
        assert_eq!(solve(&[vec![1.0, 1.0]], &[1.0], &[1.0], &[0.0, 0.0]), None);
    }
}
