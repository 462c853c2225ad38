//! Picture files as tensors.
//!
//! The format is told from the content, not from the file's name. 8-bit values are divided by 255,
//! 16-bit values by 65,535. Grey pictures have one channel, all others three. Transparent pixels
//! are laid on white, where a viewer would show them (libraries that drop the alpha channel show
//! whatever colour lies beneath); an opaque alpha channel changes nothing. CMYK becomes RGB without
//! a colour profile, and colour profiles in files are ignored. JPEG files give the same bytes as
//! libjpeg-turbo ([`super::jpeg`]). The orientation tag of cameras is ignored, as in torchvision's folders
//! of pictures, unless [`Orientation::Apply`] is asked for.

use super::{
    DataError,
    jpeg::{Fault, Jpeg},
};
use crate::{
    base::{bounded, geom::Shape, word_enum},
    nn::tensor::Tensor,
};
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, error::LimitErrorKind,
};
use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

/// Pictures with more pixels than this are refused unless the user raises the limit.
pub const MAX_PIXELS: u64 = 100_000_000;

/// Name endings of the files that a folder is searched for.
const ENDINGS: [&str; 7] = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"];

/// What to do about pictures above the limit.
const RAISE: &str = "`--max-pixels` raises the limit";

const FORMATS: &str = "a JPEG, PNG, WebP, BMP or TIFF picture";

/// True when the file's name ends like a picture's.
pub(super) fn is_picture(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|e| ENDINGS.contains(&e.as_str()))
}

word_enum! {
    /// What becomes of the tag that says how a camera was held (Exif 0x0112).
    #[derive(Default)]
    pub enum Orientation {
        /// Nothing: pixels as they are stored.
        #[default]
        Ignore = "ignore",
        /// Pictures are turned and mirrored as viewers show them.
        Apply = "apply",
    }
}

/// A decoded file.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// 1 or 3 channels (RGB), values in [0, 1], pixels as they are stored.
    pub image: Tensor,
    /// The orientation tag, 1 to 8; 1 (as stored) where there is none.
    pub tag: u8,
}

impl Decoded {
    /// The picture as it is to be looked at, and whether that is another one than the stored.
    pub fn turned(self, how: Orientation) -> (Tensor, bool) {
        match (how, self.tag) {
            (Orientation::Ignore, _) | (_, 1) => (self.image, false),
            (Orientation::Apply, tag) => (turned(&self.image, tag), true),
        }
    }
}

/// Turns and mirrors as tag 2 to 8 says: where row 0 and column 0 of the stored picture belong.
fn turned(image: &Tensor, tag: u8) -> Tensor {
    let Shape { c, h, w } = image.shape;
    let shape = if tag < 5 { image.shape } else { Shape::new(c, w, h) };
    let source = |y: usize, x: usize| match tag {
        2 => (y, w - 1 - x),
        3 => (h - 1 - y, w - 1 - x),
        4 => (h - 1 - y, x),
        5 => (x, y),
        6 => (h - 1 - x, y),
        7 => (h - 1 - x, w - 1 - y),
        8 => (x, w - 1 - y),
        _ => (y, x),
    };
    let pixels = (0..shape.h).flat_map(|y| (0..shape.w).map(move |x| (y, x)));
    let data = pixels.flat_map(|(y, x)| {
        let (y, x) = source(y, x);
        image.pixel(y, x).iter().copied()
    });
    Tensor::new(shape, data.collect())
}

/// Decodes a picture file of at most `max_pixels` pixels as it is stored: 1 or 3 channels (RGB), values
/// in [0, 1].
pub fn read_picture(path: &Path, max_pixels: u64) -> Result<Tensor, DataError> {
    Ok(read(path, max_pixels)?.image)
}

/// [`read_picture`] with the orientation tag.
pub fn read(path: &Path, max_pixels: u64) -> Result<Decoded, DataError> {
    decode(&bytes(path, max_pixels)?, path, max_pixels)
}

/// A file that may hold a picture of at most `max_pixels` pixels.
pub(super) fn bytes(path: &Path, max_pixels: u64) -> Result<Vec<u8>, DataError> {
    // no format needs more than 16 bytes for a pixel
    let most = max_pixels.saturating_mul(16).saturating_add(1 << 24);
    bounded::read(path, most).map_err(|e| DataError::read(path, &e))
}

/// [`read_picture`] of a file already in memory; `path` is for messages.
pub(super) fn decode(bytes: &[u8], path: &Path, max_pixels: u64) -> Result<Decoded, DataError> {
    if bytes.is_empty() {
        return Err(DataError::unexpected(path, FORMATS, "an empty file"));
    }
    let mut reader = ImageReader::new(Cursor::new(bytes));
    let format = image::guess_format(bytes)
        .ok()
        .filter(|f| known(*f))
        .ok_or_else(|| DataError::unexpected(path, FORMATS, beginning(bytes)))?;
    if format == ImageFormat::Jpeg {
        return decode_jpeg(bytes, path, max_pixels);
    }
    reader.set_format(format);
    let mut limits = image::Limits::default();
    // no decoder needs more than 16 bytes for a pixel, plus what its tables take
    limits.max_alloc = Some(max_pixels.saturating_mul(16).saturating_add(1 << 24));
    reader.limits(limits);
    let broken = |e: ImageError| broken(path, format, &e, max_pixels);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    check_pixels(path, width.into(), height.into(), max_pixels)?;
    // a tag that cannot be read turns nothing
    let tag = decoder.orientation().map_or(1, image::metadata::Orientation::to_exif);
    let picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    Ok(Decoded { image: tensor(&picture, path)?, tag })
}

fn decode_jpeg(bytes: &[u8], path: &Path, max_pixels: u64) -> Result<Decoded, DataError> {
    let broken = |fault: Fault| match fault {
        Fault::Truncated => {
            let found = format!("{} bytes without the end of the picture", bytes.len());
            DataError::unexpected(path, "a complete JPEG file", found)
        }
        Fault::Damaged(_) => {
            DataError::unexpected(path, "a readable JPEG picture", fault.to_string())
        }
        Fault::Unsupported(found) => {
            let expected = "a baseline or progressive JPEG picture with 8 bits per sample";
            DataError::unexpected(path, expected, found)
        }
    };
    let jpeg = Jpeg::new(bytes).map_err(broken)?;
    let (width, height) = jpeg.size();
    check_pixels(path, width as u64, height as u64, max_pixels)?;
    let tag = jpeg.exif().and_then(image::metadata::Orientation::from_exif_chunk);
    let picture = jpeg.decode().map_err(broken)?;
    let pixels = picture.data.chunks_exact(picture.channels);
    let data = pixels.flatten().map(|v| f32::from(*v) / 255.0).collect();
    let image = Tensor::new(Shape::new(picture.channels, height, width), data);
    Ok(Decoded { image, tag: tag.map_or(1, image::metadata::Orientation::to_exif) })
}

fn known(format: ImageFormat) -> bool {
    use ImageFormat::{Bmp, Jpeg, Png, Tiff, WebP};
    matches!(format, Jpeg | Png | WebP | Bmp | Tiff)
}

/// What a file of no known format begins with, in words.
fn beginning(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(12)];
    if start.iter().all(|b| b.is_ascii_graphic() || *b == b' ') {
        format!("a file beginning with `{}`", String::from_utf8_lossy(start))
    } else {
        let hex: Vec<String> = start.iter().take(4).map(|b| format!("{b:02x}")).collect();
        format!("a file beginning with the bytes {}", hex.join(" "))
    }
}

fn broken(path: &Path, format: ImageFormat, error: &ImageError, max_pixels: u64) -> DataError {
    if let ImageError::Limits(limit) = error
        && !matches!(limit.kind(), LimitErrorKind::Unsupported { .. })
    {
        let found = "one that needs more memory than that";
        return DataError::unexpected(path, limit_words(max_pixels), found).hint(RAISE);
    }
    let expected = format!("a readable {} picture", format!("{format:?}").to_uppercase());
    let reason = error.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ");
    DataError::unexpected(path, expected, format!("a fault ({reason})"))
}

fn limit_words(max_pixels: u64) -> String {
    format!("a picture of at most {max_pixels} pixels")
}

/// Refuses pictures without pixels and those above the limit.
pub(super) fn check_pixels(
    path: &Path,
    width: u64,
    height: u64,
    max_pixels: u64,
) -> Result<(), DataError> {
    let found = format!("{height}x{width} (height x width)");
    match width.saturating_mul(height) {
        0 => Err(DataError::unexpected(path, "a picture with pixels", found)),
        n if n > max_pixels => {
            Err(DataError::unexpected(path, limit_words(max_pixels), found).hint(RAISE))
        }
        _ => Ok(()),
    }
}

fn tensor(picture: &DynamicImage, path: &Path) -> Result<Tensor, DataError> {
    use DynamicImage as D;
    let (h, w) = (picture.height() as usize, picture.width() as usize);
    let byte = |v: &u8| f32::from(*v) / 255.0;
    let word = |v: &u16| f32::from(*v) / 65_535.0;
    let (c, data) = match picture {
        D::ImageLuma8(p) => (1, p.iter().map(byte).collect()),
        D::ImageRgb8(p) => (3, p.iter().map(byte).collect()),
        D::ImageLumaA8(p) => (1, on_white(p.iter().map(byte), 1)),
        D::ImageRgba8(p) => (3, on_white(p.iter().map(byte), 3)),
        D::ImageLuma16(p) => (1, p.iter().map(word).collect()),
        D::ImageRgb16(p) => (3, p.iter().map(word).collect()),
        D::ImageLumaA16(p) => (1, on_white(p.iter().map(word), 1)),
        D::ImageRgba16(p) => (3, on_white(p.iter().map(word), 3)),
        D::ImageRgb32F(p) => (3, p.to_vec()),
        D::ImageRgba32F(p) => (3, on_white(p.iter().copied(), 3)),
        other => {
            let found = format!("{:?}", other.color());
            return Err(DataError::unexpected(path, "grey or colour pixels", found));
        }
    };
    check_range(&data, path)?;
    Ok(Tensor::new(Shape::new(c, h, w), data))
}

/// Pixels of `channels` values and alpha, laid on white.
fn on_white(samples: impl Iterator<Item = f32>, channels: usize) -> Vec<f32> {
    let samples: Vec<f32> = samples.collect();
    let pixels = samples.chunks_exact(channels + 1);
    pixels
        .flat_map(|p| p[..channels].iter().map(move |v| v * p[channels] + (1.0 - p[channels])))
        .collect()
}

/// Floating-point pictures may hold anything.
pub(super) fn check_range(values: &[f32], path: &Path) -> Result<(), DataError> {
    match values.iter().find(|v| !(0.0..=1.0).contains(*v)) {
        None => Ok(()),
        Some(v) => Err(DataError::unexpected(path, "pixel values in [0, 1]", v.to_string())),
    }
}

/// Path of a picture for messages about something inside a larger file.
pub(super) fn inside(path: &Path, id: &str) -> PathBuf {
    PathBuf::from(format!("{}: {id}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{Folder, encode, shared},
        *,
    };
    use ExtendedColorType as Color;
    use image::ExtendedColorType;
    use proptest::prelude::*;
    use std::fs;

    fn read(bytes: &[u8]) -> Result<Tensor, DataError> {
        Ok(decode(bytes, Path::new("x"), MAX_PIXELS)?.image)
    }

    fn values(format: ImageFormat, color: Color, pixels: &[u8], height: u32, width: u32) -> Tensor {
        read(&encode(format, color, pixels, height, width)).unwrap()
    }

    /// A colour picture whose values differ in every channel and pixel.
    fn ramp(height: u32, width: u32) -> Vec<u8> {
        (0..height * width * 3).map(|v| (v * 7 % 256) as u8).collect()
    }

    #[test]
    fn lossless_formats_give_the_stored_values() {
        let pixels = ramp(5, 4);
        let expected: Vec<f32> = pixels.iter().map(|v| f32::from(*v) / 255.0).collect();
        for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
            let picture = values(format, Color::Rgb8, &pixels, 5, 4);
            assert_eq!(picture, Tensor::new(Shape::new(3, 5, 4), expected.clone()), "{format:?}");
        }
    }

    #[test]
    fn grey_pictures_have_one_channel() {
        let png = values(ImageFormat::Png, Color::L8, &[0, 51, 255], 1, 3);
        assert_eq!(png, Tensor::new(Shape::new(1, 1, 3), vec![0.0, 0.2, 1.0]));
        let jpeg = values(ImageFormat::Jpeg, Color::L8, &[51; 64], 8, 8);
        assert_eq!(jpeg.shape, Shape::new(1, 8, 8));
        assert!(jpeg.data.iter().all(|v| (v - 0.2).abs() < 1.5 / 255.0));
    }

    #[test]
    fn sixteen_bits_keep_their_resolution() {
        let samples: [u16; 3] = [1, 32_768, 65_535];
        let bytes: Vec<u8> = samples.iter().flat_map(|v| v.to_ne_bytes()).collect();
        let grey = values(ImageFormat::Png, Color::L16, &bytes, 1, 3);
        assert_eq!(grey.data, [1.0 / 65_535.0, 32_768.0 / 65_535.0, 1.0]);
        let colour = values(ImageFormat::Png, Color::Rgb16, &bytes, 1, 1);
        assert_eq!(colour, Tensor::new(Shape::new(3, 1, 1), grey.data));
    }

    #[test]
    fn transparent_pixels_lie_on_white_and_opaque_alpha_changes_nothing() {
        let pixels = [51, 0, 255, 255, 51, 0, 255, 0, 51, 0, 255, 51];
        let picture = values(ImageFormat::Png, Color::Rgba8, &pixels, 1, 3);
        assert_eq!(picture.pixel(0, 0), [0.2, 0.0, 1.0]);
        assert_eq!(picture.pixel(0, 1), [1.0; 3]);
        // 0.2 of the colour, 0.8 of white
        for (v, expected) in picture.pixel(0, 2).iter().zip([0.84, 0.8, 1.0]) {
            assert!((v - expected).abs() < 1e-6);
        }
        let grey = values(ImageFormat::Png, Color::La8, &[0, 255, 0, 0], 1, 2);
        assert_eq!(grey, Tensor::new(Shape::new(1, 1, 2), vec![0.0, 1.0]));
    }

    #[test]
    fn cmyk_jpegs_have_the_colours_that_pillow_gives_them() {
        let picture = read(include_bytes!("../../../tests/data/pictures/cmyk.jpg")).unwrap();
        assert_eq!(picture.shape, Shape::new(3, 16, 16));
        // Pillow 13.0, convert("RGB"), in the four quarters
        let quarters = [
            ((3, 3), [53.0, 216.0, 226.0]),
            ((3, 12), [207.0, 63.0, 164.0]),
            ((12, 3), [127.0; 3]),
            ((12, 12), [255.0; 3]),
        ];
        for ((y, x), expected) in quarters {
            assert_eq!(picture.pixel(y, x), expected.map(|v| v / 255.0));
        }
    }

    #[test]
    fn orientation_tags_turn_pictures_only_on_demand() {
        let letters = Tensor::new(Shape::new(1, 2, 3), (0u8..6).map(f32::from).collect());
        // rows of Pillow's ImageOps.exif_transpose of 0 1 2 / 3 4 5
        let expected: [&[&[u8]]; 8] = [
            &[&[0, 1, 2], &[3, 4, 5]],
            &[&[2, 1, 0], &[5, 4, 3]],
            &[&[5, 4, 3], &[2, 1, 0]],
            &[&[3, 4, 5], &[0, 1, 2]],
            &[&[0, 3], &[1, 4], &[2, 5]],
            &[&[3, 0], &[4, 1], &[5, 2]],
            &[&[5, 2], &[4, 1], &[3, 0]],
            &[&[2, 5], &[1, 4], &[0, 3]],
        ];
        for (tag, rows) in (1..).zip(expected) {
            let stored = || Decoded { image: letters.clone(), tag };
            let (found, is_turned) = stored().turned(Orientation::Apply);
            let values = rows.concat().into_iter().map(f32::from).collect();
            assert_eq!(
                found,
                Tensor::new(Shape::new(1, rows.len(), rows[0].len()), values),
                "{tag}"
            );
            assert_eq!(is_turned, tag != 1);
            assert_eq!(stored().turned(Orientation::Ignore), (letters.clone(), false));
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/pictures/jpeg");
        for tag in [1, 3, 6] {
            let file = read_file(&folder.join(format!("orientation_{tag}.jpg")));
            assert_eq!(file.tag, tag);
            let shape = file.turned(Orientation::Apply).0.shape;
            assert_eq!((shape.h, shape.w), if tag == 6 { (20, 12) } else { (12, 20) });
        }
        assert_eq!(read_file(&folder.join("420.jpg")).tag, 1);
    }

    fn read_file(path: &Path) -> Decoded {
        super::read(path, MAX_PIXELS).unwrap()
    }

    #[test]
    fn the_content_decides_not_the_name() {
        let folder = Folder::new();
        let png = encode(ImageFormat::Png, Color::L8, &[7], 1, 1);
        let path = folder.file("picture.jpg", png);
        assert_eq!(read_picture(&path, 1).unwrap().shape, Shape::new(1, 1, 1));
    }

    #[test]
    fn every_truncation_of_a_jpeg_is_found() {
        let jpeg = encode(ImageFormat::Jpeg, Color::Rgb8, &ramp(24, 24), 24, 24);
        assert!(read(&jpeg).is_ok());
        let with_garbage = [&jpeg[..], b"after the end"].concat();
        assert!(read(&with_garbage).is_ok());
        for length in 0..jpeg.len() {
            assert!(read(&jpeg[..length]).is_err(), "{length} of {}", jpeg.len());
        }
    }

    #[test]
    fn half_a_file_is_an_error_in_every_format() {
        for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
            let file = encode(format, Color::Rgb8, &ramp(24, 24), 24, 24);
            assert!(read(&file[..file.len() / 2]).is_err(), "{format:?}");
        }
    }

    /// A PNG file that ends after the header.
    fn png_header(height: u32, width: u32) -> Vec<u8> {
        let mut png = encode(ImageFormat::Png, Color::L8, &[0], 1, 1);
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let crc = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        png
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let step = |crc: u32, _| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
    }

    #[test]
    fn messages_say_what_is_wrong_with_a_picture() {
        let folder = Folder::new();
        let jpeg = encode(ImageFormat::Jpeg, Color::Rgb8, &ramp(24, 24), 24, 24);
        let mut corrupt = jpeg.clone();
        let at = corrupt.windows(2).position(|w| w == [0xFF, 0xC4]).unwrap();
        corrupt[at + 4..at + 24].fill(0xFF);
        let png = encode(ImageFormat::Png, Color::Rgb8, &ramp(24, 24), 24, 24);
        let floats: Vec<u8> =
            [0.5f32, f32::NAN, 2.0].iter().flat_map(|v| v.to_ne_bytes()).collect();
        let files: [(&str, Vec<u8>); 10] = [
            ("empty.jpg", vec![]),
            ("page.jpg", b"<!DOCTYPE html><html>".to_vec()),
            ("binary.png", vec![0, 1, 2, 3, 4, 5, 6]),
            ("moving.gif", b"GIF89a\x01\x00\x01\x00".to_vec()),
            ("truncated.jpg", jpeg[..jpeg.len() / 2].to_vec()),
            ("corrupt.jpg", corrupt),
            ("truncated.png", png[..png.len() / 2].to_vec()),
            ("huge.png", png_header(20_000, 20_000)),
            ("flat.png", png_header(0, 10)),
            ("nan.tiff", encode(ImageFormat::Tiff, Color::Rgb32F, &floats, 1, 1)),
        ];
        let mut messages = vec![folder.says(read_picture(&folder.child("no.jpg"), MAX_PIXELS))];
        for (name, bytes) in files {
            let path = folder.file(name, bytes);
            messages.push(folder.says(read_picture(&path, MAX_PIXELS)));
        }
        insta::assert_snapshot!(messages.join("\n"));
    }

    #[test]
    fn the_pixel_limit_is_the_largest_size_allowed() {
        let png = encode(ImageFormat::Png, Color::L8, &[0; 12], 3, 4);
        let with = |limit| decode(&png, Path::new("x"), limit).map_err(|e| e.to_string());
        assert!(with(12).is_ok());
        let error = with(11).unwrap_err();
        insta::assert_snapshot!(error, @"`x`: expected a picture of at most 11 pixels, found 3x4 (height x width); `--max-pixels` raises the limit");
    }

    #[test]
    fn real_photographs_of_all_sizes_are_decoded() {
        let Some(folder) = shared("images/imagenet_full_size") else { return };
        let mut channels = [0; 4];
        for entry in fs::read_dir(folder).unwrap().take(30) {
            let picture = read_picture(&entry.unwrap().path(), MAX_PIXELS).unwrap();
            channels[picture.shape.c] += 1;
            assert!(picture.shape.h > 50 && picture.shape.w > 50);
        }
        assert_eq!(channels[1] + channels[3], 30);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(
            start in prop::sample::select(vec![
                &b""[..], b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*",
                b"RIFF\x20\0\0\0WEBPVP8L", b"RIFF\x20\0\0\0WEBPVP8 ", b"RIFF\x20\0\0\0WEBPVP8X",
            ]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = decode(&[start, &rest].concat(), Path::new("x"), 10_000);
        }

        #[test]
        fn damaged_pictures_never_panic(
            format in prop::sample::select(vec![
                ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff,
                ImageFormat::WebP,
            ]),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut bytes = encode(format, Color::Rgb8, &ramp(9, 10), 9, 10);
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = decode(&bytes, Path::new("x"), 10_000);
        }
    }
}
