//! When the class flips.

use super::{CurveMetric, Direction, Range, Trial};
use crate::{base::registry::Entry, nn::head::Head, order::Order};

/// Number of removed regions, most relevant first, after which another class than the target has the
/// largest logit for the first time (with a sigmoid per class: the target's logit is not above 0 any
/// more); `L + 1` when that does not happen within the `L` steps, so
/// that a mean is at least that large. Needs the logits of all classes (`--record all`); without them
/// it is undefined. Lower is better.
#[derive(Clone, Copy, Debug)]
struct StepsToFlip;

pub(super) const ENTRY: Entry<dyn CurveMetric> = Entry {
    id: "steps-to-flip",
    summary: "MoRF steps until another class is predicted, L + 1 if none is (needs --record all)",
    cite: "bach2015pixel",
    params: &[],
    build: |_| Ok(Box::new(StepsToFlip)),
};

impl CurveMetric for StepsToFlip {
    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn range(&self) -> Range {
        Range::NON_NEGATIVE
    }

    fn needs_all_logits(&self) -> bool {
        true
    }

    fn along(&self, trial: &Trial<'_>) -> Option<Vec<f64>> {
        let flip = trial.own.flip?;
        let steps = trial.own.curve(Order::Morf)?.len();
        let gone = |l| if flip <= l { trial.stops.gone(flip) } else { trial.stops.gone(l) + 1 };
        Some((0..steps).map(|l| gone(l) as f64).collect())
    }
}

/// The first step at which the network does not say the target any more ([`Head::says`]), given the
/// scores of all classes step after step (`classes` values each), or the number of steps when it
/// always does; `None` for an output that says nothing of the kind.
pub fn flip(head: Head, logits: &[f32], target: usize, classes: usize) -> Option<usize> {
    let steps = logits.chunks_exact(classes);
    let said = steps.map(|step| head.says(step, target)).collect::<Option<Vec<bool>>>()?;
    Some(said.iter().position(|says| !says).unwrap_or(said.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Curves;

    #[test]
    fn the_first_other_class_counts() {
        let logits = [1.0, 5.0, 2.0, 4.0, 4.0, 4.0];
        assert_eq!(flip(Head::Softmax, &logits, 1, 2), Some(3), "a tie is no flip");
        let logits = [1.0, 5.0, 4.5, 4.0, 1.0, 3.0];
        let own = Curves {
            morf: Some(&[5.0, 4.0, 3.0]),
            flip: flip(Head::Softmax, &logits, 1, 2),
            lerf: None,
        };
        let trial = Trial { own, ..Trial::default() };
        assert_eq!(StepsToFlip.along(&trial), Some(vec![1.0, 1.0, 1.0]));
        let never = Trial { own: Curves { flip: Some(3), ..own }, ..trial };
        assert_eq!(StepsToFlip.value(&never), Some(3.0));
        let unknown = Trial { own: Curves { flip: None, ..own }, ..trial };
        assert_eq!(StepsToFlip.value(&unknown), None);
    }
}
