//! Average precision: how well the scores of one class tell the pictures that show it from the others.

use std::cmp::Ordering;

/// Average precision of one class by the two definitions of PASCAL VOC (Everingham et al. 2010, sec. 4.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AveragePrecision {
    /// Of VOC 2010 and later: the area under the precision at every recall, where the precision at a recall
    /// is the largest at this recall or a larger one.
    pub area: f64,
    /// Of VOC 2007: the mean of this precision at the recalls 0, 0.1, ..., 1.
    pub eleven_points: f64,
}

/// Precision and recall of the pictures whose score is at least a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    precision: f64,
    /// Pictures that show the class, of all of them.
    found: usize,
}

impl AveragePrecision {
    /// Of pictures with these scores, each with whether it shows the class. Pictures of one score are taken
    /// together, so that their order does not matter. `None` where no picture shows the class, or a score is
    /// not a number.
    pub fn of(pictures: &[(f32, bool)]) -> Option<AveragePrecision> {
        let positives = pictures.iter().filter(|(_, shows)| *shows).count();
        if positives == 0 || pictures.iter().any(|(score, _)| score.is_nan()) {
            return None;
        }
        let points = envelope(points(pictures));
        let (mut area, mut before) = (0.0, 0);
        for point in &points {
            area += point.precision * (point.found - before) as f64;
            before = point.found;
        }
        // recall >= k/10, in whole numbers
        let at = |k: usize| points.iter().find(|p| 10 * p.found >= k * positives);
        let eleven: f64 = (0..=10).filter_map(at).map(|p| p.precision).sum();
        Some(AveragePrecision { area: area / positives as f64, eleven_points: eleven / 11.0 })
    }
}

/// One point for every score that occurs, the largest first.
fn points(pictures: &[(f32, bool)]) -> Vec<Point> {
    let mut sorted = pictures.to_vec();
    sorted.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal));
    let (mut found, mut taken) = (0, 0);
    let point = |alike: &[(f32, bool)]| {
        taken += alike.len();
        found += alike.iter().filter(|(_, shows)| *shows).count();
        Point { precision: found as f64 / taken as f64, found }
    };
    // 0 and -0 are one score
    sorted.chunk_by(|a, b| a.0.partial_cmp(&b.0) == Some(Ordering::Equal)).map(point).collect()
}

/// Each precision becomes the largest of its own and all later ones.
fn envelope(mut points: Vec<Point>) -> Vec<Point> {
    let mut best = 0.0f64;
    for point in points.iter_mut().rev() {
        best = best.max(point.precision);
        point.precision = best;
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn by_hand() {
        // right, wrong, right, wrong: precision 1 up to recall 1/2, then 2/3
        let pictures = [(4.0, true), (3.0, false), (2.0, true), (1.0, false)];
        let found = AveragePrecision::of(&pictures).unwrap();
        assert!(close(found.area, f64::midpoint(1.0, 2.0 / 3.0)));
        // recalls 0 to 0.5 are six of the eleven
        assert!(close(found.eleven_points, (6.0 + 5.0 * 2.0 / 3.0) / 11.0));
        let best = [(0.5, true), (-1.0, false)];
        assert_eq!(
            AveragePrecision::of(&best),
            Some(AveragePrecision { area: 1.0, eleven_points: 1.0 })
        );
        // all alike: the share of pictures that show the class
        let alike = [(1.0, true), (1.0, false), (1.0, false), (1.0, true), (1.0, false)];
        assert!(close(AveragePrecision::of(&alike).unwrap().area, 0.4));
    }

    #[test]
    fn without_a_picture_of_the_class_it_is_undefined() {
        assert_eq!(AveragePrecision::of(&[]), None);
        assert_eq!(AveragePrecision::of(&[(1.0, false)]), None);
        assert_eq!(AveragePrecision::of(&[(f32::NAN, true)]), None);
    }

    /// As the definitions say, threshold by threshold.
    fn slow(pictures: &[(f32, bool)]) -> (f64, f64) {
        let positives = pictures.iter().filter(|p| p.1).count() as f64;
        let at = |threshold: f32| {
            let taken: Vec<_> = pictures.iter().filter(|p| p.0 >= threshold).collect();
            let found = taken.iter().filter(|p| p.1).count() as f64;
            (found / positives, found / taken.len() as f64)
        };
        let all: Vec<(f64, f64)> = pictures.iter().map(|p| at(p.0)).collect();
        let precision = |recall: f64| {
            let there = all.iter().filter(|(r, _)| *r >= recall - 1e-9).map(|(_, p)| *p);
            there.fold(0.0, f64::max)
        };
        let count = positives as usize;
        // the precision at recall r covers the share before it
        let area = (1..=count).map(|k| precision(k as f64 / positives)).sum::<f64>() / positives;
        let eleven = (0..=10).map(|k| precision(f64::from(k) / 10.0)).sum::<f64>() / 11.0;
        (area, eleven)
    }

    proptest! {
        #[test]
        fn both_are_what_their_definitions_say(
            pictures in prop::collection::vec(((-4i8..4).prop_map(f32::from), any::<bool>()), 1..25),
        ) {
            let found = AveragePrecision::of(&pictures);
            prop_assert_eq!(found.is_some(), pictures.iter().any(|p| p.1));
            if let Some(found) = found {
                let (area, eleven) = slow(&pictures);
                prop_assert!(close(found.area, area) && close(found.eleven_points, eleven));
                prop_assert!((0.0..=1.0).contains(&found.area));
                let mut other = pictures.clone();
                other.reverse();
                prop_assert_eq!(AveragePrecision::of(&other), Some(found));
            }
        }
    }
}
