//! Weighted sums along one axis with fixed weights: resizing with interpolation, running sums.

use super::{Cpu, Linear, Op, Part, Role, axes};
use crate::{
    base::geom::{Rect, Shape},
    tensor::{Exact, Tensor},
};
use std::ops::Range;

/// For an index of the output axis the indices of the input axis that it is summed from, with their
/// weights.
pub type Taps = Vec<(usize, f32)>;

/// Each index of an axis of the output is a weighted sum of indices of that axis of the input; other
/// axes stay.
#[derive(Debug)]
pub struct Resample {
    name: &'static str,
    input: Shape,
    /// Sizes of the input's axes as they lie in memory.
    dims: Vec<usize>,
    axis: usize,
    /// One list per index of the output axis.
    taps: Vec<Taps>,
    to: Shape,
}

/// A map of `outer` blocks of `n` rows of `inner` neighbours.
#[derive(Clone, Copy)]
struct Blocks {
    n: usize,
    inner: usize,
}

impl Resample {
    /// Of a map of shape `input` whose memory has axes of sizes `dims`, along `axis`; `to` is how the
    /// output is viewed. `name` is the ONNX operator it came from.
    pub fn new(
        name: &'static str,
        input: Shape,
        dims: Vec<usize>,
        axis: usize,
        taps: Vec<Taps>,
        to: Shape,
    ) -> Result<Resample, String> {
        let n = *dims.get(axis).ok_or_else(|| format!("axis {axis} is not one of {dims:?}"))?;
        if taps.iter().flatten().any(|(i, _)| *i >= n) {
            return Err(format!("its indices do not fit an axis of {n} values"));
        }
        let op = Resample { name, input, dims, axis, taps, to };
        let (before, after) = (op.dims.iter().product(), op.out_dims().iter().product());
        if (input.len(), to.len()) == (before, after) {
            return Ok(op);
        }
        Err(format!("{input} has {} values, {to} has {}", input.len(), to.len()))
    }

    fn out_dims(&self) -> Vec<usize> {
        let mut dims = self.dims.clone();
        dims[self.axis] = self.taps.len();
        dims
    }

    fn blocks(&self) -> Blocks {
        Blocks { n: self.dims[self.axis], inner: self.dims[self.axis + 1..].iter().product() }
    }

    /// Calls `f(places, source, weight)` for the places `start..start + len` of the output, counted
    /// from `start`: each run of places gets the neighbours from `source` on, times the weight.
    fn sums(&self, start: usize, len: usize, mut f: impl FnMut(Range<usize>, usize, f32)) {
        let Blocks { n, inner } = self.blocks();
        let mut done = 0;
        while done < len {
            let (row, within) = ((start + done) / inner, (start + done) % inner);
            let run = (inner - within).min(len - done);
            let (block, index) = (row / self.taps.len(), row % self.taps.len());
            for (i, weight) in &self.taps[index] {
                f(done..done + run, (block * n + i) * inner + within, *weight);
            }
            done += run;
        }
    }
}

impl Op for Resample {
    fn name(&self) -> &'static str {
        self.name
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let input = super::one_input(ins)?;
        if input == self.input {
            return Ok(self.to);
        }
        Err(format!("expected a map of {}, found {input}", self.input))
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        let Some(mut ranges) = axes::box_of(self.input, dirty, &self.dims) else {
            return Rect::EMPTY;
        };
        let changed = ranges[self.axis].clone();
        let hit = |taps: &Taps| taps.iter().any(|(i, _)| changed.contains(i));
        let first = self.taps.iter().position(hit).unwrap_or(0);
        ranges[self.axis] = first..self.taps.iter().rposition(hit).map_or(first, |last| last + 1);
        axes::rect_of(self.to, &ranges, &self.out_dims())
    }

    fn role(&self) -> Role<'_> {
        Role::Average(self)
    }
}

impl Cpu for Resample {
    fn macs(&self, ins: &[Shape], rect: Rect) -> u64 {
        let taps: usize = self.taps.iter().map(Vec::len).sum();
        let each = taps.div_ceil(self.taps.len().max(1));
        let c = self.out_shape(ins).map_or(0, |shape| shape.c);
        (rect.area() * c * each) as u64
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let x = &ins[0].data;
        axes::runs(self.to.w, self.to.c, rect, out, |at, out| {
            out.fill(0.0);
            self.sums(at, out.len(), |places, source, weight| {
                let from = &x[source..source + places.len()];
                out[places].iter_mut().zip(from).for_each(|(v, x)| *v += weight * x);
            });
        });
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let mut data = vec![0.0; self.to.len()];
        self.sums(0, data.len(), |places, source, weight| {
            let from = &ins[0].data[source..source + places.len()];
            data[places].iter_mut().zip(from).for_each(|(v, x)| *v += f64::from(weight) * x);
        });
        Exact { shape: self.to, data }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        self.apply_transposed(Part::Raw, grad, ins[0].shape)
    }
}

impl Linear for Resample {
    fn apply(&self, part: Part, x: &Tensor) -> Tensor {
        let mut out = Tensor::zeros(self.to);
        self.sums(0, self.to.len(), |places, source, weight| {
            let from = &x.data[source..source + places.len()];
            out.data[places].iter_mut().zip(from).for_each(|(v, x)| *v += part.weight(weight) * x);
        });
        out
    }

    fn apply_transposed(&self, part: Part, s: &Tensor, input: Shape) -> Tensor {
        let mut back = Tensor::zeros(input);
        self.sums(0, s.data.len(), |places, source, weight| {
            let into = &mut back.data[source..source + places.len()];
            into.iter_mut().zip(&s.data[places]).for_each(|(v, s)| *v += part.weight(weight) * s);
        });
        back
    }

    fn bias(&self) -> &[f32] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_between_rows_are_their_means_and_send_back_halves() {
        let (from, to) = (Shape::new(1, 2, 2), Shape::new(1, 3, 2));
        let taps = vec![vec![(0, 1.0)], vec![(0, 0.5), (1, 0.5)], vec![(1, 1.0)]];
        let op = Resample::new("Resize", from, vec![2, 2, 1], 0, taps, to).unwrap();
        let x = Tensor::new(from, vec![1.0, 2.0, 5.0, 8.0]);
        let y = op.forward(&[&x]);
        assert_eq!(y.data, [1.0, 2.0, 3.0, 5.0, 5.0, 8.0]);
        assert_eq!(op.vjp(&[&x], &y, &y, 0).data, [2.5, 4.5, 6.5, 10.5]);
        let first = Rect { y0: 0, y1: 1, x0: 1, x1: 2 };
        assert_eq!(op.reach(&[from], 0, first), Rect { y1: 2, ..first });
        let outside = vec![vec![(2, 1.0)]];
        assert!(Resample::new("Resize", from, vec![2, 2, 1], 0, outside, to).is_err());
    }
}
