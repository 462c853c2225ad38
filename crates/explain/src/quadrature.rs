//! Numerical integration over [0, 1].

use crate::base::word_enum;

word_enum! {
    /// Where an integrand is evaluated and what each value weighs.
    pub(super) enum Quadrature {
        /// `t = k/n`, k = 1..n
        Right = "right",
        /// `t = k/n`, k = 0..n-1
        Left = "left",
        /// `t = (k - 1/2)/n`, k = 1..n
        Middle = "middle",
        /// n points from 0 to 1, ends weighted by half
        Trapezoid = "trapezoid",
        /// The roots of the n-th Legendre polynomial
        GaussLegendre = "gauss-legendre",
        /// As [`Quadrature::Trapezoid`] with all weights divided by n instead of n - 1
        CaptumTrapezoid = "captum-trapezoid",
    }
}

impl Quadrature {
    /// `n >= 2` pairs (point, weight).
    pub(super) fn nodes(self, n: usize) -> Vec<(f64, f64)> {
        let count = n as f64;
        let even = |first: f64| (0..n).map(|k| ((k as f64 + first) / count, 1.0 / count)).collect();
        match self {
            Quadrature::Right => even(1.0),
            Quadrature::Left => even(0.0),
            Quadrature::Middle => even(0.5),
            Quadrature::Trapezoid => trapezoid(n, count - 1.0),
            Quadrature::CaptumTrapezoid => trapezoid(n, count),
            Quadrature::GaussLegendre => (0..n).map(|k| gauss_legendre(n, k)).collect(),
        }
    }
}

fn trapezoid(n: usize, divisor: f64) -> Vec<(f64, f64)> {
    let weight = |k: usize| if k == 0 || k == n - 1 { 0.5 } else { 1.0 };
    (0..n).map(|k| (k as f64 / (n - 1) as f64, weight(k) / divisor)).collect()
}

/// Point `k` of `n` and its weight, by Newton's method on the Legendre polynomial of degree `n`.
fn gauss_legendre(n: usize, k: usize) -> (f64, f64) {
    let mut x = -((k as f64 + 0.75) / (n as f64 + 0.5) * std::f64::consts::PI).cos();
    let mut slope = 1.0;
    // quadratic convergence from a guess good to 1/n^2: far more rounds than needed
    for _ in 0..20 {
        let (value, derivative) = legendre(n, x);
        slope = derivative;
        x -= value / derivative;
    }
    (f64::midpoint(x, 1.0), 1.0 / ((1.0 - x * x) * slope * slope))
}

/// The Legendre polynomial of degree `n >= 1` and its derivative at `x`, |x| < 1.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut here) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        (before, here) = (here, ((2.0 * k - 1.0) * x * here - (k - 1.0) * before) / k);
    }
    (here, n as f64 * (x * here - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integral(quadrature: Quadrature, n: usize, f: impl Fn(f64) -> f64) -> f64 {
        quadrature.nodes(n).iter().map(|(t, w)| w * f(*t)).sum()
    }

    #[test]
    fn gauss_legendre_is_exact_up_to_degree_2n_minus_1() {
        for n in [2, 3, 10, 50, 301] {
            let degree = (2 * n - 1) as i32;
            let found = integral(Quadrature::GaussLegendre, n, |t| t.powi(degree));
            // double precision over n terms
            assert!((found * f64::from(degree + 1) - 1.0).abs() < 1e-11, "{n}: {found}");
        }
    }

    #[test]
    fn riemann_sums_by_hand() {
        // t^2 at two points
        let of = |q| integral(q, 2, |t| t * t);
        for (quadrature, expected) in [
            (Quadrature::Right, 0.625),
            (Quadrature::Left, 0.125),
            (Quadrature::Middle, 0.3125),
            (Quadrature::Trapezoid, 0.5),
            (Quadrature::CaptumTrapezoid, 0.25),
        ] {
            assert!((of(quadrature) - expected).abs() < 1e-12, "{quadrature:?}");
        }
    }
}
