//! Is the relevance on the object? Boxes and masks come from the data set.

use super::{Look, MapMetric, Object};
use crate::{
    base::registry::Entry,
    eval::metric::{Direction, Range},
    explain::HeatMap,
};

/// What a location metric computes from relevance and object.
struct Location {
    direction: Direction,
    range: Range,
    of: fn(&HeatMap, &Object) -> Option<f64>,
}

impl MapMetric for Location {
    fn direction(&self) -> Direction {
        self.direction
    }

    fn range(&self) -> Range {
        self.range
    }

    fn value(&self, look: &Look<'_>) -> Option<f64> {
        let object = look.object.filter(|o| o.inside.len() == look.heat.len())?;
        (self.of)(look.heat, object)
    }
}

macro_rules! location {
    ($name:ident, $id:literal, $summary:literal, $cite:literal, $direction:ident, $range:ident, $of:ident) => {
        pub(super) const $name: Entry<dyn MapMetric> = Entry {
            id: $id,
            summary: $summary,
            cite: $cite,
            params: &[],
            build: |_| {
                Ok(Box::new(Location {
                    direction: Direction::$direction,
                    range: Range::$range,
                    of: $of,
                }))
            },
        };
    };
}

location!(
    POINTING,
    "pointing-game",
    "1 when the most relevant pixel is on the object, else 0; ties count by their share",
    "zhang2016top",
    Higher,
    UNIT,
    pointing
);
location!(
    MASS,
    "mass-accuracy",
    "share of the positive relevance that is on the object",
    "arras2022clevr",
    Higher,
    UNIT,
    mass
);
location!(
    RANK,
    "rank-accuracy",
    "share of the K most relevant pixels that are on the object of K pixels",
    "arras2022clevr",
    Higher,
    UNIT,
    rank
);
location!(
    IOU,
    "iou",
    "intersection over union of the object and as many of the most relevant pixels",
    "selvaraju2017gradcam",
    Higher,
    UNIT,
    iou
);
location!(
    CONTEXT,
    "context-ratio",
    "mean positive relevance outside the object over that inside",
    "lapuschkin2016analyzing",
    Lower,
    NON_NEGATIVE,
    context
);

/// Pixels of the object.
fn count(object: &Object) -> usize {
    object.inside.iter().filter(|inside| **inside).count()
}

fn pointing(heat: &HeatMap, object: &Object) -> Option<f64> {
    (count(object) > 0).then(|| hits(heat, object, 1))
}

/// Expected number of object pixels among the `k` most relevant ones, where pixels that tie at the
/// cut have equal chances.
fn hits(heat: &HeatMap, object: &Object, k: usize) -> f64 {
    let mut pixels: Vec<(f64, bool)> =
        heat.iter().map(|v| v + 0.0).zip(object.inside.iter().copied()).collect();
    pixels.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let cut = pixels[k - 1].0.to_bits();
    let inside = |run: &[(f64, bool)]| run.iter().filter(|p| p.1).count() as f64;
    let above = pixels.iter().take_while(|p| p.0.to_bits() != cut).count();
    let tied: Vec<(f64, bool)> =
        pixels[above..].iter().take_while(|p| p.0.to_bits() == cut).copied().collect();
    inside(&pixels[..above]) + (k - above) as f64 * inside(&tied) / tied.len() as f64
}

/// Sums of positive relevance on the object and elsewhere.
fn sums(heat: &HeatMap, object: &Object) -> (f64, f64) {
    let add = |(on, off): (f64, f64), (v, inside): (&f64, &bool)| {
        let v = v.max(0.0);
        if *inside { (on + v, off) } else { (on, off + v) }
    };
    heat.iter().zip(&object.inside).fold((0.0, 0.0), add)
}

fn mass(heat: &HeatMap, object: &Object) -> Option<f64> {
    let (on, off) = sums(heat, object);
    (count(object) > 0 && on + off > 0.0).then(|| on / (on + off))
}

fn rank(heat: &HeatMap, object: &Object) -> Option<f64> {
    let k = count(object);
    (k > 0).then(|| hits(heat, object, k) / k as f64)
}

/// With as many pixels on both sides, `I / (2 K - I)`; ties count by the pixels they have inside, so
/// an even map scores as the share of the object.
fn iou(heat: &HeatMap, object: &Object) -> Option<f64> {
    let k = count(object);
    if k == 0 {
        return None;
    }
    let mut sorted: Vec<f64> = heat.iter().map(|v| v + 0.0).collect();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let cut = sorted[k - 1];
    let chosen = heat.iter().map(|v| v + 0.0 >= cut).zip(&object.inside);
    let (mut both, mut either) = (0.0, 0.0);
    for (chosen, inside) in chosen {
        both += f64::from(u8::from(chosen && *inside));
        either += f64::from(u8::from(chosen || *inside));
    }
    Some(both / either)
}

fn context(heat: &HeatMap, object: &Object) -> Option<f64> {
    let (on, off) = sums(heat, object);
    let inside = count(object) as f64;
    let outside = object.inside.len() as f64 - inside;
    (on > 0.0 && outside > 0.0).then(|| (off / outside) / (on / inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn four_pixels_by_hand() {
        let heat = array![[5.0, 3.0], [2.0, -9.0]];
        let object = Object { inside: vec![false, true, true, false] };
        let at = |of: fn(&HeatMap, &Object) -> Option<f64>| of(&heat, &object).unwrap();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-15;
        assert!(close(at(pointing), 0.0));
        assert!(close(at(mass), 0.5));
        // the two best are 5 and 3, one of them inside
        assert!(close(at(rank), 0.5));
        assert!(close(at(iou), 1.0 / 3.0));
        // mean 2.5 outside and inside
        assert!(close(at(context), 1.0));
    }

    #[test]
    fn without_an_object_nothing_is_defined() {
        let heat = array![[1.0, 2.0]];
        let empty = Object { inside: vec![false; 2] };
        for of in [pointing, mass, rank, iou, context] {
            assert_eq!(of(&heat, &empty), None);
        }
    }
}
