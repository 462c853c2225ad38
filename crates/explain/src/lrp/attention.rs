//! Relevance through attention: products of two maps as matrices, and softmax.

use super::{Attention, gate, rule::quotients};
use crate::nn::{
    graph::{Graph, Node},
    op::{Cpu, MatMul, Role},
    tensor::Tensor,
};

/// Which operand of a product is taken as a constant: the weights of attention, which come from a softmax.
/// `None` where both get their share.
pub(super) fn constant(graph: &Graph, product: &Node, attention: Attention) -> Option<usize> {
    let from_softmax = |k: usize| {
        let source = graph.node(gate::source(graph, product.inputs[k]));
        matches!(source.op.role(), Role::Softmax)
    };
    (0..2).find(|k| attention == Attention::Constant && from_softmax(*k))
}

/// `R_A[j,i] = A[j,i] sum_p B[i,p] R[j,p] / (2 O[j,p])`, and likewise for `B`, of `O = A B`; stabilised
/// by `eps`.
///
/// Source: Achtibat et al. 2024, proposition 3.3.
pub(super) fn halves(op: &MatMul, x: &[&Tensor], y: &Tensor, r: &Tensor, eps: f32) -> Vec<Tensor> {
    let s = quotients(r, &y.map(|y| 2.0 * y), eps);
    (0..2).map(|k| times(op.vjp(x, y, &s, k), x[k])).collect()
}

/// All to the other operand than `weights`: `R_B[i,p] = B[i,p] sum_j A[j,i] R[j,p] / O[j,p]`, stabilised by
/// `eps`.
///
/// Source: Ali et al. 2022, sec. 3.2.
pub(super) fn to_values(
    op: &MatMul,
    weights: usize,
    x: &[&Tensor],
    y: &Tensor,
    r: &Tensor,
    eps: f32,
) -> Vec<Tensor> {
    let s = quotients(r, y, eps);
    let share = |k: usize| {
        if k == weights { Tensor::zeros(x[k].shape) } else { times(op.vjp(x, y, &s, k), x[k]) }
    };
    (0..2).map(share).collect()
}

/// `R_i = x_i (R_i - s_i sum_j R_j)` of `s = softmax(x)`, pixel by pixel: its first-order Taylor expansion
/// at `x` times `R / s`. A masked value (`-inf`) counts as 0.
///
/// Source: Achtibat et al. 2024, proposition 3.1.
pub(super) fn by_softmax(x: &Tensor, y: &Tensor, r: &Tensor) -> Tensor {
    let mut sent = r.clone();
    let channels = x.shape.c;
    let pixels = x.data.chunks_exact(channels).zip(y.data.chunks_exact(channels));
    for (sent, (x, s)) in sent.data.chunks_exact_mut(channels).zip(pixels) {
        let all = sent.iter().map(|r| f64::from(*r)).sum::<f64>() as f32;
        for (r, (x, s)) in sent.iter_mut().zip(x.iter().zip(s)) {
            *r = if *x == f32::NEG_INFINITY { 0.0 } else { x * (*r - s * all) };
        }
    }
    sent
}

fn times(mut c: Tensor, x: &Tensor) -> Tensor {
    c.data.iter_mut().zip(&x.data).for_each(|(c, x)| *c *= x);
    c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::geom::Shape;

    #[test]
    fn a_product_of_matrices_by_hand() {
        // (1 2) (3; 4) = 11, R = 22: s = 22 / 22 = 1
        let a = Tensor::new(Shape::new(2, 1, 1), vec![1.0, 2.0]);
        let b = Tensor::new(Shape::new(1, 1, 2), vec![3.0, 4.0]);
        let op = MatMul::new(false);
        let (y, r) = (op.forward(&[&a, &b]), Tensor::vector(vec![22.0]));
        let halves = halves(&op, &[&a, &b], &y, &r, 0.0);
        assert_eq!((&halves[0].data[..], &halves[1].data[..]), (&[3.0, 8.0][..], &[3.0, 8.0][..]));
        let values = to_values(&op, 0, &[&a, &b], &y, &r, 0.0);
        assert_eq!((&values[0].data[..], &values[1].data[..]), (&[0.0; 2][..], &[6.0, 16.0][..]));
    }

    #[test]
    fn a_masked_value_gets_nothing_from_a_softmax() {
        let x = Tensor::vector(vec![2.0, 2.0, f32::NEG_INFINITY]);
        let s = Tensor::vector(vec![0.5, 0.5, 0.0]);
        let sent = by_softmax(&x, &s, &Tensor::vector(vec![3.0, 1.0, 0.0]));
        // 2 (3 - 4 / 2), 2 (1 - 4 / 2)
        assert_eq!(sent.data, [2.0, -2.0, 0.0]);
    }
}
