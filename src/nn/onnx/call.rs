//! One node while it is imported: its attributes, its inputs, and the graph it adds to.

use super::{
    build::Build,
    proto::{AttributeProto, NodeProto, TensorProto},
    value::{Constant, Map, Numbers, Value, joined, volume},
};
use crate::{
    base::geom::{Axis, Shape},
    nn::op::{Op, Reshape},
};
use std::{any::Any, rc::Rc};

/// Most values of one map: 1 GiB. Nothing that is fed with pictures needs more, and sizes stay far
/// from overflow.
pub(super) const MAX_VALUES: usize = 1 << 28;

/// A node, its inputs looked up.
pub(super) struct Call<'b, 'a> {
    node: &'a NodeProto,
    inputs: Vec<Option<Value>>,
    build: &'b mut Build<'a>,
}

impl<'b, 'a> Call<'b, 'a> {
    pub(super) fn new(
        node: &'a NodeProto,
        inputs: Vec<Option<Value>>,
        build: &'b mut Build<'a>,
    ) -> Self {
        Call { node, inputs, build }
    }

    /// Version of the operator set.
    pub(super) fn opset(&self) -> i64 {
        self.build.opset
    }

    /// Name of the node; that of its output where it has none.
    pub(super) fn name(&self) -> &'a str {
        node_name(self.node)
    }

    /// A line for the user about what import did.
    pub(super) fn note(&mut self, text: String) {
        self.build.notes.push(text);
    }

    /// A detail that a later note about this node should carry.
    pub(super) fn remark(&mut self, text: String) {
        self.build.remarks.insert(self.name().to_owned(), text);
    }

    /// The batch size that the model file fixes, where it does.
    pub(super) fn fixed_batch(&self) -> Option<usize> {
        self.build.fixed_batch
    }

    /// True when an output of this node is the model's output.
    pub(super) fn is_last(&self) -> bool {
        self.node.output.first().is_some_and(|o| o == self.build.output)
    }
}

/// Attributes.
impl Call<'_, '_> {
    fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.node.attribute.iter().find(|a| a.name == name)
    }

    /// The attribute read by `read`; an error when it has another type.
    fn typed<'s, T>(
        &'s self,
        name: &str,
        kind: i32,
        what: &str,
        read: impl Fn(&'s AttributeProto) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(attribute) = self.attribute(name) else { return Ok(None) };
        let value = read(attribute).filter(|_| [0, kind].contains(&attribute.kind));
        value.map(Some).ok_or_else(|| format!("attribute `{name}` must be {what}"))
    }

    pub(super) fn int(&self, name: &str) -> Result<Option<i64>, String> {
        // proto3 writers leave zeros out
        self.typed(name, 2, "an integer", |a| Some(a.i.unwrap_or(0)))
    }

    pub(super) fn float(&self, name: &str) -> Result<Option<f32>, String> {
        let value = self.typed(name, 1, "a number", |a| Some(a.f.unwrap_or(0.0)))?;
        match value {
            Some(v) if v.is_nan() => Err(format!("attribute `{name}` is NaN")),
            v => Ok(v),
        }
    }

    /// A float that must be finite, or its default.
    pub(super) fn finite(&self, name: &str, default: f32) -> Result<f32, String> {
        match self.float(name)? {
            Some(v) if v.is_infinite() => Err(format!("attribute `{name}` is {v}")),
            v => Ok(v.unwrap_or(default)),
        }
    }

    pub(super) fn ints(&self, name: &str) -> Result<Option<&[i64]>, String> {
        self.typed(name, 7, "a list of integers", |a| Some(&a.ints[..]))
    }

    pub(super) fn floats(&self, name: &str) -> Result<Option<&[f32]>, String> {
        self.typed(name, 6, "a list of numbers", |a| Some(&a.floats[..]))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        self.typed(name, 3, "a text", |a| std::str::from_utf8(a.s.as_deref()?).ok())
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Option<TensorProto>, String> {
        self.typed(name, 4, "a tensor", |a| a.t.clone())
    }

    /// An attribute that is 0 or 1.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, String> {
        match self.int(name)? {
            None => Ok(default),
            Some(v @ (0 | 1)) => Ok(v == 1),
            Some(v) => Err(format!("attribute `{name}` must be 0 or 1, found {v}")),
        }
    }

    /// Decodes a tensor of the file.
    pub(super) fn decode(&mut self, tensor: &TensorProto) -> Result<Constant, String> {
        super::decode::constant(tensor, &mut self.build.external)
    }
}

/// Inputs.
impl Call<'_, '_> {
    /// True when no input is computed from the picture.
    pub(super) fn all_constant(&self) -> bool {
        self.inputs.iter().flatten().all(|v| matches!(v, Value::Constant(_)))
    }

    /// Number of inputs, absent ones in the middle included.
    pub(super) fn count(&self) -> usize {
        self.inputs.len()
    }

    /// An input that may be absent.
    pub(super) fn optional(&self, k: usize) -> Option<&Value> {
        self.inputs.get(k).and_then(Option::as_ref)
    }

    pub(super) fn input(&self, k: usize) -> Result<&Value, String> {
        self.optional(k).ok_or_else(|| format!("input {k} is missing"))
    }

    /// Name of an input in the file.
    pub(super) fn input_name(&self, k: usize) -> &str {
        self.node.input.get(k).map_or("", |name| name)
    }

    /// An input that is computed from the picture.
    pub(super) fn map(&self, k: usize) -> Result<Map, String> {
        match self.input(k)? {
            Value::Map(map) => Ok(map.clone()),
            Value::Constant(_) => Err(format!(
                "input `{}` is constant, expected one computed from the picture",
                self.input_name(k)
            )),
        }
    }

    /// An input of dimensions `(N, C, H, W)` that is computed from the picture, and its shape: each
    /// of its dimensions is along the graph's axis of that name.
    pub(super) fn image(&mut self, k: usize) -> Result<(Map, Shape), String> {
        let map = self.map(k)?;
        match (map.batched, map.features()) {
            (true, &[c, h, w]) => Ok((self.along(&map, &Axis::ALL)?, Shape::new(c, h, w))),
            _ => Err(format!(
                "input `{}` has dimensions {}{}, expected (N, C, H, W); only two-dimensional \
                 pictures are supported",
                self.input_name(k),
                joined(&map.dims),
                if map.batched { "" } else { " without batch" }
            )),
        }
    }

    /// An input that is known at import.
    pub(super) fn constant(&self, k: usize) -> Result<Rc<Constant>, String> {
        match self.input(k)? {
            Value::Constant(c) => Ok(Rc::clone(c)),
            Value::Map(_) => Err(format!(
                "input `{}` is computed from the picture, expected a constant",
                self.input_name(k)
            )),
        }
    }

    /// A constant that may be absent.
    pub(super) fn optional_constant(&self, k: usize) -> Result<Option<Rc<Constant>>, String> {
        self.optional(k).is_some().then(|| self.constant(k)).transpose()
    }

    /// Integers that may be absent.
    pub(super) fn optional_ints(&self, k: usize) -> Result<Option<Vec<i64>>, String> {
        let named = |e| format!("input `{}`: {e}", self.input_name(k));
        let constant = self.optional_constant(k)?;
        constant.map(|c| c.as_ints().map(<[i64]>::to_vec).map_err(named)).transpose()
    }

    /// Integers from an attribute in old opsets, from an input since.
    pub(super) fn ints_or_input(
        &self,
        attribute: &str,
        k: usize,
    ) -> Result<Option<Vec<i64>>, String> {
        match self.ints(attribute)? {
            Some(ints) => Ok(Some(ints.to_vec())),
            None => self.optional_ints(k),
        }
    }

    /// A single finite or infinite number that may be absent.
    pub(super) fn optional_scalar(&self, k: usize) -> Result<Option<f32>, String> {
        let Some(constant) = self.optional_constant(k)? else { return Ok(None) };
        let name = self.input_name(k);
        match constant.as_floats().map_err(|e| format!("input `{name}`: {e}"))? {
            [v] if v.is_nan() => Err(format!("input `{name}` is NaN")),
            [v] => Ok(Some(*v)),
            many => Err(format!("input `{name}` has {} values, expected one", many.len())),
        }
    }

    /// Weights: finite floats, with their dimensions.
    pub(super) fn weights(&mut self, k: usize) -> Result<(Vec<usize>, Vec<f32>), String> {
        let constant = self.constant(k)?;
        let name = self.input_name(k);
        let values = constant.as_floats().map_err(|e| format!("weight `{name}`: {e}"))?;
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(format!(
                "value {at} of weight `{name}` is {}, expected finite numbers; the model was not \
                 trained or not exported properly",
                values[at]
            ));
        }
        let dims = constant.dims().to_vec();
        drop(constant);
        // the last reader takes the numbers without copying them
        match self.inputs[k].take() {
            Some(Value::Constant(c)) => match Rc::unwrap_or_clone(c).into_numbers() {
                Numbers::Float(values) => Ok((dims, values)),
                Numbers::Int(_) => Err(format!("weight `{}` is no float", self.input_name(k))),
            },
            _ => Err(format!("weight `{}` was read before", self.input_name(k))),
        }
    }

    /// Weights with one value per channel.
    pub(super) fn weight_vector(&mut self, k: usize, n: usize) -> Result<Vec<f32>, String> {
        let (dims, values) = self.weights(k)?;
        if values.len() == n && dims.iter().filter(|d| **d != 1).count() <= 1 {
            return Ok(values);
        }
        let name = self.input_name(k);
        Err(format!("weight `{name}` has dimensions {}, expected {n} values", joined(&dims)))
    }

    /// Books the memory of a constant that is about to be computed.
    pub(super) fn charge(&mut self, dims: &[usize]) -> Result<(), String> {
        self.build.charge(dims)
    }
}

/// Outputs.
impl Call<'_, '_> {
    /// Adds an operator whose output has the same dimensions as its first input.
    pub(super) fn push_like(&mut self, op: impl Op, inputs: &[Map]) -> Result<Value, String> {
        self.push(op, inputs, inputs[0].dims.clone())
    }

    /// Adds an operator whose output has dimensions `(1, C, H, W)`.
    pub(super) fn push_image(&mut self, op: impl Op, input: &Map) -> Result<Value, String> {
        let shape = self.shape_after(&op, std::slice::from_ref(input))?;
        self.push(op, std::slice::from_ref(input), vec![1, shape.c, shape.h, shape.w])
    }

    /// Adds an operator; `dims` are the dimensions of its output, along the same axes as those of its
    /// largest input, to which the others are brought.
    pub(super) fn push(
        &mut self,
        op: impl Op,
        inputs: &[Map],
        dims: Vec<usize>,
    ) -> Result<Value, String> {
        let batched = inputs.iter().all(|m| m.batched);
        if inputs.iter().any(|m| m.batched) != batched {
            return Err("some inputs have a batch axis and others not".to_owned());
        }
        // the first of the largest
        let largest = inputs.iter().rev().max_by_key(|m| m.shape().len());
        let axes = largest.map(|m| m.axes.clone()).unwrap_or_default();
        let inputs: Result<Vec<Map>, String> =
            inputs.iter().map(|m| self.along(m, &axes)).collect();
        let inputs = inputs?;
        let shape = self.shape_after(&op, &inputs)?;
        let nodes: Vec<_> = inputs.iter().map(|m| m.node).collect();
        let name = self.build.free_name(self.name());
        let node = self.build.graph.push(&name, Box::new(op), &nodes).map_err(|e| e.problem)?;
        let map = Map { node, dims, batched, axes };
        if map.features().len() == map.axes.len() && map.shape() == shape {
            return Ok(Value::Map(map));
        }
        Err(format!("output {} does not have dimensions {}", shape, joined(&map.dims)))
    }

    /// The output's shape, when it is of a size that can be computed.
    fn shape_after(&self, op: &impl Op, inputs: &[Map]) -> Result<Shape, String> {
        let shapes: Vec<Shape> =
            inputs.iter().map(|m| self.build.graph.node(m.node).shape).collect();
        let Shape { c, h, w } = op.out_shape(&shapes)?;
        match volume(&[c, h, w]) {
            Some(n) if n <= MAX_VALUES => Ok(Shape::new(c, h, w)),
            _ => Err(format!("its output of {c}x{h}x{w} values is too large")),
        }
    }

    /// A map with its dimensions along other axes of the graph; an operator is added only where that
    /// moves values.
    pub(super) fn along(&mut self, map: &Map, axes: &[Axis]) -> Result<Map, String> {
        if map.axes.len() != axes.len() {
            let (found, wanted) = (map.axes.len(), axes.len());
            return Err(format!("{} has {found} axes, expected {wanted}", joined(&map.dims)));
        }
        self.moved(map, Map { axes: axes.to_vec(), ..map.clone() })
    }

    /// The same values in the same order under other dimensions.
    pub(super) fn reshape(
        &mut self,
        map: &Map,
        dims: Vec<usize>,
        batched: bool,
    ) -> Result<Value, String> {
        let axes = Axis::ALL.get(..dims.len() - usize::from(batched)).ok_or_else(|| {
            format!("dimensions {} are not supported, at most 4 axes are", joined(&dims))
        })?;
        if volume(&dims) != volume(&map.dims) {
            return Err(format!("{} cannot become {}", joined(&map.dims), joined(&dims)));
        }
        let same = |map: &Map| map.relabelled(dims.clone(), batched);
        if let Some(map) = same(map).or_else(|| same(&self.before_reshape(map)?)) {
            return Ok(Value::Map(map));
        }
        let wanted = Map { node: map.node, dims, batched, axes: axes.to_vec() };
        self.moved(map, wanted).map(Value::Map)
    }

    /// What an earlier reshape made `map` from, when that has the same values in the same order.
    fn before_reshape(&self, map: &Map) -> Option<Map> {
        let graph = &self.build.graph;
        let node = graph.node(map.node);
        let (from, into) = (&*node.op as &dyn Any).downcast_ref::<Reshape>()?.orders();
        let of = |node, axes: [Axis; 3]| {
            let dims = axes.map(|axis| graph.node(node).shape.along(axis)).to_vec();
            Map { node, dims, batched: false, axes: axes.to_vec() }
        };
        let made = of(map.node, into);
        made.ordered_like(map).then(|| of(node.inputs[0], from))
    }

    /// The values of `map` as those of `wanted`, which says everything but the node.
    fn moved(&mut self, map: &Map, mut wanted: Map) -> Result<Map, String> {
        wanted.node = map.node;
        if !wanted.ordered_like(map) {
            let op = Reshape::ordered(map.order(), wanted.shape(), wanted.order());
            let name = self.build.free_name(self.name());
            let pushed = self.build.graph.push(&name, Box::new(op), &[map.node]);
            wanted.node = pushed.map_err(|e| e.problem)?;
        }
        Ok(wanted)
    }
}

/// Name of a node; that of its first output where it has none.
pub(super) fn node_name(node: &NodeProto) -> &str {
    if node.name.is_empty() { node.output.first().map_or("", |o| o) } else { &node.name }
}
