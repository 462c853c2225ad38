//! `pixelflip report`.

use super::{
    args::ReportArgs,
    terminal::{self, count},
};
use anyhow::{Context, bail};
use pixelflip::{
    base::text::plain_path,
    report::{
        outcome,
        page::{self, SHOWN},
        plot::save,
    },
    run::{gallery::Exhibit, machine, manifest::Outcome, runner},
};
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

/// The pictures that are asked for, of those that the run kept.
fn exhibits(args: &ReportArgs) -> anyhow::Result<Vec<Exhibit>> {
    let manifest = outcome::manifest(&args.results)?;
    let mut kept = outcome::exhibits(&args.results)?;
    let used = manifest.results.as_ref().map_or(0, Outcome::pictures);
    let there = kept.len();
    if let Some(wanted) = args.gallery.filter(|n| *n > there && used > there) {
        bail!(
            "the run kept {}, not {wanted}: with `--gallery {wanted}` its command keeps more",
            count(there, "picture")
        );
    }
    kept.truncate(args.gallery.unwrap_or(SHOWN));
    Ok(kept)
}
