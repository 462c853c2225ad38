//! Bounding boxes from a `boxes.csv` beside the pictures.
//!
//! Columns `image_id` or `file` (a picture's name, with or without its ending), `x0`, `y0`, `x1`,
//! `y1` in pixels, and optionally `orig_w`, `orig_h`: then the boxes were drawn in a picture of that
//! size, of which the picture at hand is a resized copy (whole, not cropped).

use super::{
    DataError,
    listing::Finder,
    sheet::{Sheet, SheetRow},
};
use crate::base::geom::{Rect, Shape};
use std::path::Path;

/// A box in an annotation file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    /// x0, y0, x1, y1 in pixels of the frame.
    corners: [f64; 4],
    /// Width and height of the picture that was annotated; none: those of the picture itself.
    frame: Option<[f64; 2]>,
}

impl Bounds {
    /// A box in a picture that was annotated at this size (width, height), or at its own.
    pub(super) fn new(corners: [f64; 4], frame: Option<[f64; 2]>) -> Bounds {
        Bounds { corners, frame }
    }

    /// Pixels of the annotated picture; for comparing boxes of one picture.
    pub(super) fn area(&self) -> f64 {
        let [x0, y0, x1, y1] = self.corners;
        (x1 - x0) * (y1 - y0)
    }

    /// The pixels that the box touches in a picture of `shape`.
    pub(super) fn pixels(&self, shape: Shape, path: &Path) -> Result<Rect, DataError> {
        let size = [shape.w as f64, shape.h as f64];
        let frame = self.frame.unwrap_or(size);
        let at = |k: usize| self.corners[k] * size[k % 2] / frame[k % 2];
        let [x0, y0, x1, y1] = [at(0).floor(), at(1).floor(), at(2).ceil(), at(3).ceil()];
        if within(&[x0, y0, x1, y1], size) {
            let [x0, y0, x1, y1] = [x0, y0, x1, y1].map(|v| v as usize);
            return Ok(Rect { y0, y1, x0, x1 });
        }
        let expected = format!("a box inside its {}x{} pixels (height x width)", shape.h, shape.w);
        Err(DataError::unexpected(path, expected, self.words()))
    }

    fn words(&self) -> String {
        let [x0, y0, x1, y1] = self.corners;
        format!("columns {x0} to {x1}, rows {y0} to {y1}")
    }
}

fn within([x0, y0, x1, y1]: &[f64; 4], [w, h]: [f64; 2]) -> bool {
    *x0 >= 0.0 && *y0 >= 0.0 && x0 < x1 && y0 < y1 && *x1 <= w && *y1 <= h
}

/// The boxes of a file.
pub(super) struct Boxes {
    /// Position of the picture, and one of its boxes.
    pub(super) found: Vec<(usize, Bounds)>,
    /// Rows about pictures that are not in the set.
    pub(super) others: usize,
}

impl Boxes {
    /// Reads a file about the pictures that `finder` knows.
    pub(super) fn read(path: &Path, finder: &Finder<'_>) -> Result<Boxes, DataError> {
        let sheet = Sheet::read(path)?;
        let name = sheet.optional("image_id").map_or_else(|| sheet.column("file"), Ok)?;
        let columns = Columns::of(&sheet)?;
        let mut boxes = Boxes { found: vec![], others: 0 };
        for row in &sheet.rows {
            let bounds = columns.read(&sheet, row)?;
            match finder.find(row.cell(name)) {
                Some(picture) => boxes.found.push((picture, bounds)),
                None => boxes.others += 1,
            }
        }
        Ok(boxes)
    }
}

struct Columns {
    corners: [usize; 4],
    frame: Option<[usize; 2]>,
}

impl Columns {
    fn of(sheet: &Sheet) -> Result<Columns, DataError> {
        let [x0, y0, x1, y1] = ["x0", "y0", "x1", "y1"].map(|name| sheet.column(name));
        let frame = match (sheet.optional("orig_w"), sheet.optional("orig_h")) {
            (None, None) => None,
            _ => Some([sheet.column("orig_w")?, sheet.column("orig_h")?]),
        };
        Ok(Columns { corners: [x0?, y0?, x1?, y1?], frame })
    }

    fn read(&self, sheet: &Sheet, row: &SheetRow) -> Result<Bounds, DataError> {
        let number = |column: usize| {
            let cell = row.cell(column);
            let value = cell.parse::<f64>().ok().filter(|v| v.is_finite());
            value.ok_or_else(|| sheet.wrong(row.line, "a number", format!("`{cell}`")))
        };
        let [x0, y0, x1, y1] = self.corners.map(number);
        let frame = match self.frame.map(|f| f.map(number)) {
            None => None,
            Some([w, h]) => Some([w?, h?]),
        };
        let bounds = Bounds { corners: [x0?, y0?, x1?, y1?], frame };
        if within(&bounds.corners, frame.unwrap_or([f64::INFINITY; 2])) {
            return Ok(bounds);
        }
        Err(sheet.wrong(row.line, "boxes inside their pictures", bounds.words()))
    }
}
