//! Functions that a file defines, in place of the nodes that call them; and the branches of
//! conditions.

use super::{
    call::node_name,
    proto::{AttributeProto, FunctionProto, GraphProto, NodeProto},
    table, wire,
};
use prost::Message;
use std::collections::{HashMap, HashSet};

/// Functions inside functions, and branches inside branches: far more than exporters nest.
pub(super) const DEPTH: usize = 16;

/// Bytes of all nodes that take the place of calls: the largest networks have a few million.
const MAX_BYTES: usize = 1 << 26;

/// Nodes that take the place of calls.
const MAX_NODES: usize = 100_000;

/// What is said of branches inside branches inside branches.
const TOO_DEEP: &str = "its branches lie too deep inside each other";

/// Nodes with calls of functions replaced by the nodes of these.
struct Expansion<'f> {
    functions: HashMap<[&'f str; 3], &'f FunctionProto>,
    nodes: Vec<NodeProto>,
    bytes: usize,
    calls: usize,
}

/// The nodes of a graph, functions put in place; `opset` is that of the model.
pub(super) fn expanded(
    nodes: Vec<NodeProto>,
    functions: &[FunctionProto],
    opset: i64,
) -> Result<Vec<NodeProto>, String> {
    if functions.is_empty() {
        return Ok(nodes);
    }
    let mut by_name = HashMap::new();
    for f in functions.iter().rev() {
        by_name.insert([&f.domain[..], &f.name, &f.overload], f);
    }
    let mut expansion = Expansion { functions: by_name, nodes: vec![], bytes: 0, calls: 0 };
    for node in nodes {
        let root = node_name(&node).to_owned();
        expansion.add(node, &root, opset, 0)?;
    }
    Ok(expansion.nodes)
}

impl Expansion<'_> {
    /// Adds a node, which is part of a call of a node `root` of the file.
    fn add(&mut self, node: NodeProto, root: &str, opset: i64, depth: usize) -> Result<(), String> {
        let found = self.functions.get(&[&node.domain[..], &node.op_type, &node.overload]).copied();
        let Some(function) = found.filter(|_| !table::is_own(&node.domain)) else {
            self.nodes.push(node);
            return Ok(());
        };
        let (name, call) = (&function.name, root);
        if depth >= DEPTH {
            return Err(format!(
                "node `{call}`: function `{name}` calls itself, or too many others"
            ));
        }
        let own =
            function.opset_import.iter().find(|o| table::is_own(&o.domain)).map(|o| o.version);
        if let Some(own) = own.filter(|own| *own != opset) {
            return Err(format!(
                "node `{call}`: function `{name}` is written for opset {own}, the model for {opset}; \
                 export both for one"
            ));
        }
        self.calls += 1;
        let names = function.input.iter().chain(&function.output);
        self.bytes += names.map(|name| name.len() + size_of::<String>()).sum::<usize>();
        self.room(root)?;
        let body = Body::new(function, &node, format!("{root}/{}/", self.calls));
        for inner in &function.node {
            let inner = body.node(inner, 0)?;
            self.bytes += inner.encoded_len();
            self.room(root)?;
            self.add(inner, root, opset, depth + 1)?;
        }
        Ok(())
    }
}

impl Expansion<'_> {
    /// An error once calls have become far more than a network has.
    fn room(&self, call: &str) -> Result<(), String> {
        if self.bytes > MAX_BYTES || self.nodes.len() > MAX_NODES {
            return Err(format!("node `{call}`: its functions are too large together"));
        }
        Ok(())
    }
}

/// One call of a function.
struct Body<'f> {
    function: &'f FunctionProto,
    call: &'f NodeProto,
    /// What values of the function are called outside.
    outside: HashMap<&'f str, &'f str>,
    /// Stands before the names of all others.
    prefix: String,
}

impl<'f> Body<'f> {
    fn new(function: &'f FunctionProto, call: &'f NodeProto, prefix: String) -> Body<'f> {
        let given = |own: &'f [String], outer: &'f [String]| {
            let absent = own.iter().skip(outer.len()).map(|name| (&name[..], ""));
            let pairs = own.iter().zip(outer).map(|(own, outer)| (&own[..], &outer[..]));
            pairs.chain(absent).collect::<Vec<_>>()
        };
        let inputs = given(&function.input, &call.input);
        // an output that nobody reads keeps a name of its own
        let mut outputs = given(&function.output, &call.output);
        outputs.retain(|(_, outer)| !outer.is_empty());
        let outside = inputs.into_iter().chain(outputs).collect();
        Body { function, call, outside, prefix }
    }

    fn renamed(&self, name: &str) -> String {
        match self.outside.get(name) {
            _ if name.is_empty() => String::new(),
            Some(outer) => (*outer).to_owned(),
            None => format!("{}{name}", self.prefix),
        }
    }

    fn node(&self, node: &NodeProto, depth: usize) -> Result<NodeProto, String> {
        let attribute = |a| self.attribute(a, depth).transpose();
        let attributes = node.attribute.iter().filter_map(attribute);
        Ok(NodeProto {
            input: node.input.iter().map(|name| self.renamed(name)).collect(),
            output: node.output.iter().map(|name| self.renamed(name)).collect(),
            name: format!("{}{}", self.prefix, node_name(node)),
            attribute: attributes.collect::<Result<_, String>>()?,
            op_type: node.op_type.clone(),
            domain: node.domain.clone(),
            overload: node.overload.clone(),
            metadata_props: node.metadata_props.clone(),
        })
    }

    /// An attribute; one of the call, or its default, where it refers to these.
    fn attribute(
        &self,
        attribute: &AttributeProto,
        depth: usize,
    ) -> Result<Option<AttributeProto>, String> {
        if attribute.ref_attr_name.is_empty() {
            let mut own = attribute.clone();
            if let Some(bytes) = &attribute.g {
                let mut graph = decode(bytes)?;
                self.rename(&mut graph, depth + 1)?;
                own.g = Some(graph.encode_to_vec().into());
            }
            return Ok(Some(own));
        }
        let wanted = &attribute.ref_attr_name;
        let all = self.call.attribute.iter().chain(&self.function.attribute_proto);
        let found = all.into_iter().find(|a| a.name == *wanted);
        Ok(found.map(|a| AttributeProto { name: attribute.name.clone(), ..a.clone() }))
    }

    /// Renames all values of a branch.
    fn rename(&self, graph: &mut GraphProto, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err(TOO_DEEP.to_owned());
        }
        graph.node =
            graph.node.iter().map(|node| self.node(node, depth)).collect::<Result<_, _>>()?;
        graph.initializer.iter_mut().for_each(|t| t.name = self.renamed(&t.name));
        graph.output.iter_mut().for_each(|o| o.name = self.renamed(&o.name));
        Ok(())
    }
}

/// A branch of a condition, functions put in place.
pub(super) fn branch(
    node: &NodeProto,
    name: &str,
    functions: &[FunctionProto],
    opset: i64,
) -> Result<GraphProto, String> {
    let attribute = node.attribute.iter().find(|a| a.name == name);
    let bytes = attribute.and_then(|a| a.g.as_ref());
    let mut graph = decode(bytes.ok_or_else(|| format!("its `{name}` is missing"))?)?;
    graph.node = expanded(std::mem::take(&mut graph.node), functions, opset)?;
    Ok(graph)
}

fn decode(bytes: &[u8]) -> Result<GraphProto, String> {
    let damaged = "a branch of it is damaged";
    wire::check_graph(bytes).map_err(|_| damaged)?;
    GraphProto::decode(bytes).map_err(|_| damaged.to_owned())
}

/// The values that a branch reads and does not compute, and those that branches inside it may read.
pub(super) fn captures(graph: &GraphProto, depth: usize) -> Vec<String> {
    let own: HashSet<&String> = graph.node.iter().flat_map(|n| &n.output).collect();
    let inputs = graph.node.iter().flat_map(|n| &n.input);
    let outputs = graph.output.iter().map(|o| &o.name);
    let mut all: Vec<String> =
        inputs.chain(outputs).filter(|name| !own.contains(name)).cloned().collect();
    let inner = graph.node.iter().flat_map(|n| &n.attribute).filter_map(|a| a.g.as_ref());
    for bytes in inner.filter(|_| depth < DEPTH) {
        let nested = decode(bytes).map(|graph| captures(&graph, depth + 1)).unwrap_or_default();
        all.extend(nested.into_iter().filter(|name| !own.contains(name)));
    }
    all.sort_unstable();
    all.dedup();
    all
}
