//! What became of the relevance at each layer.

use super::{Sent, Step, rule::Bias};
use crate::nn::{graph::NodeId, tensor::Tensor};

/// One row per node that relevance reached, from the output to the input.
pub type Trace = Vec<NodeRelevance>;

/// The relevance that went through one node. Sums are in double precision.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeRelevance {
    /// The node.
    pub node: NodeId,
    /// Its name in the model file.
    pub name: String,
    /// Its operator.
    pub op: &'static str,
    /// The rule with all parameters; without a rule of the composite what the node does: `pass`,
    /// `norm` (sums and averages in proportion, or `norm:sum=abs`), `winner`, `winners` or `average`
    /// (max-pools), `taylor`, `route`.
    pub by: String,
    /// Whether the bias takes part; `None` for nodes without a rule.
    pub bias: Option<Bias>,
    /// Sum of the relevance that arrived.
    pub arrived: f64,
    /// Sum of its absolute values.
    pub size: f64,
    /// Sum of the relevance sent on to the inputs.
    pub sent: f64,
    /// Relevance absorbed by the bias.
    pub to_bias: f64,
}

impl NodeRelevance {
    pub(super) fn new(step: &Step<'_>, sent: &Sent) -> NodeRelevance {
        NodeRelevance {
            node: step.id,
            name: step.node.name.clone(),
            op: step.node.op.name(),
            by: sent.by.clone(),
            bias: sent.bias,
            arrived: step.arrived.sum(),
            size: step.arrived.data.iter().map(|r| f64::from(r.abs())).sum(),
            sent: sent.messages.as_ref().map_or_else(
                || step.arrived.sum(),
                |messages| messages.iter().map(Tensor::sum).sum(),
            ),
            to_bias: sent.to_bias,
        }
    }

    /// Relevance that neither the inputs nor the bias received: taken by the stabiliser, or the
    /// share of a side of alpha-beta without products. Negative where relevance was gained.
    pub fn lost(&self) -> f64 {
        self.arrived - self.sent - self.to_bias
    }
}
