//! Which layer gets which rule.

use super::{
    place::{Kind, Layer, Place, layers},
    rule::{self, Rule, Zero},
};
use crate::{
    ExplainError,
    base::registry::{Named, SpecError},
    nn::graph::{Graph, Node},
};
use serde::Deserialize;

/// A rule under the name it prints.
pub type NamedRule = Named<dyn Rule>;

/// The rule name for layers that pass relevance on, value by value.
const PASS: &str = "pass";

/// The rule name for layers that share as sums and averages do.
const NORM: &str = "norm";

/// Names with a summary that a composite can give to a layer besides those of
/// [`RULES`](super::rule::RULES).
pub const PLAIN: &[(&str, &str)] = &[
    (PASS, "relevance goes through value by value, as at activations (in composites)"),
    (
        NORM,
        "in proportion to the signed summands, as at sums and average pools: LRP-0 (in composites)",
    ),
];

/// One line of a composite.
#[derive(Debug)]
pub struct CompositeLine {
    /// Where it applies.
    pub place: Place,
    /// The rule there; `None` passes relevance on.
    pub rule: Option<NamedRule>,
}

/// A map from layers to rules: the first line that fits a layer holds.
#[derive(Debug)]
pub struct Composite {
    lines: Vec<CompositeLine>,
}

/// What a composite says about a node.
#[derive(Clone, Copy, Debug)]
pub enum Assignment<'a> {
    /// The node is a linear layer with this rule.
    Rule(&'a NamedRule),
    /// No rule: relevance goes through as the node's role says.
    Through,
}

/// A composite file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompositeError {
    /// Not TOML, or not of the expected form.
    #[error("{0}")]
    Form(String),
    /// A rule that does not exist or has a wrong parameter.
    #[error("`[[line]]` number {line}: {problem}")]
    Rule {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        problem: SpecError,
    },
}

impl Composite {
    /// Lines in order of precedence, each rule in the grammar of the registries
    /// (`lrp-gamma:gamma=0.25`), or `pass`.
    pub fn new(lines: Vec<(Place, String)>) -> Result<Composite, SpecError> {
        let line = |(place, rule): (Place, String)| CompositeLine::new(place, &rule);
        Ok(Composite { lines: lines.into_iter().map(line).collect::<Result<_, _>>()? })
    }

    /// Lines in order of precedence.
    pub(super) fn of(lines: Vec<CompositeLine>) -> Composite {
        Composite { lines }
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

    /// A composite from a TOML text of lines such as
    ///
    /// ```toml
    /// [[line]]
    /// at = "first"             # or "last"
    /// rule = "lrp-z-box"
    ///
    /// [[line]]
    /// kind = "conv"            # or "dense", "scale"
    /// depth = [0.0, 0.5]       # the lower half of the convolutions
    /// rule = "lrp-gamma:gamma=0.25"
    ///
    /// [[line]]                 # also: index = 2, index = [0, 3], name = "features.*", operator = "Gemm",
    ///                          # part = "query", "key", "value", "projection", "output", "feed-forward" or
    ///                          # "patch-embedding", bias = false
    /// rule = "lrp-epsilon:eps=1e-6"
    /// ```
    pub fn from_toml(text: &str) -> Result<Composite, CompositeError> {
        let file: File = toml::from_str(text).map_err(|e| CompositeError::Form(one_line(&e)))?;
        let numbered = file.line.into_iter().enumerate();
        let lines = numbered.map(|(i, table)| CompositeLine::from_table(i + 1, table));
        Ok(Composite { lines: lines.collect::<Result<_, _>>()? })
    }

    /// The lines in order of precedence.
    pub fn lines(&self) -> &[CompositeLine] {
        &self.lines
    }

    /// What applies to each node of a network, or which layer is left without a rule. Scalings
    /// of the picture before the first layer are preprocessing: they pass relevance on.
    pub fn resolve(&self, graph: &Graph) -> Result<Vec<Assignment<'_>>, ExplainError> {
        let assign = |(layer, (_, node)): (Option<Layer>, _)| match layer {
            Some(layer) if layer.kind != Kind::Scale || !layer.first => self.find(&layer, node),
            _ => Ok(Assignment::Through),
        };
        layers(graph).into_iter().zip(graph.nodes()).map(assign).collect()
    }

    fn find(&self, layer: &Layer, node: &Node) -> Result<Assignment<'_>, ExplainError> {
        let line = self.lines.iter().find(|line| line.place.holds(layer, node));
        let line = line.ok_or_else(|| ExplainError::Unfit {
            node: node.name.clone(),
            op: node.op.name(),
            problem: "no line of the composite gives this layer a rule".to_owned(),
        })?;
        Ok(line.rule.as_ref().map_or(Assignment::Through, Assignment::Rule))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    line: Vec<toml::Table>,
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}

impl CompositeLine {
    fn from_table(line: usize, mut table: toml::Table) -> Result<CompositeLine, CompositeError> {
        let form =
            |problem: String| CompositeError::Form(format!("`[[line]]` number {line}: {problem}"));
        let rule = match table.remove("rule") {
            Some(toml::Value::String(rule)) => rule,
            Some(other) => return Err(form(format!("`rule` must be a text, found `{other}`"))),
            None => return Err(form("`rule` is missing".to_owned())),
        };
        let place = table.try_into().map_err(|e| form(one_line(&e)))?;
        CompositeLine::new(place, &rule).map_err(|problem| CompositeError::Rule { line, problem })
    }

    pub(super) fn new(place: Place, rule: &str) -> Result<CompositeLine, SpecError> {
        let rule = match rule {
            PASS => None,
            NORM => Some(rule::named_default::<Zero>()?),
            _ => Some(rule::parse(&rule.parse()?)?),
        };
        Ok(CompositeLine { place, rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_holds_and_lines_print_as_they_were_written() {
        let text = r#"
            [[line]]
            at = "first"
            rule = "lrp-z-box"
            [[line]]
            kind = "conv"
            depth = [0.0, 0.5]
            rule = "lrp-gamma:gamma=0.5"
            [[line]]
            name = "features.*"
            index = [0, 3]
            operator = "Conv"
            rule = "pass"
            [[line]]
            index = 4
            rule = "norm"
            [[line]]
            rule = "lrp-epsilon:eps=1e-6:bias=ignore"
        "#;
        let composite = Composite::from_toml(text).unwrap();
        let name =
            |line: &CompositeLine| line.rule.as_ref().map_or("pass".to_owned(), |r| r.name.clone());
        let names: Vec<String> = composite.lines().iter().map(name).collect();
        let expected = [
            "lrp-z-box:bias=ignore",
            "lrp-gamma:gamma=0.5:bias=keep",
            "pass",
            "lrp-zero:bias=keep",
            "lrp-epsilon:eps=0.000001:bias=ignore",
        ];
        assert_eq!(names, expected);
        assert_eq!(composite.lines()[1].place.depth, Some([0.0, 0.5]));
        assert_eq!(composite.lines()[2].place.index, Some([0, 3]));
        assert_eq!(composite.lines()[3].place.index, Some([4, 4]));
    }

    #[test]
    fn a_composite_that_cannot_be_used_says_where_and_why() {
        let say = |text: &str| Composite::from_toml(text).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                say("[[line]]\nrule = \"lrp-gama\""),
                say("[[line]]\nrule = \"lrp-flat\"\n[[line]]\nrule = \"lrp-gamma:gamma=x\""),
                say("[[line]]\nkind = \"conv\""),
                say("[[line]]\nrule = 3"),
                say("[[line]]\nkind = \"pool\"\nrule = \"lrp-flat\""),
                say("[[line]]\nlayer = 3\nrule = \"lrp-flat\""),
                say("[[line]]\nindex = [1, 2, 3]\nrule = \"lrp-flat\""),
                say("[[line]]\nindex = -1\nrule = \"lrp-flat\""),
                say("[[lines]]\nrule = \"lrp-flat\""),
                say("[[line]"),
            ]
            .join("\n")
        );
    }
}
