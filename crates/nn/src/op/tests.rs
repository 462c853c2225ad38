//! What every operator promises.

use super::*;
use crate::{base::geom::Axis, kernel::winograd::Tile};
use proptest::prelude::*;

fn values(shape: Shape, seed: u64) -> Tensor {
    let mut rng = crate::base::rng::Seed(seed).rng("test", "", &[]);
    let mut next = || crate::base::rng::unit_f32(&mut rng) * 4.0 - 2.0;
    Tensor::new(shape, (0..shape.len()).map(|_| next()).collect())
}

/// One of each operator with shapes it takes. A new operator gets a line here.
fn examples() -> Vec<(Box<dyn Cpu>, Vec<Shape>)> {
    let map = Shape::new(4, 6, 5);
    let window = |k, s, p, ceil| Window {
        kernel: [k; 2],
        stride: [s; 2],
        dilation: [1; 2],
        pads: [p; 4],
        ceil,
    };
    let conv = |k: usize, s: usize, p: usize, groups: usize| -> Box<dyn Cpu> {
        let geometry =
            ConvGeometry { kernel: [k; 2], stride: [s; 2], dilation: [1; 2], pads: [p; 4], groups };
        let n = 8 * 4 / groups * k * k;
        let weight = values(Shape::vector(n), 9).data;
        Box::new(Conv::new(weight, 8, 4, geometry, values(Shape::vector(8), 8).data).unwrap())
    };
    let tiled = |tile| -> Box<dyn Cpu> {
        let geometry = ConvGeometry {
            kernel: [3; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pads: [1; 4],
            groups: 1,
        };
        let weight = values(Shape::vector(8 * 4 * 9), 9).data;
        let direct = Conv::new(weight, 8, 4, geometry, values(Shape::vector(8), 8).data).unwrap();
        Box::new(direct.with_tile(Some(tile)).unwrap())
    };
    let turned = |dims: &[usize], order: &[usize], to| -> Box<dyn Cpu> {
        Box::new(Transpose::new(map, dims.to_vec(), order.to_vec(), to).unwrap())
    };
    let picked = |dims: &[usize], axis: usize, list: List, to| -> Box<dyn Cpu> {
        let mut lists = vec![None; dims.len()];
        lists[axis] = Some(list);
        Box::new(Pick::new("Gather", map, dims.to_vec(), lists, 0.5, to).unwrap())
    };
    let resampled = |axis: usize, n: usize| -> Box<dyn Cpu> {
        let mut dims = [6, 5, 4];
        let old = dims[axis];
        dims[axis] = n;
        let to = Shape::new(dims[2], dims[0], dims[1]);
        let taps = (0..n).map(|i| vec![(i * old / n, 0.75), ((i * old / n + 1) % old, -0.25)]);
        let taps = taps.collect();
        Box::new(Resample::new("Resize", map, vec![6, 5, 4], axis, taps, to).unwrap())
    };
    let looked_up = {
        let sources = (0..90).map(|i| (i * 37 + 11) % 144).collect();
        let inputs = vec![map, Shape::new(2, 3, 4)];
        Lookup::new("ScatterND", inputs, sources, Shape::new(3, 5, 6)).unwrap()
    };
    let unary = |f| -> Box<dyn Cpu> { Box::new(Unary::new(f)) };
    let dense =
        Dense::new(values(Shape::vector(360), 7).data, 3, map, vec![0.1, 0.2, 0.3]).unwrap();
    let one = |op: Box<dyn Cpu>| (op, vec![map]);
    vec![
        one(conv(3, 1, 1, 1)),
        one(conv(3, 2, 1, 2)),
        one(tiled(Tile::new(2, 3, 0).unwrap())),
        one(tiled(Tile::new(3, 3, 1).unwrap())),
        one(tiled(Tile::new(4, 3, 2).unwrap())),
        one(conv(1, 1, 0, 1)),
        one(conv(3, 1, 2, 4)),
        one(Box::new(dense)),
        one(unary(Function::Relu)),
        one(unary(Function::LeakyRelu { alpha: 0.2 })),
        one(unary(Function::Clip { min: -1.0, max: 1.5 })),
        one(unary(Function::Elu { alpha: 1.0 })),
        one(unary(Function::Sigmoid)),
        one(unary(Function::Tanh)),
        one(unary(Function::Gelu)),
        one(unary(Function::GeluTanh)),
        one(unary(Function::Swish { alpha: 1.0 })),
        one(unary(Function::HardSigmoid { alpha: 0.2, beta: 0.5 })),
        one(unary(Function::HardSwish)),
        one(unary(Function::Mish)),
        one(Box::new(MaxPool::new(window(3, 2, 1, true)))),
        one(Box::new(MaxPool::global())),
        one(Box::new(AvgPool::new(window(3, 2, 1, true), true))),
        one(Box::new(AvgPool::new(window(2, 2, 0, false), false))),
        one(Box::new(AvgPool::global("GlobalAveragePool"))),
        one(Box::new(Affine::new("BatchNormalization", vec![2.0, -1.0, 0.5, 3.0], vec![1.0; 4]))),
        one(Box::new(Affine::new("Mul", values(map, 5).data, values(map, 6).data))),
        one(Box::new(Lrn::new(3, 0.5, 0.75, 2.0))),
        one(Box::new(Pad::new([1, 2, 0, 1], 0.5))),
        one(Box::new(Transpose::flatten(map))),
        one(Box::new(Transpose::view(map, Shape::new(2, 12, 5)).unwrap())),
        one(turned(&[6, 5, 4], &[1, 2, 0], Shape::new(6, 5, 4))),
        one(turned(&[3, 2, 5, 4], &[0, 2, 1, 3], Shape::new(4, 6, 5))),
        one(turned(&[30, 2, 2], &[0, 2, 1], map)),
        one(picked(&[6, 5, 4], 0, vec![Some(3), None, Some(0), Some(3)], Shape::new(4, 4, 5))),
        one(picked(&[6, 5, 4], 1, vec![Some(4), Some(2), Some(0)], Shape::new(4, 6, 3))),
        one(picked(&[6, 5, 4], 2, vec![Some(1), Some(2), None], Shape::new(3, 6, 5))),
        one(picked(&[2, 15, 4], 1, vec![Some(7)], Shape::new(4, 2, 1))),
        one(Box::new(LayerNorm::new(
            "LayerNormalization",
            vec![1.0, 0.5, -1.0, 2.0],
            vec![0.1, 0.2, 0.0, -0.3],
            1e-2,
            true,
        ))),
        one(Box::new(LayerNorm::new("RMSNormalization", vec![1.5; 4], vec![0.0; 4], 1e-2, false))),
        one(Box::new(
            Conv::tokens("MatMul", values(Shape::vector(12), 3).data, 3, 4, vec![]).unwrap(),
        )),
        (Box::new(MatMul::new(false)), vec![map, Shape::new(3, 6, 4)]),
        (Box::new(MatMul::new(true)), vec![map, Shape::new(4, 6, 7)]),
        (Box::new(MatMul::new(true)), vec![map, Shape::new(4, 1, 3)]),
        one(Box::new(PRelu::new(vec![0.3, -0.5, 0.0, 1.5]))),
        (Box::new(Select::new(map, (0..120).map(|i| i % 3 == 0).collect())), vec![map, map]),
        (Box::new(Extreme::new(true)), vec![map, map]),
        one(resampled(0, 9)),
        one(resampled(1, 3)),
        one(resampled(2, 5)),
        (Box::new(looked_up), vec![map, Shape::new(2, 3, 4)]),
        one(unary(Function::Sin)),
        one(unary(Function::Shrink { bias: 0.5, lambd: 0.5 })),
        one(unary(Function::ThresholdedRelu { alpha: 0.0 })),
        (Box::new(Extreme::new(false)), vec![map, Shape::vector(4)]),
        (Box::new(Concat::along(Axis::Row)), vec![map, Shape::new(4, 2, 5)]),
        (Box::new(Concat::along(Axis::Column)), vec![map, Shape::new(4, 6, 1), map]),
        one(Box::new(Softmax::new())),
        (Box::new(Add::new(vec![1.0, -1.0])), vec![map, map]),
        (Box::new(Add::new(vec![1.0, 1.0])), vec![map, Shape::vector(4)]),
        (Box::new(Mul::new()), vec![map, map]),
        (Box::new(Mul::new()), vec![map, Shape::vector(4)]),
        (Box::new(Concat::new()), vec![map, Shape::new(2, 6, 5)]),
    ]
}

/// Operators whose values jump, so that differences say nothing about their gradients.
fn steps() -> Vec<(Box<dyn Cpu>, Vec<Shape>)> {
    let map = Shape::new(4, 6, 5);
    let unary = |f| -> (Box<dyn Cpu>, Vec<Shape>) { (Box::new(Unary::new(f)), vec![map]) };
    vec![
        unary(Function::Round),
        unary(Function::Quantise { scale: 0.25, zero: 3.0, low: 0.0, high: 9.0 }),
        (Box::new(Compare::new(Comparison::Less)), vec![map, map]),
        (Box::new(Compare::new(Comparison::AtLeast)), vec![map, Shape::vector(4)]),
        (Box::new(Choose::new()), vec![map; 3]),
    ]
}

#[test]
fn double_precision_gives_the_same_values() {
    for (op, shapes) in examples().into_iter().chain(steps()) {
        let ins = inputs(&shapes, 40);
        let want = op.forward(&ins.iter().collect::<Vec<_>>());
        let wide: Vec<Exact> = ins.iter().map(Exact::of).collect();
        let got = op.exact(&wide.iter().collect::<Vec<_>>());
        assert_eq!(got.shape, want.shape, "{op:?}");
        let largest = want.data.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        for (got, want) in got.data.iter().zip(&want.data) {
            // sums of some hundred terms; the transforms of large tiles amplify rounding
            let off = (got - f64::from(*want)).abs();
            assert!(off <= 2e-5 * f64::from(largest), "{op:?}: {got} {want}");
        }
    }
}

#[test]
fn double_precision_goes_through_what_only_passes_values_on() {
    let map = Shape::new(2, 1, 2);
    let fine = Exact { shape: map, data: vec![1.0 + 1e-12, 2.0 - 1e-12, 3.0, 4.0 + 1e-12] };
    let pad = Pad::new([0, 1, 0, 0], 0.3).exact(&[&fine]);
    assert_eq!(pad.data[..2], [f64::from(0.3f32); 2]);
    let concat = Concat::new().exact(&[&fine, &fine]);
    let flat = Transpose::flatten(map).exact(&[&fine]);
    let pool = MaxPool::global().exact(&[&fine]);
    for (got, want) in [
        (pad.data[2], fine.data[0]),
        (concat.data[3], fine.data[1]),
        (flat.data[3], fine.data[3]),
        (pool.data[1], fine.data[3]),
    ] {
        // one place of double precision; the rest of a value is kept in single
        assert!((got - want).abs() < 1e-15, "{got} {want}");
    }
}

fn inputs(shapes: &[Shape], seed: u64) -> Vec<Tensor> {
    shapes.iter().enumerate().map(|(k, s)| values(*s, seed + k as u64)).collect()
}

#[test]
fn gradients_agree_with_finite_differences() {
    for (op, shapes) in examples() {
        let ins = inputs(&shapes, 20);
        let refs: Vec<&Tensor> = ins.iter().collect();
        let out = op.forward(&refs);
        let grad = values(out.shape, 30);
        let score = |ins: &[&Tensor]| -> f64 {
            let y = op.forward(ins);
            y.data.iter().zip(&grad.data).map(|(y, g)| f64::from(*y) * f64::from(*g)).sum()
        };
        for k in 0..ins.len() {
            let back = op.vjp(&refs, &out, &grad, k);
            assert_eq!(back.shape, ins[k].shape, "{op:?}");
            for i in (0..ins[k].data.len()).step_by(7) {
                let h = 1e-3;
                let shifted = |by: f32| {
                    let mut moved = ins.clone();
                    moved[k].data[i] += by;
                    score(&moved.iter().collect::<Vec<_>>())
                };
                let slope = (shifted(h) - shifted(-h)) / f64::from(2.0 * h);
                let got = f64::from(back.data[i]);
                // differences of f32 scores of size 100 over 2e-3; tiles of four round more coarsely
                let tile = (&*op as &dyn Any).downcast_ref().and_then(Conv::tile);
                let bound = if tile.is_some_and(|t| t.side() >= 4) { 1e-1 } else { 5e-2 };
                assert!(
                    (got - slope).abs() < bound,
                    "{} input {k} at {i}: {got} {slope}",
                    op.name()
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn a_change_stays_within_reach_and_a_rectangle_has_the_bits_of_the_whole(
        y in 0usize..5, x in 0usize..4, h in 1usize..4, w in 1usize..4, seed in 0u64..1000,
    ) {
        for (op, shapes) in examples().into_iter().chain(steps()) {
            for k in 0..shapes.len() {
                let mut ins = inputs(&shapes, seed);
                let before = op.forward(&ins.iter().collect::<Vec<_>>());
                let dirty = Rect { y0: y, y1: y + h, x0: x, x1: x + w }.intersect(shapes[k].rect());
                let fill = values(Shape::new(shapes[k].c, dirty.height(), dirty.width()), seed + 9);
                ins[k].write(dirty, &fill.data);
                let refs: Vec<&Tensor> = ins.iter().collect();
                let after = op.forward(&refs);
                let reach = op.touched(&shapes, k, dirty);
                prop_assert!(after.shape.rect().contains(reach));

                let mut patch = vec![f32::NAN; reach.area() * after.shape.c];
                op.eval(&refs, reach, &mut patch);
                let mut streamed = before;
                streamed.write(reach, &patch);
                let same = streamed.data.iter().zip(&after.data).all(|(a, b)| a.to_bits() == b.to_bits());
                prop_assert!(same, "{} input {k} {dirty:?} {reach:?}", op.name());
            }
        }
    }
}
