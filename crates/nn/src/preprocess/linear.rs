//! The way of pictures into image space as a linear map, and its transpose, along which gradients come back.

use super::{Interpolation, Preprocess, PreprocessError, Size};
use crate::{base::geom::Shape, tensor::Tensor};

/// What a place of the output is made of along one axis: places of the input with their weights.
type Taps = Vec<Vec<(usize, f32)>>;

/// How pictures of one shape become pictures in image space: along rows, along columns, and from channel to channel.
/// Resizing is bilinear, which unlike the bicubic filter needs no bounds and so is linear.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    from: Shape,
    to: Shape,
    rows: Taps,
    columns: Taps,
    /// Weight of each channel of the picture in each channel of the input.
    channels: Vec<Vec<f32>>,
}

impl Preprocess {
    /// Shape of the picture, in colours as people see them, that becomes the network's input with nothing but its
    /// padding added.
    pub fn canvas(&self) -> Shape {
        let [y, x] = self.pad;
        Shape::new(self.channels.count(), self.input.h - 2 * y, self.input.w - 2 * x)
    }

    /// The way of pictures of a shape with 1 channel or 3.
    pub fn way(&self, from: Shape) -> Result<Way, PreprocessError> {
        if ![1, 3].contains(&from.c) {
            return Err(PreprocessError::Channels { found: from.c });
        }
        let fit = self.fit(Size::of(from))?;
        let (rows, columns) = if fit.resized == Size::of(from) {
            let [y, x] = self.pad;
            (
                shifted(self.input.h, fit.needed.height, y, fit.top),
                shifted(self.input.w, fit.needed.width, x, fit.left),
            )
        } else {
            self.probed(from)?
        };
        let unit = |k: usize| (0..from.c).map(|i| f32::from(u8::from(i == k))).collect::<Vec<_>>();
        let mut channels = vec![vec![0.0; from.c]; self.input.c];
        for k in 0..from.c {
            let mut out = vec![0.0; self.input.c];
            self.channels.convert(&unit(k), &mut out);
            channels.iter_mut().zip(out).for_each(|(weights, v)| weights[k] = v);
        }
        Ok(Way { from, to: self.input, rows, columns, channels })
    }

    /// The weights of a resize, which is separable: those along rows are what a picture becomes of which one row is
    /// white, in any column, since the weights along columns sum to 1.
    fn probed(&self, from: Shape) -> Result<(Taps, Taps), PreprocessError> {
        let bilinear = Preprocess { interpolation: Interpolation::Bilinear, ..self.clone() };
        let (h, w, c) = (self.input.h, self.input.w, self.input.c);
        let grey = Shape::new(1, from.h, from.w);
        let mut rows: Taps = vec![vec![]; h];
        for y in 0..from.h {
            let mut probe = Tensor::zeros(grey);
            probe.data[y * from.w..(y + 1) * from.w].fill(1.0);
            let seen = bilinear.picture(&probe)?;
            gather(&mut rows, y, |at| seen.data[(at * w + w / 2) * c]);
        }
        let mut columns: Taps = vec![vec![]; w];
        for x in 0..from.w {
            let mut probe = Tensor::zeros(grey);
            (0..from.h).for_each(|y| probe.data[y * from.w + x] = 1.0);
            let seen = bilinear.picture(&probe)?;
            gather(&mut columns, x, |at| seen.data[(h / 2 * w + at) * c]);
        }
        Ok((rows, columns))
    }
}

/// Notes the weights of input place `from`.
fn gather(taps: &mut Taps, from: usize, weight: impl Fn(usize) -> f32) {
    for (at, taps) in taps.iter_mut().enumerate() {
        let weight = weight(at);
        if weight != 0.0 {
            taps.push((from, weight));
        }
    }
}

/// Places that are copied: so many after the padding, from the first that was not cropped.
fn shifted(all: usize, copied: usize, pad: usize, first: usize) -> Taps {
    let tap = |at: usize| {
        let inside = at.checked_sub(pad).filter(|at| *at < copied);
        inside.map(|at| (at + first, 1.0)).into_iter().collect()
    };
    (0..all).map(tap).collect()
}

impl Way {
    /// Shape of the pictures.
    pub fn from(&self) -> Shape {
        self.from
    }

    /// A picture in image space; [`Preprocess::picture`] of the same picture up to rounding.
    #[must_use]
    pub fn apply(&self, picture: &Tensor) -> Tensor {
        assert_eq!(picture.shape, self.from, "a way is for pictures of one shape");
        let mut out = Tensor::zeros(self.to);
        self.each(|to, from, weight| out.data[to] += weight * picture.data[from]);
        out
    }

    /// The gradient with respect to the picture, of that with respect to what it became.
    #[must_use]
    pub fn back(&self, gradient: &Tensor) -> Tensor {
        assert_eq!(gradient.shape, self.to, "a gradient has the shape of image space");
        let mut out = Tensor::zeros(self.from);
        self.each(|to, from, weight| out.data[from] += weight * gradient.data[to]);
        out
    }

    /// Every product of the map: place of the output, place of the picture, weight.
    fn each(&self, mut product: impl FnMut(usize, usize, f32)) {
        for (y, rows) in self.rows.iter().enumerate() {
            for (x, columns) in self.columns.iter().enumerate() {
                let to = (y * self.to.w + x) * self.to.c;
                for (from_y, a) in rows {
                    for (from_x, b) in columns {
                        let from = (from_y * self.from.w + from_x) * self.from.c;
                        for (c, weights) in self.channels.iter().enumerate() {
                            for (k, weight) in weights.iter().enumerate() {
                                product(to + c, from + k, a * b * weight);
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(shape: Shape) -> Tensor {
        let value = |i: usize| ((i * 37 + 11) % 97) as f32 / 97.0;
        Tensor::new(shape, (0..shape.len()).map(value).collect())
    }

    /// Sidecars with a picture each: padded, cropped, resized, turned to grey and to BGR.
    fn cases() -> Vec<(Preprocess, Shape)> {
        let case = |text: &str, input: Shape, from: Shape| {
            let c = input.c;
            let text = format!(
                "{text}\nscale = 0.01\nmean = {:?}\nstd = {:?}",
                vec![0.1; c],
                vec![0.5; c]
            );
            (Preprocess::from_toml(&text, input).unwrap(), from)
        };
        let (grey, colour) = (Shape::new(1, 8, 7), Shape::new(3, 8, 7));
        vec![
            case("channels = \"grey\"\npad = [2, 1]", grey, Shape::new(1, 4, 5)),
            case("channels = \"grey\"", grey, colour),
            case("channels = \"bgr\"\ncrop = \"center\"", colour, Shape::new(3, 11, 10)),
            case("channels = \"bgr\"", colour, grey),
            case("channels = \"rgb\"\nresize = \"exact\"", colour, Shape::new(3, 5, 13)),
            case(
                "channels = \"rgb\"\nresize = { short = 9 }\ncrop = \"center\"\npad = [1, 0]",
                colour,
                Shape::new(1, 20, 16),
            ),
        ]
    }

    #[test]
    fn the_way_is_what_happens_to_pictures() {
        for (preprocess, from) in cases() {
            let x = picture(from);
            let (ours, theirs) =
                (preprocess.way(from).unwrap().apply(&x), preprocess.picture(&x).unwrap());
            for (a, b) in ours.data.iter().zip(&theirs.data) {
                // sums of at most a few dozen weights in single precision
                assert!((a - b).abs() < 1e-5, "{from}: {a} instead of {b}");
            }
        }
    }

    #[test]
    fn the_way_back_is_the_transpose() {
        for (preprocess, from) in cases() {
            let way = preprocess.way(from).unwrap();
            let (x, g) = (picture(from), picture(preprocess.input()));
            let dot = |a: &Tensor, b: &Tensor| -> f64 {
                a.data.iter().zip(&b.data).map(|(a, b)| f64::from(a * b)).sum()
            };
            let (there, back) = (dot(&way.apply(&x), &g), dot(&x, &way.back(&g)));
            assert!((there - back).abs() < 1e-4 * there.abs(), "{from}: {there} and {back}");
        }
    }
}
