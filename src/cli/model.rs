//! `pixelflip model`.

use super::{args::ModelArgs, input, terminal};
use pixelflip::{nn::preprocess::Preprocess, report::layers::layer_table};
use std::process::ExitCode;

pub(crate) fn run(args: &ModelArgs) -> anyhow::Result<ExitCode> {
    let model = input::model(&args.model, &args.preprocess)?;
    let preparation = preparation(model.preprocess.as_ref());
    terminal::data(&format!("{}\n{preparation}", layer_table(&model)))?;
    Ok(ExitCode::SUCCESS)
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
