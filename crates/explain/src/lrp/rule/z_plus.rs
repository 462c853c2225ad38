use super::{AlphaBeta, BIAS, Rule, RuleKind, bias};
use crate::base::registry::{Args, Param, SpecError};

/// The z+ rule: `R_i = sum_j z+_ij / z+_j R_j` over the positive products, which is alpha-beta
/// with 1 and 0.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `bias` | `keep` | `keep` (`b+` is part of `z+`), `ignore` |
///
/// Source: Montavon et al. 2017, sec. 4.2, there for `x >= 0` without bias.
pub struct ZPlus;

impl RuleKind for ZPlus {
    const ID: &'static str = "lrp-z-plus";
    const SUMMARY: &'static str = "z+ rule: in proportion to the positive contributions";
    const CITE: &'static str = "montavon2017explaining";
    const PARAMS: &'static [Param] = &[BIAS];

    fn build(args: &Args) -> Result<Box<dyn Rule>, SpecError> {
        Ok(Box::new(AlphaBeta { alpha: 1.0, beta: 0.0, bias: bias(args) }))
    }
}
