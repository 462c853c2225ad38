//! The ranking as text for a terminal.

use super::{
    cells::{RANDOM, Setting},
    colours::short,
    summary::{Summary, SummaryRow},
    verdict::{Leader, Words, against_random},
};
use crate::{
    base::{text::plain, words::count},
    eval::{order::Order, stats::Estimate},
    explain::labels::labels,
};

/// Columns that tables of many columns may take.
pub(super) const WIDTH: usize = 100;

/// Columns of an ordinary terminal, in which the ranking at the end of a run fits.
const TERMINAL: usize = 80;

/// The ranking that counts: mean MoRF AOPC at the first perturbation of the records (LeRF where
/// there is no MoRF), as aligned text of at most 80 columns, with what it says of the methods and what a
/// reader must know below.
pub fn ranking(summary: &Summary) -> String {
    let Some(first) = summary.rows.first() else { return "no method has curves\n".to_owned() };
    let ranked = |r: &&SummaryRow| r.setting == first.setting && r.order == first.order;
    let rows: Vec<&SummaryRow> = summary.rows.iter().filter(ranked).collect();
    let mut text = wrap_at(&heading(&first.setting, first.order, images(&rows)), TERMINAL);
    text.push('\n');
    text.push_str(&table(&rows));
    for sentence in sentences(&rows) {
        text.push('\n');
        text.push_str(&wrap_at(&sentence, TERMINAL));
    }
    for caveat in &summary.caveats {
        text.push('\n');
        text.push_str(&wrap_at(&format!("note: {caveat}"), TERMINAL));
    }
    text
}

/// Whether the first is a winner, and which methods are better or worse than chance.
fn sentences(rows: &[&SummaryRow]) -> Vec<String> {
    let words = Words {
        name: &|method| format!("`{}`", plain(method)),
        text: &|text| plain(text).into_owned(),
        number: &short,
    };
    let ranked = rows.iter().filter(|row| row.rank.is_some());
    let first = ranked.clone().next().and_then(|row| {
        let (of, aopc) = (ranked.clone().count(), row.aopc?);
        let chance = ranked.clone().any(|r| r.method == RANDOM && r.rank == row.rank);
        let (method, order, setting) = (&row.method[..], row.order, &row.setting);
        Leader { method, chance, of, order, setting, aopc }.no_winner(words)
    });
    let found = rows.iter().filter_map(|row| Some((&row.method[..], row.against_random?)));
    first.into_iter().chain(against_random(&found.collect::<Vec<_>>(), words)).collect()
}

/// The pictures that each method has, where all have as many.
fn images(rows: &[&SummaryRow]) -> Option<usize> {
    let first = rows.first()?.images;
    rows.iter().all(|row| row.images == first).then_some(first)
}

/// Breaks a line between words where it would get too long.
pub(super) fn wrap(line: &str) -> String {
    wrap_at(line, WIDTH)
}

fn wrap_at(line: &str, columns: usize) -> String {
    let mut text = String::new();
    let mut width = 0;
    for word in plain(line).split(' ') {
        let length = word.chars().count();
        let gap = match width {
            0 => "",
            w if w + 1 + length > columns => "\n      ",
            _ => " ",
        };
        width = if gap.starts_with('\n') { 6 + length } else { width + gap.len() + length };
        text.push_str(gap);
        text.push_str(word);
    }
    text.push('\n');
    text
}

fn heading(setting: &Setting, order: Order, images: Option<usize>) -> String {
    let Setting { perturbation, region, score_kind, .. } = setting;
    let first = match order {
        Order::Morf => "most relevant regions first, higher is better",
        Order::Lerf => "least relevant regions first, lower is better",
    };
    let steps = setting.regions().map_or("no regions".to_owned(), |s| count(s, "region"));
    let at = setting.at_stops();
    let images = images.map_or(String::new(), |n| format!(", {}", count(n, "image")));
    format!(
        "AOPC ({score_kind}, {perturbation}, {steps} of {region}x{region}{at}{images}): {first}"
    )
}

fn table(rows: &[&SummaryRow]) -> String {
    let decimals = decimals(rows);
    let number = |v: f64| format!("{v:.decimals$}");
    let signed = |v: f64| format!("{v:+.decimals$}");
    let mean = |e: Option<Estimate>, show: &dyn Fn(f64) -> String| match e {
        Some(e) => show(e.mean),
        None => "-".to_owned(),
    };
    let interval = |e: Option<Estimate>| match e.and_then(|e| e.bca) {
        Some(i) => format!("[{}, {}]", number(i.lo), number(i.hi)),
        None => "-".to_owned(),
    };
    let mut cells =
        vec![["rank", "method", "AOPC", "95 % interval", "vs random", "ABPC"].map(str::to_owned)];
    let names: Vec<&str> = rows.iter().map(|r| r.method.as_str()).collect();
    let same = images(rows).is_some();
    let named = |r: &SummaryRow, label: String| {
        if same { label } else { format!("{label} ({})", count(r.images, "image")) }
    };
    cells.extend(rows.iter().zip(labels(&names)).map(|(r, label)| {
        [
            r.rank.map_or("-".to_owned(), |rank| rank.to_string()),
            named(r, label),
            mean(r.aopc, &number),
            interval(r.aopc),
            mean(r.relative_aopc, &signed),
            mean(r.abpc, &number),
        ]
    }));
    align_at(&cells, 1, TERMINAL)
}

/// Digits after the point, so that the largest mean shows four digits in all.
fn decimals(rows: &[&SummaryRow]) -> usize {
    let means: Vec<f64> = rows.iter().filter_map(|r| r.aopc).map(|e| e.mean).collect();
    decimals_for(&means)
}

/// The same for any means.
pub(super) fn decimals_for(means: &[f64]) -> usize {
    let largest = means.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    if largest > 0.0 { (3 - largest.log10().floor() as i32).clamp(0, 8) as usize } else { 3 }
}

/// Aligns cells in columns two spaces apart: text to the left (column `left`, which gives way when
/// the line gets too long), numbers to the right.
pub(super) fn align<const N: usize>(cells: &[[String; N]], left: usize) -> String {
    align_at(cells, left, WIDTH)
}

fn align_at<const N: usize>(cells: &[[String; N]], left: usize, columns: usize) -> String {
    let width = |j: usize| cells.iter().map(|r| r[j].chars().count()).max().unwrap_or(0);
    let mut widths: [usize; N] = std::array::from_fn(width);
    let total = widths.iter().sum::<usize>() + 2 * (N - 1);
    widths[left] = widths[left].saturating_sub(total.saturating_sub(columns)).max(8);
    let mut text = String::new();
    for row in cells {
        let cell = |(j, cell): (usize, &String)| {
            let width = widths[j];
            if j == left {
                format!("{:<width$}", shorten(cell, width))
            } else {
                format!("{cell:>width$}")
            }
        };
        let line: Vec<String> = row.iter().enumerate().map(cell).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// At most `width` characters; what is left out of the middle is marked, since names of methods
/// differ at both ends.
pub(super) fn shorten(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let tail = width.saturating_sub(1) / 2;
    let head = width.saturating_sub(1 + tail);
    let chars: Vec<char> = text.chars().collect();
    let kept = |part: &[char]| part.iter().collect::<String>();
    format!("{}…{}", kept(&chars[..head]), kept(&chars[count - tail..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{demo, run::record::Status, summary::summarise};

    #[test]
    fn the_table_is_aligned_and_fits() {
        let mut rows = demo::records(30, 1, 100);
        let long = "lrp-alpha-beta:alpha=2:beta=1:bias=ignore:stabiliser=0.000001:average=absolute";
        for row in rows.iter_mut().filter(|r| r.method == "lrp-samek2017") {
            long.clone_into(&mut row.method);
        }
        let text = ranking(&summarise(&rows).unwrap());
        assert!(text.lines().all(|line| line.chars().count() <= TERMINAL), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_is_undefined_is_a_dash_and_what_failed_is_said() {
        let mut rows = demo::records(4, 1, 10);
        rows.retain(|r| r.order == Order::Morf && r.method != "random");
        for row in rows.iter_mut().filter(|r| r.method == "gradient" && r.image.contains("02")) {
            (row.status, row.scores) = (Status::Failed, None);
            row.reason = Some("12 of 192 relevance values are not finite".to_owned());
        }
        insta::assert_snapshot!(ranking(&summarise(&rows).unwrap()));
    }

    #[test]
    fn shortened_names_keep_both_ends() {
        assert_eq!(shorten("abcdefghij", 10), "abcdefghij");
        assert_eq!(shorten("abcdefghij", 5), "ab…ij");
        assert_eq!(shorten("abcdefghij", 6), "abc…ij");
        assert_eq!(shorten("äöüäöü", 3), "ä…ü");
    }
}
