//! Units that are no squares, from relevance to curve: the words of a text over small networks.

use crate::{
    base::{
        geom::{Rect, Shape},
        rng::{Seed, unit_f32},
        unit::{Patch, UnitId, Units},
    },
    curve::{FullPasses, ScoreKind, Streams, Watch, curve},
    metric::{Aopc, CurveMetric, Curves, Stops, Trial},
    nn::{
        graph::Graph,
        op::{Conv, ConvGeometry, Dense, Function, Unary},
        tensor::Tensor,
    },
    order::{Order, morf, random, tied_fraction, unit_scores},
    perturb::{Fill, Gather, PERTURBATIONS, Range, Site},
    removal::{Chain, Steps},
};
use ndarray::Array2;

/// Seven tokens, each with a vector of three values; the last is padding.
const TEXT: [&str; 7] = ["ice", "hockey", "in", "New", "York", "was", "<pad>"];
const SHAPE: Shape = Shape::new(3, TEXT.len(), 1);

/// The words of [`TEXT`]: `New York` is one, padding none.
#[derive(Debug)]
struct Words(Vec<Rect>);

impl Words {
    fn new() -> Words {
        let tokens = [0..1, 1..2, 2..3, 3..5, 5..6];
        Words(tokens.map(|t| Rect { y0: t.start, y1: t.end, x0: 0, x1: 1 }).to_vec())
    }
}

impl Units for Words {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn size(&self) -> (usize, usize) {
        (SHAPE.h, SHAPE.w)
    }

    fn patch(&self, unit: UnitId) -> Patch<'_> {
        Patch::Rect(self.0[unit.0 as usize])
    }

    fn name(&self, unit: UnitId) -> String {
        let rect = self.0[unit.0 as usize];
        TEXT[rect.y0..rect.y1].join(" ")
    }
}

fn draws(purpose: &str, count: usize) -> Vec<f32> {
    let mut rng = Seed(3).rng(purpose, "", &[]);
    (0..count).map(|_| unit_f32(&mut rng) - 0.5).collect()
}

fn text() -> Tensor {
    Tensor::new(SHAPE, draws("text", SHAPE.len()))
}

/// A convolution over two neighbouring tokens, a rectifier and two classes.
fn network() -> Graph {
    let mut graph = Graph::new(SHAPE);
    let geometry =
        ConvGeometry { kernel: [2, 1], stride: [1, 1], dilation: [1, 1], pads: [0; 4], groups: 1 };
    let conv = Conv::new(draws("conv", 4 * 3 * 2), 4, 3, geometry, draws("bias", 4)).unwrap();
    let conv = graph.push("conv", Box::new(conv), &[graph.input()]).unwrap();
    let relu = graph.push("relu", Box::new(Unary::new(Function::Relu)), &[conv]).unwrap();
    let shape = graph.node(relu).shape;
    let dense = Dense::new(draws("dense", 2 * shape.len()), 2, shape, vec![]).unwrap();
    graph.push("dense", Box::new(dense), &[relu]).unwrap();
    graph
}

/// Words are ordered by their relevance, and each takes with it what it adds to a linear score.
#[test]
fn deleting_words_by_relevance_has_its_known_curve() {
    let (words, text) = (Words::new(), text());
    let weight = draws("weight", 2 * SHAPE.len());
    let mut graph = Graph::new(SHAPE);
    let dense = Dense::new(weight.clone(), 2, SHAPE, vec![0.5, 0.0]).unwrap();
    graph.push("dense", Box::new(dense), &[graph.input()]).unwrap();
    // weights in the order c, h, w
    let share = |t: usize, c: usize| f64::from(weight[c * SHAPE.h + t] * text.pixel(t, 0)[c]);
    let heat = Array2::from_shape_fn((SHAPE.h, 1), |(t, _)| (0..3).map(|c| share(t, c)).sum());
    let scores = unit_scores(&heat, &words).unwrap();
    assert!((scores[3] - heat[[3, 0]] - heat[[4, 0]]).abs() < 1e-12, "New York");
    let order = morf(&scores, Seed(0), "a text");
    assert!(tied_fraction(&scores).abs() < 1e-12);
    let most = (0..5).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
    assert_eq!(words.name(order[0]), ["ice", "hockey", "in", "New York", "was"][most]);
    let zero = Tensor::zeros(SHAPE);
    let watch = Watch::new(0, &graph, ScoreKind::Logit, false).unwrap();
    let engine = FullPasses::new(&graph, &text, &watch);
    let score = |stops: &[usize]| {
        let steps = Steps { units: &words, order: &order, stops };
        curve(&engine, &Chain::local(&text, &zero, &steps), &watch).unwrap().scores
    };
    let all = score(&[1, 2, 3, 4, 5]);
    let mut expected = f64::from(all[0]);
    for (found, unit) in all[1..].iter().zip(&order) {
        expected -= scores[unit.0 as usize];
        assert!((f64::from(*found) - expected).abs() < 1e-5, "without `{}`", words.name(*unit));
    }
    // at stops the same scores, and the AOPC of the straight lines between them
    let some = score(&[2, 5]);
    assert_eq!(some, [all[0], all[2], all[5]]);
    let own = Curves { morf: Some(&some), lerf: None, flip: None };
    let aopc = Aopc(Order::Morf)
        .value(&Trial { own, stops: Stops::At(&[0, 2, 5]), ..Trial::default() })
        .unwrap();
    let fall = |k: usize| f64::from(all[0]) - f64::from(all[k]);
    let line = |k: f64, [a, b]: [usize; 2]| {
        fall(a) + (fall(b) - fall(a)) * (k - a as f64) / (b - a) as f64
    };
    let falls = [0.0, line(1.0, [0, 2]), fall(2), line(3.0, [2, 5]), line(4.0, [2, 5]), fall(5)];
    assert!((aopc - falls.iter().sum::<f64>() / 6.0).abs() < 1e-9);
}

/// Every perturbation that knows no colours, both engines, both orders and the random one.
#[test]
fn streams_of_words_have_the_bits_of_full_passes() {
    let (words, graph) = (Words::new(), network());
    let text = text().map(|v| v + 0.5);
    let statistics = Gather::new(SHAPE).finish();
    let site = Site {
        picture: &text,
        range: Range { low: 0.0, high: 1.0 },
        neutral: &[],
        units: &words,
        seed: Seed(0),
        image: "a text",
        repeat: 0,
        data: &statistics,
    };
    let forth = random(words.len(), Seed(0), "a text", 0);
    let back = Order::Lerf.arrange(forth.clone());
    let copy = |pixels: &[f32], out: &mut [f32]| out.copy_from_slice(pixels);
    for id in ["uniform", "constant:value=0", "permute", "flip", "nearest", "inpaint"] {
        let spec = id.parse().unwrap();
        let fill = crate::base::registry::build("perturbation", PERTURBATIONS, &spec).unwrap();
        let fill = fill.value.fill(&site);
        for (order, stops) in [(&forth, &[1, 2, 3, 4, 5][..]), (&back, &[2, 3, 5])] {
            let steps = Steps { units: &words, order, stops };
            let chain = match &fill {
                Fill::Local(fill) => Chain::local(&text, fill, &steps),
                Fill::Masked(fill) => Chain::masked(&text, &**fill, &steps, copy),
                Fill::LeftOut => unreachable!("none of those above"),
            };
            let watch = Watch::new(1, &graph, ScoreKind::Softmax, true).unwrap();
            let full = curve(&FullPasses::new(&graph, &text, &watch), &chain, &watch).unwrap();
            let streams = Streams::new(&graph, graph.forward(&text), &watch, 1 << 20);
            let fast = curve(&streams, &chain, &watch).unwrap();
            assert_eq!((fast.scores, fast.all_logits), (full.scores, full.all_logits), "{id}");
        }
    }
}
