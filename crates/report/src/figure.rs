//! Figures as data: what is drawn, not how.

/// A value with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The value.
    pub value: f64,
    /// Lower and upper end of its interval.
    pub interval: Option<(f64, f64)>,
}

/// One method's line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its label.
    pub name: String,
    /// Which colour and dash pattern it has; the same method has the same in all panels.
    pub style: Style,
    /// Values at x = 0, 1, 2, ...
    pub points: Vec<Point>,
}

/// One coordinate system.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What it shows and which way is better.
    pub title: String,
    /// Label of the vertical axis.
    pub y_label: String,
    /// Lines; later ones are drawn on top.
    pub lines: Vec<Line>,
}

/// Lines of a panel that can have bands before nothing else can be seen.
const BANDS: usize = 6;

impl Panel {
    /// True when the band of a line is drawn: in a full panel only those of the line on top and of
    /// the random order are.
    pub fn has_band(&self, line: usize) -> bool {
        let is_top = line + 1 == self.lines.len();
        !self.is_full() || is_top || self.lines[line].style == Style::BASELINE
    }

    /// True when there are too many lines for a band each.
    pub fn is_full(&self) -> bool {
        self.lines.len() > BANDS
    }
}

/// Panels below each other with a common horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What was measured.
    pub title: String,
    /// On which data, and how.
    pub subtitle: String,
    /// Label of the horizontal axis.
    pub x_label: String,
    /// What stands below x = 0, 1, 2, ...; without any the numbers themselves.
    pub ticks: Vec<String>,
    /// From top to bottom; panels without lines are left out.
    pub panels: Vec<Panel>,
    /// What bands mean, what is missing; empty for none.
    pub caption: String,
    /// Units of its layout from left to right: a text is some 15 high.
    pub width: f64,
}

impl Figure {
    /// Width of figures for screens.
    pub const WIDTH: f64 = 1000.0;
}

/// Red, green, blue.
pub type Rgb = (u8, u8, u8);

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Its colour.
    pub colour: Rgb,
    /// Lengths of dashes and gaps in turn; empty for a solid line.
    pub dashes: &'static [f64],
}

/// The colours of Okabe and Ito (2008), which people with colour-vision deficiencies tell apart;
/// without yellow, which is too light on white.
const COLOURS: [Rgb; 7] = [
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (230, 159, 0),
    (0, 0, 0),
];

/// Told apart without colour.
const DASHES: [&[f64]; 8] = [
    &[],
    &[11.0, 4.0],
    &[2.0, 3.0],
    &[9.0, 3.0, 2.0, 3.0],
    &[5.0, 3.0],
    &[9.0, 3.0, 2.0, 3.0, 2.0, 3.0],
    &[18.0, 5.0],
    &[2.0, 6.0],
];

impl Style {
    /// The style of the `i`-th method; 56 of them are different.
    pub fn nth(i: usize) -> Style {
        Style { colour: COLOURS[i % COLOURS.len()], dashes: DASHES[i % DASHES.len()] }
    }

    /// The same as class names of a style sheet: `c` and the number of the colour, `d` and that of
    /// the dash pattern.
    pub fn class(i: usize) -> String {
        format!("c{} d{}", i % COLOURS.len(), i % DASHES.len())
    }

    /// The style of the random order: what others are compared with.
    pub const BASELINE: Style = Style { colour: (110, 110, 110), dashes: &[3.0, 3.0] };
}

/// Moves labels apart that would overlap: positions with at least `gap` between neighbours, inside
/// `[top, bottom]`, as close to the `wanted` ones as possible (least squares), in the same order.
/// `wanted` is ascending. When the labels do not fit, the gap shrinks.
pub fn spread(wanted: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let gap = gap.min((bottom - top) / (wanted.len() as f64 - 1.0).max(1.0));
    // without the gaps the positions must only be ascending: isotonic regression
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (i, y) in wanted.iter().enumerate() {
        blocks.push((y - gap * i as f64, 1));
        while let [.., (a, m), (b, n)] = blocks[..]
            && a > b
        {
            let mean = (a * m as f64 + b * n as f64) / (m + n) as f64;
            blocks.truncate(blocks.len() - 2);
            blocks.push((mean, m + n));
        }
    }
    let last = bottom - gap * (wanted.len() as f64 - 1.0);
    let flat = blocks.iter().flat_map(|&(y, n)| std::iter::repeat_n(y, n));
    flat.enumerate().map(|(i, y)| y.clamp(top, last.max(top)) + gap * i as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn methods_up_to_fifty_six_look_different() {
        let styles: Vec<Style> = (0..56).map(Style::nth).collect();
        for (i, a) in styles.iter().enumerate() {
            assert!(styles[..i].iter().all(|b| a != b) && *a != Style::BASELINE);
        }
    }

    #[test]
    fn in_a_full_panel_only_the_best_and_the_baseline_have_bands() {
        let line = |style| Line { name: String::new(), style, points: vec![] };
        let panel = |count: usize| Panel {
            title: String::new(),
            y_label: String::new(),
            lines: std::iter::once(line(Style::BASELINE))
                .chain((1..count).map(|i| line(Style::nth(i))))
                .collect(),
        };
        let banded = |count| (0..count).filter(|&i| panel(count).has_band(i)).collect::<Vec<_>>();
        assert_eq!(banded(6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(banded(9), [0, 8]);
    }

    #[test]
    fn labels_that_do_not_overlap_stay_where_they_are() {
        assert_eq!(spread(&[10.0, 30.0, 50.0], 15.0, 0.0, 100.0), [10.0, 30.0, 50.0]);
    }

    #[test]
    fn labels_at_one_place_are_centred_around_it() {
        assert_eq!(spread(&[50.0; 3], 10.0, 0.0, 100.0), [40.0, 50.0, 60.0]);
        assert_eq!(spread(&[2.0; 3], 10.0, 0.0, 100.0), [0.0, 10.0, 20.0]);
        assert_eq!(spread(&[99.0, 100.0], 10.0, 0.0, 100.0), [90.0, 100.0]);
    }

    proptest! {
        #[test]
        fn labels_stay_inside_and_apart(
            mut wanted in prop::collection::vec(-50.0..250.0f64, 1..40),
        ) {
            wanted.sort_by(f64::total_cmp);
            let placed = spread(&wanted, 14.0, 0.0, 200.0);
            let gap = (200.0 / (wanted.len() as f64 - 1.0).max(1.0)).min(14.0);
            prop_assert!(placed.windows(2).all(|p| p[1] - p[0] >= gap - 1e-9));
            prop_assert!(placed.iter().all(|y| (-1e-9..=200.0 + 1e-9).contains(y)));
        }
    }
}
