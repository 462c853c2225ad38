//! Which attributes operators have, in any version. One that is not known is refused: left out of
//! account, a misspelt `strides` would change what is computed.

use super::{proto::NodeProto, table};
use crate::base::registry::near;

const PLACED: [&str; 4] = ["auto_pad", "dilations", "pads", "strides"];

/// The attributes of an operator; `None` where they are not listed.
fn known(op: &str) -> Option<Vec<&'static str>> {
    let placed = |own: &[&'static str]| [&PLACED, own].concat();
    Some(match op {
        "Add" | "Div" | "Mul" | "Sub" | "Pow" | "Equal" => vec!["axis", "broadcast"],
        "AveragePool" => placed(&["ceil_mode", "count_include_pad", "kernel_shape"]),
        "BatchNormalization" => vec!["epsilon", "momentum", "spatial", "training_mode"],
        "Cast" | "CastLike" => vec!["round_mode", "saturate", "to"],
        "Clip" => vec!["max", "min"],
        "Concat" | "Flatten" | "Gather" | "LogSoftmax" | "Softmax" => vec!["axis"],
        "Constant" => vec![
            "sparse_value",
            "value",
            "value_float",
            "value_floats",
            "value_int",
            "value_ints",
            "value_string",
            "value_strings",
        ],
        "ConstantOfShape" => vec!["value"],
        "Conv" => placed(&["group", "kernel_shape"]),
        "Dropout" => vec!["ratio", "seed"],
        "Celu" | "Elu" | "LeakyRelu" | "Swish" => vec!["alpha"],
        "Abs" | "And" | "Ceil" | "Erf" | "Exp" | "Expand" | "Floor" | "GlobalAveragePool"
        | "GlobalMaxPool" | "Greater" | "GreaterOrEqual" | "HardSwish" | "Identity" | "Less"
        | "LessOrEqual" | "Log" | "MatMul" | "Max" | "Min" | "Mish" | "Neg" | "Not" | "Or"
        | "PRelu" | "Reciprocal" | "Relu" | "Sigmoid" | "Softplus" | "Softsign" | "Sqrt"
        | "Sum" | "Tanh" | "Tile" | "Where" => vec![],
        "GatherND" => vec!["batch_dims"],
        "Gelu" => vec!["approximate"],
        "Gemm" => vec!["alpha", "beta", "transA", "transB"],
        "HardSigmoid" => vec!["alpha", "beta"],
        "LRN" => vec!["alpha", "beta", "bias", "size"],
        "Mod" => vec!["fmod"],
        "MaxPool" => placed(&["ceil_mode", "kernel_shape", "storage_order"]),
        "Pad" => vec!["mode", "pads", "value"],
        "LayerNormalization" | "RMSNormalization" => vec!["axis", "epsilon", "stash_type"],
        "InstanceNormalization" => vec!["consumed_inputs", "epsilon"],
        "GroupNormalization" => vec!["epsilon", "num_groups", "stash_type"],
        "DepthToSpace" => vec!["blocksize", "mode"],
        "SpaceToDepth" => vec!["blocksize"],
        "Einsum" => vec!["equation"],
        "Split" => vec!["axis", "num_outputs", "split"],
        "Slice" => vec!["axes", "ends", "starts"],
        "Range" => vec!["stash_type"],
        "ReduceL1" | "ReduceL2" | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceProd"
        | "ReduceSum" | "ReduceSumSquare" => vec!["axes", "keepdims", "noop_with_empty_axes"],
        "Reshape" => vec!["allowzero", "shape"],
        "ScatterND" => vec!["reduction"],
        "Selu" => vec!["alpha", "gamma"],
        "Shape" => vec!["end", "start"],
        "Squeeze" | "Unsqueeze" => vec!["axes"],
        "Transpose" => vec!["perm"],
        _ => return None,
    })
}

/// What is wrong with the names of a node's attributes.
pub(super) fn check(node: &NodeProto) -> Result<(), String> {
    let Some(known) = known(&node.op_type).filter(|_| table::is_own(&node.domain)) else {
        return Ok(());
    };
    let names = node.attribute.iter().map(|a| a.name.as_str());
    let Some(name) = names.into_iter().find(|name| !known.contains(name)) else { return Ok(()) };
    let hint = match near(name, known.iter().copied()).as_slice() {
        [] => String::new(),
        near => format!(", did you mean {}?", near.join(" or ")),
    };
    Err(format!("the operator has no attribute `{name}`{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attributes_of_all_operators_are_known() {
        let missing: Vec<&str> =
            table::ENTRIES.iter().map(|e| e.name).filter(|name| known(name).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
