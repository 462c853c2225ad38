//! A model and what it is to look at, for commands that look at single pictures.

use super::args::PreprocessFlags;
use anyhow::{Context, bail};
use image::RgbImage;
use pixelflip::{
    base::geom::Shape,
    data::{decode, tensor},
    nn::{
        model::Model,
        preprocess::{Crop, Preprocess, Resize, Settings},
        tensor::Tensor,
    },
    report::heatmap,
    run::plan,
};
use std::path::Path;

/// Network inputs, and whether they came with a batch axis.
pub(crate) struct Inputs {
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) batched: bool,
    /// The picture that became the input, as people see it; none for a `.npy` tensor.
    pub(crate) picture: Option<RgbImage>,
    name: String,
}

impl Inputs {
    /// A name for each input, for methods that draw.
    pub(crate) fn id(&self, index: usize) -> String {
        if self.batched { format!("{}:{index}", self.name) } else { self.name.clone() }
    }
}

/// Loads a model with flags over its sidecar.
pub(crate) fn model(name: &str, flags: &PreprocessFlags) -> anyhow::Result<Model> {
    Ok(plan::load_model(name, flags.settings())?)
}

/// Reads a picture and prepares it, or a `.npy` tensor that is taken as it is.
pub(crate) fn read(path: &Path, model: &Model) -> anyhow::Result<Inputs> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if path.extension().is_some_and(|e| e == "npy") {
        let tensor::Batch { inputs, batched } = tensor::read_npy(path)?;
        check_shape(path, inputs[0].shape, model)?;
        return Ok(Inputs { tensors: inputs, batched, picture: None, name });
    }
    let image = decode::read_picture(path, decode::MAX_PIXELS)?;
    let named = || format!("cannot use `{}`", path.display());
    let preprocess = model.preprocess()?;
    let picture = preprocess.picture(&image).with_context(named)?;
    let input = preprocess.normalise(&picture);
    let picture = Some(heatmap::rgb(&heatmap::visible(preprocess.channels(), &picture)));
    Ok(Inputs { tensors: vec![input], batched: false, picture, name })
}

/// Reads a picture as it is, and gives the preparation of parts of it that have the network's size.
pub(crate) fn read_large(path: &Path, model: &Model) -> anyhow::Result<(Tensor, Preprocess)> {
    let settings = Settings {
        resize: Some(Resize::None),
        crop: Some(Crop::None),
        ..model.preprocess()?.settings()
    };
    let preprocess = settings.resolve(model.graph.input_shape())?;
    Ok((decode::read_picture(path, decode::MAX_PIXELS)?, preprocess))
}

fn check_shape(path: &Path, found: Shape, model: &Model) -> anyhow::Result<()> {
    let expected = model.graph.input_shape();
    if found != expected {
        bail!("`{}`: expected inputs of {expected}, found {found}", path.display());
    }
    Ok(())
}
