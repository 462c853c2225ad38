//! What can be done with a network.

use crate::{
    base::{
        geom::Rect,
        rng::Seed,
        unit::{Grid, Remainder, Units},
        words::list,
    },
    eval::order,
    explain::lrp::{self, Options},
    nn::{
        graph::{Graph, Node, NodeId},
        head::Head,
        model::Model,
        op::Role,
        stream::StreamPlan,
    },
    text::wrapped,
};

/// Side of the regions and number of steps for which the cost of a step is counted: the protocol's.
const REGION: usize = 9;
const STEPS: usize = 100;

/// Work behind a layer, as a share of all, below which the layer is no reason for the cost of a step.
const MUCH: f64 = 0.1;

/// A step that saves less than this factor is said to save next to nothing, and why.
const SAVING: f64 = 2.0;

/// Where the verdict's sentences begin.
const INDENT: usize = 11;

/// Whether there are scores, gradients and relevance, what a step costs, and how relevance is handed back.
pub(super) fn verdict(model: &Model) -> String {
    let graph = &model.graph;
    let lrp = match lrp::rules_are_known(graph, Options::default()) {
        Ok(()) => "yes".to_owned(),
        Err(error) => format!("no: {error}"),
    };
    [("scores", scores(graph)), ("gradients", "yes".to_owned()), ("LRP", lrp)]
        .into_iter()
        .chain(steps(graph).map(|steps| ("steps", steps)))
        .map(|(what, answer)| line(what, &answer))
        .chain([format!("\nwhat LRP does:\n{}", ways(graph))])
        .collect()
}

/// One line of the verdict.
pub(super) fn line(what: &str, answer: &str) -> String {
    wrapped(&format!("{what:INDENT$}{answer}"), INDENT)
}

fn scores(graph: &Graph) -> String {
    let meaning = match graph.head() {
        Head::Softmax => "logits of which one class is chosen (softmax)",
        Head::Sigmoid => "logits, each of a class for itself (sigmoid)",
        Head::OneLogit => "one logit for two classes",
        Head::Values => "values without probabilities",
    };
    format!("yes: {meaning}")
}

/// What a step costs beside a full pass; `None` where nothing is multiplied.
fn steps(graph: &Graph) -> Option<String> {
    let shape = graph.input_shape();
    let side = REGION.min(shape.h).min(shape.w);
    let grid = Grid::new(shape.h, shape.w, side, Remainder::Drop)?;
    let mut order = order::random(grid.len(), Seed(0), "model", 0);
    order.truncate(STEPS);
    let regions: Vec<Rect> = order.into_iter().map(|id| grid.rect(id)).collect();
    let plan = StreamPlan::new(graph, &regions);
    let of_steps: u64 = plan.macs(graph).iter().sum();
    let ratio = graph.macs() as f64 * regions.len() as f64 / of_steps as f64;
    if !ratio.is_finite() {
        return None;
    }
    let why = if ratio < SAVING { barrier(graph, &plan) } else { None };
    Some(format!(
        "a step that removes {side}x{side} pixels costs 1/{ratio:.1} of a full pass, in \
         multiply-adds{}",
        why.map(|why| format!(": {why}")).unwrap_or_default()
    ))
}

/// From which layer on every step changes everything, where much of the work lies behind it.
fn barrier(graph: &Graph, plan: &StreamPlan) -> Option<String> {
    let whole = |id: NodeId| {
        let all = graph.node(id).shape.rect().area();
        plan.rects(id).iter().all(|rect| rect.area() == all)
    };
    let begins =
        |id: NodeId, node: &Node| whole(id) && node.inputs.iter().any(|input| !whole(*input));
    let (at, node) = graph.nodes().skip(1).find(|(id, node)| begins(*id, node))?;
    let macs = |node: &Node| node.op.macs(&graph.shapes(&node.inputs), node.shape.rect());
    let behind: u64 = graph.nodes().skip(at.0).map(|(_, node)| macs(node)).sum();
    let share = behind as f64 / graph.macs().max(1) as f64;
    (share >= MUCH).then(|| {
        format!(
            "from `{}` ({}) on every step changes everything, which is {:.0} % of the work",
            node.name,
            node.op.name(),
            100.0 * share
        )
    })
}

/// How relevance is handed back, in the order in which it is printed.
const WAYS: [&str; 8] = [
    "by the composite's rules",
    "in proportion",
    "to the largest value",
    "to the signal of a gate, or halves",
    "by the rules of attention",
    "as it is",
    "where it came from",
    "no rule",
];

fn way(node: &Node) -> usize {
    match node.op.role() {
        Role::Linear(_) | Role::Scale(_) => 0,
        Role::Average(_) | Role::Sum(_) | Role::LayerNorm(_) => 1,
        Role::MaxPool(_) | Role::Extreme => 2,
        Role::Product => 3,
        Role::MatMul(_) | Role::Softmax => 4,
        Role::Activation | Role::Normalisation(_) => 5,
        Role::Route => 6,
        Role::Other => 7,
    }
}

/// One line per way, with the operators that go it.
fn ways(graph: &Graph) -> String {
    let width = WAYS.iter().map(|way| way.len()).max().unwrap_or(0) + 4;
    let line = |(k, name): (usize, &&str)| {
        let ops = graph.nodes().skip(1).filter(|(_, node)| way(node) == k);
        let counts = counted(ops.map(|(_, node)| node.op.name()));
        (!counts.is_empty())
            .then(|| wrapped(&format!("  {name:0$}{1}", width - 2, list(&counts)), width))
    };
    WAYS.iter().enumerate().filter_map(line).collect()
}

/// `12 Conv`, `1 Gemm`: the most frequent first.
pub(super) fn counted<'a>(ops: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut counts: Vec<(&str, usize)> = vec![];
    for op in ops {
        match counts.iter_mut().find(|(known, _)| *known == op) {
            Some((_, count)) => *count += 1,
            None => counts.push((op, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.into_iter().map(|(op, count)| format!("{count} {op}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::geom::Shape,
        nn::op::{
            AvgPool, Compare, Comparison, Conv, ConvGeometry, Function, MatMul, Mul, Softmax, Unary,
        },
    };

    fn conv(graph: &mut Graph, name: &str) {
        let geometry = ConvGeometry {
            kernel: [3; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pads: [1; 4],
            groups: 1,
        };
        let conv = Conv::new(vec![0.1; 36], 2, 2, geometry, vec![]).unwrap();
        let last = graph.output();
        graph.push(name, Box::new(conv), &[last]).unwrap();
    }

    fn model(graph: Graph) -> Model {
        Model {
            embedding: None,
            folder: None,
            graph,
            preprocess: None,
            prepared: None,
            classes: None,
            name: "hand.onnx".to_owned(),
            digest: "0".repeat(64),
            notes: vec![],
            chosen: None,
            modules: std::collections::BTreeMap::new(),
        }
    }

    /// Convolutions, behind `at` of which stands a squeeze-and-excitation gate.
    fn gated(layers: usize, at: usize) -> Model {
        let mut graph = Graph::new(Shape::new(2, 36, 36));
        for k in 0..layers {
            conv(&mut graph, &format!("conv{k}"));
            if k == at {
                let map = graph.output();
                let mean =
                    graph.push("squeeze", Box::new(AvgPool::global("GlobalAveragePool")), &[map]);
                let gate =
                    graph.push("gate", Box::new(Unary::new(Function::Sigmoid)), &[mean.unwrap()]);
                graph.push("excite", Box::new(Mul::new()), &[map, gate.unwrap()]).unwrap();
            }
        }
        model(graph)
    }

    #[test]
    fn a_gate_near_the_picture_leaves_nothing_to_save_and_one_at_the_end_does() {
        insta::assert_snapshot!([verdict(&gated(4, 0)), verdict(&gated(4, 3))].join("\n"));
    }

    #[test]
    fn operators_without_a_rule_are_all_named_in_the_verdict() {
        let mut graph = Graph::new(Shape::new(2, 1, 2));
        let x = graph.input();
        let soft = graph.push("attend", Box::new(Softmax::new()), &[x]).unwrap();
        let tokens = Box::new(MatMul::new(false));
        let mixed = graph.push("mix", tokens, &[soft, x]).unwrap();
        graph.push("larger", Box::new(Compare::new(Comparison::AtLeast)), &[mixed, x]).unwrap();
        insta::assert_snapshot!(verdict(&model(graph)));
    }
}
