//! Statistics of the gradient under noise on the picture: its mean, mean square and variance.

use super::{Case, ExplainError, Explainer, has_gradient};
use crate::{
    base::{
        registry::{Args, Entry, Kind, Param},
        rng::{KeyedRng, normal_pair},
    },
    nn::{graph::Graph, tensor::Tensor},
};

/// What is reported of the gradients `g` at `n` noisy pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statistic {
    /// `mean g`
    Mean,
    /// `mean g^2`
    Square,
    /// `mean g^2 - (mean g)^2`
    Variance,
}

/// A statistic of `df/dx_i` at `x + noise`, with independent normal noise of standard deviation
/// `noise (max x - min x)` for each input value; shape of the input. Noise is keyed by
/// (seed, image), so pictures explain the same in any order.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `samples` | 50 (`smoothgrad`, where more gain little), 15 | 1 (`var-grad`: 2) to 10000 |
/// | `noise` | 0.15 | 0 to 10, in ranges of the picture |
///
/// Source: Smilkov et al. 2017, sec. 3.2 (mean, noise of 10 to 20 % and 50 samples); Hooker et al.
/// 2019, sec. 3 (mean square, 15 samples); Adebayo et al. 2018, sec. 2 (variance).
#[derive(Debug)]
pub struct SmoothGrad {
    statistic: Statistic,
    samples: usize,
    noise: f64,
}

/// `smoothgrad`
pub const SMOOTH_GRAD: Entry<dyn Explainer> = Entry {
    id: "smoothgrad",
    summary: "mean gradient of noisy copies of the picture",
    cite: "smilkov2017smoothgrad",
    params: &[samples("50", 1), NOISE],
    build: |args| Ok(Box::new(SmoothGrad::new(Statistic::Mean, args))),
};

/// `square-grad`
pub const SQUARE_GRAD: Entry<dyn Explainer> = Entry {
    id: "square-grad",
    summary: "mean squared gradient of noisy copies of the picture",
    cite: "hooker2019benchmark",
    params: &[samples("15", 1), NOISE],
    build: |args| Ok(Box::new(SmoothGrad::new(Statistic::Square, args))),
};

/// `var-grad`
pub const VAR_GRAD: Entry<dyn Explainer> = Entry {
    id: "var-grad",
    summary: "variance of the gradient over noisy copies of the picture",
    cite: "adebayo2018local",
    params: &[samples("15", 2), NOISE],
    build: |args| Ok(Box::new(SmoothGrad::new(Statistic::Variance, args))),
};

const fn samples(default: &'static str, min: u64) -> Param {
    let kind = Kind::Integer { min, max: 10_000 };
    Param { key: "samples", default, kind, help: "noisy copies" }
}

const NOISE: Param = Param {
    key: "noise",
    default: "0.15",
    kind: Kind::Number { min: 0.0, max: 10.0 },
    help: "standard deviation of the noise, as a share of the picture's range",
};

impl SmoothGrad {
    fn new(statistic: Statistic, args: &Args) -> SmoothGrad {
        SmoothGrad { statistic, samples: args.usize("samples"), noise: args.f64("noise") }
    }

    fn combine(&self, sum: f64, squares: f64) -> f32 {
        let n = self.samples as f64;
        let value = match self.statistic {
            Statistic::Mean => sum / n,
            Statistic::Square => squares / n,
            // rounding may leave a tiny negative difference
            Statistic::Variance => (squares / n - (sum / n).powi(2)).max(0.0),
        };
        value as f32
    }
}

impl Explainer for SmoothGrad {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        has_gradient(graph)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let x = case.input();
        let deviation = self.noise * range(x);
        let mut rng = case.seed.rng("smoothgrad", case.image, &[]);
        let mut sums = vec![(0.0f64, 0.0f64); x.data.len()];
        for _ in 0..self.samples {
            let gradient = case.gradient_at(&noisy(x, deviation, &mut rng));
            for ((sum, squares), g) in sums.iter_mut().zip(&gradient.data) {
                *sum += f64::from(*g);
                *squares += f64::from(*g).powi(2);
            }
        }
        let data = sums.iter().map(|(sum, squares)| self.combine(*sum, *squares)).collect();
        Ok(Tensor::new(x.shape, data))
    }

    fn holds_input(&self) -> bool {
        false
    }
}

fn range(x: &Tensor) -> f64 {
    let largest = x.data.iter().fold(f32::NEG_INFINITY, |m, v| m.max(*v));
    let smallest = x.data.iter().fold(f32::INFINITY, |m, v| m.min(*v));
    f64::from(largest) - f64::from(smallest)
}

fn noisy(x: &Tensor, deviation: f64, rng: &mut KeyedRng) -> Tensor {
    let mut data = Vec::with_capacity(x.data.len() + 1);
    for pair in x.data.chunks(2) {
        let noise = normal_pair(rng);
        data.extend(pair.iter().zip(noise).map(|(v, n)| (f64::from(*v) + deviation * n) as f32));
    }
    Tensor::new(x.shape, data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{geom::Shape, rng::Seed},
        nn::{
            graph::Graph,
            op::{Dense, Function, Unary},
        },
    };

    #[test]
    fn noise_is_standard_normal() {
        let mut rng = Seed(1).rng("test", "", &[]);
        let draws: Vec<f64> = (0..20_000).flat_map(|_| normal_pair(&mut rng)).collect();
        let moment = |k: i32| draws.iter().map(|d| d.powi(k)).sum::<f64>() / 40_000.0;
        // five standard errors of each moment
        assert!(moment(1).abs() < 0.025, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.036, "{}", moment(2));
        assert!((moment(4) - 3.0).abs() < 0.25, "{}", moment(4));
    }

    #[test]
    fn a_kink_at_the_picture_gives_the_slope_of_the_share_that_is_open() {
        // f = relu(2 x - y) at (1, 2): noise decides the side, so the gradient is (2, -1) or 0
        let mut graph = Graph::new(Shape::vector(2));
        let x = graph.input();
        let dense = Dense::new(vec![2.0, -1.0], 1, Shape::vector(2), vec![]).unwrap();
        let at = graph.push("fc", Box::new(dense), &[x]).unwrap();
        graph.push("relu", Box::new(Unary::new(Function::Relu)), &[at]).unwrap();
        let acts = graph.forward(&Tensor::vector(vec![1.0, 2.0]));
        let (low, high) = ([0.0; 2], [1.0; 2]);
        let (graph, acts, seed) = (&graph, &acts, Seed(5));
        let case = Case { graph, acts, target: 0, low: &low, high: &high, seed, image: "a" };
        // the share of the same noise that opens the rectifier
        let mut rng = seed.rng("smoothgrad", "a", &[]);
        let mut is_open = || {
            let [x, y] = normal_pair(&mut rng);
            2.0 * x > y
        };
        let open = (0..400).filter(|_| is_open()).count() as f32 / 400.0;
        // five standard errors: with other noise this fails once in a million times
        assert!((open - 0.5).abs() < 0.125, "{open}");
        for (statistic, expected) in [
            (Statistic::Mean, [2.0 * open, -open]),
            (Statistic::Square, [4.0 * open, open]),
            (Statistic::Variance, [4.0 * open * (1.0 - open), open * (1.0 - open)]),
        ] {
            let method = SmoothGrad { statistic, samples: 400, noise: 0.1 };
            let got = method.attribute(&case).unwrap();
            for (g, e) in got.data.iter().zip(expected) {
                assert!((g - e).abs() < 1e-5, "{statistic:?}: {got:?}, expected {expected:?}");
            }
        }
    }
}
