use super::{Bias, NO_BIAS, Products, Rule, RuleKind, STABILISER, divide_into};
use crate::{
    base::registry::{Args, Param, SpecError},
    nn::tensor::Tensor,
};

/// The z^B rule for pixels, whose values lie in a box `[l, h]`:
/// `R_i = sum_j q_ij / (sum_i q_ij) R_j`, `q_ij = x_i w_ij - l_i w+_ij - h_i w-_ij >= 0`,
/// stabilised by 1e-6. `l` and `h` are the normalised black and white pictures. It fits layers
/// that see the picture only; elsewhere it is an error.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `bias` | `ignore` | `ignore` (it cancels) |
///
/// Source: Montavon et al. 2017, sec. 4.3.
#[derive(Debug)]
pub struct ZBox;

impl RuleKind for ZBox {
    const ID: &'static str = "lrp-z-box";
    const SUMMARY: &'static str = "z^B rule for pixels: by the distance from the darkest corner";
    const CITE: &'static str = "montavon2017explaining";
    const PARAMS: &'static [Param] = &[NO_BIAS];

    fn build(_args: &Args) -> Result<Box<dyn Rule>, SpecError> {
        Ok(Box::new(ZBox))
    }
}

impl Rule for ZBox {
    fn bias(&self) -> Bias {
        Bias::Ignore
    }

    fn products(&self) -> &'static [Products] {
        &[Products::Box]
    }

    fn messages(&self, r: &Tensor, _output: &Tensor, z: &mut [Tensor]) {
        divide_into(r, &mut z[0], 1.0, STABILISER);
    }
}
