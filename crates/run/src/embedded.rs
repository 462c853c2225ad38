//! The networks trained on the generated pictures, inside the program: nothing to download or to find.

use crate::{
    data::{
        Dataset,
        scenes::{Scenes, Split},
    },
    nn::{
        model::{Model, ModelError},
        preprocess::Settings,
    },
};

/// A network inside the program.
pub struct BuiltIn {
    /// Name of the network in configs.
    pub model: &'static str,
    /// Name of the pictures that it was trained on, in configs.
    pub data: &'static str,
    /// The ONNX file, trained by `scripts/train_scenes.py`; `training.log` beside it in `assets` says how well.
    pub onnx: &'static [u8],
    /// Its sidecar.
    pub sidecar: &'static str,
    /// The pictures.
    pub pictures: fn(Split) -> Scenes,
}

/// The first network, which looks at the objects.
pub const SCENES: BuiltIn = BuiltIn {
    model: "scenes",
    data: "scenes",
    onnx: include_bytes!("../../../assets/scenes/scenes.onnx"),
    sidecar: include_str!("../../../assets/scenes/scenes.toml"),
    pictures: |split| Scenes::new(split, Scenes::SEED),
};

/// A Clever Hans: half of the pictures of one class wore a tag in a corner when it was trained, and it reads the tag.
pub const HANS: BuiltIn = BuiltIn {
    model: "hans",
    data: "tagged-scenes",
    onnx: include_bytes!("../../../assets/hans/hans.onnx"),
    sidecar: include_str!("../../../assets/hans/hans.toml"),
    pictures: |split| Scenes::tagged(split, Scenes::SEED),
};

/// All of them.
pub const BUILT_IN: &[&BuiltIn] = &[&SCENES, &HANS];

impl BuiltIn {
    /// The one with a network of this name.
    pub fn of_model(name: &str) -> Option<&'static BuiltIn> {
        BUILT_IN.iter().copied().find(|built_in| built_in.model == name)
    }

    /// The one with pictures of this name.
    pub fn of_data(name: &str) -> Option<&'static BuiltIn> {
        BUILT_IN.iter().copied().find(|built_in| built_in.data == name)
    }

    /// The network with its preprocessing and class names; `flags` override the sidecar key by key.
    pub fn network(&self, flags: Settings) -> Result<Model, ModelError> {
        // class names are known here; the file with them lies beside the ONNX file only
        let lines = self.sidecar.lines().filter(|line| !line.starts_with("classes"));
        let sidecar: Vec<&str> = lines.collect();
        let mut model = Model::from_bytes(self.model, self.onnx, Some(&sidecar.join("\n")))?;
        if let Some(own) = &model.preprocess {
            let wrong = |source| ModelError::Preprocess {
                overridden: true,
                model: model.name.clone(),
                file: None,
                source: Box::new(source),
            };
            let preprocess = own.changed(flags).map_err(wrong)?;
            model.preprocess = Some(preprocess);
        }
        model.classes = (self.pictures)(Split::Train).classes().map(<[String]>::to_vec);
        Ok(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{
            geom::Rect,
            rng::{Seed, permutation, unit_f32},
            unit::{Grid, Remainder, Units},
        },
        data::scenes::ScenePicture,
        nn::{head::best, tensor::Tensor},
    };
    use ndarray::{Array2, Array4};
    use std::path::{Path, PathBuf};

    fn model(flags: Settings) -> Result<Model, ModelError> {
        SCENES.network(flags)
    }

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    fn fixture(name: &str) -> PathBuf {
        root().join("tests/data/scenes").join(name)
    }

    fn logits(model: &Model, picture: &Tensor) -> Vec<f32> {
        let preprocess = model.preprocess().unwrap();
        let picture = preprocess.picture(picture).unwrap();
        let acts = model.graph.forward(&preprocess.normalise(&picture));
        acts.value(model.graph.output()).data.clone()
    }

    fn accuracy(pictures: usize, picture: impl Fn(&Scenes, usize) -> ScenePicture) -> f64 {
        let (model, scenes) =
            (model(Settings::default()).unwrap(), Scenes::new(Split::Test, Scenes::SEED));
        let right = |&i: &usize| {
            let logits = logits(&model, &picture(&scenes, i).tensor());
            best(&logits, None) == Some(scenes.label(i))
        };
        (0..pictures).filter(right).count() as f64 / pictures as f64
    }

    #[test]
    fn the_model_file_has_a_sidecar_and_class_names_of_its_own() {
        let file = root().join("assets/scenes/scenes.onnx");
        let (loaded, embedded) =
            (Model::load(&file, Settings::default()).unwrap(), model(Settings::default()).unwrap());
        assert_eq!(loaded.classes, embedded.classes);
        assert_eq!(loaded.digest, embedded.digest);
        assert_eq!(embedded.name, "scenes");
        // large weights are read from the file a second time
        let input = embedded.graph.input_shape();
        let noise = Tensor::new(input, (0..input.len()).map(|i| (i % 17) as f32 - 8.0).collect());
        assert_eq!(loaded.graph.logits(&noise), embedded.graph.logits(&noise));
        let (loaded, embedded) = (loaded.preprocess().unwrap(), embedded.preprocess().unwrap());
        assert_eq!((loaded.low(), loaded.high()), (embedded.low(), embedded.high()));
        assert_eq!((embedded.low(), embedded.high()), (vec![-2.0; 3], vec![2.0; 3]));
        for built_in in BUILT_IN {
            assert!(built_in.onnx.len() < 2_000_000, "{}", built_in.model);
        }
    }

    #[test]
    fn python_saw_the_same_pictures() {
        let seen: Array4<u8> = ndarray_npy::read_npy(fixture("pictures.npy")).unwrap();
        let scenes = Scenes::new(Split::Test, Scenes::SEED);
        for (i, seen) in seen.outer_iter().enumerate() {
            let drawn = scenes.picture(i).bytes;
            assert!(seen.iter().eq(&drawn), "picture {i}: train the network again");
        }
    }

    #[test]
    fn logits_are_those_of_onnxruntime() {
        let pictures: Array4<u8> = ndarray_npy::read_npy(fixture("pictures.npy")).unwrap();
        let expected: Array2<f32> = ndarray_npy::read_npy(fixture("logits.npy")).unwrap();
        let largest = expected.iter().fold(0.0, |m: f32, v| m.max(v.abs()));
        let model = model(Settings::default()).unwrap();
        for (picture, expected) in pictures.outer_iter().zip(expected.outer_iter()) {
            let bytes = picture.iter().copied().collect();
            let picture = ScenePicture { bytes, mask: Vec::new() }.tensor();
            for (ours, theirs) in logits(&model, &picture).iter().zip(expected) {
                // f32 sums over at most 576 terms in another order
                assert!((ours - theirs).abs() <= 1e-5 * largest, "{ours} instead of {theirs}");
            }
        }
    }

    #[test]
    fn nineteen_of_twenty_test_pictures_are_classified_right() {
        let accuracy = accuracy(200, Scenes::picture);
        assert!(accuracy >= 0.95, "{accuracy}");
    }

    /// Pixels of a region that are object.
    fn cover(mask: &[bool], rect: Rect) -> usize {
        let pixels = |y| (rect.x0..rect.x1).filter(move |x| mask[y * Scenes::SIDE + x]);
        (rect.y0..rect.y1).map(|y| pixels(y).count()).sum()
    }

    /// Fall of the predicted class's logit when the first regions of an order become noise.
    fn fall(model: &Model, picture: &Tensor, noise: &Tensor, regions: &[Rect]) -> f64 {
        let before = logits(model, picture);
        let best = best(&before, None).unwrap();
        let mut after = picture.clone();
        for rect in regions {
            let mut fill = vec![0.0; rect.area() * 3];
            noise.read(*rect, &mut fill);
            after.write(*rect, &fill);
        }
        f64::from(before[best] - logits(model, &after)[best])
    }

    /// Else the built-in experiment would measure how noise fools the network, not where it looks.
    #[test]
    fn noise_on_the_object_costs_more_than_noise_anywhere_or_elsewhere() {
        let model = model(Settings::default()).unwrap();
        let scenes = Scenes::new(Split::Test, Scenes::SEED);
        let grid = Grid::new(Scenes::SIDE, Scenes::SIDE, 9, Remainder::Drop).unwrap();
        let mut falls = [0.0; 3];
        for i in 0..40 {
            let picture = scenes.picture(i);
            let mut rng = Seed(1).rng("test", &scenes.id(i), &[]);
            let image = picture.tensor();
            let values = image.data.iter().map(|_| unit_f32(&mut rng)).collect();
            let noise = Tensor::new(image.shape, values);
            let all: Vec<Rect> = grid.ids().map(|id| grid.rect(id)).collect();
            let shuffled: Vec<Rect> =
                permutation(&mut rng, all.len()).iter().map(|&k| all[k]).collect();
            let mut sorted = all;
            sorted.sort_by_key(|&rect| std::cmp::Reverse(cover(&picture.mask, rect)));
            let orders = [&sorted[..12], &shuffled[..12], &sorted[sorted.len() - 12..]];
            for (sum, regions) in falls.iter_mut().zip(orders) {
                *sum += fall(&model, &image, &noise, regions) / 40.0;
            }
        }
        let [object, anywhere, elsewhere] = falls;
        assert!(object > 1.5 * anywhere && anywhere > elsewhere, "{falls:?}");
    }

    #[test]
    fn without_the_object_the_class_is_guesswork() {
        let accuracy = accuracy(200, Scenes::without_object);
        // chance is 0.1, its standard deviation 0.021
        assert!(accuracy < 0.18, "{accuracy}");
    }
}
