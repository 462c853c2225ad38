//! How a text becomes the input of a network: the table `text` of a sidecar.

use super::{PreprocessError, Settings, settings::value};
use serde::{Deserialize, Serialize};

/// Matches runs of characters that are no white space.
const TOKENS: &str = r"\S+";

/// The most words that a text may be cut to.
const MAX_LENGTH: usize = 1 << 16;

/// The table `text` of a sidecar: which words a text has, and what the network gets of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSettings {
    /// Regular expression of which each match is a word.
    #[serde(default = "tokens")]
    pub tokens: String,
    /// Whether texts are made lower case before they are matched.
    #[serde(default = "yes")]
    pub lower: bool,
    /// Text file with one word per line: its number, from 0, is the id of the word. Relative to the sidecar.
    pub vocabulary: String,
    /// The word of the vocabulary that stands for words out of it; without one these are dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// The word of the vocabulary behind the end of a text; without one vectors of zeros.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding: Option<String>,
    /// Words that the network takes; longer texts are cut.
    pub length: usize,
    /// `.npy` file with one vector per word of the vocabulary, for networks that take vectors. Relative to the
    /// sidecar. Networks that take ids bring their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vectors: Option<String>,
}

fn tokens() -> String {
    TOKENS.to_owned()
}

fn yes() -> bool {
    true
}

impl TextSettings {
    /// Checks what can be checked without the files.
    pub(super) fn check(&self) -> Result<(), PreprocessError> {
        if !(1..=MAX_LENGTH).contains(&self.length) {
            return Err(value("text", format!("length = {}", self.length)));
        }
        Ok(())
    }
}

impl Settings {
    /// The keys for pictures that stand beside `text`, where they mean nothing.
    pub(super) fn of_pictures(&self) -> Vec<&'static str> {
        let given = [
            ("input", self.input.is_some()),
            ("axes", self.axes.is_some()),
            ("resize", self.resize.is_some()),
            ("interpolation", self.interpolation.is_some()),
            ("crop", self.crop.is_some()),
            ("pad", self.pad.is_some()),
            ("channels", self.channels.is_some()),
            ("scale", self.scale.is_some()),
            ("mean", self.mean.is_some()),
            ("std", self.std.is_some()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(key, _)| key).collect()
    }
}
