//! Normalisation of each pixel or token over its channels.

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    tensor::{Exact, Tensor},
};

/// `y = w (x - mean) / sqrt(var + epsilon) + b` over the channels of each pixel (Ba et al. 2016), or
/// without the mean, `y = w x / sqrt(mean(x^2) + epsilon) + b` (RMS, Zhang & Sennrich 2019).
#[derive(Debug)]
pub struct LayerNorm {
    name: &'static str,
    /// One per channel.
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
    centred: bool,
}

/// What a pixel is normalised by.
struct Moments {
    mean: f64,
    /// `1 / sqrt(var + epsilon)`
    inverse: f64,
}

impl LayerNorm {
    /// `weight` and `bias` have one value per channel; `centred` takes the mean away first. `name` is
    /// the ONNX operator it came from.
    pub fn new(
        name: &'static str,
        weight: Vec<f32>,
        bias: Vec<f32>,
        epsilon: f32,
        centred: bool,
    ) -> LayerNorm {
        assert_eq!(weight.len(), bias.len(), "one summand per factor");
        LayerNorm { name, weight, bias, epsilon, centred }
    }

    /// What is added after scaling, per channel.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    fn moments(&self, pixel: impl Iterator<Item = f64> + Clone) -> Moments {
        let n = self.weight.len() as f64;
        let mean = if self.centred { pixel.clone().sum::<f64>() / n } else { 0.0 };
        let var = pixel.map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        Moments { mean, inverse: 1.0 / (var + f64::from(self.epsilon)).sqrt() }
    }

    /// The gradient with respect to `x`, given that of the output, as if the deviation were a constant:
    /// then the normalisation is linear, `y = w (x - mean) / s + b`.
    pub fn vjp_of_linear_part(&self, x: &Tensor, grad: &Tensor) -> Tensor {
        let n = self.weight.len();
        let mut back = grad.clone();
        for (x, g) in x.data.chunks_exact(n).zip(back.data.chunks_exact_mut(n)) {
            let Moments { inverse, .. } = self.moments(x.iter().map(|x| f64::from(*x)));
            let scaled = |(g, w): (&f32, &f32)| f64::from(*g) * f64::from(*w) * inverse;
            let all: Vec<f64> = g.iter().zip(&self.weight).map(scaled).collect();
            let level = if self.centred { all.iter().sum::<f64>() / n as f64 } else { 0.0 };
            g.iter_mut().zip(all).for_each(|(g, v)| *g = (v - level) as f32);
        }
        back
    }

    fn normalise(&self, pixel: &mut [f32]) {
        let Moments { mean, inverse } = self.moments(pixel.iter().map(|x| f64::from(*x)));
        let (mean, inverse) = (mean as f32, inverse as f32);
        for ((v, w), b) in pixel.iter_mut().zip(&self.weight).zip(&self.bias) {
            *v = (*v - mean) * inverse * w + b;
        }
    }

    /// The gradient of one pixel `x`, given that of its output.
    fn pixel_gradient(&self, x: &[f32], grad: &[f32], back: &mut [f32]) {
        let n = x.len() as f64;
        let Moments { mean, inverse } = self.moments(x.iter().map(|x| f64::from(*x)));
        // with z = (x - mean) / s: dx = (g w - mean(g w) - z mean(g w z)) / s
        let gradient = |i: usize| f64::from(grad[i]) * f64::from(self.weight[i]);
        let z = |i: usize| (f64::from(x[i]) - mean) * inverse;
        let along = (0..x.len()).map(|i| gradient(i) * z(i)).sum::<f64>() / n;
        let level = (0..x.len()).map(gradient).sum::<f64>() / n;
        let level = if self.centred { level } else { 0.0 };
        for (i, v) in back.iter_mut().enumerate() {
            *v = ((gradient(i) - level - z(i) * along) * inverse) as f32;
        }
    }
}

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        self.name
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let shape = super::one_input(ins)?;
        if shape.c == self.weight.len() {
            return Ok(shape);
        }
        Err(format!("it normalises {} channels, its input has {}", self.weight.len(), shape.c))
    }

    fn parameters(&self) -> usize {
        2 * self.weight.len()
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        dirty
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        true
    }

    fn role(&self) -> Role<'_> {
        Role::LayerNorm(self)
    }
}

impl Cpu for LayerNorm {
    fn macs(&self, ins: &[Shape], rect: Rect) -> u64 {
        4 * (rect.area() * ins[0].c) as u64
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        ins[0].read(rect, out);
        out.chunks_exact_mut(self.weight.len()).for_each(|pixel| self.normalise(pixel));
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let mut out = ins[0].clone();
        for pixel in out.data.chunks_exact_mut(self.weight.len()) {
            let Moments { mean, inverse } = self.moments(pixel.iter().copied());
            for ((v, w), b) in pixel.iter_mut().zip(&self.weight).zip(&self.bias) {
                *v = (*v - mean) * inverse * f64::from(*w) + f64::from(*b);
            }
        }
        out
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let (x, c) = (ins[0], ins[0].shape.c);
        let mut back = Tensor::zeros(x.shape);
        let pixels = x.data.chunks_exact(c).zip(grad.data.chunks_exact(c));
        for ((x, grad), back) in pixels.zip(back.data.chunks_exact_mut(c)) {
            self.pixel_gradient(x, grad, back);
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_have_mean_zero_and_variance_one_before_weight_and_bias() {
        let x = Tensor::new(Shape::new(2, 1, 2), vec![1.0, 3.0, -5.0, 5.0]);
        let norm = LayerNorm::new("LayerNormalization", vec![2.0, 1.0], vec![0.5, 0.0], 0.0, true);
        assert_eq!(norm.forward(&[&x]).data, [-1.5, 1.0, -1.5, 1.0]);
        let x = Tensor::new(Shape::vector(2), vec![1.0, 7.0]);
        let rms = LayerNorm::new("RMSNormalization", vec![1.0, 2.0], vec![0.0; 2], 0.0, false);
        // sqrt((1 + 49) / 2) = 5
        let y = rms.forward(&[&x]).data;
        assert!((y[0] - 0.2).abs() < 1e-6 && (y[1] - 2.8).abs() < 1e-6, "{y:?}");
    }
}
