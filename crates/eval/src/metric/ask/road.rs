//! Remove and debias.

use super::{probability, visible};
use crate::{
    base::{
        registry::{Entry, Kind, Param},
        rng::permutation,
        word_enum,
    },
    explain::{Case, HeatMap},
    metric::{
        Direction, ORDER, Range,
        map::{Ground, Look, MapMetric, MetricError, Settings, Undefined},
        order,
    },
    nn::tensor::Tensor,
    order::Order,
    perturb::{self, Imputed, Mask, Masked},
};

/// Shares of the pixels in percent whose mean is taken.
const SHARES: [usize; 9] = [10, 20, 30, 40, 50, 60, 70, 80, 90];

/// What is left of the prediction after the most (MoRF) or least (LeRF) relevant share of the pixels
/// was removed by noisy linear imputation (Rong et al. 2022, sec. 5): every removed pixel becomes the
/// weighted mean of its neighbours plus a little noise, so that the outline of what is gone tells the
/// network little. In [0, 1]; lower is better for MoRF, higher for LeRF. Pixels of equal relevance go
/// in an order drawn for the picture, the same for all methods.
///
/// `watch` says what is asked of the network, whatever the curves watch.
///
/// The mean of `accuracy` over pictures at one share is a point of the paper's curves; the mean over
/// shares is ours, as is `probability`. Each share costs one full pass.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `order` | `morf` | `morf` or `lerf` |
/// | `watch` | `accuracy` | `accuracy`: 1 while the target has the largest logit (with a sigmoid per class: a logit above 0), else 0; `probability`: that of the target |
/// | `percent` | `all` | share of removed pixels, or `all` for the mean over 10, 20, ..., 90 |
/// | `noise` | 0.01 | standard deviation of the noise, values are in [0, 1] |
struct Road {
    order: Order,
    accuracy: bool,
    shares: Vec<usize>,
    noise: f64,
}

word_enum! {
    enum Watch {
        Accuracy = "accuracy",
        Probability = "probability",
    }
}

pub(in crate::metric) const ENTRY: Entry<dyn MapMetric> = Entry {
    id: "road",
    summary: "what is left of the prediction after a share of the pixels is imputed (remove and debias)",
    cite: "rong2022consistent",
    params: &[
        ORDER,
        Param {
            key: "watch",
            default: "accuracy",
            kind: Kind::Word(Watch::WORDS),
            help: "whether the target still has the largest logit, or its probability",
        },
        Param {
            key: "percent",
            default: "all",
            kind: Kind::Word(&["all", "10", "20", "30", "40", "50", "60", "70", "80", "90"]),
            help: "share of removed pixels, or the mean over all of these",
        },
        Param {
            key: "noise",
            default: "0.01",
            kind: Kind::Number { min: 0.0, max: 1.0 },
            help: "standard deviation of the noise",
        },
    ],
    build: |args| {
        Ok(Box::new(Road {
            order: order(args),
            accuracy: args.word::<Watch>("watch") == Watch::Accuracy,
            shares: match args.text("percent") {
                "all" => SHARES.to_vec(),
                one => vec![one.parse().expect("one of the words")],
            },
            noise: args.f64("noise"),
        }))
    },
};

impl MapMetric for Road {
    fn direction(&self) -> Direction {
        match self.order {
            Order::Morf => Direction::Lower,
            Order::Lerf => Direction::Higher,
        }
    }

    fn range(&self) -> Range {
        Range::UNIT
    }

    fn stands_for(&self, ground: &Ground<'_>) -> Result<Vec<Settings>, MetricError> {
        let head = ground.graph.head();
        if head.has_probabilities() || self.accuracy && ground.graph.classes() > 1 {
            return Ok(Vec::new());
        }
        Err(MetricError::NoProbability { metric: ENTRY.id })
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        let case = look.asked()?.case;
        let picture = visible(case)?;
        let rng = case.seed.rng("road metric", case.image, &[]);
        let imputed = Imputed::new(&picture, perturb::Range::PICTURE, self.noise, rng);
        let order = self.arrange(look.heat, case);
        let rest = |share: &usize| {
            let count = (order.len() * share + 50) / 100;
            as_input(case, without(&picture, &imputed, &order[..count]))
        };
        let scores = case.all_scores_at(self.shares.iter().map(rest))?;
        let left = scores.iter().map(|scores| self.watch(case, scores));
        let left = left.collect::<Result<Vec<f64>, Undefined>>()?;
        Ok(left.iter().sum::<f64>() / left.len() as f64)
    }
}

impl Road {
    /// Pixels in the order of their removal.
    fn arrange(&self, heat: &HeatMap, case: &Case<'_>) -> Vec<usize> {
        let relevance: Vec<f64> = heat.iter().map(|v| v + 0.0).collect();
        let mut ties = case.seed.rng("road ties", case.image, &[]);
        let mut order = permutation(&mut ties, relevance.len());
        // stable: ties keep the order of the permutation
        order.sort_by(|&a, &b| relevance[b].total_cmp(&relevance[a]));
        if self.order == Order::Lerf {
            order.reverse();
        }
        order
    }

    /// What the network says by its scores.
    fn watch(&self, case: &Case<'_>, scores: &[f32]) -> Result<f64, Undefined> {
        if self.accuracy {
            let says =
                case.graph.head().says(scores, case.target).ok_or(Undefined::NoProbability)?;
            return Ok(f64::from(u8::from(says)));
        }
        probability(case, scores)
    }
}

/// A picture in image space as an input of the network.
fn as_input(case: &Case<'_>, mut picture: Tensor) -> Tensor {
    for pixel in picture.data.chunks_exact_mut(case.low.len()) {
        for ((v, low), high) in pixel.iter_mut().zip(case.low).zip(case.high) {
            *v = low + *v * (high - low);
        }
    }
    picture
}

/// The picture after these pixels were imputed.
fn without(picture: &Tensor, imputed: &Imputed<'_>, pixels: &[usize]) -> Tensor {
    let (h, w) = (picture.shape.h, picture.shape.w);
    let mut gone = Mask::none(h, w);
    pixels.iter().for_each(|i| gone.remove_pixel(i / w, i % w));
    let mut current = picture.clone();
    imputed.update(&gone, picture.shape.rect(), &mut current);
    current
}
