//! Does a heat map depend on what the network has learned?

use super::class::spearman;
use crate::{
    base::registry::{Entry, Kind, Param},
    eval::metric::{
        Direction,
        map::{Asked, Look, MapMetric},
    },
    explain::{Case, HeatMap},
    nn::{
        graph::NodeId,
        randomise::{layers, randomise},
    },
};

/// Likeness of the heat map to that of the same network with weights in random order (Adebayo et al.
/// 2018): the mean over layers, or one layer. Cascading puts all layers from the output down to the
/// layer out of order, independent only the layer itself. Spearman's correlation is in [-1, 1], SSIM
/// (of maps divided by their largest magnitude, windows of 7x7 pixels) too; lower is better: a map
/// that stays the same does not show what was learned. Undefined for maps from files and constant
/// maps.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `mode` | cascading | `cascading` or `independent` |
/// | `likeness` | spearman | `spearman` or `ssim` |
/// | `layer` | all | name of a layer as `pixelflip model` shows it; `all` for the mean |
struct Randomisation {
    cascading: bool,
    ssim: bool,
    layer: Option<String>,
}

pub(in crate::eval::metric) const ENTRY: Entry<dyn MapMetric> = Entry {
    id: "parameter-randomisation",
    summary: "likeness to the heat map of a network with weights in random order, -1 to 1",
    cite: "adebayo2018sanity",
    params: &[
        Param {
            key: "mode",
            default: "cascading",
            kind: Kind::Word(&["cascading", "independent"]),
            help: "all layers from the output down, or one at a time",
        },
        Param {
            key: "likeness",
            default: "spearman",
            kind: Kind::Word(&["spearman", "ssim"]),
            help: "rank correlation, or structural similarity",
        },
        Param { key: "layer", default: "all", kind: Kind::Text, help: "name of a layer, or all" },
    ],
    build: |args| {
        Ok(Box::new(Randomisation {
            cascading: args.text("mode") == "cascading",
            ssim: args.text("likeness") == "ssim",
            layer: Some(args.text("layer").to_owned()).filter(|name| name != "all"),
        }))
    },
};

impl MapMetric for Randomisation {
    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn value(&self, look: &Look<'_>) -> Option<f64> {
        let asked = look.asked.filter(|a| !a.explainer.is_imported())?;
        let graph = asked.case.graph;
        let learned = layers(graph);
        let wanted = |i: &usize| {
            let name = &graph.node(learned[*i]).name;
            self.layer.as_ref().is_none_or(|layer| layer == name)
        };
        let one = |i: usize| {
            let chosen = if self.cascading { &learned[i..] } else { &learned[i..=i] };
            let other = again(&asked, chosen)?;
            if self.ssim { ssim(look.heat, &other) } else { spearman(look.heat, &other) }
        };
        let found = (0..learned.len()).filter(wanted).map(one).collect::<Option<Vec<f64>>>()?;
        (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
    }
}

/// The heat map of the randomised network, for the same class.
fn again(asked: &Asked<'_>, chosen: &[NodeId]) -> Option<HeatMap> {
    let graph = randomise(asked.case.graph, chosen, asked.case.seed);
    let acts = graph.forward(asked.case.input());
    let case = Case { graph: &graph, acts: &acts, ..*asked.case };
    asked.explainer.heat_map(&case).ok()
}

/// Side of the windows.
const WINDOW: usize = 7;

/// Mean structural similarity (Wang et al. 2004) over all windows, of maps in [-1, 1]. `None` when a
/// map is all zero or smaller than a window.
fn ssim(a: &HeatMap, b: &HeatMap) -> Option<f64> {
    let (x, y) = (scaled(a)?, scaled(b)?);
    if a.dim().0 < WINDOW || a.dim().1 < WINDOW || a.dim() != b.dim() {
        return None;
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
    Some(sum / count)
}

/// Divided by its largest magnitude.
fn scaled(map: &HeatMap) -> Option<ndarray::Array2<f64>> {
    let largest = map.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    (largest > 0.0).then(|| map.mapv(|v| f64::from(v) / f64::from(largest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_like_itself_and_unlike_another() {
        let map = HeatMap::from_shape_fn((12, 10), |(y, x)| ((y * 5 + x * 3) % 11) as f32 - 5.0);
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
        assert_eq!(ssim(&map, &HeatMap::zeros((12, 10))), None);
        assert_eq!(ssim(&HeatMap::ones((3, 3)), &HeatMap::ones((3, 3))), None);
    }
}
