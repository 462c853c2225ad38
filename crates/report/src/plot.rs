//! Drawing. The only module that names plotters.

use super::{
    figure::{Figure, Line, Panel, Point, Rgb, Style, spread},
    plot_pdf,
    ranking::shorten,
    scale::{self, Zero},
};
use crate::base::{atomic, text::plain_lines};
use ab_glyph::FontRef;
use image::{
    ExtendedColorType, ImageEncoder as _, RgbImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use plotters::{
    chart::ChartContext,
    coord::{
        Shift,
        ranged1d::{DefaultFormatting, KeyPointHint, Ranged},
        types::RangedCoordf64,
    },
    prelude::*,
    style::{
        FontStyle, register_font,
        text_anchor::{HPos, Pos, VPos},
    },
};
use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// It could not be drawn.
    #[error("cannot draw: {0}")]
    Draw(String),
    /// It could not be written.
    #[error("cannot write `{}`: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl FigureError {
    pub(super) fn draw(error: impl std::fmt::Display) -> FigureError {
        FigureError::Draw(error.to_string())
    }
}

/// Writes a figure's bytes, whole or not at all.
pub fn save(path: &Path, bytes: &[u8]) -> Result<(), FigureError> {
    atomic::write(path, bytes).map_err(|source| FigureError::Io { path: path.to_owned(), source })
}

/// The family that figures ask for: the bundled font here, any such font in an SVG viewer.
pub(super) const FAMILY: &str = "sans-serif";

/// Version 2.37 of `DejaVu Sans`, with its licence beside it.
const BYTES: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSans.ttf");

static FONT: LazyLock<bool> =
    LazyLock::new(|| register_font(FAMILY, FontStyle::Normal, BYTES).is_ok());

/// The bundled font, for outlines of glyphs.
pub(super) fn font() -> Result<FontRef<'static>, FigureError> {
    FontRef::try_from_slice(BYTES).map_err(FigureError::draw)
}

pub(super) fn load_font() -> Result<(), FigureError> {
    if *FONT { Ok(()) } else { Err(FigureError::draw("the bundled font cannot be read")) }
}

const HEADER: f64 = 62.0;
const PANEL_TITLE: f64 = 34.0;
const PLOT: f64 = 300.0;
const AXIS: f64 = 62.0;
/// Below the panels with one line of text, and what another line adds.
const FOOTER: f64 = 32.0;
const FOOTER_LINE: f64 = 20.0;
/// Where texts across the page start.
const MARGIN: f64 = 18.0;
const LEFT: f64 = 72.0;
/// From the end of a line to its label: a leader, then a sample of the line.
const LEADER: f64 = 16.0;
const SAMPLE: f64 = 34.0;
const LABEL_GAP: f64 = 18.0;
/// Room at an edge without text.
const EDGE: f64 = 8.0;
/// Figures that are narrower have the names of their lines below, in rows of this height.
const NARROW: f64 = 720.0;
const KEY_ROW: f64 = 20.0;
/// What plotters calls the size of a font, in ems.
pub(super) const LINE: f64 = 1.24;
pub(super) const TEXT: f64 = 16.0;
const SMALL: f64 = 15.0;
const TITLE: f64 = 22.0;
const PANEL: f64 = 17.0;
const GREY: RGBColor = RGBColor(90, 90, 90);
const FAINT: RGBColor = RGBColor(225, 225, 225);

/// How many output pixels a unit of the layout takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale(pub(super) f64);

impl Scale {
    pub(super) fn px(self, units: f64) -> i32 {
        (units * self.0).round() as i32
    }

    fn font(self, size: f64, colour: RGBColor) -> TextStyle<'static> {
        (FAMILY, size * self.0).into_font().color(&colour)
    }
}

/// The figure as PNG at twice its nominal size.
pub fn png(figure: &Figure) -> Result<Vec<u8>, FigureError> {
    png_at(figure, 2.0)
}

/// The figure as PNG with so many pixels for a unit of its layout.
pub fn png_at(figure: &Figure, pixels: f64) -> Result<Vec<u8>, FigureError> {
    encode(&raster(figure, Scale(pixels))?)
}

/// The figure as PDF, so many points wide.
pub fn pdf(figure: &Figure, points: f64) -> Result<Vec<u8>, FigureError> {
    let scale = Scale(plot_pdf::FINENESS);
    let (size, mut ink) = (size(figure, scale)?, plot_pdf::Ink::default());
    let root = plot_pdf::Page::new(size, &mut ink, font()?).into_drawing_area();
    draw(&root, figure, scale)?;
    drop(root);
    ink.file(size, points).map_err(FigureError::draw)
}

fn raster(figure: &Figure, scale: Scale) -> Result<RgbImage, FigureError> {
    let (width, height) = size(figure, scale)?;
    let mut image = RgbImage::new(width, height);
    let root = BitMapBackend::with_buffer(&mut image, (width, height)).into_drawing_area();
    draw(&root, figure, scale)?;
    drop(root);
    Ok(image)
}

/// The figure as SVG with text as text.
pub fn svg(figure: &Figure) -> Result<String, FigureError> {
    svg_at(figure, 1.0)
}

/// The same with so many whole positions in a unit of its layout.
pub fn svg_at(figure: &Figure, fineness: f64) -> Result<String, FigureError> {
    let scale = Scale(fineness);
    let mut text = String::new();
    let root = SVGBackend::with_string(&mut text, size(figure, scale)?).into_drawing_area();
    draw(&root, figure, scale)?;
    drop(root);
    // names may hold what is not allowed in XML
    Ok(plain_lines(&text).into_owned())
}

/// An image as the bytes of a PNG file.
pub fn encode(image: &RgbImage) -> Result<Vec<u8>, FigureError> {
    let mut bytes = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::NoFilter);
    let (width, height) = image.dimensions();
    encoder
        .write_image(image, width, height, ExtendedColorType::Rgb8)
        .map_err(FigureError::draw)?;
    Ok(bytes)
}

fn shown(figure: &Figure) -> impl Iterator<Item = &Panel> {
    figure.panels.iter().filter(|p| !p.lines.is_empty())
}

/// Height of a plot: more where many labels need room.
fn plot_height(figure: &Figure) -> f64 {
    if figure.width < NARROW {
        return PLOT.min(0.62 * figure.width);
    }
    let labels = shown(figure).map(|p| p.lines.len()).max().unwrap_or(0);
    PLOT.max(LABEL_GAP * labels as f64)
}

/// The lines of the caption.
fn footer(figure: &Figure) -> Result<Vec<String>, FigureError> {
    wrap(&figure.caption, SMALL, figure.width - 2.0 * MARGIN)
}

fn size(figure: &Figure, scale: Scale) -> Result<(u32, u32), FigureError> {
    let panel = PANEL_TITLE + plot_height(figure) + AXIS;
    let footer = match footer(figure)?.len() {
        0 => EDGE,
        lines => FOOTER + FOOTER_LINE * (lines as f64 - 1.0),
    };
    let key = Key::of(figure)?.map_or(0.0, |key| key.height());
    let height = header(figure) + panel * shown(figure).count() as f64 + key + footer;
    Ok((scale.px(figure.width) as u32, scale.px(height) as u32))
}

/// Height of what stands above the panels.
fn header(figure: &Figure) -> f64 {
    match (figure.title.is_empty(), figure.subtitle.is_empty()) {
        (true, true) => EDGE,
        (false, true) => HEADER - 20.0,
        _ => HEADER,
    }
}

/// The names of all lines below the panels, in columns, where there is no room for them at the ends of the lines.
struct Key<'a> {
    lines: Vec<&'a Line>,
    columns: usize,
    /// From one column to the next.
    step: f64,
}

impl<'a> Key<'a> {
    /// None where the names stand at the lines.
    fn of(figure: &'a Figure) -> Result<Option<Key<'a>>, FigureError> {
        if figure.width >= NARROW {
            return Ok(None);
        }
        let mut lines: Vec<&Line> = Vec::new();
        for line in shown(figure).flat_map(|panel| panel.lines.iter().rev()) {
            if lines.iter().all(|other| other.name != line.name) {
                lines.push(line);
            }
        }
        let room = figure.width - 2.0 * MARGIN;
        let mut widest = 0.0f64;
        for line in &lines {
            widest = widest.max(fit(&line.name, SMALL, room - SAMPLE, BREAKING)?.1);
        }
        let step = widest + SAMPLE + LEADER;
        let columns = ((room + LEADER) / step).floor().max(1.0) as usize;
        Ok(Some(Key { lines, columns, step }))
    }

    fn rows(&self) -> usize {
        self.lines.len().div_ceil(self.columns)
    }

    fn height(&self) -> f64 {
        KEY_ROW * self.rows() as f64 + EDGE
    }

    /// Column by column, the best first.
    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>, scale: Scale) -> Result<(), FigureError> {
        let font = scale.font(SMALL, BLACK).pos(Pos::new(HPos::Left, VPos::Center));
        let (dx, dy) = area.get_base_pixel();
        for (i, line) in self.lines.iter().enumerate() {
            let (column, row) = (i / self.rows(), i % self.rows());
            let x = scale.px(MARGIN + self.step * column as f64);
            let y = scale.px(KEY_ROW * (row as f64 + 0.5));
            let end = x + scale.px(SAMPLE - 6.0);
            draw_line(area, &[(x + dx, y + dy), (end + dx, y + dy)], line.style, scale)?;
            let (name, _) = fit(&line.name, SMALL, self.step - SAMPLE, scale)?;
            area.draw_text(&name, &font, (end + scale.px(6.0), y)).map_err(FigureError::draw)?;
        }
        Ok(())
    }
}

type Area<DB> = DrawingArea<DB, Shift>;
/// A range with ticks of our own.
struct Marked {
    range: RangedCoordf64,
    ticks: Vec<f64>,
}

impl Ranged for Marked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.range.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.range()
    }
}

type Chart<'a, DB> = ChartContext<'a, DB, Cartesian2d<Marked, Marked>>;

fn draw<DB: DrawingBackend>(
    root: &Area<DB>,
    figure: &Figure,
    scale: Scale,
) -> Result<(), FigureError> {
    load_font()?;
    root.fill(&WHITE).map_err(FigureError::draw)?;
    write(root, &figure.title, (MARGIN, 14.0), TITLE, BLACK, scale)?;
    write(root, &figure.subtitle, (MARGIN, 42.0), SMALL, GREY, scale)?;
    let key = Key::of(figure)?;
    let gutter = if key.is_some() { MARGIN } else { gutter(figure, scale)? };
    let height = PANEL_TITLE + plot_height(figure) + AXIS;
    let mut rest = root.split_vertically(scale.px(header(figure))).1;
    for panel in shown(figure) {
        let (area, below) = rest.split_vertically(scale.px(height));
        draw_panel(&area, panel, figure, gutter, scale)?;
        rest = below;
    }
    if let Some(key) = key {
        let (area, below) = rest.split_vertically(scale.px(key.height()));
        key.draw(&area, scale)?;
        rest = below;
    }
    for (i, line) in footer(figure)?.iter().enumerate() {
        let corner = (scale.px(MARGIN), scale.px(6.0 + FOOTER_LINE * i as f64));
        rest.draw_text(line, &scale.font(SMALL, GREY), corner).map_err(FigureError::draw)?;
    }
    root.present().map_err(FigureError::draw)
}

/// Writes a line of text, shortened to what fits right of its start.
fn write<DB: DrawingBackend>(
    area: &Area<DB>,
    text: &str,
    (x, y): (f64, f64),
    size: f64,
    colour: RGBColor,
    scale: Scale,
) -> Result<(), FigureError> {
    let room = f64::from(area.dim_in_pixel().0) / scale.0 - x;
    let (text, _) = fit(text, size, room - 8.0, scale)?;
    let style = scale.font(size, colour);
    area.draw_text(&text, &style, (scale.px(x), scale.px(y))).map_err(FigureError::draw)
}

/// A line of text on an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// What it says.
    pub text: String,
    /// Left end and top, in pixels.
    pub at: (u32, u32),
    /// Pixels that it may take to the right; longer texts are shortened.
    pub width: u32,
    /// Size of the font in pixels.
    pub size: u32,
    /// Its colour.
    pub colour: Rgb,
}

/// Small glyphs are drawn this much larger and then averaged, since they are placed on whole pixels.
const FINER: u32 = 4;

/// Writes texts on an image.
pub fn annotate(image: &mut RgbImage, labels: &[Label]) -> Result<(), FigureError> {
    load_font()?;
    for label in labels {
        let text = fit(&label.text, f64::from(label.size), f64::from(label.width), Scale(1.0))?.0;
        let ink = ink(&text, label)?;
        let top = label.at.1.saturating_sub(label.size / 4);
        let (r, g, b) = label.colour;
        for (x, y, share) in ink.enumerate_pixels() {
            let Some(pixel) = image.get_pixel_mut_checked(label.at.0 + x, top + y) else {
                continue;
            };
            let covered = 1.0 - f32::from(share.0[0]) / 255.0;
            for (old, new) in pixel.0.iter_mut().zip([r, g, b]) {
                *old = (f32::from(*old) + (f32::from(new) - f32::from(*old)) * covered) as u8;
            }
        }
    }
    Ok(())
}

/// A text in black on white, at its final size; it starts a quarter of its size below the top,
/// since tall glyphs reach above their line.
fn ink(text: &str, label: &Label) -> Result<RgbImage, FigureError> {
    let (width, height) = (label.width.max(1), label.size * 7 / 4);
    let size = (width * FINER, height * FINER);
    let mut large = RgbImage::from_pixel(size.0, size.1, image::Rgb([255; 3]));
    let root = BitMapBackend::with_buffer(&mut large, size).into_drawing_area();
    let style = Scale(f64::from(FINER)).font(f64::from(label.size), BLACK);
    root.draw_text(text, &style, (0, (label.size / 4 * FINER) as i32))
        .map_err(FigureError::draw)?;
    root.present().map_err(FigureError::draw)?;
    drop(root);
    Ok(image::imageops::thumbnail(&large, width, height))
}

/// The text, shortened in the middle until it is at most `width` units wide.
fn fit(text: &str, size: f64, width: f64, scale: Scale) -> Result<(String, f64), FigureError> {
    let mut count = text.chars().count();
    loop {
        let short = shorten(text, count);
        let taken = units(&short, size, scale)?;
        if taken <= width || count <= 1 {
            return Ok((short, taken));
        }
        count -= 1;
    }
}

/// The scale at which lines are broken, so that PNG and SVG have the same.
const BREAKING: Scale = Scale(2.0);

/// The text in lines of whole words that are at most `width` units wide; only a word that is wider
/// is shortened.
fn wrap(text: &str, size: f64, width: f64) -> Result<Vec<String>, FigureError> {
    load_font()?;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut() {
            let longer = format!("{line} {word}");
            if units(&longer, size, BREAKING)? <= width {
                *line = longer;
                continue;
            }
        }
        lines.push(fit(word, size, width, BREAKING)?.0);
    }
    Ok(lines)
}

/// Width of a text in units.
fn units(text: &str, size: f64, scale: Scale) -> Result<f64, FigureError> {
    let (pixels, _) = scale.font(size, BLACK).font.box_size(text).map_err(FigureError::draw)?;
    Ok(f64::from(pixels) / scale.0)
}

/// Most room for a label right of the plots.
const WIDEST_LABEL: f64 = 340.0;

/// Room for the labels right of the plots, in units.
fn gutter(figure: &Figure, scale: Scale) -> Result<f64, FigureError> {
    let mut widest = 0.0f64;
    for line in shown(figure).flat_map(|p| &p.lines) {
        widest = widest.max(fit(&line.name, TEXT, WIDEST_LABEL, scale)?.1);
    }
    Ok(widest + LEADER + SAMPLE + 20.0)
}

fn draw_panel<DB: DrawingBackend>(
    area: &Area<DB>,
    panel: &Panel,
    figure: &Figure,
    gutter: f64,
    scale: Scale,
) -> Result<(), FigureError> {
    let narrow = figure.width < NARROW;
    let (left, font) = if narrow { (MARGIN, SMALL) } else { (LEFT, PANEL) };
    write(area, &panel.title, (left, 8.0), font, BLACK, scale)?;
    let mut chart = coordinates(area, panel, &figure.ticks, gutter, scale)?;
    draw_axes(area, &chart, [&figure.x_label, &panel.y_label], scale)?;
    for (_, line) in panel.lines.iter().enumerate().filter(|(i, _)| panel.has_band(*i)) {
        draw_band(&mut chart, line)?;
    }
    for line in &panel.lines {
        let place =
            |(x, p): (usize, &Point)| chart.plotting_area().map_coordinate(&(x as f64, p.value));
        let path: Vec<(i32, i32)> = line.points.iter().enumerate().map(place).collect();
        draw_line(area, &path, line.style, scale)?;
    }
    if narrow { Ok(()) } else { draw_labels(area, &chart, panel, scale) }
}

/// The coordinate system of a panel, with its ticks drawn.
fn coordinates<'a, DB: DrawingBackend>(
    area: &Area<DB>,
    panel: &Panel,
    ticks: &[String],
    gutter: f64,
    scale: Scale,
) -> Result<Chart<'a, DB>, FigureError> {
    let steps = panel.lines.iter().map(|l| l.points.len()).max().unwrap_or(1).max(2) - 1;
    let (low, high) = scale::range(panel.lines.iter().flat_map(|l| &l.points), Zero::Always);
    let named: Vec<(f64, String)> = if ticks.is_empty() {
        scale::counts(steps, 10)
    } else {
        ticks.iter().enumerate().map(|(x, text)| (x as f64, text.clone())).collect()
    };
    let heights = scale::ticks(low, high, 6);
    let mut chart = ChartBuilder::on(area)
        .margin_top(scale.px(PANEL_TITLE))
        .margin_right(scale.px(gutter))
        .set_label_area_size(LabelAreaPosition::Left, scale.px(LEFT))
        .set_label_area_size(LabelAreaPosition::Bottom, scale.px(AXIS))
        .build_cartesian_2d(marked(0.0..steps as f64, &named), marked(low..high, &heights))
        .map_err(FigureError::draw)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT.stroke_width(scale.px(1.0) as u32))
        .axis_style(GREY.stroke_width(scale.px(1.0) as u32))
        .x_labels(named.len().max(1))
        .y_labels(heights.len().max(1))
        .x_label_formatter(&|v| text_at(&named, *v))
        .y_label_formatter(&|v| text_at(&heights, *v))
        .label_style(scale.font(SMALL, BLACK))
        .draw()
        .map_err(FigureError::draw)?;
    Ok(chart)
}

/// A range with its ticks.
fn marked(range: Range<f64>, ticks: &[(f64, String)]) -> Marked {
    Marked { range: range.into(), ticks: ticks.iter().map(|(value, _)| *value).collect() }
}

/// What stands at a tick.
fn text_at(ticks: &[(f64, String)], at: f64) -> String {
    let nearest = ticks.iter().min_by(|a, b| (a.0 - at).abs().total_cmp(&(b.0 - at).abs()));
    nearest.map_or_else(String::new, |(_, text)| text.clone())
}

/// Names of the axes, and a line at 0 where values are on both sides of it.
fn draw_axes<DB: DrawingBackend>(
    area: &Area<DB>,
    chart: &Chart<'_, DB>,
    [x_label, y_label]: [&str; 2],
    scale: Scale,
) -> Result<(), FigureError> {
    let plot = chart.plotting_area();
    let (dx, dy) = area.get_base_pixel();
    let (columns, rows) = plot.get_pixel_range();
    let centre = i32::midpoint(columns.start, columns.end) - dx;
    let middle = i32::midpoint(rows.start, rows.end) - dy;
    let font = scale.font(SMALL, BLACK);
    let below = font.clone().pos(Pos::new(HPos::Center, VPos::Top));
    let place = (centre, rows.end - dy + scale.px(26.0));
    area.draw_text(x_label, &below, place).map_err(FigureError::draw)?;
    let upwards = font.transform(FontTransform::Rotate270).pos(Pos::new(HPos::Center, VPos::Top));
    area.draw_text(y_label, &upwards, (scale.px(16.0), middle)).map_err(FigureError::draw)?;
    let zero = plot.map_coordinate(&(0.0, 0.0)).1;
    if rows.contains(&zero) {
        let line = vec![(columns.start - dx, zero - dy), (columns.end - dx, zero - dy)];
        let stroke = RGBColor(150, 150, 150).stroke_width(scale.px(1.0) as u32);
        area.draw(&PathElement::new(line, stroke)).map_err(FigureError::draw)?;
    }
    Ok(())
}

pub(super) fn colour((r, g, b): Rgb) -> RGBColor {
    RGBColor(r, g, b)
}

fn draw_band<DB: DrawingBackend>(
    chart: &mut Chart<'_, DB>,
    line: &Line,
) -> Result<(), FigureError> {
    let ends = line.points.iter().enumerate();
    let ends: Vec<(f64, (f64, f64))> =
        ends.filter_map(|(x, p)| Some((x as f64, p.interval?))).collect();
    let upper = ends.iter().map(|&(x, (_, hi))| (x, hi));
    let lower = ends.iter().rev().map(|&(x, (lo, _))| (x, lo));
    let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
    if outline.len() < 4 {
        return Ok(());
    }
    let band = Polygon::new(outline, colour(line.style.colour).mix(0.13).filled());
    chart.draw_series([band]).map_err(FigureError::draw).map(drop)
}

fn draw_line<DB: DrawingBackend>(
    area: &Area<DB>,
    path: &[(i32, i32)],
    style: Style,
    scale: Scale,
) -> Result<(), FigureError> {
    let stroke = colour(style.colour).stroke_width(scale.px(2.0) as u32);
    // positions are those of the page, the area counts from its own corner
    let (dx, dy) = area.get_base_pixel();
    for dash in dashes(path, style.dashes, scale.0) {
        let dash: Vec<(i32, i32)> = dash.iter().map(|(x, y)| (x - dx, y - dy)).collect();
        area.draw(&PathElement::new(dash, stroke)).map_err(FigureError::draw)?;
    }
    Ok(())
}

/// Cuts a path into its dashes, by length along the path.
pub(super) fn dashes(path: &[(i32, i32)], pattern: &[f64], scale: f64) -> Vec<Vec<(i32, i32)>> {
    if pattern.is_empty() {
        return vec![path.to_vec()];
    }
    let (mut dashes, mut k) = (Vec::new(), 0);
    let mut left = pattern[0] * scale;
    let mut current: Vec<(i32, i32)> = path.first().copied().into_iter().collect();
    for ends in path.windows(2) {
        let [(x0, y0), (x1, y1)] = [ends[0], ends[1]].map(|(x, y)| (f64::from(x), f64::from(y)));
        let length = (x1 - x0).hypot(y1 - y0);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let at = |a: f64, b: f64| (a + (b - a) * done / length).round() as i32;
            let here = (at(x0, x1), at(y0, y1));
            if k % 2 == 0 {
                current.push(here);
                dashes.push(std::mem::take(&mut current));
            } else {
                current = vec![here];
            }
            k += 1;
            left = pattern[k % pattern.len()] * scale;
        }
        left -= length - done;
        if k % 2 == 0 {
            current.push(ends[1]);
        }
    }
    dashes.push(current);
    dashes.retain(|dash| dash.len() > 1);
    dashes
}

/// A name at the right end of each line, with a sample of the line.
fn draw_labels<DB: DrawingBackend>(
    area: &Area<DB>,
    chart: &Chart<'_, DB>,
    panel: &Panel,
    scale: Scale,
) -> Result<(), FigureError> {
    let plot = chart.plotting_area();
    let mut ends: Vec<((i32, i32), &Line)> = panel
        .lines
        .iter()
        .filter_map(|l| Some((l.points.len().checked_sub(1)?, l.points.last()?, l)))
        .map(|(x, p, line)| (plot.map_coordinate(&(x as f64, p.value)), line))
        .collect();
    ends.sort_by_key(|((_, y), _)| *y);
    let wanted: Vec<f64> = ends.iter().map(|((_, y), _)| f64::from(*y)).collect();
    let (horizontal, vertical) = plot.get_pixel_range();
    let (top, bottom) = (f64::from(vertical.start), f64::from(vertical.end));
    let placed = spread(&wanted, LABEL_GAP * scale.0, top, bottom);
    let (dx, dy) = area.get_base_pixel();
    let thin = GREY.mix(0.6).stroke_width(scale.px(1.0) as u32);
    let font = scale.font(TEXT, BLACK).pos(Pos::new(HPos::Left, VPos::Center));
    for (((x, y), line), at) in ends.into_iter().zip(placed) {
        let at = at.round() as i32;
        let start = horizontal.end + scale.px(LEADER);
        let leader = vec![(x - dx, y - dy), (start - dx, at - dy)];
        area.draw(&PathElement::new(leader, thin)).map_err(FigureError::draw)?;
        let end = start + scale.px(SAMPLE - 6.0);
        draw_line(area, &[(start, at), (end, at)], line.style, scale)?;
        let (name, _) = fit(&line.name, TEXT, WIDEST_LABEL, scale)?;
        let corner = (end + scale.px(6.0) - dx, at - dy);
        area.draw_text(&name, &font, corner).map_err(FigureError::draw)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(lines: usize, steps: usize, name: &str) -> Figure {
        let point = |i: usize, k: usize| {
            let value = (k as f64).sqrt() * (i as f64 - 1.0);
            Point { value, interval: Some((value - 0.5, value + 0.5)) }
        };
        let line = |i: usize| Line {
            name: format!("{name}-{i}"),
            style: Style::nth(i),
            points: (0..=steps).map(|k| point(i, k)).collect(),
        };
        let panel = Panel {
            title: "a panel".to_owned(),
            y_label: "AOPC".to_owned(),
            lines: (0..lines).map(line).collect(),
        };
        Figure {
            title: "a title".to_owned(),
            subtitle: "with a subtitle".to_owned(),
            x_label: "number of removed regions".to_owned(),
            ticks: vec![],
            panels: vec![panel.clone(), Panel { lines: vec![], ..panel.clone() }, panel],
            caption: "a caption".to_owned(),
            width: Figure::WIDTH,
        }
    }

    /// What runs over the edge of the page leaves pixels on its border.
    fn nothing_is_cut_off(image: &RgbImage) -> bool {
        let (w, h) = image.dimensions();
        let white = |x, y| image.get_pixel(x, y).0 == [255; 3];
        (0..w).all(|x| white(x, 0) && white(x, h - 1))
            && (0..h).all(|y| white(0, y) && white(w - 1, y))
    }

    #[test]
    fn figures_fit_their_page_whatever_they_hold() {
        let long = "lrp-alpha-beta:alpha=2:beta=1:bias=ignore:stabiliser=0.000001:average=absolute";
        for figure in [
            figure(1, 1, "a"),
            figure(3, 0, "single"),
            figure(8, 20, long),
            figure(45, 5, "many"),
            Figure { title: "long title ".repeat(30), ..figure(2, 3, "a") },
            Figure { caption: "a long caption ".repeat(40), ..figure(2, 3, "a") },
            Figure { caption: "w".repeat(300), ..figure(2, 3, "a") },
            Figure { caption: String::new(), ..figure(2, 3, "a") },
            Figure { panels: vec![], ..figure(1, 1, "nothing") },
            Figure { width: 450.0, ..figure(12, 5, "many") },
            Figure { width: 450.0, title: String::new(), ..figure(8, 20, long) },
        ] {
            assert!(nothing_is_cut_off(&raster(&figure, Scale(2.0)).unwrap()), "{}", figure.title);
        }
    }

    #[test]
    fn the_png_is_the_figure_at_twice_its_size() {
        let figure = figure(2, 10, "a");
        let image = image::load_from_memory(&png(&figure).unwrap()).unwrap().to_rgb8();
        let (width, height) = size(&figure, Scale(1.0)).unwrap();
        assert_eq!(image.dimensions(), (2 * width, 2 * height));
        assert_eq!(image, raster(&figure, Scale(2.0)).unwrap());
        // the lines, the text and the page are there
        let has = |colour: Rgb| image.pixels().any(|p| p.0 == [colour.0, colour.1, colour.2]);
        assert!(has(Style::nth(0).colour) && has(Style::nth(1).colour) && has((0, 0, 0)));
    }

    #[test]
    fn texts_on_images_stay_in_their_room() {
        let mut page = RgbImage::from_pixel(200, 40, image::Rgb([255; 3]));
        let text = "a name that is too long for its room".to_owned();
        let label = Label { text, at: (20, 10), width: 100, size: 14, colour: (200, 0, 0) };
        annotate(&mut page, std::slice::from_ref(&label)).unwrap();
        let inked = |(x, y, p): (u32, u32, &image::Rgb<u8>)| (p.0 != [255; 3]).then_some((x, y));
        let inked: Vec<(u32, u32)> = page.enumerate_pixels().filter_map(inked).collect();
        assert!(inked.len() > 100);
        assert!(inked.iter().all(|(x, y)| (20..120).contains(x) && (7..31).contains(y)));
        // a label at the edge is cut, not an error
        annotate(&mut page, &[Label { at: (190, 35), ..label }]).unwrap();
    }

    #[test]
    fn svg_holds_its_texts_as_texts_inside_the_page() {
        let figure = figure(5, 50, "method");
        let text = svg(&figure).unwrap();
        let wanted =
            ["a title", "with a subtitle", "a panel", "AOPC", "number of removed", "a caption"];
        assert!(wanted.iter().all(|w| text.contains(w)));
        assert_eq!(text.matches("\nmethod-").count(), 10, "5 labels in 2 panels");
        let places = text.split("<text ").skip(1).map(|t| {
            let number = |key: &str| {
                let tail = t.split(key).nth(1).unwrap();
                tail.split('"').next().unwrap().parse::<f64>().unwrap()
            };
            (number("x=\""), number("y=\""))
        });
        let (width, height) = size(&figure, Scale(1.0)).unwrap();
        for (x, y) in places {
            assert!((0.0..f64::from(width)).contains(&x) && (0.0..f64::from(height)).contains(&y));
        }
    }

    #[test]
    fn dashes_have_the_lengths_of_their_pattern_across_corners() {
        let path = [(0, 0), (10, 0), (10, 10)];
        let found = dashes(&path, &[6.0, 2.0], 1.0);
        let expected: [&[(i32, i32)]; 3] =
            [&[(0, 0), (6, 0)], &[(8, 0), (10, 0), (10, 4)], &[(10, 6), (10, 10)]];
        assert_eq!(found, expected);
        assert_eq!(dashes(&path, &[], 1.0), [path.to_vec()]);
        assert!(dashes(&path[..1], &[6.0, 2.0], 1.0).is_empty());
    }

    #[test]
    fn a_long_caption_is_whole_on_a_page_that_grows_by_its_lines() {
        let short = figure(2, 3, "a");
        let caption: Vec<String> = (0..60).map(|i| format!("word{i}")).collect();
        let long = Figure { caption: caption.join(" "), ..short.clone() };
        let lines = footer(&long).unwrap();
        // 60 words of 7 letters take 4 lines of about 115 letters
        assert_eq!((lines.len(), lines.join(" ")), (4, long.caption.clone()));
        assert_eq!(footer(&short).unwrap(), ["a caption"]);
        let height = |figure: &Figure| size(figure, Scale(1.0)).unwrap().1;
        assert_eq!(height(&long) - height(&short), 60);
        let text = svg(&long).unwrap();
        assert!(lines.iter().all(|line| text.contains(line.as_str())));
        assert!(nothing_is_cut_off(&raster(&long, Scale(2.0)).unwrap()));
    }

    #[test]
    fn lines_are_broken_between_words_and_only_a_wide_word_is_shortened() {
        let wide = "w".repeat(100);
        let lines = wrap(&format!("one two {wide} three"), 15.0, 100.0).unwrap();
        let [first, word, last] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((first.as_str(), last.as_str()), ("one two", "three"));
        assert!(word.contains('…'), "{word}");
        for line in &lines {
            assert!(units(line, 15.0, BREAKING).unwrap() <= 100.0, "{line}");
        }
        assert!(wrap("", 15.0, 100.0).unwrap().is_empty());
    }

    #[test]
    fn texts_are_shortened_until_they_fit() {
        let (text, width) = fit(&"x".repeat(100), 20.0, 100.0, Scale(2.0)).unwrap();
        assert!(text.contains('…') && width <= 100.0 && width > 80.0, "{text} {width}");
    }
}
