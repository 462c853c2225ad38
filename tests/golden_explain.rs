//! Reference attributions made with zennit 0.5.1, captum 0.9.0 and autograd of PyTorch 2.15 in
//! double precision, on three networks as seven exporters write them.

#![expect(clippy::print_stdout, reason = "the worst deviations are worth reading")]

#[path = "common/skip.rs"]
mod skip;

use ndarray::{Array4, ArrayView3, Axis};
use ndarray_npy::{NpzReader, read_npy};
use pixelflip::{
    base::{registry::build, rng::Seed},
    explain::{
        Case, EXPLAINERS, Explainer,
        lrp::{Lrp, Options, composite::Composite},
    },
    nn::{
        graph::{Activations, Graph},
        model::Model,
        preprocess::Settings,
        tensor::Tensor,
    },
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
};

/// How an array is reproduced.
#[derive(Clone, Copy)]
enum By {
    /// A method of the registry.
    Spec(&'static str),
    /// A composite of two lines: the rule at the first layer, the rule elsewhere.
    FirstRest(&'static str, &'static str),
    /// A method that is slow: on one file per network only.
    Slow(&'static str),
    /// Not ours, for this reason.
    Not(&'static str),
}

use By::{FirstRest, Not, Slow, Spec};

const ZENNIT: &str = "records a flaw of zennit or a network without folded batch norm";
const SQUARED_BIAS: &str = "zennit squares the bias along; the `_nobias` twin counts";

/// Every golden array and what reproduces it.
const ARRAYS: &[(&str, By)] = &[
    ("gradient", Spec("gradient")),
    ("gradient_x_input", Spec("gradient-x-input")),
    ("lrp_eps1e-6", Spec("lrp-zero")),
    ("lrp_eps1e-6_nobias", Spec("lrp-zero:bias=ignore")),
    ("lrp_eps0.25", Spec("lrp-epsilon:eps=0.25")),
    ("lrp_eps0.25_nobias", Spec("lrp-epsilon:eps=0.25:bias=ignore")),
    ("lrp_zplus", Spec("lrp-z-plus")),
    ("lrp_zplus_nobias", Spec("lrp-z-plus:bias=ignore")),
    ("lrp_ab_2_1", Spec("lrp-alpha-beta:alpha=2:beta=1")),
    ("lrp_ab_2_1_nobias", Spec("lrp-alpha-beta:alpha=2:beta=1:bias=ignore")),
    ("lrp_ab_1_0", Spec("lrp-alpha-beta:alpha=1:beta=0")),
    ("lrp_ab_1_0_nobias", Spec("lrp-alpha-beta:alpha=1:beta=0:bias=ignore")),
    ("lrp_gamma0.25", Spec("lrp-gamma:gamma=0.25")),
    ("lrp_gamma0.25_nobias", Spec("lrp-gamma:gamma=0.25:bias=ignore")),
    ("lrp_flat", Spec("lrp-flat")),
    ("lrp_flat_first_zplus", FirstRest("lrp-flat", "lrp-z-plus")),
    ("lrp_wsquare", Not(SQUARED_BIAS)),
    ("lrp_wsquare_nobias", Spec("lrp-w-square")),
    ("lrp_wsquare_first_zplus", Not(SQUARED_BIAS)),
    ("lrp_wsquare_first_zplus_nobias", FirstRest("lrp-w-square", "lrp-z-plus:bias=ignore")),
    ("lrp_zbox_first_zplus", Spec("deep-taylor")),
    ("lrp_zbox_first_zplus_nobias", Spec("deep-taylor:bias=ignore")),
    ("lrp_zbox_first_eps1e-6", FirstRest("lrp-z-box", "lrp-zero")),
    ("lrp_zbox_first_eps1e-6_nobias", FirstRest("lrp-z-box", "lrp-zero:bias=ignore")),
    ("comp_EpsilonPlus", Spec("lrp-epsilon-plus")),
    ("comp_EpsilonPlusFlat", Spec("lrp-epsilon-plus-flat")),
    ("comp_EpsilonAlpha2Beta1", Spec("lrp-epsilon-alpha2-beta1")),
    ("comp_EpsilonAlpha2Beta1Flat", Spec("lrp-epsilon-alpha2-beta1-flat")),
    ("comp_EpsilonGammaBox", Spec("lrp-epsilon-gamma-box")),
    ("comp_ExcitationBackprop", Spec("excitation-backprop")),
    ("comp_DeconvNet", Spec("deconvolution")),
    ("comp_GuidedBackprop", Spec("guided-backprop")),
    ("captum_Deconvolution", Spec("deconvolution")),
    ("captum_GuidedBackprop", Spec("guided-backprop")),
    ("gradcam_raw", Spec("grad-cam:relu=no:upsample=none")),
    ("gradcam_relu", Spec("grad-cam:upsample=none")),
    ("gradcam_relu_bilinear", Spec("grad-cam:upsample=bilinear")),
    ("ig50_gausslegendre", Slow("integrated-gradients:baseline=zero:quadrature=gauss-legendre")),
    ("ig50_riemann_left", Slow("integrated-gradients:baseline=zero:quadrature=left")),
    ("ig50_riemann_right", Slow("integrated-gradients:baseline=zero:quadrature=right")),
    ("ig50_riemann_middle", Slow("integrated-gradients:baseline=zero:quadrature=middle")),
    (
        "ig50_riemann_trapezoid",
        Slow("integrated-gradients:baseline=zero:quadrature=captum-trapezoid"),
    ),
    ("occlusion_w4s4_zero", Slow("occlusion:window=4:stride=4:value=zero")),
    ("occlusion_w5s3_zero", Slow("occlusion:window=5:stride=3:value=zero")),
    ("occlusion_w9s9_zero", Slow("occlusion:window=9:stride=9:value=zero")),
    ("zcanon_comp_EpsilonPlusFlat", Not(ZENNIT)),
    ("zcanon_lrp_eps0.25", Not(ZENNIT)),
    ("nocanon_comp_EpsilonPlusFlat", Not(ZENNIT)),
    ("nocanon_lrp_eps1e-6", Not(ZENNIT)),
];

/// Networks whose file is written by one exporter only.
const BRANCHED: [&str; 3] = ["mixnet", "resnet", "firenet"];

const NETWORKS: [&str; 6] = ["lenet", "tinyvgg", "bncnn", "mixnet", "resnet", "firenet"];

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

fn json(file: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn explainer(array: &str, by: By) -> Option<Box<dyn Explainer>> {
    match by {
        Spec(spec) | Slow(spec) => {
            Some(build("method", EXPLAINERS, &spec.parse().unwrap()).unwrap().value)
        }
        FirstRest(first, rest) => {
            let bias = if array.ends_with("_nobias") { "ignore" } else { "keep" };
            let text = format!(
                "[[line]]\nkind = 'scale'\nrule = 'lrp-zero:bias={bias}'\n\
                 [[line]]\nat = 'first'\nrule = '{first}'\n[[line]]\nrule = '{rest}'"
            );
            let composite = Composite::from_toml(&text).unwrap();
            Some(Box::new(Lrp::new(composite, Options::default())))
        }
        Not(_) => None,
    }
}

/// The arrays of one network and what the manifest says of them.
struct Golden {
    npz: NpzReader<File>,
    manifest: Value,
    inputs: Array4<f32>,
    targets: Vec<usize>,
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Golden {
    fn open(network: &'static str) -> Golden {
        let own = data(&format!("goldens/{network}.json"));
        let manifest = if own.exists() {
            json(&own)
        } else {
            json(&data("goldens/manifest.json"))["models"][network].take()
        };
        let file = File::open(data(&format!("goldens/{network}.npz"))).unwrap();
        let mut npz = NpzReader::new(file).unwrap();
        let inputs = npz.by_name("input").unwrap();
        let numbers = |key: &str| -> Vec<f32> {
            let values = manifest[key].as_array().unwrap().iter();
            values.map(|v| v.as_f64().unwrap() as f32).collect()
        };
        let targets = numbers("targets").iter().map(|t| *t as usize).collect();
        let (low, high) = (numbers("zbox_low"), numbers("zbox_high"));
        Golden { npz, manifest, inputs, targets, low, high }
    }

    fn names(&self) -> BTreeSet<String> {
        self.manifest["arrays"].as_object().unwrap().keys().cloned().collect()
    }

    fn number(&self, array: &str, key: &str) -> f64 {
        self.manifest["arrays"][array][key].as_f64().unwrap()
    }

    /// How far an array may be off, as a share of its largest value: 1e-4, or more where PyTorch
    /// itself is off in single precision.
    fn tolerance(&self, array: &str) -> f64 {
        let own = self.number(array, "dev_f32_max_abs") / self.number(array, "max_abs");
        f64::max(1e-4, 4.0 * own)
    }

    /// The largest deviation over all inputs, as a share of the array's largest value.
    fn deviation(
        &mut self,
        graph: &Graph,
        acts: &[Activations],
        array: &str,
        method: &dyn Explainer,
    ) -> f64 {
        let expected: Array4<f32> = self.npz.by_name(array).unwrap();
        let mut worst = 0.0f64;
        for (i, expected) in expected.axis_iter(Axis(0)).enumerate() {
            let case = Case {
                graph,
                acts: &acts[i],
                target: self.targets[i],
                low: &self.low,
                high: &self.high,
                seed: Seed(0),
                image: "",
            };
            let got = method.relevance(&case).unwrap().to_chw();
            worst = worst.max(distance(got.view(), expected));
        }
        worst / self.number(array, "max_abs")
    }
}

/// The largest difference; a map of one channel stands for all channels.
fn distance(got: ArrayView3<'_, f32>, expected: ArrayView3<'_, f32>) -> f64 {
    let got = got.broadcast(expected.dim()).expect("relevance has the shape of the array");
    let off = got.iter().zip(&expected).map(|(g, e)| (f64::from(*g) - f64::from(*e)).abs());
    off.fold(0.0, f64::max)
}

/// Model files of a network; the first is the one the arrays were made with.
fn files(network: &str, golden: &Golden) -> Vec<PathBuf> {
    let first = golden.manifest["onnx"].as_str().unwrap();
    let folders = ["onnx", "goldens"].map(data);
    let first = folders.map(|folder| folder.join(first)).into_iter().find(|f| f.exists()).unwrap();
    let all = fs::read_dir(data("onnx")).unwrap().map(|f| f.unwrap().path());
    let is_other = |f: &PathBuf| {
        let name = f.file_name().unwrap().to_str().unwrap();
        let is_model = f.extension().is_some_and(|e| e == "onnx");
        name.starts_with(network) && is_model && *f != first
    };
    let mut others: Vec<PathBuf> = all.filter(is_other).collect();
    others.sort();
    [vec![first], others].concat()
}

/// Compares all arrays of a network on all its files; prints the worst deviation of each array.
fn check(network: &'static str) {
    let mut golden = Golden::open(network);
    let files = files(network, &golden);
    assert!(files.len() >= 8 || BRANCHED.contains(&network), "{files:?}");
    let (mut worst, mut wrong): (BTreeMap<&str, f64>, Vec<String>) = Default::default();
    for (i, file) in files.iter().enumerate() {
        let graph = Model::load(file, Settings::default()).unwrap().graph;
        let pictures = golden.inputs.axis_iter(Axis(0));
        let acts: Vec<Activations> =
            pictures.map(|x| graph.forward(&Tensor::from_chw(x))).collect();
        let names = golden.names();
        for (array, by) in ARRAYS.iter().filter(|(array, _)| names.contains(*array)) {
            let skip = i > 0 && matches!(by, Slow(_));
            let Some(method) = explainer(array, *by).filter(|_| !skip) else { continue };
            let off = golden.deviation(&graph, &acts, array, &*method);
            let tolerance = golden.tolerance(array);
            if off > tolerance {
                wrong.push(format!("{array} of {}: {off:e} > {tolerance:e}", file.display()));
            }
            let entry = worst.entry(array).or_default();
            *entry = entry.max(off);
        }
    }
    for (array, off) in worst {
        println!("{network} {array} {off:.1e} of {:.1e}", golden.tolerance(array));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lenet_agrees_with_the_references() {
    check("lenet");
}

#[test]
fn tinyvgg_agrees_with_the_references() {
    check("tinyvgg");
}

#[test]
fn bncnn_agrees_with_the_references() {
    check("bncnn");
}

/// Residual sums, a concatenation, average pools, groups, batch norm in the file, `LeakyReLU` and
/// `ReLU6`: made by `scripts/make_residual_goldens.py`.
#[test]
fn a_residual_and_concatenating_network_agrees_with_the_references() {
    check("mixnet");
}

/// Basic blocks with strided shortcuts, and pre-activation blocks whose batch norm stays; made, as
/// the next, by `scripts/make_branch_goldens.py`.
#[test]
fn a_deeper_residual_network_agrees_with_the_references() {
    check("resnet");
}

/// Fire and inception modules, depthwise and grouped convolutions, padding of two sides, a
/// rounded-up max-pool, a convolutional head.
#[test]
fn a_network_of_concatenations_agrees_with_the_references() {
    check("firenet");
}

#[test]
fn every_golden_array_is_reproduced_or_left_out_for_a_reason() {
    let known: BTreeSet<String> = ARRAYS.iter().map(|(array, _)| (*array).to_owned()).collect();
    assert_eq!(known.len(), ARRAYS.len());
    for network in NETWORKS {
        for array in Golden::open(network).names() {
            assert!(known.contains(&array) || array == "logits", "{array} of {network}");
        }
    }
    let left_out = ARRAYS.iter().filter_map(|(array, by)| match by {
        Not(reason) => Some(format!("{array}: {reason}")),
        _ => None,
    });
    left_out.for_each(|line| println!("left out: {line}"));
}

/// The folder of assets that are not part of the project.
fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("PIXELFLIP_SHARED").map_or_else(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// How the reference arrays of gated networks are reproduced; networks with gates have each twice, as
/// `_half` and `_signal`.
const GATED: &[(&str, &str)] = &[
    ("gradient", "gradient"),
    ("gradient_x_input", "gradient-x-input"),
    ("lrp_eps0", "lrp-epsilon:eps=0"),
    ("lrp_eps1e-6", "lrp-zero"),
    ("lrp_epsilon_plus", "lrp-epsilon-plus"),
    ("lrp_epsilon_plus_flat", "lrp-epsilon-plus-flat"),
    ("lrp_gamma0.25", "lrp-gamma:gamma=0.25"),
    ("lrp_zplus", "lrp-z-plus"),
];

#[test]
fn gated_networks_and_layer_normalisation_have_the_reference_maps() {
    let Some(shared) = shared() else {
        return skip::left_out("assets", "`../shared` is not here");
    };
    let folder = shared.join("goldens/transformers");
    let mut wrong = vec![];
    for (network, gates) in [("tinyse", &["half", "signal"][..]), ("tinyconvnext", &[])] {
        let mut npz = NpzReader::new(File::open(folder.join(format!("{network}.npz"))).unwrap());
        let npz = npz.as_mut().unwrap();
        for file in ["dyn18_fix", "dyn18_dyn", "ts17_fix", "ts17_dyn"] {
            let file = folder.join(format!("onnx/{network}.{file}.onnx"));
            let graph = Model::load(&file, Settings::default()).unwrap().graph;
            for (array, spec) in GATED {
                let each =
                    |gate: &&str| (format!("{array}_{gate}"), format!("{spec}:product={gate}"));
                let mut all: Vec<(String, String)> = gates.iter().map(each).collect();
                if all.is_empty() || array.starts_with("gradient") {
                    all = vec![((*array).to_owned(), (*spec).to_owned())];
                }
                for (array, spec) in all {
                    let off = off(&graph, npz, &array, &spec);
                    println!("{network} {array} {off:.1e}");
                    // single precision; without an epsilon in layers there still is one in sums, means and
                    // normalisation, which moves a map by up to 6e-3 of its largest value
                    let limit = if array.starts_with("lrp_eps0") { 2e-3 } else { 1e-4 };
                    if off.is_nan() || off > limit {
                        wrong.push(format!("{array} of {}: {off:e}", file.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How the reference arrays of transformers are reproduced, and how far ours may be off as a share of the
/// largest value: single precision costs 3e-6 where there is no epsilon, up to 2e-4 where quotients have one,
/// and 6e-3 where the total of a sum is divided by.
const ATTENTION: &[(&str, &str, f32)] = &[
    ("gradient", "gradient", 2e-5),
    ("gradient_x_input", "gradient-x-input", 2e-5),
    ("ig50_middle", "integrated-gradients:baseline=zero:quadrature=middle", 2e-5),
    ("attnlrp_eps0", "attnlrp:eps=0", 2e-5),
    ("attnlrp_eps1e-6", "attnlrp", 2e-4),
    ("attnlrp_gamma", "attnlrp-gamma", 2e-4),
    ("attnlrp_gamma_eps0", "attnlrp-gamma:eps=0", 5e-5),
    ("cplrp_eps0", "cp-lrp:eps=0", 2e-5),
    ("cplrp_eps1e-6", "cp-lrp", 2e-4),
    ("cplrp_gamma", "cp-lrp-gamma", 2e-4),
    ("cplrp_gamma_eps0", "cp-lrp-gamma:eps=0", 5e-5),
    ("rollout__tokens", "attention-rollout:upsample=none", 1e-5),
    ("generic_attribution__tokens", "generic-attention:upsample=none", 1e-5),
    ("transformer_attribution__tokens", "transformer-attribution:upsample=none", 6e-3),
    ("attention_gradcam__tokens", "attention-grad-cam:upsample=none", 1e-5),
    ("legrad__tokens", "legrad:upsample=none", 1e-5),
];

#[test]
fn transformers_have_the_reference_maps_whoever_exported_them() {
    let Some(shared) = shared() else {
        return skip::left_out("assets", "`../shared` is not here");
    };
    let folder = shared.join("goldens/transformers");
    let mut wrong = vec![];
    for network in ["tinyvit", "tinyvit_timm", "tinyswin"] {
        let npz = NpzReader::new(File::open(folder.join(format!("{network}.npz"))).unwrap());
        let mut npz = npz.unwrap();
        let names: Vec<String> = npz.names().unwrap();
        let files = fs::read_dir(folder.join("onnx")).unwrap().map(|f| f.unwrap().path());
        let of_network = |f: &PathBuf| {
            f.file_name().is_some_and(|f| f.to_string_lossy().starts_with(&format!("{network}.")))
        };
        for file in files.filter(of_network) {
            let graph = Model::load(&file, Settings::default()).unwrap().graph;
            for (array, spec, limit) in ATTENTION {
                let there = |name: &String| name.trim_end_matches(".npy") == *array;
                if !names.iter().any(there) {
                    continue;
                }
                let off = off(&graph, &mut npz, array, spec);
                println!("{} {array} {off:.1e}", file.file_name().unwrap().display());
                if off.is_nan() || off > *limit {
                    wrong.push(format!("{array} of {}: {off:e}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The largest difference of a method's maps from an array, as a share of its largest value.
fn off(graph: &Graph, npz: &mut NpzReader<File>, array: &str, spec: &str) -> f32 {
    let inputs: Array4<f32> = npz.by_name("input").unwrap();
    let targets: ndarray::Array1<i64> = npz.by_name("target").unwrap();
    let want = npz.by_name::<ndarray::OwnedRepr<f32>, ndarray::IxDyn>(array).unwrap();
    // maps of tokens have no channels
    let want = match want.into_dimensionality::<ndarray::Ix3>() {
        Ok(maps) => maps.insert_axis(Axis(1)),
        Err(_) => npz.by_name(array).unwrap(),
    };
    let method = build("method", EXPLAINERS, &spec.parse().unwrap()).unwrap().value;
    let largest = want.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    let (low, high) = ([f32::NAN; 3], [f32::NAN; 3]);
    let mut worst = 0.0f64;
    for (i, x) in inputs.axis_iter(Axis(0)).enumerate() {
        let acts = graph.forward(&Tensor::from_chw(x));
        let case = Case {
            graph,
            acts: &acts,
            target: targets[i] as usize,
            low: &low,
            high: &high,
            seed: Seed(0),
            image: "",
        };
        let got = method.relevance(&case).unwrap().to_chw();
        worst = worst.max(distance(got.view(), want.index_axis(Axis(0), i)));
    }
    (worst / f64::from(largest)) as f32
}

/// All that arrives at a layer goes to its inputs, to its bias, or is shown as lost; these methods
/// lose nothing but what stabilisers take. Some seconds: deep networks, forwards and backwards.
#[test]
fn real_networks_hand_on_all_relevance() {
    let Some(shared) = shared() else {
        return skip::left_out("assets", "`../shared` is not here");
    };
    for name in [
        "squeezenet1_1_227",
        "googlenet_bvlc",
        "cifar10_resnet20",
        "cifar10_resnet56",
        "cifar10_convnetjs",
        "mnist_lenet5_lrptoolbox",
        "mnist_burn_bn",
    ] {
        let file = shared.join(format!("models/{name}.onnx"));
        let graph = Model::load(&file, Settings::default()).unwrap().graph;
        let inputs: Array4<f32> =
            read_npy(shared.join(format!("goldens/models/{name}_input.npy"))).unwrap();
        let acts = graph.forward(&Tensor::from_chw(inputs.index_axis(Axis(0), 0)));
        let scores = &acts.value(graph.output()).data;
        let target = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
        let (low, high, seed) = ([-200.0; 3], [200.0; 3], Seed(0));
        let (graph, acts) = (&graph, &acts);
        let case = Case { graph, acts, target, low: &low, high: &high, seed, image: "" };
        for method in ["lrp-zero", "lrp-gamma", "lrp-z-plus", "lrp-epsilon-plus-flat"] {
            conserves(name, method, &case);
        }
    }
}

fn conserves(network: &str, method: &str, case: &Case<'_>) {
    let explainer = build("method", EXPLAINERS, &method.parse().unwrap()).unwrap().value;
    let (relevance, trace) = explainer.traced(case).unwrap();
    for row in trace.expect("LRP records a trace") {
        let lost = row.lost().abs();
        assert!(lost <= 1e-4 * row.size, "{network} {method}: {lost:e} lost of {row:?}");
    }
    let size: f64 = relevance.data.iter().map(|r| f64::from(r.abs())).sum();
    println!("{network} {method}: score {}, sum of sizes {size}", case.score());
    // residual networks under other tools reach 1e10
    assert!(size < 1e3 * f64::from(case.score().abs()), "{network} {method}: {size}");
}
