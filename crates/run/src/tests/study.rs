//! The frame of studies: what it does for the ranking it does for any other, here for the means of rows of pixels.

use super::{Noise, model, plan};
use crate::{
    config::Config,
    event::{Event, Observer, Silent},
    lock::Share,
    manifest::{Counts, Outcome},
    merge::{self, Extent},
    output::{self, Output, OutputError},
    plan::Plan,
    ranking::Ranking,
    runner::{self, RunError},
    shard::Asked,
    status::status,
    stop::Stop,
    study::{Done, Entry, Gathered, PartFile, Study, Work, begun},
    subject::Subject,
    table::{record, record::Record},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

record! {
    /// A row of pixels.
    #[derive(Clone, Debug, PartialEq)]
    struct Mean {
        /// the picture
        image: String,
        /// its row
        row: u64,
        /// mean of the pixels
        value: f64,
    }
}

const MEANS: PartFile = PartFile::of::<Mean>("parts", "means", true);

pub(crate) const ENTRY: Entry =
    Entry { name: "means", files: &[MEANS], build: |plan, _| Ok(Box::new(Means::of(plan))) };

/// Counts the rows that it has measured, and stops after some.
struct Means<'p> {
    plan: &'p Plan,
    measured: AtomicUsize,
    last: usize,
    stop: Stop,
}

impl<'p> Means<'p> {
    fn of(plan: &'p Plan) -> Means<'p> {
        Means { plan, measured: AtomicUsize::new(0), last: usize::MAX, stop: Stop::default() }
    }

    fn measured(&self) -> usize {
        self.measured.load(Ordering::Relaxed)
    }
}

impl Study for Means<'_> {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn plan(&self) -> &Plan {
        self.plan
    }

    fn begins(&self, pictures: usize, finished: usize) -> Event {
        Event::Explaining { pictures, finished, explanations: 1 }
    }

    fn picture(&self, subject: Subject, work: &Work<'_>) -> Option<Done> {
        let kept = work.begun.read("means").into_iter();
        let kept: BTreeMap<u64, Mean> = kept
            .flat_map(|mut table| Mean::take(&mut table).unwrap())
            .map(|mean| (mean.row, mean))
            .collect();
        let one = |(row, pixels): (usize, &[f32])| {
            if let Some(mean) = kept.get(&(row as u64)) {
                return Some(mean.clone());
            }
            if work.is_over() {
                return None;
            }
            let value = pixels.iter().map(|v| f64::from(*v)).sum::<f64>() / pixels.len() as f64;
            let mean = Mean { image: subject.id.clone(), row: row as u64, value };
            work.keep("means", &Mean::table(std::slice::from_ref(&mean)));
            if self.measured.fetch_add(1, Ordering::Relaxed) + 1 == self.last {
                self.stop.now_flag().store(true, Ordering::Relaxed);
            }
            Some(mean)
        };
        let rows = subject.picture.data.chunks(6).enumerate();
        let means = rows.map(one).collect::<Option<Vec<Mean>>>()?;
        let picture = crate::curves::used(self.plan, &subject);
        Some(Done { picture, tables: vec![Mean::table(&means)], unread: None })
    }

    fn any_failed(&self, _: &Output, _: usize) -> Result<bool, RunError> {
        Ok(false)
    }

    fn collect(&self, output: &Output, gathered: Gathered<'_>) -> Result<Outcome, RunError> {
        let mut all = Mean::growing(&output.root().join("means.parquet"));
        let mut rows = 0;
        for &part in gathered.parts {
            let means = Mean::read(&output.root().join(MEANS.path(part)))?;
            rows += means.len();
            all.append(&Mean::table(&means))?;
        }
        all.finish()?;
        Ok(Outcome::Other(Counts::of(gathered, [("rows", rows)])))
    }
}

/// Pictures, and the rows of all of them.
const PICTURES: usize = 5;
const ROWS: usize = 6 * PICTURES;

fn run_study(study: &Means<'_>, folder: &Path, share: Share) -> Result<Outcome, RunError> {
    let output = Output::open(folder, study, share).unwrap();
    match share {
        Share::Whole => runner::run(study, &output, &study.stop, &Silent),
        Share::Shard(_) => {
            runner::work(study, &output, &BTreeSet::new(), &study.stop, &Silent)?;
            Ok(Outcome::Other(Counts::of(nothing(), [])))
        }
    }
}

fn nothing() -> Gathered<'static> {
    const NO_PARTS: &BTreeSet<usize> = &BTreeSet::new();
    Gathered { parts: NO_PARTS, pictures: &[], unread: vec![], missing: 0 }
}

fn table(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("means.parquet")).unwrap()
}

fn pieces(folder: &Path) -> usize {
    let names = fs::read_dir(folder.join("parts")).unwrap().map(|e| e.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with(begun::PREFIX)).count()
}

#[test]
fn a_study_that_is_stopped_anywhere_goes_on_from_what_it_had() {
    let plan = plan(PICTURES, "");
    let folder = tempfile::tempdir().unwrap();
    let study = Means::of(&plan);
    let outcome = run_study(&study, folder.path(), Share::Whole).unwrap();
    assert_eq!((study.measured(), pieces(folder.path())), (ROWS, 0));
    let json = serde_json::to_value(&outcome).unwrap();
    assert_eq!((&json["pictures"], &json["rows"]), (&PICTURES.into(), &ROWS.into()));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for last in [1, 2, 7, 13, ROWS - 1] {
        let stopped = tempfile::tempdir().unwrap();
        let first = Means { last, ..Means::of(&plan) };
        let error = pool.install(|| run_study(&first, stopped.path(), Share::Whole)).unwrap_err();
        assert!(matches!(error, RunError::Interrupted { .. }), "{error}");
        assert_eq!(first.measured(), last);
        assert_eq!(pieces(stopped.path()), usize::from(last % 6 != 0), "of the picture in hand");
        let second = Means::of(&plan);
        run_study(&second, stopped.path(), Share::Whole).unwrap();
        assert_eq!(second.measured(), ROWS - last, "nothing is measured twice");
        assert_eq!((table(stopped.path()), pieces(stopped.path())), (table(folder.path()), 0));
    }
}

#[test]
fn a_study_is_done_in_shards_and_merged() {
    let plan = plan(PICTURES, "");
    let whole = tempfile::tempdir().unwrap();
    run_study(&Means::of(&plan), whole.path(), Share::Whole).unwrap();
    let study = Means::of(&plan);
    let shards = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let folders: Vec<_> = shards.iter().map(|folder| folder.path().to_owned()).collect();
    for (i, folder) in folders.iter().enumerate() {
        assert!(i == 0 || merge::find(&folders[..i], &study, Extent::Whole).is_err());
        let shard = format!("{i}/2").parse::<Asked>().unwrap().shard(None).unwrap();
        run_study(&study, folder, Share::Shard(shard)).unwrap();
    }
    let told = status(&folders, None).unwrap();
    assert_eq!((told.parts, told.done, told.complete), (PICTURES, PICTURES, false));
    let target = tempfile::tempdir().unwrap();
    let found = merge::find(&folders, &study, Extent::Whole).unwrap();
    let output = Output::open(target.path(), &study, Share::Whole).unwrap();
    found.bring(&output).unwrap();
    runner::collect(&study, &output, &found.parts()).unwrap();
    assert_eq!(table(target.path()), table(whole.path()));
}

#[test]
fn a_folder_of_one_study_is_not_that_of_another() {
    let plan = plan(2, "");
    let folder = tempfile::tempdir().unwrap();
    run_study(&Means::of(&plan), folder.path(), Share::Whole).unwrap();
    let error = Output::open(folder.path(), &Ranking::of(&plan), Share::Whole).err().unwrap();
    assert!(matches!(error, OutputError::OtherRun { .. }), "{error}");
    assert!(error.to_string().ends_with("it is of the study `means` there and `ranking` here"));
    let manifest = output::read_manifest(folder.path()).unwrap().unwrap();
    assert_eq!(manifest.model.id, "linear-linear");
    assert!(manifest.engine.is_empty() && manifest.protocol.regions.is_none());
    assert!(manifest.is_whole());
}

/// Says stop when so much has begun.
struct Limit {
    begun: AtomicUsize,
    last: usize,
    stop: Stop,
}

impl Observer for Limit {
    fn on(&self, event: &Event) {
        let counts = matches!(event, Event::Method { .. });
        if counts && self.begun.fetch_add(1, Ordering::Relaxed) + 1 == self.last {
            self.stop.now_flag().store(true, Ordering::Relaxed);
        }
    }
}

/// The files of the parts of a ranking that must be the same bytes.
fn parts(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files =
        ["curves", "parts"].into_iter().flat_map(|name| fs::read_dir(folder.join(name)).unwrap());
    let files = files
        .map(|e| e.unwrap())
        .filter(|e| !e.file_name().to_string_lossy().starts_with("timings"));
    files.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect()
}

#[test]
fn a_ranking_that_is_stopped_in_the_middle_of_a_picture_keeps_what_is_done() {
    let more = "methods = 'random,gradient,kernel-shap:samples=2,lrp-zero'\nmetrics = 'sparseness'\nverify = 0.5\n\
                record = 'all'\nregion = '2,3'";
    let config = format!("model = 'linear'\ndata = 'noise'\nrepeats = 2\n{more}");
    let config = Config::load(None, config.parse().unwrap()).unwrap();
    let plan = Plan::with(config, model(), Box::new(Noise(2)), vec![], &Stop::default()).unwrap();
    let study = Ranking::of(&plan);
    let go = |folder: &Path, last: usize| {
        let limit = Limit { begun: AtomicUsize::new(0), last, stop: Stop::default() };
        let output = Output::open(folder, &study, Share::Whole).unwrap();
        (runner::run(&study, &output, &limit.stop, &limit), limit.begun.into_inner())
    };
    let whole = tempfile::tempdir().unwrap();
    let (outcome, all) = go(whole.path(), usize::MAX);
    let outcome = outcome.unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for last in 1..all {
        let folder = tempfile::tempdir().unwrap();
        let (stopped, first) = pool.install(|| go(folder.path(), last));
        assert!(matches!(stopped, Err(RunError::Interrupted { .. })), "{last}");
        let (resumed, second) = go(folder.path(), usize::MAX);
        assert_eq!(resumed.unwrap(), outcome, "{last}");
        // only a method in whose curves it was stopped begins twice
        assert!(first + second <= all + 1, "{last}: {first} and {second} of {all}");
        assert_eq!(parts(folder.path()), parts(whole.path()), "{last}");
    }
}
