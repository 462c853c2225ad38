//! How much of a run is done, seen from its folders alone: no model or picture is opened.

use super::{
    manifest::Manifest,
    merge::{MergeError, missing_shards, number_of_shards},
    output::{self, OutputError, differences, finished},
    studies::read_manifest,
};
use serde::Serialize;
use std::{collections::BTreeSet, path::PathBuf};

/// What is there of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Parts that there are to be.
    pub parts: usize,
    /// Parts that are done, with all that is to be in them.
    pub done: usize,
    /// Parts for which something could not be read: the same command does them again.
    pub unread: usize,
    /// True when all parts are done and put together.
    pub complete: bool,
    /// Number of shards, where there are any.
    pub shards: Option<usize>,
    /// Shards with work left, as in `2,5-7`; null without shards.
    pub missing_shards: Option<String>,
}

/// Reads the state of a run whose parts are in these folders; `shards` is the number that the rest is
/// to be cut into, if that is not to be the number so far.
pub fn status(folders: &[PathBuf], shards: Option<usize>) -> Result<Status, MergeError> {
    let mut first: Option<Manifest> = None;
    let (mut done, mut unread, mut collected) = (BTreeSet::new(), BTreeSet::new(), false);
    for folder in folders {
        let none = || MergeError::NoResults { folder: folder.clone() };
        let (manifest, entry) = read_manifest(folder)?.ok_or_else(none)?;
        let differences = differences(&manifest, first.as_ref().unwrap_or(&manifest));
        if !differences.is_empty() {
            let path = folder.clone();
            return Err(OutputError::OtherRun { path, differences }.into());
        }
        let (there, lost) = (finished(folder, entry)?, output::unread(folder)?);
        unread.extend(&there & &lost);
        done.extend(&there - &lost);
        collected |= manifest.is_whole();
        first.get_or_insert(manifest);
    }
    let parts = first.as_ref().and_then(parts);
    let parts = parts.ok_or_else(|| OutputError::Foreign { path: folders[0].clone() })?;
    unread.retain(|part| *part < parts && !done.contains(part));
    let missing: BTreeSet<usize> = (0..parts).filter(|part| !done.contains(part)).collect();
    let shards = shards.or_else(|| number_of_shards(folders));
    Ok(Status {
        parts,
        done: parts - missing.len(),
        unread: unread.len(),
        complete: missing.is_empty() && collected,
        shards,
        missing_shards: shards.map(|of| missing_shards(&missing, of)),
    })
}

/// The number of parts that a manifest tells of.
fn parts(manifest: &Manifest) -> Option<usize> {
    let (pictures, part) = (manifest.config.images?, manifest.protocol.part);
    (part > 0).then(|| pictures.div_ceil(part))
}
