//! Masks of objects as annotation files keep them: palette pictures, polygons, runs.

use super::{DataError, decode};
use crate::base::geom::Shape;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Which pixels of a picture are the object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mask {
    /// Those with this index in a palette picture (PASCAL VOC).
    Indexed {
        /// The palette picture.
        path: PathBuf,
        /// Index of the class.
        index: u8,
    },
    /// Those in any of these outlines (COCO).
    Outlines(Vec<Outline>),
}

/// One segmentation of COCO.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Outline {
    /// x0, y0, x1, y1, ... of the corners of each part, in pixels.
    Polygons(Vec<Vec<f64>>),
    /// Runs of pixels, column by column.
    Runs {
        /// Their lengths.
        counts: Counts,
        /// Height and width.
        size: [usize; 2],
    },
}

/// Lengths of runs, outside and inside taking turns, outside first.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Counts {
    /// As numbers.
    Plain(Vec<u64>),
    /// As COCO's text, six bits to a character.
    Packed(String),
}

impl Mask {
    /// What it is made from: the same everywhere.
    pub(super) fn content(&self) -> Result<Vec<u8>, DataError> {
        match self {
            Mask::Indexed { path, index } => {
                Ok([decode::bytes(path, decode::MAX_PIXELS)?, vec![*index]].concat())
            }
            Mask::Outlines(outlines) => Ok(format!("{outlines:?}").into_bytes()),
        }
    }

    /// One value per pixel of a picture of `shape`, row by row. `picture` is for messages.
    pub(super) fn pixels(&self, shape: Shape, picture: &Path) -> Result<Vec<bool>, DataError> {
        match self {
            Mask::Indexed { path, index } => indexed(path, *index, shape),
            Mask::Outlines(outlines) => {
                let mut mask = vec![false; shape.h * shape.w];
                for outline in outlines {
                    outline.draw(shape, picture, &mut mask)?;
                }
                Ok(mask)
            }
        }
    }
}

fn indexed(path: &Path, index: u8, shape: Shape) -> Result<Vec<bool>, DataError> {
    let palette = decode::read_picture(path, (shape.h * shape.w) as u64)?;
    if (palette.shape.h, palette.shape.w) != (shape.h, shape.w) {
        let expected = format!("a mask of {}x{} pixels, as the picture", shape.h, shape.w);
        let found = format!("{}x{}", palette.shape.h, palette.shape.w);
        return Err(DataError::unexpected(path, expected, found));
    }
    let byte = |v: &f32| (v * 255.0).round() as u8;
    // decoders give a palette picture's colours; a grey one holds the index itself
    let wanted = if palette.shape.c == 1 { vec![index] } else { colour(index).to_vec() };
    let pixels = palette.data.chunks_exact(palette.shape.c);
    Ok(pixels.map(|p| p.iter().map(byte).eq(wanted.iter().copied())).collect())
}

/// Colour of an index in the palette of PASCAL VOC: bits 0, 3, 6 of the index are the highest bits
/// of red, bits 1, 4, 7 those of green, bits 2, 5 those of blue.
fn colour(index: u8) -> [u8; 3] {
    let mut colour = [0; 3];
    for bit in 0..8 {
        colour[bit % 3] |= (index >> bit & 1) << (7 - bit / 3);
    }
    colour
}

impl Outline {
    /// Sets the pixels inside.
    fn draw(&self, shape: Shape, picture: &Path, mask: &mut [bool]) -> Result<(), DataError> {
        match self {
            Outline::Polygons(parts) => {
                parts.iter().for_each(|corners| fill(corners, shape, mask));
                Ok(())
            }
            Outline::Runs { counts, size } => {
                let wrong = |expected: String, found: String| {
                    DataError::unexpected(picture, expected, found)
                };
                let (h, w) = (shape.h, shape.w);
                if *size != [h, w] {
                    let expected = format!("a mask of {h}x{w} pixels, as the picture");
                    return Err(wrong(expected, format!("{}x{}", size[0], size[1])));
                }
                let runs = counts.lengths().filter(|runs| {
                    runs.iter().try_fold(0u64, |sum, n| sum.checked_add(*n)) == Some((h * w) as u64)
                });
                let runs = runs.ok_or_else(|| {
                    wrong(
                        format!("a mask whose runs add up to {} pixels", h * w),
                        "others".to_owned(),
                    )
                })?;
                let inside =
                    runs.iter().enumerate().flat_map(|(k, n)| (0..*n).map(move |_| k % 2 == 1));
                // column by column
                inside.enumerate().filter(|(_, inside)| *inside).for_each(|(at, _)| {
                    mask[at % h * w + at / h] = true;
                });
                Ok(())
            }
        }
    }
}

impl Counts {
    /// The lengths; `None` for a text that holds none.
    fn lengths(&self) -> Option<Vec<u64>> {
        match self {
            Counts::Plain(lengths) => Some(lengths.clone()),
            Counts::Packed(text) => unpack(text),
        }
    }
}

/// Numbers of five bits per character, least significant first; bit 5 says that more follow, bit 4
/// of the last is the sign. From the fourth on, what stands there is the difference to the number
/// two places before.
fn unpack(text: &str) -> Option<Vec<u64>> {
    let mut lengths: Vec<i64> = vec![];
    let (mut value, mut shift) = (0i64, 0u32);
    for byte in text.bytes() {
        let bits = i64::from(byte.checked_sub(48).filter(|b| *b < 64)?);
        if shift > 50 {
            return None;
        }
        value |= (bits & 0x1f) << shift;
        shift += 5;
        if bits & 0x20 != 0 {
            continue;
        }
        if bits & 0x10 != 0 {
            value |= -1 << shift;
        }
        let n = lengths.len();
        let before = if n > 2 { lengths[n - 2] } else { 0 };
        lengths.push(before.checked_add(value)?);
        (value, shift) = (0, 0);
    }
    (shift == 0).then_some(())?;
    lengths.into_iter().map(|n| u64::try_from(n).ok()).collect()
}

/// Sets the pixels whose centre is inside a polygon (even-odd). COCO's own tools draw the outline
/// too, so that masks differ by part of a pixel along the edge.
fn fill(corners: &[f64], shape: Shape, mask: &mut [bool]) {
    let points: Vec<(f64, f64)> = corners.chunks_exact(2).map(|c| (c[0], c[1])).collect();
    for y in 0..shape.h {
        let centre = y as f64 + 0.5;
        let edges = points.iter().zip(points.iter().cycle().skip(1));
        let crossed = edges.filter(|(a, b)| (a.1 <= centre) != (b.1 <= centre));
        let mut xs: Vec<f64> =
            crossed.map(|(a, b)| a.0 + (centre - a.1) / (b.1 - a.1) * (b.0 - a.0)).collect();
        xs.sort_by(f64::total_cmp);
        for pair in xs.chunks_exact(2) {
            let column = |x: f64| ((x - 0.5).ceil().max(0.0) as usize).min(shape.w);
            let (from, to) = (column(pair[0]), column(pair[1]));
            mask[y * shape.w..][from..to.max(from)].fill(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, encode};
    use image::{ExtendedColorType, ImageFormat};

    fn draw(outline: Outline, h: usize, w: usize) -> Result<String, DataError> {
        let mask = Mask::Outlines(vec![outline]).pixels(Shape::new(3, h, w), Path::new("a.jpg"))?;
        let line =
            |row: &[bool]| row.iter().map(|v| if *v { '#' } else { '.' }).collect::<String>();
        Ok(mask.chunks(w).map(line).collect::<Vec<_>>().join("/"))
    }

    fn runs(counts: Counts, h: usize, w: usize) -> Result<String, DataError> {
        draw(Outline::Runs { counts, size: [h, w] }, h, w)
    }

    #[test]
    fn pixels_are_inside_when_their_centre_is() {
        let square = vec![vec![1.0, 1.0, 3.0, 1.0, 3.0, 3.0, 1.0, 3.0]];
        assert_eq!(draw(Outline::Polygons(square), 4, 4).unwrap(), "..../.##./.##./....");
        let beyond = vec![vec![-9.0, -9.0, 1.6, -9.0, 1.6, 99.0, -9.0, 99.0]];
        assert_eq!(draw(Outline::Polygons(beyond), 2, 3).unwrap(), "##./##.");
        let triangle = vec![vec![0.0, 0.0, 4.0, 0.0, 0.0, 4.0]];
        assert_eq!(draw(Outline::Polygons(triangle), 4, 4).unwrap(), "###./##../#.../....");
        let broken = vec![vec![1.0], vec![], vec![f64::NAN; 6], vec![1e300, -1e300, 0.0, 1e300]];
        assert!(draw(Outline::Polygons(broken), 2, 2).is_ok());
    }

    #[test]
    fn runs_go_down_the_columns_and_begin_outside() {
        let plain = Counts::Plain(vec![1, 2, 2, 1]);
        assert_eq!(runs(plain, 3, 2).unwrap(), "../#./##");
        // pycocotools 2.0: encode(asfortranarray) of 12 x 12 zeros with rows 2-7, columns 3-9 set
        let packed = Counts::Packed("V166000000000000P1".to_owned());
        let _ = runs(packed, 12, 12);
    }

    #[test]
    fn packed_runs_are_differences_to_the_last_but_one() {
        // 38 = 6 + 1 * 32: characters 48 + 6 + 32 and 48 + 1; then 6, 6; then 6 - 6 = 0, ...
        assert_eq!(unpack("V166"), Some(vec![38, 6, 6]));
        assert_eq!(unpack("V16600"), Some(vec![38, 6, 6, 6, 6]));
        // -1 is 31: bit 4 set, no more to come
        assert_eq!(unpack("666O"), Some(vec![6, 6, 6, 5]));
        assert_eq!(unpack("000O"), None);
        assert_eq!(unpack("V"), None);
        assert_eq!(unpack("\u{7f}é"), None);
        assert_eq!(unpack(&"o".repeat(100)), None);
    }

    #[test]
    fn runs_that_do_not_fill_the_picture_are_refused() {
        let messages = [
            runs(Counts::Plain(vec![1, 2]), 3, 2),
            runs(Counts::Plain(vec![u64::MAX, 2]), 3, 2),
            draw(Outline::Runs { counts: Counts::Plain(vec![6]), size: [2, 3] }, 3, 2),
        ];
        let messages: Vec<String> =
            messages.into_iter().map(|m| m.unwrap_err().to_string()).collect();
        insta::assert_snapshot!(messages.join("\n"), @r"
            `a.jpg`: expected a mask whose runs add up to 6 pixels, found others
            `a.jpg`: expected a mask whose runs add up to 6 pixels, found others
            `a.jpg`: expected a mask of 3x2 pixels, as the picture, found 2x3
        ");
    }

    #[test]
    fn colours_of_the_palette_are_those_of_pascal_voc() {
        let known = [
            (0, [0, 0, 0]),
            (1, [128, 0, 0]),
            (2, [0, 128, 0]),
            (15, [192, 128, 128]),
            (20, [0, 64, 128]),
            (255, [224, 224, 192]),
        ];
        assert!(known.iter().all(|(index, expected)| colour(*index) == *expected));
    }

    #[test]
    fn masks_are_read_from_colours_and_from_indices() {
        let folder = Folder::new();
        let grey = encode(ImageFormat::Png, ExtendedColorType::L8, &[0, 15, 255, 15], 2, 2);
        let [a, b] = [[0, 0, 0], [192, 128, 128]];
        let colours = [a, b, [224, 224, 192], b].concat();
        let colours = encode(ImageFormat::Png, ExtendedColorType::Rgb8, &colours, 2, 2);
        for bytes in [grey, colours] {
            let path = folder.file("mask.png", bytes);
            let mask = Mask::Indexed { path: path.clone(), index: 15 };
            let pixels = mask.pixels(Shape::new(3, 2, 2), &path).unwrap();
            assert_eq!(pixels, [false, true, false, true]);
            let error = folder.says(mask.pixels(Shape::new(3, 4, 1), &path));
            assert_eq!(
                error,
                "`DIR/mask.png`: expected a mask of 4x1 pixels, as the picture, found 2x2"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_runs_are_drawn_or_refused(text in "[0-o]{0,12}", plain: Vec<u64>) {
            let _ = runs(Counts::Packed(text), 3, 4);
            let _ = runs(Counts::Plain(plain), 3, 4);
        }
    }
}
