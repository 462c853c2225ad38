//! Networks that end otherwise than in several logits: a sigmoid of one, sigmoids of several, a value.

use super::{Desk, stderr, stdout};
use image::{GrayImage, Luma};
use pixelflip::{
    nn::head::Head,
    run::record::{AllLogits, read_folder},
};
use std::fs;

/// Writes of Protocol Buffers what a small ONNX file needs.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn int(mut self, field: u64, value: u64) -> Message {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Message {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn text(self, field: u64, value: &str) -> Message {
        self.bytes(field, value.as_bytes())
    }

    fn message(self, field: u64, value: &Message) -> Message {
        self.bytes(field, &value.0)
    }
}

fn node(op: &str, inputs: &[&str], output: &str) -> Message {
    let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
    let node = node.text(2, output).text(3, output).text(4, op);
    let transposed = Message::default().text(1, "transB").int(3, 1).int(20, 2);
    if op == "Gemm" { node.message(5, &transposed) } else { node }
}

fn floats(name: &str, dims: &[usize], values: &[f32]) -> Message {
    let tensor = dims.iter().fold(Message::default(), |t, d| t.int(1, *d as u64));
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor.int(2, 1).text(8, name).bytes(9, &raw)
}

fn value(name: &str, dims: &[usize]) -> Message {
    let dims = dims.iter().map(|d| Message::default().int(1, *d as u64));
    let shape = dims.fold(Message::default(), |shape, dim| shape.message(1, &dim));
    let tensor = Message::default().int(1, 1).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

/// `W x + b` of a grey picture of 4x4 pixels, with operators behind it.
fn network(weights: &[f32], bias: &[f32], behind: &[&str]) -> Vec<u8> {
    network_with(weights, bias, behind, &[])
}

/// The same, with more outputs before the last.
fn network_with(weights: &[f32], bias: &[f32], behind: &[&str], more: &[&str]) -> Vec<u8> {
    let outputs = bias.len();
    let mut graph = Message::default()
        .message(1, &node("Flatten", &["x"], "flat"))
        .message(1, &node("Gemm", &["flat", "w", "b"], "fc"));
    let mut last = "fc".to_owned();
    for op in behind {
        let output = format!("{last}_{}", op.to_lowercase());
        graph = graph.message(1, &node(op, &[&last], &output));
        last = output;
    }
    let graph = graph
        .text(2, "g")
        .message(5, &floats("w", &[outputs, 16], weights))
        .message(5, &floats("b", &[outputs], bias))
        .message(11, &value("x", &[1, 1, 4, 4]));
    let all = more.iter().copied().chain([&last[..]]);
    let graph = all.fold(graph, |graph, name| graph.message(12, &value(name, &[1, outputs])));
    let opset = Message::default().text(1, "").int(2, 17);
    Message::default().int(1, 8).message(7, &graph).message(8, &opset).0
}

/// Twice the mean of the upper half, minus the mean of the lower, minus a half.
fn contrast() -> Vec<f32> {
    (0..16).map(|i| if i < 8 { 0.25 } else { -0.125 }).collect()
}

const SIDECAR: &str = "channels = 'grey'\nscale = 0.00392156862745098\nmean = [0.0]\nstd = [1.0]\n";

/// A folder with `m.onnx` and two pictures in folders by class: `yes/bright.png`, whose logit is 1.5,
/// and `no/dark.png`, whose logit is -1.5.
fn desk(model: &[u8]) -> Desk {
    let desk = Desk::new(0);
    fs::write(desk.path("m.onnx"), model).unwrap();
    fs::write(desk.path("m.toml"), format!("{SIDECAR}classes = 'names.txt'\n")).unwrap();
    fs::write(desk.path("names.txt"), "no\nyes\n").unwrap();
    for (name, above) in [("yes/bright", true), ("no/dark", false)] {
        let folder = desk.path("pictures").join(name);
        fs::create_dir_all(folder.parent().unwrap()).unwrap();
        let picture = GrayImage::from_fn(4, 4, |_, y| Luma([u8::from((y < 2) == above) * 255]));
        picture.save(folder.with_extension("png")).unwrap();
    }
    desk
}

const RUN: &str = "run --model m.onnx --data pictures --region 1 --steps 16 --repeats 1 \
                   --perturbation constant:value=0 --methods random,gradient-x-input --quiet";

fn one_logit() -> Desk {
    desk(&network(&contrast(), &[-0.5], &["Sigmoid"]))
}

#[test]
fn one_logit_is_told_as_two_classes_with_their_probabilities() {
    let desk = one_logit();
    let told = |picture: &str| {
        stdout(&desk.expect(0, &format!("predict --model m.onnx --input pictures/{picture}.png")))
    };
    // sigmoid(1.5) = 0.8176
    assert_eq!(
        told("yes/bright"),
        "class  logit    probability  name\n1      1.5000   0.8176       yes\n0      -1.5000  0.1824       no\n"
    );
    assert_eq!(
        told("no/dark"),
        "class  logit    probability  name\n0      1.5000   0.8176       no\n1      -1.5000  0.1824       yes\n"
    );
}

#[test]
fn the_predicted_side_of_one_logit_is_explained() {
    let desk = one_logit();
    let explain = |picture: &str, more: &str| {
        let ours = format!("explain --model m.onnx --input pictures/{picture}.png --out h.npy");
        let told = stderr(&desk.expect(0, &format!("{ours} {more}")));
        let map: ndarray::Array3<f32> = ndarray_npy::read_npy(desk.path("h.npy")).unwrap();
        (told, map.into_raw_vec_and_offset().0)
    };
    let near = |found: &[f32], upper: f32, lower: f32| {
        for (i, f) in found.iter().enumerate() {
            let wanted = if i < 8 { upper } else { lower };
            assert!((f - wanted).abs() < 1e-5, "{found:?}");
        }
    };
    let (told, map) = explain("yes/bright", "--method gradient-x-input");
    assert!(told.contains("the logit is 1.5000; class 1 is explained, whose score is the logit"));
    near(&map, 0.25, 0.0);
    let (told, map) = explain("no/dark", "--method gradient-x-input");
    let side = "the logit is -1.5000; class 0 is explained, whose score is minus the logit";
    assert!(told.contains(side), "{told}");
    near(&map, 0.0, 0.125);
    near(&explain("no/dark", "--method gradient-x-input --target 1").1, 0.0, -0.125);
    // what speaks for class 0 are the negative weights, also by a rule that looks at signs
    near(&explain("no/dark", "--method lrp-z-plus").1, 0.0, 1.5 * 0.125 / 1.5);
    let rise = "--method rise:cells=2:samples=400";
    let half = |map: &[f32], from: usize| map[from..from + 8].iter().sum::<f32>() / 8.0;
    let map = explain("yes/bright", rise).1;
    assert!(half(&map, 0) > half(&map, 8) + 0.05, "{map:?}");
    let told = stderr(&desk.expect(
        2,
        "explain --model m.onnx --input pictures/no/dark.png --method gradient --target 2 --out h.npy",
    ));
    assert!(told.contains("the network has classes 0 to 1"), "{told}");
}

#[test]
fn labels_accuracy_and_scores_of_one_logit_are_those_of_two_classes() {
    let desk = one_logit();
    // quiet runs print nothing
    let aloud = RUN.replace(" --quiet", "");
    let told = stdout(&desk.expect(0, &format!("{aloud} --record all --out logit")));
    // of 17 steps 8 lower 1.5 by 0.25 each, or 1.5 by 0.125: (25 + 12.5) / 17 / 2
    assert!(told.contains("gradient-x-input  1.103"), "{told}");
    let manifest = fs::read_to_string(desk.path("logit/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["results"]["top1"], 1.0);
    assert_eq!(manifest["model"]["classes"], 2);
    let notes = manifest["model"]["notes"].to_string();
    assert!(notes.contains("trailing sigmoid") && notes.contains("minus the logit"), "{notes}");
    desk.expect(0, &format!("{RUN} --score softmax --out softmax"));
    let rows = |folder: &str| {
        read_folder(&desk.path(&format!("{folder}/curves")), AllLogits::Read).unwrap()
    };
    let (logits, probabilities) = (rows("logit"), rows("softmax"));
    assert_eq!(logits.len(), probabilities.len());
    for (logit, probability) in logits.iter().zip(&probabilities) {
        assert_eq!((logit.head, logit.target), (Head::OneLogit, logit.label));
        let (z, p) = (logit.scores.as_ref().unwrap(), probability.scores.as_ref().unwrap());
        assert!((z[0] - 1.5).abs() < 1e-5);
        for (z, p) in z.iter().zip(p) {
            assert!((1.0 / (1.0 + (-z).exp()) - p).abs() < 1e-6, "{z} {p}");
        }
    }
    // the class flips where its logit falls below 0
    let ranking = stdout(&desk.expect(0, "rank logit --metric steps-to-flip"));
    assert!(ranking.contains("steps-to-flip"), "{ranking}");
    desk.expect(0, &format!("{RUN} --target label --select correct --out correct"));
    let told = stderr(&desk.expect(2, &format!("{RUN} --select wrong --out wrong")));
    assert!(told.contains("`wrong` leaves no picture"), "{told}");
}

#[test]
fn each_class_of_several_sigmoids_stands_for_itself() {
    // the second class is always on, the first is that of one logit
    let weights: Vec<f32> = contrast().into_iter().chain([0.0; 16]).collect();
    let desk = desk(&network(&weights, &[-0.5, 2.0], &["Sigmoid"]));
    let told = stdout(&desk.expect(0, "predict --model m.onnx --input pictures/no/dark.png"));
    // sigmoid(2) = 0.8808, sigmoid(-1.5) = 0.1824: they do not sum up to 1
    assert_eq!(
        told,
        "class  logit    probability  name\n1      2.0000   0.8808       yes\n0      -1.5000  0.1824       no\n"
    );
    desk.expect(0, &format!("{RUN} --score softmax --record all --target label --out out"));
    let manifest = fs::read_to_string(desk.path("out/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    // `yes` is said of both pictures, `no` not of its own
    assert_eq!(manifest["results"]["top1"], 0.5);
    for row in read_folder(&desk.path("out/curves"), AllLogits::Read).unwrap() {
        let target = row.target.unwrap() as usize;
        let all = row.all_logits.unwrap();
        for (step, p) in all.chunks_exact(2).zip(row.scores.unwrap()) {
            assert!((1.0 / (1.0 + (-step[target]).exp()) - p).abs() < 1e-6);
        }
    }
}

#[test]
fn a_single_value_is_no_probability_unless_it_is_said_to_be_a_logit() {
    let desk = desk(&network(&contrast(), &[-0.5], &[]));
    fs::write(desk.path("m.toml"), SIDECAR).unwrap();
    let predict = "predict --model m.onnx --input pictures/no/dark.png";
    assert_eq!(stdout(&desk.expect(0, predict)), "class  value    name\n0      -1.5000\n");
    let explain = "explain --model m.onnx --input pictures/yes/bright.png --out h.npy --method";
    desk.expect(0, &format!("{explain} rise:samples=40:score=logit"));
    let told = [
        desk.told(&format!("{RUN} --score softmax --out softmax")),
        desk.told(&RUN.replace("gradient-x-input", "rise")),
        desk.told(&format!("{explain} rise")),
        desk.told(&format!("{RUN} --metrics irof --out irof")),
        desk.told(&format!("{RUN} --metrics road --out road")),
        desk.told(&format!("{RUN} --select correct --out correct")),
        desk.told(&format!("{RUN} --select top-confident:1 --out top")),
        desk.told(&format!("{predict} --head softmax")),
        desk.told(&format!("{RUN} --out value")),
    ];
    insta::assert_snapshot!(told.concat());
    let manifest = fs::read_to_string(desk.path("value/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["results"]["top1"], serde_json::Value::Null);
    let said = stdout(&desk.expect(0, &format!("{predict} --head sigmoid")));
    assert!(said.contains("0      1.5000   0.8176"), "{said}");
    // the manifest keeps what was said
    desk.expect(0, &format!("{RUN} --head sigmoid --out said"));
    desk.expect(0, "run said/manifest.json --out again --quiet");
    assert_eq!(desk.tables("said")["summary.csv"], desk.tables("again")["summary.csv"]);
}

#[test]
fn outputs_that_are_not_finite_are_refused_by_every_command() {
    // finite weights whose products overflow
    let desk = desk(&network(&[3e38; 32], &[0.0; 2], &["Softmax"]));
    let picture = "--model m.onnx --input pictures/yes/bright.png";
    let told = [
        desk.told(&format!("predict {picture}")),
        desk.told(&format!("explain {picture} --method sobel --out h.png")),
        desk.told(&format!("explain {picture} --method sobel --target 1 --out h.png")),
        desk.told(&format!("explain {picture} --method sobel --target 1 --slide 1 --out h.png")),
        desk.told("bench --model m.onnx --region 1 --steps 4 --rounds 1"),
        desk.told(&format!("{RUN} --threads 1 --out out")),
    ];
    insta::assert_snapshot!(told.concat());
}

#[test]
fn of_two_outputs_the_one_that_is_named_is_watched_and_recorded() {
    let weights = [contrast(), contrast().iter().map(|w| -w).collect()].concat();
    let desk = desk(&network_with(&weights, &[-0.5, 0.5], &["Tanh"], &["fc"]));
    let chosen = "the model has 2 outputs, the scores are taken from `fc`";
    let predict = "predict --model m.onnx --input pictures/yes/bright.png";
    let first = desk.expect(0, predict);
    assert!(stderr(&first).contains(chosen), "{}", stderr(&first));
    assert!(stdout(&first).contains("1.5000"), "{}", stdout(&first));
    // tanh(1.5) = 0.9051
    let named = desk.expect(0, &format!("{predict} --output fc_tanh"));
    assert!(stderr(&named).is_empty() && stdout(&named).contains("0.9051"), "{}", stdout(&named));
    let run = RUN.replace(" --quiet", "");
    let manifest = |folder: &str, flags: &str| -> (String, serde_json::Value) {
        let told = stderr(&desk.expect(0, &format!("{run} --out {folder} {flags}")));
        let text = fs::read_to_string(desk.path(folder).join("manifest.json")).unwrap();
        (told, serde_json::from_str(&text).unwrap())
    };
    let (told, own) = manifest("own", "");
    assert!(told.contains(chosen), "{told}");
    assert_eq!(own["config"]["preprocess"]["output"], "fc");
    let (told, other) = manifest("other", "--output fc_tanh");
    assert!(!told.contains(chosen), "{told}");
    assert_eq!(other["config"]["preprocess"]["output"], "fc_tanh");
    assert_ne!(own["digest"], other["digest"]);
    let refused = stderr(&desk.expect(2, &format!("{predict} --output logits")));
    assert!(refused.contains("no node computes `logits`"), "{refused}");
}
