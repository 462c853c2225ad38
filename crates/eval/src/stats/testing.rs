//! Reference figures by SciPy and scikit-posthocs, made by `scripts/make_stats_goldens.py`.

use serde_json::Value;

/// The cases of one kind.
pub(super) fn cases(kind: &str) -> Vec<Value> {
    let text =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/stats/tests.json"));
    let file: Value = serde_json::from_str(text).unwrap();
    file[kind].as_array().unwrap().clone()
}

pub(super) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}
