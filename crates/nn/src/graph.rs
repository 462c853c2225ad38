//! The network as a directed acyclic graph of operators.

use super::{
    head::Head,
    kernel::parallel::{give_vector, layers},
    op::{Cpu, Input},
    tensor::Tensor,
};
use crate::base::geom::Shape;
use std::{collections::BTreeMap, sync::Arc};

/// Index of a node in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// One operator with its place in the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name in the model file, unique in the graph.
    pub name: String,
    /// What it computes.
    pub op: Arc<dyn Cpu>,
    /// Where its inputs come from.
    pub inputs: Vec<NodeId>,
    /// Shape of its output.
    pub shape: Shape,
}

/// A node that does not fit where it is put.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node `{node}` ({op}): {problem}")]
pub struct GraphError {
    /// Name of the node.
    pub node: String,
    /// Its operator.
    pub op: &'static str,
    /// What is wrong.
    pub problem: String,
}

/// A network: nodes in topological order. Immutable once built and shared by all threads.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    output: NodeId,
    head: Head,
}

/// The values of all nodes for one input. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Activations {
    values: Vec<Arc<Tensor>>,
}

impl Activations {
    /// One map per node, in their order.
    pub(super) fn new(values: Vec<Tensor>) -> Activations {
        Activations { values: values.into_iter().map(Arc::new).collect() }
    }

    /// The values with those of one node replaced.
    pub(super) fn replace(&mut self, id: NodeId, value: Tensor) {
        self.values[id.0] = Arc::new(value);
    }

    /// Lets the values of the nodes go for which `wanted` is false: they are empty from then on.
    pub(super) fn keep(&mut self, wanted: impl Fn(NodeId) -> bool) {
        let empty = Arc::new(Tensor::zeros(Shape::new(0, 0, 0)));
        let unwanted = self.values.iter_mut().enumerate().filter(|(i, _)| !wanted(NodeId(*i)));
        unwanted.for_each(|(_, value)| *value = empty.clone());
    }

    /// Output of a node.
    pub fn value(&self, id: NodeId) -> &Tensor {
        &self.values[id.0]
    }
}

impl Graph {
    /// A graph that returns its input.
    pub fn new(input: Shape) -> Graph {
        let node = Node {
            name: "input".to_owned(),
            op: Arc::new(Input(input)),
            inputs: vec![],
            shape: input,
        };
        Graph { nodes: vec![node], output: NodeId(0), head: Head::default() }
    }

    /// Appends a node, which becomes the output. Its inputs must be there already, so the order is
    /// topological by construction.
    pub fn push(
        &mut self,
        name: &str,
        op: Box<dyn Cpu>,
        inputs: &[NodeId],
    ) -> Result<NodeId, GraphError> {
        self.push_shared(name, op.into(), inputs)
    }

    /// [`Graph::push`] of an operator that other graphs use too.
    pub fn push_shared(
        &mut self,
        name: &str,
        op: Arc<dyn Cpu>,
        inputs: &[NodeId],
    ) -> Result<NodeId, GraphError> {
        let shapes = self.shapes(inputs);
        let error = |problem| GraphError { node: name.to_owned(), op: op.name(), problem };
        let shape = op.out_shape(&shapes).map_err(error)?;
        if shape.is_empty() {
            return Err(error(format!("its output is empty ({shape})")));
        }
        self.nodes.push(Node { name: name.to_owned(), op, inputs: inputs.to_vec(), shape });
        self.output = NodeId(self.nodes.len() - 1);
        Ok(self.output)
    }

    /// Makes an earlier node the output.
    pub fn set_output(&mut self, id: NodeId) {
        assert!(id.0 < self.nodes.len(), "the output is a node of the graph");
        self.output = id;
    }

    /// Takes the nodes from `len` on away.
    pub(super) fn truncate(&mut self, len: usize) {
        self.nodes.truncate(len.max(1));
        self.output = NodeId(self.nodes.len() - 1);
    }

    /// The value of a node that depends on constants from node `first` on alone.
    pub(super) fn value_without_picture(&self, id: NodeId, first: usize) -> Tensor {
        let mut values: Vec<Tensor> = Vec::with_capacity(id.0 + 1 - first);
        for node in &self.nodes[first..=id.0] {
            let ins: Vec<&Tensor> = node.inputs.iter().map(|k| &values[k.0 - first]).collect();
            let value = node.op.forward(&ins);
            values.push(value);
        }
        values.swap_remove(id.0 - first)
    }

    /// Multiply-adds of that.
    pub(super) fn macs_without_picture(&self, id: NodeId, first: usize) -> u64 {
        let of = |n: &Node| n.op.macs(&self.shapes(&n.inputs), n.shape.rect());
        self.nodes[first..=id.0].iter().map(of).fold(0, u64::saturating_add)
    }

    /// What the outputs mean; [`Head::Softmax`] unless it was said.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Says what the outputs mean.
    pub fn set_head(&mut self, head: Head) {
        self.head = head;
    }

    /// The same network with other operators, which `op` gives for each node. They must fit the shapes
    /// that they find.
    #[must_use]
    pub fn with_operators(&self, op: impl Fn(NodeId, &Node) -> Arc<dyn Cpu>) -> Graph {
        let nodes = self.nodes().skip(1);
        let nodes = nodes.map(|(id, node)| (id, &node.name[..], op(id, node), &node.inputs[..]));
        let mut new = Graph::rebuilt(self.input_shape(), nodes, self.output);
        new.head = self.head;
        new
    }

    /// Puts nodes together anew: in order, each with its id so far, its name, an operator that takes the
    /// shapes it finds, and its inputs, by their ids so far. What is left out is read by none of them.
    pub(super) fn rebuilt<'a>(
        input: Shape,
        nodes: impl IntoIterator<Item = (NodeId, &'a str, Arc<dyn Cpu>, &'a [NodeId])>,
        output: NodeId,
    ) -> Graph {
        let mut new = Graph::new(input);
        let mut ids = BTreeMap::from([(NodeId(0), NodeId(0))]);
        for (id, name, op, inputs) in nodes {
            let inputs: Vec<NodeId> = inputs.iter().map(|k| ids[k]).collect();
            let pushed = new.push_shared(name, op, &inputs);
            ids.insert(id, pushed.expect("an operator takes the shapes of the one it replaces"));
        }
        new.set_output(ids[&output]);
        new
    }

    /// All nodes, inputs before users.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> + ExactSizeIterator {
        self.nodes.iter().enumerate().map(|(i, n)| (NodeId(i), n))
    }

    /// One node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Number of nodes, the input included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never true: there is always the input.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node that holds the picture.
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// The node that holds the class scores.
    pub fn output(&self) -> NodeId {
        self.output
    }

    /// Shape of the picture.
    pub fn input_shape(&self) -> Shape {
        self.nodes[0].shape
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.nodes[self.output.0].shape.len()
    }

    /// Shapes of some nodes.
    pub fn shapes(&self, ids: &[NodeId]) -> Vec<Shape> {
        ids.iter().map(|id| self.nodes[id.0].shape).collect()
    }

    /// Multiply-adds of one full pass.
    pub fn macs(&self) -> u64 {
        let of = |n: &Node| n.op.macs(&self.shapes(&n.inputs), n.shape.rect());
        self.nodes.iter().map(of).sum()
    }

    /// Weights and biases.
    pub fn parameters(&self) -> usize {
        self.nodes.iter().map(|n| n.op.parameters()).sum()
    }

    /// Values of all nodes for the picture `x`, of the input's shape.
    pub fn forward(&self, x: &Tensor) -> Activations {
        assert_eq!(x.shape, self.input_shape(), "a picture has the shape of the input");
        layers(|| self.walk(x))
    }

    fn walk(&self, x: &Tensor) -> Activations {
        let mut values: Vec<Arc<Tensor>> = Vec::with_capacity(self.nodes.len());
        values.push(Arc::new(x.clone()));
        for node in &self.nodes[1..] {
            let ins: Vec<&Tensor> = node.inputs.iter().map(|k| &*values[k.0]).collect();
            let out = node.op.forward(&ins);
            values.push(Arc::new(out));
        }
        Activations { values }
    }

    /// The values of all nodes if node `id` had another value: `acts`, and anew those that depend on it.
    pub fn forward_from(&self, acts: &Activations, id: NodeId, value: Tensor) -> Activations {
        let mut values = acts.clone();
        values.replace(id, value);
        let mut changed = vec![false; self.nodes.len()];
        changed[id.0] = true;
        for (i, node) in self.nodes.iter().enumerate().skip(id.0 + 1) {
            if !node.inputs.iter().any(|k| changed[k.0]) {
                continue;
            }
            changed[i] = true;
            let ins: Vec<&Tensor> = node.inputs.iter().map(|k| values.value(*k)).collect();
            let out = node.op.forward(&ins);
            values.replace(NodeId(i), out);
        }
        values
    }

    /// The class scores for the picture `x`; intermediate values are dropped as soon as possible.
    pub fn logits(&self, x: &Tensor) -> Vec<f32> {
        assert_eq!(x.shape, self.input_shape(), "a picture has the shape of the input");
        layers(|| self.walk_once(x))
    }

    fn walk_once(&self, x: &Tensor) -> Vec<f32> {
        let last_use = self.last_use();
        let mut values: Vec<Option<Tensor>> = vec![None; self.nodes.len()];
        values[0] = Some(x.clone());
        for (i, node) in self.nodes.iter().enumerate().skip(1) {
            if let (Some(function), &[k]) = (node.op.function(), &node.inputs[..])
                && last_use[k.0] == i
                && k != self.output
            {
                let mut value = values[k.0].take().expect("kept until its last use");
                function.apply(&mut value.data);
                values[i] = Some(value);
                continue;
            }
            let value = |k: &NodeId| values[k.0].as_ref().expect("kept until its last use");
            let ins: Vec<&Tensor> = node.inputs.iter().map(value).collect();
            let out = node.op.forward(&ins);
            values[i] = Some(out);
            for k in node.inputs.iter().filter(|k| last_use[k.0] == i && **k != self.output) {
                values[k.0].take().into_iter().for_each(|done| give_vector(done.data));
            }
        }
        values[self.output.0].take().expect("the output is kept").data
    }

    /// For each node the last node that reads it (itself where none does).
    pub fn last_use(&self) -> Vec<usize> {
        let mut last: Vec<usize> = (0..self.nodes.len()).collect();
        for (i, node) in self.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|k| last[k.0] = i);
        }
        last
    }

    /// Walks the graph backwards from `seed` at the output. `step(node, arrived)` returns what the
    /// node sends to each of its inputs (it may be what arrived); what arrives at a node is the sum over its users, in
    /// reverse order of the nodes. Returns what arrives at the input (zeros if nothing does).
    pub fn backward<E>(
        &self,
        seed: Tensor,
        step: impl FnMut(NodeId, Tensor) -> Result<Vec<Tensor>, E>,
    ) -> Result<Tensor, E> {
        self.backward_from(self.output, seed, step)
    }

    /// [`Graph::backward`] from another node than the output.
    pub fn backward_from<E>(
        &self,
        from: NodeId,
        seed: Tensor,
        mut step: impl FnMut(NodeId, Tensor) -> Result<Vec<Tensor>, E>,
    ) -> Result<Tensor, E> {
        let mut arrived: Vec<Option<Tensor>> = vec![None; self.nodes.len()];
        arrived[from.0] = Some(seed);
        for i in (1..self.nodes.len()).rev() {
            let Some(here) = arrived[i].take() else { continue };
            let sent = step(NodeId(i), here)?;
            for (k, message) in self.nodes[i].inputs.iter().zip(sent) {
                match &mut arrived[k.0] {
                    Some(sum) => {
                        sum.add_assign(&message);
                        message.give_back();
                    }
                    none => *none = Some(message),
                }
            }
        }
        Ok(arrived[0].take().unwrap_or_else(|| Tensor::zeros(self.input_shape())))
    }

    /// Gradient of `sum(seed * output)` with respect to the picture.
    pub fn gradient(&self, acts: &Activations, seed: Tensor) -> Tensor {
        self.watched_gradient(acts, seed, |_, _| ())
    }

    /// [`Graph::gradient`], where `watch` sees the gradient with respect to each node's output.
    pub fn watched_gradient(
        &self,
        acts: &Activations,
        seed: Tensor,
        mut watch: impl FnMut(NodeId, &Tensor),
    ) -> Tensor {
        let step = |id: NodeId, grad: Tensor| -> Result<Vec<Tensor>, std::convert::Infallible> {
            watch(id, &grad);
            let sent = self.vjps(acts, id, &grad);
            grad.give_back();
            Ok(sent)
        };
        let Ok(grad) = self.backward(seed, step);
        grad
    }

    /// Gradients with respect to the inputs of a node, given that of its output.
    pub fn vjps(&self, acts: &Activations, id: NodeId, grad: &Tensor) -> Vec<Tensor> {
        let node = self.node(id);
        let ins: Vec<&Tensor> = node.inputs.iter().map(|k| acts.value(*k)).collect();
        (0..ins.len()).map(|k| node.op.vjp(&ins, acts.value(id), grad, k)).collect()
    }

    /// A seed for [`Graph::backward`]: `value` at class `target`, 0 elsewhere.
    pub fn seed(&self, target: usize, value: f32) -> Tensor {
        let mut seed = Tensor::zeros(self.nodes[self.output.0].shape);
        seed.data[target] = value;
        seed
    }
}
