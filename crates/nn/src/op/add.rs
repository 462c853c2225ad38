//! Sums and differences of maps.

use super::{Cpu, Op, Role, broadcast};
use crate::{
    base::geom::{Rect, Shape},
    kernel::lanes::vectorized,
    tensor::Exact,
    tensor::Tensor,
};

/// The signed sum of its inputs: residual connections. A map of one pixel or one channel is spread
/// over the others.
#[derive(Debug)]
pub struct Add {
    signs: Vec<f32>,
}

impl Add {
    /// One sign (1 or -1) per input.
    pub fn new(signs: Vec<f32>) -> Add {
        Add { signs }
    }

    /// Sign of each input.
    pub fn signs(&self) -> &[f32] {
        &self.signs
    }
}

/// The usual residual connection in one go, with the bits of the general form: that begins at 0.
fn sum_of_two((a, s): (&Tensor, f32), (b, t): (&Tensor, f32), rect: Rect, out: &mut [f32]) {
    let row = rect.width() * a.shape.c;
    vectorized(|| {
        for (y, out) in (rect.y0..rect.y1).zip(out.chunks_exact_mut(row.max(1))) {
            let (a, b) = (a.row(y, rect.x0, rect.x1), b.row(y, rect.x0, rect.x1));
            for ((v, a), b) in out.iter_mut().zip(a).zip(b) {
                *v = 0.0 + s * a + t * b;
            }
        }
    });
}

impl Op for Add {
    fn name(&self) -> &'static str {
        if self.signs.iter().all(|s| *s > 0.0) { "Add" } else { "Sub" }
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        if ins.len() != self.signs.len() {
            return Err(format!("expected {} inputs, found {}", self.signs.len(), ins.len()));
        }
        broadcast::shape(ins)
    }

    fn reach(&self, ins: &[Shape], k: usize, dirty: Rect) -> Rect {
        broadcast::reach(ins, k, dirty)
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        true
    }

    fn role(&self) -> Role<'_> {
        Role::Sum(&self.signs)
    }
}

impl Cpu for Add {
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let alike = ins.iter().all(|x| x.shape == ins[0].shape);
        if let ([a, b], [s, t]) = (ins, &self.signs[..])
            && alike
        {
            return sum_of_two((a, *s), (b, *t), rect, out);
        }
        out.fill(0.0);
        for (x, sign) in ins.iter().zip(&self.signs) {
            broadcast::zip(x, rect, out, |v, x| *v += sign * x);
        }
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let shapes: Vec<Shape> = ins.iter().map(|x| x.shape).collect();
        let shape = self.out_shape(&shapes).expect("checked by the graph");
        let mut data = vec![0.0; shape.len()];
        for (x, sign) in ins.iter().zip(&self.signs) {
            let spread = broadcast::values(x.shape, &x.data, shape);
            data.iter_mut().zip(spread).for_each(|(v, x)| *v += f64::from(*sign) * x);
        }
        Exact { shape, data }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, k: usize) -> Tensor {
        let mut own = broadcast::sum_to(grad, ins[k].shape);
        own.data.iter_mut().for_each(|g| *g *= self.signs[k]);
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_spreads_a_channel_vector() {
        let x = Tensor::new(Shape::new(2, 1, 2), vec![1.0, 2.0, 3.0, 4.0]);
        let v = Tensor::vector(vec![1.0, 10.0]);
        let sub = Add::new(vec![1.0, -1.0]);
        let y = sub.forward(&[&x, &v]);
        assert_eq!(y.data, [0.0, -8.0, 2.0, -6.0]);
        assert_eq!(sub.vjp(&[&x, &v], &y, &x, 1).data, [-4.0, -6.0]);
        assert_eq!(sub.vjp(&[&x, &v], &y, &x, 0), x);
    }
}
