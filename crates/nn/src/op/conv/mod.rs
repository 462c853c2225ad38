//! Convolution.

mod exact;
mod product;
mod scatter;
#[cfg(test)]
mod tests;
mod winograd;

use super::{Cpu, Linear, OneChannel, Op, Part, Role, SIDES, Window};
use crate::{
    base::geom::{Rect, Shape},
    kernel::{lanes::vectorized, winograd::Tile},
    patch::Replay,
    tensor::Exact,
    tensor::Tensor,
};
use product::Product;
use std::sync::{Arc, OnceLock};
use winograd::Winograd;

/// Kernel, stride, dilation, padding and groups of a [`Conv`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Height and width in taps.
    pub kernel: [usize; 2],
    /// Rows and columns from one output pixel to the next.
    pub stride: [usize; 2],
    /// Pixels from one tap to the next.
    pub dilation: [usize; 2],
    /// Zero padding: top, left, bottom, right.
    pub pads: [usize; 4],
    /// Input and output channels are split into this many independent groups.
    pub groups: usize,
}

impl ConvGeometry {
    fn window(&self) -> Window {
        let ConvGeometry { kernel, stride, dilation, pads, .. } = *self;
        Window { kernel, stride, dilation, pads, ceil: false }
    }
}

/// A two-dimensional convolution with zero padding and a bias per output channel.
#[derive(Debug)]
pub struct Conv {
    name: &'static str,
    inputs: usize,
    outputs: usize,
    geometry: ConvGeometry,
    bias: Vec<f32>,
    weights: Arc<Product>,
    /// What forward passes use instead, where it pays.
    winograd: Option<Winograd>,
    /// The same with modified weights, made when first asked for; by `Part`.
    parts: [OnceLock<Product>; Part::COUNT],
    /// The transposed products; by `Part`.
    transposed: [OnceLock<Product>; Part::COUNT],
}

impl Conv {
    /// From weights of shape `(outputs, inputs / groups, kh, kw)` and a bias of `outputs` values
    /// or none (empty).
    pub fn new(
        weight: Vec<f32>,
        outputs: usize,
        inputs: usize,
        geometry: ConvGeometry,
        bias: Vec<f32>,
    ) -> Result<Conv, String> {
        let ConvGeometry { kernel: [kh, kw], groups, .. } = geometry;
        if groups == 0 || !inputs.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            return Err(format!("{inputs} inputs and {outputs} outputs in {groups} groups"));
        }
        let per = inputs / groups;
        let want = outputs * per * kh * kw;
        if weight.len() != want || want == 0 {
            return Err(format!("expected {want} weights, found {}", weight.len()));
        }
        if !bias.is_empty() && bias.len() != outputs {
            return Err(format!("expected {outputs} biases, found {}", bias.len()));
        }
        let at = |o: usize, i: usize, ky: usize, kx: usize| ((o * per + i) * kh + ky) * kw + kx;
        let weights =
            Product::new(geometry, inputs, outputs, |o, i, ky, kx| weight[at(o, i, ky, kx)]);
        Ok(Conv::from_product(geometry, inputs, outputs, weights.into(), bias))
    }

    /// A dense layer on the channels of each pixel or token: a convolution of single pixels that goes
    /// by the ONNX operator it came from. `weight` is `(outputs, inputs)`.
    pub fn tokens(
        name: &'static str,
        weight: Vec<f32>,
        outputs: usize,
        inputs: usize,
        bias: Vec<f32>,
    ) -> Result<Conv, String> {
        let geometry = ConvGeometry {
            kernel: [1; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pads: [0; 4],
            groups: 1,
        };
        Ok(Conv::new(weight, outputs, inputs, geometry, bias)?.named(name))
    }

    /// The same under another ONNX name.
    #[must_use]
    pub fn named(self, name: &'static str) -> Conv {
        Conv { name, ..self }
    }

    fn from_product(
        geometry: ConvGeometry,
        inputs: usize,
        outputs: usize,
        weights: Arc<Product>,
        bias: Vec<f32>,
    ) -> Conv {
        let (parts, transposed) = Default::default();
        Conv {
            name: "Conv",
            inputs,
            outputs,
            geometry,
            bias,
            weights,
            winograd: None,
            parts,
            transposed,
        }
    }

    /// The convolution followed by `scale * z + shift` per output channel: batch-norm folding.
    #[must_use]
    pub fn scaled_after(&self, scale: &[f32], shift: &[f32]) -> Conv {
        let weights = Product::new(self.geometry, self.inputs, self.outputs, |o, i, ky, kx| {
            scale[o] * self.weights.get(o, i, ky, kx)
        });
        let bias = |o: usize| self.bias.get(o).unwrap_or(&0.0) * scale[o] + shift[o];
        let bias = (0..self.outputs).map(bias).collect();
        self.like(self.outputs, weights, bias)
    }

    /// The convolution of `s x + t`, given as pairs `(s, t)`, one per input channel. Padding is zero
    /// before and after, so this is exact without padding or where all `t` are 0.
    #[must_use]
    pub fn scaled_before(&self, pairs: &[(f32, f32)]) -> Conv {
        let ConvGeometry { kernel: [kh, kw], groups, .. } = self.geometry;
        let (per_in, per_out) = (self.inputs / groups, self.outputs / groups);
        let pair = |o: usize, i: usize| pairs[o / per_out * per_in + i];
        let weights = Product::new(self.geometry, self.inputs, self.outputs, |o, i, ky, kx| {
            pair(o, i).0 * self.weights.get(o, i, ky, kx)
        });
        let taps = |o: usize, i: usize| {
            let all = (0..kh).flat_map(move |ky| (0..kw).map(move |kx| (ky, kx)));
            all.map(move |(ky, kx)| f64::from(self.weights.get(o, i, ky, kx))).sum::<f64>()
        };
        let shifts = pairs.iter().any(|(_, t)| *t != 0.0);
        let bias = |o: usize| {
            let shift: f64 = (0..per_in).map(|i| f64::from(pair(o, i).1) * taps(o, i)).sum();
            (f64::from(*self.bias.get(o).unwrap_or(&0.0)) + shift) as f32
        };
        let bias = if shifts { (0..self.outputs).map(bias).collect() } else { self.bias.clone() };
        self.like(self.outputs, weights, bias)
    }

    /// A convolution of the same name and geometry.
    fn like(&self, outputs: usize, weights: Product, bias: Vec<f32>) -> Conv {
        let conv = Conv::from_product(self.geometry, self.inputs, outputs, weights.into(), bias);
        conv.named(self.name)
    }

    /// The same convolution computed by tiles, or directly (`None`). Weights are shared, those of
    /// tiles made at the first use. `None` is returned where the tile does not apply
    /// ([`Conv::tiles`]).
    pub fn with_tile(&self, tile: Option<Tile>) -> Option<Conv> {
        if tile.is_some_and(|tile| !self.tiles().contains(&tile)) {
            return None;
        }
        let (geometry, inputs, outputs) = (self.geometry, self.inputs, self.outputs);
        let weights = self.weights.clone();
        let conv = Conv::from_product(geometry, inputs, outputs, weights, self.bias.clone());
        let winograd = tile.map(|tile| Winograd::new(tile, self.weights.clone()));
        Some(Conv { winograd, ..conv.named(self.name) })
    }

    /// The tiles that can compute it: there are some for 3x3 and 5x5 windows of stride 1 without
    /// groups.
    pub fn tiles(&self) -> Vec<Tile> {
        Winograd::tiles_for(&self.geometry)
    }

    /// The tiles by which forward passes compute it.
    pub fn tile(&self) -> Option<Tile> {
        self.winograd.as_ref().map(Winograd::tile)
    }

    /// Kernel, stride, dilation, padding and groups.
    pub fn geometry(&self) -> ConvGeometry {
        self.geometry
    }

    /// Weight from input `i` of its group to output `o` at tap `(ky, kx)`.
    pub fn weight(&self, o: usize, i: usize, ky: usize, kx: usize) -> f32 {
        self.weights.get(o, i, ky, kx)
    }

    /// All weights: outputs, inputs of their group, rows and columns of the kernel, in this nesting.
    pub fn weights(&self) -> Vec<f32> {
        let ([kh, kw], per) = (self.geometry.kernel, self.inputs / self.geometry.groups);
        let taps = (0..kh).flat_map(move |ky| (0..kw).map(move |kx| (ky, kx)));
        let inputs = (0..per).flat_map(move |i| taps.clone().map(move |(ky, kx)| (i, ky, kx)));
        let all = (0..self.outputs).flat_map(|o| inputs.clone().map(move |at| (o, at)));
        all.map(|(o, (i, ky, kx))| self.weight(o, i, ky, kx)).collect()
    }

    /// The layer with minus its only output and that output; `None` where it has several.
    pub fn both_sides(&self) -> Option<Conv> {
        let weight = |o: usize, i, ky, kx| SIDES[o] * self.weights.get(0, i, ky, kx);
        let weights = Product::new(self.geometry, self.inputs, 2, weight).into();
        let bias = self.bias.first().map_or(vec![], |b| SIDES.map(|side| side * b).to_vec());
        (self.outputs == 1)
            .then(|| Conv::from_product(self.geometry, self.inputs, 2, weights, bias))
    }

    fn product(&self, part: Part) -> &Product {
        match part {
            Part::Raw => &self.weights,
            _ => self.parts[part as usize].get_or_init(|| self.weights.map(|w| part.weight(w))),
        }
    }

    fn add_bias(&self, out: &mut [f32]) {
        if !self.bias.is_empty() {
            vectorized(|| {
                for pixel in out.chunks_exact_mut(self.outputs) {
                    pixel.iter_mut().zip(&self.bias).for_each(|(v, b)| *v += b);
                }
            });
        }
    }

    fn out(&self, input: Shape) -> Shape {
        let [h, w] = self.geometry.window().out_size(input).expect("checked by the graph");
        Shape::new(self.outputs, h, w)
    }
}

impl Op for Conv {
    fn name(&self) -> &'static str {
        self.name
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let [input] = ins else { return Err(format!("one input, found {}", ins.len())) };
        if input.c != self.inputs {
            return Err(format!("expected {} input channels, found {}", self.inputs, input.c));
        }
        let [h, w] = self.geometry.window().out_size(*input)?;
        Ok(Shape::new(self.outputs, h, w))
    }

    fn parameters(&self) -> usize {
        let [kh, kw] = self.geometry.kernel;
        self.outputs * self.inputs / self.geometry.groups * kh * kw + self.bias.len()
    }

    fn reach(&self, ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        self.geometry.window().reach(ins[0], dirty)
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        let ConvGeometry { kernel, stride, pads, .. } = self.geometry;
        kernel == [1, 1] && stride == [1, 1] && pads == [0; 4]
    }

    fn role(&self) -> Role<'_> {
        Role::Linear(self)
    }
}

impl Cpu for Conv {
    fn touched(&self, ins: &[Shape], k: usize, dirty: Rect) -> Rect {
        let reach = self.reach(ins, k, dirty);
        match &self.winograd {
            Some(winograd) => winograd.align(reach, self.out(ins[0])),
            None => reach,
        }
    }

    fn weight_bytes(&self) -> u64 {
        let tiles = self.tile().map_or(0, Tile::products);
        ((self.parameters() + tiles * self.inputs * self.outputs) * size_of::<f32>()) as u64
    }

    fn scratch_bytes(&self) -> u64 {
        let floats = match &self.winograd {
            Some(winograd) => winograd.scratch(),
            None => self.weights.scratch(),
        };
        (floats * size_of::<f32>()) as u64
    }

    fn macs(&self, _ins: &[Shape], rect: Rect) -> u64 {
        if let Some(winograd) = &self.winograd {
            return winograd.macs(rect);
        }
        let [kh, kw] = self.geometry.kernel;
        (rect.area() * self.outputs * self.inputs / self.geometry.groups * kh * kw) as u64
    }

    fn grain(&self) -> usize {
        self.tile().map_or(1, Tile::side)
    }

    fn for_channel(&self, _ins: &[Shape], c: usize) -> Option<OneChannel> {
        if self.geometry.groups != 1 {
            return None;
        }
        let weight = |_, i, ky, kx| self.weights.get(c, i, ky, kx);
        let weights = Product::new(self.geometry, self.inputs, 1, weight);
        let bias = self.bias.get(c).copied().into_iter().collect();
        Some(OneChannel::FromAll(Box::new(self.like(1, weights, bias))))
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        match &self.winograd {
            Some(winograd) => winograd.eval(ins[0], rect, out),
            None => self.weights.eval(ins[0], rect, out),
        }
        self.add_bias(out);
    }

    fn eval_steps(&self, replay: &mut Replay<'_>, rects: &[Rect], _c: usize, out: &mut [f32]) {
        match &self.winograd {
            Some(winograd) => winograd.eval_steps(replay, rects, out),
            None => self.weights.eval_steps(replay, rects, out),
        }
        self.add_bias(out);
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        exact::forward(self, ins[0])
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        self.apply_transposed(Part::Raw, grad, ins[0].shape)
    }
}

impl Linear for Conv {
    fn apply(&self, part: Part, x: &Tensor) -> Tensor {
        let shape = self.out(x.shape);
        let product = self.product(part);
        let work = self.macs(&[x.shape], shape.rect());
        super::in_strips(shape, work, 1, |rect, out| product.eval(x, rect, out))
    }

    fn apply_transposed(&self, part: Part, s: &Tensor, input: Shape) -> Tensor {
        let cell = &self.transposed[part as usize];
        let work = self.macs(&[input], s.shape.rect());
        match self.geometry.flipped() {
            Some(geometry) => {
                let product = cell.get_or_init(|| self.product(part).flipped(geometry));
                super::in_strips(input, work, 1, |rect, out| product.eval(s, rect, out))
            }
            None => {
                let product = cell.get_or_init(|| self.product(part).transposed());
                scatter::strips(&self.geometry.window(), product, s, input, work)
            }
        }
    }

    fn bias(&self) -> &[f32] {
        &self.bias
    }
}
