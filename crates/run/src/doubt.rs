//! Signs that pictures do not reach the network as it was trained.
//!
//! A wrong preprocessing gives no error: scores come out, only of another picture. What can be seen of
//! it is inputs that no network is trained on, and an accuracy that no trained network has. With few
//! pictures nothing is said: the bound on the accuracy is that of the binomial distribution. A mistake that
//! costs less than that (`docs/pictures.md` has measured some) is not seen.

use super::picture::{Picture, hits};
use crate::nn::preprocess::Preprocess;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};
use std::{cmp::Reverse, collections::BTreeMap, fmt};

/// Pixels of 0 to 255 without any scaling are 255 apart; beyond twice that a factor is there twice.
const WIDEST: f32 = 600.0;

/// Pixels of 0 to 1 are 1 apart; below a tenth of it a factor is there twice.
const NARROWEST: f32 = 0.1;

/// What is said is wrong for at most this share of networks that are as good as [`Doubt`] expects.
const LEVEL: f64 = 0.01;

/// With fewer pictures beyond the first of each class, other numbers are not spoken of.
const FEWEST: u64 = 10;

/// How much of the way from chance to perfect a trained network goes at least.
fn skill(classes: u64) -> f64 {
    // with a thousand classes good networks are right in 40 to 80 of 100 pictures, with ten in 75 to 99
    if classes > 100 { 0.35 } else { 0.5 }
}

/// One sign.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "doubt", rename_all = "kebab-case")]
pub enum Doubt {
    /// The inputs of black and white lie too far apart.
    Wide {
        /// Input of a black pixel, in the channel where it is worst.
        black: f32,
        /// Input of a white pixel there.
        white: f32,
    },
    /// All pictures are nearly the same input: black and white lie close together.
    Narrow {
        /// Input of a black pixel, in the channel where it is worst.
        black: f32,
        /// Input of a white pixel there.
        white: f32,
    },
    /// All inputs lie on one side of 0, further from it than from each other.
    Shifted {
        /// Input of a black pixel, in the channel where it is worst.
        black: f32,
        /// Input of a white pixel there.
        white: f32,
    },
    /// The network is right as often as a coin, or nearly.
    Chance {
        /// Labelled pictures that are classified right.
        right: u64,
        /// Labelled pictures.
        labelled: u64,
        /// Classes of the network.
        classes: u64,
    },
    /// It is right more often than that, but far less than trained networks are.
    Poor {
        /// Labelled pictures that are classified right.
        right: u64,
        /// Labelled pictures.
        labelled: u64,
        /// Classes of the network.
        classes: u64,
    },
    /// It is right as seldom as that, but would not be if the classes had other numbers.
    Renumbered {
        /// Labelled pictures that are classified right.
        right: u64,
        /// Those that would be.
        otherwise: u64,
        /// Labelled pictures.
        labelled: u64,
        /// A label.
        label: u64,
        /// The class that its pictures are given.
        predicted: u64,
    },
}

impl Doubt {
    /// About the inputs of black and white pictures.
    pub fn of_inputs(preprocess: &Preprocess) -> Option<Doubt> {
        let channels: Vec<(f32, f32)> =
            preprocess.low().into_iter().zip(preprocess.high()).collect();
        let find = |sign: fn(f32, f32) -> bool| {
            channels.iter().copied().find(|(black, white)| sign(*black, *white))
        };
        let wide = find(|black, white| white - black > WIDEST);
        let narrow = find(|black, white| white - black < NARROWEST);
        let shifted = find(|black, white| black.max(-white) > white - black);
        wide.map(|(black, white)| Doubt::Wide { black, white })
            .or(narrow.map(|(black, white)| Doubt::Narrow { black, white }))
            .or(shifted.map(|(black, white)| Doubt::Shifted { black, white }))
    }

    /// About how often a network of `classes` classes is right.
    pub fn of_accuracy(pictures: &[Picture], classes: usize) -> Option<Doubt> {
        let (right, labelled) = hits(pictures, 1);
        let classes = (classes as u64).max(2);
        let chance = 1.0 / classes as f64;
        let at_most = |p: f64, right: u64| {
            Binomial::new(p, labelled).map_or(1.0, |distribution| distribution.cdf(right))
        };
        let expected = chance + skill(classes) * (1.0 - chance);
        if labelled == 0 || at_most(expected, right) >= LEVEL {
            return None;
        }
        if let Some(renumbered) = renumbered(pictures, right, expected) {
            return Some(renumbered);
        }
        let beats_chance = right > 0 && 1.0 - at_most(chance, right - 1) < LEVEL;
        Some(if beats_chance {
            Doubt::Poor { right, labelled, classes }
        } else {
            Doubt::Chance { right, labelled, classes }
        })
    }
}

/// Whether other numbers of the classes would make at least the share `expected` of predictions right. One
/// picture of each class says which number it would have, so it counts for nothing.
fn renumbered(pictures: &[Picture], right: u64, expected: f64) -> Option<Doubt> {
    let mut cells: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for picture in pictures.iter().filter(|p| p.skipped.is_none() && p.right.is_some()) {
        *cells.entry((picture.label?, picture.predicted?)).or_default() += 1;
    }
    let labelled: u64 = cells.values().sum();
    let mut cells: Vec<((u64, u64), u64)> = cells.into_iter().collect();
    cells.sort_by_key(|(pair, n)| (Reverse(*n), *pair));
    let mut numbers: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for ((label, predicted), n) in cells {
        // one to one: a network that says the same of all pictures says nothing
        if numbers.values().all(|(taken, _)| *taken != predicted) {
            numbers.entry(label).or_insert((predicted, n));
        }
    }
    let otherwise: u64 = numbers.values().map(|(_, n)| n).sum();
    let labels = numbers.len() as u64;
    let (seen, of) = (otherwise - labels, labelled - labels);
    let (label, predicted) = numbers
        .iter()
        .filter(|(label, (predicted, _))| *label != predicted)
        .max_by_key(|(label, (_, n))| (*n, Reverse(**label)))
        .map(|(label, (predicted, _))| (*label, *predicted))?;
    let enough = of >= FEWEST && seen as f64 >= expected * of as f64 && otherwise > right;
    enough.then_some(Doubt::Renumbered { right, otherwise, labelled, label, predicted })
}

const PREPROCESSING: &str = "if `scale`, `mean` and `std` are not those that it was trained with, scores \
                             and heat maps mean nothing (`--preset` has those of torchvision, caffe, \
                             keras, inception and clip)";

const LABELS: &str = "look at the preprocessing (`--preset`), at the numbers of the classes \
                      (`pixelflip data check`), and whether these pictures are of the kind that the \
                      network was trained on";

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |right: u64, labelled: u64| 100.0 * right as f64 / labelled as f64;
        match *self {
            Doubt::Wide { black, white } => write!(
                f,
                "the network gets {black:.1} for black and {white:.1} for white, further apart than networks are \
                 trained with; {PREPROCESSING}"
            ),
            Doubt::Narrow { black, white } => write!(
                f,
                "the network gets {black:.4} for black and {white:.4} for white, so all pictures look nearly the \
                 same to it; {PREPROCESSING}"
            ),
            Doubt::Shifted { black, white } => write!(
                f,
                "the network gets {black:.2} for black and {white:.2} for white, far on one side of 0, where \
                 pictures differ little for it; {PREPROCESSING}"
            ),
            Doubt::Chance { right, labelled, classes } => write!(
                f,
                "{right} of {labelled} labelled pictures ({:.1} %) are classified right, no more than by guessing \
                 among {classes} classes; {LABELS}",
                percent(right, labelled)
            ),
            Doubt::Poor { right, labelled, classes } => write!(
                f,
                "only {right} of {labelled} labelled pictures ({:.1} %) are classified right, far less than \
                 networks of {classes} classes usually reach; {LABELS}",
                percent(right, labelled)
            ),
            Doubt::Renumbered { right, otherwise, labelled, label, predicted } => write!(
                f,
                "only {right} of {labelled} labelled pictures ({:.1} %) are classified right, but {otherwise} would \
                 be if the classes had other numbers: most pictures with the label {label} are said to be of class \
                 {predicted}; look at the numbers of the classes (`pixelflip data check`), which follow the \
                 network's own where `classes` in its sidecar names them",
                percent(right, labelled)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::geom::Shape;

    fn inputs(keys: &str) -> Option<Doubt> {
        let text = format!("channels = \"rgb\"\n{keys}");
        Doubt::of_inputs(&Preprocess::from_toml(&text, Shape::new(3, 8, 8)).unwrap())
    }

    #[test]
    fn every_preset_and_plain_ranges_are_beyond_doubt() {
        for name in crate::nn::preprocess::Preset::WORDS {
            let text = format!("preset = \"{name}\"");
            let preprocess = Preprocess::from_toml(&text, Shape::new(3, 8, 8)).unwrap();
            assert_eq!(Doubt::of_inputs(&preprocess), None, "{name}");
        }
        for keys in [
            "scale = 1\nmean = [0, 0, 0]\nstd = [1, 1, 1]",
            "scale = 0.00392156862745098\nmean = [0, 0, 0]\nstd = [1, 1, 1]",
            "scale = 0.00392156862745098\nmean = [0.5, 0.5, 0.5]\nstd = [1, 1, 1]",
            "scale = 1\nmean = [123.675, 116.28, 103.53]\nstd = [58.395, 57.12, 57.375]",
        ] {
            assert_eq!(inputs(keys), None, "{keys}");
        }
    }

    #[test]
    fn mistakes_with_scale_mean_and_std_are_seen() {
        let unit = "mean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]";
        let levels = "mean = [123.675, 116.28, 103.53]\nstd = [58.395, 57.12, 57.375]";
        let messages = [
            // pixels of 0..255 with the numbers for 0..1, and the other way round
            inputs(&format!("scale = 1\n{unit}")),
            inputs(&format!("scale = 0.00392156862745098\n{levels}")),
            inputs("scale = 0.00392156862745098\nmean = [104, 117, 123]\nstd = [1, 1, 1]"),
            // divided by 255 twice
            inputs("scale = 0.0000153787\nmean = [0, 0, 0]\nstd = [1, 1, 1]"),
        ];
        let messages = messages.map(|m| m.unwrap().to_string());
        insta::assert_snapshot!(messages.join("\n"));
    }

    fn pictures(right: usize, wrong: usize) -> Vec<Picture> {
        let unused = Picture::skipped(String::new(), String::new(), None);
        let picture = |rank| Picture {
            label: Some(0),
            predicted: Some(0),
            target: Some(0),
            label_rank: Some(rank),
            right: Some(rank == 0),
            skipped: None,
            ..unused.clone()
        };
        [vec![picture(0); right], vec![picture(1); wrong]].concat()
    }

    /// `each` pictures of every class, of which `predict(label, k)` is said.
    fn said(classes: u64, each: u64, predict: impl Fn(u64, u64) -> u64) -> Vec<Picture> {
        let unused = Picture::skipped(String::new(), String::new(), None);
        let one = |at: u64| {
            let (label, predicted) = (at / each, predict(at / each, at % each));
            Picture {
                label: Some(label),
                predicted: Some(predicted),
                right: Some(label == predicted),
                skipped: None,
                ..unused.clone()
            }
        };
        (0..classes * each).map(one).collect()
    }

    #[test]
    fn other_numbers_of_classes_are_told_from_a_network_that_sees_nothing() {
        // `class_0`, `class_1`, `class_10`, `class_2`, ...: the folders of an index in the order of the text
        let text = |label: u64| [0, 1, 10, 2, 3, 4, 5, 6, 7, 8, 9][label as usize];
        let order = said(11, 4, |label, k| if k == 0 { 5 } else { text(label) });
        let doubt = Doubt::of_accuracy(&order, 11).unwrap();
        // 3 of labels 0 and 1, which keep their numbers, and the one of label 5 that is said to be 5; otherwise
        // 3 of all labels, and the fourth of label 6, which is then 5
        let expected =
            Doubt::Renumbered { right: 7, otherwise: 34, labelled: 44, label: 6, predicted: 5 };
        assert_eq!(doubt, expected);
        insta::assert_snapshot!(doubt.to_string());
        // two classes the other way round
        let swapped = Doubt::of_accuracy(&said(2, 6, |label, _| 1 - label), 2);
        assert!(matches!(swapped, Some(Doubt::Renumbered { right: 0, otherwise: 12, .. })));
        // one picture of each class fits any numbers
        let single = said(11, 1, |label, _| (label + 1) % 11);
        assert!(matches!(Doubt::of_accuracy(&single, 11), Some(Doubt::Chance { .. })));
        // always the same class, and whatever comes
        let same = Doubt::of_accuracy(&said(10, 10, |_, _| 3), 10);
        assert!(matches!(same, Some(Doubt::Chance { .. })));
        let mixed = Doubt::of_accuracy(&said(10, 10, |label, k| (7 * label + 3 * k) % 10), 10);
        assert!(matches!(mixed, Some(Doubt::Chance { .. })), "{mixed:?}");
    }

    #[test]
    fn accuracy_is_doubted_from_a_number_of_pictures_on() {
        let doubt = |right, wrong, classes| Doubt::of_accuracy(&pictures(right, wrong), classes);
        assert_eq!(doubt(0, 0, 1000), None);
        // 0.64935^10 = 0.0133, 0.64935^11 = 0.0087
        assert_eq!(doubt(0, 10, 1000), None);
        assert!(matches!(doubt(0, 11, 1000), Some(Doubt::Chance { right: 0, .. })));
        // 108 of 650: what Caffe's GoogLeNet reached with torchvision's numbers
        assert!(matches!(doubt(108, 542, 1000), Some(Doubt::Poor { right: 108, .. })));
        // AlexNet on hard pictures
        assert_eq!(doubt(40, 60, 1000), None);
        // two classes: a coin is right half the time
        assert_eq!(doubt(5, 5, 2), None);
        assert!(matches!(doubt(100, 100, 2), Some(Doubt::Chance { .. })));
        assert_eq!(doubt(150, 50, 2), None);
        // a CIFAR network that got 0..1 without mean and std: 36 for 91 of 100; a plain one is beyond doubt
        assert!(matches!(doubt(36, 64, 10), Some(Doubt::Poor { right: 36, .. })));
        assert_eq!(doubt(68, 32, 10), None);
        // one of ten
        assert!(matches!(doubt(10, 90, 10), Some(Doubt::Chance { .. })));
        let messages = [doubt(10, 90, 10), doubt(108, 542, 1000)].map(|d| d.unwrap().to_string());
        insta::assert_snapshot!(messages.join("\n"));
    }
}
