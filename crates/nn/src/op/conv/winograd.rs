//! 3x3 and 5x5 convolutions of stride 1 by Winograd's minimal filtering.
//!
//! Rounding makes every output of a tile depend on every input of the tile, so a tile is the unit
//! of change: tiles stand at fixed places of the map, a patch is widened to whole tiles, and a value
//! has the same bits in whatever rectangle it is computed. The grid of tiles may be shifted: a patch
//! that comes as whole tiles of the layer before reaches one pixel further, and with a grid shifted by
//! that pixel it is widened on one side instead of two.

use super::{ConvGeometry, product::Product};
use crate::{
    base::geom::{Rect, Shape},
    kernel::{
        gemm::{Packed, Rows, matmul, row_stride},
        parallel::with_scratch,
        winograd::{Source, Tile, input, output},
    },
    patch::Replay,
    tensor::Tensor,
};
use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

/// Floats of transformed input and of products that are held at a time.
const HELD: usize = 1 << 20;

/// Tiles that are multiplied together at least: fewer would read the weights too often.
const MIN_TILES: usize = 112;

/// A convolution computed by tiles of one size.
#[derive(Debug)]
pub(super) struct Winograd {
    tile: Tile,
    direct: Arc<Product>,
    geometry: ConvGeometry,
    inputs: usize,
    outputs: usize,
    /// One matrix per product of a tile, made at the first use.
    weights: OnceLock<Vec<Packed>>,
}

/// Tiles of some rectangle that wait for their products: where each goes.
struct Waiting {
    /// Row and column of the tile, in tiles.
    tile: [usize; 2],
    rect: Rect,
    /// Where the pixels of `rect` start in the output.
    start: usize,
}

impl Winograd {
    /// The tiles that can compute a convolution.
    pub(super) fn tiles_for(geometry: &ConvGeometry) -> Vec<Tile> {
        let ConvGeometry { kernel: [kh, kw], stride, dilation, groups, .. } = *geometry;
        let plain = kh == kw && stride == [1, 1] && dilation == [1, 1] && groups == 1;
        if plain { Tile::fitting(kh) } else { vec![] }
    }

    /// From the weights of the direct form.
    pub(super) fn new(tile: Tile, direct: Arc<Product>) -> Winograd {
        let Product { geometry, inputs, outputs, .. } = *direct;
        Winograd { tile, direct, geometry, inputs, outputs, weights: OnceLock::new() }
    }

    fn weights(&self) -> &[Packed] {
        self.weights.get_or_init(|| {
            let (kernel, r) = (self.tile.kernel(), self.tile.window());
            let mut window = vec![0.0; r * r];
            Packed::several(self.tile.products(), self.inputs, self.outputs, |i, o, out| {
                for (k, tap) in window.iter_mut().enumerate() {
                    *tap = f64::from(self.direct.get(o, i, k / r, k % r));
                }
                kernel.transform(&window, out);
            })
        })
    }

    /// Side of the tiles.
    pub(super) fn tile(&self) -> Tile {
        self.tile
    }

    /// `rect` of an output of shape `out` widened to whole tiles.
    pub(super) fn align(&self, rect: Rect, out: Shape) -> Rect {
        if rect.is_empty() {
            return Rect::EMPTY;
        }
        let (m, shift) = (self.tile.side(), self.tile.shift());
        let [rows, columns] = self.tiles(rect);
        Rect {
            y0: (rows.start * m).saturating_sub(shift),
            y1: (rows.end * m - shift).min(out.h),
            x0: (columns.start * m).saturating_sub(shift),
            x1: (columns.end * m - shift).min(out.w),
        }
    }

    /// Rows and columns of tiles that cover `rect`.
    fn tiles(&self, rect: Rect) -> [Range<usize>; 2] {
        let (m, shift) = (self.tile.side(), self.tile.shift());
        let axis = |from: usize, to: usize| (from + shift) / m..(to + shift).div_ceil(m);
        [axis(rect.y0, rect.y1), axis(rect.x0, rect.x1)]
    }

    /// Tiles that are transformed before they are multiplied, at most.
    fn room(&self) -> usize {
        let held = HELD / (self.tile.products() * self.inputs.max(self.outputs));
        held.max(MIN_TILES)
    }

    /// Floats of the buffers.
    pub(super) fn scratch(&self) -> usize {
        let tile = |channels| row_stride(self.tile.products() * row_stride(channels));
        self.room() * (tile(self.inputs) + tile(self.outputs))
    }

    /// Products of the tiles that cover `rect`, in multiply-adds.
    pub(super) fn macs(&self, rect: Rect) -> u64 {
        let [rows, columns] = self.tiles(rect);
        let tiles = if rect.is_empty() { 0 } else { rows.len() * columns.len() };
        (tiles * self.tile.products() * self.inputs * self.outputs) as u64
    }

    /// The output pixels of `rect`, without bias.
    pub(super) fn eval(&self, x: &Tensor, rect: Rect, out: &mut [f32]) {
        self.eval_with(|_, f| f(x), &[rect], out);
    }

    /// The output pixels of many steps, one rectangle each, without bias.
    pub(super) fn eval_steps(&self, replay: &mut Replay<'_>, rects: &[Rect], out: &mut [f32]) {
        self.eval_with(|step, f| f(replay.first(step)), rects, out);
    }

    /// `with(step, f)` calls `f` with the input as it is after that step.
    fn eval_with(
        &self,
        mut with: impl FnMut(usize, &mut dyn FnMut(&Tensor)),
        rects: &[Rect],
        out: &mut [f32],
    ) {
        let n = self.tile.products();
        let (k, c) = (row_stride(self.inputs), row_stride(self.outputs));
        let most: usize = rects.iter().map(|r| self.macs(*r)).sum::<u64>() as usize
            / (n * self.inputs * self.outputs);
        let room = self.room().min(most.max(1));
        with_scratch(room * row_stride(n * k), |v| {
            with_scratch(room * row_stride(n * c), |products| {
                let mut waiting: Vec<Waiting> = Vec::with_capacity(room);
                let mut start = 0;
                for (step, &rect) in rects.iter().enumerate() {
                    if rect.is_empty() {
                        continue;
                    }
                    with(step, &mut |x| {
                        let [rows, columns] = self.tiles(rect);
                        for tile in rows.flat_map(|y| columns.clone().map(move |x| [y, x])) {
                            let from = self.source(x, tile);
                            input(self.tile, &from, &mut v[waiting.len() * row_stride(n * k)..], k);
                            waiting.push(Waiting { tile, rect, start });
                            if waiting.len() == room {
                                self.finish(&waiting, v, products, out);
                                waiting.clear();
                            }
                        }
                    });
                    start += rect.area() * self.outputs;
                }
                self.finish(&waiting, v, products, out);
            });
        });
    }

    /// What a tile reads.
    fn source<'a>(&self, x: &'a Tensor, tile: [usize; 2]) -> Source<'a> {
        let span = self.tile.span();
        // the first row of the tile in the padded map, then the part that is not padding; a shift is
        // more padding in front
        let axis = |axis: usize, n: usize| {
            let at = tile[axis] * self.tile.side();
            let pad = self.geometry.pads[axis] + self.tile.shift();
            let first = pad.saturating_sub(at).min(span);
            let last = (n + pad).saturating_sub(at).min(span);
            (first..last.max(first), (at + first).saturating_sub(pad))
        };
        let (rows, y) = axis(0, x.shape.h);
        let (columns, x0) = axis(1, x.shape.w);
        Source { map: &x.data, width: x.shape.w, channels: x.shape.c, rows, columns, y, x: x0 }
    }

    /// Multiplies the transformed tiles and writes their outputs.
    fn finish(&self, waiting: &[Waiting], v: &[f32], products: &mut [f32], out: &mut [f32]) {
        if waiting.is_empty() {
            return;
        }
        let n = self.tile.products();
        let (k, c) = (row_stride(self.inputs), row_stride(self.outputs));
        for (j, weights) in self.weights().iter().enumerate() {
            let a = Rows { data: &v[j * k..], stride: row_stride(n * k), count: waiting.len() };
            let stride = row_stride(n * c);
            matmul(a, weights, 0..weights.panels(), &mut products[j * c..], stride);
        }
        let (m, shift) = (self.tile.side(), self.tile.shift());
        for (i, Waiting { tile, rect, start }) in waiting.iter().enumerate() {
            // rows and columns of the tile inside the rectangle, counted on the shifted grid
            let axis = |axis: usize, from: usize, to: usize| {
                let (at, from, to) = (tile[axis] * m, from + shift, to + shift);
                (from.saturating_sub(at)..(to - at).min(m), at.max(from) - from)
            };
            let (rows, y) = axis(0, rect.y0, rect.y1);
            let (columns, x) = axis(1, rect.x0, rect.x1);
            let stride = rect.width() * self.outputs;
            let into = &mut out[start + y * stride + x * self.outputs..];
            let from = &products[i * row_stride(n * c)..];
            output(self.tile, from, c, (rows, columns), into, stride, self.outputs);
        }
    }
}
