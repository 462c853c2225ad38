//! From pictures to network inputs, as the sidecar beside a model file says.
//!
//! Two spaces are kept apart. *Image space*: a picture of the network's size, in the network's
//! channel order, with values in [0, 1]; perturbations work there. *Input space*: the same after
//! `x = (pixel * 255 * scale - mean) / std`; the network works there.
//!
//! The way into image space: resize, crop, channels, pad. Nothing of it is guessed: a picture that
//! does not fit is an error unless the sidecar (or a flag of the same name) says what to do. Two
//! conversions always happen, because they cannot be meant otherwise: a grey picture for a colour
//! network is repeated into its three channels, a colour picture for a grey network becomes its
//! Rec. 601 luma (0.299 R + 0.587 G + 0.114 B).

mod error;
mod fit;
mod linear;
mod prepared;
mod preset;
mod resolve;
mod settings;
#[cfg(test)]
mod tests;
mod words;

pub use error::PreprocessError;
pub use fit::{Placement, Size};
pub use linear::Way;
pub use prepared::Prepared;
pub use preset::Preset;
pub use settings::{Channels, Crop, InputAxes, Interpolation, Resize, Settings};
pub use words::TextSettings;

use super::{head::Declared, tensor::Tensor};
use crate::base::geom::Shape;
use fit::Fit;

/// How a picture becomes the network's input; see the [module](self) for the two spaces.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocess {
    input: Shape,
    axes: Option<InputAxes>,
    resize: Resize,
    interpolation: Interpolation,
    crop: Crop,
    pad: [usize; 2],
    channels: Channels,
    scale: f64,
    mean: Vec<f64>,
    std: Vec<f64>,
    classes: Option<String>,
    head: Option<Declared>,
    output: Option<String>,
    text: Option<TextSettings>,
    gain: Vec<f64>,
    offset: Vec<f64>,
    /// What the model file does behind all that; in `gain` and `offset`.
    prepared: Option<Prepared>,
}

impl Preprocess {
    /// Reads a complete sidecar for a network whose input is `input` = `(C, H, W)`.
    pub fn from_toml(text: &str, input: Shape) -> Result<Preprocess, PreprocessError> {
        Settings::from_toml(text)?.resolve(input)
    }

    /// Followed by what the model file itself does to each channel of its input.
    #[must_use]
    pub(crate) fn before(mut self, prepared: Option<Prepared>) -> Preprocess {
        for (k, (scale, shift)) in
            prepared.iter().flat_map(|p| p.scale.iter().zip(&p.shift)).enumerate()
        {
            self.gain[k] *= scale;
            self.offset[k] = scale * self.offset[k] + shift;
        }
        self.prepared = prepared;
        self
    }

    /// The same with other values of some keys.
    pub fn changed(&self, by: Settings) -> Result<Preprocess, PreprocessError> {
        let changed = by.or(self.settings()).resolve(self.input)?;
        Ok(changed.before(self.prepared.clone()))
    }

    /// Shape of the network's input and of pictures in image space.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// Zero pixels above and below, left and right of a picture.
    pub fn pad(&self) -> [usize; 2] {
        self.pad
    }

    /// Channels of the network and their order.
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// File with the class names, relative to the sidecar.
    pub fn classes(&self) -> Option<&str> {
        self.classes.as_deref()
    }

    /// How texts become words; `None` of a network that takes pictures.
    pub fn text(&self) -> Option<&TextSettings> {
        self.text.as_ref()
    }

    /// Every key with the value in force; a manifest with these can be run again.
    pub fn settings(&self) -> Settings {
        if self.text.is_some() {
            return Settings {
                classes: self.classes.clone(),
                head: self.head,
                output: self.output.clone(),
                text: self.text.clone(),
                ..Settings::default()
            };
        }
        Settings {
            input: Some([self.input.h, self.input.w]),
            axes: self.axes,
            resize: Some(self.resize),
            interpolation: Some(self.interpolation),
            crop: Some(self.crop),
            pad: Some(self.pad),
            channels: Some(self.channels),
            scale: Some(self.scale),
            mean: Some(self.mean.clone()),
            std: Some(self.std.clone()),
            classes: self.classes.clone(),
            head: self.head,
            output: self.output.clone(),
            text: None,
        }
    }

    /// A picture of any size with 1 channel or 3 (RGB), values in [0, 1], as image space has it:
    /// shape [`Preprocess::input`], channels in the network's order. A text is ready as its data set makes it:
    /// one vector per word, shape [`Preprocess::input`].
    pub fn picture(&self, image: &Tensor) -> Result<Tensor, PreprocessError> {
        if self.text.is_some() {
            let (found, expected) = (image.shape, self.input);
            if found != expected {
                return Err(PreprocessError::Vectors { found, expected });
            }
            return match image.data.iter().find(|v| !v.is_finite()) {
                None => Ok(image.clone()),
                Some(value) => Err(PreprocessError::Infinite { value: value.to_string() }),
            };
        }
        if ![1, 3].contains(&image.shape.c) {
            return Err(PreprocessError::Channels { found: image.shape.c });
        }
        let fit = self.fit(Size::of(image.shape))?;
        let resized;
        let source = if fit.resized == Size::of(image.shape) {
            image
        } else {
            resized = fit::resized_to(image, fit.resized, self.interpolation);
            &resized
        };
        Ok(self.place(source, &fit))
    }

    /// Crop, channels and padding in one pass.
    fn place(&self, source: &Tensor, fit: &Fit) -> Tensor {
        let mut out = Tensor::zeros(self.input);
        let c = self.input.c;
        for y in 0..fit.needed.height {
            let row = source.row(y + fit.top, fit.left, fit.left + fit.needed.width);
            let at = ((y + self.pad[0]) * self.input.w + self.pad[1]) * c;
            let to = out.data[at..].chunks_exact_mut(c);
            for (pixel, to) in row.chunks_exact(source.shape.c).zip(to) {
                self.channels.convert(pixel, to);
            }
        }
        out
    }

    /// From image space to input space: `(pixel * 255 * scale - mean) / std` per channel.
    #[must_use]
    pub fn normalise(&self, picture: &Tensor) -> Tensor {
        let mut out = Tensor::zeros(picture.shape);
        self.normalise_pixels(&picture.data, &mut out.data);
        out
    }

    /// [`Preprocess::normalise`] for the pixels of one rectangle, channels last; a pixel's result
    /// does not depend on the others, so a rectangle's bits equal those of the whole picture.
    pub fn normalise_pixels(&self, values: &[f32], out: &mut [f32]) {
        let c = self.input.c;
        for (pixel, out) in values.chunks_exact(c).zip(out.chunks_exact_mut(c)) {
            for (k, (v, o)) in pixel.iter().zip(out).enumerate() {
                *o = self.channel_value(k, *v);
            }
        }
    }

    fn channel_value(&self, channel: usize, pixel: f32) -> f32 {
        (f64::from(pixel) * self.gain[channel] + self.offset[channel]) as f32
    }

    /// Per channel the input value of a black pixel: the lower bound of the z-box rule. NaN for texts, whose vectors
    /// have no bounds.
    pub fn low(&self) -> Vec<f32> {
        if self.text.is_some() {
            return vec![f32::NAN; self.input.c];
        }
        (0..self.input.c).map(|k| self.channel_value(k, 0.0)).collect()
    }

    /// Per channel the pixel value in [0, 1] whose input value is 0, or the nearest to it.
    pub fn neutral(&self) -> Vec<f32> {
        let pairs = self.gain.iter().zip(&self.offset);
        pairs.map(|(gain, offset)| (-offset / gain).clamp(0.0, 1.0) as f32).collect()
    }

    /// Per channel the input value of a white pixel: the upper bound of the z-box rule. NaN for texts.
    pub fn high(&self) -> Vec<f32> {
        if self.text.is_some() {
            return vec![f32::NAN; self.input.c];
        }
        (0..self.input.c).map(|k| self.channel_value(k, 1.0)).collect()
    }
}

/// The class names in a text file: one per line, blank lines at the end ignored; there must be one
/// per output of the network.
pub fn class_names(text: &str, outputs: usize) -> Result<Vec<String>, PreprocessError> {
    let names: Vec<String> = text.trim_end().lines().map(|l| l.trim().to_owned()).collect();
    if names.len() == outputs {
        return Ok(names);
    }
    Err(PreprocessError::Classes { expected: outputs, found: names.len() })
}
