//! Pictures of a data set that are like prototypes.

use super::{Files, Nearest, PrototypeError, PrototypePlan, work::Done};
use crate::{nn::tensor::Tensor, stop::Stop};
use rayon::prelude::*;

/// A prototype with the pictures nearest to it so far.
type Nearby = Vec<(f64, usize)>;

/// The nearest pictures of all prototypes, in one pass over the data set; pictures that cannot be used are passed over.
pub(super) fn nearest(
    plan: &PrototypePlan,
    files: &Files,
    done: &[Done],
    stop: &Stop,
) -> Result<Vec<Nearest>, PrototypeError> {
    let (Some(data), wanted) = (plan.data.as_deref(), plan.config.nearest) else {
        return Ok(vec![]);
    };
    if wanted == 0 {
        return Ok(vec![]);
    }
    let units = plan.units();
    let canvases = units.iter().zip(done).filter(|(_, done)| done.row.reason.is_none());
    let canvases = canvases.map(|(unit, done)| Ok((*unit, &done.row, files.canvas(plan, *unit)?)));
    let canvases = canvases.collect::<Result<Vec<_>, PrototypeError>>()?;
    let ways: Vec<_> = plan.rows.iter().map(|row| plan.pictures(row)).collect();
    // one of each kind: rows that climb pixels see the same pictures, and so do those that climb codes
    let first_painted = plan.rows.iter().position(|row| row.painted);
    let first_plain = plan.rows.iter().position(|row| !row.painted);
    let of_picture = |i: usize| -> Result<Vec<Option<f64>>, PrototypeError> {
        if stop.is_now() {
            return Err(PrototypeError::Interrupted {
                finished: done.len(),
                all: done.len(),
                vain: None,
            });
        }
        let see = |row: Option<usize>| row.and_then(|row| ways[row].canvas(data, i).ok());
        let (painted, plain) = (see(first_painted), see(first_plain));
        let distance = |(unit, _, canvas): &(super::Unit, _, Tensor)| {
            let picture = if plan.rows[unit.row].painted { &painted } else { &plain };
            picture.as_ref().map(|picture| distance(picture, canvas))
        };
        Ok(canvases.iter().map(distance).collect())
    };
    let mut found: Vec<Nearby> = vec![vec![]; canvases.len()];
    let all: Vec<usize> = (0..data.len()).collect();
    for some in all.chunks(256) {
        let distances =
            some.par_iter().map(|i| of_picture(*i)).collect::<Result<Vec<_>, PrototypeError>>()?;
        for (i, distances) in some.iter().zip(distances) {
            for (found, distance) in found.iter_mut().zip(distances) {
                found.extend(distance.map(|distance| (distance, *i)));
            }
        }
        for found in &mut found {
            found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            found.truncate(wanted);
        }
    }
    let mut rows = vec![];
    for ((unit, row, _), found) in canvases.iter().zip(found) {
        for (place, (distance, i)) in found.into_iter().enumerate() {
            let rank = place as u64 + 1;
            if plan.config.copies
                && let Ok(canvas) = ways[unit.row].canvas(data, i)
            {
                files.write_copy(plan, *unit, rank, &canvas)?;
            }
            rows.push(Nearest {
                class: row.class,
                prior: row.prior.clone(),
                rank,
                image: data.id(i),
                label: data.label(i).map(|label| label as u64),
                distance,
            });
        }
    }
    Ok(rows)
}

/// Root of the mean squared difference.
fn distance(a: &Tensor, b: &Tensor) -> f64 {
    let square = a.data.iter().zip(&b.data).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    (square / a.data.len() as f64).sqrt()
}
