//! Units of removal: the pieces of an input that are ordered by relevance and taken away one after the other.
//!
//! An input, of whatever kind, is a map of places with channels (a pixel, a token, a moment of a signal),
//! see [`Shape`](crate::geom::Shape). A unit is a set of places, with all their channels. Order, ties, chance,
//! fills, records and metrics speak of units by their [`UnitId`] and their [`Patch`]; what units are, only
//! what implements [`Units`] knows.

mod grid;

pub use grid::{Grid, Regions, Remainder};

use crate::geom::Rect;
use std::fmt;

/// Number of a unit among those of its input, from 0; in a [`Grid`] 0 is the top left, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub u32);

/// The places of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patch<'a> {
    /// One rectangle.
    Rect(Rect),
    /// Any other form.
    Parts {
        /// The smallest rectangle around all parts.
        bounds: Rect,
        /// Rectangles without a common place, by row and column of their first place.
        parts: &'a [Rect],
    },
}

impl Patch<'_> {
    /// The smallest rectangle around all places.
    pub fn bounds(&self) -> Rect {
        match self {
            Patch::Rect(rect) => *rect,
            Patch::Parts { bounds, .. } => *bounds,
        }
    }

    /// The rectangles that make it up, without a common place.
    pub fn parts(&self) -> &[Rect] {
        match self {
            Patch::Rect(rect) => std::slice::from_ref(rect),
            Patch::Parts { parts, .. } => parts,
        }
    }

    /// Number of places.
    pub fn area(&self) -> usize {
        self.parts().iter().map(|part| part.area()).sum()
    }
}

/// The units of one input. They have no place in common; some places may belong to none.
pub trait Units: fmt::Debug + Send + Sync {
    /// Number of units, at least one.
    fn len(&self) -> usize;

    /// Never true.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows and columns of the input, and of the heat maps that order its units.
    fn size(&self) -> (usize, usize);

    /// Where a unit lies in the input.
    fn patch(&self, unit: UnitId) -> Patch<'_>;

    /// What a unit is called among the others: its place, or the word itself.
    fn name(&self, unit: UnitId) -> String;

    /// All units by number.
    fn ids(&self) -> Ids {
        Ids(0..self.len() as u32)
    }

    /// Share of the input's places that belong to a unit, in (0, 1].
    fn covered(&self) -> f64 {
        let places: usize = self.ids().map(|id| self.patch(id).area()).sum();
        let (height, width) = self.size();
        places as f64 / (height * width) as f64
    }
}

/// Units by number.
#[derive(Clone, Debug)]
pub struct Ids(std::ops::Range<u32>);

impl Iterator for Ids {
    type Item = UnitId;

    fn next(&mut self) -> Option<UnitId> {
        self.0.next().map(UnitId)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Ids {}
