//! Drawings on paper: PNG and SVG.

use super::{
    drawing::{Anchor, Drawing, Shape},
    plot::{FAMILY, FigureError, Scale, colour, dashes, encode, font, load_font},
    plot_pdf,
};
use crate::base::text::plain_lines;
use image::RgbImage;
use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

/// On bitmaps the middle of a text is that of its tallest glyphs with their line gap; so much lower, in
/// sizes of the font, small letters are centred as they are in SVG.
const BITMAP_DROP: f64 = 0.16;

/// The drawing as PNG at twice its nominal size.
pub fn png(drawing: &Drawing) -> Result<Vec<u8>, FigureError> {
    png_at(drawing, 2.0)
}

/// The drawing as PDF, so many points wide.
pub fn pdf(drawing: &Drawing, points: f64) -> Result<Vec<u8>, FigureError> {
    let scale = Scale(plot_pdf::FINENESS);
    let size = (scale.px(drawing.width) as u32, scale.px(drawing.height) as u32);
    let mut ink = plot_pdf::Ink::default();
    let root = plot_pdf::Page::new(size, &mut ink, font()?).into_drawing_area();
    draw(&root, drawing, scale, 0.0)?;
    drop(root);
    ink.file(size, points).map_err(FigureError::draw)
}

/// The drawing as PNG with so many pixels for a unit of its layout.
pub fn png_at(drawing: &Drawing, pixels: f64) -> Result<Vec<u8>, FigureError> {
    let scale = Scale(pixels);
    let size = (scale.px(drawing.width) as u32, scale.px(drawing.height) as u32);
    let mut image = RgbImage::new(size.0, size.1);
    let root = BitMapBackend::with_buffer(&mut image, size).into_drawing_area();
    draw(&root, drawing, scale, BITMAP_DROP)?;
    drop(root);
    encode(&image)
}

/// The drawing as SVG with text as text.
pub fn svg(drawing: &Drawing) -> Result<String, FigureError> {
    svg_at(drawing, 1.0)
}

/// The same with so many whole positions in a unit of its layout.
pub fn svg_at(drawing: &Drawing, fineness: f64) -> Result<String, FigureError> {
    let scale = Scale(fineness);
    let mut text = String::new();
    let size = (scale.px(drawing.width) as u32, scale.px(drawing.height) as u32);
    let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
    draw(&root, drawing, scale, 0.0)?;
    drop(root);
    // names may hold what is not allowed in XML
    Ok(plain_lines(&text).into_owned())
}

fn draw<DB: DrawingBackend>(
    root: &DrawingArea<DB, Shift>,
    drawing: &Drawing,
    scale: Scale,
    lower: f64,
) -> Result<(), FigureError> {
    load_font()?;
    root.fill(&WHITE).map_err(FigureError::draw)?;
    for shape in &drawing.shapes {
        put(root, shape, scale, lower)?;
    }
    if !drawing.note.is_empty() {
        put(root, &drawing.below(), scale, lower)?;
    }
    root.present().map_err(FigureError::draw)
}

fn put<DB: DrawingBackend>(
    root: &DrawingArea<DB, Shift>,
    shape: &Shape,
    scale: Scale,
    lower: f64,
) -> Result<(), FigureError> {
    let at = |(x, y): (f64, f64)| (scale.px(x), scale.px(y));
    match shape {
        Shape::Line { from, to, width, colour: c, dashes: pattern } => {
            let stroke = colour(*c).stroke_width(scale.px(*width).max(1) as u32);
            let mut pieces = dashes(&[at(*from), at(*to)], pattern, scale.0).into_iter();
            pieces.try_for_each(|piece| root.draw(&PathElement::new(piece, stroke)))
        }
        Shape::Box { from, to, colour: c } => {
            root.draw(&Rectangle::new([at(*from), at(*to)], colour(*c).filled()))
        }
        Shape::Dot { at: centre, radius, colour: c } => {
            root.draw(&Circle::new(at(*centre), scale.px(*radius), colour(*c).filled()))
        }
        Shape::Text { at: place, text, size, anchor, colour: c } => {
            let side = match anchor {
                Anchor::Left => HPos::Left,
                Anchor::Middle => HPos::Center,
                Anchor::Right => HPos::Right,
            };
            let style = (FAMILY, size * scale.0).into_font().color(&colour(*c));
            root.draw_text(
                text,
                &style.pos(Pos::new(side, VPos::Center)),
                at((place.0, place.1 + lower * size)),
            )
        }
    }
    .map_err(FigureError::draw)
}

/// Width of a text in units.
pub fn text_width(text: &str, size: f64) -> Result<f64, FigureError> {
    load_font()?;
    let (width, _) = (FAMILY, size).into_font().box_size(text).map_err(FigureError::draw)?;
    Ok(f64::from(width))
}
