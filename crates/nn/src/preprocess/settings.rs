//! The keys of a sidecar.

use super::{PreprocessError, Preset, TextSettings};
use crate::{
    base::{
        key::{Value, Wrong},
        registry::near,
        word_enum,
    },
    head::Declared,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt, str::FromStr};

/// Weights of R, G and B in the luma of ITU-R Rec. BT.601.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// The keys of a sidecar and what the value of each must be.
pub(super) const FIELDS: [(&str, &str); 15] = [
    ("input", "[height, width] in pixels"),
    ("axes", "\"nchw\" or \"nhwc\""),
    ("preset", "\"torchvision\", \"caffe\", \"keras\", \"inception\" or \"clip\""),
    (
        "resize",
        "\"none\", \"exact\", \"cover\", { short = PIXELS } or { square = PIXELS } (as a flag: none, exact, \
         cover, short=PIXELS, square=PIXELS)",
    ),
    ("interpolation", "\"bilinear\" or \"bicubic\""),
    ("crop", "\"none\", \"center\" or \"center-torchvision\""),
    ("pad", "[y, x], the zero pixels on each side"),
    ("channels", "\"rgb\", \"bgr\" or \"grey\""),
    ("scale", "a number > 0"),
    ("mean", "a list of numbers, one per channel"),
    ("std", "a list of numbers > 0, one per channel"),
    ("classes", "the name of a text file with one class name per line"),
    ("head", "\"softmax\", \"sigmoid\" or \"values\""),
    ("output", "the name of an output, or of another value, in the model file"),
    (
        "text",
        "a table with `vocabulary` (a file name) and `length` (words, 1 to 65536), and where needed `tokens` (a regular \
         expression), `lower` (true or false), `unknown`, `padding` (words of the vocabulary) and `vectors` (a .npy file)",
    ),
];

/// How a picture is brought to size; see [`Interpolation`].
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
    /// Both sides become this many pixels; the aspect ratio is not kept. For a crop afterwards.
    Square(usize),
    /// To the smallest size of the same aspect ratio from which the network's can be cropped, as
    /// torchvision's `Resize(n)` before `CenterCrop(n)`.
    Cover,
}

impl FromStr for Resize {
    type Err = PreprocessError;

    fn from_str(text: &str) -> Result<Self, PreprocessError> {
        match text {
            "none" => Ok(Resize::None),
            "exact" => Ok(Resize::Exact),
            "cover" => Ok(Resize::Cover),
            _ => {
                let (word, side) = text.split_once('=').unwrap_or((text, ""));
                match (word, side.parse()) {
                    ("short", Ok(side)) => Ok(Resize::Short(side)),
                    ("square", Ok(side)) => Ok(Resize::Square(side)),
                    _ => Err(value("resize", text)),
                }
            }
        }
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resize::None => f.write_str("none"),
            Resize::Exact => f.write_str("exact"),
            Resize::Cover => f.write_str("cover"),
            Resize::Short(n) => write!(f, "short={n}"),
            Resize::Square(n) => write!(f, "square={n}"),
        }
    }
}

word_enum! {
    /// How values between pixels are found when a picture is resized. Both filters are as Pillow and
    /// torchvision have them: widened by the factor of a reduction (antialiasing), columns and rows one
    /// after the other. Values stay in [0, 1] but are not rounded to whole grey levels, as Pillow and
    /// torchvision on 8-bit pictures do.
    #[derive(Default)]
    pub enum Interpolation {
        /// Triangle.
        #[default]
        Bilinear = "bilinear",
        /// Cubic convolution with a = -1/2 (Keys 1981), as Pillow's `BICUBIC`.
        Bicubic = "bicubic",
    }
}

word_enum! {
    /// What is cut off after resizing.
    pub enum Crop {
        /// Nothing.
        None = "none",
        /// All but the middle; a margin of 3 pixels is cut 1 + 2, as Caffe and Keras do.
        Center = "center",
        /// The same, but half a pixel goes to the even neighbour as in torchvision's `CenterCrop`: a
        /// margin of 1 is cut 0 + 1, of 3 it is cut 2 + 1.
        CenterTorchvision = "center-torchvision",
    }
}

impl Crop {
    /// The part of `margin` pixels that is cut off at the top or left.
    pub(super) fn first(self, margin: usize) -> usize {
        let half = margin / 2;
        let up = self == Crop::CenterTorchvision && margin % 4 == 3;
        half + usize::from(up)
    }
}

word_enum! {
    /// The order of a model's input axes: batch, then channels, height and width in some order.
    pub enum InputAxes {
        /// Channels, height, width (PyTorch, Caffe).
        Nchw = "nchw",
        /// Height, width, channels (Keras, TensorFlow).
        Nhwc = "nhwc",
    }
}

word_enum! {
    /// Channels of the network and their order.
    pub enum Channels {
        /// Red, green, blue.
        Rgb = "rgb",
        /// Blue, green, red (Caffe).
        Bgr = "bgr",
        /// One channel.
        Grey = "grey",
    }
}

impl Channels {
    /// 1 or 3.
    pub fn count(self) -> usize {
        if self == Channels::Grey { 1 } else { 3 }
    }

    /// One pixel of a picture (1 channel, or 3 in RGB order) in these channels.
    pub(super) fn convert(self, pixel: &[f32], out: &mut [f32]) {
        match (self, pixel) {
            (_, &[v]) => out.fill(v),
            (Channels::Rgb, _) => out.copy_from_slice(pixel),
            (Channels::Bgr, _) => out.iter_mut().zip(pixel.iter().rev()).for_each(|(o, p)| *o = *p),
            (Channels::Grey, _) => out[0] = LUMA.iter().zip(pixel).map(|(w, p)| w * p).sum(),
        }
    }
}

pub(super) fn value(key: &'static str, found: impl fmt::Display) -> PreprocessError {
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
    /// Default: [`Interpolation::Bilinear`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpolation: Option<Interpolation>,
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
    /// What the scores of the network are; needed only where a file that ends in bare scores means
    /// another than the softmax of several, or the value of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<Declared>,
    /// Which output of the model file has the scores; needed only where there are several and it is not
    /// the one that is taken without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// How texts become words, of a network that takes texts; the keys for pictures mean nothing then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<TextSettings>,
}

impl Value for Settings {
    fn rule() -> String {
        "a table with the keys of a sidecar".to_owned()
    }

    fn read(value: &toml::Value) -> Result<Settings, Wrong> {
        let table = value.as_table().ok_or(Wrong::Rule)?;
        let settings = Settings::from_table(table);
        settings.map_err(|e| Wrong::Said(format!("`preprocess`: {e}")))
    }

    fn absent() -> Option<Settings> {
        Some(Settings::default())
    }

    fn over(self, below: Settings) -> Settings {
        self.or(below)
    }
}

impl Settings {
    /// Reads a sidecar; any key may be absent. A `preset` fills in what is not given beside it.
    pub fn from_toml(text: &str) -> Result<Settings, PreprocessError> {
        Settings::from_table(&text.parse().map_err(|e| not_toml(text, &e))?)
    }

    fn from_table(table: &toml::Table) -> Result<Settings, PreprocessError> {
        if let Some(key) = table.keys().find(|key| FIELDS.iter().all(|(k, _)| k != key)) {
            let near = near(key, FIELDS.iter().map(|(k, _)| *k));
            return Err(PreprocessError::UnknownKey { key: key.clone(), near });
        }
        let preset: Option<Preset> = take(table, "preset")?;
        let given = Settings {
            input: take(table, "input")?,
            axes: take(table, "axes")?,
            resize: take(table, "resize")?,
            interpolation: take(table, "interpolation")?,
            crop: take(table, "crop")?,
            pad: take(table, "pad")?,
            channels: take(table, "channels")?,
            scale: take(table, "scale")?,
            mean: take(table, "mean")?,
            std: take(table, "std")?,
            classes: take(table, "classes")?,
            head: take(table, "head")?,
            output: take(table, "output")?,
            text: take(table, "text")?,
        };
        Ok(given.or_preset(preset))
    }

    /// These settings, completed by those of a preset where a key is absent.
    #[must_use]
    pub fn or_preset(self, preset: Option<Preset>) -> Settings {
        self.or(preset.map(Preset::settings).unwrap_or_default())
    }

    /// These settings, completed by `below` where a key is absent.
    #[must_use]
    pub fn or(self, below: Settings) -> Settings {
        Settings {
            input: self.input.or(below.input),
            axes: self.axes.or(below.axes),
            resize: self.resize.or(below.resize),
            interpolation: self.interpolation.or(below.interpolation),
            crop: self.crop.or(below.crop),
            pad: self.pad.or(below.pad),
            channels: self.channels.or(below.channels),
            scale: self.scale.or(below.scale),
            mean: self.mean.or(below.mean),
            std: self.std.or(below.std),
            classes: self.classes.or(below.classes),
            head: self.head.or(below.head),
            output: self.output.or(below.output),
            text: self.text.or(below.text),
        }
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
