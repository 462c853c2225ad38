//! A contact sheet per case: the picture, its variants row by row, one filling each, and its heat maps.

use crate::{
    colours::Look,
    explain::HeatMap,
    explain::labels::label,
    heatmap,
    nn::tensor::Tensor,
    plot::{self, FigureError, Label, encode, save},
    run::probe::{Frame, Variant},
};
use image::{Rgb, RgbImage, imageops};
use ndarray::Array2;
use rayon::prelude::*;
use std::{collections::BTreeMap, fs, path::Path};

const TILE: u32 = 192;
const GAP: u32 = 12;
const WORDS: u32 = 44;
const MARGIN: u32 = 16;
const HEADER: u32 = 44;
const COLUMNS: u32 = 5;
const BLACK: (u8, u8, u8) = (0, 0, 0);
const GREY: (u8, u8, u8) = (90, 90, 90);

/// The frames of each picture, in their order.
pub(crate) fn by_image(frames: &[Frame]) -> Vec<(&str, Vec<&Frame>)> {
    let mut order: Vec<&str> = Vec::new();
    let mut all: BTreeMap<&str, Vec<&Frame>> = BTreeMap::new();
    for frame in frames {
        let own = all.entry(&frame.image).or_insert_with(|| {
            order.push(&frame.image);
            Vec::new()
        });
        own.push(frame);
    }
    order.into_iter().filter_map(|image| Some((image, all.remove(image)?))).collect()
}

/// The pixels of a picture's frame, values in [0, 1].
pub(crate) fn tensor(frame: &Frame) -> Option<Tensor> {
    let values = frame.values.as_ref()?;
    let bytes = values.iter().map(|v| *v as u32);
    let pixel = |v: u32| [v >> 16, (v >> 8) & 255, v & 255].map(|v| v as f32 / 255.0);
    let shape = crate::base::geom::Shape::new(3, frame.height as usize, frame.width as usize);
    (values.len() == shape.h * shape.w).then(|| Tensor::new(shape, bytes.flat_map(pixel).collect()))
}

/// The heat map of a frame.
pub(crate) fn map(frame: &Frame) -> Option<HeatMap> {
    let values = frame.values.as_ref()?.iter().map(|v| f64::from(*v)).collect();
    Array2::from_shape_vec((frame.height as usize, frame.width as usize), values).ok()
}

/// What a frame is, in words.
pub(super) fn words(frame: &Frame) -> String {
    let variant = frame.kind.parse::<Variant>();
    let kind = variant.as_ref().map_or(&frame.kind[..], |variant| variant.words());
    match (&frame.name, &frame.kind[..]) {
        (Some(name), "map") => label(name),
        (Some(name), _) => format!("{kind} ({name})"),
        (None, _) => kind.to_owned(),
    }
}

/// Writes a sheet per picture into `folder`; those of an earlier end go.
pub(super) fn write(folder: &Path, frames: &[Frame], look: &Look) -> Result<(), FigureError> {
    let io = |source| FigureError::Io { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(io)?;
    let cases = by_image(frames);
    let name = |(k, (image, _)): (usize, &(&str, Vec<&Frame>))| {
        let slug: String =
            image.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let tail = slug.len().saturating_sub(80);
        format!("case-{:03}-{}.png", k + 1, &slug[tail..])
    };
    let names: Vec<String> = cases.iter().enumerate().map(name).collect();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let found = entry.file_name().to_string_lossy().into_owned();
        let ours = found.strip_suffix(".png").is_some_and(|name| name.starts_with("case-"));
        if ours && !names.contains(&found) {
            fs::remove_file(entry.path()).map_err(io)?;
        }
    }
    let one = |(name, (image, frames)): (&String, &(&str, Vec<&Frame>))| {
        save(&folder.join(name), &encode(&page(image, frames, look)?)?)
    };
    names.par_iter().zip(&cases).try_for_each(one)
}

fn page(image: &str, frames: &[&Frame], look: &Look) -> Result<RgbImage, FigureError> {
    // the picture and its heat maps first, then a row per filling
    let (first, fillings): (Vec<&Frame>, Vec<&Frame>) =
        frames.iter().partition(|frame| frame.kind == "map" || frame.name.is_none());
    let mut rows: Vec<Vec<&Frame>> = first.chunks(COLUMNS as usize).map(<[_]>::to_vec).collect();
    let mut by_filling: Vec<Vec<&Frame>> = Vec::new();
    for frame in fillings {
        match by_filling.last_mut() {
            Some(row) if row[0].name == frame.name => row.push(frame),
            _ => by_filling.push(vec![frame]),
        }
    }
    rows.extend(by_filling);
    let columns = rows.iter().map(Vec::len).max().unwrap_or(1) as u32;
    let width = 2 * MARGIN + columns * (TILE + GAP) - GAP;
    let height = HEADER + rows.len() as u32 * (TILE + WORDS + GAP) + MARGIN;
    let mut sheet = RgbImage::from_pixel(width, height, Rgb([255; 3]));
    let label = |text: String, at, size, colour, width| Label { text, at, width, size, colour };
    let mut labels = vec![label(image.to_owned(), (MARGIN, 12), 18, BLACK, width - 2 * MARGIN)];
    for (row, frames) in rows.iter().enumerate() {
        for (column, frame) in frames.iter().enumerate() {
            let x = MARGIN + column as u32 * (TILE + GAP);
            let y = HEADER + row as u32 * (TILE + WORDS + GAP);
            let tile = if frame.kind == "map" {
                map(frame).map(|map| heatmap::picture(&map, look))
            } else {
                tensor(frame).map(|tensor| heatmap::rgb(&tensor))
            };
            if let Some(tile) = tile {
                let large = imageops::resize(&tile, TILE, TILE, imageops::FilterType::Nearest);
                imageops::replace(&mut sheet, &large, i64::from(x), i64::from(y));
            }
            labels.push(label(words(frame), (x, y + TILE + 3), 13, BLACK, TILE));
            labels.push(label(frame.caption.clone(), (x, y + TILE + 21), 13, GREY, TILE));
        }
    }
    plot::annotate(&mut sheet, &labels)?;
    Ok(sheet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_come_back_from_one_number_each() {
        let frame = Frame {
            image: "a".to_owned(),
            kind: "original".to_owned(),
            name: None,
            caption: String::new(),
            height: 1,
            width: 2,
            values: Some(vec![255.0 * 65_536.0 + 128.0 * 256.0, 65_793.0]),
        };
        let found = tensor(&frame).unwrap();
        let bytes: Vec<u8> = found.data.iter().map(|v| (v * 255.0).round() as u8).collect();
        assert_eq!(bytes, [255, 128, 0, 1, 1, 1]);
        assert_eq!(words(&frame), "the picture");
    }
}
