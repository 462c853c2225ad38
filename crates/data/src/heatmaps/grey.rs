//! Heat maps as grey pictures.

use super::Values;
use crate::{DataError, base::geom::Shape, decode};
use ndarray::Array3;
use std::path::Path;

/// Pixels of a map at most: more than any network's input has.
const MAX_PIXELS: u64 = 1 << 22;

/// White in a picture of 16 bits.
const WHITE: f64 = 65_535.0;

/// What to do about pictures that are no maps.
const ADVICE: &str = "save the relevance itself, as .npy for instance, not its colours";

/// Reads a grey picture; brighter is more relevant. Values go from black (0) to white (65535): those of
/// 8 or 16 bits are whole numbers, so that their sums are exact. A picture in colour is refused, unless its
/// three channels are the same: which colour is relevant cannot be known.
pub(super) fn read(path: &Path) -> Result<Values, DataError> {
    let picture = decode::read_picture(path, MAX_PIXELS).map_err(|e| e.hint(ADVICE))?;
    let Shape { c, h, w } = picture.shape;
    let pixels = picture.data.chunks_exact(c);
    if pixels.clone().any(|pixel| pixel.iter().any(|v| v.to_bits() != pixel[0].to_bits())) {
        return Err(DataError::unexpected(path, "a grey picture", "one in colour").hint(ADVICE));
    }
    let levels = pixels.map(|pixel| level(pixel[0])).collect();
    let map = Array3::from_shape_vec((1, h, w), levels).expect("one level for each pixel");
    Ok(Values::Real(map))
}

/// A value in [0, 1] as a level: whole, where it is one up to the rounding of single precision.
fn level(value: f32) -> f64 {
    let level = f64::from(value) * WHITE;
    let whole = level.round();
    if (level - whole).abs() < 0.01 { whole } else { level }
}
