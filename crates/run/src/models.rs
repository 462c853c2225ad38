//! Several models on the pictures of one plan: the plan is that of the first, and each of the others has one of its own
//! for the same pictures.

use super::{
    plan::{Plan, PlanError},
    stop::Stop,
};
use crate::nn::preprocess::Settings;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A model beside the first one, as manifests keep it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Other {
    /// Its file, or the name of a built-in one; it may move.
    pub path: String,
    /// Digest of its content; empty before it was read.
    #[serde(default)]
    pub digest: String,
    /// How pictures become its input: what its sidecar says, written here in full when it was read.
    #[serde(default)]
    pub preprocess: Option<Settings>,
}

/// The models of a study.
pub struct Models<'p> {
    first: &'p Plan,
    others: Vec<Plan>,
    /// By what rows tell them apart.
    names: Vec<String>,
}

impl<'p> Models<'p> {
    /// Reads the others, and completes what is known of them.
    pub fn of(first: &'p Plan, given: &mut [Other], stop: &Stop) -> Result<Models<'p>, PlanError> {
        let mut others = Vec::with_capacity(given.len());
        for other in given {
            let plan = first.beside(&other.path, other.preprocess.clone(), stop)?;
            if !other.digest.is_empty() && other.digest != plan.model.digest {
                let problem = format!("the model file `{}` is not the same", other.path);
                return Err(PlanError::Study { problem });
            }
            other.digest.clone_from(&plan.model.digest);
            other.preprocess = Some(plan.preprocess.settings());
            others.push(plan);
        }
        let names = names(std::iter::once(first).chain(&others));
        Ok(Models { first, others, names })
    }

    /// Each with its name, the first one first.
    pub fn each(&self) -> impl Iterator<Item = (&str, &Plan)> {
        let plans = std::iter::once(self.first).chain(&self.others);
        self.names.iter().map(String::as_str).zip(plans)
    }

    /// Number of models.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never true.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Why predictions of a model and the first cannot be compared, where they cannot.
    pub fn apart(&self, plan: &Plan) -> Option<String> {
        let classes = |plan: &Plan| plan.model.graph.classes();
        let (one, other) = (classes(self.first), classes(plan));
        (one != other).then(|| format!("it has {other} classes, `{}` has {one}", self.names[0]))
    }
}

/// The names of the models; those that several have are numbered.
fn names<'a>(plans: impl Iterator<Item = &'a Plan>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    plans
        .map(|plan| {
            let name = &plan.model.name;
            let numbered = (2..).map(|n| format!("{name}-{n}"));
            let free = std::iter::once(name.clone()).chain(numbered).find(|n| !taken.contains(n));
            let free = free.expect("there are more numbers than models");
            taken.insert(free.clone());
            free
        })
        .collect()
}
