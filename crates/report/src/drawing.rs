//! Figures that are no curves, as shapes in units of a page; [`super::plot_drawing`] puts them on
//! paper.

use super::{
    figure::{Rgb, Style},
    scale,
};

/// Black, for text.
pub const INK: Rgb = (0, 0, 0);

/// For axes and less important text.
pub const GREY: Rgb = (90, 90, 90);

/// For grid lines.
pub const FAINT: Rgb = (222, 222, 222);

/// Which part of a text stands at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The left end.
    Left,
    /// The middle.
    Middle,
    /// The right end.
    Right,
}

/// One shape. Positions are (x, y) from the upper left corner.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A straight line.
    Line {
        /// One end.
        from: (f64, f64),
        /// The other.
        to: (f64, f64),
        /// Thickness.
        width: f64,
        /// Colour.
        colour: Rgb,
        /// Lengths of dashes and gaps in turn; empty for a solid line.
        dashes: &'static [f64],
    },
    /// A filled rectangle.
    Box {
        /// Upper left corner.
        from: (f64, f64),
        /// Lower right corner.
        to: (f64, f64),
        /// Colour.
        colour: Rgb,
    },
    /// A filled circle.
    Dot {
        /// Centre.
        at: (f64, f64),
        /// Radius.
        radius: f64,
        /// Colour.
        colour: Rgb,
    },
    /// A line of text, vertically centred.
    Text {
        /// Where its anchor is.
        at: (f64, f64),
        /// What it says.
        text: String,
        /// Size of the font.
        size: f64,
        /// Which part stands at `at`.
        anchor: Anchor,
        /// Colour.
        colour: Rgb,
    },
}

impl Shape {
    fn into_text(self) -> Option<String> {
        if let Shape::Text { text, .. } = self { Some(text) } else { None }
    }

    fn lift(&mut self, by: f64) {
        match self {
            Shape::Line { from, to, .. } | Shape::Box { from, to, .. } => {
                from.1 -= by;
                to.1 -= by;
            }
            Shape::Dot { at, .. } | Shape::Text { at, .. } => at.1 -= by,
        }
    }
}

/// Shapes on a page; later ones lie on top.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Width of the page.
    pub width: f64,
    /// Height of the page.
    pub height: f64,
    /// What is on it; title and subtitle first.
    pub shapes: Vec<Shape>,
    /// A line below all of it; empty for none.
    pub note: String,
}

/// Shapes of the title and the line below it, and the room that they take.
const HEADING: usize = 2;
const HEADER: f64 = 48.0;

/// Room for the note.
const FOOTER: f64 = 30.0;

/// Room for a title alone.
const TITLE: f64 = 34.0;

/// Size of ordinary text.
pub const TEXT: f64 = 15.0;

/// Fewer numbers than this do not say what a logarithmic scale covers.
const FEWEST: usize = 3;

/// Beyond so many decades powers of ten are enough.
const DECADES: f64 = 2.5;

/// Powers of ten from which on numbers are written with an exponent: there would not be room for three.
const LONG: i32 = 6;

/// Width of a digit of ordinary text, and the least room between two numbers.
const DIGIT: f64 = 0.64 * TEXT;
const GAP: f64 = 10.0;

impl Drawing {
    /// A page with a title and a line below it.
    pub fn new(width: f64, height: f64, title: &str, subtitle: &str) -> Drawing {
        let mut page = Drawing { width, height, shapes: Vec::new(), note: String::new() };
        page.label((18.0, 26.0), title, 22.0, Anchor::Left, INK);
        page.label((18.0, 50.0), subtitle, TEXT, Anchor::Left, GREY);
        page
    }

    /// The same for a paper: under a title of its own, or none, without the words that belong into a caption, and
    /// these.
    #[must_use]
    pub fn on_paper(mut self, title: &str) -> (Drawing, Vec<String>) {
        let heading = self.shapes.drain(..HEADING.min(self.shapes.len()));
        let mut caption: Vec<String> = heading.filter_map(Shape::into_text).collect();
        caption.push(std::mem::take(&mut self.note));
        let up = HEADER - if title.is_empty() { 0.0 } else { TITLE };
        self.shapes.iter_mut().for_each(|shape| shape.lift(up));
        self.height -= up + FOOTER;
        if !title.is_empty() {
            self.label((18.0, 20.0), title, 18.0, Anchor::Left, INK);
        }
        (self, caption)
    }

    /// The note, as a shape.
    pub(super) fn below(&self) -> Shape {
        let at = (18.0, self.height - 22.0);
        Shape::Text { at, text: self.note.clone(), size: TEXT, anchor: Anchor::Left, colour: GREY }
    }

    /// Says something below all of it.
    #[must_use]
    pub fn noted(mut self, note: String) -> Drawing {
        self.note = note;
        self
    }

    /// Adds a straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), width: f64, colour: Rgb) {
        self.shapes.push(Shape::Line { from, to, width, colour, dashes: &[] });
    }

    /// Adds a straight line of a method.
    pub fn dashed(&mut self, from: (f64, f64), to: (f64, f64), width: f64, style: Style) {
        let Style { colour, dashes } = style;
        self.shapes.push(Shape::Line { from, to, width, colour, dashes });
    }

    /// Adds a filled rectangle.
    pub fn rectangle(&mut self, from: (f64, f64), to: (f64, f64), colour: Rgb) {
        self.shapes.push(Shape::Box { from, to, colour });
    }

    /// Adds a filled circle.
    pub fn dot(&mut self, at: (f64, f64), radius: f64, colour: Rgb) {
        self.shapes.push(Shape::Dot { at, radius, colour });
    }

    /// Adds ordinary text.
    pub fn text(&mut self, at: (f64, f64), text: &str, anchor: Anchor) {
        self.label(at, text, TEXT, anchor, INK);
    }

    /// Adds text.
    pub fn label(&mut self, at: (f64, f64), text: &str, size: f64, anchor: Anchor, colour: Rgb) {
        self.shapes.push(Shape::Text { at, text: text.to_owned(), size, anchor, colour });
    }
}

/// A linear scale between values and positions, with round ticks.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// Covers these values with a little room, between two positions.
    pub fn new(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Axis {
        let (low, high) = values
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let room = if high > low { scale::ROOM * (high - low) } else { 0.5 };
        Axis { low: low - room, high: high + room, from, to }
    }

    /// Exactly this range.
    pub fn exact(low: f64, high: f64, from: f64, to: f64) -> Axis {
        Axis { low, high, from, to }
    }

    /// Position of a value.
    pub fn position(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Round values inside, about as many as asked for, with their text.
    pub fn ticks(&self, about: usize) -> Vec<(f64, String)> {
        scale::ticks(self.low, self.high, about)
    }

    /// Round numbers inside a horizontal scale of decimal logarithms: their logarithms with their
    /// text. Powers of ten on a long scale, 1, 2 and 5 times these on a shorter one; where that is
    /// not enough, numbers at equal distances. Texts do not overlap.
    pub fn log_ticks(&self) -> Vec<(f64, String)> {
        let mut choices = vec![self.multiples(&[1.0, 2.0, 5.0]), self.multiples(&[1.0])];
        if self.high - self.low > DECADES {
            choices.swap(0, 1);
        }
        choices.extend((3..=12).map(|about| self.equidistant(about)));
        choices.retain(|ticks| ticks.len() >= FEWEST);
        let whole = choices.iter().position(|ticks| self.apart(ticks).len() == ticks.len());
        // where all are too dense, the first of which enough is left
        let enough = || choices.iter().position(|ticks| self.apart(ticks).len() >= FEWEST);
        let chosen = whole.or_else(enough).unwrap_or(0);
        choices.get(chosen).map_or_else(Vec::new, |ticks| self.apart(ticks))
    }

    /// Those of the ticks from left to right that leave room between their texts.
    fn apart(&self, ticks: &[(f64, String)]) -> Vec<(f64, String)> {
        let mut free = f64::NEG_INFINITY;
        let mut fits = |(value, text): &&(f64, String)| {
            let half = DIGIT * text.chars().count() as f64 / 2.0;
            let fits = self.position(*value) - half >= free;
            if fits {
                free = self.position(*value) + half + GAP;
            }
            fits
        };
        ticks.iter().filter(|tick| fits(tick)).cloned().collect()
    }

    /// Logarithms of these multiples of powers of ten, as far as they are inside.
    fn multiples(&self, factors: &[f64]) -> Vec<(f64, String)> {
        let tick = |power: i32, factor: f64| {
            let value = factor * 10f64.powi(power);
            let digits = (-power).max(0) as usize;
            let text = if power < LONG {
                format!("{value:.digits$}")
            } else {
                format!("{factor}e{power}")
            };
            (value.log10(), text)
        };
        let powers = self.low.floor() as i32..=self.high.ceil() as i32;
        let all = powers.flat_map(|power| factors.iter().map(move |f| tick(power, *f)));
        all.filter(|(log, _)| (self.low..=self.high).contains(log)).collect()
    }

    /// Logarithms of round numbers at equal distances.
    fn equidistant(&self, about: usize) -> Vec<(f64, String)> {
        let values = Axis { low: 10f64.powf(self.low), high: 10f64.powf(self.high), ..*self };
        let positive = values.ticks(about).into_iter().filter(|(value, _)| *value > 0.0);
        positive.map(|(value, text)| (value.log10(), text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn log_axis(low: f64, high: f64, length: f64) -> Axis {
        Axis::exact(low.log10(), high.log10(), 90.0, 90.0 + length)
    }

    #[test]
    fn a_logarithmic_scale_has_round_numbers_for_its_range() {
        let texts = |low, high| -> Vec<String> {
            log_axis(low, high, 800.0).log_ticks().into_iter().map(|t| t.1).collect()
        };
        assert_eq!(texts(0.5, 2000.0), ["1", "10", "100", "1000"]);
        assert_eq!(texts(1.5, 150.0), ["2", "5", "10", "20", "50", "100"]);
        assert_eq!(texts(0.03, 0.9), ["0.05", "0.1", "0.2", "0.5"]);
        assert_eq!(texts(4.75, 18.9), ["5", "10", "15"]);
        assert_eq!(texts(5.1, 19.0), ["6", "8", "10", "12", "14", "16", "18"]);
        // within an octave
        assert_eq!(texts(5.1, 8.9), ["6", "7", "8"]);
        assert_eq!(texts(10.1, 10.9), ["10.2", "10.4", "10.6", "10.8"]);
    }

    #[test]
    fn the_numbers_of_a_logarithmic_scale_are_at_their_places() {
        let axis = log_axis(1.0, 100.0, 800.0);
        let ticks = axis.log_ticks();
        let place = |text: &str| axis.position(ticks.iter().find(|t| t.1 == text).unwrap().0);
        assert!((place("10") - 490.0).abs() < 1e-9);
        assert!((place("20") - (490.0 + 400.0 * 2f64.log10())).abs() < 1e-9);
    }

    #[test]
    fn a_short_logarithmic_scale_leaves_out_what_has_no_room() {
        let dense = log_axis(1e5, 2.5e7, 310.0);
        let texts: Vec<String> = dense.log_ticks().into_iter().map(|t| t.1).collect();
        assert_eq!(texts, ["100000", "1e6", "1e7"]);
        let long = log_axis(1.0, 1e12, 310.0);
        assert!((3..=8).contains(&long.log_ticks().len()));
    }

    proptest! {
        #[test]
        fn three_numbers_or_more_stand_apart_on_any_logarithmic_scale(
            low in -2.0..5.0f64, decades in 0.01..6.0f64, length in 310.0..900.0f64,
        ) {
            let axis = Axis::exact(low, low + decades, 90.0, 90.0 + length);
            let ticks = axis.log_ticks();
            prop_assert!(ticks.len() >= 3, "{ticks:?}");
            let half = |t: &(f64, String)| DIGIT * t.1.len() as f64 / 2.0;
            for pair in ticks.windows(2) {
                let (end, start) =
                    (axis.position(pair[0].0) + half(&pair[0]), axis.position(pair[1].0) - half(&pair[1]));
                prop_assert!(start - end >= GAP - 1e-9, "{ticks:?}");
            }
            for (log, text) in &ticks {
                prop_assert!((low..=low + decades).contains(log));
                prop_assert!((10f64.powf(*log) / text.parse::<f64>().unwrap() - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn values_have_their_places() {
        let axis = Axis::exact(0.9, 8.1, 0.0, 100.0);
        assert!((axis.position(4.5) - 50.0).abs() < 1e-12);
        assert_eq!(axis.ticks(8).len(), 8);
    }

    #[test]
    fn equal_values_still_have_a_scale() {
        let axis = Axis::new([3.0, 3.0].into_iter(), 0.0, 10.0);
        assert!((axis.position(3.0) - 5.0).abs() < 1e-12);
        assert!(Axis::new([].into_iter(), 0.0, 1.0).position(0.5).is_finite());
    }
}
