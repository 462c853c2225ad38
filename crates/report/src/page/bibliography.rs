//! The papers behind what a run used.

use crate::{
    base::registry::{Entry, Spec},
    explain::EXPLAINERS,
    perturb::PERTURBATIONS,
    prototype::{objective::OBJECTIVES, optimiser::OPTIMISERS, prior::PRIORS},
};
use std::collections::BTreeSet;

/// Every paper, as BibTeX.
const REFERENCES: &str = include_str!("../../../../docs/references.bib");

/// The paper of the protocol.
const PROTOCOL: &str = "samek2017evaluating";

/// BibTeX entries of the protocol and of what is named, in the order of the bibliography.
pub(super) fn used(methods: &[&str], perturbations: &[&str]) -> String {
    let methods = methods.iter().flat_map(|name| keys(EXPLAINERS, name));
    let perturbations = perturbations.iter().flat_map(|name| keys(PERTURBATIONS, name));
    let wanted: BTreeSet<&str> = methods.chain(perturbations).chain([PROTOCOL]).collect();
    let wanted = entries().filter(|(key, _)| wanted.contains(key)).map(|(_, text)| text);
    wanted.collect::<Vec<_>>().join("\n\n")
}

/// The BibTeX entry of the program itself.
pub(super) fn software(version: &str) -> String {
    format!(
        "@software{{pixelflip,\n  author = {{{{The pixelflip authors}}}},\n  title = {{pixelflip: a referee for \
         explanation methods}},\n  version = {{{version}}}\n}}"
    )
}

/// BibTeX entries of what made prototypes: ids of objectives, priors and optimisers.
pub(super) fn of_prototypes(ids: &[&str]) -> String {
    let of = |id: &str| keys(OBJECTIVES, id).chain(keys(PRIORS, id)).chain(keys(OPTIMISERS, id));
    let wanted: BTreeSet<&str> = ids.iter().flat_map(|id| of(id)).collect();
    let wanted = entries().filter(|(key, _)| wanted.contains(key)).map(|(_, text)| text);
    wanted.collect::<Vec<_>>().join("\n\n")
}

/// Keys of the papers of a named thing.
fn keys<T: ?Sized>(
    table: &'static [Entry<T>],
    name: &str,
) -> impl Iterator<Item = &'static str> + use<T> {
    let spec: Option<Spec> = name.parse().ok();
    let entry = spec.and_then(|spec| table.iter().find(|e| e.id == spec.id));
    entry.map_or("", |e| e.cite).split([',', ' ']).filter(|key| !key.is_empty())
}

/// What a method does, from the table of methods.
pub(super) fn summary(name: &str) -> &'static str {
    let spec: Option<Spec> = name.parse().ok();
    spec.and_then(|spec| EXPLAINERS.iter().find(|e| e.id == spec.id)).map_or("", |e| e.summary)
}

/// Keys and texts of all entries.
fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
    REFERENCES.match_indices("\n@").filter_map(|(at, _)| {
        let text = &REFERENCES[at + 1..];
        // an entry ends with the first line that is a brace alone
        let text = &text[..text.find("\n}")? + 2];
        let (key, _) = text.split_once('{')?.1.split_once(',')?;
        Some((key.trim(), text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_whole() {
        let count = REFERENCES.matches("\n@").count();
        let all: Vec<_> = entries().collect();
        assert_eq!(all.len(), count);
        for (key, text) in all {
            assert!(text.starts_with('@') && text.ends_with("\n}"), "{key}: {text}");
            assert_eq!(text.matches('{').count(), text.matches('}').count(), "{key}");
        }
    }

    #[test]
    fn what_was_used_is_cited_and_nothing_else() {
        let text = used(&["random", "lrp-epsilon:eps=0.01", "of-another-version"], &["uniform"]);
        assert!(text.contains("{samek2017evaluating,") && text.contains("{bach2015pixel,"));
        assert!(!text.contains("{selvaraju2017gradcam,"));
        for entry in EXPLAINERS {
            let found = used(&[entry.id], &[]);
            assert!(keys(EXPLAINERS, entry.id).all(|key| found.contains(key)), "{}", entry.id);
        }
    }
}
