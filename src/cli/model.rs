//! `pixelflip model`.

use super::{args::ModelArgs, input, terminal};
use pixelflip::{
    nn::{model::ModelError, onnx::Obstacle, preprocess::Preprocess},
    report::layers::{overview, refused},
};
use std::process::ExitCode;

pub(crate) fn run(args: &ModelArgs) -> anyhow::Result<ExitCode> {
    let model = input::network(&args.model, &args.preprocess).inspect_err(|error| {
        let obstacles = obstacles(error);
        if !obstacles.is_empty() {
            // the error is told afterwards whether this can be written or not
            let _ = terminal::data(&refused(&args.model, &obstacles, args.all));
        }
    })?;
    let preparation = preparation(model.preprocess.as_ref());
    terminal::data(&format!("{}\n{preparation}", overview(&model, args.all)))?;
    Ok(ExitCode::SUCCESS)
}

/// The nodes that keep the file from being imported.
fn obstacles(error: &anyhow::Error) -> Vec<Obstacle> {
    match error.downcast_ref() {
        Some(ModelError::Onnx(error)) => error.obstacles(),
        _ => vec![],
    }
}

/// How pictures become inputs, as a sidecar would say it.
fn preparation(preprocess: Option<&Preprocess>) -> String {
    match preprocess.map(|p| toml::to_string(&p.settings())) {
        Some(Ok(settings)) => format!("how pictures become its input:\n{settings}"),
        _ => "nothing says how pictures become its input: write a sidecar beside it, or name the \
              family that it belongs to (`--preset torchvision`, caffe, keras, inception or clip)\n"
            .to_owned(),
    }
}
