//! Size: how a picture of any size is resized, cropped and padded, and which of its pixels end where.

use super::{Crop, Interpolation, Preprocess, PreprocessError, Resize};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};
use image::{ImageBuffer, Luma, Pixel, Rgb, imageops};
use std::fmt;

/// Largest intermediate picture of a resize; a 1 x 100,000 picture made 256 wide is beyond it.
pub(super) const MAX_RESIZED_PIXELS: usize = 100_000_000;

/// Height and width in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Size {
    pub(super) fn of(shape: Shape) -> Size {
        Size { height: shape.h, width: shape.w }
    }

    fn holds(self, other: Size) -> bool {
        self.height >= other.height && self.width >= other.width
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

impl Preprocess {
    /// Which pixels of a picture of shape `found` become which pixels of the input.
    pub fn placement(&self, found: Shape) -> Result<Placement, PreprocessError> {
        let found = Size::of(found);
        Ok(Placement { found, fit: self.fit(found)?, pad: self.pad, input: self.input })
    }

    /// What [`Preprocess::picture`] does to a picture of size `found`.
    pub(super) fn fit(&self, found: Size) -> Result<Fit, PreprocessError> {
        let Shape { h, w, .. } = self.input;
        let needed = Size { height: h - 2 * self.pad[0], width: w - 2 * self.pad[1] };
        let resized = match self.resize {
            _ if found.height == 0 || found.width == 0 => found,
            Resize::None => found,
            Resize::Exact => needed,
            Resize::Short(side) => short_side(found, side),
            Resize::Square(side) => Size { height: side, width: side },
            Resize::Cover => cover(found, needed),
        };
        if resized != found {
            // the rows are resampled first
            let rows = resized.height.saturating_mul(found.width);
            if rows.max(resized.height.saturating_mul(resized.width)) > MAX_RESIZED_PIXELS {
                return Err(PreprocessError::Huge { found, to: resized });
            }
        }
        match self.crop {
            Crop::None if resized == needed => Ok(Fit { resized, needed, top: 0, left: 0 }),
            Crop::Center | Crop::CenterTorchvision if resized.holds(needed) => Ok(Fit {
                resized,
                needed,
                top: self.crop.first(resized.height - needed.height),
                left: self.crop.first(resized.width - needed.width),
            }),
            _ => Err(self.misfit(found, resized, needed)),
        }
    }

    fn misfit(&self, found: Size, resized: Size, needed: Size) -> PreprocessError {
        let fix = match (self.resize, self.crop) {
            _ if found.height == 0 || found.width == 0 => "it has no pixels",
            (Resize::None, _) => {
                "give `--preset` for the family that the model belongs to (torchvision, caffe, keras, inception, \
                 clip), or `--resize exact`, or `--resize short=PIXELS` with `--crop \
                 center-torchvision`, or these keys in the sidecar"
            }
            (_, Crop::None) => {
                "give `--crop center-torchvision` (or `center`, as Caffe crops) or `--resize exact`, or these \
                 keys in the sidecar"
            }
            _ => "give a larger `--resize short=PIXELS`, or this key in the sidecar",
        };
        let resized =
            if resized == found { String::new() } else { format!(", resized to {resized}") };
        let padded = if self.pad == [0, 0] {
            String::new()
        } else {
            format!(" before padding by [{}, {}]", self.pad[0], self.pad[1])
        };
        PreprocessError::Size { found, resized, expected: needed, padded, fix }
    }
}

/// Sizes and offsets on the way of one picture into image space.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fit {
    pub(super) resized: Size,
    pub(super) needed: Size,
    pub(super) top: usize,
    pub(super) left: usize,
}

/// Where the pixels of one picture lie in the network's input, and back.
#[derive(Debug, PartialEq, Eq)]
pub struct Placement {
    found: Size,
    fit: Fit,
    pad: [usize; 2],
    input: Shape,
}

impl Placement {
    /// Row and column of the picture's pixel that lies under the centre of an input's pixel; none
    /// in the padding.
    pub fn source(&self, y: usize, x: usize) -> Option<(usize, usize)> {
        let Placement { found, fit, pad, .. } = self;
        let inside = |at: usize, pad: usize, needed: usize| {
            at.checked_sub(pad).filter(|shifted| *shifted < needed)
        };
        let y = inside(y, pad[0], fit.needed.height)? + fit.top;
        let x = inside(x, pad[1], fit.needed.width)? + fit.left;
        // the centre (at + 1/2) * found / resized, rounded down
        let back = |at: usize, found: usize, resized: usize| (2 * at + 1) * found / (2 * resized);
        let (h, w) = (fit.resized.height, fit.resized.width);
        Some((back(y, found.height, h), back(x, found.width, w)))
    }

    /// The input's pixels that a rectangle of the picture touches; `EMPTY` when it was cropped away.
    pub fn rect(&self, rect: Rect) -> Rect {
        let Placement { found, fit, pad, input } = self;
        let Size { height, width } = fit.resized;
        let down = |at: usize, to: usize, from: usize| at * to / from;
        let up = |at: usize, to: usize, from: usize| (at * to).div_ceil(from);
        let rows = |at: usize| (at + pad[0]).saturating_sub(fit.top);
        let columns = |at: usize| (at + pad[1]).saturating_sub(fit.left);
        let moved = Rect {
            y0: rows(down(rect.y0, height, found.height)),
            y1: rows(up(rect.y1, height, found.height)),
            x0: columns(down(rect.x0, width, found.width)),
            x1: columns(up(rect.x1, width, found.width)),
        };
        moved.intersect(Rect { y0: pad[0], y1: input.h - pad[0], x0: pad[1], x1: input.w - pad[1] })
    }
}

pub(super) fn short_side(found: Size, side: usize) -> Size {
    let long = |long: usize, short: usize| side.saturating_mul(long) / short;
    if found.height <= found.width {
        Size { height: side, width: long(found.width, found.height) }
    } else {
        Size { height: long(found.height, found.width), width: side }
    }
}

/// The smallest size with the aspect ratio of `found` (the longer side rounded down) that holds `needed`.
fn cover(found: Size, needed: Size) -> Size {
    let wide = Size {
        height: needed.height,
        width: needed.height.saturating_mul(found.width) / found.height,
    };
    if wide.holds(needed) {
        return wide;
    }
    let high = needed.width.saturating_mul(found.height) / found.width;
    Size { height: high.max(needed.height), width: needed.width }
}

pub(super) fn resized_to(image: &Tensor, to: Size, how: Interpolation) -> Tensor {
    let data = match image.shape.c {
        1 => resample::<Luma<f32>>(image, to, how),
        _ => resample::<Rgb<f32>>(image, to, how),
    };
    Tensor::new(Shape::new(image.shape.c, to.height, to.width), data)
}

/// Separable filter, widened by the reduction factor (antialiasing).
fn resample<P: Pixel<Subpixel = f32> + 'static>(
    image: &Tensor,
    to: Size,
    how: Interpolation,
) -> Vec<f32> {
    let (w, h) = (image.shape.w as u32, image.shape.h as u32);
    let source: ImageBuffer<P, &[f32]> = ImageBuffer::from_raw(w, h, &image.data[..])
        .expect("a tensor holds as many values as its shape says");
    let filter = match how {
        Interpolation::Bilinear => imageops::FilterType::Triangle,
        Interpolation::Bicubic => imageops::FilterType::CatmullRom,
    };
    imageops::resize(&source, to.width as u32, to.height as u32, filter).into_raw()
}
