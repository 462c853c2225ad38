//! Scale and shift: batch normalisation that was not folded, and arithmetic with constants.

use super::{Cpu, Linear, OneChannel, Op, Part, Role};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Exact,
    tensor::Tensor,
};

/// `y = scale * x + shift`, with one value for all, one per channel, or one per value.
#[derive(Debug)]
pub struct Affine {
    name: &'static str,
    scale: Vec<f32>,
    shift: Vec<f32>,
    /// `shift` where it is one value per channel: what [`Linear::bias`] shows.
    bias: Vec<f32>,
}

impl Affine {
    /// `name` is the ONNX operator it came from. `scale` and `shift` have the same length: 1, the
    /// channels, or all values of the map in the order channel, row, column.
    pub fn new(name: &'static str, scale: Vec<f32>, shift: Vec<f32>) -> Affine {
        assert_eq!(scale.len(), shift.len(), "one shift per scale");
        let zero = shift.iter().all(|s| *s == 0.0);
        let bias = if zero { vec![] } else { shift.clone() };
        Affine { name, scale, shift, bias }
    }

    /// Factors.
    pub fn scale(&self) -> &[f32] {
        &self.scale
    }

    /// Summands.
    pub fn shift(&self) -> &[f32] {
        &self.shift
    }

    /// Where the parameters of value `(c, y, x)` stand.
    fn index(&self, shape: Shape, c: usize, pixel: usize) -> usize {
        match self.scale.len() {
            1 => 0,
            n if n == shape.c => c,
            _ => c * shape.h * shape.w + pixel,
        }
    }

    /// `f(index of the parameters, value)` for all values.
    fn each(&self, x: &Tensor, f: impl Fn(usize, f32) -> f32) -> Tensor {
        let at = |i: usize| self.index(x.shape, i % x.shape.c, i / x.shape.c);
        let value = |(i, v): (usize, &f32)| f(at(i), *v);
        Tensor::new(x.shape, x.data.iter().enumerate().map(value).collect())
    }
}

impl Op for Affine {
    fn name(&self) -> &'static str {
        self.name
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let shape = super::one_input(ins)?;
        let n = self.scale.len();
        if n == 1 || n == shape.c || n == shape.len() {
            return Ok(shape);
        }
        Err(format!("{n} constants fit neither the {} channels nor the shape {shape}", shape.c))
    }

    fn parameters(&self) -> usize {
        2 * self.scale.len()
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        dirty
    }

    fn is_per_pixel(&self, ins: &[Shape]) -> bool {
        // with one parameter per value the place matters
        self.scale.len() == 1 || self.scale.len() == ins[0].c
    }

    fn role(&self) -> Role<'_> {
        Role::Scale(self)
    }
}

impl Cpu for Affine {
    fn macs(&self, ins: &[Shape], rect: Rect) -> u64 {
        (rect.area() * ins[0].c) as u64
    }

    fn for_channel(&self, ins: &[Shape], c: usize) -> Option<OneChannel> {
        let at = if self.scale.len() == 1 { 0 } else { c };
        let own = Affine::new(self.name, vec![self.scale[at]], vec![self.shift[at]]);
        let per_channel = self.scale.len() == 1 || self.scale.len() == ins[0].c;
        per_channel.then(|| OneChannel::FromOneBy(Box::new(own)))
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let shape = ins[0].shape;
        ins[0].read(rect, out);
        for (i, pixel) in out.chunks_exact_mut(shape.c).enumerate() {
            let (y, x) = (rect.y0 + i / rect.width(), rect.x0 + i % rect.width());
            for (c, v) in pixel.iter_mut().enumerate() {
                let at = self.index(shape, c, y * shape.w + x);
                *v = self.scale[at] * *v + self.shift[at];
            }
        }
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let shape = ins[0].shape;
        let value = |(i, v): (usize, &f64)| {
            let at = self.index(shape, i % shape.c, i / shape.c);
            f64::from(self.scale[at]) * v + f64::from(self.shift[at])
        };
        Exact { shape, data: ins[0].data.iter().enumerate().map(value).collect() }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        self.apply_transposed(Part::Raw, grad, ins[0].shape)
    }
}

impl Linear for Affine {
    fn apply(&self, part: Part, x: &Tensor) -> Tensor {
        self.each(x, |at, v| part.weight(self.scale[at]) * v)
    }

    fn apply_transposed(&self, part: Part, s: &Tensor, _input: Shape) -> Tensor {
        self.each(s, |at, v| part.weight(self.scale[at]) * v)
    }

    fn bias(&self) -> &[f32] {
        &self.bias
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_spread_over_all_channels_or_values() {
        let x = Tensor::new(Shape::new(2, 1, 2), vec![1.0, 2.0, 3.0, 4.0]);
        let y = |scale: &[f32], shift: &[f32]| {
            Affine::new("Mul", scale.to_vec(), shift.to_vec()).forward(&[&x]).data
        };
        assert_eq!(y(&[2.0], &[1.0]), [3.0, 5.0, 7.0, 9.0]);
        assert_eq!(y(&[1.0, 10.0], &[0.0, 1.0]), [1.0, 21.0, 3.0, 41.0]);
        // order channel, row, column: channel 0 is 1, 3; channel 1 is 2, 4
        assert_eq!(y(&[1.0; 4], &[0.1, 0.2, 0.3, 0.4]), [1.1, 2.3, 3.2, 4.4]);
        let wrong = Affine::new("Mul", vec![1.0; 3], vec![0.0; 3]);
        assert!(wrong.out_shape(&[x.shape]).is_err());
    }
}
