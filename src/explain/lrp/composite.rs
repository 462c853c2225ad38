//! Which layer gets which rule.

use super::rule::{self, Rule};
use crate::{
    base::registry::{Named, SpecError},
    explain::ExplainError,
    nn::{
        graph::{Graph, Node},
        op::Role,
    },
};

/// A rule under the name it prints.
pub type NamedRule = Named<dyn Rule>;

/// Kinds of linear layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Convolutions.
    Conv,
    /// Fully connected layers.
    Dense,
    /// A factor and a summand per value or channel: batch normalisation that could not be folded,
    /// constants. These do not count as layers of the network.
    Scale,
}

/// Where in the network a line of a composite applies; all conditions that are set must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The layers that see the picture with no other layer between.
    pub first: bool,
    /// Only layers of this kind.
    pub kind: Option<Kind>,
}

impl Place {
    /// Every layer.
    pub fn any() -> Place {
        Place::default()
    }

    /// The layers that see the picture.
    pub fn first() -> Place {
        Place { first: true, ..Place::default() }
    }

    /// Layers of one kind.
    pub fn kind(kind: Kind) -> Place {
        Place { kind: Some(kind), ..Place::default() }
    }

    fn holds(&self, layer: &LayerAt) -> bool {
        (!self.first || layer.first) && self.kind.is_none_or(|k| k == layer.kind)
    }
}

/// One line of a composite.
#[derive(Debug)]
pub struct Line {
    /// Where it applies.
    pub place: Place,
    /// The rule there.
    pub rule: NamedRule,
}

/// A map from layers to rules: the first line that fits a layer holds.
#[derive(Debug)]
pub struct Composite {
    lines: Vec<Line>,
}

/// What a composite says about a node.
#[derive(Clone, Copy, Debug)]
pub enum Assignment<'a> {
    /// The node is a linear layer with this rule.
    Rule(&'a NamedRule),
    /// No rule: relevance goes through as the node's role says.
    Through,
}

impl Composite {
    /// Lines in order of precedence, each rule in the grammar of the registries
    /// (`lrp-gamma:gamma=0.25`).
    pub fn new(lines: Vec<(Place, String)>) -> Result<Composite, SpecError> {
        let line =
            |(place, spec): (Place, String)| Ok(Line { place, rule: rule::parse(&spec.parse()?)? });
        Ok(Composite { lines: lines.into_iter().map(line).collect::<Result<_, _>>()? })
    }

    /// As [`Composite::new`], after a line that treats scalings as what they are: layers with one
    /// input per output, where the bias (`keep` or `ignore`) takes its share and the input the rest.
    pub(super) fn with_scalings(
        mut lines: Vec<(Place, String)>,
        bias: &str,
    ) -> Result<Composite, SpecError> {
        lines.insert(0, (Place::kind(Kind::Scale), format!("lrp-zero:bias={bias}")));
        Composite::new(lines)
    }

    /// The lines in order of precedence.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What applies to each node of a network, or which layer is left without a rule. Scalings
    /// of the picture before the first layer are preprocessing: they pass relevance on.
    pub fn resolve(&self, graph: &Graph) -> Result<Vec<Assignment<'_>>, ExplainError> {
        let assign = |(layer, (_, node)): (Option<LayerAt>, _)| match layer {
            Some(layer) if layer.kind != Kind::Scale || !layer.first => self.find(&layer, node),
            _ => Ok(Assignment::Through),
        };
        places(graph).into_iter().zip(graph.nodes()).map(assign).collect()
    }

    fn find(&self, layer: &LayerAt, node: &Node) -> Result<Assignment<'_>, ExplainError> {
        let line = self.lines.iter().find(|line| line.place.holds(layer));
        line.map(|line| Assignment::Rule(&line.rule)).ok_or_else(|| ExplainError::Unfit {
            node: node.name.clone(),
            op: node.op.name(),
            problem: "no line of the composite gives this layer a rule".to_owned(),
        })
    }
}

/// A linear layer as composites see it.
#[derive(Debug)]
struct LayerAt {
    kind: Kind,
    /// No convolution or dense layer lies between it and the picture.
    first: bool,
}

/// The place of each node that is a linear layer.
fn places(graph: &Graph) -> Vec<Option<LayerAt>> {
    let mut sees_layer = vec![false; graph.len()];
    let mut places = Vec::with_capacity(graph.len());
    for (id, node) in graph.nodes() {
        let behind = node.inputs.iter().any(|k| sees_layer[k.0]);
        let kind = kind(node);
        sees_layer[id.0] = behind || kind.is_some_and(|k| k != Kind::Scale);
        places.push(kind.map(|kind| LayerAt { kind, first: !behind }));
    }
    places
}

fn kind(node: &Node) -> Option<Kind> {
    match node.op.role() {
        Role::Linear(_) if node.op.name() == "Conv" => Some(Kind::Conv),
        Role::Linear(_) => Some(Kind::Dense),
        Role::Scale(_) => Some(Kind::Scale),
        _ => None,
    }
}
