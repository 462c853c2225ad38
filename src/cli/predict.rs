//! `pixelflip predict`.

use super::{args::PredictArgs, input, terminal};
use anyhow::Context;
use ndarray::{Array2, Axis};
use pixelflip::{
    base::text::plain,
    data::tensor::write_npy,
    nn::{model::Model, op::softmax},
};
use std::process::ExitCode;

pub(crate) fn run(args: &PredictArgs) -> anyhow::Result<ExitCode> {
    let model = input::model(&args.model, &args.preprocess)?;
    let inputs = input::read(&args.picture, &model)?;
    let logits: Vec<Vec<f32>> = inputs.tensors.iter().map(|x| model.graph.logits(x)).collect();
    if let Some(path) = &args.out {
        let all = Array2::from_shape_vec((logits.len(), model.graph.classes()), logits.concat())
            .context("collecting the logits")?;
        let all = all.into_dyn();
        let all = if inputs.batched { all.view() } else { all.index_axis(Axis(0), 0) };
        write_npy(path, &all)?;
    }
    for (i, logits) in logits.iter().enumerate() {
        if inputs.batched {
            terminal::data(&format!("{}\n", plain(&inputs.id(i))))?;
        }
        terminal::data(&table(&model, logits, args.top))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The best classes, with logit and probability.
fn table(model: &Model, logits: &[f32], top: usize) -> String {
    let probabilities = softmax(logits);
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
    let heading = ["class", "logit", "probability", "name"].map(str::to_owned).to_vec();
    let line = |&class: &usize| {
        let name = model.classes.as_ref().map_or("", |names| names[class].as_str());
        let (logit, probability) = (logits[class], probabilities[class]);
        vec![class.to_string(), format!("{logit:.4}"), format!("{probability:.4}"), name.to_owned()]
    };
    let lines: Vec<Vec<String>> =
        std::iter::once(heading).chain(order.iter().take(top).map(line)).collect();
    terminal::columns(&lines)
}
