//! Rectifiers with a learned slope per channel.

use super::{Cpu, Op, Role};
use crate::{
    base::geom::{Rect, Shape},
    tensor::{Exact, Tensor},
};

/// `x` above 0, `slope x` below, one slope per channel (He et al. 2015).
#[derive(Debug)]
pub struct PRelu {
    slopes: Vec<f32>,
}

impl PRelu {
    /// One slope per channel.
    pub fn new(slopes: Vec<f32>) -> PRelu {
        PRelu { slopes }
    }
}

impl Op for PRelu {
    fn name(&self) -> &'static str {
        "PRelu"
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let shape = super::one_input(ins)?;
        if shape.c == self.slopes.len() {
            return Ok(shape);
        }
        Err(format!("it has {} slopes for {} channels", self.slopes.len(), shape.c))
    }

    fn parameters(&self) -> usize {
        self.slopes.len()
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        dirty
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        true
    }

    fn role(&self) -> Role<'_> {
        Role::Activation
    }
}

impl Cpu for PRelu {
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        ins[0].read(rect, out);
        for pixel in out.chunks_exact_mut(self.slopes.len()) {
            for (v, slope) in pixel.iter_mut().zip(&self.slopes) {
                *v = if *v > 0.0 { *v } else { slope * *v };
            }
        }
    }

    fn exact(&self, ins: &[&Exact]) -> Exact {
        let slopes = self.slopes.iter().cycle();
        let bent = |(x, slope): (&f64, &f32)| if *x > 0.0 { *x } else { f64::from(*slope) * x };
        Exact { shape: ins[0].shape, data: ins[0].data.iter().zip(slopes).map(bent).collect() }
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let values = ins[0].data.iter().zip(&grad.data).zip(self.slopes.iter().cycle());
        let back = values.map(|((x, g), slope)| if *x > 0.0 { *g } else { slope * g });
        Tensor::new(grad.shape, back.collect())
    }
}
