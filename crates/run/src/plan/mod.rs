//! A config made ready to run: every name looked up, every file opened, everything that cannot fit
//! refused before the long work.

mod beside;
mod choose;
mod error;
mod statistics;
mod texts;

pub use choose::Chosen;
pub use error::PlanError;

use super::{
    config::{self, Config, Record, STEPS, Scope, Target},
    doubt::Doubt,
    embedded::BuiltIn,
    imported::{self, Import, check_name},
    machine,
    memory::{self, Need},
    methods::{Texts, methods},
    picture::Picture,
    stop::Stop,
    stops::{self, StopsError},
};
use crate::{
    base::{
        geom::{Rect, Shape},
        hex,
        registry::{self, Entry, Named, Spec, SpecError},
        rng::Seed,
        unit::{Grid, Regions, Remainder, UnitId, Units},
        words::{are, count},
    },
    data::{self, Dataset, Marked, decode::Orientation, scenes::Split, select::Step, text::Reader},
    eval::{
        curve::{Passes, ScoreKind},
        metric::map::{Ground, MAP_METRICS, MapMetric, Marks},
        order::Order,
        stats::wilcoxon::fewest_pictures,
    },
    explain::{Explainer, attention::Tokens, resize::Upsample},
    nn::{
        canon::{ONE_VALUE, bent},
        graph::Graph,
        head::Head,
        model::{Model, ModelError},
        preprocess::{Preprocess, Settings},
        tune::{direct, tuned},
    },
    perturb::{PERTURBATIONS, Perturbation, Source, Statistics},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, OnceLock},
};

/// Changes when the same config gives other numbers than before.
pub const RESULTS_VERSION: u32 = 6;

/// Parts that there should be at least.
const PARTS: usize = 32;

/// Pictures of one part at most.
const PICTURES_PER_PART: usize = 8;

/// Curves of one part at most, where a picture has fewer.
const CURVES_PER_PART: usize = 480;

/// Name of the built-in network and of the built-in pictures.
pub const SCENES: &str = "scenes";

/// The model at a path, or the built-in one; `settings` override its sidecar.
pub fn load_model(name: &str, settings: Settings) -> Result<Model, ModelError> {
    if let Some(built_in) = BuiltIn::of_model(name) {
        return built_in.network(settings);
    }
    Model::load(Path::new(name), settings)
}

/// A model as runs of the protocol have it: the tiles of its convolutions are chosen for regions of that
/// size, and all results have the bits of such a run.
#[must_use]
pub fn ready(model: Model) -> Model {
    let input = model.graph.input_shape();
    let rects = match Grid::new(input.h, input.w, config::default_region(), Remainder::Drop) {
        Some(grid) => spread(&grid),
        None => vec![input.rect()],
    };
    Model { graph: tuned(&model.graph, &rects), ..model }
}

/// The data set at a path, or the built-in one; without `layout` it is recognised. Classes that it knows
/// by name only have the numbers of the `model`'s.
pub fn open_data(
    name: &str,
    layout: Option<&Spec>,
    max_pixels: u64,
    orientation: Orientation,
    model: &Model,
) -> Result<Box<dyn Dataset>, PlanError> {
    if let Some(built_in) = BuiltIn::of_data(name) {
        return Ok(Box::new((built_in.pictures)(Split::Test)));
    }
    let network = Some(data::Network {
        classes: told_apart(&model.graph),
        names: model.classes.clone().unwrap_or_default(),
    });
    let text = reader(model)?;
    let options = data::Options { layout: layout.cloned(), max_pixels, orientation, network, text };
    Ok(data::open(Path::new(name), &options)?)
}

/// How texts become inputs of a model that takes texts.
fn reader(model: &Model) -> Result<Option<Arc<Reader>>, PlanError> {
    let Some(settings) = model.preprocess.as_ref().and_then(Preprocess::text) else {
        return Ok(None);
    };
    let folder = model.folder.clone().unwrap_or_default();
    let shape = model.graph.input_shape();
    let reader = Reader::new(settings, &folder, model.embedding.as_ref(), shape)?;
    Ok(Some(Arc::new(reader)))
}

/// Classes that a network tells apart: one output stands for two.
fn told_apart(graph: &Graph) -> usize {
    graph.classes().max(2)
}

/// Everything a run needs, ready to use and immutable.
pub struct Plan {
    /// The config with every value that is in force and all names in canonical print. Running it
    /// again gives the same results.
    pub config: Config,
    /// The network.
    pub model: Model,
    /// How a picture becomes the network's input.
    pub preprocess: Preprocess,
    /// The pictures.
    pub data: Arc<dyn Dataset>,
    /// Whether some of them show several classes: then labels and logits are kept, for the average precision.
    pub has_label_sets: bool,
    /// Indices of the pictures that are used, ascending.
    pub images: Vec<usize>,
    /// How they were chosen.
    pub selection: Vec<Chosen>,
    /// The contenders.
    pub methods: Vec<Named<dyn Explainer>>,
    /// Names of those that the caller brought: nobody else can run them again.
    pub own: Vec<String>,
    /// Content of the files that the methods were built from.
    pub texts: Texts,
    /// Which of the contenders are heat maps from files.
    pub imports: Vec<Import>,
    /// Metrics of every heat map.
    pub metrics: Vec<Named<dyn MapMetric>>,
    /// What replaces regions.
    pub perturbations: Vec<Named<dyn Perturbation>>,
    /// Which regions go first.
    pub orders: Vec<Order>,
    /// The regions, per size; methods are ranked by the first.
    pub regions: Vec<Regions>,
    /// Noise images per picture.
    pub repeats: usize,
    /// What is watched.
    pub score: ScoreKind,
    /// What is written.
    pub record: Record,
    /// Whose score is watched.
    pub target: Target,
    /// Seed of every random draw.
    pub seed: Seed,
    /// Input of the network for a black picture, per channel.
    pub low: Vec<f32>,
    /// Input of the network for a white picture, per channel.
    pub high: Vec<f32>,
    /// The pixel value per channel that is 0 as input of the network.
    pub neutral: Vec<f32>,
    /// Tokens and their patches, where a perturbation leaves them out.
    pub tokens: Option<Tokens>,
    /// Statistics of the data set, where a perturbation asks for them.
    statistics: Option<Statistics>,
    fingerprint: OnceLock<String>,
    /// Bytes of patches that each chain may hold.
    pub patches: u64,
    /// How the steps of chains are computed.
    pub passes: Passes,
}

/// Fewer regions than this are said.
const FEW_REGIONS: usize = 16;

impl Plan {
    /// Looks everything up and opens everything. What is cheap to check is checked first. A selection
    /// that asks the network about all pictures takes its time: it uses the threads of the pool it is
    /// called in, and ends when told to stop.
    pub fn new(mut config: Config, stop: &Stop) -> Result<Plan, PlanError> {
        let choices = Choices::of(&mut config)?;
        if BuiltIn::of_model(&config.model).is_none() {
            memory::admit(Path::new(&config.model))?;
        }
        let model = load_model(&config.model, config.preprocess.clone())?;
        let (layout, pixels) = (config.layout.as_ref(), config.max_pixels);
        let data = open_data(&config.data, layout, pixels, config.orientation, &model)?;
        Plan::assemble(config, choices, model, data.into(), stop)
    }

    /// For a model and pictures that are in memory already, and methods that the caller brings beside
    /// those of the config.
    pub fn with(
        mut config: Config,
        model: Model,
        data: Box<dyn Dataset>,
        own: Vec<Named<dyn Explainer>>,
        stop: &Stop,
    ) -> Result<Plan, PlanError> {
        let mut choices = Choices::of(&mut config)?;
        let own = own.into_iter().map(|method| {
            check_name(&method.name).map_err(|problem| PlanError::Own { problem })?;
            choices.own.push(method.name.clone());
            Ok(method)
        });
        choices.methods.extend(own.collect::<Result<Vec<_>, PlanError>>()?);
        Plan::assemble(config, choices, model, data.into(), stop)
    }

    fn assemble(
        mut config: Config,
        choices: Choices,
        model: Model,
        data: Arc<dyn Dataset>,
        stop: &Stop,
    ) -> Result<Plan, PlanError> {
        let Choices { mut methods, own, texts, metrics, perturbations } = choices;
        let Config { score, record, target, seed, repeats, .. } = config;
        let orders = config.orders.clone();
        let mut model = model;
        let preprocess = model.preprocess()?.clone();
        if preprocess.text().is_some() {
            texts::check_units(&config)?;
        }
        let regions = regions(&config, model.graph.input_shape())?;
        let grid = regions[0].grid;
        if preprocess.text().is_some() {
            texts::check(&config, &*data, &perturbations, &metrics)?;
        }
        check_target(target, model.graph.classes())?;
        if score == ScoreKind::Softmax && !model.graph.head().has_probabilities() {
            return Err(PlanError::NoProbability);
        }
        check_methods(&methods, &model.graph)?;
        let ground = Ground { graph: &model.graph, score, marks: marks(&*data) };
        let metrics = spread_out(metrics, &ground, &mut config.metrics)?;
        let looks = choose::Looks { model: &model, data: &*data, preprocess: &preprocess, stop };
        let (images, selection) = looks.choose(&config.select, config.images)?;
        let (maps, imports): (Vec<_>, Vec<Import>) =
            heat_maps(&config, &*data, &grid)?.into_iter().unzip();
        methods.extend(maps);
        let left_out = perturbations.iter().any(|p| p.value.leaves_out());
        let tokens = left_out.then(|| tokens(&model.graph, &regions)).transpose()?;
        let asked = perturbations.iter().any(|p| p.value.asks_data());
        let statistics =
            asked.then(|| statistics::gather(&*data, &preprocess, stop)).transpose()?;
        let names: Vec<String> = imports.iter().map(|i| i.name.clone()).collect();
        no_doubles("heatmaps", &names)?;
        no_doubles("methods", &[names, own.clone()].concat())?;
        let passes = made_fast(&mut model.graph, &regions[0], config.direct);
        let fills = config.repeats * perturbations.len();
        let threads = config.threads.unwrap_or_else(machine::cores);
        let need = Need::of(&model.graph, &regions, fills);
        let patches = need.patches(threads, config.memory.map(|bytes| bytes.0))?;
        // where sizes differ in their steps, leaving `steps` out says so
        let steps = regions[0].steps();
        let alike = config.at.0.is_empty() && regions.iter().all(|r| r.steps() == steps);
        config.steps = config.steps.or(alike.then_some(steps));
        config.images = Some(images.len());
        config.preprocess = preprocess.settings();
        let neutral = preprocess.neutral();
        let (low, high) = (preprocess.low(), preprocess.high());
        Ok(Plan {
            config,
            model,
            preprocess,
            has_label_sets: data.has_label_sets(),
            data,
            images,
            selection,
            methods,
            own,
            texts,
            imports,
            metrics,
            neutral,
            perturbations,
            tokens,
            orders,
            regions,
            repeats,
            score,
            record,
            target,
            seed,
            low,
            high,
            statistics,
            fingerprint: OnceLock::new(),
            patches,
            passes,
        })
    }

    /// What somebody should know before the work begins.
    pub fn warnings(&self) -> Vec<String> {
        let inputs = Doubt::of_inputs(&self.preprocess).map(|doubt| doubt.to_string());
        let about = [
            self.few_regions(),
            self.few_pictures(),
            self.left_out(),
            self.other_classes(),
            self.text_order(),
            self.departures(),
            self.one_value(),
            self.bent_activations(),
        ];
        let all = [self.model.chosen.clone(), inputs].into_iter().chain(about);
        all.into_iter().flatten().collect()
    }

    /// Whether pictures are chosen by what the network says of them.
    pub fn selects_by_answer(&self) -> bool {
        self.config.select.iter().any(Step::needs_guess)
    }

    /// Signs that pictures do not reach the network as it was trained. `pictures` are those of the
    /// record; a selection by right and wrong predictions, or by confidence, says what their accuracy is.
    pub fn doubts(&self, pictures: &[Picture]) -> Vec<Doubt> {
        // where classes stand for themselves, there is no chance of one in so many
        let one_of_many = self.model.graph.head() != Head::Sigmoid;
        let selected = self.selects_by_answer();
        let meant = one_of_many && self.other_classes().is_none() && !selected;
        let accuracy =
            meant.then(|| Doubt::of_accuracy(pictures, self.model.graph.classes())).flatten();
        Doubt::of_inputs(&self.preprocess).into_iter().chain(accuracy).collect()
    }

    /// Pictures with so few regions that curves say little.
    fn few_regions(&self) -> Option<String> {
        if self.preprocess.text().is_some() {
            return None;
        }
        let grid = &self.regions.first()?.grid;
        let (h, w) = grid.size();
        (grid.len() < FEW_REGIONS).then(|| {
            format!(
                "pictures of {h}x{w} pixels have only {} of {side}x{side}; a smaller `--region` orders \
                 more of them (4 for 32x32 pixels)",
                count(grid.len(), "region"),
                side = grid.side(),
            )
        })
    }

    /// Files and folders that the data set passes over.
    fn left_out(&self) -> Option<String> {
        const SHOWN: usize = 5;
        let all = self.data.left_out();
        let shown = all.iter().take(SHOWN);
        let shown: Vec<String> =
            shown.map(|left| format!("`{}`: {}", left.id, left.reason)).collect();
        let more = match all.len().saturating_sub(SHOWN) {
            0 => String::new(),
            n => format!("; {n} more, which `pixelflip data check` names"),
        };
        (!all.is_empty())
            .then(|| format!("left out of `{}`: {}{more}", self.data.name(), shown.join("; ")))
    }

    /// Labels for a single output that says no class.
    fn one_value(&self) -> Option<String> {
        let graph = &self.model.graph;
        let labelled = || (0..self.data.len()).any(|i| self.data.label(i).is_some());
        let value = graph.head() == Head::Values && graph.classes() == 1;
        (value && labelled()).then(|| format!("labels say nothing here: {ONE_VALUE}"))
    }

    /// Activations that relevance propagation treats as what they are not.
    fn bent_activations(&self) -> Option<String> {
        let propagates = self.methods.iter().any(|method| method.value.propagates());
        bent(&self.model.graph).filter(|_| propagates)
    }

    /// Pictures that are too few for what is said in the end.
    fn few_pictures(&self) -> Option<String> {
        let has_random = self.methods.iter().any(|m| m.value.is_random_order());
        few_pictures(self.images.len(), self.methods.len(), has_random)
    }

    /// A data set whose classes are not those of the network.
    fn other_classes(&self) -> Option<String> {
        let classes = told_apart(&self.model.graph);
        let largest = (0..self.data.len()).flat_map(|i| self.data.labels(i)).max()?;
        let found = match self.data.classes().map(<[String]>::len) {
            Some(named) if named != classes => format!("has {}", count(named, "class")),
            None if largest >= classes => format!("has labels up to {largest}"),
            _ => return None,
        };
        Some(format!(
            "`{}` {found} and the network has {}, so labels mean other classes: accuracy, \
             `--target label` and selections by class are of no use; with `classes` in the model's \
             sidecar, folders and names in tables get the numbers of the network's classes",
            self.data.name(),
            count(classes, "class"),
        ))
    }

    /// Names with numbers whose classes the order of the text has shuffled, which nobody asked for.
    fn text_order(&self) -> Option<String> {
        let order = |(key, value): (&str, &str)| key == "numbers" && value == "order";
        let meant = |layout: &Spec| layout.params.iter().any(|(k, v)| order((k, v)));
        if self.model.classes.is_some() || self.config.layout.as_ref().is_some_and(meant) {
            return None;
        }
        let names = self.data.classes()?;
        let [first, second] = data::text_before_number(names)?;
        let at =
            |name: &str| names.iter().position(|other| other == name).expect("it is one of them");
        Some(format!(
            "classes are numbered in the order of their names as text, so `{first}` is class {} and `{second}` \
             class {}; where the network was trained on another order, `classes` in its sidecar names them in that \
             order (`numbers=order` in the layout says that this one is meant)",
            at(first),
            at(second),
        ))
    }

    /// A protocol of which keys were set otherwise.
    fn departures(&self) -> Option<String> {
        let preset = self.config.protocol?;
        let flags = format!("model = 'm'\ndata = 'd'\nprotocol = '{}'", preset.name);
        let mut own = Config::load(None, flags.parse().expect("TOML")).expect("tested");
        Choices::of(&mut own).expect("tested");
        let (own, ours, set) =
            (own.written().entries(), self.config.written().entries(), preset.given().entries());
        let other = set.keys().filter(|key| own.get(*key) != ours.get(*key));
        let other: Vec<String> = other.map(|key| format!("`{key}`")).collect();
        (!other.is_empty()).then(|| {
            format!(
                "this is not the protocol `{}`: {} set otherwise, and what a config or a flag sets counts \
                 before it",
                preset.name,
                if other.len() == 1 { format!("{} is", other[0]) } else { format!("{} are", other.join(", ")) }
            )
        })
    }

    /// By what rows, files and messages tell the model from others: its name, and a part of its digest.
    pub fn model_id(&self) -> String {
        const DIGITS: usize = 8;
        let digest: String = self.model.digest.chars().take(DIGITS).collect();
        format!("{}-{digest}", self.model.name)
    }

    /// Names of the classes, where they have some: those of the model, else those of the data set.
    pub fn class_names(&self) -> Option<&[String]> {
        self.model.classes.as_deref().or(self.data.classes())
    }

    /// Fingerprint of the data set.
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| self.data.fingerprint())
    }

    /// Names what is computed: config, model, data and the version of the results. Two runs with
    /// the same digest give the same tables, if their pictures have the same content, which
    /// [`known`](super::known) compares one by one. Files count by what is in them, not by where they
    /// lie.
    pub fn digest(&self) -> String {
        let config = self.config.written().within(&[Scope::Results]);
        let mut identity = serde_json::json!({
            "results_version": RESULTS_VERSION,
            "config": config,
            "part": self.part_size(),
            "model": self.model.digest,
            "data": self.fingerprint(),
        });
        if let Some(statistics) = &self.statistics {
            identity["statistics"] = statistics::digest(statistics).into();
        }
        if !self.texts.is_empty() {
            identity["texts"] = serde_json::json!(self.texts);
        }
        if !self.imports.is_empty() {
            let known = |i: &Import| serde_json::json!([i.name, i.digest]);
            identity["heatmaps"] = self.imports.iter().map(known).collect();
        }
        if !self.own.is_empty() {
            identity["own"] = serde_json::json!(self.own);
        }
        hex(&Sha256::digest(identity.to_string()))
    }

    /// Number of curves of one picture whose perturbation depends on all removed regions: each costs
    /// up to as many full passes as it has steps.
    pub fn masked_curves_per_picture(&self) -> usize {
        let masked = self.perturbations.iter().filter(|p| !p.value.is_local()).count();
        self.methods.len() * self.regions.len() * self.orders.len() * masked * self.repeats
    }

    /// The pictures part by part. A part is done or not done as a whole, so that a killed run loses
    /// at most the parts in hand; there are enough of them to be shared out.
    pub fn parts(&self) -> Vec<&[usize]> {
        self.images.chunks(self.part_size()).collect()
    }

    /// Pictures of one part: fewer where there are few, or where each has many curves.
    pub fn part_size(&self) -> usize {
        let shared_out = self.images.len().div_ceil(PARTS);
        shared_out
            .min(CURVES_PER_PART / self.curves_per_picture().max(1))
            .clamp(1, PICTURES_PER_PART)
    }

    /// Number of curves of one picture.
    pub fn curves_per_picture(&self) -> usize {
        let cells = self.regions.len() * self.orders.len() * self.perturbations.len();
        self.methods.len() * cells * self.repeats
    }
}

/// Which statements so many pictures cannot carry, however clear the differences: each takes a signed-rank
/// test that is corrected for the others of its kind (Holm).
fn few_pictures(pictures: usize, methods: usize, has_random: bool) -> Option<String> {
    let others = methods.saturating_sub(1);
    let (against, pairs) = (if has_random { others } else { 0 }, methods * others / 2);
    let kind = |tests: usize, what: &str| {
        let fewest = fewest_pictures(tests);
        let fails = tests > 0 && pictures < fewest;
        fails.then(|| format!("{what} ({}) take at least {fewest}", count(tests, "test")))
    };
    let kinds = [
        kind(against, "statements on methods against removing regions at random"),
        kind(pairs, "statements on every two methods").filter(|_| pairs != against),
    ];
    let kinds: Vec<String> = kinds.into_iter().flatten().collect();
    (!kinds.is_empty()).then(|| {
        format!(
            "{} {} too few: {}, even if all pictures agree",
            count(pictures, "picture"),
            are(pictures),
            kinds.join(", ")
        )
    })
}

impl Source for Plan {
    fn statistics(&self) -> &Statistics {
        self.statistics.as_ref().expect("gathered for perturbations that ask for them")
    }
}

/// What a config names, looked up.
struct Choices {
    methods: Vec<Named<dyn Explainer>>,
    own: Vec<String>,
    texts: Texts,
    metrics: Vec<Named<dyn MapMetric>>,
    perturbations: Vec<Named<dyn Perturbation>>,
}

impl Choices {
    /// Looks all names up, opening no file but those of methods, and replaces them by their canonical print.
    fn of(config: &mut Config) -> Result<Choices, PlanError> {
        if i64::try_from(config.seed.0).is_err() {
            return Err(PlanError::Seed { found: config.seed.0 });
        }
        no_doubles("orders", &config.orders.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        if !config.at.0.is_empty() && config.steps.is_some() {
            return Err(StopsError::Steps.into());
        }
        let (methods, texts) = methods(&config.methods, &config.texts)?;
        canonical("methods", &methods, &mut config.methods)?;
        Ok(Choices {
            methods,
            own: Vec::new(),
            texts,
            metrics: named("metric of heat maps", "metrics", MAP_METRICS, &mut config.metrics)?,
            perturbations: named(
                "perturbation",
                "perturbation",
                PERTURBATIONS,
                &mut config.perturbation,
            )?,
        })
    }
}

/// Builds what a list names and replaces the list by canonical specs.
fn named<T: ?Sized>(
    kind: &'static str,
    key: &'static str,
    table: &[Entry<T>],
    specs: &mut Vec<Spec>,
) -> Result<Vec<Named<T>>, PlanError> {
    let build = |spec: &Spec| registry::build(kind, table, spec);
    let built = specs.iter().map(build).collect::<Result<Vec<_>, SpecError>>()?;
    canonical(key, &built, specs)?;
    Ok(built)
}

/// How objects are marked in a data set.
fn marks(data: &dyn Dataset) -> Marks {
    let add = |marks: Marks, i: usize| {
        let Marked { mask, boxes } = data.marked(i);
        Marks { masks: marks.masks || mask, only_boxes: marks.only_boxes || boxes && !mask }
    };
    (0..data.len()).fold(Marks::default(), add)
}

/// Puts the metrics that others stand for (one per layer, one per kind of mark) in their place.
fn spread_out(
    metrics: Vec<Named<dyn MapMetric>>,
    ground: &Ground<'_>,
    specs: &mut Vec<Spec>,
) -> Result<Vec<Named<dyn MapMetric>>, PlanError> {
    let mut all = Vec::with_capacity(metrics.len());
    for metric in metrics {
        let settings = metric.value.stands_for(ground)?;
        if settings.is_empty() {
            all.push(metric);
            continue;
        }
        for setting in settings {
            let mut spec: Spec = metric.name.parse()?;
            setting.into_iter().for_each(|(key, value)| spec.set(key, value));
            all.push(registry::build("metric", MAP_METRICS, &spec)?);
        }
    }
    canonical("metrics", &all, specs)?;
    Ok(all)
}

/// Replaces a list by the canonical specs of what was built from it.
fn canonical<T: ?Sized>(
    key: &'static str,
    built: &[Named<T>],
    specs: &mut Vec<Spec>,
) -> Result<(), PlanError> {
    let names: Vec<String> = built.iter().map(|n| n.name.clone()).collect();
    no_doubles(key, &names)?;
    *specs = names.iter().map(|name| name.parse()).collect::<Result<_, SpecError>>()?;
    Ok(())
}

fn no_doubles(key: &'static str, names: &[String]) -> Result<(), PlanError> {
    let double = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name));
    double.map_or(Ok(()), |(_, name)| Err(PlanError::Twice { key, name: name.clone() }))
}

fn regions(config: &Config, input: Shape) -> Result<Vec<Regions>, PlanError> {
    let sides: Vec<String> = config.region.iter().map(usize::to_string).collect();
    no_doubles("region", &sides)?;
    let of = |&side: &usize| {
        let grid = grid(side, config.remainder, input)?;
        let stops = match &config.at.0[..] {
            [] => (1..=steps(config.steps, &grid)?).collect(),
            at => stops::units(at, grid.len())?,
        };
        Ok(Regions { grid, stops })
    };
    config.region.iter().map(of).collect()
}

/// The tokens of a network, if some can be left out and all regions are its patches.
fn tokens(graph: &Graph, regions: &[Regions]) -> Result<Tokens, PlanError> {
    let unfit = |problem: String| PlanError::Tokens { problem };
    let tokens = Tokens::of(graph).map_err(|e| unfit(e.to_string()))?;
    tokens.subset(graph).map_err(|e| unfit(e.to_string()))?;
    let Shape { h, w, .. } = graph.input_shape();
    let [rows, columns] = tokens.grid;
    for Regions { grid, .. } in regions {
        let side = grid.side();
        if side * rows != h || side * columns != w {
            let (patch, also) = (h / rows, w / columns);
            let remedy =
                if patch == also { format!("; `region = {patch}` are") } else { String::new() };
            return Err(unfit(format!(
                "the network has {rows}x{columns} patches of {patch}x{also} pixels, which regions of \
                 {side}x{side} are not{remedy}"
            )));
        }
    }
    Ok(tokens)
}

fn grid(region: usize, remainder: Remainder, input: Shape) -> Result<Grid, PlanError> {
    let (height, width) = (input.h, input.w);
    Grid::new(height, width, region, remainder).ok_or(PlanError::Region { region, height, width })
}

type Method = Named<dyn Explainer>;

/// Heat maps from elsewhere as methods, and what the manifest says of them.
fn heat_maps(
    config: &Config,
    data: &dyn Dataset,
    grid: &Grid,
) -> Result<Vec<(Method, Import)>, PlanError> {
    let upsample = config.upsample.unwrap_or(Upsample::None);
    let open = |given| Ok(imported::open(given, upsample, data, grid.size())?);
    config.heatmaps.iter().map(open).collect()
}

/// Chooses how convolutions are computed for steps that remove such regions, and says whether steps are streams or
/// full passes.
fn made_fast(graph: &mut Graph, regions: &Regions, as_is: bool) -> Passes {
    // regions that go together may lie anywhere
    let whole = vec![graph.input_shape().rect()];
    let rects = if regions.is_one_by_one() { spread(&regions.grid) } else { whole };
    *graph = if as_is { direct(graph) } else { tuned(graph, &rects) };
    Passes::cheapest(graph, &rects)
}

/// Regions all over the grid, by which tiles are chosen: few enough that choosing takes no time.
fn spread(grid: &Grid) -> Vec<Rect> {
    const SAMPLE: usize = 48;
    let regions: Vec<UnitId> = grid.ids().collect();
    let stride = regions.len().div_ceil(SAMPLE);
    regions.iter().step_by(stride).map(|id| grid.rect(*id)).collect()
}

fn steps(asked: Option<usize>, grid: &Grid) -> Result<usize, PlanError> {
    let steps = asked.unwrap_or(STEPS.min(grid.len()));
    if steps <= grid.len() {
        return Ok(steps);
    }
    let (height, width) = grid.size();
    Err(PlanError::Steps { steps, height, width, regions: grid.len(), region: grid.side() })
}

/// Refuses methods that can explain nothing of the network, before the long work.
fn check_methods(methods: &[Named<dyn Explainer>], graph: &Graph) -> Result<(), PlanError> {
    let (mut unfit, mut fit) = (BTreeMap::<String, Vec<String>>::new(), Vec::new());
    for Named { name, value } in methods {
        match value.fits(graph) {
            Ok(()) => fit.push(name.clone()),
            Err(reason) => unfit.entry(reason.to_string()).or_default().push(name.clone()),
        }
    }
    if unfit.is_empty() { Ok(()) } else { Err(PlanError::Unfit { unfit, fit }) }
}

fn check_target(target: Target, classes: usize) -> Result<(), PlanError> {
    match target {
        Target::Index(target) if target >= classes => {
            Err(PlanError::TargetIndex { target, classes })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::few_pictures;

    #[test]
    fn statements_that_so_few_pictures_cannot_carry_are_named() {
        insta::assert_snapshot!(
            [(1, 2, true), (4, 8, true), (10, 8, true), (8, 8, false)]
                .map(|(pictures, methods, random)| few_pictures(pictures, methods, random).unwrap())
                .join("\n")
        );
        assert_eq!(few_pictures(11, 8, true), None);
        assert_eq!(few_pictures(1, 1, true), None, "nothing to compare");
        assert_eq!(few_pictures(6, 2, false), None);
    }
}
