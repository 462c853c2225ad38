//! Whole model files: those of both PyTorch exporters against logits computed by PyTorch in double
//! precision, and real networks against onnxruntime.

#[path = "common/skip.rs"]
mod skip;

use ndarray::{Array1, Array2, Array4, Axis};
use ndarray_npy::{NpzReader, read_npy};
use pixelflip::{
    data::{Options, open},
    nn::{model::Model, preprocess::Settings, tensor::Tensor},
};
use rayon::prelude::*;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// Golden models are within this share of the largest logit: single precision over sums of up to
/// some thousand terms.
const GOLDEN: f32 = 1e-5;

/// Deep networks are within this share of another engine's logits.
const REAL: f32 = 1e-4;

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

/// The folder of assets that are not part of the project.
fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("PIXELFLIP_SHARED").map_or_else(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

fn models(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|f| f.extension().is_some_and(|e| e == "onnx")).collect();
    files.sort();
    files
}

/// What the outputs of a file are, of which our graph gives the logits.
#[derive(Clone, Copy)]
enum Outputs {
    Logits,
    /// The logits of each picture less their largest.
    LessLargest,
    /// What the head that import cuts off makes of the logits.
    Probabilities,
}

impl Outputs {
    fn of(self, model: &Model, mut logits: Vec<f32>) -> Vec<f32> {
        match self {
            Outputs::Logits => {}
            Outputs::LessLargest => {
                let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                logits.iter_mut().for_each(|v| *v -= top);
            }
            Outputs::Probabilities => {
                return model
                    .graph
                    .head()
                    .probabilities(&logits)
                    .expect("a head with probabilities");
            }
        }
        logits
    }
}

/// The largest deviation of what the network gives from `want`, as a share of the largest of `want`.
fn deviation(model: &Model, inputs: &Array4<f32>, want: &Array2<f32>, outputs: Outputs) -> f32 {
    let largest = want.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let mut worst = 0.0f32;
    for (x, want) in inputs.axis_iter(Axis(0)).zip(want.axis_iter(Axis(0))) {
        let got = outputs.of(model, model.graph.logits(&model.input(Tensor::from_chw(x))));
        assert_eq!(got.len(), want.len());
        let off = got.iter().zip(want).map(|(a, b)| (a - b).abs());
        worst = off.fold(worst, |m, v| if v > m || v.is_nan() { v } else { m });
    }
    worst / largest
}

#[test]
fn all_exporters_give_the_logits_of_pytorch() {
    let files = models(&data("onnx"));
    assert_eq!(files.len(), 25);
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let golden = data(&format!("goldens/{}.npz", name.split('.').next().unwrap()));
        let mut golden = NpzReader::new(File::open(golden).unwrap()).unwrap();
        let inputs: Array4<f32> = golden.by_name("input").unwrap();
        let want: Array2<f32> = golden.by_name("logits").unwrap();
        let model = Model::load(&file, Settings::default()).unwrap();
        let off = deviation(&model, &inputs, &want, Outputs::Logits);
        assert!(off < GOLDEN, "{name}: {off:e} of the largest logit");
        assert!(model.preprocess().is_err(), "{name} has no sidecar");
    }
}

#[test]
fn reference_transformers_give_the_logits_of_pytorch() {
    let Some(shared) = shared() else {
        return skip::left_out("assets", "`../shared` is not here");
    };
    let folder = shared.join("goldens/transformers");
    let mut complaints = vec![];
    for file in models(&folder.join("onnx")) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let golden = folder.join(format!("{}.npz", name.split('.').next().unwrap()));
        let mut golden = NpzReader::new(File::open(golden).unwrap()).unwrap();
        let inputs: Array4<f32> = golden.by_name("input").unwrap();
        let want: Array2<f32> = golden.by_name("logits").unwrap();
        match Model::load(&file, Settings::default()) {
            Err(e) => complaints.push(format!("{name}: {e}")),
            Ok(model) => {
                let off = deviation(&model, &inputs, &want, Outputs::Logits);
                if off.is_nan() || off > GOLDEN {
                    complaints.push(format!("{name}: {off:e} of the largest logit"));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Compares all cases of a file with onnxruntime's outputs; the complaints.
fn disagreements(file: &str, count: usize, limit: f32) -> Vec<String> {
    let mut cases = NpzReader::new(File::open(data(file)).unwrap()).unwrap();
    let names = cases.names().unwrap();
    let names: Vec<&str> =
        names.iter().filter_map(|n| n.trim_end_matches(".npy").strip_suffix(".onnx")).collect();
    assert_eq!(names.len(), count);
    let mut wrong = vec![];
    for name in names {
        let file: Array1<u8> = cases.by_name(&format!("{name}.onnx")).unwrap();
        let inputs: Array4<f32> = cases.by_name(&format!("{name}.x")).unwrap();
        let want: Array2<f32> = cases.by_name(&format!("{name}.y")).unwrap();
        match Model::from_bytes(name, file.as_slice().unwrap(), None) {
            Err(error) => wrong.push(error.to_string()),
            Ok(model) if model.graph.classes() != want.ncols() => {
                let classes = model.graph.classes();
                wrong.push(format!("{name}: {classes} values, not {}", want.ncols()));
            }
            Ok(model) => {
                let outputs = match name {
                    "sigmoid" => Outputs::Probabilities,
                    _ if name.contains("softmax_trailing") => Outputs::LessLargest,
                    _ => Outputs::Logits,
                };
                let off = deviation(&model, &inputs, &want, outputs);
                if off.is_nan() || off > limit {
                    wrong.push(format!("{name}: {off:e} of the largest value"));
                }
            }
        }
    }
    wrong
}

/// `scripts/make_onnx_cases.py` writes the cases and runs them in onnxruntime.
#[test]
fn every_way_to_write_an_operator_agrees_with_onnxruntime() {
    let wrong = disagreements("onnx_cases.npz", 154, GOLDEN);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `scripts/make_rank_cases.py` writes the cases and runs them in onnxruntime.
#[test]
fn values_of_any_number_of_axes_agree_with_onnxruntime() {
    let wrong = disagreements("rank_cases.npz", 111, GOLDEN);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `scripts/make_model_cases.py` writes small versions of well-known networks in six ways each, and
/// a Keras one in three.
#[test]
fn networks_as_people_have_them_agree_with_onnxruntime() {
    let wrong = disagreements("model_cases.npz", 10 * 6 + 3, REAL);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `scripts/make_pattern_cases.py` writes tiny networks with one pattern each, by both exporters of PyTorch, and
/// computes their logits with onnxruntime and their gradients in double precision.
#[test]
fn patterns_of_modern_networks_have_the_logits_and_gradients_of_others() {
    let mut wrong = disagreements("pattern_cases.npz", 2 * 10, GOLDEN);
    let mut cases = NpzReader::new(File::open(data("pattern_cases.npz")).unwrap()).unwrap();
    let names = cases.names().unwrap();
    let names = names.iter().filter_map(|n| n.trim_end_matches(".npy").strip_suffix(".onnx"));
    for name in names {
        let file: Array1<u8> = cases.by_name(&format!("{name}.onnx")).unwrap();
        let x: Array4<f32> = cases.by_name(&format!("{name}.x")).unwrap();
        let want: Array4<f32> = cases.by_name(&format!("{name}.g")).unwrap();
        let model = Model::from_bytes(name, file.as_slice().unwrap(), None).unwrap();
        let graph = &model.graph;
        let acts = graph.forward(&Tensor::from_chw(x.index_axis(Axis(0), 0)));
        let found = graph.careful_gradient(&acts, &graph.seed(0, 1.0));
        let want = Tensor::from_chw(want.index_axis(Axis(0), 0)).data;
        let largest = want.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let apart = found.data.iter().zip(&want).map(|(a, b)| (a - b).abs());
        let off = apart.fold(0.0f32, |m, v| if v > m || v.is_nan() { v } else { m }) / largest;
        if off.is_nan() || off > GOLDEN {
            wrong.push(format!("{name}: the gradient is off by {off:e} of its largest value"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `scripts/make_keras_cases.py` has Keras export four networks in three and two ways; channels are
/// last in all of them.
#[test]
fn networks_that_keras_exports_agree_with_onnxruntime() {
    let mut wrong = disagreements("keras_tensorflow.npz", 4 * 3, REAL);
    wrong.extend(disagreements("keras_torch.npz", 4 * 2, REAL));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn exporters_of_one_network_give_the_same_layers() {
    let layers = |file: &str| {
        let model = Model::load(&data(&format!("onnx/{file}")), Settings::default()).unwrap();
        let rows = model.layers().into_iter();
        rows.map(|l| (l.operator, l.output, l.parameters, l.macs)).collect::<Vec<_>>()
    };
    for (network, variants) in [("lenet", 8), ("tinyvgg", 9), ("bncnn", 8)] {
        let of_network =
            |f: &PathBuf| f.file_name().unwrap().to_string_lossy().starts_with(network);
        let files: Vec<PathBuf> = models(&data("onnx")).into_iter().filter(of_network).collect();
        assert_eq!(files.len(), variants);
        let first = layers(files[0].file_name().unwrap().to_str().unwrap());
        for file in &files[1..] {
            let name = file.file_name().unwrap().to_str().unwrap();
            assert_eq!(layers(name), first, "{name}");
        }
    }
}

#[test]
fn what_was_rewritten_is_said() {
    let notes = |file: &str| {
        let model = Model::load(&data(&format!("onnx/{file}")), Settings::default()).unwrap();
        model.notes.join("\n")
    };
    insta::assert_snapshot!(notes("bncnn.dynDefault_noopt.onnx"));
}

#[test]
fn the_digest_is_that_of_the_file_and_its_external_data() {
    // sha256sum tinyvgg.ts17_fix.onnx; cat tinyvgg.alldefaults.onnx{,.data} | sha256sum
    let digest = |file: &str| {
        Model::load(&data(&format!("onnx/{file}")), Settings::default()).unwrap().digest
    };
    insta::assert_snapshot!(format!(
        "{}\n{}",
        digest("tinyvgg.ts17_fix.onnx"),
        digest("tinyvgg.alldefaults.onnx")
    ));
}

#[test]
fn real_networks_give_the_logits_of_onnxruntime() {
    let Some(shared) = shared() else {
        return skip::left_out("assets", "`../shared` is not here");
    };
    for file in models(&shared.join("models")) {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let golden = |what| shared.join(format!("goldens/models/{stem}_{what}.npy"));
        if stem.starts_with("textdir_") {
            assert!(!golden("logits").exists(), "{stem} has reference logits: compare them");
            Model::load(&file, Settings::default()).unwrap();
            continue;
        }
        let inputs: Array4<f32> = read_npy(golden("input")).unwrap();
        let want: Array2<f32> = read_npy(golden("logits")).unwrap();
        let model = Model::load(&file, Settings::default()).unwrap();
        let off = deviation(&model, &inputs, &want, Outputs::Logits);
        assert!(off < REAL, "{stem}: {off:e} of the largest logit");
        assert!(model.preprocess().is_ok(), "{stem} has a sidecar");
    }
}

/// How many pictures of a set a model gets right; `None` where the pictures are not here.
fn right(model: &str, pictures: &str) -> Option<usize> {
    let shared = shared()?;
    let file = shared.join("models").join(model).with_extension("onnx");
    let model = Model::load(&file, Settings::default()).unwrap();
    let preprocess = model.preprocess().unwrap();
    let set = open(&shared.join("images").join(pictures), &Options::default()).unwrap();
    let is_right = |i: usize| {
        let item = set.item(i).unwrap();
        let picture = preprocess.picture(&item.image).unwrap();
        let logits = model.graph.logits(&preprocess.normalise(&picture));
        let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b]));
        best == item.label
    };
    Some((0..set.len()).into_par_iter().filter(|i| is_right(*i)).count())
}

/// The numbers are onnxruntime's on the same pictures; JPEG decoders differ, so on photographs three
/// of them may. Some seconds per network: all pictures that there are.
#[test]
fn networks_classify_as_many_pictures_right_as_in_onnxruntime() {
    let cases = [
        ("mnist_lenet5_lrptoolbox", "mnist", 9924, 0),
        ("mnist_burn_bn", "mnist", 9917, 0),
        ("cifar10_convnetjs", "cifar10", 756, 0),
        ("cifar10_resnet20", "cifar10", 915, 0),
        ("cifar10_resnet56", "cifar10", 926, 0),
        ("squeezenet1_1_227", "imagenet_val", 480, 3),
        ("googlenet_bvlc", "imagenet_val", 528, 3),
    ];
    for (model, pictures, expected, margin) in cases {
        match right(model, pictures) {
            Some(found) => assert!(found.abs_diff(expected) <= margin, "{model}: {found}"),
            None => skip::left_out("assets", &format!("`../shared` is not here for {model}")),
        }
    }
}
