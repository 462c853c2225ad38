//! The study that ranks methods: all of them explain each picture, then regions are removed in the orders of their
//! heat maps.

use super::{
    accuracy::{Accuracy, Hits},
    classes, config, curves,
    estimate::EXHIBITS,
    event::{Event, Observer},
    gallery::{self, Exhibit, Shown},
    identity::{self, Identities},
    manifest::{Outcome, Results, Skipped, Tally},
    measure::Measure,
    output::Output,
    picture::Picture,
    plan::Plan,
    record::{self, AllLogits, Row, Timing},
    runner::{self, RunError},
    stop::Stop,
    study::{Done, Entry, Gathered, PartFile, Study, Work, begun::Begun},
    subject::Subject,
};
use crate::{
    base::unit::Regions,
    table::{Growing, record::Record},
};
use rayon::prelude::*;
use std::{collections::BTreeSet, path::Path, sync::OnceLock};

/// In the table of studies.
pub const ENTRY: Entry = Entry {
    name: "ranking",
    files: &[METRICS, TIMINGS, gallery::PART, CURVES],
    build: |plan, _| Ok(Box::new(Ranking::of(plan))),
};

/// File with the metrics of a part's heat maps.
const METRICS: PartFile = PartFile::identified::<Measure>("parts", "metrics", true);

/// File with the times of a part.
const TIMINGS: PartFile = PartFile::identified::<Timing>("parts", "timings", false);

/// File with the curves of a part.
const CURVES: PartFile = PartFile::identified::<Row>("curves", "part", true);

/// The ranking of the methods of a plan.
pub struct Ranking<'p> {
    plan: &'p Plan,
    /// Indices of the pictures that people are shown.
    shown: BTreeSet<usize>,
    identities: OnceLock<Identities>,
}

impl<'p> Ranking<'p> {
    /// Of a plan, which is all that it depends on.
    pub fn of(plan: &'p Plan) -> Ranking<'p> {
        Ranking::showing(plan, EXHIBITS)
    }

    /// The same with so many pictures in the gallery, which is no part of the results.
    pub fn showing(plan: &'p Plan, pictures: usize) -> Ranking<'p> {
        let identities = OnceLock::new();
        Ranking { plan, shown: gallery::chosen(plan, pictures), identities }
    }

    /// Writes what people are shown of these pictures. What an earlier run has left out, or was lost, is explained
    /// once more.
    fn show(&self, output: &Output, gathered: &Gathered<'_>) -> Result<(), RunError> {
        let mut rows = gallery::there(output, gathered.parts)?;
        let used = gathered.pictures.iter().filter(|p| p.skipped.is_none());
        let used: BTreeSet<&str> = used.map(|p| &p.image[..]).collect();
        let lacks = |&&index: &&usize| {
            let image = self.plan.data.id(index);
            used.contains(&image[..]) && !rows.contains_key(&image)
        };
        let missing: Vec<usize> = self.shown.iter().filter(lacks).copied().collect();
        let again = |index: usize| curves::exhibit_again(self.plan, index);
        let again: Vec<Exhibit> = missing.into_par_iter().filter_map(again).collect();
        rows.extend(again.iter().map(|exhibit| (exhibit.image.clone(), gallery::rows(exhibit))));
        let in_order = self.plan.images.iter().filter_map(|&i| rows.remove(&self.plan.data.id(i)));
        let all: Vec<Shown> = in_order.flatten().collect();
        Ok(Shown::write(&output.root().join(gallery::FILE), &all)?)
    }
}

impl Study for Ranking<'_> {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn plan(&self) -> &Plan {
        self.plan
    }

    fn regions(&self) -> &[Regions] {
        &self.plan.regions
    }

    fn digest(&self) -> String {
        self.plan.digest()
    }

    fn begins(&self, pictures: usize, finished: usize) -> Event {
        let (curves, masked) =
            (self.plan.curves_per_picture(), self.plan.masked_curves_per_picture());
        Event::Started { pictures, finished, curves, masked }
    }

    fn picture(&self, subject: Subject, work: &Work<'_>) -> Option<Done> {
        let shown = self.shown.contains(&work.index);
        let done = curves::measured(self.plan, subject, shown, work)?;
        let whose = self.identities();
        let tables = vec![
            whose.table(&done.metrics, |m| &m.method),
            whose.table(&done.timings, |t| &t.method),
            Shown::table(&done.exhibit.as_ref().map_or_else(Vec::new, gallery::rows)),
            whose.table(&done.rows, |r| &r.method),
        ];
        Some(Done { picture: done.picture, tables, unread: done.unread })
    }

    fn any_failed(&self, output: &Output, part: usize) -> Result<bool, RunError> {
        Ok(record::any_failed(&output.root().join(CURVES.path(part)))?)
    }

    fn collect(&self, output: &Output, gathered: Gathered<'_>) -> Result<Outcome, RunError> {
        let whose = self.identities();
        let mut metrics = growing::<Measure>(&output.metrics());
        let mut timings = growing::<Timing>(&output.timings());
        let (mut tally, mut hits) = (Tally::default(), Hits::of(gathered.pictures));
        let keeps_logits = self.plan.record == config::Record::All;
        let file = |kind: &PartFile, part: usize| output.root().join(kind.path(part));
        for &part in gathered.parts {
            let rows = Measure::read(&file(&METRICS, part))?;
            metrics.append(&whose.table(&rows, |m| &m.method))?;
            let rows = Timing::read(&file(&TIMINGS, part))?;
            timings.append(&whose.table(&rows, |t| &t.method))?;
            let logits = if keeps_logits { AllLogits::Read } else { AllLogits::Skip };
            let curves = record::read_curves(&file(&CURVES, part), logits)?;
            tally.add(&curves);
            hits.add(&curves);
        }
        write_accuracy(output, &hits)?;
        metrics.finish()?;
        timings.finish()?;
        self.show(output, &gathered)?;
        let doubts = self.plan.doubts(gathered.pictures);
        let results = Results::of(gathered.pictures, tally, self.plan.model.graph.classes());
        let mean_ap = self.write_classes(output, gathered.pictures)?;
        let (unread, missing_parts) = (gathered.unread, gathered.missing);
        Ok(Outcome::Ranking(Results { unread, mean_ap, doubts, missing_parts, ..results }))
    }
}

/// Writes the accuracy after removals, where the logits of all classes were recorded and pictures have labels.
fn write_accuracy(output: &Output, hits: &Hits) -> Result<(), RunError> {
    let rows = hits.rows();
    if rows.is_empty() {
        return Ok(());
    }
    let table = Accuracy::table(&rows);
    table.write_parquet(&output.accuracy("parquet"), &Accuracy::notes())?;
    Ok(table.write_csv(&output.accuracy("csv"))?)
}

/// A file of rows, behind the columns that say whose they are.
fn growing<R: Record>(path: &Path) -> Growing {
    Growing::new(path, identity::notes_of::<R>(&identity::empty::<R>()))
}

impl Ranking<'_> {
    fn identities(&self) -> &Identities {
        self.identities.get_or_init(|| Identities::of(&self.digest(), self.plan))
    }

    /// Writes the table of classes, where pictures show several; their mean average precision.
    fn write_classes(
        &self,
        output: &Output,
        pictures: &[Picture],
    ) -> Result<Option<f64>, RunError> {
        let plan = self.plan;
        if !plan.has_label_sets {
            return Ok(None);
        }
        let names = plan.class_names().unwrap_or_default();
        let rows = classes::by_class(pictures, plan.model.graph.head(), names);
        let note = |(name, help): &(&str, &str)| (format!("column {name}"), (*help).to_owned());
        let table = classes::table(&rows);
        table.write_parquet(
            &output.classes("parquet"),
            &classes::NOTES.iter().map(note).collect(),
        )?;
        table.write_csv(&output.classes("csv"))?;
        Ok(classes::mean_precision(&rows))
    }
}

/// Everything that was measured, in the order of the files.
#[derive(Debug)]
pub struct Records {
    /// One row per curve, without the logits of all classes.
    pub rows: Vec<Row>,
    /// Counts and accuracy.
    pub results: Results,
}

/// Does what is not done yet of the ranking of a plan, and collects everything; [`runner::run`].
pub fn run(
    plan: &Plan,
    output: &Output,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Records, RunError> {
    let outcome = runner::run(&Ranking::of(plan), output, stop, observer)?;
    let Outcome::Ranking(results) = outcome else { unreachable!("of the ranking") };
    let rows = record::read_folder(&output.curves(), AllLogits::Skip)?;
    Ok(Records { rows, results })
}

/// Does everything and keeps it in memory; nothing is written.
pub fn measure(plan: &Plan, stop: &Stop, observer: &dyn Observer) -> Result<Records, RunError> {
    runner::check_pictures(plan, stop, observer)?;
    let (count, study) = (plan.images.len(), Ranking::showing(plan, 0));
    observer.on(&study.begins(count, 0));
    let nothing = |_: Option<&str>| Begun::default();
    let one = |&index: &usize| runner::one_picture(&study, index, stop, observer, nothing).0;
    let done = plan.images.par_iter().map(one).collect::<Option<Vec<Done>>>();
    let done = done.ok_or_else(|| runner::interrupted(stop, 0, count))?;
    let unread: Vec<Skipped> = done.iter().filter_map(Done::unread).collect();
    let (mut pictures, mut rows, mut tally) = (Vec::new(), Vec::new(), Tally::default());
    for Done { picture, mut tables, .. } in done {
        let mut more = match tables.pop() {
            Some(mut table) => Row::take(&mut table).expect("made of rows"),
            None => Vec::new(),
        };
        tally.add(&more);
        rows.append(&mut more);
        pictures.push(picture);
    }
    if let Some(reason) = runner::no_picture(&pictures) {
        return Err(RunError::NoPictures { count, reason, momentary: !unread.is_empty() });
    }
    let doubts = plan.doubts(&pictures);
    let results = Results::of(&pictures, tally, plan.model.graph.classes());
    Ok(Records { rows, results: Results { unread, doubts, ..results } })
}
