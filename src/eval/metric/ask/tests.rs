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
    explain::{EXPLAINERS, ExplainError, Explainer},
    nn::{graph::Graph, op::Dense},
};

const SHAPE: Shape = Shape::new(1, 24, 24);

/// Gives the same map for every case.
struct Fixed(HeatMap);

impl Explainer for Fixed {
    fn attribute(&self, _: &Case<'_>) -> Result<Tensor, ExplainError> {
        Ok(Tensor::new(SHAPE, self.0.iter().copied().collect()))
    }
}

/// Two classes with random weights, without a bias.
fn model() -> (Graph, Vec<f32>, Tensor) {
    let mut rng = Seed(9).rng("model", "", &[]);
    let weight: Vec<f32> = (0..2 * SHAPE.len()).map(|_| unit_f32(&mut rng) - 0.5).collect();
    let x = Tensor::new(SHAPE, (0..SHAPE.len()).map(|_| unit_f32(&mut rng)).collect());
    let mut graph = Graph::new(SHAPE);
    let dense = Dense::new(weight.clone(), 2, SHAPE, vec![]).unwrap();
    graph.push("dense", Box::new(dense), &[graph.input()]).unwrap();
    (graph, weight, x)
}

/// The metric for a method's own map of the model's picture.
fn value(id: &str, explainer: &dyn Explainer) -> Option<f64> {
    let (graph, _, x) = model();
    let acts = graph.forward(&x);
    let logits = &acts.of(graph.output()).data;
    let target = usize::from(logits[1] > logits[0]);
    let (low, high) = ([0.0], [1.0]);
    let (seed, image) = (Seed(3), "a");
    let case = Case { graph: &graph, acts: &acts, target, low: &low, high: &high, seed, image };
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
        weight[of + i] * (x.data[i] - mean)
    };
    Fixed(HeatMap::from_shape_fn((SHAPE.h, SHAPE.w), at))
}

fn random() -> Fixed {
    let mut rng = Seed(5).rng("map", "", &[]);
    Fixed(HeatMap::from_shape_simple_fn((SHAPE.h, SHAPE.w), || unit_f32(&mut rng) - 0.5))
}

fn method(name: &str) -> Box<dyn Explainer> {
    build("method", EXPLAINERS, &name.parse().unwrap()).unwrap().value
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
fn a_map_that_ignores_the_class_is_found_out() {
    let ignoring = value("random-logit", &random()).unwrap();
    assert!((ignoring - 1.0).abs() < 1e-12);
    assert!(value("random-logit", &*method("gradient")).unwrap().abs() < 0.2);
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
    assert_eq!(value("parameter-randomisation:layer=none", &random()), None);
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
