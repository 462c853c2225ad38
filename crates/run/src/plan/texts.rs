//! What of a config has a meaning for texts.

use super::PlanError;
use crate::{
    base::registry::{Named, id},
    config::Config,
    data::Dataset,
    eval::metric::map::MapMetric,
    perturb::Perturbation,
};

/// What may take the place of a word.
const REMOVALS: [&str; 1] = ["input-zero"];

/// Metrics of heat maps that know no rows and columns.
const METRICS: [&str; 1] = ["sparseness"];

fn refused(key: &'static str, expected: &'static str, found: &str) -> PlanError {
    PlanError::Texts { key, expected, found: format!("`{found}`") }
}

/// Refuses other units than words.
pub(super) fn check_units(config: &Config) -> Result<(), PlanError> {
    match config.region.iter().find(|side| **side != 1) {
        Some(side) => Err(refused("region", "1 (a word)", &side.to_string())),
        None => Ok(()),
    }
}

/// Refuses what is for pictures: data without words, fills with colours, metrics of pictures, heat maps of other tools.
pub(super) fn check(
    config: &Config,
    data: &dyn Dataset,
    perturbations: &[Named<dyn Perturbation>],
    metrics: &[Named<dyn MapMetric>],
) -> Result<(), PlanError> {
    // without words padding would be taken for some
    if (0..data.len()).any(|i| data.words(i).is_none()) {
        return Err(refused("data", "texts (the layout `texts`)", data.name()));
    }
    if let Some(other) = perturbations.iter().find(|p| !REMOVALS.contains(&id(&p.name))) {
        return Err(refused("perturbation", "input-zero (the zero vector)", &other.name));
    }
    if let Some(other) = metrics.iter().find(|m| !METRICS.contains(&id(&m.name))) {
        return Err(refused("metrics", "sparseness", &other.name));
    }
    if let Some(maps) = config.heatmaps.first() {
        let found = format!("{}={}", maps.name, maps.path);
        return Err(refused("heatmaps", "none", &found));
    }
    Ok(())
}
