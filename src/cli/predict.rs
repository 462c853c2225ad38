//! `pixelflip predict`.

use super::{args::PredictArgs, input, terminal};
use anyhow::Context;
use ndarray::{Array2, Axis};
use pixelflip::{base::text::plain, data::tensor::write_npy, nn::model::Model};
use std::process::ExitCode;

pub(crate) fn run(args: &PredictArgs) -> anyhow::Result<ExitCode> {
    let model = input::model(&args.model, &args.preprocess)?;
    let inputs = input::read(&args.picture, &model)?;
    let logits = inputs.pictures.iter().map(|x| model.scores(x)).collect::<Result<Vec<_>, _>>()?;
    if let Some(path) = &args.out {
        let all = Array2::from_shape_vec(
            (logits.len(), model.network().graph.classes()),
            logits.concat(),
        )
        .context("collecting the logits")?;
        let all = all.into_dyn();
        let all = if inputs.batched { all.view() } else { all.index_axis(Axis(0), 0) };
        write_npy(path, &all)?;
    }
    for (picture, logits) in inputs.pictures.iter().zip(&logits) {
        if inputs.batched {
            terminal::data(&format!("{}\n", plain(picture.id())))?;
        }
        terminal::data(&table(model.network(), logits, args.top))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The best classes, with logit and probability; values that are no logits have none.
fn table(model: &Model, scores: &[f32], top: usize) -> String {
    let probabilities = model.graph.head().probabilities(scores);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let heading = match probabilities {
        Some(_) => vec!["class", "logit", "probability", "name"],
        None => vec!["class", "value", "name"],
    };
    let heading = heading.into_iter().map(str::to_owned).collect();
    let line = |&class: &usize| {
        let name = model.classes.as_ref().map_or("", |names| names[class].as_str());
        let probability = probabilities.as_ref().map(|all| format!("{:.4}", all[class]));
        let cells = [Some(class.to_string()), Some(format!("{:.4}", scores[class]))];
        cells.into_iter().chain([probability, Some(name.to_owned())]).flatten().collect()
    };
    let lines: Vec<Vec<String>> =
        std::iter::once(heading).chain(order.iter().take(top).map(line)).collect();
    terminal::columns(&lines)
}
