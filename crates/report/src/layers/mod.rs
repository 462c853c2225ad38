//! A network for people: what can be done with it, and its layers.

mod blocks;
mod refused;
mod table;
mod verdict;

pub use refused::refused;

use crate::{base::words::count, nn::model::Model, text::wrapped};

/// Networks of at most so many layers are shown layer by layer.
const FEW: usize = 40;

/// What can be done with `model`, its layers (blocks of them where there are many, unless `all` are asked
/// for), and what import changed.
pub fn overview(model: &Model, all: bool) -> String {
    let input = model.graph.input_shape();
    let classes = count(model.graph.classes(), "class");
    let layers = model.graph.len() - 1;
    let (shown, hint) = if all || layers <= FEW {
        (table::whole(model), String::new())
    } else {
        let hint = format!("{} in blocks; `--all` shows each\n\n", count(layers, "layer"));
        (blocks::table(model), hint)
    };
    let notes = match &model.notes[..] {
        [] => String::new(),
        notes => format!("\nwhat import changed:\n{}", changes(notes, all)),
    };
    format!(
        "{}: input {input}, {classes}\nsha256 {}\n\n{}\n{hint}{shown}{notes}",
        model.name,
        model.digest,
        verdict::verdict(model)
    )
}

/// Changes of one kind that are shown where not all are asked for.
const SHOWN: usize = 3;

/// One line per change; of changes that differ in names and numbers only, the first ones.
fn changes(notes: &[String], all: bool) -> String {
    let mut kinds: Vec<(String, Vec<&String>)> = vec![];
    for note in notes {
        let kind = kind(note);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, same)) => same.push(note),
            None => kinds.push((kind, vec![note])),
        }
    }
    let line = |note: &String| wrapped(&format!("- {note}"), 2);
    let of_kind = |(_, same): &(String, Vec<&String>)| {
        let most = if all || same.len() <= SHOWN + 1 { same.len() } else { SHOWN };
        let lines: String = same[..most].iter().map(|note| line(note)).collect();
        let more = same.len() - most;
        let more = (more > 0).then(|| format!("- and {more} more of this kind\n"));
        lines + &more.unwrap_or_default()
    };
    kinds.iter().map(of_kind).collect()
}

/// A note without names and numbers.
fn kind(note: &str) -> String {
    let words: String = note.split('`').step_by(2).collect();
    words.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lenet() -> Model {
        let file = include_bytes!("../../../../tests/data/onnx/lenet.ts17_fix.onnx");
        Model::from_bytes("lenet", file, None).unwrap()
    }

    #[test]
    fn a_small_network_is_shown_layer_by_layer_below_its_verdict() {
        insta::assert_snapshot!(overview(&lenet(), false));
        assert_eq!(overview(&lenet(), false), overview(&lenet(), true));
    }

    #[test]
    fn the_overview_of_a_network_with_norms_says_what_was_folded() {
        let file = include_bytes!("../../../../tests/data/onnx/bncnn.ts17_fix_nofold.onnx");
        let model = Model::from_bytes("bncnn", file, None).unwrap();
        insta::assert_snapshot!(overview(&model, false));
    }

    #[test]
    fn changes_of_one_kind_are_shown_once_and_counted() {
        let notes: Vec<String> = (0..9).map(|i| format!("dropout `d{i}` left out")).collect();
        assert_eq!(
            changes(&notes, false),
            "- dropout `d0` left out\n- dropout `d1` left out\n- dropout `d2` left out\n\
             - and 6 more of this kind\n"
        );
        assert_eq!(changes(&notes, true).lines().count(), 9);
        assert_eq!(changes(&notes[..4], false).lines().count(), 4);
    }
}
