use super::{BIAS, Epsilon, Rule, RuleKind, STABILISER, bias};
use crate::base::registry::{Args, Param, SpecError};

/// LRP-0: `R_i = sum_j z_ij / z_j R_j`, stabilised with `1e-6 sign(z_j)`.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `bias` | `keep` | `keep` (`b_j` is part of `z_j`), `ignore` |
///
/// Source: Bach et al. 2015, eq. 56.
pub struct Zero;

impl RuleKind for Zero {
    const ID: &'static str = "lrp-zero";
    const SUMMARY: &'static str = "LRP-0: in proportion to the signed contributions";
    const CITE: &'static str = "bach2015pixel";
    const PARAMS: &'static [Param] = &[BIAS];

    fn build(args: &Args) -> Result<Box<dyn Rule>, SpecError> {
        Ok(Box::new(Epsilon { eps: STABILISER, bias: bias(args) }))
    }
}
