//! Small transformers with random weights: methods against their formulas.

use super::{Part, Tokens, blocks, parts};
use crate::{
    Case, EXPLAINERS,
    base::{
        geom::{Axis, Shape},
        registry::build,
        rng::{Seed, unit_f32},
    },
    lrp::composite::Composite,
    nn::{
        graph::{Activations, Graph, NodeId},
        op::Cpu,
        op::{
            Add, Affine, Concat, Constant, Conv, ConvGeometry, Dense, Function, LayerNorm, MatMul,
            Pick, Role, Softmax, Transpose, Unary,
        },
        tensor::Tensor,
    },
};
use ndarray::{Array1, Array2, array};
use proptest::prelude::*;
use std::convert::Infallible;

const INPUT: Shape = Shape::new(2, 4, 6);
/// Tokens: a class token, and 2 x 3 patches of 2 x 2 pixels.
const TOKENS: usize = 7;
const HEADS: usize = 2;
const WIDTH: usize = 4;

/// A pre-norm vision transformer: patches of 2 x 2 pixels, a class token, learned positions, blocks of
/// attention and a feed-forward part.
struct Vit {
    /// Patches that are left out of the sequence, from 0.
    without: Vec<usize>,
    graph: Graph,
    at: NodeId,
    seed: u64,
    with_bias: bool,
    /// The picture is cut into patches before a dense layer, in place of a convolution.
    cut: bool,
}

impl Vit {
    fn new(blocks: usize, seed: u64, with_bias: bool) -> Vit {
        Vit::without(blocks, seed, with_bias, vec![])
    }

    fn without(blocks: usize, seed: u64, with_bias: bool, without: Vec<usize>) -> Vit {
        let graph = Graph::new(INPUT);
        let mut net = Vit { at: graph.input(), without, graph, seed, with_bias, cut: false };
        net.build(blocks);
        net
    }

    fn cut(blocks: usize, seed: u64) -> Vit {
        let graph = Graph::new(INPUT);
        let at = graph.input();
        let mut net = Vit { at, without: vec![], graph, seed, with_bias: true, cut: true };
        net.build(blocks);
        net
    }

    fn build(&mut self, blocks: usize) {
        self.embed();
        (0..blocks).for_each(|_| {
            self.attend();
            self.feed_forward();
        });
        self.classify();
    }

    fn values(&mut self, n: usize, size: f32) -> Vec<f32> {
        self.seed += 1;
        let mut rng = Seed(self.seed).rng("weights", "", &[]);
        (0..n).map(|_| (unit_f32(&mut rng) * 2.0 - 1.0) * size).collect()
    }

    fn bias(&mut self, n: usize) -> Vec<f32> {
        if self.with_bias { self.values(n, 0.3) } else { vec![] }
    }

    fn push(&mut self, op: impl Cpu, inputs: &[NodeId]) -> NodeId {
        let name = format!("{} {}", self.graph.len(), op.name());
        self.at = self.graph.push(&name, Box::new(op), inputs).unwrap();
        self.at
    }

    fn linear(&mut self, from: NodeId, outputs: usize) -> NodeId {
        let inputs = self.graph.node(from).shape.c;
        let (weight, bias) = (self.values(outputs * inputs, 1.2), self.bias(outputs));
        self.push(Conv::tokens("MatMul", weight, outputs, inputs, bias).unwrap(), &[from])
    }

    fn norm(&mut self, from: NodeId) -> NodeId {
        let weight = self.values(WIDTH, 0.3).iter().map(|w| 1.0 + w).collect();
        let bias = if self.with_bias { self.values(WIDTH, 0.2) } else { vec![0.0; WIDTH] };
        self.push(LayerNorm::new("LayerNormalization", weight, bias, 1e-5, true), &[from])
    }

    fn embed(&mut self) {
        let geometry = ConvGeometry {
            kernel: [2; 2],
            stride: [2; 2],
            dilation: [1; 2],
            pads: [0; 4],
            groups: 1,
        };
        let (weight, bias) = (self.values(WIDTH * 8, 0.8), self.bias(WIDTH));
        let conv = Conv::new(weight.clone(), WIDTH, 2, geometry, bias.clone()).unwrap();
        let patches = if self.cut {
            // rows, pixels in them, columns, pixels in them, channels: a patch has channels, rows, columns
            let (dims, to) = (vec![2, 2, 3, 2, 2], Shape::new(8, TOKENS - 1, 1));
            let cut = Transpose::new(INPUT, dims, vec![0, 2, 4, 1, 3], to).unwrap();
            let cut = self.push(cut, &[NodeId(0)]);
            self.push(Conv::tokens("MatMul", weight, WIDTH, 8, bias).unwrap(), &[cut])
        } else {
            self.push(conv, &[NodeId(0)])
        };
        let shape = self.graph.node(patches).shape;
        let row = Shape::new(WIDTH, TOKENS - 1, 1);
        let patches = self.push(Transpose::view(shape, row).unwrap(), &[patches]);
        if self.with_bias {
            let class = Tensor::new(Shape::new(WIDTH, 1, 1), self.values(WIDTH, 0.5));
            let class = self.push(Constant(class), &[]);
            let tokens = self.push(Concat::along(Axis::Row), &[class, patches]);
            let position = self.values(WIDTH * TOKENS, 0.3);
            self.push(Affine::new("Add", vec![1.0; WIDTH * TOKENS], position), &[tokens]);
        }
        if !self.without.is_empty() {
            let first = usize::from(self.with_bias);
            let all = self.graph.node(self.at).shape;
            let stays = |t: &usize| *t < first || !self.without.contains(&(t - first));
            let rows: Vec<Option<usize>> = (0..all.h).filter(stays).map(Some).collect();
            let (dims, to) = (vec![all.h, WIDTH], Shape::new(WIDTH, rows.len(), 1));
            let pick = Pick::new("Gather", all, dims, vec![Some(rows), None], 0.0, to).unwrap();
            self.push(pick, &[self.at]);
        }
    }

    fn tokens(&self) -> usize {
        TOKENS - usize::from(!self.with_bias) - self.without.len()
    }

    fn attend(&mut self) {
        let before = self.at;
        let x = self.norm(before);
        let [q, k, v] = [0; 3].map(|_| {
            let made = self.linear(x, WIDTH);
            self.heads(made)
        });
        let q = self.push(Affine::new("Mul", vec![0.7], vec![0.0]), &[q]);
        let scores = self.push(MatMul::new(true), &[q, k]);
        let weights = self.push(Softmax::new(), &[scores]);
        let mixed = self.push(MatMul::new(false), &[weights, v]);
        let joined = self.moved(mixed, [HEADS, self.tokens(), WIDTH / HEADS], false);
        let out = self.linear(joined, WIDTH);
        self.push(Add::new(vec![1.0, 1.0]), &[out, before]);
    }

    /// The heads of some tokens beside each other.
    fn heads(&mut self, from: NodeId) -> NodeId {
        self.moved(from, [self.tokens(), HEADS, WIDTH / HEADS], true)
    }

    fn moved(&mut self, from: NodeId, dims: [usize; 3], apart: bool) -> NodeId {
        let to = if apart {
            Shape::new(WIDTH / HEADS, HEADS, self.tokens())
        } else {
            Shape::new(WIDTH, self.tokens(), 1)
        };
        let shape = self.graph.node(from).shape;
        self.push(Transpose::new(shape, dims.to_vec(), vec![1, 0, 2], to).unwrap(), &[from])
    }

    fn feed_forward(&mut self) {
        let before = self.at;
        let x = self.norm(before);
        let wide = self.linear(x, 6);
        let wide = self.push(Unary::new(Function::Gelu), &[wide]);
        let out = self.linear(wide, WIDTH);
        self.push(Add::new(vec![1.0, 1.0]), &[out, before]);
    }

    /// From the class token; from the first patch where there is none.
    fn classify(&mut self) {
        let x = self.norm(self.at);
        let first = vec![Some(vec![Some(0)]), None];
        let dims = vec![self.tokens(), WIDTH];
        let shape = self.graph.node(x).shape;
        let pick = Pick::new("Gather", shape, dims, first, 0.0, Shape::vector(WIDTH)).unwrap();
        let class = self.push(pick, &[x]);
        let (weight, bias) = (self.values(3 * WIDTH, 1.0), self.bias(3));
        self.push(Dense::new(weight, 3, Shape::vector(WIDTH), bias).unwrap(), &[class]);
    }
}

fn picture(seed: u64) -> Tensor {
    let mut rng = Seed(seed).rng("picture", "", &[]);
    let value = |_| unit_f32(&mut rng) * 2.0 - 1.0;
    Tensor::new(INPUT, (0..INPUT.len()).map(value).collect())
}

fn case<'a>(graph: &'a Graph, acts: &'a Activations) -> Case<'a> {
    Case { graph, acts, target: 1, low: &[-1.0; 2], high: &[1.0; 2], seed: Seed(0), image: "" }
}

fn map(case: &Case<'_>, spec: &str) -> Tensor {
    build("method", EXPLAINERS, &spec.parse().unwrap()).unwrap().value.relevance(case).unwrap()
}

fn close(got: &[f32], want: impl IntoIterator<Item = f64>, off: f64) {
    let want: Vec<f64> = want.into_iter().collect();
    let largest = want.iter().fold(1e-9f64, |most, v| most.max(v.abs()));
    assert_eq!(got.len(), want.len());
    for (g, w) in got.iter().zip(&want) {
        assert!((f64::from(*g) - w).abs() < off * largest, "{got:?} is not {want:?}");
    }
}

/// Relevance as the input times a gradient whose local derivatives are replaced: the deviation of a layer
/// normalisation is a constant, an activation has the slope y / x, both matrices of a product get half, or
/// attention is a constant.
///
/// Source: Achtibat et al. 2024, appendix A.
fn by_modified_gradient(case: &Case<'_>, attention_is_constant: bool) -> Vec<f64> {
    let seed = case.graph.seed(case.target, 1.0);
    let step = |id: NodeId, g: Tensor| -> Result<Vec<Tensor>, Infallible> {
        let node = case.graph.node(id);
        let x = case.acts.value(*node.inputs.first().unwrap_or(&NodeId(0)));
        Ok(match node.op.role() {
            Role::LayerNorm(norm) => vec![norm.vjp_of_linear_part(x, &g)],
            Role::Activation => {
                let slopes = case.acts.value(id).data.iter().zip(&x.data).map(|(y, x)| y / x);
                let data = g.data.iter().zip(slopes).map(|(g, slope)| g * slope).collect();
                vec![Tensor::new(g.shape, data)]
            }
            Role::MatMul(_) => {
                let from_softmax =
                    |k: NodeId| matches!(case.graph.node(k).op.role(), Role::Softmax);
                let factor = |k: &NodeId| match (attention_is_constant, from_softmax(*k)) {
                    (true, true) => 0.0,
                    (true, false) => 1.0,
                    _ => 0.5,
                };
                let all = case.graph.vjps(case.acts, id, &g);
                all.iter().zip(&node.inputs).map(|(g, k)| g.map(|v| v * factor(k))).collect()
            }
            _ => case.graph.vjps(case.acts, id, &g),
        })
    };
    let Ok(gradient) = case.graph.backward(seed, step);
    let pairs = gradient.data.iter().zip(&case.input().data);
    pairs.map(|(g, x)| f64::from(*g) * f64::from(*x)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn rule_by_rule_is_input_times_a_modified_gradient(
        seed in 0u64..10_000, blocks in 1usize..4, with_bias in any::<bool>(),
    ) {
        let net = Vit::new(blocks, seed * 100, with_bias);
        let acts = net.graph.forward(&picture(seed));
        let acts = net.graph.careful_values(&acts).unwrap_or(acts);
        let case = case(&net.graph, &acts);
        close(&map(&case, "attnlrp:eps=0").data, by_modified_gradient(&case, false), 1e-4);
        close(&map(&case, "cp-lrp:eps=0").data, by_modified_gradient(&case, true), 1e-4);
    }

    #[test]
    fn tokens_left_out_are_not_in_the_sequence(
        seed in 0u64..10_000, blocks in 1usize..4, gone in proptest::bits::u8::masked(0x3f),
    ) {
        let without: Vec<usize> = (0..6).filter(|p| gone >> p & 1 == 1).collect();
        let (all, few) = (Vit::new(blocks, seed * 100, true), Vit::without(blocks, seed * 100, true, without.clone()));
        let x = picture(seed);
        let acts = all.graph.forward(&x);
        let tokens = Tokens::of(&all.graph).unwrap();
        let stays = |number: u32| !without.contains(&(number as usize - 1));
        let (scores, macs) = tokens.subset(&all.graph).unwrap().scores(&acts, stays);
        let want = few.graph.logits(&x);
        close(&scores, want.iter().map(|s| f64::from(*s)), 1e-5);
        let embedding = all.graph.node(NodeId(1));
        let rest = few.graph.macs() - embedding.op.macs(&[INPUT], embedding.shape.rect()) - (WIDTH * TOKENS) as u64;
        prop_assert_eq!(macs, rest);
    }

    #[test]
    fn with_attention_a_constant_and_nothing_added_relevance_is_conserved(seed in 0u64..10_000) {
        let net = Vit::new(3, seed * 100, false);
        let acts = net.graph.forward(&picture(seed));
        let case = case(&net.graph, &acts);
        let relevance = map(&case, "cp-lrp:eps=0");
        let size: f64 = relevance.data.iter().map(|r| f64::from(r.abs())).sum();
        prop_assert!((relevance.sum() - f64::from(case.score())).abs() < 1e-4 * size);
    }
}

#[test]
fn layers_are_known_by_their_place_in_the_graph() {
    let net = Vit::new(2, 5, true);
    let parts = parts(&net.graph);
    let named = |part: Part| -> Vec<usize> {
        (0..parts.len()).filter(|i| parts[*i].contains(&part)).collect()
    };
    let linear: Vec<usize> =
        net.graph.nodes().filter(|(_, n)| n.op.name() == "MatMul").map(|(id, _)| id.0).collect();
    // per block: query, key, value, two products, output, two feed-forward layers
    let at = |places: &[usize]| -> Vec<usize> {
        let of = |block: usize| places.iter().map(move |p| block + p);
        [0, 8].into_iter().flat_map(of).map(|i| linear[i]).collect()
    };
    assert_eq!(named(Part::Query), at(&[0]));
    assert_eq!(named(Part::Key), at(&[1]));
    assert_eq!(named(Part::Value), at(&[2]));
    assert_eq!(named(Part::Projection), at(&[0, 1, 2]));
    assert_eq!(named(Part::Output), at(&[5]));
    assert_eq!(named(Part::FeedForward), at(&[6, 7]));
    assert_eq!(named(Part::PatchEmbedding), [1]);
    let text =
        "[[line]]\npart = \"feed-forward\"\nrule = \"lrp-gamma\"\n[[line]]\nrule = \"lrp-zero\"";
    assert!(Composite::from_toml(text).unwrap().resolve(&net.graph).is_ok());
}

#[test]
fn tokens_belong_to_their_patches_and_the_class_token_is_read() {
    let net = Vit::new(2, 5, true);
    let tokens = Tokens::of(&net.graph).unwrap();
    assert_eq!(tokens.grid, [2, 3]);
    assert_eq!(tokens.of_patch, [1, 2, 3, 4, 5, 6]);
    assert_eq!(tokens.count, 7);
    let acts = net.graph.forward(&picture(1));
    assert_eq!(tokens.read(&case(&net.graph, &acts)), [0]);
}

#[test]
fn a_picture_cut_before_a_dense_layer_has_the_maps_of_a_convolution() {
    let (conv, cut) = (Vit::new(2, 5, true), Vit::cut(2, 5));
    let x = picture(1);
    let (a, b) = (conv.graph.forward(&x), cut.graph.forward(&x));
    let tokens = Tokens::of(&cut.graph).unwrap();
    assert_eq!((tokens.grid, tokens.of_patch), ([2, 3], vec![1, 2, 3, 4, 5, 6]));
    for spec in ["attention-rollout", "legrad", "attnlrp", "cp-lrp", "transformer-attribution"] {
        let want = map(&case(&conv.graph, &a), spec);
        let got = map(&case(&cut.graph, &b), spec);
        close(&got.data, want.data.iter().map(|v| f64::from(*v)), 1e-4);
    }
}

/// Attention of each block, and its gradient by changing one weight after the other: for each block one
/// matrix per head.
struct Dense2 {
    weights: Vec<Vec<Array2<f64>>>,
    gradients: Vec<Vec<Array2<f64>>>,
}

fn matrices(x: &Tensor) -> Vec<Array2<f64>> {
    let n = x.shape.c;
    let of = |head: usize| {
        Array2::from_shape_fn((n, n), |(q, k)| f64::from(x.data[(head * n + q) * n + k]))
    };
    (0..x.shape.h).map(of).collect()
}

/// The slope of `score` in each weight of an attention, by central differences.
fn slopes(weights: &Tensor, score: impl Fn(Tensor) -> f64) -> Vec<Array2<f64>> {
    const STEP: f32 = 1e-2;
    let slope = |i: usize| {
        let moved = |by: f32| {
            let mut data = weights.data.clone();
            data[i] += by;
            score(Tensor::new(weights.shape, data))
        };
        ((moved(STEP) - moved(-STEP)) / (2.0 * f64::from(STEP))) as f32
    };
    let all = (0..weights.data.len()).map(slope).collect();
    matrices(&Tensor::new(weights.shape, all))
}

impl Dense2 {
    fn of(case: &Case<'_>) -> Dense2 {
        let blocks = blocks(case.graph);
        let gradient = |id: NodeId| {
            slopes(case.acts.value(id), |moved| {
                let acts = case.graph.forward_from(case.acts, id, moved);
                f64::from(acts.value(case.graph.output()).data[case.target])
            })
        };
        Dense2 {
            weights: blocks.iter().map(|b| matrices(case.acts.value(b.weights))).collect(),
            gradients: blocks.iter().map(|b| gradient(b.weights)).collect(),
        }
    }
}

fn mean(heads: impl Iterator<Item = Array2<f64>>) -> Array2<f64> {
    heads.fold(Array2::zeros((TOKENS, TOKENS)), |sum, head| sum + head) / HEADS as f64
}

fn patches(values: Array1<f64>) -> Vec<f64> {
    values.to_vec()[1..].to_vec()
}

#[test]
fn methods_of_attention_are_their_formulas_on_dense_matrices() {
    let net = Vit::new(3, 11, true);
    let acts = net.graph.forward(&picture(3));
    let case = &case(&net.graph, &acts);
    let dense = Dense2::of(case);
    let eye = Array2::<f64>::eye(TOKENS);
    let map = |spec: &str| map(case, &format!("{spec}:upsample=none")).data;

    let mut rollout = eye.clone();
    for heads in &dense.weights {
        let mut m = mean(heads.iter().cloned()) + &eye;
        m.rows_mut().into_iter().for_each(|mut row| row /= row.sum());
        rollout = m.dot(&rollout);
    }
    close(&map("attention-rollout"), patches(rollout.row(0).to_owned()), 1e-5);

    let raw = mean(dense.weights[2].iter().cloned());
    close(&map("raw-attention"), patches(raw.row(0).to_owned()), 1e-6);

    let mut generic = eye.clone();
    for (heads, slopes) in dense.weights.iter().zip(&dense.gradients) {
        let part = mean(heads.iter().zip(slopes).map(|(a, g)| (a * g).mapv(|v| v.max(0.0))));
        generic = &generic + &part.dot(&generic);
    }
    close(&map("generic-attention"), patches(generic.row(0).to_owned()), 1e-3);

    let cam = dense.weights[2].iter().zip(&dense.gradients[2]).map(|(a, g)| {
        let weight = g.row(0).iter().skip(1).sum::<f64>() / (TOKENS - 1) as f64;
        a.row(0).to_owned() * weight
    });
    let cam = cam.fold(Array1::<f64>::zeros(TOKENS), |sum, row| sum + row) / HEADS as f64;
    close(&map("attention-grad-cam"), patches(cam.mapv(|v| v.max(0.0))), 1e-3);

    close(&map("legrad"), patches(by_own_scores(case)), 1e-3);
}

/// `LeGrad` by changing weights: each block's tokens go through the norm and the classifier alone.
fn by_own_scores(case: &Case<'_>) -> Array1<f64> {
    let tokens = Tokens::of(case.graph).unwrap();
    let last = tokens.ends[2];
    let mut sum = Array1::<f64>::zeros(TOKENS);
    for (block, end) in tokens.blocks.iter().zip(&tokens.ends) {
        let score = |moved: Tensor| {
            let acts = case.graph.forward_from(case.acts, block.weights, moved);
            let own = case.graph.forward_from(&acts, last, acts.value(*end).clone());
            f64::from(own.value(case.graph.output()).data[case.target])
        };
        for head in slopes(case.acts.value(block.weights), score) {
            sum = sum + head.mapv(|v| v.max(0.0)).sum_axis(ndarray::Axis(0));
        }
    }
    sum / (3 * HEADS * TOKENS) as f64
}

#[test]
fn every_method_explains_a_transformer_or_says_why_not() {
    let net = Vit::new(2, 8, true);
    let acts = net.graph.forward(&picture(2));
    let case = &case(&net.graph, &acts);
    let mut refused = vec![];
    for entry in EXPLAINERS {
        let method = build("method", EXPLAINERS, &entry.id.parse().unwrap()).unwrap().value;
        match method.fits(&net.graph).and_then(|()| method.relevance(case)) {
            Ok(map) => {
                assert_eq!((map.shape.h, map.shape.w), (INPUT.h, INPUT.w), "{}", entry.id);
                assert!(map.any(|r| r != 0.0), "{}", entry.id);
            }
            Err(error) => refused.push(format!("{}: {error}", entry.id)),
        }
    }
    insta::assert_snapshot!(refused.join("\n"));
}

#[test]
fn what_has_no_attention_between_all_tokens_is_refused_by_name() {
    let mut graph = Graph::new(Shape::vector(4));
    let dense = Dense::new(vec![1.0; 8], 2, Shape::vector(4), vec![]).unwrap();
    graph.push("head", Box::new(dense), &[NodeId(0)]).unwrap();
    let method = |spec: &str| build("method", EXPLAINERS, &spec.parse().unwrap()).unwrap().value;
    let said = |graph: &Graph, spec: &str| method(spec).fits(graph).unwrap_err().to_string();
    let net = Vit::new(2, 5, true);
    let all = [
        said(&graph, "attention-rollout"),
        said(&net.graph, "raw-attention:layer=2"),
        said(&Vit::new(1, 5, true).graph, "raw-attention:layer=encoder"),
    ];
    insta::assert_snapshot!(all.join("\n"));
    assert!(method("raw-attention:layer=1").fits(&net.graph).is_ok());
}

#[test]
fn a_mean_of_rows_by_hand() {
    let m = array![[1.0, 2.0], [3.0, 6.0]];
    assert_eq!(super::matrix::mean_of_rows(&m, &[0, 1]), [2.0, 4.0]);
}
