//! `pixelflip report`.

use super::{
    args::ReportArgs,
    terminal::{self, count},
};
use anyhow::{Context, bail};
use pixelflip::{
    base::text::plain_path,
    report::{
        gallery::{self, Exhibit},
        outcome, page,
        plot::save,
    },
    run::{config::Config, known, machine, picture, plan::Plan, runner, stop::Stop},
};
use serde_json::Value;
use std::process::ExitCode;

pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let look = args.look.look()?;
    let pool = runner::pool(args.threads.unwrap_or_else(machine::cores))?;
    let page = pool.install(|| {
        let exhibits = exhibits(args)?;
        outcome::page(&args.results, &exhibits, look)
            .with_context(|| format!("no page of `{}`", args.results.display()))
    })?;
    let path = args.out.clone().unwrap_or_else(|| args.results.join(page::FILE));
    save(&path, page.as_bytes())?;
    let megabytes = page.len() as f64 / 1e6;
    terminal::talk(&format!("{megabytes:.1} MB written to `{}`", plain_path(&path)));
    Ok(ExitCode::SUCCESS)
}

/// The pictures that are asked for: those the run kept, or more of them made anew.
fn exhibits(args: &ReportArgs) -> anyhow::Result<Vec<Exhibit>> {
    let manifest = outcome::manifest(&args.results)?;
    let mut kept = outcome::exhibits(&args.results)?;
    let used = manifest.pointer("/results/pictures").and_then(Value::as_u64).unwrap_or(0);
    if args.gallery <= kept.len() || used <= kept.len() as u64 {
        kept.truncate(args.gallery);
        return Ok(kept);
    }
    let more = || {
        let kept = count(kept.len(), "picture");
        format!("the run kept {kept}; to show {} they must be explained again", args.gallery)
    };
    let flags = args.places.flags(args.threads);
    let config = Config::load(Some(&args.results.join("manifest.json")), flags);
    let stop = Stop::default();
    let plan = Plan::new(config.with_context(more)?, &stop).with_context(more)?;
    if manifest.get("digest").and_then(Value::as_str) != Some(&plan.digest()) {
        bail!("{}, but the model or the pictures are not those of the run any more", more());
    }
    let pictures = args.results.join("pictures.parquet");
    if pictures.is_file() {
        known::same(&plan, &args.results, &picture::read(&pictures)?).with_context(more)?;
    }
    let all = gallery::collect(&plan, args.gallery, &stop).expect("nobody tells it to stop");
    if let [first, ..] = all.unread.as_slice() {
        let pictures = count(all.unread.len(), "picture");
        bail!("{}, and {pictures} cannot be read now: {}", more(), first.reason);
    }
    Ok(all.exhibits)
}
