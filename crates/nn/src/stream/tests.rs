//! Incremental equals full, bit for bit.

use super::*;
use crate::{
    base::{
        geom::{Rect, Shape},
        rng::{KeyedRng, Seed, below, unit_f32},
    },
    graph::{Graph, NodeId},
    kernel::winograd::Tile,
    op::*,
    tensor::Tensor,
    tune::tuned,
};
use proptest::prelude::*;
use std::{ops::Range, sync::OnceLock};

fn noise(rng: &mut KeyedRng, n: usize, scale: f32) -> Vec<f32> {
    (0..n).map(|_| (unit_f32(rng) * 2.0 - 1.0) * scale).collect()
}

fn conv(rng: &mut KeyedRng, inputs: usize, outputs: usize, geometry: ConvGeometry) -> Box<dyn Cpu> {
    Box::new(direct(rng, inputs, outputs, geometry))
}

fn direct(rng: &mut KeyedRng, inputs: usize, outputs: usize, geometry: ConvGeometry) -> Conv {
    let [kh, kw] = geometry.kernel;
    let per = inputs / geometry.groups * kh * kw;
    let weight = noise(rng, outputs * per, (3.0 / per as f32).sqrt());
    let bias = noise(rng, outputs, 0.1);
    Conv::new(weight, outputs, inputs, geometry, bias).unwrap()
}

fn geometry(k: usize, stride: usize, pad: usize, groups: usize) -> ConvGeometry {
    ConvGeometry { kernel: [k; 2], stride: [stride; 2], dilation: [1; 2], pads: [pad; 4], groups }
}

/// Appends a random operator that fits the map of the last node.
fn grow(rng: &mut KeyedRng, graph: &mut Graph, name: &str) {
    let last = graph.output();
    let shape = graph.node(last).shape;
    let window = |k: usize, s: usize, p: usize, ceil| Window {
        kernel: [k; 2],
        stride: [s; 2],
        dilation: [1; 2],
        pads: [p; 4],
        ceil,
    };
    let outputs = [4, 6, 34][below(rng, 3) as usize];
    let pick = below(rng, 19);
    let taps = [3, 3, 5][below(rng, 3) as usize];
    let tiles = Tile::fitting(taps);
    let tile = tiles[below(rng, tiles.len() as u64) as usize];
    let mut tiled = || -> Box<dyn Cpu> {
        let op = direct(rng, shape.c, outputs, geometry(taps, 1, taps / 2, 1));
        Box::new(op.with_tile(Some(tile)).unwrap())
    };
    let op: Box<dyn Cpu> = match pick {
        0 => conv(rng, shape.c, outputs, geometry(3, 1, 1, 1)),
        14..=16 => tiled(),
        1 => conv(rng, shape.c, outputs, geometry(1, 1, 0, 1)),
        2 if shape.h > 6 && shape.w > 6 => conv(rng, shape.c, outputs, geometry(3, 2, 1, 1)),
        3 => conv(rng, shape.c, shape.c, geometry(3, 1, 1, shape.c)),
        4 => conv(rng, shape.c, 6, geometry(3, 1, 2, 2)),
        5 if shape.h > 6 && shape.w > 6 => Box::new(MaxPool::new(window(3, 2, 0, true))),
        6 if shape.h > 6 && shape.w > 6 => Box::new(AvgPool::new(window(2, 2, 0, false), false)),
        7 => Box::new(AvgPool::new(window(3, 1, 1, false), true)),
        8 => Box::new(Lrn::new(3, 0.5, 0.75, 1.0)),
        9 => {
            let (scale, shift) = (noise(rng, shape.c, 1.5), noise(rng, shape.c, 0.5));
            Box::new(Affine::new("BatchNormalization", scale, shift))
        }
        10 => Box::new(Pad::new([1, 0, 2, 1], 0.0)),
        11 => Box::new(Unary::new(Function::LeakyRelu { alpha: 0.1 })),
        _ => Box::new(Unary::new(Function::Relu)),
    };
    graph.push(name, op, &[last]).unwrap();
    // a branch that comes back: residual, concat, gate or square
    let now = graph.output();
    let shape = graph.node(now).shape;
    let side = |op: Box<dyn Cpu>, graph: &mut Graph| {
        graph.push(&format!("{name}.side"), op, &[now]).unwrap()
    };
    match below(rng, 8) {
        0 => {
            let other = side(conv(rng, shape.c, shape.c, geometry(3, 1, 1, 1)), graph);
            graph.push(&format!("{name}.add"), Box::new(Add::new(vec![1.0; 2])), &[now, other])
        }
        1 => {
            let other = side(conv(rng, shape.c, 4, geometry(1, 1, 0, 1)), graph);
            graph.push(&format!("{name}.concat"), Box::new(Concat::new()), &[now, other])
        }
        2 => {
            let gate = side(Box::new(AvgPool::global("GlobalAveragePool")), graph);
            graph.push(&format!("{name}.gate"), Box::new(Mul::new()), &[now, gate])
        }
        3 => graph.push(&format!("{name}.sub"), Box::new(Add::new(vec![1.0, -1.0])), &[now, now]),
        _ => Ok(now),
    }
    .unwrap();
}

/// A random network with the head `head`: dense layers, or a convolution and a global mean.
fn network(seed: u64, ops: usize, dense: bool) -> Graph {
    let rng = &mut Seed(seed).rng("network", "", &[]);
    let mut graph = Graph::new(Shape::new(2, 14, 13));
    (0..ops).for_each(|i| grow(rng, &mut graph, &format!("op{i}")));
    let last = graph.output();
    let shape = graph.node(last).shape;
    if dense {
        let n = shape.len();
        let scale = (3.0 / n as f32).sqrt();
        let weight = noise(rng, 40 * n, scale);
        let first = Dense::new(weight, 40, shape, noise(rng, 40, 0.1)).unwrap();
        let a = graph.push("fc1", Box::new(first), &[last]).unwrap();
        let b = graph.push("relu", Box::new(Unary::new(Function::Relu)), &[a]).unwrap();
        let second = Dense::new(noise(rng, 5 * 40, 0.3), 5, Shape::vector(40), vec![]).unwrap();
        graph.push("fc2", Box::new(second), &[b]).unwrap();
    } else {
        let a = graph.push("head", conv(rng, shape.c, 5, geometry(1, 1, 0, 1)), &[last]).unwrap();
        let b = graph.push("relu", Box::new(Unary::new(Function::Relu)), &[a]).unwrap();
        let c = graph.push("mean", Box::new(AvgPool::global("ReduceMean")), &[b]).unwrap();
        graph.push("flat", Box::new(Transpose::flatten(Shape::vector(5))), &[c]).unwrap();
    }
    graph
}

struct Problem {
    graph: Graph,
    x: Tensor,
    regions: Vec<Rect>,
    pixels: Vec<Vec<f32>>,
}

impl Problem {
    fn new(seed: u64, graph: Graph, steps: usize) -> Problem {
        let rng = &mut Seed(seed).rng("chain", "", &[]);
        let shape = graph.input_shape();
        let x = Tensor::new(shape, noise(rng, shape.len(), 1.0));
        let mut region = || {
            let (y0, x0) =
                (below(rng, shape.h as u64) as usize, below(rng, shape.w as u64) as usize);
            Rect { y0, y1: (y0 + 3).min(shape.h), x0, x1: (x0 + 3).min(shape.w) }
        };
        let regions: Vec<Rect> = (0..steps).map(|_| region()).collect();
        let pixels = regions.iter().map(|r| noise(rng, r.area() * shape.c, 1.0)).collect();
        Problem { graph, x, regions, pixels }
    }

    fn full(&self) -> Vec<Vec<f32>> {
        let mut x = self.x.clone();
        let mut all = vec![self.graph.logits(&x)];
        for (rect, pixels) in self.regions.iter().zip(&self.pixels) {
            x.write(*rect, pixels);
            all.push(self.graph.logits(&x));
        }
        all
    }

    fn streamed(&self, class: Option<usize>, budget: u64) -> Scores {
        let acts = self.graph.forward(&self.x);
        let base = Base::new(&self.graph, acts, class);
        base.scores(&self.regions, |k, out| out.copy_from_slice(&self.pixels[k]), budget)
    }
}

fn pool() -> &'static rayon::ThreadPool {
    static POOL: OnceLock<rayon::ThreadPool> = OnceLock::new();
    POOL.get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap())
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn streams_equal_full_passes_bit_for_bit(
        seed in any::<u64>(), ops in 1usize..9, steps in 0usize..12, dense: bool,
    ) {
        let problem = Problem::new(seed, network(seed, ops, dense), steps);
        let full = problem.full();
        let all = problem.streamed(None, u64::MAX);
        prop_assert_eq!(bits(&all.values), bits(&full.concat()));
        let class = steps % 5;
        let one: Vec<f32> = full.iter().map(|logits| logits[class]).collect();
        // outside of a pool the layers are split over the threads, on a thread of one they are not
        let alone = pool().install(|| problem.streamed(Some(class), u64::MAX));
        prop_assert_eq!(bits(&alone.values), bits(&one));
        // the budget of one byte works on every step alone
        for budget in [u64::MAX, 20_000, 1] {
            prop_assert_eq!(bits(&problem.streamed(Some(class), budget).values), bits(&one));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn tiles_change_no_logit_by_more_than_a_ten_thousandth_of_the_largest(
        seed in any::<u64>(), ops in 1usize..9,
    ) {
        let graph = network(seed, ops, true);
        let fast = tuned(&graph, &[graph.input_shape().rect()]);
        let problem = Problem::new(seed, graph, 0);
        let (want, got) = (problem.graph.logits(&problem.x), fast.logits(&problem.x));
        let largest = want.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let close = want.iter().zip(&got).all(|(a, b)| (a - b).abs() <= 1e-4 * largest);
        prop_assert!(close, "{want:?} {got:?}");
    }
}

/// The convolutions of VGG-16.
fn vgg16() -> Graph {
    let rng = &mut Seed(0).rng("vgg", "", &[]);
    let mut graph = Graph::new(Shape::new(3, 224, 224));
    let mut id = graph.input();
    let pool =
        Window { kernel: [2; 2], stride: [2; 2], dilation: [1; 2], pads: [0; 4], ceil: false };
    for (b, (count, channels)) in
        [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)].iter().enumerate()
    {
        for i in 0..*count {
            let inputs = graph.node(id).shape.c;
            let op = conv(rng, inputs, *channels, geometry(3, 1, 1, 1));
            id = graph.push(&format!("conv{b}.{i}"), op, &[id]).unwrap();
            id = graph
                .push(&format!("relu{b}.{i}"), Box::new(Unary::new(Function::Relu)), &[id])
                .unwrap();
        }
        id = graph.push(&format!("pool{b}"), Box::new(MaxPool::new(pool)), &[id]).unwrap();
    }
    graph
}

#[test]
fn vgg16_in_random_order_needs_about_an_eleventh_of_the_products() {
    let graph = vgg16();
    let rng = &mut Seed(0).rng("order", "", &[]);
    let order = crate::base::rng::permutation(rng, 576);
    let region = |i: &usize| {
        let (y0, x0) = (i / 24 * 9, i % 24 * 9);
        Rect { y0, y1: y0 + 9, x0, x1: x0 + 9 }
    };
    let regions: Vec<Rect> = order[..100].iter().map(region).collect();
    let streamed: u64 = StreamPlan::new(&graph, &regions).macs(&graph).iter().sum();
    let ratio = graph.macs() as f64 * 100.0 / streamed as f64;
    assert!((11.0..12.2).contains(&ratio), "{ratio}");
}

#[test]
fn stages_cover_all_nodes_and_steps_and_only_some_take_chunks() {
    let graph = vgg16();
    let at = |k: usize| Rect { y0: k, y1: k + 9, x0: 2 * k, x1: 2 * k + 9 };
    let plan = StreamPlan::new(&graph, &(0..100).map(at).collect::<Vec<_>>());
    let whole = plan.stages(&graph, u64::MAX);
    assert!(whole.iter().all(|stage| stage.chunks.len() == 1));
    let budget = 24 << 20;
    let stages = plan.stages(&graph, budget);
    let mut next = 0;
    for stage in &stages {
        assert_eq!(stage.nodes.start, next);
        next = stage.nodes.end;
        let steps: Vec<usize> = stage.chunks.iter().cloned().flatten().collect();
        assert_eq!(steps, (0..100).collect::<Vec<_>>());
    }
    assert_eq!(next, graph.len());
    let cut: Vec<bool> = stages.iter().map(|stage| stage.chunks.len() > 1).collect();
    assert!(cut.contains(&true) && cut.contains(&false), "some layers take chunks: {cut:?}");
    // VGG has no branches: at a node its own patches are alive and those of the one before
    let bytes = |id: usize, steps: &Range<usize>| {
        let channels = graph.node(NodeId(id)).shape.c;
        let area: usize = plan.rects(NodeId(id))[steps.clone()].iter().map(|r| r.area()).sum();
        (area * channels * size_of::<f32>()) as u64
    };
    for plan::Stage { nodes, chunks } in &stages {
        let first = nodes.start.max(1);
        let here =
            |steps| (first..nodes.end).map(|id| bytes(id - 1, steps) + bytes(id, steps)).max();
        let most = chunks.iter().filter_map(here).max().unwrap();
        let ends = bytes(first - 1, &(0..100)) + bytes(nodes.end - 1, &(0..100));
        let waiting = if chunks.len() > 1 { ends } else { 0 };
        assert!(most + waiting <= budget, "{nodes:?}: {most} + {waiting} bytes of {budget}");
    }
}

#[test]
fn a_dense_layer_multiplies_only_the_blocks_of_inputs_that_changed() {
    let mut graph = Graph::new(Shape::new(64, 8, 8));
    let dense = Dense::new(vec![0.1; 10 * 4096], 10, graph.input_shape(), vec![]).unwrap();
    graph.push("fc", Box::new(dense), &[graph.input()]).unwrap();
    // a block is 256 inputs, four pixels: two rows of two pixels lie in two blocks, or in four where
    // they cross from one block into the next
    let at = |x0: usize| Rect { y0: 2, y1: 4, x0, x1: x0 + 2 };
    let macs = StreamPlan::new(&graph, &[at(0), at(1), at(3), Rect::EMPTY]).macs(&graph);
    assert_eq!(macs[1], 10 * (4096 + 2 * 256 + 4 * 256));
}

#[test]
fn one_class_skips_the_work_for_the_others() {
    for dense in [true, false] {
        let graph = network(3, 4, dense);
        let problem = Problem::new(1, graph, 3);
        let of = |class| problem.streamed(class, u64::MAX).macs;
        let (all, one) = (of(None), of(Some(2)));
        let head: NodeId = problem
            .graph
            .nodes()
            .find(|(_, n)| n.name == if dense { "fc2" } else { "head" })
            .unwrap()
            .0;
        assert_eq!(all[head.0], 5 * one[head.0]);
        assert_eq!(all[..head.0], one[..head.0]);
    }
}

#[test]
fn one_class_of_a_network_that_ends_in_a_sum_is_that_class() {
    let mut graph = network(3, 4, true);
    let end = graph.output();
    graph.push("sum", Box::new(Add::new(vec![1.0, 1.0])), &[end, end]).unwrap();
    let problem = Problem::new(1, graph, 3);
    let (all, one) = (problem.streamed(None, u64::MAX), problem.streamed(Some(2), u64::MAX));
    let of_two: Vec<f32> = all.values.chunks_exact(problem.graph.classes()).map(|s| s[2]).collect();
    assert_eq!(one.values, of_two);
}
