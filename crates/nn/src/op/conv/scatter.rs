//! The transposed product of a strided convolution: every output pixel's share is computed by one
//! matrix product and added to the pixels its window covers.

use super::{super::Window, product::Product};
use crate::{
    base::geom::{Rect, Shape},
    kernel::{
        gemm::{Packed, Rows, matmul},
        parallel::{for_chunks, with_scratch},
    },
    tensor::Tensor,
};

/// Rows of the input that are computed together. Fixed, so the bits do not depend on threads
/// (they would not anyway: a pixel takes its shares in the order of the output pixels).
const STRIP: usize = 16;

/// `W^T s`, shape `input`.
pub(super) fn strips(
    window: &Window,
    product: &Product,
    s: &Tensor,
    input: Shape,
    work: u64,
) -> Tensor {
    let mut out = Tensor::zeros(input);
    let row = input.w * input.c;
    for_chunks(&mut out.data, STRIP * row, work, |i, strip| {
        let y0 = i * STRIP;
        let rect = Rect { y0, y1: y0 + strip.len() / row, x0: 0, x1: input.w };
        let from = window.reach(input, rect);
        match product.matrices() {
            Ok(matrices) => {
                let per = input.c / matrices.len();
                for (g, matrix) in matrices.iter().enumerate() {
                    dense(window, matrix, s, from, (rect, input, g * per), strip);
                }
            }
            Err(weights) => depthwise(window, weights, s, from, (rect, input), strip),
        }
    });
    out
}

/// One group: the rows of `s` times the transposed matrix, scattered.
fn dense(
    window: &Window,
    matrix: &Packed,
    s: &Tensor,
    from: Rect,
    (rect, input, channel): (Rect, Shape, usize),
    strip: &mut [f32],
) {
    let [kh, kw] = window.kernel;
    let per = matrix.n() / (kh * kw);
    let group = channel / per * matrix.k();
    with_scratch(s.shape.w * matrix.n(), |shares| {
        for oy in from.y0..from.y1 {
            let at = oy * s.shape.w * s.shape.c + group;
            let a = Rows { data: &s.data[at..], stride: s.shape.c, count: s.shape.w };
            matmul(a, matrix, 0..matrix.panels(), shares, matrix.n());
            for (ox, share) in shares.chunks_exact(matrix.n()).take(s.shape.w).enumerate() {
                for ky in 0..kh {
                    let Some(iy) = window.source(0, oy, ky, input.h) else { continue };
                    if iy < rect.y0 || iy >= rect.y1 {
                        continue;
                    }
                    for kx in window.taps(1, ox, input.w) {
                        let ix = window.source(1, ox, kx, input.w).expect("inside");
                        let into = ((iy - rect.y0) * input.w + ix) * input.c + channel;
                        let share = &share[(ky * kw + kx) * per..][..per];
                        let into = &mut strip[into..into + per];
                        into.iter_mut().zip(share).for_each(|(v, r)| *v += r);
                    }
                }
            }
        }
    });
}

fn depthwise(
    window: &Window,
    weights: &[f32],
    s: &Tensor,
    from: Rect,
    (rect, input): (Rect, Shape),
    strip: &mut [f32],
) {
    let (c, kw) = (input.c, window.kernel[1]);
    for oy in from.y0..from.y1 {
        for ox in from.x0..from.x1 {
            for ky in window.taps(0, oy, input.h) {
                let iy = window.source(0, oy, ky, input.h).expect("inside");
                if iy < rect.y0 || iy >= rect.y1 {
                    continue;
                }
                for kx in window.taps(1, ox, input.w) {
                    let ix = window.source(1, ox, kx, input.w).expect("inside");
                    let into = &mut strip[((iy - rect.y0) * input.w + ix) * c..][..c];
                    let w = &weights[(ky * kw + kx) * c..][..c];
                    for ((v, w), s) in into.iter_mut().zip(w).zip(s.pixel(oy, ox)) {
                        *v += w * s;
                    }
                }
            }
        }
    }
}
