//! Pictures and numbers inside a page, so that it needs no other file.

use super::plot::{self, FigureError};
use ::base64::{Engine, engine::general_purpose::STANDARD};
use image::RgbImage;

/// Bytes in the alphabet of RFC 4648.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A file of pictures (`png`, `jpeg`) as an address inside the page.
pub(crate) fn data_url(kind: &str, bytes: &[u8]) -> String {
    format!("data:image/{kind};base64,{}", base64(bytes))
}

/// A picture as an address inside the page.
pub(crate) fn png_url(image: &RgbImage) -> Result<String, FigureError> {
    Ok(data_url("png", &plot::encode(image)?))
}
