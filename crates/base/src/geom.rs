//! Shapes, rectangles and the grid of regions.

use std::fmt;

/// Shape of one activation map. A dense layer's output is `(features, 1, 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Channels.
    pub c: usize,
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
}

impl Shape {
    /// `(c, h, w)`.
    pub const fn new(c: usize, h: usize, w: usize) -> Self {
        Shape { c, h, w }
    }

    /// A vector of `n` features: `(n, 1, 1)`.
    pub const fn vector(n: usize) -> Self {
        Shape { c: n, h: 1, w: 1 }
    }

    /// Number of values.
    pub const fn len(self) -> usize {
        self.c * self.h * self.w
    }

    /// True when a side is zero.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The extent of one axis.
    pub const fn along(self, axis: Axis) -> usize {
        match axis {
            Axis::Channel => self.c,
            Axis::Row => self.h,
            Axis::Column => self.w,
        }
    }

    /// All pixels of the map.
    pub const fn rect(self) -> Rect {
        Rect { y0: 0, y1: self.h, x0: 0, x1: self.w }
    }
}

/// An axis of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Channels.
    Channel,
    /// Rows.
    Row,
    /// Columns.
    Column,
}

impl Axis {
    /// All axes in the order of a shape, which is ONNX's: the slowest first.
    pub const ALL: [Axis; 3] = [Axis::Channel, Axis::Row, Axis::Column];
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.h == 1 && self.w == 1 {
            write!(f, "{}", self.c)
        } else {
            write!(f, "{}x{}x{}", self.c, self.h, self.w)
        }
    }
}

/// Half-open rectangle `[y0, y1) x [x0, x1)` in pixels of one map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rect {
    /// First row.
    pub y0: usize,
    /// One past the last row.
    pub y1: usize,
    /// First column.
    pub x0: usize,
    /// One past the last column.
    pub x1: usize,
}

impl Rect {
    /// The rectangle without pixels; neutral in [`Rect::union`].
    pub const EMPTY: Rect = Rect { y0: 0, y1: 0, x0: 0, x1: 0 };

    /// Rows.
    pub const fn height(self) -> usize {
        self.y1.saturating_sub(self.y0)
    }

    /// Columns.
    pub const fn width(self) -> usize {
        self.x1.saturating_sub(self.x0)
    }

    /// Pixels.
    pub const fn area(self) -> usize {
        self.height() * self.width()
    }

    /// True without pixels.
    pub const fn is_empty(self) -> bool {
        self.area() == 0
    }

    /// The smallest rectangle holding both.
    #[must_use]
    pub fn union(self, other: Rect) -> Rect {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        Rect {
            y0: self.y0.min(other.y0),
            y1: self.y1.max(other.y1),
            x0: self.x0.min(other.x0),
            x1: self.x1.max(other.x1),
        }
    }

    /// The pixels of both; `EMPTY` when there are none.
    #[must_use]
    pub fn intersect(self, other: Rect) -> Rect {
        let r = Rect {
            y0: self.y0.max(other.y0),
            y1: self.y1.min(other.y1),
            x0: self.x0.max(other.x0),
            x1: self.x1.min(other.x1),
        };
        if r.is_empty() { Rect::EMPTY } else { r }
    }

    /// True when all pixels of `other` are in `self`.
    pub fn contains(self, other: Rect) -> bool {
        other.is_empty() || self.intersect(other) == other
    }
}

/// Row-major index of a region in its grid; 0 is the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(pub u32);

/// What becomes of the pixels right and below the last whole region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Remainder {
    /// They belong to no region and are never perturbed (the paper's protocol).
    #[default]
    Drop,
    /// They form smaller regions of their own.
    Partial,
}

/// Disjoint squares anchored at the top left of a picture (Samek et al. 2017, sec. III).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    height: usize,
    width: usize,
    side: usize,
    remainder: Remainder,
}

impl Grid {
    /// A grid over a picture of `height` x `width` pixels; `None` when `side` is 0 or no region fits: with
    /// [`Remainder::Partial`], when a region exceeds the picture in both directions.
    pub fn new(height: usize, width: usize, side: usize, remainder: Remainder) -> Option<Grid> {
        let grid = Grid { height, width, side, remainder };
        let fits = match remainder {
            Remainder::Drop => side <= height && side <= width,
            Remainder::Partial => height > 0 && width > 0 && (side <= height || side <= width),
        };
        (side > 0 && fits).then_some(grid)
    }

    /// Height and width of the picture in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// Side of a region in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Rows and columns of the grid.
    pub fn dims(&self) -> (usize, usize) {
        let count = |n: usize| match self.remainder {
            Remainder::Drop => n / self.side,
            Remainder::Partial => n.div_ceil(self.side),
        };
        (count(self.height), count(self.width))
    }

    /// Number of regions.
    pub fn len(&self) -> usize {
        let (rows, cols) = self.dims();
        rows * cols
    }

    /// Never true: a grid has at least one region.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All regions, row by row.
    pub fn regions(&self) -> impl Iterator<Item = RegionId> + use<> {
        (0..self.len() as u32).map(RegionId)
    }

    /// Pixels of a region.
    pub fn rect(&self, id: RegionId) -> Rect {
        let cols = self.dims().1;
        let (r, c) = (id.0 as usize / cols, id.0 as usize % cols);
        Rect {
            y0: r * self.side,
            y1: ((r + 1) * self.side).min(self.height),
            x0: c * self.side,
            x1: ((c + 1) * self.side).min(self.width),
        }
    }

    /// Share of the picture's pixels that belong to a region, in (0, 1].
    pub fn covered(&self) -> f64 {
        let pixels: usize = self.regions().map(|id| self.rect(id).area()).sum();
        pixels as f64 / (self.height * self.width) as f64
    }
}

/// The regions of one size, and how many of them a curve removes.
#[derive(Clone, Copy, Debug)]
pub struct Regions {
    /// All regions.
    pub grid: Grid,
    /// How many of them are removed.
    pub steps: usize,
}

impl Regions {
    /// Share of the picture's pixels that are gone after the last step (with whole regions).
    pub fn removed(&self) -> f64 {
        self.grid.covered() * self.steps as f64 / self.grid.len() as f64
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
        assert_eq!(grid.rect(RegionId(26)), Rect { y0: 9, y1: 18, x0: 9, x1: 18 });
        assert!((grid.covered() - 225.0 * 225.0 / (227.0 * 227.0)).abs() < 1e-12);
    }

    #[test]
    fn partial_regions_cover_everything_once() {
        let grid = Grid::new(7, 5, 3, Remainder::Partial).unwrap();
        let mut hits = [[0; 5]; 7];
        for r in grid.regions().map(|id| grid.rect(id)) {
            for row in &mut hits[r.y0..r.y1] {
                row[r.x0..r.x1].iter_mut().for_each(|h| *h += 1);
            }
        }
        assert!(hits.iter().flatten().all(|&h| h == 1));
        assert!((grid.covered() - 1.0).abs() < 1e-12);
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
        assert_eq!(grid.rect(RegionId(6)), Rect { y0: 54, y1: 60, x0: 0, x1: 1 });
        assert!((grid.covered() - 1.0).abs() < 1e-12);
        assert_eq!(Grid::new(60, 1, 9, Remainder::Drop), None);
        assert_eq!(Grid::new(8, 1, 9, Remainder::Partial), None, "a single region is no order");
    }

    #[test]
    fn union_and_intersection_treat_empty_as_nothing() {
        let a = Rect { y0: 1, y1: 3, x0: 1, x1: 3 };
        let b = Rect { y0: 2, y1: 5, x0: 4, x1: 6 };
        assert_eq!(a.union(Rect::EMPTY), a);
        assert_eq!(a.union(b), Rect { y0: 1, y1: 5, x0: 1, x1: 6 });
        assert_eq!(a.intersect(b), Rect::EMPTY);
        assert!(a.contains(Rect::EMPTY) && !a.contains(b));
    }
}
