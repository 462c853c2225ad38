//! Operators. One operator is one file; what they share stands here.

use super::{
    kernel::parallel::{for_chunks, strips, take_vector},
    patch::Replay,
    tensor::{Exact, Tensor},
};
use crate::base::geom::{Rect, Shape};
use std::{any::Any, fmt};

mod add;
mod affine;
mod avg_pool;
mod axes;
mod broadcast;
mod choose;
mod compare;
mod concat;
mod constant;
mod conv;
mod dense;
mod extreme;
pub mod foreign;
mod input;
mod layer_norm;
mod lookup;
mod lrn;
mod matmul;
mod max_pool;
mod mul;
mod pad;
mod pick;
mod prelu;
mod resample;
mod select;
mod softmax;
#[cfg(test)]
mod tests;
mod transpose;
mod unary;
mod window;

pub use add::Add;
pub use affine::Affine;
pub use avg_pool::AvgPool;
pub use choose::Choose;
pub use compare::{Compare, Comparison};
pub use concat::Concat;
pub use constant::Constant;
pub use conv::{Conv, ConvGeometry};
pub use dense::Dense;
pub use extreme::Extreme;
pub use input::Input;
pub use layer_norm::LayerNorm;
pub use lookup::Lookup;
pub use lrn::Lrn;
pub use matmul::MatMul;
pub use max_pool::MaxPool;
pub use mul::Mul;
pub use pad::Pad;
pub use pick::{List, Pick};
pub use prelu::PRelu;
pub use resample::{Resample, Taps};
pub use select::Select;
pub use softmax::{Softmax, softmax};
pub use transpose::Transpose;
pub use unary::{Function, Unary};
pub use window::Window;

/// The signs of the two scores that one logit gives.
const SIDES: [f32; 2] = [-1.0, 1.0];

/// What an operator is: a pure function of its input maps, its attributes and weights, apart from how
/// it is computed ([`Cpu`]).
///
/// A map lies in memory row by row over its axes, of any number; the last axis is the one whose
/// values are neighbours. [`Shape`] is a view of it: `c` is the last axis (or some last axes taken
/// together), `h` and `w` are the others, so that one pixel is one row of `c` neighbours. Operators
/// on pictures and on single pixels (or tokens) need no more. Those that move values along other axes
/// hold the sizes of the axes they need.
pub trait Op: Any + fmt::Debug + Send + Sync {
    /// ONNX spelling.
    fn name(&self) -> &'static str;

    /// Shape of the output, or what is wrong with the inputs, in words.
    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String>;

    /// Weights and biases.
    fn parameters(&self) -> usize {
        0
    }

    /// The smallest output rectangle outside of which nothing changes when input `k` changes
    /// inside `dirty` only. The whole output where there is no local form.
    fn reach(&self, ins: &[Shape], k: usize, dirty: Rect) -> Rect;

    /// True when each output pixel is a function of the same pixel of the inputs alone, wherever it
    /// stands: then a map may be any list of pixels.
    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        false
    }

    /// The scalar function of which this is the map: it can be applied in place.
    fn function(&self) -> Option<Function> {
        None
    }

    /// What kind of function this is, for those who treat kinds differently (LRP).
    fn role(&self) -> Role<'_>;
}

/// How the CPU computes an operator.
///
/// Two rules make incremental evaluation exact: an operator writes only the rectangle it is asked
/// for, and what it writes does not depend on that rectangle.
pub trait Cpu: Op {
    /// Bytes of the weights as they are kept.
    fn weight_bytes(&self) -> u64 {
        (self.parameters() * size_of::<f32>()) as u64
    }

    /// Bytes of the buffers in which pixels are gathered or transformed, at most.
    fn scratch_bytes(&self) -> u64 {
        0
    }

    /// Multiply-adds of the output pixels in `rect`; the deterministic measure of cost.
    fn macs(&self, _ins: &[Shape], _rect: Rect) -> u64 {
        0
    }

    /// Multiply-adds of the output pixels in `rect` at a step of a chain in which input `k` changes
    /// inside `dirty[k]`: fewer than [`Cpu::macs`] where parts of sums are kept from step to step.
    fn step_macs(&self, ins: &[Shape], _dirty: &[Rect], rect: Rect) -> u64 {
        self.macs(ins, rect)
    }

    /// The output pixels computed again when input `k` changes inside `dirty`: [`Op::reach`], widened
    /// to the blocks in which they are computed.
    fn touched(&self, ins: &[Shape], k: usize, dirty: Rect) -> Rect {
        self.reach(ins, k, dirty)
    }

    /// Writes the output pixels of `rect` into `out`, row by row, channels last
    /// (`rect.area() * channels` values). Single-threaded.
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]);

    /// Rows of the output that are best computed together.
    fn grain(&self) -> usize {
        1
    }

    /// What computes channel `c` of the output alone; `None` where that saves nothing.
    fn for_channel(&self, _ins: &[Shape], _c: usize) -> Option<OneChannel> {
        None
    }

    /// The output pixels of many steps of a chain, one rectangle per step, concatenated in `out`.
    /// The bits are those of [`Cpu::eval`].
    fn eval_steps(
        &self,
        replay: &mut Replay<'_>,
        rects: &[Rect],
        channels: usize,
        out: &mut [f32],
    ) {
        let mut rest = out;
        for (step, rect) in rects.iter().enumerate() {
            let (own, after) = rest.split_at_mut(rect.area() * channels);
            rest = after;
            if !rect.is_empty() {
                self.eval(&replay.values_after(step), *rect, own);
            }
        }
    }

    /// The whole output; may use all threads. The bits are those of [`Cpu::eval`].
    fn forward(&self, ins: &[&Tensor]) -> Tensor {
        let shapes: Vec<Shape> = ins.iter().map(|t| t.shape).collect();
        let shape = self.out_shape(&shapes).expect("checked by the graph");
        let work = self.macs(&shapes, shape.rect()) + shape.len() as u64;
        in_strips(shape, work, self.grain(), |rect, out| self.eval(ins, rect, out))
    }

    /// The whole output in double precision, straight from the formula: slow. Operators without
    /// sums of many terms and without jumps in their slope need none of their own.
    fn exact(&self, ins: &[&Exact]) -> Exact {
        if let Role::Route = self.role() {
            return Exact::routed(ins, |ins| self.forward(ins));
        }
        let rounded: Vec<Tensor> = ins.iter().map(|x| x.rounded()).collect();
        Exact::of(&self.forward(&rounded.iter().collect::<Vec<_>>()))
    }

    /// Vector-Jacobian product: the gradient with respect to input `k`, given the gradient with
    /// respect to the output.
    fn vjp(&self, ins: &[&Tensor], out: &Tensor, grad: &Tensor, k: usize) -> Tensor;
}

/// How one channel of an operator's output comes about.
pub enum OneChannel {
    /// From all channels of the inputs, by this operator.
    FromAll(Box<dyn Cpu>),
    /// From the same channel of the single input, by the same operator.
    FromOne,
    /// From the same channel of the single input, by this operator.
    FromOneBy(Box<dyn Cpu>),
}

/// What kind of function an operator is.
#[derive(Clone, Copy, Debug)]
pub enum Role<'a> {
    /// Weighted sums with learned weights and a bias: convolution, dense.
    Linear(&'a dyn Linear),
    /// A factor and a summand per channel or value: unfolded batch norm, constants.
    Scale(&'a dyn Linear),
    /// Weighted sums with fixed weights: average pooling, resizing.
    Average(&'a dyn Linear),
    /// A scalar function of each value.
    Activation,
    /// The largest value of each window.
    MaxPool(&'a MaxPool),
    /// Each output value is one of the input values or a constant: concat, channels picked, flatten, padding.
    Route,
    /// The sum of its inputs, each with its sign (1 or -1).
    Sum(&'a [f32]),
    /// Division by a local norm.
    Normalisation(&'a Lrn),
    /// Normalisation of each pixel or token over its channels.
    LayerNorm(&'a LayerNorm),
    /// The larger or smaller of two maps, value by value.
    Extreme,
    /// The product of two maps, value by value.
    Product,
    /// The product of two maps as matrices.
    MatMul(&'a MatMul),
    /// Softmax of each pixel or token over its channels.
    Softmax,
    /// Anything else.
    Other,
}

/// The linear part of an operator, with weights that can be replaced by a function of themselves.
/// Biases are left out: they are per output channel and added by the caller.
pub trait Linear: Cpu {
    /// `part(W) x`: shape of the output.
    fn apply(&self, part: Part, x: &Tensor) -> Tensor;

    /// `part(W)^T s`: shape `input` (that of `x`).
    fn apply_transposed(&self, part: Part, s: &Tensor, input: Shape) -> Tensor;

    /// One value per output channel; empty without bias.
    fn bias(&self) -> &[f32];

    /// Whether something is added to the weighted sums, also where it is not one value per channel.
    fn has_bias(&self) -> bool {
        self.bias().iter().any(|b| *b != 0.0)
    }
}

/// How a weight is modified before use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// `w`
    Raw,
    /// `max(w, 0)`
    Positive,
    /// `min(w, 0)`
    Negative,
    /// `w^2`
    Square,
    /// `1`, where there is a weight (padding and other groups have none)
    One,
}

impl Part {
    /// All parts.
    pub const ALL: [Part; Part::COUNT] =
        [Part::Raw, Part::Positive, Part::Negative, Part::Square, Part::One];

    /// How many there are.
    const COUNT: usize = 5;

    /// The modified weight.
    pub fn weight(self, w: f32) -> f32 {
        match self {
            Part::Raw => w,
            Part::Positive => w.max(0.0),
            Part::Negative => w.min(0.0),
            Part::Square => w * w,
            Part::One => 1.0,
        }
    }
}

/// The shape of a single input.
fn one_input(ins: &[Shape]) -> Result<Shape, String> {
    match ins {
        [input] => Ok(*input),
        _ => Err(format!("expected one input, found {}", ins.len())),
    }
}

/// A map computed by `eval` in strips of whole rows, over the threads where there is enough work.
/// Values do not depend on the strip they are computed in, so neither does the result. Strips are
/// cut at multiples of `grain` rows.
fn in_strips(
    shape: Shape,
    work: u64,
    grain: usize,
    eval: impl Fn(Rect, &mut [f32]) + Sync,
) -> Tensor {
    let mut out = Tensor::new(shape, take_vector(shape.len()));
    let rows = shape.h.div_ceil(strips(work)).next_multiple_of(grain);
    let row = shape.w * shape.c;
    for_chunks(&mut out.data, rows * row, work, |i, strip| {
        let y0 = i * rows;
        eval(Rect { y0, y1: y0 + strip.len() / row, x0: 0, x1: shape.w }, strip);
    });
    out
}

/// A window over the whole map.
fn whole(input: Shape) -> Window {
    let kernel = [input.h, input.w];
    Window { kernel, stride: [1, 1], dilation: [1, 1], pads: [0; 4], ceil: false }
}

/// Output shape of a pool over `window`, or over the whole map.
fn pooled_shape(window: Option<Window>, ins: &[Shape]) -> Result<Shape, String> {
    let input = one_input(ins)?;
    let [h, w] = window.unwrap_or_else(|| whole(input)).out_size(input)?;
    Ok(Shape::new(input.c, h, w))
}

/// Calls `f(output pixel, input pixel)` for each tap inside the map of each output pixel of
/// `rect`. Output pixels are counted inside `rect`, input pixels inside the map; taps go row by
/// row.
fn pixels_of_windows(window: &Window, input: Shape, rect: Rect, mut f: impl FnMut(usize, usize)) {
    let columns: Vec<_> = (rect.x0..rect.x1).map(|ox| window.sources(1, ox, input.w)).collect();
    let mut out = 0;
    for oy in rect.y0..rect.y1 {
        let rows = window.sources(0, oy, input.h);
        for columns in &columns {
            for iy in rows.clone() {
                columns.clone().for_each(|ix| f(out, iy * input.w + ix));
            }
            out += 1;
        }
    }
}
