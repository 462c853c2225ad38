//! From the messages of a file to a graph: looks up what each node reads, hands it to the
//! operator's importer, and files what it returns.

use super::{
    Given, Imported, attributes,
    batch::{self, BatchAxis},
    call::{Call, node_name},
    decode::{self, Element},
    error::{Damage, Obstacles, OnnxError},
    external::External,
    inline,
    input::{self, PictureInput, names},
    kind::{self, Kind},
    proto::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto},
    table,
    value::{Constant, Map, Numbers, Value, joined, volume},
};
use crate::{
    base::geom::Shape,
    graph::{Graph, NodeId},
    op::Transpose,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, HashSet},
    rc::Rc,
};

/// The oldest operator set that is read: the first with numpy broadcasting.
const OLDEST_OPSET: i64 = 7;

/// The newest operator set that is read: that of ONNX 1.21.
const NEWEST_OPSET: i64 = 26;

/// Folded constants that are kept at once may have this many values more than the weights.
const FOLDING: usize = 1 << 24;

/// All that folding computes may have this many values for each that the weights have and that may be
/// kept besides: a weight that a file standardises takes about ten steps.
const FOLDING_STEPS: usize = 16;

/// Multiply-adds that take as long as one value of a folded constant.
const MACS_PER_VALUE: u64 = 16;

/// What is said about networks that keep numbers in few bits.
const QUANTISED: &str = "numbers that the file keeps in few bits are computed in floats and rounded as there; \
                         gradients go straight through the rounding";

/// Operators whose further outputs only matter in training.
const TRAINING_OUTPUTS: [&str; 2] = ["BatchNormalization", "Dropout"];

/// A graph under construction.
pub(super) struct Build<'a> {
    file: &'a str,
    pub(super) opset: i64,
    pub(super) graph: Graph,
    pub(super) notes: Vec<String>,
    pub(super) remarks: BTreeMap<String, String>,
    modules: BTreeMap<String, String>,
    pub(super) external: External,
    /// Values that constant folding may still keep.
    budget: usize,
    /// Values that constant folding may still compute, kept or not.
    work: usize,
    /// Values that were booked so far.
    booked: usize,
    /// How many nodes have yet to read a value. Empty where values are read from inside branches.
    readers: HashMap<&'a str, usize>,
    /// Folded constants that no map was made of, with the values booked for them.
    folded: HashMap<String, usize>,
    /// Names of all values that nodes have computed.
    made: HashSet<String>,
    /// Initializers whose values were counted into the budget.
    decoded: HashSet<&'a str>,
    pub(super) fixed_batch: Option<usize>,
    /// Name of the class scores.
    pub(super) output: &'a str,
    /// Whether the file has other outputs.
    others: bool,
    /// What was chosen because nothing says it.
    chosen: Option<String>,
    initializers: HashMap<&'a str, &'a TensorProto>,
    values: HashMap<String, Value>,
    /// Nodes that cannot be imported.
    obstacles: Obstacles,
    /// Names of values behind them, of which nothing is known.
    unknown: HashSet<String>,
    /// Kinds of values that are no floats.
    kinds: HashMap<String, Kind>,
    /// Element types of constants that nodes hold.
    elements: HashMap<String, Element>,
    model: &'a ModelProto,
    file_graph: &'a GraphProto,
    makers: Makers<'a>,
    /// Nodes of the file that are imported.
    done: Vec<bool>,
    /// Where the pictures of a batch lie in values, in files that fix how many there are.
    places: HashMap<String, BatchAxis>,
    /// Branches inside branches.
    depth: usize,
    /// The file keeps numbers in few bits.
    pub(super) quantised: bool,
    /// Names of the graph's nodes, and how many wanted each.
    names: HashMap<String, usize>,
    /// Whether the output may be anything, and not class scores alone.
    free: bool,
}

/// Imports a decoded model. `given` is what the file may leave open about its input.
pub(super) fn import(
    file: &str,
    model: &ModelProto,
    external: External,
    given: &Given,
) -> Result<(Imported, External), OnnxError> {
    let damage = |missing| OnnxError::Damaged {
        file: file.to_owned(),
        damage: Damage::Incomplete { missing },
    };
    let proto = model.graph.as_ref().ok_or_else(|| damage("graph"))?;
    let opset = opset(file, model)?.ok_or_else(|| damage("version of the operator set"))?;
    let initializers = initializers(file, proto)?;
    let interface = |problem| OnnxError::Interface { file: file.to_owned(), problem };
    let picture = input::picture(proto, &initializers, given).map_err(interface)?;
    let output = output(proto, given.output.as_deref()).map_err(interface)?;
    let mut build = Build {
        file,
        opset,
        graph: Graph::new(picture.shape),
        notes: vec![],
        remarks: BTreeMap::new(),
        modules: BTreeMap::new(),
        external,
        budget: FOLDING,
        work: FOLDING * FOLDING_STEPS,
        booked: 0,
        readers: HashMap::new(),
        folded: HashMap::new(),
        made: HashSet::new(),
        decoded: HashSet::new(),
        fixed_batch: picture.batch.filter(|n| *n > 1),
        output: output.name,
        others: !output.others.is_empty(),
        chosen: None,
        initializers,
        values: HashMap::new(),
        obstacles: Obstacles::default(),
        unknown: HashSet::new(),
        kinds: HashMap::new(),
        elements: HashMap::new(),
        model,
        file_graph: proto,
        makers: makers(proto),
        done: vec![false; proto.node.len()],
        places: HashMap::new(),
        depth: 0,
        quantised: false,
        names: HashMap::from([("input".to_owned(), 1)]),
        free: given.free,
    };
    build.start(&picture);
    build.choose(&output);
    build.nodes()?;
    build.finish()
}

/// Puts the functions of a file in place of their calls.
pub(super) fn expand(file: &str, model: &mut ModelProto) -> Result<(), OnnxError> {
    let Some(opset) = opset(file, model)? else { return Ok(()) };
    let Some(graph) = &mut model.graph else { return Ok(()) };
    let nodes = std::mem::take(&mut graph.node);
    let expanded = inline::expanded(nodes, &model.functions, opset);
    graph.node =
        expanded.map_err(|problem| OnnxError::Interface { file: file.to_owned(), problem })?;
    Ok(())
}

fn opset(file: &str, model: &ModelProto) -> Result<Option<i64>, OnnxError> {
    let own = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    let found = model.opset_import.iter().find(|o| own(&o.domain)).map(|o| o.version);
    match found {
        Some(v) if v < OLDEST_OPSET => {
            Err(OnnxError::Opset { file: file.to_owned(), found: v, oldest: OLDEST_OPSET })
        }
        Some(v) if v > NEWEST_OPSET => {
            Err(OnnxError::FutureOpset { file: file.to_owned(), found: v, newest: NEWEST_OPSET })
        }
        v => Ok(v),
    }
}

fn initializers<'a>(
    file: &str,
    graph: &'a GraphProto,
) -> Result<HashMap<&'a str, &'a TensorProto>, OnnxError> {
    let error = |tensor: &str, problem: String| OnnxError::Tensor {
        file: file.to_owned(),
        tensor: tensor.to_owned(),
        problem,
    };
    if !graph.sparse_initializer.is_empty() {
        return Err(error("sparse_initializer", "sparse weights are not supported".to_owned()));
    }
    let mut all = HashMap::new();
    for tensor in &graph.initializer {
        decode::check(tensor).map_err(|problem| error(&tensor.name, problem))?;
        if all.insert(&tensor.name[..], tensor).is_some() {
            return Err(error(&tensor.name, "two weights have this name".to_owned()));
        }
    }
    Ok(all)
}

/// The value with the class scores.
struct Output<'a> {
    name: &'a str,
    /// The other outputs that are there when the network is used.
    others: Vec<&'a ValueInfoProto>,
    /// False where it was chosen here.
    given: bool,
}

/// The value with the class scores: the output, or inner value, that is `wanted`, or else the first output
/// that has the form of scores. Outputs that only exist in training do not count.
fn output<'a>(graph: &'a GraphProto, wanted: Option<&str>) -> Result<Output<'a>, String> {
    let in_training = |name: &str| {
        let makes = |n: &&NodeProto| n.output.iter().skip(1).any(|o| o == name);
        let node = graph.node.iter().find(makes);
        node.is_some_and(|n| TRAINING_OUTPUTS.contains(&&n.op_type[..]))
    };
    let first = graph.output.first().map(|o| &o.name);
    let counts = |o: &&ValueInfoProto| Some(&o.name) == first || !in_training(&o.name);
    let all: Vec<&ValueInfoProto> = graph.output.iter().filter(counts).collect();
    let own = || all.iter().find(|o| has_form_of_scores(o)).or(all.first()).map(|o| &o.name[..]);
    let Some(name) = wanted.map_or_else(own, |wanted| computed(graph, wanted)) else {
        let Some(wanted) = wanted else {
            return Err("it has no output, expected class scores (N, classes)".to_owned());
        };
        return Err(format!(
            "no node computes `{wanted}`, which is to have the scores; its outputs are {}",
            names(&all)
        ));
    };
    let others = all.into_iter().filter(|o| o.name != name).collect();
    Ok(Output { name, others, given: wanted.is_some() })
}

/// The name `wanted`, where a node computes it.
fn computed<'a>(graph: &'a GraphProto, wanted: &str) -> Option<&'a str> {
    let made = graph.node.iter().flat_map(|node| &node.output);
    made.map(String::as_str).find(|name| *name == wanted && !name.is_empty())
}

/// Whether the file says that a value is (classes), (N, classes) or (N, classes, 1, 1).
fn has_form_of_scores(output: &ValueInfoProto) -> bool {
    let tensor = output.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let Some(shape) = tensor.and_then(|t| t.shape.as_ref()) else { return false };
    let sizes = shape.dim.iter().skip(1).filter(|d| d.dim_value != Some(1));
    !shape.dim.is_empty() && sizes.count() <= 1
}

/// Where PyTorch's exporter notes the modules around a node: `['', 'layer1', 'layer1.0', 'relu']`, the
/// operation last.
const SCOPES: &str = "pkg.torch.onnx.name_scopes";

/// The module that a node is in, where the exporter noted it.
fn module(node: &NodeProto) -> Option<String> {
    let scopes = node.metadata_props.iter().find(|entry| entry.key == SCOPES)?;
    let scopes: Vec<&str> = scopes.value.split('\'').skip(1).step_by(2).collect();
    let module = scopes.len().checked_sub(2).map(|at| scopes[at].to_owned());
    module.filter(|module| !module.is_empty())
}

/// Which nodes compute a value, by position.
type Makers<'a> = HashMap<&'a str, Vec<usize>>;

fn makers(graph: &GraphProto) -> Makers<'_> {
    let mut makers: Makers<'_> = HashMap::new();
    for (i, node) in graph.node.iter().enumerate() {
        node.output
            .iter()
            .filter(|o| !o.is_empty())
            .for_each(|o| makers.entry(o).or_default().push(i));
    }
    makers
}

/// The nodes that some values depend on, by position: each behind those it reads, otherwise as they
/// stand in the file. Nodes of a circle come last.
fn needed(graph: &GraphProto, makers: &Makers<'_>, values: &[&str]) -> Vec<usize> {
    let read =
        |i: usize| graph.node[i].input.iter().filter_map(|name| makers.get(&name[..])).flatten();
    let mut wanted = vec![false; graph.node.len()];
    let mut open: Vec<usize> =
        values.iter().filter_map(|value| makers.get(value)).flatten().copied().collect();
    let mut waits: Vec<usize> = vec![0; graph.node.len()];
    let mut readers: Vec<Vec<usize>> = vec![vec![]; graph.node.len()];
    while let Some(i) = open.pop() {
        if std::mem::replace(&mut wanted[i], true) {
            continue;
        }
        for k in read(i) {
            waits[i] += 1;
            readers[*k].push(i);
            open.push(*k);
        }
    }
    let all = (0..graph.node.len()).filter(|i| wanted[*i]);
    let mut ready: BinaryHeap<Reverse<usize>> =
        all.clone().filter(|i| waits[*i] == 0).map(Reverse).collect();
    let mut order = vec![];
    while let Some(Reverse(i)) = ready.pop() {
        order.push(i);
        for reader in &readers[i] {
            waits[*reader] -= 1;
            if waits[*reader] == 0 {
                ready.push(Reverse(*reader));
            }
        }
    }
    order.extend(all.filter(|i| waits[*i] > 0));
    order
}

/// How many of the nodes behind the output read each value. Empty where a node has branches: what these
/// read is known only once one is taken.
fn readers<'a>(
    graph: &'a GraphProto,
    makers: &Makers<'_>,
    output: &'a str,
) -> HashMap<&'a str, usize> {
    if graph.node.iter().any(is_condition) {
        return HashMap::new();
    }
    let mut readers = HashMap::from([(output, 1)]);
    for i in needed(graph, makers, &[output]) {
        graph.node[i].input.iter().for_each(|name| *readers.entry(&name[..]).or_insert(0) += 1);
    }
    readers
}

/// Whole numbers of a constant as floats, where each is one; beside quantised values, what they stand for.
fn beside_floats(value: &mut Value, own: &Kind) {
    let (scale, zero) = match own {
        Kind::Quantised(own) => (own.scale, own.zero),
        _ => (1.0, 0.0),
    };
    if let Value::Constant(constant) = value
        && let Ok(ints) = constant.as_ints()
        && ints.iter().all(|v| v.unsigned_abs() <= 1 << f32::MANTISSA_DIGITS)
    {
        let floats = ints.iter().map(|v| scale * (*v as f32 - zero)).collect();
        let floats = Numbers::Float(floats);
        if let Ok(floats) = Constant::new(constant.dims().to_vec(), floats) {
            *value = Value::Constant(Rc::new(floats));
        }
    }
}

/// True for a node that takes one of two branches.
fn is_condition(node: &NodeProto) -> bool {
    node.op_type == "If" && table::is_own(&node.domain)
}

/// The element type of the constant that a node holds.
fn constant_element(node: &NodeProto) -> Option<Element> {
    let tensor = node.attribute.iter().find_map(|a| a.t.as_ref())?;
    (node.op_type == "Constant").then(|| Element::of(i64::from(tensor.data_type)).ok())?
}

impl<'a> Build<'a> {
    fn start(&mut self, picture: &PictureInput<'a>) {
        let map = Map::new(NodeId(0), picture.dims.clone(), &picture.order);
        self.values.insert(picture.name.to_owned(), Value::Map(map));
        if self.fixed_batch.is_some() {
            self.places.insert(picture.name.to_owned(), BatchAxis::alone(0));
        }
        if picture.kind != Kind::Float {
            self.kinds.insert(picture.name.to_owned(), picture.kind.clone());
        }
        self.notes.extend(picture.notes.clone());
        if let Some(n) = self.fixed_batch {
            self.notes.push(format!("the batch size fixed in the file ({n}) is taken as 1"));
        }
    }

    /// Says which of several outputs is taken.
    fn choose(&mut self, output: &Output<'_>) {
        if self.others {
            let (name, count) = (output.name, 1 + output.others.len());
            let others = names(&output.others);
            self.notes.push(format!(
                "the scores are output `{name}`, one of {count}; the others are {others}"
            ));
            self.chosen = (!output.given).then(|| {
                format!(
                    "the model has {count} outputs, the scores are taken from `{name}`; `output` in the \
                     sidecar or `--output` can name another: {others}"
                )
            });
        }
    }

    fn nodes(&mut self) -> Result<(), OnnxError> {
        self.readers = readers(self.file_graph, &self.makers, self.output);
        self.nodes_for(&[self.output])?;
        std::mem::take(&mut self.obstacles).end()?;
        let unneeded = self.done.iter().filter(|done| !**done).count();
        if self.quantised {
            self.notes.push(QUANTISED.to_owned());
        }
        if unneeded > 0 {
            let text = format!("nodes that `{}` does not need left out: {unneeded}", self.output);
            self.notes.push(text);
        }
        Ok(())
    }

    /// A node behind one that cannot be imported: whether its operator is known can still be said.
    fn behind(&self, node: &NodeProto) -> Result<(), OnnxError> {
        let known = table::find(node).is_some() || is_condition(node);
        known.then_some(()).ok_or_else(|| self.unsupported(node))
    }

    /// Imports the nodes of the file that some values depend on.
    fn nodes_for(&mut self, values: &[&str]) -> Result<(), OnnxError> {
        let graph = self.file_graph;
        for i in needed(graph, &self.makers, values) {
            if std::mem::replace(&mut self.done[i], true) {
                continue;
            }
            let node = &graph.node[i];
            let known = !node.input.iter().any(|name| self.unknown.contains(name));
            let imported = if known { self.node(node) } else { self.behind(node) };
            if !known || imported.is_err() {
                self.unknown.extend(node.output.iter().cloned());
            }
            imported.or_else(|error| self.obstacles.note(error))?;
        }
        Ok(())
    }

    fn node(&mut self, node: &NodeProto) -> Result<(), OnnxError> {
        if is_condition(node) {
            return self.condition(node);
        }
        let entry = table::find(node).ok_or_else(|| self.unsupported(node))?;
        attributes::check(node).map_err(|problem| self.error(node, problem))?;
        let booked = self.booked;
        let mut inputs = Vec::with_capacity(node.input.len());
        for name in &node.input {
            let given = (!name.is_empty()).then(|| self.read(node, name));
            inputs.push(given.transpose()?);
        }
        if let Some(module) = module(node) {
            self.modules.insert(node_name(node).to_owned(), module);
        }
        let Some(name) = node.output.first().filter(|o| !o.is_empty()) else {
            return Err(self.error(node, "it has no output".to_owned()));
        };
        let kinds = self.kinds_of(node, &inputs);
        let kind = kind::of_output(node, &kinds).map_err(|problem| self.error(node, problem))?;
        if kind::mixes(node)
            && let Some(own) = kinds.iter().flatten().find(|kind| **kind != Kind::Float)
        {
            // conditions and indices are no numbers
            let other = match &node.op_type[..] {
                "Where" => Some(0),
                "ScatterND" => Some(1),
                _ => None,
            };
            let values = inputs.iter_mut().enumerate().filter(|(k, _)| Some(*k) != other);
            values.filter_map(|(_, v)| v.as_mut()).for_each(|value| beside_floats(value, own));
        }
        let places = self.places_of(node, &inputs);
        if let (Some(count), Some((place, rank))) =
            (self.fixed_batch, places.iter().flatten().next())
            && let Some(from_last) = rank.checked_sub(1 + place.axis)
            && place.faster == 1
            && batch::spreads(node, from_last)
        {
            for value in inputs.iter_mut().flatten() {
                batch::of_one(value, from_last, count)
                    .map_err(|problem| self.error(node, problem))?;
            }
        }
        if let Some(element) = constant_element(node) {
            self.elements.insert(name.clone(), element);
        }
        let own = places.iter().flatten().next().map(|(place, _)| *place);
        let mut call = Call::new(node, inputs, kinds, own, self);
        let value = entry.import(&mut call);
        let (further, first, told) = (call.further(), call.told_kind(), call.told_place());
        let rest_kind = if first.is_some() { Kind::Float } else { kind.clone() };
        let value = value.map_err(|problem| self.error(node, problem))?;
        self.settle(node, &value, self.booked - booked);
        let rest = further.into_iter().filter_map(|(k, v)| Some((node.output.get(k)?, v)));
        let rest = rest.map(|(name, value)| (name, value, rest_kind.clone()));
        let first = (name, value, first.unwrap_or(kind));
        for (name, value, kind) in [first].into_iter().chain(rest) {
            if kind != Kind::Float && matches!(value, Value::Map(_)) {
                self.kinds.insert(name.clone(), kind.clone());
            }
            if let (Some(_), Value::Map(map)) = (self.fixed_batch, &value) {
                let place = told.or_else(|| batch::of_output(node, &places, map.rank()));
                self.places.extend(place.map(|place| (name.clone(), place)));
            }
            if !name.is_empty() {
                self.file_value(node, name, value)?;
            }
        }
        Ok(())
    }

    /// The kinds of the inputs that are computed from the picture.
    fn kinds_of(&self, node: &NodeProto, inputs: &[Option<Value>]) -> Vec<Option<Kind>> {
        let kind = |(name, value): (&String, &Option<Value>)| match value {
            Some(Value::Map(_)) => Some(self.kinds.get(name).cloned().unwrap_or(Kind::Float)),
            _ => None,
        };
        node.input.iter().zip(inputs).map(kind).collect()
    }

    /// Where pictures lie in the inputs that are computed from one, and how many axes these have.
    fn places_of(
        &self,
        node: &NodeProto,
        inputs: &[Option<Value>],
    ) -> Vec<Option<(BatchAxis, usize)>> {
        let place = |(name, value): (&String, &Option<Value>)| match value {
            Some(Value::Map(map)) => Some((*self.places.get(name)?, map.rank())),
            _ => None,
        };
        node.input.iter().zip(inputs).map(place).collect()
    }

    /// `If` whose condition is known: the nodes of the branch that is taken.
    fn condition(&mut self, node: &NodeProto) -> Result<(), OnnxError> {
        let error = |build: &Self, problem: &str| build.error(node, problem.to_owned());
        let [name] = &node.input[..] else { return Err(error(self, "it has no condition")) };
        let Value::Constant(which) = self.value(node, name)? else {
            return Err(error(
                self,
                "its condition depends on the picture, so the network is another one for each; \
                 export it without",
            ));
        };
        let which = match which.as_ints() {
            Ok(&[which]) => which != 0,
            _ => return Err(error(self, "its condition is no single truth value")),
        };
        let wanted = if which { "then_branch" } else { "else_branch" };
        let branch = inline::branch(node, wanted, &self.model.functions, self.opset);
        let mut branch = branch.map_err(|problem| self.error(node, problem))?;
        if self.depth >= inline::DEPTH {
            return Err(error(self, "it lies too deep inside others"));
        }
        let captures = inline::captures(&branch, 0);
        let captures: Vec<&str> = captures
            .iter()
            .map(String::as_str)
            .filter(|name| !self.values.contains_key(*name))
            .filter(|name| self.makers.contains_key(name))
            .collect();
        if !captures.is_empty() {
            self.nodes_for(&captures)?;
        }
        if captures.iter().any(|name| self.unknown.contains(*name)) {
            self.unknown.extend(node.output.iter().cloned());
            return Ok(());
        }
        for tensor in &branch.initializer {
            let constant = decode::constant(tensor, &mut self.external);
            let constant = constant.and_then(|c| self.charge(c.dims()).map(|()| c));
            let constant = constant.map_err(|problem| self.error(node, problem))?;
            let element = Element::of(i64::from(tensor.data_type));
            self.elements.extend(element.ok().map(|e| (tensor.name.clone(), e)));
            self.file_value(node, &tensor.name, Value::Constant(Rc::new(constant)))?;
        }
        self.depth += 1;
        for inner in std::mem::take(&mut branch.node) {
            self.node(&inner)?;
        }
        self.depth -= 1;
        for (name, from) in node.output.iter().zip(&branch.output) {
            let value = self.value(node, &from.name)?;
            if let Some(place) = self.places.get(&from.name).copied() {
                self.places.insert(name.clone(), place);
            }
            if let Some(kind) = self.kinds.get(&from.name).cloned() {
                self.kinds.insert(name.clone(), kind);
            }
            self.file_value(node, name, value)?;
        }
        let taken = node_name(node);
        self.notes.push(format!("condition `{taken}` is known: its {wanted} is taken"));
        Ok(())
    }

    fn file_value(&mut self, node: &NodeProto, name: &str, value: Value) -> Result<(), OnnxError> {
        let taken = self.initializers.contains_key(name) || !self.made.insert(name.to_owned());
        if taken || self.values.insert(name.to_owned(), value).is_some() {
            return Err(self.error(node, format!("its output `{name}` exists already")));
        }
        Ok(())
    }

    /// The value with a name for one of those who read it; the last takes a constant away.
    fn read(&mut self, node: &NodeProto, name: &str) -> Result<Value, OnnxError> {
        let left = self.readers.get_mut(name).map(|left| {
            *left = left.saturating_sub(1);
            *left
        });
        match (left, self.values.get(name)) {
            (Some(0), Some(Value::Constant(_))) => {
                Ok(self.values.remove(name).expect("it was just looked up"))
            }
            _ => self.value(node, name),
        }
    }

    /// Books what a node has made: the memory of constants that only led to other constants and are
    /// read by nobody any more is free again.
    fn settle(&mut self, node: &NodeProto, value: &Value, booked: usize) {
        for name in &node.input {
            match value {
                Value::Constant(_) if self.values.contains_key(name) => {}
                Value::Constant(_) => self.budget += self.folded.remove(name).unwrap_or(0),
                // its numbers may be in the graph now
                Value::Map(_) => drop(self.folded.remove(name)),
            }
        }
        if let (Value::Constant(constant), [output]) = (value, &node.output[..]) {
            // the rest was for values on the way to it
            let kept = booked.min(constant.len());
            self.budget += booked - kept;
            self.folded.insert(output.clone(), kept);
        }
    }

    /// The value with a name, as `node` reads it.
    fn value(&mut self, node: &NodeProto, name: &str) -> Result<Value, OnnxError> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        let Some((&name, &tensor)) = self.initializers.get_key_value(name) else {
            return Err(self.error(
                node,
                format!("its input `{name}` is neither a weight nor an output of an earlier node"),
            ));
        };
        let constant = self.decoded(name, tensor).map_err(|problem| OnnxError::Tensor {
            file: self.file.to_owned(),
            tensor: name.to_owned(),
            problem,
        })?;
        Ok(Value::Constant(Rc::new(constant)))
    }

    /// The element type of a constant of the file.
    pub(super) fn element(&self, name: &str) -> Option<Element> {
        let tensor = self.initializers.get(name).map(|t| i64::from(t.data_type));
        self.elements.get(name).copied().or_else(|| Element::of(tensor?).ok())
    }

    /// The numbers of an initializer. They are not kept, so that weights are in memory once; who
    /// wants them again pays from the budget.
    fn decoded(&mut self, name: &'a str, tensor: &TensorProto) -> Result<Constant, String> {
        let constant = decode::constant(tensor, &mut self.external)?;
        if self.decoded.insert(name) {
            self.budget = self.budget.saturating_add(constant.len());
            self.work = self.work.saturating_add(constant.len().saturating_mul(FOLDING_STEPS));
        } else {
            self.charge(constant.dims())?;
        }
        Ok(constant)
    }

    /// Books the memory of a folded constant, and the work; an error when folding makes far more of a
    /// file than is in it.
    pub(super) fn charge(&mut self, dims: &[usize]) -> Result<(), String> {
        let large = || format!("a constant of {} values is too large to compute", joined(dims));
        let values = volume(dims).ok_or_else(large)?;
        self.budget = self.budget.checked_sub(values).ok_or_else(large)?;
        let left = self.work.checked_sub(values);
        self.work = left.ok_or_else(|| {
            format!(
                "a constant of {} values comes behind so many others that it is not computed; save the \
                 model with its constants folded",
                joined(dims)
            )
        })?;
        self.booked += values;
        Ok(())
    }

    /// Books the work of multiply-adds, which cost less than values do.
    pub(super) fn charge_macs(&mut self, macs: u64) -> Result<(), String> {
        let left =
            self.work.checked_sub(usize::try_from(macs / MACS_PER_VALUE).unwrap_or(usize::MAX));
        self.work = left.ok_or_else(|| {
            format!(
                "computing it takes {macs} multiply-adds, which is too much for a constant; save the model \
                 with its constants folded"
            )
        })?;
        Ok(())
    }

    fn error(&self, node: &NodeProto, problem: String) -> OnnxError {
        OnnxError::Node {
            file: self.file.to_owned(),
            node: node_name(node).to_owned(),
            op: node.op_type.clone(),
            problem,
        }
    }

    fn unsupported(&self, node: &NodeProto) -> OnnxError {
        let op = &node.op_type;
        let op =
            if table::is_own(&node.domain) { op.clone() } else { format!("{}.{op}", node.domain) };
        OnnxError::Unsupported {
            file: self.file.to_owned(),
            node: node_name(node).to_owned(),
            op,
            why: table::why_not(node),
        }
    }

    /// `name`, or `name#2`, `name#3`, ... where nodes of the graph have it already.
    pub(super) fn free_name(&mut self, name: &str) -> String {
        let wanted = self.names.entry(name.to_owned()).or_insert(0);
        *wanted += 1;
        match *wanted {
            1 => name.to_owned(),
            k => {
                let numbered = format!("{name}#{k}");
                self.free_name(&numbered)
            }
        }
    }

    /// Checks the class scores and makes them the graph's output.
    fn finish(mut self) -> Result<(Imported, External), OnnxError> {
        let name = self.output;
        let error = |problem| OnnxError::Interface { file: self.file.to_owned(), problem };
        let map = match self.values.get(name) {
            Some(Value::Map(map)) => map.clone(),
            Some(Value::Constant(_)) => {
                let problem = format!("output `{name}` does not depend on the picture");
                return Err(error(problem));
            }
            None => return Err(error(format!("no node computes output `{name}`"))),
        };
        if self.free {
            return self.finish_free(&map);
        }
        // (N, classes, 1, 1), (N, 1, 1, classes) and (classes) have the same values
        if map.order.len() > 1 {
            let dims = joined(&map.dims);
            return Err(error(format!("output `{name}` is {dims}, expected (N, classes)")));
        }
        let shape = self.graph.node(map.node).shape;
        let scores = Shape::vector(shape.len());
        let node = if shape == scores {
            map.node
        } else {
            let op = Transpose::view(shape, scores).map_err(error)?;
            let name = self.free_name(name);
            let pushed = self.graph.push(&name, Box::new(op), &[map.node]);
            pushed.map_err(|e| OnnxError::Interface {
                file: self.file.to_owned(),
                problem: e.problem,
            })?
        };
        self.graph.set_output(node);
        let output = self.others.then(|| name.to_owned());
        let Build { graph, notes, remarks, modules, external, chosen, .. } = self;
        Ok((Imported { graph, notes, remarks, modules, output, chosen, embedding: None }, external))
    }

    /// Ends a network whose output may be anything: four dimensions are a picture, (N, C, H, W), or (N, H, W, C)
    /// where the last dimension alone can be channels; three are (N, H, W).
    fn finish_free(mut self, map: &Map) -> Result<(Imported, External), OnnxError> {
        let (shape, order) = match map.dims[..] {
            [_, h, w, c @ (1 | 3)] if !matches!(map.dims[1], 1 | 3) => {
                (Shape::new(c, h, w), vec![1, 2, 3])
            }
            [_, c, h, w] => (Shape::new(c, h, w), vec![2, 3, 1]),
            [_, h, w] => (Shape::new(1, h, w), vec![1, 2]),
            _ => (Shape::vector(map.dims.iter().product()), (0..map.rank()).collect()),
        };
        let node = self
            .ordered(map, &order, shape)
            .map_err(|problem| OnnxError::Interface { file: self.file.to_owned(), problem })?;
        self.graph.set_output(node);
        let output = self.others.then(|| self.output.to_owned());
        let Build { graph, notes, remarks, modules, external, chosen, .. } = self;
        Ok((Imported { graph, notes, remarks, modules, output, chosen, embedding: None }, external))
    }

    /// The output's values with its axes in some order, under a shape.
    fn ordered(&mut self, map: &Map, order: &[usize], shape: Shape) -> Result<NodeId, String> {
        let from = self.graph.node(map.node).shape;
        let long = Map::new(map.node, map.dims.clone(), order).order;
        if long == map.order && from == shape {
            return Ok(map.node);
        }
        let place = |a: &usize| map.order.iter().position(|b| a == b);
        let places = long.iter().map(place).collect::<Option<Vec<usize>>>();
        let places = places.ok_or("its axes cannot be brought into order")?;
        let op = Transpose::new(from, map.sizes(&map.order), places, shape)?;
        let name = self.free_name(self.output);
        self.graph.push(&name, Box::new(op), &[map.node]).map_err(|e| e.problem)
    }
}
