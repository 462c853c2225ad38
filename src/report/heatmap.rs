//! Heat maps as pictures: alone, and side by side on a sheet.

use super::plot::{self, FigureError, Label};
use crate::{explain::HeatMap, nn::tensor::Tensor};
use image::{Rgb, RgbImage, imageops};
use std::path::Path;

/// Share of the pixels whose |relevance| lies inside the colour scale; the few largest saturate, so
/// that one pixel does not leave the rest white.
const INSIDE: f64 = 0.995;

/// Colours at relevance -1, -0.5, 0, 0.5 and 1 times the scale: dark blue, blue, white, red, dark
/// red. As far from white on both sides, and told apart by people who confuse red and green.
const COLOURS: [[f64; 3]; 5] = [
    [8.0, 38.0, 110.0],
    [92.0, 150.0, 214.0],
    [255.0, 255.0, 255.0],
    [236.0, 120.0, 84.0],
    [128.0, 8.0, 28.0],
];

/// What is not a number.
const NO_VALUE: Rgb<u8> = Rgb([200, 200, 200]);

/// The colour of a relevance value divided by the scale.
fn colour(value: f64) -> Rgb<u8> {
    if value.is_nan() {
        return NO_VALUE;
    }
    let at = (value.clamp(-1.0, 1.0) + 1.0) * 2.0;
    let below = (at.floor() as usize).min(COLOURS.len() - 2);
    let part = at - below as f64;
    let (a, b) = (COLOURS[below], COLOURS[below + 1]);
    Rgb(std::array::from_fn(|c| (a[c] + (b[c] - a[c]) * part).round() as u8))
}

/// The relevance that gets the darkest colour: the 99.5th percentile of |relevance|, or the largest
/// where fewer pixels than that are not 0. `None` when all are 0 or none is finite.
fn scale(heat: &HeatMap) -> Option<f64> {
    let finite = heat.iter().filter(|v| v.is_finite());
    let mut sizes: Vec<f64> = finite.map(|&v| f64::from(v).abs()).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    let largest = *sizes.last()?;
    let robust = sizes[((sizes.len() - 1) as f64 * INSIDE).floor() as usize];
    Some(if robust > 0.0 { robust } else { largest }).filter(|s| *s > 0.0)
}

/// A heat map as a picture of its own size: red speaks for the class, blue against it.
pub fn picture(heat: &HeatMap) -> RgbImage {
    let (height, width) = heat.dim();
    let scale = scale(heat).unwrap_or(1.0);
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        colour(f64::from(heat[[y as usize, x as usize]]) / scale)
    })
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
        let range = scale(heat).map_or("all zero".to_owned(), |s| format!("scale ±{}", short(s)));
        tile(i + 1, &picture(heat), name, range);
    }
    labels.extend(legend(&mut page, height - FOOTER + 8));
    plot::annotate(&mut page, &labels)?;
    Ok(page)
}

/// Three digits, with an exponent where there would be many zeros.
fn short(value: f64) -> String {
    match value.log10().floor() as i32 {
        magnitude @ -3..=3 => format!("{value:.*}", (2 - magnitude).max(0) as usize),
        _ => format!("{value:.2e}"),
    }
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
fn legend(page: &mut RgbImage, y: u32) -> Vec<Label> {
    const BAR: u32 = 160;
    let bar =
        RgbImage::from_fn(BAR, 14, |x, _| colour(f64::from(x) / f64::from(BAR - 1) * 2.0 - 1.0));
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
    let text = "Each map has its own scale: the 99.5th percentile of |relevance|.";
    vec![
        label("against the class", MARGIN, y, 116, BLACK),
        label("for the class", left + BAR + 10, y, 120, BLACK),
        label(text, MARGIN, y + 24, room, GREY),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::geom::Shape;
    use ndarray::{Array2, array};

    #[test]
    fn the_colours_are_symmetric_around_white() {
        assert_eq!(colour(0.0), Rgb([255; 3]));
        assert_eq!(colour(1.0), Rgb([128, 8, 28]));
        assert_eq!(colour(-1.0), Rgb([8, 38, 110]));
        assert_eq!(colour(7.0), colour(1.0), "larger values saturate");
        assert_eq!(colour(f64::NAN), NO_VALUE);
        let light = |v| colour(v).0.iter().map(|&c| i32::from(c)).sum::<i32>();
        for i in 1..=10 {
            let v = f64::from(i) / 10.0;
            assert!(light(v) < light(v - 0.1) && light(-v) < light(0.1 - v), "{v}");
            assert!((light(v) - light(-v)).abs() < 60, "{v}: as dark on both sides");
        }
    }

    #[test]
    fn a_few_huge_values_do_not_whiten_the_rest() {
        let mut heat = Array2::from_elem((100, 100), 1.0f32);
        (0..40).for_each(|i| heat[[0, i]] = -1e6);
        assert_eq!(scale(&heat), Some(1.0));
        let picture = picture(&heat);
        assert_eq!(*picture.get_pixel(50, 50), colour(1.0));
        assert_eq!(*picture.get_pixel(3, 0), colour(-1.0));
    }

    #[test]
    fn sparse_and_empty_maps_have_a_scale_or_none() {
        let mut heat = Array2::zeros((100, 100));
        assert_eq!(scale(&heat), None);
        assert_eq!(*picture(&heat).get_pixel(0, 0), Rgb([255; 3]));
        heat[[4, 5]] = -0.25;
        heat[[0, 0]] = f32::NAN;
        assert_eq!(scale(&heat), Some(0.25));
        assert_eq!(*picture(&heat).get_pixel(5, 4), colour(-1.0));
        assert_eq!(*picture(&heat).get_pixel(0, 0), NO_VALUE);
    }

    #[test]
    fn rows_stay_rows() {
        let heat = array![[0.0, 1.0, 0.0], [0.0, 0.0, -1.0]];
        let picture = picture(&heat);
        assert_eq!(picture.dimensions(), (3, 2));
        assert_eq!(
            (*picture.get_pixel(1, 0), *picture.get_pixel(2, 1)),
            (colour(1.0), colour(-1.0))
        );
        let tensor = Tensor::new(Shape::new(3, 1, 2), vec![0.0, 0.5, 1.0, 2.0, -1.0, 0.2]);
        let rgb = rgb(&tensor);
        assert_eq!(rgb.as_raw()[..], [0, 128, 255, 255, 0, 51]);
        let grey = Tensor::new(Shape::new(1, 1, 1), vec![0.2]);
        assert_eq!(super::rgb(&grey).as_raw()[..], [51; 3]);
    }

    #[test]
    fn scales_are_printed_with_three_digits() {
        let shown = [1.0961, 12.34, 1234.5, 0.001_234, 0.000_012_34, 1e7].map(short);
        assert_eq!(shown, ["1.10", "12.3", "1234", "0.00123", "1.23e-5", "1.00e7"]);
    }

    /// A bump of relevance with a negative ring, noisy.
    fn heat(size: usize, at: f32) -> HeatMap {
        Array2::from_shape_fn((size, size), |(y, x)| {
            let d = |v: usize| (v as f32 / size as f32 - at) * 6.0;
            let r = d(y).powi(2) + d(x).powi(2);
            (1.0 - r) * (-r / 2.0).exp() * (1.0 + 0.5 * ((x * 7 + y * 13) as f32).sin())
        })
    }

    fn drawn(count: usize, size: usize, title: &str) -> RgbImage {
        let original = RgbImage::from_fn(size as u32, size as u32, |x, y| {
            Rgb([(x * 255 / size as u32) as u8, (y * 255 / size as u32) as u8, 120])
        });
        let maps: Vec<HeatMap> = (0..count).map(|i| heat(size, 0.2 + 0.07 * i as f32)).collect();
        let names: Vec<String> = (0..count)
            .map(|i| crate::report::demo::METHODS[i % 8].0.to_owned() + &":x=1".repeat(i / 8))
            .collect();
        let sheet = Sheet {
            title: title.to_owned(),
            subtitle: "predicted n01737021 water snake (9.31), labelled n01751748 sea snake"
                .to_owned(),
            picture: &original,
            maps: names.iter().map(String::as_str).zip(&maps).collect(),
        };
        super::sheet(&sheet).unwrap()
    }

    #[test]
    fn a_sheet_is_written_as_png() {
        let dir = tempfile::tempdir().unwrap();
        let (map, path) = (heat(8, 0.5), dir.path().join("sheet.png"));
        let original = picture(&map);
        let content = Sheet {
            title: "8".to_owned(),
            subtitle: String::new(),
            picture: &original,
            maps: vec![("gradient", &map)],
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
