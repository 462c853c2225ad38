//! Comparing classifiers (Lapuschkin et al. 2016): do models that are equally good look at the same? On the same
//! pictures, each with its own preprocessing: what they say, how alike their heat maps are, how faithful each map is to
//! its own model and to the others, how much context they use.
//!
//! Maps of models that see a picture in different sizes or cuts are compared over the picture, by cells that both see.
//! A map under another model is moved there the same way; where both see the picture alike it keeps its bits, so that
//! a model compared with itself has the AOPC of a run.

mod frame;
mod outside;
mod tables;

pub use outside::{Given, Maps};
pub use tables::{Crossed, Pair};

use crate::{
    base::{registry::Named, unit::Regions},
    context::{Answer, METRIC, Use, answer, row as use_row},
    curves::{self, Foreign, used},
    event::Event,
    explain::{Explainer, HeatMap},
    gallery::visible,
    manifest::{Counts, Outcome},
    measure::measure,
    models::{Models, Other},
    nn::preprocess::Placement,
    output::Output,
    plan::{Plan, PlanError},
    probe::Frame,
    record::Row,
    runner::RunError,
    stop::Stop,
    study::{Done, Entry, Gathered, PartFile, Study, Work, settings, whole},
    subject::Subject,
    table::{TableError, record::Record},
};
use ndarray::Array2;
use outside::Outside;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// In the table of studies.
pub const ENTRY: Entry = Entry {
    name: "compare",
    files: &[ANSWERS, USES, PAIRS, CROSSED],
    build: |plan, facts| Ok(Box::new(Compare::new(plan, settings(facts)?, &Stop::default())?)),
};

const ANSWERS: PartFile = PartFile::of::<Answer>("parts", "answers", true);
const USES: PartFile = PartFile::of::<Use>("parts", "context", true);
const PAIRS: PartFile = PartFile::of::<Pair>("parts", "pairs", true);
const CROSSED: PartFile = PartFile::of::<Crossed>("parts", "crossed", true);

/// Pictures that people are shown when no number is given.
pub const SHOWN: usize = 12;

/// What decides about the results besides the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Models beside the first.
    #[serde(default)]
    pub models: Vec<Other>,
    /// Models outside the program.
    #[serde(default)]
    pub outside: Vec<Given>,
    /// Whether regions are removed, which is most of the work.
    #[serde(default)]
    pub flip: bool,
}

/// The comparison of the models of a plan.
pub struct Compare<'p> {
    plan: &'p Plan,
    settings: Settings,
    models: Models<'p>,
    outside: Vec<Outside>,
    shown: usize,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Compared {
    /// One row per picture and model.
    pub answers: Vec<Answer>,
    /// One row per picture, model and method.
    pub uses: Vec<Use>,
    /// One row per picture, method and two models.
    pub pairs: Vec<Pair>,
    /// One row per curve.
    pub crossed: Vec<Crossed>,
    /// What people are shown of some pictures.
    pub frames: Vec<Frame>,
}

impl Compared {
    /// The tables in a folder of results.
    pub fn read(folder: &Path) -> Result<Compared, TableError> {
        let path = |name: &str| folder.join(format!("{name}.parquet"));
        Ok(Compared {
            answers: Answer::read(&path("answers"))?,
            uses: Use::read(&path("context"))?,
            pairs: Pair::read(&path("pairs"))?,
            crossed: Crossed::read(&path("crossed"))?,
            frames: Frame::read(&path("frames"))?,
        })
    }
}

/// A map with what whole numbers it has.
type Heat = (HeatMap, Option<Array2<i128>>);

/// A model on a picture.
struct View<'v> {
    name: &'v str,
    plan: &'v Plan,
    /// The picture as it sees it, or why it does not.
    subject: Result<&'v Subject, String>,
    placement: Result<Placement, String>,
    /// A heat map per method, or why there is none.
    heats: Vec<Result<Heat, String>>,
    /// Whether it has a network that can be asked.
    network: bool,
}

impl<'p> Compare<'p> {
    /// The study of a plan; reads the other models.
    pub fn new(
        plan: &'p Plan,
        mut settings: Settings,
        stop: &Stop,
    ) -> Result<Compare<'p>, PlanError> {
        let models = Models::of(plan, &mut settings.models, stop)?;
        let outside = settings.outside.iter_mut().map(|given| Outside::open(given, plan));
        let outside = outside.collect::<Result<Vec<_>, PlanError>>()?;
        if models.len() + outside.len() < 2 {
            let problem = "a comparison needs two models at least".to_owned();
            return Err(PlanError::Study { problem });
        }
        let taken = |name: &str| models.each().any(|(other, _)| other == name);
        if let Some(double) = outside.iter().find(|outside| taken(&outside.name)) {
            let problem = format!("two models are called `{}`", double.name);
            return Err(PlanError::Study { problem });
        }
        Ok(Compare { plan, settings, models, outside, shown: SHOWN })
    }

    /// The same with so many pictures shown, which is no part of the numbers.
    #[must_use]
    pub fn showing(self, pictures: usize) -> Compare<'p> {
        Compare { shown: pictures, ..self }
    }

    /// Why predictions are not compared, for each model whose classes are others than those of the first.
    pub fn apart(&self) -> Vec<String> {
        let others = self.models.each();
        others
            .filter_map(|(name, plan)| Some(format!("`{name}`: {}", self.models.apart(plan)?)))
            .collect()
    }
}

impl Study for Compare<'_> {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn plan(&self) -> &Plan {
        self.plan
    }

    fn facts(&self) -> Option<Value> {
        Some(serde_json::to_value(&self.settings).expect("plain data"))
    }

    fn regions(&self) -> &[Regions] {
        if self.settings.flip { &self.plan.regions } else { &[] }
    }

    fn begins(&self, pictures: usize, finished: usize) -> Event {
        let models = self.models.len();
        if self.settings.flip {
            let maps = models * (models + self.outside.iter().filter(|o| o.maps.is_some()).count());
            let (curves, masked) =
                (self.plan.curves_per_picture(), self.plan.masked_curves_per_picture());
            return Event::Started {
                pictures,
                finished,
                curves: maps * curves,
                masked: maps * masked,
            };
        }
        Event::Explaining { pictures, finished, explanations: models * self.plan.methods.len() }
    }

    fn picture(&self, subject: Subject, work: &Work<'_>) -> Option<Done> {
        let others: Vec<Result<Subject, String>> = self
            .models
            .each()
            .skip(1)
            .map(|(_, plan)| Subject::load(plan, work.index).map_err(|e| e.reason))
            .collect();
        let views = self.views(&subject, &others, Some(work))?;
        let (answers, uses) = (self.answers(&subject, &views), uses(&subject, &views));
        let pairs = self.pairs(&subject, &views, &answers);
        let known = used(self.plan, &subject);
        let maps = if self.settings.flip { Compare::maps(&views) } else { Vec::new() };
        drop(views);
        let image = subject.id.clone();
        let subjects = std::iter::once(Ok(subject)).chain(others);
        let crossed = self.crossed(&image, subjects, &maps, work)?;
        let tables = vec![
            Answer::table(&answers),
            Use::table(&uses),
            Pair::table(&pairs),
            Crossed::table(&crossed),
        ];
        Some(Done { picture: known, tables, unread: None })
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
        let pairs: Vec<Pair> = whole(output, &gathered, &PAIRS, &about)?;
        let mut curves = 0;
        let mut all = Crossed::growing(&output.root().join("crossed.parquet"));
        for &part in gathered.parts {
            let rows = Crossed::read(&output.root().join(CROSSED.path(part)))?;
            curves += rows.len();
            all.append(&Crossed::table(&rows))?;
        }
        all.finish()?;
        let frames = self.frames(&pairs);
        Frame::write(&output.root().join("frames.parquet"), &frames)?;
        let failed = uses.iter().filter(|row| row.failed).count();
        let counts = [("pairs", pairs.len()), ("curves", curves), ("failed_explanations", failed)];
        Ok(Outcome::Other(Counts::of(gathered, counts)))
    }
}

/// A heat map with its whole numbers.
fn heat(method: &dyn Explainer, plan: &Plan, subject: &Subject) -> Result<Heat, String> {
    let case = subject.case(plan);
    let heat = method.heat_map(&case).map_err(|e| e.to_string())?;
    Ok((heat, method.whole_heat_map(&case).map_err(|e| e.to_string())?))
}

impl Compare<'_> {
    /// What each model sees and looks at; `None` when stopped.
    fn views<'v>(
        &'v self,
        first: &'v Subject,
        others: &'v [Result<Subject, String>],
        work: Option<&Work<'_>>,
    ) -> Option<Vec<View<'v>>> {
        let subjects = std::iter::once(Ok(first))
            .chain(others.iter().map(|o| o.as_ref().map_err(Clone::clone)));
        let mut views = Vec::new();
        for ((name, plan), subject) in self.models.each().zip(subjects) {
            let mut heats = Vec::new();
            for method in &plan.methods {
                if work.is_some_and(Work::is_over) {
                    return None;
                }
                let own = subject.as_ref().map_err(Clone::clone);
                let heat = own.and_then(|subject| heat(&*method.value, plan, subject));
                if let (Err(reason), Some(work)) = (&heat, work) {
                    let (image, method) = (first.id.clone(), method.name.clone());
                    work.observer.on(&Event::Failed { image, method, reason: reason.clone() });
                }
                heats.push(heat);
            }
            let placement = frame::placement(&plan.preprocess, first.decoded);
            views.push(View { name, plan, subject, placement, heats, network: true });
        }
        for outside in &self.outside {
            let none = || Err("it has no heat maps".to_owned());
            let own = outside
                .maps
                .as_ref()
                .map_or_else(none, |maps| heat(&*maps.value, self.plan, first));
            views.push(View {
                name: &outside.name,
                plan: self.plan,
                subject: Err("it is a table of scores".to_owned()),
                placement: frame::placement(&self.plan.preprocess, first.decoded),
                heats: vec![own; self.plan.methods.len()],
                network: false,
            });
        }
        Some(views)
    }

    fn answers(&self, first: &Subject, views: &[View<'_>]) -> Vec<Answer> {
        let networks = views
            .iter()
            .filter(|view| view.network)
            .map(|view| answer(view.plan, view.name, first, view.subject.as_ref().copied()));
        networks.chain(self.outside.iter().map(|outside| outside.answer(first))).collect()
    }

    fn pairs(&self, first: &Subject, views: &[View<'_>], answers: &[Answer]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (k, method) in self.plan.methods.iter().enumerate() {
            for (b, other) in views.iter().enumerate() {
                for (a, one) in views[..b].iter().enumerate() {
                    let same = answers[a].predicted.zip(answers[b].predicted);
                    let same = same.filter(|_| self.same_classes(one, other)).map(|(a, b)| a == b);
                    pairs.push(pair(first, &method.name, k, one, other, same));
                }
            }
        }
        pairs
    }

    fn same_classes(&self, one: &View<'_>, other: &View<'_>) -> bool {
        let apart = |view: &View<'_>| view.network && self.models.apart(view.plan).is_some();
        !apart(one) && !apart(other)
    }

    /// The maps of all models for each network, in its frame, method by method.
    fn maps(views: &[View<'_>]) -> Vec<Vec<Moved>> {
        let networks = views.iter().filter(|view| view.network);
        let of = |to: &View<'_>| {
            let one = |(from, k): (&View<'_>, usize)| Moved {
                map_of: from.name.to_owned(),
                method: k,
                heat: moved(from, to, k),
            };
            let pairs = views.iter().flat_map(|from| (0..from.heats.len()).map(move |k| (from, k)));
            pairs.map(one).collect()
        };
        networks.map(of).collect()
    }
}

/// A map in the frame of a network.
struct Moved {
    map_of: String,
    /// Place of the method in the plan.
    method: usize,
    heat: Result<Heat, String>,
}

fn moved(from: &View<'_>, to: &View<'_>, k: usize) -> Result<Heat, String> {
    let (heat, whole) = from.heats[k].as_ref().map_err(Clone::clone)?;
    let own = to.subject.as_ref().map_err(Clone::clone)?;
    let explained = from.subject.as_ref().ok().map(|subject| subject.target);
    if explained.is_some_and(|class| class != own.target) {
        return Err(format!(
            "the map explains class {}, the score is that of class {}",
            explained.unwrap_or_default(),
            own.target
        ));
    }
    let (of, onto) = (
        from.placement.as_ref().map_err(Clone::clone)?,
        to.placement.as_ref().map_err(Clone::clone)?,
    );
    let input = to.plan.model.graph.input_shape();
    let whole = whole.clone().filter(|_| of == onto);
    Ok((frame::moved(heat, of, onto, input), whole))
}

impl Compare<'_> {
    /// The curves of all maps under all networks; `None` when stopped.
    fn crossed(
        &self,
        image: &str,
        subjects: impl Iterator<Item = Result<Subject, String>>,
        maps: &[Vec<Moved>],
        work: &Work<'_>,
    ) -> Option<Vec<Crossed>> {
        let mut rows = Vec::new();
        if maps.is_empty() {
            return Some(rows);
        }
        for (((name, plan), subject), maps) in self.models.each().zip(subjects).zip(maps) {
            // a network that does not see the picture has no curves: its answer says why
            let Ok(subject) = subject else { continue };
            let foreign: Vec<Foreign<'_>> = maps
                .iter()
                .map(|map| Foreign { method: &plan.methods[map.method], heat: map.heat.clone() })
                .collect();
            let curves = curves::flipped(plan, subject, &foreign, work)?;
            for (map, curves) in maps.iter().zip(curves) {
                rows.extend(curves.into_iter().map(|row| crossed(image, &map.map_of, name, row)));
            }
        }
        Some(rows)
    }
}

fn crossed(image: &str, map_of: &str, model: &str, row: Row) -> Crossed {
    Crossed {
        image: image.to_owned(),
        method: row.method,
        map_of: map_of.to_owned(),
        model: model.to_owned(),
        target: row.target,
        perturbation: row.perturbation,
        region: row.region,
        removal_order: row.order,
        repeat: row.repeat,
        scores: row.scores,
        tied_fraction: row.tied_fraction,
        reason: row.reason,
    }
}

fn pair(
    first: &Subject,
    method: &str,
    k: usize,
    one: &View<'_>,
    other: &View<'_>,
    same_prediction: Option<bool>,
) -> Pair {
    let side = |view: &View<'_>| -> Result<(HeatMap, Placement), String> {
        let (heat, _) = view.heats[k].as_ref().map_err(|e| format!("{}: {e}", view.name))?;
        let placement = frame::placement(&view.plan.preprocess, first.decoded)?;
        Ok((heat.clone(), placement))
    };
    let found = side(one)
        .and_then(|a| Ok((a, side(other)?)))
        .map(|((a, of_a), (b, of_b))| frame::likeness((&a, &of_a), (&b, &of_b), first.decoded));
    let known = found.as_ref().ok();
    Pair {
        image: first.id.clone(),
        method: method.to_owned(),
        model: one.name.to_owned(),
        other: other.name.to_owned(),
        same_prediction,
        rank_correlation: known.and_then(|l| l.correlation),
        top_overlap: known.and_then(|l| l.overlap),
        cells: known.map(|l| l.cells as u64),
        reason: match &found {
            Err(reason) => Some(reason.clone()),
            Ok(l) if l.correlation.is_none() => Some("a map is constant".to_owned()),
            Ok(_) => None,
        },
    }
}

/// The context use of all maps of networks, where objects are marked.
fn uses(first: &Subject, views: &[View<'_>]) -> Vec<Use> {
    let mut uses = Vec::new();
    for view in views.iter().filter(|view| view.network) {
        for (method, heat) in view.plan.methods.iter().zip(&view.heats) {
            let found = heat.as_ref().map_err(Clone::clone).and_then(|(heat, _)| {
                let subject = *view.subject.as_ref().map_err(Clone::clone)?;
                Ok((subject, view.plan, heat))
            });
            uses.push(use_of(view.name, method, first, found));
        }
    }
    uses
}

fn use_of(
    name: &str,
    method: &Named<dyn Explainer>,
    first: &Subject,
    found: Result<(&Subject, &Plan, &HeatMap), String>,
) -> Use {
    let found = found.map(|(subject, plan, heat)| {
        let values = measure(plan, subject, method, heat);
        let mut own: Vec<_> = values.into_iter().filter(|m| m.metric.starts_with(METRIC)).collect();
        let defined = own.iter().position(|m| m.value.is_some()).unwrap_or(0);
        (subject, (!own.is_empty()).then(|| own.swap_remove(defined)))
    });
    match found {
        Ok((subject, Some(measure))) => use_row(name, method, first, Ok((subject, measure)), None),
        Ok((subject, None)) => Use {
            reason: Some("no object is marked".to_owned()),
            failed: false,
            right: subject.right,
            target: Some(subject.target as u64),
            ..use_row(name, method, first, Err(String::new()), None)
        },
        Err(reason) => use_row(name, method, first, Err(reason), None),
    }
}

impl Compare<'_> {
    /// The pictures on which two models say the same and look at different things, with the maps of all: those with
    /// the smallest correlations by the first method, explained once more.
    fn frames(&self, pairs: &[Pair]) -> Vec<Frame> {
        let method = self.plan.methods.first().map_or("", |method| &method.name[..]);
        let mut least: BTreeMap<&str, f64> = BTreeMap::new();
        for pair in pairs.iter().filter(|p| p.method == method && p.same_prediction == Some(true)) {
            if let Some(value) = pair.rank_correlation {
                let known = least.entry(&pair.image).or_insert(value);
                *known = known.min(value);
            }
        }
        let mut order: Vec<(&str, f64)> = least.into_iter().collect();
        order.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(b.0)));
        let index: BTreeMap<String, usize> =
            self.plan.images.iter().map(|i| (self.plan.data.id(*i), *i)).collect();
        let chosen = order.iter().take(self.shown).filter_map(|(image, _)| index.get(*image));
        chosen.filter_map(|i| self.shown_of(*i)).flatten().collect()
    }

    fn shown_of(&self, index: usize) -> Option<Vec<Frame>> {
        let first = Subject::load(self.plan, index).ok()?;
        let others: Vec<Result<Subject, String>> = self
            .models
            .each()
            .skip(1)
            .map(|(_, plan)| Subject::load(plan, index).map_err(|e| e.reason))
            .collect();
        let views = self.views(&first, &others, None)?;
        let picture = visible(self.plan.preprocess.channels(), &first.picture);
        let mut frames =
            vec![Frame::of_picture(&first.id, "original", None, self.said(&views), &picture)];
        for view in &views {
            for (method, heat) in self.plan.methods.iter().zip(&view.heats) {
                if let Ok((heat, _)) = heat {
                    let name = format!("{}: {}", view.name, method.name);
                    frames.push(Frame::of_map(&first.id, name, String::new(), heat));
                }
            }
        }
        Some(frames)
    }

    /// What each network says of a picture.
    fn said(&self, views: &[View<'_>]) -> String {
        let names = self.plan.model.classes.as_deref().or(self.plan.data.classes());
        let name = |class: usize| {
            names
                .and_then(|names| names.get(class))
                .cloned()
                .unwrap_or_else(|| format!("class {class}"))
        };
        let said = views.iter().filter_map(|view| {
            let subject = view.subject.as_ref().ok()?;
            Some(format!("{} says {}", view.name, name(subject.predicted)))
        });
        said.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests;
