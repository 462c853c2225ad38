//! What was run, in words and in full.

use super::{Source, bibliography, contenders::Contenders};
use crate::{
    base::words::count,
    run::{
        config::Given,
        manifest::{Manifest, Protocol, Size},
        plan::Chosen,
    },
};
use serde::Serialize;
use serde_json::Value;

/// One line of a list.
#[derive(Serialize)]
pub(super) struct Fact {
    name: String,
    value: String,
}

/// What a method does.
#[derive(Serialize)]
pub(super) struct Method {
    label: String,
    full: String,
    summary: String,
}

/// One part of the manifest.
#[derive(Serialize)]
pub(super) struct Section {
    name: String,
    facts: Vec<Fact>,
    tables: Vec<Table>,
}

/// A list of objects.
#[derive(Serialize)]
struct Table {
    name: String,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Rows that were left out.
    more: usize,
}

/// Most rows of a table of the manifest: a thousand skipped pictures help nobody.
const ROWS: usize = 200;

/// The experiment in one line.
pub(super) fn subtitle(source: &Source<'_>) -> String {
    let Some(group) = source.groups.first() else { return String::new() };
    let methods = group.methods().count();
    let mut parts = vec![
        count(methods, "method"),
        count(group.images(), "picture"),
        format!("{} per picture", count(group.repeats(), "noise image")),
    ];
    if source.groups.len() > 1 {
        parts.push(count(source.groups.len(), "setting"));
    }
    parts.join(" · ")
}

pub(super) fn methods(contenders: &Contenders<'_>, manifest: &Manifest) -> Vec<Method> {
    let method = |c: &super::contenders::Contender<'_>| Method {
        label: c.label.clone(),
        full: c.method.to_owned(),
        summary: match bibliography::summary(c.method) {
            "" => imported(c.method, manifest).unwrap_or_default(),
            summary => summary.to_owned(),
        },
    };
    contenders.0.iter().map(method).collect()
}

/// Where the heat maps of a contender come from that another tool made.
fn imported(name: &str, manifest: &Manifest) -> Option<String> {
    let maps = manifest.config.heatmaps.iter().flatten().find(|maps| maps.name == name)?;
    Some(format!("heat maps of another tool, from {}", maps.path))
}

/// Where the fact on removal stands.
const REMOVAL: usize = 4;

/// Regions of a size by which methods are not ranked.
fn other_size(size: &Size) -> String {
    let (side, regions) = (known(size.side), grouped(size.regions as u64));
    format!("{side}x{side} pixels, {} of {regions} removed", grouped(size.steps as u64))
}

/// A value that older manifests do not have.
fn known<T: ToString>(value: Option<T>) -> String {
    value.map_or("?".to_owned(), |value| value.to_string())
}

/// The values of a key, if it is given.
fn listed<T: ToString>(values: Option<&Vec<T>>) -> String {
    known(values.map(|v| v.iter().map(T::to_string).collect::<Vec<_>>().join(", ")))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// After how many removed regions the score is watched, where that is not after each.
fn stops(regions: &Size) -> String {
    if regions.stops.is_empty() {
        return String::new();
    }
    let stops: Vec<String> = regions.stops.iter().map(|n| grouped(*n as u64)).collect();
    format!(", the score watched after {}", stops.join(", "))
}

/// The protocol, in words.
pub(super) fn protocol(manifest: &Manifest) -> Vec<Fact> {
    let Manifest { config, protocol, .. } = manifest;
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let removed = protocol.regions.as_ref();
    let mut facts = vec![
        fact("Class", format!("{} (fixed along the curve)", known(config.target))),
        fact("Score", format!("{} of that class", known(config.score))),
        fact("Regions", known(removed.map(|size| regions(size, config)))),
        fact(
            "Order",
            format!(
                "by the sum of relevance over the pixels of a region, fixed once: {} (morf = most \
                 relevant first, lerf = exactly the reverse); ties are broken alike for all methods",
                listed(config.orders.as_ref())
            ),
        ),
        fact("Removal", known(removed.map(|size| removal(size, config)))),
        fact("Repeats", repeats(manifest)),
        fact(
            "AOPC",
            "1/(L+1) · Σ (f(x⁰) − f(xᵏ)), k = 0 … L, averaged over repeats, then over pictures \
             (Samek et al. 2017, eq. 11)"
                .to_owned(),
        ),
        fact("ABPC", "the area between the LeRF and the MoRF curve, a mean over k".to_owned()),
        fact(
            "Intervals",
            "95 % bootstrap intervals over pictures (BCa); of differences: paired, picture by picture"
                .to_owned(),
        ),
        fact("Pictures", format!("{}{}", manifest.data.found, selection(protocol))),
        fact("Seed", known(config.seed.map(|seed| grouped(seed.0)))),
    ];
    let others: Vec<String> = protocol.other_sizes.iter().map(other_size).collect();
    if !others.is_empty() {
        facts.insert(REMOVAL + 1, fact("Other regions", others.join("; ")));
    }
    facts
}

fn regions(size: &Size, config: &Given) -> String {
    let side = known(size.side.or_else(|| config.region.as_ref()?.first().copied()));
    format!(
        "squares of {side}x{side} pixels, {} of them, {} of the picture{}",
        grouped(size.regions as u64),
        percent(size.covered),
        remainder(size, config)
    )
}

fn removal(size: &Size, config: &Given) -> String {
    format!(
        "{}, one after the other, {} of the picture{}; replaced by: {}; all methods see the same noise \
         in the same region",
        count(size.steps, "region"),
        percent(size.removed),
        stops(size),
        listed(config.perturbation.as_ref())
    )
}

/// What was done with the pixels that no region covers, where there are some.
fn remainder(size: &Size, config: &Given) -> String {
    match config.remainder {
        Some(rule) if size.covered < 1.0 => format!("; what is left at the edges: {rule}"),
        _ => String::new(),
    }
}

fn repeats(manifest: &Manifest) -> String {
    let images = manifest.config.repeats.map(|n| count(n, "noise image"));
    format!("{} per picture", images.unwrap_or("? noise images".to_owned()))
}

/// What each step of the selection left.
fn selection(protocol: &Protocol) -> String {
    let left = |Chosen { step, pictures }: &Chosen| format!("; {step} leaves {pictures}");
    protocol.selection.iter().map(left).collect()
}

/// The manifest, part by part.
pub(super) fn sections(manifest: &impl Serialize) -> Vec<Section> {
    let Ok(Value::Object(all)) = serde_json::to_value(manifest) else {
        unreachable!("a manifest is plain data with names");
    };
    let is_part = |v: &Value| v.is_object() || is_table(v);
    let mut run = Section { name: "run".to_owned(), facts: Vec::new(), tables: Vec::new() };
    for (key, value) in all.iter().filter(|(_, v)| !is_part(v)) {
        run.facts.push(Fact { name: key.clone(), value: shown(value) });
    }
    let mut sections = vec![run];
    for (key, value) in all.iter().filter(|(_, v)| is_part(v)) {
        let mut section = Section { name: key.clone(), facts: Vec::new(), tables: Vec::new() };
        collect("", value, &mut section);
        sections.push(section);
    }
    sections
}

/// True for a list of objects.
fn is_table(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_object))
}

fn collect(name: &str, value: &Value, section: &mut Section) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                collect(&name, value, section);
            }
        }
        Value::Array(list) if is_table(value) => section.tables.push(table(name, list)),
        other => section.facts.push(Fact { name: name.to_owned(), value: shown(other) }),
    }
}

fn table(name: &str, list: &[Value]) -> Table {
    let first = list.first().and_then(Value::as_object);
    let heads: Vec<String> = first.map_or(Vec::new(), |o| o.keys().cloned().collect());
    let row = |v: &Value| heads.iter().map(|h| v.get(h).map_or(String::new(), shown)).collect();
    Table {
        name: name.to_owned(),
        rows: list.iter().take(ROWS).map(row).collect(),
        more: list.len().saturating_sub(ROWS),
        heads,
    }
}

/// A value as people write it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Number(n) => n.as_u64().map_or_else(|| n.to_string(), grouped),
        other => other.to_string(),
    }
}

/// Thin spaces between groups of three digits, from five digits on.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{registry::Spec, unit::Remainder},
        demo,
        nn::preprocess::Settings,
        run::{imported::Maps, manifest::LayerCost},
    };

    #[test]
    fn everything_in_a_manifest_is_shown() {
        let mut manifest = demo::manifest();
        manifest.digest = "abc".to_owned();
        manifest.model.multiply_adds = 1_234_567;
        manifest.config.methods = Some(vec![Spec::plain("a"), Spec::plain("b")]);
        manifest.config.preprocess = Some(Settings { scale: Some(0.5), ..Settings::default() });
        let (layer, operator) = ("conv1".to_owned(), "conv".to_owned());
        manifest.engine = vec![LayerCost { layer, operator, tile: None, full: 2, step: 0.5 }];
        let sections = sections(&manifest);
        let mut text = Vec::new();
        for s in &sections {
            text.extend(s.facts.iter().map(|f| format!("{}/{}: {}", s.name, f.name, f.value)));
            text.extend(s.tables.iter().flat_map(|t| &t.rows).map(|r| r.join(" ")));
        }
        let expected = [
            "run/digest: abc",
            "model/multiply_adds: 1\u{202f}234\u{202f}567",
            "run/results: –",
            "config/methods: a, b",
            "config/preprocess.scale: 0.5",
        ];
        assert!(expected.iter().all(|line| text.contains(&(*line).to_owned())), "{text:?}");
        assert!(sections.iter().any(|s| s.name == "engine" && s.tables.len() == 1));
    }

    #[test]
    fn the_protocol_counts_noise_images_and_names_edges_where_there_are_some() {
        let value = |covered: f64, repeats: usize| {
            let mut manifest = demo::manifest();
            manifest.config.repeats = Some(repeats);
            manifest.config.remainder = Some(Remainder::Drop);
            manifest.protocol.regions.as_mut().unwrap().covered = covered;
            protocol(&manifest).into_iter().map(|f| f.value).collect::<Vec<_>>().join("\n")
        };
        let (whole, part) = (value(1.0, 1), value(0.96, 2));
        assert!(whole.contains("1 noise image per picture") && !whole.contains("edges"), "{whole}");
        assert!(part.contains("2 noise images per picture"), "{part}");
        assert!(part.contains("96.0 % of the picture; what is left at the edges: drop"), "{part}");
    }

    #[test]
    fn heat_maps_of_another_tool_are_named_with_their_file() {
        let mut manifest = demo::manifest();
        let (name, path) = ("theirs".to_owned(), "maps/a.npz".to_owned());
        manifest.config.heatmaps = Some(vec![Maps { name, path }]);
        let said = imported("theirs", &manifest);
        assert_eq!(said.as_deref(), Some("heat maps of another tool, from maps/a.npz"));
        assert_eq!(imported("gradient", &manifest), None);
    }

    #[test]
    fn a_list_of_objects_is_a_table() {
        let list =
            serde_json::json!([{"layer": "conv1", "tile": null}, {"layer": "conv2", "tile": 4}]);
        let mut section = Section { name: String::new(), facts: vec![], tables: vec![] };
        collect("engine", &list, &mut section);
        assert_eq!(section.tables[0].heads, ["layer", "tile"]);
        assert_eq!(section.tables[0].rows, [["conv1", "–"], ["conv2", "4"]]);
    }
}
