//! Matrices of tokens by tokens, in double precision.

use crate::nn::tensor::Tensor;
use ndarray::Array2;

/// One value per query and key: the mean of `value(weight, other)` over the heads of two maps of shape
/// (keys, heads, queries).
pub(super) fn mean_of_heads(
    weights: &Tensor,
    other: &Tensor,
    value: impl Fn(f64, f64) -> f64,
) -> Array2<f64> {
    let (heads, queries, keys) = (weights.shape.h, weights.shape.w, weights.shape.c);
    let mut mean = Array2::zeros((queries, keys));
    let pairs = weights.data.iter().zip(&other.data).enumerate();
    for (i, (a, b)) in pairs {
        mean[[i / keys % queries, i % keys]] += value(f64::from(*a), f64::from(*b)) / heads as f64;
    }
    mean
}

/// The mean of some rows.
pub(super) fn mean_of_rows(matrix: &Array2<f64>, rows: &[usize]) -> Vec<f64> {
    let of = |row: &usize| matrix.row(*row).to_owned();
    let sum = rows.iter().map(of).fold(ndarray::Array1::zeros(matrix.ncols()), |a, b| a + b);
    (sum / rows.len() as f64).to_vec()
}
