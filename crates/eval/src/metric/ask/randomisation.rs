//! Does a heat map depend on what the network has learned?

use super::{RELEVANCE, as_compared, class::spearman, is_absolute};
use crate::{
    base::{
        registry::{Entry, Kind, Param, near},
        word_enum,
    },
    explain::{Case, ExplainError, HeatMap},
    metric::{
        Direction, Range,
        map::{Asked, Ground, Look, MapMetric, MetricError, Settings, Undefined},
    },
    nn::{
        graph::{Graph, NodeId},
        randomise::{layers, randomise},
    },
};

/// Likeness of the heat map to that of the same network with weights in random order (Adebayo et al.
/// 2018): the mean over layers, or one layer. Cascading puts all layers from the output down to the
/// layer out of order, independent only the layer itself. Spearman's correlation is in [-1, 1], SSIM
/// (of maps divided by their largest magnitude, windows of 7x7 pixels) too; lower is better: a map
/// that stays the same does not show what was learned. Undefined for maps from files and constant maps.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `mode` | cascading | `cascading` or `independent` |
/// | `likeness` | spearman | `spearman` or `ssim` |
/// | `relevance` | signed | `signed`: maps as they are; `absolute`: their magnitudes |
/// | `layer` | all | name of a layer with weights as `pixelflip model` shows it, or its number from the input, from 0; `all` for the mean over layers, `each` for one metric per layer |
struct Randomisation {
    cascading: bool,
    ssim: bool,
    absolute: bool,
    layer: Which,
}

/// The layers that a metric looks at.
enum Which {
    /// The mean over all.
    All,
    /// A metric of its own for every one.
    Each,
    /// The one with this name or number.
    One(String),
}

word_enum! {
    enum Mode {
        Cascading = "cascading",
        Independent = "independent",
    }
}

word_enum! {
    enum Likeness {
        Spearman = "spearman",
        Ssim = "ssim",
    }
}

pub(in crate::metric) const ENTRY: Entry<dyn MapMetric> = Entry {
    id: "parameter-randomisation",
    summary: "likeness to the heat map of a network with weights in random order",
    cite: "adebayo2018sanity",
    params: &[
        Param {
            key: "mode",
            default: "cascading",
            kind: Kind::Word(Mode::WORDS),
            help: "all layers from the output down, or one at a time",
        },
        Param {
            key: "likeness",
            default: "spearman",
            kind: Kind::Word(Likeness::WORDS),
            help: "rank correlation, or structural similarity",
        },
        RELEVANCE,
        Param {
            key: "layer",
            default: "all",
            kind: Kind::Text,
            help: "name or number of a layer, all for the mean, each for one metric per layer",
        },
    ],
    build: |args| {
        Ok(Box::new(Randomisation {
            cascading: args.word::<Mode>("mode") == Mode::Cascading,
            ssim: args.word::<Likeness>("likeness") == Likeness::Ssim,
            absolute: is_absolute(args),
            layer: match args.text("layer") {
                "all" => Which::All,
                "each" => Which::Each,
                one => Which::One(one.to_owned()),
            },
        }))
    },
};

impl MapMetric for Randomisation {
    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn range(&self) -> Range {
        Range::SIGNED
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        let asked = look.again()?;
        let graph = asked.case.graph;
        let learned = layers(graph);
        let chosen: Vec<usize> = match &self.layer {
            Which::All | Which::Each => (0..learned.len()).collect(),
            Which::One(layer) => position(graph, &learned, layer).into_iter().collect(),
        };
        if chosen.is_empty() {
            return Err(Undefined::NoLayer);
        }
        let own = as_compared(look.heat, self.absolute);
        let one = |i: &usize| {
            let chosen = if self.cascading { &learned[*i..] } else { &learned[*i..=*i] };
            let other = as_compared(&again(&asked, chosen)?, self.absolute);
            if self.ssim { ssim(&own, &other) } else { spearman(&own, &other) }
        };
        let found = chosen.iter().map(one).collect::<Result<Vec<f64>, _>>()?;
        Ok(found.iter().sum::<f64>() / found.len() as f64)
    }

    fn stands_for(&self, on: &Ground<'_>) -> Result<Vec<Settings>, MetricError> {
        let (graph, learned) = (on.graph, layers(on.graph));
        let of = |i| vec![("layer", name_of(graph, &learned, i))];
        match &self.layer {
            Which::All => Ok(Vec::new()),
            Which::Each => Ok((0..learned.len()).map(of).collect()),
            Which::One(layer) if position(graph, &learned, layer).is_some() => Ok(Vec::new()),
            Which::One(layer) => {
                let names = learned.iter().map(|id| graph.node(*id).name.as_str());
                let (layer, near) = (layer.clone(), near(layer, names));
                Err(MetricError::Layer { metric: ENTRY.id, layer, near })
            }
        }
    }
}

/// What names the layer at a position: its name where the grammar of names has room for it, else the
/// position.
fn name_of(graph: &Graph, learned: &[NodeId], i: usize) -> String {
    let name = &graph.node(learned[i]).name;
    let plain = !name.is_empty() && !name.contains([':', ',', '=', ' ']);
    let first = position(graph, learned, name) == Some(i);
    if plain && first { name.clone() } else { i.to_string() }
}

/// Where a layer stands among those with weights, by name or else by number.
fn position(graph: &Graph, learned: &[NodeId], layer: &str) -> Option<usize> {
    let by_name = learned.iter().position(|id| graph.node(*id).name == layer);
    by_name.or_else(|| layer.parse().ok().filter(|i| *i < learned.len()))
}

/// The heat map of the randomised network, for the same class.
fn again(asked: &Asked<'_>, chosen: &[NodeId]) -> Result<HeatMap, ExplainError> {
    let graph = randomise(asked.case.graph, chosen, asked.case.seed);
    let acts = graph.pass(asked.case.input())?;
    let case = Case { graph: &graph, acts: &acts, ..*asked.case };
    asked.explainer.heat_map(&case)
}

/// Side of the windows.
const WINDOW: usize = 7;

/// Mean structural similarity (Wang et al. 2004) over all windows, of maps in [-1, 1]. Undefined for
/// constant maps, as a correlation is, and for maps smaller than a window.
fn ssim(a: &HeatMap, b: &HeatMap) -> Result<f64, Undefined> {
    let (x, y) = (scaled(a)?, scaled(b)?);
    if a.dim().0 < WINDOW || a.dim().1 < WINDOW || a.dim() != b.dim() {
        return Err(Undefined::TooSmall);
    }
    let windows = x.windows((WINDOW, WINDOW)).into_iter().zip(y.windows((WINDOW, WINDOW)));
    let (mut sum, mut count) = (0.0, 0.0);
    for (x, y) in windows {
        let n = (WINDOW * WINDOW) as f64;
        let (mx, my) = (x.sum() / n, y.sum() / n);
        let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
        for (a, b) in x.iter().zip(y) {
            xx += (a - mx) * (a - mx) / n;
            yy += (b - my) * (b - my) / n;
            xy += (a - mx) * (b - my) / n;
        }
        // 1 % and 3 % of the range of 2, squared
        let (c1, c2) = (0.0004, 0.0036);
        sum += (2.0 * mx * my + c1) * (2.0 * xy + c2) / ((mx * mx + my * my + c1) * (xx + yy + c2));
        count += 1.0;
    }
    Ok(sum / count)
}

/// Divided by its largest magnitude.
fn scaled(map: &HeatMap) -> Result<ndarray::Array2<f64>, Undefined> {
    let low = map.iter().copied().fold(f64::INFINITY, f64::min);
    let high = map.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let largest = high.max(-low);
    if low < high { Ok(map.mapv(|v| v / largest)) } else { Err(Undefined::Constant) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_like_itself_and_unlike_another() {
        let map = HeatMap::from_shape_fn((12, 10), |(y, x)| ((y * 5 + x * 3) % 11) as f64 - 5.0);
        assert!((ssim(&map, &map).unwrap() - 1.0).abs() < 1e-12);
        assert!((ssim(&map, &map.mapv(|v| 3.0 * v)).unwrap() - 1.0).abs() < 1e-12);
        // stripes across stripes: their covariance is 0 in every window
        let stripes = |by_row: bool| {
            HeatMap::from_shape_fn((12, 12), |(y, x)| {
                let even = if by_row { y % 2 == 0 } else { x % 2 == 0 };
                if even { 1.0 } else { -1.0 }
            })
        };
        assert!(ssim(&stripes(true), &stripes(false)).unwrap().abs() < 0.01);
        for even in [HeatMap::zeros((12, 10)), HeatMap::ones((12, 10))] {
            assert_eq!(ssim(&map, &even), Err(Undefined::Constant));
        }
        let small = map.slice(ndarray::s![..3, ..3]).to_owned();
        assert_eq!(ssim(&small, &small), Err(Undefined::TooSmall));
    }
}
