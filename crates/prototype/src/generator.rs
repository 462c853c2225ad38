//! A network that paints pictures from codes.

use crate::{
    base::geom::Shape,
    nn::{
        graph::Activations,
        mapping::Mapping,
        op::{Function, Transpose},
        preprocess::{Channels, PreprocessError, Settings},
        tensor::Tensor,
    },
};

/// A generator with the way of its output to a picture in [0, 1].
///
/// What its values mean is said by a sidecar beside it, in the words of a network's: its output is what a network with that
/// sidecar is fed. Without one, values that went through a sigmoid are from black to white in [0, 1], those of a tanh in
/// [-1, 1], and colours are RGB.
#[derive(Clone, Debug)]
pub struct Generator {
    mapping: Mapping,
    /// `picture = value * gain + offset` per channel of the output.
    gain: Vec<f32>,
    offset: Vec<f32>,
    /// Channels of the output are in reverse order.
    reversed: bool,
}

/// Why a network is no generator for a network.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorError {
    /// The form of its output.
    #[error(
        "generator `{name}` gives {found}, expected pictures of 1 or 3 channels, or as many values as the {canvas} that `{model}` looks at"
    )]
    Output {
        /// The file.
        name: String,
        /// What it gives.
        found: Shape,
        /// The canvas of the model.
        canvas: Shape,
        /// The model.
        model: String,
    },
    /// Nothing says what its values mean.
    #[error(
        "nothing says which values of generator `{name}` are black and white: it ends in neither a sigmoid nor a tanh; write \
         `{sidecar}` beside it, with the channels, scale, mean and std of a network that is fed with its output"
    )]
    Range {
        /// The file.
        name: String,
        /// Name of the sidecar that is missing.
        sidecar: String,
    },
    /// The sidecar does not fit.
    #[error("in the sidecar of generator `{name}`: {source}")]
    Sidecar {
        /// The file.
        name: String,
        /// What is wrong.
        source: Box<PreprocessError>,
    },
    /// Its pictures do not fit the model.
    #[error("the {shape} pictures of generator `{name}` do not fit `{model}`: {source}")]
    Misfit {
        /// The file.
        name: String,
        /// Shape of its pictures.
        shape: Shape,
        /// The model.
        model: String,
        /// What is wrong.
        source: Box<PreprocessError>,
    },
    /// A code of another length.
    #[error(
        "{what}: expected codes of {expected}, as generator `{name}` takes them, found {found}"
    )]
    Code {
        /// Where the codes are from.
        what: String,
        /// The generator.
        name: String,
        /// Shape of its input.
        expected: String,
        /// What there is.
        found: String,
    },
}

impl Generator {
    /// Of a network, for one that looks at canvases of a shape (its name is for messages).
    pub fn new(
        mut mapping: Mapping,
        canvas: Shape,
        model: &str,
    ) -> Result<Generator, GeneratorError> {
        let name = mapping.name.clone();
        let last = mapping.last_function();
        let found = mapping.graph.node(mapping.graph.output()).shape;
        let is_picture = [1, 3].contains(&found.c) && found.h * found.w > 1;
        if !is_picture {
            let view = (found.len() == canvas.len()).then(|| as_canvas(found, canvas));
            let model = model.to_owned();
            let wrong = || GeneratorError::Output { name: name.clone(), found, canvas, model };
            let op = view.and_then(Result::ok).ok_or_else(wrong)?;
            let at = mapping.graph.output();
            mapping.graph.push("picture", Box::new(op), &[at]).expect("checked: as many values");
        }
        let picture = mapping.graph.node(mapping.graph.output()).shape;
        let (gain, offset, reversed) = match mapping.sidecar.clone() {
            Some(settings) => said(settings, picture).map_err(|source| {
                GeneratorError::Sidecar { name: name.clone(), source: Box::new(source) }
            })?,
            None => {
                let [low, high] = range(last).ok_or_else(|| {
                    let sidecar =
                        std::path::Path::new(&name).with_extension("toml").display().to_string();
                    GeneratorError::Range { name: name.clone(), sidecar }
                })?;
                let gain = 1.0 / (high - low);
                (vec![gain; picture.c], vec![-low * gain; picture.c], false)
            }
        };
        Ok(Generator { mapping, gain, offset, reversed })
    }

    /// Shape of its codes.
    pub fn code(&self) -> Shape {
        self.mapping.graph.input_shape()
    }

    /// Shape of its pictures.
    pub fn picture(&self) -> Shape {
        self.mapping.graph.node(self.mapping.graph.output()).shape
    }

    /// Its file.
    pub fn name(&self) -> &str {
        &self.mapping.name
    }

    /// Digest of its file.
    pub fn digest(&self) -> &str {
        &self.mapping.digest
    }

    /// The picture that a code stands for, as people see it, with what [`Generator::back`] needs. Its values are in [0, 1] where
    /// the generator keeps to what it says.
    pub fn paint(&self, code: &Tensor) -> (Tensor, Activations) {
        let acts = self.mapping.graph.forward(code);
        let mut picture = acts.value(self.mapping.graph.output()).clone();
        for pixel in picture.data.chunks_exact_mut(self.gain.len()) {
            let scaled = pixel.iter_mut().zip(self.gain.iter().zip(&self.offset));
            scaled.for_each(|(v, (gain, offset))| *v = *v * gain + offset);
            if self.reversed {
                pixel.reverse();
            }
        }
        (picture, acts)
    }

    /// The gradient with respect to the code, of that with respect to the picture.
    pub fn back(&self, acts: &Activations, gradient: &Tensor) -> Tensor {
        let mut seed = gradient.clone();
        for pixel in seed.data.chunks_exact_mut(self.gain.len()) {
            if self.reversed {
                pixel.reverse();
            }
            pixel.iter_mut().zip(&self.gain).for_each(|(v, gain)| *v *= gain);
        }
        self.mapping.graph.gradient(acts, seed)
    }
}

/// Values in the order (C, H, W) as a picture, channels last.
fn as_canvas(from: Shape, canvas: Shape) -> Result<Transpose, String> {
    let Shape { c, h, w } = canvas;
    Transpose::new(from, vec![c, h, w], vec![1, 2, 0], canvas)
}

/// Black and white of what a function gives.
fn range(last: Option<Function>) -> Option<[f32; 2]> {
    match last {
        Some(Function::Sigmoid) => Some([0.0, 1.0]),
        Some(Function::Tanh) => Some([-1.0, 1.0]),
        _ => None,
    }
}

type Scales = (Vec<f32>, Vec<f32>, bool);

/// What a sidecar says: black and white are the values that a network would be fed for them.
fn said(settings: Settings, picture: Shape) -> Result<Scales, PreprocessError> {
    let preprocess = Settings { input: None, ..settings }.resolve(picture)?;
    let (low, high) = (preprocess.low(), preprocess.high());
    let gain: Vec<f32> = low.iter().zip(&high).map(|(low, high)| 1.0 / (high - low)).collect();
    let offset = low.iter().zip(&gain).map(|(low, gain)| -low * gain).collect();
    Ok((gain, offset, preprocess.channels() == Channels::Bgr))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        codes::{Encoder, fitted, mean},
        nn::{
            graph::Graph,
            op::{Dense, Unary},
        },
        testing::numbers,
    };

    /// A mapping of a dense layer and a function, as a file would give it.
    pub(crate) fn mapping(inputs: Shape, outputs: usize, last: Function) -> Mapping {
        let mut graph = Graph::new(inputs);
        let weights = numbers(inputs.len() * outputs, 3);
        let dense = Dense::new(weights, outputs, inputs, vec![]).unwrap();
        let dense = graph.push("fc", Box::new(dense), &[graph.input()]).unwrap();
        graph.push("last", Box::new(Unary::new(last)), &[dense]).unwrap();
        Mapping { graph, sidecar: None, name: "g.onnx".to_owned(), digest: String::new() }
    }

    const CANVAS: Shape = Shape::new(3, 2, 2);

    fn generator(last: Function, sidecar: &str) -> Result<Generator, GeneratorError> {
        let mut mapping = mapping(Shape::vector(4), 12, last);
        mapping.sidecar = (!sidecar.is_empty()).then(|| Settings::from_toml(sidecar).unwrap());
        Generator::new(mapping, CANVAS, "m.onnx")
    }

    #[test]
    fn values_of_a_last_function_or_as_the_sidecar_says_become_pictures() {
        let code = Tensor::vector(vec![0.3, -0.2, 0.5, 0.1]);
        let of = |last, sidecar: &str| generator(last, sidecar).unwrap().paint(&code).0;
        let (sigmoid, tanh) = (of(Function::Sigmoid, ""), of(Function::Tanh, ""));
        for (s, t) in sigmoid.data.iter().zip(&tanh.data) {
            // sigmoid(z) and (tanh(z) + 1) / 2 = sigmoid(2 z) are on the same side of grey
            assert!((s - 0.5) * (t - 0.5) >= 0.0 && (0.0..=1.0).contains(t));
        }
        let bgr = "channels = \"bgr\"\nscale = 0.0078431372549\nmean = [1.0, 1.0, 1.0]\nstd = [1.0, 1.0, 1.0]";
        let turned = of(Function::Tanh, bgr);
        let same = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!((0..12).all(|i| same(turned.data[i], tanh.data[i / 3 * 3 + 2 - i % 3])));
        // values in the order (C, H, W)
        let flat = generator(Function::Sigmoid, "").unwrap();
        let z = flat.mapping.graph.forward(&code);
        let last = flat.mapping.graph.node(flat.mapping.graph.output()).inputs[0];
        assert!(same(sigmoid.pixel(0, 1)[2], z.value(last).data[9]));
    }

    #[test]
    fn gradients_come_back_to_the_code() {
        let generator = generator(Function::Tanh, "").unwrap();
        let code = Tensor::vector(vec![0.3, -0.2, 0.5, 0.1]);
        let up = Tensor::new(CANVAS, numbers(12, 8));
        let value = |code: &Tensor| -> f64 {
            generator.paint(code).0.data.iter().zip(&up.data).map(|(a, b)| f64::from(a * b)).sum()
        };
        let (_, acts) = generator.paint(&code);
        let gradient = generator.back(&acts, &up);
        for i in 0..4 {
            let moved = |by: f32| {
                let mut moved = code.clone();
                moved.data[i] += by;
                value(&moved)
            };
            let slope = (moved(0.0156_25) - moved(-0.0156_25)) * 32.0;
            // a third derivative of some units times 0.0156^2 / 6
            assert!(
                (slope - f64::from(gradient.data[i])).abs() < 1e-3,
                "{slope} {}",
                gradient.data[i]
            );
        }
    }

    #[test]
    fn codes_are_found_again_by_fitting() {
        let generator = generator(Function::Sigmoid, "").unwrap();
        let codes = [vec![0.5, -0.3, 0.2, 0.4], vec![-0.1, 0.3, 0.6, 0.0]].map(Tensor::vector);
        let found: Vec<Tensor> =
            codes.iter().map(|code| fitted(&generator, &generator.paint(code).0)).collect();
        for (code, found) in codes.iter().zip(&found) {
            let [own, other] = [code, found].map(|code| generator.paint(code).0);
            let square: f32 = own.data.iter().zip(&other.data).map(|(a, b)| (a - b).powi(2)).sum();
            // two codes may paint nearly the same picture
            assert!(square < 1e-3, "{square}");
        }
        let mean = mean(&found);
        assert!((mean.data[0] - 0.2).abs() < 0.1);
    }

    #[test]
    fn what_is_no_generator_or_encoder_is_named() {
        let canvas = Shape::new(1, 28, 28);
        let of = |last, outputs| {
            Generator::new(mapping(Shape::vector(4), outputs, last), canvas, "m.onnx").unwrap_err()
        };
        let bad = generator(
            Function::Tanh,
            "channels = \"grey\"\nscale = 1.0\nmean = [0.0]\nstd = [1.0]",
        )
        .unwrap_err();
        let good = generator(Function::Tanh, "").unwrap();
        let encoder = |inputs, outputs| {
            Encoder::new(mapping(inputs, outputs, Function::Relu), &good).unwrap_err()
        };
        insta::assert_snapshot!(
            [
                of(Function::Tanh, 12).to_string(),
                of(Function::Relu, 784).to_string(),
                bad.to_string(),
                encoder(CANVAS, 5).to_string(),
                encoder(Shape::new(3, 4, 4), 4).to_string(),
            ]
            .join("\n")
        );
        let encoder = Encoder::new(mapping(CANVAS, 8, Function::Relu), &good).unwrap();
        assert_eq!(encoder.code(&Tensor::zeros(CANVAS)).shape, Shape::vector(4));
    }
}
