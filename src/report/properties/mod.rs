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

/// The value below which a share `q` of the values lies, between order statistics; `None` without
/// values.
fn quantile(values: impl IntoIterator<Item = f64>, q: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let at = q * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(below + (above - below) * at.fract())
}

fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_order_statistics() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0]), Some(2.5));
        assert_eq!(quantile([0.0, 1.0, 2.0, 3.0, 4.0], 0.25), Some(1.0));
        assert_eq!(median([]), None);
    }
}
