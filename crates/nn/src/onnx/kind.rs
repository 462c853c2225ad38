//! What kind of numbers a value holds that is computed from the picture. Maps are computed in single
//! precision whatever the file says; where whole numbers would be something else (they wrap around, a
//! quotient is cut off), that is refused.

use super::{decode::Element, proto::NodeProto};

/// Kinds of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Floats of any precision.
    Float,
    /// Whole numbers of 32 or 64 bits.
    Whole,
    /// Whole numbers of fewer bits.
    Byte,
    /// Truth values, as 0 and 1.
    Truth,
    /// Floats that the file keeps as whole numbers of few bits; the map holds the floats.
    Quantised(Quantised),
}

/// How the file keeps floats in whole numbers: `x = scale (q - zero)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantised {
    pub(super) scale: f32,
    pub(super) zero: f32,
}

impl Kind {
    /// The kind of an element type.
    pub(super) fn of(element: Element) -> Kind {
        match element {
            e if e.is_float() => Kind::Float,
            Element::Bool => Kind::Truth,
            Element::I32 | Element::I64 | Element::U32 | Element::U64 => Kind::Whole,
            _ => Kind::Byte,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Kind::Float => "floats",
            Kind::Whole | Kind::Byte => "whole numbers",
            Kind::Truth => "truth values",
            Kind::Quantised(_) => "quantised values",
        }
    }
}

/// Operators that only move values, or pick some.
const MOVES: &[&str] = &[
    "Concat",
    "DepthToSpace",
    "Dropout",
    "Expand",
    "Flatten",
    "Gather",
    "GatherElements",
    "GatherND",
    "Identity",
    "MaxPool",
    "Reshape",
    "Resize",
    "ScatterND",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Trilu",
    "Unsqueeze",
    "Upsample",
];

/// Operators that give truth values, of numbers of any kind but quantised ones.
const COMPARES: &[&str] =
    &["And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or", "Xor"];

/// Operators on whole numbers that give the same as on floats, as long as nothing wraps around.
const ARITHMETIC: &[&str] = &[
    "Abs",
    "Add",
    "Clip",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Pad",
    "ReduceMax",
    "ReduceMin",
    "ReduceSum",
    "Relu",
    "Sign",
    "Sub",
    "Sum",
];

/// Operators that take quantised values as what they stand for, and say themselves what they give.
const OWN: &[&str] = &[
    "Cast",
    "CastLike",
    "ConvInteger",
    "DequantizeLinear",
    "DynamicQuantizeMatMul",
    "MatMulInteger",
    "MatMulIntegerToFloat",
    "QGemm",
    "QLinearAdd",
    "QLinearAveragePool",
    "QLinearConcat",
    "QLinearConv",
    "QLinearGlobalAveragePool",
    "QLinearLeakyRelu",
    "QLinearMatMul",
    "QLinearMul",
    "QLinearSigmoid",
    "QLinearSoftmax",
    "QuantizeLinear",
    "Shape",
    "Size",
    "Where",
];

/// True where constants of whole numbers beside maps stand for floats.
pub(super) fn mixes(node: &NodeProto) -> bool {
    [COMPARES, ARITHMETIC, &["Where", "Concat", "ScatterND"]]
        .iter()
        .any(|ops| ops.contains(&&node.op_type[..]))
}

/// The kind of a node's outputs. `inputs` are the kinds of the inputs that are computed from the
/// picture.
pub(super) fn of_output(node: &NodeProto, inputs: &[Option<Kind>]) -> Result<Kind, String> {
    let op = &node.op_type[..];
    let mut found = inputs.iter().flatten();
    let special = found.clone().find(|kind| **kind != Kind::Float);
    match special {
        _ if COMPARES.contains(&op) && !matches!(special, Some(Kind::Quantised(_))) => {
            Ok(Kind::Truth)
        }
        None => Ok(Kind::Float),
        Some(_) if op == "Where" => {
            let kind = inputs.iter().skip(1).flatten().next();
            Ok(kind.cloned().unwrap_or(Kind::Float))
        }
        Some(kind) if MOVES.contains(&op) => {
            if found.all(|other| other == kind) {
                return Ok(kind.clone());
            }
            Err(format!("it puts {} beside numbers of another kind or scale", kind.name()))
        }
        Some(Kind::Whole) if ARITHMETIC.contains(&op) => Ok(Kind::Whole),
        Some(Kind::Truth) if ["Max", "Min", "ReduceMax", "ReduceMin"].contains(&op) => {
            Ok(Kind::Truth)
        }
        Some(_) if OWN.contains(&op) => Ok(Kind::Float),
        Some(kind) => {
            let before = match kind {
                Kind::Quantised(_) => "DequantizeLinear",
                _ => "Cast",
            };
            let name = kind.name();
            Err(format!(
                "it reads {name} computed from the picture, expected floats; put a {before} before it"
            ))
        }
    }
}
