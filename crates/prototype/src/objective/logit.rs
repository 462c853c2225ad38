//! The score of a class.

use super::{Aim, Net, Objective, ObjectiveError, RECTIFIER, before_rectifier};
use crate::{
    base::registry::Entry,
    nn::{graph::Graph, head::Head, tensor::Tensor},
};

/// The class score before softmax or sigmoid, `f_c(x)`: unlike the probability it does not saturate.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `rectifier` | before | before, kept |
struct Logit {
    rectifier: String,
}

pub(super) const ENTRY: Entry<dyn Objective> = Entry {
    id: "logit",
    summary: "the class score before softmax or sigmoid",
    cite: "simonyan2014deep",
    params: &[RECTIFIER],
    build: |args| Ok(Box::new(Logit { rectifier: args.text("rectifier").to_owned() })),
};

impl Objective for Logit {
    fn net(&self, graph: &Graph) -> Result<Net, ObjectiveError> {
        before_rectifier(graph, &self.rectifier)
    }

    fn aim(&self, climbed: &Tensor, _: Head, class: usize) -> Aim {
        let mut seed = Tensor::zeros(climbed.shape);
        seed.data[class] = 1.0;
        Aim { value: f64::from(climbed.data[class]), seed }
    }
}
