//! Every layer of a network.

use crate::{
    nn::model::{LayerRow, Model},
    text::{Align, table},
};

/// Headings of the columns.
const COLUMNS: [(&str, Align); 8] = [
    ("#", Align::Right),
    ("layer", Align::Left),
    ("operator", Align::Left),
    ("input", Align::Left),
    ("output", Align::Left),
    ("parameters", Align::Right),
    ("multiply-adds", Align::Right),
    ("a pixel changes", Align::Right),
];

/// The layers with shapes (channels x height x width), parameters and multiply-adds of one pass, and how
/// much of the output is computed again when one pixel of the input changes ("everything" where the
/// operator has no local form).
pub(super) fn whole(model: &Model) -> String {
    let mut rows: Vec<[String; 8]> = model.layers().iter().map(row).collect();
    rows.push(totals(model));
    table(COLUMNS, &rows)
}

fn row(layer: &LayerRow) -> [String; 8] {
    let inputs: Vec<String> = layer.inputs.iter().map(ToString::to_string).collect();
    [
        layer.index.to_string(),
        layer.name.clone(),
        layer.operator.to_owned(),
        inputs.join(" + "),
        layer.output.to_string(),
        grouped(layer.parameters as u64),
        grouped(layer.macs),
        layer.reach.map_or_else(|| "everything".to_owned(), |[h, w]| format!("{h}x{w}")),
    ]
}

fn totals(model: &Model) -> [String; 8] {
    let parameters = grouped(model.graph.parameters() as u64);
    let none = String::new;
    let macs = grouped(model.graph.macs());
    [none(), "total".to_owned(), none(), none(), none(), parameters, macs, none()]
}

/// Digits in groups of three: `1,234,567`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_from_the_right() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
