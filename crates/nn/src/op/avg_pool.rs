//! Average pooling.

use super::{Cpu, Linear, OneChannel, Op, Part, Role, Window};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Exact,
    tensor::Tensor,
};

/// The mean of each window, or of the whole map.
#[derive(Debug)]
pub struct AvgPool {
    name: &'static str,
    /// `None`: the whole map.
    window: Option<Window>,
    count_include_pad: bool,
}

impl AvgPool {
    /// Over a sliding window. With `count_include_pad` the divisor counts padding pixels.
    pub fn new(window: Window, count_include_pad: bool) -> AvgPool {
        AvgPool { name: "AveragePool", window: Some(window), count_include_pad }
    }

    /// Over the whole map; `name` is the ONNX operator it came from.
    pub fn global(name: &'static str) -> AvgPool {
        AvgPool { name, window: None, count_include_pad: false }
    }

    fn window(&self, input: Shape) -> Window {
        self.window.unwrap_or_else(|| super::whole(input))
    }

    /// The divisor of output pixel `(y, x)`.
    fn count(&self, window: &Window, input: Shape, y: usize, x: usize) -> f32 {
        let [h, w] = if self.count_include_pad {
            [window.padded_taps(0, y, input.h), window.padded_taps(1, x, input.w)]
        } else {
            [window.taps(0, y, input.h).len(), window.taps(1, x, input.w).len()]
        };
        (h * w) as f32
    }

    /// Divisors of the output pixels of `rect`, row by row.
    fn counts(&self, input: Shape, rect: Rect) -> Vec<f32> {
        let window = self.window(input);
        let at = |y| (rect.x0..rect.x1).map(move |x| (y, x));
        let pixels = (rect.y0..rect.y1).flat_map(at);
        pixels.map(|(y, x)| self.count(&window, input, y, x)).collect()
    }

    /// `part(1 / n)`: fixed weights are positive, so they are their own positive part.
    fn weight(part: Part, count: f32) -> f32 {
        part.weight(1.0 / count)
    }
}

impl Op for AvgPool {
    fn name(&self) -> &'static str {
        self.name
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        super::pooled_shape(self.window, ins)
    }

    fn reach(&self, ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        self.window(ins[0]).reach(ins[0], dirty)
    }

    fn role(&self) -> Role<'_> {
        Role::Average(self)
    }
}

impl Cpu for AvgPool {
    fn for_channel(&self, _ins: &[Shape], _c: usize) -> Option<OneChannel> {
        Some(OneChannel::FromOne)
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let (x, c) = (ins[0], ins[0].shape.c);
        out.fill(0.0);
        super::pixels_of_windows(&self.window(x.shape), x.shape, rect, |o, i| {
            let from = &x.data[i * c..(i + 1) * c];
            out[o * c..(o + 1) * c].iter_mut().zip(from).for_each(|(v, x)| *v += x);
        });
        for (pixel, n) in out.chunks_exact_mut(c).zip(self.counts(x.shape, rect)) {
            pixel.iter_mut().for_each(|v| *v /= n);
        }
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let (x, c) = (ins[0], ins[0].shape.c);
        let rect = self.window(x.shape).out_rect(x.shape);
        let shape = Shape::new(c, rect.height(), rect.width());
        let mut data = vec![0.0; shape.len()];
        let counts = self.counts(x.shape, rect);
        super::pixels_of_windows(&self.window(x.shape), x.shape, rect, |o, i| {
            let n = f64::from(counts[o]);
            let pairs = data[o * c..(o + 1) * c].iter_mut().zip(&x.data[i * c..(i + 1) * c]);
            pairs.for_each(|(v, x)| *v += x / n);
        });
        Exact { shape, data }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        self.apply_transposed(Part::Raw, grad, ins[0].shape)
    }
}

impl Linear for AvgPool {
    fn apply(&self, part: Part, x: &Tensor) -> Tensor {
        let mut out = self.forward(&[x]);
        let c = x.shape.c;
        let counts = self.counts(x.shape, out.shape.rect());
        for (pixel, n) in out.data.chunks_exact_mut(c).zip(counts) {
            let factor = n * AvgPool::weight(part, n);
            pixel.iter_mut().for_each(|v| *v *= factor);
        }
        out
    }

    fn apply_transposed(&self, part: Part, s: &Tensor, input: Shape) -> Tensor {
        let mut back = Tensor::zeros(input);
        let counts = self.counts(input, s.shape.rect());
        let c = input.c;
        super::pixels_of_windows(&self.window(input), input, s.shape.rect(), |o, i| {
            let w = AvgPool::weight(part, counts[o]);
            let from = &s.data[o * c..(o + 1) * c];
            let into = &mut back.data[i * c..(i + 1) * c];
            into.iter_mut().zip(from).for_each(|(v, s)| *v += w * s);
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

    fn pool(pads: usize, ceil: bool, include: bool) -> AvgPool {
        let window = Window {
            kernel: [1, 2],
            stride: [1, 2],
            dilation: [1, 1],
            pads: [0, pads, 0, pads],
            ceil,
        };
        AvgPool::new(window, include)
    }

    #[test]
    fn padding_counts_only_when_asked_for() {
        let x = Tensor::new(Shape::new(1, 1, 3), vec![2.0, 4.0, 6.0]);
        assert_eq!(pool(1, false, false).forward(&[&x]).data, [2.0, 5.0]);
        assert_eq!(pool(1, false, true).forward(&[&x]).data, [1.0, 5.0]);
        // the rounded-up window reaches over the end: that part never counts
        assert_eq!(pool(0, true, true).forward(&[&x]).data, [3.0, 6.0]);
        assert_eq!(AvgPool::global("GlobalAveragePool").forward(&[&x]).data, [4.0]);
    }

    #[test]
    fn parts_of_the_weights_are_parts_of_one_over_n() {
        let x = Tensor::new(Shape::new(1, 1, 2), vec![2.0, 4.0]);
        let pool = AvgPool::global("ReduceMean");
        let z: Vec<f32> = Part::ALL.iter().map(|part| pool.apply(*part, &x).data[0]).collect();
        assert_eq!(z, [3.0, 3.0, 0.0, 1.5, 6.0]);
        let s = Tensor::vector(vec![8.0]);
        assert_eq!(pool.apply_transposed(Part::Square, &s, x.shape).data, [2.0, 2.0]);
    }
}
