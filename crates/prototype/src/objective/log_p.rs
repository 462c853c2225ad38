//! The log probability of a class.

use super::{Aim, Net, Objective, ObjectiveError, RECTIFIER, before_rectifier};
use crate::{
    base::registry::Entry,
    nn::{graph::Graph, head::Head, tensor::Tensor},
};

/// `log p(c|x)`: of the softmax, `f_c - log sum_k exp f_k`, or of the class's own sigmoid. Beside the score of the class
/// it lowers those of the others, and it saturates where the network is sure.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `rectifier` | before | before, kept |
struct LogP {
    rectifier: String,
}

pub(super) const ENTRY: Entry<dyn Objective> = Entry {
    id: "log-p",
    summary: "the logarithm of the class's probability",
    cite: "montavon2018methods",
    params: &[RECTIFIER],
    build: |args| Ok(Box::new(LogP { rectifier: args.text("rectifier").to_owned() })),
};

impl Objective for LogP {
    fn net(&self, graph: &Graph) -> Result<Net, ObjectiveError> {
        if !graph.head().has_probabilities() {
            return Err(ObjectiveError::NoProbability);
        }
        before_rectifier(graph, &self.rectifier)
    }

    fn aim(&self, climbed: &Tensor, head: Head, class: usize) -> Aim {
        let z: Vec<f64> = climbed.data.iter().map(|z| f64::from(*z)).collect();
        let mut seed = Tensor::zeros(climbed.shape);
        if head.compares() {
            let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = z.iter().map(|z| (z - top).exp()).sum();
            for (k, (s, z)) in seed.data.iter_mut().zip(&z).enumerate() {
                let own = if k == class { 1.0 } else { 0.0 };
                *s = (own - (z - top).exp() / sum) as f32;
            }
            return Aim { value: z[class] - top - sum.ln(), seed };
        }
        // log sigmoid(z) = min(z, 0) - log(1 + exp(-|z|))
        let z = z[class];
        seed.data[class] = (1.0 / (1.0 + z.exp())) as f32;
        Aim { value: z.min(0.0) - (-z.abs()).exp().ln_1p(), seed }
    }
}
