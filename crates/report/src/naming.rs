//! How a method is called: the same in every table and figure of a report.

use crate::{
    base::registry::{Spec, near},
    explain::labels::labels,
};
use std::collections::{BTreeMap, BTreeSet};

/// Short names of methods by their canonical names, unique among them.
#[derive(Clone, Debug, Default)]
pub struct Names(BTreeMap<String, String>);

/// Why a method cannot be called otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamesError {
    /// No method has the old name.
    #[error("there is no method `{name}` in these results{}", did_you_mean(.near))]
    Unknown {
        /// As it was typed.
        name: String,
        /// Names that are like it.
        near: Vec<String>,
    },
    /// Two methods would have one name.
    #[error("`{first}` and `{second}` would both be called `{name}`")]
    Taken {
        /// The new name.
        name: String,
        /// One method.
        first: String,
        /// The other.
        second: String,
    },
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(", did you mean {}?", near.join(" or ")) }
}

impl Names {
    /// Of the methods of a report.
    pub fn of<'a>(methods: impl Iterator<Item = &'a str>) -> Names {
        let methods: Vec<&str> = methods.collect::<BTreeSet<&str>>().into_iter().collect();
        let short = labels(&methods);
        Names(methods.iter().map(|&name| name.to_owned()).zip(short).collect())
    }

    /// What a method is called.
    pub fn get(&self, method: &str) -> String {
        self.0.get(method).map_or(method, String::as_str).to_owned()
    }

    /// Calls methods otherwise: pairs of a short or canonical name, and the new one.
    pub fn rename(&mut self, pairs: &[(String, String)]) -> Result<(), NamesError> {
        let mut new = self.0.clone();
        for (old, name) in pairs {
            let known = self.0.iter().find(|(method, short)| *method == old || *short == old);
            let Some((method, _)) = known else {
                let near = near(old, self.0.values().map(String::as_str));
                return Err(NamesError::Unknown { name: old.clone(), near });
            };
            new.insert(method.clone(), name.clone());
        }
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (method, name) in &new {
            if let Some(first) = seen.insert(name, method) {
                let (first, second) = (self.get(first), self.get(method));
                return Err(NamesError::Taken { name: name.clone(), first, second });
            }
        }
        self.0 = new;
        Ok(())
    }
}

/// The name of a metric for people: `aopc:order=morf` is `AOPC, most relevant first`.
pub fn spoken(metric: &str) -> String {
    let Ok(spec) = metric.parse::<Spec>() else { return metric.to_owned() };
    let name = match &spec.id[..] {
        "aopc" => "AOPC",
        "abpc" => "ABPC",
        "srg" => "SRG",
        "relative-aopc" => "AOPC - random",
        other => other,
    };
    let rest: Vec<String> = spec
        .params
        .iter()
        .map(|(key, value)| match (&key[..], &value[..]) {
            ("order", "morf") => "most relevant first".to_owned(),
            ("order", "lerf") => "least relevant first".to_owned(),
            (key, value) => format!("{key} {value}"),
        })
        .collect();
    std::iter::once(name.to_owned()).chain(rest).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_names_for_people() {
        assert_eq!(spoken("aopc:order=lerf"), "AOPC, least relevant first");
        assert_eq!(spoken("drop:steps=5:order=morf"), "drop, steps 5, most relevant first");
        assert_eq!(spoken("abpc:mean"), "abpc:mean", "what is no name stays as it is");
    }

    #[test]
    fn new_names_are_of_known_methods_and_stay_unique() {
        let mut names =
            Names::of(["lrp-gamma:gamma=0.25:bias=keep:start=score", "gradient"].into_iter());
        let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
        names.rename(&[pair("lrp-gamma", "LRP-γ"), pair("gradient", "lrp-gamma")]).unwrap();
        assert_eq!(names.get("gradient"), "lrp-gamma");
        assert_eq!(names.get("lrp-gamma:gamma=0.25:bias=keep:start=score"), "LRP-γ");
        let taken = names.rename(&[pair("LRP-γ", "lrp-gamma")]).unwrap_err();
        insta::assert_snapshot!(taken, @"`lrp-gamma` and `LRP-γ` would both be called `lrp-gamma`");
        let unknown = names.rename(&[pair("lrp-gama", "x")]).unwrap_err();
        insta::assert_snapshot!(unknown, @"there is no method `lrp-gama` in these results, did you mean `lrp-gamma`?");
    }
}
