//! The gradient, averaged on the way from a reference picture.

use super::{
    Case, ExplainError, Explainer, Total, has_gradient,
    quadrature::Quadrature,
    reference::{Reference, between, way},
};
use crate::{
    base::registry::{Entry, Kind, Param},
    nn::{graph::Graph, tensor::Tensor},
};

/// `R_i = (x_i - x'_i) integral over t in [0, 1] of df/dx_i (x' + t (x - x'))`; shape of the input.
/// With exact integration the sum of `R` is `f(x) - f(x')`.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `steps` | 50 | 2 to 10000 |
/// | `baseline` | `black` | `black`, `grey`, `white`, `zero` (after normalisation) |
/// | `quadrature` | `middle` | `right`, `left`, `middle`, `trapezoid`, `gauss-legendre`, `captum-trapezoid` |
///
/// The gradient of a network of rectifiers jumps many times on the way, so no quadrature gains by being
/// exact for polynomials. At equal cost `middle` and `trapezoid` come closest: at 50 steps maps of `right`
/// are 1.06 to 1.14 times as far from those of 1000 steps and more, those of `gauss-legendre` 1.3 to 1.5
/// times (medians over four pictures, on each of three small networks; on `SqueezeNet` all are alike within
/// a tenth). `middle` moreover leaves out the reference itself, where all windows of max-pools tie on a
/// plain colour. The sum is off by 1 to 9 % at 50 steps, with any of them.
///
/// `captum-trapezoid` repeats a peculiarity of captum 0.9, whose trapezoid weights add up to
/// 1 - 1/steps.
///
/// Source: Sundararajan et al. 2017, eq. 1; its sum (eq. 3) is `right`.
#[derive(Debug)]
pub struct IntegratedGradients {
    steps: usize,
    baseline: Reference,
    quadrature: Quadrature,
}

/// `integrated-gradients`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "integrated-gradients",
    summary: "gradient averaged on the way from a reference picture",
    cite: "sundararajan2017axiomatic",
    params: &[
        Param {
            key: "steps",
            default: "50",
            kind: Kind::Integer { min: 2, max: 10_000 },
            help: "points on the way",
        },
        Param {
            key: "baseline",
            default: "black",
            kind: Kind::Word(Reference::WORDS),
            help: "the reference picture",
        },
        Param {
            key: "quadrature",
            default: "middle",
            kind: Kind::Word(Quadrature::WORDS),
            help: "where the points lie and what they weigh",
        },
    ],
    build: |args| {
        Ok(Box::new(IntegratedGradients {
            steps: args.usize("steps"),
            baseline: args.word("baseline"),
            quadrature: args.word("quadrature"),
        }))
    },
};

impl Explainer for IntegratedGradients {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        has_gradient(graph)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let (x, from) = (case.input(), self.baseline.picture(case)?);
        let mut sum = vec![0.0f64; x.data.len()];
        for (t, weight) in self.quadrature.nodes(self.steps) {
            let gradient = case.gradient_at(&between(&from, x, t));
            sum.iter_mut().zip(&gradient.data).for_each(|(s, g)| *s += weight * f64::from(*g));
        }
        let data = sum.iter().zip(way(x, &from)).map(|(s, d)| (s * d) as f32).collect();
        Ok(Tensor::new(x.shape, data))
    }

    fn total(&self, case: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        let from = self.baseline.picture(case)?;
        Ok(Some(Total::proven(f64::from(case.score()) - f64::from(case.score_at(&from)))))
    }

    fn approximation(&self) -> Option<String> {
        Some(format!("steps={}", self.steps))
    }
}
