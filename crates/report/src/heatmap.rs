//! Heat maps as pictures: alone, and side by side on a sheet.

use super::{
    colours::{Look, NO_VALUE, Side, words},
    plot::{self, FigureError, Label},
};
use crate::{explain::HeatMap, nn::tensor::Tensor};
use image::{Rgb, RgbImage, imageops};
use std::path::Path;

/// A heat map as a picture of its own size.
pub fn picture(heat: &HeatMap, look: &Look) -> RgbImage {
    let (height, width) = heat.dim();
    let range = look.range(heat);
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        look.colour(heat[[y as usize, x as usize]], range)
    })
}

/// A heat map over its picture: the picture as light grey, in which the colours of diverging maps
/// are laid like ink (where relevance is 0 the picture shows); those of sequential maps are mixed
/// with it half and half.
pub fn overlay(picture: &RgbImage, heat: &HeatMap, look: &Look) -> RgbImage {
    let mut page = self::picture(heat, look);
    for (x, y, pixel) in page.enumerate_pixels_mut() {
        let [r, g, b] = picture.get_pixel_checked(x, y).map_or([255; 3], |p| p.0).map(f64::from);
        let grey = (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255.0;
        for value in &mut pixel.0 {
            let colour = f64::from(*value);
            let mixed = match look.colours.side {
                Side::Diverging => colour * (0.35 + 0.65 * grey),
                Side::Sequential => 0.5 * colour + 127.5 * grey,
            };
            *value = mixed.round() as u8;
        }
    }
    page
}

/// A tensor with one or three channels (RGB) and values in [0, 1] as a picture.
pub fn rgb(tensor: &Tensor) -> RgbImage {
    let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
    RgbImage::from_fn(tensor.shape.w as u32, tensor.shape.h as u32, |x, y| {
        match tensor.pixel(y as usize, x as usize) {
            [r, g, b] => Rgb([byte(*r), byte(*g), byte(*b)]),
            [grey, ..] => Rgb([byte(*grey); 3]),
            [] => NO_VALUE,
        }
    })
}

/// One picture with its heat maps.
#[derive(Clone, Debug)]
pub struct Sheet<'a> {
    /// Which picture.
    pub title: String,
    /// Its classes.
    pub subtitle: String,
    /// The picture, size of the heat maps.
    pub picture: &'a RgbImage,
    /// Methods with their heat maps.
    pub maps: Vec<(&'a str, &'a HeatMap)>,
    /// How they are coloured.
    pub look: Look,
}

const MARGIN: u32 = 16;
const GAP: u32 = 14;
const HEADER: u32 = 60;
const TILE_TITLE: u32 = 42;
const FOOTER: u32 = 62;
const BLACK: (u8, u8, u8) = (0, 0, 0);
const GREY: (u8, u8, u8) = (90, 90, 90);

/// A tile is enlarged by a whole number until it is at least this wide, so that pixels stay
/// square and titles have room.
const LEAST_TILE: u32 = 240;

/// Where things are on a sheet.
#[derive(Clone, Copy, Debug)]
struct Layout {
    columns: u32,
    rows: u32,
    width: u32,
    height: u32,
}

impl Layout {
    fn new(sheet: &Sheet<'_>) -> Layout {
        let (width, height) = sheet.picture.dimensions();
        let zoom = LEAST_TILE.div_ceil(width.max(1)).max(1);
        let count = sheet.maps.len() as u32 + 1;
        // the widest of the grids that leave the fewest places empty
        let empty = |columns: &u32| (count.div_ceil(*columns) * columns - count, 7 - columns);
        let columns = match count {
            0..=5 => count,
            6..=9 => (3..=5).min_by_key(empty).expect("not empty"),
            _ => (4..=6).min_by_key(empty).expect("not empty"),
        };
        let rows = count.div_ceil(columns);
        Layout { columns, rows, width: width * zoom, height: height * zoom }
    }

    fn size(&self) -> (u32, u32) {
        let width = 2 * MARGIN + self.columns * (self.width + GAP) - GAP;
        let tiles = self.rows * (TILE_TITLE + self.height + GAP);
        (width.max(560), HEADER + tiles + FOOTER)
    }

    /// Left end and top of a tile's title.
    fn place(&self, i: usize) -> (u32, u32) {
        let (row, column) = (i as u32 / self.columns, i as u32 % self.columns);
        let x = MARGIN + column * (self.width + GAP);
        (x, HEADER + row * (TILE_TITLE + self.height + GAP))
    }
}

/// The sheet as a picture: the original, then one tile per method with the value of its darkest
/// colour, and what the colours mean.
pub fn sheet(sheet: &Sheet<'_>) -> Result<RgbImage, FigureError> {
    let layout = Layout::new(sheet);
    let (width, height) = layout.size();
    let mut page = RgbImage::from_pixel(width, height, Rgb([255; 3]));
    let room = width - 2 * MARGIN;
    let label = |text: String, at, width, size, colour| Label { text, at, width, size, colour };
    let mut labels = vec![
        label(sheet.title.clone(), (MARGIN, 10), room, 20, BLACK),
        label(sheet.subtitle.clone(), (MARGIN, 34), room, 15, GREY),
    ];
    let mut tile = |i: usize, picture: &RgbImage, title: &str, below: String| {
        let (x, y) = layout.place(i);
        place(&mut page, picture, (x, y + TILE_TITLE), (layout.width, layout.height));
        labels.push(label(title.to_owned(), (x, y + 2), layout.width, 15, BLACK));
        labels.push(label(below, (x, y + 21), layout.width, 13, GREY));
    };
    let (w, h) = sheet.picture.dimensions();
    tile(0, sheet.picture, "picture", format!("{w}x{h} pixels"));
    for (i, (name, heat)) in sheet.maps.iter().enumerate() {
        let range = words(sheet.look.range(heat), sheet.look.colours.side);
        tile(i + 1, &picture(heat, &sheet.look), name, range);
    }
    labels.extend(legend(&mut page, &sheet.look, height - FOOTER + 8));
    plot::annotate(&mut page, &labels)?;
    Ok(page)
}

/// Writes a sheet as PNG, whole or not at all.
pub fn write(path: &Path, content: &Sheet<'_>) -> Result<(), FigureError> {
    plot::save(path, &plot::encode(&sheet(content)?)?)
}

/// Draws a picture enlarged by pixel repetition, in a thin frame.
fn place(page: &mut RgbImage, picture: &RgbImage, at: (u32, u32), size: (u32, u32)) {
    let large = imageops::resize(picture, size.0, size.1, imageops::FilterType::Nearest);
    let frame = RgbImage::from_pixel(size.0 + 2, size.1 + 2, Rgb([190; 3]));
    let (x, y) = (i64::from(at.0), i64::from(at.1));
    imageops::replace(page, &frame, x - 1, y - 1);
    imageops::replace(page, &large, x, y);
}

/// The colour scale with its meaning.
fn legend(page: &mut RgbImage, look: &Look, y: u32) -> Vec<Label> {
    const BAR: u32 = 160;
    let bar =
        RgbImage::from_fn(BAR, 14, |x, _| look.colours.colour(f64::from(x) / f64::from(BAR - 1)));
    let left = MARGIN + 118;
    imageops::replace(page, &bar, i64::from(left), i64::from(y));
    let room = page.width() - 2 * MARGIN;
    let label = |text: &str, x, y, width, colour| Label {
        text: text.to_owned(),
        at: (x, y),
        width,
        size: 14,
        colour,
    };
    let [first, last] = match look.colours.side {
        Side::Diverging => ["against the class", "for the class"],
        Side::Sequential => ["least relevant", "most relevant"],
    };
    vec![
        label(first, MARGIN, y, 116, BLACK),
        label(last, left + BAR + 10, y, 120, BLACK),
        label(&look.caption(), MARGIN, y + 24, room, GREY),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::geom::Shape;
    use ndarray::{Array2, array};

    #[test]
    fn rows_stay_rows() {
        let heat = array![[0.0, 1.0, 0.0], [0.0, 0.0, -1.0]];
        let look = Look::default();
        let picture = picture(&heat, &look);
        assert_eq!(picture.dimensions(), (3, 2));
        assert_eq!(
            (*picture.get_pixel(1, 0), *picture.get_pixel(2, 1)),
            (look.colours.colour(1.0), look.colours.colour(0.0))
        );
        let tensor = Tensor::new(Shape::new(3, 1, 2), vec![0.0, 0.5, 1.0, 2.0, -1.0, 0.2]);
        let rgb = rgb(&tensor);
        assert_eq!(rgb.as_raw()[..], [0, 128, 255, 255, 0, 51]);
        let grey = Tensor::new(Shape::new(1, 1, 1), vec![0.2]);
        assert_eq!(super::rgb(&grey).as_raw()[..], [51; 3]);
    }

    #[test]
    fn an_overlay_shows_the_picture_where_nothing_is_relevant() {
        let heat = array![[0.0, 1.0]];
        let picture = RgbImage::from_raw(2, 1, vec![255, 255, 255, 0, 0, 0]).unwrap();
        let look = Look::default();
        let page = overlay(&picture, &heat, &look);
        assert_eq!(page.get_pixel(0, 0).0, [255; 3]);
        let ink = look.colours.colour(1.0).0.map(|v| (f64::from(v) * 0.35).round() as u8);
        assert_eq!(page.get_pixel(1, 0).0, ink);
        let grey = Look { colours: "grey".parse().unwrap(), ..look };
        let mixed = overlay(&picture, &heat, &grey).get_pixel(0, 0).0[0];
        assert!((127..=128).contains(&mixed), "half of white, {mixed}");
    }

    /// A bump of relevance with a negative ring, noisy.
    fn heat(size: usize, at: f64) -> HeatMap {
        Array2::from_shape_fn((size, size), |(y, x)| {
            let d = |v: usize| (v as f64 / size as f64 - at) * 6.0;
            let r = d(y).powi(2) + d(x).powi(2);
            (1.0 - r) * (-r / 2.0).exp() * (1.0 + 0.5 * ((x * 7 + y * 13) as f64).sin())
        })
    }

    fn drawn(count: usize, size: usize, title: &str) -> RgbImage {
        let original = RgbImage::from_fn(size as u32, size as u32, |x, y| {
            Rgb([(x * 255 / size as u32) as u8, (y * 255 / size as u32) as u8, 120])
        });
        let maps: Vec<HeatMap> = (0..count).map(|i| heat(size, 0.2 + 0.07 * i as f64)).collect();
        let names: Vec<String> = (0..count)
            .map(|i| crate::demo::METHODS[i % 8].0.to_owned() + &":x=1".repeat(i / 8))
            .collect();
        let sheet = Sheet {
            title: title.to_owned(),
            subtitle: "predicted n01737021 water snake (9.31), labelled n01751748 sea snake"
                .to_owned(),
            picture: &original,
            maps: names.iter().map(String::as_str).zip(&maps).collect(),
            look: Look::default(),
        };
        super::sheet(&sheet).unwrap()
    }

    #[test]
    fn a_sheet_is_written_as_png() {
        let dir = tempfile::tempdir().unwrap();
        let (map, path) = (heat(8, 0.5), dir.path().join("sheet.png"));
        let original = picture(&map, &Look::default());
        let content = Sheet {
            title: "8".to_owned(),
            subtitle: String::new(),
            picture: &original,
            maps: vec![("gradient", &map)],
            look: Look::default(),
        };
        write(&path, &content).unwrap();
        assert_eq!(image::open(&path).unwrap().to_rgb8(), sheet(&content).unwrap());
    }

    #[test]
    fn sheets_fit_their_page_whatever_they_hold() {
        for (count, size, title) in [
            (8, 227, "ILSVRC2012_val_00000001.JPEG"),
            (1, 28, "7"),
            (0, 96, "none"),
            (17, 96, "17"),
            (2, 32, &*"long".repeat(90)),
        ] {
            let page = drawn(count, size, title);
            let (w, h) = page.dimensions();
            let white = |x, y| page.get_pixel(x, y).0 == [255; 3];
            assert!((0..w).all(|x| white(x, 0) && white(x, h - 1)), "{title}");
            assert!((0..h).all(|y| white(0, y) && white(w - 1, y)), "{title}");
        }
    }
}
