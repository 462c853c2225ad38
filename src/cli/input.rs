//! A model and what it is to look at, for commands that look at single pictures.

use super::{
    args::{PictureFlags, PreprocessFlags},
    terminal,
};
use anyhow::{Context, anyhow, bail};
use image::RgbImage;
use pixelflip::{
    base::{geom::Shape, registry::near},
    data::{Dataset, decode, tensor},
    nn::{
        model::Model,
        preprocess::{Crop, Preprocess, Resize, Settings},
        tensor::Tensor,
    },
    report::heatmap,
    run::{doubt::Doubt, plan},
};
use std::path::Path;

/// Network inputs, and whether they came with a batch axis.
pub(crate) struct Inputs {
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) batched: bool,
    /// The picture that became the input, as people see it; none for a `.npy` tensor.
    pub(crate) picture: Option<RgbImage>,
    /// File name, or id in the data set.
    pub(crate) name: String,
}

impl Inputs {
    /// A name for each input, for methods that draw.
    pub(crate) fn id(&self, index: usize) -> String {
        if self.batched { format!("{}:{index}", self.name) } else { self.name.clone() }
    }
}

/// Loads a model with flags over its sidecar.
pub(crate) fn model(name: &str, flags: &PreprocessFlags) -> anyhow::Result<Model> {
    let model = plan::load_model(name, flags.settings())?;
    if let Some(chosen) = &model.chosen {
        terminal::talk(&format!("warning: {chosen}"));
    }
    if let Some(doubt) = model.preprocess.as_ref().and_then(Doubt::of_inputs) {
        terminal::talk(&format!("warning: {doubt}"));
    }
    Ok(model)
}

/// Reads a picture and prepares it, or a `.npy` tensor that is taken as it is.
pub(crate) fn read(flags: &PictureFlags, model: &Model) -> anyhow::Result<Inputs> {
    if let Some(path) =
        flags.which.input.as_deref().filter(|p| p.extension().is_some_and(|e| e == "npy"))
    {
        let tensor::Batch { inputs, batched } = tensor::read_npy(path)?;
        check_shape(path, inputs[0].shape, model)?;
        return Ok(Inputs { tensors: inputs, batched, picture: None, name: file_name(path) });
    }
    let Picture { name, image } = picture(flags, model)?;
    let preprocess = model.preprocess()?;
    let picture = preprocess.picture(&image).with_context(|| format!("cannot use `{name}`"))?;
    let input = preprocess.normalise(&picture);
    let picture = Some(heatmap::rgb(&heatmap::visible(preprocess.channels(), &picture)));
    Ok(Inputs { tensors: vec![input], batched: false, picture, name })
}

/// A picture as it is, before any preprocessing.
pub(crate) struct Picture {
    /// Its file name, or its id in its data set.
    pub(crate) name: String,
    pub(crate) image: Tensor,
}

/// Decodes the picture that the flags name.
pub(crate) fn picture(flags: &PictureFlags, model: &Model) -> anyhow::Result<Picture> {
    let orientation = plan::orientation(&flags.orientation)?;
    match (&flags.which.input, &flags.which.image) {
        (Some(path), _) => {
            let (image, _) = decode::read(path, flags.max_pixels)?.turned(orientation);
            Ok(Picture { name: file_name(path), image })
        }
        (None, Some(name)) => {
            let (name_of_set, layout) = (&flags.data, flags.layout.as_deref());
            let data = plan::open_data(name_of_set, layout, flags.max_pixels, orientation, model)?;
            let at = find(&*data, &flags.data, name)?;
            Ok(Picture { name: name.clone(), image: data.item(at)?.image })
        }
        (None, None) => bail!("`--input` or `--image` must say which picture"),
    }
}

/// The index of a picture by its id.
fn find(data: &dyn Dataset, from: &str, name: &str) -> anyhow::Result<usize> {
    let ids: Vec<String> = (0..data.len()).map(|i| data.id(i)).collect();
    ids.iter().position(|id| id == name).ok_or_else(|| {
        let near = near(name, ids.iter().map(String::as_str));
        let hint = match near.as_slice() {
            [] => format!("the first is `{}`", ids[0]),
            some => format!("did you mean {}?", some.join(" or ")),
        };
        anyhow!("`{from}` has no picture `{name}` among its {}; {hint}", ids.len())
    })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The preparation of parts of a picture that have the network's size.
pub(crate) fn window_preprocess(model: &Model) -> anyhow::Result<Preprocess> {
    let settings = Settings {
        resize: Some(Resize::None),
        crop: Some(Crop::None),
        ..model.preprocess()?.settings()
    };
    Ok(settings.resolve(model.graph.input_shape())?)
}

fn check_shape(path: &Path, found: Shape, model: &Model) -> anyhow::Result<()> {
    let expected = model.graph.input_shape();
    if found != expected {
        bail!("`{}`: expected inputs of {expected}, found {found}", path.display());
    }
    Ok(())
}
