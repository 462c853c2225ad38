//! One picture on its way from the data set to what methods explain.

use super::{
    answer::{predicted, right},
    config::Target,
    plan::Plan,
};
use crate::{
    base::{
        geom::Shape,
        unit::{Grid, Regions},
        words::count,
    },
    data::{DataError, Item, object::Object},
    explain::{Case, HeatMap},
    nn::{graph::Activations, tensor::Tensor},
};
use std::{borrow::Cow, time::Instant};

/// A picture, passed through the network once.
#[derive(Debug)]
pub struct Subject {
    /// Index of the picture in the data set.
    pub index: usize,
    /// Id of the picture.
    pub id: String,
    /// Its class, where known.
    pub label: Option<usize>,
    /// All classes that it shows, the label first.
    pub labels: Vec<usize>,
    /// Classes of which it is left open whether it shows them.
    pub unsure: Vec<usize>,
    /// What the network says of it, where pictures of the set show several classes.
    pub logits: Option<Vec<f32>>,
    /// Shape of the picture as it was decoded.
    pub decoded: Shape,
    /// Words of a text: its units, the first of those of the network; `None` of a picture.
    pub words: Option<usize>,
    /// The picture in image space, shape of the network's input.
    pub picture: Tensor,
    /// Where the object is in it, for pictures with boxes or a mask: that of the target, or else that of
    /// the label.
    pub object: Option<Object>,
    /// The class of that object, where known.
    pub shows: Option<usize>,
    /// Values of all nodes; those of the input are the picture in input space.
    pub acts: Activations,
    /// The class with the largest logit (the first of several).
    pub predicted: usize,
    /// The class whose score is watched.
    pub target: usize,
    /// The network's output for it.
    pub score: f64,
    /// Its probability, where there are probabilities.
    pub probability: Option<f64>,
    /// How many classes have a larger logit than the label, where there is one; of several the best.
    pub rank: Option<usize>,
    /// Whether the network says a label, where there is one.
    pub right: Option<bool>,
    /// How long it took to decode and prepare it.
    pub prepared: f64,
    /// How long the pass took.
    pub seconds: f64,
}

/// Why a picture cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unusable {
    /// In words.
    pub reason: String,
    /// True where the system could not read it, which may be otherwise the next time.
    pub momentary: bool,
}

impl From<DataError> for Unusable {
    fn from(e: DataError) -> Unusable {
        Unusable { reason: e.to_string(), momentary: e.is_momentary() }
    }
}

impl From<String> for Unusable {
    fn from(reason: String) -> Unusable {
        Unusable { reason, momentary: false }
    }
}

/// Why a picture cannot be shown to the network, if it cannot; the network is not asked.
pub(super) fn check(plan: &Plan, index: usize) -> Result<(), Unusable> {
    let item = plan.data.item(index)?;
    enough_words(plan, plan.data.words(index))?;
    Ok(plan.preprocess.picture(&item.image).map(drop).map_err(|e| e.to_string())?)
}

impl Subject {
    /// Decodes, prepares and classifies picture `index` of the data set. The error says in words
    /// why the picture cannot be used.
    pub fn load(plan: &Plan, index: usize) -> Result<Subject, Unusable> {
        let start = Instant::now();
        let item = plan.data.item(index)?;
        let words = plan.data.words(index);
        enough_words(plan, words)?;
        let picture = plan.preprocess.picture(&item.image).map_err(|e| e.to_string())?;
        let input = plan.preprocess.normalise(&picture);
        let prepared = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let acts = plan.model.graph.pass(&input).map_err(|e| e.to_string())?;
        let seconds = start.elapsed().as_secs_f64();
        let logits = &acts.value(plan.model.graph.output()).data;
        let predicted = predicted(logits)?;
        let target = match (plan.target, item.label) {
            (Target::Predicted, _) => predicted,
            (Target::Index(class), _) => class,
            (Target::Label, Some(label)) if label < logits.len() => label,
            (Target::Label, Some(label)) => {
                return Err(format!(
                    "its label is {label}, but the network has only {} classes",
                    logits.len()
                )
                .into());
            }
            (Target::Label, None) => {
                return Err("it has no label to be the target".to_owned().into());
            }
        };
        let labels = plan.data.labels(index);
        let rank = labels.iter().filter_map(|label| rank(logits, *label)).min();
        let (object, shows) = object(plan, index, &item, target)?;
        let right = right(plan.model.graph.head(), logits, &labels);
        let score = f64::from(logits[target]);
        let probability = plan.model.graph.head().probability_in_double(logits, target);
        let logits = plan.has_label_sets.then(|| logits.clone());
        let (id, label, decoded) = (item.id, item.label, item.image.shape);
        Ok(Subject {
            index,
            id,
            label,
            labels,
            unsure: plan.data.unsure(index),
            logits,
            decoded,
            words,
            picture,
            object,
            shows,
            acts,
            predicted,
            target,
            score,
            probability,
            rank,
            right,
            prepared,
            seconds,
        })
    }

    /// The units that it has: all regions, or the words of a text.
    pub fn grid(&self, regions: &Regions) -> Grid {
        match self.words {
            Some(words) => regions.grid.leading(words),
            None => regions.grid,
        }
    }

    /// The part of a heat map that is no padding of a text.
    pub(super) fn used<'h>(&self, heat: &'h HeatMap) -> Cow<'h, HeatMap> {
        match self.words {
            Some(words) => {
                Cow::Owned(heat.slice(ndarray::s![..words.min(heat.nrows()), ..]).to_owned())
            }
            None => Cow::Borrowed(heat),
        }
    }

    /// What a method is asked to explain.
    pub fn case<'a>(&'a self, plan: &'a Plan) -> Case<'a> {
        Case {
            graph: &plan.model.graph,
            acts: &self.acts,
            target: self.target,
            low: &plan.low,
            high: &plan.high,
            seed: plan.seed,
            image: &self.id,
        }
    }
}

/// Refuses a text with fewer words than are taken away.
fn enough_words(plan: &Plan, words: Option<usize>) -> Result<(), Unusable> {
    let last = plan.regions.iter().map(Regions::last).max().unwrap_or(0);
    match words {
        Some(words) if words < last => Err(format!(
            "it has {}, fewer than the {last} that are removed (`steps`)",
            count(words, "word")
        )
        .into()),
        _ => Ok(()),
    }
}

/// The object of the target where the annotation knows it, else that of the label; with its class.
fn object(
    plan: &Plan,
    index: usize,
    item: &Item,
    target: usize,
) -> Result<(Option<Object>, Option<usize>), Unusable> {
    let (shape, preprocess) = (item.image.shape, &plan.preprocess);
    let other = match item.label {
        Some(label) if label != target => plan.data.others(index, target, shape),
        _ => Ok(None),
    };
    let found = match other? {
        Some(other) => {
            let object = Object::marked(&other.boxes, other.mask.as_deref(), shape, preprocess);
            object.map(|object| (object, Some(target)))
        }
        None => Object::of(item, preprocess).map(|object| (object, item.label)),
    };
    Ok(found.map_err(|e| e.to_string())?)
}

/// How many classes have a larger logit than `label`; `None` for a class that does not exist.
fn rank(logits: &[f32], label: usize) -> Option<usize> {
    let own = logits.get(label)?;
    Some(logits.iter().filter(|v| *v > own).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_counts_the_classes_above_the_label() {
        let logits = [0.5, 2.0, -1.0, 1.0];
        assert_eq!(
            (0..5).map(|l| rank(&logits, l)).collect::<Vec<_>>(),
            [Some(2), Some(0), Some(3), Some(1), None]
        );
    }
}
