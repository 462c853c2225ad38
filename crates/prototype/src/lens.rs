//! How the network sees a canvas, and the way of gradients back.

use crate::{
    base::geom::Shape,
    nn::{
        preprocess::{Preprocess, PreprocessError, Way},
        tensor::Tensor,
    },
};

/// The way from a canvas to the input of a network, which is affine.
///
/// A canvas is a picture as people see it (1 channel or RGB, values in [0, 1]) that becomes the input as every picture
/// does: resized, cropped, padded, channels in the network's order, normalised. Networks without a preprocessing see
/// the canvas as it is, and it has no bounds.
#[derive(Clone, Debug)]
pub struct Lens {
    canvas: Shape,
    zero: Vec<f32>,
    glass: Option<Glass>,
}

#[derive(Clone, Debug)]
struct Glass {
    preprocess: Preprocess,
    way: Way,
    /// Slope of the normalisation per channel of the input.
    gain: Vec<f32>,
}

impl Lens {
    /// For canvases of a shape that fits the preprocessing.
    pub fn new(preprocess: &Preprocess, canvas: Shape) -> Result<Lens, PreprocessError> {
        let way = preprocess.way(canvas)?;
        let (low, high) = (preprocess.low(), preprocess.high());
        let gain: Vec<f32> = low.iter().zip(&high).map(|(low, high)| high - low).collect();
        let zero = zero(&low, &gain, preprocess, canvas);
        let glass = Some(Glass { preprocess: preprocess.clone(), way, gain });
        Ok(Lens { canvas, zero, glass })
    }

    /// For the canvas that becomes the input with nothing but its padding added.
    pub fn plain(preprocess: &Preprocess) -> Result<Lens, PreprocessError> {
        let size = crate::nn::preprocess::Settings {
            resize: Some(crate::nn::preprocess::Resize::None),
            crop: Some(crate::nn::preprocess::Crop::None),
            ..crate::nn::preprocess::Settings::default()
        };
        Lens::new(&preprocess.changed(size)?, preprocess.canvas())
    }

    /// For a network that is fed as it is.
    pub fn none(input: Shape) -> Lens {
        Lens { canvas: input, zero: vec![0.0; input.c], glass: None }
    }

    /// Shape of the canvas.
    pub fn canvas(&self) -> Shape {
        self.canvas
    }

    /// Per channel of the canvas the value at which the input is 0, within the bounds: for networks fed with
    /// differences from a mean picture, the colour of that.
    pub fn zero(&self) -> &[f32] {
        &self.zero
    }

    /// A canvas of that colour.
    pub fn blank(&self) -> Tensor {
        Tensor::new(self.canvas, self.zero.repeat(self.canvas.h * self.canvas.w))
    }

    /// The smallest and the largest value of a pixel, where there are bounds.
    pub fn bounds(&self) -> Option<(f32, f32)> {
        self.glass.as_ref().map(|_| (0.0, 1.0))
    }

    /// The input that a canvas becomes.
    pub fn see(&self, canvas: &Tensor) -> Tensor {
        match &self.glass {
            Some(glass) => glass.preprocess.normalise(&glass.way.apply(canvas)),
            None => canvas.clone(),
        }
    }

    /// The gradient with respect to the canvas, of that with respect to the input.
    pub fn back(&self, gradient: &Tensor) -> Tensor {
        let Some(glass) = &self.glass else { return gradient.clone() };
        let mut scaled = gradient.clone();
        for pixel in scaled.data.chunks_exact_mut(glass.gain.len()) {
            pixel.iter_mut().zip(&glass.gain).for_each(|(v, gain)| *v *= gain);
        }
        glass.way.back(&scaled)
    }
}

fn zero(low: &[f32], gain: &[f32], preprocess: &Preprocess, canvas: Shape) -> Vec<f32> {
    let own = low.iter().zip(gain).map(|(low, gain)| (-low / gain).clamp(0.0, 1.0));
    let own: Vec<f32> = own.collect();
    match (preprocess.channels(), canvas.c) {
        (_, c) if c == own.len() && c == 1 => own,
        (crate::nn::preprocess::Channels::Bgr, 3) => own.into_iter().rev().collect(),
        (_, 3) if own.len() == 3 => own,
        (_, c) => vec![own.iter().sum::<f32>() / own.len() as f32; c],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bgr() -> Preprocess {
        let text =
            "channels = \"bgr\"\nscale = 1.0\nmean = [104.0, 117.0, 123.0]\nstd = [1.0, 1.0, 1.0]";
        Preprocess::from_toml(text, Shape::new(3, 4, 5)).unwrap()
    }

    #[test]
    fn the_blank_canvas_is_an_input_of_zeros() {
        let lens = Lens::plain(&bgr()).unwrap();
        assert_eq!(lens.canvas(), Shape::new(3, 4, 5));
        // 255 levels in single precision
        assert!(lens.see(&lens.blank()).data.iter().all(|v| v.abs() < 1e-4));
        assert!((lens.zero()[0] - 123.0 / 255.0).abs() < 1e-6, "red is first: {:?}", lens.zero());
    }

    #[test]
    fn padding_is_no_part_of_the_canvas() {
        let text = "channels = \"grey\"\npad = [2, 2]\nscale = 0.00784313725490196\nmean = [1.0]\nstd = [1.0]";
        let padded = Preprocess::from_toml(text, Shape::new(1, 8, 8)).unwrap();
        let lens = Lens::plain(&padded).unwrap();
        assert_eq!(lens.canvas(), Shape::new(1, 4, 4));
        let seen = lens.see(&Tensor::new(lens.canvas(), vec![1.0; 16]));
        assert!(
            (seen.pixel(3, 3)[0] - 1.0).abs() < 1e-6 && (seen.pixel(0, 0)[0] + 1.0).abs() < 1e-6
        );
        assert!((lens.zero()[0] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn gradients_come_back_as_differences_say() {
        let lens = Lens::plain(&bgr()).unwrap();
        let shape = lens.canvas();
        let x = Tensor::new(shape, (0..shape.len()).map(|i| i as f32 / 60.0).collect());
        let g = Tensor::new(
            Shape::new(3, 4, 5),
            (0..60).map(|i| ((i * 7) % 11) as f32 - 5.0).collect(),
        );
        let value = |x: &Tensor| -> f64 {
            lens.see(x).data.iter().zip(&g.data).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let back = lens.back(&g);
        for i in [0, 17, 59] {
            let (mut up, mut down) = (x.clone(), x.clone());
            up.data[i] += 0.5;
            down.data[i] -= 0.5;
            let slope = value(&up) - value(&down);
            // values up to 128 times 5 in single precision
            assert!((slope - f64::from(back.data[i])).abs() < 1e-2, "{slope} {}", back.data[i]);
        }
    }
}
