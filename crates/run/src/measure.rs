//! Metrics of heat maps, measured during a run: one row per picture, method and metric.

use super::{plan::Plan, subject::Subject};
use crate::{
    base::registry::Named,
    eval::metric::map::{Asked, Look, MapMetric, ObjectPixels},
    explain::{Explainer, HeatMap},
    table::record,
};

record! {
    /// One value.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Measure {
        /// as in the curves
        pub image: String,
        /// as in the curves
        pub method: String,
        /// canonical name, with all parameters
        pub metric: String,
        /// which way it is better: higher or lower
        pub direction: String,
        /// null where it is not defined, see reason
        pub value: Option<f64>,
        /// why there is no value; null where there is one
        pub reason: Option<String>,
    }
}

/// All metrics of a plan for one heat map.
pub(super) fn measure(
    plan: &Plan,
    subject: &Subject,
    method: &Named<dyn Explainer>,
    heat: &HeatMap,
) -> Vec<Measure> {
    let case = subject.case(plan);
    let object = subject.object.as_ref().map(|o| ObjectPixels {
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
    use crate::table::record::Record;

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
        Measure::write(&path, &rows).unwrap();
        assert_eq!(Measure::read(&path).unwrap(), rows);
    }
}
