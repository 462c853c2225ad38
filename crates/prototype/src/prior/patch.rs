//! Patches that occur in pictures.

use super::{Bound, OF, Prior, PriorError, Site, asked_class, weight};
use crate::{
    base::{
        geom::Shape,
        registry::{Entry, Kind, Param},
        rng::below,
    },
    nn::tensor::Tensor,
};

/// `weight * sum over patches p of min_q |p - q|^2`: each patch of the picture is to be like some patch `q` of the data set.
/// The `q` are drawn at random from its pictures, those of the picture stand at every `stride` pixels.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `side` | 5 | whole number from 2 to 64 |
/// | `stride` | 2 | whole number from 1 to 64 |
/// | `patches` | 1000 | whole number from 1 to 100000 |
/// | `of` | class | class, all |
/// | `weight` | 0.01 | >= 0 |
struct Patches {
    side: usize,
    stride: usize,
    count: usize,
    of: String,
    weight: f64,
}

const fn pixels(key: &'static str, default: &'static str, min: u64, help: &'static str) -> Param {
    Param { key, default, kind: Kind::Integer { min, max: 64 }, help }
}

pub(super) const ENTRY: Entry<dyn Prior> = Entry {
    id: "patch-prior",
    summary: "penalty on patches that are like none of the data set",
    cite: "wei2015understanding",
    params: &[
        pixels("side", "5", 2, "side of a patch in pixels"),
        pixels("stride", "2", 1, "pixels from patch to patch"),
        Param {
            key: "patches",
            default: "1000",
            kind: Kind::Integer { min: 1, max: 100_000 },
            help: "patches that are drawn from the data set",
        },
        OF,
        weight("0.01", "what a squared distance of 1 costs"),
    ],
    build: |args| {
        Ok(Box::new(Patches {
            side: args.usize("side"),
            stride: args.usize("stride"),
            count: args.usize("patches"),
            of: args.text("of").to_owned(),
            weight: args.f64("weight"),
        }))
    },
};

impl Prior for Patches {
    fn asks_data(&self) -> bool {
        true
    }

    fn bind(&self, site: &Site<'_>) -> Result<Box<dyn Bound>, PriorError> {
        let (side, shape) = (self.side, site.shape);
        if side > shape.h.min(shape.w) {
            return Err(PriorError::Patch { side, shape });
        }
        let pictures = site.examples.of_class(asked_class(&self.of, site))?;
        // the same patches at every restart
        let mut rng = Site { restart: 0, ..*site }.rng("patches", &[]);
        let mut draw = |bound: usize| below(&mut rng, bound as u64) as usize;
        let known = (0..self.count).map(|_| {
            let picture = &pictures[draw(pictures.len())];
            let (y, x) = (draw(shape.h - side + 1), draw(shape.w - side + 1));
            cut(picture, y, x, side)
        });
        let patches = known.collect();
        Ok(Box::new(Known { side, stride: self.stride, weight: self.weight, patches }))
    }
}

struct Known {
    side: usize,
    stride: usize,
    weight: f64,
    patches: Vec<Vec<f32>>,
}

/// The values of a patch, row by row.
fn cut(picture: &Tensor, y: usize, x: usize, side: usize) -> Vec<f32> {
    (y..y + side).flat_map(|y| picture.row(y, x, x + side)).copied().collect()
}

/// Squared distance, as long as it stays below `most`.
fn distance(a: &[f32], b: &[f32], most: f32) -> Option<f32> {
    let mut sum = 0.0f32;
    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
        sum += a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        if sum >= most {
            return None;
        }
    }
    Some(sum)
}

impl Known {
    /// The patch that is most like `own`, the first of several.
    fn nearest(&self, own: &[f32]) -> &[f32] {
        let (mut best, mut least) = (&self.patches[0], f32::INFINITY);
        for known in &self.patches {
            if let Some(d) = distance(own, known, least) {
                (best, least) = (known, d);
            }
        }
        best
    }
}

impl Bound for Known {
    fn penalty(&self, x: &Tensor) -> Option<(f64, Tensor)> {
        let Shape { c, h, w } = x.shape;
        let mut gradient = Tensor::zeros(x.shape);
        let mut sum = 0.0;
        for y in (0..=h - self.side).step_by(self.stride) {
            for column in (0..=w - self.side).step_by(self.stride) {
                let own = cut(x, y, column, self.side);
                let nearest = self.nearest(&own);
                for (i, (a, b)) in own.iter().zip(nearest).enumerate() {
                    let d = f64::from(*a) - f64::from(*b);
                    sum += d * d;
                    let row = y + i / (self.side * c);
                    let at = (row * w + column) * c + i % (self.side * c);
                    gradient.data[at] += (2.0 * self.weight * d) as f32;
                }
            }
        }
        Some((self.weight * sum, gradient))
    }
}
