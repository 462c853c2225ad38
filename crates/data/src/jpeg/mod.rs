//! JPEG files, decoded bit for bit as libjpeg-turbo does by default.
//!
//! Pillow, torchvision, TensorFlow and `OpenCV` all decode with that library, and decoders that follow
//! the standard in another way differ from it by a few levels in up to a quarter of all values:
//! enough to change gradient maps visibly. What it does beyond the standard (ITU-T T.81) is fixed here:
//! the accurate integer transform ([`transform`]), the triangle filter for subsampled colour
//! ([`upsample`]), the fixed-point colour conversion ([`colour`]), and the smoothing of progressive
//! files whose scans do not give everything ([`smooth`]).
//!
//! Baseline, extended sequential and progressive files with 8 bits and Huffman codes are read, those
//! with 1, 3 or 4 components (grey, RGB, `YCbCr`, CMYK, YCCK). A file whose pixels are damaged
//! is refused, where libjpeg-turbo fills in grey and goes on.
//!
//! Why not a crate: those of the `image` family differ from libjpeg-turbo, and the one that does not
//! (libjpeg-turbo-rs 0.8) takes gigabytes and minutes for some damaged files of 2 KB.

mod bits;
mod colour;
mod header;
mod scan;
mod smooth;
mod transform;
mod upsample;

pub(super) use header::Jpeg;

/// Why a file cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The file ends before the picture does.
    #[error("the end of the picture is missing")]
    Truncated,
    /// Something that no encoder writes.
    #[error("damage ({0})")]
    Damaged(&'static str),
    /// A kind of JPEG that is not read.
    #[error("{0}")]
    Unsupported(String),
}

/// Decoded pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pixels {
    /// In pixels.
    pub(super) width: usize,
    /// In pixels.
    pub(super) height: usize,
    /// 1 (grey) or 3 (RGB).
    pub(super) channels: usize,
    /// Row by row, the channels of a pixel together.
    pub(super) data: Vec<u8>,
}

/// Position in a block (row by row) of each coefficient in zigzag order.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The 64 coefficients of a block, row by row.
type Block = [i16; 64];

#[cfg(test)]
mod tests;
