//! A heat map averaged over translations of the picture.

use super::{Case, ExplainError, Explainer, Pool, Total, wrap::Wrapper};
use crate::{
    base::registry::{Kind, Param},
    nn::{graph::Graph, tensor::Tensor},
};

/// `R*(x) = sum over translations t of a(t) t^-1 R(t(x)) / sum of a(t)` for any method `R`: artefacts that stay where
/// they are while the picture moves (of strides, pools, the edge) average out. Translations are all
/// those by up to `reach` pixels in each direction; what comes in at an edge repeats the edge, and a
/// pixel counts where it has not gone out. Methods that pool channels by a norm are averaged after
/// pooling, others before.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `translate` | not used | 1 to 32 pixels: `(2 translate + 1)^2` explanations |
/// | `translate-weight` | equal | `equal`: `a(t) = 1`; `inverse`: `a(t) = 1 / (1 + length of t in pixels)` |
///
/// An operation on heat maps that tutorials on LRP show: as a plain mean in the formula, with weights that fall with the
/// shift in words. The border, the reach and how the weights fall are choices made here.
pub const WRAPPER: Wrapper = Wrapper {
    param: Param {
        key: "translate",
        default: "",
        kind: Kind::Integer { min: 1, max: 32 },
        help: "heat maps averaged over all translations by up to this many pixels",
    },
    also: Some(Param {
        key: "translate-weight",
        default: "equal",
        kind: Kind::Word(&["equal", "inverse"]),
        help: "what a translation counts: the same, or less the longer it is",
    }),
    wrap: |inner, value, word| {
        let reach = value.parse().expect("range-checked");
        Box::new(Translated { inner, reach, falling: word == "inverse" })
    },
};

struct Translated {
    inner: Box<dyn Explainer>,
    reach: isize,
    /// Weights fall with the length of the translation.
    falling: bool,
}

/// A translation: down, right, and what it counts.
type Way = (isize, isize, f64);

impl Translated {
    fn ways(&self) -> Vec<Way> {
        let span = -self.reach..=self.reach;
        let all = span.clone().flat_map(|dy| span.clone().map(move |dx| (dy, dx)));
        all.map(|(dy, dx)| (dy, dx, self.weight(dy, dx))).collect()
    }

    fn weight(&self, dy: isize, dx: isize) -> f64 {
        if self.falling { 1.0 / (1.0 + (dy as f64).hypot(dx as f64)) } else { 1.0 }
    }
}

impl Explainer for Translated {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        self.inner.fits(graph)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let mut mean: Option<Mean> = None;
        for way @ (dy, dx, _) in self.ways() {
            let acts = case.graph.pass(&moved(case.input(), dy, dx))?;
            let map = self.inner.pooled_by_sum(&Case { acts: &acts, ..*case })?;
            mean.get_or_insert_with(|| Mean::new(&map)).add_back(&map, way);
        }
        Ok(mean.expect("not to move at all is one translation").value())
    }

    fn pool(&self) -> Pool {
        Pool::Sum
    }

    /// The mean over the moved pictures. What goes out at an edge is lost to the mean map, and what is
    /// repeated there counts for the edge no more than once, so no theory says that the sum is exact.
    fn total(&self, case: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        let (mut sum, mut weights) = (0.0, 0.0);
        for (dy, dx, weight) in self.ways() {
            let acts = case.graph.pass(&moved(case.input(), dy, dx))?;
            let total = self.inner.total(&Case { acts: &acts, ..*case })?;
            let Some(total) = total else { return Ok(None) };
            sum += weight * total.value;
            weights += weight;
        }
        Ok(Some(Total { value: sum / weights, theory: false }))
    }

    fn holds_input(&self) -> bool {
        self.inner.holds_input()
    }
}

/// `x` with its content `dy` pixels further down and `dx` further right, its edges repeated.
fn moved(x: &Tensor, dy: isize, dx: isize) -> Tensor {
    let mut out = Tensor::zeros(x.shape);
    let from = |at: usize, by: isize, size: usize| at.saturating_add_signed(-by).min(size - 1);
    let (h, w, c) = (x.shape.h, x.shape.w, x.shape.c);
    for (i, pixel) in out.data.chunks_exact_mut(c).enumerate() {
        pixel.copy_from_slice(x.pixel(from(i / w, dy, h), from(i % w, dx, w)));
    }
    out
}

/// A running weighted mean of maps, pixel by pixel.
struct Mean {
    sums: Vec<f64>,
    weights: Vec<f64>,
    like: Tensor,
}

impl Mean {
    fn new(map: &Tensor) -> Mean {
        let n = map.data.len();
        Mean { sums: vec![0.0; n], weights: vec![0.0; n], like: Tensor::zeros(map.shape) }
    }

    /// Adds the map of a moved picture, moved back.
    fn add_back(&mut self, map: &Tensor, (dy, dx, weight): Way) {
        let (h, w, c) = (map.shape.h, map.shape.w, map.shape.c);
        let place =
            |at: usize, by: isize, size: usize| at.checked_add_signed(by).filter(|at| *at < size);
        for y in 0..h {
            for x in 0..w {
                let (Some(sy), Some(sx)) = (place(y, dy, h), place(x, dx, w)) else { continue };
                let at = (y * w + x) * c;
                for (k, value) in map.pixel(sy, sx).iter().enumerate() {
                    self.sums[at + k] += weight * f64::from(*value);
                    self.weights[at + k] += weight;
                }
            }
        }
    }

    fn value(mut self) -> Tensor {
        let means = self.sums.iter().zip(&self.weights).map(|(s, n)| (s / n) as f32);
        self.like.data = means.collect();
        self.like
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{geom::Shape, rng::Seed},
        method,
        nn::{
            graph::Graph,
            op::{Dense, Function, Unary},
        },
    };
    use std::io;

    fn named(text: &str) -> Box<dyn Explainer> {
        method(&text.parse().unwrap(), |_| Err(io::Error::other("no file"))).unwrap().value
    }

    #[test]
    fn a_moved_picture_repeats_its_edge() {
        let x = Tensor::new(Shape::new(1, 2, 3), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(moved(&x, 0, 1).data, [1.0, 1.0, 2.0, 4.0, 4.0, 5.0]);
        assert_eq!(moved(&x, -1, -5).data, [6.0, 6.0, 6.0, 6.0, 6.0, 6.0]);
        assert_eq!(moved(&x, 0, 0), x);
    }

    #[test]
    fn the_mean_over_three_translations_by_hand() {
        // f = relu(w x) with w = (1, -1, 2) on a row of three: gradient x input is w x where f > 0.
        // x = (1, 0, 3) gives (1, 0, 6); moved left (0, 3, 3) gives (0, -3, 6), so pixel 1 gets 0 and
        // pixel 2 gets -3; moved right (1, 1, 0) has f = 0, so pixels 0 and 1 get 0
        let shape = Shape::new(1, 1, 3);
        let mut graph = Graph::new(shape);
        let x = graph.input();
        let fc = Dense::new(vec![1.0, -1.0, 2.0], 1, shape, vec![]).unwrap();
        let at = graph.push("fc", Box::new(fc), &[x]).unwrap();
        graph.push("relu", Box::new(Unary::new(Function::Relu)), &[at]).unwrap();
        let acts = graph.forward(&Tensor::new(shape, vec![1.0, 0.0, 3.0]));
        let (graph, acts, seed) = (&graph, &acts, Seed(0));
        let case = Case { graph, acts, target: 0, low: &[0.0], high: &[3.0], seed, image: "" };
        let map = named("gradient-x-input:translate=1").relevance(&case).unwrap();
        assert_eq!(map.data, [0.5, 0.0, 1.5]);
        // by one pixel counts half: (1 + 0 / 2) / 1.5, 0, (6 - 3 / 2) / 1.5
        let falling = named("gradient-x-input:translate=1:translate-weight=inverse");
        let map = falling.relevance(&case).unwrap();
        assert_eq!(map.data, [1.0 / 1.5, 0.0, 3.0]);
    }

    #[test]
    fn norms_are_taken_before_the_mean() {
        let shape = Shape::new(2, 1, 1);
        let mut graph = Graph::new(shape);
        let x = graph.input();
        let fc = Dense::new(vec![3.0, -4.0], 1, shape, vec![]).unwrap();
        graph.push("fc", Box::new(fc), &[x]).unwrap();
        let acts = graph.forward(&Tensor::new(shape, vec![1.0, 1.0]));
        let (graph, acts, seed) = (&graph, &acts, Seed(0));
        let case = Case { graph, acts, target: 0, low: &[0.0], high: &[3.0], seed, image: "" };
        let method = named("sensitivity:norm=l2:translate=2");
        assert_eq!(method.relevance(&case).unwrap().data, [5.0]);
        assert_eq!(method.pool(), Pool::Sum);
    }
}
