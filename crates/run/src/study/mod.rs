//! What an experiment on the pictures of a plan is.
//!
//! A study says what one picture gives, in tables, and how the tables of all pictures become those of the
//! results. Everything else is the frame, the same for all: [`runner`] does what is not done yet, part
//! by part, in shards, with a lock, until it is told to stop; [`known`] holds pictures against
//! what was done; [`status`](crate::status) and [`merge`](crate::merge) tell and put together what is there;
//! the [`manifest`] names the study. A new study is a file with an [`Entry`] and a line in
//! [`STUDIES`](crate::studies::STUDIES).

pub mod begun;

pub mod known;
pub mod manifest;
pub mod output;
pub mod runner;

use crate::{
    base::{hex, unit::Regions},
    event::{Event, Observer},
    identity,
    picture::Picture,
    plan::{Plan, PlanError},
    stop::Stop,
    subject::Subject,
    table::{Table, record::Record},
};
use begun::Begun;
use manifest::{Outcome, Skipped};
use output::Output;
use runner::RunError;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Name of the first study: results of runs before there were others have none in their manifest.
pub const FIRST: &str = "ranking";

/// A study, or why there is none.
pub type Built<'p> = Result<Box<dyn Study + 'p>, PlanError>;

/// A study by its name.
pub struct Entry {
    /// Name in manifests.
    pub name: &'static str,
    /// Files of a part besides its pictures. The last one, which every part has, is written last: with it the part is
    /// done.
    pub files: &'static [PartFile],
    /// The study of a plan, with what a manifest says of its own settings ([`Study::facts`]).
    pub build: for<'p> fn(&'p Plan, Option<&Value>) -> Built<'p>,
}

/// One kind of file of a part.
pub struct PartFile {
    /// Its folder below the output.
    pub folder: &'static str,
    /// What its name begins with.
    pub prefix: &'static str,
    /// True where two makings of it are the same bytes, which times are not.
    pub exact: bool,
    /// True of a file that only some parts have, and none when the run is complete.
    pub passing: bool,
    /// A table with its columns.
    empty: fn() -> Table,
    /// What the columns of a table mean.
    notes: fn(&Table) -> BTreeMap<String, String>,
}

/// The file with the pictures of a part, which every study has.
pub const PICTURES: PartFile = PartFile::of::<Picture>("parts", "pictures", true);

impl PartFile {
    /// A file with rows of type `R`.
    pub const fn of<R: Record>(
        folder: &'static str,
        prefix: &'static str,
        exact: bool,
    ) -> PartFile {
        PartFile {
            folder,
            prefix,
            exact,
            passing: false,
            empty: || R::table(&[]),
            notes: R::notes_of,
        }
    }

    /// A file with rows of type `R`, behind the columns that say to which run they belong.
    pub const fn identified<R: Record>(
        folder: &'static str,
        prefix: &'static str,
        exact: bool,
    ) -> PartFile {
        let plain = PartFile::of::<R>(folder, prefix, exact);
        PartFile { empty: identity::empty::<R>, notes: identity::notes_of::<R>, ..plain }
    }

    /// A file that only some parts have, and none when the run is complete.
    #[must_use]
    pub const fn passing(self) -> PartFile {
        PartFile { passing: true, ..self }
    }

    /// Its path for a part, relative to an output.
    pub fn path(&self, part: usize) -> String {
        format!("{}/{}-{part:05}.parquet", self.folder, self.prefix)
    }

    /// Writes the tables of the pictures of a part, one after the other, as one file.
    pub(super) fn write<'t>(
        &self,
        output: &Output,
        part: usize,
        tables: impl Iterator<Item = &'t Table>,
    ) -> Result<(), RunError> {
        let mut all = Table::default();
        tables.for_each(|table| all.append(table));
        // pictures that cannot be used have no tables
        let all = if all.rows() == 0 { (self.empty)() } else { all };
        let path = output.root().join(self.path(part));
        if self.passing && all.rows() == 0 {
            return Ok(output::remove(&path)?);
        }
        Ok(all.write_parquet(&path, &(self.notes)(&all))?)
    }
}

impl Entry {
    /// All files of a part, in the order in which they are written.
    pub fn all_files(&self) -> impl Iterator<Item = &PartFile> {
        std::iter::once(&PICTURES).chain(self.files)
    }
}

/// What a picture gives.
#[derive(Debug)]
pub struct Done {
    /// What is known of it.
    pub picture: Picture,
    /// Its rows for each of [`Entry::files`]; none at all where it could not be used.
    pub tables: Vec<Table>,
    /// Why it is to be done again: it, or a heat map of it, could not be read just now.
    pub unread: Option<String>,
}

impl Done {
    /// What could not be read of it, if something could not.
    pub(super) fn unread(&self) -> Option<Skipped> {
        let reason = self.unread.clone()?;
        Some(Skipped { image: self.picture.image.clone(), reason })
    }
}

/// What surrounds the work on a picture.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// Says when to end.
    pub stop: &'a Stop,
    /// Is told what happens.
    pub observer: &'a dyn Observer,
    /// What an earlier try has left of this picture, and what is kept for the next one.
    pub begun: &'a Begun,
    /// Index of the picture in the data set.
    pub index: usize,
}

impl Work<'_> {
    /// True when what is in hand is to be dropped; what was kept is written then.
    pub fn is_over(&self) -> bool {
        let now = self.stop.is_now();
        if now {
            self.save();
        }
        now
    }

    /// Keeps rows of a kind for the next try, in case that this one is stopped.
    pub fn keep(&self, kind: &'static str, rows: &Table) {
        if self.begun.keep(kind, rows) {
            self.stop.kept();
        }
    }

    /// Tells that so many explanations of a picture are done.
    pub fn explained(&self, image: &str, number: usize) {
        (0..number).for_each(|_| self.observer.on(&Event::Curve { image: image.to_owned() }));
    }

    /// Writes what was kept.
    pub(super) fn save(&self) {
        if self.begun.save() {
            self.stop.kept();
        }
    }
}

/// The parts that are put together.
pub struct Gathered<'a> {
    /// Their numbers.
    pub parts: &'a BTreeSet<usize>,
    /// Their pictures, in the order of the plan.
    pub pictures: &'a [Picture],
    /// What could not be read.
    pub unread: Vec<Skipped>,
    /// How many parts are not there.
    pub missing: usize,
}

/// An experiment. All of it is a pure function of the plan and of [`Study::facts`].
pub trait Study: Sync {
    /// Its entry in the table of studies.
    fn entry(&self) -> &'static Entry;

    /// Whose pictures it goes through.
    fn plan(&self) -> &Plan;

    /// What decides about its results besides the plan; part of the manifest and, but for what stands below the key
    /// `path`, which says where something lies, of the digest.
    fn facts(&self) -> Option<Value> {
        None
    }

    /// The regions that it removes, for the manifest.
    fn regions(&self) -> &[Regions] {
        &[]
    }

    /// Names what is computed: two studies with the same digest give the same tables.
    fn digest(&self) -> String {
        let identity = serde_json::json!({
            "study": self.entry().name,
            "facts": self.facts().map(without_paths),
            "plan": self.plan().digest(),
        });
        hex(&Sha256::digest(identity.to_string()))
    }

    /// Said before the work begins: so many pictures, of which an earlier call finished some.
    fn begins(&self, pictures: usize, finished: usize) -> Event;

    /// Everything on one picture; `None` when stopped. What takes long may be kept piece by piece
    /// ([`Begun::keep`]), so that a stop loses little.
    fn picture(&self, subject: Subject, work: &Work<'_>) -> Option<Done>;

    /// Whether something of a part that is done failed.
    fn any_failed(&self, output: &Output, part: usize) -> Result<bool, RunError>;

    /// Writes the tables of the results from those of the parts, and counts what came out.
    fn collect(&self, output: &Output, gathered: Gathered<'_>) -> Result<Outcome, RunError>;
}

/// What a manifest says of the settings of a study; the defaults where it says nothing.
pub(super) fn settings<T: DeserializeOwned + Default>(
    facts: Option<&Value>,
) -> Result<T, PlanError> {
    let Some(facts) = facts else { return Ok(T::default()) };
    let wrong = |e: serde_json::Error| PlanError::Study { problem: format!("its settings: {e}") };
    T::deserialize(facts).map_err(wrong)
}

/// A value without what stands below keys `path`.
fn without_paths(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(key, _)| key != "path");
            kept.map(|(key, value)| (key, without_paths(value))).collect()
        }
        Value::Array(list) => list.into_iter().map(without_paths).collect(),
        other => other,
    }
}

/// Writes the rows of all parts as one table, as Parquet and CSV, with notes on its columns and `about` it; gives the
/// rows.
pub(super) fn whole<R: Record>(
    output: &Output,
    gathered: &Gathered<'_>,
    file: &PartFile,
    about: &[(&str, &str)],
) -> Result<Vec<R>, RunError> {
    let mut rows = Vec::new();
    for &part in gathered.parts {
        rows.extend(R::read(&output.root().join(file.path(part)))?);
    }
    let about = about.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let notes: BTreeMap<String, String> = R::notes().into_iter().chain(about).collect();
    let (table, path) = (R::table(&rows), output.root().join(file.prefix));
    table.write_parquet(&path.with_extension("parquet"), &notes)?;
    table.write_csv(&path.with_extension("csv"))?;
    Ok(rows)
}
