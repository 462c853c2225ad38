//! Weighted means of neighbours, where pixels are gone: a linear system for each hole.

use super::{Mask, Range, colour};
use crate::{base::geom::Rect, nn::tensor::Tensor};

/// A neighbour: row and column offset, and weight.
pub(super) type Neighbour = (isize, isize, f64);

/// Solves `sum_k w_k (v_i - v_k) = 0` for every pixel `i` of the holes that touch `new`, over its
/// neighbours `k` inside the picture: each removed pixel becomes the weighted mean of its neighbours,
/// removed or not. Holes are connected by `neighbours`, which has each offset with its opposite. A
/// hole without any pixel left beside it takes the mean colour of `picture`. `write` is told the
/// place and colour of each pixel of these holes.
pub(super) fn fill_holes(
    picture: &Tensor,
    range: Range,
    gone: &Mask,
    new: Rect,
    neighbours: &[Neighbour],
    mut write: impl FnMut((usize, usize), &[f32]),
) {
    let (_, width) = gone.size();
    let mut index = Index { number: vec![None; picture.shape.h * width], width };
    for seed in (new.y0..new.y1).flat_map(|y| (new.x0..new.x1).map(move |x| (y, x))) {
        if gone.has(seed.0, seed.1) && index.number(seed).is_none() {
            let hole = Hole::around(seed, gone, neighbours, &mut index);
            let colours = hole.colours(picture, range);
            let places = hole.pixels.iter().zip(colours.chunks_exact(picture.shape.c));
            places.for_each(|(place, colour)| write(*place, colour));
        }
    }
}

/// Number of each pixel in its hole, where it has one.
struct Index {
    number: Vec<Option<u32>>,
    width: usize,
}

impl Index {
    fn number(&self, (y, x): (usize, usize)) -> Option<u32> {
        self.number[y * self.width + x]
    }

    fn set(&mut self, (y, x): (usize, usize), number: usize) {
        self.number[y * self.width + x] = Some(number as u32);
    }
}

/// The equations of one hole, in the order of its pixels.
struct Hole {
    /// Row by row, so that the equations do not depend on where the search began.
    pixels: Vec<(usize, usize)>,
    /// Sum of the weights of each pixel's neighbours.
    diagonal: Vec<f64>,
    /// Removed neighbours of each pixel, by number.
    inside: Vec<Vec<(u32, f64)>>,
    /// Neighbours that are left: number of the removed pixel, place, weight.
    outside: Vec<(usize, (usize, usize), f64)>,
}

impl Hole {
    fn around(
        seed: (usize, usize),
        gone: &Mask,
        neighbours: &[Neighbour],
        index: &mut Index,
    ) -> Hole {
        let pixels = connected(seed, gone, neighbours, index);
        pixels.iter().enumerate().for_each(|(i, pixel)| index.set(*pixel, i));
        let mut hole =
            Hole { diagonal: Vec::new(), inside: Vec::new(), outside: Vec::new(), pixels };
        for (i, pixel) in hole.pixels.iter().enumerate() {
            let (mut sum, mut inside) = (0.0, Vec::with_capacity(neighbours.len()));
            for (place, weight) in beside(*pixel, gone.size(), neighbours) {
                sum += weight;
                match index.number(place).filter(|_| gone.has(place.0, place.1)) {
                    Some(number) => inside.push((number, weight)),
                    None => hole.outside.push((i, place, weight)),
                }
            }
            hole.diagonal.push(sum);
            hole.inside.push(inside);
        }
        hole
    }

    /// Solves for all channels; pixel after pixel, channels last.
    fn colours(&self, picture: &Tensor, range: Range) -> Vec<f32> {
        let (low, high) = (f64::from(range.low), f64::from(range.high));
        let channels = picture.shape.c;
        if self.outside.is_empty() {
            return colour(picture).repeat(self.pixels.len());
        }
        let mut values = vec![0.0f32; self.pixels.len() * channels];
        for channel in 0..channels {
            let solution = self.solve(picture, channel);
            for (pixel, v) in values.chunks_exact_mut(channels).zip(solution) {
                // a mean of values in the range, up to rounding
                pixel[channel] = v.clamp(low, high) as f32;
            }
        }
        values
    }

    /// Conjugate gradients (Hestenes and Stiefel 1952) from the mean of the border; the matrix is
    /// symmetric and, with a border, positive definite. Stops when the root mean square of the
    /// residual is 1e-9: even in a hole 100 pixels wide this leaves errors below 1e-5.
    fn solve(&self, picture: &Tensor, channel: usize) -> Vec<f64> {
        const ENOUGH: f64 = 1e-9;
        let count = self.pixels.len();
        let mut right = vec![0.0; count];
        let (mut sum, mut weights) = (0.0, 0.0);
        for (i, (y, x), weight) in &self.outside {
            let term = weight * f64::from(picture.pixel(*y, *x)[channel]);
            right[*i] += term;
            sum += term;
            weights += weight;
        }
        let mut v = vec![sum / weights; count];
        let mut product = vec![0.0; count];
        self.multiply(&v, &mut product);
        let mut residual: Vec<f64> = right.iter().zip(&product).map(|(b, a)| b - a).collect();
        let mut direction = residual.clone();
        let mut size = dot(&residual, &residual);
        // exact arithmetic needs `count` steps
        for _ in 0..4 * count {
            if size <= ENOUGH * ENOUGH * count as f64 {
                break;
            }
            self.multiply(&direction, &mut product);
            let step = size / dot(&direction, &product);
            v.iter_mut().zip(&direction).for_each(|(v, d)| *v += step * d);
            residual.iter_mut().zip(&product).for_each(|(r, p)| *r -= step * p);
            let next = dot(&residual, &residual);
            let share = next / size;
            direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + share * *d);
            size = next;
        }
        v
    }

    fn multiply(&self, v: &[f64], out: &mut [f64]) {
        for (i, out) in out.iter_mut().enumerate() {
            let inside: f64 = self.inside[i].iter().map(|(k, w)| w * v[*k as usize]).sum();
            *out = self.diagonal[i] * v[i] - inside;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The neighbours of a pixel inside the picture.
fn beside(
    (y, x): (usize, usize),
    (height, width): (usize, usize),
    neighbours: &[Neighbour],
) -> impl Iterator<Item = ((usize, usize), f64)> {
    neighbours.iter().filter_map(move |(dy, dx, weight)| {
        let place = (y.checked_add_signed(*dy)?, x.checked_add_signed(*dx)?);
        (place.0 < height && place.1 < width).then_some((place, *weight))
    })
}

/// All removed pixels that `seed` is connected to, row by row.
fn connected(
    seed: (usize, usize),
    gone: &Mask,
    neighbours: &[Neighbour],
    index: &mut Index,
) -> Vec<(usize, usize)> {
    index.set(seed, 0);
    let mut pixels = vec![seed];
    let mut next = 0;
    while next < pixels.len() {
        for (place, _) in beside(pixels[next], gone.size(), neighbours) {
            if gone.has(place.0, place.1) && index.number(place).is_none() {
                index.set(place, 0);
                pixels.push(place);
            }
        }
        next += 1;
    }
    pixels.sort_unstable();
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ramp, random_mask};

    const CROSS: [Neighbour; 4] = [(-1, 0, 1.0), (0, -1, 1.0), (0, 1, 1.0), (1, 0, 1.0)];
    const UNEVEN: [Neighbour; 6] =
        [(-1, 0, 0.5), (1, 0, 0.5), (0, -1, 0.25), (0, 1, 0.25), (-1, -1, 0.1), (1, 1, 0.1)];

    fn whole(gone: &Mask) -> Rect {
        let (height, width) = gone.size();
        Rect { y0: 0, y1: height, x0: 0, x1: width }
    }

    fn filled(picture: &Tensor, gone: &Mask, neighbours: &[Neighbour]) -> Tensor {
        let mut current = picture.clone();
        fill_holes(picture, Range::PICTURE, gone, whole(gone), neighbours, |(y, x), colour| {
            current.write(Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 }, colour);
        });
        current
    }

    #[test]
    fn every_removed_pixel_is_the_mean_of_its_neighbours() {
        let picture = ramp();
        let size = (picture.shape.h, picture.shape.w);
        for (seed, neighbours) in [(0, &CROSS[..]), (1, &UNEVEN[..]), (2, &UNEVEN[..])] {
            let gone = random_mask(size.0, size.1, seed, 0.5);
            let found = filled(&picture, &gone, neighbours);
            for pixel in gone.pixels() {
                for channel in 0..3 {
                    let (mut sum, mut weights) = (0.0, 0.0);
                    for ((y, x), weight) in beside(pixel, size, neighbours) {
                        sum += weight * f64::from(found.pixel(y, x)[channel]);
                        weights += weight;
                    }
                    let own = f64::from(found.pixel(pixel.0, pixel.1)[channel]);
                    // values and their neighbours are rounded to single precision
                    assert!((own - sum / weights).abs() < 3e-7, "{pixel:?}: {own}");
                }
            }
        }
    }

    #[test]
    fn what_is_left_stays_and_far_holes_do_not_matter() {
        let picture = ramp();
        let mut gone = Mask::none(12, 10);
        gone.remove(Rect { y0: 1, y1: 4, x0: 1, x1: 4 });
        let one = filled(&picture, &gone, &CROSS);
        gone.remove(Rect { y0: 8, y1: 10, x0: 6, x1: 9 });
        let two = filled(&picture, &gone, &CROSS);
        for (y, x) in (0..12).flat_map(|y| (0..10).map(move |x| (y, x))) {
            let expected = if y < 8 { &one } else { &two };
            assert_eq!(two.pixel(y, x), expected.pixel(y, x));
            assert!(gone.has(y, x) || two.pixel(y, x) == picture.pixel(y, x));
        }
    }

    #[test]
    fn holes_that_touch_at_a_corner_are_one_hole_only_for_diagonal_neighbours() {
        let mut gone = Mask::none(4, 4);
        gone.remove(Rect { y0: 0, y1: 2, x0: 0, x1: 2 });
        gone.remove(Rect { y0: 2, y1: 4, x0: 2, x1: 4 });
        for (neighbours, expected) in [(&CROSS[..], 4), (&UNEVEN[..], 8)] {
            let picture = Tensor::zeros(crate::base::geom::Shape::new(1, 4, 4));
            let mut written = 0;
            let new = Rect { y0: 0, y1: 2, x0: 0, x1: 2 };
            fill_holes(&picture, Range::PICTURE, &gone, new, neighbours, |_, _| written += 1);
            assert_eq!(written, expected);
        }
    }
}
