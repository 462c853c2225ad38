//! What is asked of a network, whoever computes it.
//!
//! A network of layers is computed here: scores, the values of all nodes, gradients
//! ([`Graph::careful_gradient`]) and chains of changes ([`super::stream`]). One that another engine
//! computes ([`Predictor`]) is a graph of a single node and has scores alone, of a batch at a time.

use super::{
    graph::{Activations, Graph, GraphError},
    kernel::parallel::others_wait,
    op::foreign::{EngineError, Foreign, Predictor},
    tensor::Tensor,
};
use crate::base::geom::Shape;
use rayon::prelude::*;
use std::{any::Any, sync::Arc};

/// Inputs of one batch: what several callers build at a time.
pub const BATCH: usize = 32;

impl Graph {
    /// The network of another engine.
    pub fn foreign(
        predictor: Arc<dyn Predictor>,
        input: Shape,
        classes: usize,
    ) -> Result<Graph, GraphError> {
        let mut graph = Graph::new(input);
        let name = predictor.name().to_owned();
        let all = Foreign::new(predictor, input, classes);
        graph.push(&name, Box::new(all), &[graph.input()])?;
        Ok(graph)
    }

    /// The other engine that computes this network, if there is one: its scores are all that is known.
    pub fn engine(&self) -> Option<&Foreign> {
        (&*self.node(self.output()).op as &dyn Any).downcast_ref()
    }

    /// The scores of all classes for each input of a batch, of the input's shape. Inputs are spread over the
    /// threads where these have nothing else to do; the bits are those of [`Graph::logits`].
    pub fn scores(&self, batch: &[Tensor]) -> Result<Vec<Vec<f32>>, EngineError> {
        let needed = self.input_shape();
        if let Some(other) = batch.iter().find(|x| x.shape != needed) {
            let engine = self.engine().map_or("the network", Foreign::engine).to_owned();
            let problem = format!("expected an input of {needed}, found {}", other.shape);
            return Err(EngineError { engine, problem });
        }
        let one = |x: &Tensor| self.logits(x);
        match self.engine() {
            Some(engine) => engine.scores(batch),
            None if batch.len() > 1 && others_wait() => Ok(batch.par_iter().map(one).collect()),
            None => Ok(batch.iter().map(one).collect()),
        }
    }

    /// The values of all nodes for one input.
    pub fn pass(&self, x: &Tensor) -> Result<Activations, EngineError> {
        let Some(engine) = self.engine() else { return Ok(self.forward(x)) };
        let scores = engine.scores(std::slice::from_ref(x))?.swap_remove(0);
        Ok(Activations::new(vec![x.clone(), Tensor::vector(scores)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Dense;

    const INPUT: Shape = Shape::new(1, 2, 3);

    /// Sums and weighted sums; so many rows and classes.
    struct Sums {
        rows: usize,
        classes: usize,
    }

    impl Predictor for Sums {
        fn name(&self) -> &'static str {
            "sums"
        }

        fn scores(&self, batch: &[Tensor]) -> Result<Vec<Vec<f32>>, String> {
            let one = |x: &Tensor| vec![x.data.iter().sum(); self.classes];
            match self.rows {
                0 => Err("out of order".to_owned()),
                rows => Ok(batch.iter().map(one).cycle().take(rows).collect()),
            }
        }
    }

    fn foreign(rows: usize, classes: usize) -> Graph {
        Graph::foreign(Arc::new(Sums { rows, classes }), INPUT, 2).unwrap()
    }

    fn inputs() -> Vec<Tensor> {
        (0..3).map(|k| Tensor::new(INPUT, (0..6).map(|i| (i * k) as f32).collect())).collect()
    }

    #[test]
    fn another_engine_gives_scores_of_a_batch_and_no_gradient() {
        let graph = foreign(3, 2);
        assert_eq!((graph.classes(), graph.input_shape()), (2, INPUT));
        assert_eq!(graph.scores(&inputs()).unwrap(), [[0.0; 2], [15.0; 2], [30.0; 2]]);
        let acts = foreign(1, 2).pass(&inputs()[1]).unwrap();
        assert_eq!(acts.value(graph.output()).data, [15.0; 2]);
        assert_eq!(acts.value(graph.input()), &inputs()[1]);
        let gradient = graph.gradient(&acts, graph.seed(0, 1.0));
        assert!(gradient.data.iter().all(|v| v.is_nan()));
    }

    #[test]
    fn what_another_engine_does_wrong_is_named() {
        let say = |rows, classes| foreign(rows, classes).scores(&inputs()).unwrap_err().to_string();
        let messages = [say(0, 2), say(2, 2), say(3, 4)];
        insta::assert_snapshot!(messages.join("\n"));
        assert!(foreign(0, 2).pass(&inputs()[0]).is_err());
        assert!(foreign(0, 2).logits(&inputs()[0]).iter().all(|v| v.is_nan()));
    }

    #[test]
    fn a_batch_has_the_bits_of_one_by_one() {
        let mut graph = Graph::new(INPUT);
        let weights = (0..12).map(|i| (i as f32).sin()).collect();
        let dense = Dense::new(weights, 2, INPUT, vec![]).unwrap();
        graph.push("fc", Box::new(dense), &[graph.input()]).unwrap();
        let alone: Vec<Vec<f32>> = inputs().iter().map(|x| graph.logits(x)).collect();
        assert_eq!(graph.scores(&inputs()).unwrap(), alone);
        assert!(graph.engine().is_none());
        let other = graph.scores(&[Tensor::vector(vec![1.0])]).unwrap_err().to_string();
        assert_eq!(other, "`the network` gives no scores: expected an input of 1x2x3, found 1");
    }
}
