//! Speed of the engine on one model: full passes against steps of a chain, in one run.

use super::{answer::predicted, memory::PATCHES, methods};
use crate::{
    base::{
        geom::Rect,
        rng::{Seed, unit_f32},
        unit::{Grid, Remainder, UnitId, Units},
        words::count,
    },
    eval::order,
    explain::Case,
    nn::{
        graph::Graph,
        head::best,
        kernel::gemm::{Packed, Rows, matmul},
        stream::{Base, StreamPlan},
        tensor::Tensor,
        tune::tuned,
    },
};
use rayon::prelude::*;
use serde::Serialize;
use std::{borrow::Cow, time::Instant};

/// What is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// Side of a region in pixels.
    pub region: usize,
    /// Steps of a chain.
    pub steps: usize,
    /// Rounds; each measures everything for a while, after a warm-up.
    pub rounds: usize,
    /// Threads of the pool, for the report.
    pub threads: usize,
    /// Order of the regions: random (seed 0), or most relevant first by this method.
    pub method: Option<String>,
    /// Direct convolutions only, without Winograd tiles.
    pub direct: bool,
}

/// A figure over the rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    /// Smallest.
    pub min: f64,
    /// Median.
    pub median: f64,
    /// Largest.
    pub max: f64,
}

/// What came out; times are wall-clock milliseconds, medians over the rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// A full forward pass for all classes, all threads on one picture.
    pub full_ms: f64,
    /// A step of a chain, everything included: as many chains as threads run side by side.
    pub step_ms: f64,
    /// Full pass over step.
    pub ratio: f64,
    /// Multiply-adds of a full pass, counted without tiles.
    pub full_macs: u64,
    /// Multiply-adds of a step, as computed.
    pub step_macs: u64,
    /// Multiply-adds of a step without tiles.
    pub step_macs_direct: u64,
    /// Rate of large matrix products on all threads, in 10^9 floating-point operations per second.
    pub gemm_gflops: f64,
    /// Share of that rate that a step reaches.
    pub step_efficiency: f64,
    /// Threads.
    pub threads: usize,
    /// Steps of a chain.
    pub steps: usize,
    /// Side of a region.
    pub region: usize,
    /// How the regions were ordered.
    pub order: String,
    /// Spread of `full_ms`.
    pub full_spread: Spread,
    /// Spread of `step_ms`.
    pub step_spread: Spread,
    /// Spread of `gemm_gflops`.
    pub gemm_spread: Spread,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The regions do not fit.
    #[error(
        "{} of {region}x{region} regions do not fit into a picture of {height}x{width}",
        count(*.steps, "step")
    )]
    Regions {
        /// Steps asked for.
        steps: usize,
        /// Side of a region.
        region: usize,
        /// Rows of the picture.
        height: usize,
        /// Columns of the picture.
        width: usize,
    },
    /// NaN or infinity comes out of the network.
    #[error("the network cannot be measured: {reason}")]
    NonFinite {
        /// What came out.
        reason: String,
    },
    /// The method that orders the regions.
    #[error("method `{method}`: {reason}")]
    Method {
        /// Its name.
        method: String,
        /// What is wrong.
        reason: String,
    },
}

/// Measures `graph` on a picture of noise.
pub fn bench(graph: &Graph, options: &Options) -> Result<Report, BenchError> {
    let shape = graph.input_shape();
    let picture = noise(graph, "picture");
    let fill = noise(graph, "fill");
    let logits = graph.logits(&picture);
    predicted(&logits).map_err(|reason| BenchError::NonFinite { reason })?;
    let regions = regions(graph, &picture, options)?;
    // full passes first: afterwards their tiles' weights are let go
    let (mut full, mut step, mut gemm) = (vec![], vec![], vec![]);
    let whole = in_form(graph, &[shape.rect()], options);
    for _ in 0..options.rounds {
        full.push(each_milliseconds(|| drop(whole.logits(&picture))));
        gemm.push(gemm_rate(options.threads));
    }
    drop(whole);
    let chain = in_form(graph, &regions, options);
    let acts = chain.forward(&picture);
    let steps = options.steps as u64;
    let count =
        |graph: &Graph| StreamPlan::new(graph, &regions).macs(graph).iter().sum::<u64>() / steps;
    let step_macs_direct = count(Base::new(graph, acts.clone(), Some(0)).graph());
    let base = Base::new(&chain, acts, Some(0));
    let walk = || {
        let pixels = |step: usize, out: &mut [f32]| fill.read(regions[step], out);
        base.scores(&regions, pixels, PATCHES)
    };
    let step_macs = count(base.graph());
    let chains = options.threads;
    let side_by_side = || (0..chains).into_par_iter().for_each(|_| drop(walk()));
    for _ in 0..options.rounds {
        let all = each_milliseconds(side_by_side);
        step.push(all / (chains * options.steps) as f64);
        gemm.push(gemm_rate(options.threads));
    }
    let (full, step, gemm) = (spread(full), spread(step), spread(gemm));
    let limit_ms = 2.0 * step_macs as f64 / (gemm.median * 1e6);
    Ok(Report {
        full_ms: full.median,
        step_ms: step.median,
        ratio: full.median / step.median,
        full_macs: graph.macs(),
        step_macs,
        step_macs_direct,
        gemm_gflops: gemm.median,
        step_efficiency: limit_ms / step.median,
        threads: options.threads,
        steps: options.steps,
        region: options.region,
        order: options.method.clone().unwrap_or_else(|| "random".to_owned()),
        full_spread: full,
        step_spread: step,
        gemm_spread: gemm,
    })
}

/// The network in the form that needs least work for these regions, or as it is.
fn in_form<'g>(graph: &'g Graph, regions: &[Rect], options: &Options) -> Cow<'g, Graph> {
    if options.direct { Cow::Borrowed(graph) } else { Cow::Owned(tuned(graph, regions)) }
}

/// A picture of uniform noise in input space, standard deviation about 1.
fn noise(graph: &Graph, purpose: &str) -> Tensor {
    let rng = &mut Seed(0).rng(purpose, "bench", &[]);
    let shape = graph.input_shape();
    Tensor::new(shape, (0..shape.len()).map(|_| (unit_f32(rng) - 0.5) * 3.5).collect())
}

fn regions(graph: &Graph, picture: &Tensor, options: &Options) -> Result<Vec<Rect>, BenchError> {
    let shape = graph.input_shape();
    let fits = Grid::new(shape.h, shape.w, options.region, Remainder::Drop);
    let none = BenchError::Regions {
        steps: options.steps,
        region: options.region,
        height: shape.h,
        width: shape.w,
    };
    let grid = fits.filter(|g| (1..=g.len()).contains(&options.steps)).ok_or(none)?;
    let order: Vec<UnitId> = match &options.method {
        None => order::random(grid.len(), Seed(0), "bench", 0),
        Some(method) => {
            let wrong = |reason: String| BenchError::Method { method: method.clone(), reason };
            let scores = explained(graph, picture, method, &grid).map_err(wrong)?;
            order::morf(&scores, Seed(0), "bench")
        }
    };
    Ok(order[..options.steps].iter().map(|id| grid.rect(*id)).collect())
}

/// Region scores of one method for the class with the highest score.
fn explained(
    graph: &Graph,
    picture: &Tensor,
    method: &str,
    grid: &Grid,
) -> Result<Vec<f64>, String> {
    let explainer = methods::method(method).map_err(|e| e.to_string())?.value;
    let acts = graph.forward(picture);
    let scores = &acts.value(graph.output()).data;
    let target = best(scores, None).unwrap_or(0);
    let bounds = |v: f32| vec![v; graph.input_shape().c];
    let case = Case {
        graph,
        acts: &acts,
        target,
        low: &bounds(-1.75),
        high: &bounds(1.75),
        seed: Seed(0),
        image: "bench",
    };
    let heat = explainer.heat_map(&case).map_err(|e| e.to_string())?;
    order::unit_scores(&heat, grid).map_err(|e| e.to_string())
}

/// Rate of products of 1008 x 1152 x 256 on every thread at once, in GFLOP/s.
fn gemm_rate(threads: usize) -> f64 {
    const M: usize = 1008;
    const K: usize = 1152;
    const N: usize = 256;
    const TIMES: usize = 8;
    let weights = Packed::new(K, N, |k, n| ((k * 7 + n) % 13) as f32 - 6.0);
    let one = || {
        let a = vec![0.5; M * K];
        let mut c = vec![0.0; M * N];
        let rows = Rows { data: &a, stride: K, count: M };
        for _ in 0..TIMES {
            matmul(rows, &weights, 0..weights.panels(), &mut c, N);
        }
        std::hint::black_box(c);
    };
    let ms = milliseconds(|| (0..threads).into_par_iter().for_each(|_| one()));
    (2 * M * K * N * TIMES * threads) as f64 / (ms * 1e6)
}

/// Mean time of a call over a tenth of a second of calls, at least one, after some that fill buffers
/// and caches: what a long run pays.
fn each_milliseconds(f: impl Fn()) -> f64 {
    let calls_for = |milliseconds: u128| {
        let (start, mut calls) = (Instant::now(), 0_u32);
        while calls == 0 || start.elapsed().as_millis() < milliseconds {
            f();
            calls += 1;
        }
        start.elapsed().as_secs_f64() * 1e3 / f64::from(calls)
    };
    calls_for(50);
    calls_for(100)
}

fn milliseconds(f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_secs_f64() * 1e3
}

fn spread(mut values: Vec<f64>) -> Spread {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    Spread {
        min: values[0],
        median: f64::midpoint(values[(n - 1) / 2], values[n / 2]),
        max: values[n - 1],
    }
}
