//! A function of the caller's as a model: scores of a batch, whoever computes them.

use crate::{
    Error, Model,
    base::geom::Shape,
    nn::{self, op::foreign::Predictor, tensor::Tensor},
};
use ndarray::{Array2, ArrayView4, Axis, stack};
use std::sync::Arc;

impl Model {
    /// A classifier that `predict` computes: from a batch of inputs, (inputs, channels, rows, columns), to
    /// the scores of all classes before softmax, (inputs, classes). `input` is (channels, rows,
    /// columns); `sidecar` says how pictures become inputs and what the scores are (`head`), as the file
    /// beside a model does. Methods that need gradients or layers are refused. Give it another `name` when
    /// it computes something else: runs are known by it.
    pub fn from_scores(
        name: &str,
        input: [usize; 3],
        classes: usize,
        sidecar: &str,
        predict: impl Fn(ArrayView4<'_, f32>) -> Result<Array2<f32>, String> + Send + Sync + 'static,
    ) -> Result<Model, Error> {
        let [channels, rows, columns] = input;
        let callable = Callable { name: name.to_owned(), predict };
        let input = Shape::new(channels, rows, columns);
        let model = nn::model::Model::foreign(Arc::new(callable), input, classes, sidecar)?;
        Ok(Model::new(model, name.to_owned()))
    }
}

/// A function with a name.
struct Callable<F> {
    name: String,
    predict: F,
}

impl<F> Predictor for Callable<F>
where
    F: Fn(ArrayView4<'_, f32>) -> Result<Array2<f32>, String> + Send + Sync,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn scores(&self, batch: &[Tensor]) -> Result<Vec<Vec<f32>>, String> {
        let inputs: Vec<_> = batch.iter().map(Tensor::to_chw).collect();
        let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();
        let all = stack(Axis(0), &views).map_err(|e| e.to_string())?;
        let scores = (self.predict)(all.view())?;
        Ok(scores.outer_iter().map(|row| row.to_vec()).collect())
    }
}
