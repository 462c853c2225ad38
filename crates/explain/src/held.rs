//! A heat map that is there already.

use super::{Case, ExplainError, Explainer, Given, HeatMap, Kind, Total};
use crate::{base::geom::Shape, nn::tensor::Tensor};
use ndarray::Array2;

/// One heat map for every picture, (rows, columns) of the network's input, as a method.
#[derive(Clone, Debug)]
pub struct Held(pub HeatMap);

impl Explainer for Held {
    /// The heat map in single precision.
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let heat = self.heat_map(case)?;
        let (h, w) = heat.dim();
        Ok(Tensor::new(Shape::new(1, h, w), heat.iter().map(|v| *v as f32).collect()))
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Imported(self)
    }

    fn total(&self, _: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        Ok(None)
    }
}

impl Given for Held {
    fn heat_map(&self, case: &Case<'_>) -> Result<HeatMap, ExplainError> {
        let ((h, w), input) = (self.0.dim(), case.graph.input_shape());
        let (count, total) = (self.0.iter().filter(|v| !v.is_finite()).count(), self.0.len());
        match (h, w) == (input.h, input.w) {
            false => Err(ExplainError::NotPerPixel { h, w, height: input.h, width: input.w }),
            true if count > 0 => Err(ExplainError::NonFinite { count, total }),
            true => Ok(self.0.clone()),
        }
    }

    fn whole_heat_map(&self, _: &Case<'_>) -> Result<Option<Array2<i128>>, ExplainError> {
        Ok(None)
    }
}
