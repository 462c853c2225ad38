use super::{BIAS, Bias, Products, Rule, RuleKind, STABILISER, bias, quotient};
use crate::{
    base::registry::{Args, Kind, Named, Param, SpecError},
    nn::tensor::Tensor,
};

/// LRP-gamma, generalised to inputs and outputs of both signs. With `z+_ij`, `z-_ij` the positive
/// and negative products and `z+_j`, `z-_j` their sums:
/// - output `> 0`: `R_i = sum_j (z_ij + gamma z+_ij) / (z_j + gamma z+_j) R_j`
/// - output `< 0`: `R_i = sum_j (z_ij + gamma z-_ij) / (z_j + gamma z-_j) R_j`
/// - output `= 0`: nothing is sent.
///
/// For `x >= 0` and a positive output this is `x_i (w_ij + gamma w+_ij)` of the textbook. The
/// case is chosen by the layer's own output, bias included, also where the bias is ignored in the
/// denominators, which are stabilised by 1e-6.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `gamma` | 0.25 | >= 0 |
/// | `bias` | `keep` | `keep` (`b_j` counts as one more product), `ignore` |
///
/// Source: Montavon et al. 2019, table 10.1; generalised as by Anders et al. 2021.
#[derive(Debug)]
pub struct Gamma {
    factor: f32,
    bias: Bias,
    eps: f32,
}

impl RuleKind for Gamma {
    const ID: &'static str = "lrp-gamma";
    const SUMMARY: &'static str = "LRP-gamma: contributions of the output's sign are favoured";
    const CITE: &'static str = "montavon2019layerwise";
    const PARAMS: &'static [Param] = &[
        Param {
            key: "gamma",
            default: "0.25",
            kind: Kind::Number { min: 0.0, max: f64::INFINITY },
            help: "how much the favoured contributions are enlarged",
        },
        BIAS,
    ];

    fn build(args: &Args) -> Result<Box<dyn Rule>, SpecError> {
        Ok(Box::new(Gamma { factor: args.f32("gamma"), bias: bias(args), eps: STABILISER }))
    }
}

impl Rule for Gamma {
    fn bias(&self) -> Bias {
        self.bias
    }

    /// `z_ij` is the sum of both families, so enlarging one of them needs no third.
    fn products(&self) -> &'static [Products] {
        &[Products::Positive, Products::Negative]
    }

    fn messages(&self, r: &Tensor, output: &Tensor, z: &mut [Tensor]) {
        let [positive, negative] = z else { unreachable!("one sum per family") };
        let sums = positive.data.iter_mut().zip(&mut negative.data);
        for ((zp, zn), (&r, &out)) in sums.zip(r.data.iter().zip(&output.data)) {
            (*zp, *zn) = self.message(r, out, *zp, *zn);
        }
    }
}

impl Gamma {
    /// With the bias among the products and denominators stabilised by `eps`, under a name that says so.
    pub fn stabilised(gamma: f32, eps: f32) -> Named<dyn Rule> {
        let name = format!("{}:gamma={gamma}:eps={eps}:bias=keep", Gamma::ID);
        Named { name, value: Box::new(Gamma { factor: gamma, bias: Bias::Keep, eps }) }
    }

    fn message(&self, r: f32, out: f32, zp: f32, zn: f32) -> (f32, f32) {
        let grown = 1.0 + self.factor;
        if out > 0.0 {
            let s = quotient(r, grown * zp + zn, self.eps);
            (grown * s, s)
        } else if out < 0.0 {
            let s = quotient(r, zp + grown * zn, self.eps);
            (s, grown * s)
        } else {
            (0.0, 0.0)
        }
    }
}
