//! Settings against the network they are for.

use super::{
    Channels, Crop, InputAxes, Interpolation, Preprocess, PreprocessError, Resize, Settings,
    settings::value,
};
use crate::base::geom::Shape;

impl Settings {
    /// Checks every key against the network's input shape `(C, H, W)`.
    pub fn resolve(self, input: Shape) -> Result<Preprocess, PreprocessError> {
        if self.text.is_some() {
            return self.resolve_text(input);
        }
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
        check_channels(channels, input, self.axes)?;
        let [gain, offset] = affine(scale, &mean, &std, input.c)?;
        let resize = self.resize.unwrap_or(Resize::None);
        if matches!(resize, Resize::Short(0) | Resize::Square(0)) {
            return Err(value("resize", resize));
        }
        let crop = self.crop.unwrap_or(Crop::None);
        let (axes, classes, head, output) = (self.axes, self.classes, self.head, self.output);
        Ok(Preprocess {
            input,
            axes,
            resize,
            interpolation: self.interpolation.unwrap_or_default(),
            crop,
            pad,
            channels,
            scale,
            mean,
            std,
            classes,
            head,
            output,
            text: None,
            gain,
            offset,
            prepared: None,
        })
    }

    /// Of a network that takes texts: vectors of words are its input as they are.
    fn resolve_text(self, input: Shape) -> Result<Preprocess, PreprocessError> {
        let keys = self.of_pictures();
        if !keys.is_empty() {
            return Err(PreprocessError::BesideText { keys });
        }
        if let Some(text) = &self.text {
            text.check()?;
        }
        let (classes, head, output, text) = (self.classes, self.head, self.output, self.text);
        Ok(Preprocess {
            input,
            axes: None,
            resize: Resize::None,
            interpolation: Interpolation::default(),
            crop: Crop::None,
            pad: [0, 0],
            // no colours are ever converted
            channels: Channels::Grey,
            scale: 1.0,
            mean: Vec::new(),
            std: Vec::new(),
            classes,
            head,
            output,
            text,
            gain: vec![1.0; input.c],
            offset: vec![0.0; input.c],
            prepared: None,
        })
    }
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

fn check_channels(
    channels: Channels,
    input: Shape,
    axes: Option<InputAxes>,
) -> Result<(), PreprocessError> {
    if channels.count() == input.c {
        return Ok(());
    }
    let rule = match input.c {
        1 => "\"grey\", the network takes 1 channel".to_owned(),
        3 => "\"rgb\" or \"bgr\", the network takes 3 channels".to_owned(),
        c => match axes {
            Some(_) => format!("1 or 3 channels, but with these `axes` the network takes {c}"),
            None => {
                format!(
                    "1 or 3 channels, as pictures have, but the network takes {c}: `predict` and \
                     `explain` take such inputs as .npy tensors, without this key"
                )
            }
        },
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
