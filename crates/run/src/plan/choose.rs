//! Which pictures a run uses: the steps of its selection, then a random sample of what is left.

use super::PlanError;
use crate::{
    answer::{predicted, right},
    base::rng::Seed,
    data::{
        Dataset,
        select::{self, Guess, Known, Step},
    },
    nn::{model::Model, preprocess::Preprocess, tensor::Tensor},
    stop::Stop,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one step of a selection left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The step; `images:N` for the sample at the end.
    pub step: String,
    /// Pictures after it.
    pub pictures: usize,
}

/// What is needed to look at pictures.
pub(super) struct Looks<'a> {
    pub(super) model: &'a Model,
    pub(super) data: &'a dyn Dataset,
    pub(super) preprocess: &'a Preprocess,
    pub(super) stop: &'a Stop,
}

impl Looks<'_> {
    /// Indices of the chosen pictures, ascending, and what each step left.
    ///
    /// The sample at the end is random because data sets are sorted by class or let the classes
    /// take turns, so neither the first nor evenly spaced pictures would do. A smaller sample is
    /// part of a larger one, and the experiment's seed does not change it.
    pub(super) fn choose(
        &self,
        steps: &[Step],
        images: Option<usize>,
    ) -> Result<(Vec<usize>, Vec<Chosen>), PlanError> {
        let mut left: Vec<usize> = (0..self.data.len()).collect();
        let mut chosen = Vec::new();
        let mut guesses: BTreeMap<usize, Option<Guess>> = BTreeMap::new();
        for step in steps {
            if step.needs_guess() {
                let unknown: Vec<usize> =
                    left.iter().copied().filter(|i| !guesses.contains_key(i)).collect();
                let new = unknown.into_par_iter().map(|i| {
                    let told = self.stop.is_now() || self.stop.is_soon();
                    if told { Err(PlanError::Stopped) } else { Ok((i, self.guess(i)?)) }
                });
                guesses.extend(new.collect::<Result<Vec<_>, _>>()?);
            }
            let known = Known {
                labels: &|i| self.data.labels(i),
                guess: &|i| guesses.get(&i).copied().flatten(),
                classes: self.data.classes().or(self.model.classes.as_deref()),
                words: &|i| self.data.words(i),
            };
            left = select::apply(step, &left, &known)?;
            chosen.push(Chosen { step: step.to_string(), pictures: left.len() });
        }
        // also without `images`, so that the manifest of the same run again is the same
        let asked = images.unwrap_or(left.len());
        left = self.sample(&left, asked, steps)?;
        chosen.push(Chosen { step: format!("images:{asked}"), pictures: left.len() });
        Ok((left, chosen))
    }

    fn sample(
        &self,
        left: &[usize],
        asked: usize,
        steps: &[Step],
    ) -> Result<Vec<usize>, PlanError> {
        let found = left.len();
        if asked > found {
            let from = match steps.last() {
                None => format!("`{}` has", self.data.name()),
                Some(step) => format!("the selection `{step}` leaves"),
            };
            return Err(PlanError::Images { asked, from, found });
        }
        let drawn = select::sample(found, asked, Seed(0));
        Ok(drawn.into_iter().map(|at| left[at]).collect())
    }

    /// What the network thinks of a picture; `None` when it is broken or cannot be classified, for
    /// which the run gives the reason. One that cannot be read just now is an error: without it others
    /// would be chosen.
    fn guess(&self, i: usize) -> Result<Option<Guess>, PlanError> {
        match self.data.item(i) {
            Ok(item) => self.classify(i, &item.image),
            Err(source) if source.is_momentary() => {
                Err(PlanError::Unread { what: "the selection of pictures", source })
            }
            Err(_) => Ok(None),
        }
    }

    fn classify(&self, i: usize, image: &Tensor) -> Result<Option<Guess>, PlanError> {
        let Ok(picture) = self.preprocess.picture(image) else { return Ok(None) };
        let graph = &self.model.graph;
        let logits = graph.scores(&[self.preprocess.normalise(&picture)])?.swap_remove(0);
        let Ok(class) = predicted(&logits) else { return Ok(None) };
        let right = right(graph.head(), &logits, &self.data.labels(i));
        Ok(Some(Guess { right, confidence: graph.head().probability(&logits, class) }))
    }
}
