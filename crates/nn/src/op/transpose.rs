//! Flatten, reshape and transpose: values change places.

use super::{Cpu, OneChannel, Op, Role, axes};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};

/// The values of a map, taken as a tensor of some axes, with these axes in another order.
#[derive(Debug)]
pub struct Transpose {
    input: Shape,
    /// Sizes of the input's axes as they lie in memory.
    dims: Vec<usize>,
    /// For each axis of the output the axis of the input.
    order: Vec<usize>,
    to: Shape,
}

/// A walk over a tensor: sizes of its axes, and the distance between neighbours along them in the
/// tensor that values come from.
struct Walk {
    dims: Vec<usize>,
    strides: Vec<usize>,
}

impl Walk {
    /// Over the output of a transposition; neighbours that stay together are one axis.
    fn new(dims: &[usize], order: &[usize]) -> Walk {
        let from = axes::strides(dims);
        let mut walk = Walk { dims: vec![], strides: vec![] };
        for (i, &axis) in order.iter().enumerate() {
            if i > 0 && order[i - 1] + 1 == axis {
                *walk.dims.last_mut().expect("there is one before") *= dims[axis];
                *walk.strides.last_mut().expect("there is one before") = from[axis];
            } else {
                walk.dims.push(dims[axis]);
                walk.strides.push(from[axis]);
            }
        }
        if walk.dims.is_empty() {
            return Walk { dims: vec![1], strides: vec![1] };
        }
        walk
    }

    /// Writes the values from position `start` on.
    fn copy(&self, start: usize, x: &[f32], out: &mut [f32]) {
        let last = self.dims.len() - 1;
        let (n, step) = (self.dims[last], self.strides[last]);
        let mut index = axes::index(start, &self.dims);
        let mut done = 0;
        while done < out.len() {
            let at: usize = index.iter().zip(&self.strides).map(|(i, s)| i * s).sum();
            let run = (n - index[last]).min(out.len() - done);
            let into = &mut out[done..done + run];
            if step == 1 {
                into.copy_from_slice(&x[at..at + run]);
            } else {
                into.iter_mut().enumerate().for_each(|(i, v)| *v = x[at + i * step]);
            }
            done += run;
            index[last] += run;
            for axis in (1..=last).rev() {
                if index[axis] < self.dims[axis] {
                    break;
                }
                index[axis] = 0;
                index[axis - 1] += 1;
            }
        }
    }
}

/// The order that undoes one.
fn inverse(order: &[usize]) -> Vec<usize> {
    let mut back = vec![0; order.len()];
    order.iter().enumerate().for_each(|(i, axis)| back[*axis] = i);
    back
}

impl Transpose {
    /// Of a map of shape `input`, whose memory has axes of sizes `dims`. `order` names for each axis of
    /// the output the axis of the input; `to` is how the output is viewed.
    pub fn new(
        input: Shape,
        dims: Vec<usize>,
        order: Vec<usize>,
        to: Shape,
    ) -> Result<Transpose, String> {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..dims.len()) {
            return Err(format!("{order:?} is no order of {} axes", dims.len()));
        }
        let n: usize = dims.iter().product();
        if n != input.len() || n != to.len() {
            return Err(format!("{input} has {} values, {to} has {}", input.len(), to.len()));
        }
        Ok(Transpose { input, dims, order, to })
    }

    /// A map as a vector, values in the order channel, row, column as in ONNX.
    pub fn flatten(input: Shape) -> Transpose {
        let Shape { c, h, w } = input;
        let to = Shape::vector(input.len());
        Transpose { input, dims: vec![h, w, c], order: vec![2, 0, 1], to }
    }

    /// The same values in the same places of memory, under another shape.
    pub fn view(input: Shape, to: Shape) -> Result<Transpose, String> {
        Transpose::new(input, vec![input.len()], vec![0], to)
    }

    /// For each value of the input its place in the output, both as they lie in memory.
    pub fn destinations(&self) -> Vec<usize> {
        let (back, dims) = (inverse(&self.order), self.out_dims());
        let strides = axes::strides(&dims);
        let place = |at: usize| {
            let index = axes::index(at, &self.dims);
            index.iter().zip(&back).map(|(i, axis)| i * strides[*axis]).sum()
        };
        (0..self.input.len()).map(place).collect()
    }

    /// One number per value of the input, in the order channel, row, column, as they belong to the
    /// values of the output.
    pub fn carry<T: Copy + Default>(&self, numbers: &[T]) -> Vec<T> {
        let first = |shape: Shape, at: usize| at % shape.c * shape.h * shape.w + at / shape.c;
        let mut carried = vec![T::default(); numbers.len()];
        for (from, into) in self.destinations().into_iter().enumerate() {
            carried[first(self.to, into)] = numbers[first(self.input, from)];
        }
        carried
    }

    fn out_dims(&self) -> Vec<usize> {
        self.order.iter().map(|axis| self.dims[*axis]).collect()
    }

    /// True where values stay in their places of memory.
    fn is_view(&self) -> bool {
        self.order.iter().filter(|axis| self.dims[**axis] > 1).is_sorted()
    }

    /// True where values change places inside their pixels only.
    fn stays_in_pixels(&self) -> bool {
        let fixed = self.order.iter().enumerate().take_while(|(i, axis)| i == *axis).count();
        (0..=fixed).any(|first| {
            axes::are_channels(self.input, &self.dims, first)
                && (self.input.h, self.input.w, self.input.c) == (self.to.h, self.to.w, self.to.c)
        })
    }

    /// As many pixels as `input` has, where pixels are alone.
    fn walk(&self, input: Shape) -> Walk {
        if input == self.input {
            return Walk::new(&self.dims, &self.order);
        }
        // a list of pixels
        let channels: Vec<usize> = (0..self.dims.len())
            .find(|first| axes::are_channels(self.input, &self.dims, *first))
            .map_or(vec![], |first| (first..self.dims.len()).collect());
        let first = self.dims.len() - channels.len();
        let dims: Vec<usize> =
            [input.h * input.w].into_iter().chain(self.dims[first..].iter().copied()).collect();
        let order: Vec<usize> = std::iter::once(0)
            .chain(self.order[first..].iter().map(|axis| axis - first + 1))
            .collect();
        Walk::new(&dims, &order)
    }
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        match self.to == Shape::vector(self.to.len()) {
            true => "Flatten",
            false if self.is_view() => "Reshape",
            false => "Transpose",
        }
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let input = super::one_input(ins)?;
        if input == self.input {
            return Ok(self.to);
        }
        Err(format!("expected a map of {}, found {input}", self.input))
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        if self.is_view() && self.input == self.to {
            return dirty;
        }
        let Some(from) = axes::box_of(self.input, dirty, &self.dims) else { return Rect::EMPTY };
        let into: Vec<_> = self.order.iter().map(|axis| from[*axis].clone()).collect();
        axes::rect_of(self.to, &into, &self.out_dims())
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        self.stays_in_pixels()
    }

    fn role(&self) -> Role<'_> {
        Role::Route
    }
}

impl Cpu for Transpose {
    fn for_channel(&self, _ins: &[Shape], _c: usize) -> Option<OneChannel> {
        let pixel = self.is_view() && self.input == self.to && self.to == Shape::vector(self.to.c);
        let one = Shape::vector(1);
        let own = Transpose { input: one, dims: vec![1], order: vec![0], to: one };
        pixel.then(|| OneChannel::FromOneBy(Box::new(own)))
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let input = ins[0].shape;
        let walk = self.walk(input);
        let width = if input == self.input { self.to.w } else { input.w };
        axes::runs(width, self.to.c, rect, out, |at, out| walk.copy(at, &ins[0].data, out));
    }

    fn vjp(&self, _ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let mut back = Tensor::zeros(self.input);
        let walk = Walk::new(&self.out_dims(), &inverse(&self.order));
        walk.copy(0, &grad.data, &mut back.data);
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flattening_puts_channels_first_and_back() {
        let x = Tensor::new(Shape::new(2, 1, 3), vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
        let flat = Transpose::flatten(x.shape);
        let y = flat.forward(&[&x]);
        assert_eq!(y.data, [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
        assert_eq!(flat.vjp(&[&x], &y, &y, 0), x);
        assert_eq!(flat.destinations(), [0, 3, 1, 4, 2, 5]);
        assert_eq!(flat.carry(&[1, 2, 3, 10, 20, 30]), [1, 2, 3, 10, 20, 30]);
        assert!(flat.out_shape(&[Shape::vector(5)]).is_err());
        let same = Transpose::view(x.shape, Shape::vector(6)).unwrap();
        assert_eq!(same.forward(&[&x]).data, x.data);
        assert_eq!(same.carry(&[1, 2, 3, 10, 20, 30]), [1, 10, 2, 20, 3, 30]);
    }

    #[test]
    fn windows_become_an_axis_of_their_own_and_reach_only_theirs() {
        // 4x4 pixels of one channel in windows of 2x2: rows, rows inside, columns, columns inside
        let (picture, windows) = (Shape::new(1, 4, 4), Shape::new(1, 4, 4));
        let x = Tensor::new(picture, (0..16).map(|v| v as f32).collect());
        let cut =
            Transpose::new(picture, vec![2, 2, 2, 2, 1], vec![0, 2, 1, 3, 4], windows).unwrap();
        let y = cut.forward(&[&x]);
        assert_eq!(y.data[..8], [0.0, 1.0, 4.0, 5.0, 2.0, 3.0, 6.0, 7.0]);
        assert_eq!(cut.vjp(&[&x], &y, &y, 0), x);
        let corner = Rect { y0: 0, y1: 2, x0: 2, x1: 4 };
        assert_eq!(cut.reach(&[picture], 0, corner), Rect { y0: 1, y1: 2, x0: 0, x1: 4 });
        assert!(Transpose::new(picture, vec![2, 8], vec![0, 0], windows).is_err());
        assert!(Transpose::new(picture, vec![2, 7], vec![0, 1], windows).is_err());
    }

    #[test]
    fn a_channel_shuffle_stays_in_its_pixels() {
        let shape = Shape::new(6, 2, 2);
        let shuffle = Transpose::new(shape, vec![4, 2, 3], vec![0, 2, 1], shape).unwrap();
        assert!(shuffle.is_per_pixel(&[shape]));
        let pixels = Tensor::new(Shape::new(6, 1, 1), (0..6).map(|v| v as f32).collect());
        let mut out = vec![0.0; 6];
        shuffle.eval(&[&pixels], Shape::vector(1).rect(), &mut out);
        assert_eq!(out, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }
}
