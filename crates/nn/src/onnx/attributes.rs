//! Which attributes operators have, in any version. One that is not known is refused: left out of
//! account, a misspelt `strides` would change what is computed.

use super::{proto::NodeProto, table};
use crate::base::registry::near;

/// Some operators, and the attributes that each of them has; words apart.
type Known = (&'static str, &'static str);

/// Operators of ONNX.
const OWN: &[Known] = &[
    (
        "Abs Ceil Cos DynamicQuantizeLinear Erf Exp Expand Floor GlobalAveragePool \
         GlobalMaxPool GreaterOrEqual HardSwish Identity LessOrEqual Log MatMul \
         MatMulInteger Max Min Mish Neg Not PRelu QLinearMatMul Reciprocal Relu Round \
         Sigmoid Sign Sin Size Softplus Softsign Sqrt Sum Tanh Tile Where",
        "",
    ),
    ("Add And Div Equal Greater Less Mul Or Pow Sub Xor", "axis broadcast"),
    (
        "Attention",
        "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap \
         softmax_precision",
    ),
    ("AveragePool", "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides"),
    ("BatchNormalization", "epsilon momentum spatial training_mode"),
    ("Cast CastLike", "round_mode saturate to"),
    ("Celu Elu LeakyRelu Swish ThresholdedRelu", "alpha"),
    ("Clip", "max min"),
    ("Col2Im", "dilations pads strides"),
    ("Concat Flatten Gather GatherElements LogSoftmax Softmax", "axis"),
    ("Conv ConvInteger QLinearConv", "auto_pad dilations group kernel_shape pads strides"),
    (
        "Constant",
        "sparse_value value value_float value_floats value_int value_ints value_string \
         value_strings",
    ),
    ("ConstantOfShape", "value"),
    (
        "ConvTranspose",
        "auto_pad dilations group kernel_shape output_padding output_shape pads strides",
    ),
    ("CumSum", "exclusive reverse"),
    ("DepthToSpace", "blocksize mode"),
    ("DequantizeLinear", "axis block_size output_dtype"),
    ("Dropout", "ratio seed"),
    ("Einsum", "equation"),
    ("GatherND", "batch_dims"),
    ("Gelu", "approximate"),
    ("Gemm", "alpha beta transA transB"),
    ("GroupNormalization", "epsilon num_groups stash_type"),
    ("HardSigmoid", "alpha beta"),
    ("InstanceNormalization", "consumed_inputs epsilon"),
    ("LRN", "alpha beta bias size"),
    ("LayerNormalization RMSNormalization SimplifiedLayerNormalization", "axis epsilon stash_type"),
    ("MaxPool", "auto_pad ceil_mode dilations kernel_shape pads storage_order strides"),
    ("MeanVarianceNormalization Squeeze Unsqueeze", "axes"),
    ("Mod", "fmod"),
    ("Pad", "mode pads value"),
    ("QuantizeLinear", "axis block_size output_dtype precision saturate"),
    (
        "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin \
         ReduceProd ReduceSum ReduceSumSquare",
        "axes keepdims noop_with_empty_axes",
    ),
    ("Range", "stash_type"),
    ("Reshape", "allowzero shape"),
    (
        "Resize",
        "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside \
         extrapolation_value keep_aspect_ratio_policy mode nearest_mode scales",
    ),
    ("ScatterND", "reduction"),
    ("Selu", "alpha gamma"),
    ("Shape", "end start"),
    ("Shrink", "bias lambd"),
    ("Slice", "axes ends starts"),
    ("SpaceToDepth", "blocksize"),
    ("Split", "axis num_outputs split"),
    ("Transpose", "perm"),
    ("Trilu", "upper"),
    ("Upsample", "mode scales"),
];

/// Operators of onnxruntime.
const CONTRIBUTED: &[Known] = &[
    (
        "Attention",
        "do_rotary mask_filter_value num_heads past_present_share_buffer \
         qkv_hidden_sizes rotary_embedding_dim scale unidirectional",
    ),
    (
        "BiasGelu DynamicQuantizeMatMul FastGelu Gelu MatMulIntegerToFloat QLinearAdd \
         QLinearMul QLinearSigmoid",
        "",
    ),
    ("DequantizeLinear QuantizeLinear", "axis block_size"),
    (
        "FusedConv",
        "activation activation_params auto_pad dilations group kernel_shape pads strides",
    ),
    (
        "FusedGemm",
        "activation activation_alpha activation_beta activation_gamma alpha beta transA \
         transB",
    ),
    ("FusedMatMul", "alpha transA transB transBatchA transBatchB"),
    ("MatMulNBits", "K N accuracy_level bits block_size weight_prepacked"),
    ("MultiHeadAttention", "mask_filter_value num_heads scale unidirectional"),
    ("QGemm", "alpha transA transB"),
    (
        "QLinearAveragePool",
        "auto_pad ceil_mode channels_last count_include_pad dilations kernel_shape pads \
         strides",
    ),
    ("QLinearConcat", "axis"),
    ("QLinearGlobalAveragePool", "channels_last"),
    ("QLinearLeakyRelu QuickGelu", "alpha"),
    ("QLinearSoftmax", "axis opset"),
    ("SkipLayerNormalization SkipSimplifiedLayerNormalization", "epsilon"),
];

/// The attributes of an operator; `None` where they are not listed.
fn known(all: &[Known], op: &str) -> Option<Vec<&'static str>> {
    let found = all.iter().find(|(ops, _)| ops.split(' ').any(|name| name == op));
    found.map(|(_, attributes)| attributes.split(' ').filter(|a| !a.is_empty()).collect())
}

/// What is wrong with the names of a node's attributes.
pub(super) fn check(node: &NodeProto) -> Result<(), String> {
    let all = if table::is_own(&node.domain) { OWN } else { CONTRIBUTED };
    let known = known(all, &node.op_type);
    let Some(known) = known else { return Ok(()) };
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
    fn the_attributes_of_all_operators_are_listed_once() {
        for (all, entries) in [(OWN, table::ENTRIES), (CONTRIBUTED, table::CONTRIBUTED)] {
            for entry in entries {
                let of = |(ops, _): &&Known| ops.split(' ').any(|name| name == entry.name);
                assert_eq!(all.iter().filter(of).count(), 1, "{}", entry.name);
            }
        }
    }
}
