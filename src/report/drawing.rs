//! Figures that are no curves, as shapes in units of a page; [`super::plot_drawing`] puts them on
//! paper.

use super::figure::Rgb;

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

/// Shapes on a page; later ones lie on top.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Width of the page.
    pub width: f64,
    /// Height of the page.
    pub height: f64,
    /// What is on it.
    pub shapes: Vec<Shape>,
}

/// Size of ordinary text.
pub const TEXT: f64 = 15.0;

impl Drawing {
    /// A page with a title and a line below it.
    pub fn new(width: f64, height: f64, title: &str, subtitle: &str) -> Drawing {
        let mut page = Drawing { width, height, shapes: Vec::new() };
        page.label((18.0, 26.0), title, 22.0, Anchor::Left, INK);
        page.label((18.0, 50.0), subtitle, TEXT, Anchor::Left, GREY);
        page
    }

    /// Adds a straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), width: f64, colour: Rgb) {
        self.shapes.push(Shape::Line { from, to, width, colour });
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
        let room = if high > low { 0.04 * (high - low) } else { 0.5 };
        Axis { low: low - room, high: high + room, from, to }
    }

    /// Exactly this range.
    pub fn exact(low: f64, high: f64, from: f64, to: f64) -> Axis {
        Axis { low, high, from, to }
    }

    /// Position of a value.
    pub fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Round values inside, about as many as asked for, with their text.
    pub fn ticks(&self, about: usize) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / about as f64;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].iter().map(|s| s * power).find(|s| *s >= rough * 0.999);
        let step = step.unwrap_or(power);
        let digits = (-(step.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize;
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        let tick = |i: i64| {
            let value = i as f64 * step;
            (value, format!("{:.digits$}", value + 0.0))
        };
        (first..=last).map(tick).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = Axis::exact(-0.13, 0.52, 0.0, 100.0);
        let texts: Vec<String> = axis.ticks(6).into_iter().map(|t| t.1).collect();
        assert_eq!(texts, ["0.0", "0.2", "0.4"]);
        let axis = Axis::exact(0.9, 8.1, 0.0, 100.0);
        let texts: Vec<String> = axis.ticks(8).into_iter().map(|t| t.1).collect();
        assert_eq!(texts, ["1", "2", "3", "4", "5", "6", "7", "8"]);
        assert!((axis.at(4.5) - 50.0).abs() < 1e-12);
    }

    #[test]
    fn equal_values_still_have_a_scale() {
        let axis = Axis::new([3.0, 3.0].into_iter(), 0.0, 10.0);
        assert!((axis.at(3.0) - 5.0).abs() < 1e-12);
        assert!(Axis::new([].into_iter(), 0.0, 1.0).at(0.5).is_finite());
    }
}
