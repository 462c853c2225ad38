//! A Gaussian fitted to pictures.

use crate::{
    base::rng::{Seed, normal_pair},
    nn::tensor::Tensor,
};

/// Rounds of the iteration that finds the axes.
const ROUNDS: usize = 60;

/// Variances are at least this: a quarter of a grey level, squared.
const LEAST: f64 = 1e-6;

/// A Gaussian with a variance of its own along some axes, those of largest variance, and one variance for all other
/// directions: probabilistic principal components (Tipping and Bishop 1999), which needs no matrix of all pixels.
#[derive(Clone, Debug)]
pub struct Gaussian {
    mean: Tensor,
    /// Of length 1, orthogonal, with their variances.
    axes: Vec<(Vec<f64>, f64)>,
    rest: f64,
}

impl Gaussian {
    /// The maximum-likelihood fit with at most `components` axes, fewer than there are pictures. There must be pictures, of
    /// one shape.
    pub fn fit(pictures: &[Tensor], components: usize, seed: Seed) -> Gaussian {
        let (n, values) = (pictures.len(), pictures[0].data.len());
        let mean: Vec<f64> = (0..values)
            .map(|i| pictures.iter().map(|p| f64::from(p.data[i])).sum::<f64>() / n as f64)
            .collect();
        let centred: Vec<Vec<f64>> = pictures
            .iter()
            .map(|p| p.data.iter().zip(&mean).map(|(v, m)| f64::from(*v) - m).collect())
            .collect();
        let total = centred.iter().map(|row| dot(row, row)).sum::<f64>() / n as f64;
        let components = components.min(n.saturating_sub(1)).min(values.saturating_sub(1));
        let mut axes = vec![];
        for (direction, variance) in top(&centred, components, seed) {
            if variance > LEAST {
                axes.push((direction, variance));
            }
        }
        let known: f64 = axes.iter().map(|(_, variance)| variance).sum();
        let rest = ((total - known) / (values - axes.len()).max(1) as f64).max(LEAST);
        // none may be below the rest, or the axes would not be those of largest variance
        let axes = axes.into_iter().map(|(axis, variance)| (axis, variance.max(rest))).collect();
        let mean = Tensor::new(pictures[0].shape, mean.iter().map(|m| *m as f32).collect());
        Gaussian { mean, axes, rest }
    }

    /// The mean picture.
    pub fn mean(&self) -> &Tensor {
        &self.mean
    }

    /// `log p(x)` without its constant, `-1/2 (x - m)^T C^-1 (x - m)`, and its gradient.
    pub fn log_p(&self, x: &Tensor) -> (f64, Tensor) {
        let d: Vec<f64> = x
            .data
            .iter()
            .zip(&self.mean.data)
            .map(|(x, m)| f64::from(*x) - f64::from(*m))
            .collect();
        // C^-1 d = d / rest + sum of axes a (1 / variance - 1 / rest) (a . d)
        let mut solved: Vec<f64> = d.iter().map(|d| d / self.rest).collect();
        for (axis, variance) in &self.axes {
            let factor = (1.0 / variance - 1.0 / self.rest) * dot(axis, &d);
            solved.iter_mut().zip(axis).for_each(|(s, a)| *s += factor * a);
        }
        let gradient = solved.iter().map(|s| -*s as f32).collect();
        (-0.5 * dot(&d, &solved), Tensor::new(x.shape, gradient))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The directions of largest variance of centred rows, with their variances, by subspace iteration on the products of
/// rows with each other, which are as many as there are pictures.
fn top(rows: &[Vec<f64>], count: usize, seed: Seed) -> Vec<(Vec<f64>, f64)> {
    let n = rows.len();
    let gram: Vec<Vec<f64>> =
        rows.iter().map(|a| rows.iter().map(|b| dot(a, b)).collect()).collect();
    let mut rng = seed.rng("gaussian", "prototype", &[]);
    let mut basis: Vec<Vec<f64>> =
        (0..count).map(|_| (0..n).map(|_| normal_pair(&mut rng)[0]).collect()).collect();
    orthogonal(&mut basis);
    for _ in 0..ROUNDS {
        for vector in &mut basis {
            *vector = gram.iter().map(|row| dot(row, vector)).collect();
        }
        orthogonal(&mut basis);
    }
    let axis = |weights: &Vec<f64>| {
        let mut axis = vec![0.0; rows[0].len()];
        for (row, weight) in rows.iter().zip(weights) {
            axis.iter_mut().zip(row).for_each(|(a, v)| *a += weight * v);
        }
        axis
    };
    let mut axes: Vec<Vec<f64>> = basis.iter().map(axis).collect();
    orthogonal(&mut axes);
    let variance =
        |axis: &Vec<f64>| rows.iter().map(|row| dot(row, axis).powi(2)).sum::<f64>() / n as f64;
    axes.into_iter()
        .map(|axis| (variance(&axis), axis))
        .map(|(variance, axis)| (axis, variance))
        .collect()
}

/// Gram and Schmidt, twice, so that rounding leaves nothing; what is nothing but rounding becomes zeros.
fn orthogonal(basis: &mut [Vec<f64>]) {
    for i in 0..basis.len() {
        let before = dot(&basis[i], &basis[i]).sqrt();
        for _ in 0..2 {
            for j in 0..i {
                let (done, rest) = basis.split_at_mut(i);
                let share = dot(&done[j], &rest[0]);
                rest[0].iter_mut().zip(&done[j]).for_each(|(v, d)| *v -= share * d);
            }
        }
        let length = dot(&basis[i], &basis[i]).sqrt();
        let factor = if length > 1e-10 * before { 1.0 / length } else { 0.0 };
        basis[i].iter_mut().for_each(|v| *v *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::geom::Shape;

    /// Pictures of three pixels with variances 0.04, 0.01 and 0.0025 along the axes.
    fn pictures() -> Vec<Tensor> {
        let mut rng = Seed(1).rng("test", "", &[]);
        let mut draw = || normal_pair(&mut rng)[0] as f32;
        let one = |_| {
            let (a, b, c) = (0.2 * draw(), 0.1 * draw(), 0.05 * draw());
            Tensor::new(Shape::new(1, 1, 3), vec![0.5 + a, 0.4 + b, 0.3 + c])
        };
        (0..400).map(one).collect()
    }

    #[test]
    fn with_all_axes_it_is_the_gaussian_of_the_covariance_matrix() {
        let pictures = pictures();
        let gaussian = Gaussian::fit(&pictures, 2, Seed(0));
        let n = pictures.len() as f64;
        let mean: Vec<f64> = (0..3)
            .map(|i| pictures.iter().map(|p| f64::from(p.data[i])).sum::<f64>() / n)
            .collect();
        let covariance = |i: usize, j: usize| {
            let of = |p: &Tensor, i: usize| f64::from(p.data[i]) - mean[i];
            pictures.iter().map(|p| of(p, i) * of(p, j)).sum::<f64>() / n
        };
        let x = [0.7f32, 0.2, 0.35];
        let d: Vec<f64> = (0..3).map(|i| f64::from(x[i]) - mean[i]).collect();
        // C s = d by Cramer's rule
        let c = |i: usize, j: usize| covariance(i, j);
        let determinant = |m: &dyn Fn(usize, usize) -> f64| {
            let minor = |a: usize, b: usize| m(1, a) * m(2, b) - m(1, b) * m(2, a);
            m(0, 0) * minor(1, 2) - m(0, 1) * minor(0, 2) + m(0, 2) * minor(0, 1)
        };
        let whole = determinant(&c);
        let solved = (0..3).map(|k| {
            let replaced = |i: usize, j: usize| if j == k { d[i] } else { c(i, j) };
            determinant(&replaced) / whole
        });
        let expected: f64 = -0.5 * solved.zip(&d).map(|(s, d)| s * d).sum::<f64>();
        let found = gaussian.log_p(&Tensor::new(Shape::new(1, 1, 3), x.to_vec())).0;
        assert!((found - expected).abs() < 1e-4 * expected.abs(), "{found} and {expected}");
    }

    #[test]
    fn equal_pictures_give_a_narrow_gaussian_around_them() {
        let one = Tensor::new(Shape::new(1, 2, 2), vec![0.1, 0.2, 0.3, 0.4]);
        let gaussian = Gaussian::fit(&[one.clone(), one.clone()], 5, Seed(0));
        assert!(gaussian.log_p(&one).0.abs() < 1e-6);
        assert!(gaussian.log_p(&one.map(|v| v + 0.1)).0 < -1000.0);
        assert!(Gaussian::fit(std::slice::from_ref(&one), 5, Seed(0)).log_p(&one).0.is_finite());
    }
}
