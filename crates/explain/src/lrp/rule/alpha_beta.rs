use super::{BIAS, Bias, Products, Rule, RuleKind, STABILISER, bias, divide_into};
use crate::{
    base::registry::{Args, Kind, Param, SpecError},
    nn::tensor::Tensor,
};

/// LRP-alpha-beta: `R_i = sum_j (alpha z+_ij / z+_j - beta z-_ij / z-_j) R_j`, where `+` and `-`
/// are the positive and the negative products, denominators stabilised by 1e-6. Where one side
/// has no products its share is lost (alpha) or gained (beta); a trace shows how much.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `alpha` | 2 | >= 1 |
/// | `beta` | 1 | alpha - 1 |
/// | `bias` | `keep` | `keep` (`b+` is part of `z+`, `b-` of `z-`), `ignore` |
///
/// Source: Bach et al. 2015, eq. 60.
#[derive(Debug)]
pub struct AlphaBeta {
    pub(super) alpha: f32,
    pub(super) beta: f32,
    pub(super) bias: Bias,
}

impl RuleKind for AlphaBeta {
    const ID: &'static str = "lrp-alpha-beta";
    const SUMMARY: &'static str = "LRP-alpha-beta: excitation and inhibition are shared apart";
    const CITE: &'static str = "bach2015pixel";
    const PARAMS: &'static [Param] = &[
        Param {
            key: "alpha",
            default: "2",
            kind: Kind::Number { min: 1.0, max: f64::INFINITY },
            help: "weight of the positive contributions",
        },
        Param {
            key: "beta",
            default: "1",
            kind: Kind::Number { min: 0.0, max: f64::INFINITY },
            help: "weight of the negative contributions, alpha - 1",
        },
        BIAS,
    ];

    fn build(args: &Args) -> Result<Box<dyn Rule>, SpecError> {
        // what decimals such as 1.1 and 0.1 leave
        if (args.f64("alpha") - args.f64("beta") - 1.0).abs() > 1e-9 {
            let rule = format!("alpha - 1 = {}", args.f64("alpha") - 1.0);
            return Err(args.bad("beta", &rule));
        }
        let (alpha, beta) = (args.f32("alpha"), args.f32("beta"));
        Ok(Box::new(AlphaBeta { alpha, beta, bias: bias(args) }))
    }
}

impl Rule for AlphaBeta {
    fn bias(&self) -> Bias {
        self.bias
    }

    fn products(&self) -> &'static [Products] {
        let both = &[Products::Positive, Products::Negative];
        if self.beta > 0.0 { both } else { &both[..1] }
    }

    fn messages(&self, r: &Tensor, _output: &Tensor, z: &mut [Tensor]) {
        for (z, factor) in z.iter_mut().zip([self.alpha, -self.beta]) {
            divide_into(r, z, factor, STABILISER);
        }
    }
}
