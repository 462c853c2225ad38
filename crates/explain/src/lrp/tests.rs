//! Every rule against its formula: by hand, and on dense matrices in double precision.

use super::*;
use crate::{
    EXPLAINERS,
    base::{
        geom::Shape,
        registry::build,
        rng::{Seed, unit_f32},
    },
    nn::{
        graph::Graph,
        op::{
            Add, Affine, AvgPool, Compare, Comparison, Concat, Conv, ConvGeometry, Cpu, Dense,
            Extreme, Function, MaxPool, Mul, Op, Pick, Softmax, Unary, Window,
        },
    },
};
use composite::Assignment;
use proptest::prelude::*;

/// Values in [-2, 2).
fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = Seed(seed).rng("test", "", &[]);
    (0..n).map(|_| unit_f32(&mut rng) * 4.0 - 2.0).collect()
}

fn case<'a>(graph: &'a Graph, acts: &'a crate::nn::graph::Activations, target: usize) -> Case<'a> {
    Case { graph, acts, target, low: &[-2.0], high: &[2.0], seed: Seed(0), image: "test" }
}

fn one_layer(op: Box<dyn Cpu>, input: Shape) -> Graph {
    let mut graph = Graph::new(input);
    let at = graph.input();
    graph.push("layer", op, &[at]).unwrap();
    graph
}

/// Relevance of the input of a single layer, when `r` arrives at its output.
fn propagate(graph: &Graph, rule: &str, x: &Tensor, r: &Tensor) -> Vec<f32> {
    let acts = graph.forward(x);
    let rule = rule::parse(&rule.parse().unwrap()).unwrap();
    let id = graph.output();
    let case = case(graph, &acts, 0);
    let step =
        Step { case: &case, options: Options::default(), id, node: graph.node(id), arrived: r };
    step.send(Assignment::Rule(&rule), true).unwrap().messages.unwrap().remove(0).data
}

#[test]
fn each_rule_gives_the_numbers_worked_out_by_hand() {
    // x = (1, -2, 3), w = (2, 1, 1), b = 1: products (2, -2, 3), z = 4, z+ = 6 with b, z- = -2;
    // R = 8. The negative input meets a positive weight: its product is negative.
    let dense = Dense::new(vec![2.0, 1.0, 1.0], 1, Shape::vector(3), vec![1.0]).unwrap();
    let graph = one_layer(Box::new(dense), Shape::vector(3));
    let x = Tensor::vector(vec![1.0, -2.0, 3.0]);
    let third = 8.0 / 3.0;
    for (rule, expected) in [
        // 8 (2, -2, 3) / 4, or / 3 without the bias
        ("lrp-zero", [4.0, -4.0, 6.0]),
        ("lrp-zero:bias=ignore", [2.0 * third, -2.0 * third, 8.0]),
        // 8 (2, -2, 3) / (4 + 1)
        ("lrp-epsilon:eps=1", [3.2, -3.2, 4.8]),
        // 8 (2 + 2, -2, 3 + 3) / (4 + 6)
        ("lrp-gamma:gamma=1", [3.2, -1.6, 4.8]),
        // 8 (2 + 2, -2, 3 + 3) / (3 + 5)
        ("lrp-gamma:gamma=1:bias=ignore", [4.0, -2.0, 6.0]),
        // 2 * 8 (2, 0, 3) / 6 - 8 (0, -2, 0) / -2
        ("lrp-alpha-beta", [2.0 * third, -8.0, 8.0]),
        ("lrp-alpha-beta:bias=ignore", [6.4, -8.0, 9.6]),
        // 8 (2, 0, 3) / 6
        ("lrp-z-plus", [third, 0.0, 4.0]),
        ("lrp-z-plus:bias=ignore", [3.2, 0.0, 4.8]),
        // q = x w - l w with the box [-2, 2]: (2 + 4, -2 + 2, 3 + 2), sum 11
        ("lrp-z-box", [8.0 * 6.0 / 11.0, 0.0, 8.0 * 5.0 / 11.0]),
        // 8 (4, 1, 1) / 6
        ("lrp-w-square", [2.0 * third, third / 2.0, third / 2.0]),
        // 8 / 3
        ("lrp-flat", [third; 3]),
    ] {
        let r = propagate(&graph, rule, &x, &Tensor::vector(vec![8.0]));
        for (r, e) in r.iter().zip(expected) {
            // the stabiliser is a millionth of denominators of 2 and more
            assert!((r - e).abs() < 1e-5, "{rule}: {r} is not {e}");
        }
    }
}

#[test]
fn gamma_favours_negative_contributions_of_a_negative_output() {
    // products (1, -3), z = -2: 8 (1, -3 - 3) / (-2 - 3)
    let dense = Dense::new(vec![1.0, 3.0], 1, Shape::vector(2), vec![]).unwrap();
    let graph = one_layer(Box::new(dense), Shape::vector(2));
    let x = Tensor::vector(vec![1.0, -1.0]);
    let r = propagate(&graph, "lrp-gamma:gamma=1", &x, &Tensor::vector(vec![8.0]));
    assert!((r[0] + 1.6).abs() < 1e-5 && (r[1] - 9.6).abs() < 1e-5, "{r:?}");
}

#[test]
fn an_ignored_bias_leaves_nothing_of_itself_in_the_denominator() {
    // z = 0.00001 beside a bias of 1000: their sum rounds it away; 8 z / (z + 0.000001)
    let dense = Dense::new(vec![1e-5], 1, Shape::vector(1), vec![1000.0]).unwrap();
    let graph = one_layer(Box::new(dense), Shape::vector(1));
    let (x, r) = (Tensor::vector(vec![1.0]), Tensor::vector(vec![8.0]));
    let relevance = propagate(&graph, "lrp-zero:bias=ignore", &x, &r);
    assert!((relevance[0] - 80.0 / 11.0).abs() < 1e-4, "{relevance:?}");
}

/// A layer as a matrix.
struct Matrix {
    /// `w[i][j]`: input `i`, output `j`; `None` where there is no weight.
    w: Vec<Vec<Option<f64>>>,
    /// Per output.
    b: Vec<f64>,
}

impl Matrix {
    /// Standard deviation of the outputs.
    fn deviation(&self, x: &[f64], bias: bool) -> f64 {
        let out = |j: usize| {
            let z = self.w.iter().zip(x).map(|(row, x)| row[j].unwrap_or(0.0) * x).sum::<f64>();
            z + if bias { self.b[j] } else { 0.0 }
        };
        let z: Vec<f64> = (0..self.b.len()).map(out).collect();
        let mean = z.iter().sum::<f64>() / z.len() as f64;
        (z.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / z.len() as f64).sqrt()
    }
}

/// Reads a layer's matrix off its forward passes of unit vectors: the layer without its bias gives
/// the weights, the layer with all weights 1 tells where there are any.
fn matrix(weights: &dyn Cpu, ones: &dyn Cpu, input: Shape, b: &[f32]) -> Matrix {
    let column = |op: &dyn Cpu, i: usize| {
        let mut unit = Tensor::zeros(input);
        unit.data[i] = 1.0;
        op.forward(&[&unit]).data
    };
    let entry = |(w, one): (f32, f32)| (one != 0.0).then_some(f64::from(w));
    let row = |i| column(weights, i).into_iter().zip(column(ones, i)).map(entry).collect();
    let w: Vec<Vec<Option<f64>>> = (0..input.len()).map(row).collect();
    let bias = b.iter().map(|&b| f64::from(b)).cycle();
    let b = if b.is_empty() { vec![0.0; w[0].len()] } else { bias.take(w[0].len()).collect() };
    Matrix { w, b }
}

/// One summand of a rule at one output: input `i` gets `numerators[i] / denominator * R_j`.
struct Share {
    numerators: Vec<f64>,
    denominator: f64,
    /// Sum of the sizes of what was added up in the denominator.
    size: f64,
}

fn share(numerators: Vec<f64>, bias: f64, eps: f64, factor: f64) -> Share {
    let z = numerators.iter().sum::<f64>() + bias;
    let size = numerators.iter().map(|n| n.abs()).sum::<f64>() + bias.abs();
    let denominator = if z < 0.0 { z - eps } else { z + eps };
    Share { numerators: numerators.iter().map(|n| n * factor).collect(), denominator, size }
}

/// The formulas of the rules, for one output with the products `z`, bias `b` and output `out`.
/// The box is [-2, 2]; `deviation` is that of the layer's outputs.
fn shares(
    rule: &str,
    w: &[Option<f64>],
    x: &[f64],
    b: f64,
    out: f64,
    deviation: f64,
) -> Vec<Share> {
    let spec: crate::base::registry::Spec = rule.parse().unwrap();
    let number = |key: &str| spec.get(key).unwrap().parse::<f64>().unwrap();
    let z: Vec<f64> = w.iter().zip(x).map(|(w, x)| w.unwrap_or(0.0) * x).collect();
    let positive = || z.iter().map(|z| z.max(0.0)).collect::<Vec<f64>>();
    let negative = || z.iter().map(|z| z.min(0.0)).collect::<Vec<f64>>();
    let b = if spec.get("bias") == Some("ignore") { 0.0 } else { b };
    match spec.id.as_str() {
        "lrp-zero" => vec![share(z, b, 1e-6, 1.0)],
        "lrp-epsilon" => vec![share(z, b, number("eps"), 1.0)],
        "lrp-gamma" => {
            let g = number("gamma");
            let (side, side_b) =
                if out > 0.0 { (positive(), b.max(0.0)) } else { (negative(), b.min(0.0)) };
            let grown = z.iter().zip(side).map(|(z, s)| z + g * s).collect();
            vec![share(grown, b + g * side_b, 1e-6, 1.0)]
        }
        "lrp-alpha-beta" => vec![
            share(positive(), b.max(0.0), 1e-6, number("alpha")),
            share(negative(), b.min(0.0), 1e-6, -number("beta")),
        ],
        "lrp-z-plus" => vec![share(positive(), b.max(0.0), 1e-6, 1.0)],
        "lrp-epsilon-std" => vec![share(z, b, number("k") * deviation, 1.0)],
        "lrp-z-box" => {
            let q = |(w, x): (&Option<f64>, &f64)| {
                let w = w.unwrap_or(0.0);
                x * w + 2.0 * w.max(0.0) - 2.0 * w.min(0.0)
            };
            vec![share(w.iter().zip(x).map(q).collect(), 0.0, 1e-6, 1.0)]
        }
        "lrp-w-square" => {
            vec![share(w.iter().map(|w| w.unwrap_or(0.0).powi(2)).collect(), 0.0, 1e-6, 1.0)]
        }
        "lrp-flat" => {
            vec![share(w.iter().map(|w| f64::from(w.is_some())).collect(), 0.0, 1e-6, 1.0)]
        }
        other => panic!("the oracle has no formula for {other}"),
    }
}

/// Relevance of the inputs by the formula, and how far single precision may be off.
fn oracle(rule: &str, m: &Matrix, x: &[f64], r: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let deviation = m.deviation(x, rule.ends_with("keep"));
    let mut relevance = vec![0.0; x.len()];
    let mut bound = vec![1e-9; x.len()];
    for (j, &r) in r.iter().enumerate() {
        let w: Vec<Option<f64>> = m.w.iter().map(|row| row[j]).collect();
        let z = w.iter().zip(x).map(|(w, x)| w.unwrap_or(0.0) * x);
        let out = z.clone().sum::<f64>() + m.b[j];
        let size = z.map(f64::abs).sum::<f64>() + m.b[j].abs();
        // the sign of an output that cancels to nothing is rounding
        let torn = rule.starts_with("lrp-gamma") && out.abs() < 1e-5 * size;
        for share in shares(rule, &w, x, m.b[j], out, deviation) {
            // rounding of a sum of some hundred terms, enlarged by cancellation in the denominator
            let relative = 1e-6 * (4.0 + size / share.denominator.abs().max(1e-30))
                + 1e-6 * share.size / share.denominator.abs().max(1e-30);
            for (i, n) in share.numerators.iter().enumerate() {
                let term = f64::from(r) * n / share.denominator;
                relevance[i] += term;
                bound[i] += if torn { f64::INFINITY } else { relative * term.abs() };
            }
        }
    }
    (relevance, bound)
}

const RULES_TO_TRY: &[&str] = &[
    "lrp-zero:bias=keep",
    "lrp-zero:bias=ignore",
    "lrp-epsilon:eps=0.01:bias=keep",
    "lrp-epsilon:eps=0.5:bias=ignore",
    "lrp-epsilon-std:k=0.25:bias=keep",
    "lrp-epsilon-std:k=0.1:bias=ignore",
    "lrp-gamma:gamma=0.25:bias=keep",
    "lrp-gamma:gamma=2:bias=ignore",
    "lrp-alpha-beta:alpha=2:beta=1:bias=keep",
    "lrp-alpha-beta:alpha=1.5:beta=0.5:bias=ignore",
    "lrp-alpha-beta:alpha=1:beta=0:bias=keep",
    "lrp-z-plus:bias=keep",
    "lrp-z-plus:bias=ignore",
    "lrp-z-box",
    "lrp-w-square",
    "lrp-flat",
];

/// A layer to check rules on: the layer, the same without bias, the same with weights 1.
#[derive(Debug)]
struct Problem {
    name: String,
    layer: Box<dyn Cpu>,
    linear: Box<dyn Cpu>,
    ones: Box<dyn Cpu>,
    bias: Vec<f32>,
    input: Shape,
}

impl Problem {
    fn new(
        name: String,
        input: Shape,
        weights: Vec<f32>,
        bias: Vec<f32>,
        make: impl Fn(Vec<f32>, Vec<f32>) -> Box<dyn Cpu>,
    ) -> Problem {
        let ones = make(vec![1.0; weights.len()], vec![]);
        let linear = make(weights.clone(), vec![]);
        Problem { name, layer: make(weights, bias.clone()), linear, ones, bias, input }
    }

    fn conv(
        input: Shape,
        geometry: ConvGeometry,
        outputs: usize,
        bias: bool,
        seed: u64,
    ) -> Problem {
        let n = outputs * input.c / geometry.groups * geometry.kernel[0] * geometry.kernel[1];
        let b = if bias { values(outputs, seed + 1) } else { vec![] };
        let make = |w: Vec<f32>, b: Vec<f32>| -> Box<dyn Cpu> {
            Box::new(Conv::new(w, outputs, input.c, geometry, b).unwrap())
        };
        Problem::new(format!("{geometry:?} on {input}"), input, values(n, seed), b, make)
    }

    fn dense(input: Shape, outputs: usize, bias: bool, seed: u64) -> Problem {
        let b = if bias { values(outputs, seed + 1) } else { vec![] };
        let make = |w: Vec<f32>, b: Vec<f32>| -> Box<dyn Cpu> {
            Box::new(Dense::new(w, outputs, input, b).unwrap())
        };
        let w = values(outputs * input.len(), seed);
        Problem::new(format!("dense on {input}"), input, w, b, make)
    }

    /// Compares the rule with its formula, for `x` and relevance drawn with `seed`.
    fn check(self, rule: &str, negative_inputs: bool, seed: u64) -> Result<(), TestCaseError> {
        let floor = if negative_inputs { f32::NEG_INFINITY } else { 0.0 };
        let mut x = Tensor::new(self.input, values(self.input.len(), seed + 2));
        x.data.iter_mut().for_each(|v| *v = v.max(floor));
        let matrix = matrix(&*self.linear, &*self.ones, self.input, &self.bias);
        let graph = one_layer(self.layer, self.input);
        let shape = graph.node(graph.output()).shape;
        let r = Tensor::new(shape, values(shape.len(), seed + 3));
        let got = propagate(&graph, rule, &x, &r);
        let wide: Vec<f64> = x.data.iter().map(|&v| f64::from(v)).collect();
        let (expected, bound) = oracle(rule, &matrix, &wide, &r.data);
        for (i, ((got, e), bound)) in got.iter().zip(&expected).zip(&bound).enumerate() {
            let off = (f64::from(*got) - e).abs();
            prop_assert!(off <= *bound, "{rule} on {}: R[{i}] = {got}, not {e}", self.name);
        }
        Ok(())
    }
}

fn problem() -> impl Strategy<Value = (Problem, bool, u64)> {
    let conv = (1..4usize, 1..4usize, 1..3usize, 0..2usize, 1..3usize, 1..3usize, 1..3usize);
    let rest = (3..6usize, 4..7usize, any::<bool>(), any::<bool>(), any::<bool>(), 0..1000u64);
    (conv, rest).prop_map(|((kh, kw, stride, pad, dilation, groups, inputs), rest)| {
        let (h, w, dense, bias, negative, seed) = rest;
        let input = Shape::new(inputs * groups, h + 2, w + 2);
        let geometry = ConvGeometry {
            kernel: [kh, kw],
            stride: [stride, 1],
            dilation: [dilation, 1],
            pads: [pad, 0, 0, pad],
            groups,
        };
        let problem = if dense {
            Problem::dense(Shape::new(inputs, h, w), 5, bias, 10 * seed)
        } else {
            Problem::conv(input, geometry, 2 * groups, bias, 10 * seed)
        };
        (problem, negative, 10 * seed)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_rule_agrees_with_its_formula_on_dense_matrices(
        (problem, negative, seed) in problem(),
        rule in proptest::sample::select(RULES_TO_TRY),
    ) {
        problem.check(rule, negative, seed)?;
    }
}

#[test]
fn every_rule_is_tried_against_its_formula() {
    for entry in rule::RULES {
        let tried = |r: &&str| r.split(':').next() == Some(entry.id);
        let rule = RULES_TO_TRY.iter().find(|r| tried(r)).expect(entry.id);
        for (bias, negative) in [(false, false), (true, false), (true, true)] {
            let geometry = ConvGeometry {
                kernel: [3, 3],
                stride: [2, 1],
                dilation: [1, 1],
                pads: [1; 4],
                groups: 2,
            };
            let conv = Problem::conv(Shape::new(4, 5, 6), geometry, 6, bias, 3);
            conv.check(rule, negative, 5).unwrap();
            Problem::dense(Shape::new(2, 3, 2), 4, bias, 4).check(rule, negative, 6).unwrap();
        }
    }
}

/// A network with every role: strided and grouped convolutions, both poolings, a residual sum, a
/// concatenation, a scaling, dense layers.
fn network(bias: bool) -> Graph {
    let mut g = Graph::new(Shape::new(3, 12, 12));
    let conv = |inputs: usize, outputs: usize, k: usize, groups: usize, seed: u64| {
        let pads = [k / 2; 4];
        let geometry =
            ConvGeometry { kernel: [k; 2], stride: [1; 2], dilation: [1; 2], pads, groups };
        let w = values(outputs * inputs / groups * k * k, seed);
        let b = if bias { values(outputs, seed + 100) } else { vec![] };
        Box::new(Conv::new(w, outputs, inputs, geometry, b).unwrap())
    };
    let relu = || Box::new(Unary::new(Function::Relu));
    let window = |k: usize| Window {
        kernel: [k; 2],
        stride: [2; 2],
        dilation: [1; 2],
        pads: [0; 4],
        ceil: false,
    };
    let x = g.input();
    let a = g.push("conv1", conv(3, 8, 3, 1, 1), &[x]).unwrap();
    let a = g.push("relu1", relu(), &[a]).unwrap();
    let a = g.push("max", Box::new(MaxPool::new(window(2))), &[a]).unwrap();
    let b = g.push("conv2", conv(8, 8, 3, 2, 2), &[a]).unwrap();
    let b = g.push("relu2", relu(), &[b]).unwrap();
    let b = g.push("conv3", conv(8, 8, 3, 1, 3), &[b]).unwrap();
    let sum = g.push("add", Box::new(Add::new(vec![1.0, 1.0])), &[a, b]).unwrap();
    let shift = if bias { vec![0.5; 8] } else { vec![0.0; 8] };
    let affine =
        Affine::new("BatchNormalization", vec![2.0, 1.0, 0.5, 3.0, 1.0, 2.0, 1.0, 0.5], shift);
    let sum = g.push("bn", Box::new(affine), &[sum]).unwrap();
    let sum = g.push("relu3", relu(), &[sum]).unwrap();
    let both = g.push("concat", Box::new(Concat::new()), &[sum, a]).unwrap();
    let p = g.push("avg", Box::new(AvgPool::new(window(2), true)), &[both]).unwrap();
    let map = Shape::new(16, 3, 3);
    let b = |n, seed| if bias { values(n, seed) } else { vec![] };
    let d1 = Dense::new(values(20 * map.len(), 6), 20, map, b(20, 7)).unwrap();
    let d = g.push("fc1", Box::new(d1), &[p]).unwrap();
    let d = g.push("relu4", relu(), &[d]).unwrap();
    let d2 = Dense::new(values(100, 8), 5, Shape::vector(20), b(5, 9)).unwrap();
    g.push("fc2", Box::new(d2), &[d]).unwrap();
    g
}

fn input(seed: u64) -> Tensor {
    let shape = Shape::new(3, 12, 12);
    Tensor::new(shape, values(shape.len(), seed))
}

fn traced(method: &str, graph: &Graph, x: &Tensor, target: usize) -> (Tensor, Trace) {
    let method = build("method", EXPLAINERS, &method.parse().unwrap()).unwrap();
    let acts = graph.forward(x);
    let (relevance, trace) = method.value.traced(&case(graph, &acts, target)).unwrap();
    (relevance, trace.expect("LRP records a trace"))
}

#[test]
fn every_layer_without_bias_hands_on_all_it_received() {
    // without `lrp-flat`, which sends relevance to pooling windows that are all zero
    let graph = network(false);
    for method in [
        "lrp-zero",
        "lrp-gamma",
        "lrp-alpha-beta",
        "lrp-z-plus",
        "lrp-epsilon-plus",
        "lrp-epsilon-plus-flat",
        "lrp-epsilon-alpha2-beta1",
        "lrp-epsilon-alpha2-beta1-flat",
        "lrp-epsilon-gamma-box",
        "deep-taylor",
        "excitation-backprop",
        "lrp-samek2017",
        "lrp-zero:start=one",
        "lrp-zero:sum=abs:max=average",
        "lrp-epsilon-plus:max=ties",
    ] {
        let (relevance, trace) = traced(method, &graph, &input(3), 1);
        assert!(relevance.data.iter().any(|r| r.abs() > 1e-3), "{method}");
        for row in trace {
            // of the larger sum: f32 over some hundred terms, and the stabilisers
            let size = row.arrived.abs().max(row.sent.abs()).max(1.0);
            assert!(row.lost().abs() < 1e-4 * size, "{method}: {row:?}");
        }
    }
}

#[test]
fn what_the_bias_absorbs_is_what_is_missing() {
    let graph = network(true);
    for method in ["lrp-zero", "lrp-gamma", "lrp-z-plus", "lrp-alpha-beta"] {
        let (_, trace) = traced(method, &graph, &input(4), 2);
        let absorbed: f64 = trace.iter().map(|row| row.to_bias.abs()).sum();
        assert!(absorbed > 1e-2, "{method}: the biases of this network matter");
        for row in &trace {
            let size = row.arrived.abs().max(row.sent.abs()).max(1.0);
            assert!(row.lost().abs() < 1e-3 * size, "{method}: {row:?}");
        }
        let (_, free) = traced(&format!("{method}:bias=ignore"), &graph, &input(4), 2);
        assert!(free.iter().all(|row| row.to_bias == 0.0), "{method}");
    }
}

#[test]
fn an_empty_side_of_alpha_beta_shows_as_lost() {
    // both products are positive: alpha gives 2 * 3, and nothing takes the -3 of beta
    let dense = Dense::new(vec![1.0, 2.0], 1, Shape::vector(2), vec![]).unwrap();
    let graph = one_layer(Box::new(dense), Shape::vector(2));
    let (relevance, trace) = traced("lrp-alpha-beta", &graph, &Tensor::vector(vec![1.0, 1.0]), 0);
    assert!((relevance.sum() - 6.0).abs() < 1e-4);
    assert!((trace[0].lost() + 3.0).abs() < 1e-4, "{trace:?}");
}

#[test]
fn on_a_linear_model_lrp_zero_is_gradient_times_input() {
    let shape = Shape::new(2, 4, 4);
    let mut graph = Graph::new(shape);
    let geometry =
        ConvGeometry { kernel: [3; 2], stride: [1; 2], dilation: [1; 2], pads: [1; 4], groups: 1 };
    let conv = Conv::new(values(3 * 2 * 9, 1), 3, 2, geometry, vec![]).unwrap();
    let at = graph.input();
    let at = graph.push("conv", Box::new(conv), &[at]).unwrap();
    let dense = Dense::new(values(4 * 48, 2), 4, Shape::new(3, 4, 4), vec![]).unwrap();
    graph.push("dense", Box::new(dense), &[at]).unwrap();
    let x = Tensor::new(shape, values(32, 3));
    let acts = graph.forward(&x);
    let case = case(&graph, &acts, 3);
    let of = |name: &str| {
        build("method", EXPLAINERS, &name.parse().unwrap()).unwrap().value.relevance(&case).unwrap()
    };
    let (lrp, gradient) = (of("lrp-zero"), of("gradient-x-input"));
    let largest = gradient.data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (a, b) in lrp.data.iter().zip(&gradient.data) {
        // hidden sums near zero enlarge rounding and the stabiliser
        assert!((a - b).abs() < 1e-4 * largest, "{a} {b}");
    }
    assert!((gradient.sum() - f64::from(case.score())).abs() < 1e-4);
}

/// Two convolutions with a max-pool between them, and a dense layer; `f` after each convolution.
fn deep(f: Function, bias: bool) -> Graph {
    let shape = Shape::new(2, 8, 8);
    let mut graph = Graph::new(shape);
    let geometry =
        ConvGeometry { kernel: [3; 2], stride: [1; 2], dilation: [1; 2], pads: [1; 4], groups: 1 };
    let biases = |n: usize, seed: u64| if bias { values(n, seed) } else { vec![] };
    let conv = |inputs: usize, seed: u64| {
        let weights = values(4 * inputs * 9, seed);
        Box::new(Conv::new(weights, 4, inputs, geometry, biases(4, seed + 9)).unwrap())
    };
    let at = graph.push("conv1", conv(2, 1), &[graph.input()]).unwrap();
    let at = graph.push("f1", Box::new(Unary::new(f)), &[at]).unwrap();
    let pair =
        Window { kernel: [2; 2], stride: [2; 2], dilation: [1; 2], pads: [0; 4], ceil: false };
    let at = graph.push("pool", Box::new(MaxPool::new(pair)), &[at]).unwrap();
    let at = graph.push("conv2", conv(4, 2), &[at]).unwrap();
    let at = graph.push("f2", Box::new(Unary::new(f)), &[at]).unwrap();
    let inner = Shape::new(4, 4, 4);
    let dense = Dense::new(values(3 * inner.len(), 3), 3, inner, biases(3, 30)).unwrap();
    graph.push("dense", Box::new(dense), &[at]).unwrap();
    graph
}

/// The maps of two methods, as far apart as the share of the largest value says.
fn apart(graph: &Graph, one: &str, other: &str) -> f32 {
    let x = Tensor::new(Shape::new(2, 8, 8), values(128, 4));
    let acts = graph.forward(&x);
    let case = case(graph, &acts, 1);
    let of = |name: &str| {
        build("method", EXPLAINERS, &name.parse().unwrap()).unwrap().value.relevance(&case).unwrap()
    };
    let (a, b) = (of(one), of(other));
    let largest = b.data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    a.data.iter().zip(&b.data).fold(0.0f32, |m, (a, b)| m.max((a - b).abs())) / largest
}

#[test]
fn in_relu_networks_lrp_zero_is_gradient_times_input_with_or_without_biases() {
    for bias in [false, true] {
        // hidden sums near zero enlarge rounding and the stabiliser
        let found = apart(&deep(Function::Relu, bias), "lrp-zero", "gradient-x-input");
        assert!(found < 1e-3, "{bias}: {found}");
    }
    // a slope that is not f(z) / z tells the two apart
    assert!(apart(&deep(Function::Tanh, false), "lrp-zero", "gradient-x-input") > 0.1);
}

#[test]
fn excitation_backprop_is_alpha_beta_with_alpha_1() {
    for bias in [false, true] {
        let graph = deep(Function::Relu, bias);
        for other in ["lrp-z-plus", "lrp-alpha-beta:alpha=1:beta=0"] {
            assert!(apart(&graph, "excitation-backprop", other) < 1e-6, "{bias}, {other}");
        }
        assert!(apart(&graph, "excitation-backprop", "lrp-zero") > 0.1);
    }
}

#[test]
fn sensitivity_decomposes_the_slope_and_lrp_the_value() {
    let graph = deep(Function::Relu, false);
    let acts = graph.forward(&Tensor::new(Shape::new(2, 8, 8), values(128, 4)));
    let case = case(&graph, &acts, 1);
    let of = |name: &str| {
        build("method", EXPLAINERS, &name.parse().unwrap()).unwrap().value.heat_map(&case).unwrap()
    };
    // the slope written out: how the score changes with each value of the picture, squared
    let gradient = build("method", EXPLAINERS, &"gradient".parse().unwrap()).unwrap().value;
    let slope = gradient.relevance(&case).unwrap();
    let norm: f64 = slope.data.iter().map(|v| f64::from(*v).powi(2)).sum();
    let parts: f64 = of("sensitivity:norm=l2").iter().map(|v| v * v).sum();
    assert!((parts - norm).abs() < 1e-5 * norm, "{parts}, expected {norm}");
    let value = f64::from(case.score());
    for name in ["lrp-zero", "lrp-gamma", "lrp-epsilon:eps=1e-6"] {
        let sum = of(name).sum();
        assert!((sum - value).abs() < 1e-3 * value.abs(), "{name}: {sum}, expected {value}");
    }
}

#[test]
fn an_average_shares_in_proportion_and_the_winner_takes_all() {
    // a row of 1 x 4 values, pooled in pairs
    let shape = Shape::new(1, 1, 4);
    let pair =
        Window { kernel: [1, 2], stride: [1, 2], dilation: [1; 2], pads: [0; 4], ceil: false };
    let x = Tensor::new(shape, vec![3.0, 1.0, -2.0, 4.0]);
    let r = Tensor::new(Shape::new(1, 1, 2), vec![8.0, 6.0]);
    let send = |op: Box<dyn Cpu>| {
        let graph = one_layer(op, shape);
        let acts = graph.forward(&x);
        let (case, id) = (case(&graph, &acts, 0), graph.output());
        let step = Step {
            case: &case,
            options: Options::default(),
            id,
            node: graph.node(id),
            arrived: &r,
        };
        step.send(Assignment::Through, false).unwrap().messages.unwrap().remove(0).data
    };
    let average = send(Box::new(AvgPool::new(pair, true)));
    for (r, e) in average.iter().zip([6.0, 2.0, -6.0, 12.0]) {
        assert!((r - e).abs() < 1e-4, "{average:?}");
    }
    assert_eq!(send(Box::new(MaxPool::new(pair))), [8.0, 0.0, 0.0, 6.0]);
}

/// The taps of each output of a pool, read off forward passes of unit vectors: `taps[j]` lists the
/// inputs that output `j` sees.
fn taps(window: Window, input: Shape) -> Vec<Vec<usize>> {
    let pool = AvgPool::new(window, true);
    let mut taps = Vec::new();
    for i in 0..input.len() {
        let mut unit = Tensor::zeros(input);
        unit.data[i] = 1.0;
        let seen = pool.forward(&[&unit]).data;
        taps.resize(seen.len(), vec![]);
        seen.iter().enumerate().filter(|(_, v)| **v > 0.0).for_each(|(j, _)| taps[j].push(i));
    }
    taps
}

/// `R_i = sum_j q_ij / (mean_i q_ij) R_j / n` over the n taps, the mean stabilised by 1e-6, and how
/// far single precision may be off; `q` from the value of a tap and the largest of its window.
fn pooled(
    taps: &[Vec<usize>],
    x: &[f32],
    r: &[f32],
    q: impl Fn(f64, f64) -> f64,
) -> Vec<(f64, f64)> {
    let mut sent = vec![(0.0, 1e-6); x.len()];
    for (taps, r) in taps.iter().zip(r) {
        let largest = taps.iter().map(|i| f64::from(x[*i])).fold(f64::NEG_INFINITY, f64::max);
        let n = taps.len() as f64;
        let parts: Vec<f64> = taps.iter().map(|i| q(f64::from(x[*i]), largest) / n).collect();
        let (z, size) = parts.iter().fold((0.0f64, 0.0), |(z, size), q| (z + q, size + q.abs()));
        // the sign of a sum that cancels to nothing is rounding
        let torn = if z.abs() < 1e-6 * size { f64::INFINITY } else { 0.0 };
        let z = if z < 0.0 { z - 1e-6 } else { z + 1e-6 };
        for (i, q) in taps.iter().zip(&parts) {
            let share = q / z * f64::from(*r);
            sent[*i].0 += share;
            // rounding of the denominator, enlarged by cancellation
            sent[*i].1 += torn.max(1e-6 * share.abs() * (1.0 + size / z.abs()));
        }
    }
    sent
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_way_of_a_pool_agrees_with_its_formula(
        (k, stride, pad, ceil) in (2..4usize, 1..3usize, 0..2usize, any::<bool>()),
        seed in 0..1000u64,
    ) {
        let input = Shape::new(2, 5, 6);
        let (kernel, stride, pads) = ([k; 2], [stride; 2], [pad; 4]);
        let window = Window { kernel, stride, dilation: [1; 2], pads, ceil };
        // whole numbers tie; negative values are among them
        let x = Tensor::new(input, values(input.len(), seed).iter().map(|v| v.round()).collect());
        prop_assume!(MaxPool::new(window).out_shape(&[input]).is_ok());
        let taps = taps(window, input);
        let r = values(taps.len(), seed + 1);
        let signed = |v: f64, _: f64| v;
        let sized = |v: f64, _: f64| v.abs();
        let tied = |v: f64, largest: f64| f64::from(u8::from(v >= largest)) * 1e9;
        let average = |count| -> Box<dyn Cpu> { Box::new(AvgPool::new(window, count)) };
        let max = || -> Box<dyn Cpu> { Box::new(MaxPool::new(window)) };
        let (abs, ties) = (Options { sum: Sum::Abs, ..Options::default() }, Max::Ties);
        let as_average = Options { max: Max::Average, ..Options::default() };
        for (name, op, options, expected) in [
            ("signed", average(false), Options::default(), pooled(&taps, &x.data, &r, signed)),
            ("abs", average(false), abs, pooled(&taps, &x.data, &r, sized)),
            ("as average", max(), as_average, pooled(&taps, &x.data, &r, signed)),
            ("ties", max(), Options { max: ties, ..abs }, pooled(&taps, &x.data, &r, tied)),
        ] {
            let graph = one_layer(op, input);
            let acts = graph.forward(&x);
            let (case, id) = (case(&graph, &acts, 0), graph.output());
            let node = graph.node(id);
            let arrived = &Tensor::new(node.shape, r.clone());
            let step = Step { case: &case, options, id, node, arrived };
            let sent = step.send(Assignment::Through, false).unwrap().messages.unwrap().remove(0);
            for (i, (got, (e, bound))) in sent.data.iter().zip(&expected).enumerate() {
                let off = (f64::from(*got) - e).abs();
                prop_assert!(off <= *bound, "{name} {window:?}: R[{i}] = {got}, not {e}");
            }
        }
    }
}

#[test]
fn a_residual_sum_shares_by_the_signed_summands() {
    // y = a - b with a = 3 (twice the input 1.5), b = the input: 8 arrive at 3 - 1.5
    let mut graph = Graph::new(Shape::vector(1));
    let x = graph.input();
    let dense = Dense::new(vec![2.0], 1, Shape::vector(1), vec![]).unwrap();
    let a = graph.push("a", Box::new(dense), &[x]).unwrap();
    graph.push("sub", Box::new(Add::new(vec![1.0, -1.0])), &[a, x]).unwrap();
    let (_, trace) = traced("lrp-zero", &graph, &Tensor::vector(vec![1.5]), 0);
    let fc = &trace[1];
    assert_eq!(fc.name, "a");
    assert!((fc.arrived - 3.0).abs() < 1e-5, "2 of the score 1.5 go to a: {trace:?}");
}

#[test]
fn products_give_to_the_signal_or_to_both() {
    // a signal of two channels in two pixels, gated per channel by a sigmoid
    let shape = Shape::new(2, 1, 2);
    let mut graph = Graph::new(shape);
    let x = graph.input();
    let mean = graph.push("mean", Box::new(AvgPool::global("ReduceMean")), &[x]).unwrap();
    let sigmoid = Unary::new(Function::Sigmoid);
    let gate = graph.push("gate", Box::new(sigmoid), &[mean]).unwrap();
    let product = graph.push("product", Box::new(crate::nn::op::Mul::new()), &[gate, x]).unwrap();
    graph.push("sum", Box::new(AvgPool::global("ReduceMean")), &[product]).unwrap();
    let pixels = Tensor::new(shape, vec![1.0, -2.0, 3.0, -1.0]);
    let acts = graph.forward(&pixels);
    let map = |spec: &str| {
        let method = build("method", EXPLAINERS, &spec.parse().unwrap()).unwrap().value;
        method.relevance(&case(&graph, &acts, 0)).unwrap().data
    };
    // the first class is sigmoid(2) (1 + 3) / 2; the summands share it 1 to 3
    let score = 4.0 / 2.0 / (1.0 + (-2.0f32).exp());
    let close = |found: Vec<f32>, want: [f32; 4]| {
        let off = found.iter().zip(want).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f32::max) < 1e-4, "{found:?} {want:?}");
    };
    close(map("lrp-zero"), [0.25 * score, 0.0, 0.75 * score, 0.0]);
    // the gate's half goes back through the mean, which the pixels share 1 to 3 as well
    close(map("lrp-zero:product=half"), [0.25 * score, 0.0, 0.75 * score, 0.0]);
    close(map("lrp-zero:product=epsilon"), [0.25 * score, 0.0, 0.75 * score, 0.0]);
}

#[test]
fn layer_normalisation_is_linear_with_its_deviation_fixed() {
    use crate::nn::op::LayerNorm;
    let mut graph = Graph::new(Shape::vector(2));
    let weights = (vec![2.0, 1.0], vec![0.5, 0.0]);
    let norm = LayerNorm::new("LayerNormalization", weights.0, weights.1, 0.0, true);
    graph.push("norm", Box::new(norm), &[graph.input()]).unwrap();
    let acts = graph.forward(&Tensor::vector(vec![1.0, 3.0]));
    let method = build("method", EXPLAINERS, &"lrp-zero".parse().unwrap()).unwrap().value;
    let map = method.relevance(&case(&graph, &acts, 0)).unwrap().data;
    // y = 2 (x - mean) / 1 + 0.5 = -1.5: u = 2, and x_i (u_i - mean u) = 1 (2 - 1), 3 (0 - 1)
    assert!((map[0] - 1.0).abs() < 1e-4 && (map[1] + 3.0).abs() < 1e-4, "{map:?}");
    // the bias 0.5 of y_0 has 0.5 R / y = 0.5, and nothing is lost
    let (_, trace) = method.traced(&case(&graph, &acts, 0)).unwrap();
    let row = &trace.unwrap()[0];
    assert!((row.to_bias - 0.5).abs() < 1e-4 && row.lost().abs() < 1e-4, "{row:?}");
}

#[test]
fn operators_without_a_rule_and_layers_without_a_line_are_named() {
    let mut graph = Graph::new(Shape::vector(2));
    let x = graph.input();
    graph.push("inner", Box::new(Compare::new(Comparison::AtLeast)), &[x, x]).unwrap();
    let acts = graph.forward(&Tensor::vector(vec![1.0, 2.0]));
    let method = build("method", EXPLAINERS, &"lrp-zero".parse().unwrap()).unwrap().value;
    let say = |target| method.relevance(&case(&graph, &acts, target)).unwrap_err().to_string();
    assert_eq!(say(0), "node `inner` (GreaterOrEqual): LRP has no rule for this operator");
    assert_eq!(say(2), "class 2 cannot be explained, the network has classes 0 to 1");

    let graph = network(true);
    let dense_only = vec![(Place::kind(place::Kind::Dense), "lrp-zero".to_owned())];
    let error = Composite::new(dense_only).unwrap().resolve(&graph).unwrap_err();
    assert_eq!(
        error.to_string(),
        "node `conv1` (Conv): no line of the composite gives this layer a rule"
    );
}

#[test]
fn what_is_only_a_gate_needs_no_rule() {
    let mut g = Graph::new(Shape::new(3, 2, 2));
    let x = g.input();
    let larger = g.push("larger", Box::new(Compare::new(Comparison::AtLeast)), &[x, x]).unwrap();
    let soft = g.push("soft", Box::new(Softmax::new()), &[larger]).unwrap();
    let product = g.push("product", Box::new(Mul::new()), &[x, soft]).unwrap();
    g.push(
        "fc",
        Box::new(Dense::new(values(24, 3), 2, Shape::new(3, 2, 2), vec![]).unwrap()),
        &[product],
    )
    .unwrap();
    let acts = g.forward(&Tensor::new(Shape::new(3, 2, 2), values(12, 1)));
    let of = |method: &str| {
        let method = build("method", EXPLAINERS, &method.parse().unwrap()).unwrap().value;
        method.fits(&g).and_then(|()| method.relevance(&case(&g, &acts, 1)))
    };
    // as if the gate were a constant factor
    let whole = of("lrp-epsilon:eps=0.000001").unwrap();
    let handed: f64 = whole.sum();
    assert!((handed - f64::from(acts.value(g.output()).data[1])).abs() < 1e-4, "{handed}");
    let half = of("lrp-epsilon:eps=0.000001:product=half").unwrap_err().to_string();
    assert_eq!(half, "node `larger` (GreaterOrEqual): LRP has no rule for this operator");
}

#[test]
fn the_larger_of_two_maps_gets_all() {
    // max(x, 2 - x) at 3 and -1: 3 from x, 3 from 2 - x
    let mut g = Graph::new(Shape::vector(2));
    let other = Affine::new("Sub", vec![-1.0], vec![2.0]);
    let other = g.push("other", Box::new(other), &[g.input()]).unwrap();
    g.push("larger", Box::new(Extreme::new(true)), &[g.input(), other]).unwrap();
    let acts = g.forward(&Tensor::vector(vec![3.0, -1.0]));
    let method = build("method", EXPLAINERS, &"lrp-zero".parse().unwrap()).unwrap().value;
    let of = |target| method.relevance(&case(&g, &acts, target)).unwrap().data;
    assert!((of(0)[0] - 3.0).abs() < 1e-4 && of(0)[1].abs() < 1e-4, "{:?}", of(0));
    // before the first layer a scaling is part of the preprocessing and passes all on
    assert!((of(1)[1] - 3.0).abs() < 1e-4 && of(1)[0].abs() < 1e-4, "{:?}", of(1));
}

#[test]
fn all_nodes_without_a_rule_are_named_operator_by_operator() {
    let mut g = Graph::new(Shape::new(3, 1, 1));
    let x = g.input();
    let a = g.push("a", Box::new(Compare::new(Comparison::AtLeast)), &[x, x]).unwrap();
    let b = g.push("b", Box::new(Compare::new(Comparison::AtLeast)), &[a, x]).unwrap();
    g.push("fc", Box::new(Dense::new(values(6, 3), 2, Shape::new(3, 1, 1), vec![]).unwrap()), &[b])
        .unwrap();
    let said = super::rules_are_known(&g, Options::default()).unwrap_err().to_string();
    assert_eq!(said, "LRP has no rule for 2 nodes: 2 GreaterOrEqual (first `a`)");
}

#[test]
fn relevance_that_ceases_to_be_finite_is_an_error_that_names_the_layer() {
    let mut graph = Graph::new(Shape::vector(1));
    let x = graph.input();
    let dense = |w: f32| Box::new(Dense::new(vec![w], 1, Shape::vector(1), vec![]).unwrap());
    let at = graph.push("huge", dense(f32::MAX), &[x]).unwrap();
    graph.push("head", dense(1.0), &[at]).unwrap();
    let acts = graph.forward(&Tensor::vector(vec![10.0]));
    let method = build("method", EXPLAINERS, &"lrp-zero".parse().unwrap()).unwrap().value;
    assert_eq!(
        method.relevance(&case(&graph, &acts, 0)).unwrap_err().to_string(),
        "node `head` (Gemm) hands on relevance that is not finite: NaN"
    );
}

#[test]
fn the_box_follows_what_scales_and_pads_the_picture() {
    // x = 0.5 of [-2, 2] becomes -1 of [-4, 4] and is padded by a 0 of [0, 0]: q = w (-1 + 4), w (0 - 0)
    let mut graph = Graph::new(Shape::vector(1));
    let x = graph.input();
    let scale = Affine::new("Mul", vec![-2.0], vec![0.0]);
    let at = graph.push("scale", Box::new(scale), &[x]).unwrap();
    let at =
        graph.push("pad", Box::new(crate::nn::op::Pad::new([0, 0, 0, 1], 0.0)), &[at]).unwrap();
    let dense = Dense::new(vec![1.0, 3.0], 1, Shape::new(1, 1, 2), vec![9.0]).unwrap();
    graph.push("fc", Box::new(dense), &[at]).unwrap();
    let (relevance, trace) = traced("deep-taylor:start=one", &graph, &Tensor::vector(vec![0.5]), 0);
    assert!((relevance.data[0] - 1.0).abs() < 1e-5, "{relevance:?}");
    let by: Vec<&str> = trace.iter().map(|row| row.by.as_str()).collect();
    assert_eq!(by, ["lrp-z-box:bias=ignore", "route", "pass"]);
}

#[test]
fn a_box_around_hidden_values_is_an_error() {
    let graph = network(true);
    let acts = graph.forward(&input(1));
    let composite = Composite::new(vec![(Place::any(), "lrp-z-box".to_owned())]).unwrap();
    let method = Lrp::new(composite, Options::default());
    let error = method.attribute(&case(&graph, &acts, 0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "node `fc2` (Gemm): the z-box rule fits only layers that see the picture"
    );
}

#[test]
fn a_contrast_is_the_difference_of_two_maps() {
    let graph = network(true);
    let x = input(6);
    let acts = graph.forward(&x);
    let scores = &acts.value(graph.output()).data;
    let by_score = |a: &usize, b: &usize| scores[*a].total_cmp(&scores[*b]);
    let other = (0..5).filter(|c| *c != 2).max_by(by_score).unwrap();
    let of = |method: &str, target| traced(method, &graph, &x, target).0;
    let (own, others) = (of("lrp-gamma", 2), of("lrp-gamma", other));
    let contrast = of("lrp-gamma:start=contrast", 2);
    let size = own.data.iter().chain(&others.data).fold(0.0f32, |m, v| m.max(v.abs()));
    for ((contrast, own), other) in contrast.data.iter().zip(&own.data).zip(&others.data) {
        // rounding of three backward passes
        assert!((contrast - (own - other)).abs() < 1e-4 * size, "{contrast} {own} {other}");
    }
}

/// conv - relu - dense on what stands at the end of `graph`.
fn layers_on(mut graph: Graph) -> Graph {
    let at = graph.output();
    let shape = graph.node(at).shape;
    let geometry =
        ConvGeometry { kernel: [3; 2], stride: [1; 2], dilation: [1; 2], pads: [1; 4], groups: 1 };
    let conv = Conv::new(values(4 * 3 * 9, 50), 4, 3, geometry, values(4, 51)).unwrap();
    let at = graph.push("conv", Box::new(conv), &[at]).unwrap();
    let at = graph.push("relu", Box::new(Unary::new(Function::Relu)), &[at]).unwrap();
    let flat = Shape::new(4, shape.h, shape.w);
    let dense = Dense::new(values(2 * flat.len(), 52), 2, flat, values(2, 53)).unwrap();
    graph.push("fc", Box::new(dense), &[at]).unwrap();
    graph
}

#[test]
fn normalising_the_picture_inside_the_network_or_before_it_gives_the_same_maps() {
    // torchvision's `transform_input`: each channel is picked, scaled and shifted, and all are put
    // together again; here in another order, too
    let shape = Shape::new(3, 5, 4);
    let (order, scale, shift) = ([2, 0, 1], [0.458f32, -0.448, 0.45], [-0.03f32, -0.088, 0.188]);
    let mut inside = Graph::new(shape);
    let parts: Vec<NodeId> = (0..3)
        .map(|k| {
            let lists = vec![None, Some(vec![Some(order[k])])];
            let pick = Pick::new("Gather", shape, vec![20, 3], lists, 0.0, Shape::new(1, 5, 4));
            let pick = Box::new(pick.unwrap());
            let at = inside.push(&format!("pick{k}"), pick, &[inside.input()]).unwrap();
            let affine = Box::new(Affine::new("Mul", vec![scale[k]], vec![shift[k]]));
            inside.push(&format!("affine{k}"), affine, &[at]).unwrap()
        })
        .collect();
    inside.push("concat", Box::new(Concat::new()), &parts).unwrap();
    let inside = layers_on(inside);
    let before = layers_on(Graph::new(shape));
    let x = Tensor::new(shape, values(60, 54));
    let moved = |x: &Tensor| {
        let value = |(i, _): (usize, &f32)| {
            let (pixel, k) = (i / 3, i % 3);
            scale[k] * x.data[3 * pixel + order[k]] + shift[k]
        };
        Tensor::new(shape, x.data.iter().enumerate().map(value).collect())
    };
    let corner = |v: f32| moved(&Tensor::new(shape, vec![v; 60])).data[..3].to_vec();
    let (low, high) = (corner(-2.0), corner(2.0));
    let (acts, moved_acts) = (inside.forward(&x), before.forward(&moved(&x)));
    assert_eq!(acts.value(inside.output()), moved_acts.value(before.output()));
    let mut count = 0;
    for entry in EXPLAINERS {
        let method = build("method", EXPLAINERS, &entry.id.parse().unwrap()).unwrap().value;
        // as a rule of all layers the box fits the first alone
        if !method.propagates() || entry.id == rule::ZBox::ID {
            continue;
        }
        let found =
            method.relevance(&Case { low: &[-2.0; 3], high: &[2.0; 3], ..case(&inside, &acts, 1) });
        // negative factors exchange the ends of the box
        let (low, high): (Vec<f32>, Vec<f32>) =
            low.iter().zip(&high).map(|(a, b)| (a.min(*b), a.max(*b))).unzip();
        let wanted =
            method.relevance(&Case { low: &low, high: &high, ..case(&before, &moved_acts, 1) });
        let (found, wanted) = (found.unwrap(), wanted.unwrap());
        for (i, w) in wanted.data.iter().enumerate() {
            let f = found.data[i / 3 * 3 + order[i % 3]];
            assert_eq!(f.to_bits(), w.to_bits(), "{}: {f} is not {w}", entry.id);
        }
        count += 1;
    }
    assert!(count >= 17, "{count} methods of relevance propagation");
}
