//! Properties of explanations for people: one line per method, and figures of what happens on the
//! way through the network.

mod figures;
mod summary;

pub use figures::write as write_figures;
pub use summary::{MethodRow, Summary};

use super::curves::Heading;
use crate::{
    run::properties::{Measured, tables},
    table::{Table, TableError},
};
use std::{collections::BTreeMap, path::Path};

/// Writes `properties`, `layers`, `sweeps` and `summary`, each as CSV and Parquet, into a folder.
pub fn write_tables(
    folder: &Path,
    measured: &Measured,
    summary: &Summary,
    heading: &Heading,
) -> Result<(), TableError> {
    let all = [
        ("properties", measured.properties(), tables::NOTES),
        ("layers", measured.layers(), tables::NOTES),
        ("sweeps", measured.sweeps(), tables::NOTES),
        ("summary", summary.table(), summary::NOTES),
    ];
    for (name, table, notes) in all {
        let notes = notes_of(&table, notes, heading);
        table.write_parquet(&folder.join(format!("{name}.parquet")), &notes)?;
        table.write_csv(&folder.join(format!("{name}.csv")))?;
    }
    Ok(())
}

/// What a table's file says about itself: what was measured, and what its columns mean.
fn notes_of(table: &Table, notes: &[(&str, &str)], heading: &Heading) -> BTreeMap<String, String> {
    let schema = table.schema();
    let has = |name: &str| schema.iter().any(|(column, _)| *column == name);
    let columns = notes.iter().filter(|(name, _)| has(name));
    let columns = columns.map(|(name, help)| (format!("column {name}"), (*help).to_owned()));
    let about =
        [("model".to_owned(), heading.model.clone()), ("data".to_owned(), heading.data.clone())];
    columns.chain(about).collect()
}
