//! How relevance is shared at nodes that have no weights to speak of: pools, sums, normalisation.

use super::rule::{STABILISER, quotients, stabilised};
use crate::nn::{
    op::{Add, AvgPool, Cpu, LayerNorm, Lrn, MaxPool},
    tensor::Tensor,
};

/// `R_i = y_i sum_j w_ij R_j / z_j` for a node `op` whose output `z` is linear in its inputs `y`,
/// with weights that its vector-Jacobian product knows; stabilised by `eps`.
pub(super) fn in_proportion(
    op: &dyn Cpu,
    y: &[&Tensor],
    z: &Tensor,
    r: &Tensor,
    eps: f32,
) -> Vec<Tensor> {
    let s = quotients(r, z, eps);
    let share = |k: usize| {
        let mut c = op.vjp(y, z, &s, k);
        c.data.iter_mut().zip(&y[k].data).for_each(|(c, y)| *c *= y);
        c
    };
    (0..y.len()).map(share).collect()
}

/// The messages of a sum, each scaled so that its total is `R |m| / (|m| + |m'|)` of the total `R` that
/// arrived, with the totals `m`, `m'` of the messages; as they are where all totals are 0.
pub(super) fn by_totals(mut messages: Vec<Tensor>, r: &Tensor) -> Vec<Tensor> {
    let totals: Vec<f64> = messages.iter().map(Tensor::sum).collect();
    let (all, sizes) = (r.sum(), totals.iter().map(|t| t.abs()).sum::<f64>());
    if messages.len() < 2 || sizes == 0.0 {
        return messages;
    }
    for (message, total) in messages.iter_mut().zip(totals) {
        let factor = if total == 0.0 { 0.0 } else { total.abs() / sizes * all / total };
        message.data.iter_mut().for_each(|m| *m = (f64::from(*m) * factor) as f32);
    }
    messages
}

/// As [`in_proportion`], by the size of the summands `sign |y_i w_ij|` of one sign each, so that
/// nothing cancels; `signs` are those of the inputs in the sum.
pub(super) fn by_size(
    op: &dyn Cpu,
    x: &[&Tensor],
    signs: &[f32],
    r: &Tensor,
    eps: f32,
) -> Vec<Tensor> {
    let sized = |(x, sign): (&&Tensor, &f32)| x.map(|v| sign * v.abs());
    let sizes: Vec<Tensor> = x.iter().zip(signs).map(sized).collect();
    let sizes: Vec<&Tensor> = sizes.iter().collect();
    in_proportion(op, &sizes, &op.forward(&sizes), r, eps)
}

/// Layer normalisation with its deviation taken as a constant: `R_i = x_i sum_j w_ij R_j / y_j` of what
/// is then linear in `x` (Achtibat et al. 2024, Ali et al. 2022).
pub(super) fn by_layer_norm(
    norm: &LayerNorm,
    x: &Tensor,
    y: &Tensor,
    r: &Tensor,
    eps: f32,
) -> Tensor {
    let mut share = norm.vjp_of_linear_part(x, &quotients(r, y, eps));
    share.data.iter_mut().zip(&x.data).for_each(|(c, x)| *c *= x);
    share
}

/// The relevance that [`by_layer_norm`] leaves to the bias: `sum b_j R_j / y_j`.
pub(super) fn to_bias_of_norm(norm: &LayerNorm, y: &Tensor, r: &Tensor, eps: f32) -> f64 {
    let biases = norm.bias().iter().cycle();
    let terms = quotients(r, y, eps).data.into_iter().zip(biases);
    terms.map(|(s, b)| f64::from(s) * f64::from(*b)).sum()
}

/// Fixed shares of what arrived at a product for each of two inputs, summed where one is spread.
pub(super) fn parts(x: &[&Tensor], r: &Tensor, shares: [f32; 2]) -> Vec<Tensor> {
    let sum = Add::new(shares.to_vec());
    (0..2).map(|k| sum.vjp(x, r, r, k)).collect()
}

/// `R_a = a b R / (2 a b)` for both inputs of a product, stabilised by `eps`.
pub(super) fn product(x: &[&Tensor], y: &Tensor, r: &Tensor, eps: f32) -> Vec<Tensor> {
    let doubled = y.map(|y| 2.0 * y);
    let mut shared = quotients(r, &doubled, eps);
    shared.data.iter_mut().zip(&y.data).for_each(|(s, y)| *s *= y);
    parts(x, &shared, [1.0, 1.0])
}

/// A max-pool as if it were an average of the same windows.
pub(super) fn as_average(pool: &MaxPool, x: &Tensor, r: &Tensor, eps: f32) -> Tensor {
    let average = AvgPool::new(pool.window(x.shape), false);
    let z = average.forward(&[x]);
    in_proportion(&average, &[x], &z, r, eps).remove(0)
}

/// A max-pool whose largest values share equally.
pub(super) fn among_winners(pool: &MaxPool, x: &Tensor, out: &Tensor, r: &Tensor) -> Tensor {
    let whole = out.shape.rect();
    let mut winners = vec![0u32; out.data.len()];
    pool.taps(x.shape, whole, |o, i| winners[o] += u32::from(wins(x.data[i], out.data[o])));
    let mut relevance = Tensor::zeros(x.shape);
    pool.taps(x.shape, whole, |o, i| {
        if wins(x.data[i], out.data[o]) {
            relevance.data[i] += r.data[o] / winners[o] as f32;
        }
    });
    relevance
}

/// The pool's output is one of its inputs, so equality is exact.
fn wins(x: f32, largest: f32) -> bool {
    x >= largest
}

/// First-order Taylor expansion of `y_k = x_k / (c + a sum_j x_j^2)^b` around the map whose other
/// channels are 0: channel `k` contributes `x_k / (c + a x_k^2)^b`, each neighbour `j`
/// `-2 a b x_k x_j^2 / (c + a sum x^2)^(b+1)`, and `R_k` is shared in proportion.
///
/// Source: Binder et al. 2016, sec. 3.
pub(super) fn by_taylor(lrn: &Lrn, x: &Tensor, r: &Tensor) -> Tensor {
    let channels = x.shape.c;
    let mut relevance = Tensor::zeros(x.shape);
    let pixels = x.data.chunks_exact(channels).zip(r.data.chunks_exact(channels));
    for ((x, r), sent) in pixels.zip(relevance.data.chunks_exact_mut(channels)) {
        for (k, r) in r.iter().enumerate() {
            let terms: Vec<(usize, f32)> = taylor_terms(lrn, x, k).collect();
            let z: f32 = terms.iter().map(|(_, term)| term).sum();
            let s = r / stabilised(z, STABILISER);
            terms.iter().for_each(|(j, term)| sent[*j] += term * s);
        }
    }
    relevance
}

/// What each channel contributes to channel `k` of one pixel.
fn taylor_terms(lrn: &Lrn, x: &[f32], k: usize) -> impl Iterator<Item = (usize, f32)> {
    let (a, b) = (lrn.weight(), lrn.beta());
    let window = lrn.window(k, x.len());
    let bracket = lrn.bracket(x, k);
    let others: f32 = window.clone().filter(|j| *j != k).map(|j| x[j] * x[j]).sum();
    let own = x[k] / (bracket - a * others).powf(b);
    let shared = -2.0 * a * b * x[k] / bracket.powf(b + 1.0);
    window.map(move |j| (j, if j == k { own } else { shared * x[j] * x[j] }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::geom::Shape,
        nn::op::{Add, Window},
    };

    fn close(got: &Tensor, expected: &[f32]) {
        assert_eq!(got.data.len(), expected.len());
        for (g, e) in got.data.iter().zip(expected) {
            assert!((g - e).abs() < 1e-4, "{got:?} is not {expected:?}");
        }
    }

    #[test]
    fn a_difference_shared_by_size_does_not_cancel() {
        // 3 - 2.9 of 6: by the signed summands 6 (3, -2.9) / 0.1, by size 6 (3, 2.9) / 5.9
        let sub = Add::new(vec![1.0, -1.0]);
        let (a, b) = (Tensor::vector(vec![3.0]), Tensor::vector(vec![2.9]));
        let (ins, r) = ([&a, &b], Tensor::vector(vec![6.0]));
        let signed = in_proportion(&sub, &ins, &sub.forward(&ins), &r, STABILISER);
        assert!((signed[0].data[0] - 180.0).abs() < 0.1, "{signed:?}");
        assert!((signed[1].data[0] + 174.0).abs() < 0.1, "{signed:?}");
        let sized = by_size(&sub, &ins, sub.signs(), &r, STABILISER);
        close(&sized[0], &[18.0 / 5.9]);
        close(&sized[1], &[17.4 / 5.9]);
    }

    #[test]
    fn a_max_pool_shares_among_winners_or_as_an_average() {
        let window =
            Window { kernel: [1, 3], stride: [1, 3], dilation: [1; 2], pads: [0; 4], ceil: false };
        let pool = MaxPool::new(window);
        let x = Tensor::new(Shape::new(1, 1, 3), vec![2.0, 1.0, 2.0]);
        let (out, r) = (pool.forward(&[&x]), Tensor::new(Shape::new(1, 1, 1), vec![5.0]));
        close(&among_winners(&pool, &x, &out, &r), &[2.5, 0.0, 2.5]);
        close(&as_average(&pool, &x, &r, STABILISER), &[2.0, 1.0, 2.0]);
    }

    #[test]
    fn the_taylor_terms_of_a_normalisation_by_hand() {
        // x = (1, 2), both in both windows, a = 1 (alpha 3 over 3), b = 1, c = 1: bracket 6.
        // y_0: 1 / 2 of itself, -2 * 1 * 4 / 36 of the other; y_1: 2 / 5 and -2 * 2 * 1 / 36
        let lrn = Lrn::new(3, 3.0, 1.0, 1.0);
        let x = Tensor::vector(vec![1.0, 2.0]);
        let relevance = by_taylor(&lrn, &x, &Tensor::vector(vec![1.0, 1.0]));
        let (z0, z1) = (0.5 - 8.0 / 36.0, 0.4 - 4.0 / 36.0);
        close(&relevance, &[0.5 / z0 - 4.0 / 36.0 / z1, 0.4 / z1 - 8.0 / 36.0 / z0]);
    }
}
