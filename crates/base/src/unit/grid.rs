//! Squares of a grid over a picture: the regions of Samek et al. 2017.

use super::{Patch, UnitId, Units};
use crate::{geom::Rect, word_enum};

word_enum! {
    /// What becomes of the pixels right and below the last whole region.
    #[derive(Default)]
    pub enum Remainder {
        /// They belong to no region and are never perturbed (the paper's protocol).
        #[default]
        Drop = "drop",
        /// They form smaller regions of their own.
        Partial = "partial",
    }
}

/// Disjoint squares anchored at the top left of a picture (Samek et al. 2017, sec. III).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    height: usize,
    width: usize,
    side: usize,
    remainder: Remainder,
    /// The first so many regions alone are units; `None` stands for all.
    leading: Option<usize>,
}

impl Grid {
    /// A grid over a picture of `height` x `width` pixels; `None` when `side` is 0 or no region fits: with
    /// [`Remainder::Partial`], when a region exceeds the picture in both directions.
    pub fn new(height: usize, width: usize, side: usize, remainder: Remainder) -> Option<Grid> {
        let grid = Grid { height, width, side, remainder, leading: None };
        let fits = match remainder {
            Remainder::Drop => side <= height && side <= width,
            Remainder::Partial => height > 0 && width > 0 && (side <= height || side <= width),
        };
        (side > 0 && fits).then_some(grid)
    }

    /// Side of a region in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The same places, of which the first `count` alone are units, as far as there are so many: the words of a text, but
    /// not the padding behind them.
    #[must_use]
    pub fn leading(self, count: usize) -> Grid {
        Grid { leading: Some(count), ..self }
    }

    /// Rows and columns of the grid.
    pub fn dims(&self) -> (usize, usize) {
        let count = |n: usize| match self.remainder {
            Remainder::Drop => n / self.side,
            Remainder::Partial => n.div_ceil(self.side),
        };
        (count(self.height), count(self.width))
    }

    /// Pixels of a region.
    pub fn rect(&self, id: UnitId) -> Rect {
        let cols = self.dims().1;
        let (r, c) = (id.0 as usize / cols, id.0 as usize % cols);
        Rect {
            y0: r * self.side,
            y1: ((r + 1) * self.side).min(self.height),
            x0: c * self.side,
            x1: ((c + 1) * self.side).min(self.width),
        }
    }
}

impl Units for Grid {
    fn len(&self) -> usize {
        let (rows, cols) = self.dims();
        self.leading.map_or(rows * cols, |count| count.min(rows * cols))
    }

    fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    fn patch(&self, unit: UnitId) -> Patch<'_> {
        Patch::Rect(self.rect(unit))
    }

    fn name(&self, unit: UnitId) -> String {
        let cols = self.dims().1;
        format!("row {}, column {}", unit.0 as usize / cols, unit.0 as usize % cols)
    }
}

/// The regions of one size, and how many of them are gone at each step of a curve.
#[derive(Clone, Debug)]
pub struct Regions {
    /// All regions.
    pub grid: Grid,
    /// How many of them are gone after each step, ascending, at least one step.
    pub stops: Vec<usize>,
}

impl Regions {
    /// Steps of a curve.
    pub fn steps(&self) -> usize {
        self.stops.len()
    }

    /// Regions that are gone after the last step.
    pub fn last(&self) -> usize {
        self.stops.last().copied().unwrap_or(0)
    }

    /// True when each step takes one region.
    pub fn is_one_by_one(&self) -> bool {
        self.last() == self.steps()
    }

    /// Share of the picture's pixels that are gone after the last step (with whole regions).
    pub fn removed(&self) -> f64 {
        self.grid.covered() * self.last() as f64 / self.grid.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_squares_count_by_default() {
        let grid = Grid::new(227, 227, 9, Remainder::Drop).unwrap();
        assert_eq!(grid.dims(), (25, 25));
        assert_eq!(grid.len(), 625);
        assert_eq!(Grid::new(224, 224, 9, Remainder::Drop).unwrap().len(), 576);
        assert_eq!(grid.rect(UnitId(26)), Rect { y0: 9, y1: 18, x0: 9, x1: 18 });
        assert!((grid.covered() - 225.0 * 225.0 / (227.0 * 227.0)).abs() < 1e-12);
    }

    #[test]
    fn partial_regions_cover_everything_once() {
        let grid = Grid::new(7, 5, 3, Remainder::Partial).unwrap();
        let mut hits = [[0; 5]; 7];
        for r in grid.ids().map(|id| grid.rect(id)) {
            for row in &mut hits[r.y0..r.y1] {
                row[r.x0..r.x1].iter_mut().for_each(|h| *h += 1);
            }
        }
        assert!(hits.iter().flatten().all(|&h| h == 1));
        assert!((grid.covered() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn leading_regions_keep_their_places() {
        let all = Grid::new(5, 1, 1, Remainder::Drop).unwrap();
        let three = all.leading(3);
        assert_eq!((three.len(), three.size(), three.dims()), (3, (5, 1), (5, 1)));
        assert_eq!(three.ids().map(|id| three.rect(id).y0).collect::<Vec<_>>(), [0, 1, 2]);
        assert!((three.covered() - 0.6).abs() < 1e-12);
        assert_eq!(all.leading(9).len(), 5);
    }

    #[test]
    fn a_region_larger_than_the_picture_has_no_grid() {
        assert_eq!(Grid::new(8, 20, 9, Remainder::Drop), None);
        assert_eq!(Grid::new(8, 20, 0, Remainder::Drop), None);
    }

    #[test]
    fn partial_regions_may_be_wider_than_the_picture() {
        let grid = Grid::new(60, 1, 9, Remainder::Partial).unwrap();
        assert_eq!((grid.dims(), grid.len()), ((7, 1), 7));
        assert_eq!(grid.rect(UnitId(6)), Rect { y0: 54, y1: 60, x0: 0, x1: 1 });
        assert!((grid.covered() - 1.0).abs() < 1e-12);
        assert_eq!(Grid::new(60, 1, 9, Remainder::Drop), None);
        assert_eq!(Grid::new(8, 1, 9, Remainder::Partial), None, "a single region is no order");
    }
}
