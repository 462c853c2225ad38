//! Oracles on a linear model: the perfect map, a constant map, random maps.

use super::*;
use crate::{
    base::{
        registry::build,
        rng::{Seed, unit_f32},
    },
    explain::{ExplainError, Explainer},
    metric::{
        Direction,
        map::{Asked, Ground, Look, MAP_METRICS, Marks, MetricError},
    },
    nn::{graph::Graph, op::Dense},
};
use std::io;

const SHAPE: Shape = Shape::new(1, 24, 24);

/// Gives the same map for every case.
struct Fixed(HeatMap);

impl Explainer for Fixed {
    fn attribute(&self, _: &Case<'_>) -> Result<Tensor, ExplainError> {
        Ok(Tensor::new(SHAPE, self.0.iter().map(|v| *v as f32).collect()))
    }
}

/// Two classes with random weights, without a bias.
fn model() -> (Graph, Vec<f32>, Tensor) {
    model_with(1.0)
}

/// The same with the weights of the first class times `sign`.
fn model_with(sign: f32) -> (Graph, Vec<f32>, Tensor) {
    let mut rng = Seed(9).rng("model", "", &[]);
    let mut weight: Vec<f32> = (0..2 * SHAPE.len()).map(|_| unit_f32(&mut rng) - 0.5).collect();
    weight[..SHAPE.len()].iter_mut().for_each(|w| *w *= sign);
    let x = Tensor::new(SHAPE, (0..SHAPE.len()).map(|_| unit_f32(&mut rng)).collect());
    let mut graph = Graph::new(SHAPE);
    let dense = Dense::new(weight.clone(), 2, SHAPE, vec![]).unwrap();
    graph.push("dense", Box::new(dense), &[graph.input()]).unwrap();
    (graph, weight, x)
}

/// Gives another random map for every picture.
struct Fresh;

impl Explainer for Fresh {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let bits: Vec<u64> = case.input().data.iter().map(|v| v.to_bits().into()).collect();
        let mut rng = Seed(6).rng("map", "", &bits);
        Ok(Tensor::new(SHAPE, (0..SHAPE.len()).map(|_| unit_f32(&mut rng) - 0.5).collect()))
    }
}

/// The metric for a method's own map of the model's picture.
fn value(id: &str, explainer: &dyn Explainer) -> Result<f64, Undefined> {
    value_on(&model(), id, explainer)
}

fn value_on(
    (graph, _, x): &(Graph, Vec<f32>, Tensor),
    id: &str,
    explainer: &dyn Explainer,
) -> Result<f64, Undefined> {
    let acts = graph.forward(x);
    let logits = &acts.value(graph.output()).data;
    let target = usize::from(logits[1] > logits[0]);
    let (low, high) = ([0.0], [1.0]);
    let (seed, image) = (Seed(3), "a");
    let case = Case { graph, acts: &acts, target, low: &low, high: &high, seed, image };
    let metric = build("metric", MAP_METRICS, &id.parse().unwrap()).unwrap().value;
    let heat = explainer.heat_map(&case).unwrap();
    metric.value(&Look { heat: &heat, object: None, asked: Some(Asked { case: &case, explainer }) })
}

/// `w (x - mean)` is what replacing pixels by the mean takes away.
fn perfect() -> Fixed {
    let (graph, weight, x) = model();
    let logits = graph.logits(&x);
    let of = usize::from(logits[1] > logits[0]) * SHAPE.len();
    let mean = channel_means(&x)[0];
    let at = |(row, column)| {
        let i = row * SHAPE.w + column;
        f64::from(weight[of + i] * (x.data[i] - mean))
    };
    Fixed(HeatMap::from_shape_fn((SHAPE.h, SHAPE.w), at))
}

/// What replacing pixels takes away from the lead over the other class, and so from the probability.
fn perfect_for_the_lead() -> Fixed {
    let (graph, weight, x) = model();
    let logits = graph.logits(&x);
    let target = usize::from(logits[1] > logits[0]);
    let (own, other) = (target * SHAPE.len(), (1 - target) * SHAPE.len());
    let mean = channel_means(&x)[0];
    let at = |(row, column)| {
        let i = row * SHAPE.w + column;
        f64::from((weight[own + i] - weight[other + i]) * (x.data[i] - mean))
    };
    Fixed(HeatMap::from_shape_fn((SHAPE.h, SHAPE.w), at))
}

fn random() -> Fixed {
    let mut rng = Seed(5).rng("map", "", &[]);
    Fixed(HeatMap::from_shape_simple_fn((SHAPE.h, SHAPE.w), || f64::from(unit_f32(&mut rng)) - 0.5))
}

fn method(name: &str) -> Box<dyn Explainer> {
    crate::explain::method(&name.parse().unwrap(), |_| Err(io::Error::other("no file")))
        .unwrap()
        .value
}

/// Each metric with the best there can be on this model and with a map that knows nothing.
#[test]
fn the_best_map_beats_a_random_one_and_no_constant_map_beats_it() {
    let constant = Fixed(HeatMap::ones((SHAPE.h, SHAPE.w)));
    let fixed = |of: fn() -> Fixed| -> Box<dyn Explainer> { Box::new(of()) };
    let cases = [
        ("completeness-gap", method("gradient-x-input"), fixed(random)),
        ("random-logit", method("gradient"), fixed(random)),
        ("faithfulness-correlation:region=4", fixed(perfect), fixed(random)),
        ("sensitivity-n:region=4", fixed(perfect), fixed(random)),
        ("infidelity:region=4", fixed(perfect), fixed(random)),
        ("max-sensitivity", method("gradient"), Box::new(Fresh)),
        ("local-lipschitz", method("gradient"), Box::new(Fresh)),
        ("irof:segments=30", fixed(perfect_for_the_lead), fixed(random)),
        ("road", fixed(perfect_for_the_lead), fixed(random)),
        ("road:order=lerf", fixed(perfect_for_the_lead), fixed(random)),
        ("road:watch=probability", fixed(perfect_for_the_lead), fixed(random)),
        ("road:watch=probability:order=lerf", fixed(perfect_for_the_lead), fixed(random)),
        ("parameter-randomisation", method("gradient"), fixed(random)),
        (
            "parameter-randomisation:mode=independent:likeness=ssim",
            method("gradient"),
            fixed(random),
        ),
    ];
    for (spec, best, ignorant) in &cases {
        let metric = build("metric", MAP_METRICS, &spec.parse().unwrap()).unwrap().value;
        let merit = |explainer: &dyn Explainer| {
            let found = value(spec, explainer);
            let found = found.ok();
            assert!(found.is_none_or(|v| metric.range().holds(v)), "{spec}: {found:?}");
            let sign = if metric.direction() == Direction::Higher { 1.0 } else { -1.0 };
            found.map(|v| sign * v)
        };
        let (best, ignorant) = (merit(&**best).unwrap(), merit(&**ignorant).unwrap());
        assert!(best > ignorant, "{spec}: {best} > {ignorant}");
        assert!(merit(&constant).is_none_or(|merit| best >= merit), "{spec}");
    }
    let asking = MAP_METRICS.iter().filter(|e| value(e.id, &random()).is_ok()).filter(|e| {
        let metric = build("metric", MAP_METRICS, &e.id.parse().unwrap()).unwrap().value;
        metric.value(&Look { heat: &random().0, object: None, asked: None }).is_err()
    });
    for entry in asking {
        let tested = cases.iter().any(|(spec, ..)| spec.split(':').next() == Some(entry.id));
        assert!(tested, "`{}` needs a best map", entry.id);
    }
}

#[test]
fn the_perfect_map_says_exactly_how_far_the_score_falls() {
    for id in ["faithfulness-correlation:region=4", "sensitivity-n:region=4"] {
        let found = value(id, &perfect()).unwrap();
        assert!((found - 1.0).abs() < 1e-4, "{id}: {found}");
        // the correlation of 50 independent pairs: five standard errors of 1 / sqrt(49)
        assert!(value(id, &random()).unwrap().abs() < 5.0 / 7.0, "{id}");
    }
    let found = value("infidelity:region=4", &perfect()).unwrap();
    assert!(found < 1e-6, "{found}");
    assert!(value("infidelity:region=4", &random()).unwrap() > 0.3);
}

#[test]
fn a_constant_map_correlates_with_nothing() {
    let constant = Fixed(HeatMap::ones((SHAPE.h, SHAPE.w)));
    // 7 does not divide the 24 pixels: pieces of other sizes would have a correlation
    for id in ["faithfulness-correlation", "sensitivity-n"] {
        for region in [4, 7] {
            let found = value(&format!("{id}:region={region}"), &constant);
            assert_eq!(found, Err(Undefined::Constant), "{id}, {region}");
        }
    }
    assert!(value("infidelity:region=4", &constant).unwrap() <= 1.0);
    for id in ["random-logit", "parameter-randomisation:likeness=ssim"] {
        assert_eq!(value(id, &constant), Err(Undefined::Constant), "{id}");
    }
}

#[test]
fn superpixels_of_a_constant_map_go_by_chance_whatever_its_rounding() {
    let (graph, _, x) = model();
    let acts = graph.forward(&x);
    let (low, high) = ([0.0], [1.0]);
    let case = Case {
        graph: &graph,
        acts: &acts,
        target: 1,
        low: &low,
        high: &high,
        seed: Seed(3),
        image: "a",
    };
    let explainer = Fixed(HeatMap::ones((SHAPE.h, SHAPE.w)));
    let metric = build("metric", MAP_METRICS, &"irof:segments=30".parse().unwrap()).unwrap().value;
    let of = |v: f64| {
        let heat = HeatMap::from_elem((SHAPE.h, SHAPE.w), v);
        let asked = Some(Asked { case: &case, explainer: &explainer });
        metric.value(&Look { heat: &heat, object: None, asked }).unwrap()
    };
    // sums of 1 are exact, those of 0.1 are not
    for v in [0.1, 1e-30, -0.7] {
        assert_eq!(of(v).to_bits(), of(1.0).to_bits(), "{v}");
    }
}

#[test]
fn falls_are_those_of_full_passes_on_changed_pictures() {
    let (graph, _, x) = model();
    let acts = graph.forward(&x);
    let (low, high) = ([0.0], [1.0]);
    let (seed, image) = (Seed(3), "a");
    let case = Case { graph: &graph, acts: &acts, target: 1, low: &low, high: &high, seed, image };
    let all = squares(SHAPE, 7);
    assert_eq!(all.len(), 9, "three whole squares on each side; the rest is left alone");
    let sets = [vec![all[0], all[4]], vec![all[8]], vec![all[4], all[0]]];
    let found = falls(&case, ScoreKind::Logit, &sets).unwrap();
    let likely = falls(&case, ScoreKind::Softmax, &sets).unwrap();
    let share = |logits: &[f32]| {
        let [a, b] = [0, 1].map(|k| f64::from(logits[k]).exp());
        b / (a + b)
    };
    for ((set, found), likely) in sets.iter().zip(&found).zip(&likely) {
        let mut changed = x.clone();
        let mean = channel_means(&x);
        set.iter().for_each(|r| changed.write(*r, &vec![mean[0]; r.area()]));
        let expected = f64::from(graph.logits(&x)[1]) - f64::from(graph.logits(&changed)[1]);
        assert!((found - expected).abs() < 1e-5, "{found}, expected {expected}");
        let expected = share(&graph.logits(&x)) - share(&graph.logits(&changed));
        assert!((likely - expected).abs() < 1e-6, "{likely}, expected {expected}");
    }
    assert!((found[0] - found[2]).abs() < 1e-6, "pictures are put back between sets");
}

#[test]
fn a_map_that_ignores_the_picture_does_not_change_with_it() {
    for id in ["max-sensitivity", "local-lipschitz"] {
        assert_eq!(value(id, &random()), Ok(0.0), "{id}");
        let other = method("gradient-x-input");
        assert!(value(id, &*other).unwrap() > 0.0, "{id}");
    }
    // the map is w x, so it changes by w times the change: a mean of w^2, which is 1/12 on average over 576 draws
    // from -0.5 to 0.5, with a standard error of 0.0042 where the changes are uniform; five of them are allowed
    let found = value("local-lipschitz", &*method("gradient-x-input")).unwrap();
    assert!((found.powi(2) - 1.0 / 12.0).abs() < 5.0 * 0.0042, "{found}");
}

#[test]
fn gradient_times_input_of_a_linear_model_is_complete() {
    let found = value("completeness-gap", &*method("gradient-x-input")).unwrap();
    assert!(found < 1e-4, "{found}");
    assert!(value("completeness-gap", &random()).unwrap() > 0.05);
}

#[test]
fn a_method_with_a_reference_is_complete_when_it_sums_up_to_the_difference() {
    for name in [
        "integrated-gradients:baseline=white",
        "deep-lift:baseline=white",
        "kernel-shap:segments=4",
        "lrp-zero:start=one",
        "integrated-gradients:baseline=white:contrast=runner-up",
    ] {
        let found = value("completeness-gap", &*method(name)).unwrap();
        assert!(found < 1e-3, "{name}: {found}");
    }
}

#[test]
fn a_map_that_ignores_the_class_is_found_out() {
    let ignoring = value("random-logit", &random()).unwrap();
    assert!((ignoring - 1.0).abs() < 1e-12);
    // of two classes the other one is sure, and the gradients are the weights: their rank correlation, by counting
    let (_, weight, _) = model();
    let (a, b) = weight.split_at(SHAPE.len());
    let rank = |all: &[f32], v: f32| all.iter().filter(|w| **w < v).count() as f64;
    let apart = a.iter().zip(b).map(|(v, w)| (rank(a, *v) - rank(b, *w)).powi(2)).sum::<f64>();
    let n = SHAPE.len() as f64;
    let expected = 1.0 - 6.0 * apart / (n * (n * n - 1.0));
    let found = value("random-logit", &*method("gradient")).unwrap();
    assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
}

/// Two classes whose logits are `w x` and `-w x`.
fn opposite() -> (Graph, Vec<f32>, Tensor) {
    let (_, mut weight, x) = model();
    let (own, other) = weight.split_at_mut(SHAPE.len());
    own.iter().zip(other).for_each(|(own, other)| *other = -own);
    let mut graph = Graph::new(SHAPE);
    let dense = Dense::new(weight.clone(), 2, SHAPE, vec![]).unwrap();
    graph.push("dense", Box::new(dense), &[graph.input()]).unwrap();
    (graph, weight, x)
}

#[test]
fn equal_maps_have_equal_values_whatever_the_method_starts_from() {
    let models = [opposite(), model_with(-1.0)];
    for model in &models {
        let scores = model.0.logits(&model.2);
        assert!(scores[0] * scores[1] < 0.0, "{scores:?}");
        for id in
            ["random-logit", "parameter-randomisation", "parameter-randomisation:likeness=ssim"]
        {
            for relevance in ["signed", "absolute"] {
                let id = format!("{id}:relevance={relevance}");
                let of = |name: &str| value_on(model, &id, &*method(name)).unwrap();
                let (lrp, product) = (of("lrp-zero"), of("gradient-x-input"));
                assert!((lrp - product).abs() < 1e-4, "{id}: {lrp}, {product}");
            }
        }
    }
    // the map against is the map for with all signs turned
    let of = |id: &str| value_on(&models[0], id, &*method("gradient-x-input")).unwrap();
    assert!((of("random-logit") + 1.0).abs() < 1e-12);
    assert!((of("random-logit:relevance=absolute") - 1.0).abs() < 1e-12);
}

#[test]
fn removing_what_counts_removes_the_probability() {
    let good = value("irof:segments=30", &perfect()).unwrap();
    let chance = value("irof:segments=30", &random()).unwrap();
    let (_, _, x) = model();
    let worst = Fixed(perfect().0.mapv(|v| -v));
    let worst = value("irof:segments=30", &worst).unwrap();
    assert!(good > chance && chance > worst, "{good} {chance} {worst} {}", x.data.len());
}

#[test]
fn removing_a_share_of_the_pixels_asks_about_exactly_these() {
    // the score of class 0 is the sum of all pixels, that of class 1 is fixed at 20; every pixel is 0
    // but a row of ones, so that 24 is the score and 12 or fewer ones are not enough
    let mut graph = Graph::new(SHAPE);
    let weight = [vec![1.0; SHAPE.len()], vec![0.0; SHAPE.len()]].concat();
    let dense = Dense::new(weight, 2, SHAPE, vec![0.0, 20.0]).unwrap();
    graph.push("dense", Box::new(dense), &[graph.input()]).unwrap();
    let row = |i: usize| if i / SHAPE.w == 12 { 1.0 } else { 0.0 };
    let x = Tensor::new(SHAPE, (0..SHAPE.len()).map(row).collect());
    let acts = graph.forward(&x);
    let (low, high) = ([0.0], [1.0]);
    let (seed, image) = (Seed(3), "a");
    let case = Case { graph: &graph, acts: &acts, target: 0, low: &low, high: &high, seed, image };
    let truth =
        Fixed(HeatMap::from_shape_fn((SHAPE.h, SHAPE.w), |(y, x)| row(y * SHAPE.w + x).into()));
    let heat = &truth.0;
    let asked = Some(Asked { case: &case, explainer: &truth });
    let at = |spec: &str| {
        let metric = build("metric", MAP_METRICS, &spec.parse().unwrap()).unwrap().value;
        metric.value(&Look { heat, object: None, asked }).unwrap()
    };
    // a tenth are 58 pixels: all ones go first, or stay to the end
    assert_eq!(Some(at("road:percent=10:noise=0")), Some(0.0));
    assert_eq!(Some(at("road:percent=90:noise=0:order=lerf")), Some(1.0));
    assert_eq!(Some(at("road:noise=0")), Some(0.0));
    assert_eq!(Some(at("road:noise=0:order=lerf")), Some(1.0));
    // without the ones everything is 0, and nothing else can be imputed
    let lost = 1.0 / (1.0 + 20.0f64.exp());
    assert!((at("road:watch=probability:percent=10:noise=0") - lost).abs() < 1e-9);
    // the ones stay, and zeros beside them that are imputed only add to the score
    let kept = 1.0 / (1.0 + (-4.0f64).exp());
    let found = at("road:watch=probability:percent=10:noise=0:order=lerf");
    assert!(found > kept - 1e-6 && found < 1.0, "{found}, expected at least {kept}");
}

#[test]
fn equal_pixels_and_superpixels_go_in_an_order_of_the_picture_not_of_the_raster() {
    let constant = |v: f64| Fixed(HeatMap::from_elem((SHAPE.h, SHAPE.w), v));
    for spec in ["road:watch=probability", "irof:segments=30"] {
        let found = value(spec, &constant(1.0)).unwrap();
        assert_eq!(Ok(found), value(spec, &constant(2.0)), "{spec}: the same for all methods");
        let raster =
            Fixed(HeatMap::from_shape_fn((SHAPE.h, SHAPE.w), |(y, x)| -((y * SHAPE.w + x) as f64)));
        assert_ne!(Ok(found), value(spec, &raster), "{spec}");
    }
}

#[test]
fn a_map_that_ignores_the_weights_is_found_out() {
    for likeness in ["spearman", "ssim"] {
        for mode in ["cascading", "independent"] {
            let id = format!("parameter-randomisation:mode={mode}:likeness={likeness}");
            assert!((value(&id, &random()).unwrap() - 1.0).abs() < 1e-9, "{id}");
            // of 576 independent pairs: five standard errors of 1 / sqrt(575)
            assert!(value(&id, &*method("gradient")).unwrap().abs() < 5.0 / 575f64.sqrt(), "{id}");
        }
    }
    let one = value("parameter-randomisation:layer=dense", &random());
    assert!(one.is_ok());
    assert_eq!(one, value("parameter-randomisation:layer=0", &random()));
    let none = value("parameter-randomisation:layer=none", &random());
    assert_eq!(none, Err(Undefined::NoLayer));
}

#[test]
fn a_metric_for_each_layer_becomes_one_metric_per_layer() {
    let (graph, ..) = model();
    let built = |spec: &str| build("metric", MAP_METRICS, &spec.parse().unwrap()).unwrap().value;
    let on = ground(&graph, ScoreKind::Logit);
    let each = built("parameter-randomisation:likeness=ssim:layer=each").stands_for(&on);
    assert_eq!(each, Ok(vec![vec![("layer", "dense".to_owned())]]));
    assert_eq!(built("parameter-randomisation:layer=dense").stands_for(&on), Ok(vec![]));
    let unknown = built("parameter-randomisation:layer=dens").stands_for(&on).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "`parameter-randomisation`: the network has no layer `dens` with weights, did you mean `dense`?"
    );
}

#[test]
fn without_a_network_nothing_is_defined() {
    let heat = random().0;
    for entry in MAP_METRICS.iter().filter(|e| !e.params.is_empty() || e.id == "random-logit") {
        let metric = build("metric", MAP_METRICS, &entry.id.parse().unwrap()).unwrap().value;
        let look = Look { heat: &heat, object: None, asked: None };
        let found = metric.value(&look);
        let known = matches!(found, Ok(_) | Err(Undefined::NoNetwork | Undefined::NoObject { .. }));
        assert!(known, "{}: {found:?}", entry.id);
        assert!(entry.id == "effective-complexity" || found.is_err(), "{}", entry.id);
    }
}

fn ground(graph: &Graph, score: ScoreKind) -> Ground<'_> {
    Ground { graph, score, marks: Marks::default() }
}

#[test]
fn what_falls_is_what_the_curves_watch_unless_the_metric_says_otherwise() {
    let (graph, ..) = model();
    for id in ["faithfulness-correlation", "sensitivity-n", "infidelity"] {
        let built =
            |spec: &str| build("metric", MAP_METRICS, &spec.parse().unwrap()).unwrap().value;
        for score in ScoreKind::ALL {
            let found = built(id).stands_for(&ground(&graph, score));
            assert_eq!(found, Ok(vec![vec![("score", score.name().to_owned())]]), "{id}");
            let given = built(&format!("{id}:score={score}"));
            assert_eq!(given.stands_for(&ground(&graph, ScoreKind::Logit)), Ok(vec![]));
        }
    }
    // the probability falls with the lead over the other class
    let of = |score: &str, map: Fixed| {
        value(&format!("faithfulness-correlation:region=4:score={score}"), &map).unwrap()
    };
    assert!(of("softmax", perfect_for_the_lead()) > of("softmax", perfect()));
    assert!(of("logit", perfect()) > of("logit", perfect_for_the_lead()));
}

#[test]
fn squares_of_which_there_are_too_few_are_refused() {
    let (graph, ..) = model();
    for id in ["faithfulness-correlation", "sensitivity-n", "infidelity"] {
        let with = |region: usize| {
            let spec = format!("{id}:region={region}").parse().unwrap();
            let metric = build("metric", MAP_METRICS, &spec).unwrap().value;
            metric.stands_for(&ground(&graph, ScoreKind::Logit))
        };
        assert!(with(12).is_ok(), "{id}: four squares");
        for (region, squares) in [(13, 1), (24, 1), (25, 0), (1024, 0)] {
            let (metric, height, width, least) = (id, SHAPE.h, SHAPE.w, 3);
            let enough = 12;
            let few =
                MetricError::Squares { metric, region, height, width, squares, least, enough };
            assert_eq!(with(region), Err(few));
            let found = value(&format!("{id}:region={region}"), &random());
            assert_eq!(found, Err(Undefined::TooSmall));
        }
    }
}

/// Three channels and two classes without a bias, so that the gradient says all.
fn coloured() -> (Graph, Vec<f32>, Tensor) {
    let shape = Shape::new(3, 24, 24);
    let mut rng = Seed(11).rng("model", "", &[]);
    let mut draws = |n: usize| (0..n).map(|_| unit_f32(&mut rng) - 0.5).collect::<Vec<f32>>();
    let (weight, x) = (draws(2 * shape.len()), Tensor::new(shape, draws(shape.len())));
    let mut graph = Graph::new(shape);
    let dense = Dense::new(weight.clone(), 2, shape, vec![]).unwrap();
    graph.push("dense", Box::new(dense), &[graph.input()]).unwrap();
    (graph, weight, x)
}

/// Infidelity written out: nothing but loops over pixels, channels and full passes.
fn slow_infidelity(
    (graph, _, x): &(Graph, Vec<f32>, Tensor),
    says: impl Fn(usize, usize, f64) -> f64,
) -> f64 {
    let (side, count) = (4, 36);
    let logits = graph.logits(x);
    let target = usize::from(logits[1] > logits[0]);
    let acts = graph.forward(x);
    let (low, high) = ([0.0; 3], [1.0; 3]);
    let (graph, acts, seed, image) = (graph, &acts, Seed(3), "a");
    let case = Case { graph, acts, target, low: &low, high: &high, seed, image };
    let c = x.shape.c;
    let mean = |k: usize| {
        let all = x.data.iter().skip(k).step_by(c).map(|v| f64::from(*v));
        all.sum::<f64>() / (x.data.len() / c) as f64
    };
    let (mut rr, mut rd, mut dd) = (0.0, 0.0, 0.0);
    for draw in 0..50 {
        let mut changed = x.clone();
        let mut r = 0.0;
        for at in choose(&case, "sets of squares", draw, count, count / 8) {
            for pixel in 0..side * side {
                let (row, column) = (at / 6 * side + pixel / side, at % 6 * side + pixel % side);
                let place = row * x.shape.w + column;
                for k in 0..c {
                    r += says(place, k, f64::from(x.data[place * c + k]) - mean(k));
                    changed.data[place * c + k] = mean(k) as f32;
                }
            }
        }
        let d = f64::from(logits[target]) - f64::from(graph.logits(&changed)[target]);
        (rr, rd, dd) = (rr + r * r, rd + r * d, dd + d * d);
    }
    let b = (rd / rr).max(0.0);
    (b * b * rr - 2.0 * b * rd + dd) / dd
}

#[test]
fn infidelity_multiplies_maps_that_do_not_hold_the_input_by_what_is_removed() {
    let model = coloured();
    let (graph, weight, x) = (&model.0, &model.1, &model.2);
    let logits = graph.logits(x);
    let own = usize::from(logits[1] > logits[0]) * x.shape.len();
    // weights are channel by channel
    let g = |place: usize, k: usize| f64::from(weight[own + k * 576 + place]);
    let of = |id: &str, name: &str| value_on(&model, id, &*method(name)).unwrap();
    let id = "infidelity:region=4";
    // eq. 1 is exact for the gradient of a linear model
    assert!(of(id, "gradient") < 1e-9, "{}", of(id, "gradient"));
    assert!(of(id, "smoothgrad:samples=2") < 1e-9);
    let close = |found: f64, expected: f64, what: &str| {
        assert!((found - expected).abs() < 1e-5, "{what}: {found}, expected {expected}");
    };
    let norm = |place| (0..3).map(|k| g(place, k).powi(2)).sum::<f64>().sqrt();
    let slow = slow_infidelity(&model, |place, _, removed| removed * norm(place));
    close(of(id, "sensitivity:norm=l2"), slow, "a norm speaks for each channel");
    let held = |place: usize, k: usize| f64::from(x.data[place * 3 + k]) * g(place, k);
    let slow = slow_infidelity(&model, |place, k, _| held(place, k));
    close(of(id, "gradient-x-input"), slow, "a map that holds the input");
    close(of(id, "lrp-zero"), slow, "the same map");
    let slow = slow_infidelity(&model, |place, k, _| g(place, k));
    close(of(&format!("{id}:times-input=no"), "gradient"), slow, "as it is, if that is wanted");
    // the factor may not turn the sign
    close(
        of(id, "gradient:contrast=runner-up"),
        {
            let other = x.shape.len() - own;
            let lead =
                |place: usize, k: usize| g(place, k) - f64::from(weight[other + k * 576 + place]);
            slow_infidelity(&model, |place, k, removed| removed * lead(place, k))
        },
        "wrappers hold the input as what they wrap",
    );
}

#[test]
fn a_map_of_the_wrong_sign_explains_nothing() {
    let wrong = Fixed(perfect().0.mapv(|v| -v));
    assert_eq!(value("infidelity:region=4", &wrong), Ok(1.0));
    assert!(value("infidelity:region=4", &perfect()).unwrap() < 1e-6);
}

#[test]
fn no_scale_of_a_map_changes_what_it_says_of_falls() {
    for id in ["faithfulness-correlation", "sensitivity-n", "infidelity"] {
        let of = |scale: f64| {
            let map = Fixed(random().0.mapv(|v| scale * v));
            value(&format!("{id}:region=4"), &map).unwrap()
        };
        for scale in [2.0f64.powi(-100), 2.0f64.powi(100)] {
            assert!((of(1.0) - of(scale)).abs() < 1e-12, "{id}");
        }
    }
}

/// What the total should be, from full passes alone.
#[test]
fn the_total_is_that_of_the_whole_method() {
    let model = model();
    let (graph, _, x) = &model;
    let logits: Vec<f64> = graph.logits(x).iter().map(|v| f64::from(*v)).collect();
    let target = usize::from(logits[1] > logits[0]);
    let at = |x: &Tensor| f64::from(graph.logits(x)[target]);
    let grey = x.map(|_| 0.5);
    // the picture one pixel further down and right (or the other way), its edges repeated
    let moved = |dy: usize, dx: usize| {
        let source = |k: usize, by: usize, n: usize| (k + 1).saturating_sub(by).min(n - 1);
        let pixel = |i: usize| {
            let (row, column) = (i / SHAPE.w, i % SHAPE.w);
            x.data[source(row, dy, SHAPE.h) * SHAPE.w + source(column, dx, SHAPE.w)]
        };
        Tensor::new(SHAPE, (0..SHAPE.len()).map(pixel).collect())
    };
    let mean = (0..9).map(|i| at(&moved(i / 3, i % 3))).sum::<f64>() / 9.0;
    let expected = [
        ("gradient-x-input", logits[target]),
        ("gradient-x-input:contrast=runner-up", logits[target] - logits[1 - target]),
        ("gradient-x-input:translate=1", mean),
        ("simple-taylor:root=reference", logits[target] - at(&grey)),
        ("integrated-gradients:baseline=grey", logits[target] - at(&grey)),
        ("integrated-gradients:baseline=grey:translate=1", mean - at(&grey)),
        ("deep-lift:baseline=grey:translate=1", mean - at(&grey)),
        ("lrp-zero", logits[target]),
        ("lrp-zero:start=one", 1.0),
        ("lrp-zero:start=one:translate=1", 1.0),
        ("lrp-zero:start=one:contrast=runner-up", 0.0),
        ("lrp-zero:start=contrast", logits[target] - logits[1 - target]),
        ("random", logits[target]),
    ];
    let acts = graph.forward(x);
    let (low, high) = ([0.0], [1.0]);
    let (acts, seed, image) = (&acts, Seed(3), "a");
    let case = Case { graph, acts, target, low: &low, high: &high, seed, image };
    for (name, expected) in expected {
        let method = method(name);
        let found = method.total(&case).unwrap().unwrap().value;
        assert!((found - expected).abs() < 1e-4, "{name}: {found}, expected {expected}");
        let sum: f64 = method.heat_map(&case).unwrap().sum();
        let gap = value("completeness-gap", &*method);
        if expected == 0.0 {
            assert_eq!(gap, Err(Undefined::ZeroTotal), "{name}");
        } else {
            let expected = (expected - sum).abs() / expected.abs();
            assert!((gap.unwrap() - expected).abs() < 1e-4, "{name}");
        }
    }
    // exact for a linear model without a bias
    for name in ["gradient-x-input:contrast=runner-up", "simple-taylor:root=reference"] {
        let gap = value("completeness-gap", &*method(name)).unwrap();
        assert!(gap < 1e-4, "{name}: {gap}");
    }
}
