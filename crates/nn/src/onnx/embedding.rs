//! The embedding of a network that reads ids of words: the look-up of a vector for each id at its very beginning.
//!
//! It is taken off before import, so that the network begins at the vectors, whose relevance is asked for, and its table
//! is handed out. What else reads the ids (a mask of the padding, for one) would be lost, so that is refused.

use super::{
    decode::{self, Element},
    external::External,
    proto::{AttributeProto, DimProto, GraphProto, ModelProto, ValueInfoProto},
};

/// Vectors of words.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// Number of words.
    pub words: usize,
    /// Values of one vector.
    pub values: usize,
    /// Vector after vector, by id.
    pub table: Vec<f32>,
}

impl Embedding {
    /// The vector of a word, which must be there.
    pub fn vector(&self, id: usize) -> &[f32] {
        &self.table[id * self.values..(id + 1) * self.values]
    }
}

/// The names by which nodes read the ids: the input's, and behind casts and copies.
fn names_of_ids(graph: &GraphProto, input: &str) -> Vec<String> {
    let mut names = vec![input.to_owned()];
    for node in &graph.node {
        let passes = matches!(&node.op_type[..], "Cast" | "Identity");
        if passes && node.input.first().is_some_and(|name| names.contains(name)) {
            names.extend(node.output.first().cloned());
        }
    }
    names
}

fn axis(attributes: &[AttributeProto]) -> i64 {
    attributes.iter().find(|a| a.name == "axis").and_then(|a| a.i).unwrap_or(0)
}

/// Position of the one input that is fed.
fn fed(graph: &GraphProto) -> Option<usize> {
    let is_weight = |v: &ValueInfoProto| graph.initializer.iter().any(|t| t.name == v.name);
    let mut all = graph.input.iter().enumerate().filter(|(_, v)| !is_weight(v));
    let (first, _) = all.next()?;
    all.next().is_none().then_some(first)
}

/// Whether an input holds whole numbers.
fn holds_ids(input: &ValueInfoProto) -> bool {
    let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let element = tensor.and_then(|t| Element::of(i64::from(t.elem_type)).ok());
    matches!(element, Some(Element::I32 | Element::I64 | Element::U32 | Element::U64))
}

/// Takes the embedding off a network of ids; `None` of a network that takes vectors. The error ends a sentence on
/// the file.
pub(super) fn take(
    model: &mut ModelProto,
    external: &mut External,
) -> Result<Option<Embedding>, String> {
    let Some(graph) = &mut model.graph else { return Ok(None) };
    let Some(at) = fed(graph).filter(|at| holds_ids(&graph.input[*at])) else { return Ok(None) };
    let input = graph.input[at].name.clone();
    let ids = names_of_ids(graph, &input);
    let reads = |node: &&super::proto::NodeProto| {
        !matches!(&node.op_type[..], "Cast" | "Identity")
            && node.input.iter().any(|name| ids.contains(name))
    };
    let readers: Vec<_> = graph.node.iter().filter(reads).collect();
    let expected = format!(
        "input `{input}` holds ids of words: expected a single Gather from a table of vectors to read it"
    );
    let [gather] = readers[..] else {
        let found: Vec<&str> = readers.iter().map(|node| &node.op_type[..]).collect();
        return Err(format!("{expected}, found {}", found.join(", ")));
    };
    let table = graph.initializer.iter().find(|t| gather.input.first() == Some(&t.name));
    let (Some(table), "Gather", 0) = (table, &gather.op_type[..], axis(&gather.attribute)) else {
        return Err(format!("{expected}, found {}", gather.op_type));
    };
    let [words, values] = table.dims[..] else {
        return Err(format!("{expected}, found a table of {} dimensions", table.dims.len()));
    };
    let constant = decode::constant(table, external)?;
    let numbers = constant.as_floats().map_err(|_| format!("{expected}, found whole numbers"))?;
    if let Some(at) = numbers.iter().position(|v| !v.is_finite()) {
        let found = format!("{} at value {at}", numbers[at]);
        return Err(format!("{expected}, of finite numbers, found {found}"));
    }
    let embedding =
        Embedding { words: words as usize, values: values as usize, table: numbers.to_vec() };
    let vectors = gather.output.first().cloned().unwrap_or_default();
    let spent: Vec<String> = ids.into_iter().chain([vectors.clone()]).collect();
    graph.node.retain(|node| !node.output.iter().any(|name| spent.contains(name)));
    let fed = &mut graph.input[at];
    fed.name = vectors;
    if let Some(tensor) = fed.r#type.as_mut().and_then(|t| t.tensor_type.as_mut()) {
        tensor.elem_type = Element::F32 as i32;
        if let Some(shape) = &mut tensor.shape {
            shape.dim.push(DimProto { dim_value: Some(values), dim_param: None });
        }
    }
    Ok(Some(embedding))
}
