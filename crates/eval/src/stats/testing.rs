//! Reference figures by SciPy and scikit-posthocs, made by `scripts/make_stats_goldens.py`.

use serde_json::Value;

/// The cases of one kind.
pub(super) fn cases(kind: &str) -> Vec<Value> {
    cases_in(
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/stats/tests.json")),
        kind,
    )
}

/// Those that the studies need, made by `scripts/make_study_goldens.py`.
pub(crate) fn study_cases(kind: &str) -> Vec<Value> {
    cases_in(
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/stats/studies.json")),
        kind,
    )
}

fn cases_in(text: &str, kind: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).unwrap();
    file[kind].as_array().unwrap().clone()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}
