//! Heat maps as grey pictures.

use crate::{
    base::geom::Shape,
    data::{DataError, decode},
    nn::tensor::Tensor,
};
use std::path::Path;

/// Pixels of a map at most: more than any network's input has.
const MAX_PIXELS: u64 = 1 << 22;

/// What to do about pictures that are no maps.
const ADVICE: &str = "save the relevance itself, as .npy for instance, not its colours";

/// Reads a grey picture of 8 or 16 bits; brighter is more relevant. A picture in colour is refused,
/// unless its three channels are the same: which colour is relevant cannot be known.
pub(super) fn read(path: &Path) -> Result<Tensor, DataError> {
    let picture = decode::read_picture(path, MAX_PIXELS).map_err(|e| e.hint(ADVICE))?;
    let Shape { c, h, w } = picture.shape;
    let pixels = picture.data.chunks_exact(c);
    if pixels.clone().any(|pixel| pixel.iter().any(|v| v.to_bits() != pixel[0].to_bits())) {
        return Err(DataError::unexpected(path, "a grey picture", "one in colour").hint(ADVICE));
    }
    Ok(Tensor::new(Shape::new(1, h, w), pixels.map(|pixel| pixel[0]).collect()))
}
