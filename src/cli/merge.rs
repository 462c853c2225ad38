//! `pixelflip merge`.

use super::{args::MergeArgs, progress::Progress, run::finish};
use anyhow::bail;
use pixelflip::run::{
    config::Config,
    lock::Share,
    machine,
    manifest::Manifest,
    merge::{self, Extent, MergeError},
    output::{MANIFEST, Output},
    plan::Plan,
    runner,
};
use std::{path::Path, process::ExitCode};
use toml::Table;

pub(crate) fn run(args: &MergeArgs) -> anyhow::Result<ExitCode> {
    let look = args.look.look()?;
    let first = &args.folders[0];
    let Some(out) = target(args) else {
        bail!("several folders need `--out`, the folder for the whole");
    };
    let described = first.join(MANIFEST);
    if !described.is_file() {
        return Err(MergeError::NoResults { folder: first.clone() }.into());
    }
    let plan = Plan::new(Config::load(Some(&described), Table::new())?)?;
    let manifest = Manifest::new(&plan);
    let extent = if args.partial { Extent::Partial } else { Extent::Whole };
    let found = merge::find(&args.folders, &manifest, plan.parts().len(), extent)?;
    let output = Output::open(out, &manifest, Share::Whole)?;
    found.bring(&output)?;
    let pool = runner::pool(args.threads.unwrap_or_else(machine::cores))?;
    let progress = Progress::new(&args.talk);
    pool.install(|| finish(&plan, &output, &found.parts(), look, &progress))
}

/// Where the whole goes.
fn target(args: &MergeArgs) -> Option<&Path> {
    match (&args.out, &args.folders[..]) {
        (Some(out), _) => Some(out),
        (None, [only]) => Some(only),
        _ => None,
    }
}
