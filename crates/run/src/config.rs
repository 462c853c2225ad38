//! What a run is to do, from files and flags.
//!
//! A config is a TOML table. Up to five of them are laid on top of each other: the protocol's defaults
//! ([`Given::defaults`]), those of the built-in experiment ([`SCENES`]) when neither a file nor a model nor
//! data are given, those of a [preset](mod@preset) if one is named, the file, the flags. `config/keys.rs` is
//! the table of all keys.

mod keys;
pub mod preset;
mod values;

pub use crate::base::key::{Key, Scope, Takes};
pub use keys::{Config, Given};
pub use values::{Record, Target};

use super::methods::Texts;
use crate::base::{bounded, key::KeyError};
use serde::Deserialize;
use std::{io, path::Path};
use toml::Table;

/// The built-in experiment.
pub const SCENES: &str = include_str!("scenes.toml");

/// Regions that are removed where `steps` is not given and there are enough.
pub const STEPS: usize = 100;

/// Why a config cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read config `{path}`: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not TOML, or a manifest not JSON.
    #[error("config `{path}` is not {format}: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// `TOML`, or what a manifest should be.
        format: &'static str,
        /// What the parser says.
        reason: String,
    },
    /// A key that a config does not have, or a value that it cannot have.
    #[error("{place}{source}")]
    Key {
        /// The file, or empty for flags.
        place: String,
        /// What is wrong.
        source: KeyError,
    },
    /// A model without data, or data without a model.
    #[error("`{key}` is missing: {help}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What it stands for.
        help: String,
    },
}

impl ConfigError {
    fn missing(name: &'static str) -> ConfigError {
        let help = key(name).help;
        // the first letter of a sentence, but not of a name
        let is_word = help.chars().nth(1).is_some_and(char::is_lowercase);
        let (first, rest) = help.split_at(1);
        let first = if is_word { first.to_lowercase() } else { first.to_owned() };
        ConfigError::Missing { key: name, help: first + rest }
    }
}

/// The key of this name, which there must be.
pub fn key(name: &str) -> &'static Key {
    Given::KEYS.iter().find(|key| key.name == name).expect("keys are named as they are declared")
}

impl Config {
    /// The config for a run with this file (TOML, or the `manifest.json` of a run to be repeated)
    /// and these flags.
    pub fn load(file: Option<&Path>, flags: Table) -> Result<Config, ConfigError> {
        let flags = given(&flags, String::new())?;
        let (file, texts) = file.map(read).transpose()?.unwrap_or_default();
        let mut below = Given::defaults();
        // a file as `init` writes it, with nothing set, is as good as none
        if file == Given::default() && flags.model.is_none() && flags.data.is_none() {
            below = shipped(SCENES).over(below);
        }
        if let Some(preset) = flags.protocol.or(file.protocol) {
            // as many steps as a protocol has, not as the built-in experiment has
            below.steps = None;
            below = preset.given().over(below);
        }
        if flags.at.is_some() || file.at.is_some() {
            // what is set there takes the place of a default, not of what is set beside it
            below.steps = None;
        }
        let mut all = flags.over(file).over(below);
        // without heat maps nothing is enlarged
        all.upsample = all.upsample.filter(|_| all.heatmaps.is_some());
        Ok(Config { texts, ..all.full().map_err(ConfigError::missing)? })
    }
}

/// Side of the regions of the protocol, in pixels.
pub fn default_region() -> usize {
    Given::defaults().region.expect("a test reads the defaults")[0]
}

/// What a config sets that is part of the program.
pub(super) fn shipped(text: &str) -> Given {
    let table = text.parse().expect("shipped configs are checked by a test");
    Given::read(&table).expect("shipped configs are checked by a test")
}

/// What the built-in experiment has otherwise than the protocol, as key and value; its model and its pictures
/// are not among them.
pub fn built_in_values() -> Vec<String> {
    let table: Table = SCENES.parse().expect("shipped configs are checked by a test");
    let own = table.into_iter().filter(|(name, _)| key(name).scope == Scope::Results);
    own.map(|(name, value)| format!("{name} {value}")).collect()
}

/// A line of a config that sets nothing: behind a `#` the default of a key, or an example where there is
/// none.
pub fn unset_line(key: &Key) -> String {
    match key.default {
        Some(default) => format!("# {} = {}", key.name, key.in_file(default)),
        None => format!("# {} = {}  # an example", key.name, key.in_file(key.example)),
    }
}

/// Largest config or manifest.
const MAX_BYTES: u64 = 64 << 20;

/// What a file gives. `place` begins the message.
fn given(table: &Table, place: String) -> Result<Given, ConfigError> {
    Given::read(table).map_err(|source| ConfigError::Key { place, source })
}

fn read(path: &Path) -> Result<(Given, Texts), ConfigError> {
    let shown = || path.display().to_string();
    let text = bounded::read(path, MAX_BYTES)
        .and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other))
        .map_err(|source| ConfigError::Read { path: shown(), source })?;
    let (table, texts) = if path.extension().is_some_and(|e| e == "json") {
        let format = "the manifest of a run";
        let syntax = |reason| ConfigError::Syntax { path: shown(), format, reason };
        let Repeated { config, own, texts } =
            serde_json::from_str(&text).map_err(|e| syntax(e.to_string()))?;
        if !own.is_empty() {
            let names = own.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(syntax(format!("its methods {names} are of the program that ran it")));
        }
        (config.ok_or_else(|| syntax("it has no `config`".to_owned()))?, texts)
    } else {
        let table = text.parse().map_err(|e: toml::de::Error| ConfigError::Syntax {
            path: shown(),
            format: "TOML",
            reason: one_line(&e, &text),
        })?;
        (table, Texts::new())
    };
    Ok((given(&table, format!("config `{}`: ", path.display()))?, texts))
}

/// What of a manifest is needed to do the run again.
#[derive(Deserialize)]
struct Repeated {
    config: Option<Table>,
    /// Methods of the program that ran it.
    #[serde(default)]
    own: Vec<String>,
    /// The files of its methods.
    #[serde(default)]
    texts: Texts,
}

fn one_line(error: &toml::de::Error, text: &str) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(at).filter(|b| *b == b'\n').count();
    let words = error.message().lines().map(str::trim).collect::<Vec<_>>().join(", ");
    format!("line {line}: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::decode::MAX_PIXELS;
    use std::path::PathBuf;

    fn flags(text: &str) -> Table {
        text.parse().unwrap()
    }

    fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn shipped_configs_are_read_and_every_key_has_a_default_or_an_example() {
        assert_eq!(shipped(SCENES).model.as_deref(), Some("scenes"));
        for key in Given::KEYS.iter().filter(|key| key.has_flag()) {
            let text = key.default.unwrap_or(key.example);
            let table = Table::from_iter([(key.name.to_owned(), key.in_file(text))]);
            assert!(Given::read(&table).is_ok(), "{}", key.name);
        }
        assert_eq!(Given::defaults().max_pixels, Some(MAX_PIXELS));
        assert!(key("steps").otherwise.unwrap().starts_with(&STEPS.to_string()));
    }

    #[test]
    fn without_arguments_the_built_in_experiment_runs() {
        let config = Config::load(None, Table::new()).unwrap();
        assert_eq!((config.model.as_str(), config.data.as_str()), ("scenes", "scenes"));
        assert_eq!((config.repeats, &config.region[..], config.steps), (1, &[9][..], Some(30)));
        let config = Config::load(None, flags("repeats = 3")).unwrap();
        assert_eq!((config.model.as_str(), config.repeats), ("scenes", 3));
    }

    #[test]
    fn an_own_model_gets_the_protocol_and_needs_data() {
        let config = Config::load(None, flags("model = 'm.onnx'\ndata = 'd'")).unwrap();
        assert_eq!((config.repeats, config.images), (10, None));
        let error = Config::load(None, flags("model = 'm.onnx'")).unwrap_err().to_string();
        assert_eq!(
            error,
            "`data` is missing: folder or file with pictures, or `scenes` for the built-in ones"
        );
    }

    #[test]
    fn flags_override_the_file_key_by_key() {
        let text = "model = 'm.onnx'\ndata = 'd'\nregion = 4\nmethods = 'random, gradient'\n\
                    [preprocess]\nscale = 1.0\nchannels = 'bgr'\n";
        let (_dir, path) = file("a.toml", text);
        let above = flags("region = 5\npreprocess.scale = 2.0");
        let config = Config::load(Some(&path), above).unwrap();
        assert_eq!(config.region.0, [5]);
        assert_eq!(
            config.methods.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["random", "gradient"]
        );
        assert_eq!(config.preprocess.scale, Some(2.0));
        assert!(config.preprocess.channels.is_some());
    }

    #[test]
    fn a_manifest_gives_back_its_config() {
        let above = flags("model = 'm'\ndata = 'd'\nsteps = 7\ntarget = 3\npreprocess.scale = 0.5");
        let config = Config::load(None, above).unwrap();
        let manifest = serde_json::json!({ "version": 1, "config": config.written() }).to_string();
        let (_dir, path) = file("manifest.json", &manifest);
        assert_eq!(Config::load(Some(&path), Table::new()).unwrap(), config);
    }

    #[test]
    fn sizes_of_regions_are_a_number_or_a_list() {
        let region = |text: &str| {
            let above = flags(&format!("model = 'm'\ndata = 'd'\nregion = {text}"));
            Config::load(None, above).unwrap()
        };
        assert_eq!(region("5").region.0, [5]);
        assert_eq!(region("[9, 5]").region.0, [9, 5]);
        assert_eq!(region("'9, 5'").region.0, [9, 5]);
        let written = |text: &str| serde_json::to_value(&region(text).region).unwrap();
        assert_eq!(written("5"), 5);
        assert_eq!(written("[9, 5]"), serde_json::json!([9, 5]));
    }

    #[test]
    fn messages_name_the_file_the_key_what_was_expected_and_found() {
        let say = |name: &str, text: &str| {
            let (dir, path) = file(name, text);
            let error = Config::load(Some(&path), Table::new()).unwrap_err().to_string();
            error.replace(&format!("{}/", dir.path().display()), "")
        };
        let absent = Config::load(Some(Path::new("no.toml")), Table::new()).unwrap_err();
        insta::assert_snapshot!(
            [
                absent.to_string(),
                say("a.toml", "region = 9\nmethods = ["),
                say("a.toml", "metods = ['random']"),
                say("a.toml", "wibble = 1"),
                say("a.toml", "region = 0"),
                say("a.toml", "region = 'nine'"),
                say("a.toml", "region = [9, 0]"),
                say("a.toml", "region = []"),
                say("a.toml", "methods = []"),
                say("a.toml", "methods = [1]"),
                say("a.toml", "seed = -1"),
                say("a.toml", "preprocess = 3"),
                say("a.toml", "[preprocess]\nchanels = 'rgb'"),
                say("manifest.json", "{"),
                say("manifest.json", "{}"),
            ]
            .join("\n")
        );
    }

    #[test]
    fn defaults_are_shown_as_flags_take_them() {
        let help = |name| key(name).help_with_default();
        assert!(help("orders").ends_with(" [default: morf,lerf]"));
        assert!(help("region").ends_with(" [default: 9]"));
        assert!(!help("images").contains("[default"));
    }

    #[test]
    fn what_is_not_written_of_a_config_does_not_count() {
        let above = flags(
            "threads = 2
memory = '1GiB'
out = 'x'
layout = 'b:y=1:a=2'",
        );
        let config = Config::load(None, above).unwrap();
        let written = serde_json::to_value(config.written()).unwrap();
        let keys: Vec<&String> = written.as_object().unwrap().keys().collect();
        assert!(["threads", "memory", "out"].iter().all(|key| !keys.contains(&&(*key).to_owned())));
        assert_eq!(written.get("layout"), Some(&"b:y=1:a=2".into()), "in the order given");
        assert!(!keys.contains(&&"upsample".to_owned()), "without heat maps");
        let counted = config.written().within(&[Scope::Results]);
        assert_eq!((counted.layout, counted.model, counted.data), (None, None, None));
        assert_eq!(counted.images, Some(200));
    }
}
