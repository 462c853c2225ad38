use super::*;
use ndarray::{Array3, Array4, s};
use proptest::prelude::*;

/// A convolution with its naive reference.
#[derive(Clone, Debug)]
struct Problem {
    geometry: ConvGeometry,
    input: Shape,
    outputs: usize,
    weight: Array4<f32>,
    bias: Vec<f32>,
    x: Array3<f32>,
}

fn values(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0).collect()
}

impl Problem {
    fn new(geometry: ConvGeometry, per_in: usize, per_out: usize, h: usize, w: usize) -> Problem {
        let ConvGeometry { kernel: [kh, kw], groups, .. } = geometry;
        let (inputs, outputs) = (per_in * groups, per_out * groups);
        let weight = values(outputs * per_in * kh * kw, 1);
        Problem {
            geometry,
            input: Shape::new(inputs, h, w),
            outputs,
            weight: Array4::from_shape_vec((outputs, per_in, kh, kw), weight).unwrap(),
            bias: values(outputs, 2),
            x: Array3::from_shape_vec((inputs, h, w), values(inputs * h * w, 3)).unwrap(),
        }
    }

    fn conv(&self) -> Conv {
        let weight = self.weight.iter().copied().collect();
        Conv::new(weight, self.outputs, self.input.c, self.geometry, self.bias.clone()).unwrap()
    }

    /// Calls `f(output index, input index, weight)` for every product.
    fn products(&self, mut f: impl FnMut([usize; 3], [usize; 3], f32)) {
        let g = self.geometry;
        let window = g.window();
        let [oh, ow] = window.out_size(self.input).unwrap();
        let (per_in, per_out) = (self.input.c / g.groups, self.outputs / g.groups);
        for ((o, i, ky, kx), w) in self.weight.indexed_iter() {
            let c = o / per_out * per_in + i;
            for (oy, ox) in (0..oh).flat_map(|oy| (0..ow).map(move |ox| (oy, ox))) {
                let at = [
                    (oy * g.stride[0] + ky * g.dilation[0]).wrapping_sub(g.pads[0]),
                    (ox * g.stride[1] + kx * g.dilation[1]).wrapping_sub(g.pads[1]),
                ];
                if at[0] < self.input.h && at[1] < self.input.w {
                    f([o, oy, ox], [c, at[0], at[1]], *w);
                }
            }
        }
    }

    fn check(&self) {
        let conv = self.conv();
        let x = Tensor::from_chw(self.x.view());
        let y = conv.forward(&[&x]);
        let got = y.to_chw();
        let mut want = Array3::<f64>::zeros(got.dim());
        for o in 0..self.outputs {
            want.slice_mut(s![o, .., ..]).fill(f64::from(self.bias[o]));
        }
        self.products(|o, i, w| want[o] += f64::from(w) * f64::from(self.x[i]));
        // f32 sums of at most some hundred terms of size 1
        assert!(got.iter().zip(&want).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-4), "{self:?}");

        let s = Array3::from_shape_vec(got.dim(), values(got.len(), 4)).unwrap();
        for part in Part::ALL {
            let c = conv.apply_transposed(part, &Tensor::from_chw(s.view()), self.input).to_chw();
            let mut want = Array3::<f64>::zeros(self.x.dim());
            self.products(|o, i, w| want[i] += f64::from(part.weight(w)) * f64::from(s[o]));
            let same = c.iter().zip(&want).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-4);
            assert!(same, "transposed {part:?} {self:?}");

            let z = conv.apply(part, &x).to_chw();
            let mut want = Array3::<f64>::zeros(z.dim());
            self.products(|o, i, w| want[o] += f64::from(part.weight(w)) * f64::from(self.x[i]));
            assert!(z.iter().zip(&want).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-4));
        }
    }
}

fn geometry() -> impl Strategy<Value = ConvGeometry> {
    let pair = |range: std::ops::Range<usize>| prop::array::uniform2(range);
    (pair(1..4), pair(1..4), pair(1..3), prop::array::uniform4(0usize..3), 1usize..4).prop_map(
        |(kernel, stride, dilation, pads, groups)| ConvGeometry {
            kernel,
            stride,
            dilation,
            pads,
            groups,
        },
    )
}

proptest! {
    #[test]
    fn convolutions_agree_with_the_definition(
        g in geometry(), per_in in 1usize..4, per_out in 1usize..4, h in 5usize..9, w in 5usize..9,
    ) {
        Problem::new(g, per_in, per_out, h, w).check();
    }

    #[test]
    fn a_rectangle_has_the_bits_of_the_whole(
        g in geometry(), per_in in 1usize..4, per_out in 1usize..3, y in 0usize..3, x in 0usize..3,
    ) {
        let problem = Problem::new(g, per_in, per_out, 9, 8);
        let conv = problem.conv();
        let input = Tensor::from_chw(problem.x.view());
        let whole = conv.forward(&[&input]);
        let rect = Rect { y0: y, y1: y + 2, x0: x, x1: x + 3 }.intersect(whole.shape.rect());
        let mut got = vec![0.0; rect.area() * whole.shape.c];
        let mut want = got.clone();
        conv.eval(&[&input], rect, &mut got);
        whole.read(rect, &mut want);
        prop_assert!(got.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn tiles_agree_with_the_direct_form_and_do_not_depend_on_the_rectangle() {
    for (kernel, per_in, per_out, h, w, pads) in [
        (3, 3, 5, 9, 8, [1; 4]),
        (3, 16, 33, 14, 14, [1; 4]),
        (3, 20, 16, 7, 5, [0; 4]),
        (3, 1, 1, 6, 11, [2, 0, 1, 2]),
        (5, 3, 5, 9, 8, [2; 4]),
        (5, 17, 16, 13, 7, [0, 1, 2, 3]),
    ] {
        let geometry =
            ConvGeometry { kernel: [kernel; 2], stride: [1; 2], dilation: [1; 2], pads, groups: 1 };
        let problem = Problem::new(geometry, per_in, per_out, h, w);
        let direct = problem.conv();
        let x = Tensor::from_chw(problem.x.view());
        let want = direct.forward(&[&x]);
        let largest = want.data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        for tile in direct.tiles() {
            let conv = direct.with_tile(Some(tile)).unwrap();
            let got = conv.forward(&[&x]);
            // the transforms of large tiles amplify rounding about a hundredfold
            let close =
                got.data.iter().zip(&want.data).all(|(a, b)| (a - b).abs() < 1e-5 * largest);
            assert!(close, "{tile:?}");
            let rect = Rect { y0: 1, y1: 4, x0: 2, x1: 5 }.intersect(want.shape.rect());
            let mut part = vec![f32::NAN; rect.area() * want.shape.c];
            let mut same = part.clone();
            conv.eval(&[&x], rect, &mut part);
            got.read(rect, &mut same);
            assert!(part.iter().zip(&same).all(|(a, b)| a.to_bits() == b.to_bits()), "{tile:?}");
        }
    }
}

#[test]
fn wide_layers_cross_panels_and_depth_blocks() {
    let plain = |k: usize, p: usize, stride: usize| ConvGeometry {
        kernel: [k; 2],
        stride: [stride; 2],
        dilation: [1; 2],
        pads: [p; 4],
        groups: 1,
    };
    Problem::new(plain(3, 1, 1), 40, 70, 6, 5).check();
    Problem::new(plain(1, 0, 1), 300, 33, 3, 4).check();
    Problem::new(plain(3, 1, 2), 20, 40, 7, 7).check();
}

#[test]
fn scaling_after_folds_a_batch_norm() {
    let g =
        ConvGeometry { kernel: [2; 2], stride: [1; 2], dilation: [1; 2], pads: [0; 4], groups: 1 };
    let problem = Problem::new(g, 2, 3, 4, 4);
    let x = Tensor::from_chw(problem.x.view());
    let (scale, shift) = ([2.0, -0.5, 0.0], [1.0, 0.0, 3.0]);
    let z = problem.conv().forward(&[&x]);
    let y = problem.conv().scaled_after(&scale, &shift).forward(&[&x]);
    for (i, (y, z)) in y.data.iter().zip(&z.data).enumerate() {
        assert!((y - (scale[i % 3] * z + shift[i % 3])).abs() < 1e-5);
    }
}

#[test]
fn weights_of_a_wrong_count_are_refused() {
    let g =
        ConvGeometry { kernel: [3; 2], stride: [1; 2], dilation: [1; 2], pads: [0; 4], groups: 2 };
    let error = |n, inputs, bias: usize| {
        Conv::new(vec![0.0; n], 4, inputs, g, vec![0.0; bias]).unwrap_err()
    };
    assert_eq!(error(35, 2, 0), "expected 36 weights, found 35");
    assert_eq!(error(36, 3, 0), "3 inputs and 4 outputs in 2 groups");
    assert_eq!(error(36, 2, 3), "expected 4 biases, found 3");
}
