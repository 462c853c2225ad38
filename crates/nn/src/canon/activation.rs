//! Activations that exporters spell out as several operators, as one operator again.
//!
//! Written out, `x * Sigmoid(x)` is a product of two maps, of which LRP knows nothing. Files differ
//! in how they spell the same function, so it is recognised by its values: an expression of one map
//! that uses each value alone is tried at many points and compared with the known activations.

use super::Draft;
use crate::{
    base::geom::Shape,
    op::{Add, Affine, Function, Mul, Unary},
    tensor::Tensor,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What is recognised.
const KNOWN: &[Function] = &[
    Function::Sigmoid,
    Function::Swish { alpha: 1.0 },
    Function::Gelu,
    Function::GeluTanh,
    Function::HardSwish,
    Function::Mish,
    Function::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 },
];

/// More operators than any spelling of a known activation has.
const LONGEST: usize = 16;

/// The points at which expressions are tried are multiples of 1/16 up to this size. The two forms of
/// GELU differ by 4e-4 there.
const REACH: i32 = 8;

/// f32 rounding of terms up to 8 in size, over some operators.
const TOLERANCE: f32 = 2e-6;

impl Draft<'_> {
    /// Replaces written-out activations.
    pub(super) fn name_activations(&mut self) {
        for root in 1..self.nodes.len() {
            // a product of maps, a factor behind it, or `1 / (1 + exp(-x))`
            let node = &self.nodes[root];
            let quotient = matches!(node.op.function(), Some(Function::Power { .. }));
            if node.op::<Mul>().is_none() && node.op::<Affine>().is_none() && !quotient {
                continue;
            }
            if let Some((source, function)) = self.activation(root) {
                let op = Arc::new(Unary::new(function));
                let (name, known) = (self.nodes[root].name, function.name());
                self.notes.push(format!("operators up to `{name}` read as the activation {known}"));
                self.nodes[root].op = op;
                self.nodes[root].inputs = vec![source];
            }
        }
    }

    /// The known activation that a node computes, and the node it computes it from.
    fn activation(&self, root: usize) -> Option<(usize, Function)> {
        let mut inside = BTreeSet::from([root]);
        let mut open: BTreeSet<usize> = self.nodes[root].inputs.iter().copied().collect();
        while inside.len() <= LONGEST && inside.iter().all(|i| self.is_per_value(*i)) {
            // nodes are in topological order: the last one open is no input of the others
            let next = open.pop_last()?;
            if open.is_empty()
                && inside.len() > 1
                && let Some(function) = self.known(next, &inside)
            {
                return Some((next, function));
            }
            inside.insert(next);
            open.extend(&self.nodes[next].inputs);
        }
        None
    }

    /// True for operators that use each value alone, wherever it stands.
    fn is_per_value(&self, at: usize) -> bool {
        let node = &self.nodes[at];
        let shapes = node.inputs.iter().all(|k| self.nodes[*k].shape == node.shape);
        let scalar = node.op::<Affine>().is_some_and(|affine| affine.scale().len() == 1);
        let others = node.op::<Unary>().is_some() || node.op::<Mul>().is_some();
        shapes && (scalar || others || node.op::<Add>().is_some())
    }

    /// The known function that the last node of an expression computes from `source`.
    fn known(&self, source: usize, inside: &BTreeSet<usize>) -> Option<Function> {
        let points: Vec<f32> = (-16 * REACH..=16 * REACH).map(|i| i as f32 / 16.0).collect();
        let shape = Shape::new(1, 1, points.len());
        let mut values = BTreeMap::from([(source, Tensor::new(shape, points.clone()))]);
        for &at in inside {
            let node = &self.nodes[at];
            let ins: Option<Vec<&Tensor>> = node.inputs.iter().map(|k| values.get(k)).collect();
            let value = node.op.forward(&ins?);
            values.insert(at, value);
        }
        let (_, found) = values.last_key_value()?;
        let is = |f: &&Function| {
            let pairs = points.iter().zip(&found.data);
            pairs.into_iter().all(|(x, y)| (f.value(*x) - y).abs() <= TOLERANCE * x.abs().max(1.0))
        };
        KNOWN.iter().find(is).copied()
    }
}
