//! What a run will cost, from counts and a short trial.

use super::{
    config::Record, curves, manifest::chain_macs, memory::Need, plan::Plan, record::Timing,
};
use crate::base::unit::Regions;
use serde::Serialize;
use std::{collections::BTreeMap, fs, time::Duration};

/// Pictures that are tried when the first cannot be used.
const TRIES: usize = 20;

/// Time for measuring curves; each method explains once, however long that takes.
const BUDGET: Duration = Duration::from_secs(3);

/// Pictures that a run shows when nothing else is said.
pub const EXHIBITS: usize = 12;

/// Share by which files and tables are larger than their numbers.
const OVERHEAD: f64 = 1.2;

/// Bytes of a row of the curves without scores, and of a row of times, as written. Measured.
const ROW_BYTES: f64 = 40.0;

/// The plan in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    /// Pictures.
    pub pictures: usize,
    /// Parts of the output.
    pub parts: usize,
    /// Methods x orders x perturbations x sizes of the regions.
    pub cells: usize,
    /// All curves.
    pub curves: usize,
    /// Steps of all curves.
    pub steps: usize,
    /// Multiply-adds of all curves, with orders as random ones have them.
    pub curve_macs: f64,
    /// Multiply-adds of the full pass of every picture.
    pub pass_macs: f64,
    /// Threads.
    pub threads: usize,
    /// Seconds on all threads; null when no picture could be used for a trial.
    pub seconds: Option<f64>,
    /// Seconds of one thread for one picture: explaining, by method; null as above.
    pub explain: Option<BTreeMap<String, f64>>,
    /// Methods that give nothing for the picture of the trial, with the reasons.
    pub failed: Vec<(String, String)>,
    /// Seconds of one thread for one curve; null as above.
    pub curve: Option<f64>,
    /// Bytes of memory.
    pub memory: f64,
    /// Bytes of the results.
    pub disk: f64,
}

/// Bytes of memory in which figures and the page are made. Measured.
const PAGE_BYTES: f64 = 45e6;

/// Counts, and measures one picture.
pub fn estimate(plan: &Plan, threads: usize) -> Estimate {
    let trial = plan.images.iter().take(TRIES).find_map(|&i| curves::trial(plan, i, BUDGET).ok());
    let (pictures, curves) = (plan.images.len(), plan.images.len() * plan.curves_per_picture());
    let graph = &plan.model.graph;
    let mean = |wanted: &dyn Fn(&Timing) -> bool| {
        let seconds = |t: &Timing| wanted(t).then_some(t.seconds);
        let found: Vec<f64> = trial.iter().flat_map(|t| &t.timings).filter_map(seconds).collect();
        (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
    };
    let explain = trial.as_ref().map(|trial| {
        let explained = trial.timings.iter().filter(|t| t.stage == "explain");
        explained.map(|t| (t.method.clone(), t.seconds)).collect::<BTreeMap<_, _>>()
    });
    // perturbations that depend on the mask take much longer than the others
    let of = |name: &str| mean(&|t| t.stage == "flip" && t.perturbation.as_deref() == Some(name));
    let each: Vec<f64> = plan.perturbations.iter().filter_map(|p| of(&p.name)).collect();
    let curve = (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64);
    let seconds = explain.as_ref().zip(mean(&|t| t.stage == "load")).map(|(explain, load)| {
        let each = load + explain.values().sum::<f64>();
        let work = pictures as f64 * each + curves as f64 * curve.unwrap_or(0.0);
        // with fewer pictures than threads their curves are shared out
        work / threads.min(pictures * plan.curves_per_picture()) as f64
    });
    Estimate {
        pictures,
        parts: plan.parts().len(),
        cells: curves / (pictures * plan.repeats).max(1),
        curves,
        steps: curves / plan.regions.len() * plan.regions.iter().map(Regions::steps).sum::<usize>(),
        curve_macs: plan.regions.iter().map(|r| chain_macs(plan, r)).sum::<u64>() as f64
            * (curves / plan.regions.len()) as f64,
        pass_macs: graph.macs() as f64 * pictures as f64,
        threads,
        seconds,
        explain,
        failed: trial.map_or_else(Vec::new, |t| t.failed),
        curve,
        memory: memory(plan, threads, curves),
        disk: disk(plan, curves),
    }
}

/// What the process holds by now, which is one thread at work, and what more threads, the final tables,
/// figures and the page need.
fn memory(plan: &Plan, threads: usize, curves: usize) -> f64 {
    let need = Need::of(&plan.model.graph, &plan.regions, plan.repeats * plan.perturbations.len());
    let most = plan.regions.iter().map(Regions::steps).max().unwrap_or(0);
    let thread = need.at_work(plan.patches, most as u64) as f64;
    let tables = curves as f64 * (4.0 * scores(plan) + 300.0);
    held() + (threads - 1) as f64 * thread + tables + PAGE_BYTES
}

/// Scores of a curve, on average over the sizes of the regions.
fn scores(plan: &Plan) -> f64 {
    plan.regions.iter().map(|r| (r.steps() + 1) as f64).sum::<f64>() / plan.regions.len() as f64
}

fn disk(plan: &Plan, curves: usize) -> f64 {
    let classes = if plan.record == Record::All { plan.model.graph.classes() } else { 0 };
    let row = 4.0 * scores(plan) * (1 + classes) as f64 + ROW_BYTES;
    // times are written in parts and once more together
    let times = 2.0 * (curves + plan.images.len() * plan.methods.len()) as f64 * ROW_BYTES;
    OVERHEAD * (curves as f64 * row + times)
}

/// The most that this process has held so far; 0 where the system does not tell.
fn held() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0
}
