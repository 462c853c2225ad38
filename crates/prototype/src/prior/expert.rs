//! Pictures that a density finds likely.

use super::{Bound, OF, Prior, PriorError, Site, asked_class, weight};
use crate::{
    base::{
        geom::Shape,
        registry::{Entry, Kind, Param},
    },
    gaussian::Gaussian,
    lens::Lens,
    nn::{graph::Graph, mapping::Mapping, tensor::Tensor},
};
use std::path::Path;

/// `-weight * log p(x)`: the expert of Montavon et al. 2018. `density` is `gaussian`, fitted to pictures of the data set
/// ([`Gaussian`]; its constant is left out), or an ONNX file that gives `log p` of a picture: one value, of a picture in
/// [0, 1] of the canvas's size, or as its sidecar says.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `density` | gaussian | gaussian, or a file |
/// | `components` | 50 | whole number from 1 to 1000 |
/// | `of` | class | class, all |
/// | `weight` | 0.01 | >= 0 |
struct Expert {
    density: String,
    components: usize,
    of: String,
    weight: f64,
}

/// The density that is fitted here.
const GAUSSIAN: &str = "gaussian";

pub(super) const ENTRY: Entry<dyn Prior> = Entry {
    id: "expert",
    summary: "reward for the log probability of the picture under a density",
    cite: "montavon2018methods",
    params: &[
        Param {
            key: "density",
            default: GAUSSIAN,
            kind: Kind::Text,
            help: "gaussian, fitted to the data set, or an ONNX file that gives log p of a picture",
        },
        Param {
            key: "components",
            default: "50",
            kind: Kind::Integer { min: 1, max: 1000 },
            help: "directions in which the Gaussian has a variance of its own, at most one fewer than pictures",
        },
        OF,
        weight("0.01", "how much log p counts beside the objective"),
    ],
    build: |args| {
        Ok(Box::new(Expert {
            density: args.text("density").to_owned(),
            components: args.usize("components"),
            of: args.text("of").to_owned(),
            weight: args.f64("weight"),
        }))
    },
};

impl Prior for Expert {
    fn asks_data(&self) -> bool {
        self.density == GAUSSIAN
    }

    fn bind(&self, site: &Site<'_>) -> Result<Box<dyn Bound>, PriorError> {
        let weight = self.weight;
        if self.density == GAUSSIAN {
            let pictures = site.examples.of_class(asked_class(&self.of, site))?;
            let gaussian = Gaussian::fit(&pictures, self.components, site.seed);
            return Ok(Box::new(Fitted { weight, gaussian }));
        }
        let mapping = Mapping::load(Path::new(&self.density))?;
        Ok(Box::new(Network::new(mapping, site.shape, weight)?))
    }
}

struct Fitted {
    weight: f64,
    gaussian: Gaussian,
}

impl Bound for Fitted {
    fn penalty(&self, x: &Tensor) -> Option<(f64, Tensor)> {
        let (log_p, gradient) = self.gaussian.log_p(x);
        Some((-self.weight * log_p, gradient.map(|g| (-self.weight * f64::from(g)) as f32)))
    }
}

/// A density that is a network.
struct Network {
    weight: f64,
    graph: Graph,
    lens: Lens,
}

impl Network {
    fn new(mapping: Mapping, canvas: Shape, weight: f64) -> Result<Network, PriorError> {
        let Mapping { graph, sidecar, name, .. } = mapping;
        let (input, values) = (graph.input_shape(), graph.classes());
        let wrong = |expected: String, found: String| PriorError::Density {
            name: name.clone(),
            expected,
            found,
        };
        if values != 1 {
            return Err(wrong("one value, log p".to_owned(), format!("{values} values")));
        }
        let lens = match sidecar {
            Some(settings) => {
                let preprocess = settings.resolve(input);
                let lens = preprocess.and_then(|preprocess| Lens::new(&preprocess, canvas));
                lens.map_err(|source| PriorError::Fit { name: name.clone(), source })?
            }
            None if input == canvas => Lens::none(input),
            None => {
                let expected = format!(
                    "an input of {canvas}, as the pictures are, or a sidecar that says how they become it"
                );
                return Err(wrong(expected, format!("an input of {input}")));
            }
        };
        Ok(Network { weight, graph, lens })
    }
}

impl Bound for Network {
    fn penalty(&self, x: &Tensor) -> Option<(f64, Tensor)> {
        let acts = self.graph.forward(&self.lens.see(x));
        let log_p = f64::from(acts.value(self.graph.output()).data[0]);
        let seed = self.graph.seed(0, -self.weight as f32);
        Some((-self.weight * log_p, self.lens.back(&self.graph.gradient(&acts, seed))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        generator::tests::mapping, nn::op::Function, nn::preprocess::Settings, testing::numbers,
    };

    const CANVAS: Shape = Shape::new(1, 3, 2);

    /// A linear density: log p is a weighted sum of the pixels, all of whose weights are known.
    fn network(canvas: Shape, outputs: usize, sidecar: &str) -> Result<Network, PriorError> {
        let mut mapping = mapping(CANVAS, outputs, Function::LeakyRelu { alpha: 1.0 });
        mapping.sidecar = (!sidecar.is_empty()).then(|| Settings::from_toml(sidecar).unwrap());
        Network::new(mapping, canvas, 0.5)
    }

    #[test]
    fn a_network_that_gives_log_p_is_a_penalty() {
        let x = Tensor::new(CANVAS, vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
        let weights = numbers(6, 3);
        let (penalty, gradient) = network(CANVAS, 1, "").unwrap().penalty(&x).unwrap();
        let log_p: f64 = weights.iter().zip(&x.data).map(|(w, x)| f64::from(w * x)).sum();
        assert!((penalty + 0.5 * log_p).abs() < 1e-6);
        assert!(gradient.data.iter().zip(&weights).all(|(g, w)| (g + 0.5 * w).abs() < 1e-6));
        // fed with 4 x - 1 where a sidecar says so
        let sidecar = "channels = \"grey\"\nscale = 0.01568627451\nmean = [1.0]\nstd = [1.0]";
        let (_, steeper) = network(CANVAS, 1, sidecar).unwrap().penalty(&x).unwrap();
        assert!(steeper.data.iter().zip(&gradient.data).all(|(s, g)| (s - 4.0 * g).abs() < 1e-4));
    }

    #[test]
    fn what_is_no_density_is_named() {
        let say = |canvas, outputs| network(canvas, outputs, "").err().unwrap().to_string();
        insta::assert_snapshot!([say(CANVAS, 2), say(Shape::new(1, 5, 5), 1)].join("\n"));
    }
}
