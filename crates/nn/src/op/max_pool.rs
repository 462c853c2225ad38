//! Max-pooling.

use super::{Cpu, OneChannel, Op, Role, Window};
use crate::{
    base::geom::{Rect, Shape},
    kernel::lanes::largest,
    tensor::Exact,
    tensor::Tensor,
};

/// The largest value of each window; padding never wins.
#[derive(Debug)]
pub struct MaxPool {
    name: &'static str,
    /// `None`: the whole map.
    window: Option<Window>,
}

impl MaxPool {
    /// Over a sliding window.
    pub fn new(window: Window) -> MaxPool {
        MaxPool { name: "MaxPool", window: Some(window) }
    }

    /// Over the whole map.
    pub fn global() -> MaxPool {
        MaxPool { name: "GlobalMaxPool", window: None }
    }

    /// The sliding window; for a global pool one that covers the map.
    pub fn window(&self, input: Shape) -> Window {
        self.window.unwrap_or_else(|| super::whole(input))
    }

    /// Calls `f(output position, input position)` for each tap of each output value, taps in the
    /// order row, column.
    pub fn taps(&self, input: Shape, rect: Rect, mut f: impl FnMut(usize, usize)) {
        super::pixels_of_windows(&self.window(input), input, rect, |out, at| {
            (0..input.c).for_each(|c| f(out * input.c + c, at * input.c + c));
        });
    }

    /// Calls `f(output pixel, input pixel)` for each tap of each output pixel, row by row.
    pub fn pixels(&self, input: Shape, rect: Rect, f: impl FnMut(usize, usize)) {
        super::pixels_of_windows(&self.window(input), input, rect, f);
    }

    /// Position in the input of each output value's first largest input value; `usize::MAX` where
    /// no input is a number above negative infinity.
    pub fn winners(&self, x: &Tensor, out: &Tensor) -> Vec<usize> {
        let c = x.shape.c;
        let mut best = vec![(f32::NEG_INFINITY, usize::MAX); out.data.len()];
        super::pixels_of_windows(&self.window(x.shape), x.shape, out.shape.rect(), |o, i| {
            let taps = x.data[i * c..(i + 1) * c].iter().zip(i * c..);
            for (best, (x, at)) in best[o * c..(o + 1) * c].iter_mut().zip(taps) {
                *best = if *x > best.0 { (*x, at) } else { *best };
            }
        });
        best.into_iter().map(|(_, at)| at).collect()
    }
}

impl Op for MaxPool {
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
        Role::MaxPool(self)
    }
}

impl Cpu for MaxPool {
    fn for_channel(&self, _ins: &[Shape], _c: usize) -> Option<OneChannel> {
        Some(OneChannel::FromOne)
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let (x, window) = (ins[0], self.window(ins[0].shape));
        let columns: Vec<_> =
            (rect.x0..rect.x1).map(|ox| window.sources(1, ox, x.shape.w)).collect();
        let mut taps: Vec<&[f32]> = Vec::new();
        let mut pixels = out.chunks_exact_mut(x.shape.c);
        for oy in rect.y0..rect.y1 {
            let rows = window.sources(0, oy, x.shape.h);
            for (columns, pixel) in columns.iter().zip(&mut pixels) {
                taps.clear();
                for iy in rows.clone() {
                    taps.extend(columns.clone().map(|ix| x.pixel(iy, ix)));
                }
                largest(&taps, pixel);
            }
        }
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let rect = self.window(ins[0].shape).out_rect(ins[0].shape);
        let shape = Shape::new(ins[0].shape.c, rect.height(), rect.width());
        let mut data = vec![f64::NEG_INFINITY; shape.len()];
        self.taps(ins[0].shape, rect, |o, i| data[o] = data[o].max(ins[0].data[i]));
        Exact { shape, data }
    }

    fn vjp(&self, ins: &[&Tensor], out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let (x, c) = (ins[0], ins[0].shape.c);
        let mut back = Tensor::zeros(x.shape);
        // what no tap has taken yet: the first tap that has the largest value takes it
        let mut left = grad.clone();
        self.pixels(x.shape, out.shape.rect(), |o, i| {
            let (from, to) = (i * c..(i + 1) * c, o * c..(o + 1) * c);
            let taps = back.data[from.clone()].iter_mut().zip(&x.data[from]);
            let outputs = out.data[to.clone()].iter().zip(&mut left.data[to]);
            for ((back, x), (largest, left)) in taps.zip(outputs) {
                let wins = x >= largest;
                *back += if wins { *left } else { 0.0 };
                *left = if wins { 0.0 } else { *left };
            }
        });
        left.give_back();
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_winner_takes_all_and_ties_go_to_the_first() {
        let x = Tensor::new(Shape::new(1, 2, 3), vec![1.0, 3.0, 3.0, 0.0, 3.0, -5.0]);
        let window =
            Window { kernel: [2, 2], stride: [1, 1], dilation: [1, 1], pads: [0; 4], ceil: false };
        let pool = MaxPool::new(window);
        let y = pool.forward(&[&x]);
        assert_eq!(y.data, [3.0, 3.0]);
        let g = Tensor::new(y.shape, vec![1.0, 10.0]);
        assert_eq!(pool.vjp(&[&x], &y, &g, 0).data, [0.0, 11.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(MaxPool::global().forward(&[&x]).data, [3.0]);
    }

    #[test]
    fn padding_never_wins() {
        let x = Tensor::new(Shape::new(1, 1, 1), vec![-2.0]);
        let window =
            Window { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pads: [1; 4], ceil: false };
        assert_eq!(MaxPool::new(window).forward(&[&x]).data, [-2.0]);
    }
}
