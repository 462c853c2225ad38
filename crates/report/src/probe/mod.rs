//! What came out of a probe, for people: counts with intervals and controls, where the relevance lies, contact sheets,
//! the page.

mod figure;
mod page;
mod relevance;
pub(crate) mod sheet;
mod summary;

pub use relevance::RelevanceRow;
pub use summary::{Question, Rate, Summary};

use crate::{
    colours::Look,
    eval::stats::proportion::Proportion,
    plot::FigureError,
    plot_drawing,
    run::{plan::Plan, probe::Probed},
    table::TableError,
};
use std::path::Path;

/// What is known beside the tables.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Name of the model.
    pub model: String,
    /// Name of the data set.
    pub data: String,
    /// Names of the classes, by index.
    pub classes: Vec<String>,
    /// Fillings, the first one counts.
    pub fillings: Vec<String>,
    /// How pictures were chosen, in words.
    pub selection: String,
    /// True where they were chosen by what the network says of them.
    pub by_answer: bool,
}

impl About {
    /// Of a plan.
    pub fn of(plan: &Plan) -> About {
        let steps = &plan.config.select;
        About {
            model: plan.model.name.clone(),
            data: plan.data.name().to_owned(),
            classes: plan
                .model
                .classes
                .as_deref()
                .or(plan.data.classes())
                .unwrap_or_default()
                .to_vec(),
            fillings: plan.perturbations.iter().map(|p| p.name.clone()).collect(),
            selection: steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            by_answer: plan.selects_by_answer(),
        }
    }

    /// Name of a class.
    pub fn class(&self, index: u64) -> String {
        self.classes.get(index as usize).cloned().unwrap_or_else(|| format!("class {index}"))
    }
}

/// Why the results cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A figure, or the page.
    #[error(transparent)]
    Figure(#[from] FigureError),
}

/// Writes tables, the figure, contact sheets and the page into a folder.
pub fn write(
    folder: &Path,
    probed: &Probed,
    summary: &Summary,
    about: &About,
    look: &Look,
) -> Result<(), WriteError> {
    summary.write(folder, about)?;
    let relevance = relevance::rows(&probed.shares);
    relevance::write(folder, &relevance, about)?;
    let drawing = figure::draw(summary, about);
    crate::plot::save(&folder.join("probe.png"), &plot_drawing::png(&drawing)?)?;
    let svg = plot_drawing::svg(&drawing)?;
    crate::plot::save(&folder.join("probe.svg"), svg.as_bytes())?;
    sheet::write(&folder.join("cases"), &probed.frames, look)?;
    let page = page::page(probed, summary, &relevance, about, svg, look)?;
    Ok(crate::page::study::write(folder, &page)?)
}

/// `12 of 30 (40 %, 25 to 58 %)`.
fn words(found: Proportion) -> String {
    let Proportion { count, of } = found;
    match (found.share(), found.wilson()) {
        (Some(share), Some(interval)) => format!(
            "{count} of {of} ({:.0} %, {:.0} to {:.0} %)",
            100.0 * share,
            100.0 * interval.lo,
            100.0 * interval.hi
        ),
        _ => format!("{count} of {of}"),
    }
}

/// The columns of its tables, for the test of their documentation.
#[cfg(test)]
pub(crate) fn columns() -> Vec<(&'static str, Vec<String>)> {
    let all = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect();
    vec![
        ("`summary` of `probe`, one row", all(&mut summary::sheet().names())),
        ("`relevance`, one row", all(&mut relevance::sheet().names())),
    ]
}
