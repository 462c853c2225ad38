//! Writing models.

use crate::onnx::proto::{
    AttributeProto, DimProto, GraphProto, ModelProto, NodeProto, OperatorSetProto, ShapeProto,
    TensorProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use prost::bytes::Bytes;

/// A node with its inputs and outputs, words apart; `_` is an input left out. Its name is that of
/// its first output with `_node` appended.
pub(super) fn node(op: &str, inputs: &str, outputs: &str) -> NodeProto {
    let words = |text: &str| {
        let word = |w: &str| if w == "_" { String::new() } else { w.to_owned() };
        text.split_whitespace().map(word).collect::<Vec<_>>()
    };
    let output = words(outputs);
    NodeProto {
        name: format!("{}_node", output[0]),
        op_type: op.to_owned(),
        input: words(inputs),
        output,
        ..NodeProto::default()
    }
}

impl NodeProto {
    fn with(mut self, attribute: AttributeProto) -> NodeProto {
        self.attribute.push(attribute);
        self
    }

    pub(super) fn int(self, name: &str, value: i64) -> NodeProto {
        let name = name.to_owned();
        self.with(AttributeProto { name, i: Some(value), kind: 2, ..AttributeProto::default() })
    }

    pub(super) fn ints(self, name: &str, values: &[i64]) -> NodeProto {
        let (name, ints) = (name.to_owned(), values.to_vec());
        self.with(AttributeProto { name, ints, kind: 7, ..AttributeProto::default() })
    }

    pub(super) fn float(self, name: &str, value: f32) -> NodeProto {
        let name = name.to_owned();
        self.with(AttributeProto { name, f: Some(value), kind: 1, ..AttributeProto::default() })
    }

    pub(super) fn text(self, name: &str, value: &str) -> NodeProto {
        let (name, s) = (name.to_owned(), Some(Bytes::copy_from_slice(value.as_bytes())));
        self.with(AttributeProto { name, s, kind: 3, ..AttributeProto::default() })
    }

    pub(super) fn tensor(self, name: &str, value: TensorProto) -> NodeProto {
        let name = name.to_owned();
        self.with(AttributeProto { name, t: Some(value), kind: 4, ..AttributeProto::default() })
    }
}

/// A weight in single precision.
pub(super) fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: 1,
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

/// A weight of ones.
pub(super) fn ones(name: &str, dims: &[i64]) -> TensorProto {
    floats(name, dims, &vec![1.0; dims.iter().product::<i64>() as usize])
}

/// A vector of 64-bit integers.
pub(super) fn ints(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: vec![values.len() as i64],
        data_type: 7,
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

/// A float tensor as input or output; sizes of 0 are left open.
pub(super) fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |d: &i64| match d {
        0 => DimProto { dim_param: Some("N".to_owned()), dim_value: None },
        d => DimProto { dim_value: Some(*d), dim_param: None },
    };
    let shape = ShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = TensorTypeProto { elem_type: 1, shape: Some(shape) };
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

/// A model from input `x` of dimensions `(N, 2, 3, 4)` to output `y`.
pub(super) fn model(nodes: Vec<NodeProto>, weights: Vec<TensorProto>) -> ModelProto {
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetProto { domain: String::new(), version: 13 }],
        graph: Some(GraphProto {
            node: nodes,
            initializer: weights,
            input: vec![value("x", &[0, 2, 3, 4])],
            output: vec![value("y", &[0, 0])],
            sparse_initializer: vec![],
        }),
        functions: vec![],
    }
}

impl ModelProto {
    pub(super) fn opset(mut self, version: i64) -> ModelProto {
        self.opset_import[0].version = version;
        self
    }

    pub(super) fn graph_mut(&mut self) -> &mut GraphProto {
        self.graph.as_mut().unwrap()
    }
}

/// A convolution, a rectifier, and a dense layer with two classes.
pub(super) fn small_network() -> ModelProto {
    let weight: Vec<f32> = (0..24).map(|i| (i as f32 - 11.0) / 8.0).collect();
    model(
        vec![
            node("Conv", "x w b", "c").ints("strides", &[1, 2]).ints("pads", &[0, 1, 0, 0]),
            node("Relu", "c", "r"),
            node("Flatten", "r", "f"),
            node("Gemm", "f v u", "y").int("transB", 1).float("beta", 0.5),
        ],
        vec![
            floats("w", &[3, 2, 2, 2], &weight),
            floats("b", &[3], &[0.5, -1.0, 0.25]),
            ones("v", &[2, 12]),
            floats("u", &[2], &[1.0, -1.0]),
        ],
    )
}
