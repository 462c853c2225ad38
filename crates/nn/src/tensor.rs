//! Activation maps, channels last.

use super::kernel::parallel::{give_vector, take_vector};
use crate::base::geom::{Rect, Shape};
use ndarray::{Array3, ArrayView3};

/// One activation map in single precision, channels last: value `(c, y, x)` is at
/// `(y * w + x) * c_total + c`, so the channels of a pixel are contiguous.
#[derive(Debug, PartialEq)]
pub struct Tensor {
    /// Channels, rows, columns.
    pub shape: Shape,
    /// `shape.len()` values.
    pub data: Vec<f32>,
}

impl Clone for Tensor {
    fn clone(&self) -> Tensor {
        let mut data = room(self.data.len());
        data.copy_from_slice(&self.data);
        Tensor { shape: self.shape, data }
    }
}

/// A vector for the values of a map, unspecified as yet: memory that was given back where it is not
/// much too large.
fn room(len: usize) -> Vec<f32> {
    let kept = take_vector(len);
    if kept.capacity() <= 2 * len {
        return kept;
    }
    give_vector(kept);
    vec![0.0; len]
}

impl Tensor {
    /// All zeros.
    pub fn zeros(shape: Shape) -> Self {
        let mut data = room(shape.len());
        data.fill(0.0);
        Tensor { shape, data }
    }

    /// Values in channels-last order.
    pub fn new(shape: Shape, data: Vec<f32>) -> Self {
        assert_eq!(shape.len(), data.len(), "a tensor holds as many values as its shape says");
        Tensor { shape, data }
    }

    /// Keeps the memory for later maps of this thread: fresh memory costs as much as filling it.
    pub fn give_back(self) {
        give_vector(self.data);
    }

    /// A vector of features, shape `(n, 1, 1)`.
    pub fn vector(data: Vec<f32>) -> Self {
        Tensor { shape: Shape::vector(data.len()), data }
    }

    /// From an array of shape `(C, H, W)`.
    pub fn from_chw(a: ArrayView3<'_, f32>) -> Self {
        let (c, h, w) = a.dim();
        let data = a.permuted_axes([1, 2, 0]).iter().copied().collect();
        Tensor { shape: Shape::new(c, h, w), data }
    }

    /// As an array of shape `(C, H, W)`.
    pub fn to_chw(&self) -> Array3<f32> {
        let Shape { c, h, w } = self.shape;
        let hwc = ArrayView3::from_shape((h, w, c), &self.data).expect("checked at construction");
        hwc.permuted_axes([2, 0, 1]).as_standard_layout().into_owned()
    }

    /// The channels of one pixel.
    pub fn pixel(&self, y: usize, x: usize) -> &[f32] {
        let at = (y * self.shape.w + x) * self.shape.c;
        &self.data[at..at + self.shape.c]
    }

    /// The channels of the pixels `x0..x1` of one row.
    pub fn row(&self, y: usize, x0: usize, x1: usize) -> &[f32] {
        let at = y * self.shape.w;
        &self.data[(at + x0) * self.shape.c..(at + x1) * self.shape.c]
    }

    /// Overwrites the pixels of `rect` with `values`, row by row, channels last.
    pub fn write(&mut self, rect: Rect, values: &[f32]) {
        let Shape { c, w, .. } = self.shape;
        let n = rect.width() * c;
        for (y, row) in (rect.y0..rect.y1).zip(values.chunks_exact(n.max(1))) {
            let at = (y * w + rect.x0) * c;
            self.data[at..at + n].copy_from_slice(row);
        }
    }

    /// Copies the pixels of `rect` into `values`, row by row, channels last.
    pub fn read(&self, rect: Rect, values: &mut [f32]) {
        let n = rect.width() * self.shape.c;
        for (y, row) in (rect.y0..rect.y1).zip(values.chunks_exact_mut(n.max(1))) {
            row.copy_from_slice(self.row(y, rect.x0, rect.x1));
        }
    }

    /// Adds `other` value by value.
    pub fn add_assign(&mut self, other: &Tensor) {
        assert_eq!(self.shape, other.shape, "only tensors of one shape can be added");
        self.data.iter_mut().zip(&other.data).for_each(|(a, b)| *a += b);
    }

    /// A tensor of the same shape, value by value.
    #[must_use]
    pub fn map(&self, f: impl Fn(f32) -> f32) -> Tensor {
        let mut data = room(self.data.len());
        data.iter_mut().zip(&self.data).for_each(|(out, &v)| *out = f(v));
        Tensor { shape: self.shape, data }
    }

    /// Whether some value is so. Looks at many before it decides, which vector instructions can.
    pub fn any(&self, is: impl Fn(f32) -> bool) -> bool {
        let many = |values: &[f32]| values.iter().fold(false, |found, &v| found | is(v));
        self.data.chunks(1024).any(many)
    }

    /// Sum of all values in double precision.
    pub fn sum(&self) -> f64 {
        self.data.iter().map(|&v| f64::from(v)).sum()
    }
}

/// One map in double precision, channels last as in [`Tensor`].
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    /// Channels, rows, columns.
    pub shape: Shape,
    /// `shape.len()` values.
    pub data: Vec<f64>,
}

impl Exact {
    /// The same values.
    pub fn of(x: &Tensor) -> Exact {
        Exact { shape: x.shape, data: x.data.iter().map(|&v| f64::from(v)).collect() }
    }

    /// Each value rounded to single precision. The order of values stays.
    pub fn rounded(&self) -> Tensor {
        Tensor::new(self.shape, self.data.iter().map(|&v| v as f32).collect())
    }

    /// What rounding takes away, rounded.
    fn rest(&self) -> Tensor {
        let rest = |&v: &f64| (v - f64::from(v as f32)) as f32;
        Tensor::new(self.shape, self.data.iter().map(rest).collect())
    }

    /// The values that an operator passes on: `op` sends each input value, or a constant, to each
    /// place of its output.
    pub fn routed(ins: &[&Exact], op: impl Fn(&[&Tensor]) -> Tensor) -> Exact {
        let through = |maps: Vec<Tensor>| op(&maps.iter().collect::<Vec<_>>());
        let rounded = through(ins.iter().map(|x| x.rounded()).collect());
        let rest = through(ins.iter().map(|x| x.rest()).collect());
        let constants = through(ins.iter().map(|x| Tensor::zeros(x.shape)).collect());
        let parts = rounded.data.iter().zip(&rest.data).zip(&constants.data);
        let data = parts.map(|((v, rest), c)| f64::from(*v) + f64::from(rest - c)).collect();
        Exact { shape: rounded.shape, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_last_in_memory_and_first_in_arrays() {
        let chw = Array3::from_shape_fn((2, 3, 4), |(c, y, x)| (c * 100 + y * 10 + x) as f32);
        let t = Tensor::from_chw(chw.view());
        assert_eq!(t.pixel(2, 3), [23.0, 123.0]);
        assert_eq!(t.to_chw(), chw);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut t = Tensor::zeros(Shape::new(2, 4, 4));
        let rect = Rect { y0: 1, y1: 3, x0: 2, x1: 4 };
        let values: Vec<f32> = (1..=8).map(|v| v as f32).collect();
        t.write(rect, &values);
        let mut back = vec![0.0; 8];
        t.read(rect, &mut back);
        assert_eq!(back, values);
        assert_eq!(t.data.iter().filter(|v| **v > 0.0).count(), 8);
        assert_eq!(t.pixel(2, 3), [7.0, 8.0]);
    }
}
