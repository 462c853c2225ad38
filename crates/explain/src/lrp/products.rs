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
    /// `x_i w_ij - l_i w+_ij - h_i w-_ij`, that is `(x - l) w+` and `(x - h) w-`: how far the input
    /// is from the corner of its box `[l, h]` where the output is smallest
    Box,
    /// `w_ij^2`
    Square,
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
    /// `x - l`, with the smallest value `l` that the input can have
    AboveLow,
    /// `x - h`, with the largest value `h` that the input can have
    BelowHigh,
    /// `1`
    Ones,
}

/// `input * part(w)`; the families are sums of these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch {
    pub(super) input: Input,
    pub(super) part: Part,
}

impl Products {
    pub(super) fn branches(self) -> &'static [Branch] {
        use Input::{AboveLow, BelowHigh, Ones, X};
        match self {
            Products::All => &[Branch { input: X, part: Part::Raw }],
            Products::Positive => &[
                Branch { input: Input::Positive, part: Part::Positive },
                Branch { input: Input::Negative, part: Part::Negative },
            ],
            Products::Negative => &[
                Branch { input: Input::Positive, part: Part::Negative },
                Branch { input: Input::Negative, part: Part::Positive },
            ],
            Products::Box => &[
                Branch { input: AboveLow, part: Part::Positive },
                Branch { input: BelowHigh, part: Part::Negative },
            ],
            Products::Square => &[Branch { input: Ones, part: Part::Square }],
            Products::One => &[Branch { input: Ones, part: Part::One }],
        }
    }

    /// The part of a bias `b` that belongs to these products.
    pub(super) fn bias(self, b: f32) -> f32 {
        match self {
            Products::All => b,
            Products::Positive => b.max(0.0),
            Products::Negative => b.min(0.0),
            Products::Box | Products::Square | Products::One => 0.0,
        }
    }
}
