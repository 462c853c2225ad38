//! What the score loses when a window of the picture is covered.

use super::{Case, ExplainError, Explainer, reference::Reference};
use crate::{
    base::{
        geom::{Rect, Shape},
        registry::{Entry, Kind, Param},
    },
    nn::tensor::Tensor,
};

/// `R_p = mean over the windows that cover pixel p of f(x) - f(x with the window covered)`; shape
/// `(1, H, W)`. Windows start at multiples of the stride, as many as are needed to reach the
/// right and the lower edge, where they are cut off.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `window` | 9 | >= 1, pixels |
/// | `stride` | 9 | 1 to `window`, pixels |
/// | `value` | `grey` | `black`, `grey`, `white`, `zero` (after normalisation) |
///
/// One forward pass per window. The window is that of the regions in the evaluation; the paper
/// covers about a fifth of the picture's side.
///
/// Source: Zeiler and Fergus 2014, sec. 4.2 (grey square).
#[derive(Debug)]
pub struct Occlusion {
    window: usize,
    stride: usize,
    value: Reference,
}

/// `occlusion`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "occlusion",
    summary: "loss of score when a window is covered",
    cite: "zeiler2014visualizing",
    params: &[
        Param {
            key: "window",
            default: "9",
            kind: Kind::Integer { min: 1, max: u64::MAX },
            help: "side of the square window in pixels",
        },
        Param {
            key: "stride",
            default: "9",
            kind: Kind::Integer { min: 1, max: u64::MAX },
            help: "step from one window to the next in pixels, at most the window",
        },
        Param {
            key: "value",
            default: "grey",
            kind: Kind::Word(Reference::WORDS),
            help: "what covers the window",
        },
    ],
    build: |args| {
        let (window, stride) = (args.usize("window"), args.usize("stride"));
        if stride > window {
            return Err(args.bad("stride", &format!("at most the window, {window}")));
        }
        let value = args.word("value");
        Ok(Box::new(Occlusion { window, stride, value }))
    },
};

impl Explainer for Occlusion {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let Shape { h, w, .. } = case.graph.input_shape();
        let pixel = self.value.pixel(case)?;
        let columns: Vec<(usize, usize)> = spans(w, self.window, self.stride).collect();
        let row = |(y0, y1)| columns.iter().map(move |&(x0, x1)| Rect { y0, y1, x0, x1 });
        let windows: Vec<Rect> = spans(h, self.window, self.stride).flat_map(row).collect();
        let scores = case.scores_at(windows.iter().map(|rect| covered(case, *rect, &pixel)))?;
        let mut sums = vec![(0.0f64, 0u32); h * w];
        for (Rect { y0, y1, x0, x1 }, score) in windows.into_iter().zip(scores) {
            let loss = f64::from(case.score()) - f64::from(score);
            for y in y0..y1 {
                sums[y * w + x0..y * w + x1].iter_mut().for_each(|(sum, n)| {
                    *sum += loss;
                    *n += 1;
                });
            }
        }
        let data = sums.iter().map(|(sum, n)| (sum / f64::from(*n)) as f32).collect();
        Ok(Tensor::new(Shape::new(1, h, w), data))
    }
}

/// The picture with `rect` filled by `pixel`.
fn covered(case: &Case<'_>, rect: Rect, pixel: &[f32]) -> Tensor {
    let mut x = case.input().clone();
    let fill: Vec<f32> = pixel.iter().copied().cycle().take(rect.area() * pixel.len()).collect();
    x.write(rect, &fill);
    x
}

/// Half-open spans of `window` pixels that cover `0..size`, cut off at the end.
fn spans(size: usize, window: usize, stride: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = size.saturating_sub(window).div_ceil(stride) + 1;
    (0..count).map(move |k| (k * stride, (k * stride).saturating_add(window).min(size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_reach_the_edge() {
        let of = |size, window, stride| spans(size, window, stride).collect::<Vec<_>>();
        assert_eq!(of(8, 4, 4), [(0, 4), (4, 8)]);
        assert_eq!(of(10, 4, 4), [(0, 4), (4, 8), (8, 10)]);
        assert_eq!(of(8, 5, 3), [(0, 5), (3, 8)]);
        assert_eq!(of(3, 9, 9), [(0, 3)]);
    }
}
