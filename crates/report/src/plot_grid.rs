//! Drawings with pictures in them, as PNG and SVG.

use crate::{
    data_url::png_url,
    drawing::Drawing,
    plot::{FigureError, encode},
    plot_drawing,
};
use image::{RgbImage, imageops, imageops::FilterType};
use std::fmt::Write as _;

/// A picture on a page; its longer side is as long as said.
pub struct Placed {
    /// Upper left corner.
    pub at: (f64, f64),
    /// Longer side in units.
    pub side: f64,
    /// The picture.
    pub image: RgbImage,
}

impl Placed {
    /// Width and height in units.
    fn size(&self) -> (f64, f64) {
        let (w, h) = (f64::from(self.image.width()), f64::from(self.image.height()));
        let longer = w.max(h);
        (self.side * w / longer, self.side * h / longer)
    }
}

/// The drawing as PNG at twice its nominal size, pictures on top. Small ones are enlarged pixel by pixel.
pub fn png(drawing: &Drawing, pictures: &[Placed]) -> Result<Vec<u8>, FigureError> {
    let page = plot_drawing::png(drawing)?;
    let mut page = image::load_from_memory(&page).map_err(FigureError::draw)?.to_rgb8();
    for placed in pictures {
        let (w, h) = placed.size();
        let (w, h) = ((2.0 * w).round() as u32, (2.0 * h).round() as u32);
        let enlarged = w >= placed.image.width();
        let filter = if enlarged { FilterType::Nearest } else { FilterType::Triangle };
        let image = imageops::resize(&placed.image, w.max(1), h.max(1), filter);
        let at = placed.at;
        imageops::replace(
            &mut page,
            &image,
            (2.0 * at.0).round() as i64,
            (2.0 * at.1).round() as i64,
        );
    }
    encode(&page)
}

/// The drawing as SVG, pictures inside.
pub fn svg(drawing: &Drawing, pictures: &[Placed]) -> Result<String, FigureError> {
    let page = plot_drawing::svg(drawing)?;
    let mut inside = String::new();
    for placed in pictures {
        let (w, h) = placed.size();
        let _ = writeln!(
            inside,
            "<image x=\"{:.1}\" y=\"{:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" style=\"image-rendering:pixelated\" \
             href=\"{}\"/>",
            placed.at.0,
            placed.at.1,
            png_url(&placed.image)?
        );
    }
    let end = page.rfind("</svg>").ok_or_else(|| FigureError::draw("the page has no end"))?;
    Ok(format!("{}{inside}{}", &page[..end], &page[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_lie_where_they_are_put() {
        let drawing = Drawing::new(200.0, 120.0, "", "");
        let mut image = RgbImage::new(2, 1);
        image.put_pixel(0, 0, image::Rgb([200, 0, 0]));
        let placed = [Placed { at: (50.0, 70.0), side: 40.0, image }];
        let page = image::load_from_memory(&png(&drawing, &placed).unwrap()).unwrap().to_rgb8();
        assert_eq!((page.width(), page.height()), (400, 240));
        // 80x40 pixels from (100, 140) on: a red and a black half
        assert_eq!(page.get_pixel(101, 141).0, [200, 0, 0]);
        assert_eq!(page.get_pixel(178, 178).0, [0, 0, 0]);
        assert_eq!(page.get_pixel(181, 150).0, [255; 3]);
        assert_eq!(page.get_pixel(120, 182).0, [255; 3]);
        let svg = svg(&drawing, &placed).unwrap();
        assert!(svg.contains("<image x=\"50.0\"") && svg.trim_end().ends_with("</svg>"));
    }
}
