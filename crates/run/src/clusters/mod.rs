//! Clusters of strategies (SpRAy, Lapuschkin et al. 2019): the heat maps of one class are clustered, and clusters that
//! look elsewhere than the others are looked at.
//!
//! Each map is summed over its channels, its positive part (or absolute or signed values) taken, scaled to the sum 1 and
//! averaged over a grid of `side` x `side` cells; then [`spectral`](crate::eval::spectral) takes them as points.

mod shrink;
mod tables;

pub use tables::{ClassClusters, Member, Shrunk, Spectrum};

use crate::{
    base::registry::Named,
    curves::used,
    data::object::Object,
    eval::spectral::{Clusters as Found, Wanted, cluster},
    event::Event,
    explain::{Explainer, HeatMap},
    manifest::{Counts, Outcome},
    output::Output,
    plan::{Plan, PlanError},
    runner::RunError,
    study::{Done, Entry, Gathered, PartFile, Study, Work, settings},
    subject::Subject,
    table::{TableError, record::Record},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// In the table of studies.
pub const ENTRY: Entry = Entry {
    name: "clusters",
    files: &[MAPS],
    build: |plan, facts| Ok(Box::new(Clusters::new(plan, settings(facts)?)?)),
};

const MAPS: PartFile = PartFile::of::<Shrunk>("parts", "maps", true);

/// What of a heat map is clustered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Its positive part.
    #[default]
    Positive,
    /// Its absolute values.
    Absolute,
    /// All of it, over the sum of absolute values.
    Signed,
}

/// What decides about the results besides the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What of a heat map is clustered.
    #[serde(default)]
    pub part: Part,
    /// Rows and columns that maps are shrunk to.
    pub side: usize,
    /// Nearest neighbours of each map.
    pub neighbours: usize,
    /// Number of clusters; as many as the largest gap says when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<usize>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { part: Part::Positive, side: 24, neighbours: 10, clusters: None }
    }
}

/// Width of the frame of a picture, over its shorter side.
pub const FRAME: f64 = 0.15;

/// The clusters of the classes of a plan.
pub struct Clusters<'p> {
    plan: &'p Plan,
    settings: Settings,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Clustered {
    /// One row per picture and method.
    pub maps: Vec<Shrunk>,
    /// One row per picture and method, in classes that could be clustered.
    pub members: Vec<Member>,
    /// One row per class, method and eigenvalue.
    pub spectra: Vec<Spectrum>,
    /// One row per class and method.
    pub classes: Vec<ClassClusters>,
}

impl Clustered {
    /// The tables in a folder of results.
    pub fn read(folder: &Path) -> Result<Clustered, TableError> {
        let path = |name: &str| folder.join(format!("{name}.parquet"));
        Ok(Clustered {
            maps: Shrunk::read(&path("maps"))?,
            members: Member::read(&path("members"))?,
            spectra: Spectrum::read(&path("eigenvalues"))?,
            classes: ClassClusters::read(&path("classes"))?,
        })
    }
}

impl<'p> Clusters<'p> {
    /// The study of a plan.
    pub fn new(plan: &'p Plan, settings: Settings) -> Result<Clusters<'p>, PlanError> {
        let input = plan.model.graph.input_shape();
        let problem = if settings.side < 2 || settings.side > input.h.min(input.w) {
            Some(format!(
                "`--side` must be from 2 to {}, the size of the heat maps, found {}",
                input.h.min(input.w),
                settings.side
            ))
        } else if settings.neighbours < 1 {
            Some("`--neighbours` must be at least 1".to_owned())
        } else if settings.clusters == Some(0) {
            Some("`--clusters` must be at least 1".to_owned())
        } else {
            None
        };
        match problem {
            Some(problem) => Err(PlanError::Study { problem }),
            None => Ok(Clusters { plan, settings }),
        }
    }

    /// What a method gives for a picture.
    fn map(&self, method: &Named<dyn Explainer>, subject: &Subject, work: &Work<'_>) -> Shrunk {
        let heat = method.value.heat_map(&subject.case(self.plan)).map_err(|e| e.to_string());
        if let Err(reason) = &heat {
            let (image, method) = (subject.id.clone(), method.name.clone());
            work.observer.on(&Event::Failed { image, method, reason: reason.clone() });
        }
        let heat = heat.map_err(|reason| (reason, true));
        let shrunk = heat.and_then(|heat| {
            let values = shrink::shrunk(&heat, self.settings.part, self.settings.side);
            let values =
                values.ok_or_else(|| ("no relevance is left to cluster".to_owned(), false));
            Ok((values?, outside(&heat, subject), in_frame(&heat)))
        });
        let found = shrunk.as_ref().ok();
        Shrunk {
            image: subject.id.clone(),
            method: method.name.clone(),
            target: subject.target as u64,
            right: subject.right,
            side: self.settings.side as u64,
            values: found.map(|(values, ..)| values.clone()),
            outside: found.and_then(|(_, outside, _)| *outside),
            frame: found.and_then(|(.., frame)| *frame),
            failed: shrunk.as_ref().is_err_and(|(_, failed)| *failed),
            reason: shrunk.err().map(|(reason, _)| reason),
        }
    }
}

/// Share of the positive relevance on some pixels; `None` without any.
fn share(heat: &HeatMap, on: impl Fn(usize, usize) -> bool) -> Option<f64> {
    let positive = heat.indexed_iter().filter(|(_, value)| **value > 0.0);
    let (mut inside, mut all) = (0.0, 0.0);
    for ((y, x), value) in positive {
        all += value;
        inside += if on(y, x) { *value } else { 0.0 };
    }
    (all > 0.0).then(|| inside / all)
}

/// Share of the positive relevance that is outside the object; `None` where none is marked.
fn outside(heat: &HeatMap, subject: &Subject) -> Option<f64> {
    let own = subject.shows.is_none_or(|class| class == subject.target);
    let object: &Object = subject.object.as_ref().filter(|_| own)?;
    let mask = object.mask.clone().unwrap_or_else(|| object.in_boxes());
    mask.contains(&true).then_some(())?;
    share(heat, |y, x| !mask[y * object.width + x])
}

/// Share of the positive relevance that is within [`FRAME`] of an edge of the picture.
fn in_frame(heat: &HeatMap) -> Option<f64> {
    let (height, width) = heat.dim();
    let reach = (FRAME * height.min(width) as f64).round() as usize;
    share(heat, |y, x| y.min(height - 1 - y) < reach || x.min(width - 1 - x) < reach)
}

impl Study for Clusters<'_> {
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
        Event::Explaining { pictures, finished, explanations: self.plan.methods.len() }
    }

    fn picture(&self, subject: Subject, work: &Work<'_>) -> Option<Done> {
        let one = |method: &Named<dyn Explainer>| {
            (!work.is_over()).then(|| {
                let map = self.map(method, &subject, work);
                work.explained(&subject.id, 1);
                map
            })
        };
        let maps = self.plan.methods.iter().map(one).collect::<Option<Vec<Shrunk>>>()?;
        Some(Done {
            picture: used(self.plan, &subject),
            tables: vec![Shrunk::table(&maps)],
            unread: None,
        })
    }

    fn any_failed(&self, output: &Output, part: usize) -> Result<bool, RunError> {
        Ok(Shrunk::read(&output.root().join(MAPS.path(part)))?.iter().any(|map| map.failed))
    }

    fn collect(&self, output: &Output, gathered: Gathered<'_>) -> Result<Outcome, RunError> {
        let mut all = Shrunk::growing(&output.root().join("maps.parquet"));
        let mut maps = Vec::new();
        for &part in gathered.parts {
            let rows = Shrunk::read(&output.root().join(MAPS.path(part)))?;
            all.append(&Shrunk::table(&rows))?;
            maps.extend(rows);
        }
        all.finish()?;
        let clustered = self.clustered(&maps);
        write("members", output, &clustered.members)?;
        write("eigenvalues", output, &clustered.spectra)?;
        write("classes", output, &clustered.classes)?;
        let failed = maps.iter().filter(|map| map.failed).count();
        let classes = clustered.classes.iter().filter(|class| class.reason.is_none()).count();
        let counts =
            [("maps", maps.len()), ("clustered_classes", classes), ("failed_explanations", failed)];
        Ok(Outcome::Other(Counts::of(gathered, counts)))
    }
}

fn write<R: Record>(name: &str, output: &Output, rows: &[R]) -> Result<(), RunError> {
    let path = |ending: &str| output.root().join(format!("{name}.{ending}"));
    R::write(&path("parquet"), rows)?;
    Ok(R::table(rows).write_csv(&path("csv"))?)
}

impl Clusters<'_> {
    /// The clusters of the maps of every class and method.
    fn clustered(&self, maps: &[Shrunk]) -> Clustered {
        let mut groups: BTreeMap<(&str, u64), Vec<&Shrunk>> = BTreeMap::new();
        for map in maps {
            groups.entry((&map.method, map.target)).or_default().push(map);
        }
        let mut all = Clustered::default();
        for ((method, class), maps) in groups {
            let known: Vec<&Shrunk> = maps.iter().copied().filter(|m| m.values.is_some()).collect();
            let points: Vec<Vec<f32>> = known.iter().filter_map(|map| map.values.clone()).collect();
            let Settings { neighbours, clusters, .. } = self.settings;
            let wanted = clusters.map_or(Wanted::Gap, Wanted::Count);
            let found = cluster(&points, neighbours, wanted, self.plan.seed);
            all.classes.push(ClassClusters {
                method: method.to_owned(),
                class,
                pictures: known.len() as u64,
                undefined: (maps.len() - known.len()) as u64,
                clusters: found.as_ref().ok().map(|found| found.count as u64),
                gap: found.as_ref().ok().and_then(|found| found.gap),
                reason: found.as_ref().err().map(ToString::to_string),
            });
            if let Ok(found) = found {
                all.add(method, class, &known, &found);
            }
        }
        all
    }
}

impl Clustered {
    fn add(&mut self, method: &str, class: u64, maps: &[&Shrunk], found: &Found) {
        let member = |((map, label), place): ((&&Shrunk, &usize), &[f64; 2])| Member {
            image: map.image.clone(),
            method: method.to_owned(),
            class,
            cluster: *label as u64,
            x: place[0],
            y: place[1],
        };
        self.members.extend(maps.iter().zip(&found.labels).zip(&found.embedding).map(member));
        let value = |(index, value): (usize, &f64)| Spectrum {
            method: method.to_owned(),
            class,
            index: index as u64 + 1,
            value: *value,
        };
        self.spectra.extend(found.eigenvalues.iter().enumerate().map(value));
    }
}

#[cfg(test)]
mod tests;
