//! k-means (Lloyd 1982) from several starts (Arthur and Vassilvitskii 2007).

use crate::base::rng::{KeyedRng, Seed, below, unit_f32};

/// Starts, of which the best counts.
const STARTS: u64 = 20;

/// Steps of one start at most.
const STEPS: usize = 300;

/// The cluster of each point, from 0: large clusters first, those of one size by their first point.
pub fn kmeans(points: &[Vec<f64>], count: usize, seed: Seed) -> Vec<usize> {
    let runs = (0..STARTS).map(|start| {
        let mut rng = seed.rng("k-means", "", &[start, points.len() as u64, count as u64]);
        once(points, count, &mut rng)
    });
    let best = runs.reduce(|best, next| if next.0 < best.0 - 1e-12 { next } else { best });
    sorted(&best.map(|(_, labels)| labels).unwrap_or_default(), count)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// Number and squared distance of the nearest centre, the first of several.
fn nearest(point: &[f64], centres: &[Vec<f64>]) -> (usize, f64) {
    let all = centres.iter().map(|centre| distance(point, centre)).enumerate();
    all.reduce(|best, next| if next.1 < best.1 { next } else { best }).expect("there are centres")
}

fn once(points: &[Vec<f64>], count: usize, rng: &mut KeyedRng) -> (f64, Vec<usize>) {
    let mut centres = start(points, count, rng);
    let mut labels = vec![0; points.len()];
    for _ in 0..STEPS {
        let new: Vec<usize> = points.iter().map(|p| nearest(p, &centres).0).collect();
        let same = new == labels;
        labels = new;
        centres = (0..centres.len()).map(|k| centre(points, &labels, k, &centres)).collect();
        if same {
            break;
        }
    }
    let sum = points.iter().zip(&labels).map(|(p, k)| distance(p, &centres[*k])).sum();
    (sum, labels)
}

/// The mean of a cluster; an empty one goes to the point farthest from its centre.
fn centre(points: &[Vec<f64>], labels: &[usize], k: usize, centres: &[Vec<f64>]) -> Vec<f64> {
    let own: Vec<&Vec<f64>> =
        points.iter().zip(labels).filter(|(_, label)| **label == k).map(|(p, _)| p).collect();
    if own.is_empty() {
        let far = points.iter().zip(labels).map(|(p, label)| (distance(p, &centres[*label]), p));
        let far = far.reduce(|best, next| if next.0 > best.0 { next } else { best });
        return far.expect("there are points").1.clone();
    }
    let mean = |d: usize| own.iter().map(|p| p[d]).sum::<f64>() / own.len() as f64;
    (0..points[0].len()).map(mean).collect()
}

/// The first centre is any point, each further one a point drawn by its squared distance from those before.
fn start(points: &[Vec<f64>], count: usize, rng: &mut KeyedRng) -> Vec<Vec<f64>> {
    let mut centres = vec![points[below(rng, points.len() as u64) as usize].clone()];
    while centres.len() < count {
        let weights: Vec<f64> = points.iter().map(|p| nearest(p, &centres).1).collect();
        let mut left = f64::from(unit_f32(rng)) * weights.iter().sum::<f64>();
        let drawn = weights.iter().position(|w| {
            left -= w;
            left < 0.0
        });
        let drawn = drawn.unwrap_or_else(|| below(rng, points.len() as u64) as usize);
        centres.push(points[drawn].clone());
    }
    centres
}

fn sorted(labels: &[usize], count: usize) -> Vec<usize> {
    let size = |k: usize| labels.iter().filter(|label| **label == k).count();
    let first = |k: usize| labels.iter().position(|label| *label == k).unwrap_or(usize::MAX);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|k| (std::cmp::Reverse(size(*k)), first(*k)));
    let place = |label: &usize| order.iter().position(|k| k == label).expect("all are there");
    labels.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_far_apart_are_found_and_numbered_by_size() {
        let points: Vec<Vec<f64>> = (0..30)
            .map(|i| vec![if i % 3 == 0 { 9.0 } else { 0.0 } + f64::from(i) * 0.01])
            .collect();
        let labels = kmeans(&points, 2, Seed(0));
        let expected: Vec<usize> = (0..30).map(|i| usize::from(i % 3 == 0)).collect();
        assert_eq!(labels, expected);
    }

    #[test]
    fn equal_points_may_leave_clusters_empty() {
        assert_eq!(kmeans(&vec![vec![1.0]; 5], 2, Seed(0)).len(), 5);
    }
}
