//! Values picked one by one from the values of some maps: gathered and scattered slices.

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};

/// Each value of the output is one value of one of the inputs.
#[derive(Debug)]
pub struct Lookup {
    name: &'static str,
    inputs: Vec<Shape>,
    /// For each value of the output, as they lie in memory, the value of the inputs: their values are
    /// counted on from one to the next.
    sources: Vec<usize>,
    to: Shape,
}

impl Lookup {
    /// From maps of shapes `inputs`; `to` is how the output is viewed. `name` is the ONNX operator it
    /// came from.
    pub fn new(
        name: &'static str,
        inputs: Vec<Shape>,
        sources: Vec<usize>,
        to: Shape,
    ) -> Result<Lookup, String> {
        let all: usize = inputs.iter().map(|s| s.len()).sum();
        if sources.len() != to.len() || sources.iter().any(|i| *i >= all) {
            return Err(format!("{} indices into {all} values do not make {to}", sources.len()));
        }
        Ok(Lookup { name, inputs, sources, to })
    }

    /// How many values stand before those of input `k`.
    fn start(&self, k: usize) -> usize {
        self.inputs[..k].iter().map(|s| s.len()).sum()
    }

    /// Where in its input the source of a value is.
    fn place(&self, mut at: usize) -> (usize, usize) {
        for (k, shape) in self.inputs.iter().enumerate() {
            if at < shape.len() {
                return (k, at);
            }
            at -= shape.len();
        }
        unreachable!("checked at construction")
    }
}

impl Op for Lookup {
    fn name(&self) -> &'static str {
        self.name
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        if ins == self.inputs {
            return Ok(self.to);
        }
        Err(format!("expected maps of {:?}, found {ins:?}", self.inputs))
    }

    fn reach(&self, _ins: &[Shape], k: usize, dirty: Rect) -> Rect {
        let (shape, start) = (self.inputs[k], self.start(k));
        let changes = |i: usize| {
            let pixel = i.wrapping_sub(start) / shape.c.max(1);
            let (y, x) = (pixel / shape.w.max(1), pixel % shape.w.max(1));
            i >= start && dirty.contains(Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 })
        };
        let mut all = Rect::EMPTY;
        for (pixel, sources) in self.sources.chunks_exact(self.to.c.max(1)).enumerate() {
            if !dirty.is_empty() && sources.iter().any(|i| changes(*i)) {
                let (y, x) = (pixel / self.to.w, pixel % self.to.w);
                all = all.union(Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 });
            }
        }
        all
    }

    fn role(&self) -> Role<'_> {
        Role::Route
    }
}

impl Cpu for Lookup {
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        super::axes::runs(self.to.w, self.to.c, rect, out, |at, out| {
            for (v, source) in out.iter_mut().zip(&self.sources[at..]) {
                let (k, i) = self.place(*source);
                *v = ins[k].data[i];
            }
        });
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, k: usize) -> Tensor {
        let mut back = Tensor::zeros(ins[k].shape);
        for (source, g) in self.sources.iter().zip(&grad.data) {
            let (from, i) = self.place(*source);
            if from == k {
                back.data[i] += g;
            }
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_from_the_input_that_is_named_and_gradients_go_there() {
        let (a, b) = (Tensor::vector(vec![1.0, 2.0]), Tensor::vector(vec![3.0, 4.0, 5.0]));
        let shapes = vec![a.shape, b.shape];
        let op = Lookup::new("ScatterND", shapes.clone(), vec![4, 0, 0], Shape::vector(3)).unwrap();
        let y = op.forward(&[&a, &b]);
        assert_eq!(y.data, [5.0, 1.0, 1.0]);
        assert_eq!(op.vjp(&[&a, &b], &y, &y, 0).data, [2.0, 0.0]);
        assert_eq!(op.vjp(&[&a, &b], &y, &y, 1).data, [0.0, 0.0, 5.0]);
        assert!(Lookup::new("ScatterND", shapes, vec![5], Shape::vector(1)).is_err());
    }
}
