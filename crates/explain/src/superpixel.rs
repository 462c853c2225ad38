//! Superpixels: patches of similar colour.

use super::{Case, ExplainError};
use crate::base::geom::Shape;
use std::ops::Range;

/// How much a distance of one grid step in the picture weighs against one of the colour range:
/// the usual 10 of 100 for colours in Lab.
const COMPACTNESS: f64 = 0.1;

/// Rounds of clustering; the centres hardly move after ten (Achanta et al. 2012).
const ROUNDS: usize = 10;

/// For each pixel, row by row, the number of its patch, from 0 without gaps. `wanted` patches are
/// started on a grid and clustered by colour and place (SLIC, Achanta et al. 2012, on the pixel
/// values themselves; patches need not be connected). There may be fewer.
pub fn superpixels(case: &Case<'_>, wanted: usize) -> Result<Vec<usize>, ExplainError> {
    let picture = Pixels::of(case)?;
    let Shape { h, w, .. } = picture.shape;
    let step = ((h * w) as f64 / wanted as f64).sqrt().max(1.0);
    let mut centres = grid(&picture, step);
    let mut labels = vec![0; h * w];
    for _ in 0..ROUNDS {
        assign(&mut labels, &centres, &picture, step);
        centres = means(&labels, &picture, centres);
    }
    Ok(without_gaps(labels))
}

/// The picture with values in [0, 1], pixel after pixel.
struct Pixels {
    shape: Shape,
    values: Vec<f64>,
}

impl Pixels {
    fn of(case: &Case<'_>) -> Result<Pixels, ExplainError> {
        let (low, high) = case.bounds()?;
        let x = case.input();
        let value = |(v, (low, high)): (&f32, (&f32, &f32))| f64::from((v - low) / (high - low));
        let pixel =
            |p: &[f32]| -> Vec<f64> { p.iter().zip(low.iter().zip(high)).map(value).collect() };
        let values = x.data.chunks_exact(x.shape.c).flat_map(pixel).collect();
        Ok(Pixels { shape: x.shape, values })
    }

    fn colour(&self, pixel: usize) -> &[f64] {
        &self.values[pixel * self.shape.c..][..self.shape.c]
    }
}

/// A cluster centre.
#[derive(Clone)]
struct Centre {
    y: f64,
    x: f64,
    colour: Vec<f64>,
}

/// Centres in the middle of square cells.
fn grid(picture: &Pixels, step: f64) -> Vec<Centre> {
    let Shape { h, w, .. } = picture.shape;
    let along = |n: usize| {
        let count = (n as f64 / step).round().max(1.0);
        (0..count as usize).map(move |k| (k as f64 + 0.5) * n as f64 / count)
    };
    let centre = |y: f64, x: f64| {
        let pixel = (y as usize).min(h - 1) * w + (x as usize).min(w - 1);
        Centre { y, x, colour: picture.colour(pixel).to_vec() }
    };
    along(h).flat_map(|y| along(w).map(move |x| (y, x))).map(|(y, x)| centre(y, x)).collect()
}

/// Gives each pixel the nearest centre among those at most two steps away in both directions, the
/// first of equally near ones.
fn assign(labels: &mut [usize], centres: &[Centre], picture: &Pixels, step: f64) {
    let Shape { h, w, .. } = picture.shape;
    let place = (COMPACTNESS / step).powi(2);
    let mut nearest = vec![f64::INFINITY; h * w];
    labels.fill(0);
    for (k, centre) in centres.iter().enumerate() {
        for y in within(centre.y, 2.0 * step, h) {
            for x in within(centre.x, 2.0 * step, w) {
                let (dy, dx) = (centre.y - (y as f64 + 0.5), centre.x - (x as f64 + 0.5));
                let colour = centre.colour.iter().zip(picture.colour(y * w + x));
                let colour: f64 = colour.map(|(a, b)| (a - b).powi(2)).sum();
                let distance = colour + place * (dy * dy + dx * dx);
                if distance < nearest[y * w + x] {
                    (nearest[y * w + x], labels[y * w + x]) = (distance, k);
                }
            }
        }
    }
}

/// The pixels whose middles are at most `reach` from `at`.
fn within(at: f64, reach: f64, n: usize) -> Range<usize> {
    let first = (at - reach - 0.5).ceil().max(0.0) as usize;
    let end = ((at + reach - 0.5).floor() + 1.0).max(0.0) as usize;
    first..end.min(n)
}

/// The middle of each patch; an empty one keeps its centre.
fn means(labels: &[usize], picture: &Pixels, before: Vec<Centre>) -> Vec<Centre> {
    let Shape { c, w, .. } = picture.shape;
    let nothing = Centre { y: 0.0, x: 0.0, colour: vec![0.0; c] };
    let mut sums = vec![(nothing, 0u32); before.len()];
    for (i, label) in labels.iter().enumerate() {
        let (sum, n) = &mut sums[*label];
        sum.y += (i / w) as f64 + 0.5;
        sum.x += (i % w) as f64 + 0.5;
        sum.colour.iter_mut().zip(picture.colour(i)).for_each(|(s, c)| *s += c);
        *n += 1;
    }
    let mean = |((sum, n), before): ((Centre, u32), Centre)| {
        if n == 0 {
            return before;
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

    fn patches(shape: Shape, value: impl Fn(usize) -> f32, wanted: usize) -> Vec<usize> {
        let x = Tensor::new(shape, (0..shape.len()).map(value).collect());
        let graph = Graph::new(shape);
        let acts = graph.forward(&x);
        let (graph, acts, seed) = (&graph, &acts, Seed(0));
        let case = Case { graph, acts, target: 0, low: &[0.0], high: &[1.0], seed, image: "" };
        superpixels(&case, wanted).unwrap()
    }

    #[test]
    fn patches_follow_the_edges_of_the_picture() {
        // left of column 7 dark, right of it bright; a grid would cut at column 6
        let bright = |i: usize| if i % 12 < 7 { 0.1 } else { 0.9 };
        let labels = patches(Shape::new(1, 12, 12), bright, 4);
        assert_eq!(labels.iter().max(), Some(&3));
        let side = |i: usize| i % 12 < 7;
        for patch in 0..4 {
            let members: Vec<usize> = (0..144).filter(|i| labels[*i] == patch).collect();
            assert!(members.iter().all(|i| side(*i) == side(members[0])), "{labels:?}");
        }
    }

    #[test]
    fn patches_keep_to_the_edge_of_a_disc_and_cover_the_picture() {
        // a bright disc on black
        let value = |i: usize| {
            let (y, x) = (i / 40, i % 40);
            let inside = (y as f64 - 19.5).powi(2) + (x as f64 - 19.5).powi(2) < 100.0;
            f32::from(u8::from(inside))
        };
        let labels = patches(Shape::new(1, 40, 40), value, 25);
        let count = labels.iter().max().unwrap() + 1;
        assert!((15..=40).contains(&count), "{count}");
        for k in 0..count {
            let of: Vec<f32> = (0..1600).filter(|i| labels[*i] == k).map(value).collect();
            let bright = of.iter().sum::<f32>() / of.len() as f32;
            assert!(!of.is_empty() && !(0.01..=0.99).contains(&bright), "{k}: {bright}");
        }
    }

    #[test]
    fn a_pixel_may_join_a_centre_up_to_two_steps_away() {
        assert_eq!(within(6.0, 4.0, 40), 2..10);
        assert_eq!(within(6.5, 4.0, 40), 2..11, "the middles of pixels 2 and 10 are 4 away");
        assert_eq!(within(1.0, 4.0, 3), 0..3);
    }
}
