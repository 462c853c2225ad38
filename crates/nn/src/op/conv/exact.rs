//! A convolution in double precision, from its definition.

use super::{Conv, ConvGeometry};
use crate::tensor::Exact;
use rayon::prelude::*;

/// `z = W x + b`, the taps of each output added in one order.
pub(super) fn forward(conv: &Conv, x: &Exact) -> Exact {
    let shape = conv.out(x.shape);
    let weights = weights(conv);
    let mut data = vec![0.0; shape.len()];
    data.par_chunks_mut(shape.w * shape.c).enumerate().for_each(|(oy, row)| {
        for (ox, pixel) in row.chunks_exact_mut(shape.c).enumerate() {
            let bias = conv.bias.iter().map(|&b| f64::from(b));
            pixel.iter_mut().zip(bias).for_each(|(v, b)| *v = b);
            add_taps(conv, &weights, x, [oy, ox], pixel);
        }
    });
    Exact { shape, data }
}

/// Weights in the order tap, group, input, output.
fn weights(conv: &Conv) -> Vec<f64> {
    let ConvGeometry { kernel: [kh, kw], groups, .. } = conv.geometry;
    let (inputs, outputs) = (conv.inputs / groups, conv.outputs / groups);
    let tap = |ky: usize, kx: usize| {
        (0..groups * inputs).flat_map(move |i| {
            let group = i / inputs;
            (0..outputs).map(move |o| (group * outputs + o, i % inputs, ky, kx))
        })
    };
    let taps = (0..kh).flat_map(|ky| (0..kw).flat_map(move |kx| tap(ky, kx)));
    taps.map(|(o, i, ky, kx)| f64::from(conv.weight(o, i, ky, kx))).collect()
}

fn add_taps(conv: &Conv, weights: &[f64], x: &Exact, at: [usize; 2], out: &mut [f64]) {
    let ConvGeometry { kernel: [_, kw], groups, .. } = conv.geometry;
    let (inputs, outputs) = (conv.inputs / groups, conv.outputs / groups);
    let window = conv.geometry.window();
    for (tap, weights) in weights.chunks_exact(groups * inputs * outputs).enumerate() {
        let row = window.source(0, at[0], tap / kw, x.shape.h);
        let Some((iy, ix)) = row.zip(window.source(1, at[1], tap % kw, x.shape.w)) else {
            continue;
        };
        let from = (iy * x.shape.w + ix) * x.shape.c;
        let pixel = &x.data[from..from + x.shape.c];
        for (i, (x, weights)) in pixel.iter().zip(weights.chunks_exact(outputs)).enumerate() {
            let first = i / inputs * outputs;
            let out = &mut out[first..first + outputs];
            out.iter_mut().zip(weights).for_each(|(v, w)| *v += x * w);
        }
    }
}
