//! The input of a model: its name, its size, and the order of its axes.

use super::{
    Given,
    call::{MAX_VALUES, node_name},
    decode::Element,
    kind::Kind,
    proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto},
    value::volume,
};
use crate::{
    base::geom::{Axis, Shape},
    preprocess::InputAxes,
};
use std::collections::{HashMap, HashSet};

/// What an input must be.
const DIMENSIONS: &str = "(N, C, H, W) or (N, H, W, C)";

/// What to do about an input that may be a text.
const OF_TEXTS: &str =
    "; of a network of texts a table `text` in the sidecar says so (docs/texts.md)";

/// Operators on the picture whose output has the axes of their input: normalisation that a network
/// brings along.
const POINTWISE: [&str; 11] = [
    "Add",
    "Cast",
    "Clip",
    "DequantizeLinear",
    "Div",
    "Identity",
    "Mul",
    "Pad",
    "QuantizeLinear",
    "Resize",
    "Sub",
];

/// What the file says about the picture.
pub(super) struct PictureInput<'a> {
    pub(super) name: &'a str,
    pub(super) shape: Shape,
    /// The dimensions, the batch as 1.
    pub(super) dims: Vec<usize>,
    /// The axes of the dimensions as they lie in memory.
    pub(super) order: Vec<usize>,
    /// The size of a batch, where the file fixes it.
    pub(super) batch: Option<usize>,
    /// What numbers it holds.
    pub(super) kind: Kind,
    /// How the order of axes is known, where it is not the common one; what else is not as usual.
    pub(super) notes: Vec<String>,
}

/// The names of some values, for messages.
pub(super) fn names(values: &[&ValueInfoProto]) -> String {
    values.iter().map(|v| format!("`{}`", v.name)).collect::<Vec<_>>().join(", ")
}

/// Finds the input of a model, and in which order its axes are.
pub(super) fn picture<'a>(
    graph: &'a GraphProto,
    initializers: &HashMap<&str, &TensorProto>,
    given: &Given,
) -> Result<PictureInput<'a>, String> {
    // files older than IR 4 list the weights among the inputs
    let is_fed = |v: &&ValueInfoProto| !initializers.contains_key(&v.name[..]);
    let fed: Vec<&ValueInfoProto> = graph.input.iter().filter(is_fed).collect();
    let [input] = fed[..] else {
        return Err(match fed.len() {
            0 => format!("it has no input, expected one of dimensions {DIMENSIONS}"),
            n => format!("it has {n} inputs ({}), expected a single one", names(&fed)),
        });
    };
    let name = &input.name[..];
    let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let tensor = tensor.ok_or_else(|| format!("input `{name}` is no tensor"))?;
    let element = Element::of(i64::from(tensor.elem_type));
    let Some(element) = element.ok().filter(|e| e.is_float() || *e == Element::U8) else {
        return Err(format!(
            "input `{name}` has element type {}, expected floats (normalised pixels) or unsigned bytes{}",
            tensor.elem_type,
            if matches!(Element::of(i64::from(tensor.elem_type)), Ok(Element::I32 | Element::I64)) {
                OF_TEXTS
            } else {
                ""
            }
        ));
    };
    let dims = tensor.shape.as_ref().ok_or_else(|| {
        format!("the dimensions of input `{name}` are not in the file; export them")
    })?;
    // sizes left open are 0 or -1 in old files
    let known = |d: Option<i64>| d.and_then(|d| usize::try_from(d).ok()).filter(|d| *d > 0);
    let dims: Vec<Option<usize>> = dims.dim.iter().map(|d| known(d.dim_value)).collect();
    let printed = || {
        let each = dims.iter().map(|d| d.map_or("?".to_owned(), |d| d.to_string()));
        format!("({})", each.collect::<Vec<_>>().join(", "))
    };
    if let Some(words) = given.words {
        return vectors(name, &dims, words, Kind::of(element))
            .map_err(|expected| format!("input `{name}` is {}, expected {expected}", printed()));
    }
    let [batch, one, two, three] = dims[..] else {
        if let (true, [batch, sides @ ..]) = (given.free, &dims[..])
            && matches!(sides.len(), 1 | 2)
        {
            return array(name, *batch, sides, Kind::of(element)).ok_or_else(|| {
                format!("input `{name}` is {}, expected known sizes behind the batch", printed())
            });
        }
        let of_texts = if dims.len() == 3 { OF_TEXTS } else { "" };
        return Err(format!("input `{name}` is {}, expected {DIMENSIONS}{of_texts}", printed()));
    };
    let (order, why) = order(graph, name, [one, two, three], given.axes)
        .ok_or_else(|| ambiguous(name, &printed()))?;
    let [height, width] = given.size.map_or([None; 2], |s| s.map(Some));
    let (c, h, w) = match order {
        InputAxes::Nchw => (one, two, three),
        InputAxes::Nhwc => (three, one, two),
    };
    let (Some(c), Some(h), Some(w)) = (c, h.or(height), w.or(width)) else {
        return Err(format!(
            "input `{name}` is {}, its size is left open; write `input = [height, width]` into the \
             sidecar, or export the model with fixed channels, height and width",
            printed()
        ));
    };
    if volume(&[c, h, w]).is_none_or(|n| n == 0 || n > MAX_VALUES) {
        return Err(format!("input `{name}` of {c}x{h}x{w} values is too large"));
    }
    let last = (order == InputAxes::Nhwc)
        .then(|| format!("input `{name}` is channels-last, (N, H, W, C): {why}"));
    let notes = last.into_iter().chain(precision(name, element)).collect();
    let (kind, shape) = (Kind::of(element), Shape::new(c, h, w));
    let axes = axes(order);
    let sides = axes.iter().map(|axis| shape.along(*axis));
    let dims = [1].into_iter().chain(sides).collect();
    let place = |axis| 1 + axes.iter().position(|a| *a == axis).unwrap_or_default();
    let order = [Axis::Row, Axis::Column, Axis::Channel].map(place).to_vec();
    Ok(PictureInput { name, shape, dims, order, batch, kind, notes })
}

/// What is computed otherwise than the element type says.
fn precision(name: &str, element: Element) -> Option<String> {
    match element {
        Element::F32 => None,
        Element::U8 => Some(format!(
            "input `{name}` takes bytes (`scale = 1`), computed in floats here: values between whole numbers stay"
        )),
        _ => Some(format!("input `{name}` and all that follows in single precision")),
    }
}

/// The input of a network that takes texts of so many words: a vector for each, (N, T, D). The error is what was
/// expected.
fn vectors<'a>(
    name: &'a str,
    dims: &[Option<usize>],
    words: usize,
    kind: Kind,
) -> Result<PictureInput<'a>, String> {
    let [batch, length, Some(values)] = *dims else {
        return Err("a vector of known size for each word, (N, words, values)".to_owned());
    };
    if let Some(length) = length.filter(|length| *length != words) {
        return Err(format!(
            "the {words} words that `length` of the sidecar's table `text` says (write {length} there)"
        ));
    }
    array(name, batch, &[Some(words), Some(values)], kind).ok_or_else(|| "fewer values".to_owned())
}

/// An input that is no picture: a vector (N, D) or rows of vectors (N, T, D).
fn array<'a>(
    name: &'a str,
    batch: Option<usize>,
    sides: &[Option<usize>],
    kind: Kind,
) -> Option<PictureInput<'a>> {
    let sides = sides.iter().copied().collect::<Option<Vec<usize>>>()?;
    volume(&sides).filter(|n| (1..=MAX_VALUES).contains(n))?;
    let shape = match sides[..] {
        [d] => Shape::vector(d),
        [t, d] => Shape::new(d, t, 1),
        _ => return None,
    };
    let order = (1..=sides.len()).collect();
    let dims = [1].into_iter().chain(sides).collect();
    Some(PictureInput { name, shape, dims, order, batch, kind, notes: vec![] })
}

fn axes(order: InputAxes) -> [Axis; 3] {
    match order {
        InputAxes::Nchw => Axis::ALL,
        InputAxes::Nhwc => [Axis::Row, Axis::Column, Axis::Channel],
    }
}

fn ambiguous(name: &str, printed: &str) -> String {
    format!(
        "input `{name}` is {printed}, which may be (N, C, H, W) or (N, H, W, C); write `axes = \
         \"nchw\"` or `axes = \"nhwc\"` into the sidecar"
    )
}

/// The order of the input's axes and how it is known; `None` where nothing tells. A convolution or
/// transposition that reads the input proves it; otherwise the dimension counts that can be channels
/// of a picture, 1 or 3.
fn order(
    graph: &GraphProto,
    name: &str,
    dims: [Option<usize>; 3],
    given: Option<InputAxes>,
) -> Option<(InputAxes, String)> {
    if let Some(given) = given {
        return Some((given, "`axes` says so".to_owned()));
    }
    if let Some((order, node)) = proof(graph, name) {
        return Some((order, format!("{} `{}` reads it so", node.op_type, node_name(node))));
    }
    let is_channels = |d: Option<usize>| matches!(d, Some(1 | 3));
    match (is_channels(dims[0]), is_channels(dims[2])) {
        (true, true) => None,
        (false, true) => {
            Some((InputAxes::Nhwc, "its last dimension alone can be channels".to_owned()))
        }
        (_, false) => Some((InputAxes::Nchw, String::new())),
    }
}

/// The first node that treats axes by their meaning, behind operators that do not.
fn proof<'a>(graph: &'a GraphProto, name: &'a str) -> Option<(InputAxes, &'a NodeProto)> {
    let mut same = HashSet::from([name]);
    for node in &graph.node {
        if !node.input.iter().any(|i| same.contains(&i[..])) {
            continue;
        }
        match &node.op_type[..] {
            "Conv"
            | "MaxPool"
            | "AveragePool"
            | "BatchNormalization"
            | "LRN"
            | "FusedConv"
            | "InstanceNormalization"
            | "QLinearConv"
            | "ConvInteger" => {
                return Some((InputAxes::Nchw, node));
            }
            "Transpose" => {
                let order = node.attribute.iter().find(|a| a.name == "perm");
                match order.map(|a| &a.ints[..]) {
                    Some([0, 3, 1, 2]) => return Some((InputAxes::Nhwc, node)),
                    Some([0, 2, 3, 1]) => return Some((InputAxes::Nchw, node)),
                    _ => {}
                }
            }
            op if POINTWISE.contains(&op) => same.extend(node.output.iter().map(|o| &o[..])),
            _ => {}
        }
    }
    None
}
