//! `pixelflip explain`.

use super::{
    args::ExplainArgs,
    input::{self, Inputs},
    terminal,
};
use anyhow::{Context, bail};
use ndarray::{Array3, Axis};
use pixelflip::{
    base::{
        registry::{Named, build},
        rng::Seed,
    },
    data::tensor::write_npy,
    explain::{Case, EXPLAINERS, Explainer, HeatMap},
    nn::{model::Model, tensor::Tensor},
    report::{
        colours::{Look, words},
        heatmap,
        plot::{encode, save},
    },
    run::subject::predicted,
};
use std::{path::Path, process::ExitCode};

pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let method = build("method", EXPLAINERS, &args.method.parse()?)?;
    let kind = OutputKind::of(&args.out)?;
    let look = args.look.look()?;
    let model = input::model(&args.model, &args.preprocess)?;
    let inputs = input::read(&args.input, &model)?;
    if kind == OutputKind::Picture && inputs.tensors.len() > 1 {
        bail!(
            "a .png shows one heat map, but `{}` holds {}",
            args.input.display(),
            inputs.tensors.len()
        );
    }
    let explained = explain(&model, &method, &inputs, args)?;
    let mut said = String::new();
    match kind {
        OutputKind::Picture => {
            let heat = method.value.pool().apply(&explained[0]);
            let picture = match &inputs.picture {
                Some(picture) if args.overlay => heatmap::overlay(picture, &heat, &look),
                None if args.overlay => bail!("`--overlay` needs a picture, a .npy tensor is none"),
                _ => heatmap::picture(&heat, &look),
            };
            save(&args.out, &encode(&picture)?)?;
            said = format!("; {}", drawn(&heat, &look));
        }
        OutputKind::Numbers => write_relevance(&args.out, &explained, inputs.batched)?,
    }
    terminal::talk(&format!("{} written to `{}`{said}", method.name, args.out.display()));
    Ok(ExitCode::SUCCESS)
}

/// What the colours of a heat map stand for.
fn drawn(heat: &HeatMap, look: &Look) -> String {
    let scale = words(look.range(heat), look.colours.side);
    format!("{} colours, {scale} ({})", look.colours.name, look.percentile.words())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OutputKind {
    Picture,
    Numbers,
}

impl OutputKind {
    fn of(path: &Path) -> anyhow::Result<OutputKind> {
        match path.extension().and_then(|e| e.to_str()) {
            Some("png") => Ok(OutputKind::Picture),
            Some("npy") => Ok(OutputKind::Numbers),
            _ => bail!("`--out` must end in .png or .npy, found `{}`", path.display()),
        }
    }
}

fn explain(
    model: &Model,
    method: &Named<dyn Explainer>,
    inputs: &Inputs,
    args: &ExplainArgs,
) -> anyhow::Result<Vec<Tensor>> {
    let (low, high) = bounds(model);
    let one = |(i, x): (usize, &Tensor)| {
        let acts = model.graph.forward(x);
        let logits = &acts.of(model.graph.output()).data;
        let best = predicted(logits).map_err(anyhow::Error::msg)?;
        let (image, target) = (inputs.id(i), args.target.unwrap_or(best));
        let case = Case {
            graph: &model.graph,
            acts: &acts,
            target,
            low: &low,
            high: &high,
            seed: Seed(args.seed),
            image: &image,
        };
        let relevance = method.value.relevance(&case);
        relevance.with_context(|| format!("`{}` cannot explain `{image}`", method.name))
    };
    inputs.tensors.iter().enumerate().map(one).collect()
}

/// Inputs of black and white, per channel. Where nothing says what they are, they are NaN, so a
/// method that needs them fails and others do not care.
fn bounds(model: &Model) -> (Vec<f32>, Vec<f32>) {
    let unknown = || vec![f32::NAN; model.graph.input_shape().c];
    let preprocess = model.preprocess.as_ref();
    preprocess.map_or_else(|| (unknown(), unknown()), |p| (p.low(), p.high()))
}

/// Relevance before pooling, with a batch axis if the input had one.
fn write_relevance(path: &Path, relevance: &[Tensor], batched: bool) -> anyhow::Result<()> {
    let arrays: Vec<Array3<f32>> = relevance.iter().map(Tensor::to_chw).collect();
    let views: Vec<_> = arrays.iter().map(|a| a.view()).collect();
    let all = ndarray::stack(Axis(0), &views).context("collecting the relevance")?.into_dyn();
    let all = if batched { all.view() } else { all.index_axis(Axis(0), 0) };
    Ok(write_npy(path, &all)?)
}
