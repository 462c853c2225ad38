//! The flipping loop: remove region after region, watch the class score.

use crate::{
    base::{
        geom::{Grid, RegionId},
        registry::{SpecError, near},
    },
    nn::{graph::Graph, tensor::Tensor},
};
use std::{fmt, str::FromStr};

/// One picture and the regions that are removed from it, cumulatively and in this order.
///
/// Both tensors are in input space. Normalisation works on each value alone, so copying normalised
/// pixels gives the same bits as normalising a picture with copied pixels.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// The untouched picture, shape `(C, H, W)` of the network's input.
    pub input: &'a Tensor,
    /// What replaces the pixels of a removed region; same shape.
    pub fill: &'a Tensor,
    /// Where the regions are.
    pub grid: &'a Grid,
    /// The first `L` regions of the order, without repetition.
    pub regions: &'a [RegionId],
}

/// Which class scores are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classes {
    /// That of one class.
    One(usize),
    /// Those of all classes.
    All,
}

/// Class scores along a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    /// `L + 1` groups, the first for the untouched picture; a group holds one value for
    /// [`Classes::One`], else one per class.
    pub values: Vec<f32>,
    /// Multiply-adds spent.
    pub macs: u64,
}

/// What evaluates the network along a chain. All engines give the same bits.
pub trait Engine: Sync {
    /// Number of classes of the network.
    fn classes(&self) -> usize;

    /// Class scores before softmax after 0, 1, ..., `L` removed regions.
    fn logits(&self, chain: &Chain<'_>, classes: Classes) -> Logits;
}

/// The plain engine: a full forward pass per step. Slow, and the reference of the fast one.
#[derive(Clone, Copy, Debug)]
pub struct FullPasses<'g>(
    /// The network; its output are logits.
    pub &'g Graph,
);

impl Engine for FullPasses<'_> {
    fn classes(&self) -> usize {
        self.0.classes()
    }

    fn logits(&self, chain: &Chain<'_>, classes: Classes) -> Logits {
        let mut picture = chain.input.clone();
        let mut values = Vec::new();
        let mut record = |picture: &Tensor| {
            let logits = self.0.logits(picture);
            match classes {
                Classes::One(class) => values.push(logits[class]),
                Classes::All => values.extend(logits),
            }
        };
        record(&picture);
        for &region in chain.regions {
            remove(&mut picture, chain, region);
            record(&picture);
        }
        let macs = self.0.macs() * (chain.regions.len() as u64 + 1);
        Logits { values, macs }
    }
}

/// Replaces the pixels of one region by those of the fill image.
fn remove(picture: &mut Tensor, chain: &Chain<'_>, region: RegionId) {
    let rect = chain.grid.rect(region);
    let mut pixels = vec![0.0; rect.area() * picture.shape.c];
    chain.fill.read(rect, &mut pixels);
    picture.write(rect, &pixels);
}

/// What is watched while regions disappear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScoreKind {
    /// The target's output before softmax.
    Logit,
    /// The target's probability.
    Softmax,
}

impl ScoreKind {
    /// All kinds.
    pub const ALL: [ScoreKind; 2] = [ScoreKind::Logit, ScoreKind::Softmax];

    /// Name in options and columns.
    pub const fn name(self) -> &'static str {
        match self {
            ScoreKind::Logit => "logit",
            ScoreKind::Softmax => "softmax",
        }
    }
}

impl fmt::Display for ScoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ScoreKind {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<ScoreKind, SpecError> {
        let unknown = || SpecError::Unknown {
            kind: "score",
            got: text.to_owned(),
            near: near(text, ScoreKind::ALL.iter().map(|k| k.name())),
        };
        ScoreKind::ALL.into_iter().find(|k| k.name() == text).ok_or_else(unknown)
    }
}

/// What is kept of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The target's score after 0, 1, ..., `L` removed regions.
    pub scores: Vec<f32>,
    /// All classes' logits, step after step (`(L + 1) * classes` values), where they were wanted.
    pub all_logits: Option<Vec<f32>>,
    /// Multiply-adds spent.
    pub macs: u64,
}

/// Why there is no curve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurveError {
    /// The network has fewer classes.
    #[error("the target class is {target}, but the network has only {classes} classes")]
    Target {
        /// The class asked for.
        target: usize,
        /// How many there are.
        classes: usize,
    },
    /// NaN or infinity came out of the network.
    #[error("the score is {score} after {step} removed regions")]
    NonFinite {
        /// What it is, in words.
        score: String,
        /// At which step, 0 being the untouched picture.
        step: usize,
    },
}

/// Walks a chain and records the score of class `target`, and all logits if `keep_all`.
pub fn curve(
    engine: &dyn Engine,
    chain: &Chain<'_>,
    target: usize,
    kind: ScoreKind,
    keep_all: bool,
) -> Result<Curve, CurveError> {
    let classes = engine.classes();
    if target >= classes {
        return Err(CurveError::Target { target, classes });
    }
    let all = keep_all || kind == ScoreKind::Softmax;
    let wanted = if all { Classes::All } else { Classes::One(target) };
    let Logits { values, macs } = engine.logits(chain, wanted);
    let scores: Vec<f32> = match kind {
        ScoreKind::Logit if all => values.chunks_exact(classes).map(|step| step[target]).collect(),
        ScoreKind::Logit => values.clone(),
        ScoreKind::Softmax => values.chunks_exact(classes).map(|s| softmax(s, target)).collect(),
    };
    if let Some(step) = scores.iter().position(|s| !s.is_finite()) {
        return Err(CurveError::NonFinite { score: scores[step].to_string(), step });
    }
    Ok(Curve { scores, all_logits: keep_all.then_some(values), macs })
}

/// The probability of one class; summed in double precision, relative to the largest logit so that
/// nothing overflows.
pub fn softmax(logits: &[f32], class: usize) -> f32 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let power = |v: f32| (f64::from(v) - f64::from(largest)).exp();
    let total: f64 = logits.iter().map(|&v| power(v)).sum();
    (power(logits[class]) / total) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_survives_large_logits() {
        assert!((softmax(&[1000.0, 1000.0], 0) - 0.5).abs() < 1e-7);
        // 1 / (1 + e + e^2), by hand
        assert!((softmax(&[0.0, 1.0, 2.0], 0) - 0.090_030_57).abs() < 1e-7);
        assert!(softmax(&[f32::NAN, 1.0], 1).is_nan());
    }

    #[test]
    fn score_kinds_are_named_as_in_the_options() {
        assert!(ScoreKind::ALL.iter().all(|k| k.to_string().parse() == Ok(*k)));
        let error = "sofmax".parse::<ScoreKind>().unwrap_err();
        assert_eq!(error.to_string(), "unknown score `sofmax`, did you mean `softmax`?");
    }
}
