//! Options whose value is one of a few words: [`word_enum!`](crate::word_enum!) declares the values and their
//! words in one place, and names, parsing, printing, help and "did you mean" follow.

use super::{registry::near, words::either};
use std::{fmt::Display, str::FromStr};

#[doc(hidden)]
pub use serde;

/// Why a text is none of the words of an option.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}, found `{found}`{}", either(.words), hint(.near))]
pub struct WordError {
    /// The words there are.
    pub words: &'static [&'static str],
    /// What was given.
    pub found: String,
    /// Similar words, in backticks.
    pub near: Vec<String>,
}

impl WordError {
    /// For a text that is none of the `words`.
    pub fn new(words: &'static [&'static str], found: &str) -> WordError {
        WordError { words, found: found.to_owned(), near: near(found, words.iter().copied()) }
    }
}

/// `, did you mean ...?`, for similar words in backticks; nothing without.
pub fn hint(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(", did you mean {}?", near.join(" or ")) }
}

/// A type made by [`word_enum!`](crate::word_enum!).
pub trait Word: Copy + Display + FromStr<Err = WordError> + 'static {
    /// The words, in the order of the values.
    const WORDS: &'static [&'static str];
}

/// Declares an enum whose values have a word each:
///
/// ```
/// pixelflip_base::word_enum! {
///     /// Which regions go first.
///     pub enum Order {
///         /// Most relevant first.
///         Morf = "morf",
///         /// Least relevant first.
///         Lerf = "lerf",
///     }
/// }
/// assert_eq!("lerf".parse(), Ok(Order::Lerf));
/// assert_eq!(Order::Morf.name(), "morf");
/// assert_eq!(Order::WORDS, ["morf", "lerf"]);
/// let error = "mrof".parse::<Order>().unwrap_err();
/// assert_eq!(error.to_string(), "must be morf or lerf, found `mrof`, did you mean `morf`?");
/// ```
#[macro_export]
macro_rules! word_enum {
    (
        $(#[$about:meta])*
        $vis:vis enum $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal),+ $(,)? }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$doc])* $value),+ }

        impl $name {
            /// All values.
            $vis const ALL: [$name; [$($word),+].len()] = [$($name::$value),+];

            /// Their words.
            $vis const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word for it.
            $vis const fn name(self) -> &'static str {
                match self { $($name::$value => $word),+ }
            }
        }

        impl $crate::word::Word for $name {
            const WORDS: &'static [&'static str] = $name::WORDS;
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::word::WordError;

            fn from_str(text: &str) -> Result<$name, $crate::word::WordError> {
                let found = $name::ALL.into_iter().find(|value| value.name() == text);
                found.ok_or_else(|| $crate::word::WordError::new($name::WORDS, text))
            }
        }

        impl $crate::word::serde::Serialize for $name {
            fn serialize<S: $crate::word::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.name())
            }
        }

        impl<'de> $crate::word::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::word::serde::Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                let text = <String as $crate::word::serde::Deserialize>::deserialize(from)?;
                text.parse().map_err($crate::word::serde::de::Error::custom)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    crate::word_enum! {
        /// What becomes of a file.
        #[derive(Default)]
        enum Fate {
            #[default]
            Keep = "keep",
            Move = "move",
            GiveBack = "give-back",
        }
    }

    #[test]
    fn every_word_is_read_as_it_is_printed_and_others_are_told_from_it() {
        for (value, word) in Fate::ALL.into_iter().zip(Fate::WORDS) {
            assert_eq!((value.to_string().as_str(), word.parse()), (*word, Ok(value)));
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(text, format!("\"{word}\""));
            assert_eq!(serde_json::from_str::<Fate>(&text).unwrap(), value);
        }
        assert_eq!(Fate::default(), Fate::Keep);
        let say = |text: &str| text.parse::<Fate>().unwrap_err().to_string();
        let words = "must be keep, move or give-back";
        assert_eq!(say("back"), format!("{words}, found `back`, did you mean `give-back`?"));
        assert_eq!(say(""), format!("{words}, found ``"));
        assert_eq!(
            serde_json::from_str::<Fate>("\"x\"").unwrap_err().to_string(),
            format!("{words}, found `x`")
        );
    }
}
