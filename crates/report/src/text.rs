//! Tables of plain text.

use crate::base::text::plain;

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
