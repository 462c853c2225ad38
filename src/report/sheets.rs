//! Heat-map sheets of a few pictures of a run.

use super::{
    colours::Look,
    gallery::Exhibit,
    heatmap::{self, Sheet},
    labels::labels,
    plot::{FigureError, encode, save},
};
use image::RgbImage;
use rayon::prelude::*;
use std::{fs, path::Path};

/// Pictures that get a sheet.
pub const SHEETS: usize = 4;

/// Writes a sheet for each of a few exhibits, evenly spread, into `folder`. Methods that give
/// nothing are left out.
pub fn write(folder: &Path, exhibits: &[Exhibit], look: &Look) -> Result<(), FigureError> {
    let count = SHEETS.min(exhibits.len());
    let chosen: Vec<&Exhibit> = (0..count).map(|k| &exhibits[k * exhibits.len() / count]).collect();
    let io = |source| FigureError::Io { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(io)?;
    let one = |(k, exhibit): (usize, &Exhibit)| {
        let name = format!("{}-{}.png", k + 1, slug(&exhibit.image));
        save(&folder.join(name), &encode(&page(exhibit, look)?)?)
    };
    chosen.into_par_iter().enumerate().try_for_each(one)
}

fn page(exhibit: &Exhibit, look: &Look) -> Result<RgbImage, FigureError> {
    let names: Vec<&str> = exhibit.maps.iter().map(|m| m.method.as_str()).collect();
    let labels = labels(&names);
    let named = labels.iter().zip(&exhibit.maps);
    let maps = named.filter_map(|(label, map)| Some((label.as_str(), map.heat.as_ref()?)));
    heatmap::sheet(&Sheet {
        title: exhibit.image.clone(),
        subtitle: exhibit.note.clone(),
        picture: &heatmap::rgb(&exhibit.picture),
        maps: maps.collect(),
        look: *look,
    })
}

/// Letters of an id in a file name: file systems take some 250.
const LETTERS: usize = 100;

/// A file name without surprises, of the end of the id.
fn slug(id: &str) -> String {
    let stem = id.rsplit_once('.').map_or(id, |(stem, _)| stem);
    let left_out = stem.chars().count().saturating_sub(LETTERS);
    let letters = stem.chars().skip(left_out);
    letters.map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_file_names() {
        assert_eq!(slug("a b/../ü.x.JPEG"), "a-b------x");
        assert_eq!(slug("scenes/test/00017"), "scenes-test-00017");
        assert_eq!(slug(&format!("{}/17.png", "a".repeat(300))), format!("{}-17", "a".repeat(97)));
    }
}
