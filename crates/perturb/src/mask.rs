//! Which pixels are gone.

use crate::base::{geom::Rect, unit::Patch};

/// A set of pixels of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    height: usize,
    width: usize,
    gone: Vec<bool>,
}

impl Mask {
    /// No pixel of a picture of `height` x `width` pixels.
    pub fn none(height: usize, width: usize) -> Mask {
        Mask { height, width, gone: vec![false; height * width] }
    }

    /// Rows and columns of the picture.
    pub fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// Adds the pixels of a rectangle of the picture.
    pub fn remove(&mut self, rect: Rect) {
        for y in rect.y0..rect.y1 {
            self.gone[y * self.width + rect.x0..y * self.width + rect.x1].fill(true);
        }
    }

    /// Adds the pixels of a unit.
    pub fn remove_patch(&mut self, patch: Patch<'_>) {
        patch.parts().iter().for_each(|part| self.remove(*part));
    }

    /// Adds one pixel.
    pub fn remove_pixel(&mut self, y: usize, x: usize) {
        self.gone[y * self.width + x] = true;
    }

    /// Whether a pixel is gone.
    pub fn has(&self, y: usize, x: usize) -> bool {
        self.gone[y * self.width + x]
    }

    /// Pixels that are gone, row by row, as `(row, column)`.
    pub fn pixels(&self) -> impl Iterator<Item = (usize, usize)> {
        let at = |i: usize| (i / self.width, i % self.width);
        self.gone.iter().enumerate().filter(|(_, gone)| **gone).map(move |(i, _)| at(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_pixels_are_listed_row_by_row() {
        let mut mask = Mask::none(3, 4);
        mask.remove(Rect { y0: 1, y1: 3, x0: 2, x1: 4 });
        mask.remove_pixel(0, 0);
        let pixels: Vec<_> = mask.pixels().collect();
        assert_eq!(pixels, [(0, 0), (1, 2), (1, 3), (2, 2), (2, 3)]);
        assert!(mask.has(2, 3) && !mask.has(0, 1));
    }
}
