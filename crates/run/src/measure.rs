//! Metrics of heat maps, measured during a run: one row per picture, method and metric.

use super::{plan::Plan, subject::Subject};
use crate::{
    base::registry::Named,
    eval::metric::map::{Asked, Look, MapMetric, Object},
    explain::{Explainer, HeatMap},
    table::{Column, Growing, Table, TableError},
};
use std::{collections::BTreeMap, path::Path};

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Which picture.
    pub image: String,
    /// Canonical name of the method.
    pub method: String,
    /// Canonical name of the metric.
    pub metric: String,
    /// `higher` or `lower`: which way it is better.
    pub direction: String,
    /// The value; null where it is not defined.
    pub value: Option<f64>,
    /// Why it is not defined.
    pub reason: Option<String>,
}

const NOTES: &[(&str, &str)] = &[
    ("image", "as in the curves"),
    ("method", "as in the curves"),
    ("metric", "canonical name, with all parameters"),
    ("direction", "which way it is better: higher or lower"),
    ("value", "null where it is not defined, see reason"),
    ("reason", "why there is no value; null where there is one"),
];

/// Writes values as one Parquet file, whole or not at all.
pub fn write(path: &Path, rows: &[Measure]) -> Result<(), TableError> {
    table(rows).write_parquet(path, &notes())
}

/// A file of values that grows part by part.
pub(super) fn growing(path: &Path) -> Growing {
    Growing::new(path, notes())
}

fn notes() -> BTreeMap<String, String> {
    NOTES.iter().map(|(name, help)| (format!("column {name}"), (*help).to_owned())).collect()
}

pub(super) fn table(rows: &[Measure]) -> Table {
    let text = |of: fn(&Measure) -> &String| {
        Column::Text(rows.iter().map(|row| Some(of(row).clone())).collect())
    };
    let mut table = Table::default();
    table.push("image", text(|m| &m.image));
    table.push("method", text(|m| &m.method));
    table.push("metric", text(|m| &m.metric));
    table.push("direction", text(|m| &m.direction));
    table.push("value", Column::Float(rows.iter().map(|m| m.value).collect()));
    table.push("reason", Column::Text(rows.iter().map(|m| m.reason.clone()).collect()));
    table
}

/// Reads the values of one file.
pub fn read(path: &Path) -> Result<Vec<Measure>, TableError> {
    let table = Table::read_parquet(path, None)?;
    rows(table).map_err(|problem| TableError::Content { path: path.to_owned(), problem })
}

fn rows(mut table: Table) -> Result<Vec<Measure>, String> {
    let image = table.take_all::<String>("image")?;
    let method = table.take_all::<String>("method")?;
    let metric = table.take_all::<String>("metric")?;
    let direction = table.take_all::<String>("direction")?;
    let value = table.take::<f64>("value")?;
    let reason = table.take::<String>("reason")?;
    let values = value.into_iter().zip(reason);
    let rows = image.into_iter().zip(method).zip(metric).zip(direction).zip(values);
    let row = |((((image, method), metric), direction), (value, reason))| Measure {
        image,
        method,
        metric,
        direction,
        value,
        reason,
    };
    Ok(rows.map(row).collect())
}

/// All metrics of a plan for one heat map.
pub(super) fn measure(
    plan: &Plan,
    subject: &Subject,
    method: &Named<dyn Explainer>,
    heat: &HeatMap,
) -> Vec<Measure> {
    let case = subject.case(plan);
    let object = subject.object.as_ref().map(|o| Object {
        class: subject.shows,
        mask: o.mask.clone(),
        boxes: o.has_boxes.then(|| o.in_boxes()),
    });
    let asked = Asked { case: &case, explainer: &*method.value };
    let look = Look { heat, object: object.as_ref(), asked: Some(asked) };
    let one = |metric: &Named<dyn MapMetric>| {
        let value = metric.value.value(&look);
        Measure {
            image: subject.id.clone(),
            method: method.name.clone(),
            metric: metric.name.clone(),
            direction: metric.value.direction().name().to_owned(),
            reason: value.as_ref().err().map(ToString::to_string),
            value: value.ok(),
        }
    };
    plan.metrics.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.parquet");
        let row = Measure {
            image: "a".to_owned(),
            method: "gradient".to_owned(),
            metric: "sparseness".to_owned(),
            direction: "higher".to_owned(),
            value: Some(0.25),
            reason: None,
        };
        let nothing = Measure { value: None, reason: Some("no object".to_owned()), ..row.clone() };
        let rows = [row, nothing];
        write(&path, &rows).unwrap();
        assert_eq!(read(&path).unwrap(), rows);
    }
}
