//! What is done already, held against the pictures as they are now.
//!
//! A run is taken up wherever its pictures lie: what is compared is their content, of which each part keeps
//! the digests. So results of old and of new pictures never mix, and what could not be read when its part
//! was done is found out to be readable.

use super::{
    PICTURES, Study,
    manifest::{Manifest, Skipped},
    output::{self, OutputError},
    runner::RunError,
};
use crate::{
    event::{Event, Observer},
    lock::Share,
    picture::Picture,
    plan::Plan,
    table::record::Record,
};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// What came of comparing some pictures.
#[derive(Debug, Default)]
struct Comparison {
    /// Pictures that were used and have another content now.
    changed: Vec<String>,
    /// Those that cannot be read now, with the reason.
    unread: Vec<Skipped>,
    /// True where a picture that could not be used may be usable now.
    again: bool,
}

impl Comparison {
    fn and(mut self, other: Comparison) -> Comparison {
        self.changed.extend(other.changed);
        self.unread.extend(other.unread);
        self.again |= other.again;
        self
    }
}

/// [`again`] for the parts of a share in one folder, as far as they are done; nothing is written. A folder
/// with another run is an error.
pub fn in_folder(
    study: &dyn Study,
    root: &Path,
    share: Share,
    observer: &dyn Observer,
) -> Result<BTreeSet<usize>, RunError> {
    let plan = study.plan();
    let parts = plan.parts().len();
    let mine = |part: &usize| share.takes(*part) && *part < parts;
    let done: BTreeMap<usize, PathBuf> = output::finished(root, study.entry())?
        .into_iter()
        .filter(mine)
        .map(|part| (part, root.to_owned()))
        .collect();
    if done.is_empty() {
        return Ok(BTreeSet::new());
    }
    output::check_owner(root, &Manifest::new(study))?;
    again(plan, &done, observer)
}

/// Compares the pictures of parts that are done, each in a folder, with those of the plan, and gives the
/// parts that are to be done again: those for which something could not be read that can be read now, and
/// those with a broken picture in whose place there is another now. A picture that was used and has another
/// content now is an error. One that cannot be read now is told to `observer`: what is done stays.
pub fn again(
    plan: &Plan,
    folders: &BTreeMap<usize, PathBuf>,
    observer: &dyn Observer,
) -> Result<BTreeSet<usize>, RunError> {
    let parts = plan.parts();
    let one = |(&part, folder): (&usize, &PathBuf)| compared(plan, parts[part], part, folder);
    let all = folders.par_iter().map(one).collect::<Result<Vec<Comparison>, RunError>>()?;
    let pairs = || folders.iter().zip(&all);
    let again = pairs().filter(|(_, found)| found.again).map(|((part, _), _)| *part).collect();
    let changed_in = pairs().find(|(_, found)| !found.changed.is_empty());
    let path = changed_in.map(|((_, folder), _)| folder.clone()).unwrap_or_default();
    let found = all.into_iter().fold(Comparison::default(), Comparison::and);
    if let [first, others @ ..] = found.changed.as_slice() {
        let (first, more) = (first.clone(), others.len());
        return Err(OutputError::OtherPictures { path, first, more }.into());
    }
    if let [first, ..] = found.unread.as_slice() {
        let (pictures, reason) = (found.unread.len(), first.reason.clone());
        observer.on(&Event::NotCompared { pictures, reason });
    }
    Ok(again)
}

fn compared(
    plan: &Plan,
    images: &[usize],
    part: usize,
    folder: &Path,
) -> Result<Comparison, RunError> {
    let pictures = Picture::read(&folder.join(PICTURES.path(part)))?;
    let pairs = pictures.iter().zip(images);
    let found = pairs.map(|(picture, &index)| found_now(plan, picture, index));
    let mut found = found.fold(Comparison::default(), Comparison::and);
    // heat maps are all read when they are opened, so those that could not be read can be read now
    let used: BTreeSet<&str> =
        pictures.iter().filter(|p| p.skipped.is_none()).map(|p| p.image.as_str()).collect();
    let unread = output::read_unread(folder, part)?;
    found.again |= unread.iter().any(|lost| used.contains(lost.image.as_str()));
    Ok(found)
}

fn found_now(plan: &Plan, picture: &Picture, index: usize) -> Comparison {
    let mut found = Comparison::default();
    match (&picture.content, plan.data.content(index)) {
        (Some(then), Ok(now)) if *then == now => (),
        (_, Ok(_)) if picture.skipped.is_some() => found.again = true,
        (Some(_), Ok(_)) => found.changed.push(picture.image.clone()),
        // as large as no picture is
        (Some(_), Err(e)) if !e.is_momentary() && picture.skipped.is_none() => {
            found.changed.push(picture.image.clone());
        }
        (Some(_), Err(e)) if e.is_momentary() => {
            found.unread.push(Skipped { image: picture.image.clone(), reason: e.to_string() });
        }
        _ => (),
    }
    found
}
