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

use super::tensor::Tensor;
use crate::base::{
    geom::{Rect, Shape},
    registry::near,
};
use image::{ImageBuffer, Luma, Pixel, Rgb, imageops};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt, str::FromStr};

/// Largest intermediate picture of a resize; a 1 x 100,000 picture made 256 wide is beyond it.
const MAX_RESIZED_PIXELS: usize = 100_000_000;

/// Weights of R, G and B in the luma of ITU-R Rec. BT.601.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// The keys of a sidecar and what the value of each must be.
const FIELDS: [(&str, &str); 10] = [
    ("input", "[height, width] in pixels"),
    ("axes", "\"nchw\" or \"nhwc\""),
    ("resize", "\"none\", \"exact\" or { short = PIXELS } (as a flag: none, exact, short=PIXELS)"),
    ("crop", "\"none\", \"center\" or \"center-torchvision\""),
    ("pad", "[y, x], the zero pixels on each side"),
    ("channels", "\"rgb\", \"bgr\" or \"grey\""),
    ("scale", "a number > 0"),
    ("mean", "a list of numbers, one per channel"),
    ("std", "a list of numbers > 0, one per channel"),
    ("classes", "the name of a text file with one class name per line"),
];

/// Why a sidecar cannot be used, or why a picture does not fit the network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PreprocessError {
    /// Not TOML.
    #[error("line {line} is not TOML: {reason}")]
    Toml {
        /// Line of the sidecar, from 1.
        line: usize,
        /// What the parser found.
        reason: String,
    },
    /// A key that a sidecar does not have.
    #[error("unknown key `{key}`{}", keys_hint(.near))]
    UnknownKey {
        /// What was written.
        key: String,
        /// Similar keys, in backticks.
        near: Vec<String>,
    },
    /// A value outside its range.
    #[error("`{key}` must be {rule}, found {found}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it must be.
        rule: String,
        /// What was written.
        found: String,
    },
    /// Keys without which a picture cannot be normalised.
    #[error(
        "preprocessing is incomplete: {} missing; write a sidecar beside the model or give the \
         flags of the same names", backticked(.keys)
    )]
    Missing {
        /// The missing keys.
        keys: Vec<&'static str>,
    },
    /// The picture has neither one nor three channels.
    #[error("a picture has 1 or 3 channels, found {found}")]
    Channels {
        /// Channels of the picture.
        found: usize,
    },
    /// The picture does not have the network's size.
    #[error(
        "the picture is {found} pixels (height x width){resized}, the network takes \
         {expected}{padded}; {fix}"
    )]
    Size {
        /// Size of the picture.
        found: Size,
        /// Size after resizing, in words; empty without.
        resized: String,
        /// Size needed before padding.
        expected: Size,
        /// The padding, in words; empty without.
        padded: String,
        /// What to write into the sidecar.
        fix: &'static str,
    },
    /// Resizing would need more memory than any picture is worth.
    #[error(
        "resizing a picture of {found} pixels (height x width) to {to} needs more than \
         {MAX_RESIZED_PIXELS} pixels; crop it first"
    )]
    Huge {
        /// Size of the picture.
        found: Size,
        /// Size wanted.
        to: Size,
    },
    /// The list of class names is unusable.
    #[error("expected {expected} class names, one per line, found {found}")]
    Classes {
        /// Outputs of the network.
        expected: usize,
        /// Lines with text.
        found: usize,
    },
}

fn keys_hint(near: &[String]) -> String {
    match near {
        [] => format!(" (a sidecar has {})", FIELDS.map(|(key, _)| key).join(", ")),
        some => format!(", did you mean {}?", some.join(" or ")),
    }
}

fn backticked(keys: &[&str]) -> String {
    let list = keys.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
    format!("{list} {}", if keys.len() == 1 { "is" } else { "are" })
}

/// Height and width in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Size {
    fn of(shape: Shape) -> Size {
        Size { height: shape.h, width: shape.w }
    }

    fn holds(self, other: Size) -> bool {
        self.height >= other.height && self.width >= other.width
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

/// How a picture is brought to size; bilinear with antialiasing, as torchvision does it on
/// floating-point pictures (on 8-bit pictures torchvision also rounds to whole grey levels).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resize {
    /// Not at all: another size is an error.
    None,
    /// To the network's size; the aspect ratio is not kept.
    Exact,
    /// The shorter side becomes this many pixels, the longer one keeps the aspect ratio (rounded
    /// down), as torchvision's `Resize(n)`.
    Short(usize),
}

impl FromStr for Resize {
    type Err = PreprocessError;

    fn from_str(text: &str) -> Result<Self, PreprocessError> {
        match text {
            "none" => Ok(Resize::None),
            "exact" => Ok(Resize::Exact),
            _ => {
                let side = text.strip_prefix("short=").and_then(|n| n.parse().ok());
                side.map(Resize::Short).ok_or_else(|| value("resize", text))
            }
        }
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resize::None => f.write_str("none"),
            Resize::Exact => f.write_str("exact"),
            Resize::Short(n) => write!(f, "short={n}"),
        }
    }
}

/// What is cut off after resizing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crop {
    /// Nothing.
    None,
    /// All but the middle; a margin of 3 pixels is cut 1 + 2, as Caffe and Keras do.
    Center,
    /// The same, but half a pixel goes to the even neighbour as in torchvision's `CenterCrop`: a
    /// margin of 1 is cut 0 + 1, of 3 it is cut 2 + 1.
    CenterTorchvision,
}

impl Crop {
    /// The part of `margin` pixels that is cut off at the top or left.
    fn first(self, margin: usize) -> usize {
        let half = margin / 2;
        let up = self == Crop::CenterTorchvision && margin % 4 == 3;
        half + usize::from(up)
    }
}

impl FromStr for Crop {
    type Err = PreprocessError;

    fn from_str(text: &str) -> Result<Self, PreprocessError> {
        match text {
            "none" => Ok(Crop::None),
            "center" => Ok(Crop::Center),
            "center-torchvision" => Ok(Crop::CenterTorchvision),
            _ => Err(value("crop", text)),
        }
    }
}

/// The order of a model's input axes: batch, then channels, height and width in some order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputAxes {
    /// Channels, height, width (PyTorch, Caffe).
    Nchw,
    /// Height, width, channels (Keras, TensorFlow).
    Nhwc,
}

impl FromStr for InputAxes {
    type Err = PreprocessError;

    fn from_str(text: &str) -> Result<Self, PreprocessError> {
        match text {
            "nchw" => Ok(InputAxes::Nchw),
            "nhwc" => Ok(InputAxes::Nhwc),
            _ => Err(value("axes", text)),
        }
    }
}

/// Channels of the network and their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red (Caffe).
    Bgr,
    /// One channel.
    Grey,
}

impl Channels {
    /// 1 or 3.
    pub fn count(self) -> usize {
        if self == Channels::Grey { 1 } else { 3 }
    }

    /// One pixel of a picture (1 channel, or 3 in RGB order) in these channels.
    fn convert(self, pixel: &[f32], out: &mut [f32]) {
        match (self, pixel) {
            (_, &[v]) => out.fill(v),
            (Channels::Rgb, _) => out.copy_from_slice(pixel),
            (Channels::Bgr, _) => out.iter_mut().zip(pixel.iter().rev()).for_each(|(o, p)| *o = *p),
            (Channels::Grey, _) => out[0] = LUMA.iter().zip(pixel).map(|(w, p)| w * p).sum(),
        }
    }
}

impl FromStr for Channels {
    type Err = PreprocessError;

    fn from_str(text: &str) -> Result<Self, PreprocessError> {
        match text {
            "rgb" => Ok(Channels::Rgb),
            "bgr" => Ok(Channels::Bgr),
            "grey" => Ok(Channels::Grey),
            _ => Err(value("channels", text)),
        }
    }
}

fn value(key: &'static str, found: impl fmt::Display) -> PreprocessError {
    let rule = FIELDS.iter().find(|(k, _)| *k == key).map_or("", |(_, rule)| rule);
    PreprocessError::Value { key, rule: rule.to_owned(), found: format!("`{found}`") }
}

/// The keys of a sidecar, each given or not. A sidecar file, a section of a config and the
/// command line's flags all fill one of these; [`Settings::or`] puts them on top of each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Height and width fed to the network; checked against it, and needed only where the model
    /// file leaves them open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<[usize; 2]>,
    /// Order of the axes of the model file's input; needed only where nothing in the file tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axes: Option<InputAxes>,
    /// Default: [`Resize::None`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resize: Option<Resize>,
    /// Default: [`Crop::None`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<Crop>,
    /// Zero pixels added above and below, left and right. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pad: Option<[usize; 2]>,
    /// Channels of the network; needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Channels>,
    /// Factor on pixels from 0 to 255; needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// Subtracted after scaling, per channel in the network's order; needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// Divided by, per channel in the network's order; needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<Vec<f64>>,
    /// Text file with one class name per line, relative to the sidecar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<String>,
}

impl Settings {
    /// Reads a sidecar; any key may be absent.
    pub fn from_toml(text: &str) -> Result<Settings, PreprocessError> {
        let table: toml::Table = text.parse().map_err(|e| not_toml(text, &e))?;
        if let Some(key) = table.keys().find(|key| FIELDS.iter().all(|(k, _)| k != key)) {
            let near = near(key, FIELDS.iter().map(|(k, _)| *k));
            return Err(PreprocessError::UnknownKey { key: key.clone(), near });
        }
        Ok(Settings {
            input: take(&table, "input")?,
            axes: take(&table, "axes")?,
            resize: take(&table, "resize")?,
            crop: take(&table, "crop")?,
            pad: take(&table, "pad")?,
            channels: take(&table, "channels")?,
            scale: take(&table, "scale")?,
            mean: take(&table, "mean")?,
            std: take(&table, "std")?,
            classes: take(&table, "classes")?,
        })
    }

    /// These settings, completed by `below` where a key is absent.
    #[must_use]
    pub fn or(self, below: Settings) -> Settings {
        Settings {
            input: self.input.or(below.input),
            axes: self.axes.or(below.axes),
            resize: self.resize.or(below.resize),
            crop: self.crop.or(below.crop),
            pad: self.pad.or(below.pad),
            channels: self.channels.or(below.channels),
            scale: self.scale.or(below.scale),
            mean: self.mean.or(below.mean),
            std: self.std.or(below.std),
            classes: self.classes.or(below.classes),
        }
    }

    /// Checks every key against the network's input shape `(C, H, W)`.
    pub fn resolve(self, input: Shape) -> Result<Preprocess, PreprocessError> {
        let missing = [
            ("channels", self.channels.is_none()),
            ("scale", self.scale.is_none()),
            ("mean", self.mean.is_none()),
            ("std", self.std.is_none()),
        ];
        let (Some(channels), Some(scale), Some(mean), Some(std)) =
            (self.channels, self.scale, self.mean, self.std)
        else {
            let keys = missing.into_iter().filter(|(_, m)| *m).map(|(key, _)| key).collect();
            return Err(PreprocessError::Missing { keys });
        };
        check_size(self.input, input)?;
        let pad = self.pad.unwrap_or_default();
        check_pad(pad, input)?;
        check_channels(channels, input)?;
        let [gain, offset] = affine(scale, &mean, &std, input.c)?;
        let resize = self.resize.unwrap_or(Resize::None);
        if resize == Resize::Short(0) {
            return Err(value("resize", "short=0"));
        }
        let crop = self.crop.unwrap_or(Crop::None);
        let (axes, classes) = (self.axes, self.classes);
        Ok(Preprocess {
            input,
            axes,
            resize,
            crop,
            pad,
            channels,
            scale,
            mean,
            std,
            classes,
            gain,
            offset,
        })
    }
}

fn not_toml(text: &str, error: &toml::de::Error) -> PreprocessError {
    let at = error.span().map_or(0, |s| s.start).min(text.len());
    let line = 1 + text.get(..at).map_or(0, |before| before.matches('\n').count());
    let reason = error.message().lines().collect::<Vec<_>>().join(", ");
    PreprocessError::Toml { line, reason }
}

fn take<T: DeserializeOwned>(
    table: &toml::Table,
    key: &'static str,
) -> Result<Option<T>, PreprocessError> {
    let read = |v: &toml::Value| v.clone().try_into().map_err(|_| value(key, v));
    table.get(key).map(read).transpose()
}

fn check_size(given: Option<[usize; 2]>, input: Shape) -> Result<(), PreprocessError> {
    match given {
        Some([h, w]) if [h, w] != [input.h, input.w] => Err(PreprocessError::Value {
            key: "input",
            rule: format!("[{}, {}], the network's own height and width", input.h, input.w),
            found: format!("[{h}, {w}]"),
        }),
        _ => Ok(()),
    }
}

fn check_pad(pad: [usize; 2], input: Shape) -> Result<(), PreprocessError> {
    let leaves_room = |pad: usize, side: usize| pad <= side.saturating_sub(1) / 2;
    if leaves_room(pad[0], input.h) && leaves_room(pad[1], input.w) {
        return Ok(());
    }
    Err(PreprocessError::Value {
        key: "pad",
        rule: format!("less than half of the network's {}x{} pixels", input.h, input.w),
        found: format!("[{}, {}]", pad[0], pad[1]),
    })
}

fn check_channels(channels: Channels, input: Shape) -> Result<(), PreprocessError> {
    if channels.count() == input.c {
        return Ok(());
    }
    let rule = match input.c {
        1 => "\"grey\", the network takes 1 channel".to_owned(),
        3 => "\"rgb\" or \"bgr\", the network takes 3 channels".to_owned(),
        c => format!("1 or 3 channels, but the network takes {c} and cannot be fed with pictures"),
    };
    let found = format!("\"{channels:?}\"").to_lowercase();
    Err(PreprocessError::Value { key: "channels", rule, found })
}

/// The gain and offset per channel of `x = gain * pixel + offset`, pixel in [0, 1].
fn affine(
    scale: f64,
    mean: &[f64],
    std: &[f64],
    channels: usize,
) -> Result<[Vec<f64>; 2], PreprocessError> {
    let per_channel = |key, values: &[f64]| {
        if values.len() == channels {
            return Ok(());
        }
        let found = format!("{values:?}");
        Err(PreprocessError::Value {
            key,
            rule: format!("{channels} numbers, one per channel"),
            found,
        })
    };
    if !(scale.is_finite() && scale > 0.0) {
        return Err(value("scale", scale));
    }
    per_channel("mean", mean)?;
    per_channel("std", std)?;
    if let Some(m) = mean.iter().find(|m| !m.is_finite()) {
        return Err(value("mean", m));
    }
    if let Some(s) = std.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
        return Err(value("std", s));
    }
    let gain: Vec<f64> = std.iter().map(|s| 255.0 * scale / s).collect();
    let offset: Vec<f64> = mean.iter().zip(std).map(|(m, s)| -m / s).collect();
    let usable = |(g, o): (&f64, &f64)| {
        let (low, high) = (*o as f32, (g + o) as f32);
        low.is_finite() && high.is_finite() && low < high
    };
    if gain.iter().zip(&offset).all(usable) {
        return Ok([gain, offset]);
    }
    let rule = "such that black and white differ in single precision".to_owned();
    Err(PreprocessError::Value {
        key: "scale",
        rule,
        found: format!("{scale:e}, mean {mean:?}, std {std:?}"),
    })
}

/// How a picture becomes the network's input; see the [module](self) for the two spaces.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocess {
    input: Shape,
    axes: Option<InputAxes>,
    resize: Resize,
    crop: Crop,
    pad: [usize; 2],
    channels: Channels,
    scale: f64,
    mean: Vec<f64>,
    std: Vec<f64>,
    classes: Option<String>,
    gain: Vec<f64>,
    offset: Vec<f64>,
}

impl Preprocess {
    /// Reads a complete sidecar for a network whose input is `input` = `(C, H, W)`.
    pub fn from_toml(text: &str, input: Shape) -> Result<Preprocess, PreprocessError> {
        Settings::from_toml(text)?.resolve(input)
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

    /// Every key with the value in force; a manifest with these can be run again.
    pub fn settings(&self) -> Settings {
        Settings {
            input: Some([self.input.h, self.input.w]),
            axes: self.axes,
            resize: Some(self.resize),
            crop: Some(self.crop),
            pad: Some(self.pad),
            channels: Some(self.channels),
            scale: Some(self.scale),
            mean: Some(self.mean.clone()),
            std: Some(self.std.clone()),
            classes: self.classes.clone(),
        }
    }

    /// A picture of any size with 1 channel or 3 (RGB), values in [0, 1], as image space has it:
    /// shape [`Preprocess::input`], channels in the network's order.
    pub fn picture(&self, image: &Tensor) -> Result<Tensor, PreprocessError> {
        if ![1, 3].contains(&image.shape.c) {
            return Err(PreprocessError::Channels { found: image.shape.c });
        }
        let fit = self.fit(Size::of(image.shape))?;
        let resized;
        let source = if fit.resized == Size::of(image.shape) {
            image
        } else {
            resized = resized_to(image, fit.resized);
            &resized
        };
        Ok(self.place(source, &fit))
    }

    /// Which pixels of a picture of shape `found` become which pixels of the input.
    pub fn placement(&self, found: Shape) -> Result<Placement, PreprocessError> {
        let found = Size::of(found);
        Ok(Placement { found, fit: self.fit(found)?, pad: self.pad, input: self.input })
    }

    /// What [`Preprocess::picture`] does to a picture of size `found`.
    fn fit(&self, found: Size) -> Result<Fit, PreprocessError> {
        let Shape { h, w, .. } = self.input;
        let needed = Size { height: h - 2 * self.pad[0], width: w - 2 * self.pad[1] };
        let resized = match self.resize {
            _ if found.height == 0 || found.width == 0 => found,
            Resize::None => found,
            Resize::Exact => needed,
            Resize::Short(side) => short_side(found, side),
        };
        if resized != found {
            // the rows are resampled first
            let rows = resized.height.saturating_mul(found.width);
            if rows.max(resized.height.saturating_mul(resized.width)) > MAX_RESIZED_PIXELS {
                return Err(PreprocessError::Huge { found, to: resized });
            }
        }
        match self.crop {
            Crop::None if resized == needed => Ok(Fit { resized, needed, top: 0, left: 0 }),
            Crop::Center | Crop::CenterTorchvision if resized.holds(needed) => Ok(Fit {
                resized,
                needed,
                top: self.crop.first(resized.height - needed.height),
                left: self.crop.first(resized.width - needed.width),
            }),
            _ => Err(self.misfit(found, resized, needed)),
        }
    }

    fn misfit(&self, found: Size, resized: Size, needed: Size) -> PreprocessError {
        let fix = match (self.resize, self.crop) {
            _ if found.height == 0 || found.width == 0 => "it has no pixels",
            (Resize::None, _) => {
                "write `resize = \"exact\"`, or `resize = { short = ... }` with `crop = \"center\"`"
            }
            (_, Crop::None) => "write `crop = \"center\"` or `resize = \"exact\"`",
            _ => "write a larger `resize = { short = ... }`",
        };
        let resized =
            if resized == found { String::new() } else { format!(", resized to {resized}") };
        let padded = if self.pad == [0, 0] {
            String::new()
        } else {
            format!(" before padding by [{}, {}]", self.pad[0], self.pad[1])
        };
        PreprocessError::Size { found, resized, expected: needed, padded, fix }
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

    /// Per channel the input value of a black pixel: the lower bound of the z-box rule.
    pub fn low(&self) -> Vec<f32> {
        (0..self.input.c).map(|k| self.channel_value(k, 0.0)).collect()
    }

    /// Per channel the input value of a white pixel: the upper bound of the z-box rule.
    pub fn high(&self) -> Vec<f32> {
        (0..self.input.c).map(|k| self.channel_value(k, 1.0)).collect()
    }
}

/// Sizes and offsets on the way of one picture into image space.
#[derive(Debug, PartialEq, Eq)]
struct Fit {
    resized: Size,
    needed: Size,
    top: usize,
    left: usize,
}

/// Where the pixels of one picture lie in the network's input, and back.
#[derive(Debug, PartialEq, Eq)]
pub struct Placement {
    found: Size,
    fit: Fit,
    pad: [usize; 2],
    input: Shape,
}

impl Placement {
    /// Row and column of the picture's pixel that lies under the centre of an input's pixel; none
    /// in the padding.
    pub fn source(&self, y: usize, x: usize) -> Option<(usize, usize)> {
        let Placement { found, fit, pad, .. } = self;
        let inside = |at: usize, pad: usize, needed: usize| {
            at.checked_sub(pad).filter(|shifted| *shifted < needed)
        };
        let y = inside(y, pad[0], fit.needed.height)? + fit.top;
        let x = inside(x, pad[1], fit.needed.width)? + fit.left;
        // the centre (at + 1/2) * found / resized, rounded down
        let back = |at: usize, found: usize, resized: usize| (2 * at + 1) * found / (2 * resized);
        let (h, w) = (fit.resized.height, fit.resized.width);
        Some((back(y, found.height, h), back(x, found.width, w)))
    }

    /// The input's pixels that a rectangle of the picture touches; `EMPTY` when it was cropped away.
    pub fn rect(&self, rect: Rect) -> Rect {
        let Placement { found, fit, pad, input } = self;
        let Size { height, width } = fit.resized;
        let down = |at: usize, to: usize, from: usize| at * to / from;
        let up = |at: usize, to: usize, from: usize| (at * to).div_ceil(from);
        let rows = |at: usize| (at + pad[0]).saturating_sub(fit.top);
        let columns = |at: usize| (at + pad[1]).saturating_sub(fit.left);
        let moved = Rect {
            y0: rows(down(rect.y0, height, found.height)),
            y1: rows(up(rect.y1, height, found.height)),
            x0: columns(down(rect.x0, width, found.width)),
            x1: columns(up(rect.x1, width, found.width)),
        };
        moved.intersect(Rect { y0: pad[0], y1: input.h - pad[0], x0: pad[1], x1: input.w - pad[1] })
    }
}

fn short_side(found: Size, side: usize) -> Size {
    let long = |long: usize, short: usize| side.saturating_mul(long) / short;
    if found.height <= found.width {
        Size { height: side, width: long(found.width, found.height) }
    } else {
        Size { height: long(found.height, found.width), width: side }
    }
}

fn resized_to(image: &Tensor, to: Size) -> Tensor {
    let data = match image.shape.c {
        1 => resample::<Luma<f32>>(image, to),
        _ => resample::<Rgb<f32>>(image, to),
    };
    Tensor::new(Shape::new(image.shape.c, to.height, to.width), data)
}

/// Separable triangle filter, widened by the reduction factor (antialiasing).
fn resample<P: Pixel<Subpixel = f32> + 'static>(image: &Tensor, to: Size) -> Vec<f32> {
    let (w, h) = (image.shape.w as u32, image.shape.h as u32);
    let source: ImageBuffer<P, &[f32]> = ImageBuffer::from_raw(w, h, &image.data[..])
        .expect("a tensor holds as many values as its shape says");
    let triangle = imageops::FilterType::Triangle;
    imageops::resize(&source, to.width as u32, to.height as u32, triangle).into_raw()
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

#[cfg(test)]
mod tests {
    use super::*;

    const RGB: Shape = Shape::new(3, 4, 4);

    fn sidecar(changes: &str) -> Settings {
        let base = Settings {
            channels: Some(Channels::Rgb),
            scale: Some(1.0 / 255.0),
            mean: Some(vec![0.0; 3]),
            std: Some(vec![1.0; 3]),
            ..Settings::default()
        };
        Settings::from_toml(changes).unwrap().or(base)
    }

    fn plain(changes: &str, input: Shape) -> Preprocess {
        sidecar(changes).resolve(input).unwrap()
    }

    /// Values that differ in every channel and pixel, in [0, 1].
    fn ramp(c: usize, h: usize, w: usize) -> Tensor {
        let n = c * h * w;
        Tensor::new(Shape::new(c, h, w), (0..n).map(|v| v as f32 / n as f32).collect())
    }

    #[track_caller]
    fn assert_near(got: &[f32], expected: &[f32], tolerance: f32) {
        assert_eq!(got.len(), expected.len());
        for (g, e) in got.iter().zip(expected) {
            assert!((g - e).abs() <= tolerance, "{got:?}\n{expected:?}");
        }
    }

    const SQUEEZENET: &str = r#"
input = [227, 227]
resize = "none"
crop = "none"
pad = [0, 0]
channels = "bgr"
scale = 1.0
mean = [104.0, 117.0, 123.0]
std = [1.0, 1.0, 1.0]
"#;
    const GOOGLENET: &str = r#"
input = [224, 224]
resize = "none"
crop = "center"
pad = [0, 0]
channels = "bgr"
scale = 1.0
mean = [104.00699, 116.66877, 122.67891]
std = [1.0, 1.0, 1.0]
"#;
    const CIFAR_RESNET: &str = r#"
input = [32, 32]
resize = "none"
crop = "none"
pad = [0, 0]
channels = "rgb"
scale = 0.00392156862745098
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
"#;
    const CIFAR_PLAIN: &str = r#"
input = [32, 32]
resize = "none"
crop = "none"
pad = [0, 0]
channels = "rgb"
scale = 0.00392156862745098
mean = [0.5, 0.5, 0.5]
std = [1.0, 1.0, 1.0]
"#;
    const MNIST_BN: &str = r#"
input = [28, 28]
resize = "none"
crop = "none"
pad = [0, 0]
channels = "grey"
scale = 0.00392156862745098
mean = [0.1307]
std = [0.3081]
"#;
    const LENET: &str = r#"
input = [32, 32]
resize = "none"
crop = "none"
pad = [2, 2]
channels = "grey"
scale = 0.00784313725490196
mean = [1.0]
std = [1.0]
"#;

    #[test]
    fn bounds_are_the_inputs_of_black_and_white_pixels() {
        let bounds = |text, shape| {
            let p = Preprocess::from_toml(text, shape).unwrap();
            [p.low(), p.high()].concat()
        };
        let rgb = |side| Shape::new(3, side, side);
        let grey = |side| Shape::new(1, side, side);
        // all by hand from x = (pixel - mean) / std; single precision of values up to 151
        let near = |got: Vec<f32>, expected: &[f32]| assert_near(&got, expected, 1e-5);
        near(bounds(SQUEEZENET, rgb(227)), &[-104.0, -117.0, -123.0, 151.0, 138.0, 132.0]);
        near(
            bounds(GOOGLENET, rgb(224)),
            &[-104.00699, -116.66877, -122.67891, 150.99301, 138.33123, 132.32109],
        );
        near(
            bounds(CIFAR_RESNET, rgb(32)),
            &[-2.117_904, -2.035_714_3, -1.804_444_4, 2.248_908_3, 2.428_571_4, 2.64],
        );
        near(bounds(CIFAR_PLAIN, rgb(32)), &[-0.5, -0.5, -0.5, 0.5, 0.5, 0.5]);
        near(bounds(MNIST_BN, grey(28)), &[-0.424_212_92, 2.821_486_5]);
        near(bounds(LENET, grey(32)), &[-1.0, 1.0]);
    }

    #[test]
    fn caffe_networks_get_blue_first_and_whole_grey_levels() {
        let p = Preprocess::from_toml(SQUEEZENET, Shape::new(3, 227, 227)).unwrap();
        let mut image = Tensor::zeros(Shape::new(3, 227, 227));
        image.data[..3].copy_from_slice(&[131.0 / 255.0, 108.0 / 255.0, 64.0 / 255.0]);
        let picture = p.picture(&image).unwrap();
        assert_eq!(picture.pixel(0, 0), [64.0 / 255.0, 108.0 / 255.0, 131.0 / 255.0]);
        // 131 / 255 is not a single-precision number: 255 times its rounding
        assert_near(p.normalise(&picture).pixel(0, 0), &[-40.0, -9.0, 8.0], 1e-5);
    }

    #[test]
    fn digits_are_padded_with_black() {
        let p = Preprocess::from_toml(LENET, Shape::new(1, 32, 32)).unwrap();
        let digit = Tensor::new(Shape::new(1, 28, 28), vec![1.0; 784]);
        let x = p.normalise(&p.picture(&digit).unwrap());
        for (y, col) in (0..32).flat_map(|y| (0..32).map(move |c| (y, c))) {
            let inside = (2..30).contains(&y) && (2..30).contains(&col);
            assert_near(x.pixel(y, col), &[if inside { 1.0 } else { -1.0 }], 1e-6);
        }
    }

    #[test]
    fn centre_crops_start_where_torchvision_and_caffe_start_them() {
        // first column kept by torchvision 0.29 CenterCrop(k) of n columns, and (n - k) / 2 of Caffe
        let cases = [(227, 224, 2, 1), (5, 2, 2, 1), (6, 3, 2, 1), (7, 2, 2, 2), (9, 2, 4, 3)];
        for (n, k, torchvision, caffe) in cases {
            for (crop, first) in [("center-torchvision", torchvision), ("center", caffe)] {
                let p = plain(&format!("crop = \"{crop}\""), Shape::new(3, k, k));
                let columns = (0..n * n).flat_map(|i| [(i % n) as f32; 3]).collect();
                let picture = p.picture(&Tensor::new(Shape::new(3, n, n), columns)).unwrap();
                assert_near(picture.pixel(0, 0), &[first as f32; 3], 0.0);
                assert_near(picture.pixel(k - 1, k - 1), &[(first + k - 1) as f32; 3], 0.0);
            }
        }
    }

    const LEVELS: [u8; 35] = [
        0, 53, 106, 159, 212, 9, 62, 37, 101, 165, 229, 37, 101, 165, 74, 149, 224, 43, 118, 193,
        12, 111, 197, 27, 113, 199, 29, 115, 148, 245, 86, 183, 24, 121, 218,
    ];

    fn grey(levels: impl Iterator<Item = u8>, h: usize, w: usize) -> Tensor {
        Tensor::new(Shape::new(1, h, w), levels.map(|v| f32::from(v) / 255.0).collect())
    }

    fn grey_exact(h: usize, w: usize) -> Preprocess {
        let grey = "resize = \"exact\"\nchannels = \"grey\"\nmean = [0]\nstd = [1]";
        plain(grey, Shape::new(1, h, w))
    }

    #[test]
    fn reduction_agrees_with_torch_interpolate_and_pil() {
        let picture = grey_exact(3, 4).picture(&grey(LEVELS.into_iter(), 5, 7)).unwrap();
        // torch 2.15: F.interpolate(size=(3, 4), mode="bilinear", antialias=True) in float64;
        // single-precision weights over up to 4 x 4 taps
        let torch = [
            0.180_739,
            0.532_952_4,
            0.524_885_2,
            0.325_01,
            0.433_634_2,
            0.567_320_3,
            0.457_063_2,
            0.392_302_1,
            0.659_970_7,
            0.467_831_9,
            0.433_859_9,
            0.512_711_8,
        ];
        assert_near(&picture.data, &torch, 1e-6);
        // Pillow 13.0 (torchvision's Resize of a PIL picture) rounds to grey levels after each of
        // its two passes: half a level each
        let pil =
            [46.0, 136.0, 134.0, 82.0, 111.0, 144.0, 117.0, 100.0, 169.0, 119.0, 111.0, 131.0];
        assert_near(&picture.data, &pil.map(|v: f32| v / 255.0), 1.0 / 255.0);
    }

    #[test]
    fn enlargement_agrees_with_torch_interpolate_and_pil() {
        let corner = [0, 53, 106, 37, 101, 165].into_iter();
        let picture = grey_exact(4, 5).picture(&grey(corner, 2, 3)).unwrap();
        let torch = [
            0.0,
            0.083_137_3,
            0.207_843_1,
            0.332_549,
            0.415_686_3,
            0.036_274_5,
            0.123_725_5,
            0.254_902,
            0.386_078_4,
            0.473_529_4,
            0.108_823_5,
            0.204_902,
            0.349_019_6,
            0.493_137_3,
            0.589_215_7,
            0.145_098,
            0.245_490_2,
            0.396_078_4,
            0.546_666_7,
            0.647_058_8,
        ];
        assert_near(&picture.data, &torch, 1e-6);
    }

    #[test]
    fn the_short_side_keeps_the_aspect_ratio_rounded_down() {
        // torchvision 0.29 Resize(side) of (height, width)
        for (found, side, resized) in
            [((375, 500), 256, (256, 341)), ((500, 333), 256, (384, 256)), ((5, 7), 3, (3, 4))]
        {
            let size = |(height, width)| Size { height, width };
            assert_eq!(short_side(size(found), side), size(resized));
        }
        let p = plain("resize = { short = 5 }\ncrop = \"center\"", RGB);
        assert_eq!(p.picture(&ramp(3, 20, 31)).unwrap().shape, RGB);
    }

    #[test]
    fn grey_and_colour_pictures_meet_grey_and_colour_networks() {
        let rgb = Tensor::new(Shape::new(3, 1, 1), vec![1.0, 0.5, 0.25]);
        let single = Tensor::new(Shape::new(1, 1, 1), vec![0.5]);
        let of = |channels: &str, image| {
            let n = if channels == "grey" { 1 } else { 3 };
            let text = format!(
                "channels = \"{channels}\"\nmean = {:?}\nstd = {:?}",
                vec![0.0; n],
                vec![1.0; n]
            );
            plain(&text, Shape::new(n, 1, 1)).picture(image).unwrap().data
        };
        assert_near(&of("rgb", &rgb), &[1.0, 0.5, 0.25], 0.0);
        assert_near(&of("bgr", &rgb), &[0.25, 0.5, 1.0], 0.0);
        // 0.299 + 0.587 / 2 + 0.114 / 4
        assert_near(&of("grey", &rgb), &[0.621], 1e-7);
        assert_near(&of("rgb", &single), &[0.5; 3], 0.0);
        assert_near(&of("grey", &single), &[0.5], 0.0);
    }

    #[test]
    fn boxes_and_pixels_are_followed_through_resize_crop_and_padding() {
        // 10 x 20 -> 5 x 10, columns 2 to 7 of it, one pixel of padding above and below
        let p =
            plain("resize = { short = 5 }\ncrop = \"center\"\npad = [1, 0]", Shape::new(3, 7, 5));
        let placement = p.placement(Shape::new(3, 10, 20)).unwrap();
        let rect = |y0, y1, x0, x1| placement.rect(Rect { y0, y1, x0, x1 });
        assert_eq!(rect(0, 10, 0, 20), Rect { y0: 1, y1: 6, x0: 0, x1: 5 });
        assert_eq!(rect(2, 5, 6, 9), Rect { y0: 2, y1: 4, x0: 1, x1: 3 });
        assert_eq!(rect(0, 10, 0, 4), Rect::EMPTY);
        assert_eq!(placement.source(0, 0), None);
        assert_eq!(placement.source(6, 4), None);
        assert_eq!(placement.source(1, 0), Some((1, 5)));
        assert_eq!(placement.source(5, 4), Some((9, 13)));
        assert!(plain("", RGB).placement(Shape::new(3, 10, 20)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn every_pixel_of_the_input_shows_the_box_around_its_source(
            h in 4usize..40, w in 4usize..40, exact: bool, y in 0usize..4, x in 0usize..4,
        ) {
            let how = if exact { "resize = \"exact\"" } else { "resize = { short = 4 }\ncrop = \"center\"" };
            let placement = plain(how, RGB).placement(Shape::new(1, h, w)).unwrap();
            let (row, column) = placement.source(y, x).unwrap();
            let pixel = Rect { y0: row, y1: row + 1, x0: column, x1: column + 1 };
            let here = Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 };
            proptest::prop_assert!(placement.rect(pixel).contains(here));
        }
    }

    #[test]
    fn a_rectangle_is_normalised_to_the_same_bits_as_the_whole_picture() {
        let p = Preprocess::from_toml(CIFAR_RESNET, Shape::new(3, 32, 32)).unwrap();
        let picture = ramp(3, 32, 32);
        let whole = p.normalise(&picture);
        let mut part = vec![0.0; 9];
        p.normalise_pixels(picture.row(7, 3, 6), &mut part);
        assert_eq!(part, whole.row(7, 3, 6));
    }

    #[test]
    fn flags_override_the_sidecar_and_the_result_can_be_run_again() {
        let file = Settings::from_toml(CIFAR_RESNET).unwrap();
        let flags = Settings { resize: Some("short=40".parse().unwrap()), ..Settings::default() };
        let shape = Shape::new(3, 32, 32);
        let p = flags.or(file).resolve(shape).unwrap();
        let text = toml::to_string(&p.settings()).unwrap();
        assert!(text.contains("short = 40") && text.contains("0.225"), "{text}");
        assert_eq!(Preprocess::from_toml(&text, shape).unwrap(), p);
    }

    #[test]
    fn class_names_are_counted() {
        assert_eq!(class_names("cat\r\n a dog \n\n", 2).unwrap(), ["cat", "a dog"]);
        let error = class_names("cat\n", 1000).unwrap_err();
        insta::assert_snapshot!(error, @"expected 1000 class names, one per line, found 1");
    }

    #[test]
    fn messages_name_what_was_expected_and_found() {
        let resolve = |text: &str| {
            Settings::from_toml(text)
                .and_then(|s| s.or(sidecar("")).resolve(RGB))
                .unwrap_err()
                .to_string()
        };
        let fit = |text: &str, c, h, w| {
            plain(text, RGB).picture(&Tensor::zeros(Shape::new(c, h, w))).unwrap_err().to_string()
        };
        let tiny = sidecar("").resolve(Shape::new(1, 4, 4)).unwrap_err().to_string();
        let vector = sidecar("").resolve(Shape::vector(10)).unwrap_err().to_string();
        let alone = |text| Preprocess::from_toml(text, RGB).unwrap_err().to_string();
        let messages = [
            resolve("input = [4, 4"),
            resolve("scale = 1\nscale = 2"),
            resolve("chanels = \"rgb\""),
            resolve("foo = 1"),
            resolve("input = [4, 5]"),
            resolve("input = [4, -4]"),
            resolve("resize = \"exactly\""),
            resolve("resize = { short = 0 }"),
            resolve("resize = { long = 3 }"),
            resolve("crop = \"centre\""),
            resolve("pad = [2, 0]"),
            resolve("pad = [0, 99999999999999]"),
            resolve("channels = \"grey\""),
            resolve("channels = \"hsv\""),
            resolve("scale = 0"),
            resolve("scale = nan"),
            resolve("scale = 1e300"),
            resolve("mean = [0.5]"),
            resolve("mean = [0, inf, 0]"),
            resolve("mean = [1e30, 0, 0]"),
            resolve("std = [1, 1, 0]"),
            resolve("std = 1"),
            resolve("classes = 3"),
            tiny,
            vector,
            alone(""),
            alone("channels = \"rgb\"\nscale = 1\nstd = [1, 1, 1]"),
            fit("", 3, 375, 500),
            fit("crop = \"center\"", 3, 3, 500),
            fit("pad = [1, 0]", 3, 4, 4),
            fit("resize = { short = 8 }", 3, 10, 20),
            fit("resize = { short = 3 }\ncrop = \"center\"", 3, 10, 20),
            fit("resize = { short = 400 }\ncrop = \"center\"", 3, 1, 1_000_000),
            fit("resize = \"exact\"", 3, 1, 30_000_000),
            fit("resize = \"exact\"", 3, 0, 7),
            fit("", 4, 4, 4),
            "short=-1".parse::<Resize>().unwrap_err().to_string(),
            "middle".parse::<Crop>().unwrap_err().to_string(),
            "gray".parse::<Channels>().unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_sidecar_or_an_error(text in "\\PC{0,80}") {
            let _ = Preprocess::from_toml(&text, RGB);
        }

        #[test]
        fn any_picture_fits_after_an_exact_resize(h in 1usize..30, w in 1usize..30, grey: bool) {
            let p = plain("resize = \"exact\"", RGB);
            let picture = p.picture(&ramp(if grey { 1 } else { 3 }, h, w)).unwrap();
            proptest::prop_assert_eq!(picture.shape, RGB);
            proptest::prop_assert!(picture.data.iter().all(|v| (0.0..=1.0).contains(v)));
        }
    }
}
