//! Keys of a config: [`keys!`](crate::keys!) declares each in one place (name, type, help, flag, default or
//! example, what it counts for), and reading, flags, help, defaults and writing follow.

use super::{
    registry::{Spec, near},
    rng::Seed,
    word::{Word, WordError, hint},
};
use serde::{Serialize, Serializer};
use std::ops::Deref;

#[doc(hidden)]
pub use {serde, serde_json, toml};

/// What a key counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The results depend on it: two runs with other values are two runs.
    Results,
    /// It says where something lies or how it is opened; what is found there counts.
    Place,
    /// How the work is done here; nothing depends on it, and no manifest has it.
    Machine,
}

/// How many values the flag of a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// One.
    One,
    /// Several with commas between them.
    List,
    /// One, and the flag may be given again.
    Each,
    /// None: giving the flag says yes.
    Nothing,
}

/// One key.
pub struct Key {
    /// Name in files; the flag has hyphens.
    pub name: &'static str,
    /// What it is; no full stop.
    pub help: &'static str,
    /// What the flag's value stands for in help texts; empty for keys that have no flag.
    pub flag: &'static str,
    /// The value that holds without the key, as the flag takes it.
    pub default: Option<&'static str>,
    /// What holds without the key, in words, where no single value does.
    pub otherwise: Option<&'static str>,
    /// A value, as the flag takes it, for keys without default.
    pub example: &'static str,
    /// What it counts for.
    pub scope: Scope,
    /// Values of the flag.
    pub takes: Takes,
    /// The values of the flag as they would stand in a file.
    pub of_flag: fn(&[&str]) -> toml::Value,
}

impl Key {
    /// The default or example `text` as it stands in a file.
    pub fn in_file(&self, text: &str) -> toml::Value {
        match self.takes {
            Takes::List | Takes::Each => (self.of_flag)(&text.split(',').collect::<Vec<_>>()),
            Takes::One | Takes::Nothing => (self.of_flag)(&[text]),
        }
    }

    /// Whether there is a flag of this name.
    pub fn has_flag(&self) -> bool {
        !self.flag.is_empty() || self.takes == Takes::Nothing
    }

    /// Help with the default.
    pub fn help_with_default(&self) -> String {
        match self.otherwise.or(self.default) {
            Some(default) => format!("{} [default: {default}]", self.help),
            None => self.help.to_owned(),
        }
    }
}

/// Why a table cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no such key.
    #[error("unknown key `{key}`{}", others(.near, .known))]
    Unknown {
        /// What was written.
        key: String,
        /// Similar keys, in backticks.
        near: Vec<String>,
        /// All keys.
        known: Vec<&'static str>,
    },
    /// A value of the wrong kind.
    #[error("`{key}` must be {rule}, found {found}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it must be.
        rule: String,
        /// What was written, as in a file.
        found: String,
    },
    /// None of the words of an option.
    #[error("`{key}` {source}")]
    Word {
        /// The key.
        key: &'static str,
        /// What is wrong.
        source: WordError,
    },
    /// What the kind of value has its own sentence for.
    #[error("{reason}")]
    Said {
        /// The sentence.
        reason: String,
    },
}

fn others(near: &[String], known: &[&str]) -> String {
    if near.is_empty() { format!(" (a config has {})", known.join(", ")) } else { hint(near) }
}

/// Why a value cannot be read.
pub enum Wrong {
    /// It is not what [`Value::rule`] says.
    Rule,
    /// None of the words of an option.
    Word(WordError),
    /// Another reason: a whole sentence.
    Said(String),
}

/// What a key can have as value.
pub trait Value: Clone + Serialize {
    /// Values of the flag.
    const TAKES: Takes = Takes::One;

    /// What must be written, in words.
    fn rule() -> String;

    /// Reads what stands in a file.
    fn read(value: &toml::Value) -> Result<Self, Wrong>;

    /// The values of the flag as they would stand in a file.
    fn of_flag(texts: &[&str]) -> toml::Value {
        toml::Value::String(texts.concat())
    }

    /// The value of a key that is not there and has no default, if there is one.
    fn absent() -> Option<Self> {
        None
    }

    /// True of what need not be written.
    fn is_absent(&self) -> bool {
        false
    }

    /// This value over one from a lower layer of configs.
    #[must_use]
    fn over(self, _below: Self) -> Self {
        self
    }
}

/// What a field of a config holds: a [`Value`], or none where the key may be left out.
pub trait Slot: Sized {
    /// What is read and written.
    type Value: Value;

    /// The field of a value that may be given.
    fn fill(given: Option<Self::Value>) -> Option<Self>;

    /// What is to be written of the field.
    fn given(&self) -> Option<Self::Value>;
}

impl<T: Value> Slot for T {
    type Value = T;

    fn fill(given: Option<T>) -> Option<T> {
        given.or_else(T::absent)
    }

    fn given(&self) -> Option<T> {
        (!self.is_absent()).then(|| self.clone())
    }
}

impl<T: Value> Slot for Option<T> {
    type Value = T;

    fn fill(given: Option<T>) -> Option<Option<T>> {
        Some(given)
    }

    fn given(&self) -> Option<T> {
        self.clone()
    }
}

impl<T: Word + Serialize> Value for T {
    fn rule() -> String {
        super::words::either(T::WORDS)
    }

    fn read(value: &toml::Value) -> Result<T, Wrong> {
        value.as_str().ok_or(Wrong::Rule)?.parse().map_err(Wrong::Word)
    }
}

impl Value for String {
    fn rule() -> String {
        "a text that is not empty".to_owned()
    }

    fn read(value: &toml::Value) -> Result<String, Wrong> {
        value.as_str().filter(|text| !text.is_empty()).map(str::to_owned).ok_or(Wrong::Rule)
    }
}

impl Value for bool {
    const TAKES: Takes = Takes::Nothing;

    fn rule() -> String {
        "true or false".to_owned()
    }

    fn read(value: &toml::Value) -> Result<bool, Wrong> {
        value.as_bool().ok_or(Wrong::Rule)
    }

    fn of_flag(texts: &[&str]) -> toml::Value {
        toml::Value::Boolean(*texts != ["false"])
    }
}

/// A number as it would stand in a file; a text if it is none.
pub fn number(text: &str) -> toml::Value {
    let whole = text.parse().map(toml::Value::Integer).ok();
    let any = || text.parse().map(toml::Value::Float).ok();
    whole.or_else(any).unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

macro_rules! counts {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn rule() -> String {
                format!("a whole number from 1 to {}", u32::MAX)
            }

            fn read(value: &toml::Value) -> Result<$type, Wrong> {
                let number = value.as_integer().and_then(|n| u32::try_from(n).ok());
                number.filter(|n| *n >= 1).map(|n| n as $type).ok_or(Wrong::Rule)
            }

            fn of_flag(texts: &[&str]) -> toml::Value {
                number(&texts.concat())
            }
        }
    )+};
}

counts!(usize, u64);

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl Value for Seed {
    fn rule() -> String {
        "a whole number >= 0".to_owned()
    }

    fn read(value: &toml::Value) -> Result<Seed, Wrong> {
        let number = value.as_integer().and_then(|n| u64::try_from(n).ok());
        number.map(Seed).ok_or(Wrong::Rule)
    }

    fn of_flag(texts: &[&str]) -> toml::Value {
        number(&texts.concat())
    }
}

/// A number in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
pub struct Share(pub f64);

impl Value for Share {
    fn rule() -> String {
        "a number from 0 to 1".to_owned()
    }

    fn read(value: &toml::Value) -> Result<Share, Wrong> {
        let number = value.as_float().or_else(|| value.as_integer().map(|n| n as f64));
        number.filter(|share| (0.0..=1.0).contains(share)).map(Share).ok_or(Wrong::Rule)
    }

    fn of_flag(texts: &[&str]) -> toml::Value {
        number(&texts.concat())
    }
}

impl Serialize for Spec {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Value for Spec {
    fn rule() -> String {
        "a name".to_owned()
    }

    fn read(value: &toml::Value) -> Result<Spec, Wrong> {
        let text = value.as_str().filter(|text| !text.is_empty()).ok_or(Wrong::Rule)?;
        text.parse().map_err(|e: super::registry::SpecError| Wrong::Said(e.to_string()))
    }
}

/// A list, or a text with commas; not empty.
impl<T: Value> Value for Vec<T> {
    const TAKES: Takes = match T::TAKES {
        Takes::Each => Takes::Each,
        _ => Takes::List,
    };

    fn rule() -> String {
        match T::rule().as_str() {
            "a name" => "a list of names".to_owned(),
            rule => format!("a list, each {rule}"),
        }
    }

    fn read(value: &toml::Value) -> Result<Vec<T>, Wrong> {
        let items = match value {
            toml::Value::String(text) => text.split(',').map(|t| T::of_flag(&[t.trim()])).collect(),
            toml::Value::Array(items) => items.clone(),
            _ => return Err(Wrong::Rule),
        };
        if items.is_empty() {
            return Err(Wrong::Rule);
        }
        items.iter().map(T::read).collect()
    }

    fn of_flag(texts: &[&str]) -> toml::Value {
        toml::Value::Array(texts.iter().map(|text| T::of_flag(&[text])).collect())
    }

    fn absent() -> Option<Vec<T>> {
        Some(Vec::new())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Several values, or one, which then is written without brackets; never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMore<T>(pub Vec<T>);

impl<T> Deref for OneOrMore<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Serialize> Serialize for OneOrMore<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [one] => one.serialize(to),
            more => more.serialize(to),
        }
    }
}

impl<T: Value> Value for OneOrMore<T> {
    const TAKES: Takes = Takes::List;

    fn rule() -> String {
        format!("{} or a list of them", T::rule())
    }

    fn read(value: &toml::Value) -> Result<OneOrMore<T>, Wrong> {
        match value {
            toml::Value::String(_) | toml::Value::Array(_) => Vec::read(value).map(OneOrMore),
            one => T::read(one).map(|one| OneOrMore(vec![one])),
        }
    }

    fn of_flag(texts: &[&str]) -> toml::Value {
        match texts {
            [one] => T::of_flag(&[one]),
            more => Vec::<T>::of_flag(more),
        }
    }
}

/// Refuses keys that are none.
pub fn check_known(table: &toml::Table, keys: &[Key]) -> Result<(), KeyError> {
    let is_known = |key: &&String| keys.iter().any(|k| k.name == **key);
    let Some(key) = table.keys().find(|key| !is_known(key)) else { return Ok(()) };
    let known: Vec<&'static str> = keys.iter().map(|k| k.name).collect();
    let near = near(key, known.iter().copied());
    Err(KeyError::Unknown { key: key.clone(), near, known })
}

/// Reads the value of a key, if it is there.
pub fn read<T: Value>(table: &toml::Table, key: &'static str) -> Result<Option<T>, KeyError> {
    let Some(value) = table.get(key) else { return Ok(None) };
    let found = || value.to_string();
    T::read(value).map(Some).map_err(|wrong| match wrong {
        Wrong::Rule => KeyError::Value { key, rule: T::rule(), found: found() },
        Wrong::Word(source) => KeyError::Word { key, source },
        Wrong::Said(reason) => KeyError::Said { reason },
    })
}

/// One value over another, where both are given.
pub fn over<T: Value>(upper: Option<T>, lower: Option<T>) -> Option<T> {
    match (upper, lower) {
        (Some(upper), Some(lower)) => Some(upper.over(lower)),
        (upper, lower) => upper.or(lower),
    }
}

/// Declares the keys of a config, and with them two types: the config, in which every key is in force, and
/// what is given of it somewhere (a file, flags, a manifest), in which each may be there or not.
#[macro_export]
macro_rules! keys {
    (
        $(#[$about_full:meta])*
        pub struct $full:ident;
        $(#[$about_given:meta])*
        pub struct $given:ident;
        also {
            $($(#[$doc_also:meta])* $also:ident: $type_also:ty,)*
        }
        $(
            $(#[$doc:meta])*
            $key:ident: $type:ty {
                flag: $flag:expr,
                $(default: $default:expr,)?
                $(otherwise: $otherwise:expr,)?
                $(example: $example:expr,)?
                scope: $scope:ident,
                help: $help:expr,
            }
        )+
    ) => {
        $(#[$about_full])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $full {
            $($(#[$doc])* pub $key: $type,)+
            $($(#[$doc_also])* pub $also: $type_also,)*
        }

        $(#[$about_given])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $given {
            $($(#[$doc])* pub $key: Option<<$type as $crate::key::Slot>::Value>,)+
            /// Keys of other versions, in a manifest.
            pub others: $crate::key::toml::Table,
        }

        impl $given {
            /// All keys, in the order in which they are printed.
            pub const KEYS: &'static [$crate::key::Key] = &[$($crate::key::Key {
                name: stringify!($key),
                help: $help,
                flag: $flag,
                default: [$(Some($default),)? None][0],
                otherwise: [$(Some($otherwise),)? None][0],
                example: [$($example,)? ""][0],
                scope: $crate::key::Scope::$scope,
                takes: <<$type as $crate::key::Slot>::Value as $crate::key::Value>::TAKES,
                of_flag: <<$type as $crate::key::Slot>::Value as $crate::key::Value>::of_flag,
            }),+];

            /// The defaults.
            pub fn defaults() -> $given {
                let mut table = $crate::key::toml::Table::new();
                for key in Self::KEYS {
                    let default = key.default.map(|text| (key.name.to_owned(), key.in_file(text)));
                    table.extend(default);
                }
                $given::read(&table).expect("a test reads them")
            }

            /// Reads a table that has these keys only.
            pub fn read(table: &$crate::key::toml::Table) -> Result<$given, $crate::key::KeyError> {
                $crate::key::check_known(table, Self::KEYS)?;
                $given::read_known(table)
            }

            fn read_known(table: &$crate::key::toml::Table) -> Result<$given, $crate::key::KeyError> {
                let mut others = table.clone();
                others.retain(|name, _| Self::KEYS.iter().all(|key| key.name != name));
                Ok($given { $($key: $crate::key::read(table, stringify!($key))?,)+ others })
            }

            /// These values over those of a lower layer.
            #[must_use]
            pub fn over(self, below: $given) -> $given {
                $given {
                    $($key: $crate::key::over(self.$key, below.$key),)+
                    others: self.others,
                }
            }

            /// What is given, by name, in the order of the keys, as a manifest has it.
            pub fn entries(&self) -> $crate::key::serde_json::Map<String, $crate::key::serde_json::Value> {
                match $crate::key::serde_json::to_value(self) {
                    Ok($crate::key::serde_json::Value::Object(map)) => map,
                    _ => unreachable!("a map of plain data"),
                }
            }

            /// The config, where every key that must be there is; else the key that is not.
            pub fn full(self) -> Result<$full, &'static str> {
                Ok($full {
                    $($key: $crate::key::Slot::fill(self.$key).ok_or(stringify!($key))?,)+
                    $($also: Default::default(),)*
                })
            }

            /// Only the keys of some scopes.
            #[must_use]
            pub fn within(self, scopes: &[$crate::key::Scope]) -> $given {
                $given {
                    $($key: self.$key.filter(|_| scopes.contains(&$crate::key::Scope::$scope)),)+
                    others: self.others,
                }
            }
        }

        impl $full {
            /// What is written of it: all but how the work is done on this machine.
            pub fn written(&self) -> $given {
                use $crate::key::{Scope, Slot};
                let given = $given {
                    $($key: self.$key.given(),)+
                    others: $crate::key::toml::Table::new(),
                };
                given.within(&[Scope::Results, Scope::Place])
            }
        }

        impl $crate::key::serde::Serialize for $given {
            fn serialize<S: $crate::key::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                use $crate::key::serde::ser::SerializeMap;
                let mut map = to.serialize_map(None)?;
                $(if let Some(value) = &self.$key { map.serialize_entry(stringify!($key), value)?; })+
                for (name, value) in &self.others {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }

        impl<'de> $crate::key::serde::Deserialize<'de> for $given {
            fn deserialize<D: $crate::key::serde::Deserializer<'de>>(from: D) -> Result<$given, D::Error> {
                use $crate::key::serde::de::Error;
                let table = $crate::key::toml::Table::deserialize(from)?;
                $given::read_known(&table).map_err(D::Error::custom)
            }
        }
    };
}
