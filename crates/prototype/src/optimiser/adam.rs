//! Adam.

use super::{Climber, Optimiser, Progress, Sizes, positive};
use crate::base::registry::{Entry, Kind, Param};

/// `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`, `x += s m' / (sqrt(v') + 1e-8)`, where `m'` and `v'` are divided by
/// `1 - b^t` (Kingma and Ba 2015). `s` goes from `step` to `end` in equal parts.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `step` | 0.02 | >= 0, in units of what is climbed (1: from black to white) |
/// | `end` | 0.005 | >= 0 |
/// | `beta1` | 0.9 | [0, 0.999999] |
/// | `beta2` | 0.999 | [0, 0.999999] |
#[derive(Clone, Copy)]
struct Adam {
    sizes: Sizes,
    betas: [f64; 2],
}

const fn share(key: &'static str, default: &'static str, help: &'static str) -> Param {
    Param { key, default, kind: Kind::Number { min: 0.0, max: 0.999_999 }, help }
}

pub(super) const ENTRY: Entry<dyn Optimiser> = Entry {
    id: "adam",
    summary: "steps of each value by its own running means of gradient and squared gradient",
    cite: "kingma2015adam",
    params: &[
        positive("step", "0.02", "size of the first step; 1 is from black to white"),
        positive("end", "0.005", "size of the last step, between them in equal parts"),
        share("beta1", "0.9", "what stays of the mean of the gradient at each step"),
        share("beta2", "0.999", "what stays of the mean of its square"),
    ],
    build: |args| {
        let sizes = Sizes { step: args.f64("step"), end: args.f64("end") };
        Ok(Box::new(Adam { sizes, betas: [args.f64("beta1"), args.f64("beta2")] }))
    },
};

/// Keeps a quotient finite.
const TINY: f64 = 1e-8;

struct OnTheWay {
    adam: Adam,
    means: Vec<[f64; 2]>,
    /// The betas to the power of the steps so far.
    left: [f64; 2],
}

impl Optimiser for Adam {
    fn begin(&self, values: usize) -> Box<dyn Climber> {
        Box::new(OnTheWay { adam: *self, means: vec![[0.0; 2]; values], left: [1.0; 2] })
    }
}

impl Climber for OnTheWay {
    fn step(&mut self, x: &mut [f32], g: &[f32], at: Progress) {
        let size = self.adam.sizes.size(at);
        let [b1, b2] = self.adam.betas;
        self.left = [self.left[0] * b1, self.left[1] * b2];
        for ((x, g), [m, v]) in x.iter_mut().zip(g).zip(&mut self.means) {
            let g = f64::from(*g);
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            let (m, v) = (*m / (1.0 - self.left[0]), *v / (1.0 - self.left[1]));
            *x += (size * m / (v.sqrt() + TINY)) as f32;
        }
    }
}
