//! What speaks for a class rather than for the next best.

use super::{Case, ExplainError, Explainer, Pool, Total, wrap::Wrapper};
use crate::{
    base::registry::{Kind, Param},
    nn::{graph::Graph, tensor::Tensor},
};

/// `R(c) - R(c')` for any method `R`, where `c'` is the class with the highest score besides `c`.
/// Methods that pool channels by a norm are subtracted after pooling. (For LRP `start=contrast`
/// gives the same in one pass.)
///
/// | parameter | default | range |
/// |---|---|---|
/// | `contrast` | not used | `runner-up`: two explanations |
///
/// An operation on heat maps that tutorials on LRP show.
pub const WRAPPER: Wrapper = Wrapper {
    param: Param {
        key: "contrast",
        default: "",
        kind: Kind::Word(&["runner-up"]),
        help: "the heat map minus that of the best other class",
    },
    also: None,
    wrap: |inner, _, _| Box::new(Contrast { inner }),
};

struct Contrast {
    inner: Box<dyn Explainer>,
}

impl Explainer for Contrast {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        if graph.classes() < 2 {
            return Err(ExplainError::OneClass);
        }
        self.inner.fits(graph)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let mut own = self.inner.pooled_by_sum(case)?;
        let other = Case { target: case.runner_up()?, ..*case };
        let other = self.inner.pooled_by_sum(&other)?;
        own.data.iter_mut().zip(&other.data).for_each(|(own, other)| *own -= other);
        Ok(own)
    }

    /// The difference of two totals.
    fn total(&self, case: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        let other = Case { target: case.runner_up()?, ..*case };
        let totals = self.inner.total(case)?.zip(self.inner.total(&other)?);
        Ok(totals.map(|(own, other)| Total {
            value: own.value - other.value,
            theory: own.theory && other.theory,
        }))
    }

    fn holds_input(&self) -> bool {
        self.inner.holds_input()
    }

    fn approximation(&self) -> Option<String> {
        self.inner.approximation()
    }

    fn pool(&self) -> Pool {
        Pool::Sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{geom::Shape, rng::Seed},
        method,
        nn::{graph::Graph, op::Dense},
    };
    use std::io;

    fn explain(name: &str, classes: usize) -> Result<Vec<f32>, String> {
        // scores of x = (1, 2): 3, 7, 11
        let shape = Shape::new(1, 1, 2);
        let mut graph = Graph::new(shape);
        let weights = [1.0, 1.0, 3.0, 2.0, 5.0, 3.0];
        let fc = Dense::new(weights[..2 * classes].to_vec(), classes, shape, vec![]).unwrap();
        let x = graph.input();
        graph.push("fc", Box::new(fc), &[x]).unwrap();
        let acts = graph.forward(&Tensor::new(shape, vec![1.0, 2.0]));
        let (graph, acts, seed) = (&graph, &acts, Seed(0));
        let case = Case { graph, acts, target: 0, low: &[0.0], high: &[3.0], seed, image: "" };
        let named = method(&name.parse().unwrap(), |_| Err(io::Error::other("no file"))).unwrap();
        named.value.relevance(&case).map(|r| r.data).map_err(|e| e.to_string())
    }

    #[test]
    fn the_map_of_the_best_other_class_is_subtracted() {
        // (1, 2) of class 0 minus (5, 6) of class 2
        assert_eq!(explain("gradient-x-input:contrast=runner-up", 3).unwrap(), [-4.0, -4.0]);
        let lrp = explain("lrp-zero:start=contrast", 3).unwrap();
        let wrapped = explain("lrp-zero:contrast=runner-up", 3).unwrap();
        for (a, b) in lrp.iter().zip(&wrapped) {
            // the stabiliser takes a millionth
            assert!((a - b).abs() < 1e-4, "{lrp:?} {wrapped:?}");
        }
    }

    #[test]
    fn a_single_class_has_no_contrast() {
        assert_eq!(
            explain("gradient:contrast=runner-up", 1).unwrap_err(),
            "a class can only be contrasted with another, the network has one"
        );
    }
}
