//! Tables of plain text.

use crate::base::text::plain;

/// Columns of a terminal.
const WIDTH: usize = 80;

/// Words in lines of at most 80 characters, as far as that goes; lines after the first are indented.
pub(super) fn wrapped(words: &str, indent: usize) -> String {
    let mut lines: Vec<String> = vec![];
    for word in plain(words).split(' ') {
        match lines.last_mut() {
            Some(line) if line.trim().is_empty() || fits(line, word) => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(" ".repeat(indent) + word),
            None => lines.push(word.to_owned()),
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n") + "\n"
}

fn fits(line: &str, word: &str) -> bool {
    line.chars().count() + 1 + word.chars().count() <= WIDTH
}

/// Alignment of a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A table with headings: columns as wide as their widest cell, two spaces apart, nothing at the
/// end of a line.
pub(super) fn table<const N: usize>(columns: [(&str, Align); N], rows: &[[String; N]]) -> String {
    let headings = columns.map(|(heading, _)| heading.to_owned());
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| std::array::from_fn(|k| plain(&row[k]).into_owned())).collect();
    let all: Vec<&[String; N]> = std::iter::once(&headings).chain(&rows).collect();
    let width = |k: usize| all.iter().map(|r| r[k].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &&[String; N]| {
        let cells = row.iter().zip(columns).zip(&widths).map(|((cell, (_, align)), &width)| {
            if align == Align::Right { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_are_wrapped_and_indented() {
        let words = "a".repeat(30);
        assert_eq!(wrapped("short", 2), "short\n");
        assert_eq!(wrapped("  x  y", 2), "  x  y\n");
        assert_eq!(
            wrapped(&format!("- {words} {words} {words}"), 2),
            format!("- {words} {words}\n  {words}\n")
        );
        assert_eq!(wrapped(&"b".repeat(99), 2), format!("{}\n", "b".repeat(99)));
    }
}
