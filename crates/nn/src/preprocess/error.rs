//! What can be wrong with a sidecar or a picture.

use super::{Size, fit::MAX_RESIZED_PIXELS, settings::FIELDS};
use crate::base::geom::Shape;

/// Why a sidecar cannot be used, or why a picture does not fit the network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PreprocessError {
    /// Not TOML.
    #[error("line {line} is not TOML: {reason}")]
    Toml {
        /// Line of the sidecar, from 1.
        line: usize,
        /// What the parser found.
        reason: String,
    },
    /// A key that a sidecar does not have.
    #[error("unknown key `{key}`{}", keys_hint(.near))]
    UnknownKey {
        /// What was written.
        key: String,
        /// Similar keys, in backticks.
        near: Vec<String>,
    },
    /// A value outside its range.
    #[error("`{key}` must be {rule}, found {found}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it must be.
        rule: String,
        /// What was written.
        found: String,
    },
    /// Keys without which a picture cannot be normalised.
    #[error(
        "preprocessing is incomplete: {} missing; name the family that the model belongs to \
         (`--preset torchvision`, caffe, keras, inception or clip), write a sidecar beside the model or \
         give the flags of the same names", backticked(.keys)
    )]
    Missing {
        /// The missing keys.
        keys: Vec<&'static str>,
    },
    /// Keys for pictures beside the table for texts.
    #[error(
        "beside `text`, which is for networks that take texts, {} for pictures only; leave them out",
        backticked(.keys)
    )]
    BesideText {
        /// The keys.
        keys: Vec<&'static str>,
    },
    /// A text does not have the network's size.
    #[error("the text is {found} (values, words, 1), the network takes {expected}")]
    Vectors {
        /// Shape of the text.
        found: Shape,
        /// Shape of the input.
        expected: Shape,
    },
    /// A value of a text's vectors is no finite number.
    #[error("the vectors of the text hold {value}, expected finite numbers")]
    Infinite {
        /// The value.
        value: String,
    },
    /// The picture has neither one nor three channels.
    #[error("a picture has 1 or 3 channels, found {found}")]
    Channels {
        /// Channels of the picture.
        found: usize,
    },
    /// The picture does not have the network's size.
    #[error(
        "the picture is {found} pixels (height x width){resized}, the network takes \
         {expected}{padded}; {fix}"
    )]
    Size {
        /// Size of the picture.
        found: Size,
        /// Size after resizing, in words; empty without.
        resized: String,
        /// Size needed before padding.
        expected: Size,
        /// The padding, in words; empty without.
        padded: String,
        /// What to do.
        fix: &'static str,
    },
    /// Resizing would need more memory than any picture is worth.
    #[error(
        "resizing a picture of {found} pixels (height x width) to {to} needs more than \
         {MAX_RESIZED_PIXELS} pixels; crop it first"
    )]
    Huge {
        /// Size of the picture.
        found: Size,
        /// Size wanted.
        to: Size,
    },
    /// The list of class names is unusable.
    #[error("expected {expected} class names, one per line, found {found}")]
    Classes {
        /// Outputs of the network.
        expected: usize,
        /// Lines with text.
        found: usize,
    },
}

fn keys_hint(near: &[String]) -> String {
    match near {
        [] => format!(" (a sidecar has {})", FIELDS.map(|(key, _)| key).join(", ")),
        some => format!(", did you mean {}?", some.join(" or ")),
    }
}

fn backticked(keys: &[&str]) -> String {
    let list = keys.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
    format!("{list} {}", if keys.len() == 1 { "is" } else { "are" })
}
