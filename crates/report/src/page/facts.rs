//! What was run, in words and in full.

use super::{Source, bibliography, contenders::Contenders};
use crate::base::words::count;
use serde::Serialize;
use serde_json::{Map, Value};

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

pub(super) fn methods(contenders: &Contenders<'_>, manifest: &Value) -> Vec<Method> {
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
fn imported(name: &str, manifest: &Value) -> Option<String> {
    let given = manifest.pointer("/config/heatmaps").and_then(Value::as_array)?;
    let mut files = given.iter().filter_map(|v| v.as_str()?.split_once('='));
    let (_, path) = files.find(|(given, _)| *given == name)?;
    Some(format!("heat maps of another tool, from {path}"))
}

/// Where the fact on removal stands.
const REMOVAL: usize = 4;

/// Regions of a size by which methods are not ranked.
fn other_size(size: &Value) -> String {
    let text = |key: &str| size.get(key).map_or("?".to_owned(), shown);
    let (side, regions, steps) = (text("side"), text("regions"), text("steps"));
    format!("{side}x{side} pixels, {steps} of {regions} removed")
}

/// After how many removed regions the score is watched, where that is not after each.
fn stops(manifest: &Value) -> String {
    let stops = manifest.pointer("/protocol/stops");
    stops.map_or(String::new(), |all| format!(", the score watched after {}", shown(all)))
}

/// The protocol, in words.
pub(super) fn protocol(manifest: &Value) -> Vec<Fact> {
    let text = |at: &str| manifest.pointer(at).map_or("?".to_owned(), shown);
    let share = |at: &str| match manifest.pointer(at).and_then(Value::as_f64) {
        Some(v) => format!("{:.1} %", 100.0 * v),
        None => "?".to_owned(),
    };
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let side = text("/protocol/side");
    let steps = match manifest.pointer("/protocol/steps").and_then(Value::as_u64) {
        Some(n) => count(n as usize, "region"),
        None => "? regions".to_owned(),
    };
    let mut facts = vec![
        fact("Class", format!("{} (fixed along the curve)", text("/config/target"))),
        fact("Score", format!("{} of that class", text("/config/score"))),
        fact(
            "Regions",
            format!(
                "squares of {side}x{side} pixels, {} of them, {} of the picture{}",
                text("/protocol/regions"),
                share("/protocol/covered"),
                remainder(manifest)
            ),
        ),
        fact(
            "Order",
            format!(
                "by the sum of relevance over the pixels of a region, fixed once: {} (morf = most \
                 relevant first, lerf = exactly the reverse); ties are broken alike for all methods",
                text("/config/orders")
            ),
        ),
        fact(
            "Removal",
            format!(
                "{steps}, one after the other, {} of the picture{}; replaced by: {}; all methods \
                 see the same noise in the same region",
                share("/protocol/removed"),
                stops(manifest),
                text("/config/perturbation")
            ),
        ),
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
        fact("Pictures", format!("{}{}", text("/data/found"), selection(manifest))),
        fact("Seed", text("/config/seed")),
    ];
    let others = manifest.pointer("/protocol/other_sizes").and_then(Value::as_array);
    let others: Vec<String> = others.into_iter().flatten().map(other_size).collect();
    if !others.is_empty() {
        facts.insert(REMOVAL + 1, fact("Other regions", others.join("; ")));
    }
    facts
}

/// What was done with the pixels that no region covers, where there are some.
fn remainder(manifest: &Value) -> String {
    let covered = manifest.pointer("/protocol/covered").and_then(Value::as_f64);
    match manifest.pointer("/config/remainder") {
        Some(rule) if covered.is_none_or(|share| share < 1.0) => {
            format!("; what is left at the edges: {}", shown(rule))
        }
        _ => String::new(),
    }
}

fn repeats(manifest: &Value) -> String {
    let given = manifest.pointer("/config/repeats");
    let images = match given.and_then(Value::as_u64) {
        Some(n) => count(n as usize, "noise image"),
        None => format!("{} noise images", given.map_or("?".to_owned(), shown)),
    };
    format!("{images} per picture")
}

/// What each step of the selection left.
fn selection(manifest: &Value) -> String {
    let steps = manifest.pointer("/protocol/selection").and_then(Value::as_array);
    let step = |s: &Value| {
        let (name, left) = (s.get("step")?.as_str()?, s.get("pictures")?.as_u64()?);
        Some(format!("; {name} leaves {left}"))
    };
    steps.into_iter().flatten().filter_map(step).collect()
}

/// The manifest, part by part.
pub(super) fn sections(manifest: &Value) -> Vec<Section> {
    let empty = Map::new();
    let all = manifest.as_object().unwrap_or(&empty);
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

    #[test]
    fn everything_in_a_manifest_is_shown() {
        let manifest = serde_json::json!({
            "digest": "abc",
            "seed": 1_234_567,
            "config": {"methods": ["a", "b"], "preprocess": {"scale": 0.5}},
            "engine": [{"layer": "conv1", "tile": null}, {"layer": "conv2", "tile": 4}],
            "results": null,
        });
        let sections = sections(&manifest);
        let mut text = Vec::new();
        for s in &sections {
            text.extend(s.facts.iter().map(|f| format!("{}/{}: {}", s.name, f.name, f.value)));
            text.extend(s.tables.iter().flat_map(|t| &t.rows).map(|r| r.join(" ")));
        }
        let expected = [
            "run/digest: abc",
            "run/seed: 1\u{202f}234\u{202f}567",
            "run/results: –",
            "config/methods: a, b",
            "config/preprocess.scale: 0.5",
        ];
        assert!(expected.iter().all(|line| text.contains(&(*line).to_owned())), "{text:?}");
        assert_eq!(sections.last().unwrap().name, "engine");
    }

    #[test]
    fn the_protocol_counts_noise_images_and_names_edges_where_there_are_some() {
        let value = |covered: f64, repeats: u64| {
            let config = serde_json::json!({"repeats": repeats, "remainder": "drop"});
            let manifest = serde_json::json!({"config": config, "protocol": {"covered": covered}});
            protocol(&manifest).into_iter().map(|f| f.value).collect::<Vec<_>>().join("\n")
        };
        let (whole, part) = (value(1.0, 1), value(0.96, 2));
        assert!(whole.contains("1 noise image per picture") && !whole.contains("edges"), "{whole}");
        assert!(part.contains("2 noise images per picture"), "{part}");
        assert!(part.contains("96.0 % of the picture; what is left at the edges: drop"), "{part}");
    }

    #[test]
    fn heat_maps_of_another_tool_are_named_with_their_file() {
        let manifest = serde_json::json!({"config": {"heatmaps": ["theirs=maps/a.npz"]}});
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
