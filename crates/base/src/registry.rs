//! One grammar and one table type for everything a user can name: methods, rules, perturbations,
//! metrics, data sets. `id[:key=value]...` needs no quotes in a shell and no commas.

use crate::word::{Word, hint};
use std::{fmt, str::FromStr};

/// `id[:key=value]...` as typed by the user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spec {
    /// Name of a registry entry.
    pub id: String,
    /// Parameters that were given, in this order.
    pub params: Vec<(String, String)>,
}

impl Spec {
    /// Without parameters: all have their defaults.
    pub fn plain(id: &str) -> Spec {
        Spec { id: id.to_owned(), params: Vec::new() }
    }

    /// The value of a parameter, if it was given.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.params.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// Gives a parameter a value, in the place of one that it has.
    pub fn set(&mut self, key: &str, value: String) {
        match self.params.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => *old = value,
            None => self.params.push((key.to_owned(), value)),
        }
    }

    /// Takes a parameter away.
    pub fn take(&mut self, key: &str) -> Option<String> {
        let at = self.params.iter().position(|(k, _)| k == key)?;
        Some(self.params.remove(at).1)
    }
}

/// Why a [`Spec`] cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The id is in no table.
    #[error("unknown {kind} `{got}`{}", did_you_mean(.near, .kind))]
    Unknown {
        /// What was looked for: "method", "perturbation", ...
        kind: &'static str,
        /// What was typed.
        got: String,
        /// Entries with a similar name.
        near: Vec<String>,
    },
    /// The entry exists, the parameter does not.
    #[error("`{id}` has no parameter `{key}` (it takes {takes})")]
    UnknownParam {
        /// The entry.
        id: String,
        /// What was typed.
        key: String,
        /// The parameters it has, in words.
        takes: String,
    },
    /// The value is outside its range.
    #[error("`{id}`: `{key}` must be {rule}, found `{got}`")]
    BadParam {
        /// The entry.
        id: String,
        /// The parameter.
        key: String,
        /// Its range, in words.
        rule: String,
        /// What was typed.
        got: String,
    },
    /// The text does not follow the grammar.
    #[error("`{0}` is not of the form id[:key=value]...")]
    Syntax(String),
}

fn did_you_mean(near: &[String], kind: &str) -> String {
    if !near.is_empty() {
        return hint(near);
    }
    match kind.split(' ').next().unwrap_or_default() {
        "layout" => " (`pixelflip list datasets` has them all)".to_owned(),
        word @ ("method" | "metric" | "perturbation" | "rule" | "objective" | "prior"
        | "optimiser") => {
            format!(" (`pixelflip list {word}s` has them all)")
        }
        _ => String::new(),
    }
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let syntax = || SpecError::Syntax(text.to_owned());
        if text.trim().contains(char::is_control) {
            return Err(syntax());
        }
        let mut parts = text.trim().split(':');
        let id = parts.next().filter(|id| !id.is_empty()).ok_or_else(syntax)?.to_owned();
        let mut params: Vec<(String, String)> = Vec::new();
        for part in parts {
            let (key, value) = part.split_once('=').ok_or_else(syntax)?;
            if key.is_empty() || value.is_empty() {
                return Err(syntax());
            }
            if params.iter().any(|(k, _)| k == key) {
                return Err(syntax());
            }
            params.push((key.to_owned(), value.to_owned()));
        }
        Ok(Spec { id, params })
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        self.params.iter().try_for_each(|(key, value)| write!(f, ":{key}={value}"))
    }
}

/// What values a parameter takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A finite number in `[min, max]`.
    Number {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// A whole number in `[min, max]`.
    Integer {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// One of a few words.
    Word(&'static [&'static str]),
    /// Any text (a file name, the name of a layer).
    Text,
}

crate::word_enum! {
    enum YesNo {
        Yes = "yes",
        No = "no",
    }
}

/// Yes or no.
pub const YES_NO: Kind = Kind::Word(YesNo::WORDS);

impl Kind {
    /// The range in words, for help and error messages.
    pub fn rule(self) -> String {
        match self {
            Kind::Number { min, max } if min.is_infinite() && max.is_infinite() => {
                "a number".to_owned()
            }
            Kind::Number { min, max } if max.is_infinite() => format!("a number >= {min}"),
            Kind::Number { min, max } => format!("a number from {min} to {max}"),
            Kind::Integer { min, max } if max == u64::MAX => format!("a whole number >= {min}"),
            Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::Text => "a text".to_owned(),
        }
    }

    /// The one way to print a value, or `None` when it is out of range.
    pub fn canonical(self, raw: &str) -> Option<String> {
        match self {
            Kind::Number { min, max } => {
                let v: f64 = raw.parse().ok()?;
                (v.is_finite() && v >= min && v <= max).then(|| v.to_string())
            }
            Kind::Integer { min, max } => {
                let v: u64 = raw.parse().ok()?;
                (v >= min && v <= max).then(|| v.to_string())
            }
            Kind::Word(words) => words.contains(&raw).then(|| raw.to_owned()),
            Kind::Text => Some(raw.to_owned()),
        }
    }
}

/// One parameter of an [`Entry`].
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Name, as in `key=value`.
    pub key: &'static str,
    /// Value when none is given.
    pub default: &'static str,
    /// Its range.
    pub kind: Kind,
    /// What it does; no full stop.
    pub help: &'static str,
}

/// One row of a registry; `T` is a trait object such as `dyn Explainer`.
pub struct Entry<T: ?Sized> {
    /// Lower-case kebab name.
    pub id: &'static str,
    /// One line; no full stop.
    pub summary: &'static str,
    /// Key into `docs/references.bib`; empty where there is no paper to cite.
    pub cite: &'static str,
    /// Parameters, in the order in which they are printed.
    pub params: &'static [Param],
    /// Makes the object from its completed, range-checked parameters.
    pub build: fn(&Args) -> Result<Box<T>, SpecError>,
}

/// The complete parameters of one named thing: given values and defaults, all in canonical print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    id: &'static str,
    values: Vec<(&'static str, String)>,
}

impl Args {
    fn complete<T: ?Sized>(entry: &Entry<T>, spec: &Spec) -> Result<Args, SpecError> {
        let known = |key: &str| entry.params.iter().any(|p| p.key == key);
        if let Some((key, _)) = spec.params.iter().find(|(key, _)| !known(key)) {
            let takes = match entry.params {
                [] => "no parameters".to_owned(),
                some => some.iter().map(|p| p.key).collect::<Vec<_>>().join(", "),
            };
            let id = entry.id.to_owned();
            return Err(SpecError::UnknownParam { id, key: key.clone(), takes });
        }
        let value = |p: &Param| {
            let raw = spec.get(p.key).unwrap_or(p.default);
            let bad = || SpecError::BadParam {
                id: entry.id.to_owned(),
                key: p.key.to_owned(),
                rule: p.kind.rule(),
                got: raw.to_owned(),
            };
            Ok((p.key, p.kind.canonical(raw).ok_or_else(bad)?))
        };
        let values = entry.params.iter().map(value).collect::<Result<_, _>>()?;
        Ok(Args { id: entry.id, values })
    }

    /// A parameter as printed.
    pub fn text(&self, key: &str) -> &str {
        let found = self.values.iter().find(|(k, _)| *k == key);
        found.map(|(_, v)| v.as_str()).expect("the entry declares the parameters it reads")
    }

    /// A parameter of kind [`Kind::Number`].
    pub fn f64(&self, key: &str) -> f64 {
        self.text(key).parse().expect("range-checked")
    }

    /// A parameter of kind [`Kind::Number`], in single precision.
    pub fn f32(&self, key: &str) -> f32 {
        self.f64(key) as f32
    }

    /// A parameter of kind [`Kind::Integer`].
    pub fn usize(&self, key: &str) -> usize {
        self.text(key).parse().expect("range-checked")
    }

    /// A parameter of kind [`Kind::Word`] whose words are those of `T`.
    pub fn word<T: Word>(&self, key: &str) -> T {
        self.text(key).parse().expect("range-checked")
    }

    /// A parameter of kind [`YES_NO`].
    pub fn yes(&self, key: &str) -> bool {
        self.word::<YesNo>(key) == YesNo::Yes
    }

    /// For conditions between parameters (alpha - beta = 1): the error that names `key`.
    pub fn bad(&self, key: &str, rule: &str) -> SpecError {
        SpecError::BadParam {
            id: self.id.to_owned(),
            key: key.to_owned(),
            rule: rule.to_owned(),
            got: self.text(key).to_owned(),
        }
    }
}

impl fmt::Display for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)?;
        self.values.iter().try_for_each(|(key, value)| write!(f, ":{key}={value}"))
    }
}

/// A thing together with the name it prints: id and all parameters, from the entry that made it.
pub struct Named<T: ?Sized> {
    /// Canonical name; parses back to the same thing.
    pub name: String,
    /// The thing.
    pub value: Box<T>,
}

impl<T: ?Sized> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Named").field(&self.name).finish()
    }
}

/// The id in a canonical name, without its parameters.
pub fn id(name: &str) -> &str {
    name.split_once(':').map_or(name, |(id, _)| id)
}

/// Looks `spec` up in `table` and builds it. `kind` ("method") is for the error message.
pub fn build<T: ?Sized>(
    kind: &'static str,
    table: &[Entry<T>],
    spec: &Spec,
) -> Result<Named<T>, SpecError> {
    let Some(entry) = table.iter().find(|e| e.id == spec.id) else {
        let near = near(&spec.id, table.iter().map(|e| e.id));
        return Err(SpecError::Unknown { kind, got: spec.id.clone(), near });
    };
    let args = Args::complete(entry, spec)?;
    Ok(Named { value: (entry.build)(&args)?, name: args.to_string() })
}

/// The names most like `got`, each in backticks, best first; at most three.
pub fn near<'a>(got: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let got = got.to_lowercase();
    let score = |name: &str| {
        if !got.is_empty() && name.contains(&got) { 1.0 } else { strsim::jaro_winkler(name, &got) }
    };
    let mut scored: Vec<(f64, &str)> = names.map(|n| (score(n), n)).collect();
    scored.retain(|(s, _)| *s > 0.8);
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.iter().take(3).map(|(_, n)| format!("`{n}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Thing {
        fn value(&self) -> f32;
    }
    struct Gamma(f32);
    impl Thing for Gamma {
        fn value(&self) -> f32 {
            self.0
        }
    }
    const TABLE: &[Entry<dyn Thing>] = &[Entry {
        id: "lrp-gamma",
        summary: "a thing",
        cite: "",
        params: &[
            Param {
                key: "gamma",
                default: "0.25",
                kind: Kind::Number { min: 0.0, max: f64::INFINITY },
                help: "",
            },
            Param { key: "bias", default: "keep", kind: Kind::Word(&["keep", "ignore"]), help: "" },
        ],
        build: |a| Ok(Box::new(Gamma(a.f32("gamma")))),
    }];

    fn name(text: &str) -> Result<String, SpecError> {
        build("method", TABLE, &text.parse()?).map(|n| n.name)
    }

    #[test]
    fn the_canonical_print_carries_all_parameters_and_parses_back() {
        let canonical = name("lrp-gamma:gamma=0.250").unwrap();
        assert_eq!(canonical, "lrp-gamma:gamma=0.25:bias=keep");
        assert_eq!(name(&canonical).unwrap(), canonical);
        let built = build("method", TABLE, &canonical.parse().unwrap()).unwrap();
        assert!((built.value.value() - 0.25).abs() < f32::EPSILON);
    }

    #[test]
    fn a_parameter_is_set_in_its_place() {
        let mut spec: Spec = "a:x=1:y=2".parse().unwrap();
        spec.set("x", "3".to_owned());
        spec.set("z", "4".to_owned());
        assert_eq!(spec.to_string(), "a:x=3:y=2:z=4");
        assert_eq!((spec.take("y").as_deref(), spec.get("y")), (Some("2"), None));
    }

    #[test]
    fn errors_name_what_was_found_and_what_is_allowed() {
        let say = |text| name(text).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                say("lrp-gama"),
                say("xyz"),
                say("lrp-gamma:eps=1"),
                say("lrp-gamma:gamma=-1"),
                say("lrp-gamma:gamma=nan"),
                say("lrp-gamma:bias=no"),
                say("lrp-gamma:gamma"),
                say(""),
                say("lrp-gamma:gamma=1:gamma=2"),
                say("lrp-gamma:bias=a\tb"),
            ]
            .join("\n")
        );
    }
}
