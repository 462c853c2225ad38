//! Values of one of two maps, chosen by a third.

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    tensor::{Exact, Tensor},
};

/// `Where` with a condition that depends on the picture: a map of zeros and ones, then the values where
/// it is not 0, then those where it is. All have one shape. No gradient goes to the condition.
#[derive(Debug, Default)]
pub struct Choose;

impl Choose {
    /// `y = a` where the condition holds, `b` elsewhere.
    pub fn new() -> Choose {
        Choose
    }
}

impl Op for Choose {
    fn name(&self) -> &'static str {
        "Where"
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        match ins {
            [which, a, b] if which == a && a == b => Ok(*a),
            _ => Err(format!("expected three maps of one shape, found {ins:?}")),
        }
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        dirty
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        true
    }

    fn role(&self) -> Role<'_> {
        Role::Route
    }
}

impl Cpu for Choose {
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let Shape { c, w, .. } = ins[0].shape;
        let [which, a, b] = [0, 1, 2].map(|k| &ins[k].data);
        super::axes::runs(w, c, rect, out, |at, out| {
            for (i, v) in out.iter_mut().enumerate() {
                *v = if which[at + i] == 0.0 { b[at + i] } else { a[at + i] };
            }
        });
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let values = ins[0].data.iter().zip(&ins[1].data).zip(&ins[2].data);
        let data = values.map(|((which, a), b)| if *which == 0.0 { *b } else { *a }).collect();
        Exact { shape: ins[0].shape, data }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, k: usize) -> Tensor {
        let own = |(g, which): (&f32, &f32)| match k {
            1 if *which != 0.0 => *g,
            2 if *which == 0.0 => *g,
            _ => 0.0,
        };
        Tensor::new(grad.shape, grad.data.iter().zip(&ins[0].data).map(own).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_goes_to_the_map_that_was_chosen() {
        let which = Tensor::vector(vec![1.0, 0.0]);
        let (a, b) = (Tensor::vector(vec![2.0, 3.0]), Tensor::vector(vec![4.0, 5.0]));
        let ins = [&which, &a, &b];
        let y = Choose::new().forward(&ins);
        assert_eq!(y.data, [2.0, 5.0]);
        assert_eq!(Choose::new().vjp(&ins, &y, &y, 0).data, [0.0, 0.0]);
        assert_eq!(Choose::new().vjp(&ins, &y, &y, 1).data, [2.0, 0.0]);
        assert_eq!(Choose::new().vjp(&ins, &y, &y, 2).data, [0.0, 5.0]);
    }
}
