//! Clusters of strategies for people: which clusters there are, which look elsewhere than the others, their mean maps.

mod figure;
mod page;
mod summary;

pub use summary::{ClassRow, Strategy, Summary};

use crate::{
    colours::Look,
    plot::save,
    plot_drawing,
    probe::WriteError,
    run::{clusters::Clustered, plan::Plan},
};
use std::path::Path;

/// What is known beside the tables.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Name of the model.
    pub model: String,
    /// Name of the data set.
    pub data: String,
    /// Methods, the first one counts.
    pub methods: Vec<String>,
    /// Names of the classes, by index.
    pub classes: Vec<String>,
}

impl About {
    /// Of a plan.
    pub fn of(plan: &Plan) -> About {
        let classes = plan.model.classes.as_deref().or(plan.data.classes());
        let imports = plan.methods.iter().map(|method| method.name.clone());
        About {
            model: plan.model.name.clone(),
            data: plan.data.name().to_owned(),
            methods: imports.collect(),
            classes: classes.unwrap_or_default().to_vec(),
        }
    }

    /// Name of a class.
    pub fn class(&self, index: u64) -> String {
        self.classes.get(index as usize).cloned().unwrap_or_else(|| format!("class {index}"))
    }
}

/// Writes tables, figures and the page into a folder.
pub fn write(
    folder: &Path,
    found: &Clustered,
    summary: &Summary,
    about: &About,
    look: &Look,
) -> Result<(), WriteError> {
    summary.write(folder, about)?;
    let mut figures = Vec::new();
    let drawings = [
        ("eigenvalues", figure::eigenvalues(found, summary, about)),
        ("embedding", figure::embedding(found, summary, about)),
    ];
    for (name, drawing) in drawings {
        // the table of that name lies beside it with other endings
        save(&folder.join(format!("{name}.png")), &plot_drawing::png(&drawing)?)?;
        let svg = plot_drawing::svg(&drawing)?;
        save(&folder.join(format!("{name}.svg")), svg.as_bytes())?;
        figures.push(svg);
    }
    let page = page::page(found, summary, about, figures, look);
    Ok(crate::page::study::write(folder, &page)?)
}

/// The columns of its table, for the test of their documentation.
#[cfg(test)]
pub(crate) fn columns() -> Vec<(&'static str, Vec<String>)> {
    vec![("`strategies`, one row", summary::sheet().names().map(str::to_owned).collect())]
}
