//! Products of two maps as matrices: attention.

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    kernel::gemm::{Packed, Rows, matmul},
    tensor::{Exact, Tensor},
};

/// `O = A B` for each matrix of a stack: `A` is `(K, stack, M)`, `O` `(N, stack, M)` as (channels,
/// rows, columns), so that pixels are rows of matrices; `B` is `(N, stack, K)`, or `(K, stack, N)`
/// where it is kept transposed. A `B` of one matrix serves all.
#[derive(Debug)]
pub struct MatMul {
    transposed: bool,
}

/// Sizes of one matrix product.
#[derive(Clone, Copy)]
struct Sizes {
    m: usize,
    k: usize,
    n: usize,
}

/// The matrices of a stack: `A B` into `out`, `A` being `m` rows of `k`.
fn product(a: &[f32], size: Sizes, b: impl Fn(usize, usize) -> f32, out: &mut [f32]) {
    let Sizes { m, k, n } = size;
    let packed = Packed::new(k, n, b);
    let rows = Rows { data: a, stride: k, count: m };
    matmul(rows, &packed, 0..packed.panels(), out, n);
}

/// The matrix at `at` of a stack of matrices of `len` values, of which there may be only one.
fn matrix<T>(data: &[T], len: usize, at: usize) -> &[T] {
    let at = if data.len() == len { 0 } else { at };
    &data[at * len..(at + 1) * len]
}

impl MatMul {
    /// With `transposed`, the rows of `B` in memory are its columns.
    pub fn new(transposed: bool) -> MatMul {
        MatMul { transposed }
    }

    /// Whether the rows of `B` in memory are its columns.
    pub fn is_transposed(&self) -> bool {
        self.transposed
    }

    fn sizes(&self, a: Shape, b: Shape) -> Sizes {
        Sizes { m: a.w, k: a.c, n: if self.transposed { b.w } else { b.c } }
    }

    /// Value `(k, n)` of a matrix of `B`.
    fn entry<T: Copy>(&self, b: &[T], size: Sizes, k: usize, n: usize) -> T {
        if self.transposed { b[n * size.k + k] } else { b[k * size.n + n] }
    }

    /// The gradient of one `A`: `G B^T`.
    fn left(&self, g: &[f32], b: &[f32], size: Sizes, out: &mut [f32]) {
        let Sizes { m, k, n } = size;
        product(g, Sizes { m, k: n, n: k }, |n, k| self.entry(b, size, k, n), out);
    }

    /// The gradient of one `B`: `A^T G`, or its transpose `G^T A`.
    fn right(&self, a: &[f32], g: &[f32], size: Sizes, out: &mut [f32]) {
        let Sizes { m, k, n } = size;
        let turned = |x: &[f32], rows: usize, columns: usize| -> Vec<f32> {
            let value = |i: usize| x[i % rows * columns + i / rows];
            (0..rows * columns).map(value).collect()
        };
        if self.transposed {
            let rows = turned(g, m, n);
            product(&rows, Sizes { m: n, k: m, n: k }, |m, i| a[m * k + i], out);
        } else {
            let rows = turned(a, m, k);
            product(&rows, Sizes { m: k, k: m, n }, |m, i| g[m * n + i], out);
        }
    }
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "MatMul"
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let [a, b] = ins else { return Err(format!("expected 2 inputs, found {}", ins.len())) };
        let size = self.sizes(*a, *b);
        let inner = if self.transposed { b.c } else { b.w };
        if inner != a.c || (b.h != a.h && b.h != 1) {
            return Err(format!("matrices of {a} and {b} cannot be multiplied"));
        }
        Ok(Shape::new(size.n, a.h, a.w))
    }

    fn reach(&self, ins: &[Shape], k: usize, dirty: Rect) -> Rect {
        let a = ins[0];
        match k {
            _ if dirty.is_empty() => Rect::EMPTY,
            0 => dirty,
            _ if ins[1].h == 1 => a.rect(),
            _ => Rect { x0: 0, x1: a.w, ..dirty },
        }
    }

    fn role(&self) -> Role<'_> {
        Role::MatMul(self)
    }
}

impl Cpu for MatMul {
    fn macs(&self, ins: &[Shape], rect: Rect) -> u64 {
        let size = self.sizes(ins[0], ins[1]);
        (rect.area() * size.k * size.n) as u64
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let (a, b) = (ins[0], ins[1]);
        let size = self.sizes(a.shape, b.shape);
        let part = Sizes { m: rect.width(), ..size };
        let rows = out.chunks_exact_mut((part.m * size.n).max(1));
        for (y, out) in (rect.y0..rect.y1).zip(rows) {
            let b = matrix(&b.data, size.k * size.n, y);
            let a = a.row(y, rect.x0, rect.x1);
            product(a, part, |k, n| self.entry(b, size, k, n), out);
        }
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let (a, b) = (ins[0], ins[1]);
        let size = self.sizes(a.shape, b.shape);
        let mut data = Vec::with_capacity(a.shape.h * a.shape.w * size.n);
        for (row, x) in a.data.chunks_exact(size.k.max(1)).enumerate() {
            let b = matrix(&b.data, size.k * size.n, row / size.m);
            let dot = |n| x.iter().enumerate().map(|(k, x)| x * self.entry(b, size, k, n)).sum();
            data.extend((0..size.n).map(|n| -> f64 { dot(n) }));
        }
        Exact { shape: Shape::new(size.n, a.shape.h, a.shape.w), data }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, k: usize) -> Tensor {
        let (a, b) = (ins[0], ins[1]);
        let size = self.sizes(a.shape, b.shape);
        let mut back = Tensor::zeros(ins[k].shape);
        let (own, full) = (size.m * size.n, size.k * size.n);
        let mut term = vec![0.0; full];
        for y in 0..a.shape.h {
            let g = matrix(&grad.data, own, y);
            if k == 0 {
                let out = &mut back.data[y * size.m * size.k..][..size.m * size.k];
                self.left(g, matrix(&b.data, full, y), size, out);
            } else {
                self.right(a.row(y, 0, a.shape.w), g, size, &mut term);
                let at = if b.shape.h == 1 { 0 } else { y };
                let out = &mut back.data[at * full..(at + 1) * full];
                out.iter_mut().zip(&term).for_each(|(v, t)| *v += t);
            }
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_matrix_of_the_stack_is_multiplied_by_its_own() {
        // two products of (1, 2) by (2, 1)
        let a = Tensor::new(Shape::new(2, 2, 1), vec![1.0, 2.0, 3.0, 4.0]);
        let b = Tensor::new(Shape::new(1, 2, 2), vec![10.0, 1.0, 100.0, 0.0]);
        let plain = MatMul::new(false);
        assert_eq!(plain.forward(&[&a, &b]).data, [12.0, 300.0]);
        let turned = Tensor::new(Shape::new(2, 2, 1), b.data.clone());
        let transposed = MatMul::new(true);
        assert_eq!(transposed.forward(&[&a, &turned]).data, [12.0, 300.0]);
        let one = Tensor::new(Shape::new(1, 1, 2), vec![1.0, -1.0]);
        let y = plain.forward(&[&a, &one]);
        assert_eq!(y.data, [-1.0, -1.0]);
        assert_eq!(plain.vjp(&[&a, &one], &y, &y, 1).data, [-4.0, -6.0]);
        assert!(plain.out_shape(&[a.shape, a.shape]).is_err());
    }
}
