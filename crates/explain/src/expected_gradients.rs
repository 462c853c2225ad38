//! The gradient, averaged on the ways from many reference pictures.

use super::{
    Case, ExplainError, Explainer, Total, has_gradient,
    reference::{between, way},
};
use crate::{
    base::{
        registry::{Entry, Kind, Param},
        rng::{KeyedRng, unit_f32},
        word_enum,
    },
    nn::{graph::Graph, tensor::Tensor},
};

/// `R_i = mean over references x' and t of (x_i - x'_i) df/dx_i (x' + t (x - x'))`, one `t` from
/// U(0, 1) per reference; shape of the input. The expected sum of `R` is `f(x)` minus the mean
/// `f(x')`. Draws are keyed by (seed, image).
///
/// | parameter | default | range |
/// |---|---|---|
/// | `samples` | 200 | 1 to 100000 |
/// | `references` | `noise` | `noise` (each value of each pixel uniform between black and white), `colour` (pictures of one random colour) |
///
/// The paper draws references from the training pictures. A method sees one picture only, so here
/// they come from a distribution that does not depend on the data: by default that of the
/// perturbation `uniform`, which stands for "no information" in the evaluation.
///
/// Source: Erion et al. 2021; 200 samples as in the gradient explainer of the package shap.
#[derive(Debug)]
pub struct ExpectedGradients {
    samples: usize,
    references: References,
}

word_enum! {
    /// Where references come from.
    enum References {
        Noise = "noise",
        Colour = "colour",
    }
}

/// `expected-gradients`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "expected-gradients",
    summary: "gradient averaged on the ways from random reference pictures",
    cite: "erion2021improving",
    params: &[
        Param {
            key: "samples",
            default: "200",
            kind: Kind::Integer { min: 1, max: 100_000 },
            help: "references, with one point on the way from each",
        },
        Param {
            key: "references",
            default: "noise",
            kind: Kind::Word(References::WORDS),
            help: "pictures of uniform noise, or of one random colour each",
        },
    ],
    build: |args| {
        Ok(Box::new(ExpectedGradients {
            samples: args.usize("samples"),
            references: args.word("references"),
        }))
    },
};

impl ExpectedGradients {
    /// Calls `f` with each reference and its point on the way.
    fn draws(&self, case: &Case<'_>, mut f: impl FnMut(&Tensor, f64)) -> Result<(), ExplainError> {
        let (low, high) = case.bounds()?;
        let mut rng = case.seed.rng("expected-gradients", case.image, &[]);
        for _ in 0..self.samples {
            let from = self.references.draw(case, low, high, &mut rng);
            f(&from, f64::from(unit_f32(&mut rng)));
        }
        Ok(())
    }
}

impl References {
    fn draw(self, case: &Case<'_>, low: &[f32], high: &[f32], rng: &mut KeyedRng) -> Tensor {
        let shape = case.graph.input_shape();
        let mut pixel = || -> Vec<f32> {
            low.iter().zip(high).map(|(low, high)| low + unit_f32(rng) * (high - low)).collect()
        };
        let data = match self {
            References::Noise => (0..shape.h * shape.w).flat_map(|_| pixel()).collect(),
            References::Colour => pixel().into_iter().cycle().take(shape.len()).collect(),
        };
        Tensor::new(shape, data)
    }
}

impl Explainer for ExpectedGradients {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        has_gradient(graph)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let x = case.input();
        let mut sum = vec![0.0f64; x.data.len()];
        self.draws(case, |from, t| {
            let gradient = case.gradient_at(&between(from, x, t));
            let terms = way(x, from).zip(&gradient.data).map(|(way, g)| way * f64::from(*g));
            sum.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        })?;
        let data = sum.iter().map(|s| (s / self.samples as f64) as f32).collect();
        Ok(Tensor::new(x.shape, data))
    }

    fn total(&self, case: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        let mut scores = 0.0;
        self.draws(case, |from, _| scores += f64::from(case.score_at(from)))?;
        Ok(Some(Total::proven(f64::from(case.score()) - scores / self.samples as f64)))
    }

    fn approximation(&self) -> Option<String> {
        Some(format!("samples={}", self.samples))
    }
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

    /// Relevance of x = 1, y = 0.5 for f = relu(2 x - 1), references in [0, 1].
    fn explain(samples: usize, references: References) -> (Vec<f32>, f64) {
        let mut graph = Graph::new(Shape::vector(2));
        let x = graph.input();
        let fc = Dense::new(vec![2.0, 0.0], 1, Shape::vector(2), vec![-1.0]).unwrap();
        let at = graph.push("fc", Box::new(fc), &[x]).unwrap();
        graph.push("relu", Box::new(Unary::new(Function::Relu)), &[at]).unwrap();
        let acts = graph.forward(&Tensor::vector(vec![1.0, 0.5]));
        let (low, high, seed) = ([0.0; 2], [1.0; 2], Seed(1));
        let (graph, acts) = (&graph, &acts);
        let case = Case { graph, acts, target: 0, low: &low, high: &high, seed, image: "a" };
        let method = ExpectedGradients { samples, references };
        (method.attribute(&case).unwrap().data, method.total(&case).unwrap().unwrap().value)
    }

    #[test]
    fn the_expectation_is_the_score_minus_that_of_the_references() {
        // f = 1 at x = 1; over x' in U(0, 1) the mean of relu(2 x' - 1) is 1/4
        for references in [References::Noise, References::Colour] {
            let (relevance, total) = explain(4000, references);
            // standard errors of about 0.012 and 0.005
            assert!((relevance[0] - 0.75).abs() < 0.06, "{relevance:?}");
            assert!((total - 0.75).abs() < 0.025, "{total}");
            assert!(relevance[1] == 0.0, "{relevance:?}");
        }
    }
}
