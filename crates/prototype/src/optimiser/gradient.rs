//! Steps along the gradient.

use super::{Climber, Optimiser, Progress, Sizes, positive};
use crate::base::registry::{Entry, Kind, Param};

/// `x += s g / n(g)`: a step of size `s` up the gradient `g`, whose size is taken out: `n` is the mean of its absolute
/// values (as in the published code of Nguyen et al. 2016), its length (root of the sum of squares), or 1. `s` goes from
/// `step` to `end` in equal parts.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `step` | 0.02 | >= 0, in units of what is climbed (1: from black to white) |
/// | `end` | 0.005 | >= 0 |
/// | `per` | mean | mean, length, none |
struct Gradient {
    sizes: Sizes,
    per: Per,
}

#[derive(Clone, Copy)]
enum Per {
    Mean,
    Length,
    Nothing,
}

pub(super) const ENTRY: Entry<dyn Optimiser> = Entry {
    id: "gradient",
    summary: "steps along the gradient, whose size is taken out",
    cite: "nguyen2016synthesizing",
    params: &[
        positive("step", "0.02", "size of the first step; 1 is from black to white"),
        positive("end", "0.005", "size of the last step, between them in equal parts"),
        Param {
            key: "per",
            default: "mean",
            kind: Kind::Word(&["mean", "length", "none"]),
            help: "what the gradient is divided by: the mean of its absolute values, its length, or nothing",
        },
    ],
    build: |args| {
        let per = match args.text("per") {
            "mean" => Per::Mean,
            "length" => Per::Length,
            _ => Per::Nothing,
        };
        let sizes = Sizes { step: args.f64("step"), end: args.f64("end") };
        Ok(Box::new(Gradient { sizes, per }))
    },
};

impl Optimiser for Gradient {
    fn begin(&self, _: usize) -> Box<dyn Climber> {
        Box::new(Gradient { ..*self })
    }
}

impl Per {
    fn size(self, g: &[f32]) -> f64 {
        match self {
            Per::Mean => g.iter().map(|v| f64::from(v.abs())).sum::<f64>() / g.len() as f64,
            Per::Length => g.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt(),
            Per::Nothing => 1.0,
        }
    }
}

impl Climber for Gradient {
    fn step(&mut self, x: &mut [f32], g: &[f32], at: Progress) {
        let size = self.per.size(g);
        if size > 0.0 {
            let factor = self.sizes.size(at) / size;
            x.iter_mut().zip(g).for_each(|(x, g)| *x += (factor * f64::from(*g)) as f32);
        }
    }
}
