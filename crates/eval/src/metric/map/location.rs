//! Is the relevance on the object? Boxes and masks come from the data set.
//!
//! A value is about one object, that of the explained class: where only objects of other classes are
//! marked (a wrong prediction is explained), there is none. Masks and boxes are measured apart, since relevance in
//! a box is not relevance on the object.
//!
//! | parameter | default | meaning |
//! |---|---|---|
//! | `object` | auto | `mask`: the object's pixels; `box`: the pixels in its bounding boxes; `auto`: what the data set has, which is two metrics where some pictures have a mask and others boxes only |
//! | `tolerance` (`pointing-game`) | 0 | pixels (Euclidean distance between centres) by which the most relevant pixel may miss the object; Zhang et al. 2016 take 15 |

use super::{Ground, Look, MapMetric, MetricError, ObjectPixels, Settings, Undefined};
use crate::{
    base::{
        registry::{Args, Entry, Kind, Param},
        word_enum,
    },
    explain::HeatMap,
    metric::{Direction, Range},
};

/// What a location metric computes from relevance and the pixels of the object.
type Formula = fn(&HeatMap, &[bool], f64) -> Result<f64, Undefined>;

/// See the entries.
struct Location {
    direction: Direction,
    range: Range,
    mark: Mark,
    tolerance: f64,
    of: Formula,
}

word_enum! {
    /// How the object is marked.
    enum Mark {
        /// What there is, a mask before boxes.
        Auto = "auto",
        Mask = "mask",
        Box = "box",
    }
}

impl Mark {
    fn of(args: &Args) -> Mark {
        args.word(OBJECT.key)
    }

    /// Which pixels are marked.
    fn pixels(self, object: Option<&ObjectPixels>) -> Result<&[bool], Undefined> {
        let kind = match self {
            Mark::Auto => "mask or box",
            Mark::Mask => "mask",
            Mark::Box => "box",
        };
        let missing = Undefined::NoObject { kind };
        let Some(object) = object else { return Err(missing) };
        let (mask, boxes) = (object.mask.as_deref(), object.boxes.as_deref());
        let pixels = match self {
            Mark::Auto => mask.or(boxes),
            Mark::Mask => mask,
            Mark::Box => boxes,
        };
        pixels.ok_or(missing)
    }
}

impl MapMetric for Location {
    fn direction(&self) -> Direction {
        self.direction
    }

    fn range(&self) -> Range {
        self.range
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        let inside = self.mark.pixels(look.object)?;
        let class = look.object.and_then(|object| object.class);
        if class.zip(look.asked).is_some_and(|(class, asked)| class != asked.case.target) {
            return Err(Undefined::OtherClass);
        }
        if count(inside) == 0 {
            return Err(Undefined::Cropped);
        }
        (self.of)(look.heat, inside, self.tolerance)
    }

    fn stands_for(&self, on: &Ground<'_>) -> Result<Vec<Settings>, MetricError> {
        let kinds = [(on.marks.masks, "mask"), (on.marks.only_boxes, "box")];
        let there = kinds.into_iter().filter(|(there, _)| *there && self.mark == Mark::Auto);
        Ok(there.map(|(_, kind)| vec![(OBJECT.key, kind.to_owned())]).collect())
    }
}

const OBJECT: Param = Param {
    key: "object",
    default: "auto",
    kind: Kind::Word(Mark::WORDS),
    help: "its mask, its boxes, or as the data set marks it (apart, where it has both)",
};

const TOLERANCE: Param = Param {
    key: "tolerance",
    default: "0",
    kind: Kind::Number { min: 0.0, max: 1e4 },
    help: "pixels by which the object may be missed (the paper: 15)",
};

macro_rules! location {
    ($name:ident, $id:literal, $summary:literal, $cite:literal, $direction:ident, $range:ident, $of:expr) => {
        location!($name, $id, $summary, $cite, $direction, $range, $of, &[OBJECT], |_| 0.0);
    };
    ($name:ident, $id:literal, $summary:literal, $cite:literal, $direction:ident, $range:ident, $of:expr,
     $params:expr, $tolerance:expr) => {
        pub(super) const $name: Entry<dyn MapMetric> = Entry {
            id: $id,
            summary: $summary,
            cite: $cite,
            params: $params,
            build: |args| {
                let tolerance: fn(&Args) -> f64 = $tolerance;
                Ok(Box::new(Location {
                    direction: Direction::$direction,
                    range: Range::$range,
                    mark: Mark::of(args),
                    tolerance: tolerance(args),
                    of: $of,
                }))
            },
        };
    };
}

location!(
    POINTING,
    "pointing-game",
    "1 when the most relevant pixel is on the target's object, else 0; ties count by their share",
    "zhang2016top",
    Higher,
    UNIT,
    |heat, inside, tolerance| Ok(pointing(heat, inside, tolerance)),
    &[OBJECT, TOLERANCE],
    |args| args.f64(TOLERANCE.key)
);
location!(
    MASS,
    "mass-accuracy",
    "share of the positive relevance that is on the target's object",
    "arras2022clevr",
    Higher,
    UNIT,
    |heat, inside, _| mass(heat, inside)
);
location!(
    RANK,
    "rank-accuracy",
    "share of the K most relevant pixels that are on the target's object of K pixels",
    "arras2022clevr",
    Higher,
    UNIT,
    |heat, inside, _| Ok(rank(heat, inside))
);
location!(
    IOU,
    "iou",
    "intersection over union of the target's object and as many of the most relevant pixels",
    "selvaraju2017gradcam",
    Higher,
    UNIT,
    |heat, inside, _| Ok(iou(heat, inside))
);
location!(
    CONTEXT,
    "context-ratio",
    "mean positive relevance outside the target's object over that inside",
    "lapuschkin2016analyzing",
    Lower,
    NON_NEGATIVE,
    |heat, inside, _| context(heat, inside)
);

/// Pixels of the object.
fn count(inside: &[bool]) -> usize {
    inside.iter().filter(|inside| **inside).count()
}

fn pointing(heat: &HeatMap, inside: &[bool], tolerance: f64) -> f64 {
    let width = heat.dim().1;
    let largest = heat.iter().copied().reduce(|a, b| if b > a { b } else { a });
    let top = heat.iter().enumerate().filter(|(_, v)| Some(**v) == largest);
    let (hits, all) = top.fold((0.0, 0.0), |(hits, all), (at, _)| {
        (hits + f64::from(u8::from(near(inside, width, at, tolerance))), all + 1.0)
    });
    hits / all
}

/// Whether a pixel of the object is within `tolerance` pixels of pixel `at`.
fn near(inside: &[bool], width: usize, at: usize, tolerance: f64) -> bool {
    if inside[at] || tolerance < 1.0 {
        return inside[at];
    }
    let (y, x, reach) = (at / width, at % width, tolerance as usize);
    let span = |k: usize, n: usize| k.saturating_sub(reach)..(k + reach + 1).min(n);
    span(y, inside.len() / width).any(|row| {
        let found = |column: usize| {
            let (dy, dx) = (row.abs_diff(y) as f64, column.abs_diff(x) as f64);
            inside[row * width + column] && dy.hypot(dx) <= tolerance
        };
        span(x, width).any(found)
    })
}

/// Expected number of object pixels among the `k` most relevant ones, where pixels that tie at the
/// cut have equal chances.
fn hits(heat: &HeatMap, inside: &[bool], k: usize) -> f64 {
    let mut pixels: Vec<(f64, bool)> =
        heat.iter().map(|v| v + 0.0).zip(inside.iter().copied()).collect();
    pixels.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let cut = pixels[k - 1].0.to_bits();
    let inside = |run: &[(f64, bool)]| run.iter().filter(|p| p.1).count() as f64;
    let above = pixels.iter().take_while(|p| p.0.to_bits() != cut).count();
    let tied: Vec<(f64, bool)> =
        pixels[above..].iter().take_while(|p| p.0.to_bits() == cut).copied().collect();
    inside(&pixels[..above]) + (k - above) as f64 * inside(&tied) / tied.len() as f64
}

/// Sums of positive relevance on the object and elsewhere.
fn sums(heat: &HeatMap, inside: &[bool]) -> (f64, f64) {
    let add = |(on, off): (f64, f64), (v, inside): (&f64, &bool)| {
        let v = v.max(0.0);
        if *inside { (on + v, off) } else { (on, off + v) }
    };
    heat.iter().zip(inside).fold((0.0, 0.0), add)
}

fn mass(heat: &HeatMap, inside: &[bool]) -> Result<f64, Undefined> {
    let (on, off) = sums(heat, inside);
    if on + off > 0.0 { Ok(on / (on + off)) } else { Err(Undefined::NotPositive) }
}

fn rank(heat: &HeatMap, inside: &[bool]) -> f64 {
    let k = count(inside);
    hits(heat, inside, k) / k as f64
}

/// With as many pixels on both sides, `I / (2 K - I)`; ties count by the pixels they have inside, so
/// an even map scores as the share of the object. (Selvaraju et al. 2017 draw a box round what has more
/// than 15 % of the largest relevance; as many pixels as the object has need no such share.)
fn iou(heat: &HeatMap, inside: &[bool]) -> f64 {
    let mut sorted: Vec<f64> = heat.iter().map(|v| v + 0.0).collect();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let cut = sorted[count(inside) - 1];
    let (mut both, mut either) = (0.0, 0.0);
    for (v, inside) in heat.iter().zip(inside) {
        let chosen = v + 0.0 >= cut;
        both += f64::from(u8::from(chosen && *inside));
        either += f64::from(u8::from(chosen || *inside));
    }
    both / either
}

fn context(heat: &HeatMap, inside: &[bool]) -> Result<f64, Undefined> {
    let (on, off) = sums(heat, inside);
    let size = count(inside) as f64;
    let outside = inside.len() as f64 - size;
    if outside == 0.0 {
        return Err(Undefined::Everywhere);
    }
    if on + off == 0.0 {
        return Err(Undefined::NotPositive);
    }
    if on > 0.0 { Ok((off / outside) / (on / size)) } else { Err(Undefined::NotOnObject) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{geom::Shape, registry::build, rng::Seed},
        curve::ScoreKind,
        explain::{Case, random::Random},
        metric::map::{Asked, MAP_METRICS, Marks},
        nn::{graph::Graph, op::Dense, tensor::Tensor},
    };
    use ndarray::array;

    const ALL: [&str; 5] =
        ["pointing-game", "mass-accuracy", "rank-accuracy", "iou", "context-ratio"];

    fn metric(spec: &str) -> Box<dyn MapMetric> {
        build("metric", MAP_METRICS, &spec.parse().unwrap()).unwrap().value
    }

    fn value_of(spec: &str, heat: &HeatMap, object: &ObjectPixels) -> Result<f64, Undefined> {
        metric(spec).value(&Look { heat, object: Some(object), asked: None })
    }

    fn masked(mask: Vec<bool>) -> ObjectPixels {
        ObjectPixels { mask: Some(mask), ..ObjectPixels::default() }
    }

    #[test]
    fn four_pixels_by_hand() {
        let heat = array![[5.0, 3.0], [2.0, -9.0]];
        let object = masked(vec![false, true, true, false]);
        let at = |id: &str| value_of(id, &heat, &object).unwrap();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-15;
        assert!(close(at("pointing-game"), 0.0));
        assert!(close(at("mass-accuracy"), 0.5));
        // the two best are 5 and 3, one of them inside
        assert!(close(at("rank-accuracy"), 0.5));
        assert!(close(at("iou"), 1.0 / 3.0));
        // mean 2.5 outside and inside
        assert!(close(at("context-ratio"), 1.0));
    }

    #[test]
    fn what_is_undefined_says_why() {
        let heat = array![[1.0, 2.0]];
        for id in ALL {
            assert_eq!(
                value_of(id, &heat, &masked(vec![false; 2])),
                Err(Undefined::Cropped),
                "{id}"
            );
            let unknown = Undefined::NoObject { kind: "mask or box" };
            assert_eq!(value_of(id, &heat, &ObjectPixels::default()), Err(unknown), "{id}");
        }
        let of = |heat, mask| value_of("context-ratio", &heat, &masked(mask));
        assert_eq!(of(array![[1.0, 0.0]], vec![false, true]), Err(Undefined::NotOnObject));
        assert_eq!(of(array![[-1.0, 0.0]], vec![false, true]), Err(Undefined::NotPositive));
        assert_eq!(of(array![[1.0, 0.0]], vec![true, true]), Err(Undefined::Everywhere));
    }

    #[test]
    fn the_object_of_another_class_is_not_what_the_map_should_show() {
        let shape = Shape::new(1, 1, 2);
        let mut graph = Graph::new(shape);
        let dense = Dense::new(vec![1.0; 4], 2, shape, vec![]).unwrap();
        graph.push("dense", Box::new(dense), &[graph.input()]).unwrap();
        let acts = graph.forward(&Tensor::new(shape, vec![1.0, 2.0]));
        let (low, high, seed) = ([0.0], [1.0], Seed(0));
        let (graph, acts, image) = (&graph, &acts, "a");
        let case = Case { graph, acts, target: 1, low: &low, high: &high, seed, image };
        let asked = Some(Asked { case: &case, explainer: &Random });
        let heat = array![[1.0, 2.0]];
        let of = |id: &str, class| {
            let object = ObjectPixels { class, ..masked(vec![true, false]) };
            metric(id).value(&Look { heat: &heat, object: Some(&object), asked })
        };
        for id in ALL {
            assert_eq!(of(id, Some(0)), Err(Undefined::OtherClass), "{id}");
            assert!(of(id, Some(1)).is_ok() && of(id, None).is_ok(), "{id}");
        }
    }

    #[test]
    fn masks_and_boxes_are_measured_apart() {
        let graph = Graph::new(Shape::new(1, 4, 4));
        let kinds = |masks, only_boxes| {
            let marks = Marks { masks, only_boxes };
            let on = Ground { graph: &graph, score: ScoreKind::Logit, marks };
            let found = metric("iou").stands_for(&on).unwrap();
            assert_eq!(metric("iou:object=box").stands_for(&on), Ok(vec![]));
            found.into_iter().map(|settings| settings[0].1.clone()).collect::<Vec<_>>()
        };
        assert_eq!(kinds(true, true), ["mask", "box"]);
        assert_eq!(kinds(true, false), ["mask"]);
        assert_eq!(kinds(false, true), ["box"]);
        assert!(kinds(false, false).is_empty());
        let heat = array![[2.0, 1.0]];
        let boxes = Some(vec![true, true]);
        let both = ObjectPixels { boxes, ..masked(vec![false, true]) };
        assert_eq!(value_of("pointing-game:object=mask", &heat, &both), Ok(0.0));
        assert_eq!(value_of("pointing-game:object=box", &heat, &both), Ok(1.0));
        let mask = ObjectPixels { boxes: None, ..both };
        let missing = Err(Undefined::NoObject { kind: "box" });
        assert_eq!(value_of("pointing-game:object=box", &heat, &mask), missing);
    }

    #[test]
    fn the_object_may_be_missed_by_the_tolerance() {
        // the largest at (0, 0), the object at (3, 4): 5 pixels away
        let mut heat = HeatMap::zeros((6, 7));
        heat[(0, 0)] = 1.0;
        let object = masked((0..42).map(|at| at == 3 * 7 + 4).collect());
        let at = |tolerance: &str| {
            value_of(&format!("pointing-game:tolerance={tolerance}"), &heat, &object)
        };
        for (tolerance, hit) in [("0", 0.0), ("4.99", 0.0), ("5", 1.0), ("15", 1.0)] {
            assert_eq!(at(tolerance), Ok(hit), "{tolerance}");
        }
        // of two largest ones one is near
        heat[(5, 6)] = 1.0;
        assert_eq!(value_of("pointing-game:tolerance=3", &heat, &object), Ok(0.5));
    }
}
