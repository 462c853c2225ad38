//! The operators that can be imported: one line each, in the order of their names.

use super::{
    call::Call,
    op::{
        activation, arithmetic, attention, cast, col2im, compare, concat, constant, contributed,
        conv, dense, dropout, einsum, group, index, layout, norm, pad, pool, quant, reduce, resize,
        shape, softmax,
    },
    proto::NodeProto,
    value::{Constant, Value},
};
use std::rc::Rc;

/// Imports a node of which some input is computed from the picture.
type OnMaps = fn(&mut Call<'_, '_>) -> Result<Value, String>;

/// Computes a node whose inputs are all constant.
type OnConstants = fn(&mut Call<'_, '_>) -> Result<Constant, String>;

/// An operator of ONNX and what to do with it.
pub(super) struct Entry {
    pub(super) name: &'static str,
    maps: Option<OnMaps>,
    constants: Option<OnConstants>,
}

const fn maps(name: &'static str, maps: OnMaps) -> Entry {
    Entry { name, maps: Some(maps), constants: None }
}

const fn both(name: &'static str, maps: OnMaps, constants: OnConstants) -> Entry {
    Entry { name, maps: Some(maps), constants: Some(constants) }
}

const fn constants(name: &'static str, constants: OnConstants) -> Entry {
    Entry { name, maps: None, constants: Some(constants) }
}

/// All operators.
pub(super) const ENTRIES: &[Entry] = &[
    both("Abs", activation::abs, arithmetic::abs_constant),
    both("Add", arithmetic::add, arithmetic::add_constants),
    both("And", compare::and, arithmetic::and_constants),
    maps("Attention", attention::attention),
    maps("AveragePool", pool::average),
    both("BatchNormalization", norm::batch, norm::batch_constant),
    both("Cast", cast::cast, cast::cast_constant),
    both("CastLike", cast::cast_like, cast::cast_constant_like),
    both("Ceil", activation::ceil, arithmetic::ceil_constant),
    maps("Celu", activation::celu),
    maps("Clip", activation::clip),
    maps("Col2Im", col2im::col2im),
    both("Concat", concat::maps, concat::constants),
    constants("Constant", constant::constant),
    constants("ConstantOfShape", constant::of_shape),
    maps("Conv", conv::conv),
    maps("ConvInteger", quant::conv_integer),
    maps("ConvTranspose", conv::transposed),
    maps("Cos", activation::cos),
    maps("CumSum", index::running_sum),
    maps("DepthToSpace", index::depth_to_space),
    both("DequantizeLinear", quant::dequantise, quant::dequantise_constant),
    both("Div", arithmetic::div, arithmetic::div_constants),
    both("Dropout", dropout::dropout, dropout::constant),
    maps("DynamicQuantizeLinear", quant::dynamic),
    maps("Einsum", einsum::einsum),
    maps("Elu", activation::elu),
    both("Equal", compare::equal, arithmetic::equal_constants),
    maps("Erf", activation::erf),
    maps("Exp", activation::exp),
    both("Expand", shape::expand, shape::expand_constant),
    both("Flatten", shape::flatten, shape::flatten_constant),
    both("Floor", activation::floor, arithmetic::floor_constant),
    both("Gather", index::gather_map, index::gather),
    maps("GatherElements", index::gather_elements),
    both("GatherND", index::gather_nd_map, index::gather_nd),
    maps("Gelu", activation::gelu),
    maps("Gemm", dense::linear),
    maps("GlobalAveragePool", pool::global_average),
    maps("GlobalMaxPool", pool::global_max),
    both("Greater", compare::greater, arithmetic::greater_constants),
    both("GreaterOrEqual", compare::at_least, arithmetic::at_least_constants),
    maps("GroupNormalization", group::group),
    maps("HardSigmoid", activation::hard_sigmoid),
    maps("HardSwish", activation::hard_swish),
    both("Identity", dropout::identity, dropout::constant),
    maps("InstanceNormalization", group::instance),
    maps("LRN", norm::lrn),
    maps("LayerNormalization", norm::layer),
    maps("LeakyRelu", activation::leaky_relu),
    both("Less", compare::less, arithmetic::less_constants),
    both("LessOrEqual", compare::at_most, arithmetic::at_most_constants),
    maps("Log", activation::log),
    maps("LogSoftmax", softmax::log_softmax),
    maps("MatMul", dense::matmul),
    maps("MatMulInteger", quant::matmul_integer),
    both("Max", arithmetic::max, arithmetic::max_constants),
    maps("MaxPool", pool::max),
    maps("MeanVarianceNormalization", group::mean_variance),
    both("Min", arithmetic::min, arithmetic::min_constants),
    maps("Mish", activation::mish),
    constants("Mod", arithmetic::mod_constants),
    both("Mul", arithmetic::mul, arithmetic::mul_constants),
    both("Neg", arithmetic::neg, arithmetic::neg_constant),
    both("Not", compare::not, arithmetic::not_constant),
    both("Or", compare::or, arithmetic::or_constants),
    maps("PRelu", activation::prelu),
    maps("Pad", pad::pad),
    both("Pow", activation::pow, arithmetic::pow_constants),
    maps("QLinearConv", quant::conv),
    maps("QLinearMatMul", quant::matmul),
    both("QuantizeLinear", quant::quantise, quant::quantise_constant),
    maps("RMSNormalization", norm::rms),
    constants("Range", constant::range),
    maps("Reciprocal", activation::reciprocal),
    maps("ReduceL1", reduce::l1),
    maps("ReduceL2", reduce::l2),
    maps("ReduceLogSum", reduce::log_sum),
    maps("ReduceLogSumExp", reduce::log_sum_exp),
    both("ReduceMax", reduce::max, reduce::max_of_constant),
    maps("ReduceMean", reduce::mean),
    both("ReduceMin", reduce::min, reduce::min_of_constant),
    both("ReduceProd", reduce::product, reduce::product_of_constant),
    both("ReduceSum", reduce::sum, reduce::sum_of_constant),
    maps("ReduceSumSquare", reduce::sum_square),
    maps("Relu", activation::relu),
    both("Reshape", shape::reshape, shape::reshape_constant),
    maps("Resize", resize::resize),
    both("Round", activation::round, arithmetic::round_constant),
    both("ScatterND", index::scatter_nd_map, index::scatter_nd),
    maps("Selu", activation::selu),
    both("Shape", shape::shape_of, shape::shape_of_constant),
    maps("Shrink", activation::shrink),
    maps("Sigmoid", activation::sigmoid),
    both("Sign", activation::sign, arithmetic::sign_constant),
    maps("SimplifiedLayerNormalization", norm::rms),
    maps("Sin", activation::sin),
    both("Size", shape::size, shape::size_of_constant),
    both("Slice", index::slice_map, index::slice),
    maps("Softmax", softmax::softmax),
    maps("Softplus", activation::softplus),
    maps("Softsign", activation::softsign),
    maps("SpaceToDepth", index::space_to_depth),
    both("Split", index::split_map, index::split),
    both("Sqrt", activation::sqrt, arithmetic::sqrt_constant),
    both("Squeeze", shape::squeeze, shape::squeeze_constant),
    both("Sub", arithmetic::sub, arithmetic::sub_constants),
    both("Sum", arithmetic::sum, arithmetic::sum_constants),
    maps("Swish", activation::swish),
    maps("Tanh", activation::tanh),
    maps("ThresholdedRelu", activation::thresholded_relu),
    maps("Tile", index::tile),
    both("Transpose", layout::transpose, layout::transpose_constant),
    both("Trilu", index::trilu, index::trilu_constant),
    both("Unsqueeze", shape::unsqueeze, shape::unsqueeze_constant),
    maps("Upsample", resize::upsample),
    both("Where", arithmetic::where_maps, arithmetic::where_constants),
    maps("Xor", compare::xor),
];

/// Operators of onnxruntime.
pub(super) const CONTRIBUTED: &[Entry] = &[
    maps("Attention", attention::packed),
    maps("BiasGelu", contributed::bias_gelu),
    both("DequantizeLinear", quant::dequantise, quant::dequantise_constant),
    maps("DynamicQuantizeMatMul", quant::dynamic_matmul),
    maps("FastGelu", contributed::fast_gelu),
    maps("FusedConv", contributed::conv),
    maps("FusedGemm", contributed::gemm),
    maps("FusedMatMul", contributed::matmul),
    maps("Gelu", contributed::gelu),
    maps("MatMulIntegerToFloat", quant::matmul_to_float),
    maps("MatMulNBits", contributed::matmul_bits),
    maps("MultiHeadAttention", attention::multi_head),
    maps("QGemm", quant::gemm),
    maps("QLinearAdd", quant::add),
    maps("QLinearAveragePool", quant::average),
    maps("QLinearConcat", quant::concat),
    maps("QLinearGlobalAveragePool", quant::global_average),
    maps("QLinearLeakyRelu", quant::leaky_relu),
    maps("QLinearMul", quant::mul),
    maps("QLinearSigmoid", quant::sigmoid),
    maps("QLinearSoftmax", quant::softmax),
    both("QuantizeLinear", quant::quantise, quant::quantise_constant),
    maps("QuickGelu", contributed::quick_gelu),
    maps("SkipLayerNormalization", contributed::skip_norm),
    maps("SkipSimplifiedLayerNormalization", contributed::skip_rms),
];

/// Operators that will not be imported, and why.
const REFUSED: &[(&str, &str)] = &[
    (
        "ArgMax",
        "it gives the number of a class, and no score leads there; export the scores before it",
    ),
    (
        "ArgMin",
        "it gives the number of a class, and no score leads there; export the scores before it",
    ),
    ("Hardmax", "it gives a choice, and no score leads there; export the scores before it"),
    ("TopK", "it gives the numbers of some classes; export the scores before it"),
    ("NonMaxSuppression", "it is part of a detector; classifiers are supported"),
    ("RoiAlign", "it is part of a detector; classifiers are supported"),
    ("MaxRoiPool", "it is part of a detector; classifiers are supported"),
    ("Loop", "how often it runs depends on the picture; export the network unrolled"),
    ("Scan", "it runs once for each part of its input; export the network unrolled"),
    ("RandomNormal", "its values are random"),
    ("RandomNormalLike", "its values are random"),
    ("RandomUniform", "its values are random"),
    ("RandomUniformLike", "its values are random"),
    ("Multinomial", "its values are random"),
    ("Bernoulli", "its values are random"),
    ("LSTM", "recurrent layers are not supported, only feed-forward networks"),
    ("GRU", "recurrent layers are not supported, only feed-forward networks"),
    ("RNN", "recurrent layers are not supported, only feed-forward networks"),
];

/// Why an operator is not imported, as more words behind "is not supported".
pub(super) fn why_not(node: &NodeProto) -> String {
    let op = &node.op_type[..];
    if is_own(&node.domain) {
        let found = REFUSED.iter().find(|(name, _)| *name == op);
        return found.map_or(String::new(), |(_, why)| format!(": {why}"));
    }
    match &node.domain[..] {
        "com.microsoft.nchwc" => {
            ": onnxruntime has rewritten the model for one processor; save it at the \
                                 optimisation level `extended` or below"
                .to_owned()
        }
        MICROSOFT => String::new(),
        _ => {
            " (only operators of ONNX itself and some of onnxruntime are; define it as a function \
              inside the file, or export the model without it)"
                .to_owned()
        }
    }
}

/// The domain of onnxruntime's operators.
pub(super) const MICROSOFT: &str = "com.microsoft";

/// All names; those of onnxruntime with their domain.
pub(super) fn names() -> Vec<String> {
    let mut own: Vec<String> = ENTRIES.iter().map(|e| e.name.to_owned()).collect();
    // decided at import, so that it is no entry
    own.push("If".to_owned());
    own.sort_unstable();
    own.extend(CONTRIBUTED.iter().map(|e| format!("{MICROSOFT}.{}", e.name)));
    own
}

/// True for ONNX's own operators, false for those of other domains.
pub(super) fn is_own(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

/// The entry of a node's operator.
pub(super) fn find(node: &NodeProto) -> Option<&'static Entry> {
    let all = match &node.domain[..] {
        MICROSOFT => CONTRIBUTED,
        domain if is_own(domain) => ENTRIES,
        _ => &[],
    };
    all.iter().find(|e| e.name == node.op_type)
}

impl Entry {
    /// Imports a node of this operator.
    pub(super) fn import(&self, call: &mut Call<'_, '_>) -> Result<Value, String> {
        match (self.maps, self.constants) {
            (_, Some(fold)) if call.all_constant() => {
                fold(call).map(|c| Value::Constant(Rc::new(c)))
            }
            (Some(import), None) if call.all_constant() && call.count() > 0 => {
                call.computed(import)
            }
            (Some(import), _) => import(call),
            (None, _) => Err("it is supported on constants only, but an input is computed from \
                              the picture"
                .to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_names() {
        assert!(ENTRIES.is_sorted_by(|a, b| a.name < b.name));
        assert!(CONTRIBUTED.is_sorted_by(|a, b| a.name < b.name));
    }
}
