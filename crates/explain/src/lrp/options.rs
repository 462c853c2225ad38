//! What all LRP methods can do differently, whatever their rules.

use super::rule::STABILISER;
use crate::{
    Case, ExplainError,
    base::{
        registry::{Args, Kind, Param},
        word_enum,
    },
    nn::tensor::Tensor,
};

word_enum! {
    /// What is handed back from the output.
    #[derive(Default)]
    pub enum Start {
        /// The score itself.
        #[default]
        Score = "score",
        /// 1.
        One = "one",
        /// The score, and minus that of the best other class: what speaks for this class rather than
        /// that one. All rules are linear in the relevance, so this is the difference of two maps.
        Contrast = "contrast",
    }
}

word_enum! {
    /// How residual sums and average pools share.
    #[derive(Default)]
    pub enum Sum {
        /// In proportion to the signed summands.
        #[default]
        Signed = "signed",
        /// In proportion to their sizes, which cannot cancel.
        Abs = "abs",
        /// In proportion to the signed summands, each side then scaled so that its total is its share of the
        /// sizes of both totals (Chefer et al. 2021, CVPR); no word of [`SUM`].
        Totals = "totals",
    }
}

word_enum! {
    /// How max-pools share.
    #[derive(Default)]
    pub enum Max {
        /// All to the first largest value.
        #[default]
        Winner = "winner",
        /// Equally among the largest values.
        Ties = "ties",
        /// As an average pool does.
        Average = "average",
    }
}

word_enum! {
    /// How local response normalisation shares.
    #[derive(Default)]
    pub enum Norm {
        /// Each channel keeps its relevance.
        #[default]
        Identity = "identity",
        /// By a first-order Taylor expansion (Binder et al. 2016).
        Taylor = "taylor",
    }
}

word_enum! {
    /// How products of two maps share: gates, squeeze-and-excitation.
    #[derive(Default)]
    pub enum Product {
        /// All to the signal; the gate is taken as a constant. Half to each where neither is a gate.
        #[default]
        Signal = "signal",
        /// Half to each.
        Half = "half",
        /// Half to each, stabilised: `R_a = a b R / (2 a b)`, as in products of matrices (Achtibat et al. 2024).
        Epsilon = "epsilon",
    }
}

/// What attention passes on: products of two maps as matrices and the softmax between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attention {
    /// Both matrices of a product get half, softmax shares by its Taylor expansion (`AttnLRP`, Achtibat et
    /// al. 2024).
    #[default]
    Shared,
    /// The weights of attention are a constant, the values get all (CP-LRP, Ali et al. 2022).
    Constant,
    /// Both matrices of a product get half; softmax and layer normalisation pass relevance on (Chefer et
    /// al. 2021, CVPR).
    Passed,
}

/// The options of a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// What is handed back from the output.
    pub start: Start,
    /// Residual sums and average pools.
    pub sum: Sum,
    /// Max-pools.
    pub max: Max,
    /// Local response normalisation.
    pub norm: Norm,
    /// Products of two maps.
    pub product: Product,
    /// Attention.
    pub attention: Attention,
    /// Added to the size of the denominators where no rule of the composite says what: sums, averages,
    /// layer normalisation, products.
    pub eps: f32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            start: Start::default(),
            sum: Sum::default(),
            max: Max::default(),
            norm: Norm::default(),
            product: Product::default(),
            attention: Attention::default(),
            eps: STABILISER,
        }
    }
}

/// What is handed back from the output.
pub const START: Param = Param {
    key: "start",
    default: "score",
    kind: Kind::Word(Start::WORDS),
    help: "relevance at the output: the score, 1, or the score minus that of the best other class",
};

pub(super) const SUM: Param = Param {
    key: "sum",
    default: "signed",
    kind: Kind::Word(&[Sum::Signed.name(), Sum::Abs.name()]),
    help: "residual sums and average pools share by signed summands or by their sizes",
};

pub(super) const MAX: Param = Param {
    key: "max",
    default: "winner",
    kind: Kind::Word(Max::WORDS),
    help: "max-pools give to the first winner, to all winners, or as an average pool",
};

pub(super) const NORM: Param = Param {
    key: "norm",
    default: "identity",
    kind: Kind::Word(Norm::WORDS),
    help: "local response normalisation passes relevance on, or shares it by a Taylor expansion",
};

pub(super) const PRODUCT: Param = Param {
    key: "product",
    default: "signal",
    kind: Kind::Word(Product::WORDS),
    help: "products of two maps give to the signal and not to the gate, half to each, or half, stabilised",
};

/// Parameters of every LRP method, after those of its rules.
pub(super) const OPTIONS: &[Param] = &[START, SUM, MAX, NORM, PRODUCT];

impl Start {
    /// What is handed back from the output.
    pub(super) fn relevance(self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let mut seed = case.graph.seed(case.target, case.score());
        match self {
            Start::Score => {}
            Start::One => seed.data[case.target] = 1.0,
            Start::Contrast => {
                let scores = &case.acts.value(case.graph.output()).data;
                let best = case.runner_up()?;
                seed.data[best] = -scores[best];
            }
        }
        Ok(seed)
    }
}

impl Options {
    /// Reads [`START`] alone.
    pub(super) fn of_start(args: &Args) -> Options {
        Options { start: args.word(START.key), ..Options::default() }
    }

    /// Reads [`OPTIONS`].
    pub(super) fn of(args: &Args) -> Options {
        Options {
            sum: args.word(SUM.key),
            max: args.word(MAX.key),
            norm: args.word(NORM.key),
            product: args.word(PRODUCT.key),
            ..Options::of_start(args)
        }
    }
}
