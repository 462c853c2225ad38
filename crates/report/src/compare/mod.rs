//! Models beside each other, for people: what they say, how alike their maps are, whose maps are faithful to whom.

mod figure;
mod page;
mod summary;

pub use summary::{ClassRow, Faith, ModelRow, PairRow, Summary};

use crate::{
    colours::Look,
    plot::save,
    plot_drawing,
    probe::WriteError,
    run::{compare::Compared, plan::Plan},
};
use std::path::Path;

/// What is known beside the tables.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Names of the models, in their order.
    pub models: Vec<String>,
    /// Name of the data set.
    pub data: String,
    /// Methods, the first one counts.
    pub methods: Vec<String>,
    /// Perturbations, the first one counts.
    pub perturbations: Vec<String>,
    /// Side of the regions that count.
    pub region: u64,
    /// Names of the classes, by index.
    pub classes: Vec<String>,
    /// What keeps predictions from being compared.
    pub apart: Vec<String>,
}

impl About {
    /// Of a plan and its models.
    pub fn of(plan: &Plan, models: Vec<String>, apart: Vec<String>) -> About {
        let classes = plan.model.classes.as_deref().or(plan.data.classes());
        About {
            classes: classes.unwrap_or_default().to_vec(),
            models,
            data: plan.data.name().to_owned(),
            methods: plan.methods.iter().map(|m| m.name.clone()).collect(),
            perturbations: plan.perturbations.iter().map(|p| p.name.clone()).collect(),
            region: plan.regions.first().map_or(0, |r| r.grid.side() as u64),
            apart,
        }
    }
}

/// Writes tables, the figure and the page into a folder.
pub fn write(
    folder: &Path,
    found: &Compared,
    summary: &Summary,
    about: &About,
    look: &Look,
) -> Result<(), WriteError> {
    summary.write(folder, about)?;
    let drawing = figure::scatter(summary, about);
    save(&folder.join("compare.png"), &plot_drawing::png(&drawing)?)?;
    let svg = plot_drawing::svg(&drawing)?;
    save(&folder.join("compare.svg"), svg.as_bytes())?;
    let page = page::page(found, summary, about, svg, look)?;
    Ok(crate::page::study::write(folder, &page)?)
}

/// The columns of its tables, for the test of their documentation.
#[cfg(test)]
pub(crate) fn columns() -> Vec<(&'static str, Vec<String>)> {
    let all = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect();
    vec![
        ("`models` of `compare`, one row", all(&mut summary::model_sheet().names())),
        ("`likeness`, one row", all(&mut summary::pair_sheet().names())),
        ("`likeness_by_class`, one row", all(&mut summary::class_sheet().names())),
        ("`faithfulness`, one row", all(&mut summary::faith_sheet().names())),
    ]
}
