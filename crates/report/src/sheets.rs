//! Heat-map sheets of a few pictures of a run.

use super::{
    colours::Look,
    heatmap::{self, Sheet},
    plot::{FigureError, encode, save},
};
use crate::explain::labels::labels;
use crate::run::gallery::Exhibit;
use image::RgbImage;
use rayon::prelude::*;
use std::{fs, path::Path};

/// Pictures that get a sheet.
pub const SHEETS: usize = 4;

/// Writes a sheet for each of a few exhibits, evenly spread, into `folder`. Methods that give
/// nothing are left out. Sheets of an earlier end of the run, with other pictures, go.
pub fn write(folder: &Path, exhibits: &[Exhibit], look: &Look) -> Result<(), FigureError> {
    // texts are for reading: `texts.html` has them
    let exhibits: Vec<&Exhibit> = exhibits.iter().filter(|e| e.text.is_none()).collect();
    let count = SHEETS.min(exhibits.len());
    let chosen: Vec<&Exhibit> = (0..count).map(|k| exhibits[k * exhibits.len() / count]).collect();
    let io = |source| FigureError::Io { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(io)?;
    let name = |(k, exhibit): (usize, &&Exhibit)| format!("{}-{}.png", k + 1, slug(&exhibit.image));
    let names: Vec<String> = chosen.iter().enumerate().map(name).collect();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let found = entry.file_name().to_string_lossy().into_owned();
        if is_sheet(&found) && !names.contains(&found) {
            fs::remove_file(entry.path()).map_err(io)?;
        }
    }
    let one = |(name, exhibit): (&String, &Exhibit)| {
        save(&folder.join(name), &encode(&page(exhibit, look)?)?)
    };
    names.par_iter().zip(chosen).try_for_each(one)
}

/// True for names that [`write()`] gives.
fn is_sheet(name: &str) -> bool {
    let parts = name.strip_suffix(".png").and_then(|stem| stem.split_once('-'));
    parts.is_some_and(|(number, id)| {
        number.parse().is_ok_and(|n| (1..=SHEETS).contains(&n))
            && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    })
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
    fn sheets_are_known_by_their_names() {
        let all =
            ["1-a-b.png", "4-17.png", "5-a.png", "a-1.png", "1-a.b.png", "1-a.svg", "notes.png"];
        let ours: Vec<&str> = all.into_iter().filter(|name| is_sheet(name)).collect();
        assert_eq!(ours, ["1-a-b.png", "4-17.png"]);
    }

    #[test]
    fn ids_become_file_names() {
        assert_eq!(slug("a b/../ü.x.JPEG"), "a-b------x");
        assert_eq!(slug("scenes/test/00017"), "scenes-test-00017");
        assert_eq!(slug(&format!("{}/17.png", "a".repeat(300))), format!("{}-17", "a".repeat(97)));
    }
}
