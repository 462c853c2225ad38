//! Enlarging a map to the size of a picture.

use super::HeatMap;
use crate::{
    base::{geom::Shape, word_enum},
    nn::tensor::Tensor,
};

/// Two pixels and the share of the second.
type Tap = (usize, usize, f64);

word_enum! {
    /// A way to resize. Pixels are squares and both maps cover the same area, so corners of the maps
    /// coincide, not centres of corner pixels.
    pub enum Resize {
        /// Linear between the centres of the nearest pixels; constant outside the outermost centres.
        Bilinear = "bilinear",
        /// The value of the pixel in whose area the new pixel's upper left corner lies.
        Nearest = "nearest",
    }
}

word_enum! {
    /// Whether smaller maps are enlarged, and how.
    #[derive(Default)]
    pub enum Upsample {
        /// They stay as they are.
        #[default]
        None = "none",
        /// [`Resize::Bilinear`].
        Bilinear = "bilinear",
        /// [`Resize::Nearest`].
        Nearest = "nearest",
    }
}

impl Upsample {
    /// The way to resize, if there is to be one.
    pub fn resize(self) -> Option<Resize> {
        match self {
            Upsample::None => None,
            Upsample::Bilinear => Some(Resize::Bilinear),
            Upsample::Nearest => Some(Resize::Nearest),
        }
    }
}

impl Resize {
    /// `map` with `height` x `width` pixels.
    pub fn enlarge(self, map: &Tensor, height: usize, width: usize) -> Tensor {
        let Shape { c, h, w } = map.shape;
        let (rows, columns) = (self.taps(h, height), self.taps(w, width));
        let mut data = Vec::with_capacity(c * height * width);
        for row in &rows {
            for column in &columns {
                let value = |channel: usize| {
                    sample(|y, x| map.pixel(y, x)[channel].into(), row, column) as f32
                };
                data.extend((0..c).map(value));
            }
        }
        Tensor::new(Shape::new(c, height, width), data)
    }

    /// A heat map with `height` x `width` pixels.
    pub fn enlarge_heat(self, heat: &HeatMap, height: usize, width: usize) -> HeatMap {
        let (h, w) = heat.dim();
        let (rows, columns) = (self.taps(h, height), self.taps(w, width));
        HeatMap::from_shape_fn((height, width), |(y, x)| {
            sample(|y, x| heat[[y, x]], &rows[y], &columns[x])
        })
    }

    /// For each of `to` pixels the two pixels of `from` that it is made of, and the second's share.
    fn taps(self, from: usize, to: usize) -> Vec<Tap> {
        let ratio = from as f64 / to as f64;
        let tap = |i: usize| match self {
            Resize::Nearest => {
                let at = ((i as f64 * ratio) as usize).min(from - 1);
                (at, at, 0.0)
            }
            Resize::Bilinear => {
                let at = ((i as f64 + 0.5) * ratio - 0.5).max(0.0);
                let first = (at as usize).min(from - 1);
                (first, (first + 1).min(from - 1), at - first as f64)
            }
        };
        (0..to).map(tap).collect()
    }
}

/// The weighted mean of four values of a map.
fn sample(at: impl Fn(usize, usize) -> f64, row: &Tap, column: &Tap) -> f64 {
    let line = |y: usize| at(y, column.0) * (1.0 - column.2) + at(y, column.1) * column.2;
    line(row.0) * (1.0 - row.2) + line(row.1) * row.2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_two_becomes_a_row_of_four() {
        let map = Tensor::new(Shape::new(1, 1, 2), vec![0.0, 4.0]);
        assert_eq!(Resize::Bilinear.enlarge(&map, 1, 4).data, [0.0, 1.0, 3.0, 4.0]);
        assert_eq!(Resize::Nearest.enlarge(&map, 2, 3).data, [0.0, 0.0, 4.0, 0.0, 0.0, 4.0]);
        let heat = ndarray::array![[0.0, 4.0]];
        assert_eq!(
            Resize::Bilinear.enlarge_heat(&heat, 1, 4),
            ndarray::array![[0.0, 1.0, 3.0, 4.0]]
        );
    }
}
