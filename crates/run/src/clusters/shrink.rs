//! Heat maps as points.

use super::Part;
use crate::explain::HeatMap;

/// The part of a map that counts, scaled to the sum 1 of its absolute values and averaged over the cells of a grid of
/// `side` x `side`; pixels that lie in several cells count in each by their share. `None` of a map without such
/// relevance.
pub(super) fn shrunk(heat: &HeatMap, part: Part, side: usize) -> Option<Vec<f32>> {
    let value = |v: f64| match part {
        Part::Positive => v.max(0.0),
        Part::Absolute => v.abs(),
        Part::Signed => v,
    };
    let all: f64 = heat.iter().map(|v| value(*v).abs()).sum();
    if all <= 0.0 {
        return None;
    }
    let (height, width) = heat.dim();
    let (rows, columns) = (shares(height, side), shares(width, side));
    let cell = |(row, column): (usize, usize)| {
        let sum = |(y, part): &(usize, f64)| -> f64 {
            columns[column].iter().map(|(x, share)| share * part * value(heat[[*y, *x]])).sum()
        };
        (rows[row].iter().map(sum).sum::<f64>() / all) as f32
    };
    Some((0..side * side).map(|k| cell((k / side, k % side))).collect())
}

/// For each of `to` cells of a line of `from` pixels: the pixels in it, with the share of each.
fn shares(from: usize, to: usize) -> Vec<Vec<(usize, f64)>> {
    let cell = |k: usize| {
        let (low, high) =
            (k as f64 * from as f64 / to as f64, (k + 1) as f64 * from as f64 / to as f64);
        let last = (high.ceil() as usize).min(from);
        (low as usize..last)
            .map(|i| (i, high.min(i as f64 + 1.0) - low.max(i as f64)))
            .filter(|(_, share)| *share > 0.0)
            .collect()
    };
    (0..to).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_map_becomes_cells_that_sum_to_one() {
        let heat = array![[1.0, 2.0, 3.0], [0.0, -6.0, 0.0], [1.0, 1.0, 2.0]];
        // each cell has one and a half pixels a side; the positive values sum to 10
        let found = shrunk(&heat, Part::Positive, 2).unwrap();
        let expected = [2.0, 4.0, 1.5, 2.5].map(|v| v / 10.0);
        assert!(
            found.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6),
            "{found:?}"
        );
        let signed = shrunk(&heat, Part::Signed, 1).unwrap();
        assert!((f64::from(signed[0]) - 4.0 / 16.0).abs() < 1e-6);
        assert_eq!(shrunk(&array![[-1.0, 0.0]], Part::Positive, 1), None);
    }
}
