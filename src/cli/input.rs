//! A model and what it is to look at, for commands that look at single pictures.

use super::{
    args::{PictureFlags, PreprocessFlags},
    terminal,
};
use anyhow::{anyhow, bail};
use image::RgbImage;
use pixelflip::{
    Model, Picture,
    base::{geom::Shape, registry::near},
    data::{Dataset, decode, tensor},
    nn::{
        model::Model as Network,
        preprocess::{Crop, Preprocess, Resize, Settings},
        tensor::Tensor,
    },
    report::heatmap,
    run::{doubt::Doubt, gallery::visible, plan},
};
use std::path::Path;

/// Network inputs, and whether they came with a batch axis.
pub(crate) struct Inputs {
    pub(crate) pictures: Vec<Picture>,
    pub(crate) batched: bool,
    /// The picture that became the input, as people see it; none for a `.npy` tensor.
    pub(crate) picture: Option<RgbImage>,
    /// File name, or id in the data set.
    pub(crate) name: String,
}

/// Loads a model with flags over its sidecar.
pub(crate) fn model(name: &str, flags: &PreprocessFlags) -> anyhow::Result<Model> {
    let model = Model::load_with(name, flags.settings())?;
    say_doubts(model.network());
    Ok(model)
}

/// Loads the network of a model as it stands in the file: nothing is chosen for speed.
pub(crate) fn network(name: &str, flags: &PreprocessFlags) -> anyhow::Result<Network> {
    let network = plan::load_model(name, flags.settings())?;
    say_doubts(&network);
    Ok(network)
}

fn say_doubts(network: &Network) {
    if let Some(chosen) = &network.chosen {
        terminal::talk(&format!("warning: {chosen}"));
    }
    if let Some(doubt) = network.preprocess.as_ref().and_then(Doubt::of_inputs) {
        terminal::talk(&format!("warning: {doubt}"));
    }
}

/// Reads a picture and prepares it, or a `.npy` tensor that is taken as it is.
pub(crate) fn read(flags: &PictureFlags, model: &Model) -> anyhow::Result<Inputs> {
    if let Some(path) =
        flags.which.input.as_deref().filter(|p| p.extension().is_some_and(|e| e == "npy"))
    {
        let tensor::Batch { inputs, batched } = tensor::read_npy(path)?;
        check_shape(path, inputs[0].shape, model)?;
        let name = file_name(path);
        let id = |i| if batched { format!("{name}:{i}") } else { name.clone() };
        let one = |(i, input): (usize, Tensor)| model.input(&id(i), input.to_chw().view());
        let pictures = inputs.into_iter().enumerate().map(one).collect::<Result<_, _>>()?;
        return Ok(Inputs { pictures, batched, picture: None, name });
    }
    let Decoded { name, image } = picture(flags, model)?;
    let pictures = vec![model.prepare(&name, image.clone())?];
    let preprocess = model.network().preprocess()?;
    let ready = preprocess.picture(&image)?;
    let picture = Some(heatmap::rgb(&visible(preprocess.channels(), &ready)));
    Ok(Inputs { pictures, batched: false, picture, name })
}

/// A picture as it is, before any preprocessing.
pub(crate) struct Decoded {
    /// Its file name, or its id in its data set.
    pub(crate) name: String,
    pub(crate) image: Tensor,
}

/// Decodes the picture that the flags name.
pub(crate) fn picture(flags: &PictureFlags, model: &Model) -> anyhow::Result<Decoded> {
    let orientation = flags.orientation;
    match (&flags.which.input, &flags.which.image) {
        (Some(path), _) => {
            let (image, _) = decode::read(path, flags.max_pixels)?.turned(orientation);
            Ok(Decoded { name: file_name(path), image })
        }
        (None, Some(name)) => {
            let (name_of_set, layout) = (&flags.data, flags.layout.as_ref());
            let (pixels, network) = (flags.max_pixels, model.network());
            let data = plan::open_data(name_of_set, layout, pixels, orientation, network)?;
            let at = find(&*data, &flags.data, name)?;
            Ok(Decoded { name: name.clone(), image: data.item(at)?.image })
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
    let whole =
        Settings { resize: Some(Resize::None), crop: Some(Crop::None), ..Settings::default() };
    Ok(model.network().preprocess()?.changed(whole)?)
}

fn check_shape(path: &Path, found: Shape, model: &Model) -> anyhow::Result<()> {
    let expected = model.network().graph.input_shape();
    if found != expected {
        bail!("`{}`: expected inputs of {expected}, found {found}", path.display());
    }
    Ok(())
}
