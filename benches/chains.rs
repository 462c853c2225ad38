//! Chains against full passes on a network in the shape of VGG, a quarter as wide: what a step costs
//! is to be read against what a pass costs in the same run.

use divan::{Bencher, counter::ItemsCount};
use pixelflip::{
    base::{
        geom::{Rect, Shape},
        rng::Seed,
        unit::{Grid, Remainder, Units},
    },
    eval::order,
    nn::{
        graph::Graph,
        op::{Conv, ConvGeometry, Dense, Function, MaxPool, Unary, Window},
        stream::Base,
        tensor::Tensor,
        tune::tuned,
    },
};

/// Channels of the convolutions; 0 is a pool.
const LAYERS: [usize; 18] =
    [16, 16, 0, 32, 32, 0, 64, 64, 64, 0, 128, 128, 128, 0, 128, 128, 128, 0];

const STEPS: usize = 100;

fn main() {
    divan::main();
}

fn values(n: usize, scale: f32) -> Vec<f32> {
    (0..n).map(|i| (((i * 7919) % 2003) as f32 / 1001.5 - 1.0) * scale).collect()
}

fn network() -> Graph {
    let mut graph = Graph::new(Shape::new(3, 224, 224));
    let mut channels = 3;
    for (i, outputs) in LAYERS.into_iter().enumerate() {
        let last = graph.output();
        if outputs == 0 {
            let (kernel, pads, dilation) = ([2; 2], [0; 4], [1; 2]);
            let window = Window { kernel, stride: [2; 2], dilation, pads, ceil: false };
            graph.push(&format!("pool{i}"), Box::new(MaxPool::new(window)), &[last]).expect("fits");
            continue;
        }
        let (kernel, stride, dilation) = ([3; 2], [1; 2], [1; 2]);
        let geometry = ConvGeometry { kernel, stride, dilation, pads: [1; 4], groups: 1 };
        let weights = values(outputs * channels * 9, (2.0 / (9 * channels) as f32).sqrt());
        let conv = Conv::new(weights, outputs, channels, geometry, vec![]).expect("fits");
        let conv = graph.push(&format!("conv{i}"), Box::new(conv), &[last]).expect("fits");
        let relu = Box::new(Unary::new(Function::Relu));
        graph.push(&format!("relu{i}"), relu, &[conv]).expect("fits");
        channels = outputs;
    }
    let last = graph.output();
    let map = graph.node(last).shape;
    let dense = Dense::new(values(map.len() * 1000, 0.02), 1000, map, vec![]).expect("fits");
    graph.push("classes", Box::new(dense), &[last]).expect("fits");
    graph
}

fn picture(graph: &Graph) -> Tensor {
    Tensor::new(graph.input_shape(), values(graph.input_shape().len(), 2.0))
}

fn regions(graph: &Graph) -> Vec<Rect> {
    let shape = graph.input_shape();
    let grid = Grid::new(shape.h, shape.w, 9, Remainder::Drop).expect("224 pixels hold regions");
    let order = order::random(grid.len(), Seed(0), "bench", 0);
    order[..STEPS].iter().map(|id| grid.rect(*id)).collect()
}

/// One pass; an item is a pass. On one thread, as chains are.
#[divan::bench(args = ["direct", "tiles"])]
fn full_pass(bencher: Bencher<'_, '_>, form: &str) {
    let graph = network();
    let graph = if form == "direct" { graph } else { tuned(&graph, &[graph.input_shape().rect()]) };
    let x = picture(&graph);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| pool.install(|| graph.logits(&x)));
}

/// 100 steps; an item is a step.
#[divan::bench(args = ["direct", "tiles"])]
fn chain(bencher: Bencher<'_, '_>, form: &str) {
    let graph = network();
    let regions = regions(&graph);
    let graph = if form == "direct" { graph } else { tuned(&graph, &regions) };
    let (acts, fill) = (graph.forward(&picture(&graph)), Tensor::zeros(graph.input_shape()));
    let base = Base::new(&graph, acts, Some(0));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    bencher.counter(ItemsCount::new(STEPS)).bench_local(|| {
        let pixels = |step: usize, out: &mut [f32]| fill.read(regions[step], out);
        pool.install(|| base.scores(&regions, pixels, u64::MAX))
    });
}
