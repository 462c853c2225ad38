//! Small networks and places for tests.

use crate::{
    base::{geom::Shape, rng::Seed},
    nn::{
        graph::Graph,
        op::{AvgPool, Conv, ConvGeometry, Dense, Function, Unary},
        tensor::Tensor,
    },
    prior::{Examples, PriorError, Site},
};

/// Numbers that look random, in [-1, 1].
pub(crate) fn numbers(n: usize, salt: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + salt * 104_729 + 13) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// Three classes of 2x2 pixels, linear.
pub(crate) fn linear() -> Graph {
    let mut graph = Graph::new(Shape::new(1, 2, 2));
    let dense = Dense::new(numbers(12, 1), 3, graph.input_shape(), vec![0.1, -0.2, 0.3]).unwrap();
    graph.push("fc", Box::new(dense), &[graph.input()]).unwrap();
    graph
}

/// Two classes whose scores are means over rectified maps of 4x4 pixels: all weights are positive, so a negative input
/// has the scores 0.
pub(crate) fn rectified() -> Graph {
    let mut graph = Graph::new(Shape::new(1, 4, 4));
    let weights = numbers(18, 2).iter().map(|v| v.abs() + 0.1).collect();
    let geometry =
        ConvGeometry { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pads: [1; 4], groups: 1 };
    let conv = Conv::new(weights, 2, 1, geometry, vec![]).unwrap();
    let conv = graph.push("conv", Box::new(conv), &[graph.input()]).unwrap();
    let relu = graph.push("relu", Box::new(Unary::new(Function::Relu)), &[conv]).unwrap();
    graph.push("pool", Box::new(AvgPool::global("GlobalAveragePool")), &[relu]).unwrap();
    graph
}

/// Pictures of a shape.
pub(crate) struct Some(pub(crate) Shape);

impl Examples for Some {
    fn of_class(&self, _: Option<usize>) -> Result<Vec<Tensor>, PriorError> {
        let one = |k: usize| {
            let values = numbers(self.0.len(), k + 5).iter().map(|v| 0.5 + 0.4 * v).collect();
            Tensor::new(self.0, values)
        };
        Ok((0..6).map(one).collect())
    }
}

/// A place for priors of a picture.
pub(crate) fn site<'a>(zero: &'a Tensor, examples: &'a Some) -> Site<'a> {
    Site {
        shape: zero.shape,
        zero,
        centre: zero,
        class: Option::Some(1),
        seed: Seed(3),
        restart: 0,
        examples,
    }
}
