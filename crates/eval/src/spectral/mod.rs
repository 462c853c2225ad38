//! Spectral clustering of points, as SpRAy does it with heat maps (Lapuschkin et al. 2019; von Luxburg 2007).
//!
//! Euclidean distances; a graph in which each point is joined to its `k` nearest neighbours, made symmetric by the mean
//! of both directions; the symmetric normalised Laplacian `L = I - D^(-1/2) A D^(-1/2)`; its smallest eigenvalues, whose
//! largest gap says how many clusters there are; k-means on the first eigenvectors, each point's row scaled to length 1
//! (Ng, Jordan and Weiss 2001).
//!
//! The eigenvectors are our own ([`eigen`]): of a thousand eigenvalues thirty are needed, which a filter finds in a
//! fraction of a second, while the dense solver of a crate takes many seconds, and others bring a crate tree.

pub mod eigen;
mod graph;
pub mod kmeans;

pub use graph::Graph;

use crate::base::rng::Seed;
use eigen::Eigen;

/// Eigenvalues that are looked at.
pub const EIGENVALUES: usize = 32;

/// More clusters than this are not looked for among the gaps.
pub const MOST: usize = 10;

/// How many clusters there are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// As many as the largest gap of the first eigenvalues says.
    Gap,
    /// So many.
    Count(usize),
}

/// Points in clusters.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// Smallest eigenvalues, ascending, in [0, 2].
    pub eigenvalues: Vec<f64>,
    /// Number of clusters.
    pub count: usize,
    /// The gap behind as many eigenvalues as there are clusters; `None` where there is no further one.
    pub gap: Option<f64>,
    /// The cluster of each point, from 0; large ones first.
    pub labels: Vec<usize>,
    /// Two coordinates for each point: its rows in the second and third eigenvector, scaled by the root of its degree
    /// (Laplacian eigenmaps).
    pub embedding: Vec<[f64; 2]>,
}

/// Why points are not clustered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// Fewer points than neighbours.
    #[error("{points} maps are too few for {neighbours} neighbours of each")]
    TooFew {
        /// Points there are.
        points: usize,
        /// Neighbours asked for.
        neighbours: usize,
    },
    /// More clusters than points.
    #[error("{points} maps are too few for {clusters} clusters")]
    TooMany {
        /// Points there are.
        points: usize,
        /// Clusters asked for.
        clusters: usize,
    },
    /// All points are the same.
    #[error("all maps are the same")]
    Same,
}

/// Clusters points of the same length.
pub fn cluster(
    points: &[Vec<f32>],
    neighbours: usize,
    wanted: Wanted,
    seed: Seed,
) -> Result<Clusters, ClusterError> {
    let n = points.len();
    if n <= neighbours || n < 3 {
        return Err(ClusterError::TooFew { points: n, neighbours });
    }
    match wanted {
        Wanted::Count(clusters) if clusters > n => {
            return Err(ClusterError::TooMany { points: n, clusters });
        }
        _ => (),
    }
    if points.iter().all(|point| *point == points[0]) {
        return Err(ClusterError::Same);
    }
    let graph = Graph::nearest(points, neighbours);
    let Eigen { values, vectors } = graph.smallest(EIGENVALUES.min(n), seed);
    let (count, gap) = match wanted {
        Wanted::Gap => largest_gap(&values),
        Wanted::Count(count) => (count, values.get(count).map(|next| next - values[count - 1])),
    };
    let rows: Vec<Vec<f64>> = (0..n).map(|i| unit(&vectors, i, count)).collect();
    let labels = kmeans::kmeans(&rows, count, seed);
    let degrees = graph.degrees();
    let place = |i: usize, k: usize| vectors.get(k).map_or(0.0, |v| v[i] / degrees[i].sqrt());
    let embedding = (0..n).map(|i| [place(i, 1), place(i, 2)]).collect();
    Ok(Clusters { eigenvalues: values, count, gap, labels, embedding })
}

/// The number of clusters, and the gap behind as many eigenvalues. Behind the first the gap says that there is one
/// cluster; a later one counts only where the eigenvalues before it are at most half as large as the gap itself, since
/// those of clusters apart are near 0 and gaps of any size occur among larger ones.
fn largest_gap(values: &[f64]) -> (usize, Option<f64>) {
    let gaps = values.windows(2).take(MOST).enumerate();
    let gaps = gaps.map(|(at, pair)| (at + 1, pair[0], pair[1] - pair[0]));
    let counts = gaps.filter(|(count, before, gap)| *count == 1 || 2.0 * before <= *gap);
    let largest = counts.reduce(|best, next| if next.2 > best.2 { next } else { best });
    largest.map_or((1, None), |(count, _, gap)| (count, Some(gap)))
}

/// The first `count` entries of a point, scaled to length 1.
fn unit(vectors: &[Vec<f64>], point: usize, count: usize) -> Vec<f64> {
    let row: Vec<f64> = vectors.iter().take(count).map(|v| v[point]).collect();
    let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
    if length > 0.0 { row.iter().map(|v| v / length).collect() } else { row }
}

/// The adjusted Rand index of two clusterings of the same points: 1 for the same up to names, about 0 for chance
/// (Hubert and Arabie 1985); `None` where both put all points into one cluster, or each into its own.
pub fn adjusted_rand(a: &[usize], b: &[usize]) -> Option<f64> {
    let pairs = |counts: &[usize]| -> f64 {
        counts.iter().map(|n| (*n as f64) * (*n as f64 - 1.0) / 2.0).sum()
    };
    let size = |labels: &[usize]| labels.iter().max().map_or(0, |most| most + 1);
    let (rows, columns) = (size(a), size(b));
    let (mut joint, mut first, mut second) =
        (vec![0; rows * columns], vec![0; rows], vec![0; columns]);
    for (x, y) in a.iter().zip(b) {
        joint[x * columns + y] += 1;
        first[*x] += 1;
        second[*y] += 1;
    }
    let all = pairs(&[a.len()]);
    let expected = pairs(&first) * pairs(&second) / all;
    let most = f64::midpoint(pairs(&first), pairs(&second));
    (most - expected != 0.0 && all > 0.0).then(|| (pairs(&joint) - expected) / (most - expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::rng::unit_f32,
        stats::testing::{numbers, study_cases},
    };

    #[test]
    fn clusters_are_those_of_scikit_learn_up_to_their_names() {
        for case in study_cases("spectral") {
            let points: Vec<Vec<f32>> = case["points"]
                .as_array()
                .unwrap()
                .iter()
                .map(|point| numbers(point).iter().map(|v| *v as f32).collect())
                .collect();
            let labels: Vec<usize> =
                numbers(&case["labels"]).iter().map(|label| *label as usize).collect();
            let number = |key: &str| case[key].as_u64().unwrap() as usize;
            let wanted = Wanted::Count(number("clusters"));
            let found = cluster(&points, number("neighbours"), wanted, Seed(0)).unwrap();
            let index = adjusted_rand(&found.labels, &labels).unwrap();
            assert!((index - 1.0).abs() < 1e-12, "{}: {index}", case["name"]);
        }
    }

    fn noise(count: usize, shift: impl Fn(usize) -> f32) -> Vec<Vec<f32>> {
        let mut rng = Seed(4).rng("test points", "", &[]);
        (0..count).map(|i| (0..12).map(|_| unit_f32(&mut rng) + shift(i)).collect()).collect()
    }

    #[test]
    fn the_gap_says_how_many_clusters_there_are() {
        let one = cluster(&noise(120, |_| 0.0), 10, Wanted::Gap, Seed(0)).unwrap();
        assert_eq!((one.count, one.labels), (1, vec![0; 120]), "{:?}", one.eigenvalues);
        let three = noise(120, |i| 2.0 * (i % 3) as f32);
        let three = cluster(&three, 10, Wanted::Gap, Seed(0)).unwrap();
        assert_eq!(three.count, 3);
        let expected: Vec<usize> = (0..120).map(|i| i % 3).collect();
        assert_eq!(adjusted_rand(&three.labels, &expected), Some(1.0));
        // the graph falls into three pieces
        assert!(three.eigenvalues[2] < 1e-8 && three.eigenvalues[3] > 0.05);
    }

    #[test]
    fn a_gap_among_large_eigenvalues_is_no_sign_of_clusters() {
        assert_eq!(largest_gap(&[0.0, 0.04, 0.28, 0.3]).0, 2);
        let (count, gap) = largest_gap(&[0.0, 0.12, 0.28, 0.35]);
        assert!(count == 1 && (gap.unwrap() - 0.12).abs() < 1e-12);
        assert_eq!(largest_gap(&[0.0]), (1, None));
    }

    #[test]
    fn too_few_points_are_refused() {
        let refused =
            |points: &[Vec<f32>], wanted| cluster(points, 10, wanted, Seed(0)).unwrap_err();
        let few = refused(&noise(10, |_| 0.0), Wanted::Gap);
        assert_eq!(few, ClusterError::TooFew { points: 10, neighbours: 10 });
        let many = refused(&noise(12, |_| 0.0), Wanted::Count(13));
        assert_eq!(many, ClusterError::TooMany { points: 12, clusters: 13 });
        assert_eq!(refused(&vec![vec![1.0]; 12], Wanted::Gap), ClusterError::Same);
    }

    #[test]
    fn the_rand_index_is_that_of_the_worked_example() {
        // one pair of 15 is together in both, 4 and 3 in each: (1 - 12 / 15) / (3.5 - 12 / 15)
        let (a, b) = ([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]);
        assert!((adjusted_rand(&a, &b).unwrap() - (1.0 - 12.0 / 15.0) / (3.5 - 0.8)).abs() < 1e-12);
        assert_eq!(adjusted_rand(&[0, 0, 1], &[1, 1, 0]), Some(1.0));
        assert_eq!(adjusted_rand(&[0, 0], &[0, 0]), None);
    }
}
