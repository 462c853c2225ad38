//! Channels of a convolution, weighted by how much the score depends on them.

use super::{
    Case, ExplainError, Explainer, backprop, has_gradient,
    resize::{Resize, Upsample},
};
use crate::{
    base::{
        geom::Shape,
        registry::{Args, Entry, Kind, Param, YES_NO},
        word_enum,
    },
    nn::{
        graph::{Graph, NodeId},
        op::Role,
        tensor::Tensor,
    },
};

/// How channels `A^k` of a convolution make a map, with `g^k = df/dA^k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weighting {
    /// `sum_k mean(g^k) A^k`
    Mean,
    /// `sum_k w_k A^k`, `w_k = sum_p a_kp max(g_kp, 0)`,
    /// `a_kp = g_kp^2 / (2 g_kp^2 + g_kp^3 sum_q A_kq)`, 0 where `g_kp` is 0
    PlusPlus,
    /// `sum_k max(g^k, 0) A^k`, pixel by pixel
    Local,
}

/// A weighted sum of the channels of a convolution, negative values cut off, enlarged to the
/// picture: shape `(1, H, W)`. The weights are the mean gradient over the map (`grad-cam`), those
/// of Grad-CAM++ (`grad-cam-plus-plus`) or the positive part of each pixel's own gradient
/// (`layer-cam`).
///
/// | parameter | default | range |
/// |---|---|---|
/// | `layer` | `last` | name of a convolution, or `last` (in the order of computation) |
/// | `maps` | `conv` (`grad-cam`), `activation` | `conv`: the convolution's output, `activation`: after the activation that follows |
/// | `relu` | `yes` | `yes`, `no` (keep negative values) |
/// | `upsample` | `bilinear` | `bilinear` (corners not aligned), `nearest`, `none` (the map itself, which is no heat map of the picture) |
///
/// Source: Selvaraju et al. 2017, eqs. 1 and 2; Chattopadhyay et al. 2018, eqs. 5 and 19 (the score
/// is the exponential of the logit, so higher derivatives are powers of the first); Jiang et al.
/// 2021, eqs. 4 and 5.
#[derive(Debug)]
pub struct GradCam {
    map: ClassMap,
    upsample: Option<Resize>,
}

/// Grad-CAM times guided backpropagation, value by value; shape of the input.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `layer` | `last` | name of a convolution, or `last` |
/// | `maps` | `conv` | `conv`, `activation` |
/// | `upsample` | `bilinear` | `bilinear`, `nearest` |
///
/// Source: Selvaraju et al. 2017, sec. 3.2.
#[derive(Debug)]
pub struct GuidedGradCam {
    map: ClassMap,
    upsample: Resize,
}

/// `grad-cam`
pub const GRAD_CAM: Entry<dyn Explainer> = Entry {
    id: "grad-cam",
    summary: "channels of the last convolution, weighted by their mean gradient",
    cite: "selvaraju2017gradcam",
    params: &[LAYER, maps("conv"), RELU, UPSAMPLE],
    build: |args| Ok(Box::new(GradCam::new(Weighting::Mean, args))),
};

/// `grad-cam-plus-plus`
pub const GRAD_CAM_PLUS_PLUS: Entry<dyn Explainer> = Entry {
    id: "grad-cam-plus-plus",
    summary: "Grad-CAM that weights each occurrence of an object",
    cite: "chattopadhyay2018gradcampp",
    params: &[LAYER, maps("activation"), RELU, UPSAMPLE],
    build: |args| Ok(Box::new(GradCam::new(Weighting::PlusPlus, args))),
};

/// `layer-cam`
pub const LAYER_CAM: Entry<dyn Explainer> = Entry {
    id: "layer-cam",
    summary: "channels of a convolution, weighted pixel by pixel by their positive gradient",
    cite: "jiang2021layercam",
    params: &[LAYER, maps("activation"), RELU, UPSAMPLE],
    build: |args| Ok(Box::new(GradCam::new(Weighting::Local, args))),
};

/// `guided-grad-cam`
pub const GUIDED_GRAD_CAM: Entry<dyn Explainer> = Entry {
    id: "guided-grad-cam",
    summary: "Grad-CAM times guided backpropagation",
    cite: "selvaraju2017gradcam",
    params: &[
        LAYER,
        maps("conv"),
        Param {
            key: "upsample",
            default: "bilinear",
            kind: Kind::Word(Resize::WORDS),
            help: "how the map is enlarged to the picture",
        },
    ],
    build: |args| {
        let upsample = args.word("upsample");
        Ok(Box::new(GuidedGradCam { map: ClassMap::new(Weighting::Mean, args, true), upsample }))
    },
};

const LAYER: Param = Param {
    key: "layer",
    default: "last",
    kind: Kind::Text,
    help: "name of a convolution, or `last`",
};

word_enum! {
    enum Maps {
        Conv = "conv",
        Activation = "activation",
    }
}

const fn maps(default: &'static str) -> Param {
    let kind = Kind::Word(Maps::WORDS);
    Param { key: "maps", default, kind, help: "the convolution's output, or its activation" }
}

const RELU: Param =
    Param { key: "relu", default: "yes", kind: YES_NO, help: "cut off negative values" };

const UPSAMPLE: Param = Param {
    key: "upsample",
    default: "bilinear",
    kind: Kind::Word(Upsample::WORDS),
    help: "how the map is enlarged to the picture",
};

impl GradCam {
    fn new(weighting: Weighting, args: &Args) -> GradCam {
        let upsample = args.word::<Upsample>(UPSAMPLE.key).resize();
        let relu = args.yes(RELU.key);
        GradCam { map: ClassMap::new(weighting, args, relu), upsample }
    }
}

impl Explainer for GradCam {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        has_gradient(graph)?;
        self.map.find(graph).map(drop)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let map = self.map.map(case)?;
        let Shape { h, w, .. } = case.graph.input_shape();
        Ok(self.upsample.map_or_else(|| map.clone(), |resize| resize.enlarge(&map, h, w)))
    }
}

impl Explainer for GuidedGradCam {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        has_gradient(graph)?;
        self.map.find(graph).map(drop)
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let Shape { c, h, w } = case.graph.input_shape();
        let map = self.upsample.enlarge(&self.map.map(case)?, h, w);
        let mut relevance = backprop::guided(case)?;
        let pixels = relevance.data.chunks_exact_mut(c).zip(&map.data);
        pixels.for_each(|(pixel, m)| pixel.iter_mut().for_each(|r| *r *= m));
        Ok(relevance)
    }

    fn holds_input(&self) -> bool {
        false
    }
}

/// The weighted sum of a convolution's channels.
#[derive(Debug)]
struct ClassMap {
    weighting: Weighting,
    layer: String,
    maps: Maps,
    relu: bool,
}

impl ClassMap {
    fn new(weighting: Weighting, args: &Args, relu: bool) -> ClassMap {
        let layer = args.text(LAYER.key).to_owned();
        ClassMap { weighting, layer, maps: args.word("maps"), relu }
    }

    /// Shape `(1, h, w)` of the convolution's output.
    fn map(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let layer = self.find(case.graph)?;
        let (maps, gradient) = (case.acts.value(layer), case.gradient_of_node(layer));
        let weights = match self.weighting {
            Weighting::Mean => Some(mean_gradient(&gradient)),
            Weighting::PlusPlus => Some(plus_plus(maps, &gradient)),
            Weighting::Local => None,
        };
        let cut = |v: f64| if self.relu { v.max(0.0) } else { v };
        let pixel = |(maps, gradient): (&[f32], &[f32])| {
            let local = gradient.iter().map(|g| f64::from(g.max(0.0)));
            let sum: f64 = match &weights {
                Some(weights) => dot(maps, weights.iter().copied()),
                None => dot(maps, local),
            };
            cut(sum) as f32
        };
        let c = maps.shape.c;
        let pixels = maps.data.chunks_exact(c).zip(gradient.data.chunks_exact(c));
        Ok(Tensor::new(Shape { c: 1, ..maps.shape }, pixels.map(pixel).collect()))
    }

    fn find(&self, graph: &Graph) -> Result<NodeId, ExplainError> {
        let mut convs = graph.nodes().filter(|(_, node)| node.op.name() == "Conv");
        let kind = "convolution";
        let (conv, _) = match self.layer.as_str() {
            "last" => convs.next_back().ok_or(ExplainError::NoLayerAtAll { kind }),
            name => convs
                .find(|(_, node)| node.name == name)
                .ok_or_else(|| ExplainError::NoLayer { layer: name.to_owned(), kind }),
        }?;
        match self.maps {
            Maps::Conv => Ok(conv),
            Maps::Activation => activation_after(graph, conv),
        }
    }
}

/// The activation that a layer's output goes through, after a scaling where there is one.
fn activation_after(graph: &Graph, layer: NodeId) -> Result<NodeId, ExplainError> {
    let mut at = layer;
    loop {
        let mut users = graph.nodes().filter(|(_, node)| node.inputs.contains(&at));
        match (users.next(), users.next()) {
            (Some((id, node)), None) => match node.op.role() {
                Role::Activation => return Ok(id),
                Role::Scale(_) => at = id,
                _ => break,
            },
            _ => break,
        }
    }
    let node = graph.node(layer);
    let problem = "no activation follows it directly; `maps=conv` takes its own output".to_owned();
    Err(ExplainError::Unfit { node: node.name.clone(), op: node.op.name(), problem })
}

fn dot(maps: &[f32], weights: impl Iterator<Item = f64>) -> f64 {
    maps.iter().zip(weights).map(|(a, w)| f64::from(*a) * w).sum()
}

/// For each channel the mean of the gradient over the map.
fn mean_gradient(gradient: &Tensor) -> Vec<f64> {
    let pixels = gradient.shape.h * gradient.shape.w;
    channel_sums(gradient).iter().map(|sum| sum / pixels as f64).collect()
}

/// For each channel the weight of Grad-CAM++.
fn plus_plus(maps: &Tensor, gradient: &Tensor) -> Vec<f64> {
    let totals = channel_sums(maps);
    let mut weights = vec![0.0; totals.len()];
    for pixel in gradient.data.chunks_exact(totals.len()) {
        for ((weight, total), g) in weights.iter_mut().zip(&totals).zip(pixel) {
            let g = f64::from(*g);
            let denominator = 2.0 * g * g + total * g * g * g;
            if denominator != 0.0 {
                *weight += g * g / denominator * g.max(0.0);
            }
        }
    }
    weights
}

fn channel_sums(map: &Tensor) -> Vec<f64> {
    let mut sums = vec![0.0; map.shape.c];
    for pixel in map.data.chunks_exact(map.shape.c) {
        sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += f64::from(*v));
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        EXPLAINERS,
        base::{registry::build, rng::Seed},
        nn::op::{Conv, ConvGeometry, Dense},
    };

    /// A 1x1 convolution to two channels (x, -2 x) of a 1 x 2 picture, then one class with the
    /// weights 1, 3 on the first channel and 3, 3 on the second.
    fn graph() -> Graph {
        let shape = Shape::new(1, 1, 2);
        let geometry = ConvGeometry {
            kernel: [1; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pads: [0; 4],
            groups: 1,
        };
        let mut graph = Graph::new(shape);
        let x = graph.input();
        let conv = Conv::new(vec![1.0, -2.0], 2, 1, geometry, vec![]).unwrap();
        let at = graph.push("features", Box::new(conv), &[x]).unwrap();
        let map = Shape::new(2, 1, 2);
        let dense = Dense::new(vec![1.0, 3.0, 3.0, 3.0], 1, map, vec![]).unwrap();
        graph.push("head", Box::new(dense), &[at]).unwrap();
        graph
    }

    #[test]
    fn the_class_map_by_hand_and_a_layer_that_does_not_exist() {
        let graph = graph();
        let acts = graph.forward(&Tensor::new(Shape::new(1, 1, 2), vec![1.0, -1.0]));
        let (low, high) = ([-1.0], [1.0]);
        let (graph, acts, seed) = (&graph, &acts, Seed(0));
        let case = Case { graph, acts, target: 0, low: &low, high: &high, seed, image: "" };
        let of = |spec: &str| build("method", EXPLAINERS, &spec.parse().unwrap()).unwrap().value;
        // mean gradients 2 and 3: the map is 2 x - 6 x
        assert_eq!(of("grad-cam:relu=no").relevance(&case).unwrap().data, [-4.0, 4.0]);
        assert_eq!(of("grad-cam").relevance(&case).unwrap().data, [0.0, 4.0]);
        // times the gradient 1 - 6 and 3 - 6, which no rectifier changes
        assert_eq!(of("guided-grad-cam").relevance(&case).unwrap().data, [0.0, -12.0]);
        // gradients (1, 3) and (3, 3): x and 3 x of the first channel, -6 x of the second
        assert_eq!(of("layer-cam:maps=conv:relu=no").relevance(&case).unwrap().data, [-5.0, 3.0]);
        // both channels sum to 0, so a = 1/2: weights (1 + 3) / 2 and (3 + 3) / 2
        let plus_plus = of("grad-cam-plus-plus:maps=conv:relu=no").relevance(&case).unwrap();
        assert_eq!(plus_plus.data, [-4.0, 4.0]);
        let error = of("layer-cam").relevance(&case).unwrap_err().to_string();
        assert_eq!(
            error,
            "node `features` (Conv): no activation follows it directly; `maps=conv` takes its own \
             output"
        );
        let error = of("grad-cam:layer=conv9").relevance(&case).unwrap_err().to_string();
        assert!(error.starts_with("the network has no convolution named `conv9`"), "{error}");
    }
}
