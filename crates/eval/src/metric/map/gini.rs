//! Sparseness.

use super::{Look, MapMetric, Undefined, magnitudes, uneven};
use crate::{
    base::registry::Entry,
    metric::{Direction, Range},
};

/// Gini index of the magnitudes (Chalasani et al. 2020): with `v_1 <= ... <= v_n`,
/// `sum_k (2k - n - 1) v_k / (n sum v)`. In [0, 1), near 1 when one pixel has everything; none for a constant
/// map. Higher is better: fewer pixels explain.
struct Gini;

pub(super) const ENTRY: Entry<dyn MapMetric> = Entry {
    id: "sparseness",
    summary: "Gini index of the relevance magnitudes, near 0 (even) to 1 (one pixel)",
    cite: "chalasani2020concise",
    params: &[],
    build: |_| Ok(Box::new(Gini)),
};

impl MapMetric for Gini {
    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn range(&self) -> Range {
        Range::UNIT
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        let mut v = magnitudes(uneven(look.heat)?);
        v.sort_unstable_by(f64::total_cmp);
        let (n, total) = (v.len() as f64, v.iter().sum::<f64>());
        let weighted = |(k, v): (usize, &f64)| (2.0 * (k as f64 + 1.0) - n - 1.0) * v;
        let sum: f64 = v.iter().enumerate().map(weighted).sum();
        if total > 0.0 { Ok(sum / (n * total)) } else { Err(Undefined::Zero) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn by_hand() {
        // 0 1 3: (-2 * 0 + 0 * 1 + 2 * 3) / (3 * 4)
        let heat = array![[-3.0, 0.0, 1.0]];
        let value = Gini.value(&Look { heat: &heat, object: None, asked: None }).unwrap();
        assert!((value - 0.5).abs() < 1e-15);
    }
}
