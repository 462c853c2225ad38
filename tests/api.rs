//! The library as other programs use it.

use ndarray::{Array2, Array3, ArrayView4};
use pixelflip::{Case, Error, ExplainError, Explainer, Map, Method, Model, Picture, Tensor, run};
use std::{process::Command, thread};

#[allow(dead_code, reason = "its `main` is called, the rest by it")]
#[path = "../examples/rank_my_method.rs"]
mod rank_my_method;

#[test]
fn the_example_with_a_method_of_ones_own_runs() {
    rank_my_method::main().unwrap();
}

fn scenes() -> Model {
    Model::load("scenes").unwrap()
}

fn ramp(model: &Model) -> Picture {
    let ramp = Array3::from_shape_fn((3, 96, 96), |(c, y, x)| (c + y + 2 * x) as f32 / 300.0);
    model.array("ramp", ramp.view()).unwrap()
}

const SMALL: &str = "region = 12\nsteps = 4\nrepeats = 1";

#[test]
fn everything_goes_to_other_threads_and_explains_there_as_here() {
    fn sent<T: Send + Sync>() {}
    sent::<(Model, Picture, Map, Method, Error, pixelflip::Outcome)>();
    let model = scenes();
    let picture = ramp(&model);
    let here = model.explain(&picture, "gradient", Some(3)).unwrap();
    let there = thread::scope(|scope| {
        scope.spawn(|| model.clone().explain(&picture, "gradient", Some(3)).unwrap()).join()
    });
    assert_eq!(there.unwrap().relevance, here.relevance);
}

#[test]
fn the_curve_of_a_map_is_that_of_its_method_in_a_run() {
    let model = scenes();
    let picture = ramp(&model);
    let map = model.explain(&picture, "lrp-epsilon", None).unwrap();
    let flipped = model.flip(&picture, &map, SMALL).unwrap();
    let ran = run(&model, vec![picture], &["lrp-epsilon".parse().unwrap()], SMALL).unwrap();
    assert_eq!(flipped.curves.len(), 2);
    for (one, other) in flipped.curves.iter().zip(&ran.curves) {
        assert_eq!((one.scores.as_ref(), one.order), (other.scores.as_ref(), other.order));
        assert!(one.scores.is_some());
    }
}

#[test]
fn a_run_in_a_folder_has_the_curves_of_one_in_memory() {
    let (model, folder) = (scenes(), tempfile::tempdir().unwrap());
    let methods = ["random".parse().unwrap(), Method::own("mine", Middle)];
    let settings = format!("images = 2\n{SMALL}");
    let in_memory = run(&model, "scenes", &methods, &settings).unwrap();
    let out = folder.path().join("out");
    let settings = format!("{settings}\nout = {:?}", out.display().to_string());
    let written = run(&model, "scenes", &methods, &settings).unwrap();
    assert_eq!(written.curves, in_memory.curves);
    assert_eq!(written.summary, in_memory.summary);
    assert_eq!(written.folder.as_deref(), Some(&*out));
    assert!(out.join("summary.csv").is_file() && out.join("manifest.json").is_file());
    assert_eq!(written.curves_table().rows(), 2 * 2 * 2);
}

/// Relevance in the middle.
struct Middle;

impl Explainer for Middle {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let mut relevance = Tensor::zeros(case.input().shape);
        let middle = relevance.data.len() / 2;
        relevance.data[middle] = case.score();
        Ok(relevance)
    }
}

/// A method that is not there for every class, and one whose map has another size.
struct Broken(bool);

impl Explainer for Broken {
    fn attribute(&self, _: &Case<'_>) -> Result<Tensor, ExplainError> {
        let reason = "there is no answer".to_owned();
        if self.0 { Ok(Tensor::vector(vec![1.0])) } else { Err(ExplainError::Failed { reason }) }
    }
}

#[test]
fn what_does_not_fit_is_one_sentence() {
    let model = scenes();
    let picture = ramp(&model);
    let map = model.explain(&picture, "gradient", None).unwrap();
    let array = |shape: (usize, usize, usize), value: f32| {
        let array = Array3::from_elem(shape, value);
        model.array("a", array.view()).err().unwrap()
    };
    let input = |shape: (usize, usize, usize), value: f32| {
        let array = Array3::from_elem(shape, value);
        model.input("x", array.view()).err().unwrap()
    };
    let flip = |map: &Map, settings: &str| model.flip(&picture, map, settings).err().unwrap();
    let own =
        |how| model.explain_by(&picture, &Method::own("mine", Broken(how)), None).err().unwrap();
    let of_run = |methods: &[Method], settings: &str| {
        run(&model, vec![picture.clone()], methods, settings).err().unwrap()
    };
    let given = model.input("x", Array3::zeros((3, 96, 96)).view()).unwrap();
    let cat = "cat.jpg";
    let messages = [
        Model::load("nowhere.onnx").err().unwrap(),
        Model::from_bytes("net.onnx", b"no model", None).err().unwrap(),
        model.picture(cat).err().unwrap(),
        array((3, 0, 96), 0.0),
        array((2, 96, 96), 0.0),
        array((3, 96, 96), 255.0),
        array((3, 50, 50), 0.5),
        input((3, 50, 50), 0.5),
        input((3, 96, 96), f32::NAN),
        model.explain(&picture, "lrp-epsilom", None).err().unwrap(),
        model.explain(&picture, "gradient", Some(10)).err().unwrap(),
        own(true),
        own(false),
        flip(&map, "region = 0"),
        flip(&map, "region = 500"),
        flip(&map, "steps = 5000"),
        flip(&map, "perturbation = 'mean-image'"),
        flip(&map, "methods = 'random'"),
        flip(&map, "target = 3"),
        flip(&map, "regoin = 3"),
        flip(&map, "region = "),
        flip(&Map { target: 10, ..map.clone() }, SMALL),
        model.flip(&given, &map, SMALL).err().unwrap(),
        of_run(&[], SMALL),
        of_run(&["random".parse().unwrap(), "random".parse().unwrap()], SMALL),
        of_run(&[Method::own("no name", Middle)], SMALL),
        run(&model, vec![], &["random".parse().unwrap()], SMALL).err().unwrap(),
        run(&model, "no/such/folder", &["random".parse().unwrap()], SMALL).err().unwrap(),
    ];
    insta::assert_snapshot!(messages.map(|e| e.to_string()).join("\n"));
    // a map that does not fit leaves its curves out, with the reason
    let small = Map { heat: Array2::zeros((3, 3)), ..map };
    let outcome = model.flip(&picture, &small, SMALL).unwrap();
    let reasons: Vec<_> = outcome.curves.iter().map(|row| row.reason.clone().unwrap()).collect();
    assert_eq!(reasons[0], "the map has 3x3 values, one for each of 96x96 pixels is needed");
}

const SIDECAR: &str =
    "channels = 'rgb'\nscale = 0.01\nmean = [1.0, 1.0, 1.0]\nstd = [1.0, 1.0, 1.0]";

/// Sums over the left and over the right half of the picture.
#[expect(clippy::unnecessary_wraps, reason = "what a model takes may fail")]
fn halves(batch: ArrayView4<'_, f32>) -> Result<Array2<f32>, String> {
    let (inputs, _, _, w) = batch.dim();
    let half = |i: usize, k: usize| {
        let columns = if k == 0 { 0..w / 2 } else { w / 2..w };
        batch.slice(ndarray::s![i, .., .., columns]).sum()
    };
    Ok(Array2::from_shape_fn((inputs, 2), |(i, k)| half(i, k)))
}

fn function(
    name: &str,
    predict: impl Fn(ArrayView4<'_, f32>) -> Result<Array2<f32>, String> + Send + Sync + 'static,
) -> Model {
    Model::from_scores(name, [3, 8, 8], 2, SIDECAR, predict).unwrap()
}

fn grey(model: &Model) -> Picture {
    let picture = Array3::from_shape_fn((3, 8, 8), |(_, y, x)| ((y + 3 * x) % 8) as f32 / 8.0);
    model.array("grey", picture.view()).unwrap()
}

#[test]
fn a_function_from_batches_to_scores_is_a_model_whose_curves_are_right() {
    let model = function("halves", halves);
    let picture = grey(&model);
    // what a window hides of a sum is what it holds: the map of the right half is 0 on the left
    let map = model.explain(&picture, "occlusion:window=2:stride=2:value=black", Some(1)).unwrap();
    assert!(map.heat.iter().enumerate().all(|(i, v)| i % 8 >= 4 || *v == 0.0));
    let flipped =
        model.flip(&picture, &map, "region = 2\nrepeats = 1\nperturbation = 'constant'").unwrap();
    let scores = flipped.curves[0].scores.as_ref().unwrap();
    assert_eq!(scores.len(), 17);
    assert_eq!(scores[0].to_bits(), model.scores(&picture).unwrap()[1].to_bits());
    // eight regions of the right half come first; on the left nothing changes
    assert!(scores[8..].iter().all(|score| score.to_bits() == scores[8].to_bits()));
    assert_ne!(scores[7].to_bits(), scores[8].to_bits());
}

#[test]
fn methods_that_ask_for_scores_alone_compete_and_others_are_refused_before_the_run() {
    let model = function("halves", halves);
    let pictures = vec![grey(&model).labelled(1)];
    let settings =
        "region = 2\nrepeats = 1\nverify = 0.5\nperturbation = 'uniform,blur'\nrecord = 'all'";
    let by_scores = [
        "random",
        "rise:samples=40",
        "lime:samples=40:segments=8",
        "kernel-shap:samples=40:segments=6",
    ];
    let by_scores = by_scores.map(|name| name.parse::<Method>().unwrap());
    let outcome = run(&model, pictures.clone(), &by_scores, settings).unwrap();
    assert_eq!((outcome.results.failed_curves, outcome.results.largest_difference), (0, Some(0.0)));
    assert!(outcome.summary.rows.iter().all(|row| row.aopc.is_some()));
    let methods = ["random", "gradient", "lrp-epsilon", "grad-cam"];
    let methods = methods.map(|name| name.parse::<Method>().unwrap());
    let refused = run(&model, pictures, &methods, settings).err().unwrap().to_string();
    assert!(
        refused.contains("needs gradients or layers, and `halves` gives scores only"),
        "{refused}"
    );
    assert!(refused.ends_with("; all others: `--methods random`"), "{refused}");
}

#[test]
fn every_method_explains_scores_alone_or_says_that_it_cannot() {
    let model = function("halves", halves);
    let picture = grey(&model);
    for entry in pixelflip::explain::EXPLAINERS {
        let small =
            if ["rise", "lime", "kernel-shap"].contains(&entry.id) { ":samples=200" } else { "" };
        let method: Method = format!("{}{small}", entry.id).parse().unwrap();
        if let Err(error) = model.explain_by(&picture, &method, None) {
            let error = error.to_string();
            assert!(error.ends_with("and `halves` gives scores only"), "{}: {error}", entry.id);
        }
    }
}

#[test]
fn what_a_function_does_wrong_is_told_with_its_words() {
    let broken = function("broken", |_| Err("the device is gone".to_owned()));
    let short = function("short", |batch| Ok(Array2::zeros((batch.dim().0 + 1, 2))));
    let narrow = function("narrow", |batch| Ok(Array2::zeros((batch.dim().0, 3))));
    let words = |model: &Model| {
        let picture = grey(model);
        let own = ["random".parse().unwrap()];
        let ran = run(model, vec![picture.clone()], &own, "region = 2").err().unwrap();
        format!("{}\n{ran}", model.scores(&picture).unwrap_err())
    };
    let none = Model::from_scores("none", [3, 8, 8], 1, SIDECAR, halves).err().unwrap();
    let bare = Model::from_scores("bare", [3, 8, 8], 2, "", halves).err().unwrap();
    for (model, said) in [
        (&broken, "`broken` gives no scores: the device is gone"),
        (&short, "`short` gives no scores: expected those of 1 inputs, found 2"),
        (&narrow, "`narrow` gives no scores: expected 2 for each input, found 3"),
    ] {
        assert_eq!(words(model).matches(said).count(), 2, "{}", words(model));
    }
    assert!(none.to_string().ends_with("found 3x8x8 and 1"), "{none}");
    assert!(bare.to_string().starts_with("preprocessing for model `bare`: "), "{bare}");
}

#[test]
fn a_library_has_nothing_of_the_program_in_its_tree() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--no-default-features",
            "-e",
            "normal,no-proc-macro",
            "--prefix",
            "none",
        ])
        .args(["-p", "pixelflip"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"pixelflip-run"), "{tree}");
    // not signal-hook: polars has it as well
    for outer in ["anyhow", "clap", "indicatif", "minijinja", "plotters"] {
        assert!(!names.contains(&outer), "`{outer}` is in the tree of the library");
    }
}
