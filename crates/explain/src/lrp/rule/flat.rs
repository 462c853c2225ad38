use super::{Bias, NO_BIAS, Products, Rule, RuleKind, STABILISER, divide_into};
use crate::{
    base::registry::{Args, Param, SpecError},
    nn::tensor::Tensor,
};

/// The flat rule: `R_i = sum_j 1 / n_j R_j`, where `n_j` counts the weights of output `j`
/// (stabilised by 1e-6); zero padding has none.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `bias` | `ignore` | `ignore` |
///
/// Source: Lapuschkin et al. 2019, methods.
#[derive(Debug)]
pub struct Flat;

impl RuleKind for Flat {
    const ID: &'static str = "lrp-flat";
    const SUMMARY: &'static str = "flat rule: evenly over the receptive field";
    const CITE: &'static str = "lapuschkin2019unmasking";
    const PARAMS: &'static [Param] = &[NO_BIAS];

    fn build(_args: &Args) -> Result<Box<dyn Rule>, SpecError> {
        Ok(Box::new(Flat))
    }
}

impl Rule for Flat {
    fn bias(&self) -> Bias {
        Bias::Ignore
    }

    fn products(&self) -> &'static [Products] {
        &[Products::One]
    }

    fn messages(&self, r: &Tensor, _output: &Tensor, z: &mut [Tensor]) {
        divide_into(r, &mut z[0], 1.0, STABILISER);
    }
}
