//! Values of keys that are used by runs only.

use super::preset::{PRESETS, Preset, find};
use crate::base::{
    key::{Value, Wrong},
    registry::near,
    word::hint,
    word_enum,
};
use serde::{Serialize, Serializer};
use std::fmt;

word_enum! {
    /// What is written of every step.
    pub enum Record {
        /// The watched score.
        Logit = "logit",
        /// The watched score and the logits of all classes.
        All = "all",
    }
}

/// Whose score is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The class predicted for the untouched picture.
    Predicted,
    /// The class the data set says.
    Label,
    /// One class for all pictures.
    Index(usize),
}

impl Target {
    const WORDS: [(&'static str, Target); 2] =
        [("predicted", Target::Predicted), ("label", Target::Label)];
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Target::WORDS.iter().find(|(_, target)| target == self);
        match (word, self) {
            (Some((word, _)), _) => f.write_str(word),
            (None, Target::Index(class)) => class.fmt(f),
            (None, _) => unreachable!("all others have a word"),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Value for Target {
    fn rule() -> String {
        "predicted, label or the index of a class".to_owned()
    }

    fn read(value: &toml::Value) -> Result<Target, Wrong> {
        if let Some(class) = value.as_integer() {
            return usize::try_from(class).map(Target::Index).map_err(|_| Wrong::Rule);
        }
        let text = value.as_str().ok_or(Wrong::Rule)?;
        let word = Target::WORDS.into_iter().find(|(word, _)| *word == text);
        let number = || text.parse().ok().map(Target::Index);
        word.map(|(_, target)| target).or_else(number).ok_or_else(|| {
            let near = near(text, Target::WORDS.into_iter().map(|(word, _)| word));
            let rule = Target::rule();
            Wrong::Said(format!("`target` must be {rule}, found `{text}`{}", hint(&near)))
        })
    }
}

impl Serialize for Preset {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name)
    }
}

impl Value for &'static Preset {
    fn rule() -> String {
        "the name of a protocol".to_owned()
    }

    fn read(value: &toml::Value) -> Result<&'static Preset, Wrong> {
        let name = value.as_str().filter(|name| !name.is_empty()).ok_or(Wrong::Rule)?;
        find(name).ok_or_else(|| {
            let near = near(name, PRESETS.iter().map(|preset| preset.name));
            let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            let others = if near.is_empty() {
                format!(" (there are {})", names.join(", "))
            } else {
                hint(&near)
            };
            Wrong::Said(format!("unknown protocol `{name}`{others}"))
        })
    }
}
