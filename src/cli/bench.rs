//! `pixelflip bench`.

use super::{
    args::BenchArgs,
    input,
    terminal::{self, count},
};
use anyhow::Context;
use pixelflip::run::{
    bench::{Options, Report, bench},
    machine, memory,
};
use rayon::ThreadPoolBuilder;
use std::process::ExitCode;

pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let threads = args.threads.unwrap_or_else(machine::cores);
    memory::admit_threads(threads)?;
    // the global pool: full passes are split over it from outside, chains run inside
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .with_context(|| format!("cannot start {threads} threads"))?;
    let model = input::network(&args.model, &args.preprocess)?;
    let options = Options {
        region: args.region,
        steps: args.steps,
        rounds: args.rounds,
        threads,
        method: (args.order != "random").then(|| args.order.clone()),
        direct: args.direct,
    };
    let report = bench(&model.graph, &options)?;
    let text = if args.json {
        format!("{}\n", serde_json::to_string_pretty(&report)?)
    } else {
        table(&model.name, &report)
    };
    terminal::data(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn table(name: &str, r: &Report) -> String {
    let giga = |macs: u64| macs as f64 / 1e9;
    format!(
        "{name}, {}, {} of {}x{} regions, order {}\n\
         full pass  {:9.2} ms ({:.2} to {:.2})  {:.3} G multiply-adds\n\
         step       {:9.2} ms ({:.2} to {:.2})  {:.3} G multiply-adds ({:.3} without tiles)\n\
         ratio      {:9.1}\n\
         products   {:9.0} GFLOP/s; a step reaches {:.0} % of that\n",
        count(r.threads, "thread"),
        count(r.steps, "step"),
        r.region,
        r.region,
        r.order,
        r.full_ms,
        r.full_spread.min,
        r.full_spread.max,
        giga(r.full_macs),
        r.step_ms,
        r.step_spread.min,
        r.step_spread.max,
        giga(r.step_macs),
        giga(r.step_macs_direct),
        r.ratio,
        r.gemm_gflops,
        100.0 * r.step_efficiency,
    )
}
