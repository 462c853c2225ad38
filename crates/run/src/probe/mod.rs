//! Testing a classifier by samples: is a picture still of its class when the object is gone, and is it no longer of
//! its class when only the object is left?
//!
//! For the class `c` of a picture (its target), the pixels `O` of all objects of that class, and a filling `g`:
//!
//! | variant | the network sees | what it tells |
//! |---|---|---|
//! | `original` (E1) | the picture | |
//! | `removed` (E2) | the picture with `g` on `O` | still `c`: something else than the object was enough |
//! | `only` (E3) | `g` with the picture on `O` | no longer `c`: the object alone is not enough |
//! | `removed-elsewhere` | `g` on a shifted copy of `O` that `O` has no pixel in common with | control of E2 |
//! | `only-elsewhere` | only that copy | control of E3 |
//! | `edited` | a picture of the same name that somebody edited by hand | |
//!
//! A box holds background, too, and every filling is itself nothing that the network was trained on: hence several
//! fillings and the controls. Beside that, for each method, the share of positive relevance on the object and on every
//! other annotated class.

mod case;
mod edited;
mod place;
mod tables;

pub use tables::{Frame, Share, Together, Trial, Variant};

use crate::{
    base::registry::id,
    curves::used,
    data::Dataset,
    event::Event,
    gallery,
    manifest::{Counts, Outcome},
    output::Output,
    plan::{Plan, PlanError},
    runner::RunError,
    study::{Done, Entry, Gathered, PartFile, Study, Work, settings, whole},
    subject::Subject,
    table::{TableError, record::Record},
};
use edited::Edited;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// In the table of studies.
pub const ENTRY: Entry = Entry {
    name: "probe",
    files: &[SHARES, FRAMES, TRIALS],
    build: |plan, facts| Ok(Box::new(Probe::new(plan, settings(facts)?)?)),
};

const SHARES: PartFile = PartFile::of::<Share>("parts", "shares", true);
const FRAMES: PartFile = PartFile::of::<Frame>("parts", "frames", true).passing();
const TRIALS: PartFile = PartFile::of::<Trial>("parts", "probes", true);

/// Fillings when none are named: of each kind one (out of focus, diffused, one colour, noise).
pub const FILLINGS: [&str; 4] = ["blur:sigma=10", "inpaint", "channel-mean", "uniform"];

/// The method when none is named.
pub const METHOD: &str = "lrp-epsilon-plus-flat";

/// Cases with a contact sheet when no number is given.
pub const CASES: usize = 24;

/// What the pixels of an object are taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Its mask, or its boxes where there is none.
    #[default]
    Auto,
    /// Its mask.
    Mask,
    /// Its boxes.
    Box,
}

/// What decides about the results besides the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What the pixels of an object are taken from.
    #[serde(default)]
    pub mark: Mark,
    /// Pictures that somebody edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<EditedFolder>,
}

/// Where edited pictures lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditedFolder {
    /// The folder; it may move.
    pub path: PathBuf,
    /// Digest of names and contents; empty before the folder was read.
    #[serde(default)]
    pub digest: String,
}

/// The probe of the pictures of a plan; its fillings are the plan's perturbations.
pub struct Probe<'p> {
    plan: &'p Plan,
    settings: Settings,
    edited: Option<Edited>,
    /// Indices of the pictures with a contact sheet.
    shown: BTreeSet<usize>,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Probed {
    /// One row per picture, variant and filling.
    pub trials: Vec<Trial>,
    /// One row per picture, method and annotated class.
    pub shares: Vec<Share>,
    /// One row per two classes that are annotated in one picture.
    pub together: Vec<Together>,
    /// What people are shown of some pictures.
    pub frames: Vec<Frame>,
}

impl Probed {
    /// The tables in a folder of results.
    pub fn read(folder: &Path) -> Result<Probed, TableError> {
        let path = |name: &str| folder.join(format!("{name}.parquet"));
        Ok(Probed {
            trials: Trial::read(&path("probes"))?,
            shares: Share::read(&path("shares"))?,
            together: Together::read(&path("together"))?,
            frames: Frame::read(&path("frames"))?,
        })
    }
}

impl<'p> Probe<'p> {
    /// The study of a plan; reads the edited pictures, and refuses fillings that need regions.
    pub fn new(plan: &'p Plan, mut settings: Settings) -> Result<Probe<'p>, PlanError> {
        let unfit =
            plan.perturbations.iter().find(|p| p.value.leaves_out() || id(&p.name) == "permute");
        if let Some(unfit) = unfit {
            let problem = format!(
                "`{}` works region by region and fills no object; take blur, inpaint, channel-mean or uniform",
                unfit.name
            );
            return Err(PlanError::Study { problem });
        }
        let edited = settings.edited.as_ref().map(|folder| Edited::open(&folder.path, plan));
        let edited = edited.transpose()?;
        if let (Some(folder), Some(read)) = (&mut settings.edited, &edited) {
            folder.digest.clone_from(&read.digest);
        }
        let shown = gallery::chosen(plan, CASES);
        Ok(Probe { plan, settings, edited, shown })
    }

    /// The same with so many contact sheets, which are no part of the numbers.
    #[must_use]
    pub fn showing(self, cases: usize) -> Probe<'p> {
        Probe { shown: gallery::chosen(self.plan, cases), ..self }
    }

    /// Edited pictures that belong to no picture of the plan.
    pub fn strays(&self) -> &[String] {
        self.edited.as_ref().map_or(&[], |edited| &edited.strays)
    }
}

impl Study for Probe<'_> {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn plan(&self) -> &Plan {
        self.plan
    }

    fn facts(&self) -> Option<Value> {
        Some(serde_json::to_value(&self.settings).expect("plain data"))
    }

    fn begins(&self, pictures: usize, finished: usize) -> Event {
        Event::Explaining { pictures, finished, explanations: self.plan.methods.len() }
    }

    fn picture(&self, subject: Subject, work: &Work<'_>) -> Option<Done> {
        let shown = self.shown.contains(&work.index);
        let found = case::Case::of(self, &subject, work.index).trials(shown, work)?;
        let tables = vec![
            Share::table(&found.shares),
            Frame::table(&found.frames),
            Trial::table(&found.trials),
        ];
        Some(Done { picture: used(self.plan, &subject), tables, unread: None })
    }

    fn any_failed(&self, output: &Output, part: usize) -> Result<bool, RunError> {
        let shares = Share::read(&output.root().join(SHARES.path(part)))?;
        Ok(shares.iter().any(|share| share.failed))
    }

    fn collect(&self, output: &Output, gathered: Gathered<'_>) -> Result<Outcome, RunError> {
        let about = [("model", &self.plan.model.name[..]), ("data", self.plan.data.name())];
        let trials: Vec<Trial> = whole(output, &gathered, &TRIALS, &about)?;
        let shares: Vec<Share> = whole(output, &gathered, &SHARES, &about)?;
        let together = together(&*self.plan.data);
        let path = |ending: &str| output.root().join("together").with_extension(ending);
        Together::write(&path("parquet"), &together)?;
        Together::table(&together).write_csv(&path("csv"))?;
        frames(output, &gathered)?;
        let undefined = trials.iter().filter(|trial| trial.reason.is_some()).count();
        let failed = shares.iter().filter(|share| share.failed).count();
        let counts =
            [("trials", trials.len()), ("undefined", undefined), ("failed_explanations", failed)];
        Ok(Outcome::Other(Counts::of(gathered, counts)))
    }
}

/// Keeps what people are shown; parts that are whole may have lost theirs, which then stay as they are.
fn frames(output: &Output, gathered: &Gathered<'_>) -> Result<(), RunError> {
    let path = output.root().join("frames.parquet");
    let mut all = Frame::growing(&path);
    let mut any = false;
    for &part in gathered.parts {
        let file = output.root().join(FRAMES.path(part));
        if file.is_file() {
            any = true;
            all.append(&Frame::table(&Frame::read(&file)?))?;
        }
    }
    match (any, path.is_file()) {
        (true, _) => Ok(all.finish()?),
        (false, true) => Ok(()),
        (false, false) => Ok(Frame::write(&path, &[])?),
    }
}

/// How often classes occur in one picture, over the whole data set; only those that do.
fn together(data: &dyn Dataset) -> Vec<Together> {
    let sets: Vec<BTreeSet<usize>> =
        (0..data.len()).map(|i| data.labels(i).into_iter().collect()).collect();
    let classes: BTreeSet<usize> = sets.iter().flatten().copied().collect();
    let row = |class: usize, other: usize| {
        let with = sets.iter().filter(|set| set.contains(&class));
        let pictures = with.clone().count();
        let both = with.filter(|set| set.contains(&other)).count();
        let share = both as f64 / pictures as f64;
        let numbers = [class, other, pictures, both].map(|n| n as u64);
        let [class, other, pictures, both] = numbers;
        Together { class, other, pictures, both, share }
    };
    let pairs = classes.iter().flat_map(|&a| classes.iter().map(move |&b| (a, b)));
    let rows = pairs.filter(|(a, b)| a != b).map(|(a, b)| row(a, b));
    rows.filter(|row| row.both > 0).collect()
}

#[cfg(test)]
mod tests;
