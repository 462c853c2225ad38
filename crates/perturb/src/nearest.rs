//! The nearest pixel that is left.

use super::{Fill, Mask, Masked, Perturbation, Site, colour};
use crate::{
    base::{geom::Rect, registry::Entry},
    nn::tensor::Tensor,
};

/// Every removed pixel takes the colour of the nearest pixel that is left: smallest Euclidean
/// distance, then the upper one, then the left one. When none is left, all take the picture's mean
/// colour.
#[derive(Debug)]
struct Nearest;

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "nearest",
    summary: "the nearest pixel that is left (mask-dependent)",
    cite: "rong2022consistent",
    params: &[],
    build: |_| Ok(Box::new(Nearest)),
};

impl Perturbation for Nearest {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        Fill::Masked(Box::new(Neighbours { picture: site.picture }))
    }

    fn is_local(&self) -> bool {
        false
    }
}

struct Neighbours<'a> {
    picture: &'a Tensor,
}

impl Masked for Neighbours<'_> {
    fn update(&self, gone: &Mask, _: Rect, current: &mut Tensor) {
        let columns = Columns::of(gone);
        let mut mean = None;
        for (y, x) in gone.pixels() {
            let rect = Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 };
            match columns.nearest(y, x) {
                Some((y, x)) => current.write(rect, self.picture.pixel(y, x)),
                None => current.write(rect, mean.get_or_insert_with(|| colour(self.picture))),
            }
        }
    }
}

/// For every pixel, the nearest rows above and below (or its own) where its column has a pixel left.
struct Columns {
    height: usize,
    width: usize,
    above: Vec<Option<usize>>,
    below: Vec<Option<usize>>,
}

impl Columns {
    fn of(gone: &Mask) -> Columns {
        let (height, width) = gone.size();
        let mut above = vec![None; height * width];
        let mut below = vec![None; height * width];
        for x in 0..width {
            let (mut last, mut next) = (None, None);
            for y in 0..height {
                last = if gone.has(y, x) { last } else { Some(y) };
                above[y * width + x] = last;
                let from_below = height - 1 - y;
                next = if gone.has(from_below, x) { next } else { Some(from_below) };
                below[from_below * width + x] = next;
            }
        }
        Columns { height, width, above, below }
    }

    /// The pixel that is left with the smallest (distance, row, column).
    fn nearest(&self, y: usize, x: usize) -> Option<(usize, usize)> {
        let mut best: Option<(usize, usize, usize)> = None;
        for side in 0..self.width {
            if best.is_some_and(|(distance, ..)| side * side > distance) {
                break;
            }
            let columns = [x.checked_sub(side), Some(x + side).filter(|x| *x < self.width)];
            for column in columns.into_iter().flatten() {
                let at = y * self.width + column;
                for row in [self.above[at], self.below[at]].into_iter().flatten() {
                    let found = (side * side + row.abs_diff(y).pow(2), row, column);
                    best = Some(best.map_or(found, |best| best.min(found)));
                }
            }
        }
        debug_assert!(y < self.height);
        best.map(|(_, y, x)| (y, x))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Mask,
        base::{
            geom::{Rect, Shape},
            rng::{Seed, unit_f32},
        },
        nn::tensor::Tensor,
        testing::{masked, ramp, random_mask},
    };

    #[test]
    fn the_upper_and_the_left_one_win_ties() {
        // a b c        a b c
        // d . f   ->   d b f
        // g . i        g g i
        let values = (1..=9).map(|v| v as f32 / 10.0).collect();
        let picture = Tensor::new(Shape::new(1, 3, 3), values);
        let mut gone = Mask::none(3, 3);
        gone.remove(Rect { y0: 1, y1: 3, x0: 1, x1: 2 });
        let found = masked("nearest", &picture, &gone);
        assert_eq!(found.data, [0.1, 0.2, 0.3, 0.4, 0.2, 0.6, 0.7, 0.7, 0.9]);
    }

    #[test]
    fn with_nothing_left_the_mean_colour_remains() {
        let picture = Tensor::new(Shape::new(2, 1, 2), vec![0.0, 0.5, 1.0, 0.75]);
        let mut gone = Mask::none(1, 2);
        gone.remove(Rect { y0: 0, y1: 1, x0: 0, x1: 2 });
        assert_eq!(masked("nearest", &picture, &gone).data, [0.5, 0.625, 0.5, 0.625]);
    }

    #[test]
    fn the_search_finds_what_looking_at_all_pixels_finds() {
        let picture = ramp();
        let (h, w) = (picture.shape.h, picture.shape.w);
        for seed in 0..20 {
            let share = unit_f32(&mut Seed(seed).rng("share", "", &[]));
            let gone = random_mask(h, w, seed, share);
            let found = masked("nearest", &picture, &gone);
            for (y, x) in gone.pixels() {
                let left = (0..h * w).map(|i| (i / w, i % w)).filter(|(y, x)| !gone.has(*y, *x));
                let key =
                    |&(r, c): &(usize, usize)| (r.abs_diff(y).pow(2) + c.abs_diff(x).pow(2), r, c);
                if let Some((r, c)) = left.min_by_key(key) {
                    assert_eq!(found.pixel(y, x), picture.pixel(r, c), "seed {seed}, ({y}, {x})");
                }
            }
        }
    }
}
