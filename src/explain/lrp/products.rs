//! The products of inputs and weights that rules are made of.

use crate::nn::op::Part;

/// A family of products `p_ij` of one input and one weight. A rule asks for their sums over `i`
/// and hands back messages `s_j`; input `i` then receives `sum_j p_ij s_j`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Products {
    /// `x_i w_ij`
    All,
    /// `x_i w_ij` where it is positive: `x+ w+` and `x- w-`
    Positive,
    /// `x_i w_ij` where it is negative: `x+ w-` and `x- w+`
    Negative,
    /// `1`, for each weight
    One,
}

/// The values that a weight is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// `x`
    X,
    /// `max(x, 0)`
    Positive,
    /// `min(x, 0)`
    Negative,
    /// `1`
    Ones,
}

/// `sign * input * part(w)`; the families are sums of these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch {
    pub(super) input: Input,
    pub(super) part: Part,
}

impl Products {
    pub(super) fn branches(self) -> &'static [Branch] {
        const fn of(input: Input, part: Part) -> Branch {
            Branch { input, part }
        }
        match self {
            Products::All => &[const { of(Input::X, Part::Raw) }],
            Products::Positive => &[
                const { of(Input::Positive, Part::Positive) },
                const { of(Input::Negative, Part::Negative) },
            ],
            Products::Negative => &[
                const { of(Input::Positive, Part::Negative) },
                const { of(Input::Negative, Part::Positive) },
            ],
            Products::One => &[const { of(Input::Ones, Part::One) }],
        }
    }

    /// The part of a bias `b` that belongs to these products.
    pub(super) fn bias(self, b: f32) -> f32 {
        match self {
            Products::All => b,
            Products::Positive => b.max(0.0),
            Products::Negative => b.min(0.0),
            Products::One => 0.0,
        }
    }
}
