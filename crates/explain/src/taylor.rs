//! Simple Taylor decomposition.

use super::{
    Case, ExplainError, Explainer, Total, has_gradient,
    reference::{Reference, between, way},
};
use crate::{
    base::{
        registry::{Entry, Kind, Param},
        word_enum,
    },
    nn::{graph::Graph, tensor::Tensor},
};

/// `R_i = (x_i - x'_i) df/dx_i (x')`: the first-order terms at a root point `x'` between the
/// picture and a reference picture; shape of the input. `x'` is the point nearest to the picture
/// where the score is 0 (`root=nearest`, found by bisection after 32 even steps; the reference
/// itself where the score has no zero on the way) or the reference itself (`root=reference`).
///
/// | parameter | default | range |
/// |---|---|---|
/// | `toward` | `grey` | `black`, `grey`, `white`, `zero` (after normalisation) |
/// | `root` | `nearest` | `nearest`, `reference` |
///
/// Source: Bach et al. 2015, sec. "Taylor-type decomposition"; Montavon et al. 2018, sec. 4.2.
#[derive(Debug)]
pub struct SimpleTaylor {
    toward: Reference,
    root: Root,
}

word_enum! {
    /// Where the expansion is made.
    enum Root {
        Nearest = "nearest",
        Reference = "reference",
    }
}

/// `simple-taylor`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "simple-taylor",
    summary: "first-order terms at a point where the score vanishes",
    cite: "montavon2018methods",
    params: &[
        Param {
            key: "toward",
            default: "grey",
            kind: Kind::Word(Reference::WORDS),
            help: "the reference picture",
        },
        Param {
            key: "root",
            default: "nearest",
            kind: Kind::Word(Root::WORDS),
            help: "the nearest zero of the score on the way to the reference, or the reference",
        },
    ],
    build: |args| {
        let toward = args.word("toward");
        Ok(Box::new(SimpleTaylor { toward, root: args.word("root") }))
    },
};

impl SimpleTaylor {
    fn root(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let (x, reference) = (case.input(), self.toward.picture(case)?);
        let at = |t: f64| between(x, &reference, t);
        Ok(at(match self.root {
            Root::Nearest => nearest_zero(|t| case.score_at(&at(t))),
            Root::Reference => 1.0,
        }))
    }
}

impl Explainer for SimpleTaylor {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        has_gradient(graph)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let (x, root) = (case.input(), self.root(case)?);
        let mut relevance = case.gradient_at(&root);
        let way = way(x, &root);
        relevance.data.iter_mut().zip(way).for_each(|(r, d)| *r = (f64::from(*r) * d) as f32);
        Ok(relevance)
    }

    /// `f(x) - f(x')`, which the terms of higher order are missing from: no theory says that the sum is exact.
    fn total(&self, case: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        let value = f64::from(case.score()) - f64::from(case.score_at(&self.root(case)?));
        Ok(Some(Total { value, theory: false }))
    }
}

/// The smallest `t` in [0, 1] found where `f` changes its sign; 1 without any.
fn nearest_zero(f: impl Fn(f64) -> f32) -> f64 {
    /// Even steps in search of a sign change.
    const STEPS: usize = 32;
    /// Halvings of the step: below the precision of f32.
    const HALVINGS: usize = 20;
    let sign = f(0.0) > 0.0;
    let point = |k: usize| k as f64 / STEPS as f64;
    let Some(k) = (1..=STEPS).find(|k| (f(point(*k)) > 0.0) != sign) else { return 1.0 };
    let (mut near, mut far) = (point(k - 1), point(k));
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(near, far);
        if (f(middle) > 0.0) == sign { near = middle } else { far = middle }
    }
    far
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{geom::Shape, rng::Seed},
        nn::{
            graph::Graph,
            op::{Dense, MaxPool, Window},
        },
    };

    /// Gradients jump where windows of a max-pool tie, as all do on a plain colour.
    #[test]
    fn the_reference_itself_is_reached() {
        let shape = Shape::new(1, 8, 8);
        let mut graph = Graph::new(shape);
        let window =
            Window { kernel: [2; 2], stride: [2; 2], dilation: [1; 2], pads: [0; 4], ceil: false };
        let at = graph.push("max", Box::new(MaxPool::new(window)), &[graph.input()]).unwrap();
        let dense = Dense::new(vec![1.0; 16], 1, Shape::new(1, 4, 4), vec![]).unwrap();
        graph.push("dense", Box::new(dense), &[at]).unwrap();
        let x = Tensor::new(shape, (0..64).map(|i| 5.0 + (i as f32 * 1.7).sin()).collect());
        let (graph, acts, seed) = (&graph, &graph.forward(&x), Seed(0));
        for (low, high) in [(-2.117_904, 2.248_908), (0.1, 0.7), (-1.3, 1.9)] {
            let (low, high) = ([low], [high]);
            let case = Case { graph, acts, target: 0, low: &low, high: &high, seed, image: "" };
            for toward in [Reference::Black, Reference::Grey, Reference::White, Reference::Zero] {
                // no zero of the score is found on the way, or none is looked for
                for root in Root::ALL {
                    let map = SimpleTaylor { toward, root }.attribute(&case).unwrap();
                    let colour = toward.pixel(&case).unwrap()[0];
                    let first = |i: usize| i.is_multiple_of(2) && (i / 8).is_multiple_of(2);
                    let expected = |i: usize| if first(i) { x.data[i] - colour } else { 0.0 };
                    let near = |i: usize| (map.data[i] - expected(i)).abs() < 1e-5;
                    if root == Root::Reference || colour > 0.0 {
                        assert!((0..64).all(near), "{toward:?}: {:?}", map.data);
                    }
                }
            }
        }
    }

    #[test]
    fn the_zero_nearest_to_the_picture_is_found() {
        // zeros at 0.3 and 0.6
        let t = nearest_zero(|t| ((t - 0.3) * (t - 0.6)) as f32);
        assert!((t - 0.3).abs() < 1e-6, "{t}");
        assert!((nearest_zero(|t| (1.0 + t) as f32) - 1.0).abs() < 1e-12);
    }
}
