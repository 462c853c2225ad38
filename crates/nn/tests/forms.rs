//! Files in all forms that they come in, made by `scripts/make_form_cases.py`, which runs them in
//! onnxruntime: outputs, gradients, and streams of patches.

use ndarray::{Array1, Array2, Array4, Axis};
use ndarray_npy::NpzReader;
use pixelflip_base::{
    geom::Rect,
    rng::{Seed, unit_f32},
};
use pixelflip_nn::{graph::Graph, model::Model, stream::Base, tensor::Tensor};
use std::{fs::File, path::Path};

/// A file with pictures and what onnxruntime makes of them.
struct Case {
    name: String,
    model: Model,
    inputs: Vec<Tensor>,
    want: Array2<f32>,
    /// How far outputs may be off, as a share of the largest.
    limit: f32,
}

/// All cases, and what is wrong with those that do not load.
fn cases() -> (Vec<Case>, Vec<String>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/form_cases.npz");
    let mut all = NpzReader::new(File::open(file).unwrap()).unwrap();
    let names = all.names().unwrap();
    let (mut cases, mut wrong) = (vec![], vec![]);
    for name in names.iter().filter_map(|n| n.trim_end_matches(".npy").strip_suffix(".onnx")) {
        let file: Array1<u8> = all.by_name(&format!("{name}.onnx")).unwrap();
        let inputs: Array4<f32> = all.by_name(&format!("{name}.x")).unwrap();
        let want: Array2<f32> = all.by_name(&format!("{name}.y")).unwrap();
        let limit: Array1<f32> = all.by_name(&format!("{name}.limit")).unwrap();
        match Model::from_bytes(name, file.as_slice().unwrap(), None) {
            Err(error) => wrong.push(error.to_string()),
            Ok(model) => {
                let shape = model.graph.input_shape();
                let tensor = |x| match Tensor::from_chw(x) {
                    x if x.shape == shape => x,
                    // channels last in the file
                    x => Tensor::new(shape, x.to_chw().into_iter().collect()),
                };
                let inputs = inputs.axis_iter(Axis(0)).map(tensor).collect();
                cases.push(Case { name: name.to_owned(), model, inputs, want, limit: limit[0] });
            }
        }
    }
    (cases, wrong)
}

#[test]
fn files_in_all_forms_agree_with_onnxruntime() {
    let (cases, mut wrong) = cases();
    assert_eq!(cases.len() + wrong.len(), 189);
    for Case { name, model, inputs, want, limit } in &cases {
        let largest = want.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        for (x, want) in inputs.iter().zip(want.axis_iter(Axis(0))) {
            let got = model.graph.logits(&model.input(x.clone()));
            if got.len() != want.len() {
                wrong.push(format!("{name}: {} values, not {}", got.len(), want.len()));
                continue;
            }
            let off = got.iter().zip(want).map(|(a, b)| (a - b).abs() / largest);
            let worst = off.fold(0.0f32, |most, v| if v > most || v.is_nan() { v } else { most });
            if worst.is_nan() || worst > *limit {
                wrong.push(format!("{name}: {worst:e} of the largest value"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Values of size 1 that depend on the name.
fn noise(name: &str, n: usize) -> Vec<f32> {
    let mut rng = Seed(3).rng("forms", name, &[]);
    (0..n).map(|_| unit_f32(&mut rng) * 2.0 - 1.0).collect()
}

/// Where values jump, a difference says nothing about the gradient.
fn jumps(graph: &Graph) -> bool {
    let steps = [
        "Cast",
        "Ceil",
        "DynamicQuantizeLinear",
        "Equal",
        "Floor",
        "Greater",
        "GreaterOrEqual",
        "Less",
        "LessOrEqual",
        "QuantizeLinear",
        "Round",
        "Sign",
        "Xor",
    ];
    graph.nodes().any(|(_, node)| steps.contains(&node.op.name()))
}

#[test]
fn gradients_of_files_in_all_forms_agree_with_finite_differences() {
    let (cases, mut wrong) = cases();
    for Case { name, model, inputs, .. } in cases.iter().filter(|c| !jumps(&c.model.graph)) {
        let (graph, x) = (&model.graph, &inputs[0]);
        let acts = graph.forward(x);
        let seed = Tensor::new(graph.node(graph.output()).shape, noise(name, graph.classes()));
        let grad = graph.gradient(&acts, seed.clone());
        let along = Tensor::new(x.shape, noise(&format!("{name} along"), x.shape.len()));
        let slope: f64 =
            grad.data.iter().zip(&along.data).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
        let score = |h: f32| -> f64 {
            let moved = x.data.iter().zip(&along.data).map(|(x, d)| x + h * d).collect();
            let y = graph.logits(&Tensor::new(x.shape, moved));
            y.iter().zip(&seed.data).map(|(y, s)| f64::from(*y) * f64::from(*s)).sum()
        };
        let size: f64 = grad.data.iter().map(|g| f64::from(g.abs())).sum();
        let h = if x.data.iter().any(|v| v.abs() > 50.0) { 0.1 } else { 1e-3 };
        let found = (score(h) - score(-h)) / f64::from(2.0 * h);
        // rounding of sums of size 10 over 2e-3; a rectifier may open on the way
        if !(found - slope).abs().is_finite() || (found - slope).abs() > 0.02 * size + 0.02 {
            wrong.push(format!("{name}: {found} by differences, {slope} by the gradient"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn streams_through_files_in_all_forms_are_full_passes_bit_for_bit() {
    let (cases, mut wrong) = cases();
    for Case { name, model, inputs, .. } in &cases {
        let graph = &model.graph;
        let mut x = inputs[0].clone();
        let at = |y: usize, x: usize| {
            Rect { y0: y, y1: y + 2, x0: x, x1: x + 2 }.intersect(graph.input_shape().rect())
        };
        let regions = [at(0, 0), at(1, 2), at(1, 1), at(2, 0)];
        let pixels: Vec<Vec<f32>> = (0..regions.len())
            .map(|k| noise(&format!("{name} {k}"), regions[k].area() * graph.input_shape().c))
            .collect();
        let base = Base::new(graph, graph.forward(&x), None);
        let streamed =
            base.scores(&regions, |k, out| out.copy_from_slice(&pixels[k]), u64::MAX).values;
        let mut full = graph.logits(&x);
        for (region, pixels) in regions.iter().zip(&pixels) {
            x.write(*region, pixels);
            full.extend(graph.logits(&x));
        }
        let same = streamed.iter().zip(&full).all(|(a, b)| a.to_bits() == b.to_bits());
        if !same || streamed.len() != full.len() {
            wrong.push(name.clone());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
