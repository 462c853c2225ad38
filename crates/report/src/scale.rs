//! Scales: ranges of what is drawn, round numbers on them and their texts; once for the figures and the page.

use super::figure::Point;

/// Room beyond the ends of what is drawn, as a share of the range.
pub const ROOM: f64 = 0.04;

/// When 0 is on a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zero {
    /// Always.
    Always,
    /// Unless that would squeeze what is drawn.
    IfNear,
}

/// The lowest share of the highest value from which on 0 would squeeze lines that lie above it.
const FAR: f64 = 0.6;

/// The range of values with their intervals, with a little room beyond them but not beyond 0.
pub fn range<'p>(points: impl Iterator<Item = &'p Point>, zero: Zero) -> (f64, f64) {
    let ends = points.flat_map(|p| {
        let (lo, hi) = p.interval.unwrap_or((p.value, p.value));
        [lo.min(p.value), hi.max(p.value)]
    });
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = ends.fold(none, |(a, b), v| (a.min(v), b.max(v)));
    let (low, high) = match zero {
        _ if !low.is_finite() || !high.is_finite() => (0.0, 0.0),
        Zero::Always => (low.min(0.0), high.max(0.0)),
        Zero::IfNear if low > 0.0 && low < FAR * high => (0.0, high),
        Zero::IfNear => (low, high),
    };
    if low >= high {
        return (low - 1.0, high + 1.0);
    }
    let room = ROOM * (high - low);
    let below = if low == 0.0 { 0.0 } else { low - room };
    let above = if high == 0.0 { 0.0 } else { high + room };
    (below, above)
}

/// Round numbers between two values, about as many as asked for, with their text.
pub fn ticks(low: f64, high: f64, about: usize) -> Vec<(f64, String)> {
    let step = step((high - low) / about as f64);
    // an end counts, however it was rounded
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    let values = (0..=(last - first).max(0.0) as usize).map(|i| (first + i as f64) * step);
    values.map(|value| (value, text(value, step))).collect()
}

/// The least of 1, 2 and 5 times a power of ten that is not below this.
fn step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|factor| factor * power);
    steps.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(10.0 * power)
}

/// A multiple of a step, with as many decimals as it needs.
fn text(value: f64, step: f64) -> String {
    let decimals = (-(step.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize;
    trimmed(&format!("{value:.decimals$}"))
}

/// Whole numbers from 0 to `steps`, about as many as asked for, with their text.
pub fn counts(steps: usize, about: usize) -> Vec<(f64, String)> {
    let all = ticks(0.0, steps as f64, about);
    all.into_iter().filter(|(value, _)| value.fract() == 0.0).collect()
}

/// A number without superfluous digits.
pub fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 {
        return format!("{value:.1e}");
    }
    trimmed(&format!("{value:.4}"))
}

/// Without zeros at its end, and without a sign before 0.
fn trimmed(text: &str) -> String {
    let short =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(low: f64, high: f64, about: usize) -> Vec<String> {
        ticks(low, high, about).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_inside_and_have_the_digits_they_need() {
        assert_eq!(texts(0.0, 100.0, 5), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(texts(-0.3, 1.1, 5), ["0", "0.5", "1"]);
        assert_eq!(texts(-0.13, 0.52, 6), ["0", "0.2", "0.4"]);
        assert_eq!(texts(0.9, 8.1, 8), ["1", "2", "3", "4", "5", "6", "7", "8"]);
        assert_eq!(
            texts(-1.0e-5, 1.0e-5, 4),
            ["-0.00001", "-0.000005", "0", "0.000005", "0.00001"]
        );
        assert_eq!(texts(0.0, 3.0e6, 3), ["0", "1000000", "2000000", "3000000"]);
        let values: Vec<f64> = counts(3, 10).into_iter().map(|(value, _)| value).collect();
        assert_eq!(values, [0.0, 1.0, 2.0, 3.0], "no half steps");
    }

    #[test]
    fn numbers_show_the_digits_they_need() {
        let all = [0.0, 0.25, -1.5, 12.0, 1e-5, -0.0].map(number);
        assert_eq!(all, ["0", "0.25", "-1.5", "12", "1.0e-5", "0"]);
    }

    #[test]
    fn zero_is_on_the_scale_where_it_is_asked_for_or_near() {
        let points = |values: [f64; 2]| values.map(|value| Point { value, interval: None });
        let range = |values, zero| super::range(points(values).iter(), zero);
        assert_eq!(range([1.0, 2.0], Zero::Always), (0.0, 2.08));
        assert_eq!(range([1.0, 2.0], Zero::IfNear), (0.0, 2.08));
        assert_eq!(range([8.0, 9.0], Zero::Always), (0.0, 9.36));
        assert_eq!(range([8.0, 9.0], Zero::IfNear), (7.96, 9.04));
        assert_eq!(range([-1.0, 1.0], Zero::Always), (-1.08, 1.08));
        assert_eq!(range([-2.0, -1.0], Zero::Always), (-2.08, 0.0));
        assert_eq!(range([0.0, 0.0], Zero::IfNear), (-1.0, 1.0));
        assert_eq!(super::range([].iter(), Zero::IfNear), (-1.0, 1.0));
        let wide = Point { value: 1.0, interval: Some((-1.0, 4.0)) };
        assert_eq!(super::range([wide].iter(), Zero::IfNear), (-1.2, 4.2));
    }
}
