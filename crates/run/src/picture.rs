//! What is known about each picture of a run: one row per picture, used or not.

use crate::table::{Column, Table, TableError};
use std::{collections::BTreeMap, path::Path};

/// One picture. Class indices start at 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Path relative to the data root, `/`-separated, or a generated name.
    pub image: String,
    /// Its class, where known.
    pub label: Option<u64>,
    /// All classes that it shows, the label first; null where each picture of the set has one at most.
    pub labels: Option<Vec<u64>>,
    /// Classes of which it is left open whether it shows them; null like `labels`.
    pub unsure: Option<Vec<u64>>,
    /// The network's outputs for it, class by class; null like `labels`.
    pub logits: Option<Vec<f32>>,
    /// The class the network predicts.
    pub predicted: Option<u64>,
    /// The class whose score is watched.
    pub target: Option<u64>,
    /// Classes with a larger logit than the label; of several labels the best.
    pub label_rank: Option<u64>,
    /// Whether the network says a label ([`crate::nn::head::Head::says`]); null without a label, and
    /// for an output that says no class.
    pub right: Option<bool>,
    /// Steps of its curves that were checked by full passes.
    pub verified: Option<u64>,
    /// The largest difference that the check found.
    pub difference: Option<f64>,
    /// Why the picture could not be used; null for those that were.
    pub skipped: Option<String>,
    /// Digest of what it was decoded from; null where it could not be read.
    pub content: Option<String>,
}

impl Picture {
    /// One that could not be used, and why.
    pub fn skipped(image: String, reason: String, content: Option<String>) -> Picture {
        Picture {
            content,
            image,
            label: None,
            labels: None,
            unsure: None,
            logits: None,
            predicted: None,
            target: None,
            label_rank: None,
            right: None,
            verified: None,
            difference: None,
            skipped: Some(reason),
        }
    }
}

/// Columns of sets whose pictures show several classes, and what they mean.
const SETS: &[(&str, &str)] = &[
    ("labels", "indices of all classes that the picture shows, the label first"),
    ("unsure", "classes of which it is left open whether the picture shows them"),
    ("logits", "the network's outputs, class by class"),
];

const NOTES: &[(&str, &str)] = &[
    ("image", "path relative to the data root, /-separated, or a generated name"),
    ("label", "class index; null where unknown"),
    ("predicted", "class predicted for the untouched picture"),
    ("target", "class whose score is followed"),
    ("label_rank", "number of classes with a larger logit than the label"),
    (
        "right",
        "1 where the label is predicted (with a sigmoid per class: its logit is above 0), else 0",
    ),
    ("verified", "steps of its curves that were checked by full passes"),
    ("difference", "largest difference of a checked score; null where nothing was checked"),
    ("skipped", "why the picture could not be used; null for those that were"),
    ("content", "SHA-256 of what it was decoded from; null where it could not be read"),
];

/// Writes pictures as one Parquet file, whole or not at all.
pub fn write(path: &Path, pictures: &[Picture]) -> Result<(), TableError> {
    let number =
        |value: fn(&Picture) -> Option<u64>| Column::Integer(pictures.iter().map(value).collect());
    let mut table = Table::default();
    table.push("image", Column::Text(pictures.iter().map(|p| Some(p.image.clone())).collect()));
    table.push("label", number(|p| p.label));
    table.push("predicted", number(|p| p.predicted));
    table.push("target", number(|p| p.target));
    table.push("label_rank", number(|p| p.label_rank));
    table.push("right", number(|p| p.right.map(u64::from)));
    table.push("verified", number(|p| p.verified));
    let differences = pictures.iter().map(|p| p.difference).collect();
    table.push("difference", Column::Float(differences));
    table.push("skipped", Column::Text(pictures.iter().map(|p| p.skipped.clone()).collect()));
    table.push("content", Column::Text(pictures.iter().map(|p| p.content.clone()).collect()));
    let sets = pictures.iter().any(|p| p.labels.is_some());
    if sets {
        // class indices are exact in single precision
        let list = |all: &Vec<u64>| all.iter().map(|n| *n as f32).collect();
        let indices = |value: fn(&Picture) -> &Option<Vec<u64>>| {
            Column::Floats(pictures.iter().map(|p| value(p).as_ref().map(list)).collect())
        };
        table.push("labels", indices(|p| &p.labels));
        table.push("unsure", indices(|p| &p.unsure));
        table.push("logits", Column::Floats(pictures.iter().map(|p| p.logits.clone()).collect()));
    }
    let notes = NOTES
        .iter()
        .chain(SETS.iter().filter(|_| sets))
        .map(|(name, help)| (format!("column {name}"), (*help).to_owned()));
    table.write_parquet(path, &notes.collect::<BTreeMap<_, _>>())
}

/// Reads pictures from one file.
pub fn read(path: &Path) -> Result<Vec<Picture>, TableError> {
    let table = Table::read_parquet(path, None)?;
    rows(table).map_err(|problem| TableError::Content { path: path.to_owned(), problem })
}

fn rows(mut table: Table) -> Result<Vec<Picture>, String> {
    let images = table.take_all::<String>("image")?;
    let mut label = table.take::<u64>("label")?.into_iter();
    let mut predicted = table.take::<u64>("predicted")?.into_iter();
    let mut target = table.take::<u64>("target")?.into_iter();
    let mut label_rank = table.take::<u64>("label_rank")?.into_iter();
    let mut right = table.take::<u64>("right")?.into_iter();
    let mut verified = table.take::<u64>("verified")?.into_iter();
    let mut difference = table.take::<f64>("difference")?.into_iter();
    let mut skipped = table.take::<String>("skipped")?.into_iter();
    // earlier versions did not write it
    let has_content = table.schema().iter().any(|(name, _)| *name == "content");
    let content = if has_content { table.take::<String>("content")? } else { Vec::new() };
    let mut content = content.into_iter();
    let sets = table.schema().iter().any(|(name, _)| *name == "labels");
    let mut lists = |name| -> Result<std::vec::IntoIter<Option<Vec<f32>>>, String> {
        Ok(if sets { table.take::<Vec<f32>>(name)? } else { Vec::new() }.into_iter())
    };
    let (mut labels, mut unsure, mut logits) =
        (lists("labels")?, lists("unsure")?, lists("logits")?);
    let indices = |list: Vec<f32>| list.iter().map(|n| *n as u64).collect();
    let row = |image| Picture {
        image,
        labels: labels.next().flatten().map(indices),
        unsure: unsure.next().flatten().map(indices),
        logits: logits.next().flatten(),
        label: label.next().flatten(),
        predicted: predicted.next().flatten(),
        target: target.next().flatten(),
        label_rank: label_rank.next().flatten(),
        right: right.next().flatten().map(|right| right == 1),
        verified: verified.next().flatten(),
        difference: difference.next().flatten(),
        skipped: skipped.next().flatten(),
        content: content.next().flatten(),
    };
    Ok(images.into_iter().map(row).collect())
}

/// Share of labelled pictures of which the network says the label (`k` = 1), or whose label is among
/// the `k` largest logits; `None` without labels, and for an output that says no class.
pub fn accuracy(pictures: &[Picture], k: u64) -> Option<f64> {
    let (right, all) = hits(pictures, k);
    (all > 0).then(|| right as f64 / all as f64)
}

/// Labelled pictures that [`accuracy`] counts as right, and all labelled ones.
pub fn hits(pictures: &[Picture], k: u64) -> (u64, u64) {
    let known = pictures.iter().filter(|p| p.skipped.is_none());
    let (mut good, mut all) = (0u64, 0u64);
    for (picture, right) in known.filter_map(|p| Some((p, p.right?))) {
        all += 1;
        let among = picture.label_rank.is_some_and(|rank| rank < k);
        good += u64::from(if k == 1 { right } else { among });
    }
    (good, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(image: &str, label: Option<u64>, label_rank: Option<u64>) -> Picture {
        let (predicted, target) = (Some(3), Some(3));
        let (verified, difference) = (Some(7), Some(0.5));
        Picture {
            image: image.to_owned(),
            label,
            labels: None,
            unsure: None,
            logits: None,
            predicted,
            target,
            label_rank,
            right: label.map(|_| label_rank == Some(0)),
            verified,
            difference,
            skipped: None,
            content: Some("00ff".to_owned()),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.parquet");
        let skipped = Picture {
            skipped: Some("no pixels".to_owned()),
            predicted: None,
            content: None,
            target: None,
            ..picture("b", None, None)
        };
        let pictures = [picture("a/x.png", Some(1), Some(4)), skipped];
        write(&path, &pictures).unwrap();
        assert_eq!(read(&path).unwrap(), pictures);
        let several = Picture {
            labels: Some(vec![1, 7]),
            unsure: Some(vec![]),
            logits: Some(vec![0.5, -1.25]),
            ..pictures[0].clone()
        };
        let pictures = [pictures[1].clone(), several];
        write(&path, &pictures).unwrap();
        assert_eq!(read(&path).unwrap(), pictures);
    }

    #[test]
    fn accuracy_counts_labelled_pictures_only() {
        let unusable = Picture { skipped: Some("x".to_owned()), ..picture("s", Some(1), None) };
        let pictures = [
            picture("a", Some(3), Some(0)),
            picture("b", Some(2), Some(4)),
            picture("c", Some(2), Some(5)),
            // a label that the network does not have is never right
            picture("d", Some(99), None),
            picture("e", None, None),
            unusable,
        ];
        assert_eq!(accuracy(&pictures, 1), Some(0.25));
        assert_eq!(accuracy(&pictures, 5), Some(0.5));
        assert_eq!(accuracy(&pictures[4..], 1), None);
    }
}
