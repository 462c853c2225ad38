//! One node while it is imported: its attributes, its inputs, and the graph it adds to.

use super::{
    batch::BatchAxis,
    build::Build,
    decode::Element,
    kind::Kind,
    proto::{AttributeProto, NodeProto, TensorProto},
    value::{Constant, Map, Numbers, PICTURE, Value, joined, view, volume},
};
use crate::{
    base::geom::Shape,
    op::{self, Cpu, List, Lookup, Pick, Resample, Taps, Transpose},
    tensor::Tensor,
};
use std::rc::Rc;

/// Most values of one map: 1 GiB. Nothing that is fed with pictures needs more, and sizes stay far
/// from overflow.
pub(super) const MAX_VALUES: usize = 1 << 28;

/// A node, its inputs looked up.
pub(super) struct Call<'b, 'a> {
    node: &'b NodeProto,
    inputs: Vec<Option<Value>>,
    /// What messages call the inputs.
    names: Vec<&'b str>,
    kinds: Vec<Option<Kind>>,
    build: &'b mut Build<'a>,
    /// Outputs behind the first, with their positions.
    further: Vec<(usize, Value)>,
    /// What the output holds, where an importer knows better than the table of kinds.
    kind: Option<Kind>,
    /// Where the pictures of a batch lie in the first map.
    place: Option<BatchAxis>,
    /// Where they lie in the output, where an importer knows.
    told_place: Option<BatchAxis>,
}

impl<'b, 'a> Call<'b, 'a> {
    pub(super) fn new(
        node: &'b NodeProto,
        inputs: Vec<Option<Value>>,
        kinds: Vec<Option<Kind>>,
        place: Option<BatchAxis>,
        build: &'b mut Build<'a>,
    ) -> Self {
        let names = node.input.iter().map(String::as_str).collect();
        Call {
            node,
            inputs,
            names,
            kinds,
            build,
            further: vec![],
            kind: None,
            place,
            told_place: None,
        }
    }

    /// Version of the operator set.
    pub(super) fn opset(&self) -> i64 {
        self.build.opset
    }

    /// Name of the node; that of its output where it has none.
    pub(super) fn name(&self) -> &'b str {
        node_name(self.node)
    }

    /// A line for the user about what import did.
    pub(super) fn note(&mut self, text: String) {
        self.build.notes.push(text);
    }

    /// Says that the file keeps numbers in few bits.
    pub(super) fn quantised(&mut self) {
        self.build.quantised = true;
    }

    /// A detail that a later note about this node should carry.
    pub(super) fn remark(&mut self, text: String) {
        self.build.remarks.insert(self.name().to_owned(), text);
    }

    /// The dimensions of the first map as they are in the file, which may fix how many pictures there
    /// are.
    pub(super) fn dims_in_file(&self, map: &Map) -> Vec<usize> {
        match (self.build.fixed_batch, self.place) {
            (Some(count), Some(place)) => place.in_file(&map.dims, count),
            _ => map.dims.clone(),
        }
    }

    /// Dimensions for all pictures of the file, which the first map is reshaped to, as those for one.
    pub(super) fn for_one(&mut self, map: &Map, wanted: Vec<usize>) -> Result<Vec<usize>, String> {
        let Some(count) = self.build.fixed_batch else { return Ok(wanted) };
        let file = self.dims_in_file(map);
        let found = self.place.and_then(|place| place.reshaped(&file, &wanted, count));
        let (place, dims) = found.ok_or_else(|| {
            format!(
                "the file fixes a batch of {count}, and where its pictures lie in {} is not known; export \
                 the model with a batch of 1, or an open one",
                joined(&wanted)
            )
        })?;
        self.told_place = Some(place);
        Ok(dims)
    }

    /// Sizes of all axes that the file gives, with that of the batch as 1.
    pub(super) fn sizes_for_one(&self, sizes: &mut [usize]) {
        let from_last = self.place.and_then(|p| self.first_rank()?.checked_sub(1 + p.axis));
        if let (Some(count), Some(from_last)) = (self.build.fixed_batch, from_last)
            && let Some(axis) = sizes.len().checked_sub(from_last + 1)
            && sizes[axis] == count
        {
            sizes[axis] = 1;
        }
    }

    fn first_rank(&self) -> Option<usize> {
        self.inputs.iter().flatten().find_map(|value| match value {
            Value::Map(map) => Some(map.rank()),
            Value::Constant(_) => None,
        })
    }

    /// Where the importer says that pictures lie in the output.
    pub(super) fn told_place(&self) -> Option<BatchAxis> {
        self.told_place
    }

    /// Says that an axis of pictures alone is now at another place.
    pub(super) fn moved_place(&mut self, moved: impl Fn(usize) -> Option<usize>) {
        let place = self.place.and_then(|p| Some(BatchAxis { axis: moved(p.axis)?, ..p }));
        self.told_place = place;
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

    /// Takes another value for an input.
    pub(super) fn set_input(&mut self, k: usize, value: Value) {
        self.inputs[k] = Some(value);
    }

    /// Takes other inputs, as another operator reads them: each with the position of the one that
    /// messages name.
    pub(super) fn set_inputs(&mut self, inputs: Vec<(usize, Option<Value>)>) {
        let name = |k: usize| self.node.input.get(k).map_or("", String::as_str);
        self.names = inputs.iter().map(|(k, _)| name(*k)).collect();
        self.kinds = vec![None; inputs.len()];
        self.inputs = inputs.into_iter().map(|(_, value)| value).collect();
    }

    /// What an input holds that is computed from the picture.
    pub(super) fn kind(&self, k: usize) -> Kind {
        self.kinds.get(k).cloned().flatten().unwrap_or(Kind::Float)
    }

    /// Says what the output holds.
    pub(super) fn set_kind(&mut self, kind: Kind) {
        self.kind = Some(kind);
    }

    /// What the importer said that the output holds.
    pub(super) fn told_kind(&self) -> Option<Kind> {
        self.kind.clone()
    }

    /// The element type that the file gives a constant input.
    pub(super) fn element(&self, k: usize) -> Option<Element> {
        self.build.element(self.names.get(k)?)
    }

    /// Number of outputs.
    pub(super) fn outputs(&self) -> usize {
        self.node.output.len()
    }

    /// Name of an input in the file.
    pub(super) fn input_name(&self, k: usize) -> &str {
        self.names.get(k).copied().unwrap_or_default()
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

    /// An input as a map; a constant becomes a node of its own.
    pub(super) fn any(&mut self, k: usize) -> Result<Map, String> {
        let Value::Constant(constant) = self.input(k)? else { return self.map(k) };
        let constant = Rc::clone(constant);
        let name = self.input_name(k).to_owned();
        let values = constant.as_floats().map_err(|e| format!("input `{name}`: {e}"))?.to_vec();
        self.charge(constant.dims())?;
        let dims = constant.dims().to_vec();
        if values.is_empty() {
            return Err(format!("input `{name}` is empty ({})", joined(&dims)));
        }
        let long: Vec<usize> = dims.iter().copied().filter(|d| *d != 1).collect();
        let op = op::Constant(Tensor::new(view(&long), values));
        let name = self.build.free_name(&name);
        let node = self.build.graph.push(&name, Box::new(op), &[]).map_err(|e| e.problem)?;
        Ok(Map::in_order(node, dims))
    }

    /// A single number as a map.
    pub(super) fn number(&mut self, value: f32) -> Result<Map, String> {
        let op = op::Constant(Tensor::vector(vec![value]));
        let name = self.build.free_name(&format!("{}:number", self.name()));
        let node = self.build.graph.push(&name, Box::new(op), &[]).map_err(|e| e.problem)?;
        Ok(Map::in_order(node, vec![]))
    }

    /// An input of dimensions `(N, C, H, W)` that is computed from the picture, channels last, and its
    /// shape.
    pub(super) fn image(&mut self, k: usize) -> Result<(Map, Shape), String> {
        let map = self.map(k)?;
        self.picture(&map).map_err(|e| format!("input `{}` {e}", self.input_name(k)))
    }

    /// A map of dimensions `(N, C, H, W)`, channels last, and its shape.
    pub(super) fn picture(&mut self, map: &Map) -> Result<(Map, Shape), String> {
        match map.dims[..] {
            [1, c, h, w] => {
                let shape = Shape::new(c, h, w);
                Ok((self.arranged(map, &PICTURE, shape)?, shape))
            }
            _ => Err(format!("has dimensions {}, expected (N, C, H, W)", joined(&map.dims))),
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
        if let Some(Value::Constant(shared)) = &self.inputs[k]
            && Rc::strong_count(shared) > 1
        {
            self.charge(&dims)?;
        }
        // the last reader takes the numbers without copying them
        match self.inputs[k].take() {
            Some(Value::Constant(c)) => match Rc::unwrap_or_clone(c).into_numbers() {
                Numbers::Float(values) => Ok((dims, values)),
                Numbers::Int(_) => Err(format!("weight `{}` is no float", self.input_name(k))),
            },
            _ => Err(format!("weight `{}` was read before", self.input_name(k))),
        }
    }

    /// A vector of weights with one value per channel.
    pub(super) fn weight_vector(&mut self, k: usize, n: usize) -> Result<Vec<f32>, String> {
        let (dims, values) = self.weights(k)?;
        if dims == [n] {
            return Ok(values);
        }
        let name = self.input_name(k);
        Err(format!(
            "weight `{name}` has dimensions {}, expected a vector of {n} values",
            joined(&dims)
        ))
    }

    /// Books the memory of a constant that is about to be computed.
    pub(super) fn charge(&mut self, dims: &[usize]) -> Result<(), String> {
        self.build.charge(dims)
    }
}

/// Constants that are computed as maps are.
impl Call<'_, '_> {
    /// The outputs of an operator on constants, by the operator on maps: the first input becomes a map
    /// of a graph that is thrown away.
    pub(super) fn computed(
        &mut self,
        import: impl Fn(&mut Self) -> Result<Value, String>,
    ) -> Result<Value, String> {
        let first = self.build.graph.len();
        let map = self.any(0)?;
        self.inputs[0] = Some(Value::Map(map));
        let value = import(self)?;
        let value = self.known(value, first)?;
        for (k, further) in self.further() {
            let known = self.known(further, first)?;
            self.also(k, known);
        }
        self.build.graph.truncate(first);
        Ok(value)
    }

    /// The numbers of a map that nodes from `first` on compute.
    fn known(&mut self, value: Value, first: usize) -> Result<Value, String> {
        let Value::Map(map) = value else { return Ok(value) };
        self.charge(&map.dims)?;
        let order: Vec<usize> = (0..map.rank()).collect();
        let map = self.arranged(&map, &order, Shape::vector(map.dims.iter().product()))?;
        let macs = self.build.graph.macs_without_picture(map.node, first);
        self.build.charge_macs(macs)?;
        let numbers = self.build.graph.value_without_picture(map.node, first);
        Ok(Value::Constant(Rc::new(Constant::new(map.dims, Numbers::Float(numbers.data))?)))
    }
}

/// Outputs.
impl Call<'_, '_> {
    /// Adds an operator whose output has the same dimensions as its input, in the same order.
    pub(super) fn push_like(&mut self, op: impl Cpu, input: &Map) -> Result<Value, String> {
        self.push(op, &[input], input.dims.clone(), &input.order).map(Value::Map)
    }

    /// Adds an operator on a picture; its output has dimensions `(1, C, H, W)`, channels last.
    pub(super) fn push_image(&mut self, op: impl Cpu, input: &Map) -> Result<Value, String> {
        let shape = self.shape_after(&op, &[input])?;
        let dims = vec![1, shape.c, shape.h, shape.w];
        self.push(op, &[input], dims, &PICTURE).map(Value::Map)
    }

    /// Adds an operator; `dims` are the dimensions of its output, `order` is how they lie in memory.
    pub(super) fn push(
        &mut self,
        op: impl Cpu,
        inputs: &[&Map],
        dims: Vec<usize>,
        order: &[usize],
    ) -> Result<Map, String> {
        let name = self.build.free_name(self.name());
        self.push_as(&name, op, inputs, dims, order)
    }

    fn push_as(
        &mut self,
        name: &str,
        op: impl Cpu,
        inputs: &[&Map],
        dims: Vec<usize>,
        order: &[usize],
    ) -> Result<Map, String> {
        let shape = self.shape_after(&op, inputs)?;
        if volume(&dims) != Some(shape.len()) {
            return Err(format!("output {shape} does not have dimensions {}", joined(&dims)));
        }
        let nodes: Vec<_> = inputs.iter().map(|m| m.node).collect();
        let node = self.build.graph.push(name, Box::new(op), &nodes).map_err(|e| e.problem)?;
        Ok(Map::new(node, dims, order))
    }

    /// The shape under which the graph sees a map.
    pub(super) fn shape(&self, map: &Map) -> Shape {
        self.build.graph.node(map.node).shape
    }

    /// The output's shape, when it is of a size that can be computed.
    fn shape_after(&self, op: &impl Cpu, inputs: &[&Map]) -> Result<Shape, String> {
        let shapes: Vec<Shape> = inputs.iter().map(|m| self.shape(m)).collect();
        let Shape { c, h, w } = op.out_shape(&shapes)?;
        match volume(&[c, h, w]) {
            Some(n) if n <= MAX_VALUES => Ok(Shape::new(c, h, w)),
            _ => Err(format!("its output of {c}x{h}x{w} values is too large")),
        }
    }

    /// Returns the outputs behind the first that [`Call::also`] was told.
    pub(super) fn further(&mut self) -> Vec<(usize, Value)> {
        std::mem::take(&mut self.further)
    }

    /// Sets output `k`, one behind the first.
    pub(super) fn also(&mut self, k: usize, value: Value) {
        self.further.push((k, value));
    }
}

/// Order in memory.
impl Call<'_, '_> {
    /// The same map with its axes in another order in memory, under a shape that the graph sees; an
    /// operator is added only where something changes.
    pub(super) fn arranged(
        &mut self,
        map: &Map,
        order: &[usize],
        shape: Shape,
    ) -> Result<Map, String> {
        let name = format!("{}:order", self.name());
        self.arranged_as(&name, map, order, shape)
    }

    fn arranged_as(
        &mut self,
        name: &str,
        map: &Map,
        order: &[usize],
        shape: Shape,
    ) -> Result<Map, String> {
        let (from, long) = (self.shape(map), Map::new(map.node, map.dims.clone(), order).order);
        if long == map.order && from == shape {
            return Ok(map.clone());
        }
        let place = |a: &usize| map.order.iter().position(|b| a == b);
        let places = long.iter().map(place).collect::<Option<Vec<usize>>>();
        let places = places.ok_or("its axes cannot be brought into order")?;
        let op = Transpose::new(from, map.sizes(&map.order), places, shape)?;
        let name = self.build.free_name(name);
        self.push_as(&name, op, &[map], map.dims.clone(), order)
    }

    /// A map whose channels, as the graph sees it, are the given axes; the others stay in their order.
    pub(super) fn with_channels(&mut self, map: &Map, axes: &[usize]) -> Result<Map, String> {
        let long: Vec<usize> = axes.iter().copied().filter(|a| map.dims[*a] != 1).collect();
        let c: usize = map.sizes(&long).iter().product();
        if map.order.ends_with(&long) && self.shape(map).c == c {
            return Ok(map.clone());
        }
        let rest: Vec<usize> = map.order.iter().copied().filter(|a| !long.contains(a)).collect();
        let shape = match map.sizes(&rest)[..] {
            [] => Shape::vector(c),
            [h] => Shape::new(c, h, 1),
            [ref rows @ .., w] => Shape::new(c, rows.iter().product(), w),
        };
        self.arranged(map, &[rest, long].concat(), shape)
    }

    /// The axes that are the channels of a map as the graph sees it; `None` where these are no whole
    /// axes.
    pub(super) fn channels<'m>(&self, map: &'m Map) -> Option<&'m [usize]> {
        let c = self.shape(map).c;
        let tail = |first: &usize| map.sizes(&map.order[*first..]).iter().product::<usize>() == c;
        (0..=map.order.len()).find(tail).map(|first| &map.order[first..])
    }

    /// How the graph sees a map of these dimensions in this order: pictures as such.
    pub(super) fn view(dims: &[usize], order: &[usize]) -> Shape {
        match (dims, order) {
            (&[1, c, h, w], order) if *order == PICTURE => Shape::new(c, h, w),
            _ => {
                let sizes = order.iter().map(|a| dims[*a]).filter(|n| *n != 1);
                view(&sizes.collect::<Vec<usize>>())
            }
        }
    }

    /// The same values in the same order under other dimensions. Values are moved only where memory
    /// does not allow them.
    pub(super) fn reshape(&mut self, map: &Map, dims: Vec<usize>) -> Result<Map, String> {
        if volume(&dims) != volume(&map.dims) {
            return Err(format!("{} cannot become {}", joined(&map.dims), joined(&dims)));
        }
        let order: Vec<usize> = (0..dims.len()).collect();
        let name = self.name();
        if let Some(same) = map.reshaped(dims.clone()) {
            // a vector is seen as one
            let (is_vector, shape) = (same.order.len() < 2, self.shape(&same));
            let vector = Shape::vector(shape.len());
            return if is_vector && shape != vector {
                self.arranged_as(name, &same, &order, vector)
            } else {
                Ok(same)
            };
        }
        let old: Vec<usize> = (0..map.rank()).collect();
        let moved = self.arranged_as(name, map, &old, Call::view(&dims, &order))?;
        Ok(Map::new(moved.node, dims, &order))
    }

    /// Books the memory of a list of indices that is about to be made.
    pub(super) fn room_for_list(&mut self, len: usize) -> Result<(), String> {
        let room = self.charge(&[size_of::<Option<usize>>() / size_of::<f32>(), len]);
        room.map_err(|_| format!("it makes an axis of {len} values, which is too long"))
    }

    /// Values picked along axes: for each axis a list of indices, or `None` where it stays; `value`
    /// stands where a list names none.
    pub(super) fn pick(
        &mut self,
        map: &Map,
        lists: Vec<Option<List>>,
        value: f32,
    ) -> Result<Map, String> {
        let order = map.full_order();
        self.pick_along(map, &order, lists, value)
    }

    fn pick_along(
        &mut self,
        map: &Map,
        order: &[usize],
        mut lists: Vec<Option<List>>,
        value: f32,
    ) -> Result<Map, String> {
        let size = |(n, list): (&usize, &Option<List>)| list.as_ref().map_or(*n, Vec::len);
        let dims: Vec<usize> = map.dims.iter().zip(&lists).map(size).collect();
        if dims.contains(&0) {
            return Err(format!("nothing is left of {}: {}", joined(&map.dims), joined(&dims)));
        }
        if volume(&dims).is_none_or(|n| n > MAX_VALUES) {
            return Err(format!("its output of {} values is too large", joined(&dims)));
        }
        let sizes = map.sizes(order);
        let lists = order.iter().map(|a| lists[*a].take()).collect();
        let name = op_name(self.node);
        let to = Call::view(&dims, order);
        let op = Pick::new(name, self.shape(map), sizes, lists, value, to)?;
        self.push(op, &[map], dims, order)
    }

    /// A map with an axis replaced by weighted sums along it.
    pub(super) fn resampled(
        &mut self,
        map: &Map,
        along: usize,
        taps: Vec<Taps>,
    ) -> Result<Map, String> {
        let mut dims = map.dims.clone();
        dims[along] = taps.len();
        if volume(&dims).is_none_or(|n| n > MAX_VALUES) {
            return Err(format!("its output of {} values is too large", joined(&dims)));
        }
        let order = map.full_order();
        let (sizes, to) = (map.sizes(&order), Call::view(&dims, &order));
        let axis = order.iter().position(|a| *a == along).unwrap_or_default();
        let name = op_name(self.node);
        let op = Resample::new(name, self.shape(map), sizes, axis, taps, to)?;
        self.push(op, &[map], dims, &order)
    }

    /// Values picked one by one out of some maps: `sources` has one index per value of the output, into
    /// all values of the maps in the order of their dimensions.
    pub(super) fn looked_up(
        &mut self,
        maps: &[Map],
        sources: Vec<usize>,
        dims: Vec<usize>,
    ) -> Result<Map, String> {
        let in_order = |map: &Map, call: &mut Self| {
            let order: Vec<usize> = (0..map.rank()).collect();
            let shape = view(&map.dims.iter().copied().filter(|n| *n != 1).collect::<Vec<_>>());
            call.arranged(map, &order, shape)
        };
        let maps = maps.iter().map(|m| in_order(m, self)).collect::<Result<Vec<Map>, String>>()?;
        let shapes = maps.iter().map(|m| self.shape(m)).collect();
        let order: Vec<usize> = (0..dims.len()).collect();
        let op = Lookup::new(op_name(self.node), shapes, sources, Call::view(&dims, &order))?;
        self.push(op, &maps.iter().collect::<Vec<_>>(), dims, &order)
    }

    /// A map repeated along axes of size 1 to dimensions of the same number. `order` is how these lie in
    /// memory.
    pub(super) fn expand(
        &mut self,
        map: &Map,
        dims: &[usize],
        order: &[usize],
    ) -> Result<Map, String> {
        if map.dims == dims {
            return Ok(map.clone());
        }
        let own: Vec<usize> = order.iter().copied().filter(|a| map.dims[*a] != 1).collect();
        let map = if own == map.order {
            map.clone()
        } else {
            self.arranged(map, &own, view(&map.sizes(&own)))?
        };
        for (n, to) in map.dims.iter().zip(dims) {
            self.room_for_list(if n == to { 0 } else { *to })?;
        }
        let list = |(n, to): (&usize, &usize)| (n != to).then(|| vec![Some(0); *to]);
        let lists = map.dims.iter().zip(dims).map(list).collect();
        self.pick_along(&map, order, lists, 0.0)
    }

    /// Two maps of the same number of axes as an operator on their values needs them: in one order of
    /// memory, each axis as long as the other or 1, under shapes that spread over each other.
    pub(super) fn together(&mut self, a: Map, b: Map) -> Result<[Map; 2], String> {
        let dims = super::value::broadcast_dims(&a.dims, &b.dims)?;
        if b.dims == dims && a.dims != dims {
            let [b, a] = self.together(b, a)?;
            return Ok([a, b]);
        }
        let a = if a.dims == dims {
            a
        } else {
            let order: Vec<usize> = (0..dims.len()).collect();
            self.expand(&a, &dims, &order)?
        };
        let order = a.full_order();
        match self.spreading(&a, &b) {
            Some(shape) => {
                let b = self.arranged(&b, &order, shape)?;
                Ok([a, b])
            }
            None => {
                let b = self.expand(&b, &dims, &order)?;
                let shape = self.shape(&a);
                let b = self.arranged(&b, &order, shape)?;
                Ok([a, b])
            }
        }
    }

    /// The shape under which `b` spreads over `a`: the same, or 1, for rows, columns and channels;
    /// `None` where it is repeated along a part of these.
    fn spreading(&self, a: &Map, b: &Map) -> Option<Shape> {
        let shape = self.shape(a);
        if a.dims == b.dims {
            return Some(shape);
        }
        let mut left = &a.order[..];
        let mut group = |size: usize| {
            let mut n = 1;
            let mut kept = (0, 0);
            while n < size {
                let (axis, before) = left.split_last()?;
                n *= a.dims[*axis];
                left = before;
                kept = (kept.0 + usize::from(b.dims[*axis] != 1), kept.1 + 1);
            }
            match kept {
                _ if n != size => None,
                (all, count) if all == count => Some(size),
                (0, _) => Some(1),
                _ => None,
            }
        };
        let (c, w, h) = (group(shape.c)?, group(shape.w)?, group(shape.h)?);
        Some(Shape::new(c, h, w))
    }
}

/// A constant beside a map.
impl Call<'_, '_> {
    /// Constant input `k` as it is applied to the values of `map`: one number, one per channel, or one per
    /// value in the order channel, row, column of the shape that the graph sees.
    pub(super) fn beside(&mut self, map: &Map, k: usize) -> Result<Vec<f32>, String> {
        let name = self.input_name(k).to_owned();
        let (dims, values) = self.weights(k)?;
        if values.len() == 1 {
            return Ok(values);
        }
        let constant = Constant::new(dims, Numbers::Float(values))?;
        let unfit = || {
            let (own, other) = (joined(constant.dims()), joined(&map.dims));
            format!("constant `{name}` of dimensions {own} does not fit {other}")
        };
        let channels = self.channels(map).unwrap_or_default();
        if map.varies_only(&constant, channels) {
            let spread = map.spread(&constant, channels).ok_or_else(unfit)?;
            return Ok(spread.as_floats()?.to_vec());
        }
        self.charge(&map.dims)?;
        self.placed(map, &constant).map_err(|_| unfit())
    }

    /// A constant spread over a map, in the order channel, row, column of the shape that the graph sees.
    pub(super) fn placed(&self, map: &Map, constant: &Constant) -> Result<Vec<f32>, String> {
        let spread = map.spread(constant, &map.order);
        let spread = spread.ok_or_else(|| format!("{} does not fit", joined(constant.dims())))?;
        let (all, Shape { c, h, w }) = (spread.as_floats()?, self.shape(map));
        let at = |i: usize| all[i % (h * w) * c + i / (h * w)];
        Ok((0..all.len()).map(at).collect())
    }
}

/// ONNX spelling of a node's operator.
fn op_name(node: &NodeProto) -> &'static str {
    super::table::find(node).map_or("Slice", |entry| entry.name)
}

/// Name of a node; that of its first output where it has none.
pub(super) fn node_name(node: &NodeProto) -> &str {
    if node.name.is_empty() { node.output.first().map_or("", |o| o) } else { &node.name }
}
