//! What is climbed: the score of a class, its log probability, or the value of a neuron.
//!
//! Adding one is one file with an `ENTRY` and one line in [`OBJECTIVES`].

mod log_p;
mod logit;
mod neuron;

use crate::{
    base::registry::{self, Entry, Kind, Named, Param, Spec, SpecError},
    nn::{
        graph::{Activations, Graph, GraphError, NodeId},
        head::Head,
        op::Function,
        tensor::Tensor,
    },
};

/// All objectives; the first one is the default.
pub const OBJECTIVES: &[Entry<dyn Objective>] = &[log_p::ENTRY, logit::ENTRY, neuron::ENTRY];

/// Something to be maximised.
pub trait Objective: Send + Sync {
    /// False where it is no matter of classes.
    fn has_classes(&self) -> bool {
        true
    }

    /// The network made ready: which of its values is climbed. The error says what does not fit.
    fn net(&self, graph: &Graph) -> Result<Net, ObjectiveError>;

    /// The value at a point, and its gradient with respect to the climbed values. `class` is the one to see; it does not
    /// count where there are no classes.
    fn aim(&self, climbed: &Tensor, head: Head, class: usize) -> Aim;
}

/// An objective at a point.
#[derive(Clone, Debug)]
pub struct Aim {
    /// Its value.
    pub value: f64,
    /// Its gradient with respect to the climbed values.
    pub seed: Tensor,
}

/// A network of which some value is climbed.
#[derive(Clone, Debug)]
pub struct Net {
    /// Its output is what is climbed.
    graph: Graph,
    /// The node with the class scores.
    scores: NodeId,
    /// What was chosen, in a sentence, where somebody should know.
    pub note: Option<String>,
}

/// Why an objective does not fit a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectiveError {
    /// The head has no probabilities.
    #[error(
        "`log-p` needs probabilities, but {}; use `--objective logit`",
        crate::nn::head::NO_PROBABILITY
    )]
    NoProbability,
    /// No layer of this name.
    #[error(
        "the network has no layer `{layer}`{}; `pixelflip model --all` lists the names", did_you_mean(.near)
    )]
    NoLayer {
        /// The name.
        layer: String,
        /// Similar names, in backticks.
        near: Vec<String>,
    },
    /// No channel of this number.
    #[error("layer `{layer}` has the channels 0 to {}, found `{channel}`", .channels - 1)]
    NoChannel {
        /// The layer.
        layer: String,
        /// The channel asked for.
        channel: usize,
        /// How many it has.
        channels: usize,
    },
    /// The network of another engine.
    #[error(
        "`{engine}` computes the network: scores are all that is known, and without gradients nothing can be climbed"
    )]
    NoGradient {
        /// Name of the engine.
        engine: String,
    },
    /// A layer cannot be put where it is needed, which other networks do not show.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(", did you mean {}?", near.join(" or ")) }
}

/// Looks an objective up. Besides `neuron:layer=NAME:channel=K` also `neuron:NAME:K` is understood, where the name may
/// hold colons.
pub fn parse(text: &str) -> Result<Named<dyn Objective>, SpecError> {
    registry::build("objective", OBJECTIVES, &spec(text)?)
}

fn spec(text: &str) -> Result<Spec, SpecError> {
    neuron(text).map_or_else(|| text.parse(), Ok)
}

/// Of a neuron, in the short or the canonical form, in which the name of the layer may hold colons.
fn neuron(text: &str) -> Option<Spec> {
    let rest = text.strip_prefix("neuron:")?;
    let (rest, at) = match rest.rsplit_once(":at=") {
        Some((rest, at)) => (rest, Some(at)),
        None => (rest, None),
    };
    let (layer, channel) = match rest.strip_prefix("layer=") {
        Some(rest) => rest.rsplit_once(":channel=")?,
        None => rest.rsplit_once(':').filter(|(layer, _)| !layer.starts_with("channel="))?,
    };
    channel.parse::<usize>().ok()?;
    let given = [("layer", Some(layer)), ("channel", Some(channel)), ("at", at)];
    let given = given.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned())));
    Some(Spec { id: "neuron".to_owned(), params: given.collect() })
}

impl Net {
    /// Of a network whose scores are climbed.
    fn of_scores(graph: &Graph) -> Result<Net, ObjectiveError> {
        check_gradient(graph)?;
        Ok(Net { graph: graph.clone(), scores: graph.output(), note: None })
    }

    /// What the network computes for an input.
    pub fn pass(&self, input: &Tensor) -> Activations {
        self.graph.forward(input)
    }

    /// The climbed values.
    pub fn climbed<'a>(&self, acts: &'a Activations) -> &'a Tensor {
        acts.value(self.graph.output())
    }

    /// The class scores, as the network gives them.
    pub fn scores<'a>(&self, acts: &'a Activations) -> &'a [f32] {
        &acts.value(self.scores).data
    }

    /// What the scores mean.
    pub fn head(&self) -> Head {
        self.graph.head()
    }

    /// The gradient of the objective with respect to the input.
    pub fn gradient(&self, acts: &Activations, seed: Tensor) -> Tensor {
        self.graph.gradient(acts, seed)
    }
}

fn check_gradient(graph: &Graph) -> Result<(), ObjectiveError> {
    match graph.engine() {
        Some(other) => Err(ObjectiveError::NoGradient { engine: other.engine().to_owned() }),
        None => Ok(()),
    }
}

/// What is climbed of a network whose scores are means over a rectified map.
pub(crate) const RECTIFIER: Param = Param {
    key: "rectifier",
    default: "before",
    kind: Kind::Word(&["before", "kept"]),
    help: "where scores end in a rectifier, climb the values before it (a score of 0 has no gradient), or keep it",
};

/// The network without the rectifier that its scores end in, if they do and that is asked for: behind it only means and
/// moves of values may stand, which are put on the values before it. The scores themselves stay as they are.
pub(crate) fn before_rectifier(graph: &Graph, wanted: &str) -> Result<Net, ObjectiveError> {
    let mut net = Net::of_scores(graph)?;
    if wanted != "before" {
        return Ok(net);
    }
    let (mut at, mut behind) = (graph.output(), vec![]);
    loop {
        let node = graph.node(at);
        let [before] = node.inputs[..] else { break };
        if node.op.function() == Some(Function::Relu) {
            let mut last = before;
            for id in behind.iter().rev() {
                let node = graph.node(*id);
                let name = format!("{} before {}", node.name, graph.node(at).name);
                last = net.graph.push_shared(&name, node.op.clone(), &[last])?;
            }
            net.graph.set_output(last);
            net.note = Some(format!(
                "the scores end in the rectifier `{}`, so a score of 0 has no gradient: the values before it are climbed",
                graph.node(at).name
            ));
            break;
        }
        if !matches!(
            node.op.name(),
            "AveragePool"
                | "GlobalAveragePool"
                | "ReduceMean"
                | "Flatten"
                | "Reshape"
                | "Transpose"
        ) {
            break;
        }
        behind.push(at);
        at = before;
    }
    Ok(net)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{linear, rectified};

    #[test]
    fn neurons_have_a_short_form_in_which_names_may_hold_colons() {
        assert_eq!(
            parse("neuron:a/conv:0:7").unwrap().name,
            "neuron:layer=a/conv:0:channel=7:at=mean"
        );
        let colons = parse("neuron:a/conv:0:7").unwrap().name;
        assert_eq!(parse(&colons).unwrap().name, colons);
        let long = parse("neuron:layer=conv:channel=7:at=centre").unwrap();
        assert_eq!(parse(&long.name).unwrap().name, long.name);
        assert_eq!(parse("neuron:conv1:3").unwrap().name, "neuron:layer=conv1:channel=3:at=mean");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let graph = linear();
        let say = |text: &str| match parse(text) {
            Ok(objective) => objective.value.net(&graph).map(drop).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        let mut values = graph.clone();
        values.set_head(Head::Values);
        let no_probability = parse("log-p").unwrap().value.net(&values).unwrap_err();
        insta::assert_snapshot!(
            [
                say("neuron:fd:0"),
                say("neuron:fc:3"),
                say("neuron"),
                say("logits"),
                say("logit:rectifier=after"),
                no_probability.to_string()
            ]
            .join("\n")
        );
    }

    #[test]
    fn the_values_before_a_last_rectifier_have_a_gradient_where_the_score_has_none() {
        let graph = rectified();
        let x = Tensor::new(graph.input_shape(), vec![-1.0; graph.input_shape().len()]);
        let slope = |text: &str| {
            let net = parse(text).unwrap().value.net(&graph).unwrap();
            let acts = net.pass(&x);
            let aim = parse(text).unwrap().value.aim(net.climbed(&acts), net.head(), 0);
            assert!(net.scores(&acts)[0].abs() < f32::EPSILON, "the network's own score");
            (
                aim.value,
                net.gradient(&acts, aim.seed).data.iter().any(|v| *v != 0.0),
                net.note.is_some(),
            )
        };
        let (value, has_gradient, is_said) = slope("logit");
        assert!(value < 0.0 && has_gradient && is_said);
        assert_eq!(slope("logit:rectifier=kept"), (0.0, false, false));
        assert!(slope("log-p").1);
    }

    #[test]
    fn the_log_probability_has_the_gradient_that_differences_say() {
        let z = [0.5f32, -1.0, 2.0];
        let of = |z: [f32; 3], head: Head, class: usize| {
            parse("log-p").unwrap().value.aim(&Tensor::vector(z.to_vec()), head, class)
        };
        for (head, class) in
            [(Head::Softmax, 0), (Head::Softmax, 2), (Head::Sigmoid, 1), (Head::OneLogit, 1)]
        {
            let aim = of(z, head, class);
            let p = head.probability_in_double(&z, class).unwrap();
            assert!((aim.value - p.ln()).abs() < 1e-6);
            for k in 0..3 {
                let mut moved = [z; 2];
                moved[0][k] += 0.125;
                moved[1][k] -= 0.125;
                let slope =
                    (of(moved[0], head, class).value - of(moved[1], head, class).value) * 4.0;
                // the third derivative is below 1: an error of 0.125^2 / 6
                assert!((slope - f64::from(aim.seed.data[k])).abs() < 3e-3, "{head:?} {class} {k}");
            }
        }
    }
}
