//! Entropies, and how many pixels count.

use super::{Look, MapMetric, Undefined, grey, magnitudes, uneven};
use crate::{
    base::registry::{Entry, Kind, Param},
    metric::{Direction, Range},
};

/// Entropy in bits of the magnitudes as shares of their sum (Bhatt et al. 2020, eq. 4): 0 for one
/// pixel, up to `log2(pixels)`; none for a constant map. Lower is better.
struct Entropy;

pub(super) const ENTROPY: Entry<dyn MapMetric> = Entry {
    id: "entropy",
    summary: "entropy in bits of the relevance magnitudes as shares of their sum",
    cite: "bhatt2020evaluating",
    params: &[],
    build: |_| Ok(Box::new(Entropy)),
};

impl MapMetric for Entropy {
    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn range(&self) -> Range {
        Range::NON_NEGATIVE
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        bits(magnitudes(uneven(look.heat)?).into_iter()).ok_or(Undefined::Zero)
    }
}

/// Entropy in bits of shares that need not sum to 1.
fn bits(weights: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let total: f64 = weights.clone().sum();
    let part = |w: f64| if w > 0.0 { -(w / total) * (w / total).log2() } else { 0.0 };
    // from +0, since a single share of 1 gives -0
    (total > 0.0).then(|| weights.fold(0.0, |sum, w| sum + part(w)))
}

/// Entropy in bits of the 256 grey levels of the shown map (Samek et al. 2017, table I), at most 8; none for
/// a constant map. Lower is better.
struct GreyEntropy;

pub(super) const GREY_ENTROPY: Entry<dyn MapMetric> = Entry {
    id: "grey-entropy",
    summary: "entropy in bits of the 256 grey levels of the heat map",
    cite: "samek2017evaluating",
    params: &[],
    build: |_| Ok(Box::new(GreyEntropy)),
};

impl MapMetric for GreyEntropy {
    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn range(&self) -> Range {
        Range { low: 0.0, high: 8.0 }
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        let mut counts = [0.0; 256];
        let levels = grey(look.heat)?;
        levels.into_iter().for_each(|level| counts[usize::from(level)] += 1.0);
        bits(counts.into_iter()).ok_or(Undefined::Zero)
    }
}

/// Number of pixels whose magnitude exceeds a share of the largest one (after Nguyen and Martinez
/// 2020, who count those that the prediction needs). Lower is better.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `share` | 0.1 | of the largest magnitude, in [0, 1) |
struct Effective {
    share: f64,
}

pub(super) const EFFECTIVE: Entry<dyn MapMetric> = Entry {
    id: "effective-complexity",
    summary: "number of pixels with more than a share of the largest magnitude",
    cite: "nguyen2020quantitative",
    params: &[Param {
        key: "share",
        default: "0.1",
        kind: Kind::Number { min: 0.0, max: 1.0 },
        help: "of the largest magnitude, less than 1",
    }],
    build: |args| {
        let share = args.f64("share");
        if share < 1.0 {
            return Ok(Box::new(Effective { share }));
        }
        Err(args.bad("share", "less than 1: no pixel has more than the largest magnitude"))
    },
};

impl MapMetric for Effective {
    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn range(&self) -> Range {
        Range::NON_NEGATIVE
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        let v = magnitudes(uneven(look.heat)?);
        let largest = v.iter().copied().fold(0.0, f64::max);
        let counts = |v: &&f64| **v > self.share * largest;
        Ok(v.iter().filter(counts).count() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::registry::build, metric::map::MAP_METRICS};
    use ndarray::array;

    #[test]
    fn entropies_by_hand() {
        let heat = array![[2.0, -1.0], [1.0, 0.0]];
        let look = Look { heat: &heat, object: None, asked: None };
        // shares 1/2, 1/4, 1/4
        assert!((Entropy.value(&look).unwrap() - 1.5).abs() < 1e-15);
        // four different levels
        assert!((GreyEntropy.value(&look).unwrap() - 2.0).abs() < 1e-15);
        assert_eq!(Effective { share: 0.5 }.value(&look), Ok(1.0));
        assert_eq!(Effective { share: 0.1 }.value(&look), Ok(3.0));
    }

    #[test]
    fn no_pixel_has_more_than_the_largest_magnitude() {
        let told = |spec: &str| {
            let built = build("metric", MAP_METRICS, &spec.parse().unwrap());
            built.map_or_else(|e| e.to_string(), |metric| metric.name)
        };
        let name = "effective-complexity:share=0.9999999999";
        assert_eq!(told(name), name, "in single precision that is 1");
        let said = told("effective-complexity:share=1");
        assert!(said.contains("less than 1"), "{said}");
    }
}
