//! Short names of methods, for tables and figures that people read.

use crate::base::{
    registry::{Param, Spec},
    text::plain,
};

/// For each canonical name the id with only those parameters that are not the default or that tell
/// it from another of the names. Names of no known method are left as they are, but for
/// control characters. No two names that differ have one label: where heat maps from files are called like a method of
/// the program, that one has its canonical name.
pub fn labels(names: &[&str]) -> Vec<String> {
    let parsed: Vec<Option<Method>> = names.iter().map(|name| Method::parse(name)).collect();
    let short = |(name, method): (&&str, &Option<Method>)| match method {
        Some(method) => method.short(&parsed),
        None => plain(name).into_owned(),
    };
    let short: Vec<String> = names.iter().zip(&parsed).map(short).collect();
    let is_taken =
        |i: usize| (0..names.len()).any(|j| names[j] != names[i] && short[j] == short[i]);
    let one = |i| if is_taken(i) { plain(names[i]).into_owned() } else { short[i].clone() };
    (0..names.len()).map(one).collect()
}

/// The short name of one method.
pub fn label(name: &str) -> String {
    labels(&[name]).remove(0)
}

/// A canonical name taken apart, with the parameters of its table entry.
struct Method {
    params: Vec<Param>,
    spec: Spec,
}

impl Method {
    fn parse(name: &str) -> Option<Method> {
        let spec: Spec = name.parse().ok()?;
        let params = crate::params(&spec.id)?;
        let known = |(key, _): &(String, String)| params.iter().any(|p| p.key == key);
        spec.params.iter().all(known).then_some(Method { params, spec })
    }

    fn short(&self, all: &[Option<Method>]) -> String {
        let differs = |key: &str| {
            let same_id = all.iter().flatten().filter(|m| m.spec.id == self.spec.id);
            same_id.into_iter().any(|m| m.spec.get(key) != self.spec.get(key))
        };
        let mut text = self.spec.id.clone();
        for param in &self.params {
            let value = self.spec.get(param.key);
            if let Some(value) = value.filter(|v| *v != param.default || differs(param.key)) {
                text = format!("{text}:{}={value}", param.key);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_left_out_unless_they_tell_two_methods_apart() {
        let names = [
            "random",
            "sensitivity:norm=l2",
            "sensitivity:norm=linf",
            "lrp-gamma:gamma=0.5:bias=keep:start=score",
            "lrp-epsilon:eps=0.01:bias=keep:start=score",
            "lrp-composite:file=own.toml:start=score",
            "of-another-version:x=1",
        ];
        let expected = [
            "random",
            "sensitivity:norm=l2",
            "sensitivity:norm=linf",
            "lrp-gamma:gamma=0.5",
            "lrp-epsilon",
            "lrp-composite:file=own.toml",
            "of-another-version:x=1",
        ];
        assert_eq!(labels(&names), expected);
        assert_eq!(labels(&names[1..2]), ["sensitivity"]);
    }

    #[test]
    fn no_two_methods_have_one_label() {
        let method = "lrp-gamma:gamma=0.25:bias=keep:start=score";
        // maps from a file that are called like the method
        assert_eq!(labels(&["lrp-gamma", method]), ["lrp-gamma", method]);
        assert_eq!(labels(&[method, method]), ["lrp-gamma"; 2], "twice the same");
    }
}
