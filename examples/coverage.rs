//! How often the 95 % intervals of a mean hold the true mean, in simulated experiments. Prints CSV:
//! `cargo run --release --example coverage > results/coverage/coverage.csv`.

use pixelflip::{
    base::rng::{KeyedRng, Seed, unit_f32},
    eval::stats::{Interval, Resampling, estimate},
};
use rayon::prelude::*;
use std::io::{self, Write};

const EXPERIMENTS: u64 = 2_000;
const IMAGES: usize = 50;

/// A population with its true mean.
struct Population {
    name: &'static str,
    mean: f64,
    draw: fn(&mut KeyedRng) -> f64,
}

const POPULATIONS: &[Population] = &[
    Population { name: "normal", mean: 0.0, draw: normal },
    Population { name: "gamma of shape 4", mean: 4.0, draw: gamma4 },
];

/// In (0, 1), with 48 random bits.
fn unit(rng: &mut KeyedRng) -> f64 {
    f64::from(unit_f32(rng)) + (f64::from(unit_f32(rng)) + 0.5 / 16_777_216.0) / 16_777_216.0
}

/// By Box and Muller.
fn normal(rng: &mut KeyedRng) -> f64 {
    let radius = (-2.0 * unit(rng).ln()).sqrt();
    radius * (2.0 * std::f64::consts::PI * unit(rng)).cos()
}

/// The sum of four exponential draws.
fn gamma4(rng: &mut KeyedRng) -> f64 {
    (0..4).map(|_| -unit(rng).ln()).sum()
}

/// Whether BCa and percentile interval of one experiment hold the mean.
fn experiment(population: &Population, index: u64) -> [bool; 2] {
    let mut rng = Seed(0).rng("coverage", population.name, &[index]);
    let values: Vec<f64> = (0..IMAGES).map(|_| (population.draw)(&mut rng)).collect();
    let resampling = Resampling { seed: Seed(index), ..Resampling::default() };
    let found = estimate(&values, resampling).expect("there are values");
    let holds = |interval: Option<Interval>| {
        interval.is_some_and(|i| i.lo <= population.mean && population.mean <= i.hi)
    };
    [holds(found.bca), holds(found.percentile)]
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "population,interval,images,experiments,coverage")?;
    for population in POPULATIONS {
        let found: Vec<[bool; 2]> =
            (0..EXPERIMENTS).into_par_iter().map(|i| experiment(population, i)).collect();
        for (k, interval) in ["bca", "percentile"].iter().enumerate() {
            let hits = found.iter().filter(|f| f[k]).count() as f64;
            let coverage = hits / EXPERIMENTS as f64;
            let name = population.name;
            writeln!(out, "{name},{interval},{IMAGES},{EXPERIMENTS},{coverage}")?;
        }
    }
    Ok(())
}
