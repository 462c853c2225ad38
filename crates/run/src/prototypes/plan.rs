//! A config made ready: every name looked up, every file opened, everything that cannot fit refused before the work.

use super::{
    Config, PriorRow, PrototypeError,
    examples::{self, Pictures},
    rows::{Supplies, rows},
};
use crate::{
    base::{
        geom::Shape,
        hex,
        registry::{self, Named, near},
        rng::Seed,
    },
    data::{
        Dataset,
        decode::{self, Orientation},
        tensor,
    },
    memory,
    nn::{
        mapping::Mapping,
        model::Model,
        preprocess::{Preprocess, Settings},
        tensor::Tensor,
        tune::tuned,
    },
    plan::{RESULTS_VERSION, SCENES, load_model, open_data},
    prototype::{
        ascent::Keep,
        codes::{self, Encoder},
        generator::{Generator, GeneratorError},
        lens::Lens,
        objective::{self, Net, Objective},
        optimiser::{OPTIMISERS, Optimiser},
        prior::{Domain, Examples as _, PriorError, Site},
    },
};
use ndarray::{ArrayD, ArrayViewD, Ix3};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, path::Path};

/// Pictures of a class whose codes are fitted, at most: each takes some hundred passes.
const FITTED: usize = 50;

/// Everything that prototypes need.
pub struct PrototypePlan {
    /// The config with names in canonical print.
    pub config: Config,
    /// The network.
    pub model: Model,
    /// What is climbed of it.
    pub net: Net,
    /// The objective.
    pub objective: Named<dyn Objective>,
    /// The rows of priors.
    pub rows: Vec<PriorRow>,
    /// How uphill is gone.
    pub optimiser: Named<dyn Optimiser>,
    /// The generator, where there is one.
    pub generator: Option<Generator>,
    /// Mean codes, by class.
    pub codes: BTreeMap<usize, Tensor>,
    /// Digest of what they are from.
    codes_from: Option<String>,
    /// Other networks.
    pub judges: Vec<Judge>,
    /// The pictures.
    pub data: Option<Box<dyn Dataset>>,
    /// The classes; of a neuron a single `None`.
    pub classes: Vec<Option<usize>>,
    /// Which point of a climb is kept.
    pub keep: Keep,
    /// Seed of every draw.
    pub seed: Seed,
    sight: Sight,
    painted: Option<Sight>,
    start: Start,
}

/// How a canvas of one shape is seen, and how pictures become one.
struct Sight {
    lens: Lens,
    way: Preprocess,
}

/// Another network.
pub struct Judge {
    /// The network.
    pub model: Model,
    /// Its preprocessing.
    pub preprocess: Preprocess,
}

/// Where climbs begin, apart from noise.
enum Start {
    /// At the mean picture, the blank canvas, or the mean code; with noise at the first climb already or not.
    Mean { noisy: bool },
    /// At what a file says, with its digest.
    Given(Tensor, String),
}

/// One prototype to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its number.
    pub index: usize,
    /// Number of the row of priors.
    pub row: usize,
    /// The class; `None` of a neuron.
    pub class: Option<usize>,
}

impl PrototypePlan {
    /// Looks everything up, in the pool that it is called in.
    pub fn new(mut config: Config) -> Result<PrototypePlan, PrototypeError> {
        let objective = objective::parse(&config.objective)?;
        let optimiser = registry::build("optimiser", OPTIMISERS, &config.optimiser.parse()?)?;
        let supplies =
            Supplies { data: config.data.is_some(), generator: config.generator.is_some() };
        let rows = rows(&config.priors, supplies)?;
        for (key, given) in [("codes", &config.codes), ("encoder", &config.encoder)] {
            if given.is_some() && config.generator.is_none() {
                return Err(PrototypeError::NoGenerator { key });
            }
        }
        let model = load(&config.model, config.preprocess.clone())?;
        let preprocess = model.preprocess()?.clone();
        let net = objective.value.net(&model.graph)?;
        let classes = if objective.value.has_classes() {
            chosen(&config.classes, &model)?.into_iter().map(Some).collect()
        } else {
            vec![None]
        };
        let lens = Lens::plain(&preprocess).map_err(|e| misfit(&model.name, e))?;
        let sight = Sight {
            way: examples::way(&preprocess, lens.canvas()).map_err(|e| misfit(&model.name, e))?,
            lens,
        };
        let generator =
            config.generator.as_deref().map(|file| generator(file, sight.lens.canvas(), &model));
        let generator = generator.transpose()?;
        let painted = generator
            .as_ref()
            .map(|generator| painted(generator, &preprocess, &model))
            .transpose()?;
        let judges =
            config.judges.iter().map(|file| judge(file, &model, &[Some(&sight), painted.as_ref()]));
        let judges = judges.collect::<Result<Vec<_>, PrototypeError>>()?;
        let layout = config.layout.as_deref().map(str::parse).transpose()?;
        let data = config.data.as_deref().map(|data| {
            let (pixels, turned) = (config.max_pixels, Orientation::default());
            open_data(data, layout.as_ref(), pixels, turned, &model)
        });
        let data = data.transpose()?;
        config.objective.clone_from(&objective.name);
        config.optimiser.clone_from(&optimiser.name);
        config.priors = rows
            .iter()
            .map(|row| if row.priors.is_empty() { "none".to_owned() } else { row.name() })
            .collect();
        config.preprocess = preprocess.settings();
        if objective.value.has_classes() {
            config.classes = classes.iter().flatten().map(usize::to_string).collect();
        }
        let mut plan = PrototypePlan {
            keep: if config.keep == "best" { Keep::Best } else { Keep::Last },
            seed: Seed(config.seed),
            start: Start::Mean { noisy: config.init == "noise" },
            codes: BTreeMap::new(),
            codes_from: None,
            config,
            model,
            net,
            objective,
            rows,
            optimiser,
            generator,
            judges,
            data,
            classes,
            sight,
            painted,
        };
        plan.read_start()?;
        plan.find_codes()?;
        plan.check_priors()?;
        Ok(plan)
    }

    /// All prototypes, by row of priors, then by class.
    pub fn units(&self) -> Vec<Unit> {
        let cells = (0..self.rows.len())
            .flat_map(|row| self.classes.iter().map(move |class| (row, *class)));
        cells.enumerate().map(|(index, (row, class))| Unit { index, row, class }).collect()
    }

    fn sight(&self, row: &PriorRow) -> &Sight {
        self.painted.as_ref().filter(|_| row.painted).unwrap_or(&self.sight)
    }

    /// How the network sees the canvas of a row.
    pub fn lens(&self, row: &PriorRow) -> &Lens {
        &self.sight(row).lens
    }

    /// The generator whose code is climbed in a row.
    pub fn generator(&self, row: &PriorRow) -> Option<&Generator> {
        self.generator.as_ref().filter(|_| row.painted)
    }

    /// Pictures as canvases of a row.
    pub(super) fn pictures(&self, row: &PriorRow) -> Pictures<'_> {
        Pictures {
            data: self.data.as_deref(),
            way: &self.sight(row).way,
            most: self.config.examples,
        }
    }

    /// What a row climbs where everything is zero.
    fn zero(&self, row: &PriorRow) -> Tensor {
        match self.generator(row) {
            Some(generator) => Tensor::zeros(generator.code()),
            None => self.sight.lens.blank(),
        }
    }

    /// Around which l2 keeps, and where climbs begin: the mean code of the class, else the zero.
    pub(super) fn centre(&self, row: &PriorRow, class: Option<usize>) -> Tensor {
        let code = class.and_then(|class| self.codes.get(&class)).filter(|_| row.painted);
        code.cloned().unwrap_or_else(|| self.zero(row))
    }

    /// Where the climbs of a prototype begin, before noise.
    pub(super) fn start(&self, row: &PriorRow, class: Option<usize>) -> Result<Tensor, PriorError> {
        match &self.start {
            Start::Given(given, _) => Ok(given.clone()),
            Start::Mean { noisy: false } if self.data.is_some() && !row.painted => {
                Ok(codes::mean(&self.pictures(row).of_class(None)?))
            }
            Start::Mean { .. } => Ok(self.centre(row, class)),
        }
    }

    /// The noise at the start of a climb: none at the first one from a given place.
    pub(super) fn noise(&self, restart: usize) -> f64 {
        let quiet = restart == 0 && !matches!(self.start, Start::Mean { noisy: true });
        if quiet { 0.0 } else { self.config.noise }
    }

    /// The place of a prior.
    pub(super) fn site<'a>(
        &self,
        [zero, centre]: [&'a Tensor; 2],
        unit: Unit,
        restart: usize,
        examples: &'a Pictures<'_>,
    ) -> Site<'a> {
        Site {
            shape: zero.shape,
            zero,
            centre,
            class: unit.class,
            seed: self.seed,
            restart,
            examples,
        }
    }

    /// The name of a class, or of the neuron.
    pub fn name(&self, class: Option<usize>) -> Option<String> {
        match class {
            Some(class) => self.model.classes.as_ref().map(|names| names[class].clone()),
            None => Some(self.objective.name.clone()),
        }
    }

    /// Names what is made: two plans of the same digest give the same tables and pictures. Files count by content.
    pub fn digest(&self) -> String {
        let mut config = serde_json::to_value(&self.config).expect("plain data");
        let keys = config.as_object_mut().expect("a table");
        super::config::PATHS.iter().for_each(|key| drop(keys.shift_remove(*key)));
        let start = match &self.start {
            Start::Given(_, digest) => digest.clone(),
            Start::Mean { noisy } => noisy.to_string(),
        };
        let identity = serde_json::json!({
            "results_version": RESULTS_VERSION,
            "config": config,
            "model": self.model.digest,
            "generator": self.generator.as_ref().map(Generator::digest),
            "codes": self.codes_from,
            "start": start,
            "judges": self.judges.iter().map(|judge| &judge.model.digest).collect::<Vec<_>>(),
            "data": self.data.as_ref().map(|data| data.fingerprint()),
        });
        hex(&Sha256::digest(identity.to_string()))
    }

    /// What somebody should know before the work begins.
    pub fn notes(&self) -> Vec<String> {
        let obstacles = self.rows.iter().filter_map(|row| {
            Some(format!("the row `{}` stays empty: {}", row.label, row.obstacle.as_ref()?))
        });
        self.model
            .chosen
            .clone()
            .into_iter()
            .chain(self.net.note.clone())
            .chain(obstacles)
            .collect()
    }

    fn read_start(&mut self) -> Result<(), PrototypeError> {
        let init = self.config.init.clone();
        if ["mean", "noise"].contains(&&init[..]) {
            return Ok(());
        }
        let path = Path::new(&init);
        let shapes: Vec<Shape> = self.rows.iter().map(|row| self.zero(row).shape).collect();
        let wrong = |expected: String, found: String| PrototypeError::Start {
            file: init.clone(),
            expected,
            found,
        };
        if shapes.windows(2).any(|pair| pair[0] != pair[1]) {
            let expected = "rows that climb the same, pixels or codes".to_owned();
            return Err(wrong(expected, "some of both".to_owned()));
        }
        let start = if path.extension().is_some_and(|e| e == "npy") {
            given(&tensor::read_array(path)?)
        } else if self.rows[0].painted {
            return Err(wrong("a code as .npy".to_owned(), "another file".to_owned()));
        } else {
            let picture = decode::read_picture(path, self.config.max_pixels)?;
            self.sight.way.picture(&picture).map_err(|e| misfit(&init, e))?
        };
        let fits =
            start.shape == shapes[0] || self.rows[0].painted && start.data.len() == shapes[0].len();
        if !fits {
            return Err(wrong(
                format!("an array of {}", shapes[0]),
                format!("one of {}", start.shape),
            ));
        }
        let start = Tensor::new(shapes[0], start.data.clone());
        let bytes: Vec<u8> = start.data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.start = Start::Given(start, hex(&Sha256::digest(bytes)));
        Ok(())
    }

    /// Mean codes: from a file, by an encoder, or fitted to pictures.
    fn find_codes(&mut self) -> Result<(), PrototypeError> {
        let Some(generator) = &self.generator else { return Ok(()) };
        let classes: Vec<usize> = self.classes.iter().flatten().copied().collect();
        if let Some(file) = self.config.encoder.clone() {
            let mapping = Mapping::load(Path::new(&file))?;
            let from = mapping.digest.clone();
            let encoder = Encoder::new(mapping, generator)?;
            let code = |picture: &Tensor| encoder.code(picture);
            self.codes = self.mean_codes(
                "an encoder takes pictures",
                &classes,
                self.config.examples,
                &code,
            )?;
            self.codes_from = Some(from);
        } else if self.config.codes.as_deref() == Some("fit") {
            let code = |picture: &Tensor| codes::fitted(generator, picture);
            self.codes =
                self.mean_codes("codes are fitted to pictures", &classes, FITTED, &code)?;
            self.codes_from = Some("fit".to_owned());
        } else if let Some(file) = self.config.codes.clone() {
            let all = tensor::read_array(Path::new(&file))?;
            let (classes, values) = (self.model.graph.classes(), generator.code().len());
            if all.shape() != [classes, values] {
                let found = format!("{:?}", all.shape());
                return Err(PrototypeError::Codes { file, classes, values, found });
            }
            let row = |row: ArrayViewD<'_, f32>| {
                Tensor::new(generator.code(), row.iter().copied().collect())
            };
            self.codes = all.outer_iter().map(row).enumerate().collect();
            let bytes: Vec<u8> = all.iter().flat_map(|v| v.to_le_bytes()).collect();
            self.codes_from = Some(hex(&Sha256::digest(bytes)));
        }
        Ok(())
    }

    fn mean_codes(
        &self,
        what: &str,
        classes: &[usize],
        most: usize,
        code: &(dyn Fn(&Tensor) -> Tensor + Sync),
    ) -> Result<BTreeMap<usize, Tensor>, PrototypeError> {
        let what = what.to_owned();
        let painted = self.painted.as_ref().expect("there is a generator");
        let data = self.data.as_deref().ok_or(PrototypeError::NeedsData { what })?;
        let most = most.min(self.config.examples);
        let pictures = Pictures { data: Some(data), way: &painted.way, most };
        let mean = |&class: &usize| {
            let codes: Vec<Tensor> = pictures.of_class(Some(class))?.par_iter().map(code).collect();
            Ok((class, codes::mean(&codes)))
        };
        classes.iter().map(mean).collect()
    }

    /// Binds priors that open files once, so that what they cannot do is said before the work.
    fn check_priors(&self) -> Result<(), PrototypeError> {
        for row in self.rows.iter().filter(|row| row.obstacle.is_none()) {
            let pictures = self.pictures(row);
            let canvas = self.lens(row).blank();
            for prior in row.priors.iter().filter(|prior| !prior.value.asks_data()) {
                if prior.value.place() == Domain::Canvas {
                    let unit = Unit { index: 0, row: 0, class: self.classes[0] };
                    prior.value.bind(&self.site([&canvas, &canvas], unit, 0, &pictures))?;
                }
            }
        }
        Ok(())
    }
}

/// A picture (C, H, W), or the values of a code.
fn given(array: &ArrayD<f32>) -> Tensor {
    match array.view().into_dimensionality::<Ix3>() {
        Ok(picture) => Tensor::from_chw(picture),
        Err(_) => Tensor::vector(array.iter().copied().collect()),
    }
}

fn load(name: &str, settings: Settings) -> Result<Model, PrototypeError> {
    if name != SCENES {
        memory::admit(Path::new(name))?;
    }
    let model = load_model(name, settings)?;
    let whole = [model.graph.input_shape().rect()];
    Ok(Model { graph: tuned(&model.graph, &whole), ..model })
}

fn misfit(model: &str, source: crate::nn::preprocess::PreprocessError) -> PrototypeError {
    PrototypeError::Model(crate::nn::model::ModelError::Preprocess {
        model: model.to_owned(),
        file: None,
        overridden: false,
        source: Box::new(source),
    })
}

fn generator(file: &str, canvas: Shape, model: &Model) -> Result<Generator, PrototypeError> {
    memory::admit(Path::new(file))?;
    Ok(Generator::new(Mapping::load(Path::new(file))?, canvas, &model.name)?)
}

fn painted(
    generator: &Generator,
    preprocess: &Preprocess,
    model: &Model,
) -> Result<Sight, PrototypeError> {
    let shape = generator.picture();
    let misfit = |source| GeneratorError::Misfit {
        name: generator.name().to_owned(),
        shape,
        model: model.name.clone(),
        source: Box::new(source),
    };
    let lens = Lens::new(preprocess, shape).map_err(misfit)?;
    let way = examples::way(preprocess, shape).map_err(misfit)?;
    Ok(Sight { lens, way })
}

fn judge(file: &str, model: &Model, sights: &[Option<&Sight>]) -> Result<Judge, PrototypeError> {
    let judge = load(file, Settings::default())?;
    let preprocess = judge.preprocess()?.clone();
    let (found, classes) = (judge.graph.classes(), model.graph.classes());
    if found != classes {
        return Err(PrototypeError::JudgeClasses { judge: judge.name, found, classes });
    }
    for sight in sights.iter().flatten() {
        if let Err(source) = preprocess.picture(&sight.lens.blank()) {
            let source = Box::new(source);
            return Err(PrototypeError::JudgeSize { judge: judge.name, source });
        }
    }
    Ok(Judge { model: judge, preprocess })
}

/// The classes that are named: `all`, numbers, ranges of them, names; each once, in their order.
fn chosen(texts: &[String], model: &Model) -> Result<Vec<usize>, PrototypeError> {
    let classes = model.graph.classes();
    let names = model.classes.as_deref().unwrap_or_default();
    let mut all = vec![];
    for text in texts.iter().map(|text| text.trim()) {
        let unknown = || {
            let near = near(text, names.iter().map(String::as_str));
            PrototypeError::Class { found: text.to_owned(), near, classes }
        };
        let number = |text: &str| text.parse::<usize>().ok().filter(|class| *class < classes);
        let range = text.split_once('-').and_then(|(a, b)| Some(number(a)?..=number(b)?));
        let named = names.iter().position(|name| name == text);
        match (number(text).or(named), range) {
            (Some(class), _) => all.push(class),
            (None, Some(range)) if !range.is_empty() => all.extend(range),
            _ if text == "all" => all.extend(0..classes),
            _ => return Err(unknown()),
        }
    }
    let mut seen = vec![];
    all.retain(|class| {
        !seen.contains(class) && {
            seen.push(*class);
            true
        }
    });
    Ok(all)
}
