//! How a linear layer shares relevance among its inputs.
//!
//! With `z_ij = x_i w_ij`, every rule has the form `R_i = sum_j (share of i in j) R_j`. A rule
//! names the families of products it is made of ([`Products`]) and turns the relevance `R_j` and
//! the sums `z_j` of each family into messages `s_j`; gathering is the same for all rules.

mod alpha_beta;
mod epsilon;
mod epsilon_std;
mod flat;
mod gamma;
mod w_square;
mod z_box;
mod z_plus;
mod zero;

pub use super::products::Products;
pub use alpha_beta::AlphaBeta;
pub use epsilon::Epsilon;
pub use epsilon_std::EpsilonStd;
pub use flat::Flat;
pub use gamma::Gamma;
pub use w_square::WSquare;
pub use z_box::ZBox;
pub use z_plus::ZPlus;
pub use zero::Zero;

use crate::{
    base::{
        registry::{Args, Entry, Kind, Named, Param, Spec, SpecError, build},
        word_enum,
    },
    nn::tensor::Tensor,
};
use std::fmt;

/// All rules that a composite can name.
pub const RULES: &[Entry<dyn Rule>] = &[
    entry::<Zero>(),
    entry::<Epsilon>(),
    entry::<EpsilonStd>(),
    entry::<Gamma>(),
    entry::<AlphaBeta>(),
    entry::<ZPlus>(),
    entry::<ZBox>(),
    entry::<WSquare>(),
    entry::<Flat>(),
];

/// What keeps a denominator away from zero where the rule has no epsilon of its own.
pub const STABILISER: f32 = 1e-6;

word_enum! {
    /// Whether a layer's bias takes part in the denominators, and so absorbs relevance.
    pub enum Bias {
        /// It does.
        Keep = "keep",
        /// Only the inputs share.
        Ignore = "ignore",
    }
}

/// A rule of relevance propagation for linear layers.
pub trait Rule: fmt::Debug + Send + Sync {
    /// The bias in the denominators.
    fn bias(&self) -> Bias;

    /// The families of products whose sums the messages need.
    fn products(&self) -> &'static [Products];

    /// Given the relevance `r` of a layer's outputs, its `output` (bias included) and the sum `z`
    /// of each family of products (with the bias, if that is kept), overwrites each `z` by the
    /// messages of its family. All have the shape of the output.
    fn messages(&self, r: &Tensor, output: &Tensor, z: &mut [Tensor]);
}

/// The definition of a rule, from which its entries as a rule and as a method are made.
pub trait RuleKind: 'static {
    /// Id, the same as a rule and as a method.
    const ID: &'static str;
    /// One line; no full stop.
    const SUMMARY: &'static str;
    /// Key into `docs/references.bib`.
    const CITE: &'static str;
    /// Parameters, the bias policy last.
    const PARAMS: &'static [Param];

    /// The rule with these parameters.
    fn build(args: &Args) -> Result<Box<dyn Rule>, SpecError>;
}

/// The bias policy, a parameter of every rule whose denominators can hold a bias.
pub(super) const BIAS: Param = Param {
    key: "bias",
    default: "keep",
    kind: Kind::Word(Bias::WORDS),
    help: "the bias absorbs relevance, or only the inputs share",
};

/// The bias policy of rules that have no place for a bias.
const NO_BIAS: Param = Param {
    key: "bias",
    default: "ignore",
    kind: Kind::Word(&[Bias::Ignore.name()]),
    help: "the rule has no place for a bias",
};

/// Reads [`BIAS`].
fn bias(args: &Args) -> Bias {
    args.word(BIAS.key)
}

const fn entry<K: RuleKind>() -> Entry<dyn Rule> {
    Entry { id: K::ID, summary: K::SUMMARY, cite: K::CITE, params: K::PARAMS, build: K::build }
}

/// The rule of a method's arguments, under its name as a rule.
pub(super) fn named<K: RuleKind>(args: &Args) -> Result<Named<dyn Rule>, SpecError> {
    let of = |p: &Param| (p.key.to_owned(), args.text(p.key).to_owned());
    let spec = Spec { id: K::ID.to_owned(), params: K::PARAMS.iter().map(of).collect() };
    parse(&spec)
}

/// A rule with its default parameters.
pub(super) fn named_default<K: RuleKind>() -> Result<Named<dyn Rule>, SpecError> {
    parse(&Spec::plain(K::ID))
}

/// Looks a rule up in [`RULES`].
pub(super) fn parse(spec: &Spec) -> Result<Named<dyn Rule>, SpecError> {
    build("LRP rule", RULES, spec)
}

/// `z + eps sign(z)` with `sign(0) = +1`.
pub(super) fn stabilised(z: f32, eps: f32) -> f32 {
    if z < 0.0 { z - eps } else { z + eps }
}

/// `r / (z + eps sign(z))`; 0 where nothing arrived or the denominator is 0.
fn quotient(r: f32, z: f32, eps: f32) -> f32 {
    let denominator = stabilised(z, eps);
    if r == 0.0 || denominator == 0.0 { 0.0 } else { r / denominator }
}

/// [`quotient`], value by value.
pub(super) fn quotients(r: &Tensor, z: &Tensor, eps: f32) -> Tensor {
    let data = r.data.iter().zip(&z.data).map(|(&r, &z)| quotient(r, z, eps)).collect();
    Tensor { shape: r.shape, data }
}

/// Replaces each `z` by `factor r / (z + eps sign(z))`.
fn divide_into(r: &Tensor, z: &mut Tensor, factor: f32, eps: f32) {
    let pairs = z.data.iter_mut().zip(&r.data);
    pairs.for_each(|(z, &r)| *z = factor * quotient(r, *z, eps));
}
