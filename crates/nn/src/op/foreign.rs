//! A network that another engine computes: all of it as one operator, of which only scores are known.

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};
use std::{fmt, sync::Arc};

/// What computes a network elsewhere: another runtime, a function of a program.
pub trait Predictor: Send + Sync {
    /// Name in messages.
    fn name(&self) -> &str;

    /// The scores of all classes for each input of a batch, or why there are none, in words.
    fn scores(&self, batch: &[Tensor]) -> Result<Vec<Vec<f32>>, String>;
}

/// Why another engine gives no scores.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{engine}` gives no scores: {problem}")]
pub struct EngineError {
    /// Name of the engine.
    pub engine: String,
    /// What it said, or what is wrong with what it gave.
    pub problem: String,
}

/// The whole network of a [`Predictor`].
#[derive(Clone)]
pub struct Foreign {
    predictor: Arc<dyn Predictor>,
    input: Shape,
    classes: usize,
}

impl Foreign {
    /// For inputs of one shape and so many classes.
    pub fn new(predictor: Arc<dyn Predictor>, input: Shape, classes: usize) -> Foreign {
        Foreign { predictor, input, classes }
    }

    /// Name of the engine.
    pub fn engine(&self) -> &str {
        self.predictor.name()
    }

    /// The scores of all classes for each input of a batch.
    pub fn scores(&self, batch: &[Tensor]) -> Result<Vec<Vec<f32>>, EngineError> {
        let failed = |problem| EngineError { engine: self.engine().to_owned(), problem };
        let scores = self.predictor.scores(batch).map_err(failed)?;
        let (inputs, classes) = (batch.len(), self.classes);
        if scores.len() != inputs {
            let found = scores.len();
            return Err(failed(format!("expected those of {inputs} inputs, found {found}")));
        }
        match scores.iter().find(|scores| scores.len() != classes) {
            None => Ok(scores),
            Some(odd) => {
                Err(failed(format!("expected {classes} for each input, found {}", odd.len())))
            }
        }
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Foreign({})", self.engine())
    }
}

impl Op for Foreign {
    fn name(&self) -> &'static str {
        "Predict"
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        match ins {
            [input] if *input == self.input => Ok(Shape::vector(self.classes)),
            _ => Err(format!("expected one input of {}, found {ins:?}", self.input)),
        }
    }

    fn reach(&self, _: &[Shape], _: usize, _: Rect) -> Rect {
        Shape::vector(self.classes).rect()
    }

    fn role(&self) -> Role<'_> {
        Role::Other
    }
}

/// Whoever cannot hear of errors gets numbers that are not finite.
impl Cpu for Foreign {
    fn eval(&self, ins: &[&Tensor], _: Rect, out: &mut [f32]) {
        match self.scores(std::slice::from_ref(ins[0])) {
            Ok(scores) => out.copy_from_slice(&scores[0]),
            Err(_) => out.fill(f32::NAN),
        }
    }

    /// Scores alone have no gradient.
    fn vjp(&self, ins: &[&Tensor], _: &Tensor, _: &Tensor, _: usize) -> Tensor {
        ins[0].map(|_| f32::NAN)
    }
}
