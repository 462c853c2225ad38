//! Some eigenvectors of a large sparse matrix, all of a small one.

use crate::base::rng::{Seed, normal_pair};

/// Eigenvalues with their vectors, of length 1 and without a preferred sign: the largest entry is positive.
#[derive(Clone, Debug, PartialEq)]
pub struct Eigen {
    /// Eigenvalues.
    pub values: Vec<f64>,
    /// Their vectors.
    pub vectors: Vec<Vec<f64>>,
}

/// A sparse symmetric matrix with eigenvalues in [-1, 1].
#[derive(Clone, Debug)]
pub(super) struct Symmetric {
    /// Column and value of the entries of each row.
    pub(super) rows: Vec<Vec<(u32, f64)>>,
}

/// Up to this size all eigenvectors are computed.
const SMALL: usize = 96;

/// Directions beside the wanted ones, so that the last of these converge soon.
const SPARE: usize = 16;

/// Degree of the filter between two looks.
const DEGREE: usize = 12;

/// Eigenvectors are good when the matrix turns them by no more than this.
const ENOUGH: f64 = 1e-9;

/// Looks at most; each makes what is not wanted smaller by a large factor.
const LOOKS: usize = 200;

impl Symmetric {
    fn multiply(&self, x: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| row.iter().map(|(j, w)| w * x[*j as usize]).sum()).collect()
    }
}

/// The `count` largest eigenvalues of a matrix, descending: all of a small one by Jacobi rotations; of a large one by
/// subspace iteration with Chebyshev polynomials (Saad 2011, chapter 5), which also finds eigenvalues that occur several
/// times, as that of a graph of several pieces does.
pub(super) fn largest(matrix: &Symmetric, count: usize, seed: Seed) -> Eigen {
    let n = matrix.rows.len();
    if n <= SMALL.max(2 * (count + SPARE)) {
        let mut dense = vec![vec![0.0; n]; n];
        for (i, row) in matrix.rows.iter().enumerate() {
            row.iter().for_each(|(j, w)| dense[i][*j as usize] = *w);
        }
        let mut all = jacobi(dense);
        all.values.truncate(count);
        all.vectors.truncate(count);
        return all;
    }
    let size = count + SPARE;
    let mut rng = seed.rng("eigenvectors", "", &[n as u64]);
    let mut block: Vec<Vec<f64>> = (0..size)
        .map(|_| (0..n.div_ceil(2)).flat_map(|_| normal_pair(&mut rng)).take(n).collect())
        .collect();
    let mut found = ritz(matrix, orthonormal(block));
    for _ in 0..LOOKS {
        if (0..count).all(|k| residual(matrix, found.values[k], &found.vectors[k]) < ENOUGH) {
            break;
        }
        // what lies below the last direction is made small
        let bound = found.values[size - 1].clamp(-0.9, 1.0 - 1e-9);
        block = found.vectors.iter().map(|x| filtered(matrix, x, bound)).collect();
        found = ritz(matrix, orthonormal(block));
    }
    found.values.truncate(count);
    found.vectors.truncate(count);
    found
}

/// The Chebyshev polynomial of a vector that is at most 1 on [-1, bound] and grows fast above.
fn filtered(matrix: &Symmetric, x: &[f64], bound: f64) -> Vec<f64> {
    let (centre, half) = (f64::midpoint(bound, -1.0), f64::midpoint(bound, 1.0));
    let step = |v: &[f64]| -> Vec<f64> {
        let moved = matrix.multiply(v);
        moved.iter().zip(v).map(|(m, v)| (m - centre * v) / half).collect()
    };
    let (mut before, mut now) = (x.to_vec(), step(x));
    for _ in 1..DEGREE {
        let next = step(&now);
        let next = next.iter().zip(&before).map(|(n, b)| 2.0 * n - b).collect();
        before = std::mem::replace(&mut now, next);
    }
    now
}

/// The same span by vectors of length 1 at right angles (Gram and Schmidt, twice).
fn orthonormal(mut block: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for k in 0..block.len() {
        let (done, rest) = block.split_at_mut(k);
        let own = &mut rest[0];
        scale(own);
        for _ in 0..2 {
            for other in done.iter() {
                let share = dot(own, other);
                own.iter_mut().zip(other).for_each(|(a, b)| *a -= share * b);
            }
            scale(own);
        }
    }
    block
}

fn scale(v: &mut [f64]) {
    let length = dot(v, v).sqrt();
    if length > 0.0 {
        v.iter_mut().for_each(|a| *a /= length);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn residual(matrix: &Symmetric, value: f64, vector: &[f64]) -> f64 {
    let moved = matrix.multiply(vector);
    moved.iter().zip(vector).map(|(m, v)| (m - value * v).powi(2)).sum::<f64>().sqrt()
}

/// The best eigenvectors inside the span of orthonormal vectors (Rayleigh and Ritz), largest eigenvalues first.
fn ritz(matrix: &Symmetric, block: Vec<Vec<f64>>) -> Eigen {
    let moved: Vec<Vec<f64>> = block.iter().map(|x| matrix.multiply(x)).collect();
    let small = block.iter().map(|x| moved.iter().map(|y| dot(x, y)).collect()).collect();
    let inner = jacobi(small);
    let n = block[0].len();
    let vector = |weights: &Vec<f64>| {
        let mut sum = vec![0.0; n];
        for (w, x) in weights.iter().zip(&block) {
            sum.iter_mut().zip(x).for_each(|(s, x)| *s += w * x);
        }
        upright(sum)
    };
    Eigen { vectors: inner.vectors.iter().map(vector).collect(), values: inner.values }
}

/// The vector with its largest entry positive, the first of several.
fn upright(mut v: Vec<f64>) -> Vec<f64> {
    let most = v
        .iter()
        .copied()
        .fold(0.0, |most: f64, a| if a.abs() > most.abs() + 1e-12 { a } else { most });
    if most < 0.0 {
        v.iter_mut().for_each(|a| *a = -*a);
    }
    v
}

/// All eigenvalues of a symmetric matrix, descending, with their vectors, by cyclic rotations (Jacobi 1846; Golub and
/// Van Loan, section 8.5).
pub fn jacobi(mut a: Vec<Vec<f64>>) -> Eigen {
    let n = a.len();
    // rows are the vectors
    let mut v: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect();
    for _ in 0..60 {
        let outside: f64 =
            (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j].powi(2)).sum();
        if outside < 1e-26 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut v, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| a[*j][*j].total_cmp(&a[*i][*i]));
    Eigen {
        values: order.iter().map(|i| a[*i][*i]).collect(),
        vectors: order.iter().map(|i| upright(v[*i].clone())).collect(),
    }
}

/// One rotation, after which entry (p, q) is 0.
fn rotate(a: &mut [Vec<f64>], v: &mut [Vec<f64>], p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let t = if theta == 0.0 { 1.0 } else { t };
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for row in a.iter_mut() {
        let (x, y) = (row[p], row[q]);
        (row[p], row[q]) = (c * x - s * y, s * x + c * y);
    }
    for rows in [a, v] {
        let (first, second) = rows.split_at_mut(q);
        for (x, y) in first[p].iter_mut().zip(second[0].iter_mut()) {
            (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_find_the_eigenvectors_of_a_path() {
        // eigenvalues of a path of n points: 2 cos(pi k / (n + 1))
        let n = 7;
        let path = |i: usize, j: usize| if i.abs_diff(j) == 1 { 1.0 } else { 0.0 };
        let matrix: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| path(i, j)).collect()).collect();
        let found = jacobi(matrix.clone());
        for (k, value) in found.values.iter().enumerate() {
            let expected = 2.0 * (std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64).cos();
            assert!((value - expected).abs() < 1e-12, "{value} {expected}");
            let moved: Vec<f64> = matrix.iter().map(|row| dot(row, &found.vectors[k])).collect();
            let turned = moved.iter().zip(&found.vectors[k]).map(|(m, v)| (m - value * v).abs());
            assert!(turned.fold(0.0, f64::max) < 1e-12);
        }
    }

    #[test]
    fn a_large_ring_of_several_pieces_is_solved_too() {
        // three rings of 100: each eigenvalue cos(2 pi k / 100) three times, and twice again
        let n = 300;
        let rows = (0..n)
            .map(|i| {
                let (ring, at) = (i / 100, i % 100);
                [(at + 1) % 100, (at + 99) % 100].map(|j| ((ring * 100 + j) as u32, 0.5)).to_vec()
            })
            .collect();
        let found = largest(&Symmetric { rows }, 9, Seed(1));
        let first = (std::f64::consts::TAU / 100.0).cos();
        let expected = [1.0, 1.0, 1.0, first, first, first, first, first, first];
        for (value, expected) in found.values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-9, "{value} {expected}");
        }
    }
}
