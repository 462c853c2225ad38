//! A neuron inside the network.

use super::{Aim, Net, Objective, ObjectiveError, check_gradient};
use crate::{
    base::registry::{Entry, Kind, Param, near},
    nn::{graph::Graph, head::Head, tensor::Tensor},
};

/// The value of one channel of a layer: its mean over all places, or the value in the middle.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `layer` | | name of a layer, see `pixelflip model --all` |
/// | `channel` | 0 | whole number |
/// | `at` | mean | mean, centre |
struct Neuron {
    layer: String,
    channel: usize,
    centre: bool,
}

pub(super) const ENTRY: Entry<dyn Objective> = Entry {
    id: "neuron",
    summary: "a channel of a layer, also written neuron:LAYER:CHANNEL",
    cite: "erhan2009visualizing",
    params: &[
        Param {
            key: "layer",
            default: "?",
            kind: Kind::Text,
            help: "name of the layer, see `pixelflip model --all`",
        },
        Param {
            key: "channel",
            default: "0",
            kind: Kind::Integer { min: 0, max: u64::MAX },
            help: "which of its channels",
        },
        Param {
            key: "at",
            default: "mean",
            kind: Kind::Word(&["mean", "centre"]),
            help: "the mean over all places, or the value in the middle",
        },
    ],
    build: |args| {
        let layer = args.text("layer").to_owned();
        if layer == "?" {
            return Err(args.bad("layer", "the name of a layer, as in `neuron:conv1:7`"));
        }
        Ok(Box::new(Neuron {
            layer,
            channel: args.usize("channel"),
            centre: args.text("at") == "centre",
        }))
    },
};

impl Objective for Neuron {
    fn has_classes(&self) -> bool {
        false
    }

    fn net(&self, graph: &Graph) -> Result<Net, ObjectiveError> {
        check_gradient(graph)?;
        let layers = || graph.nodes().skip(1);
        let found = layers().find(|(_, node)| node.name == self.layer);
        let (id, node) = found.ok_or_else(|| ObjectiveError::NoLayer {
            layer: self.layer.clone(),
            near: near(&self.layer, layers().map(|(_, node)| &node.name[..])),
        })?;
        if self.channel >= node.shape.c {
            let (layer, channel, channels) = (self.layer.clone(), self.channel, node.shape.c);
            return Err(ObjectiveError::NoChannel { layer, channel, channels });
        }
        let mut net = Net { graph: graph.clone(), scores: graph.output(), note: None };
        net.graph.set_output(id);
        Ok(net)
    }

    fn aim(&self, climbed: &Tensor, _: Head, _: usize) -> Aim {
        let (c, places) = (climbed.shape.c, climbed.shape.h * climbed.shape.w);
        let mut seed = Tensor::zeros(climbed.shape);
        if self.centre {
            let middle = (climbed.shape.h / 2) * climbed.shape.w + climbed.shape.w / 2;
            let at = middle * c + self.channel;
            seed.data[at] = 1.0;
            return Aim { value: f64::from(climbed.data[at]), seed };
        }
        let values = climbed.data.iter().skip(self.channel).step_by(c);
        let value = values.map(|v| f64::from(*v)).sum::<f64>() / places as f64;
        let share = 1.0 / places as f32;
        seed.data.iter_mut().skip(self.channel).step_by(c).for_each(|s| *s = share);
        Aim { value, seed }
    }
}
