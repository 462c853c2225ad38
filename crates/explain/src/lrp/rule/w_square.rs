use super::{Bias, NO_BIAS, Products, Rule, RuleKind, STABILISER, divide_into};
use crate::{
    base::registry::{Args, Param, SpecError},
    nn::tensor::Tensor,
};

/// The w^2 rule: `R_i = sum_j w_ij^2 / (sum_i w_ij^2) R_j`, stabilised by 1e-6, whatever the
/// input; the squared bias takes no part.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `bias` | `ignore` | `ignore` |
///
/// Source: Montavon et al. 2017, sec. 4.1.
#[derive(Debug)]
pub struct WSquare;

impl RuleKind for WSquare {
    const ID: &'static str = "lrp-w-square";
    const SUMMARY: &'static str = "w^2 rule: in proportion to the squared weights";
    const CITE: &'static str = "montavon2017explaining";
    const PARAMS: &'static [Param] = &[NO_BIAS];

    fn build(_args: &Args) -> Result<Box<dyn Rule>, SpecError> {
        Ok(Box::new(WSquare))
    }
}

impl Rule for WSquare {
    fn bias(&self) -> Bias {
        Bias::Ignore
    }

    fn products(&self) -> &'static [Products] {
        &[Products::Square]
    }

    fn messages(&self, r: &Tensor, _output: &Tensor, z: &mut [Tensor]) {
        divide_into(r, &mut z[0], 1.0, STABILISER);
    }
}
