//! Decisions that single precision cannot make.
//!
//! A rectifier is open or closed and a max-pool has one winner; the gradient jumps where that
//! changes. A value nearer to the jump than the rounding of its sum falls on a side by chance. In a
//! large network such a decision carries next to nothing; in a small one it can decide a
//! thousandth of a heat map. So gradients count what hangs on decisions closer than [`CLOSE`], and
//! where that is more than [`SHARE`] at some node the pass before it is done again in double
//! precision, each value rounded once. Relevance propagation through small networks with residual
//! connections uses such values throughout.

use super::{
    graph::{Activations, Graph, Node},
    op::{Function, MaxPool, Role},
    tensor::{Exact, Tensor},
};
use crate::base::geom::Shape;

/// Distance from a jump, relative to the largest value of the map, within which rounding of a sum
/// of some thousand terms can decide.
const CLOSE: f32 = 1e-6;

/// Share of the gradient at a node that may hang on close decisions.
const SHARE: f64 = 2e-5;

/// Networks of more multiply-adds are too large for one decision to matter, and for the slow pass.
const MOST_MACS: u64 = 20_000_000;

impl Graph {
    /// Values of all nodes for the picture `x`, in double precision, rounded once. Slow.
    pub fn forward_exact(&self, x: &Tensor) -> Activations {
        let mut values: Vec<Exact> = vec![Exact::of(x)];
        for (_, node) in self.nodes().skip(1) {
            let ins: Vec<&Exact> = node.inputs.iter().map(|k| &values[k.0]).collect();
            let out = node.op.exact(&ins);
            values.push(out);
        }
        Activations::new(values.iter().map(Exact::rounded).collect())
    }

    /// Exact values for relevance propagation, which divides by sums: where summands of a residual
    /// connection nearly cancel, a quotient is as good as the last digits of both. `None` where there
    /// are no such sums or the network is too large for one of them to matter.
    pub fn careful_values(&self, acts: &Activations) -> Option<Activations> {
        let careful = self.macs() <= MOST_MACS && has_sums(self);
        careful.then(|| self.forward_exact(acts.value(self.input())))
    }

    /// Gradient of `sum(seed * output)` with respect to the picture, for which `acts` are the
    /// values of all nodes; where too much of it hangs on rounding, and the network is not large, at
    /// exact values instead.
    pub fn careful_gradient(&self, acts: &Activations, seed: &Tensor) -> Tensor {
        if self.macs() > MOST_MACS {
            return self.gradient(acts, seed.clone());
        }
        let mut doubt = 0.0f64;
        let gradient = self.watched_gradient(acts, seed.clone(), |id, grad| {
            doubt = doubt.max(doubtful_share(self.node(id), acts, grad));
        });
        if doubt <= SHARE {
            return gradient;
        }
        let exact = self.forward_exact(acts.value(self.input()));
        self.gradient(&exact, seed.clone())
    }
}

/// Whether some sum of maps may cancel, as residual connections do.
fn has_sums(graph: &Graph) -> bool {
    graph.nodes().any(|(_, node)| matches!(node.op.role(), Role::Sum(_)))
}

/// Share of the gradient at the output of a node that hangs on close decisions.
fn doubtful_share(node: &Node, acts: &Activations, grad: &Tensor) -> f64 {
    let Some(x) = node.inputs.first().map(|k| acts.value(*k)) else { return 0.0 };
    let is_close = match node.op.role() {
        Role::MaxPool(pool) => close_winners(pool, x, grad.shape),
        Role::Activation => match node.op.function().map(Function::jumps) {
            Some(jumps) if !jumps.is_empty() => close_to(&jumps, x),
            _ => return 0.0,
        },
        _ => return 0.0,
    };
    let (mut close, mut all) = (0.0, 0.0);
    for (g, is_close) in grad.data.iter().zip(is_close) {
        let size = f64::from(g.abs());
        all += size;
        close += if is_close { size } else { 0.0 };
    }
    if all > 0.0 { close / all } else { 0.0 }
}

/// What counts as close in a map.
fn margin(x: &Tensor) -> f32 {
    CLOSE * x.data.iter().fold(0.0f32, |most, v| most.max(v.abs()))
}

/// For each value whether it lies closely beside a jump. Values right at one are no matter of
/// chance: sums that are nothing in any precision.
fn close_to(jumps: &[f32], x: &Tensor) -> Vec<bool> {
    let margin = margin(x);
    let beside = |distance: f32| distance > 0.0 && distance <= margin;
    let close = |v: f32| jumps.iter().any(|jump| beside((v - jump).abs()));
    x.data.iter().map(|&v| close(v)).collect()
}

/// For each output of a max-pool whether another value comes close to the largest. Pixels that agree
/// in all channels are places of one flat area: there the first wins in any precision. Neither do
/// values that a rectifier has closed matter.
fn close_winners(pool: &MaxPool, x: &Tensor, outputs: Shape) -> Vec<bool> {
    let mut windows: Vec<Vec<usize>> = vec![vec![]; outputs.h * outputs.w];
    pool.pixels(x.shape, outputs.rect(), |o, i| windows[o].push(i));
    let margin = margin(x);
    let pixel = |i: usize| &x.data[i * x.shape.c..(i + 1) * x.shape.c];
    let mut close = Vec::with_capacity(outputs.len());
    for taps in windows {
        let taps = distinct(taps, |a, b| alike(pixel(a), pixel(b), margin));
        close.extend((0..outputs.c).map(|c| {
            let values = taps.iter().map(|&i| pixel(i)[c]);
            let (best, second) = two_largest(values);
            best - second <= margin && (best, second) != (0.0, 0.0)
        }));
    }
    close
}

/// The first of each group of items that are the same.
fn distinct(items: Vec<usize>, same: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut found: Vec<usize> = vec![];
    for item in items {
        if !found.iter().any(|&earlier| same(earlier, item)) {
            found.push(item);
        }
    }
    found
}

fn alike(a: &[f32], b: &[f32], margin: f32) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= margin)
}

/// The largest value and the next, negative infinity without one.
fn two_largest(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let none = f32::NEG_INFINITY;
    values.fold(
        (none, none),
        |(best, second), v| {
            if v > best { (v, best) } else { (best, second.max(v)) }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::NodeId;
    use crate::op::{Conv, ConvGeometry, Dense, Unary, Window};

    const PAIRS: Window =
        Window { kernel: [1, 2], stride: [1, 2], dilation: [1; 2], pads: [0; 4], ceil: false };

    #[test]
    fn close_values_of_a_window_count_unless_the_area_is_flat_or_closed() {
        // two channels; windows of two pixels: apart, close in the first channel, flat, closed
        let (shape, near) = (Shape::new(2, 1, 8), 1.0 + 2.0 * f32::EPSILON);
        let x =
            vec![1.0, 5.0, 2.0, 6.0, 1.0, 2.0, near, 3.0, 1.0, 2.0, 1.0, 2.0, 0.0, 1.0, 0.0, 2.0];
        let x = Tensor::new(shape, x);
        let close = close_winners(&MaxPool::new(PAIRS), &x, Shape::new(2, 1, 4));
        assert_eq!(close, [false, false, true, false, false, false, false, false]);
    }

    #[test]
    fn values_beside_a_jump_are_close_and_those_at_it_are_not() {
        let x = Tensor::vector(vec![1e-7, 0.0, -1e-7, 0.1, 1.0]);
        assert_eq!(close_to(&[0.0], &x), [true, false, true, false, false]);
    }

    /// Two pixels of four values, their sums compared: what single precision drops from the second
    /// sum one by one makes it larger together. A second channel tells the pixels apart.
    fn torn() -> (Graph, Tensor) {
        let row = Shape::new(4, 1, 2);
        let geometry = ConvGeometry {
            kernel: [1; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pads: [0; 4],
            groups: 1,
        };
        let weights = vec![1.0, 1.0, 1.0, 1.0, 0.0, 1000.0, 0.0, 0.0];
        let mut graph = Graph::new(row);
        let sum = Conv::new(weights, 2, 4, geometry, vec![]).unwrap();
        let at = graph.push("sum", Box::new(sum), &[graph.input()]).unwrap();
        let at = graph.push("relu", Box::new(Unary::new(Function::Relu)), &[at]).unwrap();
        let at = graph.push("max", Box::new(MaxPool::new(PAIRS)), &[at]).unwrap();
        let head = Dense::new(vec![1.0, 0.0], 1, Shape::new(2, 1, 1), vec![]).unwrap();
        graph.push("head", Box::new(head), &[at]).unwrap();
        let little = 0.4 * f32::EPSILON;
        (graph, Tensor::new(row, vec![1.0, 0.0, 0.0, 0.0, 1.0, little, little, little]))
    }

    #[test]
    fn a_winner_that_rounding_hides_is_found_in_double_precision() {
        let (graph, x) = torn();
        let (acts, exact) = (graph.forward(&x), graph.forward_exact(&x));
        let sums = |acts: &Activations| -> Vec<f32> {
            acts.value(NodeId(1)).data.iter().copied().step_by(2).collect()
        };
        assert_eq!(sums(&acts), [1.0, 1.0]);
        assert_eq!(sums(&exact), [1.0, 1.0 + f32::EPSILON]);
        let seed = graph.seed(0, 1.0);
        let plain = graph.gradient(&acts, seed.clone());
        assert_eq!(plain.data, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let careful = graph.careful_gradient(&acts, &seed);
        assert_eq!(careful.data, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    }
}
