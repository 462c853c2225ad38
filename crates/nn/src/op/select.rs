//! Values of one map in some places, of another elsewhere.

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};

/// `Where` with a condition that does not depend on the picture.
#[derive(Debug)]
pub struct Select {
    shape: Shape,
    /// As values lie in memory: true for the first map.
    first: Vec<bool>,
}

impl Select {
    /// Both maps have the given shape; `first` has one entry per value, as they lie in memory.
    pub fn new(shape: Shape, first: Vec<bool>) -> Select {
        assert_eq!(shape.len(), first.len(), "one choice per value");
        Select { shape, first }
    }
}

impl Op for Select {
    fn name(&self) -> &'static str {
        "Where"
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        if ins == [self.shape; 2] {
            return Ok(self.shape);
        }
        Err(format!("expected two maps of {}, found {ins:?}", self.shape))
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        dirty
    }

    fn role(&self) -> Role<'_> {
        Role::Route
    }
}

impl Cpu for Select {
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let Shape { c, w, .. } = self.shape;
        ins[0].read(rect, out);
        let n = rect.width() * c;
        for (y, out) in (rect.y0..rect.y1).zip(out.chunks_exact_mut(n.max(1))) {
            let at = (y * w + rect.x0) * c;
            let other = &ins[1].data[at..at + n];
            for ((v, first), other) in out.iter_mut().zip(&self.first[at..at + n]).zip(other) {
                if !first {
                    *v = *other;
                }
            }
        }
    }

    fn vjp(&self, _ins: &[&Tensor], _out: &Tensor, grad: &Tensor, k: usize) -> Tensor {
        let own = |(g, first): (&f32, &bool)| if *first == (k == 0) { *g } else { 0.0 };
        Tensor::new(grad.shape, grad.data.iter().zip(&self.first).map(own).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_comes_from_the_map_that_is_named() {
        let a = Tensor::vector(vec![1.0, 2.0]);
        let b = Tensor::vector(vec![3.0, 4.0]);
        let op = Select::new(a.shape, vec![false, true]);
        let y = op.forward(&[&a, &b]);
        assert_eq!(y.data, [3.0, 2.0]);
        assert_eq!(op.vjp(&[&a, &b], &y, &y, 0).data, [0.0, 2.0]);
        assert_eq!(op.vjp(&[&a, &b], &y, &y, 1).data, [3.0, 0.0]);
    }
}
