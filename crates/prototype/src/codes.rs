//! Codes of pictures: from an encoder, or fitted.

use crate::{
    base::geom::Shape,
    generator::{Generator, GeneratorError},
    lens::Lens,
    nn::{mapping::Mapping, preprocess::PreprocessError, tensor::Tensor},
    optimiser::{Climber, OPTIMISERS, Progress},
};

/// The mean of some codes of one shape; there must be some.
pub fn mean(codes: &[Tensor]) -> Tensor {
    let mut sums = vec![0.0f64; codes[0].data.len()];
    for code in codes {
        sums.iter_mut().zip(&code.data).for_each(|(sum, v)| *sum += f64::from(*v));
    }
    let n = codes.len() as f64;
    Tensor::new(codes[0].shape, sums.iter().map(|sum| (sum / n) as f32).collect())
}

/// A network that gives the code of a picture.
#[derive(Clone, Debug)]
pub struct Encoder {
    mapping: Mapping,
    lens: Lens,
    code: Shape,
}

impl Encoder {
    /// For pictures of a generator. Of an encoder that gives more values (means and variances) the first are the code.
    pub fn new(mapping: Mapping, generator: &Generator) -> Result<Encoder, GeneratorError> {
        let (input, values) = (mapping.graph.input_shape(), mapping.graph.classes());
        let (picture, code) = (generator.picture(), generator.code());
        if ![code.len(), 2 * code.len()].contains(&values) {
            return Err(GeneratorError::Code {
                what: format!("encoder `{}`", mapping.name),
                name: generator.name().to_owned(),
                expected: count_of(code),
                found: format!("{values} values"),
            });
        }
        let misfit = |source: PreprocessError| GeneratorError::Misfit {
            name: generator.name().to_owned(),
            shape: picture,
            model: mapping.name.clone(),
            source: Box::new(source),
        };
        let lens = match mapping.sidecar.clone() {
            Some(settings) => {
                let preprocess = settings.resolve(input).map_err(misfit)?;
                Lens::new(&preprocess, picture).map_err(misfit)?
            }
            None if input == picture => Lens::none(input),
            None => {
                let keys = vec!["channels", "scale", "mean", "std"];
                return Err(misfit(PreprocessError::Missing { keys }));
            }
        };
        Ok(Encoder { mapping, lens, code })
    }

    /// The code of a picture of the generator's size.
    pub fn code(&self, picture: &Tensor) -> Tensor {
        let values = self.mapping.graph.logits(&self.lens.see(picture));
        Tensor::new(self.code, values[..self.code.len()].to_vec())
    }
}

/// A shape as a number of values.
pub fn count_of(code: Shape) -> String {
    format!("{} values", code.len())
}

/// Steps of [`fitted`].
const STEPS: usize = 200;

/// The code whose picture is nearest to a given one (squared distance, Adam from 0): what an encoder would find.
pub fn fitted(generator: &Generator, picture: &Tensor) -> Tensor {
    let adam = crate::base::registry::build(
        "optimiser",
        OPTIMISERS,
        &"adam:step=0.1:end=0.001".parse().expect("a name"),
    );
    let mut climber: Box<dyn Climber> =
        adam.expect("in the table").value.begin(generator.code().len());
    let mut code = Tensor::zeros(generator.code());
    for step in 0..STEPS {
        let (own, acts) = generator.paint(&code);
        let pairs = picture.data.iter().zip(&own.data);
        let up = Tensor::new(picture.shape, pairs.map(|(x, own)| 2.0 * (x - own)).collect());
        let gradient = generator.back(&acts, &up);
        climber.step(&mut code.data, &gradient.data, Progress { step, steps: STEPS });
    }
    code
}
