//! The program, end to end, on a small network and pictures made here.

#[path = "cli/advice.rs"]
mod advice;
#[path = "cli/cluster.rs"]
mod cluster;
#[path = "cli/heads.rs"]
mod heads;
#[path = "cli/known.rs"]
mod known;
#[path = "cli/metrics.rs"]
mod metrics;
#[path = "cli/names.rs"]
mod names;
#[path = "cli/pages.rs"]
mod pages;
#[path = "cli/plots.rs"]
mod plots;
#[path = "cli/prototypes.rs"]
mod prototypes;
#[path = "cli/same.rs"]
mod same;
#[path = "cli/session.rs"]
mod session;
#[path = "common/skip.rs"]
mod skip;
#[path = "cli/studies.rs"]
mod studies;
#[path = "cli/survive.rs"]
mod survive;
#[path = "cli/texts.rs"]
mod texts;
#[path = "cli/transformers.rs"]
mod transformers;

use assert_cmd::Command;
use image::{Rgb, RgbImage};
use ndarray::{Array, Array3, Dimension};
use ndarray_npy::{WritableElement, WriteNpyExt};
use pixelflip::{
    run::{
        measure::Measure,
        record::{self, AllLogits, Row},
    },
    table::record::Record,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};
use tempfile::TempDir;

/// A folder with `m.onnx` (32x32 pictures, 10 classes), its sidecar and `pictures/`.
struct Desk(TempDir);

const SIDECAR: &str = "channels = 'rgb'\nscale = 0.00392156862745098\n\
                       mean = [0.5, 0.4, 0.3]\nstd = [0.2, 0.3, 0.25]\n";

/// Mean and deviation of the second channel there.
const NORMALISATION: (f32, f32) = (0.4, 0.3);

impl Desk {
    fn new(pictures: u32) -> Desk {
        let desk = Desk(tempfile::tempdir().unwrap());
        fs::write(desk.path("m.onnx"), model()).unwrap();
        fs::write(desk.path("m.toml"), SIDECAR).unwrap();
        fs::create_dir(desk.path("pictures")).unwrap();
        for i in 0..pictures {
            picture(i, 32).save(desk.path(&format!("pictures/{i}.png"))).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the program in this folder.
    fn run(&self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pixelflip"));
        command.current_dir(self.0.path()).args(arguments.split_whitespace());
        command.output().unwrap()
    }

    /// Runs the program and expects an exit code.
    fn expect(&self, code: i32, arguments: &str) -> Output {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments}\n{}", stderr(&output));
        output
    }

    /// Arguments, what the program says on stderr, and the exit code.
    fn told(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let code = output.status.code().map_or("a signal".to_owned(), |c| c.to_string());
        format!("$ pixelflip {arguments}\n{}[exit code {code}]\n\n", stderr(&output))
    }

    /// All result files but times, by name.
    fn tables(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(folder), &self.path(folder), &mut files);
        files.retain(|name, _| !name.contains("timings"));
        files
    }
}

fn model() -> Vec<u8> {
    let file = "tests/data/onnx/tinyvgg.ts17_fix.onnx";
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// A smooth coloured pattern, another for every `i`.
fn picture(i: u32, side: u32) -> RgbImage {
    let wave = |v: u32, step: u32| (127.0 + 120.0 * (f64::from(v * step) * 0.07).sin()) as u8;
    RgbImage::from_fn(side, side, |x, y| {
        Rgb([wave(x, i + 2), wave(y, i + 3), wave(x + y, 2 * i + 1)])
    })
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn manifest(desk: &Desk, folder: &str) -> serde_json::Value {
    serde_json::from_slice(&fs::read(desk.path(folder).join("manifest.json")).unwrap()).unwrap()
}

/// A small run: 16 regions of 8x8, half of them removed.
const SMALL: &str = "run --model m.onnx --data pictures --methods random,gradient,lrp-epsilon \
                     --region 8 --steps 8 --repeats 2";

#[test]
fn help_and_lists_are_worded_as_agreed() {
    let desk = Desk::new(0);
    for arguments in [
        "",
        "run --help",
        "report --help",
        "init --help",
        "merge --help",
        "status --help",
        "explain --help",
        "predict --help",
        "model --help",
        "list --help",
        "data --help",
        "data check --help",
        "data fetch --help",
        "data list",
        "list methods",
        "list perturbations",
        "list metrics",
        "list rules",
        "list composites",
        "list datasets",
        "list operators",
        "list protocols",
        "list objectives",
        "list priors",
        "list optimisers",
        "prototype --help",
    ] {
        let output = desk.run(arguments);
        let name = if arguments.is_empty() {
            "no arguments".to_owned()
        } else {
            arguments.replace('-', "")
        };
        insta::assert_snapshot!(name.replace(' ', "_"), stdout(&output) + &stderr(&output));
    }
}

#[test]
fn a_run_writes_what_the_readme_says() {
    let desk = Desk::new(3);
    let output = desk.expect(0, &format!("{SMALL} --out out"));
    let names: Vec<String> = desk.tables("out").into_keys().collect();
    insta::assert_snapshot!("files_of_a_run", names.join("\n"));
    assert!(
        stderr(&output).contains("3 pictures, 36 curves; results in `out`"),
        "{}",
        stderr(&output)
    );
    let manifest = manifest(&desk, "out");
    assert_eq!(manifest["protocol"]["regions"], 16);
    assert_eq!(manifest["protocol"]["covered"], 1.0);
    assert_eq!(manifest["protocol"]["removed"], 0.5);
    assert_eq!(manifest["results"]["pictures"], 3);
    assert_eq!(manifest["results"]["curves"], 36);
    assert!(manifest["results"]["top1"].is_null(), "there are no labels");
    assert_eq!(manifest["config"]["methods"][1], "gradient:value=signed");
    assert_eq!(manifest["config"]["steps"], 8);
}

#[test]
fn accuracy_is_measured_where_there_are_labels() {
    let desk = Desk::new(4);
    let classes = desk.expect(0, "predict --model m.onnx --input pictures/0.png --top 1");
    let best =
        stdout(&classes).lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let other = (best.parse::<usize>().unwrap() + 1) % 10;
    let csv = format!("file,label\n0.png,{best}\n1.png,{other}\n2.png,{other}\n3.png,{other}\n");
    fs::write(desk.path("pictures/labels.csv"), csv).unwrap();
    desk.expect(
        0,
        "run --model m.onnx --data pictures --methods random --region 8 --steps 2 --out out",
    );
    let results = manifest(&desk, "out")["results"].clone();
    assert_eq!(results["labelled"], 4);
    assert!(results["top1"].as_f64().unwrap() >= 0.25, "{results}");
    assert!(results["top5"].as_f64() >= results["top1"].as_f64(), "{results}");
}

#[test]
fn tables_are_the_same_bytes_for_any_number_of_threads() {
    let desk = Desk::new(10);
    for threads in [1, 2, 5, 64] {
        desk.expect(0, &format!("{SMALL} --threads {threads} --out t{threads}"));
    }
    let one = desk.tables("t1");
    assert!(one.len() > 5, "{:?}", one.keys());
    assert!(one == desk.tables("t2"), "2 threads");
    assert!(one == desk.tables("t5"), "5 threads");
    assert!(one == desk.tables("t64"), "64 threads");
}

#[test]
fn a_manifest_can_be_run_again() {
    let desk = Desk::new(3);
    desk.expect(0, &format!("{SMALL} --seed 5 --scale 0.004 --out first"));
    desk.expect(0, "run first/manifest.json --out again");
    assert!(desk.tables("first") == desk.tables("again"));
    desk.expect(0, "run first/manifest.json --seed 6 --out other");
    assert!(desk.tables("first") != desk.tables("other"));
}

#[test]
fn a_manifest_has_the_files_of_its_methods() {
    let desk = Desk::new(2);
    fs::write(desk.path("c.toml"), "[[line]]\nrule = 'lrp-gamma'\n").unwrap();
    let run = SMALL.replace("gradient", "lrp-composite:file=c.toml");
    desk.expect(0, &format!("{run} --out first"));
    fs::remove_file(desk.path("c.toml")).unwrap();
    desk.expect(2, &format!("{run} --out none"));
    desk.expect(0, "run first/manifest.json --out again");
    assert!(desk.tables("first") == desk.tables("again"));
    // a file that is there counts, and is another experiment
    fs::write(desk.path("c.toml"), "[[line]]\nrule = 'lrp-zero'\n").unwrap();
    let told = stderr(&desk.expect(2, "run first/manifest.json --out again"));
    assert!(told.contains("the file `c.toml` is not the same"), "{told}");
}

#[test]
fn a_config_file_and_flags_say_the_same() {
    let desk = Desk::new(3);
    let config = "model = 'm.onnx'\ndata = 'pictures'\nmethods = ['random', 'gradient', 'lrp-epsilon']\n\
                  region = 8\nsteps = 8\nrepeats = 2\n";
    fs::write(desk.path("small.toml"), config).unwrap();
    desk.expect(0, "run small.toml");
    desk.expect(0, &format!("{SMALL} --out flags"));
    assert!(desk.tables("results/small") == desk.tables("flags"));
}

#[test]
fn an_interrupted_run_is_taken_up_and_another_one_is_refused() {
    let desk = Desk::new(10);
    let run = format!("{SMALL} --out out");
    desk.expect(0, &run);
    let whole = desk.tables("out");
    // as if it had been killed after the first part
    for file in ["curves/part-00008.parquet", "curves/part-00009.parquet", "summary.csv"] {
        fs::remove_file(desk.path("out").join(file)).unwrap();
    }
    for file in ["curves/part-00008.parquet", "heatmaps/1.png", "summary.csv"] {
        fs::write(desk.path(&format!("out/{file}.000000000000000a.tmp")), "half").unwrap();
    }
    let before =
        fs::metadata(desk.path("out/curves/part-00000.parquet")).unwrap().modified().unwrap();
    let output = desk.expect(0, &run);
    assert!(
        stderr(&output).contains("10 pictures, 12 curves each, 8 of them done already"),
        "{}",
        stderr(&output)
    );
    let after =
        fs::metadata(desk.path("out/curves/part-00000.parquet")).unwrap().modified().unwrap();
    assert_eq!(before, after, "finished parts are left alone");
    assert!(whole == desk.tables("out"));

    let told = desk.told(&format!("{SMALL} --steps 4 --seed 1 --out out"));
    fs::write(desk.path("pictures/note.txt"), "mine").unwrap();
    let foreign = desk.told(&format!("{SMALL} --out pictures"));
    insta::assert_snapshot!("refused_folders", told + &foreign);
    assert!(whole == desk.tables("out"));
}

#[test]
fn an_unreadable_picture_among_many_is_skipped_and_counted() {
    let desk = Desk::new(3);
    let whole = fs::read(desk.path("pictures/0.png")).unwrap();
    fs::write(desk.path("pictures/1b.png"), &whole[..whole.len() / 2]).unwrap();
    picture(0, 40).save(desk.path("pictures/2b.png")).unwrap();
    let told = desk.told(&format!("{SMALL} --threads 1 --out out"));
    insta::assert_snapshot!("skipped_pictures", told);
    let results = manifest(&desk, "out")["results"].clone();
    assert_eq!(results["pictures"], 3);
    assert_eq!(results["skipped"][0]["image"], "1b.png");
    assert_eq!(results["skipped"][1]["image"], "2b.png");
    assert_eq!(results["curves"], 36);
}

#[test]
fn bad_input_gives_one_sentence_and_exit_code_2() {
    let desk = Desk::new(2);
    let bytes = model();
    fs::write(desk.path("cut.onnx"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(desk.path("text.onnx"), "this is no model").unwrap();
    fs::write(desk.path("empty.onnx"), "").unwrap();
    let mut nan = bytes.clone();
    // whatever the alignment, one weight is all ones: NaN
    let middle = nan.len() / 2;
    nan[middle..middle + 8].fill(0xFF);
    fs::write(desk.path("nan.onnx"), nan).unwrap();
    fs::write(desk.path("bare.onnx"), &bytes).unwrap();
    for name in ["cut", "text", "empty", "nan"] {
        fs::write(desk.path(&format!("{name}.toml")), SIDECAR).unwrap();
    }
    fs::create_dir(desk.path("none")).unwrap();
    fs::create_dir(desk.path("broken")).unwrap();
    fs::write(desk.path("broken/a.png"), "no picture").unwrap();
    fs::write(desk.path("file"), "a file").unwrap();
    let ok = "--methods random --region 8 --steps 2 --repeats 1 --out out";
    let told: String = [
        format!("run --model missing.onnx --data pictures {ok}"),
        format!("run --model cut.onnx --data pictures {ok}"),
        format!("run --model text.onnx --data pictures {ok}"),
        format!("run --model empty.onnx --data pictures {ok}"),
        format!("run --model nan.onnx --data pictures {ok}"),
        format!("run --model bare.onnx --data pictures {ok}"),
        format!("run --model m.onnx {ok}"),
        format!("run --model m.onnx --data pictures --threads 2 --memory 1MB {ok}"),
        format!("run --model m.onnx --data pictures --memory lots {ok}"),
        format!("run --model m.onnx --data missing {ok}"),
        format!("run --model m.onnx --data none {ok}"),
        format!("run --model m.onnx --data broken {ok}"),
        format!("run --model m.onnx --data pictures --channels grey {ok}"),
        format!("run --model m.onnx --data pictures --mean 0.5 {ok}"),
        "run --model m.onnx --data pictures --methods lrp-gama".to_owned(),
        "run --model m.onnx --data pictures --methods lrp-gamma:gama=1".to_owned(),
        "run --model m.onnx --data pictures --methods lrp-gamma:gamma=-1".to_owned(),
        "run --model m.onnx --data pictures --methods random,random".to_owned(),
        "run --model m.onnx --data pictures --methods random,".to_owned(),
        "run --model m.onnx --data pictures --perturbation unifrom".to_owned(),
        "run --model m.onnx --data pictures --orders mrof".to_owned(),
        "run --model m.onnx --data pictures --score logits".to_owned(),
        "run --model m.onnx --data pictures --record some".to_owned(),
        "run --model m.onnx --data pictures --remainder keep".to_owned(),
        "run --model m.onnx --data pictures --target lable".to_owned(),
        "run --model m.onnx --data pictures --target 10".to_owned(),
        "run --model m.onnx --data pictures --layout idxx".to_owned(),
        "run --model m.onnx --data pictures --region 33".to_owned(),
        "run --model m.onnx --data pictures --region 0".to_owned(),
        "run --model m.onnx --data pictures --region 8 --steps 17".to_owned(),
        "run --model m.onnx --data pictures --region 8 --threads 99999".to_owned(),
        "bench --model m.onnx --region 8 --threads 99999".to_owned(),
        "run --model m.onnx --data pictures --images 3".to_owned(),
        "run --model m.onnx --data pictures --region 8 --out file/out".to_owned(),
        "run missing.toml".to_owned(),
    ]
    .iter()
    .map(|arguments| desk.told(arguments))
    .collect();
    insta::with_settings!({filters => vec![(r"line \d+ column \d+", "line L column C")]}, {
        insta::assert_snapshot!("bad_input_of_run", told);
    });
    assert!(told.matches("[exit code 2]").count() == 35, "each with exit code 2");
    assert!(!told.contains("panicked"));
    assert!(!desk.path("results").exists(), "nothing is written before the checks");
}

#[test]
fn predict_shows_the_best_classes_and_writes_all_logits() {
    let desk = Desk::new(1);
    let output =
        desk.expect(0, "predict --model m.onnx --input pictures/0.png --top 2 --out l.npy");
    assert_eq!(stdout(&output).lines().count(), 3, "{}", stdout(&output));
    let logits: ndarray::Array1<f32> = ndarray_npy::read_npy(desk.path("l.npy")).unwrap();
    assert_eq!(logits.len(), 10);
    let best = logits.iter().copied().fold(f32::MIN, f32::max);
    assert!(stdout(&output).contains(&format!("{best:.4}")), "{}", stdout(&output));
}

#[test]
fn explain_writes_relevance_in_the_shape_of_the_input() {
    let desk = Desk::new(1);
    let one = ndarray::Array3::<f32>::from_shape_fn((3, 32, 32), |(c, y, x)| {
        ((c * 7 + y * 3 + x) as f32 * 0.1).sin()
    });
    let two = ndarray::stack![ndarray::Axis(0), one, one];
    ndarray_npy::write_npy(desk.path("one.npy"), &one).unwrap();
    ndarray_npy::write_npy(desk.path("two.npy"), &two).unwrap();
    // without a sidecar: a .npy is taken as it is
    fs::remove_file(desk.path("m.toml")).unwrap();
    let explain = "explain --model m.onnx --method gradient";
    desk.expect(0, &format!("{explain} --input one.npy --out g1.npy"));
    desk.expect(0, &format!("{explain} --input two.npy --out g2.npy"));
    desk.expect(0, &format!("{explain} --input one.npy --target 3 --out g3.npy"));
    desk.expect(0, "explain --model m.onnx --method random --input one.npy --out r.npy");
    let single: ndarray::Array3<f32> = ndarray_npy::read_npy(desk.path("g1.npy")).unwrap();
    let double: ndarray::Array4<f32> = ndarray_npy::read_npy(desk.path("g2.npy")).unwrap();
    let third: ndarray::Array3<f32> = ndarray_npy::read_npy(desk.path("g3.npy")).unwrap();
    let random: ndarray::Array3<f32> = ndarray_npy::read_npy(desk.path("r.npy")).unwrap();
    assert_eq!(double.dim(), (2, 3, 32, 32));
    assert_eq!(double.index_axis(ndarray::Axis(0), 1), single);
    assert_ne!(third, single);
    assert_eq!(random.dim(), (1, 32, 32), "one value per pixel has one channel");
    let told = [
        "--input pictures/0.png --out h.png",
        "--input missing.npy --out h.npy",
        "--input missing.png --out h.png",
        "--input two.npy --out h.png",
        "--input one.npy --out h.jpg",
        "--input one.npy --target 10 --out h.npy",
        "--input one.npy --out missing/h.npy",
    ]
    .map(|rest| desk.told(&format!("{explain} {rest}")))
    .concat();
    insta::assert_snapshot!("bad_input_of_explain", told);
}

#[test]
fn explain_draws_a_heat_map_of_a_picture() {
    let desk = Desk::new(1);
    let explain = "explain --model m.onnx --input pictures/0.png --method lrp-epsilon-plus-flat";
    desk.expect(0, &format!("{explain} --out h.png"));
    let drawn = image::open(desk.path("h.png")).unwrap().to_rgb8();
    let colours: std::collections::BTreeSet<[u8; 3]> = drawn.pixels().map(|p| p.0).collect();
    assert!(colours.len() > 20, "a heat map has shades");
}

#[test]
fn explain_and_predict_take_a_picture_of_a_data_set_by_its_name() {
    let desk = Desk::new(2);
    // draws, so its map depends on the name of the picture
    let rise = "explain --model m.onnx --method rise:samples=50";
    desk.expect(0, &format!("{rise} --input pictures/1.png --out file.npy"));
    desk.expect(0, &format!("{rise} --data pictures --image 1.png --out set.npy"));
    desk.expect(0, &format!("{rise} --data pictures --image 0.png --out other.npy"));
    let read = |name: &str| fs::read(desk.path(name)).unwrap();
    assert!(read("file.npy") == read("set.npy") && read("set.npy") != read("other.npy"));

    let built_in = "--model scenes --image scenes/test/00003";
    desk.expect(0, &format!("explain {built_in} --method lrp-epsilon-plus --overlay --out h.png"));
    assert!(image::open(desk.path("h.png")).is_ok());
    let output = desk.expect(0, &format!("predict {built_in}"));
    assert_eq!(stdout(&output).lines().count(), 6, "a heading and five classes");

    let told = [
        "--model m.onnx --data pictures --image 2.png",
        "--model m.onnx --data missing --image 2.png",
        "--model scenes --image scenes/test/0003",
        "--model scenes --image scenes/test/00003 --input pictures/0.png",
        "--model scenes --data pictures",
        "--model scenes",
    ]
    .map(|rest| desk.told(&format!("predict {rest}")))
    .concat();
    insta::assert_snapshot!("bad_names_of_pictures", told);
}

/// A tensor of waves for the network of the desk.
fn waves(desk: &Desk, file: &str) {
    let values = ndarray::Array3::<f32>::from_shape_fn((3, 32, 32), |(c, y, x)| {
        ((c * 7 + y * 3 + x) as f32 * 0.1).sin()
    });
    ndarray_npy::write_npy(desk.path(file), &values).unwrap();
}

#[test]
fn explain_prints_what_became_of_the_relevance() {
    let desk = Desk::new(0);
    waves(&desk, "x.npy");
    let explain = "explain --model m.onnx --input x.npy --trace --method";
    let output = desk.expect(0, &format!("{explain} lrp-epsilon-plus-flat"));
    insta::assert_snapshot!("trace", stdout(&output));
    let told = |method: &str| stdout(&desk.expect(0, &format!("{explain} {method}")));
    let integral = told("integrated-gradients:baseline=zero:steps=10");
    assert!(integral.contains("in theory to"), "{integral}");
    assert!(integral.contains("is missing, the error of `steps=10`, which"), "{integral}");
    let gradient = told("gradient");
    assert!(gradient.contains("the relevance adds up to"), "{gradient}");
    assert!(!gradient.contains("in theory"), "{gradient}");
}

#[test]
fn explain_sums_over_regions() {
    let desk = Desk::new(0);
    waves(&desk, "x.npy");
    let explain = "explain --model m.onnx --input x.npy --method gradient-x-input";
    desk.expect(0, &format!("{explain} --out all.npy"));
    desk.expect(0, &format!("{explain} --region 8 --out r.npy"));
    desk.expect(0, &format!("{explain} --region 8 --out r.png"));
    let all: ndarray::Array3<f32> = ndarray_npy::read_npy(desk.path("all.npy")).unwrap();
    let regions: ndarray::Array3<f32> = ndarray_npy::read_npy(desk.path("r.npy")).unwrap();
    assert_eq!(regions.dim(), (1, 4, 4));
    let expected: f32 = all.slice(ndarray::s![.., 8..16, 24..32]).sum();
    // sums of 192 values in another order
    assert!((regions[[0, 1, 3]] - expected).abs() < 1e-5, "{regions} {expected}");
    assert_eq!(image::open(desk.path("r.png")).unwrap().to_rgb8().dimensions(), (32, 32));
}

#[test]
fn explain_slides_over_pictures_larger_than_the_input() {
    let desk = Desk::new(1);
    let small = image::open(desk.path("pictures/0.png")).unwrap().to_rgb8();
    let (w, h) = small.dimensions();
    assert_eq!((w, h), (32, 32), "the picture has the size of the input");
    let large = image::RgbImage::from_fn(52, 40, |x, y| *small.get_pixel(x % 32, y % 32));
    large.save(desk.path("large.png")).unwrap();
    let explain = "explain --model m.onnx --method lrp-epsilon-plus --target 3 --input";
    desk.expect(0, &format!("{explain} large.png --slide 20 --out large.npy"));
    desk.expect(0, &format!("{explain} pictures/0.png --out small.npy"));
    let large: ndarray::Array3<f32> = ndarray_npy::read_npy(desk.path("large.npy")).unwrap();
    let small: ndarray::Array3<f32> = ndarray_npy::read_npy(desk.path("small.npy")).unwrap();
    assert_eq!(large.dim(), (1, 40, 52));
    // windows at rows 0 and 8 and columns 0 and 20: the top left corner is seen by the first alone
    let corner = large.slice(ndarray::s![0, ..8, ..20]).to_owned();
    let expected = small.sum_axis(ndarray::Axis(0));
    let expected = expected.slice(ndarray::s![..8, ..20]);
    let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    assert!((&corner - &expected).iter().all(|d| d.abs() <= 1e-6 * largest));
    desk.expect(
        0,
        "explain --model m.onnx --method gradient --input large.png --slide 32 --out l.png",
    );
    let told = ["large.png --slide 33", "missing.png --slide 3", "large.png --slide 0"]
        .map(|rest| desk.told(&format!("{explain} {rest} --out l.npy")))
        .concat();
    insta::assert_snapshot!("bad_input_of_slides", told);
}

#[test]
fn methods_that_can_explain_nothing_of_the_network_are_refused_before_the_run() {
    let desk = Desk::new(1);
    fs::write(
        desk.path("c.toml"),
        "[[line]]\nkind = 'conv'\nrule = 'lrp-gamma'\n[[line]]\nname = 'fc9'\nrule = 'lrp-zero'\n",
    )
    .unwrap();
    let run = "run --model m.onnx --data pictures --out out --methods";
    let told = [
        "random,grad-cam:layer=conv9,layer-cam:layer=conv9,gradient",
        "lrp-composite:file=c.toml:contrast=runner-up",
    ]
    .map(|methods| desk.told(&format!("{run} {methods}")))
    .concat();
    insta::assert_snapshot!("methods_that_do_not_fit", told);
    assert!(!desk.path("out").exists(), "nothing was begun");
}

#[test]
fn the_layers_of_a_model_are_shown() {
    let desk = Desk::new(0);
    let output = desk.expect(0, "model m.onnx");
    insta::assert_snapshot!("model", stdout(&output));
    fs::remove_file(desk.path("m.toml")).unwrap();
    let output = desk.expect(0, "model m.onnx");
    assert!(stdout(&output).contains("nothing says how pictures become its input"));
}

#[test]
fn data_check_counts_and_names_what_is_broken() {
    let desk = Desk::new(2);
    fs::create_dir_all(desk.path("set/cat")).unwrap();
    fs::create_dir_all(desk.path("set/dog")).unwrap();
    fs::create_dir_all(desk.path("set/eel")).unwrap();
    picture(1, 32).save(desk.path("set/cat/1.png")).unwrap();
    picture(2, 16).save(desk.path("set/dog/2.jpg")).unwrap();
    fs::write(desk.path("set/dog/3.jpg"), b"\xff\xd8\xff").unwrap();
    let output = desk.expect(1, "data check set");
    let quick = desk.expect(1, "data check set --quick");
    let small = desk.expect(1, "data check pictures --max-pixels 1000");
    let good = desk.expect(0, "data check pictures");
    let text = [output, quick, small, good].map(|o| stdout(&o) + "--\n" + &stderr(&o)).join("\n");
    insta::assert_snapshot!(text);
}

#[test]
fn a_description_of_ones_own_can_be_fetched() {
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        return skip::left_out("curl", "`curl` is not here");
    }
    let desk = Desk::new(0);
    let content = picture(3, 32).into_raw();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/set.bin", listener.local_addr().unwrap());
    let served = content.clone();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _ = std::io::Read::read(&mut stream, &mut request);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", served.len());
        std::io::Write::write_all(&mut stream, &[head.as_bytes(), &served].concat()).unwrap();
    });
    let sum = sha256(&content);
    let about = format!(
        "name = 'mine'\ntitle = 'My pictures'\nlayout = 'flat'\npictures = 1\nlicence = 'mine'\n\
         homepage = 'none'\ncitation = 'none'\nlabels = 'none'\n[[file]]\nname = 'set.bin'\n\
         url = '{url}'\nsha256 = '{sum}'\n"
    );
    fs::write(desk.path("mine.toml"), about).unwrap();
    let output = desk.expect(0, "data fetch mine.toml --out got");
    insta::assert_snapshot!(stderr(&output), @r"
            My pictures; licence: mine
            `set.bin` has arrived, its checksum is right
            use it with `--data got --layout flat`
        ");
    assert_eq!(fs::read(desk.path("got/set.bin")).unwrap(), content);
    let again = desk.expect(0, "data fetch mine.toml --out got");
    assert!(stderr(&again).contains("there already"));
    let told = desk.told("data fetch mnits") + &desk.told("data fetch ilsvrc2012");
    insta::assert_snapshot!(told, @r"
            $ pixelflip data fetch mnits
            error: `mnits`: expected a known data set or the path of a description ending in .toml, found another name; did you mean `mnist`?
            [exit code 2]
            
            $ pixelflip data fetch ilsvrc2012
            ILSVRC 2012, validation: 50,000 photographs of 1000 classes, with boxes; licence: ImageNet terms of access: non-commercial research and education, no redistribution
            error: `ilsvrc2012` cannot be fetched: its terms must be accepted by name; get ILSVRC2012_img_val.tar (MD5 29b22e2961454d5413ddabcf34fc5622) into val/, ILSVRC2012_devkit_t12.tar.gz (MD5 fa75699e90414af021442c21a62c3abf) and ILSVRC2012_bbox_val_v3.tgz beside it; see https://www.image-net.org/download.php
            [exit code 2]
        ");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn pictures_are_selected_by_what_the_network_thinks_and_the_manifest_says_how() {
    let desk = Desk::new(6);
    fs::write(desk.path("pictures/6.png"), "no picture").unwrap();
    let select = "--select top-confident:4,first:5";
    desk.expect(1, &format!("{SMALL} {select} --out out"));
    let manifest = manifest(&desk, "out");
    assert_eq!(manifest["config"]["select"], serde_json::json!(["top-confident:4", "first:5"]));
    // the picture that cannot be read is not chosen away: the run names it
    let steps = serde_json::json!([
        {"step": "top-confident:4", "pictures": 5},
        {"step": "first:5", "pictures": 5},
        {"step": "images:5", "pictures": 5},
    ]);
    assert_eq!(manifest["protocol"]["selection"], steps);
    let told = desk.told(&format!("{SMALL} --select correct --out c"))
        + &desk.told(&format!("{SMALL} --select first:9 --out c"))
        + &desk.told(&format!("{SMALL} --select top-confident:2 --images 4 --out c"))
        + &desk.told(&format!("{SMALL} --select best --out c"));
    insta::assert_snapshot!(told, @r"
            $ pixelflip run --model m.onnx --data pictures --methods random,gradient,lrp-epsilon --region 8 --steps 8 --repeats 2 --select correct --out c
            error: selection `correct` needs labels, and none of the pictures left has one
            [exit code 2]
            
            $ pixelflip run --model m.onnx --data pictures --methods random,gradient,lrp-epsilon --region 8 --steps 8 --repeats 2 --select first:9 --out c
            error: selection `first:9`: only 7 pictures are left at this step
            [exit code 2]
            
            $ pixelflip run --model m.onnx --data pictures --methods random,gradient,lrp-epsilon --region 8 --steps 8 --repeats 2 --select top-confident:2 --images 4 --out c
            error: `images` is 4, but the selection `top-confident:2` leaves only 3 pictures
            
            hint: leave `--images` out to use all pictures
            [exit code 2]
            
            $ pixelflip run --model m.onnx --data pictures --methods random,gradient,lrp-epsilon --region 8 --steps 8 --repeats 2 --select best --out c
            error: unknown selection `best` (there are top-confident:N, least-confident:N, extremes:N+M, correct, wrong, class:NAME, first:N, random:N, spread:N, words:N)
            [exit code 2]
        ");
}

/// Columns of a CSV file, by name.
fn csv(desk: &Desk, file: &str) -> BTreeMap<String, Vec<String>> {
    let mut reader = csv::Reader::from_path(desk.path(file)).unwrap();
    let heads: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let mut columns: BTreeMap<String, Vec<String>> =
        heads.iter().map(|head| (head.clone(), vec![])).collect();
    for record in reader.records() {
        for (head, cell) in heads.iter().zip(record.unwrap().iter()) {
            columns.get_mut(head).unwrap().push(cell.to_owned());
        }
    }
    columns
}

#[test]
fn properties_of_rules_are_tables_and_figures() {
    let desk = Desk::new(2);
    let methods = "lrp-zero:bias=ignore,lrp-z-plus,lrp-epsilon-plus-flat,gradient-x-input";
    let arguments = format!(
        "properties --model m.onnx --data pictures --methods {methods} --threads 1 --out p"
    );
    let output = desk.expect(0, &arguments);
    assert!(stderr(&output).contains("2 pictures, 27 explanations each"), "{}", stderr(&output));
    assert!(stderr(&output).contains("\n8 explanations; results in `p`\n"), "{}", stderr(&output));
    assert_eq!(stdout(&output).lines().count(), 5, "{}", stdout(&output));
    let mut names: Vec<String> = desk.tables("p").into_keys().collect();
    names.sort();
    insta::assert_snapshot!("files_of_properties", names.join("\n"));
    let table = csv(&desk, "p/properties.csv");
    let number = |column: &str, row: usize| table[column][row].parse::<f64>().unwrap();
    for (row, method) in table["method"].iter().enumerate().take(8) {
        // shares of one whole; only without biases is all of it conserved
        let parts = number("ratio", row)
            + if table["bias_share"][row].is_empty() {
                0.0
            } else {
                number("bias_share", row) + number("lost_share", row)
            };
        assert!(method == "gradient-x-input" || (parts - 1.0).abs() < 1e-3, "{method}: {parts}");
        if method.starts_with("lrp-zero") {
            assert_eq!(table["conserving"][row], "1", "{method}");
        }
        if method.starts_with("lrp-z-plus") {
            assert_eq!(table["positive"][row], "1", "{method}");
        }
    }
    let layers = csv(&desk, "p/layers.csv");
    assert!(layers["method"].iter().all(|m| m.starts_with("lrp-")));
    let sweeps = csv(&desk, "p/sweeps.csv");
    assert_eq!(sweeps["value"].len(), 2 * 21);
    // any number of threads gives the same bytes
    desk.expect(0, &arguments.replace("--threads 1 --out p", "--threads 3 --out q"));
    assert_eq!(desk.tables("p"), desk.tables("q"));
}

#[test]
fn what_properties_cannot_measure_is_said() {
    let desk = Desk::new(1);
    fs::write(desk.path("pictures/broken.png"), "no picture").unwrap();
    let told = [
        desk.told("properties --model m.onnx --data pictures --methods lrp-zero --out p"),
        desk.told("properties --model m.onnx --data pictures --methods lrp-zeroo --out p"),
        desk.told("properties --model none.onnx --data pictures"),
        desk.told("properties --data pictures"),
        desk.told("properties --model m.onnx --data pictures --images 3"),
    ];
    insta::assert_snapshot!("bad_input_of_properties", told.concat());
}

/// The four pictures of the reference arrays, the network and its sidecar.
fn reference_desk() -> Desk {
    let desk = Desk(tempfile::tempdir().unwrap());
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    fs::copy(data.join("onnx/tinyvgg.ts17_fix.onnx"), desk.path("m.onnx")).unwrap();
    for name in ["pictures.npy", "captum.npz", "zennit.npy", "gradcam.npy"] {
        fs::copy(data.join("heatmaps").join(name), desk.path(name)).unwrap();
    }
    fs::copy(data.join("heatmaps/tinyvgg.toml"), desk.path("m.toml")).unwrap();
    desk
}

#[test]
fn heat_maps_of_captum_and_zennit_rank_beside_the_built_in_methods() {
    let desk = reference_desk();
    let run = "run --model m.onnx --data pictures.npy --region 4 --repeats 1 --methods \
               random,lrp-epsilon-plus-flat --heatmaps captum=captum.npz --heatmaps \
               zennit=zennit.npy --heatmaps cam=gradcam.npy --upsample bilinear --out";
    let output = desk.expect(0, &format!("{run} r"));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(["captum", "zennit", "cam"].iter().all(|name| table.contains(name)), "{table}");
    let rows = record::read_folder(&desk.path("r/curves"), AllLogits::Skip).unwrap();
    let curves = |method: &str, picture: &str| -> Vec<Vec<f32>> {
        let of = |r: &&Row| r.method.starts_with(method) && r.image.ends_with(picture);
        rows.iter().filter(of).filter_map(|r| r.scores.clone()).collect()
    };
    // the reference maps of the first two pictures explain the predicted class
    for picture in ["0", "1"] {
        let (own, other) = (curves("lrp-epsilon-plus-flat", picture), curves("zennit", picture));
        assert_eq!((own.len(), other.len()), (2, 2));
        assert_eq!(own, other, "picture {picture}");
    }
    let manifest = fs::read_to_string(desk.path("r/manifest.json")).unwrap();
    assert!(manifest.contains("\"name\": \"captum\""), "{manifest}");
    // the manifest repeats the run; other maps under the same name are another run
    desk.expect(0, "run r/manifest.json --out again");
    assert_eq!(desk.tables("r"), desk.tables("again"));
    fs::copy(desk.path("captum.npz"), desk.path("zennit.npz")).unwrap();
    fs::copy(desk.path("zennit.npy"), desk.path("captum.npz")).unwrap();
    desk.expect(2, &format!("{run} r"));
}

/// Saves an array as `.npy`.
fn save<T: WritableElement, D: Dimension>(path: &Path, array: &Array<T, D>) {
    array.write_npy(fs::File::create(path).unwrap()).unwrap();
}

#[test]
fn regions_of_imported_maps_are_sorted_in_the_precision_of_the_file() {
    let desk = Desk::new(2);
    // multiples of 1/1024, so that 1e9 can be added without rounding
    let at = |(n, y, x): (usize, usize, usize)| ((n * 31 + y * 101 + x * 57) % 1021) as i64 - 500;
    let plain = Array3::from_shape_fn((2, 32, 32), |place| at(place) as f64 / 1024.0);
    save(&desk.path("plain.npy"), &plain);
    save(&desk.path("shifted.npy"), &plain.mapv(|v| v + 1e9));
    save(&desk.path("tiny.npy"), &plain.mapv(|v| v * 1e-60));
    save(&desk.path("denormal.npy"), &plain.mapv(|v| v * 1e-300));
    save(&desk.path("huge.npy"), &plain.mapv(|v| v * 1e60));
    save(&desk.path("largest.npy"), &plain.mapv(|v| v * 1.7e308));
    save(&desk.path("whole.npy"), &Array3::from_shape_fn((2, 32, 32), at));
    save(&desk.path("beyond.npy"), &Array3::from_shape_fn((2, 32, 32), |p| at(p) + (1 << 60)));
    let names = ["plain", "shifted", "tiny", "denormal", "huge", "largest", "whole", "beyond"];
    let maps: String = names.map(|n| format!(" --heatmaps {n}={n}.npy")).concat();
    let run = "run --model m.onnx --data pictures --methods random --region 4 --steps 20";
    let metrics = "sparseness,faithfulness-correlation:region=4";
    let more = format!("--repeats 1 --metrics {metrics}{maps} --out out");
    let told = stderr(&desk.expect(0, &format!("{run} {more}")));
    assert!(!told.contains("chance"), "{told}");
    let rows = record::read_folder(&desk.path("out/curves"), AllLogits::Skip).unwrap();
    let curves = |method: &str| -> Vec<Vec<f32>> {
        let of = rows.iter().filter(|r| r.method == method);
        of.map(|r| r.scores.clone().unwrap()).collect()
    };
    assert_eq!(curves("plain").len(), 4);
    for name in names {
        assert!(curves(name) == curves("plain"), "{name}");
    }
    let page = fs::read_to_string(desk.path("out/report.html")).unwrap();
    assert!(page.contains("e59") && page.contains("e-61"), "the scales of the maps are true");
    // metrics see what single precision would round away
    let metrics = Measure::read(&desk.path("out/metrics.parquet")).unwrap();
    let correlation = |method: &str| -> Vec<f64> {
        let of = |m: &&Measure| m.method == method && m.metric.starts_with("faithfulness");
        metrics.iter().filter(of).map(|m| m.value.unwrap()).collect()
    };
    for name in ["shifted", "tiny", "huge", "whole"] {
        assert_eq!(correlation(name).len(), 2);
        for (plain, other) in correlation("plain").into_iter().zip(correlation(name)) {
            assert!((plain - other).abs() < 1e-6, "{name}: {other}, expected {plain}");
        }
    }
}

#[test]
fn whole_numbers_beyond_double_precision_are_not_enlarged() {
    let desk = Desk::new(1);
    save(&desk.path("small.npy"), &Array3::from_elem((1, 8, 8), 7i64));
    save(&desk.path("large.npy"), &Array3::from_elem((1, 8, 8), (1i64 << 60) + 1));
    let run =
        "run --model m.onnx --data pictures --methods random --region 8 --steps 4 --repeats 1";
    let run = format!("{run} --upsample bilinear --out out --heatmaps");
    insta::assert_snapshot!(desk.told(&format!("{run} a=large.npy")));
    desk.expect(0, &format!("{run} a=small.npy"));
}

#[test]
fn heat_maps_that_do_not_fit_are_refused_before_the_run() {
    let desk = reference_desk();
    let run = "run --model m.onnx --data pictures.npy --region 4 --methods random --heatmaps";
    fs::write(desk.path("a.txt"), "1 2\n3 4\n").unwrap();
    let told: String = [
        "captum.npz",
        "=captum.npz",
        "a:b=captum.npz",
        "gradient=captum.npz",
        "a=no.npz",
        "a=a.txt",
        "a=gradcam.npy",
        "a=gradcam.npy --upsample bicubic",
        "a=captum.npz --heatmaps a=zennit.npy",
    ]
    .iter()
    .map(|flags| desk.told(&format!("{run} {flags}")))
    .collect();
    insta::assert_snapshot!(told);
}

#[test]
fn rank_recomputes_the_ranking_from_records_alone_also_over_two_runs() {
    let desk = Desk::new(6);
    let run = |methods: &str, out: &str| {
        desk.expect(
            0,
            &format!(
                "run --model m.onnx --data pictures --region 8 --repeats 2 --methods {methods} \
                 --out {out}"
            ),
        );
    };
    run("random,gradient", "a");
    run("lrp-epsilon", "b");
    let output = desk.expect(0, "rank a b --resamples 500 --out tables");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(["random", "gradient", "lrp-epsilon"].iter().all(|m| text.contains(m)), "{text}");
    assert!(text.contains("sparseness: higher is better"), "{text}");
    let written = [
        "ranking.csv",
        "pairs.parquet",
        "agreement.csv",
        "heatmaps.csv",
        "ranking.md",
        "ranking.tex",
        "forest.png",
        "critical-difference.svg",
        "cost.svg",
        "aopc.png",
    ];
    for name in written {
        assert!(desk.path("tables").join(name).is_file(), "{name}");
    }
    // one file with curves does as well, and the other run's manifest
    // (pictures that only one of them has are left out and said, hence the exit code)
    desk.expect(1, "rank a/curves/part-00000.parquet b/manifest.json --resamples 100");
    // a part that was cut off is named, not left out
    let part = desk.path("b/curves/part-00000.parquet");
    let bytes = fs::read(&part).unwrap();
    fs::write(&part, &bytes[..bytes.len() / 2]).unwrap();
    let cut = desk.told("rank a b --resamples 100");
    assert!(cut.contains("part-00000.parquet` is not a usable table: it is cut off"), "{cut}");
    assert!(cut.contains("delete it and repeat the run"), "{cut}");
    // nor is one that is gone
    fs::remove_file(&part).unwrap();
    let gone = desk.told("rank a b --resamples 100");
    assert!(gone.contains("curves, its manifest counts"), "{gone}");
    run("gradient --target 3", "c");
    let output = desk.expect(0, "diff a c --out d.csv");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("target: predicted -> 3") && text.contains("gradient"), "{text}");
    assert!(desk.path("d.csv").is_file());
    let told: String = ["rank a c", "rank pictures", "rank no", "rank a --metric apoc"]
        .iter()
        .map(|arguments| desk.told(arguments))
        .collect();
    insta::assert_snapshot!(told);
}

#[test]
fn a_metric_of_each_layer_is_measured_layer_by_layer_and_an_unknown_layer_is_refused() {
    let desk = Desk::new(3);
    let run =
        "run --model m.onnx --data pictures --region 8 --steps 2 --methods gradient --metrics";
    desk.expect(0, &format!("{run} parameter-randomisation:layer=each,road:percent=30 --out a"));
    let output = desk.expect(0, "rank a --resamples 100");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.matches("parameter-randomisation:mode=cascading").count() > 2, "{text}");
    assert!(text.contains("road:order=morf:watch=accuracy:percent=30:noise=0.01: lower is better"));
    let told = desk.told(&format!("{run} parameter-randomisation:layer=nowhere --out b"));
    assert!(told.contains("the network has no layer `nowhere` with weights"), "{told}");
}

#[test]
fn metrics_of_heat_maps_have_rows_for_chance_and_reasons_for_what_is_not_defined() {
    let desk = Desk::new(3);
    let run = "run --model m.onnx --data pictures --region 8 --steps 2 --repeats 1 --score softmax \
               --methods random,gradient --metrics";
    desk.expect(0, &format!("{run} sparseness,iou,infidelity --out a"));
    let output = desk.expect(0, "rank a --resamples 100 --out t");
    let text = String::from_utf8(output.stdout).unwrap();
    let told = [
        "infidelity:region=8:samples=50:score=softmax:times-input=auto: lower is better",
        "iou:object=auto: not defined on any picture (no mask or box of the object is known)",
    ];
    assert!(told.iter().all(|told| text.contains(told)), "{text}");
    let table = fs::read_to_string(desk.path("t/heatmaps.csv")).unwrap();
    assert!(table.contains("sparseness,higher,random,random,3,0,"), "{table}");
    let told = desk.told(&format!("{run} faithfulness-correlation:region=31 --out b"));
    assert!(told.contains("have only 1 whole squares of that side, at least 3 are needed; `faithfulness-correlation:region=16` has enough"), "{told}");
    let told = desk.told(&format!("{run} effective-complexity:share=1 --out b"));
    assert!(told.contains("less than 1"), "{told}");
}

#[test]
fn softmax_and_steps_to_flip_come_from_the_same_run_when_all_logits_are_recorded() {
    let desk = Desk::new(4);
    desk.expect(
        0,
        "run --model m.onnx --data pictures --region 8 --repeats 1 --methods random,gradient \
         --record all --out a",
    );
    desk.expect(0, "rank a --resamples 100 --out t");
    let table = fs::read_to_string(desk.path("t/ranking.csv")).unwrap();
    assert!(table.contains(",logit,") && table.contains(",softmax,"), "{table}");
    let output = desk.expect(0, "rank a --resamples 100 --metric steps-to-flip");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("steps-to-flip (logit") && text.contains("lower is better"), "{text}");
}
