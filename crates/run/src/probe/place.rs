//! The control: as many pixels of the same form somewhere else.

use crate::base::rng::{KeyedRng, below};

/// Places that are tried: first inside the picture, then also over its edges, where what leaves on one side comes in
/// on the other.
const TRIES: usize = 400;

/// A copy of `object`, a mask of `height` x `width` pixels, that has no pixel in common with it; `None` where none of
/// the places tried has room.
pub(super) fn elsewhere(
    object: &[bool],
    (height, width): (usize, usize),
    rng: &mut KeyedRng,
) -> Option<Vec<bool>> {
    let pixels: Vec<(usize, usize)> =
        (0..object.len()).filter(|i| object[*i]).map(|i| (i / width, i % width)).collect();
    if pixels.is_empty() || 2 * pixels.len() > object.len() {
        return None;
    }
    let span = |of: fn(&(usize, usize)) -> usize| {
        let (mut low, mut high) = (usize::MAX, 0);
        pixels.iter().map(of).for_each(|v| (low, high) = (low.min(v), high.max(v)));
        (low, high)
    };
    let ((top, bottom), (left, right)) = (span(|p| p.0), span(|p| p.1));
    let shifted = |dy: usize, dx: usize| {
        let moved = pixels.iter().map(|(y, x)| ((y + dy) % height) * width + (x + dx) % width);
        moved.clone().all(|at| !object[at]).then(|| {
            let mut copy = vec![false; object.len()];
            moved.for_each(|at| copy[at] = true);
            copy
        })
    };
    let mut draw = |bound: usize| below(rng, bound as u64) as usize;
    // shifts that leave the form inside are those of its upper left corner, modulo the size
    let mut inside = || {
        let y = draw(height - (bottom - top));
        let x = draw(width - (right - left));
        shifted((y + height - top) % height, (x + width - left) % width)
    };
    if let Some(found) = (0..TRIES).find_map(|_| inside()) {
        return Some(found);
    }
    (0..TRIES).find_map(|_| shifted(draw(height), draw(width)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Seed;

    fn square(side: usize, y0: usize, x0: usize, size: usize) -> Vec<bool> {
        let inside = |k: usize| {
            (y0..y0 + size).contains(&(k / side)) && (x0..x0 + size).contains(&(k % side))
        };
        (0..side * side).map(inside).collect()
    }

    #[test]
    fn the_copy_has_as_many_pixels_and_none_in_common() {
        for seed in 0..20 {
            let mut rng = Seed(seed).rng("test", "", &[]);
            let object = square(10, 4, 3, 4);
            let copy = elsewhere(&object, (10, 10), &mut rng).unwrap();
            assert_eq!(copy.iter().filter(|v| **v).count(), 16);
            assert!(object.iter().zip(&copy).all(|(a, b)| !(a & b)));
            // it fits beside the object without leaving the picture
            let rows: Vec<usize> = (0..100).filter(|i| copy[*i]).map(|i| i / 10).collect();
            assert_eq!(rows[15] - rows[0], 3, "{seed}");
        }
    }

    #[test]
    fn an_object_that_fills_more_than_half_has_no_elsewhere() {
        let mut rng = Seed(0).rng("test", "", &[]);
        assert_eq!(elsewhere(&square(10, 0, 0, 8), (10, 10), &mut rng), None);
        assert_eq!(elsewhere(&[false; 100], (10, 10), &mut rng), None);
        // in the middle there is room only over the edges
        let wide = elsewhere(&square(10, 3, 3, 5), (10, 10), &mut rng).unwrap();
        assert_eq!(wide.iter().filter(|v| **v).count(), 25);
    }
}
