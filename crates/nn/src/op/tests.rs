//! What every operator promises.

use super::*;
use crate::{base::geom::Axis, kernel::winograd::Tile};
use proptest::prelude::*;

fn values(shape: Shape, seed: u64) -> Tensor {
    let mut rng = crate::base::rng::Seed(seed).rng("test", "", &[]);
    let mut next = || crate::base::rng::unit_f32(&mut rng) * 4.0 - 2.0;
    Tensor::new(shape, (0..shape.len()).map(|_| next()).collect())
}

/// What the examples are made for.
const MAP: Shape = Shape::new(4, 6, 5);

/// An operator and the shapes of its inputs.
type Example = (Box<dyn Cpu>, Vec<Shape>);

fn of_map(op: impl Cpu + 'static) -> Example {
    (Box::new(op), vec![MAP])
}

fn of_two(op: impl Cpu + 'static, other: Shape) -> Example {
    (Box::new(op), vec![MAP, other])
}

fn window(k: usize, s: usize, p: usize, ceil: bool) -> Window {
    Window { kernel: [k; 2], stride: [s; 2], dilation: [1; 2], pads: [p; 4], ceil }
}

fn conv(k: usize, s: usize, p: usize, groups: usize) -> Conv {
    let geometry =
        ConvGeometry { kernel: [k; 2], stride: [s; 2], dilation: [1; 2], pads: [p; 4], groups };
    let weight = values(Shape::vector(8 * 4 / groups * k * k), 9).data;
    Conv::new(weight, 8, 4, geometry, values(Shape::vector(8), 8).data).unwrap()
}

fn tiled(tile: Tile) -> Conv {
    conv(3, 1, 1, 1).with_tile(Some(tile)).unwrap()
}

fn turned(dims: &[usize], order: &[usize], to: Shape) -> Transpose {
    Transpose::new(MAP, dims.to_vec(), order.to_vec(), to).unwrap()
}

fn picked(dims: &[usize], axis: usize, list: List, to: Shape) -> Pick {
    let mut lists = vec![None; dims.len()];
    lists[axis] = Some(list);
    Pick::new("Gather", MAP, dims.to_vec(), lists, 0.5, to).unwrap()
}

fn resampled(axis: usize, n: usize) -> Resample {
    let mut dims = [6, 5, 4];
    let old = dims[axis];
    dims[axis] = n;
    let to = Shape::new(dims[2], dims[0], dims[1]);
    let taps = (0..n).map(|i| vec![(i * old / n, 0.75), ((i * old / n + 1) % old, -0.25)]);
    Resample::new("Resize", MAP, vec![6, 5, 4], axis, taps.collect(), to).unwrap()
}

fn looked_up() -> Lookup {
    let sources = (0..90).map(|i| (i * 37 + 11) % 144).collect();
    let inputs = vec![MAP, Shape::new(2, 3, 4)];
    Lookup::new("ScatterND", inputs, sources, Shape::new(3, 5, 6)).unwrap()
}

/// One of each operator with shapes it takes. A new operator gets a line in one of these lists.
fn examples() -> Vec<Example> {
    [layers(), functions(), norms(), moves(), of_two_maps()].into_iter().flatten().collect()
}

/// Layers with weights, products and pooling.
fn layers() -> Vec<Example> {
    let dense =
        Dense::new(values(Shape::vector(360), 7).data, 3, MAP, vec![0.1, 0.2, 0.3]).unwrap();
    vec![
        of_map(conv(3, 1, 1, 1)),
        of_map(conv(3, 2, 1, 2)),
        of_map(tiled(Tile::new(2, 3, 0).unwrap())),
        of_map(tiled(Tile::new(3, 3, 1).unwrap())),
        of_map(tiled(Tile::new(4, 3, 2).unwrap())),
        of_map(conv(1, 1, 0, 1)),
        of_map(conv(3, 1, 2, 4)),
        of_map(dense),
        of_map(MaxPool::new(window(3, 2, 1, true))),
        of_map(MaxPool::global()),
        of_map(AvgPool::new(window(3, 2, 1, true), true)),
        of_map(AvgPool::new(window(2, 2, 0, false), false)),
        of_map(AvgPool::global("GlobalAveragePool")),
        of_map(Conv::tokens("MatMul", values(Shape::vector(12), 3).data, 3, 4, vec![]).unwrap()),
    ]
}

/// Functions of one value.
fn functions() -> Vec<Example> {
    vec![
        of_map(Unary::new(Function::Relu)),
        of_map(Unary::new(Function::LeakyRelu { alpha: 0.2 })),
        of_map(Unary::new(Function::Clip { min: -1.0, max: 1.5 })),
        of_map(Unary::new(Function::Elu { alpha: 1.0 })),
        of_map(Unary::new(Function::Sigmoid)),
        of_map(Unary::new(Function::Tanh)),
        of_map(Unary::new(Function::Gelu)),
        of_map(Unary::new(Function::GeluTanh)),
        of_map(Unary::new(Function::Swish { alpha: 1.0 })),
        of_map(Unary::new(Function::HardSigmoid { alpha: 0.2, beta: 0.5 })),
        of_map(Unary::new(Function::HardSwish)),
        of_map(Unary::new(Function::Mish)),
        of_map(PRelu::new(vec![0.3, -0.5, 0.0, 1.5])),
        of_map(Unary::new(Function::Sin)),
        of_map(Unary::new(Function::Shrink { bias: 0.5, lambd: 0.5 })),
        of_map(Unary::new(Function::ThresholdedRelu { alpha: 0.0 })),
        of_map(Softmax::new()),
    ]
}

/// Scales and norms.
fn norms() -> Vec<Example> {
    vec![
        of_map(Affine::new("BatchNormalization", vec![2.0, -1.0, 0.5, 3.0], vec![1.0; 4])),
        of_map(Affine::new("Mul", values(MAP, 5).data, values(MAP, 6).data)),
        of_map(Lrn::new(3, 0.5, 0.75, 2.0)),
        of_map(LayerNorm::new(
            "LayerNormalization",
            vec![1.0, 0.5, -1.0, 2.0],
            vec![0.1, 0.2, 0.0, -0.3],
            1e-2,
            true,
        )),
        of_map(LayerNorm::new("RMSNormalization", vec![1.5; 4], vec![0.0; 4], 1e-2, false)),
    ]
}

/// What moves values.
fn moves() -> Vec<Example> {
    vec![
        of_map(Pad::new([1, 2, 0, 1], 0.5)),
        of_map(Transpose::flatten(MAP)),
        of_map(Transpose::view(MAP, Shape::new(2, 12, 5)).unwrap()),
        of_map(turned(&[6, 5, 4], &[1, 2, 0], Shape::new(6, 5, 4))),
        of_map(turned(&[3, 2, 5, 4], &[0, 2, 1, 3], Shape::new(4, 6, 5))),
        of_map(turned(&[30, 2, 2], &[0, 2, 1], MAP)),
        of_map(picked(&[6, 5, 4], 0, vec![Some(3), None, Some(0), Some(3)], Shape::new(4, 4, 5))),
        of_map(picked(&[6, 5, 4], 1, vec![Some(4), Some(2), Some(0)], Shape::new(4, 6, 3))),
        of_map(picked(&[6, 5, 4], 2, vec![Some(1), Some(2), None], Shape::new(3, 6, 5))),
        of_map(picked(&[2, 15, 4], 1, vec![Some(7)], Shape::new(4, 2, 1))),
        of_map(resampled(0, 9)),
        of_map(resampled(1, 3)),
        of_map(resampled(2, 5)),
    ]
}

/// What takes more than one input.
fn of_two_maps() -> Vec<Example> {
    vec![
        of_two(MatMul::new(false), Shape::new(3, 6, 4)),
        of_two(MatMul::new(true), Shape::new(4, 6, 7)),
        of_two(MatMul::new(true), Shape::new(4, 1, 3)),
        of_two(Select::new(MAP, (0..120).map(|i| i % 3 == 0).collect()), MAP),
        of_two(Extreme::new(true), MAP),
        of_two(looked_up(), Shape::new(2, 3, 4)),
        of_two(Extreme::new(false), Shape::vector(4)),
        of_two(Concat::along(Axis::Row), Shape::new(4, 2, 5)),
        (Box::new(Concat::along(Axis::Column)), vec![MAP, Shape::new(4, 6, 1), MAP]),
        of_two(Add::new(vec![1.0, -1.0]), MAP),
        of_two(Add::new(vec![1.0, 1.0]), Shape::vector(4)),
        of_two(Mul::new(), MAP),
        of_two(Mul::new(), Shape::vector(4)),
        of_two(Concat::new(), Shape::new(2, 6, 5)),
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
