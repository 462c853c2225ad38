//! Context use (Lapuschkin et al. 2016): for each picture `mean positive relevance outside the object / mean positive
//! relevance inside`, for one or several models. 1 says that the network does not prefer the object, 0 that it looks
//! nowhere else.

mod groups;

pub use groups::{Grouping, Groups};

use crate::{
    base::registry::Named,
    curves::used,
    event::Event,
    explain::Explainer,
    manifest::{Counts, Outcome},
    measure::{Measure, measure},
    models::{Models, Other},
    output::Output,
    plan::{Plan, PlanError},
    runner::RunError,
    stop::Stop,
    study::{Done, Entry, Gathered, PartFile, Study, Work, settings, whole},
    subject::Subject,
    table::{TableError, record, record::Counts as Numbers, record::Record},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// In the table of studies.
pub const ENTRY: Entry = Entry {
    name: "context",
    files: &[ANSWERS, USES],
    build: |plan, facts| Ok(Box::new(Context::new(plan, settings(facts)?, &Stop::default())?)),
};

const ANSWERS: PartFile = PartFile::of::<Answer>("parts", "answers", true);
const USES: PartFile = PartFile::of::<Use>("parts", "context", true);

/// The metric that says how much of the relevance is context.
pub const METRIC: &str = "context-ratio";

record! {
    /// What a model says of a picture.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Answer {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// name of the model
        pub model: String,
        /// class index; null where unknown
        pub label: Option<u64>,
        /// class that the model says
        pub predicted: Option<u64>,
        /// probability of that class; null where there are none
        pub probability: Option<f64>,
        /// 1 where the label is said
        pub right: Option<bool>,
        /// indices of all classes that the picture shows, the label first; only where pictures show several
        pub labels: Option<Vec<u64>> as Numbers = None => sparse,
        /// classes of which it is left open whether the picture shows them
        pub unsure: Option<Vec<u64>> as Numbers = None => sparse,
        /// the model's outputs, class by class; only where pictures show several classes
        pub logits: Option<Vec<f32>> = None => sparse,
        /// why the model says nothing
        pub reason: Option<String>,
    }
}

record! {
    /// How much of the relevance of a picture is context.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Use {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// name of the model
        pub model: String,
        /// canonical name of the method, with all parameters
        pub method: String,
        /// class index; null where unknown
        pub label: Option<u64>,
        /// class whose score is explained
        pub target: Option<u64>,
        /// 1 where the model says the label
        pub right: Option<bool>,
        /// the group that the picture belongs to; null where it belongs to none
        pub group: Option<String>,
        /// mean positive relevance outside the object over that inside
        pub ratio: Option<f64>,
        /// 1 where the method or the model failed
        pub failed: bool,
        /// why there is no ratio
        pub reason: Option<String>,
    }
}

/// What decides about the results besides the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Models beside the first.
    #[serde(default)]
    pub models: Vec<Other>,
    /// How pictures are grouped.
    #[serde(default)]
    pub groups: Grouping,
}

/// The context use on the pictures of a plan.
pub struct Context<'p> {
    plan: &'p Plan,
    settings: Settings,
    models: Models<'p>,
    groups: Groups,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Uses {
    /// One row per picture and model.
    pub answers: Vec<Answer>,
    /// One row per picture, model and method.
    pub uses: Vec<Use>,
}

impl Uses {
    /// The tables in a folder of results.
    pub fn read(folder: &Path) -> Result<Uses, TableError> {
        let path = |name: &str| folder.join(format!("{name}.parquet"));
        Ok(Uses { answers: Answer::read(&path("answers"))?, uses: Use::read(&path("context"))? })
    }
}

impl<'p> Context<'p> {
    /// The study of a plan; reads the other models and the groups. The plan's metrics are those of
    /// [`METRIC`], one per kind of mark.
    pub fn new(
        plan: &'p Plan,
        mut settings: Settings,
        stop: &Stop,
    ) -> Result<Context<'p>, PlanError> {
        if plan.metrics.is_empty() || !plan.metrics.iter().all(|m| m.name.starts_with(METRIC)) {
            let problem = format!(
                "no picture of `{}` has an object marked by a box or a mask, so nothing says what is context",
                plan.data.name()
            );
            return Err(PlanError::Study { problem });
        }
        let models = Models::of(plan, &mut settings.models, stop)?;
        let groups = Groups::read(&mut settings.groups, plan)?;
        Ok(Context { plan, settings, models, groups })
    }

    /// The models.
    pub fn models(&self) -> &Models<'p> {
        &self.models
    }
}

impl Study for Context<'_> {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn plan(&self) -> &Plan {
        self.plan
    }

    fn facts(&self) -> Option<Value> {
        Some(serde_json::to_value(&self.settings).expect("plain data"))
    }

    fn begins(&self, pictures: usize, finished: usize) -> Event {
        let explanations = self.models.len() * self.plan.methods.len();
        Event::Explaining { pictures, finished, explanations }
    }

    fn picture(&self, subject: Subject, work: &Work<'_>) -> Option<Done> {
        let (mut answers, mut uses) = (Vec::new(), Vec::new());
        for (k, (name, plan)) in self.models.each().enumerate() {
            let other = (k > 0).then(|| Subject::load(plan, work.index));
            let own = match &other {
                None => Ok(&subject),
                Some(Ok(other)) => Ok(other),
                Some(Err(unusable)) => Err(unusable.reason.clone()),
            };
            answers.push(answer(plan, name, &subject, own.as_ref().copied()));
            let group = self.groups.of(&subject, own.as_ref().ok().copied());
            for method in &plan.methods {
                if work.is_over() {
                    return None;
                }
                let found = used_context(plan, method, own.clone(), work);
                work.explained(&subject.id, 1);
                uses.push(row(name, method, &subject, found, group.as_deref()));
            }
        }
        let tables = vec![Answer::table(&answers), Use::table(&uses)];
        Some(Done { picture: used(self.plan, &subject), tables, unread: None })
    }

    fn any_failed(&self, output: &Output, part: usize) -> Result<bool, RunError> {
        let uses = Use::read(&output.root().join(USES.path(part)))?;
        Ok(uses.iter().any(|row| row.failed))
    }

    fn collect(&self, output: &Output, gathered: Gathered<'_>) -> Result<Outcome, RunError> {
        let names: Vec<&str> = self.models.each().map(|(name, _)| name).collect();
        let names = names.join(", ");
        let about = [("models", &names[..]), ("data", self.plan.data.name())];
        whole::<Answer>(output, &gathered, &ANSWERS, &about)?;
        let uses: Vec<Use> = whole(output, &gathered, &USES, &about)?;
        let undefined = uses.iter().filter(|row| row.ratio.is_none()).count();
        let failed = uses.iter().filter(|row| row.failed).count();
        let counts =
            [("maps", uses.len()), ("undefined", undefined), ("failed_explanations", failed)];
        Ok(Outcome::Other(Counts::of(gathered, counts)))
    }
}

/// What a model says of a picture; the error says why it says nothing.
pub(super) fn answer(
    plan: &Plan,
    model: &str,
    picture: &Subject,
    own: Result<&Subject, &String>,
) -> Answer {
    let numbers = |all: &[usize]| all.iter().map(|class| *class as u64).collect();
    let said = own.ok();
    let scores = said.map(|subject| &subject.acts.value(plan.model.graph.output()).data);
    let head = plan.model.graph.head();
    let probability = scores
        .zip(said)
        .and_then(|(scores, subject)| head.probability_in_double(scores, subject.predicted));
    let sets = plan.has_label_sets;
    Answer {
        image: picture.id.clone(),
        model: model.to_owned(),
        label: picture.label.map(|label| label as u64),
        predicted: said.map(|subject| subject.predicted as u64),
        probability,
        right: said.and_then(|subject| subject.right),
        labels: sets.then(|| numbers(&picture.labels)),
        unsure: sets.then(|| numbers(&picture.unsure)),
        logits: scores.filter(|_| sets).cloned(),
        reason: own.err().cloned(),
    }
}

/// The context use of a method's map, by the first kind of mark that the picture has, with what it is about.
fn used_context<'s>(
    plan: &Plan,
    method: &Named<dyn Explainer>,
    own: Result<&'s Subject, String>,
    work: &Work<'_>,
) -> Result<(&'s Subject, Measure), String> {
    let subject = own?;
    let heat = method.value.heat_map(&subject.case(plan)).map_err(|e| e.to_string());
    let heat = heat.inspect_err(|reason| {
        let (image, method) = (subject.id.clone(), method.name.clone());
        work.observer.on(&Event::Failed { image, method, reason: reason.clone() });
    })?;
    let mut values = measure(plan, subject, method, &heat);
    let first = values.iter().position(|m| m.value.is_some()).unwrap_or(0);
    Ok((subject, values.swap_remove(first)))
}

/// The row of a map, or of why there is none.
pub(super) fn row(
    model: &str,
    method: &Named<dyn Explainer>,
    picture: &Subject,
    found: Result<(&Subject, Measure), String>,
    group: Option<&str>,
) -> Use {
    let (own, value, reason, failed) = match found {
        Ok((own, measure)) => (Some(own), measure.value, measure.reason, false),
        Err(reason) => (None, None, Some(reason), true),
    };
    Use {
        image: picture.id.clone(),
        model: model.to_owned(),
        method: method.name.clone(),
        label: picture.label.map(|label| label as u64),
        target: own.map(|subject| subject.target as u64),
        right: own.and_then(|subject| subject.right),
        group: group.map(str::to_owned),
        ratio: value,
        failed,
        reason,
    }
}
