//! The record of an experiment: one row per curve, one row per measured time.

use crate::{
    base::registry::SpecError,
    eval::{curve::ScoreKind, order::Order},
    nn::head::Head,
    table::{Cell, Column, Growing, Table, TableError},
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

/// One curve, or the reason why there is none. Class indices start at 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Path of the picture relative to the data root, `/`-separated, or a generated name.
    pub image: String,
    /// Its class, where known.
    pub label: Option<u64>,
    /// The class the network predicts for the untouched picture.
    pub predicted: Option<u64>,
    /// Whether the network says the label ([`Head::says`]); null without a label, and for an output
    /// that says no class.
    pub right: Option<bool>,
    /// The class whose score is followed.
    pub target: Option<u64>,
    /// Canonical name of the method.
    pub method: String,
    /// Which regions went first.
    pub order: Order,
    /// Canonical name of the perturbation.
    pub perturbation: String,
    /// Side of a region in pixels.
    pub region: u64,
    /// Number of the noise image, from 0.
    pub repeat: u64,
    /// The experiment's seed.
    pub seed: u64,
    /// What the network's outputs mean.
    pub head: Head,
    /// What the scores are.
    pub score_kind: ScoreKind,
    /// The target's score after 0, 1, ..., `L` removed regions, or after so many as `removed` says; null
    /// for a failed cell.
    pub scores: Option<Vec<f32>>,
    /// How many regions are gone at each score, 0 first; null where these are 0, 1, ..., `L`.
    pub removed: Option<Vec<u32>>,
    /// The logits of all classes, step after step: `(L + 1) * classes` values; null unless recorded.
    pub all_logits: Option<Vec<f32>>,
    /// Share of all regions whose score another region has too, so that their place is chance
    /// ([`crate::eval::order::tied_fraction`]); null for the random order, which has no scores.
    pub tied_fraction: Option<f64>,
    /// Multiply-adds spent on the curve.
    pub macs: Option<u64>,
    /// Whether there is a curve.
    pub status: Status,
    /// Why a cell failed, or why something is null.
    pub reason: Option<String>,
}

impl Row {
    /// True where every region has the score of another one, so that the place of each is chance: of an
    /// all-zero map, of a constant one, and of one with few values.
    pub fn is_all_tied(&self) -> bool {
        self.tied_fraction.is_some_and(|share| share >= 1.0)
    }
}

/// What became of one cell of the experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is a curve.
    Ok,
    /// There is none; `reason` says why.
    Failed,
}

impl Status {
    /// Name in the column.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Failed => "failed",
        }
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Status, String> {
        let known = [Status::Ok, Status::Failed].into_iter().find(|s| s.name() == text);
        known.ok_or_else(|| format!("unknown status `{text}`"))
    }
}

/// The column of stops and what is written down of it: it is there where a run has stops.
const REMOVED: (&str, &str) = ("removed", "how many regions are gone at each score");

/// What is written down of each column, as key-value metadata of the file.
const CURVE_NOTES: &[(&str, &str)] = &[
    ("image", "path relative to the data root, /-separated, or a generated name"),
    ("label", "class index; null where unknown"),
    ("predicted", "class predicted for the untouched picture"),
    (
        "right",
        "1 where the label is predicted (with a sigmoid per class: its logit is above 0), else 0; null \
         without",
    ),
    ("target", "class whose score is followed"),
    ("method", "canonical name, with all parameters"),
    ("order", "morf = most relevant regions first, lerf = the reverse"),
    ("perturbation", "canonical name, with all parameters"),
    ("region", "side of a region in pixels"),
    ("repeat", "number of the noise image, from 0"),
    ("seed", "seed of the experiment"),
    ("head", "softmax, sigmoid (one per class), one-logit (of two classes) or values (no logits)"),
    ("score_kind", "logit, or probability (softmax) of the target by the head"),
    ("scores", "the target's score after 0, 1, ..., L removed regions; null if the cell failed"),
    ("all_logits", "all classes' logits, step after step: (L + 1) * classes; null unless recorded"),
    (
        "tied_fraction",
        "share of all regions whose score another region has too, so their place is chance; null for random",
    ),
    ("macs", "multiply-adds spent on the curve"),
    ("status", "ok or failed"),
    ("reason", "why a cell failed or a value is null"),
];

/// One measured time. Kept apart from the curves, which are the same bytes in every run.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Which picture.
    pub image: String,
    /// Canonical name of the method.
    pub method: String,
    /// What was timed: `explain` (once per picture and method; `read` for heat maps from files),
    /// `flip` (one curve), `prepare` (decoding and preprocessing) or `forward` (a full pass), the last
    /// two of the method `model`.
    pub stage: String,
    /// Canonical name of the perturbation; null for `explain`.
    pub perturbation: Option<String>,
    /// Side of a region in pixels; null for `explain`.
    pub region: Option<u64>,
    /// Which regions went first; null for `explain`.
    pub order: Option<Order>,
    /// Number of the noise image; null for `explain`.
    pub repeat: Option<u64>,
    /// Elapsed time.
    pub seconds: f64,
}

const TIMING_NOTES: &[(&str, &str)] = &[
    ("image", "as in the curves"),
    ("method", "as in the curves; model for prepare and forward"),
    (
        "stage",
        "explain (read for files), flip (one curve), prepare (decoding and preprocessing) or \
         forward (a full pass)",
    ),
    ("perturbation", "as in the curves; null for explain"),
    ("region", "as in the curves; null for explain"),
    ("order", "as in the curves; null for explain"),
    ("repeat", "as in the curves; null for explain"),
    ("seconds", "elapsed time"),
];

/// Whether to read the logits of all classes, which are most of a file where they were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllLogits {
    /// As recorded.
    Read,
    /// Leave the column null.
    Skip,
}

/// Writes curves as one Parquet file, whole or not at all.
pub fn write_curves(path: &Path, rows: &[Row]) -> Result<(), TableError> {
    let stops = has_stops(rows).then_some(REMOVED);
    let columns: Vec<(&str, &str)> = CURVE_NOTES.iter().copied().chain(stops).collect();
    curves_table(rows).write_parquet(path, &notes(&columns))
}

fn has_stops(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.removed.is_some())
}

/// Rows with the other kind of score (softmax for logit, logit for softmax), for those that recorded
/// the logits of all classes; values without probabilities have none.
pub fn other_scores(rows: &[Row]) -> Vec<Row> {
    rows.iter().filter_map(other_score).collect()
}

fn other_score(row: &Row) -> Option<Row> {
    let (logits, scores) = (row.all_logits.as_ref()?, row.scores.as_ref()?);
    let classes = logits.len() / scores.len().max(1);
    let target = usize::try_from(row.target?).ok().filter(|t| *t < classes)?;
    let steps = logits.chunks_exact(classes);
    let (score_kind, scores) = match row.score_kind {
        ScoreKind::Logit => {
            let probabilities = steps.map(|step| row.head.probability(step, target));
            (ScoreKind::Softmax, probabilities.collect::<Option<Vec<f32>>>()?)
        }
        ScoreKind::Softmax => (ScoreKind::Logit, steps.map(|step| step[target]).collect()),
    };
    Some(Row { score_kind, scores: Some(scores), all_logits: None, ..row.clone() })
}

/// A file of times that grows part by part.
pub fn growing_timings(path: &Path) -> Growing {
    Growing::new(path, notes(TIMING_NOTES))
}

/// Writes times as one Parquet file, whole or not at all.
pub fn write_timings(path: &Path, rows: &[Timing]) -> Result<(), TableError> {
    timings_table(rows).write_parquet(path, &notes(TIMING_NOTES))
}

/// Reads the curves of one file.
pub fn read_curves(path: &Path, logits: AllLogits) -> Result<Vec<Row>, TableError> {
    let names: Vec<&str> = CURVE_NOTES.iter().chain([&REMOVED]).map(|(name, _)| *name).collect();
    let wanted = |name: &&str| logits == AllLogits::Read || *name != "all_logits";
    let names: Vec<&str> = names.into_iter().filter(wanted).collect();
    let table = Table::read_parquet(path, Some(&names))?;
    rows(table, logits).map_err(|problem| TableError::Content { path: path.to_owned(), problem })
}

/// Whether a curve of one file failed; reads no scores.
pub fn any_failed(path: &Path) -> Result<bool, TableError> {
    let mut table = Table::read_parquet(path, Some(&["status"]))?;
    let status = names::<Status>(&mut table, "status");
    let mut status =
        status.map_err(|problem| TableError::Content { path: path.to_owned(), problem })?;
    Ok(status.any(|s| s == Status::Failed))
}

/// Reads the curves of all `*.parquet` files in a folder, in the order of their names.
pub fn read_folder(folder: &Path, logits: AllLogits) -> Result<Vec<Row>, TableError> {
    let mut rows = Vec::new();
    for path in files(folder)? {
        rows.extend(read_curves(&path, logits)?);
    }
    Ok(rows)
}

/// All `*.parquet` files in a folder, in the order of their names.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, TableError> {
    let unreadable = |source| TableError::Io { action: "read", path: folder.to_owned(), source };
    let paths = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|e| e.path())).collect::<io::Result<Vec<PathBuf>>>()
    });
    let mut paths = paths.map_err(unreadable)?;
    paths.retain(|path| path.extension().is_some_and(|e| e == "parquet"));
    paths.sort();
    Ok(paths)
}

/// Reads the times of one file.
pub fn read_timings(path: &Path) -> Result<Vec<Timing>, TableError> {
    let table = Table::read_parquet(path, None)?;
    timings(table).map_err(|problem| TableError::Content { path: path.to_owned(), problem })
}

fn notes(columns: &[(&str, &str)]) -> BTreeMap<String, String> {
    columns.iter().map(|(name, help)| (format!("column {name}"), (*help).to_owned())).collect()
}

/// Curves as the table that is written.
pub fn curves_table(rows: &[Row]) -> Table {
    let mut t = Table::default();
    t.push("image", text(rows, |r| &r.image));
    t.push("label", Column::Integer(rows.iter().map(|r| r.label).collect()));
    t.push("predicted", Column::Integer(rows.iter().map(|r| r.predicted).collect()));
    let right = rows.iter().map(|r| r.right.map(u64::from)).collect();
    t.push("right", Column::Integer(right));
    t.push("target", Column::Integer(rows.iter().map(|r| r.target).collect()));
    t.push("method", text(rows, |r| &r.method));
    t.push("order", text(rows, |r| r.order.name()));
    t.push("perturbation", text(rows, |r| &r.perturbation));
    t.push("region", Column::Integer(rows.iter().map(|r| Some(r.region)).collect()));
    t.push("repeat", Column::Integer(rows.iter().map(|r| Some(r.repeat)).collect()));
    t.push("seed", Column::Integer(rows.iter().map(|r| Some(r.seed)).collect()));
    t.push("head", text(rows, |r| r.head.name()));
    t.push("score_kind", text(rows, |r| r.score_kind.name()));
    t.push("scores", Column::Floats(rows.iter().map(|r| r.scores.clone()).collect()));
    t.push("all_logits", Column::Floats(rows.iter().map(|r| r.all_logits.clone()).collect()));
    t.push("tied_fraction", Column::Float(rows.iter().map(|r| r.tied_fraction).collect()));
    t.push("macs", Column::Integer(rows.iter().map(|r| r.macs).collect()));
    t.push("status", text(rows, |r| r.status.name()));
    t.push("reason", Column::Text(rows.iter().map(|r| r.reason.clone()).collect()));
    if has_stops(rows) {
        // whole numbers up to 2^24 are exact in single precision; inputs have fewer units
        let list = |counts: &Vec<u32>| counts.iter().map(|n| *n as f32).collect();
        let stops = rows.iter().map(|r| r.removed.as_ref().map(list));
        t.push(REMOVED.0, Column::Floats(stops.collect()));
    }
    t
}

pub(super) fn timings_table(rows: &[Timing]) -> Table {
    let order = |r: &Timing| r.order.map(|o| o.name().to_owned());
    let mut t = Table::default();
    t.push("image", text(rows, |r| &r.image));
    t.push("method", text(rows, |r| &r.method));
    t.push("stage", text(rows, |r| &r.stage));
    t.push("perturbation", Column::Text(rows.iter().map(|r| r.perturbation.clone()).collect()));
    t.push("region", Column::Integer(rows.iter().map(|r| r.region).collect()));
    t.push("order", Column::Text(rows.iter().map(order).collect()));
    t.push("repeat", Column::Integer(rows.iter().map(|r| r.repeat).collect()));
    t.push("seconds", Column::Float(rows.iter().map(|r| Some(r.seconds)).collect()));
    t
}

fn text<R>(rows: &[R], value: impl Fn(&R) -> &str) -> Column {
    Column::Text(rows.iter().map(|r| Some(value(r).to_owned())).collect())
}

/// Values of a column, one after the other.
fn cells<T: Cell>(
    t: &mut Table,
    name: &str,
) -> Result<impl Iterator<Item = Option<T>> + use<T>, String> {
    Ok(t.take::<T>(name)?.into_iter())
}

/// Values of a column without nulls, one after the other.
fn full<T: Cell>(t: &mut Table, name: &str) -> Result<impl Iterator<Item = T> + use<T>, String> {
    Ok(t.take_all::<T>(name)?.into_iter())
}

/// Values of a column of names.
fn names<T>(t: &mut Table, name: &str) -> Result<impl Iterator<Item = T> + use<T>, String>
where
    T: FromStr<Err: ToString>,
{
    let parse = |text: String| text.parse().map_err(|e: T::Err| e.to_string());
    let values: Result<Vec<T>, String> =
        t.take_all::<String>(name)?.into_iter().map(parse).collect();
    Ok(values?.into_iter())
}

fn rows(mut t: Table, logits: AllLogits) -> Result<Vec<Row>, String> {
    let count = t.rows();
    let mut image = full(&mut t, "image")?;
    let mut label = cells(&mut t, "label")?;
    let mut predicted = cells(&mut t, "predicted")?;
    // records had no such columns once, and networks no other head
    let is_new = t.schema().iter().any(|(name, _)| *name == "head");
    let rights = if is_new { t.take::<u64>("right")? } else { vec![] };
    let mut rights = rights.into_iter();
    let mut target = cells(&mut t, "target")?;
    let mut method = full(&mut t, "method")?;
    let mut order = names(&mut t, "order")?;
    let mut perturbation = full(&mut t, "perturbation")?;
    let mut region = full(&mut t, "region")?;
    let mut repeat = full(&mut t, "repeat")?;
    let mut seed = full(&mut t, "seed")?;
    let heads = if is_new { names(&mut t, "head")?.collect() } else { vec![Head::Softmax; count] };
    let mut head = heads.into_iter();
    let mut score_kind = names(&mut t, "score_kind")?;
    let mut scores = cells(&mut t, "scores")?;
    let mut all_logits = match logits {
        AllLogits::Read => t.take("all_logits")?,
        AllLogits::Skip => vec![None; count],
    }
    .into_iter();
    let mut tied_fraction = cells(&mut t, "tied_fraction")?;
    let mut macs = cells(&mut t, "macs")?;
    let mut status = names(&mut t, "status")?;
    let mut reason = cells(&mut t, "reason")?;
    let has_stops = t.schema().iter().any(|(name, _)| *name == REMOVED.0);
    let mut removed = if has_stops { t.take(REMOVED.0)? } else { vec![None; count] }.into_iter();
    let row = |_| {
        let removed: Option<Vec<f32>> = removed.next()?;
        let (label, predicted): (Option<u64>, Option<u64>) = (label.next()?, predicted.next()?);
        let same = label.zip(predicted).map(|(label, predicted)| label == predicted);
        Some(Row {
            image: image.next()?,
            label,
            predicted,
            right: if is_new { rights.next()?.map(|right| right == 1) } else { same },
            target: target.next()?,
            method: method.next()?,
            order: order.next()?,
            perturbation: perturbation.next()?,
            region: region.next()?,
            repeat: repeat.next()?,
            seed: seed.next()?,
            head: head.next()?,
            score_kind: score_kind.next()?,
            scores: scores.next()?,
            removed: removed.map(|counts| counts.iter().map(|n| *n as u32).collect()),
            all_logits: all_logits.next()?,
            tied_fraction: tied_fraction.next()?,
            macs: macs.next()?,
            status: status.next()?,
            reason: reason.next()?,
        })
    };
    // all columns have `count` values, so no row is cut off
    Ok((0..count).map_while(row).collect())
}

fn timings(mut t: Table) -> Result<Vec<Timing>, String> {
    let count = t.rows();
    let mut image = full(&mut t, "image")?;
    let mut method = full(&mut t, "method")?;
    let mut stage = full(&mut t, "stage")?;
    let mut perturbation = cells(&mut t, "perturbation")?;
    // runs of a single size had no such column once
    let has_region = t.schema().iter().any(|(name, _)| *name == "region");
    let regions = if has_region { t.take("region")? } else { vec![None; count] };
    let mut region = regions.into_iter();
    let orders = t.take::<String>("order")?.into_iter();
    let mut orders = orders
        .map(|o| o.map(|o| o.parse()).transpose().map_err(|e: SpecError| e.to_string()))
        .collect::<Result<Vec<Option<Order>>, String>>()?
        .into_iter();
    let mut repeat = cells(&mut t, "repeat")?;
    let mut seconds = full(&mut t, "seconds")?;
    let row = |_| {
        Some(Timing {
            image: image.next()?,
            method: method.next()?,
            stage: stage.next()?,
            perturbation: perturbation.next()?,
            region: region.next()?,
            order: orders.next()?,
            repeat: repeat.next()?,
            seconds: seconds.next()?,
        })
    };
    Ok((0..count).map_while(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves() -> Vec<Row> {
        let good = Row {
            image: "val/ILSVRC2012_val_00000001.JPEG".to_owned(),
            label: Some(65),
            predicted: Some(58),
            right: Some(false),
            target: Some(58),
            method: "lrp-gamma:gamma=0.25".to_owned(),
            order: Order::Morf,
            perturbation: "uniform".to_owned(),
            region: 9,
            repeat: 3,
            seed: u64::MAX,
            head: Head::Softmax,
            score_kind: ScoreKind::Logit,
            scores: Some(vec![12.5, 0.1, -3.0]),
            removed: None,
            all_logits: Some(vec![1.0, 12.5, 0.0, 0.1, 0.3, -3.0]),
            tied_fraction: Some(1.0 / 3.0),
            macs: Some(1 << 40),
            status: Status::Ok,
            reason: None,
        };
        let failed = Row {
            label: None,
            right: None,
            order: Order::Lerf,
            score_kind: ScoreKind::Softmax,
            scores: None,
            all_logits: None,
            tied_fraction: None,
            macs: None,
            status: Status::Failed,
            reason: Some("3 of 9 relevance values are not finite".to_owned()),
            ..good.clone()
        };
        vec![good, failed]
    }

    fn times() -> Vec<Timing> {
        let explain = Timing {
            image: "a".to_owned(),
            method: "gradient".to_owned(),
            stage: "explain".to_owned(),
            perturbation: None,
            region: None,
            order: None,
            repeat: None,
            seconds: 0.0125,
        };
        let flip = Timing {
            stage: "flip".to_owned(),
            perturbation: Some("uniform".to_owned()),
            region: Some(9),
            order: Some(Order::Lerf),
            repeat: Some(0),
            ..explain.clone()
        };
        vec![explain, flip]
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        write_curves(&path, &curves()).unwrap();
        assert_eq!(read_curves(&path, AllLogits::Read).unwrap(), curves());
        let slim = read_curves(&path, AllLogits::Skip).unwrap();
        assert_eq!(slim[0].all_logits, None);
        assert_eq!(slim[1], curves()[1]);
        assert!(any_failed(&path).unwrap());
        write_curves(&path, &curves()[..1]).unwrap();
        assert!(!any_failed(&path).unwrap());
        write_timings(&path, &times()).unwrap();
        assert_eq!(read_timings(&path).unwrap(), times());
    }

    #[test]
    fn records_without_heads_are_those_of_a_softmax() {
        let mut table = curves_table(&curves());
        table.take_all::<String>("head").unwrap();
        table.take::<u64>("right").unwrap();
        assert_eq!(rows(table, AllLogits::Read).unwrap(), curves());
    }

    #[test]
    fn times_without_a_size_of_regions_are_read() {
        let mut table = timings_table(&times());
        table.take::<u64>("region").unwrap();
        let old: Vec<Timing> = times().into_iter().map(|t| Timing { region: None, ..t }).collect();
        assert_eq!(timings(table).unwrap(), old);
    }

    #[test]
    fn the_other_score_follows_from_the_logits_of_all_classes() {
        let mut row = curves().remove(0);
        (row.target, row.scores) = (Some(1), Some(vec![12.5, 0.1, -3.0]));
        let other = other_scores(std::slice::from_ref(&row)).remove(0);
        assert_eq!(other.score_kind, ScoreKind::Softmax);
        let share = |a: f64, b: f64| 1.0 / (1.0 + (b - a).exp());
        let expected = [share(12.5, 1.0), share(0.1, 0.0), share(-3.0, 0.3)];
        let found = other.scores.as_ref().unwrap();
        assert!(found.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6));
        let other = Row { all_logits: row.all_logits.clone(), ..other };
        assert_eq!(other_scores(&[other])[0].scores, row.scores);
        row.all_logits = None;
        assert!(other_scores(&[row]).is_empty());
    }

    #[test]
    fn the_schema_is_that_of_the_protocol() {
        let list = |t: Table, notes: &[(&str, &str)]| {
            assert_eq!(t.schema().len(), notes.len());
            let line = |((name, kind), (noted, help)): ((&str, &str), &(&str, &str))| {
                assert_eq!(name, *noted, "notes are in the order of the columns");
                format!("{name}: {kind}; {help}\n")
            };
            t.schema().into_iter().zip(notes).map(line).collect::<String>()
        };
        insta::assert_snapshot!("curves", list(curves_table(&curves()), CURVE_NOTES));
        insta::assert_snapshot!("timings", list(timings_table(&times()), TIMING_NOTES));
    }

    #[test]
    fn parts_of_a_folder_are_read_in_the_order_of_their_names() {
        let dir = tempfile::tempdir().unwrap();
        let [good, failed] = curves().try_into().unwrap();
        write_curves(&dir.path().join("2.parquet"), std::slice::from_ref(&failed)).unwrap();
        write_curves(&dir.path().join("1.parquet"), std::slice::from_ref(&good)).unwrap();
        write_curves(&dir.path().join("0.parquet"), &[]).unwrap();
        fs::write(dir.path().join("3.parquet.tmp"), "cut off").unwrap();
        assert_eq!(read_folder(dir.path(), AllLogits::Read).unwrap(), [good, failed]);
        let missing = read_folder(&dir.path().join("no"), AllLogits::Read).unwrap_err();
        assert!(missing.to_string().starts_with("cannot read `"), "{missing}");
    }

    #[test]
    fn a_table_of_something_else_is_named_as_such() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        write_timings(&path, &times()).unwrap();
        let error = read_curves(&path, AllLogits::Skip).unwrap_err().to_string();
        assert!(
            error.contains("a.parquet` is not a usable table: ") && error.contains("label"),
            "{error}"
        );
        let mut table = curves_table(&curves());
        table.take_all::<String>("order").unwrap();
        table.push("order", Column::Text(vec![Some("mrof".to_owned()), Some("lerf".to_owned())]));
        let error = rows(table, AllLogits::Read).unwrap_err();
        assert_eq!(error, "unknown order `mrof`, did you mean `morf`?");
    }
}
