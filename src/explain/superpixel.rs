//! Patches of similar colour.

use super::{Case, ExplainError};
use crate::base::geom::Shape;

/// How much a distance of one grid step in the picture weighs against one of the colour range:
/// the usual 10 of 100 for colours in Lab.
const COMPACTNESS: f64 = 0.1;

/// Rounds of clustering; the centres hardly move after ten (Achanta et al. 2012).
const ROUNDS: usize = 10;

/// For each pixel, row by row, the number of its patch, from 0 without gaps. `wanted` patches are
/// started on a grid and clustered by colour and place (SLIC, Achanta et al. 2012, on the pixel
/// values themselves; patches need not be connected). There may be fewer.
pub(super) fn superpixels(case: &Case<'_>, wanted: usize) -> Result<Vec<usize>, ExplainError> {
    let Shape { h, w, .. } = case.graph.input_shape();
    let colours = colours(case)?;
    let step = ((h * w) as f64 / wanted as f64).sqrt().max(1.0);
    let mut centres = grid(h, w, step, &colours);
    let mut labels = vec![0; h * w];
    for _ in 0..ROUNDS {
        assign(&mut labels, &centres, &colours, w, step);
        centres = means(&labels, centres.len(), &colours, w, &centres);
    }
    Ok(without_gaps(labels))
}

/// A cluster centre.
#[derive(Clone)]
struct Centre {
    y: f64,
    x: f64,
    colour: Vec<f64>,
}

/// The picture with values in [0, 1], one vector of channels per pixel.
fn colours(case: &Case<'_>) -> Result<Vec<Vec<f64>>, ExplainError> {
    let (low, high) = case.bounds()?;
    let x = case.input();
    let value = |(v, (low, high)): (&f32, (&f32, &f32))| f64::from((v - low) / (high - low));
    let pixel = |p: &[f32]| p.iter().zip(low.iter().zip(high)).map(value).collect();
    Ok(x.data.chunks_exact(x.shape.c).map(pixel).collect())
}

/// Centres in the middle of square cells.
fn grid(h: usize, w: usize, step: f64, colours: &[Vec<f64>]) -> Vec<Centre> {
    let along = |n: usize| {
        let count = (n as f64 / step).round().max(1.0);
        (0..count as usize).map(move |k| (k as f64 + 0.5) * n as f64 / count)
    };
    let centre = |y: f64, x: f64| {
        let colour = colours[(y as usize).min(h - 1) * w + (x as usize).min(w - 1)].clone();
        Centre { y, x, colour }
    };
    along(h).flat_map(|y| along(w).map(move |x| (y, x))).map(|(y, x)| centre(y, x)).collect()
}

/// Gives each pixel the nearest centre.
fn assign(labels: &mut [usize], centres: &[Centre], colours: &[Vec<f64>], w: usize, step: f64) {
    let place = (COMPACTNESS / step).powi(2);
    for (i, (label, colour)) in labels.iter_mut().zip(colours).enumerate() {
        let (y, x) = ((i / w) as f64 + 0.5, (i % w) as f64 + 0.5);
        let distance = |centre: &Centre| {
            let (dy, dx) = (centre.y - y, centre.x - x);
            // farther than two steps is never tried
            if dy.abs() > 2.0 * step || dx.abs() > 2.0 * step {
                return f64::INFINITY;
            }
            let colour = centre.colour.iter().zip(colour).map(|(a, b)| (a - b).powi(2));
            colour.sum::<f64>() + place * (dy * dy + dx * dx)
        };
        let best = centres.iter().map(distance).enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        *label = best.map_or(0, |(k, _)| k);
    }
}

/// The middle of each patch; an empty one keeps its centre.
fn means(
    labels: &[usize],
    count: usize,
    colours: &[Vec<f64>],
    w: usize,
    before: &[Centre],
) -> Vec<Centre> {
    let nothing = Centre { y: 0.0, x: 0.0, colour: vec![0.0; colours[0].len()] };
    let mut sums = vec![(nothing, 0u32); count];
    for (i, (label, colour)) in labels.iter().zip(colours).enumerate() {
        let (sum, n) = &mut sums[*label];
        sum.y += (i / w) as f64 + 0.5;
        sum.x += (i % w) as f64 + 0.5;
        sum.colour.iter_mut().zip(colour).for_each(|(s, c)| *s += c);
        *n += 1;
    }
    let mean = |((sum, n), before): ((Centre, u32), &Centre)| {
        if n == 0 {
            return before.clone();
        }
        let n = f64::from(n);
        let colour = sum.colour.iter().map(|c| c / n).collect();
        Centre { y: sum.y / n, x: sum.x / n, colour }
    };
    sums.into_iter().zip(before).map(mean).collect()
}

fn without_gaps(labels: Vec<usize>) -> Vec<usize> {
    let mut used = labels.clone();
    used.sort_unstable();
    used.dedup();
    let number = |label| used.binary_search(&label).expect("every label is among those used");
    labels.into_iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::rng::Seed,
        nn::{graph::Graph, tensor::Tensor},
    };

    #[test]
    fn patches_follow_the_edges_of_the_picture() {
        // left of column 7 dark, right of it bright; a grid would cut at column 6
        let shape = Shape::new(1, 12, 12);
        let x = (0..144).map(|i| if i % 12 < 7 { 0.1 } else { 0.9 }).collect();
        let graph = Graph::new(shape);
        let acts = graph.forward(&Tensor::new(shape, x));
        let (graph, acts, seed) = (&graph, &acts, Seed(0));
        let case = Case { graph, acts, target: 0, low: &[0.0], high: &[1.0], seed, image: "" };
        let labels = superpixels(&case, 4).unwrap();
        assert_eq!(labels.iter().max(), Some(&3));
        let side = |i: usize| i % 12 < 7;
        for patch in 0..4 {
            let members: Vec<usize> = (0..144).filter(|i| labels[*i] == patch).collect();
            assert!(members.iter().all(|i| side(*i) == side(members[0])), "{labels:?}");
        }
    }
}
