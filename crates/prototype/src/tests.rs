//! What holds for all priors and optimisers, and climbs whose end is known.

use crate::{
    ascent::{Ascent, AscentError, Keep, Path},
    base::{
        geom::Shape,
        registry::{Entry, Named, build},
        rng::Seed,
    },
    lens::Lens,
    nn::{graph::Graph, tensor::Tensor},
    objective::{self, OBJECTIVES},
    optimiser::{OPTIMISERS, Optimiser},
    prior::{Bound, Domain, Examples as _, PRIORS, Prior},
    start::noisy,
    testing::{Some as Pictures, linear, numbers, rectified, site},
};

const SHAPE: Shape = Shape::new(3, 7, 6);

fn prior(text: &str) -> Named<dyn Prior> {
    build("prior", PRIORS, &text.parse().unwrap()).unwrap()
}

fn optimiser(text: &str) -> Named<dyn Optimiser> {
    build("optimiser", OPTIMISERS, &text.parse().unwrap()).unwrap()
}

fn bound(text: &str, zero: &Tensor) -> (Domain, Box<dyn Bound>) {
    let prior = prior(text).value;
    (prior.place(), prior.bind(&site(zero, &Pictures(zero.shape))).unwrap())
}

fn names<T: ?Sized>(table: &[Entry<T>]) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.iter().map(|entry| (entry.id, entry.cite))
}

#[test]
fn every_citation_is_in_the_list_of_references() {
    let list = include_str!("../../../docs/references.bib");
    let all = names(OBJECTIVES).chain(names(PRIORS)).chain(names(OPTIMISERS));
    for (id, cite) in all {
        assert!(list.contains(&format!("{{{cite},")), "{id} cites {cite}");
    }
}

#[test]
fn every_entry_is_explained_on_the_page() {
    let page = include_str!("../../../docs/prototypes.md");
    let all = names(OBJECTIVES).chain(names(PRIORS)).chain(names(OPTIMISERS));
    for (id, _) in all {
        assert!(page.contains(&format!("| `{id}")), "docs/prototypes.md has no row for `{id}`");
    }
}

#[test]
fn every_default_prints_canonically() {
    for (id, _) in names(PRIORS) {
        let name = prior(id).name;
        assert_eq!(prior(&name).name, name);
    }
    for (id, _) in names(OPTIMISERS) {
        let name = optimiser(id).name;
        assert_eq!(optimiser(&name).name, name);
    }
}

#[test]
fn the_gradient_of_every_penalty_is_what_differences_say() {
    let zero = Tensor::new(SHAPE, vec![0.25; SHAPE.len()]);
    let x = Tensor::new(SHAPE, numbers(SHAPE.len(), 90).iter().map(|v| 0.5 + 0.4 * v).collect());
    let more = [
        "total-variation:beta=1.5",
        "patch-prior:side=3:stride=1:patches=7",
        "expert:components=3",
    ];
    let mut with_penalty = vec![];
    for text in names(PRIORS).map(|(id, _)| id).chain(more) {
        let prior = bound(text, &zero).1;
        let Some((value, gradient)) = prior.penalty(&x) else { continue };
        with_penalty.push(text);
        assert!(value.is_finite(), "{text}");
        let value = |x: &Tensor| prior.penalty(x).unwrap().0;
        let scale = gradient.data.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        for i in (0..SHAPE.len()).step_by(5) {
            let moved = |by: f32| {
                let mut moved = x.clone();
                moved.data[i] += by;
                (f64::from(moved.data[i]), value(&moved))
            };
            // a step of 2^-10: what is no square has an error of its square
            let (up, down) = (moved(1.0 / 1024.0), moved(-1.0 / 1024.0));
            let slope = (up.1 - down.1) / (up.0 - down.0);
            let error = (slope - f64::from(gradient.data[i])).abs();
            assert!(
                error < 1e-3 * f64::from(scale),
                "{text} {i}: {slope} and {}",
                gradient.data[i]
            );
        }
    }
    assert_eq!(with_penalty[..4], ["l2", "total-variation", "patch-prior", "expert"]);
}

#[test]
fn a_blank_picture_costs_nothing_and_stays() {
    let zero = Tensor::new(SHAPE, vec![0.25; SHAPE.len()]);
    for text in ["l2", "total-variation"] {
        assert!(bound(text, &zero).1.penalty(&zero).unwrap().0.abs() < 1e-12, "{text}");
    }
    for text in ["decay", "blur", "clip-small-norm:percent=100"] {
        let mut x = zero.clone();
        bound(text, &zero).1.after(&mut x, 4);
        assert_eq!(x, zero, "{text}");
    }
    let mut x = zero.map(|v| v + 0.5);
    bound("decay:rate=0.5", &zero).1.after(&mut x, 1);
    assert!((x.data[0] - 0.5).abs() < 1e-6);
}

#[test]
fn patches_of_a_picture_of_the_set_cost_nothing() {
    // as large as the pictures, so every known patch is a picture
    let zero = Tensor::zeros(Shape::new(1, 4, 4));
    let prior = bound("patch-prior:side=4:patches=200", &zero).1;
    let pictures = Pictures(zero.shape);
    for picture in pictures.of_class(None).unwrap() {
        assert!(prior.penalty(&picture).unwrap().0 < 1e-12);
    }
    assert!(prior.penalty(&zero).unwrap().0 > 0.0);
}

#[test]
fn gradients_count_most_in_the_middle() {
    let zero = Tensor::zeros(Shape::new(1, 5, 5));
    let mut up = zero.map(|_| 1.0);
    bound("centre-bias", &zero).1.bend(&mut up);
    assert_eq!(up.pixel(2, 2), [1.0]);
    assert!(up.pixel(2, 1)[0] > up.pixel(1, 1)[0] && up.pixel(1, 1)[0] > up.pixel(0, 0)[0]);
}

#[test]
fn trembling_depends_on_seed_class_restart_and_step_only() {
    let zero = Tensor::zeros(SHAPE);
    let one = bound("jitter:pixels=3", &zero).1;
    let other = bound("jitter:pixels=3", &zero).1;
    let shifts: Vec<(isize, isize)> = (0..40).map(|step| one.shift(step)).collect();
    assert!(shifts.iter().enumerate().all(|(step, shift)| other.shift(step) == *shift));
    assert!(shifts.iter().all(|(a, b)| a.abs() <= 3 && b.abs() <= 3));
    assert!(shifts.iter().any(|s| s.0 == 3) && shifts.iter().any(|s| s.1 == -3));
}

/// A climb of a class without a preprocessing.
fn climbed(
    graph: &Graph,
    objective: &str,
    priors: &[&str],
    by: &str,
    steps: usize,
    keep: Keep,
) -> Result<Path, AscentError> {
    let objective = objective::parse(objective).unwrap();
    let net = objective.value.net(graph).unwrap();
    let lens = Lens::none(graph.input_shape());
    let zero = lens.blank();
    let priors: Vec<_> = priors.iter().map(|text| bound(text, &zero)).collect();
    let optimiser = optimiser(by);
    let ascent = Ascent {
        net: &net,
        objective: &*objective.value,
        class: Some(1),
        lens: &lens,
        generator: None,
        priors: &priors,
        optimiser: &*optimiser.value,
        steps,
        keep,
    };
    ascent.climb(&noisy(&zero, 0.1, Seed(0), (Some(1), 0), None), &|| false)
}

/// Where `log softmax_1(W x + b) - lambda |x|^2` is largest, by Newton's method in double precision.
fn newton(graph: &Graph, lambda: f64) -> Vec<f64> {
    let basis = |i: usize| {
        let mut x = Tensor::zeros(graph.input_shape());
        x.data[i] = 1.0;
        x
    };
    let wide = |v: Vec<f32>| v.into_iter().map(f64::from).collect::<Vec<_>>();
    let b = wide(graph.logits(&Tensor::zeros(graph.input_shape())));
    let columns: Vec<Vec<f64>> = (0..4)
        .map(|i| wide(graph.logits(&basis(i))).iter().zip(&b).map(|(z, b)| z - b).collect())
        .collect();
    let mut x = vec![0.0; 4];
    for _ in 0..50 {
        let z: Vec<f64> =
            (0..3).map(|k| b[k] + (0..4).map(|i| columns[i][k] * x[i]).sum::<f64>()).collect();
        let sum: f64 = z.iter().map(|z| z.exp()).sum();
        let p: Vec<f64> = z.iter().map(|z| z.exp() / sum).collect();
        let mean = |i: usize| (0..3).map(|k| p[k] * columns[i][k]).sum::<f64>();
        // gradient, and minus the Hessian: the covariance of the weights plus 2 lambda
        let g: Vec<f64> = (0..4).map(|i| columns[i][1] - mean(i) - 2.0 * lambda * x[i]).collect();
        let mut rows: Vec<Vec<f64>> = (0..4)
            .map(|i| {
                let second =
                    |j: usize| (0..3).map(|k| p[k] * columns[i][k] * columns[j][k]).sum::<f64>();
                let own = |j: usize| {
                    second(j) - mean(i) * mean(j) + if i == j { 2.0 * lambda } else { 0.0 }
                };
                (0..4).map(own).chain([g[i]]).collect()
            })
            .collect();
        for i in 0..4 {
            for j in (0..4).filter(|j| *j != i) {
                let factor = rows[j][i] / rows[i][i];
                let pivot = rows[i].clone();
                rows[j].iter_mut().zip(pivot).for_each(|(v, p)| *v -= factor * p);
            }
        }
        x.iter_mut().enumerate().for_each(|(i, x)| *x += rows[i][4] / rows[i][i]);
    }
    x
}

#[test]
fn every_optimiser_reaches_the_optimum_that_newton_finds() {
    let graph = linear();
    let expected = newton(&graph, 0.05);
    assert!(expected.iter().any(|v| v.abs() > 0.5), "far from the start: {expected:?}");
    let ways = [
        "gradient:step=0.05:end=0.00001",
        "gradient:step=1:end=1:per=none",
        "gradient:step=0.2:end=0.00001:per=length",
        "adam:step=0.05:end=0.00001",
    ];
    assert!(names(OPTIMISERS).all(|(id, _)| ways.iter().any(|way| way.starts_with(id))));
    for way in ways {
        let path = climbed(&graph, "log-p", &["l2:weight=0.05"], way, 2000, Keep::Last).unwrap();
        for (found, expected) in path.climbed.data.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{way}: {found} and {expected}");
        }
        assert_eq!((path.points.len(), path.kept), (2001, 2000));
    }
}

#[test]
fn the_best_point_is_kept_where_that_is_asked_for() {
    // steps that are too long overshoot again and again
    let wild = "gradient:step=3:end=3";
    let path = climbed(&linear(), "log-p", &["l2:weight=0.05"], wild, 50, Keep::Best).unwrap();
    let totals: Vec<f64> = path.points.iter().map(crate::ascent::Point::total).collect();
    assert!(totals.iter().all(|t| *t <= totals[path.kept]) && path.kept < 50);
    let last = climbed(&linear(), "log-p", &["l2:weight=0.05"], wild, 50, Keep::Last).unwrap();
    assert_eq!((last.kept, last.points), (50, path.points));
}

#[test]
fn climbs_that_go_nowhere_or_to_infinity_say_so() {
    let flat =
        climbed(&rectified(), "logit:rectifier=kept", &["l2:weight=1"], "gradient", 5, Keep::Last);
    // all weights are positive and the start is around 0, so some pixel is above
    assert!(flat.is_ok());
    let mut constant = Graph::new(Shape::new(1, 2, 2));
    let zeros =
        crate::nn::op::Dense::new(vec![0.0; 8], 2, constant.input_shape(), vec![1.0, 2.0]).unwrap();
    constant.push("fc", Box::new(zeros), &[constant.input()]).unwrap();
    let error = climbed(&constant, "logit", &["l2"], "gradient", 5, Keep::Last).unwrap_err();
    assert_eq!(error, AscentError::Flat);
    let error = climbed(
        &linear(),
        "logit",
        &["l2:weight=10"],
        "gradient:step=1e30:end=1e30:per=none",
        50,
        Keep::Last,
    );
    insta::assert_snapshot!(
        [AscentError::Flat, error.unwrap_err()].map(|e| e.to_string()).join("\n")
    );
}
