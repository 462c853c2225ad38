//! Channels of a convolution, weighted by how much the score depends on them.

use super::{
    Case, ExplainError, Explainer, backprop,
    resize::{self, Resize},
};
use crate::{
    base::{
        geom::Shape,
        registry::{Args, Entry, Kind, Param},
    },
    nn::{graph::NodeId, tensor::Tensor},
};

/// `L = sum_k a_k A^k` over the channels `A^k` of a convolution's output (before its activation),
/// with `a_k` the mean of `df/dA^k` over the map; negative values are cut off. Enlarged to the
/// picture: shape `(1, H, W)`.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `layer` | `last` | name of a convolution, or `last` (in the order of computation) |
/// | `relu` | `yes` | `yes`, `no` (keep negative values) |
/// | `upsample` | `bilinear` | `bilinear` (corners not aligned), `nearest`, `none` (the map itself, which is no heat map of the picture) |
///
/// Source: Selvaraju et al. 2017, eqs. 1 and 2.
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
    params: &[
        LAYER,
        Param {
            key: "relu",
            default: "yes",
            kind: Kind::Word(&["yes", "no"]),
            help: "cut off negative values",
        },
        Param {
            key: "upsample",
            default: "bilinear",
            kind: Kind::Word(&["bilinear", "nearest", "none"]),
            help: "how the map is enlarged to the picture",
        },
    ],
    build: |args| {
        let word = args.text("upsample");
        let upsample = (word != "none").then(|| Resize::from_word(word));
        Ok(Box::new(GradCam { map: ClassMap::new(args, args.text("relu") == "yes"), upsample }))
    },
};

/// `guided-grad-cam`
pub const GUIDED_GRAD_CAM: Entry<dyn Explainer> = Entry {
    id: "guided-grad-cam",
    summary: "Grad-CAM times guided backpropagation",
    cite: "selvaraju2017gradcam",
    params: &[
        LAYER,
        Param {
            key: "upsample",
            default: "bilinear",
            kind: resize::KIND,
            help: "how the map is enlarged to the picture",
        },
    ],
    build: |args| {
        let upsample = Resize::from_word(args.text("upsample"));
        Ok(Box::new(GuidedGradCam { map: ClassMap::new(args, true), upsample }))
    },
};

const LAYER: Param = Param {
    key: "layer",
    default: "last",
    kind: Kind::Text,
    help: "name of a convolution, or `last`",
};

impl Explainer for GradCam {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let map = self.map.of(case)?;
        let Shape { h, w, .. } = case.graph.input_shape();
        Ok(self.upsample.map_or_else(|| map.clone(), |resize| resize.enlarge(&map, h, w)))
    }
}

impl Explainer for GuidedGradCam {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let Shape { c, h, w } = case.graph.input_shape();
        let map = self.upsample.enlarge(&self.map.of(case)?, h, w);
        let mut relevance = backprop::guided(case)?;
        let pixels = relevance.data.chunks_exact_mut(c).zip(&map.data);
        pixels.for_each(|(pixel, m)| pixel.iter_mut().for_each(|r| *r *= m));
        Ok(relevance)
    }
}

/// The weighted sum of a convolution's channels.
#[derive(Debug)]
struct ClassMap {
    layer: String,
    relu: bool,
}

impl ClassMap {
    fn new(args: &Args, relu: bool) -> ClassMap {
        ClassMap { layer: args.text(LAYER.key).to_owned(), relu }
    }

    /// Shape `(1, h, w)` of the convolution's output.
    fn of(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let layer = self.find(case)?;
        let maps = case.acts.of(layer);
        let weights = mean_gradient(case, layer);
        let dot = |pixel: &[f32]| -> f64 {
            pixel.iter().zip(&weights).map(|(a, w)| f64::from(*a) * w).sum()
        };
        let cut = |v: f64| if self.relu { v.max(0.0) } else { v };
        let data = maps.data.chunks_exact(maps.shape.c).map(|p| cut(dot(p)) as f32).collect();
        Ok(Tensor::new(Shape { c: 1, ..maps.shape }, data))
    }

    fn find(&self, case: &Case<'_>) -> Result<NodeId, ExplainError> {
        let mut convs = case.graph.nodes().filter(|(_, node)| node.op.name() == "Conv");
        let found = match self.layer.as_str() {
            "last" => convs.next_back(),
            name => convs.find(|(_, node)| node.name == name),
        };
        let error = || ExplainError::NoLayer { layer: self.layer.clone(), kind: "convolution" };
        found.map(|(id, _)| id).ok_or_else(error)
    }
}

/// For each channel of a node, the mean over its map of the score's derivative.
fn mean_gradient(case: &Case<'_>, layer: NodeId) -> Vec<f64> {
    let shape = case.graph.node(layer).shape;
    let mut sums = vec![0.0; shape.c];
    for pixel in case.gradient_of_node(layer).data.chunks_exact(shape.c) {
        sums.iter_mut().zip(pixel).for_each(|(s, g)| *s += f64::from(*g));
    }
    sums.iter_mut().for_each(|s| *s /= (shape.h * shape.w) as f64);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{registry::build, rng::Seed},
        explain::EXPLAINERS,
        nn::{
            graph::Graph,
            op::{Conv, ConvGeometry, Dense},
        },
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
        let error = of("grad-cam:layer=conv9").relevance(&case).unwrap_err().to_string();
        assert_eq!(error, "the network has no convolution named `conv9`");
    }
}
