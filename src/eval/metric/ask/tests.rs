//! Oracles on a linear model: the perfect map, a constant map, random maps.

use super::*;
use crate::{
    base::{
        registry::build,
        rng::{Seed, unit_f32},
    },
    eval::metric::{
        Direction,
        map::{Asked, Look, MAP_METRICS},
    },
    explain::{ExplainError, Explainer},
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
fn value(id: &str, explainer: &dyn Explainer) -> Option<f64> {
    value_on(&model(), id, explainer)
}

fn value_on(
    (graph, _, x): &(Graph, Vec<f32>, Tensor),
    id: &str,
    explainer: &dyn Explainer,
) -> Option<f64> {
    let acts = graph.forward(x);
    let logits = &acts.of(graph.output()).data;
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
            assert!(found.is_none_or(|v| metric.range().holds(v)), "{spec}: {found:?}");
            let sign = if metric.direction() == Direction::Higher { 1.0 } else { -1.0 };
            found.map(|v| sign * v)
        };
        let (best, ignorant) = (merit(&**best).unwrap(), merit(&**ignorant).unwrap());
        assert!(best > ignorant, "{spec}: {best} > {ignorant}");
        assert!(merit(&constant).is_none_or(|merit| best >= merit), "{spec}");
    }
    let asking = MAP_METRICS.iter().filter(|e| value(e.id, &random()).is_some()).filter(|e| {
        let metric = build("metric", MAP_METRICS, &e.id.parse().unwrap()).unwrap().value;
        metric.value(&Look { heat: &random().0, object: None, asked: None }).is_none()
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
        assert!(value(id, &random()).unwrap() < 0.7, "{id}");
    }
    let found = value("infidelity:region=4", &perfect()).unwrap();
    assert!(found < 1e-6, "{found}");
    assert!(value("infidelity:region=4", &random()).unwrap() > 0.3);
}

#[test]
fn a_constant_map_correlates_with_nothing() {
    let constant = Fixed(HeatMap::ones((SHAPE.h, SHAPE.w)));
    assert_eq!(value("faithfulness-correlation:region=4", &constant), None);
    assert_eq!(value("sensitivity-n:region=4", &constant), None);
    assert!(value("infidelity:region=4", &constant).unwrap() <= 1.0);
    assert_eq!(value("random-logit", &constant), None);
}

#[test]
fn falls_are_those_of_full_passes_on_changed_pictures() {
    let (graph, _, x) = model();
    let acts = graph.forward(&x);
    let (low, high) = ([0.0], [1.0]);
    let (seed, image) = (Seed(3), "a");
    let case = Case { graph: &graph, acts: &acts, target: 1, low: &low, high: &high, seed, image };
    let all = squares(SHAPE, 9);
    assert_eq!(all.len(), 9, "two whole squares and a rest on each side");
    let sets = [vec![all[0], all[4]], vec![all[8]], vec![all[4], all[0]]];
    let found = falls(&case, &sets);
    for (set, found) in sets.iter().zip(&found) {
        let mut changed = x.clone();
        let mean = channel_means(&x);
        set.iter().for_each(|r| changed.write(*r, &vec![mean[0]; r.area()]));
        let expected = f64::from(graph.logits(&x)[1]) - f64::from(graph.logits(&changed)[1]);
        assert!((found - expected).abs() < 1e-5, "{found}, expected {expected}");
    }
    assert!((found[0] - found[2]).abs() < 1e-6, "pictures are put back between sets");
}

#[test]
fn a_map_that_ignores_the_picture_does_not_change_with_it() {
    for id in ["max-sensitivity", "local-lipschitz"] {
        assert_eq!(value(id, &random()), Some(0.0), "{id}");
        let other = method("gradient-x-input");
        assert!(value(id, &*other).unwrap() > 0.0, "{id}");
    }
    // the map is w x, so it changes by w times the change
    let found = value("local-lipschitz", &*method("gradient-x-input")).unwrap();
    assert!(found > 0.1 && found < 0.5, "{found}: weights are at most 0.5");
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
    assert!(value("random-logit", &*method("gradient")).unwrap().abs() < 0.2);
}

#[test]
fn a_negative_score_does_not_make_a_map_unlike() {
    let model = model_with(-1.0);
    let scores = model.0.logits(&model.2);
    assert!(scores[0] > 0.0 && scores[1] < 0.0, "{scores:?}");
    for id in ["random-logit", "parameter-randomisation", "parameter-randomisation:likeness=ssim"] {
        let of = |name: &str| value_on(&model, id, &*method(name)).unwrap();
        let (score, one) = (of("lrp-zero"), of("lrp-zero:start=one"));
        assert!((score - one).abs() < 1e-5, "{id}: {score} from the score, {one} from 1");
    }
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
        assert_eq!(Some(found), value(spec, &constant(0.0)), "{spec}: the same for all methods");
        let raster =
            Fixed(HeatMap::from_shape_fn((SHAPE.h, SHAPE.w), |(y, x)| -((y * SHAPE.w + x) as f64)));
        assert_ne!(Some(found), value(spec, &raster), "{spec}");
    }
}

#[test]
fn a_map_that_ignores_the_weights_is_found_out() {
    for likeness in ["spearman", "ssim"] {
        for mode in ["cascading", "independent"] {
            let id = format!("parameter-randomisation:mode={mode}:likeness={likeness}");
            assert!((value(&id, &random()).unwrap() - 1.0).abs() < 1e-9, "{id}");
            assert!(value(&id, &*method("gradient")).unwrap().abs() < 0.2, "{id}");
        }
    }
    let one = value("parameter-randomisation:layer=dense", &random());
    assert!(one.is_some());
    assert_eq!(one, value("parameter-randomisation:layer=0", &random()));
    assert_eq!(value("parameter-randomisation:layer=none", &random()), None);
}

#[test]
fn a_metric_for_each_layer_becomes_one_metric_per_layer() {
    let (graph, ..) = model();
    let built = |spec: &str| build("metric", MAP_METRICS, &spec.parse().unwrap()).unwrap().value;
    let each = built("parameter-randomisation:likeness=ssim:layer=each").stands_for(&graph);
    let names: Vec<String> = each.unwrap().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["parameter-randomisation:layer=dense:likeness=ssim:mode=cascading"]);
    assert_eq!(built(&names[0]).stands_for(&graph), Ok(None));
    let unknown = built("parameter-randomisation:layer=dens").stands_for(&graph).unwrap_err();
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
        if entry.id != "effective-complexity" {
            assert_eq!(metric.value(&look), None, "{}", entry.id);
        }
        assert!(matches!(metric.direction(), Direction::Higher | Direction::Lower));
    }
}
