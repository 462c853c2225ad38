//! Flatten and reshape.

use super::{OneChannel, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    nn::tensor::Tensor,
};

/// The same values under another shape, in ONNX order (channel, row, column).
#[derive(Debug)]
pub struct Reshape {
    to: Shape,
}

impl Reshape {
    /// To a map or, flattened, to [`Shape::vector`].
    pub fn new(to: Shape) -> Reshape {
        Reshape { to }
    }
}

/// Calls `f(position in a, position in b)` for each value of two maps with the same values.
fn pairs(a: Shape, b: Shape, mut f: impl FnMut(usize, usize)) {
    let last = |s: Shape, i: usize| {
        let (c, pixel) = (i / (s.h * s.w), i % (s.h * s.w));
        pixel * s.c + c
    };
    (0..a.len()).for_each(|i| f(last(a, i), last(b, i)));
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        if self.to == Shape::vector(self.to.len()) { "Flatten" } else { "Reshape" }
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let input = super::one_input(ins)?;
        if input.len() == self.to.len() {
            return Ok(self.to);
        }
        Err(format!("{input} has {} values, {} has {}", input.len(), self.to, self.to.len()))
    }

    fn reach(&self, ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        let whole = if dirty.is_empty() { Rect::EMPTY } else { self.to.rect() };
        if ins[0] == self.to { dirty } else { whole }
    }

    fn for_channel(&self, ins: &[Shape], _c: usize) -> Option<OneChannel> {
        let pixel = ins[0] == self.to && ins[0].h == 1 && ins[0].w == 1;
        pixel.then(|| OneChannel::FromOneBy(Box::new(Reshape::new(Shape::vector(1)))))
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        if rect == self.to.rect() {
            let x = ins[0];
            return pairs(x.shape, self.to, |from, into| out[into] = x.data[from]);
        }
        self.forward(ins).read(rect, out);
    }

    fn forward(&self, ins: &[&Tensor]) -> Tensor {
        let mut out = Tensor::zeros(self.to);
        self.eval(ins, self.to.rect(), &mut out.data);
        out
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let mut back = Tensor::zeros(ins[0].shape);
        pairs(back.shape, self.to, |into, from| back.data[into] = grad.data[from]);
        back
    }

    fn role(&self) -> Role<'_> {
        Role::Route
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flattening_puts_channels_first_and_back() {
        let x = Tensor::new(Shape::new(2, 1, 3), vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
        let flat = Reshape::new(Shape::vector(6));
        let y = flat.forward(&[&x]);
        assert_eq!(y.data, [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
        assert_eq!(flat.vjp(&[&x], &y, &y, 0), x);
        let other = Reshape::new(Shape::new(3, 2, 1)).forward(&[&x]);
        assert_eq!(other.to_chw().iter().copied().collect::<Vec<_>>(), y.data);
        assert!(flat.out_shape(&[Shape::vector(5)]).is_err());
    }
}
