//! Local response normalisation over channels.

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    kernel::lanes::vectorized,
    tensor::Tensor,
};

/// `y_c = x_c / (bias + alpha / size * sum x_j^2)^beta`, `j` over the `size` channels around `c`
/// (Krizhevsky et al. 2012, as ONNX defines it).
#[derive(Clone, Copy, Debug)]
pub struct Lrn {
    size: usize,
    alpha: f32,
    beta: f32,
    bias: f32,
}

impl Lrn {
    /// `size` channels, `alpha`, `beta` and `bias` as in the formula.
    pub fn new(size: usize, alpha: f32, beta: f32, bias: f32) -> Lrn {
        Lrn { size, alpha, beta, bias }
    }

    /// The exponent.
    pub fn beta(&self) -> f32 {
        self.beta
    }

    /// `alpha / size`: weight of a squared neighbour in the denominator.
    pub fn weight(&self) -> f32 {
        self.alpha / self.size as f32
    }

    /// The channels in the window of channel `c`.
    pub fn window(&self, c: usize, channels: usize) -> std::ops::Range<usize> {
        let before = (self.size - 1) / 2;
        c.saturating_sub(before)..(c + self.size - before).min(channels)
    }

    /// The bracket of the formula, for every channel of a pixel.
    pub fn bracket(&self, pixel: &[f32], c: usize) -> f32 {
        let squares: f32 = pixel[self.window(c, pixel.len())].iter().map(|x| x * x).sum();
        self.bias + self.weight() * squares
    }
}

impl Lrn {
    /// A bracket to the power of beta. The usual exponent needs two roots, ten times faster than a
    /// power.
    fn power(&self, bracket: f32) -> f32 {
        if self.beta.to_bits() == 0.75_f32.to_bits() {
            let root = bracket.sqrt();
            return root * root.sqrt();
        }
        bracket.powf(self.beta)
    }
}

impl Op for Lrn {
    fn name(&self) -> &'static str {
        "LRN"
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        if self.size == 0 {
            return Err("its size must be at least 1".to_owned());
        }
        super::one_input(ins)
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        dirty
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        true
    }

    fn role(&self) -> Role<'_> {
        Role::Normalisation(self)
    }
}

impl Cpu for Lrn {
    fn macs(&self, ins: &[Shape], rect: Rect) -> u64 {
        (rect.area() * ins[0].c * (self.size + 1)) as u64
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let c = ins[0].shape.c;
        let before = (self.size - 1) / 2;
        // squares with zeros on both sides, so that all windows are whole
        let mut squares = vec![0.0; c + self.size - 1];
        vectorized(|| {
            for (i, pixel) in out.chunks_exact_mut(c).enumerate() {
                let x = ins[0].pixel(rect.y0 + i / rect.width(), rect.x0 + i % rect.width());
                squares[before..][..c].iter_mut().zip(x).for_each(|(s, x)| *s = x * x);
                pixel.fill(0.0);
                for j in 0..self.size {
                    pixel.iter_mut().zip(&squares[j..]).for_each(|(v, s)| *v += s);
                }
                for (v, x) in pixel.iter_mut().zip(x) {
                    *v = x / self.power(self.bias + self.weight() * *v);
                }
            }
        });
    }

    fn vjp(&self, ins: &[&Tensor], out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let c = grad.shape.c;
        let mut back = Tensor::zeros(grad.shape);
        let pixels = ins[0].data.chunks_exact(c).zip(out.data.chunks_exact(c));
        let pixels = pixels.zip(grad.data.chunks_exact(c)).zip(back.data.chunks_exact_mut(c));
        for (((x, y), g), back) in pixels {
            for j in 0..c {
                let bracket = self.bracket(x, j);
                back[j] += g[j] / self.power(bracket);
                let shared = -2.0 * self.weight() * self.beta * g[j] * y[j] / bracket;
                for i in self.window(j, c) {
                    back[i] += shared * x[i];
                }
            }
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_by_hand() {
        let x = Tensor::vector(vec![1.0, 2.0, 3.0]);
        let y = Lrn::new(3, 3.0, 1.0, 1.0).forward(&[&x]);
        // brackets: 1 + 1 + 4 = 6, 1 + 1 + 4 + 9 = 15, 1 + 4 + 9 = 14
        let want = [1.0 / 6.0, 2.0 / 15.0, 3.0 / 14.0];
        assert!(y.data.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn an_even_window_looks_further_to_the_right() {
        let lrn = Lrn::new(4, 1.0, 1.0, 1.0);
        assert_eq!(lrn.window(3, 10), 2..6);
        assert_eq!(lrn.window(0, 10), 0..3);
    }
}
