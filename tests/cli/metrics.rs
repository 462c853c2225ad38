//! Metrics of heat maps against `scripts/check_metrics.py`: another program, in double precision, with the
//! draws rebuilt.

use super::Desk;
use pixelflip::{run::measure::Measure, table::record::Record as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

#[test]
fn metrics_of_heat_maps_are_those_of_another_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/metrics");
    let text = fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: BTreeMap<String, f64> = serde_json::from_str(&text).unwrap();
    let part = |key: &str, k: usize| key.split(' ').nth(k).unwrap().to_owned();
    let list = |k| {
        let all: BTreeSet<String> = expected.keys().map(|key| part(key, k)).collect();
        all.into_iter().collect::<Vec<String>>().join(",")
    };
    let (methods, metrics) = (list(1), list(2));
    let desk = Desk::new(0);
    let (model, data) = (folder.join("net.onnx"), folder.join("pictures"));
    let files = format!("--model {} --data {}", model.display(), data.display());
    let small = "--region 4 --steps 1 --repeats 1 --seed 3 --quiet --out out";
    desk.expect(0, &format!("run {files} --methods {methods} --metrics {metrics} {small}"));
    let found = Measure::read(&desk.path("out/metrics.parquet")).unwrap();
    assert_eq!(found.len(), expected.len());
    for row in found {
        let key = format!("{} {} {}", row.image, row.method, row.metric);
        let (value, expected) = (row.value.unwrap(), expected[&key]);
        // what asks the network has its single precision; two encoders write files that differ by a few bytes
        let (scale, most) = if row.metric.ends_with("-size") {
            (expected, 0.01)
        } else {
            (expected.abs().max(1.0), 1e-6)
        };
        let off = (value - expected).abs() / scale;
        assert!(off < most, "{key}: {value}, expected {expected}");
    }
}
