//! What was run and what came out, for readers and for running it again.

use super::{FIRST, Gathered, Study, runner::skip};
use crate::{
    base::{
        hex,
        rng::Seed,
        text::plain_lines,
        unit::{Regions, Units},
    },
    config::Given,
    data::LeftOut,
    doubt::Doubt,
    eval::{curve::Passes, order, removal::Steps},
    imported::Import,
    machine,
    methods::Texts,
    nn::{
        graph::{Node, NodeId},
        kernel::winograd::Tile,
        stream,
        tune::tile,
    },
    picture::{Picture, accuracy},
    plan::{Chosen, Plan, RESULTS_VERSION},
    record::{Row, Status},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The content of `manifest.json`. No times and dates: the same run gives the same bytes on
/// machines of one CPU feature level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the program.
    pub program: String,
    /// Its version.
    pub version: String,
    /// [`RESULTS_VERSION`] of that program.
    pub results_version: u32,
    /// Name of the study ([`Manifest::study`]); none in manifests of versions that had only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<String>,
    /// What decides about the results of the study besides the config; absent if nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<serde_json::Value>,
    /// Names what is computed ([`Study::digest`]); empty in manifests of the first versions.
    #[serde(default)]
    pub digest: String,
    /// Null while the run is not finished.
    pub results: Option<Outcome>,
    /// The config, with every value in force.
    pub config: Given,
    /// Content of the files that methods were built from.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub texts: Texts,
    /// The network.
    pub model: ModelFacts,
    /// The pictures.
    pub data: DataFacts,
    /// Methods of the program that ran this, which has to run it again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<String>,
    /// Contenders whose heat maps were made by other tools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heatmaps: Vec<Import>,
    /// What the config comes to.
    pub protocol: Protocol,
    /// How steps are computed; absent where no regions are removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<StepsBy>,
    /// What layers cost; absent where no regions are removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engine: Vec<LayerCost>,
    /// Where it was run.
    pub machine: Machine,
}

/// Multiply-adds of a layer: of a full pass, and of a step in random order (the first chain of
/// seed 0), as computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerCost {
    /// Name of the layer.
    pub layer: String,
    /// Its operator.
    pub operator: String,
    /// Side of the Winograd tiles, null for the direct form.
    pub tile: Option<usize>,
    /// Multiply-adds of a full pass.
    pub full: u64,
    /// Multiply-adds of a step, on average.
    pub step: f64,
}

/// How the steps of chains are computed, which changes no bits of scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepsBy {
    /// By streams or by full passes.
    pub by: String,
    /// Why: multiply-adds of a step by streams over those of a full pass.
    pub share: f64,
}

impl StepsBy {
    fn of(Passes { full, share }: Passes) -> StepsBy {
        let by = if full { "full passes" } else { "streams" };
        StepsBy { by: by.to_owned(), share }
    }
}

/// The network of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// By what rows tell of which of several models they are; empty in older manifests.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Name of the file.
    pub name: String,
    /// Digest of its content.
    pub digest: String,
    /// Channels, rows and columns of the input.
    pub input: [usize; 3],
    /// Number of classes.
    pub classes: usize,
    /// Number of weights.
    pub parameters: usize,
    /// Multiply-adds of a pass.
    pub multiply_adds: u64,
    /// What import changed.
    pub notes: Vec<String>,
}

/// The pictures of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataFacts {
    /// Name of the folder or file.
    pub name: String,
    /// Digest of ids, labels and boxes.
    pub fingerprint: String,
    /// Pictures there are.
    pub pictures: usize,
    /// What was found, in words.
    pub found: String,
    /// Files and folders that were passed over; absent if none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// What the config comes to for this network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Protocol {
    /// The regions of the size by which methods are ranked; absent where none are removed.
    #[serde(flatten)]
    pub regions: Option<Size>,
    /// Those of other sizes; absent without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_sizes: Vec<Size>,
    /// How many pictures each step of the selection left.
    pub selection: Vec<Chosen>,
    /// Pictures of one part of the output.
    pub part: usize,
}

/// The regions of one size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// Side of a region in pixels; older manifests have it in the config only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<usize>,
    /// Rows and columns of regions.
    pub grid: [usize; 2],
    /// Number of regions.
    pub regions: usize,
    /// Share of the picture's pixels that belong to a region.
    pub covered: f64,
    /// Regions that are gone after the last step.
    pub steps: usize,
    /// Those that are gone at each step; absent where each takes one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<usize>,
    /// Share of the picture's pixels that are gone after the last step (with whole regions).
    pub removed: f64,
}

impl Size {
    fn of(regions: &Regions) -> Size {
        let (rows, columns) = regions.grid.dims();
        Size {
            side: Some(regions.grid.side()),
            grid: [rows, columns],
            regions: regions.grid.len(),
            covered: regions.grid.covered(),
            steps: regions.last(),
            stops: if regions.is_one_by_one() { Vec::new() } else { regions.stops.clone() },
            removed: regions.removed(),
        }
    }
}

/// The machine of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// What of its instructions is used.
    pub cpu: String,
}

/// What came out of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Of the ranking.
    Ranking(Results),
    /// Of another study.
    Other(Counts),
}

impl Outcome {
    /// Parts that are not in these results.
    pub fn missing_parts(&self) -> usize {
        match self {
            Outcome::Ranking(results) => results.missing_parts,
            Outcome::Other(counts) => counts.missing_parts,
        }
    }

    /// Pictures that were used.
    pub fn pictures(&self) -> usize {
        match self {
            Outcome::Ranking(results) => results.pictures,
            Outcome::Other(counts) => counts.pictures,
        }
    }

    /// Digest of ids and contents of the pictures that were used; none in older manifests.
    pub fn content(&self) -> Option<&str> {
        match self {
            Outcome::Ranking(results) => results.content.as_deref(),
            Outcome::Other(counts) => Some(&counts.content),
        }
    }

    /// Pictures that could not be used, and those that could not be read.
    pub fn left_out(&self) -> (&[Skipped], &[Skipped]) {
        match self {
            Outcome::Ranking(results) => (&results.skipped, &results.unread),
            Outcome::Other(counts) => (&counts.skipped, &counts.unread),
        }
    }
}

/// What every study counts, and what this one does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Pictures that were used.
    pub pictures: usize,
    /// Pictures that could not be used.
    pub skipped: Vec<Skipped>,
    /// As in [`Results::unread`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Skipped>,
    /// As in [`Results::content`].
    pub content: String,
    /// What this study counts.
    #[serde(flatten)]
    pub counts: BTreeMap<String, usize>,
    /// As in [`Results::missing_parts`].
    #[serde(default, skip_serializing_if = "none")]
    pub missing_parts: usize,
}

impl Counts {
    /// Of the parts that were put together.
    pub fn of<const N: usize>(
        gathered: Gathered<'_>,
        counts: [(&'static str, usize); N],
    ) -> Counts {
        let skipped: Vec<Skipped> = gathered.pictures.iter().filter_map(skip).collect();
        Counts {
            pictures: gathered.pictures.len() - skipped.len(),
            skipped,
            unread: gathered.unread,
            content: content(gathered.pictures),
            counts: counts.map(|(name, n)| (name.to_owned(), n)).into(),
            missing_parts: gathered.missing,
        }
    }
}

/// What came out of a ranking.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Pictures that were used.
    pub pictures: usize,
    /// Pictures that could not be used.
    pub skipped: Vec<Skipped>,
    /// Those among them that could not be read, and others of which a heat map could not: the same command
    /// tries them again. Absent if none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Skipped>,
    /// Digest of ids and contents of the pictures that were used; none in older manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Rows of the record.
    pub curves: usize,
    /// Rows without a curve.
    pub failed_curves: usize,
    /// Why, each reason once per method.
    pub failures: Vec<Failure>,
    /// Methods whose maps left the place of every region to chance on some pictures, by the regions that
    /// rank.
    #[serde(default)]
    pub all_tied: Vec<AllTied>,
    /// Pictures with a label.
    pub labelled: usize,
    /// Share of labelled pictures that are classified right.
    pub top1: Option<f64>,
    /// Share of labelled pictures whose label is among the five largest logits; null for networks of
    /// five classes or fewer, where it always is.
    pub top5: Option<f64>,
    /// Mean average precision (VOC 2010) over the classes that some picture shows; absent where each picture of
    /// the set has one label at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_ap: Option<f64>,
    /// Multiply-adds spent on curves.
    pub multiply_adds: u64,
    /// Steps of curves that were checked by full passes.
    pub verified_steps: u64,
    /// The largest difference between a checked score and that of a full pass; null without checks.
    pub largest_difference: Option<f64>,
    /// Signs that pictures do not reach the network as it was trained; absent if none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// Parts that are not in these results, since only some were put together; absent if none.
    #[serde(default, skip_serializing_if = "none")]
    pub missing_parts: usize,
}

/// A picture that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its id.
    pub image: String,
    /// Why.
    pub reason: String,
}

/// A method whose maps did not say which regions go first: every region had the score of another one, as
/// in an all-zero or constant map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllTied {
    /// Its name.
    pub method: String,
    /// Pictures concerned.
    pub pictures: usize,
    /// The first of them.
    pub first: String,
}

/// A method that gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its name.
    pub method: String,
    /// Why.
    pub reason: String,
    /// Curves that are missing for this reason.
    pub curves: usize,
    /// The first picture concerned.
    pub first: String,
}

impl Manifest {
    /// Of a run that has not begun.
    pub fn new(study: &dyn Study) -> Manifest {
        let plan = study.plan();
        let graph = &plan.model.graph;
        let input = graph.input_shape();
        Manifest {
            program: "pixelflip".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            results_version: RESULTS_VERSION,
            study: Some(study.entry().name.to_owned()),
            facts: study.facts(),
            digest: study.digest(),
            results: None,
            config: plan.config.written(),
            texts: plan.texts.clone(),
            model: ModelFacts {
                id: plan.model_id(),
                name: plan.model.name.clone(),
                digest: plan.model.digest.clone(),
                input: [input.c, input.h, input.w],
                classes: graph.classes(),
                parameters: graph.parameters(),
                multiply_adds: graph.macs(),
                notes: plan.model.notes.clone(),
            },
            data: DataFacts {
                name: plan.data.name().to_owned(),
                fingerprint: plan.fingerprint().to_owned(),
                pictures: plan.data.len(),
                found: plan.data.describe(),
                left_out: plan.data.left_out().to_vec(),
            },
            own: plan.own.clone(),
            heatmaps: plan.imports.clone(),
            protocol: Protocol {
                regions: study.regions().first().map(Size::of),
                other_sizes: study.regions().iter().skip(1).map(Size::of).collect(),
                selection: plan.selection.clone(),
                part: plan.part_size(),
            },
            steps: study.regions().first().map(|_| StepsBy::of(plan.passes)),
            engine: study.regions().first().map_or_else(Vec::new, |regions| costs(plan, regions)),
            machine: Machine { cpu: machine::features() },
        }
    }

    /// Reads what [`Manifest`] writes, also of earlier versions.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// As it is written.
    pub fn text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("a manifest is plain data") + "\n";
        // JSON reads them back
        plain_lines(&text).into_owned()
    }

    /// Name of the study.
    pub fn study(&self) -> &str {
        self.study.as_deref().unwrap_or(FIRST)
    }

    /// What came out, of a ranking that is finished.
    pub fn ranking(&self) -> Option<&Results> {
        match &self.results {
            Some(Outcome::Ranking(results)) => Some(results),
            _ => None,
        }
    }

    /// True of a run that is finished, with all its parts.
    pub fn is_whole(&self) -> bool {
        self.results.as_ref().is_some_and(|results| results.missing_parts() == 0)
    }

    /// Of a run that is finished.
    #[must_use]
    pub fn with(mut self, results: Outcome) -> Manifest {
        self.results = Some(results);
        self
    }
}

/// What is counted of the curves, part by part.
#[derive(Debug, Default)]
pub struct Tally {
    curves: usize,
    multiply_adds: u64,
    /// By method and reason: how many curves failed so, and the first picture.
    failures: BTreeMap<(String, String), (usize, String)>,
    /// By method: on how many pictures the place of every region is chance, and the first of them.
    all_tied: BTreeMap<String, (usize, String)>,
}

impl Tally {
    /// Counts the curves of one more part.
    pub fn add(&mut self, rows: &[Row]) {
        self.curves += rows.len();
        self.multiply_adds += rows.iter().filter_map(|r| r.macs).sum::<u64>();
        for row in rows.iter().filter(|r| r.status == Status::Failed) {
            let key = (row.method.clone(), row.reason.clone().unwrap_or_default());
            self.failures.entry(key).or_insert_with(|| (0, row.image.clone())).0 += 1;
        }
        let ranks = rows.first().map(|row| row.region);
        let tied = rows.iter().filter(|r| Some(r.region) == ranks && r.is_all_tied());
        // a picture has several curves of a method, all of them in one part
        let tied: BTreeSet<(&str, &str)> = tied.map(|r| (&r.method[..], &r.image[..])).collect();
        for (method, image) in tied {
            let first = || (0, image.to_owned());
            self.all_tied.entry(method.to_owned()).or_insert_with(first).0 += 1;
        }
    }
}

impl Results {
    /// Counts what the records hold of a network with so many `classes`.
    pub fn of(pictures: &[Picture], tally: Tally, classes: usize) -> Results {
        let skipped: Vec<Skipped> = pictures.iter().filter_map(skip).collect();
        let used = pictures.iter().filter(|p| p.skipped.is_none());
        Results {
            pictures: pictures.len() - skipped.len(),
            skipped,
            unread: Vec::new(),
            content: Some(content(pictures)),
            curves: tally.curves,
            failed_curves: tally.failures.values().map(|(curves, _)| curves).sum(),
            failures: tally.failures.into_iter().map(failure).collect(),
            all_tied: tally
                .all_tied
                .into_iter()
                .map(|(method, (pictures, first))| AllTied { method, pictures, first })
                .collect(),
            labelled: used.filter(|p| p.label.is_some()).count(),
            top1: accuracy(pictures, 1),
            top5: accuracy(pictures, 5).filter(|_| classes > 5),
            mean_ap: None,
            multiply_adds: tally.multiply_adds,
            verified_steps: pictures.iter().filter_map(|p| p.verified).sum(),
            largest_difference: pictures.iter().filter_map(|p| p.difference).reduce(f64::max),
            doubts: Vec::new(),
            missing_parts: 0,
        }
    }
}

/// Digest of ids and contents of the pictures that were used.
fn content(pictures: &[Picture]) -> String {
    let mut hash = Sha256::new();
    for picture in pictures.iter().filter(|p| p.skipped.is_none()) {
        let content = picture.content.as_deref().unwrap_or_default();
        hash.update(format!("{}\0{content}\n", picture.image));
    }
    hex(&hash.finalize())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn none(count: &usize) -> bool {
    *count == 0
}

/// Multiply-adds of a chain in random order, per node of the network.
fn macs(plan: &Plan, regions: &Regions) -> Vec<u64> {
    let Regions { grid, stops } = regions;
    let order = order::random(grid.len(), Seed(0), "", 0);
    let rects = Steps { units: grid, order: &order, stops }.rects();
    stream::StreamPlan::new(&plan.model.graph, &rects).macs(&plan.model.graph)
}

/// Multiply-adds of a chain in random order.
pub fn chain_macs(plan: &Plan, regions: &Regions) -> u64 {
    macs(plan, regions).iter().sum()
}

/// Layers that multiply, with regions of the size by which methods are ranked.
fn costs(plan: &Plan, regions: &Regions) -> Vec<LayerCost> {
    let graph = &plan.model.graph;
    let steps = macs(plan, regions);
    let cost = |((_, node), step): ((NodeId, &Node), u64)| LayerCost {
        layer: node.name.clone(),
        operator: node.op.name().to_owned(),
        tile: tile(node).map(Tile::side),
        full: node.op.macs(&graph.shapes(&node.inputs), node.shape.rect()),
        step: step as f64 / regions.steps() as f64,
    };
    graph.nodes().zip(steps).map(cost).filter(|c| c.full > 0).collect()
}

fn failure(((method, reason), (curves, first)): ((String, String), (usize, String))) -> Failure {
    Failure { method, reason, curves, first }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    /// The committed manifests, of several versions.
    fn committed() -> Vec<(String, Manifest)> {
        let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results");
        let folders = |path: &Path| fs::read_dir(path).unwrap().map(|e| e.unwrap().path());
        let runs =
            folders(&results).filter(|p| p.is_dir()).flat_map(|p| folders(&p).collect::<Vec<_>>());
        let manifests = runs.map(|run| run.join("manifest.json")).filter(|path| path.is_file());
        let read = |path: std::path::PathBuf| {
            let text = fs::read_to_string(&path).unwrap();
            // prototypes are no study: their manifest is one of its own
            if text.contains("\"study\": \"prototypes\"") {
                return None;
            }
            let manifest = Manifest::parse(text.as_bytes());
            Some((text, manifest.unwrap_or_else(|e| panic!("{}: {e}", path.display()))))
        };
        manifests.filter_map(read).collect()
    }

    #[test]
    fn manifests_of_all_versions_are_read_and_nothing_in_them_is_lost() {
        let all = committed();
        assert!(all.len() > 5, "{}", all.len());
        for (text, manifest) in all {
            // what was not there in earlier versions
            let gained = "    \"all_tied\": [],\n";
            let written = manifest.text();
            let same = if text.contains(gained) { written } else { written.replace(gained, "") };
            assert_eq!(same, text);
            assert_eq!(Manifest::parse(same.as_bytes()).unwrap(), manifest);
        }
    }

    #[test]
    fn keys_of_other_versions_stay_and_a_wrong_value_is_told() {
        let (text, manifest) = committed().swap_remove(0);
        let newer = text.replacen("\"seed\": 0", "\"seed\": 0, \"later\": \"x\"", 1);
        let newer = Manifest::parse(newer.as_bytes()).unwrap();
        assert_eq!(newer.config.entries().get("later"), Some(&"x".into()));
        assert_eq!(newer.config.seed, manifest.config.seed);
        let wrong = text.replacen("\"seed\": 0", "\"seed\": -1", 1);
        let said = Manifest::parse(wrong.as_bytes()).unwrap_err().to_string();
        assert!(said.starts_with("`seed` must be a whole number >= 0, found -1"), "{said}");
    }
}
