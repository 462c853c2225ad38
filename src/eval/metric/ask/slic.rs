//! Superpixels: simple linear iterative clustering (Achanta et al. 2012).

use crate::nn::tensor::Tensor;

/// Rounds of the clustering.
const ROUNDS: usize = 10;

/// Weight of a distance of one grid spacing against a colour distance of 1 (black to white).
const COMPACTNESS: f64 = 0.1;

/// A cluster: mean colour, mean position.
#[derive(Clone, Debug)]
struct Centre {
    colour: Vec<f64>,
    y: f64,
    x: f64,
}

/// The number of the superpixel of each pixel, row by row, for about `count` superpixels of a picture
/// with values in [0, 1]. Distances are those of the colours as they are (the paper takes Lab), and
/// pieces are not joined afterwards. Every number below the largest belongs to some pixel.
pub(super) fn slic(picture: &Tensor, count: usize) -> Vec<usize> {
    let (h, w) = (picture.shape.h, picture.shape.w);
    let spacing = ((h * w) as f64 / count as f64).sqrt().max(1.0);
    let mut centres = grid(picture, spacing);
    let mut owner = vec![0; h * w];
    for _ in 0..ROUNDS {
        owner = assign(picture, &centres, spacing);
        centres = means(picture, &owner, centres);
    }
    dense(&owner)
}

fn grid(picture: &Tensor, spacing: f64) -> Vec<Centre> {
    let (h, w) = (picture.shape.h, picture.shape.w);
    let places = |n: usize| {
        let count = (n as f64 / spacing).round().max(1.0);
        (0..count as usize).map(move |i| (i as f64 + 0.5) * n as f64 / count)
    };
    let centre = |y: f64, x: f64| {
        let pixel = picture.pixel((y as usize).min(h - 1), (x as usize).min(w - 1));
        Centre { colour: pixel.iter().map(|v| f64::from(*v)).collect(), y, x }
    };
    places(h).flat_map(|y| places(w).map(move |x| (y, x))).map(|(y, x)| centre(y, x)).collect()
}

/// The nearest centre of each pixel among those within two spacings.
fn assign(picture: &Tensor, centres: &[Centre], spacing: f64) -> Vec<usize> {
    let (h, w) = (picture.shape.h, picture.shape.w);
    let mut best = vec![(f64::INFINITY, 0); h * w];
    let range = |at: f64, n: usize| {
        let low = (at - 2.0 * spacing).max(0.0) as usize;
        low..((at + 2.0 * spacing).ceil() as usize).min(n)
    };
    for (k, centre) in centres.iter().enumerate() {
        for y in range(centre.y, h) {
            for x in range(centre.x, w) {
                let pixel = picture.pixel(y, x).iter().zip(&centre.colour);
                let colour: f64 = pixel.map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
                let (dy, dx) = (y as f64 + 0.5 - centre.y, x as f64 + 0.5 - centre.x);
                let place = (dy * dy + dx * dx) / (spacing * spacing);
                let distance = colour + COMPACTNESS * COMPACTNESS * place;
                let slot = &mut best[y * w + x];
                if distance < slot.0 {
                    *slot = (distance, k);
                }
            }
        }
    }
    best.into_iter().map(|(_, k)| k).collect()
}

/// Means over the pixels of each centre; one without pixels stays where it was.
fn means(picture: &Tensor, owner: &[usize], old: Vec<Centre>) -> Vec<Centre> {
    let (c, w) = (picture.shape.c, picture.shape.w);
    let mut sums = vec![(vec![0.0; c], 0.0, 0.0, 0usize); old.len()];
    for (i, &k) in owner.iter().enumerate() {
        let sum = &mut sums[k];
        let pixel = picture.pixel(i / w, i % w);
        sum.0.iter_mut().zip(pixel).for_each(|(s, v)| *s += f64::from(*v));
        sum.1 += (i / w) as f64 + 0.5;
        sum.2 += (i % w) as f64 + 0.5;
        sum.3 += 1;
    }
    let mean = |((colour, y, x, n), old): ((Vec<f64>, f64, f64, usize), Centre)| {
        let count = n as f64;
        let colour = colour.iter().map(|s| s / count).collect();
        if n > 0 { Centre { colour, y: y / count, x: x / count } } else { old }
    };
    sums.into_iter().zip(old).map(mean).collect()
}

/// The same numbers without gaps.
fn dense(owner: &[usize]) -> Vec<usize> {
    let mut sorted = owner.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    owner.iter().map(|k| sorted.partition_point(|s| s < k)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::geom::Shape;

    #[test]
    fn superpixels_keep_to_edges_and_cover_the_picture() {
        // a bright disc on black
        let value = |i: usize| {
            let (y, x) = (i / 40, i % 40);
            let inside = (y as f64 - 19.5).powi(2) + (x as f64 - 19.5).powi(2) < 100.0;
            f32::from(u8::from(inside))
        };
        let picture = Tensor::new(Shape::new(1, 40, 40), (0..1600).map(value).collect());
        let owner = slic(&picture, 25);
        let count = owner.iter().max().unwrap() + 1;
        assert!((15..=40).contains(&count), "{count}");
        for k in 0..count {
            let of: Vec<f32> = (0..1600).filter(|i| owner[*i] == k).map(value).collect();
            let bright = of.iter().sum::<f32>() / of.len() as f32;
            assert!(!of.is_empty() && !(0.01..=0.99).contains(&bright), "{k}: {bright}");
        }
    }
}
