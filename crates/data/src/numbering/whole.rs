//! Whole numbers in any writing, and the order that people put names with numbers in.

use std::cmp::Ordering;

/// What a name or a cell of a table is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reading {
    /// A whole number: `7`, `007`, `+7`, `7.0`, `7,0`, `7e0`, `-7`.
    Whole(f64),
    /// Another number, or one that may be two: `7.5`, `1,000`.
    Other,
    /// No number.
    Word,
}

impl Reading {
    pub(crate) fn of(text: &str) -> Reading {
        let text = text.trim();
        let begins = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        if !begins || !text.chars().all(|c| c.is_ascii_digit() || "+-.,eE".contains(c)) {
            return Reading::Word;
        }
        let Ok(value) = text.replacen(',', ".", 1).parse::<f64>() else { return Reading::Word };
        // 1,000 is one or a thousand
        let is_thousands = text.split_once(',').is_some_and(|(_, after)| after.len() > 2);
        if value.fract() == 0.0 && !is_thousands { Reading::Whole(value) } else { Reading::Other }
    }

    /// The whole number.
    pub(crate) fn whole(text: &str) -> Option<f64> {
        match Reading::of(text) {
            Reading::Whole(value) => Some(value),
            Reading::Other | Reading::Word => None,
        }
    }
}

/// The first two neighbours in the order of the text whose numbers are in another order: `a10`, `a2`.
pub(super) fn out_of_order(names: &[String]) -> Option<[&str; 2]> {
    let pair = names.windows(2).find(|pair| by_numbers(&pair[0], &pair[1]) == Ordering::Greater)?;
    Some([&pair[0], &pair[1]])
}

/// Compares runs of digits by their values and all else as text.
fn by_numbers(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let ((x, rest_a), (y, rest_b)) = (piece(a), piece(b));
        let order = match (value(x), value(y)) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.len().cmp(&b.len())
}

/// The digits, or the other characters, at the beginning, and the rest.
fn piece(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at(end)
}

fn value(piece: &str) -> Option<u128> {
    piece.parse().ok().filter(|_| piece.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_found_in_any_writing() {
        let seven =
            ["7", "007", "+7", "7.", "7.0", "7.000000000000000000e+00", "0.7e1", " 7 ", "7,0"];
        for text in seven {
            assert_eq!(Reading::of(text), Reading::Whole(7.0), "{text}");
        }
        assert_eq!(Reading::of("-1"), Reading::Whole(-1.0));
        assert_eq!(
            Reading::of("18446744073709551615"),
            Reading::Whole(18_446_744_073_709_551_615.0)
        );
        for text in ["7.5", "1,000", "1e400", "1e-3", ".5"] {
            assert_eq!(Reading::of(text), Reading::Other, "{text}");
        }
        for text in
            ["", "seven", "7th", "n07", "nan", "inf", "e7", "7e", "1.2.3", "0x7", "-", "7-8"]
        {
            assert_eq!(Reading::of(text), Reading::Word, "{text}");
        }
    }

    #[test]
    fn numbers_inside_names_have_an_order_of_their_own() {
        let found = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            out_of_order(&names).map(|pair| pair.map(str::to_owned))
        };
        assert_eq!(found(&["a1", "a10", "a2"]), Some(["a10", "a2"].map(str::to_owned)));
        assert_eq!(found(&["001.gull", "002.tern", "010.swan"]), None);
        assert_eq!(found(&["ant", "bee", "cat"]), None);
        assert_eq!(found(&["a", "a1", "ab"]), None);
    }
}
