//! The product of a convolution's weights with gathered pixels.

use super::ConvGeometry;
use crate::{
    base::geom::Rect,
    kernel::{
        gemm::{Packed, Rows, matmul, row_stride},
        parallel::with_scratch,
    },
    patch::Replay,
    tensor::Tensor,
};
use std::ops::Range;

/// Floats gathered at a time: half of a usual L2 cache.
const GATHERED: usize = 1 << 20;

impl ConvGeometry {
    /// The geometry of the transposed convolution as a convolution of its own: only for stride 1
    /// and padding smaller than the kernel.
    pub(super) fn flipped(&self) -> Option<ConvGeometry> {
        let reach = |axis: usize| (self.kernel[axis] - 1) * self.dilation[axis];
        let [top, left, bottom, right] = self.pads;
        let pads = [
            reach(0).checked_sub(top)?,
            reach(1).checked_sub(left)?,
            reach(0).checked_sub(bottom)?,
            reach(1).checked_sub(right)?,
        ];
        (self.stride == [1, 1]).then_some(ConvGeometry { pads, ..*self })
    }
}

/// Weights of a convolution in the form that the kernels take. Inputs of a product are ordered
/// `(ky, kx, channel of the group)`, as they lie in a channels-last map.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) geometry: ConvGeometry,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// One matrix per group.
    Matrices(Vec<Packed>),
    /// One input and one output per group: `[ky][kx][channel]`, worked on channel by channel.
    Depthwise(Vec<f32>),
}

impl Product {
    /// From `weight(output, input of its group, ky, kx)`.
    pub(super) fn new(
        geometry: ConvGeometry,
        inputs: usize,
        outputs: usize,
        weight: impl Fn(usize, usize, usize, usize) -> f32,
    ) -> Product {
        let ConvGeometry { kernel: [kh, kw], groups, .. } = geometry;
        let (per_in, per_out) = (inputs / groups, outputs / groups);
        let form = if groups > 1 && per_in == 1 && per_out == 1 {
            let at = |i: usize| weight(i % groups, 0, i / groups / kw, i / groups % kw);
            Form::Depthwise((0..kh * kw * groups).map(at).collect())
        } else {
            let matrix = |g: usize| {
                Packed::new(kh * kw * per_in, per_out, |k, n| {
                    weight(g * per_out + n, k % per_in, k / per_in / kw, k / per_in % kw)
                })
            };
            Form::Matrices((0..groups).map(matrix).collect())
        };
        Product { geometry, inputs, outputs, form }
    }

    /// Weight from input `i` of its group to output `o` at tap `(ky, kx)`.
    pub(super) fn get(&self, o: usize, i: usize, ky: usize, kx: usize) -> f32 {
        let ConvGeometry { kernel: [_, kw], groups, .. } = self.geometry;
        let (per_in, per_out) = (self.inputs / groups, self.outputs / groups);
        match &self.form {
            Form::Depthwise(w) => w[(ky * kw + kx) * groups + o],
            Form::Matrices(m) => m[o / per_out].get((ky * kw + kx) * per_in + i, o % per_out),
        }
    }

    /// Every weight mapped.
    pub(super) fn map(&self, f: impl Fn(f32) -> f32) -> Product {
        let form = match &self.form {
            Form::Matrices(m) => Form::Matrices(m.iter().map(|m| m.map(&f)).collect()),
            Form::Depthwise(w) => Form::Depthwise(w.iter().map(|&w| f(w)).collect()),
        };
        Product { form, ..*self }
    }

    /// The transposed product as a convolution with `geometry` ([`ConvGeometry::flipped`]).
    pub(super) fn flipped(&self, geometry: ConvGeometry) -> Product {
        let ConvGeometry { kernel: [kh, kw], groups, .. } = geometry;
        let (per_in, per_out) = (self.inputs / groups, self.outputs / groups);
        Product::new(geometry, self.outputs, self.inputs, |o, i, ky, kx| {
            let group = o / per_in;
            self.get(group * per_out + i, o % per_in, kh - 1 - ky, kw - 1 - kx)
        })
    }

    /// The matrices transposed: from output channels to taps and input channels.
    pub(super) fn transposed(&self) -> Product {
        let form = match &self.form {
            Form::Matrices(m) => Form::Matrices(m.iter().map(Packed::transposed).collect()),
            Form::Depthwise(w) => Form::Depthwise(w.clone()),
        };
        Product { form, ..*self }
    }

    /// Matrices per group, for [`super::scatter`]; `Err` holds depthwise weights.
    pub(super) fn matrices(&self) -> Result<&[Packed], &[f32]> {
        match &self.form {
            Form::Matrices(m) => Ok(m),
            Form::Depthwise(w) => Err(w),
        }
    }

    /// Floats of the buffers, at most.
    pub(super) fn scratch(&self) -> usize {
        match &self.form {
            Form::Depthwise(_) => 0,
            Form::Matrices(m) => (row_stride(m[0].k()) * m.len()).max(GATHERED),
        }
    }

    /// The output pixels of `rect`, without bias.
    pub(super) fn eval(&self, x: &Tensor, rect: Rect, out: &mut [f32]) {
        if rect.is_empty() {
            return;
        }
        match &self.form {
            Form::Depthwise(w) => self.eval_depthwise(w, x, rect, out),
            Form::Matrices(m) => {
                if let Some(rows) = self.rows_in_place(x, rect) {
                    return matmul(rows, &m[0], 0..m[0].panels(), out, self.outputs);
                }
                for (g, matrix) in m.iter().enumerate() {
                    self.eval_group(g, matrix, x, rect, out);
                }
            }
        }
    }

    /// 1x1 convolutions over whole rows need no gathering: pixels are the rows of the product.
    fn rows_in_place<'a>(&self, x: &'a Tensor, rect: Rect) -> Option<Rows<'a>> {
        let g = self.geometry;
        let plain = g.kernel == [1, 1] && g.stride == [1, 1] && g.pads == [0; 4] && g.groups == 1;
        let (c, w) = (x.shape.c, x.shape.w);
        let data = x.data.get(rect.y0 * w * c..)?;
        (plain && rect.width() == w).then_some(Rows { data, stride: c, count: rect.area() })
    }

    /// The output pixels of many steps, one rectangle each, without bias: windows of several steps
    /// are gathered into one product.
    pub(super) fn eval_steps(&self, replay: &mut Replay<'_>, rects: &[Rect], out: &mut [f32]) {
        match &self.form {
            Form::Depthwise(w) => {
                let mut rest = out;
                for (step, rect) in rects.iter().enumerate() {
                    let (own, after) = rest.split_at_mut(rect.area() * self.outputs);
                    rest = after;
                    self.eval_depthwise(w, replay.first(step), *rect, own);
                }
            }
            Form::Matrices(m) => self.eval_matrix_steps(m, replay, rects, out),
        }
    }

    fn eval_matrix_steps(
        &self,
        matrices: &[Packed],
        replay: &mut Replay<'_>,
        rects: &[Rect],
        out: &mut [f32],
    ) {
        let stride = row_stride(matrices[0].k());
        // rows of all groups stand one behind the other
        let block = (GATHERED / stride / matrices.len()).max(1);
        let multiply = |rows: &[f32], first: usize, count: usize, out: &mut [f32]| {
            for (g, matrix) in matrices.iter().enumerate() {
                let data = &rows[g * block * stride..];
                let c = &mut out[first * self.outputs + g * matrix.n()..];
                let a = Rows { data, stride, count };
                matmul(a, matrix, 0..matrix.panels(), c, self.outputs);
            }
        };
        with_scratch(block * stride * matrices.len(), |rows| {
            let (mut first, mut count) = (0, 0);
            for (step, rect) in rects.iter().enumerate() {
                let mut pixel = 0;
                while pixel < rect.area() {
                    let take = (rect.area() - pixel).min(block - count);
                    let x = replay.first(step);
                    for g in 0..matrices.len() {
                        let into = &mut rows[(g * block + count) * stride..];
                        self.gather(g, x, *rect, pixel..pixel + take, into, stride);
                    }
                    (pixel, count) = (pixel + take, count + take);
                    if count == block {
                        multiply(rows, first, count, out);
                        (first, count) = (first + count, 0);
                    }
                }
            }
            if count > 0 {
                multiply(rows, first, count, out);
            }
        });
    }

    fn eval_group(&self, g: usize, matrix: &Packed, x: &Tensor, rect: Rect, out: &mut [f32]) {
        let stride = row_stride(matrix.k());
        let block = (GATHERED / stride).clamp(1, rect.area().max(1));
        let first = g * matrix.n();
        with_scratch(block * stride, |rows| {
            for start in (0..rect.area()).step_by(block) {
                let pixels = start..(start + block).min(rect.area());
                self.gather(g, x, rect, pixels.clone(), rows, stride);
                let a = Rows { data: rows, stride, count: pixels.len() };
                let c = &mut out[pixels.start * self.outputs + first..];
                matmul(a, matrix, 0..matrix.panels(), c, self.outputs);
            }
        });
    }

    /// Writes the windows of some output pixels of `rect` (counted row by row) into `rows`.
    fn gather(
        &self,
        g: usize,
        x: &Tensor,
        rect: Rect,
        pixels: Range<usize>,
        rows: &mut [f32],
        stride: usize,
    ) {
        let [_, kw] = self.geometry.kernel;
        let per = self.inputs / self.geometry.groups;
        let line = kw * per;
        for (pixel, row) in pixels.zip(rows.chunks_exact_mut(stride)) {
            let (oy, ox) = (rect.y0 + pixel / rect.width(), rect.x0 + pixel % rect.width());
            for (ky, taps) in
                row[..self.geometry.kernel[0] * line].chunks_exact_mut(line).enumerate()
            {
                self.gather_line(g, x, (oy, ox), ky, taps);
            }
        }
    }

    /// The taps of one kernel row for one output pixel.
    fn gather_line(
        &self,
        g: usize,
        x: &Tensor,
        (oy, ox): (usize, usize),
        ky: usize,
        out: &mut [f32],
    ) {
        let window = self.geometry.window();
        let (c, w) = (x.shape.c, x.shape.w);
        let per = self.inputs / self.geometry.groups;
        let Some(iy) = window.source(0, oy, ky, x.shape.h) else { return out.fill(0.0) };
        let taps = window.taps(1, ox, w);
        out[..taps.start * per].fill(0.0);
        out[taps.end * per..].fill(0.0);
        if taps.is_empty() {
            return;
        }
        let ix = window.source(1, ox, taps.start, w).expect("taps are inside the map");
        let from = &x.data[(iy * w + ix) * c + g * per..];
        let into = &mut out[taps.start * per..taps.end * per];
        if per == c && self.geometry.dilation[1] == 1 {
            into.copy_from_slice(&from[..into.len()]);
        } else {
            let step = c * self.geometry.dilation[1];
            for (t, pixel) in into.chunks_exact_mut(per).enumerate() {
                pixel.copy_from_slice(&from[t * step..][..per]);
            }
        }
    }

    fn eval_depthwise(&self, weights: &[f32], x: &Tensor, rect: Rect, out: &mut [f32]) {
        let window = self.geometry.window();
        let c = self.outputs;
        let [_, kw] = self.geometry.kernel;
        let mut pixels = out.chunks_exact_mut(c);
        for oy in rect.y0..rect.y1 {
            let rows = window.taps(0, oy, x.shape.h);
            for ox in rect.x0..rect.x1 {
                let pixel = pixels.next().expect("one pixel of output per pixel of the rectangle");
                pixel.fill(0.0);
                for ky in rows.clone() {
                    let iy = window.source(0, oy, ky, x.shape.h).expect("inside");
                    for kx in window.taps(1, ox, x.shape.w) {
                        let ix = window.source(1, ox, kx, x.shape.w).expect("inside");
                        let w = &weights[(ky * kw + kx) * c..][..c];
                        for ((v, w), x) in pixel.iter_mut().zip(w).zip(x.pixel(iy, ix)) {
                            *v += w * x;
                        }
                    }
                }
            }
        }
    }
}
