//! Components of fewer samples brought to the size of the picture.
//!
//! At half the width or height a triangle filter: 3/4 of the nearer sample and 1/4 of the other. The
//! rounding alternates, so that it does not shift the mean.

use super::{Fault, Pixels, colour::Colours, header::Frame, transform::Plane};

/// How a component is enlarged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    /// By whole factors: across and down.
    Repeat(usize, usize),
    /// Triangle filter across.
    Across,
    /// Triangle filter down.
    Down,
    /// Both.
    Both,
}

/// Components that give rows of the picture's width.
pub(super) struct Upsampled {
    width: usize,
    height: usize,
    planes: Vec<(Plane, Filter)>,
}

impl Upsampled {
    pub(super) fn new(frame: &Frame, planes: Vec<Plane>) -> Result<Self, Fault> {
        let filters = frame.components.iter().zip(&planes).map(|(c, plane)| {
            if !frame.across.is_multiple_of(c.across) || !frame.down.is_multiple_of(c.down) {
                return Err(Fault::Unsupported("a JPEG with fractional sampling".to_owned()));
            }
            // too narrow for the filter
            let narrow = plane.width <= 2;
            Ok(match (frame.across / c.across, frame.down / c.down) {
                (2, 1) if !narrow => Filter::Across,
                (1, 2) => Filter::Down,
                (2, 2) if !narrow => Filter::Both,
                (across, down) => Filter::Repeat(across, down),
            })
        });
        let filters: Vec<Filter> = filters.collect::<Result<_, _>>()?;
        let planes = planes.into_iter().zip(filters).collect();
        Ok(Self { width: frame.width, height: frame.height, planes })
    }

    /// The picture.
    pub(super) fn pixels(&self, colours: &Colours) -> Pixels {
        let (width, height, channels) = (self.width, self.height, colours.channels());
        let mut data = vec![0; width * height * channels];
        // the filters write whole pairs
        let mut rows = vec![vec![0u8; width + 1]; self.planes.len()];
        for (y, out) in data.chunks_exact_mut((width * channels).max(1)).enumerate() {
            for ((plane, filter), row) in self.planes.iter().zip(&mut rows) {
                filter.row(plane, y, row);
            }
            colours.convert(&rows, out);
        }
        Pixels { width, height, channels, data }
    }
}

impl Filter {
    /// Row `y` of the enlarged component.
    fn row(self, plane: &Plane, y: usize, out: &mut [u8]) {
        match self {
            Filter::Repeat(1, down) => {
                let row = plane.row(y / down);
                out[..row.len()].copy_from_slice(row);
            }
            Filter::Repeat(across, down) => {
                for (values, v) in out.chunks_mut(across).zip(plane.row(y / down)) {
                    values.fill(*v);
                }
            }
            Filter::Across => across(plane.row(y), out),
            Filter::Down => {
                let (near, far) = two(plane, y);
                let bias = if y.is_multiple_of(2) { 1 } else { 2 };
                for ((v, n), f) in out.iter_mut().zip(near).zip(far) {
                    *v = ((3 * u32::from(*n) + u32::from(*f) + bias) >> 2) as u8;
                }
            }
            Filter::Both => both(two(plane, y), out),
        }
    }
}

/// The rows that row `y` of twice the height lies between: the nearer and the other one.
fn two(plane: &Plane, y: usize) -> (&[u8], &[u8]) {
    let near = y / 2;
    let far =
        if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(plane.height - 1) };
    (plane.row(near), plane.row(far))
}

fn across(row: &[u8], out: &mut [u8]) {
    let at = |i: usize| u32::from(row[i]);
    let last = row.len() - 1;
    for (i, pair) in out.chunks_mut(2).take(row.len()).enumerate() {
        let left = if i == 0 { at(0) } else { (3 * at(i) + at(i - 1) + 1) >> 2 };
        let right = if i == last { at(i) } else { (3 * at(i) + at(i + 1) + 2) >> 2 };
        put(pair, left, right);
    }
}

fn both((near, far): (&[u8], &[u8]), out: &mut [u8]) {
    let at = |i: usize| 3 * u32::from(near[i]) + u32::from(far[i]);
    let last = near.len() - 1;
    let (mut before, mut here) = (at(0), at(0));
    for (i, pair) in out.chunks_mut(2).take(near.len()).enumerate() {
        let after = at((i + 1).min(last));
        put(pair, (3 * here + before + 8) >> 4, (3 * here + after + 7) >> 4);
        (before, here) = (here, after);
    }
}

fn put(pair: &mut [u8], left: u32, right: u32) {
    for (v, value) in pair.iter_mut().zip([left, right]) {
        *v = value as u8;
    }
}
