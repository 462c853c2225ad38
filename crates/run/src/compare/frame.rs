//! Heat maps of models that see a picture in different sizes and cuts, brought together over the picture itself.

use crate::{
    base::geom::{Rect, Shape},
    eval::correlation::rank_correlation,
    explain::HeatMap,
    nn::preprocess::{Placement, Preprocess},
};

/// Rows and columns of cells that maps are compared by, at most.
const CELLS: usize = 32;

/// Share of the cells that count as the top regions.
const TOP: f64 = 0.1;

/// Where the pixels of a model's input lie in a picture.
pub(super) fn placement(preprocess: &Preprocess, picture: Shape) -> Result<Placement, String> {
    preprocess.placement(picture).map_err(|e| e.to_string())
}

/// A heat map in the input of another model: each pixel has the mean of the map's pixels that lie under it in the
/// picture, and 0 where the map's model does not see the picture. The same bits where both see it alike.
pub(super) fn moved(heat: &HeatMap, of: &Placement, to: &Placement, input: Shape) -> HeatMap {
    if of == to {
        return heat.clone();
    }
    HeatMap::from_shape_fn((input.h, input.w), |(y, x)| {
        let Some((py, px)) = to.source(y, x) else { return 0.0 };
        let under = of.rect(Rect { y0: py, y1: py + 1, x0: px, x1: px + 1 });
        if under.is_empty() {
            return 0.0;
        }
        let places = (under.y0..under.y1).flat_map(|y| (under.x0..under.x1).map(move |x| (y, x)));
        places.map(|at| heat[at]).sum::<f64>() / under.area() as f64
    })
}

/// The mean of a map's pixels in each cell of the picture; `None` of cells that the model does not see.
fn cells(heat: &HeatMap, of: &Placement, picture: Shape, side: usize) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0u32); side * side];
    for ((y, x), value) in heat.indexed_iter() {
        if let Some((py, px)) = of.source(y, x) {
            let cell = &mut sums[(py * side / picture.h) * side + px * side / picture.w];
            *cell = (cell.0 + value, cell.1 + 1);
        }
    }
    sums.into_iter().map(|(sum, n)| (n > 0).then(|| sum / f64::from(n))).collect()
}

/// How alike two maps of a picture are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Likeness {
    pub(super) correlation: Option<f64>,
    pub(super) overlap: Option<f64>,
    pub(super) cells: usize,
}

/// Compares two maps over the cells of the picture that both models see.
pub(super) fn likeness(
    (one, of_one): (&HeatMap, &Placement),
    (other, of_other): (&HeatMap, &Placement),
    picture: Shape,
) -> Likeness {
    let sides = [one.dim(), other.dim()].map(|(h, w)| h.min(w));
    let side = sides.into_iter().chain([picture.h, picture.w, CELLS]).min().expect("five sides");
    let (a, b) = (cells(one, of_one, picture, side), cells(other, of_other, picture, side));
    let (a, b): (Vec<f64>, Vec<f64>) = a.into_iter().zip(b).filter_map(|(a, b)| a.zip(b)).unzip();
    Likeness { correlation: rank_correlation(&a, &b), overlap: overlap(&a, &b), cells: a.len() }
}

/// Share of the cells with the largest values that is the same; `None` where one map is constant.
fn overlap(a: &[f64], b: &[f64]) -> Option<f64> {
    let constant =
        |values: &[f64]| values.windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq());
    if a.len() < 2 || constant(a) || constant(b) {
        return None;
    }
    let count = (TOP * a.len() as f64).ceil() as usize;
    let top = |values: &[f64]| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|i, j| values[*j].total_cmp(&values[*i]).then(i.cmp(j)));
        order.truncate(count);
        order.sort_unstable();
        order
    };
    let (first, second) = (top(a), top(b));
    let same = first.iter().filter(|cell| second.binary_search(cell).is_ok()).count();
    Some(same as f64 / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preprocess(side: usize, crop: &str) -> Preprocess {
        let text = format!(
            "resize = \"none\"\ncrop = \"{crop}\"\nchannels = \"grey\"\nscale = 1.0\nmean = [0.0]\nstd = [1.0]"
        );
        Preprocess::from_toml(&text, Shape::new(1, side, side)).unwrap()
    }

    fn ramp(side: usize, from: usize) -> HeatMap {
        HeatMap::from_shape_fn((side, side), |(y, x)| (10 * (y + from) + x + from) as f64)
    }

    #[test]
    fn a_map_of_a_cut_lies_where_the_cut_lies() {
        // the small model sees the middle of the picture
        let picture = Shape::new(1, 8, 8);
        let (whole, middle) = (preprocess(8, "none"), preprocess(4, "center"));
        let (of, to) = (placement(&whole, picture).unwrap(), placement(&middle, picture).unwrap());
        let large = ramp(8, 0);
        assert_eq!(moved(&large, &of, &to, Shape::new(1, 4, 4)), ramp(4, 2));
        assert_eq!(moved(&large, &of, &of, picture), large);
        let back = moved(&ramp(4, 2), &to, &of, picture);
        assert_eq!((back[[2, 2]], back[[5, 5]], back[[0, 0]]), (22.0, 55.0, 0.0));
        let found = likeness((&large, &of), (&ramp(4, 2), &to), picture);
        assert!((found.correlation.unwrap() - 1.0).abs() < 1e-12 && found.overlap == Some(1.0));
        assert!(found.cells < 16, "what both see: {}", found.cells);
    }

    #[test]
    fn opposite_maps_have_nothing_in_common_and_constant_ones_no_likeness() {
        let picture = Shape::new(1, 8, 8);
        let of = placement(&preprocess(8, "none"), picture).unwrap();
        let map = ramp(8, 0);
        let found = likeness((&map, &of), (&map.mapv(|v| -v), &of), picture);
        assert!((found.correlation.unwrap() + 1.0).abs() < 1e-12 && found.overlap == Some(0.0));
        let found = likeness((&map, &of), (&HeatMap::zeros((8, 8)), &of), picture);
        assert_eq!((found.correlation, found.overlap, found.cells), (None, None, 64));
    }
}
