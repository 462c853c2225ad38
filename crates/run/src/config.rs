//! What a run is to do, from files and flags.
//!
//! A config is a TOML table. Up to five of them are laid on top of each other: the protocol's defaults
//! ([`PROTOCOL`]), those of the built-in experiment ([`SCENES`]) when neither a file nor a model nor
//! data are given, those of a [preset](mod@preset) if one is named, the file, the flags.

use super::{
    memory,
    methods::Texts,
    preset::{self, PRESETS, Preset},
};
use crate::{
    base::{bounded, registry::near},
    nn::preprocess::{PreprocessError, Settings},
};
use serde::Serialize;
use std::{io, path::Path};
use toml::{Table, Value};

/// The defaults of the protocol, with a comment for every key.
pub const PROTOCOL: &str = include_str!("protocol.toml");

/// The built-in experiment.
pub const SCENES: &str = include_str!("scenes.toml");

/// Regions that are removed where `steps` is not given and there are enough.
pub const STEPS: usize = 100;

/// The key below which the keys of a sidecar stand.
const PREPROCESS: &str = "preprocess";

/// One key of a config.
pub struct Field {
    /// Name, also of the flag.
    pub key: &'static str,
    /// What it is; no full stop.
    pub help: &'static str,
    /// What its value must be, in words.
    rule: &'static str,
    fits: fn(&Value) -> bool,
}

const TEXT: (&str, fn(&Value) -> bool) =
    ("a text that is not empty", |v| v.as_str().is_some_and(|text| !text.is_empty()));
const LIST: (&str, fn(&Value) -> bool) = ("a list of names", |v| list(v).is_some());
const COUNT: (&str, fn(&Value) -> bool) = ("a whole number from 1 to 4294967295", |v| {
    v.as_integer().is_some_and(|n| in_range(n).is_some())
});
const STOPS: (&str, fn(&Value) -> bool) =
    ("a list of numbers and shares such as 10%", |v| stops(v).is_some());
const COUNTS: (&str, fn(&Value) -> bool) =
    ("a whole number from 1 to 4294967295 or a list of them", |v| counts(v).is_some());

fn in_range(n: i64) -> Option<usize> {
    u32::try_from(n).ok().filter(|n| *n >= 1).map(|n| n as usize)
}

const fn field(
    key: &'static str,
    (rule, fits): (&'static str, fn(&Value) -> bool),
    help: &'static str,
) -> Field {
    Field { key, help, rule, fits }
}

/// All keys of a config but `preprocess`, in the order in which they are printed.
pub const FIELDS: &[Field] = &[
    field(
        "protocol",
        TEXT,
        "Defaults of a paper or of another tool, see `pixelflip list protocols`",
    ),
    field("model", TEXT, "ONNX file, or `scenes` for the built-in network"),
    field("data", TEXT, "Folder or file with pictures, or `scenes` for the built-in ones"),
    field(
        "layout",
        TEXT,
        "How the pictures lie, see `pixelflip list datasets`; found out when not given",
    ),
    field("methods", LIST, "Contenders, see `pixelflip list methods`"),
    field(
        "heatmaps",
        LIST,
        "Contenders made by other tools, NAME=PATH each: .npy, .npz, .safetensors, .txt, .png, \
         .tif, or a folder of them",
    ),
    field("upsample", TEXT, "How smaller heat maps are enlarged: none, bilinear or nearest"),
    field("region", COUNTS, "Sides of the square regions in pixels; the first one ranks"),
    field("remainder", TEXT, "Pixels right and below the last whole region: drop or partial"),
    field("steps", COUNT, "Regions that are removed one after the other"),
    field(
        "at",
        STOPS,
        "Numbers of removed regions, or shares of all such as 10%,20%,...,90%, at which the score is watched, in \
         place of `steps`",
    ),
    field("repeats", COUNT, "Noise images per picture"),
    field("orders", LIST, "Most (morf) and least (lerf) relevant regions first"),
    field(
        "perturbation",
        LIST,
        "What replaces a region, see `pixelflip list perturbations`; the first one ranks",
    ),
    field("score", TEXT, "What is watched: logit or softmax"),
    field("record", TEXT, "What is written: the watched score (logit), or all logits too (all)"),
    field("metrics", LIST, "Metrics of every heat map, see `pixelflip list metrics`"),
    field(
        "target",
        ("a text or a whole number", |v| v.is_str() || v.as_integer().is_some_and(|n| n >= 0)),
        "Whose score is watched: predicted, label, or the index of a class",
    ),
    field(
        "images",
        COUNT,
        "Number of pictures, a random sample that does not depend on the seed; all when not given",
    ),
    field(
        "max_pixels",
        COUNT,
        "Larger pictures are refused before they are decoded, and the run says so",
    ),
    field(
        "orientation",
        TEXT,
        "Orientation tags of cameras: ignore (as torchvision does) or apply (as viewers do)",
    ),
    field(
        "select",
        LIST,
        "Which pictures, step by step: top-confident:N, least-confident:N, correct, wrong, \
         class:NAME, first:N, random:N; `images` samples what is left",
    ),
    field(
        "seed",
        ("a whole number >= 0", |v| v.as_integer().is_some_and(|n| n >= 0)),
        "Seed of every random draw",
    ),
    field(
        "threads",
        COUNT,
        "Threads; one per core, of the SLURM task or control group if there is one, when not given; the \
         results do not depend on it",
    ),
    field(
        "memory",
        ("a size such as 4GiB", |v| v.as_str().is_some_and(|t| memory::parse(t).is_ok())),
        "Memory the run may use; what is free when not given; the results do not depend on it",
    ),
    field(
        "verify",
        ("a number from 0 to 1", |v| {
            let number = v.as_float().or_else(|| v.as_integer().map(|n| n as f64));
            number.is_some_and(|share| (0.0..=1.0).contains(&share))
        }),
        "Share of the steps that is checked again by full passes",
    ),
    field(
        "direct",
        ("true or false", Value::is_bool),
        "Compute all convolutions directly, without Winograd tiles",
    ),
    field(
        "out",
        TEXT,
        "Folder for the results; results/ and the name of the config or model when not given",
    ),
];

/// A config whose values have the right types. Names are checked by
/// [`Plan::new`](super::plan::Plan::new), which also knows what fits the model and the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// Name of a [preset](mod@preset); the other keys say all that it sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Path of the ONNX file, or `scenes`.
    pub model: String,
    /// Path of the pictures, or `scenes`.
    pub data: String,
    /// How the pictures lie; found out when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// Specs of the methods.
    pub methods: Vec<String>,
    /// Heat maps made by other tools, `NAME=PATH` each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heatmaps: Vec<String>,
    /// `none`, `bilinear` or `nearest`; without heat maps it is not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upsample: Option<String>,
    /// Sides of the regions in pixels; a single one is written as a number.
    #[serde(serialize_with = "one_or_more")]
    pub region: Vec<usize>,
    /// `drop` or `partial`.
    pub remainder: String,
    /// Regions to remove; at most [`STEPS`] when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Stops at which the score is watched, in place of `steps`; without any after every region.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<String>,
    /// Noise images per picture.
    pub repeats: usize,
    /// `morf`, `lerf`.
    pub orders: Vec<String>,
    /// Specs of the perturbations.
    pub perturbation: Vec<String>,
    /// `logit` or `softmax`.
    pub score: String,
    /// `logit` or `all`.
    pub record: String,
    /// Specs of the metrics of heat maps.
    pub metrics: Vec<String>,
    /// `predicted`, `label` or an index.
    pub target: String,
    /// Number of pictures; all when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<usize>,
    /// Larger pictures are refused before they are decoded.
    pub max_pixels: u64,
    /// What becomes of orientation tags.
    pub orientation: String,
    /// Steps of a selection, applied from left to right before `images` samples what is left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
    /// Seed of every random draw.
    pub seed: u64,
    /// Number of threads; not part of what is computed, so it is not written.
    #[serde(skip)]
    pub threads: Option<usize>,
    /// Bytes of memory it may use; not part of what is computed, so it is not written.
    #[serde(skip)]
    pub memory: Option<u64>,
    /// Share of the steps checked by full passes.
    pub verify: f64,
    /// No Winograd tiles.
    pub direct: bool,
    /// Folder for the results; not part of what is computed, so it is not written.
    #[serde(skip)]
    pub out: Option<String>,
    /// Keys of a sidecar, over those of the file beside the model.
    pub preprocess: Settings,
    /// Content of files that methods are built from, as the run of a manifest had them, by name: for
    /// files that are gone.
    #[serde(skip)]
    pub texts: Texts,
}

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
    /// A key that a config does not have.
    #[error("{place}unknown key `{key}`{}", hint(.near))]
    UnknownKey {
        /// The file, or empty for flags.
        place: String,
        /// What was written.
        key: String,
        /// Similar keys, in backticks.
        near: Vec<String>,
    },
    /// A value of the wrong kind.
    #[error("{place}`{key}` must be {rule}, found {found}")]
    Value {
        /// The file, or empty for flags.
        place: String,
        /// The key.
        key: &'static str,
        /// What it must be.
        rule: &'static str,
        /// What was written.
        found: String,
    },
    /// Wrong keys or values below `preprocess`.
    #[error("{place}`preprocess`: {source}")]
    Preprocess {
        /// The file, or empty for flags.
        place: String,
        /// What is wrong.
        source: PreprocessError,
    },
    /// A preset that does not exist.
    #[error("unknown protocol `{found}`{}", did_you_mean(.near))]
    Protocol {
        /// What was written.
        found: String,
        /// Similar names, in backticks.
        near: Vec<String>,
    },
    /// A model without data, or data without a model.
    #[error("`{key}` is missing: give {what}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What it stands for, in words.
        what: &'static str,
    },
}

fn hint(near: &[String]) -> String {
    match near {
        [] => format!(" (a config has {})", keys().collect::<Vec<_>>().join(", ")),
        some => format!(", did you mean {}?", some.join(" or ")),
    }
}

fn did_you_mean(near: &[String]) -> String {
    match near {
        [] => {
            let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            format!(" (there are {})", names.join(", "))
        }
        some => format!(", did you mean {}?", some.join(" or ")),
    }
}

fn keys() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|f| f.key).chain([PREPROCESS])
}

impl Config {
    /// The config for a run with this file (TOML, or the `manifest.json` of a run to be repeated)
    /// and these flags.
    pub fn load(file: Option<&Path>, flags: Table) -> Result<Config, ConfigError> {
        check(&flags, "")?;
        let (file, texts) = file.map(read).transpose()?.unzip();
        let mut table = parsed(PROTOCOL);
        // a file as `init` writes it, with nothing set, is as good as none
        let is_bare = file.as_ref().is_none_or(Table::is_empty);
        if is_bare && !flags.contains_key("model") && !flags.contains_key("data") {
            lay_over(&mut table, parsed(SCENES));
        }
        let chosen = [Some(&flags), file.as_ref()].into_iter().flatten();
        if let Some(name) = chosen.filter_map(|t| t.get("protocol")).find_map(Value::as_str) {
            // as many steps as a protocol has, not as the built-in experiment has
            table.remove("steps");
            lay_over(&mut table, parsed(preset(name)?.config));
        }
        if [Some(&flags), file.as_ref()].into_iter().flatten().any(|t| t.contains_key("at")) {
            // what is set there takes the place of a default, not of what is set beside it
            table.remove("steps");
        }
        file.into_iter().for_each(|file| lay_over(&mut table, file));
        lay_over(&mut table, flags);
        let config = Config::from_checked(&table)?;
        Ok(Config { texts: texts.unwrap_or_default(), ..config })
    }

    /// From a table that passed [`check`].
    fn from_checked(table: &Table) -> Result<Config, ConfigError> {
        let text = |key| table.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key| table.get(key).and_then(Value::as_integer).map(|n| n as usize);
        let share = |key| {
            let value: Option<&Value> = table.get(key);
            value.and_then(|v| v.as_float().or_else(|| v.as_integer().map(|n| n as f64)))
        };
        let texts = |key| table.get(key).and_then(list);
        let default = "the protocol has a default";
        let missing = |key, what| ConfigError::Missing { key, what };
        Ok(Config {
            protocol: text("protocol"),
            model: text("model")
                .ok_or_else(|| missing("model", "an ONNX file, or `scenes`, the built-in one"))?,
            data: text("data")
                .ok_or_else(|| missing("data", "a folder with pictures, or `scenes`"))?,
            layout: text("layout"),
            methods: texts("methods").expect(default),
            upsample: table.get("heatmaps").and(text("upsample")),
            heatmaps: texts("heatmaps").unwrap_or_default(),
            region: table.get("region").and_then(counts).expect(default),
            remainder: text("remainder").expect(default),
            steps: number("steps"),
            at: table.get("at").and_then(stops).unwrap_or_default(),
            repeats: number("repeats").expect(default),
            orders: texts("orders").expect(default),
            perturbation: texts("perturbation").expect(default),
            score: text("score").expect(default),
            record: text("record").expect(default),
            metrics: texts("metrics").expect(default),
            target: text("target")
                .or_else(|| number("target").map(|n| n.to_string()))
                .expect(default),
            images: number("images"),
            max_pixels: number("max_pixels").expect(default) as u64,
            orientation: text("orientation").expect(default),
            select: texts("select").unwrap_or_default(),
            seed: number("seed").expect(default) as u64,
            threads: number("threads"),
            memory: text("memory").map(|text| memory::parse(&text).expect("checked")),
            verify: share("verify").expect(default),
            direct: table.get("direct").and_then(Value::as_bool).expect(default),
            out: text("out"),
            preprocess: settings(table).expect("checked"),
            texts: Texts::new(),
        })
    }
}

fn preset(name: &str) -> Result<&'static Preset, ConfigError> {
    let unknown = || ConfigError::Protocol {
        found: name.to_owned(),
        near: near(name, PRESETS.iter().map(|preset| preset.name)),
    };
    preset::find(name).ok_or_else(unknown)
}

/// Side of the regions of the protocol, in pixels.
pub fn default_region() -> usize {
    let side = parsed(PROTOCOL).get("region").and_then(counts);
    side.expect("the protocol has a default")[0]
}

/// How a default is shown in help texts; `None` for keys without one.
pub fn default_text(key: &str) -> Option<String> {
    if key == "steps" {
        return Some(format!("{STEPS}, or all regions if there are fewer"));
    }
    let table = parsed(PROTOCOL);
    let value = table.get(key)?;
    let shown = match value {
        Value::Array(_) => list(value).expect("checked by a test").join(","),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(shown)
}

/// What the built-in experiment has otherwise than the protocol, as key and value; its model and its pictures
/// are not among them.
pub fn built_in_values() -> Vec<String> {
    let own = parsed(SCENES).into_iter().filter(|(key, _)| key != "model" && key != "data");
    own.map(|(key, value)| format!("{key} {value}")).collect()
}

/// A line of a config that sets nothing: behind a `#` the default of a key, or an example where there is
/// none.
pub fn unset_line(key: &str) -> String {
    let table = parsed(PROTOCOL);
    if let Some(value) = table.get(key) {
        return format!("# {key} = {value}");
    }
    let lines = PROTOCOL.lines().filter_map(|line| line.strip_prefix("# "));
    let mut of_key = lines.filter(|line| line.split_once(" = ").is_some_and(|(k, _)| k == key));
    let line = of_key.next().expect("checked by a test").split("  #").next().unwrap_or_default();
    format!("# {}  # an example", line.trim_end())
}

/// `upper` over `lower`; keys below `preprocess` one by one.
fn lay_over(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => below.extend(above),
            (_, value) => drop(lower.insert(key, value)),
        }
    }
}

/// A text with commas, or a list of texts; not empty.
fn list(value: &Value) -> Option<Vec<String>> {
    let items: Vec<String> = match value {
        Value::String(text) => text.split(',').map(|t| t.trim().to_owned()).collect(),
        Value::Array(items) => {
            items.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
        _ => return None,
    };
    (!items.is_empty() && items.iter().all(|item| !item.is_empty())).then_some(items)
}

/// One number, or some in a list or in a text with commas.
fn counts(value: &Value) -> Option<Vec<usize>> {
    let one = in_range;
    match value {
        Value::Integer(n) => one(*n).map(|n| vec![n]),
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(|v| v.as_integer().and_then(one)).collect()
        }
        Value::String(_) => list(value)?.iter().map(|t| t.parse().ok().and_then(one)).collect(),
        _ => None,
    }
}

/// Texts, or whole numbers as texts.
fn stops(value: &Value) -> Option<Vec<String>> {
    let text = |v: &Value| match v {
        Value::Integer(n) => Some(n.to_string()),
        other => other.as_str().map(str::to_owned),
    };
    match value {
        Value::Integer(n) => Some(vec![n.to_string()]),
        Value::Array(items) if !items.is_empty() => items.iter().map(text).collect(),
        _ => list(value),
    }
}

fn one_or_more<S: serde::Serializer>(counts: &[usize], to: S) -> Result<S::Ok, S::Error> {
    match counts {
        [one] => one.serialize(to),
        more => more.serialize(to),
    }
}

fn parsed(text: &str) -> Table {
    text.parse().expect("shipped configs are checked by a test")
}

/// Largest config or manifest.
const MAX_BYTES: u64 = 64 << 20;

fn read(path: &Path) -> Result<(Table, Texts), ConfigError> {
    let shown = || path.display().to_string();
    let text = bounded::read(path, MAX_BYTES)
        .and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other))
        .map_err(|source| ConfigError::Read { path: shown(), source })?;
    let (table, texts) = if path.extension().is_some_and(|e| e == "json") {
        from_manifest(&text).map_err(|reason| ConfigError::Syntax {
            path: shown(),
            format: "the manifest of a run",
            reason,
        })?
    } else {
        let table = text.parse().map_err(|e: toml::de::Error| ConfigError::Syntax {
            path: shown(),
            format: "TOML",
            reason: one_line(&e, &text),
        })?;
        (table, Texts::new())
    };
    check(&table, &format!("config `{}`: ", path.display()))?;
    Ok((table, texts))
}

/// The config of an earlier run, and the files of its methods.
fn from_manifest(text: &str) -> Result<(Table, Texts), String> {
    let manifest: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let config = manifest.get("config").ok_or("it has no `config`")?;
    if let Some(own) = manifest.get("own").and_then(serde_json::Value::as_array) {
        let names: Vec<String> = own.iter().map(ToString::to_string).collect();
        return Err(format!("its methods {} are of the program that ran it", names.join(", ")));
    }
    let texts = manifest.get("texts").cloned().map(serde_json::from_value).transpose();
    let texts = texts.map_err(|e| format!("`texts`: {e}"))?.unwrap_or_default();
    Ok((Table::try_from(config).map_err(|e| e.to_string())?, texts))
}

fn one_line(error: &toml::de::Error, text: &str) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(at).filter(|b| *b == b'\n').count();
    let words = error.message().lines().map(str::trim).collect::<Vec<_>>().join(", ");
    format!("line {line}: {words}")
}

/// Every key is known and every value has the right type. `place` begins the message.
fn check(table: &Table, place: &str) -> Result<(), ConfigError> {
    for (key, value) in table.iter().filter(|(key, _)| *key != PREPROCESS) {
        let Some(field) = FIELDS.iter().find(|f| f.key == key) else {
            let near = near(key, keys());
            return Err(ConfigError::UnknownKey {
                place: place.to_owned(),
                key: key.clone(),
                near,
            });
        };
        if !(field.fits)(value) {
            return Err(ConfigError::Value {
                place: place.to_owned(),
                key: field.key,
                rule: field.rule,
                found: value.to_string(),
            });
        }
    }
    if let Some(found) = table.get(PREPROCESS).filter(|v| !v.is_table()) {
        return Err(ConfigError::Value {
            place: place.to_owned(),
            key: PREPROCESS,
            rule: "a table with the keys of a sidecar",
            found: found.to_string(),
        });
    }
    let preprocess = |source| ConfigError::Preprocess { place: place.to_owned(), source };
    settings(table).map(drop).map_err(preprocess)
}

fn settings(table: &Table) -> Result<Settings, PreprocessError> {
    match table.get(PREPROCESS).and_then(Value::as_table) {
        None => Ok(Settings::default()),
        Some(keys) => Settings::from_toml(&keys.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn shipped_configs_have_only_known_keys_and_every_key_is_documented() {
        for text in [PROTOCOL, SCENES] {
            check(&parsed(text), "").unwrap();
        }
        let at_line_start = |key| {
            PROTOCOL.lines().any(|line| {
                let line = line.trim_start_matches("# ");
                line.strip_prefix(key).is_some_and(|rest| rest.starts_with(" = "))
            })
        };
        assert!(FIELDS.iter().all(|f| at_line_start(f.key)));
        assert!(PROTOCOL.contains("# [preprocess]"));
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
        assert_eq!(error, "`data` is missing: give a folder with pictures, or `scenes`");
    }

    #[test]
    fn flags_override_the_file_key_by_key() {
        let text = "model = 'm.onnx'\ndata = 'd'\nregion = 4\nmethods = 'random, gradient'\n\
                    [preprocess]\nscale = 1.0\nchannels = 'bgr'\n";
        let (_dir, path) = file("a.toml", text);
        let above = flags("region = 5\npreprocess.scale = 2.0");
        let config = Config::load(Some(&path), above).unwrap();
        assert_eq!(config.region, [5]);
        assert_eq!(config.methods, ["random", "gradient"]);
        assert_eq!(config.preprocess.scale, Some(2.0));
        assert!(config.preprocess.channels.is_some());
    }

    #[test]
    fn a_manifest_gives_back_its_config() {
        let above = flags("model = 'm'\ndata = 'd'\nsteps = 7\ntarget = 3\npreprocess.scale = 0.5");
        let config = Config::load(None, above).unwrap();
        let manifest = serde_json::json!({ "version": 1, "config": config }).to_string();
        let (_dir, path) = file("manifest.json", &manifest);
        assert_eq!(Config::load(Some(&path), Table::new()).unwrap(), config);
    }

    #[test]
    fn sizes_of_regions_are_a_number_or_a_list() {
        let region = |text: &str| {
            let above = flags(&format!("model = 'm'\ndata = 'd'\nregion = {text}"));
            Config::load(None, above).unwrap()
        };
        assert_eq!(region("5").region, [5]);
        assert_eq!(region("[9, 5]").region, [9, 5]);
        assert_eq!(region("'9, 5'").region, [9, 5]);
        let written = |text: &str| serde_json::to_value(region(text)).unwrap()["region"].clone();
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
        assert_eq!(default_text("orders").unwrap(), "morf,lerf");
        assert_eq!(default_text("region").unwrap(), "9");
        assert_eq!(default_text("images"), None);
    }
}
