//! Points and their nearest neighbours.

use super::eigen::{Eigen, Symmetric, largest};
use crate::base::rng::Seed;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A weighted graph without direction.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Neighbours of each point with their weights, ascending.
    rows: Vec<Vec<(u32, f64)>>,
}

impl Graph {
    /// Each point is joined to its `k` nearest others, ties to the first; an edge has weight 1 where both chose it and
    /// 1/2 where one did.
    pub fn nearest(points: &[Vec<f32>], k: usize) -> Graph {
        let chosen: Vec<Vec<u32>> =
            (0..points.len()).into_par_iter().map(|i| neighbours(points, i, k)).collect();
        let mut rows: Vec<BTreeMap<u32, f64>> = vec![BTreeMap::new(); points.len()];
        for (i, all) in chosen.iter().enumerate() {
            for j in all {
                *rows[i].entry(*j).or_default() += 0.5;
                *rows[*j as usize].entry(i as u32).or_default() += 0.5;
            }
        }
        Graph { rows: rows.into_iter().map(|row| row.into_iter().collect()).collect() }
    }

    /// Sum of each point's weights; above 0.
    pub fn degrees(&self) -> Vec<f64> {
        self.rows.iter().map(|row| row.iter().map(|(_, w)| w).sum()).collect()
    }

    /// The `count` smallest eigenvalues of the symmetric normalised Laplacian, ascending, with their vectors.
    pub(super) fn smallest(&self, count: usize, seed: Seed) -> Eigen {
        let roots: Vec<f64> = self.degrees().iter().map(|d| d.sqrt()).collect();
        let scaled = |(i, row): (usize, &Vec<(u32, f64)>)| {
            row.iter().map(|(j, w)| (*j, w / (roots[i] * roots[*j as usize]))).collect()
        };
        let matrix = Symmetric { rows: self.rows.iter().enumerate().map(scaled).collect() };
        let found = largest(&matrix, count, seed);
        let values = found.values.iter().map(|v| (1.0 - v).clamp(0.0, 2.0)).collect();
        Eigen { values, ..found }
    }
}

fn neighbours(points: &[Vec<f32>], of: usize, k: usize) -> Vec<u32> {
    let distance = |other: &Vec<f32>| -> f64 {
        points[of].iter().zip(other).map(|(a, b)| f64::from(a - b).powi(2)).sum()
    };
    let mut all: Vec<(f64, u32)> =
        (0..points.len()).filter(|j| *j != of).map(|j| (distance(&points[j]), j as u32)).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all.truncate(k);
    all.into_iter().map(|(_, j)| j).collect()
}
