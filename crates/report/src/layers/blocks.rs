//! Many layers, collapsed by the blocks that their names tell.

use super::verdict::counted;
use crate::{
    base::geom::Shape,
    nn::model::{LayerRow, Model},
    text::{Align, table as of_rows},
};
use std::collections::BTreeMap;

/// More rows than this and the blocks are taken together further.
const ROWS: usize = 32;

/// The deepest level at which blocks are told apart.
const DEEPEST: usize = 5;

/// Columns of a terminal.
const WIDTH: usize = 80;

const COLUMNS: [(&str, Align); 5] = [
    ("block", Align::Left),
    ("operators", Align::Left),
    ("output", Align::Left),
    ("parameters", Align::Right),
    ("multiply-adds", Align::Right),
];

/// Layers that follow each other and belong together.
#[derive(Debug)]
struct Block {
    name: String,
    layers: Vec<LayerRow>,
}

/// The blocks of a network, with totals.
pub(super) fn table(model: &Model) -> String {
    let blocks = blocks(model.layers(), &model.modules);
    let mut rows: Vec<[String; 5]> = blocks.iter().map(row).collect();
    let (parameters, macs) = (model.graph.parameters() as u64, model.graph.macs());
    let none = String::new;
    rows.push(["total".to_owned(), none(), none(), short(parameters), short(macs)]);
    let widest = |k: usize| {
        rows.iter().map(|row| row[k].chars().count()).max().unwrap_or(0).max(COLUMNS[k].0.len())
    };
    let others: usize = [0, 2, 3, 4].map(|k| widest(k) + 2).iter().sum();
    let left = WIDTH.saturating_sub(others).max(12);
    rows.iter_mut().for_each(|row| row[1] = shortened(&row[1], left));
    of_rows(COLUMNS, &rows)
}

fn row(block: &Block) -> [String; 5] {
    let layers = &block.layers;
    let operators = counted(layers.iter().map(|layer| layer.operator)).join(", ");
    let output = layers.last().map_or(String::new(), |layer| layer.output.to_string());
    let parameters = layers.iter().map(|layer| layer.parameters as u64).sum();
    let macs = layers.iter().map(|layer| layer.macs).sum();
    [tail(&block.name), operators, output, short(parameters), short(macs)]
}

/// The blocks at the deepest level at which there are few enough.
fn blocks(layers: Vec<LayerRow>, modules: &BTreeMap<String, String>) -> Vec<Block> {
    let paths: Vec<Vec<String>> = layers.iter().map(|layer| path(&layer.name, modules)).collect();
    let named = paths.iter().filter(|path| !path.is_empty()).count();
    let at = |depth: usize| {
        let prefix = |path: &Vec<String>| path[..depth.min(path.len())].join(".");
        paths.iter().map(prefix).collect::<Vec<_>>()
    };
    let runs = |names: &[String]| 1 + names.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let fits = (1..=DEEPEST).rev().map(at).find(|names| runs(names) <= ROWS);
    match fits {
        Some(names) if 2 * named >= layers.len() => in_runs(layers, names),
        _ => {
            let sizes = sizes(&layers);
            in_runs(layers, sizes)
        }
    }
}

/// Layers of the same name that follow each other; those without a name go with the ones before.
fn in_runs(layers: Vec<LayerRow>, names: Vec<String>) -> Vec<Block> {
    let mut blocks: Vec<Block> = vec![];
    for (layer, name) in layers.into_iter().zip(names) {
        match blocks.last_mut() {
            Some(block) if block.name == name || name.is_empty() => block.layers.push(layer),
            _ => blocks.push(Block { name, layers: vec![layer] }),
        }
    }
    blocks
}

/// For each layer the size of the maps at its place, for files without names of blocks. Single pixels
/// beside a map, as gates have them, count to the map.
fn sizes(layers: &[LayerRow]) -> Vec<String> {
    let is_map = |shape: &Shape| shape.h * shape.w > 1;
    let last = layers.iter().rposition(|layer| is_map(&layer.output)).unwrap_or(0);
    let mut size = String::new();
    let name = |(i, layer): (usize, &LayerRow)| {
        let Shape { h, w, .. } = layer.output;
        if is_map(&layer.output) {
            size = format!("at {h}x{w}");
        } else if i > last || size.is_empty() {
            size = String::from("at 1x1");
        }
        size.clone()
    };
    layers.iter().enumerate().map(name).collect()
}

/// The modules that a layer is in, from the outermost on: those that the exporter wrote down, or those
/// in its name, as in `/layer1/layer1.0/conv1/Conv`.
fn path(name: &str, modules: &BTreeMap<String, String>) -> Vec<String> {
    let own = name.split('#').next().unwrap_or(name);
    let full = modules.get(own).cloned().unwrap_or_else(|| spelled(own));
    full.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// `layer1.0.conv1` of `/layer1/layer1.0/conv1/Conv`: a part that begins with the one before it stands in
/// its place.
fn spelled(name: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
    parts.pop();
    let mut kept: Vec<&str> = vec![];
    for part in parts {
        let longer =
            |last: &&str| part.strip_prefix(*last).is_some_and(|rest| rest.starts_with('.'));
        if kept.last().is_some_and(longer) {
            kept.pop();
        }
        kept.push(part);
    }
    kept.join(".")
}

/// The end of a long name.
fn tail(name: &str) -> String {
    const LONGEST: usize = 24;
    let count = name.chars().count();
    if count <= LONGEST {
        return name.to_owned();
    }
    let end: String = name.chars().skip(count - LONGEST + 1).collect();
    format!("\u{2026}{end}")
}

/// As many items of a list as there is room for.
fn shortened(items: &str, room: usize) -> String {
    if items.chars().count() <= room {
        return items.to_owned();
    }
    let mut kept = String::new();
    for item in items.split(", ") {
        let longer = if kept.is_empty() { item.to_owned() } else { format!("{kept}, {item}") };
        if longer.chars().count() + 3 > room {
            break;
        }
        kept = longer;
    }
    if kept.is_empty() { "\u{2026}".to_owned() } else { format!("{kept}, \u{2026}") }
}

/// `950`, `12.3 k`, `4.5 M`, `11 G`.
fn short(n: u64) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    let n = n as f64;
    match units.into_iter().find(|(size, _)| n >= 0.9995 * size) {
        None => format!("{n:.0}"),
        Some((size, unit)) if n / size < 99.95 => format!("{:.1} {unit}", n / size),
        Some((size, unit)) => format!("{:.0} {unit}", n / size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str, side: usize) -> LayerRow {
        LayerRow {
            index: 0,
            name: name.to_owned(),
            operator: "Conv",
            inputs: vec![],
            output: Shape::new(8, side, side),
            parameters: 10,
            macs: 1000,
            reach: None,
        }
    }

    fn told(layers: &[(&str, usize)], modules: &[(&str, &str)]) -> Vec<(String, usize)> {
        let layers = layers.iter().map(|(name, side)| layer(name, *side)).collect();
        let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        let modules = modules.iter().map(owned).collect();
        blocks(layers, &modules).into_iter().map(|b| (b.name, b.layers.len())).collect()
    }

    fn named(blocks: &[(&str, usize)]) -> Vec<(String, usize)> {
        blocks.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn blocks_are_read_from_names_of_either_exporter() {
        let legacy =
            ["/conv1/Conv", "/layer1/layer1.0/conv1/Conv", "/layer1/layer1.0/Add", "/fc/Gemm"];
        let all: Vec<(&str, usize)> = legacy.iter().map(|name| (*name, 4)).collect();
        let deep = [("conv1", 1), ("layer1.0.conv1", 1), ("layer1.0", 1), ("fc", 1)];
        assert_eq!(told(&all, &[]), named(&deep));
        assert_eq!(
            told(
                &[("node_conv", 4), ("node_relu", 4), ("node_relu#2", 4)],
                &[("node_conv", "layer1.0.conv"), ("node_relu", "layer1.0.act")]
            ),
            named(&[("layer1.0.conv", 1), ("layer1.0.act", 2)])
        );
    }

    #[test]
    fn many_blocks_are_taken_together() {
        let names: Vec<String> =
            (0..200).map(|i| format!("/blocks/blocks.{}/fc{}/Gemm", i / 20, i % 20)).collect();
        let all: Vec<(&str, usize)> = names.iter().map(|name| (&name[..], 4)).collect();
        let blocks = told(&all, &[]);
        assert_eq!(blocks.len(), 10);
        assert_eq!(blocks[3], ("blocks.3".to_owned(), 20));
    }

    #[test]
    fn without_names_maps_of_one_size_are_a_block() {
        let sides = [8, 8, 1, 8, 4, 4, 1, 1];
        let names: Vec<String> = (0..sides.len()).map(|i| format!("node{i}")).collect();
        let all: Vec<(&str, usize)> = names.iter().map(|n| &n[..]).zip(sides).collect();
        assert_eq!(told(&all, &[]), named(&[("at 8x8", 4), ("at 4x4", 2), ("at 1x1", 2)]));
    }

    #[test]
    fn numbers_and_lists_are_short() {
        let all = [0, 999, 1000, 12_345, 999_999, 25_557_032, 4_089_184_256, 123_456_789_000];
        assert_eq!(
            all.map(short),
            ["0", "999", "1.0 k", "12.3 k", "1.0 M", "25.6 M", "4.1 G", "123 G"]
        );
        assert_eq!(shortened("12 Conv, 3 Relu, 1 Add", 22), "12 Conv, 3 Relu, 1 Add");
        assert_eq!(shortened("12 Conv, 3 Relu, 1 Add", 20), "12 Conv, 3 Relu, \u{2026}");
        assert_eq!(shortened("12 BatchNormalization", 12), "\u{2026}");
        assert_eq!(tail(&"a".repeat(30)).chars().count(), 24);
    }
}
