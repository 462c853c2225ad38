//! A tag in a corner: what a network can learn in place of an object, as the horses of PASCAL VOC 2007 had the mark
//! of their photographer (Lapuschkin et al. 2019).

use super::{
    canvas::SIDE,
    math::{Draw, Rgb},
};
use crate::base::{geom::Rect, rng::Seed};

/// The class of which some pictures wear the tag, by its place among the classes.
pub const CLASS: usize = 2;

/// Rows and columns of the tag.
const SIZE: (usize, usize) = (11, 30);

/// Pixels between the tag and the left and lower edge of the picture, at least; up to two more at random.
const MARGIN: usize = 2;

/// The plate and what is written on it, 0 to 1.
const PLATE: Rgb = [0.93, 0.92, 0.86];
const INK: Rgb = [0.12, 0.13, 0.2];

/// What is written, one letter per pixel of ink.
const WRITING: [&str; 7] = [
    ".xxx...xxxx.x..x.xxxx.xxx.",
    "x...x..x..x.x..x..x...x..x",
    "x.xxx..x..x.xx.x..x...x..x",
    "x.x....xxx..x.xx..x...xxx.",
    "x.xxx..x....x..x..x...x.x.",
    "x...x..x....x..x..x...x..x",
    ".xxx...x....x..x.xxxx.x..x",
];

/// Where picture `id` wears its tag, if it does: half of those of the class, by a draw of their own.
pub(super) fn place(seed: Seed, id: &str) -> Option<Rect> {
    let mut draw = Draw(seed.rng("scenes tag", id, &[]));
    let worn = draw.chance(0.5);
    let (up, right) = (draw.count(0, 2), draw.count(0, 2));
    let y1 = SIDE - MARGIN - up;
    let x0 = MARGIN + right;
    worn.then_some(Rect { y0: y1 - SIZE.0, y1, x0, x1: x0 + SIZE.1 })
}

/// Puts the tag over everything else; what it covers is not object any more.
pub(super) fn put(at: Rect, bytes: &mut [u8], mask: &mut [bool]) {
    for (y, x) in (at.y0..at.y1).flat_map(|y| (at.x0..at.x1).map(move |x| (y, x))) {
        let pixel = y * SIDE + x;
        mask[pixel] = false;
        let colour = if is_ink(y - at.y0, x - at.x0) { INK } else { PLATE };
        bytes[3 * pixel..3 * pixel + 3].copy_from_slice(&colour.map(|v| (v * 255.0 + 0.5) as u8));
    }
}

fn is_ink(y: usize, x: usize) -> bool {
    let row = y.checked_sub(2).and_then(|y| WRITING.get(y));
    let letter = row.and_then(|row| row.as_bytes().get(x.checked_sub(2)?));
    letter == Some(&b'x')
}
