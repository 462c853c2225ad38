//! Preprocessing that whole families of models share, under one name.

use super::{Channels, Crop, Interpolation, Resize, Settings};
use crate::base::word_enum;

word_enum! {
    /// Values of several keys under one name; keys that are given beside it take precedence.
    pub enum Preset {
        /// Models of torchvision and timm on ImageNet: shorter side 256, middle, ImageNet's mean and std.
        Torchvision = "torchvision",
        /// Models of Caffe (BVLC): 256 x 256, middle, BGR from 0 to 255, whole means.
        Caffe = "caffe",
        /// `preprocess_input` of Keras in its mode "caffe" (VGG, ResNet): the network's size, BGR.
        Keras = "keras",
        /// `preprocess_input` of Keras in its mode "tf" (Inception, Xception, `MobileNet`), as TF-Slim:
        /// the network's size, values from -1 to 1.
        Inception = "inception",
        /// CLIP's image encoders: shorter side to the network's size, bicubic, middle.
        Clip = "clip",
    }
}

/// From 0..255 to 0..1.
const UNIT: f64 = 1.0 / 255.0;

impl Preset {
    /// The keys that it stands for.
    pub fn settings(self) -> Settings {
        let with = |resize, crop, channels, scale, mean: [f64; 3], std: [f64; 3]| Settings {
            resize: Some(resize),
            crop: Some(crop),
            channels: Some(channels),
            scale: Some(scale),
            mean: Some(mean.to_vec()),
            std: Some(std.to_vec()),
            interpolation: Some(Interpolation::Bilinear),
            ..Settings::default()
        };
        match self {
            // torchvision.transforms.ImageClassification
            Preset::Torchvision => with(
                Resize::Short(256),
                Crop::CenterTorchvision,
                Channels::Rgb,
                UNIT,
                [0.485, 0.456, 0.406],
                [0.229, 0.224, 0.225],
            ),
            // caffe/examples: pictures of 256 x 256 in the data base, crop_size, mean_value
            Preset::Caffe => with(
                Resize::Square(256),
                Crop::Center,
                Channels::Bgr,
                1.0,
                [104.0, 117.0, 123.0],
                [1.0; 3],
            ),
            // keras.applications.imagenet_utils
            Preset::Keras => with(
                Resize::Exact,
                Crop::None,
                Channels::Bgr,
                1.0,
                [103.939, 116.779, 123.68],
                [1.0; 3],
            ),
            Preset::Inception => {
                with(Resize::Exact, Crop::None, Channels::Rgb, 1.0 / 127.5, [1.0; 3], [1.0; 3])
            }
            // clip.load of OpenAI's package
            Preset::Clip => Settings {
                interpolation: Some(Interpolation::Bicubic),
                ..with(
                    Resize::Cover,
                    Crop::CenterTorchvision,
                    Channels::Rgb,
                    UNIT,
                    [0.481_454_66, 0.457_827_5, 0.408_210_73],
                    [0.268_629_54, 0.261_302_58, 0.275_777_11],
                )
            },
        }
    }
}
