//! The operators that can be imported: one line each, in the order of their names.

use super::{
    call::Call,
    op::{
        activation, arithmetic, cast, concat, constant, conv, dense, dropout, einsum, group, index,
        layout, norm, pad, pool, reduce, shape, softmax,
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
    maps("Abs", activation::abs),
    both("Add", arithmetic::add, arithmetic::add_constants),
    constants("And", arithmetic::and_constants),
    maps("AveragePool", pool::average),
    both("BatchNormalization", norm::batch, norm::batch_constant),
    both("Cast", cast::cast, cast::cast_constant),
    both("CastLike", cast::cast_like, cast::cast_constant_like),
    constants("Ceil", arithmetic::ceil_constant),
    maps("Celu", activation::celu),
    maps("Clip", activation::clip),
    both("Concat", concat::maps, concat::constants),
    constants("Constant", constant::constant),
    constants("ConstantOfShape", constant::of_shape),
    maps("Conv", conv::conv),
    maps("DepthToSpace", index::depth_to_space),
    both("Div", arithmetic::div, arithmetic::div_constants),
    maps("Dropout", dropout::dropout),
    maps("Einsum", einsum::einsum),
    maps("Elu", activation::elu),
    constants("Equal", arithmetic::equal_constants),
    maps("Erf", activation::erf),
    maps("Exp", activation::exp),
    both("Expand", shape::expand, shape::expand_constant),
    both("Flatten", shape::flatten, shape::flatten_constant),
    constants("Floor", arithmetic::floor_constant),
    both("Gather", index::gather_map, index::gather),
    constants("GatherND", index::gather_nd),
    maps("Gelu", activation::gelu),
    maps("Gemm", dense::linear),
    maps("GlobalAveragePool", pool::global_average),
    maps("GlobalMaxPool", pool::global_max),
    constants("Greater", arithmetic::greater_constants),
    constants("GreaterOrEqual", arithmetic::at_least_constants),
    maps("GroupNormalization", group::group),
    maps("HardSigmoid", activation::hard_sigmoid),
    maps("HardSwish", activation::hard_swish),
    maps("Identity", dropout::identity),
    maps("InstanceNormalization", group::instance),
    maps("LRN", norm::lrn),
    maps("LayerNormalization", norm::layer),
    maps("LeakyRelu", activation::leaky_relu),
    constants("Less", arithmetic::less_constants),
    constants("LessOrEqual", arithmetic::at_most_constants),
    maps("Log", activation::log),
    maps("LogSoftmax", softmax::log_softmax),
    maps("MatMul", dense::matmul),
    maps("Max", arithmetic::max),
    maps("MaxPool", pool::max),
    maps("Min", arithmetic::min),
    maps("Mish", activation::mish),
    constants("Mod", arithmetic::mod_constants),
    both("Mul", arithmetic::mul, arithmetic::mul_constants),
    both("Neg", arithmetic::neg, arithmetic::neg_constant),
    constants("Not", arithmetic::not_constant),
    constants("Or", arithmetic::or_constants),
    maps("PRelu", activation::prelu),
    maps("Pad", pad::pad),
    both("Pow", activation::pow, arithmetic::pow_constants),
    maps("RMSNormalization", norm::rms),
    constants("Range", constant::range),
    maps("Reciprocal", activation::reciprocal),
    maps("ReduceL1", reduce::l1),
    maps("ReduceL2", reduce::l2),
    maps("ReduceMax", reduce::max),
    maps("ReduceMean", reduce::mean),
    maps("ReduceMin", reduce::min),
    constants("ReduceProd", reduce::product_of_constant),
    maps("ReduceSum", reduce::sum),
    maps("ReduceSumSquare", reduce::sum_square),
    maps("Relu", activation::relu),
    both("Reshape", shape::reshape, shape::reshape_constant),
    constants("ScatterND", index::scatter_nd),
    maps("Selu", activation::selu),
    both("Shape", shape::shape_of, shape::shape_of_constant),
    maps("Sigmoid", activation::sigmoid),
    both("Slice", index::slice_map, index::slice),
    maps("Softmax", softmax::softmax),
    maps("Softplus", activation::softplus),
    maps("Softsign", activation::softsign),
    maps("SpaceToDepth", index::space_to_depth),
    both("Split", index::split_map, index::split),
    both("Sqrt", activation::sqrt, arithmetic::sqrt_constant),
    both("Squeeze", shape::squeeze, shape::squeeze_constant),
    both("Sub", arithmetic::sub, arithmetic::sub_constants),
    maps("Sum", arithmetic::sum),
    maps("Swish", activation::swish),
    maps("Tanh", activation::tanh),
    maps("Tile", index::tile),
    both("Transpose", layout::transpose, layout::transpose_constant),
    both("Unsqueeze", shape::unsqueeze, shape::unsqueeze_constant),
    both("Where", arithmetic::where_maps, arithmetic::where_constants),
];

/// True for ONNX's own operators, false for those of other domains.
pub(super) fn is_own(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

/// The entry of a node's operator.
pub(super) fn find(node: &NodeProto) -> Option<&'static Entry> {
    let own = is_own(&node.domain);
    ENTRIES.iter().find(|e| own && e.name == node.op_type)
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
    }
}
