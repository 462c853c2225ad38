//! Made-up records for tests: every method finds a share of what is relevant.

use crate::run::gallery::{Exhibit, Map};
use crate::{
    base::{
        geom::Shape,
        rng::{KeyedRng, Seed, unit_f32},
    },
    eval::{curve::ScoreKind, order::Order},
    explain::HeatMap,
    nn::{head::Head, tensor::Tensor},
    run::{
        manifest::Manifest,
        record::{Row, Status},
    },
};

/// Methods with the share of the best possible fall that they reach.
pub(super) const METHODS: &[(&str, f32)] = &[
    ("random", 0.35),
    ("gradient", 0.42),
    ("sensitivity:norm=l2", 0.55),
    ("sensitivity:norm=linf", 0.54),
    ("gradient-x-input", 0.62),
    ("lrp-samek2017", 0.86),
    ("lrp-epsilon-plus-flat", 0.90),
    ("lrp-epsilon-alpha2-beta1-flat", 0.88),
];

/// A manifest of these records.
pub(super) fn manifest() -> Manifest {
    let manifest = serde_json::json!({
        "program": "pixelflip", "version": "0.1.0", "results_version": 6, "digest": "d",
        "results": null,
        "config": {"methods": ["random"], "region": 3, "seed": 0},
        "model": {
            "name": "a net", "digest": "m", "input": [3, 12, 12], "classes": 5, "parameters": 10,
            "multiply_adds": 100, "notes": [],
        },
        "data": {"name": "some pictures", "fingerprint": "f", "pictures": 4, "found": "pictures"},
        "protocol": {
            "side": 3, "grid": [4, 4], "regions": 16, "covered": 1.0, "steps": 10, "removed": 0.6,
            "selection": [], "part": 1,
        },
        "engine": [],
        "machine": {"cpu": "any"},
    });
    serde_json::from_value(manifest).unwrap()
}

/// One row per method, picture, repeat and order: curves that fall from about 12 towards 2.
pub(super) fn records(images: usize, repeats: u64, steps: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for image in 0..images {
        let name = format!("val/{image:04}.png");
        for (method, share) in METHODS {
            for repeat in 0..repeats {
                for order in Order::ALL {
                    let mut rng = Seed(1).rng(&format!("{method} {order}"), &name, &[repeat]);
                    rows.push(row(&name, method, order, repeat));
                    let last = rows.last_mut().expect("just pushed");
                    let start = 12.0 + (image * 7 % 11) as f32 / 3.0;
                    last.scores = Some(curve(&mut rng, start, *share, order, steps));
                }
            }
        }
    }
    rows
}

fn row(image: &str, method: &str, order: Order, repeat: u64) -> Row {
    Row {
        image: image.to_owned(),
        label: Some(0),
        predicted: Some(0),
        right: Some(true),
        target: Some(0),
        method: method.to_owned(),
        order,
        perturbation: "uniform".to_owned(),
        region: 9,
        repeat,
        seed: 0,
        score_kind: ScoreKind::Logit,
        scores: None,
        removed: None,
        all_logits: None,
        head: Head::Softmax,
        tied_fraction: (method != "random").then_some(0.0),
        macs: Some(1_000_000),
        status: Status::Ok,
        reason: None,
    }
}

fn curve(rng: &mut KeyedRng, start: f32, share: f32, order: Order, steps: usize) -> Vec<f32> {
    let speed = match order {
        Order::Morf => share * share,
        Order::Lerf => (1.0 - share) * 0.25,
    };
    let talent = 0.6 + 0.8 * unit_f32(rng);
    let mut wobble = 0.0;
    let mut at = |k: usize| {
        wobble = 0.9 * wobble + 0.3 * (unit_f32(rng) - 0.5);
        let fall = 1.0 - (-6.0 * speed * talent * k as f32 / steps as f32).exp();
        start - (start - 2.0) * fall + if k == 0 { 0.0 } else { wobble }
    };
    (0..=steps).map(&mut at).collect()
}

/// Pictures with heat maps of the methods above: the pictures of [`records`], 12x12 pixels in 16
/// regions of 3x3, of which one method gives nothing.
pub(super) fn exhibits(count: usize) -> Vec<Exhibit> {
    let shape = Shape::new(3, 12, 12);
    let whole = |v: f32| (v * 255.0).round() / 255.0;
    let exhibit = |i: usize| {
        let image = format!("val/{i:04}.png");
        let mut rng = Seed(2).rng("picture", &image, &[]);
        let mut noise = || (0..shape.len()).map(|_| whole(unit_f32(&mut rng))).collect();
        let (picture, fill) = (Tensor::new(shape, noise()), Tensor::new(shape, noise()));
        let map = |(k, (method, _)): (usize, &(&str, f32))| Map {
            method: (*method).to_owned(),
            heat: (k != 1).then(|| {
                let at = |(y, x): (usize, usize)| ((y * x + k) as f32).sin();
                HeatMap::from_shape_fn((12, 12), |p| half::bf16::from_f32(at(p)).to_f64())
            }),
            order: if k == 1 { vec![] } else { (0..16).map(|r| (r * 5 + k as u32) % 16).collect() },
            reason: (k == 1).then(|| "12 of 144 relevance values are not finite".to_owned()),
        };
        Exhibit {
            note: format!("predicted: class {i}, explained: class {i}, score 12.00"),
            picture,
            fill: Some(("uniform".to_owned(), fill)),
            text: None,
            maps: METHODS.iter().enumerate().map(map).collect(),
            image,
        }
    };
    (0..count).map(exhibit).collect()
}

/// Curves of two steps, of which the mean fall (AOPC) is given per method and picture; least relevant
/// regions first they fall by half of that, or twice as much where it is a rise.
pub(super) fn falls(images: usize, methods: &[(&str, &dyn Fn(usize) -> f32)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for image in 0..images {
        for (method, fall) in methods {
            for order in Order::ALL {
                let fall = match order {
                    Order::Morf => fall(image),
                    Order::Lerf if fall(image) < 0.0 => 2.0 * fall(image),
                    Order::Lerf => fall(image) / 2.0,
                };
                rows.push(row(&format!("val/{image:04}.png"), method, order, 0));
                let last = rows.last_mut().expect("just pushed");
                last.scores = Some(vec![8.0, 8.0 - 1.5 * fall, 8.0 - 1.5 * fall]);
            }
        }
    }
    rows
}
