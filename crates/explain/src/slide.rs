//! Heat maps of pictures that are larger than the network's input.

use super::HeatMap;
use crate::base::geom::Rect;
use ndarray::{Array2, s};

/// Windows of the network's input over a larger picture: from the top left in steps of the stride,
/// the last ones at the right and the lower edge, so that every pixel is seen.
#[derive(Clone, Debug)]
pub struct Slide {
    size: (usize, usize),
    rows: Vec<(usize, usize)>,
    columns: Vec<(usize, usize)>,
}

impl Slide {
    /// Windows of `window` = (height, width) over a picture of `size` pixels; `None` where the
    /// picture is smaller than a window, or the stride leaves gaps or is 0.
    pub fn new(size: (usize, usize), window: (usize, usize), stride: usize) -> Option<Slide> {
        let rows = spans(size.0, window.0, stride)?;
        Some(Slide { size, rows, columns: spans(size.1, window.1, stride)? })
    }

    /// All windows, row by row.
    pub fn windows(&self) -> impl Iterator<Item = Rect> + '_ {
        let row = |&(y0, y1): &(usize, usize)| {
            self.columns.iter().map(move |&(x0, x1)| Rect { y0, y1, x0, x1 })
        };
        self.rows.iter().flat_map(row)
    }

    /// For each pixel the mean over the windows that show it, given the heat map of each window in
    /// the order of [`Slide::windows`].
    pub fn mean<E>(&self, mut heat: impl FnMut(Rect) -> Result<HeatMap, E>) -> Result<HeatMap, E> {
        let mut sums = Array2::<(f64, u32)>::default(self.size);
        for rect in self.windows() {
            let heat = heat(rect)?;
            let mut part = sums.slice_mut(s![rect.y0..rect.y1, rect.x0..rect.x1]);
            part.zip_mut_with(&heat, |(sum, n), value| {
                *sum += *value;
                *n += 1;
            });
        }
        Ok(sums.mapv(|(sum, n)| sum / f64::from(n)))
    }
}

/// Half-open spans of `window` pixels that cover `0..size`, all of them inside.
fn spans(size: usize, window: usize, stride: usize) -> Option<Vec<(usize, usize)>> {
    if !(1..=window).contains(&stride) {
        return None;
    }
    let last = size.checked_sub(window)?;
    let starts = (0..last).step_by(stride).chain([last]);
    Some(starts.map(|start| (start, start + window)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn windows_lie_inside_and_reach_the_edges() {
        assert_eq!(spans(10, 4, 3), Some(vec![(0, 4), (3, 7), (6, 10)]));
        assert_eq!(spans(9, 4, 4), Some(vec![(0, 4), (4, 8), (5, 9)]));
        assert_eq!(spans(4, 4, 4), Some(vec![(0, 4)]));
        assert_eq!(spans(3, 4, 4), None);
        assert_eq!(spans(9, 4, 5), None);
        assert_eq!(spans(9, 4, 0), None);
    }

    #[test]
    fn a_pixel_gets_the_mean_of_the_windows_that_show_it() {
        // one row of three pixels, windows of two: values 1 and 3
        let slide = Slide::new((1, 3), (1, 2), 1).unwrap();
        let heat = |rect: Rect| {
            let value = if rect.x0 == 0 { 1.0 } else { 3.0 };
            Ok::<_, Infallible>(HeatMap::from_elem((1, 2), value))
        };
        let Ok(mean) = slide.mean(heat);
        assert_eq!(mean.into_raw_vec_and_offset().0, [1.0, 2.0, 3.0]);
    }
}
