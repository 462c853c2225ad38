//! What is known about each picture of a run: one row per picture, used or not.

use crate::table::{record, record::Counts};

record! {
    /// One picture. Class indices start at 0.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Picture {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// class index; null where unknown
        pub label: Option<u64>,
        /// class predicted for the untouched picture
        pub predicted: Option<u64>,
        /// class whose score is followed
        pub target: Option<u64>,
        /// its name, where classes have names
        pub label_name: Option<String> = None,
        /// name of the predicted class
        pub predicted_name: Option<String> = None,
        /// name of the target
        pub target_name: Option<String> = None,
        /// the network's output for the target, nothing removed
        pub score: Option<f64> = None,
        /// the target's probability by the head, nothing removed; null where there are no probabilities
        pub probability: Option<f64> = None,
        /// number of classes with a larger logit than the label
        pub label_rank: Option<u64>,
        /// 1 where the label is predicted (with a sigmoid per class: its logit is above 0), else 0
        pub right: Option<bool>,
        /// steps of its curves that were checked by full passes
        pub verified: Option<u64>,
        /// largest difference of a checked score; null where nothing was checked
        pub difference: Option<f64>,
        /// why the picture could not be used; null for those that were
        pub skipped: Option<String>,
        /// SHA-256 of what it was decoded from; null where it could not be read
        pub content: Option<String> = None,
        /// indices of all classes that the picture shows, the label first
        pub labels: Option<Vec<u64>> as Counts = None => sparse,
        /// classes of which it is left open whether the picture shows them
        pub unsure: Option<Vec<u64>> as Counts = None => sparse,
        /// the network's outputs, class by class
        pub logits: Option<Vec<f32>> = None => sparse,
    }
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
            label_name: None,
            predicted_name: None,
            target_name: None,
            score: None,
            probability: None,
            label_rank: None,
            right: None,
            verified: None,
            difference: None,
            skipped: Some(reason),
        }
    }
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
    use crate::table::record::Record;

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
            label_name: label.map(|l| format!("class {l}")),
            predicted_name: predicted.map(|p| format!("class {p}")),
            target_name: None,
            score: Some(4.5),
            probability: Some(0.75),
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
        Picture::write(&path, &pictures).unwrap();
        assert_eq!(Picture::read(&path).unwrap(), pictures);
        let several = Picture {
            labels: Some(vec![1, 7]),
            unsure: Some(vec![]),
            logits: Some(vec![0.5, -1.25]),
            ..pictures[0].clone()
        };
        let pictures = [pictures[1].clone(), several];
        Picture::write(&path, &pictures).unwrap();
        assert_eq!(Picture::read(&path).unwrap(), pictures);
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
