//! Networks that take texts.

use super::{Desk, skip, stderr};
use pixelflip::{
    run::{
        accuracy::Accuracy,
        record::{self, AllLogits, Row},
    },
    table::{blob::Blobs, record::Record},
};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// A folder with the small networks of `scripts/make_text_cases.py` and their texts.
fn desk() -> Desk {
    let desk = Desk::new(0);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/texts");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, desk.path(path.file_name().unwrap().to_str().unwrap())).unwrap();
    }
    desk
}

const METHODS: &str = "random,gradient,sensitivity,gradient-x-input,integrated-gradients:baseline=zero,deep-lift:baseline=zero,smoothgrad,\
                       occlusion:window=1:stride=1:value=zero,lrp-epsilon:eps=0.01,lrp-zero,lrp-gamma,lrp-epsilon-plus";

fn curves(desk: &Desk, folder: &str) -> Vec<Row> {
    record::read_folder(&desk.path(&format!("{folder}/curves")), AllLogits::Read).unwrap()
}

#[test]
fn a_network_of_ids_has_the_curves_of_the_same_one_of_vectors() {
    let desk = desk();
    let flags = "--data texts.csv --protocol arras2017-sentences --select words:8";
    for model in ["ids", "vectors"] {
        let out = format!("--out {model} --methods {METHODS} --verify 1");
        desk.expect(0, &format!("run --model {model}.onnx {flags} {out}"));
    }
    let (ids, vectors) = (curves(&desk, "ids"), curves(&desk, "vectors"));
    assert_eq!(ids.len(), 12 * 12 * 2);
    assert_eq!(ids, vectors);
    assert!(ids.iter().all(|row| row.scores.as_ref().is_some_and(|scores| scores.len() == 6)));
    // the words that speak for a class are found: without them the score falls
    let fall = |method: &str| {
        let own = ids.iter().filter(|r| r.method.starts_with(method) && r.order.name() == "morf");
        let falls = own.filter_map(|r| {
            let scores = r.scores.as_ref()?;
            Some(f64::from(scores[0] - scores[3]))
        });
        falls.sum::<f64>()
    };
    assert!(fall("lrp-epsilon:") > fall("random") && fall("gradient-x-input") > fall("random"));
}

#[test]
fn padding_is_never_removed() {
    let desk = desk();
    // one word, four words, and more than the network takes
    fs::write(
        desk.path("short.csv"),
        "text,label\nIce hockey goal team moon,sport\nIce,sport\nThe the the the the the the the the the the the ice ice,space\n",
    )
    .unwrap();
    let out = desk.expect(
        1,
        "run --model ids.onnx --data short.csv --protocol arras2017-sentences --select first:3 --methods \
         random,lrp-epsilon,constant --out out",
    );
    assert!(stderr(&out).contains("it has 1 word, fewer than the 5 that are removed"));
    let rows = curves(&desk, "out");
    assert_eq!(rows.len(), 2 * 3 * 2, "the text of one word is left out");
    // with all five words gone nothing is left, whatever the method and order: padding took no step
    let ends: Vec<f32> = rows
        .iter()
        .filter(|r| r.image == "short/000000")
        .map(|r| r.scores.as_ref().unwrap()[5])
        .collect();
    assert!(ends.len() == 6 && ends.iter().all(|end| end.to_bits() == ends[0].to_bits()));
}

#[test]
fn single_texts_are_predicted_and_explained() {
    let desk = desk();
    let of_data = "--data texts.csv --image texts/000001";
    desk.expect(0, &format!("predict --model ids.onnx {of_data}"));
    let explain = "--method gradient-x-input --out r.npy";
    desk.expect(0, &format!("explain --model ids.onnx {of_data} {explain}"));
    let relevance: ndarray::ArrayD<f32> = ndarray_npy::read_npy(desk.path("r.npy")).unwrap();
    assert_eq!(relevance.shape(), [3, 12, 1]);
}

#[test]
fn what_means_nothing_for_texts_is_refused() {
    let desk = desk();
    let run =
        |flags: &str| desk.told(&format!("run --model ids.onnx --data texts.csv --out o {flags}"));
    let sentences = "--protocol arras2017-sentences --select words:8";
    fs::write(
        desk.path("bad.toml"),
        "channels = 'rgb'\n[text]\nvocabulary = 'vocab.txt'\nlength = 12\n",
    )
    .unwrap();
    fs::copy(desk.path("ids.onnx"), desk.path("bad.onnx")).unwrap();
    fs::copy(desk.path("vectors.onnx"), desk.path("none.onnx")).unwrap();
    fs::write(desk.path("none.toml"), "[text]\nvocabulary = 'vocab.txt'\nlength = 12\n").unwrap();
    let told = [
        run(""),
        run(&format!("{sentences} --perturbation uniform")),
        run(&format!("{sentences} --metrics jpeg-size")),
        run(&format!("{sentences} --steps 20")),
        desk.told(&format!("run --model ids.onnx --data scenes --out o {sentences}")),
        desk.told("run --model m.onnx --data texts.csv --layout texts"),
        desk.told("model bad.onnx"),
        desk.told("run --model none.onnx --data texts.csv --protocol arras2017"),
    ];
    insta::assert_snapshot!(told.concat());
}

/// The documents of a reference run, as lines of JSON.
fn documents(shared: &Path) -> String {
    let reference: serde_json::Value = reference(shared);
    let blobs = Blobs::open(&shared.join("text/20news/test.parquet")).unwrap();
    let (ids, labels) = (blobs.numbers("id").unwrap(), blobs.numbers("label").unwrap());
    let rows: BTreeMap<(i64, i64), usize> = ids
        .iter()
        .zip(&labels)
        .enumerate()
        .map(|(row, (id, label))| ((id.unwrap() as i64, label.unwrap() as i64), row))
        .collect();
    let mut lines = String::new();
    for kind in ["right", "wrong"] {
        let list = |key: &str| reference[key][kind].as_array().unwrap().clone();
        for (id, label) in list("documents").iter().zip(list("labels")) {
            let (id, label) = (id.as_i64().unwrap(), label.as_i64().unwrap());
            let text = blobs.bytes("body", rows[&(id, label)]).unwrap().unwrap();
            let text = String::from_utf8(text).unwrap();
            writeln!(lines, "{}", serde_json::json!({ "text": text, "label": label })).unwrap();
        }
    }
    lines
}

fn reference(shared: &Path) -> serde_json::Value {
    let file = shared.join("text/cnn20news/word_deletion.json");
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn word_deletion_on_20_newsgroups_has_the_reference_curves() {
    let given = std::env::var_os("PIXELFLIP_SHARED").map(PathBuf::from);
    let shared = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    if !shared.join("text").exists() {
        return skip::left_out("assets", "the texts are not here");
    }
    let desk = Desk::new(0);
    fs::write(desk.path("documents.jsonl"), documents(&shared)).unwrap();
    for file in ["cnn_ids.onnx", "vocab.txt"] {
        fs::copy(shared.join("text/cnn20news").join(file), desk.path(file)).unwrap();
    }
    let sidecar =
        "[text]\ntokens = \"[a-z]+(?:['\\\\-.][a-z]+)*\"\nvocabulary = 'vocab.txt'\nlength = 400\n";
    fs::write(desk.path("cnn_ids.toml"), sidecar).unwrap();
    desk.expect(
        0,
        "run --model cnn_ids.onnx --data documents.jsonl --protocol arras2017 --out out --methods \
         sensitivity:norm=l2,gradient-x-input,lrp-epsilon:eps=0.01",
    );
    let rows = Accuracy::read(&desk.path("out/accuracy.parquet")).unwrap();
    let reference = reference(&shared);
    for (kind, right, order) in
        [("correct, decreasing", true, "morf"), ("false, increasing", false, "lerf")]
    {
        for (name, method) in
            [("lrp", "lrp-epsilon"), ("gi", "gradient-x-input"), ("sa", "sensitivity")]
        {
            let expected = reference["curves"][format!("{kind}/{name}")].as_array().unwrap();
            let found: Vec<f64> = rows
                .iter()
                .filter(|r| {
                    r.right == right && r.order.name() == order && r.method.starts_with(method)
                })
                .map(|r| r.accuracy)
                .collect();
            assert_eq!(found.len(), 51, "{kind}, {name}");
            for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
                let difference = (found - expected.as_f64().unwrap()).abs();
                assert!(difference <= 0.01, "{kind}, {name}: {difference} after {k} words");
            }
        }
    }
}
