use super::{BIAS, Bias, Products, Rule, RuleKind, bias, divide_into};
use crate::{
    base::registry::{Args, Kind, Param, SpecError},
    nn::tensor::Tensor,
};

/// LRP-epsilon: `R_i = sum_j z_ij / (z_j + eps sign(z_j)) R_j`, `sign(0) = +1`.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `eps` | 0.01 | >= 0 |
/// | `bias` | `keep` | `keep` (`b_j` is part of `z_j`), `ignore` |
///
/// Source: Bach et al. 2015, eq. 58.
#[derive(Debug)]
pub struct Epsilon {
    pub(super) eps: f32,
    pub(super) bias: Bias,
}

impl RuleKind for Epsilon {
    const ID: &'static str = "lrp-epsilon";
    const SUMMARY: &'static str = "LRP-epsilon: small contributions are damped";
    const CITE: &'static str = "bach2015pixel";
    const PARAMS: &'static [Param] = &[
        Param {
            key: "eps",
            default: "0.01",
            kind: Kind::Number { min: 0.0, max: f64::INFINITY },
            help: "added to the size of the denominator",
        },
        BIAS,
    ];

    fn build(args: &Args) -> Result<Box<dyn Rule>, SpecError> {
        Ok(Box::new(Epsilon { eps: args.f32("eps"), bias: bias(args) }))
    }
}

impl Rule for Epsilon {
    fn bias(&self) -> Bias {
        self.bias
    }

    fn products(&self) -> &'static [Products] {
        &[Products::All]
    }

    fn messages(&self, r: &Tensor, _output: &Tensor, z: &mut [Tensor]) {
        divide_into(r, &mut z[0], 1.0, self.eps);
    }
}
