//! Pictures that tremble.

use super::{Bound, Prior, PriorError, Site};
use crate::{
    base::{
        registry::{Entry, Kind, Param},
        rng::{Seed, below},
    },
    nn::tensor::Tensor,
};

/// At each step the network sees the picture moved by a random number of rows and columns from `-pixels` to `pixels` (what
/// goes out at one side comes in at the other), so that no pattern depends on its exact place.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `pixels` | 2 | whole number from 0 to 1000 |
struct Jitter {
    pixels: u64,
}

pub(super) const ENTRY: Entry<dyn Prior> = Entry {
    id: "jitter",
    summary: "the network sees the picture moved at random at each step",
    cite: "mordvintsev2015inceptionism",
    params: &[Param {
        key: "pixels",
        default: "2",
        kind: Kind::Integer { min: 0, max: 1000 },
        help: "most pixels in each direction",
    }],
    build: |args| Ok(Box::new(Jitter { pixels: args.usize("pixels") as u64 })),
};

impl Prior for Jitter {
    fn bind(&self, site: &Site<'_>) -> Result<Box<dyn Bound>, PriorError> {
        let key = [site.class.map_or(u64::MAX, |c| c as u64), site.restart as u64];
        Ok(Box::new(Trembling { pixels: self.pixels, seed: site.seed, key }))
    }
}

struct Trembling {
    pixels: u64,
    seed: Seed,
    key: [u64; 2],
}

impl Bound for Trembling {
    fn shift(&self, step: usize) -> (isize, isize) {
        let [class, restart] = self.key;
        let mut rng = self.seed.rng("jitter", "prototype", &[class, restart, step as u64]);
        let mut draw = || below(&mut rng, 2 * self.pixels + 1) as isize - self.pixels as isize;
        let rows = draw();
        (rows, draw())
    }
}

/// A picture moved by rows and columns; what goes out comes in at the other side.
pub(crate) fn rolled(x: &Tensor, (rows, columns): (isize, isize)) -> Tensor {
    if (rows, columns) == (0, 0) {
        return x.clone();
    }
    let (h, w, c) = (x.shape.h as isize, x.shape.w as isize, x.shape.c);
    let mut out = Tensor::zeros(x.shape);
    for y in 0..h {
        for column in 0..w {
            let from =
                ((y - rows).rem_euclid(h) * w + (column - columns).rem_euclid(w)) as usize * c;
            let to = (y * w + column) as usize * c;
            out.data[to..to + c].copy_from_slice(&x.data[from..from + c]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::geom::Shape;

    #[test]
    fn a_picture_that_is_moved_there_and_back_is_the_same() {
        let x = Tensor::new(Shape::new(2, 3, 4), (0..24).map(|v| v as f32).collect());
        let moved = rolled(&x, (1, -2));
        assert_eq!(moved.pixel(1, 0), x.pixel(0, 2));
        assert_eq!(rolled(&moved, (-1, 2)), x);
    }
}
