//! Context use for people: by group and by model, against how well the model does, with what so few pictures, groups or
//! models cannot say.

mod figure;
mod page;
mod summary;

pub use summary::{GroupRow, ModelRow, Summary};

use crate::{
    plot::save,
    plot_drawing,
    probe::WriteError,
    run::{context::Uses, plan::Plan},
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
    /// What the groups are.
    pub groups: String,
    /// Names of the classes, by index.
    pub classes: Vec<String>,
}

impl About {
    /// Of a plan, the models and the words for the groups.
    pub fn of(plan: &Plan, models: Vec<String>, groups: &str) -> About {
        let classes = plan.model.classes.as_deref().or(plan.data.classes());
        About {
            models,
            data: plan.data.name().to_owned(),
            methods: plan.methods.iter().map(|m| m.name.clone()).collect(),
            groups: groups.to_owned(),
            classes: classes.unwrap_or_default().to_vec(),
        }
    }
}

/// Writes tables, the figure and the page into a folder.
pub fn write(
    folder: &Path,
    found: &Uses,
    summary: &Summary,
    about: &About,
) -> Result<(), WriteError> {
    summary.write(folder, about)?;
    let drawing = figure::scatter(summary, about);
    save(&folder.join("scatter.png"), &plot_drawing::png(&drawing)?)?;
    let svg = plot_drawing::svg(&drawing)?;
    save(&folder.join("scatter.svg"), svg.as_bytes())?;
    let page = page::page(found, summary, about, svg);
    Ok(crate::page::study::write(folder, &page)?)
}

/// The columns of its tables, for the test of their documentation.
#[cfg(test)]
pub(crate) fn columns() -> Vec<(&'static str, Vec<String>)> {
    let all = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect();
    vec![
        ("`groups`, one row", all(&mut summary::group_sheet().names())),
        ("`models` of `context`, one row", all(&mut summary::model_sheet().names())),
    ]
}
