//! The record of an experiment: one row per curve, one row per measured time.

use crate::{
    base::{word::WordError, word_enum},
    eval::{curve::ScoreKind, order::Order},
    nn::head::Head,
    table::{
        Table, TableError, record,
        record::{Counts, MaybeWord, Record, Word},
    },
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

record! {
    /// One curve, or the reason why there is none. Class indices start at 0.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Row {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// class index; null where unknown
        pub label: Option<u64>,
        /// class predicted for the untouched picture
        pub predicted: Option<u64>,
        /// 1 where the label is predicted (with a sigmoid per class: its logit is above 0), else 0; null
        /// without
        pub right: Option<bool> = None,
        /// class whose score is followed
        pub target: Option<u64>,
        /// canonical name, with all parameters
        pub method: String,
        /// morf = most relevant regions first, lerf = the reverse
        pub order: Order as Word => column("removal_order", once "order"),
        /// canonical name, with all parameters
        pub perturbation: String,
        /// side of a region in pixels
        pub region: u64,
        /// number of the noise image, from 0
        pub repeat: u64,
        /// seed of the experiment
        pub seed: u64,
        /// softmax, sigmoid (one per class), one-logit (of two classes) or values (no logits)
        pub head: Head as Word = Head::Softmax,
        /// logit, or probability (softmax) of the target by the head
        pub score_kind: ScoreKind as Word,
        /// the target's score after 0, 1, ..., L removed regions; null if the cell failed
        pub scores: Option<Vec<f32>>,
        /// all classes' logits, step after step: (L + 1) * classes; null unless recorded
        pub all_logits: Option<Vec<f32>> = None,
        /// share of all regions whose score another region has too, so their place is chance; null for random
        pub tied_fraction: Option<f64>,
        /// multiply-adds spent on the curve
        pub macs: Option<u64>,
        /// ok or failed
        pub status: Status as Word,
        /// why a cell failed or a value is null
        pub reason: Option<String>,
        /// how many regions are gone at each score
        pub removed: Option<Vec<u32>> as Counts = None => sparse,
    }
}

impl Row {
    /// True where every region has the score of another one, so that the place of each is chance: of an
    /// all-zero map, of a constant one, and of one with few values.
    pub fn is_all_tied(&self) -> bool {
        self.tied_fraction.is_some_and(|share| share >= 1.0)
    }
}

word_enum! {
    /// What became of one cell of the experiment.
    pub enum Status {
        /// There is a curve.
        Ok = "ok",
        /// There is none; `reason` says why.
        Failed = "failed",
    }
}

record! {
    /// One measured time. Kept apart from the curves, which are the same bytes in every run.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Timing {
        /// as in the curves
        pub image: String,
        /// as in the curves; model for prepare and forward
        pub method: String,
        /// explain (read for files), flip (one curve), prepare (decoding and preprocessing) or
        /// forward (a full pass)
        pub stage: String,
        /// as in the curves; null for explain
        pub perturbation: Option<String>,
        /// as in the curves; null for explain
        pub region: Option<u64> = None,
        /// as in the curves; null for explain
        pub order: Option<Order> as MaybeWord => column("removal_order", once "order"),
        /// as in the curves; null for explain
        pub repeat: Option<u64>,
        /// elapsed time
        pub seconds: f64,
    }
}

/// Whether to read the logits of all classes, which are most of a file where they were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllLogits {
    /// As recorded.
    Read,
    /// Leave the column null.
    Skip,
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

/// Reads the curves of one file.
pub fn read_curves(path: &Path, logits: AllLogits) -> Result<Vec<Row>, TableError> {
    let left: &[&str] = if logits == AllLogits::Skip { &["all_logits"] } else { &[] };
    let content = |problem| TableError::Content { path: path.to_owned(), problem };
    let mut table = Row::read_table(path, left)?;
    curves(&mut table).map_err(content)
}

/// The curves of a table. Records had no heads once: what was right then follows from the prediction.
fn curves(table: &mut Table) -> Result<Vec<Row>, String> {
    let has_heads = table.has("head");
    let mut rows = Row::take(table)?;
    if !has_heads {
        let same =
            |row: &Row| row.label.zip(row.predicted).map(|(label, predicted)| label == predicted);
        rows.iter_mut().for_each(|row| row.right = same(row));
    }
    Ok(rows)
}

/// Whether a curve of one file failed; reads no scores.
pub fn any_failed(path: &Path) -> Result<bool, TableError> {
    let content = |problem| TableError::Content { path: path.to_owned(), problem };
    let mut table = Table::read_parquet(path, Some(&["status"]))?;
    let status = table.take_all::<String>("status").map_err(content)?;
    let status: Result<Vec<Status>, WordError> = status.iter().map(|word| word.parse()).collect();
    Ok(status.map_err(|e| content(e.to_string()))?.contains(&Status::Failed))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Column, record::Declared};

    fn records() -> Vec<Row> {
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
            seed: i64::MAX as u64,
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
        Row::write(&path, &records()).unwrap();
        assert_eq!(read_curves(&path, AllLogits::Read).unwrap(), records());
        let slim = read_curves(&path, AllLogits::Skip).unwrap();
        assert_eq!(slim[0].all_logits, None);
        assert_eq!(slim[1], records()[1]);
        assert!(any_failed(&path).unwrap());
        Row::write(&path, &records()[..1]).unwrap();
        assert!(!any_failed(&path).unwrap());
        Timing::write(&path, &times()).unwrap();
        assert_eq!(Timing::read(&path).unwrap(), times());
    }

    #[test]
    fn records_without_heads_are_those_of_a_softmax() {
        let mut table = Row::table(&records());
        table.take_all::<String>("head").unwrap();
        table.take::<u64>("right").unwrap();
        assert_eq!(curves(&mut table).unwrap(), records());
    }

    #[test]
    fn an_order_is_read_by_the_name_that_it_had_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        let mut old = Row::table(&records());
        let orders = old.take::<String>("removal_order").unwrap();
        old.push("order", Column::Text(orders));
        old.write_parquet(&path, &Row::notes()).unwrap();
        assert_eq!(read_curves(&path, AllLogits::Read).unwrap(), records());
    }

    #[test]
    fn times_without_a_size_of_regions_are_read() {
        let mut table = Timing::table(&times());
        table.take::<u64>("region").unwrap();
        let old: Vec<Timing> = times().into_iter().map(|t| Timing { region: None, ..t }).collect();
        assert_eq!(Timing::take(&mut table).unwrap(), old);
    }

    #[test]
    fn the_other_score_follows_from_the_logits_of_all_classes() {
        let mut row = records().remove(0);
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
        let list = |columns: &[Declared]| {
            let line = |c: &Declared| format!("{}: {}; {}\n", c.name, c.kind, c.note);
            columns.iter().map(line).collect::<String>()
        };
        insta::assert_snapshot!("curves", list(Row::COLUMNS));
        insta::assert_snapshot!("timings", list(Timing::COLUMNS));
    }

    #[test]
    fn parts_of_a_folder_are_read_in_the_order_of_their_names() {
        let dir = tempfile::tempdir().unwrap();
        let [good, failed] = records().try_into().unwrap();
        Row::write(&dir.path().join("2.parquet"), std::slice::from_ref(&failed)).unwrap();
        Row::write(&dir.path().join("1.parquet"), std::slice::from_ref(&good)).unwrap();
        Row::write(&dir.path().join("0.parquet"), &[]).unwrap();
        fs::write(dir.path().join("3.parquet.tmp"), "cut off").unwrap();
        assert_eq!(read_folder(dir.path(), AllLogits::Read).unwrap(), [good, failed]);
        let missing = read_folder(&dir.path().join("no"), AllLogits::Read).unwrap_err();
        assert!(missing.to_string().starts_with("cannot read `"), "{missing}");
    }

    #[test]
    fn a_table_of_something_else_is_named_as_such() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        Timing::write(&path, &times()).unwrap();
        let error = read_curves(&path, AllLogits::Skip).unwrap_err().to_string();
        assert!(
            error.contains("a.parquet` is not a usable table: ") && error.contains("label"),
            "{error}"
        );
        let mut table = Row::table(&records());
        table.take_all::<String>("removal_order").unwrap();
        table.push(
            "removal_order",
            Column::Text(vec![Some("mrof".to_owned()), Some("lerf".to_owned())]),
        );
        let error = curves(&mut table).unwrap_err();
        assert_eq!(
            error,
            "column `removal_order`: must be morf or lerf, found `mrof`, did you mean `morf`?"
        );
    }
}
