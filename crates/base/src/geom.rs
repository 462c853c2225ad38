//! Shapes and rectangles.

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

#[cfg(test)]
mod tests {
    use super::*;

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
