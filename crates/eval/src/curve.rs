//! The flipping loop: remove unit after unit, watch the class score.

use crate::{
    base::{geom::Rect, word_enum},
    nn::{
        graph::{Activations, Graph},
        head::{Head, NO_PROBABILITY},
        op::foreign::EngineError,
        session::BATCH,
        stream::{Base, StreamPlan},
        subset::Subset,
        tensor::Tensor,
    },
    removal::{Removal, Steps},
};
use rayon::prelude::*;

/// Class scores before softmax along a removal.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    /// One group per step and before them one for the untouched picture; a group holds one value per class, or
    /// only that of the one class asked for.
    pub values: Vec<f32>,
    /// Multiply-adds spent on the steps; the untouched picture is not counted, since all chains
    /// share it.
    pub macs: u64,
}

/// What evaluates the network on one picture while units disappear. All engines give the same bits.
pub trait Engine: Sync {
    /// Class scores of the untouched picture and after every step.
    fn logits(&self, removal: &dyn Removal) -> Result<Logits, EngineError>;

    /// The untouched picture in input space.
    fn picture(&self) -> &Tensor;
}

/// How the steps of chains are computed. The bits are the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passes {
    /// True for batches of full passes, false for streams of patches through the layers.
    pub full: bool,
    /// Multiply-adds of a step of a stream over those of a full pass, without layers on vectors, which a
    /// stream multiplies for all steps at once; 1 where another engine computes the network, whose
    /// layers are not known.
    pub share: f64,
}

/// The share of a full pass from which on a stream does not pay: it gathers, clears and copies more than a
/// pass. Measured on one thread, a step of 0.9 (a transformer) and of 1.0 (`MobileNetV3`, whose
/// squeeze-and-excitation lets every pixel reach every other) took 1.4 and 1.5 times as long as a full pass.
const STREAMS_PAY: f64 = 0.7;

impl Passes {
    /// What pays for a network and some regions, each changed alone, by a count of work.
    pub fn cheapest(graph: &Graph, regions: &[Rect]) -> Passes {
        let full = (graph.macs() * regions.len() as u64) as f64;
        let steps = StreamPlan::new(graph, regions).macs(graph);
        let on_maps =
            graph.nodes().zip(steps).filter(|((_, node), _)| node.shape.rect().area() > 1);
        let steps: u64 = on_maps.map(|(_, macs)| macs).sum();
        // a network without multiply-adds is copied either way
        let share = match graph.engine() {
            Some(_) => 1.0,
            None if full == 0.0 => 0.0,
            None => steps as f64 / full,
        };
        Passes { full: share > STREAMS_PAY, share }
    }

    /// The engine for one picture; parameters as of [`Streams::new`].
    pub fn engine<'g>(
        self,
        graph: &'g Graph,
        acts: Activations,
        watch: &Watch,
        budget: u64,
    ) -> Box<dyn Engine + 'g> {
        if self.full {
            let passes = FullPasses::new(graph, acts.value(graph.input()), watch);
            let bytes = (graph.input_shape().len() * size_of::<f32>()) as u64;
            let batch = (budget / bytes).clamp(1, BATCH as u64) as usize;
            Box::new(FullPasses { batch, ..passes })
        } else {
            Box::new(Streams::new(graph, acts, watch, budget))
        }
    }
}

/// The plain engine: a full forward pass per step, in batches. Slow where the fast one can be had, and its
/// reference.
#[derive(Clone, Debug)]
pub struct FullPasses<'a> {
    graph: &'a Graph,
    input: Tensor,
    class: Option<usize>,
    /// Inputs at a time.
    batch: usize,
}

impl<'a> FullPasses<'a> {
    /// For the picture `input` (in input space) and the scores that `watch` needs.
    pub fn new(graph: &'a Graph, input: &Tensor, watch: &Watch) -> Self {
        FullPasses { graph, input: input.clone(), class: watch.class(), batch: BATCH }
    }
}

impl Engine for FullPasses<'_> {
    fn logits(&self, removal: &dyn Removal) -> Result<Logits, EngineError> {
        let (rects, mut picture) = (removal.rects(), self.input.clone());
        let steps = rects.iter().enumerate().map(|(step, rect)| {
            change(&mut picture, removal, step, *rect);
            picture.clone()
        });
        let mut pictures = std::iter::once(self.input.clone()).chain(steps);
        let mut values = Vec::new();
        loop {
            let batch: Vec<Tensor> = pictures.by_ref().take(self.batch).collect();
            if batch.is_empty() {
                return Ok(Logits { values, macs: self.graph.macs() * rects.len() as u64 });
            }
            for logits in self.graph.scores(&batch)? {
                match self.class {
                    Some(class) => values.push(logits[class]),
                    None => values.extend(logits),
                }
            }
        }
    }

    fn picture(&self) -> &Tensor {
        &self.input
    }
}

/// Applies one step of a removal.
fn change(picture: &mut Tensor, removal: &dyn Removal, step: usize, rect: Rect) {
    let mut pixels = vec![0.0; rect.area() * picture.shape.c];
    removal.read(step, &mut pixels);
    picture.write(rect, &pixels);
}

/// The incremental engine: streams of patches ([`crate::nn::stream`]).
#[derive(Debug)]
pub struct Streams<'g> {
    base: Base<'g>,
    budget: u64,
}

impl<'g> Streams<'g> {
    /// For the picture whose values are `acts` and the scores that `watch` needs; `budget` bounds
    /// the bytes of patches that one chain holds at a time.
    pub fn new(graph: &'g Graph, acts: Activations, watch: &Watch, budget: u64) -> Self {
        Streams { base: Base::new(graph, acts, watch.class()), budget }
    }
}

impl Engine for Streams<'_> {
    fn picture(&self) -> &Tensor {
        self.base.picture()
    }

    fn logits(&self, removal: &dyn Removal) -> Result<Logits, EngineError> {
        let pixels = |step: usize, out: &mut [f32]| removal.read(step, out);
        let scores = self.base.scores(&removal.rects(), pixels, self.budget);
        Ok(Logits { values: scores.values, macs: scores.macs.iter().sum() })
    }
}

word_enum! {
    /// What is watched while units disappear.
    pub enum ScoreKind {
        /// The target's output before softmax.
        Logit = "logit",
        /// The target's probability: by the softmax, or by the sigmoid of its own logit.
        Softmax = "softmax",
    }
}

/// What is kept of a removal.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The target's score for the untouched picture and after every step.
    pub scores: Vec<f32>,
    /// All classes' logits, score after score (`scores.len() * classes` values), where they were wanted.
    pub all_logits: Option<Vec<f32>>,
    /// Multiply-adds spent on the steps.
    pub macs: u64,
}

/// Why there is no curve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurveError {
    /// The network has fewer classes.
    #[error("the target class is {target}, but the network has only {classes} classes")]
    Target {
        /// The class asked for.
        target: usize,
        /// How many there are.
        classes: usize,
    },
    /// Its outputs are no logits.
    #[error("{NO_PROBABILITY}")]
    NoProbability,
    /// Another engine fails.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// NaN or infinity came out of the network.
    #[error("the score is {score} after {gone} removed regions")]
    NonFinite {
        /// What it is, in words.
        score: String,
        /// How many units are gone, 0 being the untouched picture.
        gone: usize,
    },
}

/// What to keep of the class scores along a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    target: usize,
    classes: usize,
    head: Head,
    kind: ScoreKind,
    keep_all: bool,
}

impl Watch {
    /// Watches the score of class `target` of a network, and keeps all logits if `keep_all`.
    pub fn new(
        target: usize,
        graph: &Graph,
        kind: ScoreKind,
        keep_all: bool,
    ) -> Result<Watch, CurveError> {
        let (classes, head) = (graph.classes(), graph.head());
        if target >= classes {
            return Err(CurveError::Target { target, classes });
        }
        if kind == ScoreKind::Softmax && !head.has_probabilities() {
            return Err(CurveError::NoProbability);
        }
        Ok(Watch { target, classes, head, kind, keep_all })
    }

    /// The one class whose logit is enough, or `None` when all are needed.
    fn class(&self) -> Option<usize> {
        let others = self.kind == ScoreKind::Softmax && self.head.compares();
        let all = self.keep_all || others;
        (!all).then_some(self.target)
    }

    fn score(&self, logits: &[f32]) -> f32 {
        let at = if self.class().is_some() { 0 } else { self.target };
        match self.kind {
            ScoreKind::Logit => logits[at],
            ScoreKind::Softmax => {
                self.head.probability(logits, at).expect("checked when the watch was made")
            }
        }
    }
}

/// Follows a removal and keeps what `watch` says. The engine was made for the same `watch`.
pub fn curve(
    engine: &dyn Engine,
    removal: &dyn Removal,
    watch: &Watch,
) -> Result<Curve, CurveError> {
    kept(engine.logits(removal)?, watch, |step| removal.gone(step))
}

/// What `watch` keeps of class scores; `gone` units are missing after a step.
fn kept(
    Logits { values, macs }: Logits,
    watch: &Watch,
    gone: impl Fn(usize) -> usize,
) -> Result<Curve, CurveError> {
    let width = watch.class().map_or(watch.classes, |_| 1);
    let scores: Vec<f32> = values.chunks_exact(width).map(|logits| watch.score(logits)).collect();
    if let Some(step) = scores.iter().position(|s| !s.is_finite()) {
        let gone = step.checked_sub(1).map_or(0, gone);
        return Err(CurveError::NonFinite { score: scores[step].to_string(), gone });
    }
    Ok(Curve { scores, all_logits: watch.keep_all.then_some(values), macs })
}

/// Leaves units out of the sequence of tokens: unit `u` of the steps is number `u + 1` of `subset`. `acts` are
/// the values of all nodes for the whole picture. What is kept is as of [`curve()`].
pub fn curve_without(
    subset: &Subset<'_>,
    acts: &Activations,
    steps: &Steps<'_>,
    watch: &Watch,
) -> Result<Curve, CurveError> {
    let mut gone_after = vec![usize::MAX; steps.order.len()];
    steps.order.iter().enumerate().for_each(|(place, id)| gone_after[id.0 as usize] = place);
    let one = |stop: &usize| subset.scores(acts, |number| gone_after[number as usize - 1] >= *stop);
    let all: Vec<(Vec<f32>, u64)> = steps.stops.par_iter().map(one).collect();
    let whole = &subset.whole(acts).data;
    let scores = std::iter::once(&whole[..]).chain(all.iter().map(|(scores, _)| &scores[..]));
    let values = scores.flat_map(|scores| match watch.class() {
        Some(class) => scores[class..=class].to_vec(),
        None => scores.to_vec(),
    });
    let macs = all.iter().map(|(_, macs)| macs).sum();
    kept(Logits { values: values.collect(), macs }, watch, |step| steps.stops[step])
}

/// The largest difference between the scores of `curve` and those of full passes over `picture`
/// (in input space) after the given numbers of steps, ascending.
pub fn largest_difference(
    graph: &Graph,
    picture: &Tensor,
    removal: &dyn Removal,
    watch: &Watch,
    curve: &Curve,
    steps: &[usize],
) -> Result<f64, EngineError> {
    let all = Watch { keep_all: true, ..*watch };
    let rects = removal.rects();
    let (mut picture, mut removed, mut largest) = (picture.clone(), 0, 0.0f64);
    for &step in steps {
        (removed..step).for_each(|k| change(&mut picture, removal, k, rects[k]));
        removed = step;
        let full = all.score(&graph.scores(std::slice::from_ref(&picture))?[0]);
        largest = largest.max((f64::from(full) - f64::from(curve.scores[step])).abs());
    }
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::op::softmax;
    use crate::{
        base::{
            geom::Shape,
            rng::{Seed, unit_f32},
            unit::{Grid, Remainder, UnitId, Units as _},
        },
        metric::{Aopc, CurveMetric, Curves, Trial},
        nn::op::{AvgPool, Conv, ConvGeometry, Dense, Function, Mul, Unary},
        order::{Order, morf, random, unit_scores},
        removal::Chain,
    };
    use ndarray::Array2;

    const SHAPE: Shape = Shape::new(3, 8, 8);

    fn draws(purpose: &str, count: usize) -> Vec<f32> {
        let mut rng = Seed(3).rng(purpose, "", &[]);
        (0..count).map(|_| unit_f32(&mut rng) - 0.5).collect()
    }

    fn tensor(purpose: &str) -> Tensor {
        Tensor::new(SHAPE, draws(purpose, SHAPE.len()))
    }

    fn grid() -> Grid {
        Grid::new(SHAPE.h, SHAPE.w, 2, Remainder::Drop).unwrap()
    }

    /// `f(x) = W x + b`, two classes; weights in the order c, h, w.
    fn linear(weight: Vec<f32>) -> Graph {
        let mut graph = Graph::new(SHAPE);
        let dense = Dense::new(weight, 2, SHAPE, vec![0.25, -1.0]).unwrap();
        graph.push("dense", Box::new(dense), &[graph.input()]).unwrap();
        graph
    }

    fn convolutional() -> Graph {
        let mut graph = Graph::new(SHAPE);
        let geometry = ConvGeometry {
            kernel: [3, 3],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [1; 4],
            groups: 1,
        };
        let conv = Conv::new(draws("conv", 4 * 3 * 9), 4, 3, geometry, draws("bias", 4)).unwrap();
        let conv = graph.push("conv", Box::new(conv), &[graph.input()]).unwrap();
        let relu = graph.push("relu", Box::new(Unary::new(Function::Relu)), &[conv]).unwrap();
        let dense = Dense::new(draws("dense", 3 * 4 * 64), 3, Shape::new(4, 8, 8), vec![]).unwrap();
        graph.push("dense", Box::new(dense), &[relu]).unwrap();
        graph
    }

    fn watch(graph: &Graph, target: usize, kind: ScoreKind, keep_all: bool) -> Watch {
        Watch::new(target, graph, kind, keep_all).unwrap()
    }

    /// One unit after the other.
    const ONE_BY_ONE: [usize; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

    fn steps<'a>(grid: &'a Grid, order: &'a [UnitId]) -> Steps<'a> {
        Steps { units: grid, order, stops: &ONE_BY_ONE[..order.len()] }
    }

    fn walk(graph: &Graph, regions: &[UnitId], kind: ScoreKind, keep_all: bool) -> Curve {
        let (input, fill, grid) = (tensor("input"), tensor("fill"), grid());
        let watch = watch(graph, 1, kind, keep_all);
        let chain = Chain::local(&input, &fill, &steps(&grid, regions));
        curve(&FullPasses::new(graph, &input, &watch), &chain, &watch).unwrap()
    }

    #[test]
    fn the_aopc_of_a_linear_model_is_known_in_closed_form() {
        let weight = draws("weight", 2 * SHAPE.len());
        let graph = linear(weight.clone());
        // removing region r lowers the score by the sum of w (x - fill) over its pixels
        let (x, fill) = (tensor("input").to_chw(), tensor("fill").to_chw());
        let w = |c: usize, y: usize, x: usize| weight[SHAPE.len() + (c * 8 + y) * 8 + x];
        let heat = Array2::from_shape_fn((8, 8), |(row, col)| {
            let fall = |c| w(c, row, col) * (x[[c, row, col]] - fill[[c, row, col]]);
            f64::from((0..3).map(fall).sum::<f32>())
        });
        let falls = unit_scores(&heat, &grid()).unwrap();
        let order = morf(&falls, Seed(0), "a");
        let scores = walk(&graph, &order, ScoreKind::Logit, false).scores;
        let own = Curves { morf: Some(&scores), lerf: None, flip: None };
        let found = Aopc(Order::Morf).along(&Trial { own, ..Trial::default() }).unwrap();
        // AOPC_L = 1/(L+1) sum_{k=1..L} (L + 1 - k) fall_k
        for (l, found) in found.iter().enumerate() {
            let part = |k: usize| (l + 1 - k) as f64 * falls[order[k - 1].0 as usize];
            let expected = (1..=l).map(part).sum::<f64>() / (l as f64 + 1.0);
            // scores near 5 in single precision, sums of 192 products
            assert!((found - expected).abs() < 1e-5, "L = {l}: {found}, expected {expected}");
        }
        // and no order falls faster
        let other = walk(&graph, &random(16, Seed(0), "a", 0), ScoreKind::Logit, false).scores;
        assert!(scores.iter().zip(&other).all(|(a, b)| a <= &(b + 1e-5)));
    }

    #[test]
    fn a_constant_model_never_falls() {
        let graph = linear(vec![0.0; 2 * SHAPE.len()]);
        let scores = walk(&graph, &random(16, Seed(0), "a", 0), ScoreKind::Logit, false).scores;
        assert_eq!(scores, [-1.0; 17]);
    }

    #[test]
    fn over_all_regions_both_orders_end_at_the_same_bits() {
        let graph = convolutional();
        let forth = random(16, Seed(0), "a", 0);
        let back = Order::Lerf.arrange(forth.clone());
        let (a, b) = [forth, back].map(|o| walk(&graph, &o, ScoreKind::Logit, false)).into();
        assert_eq!(a.scores[0].to_bits(), b.scores[0].to_bits());
        assert_eq!(a.scores[16].to_bits(), b.scores[16].to_bits());
        assert_ne!(a.scores[8].to_bits(), b.scores[8].to_bits());
    }

    #[test]
    fn logits_of_all_classes_hold_the_score_and_give_its_probability() {
        let graph = convolutional();
        let order = random(16, Seed(0), "a", 0);
        let one = walk(&graph, &order[..5], ScoreKind::Logit, false);
        assert_eq!((one.scores.len(), one.all_logits), (6, None));
        let all = walk(&graph, &order[..5], ScoreKind::Logit, true);
        assert_eq!(all.scores, one.scores);
        let logits = all.all_logits.unwrap();
        assert_eq!(logits.len(), 6 * 3);
        assert!(logits.chunks(3).zip(&one.scores).all(|(l, s)| l[1].to_bits() == s.to_bits()));
        let soft = walk(&graph, &order[..5], ScoreKind::Softmax, false);
        let expected: Vec<f32> = logits.chunks(3).map(|l| softmax(l)[1]).collect();
        assert_eq!((soft.scores, soft.all_logits), (expected, None));
    }

    #[test]
    fn streams_give_the_bits_of_full_passes() {
        let graph = convolutional();
        let (input, fill, grid) = (tensor("input"), tensor("fill"), grid());
        let acts = graph.forward(&input);
        let regions = random(16, Seed(0), "a", 0);
        let chain = Chain::local(&input, &fill, &steps(&grid, &regions[..10]));
        for (kind, keep_all) in
            [(ScoreKind::Logit, false), (ScoreKind::Logit, true), (ScoreKind::Softmax, false)]
        {
            let watch = watch(&graph, 2, kind, keep_all);
            let full = curve(&FullPasses::new(&graph, &input, &watch), &chain, &watch).unwrap();
            let streams = Streams::new(&graph, acts.clone(), &watch, 1 << 20);
            let fast = curve(&streams, &chain, &watch).unwrap();
            assert_eq!(fast.scores, full.scores);
            assert_eq!(fast.all_logits, full.all_logits);
            assert!(fast.macs < full.macs);
        }
    }

    #[test]
    fn streams_pay_where_layers_are_local_and_full_passes_where_they_are_not() {
        let regions: Vec<Rect> = grid().ids().map(|id| grid().rect(id)).collect();
        let local = Passes::cheapest(&convolutional(), &regions);
        assert!(!local.full && local.share > 0.0, "{local:?}");
        // layers on vectors are multiplied for all steps at once
        let dense = Passes::cheapest(&linear(draws("weight", 2 * SHAPE.len())), &regions);
        assert_eq!(dense, Passes { full: false, share: 0.0 });
        let nothing = Passes::cheapest(&Graph::new(SHAPE), &regions);
        assert_eq!(nothing, Passes { full: false, share: 0.0 });
        // behind a gate of all pixels every pixel changes
        let mut gated = Graph::new(SHAPE);
        let x = gated.input();
        let gate = gated.push("gap", Box::new(AvgPool::global("gap")), &[x]).unwrap();
        let gate = gated.push("gate", Box::new(Mul::new()), &[x, gate]).unwrap();
        let geometry = ConvGeometry {
            kernel: [3; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pads: [1; 4],
            groups: 1,
        };
        let conv = Conv::new(draws("conv", 4 * 3 * 9), 4, 3, geometry, draws("bias", 4)).unwrap();
        let conv = gated.push("conv", Box::new(conv), &[gate]).unwrap();
        let conv = gated.push("pool", Box::new(AvgPool::global("pool")), &[conv]).unwrap();
        assert!(Passes::cheapest(&gated, &regions).full);
        // and the bits are the same
        let acts = gated.forward(&tensor("input"));
        let watch = watch(&gated, 2, ScoreKind::Logit, false);
        let (fill, grid) = (tensor("fill"), grid());
        let order = random(16, Seed(0), "a", 0);
        let chain = Chain::local(&tensor("input"), &fill, &steps(&grid, &order));
        let scores = [true, false].map(|full| {
            let engine = Passes { full, share: 1.0 }.engine(&gated, acts.clone(), &watch, 1 << 20);
            curve(&*engine, &chain, &watch).unwrap().scores
        });
        assert_eq!(scores[0], scores[1]);
        assert_eq!(conv, gated.output());
    }

    #[test]
    fn what_is_not_a_number_is_an_error_with_its_step() {
        let graph = linear(draws("weight", 2 * SHAPE.len()));
        let (input, mut fill, grid) = (tensor("input"), tensor("fill"), grid());
        fill.data[0] = f32::NAN;
        let watch = watch(&graph, 0, ScoreKind::Logit, false);
        let regions = [UnitId(5), UnitId(0), UnitId(1)];
        let chain = Chain::local(&input, &fill, &steps(&grid, &regions));
        let error = curve(&FullPasses::new(&graph, &input, &watch), &chain, &watch).unwrap_err();
        assert_eq!(error.to_string(), "the score is NaN after 2 removed regions");
    }

    #[test]
    fn a_target_beyond_the_classes_is_an_error() {
        let error = Watch::new(1000, &convolutional(), ScoreKind::Logit, false).unwrap_err();
        let text = "the target class is 1000, but the network has only 3 classes";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn score_kinds_are_named_as_in_the_options() {
        assert!(ScoreKind::ALL.iter().all(|k| k.to_string().parse() == Ok(*k)));
        let error = "sofmax".parse::<ScoreKind>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "must be logit or softmax, found `sofmax`, did you mean `softmax`?"
        );
    }
}
