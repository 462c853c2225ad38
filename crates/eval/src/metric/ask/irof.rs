//! Iterative removal of features.

use super::{channel_means, scores};
use crate::{
    base::{
        geom::{Rect, Shape},
        registry::{Entry, Kind, Param},
        rng::permutation,
    },
    curve::ScoreKind,
    explain::{Case, HeatMap, superpixel::superpixels},
    metric::{
        Direction, Range,
        map::{Ground, Look, MapMetric, MetricError, Settings, Undefined},
    },
    rounding::{Sum, settled},
};

/// Area over the curve of `p(x^k) / p(x^0)`, the target's probability, while superpixels (SLIC) are
/// replaced by the means of their channels, those of the largest mean relevance first (Rieger and
/// Hansen 2020): `1 - 1/(K+1) sum_{k=0..K}`. At most 1, higher is better. There is no lower bound but
/// `1 - 1 / p(x^0)`: where the target was improbable, what removal uncovers counts many times, and one such
/// picture can make a mean. Look at the median, which stands beside it. Equal superpixels go in an
/// order drawn for the picture, the same for all methods.
///
/// It is about the probability, whatever the curves watch.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `segments` | 100 | about so many superpixels |
struct Irof {
    segments: usize,
}

pub(in crate::metric) const ENTRY: Entry<dyn MapMetric> = Entry {
    id: "irof",
    summary: "area over the curve of the probability while superpixels are removed; one improbable target \
              can make the mean, so see the median",
    cite: "rieger2020irof",
    params: &[Param {
        key: "segments",
        default: "100",
        kind: Kind::Integer { min: 2, max: 100_000 },
        help: "about so many superpixels",
    }],
    build: |args| Ok(Box::new(Irof { segments: args.usize("segments") })),
};

impl MapMetric for Irof {
    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn range(&self) -> Range {
        Range { low: f64::NEG_INFINITY, high: 1.0 }
    }

    fn stands_for(&self, ground: &Ground<'_>) -> Result<Vec<Settings>, MetricError> {
        if ground.graph.head().has_probabilities() {
            return Ok(Vec::new());
        }
        Err(MetricError::NoProbability { metric: ENTRY.id })
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        let case = look.asked()?.case;
        let owner = superpixels(case, self.segments)?;
        let order = by_mean_relevance(look.heat, &owner, case);
        let probabilities = removal(case, &owner, &order)?;
        let first = *probabilities.first().filter(|p| **p > 0.0).ok_or(Undefined::Impossible)?;
        let mean = probabilities.iter().sum::<f64>() / probabilities.len() as f64;
        Ok(1.0 - mean / first)
    }
}

/// Superpixels by descending mean relevance; means that differ by rounding only are equal.
fn by_mean_relevance(heat: &HeatMap, owner: &[usize], case: &Case<'_>) -> Vec<usize> {
    let count = owner.iter().max().map_or(0, |k| k + 1);
    let mut sums = vec![(Sum::default(), 0.0); count];
    for (v, &k) in heat.iter().zip(owner) {
        sums[k] = (sums[k].0.plus(*v), sums[k].1 + 1.0);
    }
    let means: Vec<f64> = sums.iter().map(|(sum, n)| sum.value() / n).collect();
    // dividing rounds once more
    let slack = |k: usize| (sums[k].0.slack() / sums[k].1).max(2.0 * f64::EPSILON * means[k].abs());
    let means = settled(&means, slack);
    let mut order = permutation(&mut case.seed.rng("irof ties", case.image, &[]), count);
    // stable: ties keep the order of the permutation
    order.sort_by(|&a, &b| means[b].total_cmp(&means[a]));
    order
}

/// The target's probability after 0, 1, ... removed superpixels; `None` where it has none.
fn removal(case: &Case<'_>, owner: &[usize], order: &[usize]) -> Result<Vec<f64>, Undefined> {
    let shape = case.graph.input_shape();
    let rects = bounds(shape, owner, order.len());
    let means = channel_means(case.input());
    let mut picture = case.input().clone();
    let mut patches = Vec::with_capacity(order.len());
    for &k in order {
        let rect = rects[k];
        for y in rect.y0..rect.y1 {
            for x in (rect.x0..rect.x1).filter(|x| owner[y * shape.w + x] == k) {
                picture.write(Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 }, &means);
            }
        }
        let mut pixels = vec![0.0; rect.area() * shape.c];
        picture.read(rect, &mut pixels);
        patches.push(pixels);
    }
    let regions: Vec<Rect> = order.iter().map(|k| rects[*k]).collect();
    let pixels = |step: usize, out: &mut [f32]| out.copy_from_slice(&patches[step]);
    scores(case, ScoreKind::Softmax, &regions, pixels)
}

/// The smallest rectangle around each superpixel.
fn bounds(shape: Shape, owner: &[usize], count: usize) -> Vec<Rect> {
    let mut rects = vec![Rect::EMPTY; count];
    for (i, &k) in owner.iter().enumerate() {
        let (y, x) = (i / shape.w, i % shape.w);
        rects[k] = rects[k].union(Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 });
    }
    rects
}
