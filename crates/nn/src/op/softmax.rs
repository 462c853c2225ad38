//! Softmax inside a network (a trailing one is cut off at import).

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};

/// `exp(x_c) / sum exp(x_j)` over the channels of each pixel.
#[derive(Debug, Default)]
pub struct Softmax;

impl Softmax {
    /// Over channels.
    pub fn new() -> Softmax {
        Softmax
    }
}

/// Softmax of some scores, summed in double precision.
pub fn softmax(scores: &[f32]) -> Vec<f32> {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exp: Vec<f64> = scores.iter().map(|s| f64::from(s - top).exp()).collect();
    let sum: f64 = exp.iter().sum();
    exp.iter().map(|e| (e / sum) as f32).collect()
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "Softmax"
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        super::one_input(ins)
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        dirty
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        true
    }

    fn role(&self) -> Role<'_> {
        Role::Softmax
    }
}

impl Cpu for Softmax {
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        ins[0].read(rect, out);
        for pixel in out.chunks_exact_mut(ins[0].shape.c) {
            let p = softmax(pixel);
            pixel.copy_from_slice(&p);
        }
    }

    fn vjp(&self, _ins: &[&Tensor], out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let c = grad.shape.c;
        let mut back = grad.clone();
        for (g, y) in back.data.chunks_exact_mut(c).zip(out.data.chunks_exact(c)) {
            let dot: f32 = g.iter().zip(y).map(|(g, y)| g * y).sum();
            g.iter_mut().zip(y).for_each(|(g, y)| *g = y * (*g - dot));
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_scores_do_not_overflow() {
        let p = softmax(&[1000.0, 1000.0, 0.0]);
        assert!((p[0] - 0.5).abs() < 1e-6 && p[2].abs() < 1e-6);
    }
}
