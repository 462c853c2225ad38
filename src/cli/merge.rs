//! `pixelflip merge`.

use super::{args::MergeArgs, progress::Progress, signals, study::finish};
use anyhow::bail;
use pixelflip::run::{
    config::Config,
    known,
    lock::Share,
    machine,
    merge::{self, Extent, MergeError},
    output::{MANIFEST, Output},
    plan::Plan,
    runner,
    stop::Stop,
    studies::read_manifest,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(crate) fn run(args: &MergeArgs) -> anyhow::Result<ExitCode> {
    let look = args.look.look()?;
    let first = &args.folders[0];
    let Some(out) = target(args) else {
        bail!("several folders need `--out`, the folder for the whole");
    };
    let Some((manifest, entry)) = read_manifest(first)? else {
        return Err(MergeError::NoResults { folder: first.clone() }.into());
    };
    let pool = runner::pool(args.threads.unwrap_or_else(machine::cores))?;
    let config = Config::load(Some(&first.join(MANIFEST)), args.places.flags(args.threads))?;
    let stop = Stop::default();
    signals::listen(&stop, args.talk.log)?;
    let plan = pool.install(|| Plan::new(config, &stop))?;
    let study = (entry.build)(&plan, manifest.facts.as_ref())?;
    let study = &*study;
    let extent = if args.partial { Extent::Partial } else { Extent::Whole };
    let folders = with_target(&args.folders, out);
    let found = merge::find(&folders, study, extent)?;
    let progress = Progress::new(&args.talk);
    pool.install(|| known::again(&plan, found.folders(), &progress))?;
    let output = Output::open(out, study, Share::Whole)?;
    found.bring(&output)?;
    // also those that an earlier merge brought
    let parts = output.finished()?;
    pool.install(|| finish(study, &output, &parts, look, AGAIN, &progress))
}

/// What becomes of what could not be read, at the end of a merge.
const AGAIN: &str = "run their shards again, and merge again (`pixelflip status` names the shards)";

/// The folders with parts: those given, and the target where it has some already.
fn with_target(given: &[PathBuf], out: &Path) -> Vec<PathBuf> {
    let mut folders = given.to_vec();
    let same = |folder: &PathBuf| folder.canonicalize().ok() == out.canonicalize().ok();
    if out.join(MANIFEST).is_file() && !given.iter().any(same) {
        folders.push(out.to_owned());
    }
    folders
}

/// Where the whole goes.
fn target(args: &MergeArgs) -> Option<&Path> {
    match (&args.out, &args.folders[..]) {
        (Some(out), _) => Some(out),
        (None, [only]) => Some(only),
        _ => None,
    }
}
