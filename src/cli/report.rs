//! `pixelflip report`.

use super::{
    args::ReportArgs,
    terminal::{self, count},
};
use anyhow::{Context, bail};
use pixelflip::{
    base::text::plain_path,
    report::{
        colours::Look,
        outcome,
        page::{self, SHOWN},
        plot::save,
    },
    run::{gallery::Exhibit, machine, manifest::Outcome, runner},
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let look = args.look.look()?;
    let pool = runner::pool(args.threads.unwrap_or_else(machine::cores))?;
    let page = pool.install(|| page_of(&args.results, args, look))?;
    let path = args.out.clone().unwrap_or_else(|| match &args.results[..] {
        [folder] => folder.join(page::FILE),
        _ => page::FILE.into(),
    });
    save(&path, page.as_bytes())?;
    let megabytes = page.len() as f64 / 1e6;
    terminal::talk(&format!("{megabytes:.1} MB written to `{}`", plain_path(&path)));
    Ok(ExitCode::SUCCESS)
}

/// The page of a run, or of several.
fn page_of(folders: &[PathBuf], args: &ReportArgs, look: Look) -> anyhow::Result<String> {
    let shown = folders.iter().map(|folder| exhibits(folder, args.gallery));
    let mut shown = shown.collect::<anyhow::Result<Vec<Vec<Exhibit>>>>()?;
    if let [folder] = folders {
        return outcome::page(folder, shown.remove(0), look)
            .with_context(|| format!("no page of `{}`", folder.display()));
    }
    outcome::several(folders, shown, look).context("no page of these runs")
}

/// The pictures that are asked for, of those that the run kept.
fn exhibits(folder: &Path, wanted: Option<usize>) -> anyhow::Result<Vec<Exhibit>> {
    let manifest = outcome::manifest(folder)?;
    let mut kept = outcome::exhibits(folder)?;
    let used = manifest.results.as_ref().map_or(0, Outcome::pictures);
    let there = kept.len();
    if let Some(wanted) = wanted.filter(|n| *n > there && used > there) {
        bail!(
            "the run kept {}, not {wanted}: with `--gallery {wanted}` its command keeps more",
            count(there, "picture")
        );
    }
    kept.truncate(wanted.unwrap_or(SHOWN));
    Ok(kept)
}
