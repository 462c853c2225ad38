//! Kernels of the network: products, convolutions directly and by tiles, depthwise, dense rows.
//! Each case is compared with the others of its group in the same run; read the ratios.

use divan::{Bencher, counter::ItemsCount};
use pixelflip::{
    base::geom::Shape,
    nn::{
        kernel::{
            gemm::{Packed, Rows, matmul},
            winograd::Tile,
        },
        op::{Conv, ConvGeometry, Cpu, Dense},
        tensor::Tensor,
    },
};

fn main() {
    divan::main();
}

/// Values of no meaning between -1 and 1.
fn values(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919) % 2003) as f32 / 1001.5 - 1.0).collect()
}

fn map(c: usize, side: usize) -> Tensor {
    let shape = Shape::new(c, side, side);
    Tensor::new(shape, values(shape.len()))
}

/// `(inputs, outputs)` of a product with 1008 rows: wide, deep, and narrower than a panel.
#[divan::bench(args = [(256, 256), (1152, 128), (4608, 512), (192, 16)])]
fn product(bencher: Bencher<'_, '_>, (k, n): (usize, usize)) {
    const ROWS: usize = 1008;
    let (a, weights) = (values(ROWS * k), values(k * n));
    let packed = Packed::new(k, n, |i, o| weights[i * n + o]);
    let mut c = vec![0.0; ROWS * n];
    bencher.counter(ItemsCount::new(ROWS * k * n)).bench_local(|| {
        let rows = Rows { data: &a, stride: k, count: ROWS };
        matmul(rows, &packed, 0..packed.panels(), &mut c, n);
    });
}

/// A product with few rows: what a layer costs when few steps stand together.
#[divan::bench(args = [1, 14, 100])]
fn rows_of_a_dense_layer(bencher: Bencher<'_, '_>, rows: usize) {
    const SIDE: usize = 2048;
    let (a, weights) = (values(rows * SIDE), values(SIDE * SIDE));
    let packed = Packed::new(SIDE, SIDE, |i, o| weights[i * SIDE + o]);
    let mut c = vec![0.0; rows * SIDE];
    bencher.counter(ItemsCount::new(rows * SIDE * SIDE)).bench_local(|| {
        let rows = Rows { data: &a, stride: SIDE, count: rows };
        matmul(rows, &packed, 0..packed.panels(), &mut c, SIDE);
    });
}

fn conv(c: usize, groups: usize) -> Conv {
    let geometry =
        ConvGeometry { kernel: [3; 2], stride: [1; 2], dilation: [1; 2], pads: [1; 4], groups };
    Conv::new(values(c * c / groups * 9), c, c, geometry, values(c)).expect("the shapes fit")
}

/// A 3x3 convolution of a 28x28 map with 128 channels by tiles of that many outputs; 1 is direct.
#[divan::bench(args = [1, 2, 3, 4, 5, 6])]
fn convolution_by_tiles(bencher: Bencher<'_, '_>, side: usize) {
    let tile = Tile::new(side, 3, 0);
    let op = conv(128, 1).with_tile(tile).expect("3x3 windows of stride 1 have tiles");
    let x = map(128, 28);
    let mut out = vec![0.0; x.data.len()];
    bencher
        .counter(ItemsCount::new(x.data.len() * 128 * 9))
        .bench_local(|| op.eval(&[&x], x.shape.rect(), &mut out));
}

/// The same map, each channel on its own.
#[divan::bench]
fn depthwise_convolution(bencher: Bencher<'_, '_>) {
    let (op, x) = (conv(128, 128), map(128, 28));
    let mut out = vec![0.0; x.data.len()];
    bencher
        .counter(ItemsCount::new(x.data.len() * 9))
        .bench_local(|| op.eval(&[&x], x.shape.rect(), &mut out));
}

/// The gradient of a dense layer.
#[divan::bench]
fn dense_backwards(bencher: Bencher<'_, '_>) {
    let x = map(64, 8);
    let dense = Dense::new(values(4096 * 1024), 1024, x.shape, vec![]).expect("the shapes fit");
    let z = dense.forward(&[&x]);
    bencher.counter(ItemsCount::new(4096 * 1024_usize)).bench_local(|| dense.vjp(&[&x], &z, &z, 0));
}
