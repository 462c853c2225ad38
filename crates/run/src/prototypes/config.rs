//! What prototypes are made, from files and flags.

use super::PrototypeError;
use crate::{
    base::{bounded, registry::near},
    data::decode::MAX_PIXELS,
    nn::preprocess::Settings,
    plan::SCENES,
};
use serde::{Deserialize, Serialize};
use std::path::Path;
use toml::Table;

/// Largest file with a config.
const MAX_BYTES: u64 = 16 << 20;

/// Every key with its value; what is not given has its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// ONNX file, or `scenes` for the built-in network.
    pub model: String,
    /// `all`, or classes: numbers, ranges of them, names.
    pub classes: Vec<String>,
    /// What is climbed.
    pub objective: String,
    /// Rows of priors that are compared, each with commas between its priors.
    pub priors: Vec<String>,
    /// How uphill is gone.
    pub optimiser: String,
    /// ONNX file of a generator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// Mean codes of the classes: a `.npy` file (classes, values), or `fit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes: Option<String>,
    /// ONNX file of an encoder, which gives the codes of pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    /// `mean`, `noise`, or a file.
    pub init: String,
    /// Standard deviation of the noise at the start.
    pub noise: f64,
    /// Steps of a climb.
    pub steps: usize,
    /// Climbs from different starts, of which the best counts.
    pub restarts: usize,
    /// `last` or `best`.
    pub keep: String,
    /// ONNX files of other networks that are asked.
    pub judges: Vec<String>,
    /// Folder or file with pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// How they lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// Larger pictures are refused.
    pub max_pixels: u64,
    /// Pictures of a class that priors and codes are learned from, at most.
    pub examples: usize,
    /// Most similar pictures that are named.
    pub nearest: usize,
    /// Whether copies of them are kept.
    pub copies: bool,
    /// Seed of every random draw.
    pub seed: u64,
    /// Keys over the sidecar of the model.
    pub preprocess: Settings,
    /// Threads; no part of the result.
    #[serde(skip_serializing)]
    pub threads: Option<usize>,
    /// Folder of the results; no part of them.
    #[serde(skip_serializing)]
    pub out: Option<String>,
}

impl Default for Config {
    fn default() -> Config {
        let text = str::to_owned;
        Config {
            model: text(SCENES),
            classes: vec![text("all")],
            objective: text("log-p"),
            priors: vec![text("l2")],
            optimiser: text("gradient"),
            generator: None,
            codes: None,
            encoder: None,
            init: text("mean"),
            noise: 0.1,
            steps: 200,
            restarts: 1,
            keep: text("last"),
            judges: vec![],
            data: None,
            layout: None,
            max_pixels: MAX_PIXELS,
            examples: 500,
            nearest: 3,
            copies: true,
            seed: 0,
            preprocess: Settings::default(),
            threads: None,
            out: None,
        }
    }
}

/// Keys of a config that say where something lies: what was found there counts.
pub(super) const PATHS: [&str; 8] =
    ["model", "generator", "codes", "encoder", "init", "judges", "data", "layout"];

impl Config {
    /// A file (TOML, or the manifest of a run) with flags laid over it.
    pub fn load(file: Option<&Path>, flags: Table) -> Result<Config, PrototypeError> {
        let mut table = file.map(read).transpose()?.unwrap_or_default();
        table.extend(flags);
        let known = known();
        if let Some(key) = table.keys().find(|key| !known.contains(key)) {
            let near = near(key, known.iter().map(String::as_str));
            return Err(PrototypeError::Key { key: key.clone(), near });
        }
        let config: Config = table
            .try_into()
            .map_err(|e| PrototypeError::Value { problem: e.message().to_owned() })?;
        config.check()
    }

    fn check(self) -> Result<Config, PrototypeError> {
        let wrong = |key, rule: &'static str, found: String| {
            Err(PrototypeError::Range { key, rule, found })
        };
        if self.steps == 0 || self.steps > 1_000_000 {
            return wrong("steps", "a whole number from 1 to 1000000", self.steps.to_string());
        }
        if self.restarts == 0 || self.restarts > 1000 {
            return wrong("restarts", "a whole number from 1 to 1000", self.restarts.to_string());
        }
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            return wrong("noise", "a number >= 0", self.noise.to_string());
        }
        if self.examples == 0 {
            return wrong("examples", "a whole number >= 1", "0".to_owned());
        }
        if !["last", "best"].contains(&&self.keep[..]) {
            return wrong("keep", "last or best", self.keep.clone());
        }
        if i64::try_from(self.seed).is_err() {
            return wrong("seed", "at most 9223372036854775807", self.seed.to_string());
        }
        for (key, list) in [("class", &self.classes), ("prior", &self.priors)] {
            if list.is_empty() {
                return wrong(key, "a list that is not empty", "nothing".to_owned());
            }
        }
        Ok(self)
    }
}

/// All keys.
fn known() -> Vec<String> {
    let all = Config {
        generator: Some(String::new()),
        codes: Some(String::new()),
        encoder: Some(String::new()),
        data: Some(String::new()),
        layout: Some(String::new()),
        ..Config::default()
    };
    let table = Table::try_from(all).expect("plain data");
    table.keys().cloned().chain(["threads", "out"].map(str::to_owned)).collect()
}

fn read(path: &Path) -> Result<Table, PrototypeError> {
    let unusable = |problem: String| PrototypeError::File { path: path.to_owned(), problem };
    let bytes = bounded::read(path, MAX_BYTES).map_err(|e| unusable(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unusable("it is no text".to_owned()))?;
    if path.extension().is_none_or(|e| e != "json") {
        return text.parse().map_err(|e: toml::de::Error| unusable(e.message().to_owned()));
    }
    let manifest: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| unusable(e.to_string()))?;
    let study = manifest.get("study").and_then(serde_json::Value::as_str);
    let config = manifest.get("config").filter(|_| study == Some(super::files::STUDY));
    let config =
        config.ok_or_else(|| unusable("it is no manifest of `pixelflip prototype`".to_owned()))?;
    Table::try_from(config).map_err(|e| unusable(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        Config::load(None, text.parse().unwrap()).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_not_given_has_its_default_and_a_manifest_is_read_back() {
        let config = load("steps = 7\npriors = [\"l2,jitter\"]\nthreads = 2").unwrap();
        assert_eq!((config.steps, config.restarts, config.threads), (7, 1, Some(2)));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        let manifest = serde_json::json!({ "study": "prototypes", "config": config });
        std::fs::write(&path, manifest.to_string()).unwrap();
        let again = Config::load(Some(&path), "seed = 3".parse().unwrap()).unwrap();
        assert_eq!(again, Config { seed: 3, threads: None, ..config });
        std::fs::write(&path, "{\"study\": \"ranking\"}").unwrap();
        assert!(Config::load(Some(&path), Table::new()).is_err());
    }

    #[test]
    fn what_a_config_cannot_be_is_said() {
        let all = [
            "step = 1",
            "steps = 0",
            "restarts = 0",
            "noise = -1.0",
            "keep = \"first\"",
            "priors = []",
            "steps = \"x\"",
        ];
        insta::assert_snapshot!(all.map(|text| load(text).unwrap_err()).join("\n"));
    }
}
