//! The library in four steps: load a [`Model`], show it a [`Picture`], have it explained as a [`Map`], and
//! measure the map by removing regions ([`Model::flip`]) or let methods compete on many pictures ([`run`]).
//!
//! The program stands on it, and so do bindings. Everything is owned and may be sent to other threads;
//! what callers get wrong is an [`Error`].

use crate::{
    Error, Outcome, Picture, Pictures,
    base::{
        registry::{Named, Spec},
        rng::Seed,
    },
    data::{
        decode::{MAX_PIXELS, read_picture},
        memory,
    },
    explain::{Case, Explainer, HeatMap, MethodError, held::Held},
    nn::{self, preprocess::Settings, tensor::Tensor},
    run::{
        answer::predicted,
        config::{Config, Target},
        event::Silent,
        lock::Share,
        methods,
        output::Output,
        plan::{self, Plan},
        ranking::{self, Ranking},
        runner,
        stop::Stop,
    },
};
use ndarray::{Array3, ArrayView3};
use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

/// A classifier: an ONNX file, how pictures become its input, and its classes. Clones share it.
#[derive(Clone, Debug)]
pub struct Model {
    inner: Arc<nn::model::Model>,
    source: String,
}

impl Model {
    /// The ONNX file at a path, with the sidecar beside it; `scenes` is the built-in network.
    pub fn load(path: impl AsRef<Path>) -> Result<Model, Error> {
        Model::load_with(path, Settings::default())
    }

    /// [`Model::load`] with keys of a sidecar over those of the file.
    pub fn load_with(path: impl AsRef<Path>, settings: Settings) -> Result<Model, Error> {
        let source = path.as_ref().to_string_lossy().into_owned();
        Ok(Model::new(plan::load_model(&source, settings)?, source))
    }

    /// The content of an ONNX file and of a sidecar.
    pub fn from_bytes(name: &str, onnx: &[u8], sidecar: Option<&str>) -> Result<Model, Error> {
        Ok(Model::new(nn::model::Model::from_bytes(name, onnx, sidecar)?, name.to_owned()))
    }

    pub(super) fn new(model: nn::model::Model, source: String) -> Model {
        Model { inner: Arc::new(plan::ready(model)), source }
    }

    /// The network itself.
    pub fn network(&self) -> &nn::model::Model {
        &self.inner
    }

    /// The picture in a file.
    pub fn picture(&self, path: impl AsRef<Path>) -> Result<Picture, Error> {
        let id = path.as_ref().to_string_lossy().into_owned();
        self.prepare(&id, read_picture(path.as_ref(), MAX_PIXELS)?)
    }

    /// A picture of any size, (channels, rows, columns): grey or RGB, values in [0, 1].
    pub fn array(&self, id: &str, picture: ArrayView3<'_, f32>) -> Result<Picture, Error> {
        self.prepare(id, Tensor::from_chw(picture))
    }

    /// An input of the model file, (channels, rows, columns): preprocessing was applied before.
    pub fn input(&self, id: &str, input: ArrayView3<'_, f32>) -> Result<Picture, Error> {
        let input = Tensor::from_chw(input);
        let mut picture = Picture { id: id.to_owned(), image: None, input, label: None };
        picture.check(self.inner.graph.input_shape())?;
        picture.input = self.inner.input(picture.input);
        Ok(picture)
    }

    /// [`Model::array`] of a picture that was decoded already.
    pub fn prepare(&self, id: &str, image: Tensor) -> Result<Picture, Error> {
        let of_texts = self.inner.preprocess.as_ref().is_some_and(|p| p.text().is_some());
        // vectors of words have no range
        if !of_texts {
            memory::check(id, &image)?;
        }
        let id = id.to_owned();
        let preprocess = self.inner.preprocess()?;
        match preprocess.picture(&image) {
            Ok(ready) => {
                let input = preprocess.normalise(&ready);
                Ok(Picture { id, image: Some(image), input, label: None })
            }
            Err(e) => Err(Error::Picture { picture: id, source: Box::new(e) }),
        }
    }

    /// The scores of all classes before softmax.
    pub fn scores(&self, picture: &Picture) -> Result<Vec<f32>, Error> {
        picture.check(self.inner.graph.input_shape())?;
        let inputs = std::slice::from_ref(&picture.input);
        let scores = self.inner.graph.scores(inputs)?.swap_remove(0);
        finite(&picture.id, &scores).map(|_| scores)
    }

    /// Explains a class, the predicted one for `None`, by a method such as `lrp-epsilon-plus-flat` or
    /// `occlusion:window=8`.
    pub fn explain(&self, x: &Picture, method: &str, target: Option<usize>) -> Result<Map, Error> {
        self.explain_by(x, &method.parse()?, target)
    }

    /// [`Model::explain`] by a method made before.
    pub fn explain_by(
        &self,
        picture: &Picture,
        method: &Method,
        target: Option<usize>,
    ) -> Result<Map, Error> {
        let failed = |source| {
            let (method, picture) = (method.name.clone(), picture.id.clone());
            Error::Explain { method, picture, source: Box::new(source) }
        };
        let explainer = &*method.explainer;
        explainer.fits(&self.inner.graph).map_err(failed)?;
        self.ask(picture, target, Seed(0), |case| {
            let relevance = explainer.relevance(case).map_err(failed)?;
            case.check_per_pixel(&relevance).map_err(failed)?;
            let (method, target) = (method.name.clone(), case.target);
            let heat = explainer.pool().apply(&relevance);
            Ok(Map { method, target, relevance: relevance.to_chw(), heat })
        })?
    }

    /// Hands what methods are asked, for a class or the predicted one, to `question`.
    pub fn ask<R>(
        &self,
        picture: &Picture,
        target: Option<usize>,
        seed: Seed,
        question: impl FnOnce(&Case<'_>) -> R,
    ) -> Result<R, Error> {
        let graph = &self.inner.graph;
        picture.check(graph.input_shape())?;
        let acts = graph.pass(&picture.input)?;
        let best = finite(&picture.id, &acts.value(graph.output()).data)?;
        let (low, high) = self.inner.bounds();
        let (target, low, high) = (target.unwrap_or(best), &low, &high);
        let case = Case { graph, acts: &acts, target, low, high, seed, image: &picture.id };
        case.check().map_err(|e| Error::Unfit(e.to_string()))?;
        Ok(question(&case))
    }

    /// Removes the regions of one picture in the order of a map and watches the class that it explains.
    /// `settings` are keys of a config, such as `"region = 8\nperturbation = 'blur'"`.
    pub fn flip(&self, picture: &Picture, map: &Map, settings: &str) -> Result<Outcome, Error> {
        let one = ["heatmaps", "images", "out", "select", "target"];
        let mut config = self.config(settings, &one)?;
        (config.methods, config.target) = (vec![], Target::Index(map.target));
        let stop = Stop::default();
        let own = vec![Method::own("map", Held(map.heat.clone())).named()];
        let data = Pictures::from(vec![picture.clone()]).open(&config, &self.inner)?;
        let plan = Plan::with(config, (*self.inner).clone(), data, own, &stop)?;
        match plan.perturbations.iter().find(|p| p.value.asks_data()) {
            Some(Named { name, .. }) => Err(Error::Unfit(format!(
                "`{name}` is made of all pictures of a set, and here is one: use `run`"
            ))),
            None => Outcome::of(ranking::measure(&plan, &stop, &Silent)?, None),
        }
    }

    /// The protocol with `settings` over it, without keys that say what is handed over otherwise.
    fn config(&self, settings: &str, taken: &[&str]) -> Result<Config, Error> {
        let wrong = |e: toml::de::Error| Error::Unfit(format!("settings: {}", e.message()));
        let mut table: toml::Table = settings.parse().map_err(wrong)?;
        let taken = ["model", "data", "methods", "preprocess"].iter().chain(taken);
        if let Some(key) = taken.into_iter().find(|key| table.contains_key(**key)) {
            let text = format!("settings: `{key}` follows from what is handed over, leave it out");
            return Err(Error::Unfit(text));
        }
        table.insert("model".to_owned(), self.source.clone().into());
        table.insert("data".to_owned(), "memory".into());
        Ok(Config::load(None, table)?)
    }
}

fn finite(picture: &str, scores: &[f32]) -> Result<usize, Error> {
    predicted(scores)
        .map_err(|why| Error::Unfit(format!("`{picture}` cannot be classified: {why}")))
}

/// A contender: a built-in method by its name (`"occlusion:window=8".parse()`), or one of your own.
#[derive(Clone)]
pub struct Method {
    name: String,
    /// As it was named; none for one of your own.
    spec: Option<Spec>,
    explainer: Arc<dyn Explainer>,
}

impl Method {
    /// A method of your own, under a name of letters, digits, `-`, `_` and `.`.
    pub fn own(name: &str, explainer: impl Explainer + 'static) -> Method {
        Method { name: name.to_owned(), spec: None, explainer: Arc::new(explainer) }
    }

    fn named(&self) -> Named<dyn Explainer> {
        Named { name: self.name.clone(), value: Box::new(self.explainer.clone()) }
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Method, Error> {
        let Named { name, value } = methods::method(text)?;
        let spec = text.parse().map_err(MethodError::from)?;
        Ok(Method { name, spec: Some(spec), explainer: Arc::from(value) })
    }
}

/// What speaks for a class, and what against it.
#[derive(Clone, Debug)]
pub struct Map {
    /// Name of the method.
    pub method: String,
    /// The class.
    pub target: usize,
    /// Channels, rows, columns of the network's input; or one channel.
    pub relevance: Array3<f32>,
    /// Relevance per pixel, (rows, columns); higher is more relevant.
    pub heat: HeatMap,
}

/// Lets methods compete. `settings` are keys of a config, such as `"region = 8\nimages = 100"`; with `out` the
/// results are written there, and the same call goes on where it was stopped.
pub fn run(
    model: &Model,
    pictures: impl Into<Pictures>,
    methods: &[Method],
    settings: &str,
) -> Result<Outcome, Error> {
    let (pictures, stop) = (pictures.into(), Stop::default());
    let mut config = model.config(settings, &[])?;
    if methods.is_empty() && config.heatmaps.is_empty() {
        return Err(Error::Unfit("nothing competes: hand over at least one method".to_owned()));
    }
    config.methods = methods.iter().filter_map(|method| method.spec.clone()).collect();
    if let Pictures::At(path) = &pictures {
        config.data.clone_from(path);
    }
    let own = methods.iter().filter(|method| method.spec.is_none()).map(Method::named).collect();
    let (folder, threads) = (config.out.clone().map(PathBuf::from), config.threads);
    let data = pictures.open(&config, &model.inner)?;
    let work = || -> Result<Outcome, Error> {
        let plan = Plan::with(config, (*model.inner).clone(), data, own, &stop)?;
        let records = match &folder {
            Some(root) => {
                let output = Output::open(root, &Ranking::of(&plan), Share::Whole)?;
                ranking::run(&plan, &output, &stop, &Silent)?
            }
            None => ranking::measure(&plan, &stop, &Silent)?,
        };
        let outcome = Outcome::of(records, folder)?;
        outcome.folder.iter().try_for_each(|folder| outcome.summary.write(folder))?;
        Ok(outcome)
    };
    match threads {
        Some(threads) => runner::pool(threads)?.install(work),
        None => work(),
    }
}
