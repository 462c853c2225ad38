//! Maps that know nothing of the network: what an explanation must beat.

use super::{Case, ExplainError, Explainer};
use crate::{
    base::{
        geom::Shape,
        registry::{Entry, Kind, Param},
    },
    nn::tensor::Tensor,
};

/// The length of the brightness gradient `sqrt(gx^2 + gy^2)` by the 3x3 Sobel filters, where
/// brightness is the mean over the channels of the picture with values in [0, 1] and edge pixels
/// are repeated; shape `(1, H, W)`.
///
/// Source: the edge-detector control of Adebayo et al. 2018 (sanity checks), sec. 5.
#[derive(Debug)]
pub struct Sobel;

/// `sobel`
pub const SOBEL: Entry<dyn Explainer> = Entry {
    id: "sobel",
    summary: "control: edges of the picture",
    cite: "adebayo2018sanity",
    params: &[],
    build: |_| Ok(Box::new(Sobel)),
};

impl Explainer for Sobel {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let Shape { h, w, .. } = case.graph.input_shape();
        let brightness = brightness(case)?;
        let at = |y: usize, x: usize, dy: isize, dx: isize| {
            let (y, x) = (y.saturating_add_signed(dy), x.saturating_add_signed(dx));
            brightness[y.min(h - 1) * w + x.min(w - 1)]
        };
        let edge = |y: usize, x: usize| {
            let difference = |f: &dyn Fn(isize, isize) -> f64| {
                [(-1, 1.0), (0, 2.0), (1, 1.0)]
                    .map(|(k, n)| n * (f(k, 1) - f(k, -1)))
                    .iter()
                    .sum::<f64>()
            };
            let gx = difference(&|along, across| at(y, x, along, across));
            let gy = difference(&|along, across| at(y, x, across, along));
            gx.hypot(gy) as f32
        };
        let data = (0..h * w).map(|i| edge(i / w, i % w)).collect();
        Ok(Tensor::new(Shape::new(1, h, w), data))
    }
}

/// Mean over channels of the pixel values in [0, 1].
fn brightness(case: &Case<'_>) -> Result<Vec<f64>, ExplainError> {
    let (x, (low, high)) = (case.input(), case.bounds()?);
    let pixel = |values: &[f32]| {
        let bounds = low.iter().zip(high);
        let scaled = values.iter().zip(bounds).map(|(v, (low, high))| {
            (f64::from(*v) - f64::from(*low)) / (f64::from(*high) - f64::from(*low))
        });
        scaled.sum::<f64>() / values.len() as f64
    };
    Ok(x.data.chunks_exact(x.shape.c).map(pixel).collect())
}

/// A Gaussian around the middle of the picture, `exp(-((y - cy)^2 / h^2 + (x - cx)^2 / w^2) /
/// (2 width^2))`; shape `(1, H, W)`.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `width` | 0.25 | > 0, standard deviation as a share of the picture's sides |
///
/// Source: the centre bias of photographs (Tatler 2007).
#[derive(Debug)]
pub struct CenterBias {
    width: f64,
}

/// `center-bias`
pub const CENTER_BIAS: Entry<dyn Explainer> = Entry {
    id: "center-bias",
    summary: "control: a blob in the middle of the picture",
    cite: "tatler2007central",
    params: &[Param {
        key: "width",
        default: "0.25",
        kind: Kind::Number { min: 0.01, max: 100.0 },
        help: "standard deviation as a share of the picture's sides",
    }],
    build: |args| Ok(Box::new(CenterBias { width: args.f64("width") })),
};

impl Explainer for CenterBias {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let Shape { h, w, .. } = case.graph.input_shape();
        let offset = |i: usize, n: usize| (i as f64 + 0.5) / n as f64 - 0.5;
        let value = |i: usize| {
            let squares = offset(i / w, h).powi(2) + offset(i % w, w).powi(2);
            (-squares / (2.0 * self.width.powi(2))).exp() as f32
        };
        Ok(Tensor::new(Shape::new(1, h, w), (0..h * w).map(value).collect()))
    }
}

/// The same relevance, 1, for every pixel: the order is left to the breaking of ties.
#[derive(Debug)]
pub struct Constant;

/// `constant`
pub const CONSTANT: Entry<dyn Explainer> = Entry {
    id: "constant",
    summary: "control: the same for every pixel, so ties decide",
    cite: "",
    params: &[],
    build: |_| Ok(Box::new(Constant)),
};

impl Explainer for Constant {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let Shape { h, w, .. } = case.graph.input_shape();
        Ok(Tensor::new(Shape::new(1, h, w), vec![1.0; h * w]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::rng::Seed, nn::graph::Graph};

    #[test]
    fn edges_of_a_step_and_of_a_flat_picture() {
        // columns black, black, white, white of a picture normalised to [-1, 3]
        let graph = Graph::new(Shape::new(1, 3, 4));
        let of = |rows: Vec<f32>| {
            let acts = graph.forward(&Tensor::new(Shape::new(1, 3, 4), rows));
            let (graph, acts, seed) = (&graph, &acts, Seed(0));
            let case = Case { graph, acts, target: 0, low: &[-1.0], high: &[3.0], seed, image: "" };
            Sobel.attribute(&case).unwrap().data
        };
        assert_eq!(of([-1.0, -1.0, 3.0, 3.0].repeat(3)), [0.0, 4.0, 4.0, 0.0].repeat(3));
        assert_eq!(of(vec![1.0; 12]), [0.0; 12]);
        // one white row at the bottom
        let bottom = [vec![-1.0; 8], vec![3.0; 4]].concat();
        assert_eq!(of(bottom), [vec![0.0; 4], vec![4.0; 8]].concat());
    }
}
