//! Fully connected layer.

use super::{Cpu, Linear, OneChannel, Op, Part, Role, SIDES};
use crate::{
    base::geom::{Rect, Shape},
    kernel::{
        gemm::{ChangingRows, DEPTH, PANEL, Packed, Rows, matmul},
        parallel::{for_chunks, with_scratch},
    },
    patch::Replay,
    tensor::Exact,
    tensor::Tensor,
};
use std::ops::Range;

/// Outputs computed together by one thread.
const OUTPUTS: usize = 4 * PANEL;

/// Inputs computed together in a transposed product.
const INPUTS: usize = 64;

/// `z = W x + b` over all values of a map.
#[derive(Debug)]
pub struct Dense {
    input: Shape,
    /// `(inputs in channels-last order, outputs)`
    weights: Packed,
    bias: Vec<f32>,
}

/// Position in channels-first order of the value at `at` in channels-last order.
fn channels_first(shape: Shape, at: usize) -> usize {
    let (c, pixel) = (at % shape.c, at / shape.c);
    c * shape.h * shape.w + pixel
}

/// The inputs in `rect`, row by row, as they lie in the map.
fn changed(input: Shape, rect: Rect) -> impl Iterator<Item = Range<usize>> {
    let at = move |y: usize, x: usize| (y * input.w + x) * input.c;
    (rect.y0..rect.y1).map(move |y| at(y, rect.x0)..at(y, rect.x1))
}

impl Dense {
    /// From weights of shape `(outputs, inputs)`, inputs in the order channel, row, column as in
    /// ONNX, and a bias of `outputs` values or none (empty).
    pub fn new(
        weight: Vec<f32>,
        outputs: usize,
        input: Shape,
        bias: Vec<f32>,
    ) -> Result<Dense, String> {
        let n = input.len();
        if weight.len() != n * outputs || outputs == 0 {
            return Err(format!(
                "expected {n} x {outputs} weights for its input {input}, found {}",
                weight.len()
            ));
        }
        if !bias.is_empty() && bias.len() != outputs {
            return Err(format!("expected {outputs} biases, found {}", bias.len()));
        }
        let weights = Packed::new(n, outputs, |k, o| weight[o * n + channels_first(input, k)]);
        Ok(Dense { input, weights, bias })
    }

    /// The layer followed by `scale * z + shift` per output: batch-norm folding.
    #[must_use]
    pub fn scaled_after(&self, scale: &[f32], shift: &[f32]) -> Dense {
        let (k, n) = (self.weights.k(), self.weights.n());
        let weights = Packed::new(k, n, |k, o| scale[o] * self.weights.get(k, o));
        let bias = |o: usize| self.bias.get(o).unwrap_or(&0.0) * scale[o] + shift[o];
        Dense { input: self.input, weights, bias: (0..n).map(bias).collect() }
    }

    /// The layer of `s x + t`, given as pairs `(s, t)`, one per input in the order channel, row,
    /// column.
    #[must_use]
    pub fn scaled_before(&self, pairs: &[(f32, f32)]) -> Dense {
        let (k, n) = (self.weights.k(), self.weights.n());
        let pair = |k: usize| pairs[channels_first(self.input, k)];
        let weights = Packed::new(k, n, |k, o| pair(k).0 * self.weights.get(k, o));
        let bias = |o: usize| {
            let terms = (0..k).map(|k| f64::from(pair(k).1) * f64::from(self.weights.get(k, o)));
            (f64::from(*self.bias.get(o).unwrap_or(&0.0)) + terms.sum::<f64>()) as f32
        };
        let shifts = pairs.iter().any(|(_, t)| *t != 0.0);
        let bias = if shifts { (0..n).map(bias).collect() } else { self.bias.clone() };
        Dense { input: self.input, weights, bias }
    }

    /// The layer of a flattened map as a layer of the map itself, so that the flattening can go.
    /// `flat` is for each value of the map, in channels-last order, its place in the flattened one.
    #[must_use]
    pub fn over(&self, map: Shape, flat: &[usize]) -> Dense {
        assert_eq!(self.input, Shape::vector(map.len()), "the map is what was flattened");
        let weight = |k: usize, o| self.weights.get(flat[k], o);
        let weights = Packed::new(self.weights.k(), self.weights.n(), weight);
        Dense { input: map, weights, bias: self.bias.clone() }
    }

    /// Weight from input `i` (channels-last position) to output `o`.
    pub fn weight(&self, i: usize, o: usize) -> f32 {
        self.weights.get(i, o)
    }

    /// All weights: outputs, and for each the inputs by their channels-last position.
    pub fn weights(&self) -> Vec<f32> {
        let (k, n) = (self.weights.k(), self.weights.n());
        (0..n).flat_map(|o| (0..k).map(move |i| self.weight(i, o))).collect()
    }

    /// The layer with minus its only output and that output; `None` where it has several.
    pub fn both_sides(&self) -> Option<Dense> {
        let weights = Packed::new(self.weights.k(), 2, |k, o| SIDES[o] * self.weights.get(k, 0));
        let bias = self.bias.first().map_or(vec![], |b| SIDES.map(|side| side * b).to_vec());
        (self.weights.n() == 1).then_some(Dense { input: self.input, weights, bias })
    }

    /// `part(W) x` for one panel, the weights modified on the way.
    fn panel_product(&self, part: Part, x: &[f32], p: usize) -> [f32; PANEL] {
        let mut sums = [0.0; PANEL];
        for (x, w) in x.iter().zip(self.weights.panel(p).as_chunks::<PANEL>().0) {
            if *x != 0.0 {
                sums.iter_mut().zip(w).for_each(|(s, w)| *s += x * part.weight(*w));
            }
        }
        sums
    }

    /// `part(W)^T s` for some inputs.
    fn transposed_chunk(&self, part: Part, s: &[f32], first: usize, out: &mut [f32]) {
        // eight partial sums per input let the compiler use vectors
        let mut lanes = [[0.0f32; 8]; INPUTS];
        for p in 0..self.weights.panels() {
            let columns = self.weights.columns(p);
            let mut padded = [0.0; PANEL];
            padded[..columns.len()].copy_from_slice(&s[columns]);
            if padded.iter().all(|&s| s == 0.0) {
                continue;
            }
            let rows = &self.weights.panel(p)[first * PANEL..];
            for (lanes, w) in lanes.iter_mut().zip(rows.as_chunks::<PANEL>().0).take(out.len()) {
                for (w, s) in w.as_chunks::<8>().0.iter().zip(padded.as_chunks::<8>().0) {
                    for ((lane, w), s) in lanes.iter_mut().zip(w).zip(s) {
                        *lane += part.weight(*w) * s;
                    }
                }
            }
        }
        out.iter_mut().zip(&lanes).for_each(|(v, lanes)| *v = lanes.iter().sum());
    }

    /// `W x + b` for as many rows as `out` has room for.
    fn rows(&self, data: &[f32], stride: usize, out: &mut [f32]) {
        let n = self.weights.n();
        let a = Rows { data, stride, count: out.len() / n };
        matmul(a, &self.weights, 0..self.weights.panels(), out, n);
        self.add_bias(out);
    }

    fn add_bias(&self, out: &mut [f32]) {
        for row in out.chunks_exact_mut(self.weights.n()) {
            row.iter_mut().zip(&self.bias).for_each(|(v, b)| *v += b);
        }
    }

    fn work(&self) -> u64 {
        (self.weights.k() * self.weights.n()) as u64
    }
}

impl Op for Dense {
    fn name(&self) -> &'static str {
        "Gemm"
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        match ins {
            [input] if *input == self.input => Ok(Shape::vector(self.weights.n())),
            _ => Err(format!("expected one input of shape {}, found {ins:?}", self.input)),
        }
    }

    fn parameters(&self) -> usize {
        self.weights.k() * self.weights.n() + self.bias.len()
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        if dirty.is_empty() { Rect::EMPTY } else { Shape::vector(1).rect() }
    }

    fn is_per_pixel(&self, ins: &[Shape]) -> bool {
        ins[0].h == 1 && ins[0].w == 1
    }

    fn role(&self) -> Role<'_> {
        Role::Linear(self)
    }
}

impl Cpu for Dense {
    fn macs(&self, _ins: &[Shape], rect: Rect) -> u64 {
        rect.area() as u64 * self.work()
    }

    /// Blocks of inputs that did not change keep their products.
    fn step_macs(&self, _ins: &[Shape], dirty: &[Rect], rect: Rect) -> u64 {
        let ranges = changed(self.input, dirty[0]).map(ChangingRows::blocks);
        let (mut next, mut inputs) = (0, 0);
        for block in ranges.flatten() {
            if block >= next {
                inputs += DEPTH.min(self.weights.k() - block * DEPTH);
                next = block + 1;
            }
        }
        if rect.is_empty() { 0 } else { (inputs * self.weights.n()) as u64 }
    }

    fn for_channel(&self, _ins: &[Shape], c: usize) -> Option<OneChannel> {
        let weights = Packed::new(self.weights.k(), 1, |k, _| self.weights.get(k, c));
        let bias = self.bias.get(c).copied().into_iter().collect();
        Some(OneChannel::FromAll(Box::new(Dense { input: self.input, weights, bias })))
    }

    /// One row of outputs per `k` inputs: of a vector layer any number of pixels.
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let k = self.weights.k();
        self.rows(&ins[0].data[rect.y0 * k..], k, out);
    }

    fn eval_steps(&self, replay: &mut Replay<'_>, rects: &[Rect], _c: usize, out: &mut [f32]) {
        let mut rows = ChangingRows::new(self.weights.k());
        for step in (0..rects.len()).filter(|s| !rects[*s].is_empty()) {
            let changed = changed(self.input, replay.changed(step));
            rows.push(&replay.first(step).data, changed);
        }
        rows.matmul(&self.weights, out, |len, f| with_scratch(len, f));
        self.add_bias(out);
    }

    fn forward(&self, ins: &[&Tensor]) -> Tensor {
        let mut out = self.apply(Part::Raw, ins[0]);
        out.data.iter_mut().zip(&self.bias).for_each(|(v, b)| *v += b);
        out
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let bias = |o: usize| f64::from(*self.bias.get(o).unwrap_or(&0.0));
        let mut data: Vec<f64> = (0..self.weights.n()).map(bias).collect();
        for (p, out) in data.chunks_mut(PANEL).enumerate() {
            let rows = self.weights.panel(p).as_chunks::<PANEL>().0;
            for (x, w) in ins[0].data.iter().zip(rows) {
                out.iter_mut().zip(w).for_each(|(v, w)| *v += x * f64::from(*w));
            }
        }
        Exact { shape: Shape::vector(self.weights.n()), data }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        self.apply_transposed(Part::Raw, grad, ins[0].shape)
    }
}

impl Linear for Dense {
    fn apply(&self, part: Part, x: &Tensor) -> Tensor {
        let mut out = Tensor::zeros(Shape::vector(self.weights.n()));
        for_chunks(&mut out.data, OUTPUTS, self.work(), |i, chunk| {
            let first = i * OUTPUTS / PANEL;
            let panels = first..first + chunk.len().div_ceil(PANEL);
            if part == Part::Raw {
                let a = Rows { data: &x.data, stride: self.weights.k(), count: 1 };
                let n = chunk.len();
                return matmul(a, &self.weights, panels, chunk, n);
            }
            for (p, out) in panels.zip(chunk.chunks_mut(PANEL)) {
                let sums = self.panel_product(part, &x.data, p);
                out.copy_from_slice(&sums[..out.len()]);
            }
        });
        out
    }

    fn apply_transposed(&self, part: Part, s: &Tensor, input: Shape) -> Tensor {
        let mut out = Tensor::zeros(input);
        for_chunks(&mut out.data, INPUTS, self.work(), |i, chunk| {
            self.transposed_chunk(part, &s.data, i * INPUTS, chunk);
        });
        out
    }

    fn bias(&self) -> &[f32] {
        &self.bias
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(n: usize) -> (Dense, Vec<f32>, Tensor) {
        let input = Shape::new(3, 2, 2);
        let weight: Vec<f32> = (0..n * 12).map(|i| ((i * 37 % 23) as f32 - 11.0) / 7.0).collect();
        let bias = (0..n).map(|o| o as f32 * 0.5 - 1.0).collect();
        let x = Tensor::new(input, (0..12).map(|i| i as f32 * 0.3 - 1.5).collect());
        (Dense::new(weight.clone(), n, input, bias).unwrap(), weight, x)
    }

    #[test]
    fn every_part_agrees_with_sums_over_weights_in_onnx_order() {
        for n in [1, 32, 45] {
            let (dense, weight, x) = example(n);
            let chw: Vec<f32> = x.to_chw().iter().copied().collect();
            for part in Part::ALL {
                let z = dense.apply(part, &x);
                let s = Tensor::vector((0..n).map(|o| o as f32 - 3.0).collect());
                let c = dense.apply_transposed(part, &s, x.shape).to_chw();
                for o in 0..n {
                    let want: f32 = (0..12).map(|i| part.weight(weight[o * 12 + i]) * chw[i]).sum();
                    assert!((z.data[o] - want).abs() < 1e-4, "{part:?} {o}");
                }
                for (i, c) in c.iter().enumerate() {
                    let term = |o: usize| part.weight(weight[o * 12 + i]) * s.data[o];
                    let want: f32 = (0..n).map(term).sum();
                    assert!((c - want).abs() < 2e-3, "{part:?} {i}: {c} {want}");
                }
            }
        }
    }

    #[test]
    fn a_flattened_map_and_the_map_itself_give_the_same() {
        let (dense, weight, x) = example(5);
        let flat = Dense::new(weight, 5, Shape::vector(12), dense.bias.clone()).unwrap();
        let chw = Tensor::vector(x.to_chw().iter().copied().collect());
        let want = flat.forward(&[&chw]);
        let places: Vec<usize> = (0..12).map(|at| channels_first(x.shape, at)).collect();
        let got = flat.over(x.shape, &places).forward(&[&x]);
        assert!(want.data.iter().zip(&got.data).all(|(a, b)| (a - b).abs() < 1e-5));
        assert_eq!(got, dense.forward(&[&x]));
        let mut out = vec![0.0; 5];
        dense.eval(&[&x], Shape::vector(1).rect(), &mut out);
        assert_eq!(got.data, out);
    }

    #[test]
    fn scaling_the_weights_scales_the_output() {
        let (dense, _, x) = example(3);
        let z = dense.forward(&[&x]).data;
        let y = dense.scaled_after(&[2.0, -1.0, 0.5], &[1.0, 0.0, -3.0]).forward(&[&x]).data;
        let want = [2.0 * z[0] + 1.0, -z[1], 0.5 * z[2] - 3.0];
        assert!(y.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
