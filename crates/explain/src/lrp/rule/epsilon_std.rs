use super::{BIAS, Bias, Products, Rule, RuleKind, bias, divide_into};
use crate::{
    base::registry::{Args, Kind, Param, SpecError},
    nn::tensor::Tensor,
};

/// LRP-epsilon with an epsilon that fits the layer: `eps = k std(z)`, the (centred) standard
/// deviation of the layer's `z_j` over the picture.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `k` | 0.25 | >= 0 |
/// | `bias` | `keep` | `keep` (`b_j` is part of `z_j`), `ignore` |
///
/// Source: Montavon et al. 2019, sec. 10.3, where k is 0.25.
#[derive(Debug)]
pub struct EpsilonStd {
    k: f64,
    bias: Bias,
}

impl RuleKind for EpsilonStd {
    const ID: &'static str = "lrp-epsilon-std";
    const SUMMARY: &'static str = "LRP-epsilon, epsilon a multiple of the layer's deviation";
    const CITE: &'static str = "montavon2019layerwise";
    const PARAMS: &'static [Param] = &[
        Param {
            key: "k",
            default: "0.25",
            kind: Kind::Number { min: 0.0, max: f64::INFINITY },
            help: "epsilon in standard deviations of the layer's output",
        },
        BIAS,
    ];

    fn build(args: &Args) -> Result<Box<dyn Rule>, SpecError> {
        Ok(Box::new(EpsilonStd { k: args.f64("k"), bias: bias(args) }))
    }
}

impl Rule for EpsilonStd {
    fn bias(&self) -> Bias {
        self.bias
    }

    fn products(&self) -> &'static [Products] {
        &[Products::All]
    }

    fn messages(&self, r: &Tensor, _output: &Tensor, z: &mut [Tensor]) {
        let eps = self.k * standard_deviation(&z[0]);
        divide_into(r, &mut z[0], 1.0, eps as f32);
    }
}

fn standard_deviation(z: &Tensor) -> f64 {
    let n = z.data.len() as f64;
    let mean = z.sum() / n;
    let square = |&v: &f32| (f64::from(v) - mean).powi(2);
    (z.data.iter().map(square).sum::<f64>() / n).sqrt()
}
