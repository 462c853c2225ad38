//! Reading back what runs have written.

use super::{
    manifest::Manifest,
    measure::Measure,
    picture::Picture,
    record::{self, AllLogits, Row, Timing},
};
use crate::{
    eval::order::Order,
    table::{TableError, record::Record},
};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

/// Records of one or several runs that belong together.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// One row per curve.
    pub rows: Vec<Row>,
    /// Measured times; empty where they were not kept.
    pub timings: Vec<Timing>,
    /// Metrics of heat maps; empty where they were not kept.
    pub metrics: Vec<Measure>,
    /// What is known of each picture; empty where it was not kept.
    pub pictures: Vec<Picture>,
    /// The manifests that were found, in the order of the paths.
    pub manifests: Vec<Manifest>,
}

/// Why results cannot be read together.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// A table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A part of the curves that cannot be read.
    #[error("{0}; if a run wrote it, delete it and repeat the run, which makes missing parts anew")]
    Part(TableError),
    /// Fewer or more curves than the manifest counts.
    #[error(
        "`{}` holds {found} curves, its manifest counts {expected}: parts of the run are missing; \
         repeat the run, which makes them anew", .path.display()
    )]
    Count {
        /// The folder.
        path: PathBuf,
        /// Curves that were found.
        found: usize,
        /// Curves that there were.
        expected: usize,
    },
    /// A path that holds no results.
    #[error(
        "`{}` holds no results: a folder that `pixelflip run` has written is needed, or a \
         .parquet file with its curves", .path.display()
    )]
    Nothing {
        /// The path.
        path: PathBuf,
    },
    /// A manifest that cannot be understood.
    #[error("`{}` is not the manifest of a run: {reason}", .path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Runs that measured different things.
    #[error(
        "`{}` and `{}` cannot be ranked together, their {what} differ; rank them one by one, or \
         compare them with `pixelflip diff`", .first.display(), .second.display()
    )]
    Mixed {
        /// The first run.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// What differs, in words.
        what: &'static str,
    },
    /// A picture of one id and other content than in a run before.
    #[error(
        "`{}` cannot be ranked together with what is named before it: its picture `{image}` has another \
         content there; rank them one by one, or compare them with `pixelflip diff`", .second.display()
    )]
    OtherPicture {
        /// The run.
        second: PathBuf,
        /// The picture.
        image: String,
    },
}

/// The words for what must be the same in runs that are ranked together, and whether it differs.
type Compared = (&'static str, fn(&Manifest, &Manifest) -> bool);

/// What must be the same in runs that are ranked together.
const SAME: &[Compared] = &[
    ("models", |a, b| a.model.digest != b.model.digest),
    ("data", |a, b| a.data.fingerprint != b.data.fingerprint),
    ("preprocessing", |a, b| a.config.preprocess != b.config.preprocess),
    ("targets", |a, b| a.config.target != b.config.target),
    ("grids (`remainder`)", |a, b| a.config.remainder != b.config.remainder),
    ("versions of the results", |a, b| a.results_version != b.results_version),
];

/// Reads the results at these paths: folders of runs, folders of curves, or files with curves.
pub fn load(paths: &[PathBuf], logits: AllLogits) -> Result<Loaded, ResultsError> {
    let mut all = Loaded::default();
    let mut first: Option<(PathBuf, Manifest)> = None;
    let mut contents: BTreeMap<String, String> = BTreeMap::new();
    for path in paths {
        let one = load_one(path, logits)?;
        if let Some(changed) = changed(&contents, &one.pictures) {
            return Err(ResultsError::OtherPicture { second: path.clone(), image: changed });
        }
        let known = one.pictures.iter().filter_map(|p| Some((p.image.clone(), p.content.clone()?)));
        contents.extend(known);
        for manifest in &one.manifests {
            match &first {
                None => first = Some((path.clone(), manifest.clone())),
                Some((other, theirs)) => same(other, theirs, path, manifest)?,
            }
        }
        let new = unknown(&all.rows, one.rows);
        all.rows.extend(new);
        all.timings.extend(one.timings);
        all.metrics.extend(one.metrics);
        all.pictures.extend(one.pictures);
        all.manifests.extend(one.manifests);
    }
    Ok(all)
}

/// The first picture that is known with another content.
fn changed(known: &BTreeMap<String, String>, pictures: &[Picture]) -> Option<String> {
    let other = |p: &&Picture| {
        let (then, now) = (known.get(&p.image), p.content.as_ref());
        then.zip(now).is_some_and(|(then, now)| then != now)
    };
    pictures.iter().find(other).map(|p| p.image.clone())
}

/// Where a curve belongs, but for its score kind.
type Cell<'a> = (&'a str, &'a str, &'a str, Order, u64, u64, u64);

fn key(r: &Row) -> Cell<'_> {
    (&r.image, &r.method, &r.perturbation, r.order, r.region, r.repeat, r.seed)
}

/// The rows that are not there already, to the last bit: runs of different methods share the curves of
/// the random order.
fn unknown(known: &[Row], mut rows: Vec<Row>) -> Vec<Row> {
    let mut there: HashMap<Cell<'_>, Vec<&Row>> = HashMap::new();
    known.iter().for_each(|row| there.entry(key(row)).or_default().push(row));
    rows.retain(|row| there.get(&key(row)).is_none_or(|same| !same.contains(&row)));
    rows
}

fn same(a: &Path, left: &Manifest, b: &Path, right: &Manifest) -> Result<(), ResultsError> {
    let differs = SAME.iter().find(|(_, differ)| differ(left, right));
    differs.map_or(Ok(()), |(what, _)| {
        Err(ResultsError::Mixed { first: a.to_owned(), second: b.to_owned(), what })
    })
}

fn load_one(path: &Path, logits: AllLogits) -> Result<Loaded, ResultsError> {
    let nothing = || ResultsError::Nothing { path: path.to_owned() };
    if path.is_file() {
        let rows = match path.file_name().and_then(|name| name.to_str()) {
            Some("manifest.json") => {
                return load_one(path.parent().unwrap_or(Path::new(".")), logits);
            }
            Some(name) if name.ends_with(".parquet") => record::read_curves(path, logits)?,
            _ => return Err(nothing()),
        };
        return Ok(Loaded { rows, ..Loaded::default() });
    }
    let curves = path.join("curves");
    let folder = if curves.is_dir() { &curves } else { path };
    // the other tables of a run are no curves
    let bare = folder == path && path.join("manifest.json").is_file();
    let rows = if folder.is_dir() && !bare {
        record::read_folder(folder, logits).map_err(ResultsError::Part)?
    } else {
        Vec::new()
    };
    if rows.is_empty() {
        return Err(nothing());
    }
    let timings = path.join("timings.parquet");
    let timings = if timings.is_file() { Timing::read(&timings)? } else { Vec::new() };
    let metrics = path.join("metrics.parquet");
    let metrics = if metrics.is_file() { Measure::read(&metrics)? } else { Vec::new() };
    let pictures = path.join("pictures.parquet");
    let pictures = if pictures.is_file() { Picture::read(&pictures)? } else { Vec::new() };
    let manifest = path.join("manifest.json");
    let manifests = if manifest.is_file() { vec![read_manifest(&manifest)?] } else { Vec::new() };
    let results = manifests.first().and_then(Manifest::ranking);
    if let Some(expected) = results.map(|r| r.curves).filter(|n| *n != rows.len()) {
        return Err(ResultsError::Count { path: path.to_owned(), found: rows.len(), expected });
    }
    Ok(Loaded { rows, timings, metrics, pictures, manifests })
}

fn read_manifest(path: &Path) -> Result<Manifest, ResultsError> {
    let wrong = |reason: String| ResultsError::Manifest { path: path.to_owned(), reason };
    let bytes = fs::read(path).map_err(|e| wrong(e.to_string()))?;
    Manifest::parse(&bytes).map_err(|e| wrong(e.to_string()))
}
