//! What the outputs of a network mean: which class they say, and with which probability.

use super::op::softmax;
use crate::base::word_enum;

word_enum! {
    /// What makes probabilities of a network's scores, and decisions.
    ///
    /// | head | the network ends in | probability of class `c` | says that a picture is of class `c` |
    /// |---|---|---|---|
    /// | `softmax` | logits, with or without softmax | `softmax(z)_c` | where no logit is larger than `z_c` |
    /// | `sigmoid` | one sigmoid per class | `sigmoid(z_c)` | where `z_c > 0` |
    /// | `one-logit` | a sigmoid of a single logit `z` | `sigmoid(z)` of 1, `sigmoid(-z)` of 0 | 1 where `z > 0`, else 0 |
    /// | `values` | anything else | none | where no value is larger; never of a single output |
    ///
    /// The sigmoid or softmax itself is cut off. A network with one logit has two scores, `-z` and `z`.
    #[derive(Default)]
    pub enum Head {
        /// One class of several.
        #[default]
        Softmax = "softmax",
        /// Each class for itself.
        Sigmoid = "sigmoid",
        /// One of two classes; the scores are minus the logit and the logit.
        OneLogit = "one-logit",
        /// Values that are no logits.
        Values = "values",
    }
}

word_enum! {
    /// What a sidecar says about a network that ends in bare scores.
    pub enum Declared {
        /// They are logits of which one class is to be chosen.
        Softmax = "softmax",
        /// They are logits of a sigmoid each; a single one decides between two classes.
        Sigmoid = "sigmoid",
        /// They are values without probabilities.
        Values = "values",
    }
}

/// The class with the largest score, the first of several; `besides` one class, if given. `None` where no
/// class is left.
pub fn best(scores: &[f32], besides: Option<usize>) -> Option<usize> {
    let classes = (0..scores.len()).filter(|class| Some(*class) != besides);
    classes.reduce(|best, class| if scores[class] > scores[best] { class } else { best })
}

/// What is asked of a head that has no probabilities.
pub const NO_PROBABILITY: &str = "the outputs of the network are values without probabilities \
                                  (where they are logits of a sigmoid, `head = \"sigmoid\"` in the \
                                  sidecar says so)";

impl Head {
    /// Whether there are probabilities.
    pub fn has_probabilities(self) -> bool {
        self != Head::Values
    }

    /// Whether the probability of a class depends on the scores of others.
    pub fn compares(self) -> bool {
        self == Head::Softmax
    }

    /// The probability of a class, in [0, 1]; `None` where there is none. `scores` are those of all
    /// classes.
    pub fn probability(self, scores: &[f32], class: usize) -> Option<f32> {
        match self {
            Head::Softmax => Some(softmax(scores)[class]),
            Head::Sigmoid | Head::OneLogit => Some(sigmoid(scores[class])),
            Head::Values => None,
        }
    }

    /// [`Head::probability`] in double precision.
    pub fn probability_in_double(self, scores: &[f32], class: usize) -> Option<f64> {
        match self {
            Head::Softmax => {
                let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let part = |score: &f32| (f64::from(*score) - f64::from(top)).exp();
                Some(part(&scores[class]) / scores.iter().map(part).sum::<f64>())
            }
            Head::Sigmoid | Head::OneLogit => Some(1.0 / (1.0 + (-f64::from(scores[class])).exp())),
            Head::Values => None,
        }
    }

    /// The probabilities of all classes; `None` where there are none.
    pub fn probabilities(self, scores: &[f32]) -> Option<Vec<f32>> {
        match self {
            // once, and not once per class
            Head::Softmax => Some(softmax(scores)),
            _ => (0..scores.len()).map(|class| self.probability(scores, class)).collect(),
        }
    }

    /// Whether the network says that the picture is of a class; `None` where a single output that is
    /// no logit says nothing of the kind.
    pub fn says(self, scores: &[f32], class: usize) -> Option<bool> {
        let own = scores[class];
        match self {
            Head::Values if scores.len() == 1 => None,
            Head::Softmax | Head::Values => Some(scores.iter().all(|other| *other <= own)),
            Head::Sigmoid => Some(own > 0.0),
            // a logit of 0 says class 0
            Head::OneLogit => Some(if class == 0 { own >= 0.0 } else { own > 0.0 }),
        }
    }
}

/// In double precision, rounded once; also for scores far from 0.
fn sigmoid(score: f32) -> f32 {
    (1.0 / (1.0 + (-f64::from(score)).exp())) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_scores_is_the_best_and_so_among_the_others() {
        let scores = [0.0, 3.0, -1.0, 3.0, 0.0];
        assert_eq!((best(&scores, None), best(&scores, Some(1))), (Some(1), Some(3)));
        assert_eq!(best(&[0.0, -0.0, 0.0], Some(0)), Some(1));
        assert_eq!((best(&[2.0], Some(0)), best(&[], None)), (None, None));
    }

    #[test]
    fn probabilities_are_those_of_the_head() {
        let near = |head: Head, scores: &[f32], expected: &[f32]| {
            let found = head.probabilities(scores).unwrap();
            assert_eq!(found.len(), expected.len());
            for (class, (f, e)) in found.iter().zip(expected).enumerate() {
                assert!((f - e).abs() < 1e-6, "{head}: {found:?}");
                assert_eq!(head.probability(scores, class), Some(*f));
                let double = head.probability_in_double(scores, class).unwrap();
                assert!((double - f64::from(*f)).abs() < 1e-7, "{head}: {double}");
            }
        };
        // e = 2.718282; 1 / (1 + e^-1) = 0.731059
        near(Head::Softmax, &[0.0, 1.0], &[0.268_941, 0.731_059]);
        near(Head::Sigmoid, &[0.0, 1.0, -2.698_824], &[0.5, 0.731_059, 0.063_043]);
        near(Head::OneLogit, &[2.698_824, -2.698_824], &[0.936_957, 0.063_043]);
        near(Head::Sigmoid, &[1e30, -1e30], &[1.0, 0.0]);
        assert_eq!(Head::Values.probabilities(&[0.0, 1.0]), None);
    }

    #[test]
    fn a_head_says_which_classes_a_picture_has() {
        let says = |head: Head, scores: &[f32]| -> Vec<Option<bool>> {
            (0..scores.len()).map(|class| head.says(scores, class)).collect()
        };
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(says(Head::Softmax, &[-1.0, -3.0, -1.0]), [yes, no, yes]);
        assert_eq!(says(Head::Sigmoid, &[-1.0, 0.5, 0.0, 2.0]), [no, yes, no, yes]);
        assert_eq!(says(Head::OneLogit, &[-2.0, 2.0]), [no, yes]);
        assert_eq!(says(Head::OneLogit, &[2.0, -2.0]), [yes, no]);
        assert_eq!(says(Head::OneLogit, &[-0.0, 0.0]), [yes, no]);
        assert_eq!(says(Head::Values, &[0.1, 0.7]), [no, yes]);
        assert_eq!(says(Head::Values, &[0.7]), [None]);
    }
}
