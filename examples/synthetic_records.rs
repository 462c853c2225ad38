//! Writes made-up records as a large run would leave them, to measure what reads them.
//!
//! `cargo run --release --example synthetic_records -- FOLDER IMAGES METHODS REPEATS STEPS` writes
//! `FOLDER/curves/part-*.parquet` and `FOLDER/timings.parquet` with both orders: IMAGES x METHODS x
//! REPEATS x 2 curves of STEPS + 1 points.

use pixelflip::{
    base::rng::{KeyedRng, Seed, unit_f32},
    eval::{curve::ScoreKind, order::Order},
    nn::head::Head,
    run::record::{Row, Status, Timing},
    table::record::Record,
};
use rayon::prelude::*;
use std::{error::Error, fs, path::Path};

/// Curves of one file, as in real runs.
const CURVES_PER_PART: usize = 480;

/// What is written of each picture.
#[derive(Clone, Copy)]
struct Size {
    methods: usize,
    repeats: usize,
    steps: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: synthetic_records FOLDER IMAGES METHODS REPEATS STEPS";
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, numbers @ ..] = args.as_slice() else { return Err(usage.into()) };
    let numbers = numbers.iter().map(|n| n.parse()).collect::<Result<Vec<usize>, _>>()?;
    let [images, methods, repeats, steps] = numbers[..] else { return Err(usage.into()) };
    let size = Size { methods, repeats, steps };
    let curves = Path::new(folder).join("curves");
    fs::create_dir_all(&curves)?;
    let per_part = (CURVES_PER_PART / (2 * methods * repeats).max(1)).clamp(1, 8);
    let starts: Vec<usize> = (0..images).step_by(per_part).collect();
    starts.par_iter().enumerate().try_for_each(|(part, &first)| {
        let chosen = first..(first + per_part).min(images);
        let rows: Vec<Row> = chosen.flat_map(|image| of_image(size, image)).collect();
        Row::write(&curves.join(format!("part-{part:05}.parquet")), &rows)
    })?;
    let times: Vec<Timing> = (0..images).flat_map(|image| times_of(size, image)).collect();
    Ok(Timing::write(&Path::new(folder).join("timings.parquet"), &times)?)
}

fn name(image: usize) -> String {
    format!("val/ILSVRC2012_val_{image:08}.JPEG")
}

fn method(m: usize) -> String {
    if m == 0 { "random".to_owned() } else { format!("lrp-gamma:gamma={m}:bias=keep:start=score") }
}

/// All curves of one picture: methods, repeats, orders, in this nesting.
fn of_image(size: Size, image: usize) -> Vec<Row> {
    let cells = (0..size.methods).flat_map(|m| (0..size.repeats).map(move |r| (m, r)));
    let rows = cells.flat_map(|(m, r)| Order::ALL.map(|order| row(size, image, m, r, order)));
    rows.collect()
}

fn row(size: Size, image: usize, m: usize, repeat: usize, order: Order) -> Row {
    let class = Some((image % 1000) as u64);
    Row {
        image: name(image),
        label: class,
        predicted: class.map(|c| if image.is_multiple_of(4) { 999 - c } else { c }),
        right: Some(!image.is_multiple_of(4)),
        target: class,
        method: method(m),
        order,
        perturbation: "uniform".to_owned(),
        region: 9,
        repeat: repeat as u64,
        seed: 0,
        head: Head::Softmax,
        score_kind: ScoreKind::Logit,
        scores: Some(scores(size, image, m, repeat, order)),
        removed: None,
        all_logits: None,
        tied_fraction: (m > 0).then_some(0.0),
        macs: Some(1_000_000_000),
        status: Status::Ok,
        reason: None,
    }
}

/// A fall from a start of the picture's own, faster for later methods, with a walk of the repeat's own
/// on top.
fn scores(size: Size, image: usize, m: usize, repeat: usize, order: Order) -> Vec<f32> {
    let key = [m as u64, repeat as u64, u64::from(order == Order::Lerf)];
    let mut picture = Seed(1).rng("picture", &name(image), &[]);
    let mut noise = Seed(1).rng("noise", &name(image), &key);
    let start = 10.0 + 8.0 * unit_f32(&mut picture);
    let talent = 1.0 + 0.05 * m as f32 + 0.3 * unit_f32(&mut noise);
    let speed = if order == Order::Morf { 2.0 * talent } else { 0.5 / talent };
    let mut walk = 0.0;
    let mut step = |rng: &mut KeyedRng| {
        walk = 0.9 * walk + 0.3 * (unit_f32(rng) - 0.5);
        walk
    };
    let point = |k: usize| {
        let fall = 1.0 - (-speed * k as f32 / size.steps.max(1) as f32).exp();
        start - (start - 2.0) * fall + if k == 0 { 0.0 } else { step(&mut noise) }
    };
    (0..=size.steps).map(point).collect()
}

fn times_of(size: Size, image: usize) -> Vec<Timing> {
    let time = |method: String, stage: &str, seconds: f64| Timing {
        image: name(image),
        method,
        stage: stage.to_owned(),
        perturbation: None,
        region: None,
        order: None,
        repeat: None,
        seconds,
    };
    let mut times = vec![time("model".to_owned(), "forward", 0.01)];
    for m in 0..size.methods {
        times.push(time(method(m), "explain", 0.01 + 0.005 * m as f64));
        for (repeat, order) in (0..size.repeats).flat_map(|r| Order::ALL.map(|o| (r, o))) {
            let flip = time(method(m), "flip", 0.1);
            let perturbation = Some("uniform".to_owned());
            let (order, repeat) = (Some(order), Some(repeat as u64));
            times.push(Timing { perturbation, order, repeat, ..flip });
        }
    }
    times
}
