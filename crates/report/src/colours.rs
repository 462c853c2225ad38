//! Colour maps for heat maps, and how much relevance gets the strongest colour.

use crate::{
    base::registry::{SpecError, near},
    explain::HeatMap,
};
use image::Rgb;
use std::str::FromStr;

/// What a map does with the sign of relevance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Symmetric around zero, which has the colour in the middle.
    Diverging,
    /// From the smallest to the largest relevance.
    Sequential,
}

/// Relevance as colour.
#[derive(Debug)]
pub struct ColourMap {
    /// Name in options.
    pub name: &'static str,
    /// What it looks like; no full stop.
    pub summary: &'static str,
    /// What it does with the sign.
    pub side: Side,
    /// Colours at equal distances, in between interpolated.
    anchors: &'static [[u8; 3]],
}

/// All colour maps; the first is the default.
pub const COLOUR_MAPS: &[ColourMap] = &[
    ColourMap {
        name: "diverging",
        summary: "dark blue, white, dark red; soft, told apart without red and green",
        side: Side::Diverging,
        anchors: &[[8, 38, 110], [92, 150, 214], [255, 255, 255], [236, 120, 84], [128, 8, 28]],
    },
    ColourMap {
        name: "seismic",
        summary: "navy, blue, white, red, dark red, as in matplotlib",
        side: Side::Diverging,
        anchors: &[[0, 0, 77], [0, 0, 255], [255, 255, 255], [255, 0, 0], [128, 0, 0]],
    },
    ColourMap {
        name: "bwr",
        summary: "blue, white, red, as in matplotlib",
        side: Side::Diverging,
        anchors: &[[0, 0, 255], [255, 255, 255], [255, 0, 0]],
    },
    ColourMap {
        name: "viridis",
        summary: "violet, green, yellow from the smallest to the largest relevance",
        side: Side::Sequential,
        anchors: &[
            [68, 1, 84],
            [71, 44, 122],
            [59, 81, 139],
            [44, 113, 142],
            [33, 144, 141],
            [39, 173, 129],
            [92, 200, 99],
            [170, 220, 50],
            [253, 231, 37],
        ],
    },
    ColourMap {
        name: "grey",
        summary: "black to white from the smallest to the largest relevance",
        side: Side::Sequential,
        anchors: &[[0, 0, 0], [255, 255, 255]],
    },
];

impl ColourMap {
    /// The colour at `part` of the way from the first to the last colour; beyond them it saturates.
    pub fn colour(&self, part: f64) -> Rgb<u8> {
        let last = self.anchors.len() - 1;
        let at = part.clamp(0.0, 1.0) * last as f64;
        let below = (at.floor() as usize).min(last - 1);
        let part = at - below as f64;
        let (a, b) = (self.anchors[below], self.anchors[below + 1]);
        let mix = |c: usize| f64::from(a[c]) + (f64::from(b[c]) - f64::from(a[c])) * part;
        Rgb(std::array::from_fn(|c| mix(c).round() as u8))
    }
}

impl FromStr for &'static ColourMap {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let unknown = || {
            let near = near(text, COLOUR_MAPS.iter().map(|m| m.name));
            // there are few, so any may be meant
            let all = || COLOUR_MAPS.iter().map(|m| format!("`{}`", m.name)).collect();
            let near = if near.is_empty() { all() } else { near };
            SpecError::Unknown { kind: "colour map", got: text.to_owned(), near }
        };
        COLOUR_MAPS.iter().find(|m| m.name == text).ok_or_else(unknown)
    }
}

/// Which relevance gets the strongest colour, in percent of the pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentile(f64);

/// A percentile that leaves out too much, or is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a percentile must be a number above 50 and up to 100, found `{0}`")]
pub struct PercentileError(String);

impl Default for Percentile {
    /// The few largest values saturate, so that one pixel does not leave the rest white.
    fn default() -> Percentile {
        Percentile(99.5)
    }
}

impl FromStr for Percentile {
    type Err = PercentileError;

    fn from_str(text: &str) -> Result<Percentile, PercentileError> {
        let number = text.parse().ok().filter(|p| *p > 50.0 && *p <= 100.0);
        number.map(Percentile).ok_or_else(|| PercentileError(text.to_owned()))
    }
}

impl std::fmt::Display for Percentile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Percentile {
    /// As a caption says it.
    pub fn words(self) -> String {
        if self.0 < 100.0 { format!("{self}th percentile") } else { "largest".to_owned() }
    }

    /// The value below which this percentage of the values lies; values are finite.
    fn limit(self, values: &mut [f64]) -> Option<f64> {
        values.sort_unstable_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        Some(values[(last as f64 * self.0 / 100.0).floor() as usize])
    }
}

/// How heat maps are coloured.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The colours.
    pub colours: &'static ColourMap,
    /// How much saturates.
    pub percentile: Percentile,
}

impl Default for Look {
    fn default() -> Look {
        Look { colours: &COLOUR_MAPS[0], percentile: Percentile::default() }
    }
}

/// What is not a number.
pub const NO_VALUE: Rgb<u8> = Rgb([200, 200, 200]);

/// Relevance of the first and of the last colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// First colour.
    pub low: f64,
    /// Last colour.
    pub high: f64,
}

impl Range {
    /// Where between the first and the last colour a relevance lies.
    pub fn part(self, value: f64) -> f64 {
        // halves, because the largest numbers are less than a range apart
        (0.5 * value - 0.5 * self.low) / (0.5 * self.high - 0.5 * self.low)
    }
}

impl Look {
    /// The range of a heat map. Diverging: from -s to s, s being the percentile of |relevance|, or
    /// the largest where fewer pixels than that are not 0. Sequential: between the percentiles from
    /// both ends. `None` when all values are equal (diverging: 0), or none is finite.
    pub fn range(&self, heat: &HeatMap) -> Option<Range> {
        let finite = heat.iter().copied().filter(|v| v.is_finite());
        let range = match self.colours.side {
            Side::Diverging => {
                let mut sizes: Vec<f64> = finite.map(f64::abs).collect();
                let robust = self.percentile.limit(&mut sizes)?;
                let high = if robust > 0.0 { robust } else { *sizes.last()? };
                Range { low: -high, high }
            }
            Side::Sequential => {
                let mut values: Vec<f64> = finite.collect();
                let mut opposite: Vec<f64> = values.iter().map(|v| -v).collect();
                let (high, low) =
                    (self.percentile.limit(&mut values)?, -self.percentile.limit(&mut opposite)?);
                let (least, most) = (*values.first()?, *values.last()?);
                if low < high { Range { low, high } } else { Range { low: least, high: most } }
            }
        };
        (range.low < range.high).then_some(range)
    }

    /// The colour of a relevance.
    pub fn colour(&self, value: f64, range: Option<Range>) -> Rgb<u8> {
        match range {
            _ if !value.is_finite() => NO_VALUE,
            Some(range) => self.colours.colour(range.part(value)),
            None => self.flat(),
        }
    }

    /// The colour of a map that says nothing.
    fn flat(&self) -> Rgb<u8> {
        self.colours.colour(if self.colours.side == Side::Diverging { 0.5 } else { 0.0 })
    }

    /// How the colours of every map are scaled, in a sentence.
    pub fn caption(&self) -> String {
        let percentile = self.percentile.words();
        match self.colours.side {
            Side::Diverging => {
                format!("Each map has its own scale: the {percentile} of |relevance|.")
            }
            Side::Sequential => format!(
                "Each map has its own scale: from the lower to the upper {percentile} of relevance."
            ),
        }
    }
}

/// A range in a few words.
pub fn words(range: Option<Range>, side: Side) -> String {
    match (range, side) {
        (Some(range), Side::Diverging) => format!("signed, ±{}", short(range.high)),
        (Some(range), Side::Sequential) => format!("{} to {}", short(range.low), short(range.high)),
        (None, Side::Diverging) => "all zero".to_owned(),
        (None, Side::Sequential) => "all equal".to_owned(),
    }
}

/// Three digits, with an exponent where there would be many zeros.
pub fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    match value.abs().log10().floor() as i32 {
        magnitude @ -3..=3 => format!("{value:.*}", (2 - magnitude).max(0) as usize),
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn look(name: &str) -> Look {
        Look { colours: name.parse().unwrap(), percentile: Percentile::default() }
    }

    #[test]
    fn diverging_maps_are_white_at_zero_and_as_dark_on_both_sides() {
        let light = |c: Rgb<u8>| c.0.iter().map(|&c| i32::from(c)).sum::<i32>();
        for map in COLOUR_MAPS.iter().filter(|m| m.side == Side::Diverging) {
            assert_eq!(map.colour(0.5), Rgb([255; 3]), "{}", map.name);
            for i in 1..=10 {
                let half = f64::from(i) / 20.0;
                let (below, above) = (light(map.colour(0.5 - half)), light(map.colour(0.5 + half)));
                assert!(below < light(map.colour(0.55 - half)), "{} {i}", map.name);
                assert!(above < light(map.colour(0.45 + half)), "{} {i}", map.name);
                assert!((below - above).abs() < 60, "{} {i}", map.name);
            }
            assert_eq!(map.colour(7.0), map.colour(1.0), "larger values saturate");
        }
    }

    #[test]
    fn sequential_maps_get_lighter_all_the_way() {
        let luma = |c: Rgb<u8>| {
            let [r, g, b] = c.0.map(f64::from);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        for map in COLOUR_MAPS.iter().filter(|m| m.side == Side::Sequential) {
            let steps: Vec<f64> = (0..=64).map(|i| luma(map.colour(f64::from(i) / 64.0))).collect();
            assert!(steps.is_sorted() && steps[0] < steps[64], "{}", map.name);
        }
    }

    #[test]
    fn a_few_huge_values_do_not_whiten_the_rest() {
        let mut heat = Array2::from_elem((100, 100), 1.0);
        (0..40).for_each(|i| heat[[0, i]] = -1e6);
        let look = Look::default();
        let range = look.range(&heat);
        assert_eq!(range, Some(Range { low: -1.0, high: 1.0 }));
        assert_eq!(look.colour(1.0, range), look.colours.colour(1.0));
        assert_eq!(look.colour(-1e6, range), look.colours.colour(0.0));
        let all = Look { percentile: "100".parse().unwrap(), ..look };
        assert_eq!(all.range(&heat), Some(Range { low: -1e6, high: 1e6 }));
    }

    #[test]
    fn sparse_and_empty_maps_have_a_scale_or_none() {
        let mut heat = Array2::zeros((100, 100));
        assert_eq!(Look::default().range(&heat), None);
        assert_eq!(Look::default().colour(0.0, None), Rgb([255; 3]));
        assert_eq!(look("grey").range(&heat), None);
        heat[[4, 5]] = -0.25;
        heat[[0, 0]] = f64::NAN;
        let found = Look::default().range(&heat);
        assert_eq!(found, Some(Range { low: -0.25, high: 0.25 }));
        assert_eq!(Look::default().colour(f64::NAN, found), NO_VALUE);
        assert_eq!(look("viridis").range(&heat), Some(Range { low: -0.25, high: 0.0 }));
    }

    #[test]
    fn names_and_percentiles_are_checked() {
        let error = "viridi".parse::<&ColourMap>().unwrap_err().to_string();
        assert_eq!(error, "unknown colour map `viridi`, did you mean `viridis`?");
        for bad in ["50", "100.1", "NaN", "x", "-99"] {
            assert!(bad.parse::<Percentile>().is_err(), "{bad}");
        }
        assert_eq!(Percentile::default().to_string().parse(), Ok(Percentile::default()));
        assert_eq!(
            look("seismic").caption(),
            "Each map has its own scale: the 99.5th percentile of |relevance|."
        );
    }

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.0, 1.0, -0.001_234, 12_345.0, 0.000_123].map(short);
        assert_eq!(shown, ["0", "1.00", "-0.00123", "1.23e4", "1.23e-4"]);
    }
}
